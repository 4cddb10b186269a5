//! What the names of a flow say: which may acquit, which may only convict, and whether they agree.

use crate::{
    ground::model::{
        facts::FlowFacts,
        field::Field,
        identity::{Marks, Target, TargetKind},
        name::{HostName, Malformed},
        observation::{Observation, Value},
    },
    policy::language::{DestinationIndex, Ech, Policy},
};

/// Outer names of which it is public that they cover others (DOMAIN §0 rule 6).
const COVER_NAMES: &[&[u8]] = &[b"cloudflare-ech.com"];

/// The names that a flow claims for its server.
#[derive(Clone, Debug, Default)]
pub(super) struct Names<'a> {
    /// Well-formed and read from bytes that nothing contradicts: they may supply a listed name.
    pub(super) acquitting: Vec<&'a HostName>,
    /// Read from a variant of conflicting bytes, or said by the server itself: they may convict and never acquit.
    pub(super) convicting: Vec<&'a HostName>,
    /// A name was seen that no policy can list.
    pub(super) is_malformed: bool,
    /// ECH or ESNI was offered: what is visible may be a cover.
    pub(super) is_outer: bool,
}

/// What a destination's list says of the names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NameState {
    /// Every name is listed, and one of them may acquit.
    Listed,
    /// A name was seen that is not listed.
    Unlisted,
    /// No name that counts was seen.
    Unseen,
    /// Only the outer name of a hello with ECH was seen.
    OuterOnly,
}

impl<'a> Names<'a> {
    /// The names of a flow, of all its hellos and requests and on all its layers.
    pub(super) fn of(facts: &'a FlowFacts) -> Self {
        let marks = facts.identity.marks;
        let mut names = Self { is_outer: marks.has(Marks::ECH) || marks.has(Marks::ESNI), ..Self::default() };
        for observation in facts.identity.all(Field::Sni).chain(facts.identity.all(Field::HttpHost)) {
            names.add(observation, facts);
        }
        names
    }

    fn add(&mut self, observation: &'a Observation, facts: &FlowFacts) {
        let Some(name) = name_of(observation) else { return };
        match name.malformed() {
            None if observation.variant || observation.side != facts.client => self.convicting.push(name),
            None => self.acquitting.push(name),
            // The server's own address in place of a name says nothing new.
            Some(Malformed::IpLiteral) if name.as_ip() == Some(facts.server_end().addr) => {}
            Some(_) => self.is_malformed = true,
        }
    }

    /// Held against the names of a destination. `ech` says whether an outer name counts (DESIGN §4).
    pub(super) fn state(&self, policy: &Policy, destination: DestinationIndex, ech: Ech) -> NameState {
        let is_listed = |name: &&HostName| policy.lists_name(destination, name);
        let is_cover = |name: &&HostName| is_cover_name(name);
        if self.is_outer && (ech == Ech::Strict || self.acquitting.iter().any(is_cover)) {
            return NameState::OuterOnly;
        }
        if !self.acquitting.iter().all(is_listed) || !self.convicting.iter().all(is_listed) {
            NameState::Unlisted
        } else if self.acquitting.is_empty() {
            NameState::Unseen
        } else {
            NameState::Listed
        }
    }
}

/// The host that an observation names.
fn name_of(observation: &Observation) -> Option<&HostName> {
    match &observation.value {
        Value::Name(name) | Value::Target { host: name, .. } | Value::Answer { name, .. } => Some(name),
        Value::Text(_) => None,
    }
}

/// True for an outer name that is known to cover others: a sign that ECH is real.
#[must_use]
pub fn is_cover_name(name: &HostName) -> bool {
    COVER_NAMES.contains(&name.bytes())
}

/// True when one name is the other, or lies below it by whole labels.
pub(super) fn is_related(one: &HostName, other: &HostName) -> bool {
    let below = |long: &HostName, short: &HostName| {
        long.bytes().strip_suffix(short.bytes()).is_some_and(|front| front.ends_with(b"."))
    };
    one == other || below(one, other) || below(other, one)
}

