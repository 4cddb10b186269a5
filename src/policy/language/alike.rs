//! What is alike under a policy: addresses, ports and moments that no rule tells apart.
//!
//! A policy of some hundred rules cuts addresses, ports and time into a few hundred pieces. Two flows between the same
//! pieces that show the same get the same verdict, so it is worked out once. Everything that the policy is asked about
//! an address, a port, a moment or a volume must be a border here.

use std::net::IpAddr;

use super::{
    compiled::{Objects, Policy},
    segments::{Prefixes, special_blocks},
    services::told_ports,
};
use crate::ground::model::{
    address::{Prefix, Service},
    limits::EPOCH_BORDER,
    time::{Span, Timestamp},
};

/// The borders between what the policy tells apart.
#[derive(Debug)]
pub(super) struct Borders {
    /// Every block that some rule names, so that two addresses with the same narrowest block lie in the same blocks.
    addrs: Prefixes<()>,
    /// First ports of the stretches that services name, in order.
    ports: Vec<u16>,
    /// First minutes of the stretches of the day that `hours` names, in order; empty where no channel has hours.
    minutes: Vec<u16>,
    /// Volumes that channels name, in order.
    volumes: Vec<u64>,
    tells_macs: bool,
    tells_vlans: bool,
}

impl Borders {
    pub(super) fn new(objects: &Objects) -> Self {
        let single = |addr: &IpAddr| Prefix::single(*addr);
        let mut blocks: Vec<Prefix> = special_blocks();
        blocks.extend(objects.segments.iter().flat_map(|segment| segment.cidr.iter().copied()));
        blocks.extend(objects.zones.iter().flat_map(|zone| zone.cidr.iter().copied()));
        blocks.extend(objects.destinations.iter().flat_map(|rule| rule.cidr.iter().copied()));
        blocks.extend(objects.sensors.iter().flat_map(|sensor| sensor.mirror.iter().copied()));
        blocks.extend(objects.hosts.iter().flat_map(|host| host.addr.iter().map(single)));
        blocks.extend(objects.paths.iter().flat_map(|path| path.egress_addr.iter().map(single)));
        blocks.sort_unstable();
        blocks.dedup();
        let of_destinations = objects.destinations.iter().flat_map(|rule| &rule.services);
        let of_channels = objects.channels.iter().flat_map(|channel| &channel.services);
        let of_forbids = objects.forbids.iter().flat_map(|forbid| &forbid.services);
        let services = of_destinations.chain(of_channels).chain(of_forbids);
        let edges = |service: &Service| [Some(service.first), service.last.checked_add(1)];
        let single = |port: u16| [Some(port), port.checked_add(1)];
        let told = services.flat_map(edges).chain(told_ports().flat_map(single));
        let hours = objects.channels.iter().filter_map(|channel| channel.hours);
        let volumes = objects
            .channels
            .iter()
            .flat_map(|channel| [channel.max_up_per_flow, channel.max_down_per_flow])
            .flatten()
            // A volume is passed from the next byte on.
            .map(|max| max.saturating_add(1));
        Self {
            addrs: Prefixes::new(blocks.into_iter().map(|block| (block, ()))),
            ports: sorted(told.flatten().chain([1])),
            minutes: sorted(hours.flat_map(|hours| [hours.from, hours.until])),
            volumes: sorted(volumes),
            tells_macs: objects.segments.iter().any(|segment| !segment.mac_prefix.is_empty())
                || objects.paths.iter().any(|path| !path.gateway_mac.is_empty()),
            tells_vlans: objects.segments.iter().any(|segment| !segment.vlan.is_empty()),
        }
    }
}

fn sorted<T: Ord>(all: impl Iterator<Item = T>) -> Vec<T> {
    let mut all: Vec<T> = all.collect();
    all.sort_unstable();
    all.dedup();
    all
}

fn rank<T: Ord>(borders: &[T], value: &T) -> u16 {
    // No more rules than 65,535 of each kind can be named by an index.
    u16::try_from(borders.partition_point(|border| border <= value)).unwrap_or(u16::MAX)
}

