//! One story in the order of the input: what crosses flows is joined here, findings are gathered, lines are told.

use std::{collections::BTreeMap, io, sync::Arc};

use super::{
    aggregate::{self, Aggregate},
    closing,
    event::{Event, What},
    join::{self, Join, Sightings},
    sink::Sink,
};
use crate::{
    ground::model::{
        cause::{Cause, Touch},
        coverage::Coverage,
        facts::{EndReason, FlowFacts},
        field::Field,
        finding::{FindingKey, Kind, Severity},
        flow_line::FlowRecord,
        identity::Marks,
        limits,
        tally::{Count, Tally},
        verdict::Verdict,
    },
    policy::language::Policy,
    verdict::{
        across::Memory,
        check::{self, Fire},
        judge,
    },
};

/// The story so far.
#[derive(Debug)]
pub struct Collector {
    policy: Option<Arc<Policy>>,
    /// Present when inputs are bound to several sensors.
    join: Option<Join>,
    memory: Memory,
    pub(super) aggregate: Aggregate,
    pub(super) tally: Tally,
    pub(super) coverage: Coverage,
    pub(super) undecidable_causes: BTreeMap<&'static str, u64>,
    pub(super) accepted_violations: u64,
    /// What was announced, and whether it was an attempt then.
    announced: BTreeMap<FindingKey, bool>,
}

impl Collector {
    /// An empty story. `several_sensors`: the sightings of one flow are joined.
    #[must_use]
    pub fn new(policy: Option<Arc<Policy>>, several_sensors: bool) -> Self {
        Self {
            policy,
            join: several_sensors.then(Join::default),
            memory: Memory::default(),
            aggregate: Aggregate::default(),
            tally: Tally::default(),
            coverage: Coverage::default(),
            undecidable_causes: BTreeMap::new(),
            accepted_violations: 0,
            announced: BTreeMap::new(),
        }
    }

    /// Takes what all workers have to say of one stretch of the input, in order.
    ///
    /// # Errors
    /// When the sink does not take a line.
    pub fn absorb(&mut self, events: impl IntoIterator<Item = Event>, sink: &mut dyn Sink) -> io::Result<()> {
        for event in events {
            match event.what {
                What::Sighting(sighting) => self.memory.hear(&sighting),
                What::Early(record) => self.early(*record, sink)?,
                What::Untracked(record) => self.untracked(*record, sink)?,
                What::Closed(record) => self.closed(record, sink)?,
            }
        }
        Ok(())
    }

    /// Nothing but announced: what the flow comes to is said when it is over.
    fn early(&mut self, mut record: FlowRecord, sink: &mut dyn Sink) -> io::Result<()> {
        let mut fires = self.ask(&mut record);
        fires.retain(|fire| fire.kind == Kind::Violation);
        self.announce(&record, &fires, sink)
    }

    /// Announces what was not announced before; an attempt that got an answer is news. Information is none, and neither is
    /// what is accepted.
    fn announce(&mut self, record: &FlowRecord, fires: &[Fire], sink: &mut dyn Sink) -> io::Result<()> {
        if !sink.announces() {
            return Ok(());
        }
        let is_accepted = |policy: &Arc<Policy>, fire: &Fire| {
            policy.accepted(fire.check, fire.host, record.facts.first).is_some()
        };
        for fire in fires.iter().filter(|fire| fire.severity > Severity::Info) {
            if self.policy.as_ref().is_some_and(|policy| is_accepted(policy, fire)) {
                continue;
            }
            let finding = aggregate::single(fire, record);
            let is_full = self.announced.len() >= limits::FINDINGS_MAX;
            match self.announced.get_mut(&finding.key) {
                Some(was_attempt) if *was_attempt && !fire.attempted => *was_attempt = false,
                None if !is_full => {
                    self.announced.insert(finding.key.clone(), fire.attempted);
                }
                _ => continue,
            }
            sink.found(&finding)?;
        }
        Ok(())
    }

    /// No line, no count (its owner did that), but its findings are told.
    fn untracked(&mut self, mut record: FlowRecord, sink: &mut dyn Sink) -> io::Result<()> {
        let fires = self.ask(&mut record);
        self.announce(&record, &fires, sink)?;
        let is_accepted = self.findings(&record, &fires);
        let violates = record.judgement.is_some_and(|judgement| judgement.verdict == Verdict::Violating);
        self.tally.untracked_violations += u64::from(violates && !is_accepted);
        Ok(())
    }

