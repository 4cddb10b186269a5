//! Addresses to places: flat ranges, found by a /16 index or by halving, each with the blocks that cover it.

use std::net::IpAddr;

use super::{
    compiled::{Hints, Place, Policy, Situated},
    item::{Segment, SegmentIndex, Selector, Zone, ZoneIndex},
};
use crate::ground::model::{address::Prefix, time::Timestamp};

/// Blocks of addresses with what they belong to.
///
/// The blocks cut the address space into ranges; a range knows its narrowest block, a block knows the next wider
/// one. So a look-up is one search and a short walk up, and the size is linear in the number of blocks.
#[derive(Debug)]
pub(super) struct Prefixes<T> {
    nodes: Vec<Node<T>>,
    v4: Ranges<u32>,
    v6: Ranges<u128>,
    /// First range of each /16 of IPv4. Only where there are enough ranges to pay for its 256 KiB.
    index: Vec<u32>,
}

#[derive(Debug)]
struct Node<T> {
    parent: u32,
    items: Vec<T>,
}

#[derive(Debug)]
struct Ranges<A> {
    /// First address of each range, in order; the first is 0.
    starts: Vec<A>,
    /// The narrowest block of each range, [`NONE`] where there is none.
    nodes: Vec<u32>,
}

const NONE: u32 = u32::MAX;
/// Below this many ranges halving touches fewer cache lines than the index would.
const INDEX_FROM_RANGES: usize = 64;

impl<T> Prefixes<T> {
    /// Takes all blocks; those given several times keep their items in the order given.
    pub(super) fn new(entries: impl IntoIterator<Item = (Prefix, T)>) -> Self {
        let mut entries: Vec<(Prefix, T)> = entries.into_iter().collect();
        // Wider blocks first where they begin together: a block then comes after every block around it.
        entries.sort_by_key(|(prefix, _)| (prefix.addr(), prefix.prefix_len()));
        let mut blocks: Vec<(Prefix, Vec<T>)> = Vec::new();
        for (prefix, item) in entries {
            match blocks.last_mut() {
                Some((last, items)) if *last == prefix => items.push(item),
                _ => blocks.push((prefix, vec![item])),
            }
        }
        let spans = |v4: bool| {
            let numbered =
                (0u32..).zip(&blocks).filter(move |(_, (prefix, _))| prefix.addr().is_ipv4() == v4);
            numbered.map(|(number, (prefix, _))| (number, bits(prefix.addr()), bits(prefix.last())))
        };
        let mut parents = vec![NONE; blocks.len()];
        let v4 = cut(spans(true), u128::from(u32::MAX), &mut parents);
        let v6 = cut(spans(false), u128::MAX, &mut parents);
        let v4 =
            Ranges { starts: v4.starts.into_iter().map(|start| start as u32).collect(), nodes: v4.nodes };
        let index = if v4.starts.len() >= INDEX_FROM_RANGES { index_of(&v4.starts) } else { Vec::new() };
        let nodes =
            blocks.into_iter().zip(parents).map(|((_, items), parent)| Node { parent, items }).collect();
        Self { nodes, v4, v6, index }
    }

    /// What covers the address: the items of each block that holds it, narrowest block first.
    pub(super) fn covering(&self, addr: IpAddr) -> impl Iterator<Item = &[T]> {
        let node = |number: u32| self.nodes.get(number as usize);
        std::iter::successors(node(self.narrowest(addr)), move |last| node(last.parent))
            .map(|node| node.items.as_slice())
    }

    /// The number of the narrowest block that holds the address: addresses with the same number lie in the same blocks.
    pub(super) fn narrowest(&self, addr: IpAddr) -> u32 {
        match addr {
            IpAddr::V4(addr) => self.v4.nodes[self.range_of(addr.to_bits())],
            IpAddr::V6(addr) => {
                let after = self.v6.starts.partition_point(|start| *start <= addr.to_bits());
                self.v6.nodes[after - 1]
            }
        }
    }

    fn range_of(&self, addr: u32) -> usize {
        let (low, high) = match self.index.get((addr >> 16) as usize..) {
            Some([low, high, ..]) => (*low as usize, *high as usize + 1),
            _ => (0, self.v4.starts.len()),
        };
        low + self.v4.starts[low..high].partition_point(|start| *start <= addr) - 1
    }
}

fn bits(addr: IpAddr) -> u128 {
    match addr {
        IpAddr::V4(addr) => u128::from(addr.to_bits()),
        IpAddr::V6(addr) => addr.to_bits(),
    }
}

