//! `watch --record`: what is watched, kept as rotated pcapng that can be audited again.
//!
//! Two halves. [`Recorder`] stands beside the packet path, writes packets into buffers in the order they are handed out and
//! decides where one piece ends and the next begins; it never waits. A thread of its own (`pieces`) brings full
//! buffers to the disk and gives them back. Buffers are bounded: when the disk does not keep up, frames are not
//! recorded and that is counted, in the summary and in the recording itself. No verdict is ever lost for it.

use std::{
    collections::VecDeque,
    path::PathBuf,
    sync::{
        Arc,
        atomic::Ordering::Relaxed,
        mpsc::{Receiver, SyncSender, TryRecvError, sync_channel},
    },
    thread::{Builder, JoinHandle},
};

use super::{
    pieces::{Disk, Shared},
    run::Error,
};
use crate::{
    ground::model::{
        coverage::{Blind, Notice},
        limits::{RECORD_CHUNK_LEN, RECORD_CHUNKS, RECORD_HELD_MAX, RECORD_NOTICES_MAX},
        packet::InterfaceId,
        recording::{Recorded, RecordingTerms, Stopped},
        time::Timestamp,
    },
    wire::capture::{Block, Counters, Interfaces, Note, Piece, RecordingId, Section, Tap},
};

/// What is recorded where.
#[derive(Clone, Debug)]
pub struct RecordingPlan {
    /// Folder of the pieces; it is made when it is not there. Earlier recordings in it count for the bound.
    pub folder: PathBuf,
    /// Bytes after which a new piece begins.
    pub piece_len: u64,
    /// Bytes of all recordings in the folder together.
    pub total_len: u64,
    /// At the bound the oldest piece is deleted. Otherwise recording stops there.
    pub replaces_oldest: bool,
    /// When it begins, by the clock, and by which process: its name, never anything about its packets.
    pub id: RecordingId,
}

/// A recording whose folder is ready.
#[derive(Debug)]
pub struct PreparedRecording {
    plan: RecordingPlan,
    disk: Disk,
    shared: Arc<Shared>,
    terms: RecordingTerms,
}

/// The half on the disk's side. It ends when its [`Recorder`] is dropped.
#[derive(Debug)]
pub struct Recording {
    thread: JoinHandle<()>,
    shared: Arc<Shared>,
    folder: String,
}

/// The half on the packets' side.
#[derive(Debug)]
pub struct Recorder {
    full: SyncSender<Chunk>,
    empty: Receiver<Vec<u8>>,
    /// Buffers in the world, and the most there may be.
    made: usize,
    most: usize,
    shared: Arc<Shared>,
    /// What is being filled.
    chunk: Option<Chunk>,
    /// Stamp of the first packet in it.
    held_since: Option<Timestamp>,
    piece: Piece,
    section: Section,
    /// Interfaces that were described in this piece.
    described: u32,
    piece_len: u64,
    /// Bytes of the current piece so far.
    written: u64,
    /// By interface number, what was counted in this piece.
    counted: Vec<Counted>,
    /// What was told while there was no buffer.
    untold: VecDeque<Notice>,
}

/// Whole blocks of one piece.
#[derive(Debug)]
pub(super) struct Chunk {
    pub(super) bytes: Vec<u8>,
    /// The number of the piece that begins with it.
    pub(super) begins: Option<u64>,
    pub(super) frames: u64,
}

/// One interface in one piece.
#[derive(Clone, Debug, Default)]
struct Counted {
    counters: Counters,
    span: Option<(Timestamp, Timestamp)>,
    /// Packets that were not recorded since this was last told.
    untold: u64,
}

/// Bytes of a statistics block with a note, and of the interface's description in front of it (a name of 512 bytes).
const NOTICE_LEN_MAX: usize = 1_024;

impl PreparedRecording {
    /// Makes the folder and the first piece. No thread is started yet: privileges may still be given up.
    ///
    /// # Errors
    /// When the folder cannot be made or written, or the bound has no room for two pieces.
    pub fn open(plan: RecordingPlan) -> Result<Self, Error> {
        if plan.piece_len == 0 || plan.total_len / 2 < plan.piece_len {
            return Err(Error::PieceTooLong { piece: plan.piece_len, total: plan.total_len });
        }
        let terms = RecordingTerms {
            folder: plan.folder.display().to_string(),
            piece_len: plan.piece_len,
            total_len: plan.total_len,
            replaces_oldest: plan.replaces_oldest,
        };
        let shared = Arc::new(Shared::default());
        let disk = Disk::open(plan.clone(), Arc::clone(&shared))?;
        Ok(Self { plan, disk, shared, terms })
    }

