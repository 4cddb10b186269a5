//! The order of files, and which of them are one source (RULES 14).

use std::{
    collections::BTreeMap,
    num::NonZero,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    thread,
};

use super::{
    file::{Plain, read_at},
    gather::{Found, Kind},
    note::Piece,
    registry::Bindings,
    walker::{Described, End, Record, Sink, Stamp, Stop, Walker, Window},
};
use crate::ground::model::{
    coverage::Notice,
    limits::{BLOCK_LEN, SEAM, TAIL_LEN},
    packet::{InterfaceId, SensorId},
    time::{Span, Timestamp},
};

/// Files in the order they are read, and their grouping.
#[derive(Debug)]
pub(super) struct Ordered<'a> {
    /// Each with the path of the earlier file it repeats.
    pub(super) files: Vec<(&'a Found, Option<String>)>,
    pub(super) sources: Vec<Grouped>,
}

/// One source: files that follow each other in time.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Grouped {
    /// The stamp it begins at; `Timestamp::MIN` when only reading it can tell.
    pub(super) first: Timestamp,
    /// Indices into the ordered files.
    pub(super) files: Vec<usize>,
}

/// When a file begins and ends, by its stamps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Range {
    pub(super) first: Timestamp,
    pub(super) last: Timestamp,
    /// The piece of a recording of ours that it is.
    pub(super) piece: Option<Piece>,
}

/// Orders files by the stamp of their first packet, then by name, and groups them.
pub(super) fn order<'a>(found: &'a [Found], twins: &[Option<usize>], bindings: &Bindings) -> Ordered<'a> {
    let is_read = |index: usize| {
        twins.get(index).copied().flatten().is_none() && found.get(index).is_some_and(|file| !file.is_foreign)
    };
    let alone = (0..found.len()).filter(|index| is_read(*index)).count() <= 1;
    let ranges = if alone {
        vec![None; found.len()]
    } else {
        let wanted: Vec<Option<&Kind>> =
            found.iter().enumerate().map(|(index, file)| is_read(index).then_some(&file.kind)).collect();
        ranges(&wanted)
    };
    let mut sources = Vec::new();
    let mut chains = Chains::default();
    let mut files = Vec::with_capacity(found.len());
    let path_of = |index: usize| found.get(index).map(|file| file.path.clone());
    for item in items(found, ranges) {
        let mut places = Vec::with_capacity(item.files.len());
        for index in item.files {
            let Some(file) = found.get(index) else { continue };
            if is_read(index) {
                places.push(files.len());
            }
            files.push((file, twins.get(index).copied().flatten().and_then(path_of)));
        }
        let Some(((file, _), place)) = places.first().and_then(|place| files.get(*place).zip(Some(*place)))
        else {
            continue;
        };
        if file.len().is_none() {
            sources.push(Grouped { first: Timestamp::MIN, files: vec![place] });
        } else {
            chains.add(places, item.range, bindings.of_file(&file.path), &mut sources);
        }
    }
    Ordered { files, sources }
}

/// What is ordered as one: a file, or all pieces of a recording of ours.
struct Item {
    files: Vec<usize>,
    range: Option<Range>,
}

/// Makes items and brings them in order. Pipes and files without a packet come last, by name.
fn items(found: &[Found], ranges: Vec<Option<Range>>) -> Vec<Item> {
    let path = |index: &usize| found.get(*index).map(|file| file.path.as_str());
    let mut pieces: BTreeMap<_, Vec<_>> = BTreeMap::new();
    let mut items = Vec::with_capacity(found.len());
    for (index, range) in ranges.into_iter().enumerate() {
        match range.and_then(|range| range.piece.map(|piece| (piece, range))) {
            Some((piece, range)) => pieces.entry(piece.recording).or_default().push((piece, range, index)),
            None => items.push(Item { files: vec![index], range }),
        }
    }
    for mut recording in pieces.into_values() {
        // Their numbers say how they follow each other; their stamps need not.
        recording.sort_by(|(a_piece, a, a_index), (b_piece, b, b_index)| {
            let order = a_piece.number.cmp(&b_piece.number).then(a.first.cmp(&b.first));
            order.then_with(|| path(a_index).cmp(&path(b_index)))
        });
        let last = recording.iter().map(|(_, range, _)| range.last).max();
        let range = recording.first().zip(last).map(|((_, range, _), last)| Range { last, ..*range });
        items.push(Item { files: recording.into_iter().map(|(.., index)| index).collect(), range });
    }
    items.sort_by(|a, b| {
        let key = |range: &Option<Range>| range.map_or((true, Timestamp::MAX), |range| (false, range.first));
        let name = |item: &Item| item.files.first().and_then(path);
        key(&a.range).cmp(&key(&b.range)).then_with(|| name(a).cmp(&name(b)))
    });
    items
}

