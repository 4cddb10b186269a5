//! What became of the flows, in sums: they commute, so every owner keeps an account of its own and the end adds them up.

use std::collections::BTreeMap;

use crate::ground::model::{
    address::Transport,
    cause::{Cause, Touch},
    coverage::{Coverage, PairSeen},
    facts::{EndReason, FlowFacts, SideFacts},
    field::Field,
    identity::Marks,
    packet::SensorId,
    tally::{Count, Tally},
    verdict::{Judgement, Verdict},
};
use crate::verdict::across::Crowd;

/// The sums of one owner, or of the collector for the flows that are final only there.
#[derive(Debug, Default)]
pub struct Account {
    tally: Tally,
    /// Of its fields those that flows are counted in: places, pairs, what was lost by minute.
    coverage: Coverage,
    /// Undecidable flows by cause, in the order of [`Cause::ALL`].
    causes: Vec<u64>,
    /// The minute of the last flow that lost something: flows end in order of time or nearly so.
    minute: Option<((SensorId, i64), Lost)>,
    /// What many flows show together.
    pub(super) crowd: Crowd,
}

/// Bytes acknowledged, and of these the unseen ones.
#[derive(Clone, Copy, Debug, Default)]
struct Lost {
    acked: u64,
    unseen: u64,
}

impl Account {
    /// Counts a flow that is final; the frames that other sensors saw of it are counted with it.
    pub(super) fn flow(&mut self, facts: &FlowFacts, judgement: Option<&Judgement>, others: &[&FlowFacts]) {
        let mut seen = once(facts);
        others.iter().for_each(|other| {
            seen.count.add(Count { packets: other.packets(), bytes: other.wire_bytes() });
        });
        match judgement {
            Some(judgement) => self.judged(judgement, facts.carrier.is_some(), &seen),
            None => self.totals(Verdict::OutOfScope, facts.carrier.is_some(), &seen),
        }
        self.quality(facts);
        others.iter().for_each(|other| self.loss(other));
        let has_failed = |facts: &FlowFacts| facts.identity.causes.has(Cause::ParserPanic);
        self.tally.parser_panics +=
            u64::from(has_failed(facts) || others.iter().any(|other| has_failed(other)));
    }

    /// Counts what a flow shows whatever its verdict is; the rest comes with [`Account::judged`], for many flows at once.
    pub(super) fn beside(&mut self, facts: &FlowFacts) {
        self.quality(facts);
        self.tally.parser_panics += u64::from(facts.identity.causes.has(Cause::ParserPanic));
    }

    /// Counts so many flows with one and the same judgement.
    pub(super) fn judged(&mut self, judgement: &Judgement, is_carrier: bool, seen: &PairSeen) {
        self.totals(judgement.verdict, is_carrier, seen);
        let (client, server) = (&judgement.segment_client, &judgement.segment_server);
        if !is_carrier {
            *self.coverage.places.entry(client.clone()).or_default() += seen.count.packets;
            if client != server {
                *self.coverage.places.entry(server.clone()).or_default() += seen.count.packets;
            }
        }
        self.coverage.pairs.entry((client.clone(), server.clone())).or_default().add(seen);
        if judgement.causes.has(Cause::VlanSegmentMismatch) {
            self.coverage.vlan_mismatched += seen.flows;
        }
        if judgement.verdict == Verdict::Undecidable {
            // What is only recorded lifted nothing (RULES 8): it is no reason.
            let reasons = judgement.causes.iter().filter(|note| note.cause.touches() != Touch::NOTHING);
            self.causes.resize(Cause::ALL.len(), 0);
            reasons.for_each(|note| self.causes[note.cause as usize] += seen.flows);
        }
    }

    fn totals(&mut self, verdict: Verdict, is_carrier: bool, seen: &PairSeen) {
        let all = if is_carrier { &mut self.tally.carriers } else { &mut self.tally.verdicts };
        let totals = &mut all[verdict as usize];
        totals.flows += seen.flows;
        totals.count.add(seen.count);
    }

    fn quality(&mut self, facts: &FlowFacts) {
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
        let key = (facts.sensor, facts.last.minute());
        for side in &facts.sides {
            self.tally.duplicates.add(Count { packets: side.duplicates, bytes: side.duplicate_bytes });
            self.tally.unseen_bytes += side.unseen_bytes;
            self.tally.acked_bytes += side.acked_bytes;
            if side.acked_bytes > 0 {
                self.lose(key, side);
            }
        }
    }

    fn lose(&mut self, key: (SensorId, i64), side: &SideFacts) {
        if self.minute.as_ref().is_none_or(|(known, _)| *known != key) {
            self.turn_minute();
            self.minute = Some((key, Lost::default()));
        }
        if let Some((_, lost)) = &mut self.minute {
            lost.acked += side.acked_bytes;
            lost.unseen += side.unseen_bytes;
        }
    }

    fn turn_minute(&mut self) {
        if let Some((key, lost)) = self.minute.take() {
            let seen = self.coverage.minutes.entry(key).or_default();
            seen.acked += lost.acked;
            seen.unseen += lost.unseen;
        }
    }

    /// Adds these sums to those of the run.
    pub(super) fn add_to(
        mut self,
        tally: &mut Tally,
        coverage: &mut Coverage,
        causes: &mut BTreeMap<&'static str, u64>,
        crowd: &mut Crowd,
    ) {
        self.turn_minute();
        crowd.merge(self.crowd);
        tally.merge(&self.tally);
        let theirs = self.coverage;
        for (key, lost) in theirs.minutes {
            let seen = coverage.minutes.entry(key).or_default();
            seen.acked += lost.acked;
            seen.unseen += lost.unseen;
        }
        for (ends, seen) in &theirs.pairs {
            coverage.pairs.entry(ends.clone()).or_default().add(seen);
        }
        for (place, frames) in theirs.places {
            *coverage.places.entry(place).or_default() += frames;
        }
        coverage.vlan_mismatched += theirs.vlan_mismatched;
        coverage.cut_hellos += theirs.cut_hellos;
        for (cause, flows) in Cause::ALL.iter().zip(self.causes).filter(|(_, flows)| *flows > 0) {
            *causes.entry(cause.code()).or_default() += flows;
        }
    }
}

/// One flow, as pairs of places are counted.
pub(super) fn once(facts: &FlowFacts) -> PairSeen {
    PairSeen {
        flows: 1,
        count: Count { packets: facts.packets(), bytes: facts.wire_bytes() },
        one_way: u64::from(is_one_way(facts)),
    }
}

/// Packets of one end only.
fn is_one_way(facts: &FlowFacts) -> bool {
    facts.sides.iter().any(|side| side.packets == 0)
}
