//! From groups of flows to the fewest channels that cover them.
//!
//! A channel names what was seen and nothing beyond it, but for three steps that a person sees in the text: many clients of
//! one segment are named by the segment, names that share an address are one destination, and what clients of one segment
//! reach at one server is one channel.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::IpAddr,
};

use super::{cover::cover, evidence::Evidence, reason::Reason};
use crate::{
    ground::model::{
        address::{Prefix, Service},
        limits,
    },
    policy::language::{Policy, SegmentClass, SegmentIndex, Selector, ZoneIndex},
};

/// Flows that belong under one permission.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Group {
    pub(super) client: Client,
    pub(super) server: Server,
    pub(super) service: Service,
    /// The server is asked for targets: a proxy.
    pub(super) asks: bool,
}

/// Who opens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Client {
    /// A host that the policy names.
    Host(Selector),
    /// Somebody in this segment.
    Segment(SegmentIndex),
    /// This machine inside.
    Machine(SegmentIndex, IpAddr),
    /// This address outside.
    Outside(ZoneIndex, IpAddr),
}

/// Toward what.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Server {
    /// A host or destination that the policy names.
    Known(Selector),
    /// This address inside.
    Inside(SegmentIndex, IpAddr),
    /// This address outside, without a name.
    Address(ZoneIndex, IpAddr),
    /// These names, at whatever addresses were seen.
    Named(ZoneIndex, Vec<String>),
}

/// What a proposed channel names.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum End {
    /// Something of the policy.
    Known(Selector),
    /// A machine in this segment or zone.
    Machine(Selector, IpAddr),
    /// A block outside.
    Block(ZoneIndex, Prefix),
    /// The destination of this number.
    Named(usize),
}

/// Names that share addresses.
#[derive(Clone, Debug)]
pub(super) struct Named {
    pub(super) zone: ZoneIndex,
    pub(super) names: BTreeSet<String>,
    pub(super) addresses: BTreeSet<IpAddr>,
}

/// A channel to propose.
#[derive(Clone, Debug)]
pub(super) struct Proposed {
    pub(super) from: BTreeSet<End>,
    pub(super) to: End,
    pub(super) via: Option<End>,
    pub(super) services: BTreeSet<Service>,
    /// Its server, or its `via`, is a proxy.
    pub(super) asks: bool,
    pub(super) groups: Vec<Group>,
    pub(super) evidence: Evidence,
    /// A whole flow of each group.
    pub(super) samples: Vec<Evidence>,
}

/// All of them.
#[derive(Clone, Debug, Default)]
pub(super) struct Plan {
    pub(super) named: Vec<Named>,
    pub(super) channels: Vec<Proposed>,
    /// What cannot be planned.
    pub(super) left_out: Vec<(Group, Reason)>,
}

impl Plan {
    pub(super) fn of(policy: &Policy, groups: &BTreeMap<Group, Evidence>) -> Self {
        let mut plan = Self::default();
        let groups: Vec<_> = groups.iter().filter(|(group, _)| !plan.is_nameless(group, groups)).collect();
        plan.gather_names(&groups);
        let is_proxy = |segment, addr| {
            let server = Server::Inside(segment, addr);
            groups.iter().any(|(group, _)| group.asks && group.server == server)
        };
        let mut channels: BTreeMap<(Client, End), Proposed> = BTreeMap::new();
        for (group, evidence) in &groups {
            let Some(to) = plan.end(group, evidence) else { continue };
            let client = match group.client {
                Client::Machine(segment, addr) if !is_proxy(segment, addr) => Client::Segment(segment),
                client => client,
            };
            let proposed = Proposed::new(group, evidence, &to);
            match channels.get_mut(&(client, to.clone())) {
                Some(known) => known.merge(proposed),
                None => _ = channels.insert((client, to), proposed),
            }
        }
        let mut channels: Vec<_> = channels
            .into_iter()
            .map(|((client, _), mut channel)| {
                channel.from = clients(policy, client, &channel.evidence);
                channel
            })
            .collect();
        absorb(policy, &mut channels);
        join_blocks(
            &mut channels,
            |channel| match (&channel.to, channel.asks) {
                (End::Block(zone, block), false) => Some((*zone, *block)),
                _ => None,
            },
            |channel, end| channel.to = end,
        );
        join_blocks(
            &mut channels,
            |channel| match channel.from.first() {
                Some(End::Block(zone, block)) if channel.from.len() == 1 => Some((*zone, *block)),
                _ => None,
            },
            |channel, end| channel.from = BTreeSet::from([end]),
        );
        let channels = plan.through_proxies(channels);
        let (fit, over): (Vec<_>, Vec<_>) =
            channels.into_iter().partition(|channel| channel.services.len() <= limits::LEARN_ADDRESSES_MAX);
        plan.channels = fit;
        plan.channels.sort_by(|one, two| (&one.from, &one.to, &one.via).cmp(&(&two.from, &two.to, &two.via)));
        let over = over.into_iter().flat_map(|channel| channel.groups);
        plan.left_out.extend(over.map(|group| (group, Reason::TooMany)));
        plan
    }

