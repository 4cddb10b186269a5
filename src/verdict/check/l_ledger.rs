//! SK-L: the policy against reality.

use super::{
    case::{Case, Spoken},
    observed::Observed,
    run::{Noted, RunCase},
};
use crate::{
    ground::{
        model::{limits, time::SECOND, verdict::FaultKind},
        words::escape,
    },
    policy::language::{ChannelKind, Destination, Deviation},
};

/// SK-L02
pub(super) fn expired(case: &Case<'_>) -> Option<Spoken> {
    case.broken_where(|reached| reached.has(FaultKind::Expired))
}

/// SK-L03: asked only when no other violation speaks (RULES 4).
pub(super) fn unpermitted(case: &Case<'_>) -> Option<Spoken> {
    let broken = case.broken().next().or_else(|| case.reached.first())?;
    Some(case.about(broken))
}

/// SK-L07: of the destination that the flow was allowed to.
pub(super) fn registration_expired(case: &Case<'_>) -> Option<Spoken> {
    let is_allowed = case.judgement.channel.is_some() && !case.is_violation();
    let listed = case.server.destinations.iter().filter(|listed| listed.address);
    let mut rules = listed.map(|listed| case.policy.destination(listed.destination));
    let has_expired = |rule: &&Destination| {
        let until = rule.ismap.as_ref().and_then(|ismap| ismap.valid_until);
        until.is_some_and(|until| until <= case.judgement.at)
    };
    let rule = rules.find(has_expired).filter(|_| is_allowed)?;
    case.own(format!("destination={}", rule.id))
}

/// SK-L04: longer than a quarter (DOMAIN §4.L; as the lint's L20).
pub(super) fn long_maintenance(case: &RunCase<'_>) -> Vec<Noted> {
    let channels = case.policy.channels().iter();
    let maintenance = channels.filter(|channel| channel.kind == ChannelKind::Maintenance);
    let long = maintenance.filter_map(|channel| {
        let days = channel.period.last().since(channel.period.from).nanos() / SECOND / 86_400;
        (days > limits::MAINTENANCE_DAYS_MAX)
            .then(|| Noted::whole(channel.id.to_string(), format!("days={days}")))
    });
    long.collect()
}

/// SK-L10
pub(super) fn deviations(case: &RunCase<'_>) -> Vec<Noted> {
    let told = |deviation: &Deviation| {
        let accept = escape::text(&case.policy.accept(deviation.accept).id);
        Noted::whole(deviation.about.to_string(), format!("rule={} accepted_by={accept}", deviation.code))
    };
    case.policy.deviations().iter().map(told).collect()
}

/// SK-L01: only of a time that is long enough to say so.
pub(super) fn unused(case: &RunCase<'_>) -> Vec<Noted> {
    let Some((first, last)) = case.coverage.first.zip(case.coverage.last) else { return Vec::new() };
    let idle = case.policy.channels().iter().filter(|channel| {
        channel.periods.contains(first)
            && channel.periods.contains(last)
            && case.crowd.usage.of(&channel.id).is_none()
    });
    let days = last.since(first).nanos() / SECOND / 86_400;
    if days < limits::UNUSED_DAYS_MIN {
        let count = idle.count();
        let why = format!("unused={count} days={days} needed={}", limits::UNUSED_DAYS_MIN);
        return (count > 0).then(|| Noted::open("-", why)).into_iter().collect();
    }
    let observed = Observed::new(case);
    idle.map(|channel| match observed.doubt(&case.places_of(channel)) {
        None => Noted::whole(channel.id.to_string(), format!("days={days}")),
        Some(why) => Noted::open(channel.id.to_string(), why.to_owned()),
    })
    .collect()
}
