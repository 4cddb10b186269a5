//! QUIC under attack: THREATS section 5, rows 4, 10, 15, 16, 17.

use crate::{
    court::{CLIENT, Court, EVIL, MEET, SUITE},
    quic::{Initial, V1, V2, crypto, long, varint},
    support::{Capture, MILLI, NOON, client_hello, datagram, server_hello},
};

const FIRST: &[u8] = b"first-id";
const SECOND: &[u8] = b"second-id";

/// A conversation on one pair of ends, a millisecond from datagram to datagram.
struct Wire {
    client: String,
    capture: Capture,
    at: u64,
}

impl Wire {
    fn new() -> Self {
        Self::from(CLIENT)
    }

    fn from(client: &str) -> Self {
        Self { client: client.to_owned(), capture: Capture::new(), at: NOON }
    }

    fn up(mut self, bytes: &[u8]) -> Self {
        self.capture.add(self.at, datagram(&self.client, SUITE, &[], bytes));
        self.at += MILLI;
        self
    }

    fn down(mut self, bytes: &[u8]) -> Self {
        self.capture.add(self.at, datagram(SUITE, &self.client, &[], bytes));
        self.at += MILLI;
        self
    }

    /// The server's answer under these keys, then packets with short headers both ways.
    fn rest(self, version: u32, key: &[u8]) -> Capture {
        let frames = [&[2, 0, 0, 0, 0][..], &crypto(0, &server_hello())].concat();
        let initial = Initial {
            version,
            from_client: false,
            key,
            dcid: b"",
            scid: SECOND,
            token: b"",
            number: 0,
            frames,
        };
        let handshake = [&long(version, 2, b"", SECOND)[..], &varint(40), &[9; 40]].concat();
        let (answer, short) = ([initial.seal(0), handshake.clone()].concat(), [0x47; 60]);
        self.down(&answer).up(&handshake).up(&short).down(&short).up(&short).down(&short).capture
    }
}

fn initial(version: u32, number: u32, frames: Vec<u8>) -> Vec<u8> {
    Initial { version, from_client: true, key: FIRST, dcid: FIRST, scid: b"", token: b"", number, frames }
        .seal(1_170)
}

fn first(version: u32, name: &str) -> Vec<u8> {
    initial(version, 0, crypto(0, &client_hello(name, &[])))
}

