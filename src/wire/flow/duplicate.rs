//! SPAN duplicates: a mirror of both directions shows a packet twice (RULES 33).

use crate::ground::model::{limits, time::Timestamp};

/// The last few packets of one side: for each 40 bits of its keyed digest and 24 bits of its time, in units of 1,024 ns
/// (a turn of 17 s, far beyond the window). The oldest is first.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Recent([u64; limits::DUPLICATE_WINDOW]);

const TIME_BITS: u32 = 24;
const TIME_MASK: u64 = (1 << TIME_BITS) - 1;

impl Recent {
    /// True when an equal packet is among the last ones; otherwise this one is remembered.
    ///
    /// A digest of 0 means that the decoder made none: such a packet has no duplicates.
    pub(super) fn is_repeated(&mut self, digest: u64, at: Timestamp) -> bool {
        if digest == 0 {
            return false;
        }
        let now = (at.nanos() >> 10) as u64 & TIME_MASK;
        let packet = digest & !TIME_MASK | now;
        let window = (limits::DUPLICATE_AGE.nanos() >> 10) as u64;
        let repeated = self.0.iter().any(|known| {
            let apart = now.wrapping_sub(*known) & TIME_MASK;
            *known != 0
                && (known ^ packet) & !TIME_MASK == 0
                && apart.min((TIME_MASK + 1 - apart) & TIME_MASK) <= window
        });
        if !repeated {
            self.0.rotate_left(1);
            if let Some(last) = self.0.last_mut() {
                *last = packet;
            }
        }
        repeated
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MILLI: i64 = 1_000_000;

    fn at(nanos: i64) -> Timestamp {
        Timestamp::from_nanos(1_700_000_000 * 1_000_000_000 + nanos)
    }

    #[test]
    fn an_equal_packet_within_five_milliseconds_is_a_duplicate_and_later_is_not() {
        let mut recent = Recent::default();
        assert!(!recent.is_repeated(0xabcd_ef01_2345_6789, at(0)));
        assert!(recent.is_repeated(0xabcd_ef01_2345_6789, at(4 * MILLI)));
        assert!(recent.is_repeated(0xabcd_ef01_2345_6789, at(-4 * MILLI)), "stamps of two ports may cross");
        assert!(!recent.is_repeated(0xabcd_ef01_2345_6789, at(6 * MILLI)));
    }

    #[test]
    fn only_the_last_four_packets_are_looked_at() {
        let mut recent = Recent::default();
        for packet in 1..=5_u64 {
            assert!(!recent.is_repeated(packet << 40, at(0)));
        }
        assert!(recent.is_repeated(2 << 40, at(0)));
        assert!(!recent.is_repeated(1 << 40, at(0)));
    }

    #[test]
    fn packets_without_a_digest_are_never_duplicates() {
        let mut recent = Recent::default();
        assert!(!recent.is_repeated(0, at(0)) && !recent.is_repeated(0, at(0)));
    }
}
