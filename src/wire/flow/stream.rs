//! One direction of a TCP connection, put in sequence.
//!
//! The first copy of a byte is delivered; a later copy that differs is a conflict and becomes a variant (`overlap`). Work
//! is linear in what arrives: a segment is compared and copied once, and found in a tree (THREATS R49).

use super::{
    chunk::{Chunk, Sink},
    entry::Hashers,
    held::{Held, Segment},
    overlap::Overlaps,
    settled::{NOT_REMEMBERED, Part},
};
use crate::ground::model::{cause::Cause, key::Side, limits, time::Timestamp};

/// What one segment held above a hole costs beside its bytes: tree node and allocation.
const SEGMENT_OVERHEAD: usize = 64;

/// One direction.
#[derive(Debug, Default)]
pub(super) struct Stream {
    /// Position at which the stream began.
    first: u64,
    /// Position of the first byte in `kept`. Behind the last one stands the next byte to deliver.
    kept_from: u64,
    /// Delivered bytes, for comparison: all of them while the stream is short, then those not acknowledged.
    kept: Vec<u8>,
    /// Ends of the first segments that were delivered, counted from `first`.
    ends: Vec<u32>,
    /// It has begun: its positions mean something.
    has_begun: bool,
    /// False once the beginning was let go.
    is_whole: bool,
    /// What a stream in order has none of.
    trouble: Option<Box<Trouble>>,
    /// Bytes looked at, for the tests of linear time.
    #[cfg(test)]
    pub(super) work: usize,
}

/// What a stream in order has none of.
#[derive(Debug, Default)]
struct Trouble {
    held: Held,
    held_bytes: usize,
    /// The beginning, when it was let go in this packet.
    dropped: Option<Box<[u8]>>,
    overlaps: Option<Box<Overlaps>>,
    /// Packet time and packets since the peer acknowledged bytes that are still missing.
    waiting: Option<(Timestamp, u32)>,
}

/// A stream in order that is kept whole.
#[derive(Clone, Copy, Debug)]
pub(super) struct Plain<'a> {
    /// Position at which it began; `None` when it has not.
    pub(super) first: Option<u64>,
    /// All its bytes.
    pub(super) kept: &'a [u8],
    /// Ends of its first segments, counted from its beginning.
    pub(super) ends: &'a [u32],
}

/// New bytes of a segment.
#[derive(Clone, Copy, Debug)]
pub(super) struct Piece<'a> {
    /// Position of the first byte.
    pub(super) at: u64,
    /// What was captured.
    pub(super) bytes: &'a [u8],
    /// Bytes behind it that the snaplen cut.
    pub(super) cut: u64,
}

/// What a stream came across.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Noted {
    /// Two copies of the same bytes differ.
    pub(super) conflict: bool,
    /// Bytes were not held for want of room.
    pub(super) limit: bool,
    /// A hole was passed over; true when the peer had acknowledged it.
    pub(super) gap: Option<bool>,
    /// Bytes that the snaplen cut were passed over.
    pub(super) cut: bool,
}

impl Noted {
    /// The causes in it.
    pub(super) fn causes(self) -> impl Iterator<Item = (Cause, &'static str)> {
        [
            self.conflict.then_some((Cause::OverlapConflict, "")),
            self.limit.then_some((Cause::ParserLimit, "stream")),
            self.gap.map(|acked| (if acked { Cause::GapAcked } else { Cause::GapUnacked }, "")),
            self.cut.then_some((Cause::Snaplen, "")),
        ]
        .into_iter()
        .flatten()
    }
}

impl Stream {
    /// Position of the next byte to deliver, once the stream has begun.
    pub(super) fn at(&self) -> Option<u64> {
        self.has_begun.then(|| self.kept_from + self.kept.len() as u64)
    }

    /// Begins at `position`, unless it has begun.
    pub(super) fn begin(&mut self, position: u64) {
        if !self.has_begun {
            (self.first, self.kept_from) = (position, position);
            (self.has_begun, self.is_whole) = (true, true);
        }
    }

