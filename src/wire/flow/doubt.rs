//! Packets that may never have reached the peer, or that the peer refused (THREATS R02).
//!
//! Their bytes are read, because they may be the truth, but they may not acquit: unless the peer acknowledges those very
//! bytes and no other copy differs, a cause stays. A capturing host with offload shows a wrong checksum on everything
//! it sends; its bytes are acknowledged, so they lift nothing.

use super::tcp::{SideMarks, Tcp, TcpSide, extend};
use crate::ground::model::{
    cause::{Cause, Causes},
    decoded::{Decoded, PacketMarks, TcpFlags, TcpHead},
    key::Side,
    limits,
};

/// Why a packet is doubted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reason {
    /// Its TTL suggests that it was to die on the way.
    LowTtl,
    /// Its flags contradict each other, or ACK is missing.
    Flags,
    /// It is signed and the others are not, or the other way round.
    Signed,
    /// It lies outside of what the peer takes.
    Seq,
    /// It acknowledges what lies before the first byte.
    AckBefore,
    /// It acknowledges up to here what the other end has not been seen to send. Once that was seen too, the mirror's disorder
    /// explains it.
    AckUnseen(u64),
    /// Its checksum is wrong.
    Checksum,
}

impl Reason {
    /// Adds the cause it becomes.
    pub(super) fn note(self, causes: &mut Causes) {
        match self {
            Self::LowTtl => causes.add(Cause::LowTtlSuspect),
            Self::Flags => causes.add_with(Cause::OutOfWindow, "flags"),
            Self::Signed => causes.add_with(Cause::OutOfWindow, "signed"),
            Self::Seq => causes.add_with(Cause::OutOfWindow, "seq"),
            Self::AckBefore | Self::AckUnseen(_) => causes.add_with(Cause::OutOfWindow, "ack"),
            Self::Checksum => causes.add(Cause::BadChecksum),
        }
    }

    /// True when not even its acknowledgment is believed. A wrong checksum alone is too common for that: on loopback
    /// and virtual links both directions have it.
    pub(super) const fn denies_ack(self) -> bool {
        !matches!(self, Self::Checksum)
    }
}

/// A range of bytes that came in doubtful packets only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Doubt {
    /// First byte.
    pub(super) from: u64,
    /// Behind the last byte.
    pub(super) to: u64,
    /// Why.
    pub(super) reason: Reason,
}

/// Looks for a reason to doubt a TCP packet, before it has changed anything.
pub(super) fn reason(packet: &Decoded, head: &TcpHead, tcp: &Tcp, side: Side) -> Option<Reason> {
    let (me, peer) = (tcp.side(side), tcp.side(side.other()));
    let flags = head.flags;
    if packet.ttl.saturating_add(limits::TTL_DROP_MAX) < tcp.ttl(side) {
        return Some(Reason::LowTtl);
    }
    let contradictory = flags.has(TcpFlags::SYN) && (flags.has(TcpFlags::FIN) || flags.has(TcpFlags::RST))
        || flags.has(TcpFlags::FIN) && flags.has(TcpFlags::RST);
    // Behind the handshake every segment carries ACK (RFC 9293 section 3.10.7.4); without it the peer drops it.
    let bare = !flags.has(TcpFlags::SYN) && !flags.has(TcpFlags::RST) && !flags.has(TcpFlags::ACK);
    if contradictory || bare {
        return Some(Reason::Flags);
    }
    if me.flags.0 != 0 && head.signed != me.marks.has(SideMarks::SIGNED) {
        return Some(Reason::Signed);
    }
    if me.marks.has(SideMarks::ANCHORED) && !flags.has(TcpFlags::SYN) {
        let at = extend(me.next, head.seq);
        // One below the first byte is a keep-alive, or data that takes the SYN's own number.
        let lowest = me.start - u64::from(packet.payload_wire_len <= 1);
        let before = me.marks.has(SideMarks::ISN) && at < lowest && packet.payload_wire_len > 0;
        if before || at > me.next + limits::SEQUENCE_JUMP_MAX {
            return Some(Reason::Seq);
        }
    }
    if flags.has(TcpFlags::ACK) && !flags.has(TcpFlags::SYN) && peer.marks.has(SideMarks::ISN) {
        // Acknowledges what was never sent, or what lies before the first byte (RFC 5961 section 5).
        let at = extend(peer.next, head.ack);
        let sent = peer.next.max(peer.acked);
        if at < peer.start {
            return Some(Reason::AckBefore);
        }
        if at > sent + 1 {
            return Some(Reason::AckUnseen(at));
        }
    }
    if packet.marks.has(PacketMarks::BAD_CHECKSUM) && !me.is_offloaded() {
        return Some(Reason::Checksum);
    }
    None
}

impl TcpSide {
    /// Remembers that bytes came in a doubtful packet. Gives the cause back when there is no room to wait for an
    /// acknowledgment: then it stands at once.
    pub(super) fn doubt(&mut self, from: u64, to: u64, reason: Reason) -> Option<Reason> {
        if from >= to || self.marks.has(SideMarks::ACKED) && self.acked >= to {
            return None;
        }
        let doubts = &mut self.trouble.get_or_insert_default().doubts;
        // Offload taints whole directions: neighbours are one range.
        if let Some(last) = doubts.last_mut()
            && last.reason == reason
            && last.from <= from
            && from <= last.to
        {
            last.to = last.to.max(to);
            return None;
        }
        if doubts.len() >= limits::DOUBTS_MAX {
            return Some(reason);
        }
        if doubts.is_empty() {
            doubts.reserve_exact(1);
        }
        doubts.push(Doubt { from, to, reason });
        None
    }

