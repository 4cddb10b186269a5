//! SK-C: what the names say, and whether they agree.

use super::case::{Case, Spoken};
use crate::{
    ground::{
        model::{
            identity::Marks,
            verdict::{FaultKind, Verdict},
        },
        words::escape,
    },
    verdict::judge,
};

/// SK-C01: a hello without a name, where a name is needed (RULES 8).
pub(super) fn no_name(case: &Case<'_>) -> Option<Spoken> {
    let without = case.facts.identity.marks.has(Marks::HELLO_WITHOUT_NAME);
    let needed = case.reached.iter().find(|reached| reached.has(FaultKind::NameUnseen))?;
    (without && needed.side.is_outside()).then(|| case.about(needed))
}

/// SK-C02: with a sign that it is real, never for the extension alone.
pub(super) fn real_ech(case: &Case<'_>) -> Option<Spoken> {
    let marks = case.facts.identity.marks;
    let by_cover = marks.has(Marks::ECH) && judge::server_names(case.facts).any(judge::is_cover_name);
    let is_seen = case.judgement.has(FaultKind::EchReal) || by_cover;
    let is_crossing = case.judgement.verdict != Verdict::OutOfScope;
    if is_seen && is_crossing { case.own(outer(case)) } else { None }
}

fn outer(case: &Case<'_>) -> String {
    case.first_name().map_or_else(String::new, |name| format!("outer={}", escape::name(name)))
}

/// SK-C03: also where DNS gave the server other names.
pub(super) fn names_disagree(case: &Case<'_>) -> Option<Spoken> {
    let layers = judge::conflict(case.facts)
        .or_else(|| case.judgement.has(FaultKind::DnsDisagrees).then_some("sni/dns"))?;
    case.own(layers.to_owned())
}

/// SK-C04
pub(super) fn inner_name_differs(case: &Case<'_>) -> Option<Spoken> {
    let (number, other) = judge::inner_conflict(case.facts)?;
    Some(Spoken { target: Some(number), detail: format!("inner={}", escape::name(other)) })
}
