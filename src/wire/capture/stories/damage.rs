//! Files that are cut, corrupt, or two files in one.

use super::super::support::*;
use crate::ground::model::{
    limits::RESYNC_LEN_MAX,
    packet::{InterfaceId, LinkType},
    time::SECOND,
};

const T0: i64 = START as i64 * SECOND;

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