/// Sources that may still be continued: by sensor and end, the latest end first asked.
#[derive(Debug, Default)]
struct Chains {
    ends: BTreeMap<(SensorId, Timestamp, usize), ()>,
}

impl Chains {
    /// Appends files to the source of the same sensor that ended last before they began, or opens a new source.
    ///
    /// They come in the order of their first stamps, so a source that cannot be continued now never will be by an
    /// earlier file.
    fn add(&mut self, files: Vec<usize>, range: Option<Range>, sensor: SensorId, sources: &mut Vec<Grouped>) {
        let Some(range) = range else {
            // Nothing is known of it, or it holds no packet: it stands behind all others.
            match sources.iter_mut().find(|source| source.first != Timestamp::MIN) {
                Some(source) => source.files.extend(files),
                None => sources.push(Grouped { first: Timestamp::MAX, files }),
            }
            return;
        };
        let latest = range.first.plus(SEAM);
        let before = (sensor, Timestamp::MIN, 0)..=(sensor, latest, usize::MAX);
        let fitting = self.ends.range(before).next_back().map(|(key, ())| *key);
        let (end, source) = match fitting {
            Some(key @ (_, end, source)) => {
                self.ends.remove(&key);
                (end.max(range.last), source)
            }
            None => {
                sources.push(Grouped { first: range.first, files: Vec::new() });
                (range.last, sources.len() - 1)
            }
        };
        if let Some(source) = sources.get_mut(source) {
            source.files.extend(files);
        }
        self.ends.insert((sensor, end, source), ());
    }
}

/// Learns when files begin and end. Packed ones must be unpacked for it, so all cores help.
fn ranges(files: &[Option<&Kind>]) -> Vec<Option<Range>> {
    let workers = thread::available_parallelism().map_or(1, NonZero::get).min(files.len());
    let next = AtomicUsize::new(0);
    let learnt = Mutex::new(vec![None; files.len()]);
    let work = || {
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            let Some(file) = files.get(index) else { return };
            let range = file.and_then(range_of);
            if let Some(slot) = learnt.lock().unwrap_or_else(PoisonError::into_inner).get_mut(index) {
                *slot = range;
            }
        }
    };
    thread::scope(|scope| {
        for _ in 1..workers {
            // One that cannot be had is done without: this thread does the work as well.
            let _ = thread::Builder::new().name("look-through".to_owned()).spawn_scoped(scope, work);
        }
        work();
    });
    learnt.into_inner().unwrap_or_else(PoisonError::into_inner)
}

/// First and largest stamp of one file; `None` for pipes and for files without a packet.
pub(super) fn range_of(kind: &Kind) -> Option<Range> {
    match kind {
        Kind::Plain(plain) => by_ends(plain).or_else(|| whole(kind).and_then(|whole| whole.range)),
        Kind::Packed(..) => whole(kind).and_then(|whole| whole.range),
        Kind::Pipe(_) | Kind::Standard => None,
    }
}

/// Stamp of the first packet of a plain file that may still grow; `None` when no packet is whole yet.
pub(super) fn first_of(plain: &Plain) -> Option<Timestamp> {
    let (seen, _) = head(plain, plain.len.min(TAIL_LEN))?;
    match seen.range {
        Some(range) => Some(range.first),
        None if plain.len > TAIL_LEN => whole(&Kind::Plain(plain.clone()))?.range.map(|range| range.first),
        None => None,
    }
}

/// A stamp that the largest of a growing plain file will not be less than; `None` when that cannot be told from its
/// head and tail.
pub(super) fn ends_not_before(plain: &Plain) -> Option<Timestamp> {
    if plain.len <= 2 * TAIL_LEN {
        return head(plain, plain.len)?.0.range.map(|range| range.last);
    }
    let (seen, walker) = head(plain, TAIL_LEN)?;
    tail(plain, &seen, &walker, None)
}

/// Looks at so many bytes of a file's beginning.
fn head(plain: &Plain, len: u64) -> Option<(Seen, Walker)> {
    let mut bytes = vec![0; usize::try_from(len).ok()?];
    let mut seen = Seen::default();
    let mut walker = Walker::new();
    read_at(&plain.open().ok()?, 0, &mut bytes).1.is_none().then_some(())?;
    walker.walk(Window { bytes: &bytes, base: 0, border: bytes.len(), end: None }, &mut seen);
    Some((seen, walker))
}

