//! DTLS 1.0 to 1.3: the hellos, in fragments and any order, and the certificate up to 1.2.
//!
//! Sources: RFC 6347 section 4 (records and fragments), RFC 9147 section 4 (the short header of 1.3).

use super::{
    certificate,
    dissector::{Dissector, First, Guess, Next, Protocol},
    hello::{self, DTLS_HEADER_LEN, Reply},
    ja4::Carrier,
    pieces::Pieces,
};
use crate::ground::model::{
    address::Transport,
    cause::Cause,
    identity::{Basis, Marks, Notes},
    key::Side,
    limits,
};

/// DTLS over UDP.
pub static PROTOCOL: Protocol = Protocol {
    name: NAME,
    transport: Transport::UDP,
    ports: &[443, 4433, 5684, 5349, 10_161, 2055],
    first: First::range(20, 26),
    probe,
    open: || Box::<Dtls>::default(),
};

const NAME: &str = "dtls";
/// Type, version, epoch, sequence number, length.
const RECORD_HEADER_LEN: usize = 13;
/// Record types.
const CHANGE_CIPHER_SPEC: u8 = 20;
const ALERT: u8 = 21;
const HANDSHAKE: u8 = 22;
const APPLICATION_DATA: u8 = 23;
/// The shortest ciphertext: a tag of 8 bytes.
const CIPHERTEXT_LEN_MIN: usize = 8;
/// Messages of one end that wait for fragments; only hellos and certificates do.
const WAITING_MAX: usize = 8;

/// One record.
struct Record<'a> {
    kind: u8,
    epoch: u16,
    body: &'a [u8],
    rest: &'a [u8],
}

impl<'a> Record<'a> {
    fn read(bytes: &'a [u8]) -> Option<Self> {
        let (header, rest) = bytes.split_first_chunk::<RECORD_HEADER_LEN>()?;
        let [kind, major, minor, epoch, epoch_low, .., len, len_low] = *header;
        let (body, rest) = rest.split_at_checked(usize::from(u16::from_be_bytes([len, len_low])))?;
        // 0x0100 is what OpenSSL wrote before the standard.
        let version = matches!((major, minor), (0xfe, 0xff | 0xfd | 0xfc) | (1, 0));
        let fits = version && (CHANGE_CIPHER_SPEC..=APPLICATION_DATA + 3).contains(&kind);
        fits.then_some(Self { kind, epoch: u16::from_be_bytes([epoch, epoch_low]), body, rest })
    }
}

/// One fragment of a handshake message.
struct Fragment<'a> {
    kind: u8,
    len: usize,
    number: u16,
    offset: usize,
    bytes: &'a [u8],
    rest: &'a [u8],
}

impl<'a> Fragment<'a> {
    fn read(bytes: &'a [u8]) -> Option<Self> {
        let (header, rest) = bytes.split_first_chunk::<DTLS_HEADER_LEN>()?;
        let [kind, a, b, c, number, number_low, d, e, f, g, h, i] = *header;
        let [len, offset, fragment_len] =
            [[0, a, b, c], [0, d, e, f], [0, g, h, i]].map(|bytes| u32::from_be_bytes(bytes) as usize);
        let (bytes, rest) = rest.split_at_checked(fragment_len)?;
        let number = u16::from_be_bytes([number, number_low]);
        (offset + fragment_len <= len).then_some(Self { kind, len, number, offset, bytes, rest })
    }
}

/// Recognises a datagram whose records fill it.
fn probe(first: &[u8], _side: Side) -> Guess {
    let Some(record) = Record::read(first) else { return Guess::No };
    let body = record.body;
    let fits = match record.kind {
        _ if record.epoch > 0 => body.len() >= CIPHERTEXT_LEN_MIN,
        HANDSHAKE => {
            Fragment::read(body).is_some_and(|fragment| matches!(fragment.kind, 0..=4 | 8 | 11..=25))
        }
        CHANGE_CIPHER_SPEC => matches!(body, [1] | [1, _, _]),
        ALERT => matches!(body, [1 | 2, _]),
        _ => false,
    };
    let followed = record.rest.is_empty() || Record::read(record.rest).is_some();
    if fits && followed { Guess::Yes } else { Guess::No }
}

/// True when a datagram of a flow that was settled begins another handshake in the clear.
#[must_use]
pub fn reopens(datagram: &[u8]) -> bool {
    Record::read(datagram).is_some_and(|record| {
        record.kind == HANDSHAKE && record.epoch == 0 && record.body.first() == Some(&hello::CLIENT_HELLO)
    })
}

