//! Datagrams put together from their pieces, in bounded memory, with every frame counted once.
//!
//! First data wins; what came twice with different bytes is marked, never settled in silence (RFC 5722, THREATS
//! "Fragments"). A datagram that is given up becomes one packet without ports that stands for all its frames.

use std::{collections::BTreeMap, net::IpAddr};

use crate::ground::model::{
    decoded::{Decoded, Vlans},
    key::Encap,
    limits::{DUPLICATE_AGE, FRAGMENT_BYTES_MAX, FRAGMENT_DATAGRAMS_MAX, FRAGMENT_IDLE},
    packet::SensorId,
    time::Timestamp,
};

use super::{
    Decodings, Inner,
    datagram::{Parts, Whole},
    network::{Fragment, Network},
};

/// One piece of a datagram, with its own copy of the bytes: it may outlive its frame.
#[derive(Clone, Debug)]
pub struct Piece {
    pub(super) arrival: Decoded,
    id: u32,
    pub(super) offset: u32,
    pub(super) more: bool,
    /// Length on the wire; more than is captured when the snaplen cut it.
    pub(super) wire_len: u32,
    header_len: usize,
    /// The headers that every piece repeats, made those of a whole datagram but for the length, then the piece.
    bytes: Box<[u8]>,
    /// Outer layers of a datagram that turned out to be a piece itself.
    pub(super) carriers: Vec<Decoded>,
}

impl Piece {
    pub(super) fn new(arrival: Decoded, home: &[u8], network: &Network, fragment: &Fragment) -> Self {
        let header = home.get(network.header_at..fragment.repeated_end).unwrap_or(&[]);
        let content = home.get(network.payload_at..network.end).unwrap_or(&[]);
        let mut bytes = [header, content].concat();
        if network.is_v4 {
            // The flag "more fragments" and the offset.
            if let Some(field) = bytes.get_mut(6..8) {
                field.copy_from_slice(&[field.first().map_or(0, |flags| flags & 0xc0), 0]);
            }
        } else if let Some(next) = bytes.get_mut(fragment.next_at - network.header_at) {
            *next = network.protocol;
        }
        Self {
            arrival,
            id: fragment.id,
            offset: fragment.offset,
            more: fragment.more,
            wire_len: u32::try_from(network.wire_end - network.payload_at).unwrap_or(u32::MAX),
            header_len: header.len(),
            bytes: bytes.into(),
            carriers: Vec::new(),
        }
    }

    /// The piece as a packet of its addresses: ports 0, `FRAG_INCOMPLETE`. RULES 26 judges it on arrival;
    /// it is not counted, the datagram is.
    #[must_use]
    pub const fn arrival(&self) -> &Decoded {
        &self.arrival
    }

    pub(super) fn header(&self) -> &[u8] {
        self.bytes.get(..self.header_len).unwrap_or(&[])
    }

    pub(super) fn content(&self) -> &[u8] {
        self.bytes.get(self.header_len..).unwrap_or(&[])
    }

    /// True when a datagram that reaches to the end of this piece is longer than any may be: 65,535 bytes with the
    /// header in IPv4, without the 40 of the fixed header in IPv6.
    fn is_beyond_any_datagram(&self) -> bool {
        let fixed = if self.is_v4() { 0 } else { 40 };
        self.header_len as u64 + u64::from(self.offset) + u64::from(self.wire_len) > 65_535 + fixed
    }

    const fn is_v4(&self) -> bool {
        self.arrival.tuple.source.addr.is_ipv4()
    }

    fn key(&self) -> Key {
        let tuple = &self.arrival.tuple;
        Key {
            source: tuple.source.addr,
            target: tuple.target.addr,
            id: self.id,
            // RFC 791 counts the protocol, RFC 8200 does not.
            protocol: if self.is_v4() { tuple.transport.0 } else { 0 },
            sensor: self.arrival.head.sensor,
            vlans: self.arrival.link.vlans,
            depth: self.arrival.outers.layers().len(),
            encap: self.arrival.encap,
        }
    }
}

