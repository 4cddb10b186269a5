//! Several files: order, sources, twins, sensors, and faults of the user.

use std::{
    sync::{
        Condvar, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    thread,
};

use super::super::{
    block::Block,
    error::Error,
    input::{Request, open, open_with},
    support::*,
};
use crate::ground::model::{
    limits::BLOCK_LEN,
    packet::{InterfaceId, SensorId},
};

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
        let mut block = Block::new();
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
    let mut block = Block::new();
    feed.fill(0, &mut block);
    assert!(baton.walk(&feed, &mut block));
    assert!(block.is_empty());
    assert!(block.is_damaged());
    assert_eq!(baton.finish().files[0].damage[0].what, "unreadable");
}

#[test]
fn workers_that_fill_blocks_in_any_order_change_nothing() {
    let folder = Folder::new();
    let path = folder.file("one.pcap", &many(4_000, 0).bytes());
    let plain = request(&[&path]);
    let alone = read(&plain);
    let (feed, baton) = open_with(&plain, 10_000).unwrap();
    // The baton, and the ticket whose turn it is.
    let relay = (Mutex::new((baton, 0_u64, Vec::new())), Condvar::new());
    let next = AtomicU64::new(0);
    let work = || {
        let mut block = Block::new();
        loop {
            let ticket = next.fetch_add(1, Ordering::Relaxed);
            feed.fill(ticket, &mut block);
            let held = relay.0.lock().unwrap();
            let mut held = relay.1.wait_while(held, |(_, turn, _)| *turn != ticket).unwrap();
            let (baton, turn, packets) = &mut *held;
            let goes_on = baton.walk(&feed, &mut block);
            packets.extend(block.packets().map(|(head, bytes)| (head, bytes.to_vec())));
            *turn += 1;
            relay.1.notify_all();
            if !goes_on {
                return;
            }
        }
    };
    thread::scope(|scope| {
        (0..4).for_each(|_| drop(thread::Builder::new().spawn_scoped(scope, work).unwrap()))
    });
    let (baton, _, packets) = relay.0.into_inner().unwrap();
    assert_eq!(packets, alone.packets);
    assert_eq!(baton.bytes_done(), feed.total_bytes().unwrap());
    assert_eq!(baton.finish(), alone.report);
}
