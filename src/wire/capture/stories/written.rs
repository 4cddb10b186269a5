//! What we write, we and others read again: the same packets, the same notices, one source in one order.

use std::sync::{Arc, Mutex};

use proptest::prelude::*;

use super::super::{
    block::Block,
    input::{Request, open_with},
    note::{Note, Piece, RecordingId},
    support::*,
    tap::{Interfaces, Tap},
    write::{Counters, Section},
};
use crate::ground::model::{
    coverage::{Blind, BlindReason, InputReport, Interface, Notice},
    packet::{InterfaceId, LinkType, PacketHead},
    time::{SECOND, Timestamp},
};

/// Writes what it takes into one file in memory.
#[derive(Debug, Default)]
struct Copyist {
    section: Section,
    out: Arc<Mutex<Vec<u8>>>,
}

impl Tap for Copyist {
    fn take(&mut self, block: &Block, interfaces: &dyn Interfaces) {
        let mut out = self.out.lock().unwrap();
        for (head, bytes) in block.packets() {
            self.section.interface(interfaces.described(head.interface).expect("it is described"), &mut out);
            assert!(self.section.packet(&head, bytes, &mut out));
        }
    }

    fn notice(&mut self, _: Notice, _: &dyn Interfaces) {}
}

/// Reads an input and gives the bytes of a file that holds what was handed out.
fn copied(request: &Request, block_len: usize) -> Vec<u8> {
    let (feed, baton) = open_with(request, block_len).expect("the input opens");
    let out = Arc::new(Mutex::new(Vec::new()));
    let section = Section::begin(None, &mut out.lock().unwrap());
    let mut baton = baton.tapped(Box::new(Copyist { section, out: Arc::clone(&out) }));
    let mut block = Block::new();
    for ticket in 0.. {
        feed.fill(ticket, &mut block);
        if !baton.walk(&feed, &mut block) {
            break;
        }
    }
    drop(baton);
    Arc::into_inner(out).unwrap().into_inner().unwrap()
}

/// A packet, and what its file says of its interface but the number.
type Plain = (PacketHead, Vec<u8>, String, u32);

fn plain(told: &Told) -> Vec<Plain> {
    let plain = |(head, bytes): &(PacketHead, Vec<u8>)| {
        let interface = &told.report.interfaces[head.interface.0 as usize];
        let head = PacketHead { interface: InterfaceId(0), ..*head };
        (head, bytes.clone(), interface.name.clone(), interface.snaplen)
    };
    told.packets.iter().map(plain).collect()
}

/// Interface, milliseconds, nanoseconds, bytes the snaplen cut, payload.
type Sent = (u32, u64, u64, u32, Vec<u8>);

fn sent() -> impl Strategy<Value = Vec<Sent>> {
    let payload = proptest::collection::vec(any::<u8>(), 0..300);
    proptest::collection::vec((0..3_u32, 0..4_000_u64, 0..1_000_000_u64, 0..2_000_u32, payload), 0..60)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_handed_out_and_written_is_read_again_as_it_was(packets in sent(), block_len in 1..700_usize) {
        let file = Pcapng::new(true)
            .interface(1, 65_535, &[(2, b"span0"), (9, &[9])])
            .interface(113, 0, &[(2, b"any"), (9, &[9])])
            .interface(101, 262_144, &[(2, "系間".as_bytes()), (9, &[9])]);
        let file = packets.iter().fold(file, |file, (interface, millis, nanos, cut, payload)| {
            let at = u64::from(START) * 1_000_000_000 + millis * 1_000_000 + nanos;
            let len = payload.len() as u32;
            file.odd_packet(*interface, at, len, len + cut, payload)
        });
        let folder = Folder::new();
        let original = folder.file("original.pcapng", &file.out);
        let copy = folder.file("copy.pcapng", &copied(&request(&[&original]), block_len));
        let (original, copy) = (read(&request(&[&original])), read(&request(&[&copy])));
        prop_assert_eq!(copy.damage(), []);
        prop_assert_eq!(plain(&copy), plain(&original));
        prop_assert_eq!(copy.ticks, original.ticks);
    }

    #[test]
    fn libpcap_reads_what_we_write_as_we_do(packets in sent(), snaplen in prop_oneof![Just(0_u32), Just(262_144)]) {
        let folder = Folder::new();
        let mut bytes = Vec::new();
        let mut section = Section::begin(Some(piece(1)), &mut bytes);
        // libpcap refuses files whose interfaces differ in framing or snaplen.
        for id in 0..3 {
            section.interface(&interface(id, "span", snaplen), &mut bytes);
        }
        for (interface, millis, nanos, cut, payload) in &packets {
            let head = head(*interface, millis * 1_000_000 + nanos, payload.len() as u32 + cut);
            prop_assert!(section.packet(&head, payload, &mut bytes));
            let counters = Counters { received: 1, card_dropped: 2, kernel_dropped: 3 };
            section.counters(head.interface, (head.at, head.at), counters, None, &mut bytes);
        }
        let path = folder.file("written.pcapng", &bytes);
        let mut capture = pcap::Capture::from_file_with_precision(&path, pcap::Precision::Nano).unwrap();
        let mut theirs = Vec::new();
        while let Ok(packet) = capture.next_packet() {
            let at = packet.header.ts.tv_sec * SECOND + packet.header.ts.tv_usec;
            theirs.push((at, packet.header.len, packet.data.to_vec()));
        }
        let ours = read(&request(&[&path]));
        let ours: Vec<_> =
            ours.packets.into_iter().map(|(head, bytes)| (head.at.nanos(), head.wire_len, bytes)).collect();
        prop_assert_eq!(ours.len(), packets.len());
        prop_assert_eq!(ours, theirs);
    }
}

