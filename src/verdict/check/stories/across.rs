//! The checks that many flows make together: summed up by owners, asked at the end of the run.

use super::fixture::{CITY, Flow, at, checked, city, city_and, policy};
use crate::{
    ground::model::{
        address::Mac,
        coverage::{Blind, BlindReason, Coverage, Damage, InputFile, InputReport, MinuteSeen},
        facts::FlowFacts,
        finding::{Kind, Severity},
        packet::{InterfaceId, Ordinal, SensorId},
        sighting::{Sighting, Tale},
        tally::{Count, Tally},
        verdict::Verdict,
    },
    policy::language::Policy,
    verdict::{
        across::{Crowd, Memory},
        check::{Fire, RunCase, run},
    },
};

/// A run in the making.
#[derive(Default)]
struct Run {
    crowd: Crowd,
    memory: Memory,
    coverage: Coverage,
    tally: Tally,
    input: InputReport,
}

impl Run {
    /// Minutes with frames, bound to no sensor.
    fn seen(mut self, first: &str, last: &str) -> Self {
        let (first, last) = (at(first), at(last));
        for minute in first.minute()..=last.minute() {
            let seen = MinuteSeen { count: Count { packets: 60, bytes: 6_000 }, ..MinuteSeen::default() };
            self.coverage.minutes.insert((SensorId::NONE, minute), seen);
        }
        (self.coverage.first, self.coverage.last) = (Some(first), Some(last));
        self
    }

    fn flows<'a>(mut self, policy: &Policy, flows: impl IntoIterator<Item = &'a FlowFacts>) -> Self {
        for facts in flows {
            let (judgement, _) = checked(policy, facts);
            for place in [&judgement.segment_client, &judgement.segment_server] {
                *self.coverage.places.entry(place.clone()).or_default() += 1;
            }
            // Two owners and their sum: nothing may depend on who saw a flow.
            let mut other = Crowd::default();
            other.flow(policy, facts, &judgement);
            self.crowd.merge(other);
        }
        self
    }

    fn fires(&self, policy: &Policy) -> Vec<Fire> {
        run(&RunCase {
            policy,
            tally: &self.tally,
            coverage: &self.coverage,
            input: &self.input,
            scope: &[],
            crowd: &self.crowd,
            memory: &self.memory,
        })
    }

    /// What a check says, as `kind severity about detail`.
    fn told(&self, policy: &Policy, check: &str) -> Vec<String> {
        let fires = self.fires(policy);
        let of_it = fires.iter().filter(|fire| fire.check.to_string() == check);
        of_it.map(|fire| format!("{} {:?} {}", fire.kind.code(), fire.subject, fire.detail)).collect()
    }
}

fn relay(day: &str) -> FlowFacts {
    let flow = Flow::tcp("10.10.9.10:50000", "198.18.10.5:443").hello();
    flow.during(&format!("{day}T12:00:00+09:00"), &format!("{day}T12:00:01+09:00")).0
}

fn expecting(what: &str) -> Policy {
    policy(&CITY.replace("id = \"c-mn-relay\"\n", &format!("id = \"c-mn-relay\"\n{what}\n")))
}

#[test]
fn an_expected_channel_that_is_silent_on_a_whole_day_is_told_and_a_part_of_a_day_says_nothing() {
    let policy = expecting("expect_min_per_day = 1");
    let days = || Run::default().seen("2026-07-01T00:00:00+09:00", "2026-07-02T23:59:59+09:00");
    let silent = days().flows(&policy, [&relay("2026-07-01")]);
    let told = silent.told(&policy, "SK-N01");
    assert!(
        told[0].starts_with("S ")
            && told[0].contains("silent_days=1 of=2 first=2026-07-02 flows=0 expected=1"),
        "{told:?}"
    );
    let busy = days().flows(&policy, [&relay("2026-07-01"), &relay("2026-07-02")]);
    assert!(busy.told(&policy, "SK-N01").is_empty());
    let part = Run::default().seen("2026-07-01T09:00:00+09:00", "2026-07-01T17:00:00+09:00");
    let told = part.told(&policy, "SK-N01");
    assert!(told[0].starts_with("U ") && told[0].contains("no_whole_day_observed"), "{told:?}");
}

