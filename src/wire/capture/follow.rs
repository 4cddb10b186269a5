//! Input that is still being written: growing files, rotated ones, folders that files are put into.
//!
//! Packets are handed out in the order that reading the finished files would give (RULES 14), as soon as that order is
//! certain: a source that may still bring an earlier packet is waited for, and a file joins the source it follows only when
//! that source's last file is over. Nobody says when a file is over; one that has not grown for a while, the patience, is
//! taken to be. What comes against that is handed out as it comes and counted as late.
//!
//! The wall clock only ends waits (RULES 39): time is counted in looks, each after a wait of the same length.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use super::{
    block::Block,
    error::Error,
    gather::Kind,
    input::Piece,
    registry::Ledger,
    sources::{Chunks, Source},
    stop::Stop,
    survey::{Event, FileId, Resume, State, Survey},
    tail::Tail,
    walker::{End, Walker},
};
use crate::ground::model::{
    coverage::{Damage, InputFile},
    limits::SEAM,
    packet::SensorId,
    time::{Span, Timestamp},
};

/// How long and how often is looked.
#[derive(Clone, Debug)]
pub struct Pace {
    /// Said when it shall end.
    pub stop: Stop,
    /// Between two looks.
    pub interval: Duration,
    /// Looks without growth after which a file is taken to be over.
    pub patience: u32,
    /// Looks without anything new after which all is over.
    pub until_idle: Option<u32>,
}

/// The input, look after look.
#[derive(Debug)]
pub(super) struct Follow {
    pace: Pace,
    survey: Survey,
    /// In the order of their keys.
    chains: Vec<Chain>,
    /// Files whose turn has not come, by their first stamp and name.
    waiting: BTreeSet<(Timestamp, String, FileId)>,
    /// Files without a packet so far: it may be earlier than any other.
    blank: Vec<FileId>,
    /// Files whose place in the order is known, by their first stamp.
    placed: BTreeMap<Timestamp, Vec<FileId>>,
    /// Where the packet that was handed out last stands.
    last: Option<(Timestamp, Key)>,
    chunks: Chunks,
    block_len: usize,
    taken: Arc<AtomicU64>,
    walks: u64,
    idle: u32,
    ending: Ending,
}

/// First stamp and name of a source's first file: the order of sources.
type Key = (Timestamp, Arc<str>);

/// One source: files that follow each other in time.
#[derive(Debug)]
struct Chain {
    key: Key,
    sensor: SensorId,
    source: Source,
    /// Files that come behind the one that is being read.
    due: VecDeque<FileId>,
    /// The file that is being read.
    current: Option<FileId>,
    /// The number in the books of the file whose packets wait in the source.
    file: usize,
    /// Its last file, and the largest stamp of all before it.
    tail: Option<FileId>,
    ended: Timestamp,
    /// It goes on in a file that was taken to be over.
    is_revived: bool,
}

/// How the end is coming.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ending {
    No,
    /// What is there is read, and nothing more. `Told`: files that were growing are not over, only no longer read.
    Read(End),
    Over,
}

/// What is to be done next.
enum Next {
    Read(usize),
    HandOut(usize, Option<(Timestamp, usize)>),
    Again,
    Wait,
}

/// Blocks between two looks while there is no need to wait; more where a look takes long.
const LOOK_EVERY: u64 = 64;
/// A file this short may be one whose writer still holds back the header.
const HEADERLESS_LEN: u64 = 24;

impl Follow {
    /// Begins to follow the inputs as typed.
    ///
    /// # Errors
    /// When one of them does not exist or cannot be followed.
    pub(super) fn new(inputs: &[String], pace: Pace, block_len: usize) -> Result<Self, Error> {
        Ok(Self {
            pace,
            survey: Survey::new(inputs)?,
            chains: Vec::new(),
            waiting: BTreeSet::new(),
            blank: Vec::new(),
            placed: BTreeMap::new(),
            last: None,
            chunks: Chunks::new(1, block_len),
            block_len,
            taken: Arc::new(AtomicU64::new(0)),
            walks: 0,
            idle: 0,
            ending: Ending::No,
        })
    }

    pub(super) fn bytes_done(&self) -> u64 {
        self.taken.load(Ordering::Relaxed)
    }

