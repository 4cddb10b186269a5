//! IPv4 and IPv6 headers with what hangs on them, read into one shape.

use std::net::IpAddr;

use etherparse::{
    IpAuthHeaderSlice, Ipv4HeaderSlice, Ipv6FragmentHeaderSlice, Ipv6HeaderSlice, Ipv6RawExtHeaderSlice, err,
};

use crate::ground::model::{address::Transport, decoded::PacketMarks, limits::IPV6_EXTENSIONS_MAX};

use super::cursor::{Cursor, Refusal};

/// An IP header, its options and extension headers, and where its payload lies in the home.
#[derive(Clone, Copy, Debug)]
pub(super) struct Network {
    /// Sender.
    pub(super) source: IpAddr,
    /// Receiver as the header says; the last one only when nothing is source-routed.
    pub(super) target: IpAddr,
    pub(super) is_v4: bool,
    pub(super) ttl: u8,
    /// IPv4 identification; 0 for IPv6.
    pub(super) ip_id: u16,
    /// The protocol at `payload_at`.
    pub(super) protocol: u8,
    /// Where the IP header begins.
    pub(super) header_at: usize,
    /// Where the payload begins: behind options and extension headers.
    pub(super) payload_at: usize,
    /// Where the captured payload ends.
    pub(super) end: usize,
    /// Where the payload ends on the wire by the IP length.
    pub(super) wire_end: usize,
    /// What the headers say against the packet.
    pub(super) marks: PacketMarks,
    /// There when this is a piece of a datagram: the payload is that piece.
    pub(super) fragment: Option<Fragment>,
}

/// Where a piece belongs in its datagram.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fragment {
    /// The datagram's number for these two ends.
    pub(super) id: u32,
    /// Bytes before it in the datagram's payload.
    pub(super) offset: u32,
    /// More pieces follow.
    pub(super) more: bool,
    /// Where the headers end that every piece repeats.
    pub(super) repeated_end: usize,
    /// Where, in these headers, the type of what follows stands.
    pub(super) next_at: usize,
}

impl Network {
    /// True when the packet's own length is not beyond what the layer around it holds: what accident rarely gives.
    pub(super) const fn fits(&self, around: &Cursor<'_>) -> bool {
        self.wire_end <= around.wire_end && !self.marks.has(PacketMarks::IP_LEN_ZERO)
    }

    /// True when the payload is there to its last byte.
    pub(super) const fn is_whole(&self) -> bool {
        self.end >= self.wire_end
    }
}

/// Reads an IPv4 packet (RFC 791).
#[inline(always)]
pub(super) fn ipv4(mut cursor: Cursor<'_>) -> Result<Network, Refusal> {
    let header = match Ipv4HeaderSlice::from_slice(cursor.rest()) {
        Ok(header) => header,
        Err(err::ipv4::HeaderSliceError::Len(_)) => return Err(cursor.short()),
        Err(err::ipv4::HeaderSliceError::Content(_)) => return Err(cursor.bad()),
    };
    let header_at = cursor.at;
    let header_len = header.slice().len();
    let mut marks = PacketMarks::default();
    match usize::from(header.total_len()) {
        // Segmentation offload on the capturing host leaves the length to the card (THREATS R23).
        0 => marks.add(PacketMarks::IP_LEN_ZERO),
        len if len < header_len => return Err(cursor.bad()),
        len => cursor.end_at_ip_len(len),
    }
    if header_len > 20 && is_source_routed(header.options()) {
        marks.add(PacketMarks::SOURCE_ROUTED);
    }
    let offset = u32::from(header.fragments_offset().value()) * 8;
    let more = header.more_fragments();
    cursor.at += header_len;
    let mut network = Network {
        source: IpAddr::V4(header.source_addr()),
        target: IpAddr::V4(header.destination_addr()),
        is_v4: true,
        ttl: header.ttl(),
        ip_id: header.identification(),
        protocol: header.protocol().0,
        header_at,
        payload_at: cursor.at,
        end: cursor.bytes.len().max(cursor.at),
        wire_end: cursor.wire_end.max(cursor.at),
        marks,
        fragment: None,
    };
    if more || offset > 0 {
        network.fragment = Some(Fragment {
            id: u32::from(network.ip_id),
            offset,
            more,
            repeated_end: cursor.at,
            next_at: header_at + 9,
        });
    } else if network.protocol == Transport::AH.0 {
        extensions(&mut network, cursor, header_at + 9);
    }
    Ok(network)
}

/// True when loose or strict source routing is among the options (RFC 791 section 3.1).
fn is_source_routed(mut options: &[u8]) -> bool {
    const END: u8 = 0;
    const NOTHING: u8 = 1;
    const LOOSE: u8 = 131;
    const STRICT: u8 = 137;
    loop {
        options = match options {
            [] | [END, ..] => return false,
            [LOOSE | STRICT, ..] => return true,
            [NOTHING, rest @ ..] => rest,
            [_, len, ..] if *len >= 2 => options.get(usize::from(*len)..).unwrap_or(&[]),
            _ => return false,
        }
    }
}

