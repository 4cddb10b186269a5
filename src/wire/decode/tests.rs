//! Stories of whole frames. What one layer does alone is told beside that layer.

use std::net::IpAddr;

use proptest::prelude::*;

use super::{samples::*, *};
use crate::ground::model::{
    address::{Mac, Transport},
    decoded::TcpFlags,
    key::{Encap, TunnelKind, Tuple},
    limits::{LINK_TAGS_MAX, TUNNEL_DEPTH_MAX},
    packet::LinkType,
};

fn flow(out: &Decodings) -> &Decoded {
    match &out.inner {
        Inner::Flow(decoded) => decoded,
        other => panic!("no flow: {other:?}"),
    }
}

fn of_ethernet(kind: u16, content: &[u8]) -> Decodings {
    decoded_as(LinkType::ETHERNET, &ethernet(kind, content))
}

fn reason(out: &Decodings) -> (NoFlow, u16) {
    match &out.inner {
        Inner::NoFlow(why, number) => (*why, *number),
        other => panic!("a flow: {other:?}"),
    }
}

fn sample(name: &str) -> Decodings {
    let (_, link, bytes) = all().into_iter().find(|(known, ..)| *known == name).unwrap();
    decoded_as(link, &bytes)
}

fn ends(tuple: &Tuple) -> (IpAddr, u16, IpAddr, u16, Transport) {
    (tuple.source.addr, tuple.source.port, tuple.target.addr, tuple.target.port, tuple.transport)
}

const PLAIN4: (IpAddr, u16, IpAddr, u16, Transport) =
    (IpAddr::V4(A4), 50_000, IpAddr::V4(B4), 443, Transport::TCP);
const PLAIN6: (IpAddr, u16, IpAddr, u16, Transport) =
    (IpAddr::V6(A6), 50_000, IpAddr::V6(B6), 53, Transport::UDP);

#[test]
fn a_plain_frame_gives_every_field_of_its_headers() {
    let frame = ethernet(0x0800, &plain4());
    let out = decoded_as(LinkType::ETHERNET, &frame);
    let decoded = flow(&out);
    assert_eq!(ends(&decoded.tuple), PLAIN4);
    assert_eq!(decoded.link.macs, Some([Mac([2, 0, 0, 0, 0, 0xaa]), Mac([2, 0, 0, 0, 0, 0xbb])]));
    assert_eq!((decoded.ttl, decoded.ip_id, decoded.marks), (64, 0x1234, PacketMarks::default()));
    let tcp = decoded.tcp.unwrap();
    assert_eq!((tcp.seq, tcp.ack, tcp.flags, tcp.window, tcp.signed), (7, 9, TcpFlags::ACK, 1024, false));
    assert_eq!((decoded.payload(&frame), decoded.payload_wire_len), (&b"payload"[..], 7));
    assert!(out.carriers.is_empty() && decoded.outers.layers().is_empty());
}

#[test]
fn every_way_to_an_ip_header_ends_at_the_same_packet() {
    for name in [
        "ipv4 tcp",
        "vlan",
        "snap",
        "mpls",
        "mpls pseudo-wire",
        "pppoe",
        "cisco metadata",
        "vn-tag",
        "provider backbone",
        "cisco hdlc",
        "nflog",
        "sll",
        "null",
        "ppp",
    ] {
        let out = sample(name);
        assert_eq!(ends(&flow(&out).tuple), PLAIN4, "{name}");
        assert_eq!(flow(&out).marks, PacketMarks::default(), "{name}");
        assert!(out.carriers.is_empty(), "{name}");
    }
    for name in ["ipv6 udp", "triple vlan", "sll2", "raw", "loop", "ppp with direction"] {
        assert_eq!(ends(&flow(&sample(name)).tuple), PLAIN6, "{name}");
    }
    assert_eq!(flow(&sample("triple vlan")).link.vlans.ids(), [10, 20, 30]);
    assert_eq!(flow(&sample("sll")).link.macs, Some([Mac([2, 0, 0, 0, 0, 1]), Mac::default()]));
    assert_eq!(flow(&sample("raw")).link.macs, None);
}

