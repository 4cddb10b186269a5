//! The compiled policy: what the judge asks, packet after packet. Every answer is for a moment that the packet tells.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::IpAddr,
    sync::Arc,
};

use super::{
    alike::Borders,
    channels::{Direct, Leg, LegIndex},
    item::{
        Accept, AcceptIndex, Channel, ChannelIndex, CheckSetting, Defaults, Destination, DestinationIndex,
        Deviation, Epoch, EpochIndex, Forbid, ForbidIndex, Host, HostIndex, Meta, Path, PathIndex, Segment,
        SegmentIndex, Selector, Sensor, Zone, ZoneIndex,
    },
    names::NameTree,
    preset::Preset,
    segments::{Places, Prefixes},
    vocabulary::{SegmentClass, Stance},
};
use crate::{
    ground::{
        calendar::LocalClock,
        model::{address::Transport, finding::CheckId, name::HostName, packet::SensorId, time::Timestamp},
    },
    policy::list::Blocks,
};

/// Names of a destination that are looked at one by one; the tree of all names answers faster about more.
const SCANNED_NAMES_MAX: usize = 16;

/// The objects of a policy, resolved but not yet indexed.
#[derive(Clone, Debug)]
pub(super) struct Objects {
    pub(super) meta: Meta,
    pub(super) clock: LocalClock,
    pub(super) defaults: Defaults,
    pub(super) epochs: Vec<Epoch>,
    pub(super) sensors: Vec<Sensor>,
    pub(super) segments: Vec<Segment>,
    pub(super) zones: Vec<Zone>,
    pub(super) hosts: Vec<Host>,
    pub(super) paths: Vec<Path>,
    pub(super) destinations: Vec<Destination>,
    pub(super) channels: Vec<Channel>,
    pub(super) forbids: Vec<Forbid>,
    pub(super) accepts: Vec<Accept>,
    pub(super) checks: BTreeMap<CheckId, CheckSetting>,
    /// What is looser than the preset, and accepted.
    pub(super) deviations: Vec<Deviation>,
}

impl Objects {
    /// The presets of every model that is in force at some time.
    pub(super) fn presets(&self) -> impl Iterator<Item = &'static Preset> {
        let models = std::iter::once(self.meta.model).filter(|_| self.epochs.is_empty());
        let models = models.chain(self.epochs.iter().map(|epoch| epoch.model));
        models.filter_map(|model| Preset::find(&self.meta.guideline, model))
    }
}

/// A policy that was read, checked and indexed. It does not change and is shared by all workers.
#[derive(Debug)]
pub struct Policy {
    pub(super) objects: Objects,
    pub(super) places: Places,
    pub(super) host_addrs: Vec<(IpAddr, HostIndex)>,
    pub(super) destination_prefixes: Prefixes<DestinationIndex>,
    /// The addresses of each destination.
    pub(super) destination_addresses: Vec<Blocks>,
    pub(super) names: NameTree,
    /// Destinations without an address half, by zone.
    pub(super) name_only: BTreeMap<ZoneIndex, Vec<DestinationIndex>>,
    pub(super) legs: LegIndex,
    /// Moments at which some rule begins or ends, in order.
    pub(super) borders: Vec<Timestamp>,
    pub(super) key_vlans: Vec<u16>,
    /// What no rule tells apart.
    pub(super) alike: Borders,
    /// Checks that speak with their full weight.
    pub(super) switched_on: BTreeSet<CheckId>,
    /// Channels by id.
    pub(super) channel_ids: BTreeMap<Arc<str>, ChannelIndex>,
}

