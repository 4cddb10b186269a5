//! The reading of one flow, layer inside layer: probing → reading → settled.

use super::probe::{self, Found, Probing};
use crate::{
    ground::model::{
        address::Transport,
        cause::Cause,
        identity::{Basis, Identity, Marks, Notes},
        key::Side,
        limits,
    },
    wire::proto::dissector::{Dissector, Next, Protocol, Switch},
};

/// Where the reading stands.
enum State {
    /// No protocol has claimed the bytes yet.
    Probing(Probing),
    /// A protocol reads them.
    Reading(&'static Protocol, Box<dyn Dissector>),
    /// No further byte is needed.
    Settled,
}

/// What there is to remember of a flow of which nobody has claimed a byte, beside the bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unclaimed {
    /// Datagrams so far.
    strange: u8,
    /// Who began to speak.
    first: Side,
    /// How many bytes were said in turn, up to the first 0.
    turns: [u8; Self::TURNS],
}

impl Default for Unclaimed {
    fn default() -> Self {
        Self { strange: 0, first: Side::Opener, turns: [0; Self::TURNS] }
    }
}

impl Unclaimed {
    /// Two or three turns show what most protocols are.
    const TURNS: usize = 6;

    fn of(strange: u8, order: &[(Side, usize)]) -> Option<Self> {
        let first = order.first().map_or(Side::Opener, |(side, _)| *side);
        let mut unclaimed = Self { strange, first, ..Self::default() };
        let sides = [first, first.other()].into_iter().cycle();
        let mut places = unclaimed.turns.iter_mut().zip(sides);
        for (side, len) in order {
            // Where a hole hid one end's turn, the other one has two in a row.
            let (place, _) = places.next().filter(|(_, turn)| turn == side)?;
            *place = u8::try_from(*len).ok()?;
        }
        Some(unclaimed)
    }

    fn order(self) -> impl Iterator<Item = (Side, usize)> {
        let sides = [self.first, self.first.other()].into_iter().cycle();
        sides.zip(self.turns).take_while(|(_, len)| *len > 0).map(|(side, len)| (side, usize::from(len)))
    }

    /// True when an end of a stream has spoken.
    #[must_use]
    pub const fn has_bytes(&self) -> bool {
        self.turns[0] > 0
    }
}

/// What the ports of a flow hint at whose bytes nobody knew.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PortHint(Option<u8>);

impl PortHint {
    /// The ports hint at nothing.
    pub const NONE: Self = Self(None);

    /// The hint of a flow that showed nothing else; `None` for every other one.
    #[must_use]
    pub fn of(identity: &Identity) -> Option<Self> {
        let is_plain = identity.marks == Marks::OPAQUE
            && identity.holds_little()
            && identity.causes.is_empty()
            && identity.client.is_none();
        match identity.basis {
            _ if !is_plain => None,
            Basis::Unknown => Some(Self(None)),
            Basis::Port => {
                let number = PORT_HINTS.iter().position(|(_, _, app)| *app == identity.app)?;
                Some(Self(Some(u8::try_from(number).ok()?)))
            }
            Basis::Signature | Basis::Parsed => None,
        }
    }

    /// The application and on what it rests.
    #[must_use]
    pub fn told(self) -> (&'static str, Basis) {
        let hint = self.0.and_then(|number| PORT_HINTS.get(usize::from(number)));
        hint.map_or(("", Basis::Unknown), |(_, _, app)| (app, Basis::Port))
    }
}

/// The reading of one flow.
///
/// ```text
/// let mut inspection = Inspection::new(Transport::TCP, [49152, 443]);
/// inspection.bytes(payload, Side::Opener, &mut notes);
/// if !inspection.needs_bytes() { /* the stream may be dropped */ }
/// inspection.finish(&mut notes);
/// ```
pub struct Inspection {
    transport: Transport,
    /// Ports of the opener and the answerer.
    ports: [u16; 2],
    /// How deep inside the flow the reading is.
    layer: u8,
    state: State,
    /// Datagrams that no protocol claimed.
    strange: u8,
    /// Some protocol was recognised on the flow itself.
    is_known: bool,
}

