//! QUIC: the name in Initial packets, which anybody on the path can open.
//!
//! Sources: RFC 9000 section 17 (packets), RFC 9001 section 5 (keys), RFC 9369 (version 2), RFC 9368 (changing version).

use super::{
    dissector::{Dissector, First, Guess, Next, Protocol},
    gquic,
    hello::{self, HEADER_LEN, Reply},
    ja4::Carrier,
    pieces::Pieces,
    quic_keys::{self, InitialKeys, Opened, Role, Scheme},
};
use crate::ground::model::{
    address::Transport,
    cause::Cause,
    field::Field,
    identity::{Basis, Marks, Notes},
    key::Side,
    limits,
};

/// QUIC over UDP.
pub static PROTOCOL: Protocol = Protocol {
    name: NAME,
    transport: Transport::UDP,
    ports: &[443, 8443, 853, 784, 80],
    first: First::range(0, 0x3f).and(First::range(0x80, 0xff)),
    probe,
    open: || Box::<Quic>::default(),
};

const NAME: &str = "quic";
/// Longest connection ID (RFC 9000 section 17.2).
const CONNECTION_ID_MAX: usize = 20;
/// Smallest datagram with a client's Initial (RFC 9000 section 14.1).
const INITIAL_DATAGRAM_MIN: usize = 1_200;
/// Bits of the first byte: long header, and the fixed bit.
const LONG: u8 = 0x80;
const FIXED: u8 = 0x40;

/// Packets with a long header (RFC 9000 section 17.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Initial,
    EarlyData,
    Handshake,
    Retry,
}

/// The part of a long header that every version shares (RFC 8999 section 5.1), and what follows it.
#[derive(Debug)]
struct Long<'a> {
    first: u8,
    version: u32,
    dcid: &'a [u8],
    scid: &'a [u8],
    rest: &'a [u8],
}

impl<'a> Long<'a> {
    fn read(packet: &'a [u8]) -> Option<Self> {
        let ([first, a, b, c, d], rest) = packet.split_first_chunk::<5>()?;
        let (dcid, rest) = hello::take_short(rest)?;
        let (scid, rest) = hello::take_short(rest)?;
        let fits = first & LONG != 0 && dcid.len() <= CONNECTION_ID_MAX && scid.len() <= CONNECTION_ID_MAX;
        fits.then_some(Self {
            first: *first,
            version: u32::from_be_bytes([*a, *b, *c, *d]),
            dcid,
            scid,
            rest,
        })
    }

    const fn kind(&self, second: bool) -> Kind {
        let number = (self.first >> 4) & 0x03;
        // Version 2 turns the numbers by one (RFC 9369 section 3.2).
        match if second { (number + 3) & 0x03 } else { number } {
            0 => Kind::Initial,
            1 => Kind::EarlyData,
            2 => Kind::Handshake,
            _ => Kind::Retry,
        }
    }

    /// Where the packet number starts, counted from the end of the source connection ID, and what lies from there to the
    /// end of the packet.
    fn body(&self, kind: Kind) -> Option<(usize, usize)> {
        let mut rest = self.rest;
        if kind == Kind::Initial {
            let (token_len, after) = take_varint(rest)?;
            rest = after.get(usize::try_from(token_len).ok()?..)?;
        }
        let (len, rest) = take_varint(rest)?;
        let len = usize::try_from(len).ok().filter(|len| *len <= rest.len())?;
        Some((self.rest.len() - rest.len(), len))
    }
}

/// Recognises a datagram that begins with a long header whose lengths agree.
fn probe(first: &[u8], _side: Side) -> Guess {
    let sound = if gquic::public_header(first).is_some() {
        true
    } else if let Some(long) = Long::read(first) {
        let fixed = long.first & FIXED != 0;
        match quic_keys::scheme(long.version) {
            _ if long.version == 0 => {
                let (versions, rest) = long.rest.as_chunks::<4>();
                let known = |version: &[u8; 4]| is_known(u32::from_be_bytes(*version));
                rest.is_empty() && versions.iter().any(known)
            }
            Some(scheme) => {
                let kind = long.kind(scheme.second);
                fixed && (kind == Kind::Retry || long.body(kind).is_some())
            }
            // A version of the future: only where its lengths fill a client's first datagram as ours do, or where it
            // is one of the numbers that exist to be refused (RFC 9000 section 15).
            None if gquic::is_version(long.version) => true,
            None => {
                let fills = long.body(Kind::Initial).is_some_and(|(at, len)| at + len == long.rest.len());
                fixed
                    && first.len() >= INITIAL_DATAGRAM_MIN
                    && long.dcid.len() >= 8
                    && (fills || is_reserved(long.version))
            }
        }
    } else {
        gquic_46(first).is_some()
    };
    if sound { Guess::Yes } else { Guess::No }
}