macro_rules! lists {
    ($($(#[doc = $doc:literal])+ $all:ident, $one:ident: $item:ident by $index:ident;)+) => {
        impl Policy {
            $(
                $(#[doc = $doc])+
                #[must_use]
                pub fn $all(&self) -> &[$item] {
                    &self.objects.$all
                }

                /// The one with this index, which this policy gave out.
                #[must_use]
                pub fn $one(&self, index: $index) -> &$item {
                    &self.objects.$all[usize::from(index.0)]
                }
            )+
        }
    };
}

lists! {
    /// All epochs, in the order of the files.
    epochs, epoch: Epoch by EpochIndex;
    /// All segments.
    segments, segment: Segment by SegmentIndex;
    /// All zones.
    zones, zone: Zone by ZoneIndex;
    /// All named hosts.
    hosts, host: Host by HostIndex;
    /// All paths.
    paths, path: Path by PathIndex;
    /// All destinations.
    destinations, destination: Destination by DestinationIndex;
    /// All channels.
    channels, channel: Channel by ChannelIndex;
    /// All prohibitions.
    forbids, forbid: Forbid by ForbidIndex;
    /// All acceptances.
    accepts, accept: Accept by AcceptIndex;
}

impl Policy {
    /// The head.
    #[must_use]
    pub const fn meta(&self) -> &Meta {
        &self.objects.meta
    }

    /// What holds where no channel speaks.
    #[must_use]
    pub const fn defaults(&self) -> &Defaults {
        &self.objects.defaults
    }

    /// All sensors; [`SensorId`] 1 is the first of them.
    #[must_use]
    pub fn sensors(&self) -> &[Sensor] {
        &self.objects.sensors
    }

    /// The number of a sensor, by its id.
    #[must_use]
    pub fn sensor_id(&self, id: &str) -> Option<SensorId> {
        let place = self.sensors().iter().position(|sensor| &*sensor.id == id)?;
        u16::try_from(place + 1).ok().map(SensorId)
    }

    /// The sensor of this number; `None` for an input that is bound to none.
    #[must_use]
    pub fn sensor(&self, id: SensorId) -> Option<&Sensor> {
        usize::from(id.0).checked_sub(1).and_then(|place| self.sensors().get(place))
    }

    /// True when a tunnel to this address is mirror transport and not traffic (RULES 18).
    #[must_use]
    pub fn is_mirror(&self, addr: IpAddr) -> bool {
        self.sensors().iter().any(|sensor| sensor.mirror.iter().any(|prefix| prefix.contains(addr)))
    }

    /// What the policy says of a check; `None` leaves all to the catalogue.
    #[must_use]
    pub fn check(&self, id: CheckId) -> Option<&CheckSetting> {
        self.objects.checks.get(&id)
    }

    /// The channel of this id.
    #[must_use]
    pub fn channel_named(&self, id: &str) -> Option<&Channel> {
        self.channel_ids.get(id).map(|index| self.channel(*index))
    }

    /// What is looser than the preset of the policy's model, and accepted.
    #[must_use]
    pub fn deviations(&self) -> &[Deviation] {
        &self.objects.deviations
    }

    /// Whether a check speaks with its full weight: from the first day by the preset of a model, or because the policy
    /// switched it on. Every other one is for information (DOMAIN §4.10).
    #[must_use]
    pub fn is_switched_on(&self, id: CheckId) -> bool {
        self.switched_on.contains(&id)
    }

    /// Everything it says of checks.
    #[must_use]
    pub const fn checks(&self) -> &BTreeMap<CheckId, CheckSetting> {
        &self.objects.checks
    }

    /// The time zone of `hours` and of days.
    #[must_use]
    pub const fn clock(&self) -> &LocalClock {
        &self.objects.clock
    }

    /// The VLANs that must enter the flow key: those that tell segments with overlapping addresses apart (RULES 17).
    /// In order, each once.
    #[must_use]
    pub fn vlans_in_key(&self) -> &[u16] {
        &self.key_vlans
    }

    /// The acceptance that covers a finding about this host at this moment, if there is one (RULES 37).
    #[must_use]
    pub fn accepted(&self, check: CheckId, host: Option<IpAddr>, at: Timestamp) -> Option<AcceptIndex> {
        if self.accepts().is_empty() {
            return None;
        }
        let name = check.to_string();
        let covers = |accept: &Accept| {
            let named = match accept.finding.strip_suffix('*') {
                Some(front) => name.starts_with(front),
                None => *name == *accept.finding,
            };
            let about = accept.host.is_empty()
                || host.is_some_and(|host| accept.host.iter().any(|prefix| prefix.contains(host)));
            named && about && accept.period.contains(at)
        };
        self.accepts().iter().position(covers).and_then(|place| u16::try_from(place).ok()).map(AcceptIndex)
    }

    /// The id of whatever a selector names.
    #[must_use]
    pub fn id_of(&self, selector: Selector) -> &Arc<str> {
        match selector {
            Selector::Segment(index) => &self.segment(index).id,
            Selector::Zone(index) => &self.zone(index).id,
            Selector::Host(index) => &self.host(index).id,
            Selector::Destination(index) => &self.destination(index).id,
        }
    }

    /// The class of the segment that a selector names or lies in; `None` outside.
    #[must_use]
    pub fn class_of(&self, selector: Selector) -> Option<SegmentClass> {
        match selector {
            Selector::Segment(index) => Some(self.segment(index).class),
            Selector::Host(index) => match self.host(index).home {
                Selector::Segment(home) => Some(self.segment(home).class),
                _ => None,
            },
            Selector::Zone(_) | Selector::Destination(_) => None,
        }
    }

    /// The hosts at this address that exist at this moment, whatever place it belongs to.
    pub fn hosts_at(&self, addr: IpAddr, at: Timestamp) -> impl Iterator<Item = HostIndex> {
        let start = self.host_addrs.partition_point(|(known, _)| *known < addr);
        let here = self.host_addrs[start..].iter().take_while(move |(known, _)| *known == addr);
        here.map(|(_, host)| *host).filter(move |host| self.host(*host).periods.contains(at))
    }

    /// The first of [`Policy::hosts_at`].
    #[must_use]
    pub fn host_at(&self, addr: IpAddr, at: Timestamp) -> Option<HostIndex> {
        self.hosts_at(addr, at).next()
    }

    /// The destinations whose address half lists this address, narrowest block first.
    pub fn destinations_at(&self, addr: IpAddr, at: Timestamp) -> impl Iterator<Item = DestinationIndex> {
        let listed = self.destination_prefixes.covering(addr).flatten().copied();
        listed.filter(move |destination| self.destination(*destination).periods.contains(at))
    }

    /// The destinations whose names list this name, in the order of the files; none for a malformed name.
    #[must_use]
    pub fn destinations_named(&self, name: &HostName) -> Vec<DestinationIndex> {
        self.names.find(name)
    }

    /// True when the destination lists the name.
    #[must_use]
    pub fn lists_name(&self, destination: DestinationIndex, name: &HostName) -> bool {
        let patterns = &self.destination(destination).fqdn;
        if patterns.len() > SCANNED_NAMES_MAX {
            return self.names.find(name).contains(&destination);
        }
        patterns.iter().any(|pattern| pattern.matches(name))
    }

    /// True when the destination's address half holds for this end: its blocks hold the address, or it has none and
    /// the end lies in its zone (RULES 9).
    #[must_use]
    pub fn lists_addr(&self, destination: DestinationIndex, end: &End) -> bool {
        let rule = self.destination(destination);
        if rule.cidr.is_empty() {
            return end.place.zone() == Some(rule.zone);
        }
        let addresses = &self.destination_addresses[usize::from(destination.0)];
        end.addr.is_some_and(|addr| addresses.contains(addr))
    }

    /// What a name says of the tenant (RULES 37).
    #[must_use]
    pub fn tenant_of(&self, destination: DestinationIndex, name: &HostName) -> TenantName {
        let rule = &self.destination(destination).tenant;
        if rule.own.iter().any(|pattern| pattern.matches(name)) {
            TenantName::Own
        } else if rule.foreign_pattern.iter().any(|pattern| pattern.matches(name)) {
            TenantName::Foreign
        } else {
            TenantName::Silent
        }
    }

    /// True when IPv6 is denied at this place.
    #[must_use]
    pub fn denies_ipv6(&self, place: Place) -> bool {
        let own = match place {
            Place::Segment(index) => self.segment(index).ipv6,
            _ => None,
        };
        own.unwrap_or(self.objects.defaults.ipv6) == Stance::Deny
    }

    /// The hops of channels that lead from one end to the other, those of expired channels included and marked, in
    /// the order of the files.
    #[must_use]
    pub fn legs_between(&self, client: &End, server: &End, at: Timestamp) -> Vec<Leg> {
        self.legs.between(self, client, server, at)
    }

    /// Channels with `via` whose own ends these are: the flow passes their hosts by (SK-F02).
    #[must_use]
    pub fn direct_of_via(&self, client: &End, server: &End, at: Timestamp) -> Vec<Direct> {
        self.legs.direct(self, client, server, at)
    }

    /// The first prohibition that holds between the two ends.
    #[must_use]
    pub fn forbidden(
        &self,
        client: &End,
        server: &End,
        transport: Transport,
        port: u16,
        at: Timestamp,
    ) -> Option<ForbidIndex> {
        self.legs.forbidden(self, client, server, (transport, port), at)
    }
}

/// What a name says of tenants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TenantName {
    /// It is the own tenant's.
    Own,
    /// It is another tenant's.
    Foreign,
    /// It tells no tenant.
    Silent,
}

/// Where an address belongs (RULES 1, 7).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Place {
    /// In this segment.
    Segment(SegmentIndex),
    /// In this zone, by one of its blocks.
    Zone(ZoneIndex),
    /// In the zone of the rest: unclaimed public unicast.
    Rest(ZoneIndex),
    /// A group address.
    Multicast,
    /// 255.255.255.255.
    Broadcast,
    /// 0.0.0.0 or ::.
    Unspecified,
    /// Unclaimed link-local unicast: an unknown address that no router forwards.
    LinkLocal,
    /// Any other address that nothing claims.
    Unknown,
    /// Several segments claim it and nothing tells which.
    Ambiguous,
}

impl Place {
    /// The zone, claimed or of the rest.
    #[must_use]
    pub const fn zone(self) -> Option<ZoneIndex> {
        match self {
            Self::Zone(zone) | Self::Rest(zone) => Some(zone),
            _ => None,
        }
    }

    /// The segment.
    #[must_use]
    pub const fn segment(self) -> Option<SegmentIndex> {
        match self {
            Self::Segment(segment) => Some(segment),
            _ => None,
        }
    }

    /// As `from` and `to` of a policy name it; `None` where no policy can.
    #[must_use]
    pub fn selector(self) -> Option<Selector> {
        self.segment().map(Selector::Segment).or_else(|| self.zone().map(Selector::Zone))
    }
}

/// What a packet shows beside its addresses, to choose between segments that overlap.
#[derive(Clone, Copy, Debug, Default)]
pub struct Hints<'a> {
    /// VLAN ids of the frame; 0 says nothing.
    pub vlans: &'a [u16],
    /// The sensor that saw it.
    pub sensor: SensorId,
    /// The link address of this end.
    pub mac: Option<crate::ground::model::address::Mac>,
}

