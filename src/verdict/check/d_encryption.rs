//! SK-D: encryption.

use super::case::{Case, Side, Spoken};
use crate::{
    ground::model::{
        identity::Marks,
        verdict::{FaultKind, Verdict},
    },
    policy::language::{DestinationKind, Encrypt, Model, Role, ZoneClass},
};

/// SK-D01
pub(super) fn cleartext_on_required(case: &Case<'_>) -> Option<Spoken> {
    case.broken_where(|reached| reached.has(FaultKind::Cleartext))
}

/// SK-D02: directly with the internet or LGWAN, and nobody approved it. Inside a proxy's flow the proxy answers for it.
pub(super) fn cleartext_http_outside(case: &Case<'_>) -> Option<Spoken> {
    let server = case.reached.first()?;
    let outside = |side: Side| matches!(side, Side::Rest | Side::Zone(ZoneClass::LgwanWan));
    let crosses = outside(server.side) && matches!(case.from, Side::Segment(_))
        || outside(case.from) && matches!(server.side, Side::Segment(_));
    let is_http = case.speaks(&["http", "http2"], &[]) && case.facts.identity.marks.has(Marks::CLEARTEXT);
    let is_proxy = [Role::Proxy, Role::TenantProxy].into_iter().any(|role| case.has_role(&case.server, role));
    (crosses && is_http && !is_proxy && !is_approved(case)).then(|| case.about(server))
}

/// SK-D03: the third condition of the update exception (DOMAIN §1.3 R4).
pub(super) fn update_in_the_clear(case: &Case<'_>) -> Option<Spoken> {
    let server = case.reached.first()?;
    let is_clear = case.speaks(&["http"], &[]) && case.facts.identity.marks.has(Marks::CLEARTEXT);
    let is_breakout = case.model.0 == Model::AlphaPrime && server.side.is_outside();
    let listed = case.server.destinations.iter().filter(|listed| listed.address);
    let mut updates = listed.map(|listed| case.policy.destination(listed.destination));
    let lacks =
        updates.any(|rule| rule.kind == DestinationKind::SecurityUpdate && rule.plaintext_ok_ja.is_none());
    (is_clear && is_breakout && lacks).then(|| case.about(server))
}

/// SK-D04: where the flow leaves its segment.
pub(super) fn weak_encryption(case: &Case<'_>) -> Option<Spoken> {
    (case.facts.identity.marks.has(Marks::WEAK_TLS) && case.crosses()).then(|| case.about(&case.reached[0]))
}

/// SK-D05: also inside one segment, unless a channel approves it.
pub(super) fn network_gear_in_the_clear(case: &Case<'_>) -> Option<Spoken> {
    let is_gear = [Role::Router, Role::Firewall].into_iter().any(|role| case.has_role(&case.server, role));
    let is_clear = case.facts.identity.marks.has(Marks::CLEARTEXT)
        && case.speaks(&["telnet", "http", "snmp", "tftp"], &[]);
    (is_gear && is_clear && !is_approved(case)).then(|| case.about(&case.reached[0]))
}

/// The channel that allows it, or its destination, says that cleartext is right here.
fn is_approved(case: &Case<'_>) -> bool {
    let listed = &case.server.destinations;
    let has_reason = listed.iter().any(|listed| {
        listed.address && case.policy.destination(listed.destination).plaintext_ok_ja.is_some()
    });
    let by_channel =
        case.channel().is_some_and(|channel| channel.encrypt == Some(Encrypt::PlaintextApproved));
    by_channel || has_reason && case.judgement.verdict < Verdict::Attempted
}