#[test]
fn a_tunnel_counts_the_inner_packet_and_lists_the_outer_one() {
    for (name, kind, id, encap) in [
        ("4 in 4", TunnelKind::Ip4InIp, 0, None),
        ("6 in 4", TunnelKind::Ip6InIp, 0, None),
        ("gre", TunnelKind::Gre, 0, None),
        ("gre with all fields", TunnelKind::Gre, 5, Some(5)),
        ("gre routed", TunnelKind::Gre, 0, None),
        ("nvgre", TunnelKind::Gre, 0x0012_3400, Some(0x0012_3400)),
        ("erspan i", TunnelKind::Erspan, 0, None),
        ("erspan ii", TunnelKind::Erspan, 7, None),
        ("erspan iii", TunnelKind::Erspan, 7, None),
        ("vxlan", TunnelKind::Vxlan, 0x2a, Some(0x2a)),
        ("vxlan gpe", TunnelKind::Vxlan, 0x2a, Some(0x2a)),
        ("geneve", TunnelKind::Geneve, 0x2a, Some(0x2a)),
        ("gtp-u", TunnelKind::GtpU, 9, None),
        ("gtp-u with extensions", TunnelKind::GtpU, 9, None),
        ("teredo", TunnelKind::Teredo, 0, None),
    ] {
        let out = sample(name);
        let inner = flow(&out);
        assert!([PLAIN4, PLAIN6].contains(&ends(&inner.tuple)), "{name}: {inner:?}");
        assert_eq!((inner.carrier, inner.marks), (None, PacketMarks::default()), "{name}");
        let [carrier] = &out.carriers[..] else { panic!("{name}: {:?}", out.carriers) };
        assert_eq!((carrier.carrier, carrier.encap), (Some(kind), Encap::default()), "{name}");
        assert_eq!((carrier.layer, inner.layer), (1, 0), "{name}");
        let [outer] = inner.outers.layers() else { panic!("{name}") };
        assert_eq!((outer.kind, outer.id, outer.tuple), (kind, id, carrier.tuple), "{name}");
        let identity = encap.map_or_else(Encap::default, |id| Encap { kind, id, outer: 0 });
        assert_eq!(inner.encap, identity, "{name}");
    }
    assert_eq!(flow(&sample("erspan ii")).link.vlans.ids(), [0x64]);
    assert_eq!(flow(&sample("erspan iii")).link.vlans.count(), 0);
}

#[test]
fn arp_inside_a_tunnel_counts_as_arp_and_the_tunnel_is_a_carrier() {
    let arp = ethernet(0x0806, &[0; 28]);
    // ERSPAN II (GRE protocol 0x88be with a sequence number): 8 bytes before the mirrored frame.
    let erspan = join(&[&[0x10, 0, 0x88, 0xbe, 0, 0, 0, 1], &[0x10, 0, 0, 1, 0, 0, 0, 0], &arp]);
    let out = of_ethernet(0x0800, &ip4(47, &erspan));
    assert_eq!(reason(&out), (NoFlow::Arp, 0x0806));
    assert_eq!(
        out.carriers.iter().map(|outer| outer.carrier).collect::<Vec<_>>(),
        [Some(TunnelKind::Erspan)]
    );
    // Beyond the depth it is the flow of the layer that was reached.
    let mut deep = ip4(47, &erspan);
    for _ in 0..TUNNEL_DEPTH_MAX {
        deep = ip4(4, &deep);
    }
    let out = of_ethernet(0x0800, &deep);
    assert_eq!((flow(&out).tuple.transport, out.carriers.len()), (Transport(47), TUNNEL_DEPTH_MAX));
}

#[test]
fn numbers_of_nested_tunnels_tell_networks_apart() {
    let vxlan = |vni: u8, inner: &[u8]| {
        ip4(UDP, &udp4(4789, &join(&[&[8, 0, 0, 0, 0, 0, vni, 0], &ethernet(0x0800, inner)])))
    };
    let encap = |outer, inner| flow(&of_ethernet(0x0800, &vxlan(outer, &vxlan(inner, &plain4())))).encap;
    assert_eq!(encap(1, 2), encap(1, 2));
    assert_ne!(encap(1, 2), encap(2, 1));
    assert_ne!(encap(1, 2), encap(3, 2));
    assert_ne!(encap(0, 2).outer, 0);
}

#[test]
fn a_port_alone_opens_no_tunnel() {
    for port in [4789, 8472, 6081, 2152, 3544] {
        for payload in [&b""[..], b"hello", &[8; 60], &[0x30; 60], &[0; 60], &[0x60; 60]] {
            let out = of_ethernet(0x0800, &ip4(UDP, &udp4(port, payload)));
            assert_eq!(flow(&out).tuple.target.port, port);
            assert!(out.carriers.is_empty(), "{port} {payload:?}");
        }
    }
}

