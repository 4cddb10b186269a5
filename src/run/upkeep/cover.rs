//! Addresses as the fewest blocks that hold them and nothing else.

use std::{
    collections::BTreeSet,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
};

use crate::ground::model::address::Prefix;

/// The fewest blocks that hold exactly these addresses, in order. A block is as wide as its addresses were all seen.
pub(super) fn cover(addresses: &BTreeSet<IpAddr>) -> Vec<Prefix> {
    let mut blocks: Vec<Prefix> = Vec::new();
    for addr in addresses {
        let mut block = Prefix::single(*addr);
        // In ascending order the lower half is always the block before.
        while let Some(whole) = blocks.last().and_then(|lower| joined(lower, &block)) {
            blocks.pop();
            block = whole;
        }
        blocks.push(block);
    }
    blocks
}

/// The block whose halves these are.
fn joined(lower: &Prefix, upper: &Prefix) -> Option<Prefix> {
    let len = lower.prefix_len();
    let is_next = len == upper.prefix_len() && following(lower.last()) == Some(upper.addr());
    // Bits behind the length are refused: then `lower` is no lower half.
    is_next.then(|| Prefix::new(lower.addr(), len.checked_sub(1)?).ok()).flatten()
}

fn following(addr: IpAddr) -> Option<IpAddr> {
    match addr {
        IpAddr::V4(addr) => addr.to_bits().checked_add(1).map(|next| IpAddr::V4(Ipv4Addr::from_bits(next))),
        IpAddr::V6(addr) => addr.to_bits().checked_add(1).map(|next| IpAddr::V6(Ipv6Addr::from_bits(next))),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn covered(addresses: &[&str]) -> Vec<String> {
        let addresses = addresses.iter().map(|text| text.parse().unwrap()).collect();
        cover(&addresses).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn neighbours_are_joined_only_where_the_whole_block_was_seen() {
        assert_eq!(covered(&["192.0.2.4", "192.0.2.5", "192.0.2.6", "192.0.2.7"]), ["192.0.2.4/30"]);
        assert_eq!(covered(&["192.0.2.5", "192.0.2.6"]), ["192.0.2.5/32", "192.0.2.6/32"]);
        assert_eq!(covered(&["192.0.2.255", "192.0.3.0"]), ["192.0.2.255/32", "192.0.3.0/32"]);
        assert_eq!(covered(&["2001:db8::", "2001:db8::1"]), ["2001:db8::/127"]);
        assert_eq!(covered(&["255.255.255.255", "::"]), ["255.255.255.255/32", "::/128"]);
    }

    proptest! {
        #[test]
        fn the_blocks_hold_what_was_seen_and_nothing_else(seen in prop::collection::btree_set(0u32..512, 0..100)) {
            let addresses = seen.iter().map(|bits| IpAddr::V4(Ipv4Addr::from_bits(*bits))).collect();
            let blocks = cover(&addresses);
            let held: u64 = blocks.iter().map(|block| 1u64 << (32 - block.prefix_len())).sum();
            prop_assert_eq!(held, seen.len() as u64);
            prop_assert!(addresses.iter().all(|addr| blocks.iter().any(|block| block.contains(*addr))));
        }
    }
}
