//! A SYN on ends that are in use (RULES 34): held by the flow that is there, and a flow of its own only once a SYN-ACK has
//! answered it. Nobody can cut a flow in two by a SYN alone.

use super::{
    counting::Count,
    entry::{Key, Spoken},
    reading::Reading,
    table::{Flows, Outcome},
    tcp::SideMarks,
};
use crate::ground::model::{
    cause::Causes,
    decoded::{Decoded, TcpFlags},
    facts::EndReason,
    key::Side,
    limits,
    time::Timestamp,
};

/// A held SYN, with everything that must move to the new flow if it is answered.
#[derive(Clone, Debug)]
pub(super) struct HeldSyn {
    /// Who sent it, as the old flow sees it.
    pub(super) side: Side,
    /// Its first copy.
    pub(super) packet: Decoded,
    /// Payload of the SYN, where it had any.
    pub(super) data: Option<Box<[u8]>>,
    /// Copies of it in all, duplicates not counted, with their bytes.
    pub(super) copies: Counted,
    /// SPAN duplicates.
    pub(super) duplicates: u64,
    /// Their bytes.
    pub(super) duplicate_bytes: u64,
    /// Stamp of the last copy.
    pub(super) last: Timestamp,
}

/// What a packet adds to the counters of its side.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Counted {
    /// Frames.
    pub(super) packets: u64,
    /// Bytes on the wire.
    pub(super) wire: u64,
    /// Bytes in the capture that are missing.
    pub(super) cut_bytes: u64,
    /// Frames that were cut.
    pub(super) cut: u64,
    /// Payload by the IP length.
    pub(super) payload: u64,
}

impl Counted {
    /// What `packet` counts, with the fragments it was put together from (RULES 18).
    pub(super) fn of(packet: &Decoded) -> Self {
        let wire = u64::from(packet.head.wire_len) + packet.fragments_wire_bytes;
        let captured = u64::from(packet.head.captured_len) + packet.fragments_captured_bytes;
        Self {
            packets: 1 + u64::from(packet.fragments),
            wire,
            cut_bytes: wire.saturating_sub(captured),
            cut: u64::from(captured < wire),
            payload: u64::from(packet.payload_wire_len),
        }
    }

    /// Both together.
    pub(super) const fn plus(self, other: Self) -> Self {
        Self {
            packets: self.packets + other.packets,
            wire: self.wire + other.wire,
            cut_bytes: self.cut_bytes + other.cut_bytes,
            cut: self.cut + other.cut,
            payload: self.payload + other.payload,
        }
    }
}

impl HeldSyn {
    /// True when a SYN-ACK with this acknowledgment answers it; with Fast Open the answer may cover its data.
    fn is_answered_by(&self, ack: u32) -> bool {
        let Some(head) = &self.packet.tcp else { return false };
        ack.wrapping_sub(head.seq.wrapping_add(1)) <= self.packet.payload_wire_len
    }
}

impl Spoken {
    /// Holds a SYN that is not the flow's own.
    pub(super) fn hold(&mut self, packet: &Decoded, side: Side) {
        let isn = packet.tcp.map(|head| head.seq);
        let counted = Counted::of(packet);
        let rare = self.rare();
        let room = rare.held.len() < limits::HELD_SYNS_MAX;
        let known = rare
            .held
            .iter_mut()
            .find(|held| held.side == side && held.packet.tcp.map(|head| head.seq) == isn);
        if let Some(held) = known {
            held.copies = held.copies.plus(counted);
            held.last = held.last.max(packet.head.at);
        } else if room {
            rare.held.push(HeldSyn {
                side,
                packet: packet.clone(),
                data: None,
                copies: counted,
                duplicates: 0,
                duplicate_bytes: 0,
                last: packet.head.at,
            });
        } else {
            rare.noted += counted.packets;
        }
    }

    /// Finds the held SYN that a packet is a copy of.
    pub(super) fn held_copy(&mut self, packet: &Decoded, side: Side) -> Option<&mut HeldSyn> {
        let head =
            packet.tcp.filter(|head| head.flags.has(TcpFlags::SYN) && !head.flags.has(TcpFlags::ACK))?;
        let held = &mut self.rare.as_mut()?.held;
        held.iter_mut().find(|held| held.side == side && held.packet.tcp.map(|tcp| tcp.seq) == Some(head.seq))
    }

