//! What files there are, look after look: found, grown, renamed, written anew, gone.

use std::{
    collections::BTreeMap,
    fs::{self, File, Metadata},
    os::unix::fs::{FileExt, MetadataExt},
};

use sha2::{Digest, Sha256};

use super::{
    clock::Lane,
    compressed::Packing,
    duplicate::are_same,
    error::Error,
    file::Plain,
    gather::{Below, Kind, Look, look},
    order::{Range, ends_not_before, first_of, range_of, whole},
    walker::Walker,
};
use crate::ground::model::{limits::FILES_MAX, time::Timestamp};

/// Device and inode: what a file is, whatever its name.
pub(super) type FileId = (u64, u64);

/// All files of the input as the last look found them.
#[derive(Debug)]
pub(super) struct Survey {
    inputs: Vec<String>,
    known: BTreeMap<FileId, Known>,
    look: u64,
    /// A file that there was no room for.
    pub(super) beyond: Option<String>,
}

/// One file.
#[derive(Debug)]
pub(super) struct Known {
    pub(super) path: String,
    pub(super) len: u64,
    modified: (i64, i64),
    head: Head,
    /// Looks in a row, each after a wait, that found it as it was.
    pub(super) quiet: u32,
    /// It was seen to grow.
    pub(super) has_grown: bool,
    pub(super) is_named: bool,
    /// The file that was packed into this one by whoever captures, if that is known.
    made_of: Option<FileId>,
    look: u64,
    pub(super) state: State,
    range: Option<(u64, Option<Range>)>,
}

/// How far a file is.
#[derive(Debug)]
pub(super) enum State {
    /// No capture so far: too short to tell, something else, or not ours to read.
    Unknown,
    /// A packed file that may not be complete, and its length when it was tried last.
    Packed { packing: Packing, format: String, tried: Option<u64> },
    /// A capture whose turn has not come, and the stamp of its first packet once there is one.
    Waiting { kind: Kind, format: String, first: Option<Timestamp> },
    /// Its place in the order is known, and its number in the books.
    Due { kind: Kind, file: usize },
    /// It is being read.
    Reading,
    /// It was read to its end.
    Done { file: usize, resume: Option<Box<Resume>> },
    /// It repeats the bytes of another file.
    Copy,
}

/// Where reading goes on in a file that was taken to be over.
#[derive(Clone, Debug)]
pub(super) struct Resume {
    pub(super) walker: Walker,
    pub(super) at: u64,
    pub(super) lane: Lane,
}

/// What a look found that concerns what was read, or never will be.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Event {
    /// A file that was read to its end has grown.
    Grown(FileId),
    /// A file went away, or was written anew, before it was read.
    Lost(String),
}

/// The first bytes of a file, by which it is known again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Head {
    len: usize,
    digest: [u8; 32],
}

/// Bytes that tell two captures apart: header and first packet's stamp, in pcapng behind some texts.
const HEAD_LEN: usize = 512;

