//! Both streams of a TCP connection while somebody reads them.

use super::{
    chunk::{Rest, Sink},
    doubt::Reason,
    settled::Settled,
    stream::{Noted, Piece, Stream},
    tcp::{SideMarks, Tcp, TcpSide, extend},
};
use crate::ground::model::{
    cause::{Cause, Causes},
    decoded::{Decoded, TcpFlags, TcpHead},
    key::Side,
    time::Timestamp,
};

/// What an open reading costs beside its streams' bytes.
const READING_OVERHEAD: usize = size_of::<Reading>();

/// Data in the SYNs of both ends.
type SynData = [Option<Box<[u8]>>; 2];

/// The streams of both ends.
#[derive(Debug, Default)]
pub(super) struct Reading {
    pub(super) streams: [Stream; 2],
    /// Data in a SYN: it counts when the SYN-ACK acknowledges it (RFC 7413; THREATS R09).
    syn_data: Option<Box<SynData>>,
    /// Bytes last charged to the table.
    pub(super) charged: usize,
    /// What was read before, and has been let go.
    pub(super) settled: Option<Box<Settled>>,
}

/// The packet that is read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Arrival<'a> {
    /// Who sent it.
    pub(super) side: Side,
    /// Its headers.
    pub(super) packet: &'a Decoded,
    /// Its TCP header.
    pub(super) head: &'a TcpHead,
    /// Its captured payload.
    pub(super) payload: &'a [u8],
    /// Why it may not have reached the peer.
    pub(super) doubt: Option<Reason>,
}

impl Reading {
    /// Memory held.
    pub(super) fn cost(&self) -> usize {
        let syn =
            self.syn_data.iter().flat_map(|data| data.iter().flatten()).map(|data| data.len()).sum::<usize>();
        READING_OVERHEAD + syn + self.streams.iter().map(Stream::cost).sum::<usize>()
    }

    /// True when there is nothing but the streams themselves.
    pub(super) const fn holds_streams_only(&self) -> bool {
        self.syn_data.is_none() && self.settled.is_none()
    }

    /// Begins anew with the buffers it has.
    pub(super) fn clear(&mut self) {
        self.streams.iter_mut().for_each(Stream::clear);
        (self.syn_data, self.charged, self.settled) = (None, 0, None);
    }

    /// All that was delivered of streams that are kept whole, for a reader that remembers nothing.
    pub(super) fn delivered(&self) -> impl Iterator<Item = (Side, &[u8])> {
        let streams = self.streams.iter().zip(Side::BOTH);
        streams.filter_map(|(stream, side)| Some((side, stream.delivered()?)))
    }

    /// Keeps data that came inside a SYN of this flow.
    pub(super) fn syn_data(&mut self, side: Side, data: &[u8], causes: &mut Causes) {
        let Some(slot) = self.syn_data.get_or_insert_default().get_mut(side.index()) else { return };
        match slot {
            Some(known) if **known != *data => causes.add(Cause::OverlapConflict),
            Some(_) => {}
            None => *slot = Some(data.into()),
        }
    }

    /// Begins anew at the present edge of each direction; `arrival` is the first packet that is read again.
    pub(super) fn resume(tcp: &Tcp, side: Side, head: &TcpHead) -> Self {
        let mut reading = Self::default();
        for (stream, sent) in reading.streams.iter_mut().zip(&tcp.sides) {
            if sent.marks.has(SideMarks::ANCHORED) {
                stream.begin(sent.next);
            }
        }
        if let Some(stream) = reading.streams.get_mut(side.index()) {
            // A packet ahead of its stream must not hide the bytes before it, which are still to come.
            let me = tcp.side(side);
            let waiting = me.holes().and_then(|holes| holes.first_unacked(me.acked)).unwrap_or(me.next);
            *stream = Stream::default();
            stream.begin(extend(me.next, head.seq).min(waiting));
        }
        reading
    }

