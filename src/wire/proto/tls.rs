//! TLS over TCP, SSL 2 hellos to TLS 1.3: records over segments, handshake messages over records, every hello of the
//! connection, the certificate where it is shown, and the moment from which nothing can be read any more.
//!
//! Sources: RFC 8446 section 5.1 and RFC 5246 section 6.2.1 (records), RFC 6101 appendix E (the hello of SSL 2).

use super::{
    certificate,
    dissector::{Dissector, First, Guess, Next, Protocol},
    hello::{self, HEADER_LEN, Reply},
    ja4::Carrier,
};
use crate::ground::model::{
    address::Transport,
    cause::Cause,
    identity::{Basis, Marks, Notes},
    key::Side,
    limits,
};

/// TLS over TCP.
pub static PROTOCOL: Protocol = Protocol {
    name: NAME,
    transport: Transport::TCP,
    ports: &[443, 465, 563, 636, 853, 989, 990, 992, 993, 994, 995, 5061, 8443],
    first: First::range(20, 23).and(First::range(0x80, 0xff)),
    probe,
    open: || Box::<Tls>::default(),
};

const NAME: &str = "tls";
/// Type, version, length.
const RECORD_HEADER_LEN: usize = 5;
/// Longest record that is believed: 2^14 and what encryption may add (RFC 5246 section 6.2.3: 2,048).
const RECORD_LEN_MAX: usize = (1 << 14) + 2_048;
/// Longest hello in the form of SSL 2 that is believed: some hundred suites of three bytes.
const SSL2_HELLO_LEN_MAX: usize = 2_048;

/// Place taken for a message when it begins, whatever it promises; most hellos and leaves fit.
const MESSAGE_LEN_USUAL: usize = 2_048;

/// Record types.
const CHANGE_CIPHER_SPEC: u8 = 20;
const ALERT: u8 = 21;
const HANDSHAKE: u8 = 22;
const APPLICATION_DATA: u8 = 23;
const HEARTBEAT: u8 = 24;

/// Recognises the first bytes of either end: a record header that fits what it announces.
fn probe(first: &[u8], _side: Side) -> Guess {
    match first {
        [] => Guess::Short,
        [len, ..] if len & 0x80 != 0 => probe_ssl2(first),
        _ => probe_record(first),
    }
}

fn probe_record(first: &[u8]) -> Guess {
    let at = |place: usize| first.get(place).copied();
    let kind = at(0).unwrap_or(0);
    if !(CHANGE_CIPHER_SPEC..=APPLICATION_DATA).contains(&kind)
        || at(1).is_some_and(|major| major != 3)
        || at(2).is_some_and(|minor| minor > 4)
    {
        return Guess::No;
    }
    let Some((header, payload)) = first.split_first_chunk::<RECORD_HEADER_LEN>() else { return Guess::Short };
    let len = record_len(header);
    let fits = match kind {
        CHANGE_CIPHER_SPEC => len == 1 && payload.first().is_none_or(|byte| *byte == 1),
        ALERT => len == 2 && payload.first().is_none_or(|level| matches!(level, 1 | 2)),
        HANDSHAKE => {
            let whole = payload.get(..HEADER_LEN.min(len));
            if whole.is_none() && len <= RECORD_LEN_MAX {
                return Guess::Short;
            }
            len <= RECORD_LEN_MAX && whole.is_some_and(is_message_start)
        }
        // Mid-stream: no cipher of TLS makes a record of less than 16 bytes.
        _ => (16..=RECORD_LEN_MAX).contains(&len),
    };
    // A message's start is proof enough; whatever is put behind a hello must not hide it. The others are weaker and need a
    // neighbour that does not contradict them.
    let next = first.get(RECORD_HEADER_LEN + len..).unwrap_or_default();
    if fits && (kind == HANDSHAKE || could_be_header(next)) { Guess::Yes } else { Guess::No }
}

/// True when nothing in these bytes, however few, contradicts a record header.
fn could_be_header(bytes: &[u8]) -> bool {
    bytes.first().is_none_or(|kind| (CHANGE_CIPHER_SPEC..=HEARTBEAT).contains(kind))
        && bytes.get(1).is_none_or(|major| *major == 3)
        && bytes.get(2).is_none_or(|minor| *minor <= 4)
}

/// True when a handshake record may begin so: a hello, or what a server sends first.
fn is_message_start(header: &[u8]) -> bool {
    let kind = header.first().is_none_or(|kind| is_message(*kind));
    kind && hello::message_len(header).is_none_or(|len| len <= 4 * limits::HANDSHAKE_LEN_MAX)
}

/// Handshake types that IANA lists and that are sent in the clear.
const fn is_message(kind: u8) -> bool {
    matches!(kind, 0..=6 | 8 | 11..=16 | 20..=25 | 67 | 254)
}

fn probe_ssl2(first: &[u8]) -> Guess {
    if first.get(2).is_some_and(|kind| *kind != hello::CLIENT_HELLO)
        || first.get(3).is_some_and(|major| !matches!(major, 0 | 3))
    {
        return Guess::No;
    }
    let Some((header, _)) = first.split_first_chunk::<11>() else { return Guess::Short };
    if is_ssl2_hello(header) { Guess::Yes } else { Guess::No }
}

