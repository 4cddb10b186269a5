//! Front half of the walk: the packets of one block decoded and listed by their owner. Any worker does it, in any
//! order; nothing here depends on other blocks.

use foldhash::quality::RandomState;

use super::seen::Seen;
use crate::{
    ground::model::{
        decoded::{Decoded, NoFlow},
        key,
        packet::{Ordinal, PacketHead},
        tally::{Count, Tally},
        time::Timestamp,
    },
    wire::{
        capture::Block,
        decode::{Decodings, Inner, Piece, Reassembler, decode},
    },
};

/// One packet in an owner's list.
#[derive(Debug)]
pub struct Item {
    /// Its place in the block, where its bytes lie.
    pub index: u32,
    /// Its headers.
    pub packet: Decoded,
}

/// A sweep that all owners do before the packet at `index`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sweep {
    /// Place in the block.
    pub index: u32,
    /// The frame at that place: it names the moment.
    pub at: Ordinal,
    /// Reader clock.
    pub clock: Timestamp,
}

/// One block's packets, by owner. Recycled.
#[derive(Debug, Default)]
pub struct Lists {
    /// One list for each owner, in the order of the block.
    pub owners: Vec<Vec<Item>>,
    /// Fragments, in the order of the block: they go through the one reassembler before the lists are final.
    pub pieces: Vec<(u32, Box<Piece>)>,
    /// Sweeps, in the order of the block.
    pub sweeps: Vec<Sweep>,
}

impl Lists {
    fn reset(&mut self, owners: usize) {
        self.owners.resize_with(owners, Vec::new);
        self.owners.iter_mut().for_each(Vec::clear);
        self.pieces.clear();
        self.sweeps.clear();
    }
}

/// One worker's front half.
#[derive(Debug)]
pub struct Ingest {
    owners: usize,
    spread: RandomState,
    decodings: Decodings,
    tally: Tally,
    seen: Seen,
}

impl Ingest {
    /// A front half that spreads over so many owners. All workers of a run share `spread`.
    #[must_use]
    pub fn new(owners: usize, spread: RandomState) -> Self {
        Self {
            owners,
            spread,
            decodings: Decodings::default(),
            tally: Tally::default(),
            seen: Seen::default(),
        }
    }

    /// Decodes a block into lists.
    pub fn block(&mut self, block: &Block, lists: &mut Lists) {
        lists.reset(self.owners);
        for tick in block.ticks() {
            let at = block.head(tick.before as usize).ordinal;
            lists.sweeps.push(Sweep { index: tick.before, at, clock: tick.clock });
        }
        for index in 0..block.len() {
            let head = block.head(index);
            self.tally.read.frame(head.wire_len);
            self.seen.frame(&head);
            decode(block.bytes(index), &head, &mut self.decodings);
            self.list(index as u32, &head, lists);
        }
    }

    fn list(&mut self, index: u32, head: &PacketHead, lists: &mut Lists) {
        for carrier in self.decodings.carriers.drain(..) {
            self.seen.carrier(&carrier);
            push(&mut lists.owners, &self.spread, index, carrier);
        }
        match &self.decodings.inner {
            // The decoder's place stays as it is: writing it anew for each packet costs more than the copy.
            Inner::Flow(packet) => {
                self.seen.packet(packet);
                push(&mut lists.owners, &self.spread, index, packet.clone());
            }
            Inner::Fragment(_) => {
                if let Inner::Fragment(piece) = std::mem::take(&mut self.decodings.inner) {
                    lists.pieces.push((index, piece));
                }
            }
            Inner::NoFlow(reason, number) => self.no_flow(*reason, *number, head.wire_len),
        }
    }

    fn no_flow(&mut self, reason: NoFlow, number: u16, wire_len: u32) {
        self.tally.no_flow(reason, wire_len);
        if number != 0 {
            *self.tally.unknown_types.entry((reason, number)).or_default() += 1;
        }
    }

    /// What this half counted.
    #[must_use]
    pub fn finish(self) -> (Tally, Seen) {
        (self.tally, self.seen)
    }
}

fn push(owners: &mut [Vec<Item>], spread: &RandomState, index: u32, packet: Decoded) {
    // An ICMP error goes to the owner of the flow it quotes (RULES 11).
    let tuple = packet.about.as_ref().unwrap_or(&packet.tuple);
    let owner = if owners.len() == 1 { 0 } else { key::owner(tuple, spread, owners.len()) };
    if let Some(list) = owners.get_mut(owner) {
        list.push(Item { index, packet });
    }
}

/// The one stage that is in order: fragments put together across blocks (RULES 15).
#[derive(Debug)]
pub struct Fragments {
    reassembler: Reassembler,
    spread: RandomState,
    finished: Vec<Decodings>,
    seen: Seen,
}

impl Fragments {
    /// The stage of a run.
    #[must_use]
    pub fn new(spread: RandomState) -> Self {
        Self { reassembler: Reassembler::new(), spread, finished: Vec::new(), seen: Seen::default() }
    }

    /// Puts the block's fragments together and the results into its lists. Called for every block, in order.
    pub fn block(&mut self, lists: &mut Lists) {
        if lists.pieces.is_empty() && self.reassembler.waiting() == 0 {
            return;
        }
        let Lists { owners, pieces, sweeps } = lists;
        let before: Vec<usize> = owners.iter().map(Vec::len).collect();
        let mut sweeps = sweeps.iter().peekable();
        for (index, piece) in pieces.drain(..) {
            while let Some(sweep) = sweeps.next_if(|sweep| sweep.index <= index) {
                self.reassembler.expire(sweep.clock, &mut self.finished);
                self.place(sweep.index, owners);
            }
            self.reassembler.push(piece, &mut self.finished);
            self.place(index, owners);
        }
        for sweep in sweeps {
            self.reassembler.expire(sweep.clock, &mut self.finished);
            self.place(sweep.index, owners);
        }
        for (list, before) in owners.iter_mut().zip(before) {
            if list.len() > before {
                // Stable: what a frame completed stands behind what the frame held itself.
                list.sort_by_key(|item| item.index);
            }
        }
    }

    /// End of the input: what never completed, as one last list.
    pub fn finish(&mut self, owners: usize) -> Vec<Vec<Item>> {
        let mut lists = Vec::new();
        lists.resize_with(owners, Vec::new);
        self.reassembler.finish(&mut self.finished);
        self.place(u32::MAX, &mut lists);
        lists
    }

    /// What this stage counted.
    #[must_use]
    pub fn into_seen(self) -> Seen {
        self.seen
    }

    fn place(&mut self, index: u32, owners: &mut [Vec<Item>]) {
        for mut decodings in self.finished.drain(..) {
            for carrier in decodings.carriers.drain(..) {
                self.seen.carrier(&carrier);
                push(owners, &self.spread, index, carrier);
            }
            match decodings.inner {
                Inner::Flow(packet) => {
                    self.seen.packet(&packet);
                    push(owners, &self.spread, index, packet);
                }
                // The reassembler gives flows only, complete or portless.
                Inner::NoFlow(..) | Inner::Fragment(_) => {}
            }
        }
    }
}

/// Frames and bytes that a packet stands for: its own frame, and the fragments before it.
#[must_use]
pub fn frames_of(packet: &Decoded) -> Count {
    Count {
        packets: 1 + u64::from(packet.fragments),
        bytes: u64::from(packet.head.wire_len) + packet.fragments_wire_bytes,
    }
}
