//! The way from a link type to the IP header: tags, labels and framings, in a loop with a bound.

use crate::ground::model::{
    address::Mac,
    decoded::{LinkFacts, NoFlow},
    limits::LINK_TAGS_MAX,
    packet::LinkType,
};

use super::{
    cooked,
    cursor::{Cursor, Refusal},
    network::{self, Network},
};

/// What stands where the cursor points.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Layer {
    /// An Ethernet header: two addresses and a type.
    Ethernet,
    /// The content of an EtherType.
    EtherType(u16),
    /// An LLC header (IEEE 802.2).
    Llc,
    /// A PPP frame, with or without address and control bytes, or Cisco HDLC.
    Ppp,
    /// A PPPoE header (RFC 2516).
    Pppoe,
    /// An MPLS label stack (RFC 3032).
    Mpls,
    /// A 4-byte BSD address family.
    Family,
    /// Linux cooked capture, version 1.
    Sll,
    /// Linux cooked capture, version 2.
    Sll2,
    /// A Netfilter log message.
    Nflog,
    /// IP of the version its first nibble says.
    Ip,
    /// IPv4.
    Ipv4,
    /// IPv6.
    Ipv6,
}

impl Layer {
    /// The first layer of a link type, and how many bytes of no interest stand before it.
    pub(super) const fn first(link: LinkType) -> Option<(Self, usize)> {
        Some(match link {
            LinkType::ETHERNET => (Self::Ethernet, 0),
            LinkType::NULL | LinkType::LOOP => (Self::Family, 0),
            LinkType::RAW_BSD | LinkType::RAW_OPENBSD | LinkType::RAW => (Self::Ip, 0),
            LinkType::IPV4 => (Self::Ipv4, 0),
            LinkType::IPV6 => (Self::Ipv6, 0),
            LinkType::PPP | LinkType::PPP_HDLC | LinkType::CISCO_HDLC => (Self::Ppp, 0),
            LinkType::PPP_WITH_DIR => (Self::Ppp, 1),
            LinkType::PPP_ETHER => (Self::Pppoe, 0),
            LinkType::SLL => (Self::Sll, 0),
            LinkType::SLL2 => (Self::Sll2, 0),
            LinkType::NFLOG => (Self::Nflog, 0),
            _ => return None,
        })
    }
}

/// Walks from `layer` to the IP header and reads it. MACs and VLANs on the way are written to `link`.
#[inline]
pub(super) fn reach(
    mut cursor: Cursor<'_>,
    mut layer: Layer,
    link: &mut LinkFacts,
) -> Result<Network, Refusal> {
    // One round for the frame's own header and one for IP beside the tags.
    for _ in 0..LINK_TAGS_MAX + 2 {
        layer = match layer {
            Layer::Ethernet => {
                let [target, source]: [[u8; 6]; 2] = pair(cursor.array(0)?);
                let kind = cursor.u16(12)?;
                link.macs = Some([Mac(source), Mac(target)]);
                cursor.at += 14;
                cursor.number = kind;
                Layer::EtherType(kind)
            }
            Layer::EtherType(ether_type::IPV4) | Layer::Ipv4 => return network::ipv4(cursor),
            Layer::EtherType(ether_type::IPV6) | Layer::Ipv6 => return network::ipv6(cursor),
            other => step(&mut cursor, other, link)?,
        };
    }
    Err(Refusal(NoFlow::TooManyTags, cursor.number))
}

const fn pair(bytes: [u8; 12]) -> [[u8; 6]; 2] {
    let [a, b, c, d, e, f, g, h, i, j, k, l] = bytes;
    [[a, b, c, d, e, f], [g, h, i, j, k, l]]
}

/// Reads one layer that is not on the shortest way.
#[inline(never)]
fn step(cursor: &mut Cursor<'_>, layer: Layer, link: &mut LinkFacts) -> Result<Layer, Refusal> {
    match layer {
        Layer::EtherType(kind) => {
            cursor.number = kind;
            tagged(cursor, kind, link)
        }
        Layer::Llc => llc(cursor),
        Layer::Ppp => ppp(cursor),
        Layer::Pppoe => pppoe(cursor),
        Layer::Mpls => mpls(cursor),
        Layer::Family => cooked::family(cursor),
        Layer::Sll => cooked::sll(cursor, link),
        Layer::Sll2 => cooked::sll2(cursor, link),
        Layer::Nflog => cooked::nflog(cursor),
        Layer::Ip => match cursor.u8(0)? >> 4 {
            4 => Ok(Layer::Ipv4),
            6 => Ok(Layer::Ipv6),
            _ => Err(cursor.bad()),
        },
        Layer::Ethernet | Layer::Ipv4 | Layer::Ipv6 => Ok(layer),
    }
}