/// Length with its high bit set, type 1, version, and three lengths that add up to the first.
fn is_ssl2_hello(header: &[u8; 11]) -> bool {
    let pair = |high: u8, low: u8| usize::from(u16::from_be_bytes([high, low]));
    let [len, len_low, kind, major, minor, suites, suites_low, id, id_low, challenge, challenge_low] =
        *header;
    let (len, suites) = (pair(len & 0x7f, len_low), pair(suites, suites_low));
    let (id, challenge) = (pair(id, id_low), pair(challenge, challenge_low));
    kind == hello::CLIENT_HELLO
        && matches!((major, minor), (0, 2) | (3, 0..=4))
        && suites > 0
        && suites % 3 == 0
        && matches!(id, 0 | 16)
        && (16..=32).contains(&challenge)
        && len == 9 + suites + id + challenge
        && len <= SSL2_HELLO_LEN_MAX
}

/// True when a segment of a flow that was settled begins with a hello in the clear: it must be read again, by a fresh
/// reader (RULES 24).
#[must_use]
pub fn reopens(segment: &[u8]) -> bool {
    segment.first() == Some(&HANDSHAKE)
        && segment.get(RECORD_HEADER_LEN) == Some(&hello::CLIENT_HELLO)
        && segment.get(RECORD_HEADER_LEN + 1) == Some(&0)
        && probe_record(segment) == Guess::Yes
}

fn record_len(header: &[u8; RECORD_HEADER_LEN]) -> usize {
    usize::from(u16::from_be_bytes([header[3], header[4]]))
}

/// How well one end can be followed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Footing {
    /// Record by record.
    #[default]
    Sure,
    /// Behind a hole, or joined in the middle of a record: only a segment that starts with a record is understood.
    Lost,
    /// Its bytes are not TLS.
    Foreign,
}

/// One end.
#[derive(Debug, Default)]
struct Half {
    footing: Footing,
    /// Bytes of the record header so far.
    header: [u8; RECORD_HEADER_LEN],
    header_len: usize,
    /// Type of the current record and how many of its bytes are still to come.
    kind: u8,
    left: usize,
    /// The first byte of an alert, which may stand alone in a segment.
    alert: Option<u8>,
    /// The handshake message that is being joined, its header included.
    message: Vec<u8>,
    /// Bytes of that message that are not kept and still belong to it.
    behind: usize,
    /// Bytes of a handshake message that nobody needs.
    skip: usize,
    /// At least one record was understood.
    spoke: bool,
    /// From here on handshake records are ciphertext.
    ciphered: bool,
    /// The current handshake record is ciphertext.
    opaque: bool,
    /// Protected records came.
    protected: bool,
}

/// One connection.
#[derive(Debug, Default)]
struct Tls {
    halves: [Half; 2],
    client: Option<Side>,
    server: Option<Side>,
    /// What the server chose.
    version: Option<u16>,
    /// The suite encrypts nothing.
    cleartext: bool,
    /// A HelloRetryRequest waits for its hello.
    retry: bool,
    certificate: bool,
}

impl Dissector for Tls {
    fn bytes(&mut self, bytes: &[u8], side: Side, notes: &mut Notes<'_>) -> Next {
        let footing = self.half(side).footing;
        if footing == Footing::Sure || footing == Footing::Lost && self.regain(bytes, side) {
            self.records(bytes, side, notes);
        }
        self.next()
    }

    fn gap(&mut self, missing: u64, side: Side, _notes: &mut Notes<'_>) -> Next {
        let half = self.half(side);
        let unread = match half.kind {
            APPLICATION_DATA | HEARTBEAT => half.left,
            HANDSHAKE => half.left.min(half.skip),
            _ => 0,
        };
        match usize::try_from(missing) {
            // The hole lies in bytes that nobody reads.
            Ok(missing) if missing <= unread => {
                half.left -= missing;
                half.skip = half.skip.saturating_sub(if half.kind == HANDSHAKE { missing } else { 0 });
            }
            _ if half.footing == Footing::Sure => {
                let (ciphered, protected, spoke) = (half.ciphered, half.protected, half.spoke);
                *half = Half { footing: Footing::Lost, ciphered, protected, spoke, ..Half::default() };
            }
            _ => {}
        }
        self.next()
    }

    fn finish(&mut self, notes: &mut Notes<'_>) {
        let begun = |half: &Half| !half.ciphered && half.message.first() == Some(&hello::CLIENT_HELLO);
        if self.halves.iter().any(begun) {
            notes.cause(Cause::NoSni, "unfinished_hello");
        }
    }
}

impl Tls {
    const fn half(&mut self, side: Side) -> &mut Half {
        let [opener, answerer] = &mut self.halves;
        match side {
            Side::Opener => opener,
            Side::Answerer => answerer,
        }
    }