    /// Fills a block with the next packets, none when one look after a wait brought none; false when all is over.
    pub(super) fn walk(&mut self, ledger: &mut Ledger, block: &mut Block) -> bool {
        block.first = ledger.next_ordinal();
        self.chains.iter_mut().for_each(|chain| chain.source.unshare());
        self.look_around(ledger);
        let mut room = self.block_len;
        loop {
            match self.next(ledger) {
                Next::Again => {}
                Next::HandOut(index, limit) => {
                    if !self.hand_out(index, limit, &mut room, ledger, block) {
                        return true;
                    }
                }
                _ if !block.is_empty() || block.is_damaged() => return true,
                Next::Read(index) => self.read(index, ledger),
                Next::Wait if self.ending == Ending::No => {
                    self.wait(ledger);
                    return true;
                }
                Next::Wait => {
                    self.close(ledger);
                    return false;
                }
            }
        }
    }

    /// Looks before a block is made, if it is time; the end begins with a look of its own.
    fn look_around(&mut self, ledger: &mut Ledger) {
        if self.ending != Ending::No {
            return;
        }
        if self.pace.stop.is_stopped() {
            self.end(End::Told, ledger);
        } else if self.walks.is_multiple_of(LOOK_EVERY + self.survey.len() as u64 / 16) {
            self.look(false, ledger);
        }
        self.walks += 1;
    }

    fn wait(&mut self, ledger: &mut Ledger) {
        if self.pace.stop.wait(self.pace.interval) {
            return;
        }
        let is_news = self.look(true, ledger);
        self.idle = if is_news { 0 } else { self.idle.saturating_add(1) };
        if self.pace.until_idle.is_some_and(|most| self.idle >= most) {
            self.end(End::Whole, ledger);
        }
    }

    fn end(&mut self, how: End, ledger: &mut Ledger) {
        self.look(false, ledger);
        self.survey.try_packed(0);
        self.ending = Ending::Read(how);
        self.sort();
    }

    /// What is to be done next, by what is known of all sources and files.
    fn next(&mut self, ledger: &mut Ledger) -> Next {
        // The first packet, the next one behind it, and where a source stands that may bring an earlier one.
        let (mut first, mut second, mut bound) = (None, None, None);
        for index in 0..self.chains.len() {
            let Some(chain) = self.chains.get_mut(index) else { continue };
            if chain.source.is_empty() {
                if chain.can_be_read(self.ending) {
                    return Next::Read(index);
                }
                let here = (chain.source.read_up_to(), index);
                if chain.current.is_some_and(|id| !is_over(&self.survey, id, self.pace.patience)) {
                    bound = Some(bound.map_or(here, |bound: (Timestamp, usize)| bound.min(here)));
                }
                continue;
            }
            let here = (chain.source.running(), index);
            match first {
                Some(earlier) if earlier < here => {
                    second = Some(second.map_or(here, |second: (Timestamp, usize)| second.min(here)));
                }
                _ => second = first.replace(here),
            }
        }
        let file = self.waiting.first().map(|(at, ..)| *at);
        match first {
            // Damage waits for nobody.
            Some((Timestamp::MIN, index)) => return Next::HandOut(index, None),
            _ if self.is_blank() => return Next::Wait,
            Some(here) if bound.is_none_or(|bound| here < bound) && file.is_none_or(|file| here.0 < file) => {
                let before = file.map(|file| (file.plus(Span::from_nanos(-1)), usize::MAX));
                return Next::HandOut(here.1, [second, bound, before].into_iter().flatten().min());
            }
            _ => {}
        }
        let is_next = |file: Timestamp| {
            bound.is_none_or(|bound| file <= bound.0) && first.is_none_or(|first| file <= first.0)
        };
        match file {
            Some(file) if is_next(file) => self.place(ledger),
            None if self.ending != Ending::No && first.is_none() => self.place_blank(ledger),
            _ => Next::Wait,
        }
    }

    /// True while a file without a packet may still get one that comes before all others.
    fn is_blank(&self) -> bool {
        self.ending == Ending::No
            && self.blank.iter().any(|id| !is_over(&self.survey, *id, self.pace.patience))
    }

    fn hand_out(
        &mut self,
        index: usize,
        limit: Option<(Timestamp, usize)>,
        room: &mut usize,
        ledger: &mut Ledger,
        block: &mut Block,
    ) -> bool {
        let Some(chain) = self.chains.get_mut(index) else { return true };
        let here = (chain.source.running(), chain.key.clone());
        // Behind what was handed out: only up to there, so that what is late is counted.
        let behind = self.last.as_ref().filter(|last| here < **last).map(|last| (last.0, usize::MAX));
        let limit = limit.into_iter().chain(behind).min();
        let before = ledger.read().packets;
        let has_room = chain.source.hand_out(index, limit, room, ledger, block);
        let given = ledger.read().packets - before;
        if given > 0 {
            if behind.is_some() || chain.is_revived {
                ledger.late(chain.file, given);
            }
            let last = Some((chain.source.last_out(), chain.key.clone()));
            self.last = last.max(self.last.take());
        }
        has_room
    }

