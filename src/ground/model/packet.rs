//! A packet as the capture hands it over: its place in the input, its time and its two lengths.

use super::time::Timestamp;

/// The number of a frame in the whole ordered input, counted from 1 (RULES 13, 14).
///
/// It orders flows, DNS knowledge and events; two packets never share it, whatever their stamps say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ordinal(pub u64);

/// A sensor of the policy or of `--sensor`, as an index into the list that the run was started with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SensorId(pub u16);

impl SensorId {
    /// The input is bound to no sensor.
    pub const NONE: Self = Self(0);
}

/// An interface of the input, counted over all files in order; each classic pcap has one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct InterfaceId(pub u32);

/// A link type as the tcpdump registry numbers it (<https://www.tcpdump.org/linktypes.html>).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LinkType(pub u16);

impl LinkType {
    /// BSD loopback: a 4-byte family in the byte order of the capturing machine.
    pub const NULL: Self = Self(0);
    /// Ethernet II or 802.3.
    pub const ETHERNET: Self = Self(1);
    /// PPP in HDLC-like framing or bare.
    pub const PPP: Self = Self(9);
    /// Raw IP as some BSDs number it (12 and 14 are both found in files).
    pub const RAW_BSD: Self = Self(12);
    /// Raw IP as OpenBSD numbers it.
    pub const RAW_OPENBSD: Self = Self(14);
    /// PPP in HDLC-like framing (RFC 1662).
    pub const PPP_HDLC: Self = Self(50);
    /// PPPoE, starting at the PPPoE header.
    pub const PPP_ETHER: Self = Self(51);
    /// Raw IP, version from the first nibble.
    pub const RAW: Self = Self(101);
    /// Cisco HDLC: address, control, EtherType.
    pub const CISCO_HDLC: Self = Self(104);
    /// OpenBSD loopback: a 4-byte family in network order.
    pub const LOOP: Self = Self(108);
    /// Linux cooked capture, version 1.
    pub const SLL: Self = Self(113);
    /// PPP with a direction byte in front.
    pub const PPP_WITH_DIR: Self = Self(204);
    /// Raw IPv4.
    pub const IPV4: Self = Self(228);
    /// Raw IPv6.
    pub const IPV6: Self = Self(229);
    /// A Netfilter log message with the packet among its attributes.
    pub const NFLOG: Self = Self(239);
    /// Linux cooked capture, version 2.
    pub const SLL2: Self = Self(276);
}

/// What the capture says of a packet before anybody looks at its bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PacketHead {
    /// Place in the ordered input.
    pub ordinal: Ordinal,
    /// When the capture stamped it. Never used to order packets.
    pub at: Timestamp,
    /// Bytes on the wire.
    pub wire_len: u32,
    /// Bytes in the capture; less than `wire_len` when the snaplen cut the packet.
    pub captured_len: u32,
    /// Framing of the bytes.
    pub link: LinkType,
    /// Interface it was seen on.
    pub interface: InterfaceId,
    /// Sensor the interface is bound to.
    pub sensor: SensorId,
    /// Whole seconds since the first packet of its source (RULES 14, 25), never negative.
    pub source_age_secs: u32,
}
