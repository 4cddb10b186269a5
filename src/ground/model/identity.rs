//! What a flow itself showed about whom it talked to.

use std::{
    collections::BTreeSet,
    hash::{BuildHasher, RandomState},
    sync::OnceLock,
};

use super::{
    cause::{Cause, Causes},
    field::Field,
    key::Side,
    limits,
    name::HostName,
    observation::{Observation, Value},
    packet::Ordinal,
    sighting::Sighting,
};

/// How an application was recognised. A stronger basis replaces a weaker one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Basis {
    /// Not at all.
    #[default]
    Unknown,
    /// By the port only: a hint.
    Port,
    /// By its first bytes.
    Signature,
    /// By reading it.
    Parsed,
}

impl Basis {
    /// The code in flow lines.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Port => "port",
            Self::Signature => "signature",
            Self::Parsed => "parsed",
        }
    }
}

/// Yes-or-no facts about a flow's content.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Marks(pub u32);

impl Marks {
    /// A ClientHello (TLS, DTLS, QUIC) was read to its end.
    pub const CLIENT_HELLO: Self = Self(1);
    /// A ServerHello was read, or the server's QUIC packets were opened.
    pub const SERVER_HELLO: Self = Self(1 << 1);
    /// A handshake that leads to encryption was seen: TLS, DTLS, QUIC, SSH key exchange, IKE.
    pub const HANDSHAKE: Self = Self(1 << 2);
    /// The opener sent encrypted records.
    pub const ENCRYPTED_OPENER: Self = Self(1 << 3);
    /// The answerer sent encrypted records.
    pub const ENCRYPTED_ANSWERER: Self = Self(1 << 4);
    /// ECH was offered.
    pub const ECH: Self = Self(1 << 5);
    /// The older encrypted SNI (0xffce) was offered.
    pub const ESNI: Self = Self(1 << 6);
    /// Application data of a recognised protocol went in the clear (what comes before STARTTLS does not count).
    pub const CLEARTEXT: Self = Self(1 << 7);
    /// A hello without any server name.
    pub const HELLO_WITHOUT_NAME: Self = Self(1 << 8);
    /// A certificate was read.
    pub const CERTIFICATE: Self = Self(1 << 9);
    /// The handshake went on without a certificate: resumption or pre-shared key.
    pub const RESUMED: Self = Self(1 << 10);
    /// STARTTLS or its like was accepted and TLS followed.
    pub const UPGRADED: Self = Self(1 << 11);
    /// The flow asked a proxy for a target (CONNECT, absolute form, SOCKS).
    pub const PROXIED: Self = Self(1 << 12);
    /// Bytes were read, and no protocol was recognised in them.
    pub const OPAQUE: Self = Self(1 << 13);
    /// An error reply or rejection ended the attempt inside the protocol.
    pub const REFUSED: Self = Self(1 << 14);
    /// The protocol moves files: SMB, FTP data, WebDAV, an HTTP answer with an attachment.
    pub const FILES: Self = Self(1 << 15);
    /// Early data (0-RTT) was sent.
    pub const EARLY_DATA: Self = Self(1 << 16);
    /// The server chose a version or a suite that is not to be used any more (RFC 8996, RFC 7465).
    pub const WEAK_TLS: Self = Self(1 << 17);

    /// What a verdict may rest on in a flow's favour.
    const SPEAKS_FOR: Self = Self(
        Self::SERVER_HELLO.0
            | Self::HANDSHAKE.0
            | Self::CERTIFICATE.0
            | Self::RESUMED.0
            | Self::UPGRADED.0
            | Self::REFUSED.0,
    );

    /// True when all bits of `other` are set.
    #[must_use]
    pub const fn has(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Adds the bits of `other`.
    pub const fn add(&mut self, other: Self) {
        self.0 |= other.0;
    }
}

/// How a named target was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TargetKind {
    /// CONNECT host:port.
    Connect,
    /// GET http://host/ …: a request in absolute form.
    AbsoluteForm,
    /// SOCKS 4a or 5.
    Socks,
}

/// What the proxy answered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Answer {
    /// Nothing was seen: counts as reached (RULES 32).
    #[default]
    Unseen,
    /// Refused: 4xx, 5xx or a SOCKS error, with its number.
    Refused(u16),
    /// Accepted.
    Accepted,
}