    /// Gives the waiting file that begins first its place: behind the source it follows, or as a source of its own.
    fn place(&mut self, ledger: &mut Ledger) -> Next {
        let Some((first, path, id)) = self.waiting.first().cloned() else { return Next::Wait };
        match self.copy_of(first, id) {
            Copied::Perhaps => return Next::Wait,
            Copied::Of(other) => {
                self.waiting.pop_first();
                if let Some(known) = self.survey.get_mut(id)
                    && let State::Waiting { format, .. } = std::mem::replace(&mut known.state, State::Copy)
                {
                    ledger
                        .add_file(InputFile { same_as: Some(other), ..described(&path, &format, known.len) });
                }
                return Next::Again;
            }
            Copied::No => {}
        }
        let sensor = ledger.sensor_of(&path);
        let latest = first.plus(SEAM);
        let mut best: Option<(Timestamp, usize)> = None;
        for index in 0..self.chains.len() {
            let Some(chain) = self.chains.get_mut(index).filter(|chain| chain.sensor == sensor) else {
                continue;
            };
            match chain.end(latest, &mut self.survey, self.pace.patience, self.ending) {
                Some(end) if end > latest => {}
                Some(end) => best = best.max(Some((end, index))),
                None => return Next::Wait,
            }
        }
        self.waiting.pop_first();
        self.placed.entry(first).or_default().push(id);
        let Some(file) = self.enter(id, ledger) else { return Next::Again };
        match best.and_then(|(end, index)| self.chains.get_mut(index).zip(Some(end))) {
            Some((chain, end)) => chain.append(id, end),
            None => self.begin(Chain::new((first, path.into()), sensor, id, file)),
        }
        Next::Again
    }

    /// At the end: files without a stamp stand behind all others.
    fn place_blank(&mut self, ledger: &mut Ledger) -> Next {
        let path = |id: &FileId| self.survey.get(*id).map(|known| known.path.clone());
        let Some((path, id)) = self.blank.iter().filter_map(|id| Some((path(id)?, *id))).min() else {
            return Next::Wait;
        };
        self.blank.retain(|blank| *blank != id);
        let Some(file) = self.enter(id, ledger) else { return Next::Again };
        match self.chains.first_mut() {
            Some(chain) => chain.append(id, Timestamp::MIN),
            None => {
                let sensor = ledger.sensor_of(&path);
                self.begin(Chain::new((Timestamp::MAX, path.into()), sensor, id, file));
            }
        }
        Next::Again
    }

    /// Writes a file into the books; `None` when it is not there to be read after all.
    fn enter(&mut self, id: FileId, ledger: &mut Ledger) -> Option<usize> {
        let known = self.survey.get_mut(id)?;
        let State::Waiting { kind, format, .. } = &known.state else { return None };
        let file = ledger.add_file(described(&known.path, format, known.len));
        known.state = State::Due { kind: kind.clone(), file };
        Some(file)
    }

    fn begin(&mut self, chain: Chain) {
        let place = self.chains.partition_point(|other| other.key <= chain.key);
        self.chains.insert(place, chain);
        self.chunks.share(self.chains.len(), self.block_len);
    }

    /// Whether a file repeats one that begins with the same stamp and has its place: then it is not read. Looked into
    /// only when the file does not grow any more.
    fn copy_of(&self, first: Timestamp, id: FileId) -> Copied {
        let Some(known) = self.survey.get(id) else { return Copied::No };
        let State::Waiting { kind, .. } = &known.state else { return Copied::No };
        for other_id in self.placed.get(&first).into_iter().flatten() {
            let Some(other) = self.survey.get(*other_id) else { continue };
            if known.has_grown && other.has_grown {
                // Two captures that begin in the same moment.
                continue;
            }
            if self.ending == Ending::No && known.quiet < self.pace.patience {
                return Copied::Perhaps;
            }
            if known.repeats(id, kind, other, *other_id) {
                return Copied::Of(other.path.clone());
            }
        }
        Copied::No
    }

