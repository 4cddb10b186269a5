//! TCP as far as headers tell it: handshake, sequence, acknowledgment, holes, FIN and RST (RFC 9293).
//!
//! Sequence numbers are counted in 64 bits, so that neither their turn nor a long flow makes an order ambiguous. No
//! state is ever freed for a FIN or RST: an injected one must not blind us (THREATS R08).

use super::{
    doubt::{self, Doubt},
    entry::{Hot, HotMarks},
    holes::Holes,
};
use crate::ground::model::{
    decoded::{TcpFlags, TcpHead},
    facts::TcpState,
    key::Side,
    limits,
    time::{Span, Timestamp},
};

/// Where counting begins: far enough from 0 that nothing lies below it.
const ORIGIN: u64 = 1 << 40;

/// The 64-bit position of a sequence number, next to a position that is known.
pub(super) const fn extend(near: u64, seq: u32) -> u64 {
    near.wrapping_add_signed(seq.wrapping_sub(near as u32) as i32 as i64)
}

/// Yes-or-no facts of one direction.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct SideMarks(u16);

impl SideMarks {
    /// Its sequence numbers are known.
    pub(super) const ANCHORED: Self = Self(1);
    /// Its first sequence number is known, from its SYN or the answer to it.
    pub(super) const ISN: Self = Self(1 << 1);
    /// It began with a SYN without ACK.
    pub(super) const SYN: Self = Self(1 << 2);
    /// It answered a SYN.
    pub(super) const SYN_ACK: Self = Self(1 << 3);
    /// The other end acknowledged something of it.
    pub(super) const ACKED: Self = Self(1 << 4);
    /// It acknowledged something that was not seen.
    pub(super) const ACKED_UNSEEN: Self = Self(1 << 5);
    /// Its first packet was signed (TCP-MD5 or TCP-AO).
    pub(super) const SIGNED: Self = Self(1 << 6);
    /// It said FIN.
    pub(super) const FIN: Self = Self(1 << 7);
    /// A packet of it had a right checksum.
    pub(super) const SOUND: Self = Self(1 << 8);
    /// The other end accepted its SYN.
    pub(super) const SYN_ACCEPTED: Self = Self(1 << 9);

    /// True when all bits of `other` are set.
    pub(super) const fn has(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    const fn add(&mut self, other: Self) {
        self.0 |= other.0;
    }
}

/// What one end sent, by sequence number.
#[derive(Debug, Default)]
pub(super) struct TcpSide {
    /// Position behind the last byte that was seen.
    pub(super) next: u64,
    /// Position of the first byte of the stream.
    pub(super) start: u64,
    /// Position up to which the other end acknowledged.
    pub(super) acked: u64,
    /// Bytes by which acknowledgments advanced, SYN and FIN not counted.
    pub(super) acked_bytes: u64,
    /// Position of the FIN.
    pub(super) fin: u64,
    /// Segments that brought nothing new.
    pub(super) retransmissions: u32,
    /// All flags ever set.
    pub(super) flags: TcpFlags,
    /// Yes-or-no facts.
    pub(super) marks: SideMarks,
    /// What few connections need.
    pub(super) trouble: Option<Box<Trouble>>,
}

/// What few connections need.
#[derive(Debug, Default)]
pub(super) struct Trouble {
    /// What was sent and not seen.
    pub(super) holes: Holes,
    /// Holes below it came up before the beginning was known.
    floor: u64,
    /// Bytes that came in doubtful packets and that the other end has not acknowledged yet.
    pub(super) doubts: Vec<Doubt>,
}

/// Both directions of one connection.
#[derive(Debug, Default)]
pub(super) struct Tcp {
    /// What each end sent.
    pub(super) sides: [TcpSide; 2],
    /// Stamp of the last SYN before its answer; once that is over, from SYN to the ACK of the SYN-ACK.
    moment: i64,
    has_rtt: bool,
    /// Largest TTL of each end.
    ttl: [u8; 2],
}

/// One packet, as TCP looks at it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Segment<'a> {
    /// Who sent it.
    pub(super) side: Side,
    /// Its header.
    pub(super) head: &'a TcpHead,
    /// Payload bytes by the IP length.
    pub(super) len: u32,
    /// Its time to live.
    pub(super) ttl: u8,
    /// Its stamp.
    pub(super) at: Timestamp,
    /// Why it may not have reached the peer.
    pub(super) doubt: Option<doubt::Reason>,
    /// Its checksum was looked at and is right.
    pub(super) sound: bool,
    /// The flow is so young that the mirror's disorder may have put this packet behind others.
    pub(super) young: bool,
}