/// Which datagram a piece belongs to. VLANs and depth count: a trunk shows a routed datagram twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    id: u32,
    source: IpAddr,
    target: IpAddr,
    protocol: u8,
    sensor: SensorId,
    vlans: Vlans,
    depth: usize,
    encap: Encap,
}

/// Puts datagrams together, in the order of the input (RULES 15). Never more than its bounds: the oldest is given up.
#[derive(Debug)]
pub struct Reassembler {
    bytes_max: usize,
    datagrams_max: usize,
    bytes: usize,
    /// The number of the next datagram, in order of first pieces.
    next: u64,
    datagrams: BTreeMap<Key, Datagram>,
    /// Open datagrams by age.
    open: BTreeMap<u64, Key>,
    /// Datagrams put together a moment ago, by age, kept for frames that were captured twice.
    done: BTreeMap<u64, Key>,
}

impl Default for Reassembler {
    fn default() -> Self {
        Self::new()
    }
}

impl Reassembler {
    /// With the bounds of `model::limits`.
    #[must_use]
    pub const fn new() -> Self {
        Self::with_limits(FRAGMENT_BYTES_MAX, FRAGMENT_DATAGRAMS_MAX)
    }

    /// With so many bytes and so many datagrams at most.
    #[must_use]
    pub const fn with_limits(bytes_max: usize, datagrams_max: usize) -> Self {
        Self {
            bytes_max,
            datagrams_max,
            bytes: 0,
            next: 0,
            datagrams: BTreeMap::new(),
            open: BTreeMap::new(),
            done: BTreeMap::new(),
        }
    }

    /// Takes one piece. Adds to `out` the datagram that it completes, and those that were given up for it.
    ///
    /// What is added is always a flow: complete, or portless with `FRAG_INCOMPLETE`.
    pub fn push(&mut self, piece: Box<Piece>, out: &mut Vec<Decodings>) {
        // A datagram may hold a piece of another one. Each round takes a header off, so the rounds are bounded.
        let mut next = Some(piece);
        while let Some(piece) = next {
            next = self.place(*piece, out);
        }
        while self.bytes > self.bytes_max || self.datagrams.len() > self.datagrams_max {
            if let Some((_, key)) = self.done.pop_first() {
                self.forget(&key);
            } else if let Some((_, key)) = self.open.pop_first() {
                self.give_up(&key, out);
            } else {
                break;
            }
        }
    }

    /// Gives up what began more than `limits::FRAGMENT_IDLE` before `clock`.
    pub fn expire(&mut self, clock: Timestamp, out: &mut Vec<Decodings>) {
        while let Some((number, key)) = self.open.first_key_value().map(|(number, key)| (*number, *key)) {
            if self.datagrams.get(&key).is_some_and(|datagram| clock.since(datagram.began) <= FRAGMENT_IDLE) {
                break;
            }
            self.open.remove(&number);
            self.give_up(&key, out);
        }
        self.forget_done(clock);
    }

    /// Gives up everything: the input is over.
    pub fn finish(&mut self, out: &mut Vec<Decodings>) {
        while let Some((_, key)) = self.open.pop_first() {
            self.give_up(&key, out);
        }
        self.done.clear();
        self.datagrams.clear();
        self.bytes = 0;
    }