impl Policy {
    /// Addresses with the same number are the same to this policy at every moment. An `accept` entry may still tell
    /// them apart.
    #[must_use]
    pub fn kind_of_addr(&self, addr: IpAddr) -> u32 {
        self.alike.addrs.narrowest(addr)
    }

    /// Ports with the same number are the same to this policy, whatever the protocol. Port 0 is of a kind of its own.
    #[must_use]
    pub fn kind_of_port(&self, port: u16) -> u16 {
        rank(&self.alike.ports, &port)
    }

    /// Moments with the same number are the same to this policy; `None` where a border between rules lies so near to
    /// one of the two moments, or between them, that a flow must be judged on both sides of it (RULES 21). The hours of
    /// the day are no such border, see [`Policy::kind_of_hour`].
    #[must_use]
    pub fn kind_of_time(&self, first: Timestamp, last: Timestamp) -> Option<u16> {
        let doubt = EPOCH_BORDER;
        if first == Timestamp::MAX {
            // Periods without an end do not hold it.
            return None;
        }
        let from = first.plus(Span::from_nanos(-doubt.nanos()));
        let until = last.max(first).plus(doubt);
        self.borders_between(from, until).is_empty().then(|| rank(&self.borders, &first))
    }

    /// Seconds (since the epoch) with the same number are the same to the `hours` of every channel.
    #[must_use]
    pub fn kind_of_hour(&self, second: i64) -> u16 {
        if self.alike.minutes.is_empty() {
            return 0;
        }
        rank(&self.alike.minutes, &self.clock().minute_of_day(Timestamp::from_secs(second)))
    }

    /// Volumes with the same number pass the same limits.
    #[must_use]
    pub fn kind_of_volume(&self, bytes: u64) -> u16 {
        rank(&self.alike.volumes, &bytes)
    }

    /// True when some rule asks for link addresses.
    #[must_use]
    pub const fn tells_macs(&self) -> bool {
        self.alike.tells_macs
    }

