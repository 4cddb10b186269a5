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

/// What is kept for one flow. Nothing is allocated for a flow that never spoke.
#[derive(Debug, Default)]
pub(super) struct Reading {
    stage: Stage,
    identity: Option<Box<Identity>>,
}

#[derive(Debug, Default)]
enum Stage {
    /// No byte yet.
    #[default]
    Silent,
    /// Being read.
    Open(Box<Inspection>),
    /// Settled; kept small, for it may open again (RULES 24).
    Settled(Box<Inspection>),
    /// A reader failed: the flow is not read on (RULES 38).
    Failed,
}

impl Reading {
    /// Opens a settled flow again; false when there is nothing to open.
    pub(super) fn reopen(&mut self) -> bool {
        let Stage::Settled(inspection) = &mut self.stage else { return false };
        inspection.reopen();
        if let Stage::Settled(inspection) = std::mem::take(&mut self.stage) {
            self.stage = Stage::Open(inspection);
        }
        true
    }

    /// Takes bytes in order, a hole, or a second reading of the same bytes. `sender` sent the packet that brought it.
    pub(super) fn chunk(&mut self, chunk: Chunk<'_>, sender: Side, packet: &Decoded) {
        let mut ends = [packet.tuple.source, packet.tuple.target];
        if sender == Side::Answerer {
            ends.reverse();
        }
        if matches!(self.stage, Stage::Silent) {
            let ports = ends.map(|end| end.port);
            self.stage = Stage::Open(Box::new(Inspection::new(packet.tuple.transport, ports)));
        }
        let ends = ends.map(|end| end.addr);
        self.give(chunk, ends, (packet.head.ordinal, packet.head.at));
    }

    /// `ends`: addresses of opener and answerer. What is told of others is told to the end that did not say it: a chunk may
    /// belong to the other end than the packet that let it go.
    fn give(&mut self, chunk: Chunk<'_>, ends: [IpAddr; 2], (at, when): (Ordinal, Timestamp)) {
        let Stage::Open(inspection) = &mut self.stage else { return };
        let (Chunk::Bytes { side: said_by, .. }
        | Chunk::Gap { side: said_by, .. }
        | Chunk::Variant { side: said_by, .. }) = chunk;
        let identity = self.identity.get_or_insert_default();
        // A panic in a reader costs this flow, not the run: what it wrote before stays, and the cause lifts the verdict.
        let read = catch_unwind(AssertUnwindSafe(|| {
            let mut notes = Notes::new(identity, at, when);
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
    }

    /// False when reading has come to its end; the stream's buffers can go.
    #[must_use]
    pub(super) const fn needs_bytes(&self) -> bool {
        match &self.stage {
            Stage::Silent => true,
            Stage::Open(inspection) => inspection.needs_bytes(),
            Stage::Settled(_) | Stage::Failed => false,
        }
    }

    /// The streams are gone; what was read stands until a new handshake opens the flow again.
    pub(super) fn settle(&mut self) {
        self.stage = match std::mem::take(&mut self.stage) {
            Stage::Open(inspection) => Stage::Settled(inspection),
            other => other,
        };
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
    ) -> Identity {
        for piece in rest {
            if matches!(self.stage, Stage::Silent) {
                let ports = ends.map(|end| end.port);
                self.stage = Stage::Open(Box::new(Inspection::new(Transport::TCP, ports)));
            }
            self.give(piece.chunk(), ends.map(|end| end.addr), last);
        }
        let mut identity = self.identity.take().unwrap_or_default();
        if let Stage::Open(mut inspection) = self.stage {
            let finished = catch_unwind(AssertUnwindSafe(|| {
                inspection.finish(&mut Notes::new(&mut identity, last.0, last.1));
            }));
            if finished.is_err() {
                identity.causes.add(Cause::ParserPanic);
            }
        }
        *identity
    }
}
