//! What a packet adds to its flow.

use super::{
    doubt,
    entry::{Key, Spoken, is_sound},
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
        self.note_link(slot, packet, side);
        if self.speak(slot).is_none() {
            return false;
        }
        let Some(hot) = self.hot.get_mut(slot) else { return false };
        let Some(spoken) = self.spoken.get_mut(hot.spoken) else { return false };
        let at = packet.head.at;
        let backwards = hot.last.since(at) > limits::CLOCK_JUMP_MAX;
        let repeated = spoken.is_repeated(hot, packet, side);
        hot.last = hot.last.max(at);
        spoken.last_frame = spoken.last_frame.max(packet.head.ordinal);
        let counted = Counted::of(packet);
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
        if let Some(head) = &packet.tcp {
            let said = spoken.total(Count::Payload, side);
            // Asked for only while the flow has few packets: the opening lies in a line of its own.
            let seen = Side::BOTH.iter().map(|side| spoken.total(Count::Packets, *side)).sum::<u64>();
            let young = seen < u64::from(limits::HOLE_PATIENCE_PACKETS)
                && self
                    .opening
                    .get(slot)
                    .is_some_and(|opening| at.since(opening.first).abs() < limits::HOLE_PATIENCE);
            // None yet, when the flow's first packets were cut inside their headers.
            let tcp = spoken.tcp.get_or_insert_default();
            let reason = doubt::reason(packet, head, tcp, side);
            self.now.doubt = reason;
            self.now.again = tcp.side(side).again(head, packet.payload_wire_len, said);
            let segment = Segment {
                side,
                head,
                len: packet.payload_wire_len,
                ttl: packet.ttl,
                at,
                doubt: reason,
                sound: is_sound(packet),
                young,
            };
            if tcp.segment(&segment, hot) == Meaning::AnotherSyn {
                spoken.hold(packet, side);
            }
        }
        if hot.state != before {
            self.schedule(slot);
        }
        false
    }

    /// Counts an ICMP error in the flow it is about (RULES 11), when that flow is there.
    pub(super) fn error(&mut self, packet: &Decoded, about: &Tuple, vlan: u16) -> Option<Outcome<S>> {
        let key = Key::new(packet, about, None, vlan, &self.hashers);
        let slot = self.find(&key)?;
        let hot = self.hot.get_mut(slot)?;
        if packet.head.at.since(hot.last) > expiry::idle_limit(hot.transport, hot.state) {
            return None; // That flow is over; only its own next packet says so.
        }
        let side = hot.side(key.from_low).other();
        let counted = Counted::of(packet);
        self.speak(slot)?;
        let hot = self.hot.get_mut(slot)?;
        let spoken = self.spoken.get_mut(hot.spoken)?;
        spoken.remember_stamps(hot);
        hot.last = hot.last.max(packet.head.at);
        spoken.last_frame = spoken.last_frame.max(packet.head.ordinal);
        let rare = spoken.rare();
        rare.icmp_errors += counted.packets;
        rare.icmp_error = packet.icmp.unwrap_or_default();
        rare.icmp_error_bytes += counted.wire;
        Some(self.outcome(slot, side, false))
    }
}

/// What is counted for each side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Count {
    /// Packets, duplicates not counted.
    Packets,
    /// Their bytes on the wire.
    Wire,
    /// Their payload by the IP length.
    Payload,
}

/// The lower halves of a flow's counters, or how often those began anew: few flows count beyond 4 G of anything.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Counters([[u32; 2]; 3]);

impl Counters {
    fn get(&self, what: Count, side: Side) -> u32 {
        self.0.get(what as usize).and_then(|sides| sides.get(side.index())).copied().unwrap_or_default()
    }

    fn set(&mut self, what: Count, side: Side, value: u32) {
        if let Some(place) = self.0.get_mut(what as usize).and_then(|sides| sides.get_mut(side.index())) {
            *place = value;
        }
    }
}

impl Spoken {
    /// What was counted of a side.
    pub(super) fn total(&self, what: Count, side: Side) -> u64 {
        let turns = self.rare.as_ref().map_or(0, |rare| rare.turns.get(what, side));
        u64::from(turns) << 32 | u64::from(self.counters.get(what, side))
    }

    /// Changes what was counted.
    pub(super) fn change(&mut self, what: Count, side: Side, count: impl FnOnce(u64) -> u64) {
        let total = self.total(what, side);
        let (before, after) = (total >> 32, count(total));
        self.counters.set(what, side, after as u32);
        if before != after >> 32 {
            self.rare().turns.set(what, side, (after >> 32) as u32);
        }
    }

    /// Begins to count anew.
    pub(super) fn clear(&mut self) {
        for what in [Count::Packets, Count::Wire, Count::Payload] {
            for side in Side::BOTH {
                self.change(what, side, |_| 0);
            }
        }
    }