/// The version of a long header that Google numbered. That of Q046 has two lengths in one byte.
fn gquic_46(datagram: &[u8]) -> Option<u32> {
    let ([first, version @ ..], _) = datagram.split_first_chunk::<5>()?;
    let version = u32::from_be_bytes(*version.first_chunk()?);
    (first & (LONG | FIXED) == LONG | FIXED && gquic::is_version(version)).then_some(version)
}

fn is_known(version: u32) -> bool {
    quic_keys::scheme(version).is_some() || gquic::is_version(version) || is_reserved(version)
}

/// 0x?a?a?a?a
const fn is_reserved(version: u32) -> bool {
    version & 0x0f0f_0f0f == 0x0a0a_0a0a
}

/// True when a datagram of a flow that was settled begins another connection: it must be read again, by a fresh reader.
#[must_use]
pub fn reopens(datagram: &[u8]) -> bool {
    Long::read(datagram).is_some_and(|long| {
        let initial =
            quic_keys::scheme(long.version).is_none_or(|scheme| long.kind(scheme.second) == Kind::Initial);
        initial && long.version != 0 && datagram.len() >= INITIAL_DATAGRAM_MIN
    })
}

/// RFC 9000 section 16.
fn take_varint(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let first = bytes.first()?;
    let (value, rest) = bytes.split_at_checked(1 << (first >> 6))?;
    let value = value.iter().fold(0, |value, byte| value << 8 | u64::from(*byte));
    let bits = 8 * (1_u32 << (first >> 6)) - 2;
    Some((value & (u64::MAX >> (64 - bits)), rest))
}

/// The word for a version in flow lines.
fn version_word(version: u32) -> String {
    match version {
        1 => "v1".to_owned(),
        0x6b33_43cf => "v2".to_owned(),
        0xff00_0000..=0xff00_00ff => format!("draft-{}", version & 0xff),
        _ if gquic::is_version(version) => version.to_be_bytes().map(char::from).iter().collect(),
        _ => format!("0x{version:08x}"),
    }
}

/// CRYPTO bytes of one end.
#[derive(Default)]
struct Crypto {
    pieces: Pieces,
    /// Bytes of the front that were read.
    read: usize,
    /// Largest packet number that was opened.
    largest: Option<u64>,
}

/// One connection: everything under the keys of one connection ID.
struct Connection {
    dcid: Vec<u8>,
    client: Side,
    /// Keys by version: a server may answer in another one (RFC 9368).
    keys: Vec<(u32, InitialKeys)>,
    crypto: [Crypto; 2],
    hello: bool,
    /// Frames are numbered as in Google's versions.
    google: bool,
}

/// One flow: mostly one connection, and whatever else comes on its ports.
#[derive(Default)]
struct Quic {
    connections: Vec<Connection>,
    /// Connection IDs that may have given keys: of Initials that did not open, and of Retry packets.
    candidates: Vec<Vec<u8>>,
    /// Versions that were written down.
    versions: Vec<u32>,
    failures: u32,
    initials: bool,
    /// The client tried a version that nobody here knows.
    unknown: bool,
    negotiated: bool,
    /// Packets of Google's own versions came, and the hello of one was read.
    old: bool,
    old_hello_read: bool,
    /// Which end sent a long header, and packets that only the two can read.
    long: [bool; 2],
    protected: [bool; 2],
    /// The server's Initials were opened.
    answered: bool,
}

impl Dissector for Quic {
    fn bytes(&mut self, datagram: &[u8], side: Side, notes: &mut Notes<'_>) -> Next {
        let mut rest = datagram;
        for _ in 0..limits::QUIC_PACKETS_PER_DATAGRAM_MAX {
            if rest.is_empty() {
                break;
            }
            rest = self.packet(rest, side, notes);
        }
        let pending = self.connections.iter().any(|connection| !connection.hello);
        if self.answered && self.protected == [true; 2] && !pending && !self.speaks_unknown() {
            return Next::Settled;
        }
        Next::More
    }

    fn gap(&mut self, _missing: u64, _side: Side, _notes: &mut Notes<'_>) -> Next {
        Next::More
    }

    fn finish(&mut self, notes: &mut Notes<'_>) {
        if self.speaks_unknown() {
            notes.cause(Cause::QuicUnknownVersion, "");
        }
        if self.initials && self.connections.is_empty() {
            notes.cause(Cause::QuicUndecryptable, "");
        }
        if self.old && !self.old_hello_read {
            notes.cause(Cause::NoSni, "unfinished_hello");
        }
        for connection in &self.connections {
            if !connection.hello {
                notes.cause(Cause::NoSni, "unfinished_hello");
            }
            // The server talked, and nothing it said was QUIC's answer to this hello.
            let server = connection.client.other();
            if connection.hello && !self.answered && self.protected.get(server.index()) == Some(&true) {
                notes.cause(Cause::QuicUndecryptable, "server");
            }
        }
    }
}

