//! SK-A: traffic between segments that should not meet.

use super::case::{Case, IN, LG, MN, Side, Spoken};
use crate::{
    ground::model::{
        cause::Cause,
        verdict::{FaultKind, Verdict},
    },
    policy::language::ZoneClass,
};

/// Sign-in, files and printing by their ports (DOMAIN §4.A A09).
const SHARED_PORTS: &[u16] = &[88, 135, 139, 389, 445, 464, 515, 631, 636, 3268, 3269, 9100];
/// Management by its ports: SSH, Telnet, SNMP, WinRM, WSUS (IANA; 8530 and 8531 from memory).
const MANAGEMENT_PORTS: &[u16] = &[22, 23, 161, 162, 5985, 5986, 8530, 8531];

/// The lists of this file that hold a port, a bit for each.
pub(super) fn lists_of_port(port: u16) -> u8 {
    u8::from(SHARED_PORTS.contains(&port)) | u8::from(MANAGEMENT_PORTS.contains(&port)) << 1
}

/// SK-A01: either direction, the server or a target named inside.
pub(super) fn mynumber_and_internet(case: &Case<'_>) -> Option<Spoken> {
    case.broken_where(|reached| {
        case.from.is(MN) && reached.side == Side::Rest || case.from == Side::Rest && reached.side.is(MN)
    })
}

/// SK-A02
pub(super) fn mynumber_and_internet_segment(case: &Case<'_>) -> Option<Spoken> {
    case.broken_where(|reached| between(case, reached.side, MN, IN))
}

/// SK-A03
pub(super) fn mynumber_to_unlisted_lgwan(case: &Case<'_>) -> Option<Spoken> {
    case.broken_where(|reached| case.from.is(MN) && reached.side == Side::Zone(ZoneClass::LgwanWan))
}

/// SK-A04
pub(super) fn mynumber_and_lgwan_segment(case: &Case<'_>) -> Option<Spoken> {
    case.broken_where(|reached| between(case, reached.side, MN, LG))
}

/// SK-A05
pub(super) fn lgwan_and_internet_segment(case: &Case<'_>) -> Option<Spoken> {
    case.broken_where(|reached| between(case, reached.side, LG, IN))
}

/// SK-A06: the maintenance line has a check of its own.
pub(super) fn opened_from_outside(case: &Case<'_>) -> Option<Spoken> {
    let is_dedicated = case.from == Side::Zone(ZoneClass::Dedicated);
    case.broken_where(|reached| {
        case.from.is_outside() && !is_dedicated && matches!(reached.side, Side::Segment(_))
    })
}

/// SK-A07
pub(super) fn over_a_maintenance_line(case: &Case<'_>) -> Option<Spoken> {
    let is_dedicated = case.from == Side::Zone(ZoneClass::Dedicated);
    case.broken_where(|reached| is_dedicated && matches!(reached.side, Side::Segment(_)))
}

/// SK-A08
pub(super) fn undefined_end(case: &Case<'_>) -> Option<Spoken> {
    let is_unknown = case.judgement.verdict == Verdict::Undecidable
        && case.judgement.causes.has(Cause::UnknownAddress)
        || case.judgement.has(FaultKind::Unlisted)
            && [case.from, case.reached.first()?.side].contains(&Side::Unknown);
    is_unknown.then(|| case.about(&case.reached[0]))
}

/// SK-A09
pub(super) fn shared_services(case: &Case<'_>) -> Option<Spoken> {
    let apps = ["kerberos", "ldap", "smb", "dcerpc"];
    let is_shared = case.speaks(&apps, SHARED_PORTS);
    case.broken_where(|reached| is_shared && both_inside(case, reached.side))
}

/// SK-A10
pub(super) fn management(case: &Case<'_>) -> Option<Spoken> {
    let is_management = case.speaks(&["snmp", "ssh", "telnet"], MANAGEMENT_PORTS);
    case.broken_where(|reached| is_management && both_inside(case, reached.side))
}

fn both_inside(case: &Case<'_>, there: Side) -> bool {
    matches!((case.from, there), (Side::Segment(one), Side::Segment(other)) if one != other)
}

fn between(
    case: &Case<'_>,
    there: Side,
    one: crate::policy::language::SegmentClass,
    other: crate::policy::language::SegmentClass,
) -> bool {
    case.from.is(one) && there.is(other) || case.from.is(other) && there.is(one)
}
