//! The stages of an audit over the demo city's frames: headers decoded by kind of frame, lists made, flows kept and
//! read and judged. Throughput is that of the frames' bytes.

use std::{hint::black_box, sync::Arc};

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use sekisho::{
    ground::model::packet::PacketHead,
    policy::language::load_text,
    run::engine::{
        ingest::{Fragments, Ingest, Lists},
        shard::{Shard, Telling},
    },
    wire::{
        capture::{Block, Request, open},
        decode::{Decodings, Inner, decode},
        flow::Settings,
    },
};

const CITY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/city");

/// The blocks of one capture of the city.
fn blocks(capture: &str) -> Vec<Block> {
    let request = Request { inputs: vec![format!("{CITY}/{capture}")], ..Request::default() };
    let (feed, mut baton) = open(&request).expect("the city's captures can be read");
    let mut blocks = Vec::new();
    loop {
        let mut block = Block::new();
        feed.fill(blocks.len() as u64, &mut block);
        if !baton.walk(&feed, &mut block) {
            return blocks;
        }
        blocks.push(block);
    }
}

type Frame = (PacketHead, Vec<u8>);

/// The kinds of frames that take different ways through the decoder.
fn kind(decodings: &Decodings) -> Option<&'static str> {
    match &decodings.inner {
        _ if !decodings.carriers.is_empty() => Some("tunnel"),
        Inner::Flow(packet) if packet.link.vlans.count() > 0 => Some("VLAN"),
        Inner::Flow(_) => Some("plain"),
        Inner::Fragment(_) => Some("fragment"),
        Inner::NoFlow(..) => None,
    }
}

fn decoding(criterion: &mut Criterion) {
    let mut decodings = Decodings::default();
    let mut kinds: [(&str, Vec<Frame>); 4] =
        ["plain", "VLAN", "tunnel", "fragment"].map(|kind| (kind, Vec::new()));
    for block in ["core-1.pcapng", "edge.pcap", "lbo-mirror.pcapng"].into_iter().flat_map(blocks) {
        for index in 0..block.len() {
            let head = block.head(index);
            decode(block.bytes(index), &head, &mut decodings);
            let of_kind = kinds.iter_mut().find(|(name, _)| Some(*name) == kind(&decodings));
            if let Some((_, frames)) = of_kind {
                frames.push((head, block.bytes(index).to_vec()));
            }
        }
    }
    let mut group = criterion.benchmark_group("decode");
    for (name, frames) in kinds.iter().filter(|(_, frames)| !frames.is_empty()) {
        group.throughput(Throughput::Bytes(frames.iter().map(|(_, bytes)| bytes.len() as u64).sum()));
        group.bench_function(format!("{name}, {} frames", frames.len()), |bencher| {
            bencher.iter(|| {
                for (head, bytes) in frames {
                    decode(black_box(bytes), head, &mut decodings);
                }
            });
        });
    }
    group.finish();
}

fn engine(criterion: &mut Criterion) {
    let text = std::fs::read_to_string(format!("{CITY}/policy.toml")).expect("the city has a policy");
    let (policy, _) = load_text("policy.toml", &text).expect("the city's policy holds");
    let policy = Arc::new(policy);
    let blocks = blocks("core-1.pcapng");
    let bytes: u64 = blocks.iter().flat_map(Block::packets).map(|(_, bytes)| bytes.len() as u64).sum();
    let settings = Settings::default();
    let mut ingest = Ingest::new(1, settings.clone());
    let mut fragments = Fragments::new(settings.clone());
    let lists: Vec<Lists> = blocks
        .iter()
        .map(|block| {
            let mut lists = Lists::default();
            ingest.block(block, &mut lists);
            fragments.block(&mut lists);
            lists
        })
        .collect();
    let mut group = criterion.benchmark_group("engine");
    group.throughput(Throughput::Bytes(bytes));
    group.bench_function("decoded into lists", |bencher| {
        let mut lists = Lists::default();
        bencher.iter(|| blocks.iter().for_each(|block| ingest.block(block, &mut lists)));
    });
    for (name, policy, lines) in [
        ("flows kept and read", None, false),
        ("flows kept, read and judged", Some(&policy), false),
        ("flows kept, read, judged and named", Some(&policy), true),
    ] {
        group.bench_function(name, |bencher| {
            bencher.iter_batched(
                || Shard::new(Settings::default(), policy.cloned(), Telling { lines, joins: false }),
                |mut shard| {
                    blocks.iter().zip(&lists).for_each(|(block, lists)| shard.block(block, lists, 0));
                    let mut remaining = shard.remaining();
                    while !remaining.is_empty() {
                        shard.finish_some(&mut remaining);
                    }
                    shard.take_events().len()
                },
                BatchSize::LargeInput,
            );
        });
    }
    group.finish();
}

criterion_group!(benches, decoding, engine);
criterion_main!(benches);