/// A target named inside a flow to a proxy, with what was read inside the tunnel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// How it was asked for.
    pub kind: TargetKind,
    /// The host as asked.
    pub host: HostName,
    /// The port; 80 is filled in for absolute `http` without one.
    pub port: Option<u16>,
    /// What the proxy said.
    pub answer: Answer,
    /// The frame that named it.
    pub at: Ordinal,
    /// Layer of the request itself (0 on the flow); names inside its tunnel have a higher layer.
    pub layer: u8,
}

/// What one flow showed about itself. Bounded; what is beyond the bound is counted and is a cause.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Identity {
    /// The outermost application, a lower-case word (`tls`, `http`, `ssh`); empty when unknown.
    pub app: &'static str,
    /// How it was recognised.
    pub basis: Basis,
    /// Applications found inside, outermost first (`http` then `tls` for CONNECT).
    pub inner_apps: Vec<&'static str>,
    /// Facts in the order they were read, each once.
    pub observations: Vec<Observation>,
    /// Targets asked of a proxy, in order.
    pub targets: Vec<Target>,
    /// What it told about others. Drained by the engine as it arises.
    pub sightings: Vec<Sighting>,
    /// Yes-or-no facts.
    pub marks: Marks,
    /// What weakens it.
    pub causes: Causes,
    /// The end that plays the client in the protocol, where the protocol shows it.
    pub client: Option<Side>,
    /// Facts that did not fit.
    pub lost: u32,
    /// How many of the facts are there to be shown only ([`Field::is_shown_only`]).
    shown: u16,
    /// Places of the facts behind their digests, once there are more than a few: a flow may state thousands, and each is
    /// looked for.
    index: BTreeSet<(u64, u16)>,
}

/// Facts that are compared one by one: a hello, its answer and a certificate state fewer.
const COMPARED_MAX: usize = 16;

/// The same thing said by the same end on the same layer; when, and whether by a variant, is what the first one says.
fn is_same(one: &Observation, other: &Observation) -> bool {
    one.field == other.field && one.side == other.side && one.layer == other.layer && one.value == other.value
}

/// Keyed at random in each process: nobody can make many facts look alike.
fn digest(observation: &Observation) -> u64 {
    static KEYED: OnceLock<RandomState> = OnceLock::new();
    let said = (observation.field, observation.side, observation.layer, &observation.value);
    KEYED.get_or_init(RandomState::new).hash_one(said)
}

impl Identity {
    /// Adds a fact unless it is there already; beyond the bound it is counted and `parser_limit` is noted.
    ///
    /// What is only shown has a bound of its own, and nothing but the count tells of its loss: the verdict is the same
    /// whether lines are written or not.
    pub fn add(&mut self, observation: Observation) {
        let digest = if self.observations.len() < COMPARED_MAX { 0 } else { digest(&observation) };
        if self.is_known(&observation, digest) {
            return;
        }
        let shown = usize::from(self.shown);
        let is_shown_only = observation.field.is_shown_only();
        let kin = if is_shown_only { shown } else { self.observations.len() - shown };
        if kin >= limits::OBSERVATIONS_PER_FLOW_MAX {
            self.lost = self.lost.saturating_add(1);
            if !is_shown_only {
                self.causes.add_with(Cause::ParserLimit, "observations");
            }
            return;
        }
        self.shown += u16::from(is_shown_only);
        let count = self.observations.len();
        self.observations.push(observation);
        match count {
            ..COMPARED_MAX => {}
            COMPARED_MAX => {
                self.index = (0..).zip(&self.observations).map(|(at, it)| (self::digest(it), at)).collect()
            }
            _ => _ = self.index.insert((digest, count as u16)),
        }
    }

    /// True while nothing was written down.
    #[must_use]
    pub fn is_blank(&self) -> bool {
        self.basis == Basis::Unknown
            && self.marks == Marks::default()
            && self.client.is_none()
            && self.causes.is_empty()
            && self.holds_little()
    }

    /// True where it holds no more than a few words of our own.
    #[must_use]
    pub fn holds_little(&self) -> bool {
        self.observations.is_empty()
            && self.targets.is_empty()
            && self.sightings.is_empty()
            && self.inner_apps.is_empty()
            && self.lost == 0
    }

