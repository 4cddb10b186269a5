//! Front half of the walk: the packets of one block decoded and listed by their owner. Any worker does it, in any
//! order; nothing here depends on other blocks.

use super::seen::Seen;
use crate::{
    ground::model::{
        decoded::{Decoded, NoFlow},
        limits::{FRAGMENT_DATAGRAMS_MAX, Limits},
        packet::{Ordinal, PacketHead},
        tally::{Count, Tally},
        time::Timestamp,
    },
    wire::{
        capture::Block,
        decode::{Decodings, Inner, Piece, Reassembler, decode},
        flow::{Settings, Spot},
    },
};

/// One packet in an owner's list: where it lies, and where its flow is. Packets are decoded in their place and never
/// moved.
#[derive(Clone, Copy, Debug)]
pub struct Item {
    /// Place of its frame in the block.
    pub index: u32,
    /// Where its flow is to be looked for.
    pub spot: Spot,
    /// Place among the decodings.
    place: u32,
    /// Which outer layer, or [`INNERMOST`].
    layer: u8,
}

impl Item {
    /// Orders the packets of one frame and of what it completed, whoever owns their flows.
    #[must_use]
    pub const fn order(&self) -> u64 {
        (self.place as u64) << 8 | self.layer as u64
    }
}

/// The innermost packet of a frame; outer layers are far fewer (`limits::TUNNEL_DEPTH_MAX`).
const INNERMOST: u8 = u8::MAX;

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
    /// What each frame of the block held, then what fragments completed.
    decodings: Vec<Decodings>,
    /// How many of them are the frames'.
    frames: usize,
    /// One list for each owner, in the order of the block.
    owners: Vec<Vec<Item>>,
    /// Fragments, in the order of the block: they go through the one reassembler before the lists are final.
    pieces: Vec<(u32, Box<Piece>)>,
    sweeps: Vec<Sweep>,
}

impl Lists {
    /// An owner's packets in the order of the block.
    #[must_use]
    pub fn of(&self, owner: usize) -> &[Item] {
        self.owners.get(owner).map_or(&[], Vec::as_slice)
    }

    /// The packet of an item of these lists.
    #[must_use]
    pub fn packet(&self, item: &Item) -> Option<&Decoded> {
        let decodings = self.decodings.get(item.place as usize)?;
        match (item.layer, &decodings.inner) {
            (INNERMOST, Inner::Flow(packet)) => Some(packet),
            (layer, _) => decodings.carriers.get(usize::from(layer)),
        }
    }

    /// Sweeps, in the order of the block.
    #[must_use]
    pub fn sweeps(&self) -> &[Sweep] {
        &self.sweeps
    }

    fn reset(&mut self, owners: usize) {
        self.owners.resize_with(owners, Vec::new);
        self.owners.iter_mut().for_each(Vec::clear);
        // The frames' places are used again as they are; datagrams put together would be held for nothing.
        self.decodings.truncate(self.frames);
        self.frames = 0;
        self.pieces.clear();
        self.sweeps.clear();
    }

    /// The place of the block's next frame.
    fn next_place(&mut self) -> usize {
        let place = self.frames;
        if place == self.decodings.len() {
            self.decodings.push(Decodings::default());
        }
        self.frames += 1;
        place
    }

    /// Enters what stands at a place with the owners of its flows.
    fn enter(&mut self, index: u32, place: usize, settings: &Settings, seen: &mut Seen) {
        let Self { decodings, owners, .. } = self;
        let decodings = &decodings[place];
        let place = place as u32;
        let mut list = |packet: &Decoded, layer| {
            let spot = settings.spot(packet);
            let owner = settings.owner(&spot, owners.len());
            owners[owner].push(Item { index, spot, place, layer });
        };
        for (layer, carrier) in (0..).zip(&decodings.carriers) {
            seen.carrier(carrier);
            list(carrier, layer);
        }
        if let Inner::Flow(packet) = &decodings.inner {
            seen.packet(packet);
            list(packet, INNERMOST);
        }
    }
}

