//! What is remembered of bytes that were read and let go, above all of a flow that is read no more: enough to know a copy
//! of what was read from something else in its place (THREATS R01, R29).
//!
//! Whoever plays a whole conversation before the real one settles the flow; what the real ends then say lies where bytes
//! were read already. A copy of the very segments is a repetition. Anything else there is a conflict, also when it cannot be
//! compared: a byte that nobody compares must not be covered by a name that was read in its place.

use super::entry::Hashers;
use crate::ground::model::{key::Side, limits};

/// The segments that were read, of each end, in order. Between two parts there may be bytes that nobody read: those of the
/// time between settling and being read again.
///
/// One cache line for most: an unknown flow is given up after a segment of each end.
#[derive(Debug, Default)]
pub(super) struct Settled {
    /// The opener's parts, then the answerer's; unused where there are more.
    few: [Part; FEW_PARTS],
    /// How many of them are whose.
    counts: [u8; 2],
    more: Option<Box<Parts>>,
}

/// The parts of each end.
type Parts = [Box<[Part]>; 2];

/// Parts of both ends together that need no place of their own.
const FEW_PARTS: usize = 3;

/// A range of bytes that were read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Part {
    /// Position of the first byte.
    pub(super) from: u64,
    /// How many.
    pub(super) len: u32,
    /// Keyed hash of them, never zero; [`NOT_REMEMBERED`] where they were let go.
    pub(super) hash: u32,
}

/// The bytes were read and are compared with nothing.
pub(super) const NOT_REMEMBERED: u32 = 0;

/// What a segment is, measured by what was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Repeat {
    /// It lies where nothing was read.
    New,
    /// As far as its place was read, it is what was read.
    Same,
    /// Something else, or nothing that can be compared.
    Other,
}

impl Part {
    /// Position behind the last byte.
    pub(super) fn end(self) -> u64 {
        self.from + u64::from(self.len)
    }

    /// The range `from..end`; what is too long for one part is beyond every window, so that only its end can repeat.
    pub(super) fn between(from: u64, end: u64, hash: u32) -> Option<Self> {
        let from = from.max(end.saturating_sub(u64::from(u32::MAX)));
        let len = u32::try_from(end.checked_sub(from)?).ok()?;
        (len > 0).then_some(Self { from, len, hash })
    }
}

impl Settled {
    /// Adds what one end's stream has read since.
    pub(super) fn add(&mut self, side: Side, read: &[Part]) {
        let mut parts = self.of(side).to_vec();
        for part in read {
            // What lies below the edge is known, or was there in two forms and the conflict is noted.
            let edge = parts.last().map_or(0, |part| part.end());
            let hash = if part.from < edge { NOT_REMEMBERED } else { part.hash };
            parts.extend(Part::between(part.from.max(edge), part.end(), hash));
        }
        let beyond = parts.get(limits::SETTLED_PARTS_MAX - 1..).unwrap_or_default();
        if let ([first, _, ..], Some(last)) = (beyond, beyond.last()) {
            let rest = Part::between(first.from, last.end(), NOT_REMEMBERED);
            parts.truncate(limits::SETTLED_PARTS_MAX - 1);
            parts.extend(rest);
        }
        self.set(side, &parts);
    }

    /// The parts of one end.
    fn of(&self, side: Side) -> &[Part] {
        let [opener, answerer] = self.counts.map(usize::from);
        let parts = match (&self.more, side) {
            (Some(more), _) => more.get(side.index()).map(|parts| &**parts),
            (None, Side::Opener) => self.few.get(..opener),
            (None, Side::Answerer) => self.few.get(opener..opener + answerer),
        };
        parts.unwrap_or_default()
    }

    fn set(&mut self, side: Side, parts: &[Part]) {
        let mut sides: Parts = Side::BOTH.map(|side| self.of(side).into());
        if let Some(place) = sides.get_mut(side.index()) {
            *place = parts.into();
        }
        let [opener, answerer] = &sides;
        if opener.len() + answerer.len() > FEW_PARTS {
            self.more = Some(Box::new(sides));
            return;
        }
        for (place, part) in self.few.iter_mut().zip(opener.iter().chain(answerer)) {
            *place = *part;
        }
        (self.counts, self.more) = ([opener.len() as u8, answerer.len() as u8], None);
    }

    /// True when nothing was read.
    pub(super) fn is_empty(&self) -> bool {
        Side::BOTH.iter().all(|side| self.of(*side).is_empty())
    }