    pub(super) fn count(&mut self, counted: Counted, side: Side) {
        let index = side.index();
        self.change(Count::Packets, side, |count| count + counted.packets);
        self.change(Count::Wire, side, |count| count + counted.wire);
        self.change(Count::Payload, side, |count| count + counted.payload);
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
        if packet.marks.has(PacketMarks::SOURCE_ROUTED) {
            // The sender tells routers the way: the target in the header is not where it ends.
            self.rare().causes.add_with(Cause::UnknownAddress, "source_routed");
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::{
        ground::model::{
            address::{Mac, Transport},
            decoded::PacketMarks,
            key::Side,
        },
        wire::flow::support::{Story, client, codes, server, udp},
    };

    #[test]
    fn a_span_duplicate_is_counted_apart_and_read_once() {
        let mut story = Story::new();
        for (digest, packet, data) in [
            (1, client("S", 0, 0, b""), &b""[..]),
            (2, server("SA", 0, 1, b""), b""),
            (3, client("A", 1, 1, b""), b""),
            (4, client("PA", 1, 1, b"hello"), b"hello"),
        ] {
            let mut packet = packet;
            packet.digest = digest << 40;
            assert!(!story.feed(packet.clone(), data).duplicate);
            packet.ttl -= 1;
            assert!(story.feed(packet, data).duplicate, "{digest}");
        }
        let facts = story.facts();
        assert_eq!(facts.sides.each_ref().map(|side| (side.packets, side.duplicates)), [(3, 3), (1, 1)]);
        assert_eq!((facts.sides[0].retransmissions, facts.packets()), (0, 8));
        assert_eq!(story.heard(Side::Opener), "hello");
        story.finish();
    }

    #[test]
    fn a_header_that_the_snaplen_cut_hides_nothing_but_itself() {
        let mut story = Story::new();
        let mut cut = client("", 0, 0, b"");
        cut.tcp = None;
        cut.marks.add(PacketMarks::CUT);
        story.feed(cut, b"");
        story.handshake().client("PA", 1, 1, b"hello");
        assert_eq!(story.heard(Side::Opener), "hello");
        assert_eq!((story.facts().packets(), story.causes()), (5, vec!["snaplen"]));
    }

    #[test]
    fn duplicated_datagrams_are_read_once() {
        let mut story = Story::new();
        let mut packet = udp("10.0.0.1:40000", "192.0.2.53:53", 5);
        packet.digest = 5 << 40;
        story.feed(packet.clone(), b"query");
        story.feed(packet.clone(), b"query");
        story.wait(1).feed(packet, b"query");
        assert_eq!(story.heard(Side::Opener), "queryquery");
    }

    #[test]
    fn an_icmp_error_belongs_to_the_flow_it_quotes() {
        let mut story = Story::new();
        let query = udp("10.0.0.1:40000", "192.0.2.53:53", 30);
        let mut error = udp("198.51.100.1:0", "10.0.0.1:0", 58);
        error.tuple.transport = Transport::ICMP;
        error.icmp = Some([3, 1]);
        error.about = Some(query.tuple);

        assert!(story.feed(error.clone(), b"").opened, "about nothing we know");
        story.feed(query, &[0; 30]);
        let outcome = story.feed(error.clone(), &[0; 58]);
        assert_eq!((outcome.opened, outcome.side), (false, Side::Answerer));
        let facts = story.facts();
        assert_eq!((facts.icmp_errors, facts.packets(), facts.sides[1].packets), (Some((1, [3, 1])), 2, 0));
        assert!(!facts.is_answered(), "an error is no answer");
        assert_eq!(story.heard(Side::Answerer), "");

        error.about.as_mut().unwrap().source.port = 1;
        assert!(story.feed(error, b"").opened, "another unknown flow is another flow");
        assert_eq!(story.finish().len(), 3);
    }

    #[test]
    fn fragments_count_in_the_flow_of_their_datagram() {
        let mut packet = udp("10.0.0.1:40000", "192.0.2.53:53", 30);
        packet.marks.add(PacketMarks::FROM_FRAGMENTS);
        (packet.fragments, packet.fragments_wire_bytes, packet.fragments_captured_bytes) = (3, 4_000, 4_000);
        let mut story = Story::new();
        story.feed(packet.clone(), b"");
        story.feed(packet, b"");
        assert_eq!((story.facts().packets(), story.facts().wire_bytes()), (8, 2 * (4_000 + 72)));
        assert_eq!(story.facts().sides[0].captured_bytes, 2 * (4_000 + 72));
        story.finish();
    }

    #[test]
    fn link_addresses_tags_and_ttls_are_kept_for_each_end() {
        let mac = |last| Mac([2, 0, 0, 0, 0, last]);
        let mut story = Story::new();
        for (last, vlan, ttl) in
            [(1, 10, 64), (1, 10, 64), (2, 20, 61), (3, 30, 64), (1, 40, 64), (1, 50, 64)]
        {
            let mut packet = udp("10.0.0.1:40000", "192.0.2.53:53", 30);
            packet.link.macs = Some([mac(last), mac(9)]);
            packet.link.vlans.push(vlan);
            packet.ttl = ttl;
            story.feed(packet, b"");
        }
        let facts = story.facts();
        assert_eq!(facts.sides[0].macs, [Some(mac(1)), Some(mac(2))]);
        assert_eq!(facts.sides[0].vlans, [10, 20, 30, 40]);
        assert_eq!((facts.sides[0].ttl, facts.sides[1].ttl), ([61, 64], [0, 0]));
        assert_eq!(
            codes(&facts),
            ["one_way", "vlan_segment_mismatch", "mac_change"],
            "the fifth tag is not kept"
        );
    }

    #[test]
    fn what_the_decoder_doubts_becomes_a_cause() {
        for (mark, code) in [
            (PacketMarks::FRAG_OVERLAP, "frag_overlap"),
            (PacketMarks::FRAG_INCOMPLETE, "frag_incomplete"),
            (PacketMarks::DEPTH_LIMIT, "depth_limit"),
            (PacketMarks::TIME_ANOMALY, "time_anomaly"),
        ] {
            for before in 0..2 {
                let mut story = Story::new();
                for _ in 0..before {
                    story.feed(udp("10.0.0.1:40000", "192.0.2.53:53", 30), b"");
                }
                let mut packet = udp("10.0.0.1:40000", "192.0.2.53:53", 30);
                packet.marks.add(mark);
                story.feed(packet, b"");
                assert!(story.causes().contains(&code), "{code}");
            }
        }
    }
}
