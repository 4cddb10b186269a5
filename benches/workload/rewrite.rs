//! Other addresses in a packet, in those it carries and in those it quotes, with every checksum mended.

use std::{
    collections::BTreeSet,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
};

use super::{
    frame::{Frame, Ip, ip_start, number, pair},
    out::mix,
};

/// Packets inside packets that are followed.
const DEPTH: usize = 4;

/// How one copy of one input is told from all others.
///
/// Private addresses stay private and in their range, public ones in their /16, multicast is left alone. A public
/// address that opens flows stands for a host of the office and gets a private address (IPv6: a documentation one).
pub(crate) struct Mapping<'a> {
    key: u32,
    openers: &'a BTreeSet<IpAddr>,
}

impl<'a> Mapping<'a> {
    /// Copies of the same input differ in the low 16 bits, which every kind of address keeps.
    pub(crate) const fn new(input: u64, copy: u64, openers: &'a BTreeSet<IpAddr>) -> Self {
        Self { key: (mix(input) as u32).wrapping_add((copy as u32).wrapping_mul(0x9e37_79b1)), openers }
    }

    fn address(&self, address: IpAddr) -> IpAddr {
        match address {
            IpAddr::V4(old) => self.v4(old).into(),
            IpAddr::V6(old) => self.v6(old).into(),
        }
    }

    fn v4(&self, old: Ipv4Addr) -> Ipv4Addr {
        let bits = u32::from(old);
        let swap = |len: u32| Ipv4Addr::from(bits ^ (self.key & (u32::MAX >> len)));
        match old.octets() {
            [0 | 224..=255, ..] => old,
            [10, ..] => swap(8),
            [172, 16..32, ..] => swap(12),
            [192, 168, ..] | [169, 254, ..] => swap(16),
            [127, ..] => office(mix(u64::from(bits)) as u32 ^ self.key),
            _ if self.openers.contains(&old.into()) => office(mix(u64::from(bits)) as u32 ^ self.key),
            _ => swap(16),
        }
    }

    fn v6(&self, old: Ipv6Addr) -> Ipv6Addr {
        let bits = u128::from(old) ^ u128::from(self.key & 0xff_ffff);
        match old.segments() {
            [0xff00..=0xffff, ..] | [0, 0, 0, 0, 0, 0, 0, 0] => old,
            [0xfe80..=0xfebf, ..] => bits.into(),
            _ if old.is_loopback() || self.openers.contains(&old.into()) => {
                Ipv6Addr::from((0x2001_0db8_u128 << 96) | (bits & u128::from(u64::MAX)))
            }
            _ => bits.into(),
        }
    }
}

/// 10.0.0.0/8 with the low bits of this number.
fn office(number: u32) -> Ipv4Addr {
    Ipv4Addr::from(0x0a00_0000 | (number & 0xff_ffff))
}

/// The public addresses that sent the first packet of a flow.
pub(crate) fn openers(frames: &[Frame]) -> BTreeSet<IpAddr> {
    let (mut flows, mut openers) = (BTreeSet::new(), BTreeSet::new());
    for frame in frames {
        let Some(start) = ip_start(&frame.bytes) else { continue };
        let bytes = &frame.bytes[start..];
        let Some(ip) = Ip::of(bytes) else { continue };
        let (flow, (source, _)) = pair(ip, bytes);
        if flows.insert(flow) {
            openers.insert(source);
        }
    }
    openers
}

/// Gives a frame the addresses of its copy.
pub(crate) fn frame(bytes: &mut [u8], mapping: &Mapping<'_>) {
    ethernet(bytes, mapping, DEPTH);
}

fn ethernet(bytes: &mut [u8], mapping: &Mapping<'_>, depth: usize) {
    if let Some(start) = ip_start(bytes) {
        packet(&mut bytes[start..], mapping, depth);
    }
}

fn packet(bytes: &mut [u8], mapping: &Mapping<'_>, depth: usize) {
    let Some(ip) = Ip::of(bytes) else { return };
    for (index, old) in ip.ends(bytes).into_iter().enumerate() {
        set_address(bytes, ip, index, mapping.address(old));
    }
    if let Some((inner, kind)) = inside(bytes, ip).filter(|_| ip.is_first && depth > 0) {
        let old = bytes[inner..].to_vec();
        match kind {
            Inside::Frame => ethernet(&mut bytes[inner..], mapping, depth - 1),
            Inside::Packet => packet(&mut bytes[inner..], mapping, depth - 1),
        }
        let sum = match ip.protocol {
            1 | 58 => ip.transport + 2,
            17 => ip.transport + 6,
            47 if bytes[ip.transport] & 0x80 != 0 => ip.transport + 4,
            _ => return,
        };
        let new = bytes[inner..].to_vec();
        mend(bytes, sum, &old, &new, ip.protocol == 17);
    }
}

