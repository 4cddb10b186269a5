//! The blocks in flight: who may read the next, who walks, what is published, what each owner has done.
//!
//! One lock, taken a few times a block (256 KiB, hundreds to thousands of packets), never per packet.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
};

use crate::{run::engine::ingest::Lists, wire::capture::Block};

/// A block whose lists are final: all owners may take theirs.
#[derive(Debug)]
pub(super) struct Published {
    pub(super) ticket: u64,
    pub(super) block: Block,
    pub(super) lists: Lists,
}

/// What a worker does next.
#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "one at a time, and its buffers are recycled")]
pub(super) enum Job {
    /// Its own list of the next block.
    Own(Arc<Published>),
    /// Read and decode this block.
    Read(u64, Block, Lists),
    /// Nothing: the input is over and all its lists are done.
    Over,
}

/// The window. Invariant: done by the slowest owner ≤ published < next ticket ≤ done by the slowest + capacity.
#[derive(Debug)]
pub(super) struct Window {
    state: Mutex<State>,
    changed: Condvar,
    capacity: u64,
    /// Blocks are read by whoever holds the baton: a ticket is given out when it is due. Until then its worker is free.
    is_serial: bool,
}

#[derive(Debug, Default)]
struct State {
    next_ticket: u64,
    walk_turn: u64,
    /// Decoded blocks that wait for earlier ones to go through the fragment stage.
    decoded: BTreeMap<u64, (Block, Lists)>,
    publish_turn: u64,
    published: VecDeque<Arc<Published>>,
    /// Ticket of the first one in `published`.
    base: u64,
    /// For each owner: the next block it needs.
    done: Vec<u64>,
    /// Number of blocks, once the end was met.
    over_at: Option<u64>,
    pool: Vec<(Block, Lists)>,
    failed: bool,
}

impl Window {
    pub(super) fn new(owners: usize, capacity: usize, is_serial: bool) -> Self {
        let state = State { done: vec![0; owners], ..State::default() };
        Self { state: Mutex::new(state), changed: Condvar::new(), capacity: capacity as u64, is_serial }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // A worker that panicked has raised `failed`; the counters themselves are never left half changed.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next job of an owner: its own list first, else a block to read. Waits when there is neither.
    pub(super) fn next_job(&self, owner: usize) -> Job {
        let mut state = self.lock();
        loop {
            let wanted = state.done[owner];
            if state.failed || state.over_at == Some(wanted) {
                return Job::Over;
            }
            if let Some(published) = state.published.get((wanted - state.base) as usize) {
                return Job::Own(published.clone());
            }
            let slowest = state.done.iter().copied().min().unwrap_or_default();
            let is_due = !self.is_serial || state.walk_turn == state.next_ticket;
            if state.over_at.is_none() && is_due && state.next_ticket < slowest + self.capacity {
                let ticket = state.next_ticket;
                state.next_ticket += 1;
                let (block, lists) = state.pool.pop().unwrap_or_else(|| (Block::new(), Lists::default()));
                return Job::Read(ticket, block, lists);
            }
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Waits until this ticket may walk. False when the input is over or the run has failed: the ticket is void.
    pub(super) fn wait_for_baton(&self, ticket: u64) -> bool {
        let mut state = self.lock();
        while state.walk_turn != ticket && !state.failed && state.over_at.is_none() {
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        !state.failed && state.over_at.is_none()
    }

    /// Hands the baton on; without `more` the input is over and this ticket held nothing.
    pub(super) fn pass_baton(&self, ticket: u64, more: bool) {
        let mut state = self.lock();
        if more {
            state.walk_turn = ticket + 1;
        } else {
            state.over_at = Some(ticket);
        }
        drop(state);
        self.changed.notify_all();
    }

    /// Buffers of a void ticket come back.
    pub(super) fn give_back(&self, block: Block, lists: Lists) {
        self.lock().pool.push((block, lists));
    }

    /// A block is decoded; it waits for its turn in the fragment stage.
    pub(super) fn decoded(&self, ticket: u64, block: Block, lists: Lists) {
        self.lock().decoded.insert(ticket, (block, lists));
    }

    /// The block whose turn in the fragment stage it is, if it is decoded. The caller holds the stage.
    pub(super) fn next_for_fragments(&self) -> Option<(u64, Block, Lists)> {
        let mut state = self.lock();
        let turn = state.publish_turn;
        let (block, lists) = state.decoded.remove(&turn)?;
        Some((turn, block, lists))
    }

    /// The lists are final.
    pub(super) fn publish(&self, ticket: u64, block: Block, lists: Lists) {
        let mut state = self.lock();
        state.published.push_back(Arc::new(Published { ticket, block, lists }));
        state.publish_turn = ticket + 1;
        drop(state);
        self.changed.notify_all();
    }

    /// An owner has done its list; the last one gives the block back.
    pub(super) fn done(&self, owner: usize, published: Arc<Published>) {
        let mut state = self.lock();
        state.done[owner] = published.ticket + 1;
        drop(published);
        let slowest = state.done.iter().copied().min().unwrap_or_default();
        while state.base < slowest {
            state.base += 1;
            if let Some(Ok(published)) = state.published.pop_front().map(Arc::try_unwrap) {
                state.pool.push((published.block, published.lists));
            }
        }
        drop(state);
        self.changed.notify_all();
    }

    /// Ends the run early: every wait returns.
    pub(super) fn fail(&self) {
        self.lock().failed = true;
        self.changed.notify_all();
    }
}