/// Where an address belongs, and what else it could be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Situated {
    /// The place.
    pub place: Place,
    /// The segments left to choose from when the place is [`Place::Ambiguous`]; else empty.
    pub candidates: Vec<SegmentIndex>,
}

/// One end of a flow, or a target named inside it, as the policy sees it at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct End {
    /// Its address; `None` for a target that is known by name only.
    pub addr: Option<IpAddr>,
    /// Where it belongs; [`Place::Unknown`] without an address.
    pub place: Place,
    /// The segments left to choose from when the place is ambiguous.
    pub candidates: Vec<SegmentIndex>,
    /// The named hosts it is.
    pub hosts: Vec<HostIndex>,
    /// The destinations it can be.
    pub destinations: Vec<Listed>,
}

/// A destination that an end can be, and which halves say so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Listed {
    /// The destination.
    pub destination: DestinationIndex,
    /// Its address half holds (RULES 9).
    pub address: bool,
    /// A name that was given is listed. For `match = "address"` it decides nothing.
    pub name: bool,
}

impl End {
    /// Everything that `from` or `to` may call this end.
    pub fn selectors(&self) -> impl Iterator<Item = Selector> {
        let hosts = self.hosts.iter().map(|host| Selector::Host(*host));
        let destinations = self.destinations.iter().map(|listed| Selector::Destination(listed.destination));
        self.place.selector().into_iter().chain(hosts).chain(destinations)
    }
}

