//! The judgement of one flow: the steps of RULES 3, in the order in which they are printed.

use super::{
    candidate, ends, explain,
    moments::{self, agree},
    names::Names,
    targets,
};
use crate::{
    ground::model::{
        address::Transport,
        cause::{Cause, Touch},
        facts::{EndReason, FlowFacts},
        key::{Side, TunnelKind},
        limits,
        time::Timestamp,
        verdict::{FaultKind, Grade, Judgement, Step, StepKind, Verdict},
    },
    policy::language::{End, Place, Policy, Stance},
};

/// What the sensor of a flow is known to see.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Vantage {
    /// Both directions of its traffic: silence of a peer is then silence, not blindness (RULES 11).
    pub both_directions: bool,
}

/// One step of the walk.
type Take = fn(&Reading<'_>, &mut Judgement) -> Next;

/// The steps, in order. The first that decides ends the walk; what the checks find may still make it worse.
const STEPS: &[(StepKind, Take)] = &[
    (StepKind::Force, force),
    (StepKind::Ends, both_ends),
    (StepKind::Multicast, multicast),
    (StepKind::Ipv6, ipv6),
    (StepKind::Forbid, forbid),
    (StepKind::Targets, targets::targets),
    (StepKind::SameSegment, same_segment),
    (StepKind::Channels, candidate::channels),
    (StepKind::Default, default),
];

/// Generic Routing Encapsulation (IANA protocol numbers).
const GRE: Transport = Transport(47);

/// Whether the walk goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// The verdict stands.
    Decided,
    /// The next step is asked.
    On,
}

/// One reading of a flow: at one moment, in one orientation, with one choice among overlapping segments.
pub(super) struct Reading<'a> {
    pub(super) policy: &'a Policy,
    /// `facts.client` is the orientation of this reading.
    pub(super) facts: &'a FlowFacts,
    pub(super) at: Timestamp,
    pub(super) client: End,
    pub(super) server: End,
    pub(super) names: Names<'a>,
}

impl Reading<'_> {
    /// The server's port, or 0.
    pub(super) fn port(&self) -> u16 {
        if self.facts.transport.has_ports() { self.facts.server_end().port } else { 0 }
    }

    /// True when the ports mean nothing: a datagram of which only fragments were seen (RULES 26).
    pub(super) fn is_portless(&self) -> bool {
        self.facts.transport.has_ports()
            && self.facts.client_end().port == 0
            && self.facts.server_end().port == 0
    }

    /// Grade of a statement that rests on addresses alone (RULES 30).
    pub(super) fn address_grade(&self) -> Grade {
        let both = self.facts.sides.iter().all(|side| side.packets > 0);
        if both { Grade::G4 } else { Grade::G1 }
    }
}

/// The verdict of one flow, from the flow alone. With `explain` the steps are written down.
#[must_use]
pub fn judge(policy: &Policy, facts: &FlowFacts, vantage: Vantage, explain: bool) -> Judgement {
    let mut judgement = moments::judge(policy, facts, |at| at_moment(policy, facts, vantage, at, explain));
    if facts.end == EndReason::Evicted {
        judgement.doubt(Cause::ResourceEvicted, "");
    }
    judgement.causes.merge(&facts.causes);
    judgement.causes.merge(&facts.identity.causes);
    judgement
}

/// Both orientations where the direction is not sure: only what they agree on stands (RULES 25).
fn at_moment(
    policy: &Policy,
    facts: &FlowFacts,
    vantage: Vantage,
    at: Timestamp,
    explain: bool,
) -> Judgement {
    let judgement = oriented(policy, facts, vantage, at, explain);
    if facts.basis.is_sure() {
        return judgement;
    }
    let flipped = FlowFacts { client: facts.client.other(), ..facts.clone() };
    let other = oriented(policy, &flipped, vantage, at, false);
    agree(judgement, &[other], Cause::Midstream)
}

