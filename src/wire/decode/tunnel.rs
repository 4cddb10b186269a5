//! What other packets travel in. Each reader says where the inner packet would begin; whether one is there, the walk
//! finds out: a tunnel is open only when an IP header was reached inside.

use crate::ground::model::{
    address::Transport,
    decoded::{Decoded, LinkFacts, PacketMarks, Vlans},
    key::{Encap, TunnelKind},
};

use super::{
    cursor::{Cursor, Refusal},
    link::{Layer, ether_type},
    network::Network,
};

/// A tunnel header, and what stands behind it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tunnel<'a> {
    pub(super) kind: TunnelKind,
    /// VNI, GRE key, ERSPAN session or TEID; 0 where there is none.
    pub(super) id: u32,
    /// The number tells networks apart (RULES 17).
    pub(super) is_identity: bool,
    /// The first inner layer.
    pub(super) layer: Layer,
    /// Where it begins.
    pub(super) inside: Cursor<'a>,
    /// The tunnel runs over a port that others use too: open it only when the inner lengths fit.
    pub(super) is_guess: bool,
    /// A tag that the tunnel took off the inner frame.
    pub(super) vlan: Option<u16>,
}

impl<'a> Tunnel<'a> {
    fn new(kind: TunnelKind, layer: Layer, inside: Cursor<'a>) -> Self {
        Self { kind, id: 0, is_identity: false, layer, inside, is_guess: false, vlan: None }
    }

    /// The link layer of the inner packet, before its own headers are read.
    pub(super) fn link(&self) -> LinkFacts {
        let mut vlans = Vlans::default();
        if let Some(vlan) = self.vlan {
            vlans.push(vlan);
        }
        LinkFacts { macs: None, vlans }
    }

    /// The identity of what is inside, given that of what is around.
    pub(super) fn encap(&self, around: Encap) -> Encap {
        if !self.is_identity {
            return around;
        }
        let outer = if around.kind == TunnelKind::None { 0 } else { fold(around) };
        Encap { kind: self.kind, id: self.id, outer }
    }
}

/// One number for a chain of numbers, never 0. Whoever can choose the numbers of two chains so that they meet owns
/// both networks already.
fn fold(encap: Encap) -> u64 {
    let link = (encap.kind as u64) << 32 | u64::from(encap.id);
    // Odd multiplier from the golden ratio, as in Fibonacci hashing: neighbours end far apart.
    (encap.outer.rotate_left(23) ^ link).wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1
}

/// The tunnel that the layer just read may be. `decoded` is that layer with its ports and payload.
#[inline]
pub(super) fn inside<'a>(bytes: &'a [u8], network: &Network, decoded: &Decoded) -> Option<Tunnel<'a>> {
    const IPV4: u8 = 4;
    const IPV6: u8 = 41;
    const GRE: u8 = 47;
    if decoded.tuple.transport == Transport::TCP || decoded.marks.has(PacketMarks::NO_TRANSPORT) {
        return None;
    }
    let at = decoded.payload_at as usize;
    let inside = Cursor {
        bytes: bytes.get(..at + decoded.payload_len as usize)?,
        at,
        wire_end: at + decoded.payload_wire_len as usize,
        number: 0,
    };
    match network.protocol {
        IPV4 => Some(Tunnel::new(TunnelKind::Ip4InIp, Layer::Ipv4, inside)),
        IPV6 => Some(Tunnel::new(TunnelKind::Ip6InIp, Layer::Ipv6, inside)),
        GRE => gre(inside).ok()?,
        17 => over_udp(inside, decoded.tuple.source.port, decoded.tuple.target.port),
        _ => None,
    }
}

