//! Segments that came before the bytes in front of them, by position.
//!
//! Most streams hold none or a few: those lie in one small list. Many are found in a tree, so that work stays linear
//! (THREATS R49).

use std::collections::BTreeMap;

/// Segments up to which a list is smaller and faster than a tree.
const FEW: usize = 8;

/// A segment that came before the bytes in front of it.
#[derive(Debug, Default)]
pub(super) struct Segment {
    /// What was captured; never empty.
    pub(super) bytes: Box<[u8]>,
    /// Bytes behind it that the snaplen cut: at most what one packet claims to carry.
    pub(super) cut: u32,
}

/// Segments by the position of their first byte; none touches another's bytes.
#[derive(Debug)]
pub(super) enum Held {
    /// In order.
    Few(Vec<(u64, Segment)>),
    /// More than [`FEW`] at some time since it was empty.
    Many(BTreeMap<u64, Segment>),
}

impl Default for Held {
    fn default() -> Self {
        Self::Few(Vec::new())
    }
}

impl Held {
    /// How many.
    pub(super) fn len(&self) -> usize {
        match self {
            Self::Few(list) => list.len(),
            Self::Many(tree) => tree.len(),
        }
    }

    /// True when nothing is held.
    pub(super) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Where the first one begins.
    pub(super) fn first(&self) -> Option<u64> {
        match self {
            Self::Few(list) => list.first().map(|(start, _)| *start),
            Self::Many(tree) => tree.first_key_value().map(|(start, _)| *start),
        }
    }

    /// Takes the first one out.
    pub(super) fn pop_first(&mut self) -> Option<(u64, Segment)> {
        match self {
            Self::Few(list) if list.is_empty() => None,
            Self::Few(list) => Some(list.remove(0)),
            Self::Many(tree) => {
                let first = tree.pop_first();
                if tree.is_empty() {
                    *self = Self::default();
                }
                first
            }
        }
    }

    /// The last one that begins at `position` or before.
    pub(super) fn at_or_before(&self, position: u64) -> Option<(u64, &Segment)> {
        match self {
            Self::Few(list) => {
                let after = list.partition_point(|(start, _)| *start <= position);
                let (start, segment) = list.get(after.checked_sub(1)?)?;
                Some((*start, segment))
            }
            Self::Many(tree) => tree.range(..=position).next_back().map(|(start, segment)| (*start, segment)),
        }
    }

    /// Where the first one begins that begins at `position` or behind.
    pub(super) fn from(&self, position: u64) -> Option<u64> {
        match self {
            Self::Few(list) => {
                list.get(list.partition_point(|(start, _)| *start < position)).map(|(start, _)| *start)
            }
            Self::Many(tree) => tree.range(position..).next().map(|(start, _)| *start),
        }
    }

    /// Holds one more, where none begins.
    pub(super) fn insert(&mut self, start: u64, segment: Segment) {
        match self {
            Self::Few(list) if list.len() < FEW => {
                // Exactly: a million flows may hold one segment each.
                list.reserve_exact(1);
                let place = list.partition_point(|(known, _)| *known < start);
                list.insert(place, (start, segment));
            }
            Self::Few(list) => {
                let mut tree: BTreeMap<_, _> = std::mem::take(list).into_iter().collect();
                tree.insert(start, segment);
                *self = Self::Many(tree);
            }
            Self::Many(tree) => {
                tree.insert(start, segment);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn segment(number: u64) -> Segment {
        Segment { bytes: number.to_be_bytes().into(), cut: 0 }
    }

    proptest! {
        #[test]
        fn few_and_many_are_told_apart_by_nobody(
            steps in prop::collection::vec((0_u64..60, 0_u8..3), 0..80),
        ) {
            let (mut held, mut plain) = (Held::default(), BTreeMap::new());
            for (position, step) in steps {
                if step == 0 {
                    let known = held.pop_first().map(|(start, segment)| (start, segment.bytes));
                    prop_assert_eq!(known, plain.pop_first());
                } else if let std::collections::btree_map::Entry::Vacant(place) = plain.entry(position) {
                    held.insert(position, segment(position));
                    place.insert(segment(position).bytes);
                }
                prop_assert_eq!((held.len(), held.is_empty()), (plain.len(), plain.is_empty()));
                prop_assert_eq!(held.first(), plain.first_key_value().map(|(start, _)| *start));
                prop_assert_eq!(held.from(position), plain.range(position..).next().map(|(start, _)| *start));
                let before = held.at_or_before(position).map(|(start, _)| start);
                prop_assert_eq!(before, plain.range(..=position).next_back().map(|(start, _)| *start));
            }
        }
    }
}