/// Reads an IPv6 packet (RFC 8200).
pub(super) fn ipv6(mut cursor: Cursor<'_>) -> Result<Network, Refusal> {
    let header = match Ipv6HeaderSlice::from_slice(cursor.rest()) {
        Ok(header) => header,
        Err(err::ipv6::HeaderSliceError::Len(_)) => return Err(cursor.short()),
        Err(err::ipv6::HeaderSliceError::Content(_)) => return Err(cursor.bad()),
    };
    let header_at = cursor.at;
    let mut marks = PacketMarks::default();
    match usize::from(header.payload_length()) {
        // A jumbogram (RFC 2675) or segmentation offload, unless nothing is announced and nothing follows.
        0 if header.next_header().0 == NO_NEXT_HEADER => cursor.end_at_ip_len(40),
        0 => marks.add(PacketMarks::IP_LEN_ZERO),
        len => cursor.end_at_ip_len(40 + len),
    }
    cursor.at += 40;
    let mut network = Network {
        source: IpAddr::V6(header.source_addr()),
        target: IpAddr::V6(header.destination_addr()),
        is_v4: false,
        ttl: header.hop_limit(),
        ip_id: 0,
        protocol: header.next_header().0,
        header_at,
        payload_at: cursor.at,
        end: cursor.bytes.len().max(cursor.at),
        wire_end: cursor.wire_end.max(cursor.at),
        marks,
        fragment: None,
    };
    extensions(&mut network, cursor, header_at + 6);
    Ok(network)
}

/// Follows the chain of extension headers to the first header that is none, at most `IPV6_EXTENSIONS_MAX` of them.
///
/// A chain that is cut, broken or too long ends the walk: the protocol is then the header that was not read, and the
/// packet stands for its addresses.
fn extensions(network: &mut Network, mut cursor: Cursor<'_>, mut next_at: usize) {
    for _ in 0..IPV6_EXTENSIONS_MAX {
        let rest = cursor.rest();
        let (len, next) = match network.protocol {
            FRAGMENT if !network.is_v4 => match Ipv6FragmentHeaderSlice::from_slice(rest) {
                Ok(header) if header.is_fragmenting_payload() => {
                    network.protocol = header.next_header().0;
                    network.payload_at = cursor.at + 8;
                    network.fragment = Some(Fragment {
                        id: header.identification(),
                        offset: u32::from(header.fragment_offset().value()) * 8,
                        more: header.more_fragments(),
                        repeated_end: cursor.at,
                        next_at,
                    });
                    return;
                }
                // An atomic fragment (RFC 6946): a packet in one piece.
                Ok(header) => (8, header.next_header().0),
                Err(_) => return network.marks.add(PacketMarks::NO_TRANSPORT),
            },
            AUTHENTICATION => match IpAuthHeaderSlice::from_slice(rest) {
                Ok(header) => (header.slice().len(), header.next_header().0),
                Err(_) => return network.marks.add(PacketMarks::NO_TRANSPORT),
            },
            HOP_BY_HOP | ROUTING | DESTINATION | MOBILITY | HOST_IDENTITY | SHIM6 if !network.is_v4 => {
                let Ok(header) = Ipv6RawExtHeaderSlice::from_slice(rest) else {
                    return network.marks.add(PacketMarks::NO_TRANSPORT);
                };
                let next = header.next_header().0;
                // These three speak for themselves when nothing follows (RFC 6275, 7401, 5533).
                if next == NO_NEXT_HEADER && matches!(network.protocol, MOBILITY | HOST_IDENTITY | SHIM6) {
                    return;
                }
                // Type 0 (RFC 5095), and every type with segments left: the target is not the last one.
                if network.protocol == ROUTING
                    && let [kind, left, ..] = header.payload()
                    && (*kind == 0 || *left > 0)
                {
                    network.marks.add(PacketMarks::SOURCE_ROUTED);
                }
                (header.slice().len(), next)
            }
            _ => return,
        };
        next_at = cursor.at;
        cursor.at += len;
        network.payload_at = cursor.at;
        network.protocol = next;
    }
    if is_extension(network.protocol, network.is_v4) {
        network.marks.add(PacketMarks::NO_TRANSPORT);
        network.marks.add(PacketMarks::DEPTH_LIMIT);
    }
}

const fn is_extension(protocol: u8, is_v4: bool) -> bool {
    protocol == AUTHENTICATION
        || !is_v4
            && matches!(
                protocol,
                HOP_BY_HOP | ROUTING | FRAGMENT | DESTINATION | MOBILITY | HOST_IDENTITY | SHIM6
            )
}

impl Cursor<'_> {
    /// The packet that begins here is `len` bytes long by its own header, which may be more than there is.
    fn end_at_ip_len(&mut self, len: usize) {
        self.end_after(len);
        self.wire_end = self.at + len;
    }
}

const HOP_BY_HOP: u8 = 0;
const ROUTING: u8 = 43;
const FRAGMENT: u8 = 44;
const AUTHENTICATION: u8 = 51;
const NO_NEXT_HEADER: u8 = 59;
const DESTINATION: u8 = 60;
const MOBILITY: u8 = 135;
const HOST_IDENTITY: u8 = 139;
const SHIM6: u8 = 140;