    /// Reads on in a source that has nothing to hand out.
    fn read(&mut self, index: usize, ledger: &mut Ledger) {
        let Some(chain) = self.chains.get_mut(index) else { return };
        if chain.current.is_none() {
            chain.begin_next(&mut self.survey, &self.chunks, &self.taken, ledger);
            return;
        }
        let has_grown = chain
            .current
            .and_then(|id| self.survey.get(id))
            .is_some_and(|known| known.has_grown && known.quiet < self.pace.patience);
        let mut resume = None;
        if chain.source.growing().is_some_and(|tail| tail.ready() == 0) {
            resume = chain.source.place().map(|(walker, at, lane)| Box::new(Resume { walker, at, lane }));
            let end = match self.ending {
                // Its writer has not come to the end of a record.
                Ending::Read(End::Told) if has_grown => End::Told,
                _ => End::Whole,
            };
            if let Some(tail) = chain.source.growing() {
                tail.is_over(end);
            }
        }
        chain.source.read_on(&mut self.chunks, ledger);
        if !chain.source.is_reading() {
            chain.leave(resume, &mut self.survey, ledger);
        }
    }

    /// Looks at files and at what is being read; true when anything is new.
    fn look(&mut self, has_waited: bool, ledger: &mut Ledger) -> bool {
        let mut events = Vec::new();
        let mut is_news = self.survey.look(has_waited, self.pace.patience, &mut events);
        for chain in &mut self.chains {
            is_news |= chain.look(has_waited, &mut self.survey, ledger);
        }
        is_news |= !events.is_empty();
        for event in events {
            match event {
                Event::Grown(id) => self.revive(id, ledger),
                Event::Lost(path) => {
                    let damage = Damage { offset: 0, what: "vanished", resumed_at: None };
                    ledger.add_file(InputFile { damage: vec![damage], ..described(&path, "", 0) });
                }
            }
        }
        if is_news {
            self.sort();
        }
        is_news
    }

    /// Sorts the files whose turn has not come.
    fn sort(&mut self) {
        self.waiting.clear();
        self.blank.clear();
        for (id, known) in self.survey.files() {
            match known.state {
                State::Waiting { first: Some(first), .. } => {
                    self.waiting.insert((first, known.path.clone(), id));
                }
                State::Waiting { first: None, .. } => self.blank.push(id),
                State::Unknown if known.len < HEADERLESS_LEN => self.blank.push(id),
                _ => {}
            }
        }
    }

    /// A file that was taken to be over has grown: it goes on as a source of its own.
    fn revive(&mut self, id: FileId, ledger: &mut Ledger) {
        let Some(known) = self.survey.get_mut(id) else { return };
        let State::Done { file, resume } = &mut known.state else { return };
        let (file, resume) = (*file, resume.take());
        let tail =
            resume.as_ref().and_then(|resume| Tail::open(&known.plain(id), resume.at, &self.taken).ok());
        let Some((resume, tail)) = resume.zip(tail) else {
            ledger.damage(file, known.len, "grew_late");
            return;
        };
        known.state = State::Reading;
        let sensor = ledger.sensor_of(&known.path);
        let key = (resume.lane.running(), known.path.as_str().into());
        let mut chain = Chain { is_revived: true, ..Chain::new(key, sensor, id, file) };
        chain.due.clear();
        chain.current = Some(id);
        chain.source.take_up(resume.lane);
        chain.source.begin_growing(file, tail, resume.walker);
        self.begin(chain);
    }

    /// Everything is read: what was not is written down.
    fn close(&mut self, ledger: &mut Ledger) {
        if self.ending == Ending::Over {
            return;
        }
        self.ending = Ending::Over;
        for (_, known) in self.survey.files().filter(|(_, known)| matches!(known.state, State::Unknown)) {
            if known.is_named {
                let damage = Damage { offset: 0, what: "unknown_format", resumed_at: None };
                let file = described(&known.path, "", known.len);
                ledger.add_file(InputFile { damage: vec![damage], ..file });
            } else {
                ledger.skip(&known.path);
            }
        }
        if let Some(path) = &self.survey.beyond {
            let damage = Damage { offset: 0, what: "too_many_files", resumed_at: None };
            ledger.add_file(InputFile { damage: vec![damage], ..described(path, "", 0) });
        }
    }
}

/// Whether a file repeats another.
enum Copied {
    No,
    /// It may still be being written.
    Perhaps,
    Of(String),
}

impl Chain {
    fn new(key: Key, sensor: SensorId, first: FileId, file: usize) -> Self {
        Self {
            key,
            sensor,
            source: Source::new(Vec::new()),
            due: VecDeque::from([first]),
            current: None,
            file,
            tail: Some(first),
            ended: Timestamp::MIN,
            is_revived: false,
        }
    }