    fn next(&self) -> Next {
        let foreign = |half: &Half| half.footing == Footing::Foreign;
        if self.halves.iter().all(|half| half.protected && half.message.is_empty()) && !self.retry {
            return Next::Settled;
        }
        if self.halves.iter().all(foreign)
            || self.halves.iter().any(foreign) && !self.halves.iter().any(|half| half.spoke)
        {
            return Next::Broken;
        }
        Next::More
    }

    /// Behind a hole: takes up a segment that starts with a record of ciphertext.
    fn regain(&mut self, bytes: &[u8], side: Side) -> bool {
        let found = bytes.first() == Some(&APPLICATION_DATA) && probe_record(bytes) == Guess::Yes;
        if found {
            let half = self.half(side);
            half.footing = Footing::Sure;
            // The change of keys lay in the hole.
            half.ciphered = true;
        }
        found
    }

    fn records(&mut self, mut bytes: &[u8], side: Side, notes: &mut Notes<'_>) {
        while !bytes.is_empty() && self.half(side).footing == Footing::Sure {
            let half = self.half(side);
            if half.left == 0 {
                let wanted = RECORD_HEADER_LEN - half.header_len;
                let (taken, rest) = bytes.split_at_checked(wanted).unwrap_or((bytes, &[]));
                for byte in taken {
                    if let Some(slot) = half.header.get_mut(half.header_len) {
                        *slot = *byte;
                        half.header_len += 1;
                    }
                }
                bytes = rest;
                self.header(side, notes);
                continue;
            }
            let (payload, rest) = bytes.split_at_checked(half.left).unwrap_or((bytes, &[]));
            half.left -= payload.len();
            bytes = rest;
            self.payload(payload, side, notes);
        }
    }

    /// Looks at as much of a record header as is there.
    fn header(&mut self, side: Side, notes: &mut Notes<'_>) {
        let half = self.half(side);
        let header = half.header;
        let known = header.get(..half.header_len).unwrap_or(&header);
        if !half.spoke && header[0] & 0x80 != 0 {
            if half.header_len == RECORD_HEADER_LEN {
                self.ssl2(side, notes);
            }
            return;
        }
        if !could_be_header(known) {
            return self.foreign(side, notes);
        }
        if half.header_len < RECORD_HEADER_LEN {
            return;
        }
        half.header_len = 0;
        half.kind = header[0];
        half.left = record_len(&header);
        half.alert = None;
        half.opaque = half.kind == HANDSHAKE && half.ciphered;
        if half.left > RECORD_LEN_MAX {
            return self.foreign(side, notes);
        }
        if !half.spoke {
            half.spoke = true;
            notes.app(NAME, Basis::Signature);
        }
        if header[0] == APPLICATION_DATA {
            self.application_data(side, notes);
        }
    }

    fn application_data(&mut self, side: Side, notes: &mut Notes<'_>) {
        // A server that answers a hello with ciphertext, or ciphertext where TLS 1.2 would change its keys first: a
        // cover that only looks like TLS.
        let unanswered = self.client == Some(side.other()) && self.server.is_none();
        let old = self.version.is_some_and(|version| !hello::hides_certificates(version));
        if unanswered || old && !self.half(side).ciphered {
            notes.cause(Cause::NotTheExpectedProtocol, NAME);
        }
        self.protected(side, notes);
    }

    /// A record came that only the two ends can read.
    fn protected(&mut self, side: Side, notes: &mut Notes<'_>) {
        let half = self.half(side);
        half.ciphered = true;
        half.protected = true;
        let mark = match side {
            _ if self.cleartext => Marks::CLEARTEXT,
            Side::Opener => Marks::ENCRYPTED_OPENER,
            Side::Answerer => Marks::ENCRYPTED_ANSWERER,
        };
        notes.mark(mark);
    }

    fn payload(&mut self, payload: &[u8], side: Side, notes: &mut Notes<'_>) {
        match self.half(side).kind {
            HANDSHAKE => self.handshake(payload, side, notes),
            CHANGE_CIPHER_SPEC => self.change_cipher_spec(side, notes),
            ALERT => self.alert(payload, side, notes),
            _ => {}
        }
    }

    fn change_cipher_spec(&mut self, side: Side, notes: &mut Notes<'_>) {
        // In TLS 1.3 it means nothing (RFC 8446 appendix D.4): a second hello in the clear may follow.
        if self.retry || self.version.is_some_and(hello::hides_certificates) {
            return;
        }
        self.half(side).ciphered = true;
        let whole = self.half(side).footing == Footing::Sure;
        if self.version.is_some() && self.server == Some(side) && !self.certificate && whole {
            notes.mark(Marks::RESUMED);
        }
    }

    fn alert(&mut self, payload: &[u8], side: Side, notes: &mut Notes<'_>) {
        let half = self.half(side);
        if half.ciphered {
            return self.protected(side, notes);
        }
        // Level and description; 2 is fatal (RFC 5246 section 7.2).
        let level = *half.alert.get_or_insert_with(|| payload.first().copied().unwrap_or(0));
        if level == 2 && half.left == 0 {
            notes.mark(Marks::REFUSED);
        }
    }

