//! Several workers: the relay.

use std::{
    collections::{BTreeMap, VecDeque},
    io,
    sync::{Mutex, OnceLock, PoisonError},
    thread,
};

use super::{
    Plan, Progress, settings, telling,
    window::{Job, Window},
};
use crate::{
    ground::model::{limits, result::RunResult},
    run::engine::{
        collector::Collector,
        conclude::{Parts, conclude},
        event::Event,
        ingest::{Fragments, Ingest, Lists},
        shard::Shard,
        sink::Sink,
    },
    wire::capture::{Baton, Feed},
};
use crossbeam_channel::{Receiver, Sender, bounded};

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
    /// What the fragment stage held at the end.
    leftovers: OnceLock<Lists>,
    window: Window,
    progress: &'a Progress,
    workers: usize,
}

pub(super) fn run(
    feed: &Feed,
    baton: Baton,
    plan: &Plan,
    sink: &mut dyn Sink,
    progress: &Progress,
) -> io::Result<RunResult> {
    let settings = settings(plan);
    let relay = Relay {
        feed,
        baton: Mutex::new(baton),
        fragments: Mutex::new(Fragments::within(&plan.limits, settings.clone())),
        leftovers: OnceLock::new(),
        window: Window::new(plan.workers, plan.workers * limits::BLOCKS_PER_WORKER, feed.is_serial()),
        progress,
        workers: plan.workers,
    };
    let mut collector = Collector::new(plan.policy.clone(), plan.several_sensors).within(&plan.limits);
    let (reports, inbox) = bounded(plan.workers * limits::BLOCKS_PER_WORKER);
    let workers = thread::scope(|scope| -> io::Result<Vec<(Ingest, Shard)>> {
        let (mut handles, mut ends) = (Vec::new(), Vec::new());
        for owner in 0..plan.workers {
            let worker = Worker {
                owner,
                ingest: Ingest::new(plan.workers, settings.clone()),
                shard: Shard::new(settings.clone(), plan.policy.clone(), telling(plan, sink))
                    .announcing(sink.announces()),
            };
            let (last, end) = bounded(1);
            ends.push(end);
            let (relay, reports) = (&relay, reports.clone());
            let started = thread::Builder::new()
                .name(format!("worker-{owner}"))
                .spawn_scoped(scope, move || worker.work(relay, reports, &last));
            match started {
                Ok(handle) => handles.push(handle),
                Err(error) => {
                    relay.window.fail();
                    return Err(error);
                }
            }
        }
        drop(reports);
        let told = collect(&inbox, plan.workers, &mut collector, sink)
            .and_then(|()| merge(&ends, &mut collector, sink));
        if told.is_err() {
            relay.window.fail();
        }
        // Workers may wait for room in a queue that nobody reads any more: without its reader a queue lets go.
        drop((inbox, ends));
        let ended: Vec<_> = handles.into_iter().map(thread::ScopedJoinHandle::join).collect();
        told?;
        let failed =
            |_| io::Error::other("a worker failed; this is a fault of the program, the run is not complete");
        ended.into_iter().map(|worker| worker.map_err(failed)).collect()
    })?;
    collector.finish(sink)?;
    let fragments = relay.fragments.into_inner().unwrap_or_else(PoisonError::into_inner);
    let baton = relay.baton.into_inner().unwrap_or_else(PoisonError::into_inner);
    let mut parts = Parts { input: baton.finish(), ..Parts::default() };
    parts.seen.push(fragments.into_seen());
    for (ingest, shard) in workers {
        let (tally, seen) = ingest.finish();
        parts.tallies.push(tally);
        parts.seen.push(seen);
        let (tally, account) = shard.into_sums();
        parts.tallies.push(tally);
        parts.accounts.push(account);
    }
    Ok(conclude(collector, parts, plan.policy.as_deref(), &plan.demands))
}

/// One worker: it reads any block, and owns its flows.
struct Worker {
    owner: usize,
    ingest: Ingest,
    shard: Shard,
}

impl Worker {
    /// Its own list first, else the next block; at the end of the input its flows, part by part.
    fn work(
        mut self,
        relay: &Relay<'_>,
        reports: Sender<Report>,
        last: &Sender<Vec<Event>>,
    ) -> (Ingest, Shard) {
        let alarm = Alarm(&relay.window);
        let came_to_the_end = self.blocks(relay, &reports);
        drop(reports);
        if came_to_the_end {
            self.finish(relay, last);
        }
        drop(alarm);
        (self.ingest, self.shard)
    }

    /// False when the collector is gone.
    fn blocks(&mut self, relay: &Relay<'_>, reports: &Sender<Report>) -> bool {
        loop {
            match relay.window.next_job(self.owner) {
                Job::Own(published) => {
                    self.shard.block(&published.block, &published.lists, self.owner);
                    relay.progress.opened(self.shard.take_opened());
                    let report = Report { ticket: published.ticket, events: self.shard.take_events() };
                    relay.window.done(self.owner, published);
                    if reports.send(report).is_err() {
                        return false;
                    }
                }
                Job::Read(ticket, mut block, mut lists) => {
                    relay.feed.fill(ticket, &mut block);
                    if relay.window.wait_for_baton(ticket) && walk(relay, ticket, &mut block) {
                        self.ingest.block(&block, &mut lists);
                        relay.window.decoded(ticket, block, lists);
                        publish(relay);
                    } else {
                        relay.window.give_back(block, lists);
                    }
                }
                Job::Over => return true,
            }
        }
    }

    /// The input is over and every block is published, so whoever comes first takes what the fragment stage still holds.
    fn finish(&mut self, relay: &Relay<'_>, last: &Sender<Vec<Event>>) {
        let leftovers = relay.leftovers.get_or_init(|| {
            let mut fragments = relay.fragments.lock().unwrap_or_else(PoisonError::into_inner);
            fragments.finish(relay.workers)
        });
        self.shard.leftovers(leftovers, self.owner);
        if last.send(self.shard.take_events()).is_err() {
            return;
        }
        let mut remaining = self.shard.remaining();
        while !remaining.is_empty() {
            self.shard.finish_some(&mut remaining);
            if last.send(self.shard.take_events()).is_err() {
                return;
            }
        }
    }
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

/// Tells what the end of the input brings. Each owner's events are in order; the smallest of all heads is next, so no owner runs
/// ahead by more than its queue holds.
fn merge(ends: &[Receiver<Vec<Event>>], collector: &mut Collector, sink: &mut dyn Sink) -> io::Result<()> {
    let mut heads: Vec<VecDeque<Event>> = ends.iter().map(|_| VecDeque::new()).collect();
    loop {
        for (head, end) in heads.iter_mut().zip(ends) {
            while head.is_empty() {
                match end.recv() {
                    Ok(events) => head.extend(events),
                    Err(_) => break,
                }
            }
        }
        let next = heads
            .iter_mut()
            .filter(|head| !head.is_empty())
            .min_by_key(|head| head.front().map(|event| event.moment));
        let Some(event) = next.and_then(VecDeque::pop_front) else { return Ok(()) };
        collector.absorb([event], sink)?;
    }
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
