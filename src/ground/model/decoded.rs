//! One packet's headers, read once.

use std::sync::Arc;

use super::{
    address::Mac,
    key::{Encap, TunnelKind, Tuple},
    packet::PacketHead,
};

/// At most so many VLAN tags of a frame are kept; the count goes on (QinQ of any depth).
pub const VLANS_KEPT: usize = 4;

/// The VLAN ids of a frame, outermost first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Vlans {
    ids: [u16; VLANS_KEPT],
    count: u8,
}

impl Vlans {
    /// Adds the id of one more tag (12 bits, IEEE 802.1Q).
    pub fn push(&mut self, id: u16) {
        if let Some(slot) = self.ids.get_mut(usize::from(self.count)) {
            *slot = id & 0x0fff;
        }
        self.count = self.count.saturating_add(1);
    }

    /// The ids that were kept, outermost first.
    #[must_use]
    pub fn ids(&self) -> &[u16] {
        self.ids.get(..usize::from(self.count).min(VLANS_KEPT)).unwrap_or(&self.ids)
    }

    /// How many tags the frame had.
    #[must_use]
    pub const fn count(&self) -> u8 {
        self.count
    }
}

/// What the link layer said.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LinkFacts {
    /// Source and target address, where the link has them; all zero where it tells only the source.
    pub macs: Option<[Mac; 2]>,
    /// VLAN tags around the innermost IP header that belong to this layer.
    pub vlans: Vlans,
}

/// TCP flags as they stand in the 13th and 14th byte (RFC 9293 section 3.1), without the data offset.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct TcpFlags(pub u16);

impl TcpFlags {
    /// No more data from sender.
    pub const FIN: Self = Self(0x01);
    /// Synchronise sequence numbers.
    pub const SYN: Self = Self(0x02);
    /// Reset the connection.
    pub const RST: Self = Self(0x04);
    /// Push function.
    pub const PSH: Self = Self(0x08);
    /// Acknowledgment field is significant.
    pub const ACK: Self = Self(0x10);
    /// Urgent pointer field is significant.
    pub const URG: Self = Self(0x20);

    /// True when all bits of `other` are set.
    #[must_use]
    pub const fn has(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Both sets together.
    #[must_use]
    pub const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

/// The TCP header's fields that flows need.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TcpHead {
    /// Sequence number of the first payload byte (of SYN or FIN itself when set).
    pub seq: u32,
    /// Acknowledgment number; meaningless without ACK.
    pub ack: u32,
    /// The flags.
    pub flags: TcpFlags,
    /// The advertised window, unscaled.
    pub window: u16,
    /// A TCP-MD5 (RFC 2385) or TCP-AO (RFC 5925) option is there: a host that does not expect it drops the packet.
    pub signed: bool,
}

/// Where the payload's bytes lie.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum PayloadHome {
    /// In the frame itself.
    #[default]
    Frame,
    /// In a datagram that was put together from fragments.
    Datagram(Arc<[u8]>),
}

/// Things about one packet that make its bytes weaker evidence or that must be counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct PacketMarks(pub u16);

impl PacketMarks {
    /// The snaplen cut bytes off the payload or headers.
    pub const CUT: Self = Self(1);
    /// A transport checksum is present and wrong (offload on the capturing host makes this common).
    pub const BAD_CHECKSUM: Self = Self(1 << 1);
    /// Put together from fragments.
    pub const FROM_FRAGMENTS: Self = Self(1 << 2);
    /// Fragments overlapped (RFC 5722): what was put together may differ from what the host saw.
    pub const FRAG_OVERLAP: Self = Self(1 << 3);
    /// A fragment chain that never completed; the packet stands for its addresses only.
    pub const FRAG_INCOMPLETE: Self = Self(1 << 4);
    /// More layers than the decoder opens (`limits::TUNNEL_DEPTH_MAX`); judged by what was reached.
    pub const DEPTH_LIMIT: Self = Self(1 << 5);
    /// The IP length was zero (segmentation offload) and the captured length was taken instead.
    pub const IP_LEN_ZERO: Self = Self(1 << 6);
    /// IPv4 source routing or an IPv6 routing header type 0: the addresses are not the whole way.
    pub const SOURCE_ROUTED: Self = Self(1 << 7);
    /// The transport header is cut, malformed or missing: ports are 0 and mean nothing.
    pub const NO_TRANSPORT: Self = Self(1 << 8);
    /// The stamp jumped or was clamped.
    pub const TIME_ANOMALY: Self = Self(1 << 9);
    /// The first fragment ended inside the headers (RFC 1858, RFC 7112): filters on the way never saw the ports.
    pub const FRAG_TINY: Self = Self(1 << 10);

