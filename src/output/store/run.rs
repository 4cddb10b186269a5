//! One run's folder: begun, filled, finished, opened again.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, BufWriter, Write},
    path::{Path, PathBuf},
};

use serde_json::{Map, Value, json};

use super::{
    hash::Fingerprint,
    lines::{self, FlowLine},
};

/// Version of the folder's layout and of manifest.json.
pub const MANIFEST_SCHEMA: &str = "sekisho-run/1";

const FLOWS: &str = "flows.jsonl";
const FINDINGS: &str = "findings.jsonl";
const COVERAGE: &str = "coverage.json";
const MANIFEST: &str = "manifest.json";

/// What can go wrong with a run's folder; each names the place and the next step.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The folder holds something already.
    #[error("{0} is not empty: choose a new folder for --out, or remove what it holds")]
    NotEmpty(PathBuf),
    /// A file could not be written or read.
    #[error("{path}: {error}")]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        error: io::Error,
    },
    /// A line of flows that is none.
    #[error("{path}:{number} is no flow line ({error}): run the audit again")]
    Line {
        /// The file.
        path: PathBuf,
        /// Its line, from 1.
        number: u64,
        /// What is wrong with it.
        error: io::Error,
    },
    /// No manifest: the run was never finished.
    #[error("{0} holds no finished run (manifest.json is missing): run the audit again")]
    Unfinished(PathBuf),
    /// The bound of a recording has no room for two pieces.
    #[error(
        "--record-file {piece} bytes does not fit twice into --record-max {total} bytes: make pieces smaller or the \
         bound larger"
    )]
    PieceTooLong {
        /// Bytes of a piece.
        piece: u64,
        /// Bytes of the whole folder.
        total: u64,
    },
    /// Earlier recordings fill the folder, and nothing may be deleted.
    #[error(
        "{folder} holds {held} bytes of earlier recordings and may hold {total}: choose another folder for --record, \
         move them away, or let --record-max delete the oldest"
    )]
    RecordingFull {
        /// The folder.
        folder: PathBuf,
        /// Bytes of earlier recordings.
        held: u64,
        /// Bytes it may hold.
        total: u64,
    },
    /// The manifest is of another version or no manifest at all.
    #[error("{path} is not a manifest this version reads ({found}); expected {MANIFEST_SCHEMA}")]
    Schema {
        /// The file.
        path: PathBuf,
        /// What it says it is.
        found: String,
    },
}

fn at(path: &Path) -> impl FnOnce(io::Error) -> Error {
    let path = path.to_owned();
    move |error| Error::File { path, error }
}

/// A run being written.
#[derive(Debug)]
pub struct RunWriter {
    folder: PathBuf,
    flows: BufWriter<File>,
}

impl RunWriter {
    /// Makes the folder and opens the file of flows.
    ///
    /// # Errors
    /// When the folder holds anything already, or cannot be made.
    pub fn begin(folder: &Path) -> Result<Self, Error> {
        fs::create_dir_all(folder).map_err(at(folder))?;
        if fs::read_dir(folder).map_err(at(folder))?.next().is_some() {
            return Err(Error::NotEmpty(folder.to_owned()));
        }
        let path = part(folder, FLOWS);
        let flows = BufWriter::with_capacity(1 << 18, create(&path)?);
        Ok(Self { folder: folder.to_owned(), flows })
    }

    /// Appends flow lines.
    ///
    /// # Errors
    /// When the disk does not take them; what was written before stays.
    pub fn flows(&mut self, lines: &[u8]) -> Result<(), Error> {
        self.flows.write_all(lines).map_err(at(&part(&self.folder, FLOWS)))
    }

    /// Writes the other files, brings all to the disk, renames them and writes the manifest, into which size and
    /// digest of every file are put under `files`.
    ///
    /// # Errors
    /// When the disk does not take them: the folder then stays without a manifest.
    pub fn finish(
        mut self,
        findings: impl FnOnce(&mut dyn Write) -> io::Result<()>,
        coverage: &Value,
        mut manifest: Map<String, Value>,
    ) -> Result<(), Error> {
        let path = part(&self.folder, FLOWS);
        self.flows.flush().map_err(at(&path))?;
        self.flows.get_ref().sync_all().map_err(at(&path))?;
        whole(&part(&self.folder, FINDINGS), findings)?;
        let coverage = pretty(coverage);
        whole(&part(&self.folder, COVERAGE), |file| file.write_all(coverage.as_bytes()))?;
        let mut files = Map::new();
        for name in [FLOWS, FINDINGS, COVERAGE] {
            let (from, to) = (part(&self.folder, name), self.folder.join(name));
            let Fingerprint { size, sha256 } = Fingerprint::of_file(&from).map_err(at(&from))?;
            files.insert(name.to_owned(), json!({"size": size, "sha256": sha256}));
            fs::rename(&from, &to).map_err(at(&to))?;
        }
        manifest.insert("schema".to_owned(), MANIFEST_SCHEMA.into());
        manifest.insert("files".to_owned(), Value::Object(files));
        let (from, to) = (part(&self.folder, MANIFEST), self.folder.join(MANIFEST));
        let manifest = pretty(&Value::Object(manifest));
        whole(&from, |file| file.write_all(manifest.as_bytes()))?;
        fs::rename(&from, &to).map_err(at(&to))?;
        // The renames themselves must survive a power cut: a folder is a file too.
        File::open(&self.folder).and_then(|folder| folder.sync_all()).map_err(at(&self.folder))
    }
}

