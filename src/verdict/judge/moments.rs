//! Which rules of time a flow is judged by, and what readings that differ come to (RULES 21, 25).

use crate::{
    ground::model::{
        cause::Cause,
        facts::FlowFacts,
        limits::{BORDERS_PER_FLOW_MAX, EPOCH_BORDER},
        time::{Span, Timestamp},
        verdict::{Judgement, Verdict},
    },
    policy::language::Policy,
};

/// Judges a flow in every stretch of time between two borders that it surely has packets in; the worst stands. Where
/// the clock leaves open whether it touched a stretch, only a verdict that is the same there stands.
pub(super) fn judge(
    policy: &Policy,
    facts: &FlowFacts,
    mut judge_at: impl FnMut(Timestamp) -> Judgement,
) -> Judgement {
    let (first, last) = (facts.first, facts.last.max(facts.first));
    let borders = policy.borders_between(later(first, -1), later(last, 1));
    if borders.is_empty() {
        return judge_at(first);
    }
    let kept = &borders[..borders.len().min(BORDERS_PER_FLOW_MAX)];
    let starts = std::iter::once(Timestamp::MIN).chain(kept.iter().copied());
    let ends = kept.iter().copied().chain([Timestamp::MAX]);
    let mut certain: Option<Judgement> = None;
    let mut possible = Vec::new();
    for (from, until) in starts.zip(ends) {
        let last_moment = Timestamp::from_nanos(until.nanos().saturating_sub(1));
        let judgement = judge_at(first.max(from).min(last_moment));
        if first <= later(until, -1) && last >= later(from, 1) {
            certain = Some(match certain {
                Some(worst) if worst.verdict >= judgement.verdict => worst,
                _ => judgement,
            });
        } else {
            possible.push(judgement);
        }
    }
    let mut judgement = match certain {
        Some(certain) => {
            let agreed = agree(certain.clone(), &possible, Cause::EpochBoundary);
            // What surely was sent stays as bad as it is; the doubt can only make it worse.
            if agreed.verdict < certain.verdict { certain } else { agreed }
        }
        None => {
            let first = if possible.is_empty() { judge_at(first) } else { possible.remove(0) };
            agree(first, &possible, Cause::EpochBoundary)
        }
    };
    if borders.len() > kept.len() {
        judgement.doubt(Cause::EpochBoundary, "borders");
    }
    judgement
}

/// The moment so many times the clock's doubt later; earlier when negative.
fn later(at: Timestamp, times: i64) -> Timestamp {
    at.plus(Span::from_nanos(EPOCH_BORDER.nanos() * times))
}

/// What several readings of one flow come to: one verdict where they agree; an attempt where each of them is a
/// violation of some degree; else undecidable for this cause.
pub(super) fn agree(mut one: Judgement, others: &[Judgement], cause: Cause) -> Judgement {
    let verdicts = || others.iter().map(|other| other.verdict).chain([one.verdict]);
    let (best, worst) = (verdicts().min(), verdicts().max());
    if best == worst {
        return one;
    }
    if best >= Some(Verdict::Attempted) {
        one.verdict = best.unwrap_or_default();
        return one;
    }
    one.verdict = Verdict::Undecidable;
    one.faults.clear();
    one.channel = None;
    one.forbid = None;
    one.causes.add(cause);
    one
}
