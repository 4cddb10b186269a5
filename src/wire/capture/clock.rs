//! The reader clock, and the time of one source.

use super::walker::{Record, Stamp};
use crate::ground::model::{
    limits::{CLOCK_CONFIRMATIONS, CLOCK_JUMP_MAX, SWEEP_EVERY},
    time::{SECOND, Timestamp},
};

/// The largest stamp seen so far, but for jumps of more than an hour that no following packets confirm (RULES 16).
#[derive(Clone, Debug, Default)]
pub(super) struct ReaderClock {
    now: Option<Timestamp>,
    /// Packets in a row that lie beyond a jump, and the earliest of their stamps.
    beyond: u32,
    earliest: Timestamp,
    /// Packets whose stamp lies more than an hour before the clock, or beyond a jump that was not confirmed.
    pub(super) anomalies: u64,
}

impl ReaderClock {
    /// Takes the next packet's stamp; tells the clock when it crosses a multiple of `SWEEP_EVERY`.
    pub(super) fn see(&mut self, at: Timestamp) -> Option<Timestamp> {
        let Some(now) = self.now else {
            self.now = Some(at);
            return None;
        };
        let ahead = at.since(now);
        if ahead > CLOCK_JUMP_MAX {
            self.earliest = if self.beyond == 0 { at } else { self.earliest.min(at) };
            self.beyond += 1;
            if self.beyond < CLOCK_CONFIRMATIONS {
                return None;
            }
            self.beyond = 0;
            return self.move_to(now, self.earliest);
        }
        if self.beyond > 0 {
            self.anomalies += u64::from(self.beyond);
            self.beyond = 0;
        }
        if ahead.nanos() > 0 {
            return self.move_to(now, at);
        }
        if ahead.abs() > CLOCK_JUMP_MAX {
            self.anomalies += 1;
        }
        None
    }

    fn move_to(&mut self, from: Timestamp, to: Timestamp) -> Option<Timestamp> {
        self.now = Some(to);
        let round = |at: Timestamp| at.nanos().div_euclid(SWEEP_EVERY.nanos());
        (round(from) != round(to)).then_some(to)
    }
}

/// Time inside one source: when it began, and how far it is (RULES 14, 25).
#[derive(Clone, Debug)]
pub(super) struct Lane {
    start: Option<Timestamp>,
    seen: u64,
    last: Timestamp,
    running: Timestamp,
}

impl Lane {
    pub(super) const fn new() -> Self {
        Self { start: None, seen: 0, last: Timestamp::from_nanos(0), running: Timestamp::MIN }
    }

    /// The largest stamp so far.
    pub(super) const fn running(&self) -> Timestamp {
        self.running
    }

    /// Takes the next record; gives its stamp, its age in seconds, and the running maximum that orders sources.
    pub(super) fn place(&mut self, record: &Record) -> (Timestamp, u32, Timestamp) {
        let at = if record.stamp == Stamp::Absent { self.last } else { record.at };
        if record.stamp == Stamp::Told {
            // A first stamp that stands alone an hour before all others (a clock that was not set yet) would make
            // every later packet look as if its source had run for long.
            let is_alone = self.seen == 1 && self.start.is_some_and(|start| at.since(start) > CLOCK_JUMP_MAX);
            if self.start.is_none() || is_alone {
                self.start = Some(at);
            }
            self.running = self.running.max(at);
            self.seen += 1;
        }
        self.last = at;
        let age = self.start.map_or(0, |start| at.since(start).nanos() / SECOND);
        (at, u32::try_from(age.max(0)).unwrap_or(u32::MAX), self.running)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn clock_after(secs: &[i64]) -> (ReaderClock, Vec<i64>) {
        let mut clock = ReaderClock::default();
        let ticks = secs.iter().filter_map(|at| clock.see(Timestamp::from_secs(*at))).map(Timestamp::secs);
        let ticks = ticks.collect();
        (clock, ticks)
    }

    #[test]
    fn the_clock_ticks_when_it_crosses_ten_seconds_and_never_goes_back() {
        assert_eq!(clock_after(&[1, 9, 10, 11, 5, 19, 21]).1, [10, 21]);
    }

    #[test]
    fn one_stamp_more_than_an_hour_ahead_moves_nothing_and_is_an_anomaly() {
        let (clock, ticks) = clock_after(&[1, 5_000, 2, 3]);
        assert_eq!(ticks, Vec::<i64>::new());
        assert_eq!(clock.anomalies, 1);
        // An hour exactly is believed at once.
        assert_eq!(clock_after(&[1, 3_601]).1, [3_601]);
    }

    #[test]
    fn a_jump_that_the_next_packets_confirm_moves_the_clock_to_the_earliest_of_them() {
        let (clock, ticks) = clock_after(&[1, 9_000, 9_005, 8_990, 9_001]);
        assert_eq!(ticks, [8_990]);
        assert_eq!(clock.anomalies, 0);
    }

    #[test]
    fn packets_hours_apart_still_move_the_clock() {
        let stamps: Vec<i64> = (0..20).map(|n| n * 7_200).collect();
        assert!(clock_after(&stamps).1.len() >= 4);
    }

    #[test]
    fn a_stamp_more_than_an_hour_back_is_an_anomaly() {
        assert_eq!(clock_after(&[10_000, 6_400, 6_399]).0.anomalies, 1);
    }
}