    /// True for flows without a name at an address and service that show names to others. To allow them by address would
    /// make the names worth nothing.
    fn is_nameless(&mut self, group: &Group, groups: &BTreeMap<Group, Evidence>) -> bool {
        let Server::Address(zone, addr) = group.server else { return false };
        let is_named = |(other, evidence): (&Group, &Evidence)| {
            other.service == group.service
                && matches!(&other.server, Server::Named(there, _) if *there == zone)
                && evidence.servers.contains(&addr)
        };
        let is_nameless = !group.asks && groups.iter().any(is_named);
        if is_nameless {
            self.left_out.push((group.clone(), Reason::Nameless));
        }
        is_nameless
    }

    /// Names that meet at an address are one destination: by address nothing tells them apart.
    fn gather_names(&mut self, groups: &[(&Group, &Evidence)]) {
        for (group, evidence) in groups {
            let Server::Named(zone, names) = &group.server else { continue };
            let mut whole = Named {
                zone: *zone,
                names: names.iter().cloned().collect(),
                addresses: evidence.servers.clone(),
            };
            let meets = |one: &Named, other: &Named| {
                one.zone == other.zone
                    && !(one.names.is_disjoint(&other.names) && one.addresses.is_disjoint(&other.addresses))
            };
            while let Some(place) = self.named.iter().position(|known| meets(known, &whole)) {
                let known = self.named.swap_remove(place);
                whole.names.extend(known.names);
                whole.addresses.extend(known.addresses);
            }
            self.named.push(whole);
        }
        self.named.sort_by(|one, two| (one.zone, &one.names).cmp(&(two.zone, &two.names)));
    }

    fn end(&mut self, group: &Group, evidence: &Evidence) -> Option<End> {
        match &group.server {
            Server::Known(known) => Some(End::Known(*known)),
            Server::Inside(segment, addr) => Some(End::Machine(Selector::Segment(*segment), *addr)),
            Server::Address(zone, addr) if group.asks => Some(End::Machine(Selector::Zone(*zone), *addr)),
            Server::Address(zone, addr) => Some(End::Block(*zone, Prefix::single(*addr))),
            Server::Named(zone, names) => {
                let is_it = |named: &Named| {
                    named.zone == *zone && names.iter().all(|name| named.names.contains(name))
                };
                let place = self.named.iter().position(is_it)?;
                let named = &self.named[place];
                let fits = named.names.len() <= limits::LEARN_NAMES_MAX
                    && named.addresses.len() <= limits::LEARN_ADDRESSES_MAX
                    && !evidence.has_more_servers;
                if !fits {
                    self.left_out.push((group.clone(), Reason::TooMany));
                }
                fits.then_some(End::Named(place))
            }
        }
    }

    /// What is asked of a proxy that itself asks another is one channel by way of it. Who asks the other one directly goes
    /// around the first.
    fn through_proxies(&mut self, channels: Vec<Proposed>) -> Vec<Proposed> {
        let leads_on = |first: &Proposed, next: &Proposed| {
            first.asks
                && next.asks
                && next.from.len() == 1
                && next.from.contains(&first.to)
                && next.to != first.to
        };
        let by_way: Vec<(&Proposed, &Proposed)> = channels
            .iter()
            .flat_map(|first| channels.iter().map(move |next| (first, next)))
            .filter(|(first, next)| leads_on(first, next))
            .collect();
        let mut kept = Vec::new();
        for (first, next) in &by_way {
            let mut whole = (*first).clone();
            whole.via = Some(first.to.clone());
            whole.to = next.to.clone();
            whole.services = next.services.clone();
            whole.groups.extend(next.groups.iter().cloned());
            whole.samples.extend(next.samples.iter().cloned());
            kept.push(whole);
        }
        for channel in &channels {
            let is_part = |(first, next): &(&Proposed, &Proposed)| {
                std::ptr::eq(*first, channel) || std::ptr::eq(*next, channel)
            };
            if by_way.iter().any(is_part) {
                continue;
            }
            if channel.asks && by_way.iter().any(|(_, next)| next.to == channel.to) {
                self.left_out.extend(channel.groups.iter().map(|group| (group.clone(), Reason::Bypass)));
            } else {
                kept.push(channel.clone());
            }
        }
        kept
    }
}

