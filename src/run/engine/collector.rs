//! One story in the order of the input: what crosses flows is joined here, findings are gathered, lines are told.

use std::{collections::BTreeMap, io, sync::Arc};

use super::{
    account::Account,
    aggregate::{self, About, Aggregate},
    closing,
    court::{Ruling, ask},
    event::{Event, What},
    join::{self, Join, Sightings},
    sink::Sink,
};
use crate::{
    ground::model::{
        facts::FlowFacts,
        finding::{FindingKey, Kind, Severity},
        flow_line::FlowRecord,
        limits::{self, Limits},
        tally::Tally,
        verdict::Verdict,
    },
    policy::language::Policy,
    verdict::{across::Memory, check::Fire, judge},
};

/// The story so far.
#[derive(Debug)]
pub struct Collector {
    policy: Option<Arc<Policy>>,
    /// Present when inputs are bound to several sensors.
    join: Option<Join>,
    pub(super) memory: Memory,
    pub(super) aggregate: Aggregate,
    pub(super) tally: Tally,
    /// The flows that are final only here.
    pub(super) account: Account,
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
            account: Account::default(),
            accepted_violations: 0,
            announced: BTreeMap::new(),
        }
    }

    /// Bounds what is remembered between flows.
    #[must_use]
    pub fn within(mut self, limits: &Limits) -> Self {
        self.memory = self.memory.within(limits.dns_pairs);
        self.join = self.join.map(|join| join.within(limits.join_held));
        self
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
                What::Found(ruling, about) => {
                    self.found(&ruling.fires, &about, ruling.settled.verdict, sink)?;
                }
                What::Closed(record, ruling) => self.closed(record, ruling.as_deref(), sink)?,
            }
        }
        Ok(())
    }

    /// Nothing but announced: what the flow comes to is said when it is over.
    fn early(&mut self, mut record: FlowRecord, sink: &mut dyn Sink) -> io::Result<()> {
        let mut fires = self.ask(&mut record);
        fires.retain(|fire| fire.kind == Kind::Violation);
        self.announce(&fires, &About::of(&record.facts), sink)
    }

    /// Announces what was not announced before; an attempt that got an answer is news. Information is none, and neither is
    /// what is accepted.
    fn announce(&mut self, fires: &[Fire], about: &About, sink: &mut dyn Sink) -> io::Result<()> {
        if !sink.announces() {
            return Ok(());
        }
        let is_accepted = |policy: &Arc<Policy>, fire: &Fire| {
            policy.accepted(fire.check, about.host, about.first).is_some()
        };
        for fire in fires.iter().filter(|fire| fire.severity > Severity::Info) {
            if self.policy.as_ref().is_some_and(|policy| is_accepted(policy, fire)) {
                continue;
            }
            let finding = aggregate::single(fire, about);
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
        let about = About::of(&record.facts);
        self.announce(&fires, &about, sink)?;
        let is_accepted = self.findings(&fires, &about);
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

    fn closed(
        &mut self,
        mut record: Box<FlowRecord>,
        ruling: Option<&Ruling>,
        sink: &mut dyn Sink,
    ) -> io::Result<()> {
        match &mut self.join {
            // Outer layers are told where they were seen: they end at other gear at every sensor.
            Some(join) if record.facts.carrier.is_none() => {
                record.judgement = ruling.map(|ruling| ruling.alone(&record.facts));
                match join.add(*record) {
                    Some(sightings) => self.joined(sightings, sink),
                    None => Ok(()),
                }
            }
            _ => self.alone(&mut record, ruling, sink),
        }
    }

    /// A flow that was seen once. What it comes to by itself stands unless other flows told something of it.
    fn alone(
        &mut self,
        record: &mut FlowRecord,
        ruling: Option<&Ruling>,
        sink: &mut dyn Sink,
    ) -> io::Result<()> {
        match ruling.filter(|_| judge::is_unheard_of(&record.facts, &self.memory)) {
            Some(ruling) => {
                if !sink.shows_lines() {
                    self.account.flow(&record.facts, Some(&ruling.settled), &[]);
                    if let Some(policy) = &self.policy {
                        self.account.crowd.flow(policy, &record.facts, &ruling.settled);
                    }
                    return self.found(
                        &ruling.fires,
                        &About::of(&record.facts),
                        ruling.settled.verdict,
                        sink,
                    );
                }
                record.judgement = Some(ruling.settled(&record.facts));
                self.tell(record, &ruling.fires, &[], sink)
            }
            None => {
                record.judgement = ruling.map(|ruling| ruling.alone(&record.facts));
                let fires = self.ask(record);
                self.tell(record, &fires, &[], sink)
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
        self.account.flow(&record.facts, record.judgement.as_ref(), others);
        if let (Some(policy), Some(judgement)) = (&self.policy, &record.judgement) {
            self.account.crowd.flow(policy, &record.facts, judgement);
        }
        if let Some(judgement) = &record.judgement {
            self.found(fires, &About::of(&record.facts), judgement.verdict, sink)?;
        }
        if !sink.shows_lines() {
            return Ok(());
        }
        record.names_grade = judge::names_grade(&record.facts, &self.memory);
        record.known_names = judge::known_names(&record.facts, &self.memory).cloned().collect();
        sink.flow(record)
    }

    fn ask(&self, record: &mut FlowRecord) -> Vec<Fire> {
        let mut fires = Vec::new();
        if let (Some(policy), Some(judgement)) = (&self.policy, &mut record.judgement) {
            ask(policy, &record.facts, &self.memory, judgement, &mut fires);
        }
        fires
    }

    /// Gathers what was found of a flow with this verdict. RULES 37: one of which every violation is accepted keeps its
    /// verdict and no longer counts for the exit code.
    fn found(
        &mut self,
        fires: &[Fire],
        about: &About,
        verdict: Verdict,
        sink: &mut dyn Sink,
    ) -> io::Result<()> {
        self.announce(fires, about, sink)?;
        if self.findings(fires, about) && verdict == Verdict::Violating {
            self.accepted_violations += 1;
        }
        Ok(())
    }

    /// Gathers what was found; true when every violation of it is accepted.
    fn findings(&mut self, fires: &[Fire], about: &About) -> bool {
        let mut violations = 0;
        let mut accepted = 0;
        for fire in fires {
            let by = self.policy.as_ref().and_then(|policy| {
                let index = policy.accepted(fire.check, about.host, about.first)?;
                Some(policy.accept(index).finding.clone())
            });
            if fire.kind == Kind::Violation {
                violations += 1;
                accepted += usize::from(by.is_some());
            }
            self.aggregate.add(fire, about, by);
        }
        violations > 0 && accepted == violations
    }
}