/// Cuts the space `0..=last` at every border of the blocks, which come in the order of [`Prefixes::new`].
fn cut(blocks: impl Iterator<Item = (u32, u128, u128)>, last: u128, parents: &mut [u32]) -> Ranges<u128> {
    let mut ranges = Ranges { starts: vec![0], nodes: vec![NONE] };
    let begin = |ranges: &mut Ranges<u128>, start: u128, node: u32| {
        if ranges.starts.last() == Some(&start) {
            ranges.starts.pop();
            ranges.nodes.pop();
        }
        ranges.starts.push(start);
        ranges.nodes.push(node);
    };
    // The blocks around the present place, widest first, with their last addresses.
    let mut open: Vec<(u32, u128)> = Vec::new();
    let close = |ranges: &mut Ranges<u128>, open: &mut Vec<(u32, u128)>, before: Option<u128>| {
        while let Some((_, end)) = open.last().copied().filter(|(_, end)| before.is_none_or(|at| *end < at)) {
            open.pop();
            if end < last {
                begin(ranges, end + 1, open.last().map_or(NONE, |(outer, _)| *outer));
            }
        }
    };
    for (number, start, end) in blocks {
        close(&mut ranges, &mut open, Some(start));
        parents[number as usize] = open.last().map_or(NONE, |(outer, _)| *outer);
        begin(&mut ranges, start, number);
        open.push((number, end));
    }
    close(&mut ranges, &mut open, None);
    ranges
}

/// For each /16, the range that its first address lies in; one more at the end.
fn index_of(starts: &[u32]) -> Vec<u32> {
    let mut range = 0;
    let mut index: Vec<u32> = (0..=u16::MAX)
        .map(|high| {
            let first = u32::from(high) << 16;
            while starts.get(range + 1).is_some_and(|next| *next <= first) {
                range += 1;
            }
            range as u32
        })
        .collect();
    index.push(starts.len() as u32 - 1);
    index
}

/// All addresses that segments and zones claim.
#[derive(Debug)]
pub(super) struct Places {
    claims: Prefixes<Selector>,
    rest: Option<ZoneIndex>,
}

impl Places {
    pub(super) fn new(segments: &[Segment], zones: &[Zone]) -> Self {
        let of_segments = (0u16..).zip(segments).flat_map(|(number, segment)| {
            segment.cidr.iter().map(move |prefix| (*prefix, Selector::Segment(SegmentIndex(number))))
        });
        let of_zones = (0u16..).zip(zones).flat_map(|(number, zone)| {
            zone.cidr.iter().map(move |prefix| (*prefix, Selector::Zone(ZoneIndex(number))))
        });
        let rest = (0u16..).zip(zones).find(|(_, zone)| zone.rest).map(|(number, _)| ZoneIndex(number));
        Self { claims: Prefixes::new(of_segments.chain(of_zones)), rest }
    }

    pub(super) fn situate(
        &self,
        policy: &Policy,
        addr: IpAddr,
        at: Timestamp,
        hints: &Hints<'_>,
    ) -> Situated {
        let plain = |place| Situated { place, candidates: Vec::new() };
        if let Some(place) = group_address(addr) {
            return plain(place);
        }
        let exists = |claim: &Selector| match claim {
            Selector::Segment(segment) => policy.segment(*segment).periods.contains(at),
            Selector::Zone(zone) => policy.zone(*zone).periods.contains(at),
            _ => false,
        };
        for claims in self.claims.covering(addr) {
            let mut valid = claims.iter().copied().filter(exists);
            match (valid.next(), valid.next()) {
                (None, _) => {}
                (Some(only), None) => return plain(place_of(only)),
                (Some(_), Some(_)) => {
                    let segments = claims.iter().copied().filter(exists).filter_map(|claim| match claim {
                        Selector::Segment(segment) => Some(segment),
                        _ => None,
                    });
                    return choose(policy, segments.collect(), hints);
                }
            }
        }
        match self.rest {
            Some(rest) if is_public_unicast(addr) && policy.zone(rest).periods.contains(at) => {
                plain(Place::Rest(rest))
            }
            _ if is_link_local(addr) => plain(Place::LinkLocal),
            _ => plain(Place::Unknown),
        }
    }
}

const fn place_of(claim: Selector) -> Place {
    match claim {
        Selector::Segment(segment) => Place::Segment(segment),
        Selector::Zone(zone) => Place::Zone(zone),
        Selector::Host(_) | Selector::Destination(_) => Place::Unknown,
    }
}

