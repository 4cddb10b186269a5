//! What one direction sent and we did not see, by position.

use super::tcp::Unseen;
use crate::ground::model::limits;

/// Ranges that are missing, in order, none touching another. Bounded: the oldest is settled when there are too many.
#[derive(Debug, Default)]
pub(super) struct Holes {
    open: Vec<(u64, u64)>,
    settled: Unseen,
}

impl Holes {
    /// Notes that `from..to` was passed over. `acked` is how far the other end has acknowledged by now.
    pub(super) fn open(&mut self, from: u64, to: u64, acked: u64) {
        if self.open.len() >= limits::HOLES_MAX {
            let (from, to) = self.open.remove(0);
            self.settled = add(self.settled, from, to, acked);
        }
        if self.open.is_empty() {
            self.open.reserve_exact(1);
        }
        self.open.push((from, to));
    }

    /// Notes a hole that lies before all others.
    pub(super) fn open_first(&mut self, from: u64, to: u64, acked: u64) {
        if self.open.len() < limits::HOLES_MAX {
            self.open.insert(0, (from, to));
        } else {
            self.settled = add(self.settled, from, to, acked);
        }
    }

    /// Bytes `from..to` came after all; gives how many of them were missing.
    pub(super) fn fill(&mut self, from: u64, to: u64) -> u64 {
        let mut filled = 0;
        let mut left = Vec::new();
        self.open.retain_mut(|(start, end)| {
            let (low, high) = (from.max(*start), to.min(*end));
            if low >= high {
                return true;
            }
            filled += high - low;
            if low > *start && high < *end {
                left.push((high, *end));
                *end = low;
            } else if low > *start {
                *end = low;
            } else {
                *start = high;
            }
            start < end
        });
        // At most one hole is cut in two, by a range that lies inside it.
        for (start, end) in left {
            let place = self.open.partition_point(|hole| hole.0 < start);
            self.open.insert(place, (start, end));
        }
        filled
    }

    /// Where the first hole begins that the other end has not acknowledged to its end: its bytes may still come.
    pub(super) fn first_unacked(&self, acked: u64) -> Option<u64> {
        self.open.iter().find(|hole| hole.1 > acked).map(|hole| hole.0)
    }

    /// True when a hole begins at `position`.
    pub(super) fn begins_at(&self, position: u64) -> bool {
        self.open.iter().any(|hole| hole.0 == position)
    }

    /// The sum, were the flow to end now; holes below `floor` are not counted.
    pub(super) fn unseen(&self, acked: u64, floor: u64) -> Unseen {
        let counted = self.open.iter().filter(|hole| hole.0 >= floor);
        counted.fold(self.settled, |sum, (from, to)| add(sum, *from, *to, acked))
    }
}

fn add(mut sum: Unseen, from: u64, to: u64, acked: u64) -> Unseen {
    let known = acked.clamp(from, to) - from;
    sum.gaps += 1;
    sum.acked += known;
    sum.unacked += to - from - known;
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn late_bytes_fill_a_hole_from_the_left_the_right_and_the_middle() {
        let mut holes = Holes::default();
        holes.open(100, 200, 0);
        assert_eq!(holes.fill(90, 110), 10);
        assert_eq!(holes.fill(190, 250), 10);
        assert_eq!(holes.fill(140, 150), 10);
        assert_eq!(holes.fill(140, 150), 0);
        assert_eq!(holes.unseen(145, 0), Unseen { gaps: 2, acked: 30, unacked: 40 });
        assert!(holes.begins_at(150) && !holes.begins_at(140));
        assert_eq!(holes.fill(0, 1000), 70);
        assert_eq!(holes.unseen(1000, 0), Unseen::default());
    }

    #[test]
    fn too_many_holes_are_bounded_and_none_is_forgotten() {
        let mut holes = Holes::default();
        for number in 0..1000 {
            holes.open(number * 10, number * 10 + 3, number * 10);
        }
        assert!(holes.open.len() <= limits::HOLES_MAX);
        assert_eq!(holes.unseen(10_000, 0), Unseen { gaps: 1000, acked: 3000, unacked: 0 });
    }
}