    /// The whole stream, when it is in order and nothing of it was let go.
    pub(super) fn plain(&self) -> Option<Plain<'_>> {
        let is_plain = self.trouble.is_none()
            && (self.is_whole && self.kept_from == self.first || !self.has_begun && self.kept.is_empty());
        let first = self.has_begun.then_some(self.first);
        is_plain.then_some(Plain { first, kept: &self.kept, ends: &self.ends })
    }

    /// What was delivered since the beginning or the last gap, when any of it was.
    pub(super) fn delivered(&self) -> Option<&[u8]> {
        Some(self.kept.as_slice()).filter(|kept| !kept.is_empty())
    }

    /// Puts an empty stream where another one was.
    pub(super) fn refill(&mut self, first: u64, kept: &[u8], ends: &[u8]) {
        self.begin(first);
        self.kept.extend_from_slice(kept);
        self.ends.extend(ends.iter().map(|end| u32::from(*end)));
    }

    /// Begins anew with the buffers it has.
    pub(super) fn clear(&mut self) {
        let Self { mut kept, mut ends, .. } = std::mem::take(self);
        kept.clear();
        ends.clear();
        *self = Self { kept, ends, ..Self::default() };
    }

    /// Memory held, in bytes, beside the stream itself.
    pub(super) fn cost(&self) -> usize {
        let ends = self.ends.capacity() * size_of::<u32>();
        let trouble = self.trouble.as_ref().map_or(0, |trouble| {
            let overlaps = trouble.overlaps.as_ref().map_or(0, |overlaps| overlaps.cost());
            size_of::<Trouble>() + trouble.held_bytes + trouble.held.len() * SEGMENT_OVERHEAD + overlaps
        });
        self.kept.capacity() + ends + trouble
    }

    /// True when something is held above a hole.
    pub(super) fn has_hole(&self) -> bool {
        self.trouble.as_ref().is_some_and(|trouble| !trouble.held.is_empty())
    }

    /// Where the first held segment begins.
    fn first_held(&self) -> Option<u64> {
        self.trouble.as_ref()?.held.first()
    }

    fn pop_held(&mut self) -> Option<(u64, Segment)> {
        let trouble = self.trouble.as_mut()?;
        let (start, segment) = trouble.held.pop_first()?;
        trouble.held_bytes -= segment.bytes.len();
        Some((start, segment))
    }

    fn held_bytes(&self) -> usize {
        self.trouble.as_ref().map_or(0, |trouble| trouble.held_bytes)
    }

    /// Another copy of bytes, which differs.
    fn overlap(&mut self, at: u64, bytes: &[u8]) {
        self.trouble.get_or_insert_default().overlaps.get_or_insert_default().add(at, bytes);
    }

    /// Since when, and for how many packets, bytes are waited for.
    fn wait(&mut self, now: Timestamp) -> (Timestamp, u32) {
        let (since, packets) = self.trouble.get_or_insert_default().waiting.get_or_insert((now, 0));
        *packets += 1;
        (*since, *packets)
    }

    /// Nothing is waited for any more; a stream that is in order again needs no more than one that always was.
    fn stop_waiting(&mut self) {
        if let Some(trouble) = &mut self.trouble {
            trouble.waiting = None;
            if trouble.held.is_empty() && trouble.dropped.is_none() && trouble.overlaps.is_none() {
                self.trouble = None;
            }
        }
    }

    /// Takes in one segment and delivers what is in order now.
    pub(super) fn add(
        &mut self,
        mut piece: Piece<'_>,
        side: Side,
        acked: Option<u64>,
        sink: &mut Sink<'_>,
    ) -> Noted {
        let mut noted = Noted::default();
        #[cfg(test)]
        {
            self.work += piece.bytes.len() + 1;
        }
        let Some(at) = self.at() else {
            // Nobody knows yet where the stream begins.
            self.hold(piece, &mut noted);
            return noted;
        };
        if piece.at < at {
            self.compare_kept(piece, at, acked, &mut noted);
            let old = usize::try_from(at - piece.at).unwrap_or(usize::MAX);
            match piece.bytes.get(old..) {
                Some(rest) => piece = Piece { at, bytes: rest, cut: piece.cut },
                None => {
                    // The captured part is old; the part that was cut may reach beyond it.
                    let end = piece.at + piece.bytes.len() as u64 + piece.cut;
                    piece = Piece { at, bytes: &[], cut: end.saturating_sub(at) };
                }
            }
        }
        if piece.at == at {
            self.in_order(piece, side, acked, &mut noted, sink);
        } else {
            self.hold(piece, &mut noted);
        }
        self.drain(side, acked, &mut noted, sink);
        noted
    }

    /// Delivers a piece that begins where the stream stands, up to and through what was held.
    fn in_order(
        &mut self,
        mut piece: Piece<'_>,
        side: Side,
        acked: Option<u64>,
        noted: &mut Noted,
        sink: &mut Sink<'_>,
    ) {
        loop {
            let next = self.first_held().unwrap_or(u64::MAX);
            let room = usize::try_from(next - piece.at).unwrap_or(usize::MAX);
            let (fresh, rest) = piece.bytes.split_at(room.min(piece.bytes.len()));
            self.deliver(fresh, side, acked, sink);
            piece = Piece { at: piece.at + fresh.len() as u64, bytes: rest, cut: piece.cut };
            if rest.is_empty() {
                // The cut part may have come whole in another copy: only what nobody holds is missing.
                let missing = piece.cut.min(next - piece.at);
                if missing > 0 {
                    noted.cut = true;
                    self.skip(missing, side, sink);
                }
                return;
            }
            // The held copy came first, so it is the one that counts.
            let Some((start, held)) = self.pop_held() else { return };
            let (again, rest) = rest.split_at(rest.len().min(held.bytes.len()));
            if held.bytes.get(..again.len()) != Some(again) {
                noted.conflict = true;
                self.overlap(start, again);
            }
            self.deliver(&held.bytes, side, acked, sink);
            // What is cut lies behind the longer of the two.
            let beyond = (held.bytes.len() - again.len()) as u64;
            let cut =
                piece.cut.saturating_sub(beyond).max(u64::from(held.cut).saturating_sub(rest.len() as u64));
            piece = Piece { at: start + held.bytes.len() as u64, bytes: rest, cut };
        }
    }

    /// Delivers what was held and is in order now.
    fn drain(&mut self, side: Side, acked: Option<u64>, noted: &mut Noted, sink: &mut Sink<'_>) {
        while let Some(at) = self.at()
            && self.first_held().is_some_and(|start| start <= at)
            && let Some((start, held)) = self.pop_held()
        {
            let old = usize::try_from(at - start).unwrap_or(usize::MAX);
            self.deliver(held.bytes.get(old..).unwrap_or(&[]), side, acked, sink);
            let next = self.first_held().unwrap_or(u64::MAX);
            let at = self.at().unwrap_or(at);
            let missing = u64::from(held.cut).min(next.saturating_sub(at));
            if missing > 0 {
                noted.cut = true;
                self.skip(missing, side, sink);
            }
        }
    }

    fn deliver(&mut self, bytes: &[u8], side: Side, acked: Option<u64>, sink: &mut Sink<'_>) {
        if bytes.is_empty() {
            return;
        }
        sink(Chunk::Bytes { side, bytes });
        self.stop_waiting();
        self.kept.extend_from_slice(bytes);
        if self.ends.len() < limits::SETTLED_PARTS_MAX - 1 {
            let end = self.at().and_then(|at| u32::try_from(at - self.first).ok());
            self.ends.push(end.unwrap_or(u32::MAX));
        }
        let bound = if self.is_whole { limits::STREAM_PREFIX_MAX } else { 2 * limits::STREAM_TAIL_MAX };
        if self.kept.len() > bound {
            self.variants(true, side, sink);
            self.forget(acked);
        }
    }

    /// Keeps of what was delivered only what the peer has not acknowledged, as far as it fits.
    fn forget(&mut self, acked: Option<u64>) {
        let end = self.kept_from + self.kept.len() as u64;
        let from = acked.unwrap_or(0).clamp(self.kept_from, end).max(end - (limits::STREAM_TAIL_MAX as u64));
        let drop = usize::try_from(from - self.kept_from).unwrap_or(usize::MAX).min(self.kept.len());
        if self.is_whole {
            let dropped = self.kept.get(..drop).map(Into::into);
            self.trouble.get_or_insert_default().dropped = dropped;
        }
        self.kept.drain(..drop);
        // Room up to the next time: a buffer given back each time would be asked for again at once.
        self.kept.shrink_to(2 * limits::STREAM_TAIL_MAX);
        self.kept_from = from;
        self.is_whole = false;
    }

    /// What was read, segment by segment as far as it is still kept.
    pub(super) fn parts(&self, hashers: &Hashers) -> Vec<Part> {
        if !self.has_begun {
            return Vec::new();
        }
        let mut parts: Vec<_> =
            Part::between(self.first, self.kept_from, NOT_REMEMBERED).into_iter().collect();
        parts.extend(self.cut(self.kept_from, &self.kept, hashers));
        parts
    }

    /// The first segments of what was let go since the last call: they are compared by their hashes from now on.
    pub(super) fn let_go(&mut self, hashers: &Hashers) -> Option<Vec<Part>> {
        let bytes = self.trouble.as_mut()?.dropped.take()?;
        let mut parts = self.cut(self.first, &bytes, hashers);
        // The last one would be many segments, which nobody repeats as one.
        parts.truncate(limits::SETTLED_PARTS_MAX - 1);
        Some(parts)
    }

    fn cut(&self, mut from: u64, bytes: &[u8], hashers: &Hashers) -> Vec<Part> {
        let (start, edge) = (from, from + bytes.len() as u64);
        let ends = self.ends.iter().map(|end| self.first + u64::from(*end));
        let mut parts = Vec::new();
        for end in ends.filter(|end| *end > start && *end < edge).chain([edge]) {
            let segment = bytes.get((from - start) as usize..(end - start) as usize).unwrap_or_default();
            parts.extend(Part::between(from, end, hashers.content(segment)));
            from = end;
        }
        parts
    }

    fn skip(&mut self, missing: u64, side: Side, sink: &mut Sink<'_>) {
        sink(Chunk::Gap { side, missing });
        self.stop_waiting();
        let at = self.at().unwrap_or(0) + missing;
        // A variant is a stream without gaps, so none is made across this one.
        self.variants(true, side, sink);
        if self.is_whole {
            self.trouble.get_or_insert_default().dropped = Some(self.kept.as_slice().into());
        }
        self.kept.clear();
        self.kept_from = at;
        self.is_whole = false;
    }

    /// Compares a copy of bytes that were delivered with those that are kept.
    fn compare_kept(&mut self, piece: Piece<'_>, at: u64, acked: Option<u64>, noted: &mut Noted) {
        let end = (piece.at + piece.bytes.len() as u64).min(at);
        // A keep-alive repeats the byte before the edge with any content, once all is acknowledged (RFC 9293 section 3.8.4).
        if piece.bytes.len() <= 1 && end == at && acked.is_some_and(|acked| acked >= at) {
            return;
        }
        let from = piece.at.max(self.kept_from);
        if from >= end {
            return;
        }
        let mine = self.kept.get((from - self.kept_from) as usize..(end - self.kept_from) as usize);
        let theirs = piece.bytes.get((from - piece.at) as usize..(end - piece.at) as usize);
        if mine != theirs {
            noted.conflict = true;
            if let Some(theirs) = theirs {
                self.overlap(from, theirs);
            }
        }
    }

    /// Keeps a segment above a hole; what of it is held already is compared.
    fn hold(&mut self, piece: Piece<'_>, noted: &mut Noted) {
        let end = piece.at + piece.bytes.len() as u64;
        let mut at = piece.at;
        while at < end {
            #[cfg(test)]
            {
                self.work += 1;
            }
            let slice = |from: u64, to: u64| {
                piece.bytes.get((from - piece.at) as usize..(to - piece.at) as usize).unwrap_or(&[])
            };
            let trouble = self.trouble.get_or_insert_default();
            let over = trouble
                .held
                .at_or_before(at)
                .map(|(start, held)| (start, &held.bytes))
                .filter(|(start, held)| start + held.len() as u64 > at);
            if let Some((start, held)) = over {
                let to = end.min(start + held.len() as u64);
                let theirs = slice(at, to);
                if held.get((at - start) as usize..(to - start) as usize) != Some(theirs) {
                    noted.conflict = true;
                    trouble.overlaps.get_or_insert_default().add(at, theirs);
                }
                at = to;
                continue;
            }
            let to = trouble.held.from(at).map_or(end, |start| end.min(start));
            let bytes = slice(at, to);
            if trouble.held_bytes + bytes.len() > limits::STREAM_AHEAD_MAX
                || trouble.held.len() >= limits::STREAM_SEGMENTS_MAX
            {
                noted.limit = true;
                return;
            }
            trouble.held_bytes += bytes.len();
            let cut = if to == end { u32::try_from(piece.cut).unwrap_or(u32::MAX) } else { 0 };
            trouble.held.insert(at, Segment { bytes: bytes.into(), cut });
            at = to;
        }
    }

    /// Finds the beginning of a stream that has none yet: `start` where a SYN told it, else the lowest byte that came while
    /// disorder of the mirror could have put others before it.
    pub(super) fn find_start(
        &mut self,
        start: Option<u64>,
        now: Timestamp,
        acked: Option<u64>,
        is_over: bool,
        side: Side,
        sink: &mut Sink<'_>,
    ) -> Noted {
        let mut noted = Noted::default();
        if self.has_begun {
            return noted;
        }
        let Some(lowest) = self.first_held() else { return noted };
        let start = match start {
            Some(start) => start,
            None => {
                let (since, packets) = self.wait(now);
                let patient = packets < limits::HOLE_PATIENCE_PACKETS
                    && now.since(since) < limits::HOLE_PATIENCE
                    && self.held_bytes() < limits::STREAM_TAIL_MAX;
                if patient && !is_over {
                    return noted;
                }
                lowest
            }
        };
        self.stop_waiting();
        self.begin(start);
        self.drain(side, acked, &mut noted, sink);
        noted
    }

    /// Gives a hole up when nothing can fill it any more: the peer acknowledged it (or is not seen at all), and enough of
    /// the flow has passed that disorder of the mirror cannot explain it.
    pub(super) fn pass_hole(
        &mut self,
        now: Timestamp,
        acked: Option<u64>,
        is_over: bool,
        side: Side,
        sink: &mut Sink<'_>,
    ) -> Noted {
        let mut noted = Noted::default();
        loop {
            let (Some(at), Some(first)) = (self.at(), self.first_held()) else { return noted };
            let reach = acked.unwrap_or(u64::MAX);
            if reach <= at {
                self.stop_waiting();
                return noted;
            }
            let (since, packets) = self.wait(now);
            let full = self.held_bytes() + limits::STREAM_TAIL_MAX > limits::STREAM_AHEAD_MAX;
            let patient = packets < limits::HOLE_PATIENCE_PACKETS && now.since(since) < limits::HOLE_PATIENCE;
            if patient && !full && !is_over {
                return noted;
            }
            let missing = first.min(reach) - at;
            noted.gap = Some(acked.is_some());
            self.skip(missing, side, sink);
            self.drain(side, acked, &mut noted, sink);
        }
    }

    /// Delivers variants: soon after a conflict, and again as the stream behind it grows.
    pub(super) fn variants(&mut self, is_over: bool, side: Side, sink: &mut Sink<'_>) {
        if !self.is_whole {
            return;
        }
        if let Some(overlaps) = self.trouble.as_mut().and_then(|trouble| trouble.overlaps.as_mut()) {
            overlaps.deliver(self.kept_from, &self.kept, is_over, side, sink);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::wire::flow::support::{Story, client, codes};

    fn piece(at: usize, bytes: &[u8]) -> Piece<'_> {
        Piece { at: 1_000 + at as u64, bytes, cut: 0 }
    }

    /// Adds the pieces in this order and gives what came out with what was noted.
    fn put(pieces: &[Piece<'_>]) -> (Vec<u8>, bool, Stream) {
        let (mut stream, mut out, mut conflict) = (Stream::default(), Vec::new(), false);
        stream.begin(1_000);
        for piece in pieces {
            let mut sink = |chunk: Chunk<'_>| match chunk {
                Chunk::Bytes { bytes, .. } => out.extend_from_slice(bytes),
                other => panic!("{other:?}"),
            };
            conflict |= stream.add(*piece, Side::Opener, None, &mut sink).conflict;
        }
        (out, conflict, stream)
    }

    #[test]
    fn segments_come_out_in_order_whatever_order_they_come_in() {
        let mut story = Story::new();
        story.handshake();
        for (seq, data) in [(9, "third"), (1, "one "), (5, "two "), (5, "two third")] {
            story.client("PA", seq, 1, data.as_bytes());
        }
        assert_eq!(story.heard(Side::Opener), "one two third");
        assert!(story.finish()[0].facts.causes.is_empty());
    }

    #[test]
    fn a_hole_that_was_acknowledged_becomes_a_gap_but_not_before_late_bytes_had_their_chance() {
        let mut story = Story::new();
        story.handshake().client("PA", 1, 1, b"one ");
        story.client("PA", 9, 1, b"three");
        story.server("A", 1, 14, b"");
        assert_eq!(story.heard(Side::Opener), "one ");
        story.client("PA", 5, 1, b"two ");
        assert_eq!(story.heard(Side::Opener), "one two three");

        story.client("PA", 18, 1, b"five");
        story.server("A", 1, 22, b"");
        story.wait(2).client("A", 22, 1, b"");
        assert_eq!(story.heard(Side::Opener), "one two three[4]five");
        assert_eq!(story.causes(), ["gap_acked"]);
        story.client("PA", 14, 1, b"four");
        assert_eq!(
            story.heard(Side::Opener),
            "one two three[4]five",
            "what was passed over is not read later"
        );
    }

    #[test]
    fn what_waits_behind_a_hole_is_read_at_the_end_when_the_peer_took_it() {
        let mut story = Story::new();
        story.handshake().client("PA", 5, 1, b"two");
        story.server("A", 1, 8, b"");
        story.finish();
        assert_eq!(story.heard(Side::Opener), "[4]two");
        assert_eq!(codes(&story.ended[0].facts), ["gap_acked"]);

        let mut story = Story::new();
        story.handshake().client("PA", 5, 1, b"two");
        story.finish();
        assert_eq!(story.heard(Side::Opener), "", "nobody took it: it is no evidence");
        assert_eq!(codes(&story.ended[0].facts), ["gap_unacked"]);
    }

    #[test]
    fn with_one_direction_only_a_hole_is_given_up_by_time() {
        let mut story = Story::new();
        story.client("S", 0, 0, b"");
        story.client("PA", 5, 1, b"two");
        story.wait(2).client("PA", 8, 1, b" more");
        assert_eq!(story.heard(Side::Opener), "[4]two more");
        assert_eq!(story.causes(), ["gap_unacked", "one_way"]);
    }

    #[test]
    fn bytes_that_the_snaplen_cut_are_a_gap_unless_another_copy_has_them() {
        let mut cut = client("PA", 1, 1, b"0123456789");
        cut.payload_len = 4;
        cut.head.captured_len -= 6;
        let mut story = Story::new();
        story.handshake().feed(cut.clone(), b"0123");
        story.client("PA", 11, 1, b"next");
        assert_eq!(story.heard(Side::Opener), "0123[6]next");
        assert_eq!(story.causes(), ["snaplen"]);
        assert_eq!(story.facts().sides[0].cut, 1);

        let mut ahead = cut.clone();
        ahead.tcp.as_mut().unwrap().seq += 10;
        let mut story = Story::new();
        story.handshake().feed(ahead, b"abcd");
        story.client("PA", 15, 1, b"efghij");
        story.client("PA", 1, 1, b"0123456789");
        assert_eq!(story.heard(Side::Opener), "0123456789abcdefghij");
        assert!(story.causes().is_empty());
    }

    #[test]
    fn a_long_stream_keeps_only_what_the_peer_has_not_taken() {
        let mut story = Story::new();
        story.handshake();
        let block = [b'x'; 1_400];
        for number in 0..200_u32 {
            story.client("PA", 1 + number * 1_400, 1, &block);
            story.server("A", 1, 1 + (number + 1) * 1_400, b"");
        }
        assert!(story.flows.stream_bytes() < limits::STREAM_PREFIX_MAX, "{}", story.flows.stream_bytes());
        // A copy of what is not acknowledged yet is still compared.
        story.client("PA", 1 + 200 * 1_400, 1, &block);
        story.client("PA", 1 + 200 * 1_400, 1, &[b'y'; 1_400]);
        assert_eq!(story.causes(), ["overlap_conflict"]);
    }

    #[test]
    fn more_than_is_held_above_a_hole_is_a_cause() {
        let mut story = Story::new();
        story.handshake();
        for number in 0..60_u32 {
            story.client("PA", 5_000 + number * 1_400, 1, &[b'x'; 1_400]);
        }
        assert!(story.causes().contains(&"parser_limit"));
        assert!(story.flows.stream_bytes() < 2 * limits::STREAM_AHEAD_MAX);
    }

    #[test]
    fn one_byte_segments_cost_linear_work_in_any_order() {
        let bytes = vec![7_u8; 8_000];
        let work = |len: usize, descending: bool| {
            let order: Vec<usize> = if descending { (0..len).rev().collect() } else { (0..len).collect() };
            let pieces: Vec<_> = order.iter().map(|at| piece(*at, &bytes[*at..=*at])).collect();
            put(&pieces).2.work
        };
        for descending in [false, true] {
            let (small, large) = (work(2_000, descending), work(8_000, descending));
            assert!(large <= small * 4 + 100, "{small} {large}");
        }
    }

    #[test]
    fn a_small_message_cut_into_single_bytes_backwards_comes_out_whole() {
        let bytes: Vec<u8> = (0..limits::STREAM_SEGMENTS_MAX).map(|number| number as u8).collect();
        let pieces: Vec<_> = (0..bytes.len()).rev().map(|at| piece(at, &bytes[at..=at])).collect();
        let (out, conflict, stream) = put(&pieces);
        assert!(out == bytes && !conflict && !stream.has_hole() && stream.held_bytes() == 0);
    }

    proptest! {
        // THREATS R30: however a stream is cut, shuffled and repeated, the same bytes come out, and no conflict is seen.
        #[test]
        fn cutting_shuffling_and_repeating_changes_nothing(
            bytes in prop::collection::vec(any::<u8>(), 1..600),
            cuts in prop::collection::vec((0_usize..600, 1_usize..80, any::<u16>()), 0..60),
        ) {
            let whole = bytes.chunks(37).enumerate().map(|(number, chunk)| (number * 37, chunk, 0));
            let mut pieces: Vec<(usize, &[u8], u16)> = whole.collect();
            for (at, len, order) in cuts {
                let at = at.min(bytes.len() - 1);
                pieces.push((at, &bytes[at..(at + len).min(bytes.len())], order));
            }
            pieces.sort_by_key(|(at, piece, order)| (order ^ (*at as u16).wrapping_mul(40_503), piece.len()));
            let pieces: Vec<_> = pieces.iter().map(|(at, bytes, _)| piece(*at, bytes)).collect();
            let (out, conflict, stream) = put(&pieces);
            prop_assert_eq!(out, bytes);
            prop_assert!(!conflict && !stream.has_hole() && stream.held_bytes() == 0);
        }
    }
}