#[test]
fn a_day_with_a_hole_or_a_loss_is_no_whole_day() {
    let policy = expecting("expect_min_per_day = 1");
    let minute = at("2026-07-01T12:00:00+09:00").minute();
    let whole = || {
        let other = Flow::tcp("10.10.1.5:50000", "10.10.1.6:1").0;
        Run::default().seen("2026-07-01T00:00:00+09:00", "2026-07-01T23:59:59+09:00").flows(&policy, [&other])
    };
    let mut hole = whole();
    assert!(hole.told(&policy, "SK-N01")[0].starts_with("S "));
    hole.coverage.minutes.remove(&(SensorId::NONE, minute));
    assert!(hole.told(&policy, "SK-N01")[0].starts_with("U "));
    let mut loss = whole();
    loss.coverage.minutes.get_mut(&(SensorId::NONE, minute)).unwrap().dropped = 10;
    assert!(loss.told(&policy, "SK-N01")[0].starts_with("U "));
}

#[test]
fn silence_proves_nothing_where_the_segment_was_not_seen_or_memory_ran_out_or_the_input_is_damaged() {
    let policy = expecting("expect_min_per_day = 1");
    let days = || Run::default().seen("2026-07-01T00:00:00+09:00", "2026-07-02T23:59:59+09:00");
    assert!(days().told(&policy, "SK-N01")[0].contains("segment_not_seen"));
    let mut silent = days().flows(&policy, [&relay("2026-07-01")]);
    assert!(silent.told(&policy, "SK-N01")[0].starts_with("S "));
    silent.tally.untracked[0].packets = 1;
    assert!(silent.told(&policy, "SK-N01")[0].contains("memory_bound"));
    silent.tally = Tally::default();
    let damage = Damage { offset: 1, what: "cut_tail", resumed_at: None };
    silent.input.files.push(InputFile { damage: vec![damage], ..InputFile::default() });
    assert!(silent.told(&policy, "SK-N01")[0].contains("no_whole_day"));
}

#[test]
fn a_day_in_which_an_interface_was_blind_is_no_whole_day_though_others_saw_it() {
    let policy = expecting("expect_min_per_day = 1");
    let mut run = Run::default().seen("2026-07-01T00:00:00+09:00", "2026-07-05T23:59:59+09:00");
    run = run.flows(&policy, [&relay("2026-07-01"), &relay("2026-07-05")]);
    assert!(run.told(&policy, "SK-N01")[0].contains("silent_days=3 of=5"));
    run.input.blind.push(Blind {
        interface: InterfaceId(0),
        from: at("2026-07-02T12:00:00+09:00"),
        to: at("2026-07-04T12:00:00+09:00"),
        reason: BlindReason::Down,
    });
    assert!(run.told(&policy, "SK-N01").is_empty());
}

#[test]
fn a_monthly_channel_is_asked_of_whole_months_only() {
    let policy = expecting("expect_min_per_month = 2");
    let month = Run::default().seen("2026-07-01T00:00:00+09:00", "2026-07-31T23:59:59+09:00");
    let month = month.flows(&policy, [&relay("2026-07-05")]);
    assert!(month.told(&policy, "SK-N01")[0].contains("first=2026-07 flows=1 expected=2"));
    let short = Run::default().seen("2026-07-01T00:00:00+09:00", "2026-07-30T23:59:59+09:00");
    assert!(short.told(&policy, "SK-N01")[0].starts_with("U "));
}

#[test]
fn more_clients_in_a_day_than_planned_are_counted_once_each() {
    let policy = policy(&CITY.replace("id = \"c-screen-1\"\n", "id = \"c-screen-1\"\nmax_sources = 2\n"));
    let user = |host: u8, day: &str| {
        let flow = Flow::tcp(&format!("10.20.1.{host}:50000"), "10.40.0.20:443").tls("vdi.example");
        flow.during(&format!("{day}T12:00:00+09:00"), &format!("{day}T12:00:01+09:00")).0
    };
    let three = [user(1, "2026-07-01"), user(2, "2026-07-01"), user(3, "2026-07-01"), user(3, "2026-07-01")];
    let told = Run::default().flows(&policy, &three).told(&policy, "SK-G06");
    assert!(told[0].contains("sources=3 max=2 day=2026-07-01"), "{told:?}");
    let spread = [user(1, "2026-07-01"), user(2, "2026-07-01"), user(3, "2026-07-02")];
    assert!(Run::default().flows(&policy, &spread).told(&policy, "SK-G06").is_empty());
}

