//! The block reader alone: one plain file, seven pieces, two overlapping sources, and libpcap's loop over the same file.

use std::{fs, hint::black_box, path::Path};

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use sekisho::wire::capture::{Block, Request, open};

/// Bytes of the capture: more than the caches, less than anybody's page cache.
const FILE_LEN: usize = 128 * 1024 * 1024;
/// Lengths of an office's packets: acknowledgements, questions, full segments.
const PACKET_LENS: [usize; 7] = [60, 66, 1_514, 1_514, 120, 590, 1_514];

fn records() -> Vec<Vec<u8>> {
    let payload: Vec<u8> = (0..1_514_u32).map(|byte| byte.wrapping_mul(31) as u8).collect();
    let mut written = 0;
    let mut records = Vec::new();
    while written < FILE_LEN {
        let len = PACKET_LENS[records.len() % PACKET_LENS.len()];
        let micros = records.len() as u32 * 10;
        let mut record = Vec::with_capacity(16 + len);
        for word in [1_774_980_000 + micros / 1_000_000, micros % 1_000_000, len as u32, len as u32] {
            record.extend(word.to_le_bytes());
        }
        record.extend(&payload[..len]);
        written += record.len();
        records.push(record);
    }
    records
}

fn write<'a>(path: &Path, records: impl Iterator<Item = &'a Vec<u8>>) {
    let mut bytes = Vec::new();
    for word in [0xa1b2_c3d4, 0x0004_0002, 0, 0, 262_144, 1_u32] {
        bytes.extend(word.to_le_bytes());
    }
    records.for_each(|record| bytes.extend(record));
    fs::write(path, bytes).expect("the capture is written");
}

/// Reads an input as one worker does and counts its bytes.
fn read(input: &str) -> u64 {
    let request = Request { inputs: vec![input.to_owned()], ..Request::default() };
    let (feed, mut baton) = open(&request).expect("the input opens");
    let mut block = Block::new();
    let mut bytes = 0;
    for ticket in 0.. {
        feed.fill(ticket, &mut block);
        if !baton.walk(&feed, &mut block) {
            break;
        }
        bytes += block.packets().map(|(_, packet)| packet.len() as u64).sum::<u64>();
    }
    bytes
}

fn by_libpcap(input: &str) -> u64 {
    let mut capture = pcap::Capture::from_file(input).expect("libpcap opens it");
    let mut bytes = 0;
    while let Ok(packet) = capture.next_packet() {
        bytes += packet.data.len() as u64;
    }
    bytes
}

fn capture(criterion: &mut Criterion) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let records = records();
    let path = |name: &str| folder.path().join(name);
    let text = |name: &str| path(name).to_str().expect("a path in UTF-8").to_owned();
    write(&path("one.pcap"), records.iter());
    for name in ["seven", "two"] {
        fs::create_dir(path(name)).expect("a folder");
    }
    for (piece, chunk) in records.chunks(records.len().div_ceil(7)).enumerate() {
        write(&path(&format!("seven/{piece}.pcap")), chunk.iter());
    }
    for source in 0..2 {
        write(&path(&format!("two/{source}.pcap")), records.iter().skip(source).step_by(2));
    }

    let bytes = records.iter().map(|record| record.len() as u64 - 16).sum::<u64>();
    let mut group = criterion.benchmark_group("capture");
    group.throughput(Throughput::Bytes(bytes)).sample_size(20);
    for (name, input) in [("one file", "one.pcap"), ("seven pieces", "seven"), ("two sources", "two")] {
        let input = text(input);
        assert_eq!(read(&input), bytes, "{name} hands out every byte");
        group.bench_function(name, |bencher| bencher.iter(|| read(black_box(&input))));
    }
    let one = text("one.pcap");
    group.bench_function("libpcap, one file", |bencher| bencher.iter(|| by_libpcap(black_box(&one))));
    group.finish();
}

criterion_group!(benches, capture);
criterion_main!(benches);
