//! Counters of a ring and its interface, which run in 32 bits, as sums without wrap or loss.

/// One such counter.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Counter {
    last: u32,
}

/// More than any machine drops between two looks: a counter that seems to have moved so far was set back, because its
/// interface is another one now or cannot be asked.
const STEP_MAX: u32 = u32::MAX / 2;

impl Counter {
    /// What was counted since the last time.
    pub(super) const fn advance(&mut self, now: u32) -> u64 {
        let step = now.wrapping_sub(self.last);
        self.last = now;
        if step > STEP_MAX { 0 } else { step as u64 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_counter_that_wraps_goes_on_counting_and_one_that_was_set_back_begins_anew() {
        let mut counter = Counter::default();
        let steps = [7, 7, u32::MAX - 1, 3, 0, 5].map(|now| counter.advance(now));
        // The jump to the end of the range is no count of drops; from there on it wraps.
        assert_eq!(steps, [7, 0, 0, 5, 0, 5]);
    }
}