fn interface(id: u32, name: &str, snaplen: u32) -> Interface {
    Interface {
        id: InterfaceId(id),
        name: name.to_owned(),
        link: LinkType::ETHERNET,
        snaplen,
        ..Interface::default()
    }
}

fn head(interface: u32, after: u64, wire_len: u32) -> PacketHead {
    let at = Timestamp::from_nanos(i64::from(START) * SECOND + after as i64);
    PacketHead {
        at,
        wire_len,
        link: LinkType::ETHERNET,
        interface: InterfaceId(interface),
        ..PacketHead::default()
    }
}

fn piece(number: u64) -> Piece {
    Piece { recording: RecordingId { started: Timestamp::from_secs(i64::from(START)), process: 1 }, number }
}

/// A piece of a recording with packets at these milliseconds, named by them.
fn written(piece: Piece, millis: &[u64]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut section = Section::begin(Some(piece), &mut bytes);
    section.interface(&interface(0, "span0", 0), &mut bytes);
    for at in millis {
        let payload = at.to_string();
        section.packet(&head(0, at * 1_000_000, payload.len() as u32), payload.as_bytes(), &mut bytes);
    }
    bytes
}

fn names(told: &Told) -> Vec<String> {
    told.payloads().iter().map(|payload| String::from_utf8_lossy(payload).into_owned()).collect()
}

#[test]
fn pieces_of_one_recording_follow_their_numbers_whatever_their_stamps_say() {
    let folder = Folder::new();
    // The clock is set back by an hour inside the second piece; packets lie disordered by two seconds at the first seam.
    let hour = 3_600_000;
    folder.file("c.pcapng", &written(piece(1), &[hour, hour + 5_000]));
    folder.file("b.pcapng.gz", &gzip(&written(piece(2), &[hour + 3_000, hour + 6_000, 7_000])));
    folder.file("a.pcapng", &written(piece(10), &[4_000, 9_000]));
    let told = read(&request(&[&folder.path()]));
    let order = [hour, hour + 5_000, hour + 3_000, hour + 6_000, 7_000, 4_000, 9_000];
    assert_eq!(names(&told), order.map(|at| at.to_string()));
    // The same bytes in one file, cut nowhere, tell the same story.
    let whole = Folder::new();
    let one = whole.file("whole.pcapng", &written(piece(1), &order));
    let (mut cut, whole) = (plain(&told), plain(&read(&request(&[&one]))));
    cut.iter_mut().for_each(|packet| packet.0.interface = InterfaceId(0));
    assert_eq!(cut, whole);
}