/// What a segment means beyond its own flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Meaning {
    /// Nothing.
    Ordinary,
    /// A SYN with other numbers than the flow's own: to be held (RULES 34).
    AnotherSyn,
}

impl Tcp {
    /// SYN to ACK of the SYN-ACK.
    pub(super) fn rtt(&self) -> Option<Span> {
        self.has_rtt.then_some(Span::from_nanos(self.moment))
    }

    /// The largest TTL of one end so far.
    pub(super) fn ttl(&self, side: Side) -> u8 {
        self.ttl.get(side.index()).copied().unwrap_or_default()
    }

    /// One end and the other one.
    pub(super) const fn pair(&mut self, side: Side) -> (&mut TcpSide, &mut TcpSide) {
        let [opener, answerer] = &mut self.sides;
        match side {
            Side::Opener => (opener, answerer),
            Side::Answerer => (answerer, opener),
        }
    }

    /// What one end sent.
    pub(super) const fn side(&self, side: Side) -> &TcpSide {
        let [opener, answerer] = &self.sides;
        match side {
            Side::Opener => opener,
            Side::Answerer => answerer,
        }
    }

    /// Takes in one packet that is no duplicate, and moves the flow's state.
    pub(super) fn segment(&mut self, segment: &Segment<'_>, hot: &mut Hot) -> Meaning {
        let flags = segment.head.flags;
        let meaning = if flags.has(TcpFlags::RST) {
            self.reset(segment, hot);
            Meaning::Ordinary
        } else if flags.has(TcpFlags::SYN) {
            self.synchronise(segment, hot)
        } else {
            self.ordinary(segment, hot);
            Meaning::Ordinary
        };
        let (me, _) = self.pair(segment.side);
        if me.flags == TcpFlags::default() && segment.head.signed {
            me.marks.add(SideMarks::SIGNED);
        }
        if segment.sound {
            me.marks.add(SideMarks::SOUND);
        }
        me.flags = me.flags.with(flags);
        if let Some(ttl) = self.ttl.get_mut(segment.side.index()) {
            *ttl = segment.ttl.max(*ttl);
        }
        meaning
    }

    fn synchronise(&mut self, segment: &Segment<'_>, hot: &mut Hot) -> Meaning {
        let head = segment.head;
        let is_answer = head.flags.has(TcpFlags::ACK);
        let (me, peer) = self.pair(segment.side);
        if is_answer && segment.young {
            peer.adopt(head.ack.wrapping_sub(1));
        }
        if segment.young && (!is_answer || peer.accepts_ack_of_syn(head.ack)) {
            me.adopt(head.seq);
        }
        if me.marks.has(SideMarks::ANCHORED) && !(me.marks.has(SideMarks::ISN) && me.isn() == head.seq) {
            // The caller has looked for a held SYN that this answers; what is left of SYN-ACKs is stray.
            return if is_answer { Meaning::Ordinary } else { Meaning::AnotherSyn };
        }
        if is_answer && !peer.accepts_ack_of_syn(head.ack) {
            return Meaning::Ordinary;
        }
        let fresh = !me.marks.has(SideMarks::ANCHORED);
        if fresh {
            me.begin(head.seq, segment.len);
        }
        // A SYN says who opened only while nobody has sent anything else, but for what disorder explains.
        let unspoken =
            segment.young || !peer.marks.has(SideMarks::ANCHORED) || peer.marks.has(SideMarks::ISN);
        if is_answer {
            if unspoken && !me.marks.has(SideMarks::SYN) {
                me.marks.add(SideMarks::SYN_ACK);
            }
            if !peer.marks.has(SideMarks::ANCHORED) {
                // The SYN was not seen, but its number is known by its answer.
                peer.begin(head.ack.wrapping_sub(1), 0);
            }
            peer.marks.add(SideMarks::SYN_ACCEPTED);
            peer.acknowledge(head.ack);
            if matches!(hot.state, TcpState::None | TcpState::SynSent) {
                hot.state = TcpState::SynReceived;
            }
        } else {
            if unspoken {
                me.marks.add(SideMarks::SYN);
            }
            match hot.state {
                TcpState::None => hot.state = TcpState::SynSent,
                TcpState::Midstream => hot.state = TcpState::Established,
                // Simultaneous open and split handshake: both ends said SYN.
                TcpState::SynSent if peer.marks.has(SideMarks::SYN) => hot.state = TcpState::SynReceived,
                _ => {}
            }
            if matches!(hot.state, TcpState::SynSent) && !self.has_rtt {
                self.moment = segment.at.nanos();
            }
        }
        Meaning::Ordinary
    }

