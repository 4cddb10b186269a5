//! Findings gathered: one per (check, segment pair, host, destination), totals exact, the list bounded (DOMAIN §4).

use std::{collections::BTreeMap, net::IpAddr, sync::Arc};

use crate::{
    ground::model::{
        coverage::Coverage,
        facts::FlowFacts,
        finding::{CheckId, Finding, FindingKey, Severity},
        flow_line::FlowRecord,
        limits,
    },
    verdict::check::Fire,
};

/// The findings of a run, growing.
#[derive(Debug, Default)]
pub(super) struct Aggregate {
    findings: BTreeMap<FindingKey, Finding>,
    /// Findings of one host under one check, so that a flood of one does not push another off the list.
    per_host: BTreeMap<(CheckId, Option<IpAddr>), usize>,
    others: BTreeMap<CheckId, u64>,
    /// The worst severity among those, acceptances left out.
    worst_other: Option<Severity>,
}

impl Aggregate {
    /// Adds what one check said about one flow.
    pub(super) fn add(&mut self, fire: &Fire, record: &FlowRecord, accepted_by: Option<Arc<str>>) {
        let key = key(fire);
        if let Some(known) = self.findings.get_mut(&key) {
            join(known, fire, &record.facts);
            if accepted_by.is_none() {
                // An acceptance covers some hosts for a time; a finding is accepted when all of it is (RULES 37).
                known.accepted_by = None;
            }
            return;
        }
        // Asked first: a full list must not go on growing by the hosts it does not list.
        let is_full = self.findings.len() >= limits::FINDINGS_MAX;
        let of_host = (!is_full).then(|| self.per_host.entry((fire.check, fire.host)).or_default());
        let Some(of_host) = of_host.filter(|count| **count < limits::FINDINGS_PER_HOST_MAX) else {
            *self.others.entry(fire.check).or_default() += 1;
            if accepted_by.is_none() {
                self.worst_other = self.worst_other.max(Some(fire.severity));
            }
            return;
        };
        *of_host += 1;
        let mut finding = begin(key.clone(), fire, &record.facts, accepted_by);
        join(&mut finding, fire, &record.facts);
        self.findings.insert(key, finding);
    }

    /// Adds what a check said about the run as a whole: it is about no flow.
    pub(super) fn add_whole(&mut self, fire: &Fire, coverage: &Coverage) {
        let facts = FlowFacts {
            first: coverage.first.unwrap_or_default(),
            last: coverage.last.unwrap_or_default(),
            ..FlowFacts::default()
        };
        let finding = begin(key(fire), fire, &facts, None);
        self.findings.insert(finding.key.clone(), finding);
    }

    /// The worst severity of what found no place on the list and nobody accepted.
    #[must_use]
    pub(super) const fn worst_other(&self) -> Option<Severity> {
        self.worst_other
    }

    /// The findings, worst first, then by key; and what found no place on the list, by check.
    #[must_use]
    pub(super) fn finish(self) -> (Vec<Finding>, BTreeMap<CheckId, u64>) {
        let mut findings: Vec<_> = self.findings.into_values().collect();
        findings.sort_by(|a, b| b.severity.cmp(&a.severity).then_with(|| a.key.cmp(&b.key)));
        (findings, self.others)
    }
}

/// One flow's finding by itself, as it is announced.
#[must_use]
pub(super) fn single(fire: &Fire, record: &FlowRecord) -> Finding {
    let mut finding = begin(key(fire), fire, &record.facts, None);
    join(&mut finding, fire, &record.facts);
    finding
}

fn key(fire: &Fire) -> FindingKey {
    FindingKey {
        check: fire.check,
        segment_client: fire.segment_client.clone(),
        segment_server: fire.segment_server.clone(),
        host: fire.host,
        destination: fire.destination.clone(),
    }
}

fn begin(key: FindingKey, fire: &Fire, facts: &FlowFacts, accepted_by: Option<Arc<str>>) -> Finding {
    Finding {
        key,
        severity: fire.severity,
        kind: fire.kind,
        flows: 0,
        attempted: 0,
        packets: 0,
        bytes_up: 0,
        bytes_down: 0,
        first: facts.first,
        last: facts.last,
        first_frame: facts.first_frame,
        last_frame: facts.last_frame,
        samples: Vec::new(),
        grade: fire.grade,
        rule: fire.rule.clone(),
        detail: fire.detail.clone(),
        accepted_by,
    }
}

fn join(finding: &mut Finding, fire: &Fire, facts: &FlowFacts) {
    finding.severity = finding.severity.max(fire.severity);
    finding.flows += 1;
    finding.attempted += u64::from(fire.attempted);
    finding.packets += facts.packets();
    finding.bytes_up += facts.up().wire_bytes;
    finding.bytes_down += facts.down().wire_bytes;
    finding.first = finding.first.min(facts.first);
    finding.last = finding.last.max(facts.last);
    finding.first_frame = finding.first_frame.min(facts.first_frame);
    finding.last_frame = finding.last_frame.max(facts.last_frame);
    finding.grade = finding.grade.min(fire.grade);
    // Flows end in the order of the input, not in that of their beginning: keep the earliest.
    if let Err(place) = finding.samples.binary_search(&facts.id)
        && place < limits::FINDING_SAMPLES_MAX
    {
        finding.samples.insert(place, facts.id);
        finding.samples.truncate(limits::FINDING_SAMPLES_MAX);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ground::model::{finding::Kind, verdict::Grade};

    fn fire(destination: u32, severity: Severity) -> Fire {
        Fire {
            check: CheckId::new(b'C', 1),
            severity,
            kind: Kind::Undecidable,
            segment_client: Arc::default(),
            segment_server: Arc::default(),
            host: None,
            destination: destination.to_string(),
            rule: Arc::default(),
            detail: String::new(),
            attempted: false,
            grade: Grade::G1,
        }
    }

    #[test]
    fn a_finding_is_accepted_only_while_every_flow_of_it_is() {
        let accepted = || Some(Arc::from("accept-1"));
        for (first, second, expected) in
            [(accepted(), None, None), (None, accepted(), None), (accepted(), accepted(), accepted())]
        {
            let mut aggregate = Aggregate::default();
            aggregate.add(&fire(1, Severity::High), &FlowRecord::default(), first);
            aggregate.add(&fire(1, Severity::High), &FlowRecord::default(), second);
            assert_eq!(aggregate.finish().0[0].accepted_by, expected);
        }
    }

    #[test]
    fn what_finds_no_place_on_the_list_is_still_as_bad_as_it_is() {
        let mut aggregate = Aggregate::default();
        let full = limits::FINDINGS_PER_HOST_MAX as u32;
        (0..full).for_each(|n| aggregate.add(&fire(n, Severity::Low), &FlowRecord::default(), None));
        assert_eq!(aggregate.worst_other(), None);
        aggregate.add(&fire(full, Severity::High), &FlowRecord::default(), Some(Arc::from("accept-1")));
        assert_eq!(aggregate.worst_other(), None);
        aggregate.add(&fire(full, Severity::High), &FlowRecord::default(), None);
        assert_eq!(aggregate.worst_other(), Some(Severity::High));
    }
}
