//! From what was typed to files: folders are walked, globs are spread, and what is no capture is named.

use std::{
    collections::BTreeSet,
    fs::{self, File, Metadata},
    io::Read,
    os::unix::fs::MetadataExt,
    path::Path,
    sync::{Arc, atomic::AtomicU64},
};

use super::{
    compressed::{Packing, Unpacked},
    error::Error,
    file::Plain,
    pcap, pcapng,
};
use crate::ground::model::limits::FILES_MAX;

/// All files of the input, in the order they were found.
#[derive(Debug, Default)]
pub(super) struct Gathered {
    pub(super) found: Vec<Found>,
    /// Files of folders and globs that are no captures.
    pub(super) skipped: Vec<String>,
}

/// One file or stream.
#[derive(Clone, Debug)]
pub(super) struct Found {
    /// As typed, or as a folder or a glob gives it.
    pub(super) path: String,
    pub(super) kind: Kind,
    /// `pcap`, `pcapng (gzip)` and so on; empty when only reading it can tell.
    pub(super) format: String,
    /// It was named by hand and is no capture: told, and not read.
    pub(super) is_foreign: bool,
}

/// How it is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Plain(Plain),
    Packed(Plain, Packing),
    /// A FIFO or a device.
    Pipe(String),
    Standard,
}

/// What the first bytes of a file say.
pub(super) enum Look {
    Capture { packing: Option<Packing>, format: String },
    Foreign,
}

impl Found {
    /// Bytes on disk; `None` for pipes.
    pub(super) const fn len(&self) -> Option<u64> {
        match &self.kind {
            Kind::Plain(plain) | Kind::Packed(plain, _) => Some(plain.len),
            Kind::Pipe(_) | Kind::Standard => None,
        }
    }

    /// Device and inode; `None` for pipes.
    pub(super) const fn identity(&self) -> Option<(u64, u64)> {
        match &self.kind {
            Kind::Plain(plain) | Kind::Packed(plain, _) => Some(plain.identity),
            Kind::Pipe(_) | Kind::Standard => None,
        }
    }
}

/// Turns what was typed into files.
pub(super) fn gather(inputs: &[String]) -> Result<Gathered, Error> {
    if inputs.is_empty() {
        return Err(Error::NoInput);
    }
    let mut gathered = Gathered::default();
    for input in inputs {
        let before = gathered.found.len();
        if input == "-" {
            // Standard input can be read once; a second `-` says nothing new.
            if gathered.found.iter().all(|found| found.kind != Kind::Standard) {
                gathered.push(stream(input, Kind::Standard))?;
            }
            continue;
        }
        match fs::metadata(input) {
            Ok(metadata) if metadata.is_dir() => gathered.folder(input)?,
            Ok(metadata) => gathered.named(input, &metadata)?,
            Err(_) if input.contains(['*', '?', '[']) => gathered.glob(input)?,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return Err(Error::NotFound { path: input.clone() });
            }
            Err(source) => return Err(Error::Unreadable { path: input.clone(), source }),
        }
        if gathered.found.len() == before {
            return Err(Error::NotACapture { path: input.clone() });
        }
    }
    match gathered.found.iter().all(|found| found.is_foreign).then(|| gathered.found.first()).flatten() {
        Some(first) => Err(Error::NotACapture { path: first.path.clone() }),
        None => Ok(gathered),
    }
}

impl Gathered {
    fn push(&mut self, found: Found) -> Result<(), Error> {
        if self.found.len() >= FILES_MAX {
            return Err(Error::TooManyFiles { path: found.path, limit: FILES_MAX });
        }
        self.found.push(found);
        Ok(())
    }

    /// A file that was named by hand: what cannot be read is the user's to know, what is no capture is told in the end.
    fn named(&mut self, path: &str, metadata: &Metadata) -> Result<(), Error> {
        if !metadata.is_file() {
            return self.push(stream(path, Kind::Pipe(path.to_owned())));
        }
        match look(path) {
            Err(source) => Err(Error::Unreadable { path: path.to_owned(), source }),
            Ok(look) => self.push(found(path, metadata, look)),
        }
    }

    /// A file that was met in a folder or by a glob: what is no capture is stepped over.
    fn met(&mut self, path: &str, metadata: &Metadata) -> Result<(), Error> {
        let look = if metadata.is_file() { look(path).ok() } else { None };
        match look {
            Some(look @ Look::Capture { .. }) => self.push(found(path, metadata, look)),
            _ => {
                if self.skipped.len() < FILES_MAX {
                    self.skipped.push(path.to_owned());
                }
                Ok(())
            }
        }
    }

