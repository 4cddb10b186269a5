//! SK-C: what the names say, and whether they agree.

use super::{
    case::{Case, Spoken},
    run::{Noted, RunCase},
};
use crate::{
    ground::{
        model::{
            cause::Cause,
            field::Field,
            identity::Marks,
            observation::Value,
            verdict::{FaultKind, Verdict},
        },
        words::{escape, run::percent},
    },
    policy::language::Model,
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

/// SK-C05: only a certificate that was seen (RULES 6).
pub(super) fn other_issuer(case: &Case<'_>) -> Option<Spoken> {
    certificate(case, "issuer", Field::CertIssuer)
}

/// SK-C06
pub(super) fn other_certificate_name(case: &Case<'_>) -> Option<Spoken> {
    certificate(case, "certificate", Field::CertName)
}

/// What of the certificate the destination does not expect, as the judge noted it.
fn certificate(case: &Case<'_>, what: &str, field: Field) -> Option<Spoken> {
    let notes = case.judgement.causes.iter();
    let is_noted = notes
        .filter(|note| note.cause == Cause::NameMismatch)
        .any(|note| note.argument.split(',').any(|part| part == what));
    let seen = case.facts.identity.all(field).next()?;
    let text = match &seen.value {
        Value::Name(name) => escape::name(name),
        Value::Text(text) => escape::bytes(text),
        Value::Target { .. } | Value::Answer { .. } => return None,
    };
    if is_noted { case.own(format!("{}={text}", field.key())) } else { None }
}

/// SK-C04
pub(super) fn inner_name_differs(case: &Case<'_>) -> Option<Spoken> {
    let (number, other) = judge::inner_conflict(case.facts)?;
    Some(Spoken { target: Some(number), detail: format!("inner={}", escape::name(other)) })
}

/// SK-C07: a statement about the run, where α′ asks for certificates.
pub(super) fn unseen_certificates(case: &RunCase<'_>) -> Vec<Noted> {
    let (without, all) = (case.tally.encrypted_without_certificate, case.tally.encrypted_flows);
    let detail =
        || format!("without_certificate={without} of={all} share={}", percent(judge::share(without, all)));
    let is_asked = case.has_model(|model, _| model == Model::AlphaPrime);
    (is_asked && without > 0).then(|| Noted::whole("-", detail())).into_iter().collect()
}
