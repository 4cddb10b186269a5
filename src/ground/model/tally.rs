//! Counters, and the identity that says that nothing vanished (promise 2).

use std::collections::BTreeMap;

use super::{decoded::NoFlow, verdict::Verdict};

/// Packets and bytes on the wire.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Count {
    /// Frames.
    pub packets: u64,
    /// Bytes on the wire.
    pub bytes: u64,
}

impl Count {
    /// Adds one frame.
    pub const fn frame(&mut self, wire_len: u32) {
        self.packets += 1;
        self.bytes += wire_len as u64;
    }

    /// Adds another count.
    pub const fn add(&mut self, other: Self) {
        self.packets += other.packets;
        self.bytes += other.bytes;
    }
}

/// Totals of one verdict.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct VerdictTotals {
    /// Flows.
    pub flows: u64,
    /// Their frames and bytes.
    pub count: Count,
}

/// Where every frame of the input went.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Frames the reader handed out.
    pub read: Count,
    /// In flows, by verdict. Without a policy everything stands under out-of-scope and `judged` is false.
    pub verdicts: [VerdictTotals; 5],
    /// Outer layers judged beside (RULES 18): not part of the identity.
    pub carriers: [VerdictTotals; 5],
    /// In no flow, by reason.
    pub no_flow: BTreeMap<NoFlow, Count>,
    /// Frames whose flow found no place, judged by address only (RULES 26).
    pub untracked: [Count; 5],
    /// Of these: violating, and covered by no `accept` entry.
    pub untracked_violations: u64,
    /// Flows in which a reader failed, whatever their verdict (RULES 38).
    pub parser_panics: u64,
    /// Unknown EtherTypes, LLC protocols and link types by number, for the blind-spot list.
    pub unknown_types: BTreeMap<(NoFlow, u16), u64>,
    /// Of the frames in flows: SPAN duplicates.
    pub duplicates: Count,
    /// Of the frames in flows: cut by the snaplen.
    pub cut: u64,
    /// Flows seen in one direction only, with payload (THREATS §4 formula 6).
    pub one_way_flows: u64,
    /// TCP flows with payload: the base of the share.
    pub tcp_flows_with_payload: u64,
    /// Bytes acknowledged and never seen.
    pub unseen_bytes: u64,
    /// Bytes acknowledged: the base of the share.
    pub acked_bytes: u64,
    /// Flows written before their end for want of memory.
    pub evicted: u64,
    /// Flows with a name from a hello, and those with an encrypted hello without one: for SK-Q11.
    pub encrypted_flows: u64,
    /// Of these, without a name.
    pub encrypted_without_name: u64,
    /// Of these, without a certificate.
    pub encrypted_without_certificate: u64,
}

impl Tally {
    /// The totals of one verdict.
    #[must_use]
    pub const fn verdict(&self, verdict: Verdict) -> &VerdictTotals {
        &self.verdicts[verdict as usize]
    }

    /// Counts a frame that belongs to no flow.
    pub fn no_flow(&mut self, reason: NoFlow, wire_len: u32) {
        self.no_flow.entry(reason).or_default().frame(wire_len);
    }

    /// Frames and bytes that are accounted for.
    #[must_use]
    pub fn accounted(&self) -> Count {
        let mut sum = Count::default();
        self.verdicts.iter().for_each(|totals| sum.add(totals.count));
        self.no_flow.values().for_each(|count| sum.add(*count));
        self.untracked.iter().for_each(|count| sum.add(*count));
        sum
    }

    /// True when read = in flows + in no flow, in packets and in bytes.
    #[must_use]
    pub fn holds(&self) -> bool {
        self.read == self.accounted()
    }

    /// Adds the counters of another part of the same run.
    pub fn merge(&mut self, other: &Self) {
        self.read.add(other.read);
        for (mine, theirs) in [(&mut self.verdicts, &other.verdicts), (&mut self.carriers, &other.carriers)] {
            for (mine, theirs) in mine.iter_mut().zip(theirs) {
                mine.flows += theirs.flows;
                mine.count.add(theirs.count);
            }
        }
        for (reason, count) in &other.no_flow {
            self.no_flow.entry(*reason).or_default().add(*count);
        }
        for (mine, theirs) in self.untracked.iter_mut().zip(&other.untracked) {
            mine.add(*theirs);
        }
        for (kind, count) in &other.unknown_types {
            *self.unknown_types.entry(*kind).or_default() += count;
        }
        self.untracked_violations += other.untracked_violations;
        self.parser_panics += other.parser_panics;
        self.duplicates.add(other.duplicates);
        self.cut += other.cut;
        self.one_way_flows += other.one_way_flows;
        self.tcp_flows_with_payload += other.tcp_flows_with_payload;
        self.unseen_bytes += other.unseen_bytes;
        self.acked_bytes += other.acked_bytes;
        self.evicted += other.evicted;
        self.encrypted_flows += other.encrypted_flows;
        self.encrypted_without_name += other.encrypted_without_name;
        self.encrypted_without_certificate += other.encrypted_without_certificate;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_that_is_nowhere_breaks_the_identity() {
        let mut tally = Tally::default();
        tally.read.frame(60);
        tally.read.frame(1500);
        tally.no_flow(NoFlow::Arp, 60);
        assert!(!tally.holds());
        tally.verdicts[Verdict::Conforming as usize].count.frame(1500);
        assert!(tally.holds());
        let mut twice = tally.clone();
        twice.merge(&tally);
        assert!(twice.holds());
        assert_eq!(twice.read.packets, 4);
    }
}
