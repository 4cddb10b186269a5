//! Community ID v1: one name for a flow over many tools (<https://github.com/corelight/community-id-spec>).

use std::net::IpAddr;

use sha1::{Digest, Sha1};

use crate::ground::model::{
    address::Transport,
    key::{Endpoint, Tuple},
};

/// The Community ID v1 of a flow with seed 0: `1:` and the base64 of a SHA-1 over both ends in fixed order.
///
/// `icmp` is type and code for ICMP and ICMPv6, where they take the place of the ports.
#[must_use]
pub fn community_id(tuple: &Tuple, icmp: Option<[u8; 2]>) -> String {
    let Tuple { mut source, mut target, transport } = *tuple;
    let mut one_way = false;
    if let Some([kind, code]) = icmp {
        source.port = u16::from(kind);
        match counterpart(transport, kind) {
            Some(answer) => target.port = u16::from(answer),
            None => {
                target.port = u16::from(code);
                one_way = true;
            }
        }
    }
    // What has no answer of its own kind keeps its direction.
    if !one_way && order(&source) > order(&target) {
        (source, target) = (target, source);
    }
    let mut hash = Sha1::new();
    hash.update([0, 0]); // the seed
    hash.update(octets(&source));
    hash.update(octets(&target));
    hash.update([transport.0, 0]);
    if transport.has_ports() || icmp.is_some() {
        hash.update(source.port.to_be_bytes());
        hash.update(target.port.to_be_bytes());
    }
    let mut id = String::from("1:");
    base64(&hash.finalize(), &mut id);
    id
}

/// Both ends are ordered by the bytes of the address, then by port.
fn order(end: &Endpoint) -> (Vec<u8>, u16) {
    (octets(end), end.port)
}

fn octets(end: &Endpoint) -> Vec<u8> {
    match end.addr {
        IpAddr::V4(addr) => addr.octets().to_vec(),
        IpAddr::V6(addr) => addr.octets().to_vec(),
    }
}

/// The ICMP type that answers `kind`, for the types that are asked and answered.
const fn counterpart(transport: Transport, kind: u8) -> Option<u8> {
    match (transport, kind) {
        // RFC 792, 950, 1256: echo, router discovery, timestamp, information, address mask.
        (Transport::ICMP, 8) => Some(0),
        (Transport::ICMP, 0) => Some(8),
        (Transport::ICMP, 10) => Some(9),
        (Transport::ICMP, 9) => Some(10),
        (Transport::ICMP, 13) => Some(14),
        (Transport::ICMP, 14) => Some(13),
        (Transport::ICMP, 15) => Some(16),
        (Transport::ICMP, 16) => Some(15),
        (Transport::ICMP, 17) => Some(18),
        (Transport::ICMP, 18) => Some(17),
        // RFC 4443, 2710, 4861, 4620, 4068: echo, listeners, routers, neighbours, node information, home agent.
        (Transport::ICMPV6, 128) => Some(129),
        (Transport::ICMPV6, 129) => Some(128),
        (Transport::ICMPV6, 130) => Some(131),
        (Transport::ICMPV6, 131) => Some(130),
        (Transport::ICMPV6, 133) => Some(134),
        (Transport::ICMPV6, 134) => Some(133),
        (Transport::ICMPV6, 135) => Some(136),
        (Transport::ICMPV6, 136) => Some(135),
        (Transport::ICMPV6, 139) => Some(140),
        (Transport::ICMPV6, 140) => Some(139),
        (Transport::ICMPV6, 144) => Some(145),
        (Transport::ICMPV6, 145) => Some(144),
        _ => None,
    }
}

/// Appends the base64 of `bytes` (RFC 4648 section 4, with padding).
fn base64(bytes: &[u8], text: &mut String) {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for group in bytes.chunks(3) {
        let word = (0..3).fold(0_u32, |word, at| word << 8 | u32::from(*group.get(at).unwrap_or(&0)));
        for place in 0..4 {
            let letter = ALPHABET.get((word >> (18 - 6 * place) & 63) as usize).unwrap_or(&b'A');
            text.push(if place > group.len() as u32 { '=' } else { char::from(*letter) });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(
        source: &str,
        target: &str,
        transport: Transport,
        ports: (u16, u16),
        icmp: Option<[u8; 2]>,
    ) -> String {
        let end = |addr: &str, port| Endpoint { addr: addr.parse().unwrap(), port };
        let (source, target) = (end(source, ports.0), end(target, ports.1));
        let there = community_id(&Tuple { source, target, transport }, icmp);
        if icmp.is_none() {
            assert_eq!(there, community_id(&Tuple { source: target, target: source, transport }, None));
        }
        there
    }

    // The vectors are those that implementations of the specification publish.
    #[test]
    fn published_vectors_come_out_as_published() {
        assert_eq!(
            id("128.232.110.120", "66.35.250.204", Transport::TCP, (34855, 80), None),
            "1:LQU9qZlK+B5F3KDmev6m5PMibrg="
        );
        assert_eq!(
            id("192.168.1.52", "8.8.8.8", Transport::UDP, (54585, 53), None),
            "1:d/FP5EW3wiY1vCndhwleRRKHowQ="
        );
        assert_eq!(
            id("192.168.170.8", "192.168.170.56", Transport::SCTP, (7, 7), None),
            "1:MP2EtRCAUIZvTw6MxJHLV7N7JDs="
        );
        assert_eq!(
            id("192.168.0.89", "192.168.0.1", Transport::ICMP, (0, 0), Some([8, 0])),
            "1:X0snYXpgwiv9TZtqg64sgzUn6Dk="
        );
        assert_eq!(
            id("fe80::260:97ff:fe07:69ea", "ff02::1", Transport::ICMPV6, (0, 0), Some([134, 0])),
            "1:pkvHqCL88/tg1k4cPigmZXUtL00="
        );
    }

    #[test]
    fn an_echo_and_its_answer_have_one_name_and_an_error_keeps_its_direction() {
        let echo = id("192.0.2.1", "192.0.2.9", Transport::ICMP, (0, 0), Some([8, 0]));
        assert_eq!(echo, id("192.0.2.9", "192.0.2.1", Transport::ICMP, (0, 0), Some([0, 0])));
        let error = id("192.0.2.1", "192.0.2.9", Transport::ICMP, (0, 0), Some([3, 1]));
        assert_ne!(error, id("192.0.2.9", "192.0.2.1", Transport::ICMP, (0, 0), Some([3, 1])));
    }

    #[test]
    fn base64_pads_as_the_rfc_says() {
        for (bytes, expected) in [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v")] {
            let mut text = String::new();
            base64(bytes.as_bytes(), &mut text);
            assert_eq!(text, expected);
        }
    }
}