fn station(mac: [u8; 6], client: &str, server: &str) -> FlowFacts {
    let mut flow = Flow::tcp(client, server).0;
    flow.sides[0].macs[0] = Some(Mac(mac));
    flow
}

#[test]
fn one_link_address_in_two_segments_is_suspicious_and_a_host_with_two_homes_is_not() {
    let mac = |last| [0, 0x16, 0x3e, 0, 0, last];
    let flows = [
        station(mac(1), "10.20.1.5:5000", "10.20.1.9:1"),
        station(mac(1), "10.30.1.5:5000", "10.30.1.9:1"),
        station(mac(2), "10.20.1.6:5000", "10.20.1.9:1"),
        station(mac(3), "10.30.1.6:5000", "10.30.1.9:1"),
    ];
    let city = city();
    let told = Run::default().flows(&city, &flows).told(&city, "SK-I01");
    assert!(
        told.len() == 1
            && told[0].contains("00:16:3e:00:00:01")
            && told[0].contains("in=10.30.1.5 lg=10.20.1.5"),
        "{told:?}"
    );
    let meant = city_and(
        "[[hosts]]\nid = \"both\"\nsegment = \"lg\"\nhomes = [\"in\"]\naddr = [\"10.20.1.5\"]\nrole = \"server\"\nname_ja = \"両方\"",
    );
    assert!(Run::default().flows(&meant, &flows).told(&meant, "SK-I01").is_empty());
    let hidden: Vec<_> = flows
        .iter()
        .cloned()
        .map(|mut flow| {
            if let Some(mac) = &mut flow.sides[0].macs[0] {
                mac.0[0] = 2;
            }
            flow
        })
        .collect();
    assert!(Run::default().flows(&city, &hidden).told(&city, "SK-I01").is_empty(), "administered locally");
}

#[test]
fn one_host_name_in_two_segments_is_suspicious() {
    let label = |memory: &mut Memory, addr: &str, name: &[u8]| {
        let tale = Tale::HostLabel { addr: addr.parse().unwrap(), label: name.into() };
        memory.hear(&Sighting { tale, at: Ordinal(1), told_to: None });
    };
    let mut run = Run::default().seen("2026-07-01T09:00:00+09:00", "2026-07-01T10:00:00+09:00");
    label(&mut run.memory, "10.20.1.5", b"PC-0815");
    label(&mut run.memory, "10.20.1.6", b"PC-0816");
    label(&mut run.memory, "10.20.1.7", b"PC-0816");
    let city = city();
    assert!(run.told(&city, "SK-I01").is_empty());
    label(&mut run.memory, "10.30.1.5", b"PC-0815");
    assert!(run.told(&city, "SK-I01")[0].contains("PC-0815"));
}

#[test]
fn many_silent_targets_are_a_scan_and_a_declared_scanner_may_scan() {
    let knock = |count: u16| -> Vec<FlowFacts> {
        (0..count)
            .map(|port| Flow::tcp("10.20.1.5:50000", &format!("10.20.1.9:{}", port + 1)).unanswered().0)
            .collect()
    };
    let city = city();
    assert!(Run::default().flows(&city, &knock(50)).told(&city, "SK-K04")[0].contains("silent_targets>=50"));
    assert!(Run::default().flows(&city, &knock(49)).told(&city, "SK-K04").is_empty());
    let answered: Vec<_> =
        (0..60u16).map(|port| Flow::tcp("10.20.1.5:50000", &format!("10.20.1.9:{}", port + 1)).0).collect();
    assert!(Run::default().flows(&city, &answered).told(&city, "SK-K04").is_empty());
    let scanner = city_and(
        "[[hosts]]\nid = \"scan\"\nsegment = \"lg\"\naddr = [\"10.20.1.5\"]\nrole = \"scanner\"\nname_ja = \"診断\"",
    );
    assert!(Run::default().flows(&scanner, &knock(50)).told(&scanner, "SK-K04").is_empty());
}