impl Survey {
    /// Takes the inputs as typed.
    ///
    /// # Errors
    /// When one does not exist, or is nothing that can be followed.
    pub(super) fn new(inputs: &[String]) -> Result<Self, Error> {
        if inputs.is_empty() {
            return Err(Error::NoInput);
        }
        for input in inputs {
            match fs::metadata(input) {
                _ if input == "-" => return Err(Error::NotFollowed { path: input.clone() }),
                Ok(metadata) if metadata.is_dir() => {
                    Below::of(input).map_err(|source| Error::Unreadable { path: input.clone(), source })?;
                }
                Ok(metadata) if metadata.is_file() => {
                    File::open(input).map_err(|source| Error::Unreadable { path: input.clone(), source })?;
                }
                Ok(_) => return Err(Error::NotFollowed { path: input.clone() }),
                Err(_) if input.contains(['*', '?', '[']) => {
                    glob::Pattern::new(input).map_err(|error| Error::BadPattern {
                        pattern: input.clone(),
                        reason: error.to_string(),
                    })?;
                }
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                    return Err(Error::NotFound { path: input.clone() });
                }
                Err(source) => return Err(Error::Unreadable { path: input.clone(), source }),
            }
        }
        Ok(Self { inputs: inputs.to_vec(), known: BTreeMap::new(), look: 0, beyond: None })
    }

    pub(super) fn get(&self, id: FileId) -> Option<&Known> {
        self.known.get(&id)
    }

    pub(super) fn get_mut(&mut self, id: FileId) -> Option<&mut Known> {
        self.known.get_mut(&id)
    }

    pub(super) fn files(&self) -> impl Iterator<Item = (FileId, &Known)> {
        self.known.iter().map(|(id, known)| (*id, known))
    }

    /// A file that was being read holds something else now: it is looked at as a new one.
    pub(super) fn renew(&mut self, id: FileId, len: u64) {
        if let Some(known) = self.known.get_mut(&id) {
            known.renew(len, known.modified);
            known.classify(id);
        }
    }

    /// How many files there are.
    pub(super) fn len(&self) -> usize {
        self.known.len()
    }

    /// Looks at all inputs again; tells whether anything but what is being read has changed. `has_waited`: time has passed
    /// since the last look. `patience`: looks after which a packed file is taken as it is.
    pub(super) fn look(&mut self, has_waited: bool, patience: u32, events: &mut Vec<Event>) -> bool {
        self.look += 1;
        let mut has_changed = false;
        for (path, metadata, is_named) in self.listing() {
            let id = (metadata.dev(), metadata.ino());
            let (now, is_full) = (self.look, self.known.len() >= FILES_MAX);
            match self.known.get_mut(&id) {
                // A second name of the same file.
                Some(known) if known.look == now => {}
                Some(known) => {
                    known.look = now;
                    if known.path != path {
                        known.path = path;
                    }
                    has_changed |= known.met(id, &metadata, has_waited, events);
                }
                None if is_full => {
                    self.beyond.get_or_insert(path);
                }
                None => {
                    has_changed = true;
                    let modified = (metadata.mtime(), metadata.mtime_nsec());
                    let mut known = Known::new(path, metadata.len(), modified, is_named);
                    known.look = now;
                    known.classify(id);
                    self.known.insert(id, known);
                }
            }
        }
        has_changed |= self.try_packed(patience);
        self.drop_gone(events) || has_changed
    }

    /// Every file of the input with the name it bears now, and whether that name was typed.
    fn listing(&self) -> Vec<(String, Metadata, bool)> {
        let mut files = Vec::new();
        let below = |folder: &str, files: &mut Vec<(String, Metadata, bool)>| {
            let found = Below::of(folder).unwrap_or_default().files;
            files.extend(found.into_iter().map(|(path, metadata)| (path, metadata, false)));
        };
        for input in &self.inputs {
            match fs::metadata(input) {
                Ok(metadata) if metadata.is_dir() => below(input, &mut files),
                Ok(metadata) => files.push((input.clone(), metadata, true)),
                Err(_) => {
                    for path in glob::glob(input).into_iter().flatten().filter_map(Result::ok) {
                        let Ok(metadata) = fs::metadata(&path) else { continue };
                        let name = path.to_string_lossy().into_owned();
                        if metadata.is_dir() {
                            below(&name, &mut files);
                        } else {
                            files.push((name, metadata, false));
                        }
                    }
                }
            }
        }
        files.retain(|(_, metadata, _)| metadata.is_file());
        files
    }

    /// Tries packed files: those that unpack to their end are complete. With a patience of 0 all are taken as they are.
    pub(super) fn try_packed(&mut self, patience: u32) -> bool {
        let due: Vec<FileId> = self
            .known
            .iter()
            .filter(|(_, known)| known.is_packed_and_due(patience))
            .map(|(id, _)| *id)
            .collect();
        if due.is_empty() {
            return false;
        }
        let by_path: BTreeMap<String, FileId> =
            self.known.iter().map(|(id, known)| (known.path.clone(), *id)).collect();
        for id in due {
            let Some(known) = self.known.get_mut(&id) else { continue };
            // `tcpdump -z gzip` puts a.pcap.gz beside a.pcap and takes the latter away.
            let stem = known.path.rsplit_once('.').map(|(stem, _)| stem);
            known.made_of = known.made_of.or_else(|| stem.and_then(|stem| by_path.get(stem).copied()));
            known.unpack(id, patience);
        }
        true
    }

    /// Forgets what is gone; true when a file was lost unread.
    fn drop_gone(&mut self, events: &mut Vec<Event>) -> bool {
        let now = self.look;
        let gone = |known: &Known| {
            known.look != now
                && fs::metadata(&known.path).is_err_and(|error| error.kind() == std::io::ErrorKind::NotFound)
        };
        let unread: Vec<FileId> =
            self.known.iter().filter(|(_, known)| gone(known)).map(|(id, _)| *id).collect();
        let mut has_lost = false;
        for id in unread {
            let is_packed_now = self.known.values().any(|other| other.made_of == Some(id));
            match self.known.get(&id).map(|known| &known.state) {
                // Its bytes are still ours, or its packed copy must be told from another file's.
                Some(State::Reading) => continue,
                Some(State::Done { .. }) if is_packed_now => continue,
                Some(State::Waiting { .. } | State::Packed { .. } | State::Due { .. }) if !is_packed_now => {
                    events.extend(self.known.remove(&id).map(|known| Event::Lost(known.path)));
                }
                _ => {
                    self.known.remove(&id);
                }
            }
            has_lost = true;
        }
        has_lost
    }
}

