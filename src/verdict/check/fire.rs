//! What a check says: the engine gathers fires into findings.

use std::{net::IpAddr, sync::Arc};

use crate::ground::model::{
    finding::{CheckId, Kind, Severity},
    verdict::Grade,
};

/// One check speaking about one flow, or about the run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fire {
    /// The check.
    pub check: CheckId,
    /// Severity after the policy's `[checks]`, a prohibition's own word and RULES 29.
    pub severity: Severity,
    /// What kind of statement.
    pub kind: Kind,
    /// Segment or zone of the client, or the segment spoken of; empty when unknown.
    pub segment_client: Arc<str>,
    /// Segment or zone of the server, or of the target named inside.
    pub segment_server: Arc<str>,
    /// The client's address; `None` for a run.
    pub host: Option<IpAddr>,
    /// What it is about, as safe text: names escaped.
    pub destination: String,
    /// Channel or prohibition concerned; empty when there is none.
    pub rule: Arc<str>,
    /// What was seen, as safe words of data (`sni=evil.example`).
    pub detail: String,
    /// True when the flow was only attempted.
    pub attempted: bool,
    /// Grade of the evidence.
    pub grade: Grade,
}