    /// Joins handshake messages over records.
    fn handshake(&mut self, mut payload: &[u8], side: Side, notes: &mut Notes<'_>) {
        if self.half(side).opaque {
            payload = self.among_ciphertext(payload, side, notes);
        }
        while !payload.is_empty() && self.half(side).footing == Footing::Sure {
            let half = self.half(side);
            if half.skip > 0 {
                let skipped = half.skip.min(payload.len());
                half.skip -= skipped;
                payload = payload.get(skipped..).unwrap_or_default();
                continue;
            }
            // The usual case: a whole message in one piece, read where it stands.
            let whole =
                hello::message_len(payload).and_then(|len| payload.split_at_checked(HEADER_LEN + len));
            if let (true, Some((message, rest))) = (half.message.is_empty(), whole) {
                payload = rest;
                self.message(message, side, notes);
                continue;
            }
            payload = self.join(payload, side, notes);
        }
    }

    /// Adds to the message that is being joined, and reads it once it is whole; gives what lies behind it.
    fn join<'a>(&mut self, payload: &'a [u8], side: Side, notes: &mut Notes<'_>) -> &'a [u8] {
        let half = self.half(side);
        let header_left = HEADER_LEN.saturating_sub(half.message.len());
        if header_left > 0 {
            let (header, rest) = payload.split_at_checked(header_left).unwrap_or((payload, &[]));
            half.message.extend_from_slice(header);
            if half.message.first().is_some_and(|kind| !is_message(*kind)) {
                self.foreign(side, notes);
                return &[];
            }
            let Some(len) = hello::message_len(&half.message) else { return rest };
            match half.message.first() {
                Some(&hello::CERTIFICATE) => {}
                Some(&(hello::CLIENT_HELLO | hello::SERVER_HELLO)) if len > limits::HANDSHAKE_LEN_MAX => {
                    notes.cause(Cause::ParserLimit, "hello");
                    half.drop_message(len);
                }
                Some(&(hello::CLIENT_HELLO | hello::SERVER_HELLO)) => {}
                _ => {
                    // Nobody reads it; told to `message` all the same, for its kind.
                    let message = std::mem::take(&mut half.message);
                    half.skip = len;
                    self.message(&message, side, notes);
                }
            }
            if !self.half(side).message.is_empty() && len == 0 {
                self.joined(len, side, notes);
            }
            return rest;
        }
        let Some(len) = hello::message_len(&half.message) else { return &[] };
        let kept_len = half.kept_len(len);
        if half.message.len() < kept_len {
            let wanted = kept_len - half.message.len();
            half.message.reserve(wanted.min(MESSAGE_LEN_USUAL));
            let (part, rest) = payload.split_at_checked(wanted).unwrap_or((payload, &[]));
            half.message.extend_from_slice(part);
            if half.kept_len(len) == half.message.len() {
                half.behind = half.unread(len);
                if half.behind == 0 {
                    self.joined(len, side, notes);
                }
            }
            return rest;
        }
        // What stands behind a leaf is waited for, and not kept.
        let (passed, rest) = payload.split_at_checked(half.behind).unwrap_or((payload, &[]));
        half.behind -= passed.len();
        if half.behind == 0 {
            self.joined(len, side, notes);
        }
        rest
    }

    fn joined(&mut self, len: usize, side: Side, notes: &mut Notes<'_>) {
        let half = self.half(side);
        let message = std::mem::take(&mut half.message);
        half.skip = len.saturating_sub(limits::HANDSHAKE_LEN_MAX);
        self.message(&message, side, notes);
    }

    /// A handshake record after keys changed. It is ciphertext, unless it begins as a hello in the clear does: someone
    /// starts anew on the same connection, and that name counts too.
    fn among_ciphertext<'a>(&mut self, payload: &'a [u8], side: Side, notes: &mut Notes<'_>) -> &'a [u8] {
        let half = self.half(side);
        let wanted = (HEADER_LEN + 2).saturating_sub(half.message.len());
        let (start, rest) = payload.split_at_checked(wanted).unwrap_or((payload, &[]));
        half.message.extend_from_slice(start);
        let clear = half.message.iter().zip(0..HEADER_LEN + 2).all(|(byte, place)| match place {
            0 => *byte == hello::CLIENT_HELLO,
            1 => *byte == 0,
            4 => *byte == 3,
            5 => *byte <= 4,
            _ => true,
        });
        if !clear {
            half.message.clear();
            half.skip = 0;
            half.kind = APPLICATION_DATA; // the rest of this record is ciphertext
            self.protected(side, notes);
            return &[];
        }
        if half.message.len() < HEADER_LEN + 2 {
            return &[];
        }
        half.opaque = false;
        half.ciphered = false;
        rest
    }