impl Policy {
    /// Where an address belongs at a moment: the longest block valid then; VLAN, sensor and MAC only choose between
    /// segments that share it (RULES 1).
    #[must_use]
    pub fn situate(&self, addr: IpAddr, at: Timestamp, hints: &Hints<'_>) -> Situated {
        self.places.situate(self, addr, at, hints)
    }

    /// One end of a flow, with the names that were seen for it.
    #[must_use]
    pub fn end(&self, addr: IpAddr, at: Timestamp, hints: &Hints<'_>, names: &[&HostName]) -> End {
        let Situated { place, candidates } = self.situate(addr, at, hints);
        End { candidates, ..self.end_in(addr, place, at, names) }
    }

    /// One end of a flow, read as lying in `place`: to judge an ambiguous one under each reading.
    #[must_use]
    pub fn end_in(&self, addr: IpAddr, place: Place, at: Timestamp, names: &[&HostName]) -> End {
        let home = place.selector();
        let at_home = |host: &HostIndex| {
            let host = self.host(*host);
            home.is_some_and(|home| host.home == home || host.homes.contains(&home))
        };
        let mut end = End {
            addr: Some(addr),
            place,
            candidates: Vec::new(),
            hosts: self.hosts_at(addr, at).filter(at_home).collect(),
            destinations: Vec::new(),
        };
        // An address inside a segment is never a destination outside, whatever a block or a name says.
        if let Some(zone) = place.zone() {
            self.list_destinations(&mut end, zone, at, names);
        }
        end
    }