#[test]
fn gre_of_version_1_is_opened_where_it_is_in_the_clear() {
    let pptp = |ppp: &[u8]| join(&[&[0x30, 0x81, 0x88, 0x0b, 0, 40, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1], ppp]);
    let clear = pptp(&join(&[&[0xff, 3, 0, 0x21], &plain4()]));
    let eoip = join(&[&[0x20, 0x01, 0x64, 0, 0, 90, 7, 0], &ethernet(0x0800, &plain4())]);
    for content in [clear, eoip] {
        let out = of_ethernet(0x0800, &ip4(47, &content));
        assert_eq!((ends(&flow(&out).tuple), flow(&out).encap), (PLAIN4, Encap::default()));
        assert_eq!(out.carriers[0].carrier, Some(TunnelKind::Gre));
    }
    let encrypted = pptp(&[0, 0xfd, 0x90, 1, 2, 3]);
    for content in [&encrypted[..], &[0, 0, 8, 0], &[0x20, 0, 8, 0, 0], &[0, 2, 8, 0], b""] {
        let out = of_ethernet(0x0800, &ip4(47, content));
        assert_eq!(flow(&out).tuple.transport, Transport(47));
        assert!(out.carriers.is_empty());
    }
}

#[test]
fn teredo_between_peers_is_known_by_its_addresses_and_its_length() {
    let mut inner = plain6();
    inner[8..24].copy_from_slice(&[0x20, 1, 0, 0, 0xc0, 0, 2, 45, 0, 0, 0x63, 0xbf, 0x3f, 0xff, 0xfd, 0xd2]);
    let out = of_ethernet(0x0800, &ip4(UDP, &udp4(50_001, &inner)));
    assert_eq!(out.carriers[0].carrier, Some(TunnelKind::Teredo));
    for other in [join(&[&inner, b"x"]), plain6()] {
        assert!(of_ethernet(0x0800, &ip4(UDP, &udp4(50_001, &other))).carriers.is_empty());
    }
}

#[test]
fn a_tcp_header_without_its_options_says_enough_where_the_snaplen_took_them() {
    let packet = ip4(TCP, &tcp4_with(SYN, &[2, 4, 5, 0xb4], b"early"));
    let frame = ethernet(0x0800, &packet);
    let head = PacketHead { captured_len: 54, ..head(LinkType::ETHERNET, &frame) };
    let mut out = Decodings::default();
    decode(&frame[..54], &head, &mut out);
    let decoded = flow(&out);
    assert_eq!((ends(&decoded.tuple), decoded.marks), (PLAIN4, PacketMarks::CUT));
    assert_eq!((decoded.payload_len, decoded.payload_wire_len), (0, 5));
    // Uncut, the same bytes are a header that contradicts itself.
    let mut short = ip4(TCP, &tcp4(SYN, b""));
    short[32] = 0x60;
    assert!(flow(&of_ethernet(0x0800, &short)).marks.has(PacketMarks::NO_TRANSPORT));
}

#[test]
fn what_is_no_flow_says_why_and_with_which_number() {
    let llc = |bytes: &[u8]| decoded_as(LinkType::ETHERNET, &ethernet(bytes.len() as u16, bytes));
    for (out, why, number) in [
        (sample("arp"), NoFlow::Arp, 0x0806),
        (of_ethernet(0x88cc, &[0; 40]), NoFlow::LinkControl, 0x88cc),
        (of_ethernet(0x8863, &[0x11, 9, 0, 0, 0, 0]), NoFlow::LinkControl, 0x8863),
        (of_ethernet(0x88e5, &[0; 40]), NoFlow::Macsec, 0x88e5),
        (of_ethernet(0x1234, &[0; 40]), NoFlow::EtherType, 0x1234),
        (of_ethernet(0x8847, &[0, 1, 0x51, 64, 0xff, 0xff, 0, 0]), NoFlow::EtherType, 0x8847),
        (llc(&[0x42, 0x42, 3, 0, 0]), NoFlow::LinkControl, 0x4242),
        (llc(&[0xe0, 0xe0, 3, 0, 0]), NoFlow::Llc, 0xe0e0),
        (llc(&[0xaa, 0xaa, 3, 0, 0, 0x0c, 0x20, 0, 1]), NoFlow::LinkControl, 0x2000),
        (llc(&[0xaa, 0xaa, 3, 8, 0, 7, 0x80, 0x9b, 1]), NoFlow::Llc, 0x809b),
        (decoded_as(LinkType(147), &[0; 40]), NoFlow::LinkType, 147),
        (decoded_as(LinkType::PPP, &[0xff, 3, 0xc0, 0x21, 1]), NoFlow::LinkControl, 0xc021),
        (decoded_as(LinkType::ETHERNET, &[]), NoFlow::Empty, 0),
        (of_ethernet(0x0800, &[0x45, 0, 0, 20]), NoFlow::BadHeader, 0x0800),
        (of_ethernet(0x0800, &[0x4f; 40]), NoFlow::BadHeader, 0x0800),
        (of_ethernet(0x0800, &[0x65; 40]), NoFlow::BadHeader, 0x0800),
    ] {
        assert_eq!(reason(&out), (why, number));
    }
}