fn part(folder: &Path, name: &str) -> PathBuf {
    folder.join(format!("{name}.part"))
}

fn create(path: &Path) -> Result<File, Error> {
    OpenOptions::new().write(true).create_new(true).open(path).map_err(at(path))
}

fn whole(path: &Path, fill: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Result<(), Error> {
    let mut file = create(path)?;
    fill(&mut file).map_err(at(path))?;
    file.sync_all().map_err(at(path))
}

fn pretty(value: &Value) -> String {
    format!("{value:#}\n")
}

/// A finished run, opened for reading.
#[derive(Debug)]
pub struct Run {
    folder: PathBuf,
    manifest: Value,
}

impl Run {
    /// Opens a finished run.
    ///
    /// # Errors
    /// When there is no manifest, or one of another version.
    pub fn open(folder: &Path) -> Result<Self, Error> {
        let path = folder.join(MANIFEST);
        let bytes = match fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(Error::Unfinished(folder.to_owned()));
            }
            Err(error) => return Err(Error::File { path, error }),
        };
        let manifest: Value = serde_json::from_slice(&bytes).unwrap_or_default();
        match manifest["schema"].as_str() {
            Some(MANIFEST_SCHEMA) => Ok(Self { folder: folder.to_owned(), manifest }),
            found => {
                let found = found.unwrap_or("no schema").chars().take(80).collect();
                Err(Error::Schema { path, found })
            }
        }
    }

    /// What the manifest says.
    #[must_use]
    pub const fn manifest(&self) -> &Value {
        &self.manifest
    }

    /// The flow lines as they were written.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn flows(&self) -> Result<Vec<u8>, Error> {
        self.read(FLOWS)
    }

    /// Hands on every flow line, one after the other; gives their number.
    ///
    /// # Errors
    /// When the file cannot be read, or a line of it is no flow line.
    pub fn each_flow(&self, take: &mut dyn FnMut(&FlowLine<'_>)) -> Result<u64, Error> {
        lines::each(&self.folder.join(FLOWS), take)
    }

    /// The findings as they were written.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn findings(&self) -> Result<Vec<u8>, Error> {
        self.read(FINDINGS)
    }

    /// coverage.json as it was written.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn coverage(&self) -> Result<Vec<u8>, Error> {
        self.read(COVERAGE)
    }

    fn read(&self, name: &str) -> Result<Vec<u8>, Error> {
        let path = self.folder.join(name);
        fs::read(&path).map_err(at(&path))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_finished_run_reads_back_as_it_was_written() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("run");
        let mut writer = RunWriter::begin(&path).unwrap();
        writer.flows(b"{\"flow\":\"1\"}\n").unwrap();
        writer.finish(|file| file.write_all(b"{}\n"), &json!({"schema": "x"}), Map::new()).unwrap();
        let run = Run::open(&path).unwrap();
        assert_eq!(run.flows().unwrap(), b"{\"flow\":\"1\"}\n");
        assert_eq!(run.findings().unwrap(), b"{}\n");
        assert_eq!(run.manifest()["files"]["findings.jsonl"]["size"], 3);
        let names: Vec<_> = fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert!(names.iter().all(|name| !name.to_string_lossy().ends_with(".part")), "{names:?}");
    }

    #[test]
    fn a_line_that_is_no_flow_is_told_with_its_number() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("run");
        let mut writer = RunWriter::begin(&path).unwrap();
        let flow = "{\"first\":\"2026-06-08T00:00:00Z\",\"last\":\"\\u0041\",\"bytes_up\":1,\"bytes_down\":2,\"sni\":[\"a\"]}\n";
        writer.flows(flow.repeat(3).as_bytes()).unwrap();
        writer.flows(b"[1").unwrap();
        writer.finish(|_| Ok(()), &json!({}), Map::new()).unwrap();
        let mut bytes = 0;
        let read = Run::open(&path).unwrap().each_flow(&mut |flow| bytes += flow.bytes_up + flow.bytes_down);
        assert!(matches!(read, Err(Error::Line { number: 4, .. })), "{read:?}");
        assert_eq!(bytes, 9);
    }

    #[test]
    fn a_run_that_was_cut_off_does_not_open() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("run");
        let mut writer = RunWriter::begin(&path).unwrap();
        writer.flows(b"{}\n").unwrap();
        drop(writer);
        assert!(matches!(Run::open(&path), Err(Error::Unfinished(_))));
    }

    #[test]
    fn a_folder_that_holds_something_is_not_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("manifest.json"), "{}").unwrap();
        assert!(matches!(RunWriter::begin(folder.path()), Err(Error::NotEmpty(_))));
        assert!(matches!(Run::open(folder.path()), Err(Error::Schema { .. })));
    }
}
