//! Look-ups of the flow table: a packet of a settled connection (in a table that the caches hold, and in one far beyond
//! them), of a new flow, and of a table without room.

use std::{hint::black_box, net::IpAddr};

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use sekisho::{
    ground::model::{
        address::Transport,
        decoded::{Decoded, TcpFlags, TcpHead},
        key::{Endpoint, Tuple},
        packet::{Ordinal, PacketHead},
        time::Timestamp,
    },
    wire::flow::{Flows, Settings},
};

/// Live flows of a table that the caches hold.
const FEW: u32 = 1_000;
/// Live flows of a table of more than 64 MB: of 64 bytes and more each.
const MANY: u32 = 1_000_000;
/// Packets of one round.
const ROUND: u32 = 10_000;

/// The SYN of the flow with this number.
fn syn(number: u32) -> Decoded {
    let end = |addr: u32, port| Endpoint { addr: IpAddr::from(addr.to_be_bytes()), port };
    Decoded {
        head: PacketHead {
            ordinal: Ordinal(u64::from(number) + 1),
            at: Timestamp::from_secs(1_700_000_000),
            wire_len: 60,
            captured_len: 60,
            ..PacketHead::default()
        },
        tuple: Tuple {
            source: end(0x0a00_0000 + number, 50_000),
            target: end(0xc000_0207, 443),
            transport: Transport::TCP,
        },
        tcp: Some(TcpHead { seq: 1_000, flags: TcpFlags::SYN, ..TcpHead::default() }),
        ttl: 64,
        ..Decoded::default()
    }
}

/// The next data of that flow.
fn data(number: u32) -> Decoded {
    let mut packet = syn(number);
    packet.tcp = Some(TcpHead { seq: 1_001, flags: TcpFlags::ACK.with(TcpFlags::PSH), ..TcpHead::default() });
    packet.payload_len = 1_000;
    packet.payload_wire_len = 1_000;
    packet
}

/// A table with so many settled flows, and no room for more.
fn filled(live: u32) -> Flows<()> {
    let mut flows = Flows::new(Settings { capacity: live as usize, ..Settings::default() });
    for number in 0..live {
        let opened = flows.packet(&syn(number));
        if !opened.full {
            flows.stop_reading(opened.handle, &mut |_| {});
        }
    }
    flows
}

fn flow(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("flow");
    group.throughput(Throughput::Elements(u64::from(ROUND)));
    let strangers: Vec<_> = (0..ROUND).map(|number| syn(MANY + number)).collect();
    for (live, place) in [(FEW, "in cache"), (MANY, "beyond 64 MB")] {
        // Steps over the flows so that neighbours in time are no neighbours in memory.
        let known: Vec<_> = (0..ROUND).map(|number| data(number.wrapping_mul(7_919) % live)).collect();
        let mut flows = filled(live);
        group.bench_function(format!("hit, {place}"), |bencher| {
            bencher.iter(|| known.iter().for_each(|packet| drop(black_box(flows.packet(packet)))));
        });
        group.bench_function(format!("full, {place}"), |bencher| {
            bencher.iter(|| strangers.iter().for_each(|packet| drop(black_box(flows.packet(packet)))));
        });
    }
    group.bench_function("miss, which opens a flow", |bencher| {
        bencher.iter_batched_ref(
            || Flows::<()>::new(Settings::default()),
            |flows| strangers.iter().for_each(|packet| drop(black_box(flows.packet(packet)))),
            BatchSize::LargeInput,
        );
    });
    group.finish();
}

criterion_group!(benches, flow);
criterion_main!(benches);