#[test]
fn a_recording_stands_among_other_sources_by_its_first_packet() {
    let folder = Folder::new();
    folder.file("1.pcapng", &written(piece(1), &[1_000, 6_000]));
    folder.file("2.pcapng", &written(piece(2), &[3_000, 9_000]));
    folder.file("other.pcap", &Pcap::new().at_ms(2_000, b"x").at_ms(7_000, b"y").bytes());
    let told = read(&request(&[&folder.path()]));
    assert_eq!(names(&told), ["1000", "x", "6000", "3000", "y", "9000"]);
}

#[test]
fn two_recordings_of_one_folder_keep_apart() {
    let folder = Folder::new();
    let other = |number| Piece { recording: RecordingId { process: 2, ..piece(1).recording }, number };
    folder.file("1.pcapng", &written(piece(1), &[0, 8_000]));
    folder.file("2.pcapng", &written(piece(2), &[4_000, 9_000]));
    folder.file("3.pcapng", &written(other(1), &[1_000, 5_000]));
    folder.file("4.pcapng", &written(other(2), &[3_000, 9_500]));
    let told = read(&request(&[&folder.path()]));
    // Each by the running maximum of its own stamps (RULES 14).
    assert_eq!(names(&told), ["0", "1000", "5000", "3000", "8000", "4000", "9000", "9500"]);
}

#[test]
fn a_piece_that_was_cut_anywhere_gives_every_packet_before_the_cut() {
    let bytes = written(piece(1), &[1, 20, 300, 4_000]);
    let whole = read_bytes(&bytes);
    assert_eq!(whole.packets.len(), 4);
    for len in 12..bytes.len() {
        let told = read_bytes(&bytes[..len]);
        let kept = told.packets.len();
        assert_eq!(told.packets, whole.packets[..kept], "cut at {len}");
        // A cut between two blocks leaves a whole file; any other is told, and nothing else is.
        assert!(
            told.damage().iter().all(|(_, what, _)| *what == "cut_tail"),
            "cut at {len}: {:?}",
            told.damage()
        );
        let lost = whole.packets.len() - kept;
        let is_between = told.damage().is_empty();
        assert!(lost > 0 && (is_between || told.damage().len() == 1), "cut at {len}");
    }
}

#[test]
fn losses_and_blind_times_are_read_back_at_the_minute_they_were_told() {
    let minute = i64::from(START) / 60;
    let at = |secs: i64| Timestamp::from_secs(i64::from(START) + secs);
    let mut bytes = Vec::new();
    let mut section = Section::begin(Some(piece(1)), &mut bytes);
    section.interface(&interface(0, "span0", 0), &mut bytes);
    section.interface(&interface(1, "span1", 0), &mut bytes);
    let mut tell = |id: u32, from: i64, to: i64, dropped: [u64; 2], note: Option<Note>| {
        let counters = Counters { received: 9, card_dropped: dropped[0], kernel_dropped: dropped[1] };
        section.counters(InterfaceId(id), (at(from), at(to)), counters, note.as_ref(), &mut bytes);
    };
    tell(0, 0, 5, [0, 3], None);
    tell(1, 0, 6, [2, 0], None);
    tell(0, 0, 61, [1, 9], Some(Note::Unrecorded { packets: 4 }));
    tell(0, 70, 75, [1, 9], Some(Note::Blind(BlindReason::Gone)));
    tell(0, 0, 90, [1, 9], None);
    let report: InputReport = read_bytes(&bytes).report;
    let lost: Vec<_> =
        report.interfaces.iter().map(|one| (one.dropped, one.lost.clone().into_iter().collect())).collect();
    let expected: [(_, Vec<_>); 2] =
        [(Some(10), vec![(minute, 3), (minute + 1, 7)]), (Some(2), vec![(minute, 2)])];
    assert_eq!(lost, expected);
    let blind = Blind { interface: InterfaceId(0), from: at(70), to: at(75), reason: BlindReason::Gone };
    assert_eq!(report.blind, [blind]);
}

#[test]
fn counters_of_other_programs_are_totals_and_no_minutes() {
    let count = 7_u64.to_le_bytes();
    let file = Pcapng::new(false).interface(1, 0, &[]).at_ms(0, 1, b"x").statistics(0, &[(7, &count)]);
    let report = read_bytes(&file.out).report;
    assert_eq!((report.interfaces[0].dropped, report.interfaces[0].lost.len()), (Some(7), 0));
}