/// Every choice among segments that overlap: only what they agree on stands (RULES 1).
fn oriented(policy: &Policy, facts: &FlowFacts, vantage: Vantage, at: Timestamp, explain: bool) -> Judgement {
    let names = Names::of(facts);
    let choices = ends::choices(policy, facts, at, &names);
    let too_many = choices.len() > limits::READINGS_MAX;
    let mut judgements = choices.into_iter().take(limits::READINGS_MAX).map(|(client, server)| {
        let reading = Reading { policy, facts, at, client, server, names: names.clone() };
        walk(&reading, vantage, explain)
    });
    let first = judgements.next().unwrap_or_default();
    let others: Vec<_> = judgements.collect();
    let is_ambiguous = !others.is_empty();
    let mut judgement = agree(first, &others, Cause::AmbiguousSegment);
    if too_many {
        judgement.doubt(Cause::AmbiguousSegment, "");
    }
    if is_ambiguous {
        judgement.causes.add(Cause::AmbiguousSegment);
    }
    judgement
}

fn walk(reading: &Reading<'_>, vantage: Vantage, explain: bool) -> Judgement {
    let unanswered = !reading.facts.is_answered();
    let mut judgement = Judgement {
        at: reading.at,
        rests: Touch::ADDRESS,
        grade: reading.address_grade(),
        unanswered: unanswered && vantage.both_directions,
        ..Judgement::default()
    };
    for (kind, step) in STEPS {
        let next = step(reading, &mut judgement);
        if explain {
            let decided = next == Next::Decided;
            let detail = explain::detail(*kind, decided, reading, &judgement);
            judgement.steps.push(Step { kind: *kind, detail });
        }
        if next == Next::Decided {
            break;
        }
    }
    if judgement.verdict == Verdict::Violating && unanswered {
        judgement.causes.add(Cause::OneWay);
    }
    vlan_must_fit(reading, &mut judgement);
    judgement
}

fn force(reading: &Reading<'_>, judgement: &mut Judgement) -> Next {
    let in_force = reading.policy.in_force(reading.at);
    judgement.migrating = in_force.migrating;
    if in_force.holds {
        return Next::On;
    }
    judgement.doubt(Cause::NoPolicyInForce, "");
    Next::Decided
}

fn both_ends(reading: &Reading<'_>, judgement: &mut Judgement) -> Next {
    let id = |end: &End| end.place.selector().map(|place| reading.policy.id_of(place).clone());
    judgement.segment_client = id(&reading.client).unwrap_or_default();
    judgement.segment_server = id(&reading.server).unwrap_or_default();
    Next::On
}

/// Group addresses are never a zone (RULES 7); a mirror's transport is observation, not traffic (RULES 18).
fn multicast(reading: &Reading<'_>, _: &mut Judgement) -> Next {
    // What is sent to a group. Nothing is sent from one: such a sender hides who it is, and is unknown.
    let answerer = match reading.facts.client {
        Side::Opener => &reading.server,
        Side::Answerer => &reading.client,
    };
    let is_group = matches!(answerer.place, Place::Multicast | Place::Broadcast | Place::Unspecified);
    // Also where nothing that is a flow was found inside: ARP, or a tunnel's own signs of life.
    let is_tunnel = match reading.facts.carrier {
        Some(kind) => matches!(kind, TunnelKind::Gre | TunnelKind::Vxlan),
        None => reading.facts.transport == GRE,
    };
    let to_mirror =
        || Side::BOTH.iter().any(|side| reading.policy.is_mirror(ends::endpoint(reading.facts, *side).addr));
    // Nobody's mirror stands outside: what leaves for a zone in the guise of one is traffic, unless the policy declares it.
    let is_inside = || reading.client.place.zone().is_none() && reading.server.place.zone().is_none();
    let is_erspan = reading.facts.carrier == Some(TunnelKind::Erspan);
    let is_mirror = is_erspan && is_inside() || (is_erspan || is_tunnel) && to_mirror();
    if is_group || is_mirror { Next::Decided } else { Next::On }
}