    fn is_known(&self, observation: &Observation, digest: u64) -> bool {
        if self.observations.len() <= COMPARED_MAX {
            return self.observations.iter().any(|known| is_same(known, observation));
        }
        self.index
            .range((digest, 0)..=(digest, u16::MAX))
            .filter_map(|(_, place)| self.observations.get(usize::from(*place)))
            .any(|known| is_same(known, observation))
    }

    /// Every value of a field, in the order it was read.
    pub fn all(&self, field: Field) -> impl Iterator<Item = &Observation> {
        self.observations.iter().filter(move |observation| observation.field == field)
    }

    /// Every server name that was claimed, on any layer.
    pub fn names(&self, field: Field) -> impl Iterator<Item = &HostName> {
        self.all(field).filter_map(|observation| match &observation.value {
            Value::Name(name) | Value::Target { host: name, .. } | Value::Answer { name, .. } => Some(name),
            Value::Text(_) => None,
        })
    }
}

/// Where dissectors write what they read: one packet's pen.
#[derive(Debug)]
pub struct Notes<'a> {
    identity: &'a mut Identity,
    at: Ordinal,
    when: super::time::Timestamp,
    layer: u8,
    variant: bool,
    is_brief: bool,
}

impl<'a> Notes<'a> {
    /// A pen for one packet.
    pub const fn new(identity: &'a mut Identity, at: Ordinal, when: super::time::Timestamp) -> Self {
        Self { identity, at, when, layer: 0, variant: false, is_brief: false }
    }

    /// The same pen, which leaves out what is only shown when nothing will be.
    #[must_use]
    pub const fn shown(self, is_shown: bool) -> Self {
        Self { is_brief: !is_shown, ..self }
    }