    /// The input is over: what still waits for another sensor is told as it is.
    ///
    /// # Errors
    /// When the sink does not take a line.
    pub fn finish(&mut self, sink: &mut dyn Sink) -> io::Result<()> {
        while let Some(sightings) = self.join.as_mut().and_then(Join::release) {
            self.joined(sightings, sink)?;
        }
        Ok(())
    }

    fn closed(&mut self, mut record: Box<FlowRecord>, sink: &mut dyn Sink) -> io::Result<()> {
        match &mut self.join {
            // Outer layers are told where they were seen: they end at other gear at every sensor.
            Some(join) if record.facts.carrier.is_none() => match join.add(*record) {
                Some(sightings) => self.joined(sightings, sink),
                None => Ok(()),
            },
            _ => {
                let fires = self.ask(&mut record);
                self.tell(&mut record, &fires, &[], sink)
            }
        }
    }

    /// One flow with all its sightings. Each is judged knowing of the others; the worst is the verdict (RULES 17, 19), and
    /// the frames of all are counted in it.
    fn joined(&mut self, mut sightings: Sightings, sink: &mut dyn Sink) -> io::Result<()> {
        if sightings.len() > 1 {
            join::tell_each_other(&mut sightings);
            if let Some(policy) = &self.policy {
                sightings.iter_mut().for_each(|record| closing::judge(policy, record));
            }
        }
        let mut asked: Vec<(FlowRecord, Vec<Fire>)> = Vec::with_capacity(sightings.len());
        for mut record in sightings {
            let fires = self.ask(&mut record);
            asked.push((record, fires));
        }
        let verdict = |record: &FlowRecord| record.judgement.as_ref().map(|judgement| judgement.verdict);
        // `max_by_key` gives the last of equals; reversed, that is the first that ended.
        let worst = (0..asked.len()).rev().max_by_key(|place| verdict(&asked[*place].0));
        let Some((mut record, fires)) = worst.map(|place| asked.swap_remove(place)) else { return Ok(()) };
        let others: Vec<_> = asked.iter().map(|(record, _)| &record.facts).collect();
        self.tell(&mut record, &fires, &others, sink)
    }

    /// A flow is final: it is counted with what `others` saw of it, its findings are gathered, its line is told.
    fn tell(
        &mut self,
        record: &mut FlowRecord,
        fires: &[Fire],
        others: &[&FlowFacts],
        sink: &mut dyn Sink,
    ) -> io::Result<()> {
        self.count(record, others);
        self.announce(record, fires, sink)?;
        let verdict = record.judgement.as_ref().map(|judgement| judgement.verdict);
        if self.findings(record, fires) && verdict == Some(Verdict::Violating) {
            self.accepted_violations += 1;
        }
        if !sink.shows_lines() {
            return Ok(());
        }
        record.names_grade = judge::names_grade(&record.facts, &self.memory);
        record.known_names = judge::known_names(&record.facts, &self.memory).cloned().collect();
        sink.flow(record)
    }

    /// What other flows say of it, then what the checks say. Both may lift the verdict, never lower it (RULES 20).
    fn ask(&mut self, record: &mut FlowRecord) -> Vec<Fire> {
        let mut fires = Vec::new();
        if let (Some(policy), Some(judgement)) = (&self.policy, &mut record.judgement) {
            let before = judgement.verdict;
            judge::corroborate(&record.facts, &self.memory, judgement);
            check::flow(policy, &record.facts, judgement, &mut fires);
            judgement.verdict.lift(before);
        }
        fires
    }

    /// Gathers what was found; true when every violation of it is accepted. RULES 37: such a flow keeps its verdict and no
    /// longer counts for the exit code.
    fn findings(&mut self, record: &FlowRecord, fires: &[Fire]) -> bool {
        let mut violations = 0;
        let mut accepted = 0;
        for fire in fires {
            let by = self.policy.as_ref().and_then(|policy| {
                let index = policy.accepted(fire.check, fire.host, record.facts.first)?;
                Some(policy.accept(index).finding.clone())
            });
            if fire.kind == Kind::Violation {
                violations += 1;
                accepted += usize::from(by.is_some());
            }
            self.aggregate.add(fire, record, by);
        }
        violations > 0 && accepted == violations
    }

