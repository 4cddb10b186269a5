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
