//! What a worker tells the collector.

use std::sync::Arc;

use super::{aggregate::About, court::Ruling};
use crate::ground::model::{facts::FlowId, flow_line::FlowRecord, packet::Ordinal, sighting::Sighting};

/// When an event may be told: events are released in this order, whatever worker they come from.
///
/// The ordinal is that of the packet at which the thing happened: the one that told a tale, ended a flow by its own
/// coming, or stood behind a sweep. It depends on the ordered input only, never on blocks or workers. Fields are compared in
/// their order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Moment {
    /// The packet; the largest of all for what the end of the input brings.
    pub at: Ordinal,
    /// Tales of a packet come before the flows that end at it.
    pub rank: Rank,
    /// Which packet of a tale: one frame may hold several, and complete others, whose flows lie with different owners.
    pub packet: u64,
    /// The flow that ends; empty for tales of a packet.
    pub flow: FlowId,
    /// Order among the events of one packet or one ending flow.
    pub turn: u32,
}

/// The order among events of one packet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rank {
    /// A tale.
    #[default]
    Tale,
    /// An end, behind what that flow had still to tell.
    End,
}

/// One event.
#[derive(Debug)]
pub struct Event {
    /// When it may be told.
    pub moment: Moment,
    /// What happened.
    pub what: What,
}

/// What happened.
#[derive(Debug)]
pub enum What {
    /// A flow told something about others.
    Sighting(Sighting),
    /// A flow that goes on breaks the policy as it stands. It is announced, and changes nothing else.
    Early(Box<FlowRecord>),
    /// A flow is over whose line is told, or of which other flows may have told something; with what it comes to by itself,
    /// which is `None` without a policy.
    Closed(Box<FlowRecord>, Option<Arc<Ruling>>),
    /// A flow is over, final and counted by its owner, and the checks speak of it.
    Found(Arc<Ruling>, About),
    /// A packet whose flow found no place, judged by its addresses (RULES 26); the record stands for that packet alone.
    Untracked(Box<FlowRecord>),
}
