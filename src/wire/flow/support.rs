//! Packets for the stories of this room.

use super::{Ended, Flows, Handle, Outcome, Rest, Settings};
use crate::ground::model::{
    address::Transport,
    decoded::{Decoded, TcpFlags, TcpHead},
    facts::FlowFacts,
    key::{Endpoint, Side, Tuple},
    packet::{Ordinal, PacketHead},
    time::{SECOND, Timestamp},
};

/// 2024-01-01, so that stamps look like stamps.
pub(super) const START: i64 = 1_704_067_200;

fn end(text: &str) -> Endpoint {
    let addr: std::net::SocketAddr = text.parse().unwrap();
    Endpoint { addr: addr.ip(), port: addr.port() }
}

fn packet(source: &str, target: &str, transport: Transport) -> Decoded {
    Decoded {
        head: PacketHead {
            ordinal: Ordinal(1),
            at: Timestamp::from_secs(START),
            wire_len: 60,
            captured_len: 60,
            ..PacketHead::default()
        },
        tuple: Tuple { source: end(source), target: end(target), transport },
        ttl: 64,
        ..Decoded::default()
    }
}

/// A TCP packet without flags, at [`START`].
pub(super) fn tcp(source: &str, target: &str) -> Decoded {
    Decoded { tcp: Some(TcpHead::default()), ..packet(source, target, Transport::TCP) }
}

/// A UDP packet of `len` payload bytes.
pub(super) fn udp(source: &str, target: &str, len: u32) -> Decoded {
    let mut packet = packet(source, target, Transport::UDP);
    packet.payload_len = len;
    packet.payload_wire_len = len;
    packet.head.wire_len = 42 + len;
    packet.head.captured_len = 42 + len;
    packet
}

/// Flags by their letters: `S`, `A`, `F`, `R`, `P`, `U`.
pub(super) fn flags(letters: &str) -> TcpFlags {
    letters.chars().fold(TcpFlags::default(), |flags, letter| {
        flags.with(match letter {
            'S' => TcpFlags::SYN,
            'A' => TcpFlags::ACK,
            'F' => TcpFlags::FIN,
            'R' => TcpFlags::RST,
            'P' => TcpFlags::PSH,
            'U' => TcpFlags::URG,
            other => panic!("no flag {other}"),
        })
    })
}

/// First sequence number of the client in a [`Story`].
pub(super) const CLIENT: u32 = 1_000;
/// First sequence number of the server.
pub(super) const SERVER: u32 = 5_000;
const CLIENT_END: &str = "10.0.0.1:50000";
const SERVER_END: &str = "192.0.2.7:443";

/// One table, what it was fed, and what came out.
pub(super) struct Story {
    pub(super) flows: Flows<u32>,
    pub(super) ended: Vec<Ended<u32>>,
    /// Everything that was read: chunks in order.
    pub(super) chunks: Vec<Rest>,
    /// Packets and bytes that were fed, and those for which there was no place.
    pub(super) fed: (u64, u64),
    pub(super) untracked: (u64, u64),
    pub(super) last: Option<Handle>,
    ordinal: u64,
    nanos: i64,
}

impl Story {
    pub(super) fn new() -> Self {
        Self::with(Settings::default())
    }

    pub(super) fn with(settings: Settings) -> Self {
        Self {
            flows: Flows::new(settings),
            ended: Vec::new(),
            chunks: Vec::new(),
            fed: (0, 0),
            untracked: (0, 0),
            last: None,
            ordinal: 0,
            nanos: 0,
        }
    }

    /// Moves the clock.
    pub(super) fn wait(&mut self, secs: i64) -> &mut Self {
        self.nanos += secs * SECOND;
        self
    }

    /// Moves the clock.
    pub(super) fn wait_millis(&mut self, millis: i64) -> &mut Self {
        self.nanos += millis * 1_000_000;
        self
    }

    pub(super) fn now(&self) -> Timestamp {
        Timestamp::from_nanos(START * SECOND + self.nanos)
    }

    /// Feeds one packet and reads it.
    pub(super) fn feed(&mut self, mut packet: Decoded, payload: &[u8]) -> Outcome<u32> {
        self.ordinal += 1;
        packet.head.ordinal = Ordinal(self.ordinal);
        packet.head.at = self.now();
        self.fed.0 += 1 + u64::from(packet.fragments);
        self.fed.1 += u64::from(packet.head.wire_len) + packet.fragments_wire_bytes;
        let mut outcome = self.flows.packet(&packet);
        self.ended.extend(outcome.ended.take().map(|ended| *ended));
        if outcome.full {
            self.untracked.0 += 1 + u64::from(packet.fragments);
            self.untracked.1 += u64::from(packet.head.wire_len) + packet.fragments_wire_bytes;
            return outcome;
        }
        self.last = Some(outcome.handle);
        if self.flows.is_reading(outcome.handle) {
            let chunks = &mut self.chunks;
            self.flows.read(outcome.handle, &packet, payload, &mut |chunk| chunks.push(Rest::from(chunk)));
        }
        self.nanos += 10_000;
        outcome
    }

