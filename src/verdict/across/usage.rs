//! How channels are used: flows by day, and who opened them where the policy bounds that.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::IpAddr,
    sync::Arc,
};

use super::crowd::known;
use crate::{
    ground::{
        calendar::Day,
        model::{
            facts::FlowFacts,
            limits,
            time::Timestamp,
            verdict::{Judgement, Verdict},
        },
    },
    policy::language::Policy,
};

/// How all channels are used.
#[derive(Debug, Default)]
pub struct Usage {
    channels: BTreeMap<Arc<str>, Used>,
    /// Segments whose hosts asked for names, and for the time.
    services: BTreeMap<Arc<str>, [bool; 2]>,
    today: Option<(Day, Timestamp, Timestamp)>,
}

/// How one channel is used.
#[derive(Clone, Debug, Default)]
pub struct Used {
    /// Flows that it allowed, or would have but for a doubt.
    pub flows: u64,
    /// The same by day.
    pub days: BTreeMap<Day, u64>,
    /// Who opened them, where the policy bounds their number.
    sources: BTreeSet<(Day, IpAddr)>,
    /// More of them than are kept.
    pub overflow: bool,
}

impl Used {
    /// The largest number of distinct clients in a day, and the day.
    #[must_use]
    pub fn most_sources(&self) -> Option<(u64, Day)> {
        let mut by_day: BTreeMap<Day, u64> = BTreeMap::new();
        self.sources.iter().for_each(|(day, _)| *by_day.entry(*day).or_default() += 1);
        by_day
            .into_iter()
            .map(|(day, count)| (count, day))
            .max_by_key(|(count, day)| (*count, std::cmp::Reverse(*day)))
    }

    fn keep(&mut self, source: (Day, IpAddr)) {
        if self.sources.len() < limits::SOURCES_PER_CHANNEL_MAX || self.sources.contains(&source) {
            self.sources.insert(source);
        } else {
            self.overflow = true;
        }
    }
}

impl Usage {
    /// How a channel was used; `None` where no flow took it.
    #[must_use]
    pub fn of(&self, channel: &str) -> Option<&Used> {
        self.channels.get(channel)
    }

    /// Whether hosts of a segment were seen to ask for names, and for the time.
    #[must_use]
    pub fn services_of(&self, segment: &str) -> [bool; 2] {
        self.services.get(segment).copied().unwrap_or_default()
    }

    pub(super) fn flow(&mut self, policy: &Policy, facts: &FlowFacts, judgement: &Judgement) {
        let asks = [facts.identity.app == "dns", facts.identity.app == "ntp"];
        if let Some(segment) = known(&judgement.segment_client).filter(|_| asks.contains(&true)) {
            let seen = self.services.entry(segment.clone()).or_default();
            seen.iter_mut().zip(asks).for_each(|(seen, asked)| *seen |= asked);
        }
        let Some(channel) = judgement.channel.as_ref().filter(|_| judgement.verdict <= Verdict::Undecidable)
        else {
            return;
        };
        let day = self.day(policy, facts.first);
        let bounded = policy.channel_named(channel).is_some_and(|it| it.max_sources.is_some());
        let used = self.channels.entry(channel.clone()).or_default();
        used.flows += 1;
        *used.days.entry(day).or_default() += 1;
        if bounded {
            used.keep((day, facts.client_end().addr));
        }
    }

    /// The day there, worked out once for all of its flows.
    fn day(&mut self, policy: &Policy, at: Timestamp) -> Day {
        if let Some((day, _, _)) = self.today.filter(|(_, from, until)| *from <= at && at < *until) {
            return day;
        }
        let clock = policy.clock();
        let day = clock.day(at);
        self.today = clock.end_of(day).map(|until| (day, at, until));
        day
    }

    pub(super) fn merge(&mut self, other: Self) {
        for (channel, theirs) in other.channels {
            let mine = self.channels.entry(channel).or_default();
            mine.flows += theirs.flows;
            mine.overflow |= theirs.overflow;
            theirs.days.into_iter().for_each(|(day, flows)| *mine.days.entry(day).or_default() += flows);
            theirs.sources.into_iter().for_each(|source| mine.keep(source));
        }
        for (segment, theirs) in other.services {
            let mine = self.services.entry(segment).or_default();
            mine.iter_mut().zip(theirs).for_each(|(mine, theirs)| *mine |= theirs);
        }
    }
}
