//! SK-N: what must be there. Asked only of days that were looked at from beginning to end.

use std::collections::BTreeMap;

use super::{
    observed::Observed,
    run::{Noted, RunCase},
};
use crate::{
    ground::calendar::Day,
    policy::language::{Channel, Segment},
    verdict::across::Used,
};

/// SK-N01: by day, or by month where the policy says so.
pub(super) fn silent_channels(case: &RunCase<'_>) -> Vec<Noted> {
    let observed = Observed::new(case);
    let channels = case.policy.channels().iter();
    channels.filter_map(|channel| silent(case, &observed, channel)).collect()
}

fn silent(case: &RunCase<'_>, observed: &Observed<'_>, channel: &Channel) -> Option<Noted> {
    let (expected, unit) = match (channel.expect_min_per_day, channel.expect_min_per_month) {
        (Some(day), _) => (day, "day"),
        (None, Some(month)) => (month, "month"),
        (None, None) => return None,
    };
    let used = case.crowd.usage.of(&channel.id);
    let clock = case.policy.clock();
    let holds = |day: &Day| clock.end_of(*day).is_some_and(|end| channel.periods.contains(end));
    let places = case.places_of(channel);
    let days: Vec<_> = observed.days(&places).into_iter().filter(holds).collect();
    let spans = if unit == "day" { by_day(&days, used) } else { by_month(&days, used) };
    if spans.is_empty() {
        let is_due = case.coverage.first.is_some_and(|first| channel.periods.contains(first));
        return is_due.then(|| Noted::open(channel.id.to_string(), format!("no_whole_{unit}_observed")));
    }
    let poor: Vec<_> = spans.iter().filter(|(_, flows)| *flows < expected).collect();
    let (first, flows) = poor.first()?;
    if let Some(why) = observed.doubt(&places) {
        return Some(Noted::open(channel.id.to_string(), why.to_owned()));
    }
    let detail = format!(
        "silent_{unit}s={} of={} first={first} flows={flows} expected={expected}",
        poor.len(),
        spans.len()
    );
    Some(Noted::whole(channel.id.to_string(), detail))
}

fn flows_on(used: Option<&Used>, day: Day) -> u64 {
    used.and_then(|used| used.days.get(&day)).copied().unwrap_or(0)
}

fn by_day(days: &[Day], used: Option<&Used>) -> Vec<(String, u64)> {
    days.iter().map(|day| (day.to_string(), flows_on(used, *day))).collect()
}

/// Months of which every day was whole.
fn by_month(days: &[Day], used: Option<&Used>) -> Vec<(String, u64)> {
    let mut months: BTreeMap<(i16, i8), (i64, u64)> = BTreeMap::new();
    for day in days {
        let (whole, flows) = months.entry(day.month()).or_default();
        *whole += 1;
        *flows += flows_on(used, *day);
    }
    let is_whole = |month: (i16, i8), whole: i64| Day::days_in(month) == Some(whole);
    months
        .into_iter()
        .filter(|(month, (whole, _))| is_whole(*month, *whole))
        .map(|((year, month), (_, flows))| (format!("{year:04}-{month:02}"), flows))
        .collect()
}

/// SK-N03: a segment that speaks and never asks for names or the time.
pub(super) fn without_names_or_time(case: &RunCase<'_>) -> Vec<Noted> {
    let speaks =
        |segment: &&Segment| case.coverage.places.get(&segment.id).is_some_and(|packets| *packets > 0);
    let observed = Observed::new(case);
    let (mut found, mut doubt) = (Vec::new(), None);
    for segment in case.policy.segments().iter().filter(speaks) {
        let seen = ["dns", "ntp"].into_iter().zip(case.crowd.usage.services_of(&segment.id));
        let missing: Vec<_> = seen.filter(|(_, seen)| !seen).map(|(service, _)| service).collect();
        if missing.is_empty() {
            continue;
        }
        let place: Vec<_> = case.place_of(&segment.id).into_iter().collect();
        let days = observed.days(&place).len();
        let why = (days == 0).then_some("no_whole_day_observed").or_else(|| observed.doubt(&place));
        doubt = doubt.or(why);
        if why.is_none() {
            let detail = format!("missing={} days={days}", missing.join(","));
            found.push(Noted::whole(segment.id.to_string(), detail).of(&segment.id));
        }
    }
    if let (true, Some(why)) = (found.is_empty(), doubt) {
        found.push(Noted::open("-", why.to_owned()));
    }
    found
}
