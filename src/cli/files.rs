//! Files read for rooms that open nothing.

use std::{io, path::Path};

/// Reads a whole file, at most 16 MiB: a policy with 10,000 channels has about 4 MB, and so has Azure's list.
///
/// # Errors
/// When it cannot be read or is larger.
pub(super) fn read(path: &Path) -> io::Result<Vec<u8>> {
    const LEN_MAX: u64 = 16 << 20;
    let len = std::fs::metadata(path)?.len();
    if len > LEN_MAX {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, "larger than any policy or list (16 MiB)"));
    }
    std::fs::read(path)
}
