//! SK-M: while the model changes.

use std::net::IpAddr;

use super::case::{Case, Spoken};
use crate::policy::language::Segment;

/// SK-M01
pub(super) fn in_the_window(case: &Case<'_>) -> Option<Spoken> {
    case.judgement.migrating.then(|| case.about(&case.reached[0]))
}

/// SK-M02: an address that only a segment of earlier days has.
pub(super) fn retired(case: &Case<'_>) -> Option<Spoken> {
    let at = case.judgement.at;
    let is_over = |segment: &&Segment| segment.periods.iter().all(|period| period.until <= at);
    let past = |addr: IpAddr| {
        case.policy
            .segments()
            .iter()
            .filter(is_over)
            .find(|segment| segment.cidr.iter().any(|it| it.contains(addr)))
    };
    let ends = [&case.client, &case.server].into_iter().filter(|end| end.place.segment().is_none());
    let segment = ends.filter_map(|end| end.addr).find_map(past)?;
    case.own(format!("segment={}", segment.id))
}