    fn ordinary(&mut self, segment: &Segment<'_>, hot: &mut Hot) {
        let (head, side) = (segment.head, segment.side);
        let (syn_at, has_rtt) = (Timestamp::from_nanos(self.moment), self.has_rtt);
        let (me, peer) = self.pair(side);
        if head.flags.has(TcpFlags::ACK) {
            if me.acknowledges_the_unseen(peer, head.ack) {
                me.marks.add(SideMarks::ACKED_UNSEEN);
            }
            peer.acknowledge(head.ack);
            if !matches!(segment.doubt, Some(reason) if reason.denies_ack()) {
                peer.settle_doubts();
            }
        }
        let fin = head.flags.has(TcpFlags::FIN);
        me.sent(head.seq, segment.len, fin);
        peer.settle_acks(me.next);

        let mut completed = None;
        match hot.state {
            TcpState::None => hot.state = TcpState::Midstream,
            TcpState::SynSent | TcpState::SynReceived if head.flags.has(TcpFlags::ACK) => {
                let finishes = me.marks.has(SideMarks::SYN) && peer.marks.has(SideMarks::SYN_ACK);
                if finishes && !has_rtt {
                    completed = Some(segment.at.since(syn_at)).filter(|span| *span >= Span::ZERO);
                }
                hot.state = TcpState::Established;
            }
            _ => {}
        }
        let reset_by_me =
            if side == Side::Opener { HotMarks::RESET_OPENER } else { HotMarks::RESET_ANSWERER };
        let trusted = segment.doubt.is_none();
        if hot.marks.has(reset_by_me) && trusted && segment.len > 0 {
            // Who goes on talking was not reset: the RST was another's.
            hot.marks.set(reset_by_me, false);
            hot.state = TcpState::Established;
        }
        if fin && trusted {
            me.marks.add(SideMarks::FIN);
            me.fin = extend(me.next, head.seq.wrapping_add(segment.len));
        }
        let over = |side: &TcpSide| side.marks.has(SideMarks::FIN) && side.acked > side.fin;
        if over(me) && over(peer) {
            hot.state = TcpState::Closed;
        } else if (me.marks.has(SideMarks::FIN) || peer.marks.has(SideMarks::FIN))
            && hot.state != TcpState::Closed
        {
            hot.state = TcpState::Closing;
        }
        if let Some(rtt) = completed {
            (self.moment, self.has_rtt) = (rtt.nanos(), true);
        }
    }

    /// A reset counts only when it fits exactly (RFC 5961 section 3.2) and is not doubtful itself.
    fn reset(&mut self, segment: &Segment<'_>, hot: &mut Hot) {
        let (head, side) = (segment.head, segment.side);
        let (me, peer) = self.pair(side);
        let fits = if me.marks.has(SideMarks::ANCHORED) {
            let at = extend(me.next, head.seq);
            at == me.next
                || me.marks.has(SideMarks::ACKED) && at == me.acked
                || me.holes().is_some_and(|holes| holes.begins_at(at))
        } else {
            // The answer to a SYN: it acknowledges the SYN (RFC 9293 section 3.10.7.3).
            head.flags.has(TcpFlags::ACK) && peer.accepts_ack_of_syn(head.ack)
        };
        if hot.state == TcpState::None {
            hot.state = TcpState::Midstream;
        }
        if fits && segment.doubt.is_none() {
            let mark = if side == Side::Opener { HotMarks::RESET_OPENER } else { HotMarks::RESET_ANSWERER };
            hot.marks.set(mark, true);
            if hot.state != TcpState::Closed {
                hot.state = TcpState::Closing;
            }
        }
    }
}