    /// Reads one packet of the flow, after [`Tcp::segment`] has taken it in.
    pub(super) fn packet(
        &mut self,
        arrival: &Arrival<'_>,
        tcp: &mut Tcp,
        causes: &mut Causes,
        sink: &mut Sink<'_>,
    ) {
        let (head, side) = (arrival.head, arrival.side);
        let flags = head.flags;
        if flags.has(TcpFlags::RST) {
            return; // Text in a reset is no part of the stream (RFC 9293 section 3.5.3).
        }
        let now = arrival.packet.head.at;
        let (me, peer) = tcp.pair(side);
        if flags.has(TcpFlags::SYN) {
            if !arrival.payload.is_empty() && me.marks.has(SideMarks::ISN) && me.isn() == head.seq {
                self.syn_data(side, arrival.payload, causes);
            }
            if flags.has(TcpFlags::ACK) {
                self.accept_syn_data(side.other(), peer, head.ack, causes, sink);
            }
            return;
        }
        // Whoever speaks on without an answer to his SYN's data sends it again.
        if flags.has(TcpFlags::ACK) {
            self.drop_syn_data(side.other());
        }
        let [opener, answerer] = &mut self.streams;
        let (mine, theirs) = if side == Side::Opener { (opener, answerer) } else { (answerer, opener) };

        note(theirs.find_start(start(peer), now, known_ack(peer), false, side.other(), sink), causes);
        note(theirs.pass_hole(now, known_ack(peer), false, side.other(), sink), causes);
        theirs.variants(false, side.other(), sink);

        let missing = arrival.packet.payload_wire_len.saturating_sub(arrival.payload.len() as u32);
        if !arrival.payload.is_empty() || missing > 0 {
            let at = extend(mine.at().unwrap_or(me.start), head.seq);
            if mine.at().is_none() && me.marks.has(SideMarks::ISN) {
                // Stacks that count wrongly give their first data the SYN's own number: read, and doubted.
                let wrong = !me.start_is_certain() && at + 1 == me.start && arrival.payload.len() > 1;
                mine.begin(if wrong { at } else { me.start });
            }
            let reach = at + arrival.payload.len() as u64;
            if flags.has(TcpFlags::URG) {
                causes.add(Cause::UrgentData);
            }
            let piece = Piece { at, bytes: arrival.payload, cut: u64::from(missing) };
            let noted = mine.add(piece, side, known_ack(me), sink);
            match arrival.doubt {
                Some(reason) => {
                    if let Some(reason) = me.doubt(at, reach, reason) {
                        reason.note(causes);
                    }
                }
                None if !noted.conflict => me.confirm(at, reach),
                None => {}
            }
            note(noted, causes);
        }
        note(mine.find_start(start(me), now, known_ack(me), false, side, sink), causes);
        note(mine.pass_hole(now, hole_ack(me, peer), false, side, sink), causes);
        mine.variants(false, side, sink);
    }

    fn accept_syn_data(
        &mut self,
        side: Side,
        sender: &TcpSide,
        ack: u32,
        causes: &mut Causes,
        sink: &mut Sink<'_>,
    ) {
        let syn_data = self.syn_data.as_mut().and_then(|data| data.get_mut(side.index()));
        let Some(data) = syn_data.and_then(Option::take) else { return };
        let accepted = extend(sender.start, ack).saturating_sub(sender.start);
        let accepted = data.get(..usize::try_from(accepted).unwrap_or(usize::MAX)).unwrap_or(&data);
        if accepted.is_empty() {
            return;
        }
        if let Some(stream) = self.streams.get_mut(side.index()) {
            stream.begin(sender.start);
            let piece = Piece { at: sender.start, bytes: accepted, cut: 0 };
            note(stream.add(piece, side, known_ack(sender), sink), causes);
        }
    }

    fn drop_syn_data(&mut self, side: Side) {
        if let Some(data) = self.syn_data.as_mut().and_then(|data| data.get_mut(side.index())) {
            *data = None;
        }
    }

    /// Everything that is still held, when nothing more comes: bytes behind holes that the peer acknowledged, and variants
    /// that have grown since they were shown.
    fn finish(&mut self, tcp: &Tcp, now: Timestamp, causes: &mut Causes, sink: &mut Sink<'_>) {
        for side in Side::BOTH {
            let (me, peer) = (tcp.side(side), tcp.side(side.other()));
            let Some(stream) = self.streams.get_mut(side.index()) else { continue };
            note(stream.find_start(start(me), now, known_ack(me), true, side, sink), causes);
            note(stream.pass_hole(now, hole_ack(me, peer), true, side, sink), causes);
            if stream.has_hole() {
                causes.add(Cause::GapUnacked);
            }
            stream.variants(true, side, sink);
        }
    }