    /// The other end acknowledged: what lies below is the truth, as far as it was the only copy.
    pub(super) fn settle_doubts(&mut self) {
        let acked = self.acked;
        if let Some(trouble) = &mut self.trouble
            && !trouble.doubts.is_empty()
        {
            trouble.doubts.retain_mut(|doubt| {
                doubt.from = doubt.from.max(acked);
                doubt.from < doubt.to
            });
        }
    }

    /// The other end has been seen to send up to `sent`.
    pub(super) fn settle_acks(&mut self, sent: u64) {
        if let Some(trouble) = &mut self.trouble
            && !trouble.doubts.is_empty()
        {
            trouble.doubts.retain(|doubt| !matches!(doubt.reason, Reason::AckUnseen(acks) if acks <= sent));
        }
    }

    /// The same bytes came in a packet without doubt.
    pub(super) fn confirm(&mut self, from: u64, to: u64) {
        if let Some(trouble) = &mut self.trouble
            && !trouble.doubts.is_empty()
        {
            trouble.doubts.retain(|doubt| !(from <= doubt.from && doubt.to <= to));
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::{
        ground::model::{
            decoded::{Decoded, PacketMarks},
            key::Side,
        },
        wire::flow::support::{Story, client, codes, flags, server},
    };

    type Spoil = fn(&mut Decoded);

    /// A connection in which `spoil` makes a decoy of the client's first data; the truth follows, and is acknowledged.
    fn decoy(spoil: Spoil) -> Story {
        let mut story = Story::new();
        story.handshake();
        let mut packet = client("PA", 1, 1, b"good");
        spoil(&mut packet);
        story.feed(packet, b"good");
        story.client("PA", 1, 1, b"evil");
        story.server("A", 1, 5, b"");
        story
    }

    #[test]
    fn no_decoy_supplies_the_only_reading() {
        let decoys: [(&str, Spoil); 7] = [
            ("bad checksum", |packet| packet.marks.add(PacketMarks::BAD_CHECKSUM)),
            ("low ttl", |packet| packet.ttl = 1),
            ("bad ack", |packet| packet.tcp.as_mut().unwrap().ack += 100_000),
            ("before the window", |packet| {
                let head = packet.tcp.as_mut().unwrap();
                head.seq = head.seq.wrapping_sub(100_000);
            }),
            ("behind the window", |packet| packet.tcp.as_mut().unwrap().seq += 100_000),
            ("signed", |packet| packet.tcp.as_mut().unwrap().signed = true),
            ("no flags", |packet| packet.tcp.as_mut().unwrap().flags = flags("")),
        ];
        for (name, spoil) in decoys {
            let mut story = decoy(spoil);
            story.finish();
            let first_was_evil = story.heard(Side::Opener) == "evil";
            let both = story.variants(Side::Opener) == ["evil"];
            assert!(
                first_was_evil || both,
                "{name}: {} {:?}",
                story.heard(Side::Opener),
                story.variants(Side::Opener)
            );
            assert!(!first_was_evil || story.variants(Side::Opener).is_empty(), "{name}");
            assert!(!both || codes(&story.ended[0].facts).contains(&"overlap_conflict"), "{name}");
        }
    }

    #[test]
    fn an_urgent_byte_leaves_it_open_what_the_application_read() {
        let story = decoy(|packet| packet.tcp.as_mut().unwrap().flags = flags("PAU"));
        assert!(story.causes().contains(&"urgent_data"));
    }

    #[test]
    fn offload_shows_wrong_checksums_on_everything_and_lifts_nothing() {
        let mut story = Story::new();
        for (from_client, letters, seq, ack, data) in [
            (true, "S", 0, 0, &b""[..]),
            (false, "SA", 0, 1, b""),
            (true, "A", 1, 1, b""),
            (true, "PA", 1, 1, b"hello"),
            (false, "PA", 1, 6, b"there"),
            (true, "A", 6, 6, b""),
        ] {
            let mut packet =
                if from_client { client(letters, seq, ack, data) } else { server(letters, seq, ack, data) };
            packet.marks.add(PacketMarks::BAD_CHECKSUM);
            story.feed(packet, data);
        }
        assert!(story.causes().is_empty(), "{:?}", story.causes());
        assert_eq!(story.heard(Side::Opener), "hello");
        let mut last = server("PA", 6, 6, b"never acknowledged");
        last.marks.add(PacketMarks::BAD_CHECKSUM);
        story.feed(last, b"never acknowledged");
        assert!(story.causes().is_empty());
    }

    #[test]
    fn doubtful_bytes_that_nobody_acknowledged_leave_their_cause() {
        for (spoil, code) in [
            ((|packet| packet.marks.add(PacketMarks::BAD_CHECKSUM)) as Spoil, "bad_checksum"),
            (|packet| packet.ttl = 60, "low_ttl_suspect"),
            (|packet| packet.tcp.as_mut().unwrap().flags = flags("P"), "out_of_window"),
        ] {
            let mut packet = client("PA", 1, 1, b"good");
            spoil(&mut packet);
            let mut story = Story::new();
            story.handshake().feed(packet, b"good");
            assert_eq!(story.causes(), [code]);
            story.client("PA", 1, 1, b"good");
            assert!(story.causes().is_empty(), "the same bytes in a sound packet settle it");
        }
    }

    #[test]
    fn a_route_that_grows_by_three_hops_is_no_suspicion() {
        let mut packet = client("PA", 1, 1, b"good");
        packet.ttl = 61;
        let mut story = Story::new();
        story.handshake().feed(packet, b"good");
        assert!(story.causes().is_empty());
    }
}