impl TcpSide {
    /// Its first sequence number, where that is known: the one before the first byte's.
    pub(super) const fn isn(&self) -> u32 {
        (self.start as u32).wrapping_sub(1)
    }

    /// The holes of this direction, when there ever were any.
    pub(super) fn holes(&self) -> Option<&Holes> {
        self.trouble.as_ref().map(|trouble| &trouble.holes)
    }

    /// Bytes whose evidence is still in doubt.
    pub(super) fn doubts(&self) -> &[Doubt] {
        self.trouble.as_ref().map_or(&[], |trouble| &trouble.doubts)
    }

    /// The side's numbers are known from its SYN (or the answer to it) on. Data inside a SYN is counted as sent.
    fn begin(&mut self, isn: u32, len: u32) {
        let near = if self.marks.has(SideMarks::ACKED) { self.acked } else { ORIGIN };
        self.start = extend(near, isn.wrapping_add(1));
        self.next = self.start + u64::from(len);
        self.acked = self.start;
        self.marks.add(SideMarks::ANCHORED);
        self.marks.add(SideMarks::ISN);
        self.marks.add(SideMarks::ACKED);
    }

    /// Its SYN comes after its first bytes: the mirror put them in disorder. Numbers that lie right before those bytes are
    /// taken as the beginning; the caller sees to it that this happens only while the flow is young.
    fn adopt(&mut self, isn: u32) {
        if !self.marks.has(SideMarks::ANCHORED) || self.marks.has(SideMarks::ISN) {
            return;
        }
        let start = extend(self.start, isn.wrapping_add(1));
        if start > self.start || self.start - start > limits::STREAM_AHEAD_MAX as u64 {
            return;
        }
        self.lower(start, start);
        self.start = start;
        self.marks.add(SideMarks::ISN);
        if !self.marks.has(SideMarks::ACKED) {
            self.acked = start;
            self.marks.add(SideMarks::ACKED);
        }
    }

    /// In midstream the beginning is only what came first; disorder may show earlier bytes later. What lies between is a
    /// hole, and counts as one once a SYN proves that these bytes belong to the capture.
    fn lower(&mut self, begin: u64, end: u64) {
        let (start, acked) = (self.start, self.acked);
        if end < start {
            let trouble = self.trouble.get_or_insert_default();
            trouble.holes.open_first(end, start, acked);
            trouble.floor = trouble.floor.max(start);
        }
        self.start = self.start.min(begin);
    }

    /// True when the place of the first byte is known for certain: by a SYN that was answered.
    pub(super) const fn start_is_certain(&self) -> bool {
        self.marks.has(SideMarks::ISN) && (self.marks.has(SideMarks::SYN_ACCEPTED) || self.acked > self.start)
    }

    /// True when a wrong checksum says nothing: the capture was taken before the sender's card wrote the checksums. So it
    /// is while no packet of the side has a right one, and the peer answered all the same.
    pub(super) const fn is_offloaded(&self) -> bool {
        !self.marks.has(SideMarks::SOUND)
            && (self.marks.has(SideMarks::SYN_ACCEPTED) && self.marks.has(SideMarks::SYN)
                || self.acked_bytes > 0)
    }

    /// True when `ack` answers this side's SYN, or when there is nothing to hold it against.
    pub(super) fn accepts_ack_of_syn(&self, ack: u32) -> bool {
        if !self.marks.has(SideMarks::ISN) {
            return !self.marks.has(SideMarks::ANCHORED);
        }
        // With TCP Fast Open the answer may cover the SYN's data too (RFC 7413 section 4.1.2).
        let at = extend(self.start, ack);
        self.start <= at && at <= self.next
    }

