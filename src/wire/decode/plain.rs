//! The shortest way, for the frames that most captures are made of: Ethernet, at most one 802.1Q tag, IPv4 without options,
//! whole, and TCP or UDP without a tunnel inside.
//!
//! It says the same as the walk (`walk`), or nothing: the walk is its oracle in the tests. It exists because the walk's
//! loops and detours cost three times as much on such a frame.

use std::net::{IpAddr, Ipv4Addr};

use crate::ground::model::{
    address::{Mac, Transport},
    decoded::{Decoded, LinkFacts, Outers, PacketMarks, PayloadHome, TcpFlags, TcpHead, Vlans},
    key::{Encap, Endpoint, Tuple},
    packet::{LinkType, PacketHead},
};

use super::{
    Decodings,
    digest::digest,
    link::ether_type,
    network::Network,
    transport::{checksum_holds, is_signed},
    tunnel,
};

const ETHERNET_LEN: usize = 14;
const VLAN_LEN: usize = 4;
const IPV4_LEN: usize = 20;
/// Version 4, five words of header.
const IPV4_PLAIN: u8 = 0x45;

/// Reads a plain frame into `out`; false when it is none, and `out` is then as good as before.
#[inline]
pub(super) fn read(frame: &[u8], head: &PacketHead, out: &mut Decodings) -> bool {
    if head.link != LinkType::ETHERNET {
        return false;
    }
    let Some(framing) = Framing::of(frame) else { return false };
    let at = framing.ip_at;
    let Some(ip) = frame.get(at..).and_then(|rest| rest.first_chunk::<IPV4_LEN>()) else { return false };
    let &[
        version,
        _,
        len_0,
        len_1,
        id_0,
        id_1,
        fragment_0,
        fragment_1,
        ttl,
        protocol,
        _,
        _,
        a,
        b,
        c,
        d,
        e,
        f,
        g,
        h,
    ] = ip;
    let end = at + usize::from(u16::from_be_bytes([len_0, len_1]));
    // Neither more fragments nor an offset; the bit for "don't fragment" is as it likes.
    let is_whole = fragment_0 & 0x3f == 0 && fragment_1 == 0;
    if version != IPV4_PLAIN || !is_whole || frame.len() < end {
        return false;
    }
    let payload_at = at + IPV4_LEN;
    let Some(content) = frame.get(payload_at..end) else { return false };
    let network = Network {
        source: IpAddr::V4(Ipv4Addr::new(a, b, c, d)),
        target: IpAddr::V4(Ipv4Addr::new(e, f, g, h)),
        is_v4: true,
        ttl,
        ip_id: u16::from_be_bytes([id_0, id_1]),
        protocol,
        header_at: at,
        payload_at,
        end,
        wire_end: end,
        marks: PacketMarks::default(),
        fragment: None,
    };
    let Some(transport) = (match Transport(protocol) {
        Transport::TCP => Segment::tcp(content),
        Transport::UDP => Segment::udp(content),
        _ => None,
    }) else {
        return false;
    };
    let mut marks = PacketMarks::default();
    if !checksum_holds(content.get(..transport.len).unwrap_or(content), &network) {
        marks.add(PacketMarks::BAD_CHECKSUM);
    }
    let [source, target] = transport.ports;
    let payload_len = (transport.len - transport.header_len) as u32;
    let Some(decoded) = out.inner.flow_slot() else { return false };
    *decoded = Decoded {
        head: *head,
        tuple: Tuple {
            source: Endpoint { addr: network.source, port: source },
            target: Endpoint { addr: network.target, port: target },
            transport: Transport(protocol),
        },
        encap: Encap::default(),
        link: framing.link,
        ttl,
        ip_id: network.ip_id,
        tcp: transport.tcp,
        icmp: None,
        about: None,
        payload_at: (payload_at + transport.header_len) as u32,
        payload_len,
        payload_wire_len: payload_len,
        payload_home: PayloadHome::Frame,
        digest: digest(frame, &network),
        marks,
        carrier: None,
        layer: 0,
        outers: Outers(None),
        fragments_wire_bytes: 0,
        fragments_captured_bytes: 0,
        fragments: 0,
    };
    transport.tcp.is_some() || tunnel::inside(frame, &network, decoded).is_none()
}

/// The link layer of a plain frame.
struct Framing {
    link: LinkFacts,
    ip_at: usize,
}

impl Framing {
    #[inline]
    fn of(frame: &[u8]) -> Option<Self> {
        let &[a, b, c, d, e, f, g, h, i, j, k, l, kind_0, kind_1] = frame.first_chunk::<ETHERNET_LEN>()?;
        let mut link = LinkFacts {
            macs: Some([Mac([g, h, i, j, k, l]), Mac([a, b, c, d, e, f])]),
            vlans: Vlans::default(),
        };
        match u16::from_be_bytes([kind_0, kind_1]) {
            ether_type::IPV4 => Some(Self { link, ip_at: ETHERNET_LEN }),
            ether_type::VLAN => {
                let &[tag_0, tag_1, kind_0, kind_1] = frame.get(ETHERNET_LEN..)?.first_chunk::<VLAN_LEN>()?;
                link.vlans.push(u16::from_be_bytes([tag_0, tag_1]));
                let is_ipv4 = u16::from_be_bytes([kind_0, kind_1]) == ether_type::IPV4;
                is_ipv4.then_some(Self { link, ip_at: ETHERNET_LEN + VLAN_LEN })
            }
            _ => None,
        }
    }
}

/// What stands behind the IP header.
struct Segment {
    ports: [u16; 2],
    header_len: usize,
    /// Header and payload.
    len: usize,
    tcp: Option<TcpHead>,
}

impl Segment {
    /// RFC 9293 section 3.1.
    #[inline]
    fn tcp(content: &[u8]) -> Option<Self> {
        let &[p, q, r, s, s0, s1, s2, s3, a0, a1, a2, a3, offset, flags, w0, w1, ..] =
            content.first_chunk::<20>()?;
        let header_len = usize::from(offset >> 4) * 4;
        if header_len < 20 || header_len > content.len() {
            return None;
        }
        let head = TcpHead {
            seq: u32::from_be_bytes([s0, s1, s2, s3]),
            ack: u32::from_be_bytes([a0, a1, a2, a3]),
            flags: TcpFlags(u16::from_be_bytes([offset & 0x0f, flags])),
            window: u16::from_be_bytes([w0, w1]),
            signed: header_len > 20 && is_signed(content.get(20..header_len)?),
        };
        let ports = [u16::from_be_bytes([p, q]), u16::from_be_bytes([r, s])];
        Some(Self { ports, header_len, len: content.len(), tcp: Some(head) })
    }

    /// RFC 768.
    #[inline]
    fn udp(content: &[u8]) -> Option<Self> {
        let &[p, q, r, s, len_0, len_1, _, _] = content.first_chunk::<8>()?;
        let len = match usize::from(u16::from_be_bytes([len_0, len_1])) {
            0 => content.len(),
            1..8 => return None,
            len => len.min(content.len()),
        };
        let ports = [u16::from_be_bytes([p, q]), u16::from_be_bytes([r, s])];
        Some(Self { ports, header_len: 8, len, tcp: None })
    }
}