    /// What is said of it when it begins.
    #[must_use]
    pub const fn terms(&self) -> &RecordingTerms {
        &self.terms
    }

    /// Starts the thread that writes.
    ///
    /// # Errors
    /// When no thread can be started.
    pub fn start(self) -> std::io::Result<(Recorder, Recording)> {
        let Self { plan, mut disk, shared, terms } = self;
        let (full, inbox) = sync_channel(RECORD_CHUNKS);
        let (give_back, empty) = sync_channel(RECORD_CHUNKS);
        let recorder = Recorder::new((full, empty), Arc::clone(&shared), &plan);
        let thread = Builder::new().name("recording".to_owned()).spawn(move || {
            for chunk in inbox {
                // The other half may be gone already: then nobody needs the buffer.
                let _ = give_back.send(disk.take(chunk));
            }
            disk.close();
        })?;
        Ok((recorder, Recording { thread, shared, folder: terms.folder }))
    }
}

impl Recording {
    /// What became of it so far.
    #[must_use]
    pub fn so_far(&self) -> Recorded {
        self.shared.recorded(&self.folder)
    }

    /// Waits until everything is on the disk. The [`Recorder`] must be gone by then.
    #[must_use]
    pub fn finish(self) -> Recorded {
        let is_broken = self.thread.join().is_err();
        let mut recorded = self.shared.recorded(&self.folder);
        if is_broken && recorded.stopped.is_none() {
            recorded.stopped = Some(Stopped::Disk("the writing thread failed".to_owned()));
        }
        recorded
    }
}

impl Tap for Recorder {
    fn take(&mut self, block: &Block, interfaces: &dyn Interfaces) {
        let mut left = block.len() as u64;
        if block.is_empty() && self.described == 0 && self.make_room(NOTICE_LEN_MAX) {
            let before = self.filled();
            self.describe(interfaces);
            self.written += (self.filled() - before) as u64;
        }
        for (head, bytes) in block.packets() {
            if !self.make_room(Section::packet_len(bytes.len())) {
                break;
            }
            left -= 1;
            let before = self.filled();
            if !self.section.knows(head.interface) {
                self.describe(interfaces);
            }
            self.tell_gap(head.interface, head.at);
            let Some(chunk) = &mut self.chunk else { break };
            let is_written = self.section.packet(&head, bytes, &mut chunk.bytes);
            chunk.frames += u64::from(is_written);
            self.written += (self.filled() - before) as u64;
            self.held_since.get_or_insert(head.at);
            let counted = self.counted(head.interface);
            counted.see(head.at, is_written);
            if !is_written {
                self.shared.unrecorded.fetch_add(1, Relaxed);
            }
        }
        if left > 0 {
            self.skip(block, block.len() - usize::try_from(left).unwrap_or(usize::MAX));
        }
        let is_old = |since: &Timestamp| {
            let last = block.len().checked_sub(1).map(|index| block.head(index).at);
            last.is_none_or(|last| last.since(*since) >= RECORD_HELD_MAX || last < *since)
        };
        if self.held_since.as_ref().is_some_and(is_old) {
            self.hand_over();
        }
    }

    fn notice(&mut self, notice: Notice, interfaces: &dyn Interfaces) {
        if self.untold.len() < RECORD_NOTICES_MAX {
            self.untold.push_back(notice);
        }
        while !self.untold.is_empty() && self.make_room(NOTICE_LEN_MAX) {
            if let Some(notice) = self.untold.pop_front() {
                self.tell(notice, interfaces);
            }
        }
    }
}

impl Recorder {
    fn new(
        (full, empty): (SyncSender<Chunk>, Receiver<Vec<u8>>),
        shared: Arc<Shared>,
        plan: &RecordingPlan,
    ) -> Self {
        let mut recorder = Self {
            full,
            empty,
            made: 0,
            most: RECORD_CHUNKS,
            shared,
            chunk: None,
            held_since: None,
            piece: Piece { recording: plan.id, number: 1 },
            section: Section::default(),
            described: 0,
            piece_len: plan.piece_len,
            written: 0,
            counted: Vec::new(),
            untold: VecDeque::new(),
        };
        recorder.begin_piece();
        // The first piece is a valid file before the first packet comes.
        recorder.hand_over();
        recorder
    }