    /// True when an acknowledgment proves that the other end said something that was not captured.
    fn acknowledges_the_unseen(&self, peer: &Self, ack: u32) -> bool {
        if peer.marks.has(SideMarks::ANCHORED) {
            let at = extend(peer.next, ack);
            // One number beyond may be a FIN that was not seen.
            return at > peer.next + 1 && at - peer.next < limits::SEQUENCE_JUMP_MAX;
        }
        // Whoever opened by SYN and acknowledges now has had an answer; in midstream the number must move.
        self.marks.has(SideMarks::SYN)
            || peer.marks.has(SideMarks::ACKED) && extend(peer.acked, ack) > peer.acked
    }

    /// The other end acknowledged up to `ack`.
    fn acknowledge(&mut self, ack: u32) {
        let near = match (self.marks.has(SideMarks::ACKED), self.marks.has(SideMarks::ANCHORED)) {
            (true, _) => self.acked,
            (false, true) => self.next,
            (false, false) => ORIGIN,
        };
        let at = extend(near, ack);
        if !self.marks.has(SideMarks::ACKED) {
            // The first acknowledgment says where counting begins, no more (THREATS section 4 formula 2).
            if !self.marks.has(SideMarks::ANCHORED) || at <= self.next + limits::SEQUENCE_JUMP_MAX {
                self.acked = at;
                self.marks.add(SideMarks::ACKED);
            }
            return;
        }
        let advance = at.saturating_sub(self.acked);
        if advance == 0 || at > self.acked + limits::SEQUENCE_JUMP_MAX {
            return;
        }
        let of_fin = u64::from(self.marks.has(SideMarks::FIN) && self.acked <= self.fin && self.fin < at);
        self.acked_bytes += advance - of_fin;
        self.acked = at;
    }

    /// Where these bytes begin, when they lie below the edge: a repetition, or something else in the place of what was seen.
    /// A byte just below an edge that is acknowledged is a keep-alive (RFC 9293 section 3.8.4).
    ///
    /// `said` is how much the side was seen to say. While that is less than half a turn, nothing but jumps has led the edge
    /// so far that numbers of the beginning look new.
    pub(super) fn again(&self, head: &TcpHead, len: u32, said: u64) -> Option<u64> {
        const HALF_TURN: u64 = 1 << 31;
        if len == 0 || !self.marks.has(SideMarks::ANCHORED) {
            return None;
        }
        let at = extend(self.next, head.seq);
        if at >= self.start + HALF_TURN && said < HALF_TURN {
            return Some(extend(self.start, head.seq));
        }
        if at >= self.next {
            return None;
        }
        let probe =
            len == 1 && at + 1 == self.next && self.marks.has(SideMarks::ACKED) && self.acked >= self.next;
        (!probe).then_some(at)
    }

    /// The side sent `len` bytes from `seq` on, and perhaps a FIN behind them.
    fn sent(&mut self, seq: u32, len: u32, fin: bool) {
        let take = u64::from(len) + u64::from(fin);
        if !self.marks.has(SideMarks::ANCHORED) {
            let near = if self.marks.has(SideMarks::ACKED) { self.acked } else { ORIGIN };
            self.start = extend(near, seq);
            self.next = self.start + take;
            self.marks.add(SideMarks::ANCHORED);
            return;
        }
        if take == 0 {
            return;
        }
        let begin = extend(self.next, seq);
        let end = begin + take;
        if begin == self.next {
            self.next = end;
        } else if begin > self.next {
            if begin - self.next >= limits::SEQUENCE_JUMP_MAX {
                return;
            }
            let (next, acked) = (self.next, self.acked);
            self.trouble.get_or_insert_default().holes.open(next, begin, acked);
            self.next = end;
        } else {
            let filled = match &mut self.trouble {
                Some(trouble) => trouble.holes.fill(begin, end.min(self.next)),
                None => 0,
            };
            // One byte just below the edge is a keep-alive (RFC 9293 section 3.8.4), no repetition.
            let keep_alive = len <= 1 && begin + 1 == self.next;
            let before = begin < self.start
                && !self.marks.has(SideMarks::ISN)
                && self.start - begin <= limits::STREAM_AHEAD_MAX as u64;
            if before {
                self.lower(begin, end);
            }
            if end > self.next {
                self.next = end;
            } else if filled == 0 && len > 0 && !keep_alive && !before {
                self.retransmissions = self.retransmissions.saturating_add(1);
            }
        }
    }

