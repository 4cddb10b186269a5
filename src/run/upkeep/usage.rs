//! What the channels of a policy were used for: counted flow by flow from finished runs, in bounded memory.
//!
//! A channel without a flow is not proven useless: yearly jobs exist, so the observed window stands beside it (DOMAIN SK-L01).

use std::{
    collections::{BTreeMap, BTreeSet},
    net::IpAddr,
    sync::Arc,
};

pub use super::usage_told::{json, page};
use crate::{
    ground::{
        calendar::parse_stamp,
        model::{
            address::Prefix,
            limits::{USAGE_HOSTS_ALL_MAX, USAGE_HOSTS_MAX, USAGE_REASONS_MAX},
            time::{SECOND, Span, Timestamp},
            verdict::Verdict,
        },
    },
    output::store::FlowLine,
    policy::language::{Channel, Diagnostic, Period, Policy, Selector},
};

/// Seconds of a day.
const DAY: i64 = 86_400;
/// A window shorter than this proves little of what was not seen (DOMAIN SK-L01).
pub const DAYS_THAT_PROVE: i64 = 30;
/// How long before its end a permission is told.
const EXPIRY: Span = Span::from_secs(60 * DAY);
/// A side of a channel that allows more addresses than this is wide …
const WIDE_FROM: u128 = 256;
/// … and too wide when so few hosts used it. An end with ten hosts can be written out.
const FEW_HOSTS: usize = 10;

/// Hosts of one side of a channel.
#[derive(Clone, Debug, Default)]
pub struct Hosts {
    seen: BTreeSet<IpAddr>,
    is_bounded: bool,
}

impl Hosts {
    /// How many; at least so many when [`is_bounded`](Self::is_bounded).
    #[must_use]
    pub fn count(&self) -> usize {
        self.seen.len()
    }

    /// True when there was no room for more.
    #[must_use]
    pub const fn is_bounded(&self) -> bool {
        self.is_bounded
    }

    /// Them, in order.
    pub fn iter(&self) -> impl Iterator<Item = IpAddr> {
        self.seen.iter().copied()
    }

    fn see(&mut self, host: IpAddr, room: &mut usize) {
        if self.seen.contains(&host) {
            return;
        }
        if self.seen.len() >= USAGE_HOSTS_MAX || *room == 0 {
            self.is_bounded = true;
            return;
        }
        *room -= 1;
        self.seen.insert(host);
    }
}

/// What one channel was used for.
#[derive(Clone, Debug, Default)]
pub struct Use {
    /// Flows that it decided.
    pub flows: u64,
    /// Their first packet, and their last.
    pub span: Option<(Timestamp, Timestamp)>,
    /// Bytes from client to server.
    pub bytes_up: u64,
    /// Bytes from server to client.
    pub bytes_down: u64,
    /// Flows by verdict, in the order of [`Verdict::ALL`].
    pub verdicts: [u64; Verdict::ALL.len()],
    /// Who opened them.
    pub clients: Hosts,
    /// Toward whom.
    pub servers: Hosts,
}

/// Why a flow has no channel.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reason {
    /// A prohibition decided.
    Forbidden(String),
    /// Its verdict, and the first thing that weakens it where it could not be decided.
    Verdict(Verdict, Option<String>),
    /// The run had no policy.
    Unjudged,
    /// One of more reasons than are counted apart.
    Others,
}

/// Use of all channels of a policy.
#[derive(Debug)]
pub struct Usage<'p> {
    policy: &'p Policy,
    uses: Vec<Use>,
    by_id: BTreeMap<&'p str, usize>,
    reasons: BTreeMap<Reason, u64>,
    unknown: BTreeMap<String, u64>,
    span: Option<(Timestamp, Timestamp)>,
    flows: u64,
    room: usize,
}

/// Which side of a channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// Who opens.
    From,
    /// Toward whom.
    To,
}

/// A side of a channel that allows far more than was used.
#[derive(Debug)]
pub struct Wide<'u> {
    /// The channel.
    pub channel: &'u Channel,
    /// Which side.
    pub side: Side,
    /// Whole segments and zones that it names.
    pub places: Vec<&'u str>,
    /// Addresses that it allows.
    pub addresses: u128,
    /// The hosts that were seen; those of `via` say nothing of who is allowed and are none of them.
    pub hosts: Vec<IpAddr>,
}

/// Something that ends soon, or is over.
#[derive(Debug, PartialEq, Eq)]
pub struct Expiring<'p> {
    /// What.
    pub what: Permission<'p>,
    /// Reference of its approval, or who approved it.
    pub approval: &'p str,
    /// Its last second.
    pub last: Timestamp,
    /// True when it was over by the last packet.
    pub is_over: bool,
}