impl std::fmt::Debug for Inspection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let state = match &self.state {
            State::Probing(_) => "probing",
            State::Reading(protocol, _) => protocol.name,
            State::Settled => "settled",
        };
        write!(f, "Inspection({} layer {}: {state})", self.transport, self.layer)
    }
}

impl Inspection {
    /// A flow of which nothing was read. `ports` are the opener's and the answerer's: a hint, and nothing else.
    #[must_use]
    pub const fn new(transport: Transport, ports: [u16; 2]) -> Self {
        let state = State::Probing(Probing::new(None));
        Self { transport, ports, layer: 0, state, strange: 0, is_known: false }
    }

    /// A flow that was settled begins something new (RULES 24): it is read from scratch, and what was recognised before
    /// stays recognised.
    #[must_use]
    pub fn anew(transport: Transport, ports: [u16; 2], is_known: bool) -> Self {
        Self { is_known, ..Self::new(transport, ports) }
    }

    /// Begins anew with the buffers it has, as [`Inspection::new`].
    pub fn begin(&mut self, transport: Transport, ports: [u16; 2]) {
        let mut probing = match std::mem::replace(&mut self.state, State::Settled) {
            State::Probing(probing) => probing,
            State::Reading(..) | State::Settled => Probing::new(None),
        };
        probing.clear();
        *self = Self { state: State::Probing(probing), ..Self::new(transport, ports) };
    }

    /// How far a reading has come that holds nothing but the bytes that were said, if so much: whoever still has those bytes
    /// may let the inspection go and take it up later.
    #[must_use]
    pub fn unclaimed(&self) -> Option<Unclaimed> {
        let State::Probing(probing) = &self.state else { return None };
        let order = probing.order().filter(|_| self.layer == 0 && !self.is_known)?;
        Unclaimed::of(self.strange, order)
    }

    /// Takes up where [`Inspection::unclaimed`] left off, but for the bytes: [`Inspection::give_back`] gives them, all of one
    /// end at once.
    pub fn take_up(&mut self, unclaimed: Unclaimed) {
        self.strange = unclaimed.strange;
        if let State::Probing(probing) = &mut self.state {
            probing.set_order(unclaimed.order());
        }
    }

    /// Gives back what one end of a stream had said.
    pub fn give_back(&mut self, bytes: &[u8], side: Side) {
        if let State::Probing(probing) = &mut self.state {
            probing.give_back(bytes, side);
        }
    }

    /// Some protocol was recognised on the flow itself.
    #[must_use]
    pub const fn is_known(&self) -> bool {
        self.is_known
    }

    /// False once no later byte can change what was read: the engine may stop the streams.
    #[must_use]
    pub const fn needs_bytes(&self) -> bool {
        !matches!(self.state, State::Settled)
    }

    /// Reads the next bytes of one end: of a stream in sequence and cut anywhere, else one whole datagram.
    pub fn bytes(&mut self, chunk: &[u8], side: Side, notes: &mut Notes<'_>) {
        if chunk.is_empty() {
            return;
        }
        if self.transport == Transport::TCP {
            let switched = self.stream(chunk, side, notes);
            self.descend(switched, notes);
        } else {
            self.datagram(chunk, side, notes);
        }
    }

    /// `missing` bytes of one end were never seen.
    pub fn gap(&mut self, missing: u64, side: Side, notes: &mut Notes<'_>) {
        // A reader that hands over at a hole leaves the hole to the reader inside: one layer deeper with each turn.
        for _ in 0..=limits::LAYERS_PER_FLOW_MAX {
            let switched = match &mut self.state {
                State::Settled => return,
                State::Probing(probing) => return probing.forget(side),
                State::Reading(_, reader) => {
                    let next = reader.gap(missing, side, &mut notes.on_layer(self.layer));
                    // The hole itself is already a cause of the flow; a reader that gives up on it adds none.
                    self.follow(next)
                }
            };
            let Some(switch) = switched else { return };
            self.descend(Some(switch), notes);
        }
    }

