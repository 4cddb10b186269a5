//! A block: some packets of the input in their order, as slices of the bytes they were read into.

use std::sync::Arc;

use super::walker::Record;
use crate::ground::model::{
    packet::{InterfaceId, LinkType, Ordinal, PacketHead, SensorId},
    time::Timestamp,
};

/// A recycled buffer with the packets that begin in it.
///
/// [`Feed::fill`](super::Feed::fill) reads into it, [`Baton::walk`](super::Baton::walk) finds the packets; both clear
/// what the block held before and keep its memory.
#[derive(Debug, Default)]
pub struct Block {
    pub(super) own: Vec<u8>,
    /// Valid bytes of `own`.
    pub(super) filled: usize,
    /// The ticket `own` was filled for; `None` when it was not.
    pub(super) ticket: Option<u64>,
    pub(super) fault: Option<Fault>,
    /// Buffers of merged sources that packets of this block lie in.
    pub(super) shared: Vec<Arc<Vec<u8>>>,
    pub(super) entries: Vec<Entry>,
    pub(super) ticks: Vec<Tick>,
    pub(super) breaks: Vec<Break>,
    pub(super) first: u64,
}

/// A moment at which the reader clock crossed a multiple of `limits::SWEEP_EVERY` (RULES 16).
///
/// Ticks follow from the ordered packets alone, never from where blocks begin and end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tick {
    /// Index in the block of the packet that moved the clock: the tick comes before it.
    pub before: u32,
    /// The clock from here on.
    pub clock: Timestamp,
}

/// A damaged place in the input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Break {
    /// Index in the block of the first packet after the damage; the length of the block when none follows in it.
    pub before: u32,
    /// What is wrong, one of the codes of [`Damage`](crate::ground::model::coverage::Damage).
    pub what: &'static str,
}

/// Why a block holds fewer bytes than were asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// The file is shorter than when it was looked at.
    Shrunk,
    /// The file cannot be read any more, or it is another one now.
    Unreadable,
}

/// One packet of a block: 40 bytes.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Entry {
    pub(super) at: Timestamp,
    pub(super) offset: u32,
    pub(super) captured: u32,
    pub(super) wire: u32,
    pub(super) interface: InterfaceId,
    pub(super) age_secs: u32,
    /// 0: the block's own buffer; n: the nth shared one.
    pub(super) buffer: u16,
    pub(super) link: LinkType,
    pub(super) sensor: SensorId,
}

impl Block {
    /// A block without memory; it grows to `limits::BLOCK_LEN` and some slack at its first use.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Packets in it.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// True when it holds no packet; the input may still go on.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// What the capture says of packet `index`; all zero when there is none.
    #[must_use]
    pub fn head(&self, index: usize) -> PacketHead {
        self.entries
            .get(index)
            .map_or_else(PacketHead::default, |entry| entry.head(self.first + index as u64))
    }

    /// The number of packet `index` in the whole ordered input, whether it is there or not.
    #[must_use]
    pub const fn ordinal(&self, index: usize) -> Ordinal {
        Ordinal(self.first + index as u64)
    }

    /// The bytes of packet `index`; empty when there is none.
    #[must_use]
    pub fn bytes(&self, index: usize) -> &[u8] {
        self.entries.get(index).map_or(&[], |entry| self.slice(entry))
    }

    /// The packets in their order.
    pub fn packets(&self) -> impl Iterator<Item = (PacketHead, &[u8])> + '_ {
        (self.first..).zip(&self.entries).map(|(ordinal, entry)| (entry.head(ordinal), self.slice(entry)))
    }

    /// Where the reader clock moved on.
    #[must_use]
    pub fn ticks(&self) -> &[Tick] {
        &self.ticks
    }

    /// True when the input is damaged somewhere in this block.
    #[must_use]
    pub fn is_damaged(&self) -> bool {
        !self.breaks.is_empty()
    }

    /// The damaged places.
    #[must_use]
    pub fn breaks(&self) -> &[Break] {
        &self.breaks
    }

    /// Forgets its content and keeps its memory.
    pub(super) fn clear(&mut self) {
        self.filled = 0;
        self.ticket = None;
        self.fault = None;
        self.shared.clear();
        self.entries.clear();
        self.ticks.clear();
        self.breaks.clear();
        self.first = 0;
    }

    /// Makes a shared buffer part of the block and tells its number; `None` when it has too many already.
    pub(super) fn share(&mut self, buffer: &Arc<Vec<u8>>) -> Option<u16> {
        let number = u16::try_from(self.shared.len() + 1).ok()?;
        self.shared.push(Arc::clone(buffer));
        Some(number)
    }

    /// Writes down damage behind the packets found so far.
    pub(super) fn damaged(&mut self, what: &'static str) {
        self.breaks.push(Break::before(self.entries.len(), what));
    }

    fn slice(&self, entry: &Entry) -> &[u8] {
        let buffer = match usize::from(entry.buffer).checked_sub(1) {
            None => Some(&self.own),
            Some(number) => self.shared.get(number).map(Arc::as_ref),
        };
        let start = entry.offset as usize;
        buffer.and_then(|bytes| bytes.get(start..start + entry.captured as usize)).unwrap_or(&[])
    }
}

impl Break {
    pub(super) fn before(index: usize, what: &'static str) -> Self {
        Self { before: u32::try_from(index).unwrap_or(u32::MAX), what }
    }
}

impl Entry {
    /// A record at its place in time; it lies in the block's own buffer until a merge says otherwise.
    pub(super) fn new(record: &Record, at: Timestamp, wire: u32, age_secs: u32) -> Self {
        Self {
            at,
            offset: u32::try_from(record.offset).unwrap_or(u32::MAX),
            captured: record.captured,
            wire,
            interface: record.interface,
            age_secs,
            buffer: 0,
            link: record.link,
            sensor: record.sensor,
        }
    }

    const fn head(&self, ordinal: u64) -> PacketHead {
        PacketHead {
            ordinal: Ordinal(ordinal),
            at: self.at,
            wire_len: self.wire,
            captured_len: self.captured,
            link: self.link,
            interface: self.interface,
            sensor: self.sensor,
            source_age_secs: self.age_secs,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_index_entry_takes_forty_bytes() {
        assert!(size_of::<Entry>() <= 40);
    }

    #[test]
    fn a_packet_that_is_not_there_is_empty_and_no_panic() {
        let block = Block::new();
        assert_eq!(block.bytes(3), b"");
        assert_eq!(block.head(3), PacketHead::default());
    }
}
