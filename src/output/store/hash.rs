//! SHA-256 of inputs, on a thread of their own beside the audit (RULES 40).

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    fs::File,
    io::{self, Read},
    path::Path,
    thread::{Builder, JoinHandle},
};

use sha2::{Digest, Sha256};

/// Size and digest of one file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fingerprint {
    /// Bytes.
    pub size: u64,
    /// SHA-256 in hex.
    pub sha256: String,
}

impl Fingerprint {
    /// Reads a file to its end.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn of_file(path: &Path) -> io::Result<Self> {
        let mut file = File::open(path)?;
        let mut digest = Sha256::new();
        let mut buffer = vec![0; 1 << 20];
        let mut size = 0;
        loop {
            let read = match file.read(&mut buffer) {
                Ok(0) => break,
                Ok(read) => read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            digest.update(&buffer[..read]);
            size += read as u64;
        }
        Ok(Self { size, sha256: hex(&digest.finalize()) })
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// The digests of a run's inputs, being taken.
#[derive(Debug)]
pub struct InputHashes {
    worker: JoinHandle<BTreeMap<String, Option<Fingerprint>>>,
}

impl InputHashes {
    /// Starts reading the files one after the other. What is no regular file (a pipe) gets no digest: reading it here
    /// would take it from the audit.
    ///
    /// # Errors
    /// When no thread can be started.
    pub fn start(paths: Vec<String>) -> io::Result<Self> {
        let worker = Builder::new().name("input-hashes".into()).spawn(move || {
            let digest = |path: &str| {
                let regular = std::fs::metadata(path).is_ok_and(|meta| meta.is_file());
                regular.then(|| Fingerprint::of_file(Path::new(path)).ok()).flatten()
            };
            paths.into_iter().map(|path| (path.clone(), digest(&path))).collect()
        })?;
        Ok(Self { worker })
    }

    /// Waits for the last one. `None` for what could not be read.
    #[must_use]
    pub fn finish(self) -> BTreeMap<String, Option<Fingerprint>> {
        self.worker.join().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_has_its_published_digest_and_a_missing_one_has_none() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("abc");
        std::fs::write(&path, "abc").unwrap();
        let (there, gone) = (path.display().to_string(), folder.path().join("no").display().to_string());
        let digests = InputHashes::start(vec![there.clone(), gone.clone()]).unwrap().finish();
        // FIPS 180-4, example of "abc"
        let expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(digests[&there].as_ref().unwrap().sha256, expected);
        assert_eq!(digests[&gone], None);
    }
}