impl Quic {
    /// An unknown version came that was not merely asked for, refused, and replaced by a known one.
    const fn speaks_unknown(&self) -> bool {
        self.unknown && (!self.negotiated || self.connections.is_empty())
    }

    /// Reads one packet; gives what follows it in the datagram.
    fn packet<'a>(&mut self, packet: &'a [u8], side: Side, notes: &mut Notes<'_>) -> &'a [u8] {
        if let Some((version, payload)) = gquic::public_header(packet) {
            self.old_hello(version, payload, side, notes);
            return &[];
        }
        if packet.first().is_some_and(|first| first & LONG == 0) {
            self.short(packet, side, notes);
            return &[];
        }
        if let Some(version) = gquic_46(packet).filter(|version| *version < u32::from_be_bytes(*b"Q050")) {
            self.old_hello(version, packet.get(5..).unwrap_or_default(), side, notes);
            return &[];
        }
        let Some(long) = Long::read(packet) else { return &[] };
        notes.app(NAME, Basis::Signature);
        if let Some(seen) = self.long.get_mut(side.index()) {
            *seen = true;
        }
        if long.version == 0 {
            self.negotiated = true;
            return &[];
        }
        self.note_version(long.version, side, notes);
        let Some(scheme) = quic_keys::scheme(long.version) else {
            // The server speaks it: nothing will be read here. The client may only be asking.
            if self.connections.iter().any(|connection| connection.client != side) {
                notes.cause(Cause::QuicUnknownVersion, "");
            }
            self.unknown = true;
            return &[];
        };
        let kind = long.kind(scheme.second);
        if kind == Kind::Retry {
            // Token and a tag of 16 bytes follow. The next Initial's keys come from this source connection ID.
            self.remember(long.scid);
            return &[];
        }
        let Some((number_at, len)) = long.body(kind) else { return &[] };
        let number_at = packet.len() - long.rest.len() + number_at;
        let (whole, rest) = packet.split_at_checked(number_at + len).unwrap_or((packet, &[]));
        match kind {
            Kind::Initial => {
                self.initials = true;
                self.initial(whole, &long, scheme, number_at, side, notes);
            }
            Kind::EarlyData => notes.mark(Marks::EARLY_DATA),
            Kind::Handshake => self.protected(side, notes),
            Kind::Retry => {}
        }
        rest
    }

    fn short(&mut self, packet: &[u8], side: Side, notes: &mut Notes<'_>) {
        let fixed = packet.first().is_some_and(|first| first & FIXED != 0);
        // Ends may agree to clear the fixed bit (RFC 9287), but not before the server has spoken at all.
        let silent = self.long.get(side.index()) == Some(&false);
        if !fixed && silent && self.connections.iter().any(|connection| connection.client != side) {
            notes.cause(Cause::NotTheExpectedProtocol, NAME);
        }
        if fixed || self.answered {
            self.protected(side, notes);
        }
    }

    /// A packet that only the two ends can read. It says something only once a hello was read.
    fn protected(&mut self, side: Side, notes: &mut Notes<'_>) {
        if !self.connections.iter().any(|connection| connection.hello) {
            return;
        }
        if let Some(seen) = self.protected.get_mut(side.index()) {
            *seen = true;
        }
        notes.mark(match side {
            Side::Opener => Marks::ENCRYPTED_OPENER,
            Side::Answerer => Marks::ENCRYPTED_ANSWERER,
        });
    }

    fn note_version(&mut self, version: u32, side: Side, notes: &mut Notes<'_>) {
        if !self.versions.contains(&version) && self.versions.len() < limits::QUIC_CONNECTIONS_MAX {
            self.versions.push(version);
            notes.text(Field::QuicVersion, version_word(version).as_bytes(), side);
        }
    }

    fn remember(&mut self, id: &[u8]) {
        if self.candidates.len() >= limits::QUIC_CONNECTIONS_MAX {
            self.candidates.remove(0);
        }
        self.candidates.push(id.to_vec());
    }

    fn initial(
        &mut self,
        packet: &[u8],
        long: &Long<'_>,
        scheme: Scheme,
        number_at: usize,
        side: Side,
        notes: &mut Notes<'_>,
    ) {
        let found = self.open_known(packet, long.version, scheme, number_at, side);
        let Some((place, opened)) =
            found.or_else(|| self.open_new(packet, long, scheme, number_at, side, notes))
        else {
            self.failures = self.failures.saturating_add(1);
            return;
        };
        notes.app(NAME, Basis::Parsed);
        let Some(connection) = self.connections.get_mut(place) else { return };
        let role = if connection.client == side { Role::Client } else { Role::Server };
        if let Some(crypto) = connection.crypto.get_mut(side.index()) {
            crypto.largest = crypto.largest.max(Some(opened.number));
        }
        if role == Role::Server {
            self.answered = true;
            notes.mark(Marks::SERVER_HELLO);
            notes.mark(Marks::HANDSHAKE);
        }
        connection.frames(&opened.frames, side, notes);
    }