    fn folder(&mut self, path: &str) -> Result<(), Error> {
        let below = Below::of(path).map_err(|source| Error::Unreadable { path: path.to_owned(), source })?;
        self.skipped.extend(below.unreadable);
        below.files.iter().try_for_each(|(name, metadata)| self.met(name, metadata))
    }

    fn glob(&mut self, pattern: &str) -> Result<(), Error> {
        let paths = glob::glob(pattern)
            .map_err(|error| Error::BadPattern { pattern: pattern.to_owned(), reason: error.to_string() })?;
        let mut is_empty = true;
        for path in paths.filter_map(Result::ok) {
            is_empty = false;
            let Ok(metadata) = fs::metadata(&path) else { continue };
            let name = path.to_string_lossy().into_owned();
            if metadata.is_dir() { self.folder(&name)? } else { self.met(&name, &metadata)? }
        }
        if is_empty { Err(Error::NothingFits { pattern: pattern.to_owned() }) } else { Ok(()) }
    }
}

/// All files below a folder, folder by folder and there by name.
#[derive(Debug, Default)]
pub(super) struct Below {
    pub(super) files: Vec<(String, Metadata)>,
    /// Folders that could not be listed.
    pub(super) unreadable: Vec<String>,
}

impl Below {
    /// Links to folders are not followed: they may lead round in circles.
    ///
    /// # Errors
    /// When the folder itself cannot be listed.
    pub(super) fn of(path: &str) -> std::io::Result<Self> {
        let mut below = Self::default();
        let mut folders = vec![path.to_owned()];
        let mut is_first = true;
        while let Some(folder) = folders.pop() {
            let entries = match fs::read_dir(&folder) {
                Ok(entries) => entries,
                Err(error) if is_first => return Err(error),
                Err(_) => {
                    below.unreadable.push(folder);
                    continue;
                }
            };
            is_first = false;
            let names: BTreeSet<_> = entries.filter_map(Result::ok).map(|entry| entry.path()).collect();
            for path in names {
                let Ok(metadata) = fs::metadata(&path) else { continue };
                let name = path.to_string_lossy().into_owned();
                if !metadata.is_dir() {
                    below.files.push((name, metadata));
                } else if fs::symlink_metadata(&path).is_ok_and(|own| own.is_dir()) {
                    folders.push(name);
                }
            }
        }
        Ok(below)
    }
}

fn stream(path: &str, kind: Kind) -> Found {
    Found { path: path.to_owned(), kind, format: String::new(), is_foreign: false }
}

fn found(path: &str, metadata: &Metadata, look: Look) -> Found {
    let identity = (metadata.dev(), metadata.ino());
    let plain = Plain { path: path.to_owned(), len: metadata.len(), identity };
    match look {
        Look::Foreign => {
            Found { path: path.to_owned(), kind: Kind::Plain(plain), format: String::new(), is_foreign: true }
        }
        Look::Capture { packing, format } => {
            let kind = match packing {
                None => Kind::Plain(plain),
                Some(packing) => Kind::Packed(plain, packing),
            };
            Found { path: path.to_owned(), kind, format, is_foreign: false }
        }
    }
}

/// Looks at the first bytes, inside the packing if there is one: names prove nothing.
pub(super) fn look(path: impl AsRef<Path>) -> std::io::Result<Look> {
    let mut file = File::open(path)?;
    let mut first = Vec::new();
    file.by_ref().take(16).read_to_end(&mut first)?;
    let Some(packing) = Packing::detect(&first) else {
        let format = format_of(&first);
        return Ok(if format.is_empty() {
            Look::Foreign
        } else {
            Look::Capture { packing: None, format: format.to_owned() }
        });
    };
    let whole = std::io::Cursor::new(first).chain(file);
    let mut inside = Unpacked::open(Box::new(whole), Arc::new(AtomicU64::new(0)))?;
    let mut first = [0; 16];
    let mut filled = 0;
    while let Some(rest) = first.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        match inside.read(rest) {
            Ok(0) | Err(_) => break,
            Ok(read) => filled += read,
        }
    }
    let format = format_of(first.get(..filled).unwrap_or(&[]));
    // A packed file that yields nothing may be a capture cut at its start: that is damage and must be told.
    Ok(if format.is_empty() && filled >= 12 {
        Look::Foreign
    } else {
        let shown = if format.is_empty() { "?" } else { format };
        Look::Capture { packing: Some(packing), format: format!("{shown} ({})", packing.name()) }
    })
}

fn format_of(first: &[u8]) -> &'static str {
    if pcap::is_magic(first) {
        "pcap"
    } else if pcapng::begins(first) {
        "pcapng"
    } else {
        ""
    }
}