    /// Sees to it that the buffer takes so many bytes more; false when there is none.
    fn make_room(&mut self, len: usize) -> bool {
        if self.written > 0 && self.written + len as u64 > self.piece_len {
            self.end_piece();
        }
        let is_full = |chunk: &Chunk| chunk.bytes.len() + len > RECORD_CHUNK_LEN;
        if self.chunk.as_ref().is_some_and(is_full) {
            self.hand_over();
        }
        if self.chunk.is_some() {
            return true;
        }
        if self.written == 0 {
            return self.begin_piece();
        }
        self.chunk = self.buffer().map(|bytes| Chunk { bytes, begins: None, frames: 0 });
        self.chunk.is_some()
    }

    /// An empty buffer, if there is one.
    fn buffer(&mut self) -> Option<Vec<u8>> {
        if self.shared.is_stopped() {
            return None;
        }
        match self.empty.try_recv() {
            Ok(mut bytes) => {
                bytes.clear();
                Some(bytes)
            }
            Err(TryRecvError::Empty) if self.made < self.most => {
                self.made += 1;
                Some(Vec::with_capacity(RECORD_CHUNK_LEN))
            }
            Err(_) => None,
        }
    }

    /// Begins the piece whose number is due; false when there is no buffer for it.
    fn begin_piece(&mut self) -> bool {
        let Some(mut bytes) = self.buffer() else { return false };
        self.section = Section::begin(Some(self.piece), &mut bytes);
        self.described = 0;
        self.written = bytes.len() as u64;
        self.chunk = Some(Chunk { bytes, begins: Some(self.piece.number), frames: 0 });
        true
    }

    /// Closes the piece with the counters of its interfaces.
    fn end_piece(&mut self) {
        let counters_len = 256 * self.counted.len() * 2;
        let is_full = |chunk: &Chunk| chunk.bytes.len() + counters_len > RECORD_CHUNK_LEN;
        if self.chunk.as_ref().is_none_or(is_full) {
            self.hand_over();
            self.chunk = self.buffer().map(|bytes| Chunk { bytes, begins: None, frames: 0 });
        }
        // Without a buffer the piece ends without its counters; what was not recorded is told in the next one.
        for id in (0..self.counted.len() as u32).map(InterfaceId) {
            let counted = self.counted(id).clone();
            if let (Some(span), true) = (counted.span, self.chunk.is_some()) {
                self.tell_gap(id, span.1);
                let counters = self.counted(id).counters;
                if let Some(chunk) = &mut self.chunk {
                    self.section.counters(id, span, counters, None, &mut chunk.bytes);
                }
            }
        }
        self.hand_over();
        for counted in &mut self.counted {
            *counted = Counted { untold: counted.untold, ..Counted::default() };
        }
        self.piece.number += 1;
        self.written = 0;
    }

    /// Gives the buffer to the other half. There is room for all buffers in the world in the queue.
    fn hand_over(&mut self) {
        self.held_since = None;
        if let Some(chunk) = self.chunk.take() {
            let _ = self.full.try_send(chunk);
        }
    }

    /// Bytes in the buffer.
    fn filled(&self) -> usize {
        self.chunk.as_ref().map_or(0, |chunk| chunk.bytes.len())
    }

    /// Describes in this piece every interface there is: one that was watched and showed no packet is known, too.
    fn describe(&mut self, interfaces: &dyn Interfaces) {
        let Some(chunk) = &mut self.chunk else { return };
        while let Some(told) = interfaces.described(InterfaceId(self.described)) {
            self.section.interface(told, &mut chunk.bytes);
            self.described += 1;
        }
    }

    /// Writes down that packets of an interface were not recorded before this moment.
    fn tell_gap(&mut self, id: InterfaceId, at: Timestamp) {
        let counted = self.counted(id);
        let untold = std::mem::take(&mut counted.untold);
        if untold == 0 {
            return;
        }
        counted.counters.kernel_dropped += untold;
        let (counters, from) = (counted.counters, counted.span.map_or(at, |(_, last)| last));
        if let Some(chunk) = &mut self.chunk {
            let note = Note::Unrecorded { packets: untold };
            self.section.counters(id, (from, at), counters, Some(&note), &mut chunk.bytes);
        }
    }