/// Tunnels over UDP are known by either port, since some send from it; what is inside must fit to the byte.
fn over_udp(inside: Cursor<'_>, source: u16, target: u16) -> Option<Tunnel<'_>> {
    let either = |port| source == port || target == port;
    let tunnel = if either(4789) || either(4790) || either(8472) {
        // 4790 is the generic extension's port; 8472 is what Linux took before IANA gave one.
        vxlan(inside)
    } else if either(6081) {
        geneve(inside)
    } else if either(2152) {
        gtp_u(inside)
    } else if either(3544) || is_teredo_between_peers(&inside) {
        teredo(inside)
    } else {
        return None;
    };
    tunnel.ok()?.map(|tunnel| Tunnel { is_guess: true, ..tunnel })
}

/// GRE (RFC 2784, 2890, the routing field of RFC 1701) and what rides on it.
fn gre(mut inside: Cursor<'_>) -> Result<Option<Tunnel<'_>>, Refusal> {
    const CHECKSUM: u16 = 0x8000;
    const ROUTING: u16 = 0x4000;
    const KEY: u16 = 0x2000;
    const SEQUENCE: u16 = 0x1000;
    const VERSION: u16 = 0x0007;
    let flags = inside.u16(0)?;
    let kind = inside.u16(2)?;
    match flags & VERSION {
        0 => {}
        1 => return enhanced_gre(inside, flags, kind),
        _ => return Ok(None),
    }
    inside.at += 4;
    if flags & (CHECKSUM | ROUTING) != 0 {
        inside.u32(0)?;
        inside.at += 4;
    }
    let key = if flags & KEY != 0 {
        let key = inside.u32(0)?;
        inside.at += 4;
        Some(key)
    } else {
        None
    };
    if flags & SEQUENCE != 0 {
        inside.u32(0)?;
        inside.at += 4;
    }
    if flags & ROUTING != 0 {
        // Source route entries: family, offset, length; family 0 with length 0 ends them. Each is 4 bytes or more.
        loop {
            let entry = inside.u32(0)?;
            inside.at += 4 + (entry & 0xff) as usize;
            if entry >> 16 == 0 && entry & 0xff == 0 {
                break;
            }
        }
    }
    Ok(match kind {
        ether_type::ERSPAN => erspan(inside, flags & SEQUENCE != 0)?,
        ether_type::ERSPAN_III => erspan_iii(inside)?,
        _ => {
            let layer = match kind {
                // WCCP puts four bytes of its own before IP in version 2, and none in version 1.
                ether_type::WCCP => {
                    if inside.u8(0)? >> 4 != 4 {
                        inside.at += 4;
                    }
                    Layer::Ipv4
                }
                kind => Layer::EtherType(kind),
            };
            let tunnel = Tunnel::new(TunnelKind::Gre, layer, inside);
            Some(Tunnel { id: key.unwrap_or(0), is_identity: key.is_some(), ..tunnel })
        }
    })
}

/// GRE version 1: PPTP (RFC 2637 section 4.1), whose PPP is read where it is in the clear, and MikroTik's EoIP, which
/// borrows its header. Their numbers are per direction or per call and are no identity.
fn enhanced_gre(mut inside: Cursor<'_>, flags: u16, kind: u16) -> Result<Option<Tunnel<'_>>, Refusal> {
    const SEQUENCE: u16 = 0x1000;
    const ACKNOWLEDGMENT: u16 = 0x0080;
    const EOIP: u16 = 0x6400;
    let number = inside.u16(6)?;
    inside.at += 8;
    let layer = match kind {
        ether_type::PPP => {
            inside.at += if flags & SEQUENCE != 0 { 4 } else { 0 };
            inside.at += if flags & ACKNOWLEDGMENT != 0 { 4 } else { 0 };
            Layer::Ppp
        }
        EOIP => Layer::Ethernet,
        _ => return Ok(None),
    };
    Ok(Some(Tunnel { id: u32::from(number), ..Tunnel::new(TunnelKind::Gre, layer, inside) }))
}

/// ERSPAN type I has no header of its own, type II has 8 bytes; GRE's sequence number tells them apart
/// (draft-foschiano-erspan-03 section 4).
fn erspan(mut inside: Cursor<'_>, has_sequence: bool) -> Result<Option<Tunnel<'_>>, Refusal> {
    if !has_sequence {
        return Ok(Some(Tunnel::new(TunnelKind::Erspan, Layer::Ethernet, inside)));
    }
    let head = inside.u32(0)?;
    if head >> 28 != 1 {
        return Ok(None);
    }
    inside.u32(4)?;
    inside.at += 8;
    Ok(Some(mirrored(head, Layer::Ethernet, inside)))
}

/// ERSPAN type III: 12 bytes, and 8 of the platform's own when the last bit says so.
fn erspan_iii(mut inside: Cursor<'_>) -> Result<Option<Tunnel<'_>>, Refusal> {
    let head = inside.u32(0)?;
    let tail = inside.u32(8)?;
    if head >> 28 != 2 {
        return Ok(None);
    }
    inside.at += if tail & 1 == 1 { 20 } else { 12 };
    let layer = match tail >> 10 & 0x1f {
        0 => Layer::Ethernet,
        2 => Layer::Ip,
        _ => return Ok(None),
    };
    Ok(Some(mirrored(head, layer, inside)))
}

/// The first word of types II and III: version, VLAN, class, how the tag was kept, session.
fn mirrored(head: u32, layer: Layer, inside: Cursor<'_>) -> Tunnel<'_> {
    const TAKEN_OFF: u32 = 2;
    let vlan = (head >> 11 & 3 == TAKEN_OFF).then_some((head >> 16 & 0x0fff) as u16);
    Tunnel { id: head & 0x03ff, vlan, ..Tunnel::new(TunnelKind::Erspan, layer, inside) }
}

/// VXLAN (RFC 7348), with the group policy bit that some switches set, and the generic extension, which names what it
/// carries (draft-ietf-nvo3-vxlan-gpe).
fn vxlan(mut inside: Cursor<'_>) -> Result<Option<Tunnel<'_>>, Refusal> {
    const VALID: u8 = 0x08;
    const NAMED: u8 = 0x04;
    const GROUP_POLICY: u8 = 0x80;
    let [flags, .., next] = inside.array::<4>(0)?;
    let vni = inside.u32(4)?;
    let layer = match (flags & !GROUP_POLICY, next) {
        (VALID, _) => Layer::Ethernet,
        (flags, 1) if flags == VALID | NAMED => Layer::Ipv4,
        (flags, 2) if flags == VALID | NAMED => Layer::Ipv6,
        (flags, 3) if flags == VALID | NAMED => Layer::Ethernet,
        _ => return Ok(None),
    };
    inside.at += 8;
    let tunnel = Tunnel::new(TunnelKind::Vxlan, layer, inside);
    Ok(Some(Tunnel { id: vni >> 8, is_identity: true, ..tunnel }))
}

/// GENEVE (RFC 8926 section 3.4).
fn geneve(mut inside: Cursor<'_>) -> Result<Option<Tunnel<'_>>, Refusal> {
    let first = inside.u8(0)?;
    let kind = inside.u16(2)?;
    let vni = inside.u32(4)?;
    if first >> 6 != 0 {
        return Ok(None);
    }
    inside.at += 8 + 4 * usize::from(first & 0x3f);
    let tunnel = Tunnel::new(TunnelKind::Geneve, Layer::EtherType(kind), inside);
    Ok(Some(Tunnel { id: vni >> 8, is_identity: true, ..tunnel }))
}

/// GTP-U version 1 (3GPP TS 29.281 section 5): only user packets, behind any extension headers.
fn gtp_u(mut inside: Cursor<'_>) -> Result<Option<Tunnel<'_>>, Refusal> {
    const USER_PACKET: u8 = 0xff;
    const EXTENSIONS: u8 = 0x04;
    const OPTIONAL: u8 = 0x07;
    let [flags, message] = inside.array(0)?;
    let len = inside.u16(2)?;
    let endpoint = inside.u32(4)?;
    if flags >> 4 != 0b0011 || message != USER_PACKET {
        return Ok(None);
    }
    inside.at += 8;
    inside.end_after(usize::from(len));
    if flags & OPTIONAL != 0 {
        let mut next = inside.u8(3)?;
        inside.at += 4;
        // Each extension header is at least 4 bytes long: its length in words, content, the next one's type.
        while flags & EXTENSIONS != 0 && next != 0 {
            let len = 4 * usize::from(inside.u8(0)?);
            if len == 0 {
                return Ok(None);
            }
            next = inside.u8(len - 1)?;
            inside.at += len;
        }
    }
    Ok(Some(Tunnel { id: endpoint, ..Tunnel::new(TunnelKind::GtpU, Layer::Ip, inside) }))
}

/// Teredo (RFC 4380 section 5.1.1): an authentication and an origin indication may stand before IPv6.
fn teredo(mut inside: Cursor<'_>) -> Result<Option<Tunnel<'_>>, Refusal> {
    if let Ok([0, 1, client_len, value_len]) = inside.array(0) {
        // Two lengths, the client, the value, a nonce of 8 bytes, a confirmation.
        inside.at += 4 + usize::from(client_len) + usize::from(value_len) + 9;
    }
    if inside.array(0) == Ok([0, 0]) {
        inside.at += 8;
    }
    Ok(Some(Tunnel::new(TunnelKind::Teredo, Layer::Ipv6, inside)))
}

/// Teredo peers talk over any ports once they have met: IPv6 as long as the datagram, with a Teredo address
/// (RFC 4380 section 2.6) at one end.
fn is_teredo_between_peers(inside: &Cursor<'_>) -> bool {
    const PREFIX: [u8; 4] = [0x20, 0x01, 0, 0];
    inside.u8(0).is_ok_and(|first| first >> 4 == 6)
        && inside.u16(4).is_ok_and(|len| usize::from(len) + 40 == inside.wire_left())
        && (inside.array(8) == Ok(PREFIX) || inside.array(24) == Ok(PREFIX))
}
