//! The bytes of a file that somebody may still be writing.

use std::{
    fs::File,
    io,
    os::unix::fs::FileExt,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use super::{file::Plain, walker::End};

/// A file that is read as far as it was seen to reach. It stays open, so that its bytes are here whatever becomes of its
/// name, and its number is given to no other file.
#[derive(Debug)]
pub(super) struct Tail {
    file: File,
    at: u64,
    /// Bytes the file was last seen to have.
    len: u64,
    /// How it ends at `len`, once it is taken to be over.
    end: Option<End>,
    taken: Arc<AtomicU64>,
}

impl Tail {
    /// Opens a file to be read from `at` on; `taken` counts its bytes.
    ///
    /// # Errors
    /// When it cannot be opened, or another file has taken its name.
    pub(super) fn open(plain: &Plain, at: u64, taken: &Arc<AtomicU64>) -> io::Result<Self> {
        Ok(Self { file: plain.open()?, at, len: plain.len, end: None, taken: Arc::clone(taken) })
    }

    /// Reads some bytes; 0 where no more were seen.
    ///
    /// # Errors
    /// The code of the damage.
    pub(super) fn read(&mut self, into: &mut [u8]) -> Result<usize, &'static str> {
        let room = usize::try_from(self.len.saturating_sub(self.at)).unwrap_or(usize::MAX).min(into.len());
        let into = into.get_mut(..room).unwrap_or_default();
        loop {
            match self.file.read_at(into, self.at) {
                Ok(read) => {
                    if read == 0 {
                        // Shorter than it was: the next look will tell.
                        self.len = self.len.min(self.at);
                    }
                    self.at += read as u64;
                    self.taken.fetch_add(read as u64, Ordering::Relaxed);
                    return Ok(read);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => return Err("unreadable"),
            }
        }
    }

    /// Bytes the file has now; `None` when the system does not say.
    pub(super) fn len_now(&self) -> Option<u64> {
        self.file.metadata().ok().map(|metadata| metadata.len())
    }

    /// Reads the beginning again: what it holds now.
    pub(super) fn begin(&self, into: &mut [u8]) -> usize {
        self.file.read_at(into, 0).unwrap_or(0)
    }

    /// Lets it be read up to `len`.
    pub(super) const fn reaches(&mut self, len: u64) {
        if self.end.is_none() {
            self.len = len;
        }
    }

    /// Takes it to be over at the bytes seen so far.
    pub(super) const fn is_over(&mut self, end: End) {
        if self.end.is_none() {
            self.end = Some(end);
        }
    }

    /// How it ends behind what was read; `None` when more may come.
    pub(super) const fn end(&self) -> Option<End> {
        self.end
    }

    /// Bytes that can be read at once.
    pub(super) const fn ready(&self) -> u64 {
        self.len.saturating_sub(self.at)
    }

    /// Offset of the next byte.
    pub(super) const fn at(&self) -> u64 {
        self.at
    }
}
