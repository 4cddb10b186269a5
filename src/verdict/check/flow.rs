//! All checks on one flow: who speaks, who gives way to whom, and what it does to the verdict (RULES 4, 5, 28, 29).

use super::{
    FLOW, Fire,
    case::{Case, LG, Side, Spoken},
    is_enabled,
};
use crate::{
    ground::model::{
        cause::{Cause, CauseNote, Touch},
        facts::FlowFacts,
        finding::{CheckId, Kind, Severity},
        verdict::{Judgement, Step, StepKind, Verdict},
    },
    policy::{
        catalog::{self, Effect, Entry},
        language::Policy,
    },
};

const fn id(letter: u8, number: u8) -> CheckId {
    CheckId::new(letter, number)
}

/// The attempt of the LGWAN segment to reach the internet: it speaks alone (RULES 29).
const ATTEMPT: CheckId = id(b'B', 2);
/// The finding of last resort (RULES 4).
pub(super) const LAST_RESORT: CheckId = id(b'L', 3);

/// Special checks and the general ones that give way to them (RULES 28).
const REPLACES: &[(CheckId, &[CheckId])] = &[
    (id(b'F', 2), &GENERAL),
    (id(b'L', 2), &GENERAL),
    (id(b'B', 4), &GENERAL),
    (id(b'B', 5), &GENERAL),
    (id(b'B', 7), &GENERAL),
    (id(b'B', 9), &GENERAL),
    (id(b'C', 4), &[id(b'C', 3)]),
    (id(b'E', 2), &GENERAL),
    (id(b'F', 4), &GENERAL),
    (id(b'G', 7), &[id(b'A', 4)]),
    (id(b'G', 11), &[id(b'A', 4)]),
    (id(b'H', 2), &[id(b'F', 1)]),
    (id(b'H', 3), &[id(b'F', 1)]),
];

const GENERAL: [CheckId; 3] = [id(b'B', 1), id(b'B', 3), id(b'F', 1)];

/// Runs every check on one flow: what is found is added to `out`, and the verdict is made as bad as it says. To be
/// called once, after [`corroborate`](crate::verdict::judge::corroborate).
pub fn flow(policy: &Policy, facts: &FlowFacts, judgement: &mut Judgement, out: &mut Vec<Fire>) {
    if judgement.causes.has(Cause::NoPolicyInForce) {
        return;
    }
    let case = Case::new(policy, facts, judgement);
    let mut spoken: Vec<(&'static Entry, Spoken)> = Vec::new();
    for (check, speaks) in FLOW.iter().filter(|(check, _)| *check != LAST_RESORT) {
        // Most are silent about most flows: they are asked first.
        let Some(words) = speaks(&case) else { continue };
        let Some(entry) = catalog::by_id(*check) else { continue };
        // A policy may silence a finding; the doubt that the finding tells of stays with the flow (RULES 5).
        if is_enabled(policy, *check) || matches!(entry.effect, Effect::Undecidable(_)) {
            spoken.push((entry, words));
        }
    }
    let verdict = after(&case, &spoken);
    spoken.retain(|(entry, _)| is_enabled(policy, entry.id));
    let alone = spoken.iter().any(|(entry, _)| entry.id == ATTEMPT);
    if alone {
        spoken.retain(|(entry, _)| entry.id == ATTEMPT);
    }
    let replaced: Vec<_> = REPLACES
        .iter()
        .filter(|(special, _)| spoken.iter().any(|(entry, _)| entry.id == *special))
        .flat_map(|(_, general)| general.iter().copied())
        .collect();
    spoken.retain(|(entry, _)| !replaced.contains(&entry.id));
    let is_inner = is_inner(&case);
    let convicts = |entry: &Entry| entry.weight(is_inner).kind == Kind::Violation;
    if verdict.verdict >= Verdict::Attempted && !spoken.iter().any(|(entry, _)| convicts(entry)) {
        let last = FLOW.iter().find(|(check, _)| *check == LAST_RESORT).and_then(|(_, speaks)| speaks(&case));
        spoken.extend(catalog::by_id(LAST_RESORT).zip(last));
    }
    let attempted = verdict.verdict == Verdict::Attempted;
    let fires = spoken.iter().map(|(entry, words)| fire(&case, entry, words, attempted));
    out.extend(fires);
    let findings: Vec<_> = spoken.iter().map(|(entry, _)| entry.id).collect();
    let steps = steps(judgement, &verdict, &findings);
    *judgement = Judgement { findings, steps, ..verdict };
}

/// The verdict after the effects of what was found.
fn after(case: &Case<'_>, spoken: &[(&'static Entry, Spoken)]) -> Judgement {
    let mut judgement = case.judgement.clone();
    for (entry, words) in spoken {
        match entry.effect {
            Effect::Violating if entry.id == ATTEMPT => {}
            Effect::Violating => {
                let refused = words.target.is_some() && judgement.verdict == Verdict::Attempted;
                let attempt = judgement.unanswered || refused;
                judgement.verdict.lift(if attempt { Verdict::Attempted } else { Verdict::Violating });
            }
            // A name lifts the verdict only where the decision rests on it (RULES 8).
            Effect::Undecidable(cause)
                if cause.touches() != Touch::NAME || judgement.rests.meets(Touch::NAME) =>
            {
                let argument = if cause == Cause::NameMismatch { words.detail.as_str() } else { "" };
                judgement.lift(Verdict::Undecidable, CauseNote { cause, argument });
            }
            Effect::Undecidable(_) | Effect::None => {}
        }
    }
    judgement
}