/// What an EtherType announces, IP excepted.
fn tagged(cursor: &mut Cursor<'_>, kind: u16, link: &mut LinkFacts) -> Result<Layer, Refusal> {
    match kind {
        ether_type::VLAN | ether_type::QINQ | ether_type::VLAN_9100 | ether_type::VLAN_9200 => {
            link.vlans.push(cursor.u16(0)?);
            forward(cursor, 4)
        }
        ether_type::MPLS | ether_type::MPLS_MULTICAST => Ok(Layer::Mpls),
        ether_type::PPPOE_SESSION => Ok(Layer::Pppoe),
        // Version, length in 32-bit words of the options, the options (a security group tag), the type.
        ether_type::CISCO_METADATA => {
            let words = usize::from(cursor.u8(1)?);
            forward(cursor, 4 + 4 * words.max(1))
        }
        ether_type::VN_TAG => forward(cursor, 6),
        // IEEE 802.1ah: the I-TAG's flags and service id, then the customer's own frame.
        ether_type::PROVIDER_BACKBONE => {
            cursor.u32(0)?;
            cursor.at += 4;
            Ok(Layer::Ethernet)
        }
        ether_type::PPP => Ok(Layer::Ppp),
        ether_type::TRANSPARENT_ETHERNET => Ok(Layer::Ethernet),
        // Below 1,536 it is a length (IEEE 802.3 section 3.2.6); some bridges write 0x8870 for long LLC frames.
        0..=0x05ff => {
            cursor.end_after(usize::from(kind));
            Ok(Layer::Llc)
        }
        ether_type::JUMBO_LLC => Ok(Layer::Llc),
        ether_type::ARP | ether_type::RARP => Err(Refusal(NoFlow::Arp, kind)),
        ether_type::MACSEC => Err(Refusal(NoFlow::Macsec, kind)),
        ether_type::PPPOE_DISCOVERY
        | ether_type::SLOW
        | ether_type::PAUSE
        | ether_type::EAPOL
        | ether_type::LLDP
        | ether_type::REALTEK
        | ether_type::CFM
        | ether_type::LOOPBACK => Err(Refusal(NoFlow::LinkControl, kind)),
        _ => Err(Refusal(NoFlow::EtherType, kind)),
    }
}

/// Goes over a tag of `len` bytes whose last two are the type of what follows.
fn forward(cursor: &mut Cursor<'_>, len: usize) -> Result<Layer, Refusal> {
    let kind = cursor.u16(len - 2)?;
    cursor.at += len;
    Ok(Layer::EtherType(kind))
}

/// IEEE 802.2 LLC and SNAP.
fn llc(cursor: &mut Cursor<'_>) -> Result<Layer, Refusal> {
    let [target, source, control] = cursor.array(0)?;
    cursor.number = u16::from_be_bytes([target, source]);
    match (target, source, control) {
        (0xaa, 0xaa, 0x03) => {
            let [a, b, c] = cursor.array(3)?;
            let kind = cursor.u16(6)?;
            cursor.at += 8;
            cursor.number = kind;
            match [a, b, c] {
                // EtherTypes as they are, and as a bridge tunnels them (IEEE 802.1H).
                [0, 0, 0] | [0, 0, 0xf8] if kind >= 0x0600 => Ok(Layer::EtherType(kind)),
                // Cisco's own: CDP, VTP, DTP, UDLD, per-VLAN spanning tree.
                [0, 0, 0x0c] => Err(Refusal(NoFlow::LinkControl, kind)),
                _ => Err(Refusal(NoFlow::Llc, kind)),
            }
        }
        (0x06, 0x06, 0x03) => {
            cursor.at += 3;
            Ok(Layer::Ip)
        }
        (0x42, 0x42, _) => Err(Refusal(NoFlow::LinkControl, cursor.number)),
        _ => Err(Refusal(NoFlow::Llc, cursor.number)),
    }
}

/// PPP (RFC 1661, 1662), its protocol number in one byte or two, or Cisco HDLC.
fn ppp(cursor: &mut Cursor<'_>) -> Result<Layer, Refusal> {
    match cursor.array(0) {
        Ok([0xff, 0x03]) => cursor.at += 2,
        // Cisco HDLC: address 0x0f (unicast) or 0x8f (multicast), control 0, EtherType.
        Ok([0x0f | 0x8f, 0x00]) => return forward(cursor, 4),
        _ => {}
    }
    let first = cursor.u8(0)?;
    let protocol = if first & 1 == 1 {
        cursor.at += 1;
        u16::from(first)
    } else {
        let protocol = cursor.u16(0)?;
        cursor.at += 2;
        protocol
    };
    cursor.number = protocol;
    match protocol {
        0x0021 => Ok(Layer::Ipv4),
        0x0057 => Ok(Layer::Ipv6),
        0x0281 | 0x0283 => Ok(Layer::Mpls),
        // RFC 1661 section 2: network control from 0x8000, link control from 0xc000.
        0x8000.. => Err(Refusal(NoFlow::LinkControl, protocol)),
        _ => Err(Refusal(NoFlow::EtherType, protocol)),
    }
}

