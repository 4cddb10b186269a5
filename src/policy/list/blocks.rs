//! Sets of addresses and their arithmetic: together, minus, how many.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::ground::model::address::Prefix;

/// A set of addresses, whatever blocks it was written with: a /25 and the /25 beside it equal the /24 of both.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Blocks {
    v4: Ranges,
    v6: Ranges,
}

/// First and last address as numbers. Sorted; no two touch.
type Ranges = Vec<(u128, u128)>;

impl FromIterator<Prefix> for Blocks {
    fn from_iter<I: IntoIterator<Item = Prefix>>(blocks: I) -> Self {
        let mut set = Self::default();
        for block in blocks {
            let ranges = if block.addr().is_ipv4() { &mut set.v4 } else { &mut set.v6 };
            ranges.push(range(&block));
        }
        set.v4 = joined(set.v4);
        set.v6 = joined(set.v6);
        set
    }
}

impl Blocks {
    /// True when no address is in it.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.v4.is_empty() && self.v6.is_empty()
    }

    /// The addresses of this set that are not in the other.
    #[must_use]
    pub fn minus(&self, other: &Self) -> Self {
        Self { v4: without(&self.v4, &other.v4), v6: without(&self.v6, &other.v6) }
    }

    /// The addresses of a block that are not in this set, as blocks; `None` when it holds none of them.
    #[must_use]
    pub fn cut(&self, block: &Prefix) -> Option<Vec<Prefix>> {
        let (ranges, width) = self.family(block);
        let whole = range(block);
        let met = touching(ranges, whole);
        (!met.is_empty())
            .then(|| without(&[whole], met).into_iter().flat_map(|range| prefixes(range, width)).collect())
    }

    /// True when the address is in the set.
    #[must_use]
    pub fn contains(&self, addr: IpAddr) -> bool {
        self.holds(&Prefix::single(addr))
    }

    /// True when every address of the block is in the set.
    #[must_use]
    pub fn holds(&self, block: &Prefix) -> bool {
        let (first, last) = range(block);
        let met = touching(self.family(block).0, (first, last));
        met.first().is_some_and(|known| known.0 <= first && last <= known.1)
    }

    /// True when some address of the block is in the set.
    #[must_use]
    pub fn touches(&self, block: &Prefix) -> bool {
        !touching(self.family(block).0, range(block)).is_empty()
    }

    /// The fewest blocks that hold just these addresses, in order, IPv4 first.
    #[must_use]
    pub fn prefixes(&self) -> Vec<Prefix> {
        let v4 = self.v4.iter().flat_map(|range| prefixes(*range, 32));
        v4.chain(self.v6.iter().flat_map(|range| prefixes(*range, 128))).collect()
    }

    /// How many it holds.
    #[must_use]
    pub fn count(&self) -> Count {
        let sum = |ranges: &Ranges| {
            ranges
                .iter()
                .fold(0_u128, |sum, (first, last)| sum.saturating_add((last - first).saturating_add(1)))
        };
        Count { v4: u64::try_from(sum(&self.v4)).unwrap_or(u64::MAX), v6: sum(&self.v6) }
    }

    const fn family(&self, block: &Prefix) -> (&Ranges, u8) {
        if block.addr().is_ipv4() { (&self.v4, 32) } else { (&self.v6, 128) }
    }
}

/// How many addresses.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Count {
    /// Of IPv4.
    pub v4: u64,
    /// Of IPv6; all of them count one less than there are.
    pub v6: u128,
}

impl Count {
    /// IPv6 as networks of /64, a part of one as one: what a reader can imagine.
    #[must_use]
    pub fn v6_nets(&self) -> u64 {
        u64::try_from(self.v6.div_ceil(1 << 64)).unwrap_or(u64::MAX)
    }
}

fn range(block: &Prefix) -> (u128, u128) {
    let bits = |addr| match addr {
        IpAddr::V4(addr) => u128::from(Ipv4Addr::to_bits(addr)),
        IpAddr::V6(addr) => Ipv6Addr::to_bits(addr),
    };
    (bits(block.addr()), bits(block.last()))
}

fn joined(mut ranges: Ranges) -> Ranges {
    ranges.sort_unstable();
    let mut joined: Ranges = Vec::with_capacity(ranges.len());
    for (first, last) in ranges {
        match joined.last_mut() {
            Some(before) if first <= before.1.saturating_add(1) => before.1 = before.1.max(last),
            _ => joined.push((first, last)),
        }
    }
    joined
}

/// The ranges that share an address with this one.
fn touching(ranges: &[(u128, u128)], (first, last): (u128, u128)) -> &[(u128, u128)] {
    let from = ranges.partition_point(|known| known.1 < first);
    let to = ranges.partition_point(|known| known.0 <= last);
    ranges.get(from..to).unwrap_or_default()
}

fn without(ranges: &[(u128, u128)], taken: &[(u128, u128)]) -> Ranges {
    let mut left = Vec::with_capacity(ranges.len());
    for &(first, last) in ranges {
        // Addresses up to here are told; `None` when that was the last one.
        let mut next = Some(first);
        for &(from, to) in touching(taken, (first, last)) {
            if let Some(start) = next.filter(|start| *start < from) {
                left.push((start, from - 1));
            }
            next = to.checked_add(1);
        }
        left.extend(next.filter(|start| *start <= last).map(|start| (start, last)));
    }
    left
}

