//! What a flow says of itself: TLS hellos, QUIC Initials and DNS messages of the demo city, each read by a new reader.

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use sekisho::{
    ground::model::{
        address::Transport,
        identity::{Identity, Notes},
        key::Side,
        packet::Ordinal,
        time::Timestamp,
    },
    wire::{
        capture::{Block, Request, open},
        decode::{Decodings, Inner, decode},
        identify::inspection::Inspection,
    },
};

const CITY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/city");
/// Messages of each kind.
const MESSAGES: usize = 64;
/// A datagram with an Initial of a client is at least as long (RFC 9000 section 14.1).
const INITIAL_MIN: usize = 1_200;

/// A payload, and who would say it where.
struct Message {
    transport: Transport,
    ports: [u16; 2],
    bytes: Vec<u8>,
}

impl Message {
    fn kind(&self) -> Option<&'static str> {
        match (self.transport, self.ports[1], self.bytes.as_slice()) {
            (Transport::TCP, 443, [22, 3, _, _, _, 1, ..]) => Some("TLS hello"),
            (Transport::UDP, 443, [0xc0..=0xcf, ..]) if self.bytes.len() >= INITIAL_MIN => {
                Some("QUIC Initial")
            }
            (Transport::UDP, 53, [..]) => Some("DNS query"),
            _ => None,
        }
    }

    /// True when the reading of this message wrote something down.
    fn read(&self) -> bool {
        let mut identity = Identity::default();
        let mut notes = Notes::new(&mut identity, Ordinal(1), Timestamp::from_secs(1_775_000_000));
        let mut inspection = Inspection::new(self.transport, self.ports);
        inspection.bytes(black_box(&self.bytes), Side::Opener, &mut notes);
        !identity.app.is_empty()
    }
}

/// All payloads of one capture of the city that stand in a frame of their own.
fn messages(capture: &str) -> Vec<Message> {
    let request = Request { inputs: vec![format!("{CITY}/{capture}")], ..Request::default() };
    let (feed, mut baton) = open(&request).expect("the city's captures can be read");
    let (mut block, mut decodings, mut found) = (Block::new(), Decodings::default(), Vec::new());
    for ticket in 0.. {
        feed.fill(ticket, &mut block);
        if !baton.walk(&feed, &mut block) {
            break;
        }
        for index in 0..block.len() {
            let frame = block.bytes(index);
            decode(frame, &block.head(index), &mut decodings);
            let Inner::Flow(packet) = &decodings.inner else { continue };
            let start = packet.payload_at as usize;
            let Some(bytes) = frame.get(start..start + packet.payload_len as usize) else { continue };
            let ports = [packet.tuple.source.port, packet.tuple.target.port];
            found.push(Message { transport: packet.tuple.transport, ports, bytes: bytes.to_vec() });
        }
    }
    found
}

fn identify(criterion: &mut Criterion) {
    let mut kinds: Vec<(&str, Vec<Message>)> =
        ["TLS hello", "QUIC Initial", "DNS query"].map(|kind| (kind, Vec::new())).into();
    for message in ["core-1.pcapng", "core-2.pcapng"].into_iter().flat_map(messages) {
        let kind = message.kind();
        let of_kind = kinds.iter_mut().find(|(name, kept)| Some(*name) == kind && kept.len() < MESSAGES);
        if let Some((_, kept)) = of_kind.filter(|_| message.read()) {
            kept.push(message);
        }
    }
    let mut group = criterion.benchmark_group("identify");
    for (name, messages) in &kinds {
        assert!(!messages.is_empty(), "the city holds a {name}");
        group.throughput(Throughput::Elements(messages.len() as u64));
        group.bench_function(*name, |bencher| {
            bencher.iter(|| messages.iter().filter(|message| message.read()).count());
        });
    }
    group.finish();
}

criterion_group!(benches, identify);
criterion_main!(benches);