    /// Datagrams that wait for pieces.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.open.len()
    }

    fn place(&mut self, piece: Piece, out: &mut Vec<Decodings>) -> Option<Box<Piece>> {
        let at = piece.arrival.head.at;
        self.forget_done(at);
        if piece.is_beyond_any_datagram() {
            out.push(Decodings {
                inner: Inner::Flow(piece.arrival),
                carriers: piece.carriers,
                ..Decodings::default()
            });
            return None;
        }
        let key = piece.key();
        match self.datagrams.get(&key) {
            Some(Datagram { state: State::Done(whole), .. }) if whole.holds(&piece) => {
                return whole.decode(piece.arrival, piece.carriers, out);
            }
            // The number is used again for another datagram.
            Some(Datagram { state: State::Done(_), number, .. }) => {
                self.done.remove(number);
                self.forget(&key);
            }
            Some(datagram) if at.since(datagram.began) > FRAGMENT_IDLE => {
                self.open.remove(&datagram.number);
                self.give_up(&key, out);
            }
            _ => {}
        }
        let parts = match self.datagrams.get_mut(&key) {
            Some(Datagram { state: State::Open(parts), .. }) => parts,
            _ => self.open(key, at)?,
        };
        let before = parts.cost();
        parts.add(piece);
        let (after, whole) = (parts.cost(), parts.whole());
        self.bytes = self.bytes - before + after;
        let whole = whole?;
        let datagram = self.datagrams.get_mut(&key)?;
        self.bytes = self.bytes - after + whole.cost();
        self.open.remove(&datagram.number);
        self.done.insert(datagram.number, key);
        datagram.began = at;
        let before = std::mem::replace(&mut datagram.state, State::Done(whole.clone()));
        let State::Open(parts) = before else { return None };
        let (arrival, carriers) = parts.into_arrival();
        whole.decode(arrival, carriers, out)
    }

    fn open(&mut self, key: Key, began: Timestamp) -> Option<&mut Parts> {
        let number = self.next;
        self.next += 1;
        self.bytes += DATAGRAM_COST;
        self.open.insert(number, key);
        let datagram = Datagram { number, began, state: State::Open(Box::default()) };
        match &mut self.datagrams.entry(key).insert_entry(datagram).into_mut().state {
            State::Open(parts) => Some(parts),
            State::Done(_) => None,
        }
    }

    fn give_up(&mut self, key: &Key, out: &mut Vec<Decodings>) {
        let Some(datagram) = self.forget(key) else { return };
        if let State::Open(parts) = datagram.state {
            let (arrival, carriers) = parts.into_arrival();
            out.push(Decodings { inner: Inner::Flow(arrival), carriers, ..Decodings::default() });
        }
    }

    fn forget(&mut self, key: &Key) -> Option<Datagram> {
        let datagram = self.datagrams.remove(key)?;
        self.bytes -= DATAGRAM_COST + datagram.state.cost();
        Some(datagram)
    }

    /// Forgets what was put together longer ago than a frame can come twice (RULES 33).
    fn forget_done(&mut self, now: Timestamp) {
        while let Some((number, key)) = self.done.first_key_value().map(|(number, key)| (*number, *key)) {
            if self
                .datagrams
                .get(&key)
                .is_some_and(|datagram| now.since(datagram.began).abs() <= DUPLICATE_AGE)
            {
                break;
            }
            self.done.remove(&number);
            self.forget(&key);
        }
    }
}

#[derive(Debug)]
struct Datagram {
    number: u64,
    /// When its first piece came, then when it was whole.
    began: Timestamp,
    state: State,
}

#[derive(Debug)]
enum State {
    Open(Box<Parts>),
    Done(Whole),
}

impl State {
    fn cost(&self) -> usize {
        match self {
            Self::Open(parts) => parts.cost(),
            Self::Done(whole) => whole.cost(),
        }
    }
}