fn steps(judgement: &Judgement, after: &Judgement, findings: &[CheckId]) -> Vec<Step> {
    let mut steps = judgement.steps.clone();
    if !steps.is_empty() {
        let ids: Vec<_> = findings.iter().map(ToString::to_string).collect();
        let found = if ids.is_empty() { "none".to_owned() } else { ids.join(" ") };
        steps.push(Step { kind: StepKind::Checks, detail: format!("{found}; {}", after.verdict.code()) });
    }
    steps
}

/// The weight of the class mynumber or lgwan counts when either end is of it.
fn is_inner(case: &Case<'_>) -> bool {
    case.from.is_protected() || case.reached.iter().any(|reached| reached.side.is_protected())
}

fn fire(case: &Case<'_>, entry: &Entry, words: &Spoken, attempted: bool) -> Fire {
    let weight = entry.weight(is_inner(case));
    let setting = case.policy.check(entry.id).and_then(|setting| setting.severity);
    let forbidden =
        case.policy.forbids().iter().find(|forbid| Some(&forbid.id) == case.judgement.forbid.as_ref());
    let by_forbid = forbidden
        .and_then(|forbid| forbid.severity)
        .filter(|_| weight.kind == Kind::Violation && entry.id != ATTEMPT);
    let usual = if case.policy.is_switched_on(entry.id) { weight.severity } else { Severity::Info };
    let severity = setting.or(by_forbid).unwrap_or(usual);
    let reached =
        case.reached.iter().find(|reached| reached.target.map(|(number, _)| number) == words.target);
    let rule = case.judgement.forbid.as_ref().or(case.judgement.channel.as_ref());
    Fire {
        check: entry.id,
        severity: if attempted && entry.id != ATTEMPT { severity.milder() } else { severity },
        kind: weight.kind,
        segment_client: case.judgement.segment_client.clone(),
        segment_server: reached.unwrap_or(&case.reached[0]).place.clone(),
        subject: case.subject(words.target),
        rule: rule.cloned().unwrap_or_default(),
        detail: words.detail.clone(),
        attempted,
        grade: case.judgement.grade,
    }
}

/// True for an attempt of the LGWAN segment to reach the internet and nothing else.
pub(super) fn is_internet_attempt(case: &Case<'_>) -> bool {
    let to_rest = || case.broken().all(|reached| reached.side == Side::Rest);
    case.from.is(LG)
        && case.judgement.verdict == Verdict::Attempted
        && case.broken().next().is_some()
        && to_rest()
}