/// The largest stamp in a file's tail, when nothing there is odd.
///
/// The tail is entered as after damage.
fn tail(plain: &Plain, seen: &Seen, walker: &Walker, end: Option<End>) -> Option<Timestamp> {
    let range = seen.range?;
    let base = plain.len.checked_sub(TAIL_LEN)?;
    let mut bytes = vec![0; usize::try_from(TAIL_LEN).ok()?];
    read_at(&plain.open().ok()?, base, &mut bytes).1.is_none().then_some(())?;
    let mut tail = Seen { interfaces: seen.interfaces, ..Seen::default() };
    walker.seek(base).walk(Window { bytes: &bytes, base, border: bytes.len(), end }, &mut tail);
    let last = tail.range?.last;
    // A tail that belongs to another section may count time otherwise: then its stamps lie far off.
    let is_near = (range.last..range.first.plus(TAIL_AHEAD_MAX)).contains(&last);
    (!seen.is_damaged && !tail.is_damaged && tail.interfaces == seen.interfaces && is_near).then_some(last)
}

/// By the head and the tail of a large plain file; `None` when that cannot be told from them: whatever looks wrong there
/// sends us to read the whole file.
fn by_ends(plain: &Plain) -> Option<Range> {
    if plain.len <= 2 * TAIL_LEN {
        return None;
    }
    let (seen, walker) = head(plain, TAIL_LEN)?;
    let last = tail(plain, &seen, &walker, Some(End::Whole))?;
    Some(Range { first: seen.range?.first, last, piece: seen.piece })
}

/// A file that spans more than so much is read whole to be sure.
const TAIL_AHEAD_MAX: Span = Span::from_secs(10 * 366 * 86_400);

/// What reading a file from front to end tells of it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Whole {
    pub(super) range: Option<Range>,
    /// Bytes, unpacked.
    pub(super) len: u64,
    /// Its packing ends where it should.
    pub(super) is_complete: bool,
}

/// By reading everything.
pub(super) fn whole(kind: &Kind) -> Option<Whole> {
    let mut bytes = kind.open(&Arc::new(AtomicU64::new(0))).ok()?;
    let mut seen = Seen::default();
    let mut walker = Walker::new();
    let mut buffer = vec![0; BLOCK_LEN];
    let (mut base, mut filled, mut wanted, mut end) = (0, 0, 0, None);
    let (mut len, mut is_complete) = (0, true);
    loop {
        let room = wanted.max(BLOCK_LEN);
        if buffer.len() < room {
            buffer.resize(room, 0);
        }
        while let (None, Some(rest)) = (end, buffer.get_mut(filled..).filter(|rest| !rest.is_empty())) {
            match bytes.read(rest) {
                Ok(0) => end = Some(End::Whole),
                Ok(read) => {
                    filled += read;
                    len += read as u64;
                }
                Err(_) => (end, is_complete) = (Some(End::Told), false),
            }
        }
        let window = Window { bytes: buffer.get(..filled)?, base, border: filled, end };
        wanted = match walker.walk(window, &mut seen) {
            Stop::Over => {
                let range = seen.range.map(|range| Range { piece: seen.piece, ..range });
                return Some(Whole { range, len, is_complete });
            }
            Stop::Border => 0,
            Stop::More(wanted) => wanted,
        };
        // What the walker is done with makes room for what comes.
        let done = usize::try_from(walker.at().saturating_sub(base)).unwrap_or(usize::MAX).min(filled);
        buffer.copy_within(done..filled, 0);
        filled -= done;
        base += done as u64;
        wanted = wanted.saturating_sub(done);
    }
}

/// Looks at stamps only.
#[derive(Debug, Default)]
struct Seen {
    range: Option<Range>,
    piece: Option<Piece>,
    interfaces: u32,
    is_damaged: bool,
}

impl Sink for Seen {
    fn packet(&mut self, record: Record) {
        if record.stamp != Stamp::Told {
            return;
        }
        let range = self.range.get_or_insert(Range { first: record.at, last: record.at, piece: None });
        range.last = range.last.max(record.at);
    }

    fn interface(&mut self, _: Described<'_>) -> Option<(InterfaceId, SensorId)> {
        self.interfaces += 1;
        Some((InterfaceId(self.interfaces), SensorId::NONE))
    }

    fn dropped(&mut self, _: InterfaceId, _: u64) {}

    fn lost(&mut self, _: InterfaceId, _: u64) {}

    fn notice(&mut self, _: Notice) {}

    fn piece(&mut self, piece: Piece) {
        self.piece.get_or_insert(piece);
    }

    fn damage(&mut self, _: u64, _: &'static str) {
        self.is_damaged = true;
    }

    fn resumed(&mut self, _: u64) {}
}
