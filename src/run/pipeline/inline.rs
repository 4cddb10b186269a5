//! One worker: every step in place, no thread, no queue.

use std::io;

use super::{Plan, Progress, settings, telling};
use crate::{
    ground::model::result::RunResult,
    run::engine::{
        collector::Collector,
        conclude::{Parts, conclude},
        ingest::{Fragments, Ingest, Lists},
        shard::Shard,
        sink::Sink,
    },
    wire::capture::{Baton, Block, Feed},
};

pub(super) fn run(
    feed: &Feed,
    mut baton: Baton,
    plan: &Plan,
    sink: &mut dyn Sink,
    progress: &Progress,
) -> io::Result<RunResult> {
    let settings = settings(plan);
    let mut ingest = Ingest::new(1, settings.clone());
    let mut fragments = Fragments::within(&plan.limits, settings.clone());
    let mut shard =
        Shard::new(settings, plan.policy.clone(), telling(plan, sink)).announcing(sink.announces());
    let mut collector = Collector::new(plan.policy.clone(), plan.several_sensors).within(&plan.limits);
    let (mut block, mut lists) = (Block::new(), Lists::default());
    let mut ticket = 0;
    while !progress.is_stopped() {
        feed.fill(ticket, &mut block);
        if !baton.walk(feed, &mut block) {
            break;
        }
        ingest.block(&block, &mut lists);
        fragments.block(&mut lists);
        shard.block(&block, &lists, 0);
        progress.opened(shard.take_opened());
        collector.absorb(shard.take_events(), sink)?;
        progress.update(baton.bytes_done(), block.len() as u64);
        ticket += 1;
    }
    shard.leftovers(&fragments.finish(1), 0);
    collector.absorb(shard.take_events(), sink)?;
    let mut remaining = shard.remaining();
    while !remaining.is_empty() {
        shard.finish_some(&mut remaining);
        collector.absorb(shard.take_events(), sink)?;
    }
    collector.finish(sink)?;
    let mut parts = Parts { input: baton.finish(), ..Parts::default() };
    parts.seen.push(fragments.into_seen());
    let (tally, seen) = ingest.finish();
    parts.tallies.push(tally);
    parts.seen.push(seen);
    let (tally, account) = shard.into_sums();
    parts.tallies.push(tally);
    parts.accounts.push(account);
    Ok(conclude(collector, parts, plan.policy.as_deref(), &plan.demands))
}
