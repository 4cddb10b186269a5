//! The files of a recording: `sekisho-START-NUMBER.pcapng` in one folder, within one bound.

use std::{
    collections::VecDeque,
    fs::{self, DirBuilder, File, OpenOptions},
    io::{self, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
    sync::{
        Arc, OnceLock,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
};

use super::{
    recording::{Chunk, RecordingPlan},
    run::Error,
};
use crate::ground::model::recording::{Recorded, Stopped};

/// What both halves count.
#[derive(Debug, Default)]
pub(super) struct Shared {
    pub(super) unrecorded: AtomicU64,
    pieces: AtomicU64,
    frames: AtomicU64,
    bytes: AtomicU64,
    deleted: AtomicU64,
    deleted_earlier: AtomicU64,
    stopped: OnceLock<Stopped>,
}

impl Shared {
    /// True when nothing is recorded any more.
    pub(super) fn is_stopped(&self) -> bool {
        self.stopped.get().is_some()
    }

    pub(super) fn recorded(&self, folder: &str) -> Recorded {
        Recorded {
            folder: folder.to_owned(),
            pieces: self.pieces.load(Relaxed),
            frames: self.frames.load(Relaxed),
            bytes: self.bytes.load(Relaxed),
            unrecorded: self.unrecorded.load(Relaxed),
            deleted: self.deleted.load(Relaxed),
            deleted_earlier: self.deleted_earlier.load(Relaxed),
            stopped: self.stopped.get().cloned(),
        }
    }
}

/// The pieces of a folder, and the one that is being written.
#[derive(Debug)]
pub(super) struct Disk {
    plan: RecordingPlan,
    shared: Arc<Shared>,
    /// The piece that is being written.
    file: File,
    path: PathBuf,
    len: u64,
    /// Pieces that are closed, oldest first, with their bytes.
    closed: VecDeque<Closed>,
    closed_len: u64,
}

#[derive(Debug)]
struct Closed {
    path: PathBuf,
    len: u64,
    is_earlier: bool,
}

impl Disk {
    /// Makes the folder where there is none, looks what earlier recordings left in it, and makes the first piece.
    ///
    /// # Errors
    /// When the folder cannot be made, read or written, or is full already and nothing may be deleted.
    pub(super) fn open(plan: RecordingPlan, shared: Arc<Shared>) -> Result<Self, Error> {
        let failed = |path: &Path| {
            let path = path.to_owned();
            move |error| Error::File { path, error }
        };
        // Recordings hold what people sent: nobody but the owner reads them.
        let made = DirBuilder::new().recursive(true).mode(0o700).create(&plan.folder);
        made.map_err(failed(&plan.folder))?;
        let closed = earlier(&plan.folder).map_err(failed(&plan.folder))?;
        let closed_len = closed.iter().map(|piece| piece.len).sum();
        if !plan.replaces_oldest && closed_len + plan.piece_len > plan.total_len {
            return Err(Error::RecordingFull {
                folder: plan.folder.clone(),
                held: closed_len,
                total: plan.total_len,
            });
        }
        let path = plan.folder.join(name(&plan, 1));
        let file = create(&path).map_err(failed(&path))?;
        shared.pieces.store(1, Relaxed);
        Ok(Self { plan, shared, file, path, len: 0, closed, closed_len })
    }

    /// Brings a buffer to the disk and gives it back.
    pub(super) fn take(&mut self, chunk: Chunk) -> Vec<u8> {
        let is_kept = !self.shared.is_stopped() && self.keep(&chunk);
        let count = if is_kept { &self.shared.frames } else { &self.shared.unrecorded };
        count.fetch_add(chunk.frames, Relaxed);
        chunk.bytes
    }

    /// The last piece reaches the disk itself.
    pub(super) fn close(self) {
        if let Err(error) = self.file.sync_all() {
            self.stop(Stopped::Disk(said(&self.path, &error)));
        }
    }

    fn keep(&mut self, chunk: &Chunk) -> bool {
        // The first piece was begun when the recording was.
        if let Some(number) = chunk.begins.filter(|number| *number > 1)
            && let Err((path, error)) = self.next(number)
        {
            self.stop(Stopped::Disk(said(&path, &error)));
            return false;
        }
        let len = chunk.bytes.len() as u64;
        while self.closed_len + self.len + len > self.plan.total_len {
            if !self.plan.replaces_oldest || !self.delete_oldest() {
                self.stop(Stopped::Full(self.plan.total_len));
                return false;
            }
        }
        while let Err(error) = self.file.write_all(&chunk.bytes) {
            // A piece ends with a whole block, whatever happens.
            let is_whole = self.file.set_len(self.len).is_ok();
            let may_go_on =
                error.kind() == io::ErrorKind::StorageFull && self.plan.replaces_oldest && is_whole;
            if !may_go_on || !self.delete_oldest() {
                self.stop(Stopped::Disk(said(&self.path, &error)));
                return false;
            }
        }
        self.len += len;
        self.shared.bytes.fetch_add(len, Relaxed);
        true
    }

    /// Closes the piece and begins the one with this number.
    fn next(&mut self, number: u64) -> Result<(), (PathBuf, io::Error)> {
        let path = self.plan.folder.join(name(&self.plan, number));
        self.file = create(&path).map_err(|error| (path.clone(), error))?;
        let path = std::mem::replace(&mut self.path, path);
        self.closed_len += self.len;
        self.closed.push_back(Closed { path, len: std::mem::take(&mut self.len), is_earlier: false });
        self.shared.pieces.fetch_add(1, Relaxed);
        Ok(())
    }

    /// False when there is none, or it cannot be deleted.
    fn delete_oldest(&mut self) -> bool {
        let Some(oldest) = self.closed.pop_front() else { return false };
        let is_gone = match fs::remove_file(&oldest.path) {
            Ok(()) => true,
            Err(error) => error.kind() == io::ErrorKind::NotFound,
        };
        if is_gone {
            self.closed_len -= oldest.len;
            let count = if oldest.is_earlier { &self.shared.deleted_earlier } else { &self.shared.deleted };
            count.fetch_add(1, Relaxed);
        }
        is_gone
    }

    fn stop(&self, why: Stopped) {
        let _ = self.shared.stopped.set(why);
    }
}

const PREFIX: &str = "sekisho-";
const ENDING: &str = ".pcapng";

/// Names sort in the order in which recordings and their pieces began: `sekisho-20260512T000000.000Z-00000001.pcapng`.
fn name(plan: &RecordingPlan, number: u64) -> String {
    // RFC 3339, less what separates, to the millisecond.
    let started: String = plan.id.started.to_string().chars().filter(|c| !matches!(c, '-' | ':')).collect();
    let (seconds, fraction) =
        started.split_once('.').unwrap_or_else(|| (started.trim_end_matches('Z'), "000"));
    let millis = fraction.get(..3).unwrap_or("000");
    format!("{PREFIX}{seconds}.{millis}Z-{number:08}{ENDING}")
}

/// True for names that [`name`] gives: nothing else is ever counted or deleted.
fn is_ours(name: &str) -> bool {
    let Some(middle) = name.strip_prefix(PREFIX).and_then(|rest| rest.strip_suffix(ENDING)) else {
        return false;
    };
    let Some((started, number)) = middle.split_once('-') else { return false };
    let shape =
        |text: &str| text.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect::<String>();
    shape(started) == "00000000T000000.000Z"
        && number.len() >= 8
        && number.bytes().all(|byte| byte.is_ascii_digit())
}

/// What earlier recordings left, oldest first.
fn earlier(folder: &Path) -> io::Result<VecDeque<Closed>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let metadata = entry.metadata()?;
        if metadata.is_file() && entry.file_name().to_str().is_some_and(is_ours) {
            found.push(Closed { path: entry.path(), len: metadata.len(), is_earlier: true });
        }
    }
    found.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(found.into())
}

fn create(path: &Path) -> io::Result<File> {
    OpenOptions::new().append(true).create_new(true).mode(0o600).open(path)
}

fn said(path: &Path, error: &io::Error) -> String {
    format!("{}: {error}", path.display())
}
