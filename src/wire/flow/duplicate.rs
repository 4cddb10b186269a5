//! SPAN duplicates: a mirror of both directions shows a packet twice (RULES 33).
//!
//! Most flows speak so slowly that no packet but the last can have a duplicate: its digest lies in the hot entry, and its
//! stamp is the flow's last. Only where packets come closer together, or their stamps in disorder, are several remembered; a
//! stamp that goes back behind a packet that had none beside it finds that packet only.

use super::entry::{Hot, HotMarks, Spoken};
use crate::ground::model::{decoded::Decoded, key::Side, limits, time::Timestamp};

/// The last few packets of one side: for each 40 bits of its keyed digest and 24 bits of its time, in units of 1,024 ns
/// (a turn of 17 s, far beyond the window). The oldest is first.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Recent([u64; limits::DUPLICATE_WINDOW]);

/// Nanoseconds of one unit of time, as a shift.
const UNIT: u32 = 10;
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
        let now = (at.nanos() >> UNIT) as u64 & TIME_MASK;
        let packet = digest & !TIME_MASK | now;
        let window = (limits::DUPLICATE_AGE.nanos() >> UNIT) as u64;
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

impl Hot {
    /// True when the last packet before `at` is too old to have a duplicate.
    fn is_quiet(&self, at: Timestamp) -> bool {
        (at.nanos() >> UNIT).saturating_sub(self.last.nanos() >> UNIT) > limits::DUPLICATE_AGE.nanos() >> UNIT
    }

    fn digest_side(&self) -> Side {
        if self.marks.has(HotMarks::DIGEST_ANSWERER) { Side::Answerer } else { Side::Opener }
    }
}

impl Spoken {
    /// True when a packet is a copy of one that was counted; otherwise it is remembered. To be asked before the hot entry
    /// takes the packet's stamp.
    pub(super) fn is_repeated(&mut self, hot: &mut Hot, packet: &Decoded, side: Side) -> bool {
        let at = packet.head.at;
        if self.recent.is_none() && at >= hot.last && (hot.digest() == 0 || hot.is_quiet(at)) {
            hot.digest = Hot::digest_of(packet);
            hot.marks.set(HotMarks::DIGEST_ANSWERER, side == Side::Answerer);
            return false;
        }
        let recent = self.remember_stamps(hot);
        recent.get_mut(side.index()).is_some_and(|recent| recent.is_repeated(packet.digest, at))
    }

    /// Writes down when the last packet came: the flow's last stamp is about to be another one.
    pub(super) fn remember_stamps(&mut self, hot: &Hot) -> &mut [Recent; 2] {
        self.recent.get_or_insert_with(|| {
            let mut recent = <Box<[Recent; 2]>>::default();
            if let Some(recent) = recent.get_mut(hot.digest_side().index()) {
                recent.is_repeated(hot.digest(), hot.last);
            }
            recent
        })
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