/// A message of which fragments are missing.
struct Waiting {
    kind: u8,
    number: u16,
    len: usize,
    pieces: Pieces,
}

/// One end.
#[derive(Default)]
struct Half {
    waiting: Vec<Waiting>,
    spoke: bool,
    protected: bool,
}

/// One association.
#[derive(Default)]
struct Dtls {
    halves: [Half; 2],
    client: Option<Side>,
    server: Option<Side>,
    retry: bool,
}

impl Dissector for Dtls {
    fn bytes(&mut self, datagram: &[u8], side: Side, notes: &mut Notes<'_>) -> Next {
        let mut rest = datagram;
        while let Some(first) = rest.first() {
            // 001xxxxx: ciphertext of DTLS 1.3 (RFC 9147 section 4). It has no version, so a hello must have been there.
            if first >> 5 == 1 && self.client.is_some() {
                self.protected(side, notes);
                break;
            }
            let Some(record) = Record::read(rest) else {
                self.stranger(*first, side, notes);
                break;
            };
            rest = record.rest;
            self.record(&record, side, notes);
        }
        if self.halves.iter().all(|half| half.protected) && !self.retry { Next::Settled } else { Next::More }
    }

    fn gap(&mut self, _missing: u64, _side: Side, _notes: &mut Notes<'_>) -> Next {
        Next::More
    }

    fn finish(&mut self, notes: &mut Notes<'_>) {
        let begun = |half: &Half| half.waiting.iter().any(|waiting| waiting.kind == hello::CLIENT_HELLO);
        if self.halves.iter().any(begun) {
            notes.cause(Cause::NoSni, "unfinished_hello");
        }
    }
}

impl Dtls {
    const fn half(&mut self, side: Side) -> &mut Half {
        let [opener, answerer] = &mut self.halves;
        match side {
            Side::Opener => opener,
            Side::Answerer => answerer,
        }
    }

    /// A datagram that is no DTLS. STUN, TURN and RTP share the flow with it (RFC 7983); others do not.
    fn stranger(&mut self, first: u8, side: Side, notes: &mut Notes<'_>) {
        let unanswered = self.client == Some(side.other()) && !self.half(side).spoke;
        if unanswered && !matches!(first, 0..=3 | 64..=79 | 128..=191) {
            notes.cause(Cause::NotTheExpectedProtocol, NAME);
        }
    }

    fn record(&mut self, record: &Record<'_>, side: Side, notes: &mut Notes<'_>) {
        notes.app(NAME, Basis::Signature);
        self.half(side).spoke = true;
        if record.epoch > 0 {
            return self.protected(side, notes);
        }
        match record.kind {
            HANDSHAKE => {
                let mut rest = record.body;
                while let Some(fragment) = Fragment::read(rest) {
                    rest = fragment.rest;
                    self.fragment(&fragment, side, notes);
                }
            }
            ALERT if matches!(record.body, [2, _]) => notes.mark(Marks::REFUSED),
            _ => {}
        }
    }

    fn protected(&mut self, side: Side, notes: &mut Notes<'_>) {
        self.half(side).protected = true;
        notes.mark(match side {
            Side::Opener => Marks::ENCRYPTED_OPENER,
            Side::Answerer => Marks::ENCRYPTED_ANSWERER,
        });
    }

    fn fragment(&mut self, fragment: &Fragment<'_>, side: Side, notes: &mut Notes<'_>) {
        match fragment.kind {
            hello::CLIENT_HELLO | hello::SERVER_HELLO | hello::CERTIFICATE => {}
            hello::HELLO_VERIFY_REQUEST => {
                (self.server, self.retry) = (Some(side), true);
                return;
            }
            _ => return,
        }
        if fragment.len > limits::HANDSHAKE_LEN_MAX {
            notes.cause(Cause::ParserLimit, "hello");
            return;
        }
        if fragment.bytes.len() == fragment.len {
            return self.message(fragment.kind, fragment.number, fragment.bytes, side, notes);
        }
        let half = self.half(side);
        let place = half.waiting.iter().position(|waiting| {
            (waiting.kind, waiting.number, waiting.len) == (fragment.kind, fragment.number, fragment.len)
        });
        let place = place.unwrap_or_else(|| {
            // Two lengths for one message are two messages: the receiver believes one of them.
            if half.waiting.len() >= WAITING_MAX {
                half.waiting.remove(0);
                notes.cause(Cause::ParserLimit, "fragments");
            }
            let pieces = Pieces::default();
            half.waiting.push(Waiting {
                kind: fragment.kind,
                number: fragment.number,
                len: fragment.len,
                pieces,
            });
            half.waiting.len() - 1
        });
        let Some(waiting) = half.waiting.get_mut(place) else { return };
        let added = waiting.pieces.add(fragment.offset, fragment.bytes, fragment.len);
        if added.overflow {
            notes.cause(Cause::ParserLimit, "fragments");
        }
        if added.conflict {
            notes.cause(Cause::OverlapConflict, NAME);
        }
        if waiting.pieces.front().len() == fragment.len {
            let whole = half.waiting.remove(place);
            self.message(whole.kind, whole.number, whole.pieces.front(), side, notes);
            if let Some(other) = whole.pieces.variant() {
                self.message(whole.kind, whole.number, &other, side, &mut notes.as_variant());
            }
        }
    }