    /// Nothing more is wanted: variants are shown as far as they have grown, and all else is let go.
    pub(super) fn stop(&mut self, sink: &mut Sink<'_>) {
        for (stream, side) in self.streams.iter_mut().zip(Side::BOTH) {
            stream.variants(true, side, sink);
        }
    }

    /// [`Reading::finish`] with what it delivers as values.
    pub(super) fn rest(mut self, tcp: &Tcp, now: Timestamp, causes: &mut Causes) -> Vec<Rest> {
        let mut rest = Vec::new();
        self.finish(tcp, now, causes, &mut |chunk| rest.push(Rest::from(chunk)));
        rest
    }
}

/// Where the stream begins, when a SYN told it.
fn start(side: &TcpSide) -> Option<u64> {
    side.marks.has(SideMarks::ISN).then_some(side.start)
}

/// How far the other end acknowledged, where that is known.
fn known_ack(side: &TcpSide) -> Option<u64> {
    side.marks.has(SideMarks::ACKED).then_some(side.acked)
}

/// The acknowledgment against which holes are held: none at all when the other end is not in the capture.
fn hole_ack(side: &TcpSide, peer: &TcpSide) -> Option<u64> {
    if peer.flags == TcpFlags::default() { None } else { Some(known_ack(side).unwrap_or(0)) }
}

