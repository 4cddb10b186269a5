//! What a packet adds to its flow.

use super::{
    doubt,
    entry::{Key, Spoken},
    expiry,
    reuse::Counted,
    table::{Flows, Outcome},
    tcp::{Meaning, Segment},
};
use crate::ground::model::{
    cause::Cause,
    decoded::{Decoded, PacketMarks},
    key::{Side, Tuple},
    limits,
};

impl<S: Default> Flows<S> {
    /// Counts a packet in a flow that is there; true when it is a duplicate.
    pub(super) fn absorb(&mut self, slot: u32, packet: &Decoded, side: Side) -> bool {
        let link = self.hashers.link(packet);
        self.note_link(slot, packet, side, link);
        if self.speak(slot).is_none() {
            return false;
        }
        let Some(hot) = self.hot.get_mut(slot) else { return false };
        let Some(spoken) = self.spoken.get_mut(hot.spoken) else { return false };
        let at = packet.head.at;
        let backwards = hot.last.since(at) > limits::CLOCK_JUMP_MAX;
        hot.last = hot.last.max(at);
        spoken.last_frame = spoken.last_frame.max(packet.head.ordinal);
        let counted = Counted::of(packet);
        let repeated = match spoken.recent.get_mut(side.index()) {
            Some(recent) => recent.is_repeated(packet.digest, at),
            None => false,
        };
        if repeated {
            spoken.count_duplicate(packet, counted, side);
            self.now.duplicate = true;
            return true;
        }
        spoken.count(counted, side);
        if packet.marks != PacketMarks::default() || backwards {
            spoken.mark(packet);
            if backwards {
                spoken.rare().causes.add(Cause::TimeAnomaly);
            }
        }
        let before = hot.state;
        if let (Some(head), Some(tcp)) = (&packet.tcp, &mut spoken.tcp) {
            let reason = doubt::reason(packet, head, tcp.side(side), tcp.side(side.other()));
            self.now.doubt = reason;
            let segment =
                Segment { side, head, len: packet.payload_wire_len, ttl: packet.ttl, at, doubt: reason };
            if tcp.segment(&segment, hot) == Meaning::AnotherSyn {
                spoken.hold(packet, side);
            }
        }
        if hot.state != before {
            self.schedule(slot);
        }
        false
    }

    /// Notes link addresses, tags and TTL where they differ from the side's last packet.
    pub(super) fn note_link(&mut self, slot: u32, packet: &Decoded, side: Side, link: u32) {
        let Some(known) = self.hot.get_mut(slot).and_then(|hot| hot.link.get_mut(side.index())) else {
            return;
        };
        let is_first = *known == 0;
        if std::mem::replace(known, link) == link {
            return;
        }
        let more = match self.opening.get_mut(slot) {
            Some(opening) => opening.note_link(packet, side, is_first),
            None => return,
        };
        if (more.0.is_some() || more.1)
            && let Some(spoken) = self.speak(slot)
        {
            let rare = spoken.rare();
            if let (Some(mac), Some(known)) = (more.0, rare.macs.get_mut(side.index())) {
                known.get_or_insert(mac);
            }
            let first = self.opening.get(slot).and_then(|opening| opening.vlans.get(side.index()).copied());
            let spoken = self.hot.get(slot).and_then(|hot| self.spoken.get_mut(hot.spoken));
            let ids = spoken.and_then(|spoken| spoken.rare.as_mut()?.vlans.get_mut(side.index()));
            if let Some(ids) = ids {
                for id in packet.link.vlans.ids() {
                    // Four in all: the first stands in the opening.
                    if Some(*id) != first && !ids.contains(id) && ids.len() < 3 {
                        ids.push(*id);
                    }
                }
            }
        }
    }

    /// Counts an ICMP error in the flow it is about (RULES 11), when that flow is there.
    pub(super) fn error(&mut self, packet: &Decoded, about: &Tuple, vlan: u16) -> Option<Outcome<S>> {
        let key = Key::new(packet, about, None, vlan, &self.hashers);
        let slot = self.find(&key)?;
        let hot = self.hot.get_mut(slot)?;
        if packet.head.at.since(hot.last) > expiry::idle_limit(hot.transport, hot.state) {
            return None; // That flow is over; only its own next packet says so.
        }
        hot.last = hot.last.max(packet.head.at);
        let side = hot.side(key.from_low).other();
        let counted = Counted::of(packet);
        let spoken = self.speak(slot)?;
        spoken.last_frame = spoken.last_frame.max(packet.head.ordinal);
        let rare = spoken.rare();
        rare.icmp_errors += counted.packets;
        rare.icmp_error = packet.icmp.unwrap_or_default();
        rare.icmp_error_bytes += counted.wire;
        Some(self.outcome(slot, side, false))
    }
}

impl Spoken {
    pub(super) fn count(&mut self, counted: Counted, side: Side) {
        let index = side.index();
        let counters = [
            (&mut self.packets, counted.packets),
            (&mut self.wire, counted.wire),
            (&mut self.payload, counted.payload),
        ];
        for (counter, by) in counters {
            if let Some(counter) = counter.get_mut(index) {
                *counter += by;
            }
        }
        if counted.cut > 0 {
            let rare = self.rare();
            if let (Some(cut), Some(bytes)) = (rare.cut.get_mut(index), rare.cut_bytes.get_mut(index)) {
                *cut += counted.cut;
                *bytes += counted.cut_bytes;
            }
        }
    }

    pub(super) fn count_duplicate(&mut self, packet: &Decoded, counted: Counted, side: Side) {
        if let Some(held) = self.held_copy(packet, side) {
            held.duplicates += counted.packets;
            held.duplicate_bytes += counted.wire;
        }
        let rare = self.rare();
        let index = side.index();
        if let (Some(count), Some(bytes)) =
            (rare.duplicates.get_mut(index), rare.duplicate_bytes.get_mut(index))
        {
            *count += counted.packets;
            *bytes += counted.wire;
        }
    }

    /// Notes what the decoder found weak about a packet.
    pub(super) fn mark(&mut self, packet: &Decoded) {
        let causes = [
            (PacketMarks::FRAG_OVERLAP, Cause::FragOverlap),
            (PacketMarks::FRAG_INCOMPLETE, Cause::FragIncomplete),
            (PacketMarks::DEPTH_LIMIT, Cause::DepthLimit),
            (PacketMarks::TIME_ANOMALY, Cause::TimeAnomaly),
        ];
        for (mark, cause) in causes {
            if packet.marks.has(mark) {
                self.rare().causes.add(cause);
            }
        }
    }
}