/// Narrows segments that share a block by VLAN, then sensor, then link address. A hint that fits none narrows
/// nothing: it contradicts, and the judge asks for the contradiction by `vlan_mismatch`.
fn choose(policy: &Policy, mut left: Vec<SegmentIndex>, hints: &Hints<'_>) -> Situated {
    let narrow = |left: &mut Vec<SegmentIndex>, fits: &dyn Fn(&Segment) -> bool| {
        if left.iter().any(|index| fits(policy.segment(*index))) {
            left.retain(|index| fits(policy.segment(*index)));
        }
    };
    narrow(&mut left, &|segment| hints.vlans.iter().any(|vlan| segment.vlan.contains(vlan)));
    if let Some(sensor) = policy.sensor(hints.sensor) {
        let number = hints.sensor.0 - 1;
        let seen: Vec<_> = left
            .iter()
            .copied()
            .filter(|index| {
                sensor.sees.contains(&Selector::Segment(*index))
                    || policy.segment(*index).sensors.contains(&number)
            })
            .collect();
        if !seen.is_empty() {
            left = seen;
        }
    }
    if let Some(mac) = hints.mac {
        narrow(&mut left, &|segment| segment.has_mac(mac));
    }
    match left[..] {
        [] => Situated { place: Place::Unknown, candidates: left },
        [only] => Situated { place: Place::Segment(only), candidates: Vec::new() },
        _ => Situated { place: Place::Ambiguous, candidates: left },
    }
}

fn group_address(addr: IpAddr) -> Option<Place> {
    if addr.is_unspecified() {
        return Some(Place::Unspecified);
    }
    if addr.is_multicast() {
        return Some(Place::Multicast);
    }
    // A directed broadcast is judged like any address of its segment: routers can forward it.
    matches!(addr, IpAddr::V4(addr) if addr.is_broadcast()).then_some(Place::Broadcast)
}

fn is_link_local(addr: IpAddr) -> bool {
    match addr {
        IpAddr::V4(addr) => addr.is_link_local(),
        IpAddr::V6(addr) => addr.is_unicast_link_local(),
    }
}

/// Public unicast in the sense of RULES 7: TEST-NET and 198.18.0.0/15 count, and so does documentation IPv6.
///
/// IPv6: only 2000::/3 is assigned for global unicast (IANA IPv6 address space). IPv4-mapped, IPv4-compatible and
/// NAT64 (RFC 6052) addresses lie outside it: on a wire they are unknown unless the policy claims them.
fn is_public_unicast(addr: IpAddr) -> bool {
    match addr {
        IpAddr::V4(addr) => {
            let [first, second, ..] = addr.octets();
            let is_shared = first == 100 && second & 0xc0 == 64; // RFC 6598: 100.64.0.0/10
            let is_reserved = first == 0 || first >= 224; // RFC 6890: "this network", class D and E
            !(addr.is_private() || addr.is_link_local() || addr.is_loopback() || is_shared || is_reserved)
        }
        IpAddr::V6(addr) => addr.segments()[0] & 0xe000 == 0x2000,
    }
}