    /// True when some rule asks for VLANs.
    #[must_use]
    pub const fn tells_vlans(&self) -> bool {
        self.alike.tells_vlans
    }
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, Ipv6Addr};

    use proptest::prelude::*;

    use super::{super::twins::*, *};
    use crate::{ground::model::address::Transport, policy::language::Hints};

    const POLICIES: [&str; 4] =
        ["minato_alpha.toml", "minato_alpha_prime_i.toml", "minato_beta.toml", "minato_beta_prime.toml"];

    /// Addresses at and beside the borders of everything that the policy names, and any others.
    fn addrs() -> impl Strategy<Value = IpAddr> {
        let near = prop::sample::select(vec![
            "10.110.0.0",
            "10.120.0.0",
            "10.120.0.53",
            "10.130.0.0",
            "10.199.0.0",
            "198.18.0.0",
            "198.19.0.0",
            "198.51.100.0",
            "198.51.100.32",
            "203.0.113.0",
            "203.0.113.128",
            "100.64.0.0",
            "169.254.0.0",
            "127.0.0.0",
            "172.16.0.0",
            "192.168.0.0",
            "224.0.0.0",
            "255.255.255.255",
            "0.0.0.0",
            "1.0.0.0",
        ]);
        let near = (near, -2i64..300).prop_map(|(base, step)| {
            let base: Ipv4Addr = base.parse().unwrap();
            IpAddr::V4(Ipv4Addr::from(base.to_bits().wrapping_add(step as u32)))
        });
        let wide =
            prop::sample::select(vec!["fe80::", "fec0::", "ff00::", "2000::", "4000::", "2001:db8::", "::"]);
        let wide = (wide, -2i128..3).prop_map(|(base, step)| {
            let base: Ipv6Addr = base.parse().unwrap();
            IpAddr::V6(Ipv6Addr::from(base.to_bits().wrapping_add(step as u128)))
        });
        prop_oneof![near, wide, any::<u32>().prop_map(|bits| IpAddr::V4(bits.into())), any::<IpAddr>()]
    }

    proptest! {
        #[test]
        fn addresses_of_one_kind_are_one_to_every_question(all in prop::collection::vec(addrs(), 2..60), which in 0..4usize) {
            let policy = twin(POLICIES[which]);
            for when in ["2026-05-01T12:00:00+09:00", "2026-09-30T22:00:00+09:00", "2026-12-01T12:00:00+09:00"] {
                let when = at(when);
                let mut known = std::collections::BTreeMap::new();
                for addr in &all {
                    let end = policy.end(*addr, when, &Hints::default(), &[]);
                    let is_local = match addr {
                        IpAddr::V4(addr) => addr.is_link_local(),
                        IpAddr::V6(addr) => addr.is_unicast_link_local(),
                    };
                    let leaves = policy.paths().iter().map(|path| path.egress_addr.contains(addr)).collect::<Vec<_>>();
                    let answer = (
                        (end.place, end.candidates, end.hosts, end.destinations),
                        (policy.is_mirror(*addr), leaves, is_local, addr.is_ipv6()),
                    );
                    let first = known.entry(policy.kind_of_addr(*addr)).or_insert_with(|| (addr, answer.clone()));
                    prop_assert_eq!(&first.1, &answer, "{} and {}", first.0, addr);
                }
            }
        }

        #[test]
        fn ports_of_one_kind_are_one_to_every_service(all in prop::collection::vec(any::<u16>(), 2..80), which in 0..4usize) {
            let policy = twin(POLICIES[which]);
            let near = [0, 1, 21, 22, 23, 53, 54, 80, 81, 161, 162, 443, 444, 445, 514, 515, 853, 3389, 3390];
            let mut known = std::collections::BTreeMap::new();
            for port in all.into_iter().chain(near) {
                let answer: Vec<_> = [Transport::TCP, Transport::UDP, Transport::SCTP]
                    .into_iter()
                    .map(|transport| {
                        let of_channels = policy.channels().iter().map(|channel| {
                            (channel.serves(transport, port), channel.may_be_one_way(transport, port))
                        });
                        let of_others = policy.destinations().iter().map(|rule| &rule.services);
                        let of_others = of_others.chain(policy.forbids().iter().map(|rule| &rule.services));
                        let covered = of_others.map(|all| all.iter().any(|service| service.covers(transport, port)));
                        let implied = super::super::implied_apps(transport, port);
                        (of_channels.collect::<Vec<_>>(), covered.collect::<Vec<_>>(), implied)
                    })
                    .collect();
                let first = known.entry(policy.kind_of_port(port)).or_insert_with(|| (port, answer.clone()));
                prop_assert_eq!(&first.1, &answer, "{} and {}", first.0, port);
            }
        }
    }

    #[test]
    fn a_moment_near_a_border_is_of_no_kind_and_both_sides_of_it_differ() {
        let policy = twin("minato_beta_prime.toml");
        let kind = |first: &str, last: &str| policy.kind_of_time(at(first), at(last));
        let before = kind("2026-09-30T18:00:00+09:00", "2026-09-30T19:50:00+09:00");
        let after = kind("2026-09-30T20:10:00+09:00", "2026-09-30T21:00:00+09:00");
        assert!(before.is_some() && after.is_some() && before != after);
        assert_eq!(
            kind("2026-09-30T18:00:00+09:00", "2026-09-30T19:58:00+09:00"),
            None,
            "within two minutes"
        );
        assert_eq!(kind("2026-09-30T20:01:59+09:00", "2026-09-30T21:00:00+09:00"), None);
        assert_eq!(kind("2026-09-30T19:00:00+09:00", "2026-09-30T21:00:00+09:00"), None, "beyond it");
    }

    #[test]
    fn minutes_of_one_kind_are_one_to_every_channel() {
        let policy = twin("minato_alpha.toml");
        let mut known = std::collections::BTreeMap::new();
        let start = at("2026-05-01T00:00:00+09:00").minute();
        for minute in start..start + 1_440 {
            let day = policy.clock().minute_of_day(Timestamp::from_secs(minute * 60));
            let answer: Vec<_> = policy
                .channels()
                .iter()
                .map(|channel| channel.hours.is_some_and(|hours| hours.contains(day)))
                .collect();
            let kind = policy.kind_of_hour(minute * 60 + 59);
            assert_eq!(*known.entry(kind).or_insert_with(|| answer.clone()), answer, "{day}");
        }
        assert!(known.len() > 1);
    }
}
