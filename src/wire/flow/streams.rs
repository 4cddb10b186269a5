//! What of a connection's streams is kept between two packets.
//!
//! Most connections that nobody can name say little before they are given up, and a crowd of them may be open at once: a
//! few bytes in order lie packed in one cache line, and are unpacked into a buffer that all flows share when the next
//! packet comes.

use super::{reading::Reading, settled::Settled};

/// The streams of a flow.
#[derive(Debug, Default)]
pub(super) enum Streams {
    /// Nothing was read.
    #[default]
    None,
    /// Being read: a few bytes, in order.
    Few(Box<Few>),
    /// Being read.
    Open(Box<Reading>),
    /// Let go: what of them was read is remembered.
    Settled(Box<Settled>),
}

/// Bytes of both streams together that are packed.
const FEW_BYTES: usize = 32;
/// Segments of one stream that are packed.
const FEW_SEGMENTS: usize = 5;

/// Two short streams in order, packed.
#[derive(Debug, Default)]
pub(super) struct Few {
    /// Position at which each began.
    first: [u64; 2],
    /// The first one's bytes, then the other's.
    bytes: [u8; FEW_BYTES],
    /// Ends of the segments of each, counted from its beginning.
    ends: [[u8; FEW_SEGMENTS]; 2],
    /// How many bytes of each.
    lens: [u8; 2],
    /// How many segments of each.
    segments: [u8; 2],
    /// One bit for each that has begun.
    begun: u8,
}

/// What a packed flow costs.
const FEW_COST: usize = size_of::<Few>();

impl Streams {
    /// Takes out the streams that are being read.
    pub(super) fn take_open(&mut self, spare: &mut Option<Box<Reading>>) -> Option<Box<Reading>> {
        match std::mem::take(self) {
            Self::Few(few) => {
                let mut reading = spare.take().unwrap_or_default();
                few.unpack(&mut reading);
                Some(reading)
            }
            Self::Open(reading) => Some(reading),
            other => {
                *self = other;
                None
            }
        }
    }

    /// The same; where none are being read, they begin, and what was read before goes with them.
    pub(super) fn take_or_begin(&mut self, spare: &mut Option<Box<Reading>>) -> Box<Reading> {
        self.take_open(spare).unwrap_or_else(|| {
            let mut reading = spare.take().unwrap_or_default();
            reading.settled = self.take_settled();
            reading
        })
    }

    /// Keeps streams that are being read. `charged` is brought up to what they cost now.
    pub(super) fn put(&mut self, mut reading: Box<Reading>, spare: &mut Option<Box<Reading>>) {
        let few = Few::pack(&reading);
        *self = match few {
            Some(few) => {
                reading.clear();
                *spare = Some(reading);
                Self::Few(Box::new(few))
            }
            None => Self::Open(reading),
        };
    }

    /// What is remembered of streams that were let go.
    pub(super) fn settled(&self) -> Option<&Settled> {
        match self {
            Self::Open(reading) => reading.settled.as_deref(),
            Self::Settled(settled) => Some(settled),
            Self::None | Self::Few(_) => None,
        }
    }

    /// Takes that out.
    pub(super) fn take_settled(&mut self) -> Option<Box<Settled>> {
        match self {
            Self::Open(reading) => reading.settled.take(),
            Self::Settled(_) => match std::mem::take(self) {
                Self::Settled(settled) => Some(settled),
                _ => None,
            },
            Self::None | Self::Few(_) => None,
        }
    }

    /// True while they are being read.
    pub(super) const fn is_open(&self) -> bool {
        matches!(self, Self::Few(_) | Self::Open(_))
    }

    /// What streams cost while they are kept.
    pub(super) fn cost(reading: &Reading) -> usize {
        if Self::is_small(reading) { FEW_COST } else { reading.cost() }
    }

    /// True when they would be packed: their buffers are small.
    pub(super) fn is_small(reading: &Reading) -> bool {
        Few::fits(reading)
    }
}

impl Few {
    fn fits(reading: &Reading) -> bool {
        let mut bytes = 0;
        let is_short = reading.streams.iter().all(|stream| {
            stream.plain().is_some_and(|plain| {
                bytes += plain.kept.len();
                plain.ends.len() <= FEW_SEGMENTS
            })
        });
        is_short && bytes <= FEW_BYTES && reading.holds_streams_only()
    }

    fn pack(reading: &Reading) -> Option<Self> {
        if !Self::fits(reading) {
            return None;
        }
        let mut few = Self::default();
        let mut room = few.bytes.as_mut_slice();
        for (index, stream) in reading.streams.iter().enumerate() {
            let plain = stream.plain()?;
            let (place, rest) = std::mem::take(&mut room).split_at_mut_checked(plain.kept.len())?;
            place.copy_from_slice(plain.kept);
            room = rest;
            for (end, place) in plain.ends.iter().zip(few.ends.get_mut(index)?) {
                *place = u8::try_from(*end).ok()?;
            }
            *few.lens.get_mut(index)? = plain.kept.len() as u8;
            *few.segments.get_mut(index)? = plain.ends.len() as u8;
            if let Some(first) = plain.first {
                *few.first.get_mut(index)? = first;
                few.begun |= 1 << index;
            }
        }
        Some(few)
    }

