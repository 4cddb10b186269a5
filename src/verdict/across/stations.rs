//! Which link addresses speak for which addresses, and where.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::IpAddr,
    sync::Arc,
};

use super::crowd::{address, known};
use crate::ground::model::{address::Mac, facts::FlowFacts, key::Side, keyed::KeyedMap, limits};

/// Link addresses with what they spoke for.
#[derive(Debug, Default)]
pub struct Stations {
    spoke: KeyedMap<Mac, Station>,
    /// There were more than are kept: nothing can be said of any.
    pub overflow: bool,
}

/// Where a station speaks: the id of the place, empty for none, and its address there.
pub type Spot = (Arc<str>, IpAddr);

/// The addresses of one link address with their places, two at most: a host has one in a segment, and a router speaks for
/// many.
#[derive(Clone, Debug, Default)]
struct Station {
    /// In order.
    ends: [Option<Spot>; 2],
    many: bool,
}

impl Station {
    fn keep(&mut self, end: Spot) {
        match &mut self.ends {
            [Some(one), _] if *one == end => {}
            [_, Some(other)] if *other == end => {}
            [one @ None, _] => *one = Some(end),
            [one, other @ None] => {
                *other = Some(end);
                if *other < *one {
                    std::mem::swap(one, other);
                }
            }
            _ => self.many = true,
        }
    }

    fn ends(&self) -> impl Iterator<Item = &Spot> {
        self.ends.iter().flatten()
    }
}

impl Stations {
    pub(super) fn flow(&mut self, facts: &FlowFacts, side: Side, place: &Arc<str>) {
        let place = known(place).cloned().unwrap_or_default();
        for mac in facts.sides[side.index()].macs.into_iter().flatten() {
            if self.spoke.len() >= limits::STATIONS_MAX && !self.spoke.contains_key(&mac) {
                self.overflow = true;
                return;
            }
            let station = self.spoke.entry(mac).or_default();
            if !station.many {
                station.keep((place.clone(), address(facts, side)));
            }
        }
    }

    pub(super) fn merge(&mut self, other: Self) {
        self.overflow |= other.overflow;
        for (mac, theirs) in other.spoke {
            let mine = self.spoke.entry(mac).or_default();
            mine.many |= theirs.many;
            theirs.ends.into_iter().flatten().for_each(|end| mine.keep(end));
        }
        self.overflow |= self.spoke.len() > limits::STATIONS_MAX;
    }

    /// Link addresses that speak for one host in each of two places, in order, with both: where both places have other
    /// stations as well (else the tap stands behind a router, and all link addresses are the router's) and where nobody
    /// else speaks for the two (else the frames were seen on both sides of a router).
    #[must_use]
    pub fn in_two_places(&self) -> Vec<(Mac, [Spot; 2])> {
        let mut speakers: BTreeMap<&Spot, usize> = BTreeMap::new();
        let mut stations: BTreeMap<&Arc<str>, usize> = BTreeMap::new();
        for station in self.spoke.values().filter(|station| !station.many) {
            station.ends().for_each(|end| *speakers.entry(end).or_default() += 1);
            let places: BTreeSet<_> = station.ends().map(|(place, _)| place).collect();
            places.into_iter().for_each(|place| *stations.entry(place).or_default() += 1);
        }
        let alone = |end: &Spot| speakers.get(end) == Some(&1) && stations.get(&end.0) > Some(&1);
        let mut found: Vec<_> = self
            .spoke
            .iter()
            .filter(|(mac, station)| !station.many && is_own(**mac))
            .filter_map(|(mac, station)| {
                let mut ends = station.ends();
                let (one, other) = (ends.next()?, ends.next()?);
                let differs = one.0 != other.0 && one.1 != other.1;
                (differs && alone(one) && alone(other)).then(|| (*mac, [one.clone(), other.clone()]))
            })
            .collect();
        found.sort_unstable();
        found
    }
}

/// Burnt in by a maker: not administered locally, as virtual machines and phones that hide do (IEEE 802), and not shared by
/// redundant routers (VRRP, RFC 9568 section 7.3; HSRP 00:00:0c:07:ac, from memory).
fn is_own(mac: Mac) -> bool {
    let shared: [&[u8]; 3] = [&[0, 0, 0x5e, 0, 1], &[0, 0, 0x5e, 0, 2], &[0, 0, 0x0c, 0x07, 0xac]];
    mac.0[0] & 0b11 == 0 && !shared.iter().any(|front| mac.0.starts_with(front)) && mac != Mac([0; 6])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(all: &[(u8, &str, &str)]) -> Stations {
        let mut stations = Stations::default();
        for (last, place, addr) in all {
            let mut facts = FlowFacts::default();
            facts.opener.addr = addr.parse().unwrap();
            facts.sides[0].macs[0] = Some(Mac([0, 0x16, 0x3e, 0, 0, *last]));
            stations.flow(&facts, Side::Opener, &Arc::from(*place));
        }
        stations
    }

    const OTHERS: [(u8, &str, &str); 2] = [(8, "lg", "10.20.0.8"), (9, "in", "10.30.0.9")];

    #[test]
    fn one_link_address_with_a_host_in_each_of_two_segments_is_told() {
        let both = [&[(1, "lg", "10.20.0.5"), (1, "in", "10.30.0.5")][..], &OTHERS].concat();
        let found = seen(&both).in_two_places();
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].1.clone().map(|(place, _)| place.to_string()), ["in", "lg"]);
    }

    #[test]
    fn a_router_a_tap_behind_one_and_frames_seen_twice_are_not() {
        let router =
            [&[(1, "lg", "10.20.0.5"), (1, "in", "10.30.0.5"), (1, "", "192.0.2.1")][..], &OTHERS].concat();
        assert!(seen(&router).in_two_places().is_empty());
        let behind = [(1, "lg", "10.20.0.5"), (1, "in", "10.30.0.5")];
        assert!(seen(&behind).in_two_places().is_empty());
        let twice =
            [&[(1, "lg", "10.20.0.5"), (1, "in", "10.30.0.5"), (2, "lg", "10.20.0.5")][..], &OTHERS].concat();
        assert!(seen(&twice).in_two_places().is_empty());
    }

    #[test]
    fn joining_owners_says_what_one_owner_would_have() {
        let both = [&[(1, "lg", "10.20.0.5"), (1, "in", "10.30.0.5")][..], &OTHERS].concat();
        let mut joined = seen(&both[..1]);
        joined.merge(seen(&both[1..]));
        assert_eq!(joined.in_two_places(), seen(&both).in_two_places());
    }

    #[test]
    fn addresses_that_are_nobodys_own_are_left_out() {
        assert!(is_own(Mac([0, 0x16, 0x3e, 1, 2, 3])));
        for mac in
            [[2, 0, 0, 0, 0, 1], [0, 0, 0x5e, 0, 1, 7], [0, 0, 0x0c, 7, 0xac, 1], [1, 0, 0x5e, 0, 0, 1]]
        {
            assert!(!is_own(Mac(mac)));
        }
    }
}
