//! When a flow is over by silence (RULES 16), and a wheel that finds such flows without looking at all of them.
//!
//! A flow ends by its own next packet. The wheel only frees what nobody comes back for; it never decides anything a
//! packet would have decided otherwise.

use std::collections::BTreeMap;

use super::entry::NOWHERE;
use crate::ground::model::{
    address::Transport,
    facts::TcpState,
    limits,
    time::{SECOND, Span, Timestamp},
};

/// How long a flow may be silent.
pub(super) const fn idle_limit(transport: Transport, state: TcpState) -> Span {
    match (transport, state) {
        (Transport::TCP, TcpState::Closing | TcpState::Closed) => limits::TCP_CLOSING,
        (Transport::TCP, _) => limits::TCP_IDLE,
        (Transport::ICMP | Transport::ICMPV6, _) => limits::ICMP_IDLE,
        _ => limits::UDP_IDLE,
    }
}

/// The moment after which a sweep may free a flow.
pub(super) const fn due(last: Timestamp, limit: Span) -> Timestamp {
    last.plus(limit).plus(limits::SWEEP_GRACE)
}

/// Seconds of one bucket of the wheel.
const BUCKET_SECS: i64 = 16;

/// Flows by the time at which they may be over, in coarse buckets. Stamps may lie anywhere, so the buckets are a map and
/// not a ring; a run has few of them (7,500 s are 469).
///
/// A flow that stays alive is moved only when its bucket comes up: an entry may be old, and the flow's own `scheduled`
/// says which bucket counts.
#[derive(Debug, Default)]
pub(super) struct Wheel {
    buckets: BTreeMap<u32, Bucket>,
}

/// Flows of one bucket, in pieces: a bucket that grows copies nothing and holds no more than it needs.
#[derive(Debug, Default)]
struct Bucket(Vec<Vec<u32>>);

/// Flows of one piece: 16 KiB.
const PIECE_LEN: usize = 4_096;

impl Bucket {
    fn push(&mut self, slot: u32) {
        match self.0.last_mut() {
            Some(piece) if piece.len() < PIECE_LEN => piece.push(slot),
            // The first piece grows as it needs, for most buckets are small.
            None => self.0.push(vec![slot]),
            Some(_) => {
                let mut piece = Vec::with_capacity(PIECE_LEN);
                piece.push(slot);
                self.0.push(piece);
            }
        }
    }
}

impl Wheel {
    /// The bucket of a moment. The number is never [`NOWHERE`].
    pub(super) fn bucket(due: Timestamp) -> u32 {
        // 2^63 ns are 9.2 × 10^9 s: with the sign that is 1.2 × 10^9 buckets of 16 s, which fits 32 bits.
        let number = due.nanos().div_euclid(SECOND * BUCKET_SECS) + (1 << 30);
        u32::try_from(number).unwrap_or(0).min(NOWHERE - 1)
    }

    /// Puts a flow into a bucket.
    pub(super) fn insert(&mut self, bucket: u32, slot: u32) {
        self.buckets.entry(bucket).or_default().push(slot);
    }

    /// Takes out the first bucket that begins before or at `clock`.
    pub(super) fn take_due(&mut self, clock: Timestamp) -> Option<(u32, impl Iterator<Item = u32> + use<>)> {
        let first = self.buckets.first_entry()?;
        (*first.key() <= Self::bucket(clock)).then(|| {
            let (bucket, flows) = first.remove_entry();
            (bucket, flows.0.into_iter().flatten())
        })
    }

    /// Memory held, in bytes.
    #[cfg(test)]
    pub(super) fn memory(&self) -> usize {
        let pieces = self.buckets.values().flat_map(|bucket| &bucket.0);
        pieces.map(|piece| size_of::<Vec<u32>>() + piece.capacity() * size_of::<u32>()).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_come_up_in_order_and_not_before_their_time() {
        let mut wheel = Wheel::default();
        for secs in [100, 5, 1000] {
            wheel.insert(Wheel::bucket(Timestamp::from_secs(secs)), secs as u32);
        }
        let mut due = |secs| wheel.take_due(Timestamp::from_secs(secs)).map(|(_, flows)| flows.collect());
        assert_eq!([due(150), due(150), due(150)], [Some(vec![5]), Some(vec![100]), None]);
    }

    #[test]
    fn a_bucket_gives_back_every_flow_it_was_given() {
        let mut wheel = Wheel::default();
        let flows: Vec<u32> = (0..3 * PIECE_LEN as u32 + 1).collect();
        flows.iter().for_each(|slot| wheel.insert(Wheel::bucket(Timestamp::from_secs(5)), *slot));
        let (_, out) = wheel.take_due(Timestamp::from_secs(100)).unwrap();
        assert!(out.eq(flows));
        assert_eq!(wheel.memory(), 0);
    }

    #[test]
    fn every_stamp_has_a_bucket_and_their_order_is_that_of_time() {
        let stamps = [Timestamp::MIN, Timestamp::from_secs(-1), Timestamp::from_secs(0), Timestamp::MAX];
        let buckets = stamps.map(Wheel::bucket);
        assert!(buckets.is_sorted() && buckets[0] < buckets[3] && buckets[3] < NOWHERE);
    }

    #[test]
    fn limits_are_those_of_rule_16() {
        let secs = |transport, state| idle_limit(transport, state).nanos() / SECOND;
        assert_eq!(secs(Transport::TCP, TcpState::Established), 7_500);
        assert_eq!(secs(Transport::TCP, TcpState::Closing), 120);
        assert_eq!(secs(Transport::UDP, TcpState::None), 180);
        assert_eq!(secs(Transport::ICMPV6, TcpState::None), 60);
        assert_eq!(secs(Transport::ESP, TcpState::None), 180);
    }
}