/// One worker's front half.
#[derive(Debug)]
pub struct Ingest {
    owners: usize,
    settings: Settings,
    tally: Tally,
    seen: Seen,
}

impl Ingest {
    /// A front half that spreads over so many owners, whose tables have these settings.
    #[must_use]
    pub fn new(owners: usize, settings: Settings) -> Self {
        Self { owners, settings, tally: Tally::default(), seen: Seen::default() }
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
            let place = lists.next_place();
            decode(block.bytes(index), &head, &mut lists.decodings[place]);
            self.list(index as u32, place, &head, lists);
        }
    }

    fn list(&mut self, index: u32, place: usize, head: &PacketHead, lists: &mut Lists) {
        lists.enter(index, place, &self.settings, &mut self.seen);
        match &mut lists.decodings[place].inner {
            Inner::Flow(_) => {}
            Inner::NoFlow(reason, number) => self.no_flow(*reason, *number, head.wire_len),
            inner @ Inner::Fragment(_) => {
                if let Inner::Fragment(piece) = std::mem::take(inner) {
                    lists.pieces.push((index, piece));
                }
            }
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

/// The one stage that is in order: fragments put together across blocks (RULES 15).
#[derive(Debug)]
pub struct Fragments {
    reassembler: Reassembler,
    settings: Settings,
    finished: Vec<Decodings>,
    seen: Seen,
}

impl Fragments {
    /// The stage of a run.
    #[must_use]
    pub fn new(settings: Settings) -> Self {
        Self::within(&Limits::default(), settings)
    }

    /// The stage of a run that may hold so much.
    #[must_use]
    pub fn within(limits: &Limits, settings: Settings) -> Self {
        let reassembler = Reassembler::with_limits(limits.fragment_bytes, FRAGMENT_DATAGRAMS_MAX);
        Self { reassembler, settings, finished: Vec::new(), seen: Seen::default() }
    }

    /// Puts the block's fragments together and the results into its lists. Called for every block, in order.
    pub fn block(&mut self, lists: &mut Lists) {
        if lists.pieces.is_empty() && self.reassembler.waiting() == 0 {
            return;
        }
        let before: Vec<usize> = lists.owners.iter().map(Vec::len).collect();
        let pieces = std::mem::take(&mut lists.pieces);
        let sweeps = std::mem::take(&mut lists.sweeps);
        let mut due = sweeps.iter().peekable();
        for (index, piece) in pieces {
            while let Some(sweep) = due.next_if(|sweep| sweep.index <= index) {
                self.reassembler.expire(sweep.clock, &mut self.finished);
                self.place(sweep.index, lists);
            }
            self.reassembler.push(piece, &mut self.finished);
            self.place(index, lists);
        }
        for sweep in due {
            self.reassembler.expire(sweep.clock, &mut self.finished);
            self.place(sweep.index, lists);
        }
        lists.sweeps = sweeps;
        for (list, before) in lists.owners.iter_mut().zip(before) {
            if list.len() > before {
                // Stable: what a frame completed stands behind what the frame held itself.
                list.sort_by_key(|item| item.index);
            }
        }
    }

    /// End of the input: what never completed, as one last block without frames.
    pub fn finish(&mut self, owners: usize) -> Lists {
        let mut lists = Lists::default();
        lists.reset(owners);
        self.reassembler.finish(&mut self.finished);
        self.place(u32::MAX, &mut lists);
        lists
    }

    /// What this stage counted.
    #[must_use]
    pub fn into_seen(self) -> Seen {
        self.seen
    }

    /// Puts what was finished behind the frames and lists it. The reassembler gives flows only, complete or portless.
    fn place(&mut self, index: u32, lists: &mut Lists) {
        for decodings in self.finished.drain(..) {
            let place = lists.decodings.len();
            lists.decodings.push(decodings);
            lists.enter(index, place, &self.settings, &mut self.seen);
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
