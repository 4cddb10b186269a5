//! Threads, windows, order, back-pressure. Home of `crossbeam-channel`.
//!
//! The relay: workers are equal and there is no reader thread. A worker takes a ticket, reads that block, waits for
//! the baton, walks the record borders in order, passes the baton on, decodes what it read and lists the packets by
//! owner. Each owner takes its lists in block order, so a flow sees its packets in order whatever the number of
//! workers; the last owner gives the block back. With one worker the same steps run in place.

mod inline;
mod progress;
mod relay;
mod window;

use std::{io, sync::Arc};

use crate::{
    ground::model::{decoded::Decoded, limits::Limits, result::RunResult},
    policy::language::Policy,
    run::engine::{conclude::Demands, shard::Telling, sink::Sink},
    wire::{
        capture::{Baton, Feed},
        flow::{Partitions, Settings, VlanInKey},
    },
};

pub use progress::Progress;

/// How a run is done.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Workers, at least 1.
    pub workers: usize,
    /// The policy; `None` to classify only.
    pub policy: Option<Arc<Policy>>,
    /// What the conclusion is held against.
    pub demands: Demands,
    /// Inputs are bound to more than one sensor: the sightings of one flow are joined (RULES 19).
    pub several_sensors: bool,
    /// What the whole run may hold.
    pub limits: Limits,
}

/// Runs an input to its end.
///
/// # Errors
/// When the sink does not take a line, or a thread cannot be started.
pub fn run(
    feed: Feed,
    baton: Baton,
    plan: &Plan,
    sink: &mut dyn Sink,
    progress: &Progress,
) -> io::Result<RunResult> {
    match plan.workers {
        0 | 1 => inline::run(&feed, baton, plan, sink, progress),
        _ => relay::run(&feed, baton, plan, sink, progress),
    }
}

/// What the owners tell the collector.
fn telling(plan: &Plan, sink: &dyn Sink) -> Telling {
    Telling { lines: sink.shows_lines(), joins: plan.several_sensors }
}

/// The settings of all owners' tables.
fn settings(plan: &Plan) -> Settings {
    let Limits { flows, stream_bytes, partitions, .. } = plan.limits;
    Settings {
        capacity: flows,
        stream_bytes,
        partitions: Partitions::new(partitions, partition_key(plan.policy.as_deref())),
        vlan_in_key: vlan_in_key(plan),
        ..Settings::default()
    }
}

/// Of the policy's files: under the same policy the same input always fills the same partitions, and whoever does not know the
/// policy cannot aim at one.
fn partition_key(policy: Option<&Policy>) -> u128 {
    let files = policy.map_or(&[][..], |policy| &policy.meta().files);
    let words = files.iter().filter_map(|file| file.sha256.first_chunk());
    words.fold(Partitions::KEY, |key, word| key.rotate_left(1) ^ u128::from_le_bytes(*word))
}

/// RULES 17: a VLAN enters the key only where the policy tells segments with overlapping addresses apart by it.
fn vlan_in_key(plan: &Plan) -> Option<VlanInKey> {
    let vlans = plan.policy.as_ref()?.vlans_in_key().to_vec();
    if vlans.is_empty() {
        return None;
    }
    Some(Arc::new(move |packet: &Decoded| {
        let of_key = |id: &&u16| vlans.binary_search(id).is_ok();
        packet.link.vlans.ids().iter().find(of_key).copied().unwrap_or_default()
    }))
}