    /// Reads a variant of conflicting bytes from the beginning of both streams, with readers of its own.
    ///
    /// What it finds is written down as a variant: it may convict and never acquits (RULES and THREATS R01).
    pub fn variant(&self, side: Side, prefix: &[u8], other_prefix: Option<&[u8]>, notes: &mut Notes<'_>) {
        let mut fresh = Self::new(self.transport, self.ports);
        let mut notes = notes.as_variant();
        fresh.bytes(prefix, side, &mut notes);
        fresh.bytes(other_prefix.unwrap_or_default(), side.other(), &mut notes);
        fresh.finish(&mut notes);
    }

    /// The flow is over: what was begun is noted, and what waited for an answer is read as if it had come.
    pub fn finish(&mut self, notes: &mut Notes<'_>) {
        // Each turn goes one layer deeper or ends.
        for _ in 0..=u16::from(limits::LAYERS_PER_FLOW_MAX) * 2 {
            let switched = match &mut self.state {
                State::Settled => return,
                State::Reading(_, reader) => {
                    let notes = &mut notes.on_layer(self.layer);
                    let switched = reader.unanswered();
                    reader.finish(notes);
                    self.state = State::Settled;
                    switched
                }
                State::Probing(probing) if probing.is_empty() => {
                    self.state = State::Settled;
                    if self.strange > 0 && !self.is_known {
                        self.opaque(notes);
                    }
                    return;
                }
                State::Probing(_) => self.probe(true, notes),
            };
            self.descend(switched, notes);
        }
    }

    /// One end's next stream bytes. `Some` when the rest of the flow is another protocol.
    fn stream(&mut self, chunk: &[u8], side: Side, notes: &mut Notes<'_>) -> Option<Switch> {
        match &mut self.state {
            State::Settled => None,
            State::Reading(protocol, reader) => {
                let name = protocol.name;
                let notes = &mut notes.on_layer(self.layer);
                let next = reader.bytes(chunk, side, notes);
                if next == Next::Broken {
                    notes.cause(Cause::NotTheExpectedProtocol, name);
                }
                self.follow(next)
            }
            State::Probing(probing) => {
                let ports = if self.layer == 0 { self.ports } else { [0, 0] };
                // The usual case: the first bytes tell, and nothing has to be kept.
                if probing.is_fresh()
                    && let Found::Protocol(protocol) = probe::ask(self.transport, ports, chunk, side, false)
                {
                    self.open(protocol, notes);
                    return self.stream(chunk, side, notes);
                }
                probing.keep(chunk, side);
                self.probe(false, notes)
            }
        }
    }

    /// Gives the flow to a protocol.
    fn open(&mut self, protocol: &'static Protocol, notes: &mut Notes<'_>) {
        self.is_known = true;
        notes.on_layer(self.layer).app(protocol.name, Basis::Signature);
        self.state = State::Reading(protocol, (protocol.open)());
    }

    fn follow(&mut self, next: Next) -> Option<Switch> {
        match next {
            Next::More => None,
            Next::Settled | Next::Broken => {
                self.state = State::Settled;
                None
            }
            Next::Switch(switch) => Some(switch),
        }
    }

    /// Asks the protocols about what was kept, and gives it to the one that claims it.
    fn probe(&mut self, is_last: bool, notes: &mut Notes<'_>) -> Option<Switch> {
        // The ports belong to the outermost protocol; inside a tunnel they say nothing.
        let ports = if self.layer == 0 { self.ports } else { [0, 0] };
        let State::Probing(probing) = &mut self.state else { return None };
        let mut found = probing.ask(self.transport, ports, is_last);
        if let (Found::Nothing, Some(_)) = (found, probing.expected) {
            // Plain commands behind STARTTLS, another protocol behind a promised one (THREATS R21, R84).
            notes.cause(Cause::NotTheExpectedProtocol, "after upgrade");
            probing.expected = None;
            found = probing.ask(self.transport, ports, is_last);
        }
        match found {
            Found::Wait => {
                probing.let_go();
                None
            }
            Found::Nothing => {
                self.state = State::Settled;
                self.opaque(notes);
                None
            }
            Found::Protocol(protocol) => {
                let probing = std::mem::take(probing);
                if probing.expected == Some("tls") {
                    notes.mark(Marks::UPGRADED);
                }
                self.replay(protocol, &probing, notes)
            }
        }
    }

