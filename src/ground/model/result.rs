//! The result of a run: what was found, what limits it, and what may be said.

use std::{collections::BTreeMap, sync::Arc};

use super::{
    coverage::{BlindReason, Coverage, InputReport},
    finding::{CheckId, Finding, Severity},
    tally::Tally,
    time::Timestamp,
    verdict::Verdict,
};

/// What the first line says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Headline {
    /// Nothing was found and the observation is good enough to say so.
    NothingFound,
    /// Nothing was found, and the observation is limited: never to be called clean.
    #[default]
    CannotSay,
    /// There are findings at or above the threshold, and no flow violates.
    Findings,
    /// At least one flow violates.
    Violations,
}

/// One thing that limits what may be said. The words are made of it in `words`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Limit {
    /// No flow was judged at all.
    NoFlows,
    /// The policy has no segments or no channels.
    EmptyPolicy,
    /// Packets were sent when no policy was valid: how many flows.
    NoPolicyInForce(u64),
    /// The accounting identity does not hold: a fault of this program.
    AccountingBroken,
    /// A file was damaged: name, offset.
    Damaged(String, u64),
    /// A file could not be read: name.
    Unreadable(String),
    /// The capture lost packets: sensor, packets by the capture's own counters.
    Dropped(String, u64),
    /// Minutes with more loss than THREATS §4 formula 9 allows: sensor, how many.
    DegradedMinutes(String, u64),
    /// Minutes without any frame between the first and the last: sensor, how many.
    BlindMinutes(String, u64),
    /// An interface was not seen for a time: its name, why, seconds begun.
    Blind(String, BlindReason, u64),
    /// Share of TCP flows with payload seen in one direction only, in hundredths of a percent.
    OneSided(u64),
    /// A segment that a bound sensor or `--scope` promised, with no frame.
    SegmentUnseen(Arc<str>),
    /// A segment that no sensor promises and that had no frame.
    SegmentUnobserved(Arc<str>),
    /// Undecidable share of the flows that cross segments, in hundredths of a percent, above the stated bound.
    UndecidableShare(u64),
    /// Flows that could not be decided, below the bound: how many.
    Undecidable(u64),
    /// Bytes acknowledged and never seen, share in hundredths of a percent.
    UnseenBytes(u64),
    /// Frames of protocols that are not read: how many.
    Undecoded(u64),
    /// Packets the snaplen cut inside what would have been read.
    Cut(u64),
    /// Flows written early for want of memory, or packets judged by address only.
    MemoryBound(u64),
    /// Stamps that jumped or were clamped: results may depend on how the input was cut (promise 4 is off).
    TimeAnomalies(u64),
    /// Packets that came too late for their place while the input was followed (promise 4 is off): file, how many.
    Late(String, u64),
    /// A parser failed in so many flows.
    ParserPanics(u64),
    /// Findings covered by `accept` entries, not counted for the exit code.
    Accepted(u64),
    /// Nothing binds the inputs to the policy's sensors, so what should have been seen is not known.
    NoSensorBound,
}

/// What may be said, and the exit code that says it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Conclusion {
    /// The first line.
    pub headline: Headline,
    /// What limits it, worst first.
    pub limits: Vec<Limit>,
    /// RULES 22: 0, 1 or 3 (2 never comes this far).
    pub exit_code: u8,
    /// True when findings or violations are due (they are exit code 1 unless 3 outranks it).
    pub has_findings: bool,
    /// True when the run is incomplete or cannot be trusted.
    pub is_incomplete: bool,
    /// The threshold that was used.
    pub fail_on: Option<Severity>,
}

/// What became of one policy, for the manifest and the first page.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PolicyFacts {
    /// Its id.
    pub id: String,
    /// Title and organisation, in the city's words.
    pub title: String,
    /// Organisation.
    pub org: String,
    /// Model, case and guideline edition.
    pub model: String,
    /// Edition.
    pub guideline: String,
    /// Version.
    pub version: String,
    /// SHA-256 of the file and its includes.
    pub sha256: String,
    /// Channels, prohibitions, segments: how many.
    pub sizes: [usize; 3],
    /// What is looser than the model's preset, and accepted.
    pub deviations: Vec<Deviation>,
}

/// Something that is looser than the preset of the declared model, as the first page tells it (DOMAIN §3.3).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Deviation {
    /// The rule of the lint, such as P10.
    pub code: &'static str,
    /// Id of the channel, destination or check.
    pub about: String,
    /// What is looser.
    pub ja: String,
    /// The same in English.
    pub en: String,
    /// Id of the entry that accepts it, and what stands there.
    pub accepted_by: String,
    /// Who accepted it.
    pub approved_by: String,
    /// Why.
    pub reason: String,
}

/// Everything a run came to.
#[derive(Clone, Debug, Default)]
pub struct RunResult {
    /// Where every frame went.
    pub tally: Tally,
    /// What was looked at.
    pub coverage: Coverage,
    /// What the reader says.
    pub input: InputReport,
    /// Findings in order: worst first, then by key.
    pub findings: Vec<Finding>,
    /// Findings beyond the bound: by check, how many flows.
    pub others: BTreeMap<CheckId, u64>,
    /// For each check, how many flows (or packets, for observation) it looked at: DOMAIN §5, "negatives".
    pub examined: BTreeMap<CheckId, u64>,
    /// Flows by cause, for the undecidable ones.
    pub undecidable_causes: BTreeMap<&'static str, u64>,
    /// Flows whose finding is covered by an `accept` entry, by verdict.
    pub accepted_violations: u64,
    /// First and last packet.
    pub span: Option<(Timestamp, Timestamp)>,
    /// The policy; `None` for `flows`.
    pub policy: Option<PolicyFacts>,
    /// What may be said.
    pub conclusion: Conclusion,
}

impl RunResult {
    /// Flows of a verdict, carriers included.
    #[must_use]
    pub const fn flows(&self, verdict: Verdict) -> u64 {
        self.tally.verdicts[verdict as usize].flows + self.tally.carriers[verdict as usize].flows
    }
}
