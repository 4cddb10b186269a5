//! Helper: bytes that come in pieces, in any order and more than once (QUIC CRYPTO frames, DTLS fragments).

use std::collections::BTreeMap;

use crate::ground::model::limits;

/// A run of bytes from offset 0 that is put together from pieces.
///
/// Memory follows the bytes that came, never the offsets they claim. The first copy of a byte stands; a later copy that
/// differs is kept apart, because only the receiver knows which one it took.
#[derive(Debug, Default)]
pub(super) struct Pieces {
    front: Vec<u8>,
    ahead: BTreeMap<usize, Box<[u8]>>,
    conflicts: Vec<(usize, Box<[u8]>)>,
    overflowed: bool,
}

/// What one piece showed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Added {
    /// The contiguous front grew.
    pub(super) grew: bool,
    /// A byte that is known came with another value; told for as many pieces as variants are kept.
    pub(super) conflict: bool,
    /// Bytes were left out because a bound was reached; told once.
    pub(super) overflow: bool,
}

impl Pieces {
    /// Everything from offset 0 to the first hole.
    pub(super) fn front(&self) -> &[u8] {
        &self.front
    }

    /// Takes `bytes` that stand at `offset`, at most up to offset `end_max`.
    pub(super) fn add(&mut self, offset: usize, bytes: &[u8], end_max: usize) -> Added {
        let mut added = Added::default();
        let room = end_max.saturating_sub(offset);
        let kept = bytes.get(..room).unwrap_or(bytes);
        let mut overflow = kept.len() < bytes.len();
        let before = self.front.len();
        let mut at = 0;
        while let Some(rest) = kept.get(at..).filter(|rest| !rest.is_empty()) {
            let place = offset + at;
            let known = self.known(place);
            if known.is_empty() {
                let hole = self.ahead.range(place..).next().map_or(rest.len(), |(start, _)| start - place);
                let fresh = rest.get(..hole).unwrap_or(rest);
                at += fresh.len();
                if place == self.front.len() {
                    self.front.extend_from_slice(fresh);
                } else if self.ahead.len() < limits::HANDSHAKE_PIECES_MAX {
                    self.ahead.insert(place, fresh.into());
                } else {
                    overflow = true;
                }
                self.join();
                continue;
            }
            let both = known.len().min(rest.len());
            added.conflict |= known.get(..both) != rest.get(..both);
            at += both;
        }
        if added.conflict {
            added.conflict = self.conflicts.len() < limits::VARIANTS_MAX;
            if added.conflict {
                self.conflicts.push((offset, kept.into()));
            }
        }
        added.grew = self.front.len() > before;
        added.overflow = overflow && !self.overflowed;
        self.overflowed |= overflow;
        added
    }

    /// The front as it reads when the later copy of each conflicting byte wins; `None` without conflicts.
    pub(super) fn variant(&self) -> Option<Vec<u8>> {
        if self.conflicts.is_empty() {
            return None;
        }
        let mut other = self.front.clone();
        for (offset, bytes) in &self.conflicts {
            if let Some(place) = other.get_mut(*offset..) {
                place.iter_mut().zip(bytes).for_each(|(old, new)| *old = *new);
            }
        }
        Some(other)
    }

    /// The bytes that are known at `place` and directly after it, as far as they lie in one piece.
    fn known(&self, place: usize) -> &[u8] {
        if let Some(known) = self.front.get(place..).filter(|known| !known.is_empty()) {
            return known;
        }
        let piece = self.ahead.range(..=place).next_back();
        piece.and_then(|(start, piece)| piece.get(place - start..)).unwrap_or_default()
    }

    fn join(&mut self) {
        while let Some(piece) = self.ahead.remove(&self.front.len()) {
            self.front.extend_from_slice(&piece);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_first_copy_of_a_byte_stands_and_the_other_one_is_a_variant() {
        let mut pieces = Pieces::default();
        assert!(!pieces.add(2, b"cd", 100).grew);
        assert!(pieces.add(3, b"Xe", 100).conflict);
        assert!(pieces.add(0, b"ab", 100).grew);
        assert_eq!(pieces.front(), b"abcde");
        assert_eq!(pieces.variant().unwrap(), b"abcXe");
        assert!(!pieces.add(0, b"abcde", 100).conflict);
    }

    #[test]
    fn offsets_cost_nothing_and_bounds_are_told_once() {
        let mut pieces = Pieces::default();
        assert!(pieces.add(usize::MAX - 1, b"abc", 100).overflow);
        assert!(!pieces.add(99, b"abc", 100).overflow);
        assert!(!pieces.add(60, b"", 100).grew);
        assert_eq!(pieces.ahead.values().map(|piece| piece.len()).sum::<usize>(), 1);
    }

    proptest! {
        #[test]
        fn pieces_in_any_order_and_overlap_give_the_same_bytes(
            whole in proptest::collection::vec(any::<u8>(), 1..200),
            cuts in proptest::collection::vec((any::<proptest::sample::Index>(), any::<proptest::sample::Index>()), 0..60),
        ) {
            let mut pieces = Pieces::default();
            for (a, b) in cuts {
                let (a, b) = (a.index(whole.len()), b.index(whole.len()));
                let (from, to) = (a.min(b), a.max(b));
                let added = pieces.add(from, &whole[from..to], 1000);
                prop_assert!(!added.conflict && !added.overflow);
            }
            prop_assert_eq!(pieces.front(), &whole[..pieces.front().len()]);
            pieces.add(0, &whole, 1000);
            prop_assert_eq!(pieces.front(), &whole[..]);
            prop_assert!(pieces.ahead.is_empty());
        }
    }
}
