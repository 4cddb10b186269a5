//! What a check says: the engine gathers fires into findings.

use std::sync::Arc;

use crate::ground::model::{
    address::Transport,
    finding::{CheckId, Kind, Severity},
    key::Endpoint,
    verdict::Grade,
};

/// What a fire is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Subject {
    /// The server of the flow: its text is worked out once for a finding, see [`server_text`].
    Server,
    /// A target named inside, or the thing that a check of the run speaks of: safe text, names escaped.
    Told(String),
}

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
    /// What it is about.
    pub subject: Subject,
    /// Channel or prohibition concerned; empty when there is none.
    pub rule: Arc<str>,
    /// What was seen, as safe words of data (`sni=evil.example`).
    pub detail: String,
    /// True when the flow was only attempted.
    pub attempted: bool,
    /// Grade of the evidence.
    pub grade: Grade,
}

/// A flow's server as findings name it: `192.0.2.1:443/tcp`, `[2001:db8::1]:53/udp`, `192.0.2.1/icmp`.
#[must_use]
pub fn server_text(server: Endpoint, transport: Transport) -> String {
    let Endpoint { addr, port } = server;
    match (transport.has_ports() && port != 0, transport.has_ports() && addr.is_ipv6()) {
        (true, true) => format!("[{addr}]:{port}/{transport}"),
        (true, false) => format!("{addr}:{port}/{transport}"),
        (false, true) => format!("[{addr}]/{transport}"),
        (false, false) => format!("{addr}/{transport}"),
    }
}
