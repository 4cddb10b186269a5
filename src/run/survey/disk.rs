//! How fast a folder takes what is written: a file of bounded size, brought to the disk and removed.

use std::{
    fs::{self, File},
    io::{self, Write},
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use nix::sys::statvfs::statvfs;

/// What was measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Measured {
    /// Bytes a second, from the first write to the end of fsync(2).
    pub(super) rate: u64,
    /// Bytes written.
    pub(super) written: u64,
}

/// Written at most: the caches of a disk are not much larger, and nobody's recording is pushed out of memory.
pub(super) const WRITE_LEN_MAX: u64 = 256 << 20;
/// No longer than this: a disk of 20 MB a second shows it in 5 seconds.
const LAST_MAX: Duration = Duration::from_secs(5);
/// Written between two looks at the clock.
const PORTION: usize = 4 << 20;

/// Bytes that a user may still write to the file system of a folder.
pub(super) fn free(folder: &Path) -> io::Result<u64> {
    let told = statvfs(folder)?;
    Ok((told.blocks_available() as u64).saturating_mul(told.fragment_size() as u64))
}

/// Writes up to `len` bytes into a new file of the folder.
pub(super) fn measure(folder: &Path, len: u64) -> io::Result<Measured> {
    let file = Trial::create(folder)?;
    // Not zeros: some file systems and disks store nothing for them.
    let portion: Vec<u8> =
        (0..PORTION as u64).map(|place| (place.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 56) as u8).collect();
    let begun = now();
    let mut written = 0;
    while written < len && begun.elapsed() < LAST_MAX {
        let part =
            portion.get(..usize::try_from(len - written).unwrap_or(PORTION).min(PORTION)).unwrap_or(&portion);
        (&file.handle).write_all(part)?;
        written += part.len() as u64;
    }
    file.handle.sync_all()?;
    let nanos = begun.elapsed().as_nanos().max(1);
    let rate = u64::try_from(u128::from(written) * 1_000_000_000 / nanos).unwrap_or(u64::MAX);
    Ok(Measured { rate, written })
}

/// A file that is gone when it is dropped.
struct Trial {
    path: PathBuf,
    handle: File,
}

impl Trial {
    fn create(folder: &Path) -> io::Result<Self> {
        let path = folder.join(format!(".sekisho-doctor-{}", std::process::id()));
        let handle = fs::OpenOptions::new().write(true).create_new(true).open(&path)?;
        Ok(Self { path, handle })
    }
}

impl Drop for Trial {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.path);
    }
}

#[expect(clippy::disallowed_methods, reason = "the speed of a disk is measured by the clock")]
fn now() -> Instant {
    Instant::now()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_measurement_writes_what_it_says_and_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let measured = measure(folder.path(), 3).unwrap();
        assert_eq!(measured.written, 3);
        assert!(measured.rate > 0);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
        assert!(free(folder.path()).unwrap() > 0);
        assert!(measure(&folder.path().join("gone"), 3).is_err());
    }
}