    fn message(&mut self, message: &[u8], side: Side, notes: &mut Notes<'_>) {
        let body = message.get(HEADER_LEN..).unwrap_or_default();
        match message.first() {
            Some(&hello::CLIENT_HELLO) => self.client_hello(message, side, notes),
            Some(&hello::SERVER_HELLO) => match hello::note_server(body, side, notes) {
                Some(reply) => self.server_hello(reply, side, notes),
                None => self.foreign(side, notes),
            },
            Some(&hello::HELLO_RETRY_REQUEST) => self.server_hello(Reply::Retry, side, notes),
            Some(&hello::CERTIFICATE) if self.server == Some(side) => {
                self.certificate = true;
                match certificate::leaf(body) {
                    Some(leaf) => _ = certificate::note(leaf, side, notes),
                    None if body.len() >= limits::HANDSHAKE_LEN_MAX => {
                        notes.cause(Cause::ParserLimit, "certificate");
                    }
                    None => {}
                }
            }
            Some(kind) if !is_message(*kind) => self.foreign(side, notes),
            _ => {}
        }
    }

    fn client_hello(&mut self, message: &[u8], side: Side, notes: &mut Notes<'_>) {
        if !hello::note_client(message, Carrier::Tls, side, notes) {
            notes.cause(Cause::SniMalformed, "hello");
            return;
        }
        self.begin(side, notes);
    }

    /// A hello opens a handshake, the first or another one.
    fn begin(&mut self, side: Side, notes: &mut Notes<'_>) {
        notes.app(NAME, Basis::Parsed);
        if self.client == Some(side.other()) || self.server == Some(side) {
            notes.cause(Cause::NotTheExpectedProtocol, NAME);
        }
        self.client = Some(side);
        self.retry = false;
        for half in &mut self.halves {
            half.protected = false;
        }
    }

    fn server_hello(&mut self, reply: Reply, side: Side, notes: &mut Notes<'_>) {
        notes.app(NAME, Basis::Parsed);
        if self.client == Some(side) {
            notes.cause(Cause::NotTheExpectedProtocol, NAME);
        }
        self.server = Some(side);
        match reply {
            Reply::Retry => self.retry = true,
            Reply::Chosen { version, cleartext } => {
                (self.version, self.cleartext) = (Some(version), cleartext);
                self.certificate = false;
            }
        }
    }

    /// The first header of an end in the form of SSL 2, whose hello cannot carry a name.
    fn ssl2(&mut self, side: Side, notes: &mut Notes<'_>) {
        let half = self.half(side);
        let [len, len_low, kind, major, _] = half.header;
        let len = usize::from(u16::from_be_bytes([len & 0x7f, len_low]));
        if kind != hello::CLIENT_HELLO || !matches!(major, 0 | 3) || !(9..=SSL2_HELLO_LEN_MAX).contains(&len)
        {
            return self.foreign(side, notes);
        }
        half.spoke = true;
        half.header_len = 0;
        // Three bytes of the hello were in the five that make a header of TLS. The rest is suites.
        half.kind = HEARTBEAT;
        half.left = len - 3;
        notes.mark(Marks::CLIENT_HELLO);
        notes.client(side);
        hello::note_nameless(notes);
        self.begin(side, notes);
    }

    /// The bytes of one end are not TLS. What was read before stands; the other end is still read.
    fn foreign(&mut self, side: Side, notes: &mut Notes<'_>) {
        let joined_late = self.client.is_none() && self.server.is_none() && self.half(side.other()).spoke;
        let half = self.half(side);
        let footing = if joined_late && !half.spoke { Footing::Lost } else { Footing::Foreign };
        let (protected, spoke) = (half.protected, half.spoke);
        *half = Half { footing, protected, spoke, ..Half::default() };
        if footing == Footing::Foreign {
            notes.cause(Cause::NotTheExpectedProtocol, NAME);
        }
    }
}

impl Half {
    /// How much of the message that is being joined is kept; its body has `len` bytes. Of a long chain what its leaf can
    /// take, and of any chain no more than its leaf takes, once that is known.
    fn kept_len(&self, len: usize) -> usize {
        let bound = HEADER_LEN + len.min(limits::HANDSHAKE_LEN_MAX);
        if self.message.first() != Some(&hello::CERTIFICATE) {
            return bound;
        }
        let body = self.message.get(HEADER_LEN..).unwrap_or_default();
        let known = certificate::leaf_end(body).unwrap_or(certificate::LEAF_AT);
        bound.min(HEADER_LEN + known)
    }

    /// How much of it is only waited for.
    fn unread(&self, len: usize) -> usize {
        (HEADER_LEN + len.min(limits::HANDSHAKE_LEN_MAX)).saturating_sub(self.message.len())
    }

