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
    policy::language::{Channel, SegmentIndex, Selector},
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

/// The whole days of every sensor, in the policy's time zone.
#[derive(Debug)]
pub(super) struct Observed<'a> {
    case: &'a RunCase<'a>,
    days: BTreeMap<SensorId, BTreeSet<Day>>,
}

impl<'a> Observed<'a> {
    /// Worked out once for all who ask: a run has a minute for every minute.
    pub(super) fn new(case: &'a RunCase<'a>) -> Self {
        let clock = case.policy.clock();
        let mut seen: BTreeMap<SensorId, BTreeMap<Day, DaySeen>> = BTreeMap::new();
        for ((sensor, number), here) in &case.coverage.minutes {
            let at = Timestamp::from_secs(number.saturating_mul(60));
            let minute = clock.minute_of_day(at);
            let begun = DaySeen { first: minute, last: minute, minutes: 0, packets: 0, is_poor: false };
            let day = seen.entry(*sensor).or_default().entry(clock.day(at)).or_insert(begun);
            day.is_poor |= is_poor(here);
            if here.count.packets > 0 {
                day.first = day.first.min(minute);
                day.last = day.last.max(minute);
                day.minutes += 1;
                day.packets += here.count.packets;
            }
        }
        let blind: Vec<_> = case.input.blind.iter().map(|it| clock.day(it.from)..=clock.day(it.to)).collect();
        // What is missing of a damaged input is of no known time.
        let is_damaged = case.input.files.iter().any(|file| !file.damage.is_empty());
        let whole = |days: &BTreeMap<Day, DaySeen>| {
            let ends = [days.keys().next().copied(), days.keys().next_back().copied()];
            let good = days.iter().filter(|(day, seen)| is_whole(**day, seen, ends));
            let sighted =
                good.map(|(day, _)| *day).filter(|day| !blind.iter().any(|blind| blind.contains(day)));
            sighted.filter(|_| !is_damaged).collect()
        };
        let days = seen.iter().map(|(sensor, days)| (*sensor, whole(days))).collect();
        Self { case, days }
    }

    /// The days that some sensor on which these places depend saw whole.
    pub(super) fn days(&self, places: &[Selector]) -> BTreeSet<Day> {
        let policy = self.case.policy;
        // What is bound to no sensor promises nothing and may see all.
        let sees = |sensor: SensorId| {
            policy.sensor(sensor).is_none_or(|sensor| sensor.sees.iter().any(|seen| places.contains(seen)))
        };
        self.days.iter().filter(|(sensor, _)| sees(**sensor)).flat_map(|(_, days)| days).copied().collect()
    }

    /// Why nothing can be said of the silence of these places; `None` where it can.
    pub(super) fn doubt(&self, places: &[Selector]) -> Option<&'static str> {
        let case = self.case;
        if case.tally.untracked.iter().any(|count| count.packets > 0) {
            return Some("memory_bound");
        }
        let is_seen = |place: &Selector| {
            case.coverage.places.get(case.policy.id_of(*place)).is_some_and(|seen| *seen > 0)
        };
        let mut segments = places.iter().filter(|place| matches!(place, Selector::Segment(_)));
        (!segments.any(is_seen)).then_some("segment_not_seen")
    }
}

/// Inside the sensor's own span a quiet edge of a day is quiet; at its ends the capture may have begun late. A hole shows
/// only where the rate rules out chance (THREATS §4 formula 9).
fn is_whole(day: Day, seen: &DaySeen, [first, last]: [Option<Day>; 2]) -> bool {
    let begins = seen.first == 0 || first != Some(day);
    let ends = seen.last == MINUTES_OF_DAY - 1 || last != Some(day);
    let missing = u64::from(MINUTES_OF_DAY).saturating_sub(seen.minutes);
    let has_hole = missing > 0 && seen.packets / seen.minutes.max(1) >= limits::BLIND_RATE_MIN;
    begins && ends && seen.minutes > 0 && !has_hole && !seen.is_poor
}

fn is_poor(seen: &MinuteSeen) -> bool {
    let lost = judge::share(seen.dropped, seen.dropped + seen.count.packets);
    lost > limits::DROPPED_SHARE_MAX || judge::share(seen.unseen, seen.acked) > limits::UNSEEN_SHARE_MAX
}

impl RunCase<'_> {
    /// The places that a channel's ends lie in.
    pub(super) fn places_of(&self, channel: &Channel) -> Vec<Selector> {
        let place = |end: &Selector| match end {
            Selector::Host(host) => self.policy.host(*host).home,
            Selector::Destination(index) => Selector::Zone(self.policy.destination(*index).zone),
            place => *place,
        };
        channel.from.iter().chain(&channel.to).map(place).collect()
    }

    /// A segment as a place.
    pub(super) fn place_of(&self, segment: &Arc<str>) -> Option<Selector> {
        let number = self.policy.segments().iter().position(|it| it.id == *segment)?;
        u16::try_from(number).ok().map(|index| Selector::Segment(SegmentIndex(index)))
    }
}
