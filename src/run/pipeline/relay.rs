//! Several workers: the relay.

use std::{
    collections::BTreeMap,
    io,
    sync::{Mutex, PoisonError},
    thread,
};

use crossbeam_channel::{Receiver, Sender, bounded};
use foldhash::quality::RandomState;

use super::{
    Plan, Progress, settings,
    window::{Job, Window},
};
use crate::{
    ground::model::{limits, result::RunResult},
    run::engine::{
        collector::Collector,
        conclude::{Parts, conclude},
        event::Event,
        ingest::{Fragments, Ingest},
        shard::Shard,
        sink::Sink,
    },
    wire::capture::{Baton, Feed},
};

/// What one owner has to say of one block.
struct Report {
    ticket: u64,
    events: Vec<Event>,
}

/// What all workers share.
struct Relay<'a> {
    feed: &'a Feed,
    baton: Mutex<Baton>,
    fragments: Mutex<Fragments>,
    window: Window,
    progress: &'a Progress,
}

pub(super) fn run(
    feed: &Feed,
    baton: Baton,
    plan: &Plan,
    sink: &mut dyn Sink,
    progress: &Progress,
) -> io::Result<RunResult> {
    let spread = RandomState::default();
    let relay = Relay {
        feed,
        baton: Mutex::new(baton),
        fragments: Mutex::new(Fragments::new(spread.clone())),
        window: Window::new(plan.workers, plan.workers * limits::BLOCKS_PER_WORKER),
        progress,
    };
    let mut collector = Collector::new(plan.policy.clone(), plan.several_sensors);
    let (reports, inbox) = bounded(plan.workers * limits::BLOCKS_PER_WORKER);
    let workers = thread::scope(|scope| -> io::Result<Vec<(Ingest, Shard)>> {
        let mut handles = Vec::new();
        for owner in 0..plan.workers {
            let ingest = Ingest::new(plan.workers, spread.clone());
            let shard = Shard::new(settings(plan), plan.policy.clone());
            let (relay, reports) = (&relay, reports.clone());
            let started = thread::Builder::new()
                .name(format!("worker-{owner}"))
                .spawn_scoped(scope, move || work(relay, owner, ingest, shard, &reports));
            match started {
                Ok(handle) => handles.push(handle),
                Err(error) => {
                    relay.window.fail();
                    return Err(error);
                }
            }
        }
        drop(reports);
        let told = collect(&inbox, plan.workers, &mut collector, sink);
        if told.is_err() {
            relay.window.fail();
            // Workers may wait for room in the queue: take what comes until they are gone.
            inbox.iter().for_each(drop);
        }
        let ended: Vec<_> = handles.into_iter().map(thread::ScopedJoinHandle::join).collect();
        told?;
        let failed =
            |_| io::Error::other("a worker failed; this is a fault of the program, the run is not complete");
        ended.into_iter().map(|worker| worker.map_err(failed)).collect()
    })?;
    finish(relay, workers, collector, plan, sink)
}

fn finish(
    relay: Relay<'_>,
    workers: Vec<(Ingest, Shard)>,
    mut collector: Collector,
    plan: &Plan,
    sink: &mut dyn Sink,
) -> io::Result<RunResult> {
    let fragments = relay.fragments.into_inner().unwrap_or_else(PoisonError::into_inner);
    let baton = relay.baton.into_inner().unwrap_or_else(PoisonError::into_inner);
    let (leftovers, seen) = fragments.finish(plan.workers);
    let mut parts = Parts { input: baton.finish(), ..Parts::default() };
    parts.seen.push(seen);
    let mut events = Vec::new();
    for ((ingest, mut shard), items) in workers.into_iter().zip(leftovers) {
        shard.leftovers(&items);
        shard.finish();
        events.append(&mut shard.take_events());
        let (tally, seen) = ingest.finish();
        parts.tallies.push(tally);
        parts.seen.push(seen);
        parts.tallies.push(shard.into_tally());
    }
    events.sort_by_key(|event| event.moment);
    collector.absorb(events, sink)?;
    collector.finish(sink)?;
    Ok(conclude(collector, parts, plan.policy.as_deref(), &plan.demands))
}

/// One worker's loop: its own list first, else the next block.
fn work(
    relay: &Relay<'_>,
    owner: usize,
    mut ingest: Ingest,
    mut shard: Shard,
    reports: &Sender<Report>,
) -> (Ingest, Shard) {
    let alarm = Alarm(&relay.window);
    loop {
        match relay.window.next_job(owner) {
            Job::Own(published) => {
                shard.block(&published.block, &published.lists, owner);
                let report = Report { ticket: published.ticket, events: shard.take_events() };
                relay.window.done(owner, published);
                if reports.send(report).is_err() {
                    break;
                }
            }
            Job::Read(ticket, mut block, mut lists) => {
                relay.feed.fill(ticket, &mut block);
                if relay.window.wait_for_baton(ticket) && walk(relay, ticket, &mut block) {
                    ingest.block(&block, &mut lists);
                    relay.window.decoded(ticket, block, lists);
                    publish(relay);
                } else {
                    relay.window.give_back(block, lists);
                }
            }
            Job::Over => break,
        }
    }
    drop(alarm);
    (ingest, shard)
}

/// The serial part: record borders of one block.
fn walk(relay: &Relay<'_>, ticket: u64, block: &mut crate::wire::capture::Block) -> bool {
    let mut baton = relay.baton.lock().unwrap_or_else(PoisonError::into_inner);
    let more = !relay.progress.is_stopped() && baton.walk(relay.feed, block);
    if more {
        relay.progress.update(baton.bytes_done(), block.len() as u64);
    }
    drop(baton);
    relay.window.pass_baton(ticket, more);
    more
}

/// Brings all decoded blocks whose turn it is through the fragment stage. Whoever comes does the work for all; who
/// comes too late finds nothing left to do.
fn publish(relay: &Relay<'_>) {
    let mut fragments = relay.fragments.lock().unwrap_or_else(PoisonError::into_inner);
    while let Some((ticket, block, mut lists)) = relay.window.next_for_fragments() {
        fragments.block(&mut lists);
        relay.window.publish(ticket, block, lists);
    }
}

/// Tells the events block by block, in order of the input, as soon as all owners have done a block.
fn collect(
    inbox: &Receiver<Report>,
    owners: usize,
    collector: &mut Collector,
    sink: &mut dyn Sink,
) -> io::Result<()> {
    let mut waiting: BTreeMap<u64, (usize, Vec<Event>)> = BTreeMap::new();
    let mut turn = 0;
    for mut report in inbox {
        let (heard, events) = waiting.entry(report.ticket).or_default();
        *heard += 1;
        events.append(&mut report.events);
        while waiting.get(&turn).is_some_and(|(heard, _)| *heard == owners) {
            let (_, mut events) = waiting.remove(&turn).unwrap_or_default();
            events.sort_by_key(|event| event.moment);
            collector.absorb(events, sink)?;
            turn += 1;
        }
    }
    Ok(())
}

/// Raises the window's alarm when its worker panics, so that nobody waits for it.
struct Alarm<'a>(&'a Window);

impl Drop for Alarm<'_> {
    fn drop(&mut self) {
        if thread::panicking() {
            self.0.fail();
        }
    }
}
