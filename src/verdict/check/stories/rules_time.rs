//! The rules about time, and what a run comes to.

use std::{collections::BTreeMap, sync::Arc};

use super::fixture::{Flow, city, judged};
use crate::{
    ground::model::{
        cause::Cause,
        coverage::{Blind, BlindReason, Coverage, Damage, InputFile, InputReport, Interface, MinuteSeen},
        finding::Severity,
        limits,
        packet::{InterfaceId, SensorId},
        result::{Conclusion, Headline, Limit},
        tally::{Count, Tally},
        time::Timestamp,
        verdict::Verdict,
    },
    policy::language::Policy,
    verdict::{
        across::{Crowd, Memory},
        check::{RunCase, run},
        judge::{Question, conclude},
    },
};

fn maintenance(first: &str, last: &str) -> Flow {
    Flow::tcp("10.99.0.7:50000", "10.10.9.99:3389").app("rdp").during(first, last)
}

#[test]
fn rule_21_valid_until_holds_for_its_whole_last_second_and_the_clock_is_doubted_for_two_minutes() {
    let city = city();
    let safe = maintenance("2026-06-30T23:50:00+09:00", "2026-06-30T23:57:00+09:00");
    assert_eq!(judged(&city, &safe.0).verdict, Verdict::Conforming);
    for (first, last) in [
        ("2026-06-30T23:59:00+09:00", "2026-06-30T23:59:30+09:00"),
        ("2026-06-30T23:59:59+09:00", "2026-06-30T23:59:59+09:00"),
        ("2026-07-01T00:01:00+09:00", "2026-07-01T00:01:30+09:00"),
        ("2026-06-30T23:50:00+09:00", "2026-07-01T00:01:00+09:00"),
    ] {
        let judgement = judged(&city, &maintenance(first, last).0);
        assert_eq!(judgement.verdict, Verdict::Undecidable, "{first} to {last}");
        assert!(judgement.causes.has(Cause::EpochBoundary));
    }
    let after = maintenance("2026-07-01T00:03:00+09:00", "2026-07-01T00:04:00+09:00");
    assert_eq!(judged(&city, &after.0).verdict, Verdict::Violating);
}

#[test]
fn rule_21_a_flow_that_outlives_a_border_is_judged_again_and_the_worst_stands() {
    let city = city();
    let judgement = judged(&city, &maintenance("2026-06-30T23:00:00+09:00", "2026-07-01T00:30:00+09:00").0);
    assert_eq!(judgement.verdict, Verdict::Violating);
    assert_eq!(
        judgement.at,
        super::fixture::at("2026-07-01T00:00:00+09:00"),
        "by the rules beyond the border"
    );
}

#[test]
fn rule_21_a_verdict_that_is_the_same_on_both_sides_stands() {
    let city = city();
    let near = Flow::tcp("10.10.9.10:50000", "198.18.10.5:443")
        .hello()
        .during("2026-06-30T23:59:30+09:00", "2026-07-01T00:00:30+09:00");
    assert_eq!(judged(&city, &near.0).verdict, Verdict::Conforming, "the border is another channel's");
}

#[test]
fn rule_21_no_policy_in_force_is_undecidable() {
    let city = city();
    let early = Flow::tcp("10.10.1.5:50000", "192.0.2.1:443")
        .during("2025-01-01T00:00:00+09:00", "2025-01-01T00:00:01+09:00");
    let judgement = judged(&city, &early.0);
    assert_eq!(judgement.verdict, Verdict::Undecidable);
    assert!(judgement.causes.has(Cause::NoPolicyInForce));
}

