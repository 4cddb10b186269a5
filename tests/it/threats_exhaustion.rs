//! More than a table holds: THREATS section 5, row 27 and its neighbours. A flood may cost detail, never a forbidden flow and
//! never a frame.

use std::collections::{BTreeMap, BTreeSet};

use sekisho::ground::model::{limits, verdict::Verdict};

use crate::{
    city::BASE,
    court::{Court, Hearing},
    support::{Capture, MILLI, NOON, SYN, Talk, addr, datagram, ethernet, ip, ipv4, tcp},
};

/// Findings that name a host, with their flows: (check, host) and how many.
fn by_host(hearing: &Hearing) -> BTreeMap<(String, String), u64> {
    let mut found = BTreeMap::new();
    for finding in &hearing.result.findings {
        if let Some(host) = finding.key.host {
            *found.entry((finding.key.check.to_string(), host.to_string())).or_default() += finding.flows;
        }
    }
    found
}

fn syn(client: &str, server: &str) -> Vec<u8> {
    let (source, target) = (addr(client), addr(server));
    let (ethertype, packet) = ip(source.ip(), target.ip(), 6, 1, 64, &tcp(source, target, 7, 0, SYN, &[]));
    ethernet(source.ip(), target.ip(), &[], ethertype, &packet)
}

/// What comes after the flood is full and before it ends: one forbidden packet of each of so many hosts.
const PLANTED: usize = 150;

/// `flood` flows of one packet each, that a channel would allow, with forbidden ones of one packet among them.
fn flood_with_planted(flood: usize) -> (Capture, BTreeSet<String>) {
    let mut capture = Capture::new();
    let mut planted = BTreeSet::new();
    for number in 0..flood {
        let at = NOON + number as u64 * MILLI / 10;
        let client = format!("10.20.{}.{}:{}", number / 200 % 7, number % 200 + 1, 20_000 + number % 30_011);
        capture.add(at, syn(&client, "198.51.100.130:443"));
        if number % (flood / PLANTED) == flood / PLANTED - 1 && planted.len() < PLANTED {
            let host = format!("10.10.{}.{}", planted.len() / 100 + 1, planted.len() % 100 + 1);
            let frame = match planted.len() % 3 {
                0 => syn(&format!("{host}:40000"), "192.0.2.7:443"),
                1 => datagram(&format!("{host}:40000"), "192.0.2.8:4500", &[], b"out"),
                _ => syn(&format!("{host}:40000"), "198.51.100.130:443"),
            };
            capture.add(at + 1, frame);
            planted.insert(host);
        }
    }
    (capture, planted)
}

#[test]
fn r27_every_forbidden_flow_in_a_flood_is_found_and_every_loss_of_state_is_counted() {
    let (capture, planted) = flood_with_planted(6_000);
    assert_eq!(planted.len(), PLANTED);
    let (bytes, frames) = (capture.bytes(), capture.frames.len());
    let court = Court::under(BASE);
    // What is forbidden; whatever else is told of the flood is not asked here.
    let forbidden = |hearing: &Hearing| {
        let mut found = by_host(hearing);
        found.retain(|(check, _), _| check == "SK-A01");
        found
    };
    let whole = forbidden(&court.hear_within(&bytes, 1, limits::Limits::default().flows));
    assert!(whole.values().all(|flows| *flows == 1), "one flow each: {whole:?}");
    for flows_max in [1, 300] {
        let alone = court.hear_within(&bytes, 1, flows_max);
        for workers in [1, 4] {
            let hearing = court.hear_within(&bytes, workers, flows_max);
            assert_eq!(hearing.lines(), alone.lines(), "{workers} workers, place for {flows_max}");
            assert_eq!(hearing.result.findings, alone.result.findings);
            let tally = &hearing.result.tally;
            let found = forbidden(&hearing);
            let hosts: BTreeSet<String> = found.keys().map(|(_, host)| host.clone()).collect();
            assert_eq!(hosts, planted, "{workers} workers, place for {flows_max}");
            assert_eq!(found, whole, "{workers} workers, place for {flows_max}");
            // Every packet is a flow of its own.
            let untracked: u64 = tally.untracked.iter().map(|count| count.packets).sum();
            assert_eq!(hearing.flows.len() as u64 + untracked, frames as u64);
            let lost = tally.evicted + untracked;
            let least = frames - flows_max;
            assert!(lost as usize >= least, "{lost} told of at least {least}");
            assert!(!hearing.any(Verdict::Conforming));
            assert_eq!(hearing.result.conclusion.exit_code, 3, "nobody calls this complete");
            assert!(hearing.result.conclusion.has_findings);
        }
    }
}

#[test]
fn r27_the_answer_of_a_forbidden_connection_without_a_place_is_told_of_the_connection_and_of_nobody_else() {
    let mut capture = Capture::new();
    capture.add(NOON, syn("10.20.1.1:20000", "198.51.100.130:443"));
    let forbidden = Talk::new("10.10.1.7:50000", "192.0.2.7:443", NOON + MILLI).tls("elsewhere.example");
    capture.frames.extend(forbidden.frames);
    let hearing = Court::under(BASE).hear_within(&capture.bytes(), 1, 1);
    let told: BTreeSet<_> = hearing.result.findings.iter().map(|finding| &finding.key).collect();
    let strangers: Vec<_> = told
        .into_iter()
        .filter(|key| key.check.to_string() == "SK-A01")
        .filter(|key| {
            key.host != Some("10.10.1.7".parse().unwrap()) || !key.destination.starts_with("192.0.2.7:443")
        })
        .collect();
    assert!(by_host(&hearing).contains_key(&("SK-A01".to_owned(), "10.10.1.7".to_owned())));
    assert!(strangers.is_empty(), "{strangers:?}");
}

