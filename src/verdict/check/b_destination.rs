//! SK-B: what may be reached outside, and what was.

use super::{
    case::{Case, IN, LG, MN, Reached, Side, Spoken, is_under},
    flow::is_internet_attempt,
};
use crate::{
    ground::model::{
        field::Field,
        name::{HostName, Malformed},
        verdict::FaultKind,
    },
    policy::{
        language::{DestinationKind, Model, ZoneClass},
        list,
    },
};

/// Storage and mail for private persons (DOMAIN §4.B B12; the names from memory).
const PRIVATE: &[&str] = &["onedrive.live.com", "outlook.live.com", "mail.google.com", "icloud.com"];

/// SK-B01
pub(super) fn outside_the_breakout_list(case: &Case<'_>) -> Option<Spoken> {
    let is_breakout = case.model.0 == Model::AlphaPrime;
    case.broken_where(|reached| is_breakout && lgwan_to_rest(case, reached))
}

/// SK-B02
pub(super) fn internet_attempt(case: &Case<'_>) -> Option<Spoken> {
    if !is_internet_attempt(case) {
        return None;
    }
    case.broken_where(|reached| reached.side == Side::Rest)
}

/// SK-B03
pub(super) fn lgwan_to_internet(case: &Case<'_>) -> Option<Spoken> {
    let is_breakout = case.model.0 == Model::AlphaPrime;
    case.broken_where(|reached| !is_breakout && lgwan_to_rest(case, reached))
}

/// SK-B04: the My Number segment has a check of its own.
pub(super) fn unlisted_asp(case: &Case<'_>) -> Option<Spoken> {
    let is_segment = matches!(case.from, Side::Segment(_)) && !case.from.is(MN);
    case.broken_where(|reached| is_segment && reached.side == Side::Zone(ZoneClass::LgwanWan))
}

/// SK-B05
pub(super) fn address_outside_the_list(case: &Case<'_>) -> Option<Spoken> {
    case.broken_where(|reached| reached.has(FaultKind::AddressUnlisted))
}

/// SK-B06
pub(super) fn by_address_only(case: &Case<'_>) -> Option<Spoken> {
    case.reached.iter().find(|reached| reached.has(FaultKind::NameUnseen)).map(|reached| case.about(reached))
}

/// SK-B07: to the internet only; inside LGWAN there are no such platforms.
pub(super) fn hosting_platform(case: &Case<'_>) -> Option<Spoken> {
    let is_segment = matches!(case.from, Side::Segment(_)) && (case.from.is(LG) || case.from.is(IN));
    case.broken_where(|reached| {
        let named = match reached.target {
            Some((_, target)) => is_platform(&target.host),
            None => case.first_name().is_some_and(is_platform),
        };
        is_segment && reached.side == Side::Rest && named
    })
}

/// SK-B08: its approval is a destination of that kind or of that very name, not a vendor's whole list.
pub(super) fn low_code(case: &Case<'_>) -> Option<Spoken> {
    let is_asked = case.from.is(LG) || case.from.is(IN);
    case.unapproved(list::LOW_CODES).filter(|_| is_asked && !case.is_for(&[DestinationKind::CloudLowcode]))
}

/// SK-B12: unless a destination lists the very name.
pub(super) fn private_service(case: &Case<'_>) -> Option<Spoken> {
    case.unapproved(PRIVATE).filter(|_| case.from.is(LG) || case.from.is(IN))
}

/// SK-B14: a page or tunnel asked for by a bare address on the internet.
pub(super) fn bare_address(case: &Case<'_>) -> Option<Spoken> {
    let is_bare = |name: &HostName| name.malformed() == Some(Malformed::IpLiteral);
    let mut hosts = case.facts.identity.names(Field::HttpHost).chain(case.facts.identity.names(Field::Sni));
    let server = case.reached.first().filter(|server| server.side == Side::Rest)?;
    let is_inside = matches!(case.from, Side::Segment(_));
    (is_inside && hosts.any(is_bare)).then(|| case.about(server))
}

/// SK-B09
pub(super) fn other_port(case: &Case<'_>) -> Option<Spoken> {
    case.broken_where(|reached| reached.has(FaultKind::PortUnlisted))
}

fn lgwan_to_rest(case: &Case<'_>, reached: &Reached<'_>) -> bool {
    case.from.is(LG) && reached.side == Side::Rest
}

/// A listed service on a platform has a name of its own in the policy and never comes here (DOMAIN §1.3 R2).
fn is_platform(name: &HostName) -> bool {
    is_under(name, list::HOSTED)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_platform_is_told_by_whole_labels() {
        assert!(is_platform(&HostName::new(b"bucket.s3.ap-northeast-1.amazonaws.com")));
        assert!(!is_platform(&HostName::new(b"notamazonaws.com")));
    }
}