    fn unpack(&self, reading: &mut Reading) {
        let mut from = 0;
        for (index, stream) in reading.streams.iter_mut().enumerate() {
            let of = |lens: &[u8; 2]| lens.get(index).map_or(0, |len| usize::from(*len));
            let to = from + of(&self.lens);
            let kept = self.bytes.get(from..to).unwrap_or_default();
            from = to;
            let ends = self.ends.get(index).and_then(|ends| ends.get(..of(&self.segments)));
            if self.begun & 1 << index != 0 {
                let first = self.first.get(index).copied().unwrap_or_default();
                stream.refill(first, kept, ends.unwrap_or_default());
            }
        }
        reading.charged = FEW_COST;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{
        ground::model::key::Side,
        wire::flow::support::{Story, client},
    };

    /// A connection after some segments of the client, and whether it lies packed.
    fn after(segments: &[(u32, &[u8])]) -> (Story, bool) {
        let mut story = Story::new();
        story.handshake();
        for (seq, data) in segments {
            story.client("PA", *seq, 1, data);
        }
        let is_packed = story.flows.spoken.iter().any(|spoken| matches!(spoken.streams, Streams::Few(_)));
        (story, is_packed)
    }

    #[test]
    fn what_is_packed_fills_one_cache_line_and_no_more_is_packed() {
        assert!(size_of::<Few>() <= 64 && size_of::<Streams>() == 16);
        assert!(after(&[(1, &[b'x'; FEW_BYTES])]).1);
        assert!(!after(&[(1, &[b'x'; FEW_BYTES + 1])]).1);
        assert!(!after(&[(1, b"one "), (9, b"three")]).1, "a hole");
        assert!(!after(&[(1, b"good"), (1, b"evil")]).1, "a conflict");
    }

    #[test]
    fn a_copy_of_packed_bytes_that_differs_is_a_conflict() {
        let (mut story, is_packed) = after(&[(1, b"name="), (6, b"good")]);
        assert!(is_packed && story.causes().is_empty());
        story.client("PA", 6, 1, b"evil");
        assert_eq!(story.causes(), ["overlap_conflict"]);
        assert_eq!(story.variants(Side::Opener), ["name=evil"]);
    }

    #[test]
    fn a_reader_that_remembers_nothing_hears_the_beginning_again() {
        let mut story = Story::new();
        story.handshake().client("PA", 1, 1, b"hel");
        let handle = story.last.unwrap();
        story.flows.read_anew(handle, true);
        story.client("PA", 4, 1, b"lo");
        assert_eq!(story.heard(Side::Opener), "hel(hel)lo");
        story.flows.read_anew(handle, false);
        story.client("PA", 6, 1, b"!");
        assert_eq!(story.heard(Side::Opener), "hel(hel)lo!");
        story.flows.read_anew(handle, true);
        story.server("A", 1, 7, b"");
        assert_eq!(story.heard(Side::Opener), "hel(hel)lo!", "nothing new, nothing again");
        story.finish();
        assert_eq!(story.heard(Side::Opener), "hel(hel)lo!(hello!)");
    }

    #[test]
    fn it_hears_both_ends_again() {
        let mut story = Story::new();
        story.handshake().client("PA", 1, 1, b"hello");
        story.server("PA", 1, 6, b"there");
        story.flows.read_anew(story.last.unwrap(), true);
        story.client("PA", 6, 6, b"!");
        assert_eq!(story.heard(Side::Opener), "hello(hello)!");
        assert_eq!(story.heard(Side::Answerer), "there(there)");
    }

    /// A connection in which the client says `text` in segments of these lengths, each with its number.
    fn said(cuts: &[usize]) -> (Story, Vec<(u32, &'static [u8])>) {
        let mut text = &b"abcdefghijklmnopqrstuvwxyz0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"[..];
        let (mut story, mut seq, mut segments) = (Story::new(), 1, Vec::new());
        story.handshake();
        for cut in cuts {
            let (data, rest) = text.split_at(*cut);
            story.client("PA", seq, 1, data);
            segments.push((seq, data));
            (text, seq) = (rest, seq + *cut as u32);
        }
        (story, segments)
    }

    proptest! {
        // Whether they lie packed or not depends on the lengths.
        #[test]
        fn bytes_and_segments_are_known_however_often_they_were_packed(
            cuts in prop::collection::vec(2_usize..9, 1..7),
            changed in any::<prop::sample::Index>(),
        ) {
            let (mut story, segments) = said(&cuts);
            let whole: Vec<u8> = segments.iter().flat_map(|(_, data)| data.iter().copied()).collect();
            story.client("PA", 1, 1, &whole);
            prop_assert_eq!(story.heard(Side::Opener).into_bytes(), whole.clone());
            prop_assert!(story.causes().is_empty());
            let mut other = whole.clone();
            other[changed.index(whole.len())] = b'!';
            story.client("PA", 1, 1, &other);
            prop_assert_eq!(story.causes(), ["overlap_conflict"]);

            let (mut story, segments) = said(&cuts);
            let handle = story.last.unwrap();
            story.flows.stop_reading(handle, &mut |_| {});
            story.wait(1);
            for (seq, data) in segments {
                let packet = client("PA", seq, 1, data);
                story.feed(packet.clone(), data);
                prop_assert!(story.flows.repeats(handle, &packet, data), "{}", seq);
            }
            prop_assert!(story.causes().is_empty());
        }
    }
}