    fn message(&mut self, kind: u8, number: u16, body: &[u8], side: Side, notes: &mut Notes<'_>) {
        match kind {
            hello::CLIENT_HELLO => {
                let message = with_header(kind, number, body);
                if !hello::note_client(&message, Carrier::Dtls, side, notes) {
                    notes.cause(Cause::SniMalformed, "hello");
                    return;
                }
                notes.app(NAME, Basis::Parsed);
                // Either end may play the client where calls are set up, but not both.
                if self.server == Some(side) {
                    notes.cause(Cause::NotTheExpectedProtocol, NAME);
                }
                (self.client, self.retry) = (Some(side), false);
                self.halves.iter_mut().for_each(|half| half.protected = false);
            }
            hello::SERVER_HELLO => {
                let Some(reply) = hello::note_server(body, side, notes) else { return };
                notes.app(NAME, Basis::Parsed);
                (self.server, self.retry) = (Some(side), reply == Reply::Retry);
            }
            _ if self.server == Some(side) => {
                if let Some(leaf) = certificate::leaf(body) {
                    certificate::note(leaf, side, notes);
                }
            }
            _ => {}
        }
    }
}

/// The message as if it had come in one fragment.
fn with_header(kind: u8, number: u16, body: &[u8]) -> Vec<u8> {
    let len = (body.len() as u32).to_be_bytes();
    let [_, len @ ..] = len;
    [&[kind], &len[..], &number.to_be_bytes(), &[0; 3], &len, body].concat()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{
        super::hello::tests::{dtls_hello_body, server_hello},
        *,
    };
    use crate::ground::model::{field::Field, identity::Identity, packet::Ordinal, time::Timestamp};

    const CLIENT: Side = Side::Opener;
    const SERVER: Side = Side::Answerer;

    fn record(kind: u8, epoch: u16, body: &[u8]) -> Vec<u8> {
        let len = (body.len() as u16).to_be_bytes();
        [&[kind, 0xfe, 0xfd][..], &epoch.to_be_bytes(), &[0; 6], &len, body].concat()
    }

    fn fragment(kind: u8, number: u16, body: &[u8], from: usize, to: usize) -> Vec<u8> {
        let three = |value: usize| (value as u32).to_be_bytes()[1..].to_vec();
        let header =
            [&[kind][..], &three(body.len()), &number.to_be_bytes(), &three(from), &three(to - from)];
        record(HANDSHAKE, 0, &[&header.concat()[..], &body[from..to]].concat())
    }

    fn whole(kind: u8, number: u16, body: &[u8]) -> Vec<u8> {
        fragment(kind, number, body, 0, body.len())
    }

    #[derive(Default)]
    struct Wire {
        dtls: Dtls,
        identity: Identity,
        next: Option<Next>,
    }

    impl Wire {
        fn send(&mut self, side: Side, datagram: &[u8]) -> &mut Self {
            let mut notes = Notes::new(&mut self.identity, Ordinal(1), Timestamp::default());
            self.next = Some(self.dtls.bytes(datagram, side, &mut notes));
            self
        }

        fn names(&self) -> Vec<String> {
            self.identity
                .names(Field::Sni)
                .map(|name| String::from_utf8_lossy(name.bytes()).into_owned())
                .collect()
        }

        fn causes(&self) -> Vec<&'static str> {
            self.identity.causes.iter().map(|note| note.cause.code()).collect()
        }
    }

    #[test]
    fn a_handshake_with_cookie_settles_after_ciphertext_of_both_ends() {
        let mut wire = Wire::default();
        let answer = &server_hello(0xfefd, 0xc02f, [1; 32])[4..];
        wire.send(CLIENT, &whole(1, 0, &dtls_hello_body("meet.example", b"")));
        wire.send(SERVER, &whole(3, 0, &[0xfe, 0xff, 1, 9]));
        wire.send(CLIENT, &whole(1, 1, &dtls_hello_body("meet.example", b"\x09")));
        wire.send(SERVER, &[whole(2, 1, answer), record(22, 1, &[7; 40])].concat());
        assert_eq!(wire.next, Some(Next::More));
        wire.send(CLIENT, &record(23, 1, &[7; 40]));
        assert_eq!(
            (wire.next.clone(), wire.names(), wire.causes()),
            (Some(Next::Settled), vec!["meet.example".into()], vec![])
        );
        assert!(wire.identity.marks.has(Marks::HANDSHAKE) && wire.identity.client == Some(CLIENT));
        assert!(reopens(&whole(1, 0, &dtls_hello_body("next.example", b""))));
    }

    #[test]
    fn fragments_come_in_any_order_and_twice() {
        let body = dtls_hello_body("meet.example", b"");
        let mut cuts: Vec<_> =
            (0..body.len()).step_by(10).map(|from| (from, (from + 17).min(body.len()))).collect();
        cuts.reverse();
        cuts.rotate_left(3);
        let mut wire = Wire::default();
        for (from, to) in cuts {
            assert!(wire.names().is_empty());
            wire.send(CLIENT, &fragment(1, 0, &body, from, to));
        }
        assert_eq!((wire.names(), wire.causes()), (vec!["meet.example".to_owned()], vec![]));
    }

    #[test]
    fn fragments_that_contradict_each_other_show_both_names() {
        let (one, other) = (dtls_hello_body("meet.example", b""), dtls_hello_body("evil.example", b""));
        let mut wire = Wire::default();
        wire.send(CLIENT, &fragment(1, 0, &one, 40, one.len()));
        wire.send(CLIENT, &fragment(1, 0, &other, 40, other.len()));
        wire.send(CLIENT, &fragment(1, 0, &one, 0, 40));
        assert_eq!(
            (wire.names(), wire.causes()),
            (vec!["meet.example".to_owned(), "evil.example".to_owned()], vec!["overlap_conflict"])
        );
    }

    #[test]
    fn a_hole_is_a_missing_name() {
        let body = dtls_hello_body("meet.example", b"");
        let mut wire = Wire::default();
        wire.send(CLIENT, &fragment(1, 0, &body, 20, body.len()));
        wire.dtls.finish(&mut Notes::new(&mut wire.identity, Ordinal(1), Timestamp::default()));
        assert_eq!((wire.names(), wire.causes()), (vec![], vec!["no_sni"]));
    }

    #[test]
    fn calls_share_the_flow_and_covers_do_not() {
        for (answer, causes) in [
            (&b"\x00\x01 stun"[..], vec![]),
            (b"\x80 rtp", vec![]),
            (b"\x05other", vec!["not_the_expected_protocol"]),
        ] {
            let mut wire = Wire::default();
            wire.send(CLIENT, &whole(1, 0, &dtls_hello_body("meet.example", b""))).send(SERVER, answer);
            assert_eq!(wire.causes(), causes);
        }
    }

    #[test]
    fn the_probe_wants_records_that_fill_the_datagram() {
        let hello = whole(1, 0, &dtls_hello_body("meet.example", b""));
        assert_eq!(probe(&hello, CLIENT), Guess::Yes);
        assert_eq!(probe(&[&hello[..], &hello].concat(), CLIENT), Guess::Yes);
        assert_eq!(probe(&[&hello[..], b"x"].concat(), CLIENT), Guess::No);
        assert_eq!(probe(&hello[..hello.len() - 1], CLIENT), Guess::No);
        assert_eq!(probe(&record(23, 1, &[0; 30]), CLIENT), Guess::Yes);
        assert_eq!(probe(&record(23, 0, &[0; 30]), CLIENT), Guess::No);
        assert_eq!(probe(b"\x00\x01\x00\x00\x21\x12\xa4\x42", CLIENT), Guess::No);
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(
            pieces in proptest::collection::vec((any::<bool>(), 0..4u8, 0..3u16, proptest::collection::vec(any::<u8>(), 0..80)), 0..12),
        ) {
            let mut wire = Wire::default();
            let body = dtls_hello_body("meet.example", b"");
            for (opener, kind, number, bytes) in pieces {
                let side = if opener { CLIENT } else { SERVER };
                let datagram = match kind {
                    0 => bytes,
                    1 => record(HANDSHAKE, 0, &bytes),
                    2 => whole(bytes.len() as u8 % 12, number, &bytes),
                    _ => fragment(1, number, &body, bytes.len().min(body.len()) / 2, bytes.len().min(body.len())),
                };
                probe(&datagram, side);
                wire.send(side, &datagram);
            }
        }
    }
}
