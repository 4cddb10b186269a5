//! The baton: record borders, in order, by whoever holds it.

use super::{
    block::{Block, Break, Entry, Fault, Tick},
    clock::Lane,
    follow::Follow,
    input::{Feed, Place},
    live::Live,
    note::Piece,
    registry::Ledger,
    sources::Merge,
    tap::Tap,
    walker::{Described, End, Record, Sink, Stop, Walker, Window},
};
use crate::ground::model::{
    coverage::{InputReport, Notice},
    packet::{InterfaceId, SensorId},
    tally::Count,
};

/// The serial stage of reading: it is passed from worker to worker in the order of tickets, and whoever holds it finds
/// the packets of one block.
#[derive(Debug)]
pub struct Baton {
    ledger: Ledger,
    way: Way,
    bytes_done: u64,
    tap: Option<Box<dyn Tap>>,
}

#[derive(Debug)]
enum Way {
    /// One source of plain files: blocks are read in parallel, the place in the file is kept here.
    Blocks { ticket: u64, piece: Option<usize>, walker: Walker, lane: Lane },
    /// Pipes, packed files, sources that overlap: read here, in order.
    Merged(Box<Merge>),
    /// Interfaces: read here, in the order in which frames are found.
    Live(Box<Live>),
    /// Input that is still being written.
    Followed(Box<Follow>),
}

/// How much further is read while looking for a believable place: one read serves many candidates.
const SEARCH_LEN: usize = 64 * 1024;

impl Baton {
    pub(super) fn of_blocks(ledger: Ledger) -> Self {
        let way = Way::Blocks { ticket: 0, piece: None, walker: Walker::new(), lane: Lane::new() };
        Self { ledger, way, bytes_done: 0, tap: None }
    }

    pub(super) fn of_merge(ledger: Ledger, merge: Merge) -> Self {
        Self { ledger, way: Way::Merged(Box::new(merge)), bytes_done: 0, tap: None }
    }

    pub(super) fn of_live(ledger: Ledger, live: Live) -> Self {
        Self { ledger, way: Way::Live(Box::new(live)), bytes_done: 0, tap: None }
    }

    pub(super) fn of_follow(ledger: Ledger, follow: Follow) -> Self {
        Self { ledger, way: Way::Followed(Box::new(follow)), bytes_done: 0, tap: None }
    }

    /// The files that will be read, as they were found; `-` for standard input. Where input is followed, none is known yet.
    #[must_use]
    pub fn paths(&self) -> Vec<String> {
        self.ledger.files.iter().map(|file| file.path.clone()).collect()
    }

    /// Lets somebody take every block and every notice as well, in the order they are handed out.
    #[must_use]
    pub fn tapped(mut self, tap: Box<dyn Tap>) -> Self {
        self.tap = Some(tap);
        self
    }

    /// Finds the packets of the next block. Must be called strictly in the order of tickets, from 0, each time with the
    /// block that was filled for that ticket.
    ///
    /// Returns false when the input is over; the block is empty then. A block may be empty although the input goes on.
    pub fn walk(&mut self, feed: &Feed, block: &mut Block) -> bool {
        let goes_on = self.find(feed, block);
        if let Some(tap) = &mut self.tap
            && goes_on
        {
            tap.take(block, &self.ledger);
        }
        self.pass_on();
        goes_on
    }

    /// Hands notices to the tap.
    fn pass_on(&mut self) {
        let Some(tap) = &mut self.tap else { return self.ledger.fresh.clear() };
        for notice in std::mem::take(&mut self.ledger.fresh) {
            tap.notice(notice, &self.ledger);
        }
    }

    fn find(&mut self, feed: &Feed, block: &mut Block) -> bool {
        match &mut self.way {
            Way::Merged(merge) => {
                block.clear();
                let goes_on = merge.walk(&mut self.ledger, block);
                self.bytes_done = merge.bytes_done();
                goes_on
            }
            Way::Live(live) => {
                block.clear();
                let goes_on = live.walk(&mut self.ledger, block);
                self.bytes_done = live.bytes_done();
                goes_on
            }
            Way::Followed(follow) => {
                block.clear();
                let goes_on = follow.walk(&mut self.ledger, block);
                self.bytes_done = follow.bytes_done();
                goes_on
            }
            Way::Blocks { ticket, piece, walker, lane } => {
                let Some(place) = feed.place(*ticket) else {
                    block.clear();
                    return false;
                };
                if block.ticket != Some(*ticket) {
                    feed.fill(*ticket, block);
                }
                *ticket += 1;
                if *piece != Some(place.piece) {
                    *piece = Some(place.piece);
                    *walker = Walker::new();
                }
                self.bytes_done += place.len as u64;
                let format = walker.format();
                walk_block(feed, place, block, walker, lane, &mut self.ledger);
                if walker.format() != format {
                    self.ledger.format(place.file, walker.format(), "");
                }
                true
            }
        }
    }

