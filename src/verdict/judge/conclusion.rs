//! What a run allows to be said: the first line, what limits it, and the exit code (RULES 22, DESIGN promise 3).
//!
//! Silence is not health: "nothing found" is said only of an observation that was good enough to find something.

use std::{collections::BTreeMap, sync::Arc};

use crate::{
    ground::model::{
        cause::Cause,
        coverage::{BlindReason, Coverage, Damage, InputReport},
        finding::{Finding, Severity},
        limits,
        packet::SensorId,
        result::{Conclusion, Headline, Limit},
        tally::Tally,
        time::{SECOND, Span},
        verdict::Verdict,
    },
    policy::language::{Policy, Selector},
};

/// Everything the conclusion is drawn from.
#[derive(Clone, Copy, Debug)]
pub struct Question<'a> {
    /// What the flows were held against.
    pub policy: &'a Policy,
    /// Where every frame went.
    pub tally: &'a Tally,
    /// What was looked at.
    pub coverage: &'a Coverage,
    /// What the reader says.
    pub input: &'a InputReport,
    /// All findings, those covered by `accept` marked.
    pub findings: &'a [Finding],
    /// The worst severity among findings beyond the bound of the list, those covered by `accept` left out.
    pub worst_other: Option<Severity>,
    /// Violating flows of which every finding is covered by `accept`.
    pub accepted_violations: u64,
    /// Flows by cause.
    pub causes: &'a BTreeMap<&'static str, u64>,
    /// From which severity on a finding makes exit code 1.
    pub fail_on: Severity,
    /// Undecidable share of the crossing flows that is still good enough, in hundredths of a percent.
    pub undecidable_max: u64,
    /// Segments that `--scope` promises.
    pub scope: &'a [Arc<str>],
}

/// Hundredths of a percent; 0 of 0 is 0.
#[must_use]
pub fn share(part: u64, whole: u64) -> u64 {
    u64::try_from(u128::from(part) * 10_000 / u128::from(whole.max(1))).unwrap_or(u64::MAX)
}

/// Minutes between a sensor's first and last without a frame, where its rate rules out chance (THREATS §4 formula 9).
#[must_use]
pub fn blind_minutes(coverage: &Coverage) -> BTreeMap<SensorId, u64> {
    let mut seen: BTreeMap<SensorId, (i64, i64, u64, u64)> = BTreeMap::new();
    for ((sensor, minute), here) in &coverage.minutes {
        let entry = seen.entry(*sensor).or_insert((*minute, *minute, 0, 0));
        entry.0 = entry.0.min(*minute);
        entry.1 = entry.1.max(*minute);
        if here.count.packets > 0 {
            entry.2 += 1;
            entry.3 += here.count.packets;
        }
    }
    let blind = seen.into_iter().filter_map(|(sensor, (first, last, minutes, packets))| {
        let spanned = u64::try_from(last.saturating_sub(first)).unwrap_or(0) + 1;
        let missing = spanned.saturating_sub(minutes);
        (missing > 0 && packets / minutes.max(1) >= limits::BLIND_RATE_MIN).then_some((sensor, missing))
    });
    blind.collect()
}

/// Minutes with more loss than formula 9 allows, by sensor.
#[must_use]
pub fn degraded_minutes(coverage: &Coverage) -> BTreeMap<SensorId, u64> {
    let mut degraded = BTreeMap::new();
    for ((sensor, _), here) in &coverage.minutes {
        let lost = share(here.dropped, here.dropped + here.count.packets) > limits::DROPPED_SHARE_MAX;
        if lost || share(here.unseen, here.acked) > limits::UNSEEN_SHARE_MAX {
            *degraded.entry(*sensor).or_insert(0) += 1;
        }
    }
    degraded
}

/// How long, and how many times, each interface was not seen, by name and reason.
#[must_use]
pub fn blind_times(input: &InputReport) -> BTreeMap<(&str, BlindReason), (Span, u64)> {
    let mut times: BTreeMap<(&str, BlindReason), (Span, u64)> = BTreeMap::new();
    for blind in &input.blind {
        let interface = input.interfaces.iter().find(|interface| interface.id == blind.interface);
        let name = interface.map_or("", |interface| interface.name.as_str());
        let (whole, count) = times.entry((name, blind.reason)).or_default();
        *whole = Span::from_nanos(whole.nanos().saturating_add(blind.to.since(blind.from).nanos().max(0)));
        *count += 1;
    }
    times
}