    fn replay(
        &mut self,
        protocol: &'static Protocol,
        kept: &Probing,
        notes: &mut Notes<'_>,
    ) -> Option<Switch> {
        self.open(protocol, notes);
        let mut switched: Option<Switch> = None;
        for (side, bytes) in kept.stretches() {
            match &mut switched {
                None => switched = self.stream(bytes, side, notes),
                Some(switch) => {
                    let [opener, answerer] = &mut switch.rest;
                    if side == Side::Opener { opener } else { answerer }.extend_from_slice(bytes);
                }
            }
        }
        switched
    }

    /// Goes one layer deeper for each switch: a loop, for the depth is a stranger's choice.
    fn descend(&mut self, mut switched: Option<Switch>, notes: &mut Notes<'_>) {
        while let Some(switch) = switched.take() {
            if self.layer >= limits::LAYERS_PER_FLOW_MAX {
                notes.cause(Cause::DepthLimit, "protocols");
                self.state = State::Settled;
                return;
            }
            self.layer += 1;
            let mut probing = Probing::new(switch.to);
            let [opener, answerer] = &switch.rest;
            probing.keep(opener, Side::Opener);
            probing.keep(answerer, Side::Answerer);
            let is_empty = probing.is_empty();
            self.state = State::Probing(probing);
            if !is_empty {
                switched = self.probe(false, notes);
            }
        }
    }

    /// One datagram. A flow of datagrams may hold several conversations, so one that is not understood ends nothing.
    fn datagram(&mut self, datagram: &[u8], side: Side, notes: &mut Notes<'_>) {
        let mut left = None;
        if let State::Reading(protocol, reader) = &mut self.state {
            let next = reader.bytes(datagram, side, notes);
            match next {
                Next::More => return,
                Next::Settled => return self.state = State::Settled,
                // No datagram protocol of ours switches; what one leaves is asked about anew.
                Next::Broken | Next::Switch(_) => left = Some(*protocol),
            }
            self.state = State::Probing(Probing::default());
        }
        if !matches!(self.state, State::Probing(_)) {
            return;
        }
        match probe::ask(self.transport, self.ports, datagram, side, true) {
            Found::Protocol(protocol) if left.is_none_or(|left| !std::ptr::eq(left, protocol)) => {
                self.is_known = true;
                notes.app(protocol.name, Basis::Signature);
                if self.strange > 0 {
                    notes.cause(Cause::NotTheExpectedProtocol, "datagram");
                }
                let mut reader = (protocol.open)();
                self.state = match reader.bytes(datagram, side, notes) {
                    Next::More => State::Reading(protocol, reader),
                    Next::Settled => State::Settled,
                    Next::Broken | Next::Switch(_) => return self.strange(notes),
                };
            }
            _ => self.strange(notes),
        }
    }

    /// Counts a datagram that nobody claimed; too many of them end the reading.
    fn strange(&mut self, notes: &mut Notes<'_>) {
        self.strange = self.strange.saturating_add(1);
        if self.is_known {
            notes.cause(Cause::NotTheExpectedProtocol, "datagram");
        }
        if self.strange >= limits::PROBE_DATAGRAMS_MAX {
            self.state = State::Settled;
            if !self.is_known {
                self.opaque(notes);
            }
        }
    }

    /// Bytes were read and nobody knows them. Only ports without any reader of ours are named, and only as a hint.
    fn opaque(&self, notes: &mut Notes<'_>) {
        notes.mark(Marks::OPAQUE);
        let [opener, answerer] = self.ports;
        let hint = [answerer, opener].into_iter().find_map(|port| {
            PORT_HINTS.iter().find(|(transport, known, _)| *transport == self.transport && *known == port)
        });
        if let (0, Some((_, _, app))) = (self.layer, hint) {
            notes.app(app, Basis::Port);
        }
    }
}