fn ipv6(reading: &Reading<'_>, judgement: &mut Judgement) -> Next {
    let places = [reading.client.place, reading.server.place];
    let is_link_local = ends::is_link_local(&reading.client) || ends::is_link_local(&reading.server);
    if !reading.facts.opener.addr.is_ipv6() || is_link_local {
        return Next::On;
    }
    let in_segments = || places.into_iter().filter(|place| place.segment().is_some());
    let is_denied = if in_segments().next().is_some() {
        in_segments().any(|place| reading.policy.denies_ipv6(place))
    } else {
        reading.policy.denies_ipv6(Place::Unknown)
    };
    if !is_denied {
        return Next::On;
    }
    judgement.convict(FaultKind::Ipv6, None);
    Next::Decided
}

fn forbid(reading: &Reading<'_>, judgement: &mut Judgement) -> Next {
    let (client, server) = (&reading.client, &reading.server);
    let found = reading.policy.forbidden(client, server, reading.facts.transport, reading.port(), reading.at);
    let Some(forbid) = found else { return Next::On };
    judgement.forbid = Some(reading.policy.forbid(forbid).id.clone());
    judgement.convict(FaultKind::Forbidden, None);
    Next::Decided
}

/// Out-of-scope needs one and the same segment (RULES 7).
fn same_segment(reading: &Reading<'_>, judgement: &mut Judgement) -> Next {
    let one = reading.client.place.segment();
    if one.is_none() || one != reading.server.place.segment() {
        return Next::On;
    }
    if reading.facts.causes.has(Cause::UnknownAddress) {
        // Routed on by its sender: where it went is not known.
        judgement.doubt(Cause::UnknownAddress, "");
        return Next::Decided;
    }
    match reading.policy.defaults().intra_segment {
        Stance::Observe | Stance::Allow => Next::Decided,
        Stance::Finding => {
            judgement.doubt(Cause::AmbiguousChannel, "intra_segment");
            Next::Decided
        }
        Stance::Deny => Next::On,
    }
}

pub(super) fn default(reading: &Reading<'_>, judgement: &mut Judgement) -> Next {
    let defaults = reading.policy.defaults();
    let is_known = |end: &End| end.place.selector().is_some();
    let both_outside = reading.client.place.zone().is_some() && reading.server.place.zone().is_some();
    if both_outside {
        judgement.doubt(Cause::UnknownAddress, "zones");
    } else if !is_known(&reading.client) || !is_known(&reading.server) {
        match defaults.unknown_address {
            Stance::Deny => judgement.convict(FaultKind::Unlisted, None),
            Stance::Finding | Stance::Observe | Stance::Allow => judgement.doubt(Cause::UnknownAddress, ""),
        }
    } else {
        match defaults.inter_segment {
            Stance::Deny => judgement.convict(candidate::what_is_missing(reading), None),
            // Looked at only: no channel stands behind it, and what crosses segments is never out of scope (RULES 7).
            Stance::Finding | Stance::Observe | Stance::Allow => {
                judgement.doubt(Cause::AmbiguousChannel, "inter_segment");
            }
        }
    }
    Next::Decided
}

/// A tag that belongs to neither end's segment makes the addresses doubtful, even inside one segment (RULES 1, 17).
fn vlan_must_fit(reading: &Reading<'_>, judgement: &mut Judgement) {
    let (client, server) = (reading.client.place, reading.server.place);
    let (policy, at) = (reading.policy, reading.at);
    let is_foreign = |vlans: &[u16]| policy.vlan_mismatch(vlans, client, server, at);
    // Recorded with the flow where there were more tags than are kept.
    let is_unseen = reading.facts.causes.has(Cause::VlanSegmentMismatch);
    if is_unseen || reading.facts.sides.iter().any(|side| is_foreign(&side.vlans)) {
        judgement.doubt(Cause::VlanSegmentMismatch, "");
    }
}