/// The blocks that the questions of this room know without being told: groups, what is local, what is public. Both
/// families as a whole are among them, so every address lies in a block.
pub(super) fn special_blocks() -> Vec<Prefix> {
    const BLOCKS: &[&str] = &[
        "0.0.0.0/0",
        "0.0.0.0/8",
        "0.0.0.0",
        "10.0.0.0/8",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "169.254.0.0/16",
        "172.16.0.0/12",
        "192.168.0.0/16",
        "224.0.0.0/4",
        "240.0.0.0/4",
        "255.255.255.255",
        "::/0",
        "::",
        "2000::/3",
        "fe80::/10",
        "ff00::/8",
    ];
    BLOCKS.iter().filter_map(|block| block.parse().ok()).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn covering<T: Copy>(map: &Prefixes<T>, addr: IpAddr) -> Vec<T> {
        map.covering(addr).flatten().copied().collect()
    }

    #[test]
    fn an_empty_table_covers_nothing() {
        let map: Prefixes<u8> = Prefixes::new([]);
        assert!(covering(&map, "0.0.0.0".parse().unwrap()).is_empty());
        assert!(covering(&map, "ffff::".parse().unwrap()).is_empty());
    }

    #[test]
    fn blocks_at_both_ends_of_the_address_space_are_found() {
        let map = Prefixes::new([
            ("0.0.0.0/0".parse().unwrap(), 1),
            ("255.255.255.255".parse().unwrap(), 2),
            ("0.0.0.0".parse().unwrap(), 3),
            ("ffff::/16".parse().unwrap(), 4),
        ]);
        assert_eq!(covering(&map, "255.255.255.255".parse().unwrap()), [2, 1]);
        assert_eq!(covering(&map, "0.0.0.0".parse().unwrap()), [3, 1]);
        assert_eq!(covering(&map, "0.0.0.1".parse().unwrap()), [1]);
        assert_eq!(covering(&map, "ffff::1".parse().unwrap()), [4]);
        assert!(covering(&map, "::ffff:0:1".parse().unwrap()).is_empty());
    }

    #[test]
    fn ten_thousand_blocks_answer_as_a_plain_scan_does() {
        let mut state = 0x2545_f491_4f6c_dd1d_u64;
        let mut random = || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state
        };
        let entries: Vec<(Prefix, usize)> = (0..10_000)
            .map(|number| {
                let raw = (random() >> 16) as u32;
                if number % 5 == 0 {
                    let len = (random() % 65) as u8 + 16;
                    let addr = u128::from(raw >> 12) << 108 & !(u128::MAX >> len);
                    (Prefix::new(IpAddr::V6(addr.into()), len).unwrap(), number)
                } else {
                    let len = (random() % 25) as u8 + 8;
                    let addr = raw & 0x3fff_ffff & !(u32::MAX.checked_shr(len.into()).unwrap_or(0));
                    (Prefix::new(IpAddr::V4(addr.into()), len).unwrap(), number)
                }
            })
            .collect();
        let map = Prefixes::new(entries.clone());
        let borders = entries.iter().step_by(97).flat_map(|(prefix, _)| [prefix.addr(), prefix.last()]);
        let strangers = (0..200).map(|_| IpAddr::V4((random() as u32 & 0x3fff_ffff).into()));
        for addr in borders.chain(strangers.collect::<Vec<_>>()) {
            let mut expected: Vec<_> =
                entries.iter().filter(|(prefix, _)| prefix.contains(addr)).copied().collect();
            expected.sort_by_key(|(prefix, number)| (std::cmp::Reverse(prefix.prefix_len()), *number));
            let expected: Vec<_> = expected.into_iter().map(|(_, number)| number).collect();
            assert_eq!(covering(&map, addr), expected, "{addr}");
        }
    }

    proptest! {
        #[test]
        fn few_blocks_answer_as_a_plain_scan_does(
            blocks in prop::collection::vec((0u32..64, 24u8..=32), 0..40), probe in 0u32..256
        ) {
            let entries: Vec<(Prefix, usize)> = (0..).zip(blocks).map(|(number, (addr, len))| {
                let addr = addr << 2 & !(u32::MAX.checked_shr(len.into()).unwrap_or(0));
                (Prefix::new(IpAddr::V4(addr.into()), len).unwrap(), number)
            }).collect::<Vec<_>>().into_iter().map(|(prefix, number): (Prefix, usize)| (prefix, number)).collect();
            let map = Prefixes::new(entries.clone());
            let addr = IpAddr::V4(probe.into());
            let mut found = covering(&map, addr);
            found.sort_unstable();
            let expected: Vec<_> =
                entries.iter().filter(|(prefix, _)| prefix.contains(addr)).map(|(_, number)| *number).collect();
            prop_assert_eq!(found, expected);
        }
    }

    #[test]
    fn rule_7_says_what_is_public_unicast() {
        for text in ["192.0.2.1", "198.18.0.1", "203.0.113.9", "8.8.8.8", "2001:db8::1", "2606:4700::1"] {
            assert!(is_public_unicast(text.parse().unwrap()), "{text}");
        }
        for text in [
            "10.0.0.1",
            "172.16.0.1",
            "192.168.1.1",
            "100.64.0.1",
            "169.254.1.1",
            "127.0.0.1",
            "0.1.2.3",
            "240.0.0.1",
            "fd00::1",
            "fe80::1",
            "::1",
            "::ffff:192.0.2.1",
            "64:ff9b::c000:201",
        ] {
            assert!(!is_public_unicast(text.parse().unwrap()), "{text}");
        }
        assert!(
            is_public_unicast("100.128.0.1".parse().unwrap())
                && is_public_unicast("172.32.0.1".parse().unwrap())
        );
    }
}