    fn append(&mut self, id: FileId, end: Timestamp) {
        self.due.push_back(id);
        self.ended = self.ended.max(end);
        self.tail = Some(id);
    }

    /// Whether reading on brings something, if only the end of a file.
    fn can_be_read(&mut self, ending: Ending) -> bool {
        let is_closing = !self.due.is_empty() || ending != Ending::No;
        match (self.current, self.source.growing()) {
            (None, _) => !self.due.is_empty(),
            (Some(_), Some(tail)) => tail.ready() > 0 || is_closing,
            (Some(_), None) => true,
        }
    }

    /// The largest stamp of its files: exact once the last one is over, else anything beyond `latest`; `None` when it cannot
    /// be told yet.
    fn end(
        &self,
        latest: Timestamp,
        survey: &mut Survey,
        patience: u32,
        ending: Ending,
    ) -> Option<Timestamp> {
        let so_far = self.ended.max(self.source.read_up_to());
        if so_far > latest {
            return Some(so_far);
        }
        let Some(id) = self.tail else { return Some(so_far) };
        let is_over = ending != Ending::No || is_over(survey, id, patience);
        let Some(known) = survey.get_mut(id) else { return Some(so_far) };
        if is_over || matches!(known.state, State::Done { .. }) {
            return Some(known.range(id).map_or(so_far, |range| so_far.max(range.last)));
        }
        known.ends_not_before(id).filter(|end| *end > latest)
    }

    fn begin_next(
        &mut self,
        survey: &mut Survey,
        chunks: &Chunks,
        taken: &Arc<AtomicU64>,
        ledger: &mut Ledger,
    ) {
        let Some(id) = self.due.pop_front() else { return };
        let Some(known) = survey.get_mut(id) else { return };
        let State::Due { kind, file } = &known.state else { return };
        let (file, kind) = (*file, kind.clone());
        self.file = file;
        let opened = match kind {
            Kind::Plain(_) => Tail::open(&known.plain(id), 0, taken)
                .map(|tail| self.source.begin_growing(file, tail, Walker::new())),
            kind => self.source.begin(&Piece { file, kind }, chunks, taken),
        };
        match opened {
            Ok(()) => {
                known.state = State::Reading;
                self.current = Some(id);
            }
            Err(_) => {
                known.state = State::Done { file, resume: None };
                ledger.damage(file, 0, "unreadable");
                self.source.break_off("unreadable");
            }
        }
    }

    /// The file that was read is over.
    fn leave(&mut self, resume: Option<Box<Resume>>, survey: &mut Survey, ledger: &mut Ledger) {
        let Some(known) = self.current.take().and_then(|id| survey.get_mut(id)) else { return };
        ledger.read_to(self.file, known.len);
        known.state = State::Done { file: self.file, resume };
    }

    /// Looks at the file that is being read; true when it has grown or is another now.
    fn look(&mut self, has_waited: bool, survey: &mut Survey, ledger: &mut Ledger) -> bool {
        let Some(id) = self.current else { return false };
        let Some(known) = survey.get_mut(id) else { return false };
        let Some(tail) = self.source.growing() else { return false };
        let now = tail.len_now().unwrap_or(known.len);
        if now == known.len {
            known.quiet = known.quiet.saturating_add(u32::from(has_waited));
            return false;
        }
        if now > known.len && known.still_begins(|bytes| tail.begin(bytes)) {
            known.grow(now);
            tail.reaches(now);
            return true;
        }
        // Shorter than it was, or written anew: what was read of it stays read, and what stands there now is another file.
        let read_to = self.source.place().map_or(0, |(_, at, _)| at);
        ledger.damage(self.file, read_to, "truncated");
        ledger.read_to(self.file, read_to);
        self.source.break_off("truncated");
        self.current = None;
        self.ended = self.ended.max(self.source.read_up_to());
        if self.tail == Some(id) {
            self.tail = None;
        }
        survey.renew(id, now);
        true
    }
}

/// True when a file has not grown for so many looks, or is gone.
fn is_over(survey: &Survey, id: FileId, patience: u32) -> bool {
    survey.get(id).is_none_or(|known| known.quiet >= patience)
}

fn described(path: &str, format: &str, len: u64) -> InputFile {
    InputFile { path: path.to_owned(), format: format.to_owned(), size: Some(len), ..InputFile::default() }
}