/// The same as limits: whole seconds, a part of one counts as one.
pub fn blind_limits(input: &InputReport) -> impl Iterator<Item = Limit> {
    blind_times(input).into_iter().map(|((name, reason), (whole, _))| {
        let seconds = u64::try_from(whole.nanos().div_euclid(SECOND)).unwrap_or(0);
        let begun = u64::from(whole.nanos() % SECOND != 0 || seconds == 0);
        Limit::Blind(name.to_owned(), reason, seconds + begun)
    })
}

/// Segments that were promised and of which no frame was seen, and those that nothing promised.
#[must_use]
pub fn unseen_segments(
    policy: &Policy,
    coverage: &Coverage,
    input: &InputReport,
    scope: &[Arc<str>],
) -> (Vec<Arc<str>>, Vec<Arc<str>>) {
    let bound = input.interfaces.iter().filter_map(|interface| policy.sensor(interface.sensor));
    let promised: Vec<Selector> = bound.flat_map(|sensor| sensor.sees.iter().copied()).collect();
    let (mut unseen, mut unobserved) = (Vec::new(), Vec::new());
    for (number, segment) in (0u16..).zip(policy.segments()) {
        let in_time = [coverage.first, coverage.last].into_iter().flatten();
        let is_alive = coverage.first.is_none() || in_time.clone().any(|at| segment.periods.contains(at));
        if !is_alive || coverage.places.get(&segment.id).is_some_and(|frames| *frames > 0) {
            continue;
        }
        let selector = Selector::Segment(crate::policy::language::SegmentIndex(number));
        if promised.contains(&selector) || scope.contains(&segment.id) {
            unseen.push(segment.id.clone());
        } else {
            unobserved.push(segment.id.clone());
        }
    }
    (unseen, unobserved)
}

/// Draws the conclusion.
#[must_use]
pub fn conclude(question: &Question<'_>) -> Conclusion {
    let Question { tally, findings, fail_on, .. } = *question;
    let breaking = breaking_limits(question);
    let is_incomplete = !breaking.is_empty();
    let flows = |verdict: Verdict| tally.verdict(verdict).flows + tally.carriers[verdict as usize].flows;
    let violating =
        flows(Verdict::Violating).saturating_sub(question.accepted_violations) + tally.untracked_violations;
    let reaches = |finding: &Finding| finding.accepted_by.is_none() && finding.severity >= fail_on;
    let has_findings = violating > 0 || findings.iter().any(reaches) || question.worst_other >= Some(fail_on);
    let headline = match (violating > 0, has_findings, is_incomplete) {
        (true, _, _) => Headline::Violations,
        (false, true, _) => Headline::Findings,
        (false, false, true) => Headline::CannotSay,
        (false, false, false) => Headline::NothingFound,
    };
    let mut all = breaking;
    all.extend(mere_limits(question));
    Conclusion {
        headline,
        limits: all,
        exit_code: if is_incomplete { 3 } else { u8::from(has_findings) },
        has_findings,
        is_incomplete,
        fail_on: Some(fail_on),
    }
}

/// What makes the run incomplete or untrustworthy: each is exit code 3.
fn breaking_limits(question: &Question<'_>) -> Vec<Limit> {
    let Question { policy, tally, coverage, input, causes, .. } = *question;
    let sensor = |id: SensorId| policy.sensor(id).map_or_else(String::new, |sensor| sensor.id.to_string());
    let mut found = Vec::new();
    if !tally.holds() {
        found.push(Limit::AccountingBroken);
    }
    if policy.segments().is_empty() || policy.channels().is_empty() {
        found.push(Limit::EmptyPolicy);
    }
    if tally.verdicts.iter().chain(&tally.carriers).all(|totals| totals.flows == 0) {
        found.push(Limit::NoFlows);
    }
    let counted = |cause: Cause| causes.get(cause.code()).copied().filter(|flows| *flows > 0);
    found.extend(counted(Cause::NoPolicyInForce).map(Limit::NoPolicyInForce));
    for file in &input.files {
        found.extend(file.damage.iter().map(|damage| broken_file(&file.path, damage)));
    }
    for (id, (dropped, packets)) in drops(input) {
        if share(dropped, dropped + packets) > limits::DROPPED_SHARE_MAX {
            found.push(Limit::Dropped(sensor(id), dropped));
        }
    }
    let of_sensor = |minutes: BTreeMap<SensorId, u64>, limit: fn(String, u64) -> Limit| {
        minutes.into_iter().map(move |(id, count)| (id, limit, count))
    };
    let minutes = of_sensor(degraded_minutes(coverage), Limit::DegradedMinutes)
        .chain(of_sensor(blind_minutes(coverage), Limit::BlindMinutes));
    found.extend(minutes.map(|(id, limit, count)| limit(sensor(id), count)));
    found.extend(blind_limits(input));
    let one_sided = share(tally.one_way_flows, tally.tcp_flows_with_payload);
    if one_sided > limits::ONE_SIDED_SHARE_MAX {
        found.push(Limit::OneSided(one_sided));
    }
    let (unseen, _) = unseen_segments(policy, coverage, input, question.scope);
    found.extend(unseen.into_iter().map(Limit::SegmentUnseen));
    let undecidable = undecidable_share(tally);
    if undecidable > question.undecidable_max {
        found.push(Limit::UndecidableShare(undecidable));
    }
    if tally.parser_panics > 0 {
        found.push(Limit::ParserPanics(tally.parser_panics));
    }
    found
}

