//! What is read: the inputs as typed, turned into an ordered plan of files, and the parallel stage of reading.

use std::{
    fs::File,
    io::{self, Read},
    sync::{Arc, atomic::AtomicU64},
    time::Duration,
};

use super::{
    block::{Block, Fault},
    border::Baton,
    compressed::Unpacked,
    duplicate,
    error::Error,
    file::{Handles, Plain},
    follow::{Follow, Pace},
    gather::{self, Found, Kind},
    order,
    registry::{Bindings, Ledger},
    sources::Merge,
    stop::Stop,
};
use crate::ground::model::{
    coverage::{Damage, InputFile},
    limits::{BLOCK_LEN, FOLLOW_EVERY},
    packet::SensorId,
};

/// What the user asks to be read.
#[derive(Clone, Debug, Default)]
pub struct Request {
    /// Files, folders (with all folders in them), globs, or `-` for standard input, as typed.
    pub inputs: Vec<String>,
    /// Which input belongs to which sensor; the first that fits counts. Put those of the command line first.
    pub sensors: Vec<SensorBinding>,
}

/// Binds inputs to a sensor (RULES 19).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SensorBinding {
    /// The sensor.
    pub id: SensorId,
    /// A glob over the path or the name of a file, or the name of an interface in a pcapng file; a name counts before a
    /// glob.
    pub pattern: String,
}

/// The parallel stage of reading, shared by all workers.
#[derive(Debug)]
pub struct Feed {
    /// Pieces whose blocks are read in parallel; empty when the input cannot be.
    pieces: Vec<(Plain, usize)>,
    /// For each piece the ticket of its first block.
    first_tickets: Vec<u64>,
    tickets: u64,
    block_len: usize,
    handles: Handles,
    total: Option<u64>,
}

/// Where a block lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    /// Index of the piece in the plan.
    pub(super) piece: usize,
    /// Index of its file in the books.
    pub(super) file: usize,
    pub(super) offset: u64,
    /// Bytes of the block, slack not counted.
    pub(super) len: usize,
    /// The last block of its file.
    pub(super) is_last: bool,
}

/// One file or stream of a source that is read in order.
#[derive(Clone, Debug)]
pub(super) struct Piece {
    /// Index of its file in the books.
    pub(super) file: usize,
    pub(super) kind: Kind,
}

/// Looks through the inputs and makes the two stages of reading.
///
/// Files are ordered by the time of their first packet. With several files this reads their heads and tails, and packed
/// ones whole, to learn which of them follow each other and which overlap.
///
/// # Errors
/// When an input does not exist, cannot be read, or holds no capture at all. Damage inside a capture is no error: it
/// is told by [`Baton::finish`].
pub fn open(request: &Request) -> Result<(Feed, Baton), Error> {
    open_with(request, BLOCK_LEN)
}

/// As [`open`], with blocks of another length: for tests, since what is found must not depend on it.
///
/// # Errors
/// As [`open`].
pub fn open_with(request: &Request, block_len: usize) -> Result<(Feed, Baton), Error> {
    let block_len = block_len.max(1);
    let bindings = Bindings::new(&request.sensors)?;
    let gathered = gather::gather(&request.inputs)?;
    let twins = duplicate::twins(&gathered.found);
    let ordered = order::order(&gathered.found, &twins, &bindings);

    let total = ordered.files.iter().try_fold(0_u64, |sum, (found, twin)| match (found.len(), twin) {
        (_, Some(_)) => Some(sum),
        _ if found.is_foreign => Some(sum),
        (Some(len), None) => Some(sum.saturating_add(len)),
        (None, None) => None,
    });
    let files = ordered.files.iter().map(|(found, twin)| describe(found, twin.as_deref())).collect();
    let ledger = Ledger::new(files, bindings, gathered.skipped);

    let piece =
        |file: usize| ordered.files.get(file).map(|(found, _)| Piece { file, kind: found.kind.clone() });
    let sources: Vec<_> = ordered
        .sources
        .iter()
        .map(|source| (source.first, source.files.iter().filter_map(|file| piece(*file)).collect::<Vec<_>>()))
        .collect();
    if let [(_, pieces)] = sources.as_slice()
        && let Some(plain) = pieces.iter().map(Piece::plain).collect::<Option<Vec<_>>>()
    {
        return Ok((Feed::of_blocks(plain, block_len, total), Baton::of_blocks(ledger)));
    }
    let taken = Arc::new(AtomicU64::new(0));
    let merge = Merge::new(sources, block_len, taken);
    Ok((Feed::of_nothing(block_len, total), Baton::of_merge(ledger, merge)))
}

