//! SK-K: volume and time.

use std::net::IpAddr;

use super::{
    case::{Case, Spoken},
    run::{Noted, RunCase},
};
use crate::{
    ground::model::limits,
    policy::language::{ChannelKind, DestinationKind, Model, Role},
};

/// SK-K02
pub(super) fn large_upload(case: &Case<'_>) -> Option<Spoken> {
    let is_cloud = case.is_for(&[DestinationKind::CloudComm, DestinationKind::CloudFiles]);
    (is_cloud && case.exceeds(&["max_up_per_flow"])).then(|| case.over_limit()).flatten()
}

/// SK-K03
pub(super) fn much_up_on_updates(case: &Case<'_>) -> Option<Spoken> {
    let is_update = case.is_for(&[DestinationKind::SecurityUpdate])
        || case.channel().is_some_and(|channel| channel.kind == ChannelKind::Update);
    (is_update && case.exceeds(&["max_up_per_flow"])).then(|| case.over_limit()).flatten()
}

/// SK-K08
pub(super) fn outside_hours(case: &Case<'_>) -> Option<Spoken> {
    case.exceeds(&["hours"]).then(|| case.about(&case.reached[0]))
}

/// SK-K04: from inside; what knocks from outside is the firewall's daily bread.
pub(super) fn scans(case: &RunCase<'_>) -> Vec<Noted> {
    fans(case, case.crowd.fans.scanners(), &[Role::Scanner], limits::SCAN_TARGETS, "silent_targets")
}

/// SK-K05: where terminals stand in the internet segment (DOMAIN §4.K).
pub(super) fn spread(case: &RunCase<'_>) -> Vec<Noted> {
    if !case.has_model(|model, _| matches!(model, Model::Beta | Model::BetaPrime)) {
        return Vec::new();
    }
    let roles = [Role::Scanner, Role::Update, Role::Jump, Role::VdiGateway, Role::Server];
    fans(case, case.crowd.fans.spreaders(), &roles, limits::SPREAD_HOSTS, "hosts")
}

fn fans(
    case: &RunCase<'_>,
    sources: impl Iterator<Item = IpAddr>,
    meant: &[Role],
    at_least: usize,
    what: &str,
) -> Vec<Noted> {
    if case.crowd.fans.overflow {
        return vec![Noted::open("-", "too_many_targets".to_owned())];
    }
    sources
        .filter(|source| !case.has_role(*source, meant))
        .map(|source| (source, case.segment_at(source)))
        .filter(|(_, segment)| !segment.is_empty())
        .map(|(source, segment)| Noted::whole(source.to_string(), format!("{what}>={at_least}")).of(&segment))
        .collect()
}