#[test]
fn a_header_cut_by_the_snaplen_is_not_the_senders_fault() {
    let frame = ethernet(0x0800, &plain4());
    let mut out = Decodings::default();
    let cut = |len: usize, out: &mut Decodings| {
        let head = PacketHead { captured_len: len as u32, ..head(LinkType::ETHERNET, &frame) };
        decode(&frame[..len], &head, out);
    };
    cut(14 + 19, &mut out);
    assert_eq!(reason(&out).0, NoFlow::CutHeader);
    cut(14 + 20 + 3, &mut out);
    let decoded = flow(&out);
    assert!(decoded.marks.has(PacketMarks::CUT) && decoded.marks.has(PacketMarks::NO_TRANSPORT));
    assert_eq!((decoded.tuple.source.port, decoded.payload_len, decoded.payload_wire_len), (0, 3, 27));
    for len in [14 + 20 + 4, 14 + 20 + 19] {
        cut(len, &mut out);
        let decoded = flow(&out);
        assert_eq!((ends(&decoded.tuple), decoded.marks), (PLAIN4, PacketMarks::CUT));
        assert_eq!((decoded.tcp, decoded.payload_len, decoded.payload_wire_len), (None, 0, 7));
    }
    cut(14 + 20 + 20 + 3, &mut out);
    let decoded = flow(&out);
    assert_eq!(decoded.marks, PacketMarks::CUT);
    assert_eq!((decoded.payload(&frame[..57]), decoded.payload_wire_len), (&b"pay"[..], 7));
}

#[test]
fn padding_and_trailers_are_not_payload() {
    let padded = join(&[&plain4(), b"trailer"]);
    let frame = ethernet(0x0800, &padded);
    let out = decoded_as(LinkType::ETHERNET, &frame);
    assert_eq!(flow(&out).payload(&frame), b"payload");
    // UDP's own length is shorter than what IP holds.
    let frame = ethernet(0x0800, &ip4(UDP, &join(&[&udp4(9, b"said"), b" unsaid"])));
    let out = decoded_as(LinkType::ETHERNET, &frame);
    assert_eq!((flow(&out).payload(&frame), flow(&out).marks), (&b"said"[..], PacketMarks::default()));
    let llc = join(&[&[0xaa, 0xaa, 3, 0, 0, 0, 8, 0], &ip4(TCP, &tcp4(SYN, b"")), &[0; 4]]);
    let out = decoded_as(LinkType::ETHERNET, &ethernet(48, &llc));
    assert_eq!(flow(&out).payload_len, 0);
}

#[test]
fn a_length_of_zero_takes_what_was_captured() {
    let mut packet = plain4();
    packet[2..4].copy_from_slice(&[0, 0]);
    let out = of_ethernet(0x0800, &packet);
    assert_eq!((flow(&out).payload_len, flow(&out).marks), (7, PacketMarks::IP_LEN_ZERO));
    let mut packet = plain6();
    packet[4..6].copy_from_slice(&[0, 0]);
    let out = of_ethernet(0x86dd, &packet);
    assert_eq!((flow(&out).payload_len, flow(&out).marks), (8, PacketMarks::IP_LEN_ZERO));
}