/// How input is followed that is still being written.
#[derive(Clone, Debug)]
pub struct Following {
    /// Ends it: what is there by then is read to its end.
    pub stop: Stop,
    /// Ends it as well, once nothing was new for so long.
    pub until_idle: Option<Duration>,
    /// How long a file may stand still before it is taken to be over. Until then it holds up what comes behind it, and what
    /// another source has to say about later moments.
    pub patience: Duration,
}

/// As [`open`], for input that is still being written: files that grow or are rotated, and folders that files are put into.
///
/// [`Baton::walk`] waits for `limits::FOLLOW_EVERY` at most and then gives an empty block, so that others can go on. Packets
/// come in the order that [`open`] would give of the finished files; those that came too late for it are told in
/// [`InputFile::late`].
///
/// # Errors
/// When an input does not exist or cannot be followed. A folder may be empty, and a glob may fit nothing yet.
pub fn follow(request: &Request, following: &Following) -> Result<(Feed, Baton), Error> {
    let looks = |span: Duration| {
        u32::try_from(span.as_millis().div_ceil(FOLLOW_EVERY.as_millis())).unwrap_or(u32::MAX).max(1)
    };
    let pace = Pace {
        stop: following.stop.clone(),
        interval: FOLLOW_EVERY,
        patience: looks(following.patience),
        until_idle: following.until_idle.map(looks),
    };
    follow_with(request, pace, BLOCK_LEN)
}

/// As [`follow`], at another pace and with blocks of another length: for tests, since what is found must not depend on it.
///
/// # Errors
/// As [`follow`].
pub fn follow_with(request: &Request, pace: Pace, block_len: usize) -> Result<(Feed, Baton), Error> {
    let bindings = Bindings::new(&request.sensors)?;
    let follow = Follow::new(&request.inputs, pace, block_len.max(1))?;
    let ledger = Ledger::new(Vec::new(), bindings, Vec::new());
    Ok((Feed::of_nothing(block_len, None), Baton::of_follow(ledger, follow)))
}

/// A file as it stands in the books before it is read.
fn describe(found: &Found, twin: Option<&str>) -> InputFile {
    let damage = if found.is_foreign {
        vec![Damage { offset: 0, what: "unknown_format", resumed_at: None }]
    } else {
        Vec::new()
    };
    InputFile {
        path: found.path.clone(),
        size: found.len(),
        format: found.format.clone(),
        same_as: twin.map(str::to_owned),
        damage,
        ..InputFile::default()
    }
}

impl Feed {
    fn of_blocks(pieces: Vec<(Plain, usize)>, block_len: usize, total: Option<u64>) -> Self {
        let mut tickets = 0;
        let mut first_tickets = Vec::with_capacity(pieces.len());
        for (plain, _) in &pieces {
            first_tickets.push(tickets);
            // An empty file has a block of its own, so that its end is looked at.
            tickets += plain.len.div_ceil(block_len as u64).max(1);
        }
        Self { pieces, first_tickets, tickets, block_len, handles: Handles::default(), total }
    }

    pub(super) fn of_nothing(block_len: usize, total: Option<u64>) -> Self {
        Self {
            pieces: Vec::new(),
            first_tickets: Vec::new(),
            tickets: 0,
            block_len,
            handles: Handles::default(),
            total,
        }
    }