fn pppoe(cursor: &mut Cursor<'_>) -> Result<Layer, Refusal> {
    let [version, code] = cursor.array(0)?;
    let len = cursor.u16(4)?;
    if version != 0x11 {
        return Err(cursor.bad());
    }
    if code != 0 {
        return Err(Refusal(NoFlow::LinkControl, ether_type::PPPOE_DISCOVERY));
    }
    cursor.at += 6;
    cursor.end_after(usize::from(len));
    Ok(Layer::Ppp)
}

/// One label. What the last one carries is not written anywhere: IP where it reads as IP, else an Ethernet
/// pseudo-wire with or without a control word (RFC 4385, 4448), else nothing we could name.
fn mpls(cursor: &mut Cursor<'_>) -> Result<Layer, Refusal> {
    const GENERIC_ASSOCIATED_CHANNEL: u32 = 13;
    let entry = cursor.u32(0)?;
    cursor.at += 4;
    if entry & 0x100 == 0 {
        return Ok(Layer::Mpls);
    }
    if entry >> 12 == GENERIC_ASSOCIATED_CHANNEL {
        return Err(Refusal(NoFlow::LinkControl, ether_type::MPLS));
    }
    let after = |len| Cursor { at: cursor.at + len, ..*cursor };
    match cursor.u8(0)? >> 4 {
        4 if fits_ipv4(cursor) => return Ok(Layer::Ipv4),
        6 if network::ipv6(*cursor).is_ok_and(|packet| packet.fits(cursor)) => return Ok(Layer::Ipv6),
        0 if is_ethernet(after(4)) => {
            cursor.at += 4;
            return Ok(Layer::Ethernet);
        }
        1 => return Err(Refusal(NoFlow::LinkControl, ether_type::MPLS)),
        _ => {}
    }
    if is_ethernet(after(0)) {
        Ok(Layer::Ethernet)
    } else {
        Err(Refusal(NoFlow::EtherType, ether_type::MPLS))
    }
}

fn fits_ipv4(cursor: &Cursor<'_>) -> bool {
    network::ipv4(*cursor).is_ok_and(|packet| packet.fits(cursor))
}

/// True when the bytes read as an Ethernet header with a type that we know.
fn is_ethernet(cursor: Cursor<'_>) -> bool {
    let Ok(kind) = cursor.u16(12) else { return false };
    let inner = Cursor { at: cursor.at + 14, ..cursor };
    match kind {
        ether_type::IPV4 => fits_ipv4(&inner),
        ether_type::IPV6 => network::ipv6(inner).is_ok_and(|packet| packet.fits(&inner)),
        0..=0x05ff => usize::from(kind) <= inner.wire_left() && inner.wire_left() >= 3,
        _ => matches!(
            kind,
            ether_type::ARP
                | ether_type::RARP
                | ether_type::VLAN
                | ether_type::QINQ
                | ether_type::VLAN_9100
                | ether_type::MPLS
                | ether_type::PPPOE_SESSION
                | ether_type::PPPOE_DISCOVERY
                | ether_type::MACSEC
                | ether_type::SLOW
                | ether_type::EAPOL
                | ether_type::LLDP
                | ether_type::CFM
                | ether_type::LOOPBACK
        ),
    }
}

/// EtherTypes (IANA "IEEE 802 Numbers").
pub(super) mod ether_type {
    pub(crate) const IPV4: u16 = 0x0800;
    pub(crate) const ARP: u16 = 0x0806;
    pub(crate) const TRANSPARENT_ETHERNET: u16 = 0x6558;
    pub(crate) const RARP: u16 = 0x8035;
    pub(crate) const VLAN: u16 = 0x8100;
    pub(crate) const IPV6: u16 = 0x86dd;
    pub(crate) const PAUSE: u16 = 0x8808;
    pub(crate) const SLOW: u16 = 0x8809;
    pub(crate) const PPP: u16 = 0x880b;
    pub(crate) const WCCP: u16 = 0x883e;
    pub(crate) const MPLS: u16 = 0x8847;
    pub(crate) const MPLS_MULTICAST: u16 = 0x8848;
    pub(crate) const PPPOE_DISCOVERY: u16 = 0x8863;
    pub(crate) const PPPOE_SESSION: u16 = 0x8864;
    pub(crate) const JUMBO_LLC: u16 = 0x8870;
    pub(crate) const EAPOL: u16 = 0x888e;
    pub(crate) const REALTEK: u16 = 0x8899;
    pub(crate) const QINQ: u16 = 0x88a8;
    pub(crate) const ERSPAN: u16 = 0x88be;
    pub(crate) const LLDP: u16 = 0x88cc;
    pub(crate) const MACSEC: u16 = 0x88e5;
    pub(crate) const PROVIDER_BACKBONE: u16 = 0x88e7;
    pub(crate) const CFM: u16 = 0x8902;
    pub(crate) const CISCO_METADATA: u16 = 0x8909;
    pub(crate) const VN_TAG: u16 = 0x8926;
    pub(crate) const ERSPAN_III: u16 = 0x22eb;
    pub(crate) const LOOPBACK: u16 = 0x9000;
    pub(crate) const VLAN_9100: u16 = 0x9100;
    pub(crate) const VLAN_9200: u16 = 0x9200;
}
