//! The digest by which a frame that was seen twice is recognised (RULES 33).

use std::{hash::BuildHasher, sync::OnceLock};

use foldhash::quality::RandomState;

use crate::ground::model::address::Transport;

use super::network::Network;

/// Two keys for the whole process, so that all workers agree. No result depends on them; they only keep strangers from
/// building two packets that look like one.
static KEYS: OnceLock<[u64; 2]> = OnceLock::new();

/// Bytes that hold all that changes on the way: 60 of an IPv4 header, and a TCP checksum 18 behind the longest header that
/// is common. What has longer headers takes the long way.
const FRONT_LEN: usize = 96;

/// 64 bits over the packet from its IP header to its IP end, but for what changes on the way: time to live, ECN and
/// the checksums of header and transport.
#[inline]
pub(super) fn digest(bytes: &[u8], network: &Network) -> u64 {
    let packet = bytes.get(network.header_at..network.end).unwrap_or(&[]);
    let [state, key] = *KEYS.get_or_init(keys);
    let headers_len = network.payload_at - network.header_at;
    let checksum_at = match Transport(network.protocol) {
        Transport::TCP => headers_len + 16,
        Transport::UDP => headers_len + 6,
        Transport::ICMP | Transport::ICMPV6 => headers_len + 2,
        _ => usize::MAX,
    };
    let keys = [state ^ packet.len() as u64, key];
    in_place(packet, network.is_v4, checksum_at, keys)
        .unwrap_or_else(|| copied(packet, network.is_v4, checksum_at, keys))
}

/// The digest without a copy of the packet; `None` where its checksum lies behind the front. `usize::MAX` is no checksum.
#[inline]
fn in_place(packet: &[u8], is_v4: bool, checksum_at: usize, [state, key]: [u64; 2]) -> Option<u64> {
    if packet.len() >= FRONT_LEN
        && let Some((front, rest)) = packet.split_first_chunk::<FRONT_LEN>()
        && (checksum_at == usize::MAX || checksum_at <= FRONT_LEN - 2)
    {
        let mut front = *front;
        blank(&mut front, is_v4, checksum_at);
        return Some(finish(blend(blend(state, key, &front), key, rest), key));
    }
    if packet.len() > FRONT_LEN {
        return None;
    }
    let mut front = [0; FRONT_LEN];
    if let Some(place) = front.get_mut(..packet.len()) {
        place.copy_from_slice(packet);
    }
    blank(&mut front, is_v4, checksum_at);
    // Whole pairs of words; what lies behind the packet is zero, and its length is in the state.
    let len = packet.len().next_multiple_of(16);
    Some(finish(blend(state, key, front.get(..len).unwrap_or(&front)), key))
}

/// The same for every packet, whatever its headers are.
#[cold]
fn copied(packet: &[u8], is_v4: bool, checksum_at: usize, [state, key]: [u64; 2]) -> u64 {
    let mut copy = packet.to_vec();
    blank(&mut copy, is_v4, checksum_at);
    finish(blend(state, key, &copy), key)
}

fn keys() -> [u64; 2] {
    [RandomState::default().hash_one(1), RandomState::default().hash_one(2)]
}

/// Clears the ECN bits (RFC 3168), time to live or hop limit, the header's and the transport's checksum.
#[inline]
fn blank(packet: &mut [u8], is_v4: bool, checksum_at: usize) {
    let mut mask = |at: usize, mask: u8| {
        if let Some(byte) = packet.get_mut(at) {
            *byte &= mask;
        }
    };
    if is_v4 {
        mask(1, !0x03);
        mask(8, 0);
        mask(10, 0);
        mask(11, 0);
    } else {
        mask(1, !0x30);
        mask(7, 0);
    }
    mask(checksum_at, 0);
    mask(checksum_at.saturating_add(1), 0);
}

/// Folds pairs of words into the state: a product of two 64-bit words, its halves laid upon each other. Whoever does not
/// know state and key cannot say which words meet.
#[inline]
fn blend(mut state: u64, key: u64, bytes: &[u8]) -> u64 {
    let (pairs, rest) = bytes.as_chunks::<16>();
    for pair in pairs {
        state = fold(state, key, *pair);
    }
    if !rest.is_empty() {
        let mut last = [0; 16];
        for (to, from) in last.iter_mut().zip(rest) {
            *to = *from;
        }
        state = fold(state, key, last);
    }
    state
}

#[inline]
const fn fold(state: u64, key: u64, pair: [u8; 16]) -> u64 {
    let words = u128::from_le_bytes(pair);
    let product = (state ^ words as u64) as u128 * (key ^ (words >> 64) as u64) as u128;
    // A factor of zero must not wipe out what went before.
    (product as u64 ^ (product >> 64) as u64).wrapping_add(state.rotate_left(23))
}

#[inline]
const fn finish(state: u64, key: u64) -> u64 {
    let product = (state ^ key) as u128 * 0x9e37_79b9_7f4a_7c15;
    product as u64 ^ (product >> 64) as u64
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// ESP, GRE and SCTP have none that changes on the way.
    const NO_CHECKSUM: usize = usize::MAX;

    proptest! {
        #[test]
        fn a_digest_without_a_copy_is_the_one_of_the_copy(
            packet in proptest::collection::vec(any::<u8>(), 0..300),
            is_v4 in any::<bool>(),
            checksum_at in prop_oneof![Just(NO_CHECKSUM), 0..FRONT_LEN + 8],
            keys in any::<[u64; 2]>(),
        ) {
            let whole = copied(&packet, is_v4, checksum_at, keys);
            match in_place(&packet, is_v4, checksum_at, keys) {
                Some(digest) => prop_assert_eq!(digest, whole),
                None => prop_assert!(checksum_at != NO_CHECKSUM && checksum_at > FRONT_LEN - 2),
            }
        }
    }

    #[test]
    fn a_long_packet_without_a_checksum_is_not_copied() {
        assert!(in_place(&[7; 1_400], true, NO_CHECKSUM, [1, 2]).is_some());
        assert_eq!(in_place(&[7; 1_400], true, FRONT_LEN - 1, [1, 2]), None);
    }
}
