//! Framings that a capturing machine makes itself: BSD loopback, Linux cooked capture, Netfilter's log.

use crate::ground::model::{
    address::Mac,
    decoded::{LinkFacts, NoFlow},
};

use super::{
    cursor::{Cursor, Refusal},
    link::Layer,
};

/// The address family of BSD loopback captures, in whichever byte order the machine had.
pub(super) fn family(cursor: &mut Cursor<'_>) -> Result<Layer, Refusal> {
    // Some machines write a PPP or Cisco HDLC header in its place.
    if let [0xff, 0x03, ..] | [0x0f | 0x8f, 0x00, 0x08 | 0x86, _] = cursor.array::<4>(0)? {
        return Ok(Layer::Ppp);
    }
    let family = match cursor.u32(0)? {
        swapped if swapped > 0xffff => swapped.swap_bytes(),
        family => family,
    };
    cursor.at += 4;
    cursor.number = family as u16;
    ip_of(family, cursor)
}

/// AF_INET, and AF_INET6 of Linux, Windows, NetBSD and OpenBSD, FreeBSD, Darwin.
fn ip_of(family: u32, cursor: &Cursor<'_>) -> Result<Layer, Refusal> {
    match family {
        2 => Ok(Layer::Ipv4),
        10 | 23 | 24 | 28 | 30 => Ok(Layer::Ipv6),
        _ => Err(Refusal(NoFlow::EtherType, cursor.number)),
    }
}

/// Linux cooked capture: type, hardware, address length, 8 bytes of address, protocol.
pub(super) fn sll(cursor: &mut Cursor<'_>, link: &mut LinkFacts) -> Result<Layer, Refusal> {
    let hardware = cursor.u16(2)?;
    let address_len = cursor.u16(4)?;
    let source = cursor.array(6)?;
    let protocol = cursor.u16(14)?;
    cursor.at += 16;
    cooked(cursor, hardware, address_len, source, protocol, link)
}

/// Linux cooked capture 2: protocol, reserved, interface, hardware, type, address length, 8 bytes of address.
pub(super) fn sll2(cursor: &mut Cursor<'_>, link: &mut LinkFacts) -> Result<Layer, Refusal> {
    let protocol = cursor.u16(0)?;
    let hardware = cursor.u16(8)?;
    let address_len = u16::from(cursor.u8(11)?);
    let source = cursor.array(12)?;
    cursor.u16(18)?;
    cursor.at += 20;
    cooked(cursor, hardware, address_len, source, protocol, link)
}

fn cooked(
    cursor: &mut Cursor<'_>,
    hardware: u16,
    address_len: u16,
    source: [u8; 6],
    protocol: u16,
    link: &mut LinkFacts,
) -> Result<Layer, Refusal> {
    const NETLINK: u16 = 824;
    cursor.number = protocol;
    if address_len == 6 {
        link.macs = Some([Mac(source), Mac::default()]);
    }
    match (hardware, protocol) {
        (NETLINK, _) => Err(Refusal(NoFlow::LinkControl, protocol)),
        // 802.3 frames without LLC are Novell's; 4 announces LLC.
        (_, 0x0001) => Err(Refusal(NoFlow::Llc, protocol)),
        (_, 0x0004) => Ok(Layer::Llc),
        (_, kind) if kind < 0x0600 => Err(Refusal(NoFlow::EtherType, kind)),
        (_, kind) => Ok(Layer::EtherType(kind)),
    }
}

/// A Netfilter log message: family, version, group, then attributes whose lengths stand in the machine's byte order.
pub(super) fn nflog(cursor: &mut Cursor<'_>) -> Result<Layer, Refusal> {
    const PAYLOAD: u16 = 9;
    let family = cursor.u8(0)?;
    cursor.number = u16::from(family);
    cursor.at += 4;
    // Each attribute is at least 4 bytes long.
    loop {
        let [a, b, c, d] = cursor.array(0)?;
        // All kinds are below 256, so the byte that is zero tells the order.
        let (len, kind) = if d == 0 {
            (u16::from_le_bytes([a, b]), u16::from(c))
        } else {
            (u16::from_be_bytes([a, b]), u16::from(d))
        };
        if len < 4 {
            return Err(cursor.bad());
        }
        if kind == PAYLOAD {
            cursor.end_after(usize::from(len));
            cursor.at += 4;
            return ip_of(u32::from(family), cursor);
        }
        cursor.at += usize::from(len).next_multiple_of(4);
    }
}