    /// Writes down what the capturing machine told. Drops are told by the counters of an interface, as everywhere; ours
    /// stand at the moment at which they were counted, so the next reader finds the same minutes.
    fn tell(&mut self, notice: Notice, interfaces: &dyn Interfaces) {
        let (id, span, note) = match notice {
            Notice::Lost { interface, at, packets } => {
                let counted = self.counted(interface);
                counted.counters.kernel_dropped += packets;
                (interface, (counted.span.map_or(at, |(first, _)| first.min(at)), at), None)
            }
            Notice::Blind(Blind { interface, from, to, reason }) => {
                (interface, (from, to), Some(Note::Blind(reason)))
            }
        };
        let before = self.filled();
        self.describe(interfaces);
        let counters = self.counted(id).counters;
        if let Some(chunk) = &mut self.chunk {
            self.section.counters(id, span, counters, note.as_ref(), &mut chunk.bytes);
        }
        self.written += (self.filled() - before) as u64;
        self.held_since.get_or_insert(span.1);
    }

    /// Counts the packets from `index` on as not recorded.
    fn skip(&mut self, block: &Block, index: usize) {
        for index in index..block.len() {
            self.counted(block.head(index).interface).untold += 1;
        }
        self.shared.unrecorded.fetch_add((block.len() - index) as u64, Relaxed);
    }

    fn counted(&mut self, id: InterfaceId) -> &mut Counted {
        let place = id.0 as usize;
        if self.counted.len() <= place {
            self.counted.resize(place + 1, Counted::default());
        }
        &mut self.counted[place]
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        self.end_piece();
    }
}

impl Counted {
    fn see(&mut self, at: Timestamp, is_written: bool) {
        self.counters.received += 1;
        self.counters.kernel_dropped += u64::from(!is_written);
        let (first, last) = self.span.unwrap_or((at, at));
        self.span = Some((first.min(at), last.max(at)));
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, path::Path};

    use tempfile::TempDir;

    use super::*;
    use crate::{
        ground::model::{
            coverage::{BlindReason, InputReport, Interface},
            packet::{LinkType, PacketHead},
            time::SECOND,
        },
        wire::capture::{Request, open},
    };

