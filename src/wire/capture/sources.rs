//! Sources that are read in order: pipes, packed files, and sources that overlap in time (RULES 14).

use std::{
    cmp::Reverse,
    collections::{BinaryHeap, VecDeque},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use super::{
    ahead::Stream,
    block::{Block, Entry},
    clock::Lane,
    compressed::Packing,
    gather::Kind,
    input::Piece,
    note,
    registry::Ledger,
    tail::Tail,
    walker::{Described, End, Record, Sink, Stop, Walker, Window},
};
use crate::ground::model::{
    coverage::Notice,
    packet::{InterfaceId, SensorId},
    time::Timestamp,
};

/// All sources, merged by the running maximum of their stamps, ties by source index.
#[derive(Debug)]
pub(super) struct Merge {
    sources: Vec<Source>,
    /// What each source hands out next, the earliest on top. A source that was not begun stands under its first stamp.
    next: BinaryHeap<Reverse<(Timestamp, usize)>>,
    /// The source whose buffer ran out in the last block.
    hungry: Option<usize>,
    chunks: Chunks,
    block_len: usize,
    taken: Arc<AtomicU64>,
}

/// Pieces that follow each other in time.
#[derive(Debug)]
pub(super) struct Source {
    pieces: VecDeque<Piece>,
    lane: Lane,
    open: Option<Open>,
    queue: VecDeque<Queued>,
    /// Damage in front of the queue's nth packet, counted from the first that was ever in this chunk.
    breaks: VecDeque<(usize, &'static str)>,
    handed_out: usize,
    /// Where the packet that was handed out last stands.
    last_out: Timestamp,
    chunk: Arc<Vec<u8>>,
    /// The chunk's number in the block that is being made.
    shared: Option<u16>,
}

/// The piece that is being read.
struct Open {
    file: usize,
    bytes: Stream,
    packing: &'static str,
    is_live: bool,
    walker: Walker,
    /// Offset of the first byte of `carry`.
    base: u64,
    /// Bytes of a record whose rest was not read yet.
    carry: Vec<u8>,
    /// Bytes the walker wants in its next window.
    wanted: usize,
}

#[derive(Clone, Copy, Debug)]
struct Queued {
    entry: Entry,
    running: Timestamp,
}

/// Buffers that no block looks at any more are used again.
#[derive(Debug)]
pub(super) struct Chunks {
    retired: Vec<Arc<Vec<u8>>>,
    len: usize,
    /// Few enough sources that each may unpack on a thread of its own.
    may_thread: bool,
}

/// Packets of one block at most: more would be packets of less than 8 bytes.
const BLOCK_PACKETS_MAX: usize = 32 * 1024;
/// Buffers kept to be used again.
const RETIRED_MAX: usize = 64;
/// Memory of all sources' buffers together, and the least that one gets.
const CHUNKS_LEN: usize = 64 * 1024 * 1024;
const CHUNK_LEN_MIN: usize = 16 * 1024;
/// Sources that unpack on threads of their own; each holds three portions, together 12 MiB.
const THREADS_MAX: usize = 16;

impl Merge {
    /// `sources` in their order, each with the stamp it begins at (`Timestamp::MIN` when only reading it can tell).
    pub(super) fn new(
        sources: Vec<(Timestamp, Vec<Piece>)>,
        block_len: usize,
        taken: Arc<AtomicU64>,
    ) -> Self {
        let count = sources.len();
        let next = sources.iter().enumerate().map(|(index, (first, _))| Reverse((*first, index))).collect();
        let sources = sources.into_iter().map(|(_, pieces)| Source::new(pieces)).collect();
        Self {
            sources,
            next,
            hungry: None,
            chunks: Chunks::new(count, block_len),
            block_len: block_len.max(1),
            taken,
        }
    }

    pub(super) fn bytes_done(&self) -> u64 {
        self.taken.load(Ordering::Relaxed)
    }

    /// Fills a block with the next packets; false when there are none.
    pub(super) fn walk(&mut self, ledger: &mut Ledger, block: &mut Block) -> bool {
        block.first = ledger.next_ordinal();
        for source in &mut self.sources {
            source.shared = None;
        }
        if let Some(index) = self.hungry.take() {
            self.feed(index, ledger);
        }
        let mut room = self.block_len;
        let mut goes_on = false;
        while let Some(Reverse((_, index))) = self.next.pop() {
            goes_on = true;
            let Some(source) = self.sources.get_mut(index) else { continue };
            if source.queue.is_empty() && source.breaks.is_empty() {
                self.feed(index, ledger);
                continue;
            }
            let limit = self.next.peek().map(|Reverse(next)| *next);
            if !source.hand_out(index, limit, &mut room, ledger, block) {
                // The block is full.
                self.next.push(Reverse((source.running(), index)));
                break;
            }
            if source.queue.is_empty() {
                self.hungry = Some(index);
                break;
            }
            self.next.push(Reverse((source.running(), index)));
        }
        goes_on || self.hungry.is_some()
    }

    /// Reads on in a source and puts it back among the others; one that is over is not put back.
    fn feed(&mut self, index: usize, ledger: &mut Ledger) {
        let Some(source) = self.sources.get_mut(index) else { return };
        if source.refill(&mut self.chunks, &self.taken, ledger) {
            self.next.push(Reverse((source.running(), index)));
        }
    }
}

impl Source {
    pub(super) fn new(pieces: Vec<Piece>) -> Self {
        Self {
            pieces: pieces.into(),
            lane: Lane::new(),
            open: None,
            queue: VecDeque::new(),
            breaks: VecDeque::new(),
            handed_out: 0,
            last_out: Timestamp::MIN,
            chunk: Arc::default(),
            shared: None,
        }
    }

    /// Where its next packet stands among those of other sources. Damage behind the last packet waits for nobody.
    pub(super) fn running(&self) -> Timestamp {
        self.queue.front().map_or(Timestamp::MIN, |queued| queued.running)
    }

    /// Moves packets into the block until another source is due (true), the queue is empty (true) or the block is full.
    pub(super) fn hand_out(
        &mut self,
        index: usize,
        limit: Option<(Timestamp, usize)>,
        room: &mut usize,
        ledger: &mut Ledger,
        block: &mut Block,
    ) -> bool {
        loop {
            while let Some((_, what)) = self.breaks.pop_front_if(|(at, _)| *at <= self.handed_out) {
                block.damaged(what);
            }
            let Some(queued) = self.queue.front() else { return true };
            if limit.is_some_and(|limit| (queued.running, index) > limit) {
                return true;
            }
            if *room == 0 || block.entries.len() >= BLOCK_PACKETS_MAX {
                return false;
            }
            if self.shared.is_none() {
                self.shared = block.share(&self.chunk);
            }
            let Some(buffer) = self.shared else { return false };
            let entry = Entry { buffer, ..queued.entry };
            self.last_out = queued.running;
            self.queue.pop_front();
            self.handed_out += 1;
            *room = room.saturating_sub((entry.captured as usize).max(1));
            ledger.enter(&entry, block.entries.len(), &mut block.ticks);
            block.entries.push(entry);
        }
    }

    /// Reads until there is a packet (or damage) to hand out; false when the source is over.
    fn refill(&mut self, chunks: &mut Chunks, taken: &Arc<AtomicU64>, ledger: &mut Ledger) -> bool {
        loop {
            if self.open.is_none() {
                let Some(piece) = self.pieces.pop_front() else { return false };
                match Stream::open(&piece, taken, chunks.may_thread) {
                    Ok(bytes) => self.open = Some(Open::new(&piece, bytes)),
                    Err(_) => {
                        ledger.damage(piece.file, 0, "unreadable");
                        self.breaks.push_back((0, "unreadable"));
                        return true;
                    }
                }
                continue;
            }
            self.read_on(chunks, ledger);
            if !self.is_empty() {
                return true;
            }
        }
    }

    /// Reads one window of the open piece; only when nothing is left to hand out.
    pub(super) fn read_on(&mut self, chunks: &mut Chunks, ledger: &mut Ledger) {
        let Some(open) = &mut self.open else { return };
        let mut chunk = chunks.take();
        let (filled, end, fault) = open.read(&mut chunk, chunks.len);
        let read_to = open.base + filled as u64;
        let format = open.walker.format();
        self.breaks.clear();
        self.handed_out = 0;
        let mut sink = QueueSink {
            queue: &mut self.queue,
            breaks: &mut self.breaks,
            lane: &mut self.lane,
            ledger,
            file: open.file,
        };
        let is_over = open.walk(chunk.get(..filled).unwrap_or(&[]), end, &mut sink);
        if let Some(code) = fault {
            sink.damage(read_to, code);
        }
        if open.walker.format() != format {
            ledger.format(open.file, open.walker.format(), open.packing);
        }
        if is_over {
            self.open = None;
        }
        let retired = std::mem::replace(&mut self.chunk, Arc::new(chunk));
        chunks.retire(retired);
        self.shared = None;
    }
}

/// What following a growing source needs to know and do.
impl Source {
    /// Begins a piece.
    ///
    /// # Errors
    /// When it cannot be opened.
    pub(super) fn begin(
        &mut self,
        piece: &Piece,
        chunks: &Chunks,
        taken: &Arc<AtomicU64>,
    ) -> std::io::Result<()> {
        self.open = Some(Open::new(piece, Stream::open(piece, taken, chunks.may_thread)?));
        Ok(())
    }

    /// Begins a file that may grow, or goes on in it.
    pub(super) fn begin_growing(&mut self, file: usize, tail: Tail, walker: Walker) {
        let base = tail.at();
        let piece = Piece { file, kind: Kind::Standard };
        self.open = Some(Open { walker, base, is_live: false, ..Open::new(&piece, Stream::Growing(tail)) });
    }

    /// The file that is being read, where it may grow.
    pub(super) fn growing(&mut self) -> Option<&mut Tail> {
        match &mut self.open.as_mut()?.bytes {
            Stream::Growing(tail) => Some(tail),
            _ => None,
        }
    }

    /// Where reading would go on behind the last whole record; `None` when no file is open.
    pub(super) fn place(&self) -> Option<(Walker, u64, Lane)> {
        self.open.as_ref().map(|open| (open.walker.clone(), open.base, self.lane.clone()))
    }

    /// Goes on in the time of another source.
    pub(super) fn take_up(&mut self, lane: Lane) {
        self.lane = lane;
    }

    /// Gives up the piece that is being read.
    pub(super) fn break_off(&mut self, what: &'static str) {
        self.open = None;
        self.breaks.push_back((self.handed_out + self.queue.len(), what));
    }

    /// True when nothing is left to hand out.
    pub(super) fn is_empty(&self) -> bool {
        self.queue.is_empty() && self.breaks.is_empty()
    }

    pub(super) const fn is_reading(&self) -> bool {
        self.open.is_some()
    }

    /// A new block is made.
    pub(super) const fn unshare(&mut self) {
        self.shared = None;
    }

    /// Where the packet that was handed out last stands.
    pub(super) const fn last_out(&self) -> Timestamp {
        self.last_out
    }

    /// Where the packet that was read last stands.
    pub(super) const fn read_up_to(&self) -> Timestamp {
        self.lane.running()
    }
}

impl Open {
    fn new(piece: &Piece, bytes: Stream) -> Self {
        let packing = bytes.packing().map_or("", Packing::name);
        Self {
            file: piece.file,
            bytes,
            packing,
            is_live: piece.is_live(),
            walker: Walker::new(),
            base: 0,
            carry: Vec::new(),
            wanted: 0,
        }
    }

    /// Makes the next window: what was carried, and what the stream gives. Tells how much that is, how the stream ended,
    /// and by which fault.
    fn read(&mut self, chunk: &mut Vec<u8>, len: usize) -> (usize, Option<End>, Option<&'static str>) {
        let mut filled = self.carry.len();
        let room = (filled + len).max(self.wanted);
        if chunk.len() < room {
            chunk.resize(room, 0);
        }
        if let Some(head) = chunk.get_mut(..filled) {
            head.copy_from_slice(&self.carry);
        }
        self.carry.clear();
        let mut end = None;
        let mut fault = None;
        while let Some(rest) = chunk.get_mut(filled..room).filter(|rest| !rest.is_empty()) {
            match self.bytes.read(rest) {
                Ok(0) => {
                    end = self.bytes.end();
                    break;
                }
                Ok(read) => {
                    filled += read;
                    // Bytes that the walker steps over are dropped as they come.
                    let skip =
                        usize::try_from(self.walker.at().saturating_sub(self.base)).unwrap_or(usize::MAX);
                    let skip = skip.min(filled);
                    if skip > 0 {
                        chunk.copy_within(skip..filled, 0);
                        filled -= skip;
                        self.base += skip as u64;
                    }
                    if self.is_live && filled >= self.wanted.max(1) {
                        break;
                    }
                }
                Err(code) => {
                    fault = Some(code);
                    end = Some(End::Told);
                    break;
                }
            }
        }
        (filled, end, fault)
    }

    /// Walks a window and keeps what the next one needs; true when the file is over.
    fn walk(&mut self, chunk: &[u8], end: Option<End>, sink: &mut QueueSink<'_>) -> bool {
        let window = Window { bytes: chunk, base: self.base, border: chunk.len(), end };
        self.wanted = 0;
        let stop = self.walker.walk(window, sink);
        let done = usize::try_from(self.walker.at().saturating_sub(self.base)).unwrap_or(usize::MAX);
        match stop {
            Stop::Over => return true,
            Stop::Border => {}
            Stop::More(wanted) => self.wanted = wanted.saturating_sub(done),
        }
        let done = done.min(chunk.len());
        self.carry.extend_from_slice(chunk.get(done..).unwrap_or(&[]));
        self.base += done as u64;
        false
    }
}

impl std::fmt::Debug for Open {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Open").field("file", &self.file).field("base", &self.base).finish_non_exhaustive()
    }
}

impl Chunks {
    /// For so many sources.
    pub(super) fn new(sources: usize, block_len: usize) -> Self {
        let mut chunks = Self { retired: Vec::new(), len: 1, may_thread: true };
        chunks.share(sources, block_len);
        chunks
    }

    /// From now on there are so many sources.
    pub(super) fn share(&mut self, sources: usize, block_len: usize) {
        let share = CHUNKS_LEN / sources.max(1);
        self.len = block_len.min(share.max(CHUNK_LEN_MIN)).max(1);
        self.may_thread = sources <= THREADS_MAX;
    }

    /// A buffer, with memory if there is one that nobody looks at.
    fn take(&mut self) -> Vec<u8> {
        let free = self.retired.iter().position(|chunk| Arc::strong_count(chunk) == 1);
        free.and_then(|index| Arc::into_inner(self.retired.swap_remove(index))).unwrap_or_default()
    }

    fn retire(&mut self, chunk: Arc<Vec<u8>>) {
        if chunk.capacity() > 0 && self.retired.len() < RETIRED_MAX {
            self.retired.push(chunk);
        }
    }
}

/// Packets wait in the queue of their source.
struct QueueSink<'a> {
    queue: &'a mut VecDeque<Queued>,
    breaks: &'a mut VecDeque<(usize, &'static str)>,
    lane: &'a mut Lane,
    ledger: &'a mut Ledger,
    file: usize,
}

impl Sink for QueueSink<'_> {
    fn packet(&mut self, record: Record) {
        let wire = self.ledger.examine(&record);
        let (at, age_secs, running) = self.lane.place(&record);
        let entry = Entry::new(&record, at, wire, age_secs);
        self.queue.push_back(Queued { entry, running });
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

    fn piece(&mut self, _: note::Piece) {}

    fn damage(&mut self, offset: u64, what: &'static str) {
        self.breaks.push_back((self.queue.len(), what));
        self.ledger.damage(self.file, offset, what);
    }

    fn resumed(&mut self, offset: u64) {
        self.ledger.resumed(self.file, offset);
    }
}
