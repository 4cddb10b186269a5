//! Packets for the room's tests, built from named parts. Documentation addresses only.

use std::net::{Ipv4Addr, Ipv6Addr};

use crate::ground::model::{
    packet::{LinkType, Ordinal, PacketHead},
    time::Timestamp,
};

use super::{Decodings, checksum, decode};

pub(super) const A4: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 1);
pub(super) const B4: Ipv4Addr = Ipv4Addr::new(198, 51, 100, 7);
pub(super) const A6: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1);
pub(super) const B6: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 1, 0, 0, 0, 0, 7);

pub(super) const TCP: u8 = 6;
pub(super) const UDP: u8 = 17;
pub(super) const SYN: u8 = 0x02;
pub(super) const ACK: u8 = 0x10;

/// Puts parts one behind the other.
pub(super) fn join(parts: &[&[u8]]) -> Vec<u8> {
    parts.concat()
}

pub(super) fn ethernet(kind: u16, content: &[u8]) -> Vec<u8> {
    join(&[&[2, 0, 0, 0, 0, 0xbb], &[2, 0, 0, 0, 0, 0xaa], &kind.to_be_bytes(), content])
}

pub(super) fn ip4(protocol: u8, content: &[u8]) -> Vec<u8> {
    ip4_with(protocol, 0x1234, 0x4000, &[], content)
}

/// `flags` are the 16 bits of flags and fragment offset.
pub(super) fn ip4_with(protocol: u8, id: u16, flags: u16, options: &[u8], content: &[u8]) -> Vec<u8> {
    let header_len = 20 + options.len();
    let mut header = join(&[
        &[0x40 | (header_len / 4) as u8, 0],
        &((header_len + content.len()) as u16).to_be_bytes(),
        &id.to_be_bytes(),
        &flags.to_be_bytes(),
        &[64, protocol, 0, 0],
        &A4.octets(),
        &B4.octets(),
        options,
    ]);
    let checksum = checksum::of(&[&header]);
    header[10..12].copy_from_slice(&checksum);
    join(&[&header, content])
}

pub(super) fn ip6(next: u8, content: &[u8]) -> Vec<u8> {
    join(&[
        &[0x60, 0, 0, 0],
        &(content.len() as u16).to_be_bytes(),
        &[next, 64],
        &A6.octets(),
        &B6.octets(),
        content,
    ])
}

/// The same packet on its way back; sums stay right.
pub(super) fn turned(mut packet: Vec<u8>) -> Vec<u8> {
    let (at, len) = if packet[0] >> 4 == 4 { (12, 4) } else { (8, 16) };
    packet[at..at + 2 * len].rotate_left(len);
    packet
}

/// A fragment header (RFC 8200 section 4.5); `offset` in bytes.
pub(super) fn fragment6(next: u8, id: u32, offset: u16, more: bool) -> Vec<u8> {
    join(&[&[next, 0], &(offset | u16::from(more)).to_be_bytes(), &id.to_be_bytes()])
}

fn with_checksum(mut bytes: Vec<u8>, at: usize, protocol: u8, v6: bool) -> Vec<u8> {
    let len = (bytes.len() as u32).to_be_bytes();
    let (a, b) = if v6 {
        (A6.octets().to_vec(), B6.octets().to_vec())
    } else {
        (A4.octets().to_vec(), B4.octets().to_vec())
    };
    let checksum = checksum::of(&[&a, &b, &len, &[0, protocol], &bytes]);
    bytes[at..at + 2].copy_from_slice(&checksum);
    bytes
}

fn segment(flags: u8, options: &[u8], payload: &[u8]) -> Vec<u8> {
    join(&[
        &50_000u16.to_be_bytes(),
        &443u16.to_be_bytes(),
        &7u32.to_be_bytes(),
        &9u32.to_be_bytes(),
        &[((20 + options.len()) / 4 * 16) as u8, flags],
        &1024u16.to_be_bytes(),
        &[0, 0, 0, 0],
        options,
        payload,
    ])
}

/// Between the IPv4 ends, port 50000 to 443, sequence 7, acknowledging 9.
pub(super) fn tcp4(flags: u8, payload: &[u8]) -> Vec<u8> {
    tcp4_with(flags, &[], payload)
}

pub(super) fn tcp4_with(flags: u8, options: &[u8], payload: &[u8]) -> Vec<u8> {
    with_checksum(segment(flags, options, payload), 16, TCP, false)
}

/// The same between the IPv6 ends.
pub(super) fn tcp6(flags: u8, payload: &[u8]) -> Vec<u8> {
    with_checksum(segment(flags, &[], payload), 16, TCP, true)
}