    const START: i64 = 1_778_544_000 * SECOND;

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_nanos(START + millis * 1_000_000)
    }

    /// A capture of so many packets of 1,000 bytes, one every millisecond.
    fn capture(folder: &Path, packets: u32) -> String {
        let mut bytes = Vec::new();
        let mut section = Section::begin(None, &mut bytes);
        let interface = Interface { name: "span0".into(), link: LinkType::ETHERNET, ..Interface::default() };
        section.interface(&interface, &mut bytes);
        for n in 0..packets {
            let head = PacketHead { at: at(i64::from(n)), wire_len: 1_500, ..PacketHead::default() };
            section.packet(&head, &[n as u8; 1_000], &mut bytes);
        }
        let path = folder.join("original.pcapng");
        fs::write(&path, bytes).unwrap();
        path.display().to_string()
    }

    fn plan(folder: &Path, piece_len: u64, total_len: u64, replaces_oldest: bool) -> RecordingPlan {
        let id = RecordingId { started: at(7), process: 1 };
        RecordingPlan { folder: folder.to_owned(), piece_len, total_len, replaces_oldest, id }
    }

    /// Reads an input to its end with a recorder beside it.
    fn walk(input: &str, recorder: Recorder) -> InputReport {
        let (feed, baton) = open(&Request { inputs: vec![input.to_owned()], ..Request::default() }).unwrap();
        let mut baton = baton.tapped(Box::new(recorder));
        let mut block = Block::new();
        for ticket in 0.. {
            feed.fill(ticket, &mut block);
            if !baton.walk(&feed, &mut block) {
                break;
            }
        }
        baton.finish()
    }

    fn record(input: &str, plan: RecordingPlan) -> Recorded {
        let (recorder, recording) = PreparedRecording::open(plan).unwrap().start().unwrap();
        walk(input, recorder);
        recording.finish()
    }

    /// Everything in an input: stamps, lengths, ages and bytes; and what the reader says.
    fn packets(input: &Path) -> (Vec<(PacketHead, Vec<u8>)>, InputReport) {
        let request = Request { inputs: vec![input.display().to_string()], ..Request::default() };
        let (feed, mut baton) = open(&request).unwrap();
        let (mut all, mut block) = (Vec::new(), Block::new());
        for ticket in 0.. {
            feed.fill(ticket, &mut block);
            if !baton.walk(&feed, &mut block) {
                break;
            }
            let bare = |head| PacketHead { interface: InterfaceId(0), ..head };
            all.extend(block.packets().map(|(head, bytes)| (bare(head), bytes.to_vec())));
        }
        (all, baton.finish())
    }

    fn files(folder: &Path) -> Vec<(String, u64)> {
        let entries = fs::read_dir(folder).unwrap().map(Result::unwrap);
        let mut files: Vec<_> = entries
            .map(|entry| (entry.file_name().into_string().unwrap(), entry.metadata().unwrap().len()))
            .collect();
        files.sort();
        files
    }

    #[test]
    fn a_recording_in_many_pieces_holds_what_was_handed_out_and_each_piece_is_a_whole_file() {
        let (home, folder) = (TempDir::new().unwrap(), TempDir::new().unwrap());
        let input = capture(home.path(), 3_000);
        let recorded = record(&input, plan(folder.path(), 100_000, 1 << 30, false));
        assert!(recorded.is_whole());
        assert_eq!(recorded.frames, 3_000);
        let files = files(folder.path());
        assert_eq!(recorded.pieces, files.len() as u64);
        assert_eq!(recorded.bytes, files.iter().map(|(_, len)| len).sum::<u64>());
        assert!(files.len() > 30 && files.iter().all(|(_, len)| *len <= 101_000), "{files:?}");
        let original = packets(Path::new(&input));
        let copy = packets(folder.path());
        assert_eq!(copy.0, original.0);
        for (name, _) in &files {
            let (held, report) = packets(&folder.path().join(name));
            assert!(!held.is_empty() && report.files[0].damage.is_empty(), "{name}");
        }
        // The order of names is the order of pieces: so the frames of the files follow each other.
        let frames: Vec<_> =
            copy.1.files.iter().map(|file| (file.path.clone(), file.frames.unwrap())).collect();
        assert!(frames.is_sorted() && frames.windows(2).all(|pair| pair[0].1.1 < pair[1].1.0));
    }

    #[test]
    fn at_the_bound_the_oldest_pieces_go_only_when_they_may_and_never_a_stranger() {
        let (home, folder) = (TempDir::new().unwrap(), TempDir::new().unwrap());
        let input = capture(home.path(), 3_000);
        let stranger = "sekisho-notes.pcapng";
        fs::write(folder.path().join(stranger), [0; 900_000]).unwrap();
        let recorded = record(&input, plan(folder.path(), 100_000, 500_000, true));
        let left = files(folder.path());
        let ours: Vec<_> = left.iter().filter(|(name, _)| name != stranger).collect();
        assert_eq!(left.len(), ours.len() + 1, "a file that is none of ours stays");
        assert!(ours.iter().map(|(_, len)| len).sum::<u64>() <= 500_000);
        assert_eq!(recorded.deleted, recorded.pieces - ours.len() as u64);
        assert!(!recorded.is_whole() && recorded.unrecorded == 0 && recorded.stopped.is_none());
        let kept = packets(&folder.path().join(&ours.last().unwrap().0)).0;
        assert_eq!(kept.last().unwrap().0.at, at(2_999), "the newest is kept");
    }

    #[test]
    fn a_recording_that_may_not_delete_stops_at_its_bound_and_says_so() {
        let (home, folder) = (TempDir::new().unwrap(), TempDir::new().unwrap());
        let input = capture(home.path(), 3_000);
        let recorded = record(&input, plan(folder.path(), 100_000, 500_000, false));
        assert_eq!(recorded.stopped, Some(Stopped::Full(500_000)));
        assert_eq!(recorded.frames + recorded.unrecorded, 3_000);
        assert_eq!(recorded.deleted, 0);
        let original = packets(Path::new(&input)).0;
        let kept = packets(folder.path()).0;
        assert_eq!(kept, original[..kept.len()], "what was recorded is the beginning");
        assert_eq!(kept.len() as u64, recorded.frames);
        // Whoever comes next to the full folder is told before anything is watched.
        let next = RecordingPlan {
            id: RecordingId { started: at(8), process: 1 },
            ..plan(folder.path(), 100_000, 500_000, false)
        };
        assert!(matches!(PreparedRecording::open(next), Err(Error::RecordingFull { .. })));
    }

    #[test]
    fn earlier_recordings_of_the_folder_count_and_go_first() {
        let (home, folder) = (TempDir::new().unwrap(), TempDir::new().unwrap());
        let input = capture(home.path(), 400);
        let first = record(&input, plan(folder.path(), 100_000, 500_000, true));
        assert!(first.is_whole());
        let id = RecordingId { started: at(60_000), process: 1 };
        let second = record(&input, RecordingPlan { id, ..plan(folder.path(), 100_000, 500_000, true) });
        assert!(second.is_whole() && second.deleted_earlier > 0, "{second:?}");
        assert!(files(folder.path()).iter().map(|(_, len)| len).sum::<u64>() <= 500_000);
    }

    #[test]
    fn frames_that_find_no_buffer_are_counted_and_the_recording_says_where_they_are_missing() {
        let (home, folder) = (TempDir::new().unwrap(), TempDir::new().unwrap());
        let input = capture(home.path(), 4_000);
        let plan = plan(folder.path(), 100_000_000, 1 << 30, false);
        let shared = Arc::new(Shared::default());
        let mut disk = Disk::open(plan.clone(), Arc::clone(&shared)).unwrap();
        let (full, inbox) = sync_channel(RECORD_CHUNKS);
        let (give_back, empty) = sync_channel(RECORD_CHUNKS);
        let mut recorder = Recorder::new((full, empty), Arc::clone(&shared), &plan);
        // Two buffers, and a disk that takes nothing until 4,000 packets have passed: two MiB of them are kept.
        recorder.most = 2;
        let (feed, mut baton) = open(&Request { inputs: vec![input], ..Request::default() }).unwrap();
        let mut block = Block::new();
        let described = vec![Interface { name: "span0".into(), ..Interface::default() }];
        for ticket in 0.. {
            feed.fill(ticket, &mut block);
            if !baton.walk(&feed, &mut block) {
                break;
            }
            recorder.take(&block, &described);
            if ticket == 12 {
                let taken = inbox.try_iter().map(|chunk| give_back.send(disk.take(chunk))).count();
                assert_eq!(taken, 2, "both buffers were full");
            }
        }
        drop(recorder);
        inbox.try_iter().for_each(|chunk| drop(disk.take(chunk)));
        disk.close();
        let recorded = shared.recorded("");
        assert!(recorded.unrecorded > 500 && recorded.frames + recorded.unrecorded == 4_000, "{recorded:?}");
        let (kept, report) = packets(folder.path());
        assert_eq!(kept.len() as u64, recorded.frames);
        let said = report.interfaces[0].dropped.unwrap_or(0);
        assert_eq!(said, recorded.unrecorded, "the gap is told in the recording");
        assert_eq!(said, report.interfaces[0].lost.values().sum::<u64>());
    }

    #[test]
    fn notices_are_kept_with_their_piece_even_when_no_packet_comes() {
        let (home, folder) = (TempDir::new().unwrap(), TempDir::new().unwrap());
        let input = capture(home.path(), 1);
        let (mut recorder, recording) =
            PreparedRecording::open(plan(folder.path(), 100_000, 1 << 30, false)).unwrap().start().unwrap();
        let (feed, mut baton) = open(&Request { inputs: vec![input], ..Request::default() }).unwrap();
        let mut block = Block::new();
        feed.fill(0, &mut block);
        baton.walk(&feed, &mut block);
        let interface = InterfaceId(0);
        let described = vec![Interface { name: "span0".into(), ..Interface::default() }];
        let blind = Blind { interface, from: at(5), to: at(90_000), reason: BlindReason::Down };
        for notice in [Notice::Lost { interface, at: at(2_000), packets: 5 }, Notice::Blind(blind)] {
            recorder.notice(notice, &described);
        }
        drop(recorder);
        assert!(recording.finish().is_whole());
        let (_, report) = packets(folder.path());
        assert_eq!(report.blind, [blind]);
        assert_eq!(report.interfaces[0].dropped, Some(5));
        assert_eq!(
            report.interfaces[0].lost.clone().into_iter().collect::<Vec<_>>(),
            [(at(2_000).minute(), 5)]
        );
    }

    #[test]
    fn a_folder_that_cannot_be_used_is_told_before_anything_is_watched() {
        let home = TempDir::new().unwrap();
        let file = home.path().join("file");
        fs::write(&file, "x").unwrap();
        assert!(matches!(PreparedRecording::open(plan(&file, 1_000, 4_000, true)), Err(Error::File { .. })));
        let small = plan(home.path(), 1_000, 1_999, true);
        assert!(matches!(
            PreparedRecording::open(small),
            Err(Error::PieceTooLong { piece: 1_000, total: 1_999 })
        ));
    }
}
