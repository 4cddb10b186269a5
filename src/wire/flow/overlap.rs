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
    /// True when there was no conflict.
    pub(super) fn is_empty(&self) -> bool {
        self.copies.is_empty()
    }

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
        let state = (kept.len(), self.copies.len());
        if state == self.shown {
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
        for (at, bytes) in &self.copies {
            overlay(&mut prefix, start, *at, bytes);
        }
        sink(Chunk::Variant { side, prefix: &prefix });
        if self.copies.len() < 2 {
            return;
        }
        for (at, bytes) in self.copies.iter().take(limits::VARIANTS_MAX - 1) {
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
