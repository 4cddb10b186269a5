//! A flow's bytes on their way to its identity, until no later byte can change it.

use std::{
    net::IpAddr,
    panic::{AssertUnwindSafe, catch_unwind},
};

use crate::{
    ground::model::{
        address::Transport,
        cause::Cause,
        decoded::Decoded,
        folded::Folded,
        identity::{Identity, Marks, Notes},
        key::{Endpoint, Side},
        packet::Ordinal,
        sighting::Sighting,
        time::Timestamp,
    },
    wire::{
        flow::{Chunk, Rest},
        identify::inspection::{Inspection, PortHint, Unclaimed},
    },
};

/// What is kept for one flow: two words, and a box only for those that are being read or that showed something.
#[derive(Debug)]
pub(super) enum Reading {
    /// Nobody has claimed a byte yet; those of a stream lie with the flow, and are given again.
    Unclaimed(Unclaimed),
    /// Being read.
    Open(Box<Open>),
    /// Settled: the reader is gone.
    Settled(Settled),
    /// A reader failed: the flow is not read on (RULES 38).
    Failed(Box<Identity>),
}

/// What is kept while bytes are read.
#[derive(Debug)]
pub(super) struct Open {
    inspection: Inspection,
    identity: Identity,
}

/// What was read. `bool`: a protocol was recognised before.
#[derive(Debug)]
pub(super) enum Settled {
    /// Nobody knew the bytes; their port may hint at something. Most of a crowd of unknown flows is this.
    Opaque(PortHint),
    /// All of it.
    Whole(Box<Identity>, bool),
    /// All of it, folded.
    Folded(Box<Folded>, bool),
}

/// An open reading that is in use by no flow, with the buffers it has: flows that keep none take turns with it.
pub(super) type Spare = Option<Box<Open>>;

impl Default for Reading {
    fn default() -> Self {
        Self::Unclaimed(Unclaimed::default())
    }
}

impl Settled {
    /// In a crowd what showed more than a few words is folded too.
    fn new(identity: Identity, is_known: bool, is_crowded: bool) -> Self {
        if let Some(hint) = PortHint::of(&identity).filter(|_| !is_known) {
            return Self::Opaque(hint);
        }
        match is_crowded || identity.holds_little() {
            true => Self::Folded(Box::new(Folded::new(identity)), is_known),
            false => Self::Whole(Box::new(identity), is_known),
        }
    }

    fn into_identity(self) -> (Identity, bool) {
        match self {
            Self::Opaque(hint) => {
                let mut identity = Identity::default();
                (identity.app, identity.basis) = hint.told();
                identity.marks = Marks::OPAQUE;
                (identity, false)
            }
            Self::Whole(identity, is_known) => (*identity, is_known),
            Self::Folded(folded, is_known) => (folded.unfold(), is_known),
        }
    }
}

impl Reading {
    /// Opens a settled flow again; false when there is nothing to open.
    pub(super) fn reopen(&mut self, packet: &Decoded, sender: Side) -> bool {
        let settled = match std::mem::take(self) {
            Self::Settled(settled) => settled,
            other => {
                *self = other;
                return false;
            }
        };
        let (identity, is_known) = settled.into_identity();
        let ports = ends(packet, sender).map(|end| end.port);
        let inspection = Inspection::anew(packet.tuple.transport, ports, is_known);
        *self = Self::Open(Box::new(Open { inspection, identity }));
        true
    }

    /// Takes bytes in order, a hole, or a second reading of the same bytes. `sender` sent the packet that brought it; unless
    /// `is_shown`, what only flow lines show is left out.
    pub(super) fn chunk(
        &mut self,
        chunk: Chunk<'_>,
        sender: Side,
        packet: &Decoded,
        is_shown: bool,
        spare: &mut Spare,
    ) {
        let ends = ends(packet, sender);
        self.open(packet.tuple.transport, ends, spare);
        self.give(chunk, ends.map(|end| end.addr), (packet.head.ordinal, packet.head.at), is_shown);
    }

    /// Opens a reading of which nothing is kept but where it stood.
    fn open(&mut self, transport: Transport, ends: [Endpoint; 2], spare: &mut Spare) {
        let Self::Unclaimed(unclaimed) = *self else { return };
        let ports = ends.map(|end| end.port);
        let mut open = spare.take().unwrap_or_else(|| {
            let inspection = Inspection::new(transport, ports);
            Box::new(Open { inspection, identity: Identity::default() })
        });
        open.inspection.begin(transport, ports);
        open.inspection.take_up(unclaimed);
        *self = Self::Open(open);
    }

