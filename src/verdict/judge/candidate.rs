//! Which channel a flow belongs to, and what a missing name or a broken condition means (RULES 8, 9, 27).

use std::{cmp::Reverse, sync::Arc};

use super::{
    condition::{self, Conditions},
    names::NameState,
    order::{Next, Reading},
    targets,
};
use crate::{
    ground::model::{
        cause::{Cause, CauseNote, Touch},
        identity::Marks,
        verdict::{FaultKind, Grade, Judgement, Verdict},
    },
    policy::language::{
        AppRule, Channel, ChannelIndex, ChannelKind, DestinationIndex, Ech, Leg, Match, Position, Role,
        Selector, Validity,
    },
};

/// How much of what the channel asks for was seen listed. The order is that of RULES 27.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Evidence {
    /// A half was seen and is not listed.
    Contradicted,
    /// The address.
    Address,
    /// The name.
    Name,
    /// Both.
    Both,
}

/// One channel that may be the flow's.
struct Candidate<'a> {
    channel: &'a Channel,
    validity: Validity,
    evidence: Evidence,
    conditions: Conditions,
    /// A destination opened it: judged by address only (RULES 10).
    from_destination: bool,
}

impl Candidate<'_> {
    fn holds(&self) -> bool {
        self.conditions.faults.is_empty() && self.conditions.doubts.is_empty()
    }

    fn lacks(&self) -> bool {
        self.conditions.faults.is_empty() && !self.conditions.doubts.is_empty()
    }
}

/// The step: candidates by evidence; among the best, one that holds in full, else one that lacks an unseen fact, else
/// the first that is broken.
pub(super) fn channels(reading: &Reading<'_>, judgement: &mut Judgement) -> Next {
    if reading.is_portless() {
        return portless(reading, judgement);
    }
    let all = candidates(reading);
    let listed = |candidate: &&Candidate<'_>| candidate.evidence > Evidence::Contradicted;
    let in_force = || all.iter().filter(|candidate| candidate.validity == Validity::InForce);
    let mut best: Vec<_> = in_force().filter(listed).collect();
    let top = best.iter().map(|candidate| candidate.evidence).max();
    best.retain(|candidate| Some(candidate.evidence) == top);
    if !best.is_empty() {
        decide(reading, &best, judgement);
        return Next::Decided;
    }
    let out_of_period = |candidate: &&Candidate<'_>| {
        candidate.validity != Validity::InForce && candidate.conditions.faults.is_empty()
    };
    if let Some(expired) = all.iter().filter(listed).find(out_of_period) {
        judgement.channel = Some(expired.channel.id.clone());
        judgement.convict(FaultKind::Expired, None);
        return Next::Decided;
    }
    let contradicted: Vec<_> = in_force().flat_map(|candidate| &candidate.conditions.faults).collect();
    // The name was listed and the address was not is the more telling of the two (RULES 9).
    let kind = [FaultKind::AddressUnlisted, FaultKind::NameUnlisted].into_iter();
    let Some(kind) = kind.into_iter().find(|kind| contradicted.contains(&kind)) else { return Next::On };
    judgement.rests = judgement.rests.and(Touch::NAME);
    judgement.grade = Grade::G2;
    judgement.convict(kind, None);
    Next::Decided
}

fn decide(reading: &Reading<'_>, best: &[&Candidate<'_>], judgement: &mut Judgement) {
    if let Some(candidate) = best.iter().copied().find(|candidate| candidate.holds()) {
        take(reading, candidate, judgement);
        judgement.verdict.lift(Verdict::Conforming);
        judgement.grade = grade(reading, candidate);
        lift_by_causes(reading, candidate, judgement);
        return;
    }
    let lacking = best.iter().filter(|candidate| candidate.lacks()).count();
    if let Some(candidate) = best.iter().copied().find(|candidate| candidate.lacks()) {
        take(reading, candidate, judgement);
        judgement.verdict.lift(Verdict::Undecidable);
        judgement.causes.merge(&candidate.conditions.doubts);
        if lacking > 1 {
            judgement.channel = None;
            judgement.causes.add(Cause::AmbiguousChannel);
        }
        if candidate.conditions.doubts.has(Cause::NoSni) {
            judgement.fault(FaultKind::NameUnseen, None);
        }
        if candidate.conditions.doubts.has(Cause::NameMismatch) {
            judgement.fault(FaultKind::Certificate, None);
        }
        return;
    }
    let Some(candidate) = best.first() else { return };
    take(reading, candidate, judgement);
    judgement.causes.merge(&candidate.conditions.doubts);
    for fault in &candidate.conditions.faults {
        judgement.convict(*fault, None);
    }
}