/// What is said beside the first line without changing the exit code.
fn mere_limits(question: &Question<'_>) -> Vec<Limit> {
    let Question { policy, tally, coverage, input, .. } = *question;
    let mut found = Vec::new();
    let undecidable = tally.verdict(Verdict::Undecidable).flows;
    if undecidable > 0 && undecidable_share(tally) <= question.undecidable_max {
        found.push(Limit::Undecidable(undecidable));
    }
    if question.accepted_violations > 0 {
        found.push(Limit::Accepted(question.accepted_violations));
    }
    for (id, (dropped, packets)) in drops(input) {
        if dropped > 0 && share(dropped, dropped + packets) <= limits::DROPPED_SHARE_MAX {
            let name = policy.sensor(id).map_or_else(String::new, |sensor| sensor.id.to_string());
            found.push(Limit::Dropped(name, dropped));
        }
    }
    if tally.unseen_bytes > 0 {
        found.push(Limit::UnseenBytes(share(tally.unseen_bytes, tally.acked_bytes)));
    }
    let undecoded: u64 =
        tally.no_flow.iter().filter(|(reason, _)| reason.is_blind()).map(|(_, count)| count.packets).sum();
    let bound = tally.evicted + tally.untracked.iter().map(|count| count.packets).sum::<u64>();
    let counted = [
        (undecoded, Limit::Undecoded as fn(u64) -> Limit),
        (coverage.cut_hellos, Limit::Cut),
        (bound, Limit::MemoryBound),
        (input.time_anomalies, Limit::TimeAnomalies),
    ];
    found.extend(counted.into_iter().filter(|(count, _)| *count > 0).map(|(count, limit)| limit(count)));
    let late = input.files.iter().filter(|file| file.late > 0);
    found.extend(late.map(|file| Limit::Late(file.path.clone(), file.late)));
    let is_bound = input.interfaces.iter().any(|interface| interface.sensor != SensorId::NONE);
    if !is_bound && !policy.sensors().is_empty() {
        found.push(Limit::NoSensorBound);
    }
    let (_, unobserved) = unseen_segments(policy, coverage, input, question.scope);
    found.extend(unobserved.into_iter().map(Limit::SegmentUnobserved));
    found
}

fn broken_file(path: &str, damage: &Damage) -> Limit {
    match damage.what {
        "unreadable" | "unknown_format" | "vanished" | "too_many_files" => Limit::Unreadable(path.to_owned()),
        _ => Limit::Damaged(path.to_owned(), damage.offset),
    }
}

/// Dropped and seen packets by sensor, as the capture itself counted.
#[must_use]
pub fn drops(input: &InputReport) -> BTreeMap<SensorId, (u64, u64)> {
    let mut drops: BTreeMap<SensorId, (u64, u64)> = BTreeMap::new();
    for interface in &input.interfaces {
        let entry = drops.entry(interface.sensor).or_default();
        entry.0 += interface.dropped.unwrap_or(0);
        entry.1 += interface.packets;
    }
    drops
}

/// Undecidable share of the flows that cross segments. A packet whose flow found no place counts as a flow: nobody
/// knows how many there were.
fn undecidable_share(tally: &Tally) -> u64 {
    let flows = |verdict: Verdict| tally.verdict(verdict).flows + tally.untracked[verdict as usize].packets;
    let crossing: u64 = Verdict::ALL[1..].iter().map(|verdict| flows(*verdict)).sum();
    share(flows(Verdict::Undecidable), crossing)
}