    /// A packet of the client: flags, and numbers counted from the first of each end.
    pub(super) fn client(&mut self, letters: &str, seq: u32, ack: u32, data: &[u8]) -> Outcome<u32> {
        self.feed(client(letters, seq, ack, data), data)
    }

    /// A packet of the server.
    pub(super) fn server(&mut self, letters: &str, seq: u32, ack: u32, data: &[u8]) -> Outcome<u32> {
        self.feed(server(letters, seq, ack, data), data)
    }

    /// The three packets that open a connection; both ends stand at 1 afterwards.
    pub(super) fn handshake(&mut self) -> &mut Self {
        self.client("S", 0, 0, b"");
        self.server("SA", 0, 1, b"");
        self.client("A", 1, 1, b"");
        self
    }

    /// What an end said, gaps as `[n]`.
    pub(super) fn heard(&self, side: Side) -> String {
        let mut text = String::new();
        for chunk in self.chunks.iter().chain(self.ended.iter().flat_map(|ended| &ended.rest)) {
            match chunk {
                Rest::Bytes(from, bytes) if *from == side => text.push_str(&String::from_utf8_lossy(bytes)),
                Rest::Again(from, bytes) if *from == side => {
                    text.push_str(&format!("({})", String::from_utf8_lossy(bytes)));
                }
                Rest::Gap(from, missing) if *from == side => text.push_str(&format!("[{missing}]")),
                _ => {}
            }
        }
        text
    }

    /// The variants of an end, in the order they came.
    pub(super) fn variants(&self, side: Side) -> Vec<String> {
        let all = self.chunks.iter().chain(self.ended.iter().flat_map(|ended| &ended.rest));
        all.filter_map(|chunk| match chunk {
            Rest::Variant(from, prefix) if *from == side => {
                Some(String::from_utf8_lossy(prefix).into_owned())
            }
            _ => None,
        })
        .collect()
    }

    /// Facts of the flow of the last packet.
    pub(super) fn facts(&self) -> FlowFacts {
        self.flows.facts(self.last.unwrap())
    }

    /// Codes of the causes of the flow of the last packet.
    pub(super) fn causes(&self) -> Vec<&'static str> {
        codes(&self.facts())
    }

    /// Ends the input; gives all flows in order, and holds the accounting identity.
    pub(super) fn finish(&mut self) -> &[Ended<u32>] {
        self.flows.finish(&mut self.ended);
        self.ended.sort_by_key(|ended| ended.facts.id);
        let carried = |ended: &&Ended<u32>| ended.facts.carrier.is_none();
        let packets: u64 = self.ended.iter().filter(carried).map(|ended| ended.facts.packets()).sum();
        let bytes: u64 = self.ended.iter().filter(carried).map(|ended| ended.facts.wire_bytes()).sum();
        assert_eq!((packets + self.untracked.0, bytes + self.untracked.1), self.fed, "accounting identity");
        assert_eq!(self.flows.stream_bytes(), 0, "streams are let go");
        &self.ended
    }
}

/// Codes of the causes of a flow.
pub(super) fn codes(facts: &FlowFacts) -> Vec<&'static str> {
    facts.causes.iter().map(|note| note.cause.code()).collect()
}

/// A packet of the client of a [`Story`].
pub(super) fn client(letters: &str, seq: u32, ack: u32, data: &[u8]) -> Decoded {
    let numbers = (CLIENT.wrapping_add(seq), SERVER.wrapping_add(ack));
    segment(CLIENT_END, SERVER_END, letters, numbers, data)
}

/// A packet of the server of a [`Story`].
pub(super) fn server(letters: &str, seq: u32, ack: u32, data: &[u8]) -> Decoded {
    let numbers = (SERVER.wrapping_add(seq), CLIENT.wrapping_add(ack));
    segment(SERVER_END, CLIENT_END, letters, numbers, data)
}

fn segment(source: &str, target: &str, letters: &str, numbers: (u32, u32), data: &[u8]) -> Decoded {
    let mut packet = tcp(source, target);
    let len = data.len() as u32;
    packet.payload_len = len;
    packet.payload_wire_len = len;
    packet.head.wire_len = 54 + len;
    packet.head.captured_len = 54 + len;
    packet.tcp = Some(TcpHead {
        seq: numbers.0,
        ack: numbers.1,
        flags: flags(letters),
        window: 64_240,
        signed: false,
    });
    packet
}