fn take(reading: &Reading<'_>, candidate: &Candidate<'_>, judgement: &mut Judgement) {
    judgement.channel = Some(candidate.channel.id.clone());
    judgement.rests = rests(candidate);
    judgement.grade = grade(reading, candidate);
}

fn rests(candidate: &Candidate<'_>) -> Touch {
    Touch::ADDRESS.and(Touch::PORT).and(Touch::DIRECTION).and(candidate.conditions.rests)
}

/// The grade of the fact that the verdict rests on (RULES 30).
fn grade(reading: &Reading<'_>, candidate: &Candidate<'_>) -> Grade {
    let certified = reading.facts.identity.marks.has(Marks::CERTIFICATE);
    match candidate.evidence {
        _ if candidate.from_destination => Grade::G1,
        Evidence::Both if certified => Grade::G4,
        Evidence::Both => Grade::G3,
        Evidence::Name => Grade::G2,
        Evidence::Address | Evidence::Contradicted if candidate.conditions.rests.meets(Touch::NAME) => {
            Grade::G1
        }
        Evidence::Address | Evidence::Contradicted => reading.address_grade(),
    }
}

/// What weakens the flow lifts the verdict only where the channel's decision rests on it (RULES 8).
fn lift_by_causes(reading: &Reading<'_>, candidate: &Candidate<'_>, judgement: &mut Judgement) {
    let facts = reading.facts;
    let rests = rests(candidate);
    for note in facts.causes.iter().chain(facts.identity.causes.iter()) {
        if touched(reading, candidate.channel, note).meets(rests) {
            judgement.lift(Verdict::Undecidable, note);
        }
    }
}

/// What a cause casts doubt on, once the channel has had its say.
fn touched(reading: &Reading<'_>, channel: &Channel, note: CauseNote<'_>) -> Touch {
    let is_the_tunnel = |app: &Arc<str>| **app == *note.argument || **app == *reading.facts.identity.app;
    match note.cause {
        // Whether an outer name counts was asked already (DESIGN §4).
        Cause::EchOuterOnly => Touch::NOTHING,
        Cause::Tunnel => match &channel.app {
            AppRule::Any(_) => Touch::NOTHING,
            AppRule::Named(app) if is_the_tunnel(app) => Touch::NOTHING,
            _ => note.cause.touches(),
        },
        // Any protocol is as good as another; whether all of it was encrypted is a question of its own.
        Cause::NotTheExpectedProtocol if matches!(channel.app, AppRule::Any(_)) => Touch::ENCRYPTION,
        // Both orientations were judged where the direction is not sure (RULES 25); what passed before, and when it
        // began, was not seen.
        Cause::Midstream => Touch::NAME.and(Touch::LIMIT),
        Cause::OneWay if channel.may_be_one_way(reading.facts.transport, reading.port()) => Touch::NOTHING,
        cause => cause.touches(),
    }
}

/// Fragments without their first piece: allowed somewhere between the two ends, or not at all (RULES 26).
fn portless(reading: &Reading<'_>, judgement: &mut Judgement) -> Next {
    let legs = reading.policy.legs_between(&reading.client, &reading.server, reading.at);
    if legs.iter().any(|leg| leg.validity == Validity::InForce) {
        judgement.doubt(Cause::FragIncomplete, "");
        return Next::Decided;
    }
    Next::On
}

