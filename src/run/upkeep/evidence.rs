//! What was seen of flows that one channel would allow.

use std::{collections::BTreeSet, net::IpAddr};

use crate::ground::model::{
    facts::FlowFacts,
    finding::CheckId,
    flow_line::FlowRecord,
    identity::Marks,
    limits::{LEARN_ADDRESSES_MAX, LEARN_CLIENTS_MAX},
    time::Timestamp,
    verdict::{FaultKind, Grade, Judgement, Verdict},
};

/// Screen transfer, by the words of flow lines.
const SCREENS: [&str; 3] = ["ica", "rdp", "vnc"];

/// Counts of flows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    /// How many.
    pub flows: u64,
    /// Bytes on the wire from client to server.
    pub bytes_up: u64,
    /// And back.
    pub bytes_down: u64,
    /// First and last packet.
    pub span: Option<(Timestamp, Timestamp)>,
}

impl Seen {
    pub(super) fn of(facts: &FlowFacts) -> Self {
        Self {
            flows: 1,
            bytes_up: facts.up().wire_bytes,
            bytes_down: facts.down().wire_bytes,
            span: Some((facts.first, facts.last)),
        }
    }

    pub(super) fn add(&mut self, other: &Self) {
        self.flows += other.flows;
        self.bytes_up += other.bytes_up;
        self.bytes_down += other.bytes_down;
        self.span = match (self.span, other.span) {
            (Some(one), Some(two)) => Some((one.0.min(two.0), one.1.max(two.1))),
            (one, two) => one.or(two),
        };
    }
}

/// What stands behind a proposal.
#[derive(Clone, Debug)]
pub struct Evidence {
    /// Counts.
    pub seen: Seen,
    /// Of these, flows whose verdict was undecidable.
    pub undecidable: u64,
    /// Of these, flows of which it is not sure who opened them.
    pub unsure: u64,
    /// The lowest grade of all.
    pub grade: Grade,
    /// Who opened them, at most [`LEARN_CLIENTS_MAX`].
    pub clients: BTreeSet<IpAddr>,
    /// There were more.
    pub has_more_clients: bool,
    /// Whom they reached, at most [`LEARN_ADDRESSES_MAX`].
    pub(super) servers: BTreeSet<IpAddr>,
    pub(super) has_more_servers: bool,
    /// A handshake that leads to encryption was seen in all of them.
    pub(super) is_encrypted: bool,
    /// All of them are screen transfer.
    pub(super) is_screen: bool,
    /// Some lay outside the validity of the policy.
    pub(super) is_out_of_force: bool,
    /// The policy allows the opposite direction.
    pub(super) is_reversed: bool,
    /// Checks that spoke against them, but for the one that speaks against whatever has no channel.
    pub checks: BTreeSet<CheckId>,
    /// The first of them, whole, to be judged by the policy with the proposal; blank until it has a place.
    pub(super) sample: Box<FlowFacts>,
}

impl Evidence {
    pub(super) fn of(record: &FlowRecord, judgement: &Judgement, is_named: bool) -> Self {
        let facts = &record.facts;
        Self {
            seen: Seen::of(facts),
            undecidable: u64::from(judgement.verdict == Verdict::Undecidable),
            unsure: u64::from(!facts.basis.is_sure()),
            grade: if is_named { record.names_grade } else { judgement.grade },
            clients: BTreeSet::from([facts.client_end().addr]),
            has_more_clients: false,
            servers: BTreeSet::from([facts.server_end().addr]),
            has_more_servers: false,
            is_encrypted: facts.identity.marks.has(Marks::HANDSHAKE),
            is_screen: SCREENS.contains(&facts.identity.app),
            is_out_of_force: false,
            is_reversed: judgement.has(FaultKind::Reversed),
            checks: judgement
                .findings
                .iter()
                .copied()
                .filter(|check| *check != CheckId::new(b'L', 3))
                .collect(),
            sample: Box::default(),
        }
    }

    /// Takes in what stands behind another group; the sample stays.
    pub(super) fn add(&mut self, other: &Self) {
        self.seen.add(&other.seen);
        self.undecidable += other.undecidable;
        self.unsure += other.unsure;
        self.grade = self.grade.min(other.grade);
        self.has_more_clients |=
            other.has_more_clients | union(&mut self.clients, &other.clients, LEARN_CLIENTS_MAX);
        self.has_more_servers |=
            other.has_more_servers | union(&mut self.servers, &other.servers, LEARN_ADDRESSES_MAX);
        self.is_encrypted &= other.is_encrypted;
        self.is_screen &= other.is_screen;
        self.is_out_of_force |= other.is_out_of_force;
        self.is_reversed |= other.is_reversed;
        self.checks.extend(&other.checks);
    }
}

/// True when some found no room. The smallest stay, so that the order of flows cannot matter.
fn union(into: &mut BTreeSet<IpAddr>, more: &BTreeSet<IpAddr>, max: usize) -> bool {
    into.extend(more);
    let is_full = into.len() > max;
    while into.len() > max {
        into.pop_last();
    }
    is_full
}