    /// Counts a flow; the frames that other sensors saw of it are counted with it.
    fn count(&mut self, record: &FlowRecord, others: &[&FlowFacts]) {
        let facts = &record.facts;
        let verdict = record.judgement.as_ref().map_or(Verdict::OutOfScope, |judgement| judgement.verdict);
        let mut count = Count { packets: facts.packets(), bytes: facts.wire_bytes() };
        others
            .iter()
            .for_each(|other| count.add(Count { packets: other.packets(), bytes: other.wire_bytes() }));
        let totals = match facts.carrier {
            Some(_) => &mut self.tally.carriers[verdict as usize],
            None => &mut self.tally.verdicts[verdict as usize],
        };
        totals.flows += 1;
        totals.count.add(count);
        if let Some(judgement) = &record.judgement {
            self.places(facts, judgement, count, verdict);
        }
        self.quality(facts);
        others.iter().for_each(|other| self.loss(other));
        let has_failed = |facts: &FlowFacts| facts.identity.causes.has(Cause::ParserPanic);
        self.tally.parser_panics +=
            u64::from(has_failed(facts) || others.iter().any(|other| has_failed(other)));
    }

    fn places(
        &mut self,
        facts: &FlowFacts,
        judgement: &crate::ground::model::verdict::Judgement,
        count: Count,
        verdict: Verdict,
    ) {
        let ends = (judgement.segment_client.clone(), judgement.segment_server.clone());
        if facts.carrier.is_none() {
            *self.coverage.places.entry(ends.0.clone()).or_default() += count.packets;
            if ends.0 != ends.1 {
                *self.coverage.places.entry(ends.1.clone()).or_default() += count.packets;
            }
        }
        let pair = self.coverage.pairs.entry(ends).or_default();
        pair.flows += 1;
        pair.count.add(count);
        pair.one_way += u64::from(is_one_way(facts));
        self.coverage.vlan_mismatched += u64::from(judgement.causes.has(Cause::VlanSegmentMismatch));
        if verdict == Verdict::Undecidable {
            // What is only recorded lifted nothing (RULES 8): it is no reason.
            for note in judgement.causes.iter().filter(|note| note.cause.touches() != Touch::NOTHING) {
                *self.undecidable_causes.entry(note.cause.code()).or_default() += 1;
            }
        }
    }

    fn quality(&mut self, facts: &FlowFacts) {
        use crate::ground::model::address::Transport;
        let identity = &facts.identity;
        if facts.carrier.is_some() {
            return;
        }
        self.loss(facts);
        if facts.transport == Transport::TCP && facts.sides.iter().any(|side| side.payload_bytes > 0) {
            self.tally.tcp_flows_with_payload += 1;
            self.tally.one_way_flows += u64::from(is_one_way(facts));
        }
        let is_evicted = facts.end == EndReason::Evicted;
        self.tally.evicted += u64::from(is_evicted || facts.causes.has(Cause::ResourceEvicted));
        if identity.marks.has(Marks::CLIENT_HELLO) || identity.marks.has(Marks::SERVER_HELLO) {
            self.tally.encrypted_flows += 1;
            self.tally.encrypted_without_name += u64::from(identity.all(Field::Sni).next().is_none());
            self.tally.encrypted_without_certificate += u64::from(!identity.marks.has(Marks::CERTIFICATE));
        }
        let cut_hello = facts.causes.has(Cause::Snaplen)
            && identity.marks.has(Marks::SERVER_HELLO)
            && !identity.marks.has(Marks::CLIENT_HELLO);
        self.coverage.cut_hellos += u64::from(cut_hello);
    }

    /// What one sensor missed of a flow.
    fn loss(&mut self, facts: &FlowFacts) {
        for side in &facts.sides {
            self.tally.duplicates.add(Count { packets: side.duplicates, bytes: side.duplicate_bytes });
            self.tally.unseen_bytes += side.unseen_bytes;
            self.tally.acked_bytes += side.acked_bytes;
            let minute = (facts.sensor, facts.last.minute());
            if side.acked_bytes > 0 {
                let seen = self.coverage.minutes.entry(minute).or_default();
                seen.acked += side.acked_bytes;
                seen.unseen += side.unseen_bytes;
            }
        }
    }
}

/// Packets of one end only.
fn is_one_way(facts: &FlowFacts) -> bool {
    facts.sides.iter().any(|side| side.packets == 0)
}