    /// The same pen, writing on another layer.
    pub const fn on_layer(&mut self, layer: u8) -> Notes<'_> {
        Notes { identity: self.identity, layer, ..*self }
    }

    /// The same pen, for a variant of conflicting bytes.
    pub const fn as_variant(&mut self) -> Notes<'_> {
        Notes { identity: self.identity, variant: true, ..*self }
    }

    /// False when this kind of fact is left out: it need not even be worked out.
    #[must_use]
    pub const fn wants(&self, field: Field) -> bool {
        !(self.is_brief && field.is_shown_only())
    }

    /// The frame being read.
    #[must_use]
    pub const fn at(&self) -> Ordinal {
        self.at
    }

    /// Its stamp.
    #[must_use]
    pub const fn when(&self) -> super::time::Timestamp {
        self.when
    }

    /// The layer being read.
    #[must_use]
    pub const fn layer(&self) -> u8 {
        self.layer
    }

    /// Writes a fact down.
    pub fn add(&mut self, field: Field, value: Value, side: Side) {
        if !self.wants(field) {
            return;
        }
        let (at, layer, variant) = (self.at, self.layer, self.variant);
        self.identity.add(Observation { field, value, at, side, layer, variant });
    }

    /// Writes a name down.
    pub fn name(&mut self, field: Field, raw: &[u8], side: Side) {
        if !self.wants(field) {
            return;
        }
        self.add(field, Value::Name(HostName::new(raw)), side);
    }

    /// Writes bytes down, cut to the longest text that is kept.
    pub fn text(&mut self, field: Field, raw: &[u8], side: Side) {
        if !self.wants(field) {
            return;
        }
        let kept = raw.get(..limits::TEXT_LEN_MAX).unwrap_or(raw);
        self.add(field, Value::Text(kept.into()), side);
    }

    /// Sets a mark. What a variant shows may convict and never acquits: it leaves out what speaks for a flow.
    pub const fn mark(&mut self, mark: Marks) {
        let kept = if self.variant { mark.0 & !Marks::SPEAKS_FOR.0 } else { mark.0 };
        self.identity.marks.add(Marks(kept));
    }

    /// Notes a cause.
    pub fn cause(&mut self, cause: Cause, argument: &str) {
        self.identity.causes.add_with(cause, argument);
    }

    /// Says which end plays the client. The first word stands; a variant has none.
    pub fn client(&mut self, side: Side) {
        if !self.variant {
            self.identity.client.get_or_insert(side);
        }
    }

    /// Says what the application is; a stronger basis replaces a weaker one, layers inside are listed.
    pub fn app(&mut self, app: &'static str, basis: Basis) {
        if self.variant {
            return;
        }
        if self.layer == 0 {
            if basis >= self.identity.basis {
                self.identity.app = app;
                self.identity.basis = basis;
            }
        } else if self.identity.inner_apps.last() != Some(&app)
            && self.identity.inner_apps.len() < limits::INNER_APPS_MAX
        {
            self.identity.inner_apps.push(app);
        }
    }

    /// Adds a target asked of a proxy; gives its place for [`Notes::answer`].
    pub fn target(&mut self, kind: TargetKind, host: HostName, port: Option<u16>) -> usize {
        self.mark(Marks::PROXIED);
        let targets = &mut self.identity.targets;
        if targets.len() >= limits::TARGETS_PER_FLOW_MAX {
            self.identity.causes.add(Cause::ProxyTargetHidden);
            self.identity.lost = self.identity.lost.saturating_add(1);
            return usize::MAX;
        }
        targets.push(Target { kind, host, port, answer: Answer::Unseen, at: self.at, layer: self.layer });
        targets.len() - 1
    }

    /// Writes down what the proxy answered for a target.
    pub fn answer(&mut self, target: usize, answer: Answer) {
        // A refusal that only a variant holds refuses nothing.
        if self.variant && matches!(answer, Answer::Refused(_)) {
            return;
        }
        if let Some(target) = self.identity.targets.get_mut(target) {
            target.answer = answer;
        }
    }

    /// Tells what the flow says about others (DNS answers, host names).
    pub fn sighting(&mut self, sighting: Sighting) {
        if self.variant {
            return;
        }
        if self.identity.sightings.len() < limits::SIGHTINGS_PER_FLOW_MAX {
            self.identity.sightings.push(sighting);
        } else {
            self.identity.lost = self.identity.lost.saturating_add(1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ground::model::time::Timestamp;

    #[test]
    fn a_variant_speaks_against_a_flow_and_never_for_it() {
        let mut identity = Identity::default();
        let mut notes = Notes::new(&mut identity, Ordinal(1), Timestamp::default());
        let mut notes = notes.as_variant();
        let target = notes.target(TargetKind::Connect, HostName::new(b"a.example"), Some(443));
        notes.answer(target, Answer::Refused(403));
        [Marks::HANDSHAKE, Marks::REFUSED, Marks::CLEARTEXT].into_iter().for_each(|mark| notes.mark(mark));
        notes.client(Side::Answerer);
        assert_eq!((identity.marks, identity.client), (Marks(Marks::CLEARTEXT.0 | Marks::PROXIED.0), None));
        assert_eq!(identity.targets[0].answer, Answer::Unseen);
    }

    #[test]
    fn a_fact_is_kept_once_and_the_bound_is_a_cause() {
        let mut identity = Identity::default();
        let mut notes = Notes::new(&mut identity, Ordinal(1), Timestamp::default());
        for _ in 0..3 {
            notes.name(Field::Sni, b"a.example", Side::Opener);
        }
        assert_eq!(identity.observations.len(), 1);
        let mut notes = Notes::new(&mut identity, Ordinal(2), Timestamp::default());
        for number in 0..limits::OBSERVATIONS_PER_FLOW_MAX {
            notes.name(Field::Sni, format!("n{number}.example").as_bytes(), Side::Opener);
        }
        assert_eq!(identity.lost, 1);
        assert!(identity.causes.has(Cause::ParserLimit));
    }

    #[test]
    fn what_is_only_shown_takes_no_room_from_what_decides_and_leaves_no_trace_where_nothing_is_shown() {
        let read = |is_shown: bool| {
            let mut identity = Identity::default();
            let mut notes = Notes::new(&mut identity, Ordinal(1), Timestamp::default()).shown(is_shown);
            for number in 0..2 * limits::OBSERVATIONS_PER_FLOW_MAX {
                notes.text(Field::Ja4, number.to_string().as_bytes(), Side::Opener);
            }
            notes.name(Field::Sni, b"a.example", Side::Opener);
            identity
        };
        let (shown, brief) = (read(true), read(false));
        assert_eq!(shown.all(Field::Ja4).count(), limits::OBSERVATIONS_PER_FLOW_MAX);
        assert_eq!((shown.lost as usize, brief.observations.len()), (limits::OBSERVATIONS_PER_FLOW_MAX, 1));
        assert!(shown.names(Field::Sni).eq(brief.names(Field::Sni)));
        assert_eq!((shown.causes, shown.marks), (brief.causes, brief.marks));
    }
}
