//! TCP, UDP, SCTP and ICMP headers, their checksums, and the packet that an ICMP error is about.

use std::net::{IpAddr, Ipv4Addr};

use etherparse::{TcpHeaderSlice, UdpHeaderSlice};

use crate::ground::model::{
    address::Transport,
    decoded::{Decoded, PacketMarks, TcpFlags, TcpHead},
    key::{Endpoint, Tuple},
};

use super::{
    checksum,
    cursor::Cursor,
    network::{self, Network},
};

/// Reads the header behind `network` into `decoded`: ports, flags, type and code, and where the payload lies.
///
/// What cannot be read leaves the ports at 0 and says so ([`PacketMarks::NO_TRANSPORT`]).
#[inline]
pub(super) fn read(bytes: &[u8], network: &Network, decoded: &mut Decoded) {
    let content = bytes.get(network.payload_at..network.end).unwrap_or(&[]);
    let wire_len = network.wire_end - network.payload_at;
    decoded.tuple = Tuple {
        source: Endpoint { addr: network.source, port: 0 },
        target: Endpoint { addr: network.target, port: 0 },
        transport: Transport(network.protocol),
    };
    decoded.tcp = None;
    decoded.icmp = None;
    decoded.about = None;
    if !network.is_whole() {
        decoded.marks.add(PacketMarks::CUT);
    }
    if network.marks.has(PacketMarks::NO_TRANSPORT) {
        return decoded.payload_behind(network, 0, wire_len);
    }
    let (header_len, content_len) = match Transport(network.protocol) {
        Transport::TCP => (tcp(content, decoded), wire_len),
        Transport::UDP => udp(content, wire_len, decoded),
        Transport::SCTP => (sctp(content, decoded), wire_len),
        Transport::ICMP | Transport::ICMPV6 => (icmp(content, decoded), wire_len),
        _ => (Some(0), wire_len),
    };
    let Some(header_len) = header_len.or_else(|| cut_ports(content, decoded)) else {
        decoded.marks.add(PacketMarks::NO_TRANSPORT);
        return decoded.payload_behind(network, 0, wire_len);
    };
    decoded.payload_behind(network, header_len, content_len);
    if network.is_whole()
        && !network.marks.has(PacketMarks::SOURCE_ROUTED)
        && !checksum_holds(content.get(..content_len).unwrap_or(content), network)
    {
        decoded.marks.add(PacketMarks::BAD_CHECKSUM);
    }
}

impl Decoded {
    /// The payload begins `header_len` bytes behind the network header; header and payload are `wire_len` bytes long
    /// on the wire.
    fn payload_behind(&mut self, network: &Network, header_len: usize, wire_len: usize) {
        let captured = (network.end - network.payload_at).min(wire_len);
        self.payload_at = clamp((network.payload_at + header_len).min(network.end));
        self.payload_len = clamp(captured.saturating_sub(header_len));
        self.payload_wire_len = clamp(wire_len.saturating_sub(header_len));
    }
}

/// A place or length in a home; homes are far below 4 GiB (`limits::RECORD_LEN_MAX`).
fn clamp(value: usize) -> u32 {
    u32::try_from(value).unwrap_or(u32::MAX)
}

/// RFC 9293. The header's length, unless its fixed part is not there or contradicts itself.
#[inline]
fn tcp(content: &[u8], decoded: &mut Decoded) -> Option<usize> {
    let Ok(header) = TcpHeaderSlice::from_slice(content) else {
        return tcp_without_options(content, decoded);
    };
    Some(tcp_fields(&header, decoded))
}

/// A snaplen of 54 cuts every option of Ethernet, IPv4 and TCP, and nothing that flows need.
#[cold]
fn tcp_without_options(content: &[u8], decoded: &mut Decoded) -> Option<usize> {
    let mut fixed = *content.first_chunk::<20>()?;
    let header_len = usize::from(*fixed.get(12)? >> 4) * 4;
    if header_len < 20 || !decoded.marks.has(PacketMarks::CUT) {
        return None;
    }
    *fixed.get_mut(12)? &= 0x0f;
    *fixed.get_mut(12)? |= 0x50;
    tcp_fields(&TcpHeaderSlice::from_slice(&fixed).ok()?, decoded);
    Some(header_len)
}

/// TCP, UDP and SCTP begin with their ports: a snaplen that leaves no more than these leaves the flow. The payload is taken
/// to begin behind the shortest header there is.
#[cold]
fn cut_ports(content: &[u8], decoded: &mut Decoded) -> Option<usize> {
    let shortest = match decoded.tuple.transport {
        Transport::TCP => 20,
        Transport::UDP => 8,
        Transport::SCTP => 12,
        _ => return None,
    };
    let [a, b, c, d] = *content.first_chunk()?;
    if content.len() >= shortest || !decoded.marks.has(PacketMarks::CUT) {
        return None;
    }
    decoded.tuple.source.port = u16::from_be_bytes([a, b]);
    decoded.tuple.target.port = u16::from_be_bytes([c, d]);
    Some(shortest)
}

#[inline(always)]
fn tcp_fields(header: &TcpHeaderSlice<'_>, decoded: &mut Decoded) -> usize {
    let bytes = header.slice();
    let flags = |at| bytes.get(at).copied().unwrap_or(0);
    decoded.tuple.source.port = header.source_port();
    decoded.tuple.target.port = header.destination_port();
    decoded.tcp = Some(TcpHead {
        seq: header.sequence_number(),
        ack: header.acknowledgment_number(),
        flags: TcpFlags(u16::from_be_bytes([flags(12) & 0x0f, flags(13)])),
        window: header.window_size(),
        signed: bytes.len() > 20 && is_signed(header.options()),
    });
    bytes.len()
}