#[test]
fn a_wrong_checksum_is_marked_and_a_missing_one_is_not() {
    let cases: [(u16, Vec<u8>, usize); 4] = [
        (0x0800, plain4(), 40),
        (0x86dd, plain6(), 48),
        (0x0800, ip4(1, &join(&[&[8, 0], &checksum::of(&[&[8, 0, 0, 0, 0, 1, 0, 1]]), &[0, 1, 0, 1]])), 27),
        (0x0800, ip4(TCP, &tcp4(SYN, b"")), 21),
    ];
    for (kind, packet, at) in cases {
        assert!(!flow(&of_ethernet(kind, &packet)).marks.has(PacketMarks::BAD_CHECKSUM));
        let mut wrong = packet.clone();
        wrong[at] ^= 0x10;
        assert!(flow(&of_ethernet(kind, &wrong)).marks.has(PacketMarks::BAD_CHECKSUM), "{kind:x} {at}");
    }
    let mut without = ip4(UDP, &udp4(53, b"question"));
    without[26..28].copy_from_slice(&[0, 0]);
    assert!(!flow(&of_ethernet(0x0800, &without)).marks.has(PacketMarks::BAD_CHECKSUM));
}

#[test]
fn the_digest_ignores_what_changes_on_the_way_and_nothing_else() {
    for (kind, packet, changes) in
        [(0x0800, plain4(), vec![1, 8, 10, 11, 36, 37]), (0x86dd, plain6(), vec![1, 7, 46, 47])]
    {
        let digest = flow(&of_ethernet(kind, &packet)).digest;
        for at in 1..packet.len() {
            let mut other = packet.clone();
            // ECN is the lowest pair of the traffic class, which IPv6 begins in the middle of a byte.
            other[at] ^= if (kind, at) == (0x86dd, 1) { 0x10 } else { 0x01 };
            let out = of_ethernet(kind, &other);
            if let Inner::Flow(decoded) = &out.inner {
                assert_eq!(decoded.digest == digest, changes.contains(&at), "{kind:x} {at}");
            }
        }
    }
}

#[test]
fn an_icmp_error_names_the_packet_it_is_about() {
    let out = sample("icmp error");
    let decoded = flow(&out);
    assert_eq!((decoded.icmp, decoded.tuple.transport), (Some([3, 1]), Transport::ICMP));
    assert_eq!(decoded.about.as_ref().map(ends), Some(PLAIN4));
    let error6 = join(&[&[1, 4, 0, 0, 0, 0, 0, 0], &plain6()]);
    let back = of_ethernet(0x86dd, &turned(ip6(58, &error6)));
    assert_eq!(flow(&back).about.as_ref().map(ends), Some(PLAIN6));
    // An error that does not go back to its sender quotes nothing.
    assert_eq!(flow(&of_ethernet(0x86dd, &ip6(58, &error6))).about, None);
    let echo = join(&[&[8, 0, 0, 0, 0, 0, 0, 0], &plain4()]);
    assert_eq!(flow(&of_ethernet(0x0800, &ip4(1, &echo))).about, None);
}

#[test]
fn source_routes_and_signatures_are_marked() {
    let routed = ip4_with(TCP, 1, 0, &[1, 131, 7, 4, 203, 0, 113, 1], &tcp4(SYN, b""));
    assert_eq!(flow(&of_ethernet(0x0800, &routed)).marks, PacketMarks::SOURCE_ROUTED);
    let signed = ip4(TCP, &tcp4_with(SYN, &join(&[&[1, 1, 19, 18], &[0; 16]]), b""));
    assert!(flow(&of_ethernet(0x0800, &signed)).tcp.unwrap().signed);
    let header0 = join(&[&[6, 2, 0, 0, 0, 0, 0, 0], &A6.octets(), &tcp6(SYN, b"")]);
    assert_eq!(flow(&of_ethernet(0x86dd, &ip6(43, &header0))).marks, PacketMarks::SOURCE_ROUTED);
}

