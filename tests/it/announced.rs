//! Findings that are told before the input is over: the result is the same as without.

use std::{io, sync::Arc};

use sekisho::{
    ground::model::{finding::Finding, flow_line::FlowRecord, limits::Limits, result::RunResult},
    policy::language,
    run::{
        engine::{conclude::Demands, sink::Sink},
        pipeline::{self, Plan, Progress},
    },
    wire::capture::{self, Request},
};

use crate::{
    city,
    support::{Bench, Capture, NOON, SECOND, Talk, datagram},
    threads::morning,
};

/// What was told, in order: findings as `check attempted host`, and lines as `flow N`.
#[derive(Default)]
struct Heard {
    told: Vec<String>,
    announces: bool,
}

impl Sink for Heard {
    fn flow(&mut self, record: &FlowRecord) -> io::Result<()> {
        self.told.push(format!("flow {}", record.facts.id.ordinal.0));
        Ok(())
    }

    fn found(&mut self, finding: &Finding) -> io::Result<()> {
        let host = finding.key.host.map_or_else(String::new, |host| host.to_string());
        let attempted = if finding.attempted > 0 { " attempted" } else { "" };
        self.told.push(format!("{}{attempted} {host} {}", finding.key.check, finding.key.destination));
        Ok(())
    }

    fn announces(&self) -> bool {
        self.announces
    }
}

fn hear(capture: &Capture, workers: usize, announces: bool) -> (Vec<String>, RunResult) {
    hear_within(capture, workers, announces, Limits::default())
}

fn hear_within(
    capture: &Capture,
    workers: usize,
    announces: bool,
    limits: Limits,
) -> (Vec<String>, RunResult) {
    let bench = Bench::new();
    let path = bench.capture("case.pcap", capture);
    // Its first review is over: what only informs is not announced.
    let reviewed = format!("{}\n[checks.SK-A04]\nenabled = true\n", city::BASE);
    let Ok((policy, _)) = language::load_text("policy.toml", &reviewed) else {
        panic!("the policy is sound")
    };
    let request = Request { inputs: vec![path.display().to_string()], ..Request::default() };
    let (feed, baton) = capture::open(&request).unwrap();
    let plan = Plan {
        workers,
        policy: Some(Arc::new(policy)),
        demands: Demands::default(),
        several_sensors: false,
        limits,
    };
    let mut heard = Heard { announces, ..Heard::default() };
    let result = pipeline::run(feed, baton, &plan, &mut heard, &Progress::default()).unwrap();
    (heard.told, result)
}

/// One forbidden connection over 20 minutes, and nothing else that matters.
fn long() -> Capture {
    let mut talk = Talk::new("10.10.1.1:50001", "192.0.2.7:443", NOON).open();
    talk.at += 1_200 * SECOND;
    let mut quiet = Capture::new();
    for minute in 1..20 {
        let source = format!("10.10.1.1:{}", 20_000 + minute);
        quiet.add(NOON + minute * 60 * SECOND, datagram(&source, "10.10.1.2:514", &[], b"x"));
    }
    talk.tls_inside("evil.example").close().capture.with(&quiet)
}

#[test]
fn a_forbidden_connection_is_told_at_its_first_packet_and_when_it_is_answered_and_no_more() {
    let (told, _) = hear(&long(), 1, true);
    let of_it: Vec<_> = told.iter().filter(|line| line.starts_with("SK-A01")).collect();
    assert_eq!(of_it.len(), 2, "{told:#?}");
    assert!(of_it[0].contains("attempted") && !of_it[1].contains("attempted"), "{told:#?}");
    let first_line = told.iter().position(|line| line.starts_with("flow")).unwrap();
    let answered = told.iter().position(|line| line == of_it[1]).unwrap();
    assert!(answered < first_line, "told while it goes on: {told:#?}");
}

#[test]
fn a_name_that_no_channel_allows_is_told_when_it_is_read() {
    let suite = |port: u16, name: &str, at: u64| {
        Talk::new(&format!("10.20.1.1:{port}"), "198.51.100.130:443", at).tls(name)
    };
    let capture =
        suite(50_001, "evil.cloud.example", NOON).with(&suite(50_002, "evil.cloud.example", NOON + SECOND));
    let (told, _) = hear(&capture, 1, true);
    let found = told.iter().filter(|line| line.starts_with("SK-B")).count();
    assert_eq!(found, 1, "once for both connections: {told:#?}");
    assert!(told[0].starts_with("SK-B"), "before either is over: {told:#?}");
}

#[test]
fn what_is_announced_changes_nothing_that_is_found() {
    let capture = morning().with(&long());
    let (lines, silent) = hear(&capture, 1, false);
    assert!(lines.iter().all(|line| line.starts_with("flow")));
    for workers in [1, 2, 3] {
        let (told, result) = hear(&capture, workers, true);
        let others: Vec<_> = told.iter().filter(|line| line.starts_with("flow")).cloned().collect();
        assert_eq!(others, lines, "{workers} workers");
        assert_eq!(
            (&result.findings, &result.tally, &result.coverage),
            (&silent.findings, &silent.tally, &silent.coverage)
        );
        assert_eq!(result.conclusion, silent.conclusion);
        let announced = |finding: &Finding| {
            let host = finding.key.host.map_or_else(String::new, |host| host.to_string());
            let (check, to) = (finding.key.check.to_string(), &finding.key.destination);
            told.iter().any(|line| line.starts_with(&check) && line.ends_with(&format!("{host} {to}")))
        };
        let missing: Vec<_> = result
            .findings
            .iter()
            .filter(|finding| {
                // What is said of the run as a whole is known at its end; information is no announcement.
                finding.flows > 0 && finding.severity.code() != "info" && !announced(finding)
            })
            .collect();
        assert!(missing.is_empty(), "{missing:#?}\n{told:#?}");
    }
}

#[test]
fn what_one_frame_holds_is_told_in_one_order_whoever_owns_it() {
    let mut capture = Capture::new();
    for number in 0..400_u64 {
        let inner = datagram(&format!("10.30.1.{}:4000", number % 250 + 1), "10.10.1.5:5000", &[], b"in");
        let tunnel = [&[8, 0, 0, 0, 0, 0, 7, 0], &inner[..]].concat();
        let from = format!("10.20.{}.{}:{}", number / 250 + 1, number % 250 + 1, 20_000 + number);
        capture.add(NOON + number, datagram(&from, "10.10.1.9:4789", &[], &tunnel));
    }
    let little = || Limits { flows: 8, partitions: 8, ..Limits::default() };
    let (alone, result) = hear_within(&capture, 1, true, little());
    let untracked: u64 = result.tally.untracked.iter().map(|count| count.packets).sum();
    assert!(
        untracked > 380 && alone.iter().filter(|line| line.starts_with("SK-")).count() > 600,
        "{alone:#?}"
    );
    for _ in 0..4 {
        assert!(hear_within(&capture, 4, true, little()).0 == alone, "another order");
    }
}