    /// Gives up on the message that began, whose body has `len` bytes.
    fn drop_message(&mut self, len: usize) {
        self.message = Vec::new();
        self.skip = len;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{
        super::{
            certificate::tests::certificate,
            hello::tests::{RETRY, client_hello, extension, hello_for, message, server_hello},
        },
        *,
    };
    use crate::ground::model::{
        field::Field, identity::Identity, observation::Value, packet::Ordinal, time::Timestamp,
    };

    const CLIENT: Side = Side::Opener;
    const SERVER: Side = Side::Answerer;

    fn record(kind: u8, payload: &[u8]) -> Vec<u8> {
        [&[kind, 3, 1][..], &(payload.len() as u16).to_be_bytes(), payload].concat()
    }

    fn handshake(payload: &[u8]) -> Vec<u8> {
        record(HANDSHAKE, payload)
    }

    fn change() -> Vec<u8> {
        record(CHANGE_CIPHER_SPEC, &[1])
    }

    fn cipher() -> Vec<u8> {
        record(APPLICATION_DATA, &[0xe7; 40])
    }

    fn certificates(names: &[&[u8]]) -> Vec<u8> {
        let leaf = certificate(b"www.example", names);
        let sized = |bytes: &[u8]| [&(bytes.len() as u32).to_be_bytes()[1..], bytes].concat();
        message(hello::CERTIFICATE, &sized(&sized(&leaf)))
    }

    /// One connection and what it showed.
    #[derive(Default)]
    struct Wire {
        tls: Tls,
        identity: Identity,
        next: Option<Next>,
    }

    impl Wire {
        fn send(&mut self, side: Side, bytes: &[u8]) -> &mut Self {
            let mut notes = Notes::new(&mut self.identity, Ordinal(1), Timestamp::default());
            self.next = Some(self.tls.bytes(bytes, side, &mut notes));
            self
        }

        fn lose(&mut self, side: Side, missing: u64) -> &mut Self {
            let mut notes = Notes::new(&mut self.identity, Ordinal(1), Timestamp::default());
            self.next = Some(self.tls.gap(missing, side, &mut notes));
            self
        }

        fn values(&self, field: Field) -> Vec<String> {
            let text = |value: &Value| match value {
                Value::Name(name) => name.bytes().to_vec(),
                Value::Text(bytes) => bytes.to_vec(),
                _ => Vec::new(),
            };
            self.identity
                .all(field)
                .map(|observation| String::from_utf8_lossy(&text(&observation.value)).into_owned())
                .collect()
        }

        fn names(&self) -> Vec<String> {
            self.values(Field::Sni)
        }

        fn causes(&self) -> Vec<&'static str> {
            self.identity.causes.iter().map(|note| note.cause.code()).collect()
        }
    }

    #[test]
    fn a_tls_1_3_connection_settles_when_both_ends_sent_ciphertext() {
        let mut wire = Wire::default();
        wire.send(CLIENT, &handshake(&hello_for("meet.example")));
        wire.send(SERVER, &[handshake(&server_hello(0x0304, 0x1301, [1; 32])), change(), cipher()].concat());
        assert_eq!(wire.next, Some(Next::More));
        wire.send(CLIENT, &[change(), cipher()].concat());
        assert_eq!(wire.next, Some(Next::Settled));
        assert_eq!(wire.names(), ["meet.example"]);
        assert_eq!(wire.values(Field::Tls), ["0x0304;0x1301"]);
        assert_eq!((wire.identity.app, wire.identity.basis), (NAME, Basis::Parsed));
        assert_eq!(wire.identity.client, Some(CLIENT));
        for mark in [Marks::HANDSHAKE, Marks::ENCRYPTED_OPENER, Marks::ENCRYPTED_ANSWERER] {
            assert!(wire.identity.marks.has(mark));
        }
        assert!(wire.identity.causes.is_empty() && !wire.identity.marks.has(Marks::RESUMED));
    }

    #[test]
    fn a_tls_1_2_connection_shows_its_certificate_and_one_without_was_resumed() {
        for resumed in [false, true] {
            let mut wire = Wire::default();
            let chain = if resumed { Vec::new() } else { certificates(&[b"cdn.example"]) };
            wire.send(CLIENT, &handshake(&hello_for("www.example")));
            wire.send(SERVER, &handshake(&[server_hello(0x0303, 0xc02f, [1; 32]), chain].concat()));
            wire.send(CLIENT, &[change(), handshake(&[0x5e; 40])].concat());
            wire.send(SERVER, &[change(), handshake(&[0x5e; 40])].concat());
            assert_eq!(wire.next, Some(Next::Settled));
            assert_eq!(wire.values(Field::CertName).len(), if resumed { 0 } else { 2 });
            assert_eq!(wire.identity.marks.has(Marks::RESUMED), resumed);
        }
    }

    #[test]
    fn the_name_is_read_over_any_records_segments_and_interruptions() {
        let filler = extension(21, &vec![0; 30_000]);
        let named = hello::tests::server_names(&[(0, b"meet.example")]);
        let long = client_hello(&[filler, named].concat());
        let alert = record(ALERT, &[1, 90]);
        for piece in [1, 7, 1_000, 16_000] {
            let bytes: Vec<u8> = long
                .chunks(piece)
                .flat_map(|piece| [handshake(piece), alert.clone(), change()].concat())
                .collect();
            let mut wire = Wire::default();
            for segment in bytes.chunks(piece + 3) {
                wire.send(CLIENT, segment);
            }
            assert_eq!(wire.names(), ["meet.example"], "records of {piece}");
        }
    }