#[test]
fn r27_a_flow_that_was_allowed_before_the_flood_is_never_acquitted_on_what_is_left_of_it() {
    let relay = Talk::new("10.10.9.10:50000", "198.18.10.5:443", NOON).tls("relay.example");
    let (flood, _) = flood_with_planted(3_000);
    // The first half before the flood, the second behind it.
    let half = relay.frames.len() / 2;
    let mut capture = Capture { frames: relay.frames[..half].to_vec() };
    capture.frames.extend(flood.frames.iter().map(|(at, frame)| (at + 100 * MILLI, frame.clone())));
    let behind = relay.frames[half..].iter().map(|(at, frame)| (at + 2_000 * MILLI, frame.clone()));
    capture.frames.extend(behind);
    let court = Court::under(BASE);
    for flows_max in [1, 50] {
        for workers in [1, 4] {
            let hearing = court.hear_within(&capture.bytes(), workers, flows_max);
            let acquitted = hearing.flows.iter().zip(hearing.verdicts());
            let acquitted = acquitted.filter(|(_, verdict)| *verdict == Verdict::Conforming);
            for (flow, _) in acquitted {
                assert_eq!(flow.facts.packets(), relay.frames.len() as u64, "a part of it was acquitted");
            }
        }
    }
}

#[test]
fn r80_a_beacon_of_one_packet_an_hour_is_found_under_a_full_table() {
    let mut capture = Capture::new();
    for hour in 0..24_u64 {
        let at = NOON + hour * 3_600_000 * MILLI;
        capture.add(at, datagram("10.10.7.7:5353", "192.0.2.99:443", &[], &hour.to_be_bytes()));
        for number in 0..60_u64 {
            let client = format!("10.20.1.{}:{}", number + 1, 30_000 + hour);
            capture.add(at + number + 1, syn(&client, "198.51.100.130:443"));
        }
    }
    let court = Court::under(BASE);
    for workers in [1, 4] {
        let hearing = court.hear_within(&capture.bytes(), workers, 20);
        let beacon: Vec<u64> = by_host(&hearing)
            .into_iter()
            .filter(|((_, host), _)| host == "10.10.7.7")
            .map(|(_, flows)| flows)
            .collect();
        assert!(
            !beacon.is_empty() && beacon.iter().all(|flows| *flows == 24),
            "{workers} workers: {beacon:?}"
        );
    }
}

#[test]
fn r47_a_flood_of_findings_is_summed_exactly_and_hides_no_other_host() {
    let mut capture = Capture::new();
    for number in 0..2_500_u64 {
        let server = format!("192.0.2.{}:{}", number % 250 + 1, 1_000 + number / 250);
        capture.add(NOON + number * MILLI, syn("10.10.1.1:40000", &server));
    }
    capture.add(NOON + 1_700 * MILLI + 1, syn("10.10.1.2:40000", "192.0.2.7:443"));
    let hearing = Court::under(BASE).hear(&capture);
    let mut sums: BTreeMap<String, u64> = BTreeMap::new();
    for finding in hearing.result.findings.iter().filter(|finding| finding.key.host.is_some()) {
        *sums.entry(finding.key.check.to_string()).or_default() += finding.flows;
    }
    for (check, flows) in &hearing.result.others {
        *sums.entry(check.to_string()).or_default() += flows;
    }
    assert!(!sums.is_empty() && sums.values().all(|flows| *flows == 2_501), "{sums:?}");
    assert!(hearing.result.others.values().sum::<u64>() > 2_000, "the bound of one host was reached");
    let other = by_host(&hearing).into_iter().filter(|((_, host), _)| host == "10.10.1.2");
    assert!(other.map(|(_, flows)| flows).sum::<u64>() >= 1);
}

#[test]
fn r50_a_flood_of_fragments_that_never_complete_is_counted_and_hides_no_forbidden_end() {
    let mut capture = Capture::new();
    let first = |source: &str, target: &str, number: usize| {
        let (source, target) = (addr(&format!("{source}:0")).ip(), addr(&format!("{target}:0")).ip());
        let (std::net::IpAddr::V4(from), std::net::IpAddr::V4(to)) = (source, target) else { panic!("IPv4") };
        ethernet(source, target, &[], 0x0800, &ipv4(from, to, 17, number as u16, 64, 0x2000, &[0; 16]))
    };
    let flood = limits::FRAGMENT_DATAGRAMS_MAX + 2_000;
    for number in 0..flood {
        let source = format!("10.20.{}.{}", number / 60_000 + 1, number % 100 + 1);
        capture.add(NOON + number as u64 * 1_000, first(&source, "198.51.100.130", number));
        if number % 10_000 == 9_999 {
            let host = format!("10.10.1.{}", number / 10_000 + 1);
            capture.add(NOON + number as u64 * 1_000 + 1, first(&host, "192.0.2.7", number));
        }
    }
    let court = Court::under(BASE);
    for workers in [1, 4] {
        let hearing = court.hear_bytes(&capture.bytes(), workers);
        let hosts: BTreeSet<String> = by_host(&hearing).into_keys().map(|(_, host)| host).collect();
        let planted: BTreeSet<String> = (1..=flood / 10_000).map(|host| format!("10.10.1.{host}")).collect();
        assert!(hosts.is_superset(&planted), "{workers} workers: {hosts:?}");
        assert_eq!(hearing.result.tally.read.packets, capture.frames.len() as u64);
        assert!(!hearing.any(Verdict::Conforming));
    }
}