fn datagram(source: u16, target: u16, payload: &[u8]) -> Vec<u8> {
    join(&[
        &source.to_be_bytes(),
        &target.to_be_bytes(),
        &((8 + payload.len()) as u16).to_be_bytes(),
        &[0, 0],
        payload,
    ])
}

/// Between the IPv4 ends, from port 50000.
pub(super) fn udp4(target: u16, payload: &[u8]) -> Vec<u8> {
    with_checksum(datagram(50_000, target, payload), 6, UDP, false)
}

/// The same between the IPv6 ends.
pub(super) fn udp6(target: u16, payload: &[u8]) -> Vec<u8> {
    with_checksum(datagram(50_000, target, payload), 6, UDP, true)
}

/// A small packet that is whole and right: IPv4 with TCP.
pub(super) fn plain4() -> Vec<u8> {
    ip4(TCP, &tcp4(ACK, b"payload"))
}

/// A small packet that is whole and right: IPv6 with UDP.
pub(super) fn plain6() -> Vec<u8> {
    ip6(UDP, &udp6(53, b"question"))
}

pub(super) fn head(link: LinkType, frame: &[u8]) -> PacketHead {
    PacketHead {
        ordinal: Ordinal(1),
        wire_len: frame.len() as u32,
        captured_len: frame.len() as u32,
        link,
        ..PacketHead::default()
    }
}

pub(super) fn head_at(ordinal: u64, nanos: i64, frame: &[u8]) -> PacketHead {
    PacketHead {
        ordinal: Ordinal(ordinal),
        at: Timestamp::from_nanos(nanos),
        ..head(LinkType::ETHERNET, frame)
    }
}

pub(super) fn decoded_as(link: LinkType, frame: &[u8]) -> Decodings {
    let mut out = Decodings::default();
    decode(frame, &head(link, frame), &mut out);
    out
}

