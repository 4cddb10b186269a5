//! Findings: what a check says about one flow or many.

use std::{fmt, net::IpAddr, sync::Arc};

use super::{facts::FlowId, packet::Ordinal, time::Timestamp, verdict::Grade};

/// A check of the catalogue, such as SK-A01.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CheckId {
    /// `b'A'` to `b'Q'`.
    pub letter: u8,
    /// 1 to 99.
    pub number: u8,
}

impl CheckId {
    /// The check of this letter and number.
    #[must_use]
    pub const fn new(letter: u8, number: u8) -> Self {
        Self { letter, number }
    }
}

impl fmt::Display for CheckId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SK-{}{:02}", char::from(self.letter), self.number)
    }
}

impl std::str::FromStr for CheckId {
    type Err = ();

    /// `SK-A01`.
    fn from_str(text: &str) -> Result<Self, ()> {
        let [letter @ b'A'..=b'Q', tens @ b'0'..=b'9', ones @ b'0'..=b'9'] =
            text.strip_prefix("SK-").unwrap_or("").as_bytes()
        else {
            return Err(());
        };
        Ok(Self { letter: *letter, number: (tens - b'0') * 10 + ones - b'0' })
    }
}

/// How bad it is (DOMAIN §4): 情報, 低, 中, 高, 重大.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// 情報
    #[default]
    Info,
    /// 低
    Low,
    /// 中
    Medium,
    /// 高
    High,
    /// 重大
    Critical,
}

impl Severity {
    /// All, mildest first.
    pub const ALL: [Self; 5] = [Self::Info, Self::Low, Self::Medium, Self::High, Self::Critical];

    /// The code in JSON and on the command line.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Critical => "critical",
        }
    }

    /// One step milder (RULES 29); information stays information.
    #[must_use]
    pub const fn milder(self) -> Self {
        match self {
            Self::Critical => Self::High,
            Self::High => Self::Medium,
            Self::Medium => Self::Low,
            Self::Low | Self::Info => Self::Info,
        }
    }
}

/// What kind of statement a finding makes (DOMAIN §4).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// V 違反: the rule is broken.
    Violation,
    /// S 疑い: it looks broken.
    Suspicion,
    /// U 判定不能: it cannot be decided.
    Undecidable,
    /// P 台帳不備: the written policy is wrong or missing something.
    Ledger,
    /// O 観測不備: the observation is not good enough.
    Observation,
    /// 情報: for the reader's knowledge.
    #[default]
    Information,
}

impl Kind {
    /// The letter of DOMAIN §4, `I` for information.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Violation => "V",
            Self::Suspicion => "S",
            Self::Undecidable => "U",
            Self::Ledger => "P",
            Self::Observation => "O",
            Self::Information => "I",
        }
    }
}

/// What findings are gathered under: one per check, segment pair, host and destination (DOMAIN §4).
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FindingKey {
    /// The check.
    pub check: CheckId,
    /// Segment or zone of the client; empty when the finding is about no flow.
    pub segment_client: Arc<str>,
    /// Segment or zone of the server.
    pub segment_server: Arc<str>,
    /// The client's address.
    pub host: Option<IpAddr>,
    /// Server address and port, or the name, or the thing spoken of: safe text of this program, names escaped.
    pub destination: String,
}

/// One finding with exact totals.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Finding {
    /// What it was gathered under.
    pub key: FindingKey,
    /// Severity after presets, `[checks]` and RULES 29.
    pub severity: Severity,
    /// What kind of statement.
    pub kind: Kind,
    /// Flows in it, exactly.
    pub flows: u64,
    /// How many of them were only attempted.
    pub attempted: u64,
    /// Packets of these flows.
    pub packets: u64,
    /// Bytes on the wire, client to server.
    pub bytes_up: u64,
    /// Bytes on the wire, server to client.
    pub bytes_down: u64,
    /// First packet of the first flow.
    pub first: Timestamp,
    /// Last packet of the last flow.
    pub last: Timestamp,
    /// Frame of the earliest packet in the ordered input.
    pub first_frame: Ordinal,
    /// Frame of the latest packet.
    pub last_frame: Ordinal,
    /// The earliest flows, at most `limits::FINDING_SAMPLES_MAX`.
    pub samples: Vec<FlowId>,
    /// The weakest evidence among them.
    pub grade: Grade,
    /// Channel or prohibition concerned; empty when there is none.
    pub rule: Arc<str>,
    /// What was seen, in safe words of data (`sni=evil.example`), for the reader: escaped already.
    pub detail: String,
    /// Id of the `accept` entry that covers it, when one does (RULES 37).
    pub accepted_by: Option<Arc<str>>,
}