    /// Reads the block with this number. Any worker may do so at any time, in any order.
    ///
    /// Does nothing but clear the block when the input cannot be read in parallel; [`Baton::walk`] reads it then.
    pub fn fill(&self, ticket: u64, block: &mut Block) {
        block.clear();
        let Some(place) = self.place(ticket) else { return };
        block.ticket = Some(ticket);
        if block.own.len() < place.len {
            block.own.resize(place.len, 0);
        }
        let Some(into) = block.own.get_mut(..place.len) else { return };
        (block.filled, block.fault) = self.read(place, place.offset, into);
    }

    /// True when blocks are read where their packets are found, by whoever holds the baton: nothing is won by taking a
    /// ticket before it is due.
    #[must_use]
    pub const fn is_serial(&self) -> bool {
        self.pieces.is_empty()
    }

    /// Bytes of the input as they lie on disk; `None` when a pipe is among them.
    #[must_use]
    pub const fn total_bytes(&self) -> Option<u64> {
        self.total
    }

    /// Where the block with this number lies; `None` behind the last.
    pub(super) fn place(&self, ticket: u64) -> Option<Place> {
        if ticket >= self.tickets {
            return None;
        }
        let piece = self.first_tickets.partition_point(|first| *first <= ticket).checked_sub(1)?;
        let (plain, file) = self.pieces.get(piece)?;
        let offset = (ticket - self.first_tickets.get(piece)?).saturating_mul(self.block_len as u64);
        let left = plain.len.saturating_sub(offset);
        let len = left.min(self.block_len as u64);
        Some(Place { piece, file: *file, offset, len: usize::try_from(len).ok()?, is_last: len == left })
    }

    /// Reads more of the block's file behind what the block holds, so that it holds `wanted` bytes; tells whether the
    /// file ends there.
    pub(super) fn extend(&self, place: Place, block: &mut Block, wanted: usize) -> (Option<Fault>, bool) {
        let Some((plain, _)) = self.pieces.get(place.piece) else { return (Some(Fault::Unreadable), true) };
        let left = usize::try_from(plain.len.saturating_sub(place.offset)).unwrap_or(usize::MAX);
        let wanted = wanted.min(left);
        if block.own.len() < wanted {
            block.own.resize(wanted, 0);
        }
        let from = block.filled;
        let Some(into) = block.own.get_mut(from..wanted) else { return (None, wanted == left) };
        let (filled, fault) = self.read(place, place.offset + from as u64, into);
        block.filled += filled;
        (fault, wanted == left)
    }

    fn read(&self, place: Place, offset: u64, into: &mut [u8]) -> (usize, Option<Fault>) {
        match self.pieces.get(place.piece) {
            Some((plain, _)) => self.handles.read(place.piece, plain, offset, into),
            None => (0, Some(Fault::Unreadable)),
        }
    }
}

impl Piece {
    fn plain(&self) -> Option<(Plain, usize)> {
        match &self.kind {
            Kind::Plain(plain) => Some((plain.clone(), self.file)),
            _ => None,
        }
    }

    /// True when bytes come as somebody writes them.
    pub(super) const fn is_live(&self) -> bool {
        matches!(self.kind, Kind::Pipe(_) | Kind::Standard)
    }

    /// Opens it as a stream; `taken` counts its bytes as they lie on disk.
    pub(super) fn open(&self, taken: &Arc<AtomicU64>) -> io::Result<Unpacked> {
        self.kind.open(taken)
    }
}

impl Kind {
    /// Opens it as a stream, up to the size it had when the input was looked through.
    pub(super) fn open(&self, taken: &Arc<AtomicU64>) -> io::Result<Unpacked> {
        let reader: Box<dyn Read + Send> = match self {
            Self::Plain(plain) | Self::Packed(plain, _) => Box::new(plain.open()?.take(plain.len)),
            Self::Pipe(path) => Box::new(File::open(path)?),
            Self::Standard => Box::new(io::stdin()),
        };
        Unpacked::open(reader, Arc::clone(taken))
    }
}