/// Every channel whose ends these are and whose services hold this one, in the order of ids.
fn candidates<'a>(reading: &Reading<'a>) -> Vec<Candidate<'a>> {
    let (policy, at) = (reading.policy, reading.at);
    let legs = policy.legs_between(&reading.client, &reading.server, at);
    let mut all: Vec<_> = legs.iter().filter_map(|leg| of_leg(reading, leg)).collect();
    for direct in policy.direct_of_via(&reading.client, &reading.server, at) {
        if let Some(mut bypass) = candidate(reading, direct.channel, direct.from, direct.to, direct.validity)
        {
            bypass.conditions.faults.push(FaultKind::Bypassed);
            // Without the name it is not known whether this is the channel that was bypassed.
            if bypass.conditions.doubts.has(Cause::NoSni) || bypass.conditions.doubts.has(Cause::EchOuterOnly)
            {
                bypass.conditions.faults.clear();
            }
            all.push(bypass);
        }
    }
    all.sort_by_key(|candidate| (candidate.channel.id.clone(), Reverse(candidate.evidence)));
    all
}

fn of_leg<'a>(reading: &Reading<'a>, leg: &Leg) -> Option<Candidate<'a>> {
    if !leg.ends_at_via() {
        return candidate(reading, leg.channel, leg.from, leg.to, leg.validity);
    }
    let channel = reading.policy.channel(leg.channel);
    // The port of a proxy is free for what is asked of it, which is judged as a target (RULES 2). Its other services are
    // services like any other machine's.
    let is_free = is_proxy(reading) && targets::is_asked(reading);
    let is_served = is_free || channel.serves(reading.facts.transport, reading.port());
    is_served.then(|| Candidate {
        channel,
        validity: leg.validity,
        evidence: Evidence::Address,
        conditions: condition::of_hop(reading, channel),
        from_destination: is_destination(leg.from),
    })
}

/// The conditions of a channel on the hop of the flow itself; `None` when the hop is not this channel's.
pub(super) fn way(reading: &Reading<'_>, leg: &Leg) -> Option<Conditions> {
    of_leg(reading, leg).map(|candidate| candidate.conditions)
}

fn candidate<'a>(
    reading: &Reading<'a>,
    index: ChannelIndex,
    from: Selector,
    to: Selector,
    validity: Validity,
) -> Option<Candidate<'a>> {
    let channel = reading.policy.channel(index);
    if !opens(reading, from) || !serves(reading, channel, to) {
        return None;
    }
    let Selector::Destination(destination) = to else {
        let conditions = condition::of_flow(reading, channel, None);
        let from_destination = is_destination(from);
        return Some(Candidate {
            channel,
            validity,
            evidence: Evidence::Address,
            conditions,
            from_destination,
        });
    };
    let mut conditions = condition::of_flow(reading, channel, Some(destination));
    let evidence = halves(reading, destination, &mut conditions)?;
    Some(Candidate { channel, validity, evidence, conditions, from_destination: is_destination(from) })
}

/// The table of RULES 9 for one destination; `None` when neither half was seen listed.
fn halves(reading: &Reading<'_>, index: DestinationIndex, conditions: &mut Conditions) -> Option<Evidence> {
    let rule = reading.policy.destination(index);
    let listed = reading.server.destinations.iter().find(|listed| listed.destination == index)?;
    if rule.matching == Match::Address {
        return listed.address.then_some(Evidence::Address);
    }
    conditions.rests = conditions.rests.and(Touch::NAME);
    let state = reading.names.state(reading.policy, index, ech(reading, rule.ech));
    let by_name_only = rule.matching == Match::Name && rule.cidr.is_empty();
    match (state, listed.address) {
        (NameState::Listed, true) => {
            if reading.names.is_malformed {
                conditions.doubts.add(Cause::SniMalformed);
            }
            Some(if by_name_only { Evidence::Name } else { Evidence::Both })
        }
        (NameState::Listed, false) => {
            conditions.faults.insert(0, FaultKind::AddressUnlisted);
            Some(Evidence::Contradicted)
        }
        // In the zone of a destination that is known by name only, an address alone lists nothing.
        (NameState::Unlisted, true) if by_name_only => None,
        (NameState::Unlisted, true) => {
            conditions.faults.insert(0, FaultKind::NameUnlisted);
            Some(Evidence::Contradicted)
        }
        (NameState::Unseen | NameState::OuterOnly, true) => {
            conditions.doubts.add(match state {
                NameState::OuterOnly => Cause::EchOuterOnly,
                _ if reading.names.is_malformed => Cause::SniMalformed,
                _ => Cause::NoSni,
            });
            Some(Evidence::Address)
        }
        (NameState::Unlisted | NameState::Unseen | NameState::OuterOnly, false) => None,
    }
}