    /// A target that is known by name only: asked of a proxy, never seen as an address.
    #[must_use]
    pub fn named_end(&self, name: &HostName, at: Timestamp) -> End {
        let named = self.destinations_named(name).into_iter();
        let listed = named
            .filter(|destination| self.destination(*destination).periods.contains(at))
            .map(|destination| Listed { destination, address: false, name: true });
        End {
            addr: None,
            place: Place::Unknown,
            candidates: Vec::new(),
            hosts: Vec::new(),
            destinations: listed.collect(),
        }
    }

    fn list_destinations(&self, end: &mut End, zone: ZoneIndex, at: Timestamp, names: &[&HostName]) {
        let mut found: BTreeMap<DestinationIndex, (bool, bool)> = BTreeMap::new();
        for destination in end.addr.into_iter().flat_map(|addr| self.destinations_at(addr, at)) {
            found.entry(destination).or_default().0 = true;
        }
        for name in names {
            for destination in self.destinations_named(name) {
                let rule = self.destination(destination);
                if rule.periods.contains(at) {
                    let entry = found.entry(destination).or_default();
                    entry.0 |= rule.cidr.is_empty() && rule.zone == zone;
                    entry.1 = true;
                }
            }
        }
        // Without a name, whatever the zone lists by name only stays possible.
        if names.is_empty() {
            for destination in self.name_only.get(&zone).into_iter().flatten() {
                if self.destination(*destination).periods.contains(at) {
                    found.entry(*destination).or_default().0 = true;
                }
            }
        }
        end.destinations = found
            .into_iter()
            .map(|(destination, (address, name))| Listed { destination, address, name })
            .collect();
    }

    /// The segments that declare this VLAN and exist at this moment.
    pub fn vlan_owners(&self, vlan: u16, at: Timestamp) -> impl Iterator<Item = SegmentIndex> {
        let declares = move |segment: &Segment| segment.vlan.contains(&vlan) && segment.periods.contains(at);
        (0u16..)
            .zip(self.segments())
            .filter(move |(_, segment)| declares(segment))
            .map(|(n, _)| SegmentIndex(n))
    }