    /// Holes that were never filled, bytes of them that the other end acknowledged, and whether any was not.
    pub(super) fn unseen(&self) -> Unseen {
        let mut unseen = Unseen::default();
        if let Some(trouble) = &self.trouble {
            let floor = if self.marks.has(SideMarks::ISN) { 0 } else { trouble.floor };
            unseen = trouble.holes.unseen(self.acked, floor);
        }
        if self.marks.has(SideMarks::ANCHORED) && self.marks.has(SideMarks::ACKED) && self.acked > self.next {
            let tail = self.acked - self.next;
            // A single number behind the last byte is the FIN that was not seen, unless the FIN was.
            if tail > 1 || self.marks.has(SideMarks::FIN) {
                unseen.gaps += 1;
                unseen.acked += tail;
            }
        }
        unseen
    }
}

/// What of one direction was never seen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Unseen {
    /// Holes.
    pub(super) gaps: u64,
    /// Bytes in them that the other end acknowledged.
    pub(super) acked: u64,
    /// Bytes in them that nobody acknowledged.
    pub(super) unacked: u64,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        ground::model::facts::EndReason,
        wire::flow::support::{Story, codes},
    };

    #[test]
    fn a_whole_connection_is_told_with_its_state_and_round_trip() {
        let mut story = Story::new();
        story.client("S", 0, 0, b"");
        assert_eq!(story.facts().tcp, TcpState::SynSent);
        story.wait_millis(20);
        story.server("SA", 0, 1, b"");
        assert_eq!(story.facts().tcp, TcpState::SynReceived);
        story.wait_millis(5);
        story.client("A", 1, 1, b"");
        assert_eq!(story.facts().tcp, TcpState::Established);
        story.client("PA", 1, 1, b"hello");
        story.server("PA", 1, 6, b"welcome");
        story.client("FA", 6, 8, b"");
        assert_eq!(story.facts().tcp, TcpState::Closing);
        story.server("FA", 8, 7, b"");
        story.client("A", 7, 9, b"");
        let ended = &story.finish()[0].facts;
        assert_eq!((ended.tcp, ended.end), (TcpState::Closed, EndReason::Fin));
        assert_eq!(ended.rtt.unwrap().nanos() / 1_000_000, 25);
        assert_eq!(ended.sides.each_ref().map(|side| side.acked_bytes), [5, 7]);
        assert_eq!(ended.sides.each_ref().map(|side| side.payload_bytes), [5, 7]);
        assert_eq!(ended.sides.each_ref().map(|side| side.packets), [5, 3]);
        assert!(ended.is_answered() && ended.causes.is_empty(), "{:?}", codes(ended));
    }

    #[test]
    fn only_a_reset_that_fits_ends_a_connection() {
        for (seq, ttl, expected) in
            [(6, 64, EndReason::Reset), (500, 64, EndReason::InputEnd), (6, 3, EndReason::InputEnd)]
        {
            let mut story = Story::new();
            story.handshake().client("PA", 1, 1, b"hello");
            let mut reset = crate::wire::flow::support::client("R", seq, 0, b"");
            reset.ttl = ttl;
            story.feed(reset, b"");
            assert_eq!(story.finish()[0].facts.end, expected, "seq {seq} ttl {ttl}");
        }
    }

    #[test]
    fn who_goes_on_talking_after_a_reset_was_not_reset() {
        let mut story = Story::new();
        story.handshake().client("PA", 1, 1, b"hel");
        story.client("R", 4, 0, b"");
        assert_eq!(story.facts().end, EndReason::Reset);
        story.client("PA", 4, 1, b"lo");
        assert_eq!(story.facts().end, EndReason::InputEnd);
        assert_eq!(story.heard(Side::Opener), "hello");
    }

    #[test]
    fn a_refused_connection_ends_by_reset() {
        let mut story = Story::new();
        story.client("S", 0, 0, b"");
        story.server("RA", 0, 1, b"");
        let ended = &story.finish()[0].facts;
        assert_eq!((ended.end, ended.tcp), (EndReason::Reset, TcpState::Closed));
        assert!(!ended.is_answered());
    }

    #[test]
    fn acknowledged_bytes_that_were_never_seen_are_counted_exactly() {
        let mut story = Story::new();
        story.handshake().client("PA", 1, 1, b"0123456789");
        story.client("PA", 91, 1, b"behind"); // 80 bytes are missing
        story.server("A", 1, 97, b"");
        let facts = story.facts();
        assert_eq!(
            (facts.sides[0].gaps, facts.sides[0].unseen_bytes, facts.sides[0].acked_bytes),
            (1, 80, 96)
        );
        assert_eq!(codes(&facts), ["gap_acked"]);
        story.client("PA", 11, 1, &[b'x'; 80]);
        assert_eq!(story.facts().sides[0].unseen_bytes, 0, "late bytes close the hole");
        assert_eq!(story.facts().sides[0].retransmissions, 0);
    }

    #[test]
    fn a_lost_tail_is_unseen_but_an_unseen_fin_is_not() {
        for (ack, expected) in [(1 + 5 + 1, 0), (1 + 5 + 40, 40)] {
            let mut story = Story::new();
            story.handshake().client("PA", 1, 1, b"hello");
            story.server("A", 1, ack, b"");
            assert_eq!(story.facts().sides[0].unseen_bytes, expected);
        }
    }

    #[test]
    fn a_hole_that_nobody_acknowledged_is_told_apart() {
        let mut story = Story::new();
        story.handshake().client("PA", 91, 1, b"behind");
        assert_eq!(codes(&story.finish()[0].facts), ["gap_unacked"]);
    }

    #[test]
    fn a_midstream_start_and_a_wild_jump_are_no_loss() {
        let mut story = Story::new();
        story.client("PA", 100, 700, b"hello");
        story.server("PA", 700, 105, b"there");
        story.server("A", 705, 105u32.wrapping_add(1 << 31), b"");
        let facts = story.facts();
        assert_eq!((facts.sides[0].unseen_bytes, facts.sides[1].unseen_bytes), (0, 0));
        assert_eq!((facts.tcp, codes(&facts)), (TcpState::Midstream, vec!["midstream"]));
    }

    #[test]
    fn repetitions_are_counted_and_keep_alives_are_none() {
        let mut story = Story::new();
        story.handshake().client("PA", 1, 1, b"hello");
        story.wait(1).client("PA", 1, 1, b"hello");
        story.server("A", 1, 6, b"");
        story.wait(60).client("A", 5, 1, b"\0");
        let facts = story.facts();
        assert_eq!(facts.sides[0].retransmissions, 1);
        assert!(facts.causes.is_empty(), "{:?}", codes(&facts));
        assert_eq!(story.heard(Side::Opener), "hello");
    }

    #[test]
    fn sequence_numbers_may_turn() {
        let mut story = Story::new();
        let before = 0u32.wrapping_sub(super::super::support::CLIENT).wrapping_sub(4); // number 2^32 - 4
        story.client("S", before, 0, b"");
        story.server("SA", 0, before.wrapping_add(1), b"");
        story.client("PA", before.wrapping_add(6), 1, b"turns");
        story.client("PA", before.wrapping_add(1), 1, b"here ");
        story.server("A", 1, before.wrapping_add(11), b"");
        assert_eq!(story.heard(Side::Opener), "here turns");
        assert!(story.finish()[0].facts.causes.is_empty());
    }

    #[test]
    fn an_answer_that_was_not_captured_is_known_by_its_acknowledgment() {
        let mut story = Story::new();
        story.client("S", 0, 0, b"");
        assert!(!story.facts().client_acked_unseen);
        story.client("A", 1, 1, b"");
        let facts = story.facts();
        assert!(facts.client_acked_unseen && facts.is_answered());
        assert_eq!(codes(&facts), ["one_way"]);
    }
}