#[test]
fn extension_headers_are_followed_to_their_end_and_not_beyond_the_bound() {
    let out = sample("ipv6 chain");
    assert_eq!((flow(&out).tuple.transport, flow(&out).tuple.target.port), (Transport::TCP, 443));
    let chain = |len: usize| {
        let mut content = [60, 0, 1, 4, 0, 0, 0, 0].repeat(len);
        content[8 * (len - 1)] = TCP;
        ip6(60, &join(&[&content, &tcp6(SYN, b"")]))
    };
    assert_eq!(flow(&of_ethernet(0x86dd, &chain(16))).tuple.target.port, 443);
    let out = of_ethernet(0x86dd, &chain(17));
    let marks = flow(&out).marks;
    assert!(marks.has(PacketMarks::DEPTH_LIMIT) && marks.has(PacketMarks::NO_TRANSPORT));
    assert_eq!(flow(&out).tuple.transport, Transport(60));
    // Nothing follows by the header's word, and bytes follow all the same.
    let out = of_ethernet(0x86dd, &ip6(59, b"hidden"));
    assert_eq!((flow(&out).tuple.transport, flow(&out).payload_len), (Transport(59), 6));
    // An atomic fragment is a packet; an authentication header hides nothing.
    let atomic = join(&[&fragment6(UDP, 7, 0, false), &udp6(53, b"question")]);
    assert_eq!(ends(&flow(&of_ethernet(0x86dd, &ip6(44, &atomic))).tuple), PLAIN6);
    let signed = join(&[&[TCP, 4], &[0; 22], &tcp4(ACK, b"payload")]);
    assert_eq!(ends(&flow(&of_ethernet(0x0800, &ip4(51, &signed))).tuple), PLAIN4);
}

#[test]
fn nesting_without_end_is_walked_in_a_loop_and_reported() {
    let mut deep = plain4();
    for _ in 0..TUNNEL_DEPTH_MAX {
        deep = ip4(4, &deep);
    }
    let out = of_ethernet(0x0800, &deep);
    assert_eq!((out.carriers.len(), ends(&flow(&out).tuple)), (TUNNEL_DEPTH_MAX, PLAIN4));
    assert!(!flow(&out).marks.has(PacketMarks::DEPTH_LIMIT));
    let out = of_ethernet(0x0800, &ip4(4, &deep));
    assert_eq!((out.carriers.len(), flow(&out).tuple.transport), (TUNNEL_DEPTH_MAX, Transport(4)));
    assert!(flow(&out).marks.has(PacketMarks::DEPTH_LIMIT));

    // 10,000 headers one in the other; lengths are zero where 16 bits do not reach.
    let mut shell = ip4(4, &[]);
    shell[2..4].copy_from_slice(&[0, 0]);
    let deepest = shell.repeat(10_000);
    let mut gre = ip4(47, &[0, 0, 8, 0]);
    gre[2..4].copy_from_slice(&[0, 0]);
    for bytes in [deepest, gre.repeat(10_000)] {
        let out = of_ethernet(0x0800, &bytes);
        assert!(flow(&out).marks.has(PacketMarks::DEPTH_LIMIT));
        assert_eq!(flow(&out).outers.layers().len(), TUNNEL_DEPTH_MAX);
    }
    let tags = |count| join(&[&[0, 10, 0x81, 0].repeat(count - 1), &[0, 10, 8, 0], &plain4()]);
    let out = of_ethernet(0x8100, &tags(LINK_TAGS_MAX));
    assert_eq!((ends(&flow(&out).tuple), flow(&out).link.vlans.count()), (PLAIN4, LINK_TAGS_MAX as u8));
    assert_eq!(reason(&of_ethernet(0x8100, &tags(LINK_TAGS_MAX + 1))), (NoFlow::TooManyTags, 0x8100));
    assert_eq!(reason(&of_ethernet(0x8100, &tags(10_000))), (NoFlow::TooManyTags, 0x8100));
    assert_eq!(reason(&of_ethernet(0x8847, &[0, 1, 0x40, 64].repeat(10_000))), (NoFlow::TooManyTags, 0x8847));
}

#[test]
fn every_sample_cut_anywhere_has_exactly_one_outcome() {
    let mut out = Decodings::default();
    for (name, link, bytes) in all() {
        for len in 0..=bytes.len() {
            for wire_len in [len, bytes.len()] {
                let head =
                    PacketHead { wire_len: wire_len as u32, captured_len: len as u32, ..head(link, &bytes) };
                decode(&bytes[..len], &head, &mut out);
                check(&out, &bytes[..len], name);
            }
        }
    }
}

