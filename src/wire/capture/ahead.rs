//! Unpacking on a thread of its own, a few portions ahead of whoever walks the records.

use std::{
    io,
    sync::{
        Arc,
        atomic::AtomicU64,
        mpsc::{Receiver, Sender, SyncSender, channel, sync_channel},
    },
    thread,
};

use super::{
    compressed::{Packing, Unpacked},
    input::Piece,
    tail::Tail,
    walker::End,
};
use crate::ground::model::limits::BLOCK_LEN;

/// The bytes of one piece, unpacked here or ahead of us.
pub(super) enum Stream {
    Here(Unpacked),
    Ahead(Ahead),
    /// A file that may still grow.
    Growing(Tail),
}

/// What another thread has unpacked. When this goes away, that thread ends with its next portion.
pub(super) struct Ahead {
    packing: Packing,
    portions: Receiver<Portion>,
    /// Buffers that are read, to be filled again.
    spent: Sender<Vec<u8>>,
    current: Portion,
    /// Bytes of `current` that are read.
    read: usize,
}

/// Some bytes, and what came behind them; nothing at all is the end.
#[derive(Debug, Default)]
struct Portion {
    bytes: Vec<u8>,
    filled: usize,
    fault: Option<&'static str>,
}

/// Portions that wait: one is read, one is ready, one is filled.
const WAITING: usize = 1;

impl Stream {
    /// Opens a piece; `taken` counts its bytes as they lie on disk.
    pub(super) fn open(piece: &Piece, taken: &Arc<AtomicU64>, may_thread: bool) -> io::Result<Self> {
        let unpacked = piece.open(taken)?;
        // A pipe gives its bytes when it likes; unpacking them ahead would only hold them back.
        let packing = match unpacked.packing() {
            Some(packing) if may_thread && !piece.is_live() => packing,
            _ => return Ok(Self::Here(unpacked)),
        };
        let (filled, portions) = sync_channel(WAITING);
        let (spent, buffers) = channel();
        let work = move || unpack(unpacked, &filled, &buffers);
        match thread::Builder::new().name("unpack".to_owned()).spawn(work) {
            Ok(_) => {
                Ok(Self::Ahead(Ahead { packing, portions, spent, current: Portion::default(), read: 0 }))
            }
            Err(_) => piece.open(taken).map(Self::Here),
        }
    }

    pub(super) const fn packing(&self) -> Option<Packing> {
        match self {
            Self::Here(unpacked) => unpacked.packing(),
            Self::Ahead(ahead) => Some(ahead.packing),
            Self::Growing(_) => None,
        }
    }

    /// What it means that nothing is read any more: an end, or `None` when more may come.
    pub(super) const fn end(&self) -> Option<End> {
        match self {
            Self::Here(_) | Self::Ahead(_) => Some(End::Whole),
            Self::Growing(tail) => tail.end(),
        }
    }

    /// Reads some bytes; 0 at the end.
    ///
    /// # Errors
    /// The code of the damage; once told, nothing more is read.
    pub(super) fn read(&mut self, into: &mut [u8]) -> Result<usize, &'static str> {
        match self {
            Self::Here(unpacked) => unpacked.read(into),
            Self::Ahead(ahead) => ahead.read(into),
            Self::Growing(tail) => tail.read(into),
        }
    }
}

impl Ahead {
    fn read(&mut self, into: &mut [u8]) -> Result<usize, &'static str> {
        if self.read >= self.current.filled {
            if let Some(code) = self.current.fault {
                return Err(code);
            }
            // Who is gone without a word has met its end, or panicked in a decoder: that file is over, told as damage.
            let next = self.portions.recv().map_err(|_| "bad_compression")?;
            let spent = std::mem::replace(&mut self.current, next);
            self.read = 0;
            // Nobody to fill it again: it is simply freed.
            let _ = self.spent.send(spent.bytes);
            if self.current.filled == 0 {
                return self.current.fault.map_or(Ok(0), Err);
            }
        }
        let ready = self.current.bytes.get(self.read..self.current.filled).unwrap_or(&[]);
        let len = ready.len().min(into.len());
        if let (Some(to), Some(from)) = (into.get_mut(..len), ready.get(..len)) {
            to.copy_from_slice(from);
        }
        self.read += len;
        Ok(len)
    }
}

/// Fills portions until the end, a fault, or until nobody wants them.
fn unpack(mut unpacked: Unpacked, filled: &SyncSender<Portion>, buffers: &Receiver<Vec<u8>>) {
    loop {
        let mut portion = Portion { bytes: buffers.try_recv().unwrap_or_default(), ..Portion::default() };
        portion.bytes.resize(BLOCK_LEN, 0);
        let mut is_over = false;
        while let Some(rest) = portion.bytes.get_mut(portion.filled..).filter(|rest| !rest.is_empty()) {
            match unpacked.read(rest) {
                Ok(0) => is_over = true,
                Ok(read) => portion.filled += read,
                Err(code) => portion.fault = Some(code),
            }
            if is_over || portion.fault.is_some() {
                break;
            }
        }
        is_over |= portion.fault.is_some();
        let is_empty = portion.filled == 0 && portion.fault.is_none();
        if filled.send(portion).is_err() {
            return;
        }
        if is_over {
            if !is_empty {
                // The end itself, for whoever asks again.
                let _ = filled.send(Portion::default());
            }
            return;
        }
    }
}