impl Known {
    fn new(path: String, len: u64, modified: (i64, i64), is_named: bool) -> Self {
        Self {
            path,
            len,
            modified,
            head: Head::default(),
            quiet: 0,
            has_grown: false,
            is_named,
            made_of: None,
            look: 0,
            state: State::Unknown,
            range: None,
        }
    }

    /// The file as it was seen last.
    pub(super) fn plain(&self, id: FileId) -> Plain {
        Plain { path: self.path.clone(), len: self.len, identity: id }
    }

    /// It was met again; true when it has changed.
    fn met(&mut self, id: FileId, metadata: &Metadata, has_waited: bool, events: &mut Vec<Event>) -> bool {
        if matches!(self.state, State::Reading) {
            // Who reads it has it open and sees for itself.
            return false;
        }
        let modified = (metadata.mtime(), metadata.mtime_nsec());
        if self.len == metadata.len() && self.modified == modified {
            self.quiet = self.quiet.saturating_add(u32::from(has_waited));
            // What could not be opened may be given to us later.
            return matches!(self.state, State::Unknown) && self.head.len == 0 && self.classify(id);
        }
        let is_same = self.len <= metadata.len()
            && File::open(&self.path)
                .is_ok_and(|file| self.head.still_begins(|bytes| file.read_at(bytes, 0).unwrap_or(0)));
        if !is_same {
            if matches!(self.state, State::Waiting { .. } | State::Due { .. }) {
                events.push(Event::Lost(self.path.clone()));
            }
            self.renew(metadata.len(), modified);
            self.classify(id);
            return true;
        }
        let has_grown = self.len < metadata.len();
        self.modified = modified;
        if !has_grown && !matches!(self.state, State::Unknown) {
            // Somebody touched it.
            return false;
        }
        self.grow(metadata.len());
        match &mut self.state {
            State::Unknown => drop(self.classify(id)),
            State::Done { .. } => events.push(Event::Grown(id)),
            State::Waiting { kind: Kind::Plain(plain), first, .. } => {
                plain.len = metadata.len();
                *first = first.or_else(|| first_of(plain));
            }
            State::Waiting { .. } => drop(self.classify(id)),
            State::Packed { .. } | State::Due { .. } | State::Reading | State::Copy => {}
        }
        self.remember_head();
        true
    }

    /// It was written anew.
    fn renew(&mut self, len: u64, modified: (i64, i64)) {
        let (path, look, is_named) = (std::mem::take(&mut self.path), self.look, self.is_named);
        *self = Self { look, ..Self::new(path, len, modified, is_named) };
    }

