//! SK-F: lines and waypoints.

use super::case::{Case, IN, Reached, Side, Spoken};
use crate::{
    ground::model::{field::Field, name::HostName, verdict::FaultKind},
    policy::language::{Role, Selector, ZoneClass},
};

/// SK-F02
pub(super) fn bypass(case: &Case<'_>) -> Option<Spoken> {
    case.broken_where(|reached| reached.has(FaultKind::Bypassed))
}

/// SK-F01: the internet segment by a way of its own. What goes through its proxy is the proxy's.
pub(super) fn past_the_security_cloud(case: &Case<'_>) -> Option<Spoken> {
    let is_own = |reached: &Reached<'_>| reached.target.is_none() && reached.side == Side::Rest;
    case.broken_where(|reached| case.from.is(IN) && is_own(reached))
}

/// SK-F04
pub(super) fn other_line(case: &Case<'_>) -> Option<Spoken> {
    case.broken_where(|reached| reached.has(FaultKind::WrongPath))
}

/// SK-F07: at a sensor that promises the internet and not the closed line.
pub(super) fn closed_line_outside(case: &Case<'_>) -> Option<Spoken> {
    let server = case.reached.first()?;
    if server.side != Side::Zone(ZoneClass::ClosedCloud) {
        return None;
    }
    let sensors = std::iter::once(&case.facts.sensor).chain(&case.facts.also_seen);
    let outside = sensors.filter_map(|sensor| case.policy.sensor(*sensor)).any(|sensor| {
        let sees = |class| {
            let mut zones = sensor.sees.iter().filter_map(|seen| match seen {
                Selector::Zone(zone) => Some(case.policy.zone(*zone)),
                _ => None,
            });
            zones.any(|zone| zone.class == class)
        };
        sees(ZoneClass::InternetZone) && !sees(ZoneClass::ClosedCloud)
    });
    outside.then(|| case.about(server))
}

/// SK-F08: a proxy configuration that is looked for by name (WPAD), at a host that is no declared proxy.
pub(super) fn automatic_proxy(case: &Case<'_>) -> Option<Spoken> {
    let is_wpad = |name: &HostName| name.bytes() == b"wpad" || name.bytes().starts_with(b"wpad.");
    let mut hosts = case.facts.identity.names(Field::HttpHost);
    let is_declared =
        [Role::Proxy, Role::TenantProxy].into_iter().any(|role| case.has_role(&case.server, role));
    (hosts.any(is_wpad) && !is_declared).then(|| case.about(&case.reached[0]))
}