    /// Tries the keys that opened something before, latest first.
    fn open_known(
        &mut self,
        packet: &[u8],
        version: u32,
        scheme: Scheme,
        number_at: usize,
        side: Side,
    ) -> Option<(usize, Opened)> {
        for (place, connection) in self.connections.iter_mut().enumerate().rev() {
            if !connection.keys.iter().any(|(known, _)| *known == version) {
                if connection.keys.len() >= limits::QUIC_CONNECTIONS_MAX {
                    continue;
                }
                connection.keys.push((version, InitialKeys::derive(scheme, &connection.dcid)?));
            }
            let role = if connection.client == side { Role::Client } else { Role::Server };
            let largest = connection.crypto.get(side.index()).and_then(|crypto| crypto.largest);
            let keys = connection.keys.iter().find(|(known, _)| *known == version);
            if let Some(opened) = keys.and_then(|(_, keys)| keys.open(role, packet, number_at, largest)) {
                return Some((place, opened));
            }
        }
        None
    }

    /// Tries to see the packet as the first of a client's connection: under its own connection ID, or one seen before.
    fn open_new(
        &mut self,
        packet: &[u8],
        long: &Long<'_>,
        scheme: Scheme,
        number_at: usize,
        side: Side,
        notes: &mut Notes<'_>,
    ) -> Option<(usize, Opened)> {
        if self.failures >= limits::QUIC_FAILURES_MAX {
            notes.cause(Cause::ParserLimit, NAME);
            return None;
        }
        let ids = std::iter::once(long.dcid).chain(self.candidates.iter().rev().map(Vec::as_slice));
        let found = ids.into_iter().find_map(|dcid| {
            let keys = InitialKeys::derive(scheme, dcid)?;
            let opened = keys.open(Role::Client, packet, number_at, None)?;
            Some((dcid.to_vec(), keys, opened))
        });
        let Some((dcid, keys, opened)) = found else {
            if !self.candidates.iter().any(|known| known == long.dcid) {
                self.remember(long.dcid);
            }
            return None;
        };
        if self.connections.len() >= limits::QUIC_CONNECTIONS_MAX {
            // One that was read to its end makes room first.
            let done = self.connections.iter().position(|connection| connection.hello);
            if done.is_none() {
                notes.cause(Cause::ParserLimit, NAME);
            }
            self.connections.remove(done.unwrap_or(0));
        }
        // What follows belongs to a handshake that has yet to be finished.
        self.answered = false;
        self.protected = [false; 2];
        notes.client(side);
        self.connections.push(Connection {
            dcid,
            client: side,
            keys: vec![(long.version, keys)],
            crypto: Default::default(),
            hello: false,
            google: gquic::is_version(long.version),
        });
        Some((self.connections.len() - 1, opened))
    }

    fn old_hello(&mut self, version: u32, payload: &[u8], side: Side, notes: &mut Notes<'_>) {
        notes.app(NAME, Basis::Signature);
        self.note_version(version, side, notes);
        self.old = true;
        if let Some(named) = gquic::note_hello(payload, side, notes) {
            self.old_hello_read = true;
            note_old_hello(named, side, notes);
        }
    }
}

/// What a hello of Google's own kind shows beside its name.
fn note_old_hello(named: bool, side: Side, notes: &mut Notes<'_>) {
    notes.app(NAME, Basis::Parsed);
    notes.mark(Marks::CLIENT_HELLO);
    notes.client(side);
    if !named {
        hello::note_nameless(notes);
    }
}

impl Connection {
    /// Walks the frames that an Initial may hold (RFC 9000 section 12.4); stops at any other.
    fn frames(&mut self, mut rest: &[u8], side: Side, notes: &mut Notes<'_>) {
        while let Some((kind, after)) = rest.split_first() {
            let next = match kind {
                0x00 | 0x01 => Some(after),
                0x02 | 0x03 => skip_ack(after, *kind == 0x03),
                0x06 => self.crypto(after, side, notes),
                // Google's T05x and Q050 kept their own numbers for these two.
                0x08 if self.google => self.crypto(after, side, notes),
                0x40..=0x7f if self.google => gquic::skip_ack(*kind, after),
                0x1c | 0x1d => {
                    if side != self.client {
                        notes.mark(Marks::REFUSED);
                    }
                    None
                }
                _ => None,
            };
            let Some(next) = next else { return };
            rest = next;
        }
    }

