//! Stories that run through the whole room: from bytes on disk to packets and the report.

use std::{io::Write, process::Command};

use proptest::prelude::*;

use super::{
    error::Error,
    input::{Request, open},
    support::*,
};
use crate::ground::model::{
    limits::{BLOCK_LEN, RECORD_LEN_MAX, RESYNC_LEN_MAX},
    packet::{InterfaceId, LinkType, SensorId},
    time::{SECOND, Timestamp},
};

const T0: i64 = START as i64 * SECOND;

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn zstd_of(bytes: &[u8]) -> Vec<u8> {
    zstd::stream::encode_all(bytes, 1).unwrap()
}

fn lz4(bytes: &[u8]) -> Vec<u8> {
    let info = lz4_flex::frame::FrameInfo::new().block_size(lz4_flex::frame::BlockSize::Max64KB);
    let mut encoder = lz4_flex::frame::FrameEncoder::with_frame_info(info, Vec::new());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// Packets of many lengths, one every 100 ms, whose bytes do not pack well.
fn many(count: i64, from_ms: i64) -> Pcap {
    // Marsaglia's xorshift: the same bytes in every run.
    let mut state = 2_463_534_242_u32;
    let mut random = || {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        state as u8
    };
    (0..count).fold(Pcap::new(), |pcap, n| {
        let payload: Vec<u8> = (0..n * 37 % 1_500).map(|_| random()).collect();
        pcap.at_ms(from_ms + n * 100, &payload)
    })
}

// --- classic pcap ---

#[test]
fn all_six_magics_give_the_same_packets() {
    for kind in KINDS {
        let file =
            Pcap::of(kind, 65_535, 113).packet(T0 + 123_456_000, b"first").packet(T0 + SECOND, b"second");
        let told = read_bytes(&file.bytes());
        assert_eq!(told.payloads(), [&b"first"[..], b"second"], "{kind:?}");
        let head = told.packets[0].0;
        assert_eq!(head.at, Timestamp::from_nanos(T0 + 123_456_000), "{kind:?}");
        assert_eq!((head.captured_len, head.wire_len, head.link), (5, 5, LinkType::SLL));
        assert_eq!(told.report.files[0].format, "pcap");
        assert_eq!(told.report.files[0].frames, Some((1, 2)));
        assert_eq!(told.damage(), []);
    }
}

#[test]
fn a_nanosecond_is_kept() {
    let told = read_bytes(&Pcap::of(KINDS[3], 0, 1).packet(T0 + 1, b"x").bytes());
    assert_eq!(told.packets[0].0.at.nanos(), T0 + 1);
}

#[test]
fn any_snaplen_is_read() {
    for snaplen in [0, 1, 65_535, 1 << 31, u32::MAX] {
        let told = read_bytes(&Pcap::of(KINDS[0], snaplen, 1).at_ms(0, b"packet").bytes());
        assert_eq!(told.payloads(), [b"packet"], "snaplen {snaplen}");
        assert_eq!(told.report.longer_than_snaplen, u64::from(snaplen == 1));
        assert_eq!(told.report.interfaces[0].snaplen, snaplen);
    }
}

#[test]
fn stamps_of_1970_and_2106_are_kept() {
    let file = Pcap::new().record(0, 0, 1, 1, b"a").record(u32::MAX, 999_999_000, 1, 1, b"b");
    let told = read_bytes(&file.bytes());
    assert_eq!(told.packets[0].0.at, Timestamp::from_secs(0));
    assert_eq!(told.packets[1].0.at.nanos(), i64::from(u32::MAX) * SECOND + 999_999_000);
}

#[test]
fn odd_lengths_are_counted_and_reading_goes_on() {
    let file = Pcap::of(KINDS[0], 4, 1)
        .record(START, 0, 3, 2, b"abc")
        .record(START, 0, 0, 0, b"")
        .record(START, 0, 6, 6, b"longer")
        .at_ms(0, b"end");
    let told = read_bytes(&file.bytes());
    assert_eq!(told.payloads(), [&b"abc"[..], b"", b"longer", b"end"]);
    assert_eq!(told.packets[0].0.wire_len, 3, "a wire length below the captured one is raised");
    let report = &told.report;
    assert_eq!((report.longer_than_wire, report.empty, report.longer_than_snaplen), (1, 1, 1));
    assert_eq!(told.damage(), []);
}

#[test]
fn a_record_of_the_longest_length_is_read_and_the_next_longer_one_is_damage() {
    let long = vec![7; RECORD_LEN_MAX];
    let told = read_bytes(&Pcap::new().at_ms(0, &long).at_ms(1, b"z").bytes());
    assert_eq!(told.packets.len(), 2);
    let longer = vec![7; RECORD_LEN_MAX + 1];
    let told = read_bytes(&Pcap::new().at_ms(0, &longer).at_ms(1, b"z").bytes());
    assert_eq!(told.payloads(), [b"z"]);
    assert_eq!(told.damage(), [(24, "absurd_length", Some(24 + 16 + longer.len() as u64))]);
}

// --- damage ---

#[test]
fn a_cut_tail_keeps_everything_before_it() {
    let whole = Pcap::new().at_ms(0, b"one").at_ms(1, b"two");
    let second = whole.len() - 19;
    let bytes = whole.bytes();
    for cut in second + 1..bytes.len() {
        let told = read_bytes(&bytes[..cut]);
        assert_eq!(told.payloads(), [b"one"], "cut at {cut}");
        assert_eq!(told.damage(), [(second as u64, "cut_tail", None)]);
        assert_eq!(told.breaks, [(2, "cut_tail")]);
    }
    assert_eq!(read_bytes(&bytes[..second]).damage(), []);
}

#[test]
fn an_absurd_length_is_stepped_over_to_the_next_believable_records() {
    let before = Pcap::new().at_ms(0, b"before");
    let bad = before.len() as u64;
    let file = before.record(START, 0, 0xffff_fff0, 60, &[0x55; 100]);
    let good = file.len() as u64;
    let file = file.at_ms(2, b"after").at_ms(3, b"after that").at_ms(4, b"and on");
    let told = read_bytes(&file.bytes());
    assert_eq!(told.payloads(), [&b"before"[..], b"after", b"after that", b"and on"]);
    assert_eq!(told.damage(), [(bad, "absurd_length", Some(good))]);
    assert_eq!(told.breaks, [(2, "absurd_length")]);
}

#[test]
fn the_search_for_believable_records_is_bounded() {
    for (gap, resumes) in [(RESYNC_LEN_MAX - 64, true), (RESYNC_LEN_MAX + 64, false)] {
        let file = Pcap::new().at_ms(0, b"before").raw(&vec![0xff; gap as usize]);
        let told = read_bytes(&file.at_ms(1, b"a").at_ms(2, b"b").at_ms(3, b"c").bytes());
        assert_eq!(told.packets.len() == 4, resumes, "{gap}");
        assert_eq!(told.damage()[0].2.is_some(), resumes);
    }
}

#[test]
fn a_second_header_of_any_kind_begins_another_interface() {
    for first in KINDS {
        for second in KINDS {
            let one = Pcap::of(first, 0, 1).at_ms(0, b"one");
            let border = one.len() as u64;
            let file = one.raw(&Pcap::of(second, 0, 101).at_ms(1, b"two").bytes());
            let told = read_bytes(&file.bytes());
            assert_eq!(told.payloads(), [b"one", b"two"], "{first:?} {second:?}");
            assert_eq!(told.damage(), [(border, "second_header", Some(border))]);
            assert_eq!(told.packets[1].0.link, LinkType::RAW);
            assert_eq!(told.packets[1].0.interface, InterfaceId(1));
            assert_eq!(told.packets[1].0.at.nanos(), T0 + 1_000_000);
        }
    }
}

#[test]
fn a_pcapng_file_behind_a_pcap_file_is_read_and_the_other_way_round() {
    let pcap = Pcap::new().at_ms(0, b"classic").bytes();
    let pcapng = Pcapng::new(true).interface(1, 0, &[]).at_ms(0, 1, b"next generation").out;
    let told = read_bytes(&[pcap.clone(), pcapng.clone()].concat());
    assert_eq!(told.payloads(), [&b"classic"[..], b"next generation"]);
    assert_eq!(told.damage(), [(pcap.len() as u64, "second_header", Some(pcap.len() as u64))]);
    let told = read_bytes(&[pcapng.clone(), pcap].concat());
    assert_eq!(told.payloads(), [&b"next generation"[..], b"classic"]);
    assert_eq!(told.damage(), [(pcapng.len() as u64, "second_header", Some(pcapng.len() as u64))]);
}

#[test]
fn a_packet_of_2055_is_no_second_header() {
    let told = read_bytes(&Pcap::new().record(0xa1b2_c3d4, 5_000, 2, 2, b"ok").at_ms(0, b"on").bytes());
    assert_eq!(told.payloads(), [b"ok", b"on"]);
    assert_eq!(told.damage(), []);
}

// --- pcapng ---

#[test]
fn several_interfaces_with_different_links_and_clocks_are_read_in_both_byte_orders() {
    for is_big in [false, true] {
        let offset = if is_big { (-60_i64).to_be_bytes() } else { (-60_i64).to_le_bytes() };
        let file = Pcapng::new(is_big)
            .interface(1, 0, &[(2, b"lan0")])
            .interface(101, 0, &[(9, &[9]), (2, b"tun0")])
            .interface(113, 0, &[(9, &[0x80 | 10]), (14, &offset)])
            .at_ms(0, 5, b"micro")
            .packet(1, T0 as u64 + 7, b"nano")
            .packet(2, (u64::from(START) << 10) | 512, b"binary");
        let told = read_bytes(&file.out);
        assert_eq!(told.payloads(), [&b"micro"[..], b"nano", b"binary"]);
        let stamps: Vec<i64> = told.packets.iter().map(|(head, _)| head.at.nanos() - T0).collect();
        assert_eq!(stamps, [5_000_000, 7, SECOND / 2 - 60 * SECOND]);
        let links: Vec<LinkType> = told.packets.iter().map(|(head, _)| head.link).collect();
        assert_eq!(links, [LinkType::ETHERNET, LinkType::RAW, LinkType::SLL]);
        assert_eq!(told.report.interfaces[1].name, "tun0");
        assert_eq!(told.report.interfaces[1].packets, 1);
        assert_eq!(told.report.files[0].format, "pcapng");
        assert_eq!(told.damage(), []);
    }
}

#[test]
fn every_resolution_gives_a_stamp_and_those_that_cannot_be_told_are_clamped_and_counted() {
    for resolution in 0..=255_u8 {
        let file = Pcapng::new(false).interface(1, 0, &[(9, &[resolution])]).packet(0, u64::MAX, b"x");
        let told = read_bytes(&file.out);
        assert_eq!(told.packets.len(), 1, "{resolution}");
        let is_clamped = told.packets[0].0.at == Timestamp::MAX;
        assert_eq!(told.report.time_anomalies, u64::from(is_clamped));
    }
    let back = i64::MIN.to_le_bytes();
    let told = read_bytes(&Pcapng::new(false).interface(1, 0, &[(14, &back)]).at_ms(0, 0, b"x").out);
    assert_eq!(told.packets[0].0.at, Timestamp::MIN);
    assert_eq!(told.report.time_anomalies, 1);
}

#[test]
fn sections_have_their_own_byte_order_and_interfaces() {
    let file = Pcapng::new(false)
        .interface(1, 0, &[])
        .at_ms(0, 0, b"first")
        .section(true)
        .interface(101, 0, &[])
        .at_ms(0, 1, b"second");
    let told = read_bytes(&file.out);
    assert_eq!(told.payloads(), [&b"first"[..], b"second"]);
    assert_eq!(told.packets[1].0.link, LinkType::RAW);
    assert_eq!(told.packets[1].0.interface, InterfaceId(1));
    assert_eq!(told.damage(), [], "pcapng allows several sections");
}

#[test]
fn simple_and_obsolete_packets_are_read() {
    let file = Pcapng::new(true)
        .interface(1, 4, &[])
        .at_ms(0, 9, b"told")
        .block(3, |body| {
            body.u32(9).padded(b"simp");
        })
        .block(2, |body| {
            let ticks = u64::from(START) * 1_000_000;
            body.u16(0).u16(3).u32((ticks >> 32) as u32).u32(ticks as u32).u32(3).u32(30).padded(b"old");
        });
    let told = read_bytes(&file.out);
    assert_eq!(told.payloads(), [&b"told"[..], b"simp", b"old"]);
    assert_eq!(told.packets[1].0.at, told.packets[0].0.at, "a packet without a stamp takes the last one");
    assert_eq!(told.packets[1].0.wire_len, 9);
    assert_eq!(told.packets[2].0.wire_len, 30);
    assert_eq!(told.report.time_anomalies, 1);
    assert_eq!(told.report.interfaces[0].dropped, Some(3));
}

#[test]
fn drop_counters_of_statistics_blocks_are_kept() {
    let file = Pcapng::new(false)
        .interface(1, 0, &[])
        .interface(1, 0, &[])
        .at_ms(0, 0, b"x")
        .statistics(0, &[(5, &200_u64.to_le_bytes()), (7, &34_u64.to_le_bytes())])
        .statistics(0, &[(5, &1_200_u64.to_le_bytes()), (7, &34_u64.to_le_bytes())]);
    let told = read_bytes(&file.out);
    assert_eq!(told.report.interfaces[0].dropped, Some(1_234));
    assert_eq!(told.report.interfaces[1].dropped, None, "not told is not zero");
}

#[test]
fn names_secrets_custom_and_unknown_blocks_are_stepped_over_whatever_their_size() {
    for kind in [4, 9, 10, 0xbad, 0x4000_0bad] {
        for len in [0, 5, 400_000] {
            let file = Pcapng::new(false).interface(1, 0, &[]).at_ms(0, 0, b"before");
            let file = file.block(kind, |body| {
                body.raw(&vec![0xee; len]);
            });
            let told = read_bytes(&file.at_ms(0, 1, b"after").out);
            assert_eq!(told.payloads(), [&b"before"[..], b"after"], "kind {kind} of {len}");
            assert_eq!(told.damage(), []);
        }
    }
    let file = Pcapng::new(false).interface(1, 0, &[]).block(0x77, |body| {
        body.raw(&[1; 40]);
    });
    let told = read_bytes(&file.at_ms(0, 1, b"after").out);
    assert_eq!((told.packets.len(), told.damage()), (1, vec![]));
}

#[test]
fn a_packet_of_an_interface_that_was_never_told_is_damage_and_the_next_one_is_read() {
    let file = Pcapng::new(false).interface(1, 0, &[]).at_ms(0, 0, b"known");
    let bad = file.out.len() as u64;
    let file = file.at_ms(1, 1, b"stranger");
    let next = file.out.len() as u64;
    let told = read_bytes(&file.at_ms(0, 2, b"known too").out);
    assert_eq!(told.payloads(), [&b"known"[..], b"known too"]);
    assert_eq!(told.damage(), [(bad, "bad_block", Some(next))]);
    assert_eq!(told.breaks, [(2, "bad_block")]);
}

#[test]
fn a_block_whose_two_lengths_differ_is_stepped_over() {
    let file = Pcapng::new(true).interface(1, 0, &[]).at_ms(0, 0, b"before");
    let bad = file.out.len();
    let mut file = file.at_ms(0, 1, b"broken");
    let end = file.out.len();
    file.out[end - 1] ^= 0x40;
    let told = read_bytes(&file.at_ms(0, 2, b"after").at_ms(0, 3, b"on").out);
    assert_eq!(told.payloads(), [&b"before"[..], b"after", b"on"]);
    assert_eq!(told.damage(), [(bad as u64, "bad_block", Some(end as u64))]);
}

#[test]
fn an_absurd_block_length_is_damage_and_reading_goes_on() {
    let file = Pcapng::new(false).interface(1, 0, &[]).at_ms(0, 0, b"before");
    let bad = file.out.len() as u64;
    let file = file.raw(&[6, 0, 0, 0, 0xf0, 0xff, 0xff, 0xff, 1, 2, 3, 4]);
    let good = file.out.len() as u64;
    let told = read_bytes(&file.at_ms(0, 2, b"after").out);
    assert_eq!(told.payloads(), [&b"before"[..], b"after"]);
    assert_eq!(told.damage(), [(bad, "absurd_length", Some(good))]);
}

#[test]
fn a_cut_pcapng_tells_where() {
    let whole = Pcapng::new(false).interface(1, 0, &[]).at_ms(0, 0, b"before");
    let border = whole.out.len();
    let bytes = whole.at_ms(0, 1, b"after").out;
    for cut in border + 1..bytes.len() {
        let told = read_bytes(&bytes[..cut]);
        assert_eq!(told.payloads(), [b"before"]);
        assert_eq!(told.damage(), [(border as u64, "cut_tail", None)]);
    }
    // Also when a block that is only stepped over reaches beyond the end.
    let long = Pcapng::new(false).interface(1, 0, &[]).raw(&[4, 0, 0, 0, 0, 0, 8, 0, 0, 0, 0, 0]);
    assert_eq!(read_bytes(&long.out).damage(), [(long.out.len() as u64 - 12, "cut_tail", None)]);
}

// --- packed, pipes ---

#[test]
fn packed_files_are_known_by_their_magic_and_read_over_several_members() {
    let bytes = many(2_000, 0).bytes();
    let plain = read_bytes(&bytes);
    let (head, tail) = bytes.split_at(bytes.len() / 3);
    for (pack, name) in [
        (gzip as fn(&[u8]) -> Vec<u8>, "pcap (gzip)"),
        (zstd_of as fn(&[u8]) -> Vec<u8>, "pcap (zstd)"),
        (lz4 as fn(&[u8]) -> Vec<u8>, "pcap (lz4)"),
    ] {
        for packed in [pack(&bytes), [pack(head), pack(tail)].concat()] {
            let told = read_bytes(&packed);
            assert_eq!(told.packets, plain.packets, "{name}");
            assert_eq!(told.ticks, plain.ticks);
            assert_eq!(told.report.files[0].format, name);
            assert_eq!(told.damage(), []);
        }
    }
}

#[test]
fn a_packed_file_that_is_cut_or_corrupt_gives_what_it_holds_and_tells_the_damage() {
    let bytes = many(3_000, 0).bytes();
    for packed in [gzip(&bytes), zstd_of(&bytes), lz4(&bytes)] {
        for part in [2, 3, 4] {
            let told = read_bytes(&packed[..packed.len() / 4 * part - 1]);
            assert!(told.packets.len() > 100 * part, "{} packets of part {part}", told.packets.len());
            assert_eq!(told.damage().len(), 1, "{:?}", told.damage());
            assert_eq!(told.damage()[0].1, "bad_compression");
        }
        let mut flipped = packed.clone();
        let middle = flipped.len() / 2;
        flipped[middle] ^= 0x10;
        read_bytes(&flipped);
    }
}

#[test]
fn a_bomb_is_given_up_and_told() {
    let header = Pcap::new().at_ms(0, b"before").bytes();
    // A skipped block must not be needed for it: one believable record of zeros after the other.
    let record = Pcap::new().at_ms(1, &[0; 200_000]).bytes().split_off(24);
    let mut encoder = zstd::stream::Encoder::new(Vec::new(), 19).unwrap();
    encoder.window_log(24).unwrap();
    encoder.write_all(&header).unwrap();
    for _ in 0..500 {
        encoder.write_all(&record).unwrap();
    }
    let bomb = encoder.finish().unwrap();
    assert!(bomb.len() < 50_000, "{} bytes", bomb.len());
    let told = read_bytes(&bomb);
    assert_eq!(told.damage().iter().map(|damage| damage.1).collect::<Vec<_>>(), ["expansion_limit"]);
    assert!(told.packets.len() < 500);
}

#[test]
fn a_fifo_is_read_like_a_file_packed_or_not() {
    let folder = Folder::new();
    let bytes = many(1_000, 0).bytes();
    let plain = read_bytes(&bytes);
    for content in [bytes.clone(), gzip(&bytes)] {
        let path = folder.0.path().join("fifo");
        let made = Command::new("mkfifo").arg(&path).status().unwrap();
        assert!(made.success());
        let writer = path.clone();
        let thread =
            std::thread::Builder::new().spawn(move || std::fs::write(writer, content).unwrap()).unwrap();
        let told = read(&request(&[path.to_str().unwrap()]));
        thread.join().unwrap();
        std::fs::remove_file(&path).unwrap();
        assert_eq!(told.packets, plain.packets);
        assert_eq!(told.report.files[0].size, None);
    }
}

// --- several files ---

#[test]
fn files_are_ordered_by_their_first_packet_whatever_their_names() {
    let folder = Folder::new();
    folder.file("a.pcap", &Pcap::new().at_ms(20_000, b"third").bytes());
    folder.file("deep/er/b.pcap", &Pcap::new().at_ms(0, b"first").bytes());
    folder.file("c.pcap.gz", &gzip(&Pcap::new().at_ms(10_000, b"second").bytes()));
    folder.file("notes.txt", b"no capture at all, but text");
    let told = read(&request(&[&folder.path()]));
    assert_eq!(told.payloads(), [&b"first"[..], b"second", b"third"]);
    let frames: Vec<_> = told.report.files.iter().map(|file| file.frames).collect();
    assert_eq!(frames, [Some((1, 1)), Some((2, 2)), Some((3, 3))]);
    assert_eq!(told.report.skipped, [format!("{}/notes.txt", folder.path())]);
}

#[test]
fn one_file_and_the_same_packets_in_seven_files_give_the_same_heads() {
    let folder = Folder::new();
    let whole = many(700, 0);
    let one = read_bytes(&whole.clone().bytes());
    for n in 0..7 {
        let piece = (n * 100..n * 100 + 100)
            .fold(Pcap::new(), |pcap, packet| pcap.at_ms(packet * 100, &one.packets[packet as usize].1));
        folder.file(&format!("piece{}.pcap", 9 - n), &piece.bytes());
    }
    let seven = read(&request(&[&folder.path()]));
    let heads = |told: &Told| -> Vec<_> {
        told.packets
            .iter()
            .map(|(head, bytes)| {
                let mut head = *head;
                head.interface = InterfaceId(0);
                (head, bytes.clone())
            })
            .collect()
    };
    assert_eq!(heads(&seven), heads(&one));
    assert_eq!(seven.ticks, one.ticks);
    assert!(seven.packets[699].0.source_age_secs >= 69, "pieces of one source share its start");
    assert_eq!(seven.report.files.len(), 7);
}

#[test]
fn pieces_that_overlap_by_a_second_are_chained_and_by_more_are_merged() {
    let overlap = |millis: i64| {
        let folder = Folder::new();
        let a = Pcap::new().at_ms(0, b"a0").at_ms(10_000, b"a1");
        let b = Pcap::new().at_ms(10_000 - millis, b"b0").at_ms(20_000, b"b1");
        folder.file("a.pcap", &a.bytes());
        folder.file("b.pcap", &b.bytes());
        let told = read(&request(&[&folder.path()]));
        told.payloads()
            .iter()
            .map(|payload| String::from_utf8_lossy(payload).into_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(overlap(1_000), ["a0", "a1", "b0", "b1"]);
    assert_eq!(overlap(1_001), ["a0", "b0", "a1", "b1"]);
}

#[test]
fn overlapping_sources_are_merged_by_the_running_maximum_and_ties_by_source() {
    let folder = Folder::new();
    let a = Pcap::new().at_ms(0, b"a0").at_ms(5_000, b"a5").at_ms(3_000, b"a3").at_ms(9_000, b"a9");
    let b = Pcap::new().at_ms(1_000, b"b1").at_ms(4_000, b"b4").at_ms(5_000, b"b5").at_ms(9_000, b"b9");
    folder.file("a.pcap", &a.bytes());
    folder.file("b.pcapng.zst", &zstd_of(&b.bytes()));
    for block_len in [1, 40, BLOCK_LEN] {
        let told = read_in_blocks(&request(&[&folder.path()]), block_len);
        let names: Vec<_> =
            told.payloads().iter().map(|name| String::from_utf8_lossy(name).into_owned()).collect();
        assert_eq!(names, ["a0", "b1", "b4", "a5", "a3", "b5", "a9", "b9"]);
    }
}

#[test]
fn a_file_given_twice_is_read_once() {
    let folder = Folder::new();
    let bytes = many(50, 0).bytes();
    let first = folder.file("a.pcap", &bytes);
    let copy = folder.file("copy of a.pcap", &bytes);
    let other = folder.file("b.pcap", &many(50, 3_600_000).bytes());
    let link = format!("{}/link.pcap", folder.path());
    std::os::unix::fs::symlink(&first, &link).unwrap();
    let told = read(&request(&[&first, &first, &copy, &link, &other]));
    assert_eq!(told.packets.len(), 100);
    let same: Vec<_> = told.report.files.iter().filter(|file| file.same_as.is_some()).collect();
    assert_eq!(same.len(), 3);
    assert!(same.iter().all(|file| file.same_as.as_ref() == Some(&first) && file.packets == 0));
}

#[test]
fn a_large_file_is_ordered_by_its_head_and_tail() {
    let folder = Folder::new();
    let packet = [9; 1_400];
    let large =
        |from: i64| (0..2_000).fold(Pcap::new(), |pcap, n| pcap.at_ms(from + n * 10, &packet)).bytes();
    folder.file("b.pcap", &large(20_000));
    folder.file("a.pcap", &large(40_000));
    folder.file("c.pcap", &large(0));
    let told = read(&request(&[&folder.path()]));
    assert_eq!(told.packets.len(), 6_000);
    assert!(told.packets.is_sorted_by_key(|(head, _)| head.at));
    assert!(told.packets.iter().any(|(head, _)| head.source_age_secs == 59), "one source from first to last");
}

#[test]
fn inputs_belong_to_sensors_by_glob_and_interfaces_by_name() {
    let folder = Folder::new();
    folder.file("core-1.pcap", &Pcap::new().at_ms(0, b"core").bytes());
    folder.file("edge-1.pcap", &Pcap::new().at_ms(1, b"edge").bytes());
    let two = Pcapng::new(false).interface(1, 0, &[(2, b"eth1")]).interface(1, 0, &[(2, b"eth2")]);
    folder.file("edge-2.pcapng", &two.at_ms(0, 2, b"one").at_ms(1, 3, b"two").out);
    folder.file("unbound.pcap", &Pcap::new().at_ms(4, b"none").bytes());
    let sensors = vec![sensor(1, "core-*"), sensor(2, "*/edge-*"), sensor(3, "eth2")];
    let told = read(&Request { inputs: vec![folder.path()], sensors });
    let sensors: Vec<_> = told.packets.iter().map(|(head, _)| head.sensor).collect();
    assert_eq!(sensors, [SensorId(1), SensorId(2), SensorId(2), SensorId(3), SensorId::NONE]);
}

#[test]
fn files_of_two_sensors_are_two_sources() {
    let folder = Folder::new();
    folder.file("core.pcap", &Pcap::new().at_ms(0, b"core").bytes());
    folder.file("edge.pcap", &Pcap::new().at_ms(60_000, b"edge").bytes());
    let inputs = vec![folder.path()];
    let one = read(&Request { inputs: inputs.clone(), sensors: vec![] });
    assert_eq!(one.packets[1].0.source_age_secs, 60);
    let two = read(&Request { inputs, sensors: vec![sensor(1, "core*"), sensor(2, "edge*")] });
    assert_eq!(two.packets[1].0.source_age_secs, 0);
}

#[test]
fn globs_are_spread_and_a_name_that_looks_like_one_is_a_name() {
    let folder = Folder::new();
    folder.file("a[1].pcap", &Pcap::new().at_ms(0, b"odd name").bytes());
    folder.file("a1.pcap", &Pcap::new().at_ms(1, b"plain name").bytes());
    let odd = format!("{}/a[1].pcap", folder.path());
    assert_eq!(read(&request(&[&odd])).payloads(), [b"odd name"]);
    let all = format!("{}/*.pcap", folder.path());
    assert_eq!(read(&request(&[&all])).packets.len(), 2);
}

#[test]
fn a_thousand_small_files_are_read_within_few_open_files() {
    let folder = Folder::new();
    for n in 0..1_200 {
        folder.file(&format!("{n}.pcap"), &Pcap::new().at_ms(n * 2_000, &n.to_be_bytes()).bytes());
    }
    let told = read(&request(&[&folder.path()]));
    assert_eq!(told.packets.len(), 1_200);
    assert!(told.packets.is_sorted_by_key(|(head, _)| head.at));
}

#[test]
fn faults_of_the_user_are_errors_that_name_the_input() {
    let folder = Folder::new();
    let text = folder.file("notes.txt", b"these are notes");
    let fails = |inputs: &[&str]| open(&request(inputs)).expect_err("must fail");
    assert!(matches!(fails(&[]), Error::NoInput));
    assert!(matches!(fails(&["/nonexistent/x.pcap"]), Error::NotFound { .. }));
    assert!(matches!(fails(&["/nonexistent/*.pcap"]), Error::NothingFits { .. }));
    assert!(matches!(fails(&[&text]), Error::NotACapture { path } if path == text));
    assert!(matches!(fails(&[&folder.path()]), Error::NotACapture { .. }));
    let bad = Request { inputs: vec![text], sensors: vec![sensor(1, "a**b[")] };
    assert!(matches!(open(&bad), Err(Error::BadPattern { .. })));
}

#[test]
fn a_named_file_that_is_no_capture_is_told_beside_one_that_is() {
    let folder = Folder::new();
    let text = folder.file("notes.txt", b"these are notes");
    let capture = folder.file("a.pcap", &Pcap::new().at_ms(0, b"x").bytes());
    let told = read(&request(&[&text, &capture]));
    assert_eq!(told.packets.len(), 1);
    assert_eq!(told.damage(), [(0, "unknown_format", None)]);
}

#[test]
fn a_file_that_shrinks_while_it_is_read_is_damage() {
    let folder = Folder::new();
    let whole = many(2_000, 0).bytes();
    for keep in [0, 10, 24, 60_000, 300_000] {
        let path = folder.file("shrinking.pcap", &whole);
        let (feed, mut baton) = open(&request(&[&path])).unwrap();
        std::fs::write(&path, &whole[..keep]).unwrap();
        let mut block = super::block::Block::new();
        let mut read = 0;
        for ticket in 0.. {
            feed.fill(ticket, &mut block);
            if !baton.walk(&feed, &mut block) {
                break;
            }
            read += block.len();
        }
        let report = baton.finish();
        assert!(read < 2_000);
        assert_eq!(report.files[0].damage.len(), 1, "{keep}");
        assert_eq!(report.files[0].damage[0].what, "cut_tail");
    }
}

#[test]
fn a_file_that_is_replaced_before_it_is_read_is_unreadable_and_not_another_capture() {
    let folder = Folder::new();
    let path = folder.file("rotated.pcap", &many(10, 0).bytes());
    let other = folder.file("other.pcap", &many(20, 0).bytes());
    let (feed, mut baton) = open(&request(&[&path])).unwrap();
    std::fs::rename(&other, &path).unwrap();
    let mut block = super::block::Block::new();
    feed.fill(0, &mut block);
    assert!(baton.walk(&feed, &mut block));
    assert!(block.is_empty());
    assert!(block.is_damaged());
    assert_eq!(baton.finish().files[0].damage[0].what, "unreadable");
}

// --- properties ---

/// A capture of any format, whole or with some bytes changed, cut or put in.
fn captures() -> impl Strategy<Value = Vec<u8>> {
    let payloads =
        proptest::collection::vec((0..300_i64, proptest::collection::vec(any::<u8>(), 0..200)), 0..40);
    let whole = (payloads, 0..8_usize).prop_map(|(packets, kind)| match KINDS.get(kind) {
        Some(kind) => packets
            .iter()
            .fold(Pcap::of(*kind, 65_535, 1), |pcap, (at, payload)| pcap.at_ms(*at * 1_000, payload))
            .bytes(),
        None => {
            let file = Pcapng::new(kind == 6).interface(1, 0, &[]).interface(101, 0, &[(9, &[9])]);
            let add = |file: Pcapng, (at, payload): &(i64, Vec<u8>)| match payload.len() % 7 {
                0 => file.section(kind == 7).interface(1, 0, &[]),
                1 => file.statistics(0, &[(5, &[1; 8])]),
                2 => file.block(3, |body| {
                    body.u32(payload.len() as u32).padded(payload);
                }),
                _ => file.at_ms(0, *at as u64 * 1_000, payload),
            };
            packets.iter().fold(file, add).out
        }
    });
    let hurt = proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0..4_u8), 0..6);
    (whole, hurt).prop_map(|(mut bytes, hurts)| {
        for (index, value, what) in hurts {
            if bytes.is_empty() {
                break;
            }
            let index = index.index(bytes.len());
            match what {
                0 => bytes[index] = value,
                1 => bytes.truncate(index.max(24)),
                2 => drop(bytes.drain(index..(index + usize::from(value)).min(bytes.len()))),
                _ => drop(bytes.splice(index..index, vec![value; 5])),
            }
        }
        bytes
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 192, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn blocks_of_any_length_give_the_same_packets_as_pipes_and_whole_files(
        bytes in captures(),
        block_len in 1..700_usize,
    ) {
        let folder = Folder::new();
        let path = folder.file("any.cap", &bytes);
        let request = request(&[&path]);
        if open(&request).is_ok() {
            let whole = read(&request);
            prop_assert_eq!(&read_in_blocks(&request, block_len), &whole);
            // Packed, the same bytes come through the other way of reading.
            let packed = folder.file("any.cap.lz4", &lz4(&bytes));
            let streamed = read_in_blocks(&super::support::request(&[&packed]), block_len);
            prop_assert_eq!(&streamed.packets, &whole.packets);
            prop_assert_eq!(&streamed.ticks, &whole.ticks);
            prop_assert_eq!(&streamed.breaks, &whole.breaks);
            prop_assert_eq!(streamed.damage(), whole.damage());
        }
    }

    #[test]
    fn bytes_without_sense_behind_a_header_never_panic(
        kind in 0..8_usize,
        noise in proptest::collection::vec(any::<u8>(), 0..4_000),
    ) {
        let head = KINDS.get(kind).map_or_else(
            || Pcapng::new(kind == 6).interface(1, 0, &[]).out,
            |kind| Pcap::of(*kind, 0, 1).bytes(),
        );
        let bytes = [head, noise].concat();
        let told = read_bytes(&bytes);
        let handed_out: usize = told.packets.iter().map(|(_, bytes)| bytes.len()).sum();
        prop_assert!(handed_out <= bytes.len());
    }
}