fn note(noted: Noted, causes: &mut Causes) {
    for (cause, why) in noted.causes() {
        causes.add_with(cause, why);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::flow::{
        Settings,
        support::{Story, client, codes, udp},
    };

    #[test]
    fn data_in_a_syn_counts_only_as_far_as_the_answer_acknowledges_it() {
        for (ack, expected) in [(6, "hello"), (1, ""), (3, "he")] {
            let mut story = Story::new();
            story.client("S", 0, 0, b"hello");
            assert_eq!(story.heard(Side::Opener), "");
            story.server("SA", 0, ack, b"");
            assert_eq!(story.heard(Side::Opener), expected);
        }
    }

    #[test]
    fn a_name_in_a_refused_syn_is_no_name() {
        let mut story = Story::new();
        story.client("S", 0, 0, b"good name");
        story.server("SA", 0, 1, b"");
        story.client("A", 1, 1, b"");
        story.client("PA", 1, 1, b"evil name");
        story.server("A", 1, 10, b"");
        assert_eq!(story.heard(Side::Opener), "evil name");
        assert!(story.finish()[0].facts.causes.is_empty());
    }

    #[test]
    fn a_split_handshake_and_stray_syn_acks_do_not_hide_the_stream() {
        let mut story = Story::new();
        story.client("S", 0, 0, b"");
        story.server("S", 0, 0, b"");
        story.client("SA", 0, 1, b"");
        story.server("SA", 900, 77, b""); // answers nothing
        story.server("A", 1, 1, b"");
        story.client("PA", 1, 1, b"hello");
        assert_eq!(story.heard(Side::Opener), "hello");
        assert_eq!(story.facts().sides[1].packets, 3);
    }

    #[test]
    fn a_flow_that_is_read_no_more_is_still_counted_and_can_be_read_again() {
        let mut story = Story::new();
        story.handshake().client("PA", 1, 1, b"hello");
        let handle = story.last.unwrap();
        story.flows.stop_reading(handle, &mut |_| {});
        assert_eq!((story.flows.is_reading(handle), story.flows.stream_bytes()), (false, 0));
        story.client("PA", 6, 1, b"hidden");
        story.client("PA", 20, 1, b"lost something");
        story.server("A", 1, 34, b"");
        assert_eq!(story.heard(Side::Opener), "hello");
        assert_eq!(story.facts().sides[0].unseen_bytes, 8);
        assert!(story.causes().is_empty(), "a later gap is counted and lifts nothing");

        let again = client("PA", 34, 1, b"again");
        story.flows.packet(&again);
        story.flows.resume_reading(handle, &again);
        let mut heard = Vec::new();
        story.flows.read(handle, &again, b"again", &mut |chunk| heard.push(Rest::from(chunk)));
        assert_eq!(heard, [Rest::Bytes(Side::Opener, b"again".to_vec())]);
        story.server("PA", 1, 39, b"answer");
        assert_eq!(story.heard(Side::Answerer), "answer");
    }

    #[test]
    fn a_flow_that_is_read_again_hides_nothing_behind_the_packet_that_woke_it() {
        let woken = |letters: &str, seq: u32| {
            let mut story = Story::new();
            story.handshake().client("PA", 1, 1, b"hello");
            let handle = story.last.unwrap();
            story.flows.stop_reading(handle, &mut |_| {});
            let decoy = client(letters, seq, 1, b"decoy");
            story.flows.packet(&decoy);
            story.flows.resume_reading(handle, &decoy);
            story.flows.read(handle, &decoy, b"decoy", &mut |_| {});
            let resumed = story.flows.is_reading(handle);
            story.client("PA", 6, 1, b"name");
            (resumed, story.heard(Side::Opener))
        };
        assert_eq!(woken("PA", 40), (true, "helloname".to_owned()));
        assert_eq!(woken("PA", 6 + (1 << 30)), (true, "helloname".to_owned()));
        assert!(!woken("S", 40).0 && !woken("RA", 40).0);
    }

    #[test]
    fn datagrams_are_passed_on_and_a_cut_one_leaves_a_gap() {
        let mut story = Story::new();
        story.feed(udp("10.0.0.1:40000", "192.0.2.53:53", 5), b"query");
        let mut cut = udp("192.0.2.53:53", "10.0.0.1:40000", 100);
        cut.payload_len = 3;
        cut.head.captured_len -= 97;
        story.feed(cut, b"ans");
        assert_eq!(
            (story.heard(Side::Opener).as_str(), story.heard(Side::Answerer).as_str()),
            ("query", "ans[97]")
        );
        assert_eq!(story.causes(), ["snaplen"]);
    }

    // THREATS R48: many flows, each with a hole.
    #[test]
    fn without_memory_a_flow_is_read_no_more_and_says_so() {
        let mut story = Story::with(Settings { stream_bytes: 100_000, ..Settings::default() });
        for port in 0..200_u16 {
            let mut packet = client("PA", 100, 1, &[b'x'; 1_000]);
            packet.tuple.source.port = 10_000 + port;
            story.feed(packet.clone(), &[b'x'; 1_000]);
            packet.tcp.as_mut().unwrap().seq += 2_000;
            story.feed(packet, &[b'x'; 1_000]);
            assert!(story.flows.stream_bytes() <= 100_000);
        }
        let evicted = story.finish().iter().filter(|ended| codes(&ended.facts).contains(&"resource_evicted"));
        assert!(evicted.count() > 100);
    }

    #[test]
    fn first_data_that_takes_the_number_of_the_syn_is_read_and_doubted() {
        let mut story = Story::new();
        story.client("S", 0, 0, b"");
        story.server("SA", 0, 0, b"");
        story.client("PA", 0, 0, b"GET /");
        assert_eq!(story.heard(Side::Opener), "GET /");
        assert!(story.causes().contains(&"out_of_window"));
    }

    proptest::proptest! {
        // THREATS R61: a mirror's ports put packets in disorder by some milliseconds.
        #[test]
        fn a_connection_in_disorder_says_the_same(order in proptest::collection::vec(proptest::prelude::any::<u32>(), 11)) {
            let mut packets = vec![
                (true, "S", 0, 0, &b""[..]),
                (false, "SA", 0, 1, b""),
                (true, "A", 1, 1, b""),
                (true, "PA", 1, 1, b"hello "),
                (true, "PA", 7, 1, b"over "),
                (true, "PA", 12, 1, b"there"),
                (false, "A", 1, 17, b""),
                (false, "PA", 1, 17, b"and "),
                (false, "PA", 5, 17, b"welcome"),
                (true, "A", 17, 12, b""),
                (true, "PA", 17, 12, b"!"),
            ];
            let mut order = order.into_iter();
            packets.sort_by_cached_key(|_| order.next());
            let mut story = Story::new();
            for (from_client, letters, seq, ack, data) in packets {
                if from_client { story.client(letters, seq, ack, data) } else { story.server(letters, seq, ack, data) };
            }
            story.finish();
            let facts = &story.ended[0].facts;
            let client = facts.client;
            proptest::prop_assert_eq!(story.heard(client), "hello over there!");
            proptest::prop_assert_eq!(story.heard(client.other()), "and welcome");
            proptest::prop_assert_eq!((story.ended.len(), facts.basis.code()), (1, "syn"));
            proptest::prop_assert!(codes(facts).is_empty(), "{:?}", codes(facts));
        }
    }
}