/// What holds of any outcome whatsoever.
fn check(out: &Decodings, frame: &[u8], name: &str) {
    if let Inner::Flow(decoded) = &out.inner {
        assert_eq!(decoded.payload(frame).len(), decoded.payload_len as usize, "{name}");
        assert!(decoded.payload_wire_len >= decoded.payload_len, "{name}");
        assert_eq!(decoded.carrier, None, "{name}");
        let is_tcp =
            decoded.tuple.transport == Transport::TCP && !decoded.marks.has(PacketMarks::NO_TRANSPORT);
        let is_cut = decoded.marks.has(PacketMarks::CUT) && decoded.payload_len == 0;
        assert!(decoded.tcp.is_some() == is_tcp || is_tcp && is_cut, "{name}");
        assert_eq!(decoded.outers.layers().len(), out.carriers.len(), "{name}");
    } else {
        // Only what is certainly no blind spot may lie in a tunnel without being a flow.
        let is_control = matches!(out.inner, Inner::NoFlow(why, _) if !why.is_blind());
        assert!(out.carriers.is_empty() || is_control || matches!(out.inner, Inner::Fragment(_)), "{name}");
    }
    assert!(out.carriers.len() <= TUNNEL_DEPTH_MAX);
    for carrier in &out.carriers {
        assert_eq!(carrier.payload(frame).len(), carrier.payload_len as usize, "{name}");
        assert!(carrier.carrier.is_some(), "{name}");
    }
}

const LINKS: [u16; 16] = [0, 1, 9, 12, 14, 50, 51, 101, 104, 108, 113, 204, 228, 229, 239, 276];