/// What a datagram costs before its first byte: itself and its two places in the maps.
const DATAGRAM_COST: usize = size_of::<Datagram>() + size_of::<Parts>() + 2 * size_of::<Key>() + 64;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{
        super::{decode, samples::*},
        *,
    };
    use crate::ground::model::{
        address::Transport, decoded::PacketMarks, key::TunnelKind, packet::LinkType, time::SECOND,
    };

    /// What came out, and what went in, so that the two can be compared at the end.
    #[derive(Default)]
    struct Bench {
        reassembler: Reassembler,
        out: Vec<Decodings>,
        frames: u64,
        wire_bytes: u64,
        captured_bytes: u64,
    }

    impl Bench {
        fn with_limits(bytes: usize, datagrams: usize) -> Self {
            Self { reassembler: Reassembler::with_limits(bytes, datagrams), ..Self::default() }
        }

        /// One frame of Ethernet, one millisecond behind the one before.
        fn frame(&mut self, kind: u16, packet: &[u8]) {
            let nanos = self.frames as i64 * 1_000_000;
            self.frame_at(nanos, kind, packet);
        }

        fn frame_at(&mut self, nanos: i64, kind: u16, packet: &[u8]) {
            let frame = ethernet(kind, packet);
            self.cut_frame_at(nanos, &frame, frame.len());
        }

        fn cut_frame_at(&mut self, nanos: i64, frame: &[u8], kept: usize) {
            self.frames += 1;
            self.wire_bytes += frame.len() as u64;
            self.captured_bytes += kept as u64;
            let mut head = head_at(self.frames, nanos, frame);
            head.captured_len = kept as u32;
            let mut decodings = Decodings::default();
            decode(&frame[..kept], &head, &mut decodings);
            match std::mem::take(&mut decodings.inner) {
                Inner::Fragment(piece) => {
                    assert!(piece.arrival().marks.has(PacketMarks::FRAG_INCOMPLETE));
                    self.reassembler.push(piece, &mut self.out);
                }
                inner => self.out.push(Decodings { inner, ..decodings }),
            }
        }

        fn flows(&self) -> Vec<&Decoded> {
            let flow = |decodings: &'_ Decodings| matches!(decodings.inner, Inner::Flow(_));
            assert!(self.out.iter().all(flow));
            self.out
                .iter()
                .filter_map(|decodings| match &decodings.inner {
                    Inner::Flow(decoded) => Some(decoded),
                    _ => None,
                })
                .collect()
        }

        /// The end of the input: every frame must have been counted once (promise 2).
        fn finish(mut self) -> Self {
            self.reassembler.finish(&mut self.out);
            assert_eq!((self.reassembler.bytes, self.reassembler.waiting()), (0, 0));
            let flows = self.flows();
            let sum = |count: fn(&Decoded) -> u64| flows.iter().map(|flow| count(flow)).sum::<u64>();
            assert_eq!(sum(|flow| 1 + u64::from(flow.fragments)), self.frames);
            assert_eq!(
                sum(|flow| u64::from(flow.head.wire_len) + flow.fragments_wire_bytes),
                self.wire_bytes
            );
            assert_eq!(
                sum(|flow| u64::from(flow.head.captured_len) + flow.fragments_captured_bytes),
                self.captured_bytes
            );
            self
        }
    }

    fn message() -> Vec<u8> {
        (0..100).collect()
    }

    /// `content` in pieces of `step` bytes, as IPv4 packets.
    fn pieces4(protocol: u8, id: u16, content: &[u8], step: usize) -> Vec<Vec<u8>> {
        let last = content.len().div_ceil(step) - 1;
        let piece = |(place, bytes): (usize, &[u8])| {
            let more = if place == last { 0 } else { 0x2000 };
            ip4_with(protocol, id, more | (place * step / 8) as u16, &[], bytes)
        };
        content.chunks(step).enumerate().map(piece).collect()
    }

    fn pieces6(next: u8, id: u32, content: &[u8], step: usize) -> Vec<Vec<u8>> {
        let last = content.len().div_ceil(step) - 1;
        let piece = |(place, bytes): (usize, &[u8])| {
            ip6(44, &join(&[&fragment6(next, id, (place * step) as u16, place != last), bytes]))
        };
        content.chunks(step).enumerate().map(piece).collect()
    }

    fn assert_whole(decoded: &Decoded, fragments: u32) {
        assert_eq!((decoded.payload(&[]), decoded.tuple.target.port), (&message()[..], 53));
        assert_eq!((decoded.marks, decoded.fragments), (PacketMarks::FROM_FRAGMENTS, fragments));
    }

    #[test]
    fn pieces_in_any_order_make_the_datagram_of_the_frame_that_completes_it() {
        for reversed in [false, true] {
            for v6 in [false, true] {
                let mut pieces = if v6 {
                    pieces6(UDP, 7, &udp6(53, &message()), 16)
                } else {
                    pieces4(UDP, 7, &udp4(53, &message()), 16)
                };
                if reversed {
                    pieces.reverse();
                }
                let mut bench = Bench::default();
                for piece in &pieces {
                    bench.frame(if v6 { 0x86dd } else { 0x0800 }, piece);
                }
                let bench = bench.finish();
                let [decoded] = bench.flows()[..] else { panic!() };
                assert_whole(decoded, 6);
                assert_eq!((decoded.head.ordinal.0, decoded.head.at), (7, Timestamp::from_nanos(6_000_000)));
            }
        }
    }

    #[test]
    fn a_datagram_of_fragments_has_the_digest_of_no_single_frame_and_of_its_duplicate() {
        let pieces = pieces4(UDP, 7, &udp4(53, &message()), 64);
        // A mirror of both directions of a port shows every frame twice, right behind or at the end.
        for order in [[0, 0, 1, 1], [0, 1, 0, 1], [1, 1, 0, 0]] {
            let mut bench = Bench::default();
            for place in order {
                bench.frame(0x0800, &pieces[place]);
            }
            let bench = bench.finish();
            let flows = bench.flows();
            assert!(flows.iter().all(|flow| flow.tuple.target.port == 53), "{order:?}");
            assert!(flows.iter().all(|flow| flow.digest == flows[0].digest), "{order:?}");
            assert!(flows.iter().all(|flow| flow.marks == PacketMarks::FROM_FRAGMENTS), "{order:?}");
        }
    }

    #[test]
    fn a_missing_piece_leaves_one_portless_packet_for_all_frames() {
        let pieces = pieces4(UDP, 7, &udp4(53, &message()), 16);
        let mut bench = Bench::default();
        for (place, piece) in pieces.iter().enumerate() {
            if place != 3 {
                bench.frame(0x0800, piece);
            }
        }
        assert_eq!((bench.reassembler.waiting(), bench.out.len()), (1, 0));
        let clock = |secs| Timestamp::from_secs(secs);
        bench.reassembler.expire(clock(60), &mut bench.out);
        assert_eq!(bench.out.len(), 0);
        bench.reassembler.expire(clock(61), &mut bench.out);
        let bench = bench.finish();
        let [decoded] = bench.flows()[..] else { panic!() };
        assert_eq!((decoded.tuple.source.port, decoded.tuple.target.port), (0, 0));
        assert_eq!((decoded.tuple.transport, decoded.fragments), (Transport::UDP, 5));
        assert!(
            decoded.marks.has(PacketMarks::FRAG_INCOMPLETE) && decoded.marks.has(PacketMarks::NO_TRANSPORT)
        );
        assert_eq!(decoded.head.ordinal.0, 6);
    }

    #[test]
    fn a_number_that_is_used_again_much_later_begins_another_datagram() {
        let pieces = pieces4(UDP, 7, &udp4(53, &message()), 64);
        let mut bench = Bench::default();
        bench.frame_at(0, 0x0800, &pieces[0]);
        bench.frame_at(61 * SECOND, 0x0800, &pieces[1]);
        let bench = bench.finish();
        assert_eq!(bench.flows().len(), 2);
        assert!(bench.flows().iter().all(|flow| flow.marks.has(PacketMarks::FRAG_INCOMPLETE)));
    }

    #[test]
    fn an_overlap_is_marked_by_the_law_of_its_family() {
        let overlap = |v6: bool, start: usize, byte: u8| {
            let content = if v6 { udp6(53, &message()) } else { udp4(53, &message()) };
            let mut again = content[start..start + 24].to_vec();
            again[9] ^= byte;
            let mut bench = Bench::default();
            let (first, second, third) = if v6 {
                let pieces = pieces6(UDP, 7, &content, 64);
                let head = fragment6(UDP, 7, start as u16, true);
                (pieces[0].clone(), ip6(44, &join(&[&head, &again])), pieces[1].clone())
            } else {
                let pieces = pieces4(UDP, 7, &content, 64);
                let field = 0x2000 | (start / 8) as u16;
                (pieces[0].clone(), ip4_with(UDP, 7, field, &[], &again), pieces[1].clone())
            };
            for packet in [first, second, third] {
                bench.frame(if v6 { 0x86dd } else { 0x0800 }, &packet);
            }
            let bench = bench.finish();
            let [decoded] = bench.flows()[..] else { panic!("{:?}", bench.out) };
            // Whatever came second: the first data stands.
            assert_eq!(decoded.payload(&[]), message());
            decoded.marks.has(PacketMarks::FRAG_OVERLAP)
        };
        assert!(!overlap(false, 8, 0), "IPv4, the same bytes");
        assert!(overlap(false, 8, 1), "IPv4, other bytes");
        assert!(overlap(true, 8, 0), "IPv6, the same bytes in another cut");
        assert!(overlap(true, 8, 1), "IPv6, other bytes");
        assert!(!overlap(false, 56, 0), "IPv4, across the border, the same bytes");
        assert!(overlap(false, 48, 1), "IPv4, across the border, other bytes");
    }

    #[test]
    fn two_ends_of_one_datagram_are_a_conflict() {
        let mut bench = Bench::default();
        bench.frame(0x0800, &ip4_with(UDP, 7, 2, &[], &[0; 8]));
        bench.frame(0x0800, &ip4_with(UDP, 7, 5, &[], &[0; 8]));
        bench.frame(0x0800, &ip4_with(UDP, 7, 0x2003, &[], &[0; 8]));
        let bench = bench.finish();
        let [decoded] = bench.flows()[..] else { panic!() };
        assert!(decoded.marks.has(PacketMarks::FRAG_OVERLAP));
        assert!(decoded.marks.has(PacketMarks::FRAG_INCOMPLETE));
    }

    #[test]
    fn pieces_without_bytes_and_beyond_any_length_are_counted_and_harm_nobody() {
        let mut bench = Bench::default();
        let pieces = pieces4(UDP, 7, &udp4(53, &message()), 64);
        bench.frame(0x0800, &ip4_with(UDP, 7, 0x2000, &[], &[]));
        bench.frame(0x0800, &ip4_with(UDP, 7, 0x3fff, &[], &[0; 16]));
        bench.frame(0x0800, &pieces[0]);
        bench.frame(0x0800, &pieces[1]);
        bench.frame(0x0800, &ip4_with(UDP, 8, 0x2001, &[], &[]));
        bench.frame(0x86dd, &ip6(44, &fragment6(UDP, 9, 0, true)));
        let bench = bench.finish();
        let flows = bench.flows();
        assert_eq!(flows.len(), 4);
        assert_whole(flows[1], 2);
    }

    #[test]
    fn the_first_piece_must_hold_the_headers() {
        let mut bench = Bench::default();
        for piece in pieces4(TCP, 7, &tcp4(SYN, b"payload"), 8) {
            bench.frame(0x0800, &piece);
        }
        let bench = bench.finish();
        let [decoded] = bench.flows()[..] else { panic!() };
        assert_eq!((decoded.tuple.target.port, decoded.payload(&[])), (443, &b"payload"[..]));
        assert!(decoded.marks.has(PacketMarks::FRAG_TINY));
    }

    #[test]
    fn a_piece_that_was_cut_gives_a_datagram_that_is_cut() {
        let frames: Vec<_> =
            pieces4(UDP, 7, &udp4(53, &message()), 64).iter().map(|piece| ethernet(0x0800, piece)).collect();
        let mut bench = Bench::default();
        bench.cut_frame_at(0, &frames[0], 14 + 20 + 30);
        bench.cut_frame_at(1, &frames[1], frames[1].len());
        let bench = bench.finish();
        let [decoded] = bench.flows()[..] else { panic!() };
        assert_eq!((decoded.payload(&[]), decoded.payload_wire_len), (&message()[..22], 100));
        assert_eq!(decoded.marks, PacketMarks(PacketMarks::CUT.0 | PacketMarks::FROM_FRAGMENTS.0));
    }

    #[test]
    fn a_tunnel_inside_a_datagram_and_a_datagram_inside_a_tunnel_are_walked_on() {
        // IPv4 in fragments of GRE, itself in fragments: one flow, one carrier, all frames counted.
        let inner = pieces4(UDP, 7, &udp4(53, &message()), 64);
        let mut bench = Bench::default();
        for (place, piece) in inner.iter().enumerate() {
            for outer in pieces4(47, 90 + place as u16, &join(&[&[0, 0, 8, 0], piece]), 24) {
                bench.frame(0x0800, &outer);
            }
        }
        let bench = bench.finish();
        let [decoded] = bench.flows()[..] else { panic!("{:?}", bench.out) };
        assert_whole(decoded, bench.frames as u32 - 1);
        assert_eq!(decoded.outers.layers().len(), 1);
        let carriers = &bench.out[0].carriers;
        assert_eq!(carriers.len(), 2);
        assert!(carriers.iter().all(|carrier| carrier.carrier == Some(TunnelKind::Gre)));
        let names: std::collections::BTreeSet<_> =
            carriers.iter().map(|carrier| (carrier.head.ordinal, carrier.layer)).collect();
        assert!(names.len() == 2 && names.iter().all(|(_, layer)| *layer > 0));
    }

    #[test]
    fn a_flood_beyond_the_bounds_gives_up_the_oldest_and_loses_no_frame() {
        let mut bench = Bench::with_limits(64 * 1024, 50);
        for id in 0..2_000u16 {
            bench.frame(0x0800, &ip4_with(UDP, id, 0x2000 | (id % 100), &[], &[id as u8; 64]));
            assert!(bench.reassembler.bytes <= 64 * 1024 && bench.reassembler.waiting() <= 50);
        }
        let first = bench.flows()[0].head.ordinal.0;
        assert_eq!(first, 1);
        bench.finish();
    }

    #[test]
    fn thousands_of_tiny_pieces_and_as_many_overlaps_are_one_datagram() {
        let mut bench = Bench::default();
        let content = vec![7; 60_000];
        for piece in pieces4(UDP, 7, &content, 8).iter().rev() {
            bench.frame(0x0800, piece);
            bench.frame(0x0800, piece);
        }
        // The last of the frames comes after the datagram was whole, and shows it a second time.
        let bench = bench.finish();
        assert_eq!(bench.flows().len(), 2);
        assert_eq!(bench.flows()[0].fragments, 2 * 7_500 - 2);
    }

    proptest! {
        #[test]
        fn any_pieces_are_counted_once(
            pieces in prop::collection::vec((0..3u16, 0..20u16, any::<bool>(), 0..40usize, any::<bool>(), 0..3i64), 0..60),
            bytes_max in 1_000..20_000usize,
        ) {
            let mut bench = Bench::with_limits(bytes_max, 4);
            for (id, offset, more, len, v6, secs) in pieces {
                let (kind, packet) = if v6 {
                    let head = fragment6(UDP, u32::from(id), offset * 8, more);
                    (0x86dd, ip6(44, &join(&[&head, &vec![id as u8; len]])))
                } else {
                    let more = if more { 0x2000 } else { 0 };
                    (0x0800, ip4_with(4, id, more | offset, &[], &vec![0x45; len]))
                };
                bench.frame_at(secs * 30 * SECOND, kind, &packet);
            }
            bench.finish();
        }

        #[test]
        fn any_order_of_any_cut_gives_the_same_datagram(
            len in 320..3_000usize,
            step in 1..40usize,
            v6: bool,
            seed: u64,
        ) {
            let payload = vec![0x5a; len];
            let (kind, mut pieces) = if v6 {
                (0x86dd, pieces6(UDP, 7, &udp6(53, &payload), step * 8))
            } else {
                (0x0800, pieces4(UDP, 7, &udp4(53, &payload), step * 8))
            };
            let mut seed = seed;
            for place in (1..pieces.len()).rev() {
                seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                pieces.swap(place, (seed >> 33) as usize % (place + 1));
            }
            let mut bench = Bench::default();
            for piece in &pieces {
                bench.frame(kind, piece);
            }
            let bench = bench.finish();
            let flows = bench.flows();
            prop_assert_eq!(flows.len(), 1);
            prop_assert_eq!(flows[0].payload(&[]), &payload[..]);
            prop_assert!(!flows[0].marks.has(PacketMarks::BAD_CHECKSUM));
            prop_assert_eq!(LinkType::ETHERNET, flows[0].head.link);
        }
    }
}
