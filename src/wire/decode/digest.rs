//! The digest by which a frame that was seen twice is recognised (RULES 33).

use std::{
    hash::{BuildHasher, Hasher},
    sync::OnceLock,
};

use foldhash::quality::RandomState;

use crate::ground::model::address::Transport;

use super::network::Network;

/// One key for the whole process, so that all workers agree. No result depends on it; it only keeps strangers from
/// building two packets that look like one.
static KEY: OnceLock<RandomState> = OnceLock::new();

/// 64 bits over the packet from its IP header to its IP end, but for what changes on the way: time to live, ECN and
/// the checksums of header and transport.
#[inline]
pub(super) fn digest(bytes: &[u8], network: &Network) -> u64 {
    let mut hasher = KEY.get_or_init(RandomState::default).build_hasher();
    let mut packet = bytes.get(network.header_at..network.end).unwrap_or(&[]);
    let mut headers_len = network.payload_at - network.header_at;
    let masks: &[u64] = if network.is_v4 { &MASKS_V4 } else { &MASKS_V6 };
    for mask in masks {
        if let Some((word, rest)) = packet.split_first_chunk() {
            hasher.write_u64(u64::from_be_bytes(*word) & mask);
            packet = rest;
            headers_len = headers_len.saturating_sub(8);
        }
    }
    let checksum_at = match Transport(network.protocol) {
        Transport::TCP => headers_len + 16,
        Transport::UDP => headers_len + 6,
        Transport::ICMP | Transport::ICMPV6 => headers_len + 2,
        _ => packet.len(),
    };
    let (before, behind) = packet.split_at_checked(checksum_at).unwrap_or((packet, &[]));
    hasher.write(before);
    hasher.write(behind.get(2..).unwrap_or(&[]));
    hasher.finish()
}

/// Without the ECN bits (RFC 3168), then without time to live and header checksum.
const MASKS_V4: [u64; 2] = [!0x0003_0000_0000_0000, !0xff00_ffff_0000_0000];
/// Without the ECN bits and the hop limit.
const MASKS_V6: [u64; 1] = [!0x0030_0000_0000_00ff];
