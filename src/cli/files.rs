//! Files read and written for rooms that open nothing.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write as _},
    path::Path,
};

use super::error::Error;
use crate::ground::{model::lang::Words, words::escape};

/// Reads a whole file, at most 16 MiB: a policy with 10,000 channels has about 4 MB, and so has Azure's list.
///
/// # Errors
/// When it cannot be read or is larger.
pub(super) fn read(path: &Path) -> io::Result<Vec<u8>> {
    const LEN_MAX: u64 = 16 << 20;
    let len = fs::metadata(path)?.len();
    if len > LEN_MAX {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, "larger than any policy or list (16 MiB)"));
    }
    fs::read(path)
}

/// A file that was not there: what somebody wrote is never overwritten.
///
/// # Errors
/// When there is something of that name, or it cannot be made.
pub(super) fn create_new(path: &Path) -> Result<File, Error> {
    // For writing only: that is all a confined run may do with it.
    let file = OpenOptions::new().write(true).create_new(true).open(path);
    file.map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists => {
            let path = escape::text(&path.display().to_string());
            Error::Option {
                ja: format!("--out {path}: すでにあります。上書きしません。別の名前を指定してください"),
                en: format!("--out {path}: exists already and is not overwritten; name another file"),
            }
        }
        _ => Error::Output(path.to_owned(), error),
    })
}

/// Writes a file that was not there, as [`create_new`].
///
/// # Errors
/// When there is one, or it cannot be written.
pub(super) fn write_new(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    create_new(path)?.write_all(bytes).map_err(|error| Error::Output(path.to_owned(), error))
}

/// What is wrong with a file that the user named.
pub(super) fn refused(path: &Path, words: &Words) -> Error {
    let path = escape::text(&path.display().to_string());
    Error::Option {
        ja: format!("{path}: {}", escape::text(&words.ja)),
        en: format!("{path}: {}", escape::text(&words.en)),
    }
}
