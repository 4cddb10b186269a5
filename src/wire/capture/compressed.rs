//! Packed captures: gzip, zstd and lz4, recognised by their magic and read as a stream.

use std::{
    io::{self, BufReader, Read},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

use crate::ground::model::limits::{EXPANSION_FREE, EXPANSION_RATIO_MAX};

/// How a file is packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Packing {
    Gzip,
    Zstd,
    Lz4,
}

/// A stream of capture bytes, packed or not. Errors are codes of [`Damage`](crate::ground::model::coverage::Damage).
pub(super) struct Unpacked {
    reader: Box<dyn Read + Send>,
    packing: Option<Packing>,
    taken: Arc<Taken>,
    given: u64,
    failed: Option<&'static str>,
}

/// What was read of a stream's packed bytes.
#[derive(Debug, Default)]
pub(super) struct Taken {
    bytes: AtomicU64,
    is_at_end: AtomicBool,
}

/// The most that is decoded at once, so that little is lost in front of a damaged place.
const PORTION_LEN: usize = 32 * 1024;

impl Packing {
    /// RFC 1952 section 2.3.1, RFC 8878 section 3.1.1, LZ4 frame format 1.6.
    pub(super) const fn detect(bytes: &[u8]) -> Option<Self> {
        match bytes {
            [0x1f, 0x8b, ..] => Some(Self::Gzip),
            [0x28, 0xb5, 0x2f, 0xfd, ..] => Some(Self::Zstd),
            [0x04, 0x22, 0x4d, 0x18, ..] => Some(Self::Lz4),
            _ => None,
        }
    }

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Gzip => "gzip",
            Self::Zstd => "zstd",
            Self::Lz4 => "lz4",
        }
    }
}

impl Unpacked {
    /// Recognises the packing by the first bytes; `total` counts packed bytes over all files.
    ///
    /// # Errors
    /// When the first bytes cannot be read or a decoder cannot be set up.
    pub(super) fn open(mut reader: Box<dyn Read + Send>, total: Arc<AtomicU64>) -> io::Result<Self> {
        let mut first = Vec::new();
        reader.by_ref().take(4).read_to_end(&mut first)?;
        let packing = Packing::detect(&first);
        let taken = Arc::new(Taken::default());
        let whole = io::Cursor::new(first).chain(reader);
        let counted = Counting { reader: whole, taken: Arc::clone(&taken), total };
        let reader: Box<dyn Read + Send> = match packing {
            None => Box::new(counted),
            Some(Packing::Gzip) => Box::new(flate2::bufread::MultiGzDecoder::new(BufReader::new(counted))),
            // The decoder refuses windows beyond 128 MiB of itself.
            Some(Packing::Zstd) => Box::new(zstd::stream::read::Decoder::new(counted)?),
            Some(Packing::Lz4) => Box::new(Lz4 {
                decoder: lz4_flex::frame::FrameDecoder::new(counted),
                taken: Arc::clone(&taken),
                between_since: None,
            }),
        };
        Ok(Self { reader, packing, taken, given: 0, failed: None })
    }

    pub(super) const fn packing(&self) -> Option<Packing> {
        self.packing
    }

    /// Reads some bytes, fewer than asked for whenever it likes; 0 at the end.
    ///
    /// # Errors
    /// The code of the damage; once told, nothing more is read.
    pub(super) fn read(&mut self, into: &mut [u8]) -> Result<usize, &'static str> {
        if let Some(code) = self.failed {
            return Err(code);
        }
        let room = if self.packing.is_some() { into.len().min(PORTION_LEN) } else { into.len() };
        let into = into.get_mut(..room).unwrap_or_default();
        let read = loop {
            match self.reader.read(into) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                other => break other,
            }
        };
        let outcome = match read {
            Ok(given) => {
                self.given += given as u64;
                let packed = self.taken.bytes.load(Ordering::Relaxed);
                let believed = EXPANSION_FREE.saturating_add(packed.saturating_mul(EXPANSION_RATIO_MAX));
                let is_bomb = self.packing.is_some() && self.given > believed;
                if is_bomb { Err("expansion_limit") } else { Ok(given) }
            }
            Err(_) if self.packing.is_some() => Err("bad_compression"),
            Err(_) => Err("unreadable"),
        };
        self.failed = outcome.err();
        outcome
    }
}

/// Counts the packed bytes and notes their end.
struct Counting<R> {
    reader: R,
    taken: Arc<Taken>,
    total: Arc<AtomicU64>,
}

impl<R: Read> Read for Counting<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let read = self.reader.read(into)?;
        self.taken.bytes.fetch_add(read as u64, Ordering::Relaxed);
        self.total.fetch_add(read as u64, Ordering::Relaxed);
        self.taken.is_at_end.store(read == 0 && !into.is_empty(), Ordering::Relaxed);
        Ok(read)
    }
}

/// LZ4 frames one after the other.
///
/// The decoder answers 0 both at the end of a frame and when the input ends in front of a block; only the first is
/// whole, and the two differ in whether the input was at its end.
struct Lz4<R: Read> {
    decoder: lz4_flex::frame::FrameDecoder<R>,
    taken: Arc<Taken>,
    /// Between two frames: the packed bytes taken when the last one ended.
    between_since: Option<u64>,
}

impl<R: Read> Read for Lz4<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if into.is_empty() {
            return Ok(0);
        }
        loop {
            let given = self.decoder.read(into)?;
            if given > 0 {
                self.between_since = None;
                return Ok(given);
            }
            let taken = self.taken.bytes.load(Ordering::Relaxed);
            if self.taken.is_at_end.load(Ordering::Relaxed) {
                let is_whole = self.between_since == Some(taken);
                return if is_whole { Ok(0) } else { Err(io::ErrorKind::UnexpectedEof.into()) };
            }
            self.between_since = Some(taken);
        }
    }
}