    /// Compares a segment that begins at `at` with what was read. A sender may join segments when it repeats them; so each
    /// part that is touched must be covered whole.
    pub(super) fn compare(&self, side: Side, at: u64, bytes: &[u8], hashers: &Hashers) -> Repeat {
        let end = at + bytes.len() as u64;
        let mut repeat = Repeat::New;
        for part in self.of(side) {
            if part.end() <= at || end <= part.from {
                continue;
            }
            let copy = part.from.checked_sub(at).and_then(|skip| {
                let skip = usize::try_from(skip).ok()?;
                bytes.get(skip..skip.checked_add(usize::try_from(part.len).ok()?)?)
            });
            if part.hash == NOT_REMEMBERED || copy.is_none_or(|copy| hashers.content(copy) != part.hash) {
                return Repeat::Other;
            }
            repeat = Repeat::Same;
        }
        repeat
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::flow::support::{Story, client, server};

    /// A flow whose hello came in two segments and was answered, settled.
    fn settled() -> Story {
        let mut story = Story::new();
        story.handshake().client("PA", 1, 1, b"hello ");
        story.client("PA", 7, 1, b"there;");
        story.server("PA", 1, 13, b"welcome");
        story.client("PA", 13, 8, b"cipher");
        story.server("A", 8, 19, b"");
        story.flows.stop_reading(story.last.unwrap(), &mut |_| {});
        story.wait(1);
        story
    }

    #[test]
    fn a_copy_of_what_was_read_is_a_repetition_however_its_segments_are_joined() {
        let copies: [(u32, &[u8]); 6] = [
            (1, b"hello "),
            (7, b"there;"),
            (1, b"hello there;"),
            (7, b"there;cipher"),
            (13, b"cipher and more"),
            (18, b"\0"), // a keep-alive
        ];
        for (seq, data) in copies {
            let mut story = settled();
            let outcome = story.feed(client("PA", seq, 8, data), data);
            let text = String::from_utf8_lossy(data);
            let is_keep_alive = data.len() == 1;
            let repeats = story.flows.repeats(outcome.handle, &client("PA", seq, 8, data), data);
            assert_eq!(repeats, !is_keep_alive, "{text}");
            assert!(story.causes().is_empty(), "{text}: {:?}", story.causes());
        }
    }

    #[test]
    fn anything_else_in_the_place_of_what_was_read_is_a_conflict() {
        let others: [(u32, &[u8]); 8] = [
            (1, b"gooey "),
            (1, b"hel"), // in pieces, nothing can be compared
            (4, b"lo "),
            (7, b"where;"),
            (1, b"hello where;"),
            (13, b"ciphXr and more"),
            (16, b"her and more"),
            (1, b"x"),
        ];
        for (seq, data) in others {
            let mut story = settled();
            let outcome = story.feed(client("PA", seq, 8, data), data);
            let text = String::from_utf8_lossy(data);
            assert!(!story.flows.repeats(outcome.handle, &client("PA", seq, 8, data), data), "{text}");
            assert_eq!(story.causes(), ["overlap_conflict"], "{text}");
        }
        let mut story = settled();
        let packet = server("PA", 1, 13, b"go away");
        let outcome = story.feed(packet.clone(), b"go away");
        assert!(!story.flows.repeats(outcome.handle, &packet, b"go away"));
        assert_eq!(story.causes(), ["overlap_conflict"], "the server's side is compared too");
    }

    #[test]
    fn what_follows_a_settled_flow_is_compared_with_nothing() {
        let mut story = settled();
        for (seq, data) in [(19, b"some"), (23, b"data"), (23, b"DATA"), (21, b"meda")] {
            let packet = client("PA", seq, 8, data);
            let outcome = story.feed(packet.clone(), data);
            assert!(!story.flows.repeats(outcome.handle, &packet, data));
        }
        assert!(story.causes().is_empty(), "{:?}", story.causes());
    }

    #[test]
    fn a_flow_that_is_read_again_still_knows_what_it_read_before() {
        let mut story = settled();
        story.client("PA", 19, 8, b"unread");
        let handle = story.last.unwrap();
        let again = client("PA", 25, 8, b"again!");
        story.flows.packet(&again);
        story.flows.resume_reading(handle, &again);
        story.flows.read(handle, &again, b"again!", &mut |_| {});
        story.flows.stop_reading(handle, &mut |_| {});
        story.wait(1);
        for (seq, data) in [(1, b"hello "), (19, b"UNREAD"), (25, b"again!")] {
            let packet = client("PA", seq, 8, data);
            story.feed(packet.clone(), data);
            story.flows.repeats(handle, &packet, data);
            assert!(story.causes().is_empty(), "{seq}");
        }
        let packet = client("PA", 25, 8, b"agaim!");
        story.feed(packet.clone(), b"agaim!");
        story.flows.repeats(handle, &packet, b"agaim!");
        assert_eq!(story.causes(), ["overlap_conflict"]);
    }

    #[test]
    fn while_a_flow_is_read_again_the_first_reading_cannot_be_replaced() {
        let mut story = settled();
        let handle = story.last.unwrap();
        let again = client("PA", 19, 8, b"again!");
        story.flows.packet(&again);
        story.flows.resume_reading(handle, &again);
        story.flows.read(handle, &again, b"again!", &mut |_| {});
        story.client("PA", 1, 8, b"hello ");
        assert!(story.causes().is_empty());
        story.client("PA", 1, 8, b"gooey ");
        assert_eq!(story.causes(), ["overlap_conflict"]);
    }

    #[test]
    fn segments_beyond_the_bound_are_read_and_not_remembered() {
        let mut story = Story::new();
        story.handshake();
        let count = limits::SETTLED_PARTS_MAX as u32 + 5;
        for number in 0..count {
            story.client("PA", 1 + 2 * number, 1, b"ab");
        }
        let handle = story.last.unwrap();
        story.flows.stop_reading(handle, &mut |_| {});
        story.wait(1);
        let mut repeats = |number: u32| {
            let packet = client("PA", 1 + 2 * number, 1, b"ab");
            story.feed(packet.clone(), b"ab");
            story.flows.repeats(handle, &packet, b"ab")
        };
        assert!((0..limits::SETTLED_PARTS_MAX as u32 - 1).all(&mut repeats));
        assert!(!repeats(count - 2));
        assert_eq!(story.causes(), ["overlap_conflict"]);
        assert!(size_of::<Settled>() <= 64 && size_of::<Part>() <= 16);
    }
}