    #[test]
    fn a_hello_beyond_the_bound_is_a_cause_and_the_connection_is_read_on() {
        let mut wire = Wire::default();
        let long = client_hello(&extension(21, &vec![0; 65_400]));
        let mut long = [long, vec![0; 300]].concat();
        let len = (long.len() - HEADER_LEN) as u32;
        long[1..4].copy_from_slice(&len.to_be_bytes()[1..]);
        for piece in long.chunks(16_000) {
            wire.send(CLIENT, &handshake(piece));
        }
        assert_eq!((wire.names(), wire.causes()), (vec![], vec!["parser_limit"]));
        wire.send(CLIENT, &handshake(&hello_for("second.example")));
        assert_eq!(wire.names(), ["second.example"]);
    }

    #[test]
    fn every_hello_counts_also_after_a_retry_and_among_ciphertext() {
        let mut wire = Wire::default();
        wire.send(CLIENT, &[handshake(&hello_for("one.example")), cipher()].concat());
        wire.send(SERVER, &[handshake(&server_hello(0x0304, 0x1301, RETRY)), change()].concat());
        assert!(!wire.identity.marks.has(Marks::SERVER_HELLO));
        wire.send(CLIENT, &[change(), handshake(&hello_for("two.example"))].concat());
        wire.send(SERVER, &[handshake(&server_hello(0x0304, 0x1301, [1; 32])), cipher()].concat());
        assert_eq!(wire.next, Some(Next::More));
        wire.send(CLIENT, &cipher());
        assert_eq!(wire.next, Some(Next::Settled));
        let again: Vec<u8> = hello_for("three.example").chunks(1).flat_map(handshake).collect();
        assert!(reopens(&handshake(&hello_for("three.example"))) && !reopens(&cipher()));
        wire.send(CLIENT, &again);
        assert_eq!(wire.names(), ["one.example", "two.example", "three.example"]);
    }

    #[test]
    fn a_server_that_speaks_something_else_is_a_cause() {
        let answers: [&[u8]; 3] = [b"HTTP/1.1 400 Bad Request\r\n\r\n", b"SSH-2.0-x\r\n", &cipher()];
        for answer in answers {
            let mut wire = Wire::default();
            wire.send(CLIENT, &handshake(&hello_for("meet.example"))).send(SERVER, answer);
            assert_eq!(wire.causes(), ["not_the_expected_protocol"]);
            assert_eq!(wire.next, Some(Next::More));
        }
    }

    #[test]
    fn a_fatal_alert_in_the_clear_is_a_refusal_and_a_warning_is_not() {
        for (alert, refused) in [([1, 112], false), ([2, 40], true)] {
            let mut wire = Wire::default();
            wire.send(CLIENT, &handshake(&hello_for("meet.example")));
            for byte in record(ALERT, &alert) {
                wire.send(SERVER, &[byte]);
            }
            assert_eq!(wire.identity.marks.has(Marks::REFUSED), refused);
        }
    }

    #[test]
    fn the_hello_of_ssl_2_has_no_name() {
        let mut bytes = vec![0x80, 0, 1, 3, 1, 0, 6, 0, 0, 0, 16];
        bytes.extend([0; 22]);
        bytes[1] = (bytes.len() - 2) as u8;
        assert_eq!(probe(&bytes, CLIENT), Guess::Yes);
        assert_eq!(probe(&bytes[..10], CLIENT), Guess::Short);
        let mut wire = Wire::default();
        wire.send(CLIENT, &bytes).send(SERVER, &handshake(&server_hello(0x0301, 0x0005, [1; 32])));
        assert!(
            wire.identity.marks.has(Marks::HELLO_WITHOUT_NAME) && wire.identity.marks.has(Marks::HANDSHAKE)
        );
        assert_eq!(wire.causes(), ["no_sni"]);
    }

    #[test]
    fn the_server_alone_still_shows_its_choice_and_certificate() {
        let mut wire = Wire::default();
        let hello = [server_hello(0x0303, 0xc02f, [1; 32]), certificates(&[])].concat();
        wire.send(CLIENT, &handshake(&hello));
        assert_eq!(
            (wire.values(Field::CertName), wire.values(Field::Tls)),
            (vec!["www.example".into()], vec!["0x0303;0xc02f".into()])
        );
        assert_eq!(wire.identity.client, None);
    }

    #[test]
    fn a_certificate_of_the_client_is_not_taken_for_the_servers() {
        let mut wire = Wire::default();
        wire.send(CLIENT, &handshake(&hello_for("www.example")));
        wire.send(SERVER, &handshake(&server_hello(0x0303, 0xc02f, [1; 32])));
        wire.send(CLIENT, &handshake(&certificates(&[b"allowed.example"])));
        assert!(wire.values(Field::CertName).is_empty());
    }

    #[test]
    fn a_hole_costs_the_name_and_not_the_other_side() {
        let mut wire = Wire::default();
        let hello = handshake(&hello_for("meet.example"));
        wire.send(CLIENT, &hello[..30]).lose(CLIENT, 20);
        assert_eq!(wire.next, Some(Next::More));
        wire.send(CLIENT, &hello[50..]);
        wire.send(SERVER, &handshake(&[server_hello(0x0303, 0xc02f, [1; 32]), certificates(&[])].concat()));
        wire.send(SERVER, &[change(), handshake(&[9; 40])].concat()).send(CLIENT, &cipher());
        assert!(wire.identity.causes.is_empty());
        assert_eq!((wire.names(), wire.values(Field::CertName)), (vec![], vec!["www.example".into()]));
        assert_eq!((wire.next.clone(), wire.causes()), (Some(Next::Settled), vec![]));
    }