    /// True when a tag of the frame belongs to neither end's segment (RULES 1). With no segment at either end there
    /// is nothing to compare with. A segment that declares no VLAN takes those that no other segment declares.
    #[must_use]
    pub fn vlan_mismatch(&self, vlans: &[u16], client: Place, server: Place, at: Timestamp) -> bool {
        let mut segments = [client.segment(), server.segment()].into_iter().flatten().peekable();
        let is_taken = |segment: SegmentIndex, vlan: u16| {
            let segment = self.segment(segment);
            segment.vlan.contains(&vlan)
                || segment.vlan.is_empty() && self.vlan_owners(vlan, at).next().is_none()
        };
        segments.peek().is_some()
            && vlans
                .iter()
                .any(|vlan| *vlan != 0 && !segments.clone().any(|segment| is_taken(segment, *vlan)))
    }
}

#[cfg(test)]
mod tests {
    use super::{super::twins::*, *};
    use crate::ground::model::address::Mac;

    fn addr(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    /// The id of the place of an address, or the word for a place without one.
    fn place(policy: &Policy, text: &str, when: &str, hints: &Hints<'_>) -> String {
        let found = policy.situate(addr(text), at(when), hints);
        found
            .place
            .selector()
            .map_or_else(|| format!("{:?}", found.place), |place| policy.id_of(place).to_string())
    }

    const SPRING: &str = "2026-05-01T12:00:00+09:00";
    const NIGHT: &str = "2026-09-30T22:00:00+09:00";
    const WINTER: &str = "2026-12-01T12:00:00+09:00";

    #[test]
    fn rule_01_the_address_names_the_segment_and_a_vlan_only_chooses_between_overlapping_ones() {
        let policy = twin("minato_beta_prime.toml");
        let none = Hints::default();
        let old = Hints { vlans: &[22], ..none };
        let new = Hints { vlans: &[51], ..none };
        let strange = Hints { vlans: &[999], ..none };
        assert_eq!(place(&policy, "10.120.3.4", SPRING, &none), "gyomu-kyu");
        assert_eq!(place(&policy, "10.120.3.4", WINTER, &none), "soto");
        assert_eq!(place(&policy, "10.120.3.4", WINTER, &old), "soto", "a VLAN never overrules the address");
        assert_eq!(place(&policy, "10.120.3.4", NIGHT, &old), "gyomu-kyu");
        assert_eq!(place(&policy, "10.120.3.4", NIGHT, &new), "soto");
        assert_eq!(place(&policy, "10.120.3.4", NIGHT, &none), "Ambiguous");
        assert_eq!(place(&policy, "10.120.3.4", NIGHT, &strange), "Ambiguous");
        let candidates = policy.situate(addr("10.120.3.4"), at(NIGHT), &none).candidates;
        assert_eq!(candidates.len(), 2);
        assert_eq!(place(&policy, "10.130.0.9", "2026-10-01T05:59:59.5+09:00", &none), "soto-kyu");
        assert_eq!(place(&policy, "10.130.0.9", "2026-10-01T06:00:00+09:00", &none), "Unknown", "retired");
    }

    #[test]
    fn rule_01_a_vlan_of_neither_end_is_a_mismatch() {
        let policy = twin("minato_alpha.toml");
        let segment = |id: &str| {
            let number = policy.segments().iter().position(|segment| &*segment.id == id).unwrap();
            Place::Segment(SegmentIndex(number as u16))
        };
        let (mn, lg) = (segment("kojin"), segment("gyomu"));
        assert!(
            !policy.vlan_mismatch(&[11], mn, lg, at(SPRING))
                && !policy.vlan_mismatch(&[22], mn, lg, at(SPRING))
        );
        assert!(
            policy.vlan_mismatch(&[31], mn, lg, at(SPRING))
                && policy.vlan_mismatch(&[11, 31], mn, lg, at(SPRING))
        );
        assert!(!policy.vlan_mismatch(&[0], mn, lg, at(SPRING)), "a priority tag names no VLAN");
        assert!(!policy.vlan_mismatch(&[31], Place::Unknown, Place::Rest(ZoneIndex(0)), at(SPRING)));
        assert_eq!(policy.vlan_owners(31, at(SPRING)).count(), 1);
    }

    #[test]
    fn rule_07_the_rest_is_unclaimed_public_unicast_and_nothing_else() {
        let policy = twin("minato_alpha.toml");
        for (text, expected) in [
            ("198.51.100.7", "net"),
            ("2001:db8::7", "net"),
            ("198.19.8.1", "wan"),
            ("203.0.113.127", "kenshield"),
            ("203.0.113.128", "net"),
            ("10.199.0.3", "hoshu-sen"),
            ("10.99.0.1", "Unknown"),
            ("100.64.0.1", "Unknown"),
            ("fd00::1", "Unknown"),
            ("::ffff:198.51.100.7", "Unknown"),
            ("169.254.3.4", "LinkLocal"),
            ("fe80::1", "LinkLocal"),
            ("239.1.2.3", "Multicast"),
            ("ff02::fb", "Multicast"),
            ("255.255.255.255", "Broadcast"),
            ("10.110.255.255", "kojin"),
            ("0.0.0.0", "Unspecified"),
            ("::", "Unspecified"),
        ] {
            assert_eq!(place(&policy, text, SPRING, &Hints::default()), expected, "{text}");
        }
    }

    #[test]
    fn rule_17_only_vlans_that_tell_segments_apart_enter_the_key() {
        assert!(twin("minato_alpha.toml").vlans_in_key().is_empty());
        assert_eq!(twin("minato_beta_prime.toml").vlans_in_key(), [21, 22, 51, 52]);
    }

    #[test]
    fn sensor_and_link_address_choose_where_no_vlan_was_seen() {
        let changes = [
            ("vlan = [51, 52]", "sensors = [\"mirror-breakout\"]"),
            ("vlan = [21, 22]", "sensors = [\"mirror-gate\"]\nmac_prefix = [\"02:00\"]"),
            ("\"soto-kyu\", \"soto\", \"gyomu\"", "\"soto-kyu\", \"gyomu\""),
            ("\"kojin\", \"gyomu-kyu\", \"soto-kyu\"", "\"kojin\", \"soto-kyu\""),
        ];
        let (policy, _) =
            changed("minato_beta_prime.toml", &changes).unwrap_or_else(|faults| panic!("{faults:#?}"));
        let hints = |sensor: &str| Hints { sensor: policy.sensor_id(sensor).unwrap(), ..Hints::default() };
        assert_eq!(place(&policy, "10.120.3.4", NIGHT, &hints("mirror-gate")), "gyomu-kyu");
        assert_eq!(place(&policy, "10.120.3.4", NIGHT, &hints("mirror-breakout")), "soto");
        assert_eq!(place(&policy, "10.120.3.4", NIGHT, &hints("mirror-hall")), "Ambiguous");
        let mac = Hints { mac: Some(Mac([2, 0, 1, 2, 3, 4])), ..hints("mirror-hall") };
        assert_eq!(place(&policy, "10.120.3.4", NIGHT, &mac), "gyomu-kyu");
        assert!(policy.vlans_in_key().is_empty());
    }

    #[test]
    fn rule_09_a_destination_is_listed_by_its_halves() {
        let policy = twin("minato_alpha_prime_i.toml");
        let id = |listed: &Listed| policy.destination(listed.destination).id.to_string();
        let listed = |text: &str, names: &[&str]| -> Vec<(String, bool, bool)> {
            let names: Vec<_> = names.iter().map(|name| HostName::new(name.as_bytes())).collect();
            let names: Vec<_> = names.iter().collect();
            let end = policy.end(addr(text), at(SPRING), &Hints::default(), &names);
            end.destinations.iter().map(|entry| (id(entry), entry.address, entry.name)).collect()
        };
        let is = |id: &str, address, name| (id.to_owned(), address, name);
        assert_eq!(listed("198.51.100.5", &[]), [is("dn-lic", true, false), is("dn-signin", true, false)]);
        assert_eq!(
            listed("198.51.100.5", &["signin.harbor.example"]),
            [is("dn-lic", true, false), is("dn-signin", true, true)]
        );
        assert_eq!(listed("198.51.100.200", &["signin.harbor.example"]), [is("dn-signin", false, true)]);
        assert!(listed("198.51.100.200", &["evil.example"]).is_empty());
        assert!(listed("10.130.0.7", &["signin.harbor.example"]).is_empty(), "inside is never outside");
        let suite = policy.destinations().iter().position(|rule| &*rule.id == "dn-kaigi").unwrap();
        let suite = DestinationIndex(suite as u16);
        let tenant = |name: &str| policy.tenant_of(suite, &HostName::new(name.as_bytes()));
        assert_eq!(tenant("minato.hako.harbor.example"), TenantName::Own);
        assert_eq!(tenant("other.hako.harbor.example"), TenantName::Foreign);
        assert_eq!(tenant("kaigi.harbor.example"), TenantName::Silent);
    }

    #[test]
    fn rule_09_a_destination_without_blocks_stays_possible_in_its_zone_until_a_name_is_seen() {
        let changes = [(
            "cidr = [\"198.51.100.0/27\"]\nservices = [\"tcp/443\"]\nmatch = \"name+address\"",
            "services = [\"tcp/443\"]\nmatch = \"name\"",
        )];
        let (policy, _) = changed("minato_alpha_prime_a.toml", &changes).unwrap();
        let end =
            |text: &str, names: &[&HostName]| policy.end(addr(text), at(SPRING), &Hints::default(), names);
        let count = |end: &End| end.destinations.len();
        assert_eq!(count(&end("198.51.100.200", &[])), 1);
        assert_eq!(count(&end("198.19.0.1", &[])), 0, "another zone");
        assert_eq!(count(&end("198.51.100.200", &[&HostName::new(b"other.example")])), 0);
        let named = end("198.51.100.200", &[&HostName::new(b"license.harbor.example")]);
        assert!(named.destinations[0].address && named.destinations[0].name);
        assert!(policy.lists_addr(named.destinations[0].destination, &named));
        let target = policy.named_end(&HostName::new(b"license.harbor.example"), at(SPRING));
        assert!(target.destinations[0].name && !target.destinations[0].address);
    }

    #[test]
    fn rule_37_acceptances_cover_their_finding_host_and_time_only() {
        let policy = twin("minato_alpha.toml");
        let check: CheckId = "SK-D05".parse().unwrap();
        let dns = Some(addr("10.120.0.53"));
        assert!(policy.accepted(check, dns, at(SPRING)).is_some());
        assert!(policy.accepted(check, Some(addr("10.120.0.54")), at(SPRING)).is_none());
        assert!(policy.accepted(check, dns, at(WINTER)).is_none());
        assert!(policy.accepted("SK-D06".parse().unwrap(), dns, at(SPRING)).is_none());
        assert_eq!(policy.check("SK-P01".parse().unwrap()).unwrap().enabled, Some(false));
    }

    #[test]
    fn rule_37_what_a_policy_does_not_say_is_deny_observe_finding_deny_observe_observe() {
        let changes = [(
            "[defaults]\ninter_segment = \"deny\"\nintra_segment = \"observe\"\nunknown_address = \"finding\"\nipv6 = \"deny\"\n",
            "",
        )];
        let (policy, _) = changed("minato_alpha.toml", &changes).unwrap();
        assert_eq!(*policy.defaults(), Defaults::default());
        assert!(policy.denies_ipv6(Place::Unknown));
        let end = policy.end(addr("198.18.3.1"), at(SPRING), &Hints::default(), &[]);
        let channel = policy.channels().iter().find(|channel| &*channel.id == "k-shomei").unwrap();
        let minute = policy.clock().minute_of_day(at("2026-05-01T23:00:00+09:00"));
        assert!(end.place.zone().is_some() && !channel.hours.unwrap().contains(minute));
    }
}
