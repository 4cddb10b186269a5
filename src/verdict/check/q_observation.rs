//! SK-Q: how well the traffic was seen.

use std::{collections::BTreeMap, fmt::Write as _, sync::Arc};

use super::run::{Noted, RunCase};
use crate::{
    ground::{
        model::limits,
        words::{escape, run::percent},
    },
    verdict::judge,
};

/// SK-Q01
pub(super) fn loss(case: &RunCase<'_>) -> Vec<Noted> {
    let mut found: Vec<_> = judge::drops(case.input)
        .into_iter()
        .filter(|(_, (dropped, _))| *dropped > 0)
        .map(|(sensor, (dropped, packets))| {
            Noted::whole(case.sensor(sensor), format!("dropped={dropped} of={}", dropped + packets))
        })
        .collect();
    let minutes = judge::degraded_minutes(case.coverage);
    found.extend(minutes.into_iter().map(|(sensor, minutes)| {
        let share = judge::share(case.tally.unseen_bytes, case.tally.acked_bytes);
        Noted::whole(
            case.sensor(sensor),
            format!("degraded_minutes={minutes} unseen_share={}", percent(share)),
        )
    }));
    found
}

/// SK-Q02
pub(super) fn one_sided(case: &RunCase<'_>) -> Vec<Noted> {
    let (one_way, all) = (case.tally.one_way_flows, case.tally.tcp_flows_with_payload);
    let share = judge::share(one_way, all);
    let detail = || format!("one_way={one_way} of={all} share={}", percent(share));
    (share > limits::ONE_SIDED_SHARE_MAX).then(|| Noted::whole("-", detail())).into_iter().collect()
}

/// SK-Q04: where it is more than chance, from one packet in a hundred on.
pub(super) fn duplicates(case: &RunCase<'_>) -> Vec<Noted> {
    let (twice, all) = (case.tally.duplicates.packets, case.tally.read.packets);
    let detail = || format!("duplicates={twice} of={all}");
    (judge::share(twice, all) >= limits::DUPLICATE_SHARE_TOLD)
        .then(|| Noted::whole("-", detail()))
        .into_iter()
        .collect()
}

/// SK-Q05
pub(super) fn vlans(case: &RunCase<'_>) -> Vec<Noted> {
    let flows = case.coverage.vlan_mismatched;
    (flows > 0).then(|| Noted::whole("-", format!("flows={flows}"))).into_iter().collect()
}

/// SK-Q06
pub(super) fn cut(case: &RunCase<'_>) -> Vec<Noted> {
    let hellos = case.coverage.cut_hellos;
    let detail = || format!("cut_hellos={hellos} cut_packets={}", case.tally.cut);
    (hellos > 0).then(|| Noted::whole("-", detail())).into_iter().collect()
}

/// SK-Q08
pub(super) fn blind_minutes(case: &RunCase<'_>) -> Vec<Noted> {
    let blind = judge::blind_minutes(case.coverage).into_iter();
    let minutes =
        blind.map(|(sensor, count)| Noted::whole(case.sensor(sensor), format!("blind_minutes={count}")));
    let mut found: Vec<_> = minutes.collect();
    let mut interfaces: BTreeMap<&str, String> = BTreeMap::new();
    for ((name, reason), (whole, times)) in judge::blind_times(case.input) {
        let millis = whole.nanos() / 1_000_000;
        let (code, about) = (reason.code(), interfaces.entry(name).or_default());
        let _ = write!(about, " {code}={}.{:03}s times={times}", millis / 1_000, millis % 1_000);
    }
    let told =
        |(name, detail): (&str, String)| Noted::whole(escape::text(name), detail.trim_start().to_owned());
    found.extend(interfaces.into_iter().map(told));
    found
}

/// SK-Q09: one for each kind of frame that is not read, with the protocol's number where it has one.
pub(super) fn undecoded(case: &RunCase<'_>) -> Vec<Noted> {
    let blind = case.tally.no_flow.iter().filter(|(reason, count)| reason.is_blind() && count.packets > 0);
    let mut found: Vec<_> = blind
        .map(|(reason, count)| {
            let kinds = case.tally.unknown_types.iter().filter(|((of, _), _)| of == reason);
            let kinds: Vec<_> =
                kinds.map(|((_, number), frames)| format!("0x{number:04x}={frames}")).collect();
            Noted::whole(
                reason.code(),
                format!("frames={} {}", count.packets, kinds.join(" ")).trim_end().to_owned(),
            )
        })
        .collect();
    let deep = case.coverage.depth_limited;
    found.extend((deep > 0).then(|| Noted::whole("depth_limit", format!("frames={deep}"))));
    found
}

/// SK-Q10
pub(super) fn unseen_segments(case: &RunCase<'_>) -> Vec<Noted> {
    let (unseen, unobserved) = judge::unseen_segments(case.policy, case.coverage, case.input, case.scope);
    let told = |segment: &Arc<str>, why: &str| {
        Noted::whole(segment.to_string(), format!("frames=0 {why}")).of(segment)
    };
    let promised = unseen.iter().map(|segment| told(segment, "promised"));
    promised.chain(unobserved.iter().map(|segment| told(segment, "not_promised"))).collect()
}

/// SK-Q11
pub(super) fn opaque(case: &RunCase<'_>) -> Vec<Noted> {
    let tally = case.tally;
    let all = tally.encrypted_flows;
    let of = |part: u64| percent(judge::share(part, all));
    let detail = || {
        format!(
            "encrypted={all} without_name={} without_certificate={}",
            of(tally.encrypted_without_name),
            of(tally.encrypted_without_certificate)
        )
    };
    (all > 0).then(|| Noted::whole("-", detail())).into_iter().collect()
}

/// SK-Q07
pub(super) fn clocks(case: &RunCase<'_>) -> Vec<Noted> {
    let packets = case.input.time_anomalies;
    (packets > 0).then(|| Noted::whole("-", format!("packets={packets}"))).into_iter().collect()
}
