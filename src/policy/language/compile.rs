//! Objects to look-ups.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    alike::Borders,
    channels::LegIndex,
    compiled::{Objects, Policy},
    item::{ChannelIndex, DestinationIndex, HostIndex, ZoneIndex},
    names::NameTree,
    segments::{Places, Prefixes},
    timeline::borders,
};
use crate::{ground::model::finding::CheckId, policy::catalog};

impl Policy {
    /// Builds every index. The objects are resolved: all selectors lie inside their lists.
    pub(super) fn new(objects: Objects) -> Self {
        let destinations = || (0u16..).map(DestinationIndex).zip(&objects.destinations);
        let prefixes = destinations()
            .flat_map(|(index, destination)| destination.cidr.iter().map(move |prefix| (*prefix, index)));
        let names = destinations()
            .flat_map(|(index, destination)| destination.fqdn.iter().map(move |pattern| (pattern, index)));
        let mut name_only: BTreeMap<ZoneIndex, Vec<DestinationIndex>> = BTreeMap::new();
        for (index, destination) in destinations().filter(|(_, destination)| destination.cidr.is_empty()) {
            name_only.entry(destination.zone).or_default().push(index);
        }
        let mut host_addrs: Vec<_> = (0u16..)
            .map(HostIndex)
            .zip(&objects.hosts)
            .flat_map(|(index, host)| host.addr.iter().map(move |addr| (*addr, index)))
            .collect();
        host_addrs.sort_unstable();
        host_addrs.dedup();
        Self {
            places: Places::new(&objects.segments, &objects.zones),
            host_addrs,
            destination_prefixes: Prefixes::new(prefixes),
            destination_addresses: destinations()
                .map(|(_, rule)| rule.cidr.iter().copied().collect())
                .collect(),
            names: NameTree::new(names),
            name_only,
            legs: LegIndex::new(&objects),
            borders: borders(&objects),
            alike: Borders::new(&objects),
            key_vlans: key_vlans(&objects),
            switched_on: switched_on(&objects),
            channel_ids: (0u16..)
                .map(ChannelIndex)
                .zip(&objects.channels)
                .map(|(index, it)| (it.id.clone(), index))
                .collect(),
            objects,
        }
    }
}

fn switched_on(objects: &Objects) -> BTreeSet<CheckId> {
    let presets: Vec<_> = objects.presets().collect();
    let is_on = |id: &CheckId| {
        let asked = objects.checks.get(id).and_then(|setting| setting.enabled) == Some(true);
        asked || presets.iter().any(|preset| preset.is_day_one(*id))
    };
    catalog::all().map(|entry| entry.id).filter(is_on).collect()
}

/// The VLANs of segments that share a block at some moment and that VLANs tell apart (RULES 17). Of nested blocks the
/// longer one names the segment, so VLANs tell nothing apart there.
fn key_vlans(objects: &Objects) -> Vec<u16> {
    let mut vlans = BTreeSet::new();
    for (number, one) in objects.segments.iter().enumerate() {
        for two in &objects.segments[number + 1..] {
            let share = one.cidr.iter().any(|block| two.cidr.contains(block));
            let apart = one.vlan.iter().all(|vlan| !two.vlan.contains(vlan));
            if share && apart && one.periods.meet(&two.periods) {
                vlans.extend(one.vlan.iter().chain(&two.vlan));
            }
        }
    }
    vlans.into_iter().collect()
}