    #[test]
    fn a_hole_inside_ciphertext_is_stepped_over() {
        let mut wire = Wire::default();
        wire.send(CLIENT, &cipher()[..10]).lose(CLIENT, 20);
        wire.send(CLIENT, &[&cipher()[30..], &handshake(&hello_for("late.example"))[..]].concat());
        assert_eq!(wire.names(), ["late.example"]);
    }

    #[test]
    fn a_connection_joined_late_is_tls_without_a_name() {
        let mut wire = Wire::default();
        wire.send(CLIENT, &cipher()).send(SERVER, b"\x99 middle of a record").send(SERVER, &cipher());
        assert_eq!((wire.identity.app, wire.identity.basis), (NAME, Basis::Signature));
        assert_eq!((wire.causes(), wire.next), (vec![], Some(Next::Settled)));
    }

    #[test]
    fn ciphertext_without_change_of_keys_is_no_tls_1_2() {
        let mut wire = Wire::default();
        wire.send(CLIENT, &handshake(&hello_for("meet.example")));
        wire.send(SERVER, &[handshake(&server_hello(0x0303, 0xc02f, [1; 32])), cipher()].concat());
        assert_eq!(wire.causes(), ["not_the_expected_protocol"]);
    }

    #[test]
    fn a_hello_cut_off_by_the_end_of_the_flow_is_a_missing_name() {
        let mut wire = Wire::default();
        wire.send(CLIENT, &handshake(&hello_for("meet.example"))[..60]);
        wire.tls.finish(&mut Notes::new(&mut wire.identity, Ordinal(2), Timestamp::default()));
        assert_eq!(wire.causes(), ["no_sni"]);
    }

    #[test]
    fn the_probe_tells_tls_from_its_neighbours() {
        for (first, guess) in [
            (&handshake(&hello_for("meet.example"))[..], Guess::Yes),
            (&handshake(&hello_for("meet.example"))[..8], Guess::Short),
            (&handshake(&hello_for("meet.example"))[..9], Guess::Yes),
            (&handshake(&[1])[..], Guess::Yes),
            (&record(ALERT, &[2, 40]), Guess::Yes),
            (&cipher(), Guess::Yes),
            (&[&cipher()[..], b"GET"].concat(), Guess::No),
            (&record(APPLICATION_DATA, &[0; 4]), Guess::No),
            (&[0x16], Guess::Short),
            (&[0x16, 3, 9], Guess::No),
            (b"GET / HTTP/1.1\r\n", Guess::No),
            (b"SSH-2.0-OpenSSH", Guess::No),
            (&[0x80, 0x2e, 4], Guess::No),
        ] {
            assert_eq!(probe(first, CLIENT), guess, "{first:?}");
        }
    }

    proptest! {
        #[test]
        fn cuts_do_not_change_what_is_read(cuts in proptest::collection::vec(1..400usize, 1..40), old in any::<bool>()) {
            let version = if old { 0x0303 } else { 0x0304 };
            let client = [handshake(&hello_for("meet.example")), change(), cipher()].concat();
            let server = [
                handshake(&[server_hello(version, 0xc02f, [1; 32]), certificates(&[b"cdn.example"])].concat()),
                change(),
                cipher(),
            ].concat();
            let mut whole = Wire::default();
            whole.send(CLIENT, &client[..client.len() - 51]).send(SERVER, &server).send(CLIENT, &client[client.len() - 51..]);
            let mut cut = Wire::default();
            let mut step = cuts.iter().cycle();
            for (side, bytes) in [(CLIENT, &client[..client.len() - 51]), (SERVER, &server[..]), (CLIENT, &client[client.len() - 51..])] {
                let mut rest = bytes;
                while !rest.is_empty() {
                    let (piece, after) = rest.split_at((*step.next().unwrap()).min(rest.len()));
                    cut.send(side, piece);
                    rest = after;
                }
            }
            prop_assert_eq!(whole.identity, cut.identity);
            prop_assert_eq!(whole.next, cut.next);
        }

        #[test]
        fn no_bytes_make_it_panic(
            pieces in proptest::collection::vec((any::<bool>(), 0..4u8, proptest::collection::vec(any::<u8>(), 0..60)), 0..12),
        ) {
            let mut wire = Wire::default();
            for (opener, kind, bytes) in pieces {
                let side = if opener { CLIENT } else { SERVER };
                match kind {
                    0 => wire.send(side, &bytes),
                    1 => wire.send(side, &handshake(&bytes)),
                    2 => wire.send(side, &handshake(&[&hello_for("meet.example")[..], &bytes].concat())),
                    _ => wire.lose(side, bytes.len() as u64),
                };
                probe(&bytes, side);
            }
        }
    }
}