    /// Takes out the held SYN that this SYN-ACK answers, and takes its counters out of the flow.
    pub(super) fn take_answered(&mut self, packet: &Decoded, side: Side) -> Option<HeldSyn> {
        let head = packet.tcp.filter(|head| head.flags.has(TcpFlags::SYN.with(TcpFlags::ACK)))?;
        let rare = self.rare.as_mut()?;
        let place =
            rare.held.iter().position(|held| held.side == side.other() && held.is_answered_by(head.ack))?;
        let held = rare.held.remove(place);
        let index = held.side.index();
        let less = |counters: &mut [u64; 2], by: u64| {
            if let Some(counter) = counters.get_mut(index) {
                *counter = counter.saturating_sub(by);
            }
        };
        less(&mut rare.duplicates, held.duplicates);
        less(&mut rare.duplicate_bytes, held.duplicate_bytes);
        less(&mut rare.cut, held.copies.cut);
        less(&mut rare.cut_bytes, held.copies.cut_bytes);
        self.change(Count::Packets, held.side, |count| count.saturating_sub(held.copies.packets));
        self.change(Count::Wire, held.side, |count| count.saturating_sub(held.copies.wire));
        self.change(Count::Payload, held.side, |count| count.saturating_sub(held.copies.payload));
        Some(held)
    }

    /// SYNs that were never answered.
    pub(super) fn noted_syns(&self) -> u64 {
        let Some(rare) = &self.rare else { return 0 };
        rare.noted + rare.held.iter().map(|held| held.copies.packets).sum::<u64>()
    }
}

impl<S: Default> Flows<S> {
    /// Takes out the held SYN that this packet answers, unless it answers the flow's own.
    pub(super) fn answered(&mut self, slot: u32, packet: &Decoded, side: Side) -> Option<Box<HeldSyn>> {
        let head = packet.tcp.filter(|head| head.flags.has(TcpFlags::SYN.with(TcpFlags::ACK)))?;
        let spoken = self.spoken.get_mut(self.hot.get(slot)?.spoken)?;
        if let Some(tcp) = &spoken.tcp {
            let (me, peer) = (tcp.side(side), tcp.side(side.other()));
            let known =
                me.marks.has(SideMarks::ANCHORED) && !(me.marks.has(SideMarks::ISN) && me.isn() == head.seq);
            if !known && peer.accepts_ack_of_syn(head.ack) {
                return None;
            }
        }
        spoken.take_answered(packet, side).map(Box::new)
    }