    /// True when all bits of `other` are set.
    #[must_use]
    pub const fn has(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Adds the bits of `other`.
    pub const fn add(&mut self, other: Self) {
        self.0 |= other.0;
    }
}

/// One packet of one flow: headers, and where its payload lies. No payload is copied.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Decoded {
    /// What the capture said.
    pub head: PacketHead,
    /// The innermost ends and protocol; for a carrier those of the outer layer.
    pub tuple: Tuple,
    /// Real tunnels around it.
    pub encap: Encap,
    /// MACs and VLANs of its own layer.
    pub link: LinkFacts,
    /// Time to live or hop limit.
    pub ttl: u8,
    /// IPv4 identification; 0 for IPv6.
    pub ip_id: u16,
    /// The TCP header, for TCP.
    pub tcp: Option<TcpHead>,
    /// ICMP type and code, for ICMP and ICMPv6.
    pub icmp: Option<[u8; 2]>,
    /// The ends of the packet that an ICMP error quotes, in that packet's own direction (RULES 11).
    pub about: Option<Tuple>,
    /// Offset of the payload in its home.
    pub payload_at: u32,
    /// Captured payload bytes.
    pub payload_len: u32,
    /// Payload bytes by the IP length: more than `payload_len` when the packet was cut.
    pub payload_wire_len: u32,
    /// Where the payload lies.
    pub payload_home: PayloadHome,
    /// Digest of everything from the IP header on but TTL, checksums and ECN (RULES 33).
    pub digest: u64,
    /// What weakens it.
    pub marks: PacketMarks,
    /// `Some` when this is an outer layer (RULES 18): judged and listed, outside the accounting identity.
    pub carrier: Option<TunnelKind>,
    /// Which outer layer of its frame this is, counted from the inside; 0 for the innermost packet.
    pub layer: u8,
    /// The outer layers around it, outermost first, at most `limits::TUNNEL_DEPTH_MAX`.
    pub outers: Outers,
    /// Bytes on the wire of the fragments that came before this frame (0 unless `FROM_FRAGMENTS`): RULES 18 counts
    /// fragments in the flow of their datagram.
    pub fragments_wire_bytes: u64,
    /// The same, captured bytes.
    pub fragments_captured_bytes: u64,
    /// How many frames came before this one in the same datagram.
    pub fragments: u32,
}

impl Decoded {
    /// The captured payload, given the frame it was decoded from.
    #[must_use]
    pub fn payload<'a>(&'a self, frame: &'a [u8]) -> &'a [u8] {
        let home = match &self.payload_home {
            PayloadHome::Frame => frame,
            PayloadHome::Datagram(bytes) => bytes,
        };
        let start = self.payload_at as usize;
        home.get(start..start + self.payload_len as usize).unwrap_or(&[])
    }
}

/// One outer layer, as it stays on the record.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Outer {
    /// What carried the inner packet.
    pub kind: TunnelKind,
    /// VNI, GRE key, ERSPAN session or TEID; 0 where there is none.
    pub id: u32,
    /// The outer ends.
    pub tuple: Tuple,
}

/// The outer layers of a packet, outermost first. Boxed: most packets have none.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Outers(pub Option<Box<[Outer]>>);

impl Outers {
    /// The layers, outermost first.
    #[must_use]
    pub fn layers(&self) -> &[Outer] {
        self.0.as_deref().unwrap_or(&[])
    }
}

/// Why a frame belongs to no flow. Every frame of the input is in a flow or under one of these (promise 2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum NoFlow {
    /// Address resolution (ARP, RARP).
    Arp,
    /// Link control that never leaves the wire: spanning tree, LLDP, LACP, CDP, pause frames, PPP control, loopback probes.
    LinkControl,
    /// MACsec: encrypted on the link (IEEE 802.1AE).
    Macsec,
    /// An LLC/SNAP protocol that is not IP.
    Llc,
    /// An EtherType we do not read.
    EtherType,
    /// A link type we do not read.
    LinkType,
    /// The capture was cut before the headers that make a flow were whole.
    CutHeader,
    /// A header that contradicts itself.
    BadHeader,
    /// A frame of zero bytes.
    Empty,
    /// More link-layer tags than the decoder follows.
    TooManyTags,
    /// A fragment whose datagram was given up for memory, after its addresses were judged.
    FragmentDropped,
}

impl NoFlow {
    /// All reasons, in the order of reports.
    pub const ALL: [Self; 11] = [
        Self::Arp,
        Self::LinkControl,
        Self::Macsec,
        Self::Llc,
        Self::EtherType,
        Self::LinkType,
        Self::CutHeader,
        Self::BadHeader,
        Self::Empty,
        Self::TooManyTags,
        Self::FragmentDropped,
    ];

    /// The code used in coverage and JSON.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Arp => "arp",
            Self::LinkControl => "link_control",
            Self::Macsec => "macsec",
            Self::Llc => "llc",
            Self::EtherType => "ethertype",
            Self::LinkType => "linktype",
            Self::CutHeader => "cut_header",
            Self::BadHeader => "bad_header",
            Self::Empty => "empty",
            Self::TooManyTags => "too_many_tags",
            Self::FragmentDropped => "fragment_dropped",
        }
    }

    /// True when the packet could have been IP and we could not tell: a blind spot (SK-Q09).
    #[must_use]
    pub const fn is_blind(self) -> bool {
        !matches!(self, Self::Arp | Self::LinkControl)
    }
}