/// What can end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Permission<'p> {
    /// The policy as a whole.
    Policy(&'p str),
    /// A channel.
    Channel(&'p str),
    /// An acceptance: its id and the finding it is about.
    Accept(&'p str, &'p str),
}

impl<'p> Usage<'p> {
    /// Of no flow yet.
    #[must_use]
    pub fn new(policy: &'p Policy) -> Self {
        let channels = policy.channels();
        Self {
            policy,
            uses: vec![Use::default(); channels.len()],
            by_id: channels.iter().enumerate().map(|(at, channel)| (&*channel.id, at)).collect(),
            reasons: BTreeMap::new(),
            unknown: BTreeMap::new(),
            span: None,
            flows: 0,
            room: USAGE_HOSTS_ALL_MAX,
        }
    }

    /// The run saw packets from one moment to another, in flows or not.
    pub fn observed(&mut self, first: &str, last: &str) {
        widen(&mut self.span, first, last);
    }

    /// One flow.
    pub fn add(&mut self, flow: &FlowLine<'_>) {
        self.flows += 1;
        widen(&mut self.span, &flow.first, &flow.last);
        let Some(channel) = flow.channel.as_deref() else {
            return count(&mut self.reasons, reason(flow), || Reason::Others);
        };
        let Some(&at) = self.by_id.get(channel) else {
            return count(&mut self.unknown, channel.to_owned(), || "…".to_owned());
        };
        let used = &mut self.uses[at];
        used.flows += 1;
        used.bytes_up = used.bytes_up.saturating_add(flow.bytes_up);
        used.bytes_down = used.bytes_down.saturating_add(flow.bytes_down);
        widen(&mut used.span, &flow.first, &flow.last);
        if let Some(place) =
            verdict(flow).and_then(|verdict| Verdict::ALL.iter().position(|known| *known == verdict))
        {
            used.verdicts[place] += 1;
        }
        for (host, hosts) in [(flow.client_ip, &mut used.clients), (flow.server_ip, &mut used.servers)] {
            if let Some(host) = host {
                hosts.see(host, &mut self.room);
            }
        }
    }

    /// The policy.
    #[must_use]
    pub const fn policy(&self) -> &'p Policy {
        self.policy
    }

    /// Flows that were counted.
    #[must_use]
    pub const fn flows(&self) -> u64 {
        self.flows
    }

    /// The first packet and the last.
    #[must_use]
    pub const fn span(&self) -> Option<(Timestamp, Timestamp)> {
        self.span
    }

    /// Whole days between them.
    #[must_use]
    pub fn days(&self) -> i64 {
        self.span.map_or(0, |(first, last)| last.since(first).nanos() / SECOND / DAY)
    }

    /// Each channel with its use, in the order of the policy.
    pub fn channels(&self) -> impl Iterator<Item = (&'p Channel, &Use)> {
        self.policy.channels().iter().zip(&self.uses)
    }

    /// Flows without a channel, by reason.
    pub fn reasons(&self) -> impl Iterator<Item = (&Reason, u64)> {
        self.reasons.iter().map(|(reason, flows)| (reason, *flows))
    }

    /// Flows of channels that this policy does not have, by their ids.
    pub fn unknown(&self) -> impl Iterator<Item = (&str, u64)> {
        self.unknown.iter().map(|(id, flows)| (id.as_str(), *flows))
    }

    /// Channels without a flow; true when one could have been seen, for it held while packets were observed.
    pub fn dead(&self) -> impl Iterator<Item = (&'p Channel, bool)> {
        let window = self.span.map(|(first, last)| Period::including(first, last));
        self.channels().filter(|(_, used)| used.flows == 0).map(move |(channel, _)| {
            let could = window
                .is_some_and(|window| channel.periods.iter().any(|period| !period.and(&window).is_empty()));
            (channel, could)
        })
    }

    /// Sides of channels that allow a whole segment or zone, or many addresses, and were used by few hosts.
    #[must_use]
    pub fn wide(&self) -> Vec<Wide<'_>> {
        let mut found = Vec::new();
        for (channel, used) in self.channels().filter(|(_, used)| used.flows > 0) {
            for (side, ends, hosts) in
                [(Side::From, &channel.from, &used.clients), (Side::To, &channel.to, &used.servers)]
            {
                let places: Vec<&str> = ends
                    .iter()
                    .filter(|end| matches!(end, Selector::Segment(_) | Selector::Zone(_)))
                    .map(|end| &**self.policy.id_of(*end))
                    .collect();
                let addresses = ends.iter().fold(0_u128, |sum, end| sum.saturating_add(self.addresses(*end)));
                let is_wide = !places.is_empty() || addresses > WIDE_FROM;
                let seen: Vec<_> = hosts.iter().filter(|host| !self.is_via(channel, *host)).collect();
                let is_few = !hosts.is_bounded
                    && (1..=FEW_HOSTS).contains(&seen.len())
                    && (seen.len() as u128) < addresses / 4;
                if is_wide && is_few {
                    found.push(Wide { channel, side, places, addresses, hosts: seen });
                }
            }
        }
        found
    }

    fn is_via(&self, channel: &Channel, host: IpAddr) -> bool {
        channel.via.iter().any(|via| self.policy.host(*via).addr.contains(&host))
    }

    /// Addresses of an end; what only names tell is none.
    fn addresses(&self, end: Selector) -> u128 {
        let blocks =
            |blocks: &[Prefix]| blocks.iter().fold(0_u128, |sum, block| sum.saturating_add(size(block)));
        match end {
            Selector::Segment(index) => blocks(&self.policy.segment(index).cidr),
            Selector::Zone(index) => match self.policy.zone(index) {
                zone if zone.rest => u128::MAX,
                zone => blocks(&zone.cidr),
            },
            Selector::Host(index) => self.policy.host(index).addr.len() as u128,
            Selector::Destination(index) => blocks(&self.policy.destination(index).cidr),
        }
    }

    /// What ends within 60 days of the last packet or was over by then, by its end. What ends with the policy is told once,
    /// with the policy.
    #[must_use]
    pub fn expiring(&self) -> Vec<Expiring<'p>> {
        let Some((_, now)) = self.span else { return Vec::new() };
        let meta = self.policy.meta();
        let mut found = Vec::new();
        let mut tell = |what, approval: &'p Arc<str>, period: Period| {
            let last = period.last_second();
            if last < now.plus(EXPIRY) {
                found.push(Expiring { what, approval, last, is_over: last < now });
            }
        };
        tell(Permission::Policy(&meta.id), &meta.approval, meta.period);
        let is_shorter = |period: &Period| period.until < meta.period.until;
        for channel in self.policy.channels().iter().filter(|channel| is_shorter(&channel.period)) {
            tell(Permission::Channel(&channel.id), &channel.approval, channel.period);
        }
        for accept in self.policy.accepts().iter().filter(|accept| is_shorter(&accept.period)) {
            tell(Permission::Accept(&accept.id, &accept.finding), &accept.approved_by, accept.period);
        }
        found.sort_by_key(|expiring| expiring.last);
        found
    }
}