/// Services that have no reader here (IANA service names). A protocol that has one and was not recognised is not
/// guessed by its port: an opaque flow on 443 is no TLS.
const PORT_HINTS: &[(Transport, u16, &str)] = &[
    (Transport::TCP, 1433, "mssql"),
    (Transport::TCP, 1521, "oracle"),
    (Transport::TCP, 2049, "nfs"),
    (Transport::TCP, 9100, "printer"),
    (Transport::UDP, 69, "tftp"),
    (Transport::UDP, 1812, "radius"),
    (Transport::UDP, 2055, "netflow"),
    (Transport::UDP, 4739, "ipfix"),
    (Transport::UDP, 6343, "sflow"),
];

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::ground::model::{field::Field, identity::Answer, packet::Ordinal, time::Timestamp};

    const UP: Side = Side::Opener;
    const DOWN: Side = Side::Answerer;

    /// Reads a conversation, each part cut into pieces of `piece` bytes.
    fn read_cut(parts: &[(Side, &[u8])], piece: usize) -> Identity {
        let mut identity = Identity::default();
        let mut notes = Notes::new(&mut identity, Ordinal(1), Timestamp::default());
        let mut inspection = Inspection::new(Transport::TCP, [49_152, 8_080]);
        for (side, bytes) in parts {
            for chunk in bytes.chunks(piece) {
                inspection.bytes(chunk, *side, &mut notes);
            }
        }
        inspection.finish(&mut notes);
        identity
    }

    fn read(parts: &[(Side, &[u8])]) -> Identity {
        let whole = read_cut(parts, usize::MAX);
        for piece in [1, 2, 3, 7, 16] {
            assert_eq!(read_cut(parts, piece), whole, "in pieces of {piece}");
        }
        whole
    }

    fn hosts(identity: &Identity) -> Vec<(u8, String)> {
        let text = |name: &[u8]| String::from_utf8(name.to_vec()).unwrap();
        identity
            .all(Field::HttpHost)
            .map(|fact| match &fact.value {
                crate::ground::model::observation::Value::Name(name)
                | crate::ground::model::observation::Value::Target { host: name, .. } => {
                    (fact.layer, text(name.bytes()))
                }
                other => panic!("{other:?}"),
            })
            .collect()
    }

    #[test]
    fn what_a_tunnel_carries_is_read_one_layer_deeper_and_nested_tunnels_deeper_still() {
        let identity = read(&[
            (UP, b"CONNECT relay.example:3128 HTTP/1.1\r\nHost: relay.example:3128\r\n\r\n"),
            (DOWN, b"HTTP/1.1 200 Connection established\r\n\r\n"),
            (UP, b"CONNECT inner.example:80 HTTP/1.1\r\n\r\n"),
            (DOWN, b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"),
            (UP, b"GET / HTTP/1.1\r\nHost: deepest.example\r\n\r\n"),
            (DOWN, b"HTTP/1.1 204 No Content\r\n\r\n"),
        ]);
        let targets: Vec<_> =
            identity.targets.iter().map(|t| (t.host.bytes(), t.port, t.answer, t.layer)).collect();
        assert_eq!(
            targets,
            [
                (&b"relay.example"[..], Some(3128), Answer::Accepted, 0),
                (b"inner.example", Some(80), Answer::Accepted, 1),
            ]
        );
        assert_eq!(hosts(&identity), [(2, "deepest.example".into())]);
        assert_eq!((identity.app, identity.inner_apps.as_slice()), ("http", &["http"][..]));
        assert!(identity.causes.is_empty(), "{:?}", identity.causes);
    }

    #[test]
    fn a_tunnel_whose_answer_was_never_seen_is_read_all_the_same() {
        let identity = read(&[
            (UP, b"CONNECT relay.example:80 HTTP/1.1\r\n\r\n"),
            (UP, b"GET / HTTP/1.1\r\nHost: inner.example\r\n\r\n"),
        ]);
        assert_eq!(identity.targets[0].answer, Answer::Unseen);
        assert_eq!(hosts(&identity), [(1, "inner.example".into())]);
    }

    #[test]
    fn a_tunnel_whose_answer_fell_into_a_hole_is_read_from_there() {
        let mut identity = Identity::default();
        let mut notes = Notes::new(&mut identity, Ordinal(1), Timestamp::default());
        let mut inspection = Inspection::new(Transport::TCP, [49_152, 3_128]);
        inspection.bytes(b"CONNECT relay.example:80 HTTP/1.1\r\n\r\n", UP, &mut notes);
        inspection.gap(39, DOWN, &mut notes);
        inspection.bytes(b"GET / HTTP/1.1\r\nHost: inner.example\r\n\r\n", UP, &mut notes);
        inspection.gap(7, UP, &mut notes);
        assert!(!inspection.needs_bytes());
        assert_eq!(
            (identity.targets[0].answer, hosts(&identity)),
            (Answer::Unseen, vec![(1, "inner.example".into())])
        );
    }

    #[test]
    fn tunnels_in_tunnels_end_at_the_bound_with_a_cause() {
        let mut parts: Vec<(Side, &[u8])> = Vec::new();
        for _ in 0..12 {
            parts.push((UP, b"CONNECT relay.example:80 HTTP/1.1\r\n\r\n"));
            parts.push((DOWN, b"HTTP/1.1 200 OK\r\n\r\n"));
        }
        let identity = read(&parts);
        assert!(identity.causes.has(Cause::DepthLimit));
        assert_eq!(identity.targets.len(), usize::from(limits::LAYERS_PER_FLOW_MAX) + 1);
    }

    #[test]
    fn bytes_that_nobody_knows_are_opaque_and_a_port_is_only_a_hint() {
        let identity = read(&[(UP, &[0xee; 3000]), (DOWN, &[0xdd; 3000])]);
        assert!(identity.marks.has(Marks::OPAQUE));
        assert_eq!((identity.app, identity.basis), ("", Basis::Unknown));
        let mut identity = Identity::default();
        let mut notes = Notes::new(&mut identity, Ordinal(1), Timestamp::default());
        let mut inspection = Inspection::new(Transport::TCP, [40_000, 9_100]);
        inspection.bytes(&[0xee; 2000], UP, &mut notes);
        inspection.bytes(&[0xee; 2000], DOWN, &mut notes);
        assert!(!inspection.needs_bytes());
        assert_eq!((identity.app, identity.basis), ("printer", Basis::Port));
    }

    #[test]
    fn a_download_seen_from_its_middle_does_not_hide_the_next_request_and_has_a_bound() {
        let request = b"GET / HTTP/1.1\r\nHost: next.example\r\n\r\n";
        let identity = read(&[(DOWN, &[0xee; 50_000]), (UP, request)]);
        assert_eq!(hosts(&identity), [(0, "next.example".into())]);
        let identity = read(&[(DOWN, &[0xee; 300_000]), (UP, request)]);
        assert!(identity.marks.has(Marks::OPAQUE));
    }

    #[test]
    fn an_upgrade_to_http_2_is_read_on() {
        let preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
        let stream = b"\x00\x00\x0c\x01\x04\x00\x00\x00\x03\x82\x41\x09b.example";
        let identity = read(&[
            (UP, b"GET / HTTP/1.1\r\nHost: a.example\r\nUpgrade: h2c\r\n\r\n"),
            (DOWN, b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\n\r\n\x00\x00\x06\x04\x00\x00\x00\x00\x00\x00\x03\x00\x00\x00\x64"),
            (UP, preface),
            (UP, stream),
        ]);
        assert_eq!(hosts(&identity), [(0, "a.example".into()), (1, "b.example".into())]);
        assert!(identity.causes.is_empty(), "{:?}", identity.causes);
    }

    #[test]
    fn commands_slipped_in_behind_starttls_are_not_the_expected_protocol() {
        let identity = read(&[
            (DOWN, b"220 mail.example ESMTP\r\n"),
            (UP, b"EHLO pc.example\r\nSTARTTLS\r\nMAIL FROM:<x@a.example>\r\n"),
            (DOWN, b"250 mail.example\r\n220 go ahead\r\n"),
        ]);
        assert_eq!(identity.app, "smtp");
        assert!(identity.causes.has(Cause::NotTheExpectedProtocol) && !identity.marks.has(Marks::UPGRADED));
    }

    #[test]
    fn a_flow_that_said_nothing_is_not_opaque() {
        let identity = read(&[]);
        assert_eq!(identity, Identity::default());
    }

    #[test]
    fn a_protocol_that_breaks_off_is_a_cause() {
        let identity = read(&[
            (UP, b"GET / HTTP/1.1\r\nHost: listed.example\r\n\r\n"),
            (UP, b"\x00\x01\x02 not a request\n\n"),
            (UP, b"GET / HTTP/1.1\r\nHost: evil.example\r\n\r\n"),
        ]);
        assert_eq!(hosts(&identity), [(0, "listed.example".into())]);
        assert!(identity.causes.has(Cause::NotTheExpectedProtocol));
    }

    #[test]
    fn a_variant_is_read_from_its_beginning_and_marked() {
        let mut identity = Identity::default();
        let mut notes = Notes::new(&mut identity, Ordinal(1), Timestamp::default());
        let mut inspection = Inspection::new(Transport::TCP, [49_152, 80]);
        inspection.bytes(b"GET / HTTP/1.1\r\nHost: listed.example\r\n\r\n", UP, &mut notes);
        inspection.variant(UP, b"GET / HTTP/1.1\r\nHost: evil.example\r\n\r\n", None, &mut notes);
        let read: Vec<_> = identity.all(Field::HttpHost).map(|fact| fact.variant).collect();
        assert_eq!(read, [false, true]);
    }

    #[test]
    fn a_settled_flow_can_be_opened_again() {
        let mut identity = Identity::default();
        let mut notes = Notes::new(&mut identity, Ordinal(1), Timestamp::default());
        let mut inspection = Inspection::new(Transport::TCP, [49_152, 80]);
        inspection.bytes(&[0xee; 2000], UP, &mut notes);
        inspection.bytes(&[0xee; 2000], DOWN, &mut notes);
        assert!(!inspection.needs_bytes());
        let mut inspection = Inspection::anew(Transport::TCP, [49_152, 80], inspection.is_known());
        inspection.bytes(b"GET / HTTP/1.1\r\nHost: later.example\r\n\r\n", UP, &mut notes);
        assert_eq!(hosts(&identity), [(0, "later.example".into())]);
    }

    /// Bytes that look like something, and then do not.
    fn nearly() -> impl Strategy<Value = Vec<u8>> {
        let start = prop::sample::select(vec![
            &b""[..],
            b"GET / HTTP/1.1\r\nHost: a.example\r\nContent-Length: 9\r\n\r\n",
            b"CONNECT a.example:1 HTTP/1.1\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
            b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
            b"220 mail.example ESMTP\r\n",
            b"EHLO a.example\r\nSTARTTLS\r\n",
            b"* OK IMAP4rev1\r\n",
            b"a1 STARTTLS\r\na1 OK\r\n",
            b"+OK POP3\r\n",
            b"\x05\x01\x00\x05\x00\x05\x01\x00\x03\x09a.example\x01\xbb",
            b"\x00\x00\x00\x08\x04\xd2\x16\x2f",
            b"\x16\x03\x01\x00\x50\x01\x00\x00\x4c\x03\x03",
        ]);
        (start, prop::collection::vec(any::<u8>(), 0..120))
            .prop_map(|(start, tail)| [start, &tail[..]].concat())
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn the_way_a_stream_is_cut_changes_nothing(
            parts in prop::collection::vec((any::<bool>(), nearly()), 1..5),
            piece in 1usize..40,
        ) {
            let parts: Vec<_> =
                parts.iter().map(|(up, bytes)| (if *up { UP } else { DOWN }, bytes.as_slice())).collect();
            prop_assert_eq!(read_cut(&parts, piece), read_cut(&parts, usize::MAX));
        }

        #[test]
        fn no_datagram_makes_it_panic(
            ports in any::<[u16; 2]>(),
            datagrams in prop::collection::vec((any::<bool>(), prop::collection::vec(any::<u8>(), 0..200)), 0..8),
        ) {
            let mut identity = Identity::default();
            let mut notes = Notes::new(&mut identity, Ordinal(1), Timestamp::default());
            let mut inspection = Inspection::new(Transport::UDP, ports);
            for (up, datagram) in &datagrams {
                inspection.bytes(datagram, if *up { UP } else { DOWN }, &mut notes);
                inspection.gap(1, UP, &mut notes);
            }
            inspection.finish(&mut notes);
        }
    }
}