    /// It has so many bytes now.
    pub(super) fn grow(&mut self, len: u64) {
        self.len = len;
        self.quiet = 0;
        self.has_grown = true;
    }

    /// Looks at its first bytes; true when it turns out to be a capture.
    fn classify(&mut self, id: FileId) -> bool {
        self.state = match look(&self.path) {
            Ok(Look::Capture { packing: None, format }) => {
                let plain = self.plain(id);
                State::Waiting { first: first_of(&plain), kind: Kind::Plain(plain), format }
            }
            Ok(Look::Capture { packing: Some(packing), format }) => {
                State::Packed { packing, format, tried: None }
            }
            Ok(Look::Foreign) | Err(_) => State::Unknown,
        };
        self.remember_head();
        !matches!(self.state, State::Unknown)
    }

    fn remember_head(&mut self) {
        if self.head.len < HEAD_LEN
            && let Ok(file) = File::open(&self.path)
        {
            self.head = Head::of(|bytes| file.read_at(bytes, 0).unwrap_or(0));
        }
    }

    /// False when it begins otherwise than it did: it was written anew.
    pub(super) fn still_begins(&self, read: impl FnOnce(&mut [u8]) -> usize) -> bool {
        self.head.still_begins(read)
    }

    /// Its first and largest stamp, taking it to be over.
    pub(super) fn range(&mut self, id: FileId) -> Option<Range> {
        if let Some((_, range)) = self.range.filter(|(len, _)| *len == self.len) {
            return range;
        }
        let range = range_of(&Kind::Plain(self.plain(id)));
        self.range = Some((self.len, range));
        range
    }

    /// A stamp that its largest will not be less than.
    pub(super) fn ends_not_before(&self, id: FileId) -> Option<Timestamp> {
        ends_not_before(&self.plain(id))
    }

    fn is_packed_and_due(&self, patience: u32) -> bool {
        matches!(&self.state, State::Packed { tried, .. } if *tried != Some(self.len) || self.quiet >= patience)
    }

    /// Tries to unpack it: a complete one waits for its turn.
    fn unpack(&mut self, id: FileId, patience: u32) {
        let plain = self.plain(id);
        let State::Packed { packing, format, tried } = &mut self.state else { return };
        let kind = Kind::Packed(plain, *packing);
        *tried = Some(self.len);
        let whole = whole(&kind);
        if whole.is_some_and(|whole| whole.is_complete) || self.quiet >= patience {
            let range = whole.and_then(|whole| whole.range);
            let format = std::mem::take(format);
            self.range = Some((self.len, range));
            self.state = State::Waiting { kind, format, first: range.map(|range| range.first) };
        }
    }

    /// Whether it repeats the bytes of `other`, packed or not.
    pub(super) fn repeats(&self, id: FileId, kind: &Kind, other: &Self, other_id: FileId) -> bool {
        if self.made_of == Some(other_id) {
            return whole(kind).is_some_and(|whole| whole.len == other.len)
                && other.still_begins(|bytes| unpacked(kind, bytes));
        }
        self.len == other.len && are_same(&self.plain(id), &other.plain(other_id))
    }
}

impl Head {
    fn of(read: impl FnOnce(&mut [u8]) -> usize) -> Self {
        let mut bytes = [0; HEAD_LEN];
        let len = read(&mut bytes).min(HEAD_LEN);
        Self { len, digest: Sha256::digest(bytes.get(..len).unwrap_or(&[])).into() }
    }

    fn still_begins(&self, read: impl FnOnce(&mut [u8]) -> usize) -> bool {
        *self == Self::of(|bytes| bytes.get_mut(..self.len).map_or(0, read))
    }
}

/// The first bytes inside a packed file.
fn unpacked(kind: &Kind, into: &mut [u8]) -> usize {
    let Ok(mut stream) = kind.open(&Default::default()) else { return 0 };
    let mut filled = 0;
    while let Some(rest) = into.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        match stream.read(rest) {
            Ok(0) | Err(_) => break,
            Ok(read) => filled += read,
        }
    }
    filled
}