/// Every sample of the room, whole, with its link type: what is cut, mangled and compared.
pub(super) fn all() -> Vec<(&'static str, LinkType, Vec<u8>)> {
    let ether = |kind: u16, content: &[u8]| (LinkType::ETHERNET, ethernet(kind, content));
    let v4 = plain4();
    let v6 = plain6();
    let inner = ethernet(0x0800, &v4);
    let gre = |flags: u16, kind: u16, rest: &[u8]| {
        let head = [flags.to_be_bytes(), kind.to_be_bytes()].concat();
        ether(0x0800, &ip4(47, &join(&[&head, rest])))
    };
    let over_udp = |port: u16, content: &[u8]| ether(0x0800, &ip4(UDP, &udp4(port, content)));
    let vlan = |id: u16, kind: u16| [id.to_be_bytes(), kind.to_be_bytes()].concat();
    let erspan2 = join(&[&[0, 0, 0, 9, 0x10, 0x64, 0x10, 0x07, 0, 0, 0, 1], &inner]);
    let erspan3 = join(&[&[0, 0, 0, 9, 0x20, 0x64, 0, 0x07, 0, 0, 0, 1, 0, 0, 0, 0], &inner]);
    let error4 = join(&[&[3, 1, 0, 0, 0, 0, 0, 0], &plain4()[..28]]);
    let chain = join(&[&[60, 0, 1, 4, 0, 0, 0, 0], &[6, 0, 1, 4, 0, 0, 0, 0], &tcp6(SYN, b"")]);
    let samples = [
        ("ipv4 tcp", ether(0x0800, &v4)),
        ("ipv6 udp", ether(0x86dd, &v6)),
        ("ipv4 options", ether(0x0800, &ip4_with(TCP, 1, 0, &[148, 4, 0, 0], &tcp4(SYN, b"")))),
        ("ipv6 chain", ether(0x86dd, &ip6(0, &chain))),
        ("arp", ether(0x0806, &[0; 28])),
        ("vlan", ether(0x8100, &join(&[&vlan(10, 0x0800), &v4]))),
        (
            "triple vlan",
            ether(0x88a8, &join(&[&vlan(10, 0x9100), &vlan(20, 0x8100), &vlan(30, 0x86dd), &v6])),
        ),
        (
            "snap",
            (
                LinkType::ETHERNET,
                ethernet((8 + v4.len()) as u16, &join(&[&[0xaa, 0xaa, 3, 0, 0, 0, 8, 0], &v4])),
            ),
        ),
        ("mpls", ether(0x8847, &join(&[&[0, 1, 0x40, 64], &[0, 1, 0x51, 64], &v4]))),
        ("mpls pseudo-wire", ether(0x8847, &join(&[&[0, 1, 0x51, 64], &[0; 4], &inner]))),
        (
            "pppoe",
            ether(
                0x8864,
                &join(&[&[0x11, 0, 0, 1], &((2 + v4.len()) as u16).to_be_bytes(), &[0, 0x21], &v4]),
            ),
        ),
        ("cisco metadata", ether(0x8909, &join(&[&[1, 1, 0, 1, 0, 9, 8, 0], &v4]))),
        ("vn-tag", ether(0x8926, &join(&[&[0, 0, 0, 1, 8, 0], &v4]))),
        ("provider backbone", ether(0x88e7, &join(&[&[0, 0, 0, 9], &inner]))),
        ("sll", (LinkType::SLL, join(&[&[0, 0, 0, 1, 0, 6, 2, 0, 0, 0, 0, 1, 0, 0, 8, 0], &v4]))),
        (
            "sll2",
            (
                LinkType::SLL2,
                join(&[&[0x86, 0xdd, 0, 0, 0, 0, 0, 2, 0, 1, 0, 6, 2, 0, 0, 0, 0, 1, 0, 0], &v6]),
            ),
        ),
        ("cisco hdlc", (LinkType::CISCO_HDLC, join(&[&[0x0f, 0, 8, 0], &v4]))),
        (
            "nflog",
            (
                LinkType::NFLOG,
                join(&[&[2, 0, 0, 20], &[5, 0, 10, 0, 1, 0, 0, 0], &[4 + v4.len() as u8, 0, 9, 0], &v4]),
            ),
        ),
        ("raw", (LinkType::RAW, v6.clone())),
        ("null", (LinkType::NULL, join(&[&[2, 0, 0, 0], &v4]))),
        ("loop", (LinkType::LOOP, join(&[&[0, 0, 0, 24], &v6]))),
        ("ppp", (LinkType::PPP, join(&[&[0xff, 3, 0, 0x21], &v4]))),
        ("ppp with direction", (LinkType::PPP_WITH_DIR, join(&[&[1, 0x57], &v6]))),
        ("4 in 4", ether(0x0800, &ip4(4, &v4))),
        ("6 in 4", ether(0x0800, &ip4(41, &v6))),
        ("gre", gre(0, 0x0800, &v4)),
        (
            "gre with all fields",
            gre(0xb000, 0x86dd, &join(&[&[0, 0, 0, 0], &[0, 0, 0, 5], &[0, 0, 0, 1], &v6])),
        ),
        ("gre routed", gre(0x4000, 0x0800, &join(&[&[0; 4], &[8, 0, 0, 4, 192, 0, 2, 9], &[0; 4], &v4]))),
        ("nvgre", gre(0x2000, 0x6558, &join(&[&[0, 0x12, 0x34, 0], &inner]))),
        ("erspan i", gre(0, 0x88be, &inner)),
        ("erspan ii", gre(0x1000, 0x88be, &erspan2)),
        ("erspan iii", gre(0x1000, 0x22eb, &erspan3)),
        ("vxlan", over_udp(4789, &join(&[&[8, 0, 0, 0, 0, 0, 0x2a, 0], &inner]))),
        ("vxlan gpe", over_udp(4790, &join(&[&[0x0c, 0, 0, 1, 0, 0, 0x2a, 0], &v4]))),
        ("geneve", over_udp(6081, &join(&[&[1, 0, 0x65, 0x58, 0, 0, 0x2a, 0], &[1, 2, 3, 0], &inner]))),
        ("gtp-u", over_udp(2152, &join(&[&[0x30, 0xff, 0, v4.len() as u8, 0, 0, 0, 9], &v4]))),
        (
            "gtp-u with extensions",
            over_udp(
                2152,
                &join(&[
                    &[0x34, 0xff, 0, 8 + v4.len() as u8, 0, 0, 0, 9],
                    &[0, 0, 0, 0x85],
                    &[1, 0, 1, 0],
                    &v4,
                ]),
            ),
        ),
        (
            "teredo",
            over_udp(
                3544,
                &join(&[&[0, 1, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 0], &[0, 0, 1, 2, 3, 4, 5, 6], &v6]),
            ),
        ),
        ("icmp error", ether(0x0800, &turned(ip4(1, &error4)))),
        ("sctp", ether(0x0800, &ip4(132, &[0x0b, 0x59, 0x0b, 0x59, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 4]))),
        ("fragment", ether(0x0800, &ip4_with(UDP, 9, 0x2000, &[], &[0; 16]))),
        ("fragment of ipv6", ether(0x86dd, &ip6(44, &join(&[&fragment6(UDP, 9, 8, false), &[0; 9]])))),
    ];
    samples.into_iter().map(|(name, (link, bytes))| (name, link, bytes)).collect()
}
