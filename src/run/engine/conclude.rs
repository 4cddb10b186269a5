//! The end of a run: parts added up, the observation checked, the conclusion drawn.

use std::{collections::BTreeMap, sync::Arc};

use super::{account::Account, collector::Collector, seen::Seen};
use crate::{
    ground::model::{
        coverage::{Coverage, InputReport},
        finding::{CheckId, Severity},
        result::{Conclusion, Deviation, Headline, Limit, PolicyFacts, RunResult},
        tally::Tally,
    },
    policy::{
        catalog,
        language::{self, Policy},
    },
    verdict::{
        across::Crowd,
        check::{self, RunCase},
        judge::{self, Question},
    },
};

/// What the parts of a run leave behind.
#[derive(Debug, Default)]
pub struct Parts {
    /// Counters of all front halves and owners.
    pub tallies: Vec<Tally>,
    /// What all owners counted of their flows.
    pub accounts: Vec<Account>,
    /// Coverage of all front halves and the fragment stage.
    pub seen: Vec<Seen>,
    /// What the reader says.
    pub input: InputReport,
}

/// What the user asks of the conclusion.
#[derive(Clone, Debug)]
pub struct Demands {
    /// From which severity on a finding makes exit code 1.
    pub fail_on: Severity,
    /// Undecidable share of the crossing flows that is still good enough, in hundredths of a percent.
    pub undecidable_max: u64,
    /// Segments that must have been seen.
    pub scope: Vec<Arc<str>>,
}

impl Default for Demands {
    /// RULES 4 and 22: 中, and 5 % (our number).
    fn default() -> Self {
        Self { fail_on: Severity::Medium, undecidable_max: 500, scope: Vec::new() }
    }
}

/// Adds everything up.
#[must_use]
pub fn conclude(collector: Collector, parts: Parts, policy: Option<&Policy>, demands: &Demands) -> RunResult {
    let Collector { mut aggregate, mut tally, account, accepted_violations, memory, .. } = collector;
    let mut crowd = Crowd::default();
    let (mut coverage, mut undecidable_causes) = (Coverage::default(), BTreeMap::new());
    for account in parts.accounts.into_iter().chain([account]) {
        account.add_to(&mut tally, &mut coverage, &mut undecidable_causes, &mut crowd);
    }
    for part in &parts.tallies {
        tally.merge(part);
    }
    let mut earliest = None;
    for part in parts.seen {
        tally.cut += part.into_coverage(&mut coverage, &mut earliest);
    }
    for interface in &parts.input.interfaces {
        for (minute, packets) in &interface.lost {
            let seen = coverage.minutes.entry((interface.sensor, *minute)).or_default();
            seen.dropped = seen.dropped.saturating_add(*packets);
        }
    }
    if let Some(policy) = policy {
        let case = RunCase {
            policy,
            tally: &tally,
            coverage: &coverage,
            input: &parts.input,
            scope: &demands.scope,
            crowd: &crowd,
            memory: &memory,
        };
        check::run(&case).iter().for_each(|fire| aggregate.add_whole(fire, &coverage));
    }
    let examined = policy.map(|policy| examined(policy, &tally)).unwrap_or_default();
    let worst_other = aggregate.worst_other();
    let (findings, others) = aggregate.finish();
    let mut result = RunResult {
        span: coverage.first.zip(coverage.last),
        tally,
        coverage,
        input: parts.input,
        findings,
        others,
        examined,
        undecidable_causes,
        accepted_violations,
        policy: policy.map(policy_facts),
        conclusion: Conclusion::default(),
    };
    result.conclusion = match policy {
        Some(policy) => judge::conclude(&Question {
            policy,
            tally: &result.tally,
            coverage: &result.coverage,
            input: &result.input,
            findings: &result.findings,
            worst_other,
            accepted_violations: result.accepted_violations,
            causes: &result.undecidable_causes,
            fail_on: demands.fail_on,
            undecidable_max: demands.undecidable_max,
            scope: &demands.scope,
        }),
        None => unjudged(&result),
    };
    result
}

/// What each check looked at: flows, or frames for the checks of the observation (DOMAIN §5, negatives).
fn examined(policy: &Policy, tally: &Tally) -> BTreeMap<CheckId, u64> {
    let flows: u64 = tally.verdicts.iter().chain(&tally.carriers).map(|totals| totals.flows).sum();
    let enabled = |id: CheckId| policy.check(id).and_then(|setting| setting.enabled) != Some(false);
    let of = |id: CheckId| if id.letter == b'Q' { tally.read.packets } else { flows };
    catalog::all().map(|entry| entry.id).filter(|id| enabled(*id)).map(|id| (id, of(id))).collect()
}

/// Without a policy nothing is found and nothing acquitted; what is damaged is told all the same.
fn unjudged(result: &RunResult) -> Conclusion {
    let mut limits = Vec::new();
    if !result.tally.holds() {
        limits.push(Limit::AccountingBroken);
    }
    if result.tally.read.packets == 0 {
        limits.push(Limit::NoFlows);
    }
    for file in &result.input.files {
        limits.extend(file.damage.iter().map(|damage| Limit::Damaged(file.path.clone(), damage.offset)));
    }
    if result.tally.parser_panics > 0 {
        limits.push(Limit::ParserPanics(result.tally.parser_panics));
    }
    limits.extend(judge::blind_limits(&result.input));
    let is_incomplete = !limits.is_empty();
    Conclusion {
        headline: Headline::CannotSay,
        limits,
        exit_code: if is_incomplete { 3 } else { 0 },
        is_incomplete,
        ..Conclusion::default()
    }
}

fn policy_facts(policy: &Policy) -> PolicyFacts {
    let meta = policy.meta();
    PolicyFacts {
        id: meta.id.to_string(),
        title: meta.title_ja.to_string(),
        org: meta.org_ja.to_string(),
        model: meta.model.word().to_owned(),
        guideline: meta.guideline.to_string(),
        version: meta.version.to_string(),
        sha256: meta.digest(),
        sizes: [policy.channels().len(), policy.forbids().len(), policy.segments().len()],
        deviations: policy.deviations().iter().map(|deviation| deviation_of(policy, deviation)).collect(),
    }
}

fn deviation_of(policy: &Policy, deviation: &language::Deviation) -> Deviation {
    let accept = policy.accept(deviation.accept);
    Deviation {
        code: deviation.code,
        about: deviation.about.to_string(),
        ja: deviation.words.ja.clone(),
        en: deviation.words.en.clone(),
        accepted_by: accept.id.to_string(),
        approved_by: accept.approved_by.to_string(),
        reason: accept.reason_ja.to_string(),
    }
}