/// Pieces of a hello as (start, end), one list for each datagram.
type Order<'a> = &'a [&'a [(usize, usize)]];

/// CRYPTO frames of these pieces.
fn pieces(bytes: &[u8], datagrams: Order<'_>) -> Wire {
    (0..).zip(datagrams).fold(Wire::new(), |wire, (number, pieces)| {
        let frames = pieces.iter().flat_map(|(start, end)| {
            let end = (*end).min(bytes.len());
            [vec![1, 0, 0], crypto(*start, &bytes[*start..end])].concat()
        });
        wire.up(&initial(V1, number, frames.collect()))
    })
}

#[test]
fn r04_crypto_frames_in_any_order_tell_the_name_and_conflicts_acquit_nothing() {
    let court = Court::new();
    let end = 4_000;
    let orders: [(&str, Order<'_>); 4] = [
        ("shuffled", &[&[(90, 140), (0, 50), (140, 4_000), (50, 90)]]),
        ("split", &[&[(0, 110)], &[(110, 4_000)]]),
        ("reversed", &[&[(110, 4_000)], &[(0, 110)]]),
        ("repeated", &[&[(0, 110), (0, 110), (100, 4_000)]]),
    ];
    for (story, order) in orders {
        let told = |name| pieces(&client_hello(name, &[]), order).rest(V1, FIRST);
        court.acquits_all(vec![(story, told(MEET))]);
        court.acquits_none(vec![(story, told(EVIL), EVIL)]);
    }
    let (meet, evil) = (client_hello(MEET, &[]), client_hello(EVIL, &[]));
    let conflict = |one: &[u8], other: &[u8]| {
        let frames = [crypto(60, &one[60..]), crypto(60, &other[60..]), crypto(0, &one[..60])].concat();
        Wire::new().up(&initial(V1, 0, frames)).rest(V1, FIRST)
    };
    court.acquits_none(vec![
        ("listed first", conflict(&meet, &evil), "crypto_overlap"),
        ("forbidden first", conflict(&evil, &meet), "crypto_overlap"),
        ("a hole", pieces(&meet, &[&[(0, 60), (90, end)]]).rest(V1, FIRST), ""),
    ]);
}

#[test]
fn r10_a_second_connection_on_the_same_ports_counts() {
    let again = Initial {
        version: V1,
        from_client: true,
        key: b"another-id",
        dcid: b"another-id",
        scid: b"",
        token: b"",
        number: 0,
        frames: crypto(0, &client_hello(EVIL, &[])),
    };
    let before = Wire::new().up(&first(V1, MEET));
    let at = before.at;
    let mut capture = before.rest(V1, FIRST);
    let mut after = Wire::new();
    after.at = at + 60 * MILLI;
    capture = capture.with(&after.up(&again.seal(1_170)).rest(V1, b"another-id"));
    Court::new().acquits_none(vec![("twice", capture, EVIL)]);
}

#[test]
fn r15_what_stands_before_the_hello_does_not_hide_it() {
    let court = Court::new();
    let broken = |name: &str| {
        let mut packet = first(V1, name);
        let last = packet.len() - 1;
        packet[last] ^= 1;
        packet
    };
    let early = [&long(V1, 1, FIRST, b"")[..], &varint(80), &[7; 80]].concat();
    let ways = |name: &str| {
        vec![
            ("version 2", Wire::new().up(&first(V2, name)).rest(V2, FIRST)),
            (
                "early data in front",
                Wire::new().up(&[early.clone(), first(V1, name)].concat()).rest(V1, FIRST),
            ),
            ("a low source port", Wire::from("10.20.1.1:443").up(&first(V1, name)).rest(V1, FIRST)),
        ]
    };
    court.acquits_all(ways(MEET));
    court.acquits_none(ways(EVIL).into_iter().map(|(story, capture)| (story, capture, EVIL)).collect());
    court.acquits_none(vec![
        ("junk in front", Wire::new().up(&[0x15; 40]).up(&first(V1, EVIL)).rest(V1, FIRST), EVIL),
        (
            "a decoy with a broken tag",
            Wire::new().up(&broken(MEET)).up(&first(V1, EVIL)).rest(V1, FIRST),
            EVIL,
        ),
        ("only the decoy", Wire::new().up(&broken(MEET)).rest(V1, FIRST), "quic_undecryptable"),
        (
            "a decoy of the name, then the name",
            Wire::new().up(&first(V1, MEET)).up(&first(V1, EVIL)).rest(V1, FIRST),
            EVIL,
        ),
    ]);
}

#[test]
fn r16_retry_negotiation_and_migration_do_not_hide_the_name() {
    let court = Court::new();
    let retry = [&long(V1, 3, b"", SECOND)[..], &[5; 30], &[6; 16]].concat();
    let after_retry = |name: &str| {
        let second = Initial {
            version: V1,
            from_client: true,
            key: SECOND,
            dcid: SECOND,
            scid: b"",
            token: &[5; 30],
            number: 1,
            frames: crypto(0, &client_hello(name, &[])),
        };
        Wire::new().up(&first(V1, name)).down(&retry).up(&second.seal(1_170)).rest(V1, SECOND)
    };
    let negotiated = |name: &str| {
        let versions = [&[0x80, 0, 0, 0, 0, 0, 8][..], FIRST, &V2.to_be_bytes(), &V1.to_be_bytes()].concat();
        let asked = [&long(0x1a2a_3a4a, 0, FIRST, b"")[..], &[0; 1_200]].concat();
        Wire::new().up(&asked).down(&versions).up(&first(V1, name)).rest(V1, FIRST)
    };
    let switched = |name: &str| {
        let hello = client_hello(name, &[]);
        let second = Initial {
            version: V1,
            from_client: true,
            key: FIRST,
            dcid: SECOND,
            scid: b"",
            token: b"",
            number: 1,
            frames: crypto(100, &hello[100..]),
        };
        Wire::new().up(&initial(V1, 0, crypto(0, &hello[..100]))).up(&second.seal(1_170)).rest(V1, FIRST)
    };
    let moved = Wire::from("10.20.1.1:50009").up(&[0x47; 60]).down(&[0x47; 90]).up(&[0x47; 60]).capture;
    court.acquits_all(vec![("after a Retry", after_retry(MEET)), ("another connection ID", switched(MEET))]);
    court.acquits_none(vec![
        ("forbidden after a Retry", after_retry(EVIL), EVIL),
        ("forbidden after negotiation", negotiated(EVIL), EVIL),
        ("forbidden over two connection IDs", switched(EVIL), EVIL),
        ("migrated: short headers only", moved, ""),
    ]);
}

#[test]
fn r17_what_only_uses_the_port_of_quic_is_not_quic() {
    let random: Vec<u8> = (0..400u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 9) as u8).collect();
    let unknown = [&long(0x7777_7777, 0, FIRST, b"")[..], &[0], &varint(900), &[3; 900]].concat();
    let initiation = [&[1, 0, 0, 0][..], &[7; 144]].concat();
    let response = [&[2, 0, 0, 0][..], &[7; 88]].concat();
    let talk = |up: &[u8], down: &[u8]| Wire::new().up(up).down(down).up(up).down(down).capture;
    Court::new().acquits_none(vec![
        ("an unknown version", talk(&unknown, &unknown), ""),
        ("noise", talk(&random, &random), ""),
        ("WireGuard", talk(&initiation, &response), ""),
        ("zeros", talk(&[0; 100], &[0; 100]), ""),
        ("short headers", talk(&[0x41; 80], &[0x42; 80]), ""),
        ("a hello nobody answers", Wire::new().up(&first(V1, MEET)).capture, "one_way"),
        ("a hello answered with noise", Wire::new().up(&first(V1, MEET)).down(&random).capture, ""),
        ("a hello in the clear", talk(&client_hello(MEET, &[]), &server_hello()), ""),
    ]);
}