/// Puts an address there: 0 the source, 1 the target.
pub(crate) fn set_address(bytes: &mut [u8], ip: Ip, index: usize, new: IpAddr) {
    let v4;
    let v6;
    let (at, new): (usize, &[u8]) = match new {
        IpAddr::V4(new) => {
            v4 = new.octets();
            (12 + 4 * index, &v4)
        }
        IpAddr::V6(new) => {
            v6 = new.octets();
            (8 + 16 * index, &v6)
        }
    };
    let mut old = [0; 16];
    let old = &mut old[..new.len()];
    old.copy_from_slice(&bytes[at..at + new.len()]);
    bytes[at..at + new.len()].copy_from_slice(new);
    if !ip.is_v6 {
        mend(bytes, 10, old, new, false);
    }
    mend_transport(bytes, ip, old, new);
}

/// Puts a port there: 0 the source's, 1 the target's.
pub(crate) fn set_port(bytes: &mut [u8], ip: Ip, index: usize, new: u16) {
    let at = ip.transport + 2 * index;
    let old = number(bytes, at).to_be_bytes();
    bytes[at..at + 2].copy_from_slice(&new.to_be_bytes());
    mend_transport(bytes, ip, &old, &new.to_be_bytes());
}

fn mend_transport(bytes: &mut [u8], ip: Ip, old: &[u8], new: &[u8]) {
    let sum = match ip.protocol {
        _ if !ip.is_first => return,
        6 => 16,
        17 => 6,
        58 => 2,
        _ => return,
    };
    mend(bytes, ip.transport + sum, old, new, ip.protocol == 17);
}

/// RFC 1624 section 3, equation 3. In UDP a sum of zero says that there is none.
fn mend(bytes: &mut [u8], place: usize, old: &[u8], new: &[u8], is_udp: bool) {
    if bytes.len() < place + 2 || (is_udp && number(bytes, place) == 0) {
        return;
    }
    let word = |pair: &[u8]| u64::from(pair[0]) << 8 | pair.get(1).map_or(0, |low| u64::from(*low));
    let mut sum = u64::from(!number(bytes, place));
    sum += old.chunks(2).map(|pair| word(pair) ^ 0xffff).sum::<u64>();
    sum += new.chunks(2).map(word).sum::<u64>();
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    let sum = if is_udp && sum == 0xffff { 0xffff } else { !(sum as u16) };
    bytes[place..place + 2].copy_from_slice(&sum.to_be_bytes());
}

enum Inside {
    Frame,
    Packet,
}

/// Where a tunnel's inner packet, or the packet that an ICMP error quotes, begins.
fn inside(bytes: &[u8], ip: Ip) -> Option<(usize, Inside)> {
    let at = ip.transport;
    match ip.protocol {
        4 | 41 => Some((at, Inside::Packet)),
        1 if matches!(bytes.get(at)?, 3 | 4 | 5 | 11 | 12) => Some((at + 8, Inside::Packet)),
        58 if matches!(bytes.get(at)?, 1..=4) => Some((at + 8, Inside::Packet)),
        47 => {
            let flags = *bytes.get(at)?;
            let options = [0x80, 0x20, 0x10].iter().filter(|flag| flags & **flag != 0).count();
            let inner = at + 4 + 4 * options;
            match bytes.get(at + 2..at + 4)? {
                [0x08, 0x00] | [0x86, 0xdd] => Some((inner, Inside::Packet)),
                [0x65, 0x58] => Some((inner, Inside::Frame)),
                _ => None,
            }
        }
        17 => match ip.ports(bytes)[1] {
            4_789 => Some((at + 16, Inside::Frame)),
            2_152 => Some((at + if bytes.get(at + 8)? & 7 == 0 { 16 } else { 20 }, Inside::Packet)),
            _ => None,
        },
        _ => None,
    }
    .filter(|(inner, _)| *inner <= bytes.len())
}