    /// `ends`: addresses of opener and answerer. What is told of others is told to the end that did not say it: a chunk may
    /// belong to the other end than the packet that let it go.
    fn give(
        &mut self,
        chunk: Chunk<'_>,
        ends: [IpAddr; 2],
        (at, when): (Ordinal, Timestamp),
        is_shown: bool,
    ) {
        let Self::Open(open) = self else { return };
        let (Chunk::Bytes { side: said_by, .. }
        | Chunk::Again { side: said_by, .. }
        | Chunk::Gap { side: said_by, .. }
        | Chunk::Variant { side: said_by, .. }) = chunk;
        let Open { inspection, identity } = &mut **open;
        // A panic in a reader costs this flow, not the run: what it wrote before stays, and the cause lifts the verdict.
        let read = catch_unwind(AssertUnwindSafe(|| {
            let mut notes = Notes::new(identity, at, when).shown(is_shown);
            match chunk {
                Chunk::Bytes { side, bytes } => inspection.bytes(bytes, side, &mut notes),
                Chunk::Again { side, bytes } => inspection.give_back(bytes, side),
                Chunk::Gap { side, missing } => inspection.gap(missing, side, &mut notes),
                Chunk::Variant { side, prefix } => inspection.variant(side, prefix, None, &mut notes),
            }
        }));
        let told_to = ends[said_by.other().index()];
        identity.sightings.iter_mut().for_each(|sighting| {
            sighting.told_to.get_or_insert(told_to);
        });
        if read.is_err() {
            identity.causes.add(Cause::ParserPanic);
            *self = Self::Failed(Box::new(std::mem::take(identity)));
        }
    }

    /// False when reading has come to its end; the stream's buffers can go.
    #[must_use]
    pub(super) const fn needs_bytes(&self) -> bool {
        match self {
            Self::Unclaimed(_) => true,
            Self::Open(open) => open.inspection.needs_bytes(),
            Self::Settled(_) | Self::Failed(_) => false,
        }
    }

    /// A packet is over. What nobody has claimed is let go, for the flow has the bytes; true when it must give them again.
    pub(super) fn rest(&mut self, spare: &mut Spare) -> bool {
        if let Self::Open(open) = self
            && let Some(unclaimed) = open.inspection.unclaimed().filter(|_| open.identity.is_blank())
            && let Self::Open(open) = std::mem::replace(self, Self::Unclaimed(unclaimed))
        {
            *spare = Some(open);
        }
        matches!(self, Self::Unclaimed(unclaimed) if unclaimed.has_bytes())
    }

    /// The streams are gone; what was read stands until a new handshake opens the flow again.
    pub(super) fn settle(&mut self, is_crowded: bool, spare: &mut Spare) {
        if let Self::Open(open) = self {
            let identity = std::mem::take(&mut open.identity);
            let settled = Settled::new(identity, open.inspection.is_known(), is_crowded);
            if let Self::Open(open) = std::mem::replace(self, Self::Settled(settled)) {
                *spare = Some(open);
            }
        }
    }

    /// What was read so far, unless it is folded.
    #[must_use]
    pub(super) fn shown(&self) -> Option<&Identity> {
        match self {
            Self::Open(open) => Some(&open.identity),
            Self::Settled(Settled::Whole(identity, _)) | Self::Failed(identity) => Some(identity),
            Self::Unclaimed(_) | Self::Settled(_) => None,
        }
    }

    /// What was told about others since the last call.
    pub(super) fn take_sightings(&mut self) -> Vec<Sighting> {
        match self {
            Self::Open(open) => std::mem::take(&mut open.identity.sightings),
            Self::Failed(identity) => std::mem::take(&mut identity.sightings),
            Self::Unclaimed(_) | Self::Settled(_) => Vec::new(),
        }
    }

    /// The flow is over: what was still held is read, what was begun is noted.
    #[must_use]
    pub(super) fn finish(
        mut self,
        rest: &[Rest],
        transport: Transport,
        ends: [Endpoint; 2],
        last: (Ordinal, Timestamp),
        is_shown: bool,
    ) -> Identity {
        for piece in rest {
            self.open(Transport::TCP, ends, &mut None);
            self.give(piece.chunk(), ends.map(|end| end.addr), last, is_shown);
        }
        let mut open = match self {
            Self::Unclaimed(unclaimed) if unclaimed == Unclaimed::default() => return Identity::default(),
            // The bytes had to be let go for want of room: nobody knew them.
            Self::Unclaimed(unclaimed) if unclaimed.has_bytes() => {
                return Settled::Opaque(PortHint::NONE).into_identity().0;
            }
            Self::Unclaimed(unclaimed) => {
                let mut inspection = Inspection::new(transport, ends.map(|end| end.port));
                inspection.take_up(unclaimed);
                Box::new(Open { inspection, identity: Identity::default() })
            }
            Self::Open(open) => open,
            Self::Settled(settled) => return settled.into_identity().0,
            Self::Failed(identity) => return *identity,
        };
        let Open { inspection, identity } = &mut *open;
        let finished = catch_unwind(AssertUnwindSafe(|| {
            inspection.finish(&mut Notes::new(identity, last.0, last.1).shown(is_shown));
        }));
        if finished.is_err() {
            identity.causes.add(Cause::ParserPanic);
        }
        open.identity
    }
}

/// Opener and answerer of a packet's flow.
fn ends(packet: &Decoded, sender: Side) -> [Endpoint; 2] {
    match sender {
        Side::Opener => [packet.tuple.source, packet.tuple.target],
        Side::Answerer => [packet.tuple.target, packet.tuple.source],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flow_that_showed_nothing_costs_two_words() {
        assert_eq!(size_of::<Reading>(), 16);
    }
}
