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
        identity::{Identity, Notes},
        key::{Endpoint, Side},
        packet::Ordinal,
        sighting::Sighting,
        time::Timestamp,
    },
    wire::{
        flow::{Chunk, Rest},
        identify::inspection::Inspection,
    },
};

/// What is kept for one flow. Nothing is allocated for a flow that never spoke, and no identity for one that showed nothing.
#[derive(Debug, Default)]
pub(super) struct Reading {
    stage: Stage,
    /// What was read, unless it lies folded in [`Stage::Settled`].
    identity: Option<Box<Identity>>,
}

/// How far the reading is. `bool`: a protocol was recognised before the flow was opened again (RULES 24).
#[derive(Debug)]
enum Stage {
    /// No byte yet, or none since the flow was opened again.
    Silent(bool),
    /// Being read.
    Open(Box<Inspection>),
    /// Settled: the reader is gone, what it read may lie folded.
    Settled(Option<Box<Folded>>, bool),
    /// A reader failed: the flow is not read on (RULES 38).
    Failed,
}

impl Default for Stage {
    fn default() -> Self {
        Self::Silent(false)
    }
}

impl Reading {
    /// Opens a settled flow again; false when there is nothing to open.
    pub(super) fn reopen(&mut self) -> bool {
        let Stage::Settled(folded, is_known) = &mut self.stage else { return false };
        let (folded, is_known) = (folded.take(), *is_known);
        self.unfold(folded);
        self.stage = Stage::Silent(is_known);
        true
    }

    fn unfold(&mut self, folded: Option<Box<Folded>>) {
        if let Some(folded) = folded {
            self.identity = Some(Box::new(folded.unfold()));
        }
    }

    /// Takes bytes in order, a hole, or a second reading of the same bytes. `sender` sent the packet that brought it; unless
    /// `is_shown`, what only flow lines show is left out.
    pub(super) fn chunk(&mut self, chunk: Chunk<'_>, sender: Side, packet: &Decoded, is_shown: bool) {
        let mut ends = [packet.tuple.source, packet.tuple.target];
        if sender == Side::Answerer {
            ends.reverse();
        }
        self.begin(packet.tuple.transport, ends);
        self.give(chunk, ends.map(|end| end.addr), (packet.head.ordinal, packet.head.at), is_shown);
    }

    fn begin(&mut self, transport: Transport, ends: [Endpoint; 2]) {
        if let Stage::Silent(is_known) = self.stage {
            let inspection = Inspection::anew(transport, ends.map(|end| end.port), is_known);
            self.stage = Stage::Open(Box::new(inspection));
        }
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
        let Stage::Open(inspection) = &mut self.stage else { return };
        let (Chunk::Bytes { side: said_by, .. }
        | Chunk::Gap { side: said_by, .. }
        | Chunk::Variant { side: said_by, .. }) = chunk;
        let mut blank = None;
        let identity = match &mut self.identity {
            Some(identity) => &mut **identity,
            None => blank.insert(Identity::default()),
        };
        // A panic in a reader costs this flow, not the run: what it wrote before stays, and the cause lifts the verdict.
        let read = catch_unwind(AssertUnwindSafe(|| {
            let mut notes = Notes::new(identity, at, when).shown(is_shown);
            match chunk {
                Chunk::Bytes { side, bytes } => inspection.bytes(bytes, side, &mut notes),
                Chunk::Gap { side, missing } => inspection.gap(missing, side, &mut notes),
                Chunk::Variant { side, prefix } => inspection.variant(side, prefix, None, &mut notes),
            }
        }));
        if read.is_err() {
            self.stage = Stage::Failed;
            identity.causes.add(Cause::ParserPanic);
        }
        let told_to = ends[said_by.other().index()];
        identity.sightings.iter_mut().for_each(|sighting| {
            sighting.told_to.get_or_insert(told_to);
        });
        if let Some(identity) = blank.filter(|identity| !identity.is_blank()) {
            self.identity = Some(Box::new(identity));
        }
    }

    /// False when reading has come to its end; the stream's buffers can go.
    #[must_use]
    pub(super) const fn needs_bytes(&self) -> bool {
        match &self.stage {
            Stage::Silent(_) => true,
            Stage::Open(inspection) => inspection.needs_bytes(),
            Stage::Settled(..) | Stage::Failed => false,
        }
    }

    /// The streams are gone; what was read stands until a new handshake opens the flow again. In a crowd it is folded.
    pub(super) fn settle(&mut self, is_crowded: bool) {
        let Stage::Open(inspection) = &self.stage else { return };
        let is_known = inspection.is_known();
        let folds = |identity: &mut Box<Identity>| is_crowded || identity.holds_little();
        let folded = self.identity.take_if(folds).map(|identity| Box::new(Folded::new(*identity)));
        self.stage = Stage::Settled(folded, is_known);
    }

    /// What was read so far.
    #[must_use]
    pub(super) fn shown(&self) -> Option<&Identity> {
        self.identity.as_deref()
    }

    /// What was told about others since the last call.
    pub(super) fn take_sightings(&mut self) -> Vec<Sighting> {
        self.identity.as_mut().map(|identity| std::mem::take(&mut identity.sightings)).unwrap_or_default()
    }

    /// The flow is over: what was still held is read, what was begun is noted.
    #[must_use]
    pub(super) fn finish(
        mut self,
        rest: &[Rest],
        ends: [Endpoint; 2],
        last: (Ordinal, Timestamp),
        is_shown: bool,
    ) -> Identity {
        for piece in rest {
            self.begin(Transport::TCP, ends);
            self.give(piece.chunk(), ends.map(|end| end.addr), last, is_shown);
        }
        if let Stage::Settled(folded, _) = &mut self.stage {
            let folded = folded.take();
            self.unfold(folded);
        }
        let mut identity = self.identity.take().map_or_else(Identity::default, |identity| *identity);
        if let Stage::Open(mut inspection) = self.stage {
            let finished = catch_unwind(AssertUnwindSafe(|| {
                inspection.finish(&mut Notes::new(&mut identity, last.0, last.1).shown(is_shown));
            }));
            if finished.is_err() {
                identity.causes.add(Cause::ParserPanic);
            }
        }
        identity
    }
}
