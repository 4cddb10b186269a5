//! Two copies of the same stream bytes that differ: every reading is shown, none is chosen (THREATS section 1.2).

use super::chunk::{Chunk, Sink};
use crate::ground::model::{key::Side, limits};

/// How often variants are shown while every packet makes the stream longer; beyond it only when it has doubled, so that
/// the work stays in proportion to the bytes.
const SHOWN_AT_ONCE: u32 = 8;

/// Other copies of delivered bytes.
#[derive(Debug, Default)]
pub(super) struct Overlaps {
    /// Position and bytes, in the order they came; at most [`limits::VARIANTS_MAX`]. What does not fit is no variant any
    /// more, but the cause was noted by then.
    copies: Vec<(u64, Box<[u8]>)>,
    /// Stream length and number of copies that were shown last.
    shown: (usize, usize),
    times: u32,
}

impl Overlaps {
    /// Memory held.
    pub(super) fn cost(&self) -> usize {
        self.copies.iter().map(|(_, bytes)| bytes.len()).sum()
    }

    /// Remembers a copy that differs.
    pub(super) fn add(&mut self, at: u64, bytes: &[u8]) {
        let known = self.copies.iter().any(|(start, copy)| *start == at && **copy == *bytes);
        if !known && self.copies.len() < limits::VARIANTS_MAX {
            self.copies.push((at, bytes.into()));
        }
    }

    /// Shows the stream with all later copies in place, and with each of them alone.
    pub(super) fn deliver(
        &mut self,
        start: u64,
        kept: &[u8],
        is_over: bool,
        side: Side,
        sink: &mut Sink<'_>,
    ) {
        let end = start + kept.len() as u64;
        // What lies above a hole has no reading yet.
        let reached: Vec<_> = self.copies.iter().filter(|(at, _)| *at < end).collect();
        let state = (kept.len(), reached.len());
        if reached.is_empty() || state == self.shown {
            return;
        }
        let due = is_over
            || state.1 > self.shown.1
            || self.times < SHOWN_AT_ONCE
            || state.0 >= self.shown.0.saturating_mul(2);
        if !due {
            return;
        }
        self.shown = state;
        self.times += 1;
        let mut prefix = kept.to_vec();
        for (at, bytes) in &reached {
            overlay(&mut prefix, start, *at, bytes);
        }
        sink(Chunk::Variant { side, prefix: &prefix });
        if reached.len() < 2 {
            return;
        }
        for (at, bytes) in reached.iter().take(limits::VARIANTS_MAX - 1) {
            prefix.copy_from_slice(kept);
            overlay(&mut prefix, start, *at, bytes);
            sink(Chunk::Variant { side, prefix: &prefix });
        }
    }
}

/// Writes `bytes` over the part of `prefix` (whose first byte is at `start`) that they belong to.
fn overlay(prefix: &mut [u8], start: u64, at: u64, bytes: &[u8]) {
    let Some(skip) = at.checked_sub(start).and_then(|skip| usize::try_from(skip).ok()) else { return };
    let Some(place) = prefix.get_mut(skip..) else { return };
    for (old, new) in place.iter_mut().zip(bytes) {
        *old = *new;
    }
}

#[cfg(test)]
mod tests {
    use crate::{
        ground::model::key::Side,
        wire::flow::support::{Story, codes},
    };

    #[test]
    fn two_copies_that_differ_are_a_conflict_and_both_can_be_read() {
        for (first, second) in [("name=good;", "name=evil;"), ("name=evil;", "name=good;")] {
            let mut story = Story::new();
            story.handshake().client("PA", 1, 1, first.as_bytes());
            story.client("PA", 1, 1, second.as_bytes());
            story.server("A", 1, 11, b"");
            assert_eq!(story.heard(Side::Opener), first);
            assert_eq!(story.variants(Side::Opener), [second]);
            assert_eq!(codes(&story.finish()[0].facts), ["overlap_conflict"]);
        }
    }

    #[test]
    fn a_single_byte_is_a_conflict_too_unless_it_is_a_keep_alive() {
        for (ack, causes) in [(1, &["overlap_conflict"][..]), (5, &[][..])] {
            let mut story = Story::new();
            story.handshake().client("PA", 1, 1, b"good");
            story.server("A", 1, ack, b"");
            story.client("A", 4, 1, b"\0");
            assert_eq!(story.causes(), causes);
        }
    }

    #[test]
    fn a_conflict_above_a_hole_is_seen_before_its_bytes_are_in_order() {
        let mut story = Story::new();
        story.handshake().client("PA", 6, 1, b"good;end");
        story.client("PA", 6, 1, b"evil;end");
        assert!(story.variants(Side::Opener).is_empty());
        story.client("PA", 1, 1, b"name=");
        assert_eq!(story.heard(Side::Opener), "name=good;end");
        assert_eq!(story.variants(Side::Opener), ["name=evil;end"]);
        assert_eq!(story.causes(), ["overlap_conflict"]);
    }

    #[test]
    fn a_long_copy_over_held_bytes_is_compared_where_they_meet() {
        let mut story = Story::new();
        story.handshake().client("PA", 6, 1, b"good");
        story.client("PA", 1, 1, b"name=evil;end");
        assert_eq!(story.heard(Side::Opener), "name=good;end");
        assert_eq!(story.variants(Side::Opener), ["name=evil;end"]);
    }

    #[test]
    fn a_variant_grows_with_its_stream_and_is_shown_at_its_full_length_in_the_end() {
        let mut story = Story::new();
        story.handshake().client("PA", 1, 1, b"aaaa");
        story.client("PA", 1, 1, b"bbbb");
        for number in 0..200_u32 {
            story.client("PA", 5 + number, 1, b".");
        }
        let shown = story.variants(Side::Opener).len();
        assert!(shown < 20, "{shown}");
        story.finish();
        let last = story.variants(Side::Opener).pop().unwrap();
        assert_eq!(last, format!("bbbb{}", ".".repeat(200)));
    }

    #[test]
    fn several_conflicts_are_shown_together_and_one_by_one() {
        let mut story = Story::new();
        story.handshake().client("PA", 1, 1, b"aabb");
        story.client("PA", 1, 1, b"xx");
        story.client("PA", 3, 1, b"yy");
        let variants = story.variants(Side::Opener);
        for expected in ["xxbb", "xxyy", "aayy"] {
            assert!(variants.iter().any(|variant| variant == expected), "{expected}: {variants:?}");
        }
    }
}
