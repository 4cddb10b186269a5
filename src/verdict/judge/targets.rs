//! Targets named inside a flow: CONNECT, absolute-form, SOCKS, and what their tunnels carry (RULES 2, 32).
//!
//! Every target counts and the worst is the verdict, wherever the proxy stands, the client's own segment included.

use std::{collections::BTreeSet, sync::Arc};

use super::{
    candidate,
    condition::{self, Conditions},
    names::inner_names,
    order::{self, Next, Reading},
};
use crate::{
    ground::model::{
        address::Transport,
        cause::{Cause, Touch},
        identity::{Answer, Marks, Target, TargetKind},
        name::HostName,
        time::Timestamp,
        verdict::{FaultKind, Grade, Judgement, Verdict},
    },
    policy::language::{
        Channel, Ech, Encrypt, End, Hints, Match, Place, Policy, Position, Selector, Stance, Validity,
        ZoneIndex, implied_apps,
    },
};

/// What one target comes to.
#[derive(Debug)]
enum Ruling {
    /// A channel allows it.
    Allowed(Arc<str>),
    /// In the client's own segment.
    OwnSegment,
    /// Not enough was seen.
    Doubtful(Option<Arc<str>>, Cause, &'static str),
    /// Not allowed; the prohibition, where one holds.
    Broken(FaultKind, Option<Arc<str>>),
}

/// The step.
pub(super) fn targets(reading: &Reading<'_>, judgement: &mut Judgement) -> Next {
    let is_proxy = candidate::is_proxy(reading);
    let own_segment = is_own_segment(reading, &reading.server);
    // To a server of its own an absolute form is only another way to write the host.
    let counts = |target: &&Target| is_proxy || own_segment || target.kind != TargetKind::AbsoluteForm;
    let all = &reading.facts.identity.targets;
    if !all.iter().any(|target| counts(&target)) {
        if !is_proxy || !may_carry_requests(reading) {
            return Next::On;
        }
        own_leg(reading, judgement);
        judgement.doubt(Cause::ProxyTargetHidden, "");
        return Next::Decided;
    }
    own_leg(reading, judgement);
    let mut seen = BTreeSet::new();
    for (number, target) in (0u16..).zip(all).filter(|(_, target)| counts(target)) {
        let refused = matches!(target.answer, Answer::Refused(_));
        if seen.insert((target.kind, &target.host, target.port, refused)) {
            add(judgement, rule(reading, target), number, refused);
        }
    }
    judgement.rests = judgement.rests.and(Touch::NAME).and(Touch::PORT).and(Touch::DIRECTION);
    weaken(reading, judgement);
    Next::Decided
}

fn add(judgement: &mut Judgement, ruling: Ruling, number: u16, refused: bool) {
    match ruling {
        Ruling::Allowed(channel) => {
            judgement.verdict.lift(Verdict::Conforming);
            if judgement.faults.is_empty() {
                judgement.grade = Grade::G2;
            }
            judgement.channel.get_or_insert(channel);
        }
        Ruling::OwnSegment => {}
        Ruling::Doubtful(channel, cause, argument) => {
            judgement.doubt(cause, argument);
            if cause == Cause::NoSni {
                judgement.fault(FaultKind::NameUnseen, Some(number));
            }
            if let Some(channel) = channel {
                judgement.channel.get_or_insert(channel);
            }
        }
        Ruling::Broken(kind, forbid) => {
            // A refused target was asked for and not reached (RULES 32).
            judgement.verdict.lift(if refused || judgement.unanswered {
                Verdict::Attempted
            } else {
                Verdict::Violating
            });
            judgement.fault(kind, Some(number));
            judgement.grade = Grade::G2;
            judgement.channel = None;
            judgement.forbid = forbid.or_else(|| judgement.forbid.take());
        }
    }
}

/// The way to the proxy itself: nothing to say inside one segment, else a channel's hop.
fn own_leg(reading: &Reading<'_>, judgement: &mut Judgement) {
    let observed = matches!(reading.policy.defaults().intra_segment, Stance::Observe | Stance::Allow);
    if is_own_segment(reading, &reading.server) && observed {
        return;
    }
    if candidate::channels(reading, judgement) == Next::On {
        order::default(reading, judgement);
    }
}

fn is_own_segment(reading: &Reading<'_>, end: &End) -> bool {
    end.place.segment().is_some() && end.place.segment() == reading.client.place.segment()
}

/// True when the flow asks a proxy for something, or may do so where nobody can read it.
pub(super) fn is_asked(reading: &Reading<'_>) -> bool {
    !reading.facts.identity.targets.is_empty() || may_carry_requests(reading)
}

/// A proxy's machine may have other services; only one that is recognised on its own port is no request to a proxy.
fn may_carry_requests(reading: &Reading<'_>) -> bool {
    let facts = reading.facts;
    let implied = implied_apps(facts.transport, reading.port());
    let is_web = implied.is_empty() || implied.iter().any(|app| ["http", "tls"].contains(app));
    facts.transport == Transport::TCP && (is_web || !implied.contains(&facts.identity.app))
        || facts.identity.app == "quic"
}

fn rule(reading: &Reading<'_>, target: &Target) -> Ruling {
    if target.host.malformed().is_some() && target.host.as_ip().is_none() {
        return Ruling::Doubtful(None, Cause::SniMalformed, "target");
    }
    let inner: Vec<_> = inner_names(reading.facts, target).collect();
    let ends = presumed(reading.policy, target, &inner, reading.at);
    let port = target.port.unwrap_or(0);
    for end in &ends {
        let forbidden = reading.policy.forbidden(&reading.client, end, Transport::TCP, port, reading.at);
        if let Some(forbid) = forbidden {
            return Ruling::Broken(FaultKind::Forbidden, Some(reading.policy.forbid(forbid).id.clone()));
        }
    }
    if ends.iter().any(|end| is_own_segment(reading, end)) {
        return Ruling::OwnSegment;
    }
    let rulings = || ends.iter().flat_map(|end| by_channels(reading, target, end, &inner));
    // One channel that holds suffices; else one that lacks an unseen fact; else what was seen broken.
    let rank = |ruling: &Ruling| match ruling {
        Ruling::Allowed(_) | Ruling::OwnSegment => 0,
        Ruling::Doubtful(..) => 1,
        Ruling::Broken(FaultKind::Unlisted, _) => 3,
        Ruling::Broken(..) => 2,
    };
    rulings().min_by_key(rank).unwrap_or(Ruling::Broken(FaultKind::Unlisted, None))
}

/// Where a target is taken to lie: by its address, else in the zones of the destinations that list its name, else in
/// the zone of the rest.
fn presumed(policy: &Policy, target: &Target, inner: &[&HostName], at: Timestamp) -> Vec<End> {
    if let Some(addr) = target.host.as_ip() {
        return vec![policy.end(addr, at, &Hints::default(), inner)];
    }
    let named = policy.named_end(&target.host, at);
    let zone_of = |listed: &crate::policy::language::Listed| policy.destination(listed.destination).zone;
    let mut zones: Vec<_> = named.destinations.iter().map(zone_of).collect();
    zones.sort_unstable();
    zones.dedup();
    if zones.is_empty() {
        zones.extend(rest(policy, at));
    }
    let place = |zone: ZoneIndex| if policy.zone(zone).rest { Place::Rest(zone) } else { Place::Zone(zone) };
    let in_zone = |zone: ZoneIndex| {
        let destinations = named.destinations.iter().filter(|listed| zone_of(listed) == zone).copied();
        End { place: place(zone), destinations: destinations.collect(), ..named.clone() }
    };
    if zones.is_empty() { vec![named] } else { zones.into_iter().map(in_zone).collect() }
}

fn rest(policy: &Policy, at: Timestamp) -> Option<ZoneIndex> {
    let zones = (0u16..).map(ZoneIndex).zip(policy.zones());
    zones.into_iter().find(|(_, zone)| zone.rest && zone.periods.contains(at)).map(|(index, _)| index)
}

/// Where a target is taken to lie, for the checks: the first of the places it is judged at.
#[must_use]
pub fn target_place(policy: &Policy, target: &Target, at: Timestamp) -> Place {
    presumed(policy, target, &[], at).first().map_or(Place::Unknown, |end| end.place)
}

fn by_channels(reading: &Reading<'_>, target: &Target, end: &End, inner: &[&HostName]) -> Vec<Ruling> {
    let policy = reading.policy;
    let mut rulings = Vec::new();
    for leg in policy.legs_between(&reading.client, &reading.server, reading.at) {
        let channel = policy.channel(leg.channel);
        // Delegated is what leads outside past the proxy: other zones and inside segments are judged (RULES 2).
        let own_zone = end.place.zone().is_some() && end.place == reading.server.place;
        let is_delegated = matches!(end.place, Place::Rest(_)) || own_zone;
        let found = if leg.delegates && is_delegated {
            let asked = conditions(reading, target, inner, channel, None);
            Some(asked.unwrap_or_else(|| Ruling::Allowed(channel.id.clone())))
        } else if leg.ends_at_via() {
            channel
                .to
                .iter()
                .filter_map(|to| satisfies(reading, target, end, inner, channel, *to))
                .min_by_key(|ruling| match ruling {
                    Ruling::Allowed(_) | Ruling::OwnSegment => 0,
                    Ruling::Doubtful(..) => 1,
                    Ruling::Broken(..) => 2,
                })
        } else {
            None
        };
        // One channel must allow all of it: the way to the proxy and what is asked there.
        let Some(way) = found.is_some().then(|| candidate::way(reading, &leg)).flatten() else { continue };
        rulings.extend(found.map(|ruling| match (leg.validity, ruling) {
            (Validity::InForce, Ruling::Allowed(_)) if !way.faults.is_empty() => {
                Ruling::Broken(way.faults.first().copied().unwrap_or(FaultKind::Unlisted), None)
            }
            (Validity::InForce, Ruling::Allowed(id)) => match way.doubts.iter().next() {
                Some(note) => Ruling::Doubtful(Some(id), note.cause, ""),
                None => Ruling::Allowed(id),
            },
            (Validity::InForce, ruling) => ruling,
            (_, Ruling::Broken(kind, forbid)) => Ruling::Broken(kind, forbid),
            (_, _) => Ruling::Broken(FaultKind::Expired, None),
        }));
    }
    for leg in policy.legs_between(&reading.client, end, reading.at) {
        let channel = policy.channel(leg.channel);
        let is_direct = leg.position == Position::Only && leg.validity == Validity::InForce;
        if is_direct && satisfies(reading, target, end, inner, channel, leg.to).is_some() {
            // The name is listed and the address behind the proxy was not seen (RULES 9).
            rulings.push(Ruling::Doubtful(Some(channel.id.clone()), Cause::ProxyTargetHidden, "address"));
        }
    }
    rulings
}

/// Whether a target satisfies one `to` of a channel by name and service; `None` when it is another destination.
fn satisfies(
    reading: &Reading<'_>,
    target: &Target,
    end: &End,
    inner: &[&HostName],
    channel: &Channel,
    to: Selector,
) -> Option<Ruling> {
    let id = || channel.id.clone();
    let port = target.port.unwrap_or(0);
    let Selector::Destination(index) = to else {
        let is_there = end.selectors().any(|selector| selector == to);
        let is_served = channel.serves(Transport::TCP, port);
        return is_there.then(|| match is_served {
            true => {
                conditions(reading, target, inner, channel, None).unwrap_or_else(|| Ruling::Allowed(id()))
            }
            false => Ruling::Broken(FaultKind::PortUnlisted, None),
        });
    };
    let rule = reading.policy.destination(index);
    let listed = end.destinations.iter().find(|listed| listed.destination == index)?;
    let covers = |service: &crate::ground::model::address::Service| service.covers(Transport::TCP, port);
    let is_served = channel.serves(Transport::TCP, port)
        && (rule.services.is_empty() || rule.services.iter().any(covers));
    let is_address = target.host.as_ip().is_some();
    let all_listed = inner.iter().all(|name| reading.policy.lists_name(index, name));
    if is_address && !listed.address {
        return None;
    }
    Some(if !is_served {
        Ruling::Broken(FaultKind::PortUnlisted, None)
    } else if rule.matching != Match::Address && !all_listed {
        Ruling::Broken(FaultKind::NameUnlisted, None)
    } else if is_address && rule.matching != Match::Address && inner.is_empty() {
        Ruling::Doubtful(Some(id()), Cause::NoSni, "")
    } else if !is_address && rule.matching == Match::Address {
        Ruling::Doubtful(Some(id()), Cause::ProxyTargetHidden, "address")
    } else if is_outer(reading) && candidate::ech(reading, rule.ech) == Ech::Strict {
        Ruling::Doubtful(Some(id()), Cause::EchOuterOnly, "")
    } else {
        conditions(reading, target, inner, channel, Some(index)).unwrap_or_else(|| Ruling::Allowed(id()))
    })
}

fn is_outer(reading: &Reading<'_>) -> bool {
    let marks = reading.facts.identity.marks;
    marks.has(Marks::ECH) || marks.has(Marks::ESNI)
}

/// What the channel asks beside name and service, as far as it can be asked inside a proxy's flow.
fn conditions(
    reading: &Reading<'_>,
    target: &Target,
    inner: &[&HostName],
    channel: &Channel,
    destination: Option<crate::policy::language::DestinationIndex>,
) -> Option<Ruling> {
    let identity = &reading.facts.identity;
    let is_tunnel = target.kind != TargetKind::AbsoluteForm;
    let mut asked = Conditions::default();
    if let Some(index) = destination {
        let names: Vec<_> = inner.iter().copied().chain([&target.host]).collect();
        condition::tenant(reading, channel, index, &names, &mut asked);
    }
    if let Some(kind) = asked.faults.first() {
        return Some(Ruling::Broken(*kind, None));
    }
    let is_clear =
        !is_tunnel || identity.inner_apps.first().is_some_and(|app| ["http", "http2"].contains(app));
    if channel.encrypt == Some(Encrypt::Required) && is_clear {
        return Some(Ruling::Broken(FaultKind::Cleartext, None));
    }
    // Nothing passes where the proxy refuses.
    let is_secret = identity.marks.has(Marks::HANDSHAKE) || matches!(target.answer, Answer::Refused(_));
    if channel.encrypt == Some(Encrypt::Required) && !is_secret {
        return Some(Ruling::Doubtful(
            Some(channel.id.clone()),
            Cause::NotTheExpectedProtocol,
            "no_handshake",
        ));
    }
    let implied = implied_apps(Transport::TCP, target.port.unwrap_or(0));
    let is_other = identity.inner_apps.first().is_some_and(|app| !implied.contains(app))
        || identity.inner_apps.is_empty() && identity.marks.has(Marks::OPAQUE);
    let any_app = matches!(channel.app, crate::policy::language::AppRule::Any(_));
    (is_tunnel && !implied.is_empty() && is_other && !any_app)
        .then(|| Ruling::Doubtful(Some(channel.id.clone()), Cause::NotTheExpectedProtocol, "inside"))
}

/// A flow conforms, or stays inside its segment, only if nothing weakens what its targets were read from (RULES 8, 12).
fn weaken(reading: &Reading<'_>, judgement: &mut Judgement) {
    if judgement.verdict > Verdict::Conforming {
        return;
    }
    let facts = reading.facts;
    for note in facts.causes.iter().chain(facts.identity.causes.iter()) {
        // The target was named to the proxy: a hello inside may leave the name out, not hide it half.
        let is_named = note.cause == Cause::NoSni && note.argument.is_empty();
        let is_asked_already = is_named || note.cause == Cause::EchOuterOnly;
        if !is_asked_already && note.cause.touches().meets(judgement.rests) {
            judgement.lift(Verdict::Undecidable, note);
        }
    }
    if facts.sides.iter().any(|side| side.packets == 0) {
        judgement.doubt(Cause::OneWay, "");
    }
}