    /// Ends the flow and opens the next one on the same ends, by the SYN that was held and is answered now.
    pub(super) fn reuse(&mut self, slot: u32, packet: &Decoded, held: HeldSyn, vlan: u16) -> Outcome<S> {
        let ended = self.close(slot, EndReason::Reused);
        let key = Key::new(&held.packet, &held.packet.tuple, None, vlan, &self.hashers);
        let from_low = key.from_low;
        self.enter(slot, &held.packet, key);
        self.speak(slot);
        if let Some(hot) = self.hot.get_mut(slot)
            && let Some(spoken) = self.spoken.get_mut(hot.spoken)
        {
            spoken.remember_stamps(hot);
            hot.last = held.last;
        }
        if let Some(spoken) = self.speak(slot) {
            spoken.clear();
            if let Some(rare) = &mut spoken.rare {
                (rare.cut, rare.cut_bytes) = ([0; 2], [0; 2]);
            }
            spoken.count(held.copies, Side::Opener);
            if held.duplicates > 0 {
                spoken.rare().duplicates = [held.duplicates, 0];
                spoken.rare().duplicate_bytes = [held.duplicate_bytes, 0];
            }
            if let Some(data) = held.data {
                let mut reading = Reading::default();
                reading.syn_data(Side::Opener, &data, &mut Causes::default());
                self.keep_reading(slot, Box::new(reading));
            }
        }
        let answer = Key::new(packet, &packet.tuple, None, vlan, &self.hashers);
        let side = if answer.from_low == from_low { Side::Opener } else { Side::Answerer };
        let duplicate = self.absorb(slot, packet, side);
        let outcome = self.outcome(slot, side, true);
        Outcome { ended: Some(Box::new(ended)), duplicate, ..outcome }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::flow::support::{Story, client, codes};

    #[test]
    fn a_syn_on_used_ends_opens_a_flow_only_when_it_is_answered() {
        let mut story = Story::new();
        story.handshake().client("PA", 1, 1, b"first");
        story.wait(1);
        let syn_at = story.now();
        assert!(!story.client("S", 90_000, 0, b"").opened); // frame 5
        story.wait(1).client("S", 90_000, 0, b""); // sent again
        assert_eq!((story.ended.len(), story.facts().noted_syns), (0, 2));
        let outcome = story.server("SA", 70_000, 90_001, b"");
        assert!(outcome.opened && outcome.side == Side::Answerer);
        story.client("PA", 90_001, 70_001, b"second");
        story.finish();
        let [old, new] = &story.ended[..] else { panic!("{}", story.ended.len()) };
        assert_eq!((old.facts.end, old.facts.noted_syns, old.facts.packets()), (EndReason::Reused, 0, 4));
        assert_eq!((new.facts.id.ordinal.0, new.facts.first, new.facts.packets()), (5, syn_at, 4));
        assert_eq!((new.facts.basis.code(), new.facts.client), ("syn", Side::Opener));
        assert_eq!(story.heard(Side::Opener), "firstsecond");
        assert!(codes(&new.facts).is_empty());
    }

    #[test]
    fn a_new_connection_after_fin_or_reset_is_a_flow_of_its_own() {
        for end in ["FA", "RA"] {
            let mut story = Story::new();
            story.handshake().client("PA", 1, 1, b"first");
            story.client(end, 6, 1, b"");
            story.client("S", 90_000, 0, b"");
            story.server("SA", 70_000, 90_001, b"");
            story.client("PA", 90_001, 70_001, b"second");
            assert_eq!(story.finish().len(), 2, "{end}");
        }
    }

    #[test]
    fn a_syn_that_nobody_answers_stays_with_the_flow_and_cuts_nothing() {
        let mut story = Story::new();
        story.handshake();
        for number in 0..10 {
            story.client("S", 90_000 + number, 0, b"");
        }
        story.client("PA", 1, 1, b"hello");
        assert_eq!(story.heard(Side::Opener), "hello");
        let facts = &story.finish()[0].facts;
        assert_eq!((facts.noted_syns, facts.packets(), facts.end), (10, 14, EndReason::InputEnd));
        assert!(facts.causes.is_empty());
    }

    #[test]
    fn the_other_end_may_open_the_next_connection() {
        let mut story = Story::new();
        story.handshake();
        story.server("S", 70_000, 0, b"");
        story.client("SA", 90_000, 70_001, b"");
        story.server("PA", 70_001, 90_001, b"I am the client now");
        story.finish();
        let new = &story.ended[1].facts;
        assert_eq!((new.opener.port, new.client, new.sides[0].packets), (443, Side::Opener, 2));
    }

    #[test]
    fn a_second_syn_with_another_number_is_the_connection_when_the_answer_says_so() {
        let mut story = Story::new();
        story.client("S", 0, 0, b"");
        story.client("S", 300, 0, b"");
        story.server("SA", 0, 301, b"");
        story.client("PA", 301, 1, b"hello");
        story.finish();
        assert_eq!(story.ended.len(), 2);
        assert_eq!(story.ended[1].facts.packets(), 3);
        assert_eq!(story.heard(Side::Opener), "hello");
    }

    #[test]
    fn data_and_duplicates_of_a_held_syn_move_with_it() {
        let mut story = Story::new();
        story.handshake();
        let mut syn = client("S", 90_000, 0, b"early");
        syn.digest = 1 << 40;
        story.feed(syn.clone(), b"early");
        assert!(story.feed(syn, b"early").duplicate);
        story.server("SA", 70_000, 90_006, b"");
        assert_eq!(story.heard(Side::Opener), "early");
        story.finish();
        let [old, new] = &story.ended[..] else { panic!() };
        assert_eq!((old.facts.sides[0].duplicates, new.facts.sides[0].duplicates), (0, 1));
    }
}
