//! The policy's look-ups, small and large, and the whole judgement of one flow.

use std::{fmt::Write, hint::black_box, net::IpAddr};

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use sekisho::{
    ground::model::{
        address::Transport,
        facts::{DirectionBasis, FlowFacts},
        field::Field,
        identity::Notes,
        key::{Endpoint, Side},
        name::HostName,
        packet::Ordinal,
        time::Timestamp,
    },
    policy::language::{Hints, Policy, load_text},
    verdict::judge::{Vantage, judge},
};

#[path = "../tests/it/city.rs"]
#[allow(dead_code, unreachable_pub, reason = "the stories need more of it")]
mod city;

/// Entries of a small policy and of a large one.
const SIZES: [u32; 2] = [10, 10_000];
/// Look-ups of one round.
const ROUND: u32 = 1_000;
/// Inside the period of the city's policy.
const NOW: Timestamp = Timestamp::from_secs(1_775_000_000);

/// The name with this number: some deep, some shallow.
fn name(number: u32) -> String {
    match number % 3 {
        0 => format!("host{number}.example"),
        1 => format!("www.service{number}.example"),
        _ => format!("a.b.c{number}.example"),
    }
}

/// The small city's policy with so many names in one more destination and so many prefixes in two more segments.
fn policy(names: u32, prefixes: u32) -> Policy {
    let mut text = city::with(
        r#"
[[channels]]
id = "c"
from = ["s0", "s1"]
to = ["d"]
services = ["tcp/443"]
kind = "normal"
purpose_ja = "計測"
clause = "計測"
approval = "計測"
"#,
    );
    // Every second prefix belongs to the other segment, so that none can be joined with its neighbour.
    for segment in 0..2 {
        let blocks: Vec<_> = (segment..prefixes).step_by(2).map(|n| format!("\"{}/24\"", block(n))).collect();
        writeln!(
            text,
            "[[segments]]\nid = \"s{segment}\"\nclass = \"internet\"\ncidr = [{}]",
            blocks.join(",")
        )
        .expect("text");
    }
    let names: Vec<_> = (0..names).map(|number| format!("\"{}\"", name(number))).collect();
    writeln!(
        text,
        "[[destinations]]\nid = \"d\"\nzone = \"inet\"\nkind = \"other\"\nfqdn = [\"*.wild.example\",{}]\n\
         cidr = [\"198.20.0.0/16\"]\nservices = [\"tcp/443\"]\nmatch = \"name+address\"",
        names.join(",")
    )
    .expect("text");
    match load_text("bench.toml", &text) {
        Ok((policy, _)) => policy,
        Err(faults) => panic!("the policy of this bench does not hold: {faults:?}"),
    }
}

/// The /24 with this number, from 100.64/10: nothing else of the city lies there.
fn block(number: u32) -> IpAddr {
    std::net::Ipv4Addr::from(0x6440_0000 + (number << 8)).into()
}

fn look_ups(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("policy");
    group.throughput(Throughput::Elements(u64::from(ROUND)));
    for size in SIZES {
        let policy = policy(size, size);
        // Half of the names and addresses are listed.
        let names: Vec<_> =
            (0..ROUND).map(|n| HostName::new(name(n.wrapping_mul(7_919) % (2 * size)).as_bytes())).collect();
        group.bench_function(format!("name match, {size} names"), |bencher| {
            bencher.iter(|| {
                for name in &names {
                    let _ = black_box(policy.destinations_named(name));
                }
            });
        });
        let addresses: Vec<_> = (0..ROUND).map(|n| block(n.wrapping_mul(7_919) % (2 * size))).collect();
        group.bench_function(format!("segment look-up, {size} prefixes"), |bencher| {
            bencher.iter(|| {
                for address in &addresses {
                    let _ = black_box(policy.situate(*address, NOW, &Hints::default()));
                }
            });
        });
    }
    group.finish();
}

/// A TLS connection, answered and named, from the prefix with this number.
fn facts(number: u32, prefixes: u32) -> FlowFacts {
    let server = std::net::Ipv4Addr::from(0xc614_0000 | (number & 0xffff));
    let mut facts = FlowFacts {
        transport: Transport::TCP,
        opener: Endpoint { addr: block(number % prefixes), port: 50_000 },
        answerer: Endpoint { addr: server.into(), port: 443 },
        basis: DirectionBasis::Syn,
        first: NOW,
        last: NOW,
        ..FlowFacts::default()
    };
    for side in &mut facts.sides {
        (side.packets, side.wire_bytes) = (10, 4_000);
    }
    let mut notes = Notes::new(&mut facts.identity, Ordinal(1), NOW);
    notes.name(Field::Sni, name(number).as_bytes(), Side::Opener);
    facts
}

fn judging(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("judge");
    group.throughput(Throughput::Elements(u64::from(ROUND)));
    for size in SIZES {
        let policy = policy(size, size);
        let flows: Vec<_> = (0..ROUND).map(|n| facts(n.wrapping_mul(7_919) % (2 * size), size)).collect();
        group.bench_function(format!("judge, {size} names and prefixes"), |bencher| {
            bencher.iter(|| {
                for facts in &flows {
                    let _ = black_box(judge(&policy, facts, Vantage { both_directions: true }, false));
                }
            });
        });
    }
    group.finish();
}

criterion_group!(benches, look_ups, judging);
criterion_main!(benches);
