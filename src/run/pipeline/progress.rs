//! How far a run is: numbers that another thread may read at any time.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// Counters of a run in progress, and the flag that stops it.
#[derive(Debug, Default)]
pub struct Progress {
    bytes: AtomicU64,
    packets: AtomicU64,
    flows: AtomicU64,
    stop: AtomicBool,
}

impl Progress {
    /// Bytes of the input that were read.
    pub fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    /// Packets that were read.
    pub fn packets(&self) -> u64 {
        self.packets.load(Ordering::Relaxed)
    }

    /// Flows that have begun.
    pub fn flows(&self) -> u64 {
        self.flows.load(Ordering::Relaxed)
    }

    /// Asks the run to end after the blocks in flight; what was read is judged and told.
    pub fn stop(&self) {
        self.stop.store(true, Ordering::Relaxed);
    }

    pub(super) fn is_stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    pub(super) fn opened(&self, flows: u64) {
        self.flows.fetch_add(flows, Ordering::Relaxed);
    }

    pub(super) fn update(&self, bytes: u64, packets: u64) {
        self.bytes.store(bytes, Ordering::Relaxed);
        self.packets.fetch_add(packets, Ordering::Relaxed);
    }
}