/// True when a signature is among the options: TCP-MD5 (RFC 2385) or TCP-AO (RFC 5925).
pub(super) fn is_signed(mut options: &[u8]) -> bool {
    const END: u8 = 0;
    const NOTHING: u8 = 1;
    const MD5: u8 = 19;
    const AUTHENTICATION: u8 = 29;
    loop {
        options = match options {
            [] | [END, ..] => return false,
            [MD5 | AUTHENTICATION, ..] => return true,
            [NOTHING, rest @ ..] => rest,
            [_, len, ..] if *len >= 2 => options.get(usize::from(*len)..).unwrap_or(&[]),
            _ => return false,
        }
    }
}

/// RFC 768. The header's length, and that of header and payload by UDP's own length: what IP holds beyond it is not
/// payload. 0 means "as long as IP says" (RFC 2675 section 4, and offload); less than a header is no UDP.
fn udp(content: &[u8], wire_len: usize, decoded: &mut Decoded) -> (Option<usize>, usize) {
    let Ok(header) = UdpHeaderSlice::from_slice(content) else { return (None, wire_len) };
    let len = match usize::from(header.length()) {
        0 => wire_len,
        1..8 => return (None, wire_len),
        len => len.min(wire_len),
    };
    decoded.tuple.source.port = header.source_port();
    decoded.tuple.target.port = header.destination_port();
    (Some(8), len)
}

/// RFC 9260 section 3.1: the common header.
fn sctp(content: &[u8], decoded: &mut Decoded) -> Option<usize> {
    let (head, _) = content.split_first_chunk::<12>()?;
    let [a, b, c, d, ..] = *head;
    decoded.tuple.source.port = u16::from_be_bytes([a, b]);
    decoded.tuple.target.port = u16::from_be_bytes([c, d]);
    Some(12)
}

/// RFC 792 and 4443: type, code, checksum, four bytes by type.
fn icmp(content: &[u8], decoded: &mut Decoded) -> Option<usize> {
    let (head, quoted) = content.split_first_chunk::<8>()?;
    let [kind, code, ..] = *head;
    decoded.icmp = Some([kind, code]);
    // Unreachable, source quench, redirect, time exceeded, parameter problem; in ICMPv6 all errors are below 128.
    let is_error = match Transport(decoded.tuple.transport.0) {
        Transport::ICMP => matches!(kind, 3 | 4 | 5 | 11 | 12),
        _ => matches!(kind, 1..=4),
    };
    if is_error {
        // An error goes back to who sent what it quotes (RFC 792, RFC 4443 section 2.2); what goes elsewhere is a packet
        // like any other.
        decoded.about = about(quoted).filter(|about| about.source.addr == decoded.tuple.target.addr);
    }
    Some(8)
}

/// The ends of the packet that is quoted, as far as the quotation goes: its first 8 bytes at least (RFC 792).
fn about(quoted: &[u8]) -> Option<Tuple> {
    let cursor = Cursor { bytes: quoted, at: 0, wire_end: usize::MAX, number: 0 };
    let network = match quoted.first()? >> 4 {
        4 => network::ipv4(cursor).ok()?,
        6 => network::ipv6(cursor).ok()?,
        _ => return None,
    };
    let transport = Transport(network.protocol);
    let has_ports = transport.has_ports()
        && !network.marks.has(PacketMarks::NO_TRANSPORT)
        && network.fragment.is_none_or(|fragment| fragment.offset == 0);
    let ports = quoted.get(network.payload_at..).and_then(|rest| rest.first_chunk::<4>());
    let (source, target) = match ports {
        Some([a, b, c, d]) if has_ports => (u16::from_be_bytes([*a, *b]), u16::from_be_bytes([*c, *d])),
        _ => (0, 0),
    };
    Some(Tuple {
        source: Endpoint { addr: network.source, port: source },
        target: Endpoint { addr: network.target, port: target },
        transport,
    })
}

/// True unless a checksum is there and wrong. `content` is the whole segment, datagram or message.
#[inline]
pub(super) fn checksum_holds(content: &[u8], network: &Network) -> bool {
    let pseudo = match Transport(network.protocol) {
        Transport::TCP | Transport::ICMPV6 => pseudo_header(content.len(), network),
        // RFC 768: all zero means that the sender made none.
        Transport::UDP if content.get(6..8) == Some(&[0, 0]) => return true,
        Transport::UDP => pseudo_header(content.len(), network),
        Transport::ICMP => 0,
        _ => return true,
    };
    checksum::holds(checksum::add(pseudo, checksum::sum(content)))
}

/// The sum over the ends, the protocol and the length (RFC 9293 section 3.1, RFC 8200 section 8.1).
#[inline]
fn pseudo_header(len: usize, network: &Network) -> u64 {
    let ends = match (network.source, network.target) {
        (IpAddr::V4(source), IpAddr::V4(target)) => {
            let word = |addr: Ipv4Addr| u64::from(u32::from_ne_bytes(addr.octets()));
            word(source) + word(target)
        }
        (IpAddr::V6(source), IpAddr::V6(target)) => {
            checksum::add(checksum::sum(&source.octets()), checksum::sum(&target.octets()))
        }
        _ => 0,
    };
    let len = u64::from(u32::from_ne_bytes(clamp(len).to_be_bytes()));
    checksum::add(ends, len + u64::from(u16::from_ne_bytes([0, network.protocol])))
}