impl Proposed {
    fn new(group: &Group, evidence: &Evidence, to: &End) -> Self {
        Self {
            from: BTreeSet::new(),
            to: to.clone(),
            via: None,
            services: BTreeSet::from([group.service]),
            asks: group.asks,
            groups: vec![group.clone()],
            evidence: evidence.clone(),
            samples: vec![evidence.clone()],
        }
    }

    fn merge(&mut self, other: Self) {
        self.services.extend(other.services);
        self.asks |= other.asks;
        self.groups.extend(other.groups);
        self.evidence.add(&other.evidence);
        self.samples.extend(other.samples);
    }
}

/// Machines while they are few, else their segment. Where the guideline wants addresses, or only gear stands, many machines
/// are still named one by one.
fn clients(policy: &Policy, client: Client, evidence: &Evidence) -> BTreeSet<End> {
    let segment = match client {
        Client::Host(host) => return BTreeSet::from([End::Known(host)]),
        Client::Outside(zone, addr) => return BTreeSet::from([End::Block(zone, Prefix::single(addr))]),
        Client::Machine(segment, addr) => {
            return BTreeSet::from([End::Machine(Selector::Segment(segment), addr)]);
        }
        Client::Segment(segment) => segment,
    };
    let max = match policy.segment(segment).class {
        SegmentClass::Mynumber | SegmentClass::Boundary => limits::LEARN_CLOSED_MACHINES_MAX,
        _ => limits::LEARN_MACHINES_MAX,
    };
    if evidence.has_more_clients || evidence.clients.len() > max {
        return BTreeSet::from([End::Known(Selector::Segment(segment))]);
    }
    evidence.clients.iter().map(|addr| End::Machine(Selector::Segment(segment), *addr)).collect()
}

/// What a whole segment may do needs no channel of one of its hosts.
fn absorb(policy: &Policy, channels: &mut Vec<Proposed>) {
    let segment_of = |channel: &Proposed| match channel.from.first() {
        Some(End::Known(Selector::Host(host))) => Some(policy.host(*host).home),
        _ => None,
    };
    let mut place = 0;
    while place < channels.len() {
        let wide = segment_of(&channels[place]).and_then(|home| {
            let is_wide =
                |other: &Proposed| other.from.contains(&End::Known(home)) && other.to == channels[place].to;
            channels.iter().position(is_wide)
        });
        match wide {
            Some(wide) if channels[place].services.is_subset(&channels[wide].services) => {
                let narrow = channels.remove(place);
                channels[wide - usize::from(wide > place)].merge(narrow);
            }
            Some(wide) => {
                let known = channels[wide].services.clone();
                channels[place].services.retain(|service| !known.contains(service));
                place += 1;
            }
            None => place += 1,
        }
    }
}

/// Joins channels that differ in one address only, where the addresses fill a block.
fn join_blocks(
    channels: &mut Vec<Proposed>,
    block: impl Fn(&Proposed) -> Option<(ZoneIndex, Prefix)>,
    set: impl Fn(&mut Proposed, End),
) {
    let mut alike: BTreeMap<_, Vec<(IpAddr, Proposed)>> = BTreeMap::new();
    let mut others = Vec::new();
    for mut channel in channels.drain(..) {
        let Some((zone, prefix)) =
            block(&channel).filter(|(_, prefix)| *prefix == Prefix::single(prefix.addr()))
        else {
            others.push(channel);
            continue;
        };
        let whole = Prefix::single(IpAddr::from([0; 4]));
        set(&mut channel, End::Block(zone, whole));
        let key = (zone, channel.from.clone(), channel.to.clone(), channel.services.clone());
        alike.entry(key).or_default().push((prefix.addr(), channel));
    }
    for ((zone, ..), found) in alike {
        let addresses = found.iter().map(|(addr, _)| *addr).collect();
        for prefix in cover(&addresses) {
            let mut inside =
                found.iter().filter(|(addr, _)| prefix.contains(*addr)).map(|(_, channel)| channel.clone());
            let Some(mut joined) = inside.next() else { continue };
            inside.for_each(|channel| joined.merge(channel));
            set(&mut joined, End::Block(zone, prefix));
            others.push(joined);
        }
    }
    *channels = others;
}
