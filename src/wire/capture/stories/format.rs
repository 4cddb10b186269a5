//! Every kind of pcap and pcapng, whole.

use super::super::support::*;
use crate::ground::model::{
    limits::RECORD_LEN_MAX,
    packet::{InterfaceId, LinkType},
    time::{SECOND, Timestamp},
};

const T0: i64 = START as i64 * SECOND;

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