/// Whether an outer name counts: the destination's word, else that of the client's segment (DESIGN §4).
pub(super) fn ech(reading: &Reading<'_>, destination: Option<Ech>) -> Ech {
    let segment = reading.client.place.segment().map(|segment| reading.policy.segment(segment).ech);
    destination.or(segment).unwrap_or(Ech::Outer)
}

fn serves(reading: &Reading<'_>, channel: &Channel, to: Selector) -> bool {
    let (transport, port) = (reading.facts.transport, reading.port());
    let at_destination = match to {
        Selector::Destination(index) => {
            let services = &reading.policy.destination(index).services;
            services.is_empty() || services.iter().any(|service| service.covers(transport, port))
        }
        _ => true,
    };
    at_destination && channel.serves(transport, port)
}

/// A destination that opens connections is one by its address half only (RULES 10).
fn opens(reading: &Reading<'_>, from: Selector) -> bool {
    let Selector::Destination(index) = from else { return true };
    reading.client.destinations.iter().any(|listed| listed.destination == index && listed.address)
}

const fn is_destination(selector: Selector) -> bool {
    matches!(selector, Selector::Destination(_))
}

/// True when the server is declared as a proxy.
pub(super) fn is_proxy(reading: &Reading<'_>) -> bool {
    let role = |host: &_| reading.policy.host(*host).role;
    reading.server.hosts.iter().any(|host| matches!(role(host), Role::Proxy | Role::TenantProxy))
}

/// What is missing where no channel leads from the client to the server by this service.
pub(super) fn what_is_missing(reading: &Reading<'_>) -> FaultKind {
    let (policy, at) = (reading.policy, reading.at);
    let in_force = |leg: &&Leg| leg.validity == Validity::InForce;
    let there = policy.legs_between(&reading.client, &reading.server, at);
    let is_listed = |leg: &Leg| match leg.to {
        Selector::Destination(index) => {
            matches!(halves(reading, index, &mut Conditions::default()), Some(evidence) if evidence > Evidence::Contradicted)
        }
        Selector::Host(_) => true,
        Selector::Segment(_) | Selector::Zone(_) => false,
    };
    if there.iter().filter(in_force).any(|leg| opens(reading, leg.from) && is_listed(leg)) {
        return FaultKind::PortUnlisted;
    }
    let back = policy.legs_between(&reading.server, &reading.client, at);
    let back: Vec<_> = back
        .iter()
        .filter(in_force)
        .filter(|leg| leg.position == Position::Only)
        .map(|leg| policy.channel(leg.channel))
        .collect();
    let serves = |channel: &Channel| channel.serves(reading.facts.transport, reading.port());
    // The far side of a gateway opens what only the near side may: screen transfer, though by another channel.
    let is_screen = |channel: &Channel| channel.kind == ChannelKind::Screen;
    let to_gateway = |channel: &Channel| {
        let names = |to: &Selector| reading.server.selectors().any(|selector| selector == *to);
        is_screen(channel) && serves(channel) && channel.to.iter().any(names)
    };
    let is_gateway =
        back.iter().any(|channel| is_screen(channel)) && policy.channels().iter().any(to_gateway);
    if is_gateway || back.iter().any(|channel| is_screen(channel) && serves(channel)) {
        FaultKind::ScreenReversed
    } else if back.iter().any(|channel| serves(channel)) {
        FaultKind::Reversed
    } else {
        FaultKind::Unlisted
    }
}