/// What spoils a run: its name, what it does, and the limit that must tell it.
type Break = (&'static str, fn(&mut Run), fn(&Limit) -> bool);

/// A run in which so many flows had each verdict, best first.
struct Run {
    tally: Tally,
    coverage: Coverage,
    input: InputReport,
    causes: BTreeMap<&'static str, u64>,
}

impl Run {
    fn of(flows: [u64; 5]) -> Self {
        let mut tally = Tally::default();
        for (totals, flows) in tally.verdicts.iter_mut().zip(flows) {
            totals.flows = flows;
            totals.count = Count { packets: flows, bytes: flows * 60 };
            tally.read.add(totals.count);
        }
        let mut coverage = Coverage::default();
        for segment in ["mn", "lg", "in", "bd"] {
            coverage.places.insert(Arc::from(segment), 5);
        }
        Self { tally, coverage, input: InputReport::default(), causes: BTreeMap::new() }
    }

    fn conclusion(&self, policy: &Policy) -> Conclusion {
        self.with_findings_beyond_the_list(policy, None)
    }

    fn with_findings_beyond_the_list(&self, policy: &Policy, worst_other: Option<Severity>) -> Conclusion {
        conclude(&Question {
            policy,
            tally: &self.tally,
            coverage: &self.coverage,
            input: &self.input,
            findings: &[],
            worst_other,
            accepted_violations: 0,
            causes: &self.causes,
            fail_on: Severity::Medium,
            undecidable_max: limits::UNDECIDABLE_SHARE_MAX,
            scope: &[],
        })
    }
}

#[test]
fn rule_22_one_violating_flow_is_exit_code_1_and_none_is_0_with_its_limits() {
    let city = city();
    let clean = Run::of([5, 100, 2, 0, 0]).conclusion(&city);
    assert_eq!((clean.exit_code, clean.headline), (0, Headline::NothingFound));
    assert!(clean.limits.contains(&Limit::Undecidable(2)), "{:?}", clean.limits);
    let found = Run::of([5, 100, 0, 0, 1]).conclusion(&city);
    assert_eq!((found.exit_code, found.headline, found.has_findings), (1, Headline::Violations, true));
}

#[test]
fn rule_04_violations_and_findings_that_no_line_tells_are_exit_code_1_too() {
    let city = city();
    let mut run = Run::of([5, 100, 0, 0, 0]);
    let told = |worst| run.with_findings_beyond_the_list(&city, worst).exit_code;
    assert_eq!((told(Some(Severity::Low)), told(Some(Severity::Medium))), (0, 1));
    run.tally.untracked_violations = 1;
    let conclusion = run.conclusion(&city);
    assert_eq!((conclusion.exit_code, conclusion.headline), (1, Headline::Violations));
}

#[test]
fn rule_38_a_reader_that_failed_is_exit_code_3_whatever_the_verdict() {
    let mut run = Run::of([5, 100, 0, 0, 1]);
    run.tally.parser_panics = 1;
    let conclusion = run.conclusion(&city());
    assert_eq!((conclusion.exit_code, conclusion.has_findings), (3, true));
    assert!(conclusion.limits.contains(&Limit::ParserPanics(1)));
}

#[test]
fn rule_26_packets_without_a_flow_count_among_the_undecidable() {
    let mut run = Run::of([5, 100, 0, 0, 0]);
    run.tally.untracked[Verdict::Undecidable as usize].packets = 100;
    run.tally.read.packets += 100;
    assert_eq!(run.conclusion(&city()).exit_code, 3);
}

#[test]
fn rule_22_what_cannot_be_trusted_is_3_and_outranks_1() {
    let city = city();
    let breaks: [Break; 10] = [
        ("identity", |run| run.tally.read.packets += 1, |limit| *limit == Limit::AccountingBroken),
        (
            "damage",
            |run| {
                let damage = vec![Damage { offset: 77, what: "cut_tail", resumed_at: None }];
                run.input.files.push(InputFile { path: "a.pcap".into(), damage, ..InputFile::default() });
            },
            |limit| matches!(limit, Limit::Damaged(file, 77) if file == "a.pcap"),
        ),
        (
            "one-sided",
            |run| (run.tally.one_way_flows, run.tally.tcp_flows_with_payload) = (2, 100),
            |limit| *limit == Limit::OneSided(200),
        ),
        (
            "no policy",
            |run| run.causes.extend([("no_policy_in_force", 3)]),
            |limit| *limit == Limit::NoPolicyInForce(3),
        ),
        (
            "drops",
            |run| {
                let interface = Interface { dropped: Some(5), packets: 1000, ..Interface::default() };
                run.input.interfaces.push(interface);
            },
            |limit| matches!(limit, Limit::Dropped(_, 5)),
        ),
        (
            "blind",
            |run| {
                for minute in [0, 1, 5] {
                    let count = Count { packets: 500, bytes: 30_000 };
                    let seen = MinuteSeen { count, ..MinuteSeen::default() };
                    run.coverage.minutes.insert((SensorId::NONE, minute), seen);
                }
            },
            |limit| matches!(limit, Limit::BlindMinutes(_, 3)),
        ),
        (
            "loss of a minute",
            |run| {
                // Too little for the whole hour, too much for its minute.
                let interface = Interface { dropped: Some(5), packets: 100_000, ..Interface::default() };
                run.input.interfaces.push(interface);
                let count = Count { packets: 1_000, bytes: 60_000 };
                let seen = MinuteSeen { count, dropped: 5, ..MinuteSeen::default() };
                run.coverage.minutes.insert((SensorId::NONE, 7), seen);
            },
            |limit| matches!(limit, Limit::DegradedMinutes(_, 1)),
        ),
        (
            "down",
            |run| {
                run.input.interfaces.push(Interface { name: "span0".into(), ..Interface::default() });
                let [from, to] = [0, 1_500_000_000].map(Timestamp::from_nanos);
                let interface = InterfaceId(0);
                run.input.blind = vec![Blind { interface, from, to, reason: BlindReason::Down }];
            },
            |limit| *limit == Limit::Blind("span0".to_owned(), BlindReason::Down, 2),
        ),
        (
            "promised",
            |run| {
                run.coverage.places.remove("mn");
                let sensor = SensorId(1);
                run.input.interfaces.push(Interface { sensor, packets: 9, ..Interface::default() });
            },
            |limit| matches!(limit, Limit::SegmentUnseen(id) if **id == *"mn"),
        ),
        (
            "undecidable",
            |run| run.tally = Run::of([0, 90, 10, 0, 0]).tally,
            |limit| *limit == Limit::UndecidableShare(1_000),
        ),
    ];
    for (what, spoil, is_told) in breaks {
        let mut run = Run::of([5, 100, 0, 0, 1]);
        spoil(&mut run);
        let conclusion = run.conclusion(&city);
        assert_eq!(conclusion.exit_code, 3, "{what}");
        assert!(conclusion.limits.iter().any(is_told), "{what}: {:?}", conclusion.limits);
        assert!(conclusion.is_incomplete);
    }
    let nothing = Run::of([0; 5]).conclusion(&city);
    assert_eq!((nothing.exit_code, nothing.headline), (3, Headline::CannotSay));
    assert!(nothing.limits.contains(&Limit::NoFlows));
}

#[test]
fn an_unobserved_segment_is_said_and_a_quiet_minute_of_a_quiet_sensor_is_no_fault() {
    let city = city();
    let mut run = Run::of([5, 100, 0, 0, 0]);
    run.coverage.places.remove("in");
    for minute in [0, 9] {
        let seen = MinuteSeen { count: Count { packets: 3, bytes: 180 }, ..MinuteSeen::default() };
        run.coverage.minutes.insert((SensorId::NONE, minute), seen);
    }
    let conclusion = run.conclusion(&city);
    assert_eq!(conclusion.exit_code, 0);
    assert!(conclusion.limits.contains(&Limit::SegmentUnobserved(Arc::from("in"))));
    assert!(conclusion.limits.contains(&Limit::NoSensorBound));
}

#[test]
fn the_checks_of_a_run_tell_numbers_with_their_base() {
    let city = city();
    let mut seen = Run::of([5, 100, 0, 0, 0]);
    seen.tally.encrypted_flows = 200;
    seen.tally.encrypted_without_name = 3;
    seen.tally.duplicates.packets = 60;
    seen.coverage.cut_hellos = 4;
    let fires = run(&RunCase {
        policy: &city,
        tally: &seen.tally,
        coverage: &seen.coverage,
        input: &seen.input,
        scope: &[],
        crowd: &Crowd::default(),
        memory: &Memory::default(),
    });
    let told: Vec<_> = fires.iter().map(|fire| format!("{} {}", fire.check, fire.detail)).collect();
    assert_eq!(
        told,
        [
            "SK-E05 proxies=lbo-proxy",
            "SK-N03 no_whole_day_observed",
            "SK-O01 no_screen_seen",
            "SK-Q04 duplicates=60 of=105",
            "SK-Q06 cut_hellos=4 cut_packets=0",
            "SK-Q11 encrypted=200 without_name=1.50 % without_certificate=0.00 %",
        ]
    );
    assert_eq!(judged(&city, &Flow::tcp("10.20.1.5:1", "10.20.1.6:2").0).verdict, Verdict::OutOfScope);
}
