//! SK-A: traffic between segments that should not meet.

use super::case::{Case, IN, LG, MN, Side, Spoken};
use crate::{
    ground::model::{
        cause::Cause,
        verdict::{FaultKind, Verdict},
    },
    policy::language::ZoneClass,
};

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

fn between(
    case: &Case<'_>,
    there: Side,
    one: crate::policy::language::SegmentClass,
    other: crate::policy::language::SegmentClass,
) -> bool {
    case.from.is(one) && there.is(other) || case.from.is(other) && there.is(one)
}