    fn crypto<'a>(&mut self, frame: &'a [u8], side: Side, notes: &mut Notes<'_>) -> Option<&'a [u8]> {
        let (offset, rest) = take_varint(frame)?;
        let (len, rest) = take_varint(rest)?;
        let (bytes, rest) = rest.split_at_checked(usize::try_from(len).ok()?)?;
        let offset = usize::try_from(offset).unwrap_or(usize::MAX);
        let crypto = self.crypto.get_mut(side.index())?;
        let added = crypto.pieces.add(offset, bytes, limits::QUIC_CRYPTO_MAX);
        if added.overflow {
            notes.cause(Cause::ParserLimit, "crypto");
        }
        if added.conflict {
            notes.cause(Cause::CryptoOverlap, "");
        }
        let read = added.grew && self.messages(side, notes);
        if added.conflict || read {
            self.variants(side, notes);
        }
        Some(rest)
    }

    /// Reads the messages that became whole; true when a hello of the client was among them.
    fn messages(&mut self, side: Side, notes: &mut Notes<'_>) -> bool {
        let Some(crypto) = self.crypto.get_mut(side.index()) else { return false };
        let mut hello_read = false;
        while let Some(rest) = crypto.pieces.front().get(crypto.read..).filter(|rest| !rest.is_empty()) {
            if side == self.client && rest.starts_with(b"CHLO") {
                // Google's hello in CRYPTO frames (Q050); its table is read once it is there.
                if let Some(named) = gquic::note_message(rest, side, notes) {
                    note_old_hello(named, side, notes);
                    self.hello = true;
                    crypto.read += rest.len();
                }
                break;
            }
            let message = hello::message_len(rest).and_then(|len| rest.get(..HEADER_LEN + len));
            let Some(message) = message else { break };
            crypto.read += message.len();
            if side == self.client {
                hello_read |= read_client(message, side, notes);
                self.hello |= hello_read;
            } else if let (Some(&hello::SERVER_HELLO), Some(body)) =
                (message.first(), message.get(HEADER_LEN..))
            {
                // A request for another hello is followed by one in the same stream.
                self.hello &= hello::note_server(body, side, notes) != Some(Reply::Retry);
            }
        }
        hello_read
    }

    /// Reads the hello again as it stands when the later copy of each conflicting byte wins.
    fn variants(&self, side: Side, notes: &mut Notes<'_>) {
        let crypto = self.crypto.get(side.index()).filter(|_| side == self.client);
        let Some(other) = crypto.and_then(|crypto| crypto.pieces.variant()) else { return };
        if let Some(message) = hello::message_len(&other).and_then(|len| other.get(..HEADER_LEN + len)) {
            read_client(message, side, &mut notes.as_variant());
        }
    }
}

fn read_client(message: &[u8], side: Side, notes: &mut Notes<'_>) -> bool {
    if message.first() != Some(&hello::CLIENT_HELLO) {
        return false;
    }
    let read = hello::note_client(message, Carrier::Quic, side, notes);
    if !read {
        notes.cause(Cause::SniMalformed, "hello");
    }
    read
}

