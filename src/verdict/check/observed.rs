//! Days that were looked at from beginning to end: silence says something on these only (DOMAIN §3.6 10).

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use super::run::RunCase;
use crate::{
    ground::{
        calendar::Day,
        model::{coverage::MinuteSeen, limits, packet::SensorId, time::Timestamp},
    },
    policy::language::{Channel, Selector},
    verdict::judge,
};

const MINUTES_OF_DAY: u16 = 24 * 60;

/// What one sensor saw of one day.
#[derive(Clone, Copy, Debug)]
struct DaySeen {
    first: u16,
    last: u16,
    minutes: u64,
    packets: u64,
    is_poor: bool,
}

impl RunCase<'_> {
    /// The days of the run, in the policy's time zone, that some sensor on which these places depend saw whole.
    pub(super) fn whole_days(&self, places: &[Selector]) -> BTreeSet<Day> {
        let mut by_sensor: BTreeMap<SensorId, BTreeMap<Day, DaySeen>> = BTreeMap::new();
        for ((sensor, number), seen) in &self.coverage.minutes {
            if seen.count.packets == 0 || !self.sees(*sensor, places) {
                continue;
            }
            let at = Timestamp::from_secs(number.saturating_mul(60));
            let (day, minute) = (self.policy.clock().day(at), self.policy.clock().minute_of_day(at));
            let days = by_sensor.entry(*sensor).or_default();
            let known = days.entry(day).or_insert(DaySeen {
                first: minute,
                last: minute,
                minutes: 0,
                packets: 0,
                is_poor: false,
            });
            known.first = known.first.min(minute);
            known.last = known.last.max(minute);
            known.minutes += 1;
            known.packets += seen.count.packets;
            known.is_poor |= is_poor(seen);
        }
        let blind: BTreeSet<Day> = self
            .input
            .blind
            .iter()
            .flat_map(|blind| {
                let clock = self.policy.clock();
                [clock.day(blind.from), clock.day(blind.to)]
            })
            .collect();
        let whole = by_sensor.values().flat_map(|days| {
            let (first, last) = (days.keys().next().copied(), days.keys().next_back().copied());
            days.iter().filter(move |(day, seen)| {
                // Inside the sensor's own span a quiet edge of a day is quiet; at its ends the capture may have begun late.
                let begins = seen.first == 0 || first != Some(**day);
                let ends = seen.last == MINUTES_OF_DAY - 1 || last != Some(**day);
                let missing = u64::from(MINUTES_OF_DAY).saturating_sub(seen.minutes);
                let has_hole = missing > 0 && seen.packets / seen.minutes.max(1) >= limits::BLIND_RATE_MIN;
                begins && ends && !has_hole && !seen.is_poor
            })
        });
        whole.map(|(day, _)| *day).filter(|day| !blind.contains(day)).collect()
    }

    /// Whether a sensor promises one of these places. What is bound to no sensor promises nothing and may see all.
    fn sees(&self, sensor: SensorId, places: &[Selector]) -> bool {
        self.policy.sensor(sensor).is_none_or(|sensor| sensor.sees.iter().any(|seen| places.contains(seen)))
    }

    /// The places that a channel's ends lie in.
    pub(super) fn places_of(&self, channel: &Channel) -> Vec<Selector> {
        let place = |end: &Selector| match end {
            Selector::Host(host) => self.policy.host(*host).home,
            Selector::Destination(index) => Selector::Zone(self.policy.destination(*index).zone),
            place => *place,
        };
        channel.from.iter().chain(&channel.to).map(place).collect()
    }

    /// The places of a segment by itself.
    pub(super) fn place_of(&self, segment: &Arc<str>) -> Vec<Selector> {
        let number = self.policy.segments().iter().position(|it| it.id == *segment);
        let index = number.and_then(|number| u16::try_from(number).ok());
        index
            .map(|index| Selector::Segment(crate::policy::language::SegmentIndex(index)))
            .into_iter()
            .collect()
    }
}

fn is_poor(seen: &MinuteSeen) -> bool {
    let lost = judge::share(seen.dropped, seen.dropped + seen.count.packets);
    lost > limits::DROPPED_SHARE_MAX || judge::share(seen.unseen, seen.acked) > limits::UNSEEN_SHARE_MAX
}