    /// Bytes of the input that are behind us, as they lie on disk.
    #[must_use]
    pub const fn bytes_done(&self) -> u64 {
        self.bytes_done
    }

    /// Frames handed out so far.
    #[must_use]
    pub const fn read(&self) -> Count {
        self.ledger.read()
    }

    /// Everything the reader wrote down.
    #[must_use]
    pub fn finish(mut self) -> InputReport {
        self.pass_on();
        self.ledger.close()
    }
}

/// Finds the packets that begin in a block of a plain file; one that crosses its end is completed by a small read.
fn walk_block(
    feed: &Feed,
    place: Place,
    block: &mut Block,
    walker: &mut Walker,
    lane: &mut Lane,
    ledger: &mut Ledger,
) {
    block.first = ledger.next_ordinal();
    if walker.is_over() {
        return;
    }
    let mut end = end_of(place.is_last.then_some(End::Whole), block.fault, place, block, ledger);
    // The border is where this block was meant to end: behind it, the next one takes over.
    let border = if block.fault.is_some() { block.filled } else { place.len };
    loop {
        let Block { own, filled, entries, ticks, breaks, .. } = &mut *block;
        let mut sink = BlockSink { entries, ticks, breaks, lane, ledger, file: place.file };
        let bytes = own.get(..*filled).unwrap_or(&[]);
        let wanted = match walker.walk(Window { bytes, base: place.offset, border, end }, &mut sink) {
            Stop::Border | Stop::Over => return,
            Stop::More(wanted) => wanted,
        };
        let wanted = if walker.is_lost() { wanted.max(*filled + SEARCH_LEN) } else { wanted };
        let (fault, is_at_end) = feed.extend(place, block, wanted);
        end = end_of(is_at_end.then_some(End::Whole), fault, place, block, ledger);
    }
}

/// How the file ends, if it ends in front of us; a fault is written down.
fn end_of(
    end: Option<End>,
    fault: Option<Fault>,
    place: Place,
    block: &mut Block,
    ledger: &mut Ledger,
) -> Option<End> {
    match fault {
        None => end,
        Some(Fault::Shrunk) => Some(End::Shrunk),
        Some(Fault::Unreadable) => {
            block.damaged("unreadable");
            ledger.damage(place.file, place.offset + block.filled as u64, "unreadable");
            Some(End::Told)
        }
    }
}

/// Packets go straight into the block.
struct BlockSink<'a> {
    entries: &'a mut Vec<Entry>,
    ticks: &'a mut Vec<Tick>,
    breaks: &'a mut Vec<Break>,
    lane: &'a mut Lane,
    ledger: &'a mut Ledger,
    file: usize,
}

impl Sink for BlockSink<'_> {
    fn packet(&mut self, record: Record) {
        let wire = self.ledger.examine(&record);
        let (at, age_secs, _) = self.lane.place(&record);
        let entry = Entry::new(&record, at, wire, age_secs);
        self.ledger.enter(&entry, self.entries.len(), self.ticks);
        self.entries.push(entry);
    }

    fn interface(&mut self, described: Described<'_>) -> Option<(InterfaceId, SensorId)> {
        self.ledger.interface(self.file, described)
    }

    fn dropped(&mut self, interface: InterfaceId, total: u64) {
        self.ledger.dropped(interface, total);
    }

    fn lost(&mut self, interface: InterfaceId, packets: u64) {
        self.ledger.lost(interface, packets);
    }

    fn notice(&mut self, notice: Notice) {
        self.ledger.notice(notice);
    }

    fn piece(&mut self, _: Piece) {}

    fn damage(&mut self, offset: u64, what: &'static str) {
        self.breaks.push(Break::before(self.entries.len(), what));
        self.ledger.damage(self.file, offset, what);
    }

    fn resumed(&mut self, offset: u64) {
        self.ledger.resumed(self.file, offset);
    }
}
