//! Plain files: read at an offset, by several workers at once.

use std::{
    collections::VecDeque,
    fs::File,
    io,
    os::unix::fs::{FileExt, MetadataExt},
    sync::{Arc, Mutex, PoisonError},
};

use super::block::Fault;
use crate::ground::model::limits::OPEN_FILES_MAX;

/// A file as it was when the input was looked through.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Plain {
    pub(super) path: String,
    /// Bytes; what is written behind them later is not read.
    pub(super) len: u64,
    /// Device and inode: what the file is, whatever its name.
    pub(super) identity: (u64, u64),
}

/// The files opened last. A folder may hold more files than a process may open.
#[derive(Debug, Default)]
pub(super) struct Handles(Mutex<VecDeque<(usize, Arc<File>)>>);

impl Plain {
    /// Opens the file again; an error when another one has taken its name.
    pub(super) fn open(&self) -> io::Result<File> {
        let file = File::open(&self.path)?;
        let now = file.metadata()?;
        if (now.dev(), now.ino()) != self.identity {
            return Err(io::Error::other("another file has taken its name"));
        }
        Ok(file)
    }
}

impl Handles {
    /// Reads at an offset until `into` is full; tells how many bytes there were, and why not more.
    pub(super) fn read(
        &self,
        number: usize,
        file: &Plain,
        offset: u64,
        into: &mut [u8],
    ) -> (usize, Option<Fault>) {
        match self.open(number, file) {
            Ok(handle) => read_at(&handle, offset, into),
            Err(_) => (0, Some(Fault::Unreadable)),
        }
    }

    fn open(&self, number: usize, file: &Plain) -> io::Result<Arc<File>> {
        // A worker that panicked while it held the list left it whole.
        let mut handles = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, handle)) = handles.iter().find(|(open, _)| *open == number) {
            return Ok(Arc::clone(handle));
        }
        let handle = Arc::new(file.open()?);
        if handles.len() >= OPEN_FILES_MAX {
            handles.pop_front();
        }
        handles.push_back((number, Arc::clone(&handle)));
        Ok(handle)
    }
}

/// Reads at an offset until `into` is full, the file ends, or the system says no.
pub(super) fn read_at(file: &File, offset: u64, into: &mut [u8]) -> (usize, Option<Fault>) {
    let mut filled = 0;
    while let Some(rest) = into.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        match file.read_at(rest, offset + filled as u64) {
            Ok(0) => return (filled, Some(Fault::Shrunk)),
            Ok(read) => filled += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(_) => return (filled, Some(Fault::Unreadable)),
        }
    }
    (filled, None)
}
