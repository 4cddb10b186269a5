//! A run on disk (RULES 36): `manifest.json coverage.json flows.jsonl findings.jsonl`, written so that a crash at any
//! moment leaves either a valid run or one that is clearly unfinished, and read back only through here.
//!
//! While a run is written its files bear the ending `.part`. They are renamed when all of them are whole and on the
//! disk, `manifest.json` last: **a folder without `manifest.json` is no finished run.**

mod hash;
mod lines;
mod pieces;
mod recording;
mod run;

pub use hash::{Fingerprint, InputHashes};
pub use lines::FlowLine;
pub use recording::{PreparedRecording, Recorder, Recording, RecordingPlan};
pub use run::{Error, MANIFEST_SCHEMA, Run, RunWriter};