proptest! {
    #[test]
    fn any_bytes_of_any_link_type_have_exactly_one_outcome(
        link in 0..LINKS.len(),
        bytes in prop::collection::vec(any::<u8>(), 0..200),
        more in 0..2_000u32,
    ) {
        let mut out = Decodings::default();
        let head = PacketHead { wire_len: bytes.len() as u32 + more, ..head(LinkType(LINKS[link]), &bytes) };
        decode(&bytes, &head, &mut out);
        check(&out, &bytes, "random");
    }

    #[test]
    fn any_change_to_any_sample_has_exactly_one_outcome(
        which in any::<prop::sample::Index>(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        more in 0..40u32,
    ) {
        let samples = all();
        let (name, link, mut bytes) = samples[which.index(samples.len())].clone();
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        let mut out = Decodings::default();
        let head = PacketHead { wire_len: bytes.len() as u32 + more, ..head(link, &bytes) };
        decode(&bytes, &head, &mut out);
        check(&out, &bytes, name);
        if let Inner::Fragment(piece) = std::mem::take(&mut out.inner) {
            let (mut reassembler, mut done) = (Reassembler::new(), Vec::new());
            reassembler.push(piece, &mut done);
            reassembler.finish(&mut done);
            prop_assert_eq!(done.len(), 1);
        }
    }

    #[test]
    fn simple_stacks_read_as_etherparse_reads_them(
        is_v6: bool,
        tags in prop::collection::vec(0..4095u16, 0..3),
        protocol in prop::sample::select(vec![TCP, UDP, 1, 58, 50, 132]),
        content in prop::collection::vec(any::<u8>(), 0..80),
        cut in 0..60usize,
    ) {
        let mut content = content;
        if protocol == UDP && let Some(len) = content.get_mut(4..6) {
            len.copy_from_slice(&[0, 40]);
        }
        let packet = if is_v6 { ip6(protocol, &content) } else { ip4(protocol, &content) };
        let mut kind: u16 = if is_v6 { 0x86dd } else { 0x0800 };
        let mut frame = packet;
        for tag in &tags {
            frame = join(&[&tag.to_be_bytes(), &kind.to_be_bytes(), &frame]);
            kind = 0x8100;
        }
        let frame = ethernet(kind, &frame);
        let kept = &frame[..frame.len() - cut.min(frame.len() - 1)];
        let mut out = Decodings::default();
        decode(kept, &head(LinkType::ETHERNET, &frame), &mut out);
        agree(&out, kept);
    }
}

/// The same addresses and ports as etherparse's whole-packet reader, which shares no code with ours but the slices.
fn agree(out: &Decodings, frame: &[u8]) {
    use etherparse::{LaxNetSlice, LaxSlicedPacket, TransportSlice};
    let Ok(oracle) = LaxSlicedPacket::from_ethernet(frame) else {
        return assert!(matches!(out.inner, Inner::NoFlow(..)));
    };
    let ends = match &oracle.net {
        Some(LaxNetSlice::Ipv4(ip)) => {
            (ip.header().source_addr().into(), ip.header().destination_addr().into())
        }
        Some(LaxNetSlice::Ipv6(ip)) => {
            (IpAddr::V6(ip.header().source_addr()), IpAddr::V6(ip.header().destination_addr()))
        }
        _ => return assert!(matches!(out.inner, Inner::NoFlow(..))),
    };
    let decoded = flow(out);
    assert_eq!((decoded.tuple.source.addr, decoded.tuple.target.addr), ends);
    match &oracle.transport {
        Some(TransportSlice::Tcp(tcp)) => {
            let head = decoded.tcp.unwrap();
            assert_eq!(
                (decoded.tuple.source.port, decoded.tuple.target.port),
                (tcp.source_port(), tcp.destination_port())
            );
            assert_eq!(
                (head.seq, head.ack, head.window),
                (tcp.sequence_number(), tcp.acknowledgment_number(), tcp.window_size())
            );
            assert_eq!(decoded.payload(frame), tcp.payload());
        }
        Some(TransportSlice::Udp(udp)) => {
            assert_eq!(
                (decoded.tuple.source.port, decoded.tuple.target.port),
                (udp.source_port(), udp.destination_port())
            );
            assert_eq!(decoded.payload(frame), udp.payload());
        }
        // Headers that the snaplen cut are the one place where we read more.
        _ => {
            let is_read = decoded.tuple.target.port != 0 && decoded.tuple.transport != Transport::SCTP;
            assert!(!is_read || decoded.marks.has(PacketMarks::CUT) && decoded.payload_len == 0)
        }
    }
}

/// Frames of which many are plain, and near misses of such.
fn nearly_plain() -> impl Strategy<Value = Vec<u8>> {
    let bases: Vec<Vec<u8>> = all()
        .into_iter()
        .filter(|(_, link, _)| *link == LinkType::ETHERNET)
        .map(|(_, _, bytes)| bytes)
        .chain([
            ethernet(0x0800, &ip4(6, &tcp4_with(0x18, &[1, 1, 8, 10, 0, 0, 0, 1, 0, 0, 0, 2], &[7; 300]))),
            ethernet(
                0x0800,
                &tcp4_with(0x18, &[19, 18, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1], b"x"),
            ),
            ethernet(0x0800, &ip4(17, &udp4(53, &[3; 90]))),
            ethernet(0x0800, &ip4(17, &udp4(3544, &[0x60; 90]))),
            ethernet(0x8100, &join(&[&[0x60, 7, 8, 0], &plain4()])),
        ])
        .collect();
    let changes = prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..3);
    (prop::sample::select(bases), changes, 0..80_usize, prop::bool::weighted(0.3)).prop_map(
        |(mut frame, changes, cut, is_cut)| {
            for (at, value) in changes {
                // Most of what decides stands in the first bytes.
                let reach = frame.len().min(60);
                frame[at.index(reach)] = value;
            }
            if is_cut {
                frame.truncate(frame.len().saturating_sub(cut));
            }
            frame
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4_000))]

    #[test]
    fn the_shortest_way_says_what_the_walk_says(frame in nearly_plain(), more in 0..40_u32) {
        let mut head = head(LinkType::ETHERNET, &frame);
        head.wire_len += more;
        let mut short = Decodings::default();
        if !frame.is_empty() && plain::read(&frame, &head, &mut short) {
            let mut long = Decodings::default();
            detour(&frame, &head, &mut long);
            prop_assert!(long.carriers.is_empty() && short.carriers.is_empty());
            prop_assert_eq!(flow(&short), flow(&long));
        }
    }
}

#[test]
fn plain_frames_take_the_shortest_way_and_others_do_not() {
    let takes = |content: &[u8], kind| {
        let frame = ethernet(kind, content);
        plain::read(&frame, &head(LinkType::ETHERNET, &frame), &mut Decodings::default())
    };
    assert!(takes(&plain4(), 0x0800));
    assert!(takes(&ip4(17, &udp4(53, b"query")), 0x0800));
    assert!(takes(&join(&[&[0x60, 7, 8, 0], &plain4()]), 0x8100));
    assert!(!takes(&plain6(), 0x86dd));
    assert!(!takes(&ip4_with(6, 1, 0x2000, &[], &[0; 24]), 0x0800), "a fragment");
    assert!(!takes(&ip4_with(6, 1, 0, &[1, 1, 1, 1], &[0; 24]), 0x0800), "options");
}