/// The fewest blocks that make up a range: each as wide as its first address and the rest allow.
fn prefixes((first, last): (u128, u128), width: u8) -> Vec<Prefix> {
    let mut found = Vec::new();
    let mut next = Some(first);
    while let Some(start) = next.filter(|start| *start <= last) {
        let aligned = start.trailing_zeros().min(u32::from(width));
        // `None` for all 2^128 addresses.
        let fitting = (last - start).checked_add(1).map_or(128, u128::ilog2);
        let host_bits = aligned.min(fitting);
        let addr = match width {
            32 => IpAddr::V4(Ipv4Addr::from_bits(start as u32)),
            _ => IpAddr::V6(Ipv6Addr::from_bits(start)),
        };
        found.extend(Prefix::new(addr, width - host_bits as u8));
        next = 1_u128.checked_shl(host_bits).and_then(|size| start.checked_add(size));
    }
    found
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    fn set(blocks: &[&str]) -> Blocks {
        blocks.iter().map(|text| text.parse::<Prefix>().unwrap()).collect()
    }

    fn texts(blocks: &Blocks) -> Vec<String> {
        blocks.prefixes().iter().map(ToString::to_string).collect()
    }

    #[test]
    fn two_halves_are_the_whole_and_a_hole_leaves_its_neighbours() {
        assert_eq!(set(&["192.0.2.0/25", "192.0.2.128/25"]), set(&["192.0.2.0/24"]));
        let left = set(&["192.0.2.0/24"]).minus(&set(&["192.0.2.64/26"]));
        assert_eq!(texts(&left), ["192.0.2.0/26", "192.0.2.128/25"]);
        assert_eq!(left.count().v4, 192);
        assert!(left.minus(&set(&["192.0.0.0/16"])).is_empty());
    }

    #[test]
    fn all_addresses_are_one_block_of_each_family() {
        let all = set(&["0.0.0.0/0", "::/0"]);
        assert_eq!(texts(&all), ["0.0.0.0/0", "::/0"]);
        assert_eq!(all.count().v4, 1 << 32);
        assert_eq!(texts(&all.minus(&set(&["128.0.0.0/1", "::/1"]))), ["0.0.0.0/1", "8000::/1"]);
        assert!(all.minus(&all).is_empty());
    }

    #[test]
    fn families_never_mix() {
        let v4 = set(&["0.0.0.0/0"]);
        assert!(!v4.touches(&"::1".parse().unwrap()) && v4.holds(&"192.0.2.1".parse().unwrap()));
        assert_eq!(v4.cut(&"2001:db8::/32".parse().unwrap()), None);
    }

    /// A block inside 192.0.2.0/24, or of 16 addresses of IPv6.
    fn small() -> impl Strategy<Value = Prefix> {
        (any::<bool>(), any::<u8>(), 0..=4_u8).prop_map(|(is_v4, place, host_bits)| {
            let place = place >> host_bits << host_bits;
            let (addr, len) = match is_v4 {
                true => (IpAddr::V4(Ipv4Addr::new(192, 0, 2, place)), 32 - host_bits),
                false => {
                    (IpAddr::V6(Ipv6Addr::from_bits(0x2001_0db8 << 96 | u128::from(place))), 128 - host_bits)
                }
            };
            Prefix::new(addr, len).unwrap()
        })
    }

    /// Every address by itself: slow and surely right.
    fn naive(blocks: &[Prefix]) -> BTreeSet<IpAddr> {
        let addresses = (0..=255).flat_map(|place| {
            [
                IpAddr::V4(Ipv4Addr::new(192, 0, 2, place)),
                IpAddr::V6(Ipv6Addr::from_bits(0x2001_0db8 << 96 | u128::from(place))),
            ]
        });
        addresses.filter(|addr| blocks.iter().any(|block| block.contains(*addr))).collect()
    }

    proptest! {
        #[test]
        fn minus_says_what_a_set_of_single_addresses_says(
            ours in prop::collection::vec(small(), 0..12),
            theirs in prop::collection::vec(small(), 0..12),
        ) {
            let (one, two): (Blocks, Blocks) = (ours.iter().copied().collect(), theirs.iter().copied().collect());
            let expected: BTreeSet<_> = naive(&ours).difference(&naive(&theirs)).copied().collect();
            let left = one.minus(&two);
            prop_assert_eq!(naive(&left.prefixes()), expected.clone());
            let count = left.count();
            prop_assert_eq!(u128::from(count.v4) + count.v6, expected.len() as u128);
            prop_assert_eq!(left.prefixes().into_iter().collect::<Blocks>(), left.clone());
            for block in &theirs {
                prop_assert!(two.holds(block) && two.touches(block) && !left.touches(block));
            }
            for block in &ours {
                let cut = two.cut(block).unwrap_or_else(|| vec![*block]);
                let alone: BTreeSet<_> = naive(&[*block]).difference(&naive(&theirs)).copied().collect();
                prop_assert_eq!(naive(&cut), alone);
            }
        }
    }
}
