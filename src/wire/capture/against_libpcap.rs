//! The same files read by libpcap: where it can read a file, both must hand out the same packets.

use std::{fs, path::Path};

use proptest::prelude::*;

use super::{
    input::open,
    support::{Folder, KINDS, Pcap, START, Told, read, request},
};
use crate::ground::model::{packet::PacketHead, time::SECOND};

/// Stamp in nanoseconds, both lengths, bytes.
type Plain = (i64, u32, u32, Vec<u8>);

/// What libpcap hands out, and whether it reached the end without an error.
fn by_libpcap(path: &str) -> Option<(Vec<Plain>, bool)> {
    let mut capture = pcap::Capture::from_file_with_precision(path, pcap::Precision::Nano).ok()?;
    let mut packets = Vec::new();
    loop {
        match capture.next_packet() {
            Ok(packet) => {
                let at = packet.header.ts.tv_sec * SECOND + packet.header.ts.tv_usec;
                packets.push((at, packet.header.caplen, packet.header.len, packet.data.to_vec()));
            }
            Err(pcap::Error::NoMorePackets) => return Some((packets, true)),
            Err(_) => return Some((packets, false)),
        }
    }
}

/// What we hand out, as libpcap would show it: it cuts what is longer than the snaplen of the file.
fn by_us(told: &Told) -> Vec<Plain> {
    let plain = |(head, bytes): &(PacketHead, Vec<u8>)| {
        let snaplen = told.report.interfaces[head.interface.0 as usize].snaplen;
        let shown = if snaplen == 0 { head.captured_len } else { head.captured_len.min(snaplen) };
        (head.at.nanos(), shown, head.wire_len, bytes[..shown as usize].to_vec())
    };
    told.packets.iter().map(plain).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn libpcap_and_we_hand_out_the_same_packets_of_generated_files(
        kind in 0..KINDS.len(),
        snaplen in prop_oneof![Just(0_u32), Just(65_535), Just(262_144), Just(1 << 31)],
        packets in proptest::collection::vec(
            (0..4_000_000_u32, 0..1_000_000_000_u32, 0..2_000_u32, proptest::collection::vec(any::<u8>(), 0..300)),
            0..60,
        ),
    ) {
        let file = packets.iter().fold(Pcap::of(KINDS[kind], snaplen, 1), |file, (secs, nanos, cut, payload)| {
            let captured = payload.len() as u32;
            file.record(START + secs, *nanos, captured, captured + cut, payload)
        });
        let folder = Folder::new();
        let path = folder.file("generated.pcap", &file.bytes());
        let (theirs, is_whole) = by_libpcap(&path).expect("libpcap opens it");
        prop_assert!(is_whole);
        prop_assert_eq!(by_us(&read(&request(&[&path]))), theirs);
    }
}

/// Real captures; each is read twice, and what libpcap reads without complaint must be the same packets.
#[test]
fn libpcap_and_we_hand_out_the_same_packets_of_real_captures() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/corpus/captures");
    let Ok(entries) = fs::read_dir(folder) else {
        println!("SKIPPED: ../shared absent");
        return;
    };
    let mut compared = 0;
    for path in entries.map(|entry| entry.expect("an entry").path()) {
        let path = path.to_str().expect("a path in UTF-8");
        if open(&request(&[path])).is_err() {
            assert!(by_libpcap(path).is_none(), "{path}: libpcap reads it, we do not");
            continue;
        }
        let told = read(&request(&[path]));
        let Some((theirs, is_whole)) = by_libpcap(path) else { continue };
        let (mut ours, mut theirs) = (by_us(&told), theirs);
        if told.report.time_anomalies > 0 {
            // A fraction of more than a second overflows in libpcap.
            ours.iter_mut().chain(&mut theirs).for_each(|packet| packet.0 = 0);
        }
        assert!(ours.len() >= theirs.len(), "{path}: {} packets, libpcap has {}", ours.len(), theirs.len());
        let same = ours.iter().zip(&theirs).take_while(|(ours, theirs)| ours == theirs).count();
        assert_eq!(same, theirs.len(), "{path}: packet {} differs", same + 1);
        if is_whole {
            assert_eq!(ours.len(), theirs.len(), "{path}: damage {:?}", told.damage());
            assert_eq!(told.damage(), [], "{path}");
        }
        compared += 1;
    }
    println!("{compared} captures compared");
    assert!(compared > 0, "the corpus holds captures that libpcap reads");
}