/// RFC 9000 section 19.3: largest, delay, count of ranges, first range, then two numbers a range; three counts of ECN.
fn skip_ack(bytes: &[u8], ecn: bool) -> Option<&[u8]> {
    let (_largest, rest) = take_varint(bytes)?;
    let (_delay, rest) = take_varint(rest)?;
    let (ranges, rest) = take_varint(rest)?;
    let mut rest = take_varint(rest)?.1;
    let numbers = ranges.checked_mul(2)?.checked_add(if ecn { 3 } else { 0 })?;
    for _ in 0..numbers {
        rest = take_varint(rest)?.1;
    }
    Some(rest)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{
        super::{
            hello::tests::{RETRY, hello_for, server_hello},
            quic_keys::tests::seal,
        },
        *,
    };
    use crate::ground::model::{identity::Identity, observation::Value, packet::Ordinal, time::Timestamp};

    const CLIENT: Side = Side::Opener;
    const SERVER: Side = Side::Answerer;
    const V2: u32 = 0x6b33_43cf;
    /// Connection IDs: the client's first choice, the server's, and the one a Retry gives.
    const FIRST: &[u8] = b"first-id";
    const SECOND: &[u8] = b"second-id";
    const RETRIED: &[u8] = b"retried-id";

    fn varint(value: usize) -> Vec<u8> {
        (0x8000_0000 | value as u32).to_be_bytes().to_vec()
    }

    fn crypto(offset: usize, bytes: &[u8]) -> Vec<u8> {
        [&[6][..], &varint(offset), &varint(bytes.len()), bytes].concat()
    }

    fn long(version: u32, number: u8, dcid: &[u8], scid: &[u8]) -> Vec<u8> {
        let ids = [&[dcid.len() as u8][..], dcid, &[scid.len() as u8], scid].concat();
        [&[0xc3 | number << 4][..], &version.to_be_bytes(), &ids].concat()
    }

    /// An Initial under the keys of `key`, filled up to `fill` bytes of frames.
    fn initial(
        version: u32,
        role: Role,
        key: &[u8],
        dcid: &[u8],
        number: u32,
        frames: &[u8],
        fill: usize,
    ) -> Vec<u8> {
        let mut frames = frames.to_vec();
        frames.resize(frames.len().max(fill), 0);
        let mut header = long(version, u8::from(version == V2), dcid, b"");
        header.push(0);
        header.extend(varint(4 + frames.len() + 16));
        header.extend(number.to_be_bytes());
        seal(version, key, role, &header, number, &frames)
    }

    fn first_initial(version: u32, name: &str) -> Vec<u8> {
        initial(version, Role::Client, FIRST, FIRST, 0, &crypto(0, &hello_for(name)), 1_170)
    }

    fn answer(version: u32, key: &[u8]) -> Vec<u8> {
        let frames = [&[2, 0, 0, 0, 0][..], &crypto(0, &server_hello(0x0304, 0x1301, [1; 32]))].concat();
        let handshake =
            [&long(version, 2 + u8::from(version == V2), b"", SECOND)[..], &varint(30), &[9; 30]].concat();
        [initial(version, Role::Server, key, b"", 0, &frames, 0), handshake].concat()
    }

    fn short() -> Vec<u8> {
        vec![0x47; 60]
    }

    #[derive(Default)]
    struct Wire {
        quic: Quic,
        identity: Identity,
        next: Option<Next>,
    }

    impl Wire {
        fn send(&mut self, side: Side, datagram: &[u8]) -> &mut Self {
            let mut notes = Notes::new(&mut self.identity, Ordinal(1), Timestamp::default());
            self.next = Some(self.quic.bytes(datagram, side, &mut notes));
            self
        }

        fn end(&mut self) -> &mut Self {
            self.quic.finish(&mut Notes::new(&mut self.identity, Ordinal(2), Timestamp::default()));
            self
        }

        fn values(&self, field: Field) -> Vec<String> {
            let text = |value: &Value| match value {
                Value::Name(name) => name.bytes().to_vec(),
                Value::Text(bytes) => bytes.to_vec(),
                _ => Vec::new(),
            };
            let facts = self.identity.all(field);
            facts.map(|fact| String::from_utf8_lossy(&text(&fact.value)).into_owned()).collect()
        }

        fn names(&self) -> Vec<String> {
            self.values(Field::Sni)
        }

        fn causes(&self) -> Vec<&'static str> {
            self.identity.causes.iter().map(|note| note.cause.code()).collect()
        }
    }

    #[test]
    fn a_connection_of_each_version_shows_its_name_and_settles_late() {
        for (version, word) in [(1, "v1"), (V2, "v2"), (0xff00_001d, "draft-29"), (0xff00_0017, "draft-23")] {
            let mut wire = Wire::default();
            let hello = first_initial(version, "meet.example");
            assert_eq!(probe(&hello, CLIENT), Guess::Yes);
            wire.send(CLIENT, &hello).send(SERVER, &answer(version, FIRST));
            assert_eq!(wire.next, Some(Next::More));
            wire.send(CLIENT, &short()).end();
            assert_eq!(wire.next, Some(Next::Settled));
            assert_eq!((wire.names(), wire.causes()), (vec!["meet.example".to_owned()], vec![]), "{word}");
            assert_eq!(wire.values(Field::QuicVersion), [word]);
            assert_eq!(wire.values(Field::Tls), ["0x0304;0x1301"]);
            assert!(wire.values(Field::Ja4)[0].starts_with('q'));
            assert_eq!(
                (wire.identity.app, wire.identity.basis, wire.identity.client),
                (NAME, Basis::Parsed, Some(CLIENT))
            );
            assert!(reopens(&hello) && !reopens(&short()));
        }
    }

    #[test]
    fn frames_in_any_order_over_several_datagrams_give_the_name() {
        let hello = hello_for("meet.example");
        let mut pieces: Vec<_> =
            hello.chunks(7).enumerate().map(|(place, piece)| crypto(7 * place, piece)).collect();
        pieces.reverse();
        pieces.insert(3, vec![1, 0, 0]);
        let mut wire = Wire::default();
        for (number, frames) in pieces.chunks(4).enumerate() {
            // From the second on under the connection ID that the server chose, and the keys of the first.
            let dcid = if number == 0 { FIRST } else { SECOND };
            assert!(wire.names().is_empty());
            wire.send(CLIENT, &initial(1, Role::Client, FIRST, dcid, number as u32, &frames.concat(), 1_170));
        }
        assert_eq!((wire.names(), wire.end().causes()), (vec!["meet.example".to_owned()], vec![]));
    }

    #[test]
    fn a_hole_and_a_contradiction_are_causes() {
        let hello = hello_for("meet.example");
        let mut wire = Wire::default();
        wire.send(CLIENT, &initial(1, Role::Client, FIRST, FIRST, 0, &crypto(9, &hello[9..]), 1_170)).end();
        assert_eq!((wire.names(), wire.causes()), (vec![], vec!["no_sni"]));
        let mut wire = Wire::default();
        wire.send(CLIENT, &first_initial(1, "meet.example"));
        wire.send(
            CLIENT,
            &initial(1, Role::Client, FIRST, FIRST, 1, &crypto(0, &hello_for("evil.example")), 0),
        );
        assert_eq!(
            (wire.names(), wire.causes()),
            (vec!["meet.example".into(), "evil.example".into()], vec!["crypto_overlap"])
        );
        assert!(wire.identity.all(Field::Sni).nth(1).unwrap().variant);
    }

    #[test]
    fn junk_decoys_and_early_data_in_front_do_not_hide_the_name() {
        let mut decoy = first_initial(1, "decoy.example");
        *decoy.last_mut().unwrap() ^= 1;
        let early = [&long(1, 1, FIRST, b"")[..], &varint(40), &[7; 40]].concat();
        assert_eq!(probe(&early, CLIENT), Guess::Yes);
        let mut wire = Wire::default();
        for front in [&b"\xc0junk"[..], b"", &[0xff; 1_200], &decoy, &early] {
            wire.send(CLIENT, front);
        }
        wire.send(CLIENT, &first_initial(1, "meet.example")).end();
        assert_eq!((wire.names(), wire.causes()), (vec!["meet.example".to_owned()], vec![]));
        assert!(wire.identity.marks.has(Marks::EARLY_DATA));
    }

    #[test]
    fn keys_are_found_after_retry_and_for_the_servers_answer_to_it() {
        let retry = [&long(1, 3, b"", RETRIED)[..], b"token", &[0; 16]].concat();
        let mut wire = Wire::default();
        wire.send(CLIENT, &first_initial(1, "meet.example")).send(SERVER, &retry);
        let hello = crypto(0, &hello_for("meet.example"));
        wire.send(CLIENT, &initial(1, Role::Client, RETRIED, RETRIED, 1, &hello, 1_170));
        wire.send(SERVER, &answer(1, RETRIED)).send(CLIENT, &short());
        assert_eq!((wire.names(), wire.next.clone()), (vec!["meet.example".to_owned()], Some(Next::Settled)));
        // The same, when the packet that starts over was lost.
        let mut wire = Wire::default();
        wire.send(SERVER, &retry);
        wire.send(CLIENT, &initial(1, Role::Client, RETRIED, SECOND, 2, &hello, 1_170));
        assert_eq!(wire.names(), ["meet.example"]);
    }

    #[test]
    fn the_frames_of_googles_own_tls_are_read_too() {
        let t051 = u32::from_be_bytes(*b"T051");
        // Its ACK: one byte of number, two of delay, one of range, no stamps. Its CRYPTO is number 8.
        let mut frames = [&[0x40, 1, 0, 0, 1, 0][..], &crypto(0, &hello_for("meet.example"))].concat();
        frames[6] = 8;
        let mut wire = Wire::default();
        wire.send(CLIENT, &initial(t051, Role::Client, FIRST, FIRST, 0, &frames, 1_170)).end();
        assert_eq!((wire.names(), wire.causes()), (vec!["meet.example".to_owned()], vec![]));
        assert_eq!(wire.values(Field::QuicVersion), ["T051"]);
    }

    #[test]
    fn a_server_may_answer_in_another_version() {
        let mut wire = Wire::default();
        wire.send(CLIENT, &first_initial(1, "meet.example")).send(SERVER, &answer(V2, FIRST));
        assert_eq!(wire.values(Field::Tls), ["0x0304;0x1301"]);
    }

    #[test]
    fn another_connection_on_the_same_ports_counts_too() {
        let mut wire = Wire::default();
        wire.send(CLIENT, &first_initial(1, "one.example"))
            .send(SERVER, &answer(1, FIRST))
            .send(CLIENT, &short());
        assert_eq!(wire.next, Some(Next::Settled));
        let again = initial(1, Role::Client, SECOND, SECOND, 0, &crypto(0, &hello_for("two.example")), 1_170);
        wire.send(CLIENT, &again);
        assert_eq!(
            (wire.names(), wire.next.clone()),
            (vec!["one.example".to_owned(), "two.example".to_owned()], Some(Next::More))
        );
        assert!(!wire.identity.causes.has(Cause::CryptoOverlap));
    }

    #[test]
    fn a_second_hello_after_a_retry_request_counts() {
        let mut wire = Wire::default();
        let one = hello_for("one.example");
        wire.send(CLIENT, &initial(1, Role::Client, FIRST, FIRST, 0, &crypto(0, &one), 1_170));
        let request = crypto(0, &server_hello(0x0304, 0x1301, RETRY));
        wire.send(SERVER, &initial(1, Role::Server, FIRST, b"", 0, &request, 0));
        wire.send(
            CLIENT,
            &initial(1, Role::Client, FIRST, SECOND, 1, &crypto(one.len(), &hello_for("two.example")), 1_170),
        );
        assert_eq!(wire.names(), ["one.example", "two.example"]);
    }

    #[test]
    fn what_cannot_be_opened_is_a_cause_and_never_a_name() {
        let mut wire = Wire::default();
        wire.send(
            CLIENT,
            &initial(1, Role::Client, RETRIED, FIRST, 3, &crypto(0, &hello_for("x.example")), 1_170),
        )
        .end();
        assert_eq!((wire.names(), wire.causes()), (vec![], vec!["quic_undecryptable"]));
        let mut unknown = first_initial(1, "meet.example");
        unknown[1..5].copy_from_slice(&[0x1a, 0x2a, 0x3a, 0x4a]);
        assert_eq!(probe(&unknown, CLIENT), Guess::Yes);
        let mut wire = Wire::default();
        wire.send(CLIENT, &unknown);
        assert_eq!(wire.values(Field::QuicVersion), ["0x1a2a3a4a"]);
        assert_eq!(wire.end().causes(), ["quic_unknown_version"]);
        // Refused by the server, and then a version that is known: only asked.
        let refusal = [&[0x80, 0, 0, 0, 0, 0, 0][..], &1_u32.to_be_bytes()].concat();
        assert_eq!(probe(&refusal, SERVER), Guess::Yes);
        let mut wire = Wire::default();
        wire.send(CLIENT, &unknown)
            .send(SERVER, &refusal)
            .send(CLIENT, &first_initial(1, "meet.example"))
            .end();
        assert_eq!((wire.names(), wire.causes()), (vec!["meet.example".to_owned()], vec![]));
    }

    #[test]
    fn a_server_that_answers_with_something_else_is_a_cause() {
        let mut wire = Wire::default();
        wire.send(CLIENT, &first_initial(1, "meet.example")).send(SERVER, b"\x04wireguard-like");
        assert_eq!(wire.causes(), ["not_the_expected_protocol"]);
        let mut wire = Wire::default();
        wire.send(CLIENT, &first_initial(1, "meet.example")).send(SERVER, &short()).end();
        assert_eq!(wire.causes(), ["quic_undecryptable"]);
    }

    #[test]
    fn short_headers_alone_are_not_recognised_and_neighbours_are_not_claimed() {
        let rtp = [&[0x80, 0x60, 0, 1][..], &[0; 1_300]].concat();
        let turn = [&[0x40, 1, 0, 4][..], &[0; 1_300]].concat();
        let filled = [&[0xc0, 0xde, 0xad, 0xbe, 0xef, 8][..], &[7; 1_300]].concat();
        for datagram in [&short()[..], b"", &[0xc0], &rtp, &turn, &filled, b"\x01\0\0\0wireguard"] {
            assert_eq!(probe(datagram, CLIENT), Guess::No);
        }
    }

    #[test]
    fn variable_lengths_are_read_as_the_rfc_shows_them() {
        // RFC 9000 appendix A.1.
        let samples: [(&[u8], u64); 4] = [
            (&[0xc2, 0x19, 0x7c, 0x5e, 0xff, 0x14, 0xe8, 0x8c], 151_288_809_941_952_652),
            (&[0x9d, 0x7f, 0x3e, 0x7d], 494_878_333),
            (&[0x7b, 0xbd], 15_293),
            (&[0x25], 37),
        ];
        for (bytes, value) in samples {
            assert_eq!(take_varint(bytes), Some((value, &[][..])));
            assert_eq!(take_varint(&bytes[..bytes.len() - 1]), None);
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn no_bytes_make_it_panic(
            pieces in proptest::collection::vec((any::<bool>(), 0..4u8, proptest::collection::vec(any::<u8>(), 0..80)), 0..8),
        ) {
            let mut wire = Wire::default();
            for (opener, kind, bytes) in pieces {
                let side = if opener { CLIENT } else { SERVER };
                let datagram = match kind {
                    0 => bytes,
                    1 => [&long(1, 0, FIRST, b"")[..], &bytes].concat(),
                    2 => initial(1, Role::Client, FIRST, FIRST, 0, &bytes, 40),
                    _ => initial(1, Role::Server, FIRST, b"", 0, &crypto(0, &bytes), 40),
                };
                probe(&datagram, side);
                let _ = reopens(&datagram);
                wire.send(side, &datagram);
            }
            wire.end();
        }

        #[test]
        fn cuts_of_the_hello_do_not_change_what_is_read(cuts in proptest::collection::vec(1..60usize, 1..12)) {
            let hello = hello_for("meet.example");
            let mut wire = Wire::default();
            let (mut from, mut number, mut step) = (0, 0, cuts.iter().cycle());
            while from < hello.len() {
                let to = (from + step.next().unwrap()).min(hello.len());
                let packet = initial(1, Role::Client, FIRST, FIRST, number, &crypto(from, &hello[from..to]), 40);
                wire.send(CLIENT, &packet);
                (from, number) = (to, number + 1);
            }
            prop_assert_eq!(wire.names(), ["meet.example"]);
        }
    }
}
