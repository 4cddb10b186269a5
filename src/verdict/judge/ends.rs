//! The two ends of a flow as the policy sees them: sensor, VLAN, prefix, MAC (RULES 1, 7).

use std::net::IpAddr;

use super::names::Names;
use crate::{
    ground::model::{
        facts::FlowFacts,
        field::Field,
        key::{Endpoint, Side},
        name::HostName,
        time::Timestamp,
    },
    policy::language::{End, Hints, Place, Policy},
};

/// The address and port of one side.
pub(super) const fn endpoint(facts: &FlowFacts, side: Side) -> Endpoint {
    match side {
        Side::Opener => facts.opener,
        Side::Answerer => facts.answerer,
    }
}

/// Client and server at a moment. An ambiguous place stays ambiguous here.
#[must_use]
pub fn ends(policy: &Policy, facts: &FlowFacts, at: Timestamp) -> (End, End) {
    both(policy, facts, at, &Names::of(facts))
}

/// Every name that was claimed for the server, in the order it was read.
pub fn server_names(facts: &FlowFacts) -> impl Iterator<Item = &HostName> {
    facts.identity.names(Field::Sni).chain(facts.identity.names(Field::HttpHost))
}

fn both(policy: &Policy, facts: &FlowFacts, at: Timestamp, names: &Names<'_>) -> (End, End) {
    let vlans: Vec<u16> = facts.sides.iter().flat_map(|side| side.vlans.iter().copied()).collect();
    let situate = |side: Side, names: &[&HostName]| {
        let mac = facts.sides[side.index()].macs[0];
        let hints = Hints { vlans: &vlans, sensor: facts.sensor, mac };
        policy.end(endpoint(facts, side).addr, at, &hints, names)
    };
    // A destination that opens a connection is judged by its address half only (RULES 10).
    (situate(facts.client, &[]), situate(facts.client.other(), &names.acquitting))
}

/// Both ends under every choice among overlapping segments; one choice where nothing is ambiguous.
pub(super) fn choices(
    policy: &Policy,
    facts: &FlowFacts,
    at: Timestamp,
    names: &Names<'_>,
) -> Vec<(End, End)> {
    let (client, server) = both(policy, facts, at, names);
    let readings = |end: End, names: &[&HostName]| -> Vec<End> {
        match (end.place, end.addr) {
            (Place::Ambiguous, Some(addr)) if !end.candidates.is_empty() => {
                let place = |segment: &_| policy.end_in(addr, Place::Segment(*segment), at, names);
                end.candidates.iter().map(place).collect()
            }
            _ => vec![end],
        }
    };
    let servers = readings(server, &names.acquitting);
    let pairs = readings(client, &[]).into_iter();
    pairs.flat_map(|client| servers.iter().map(move |server| (client.clone(), server.clone()))).collect()
}

/// True for addresses that no router forwards.
pub(super) fn is_link_local(end: &End) -> bool {
    match end.addr {
        Some(IpAddr::V6(addr)) => addr.is_unicast_link_local(),
        Some(IpAddr::V4(addr)) => addr.is_link_local(),
        None => false,
    }
}