#[test]
fn reaching_many_hosts_by_administration_is_told_where_terminals_stand_in_the_internet_segment() {
    let beta = policy(
        &CITY
            .replace("model = \"alpha_prime\"\ncase = \"i\"", "model = \"beta\"")
            .split("[[channels]]\nid = \"c-screen-1\"")
            .next()
            .map(str::to_owned)
            .unwrap_or_default(),
    );
    let reach = |count: u8| -> Vec<FlowFacts> {
        (0..count).map(|host| Flow::tcp("10.30.1.5:50000", &format!("10.30.2.{}:445", host + 1)).0).collect()
    };
    assert!(Run::default().flows(&beta, &reach(10)).told(&beta, "SK-K05")[0].contains("hosts>=10"));
    assert!(Run::default().flows(&beta, &reach(9)).told(&beta, "SK-K05").is_empty());
    let city = city();
    assert!(Run::default().flows(&city, &reach(10)).told(&city, "SK-K05").is_empty(), "not in this model");
}

#[test]
fn a_channel_counts_as_unused_after_thirty_days_and_not_before() {
    let city = city();
    let month = Run::default()
        .seen("2026-07-01T00:00:00+09:00", "2026-07-31T23:59:59+09:00")
        .flows(&city, [&relay("2026-07-05")]);
    let told = month.told(&city, "SK-L01");
    assert!(
        told.iter().any(|line| line.contains("c-lg-asp"))
            && !told.iter().any(|line| line.contains("c-mn-relay")),
        "{told:?}"
    );
    let day = Run::default().seen("2026-07-01T00:00:00+09:00", "2026-07-01T23:59:59+09:00");
    let told = day.told(&city, "SK-L01");
    assert!(told.len() == 1 && told[0].starts_with("U ") && told[0].contains("needed=30"), "{told:?}");
}

#[test]
fn a_segment_that_never_asks_for_names_is_told_after_a_whole_day() {
    let city = city();
    let quiet = Flow::tcp("10.20.1.5:50000", "10.20.1.9:1").0;
    let day =
        Run::default().seen("2026-07-01T00:00:00+09:00", "2026-07-01T23:59:59+09:00").flows(&city, [&quiet]);
    assert!(day.told(&city, "SK-N03")[0].contains("missing=dns,ntp days=1"));
    let asking = [
        Flow::udp("10.20.8.53:50000", "198.18.1.1:53").app("dns").0,
        Flow::udp("10.20.1.5:50000", "10.20.8.53:123").app("ntp").0,
    ];
    let day =
        Run::default().seen("2026-07-01T00:00:00+09:00", "2026-07-01T23:59:59+09:00").flows(&city, &asking);
    assert!(!day.told(&city, "SK-N03").iter().any(|line| line.contains("\"lg\"")));
}

#[test]
fn screens_that_open_from_the_other_side_only_tell_of_another_model() {
    let city = city();
    let reversed = Flow::tcp("10.40.0.20:50000", "10.20.1.5:443").hello();
    assert_eq!(checked(&city, &reversed.0).0.verdict, Verdict::Violating);
    let right = Flow::tcp("10.20.1.5:50000", "10.40.0.20:443").tls("vdi.example");
    let told = Run::default().flows(&city, [&reversed.0]).told(&city, "SK-O01");
    assert!(told[0].starts_with("P ") && told[0].contains("screens=0 reversed=1"), "{told:?}");
    assert!(Run::default().flows(&city, [&reversed.0, &right.0]).told(&city, "SK-O01").is_empty());
    assert!(Run::default().told(&city, "SK-O01")[0].contains("no_screen_seen"));
}

#[test]
fn what_cannot_be_decided_is_for_information_whatever_the_checks_weight() {
    let fires = Run::default()
        .seen("2026-07-01T09:00:00+09:00", "2026-07-01T10:00:00+09:00")
        .fires(&expecting("expect_min_per_day = 1"));
    let silent = fires.iter().find(|fire| fire.check.to_string() == "SK-N01").unwrap();
    assert_eq!((silent.kind, silent.severity), (Kind::Undecidable, Severity::Info));
}