/// True when a name in a certificate covers a host: equal, or a star in place of its first label (RFC 9525
/// section 6.3).
pub(super) fn certifies(certified: &HostName, host: &HostName) -> bool {
    match certified.bytes().strip_prefix(b"*.") {
        None => certified == host,
        Some(rest) => {
            host.bytes().iter().position(|byte| *byte == b'.').and_then(|dot| host.bytes().get(dot + 1..))
                == Some(rest)
        }
    }
}

/// The two layers whose names disagree, as data for a cause (`sni/host`, `sni/certificate`); `None` when all agree.
/// What is asked of a proxy and what is found inside is [`inner_conflict`].
#[must_use]
pub fn conflict(facts: &FlowFacts) -> Option<&'static str> {
    let identity = &facts.identity;
    let at_layer = |field: Field, layer: u8| {
        let here = identity.all(field).filter(move |observation| observation.layer == layer);
        here.filter_map(name_of).filter(|name| name.malformed().is_none())
    };
    let layers: std::collections::BTreeSet<u8> = identity.all(Field::Sni).map(|seen| seen.layer).collect();
    for layer in layers {
        for sni in at_layer(Field::Sni, layer) {
            let hosts =
                at_layer(Field::HttpHost, layer).chain(at_layer(Field::HttpHost, layer.saturating_add(1)));
            if hosts.into_iter().any(|host| !is_related(sni, host)) {
                return Some("sni/host");
            }
            let mut certified = identity
                .all(Field::CertName)
                .filter(|observation| observation.layer == layer)
                .filter_map(name_of)
                .peekable();
            if certified.peek().is_some() && !certified.any(|name| certifies(name, sni)) {
                return Some("sni/certificate");
            }
        }
    }
    None
}

/// The first target of CONNECT or SOCKS whose tunnel carries another server name (SK-C04).
#[must_use]
pub fn inner_conflict(facts: &FlowFacts) -> Option<(u16, &HostName)> {
    let tunnels =
        |target: &&Target| target.kind != TargetKind::AbsoluteForm && target.host.malformed().is_none();
    let targets = (0u16..).zip(&facts.identity.targets).filter(|(_, target)| tunnels(target));
    targets.into_iter().find_map(|(number, target)| {
        let other = inner_names(facts, target).find(|name| !is_related(name, &target.host))?;
        Some((number, other))
    })
}

/// The server names and hosts that were read inside the tunnel of a target.
pub(super) fn inner_names<'a>(
    facts: &'a FlowFacts,
    target: &'a Target,
) -> impl Iterator<Item = &'a HostName> {
    let fields = [Field::Sni, Field::HttpHost];
    let inside = move |seen: &&Observation| {
        fields.contains(&seen.field) && seen.layer > target.layer && seen.at >= target.at
    };
    let is_tunnel = target.kind != TargetKind::AbsoluteForm;
    let all = facts.identity.observations.iter().filter(inside).filter_map(name_of);
    all.filter(move |name| is_tunnel && name.malformed().is_none())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> HostName {
        HostName::new(text.as_bytes())
    }

    #[test]
    fn names_are_related_by_whole_labels_only() {
        assert!(is_related(&name("a.cloud.example"), &name("cloud.example")));
        assert!(!is_related(&name("evilcloud.example"), &name("cloud.example")));
        assert!(!is_related(&name("a.example"), &name("b.example")));
    }

    #[test]
    fn a_star_in_a_certificate_stands_for_one_label() {
        assert!(certifies(&name("*.cloud.example"), &name("a.cloud.example")));
        assert!(!certifies(&name("*.cloud.example"), &name("a.b.cloud.example")));
        assert!(!certifies(&name("*.cloud.example"), &name("cloud.example")));
    }
}
