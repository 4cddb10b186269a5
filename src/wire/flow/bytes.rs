//! Reading a flow's bytes, as the table offers it.

use super::{
    chunk::Chunk,
    entry::{HotMarks, NOWHERE},
    reading::{Arrival, Reading},
    settled::Repeat,
    streams::Streams,
    table::{Flows, Handle},
};
use crate::ground::model::{
    address::Transport,
    cause::{Cause, Causes},
    decoded::{Decoded, PacketMarks, TcpFlags},
    key::Side,
};

impl<S: Default> Flows<S> {
    /// Reads the packet that [`Flows::packet`] has just counted: to be called for every packet of a flow that is being
    /// read, with or without payload, for an acknowledgment moves the other end's stream.
    ///
    /// TCP is put in sequence; datagrams are passed on as they are. Duplicates and ICMP errors give nothing.
    pub fn read(
        &mut self,
        handle: Handle,
        packet: &Decoded,
        payload: &[u8],
        sink: &mut dyn FnMut(Chunk<'_>),
    ) {
        let now = self.now;
        let Some(hot) = self.hot.get(handle.0) else { return };
        let is_anew = hot.marks.has(HotMarks::READ_ANEW);
        if !hot.marks.has(HotMarks::READING)
            || now.ordinal != packet.head.ordinal
            || now.duplicate
            || packet.about.is_some() && hot.transport != packet.tuple.transport
        {
            return;
        }
        let Some(head) = &packet.tcp else {
            if hot.transport != Transport::TCP {
                self.datagram(handle.0, packet, payload, now.side, sink);
            } else if packet.marks.has(PacketMarks::CUT)
                && let Some(spoken) = self.speak(handle.0)
            {
                spoken.rare().causes.add(Cause::Snaplen);
            }
            return;
        };
        if head.flags.has(TcpFlags::SYN) && payload.is_empty() && !head.flags.has(TcpFlags::ACK) {
            return; // A scan must not cost a spoken part.
        }
        self.repeats(handle, packet, payload);
        if self.speak(handle.0).is_none() {
            return;
        }
        let partition = self.partition(handle.0);
        let place = self.hot.get(handle.0).map_or(NOWHERE, |hot| hot.spoken);
        let Some(spoken) = self.spoken.get_mut(place) else { return };
        let Some(partition) = self.partitions.get_mut(partition) else { return };
        if let Some(held) = spoken.held_copy(packet, now.side) {
            held.data.get_or_insert_with(|| payload.into());
            return;
        }
        if !spoken.streams.is_open() && payload.is_empty() && packet.payload_wire_len == 0 {
            return; // Nothing was said, and nothing waits: acknowledgments alone cost no streams.
        }
        let Some(tcp) = &mut spoken.tcp else { return };
        let mut reading = spoken.streams.take_or_begin(&mut partition.spare_reading);
        let arrival = Arrival { side: now.side, packet, head, payload, doubt: now.doubt };
        let mut causes = Causes::default();
        self.again.iter_mut().for_each(Vec::clear);
        for (side, bytes) in reading.delivered().filter(|_| is_anew) {
            if let Some(again) = self.again.get_mut(side.index()) {
                again.extend_from_slice(bytes);
            }
        }
        let mut again = self.again.iter().zip(Side::BOTH).filter(|(bytes, _)| !bytes.is_empty());
        reading.packet(&arrival, tcp, &mut causes, &mut |chunk| {
            for (bytes, side) in again.by_ref() {
                sink(Chunk::Again { side, bytes });
            }
            sink(chunk);
        });
        for (stream, side) in reading.streams.iter_mut().zip(Side::BOTH) {
            if let Some(parts) = stream.let_go(&self.hashers) {
                reading.settled.get_or_insert_default().add(side, &parts);
            }
        }
        if !causes.is_empty() {
            spoken.rare().causes.merge(&causes);
        }
        self.keep_reading(handle.0, reading);
    }

    /// Says whether the flow's reader remembers nothing of what it was given: then all of it is given again before the
    /// next bytes, one end after the other. To be said after a packet that was read.
    pub fn read_anew(&mut self, handle: Handle, is_anew: bool) {
        if let Some(hot) = self.hot.get_mut(handle.0) {
            hot.marks.set(HotMarks::READ_ANEW, is_anew && hot.marks.has(HotMarks::READING));
        }
    }

    /// True while the flow's bytes are wanted.
    #[must_use]
    pub fn is_reading(&self, handle: Handle) -> bool {
        self.hot.get(handle.0).is_some_and(|hot| hot.marks.has(HotMarks::READING))
    }

    /// The flow's bytes are wanted no more: its streams are let go, its counters go on. Variants that have grown since they
    /// were shown are shown now. What was read is remembered as far as [`Flows::repeats`] needs it.
    pub fn stop_reading(&mut self, handle: Handle, sink: &mut dyn FnMut(Chunk<'_>)) {
        let partition = self.partition(handle.0);
        let Some(hot) = self.hot.get_mut(handle.0) else { return };
        hot.marks.set(HotMarks::READING, false);
        hot.marks.set(HotMarks::READ_ANEW, false);
        let Some(spoken) = self.spoken.get_mut(hot.spoken) else { return };
        let Some(partition) = self.partitions.get_mut(partition) else { return };
        if let Some(mut reading) = spoken.streams.take_open(&mut partition.spare_reading) {
            reading.stop(sink);
            partition.stream_bytes -= reading.charged;
            let mut settled = reading.settled.take().unwrap_or_default();
            for (stream, side) in reading.streams.iter().zip(Side::BOTH) {
                settled.add(side, &stream.parts(&self.hashers));
            }
            if !settled.is_empty() {
                spoken.streams = Streams::Settled(settled);
            }
            if Streams::is_small(&reading) {
                reading.clear();
                partition.spare_reading = Some(reading);
            }
        }
    }

    /// True when the packet that [`Flows::packet`] has just counted begins with a copy of what was read before the flow
    /// settled: it says nothing new. Anything else in the place of what was read is a conflict, and noted.
    pub fn repeats(&mut self, handle: Handle, packet: &Decoded, payload: &[u8]) -> bool {
        let Some(at) = self.now.again else { return false };
        if payload.is_empty() || self.now.duplicate || !Self::may_resume(packet) {
            return false;
        }
        let spoken = self.hot.get(handle.0).and_then(|hot| self.spoken.get_mut(hot.spoken));
        let Some(spoken) = spoken else { return false };
        let Some(settled) = spoken.streams.settled() else { return false };
        match settled.compare(self.now.side, at, payload, &self.hashers) {
            Repeat::New => false,
            Repeat::Same => true,
            Repeat::Other => {
                spoken.rare().causes.add_with(Cause::OverlapConflict, "settled");
                false
            }
        }
    }

    /// The flow's bytes are wanted again, from this packet on (RULES 24): to be called between [`Flows::packet`] and
    /// [`Flows::read`].
    ///
    /// A SYN or a reset is no part of the stream, and beginning at its number would hide what the stream says next.
    pub fn resume_reading(&mut self, handle: Handle, packet: &Decoded) {
        let side = self.now.side;
        let Some(hot) = self.hot.get_mut(handle.0) else { return };
        if hot.marks.has(HotMarks::READING) || hot.marks.has(HotMarks::CARRIER) || !Self::may_resume(packet) {
            return;
        }
        hot.marks.set(HotMarks::READING, true);
        let Some(head) = &packet.tcp else { return };
        let Some(spoken) = self.speak(handle.0) else { return };
        let Some(tcp) = &spoken.tcp else { return };
        let mut reading = Box::new(Reading::resume(tcp, side, head));
        let settled = spoken.streams.take_settled();
        reading.settled = settled;
        self.keep_reading(handle.0, reading);
    }

    /// True when the packet's bytes are part of its flow's stream or are datagrams.
    #[must_use]
    pub fn may_resume(packet: &Decoded) -> bool {
        packet.tcp.is_none_or(|head| !head.flags.has(TcpFlags::SYN) && !head.flags.has(TcpFlags::RST))
    }

    /// Keeps the data of a SYN that the flow holds, whether the flow is read or not: if the SYN is answered, they are the
    /// first bytes of the next flow (RULES 34).
    pub fn keep_syn_data(&mut self, handle: Handle, packet: &Decoded, payload: &[u8]) {
        let side = self.now.side;
        let is_syn = packet.tcp.is_some_and(|head| head.flags.has(TcpFlags::SYN));
        if !is_syn || payload.is_empty() || self.now.duplicate {
            return;
        }
        let slot = self.hot.get(handle.0).map(|hot| hot.spoken);
        let spoken = slot.and_then(|slot| self.spoken.get_mut(slot));
        if let Some(held) = spoken.and_then(|spoken| spoken.held_copy(packet, side)) {
            held.data.get_or_insert_with(|| payload.into());
        }
    }

    pub(super) fn datagram(
        &mut self,
        slot: u32,
        packet: &Decoded,
        payload: &[u8],
        side: Side,
        sink: &mut dyn FnMut(Chunk<'_>),
    ) {
        if !payload.is_empty() {
            sink(Chunk::Bytes { side, bytes: payload });
        }
        let missing = packet.payload_wire_len.saturating_sub(packet.payload_len);
        if missing > 0 {
            sink(Chunk::Gap { side, missing: u64::from(missing) });
            if let Some(spoken) = self.speak(slot) {
                spoken.rare().causes.add(Cause::Snaplen);
            }
        }
    }

    /// Puts the streams back, charged for what they hold; without room the flow is read no more, and that is a cause.
    pub(super) fn keep_reading(&mut self, slot: u32, mut reading: Box<Reading>) {
        let partition = self.partition(slot);
        self.speak(slot);
        let Some(hot) = self.hot.get_mut(slot) else { return };
        let Some(spoken) = self.spoken.get_mut(hot.spoken) else { return };
        let Some(partition) = self.partitions.get_mut(partition) else { return };
        let cost = Streams::cost(&reading);
        partition.stream_bytes -= reading.charged;
        if partition.stream_bytes + cost <= self.settings.partitions.share(self.settings.stream_bytes) {
            partition.stream_bytes += cost;
            reading.charged = cost;
            spoken.streams.put(reading, &mut partition.spare_reading);
            return;
        }
        if let Some(settled) = reading.settled.take() {
            spoken.streams = Streams::Settled(settled);
        }
        spoken.rare().causes.add_with(Cause::ResourceEvicted, "stream");
        hot.marks.set(HotMarks::READING, false);
        hot.marks.set(HotMarks::READ_ANEW, false);
    }
}