/// Channels that the lint found to have no effect (L30).
pub fn shadowed(notes: &[Diagnostic]) -> impl Iterator<Item = &Diagnostic> {
    notes.iter().filter(|note| note.code == "L30")
}

fn widen(span: &mut Option<(Timestamp, Timestamp)>, first: &str, last: &str) {
    let Some((first, last)) = parse_stamp(first).zip(parse_stamp(last)) else { return };
    *span = Some(span.map_or((first, last), |(from, to)| (from.min(first), to.max(last))));
}

fn count<K: Ord>(counts: &mut BTreeMap<K, u64>, key: K, others: impl FnOnce() -> K) {
    let is_known = counts.contains_key(&key);
    let key = if is_known || counts.len() < USAGE_REASONS_MAX { key } else { others() };
    *counts.entry(key).or_default() += 1;
}

fn verdict(flow: &FlowLine<'_>) -> Option<Verdict> {
    Verdict::ALL.into_iter().find(|verdict| flow.verdict.as_deref() == Some(verdict.code()))
}

fn reason(flow: &FlowLine<'_>) -> Reason {
    match (flow.forbid.as_deref(), verdict(flow)) {
        (Some(forbid), _) => Reason::Forbidden(forbid.to_owned()),
        (None, Some(Verdict::Undecidable)) => {
            Reason::Verdict(Verdict::Undecidable, flow.causes.first().map(|cause| cause.clone().into_owned()))
        }
        (None, Some(verdict)) => Reason::Verdict(verdict, None),
        (None, None) => Reason::Unjudged,
    }
}

fn size(block: &Prefix) -> u128 {
    let bits = if block.addr().is_ipv4() { 32 } else { 128 };
    1_u128.checked_shl(bits - u32::from(block.prefix_len())).unwrap_or(u128::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_exact_up_to_the_bound_and_at_least_so_many_beyond_it() {
        let mut room = USAGE_HOSTS_ALL_MAX;
        let mut hosts = Hosts::default();
        let host = |number: usize| IpAddr::from((number as u32).to_be_bytes());
        (0..USAGE_HOSTS_MAX).for_each(|number| hosts.see(host(number), &mut room));
        hosts.see(host(0), &mut room);
        assert_eq!((hosts.count(), hosts.is_bounded()), (USAGE_HOSTS_MAX, false));
        hosts.see(host(USAGE_HOSTS_MAX), &mut room);
        assert_eq!((hosts.count(), hosts.is_bounded()), (USAGE_HOSTS_MAX, true));
        let mut other = Hosts::default();
        other.see(host(1), &mut 0);
        assert_eq!((other.count(), other.is_bounded()), (0, true), "no room is left for anybody");
    }

    #[test]
    fn a_block_has_as_many_addresses_as_its_length_leaves() {
        let size = |text: &str| size(&text.parse().unwrap());
        assert_eq!((size("10.0.0.0/8"), size("192.0.2.1"), size("2001:db8::/64")), (1 << 24, 1, 1 << 64));
        assert_eq!(size("::/0"), u128::MAX);
    }

    #[test]
    fn reasons_beyond_the_bound_are_counted_together() {
        let mut counts = BTreeMap::new();
        (0..USAGE_REASONS_MAX + 5)
            .for_each(|number| count(&mut counts, Reason::Forbidden(number.to_string()), || Reason::Others));
        assert_eq!(counts[&Reason::Others], 5);
    }
}
