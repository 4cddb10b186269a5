//! The rules of judgement 1 to 34, each told as a story to the whole program.

use crate::{
    city::{self, BASE},
    support::{
        ACK, Audit, Bench, Capture, MILLI, NOON, PSH, SECOND, SYN, Talk, addr, client_hello, datagram, dns,
        ethernet, ip, ipv4, record, sekisho, udp,
    },
};

/// All inputs at the sensor of the LBO line, so that the line itself is seen.
const AT_LBO: &[&str] = &["--sensor", "s-lbo=*.pcap"];
const RELAY: &str = "198.18.10.5:443";
const VDI: &str = "10.40.0.20:443";
const SUITE: &str = "198.51.100.130:443";
const OUTSIDE: &str = "192.0.2.7:443";

fn audit(capture: &Capture) -> Audit {
    Bench::new().audit(BASE, capture)
}

fn at_lbo(capture: &Capture) -> Audit {
    Bench::new().audit_with(BASE, capture, AT_LBO)
}

#[track_caller]
fn judged(audit: &Audit, client: u16, server: u16, verdict: &str, cause: &str) {
    assert_eq!(audit.verdict(client, server), verdict, "{:#}", audit.flow(client, server));
    let causes = audit.causes(client, server);
    assert!(cause.is_empty() || causes.contains(&cause), "{cause} is not among {causes:?}");
}

#[test]
fn rule_01_a_vlan_of_neither_end_is_undecidable_and_never_out_of_scope() {
    let own = Talk::new("10.10.1.1:50000", "10.10.1.2:445", NOON).vlan(110).tls("a.example");
    let foreign = Talk::new("10.10.1.1:50001", "10.10.1.2:445", NOON).vlan(130).tls("a.example");
    let audit = audit(&own.with(&foreign));
    judged(&audit, 50_000, 445, "out-of-scope", "");
    judged(&audit, 50_001, 445, "undecidable", "vlan_segment_mismatch");
}

fn connect(client: u16, host: &str, answer: &str) -> Talk {
    let request = format!("CONNECT {host} HTTP/1.1\r\nHost: {host}\r\n\r\n");
    Talk::new(&format!("10.30.1.5:{client}"), "10.30.8.80:8080", NOON)
        .open()
        .client(request.as_bytes())
        .server(format!("HTTP/1.1 {answer}\r\n\r\n").as_bytes())
}

#[test]
fn rule_02_a_proxy_delegates_names_outside_and_none_inside() {
    let outside = connect(50_000, "www.example:443", "200 OK").tls_inside("www.example").close().capture;
    let inside = connect(50_001, "10.10.1.1:443", "200 OK").tls_inside("").close().capture;
    let audit = audit(&outside.with(&inside));
    judged(&audit, 50_000, 8080, "conforming", "");
    judged(&audit, 50_001, 8080, "violating", "");
}

#[test]
fn rule_03_a_violation_lifts_a_flow_inside_one_segment() {
    let question = datagram("10.20.1.1:50000", "10.20.1.2:53", &[], &dns(1, "a.example", None));
    let answer =
        datagram("10.20.1.2:53", "10.20.1.1:50000", &[], &dns(1, "a.example", Some([192, 0, 2, 1].into())));
    let mut capture = Talk::new("10.20.1.1:50001", "10.20.1.2:8000", NOON).tls("a.example");
    capture.add(NOON, question).add(NOON + MILLI, answer);
    let audit = audit(&capture);
    judged(&audit, 50_001, 8000, "out-of-scope", "");
    judged(&audit, 50_000, 53, "violating", "");
    assert_eq!(audit.checks(50_000, 53), ["SK-J01"]);
}

#[test]
fn rule_04_every_violating_flow_has_a_finding_and_the_last_resort_is_l03() {
    let audit = audit(&Talk::new("10.20.1.1:50000", "10.40.0.77:9999", NOON).tls("a.example"));
    judged(&audit, 50_000, 9999, "violating", "");
    assert_eq!(audit.checks(50_000, 9999), ["SK-L03"]);
    assert_eq!(audit.summary["has_findings"], true);
}

#[test]
fn rule_05_a_passed_limit_makes_a_flow_undecidable() {
    let capture = Talk::new("10.20.1.1:50000", SUITE, NOON).tls("meet.cloud.example");
    let tight = city::changed("max_down_per_flow = 20971520", "max_down_per_flow = 100");
    judged(&at_lbo(&capture), 50_000, 443, "conforming", "");
    let audit = Bench::new().audit_with(&tight, &capture, AT_LBO);
    judged(&audit, 50_000, 443, "undecidable", "limit_exceeded");
}

#[test]
fn rule_06_a_certificate_that_cannot_be_seen_changes_no_verdict() {
    let policy = city::changed(
        "fqdn = [\"meet.cloud.example\", \"chat.cloud.example\"]",
        "fqdn = [\"meet.cloud.example\", \"chat.cloud.example\"]\ncert_names = [\"*.cloud.example\"]",
    );
    let capture = Talk::new("10.20.1.1:50000", SUITE, NOON).tls("meet.cloud.example");
    let audit = Bench::new().audit_with(&policy, &capture, AT_LBO);
    judged(&audit, 50_000, 443, "conforming", "");
    assert_ne!(audit.flow(50_000, 443)["grade"], "G4");
}

#[test]
fn rule_07_rest_is_public_unclaimed_private_is_unknown_and_groups_are_no_zone() {
    let mut capture = Talk::new("10.20.1.1:50000", "10.77.0.1:443", NOON).tls("a.example");
    capture = capture.with(&Talk::new("10.20.1.1:50001", OUTSIDE, NOON).tls("a.example"));
    capture.add(NOON, datagram("10.20.1.1:50002", "239.1.2.3:5000", &[], b"hello"));
    let audit = audit(&capture);
    judged(&audit, 50_000, 443, "undecidable", "unknown_address");
    assert!(audit.checks(50_000, 443).contains(&"SK-A08"));
    judged(&audit, 50_001, 443, "violating", "");
    judged(&audit, 50_002, 5000, "out-of-scope", "");
}

#[test]
fn rule_08_a_missing_name_does_not_touch_a_channel_that_asks_for_none() {
    let audit = audit(&Talk::new("10.10.9.10:50000", RELAY, NOON).tls(""));
    judged(&audit, 50_000, 443, "conforming", "no_sni");
    assert!(audit.findings_of("SK-C01").is_empty());
}

#[test]
fn rule_09_name_and_address_are_both_asked() {
    let flow = |port, server: &str, name| Talk::new(&format!("10.20.1.1:{port}"), server, NOON).tls(name);
    let capture = flow(50_000, SUITE, "meet.cloud.example")
        .with(&flow(50_001, SUITE, "evil.example"))
        .with(&flow(50_002, OUTSIDE, "meet.cloud.example"))
        .with(&flow(50_003, SUITE, ""))
        .with(&flow(50_004, OUTSIDE, "evil.example"));
    let audit = at_lbo(&capture);
    judged(&audit, 50_000, 443, "conforming", "");
    judged(&audit, 50_001, 443, "violating", "");
    judged(&audit, 50_002, 443, "violating", "");
    assert!(audit.checks(50_002, 443).contains(&"SK-B05"));
    judged(&audit, 50_003, 443, "undecidable", "no_sni");
    judged(&audit, 50_004, 443, "violating", "");
}

#[test]
fn rule_10_a_destination_that_opens_is_judged_by_its_address() {
    let policy = city::with(
        "[[channels]]\nid = \"c-in\"\nfrom = [\"d-eltax\"]\nto = [\"mn-relay\"]\nservices = [\"tcp/443\"]\nkind = \"normal\"\n\
         purpose_ja = \"受付\"\nclause = \"2-2-3(1)①\"\napproval = \"第10号\"",
    );
    let capture = Talk::new("198.18.20.3:50000", "10.10.9.10:443", NOON).tls("");
    let audit = Bench::new().audit(&policy, &capture);
    judged(&audit, 50_000, 443, "conforming", "");
}

#[test]
fn rule_11_a_violation_that_was_never_answered_is_an_attempt() {
    let silent = Talk::new("10.10.1.1:50000", OUTSIDE, NOON).syn().capture;
    let refused = Talk::new("10.10.1.1:50001", OUTSIDE, NOON).refused().capture;
    let answered = Talk::new("10.10.1.1:50002", OUTSIDE, NOON).tls("a.example");
    let mut capture = silent.with(&refused).with(&answered);
    capture.add(NOON, datagram("10.10.1.1:50003", "192.0.2.7:9999", &[], b"anybody there"));
    let audit = audit(&capture);
    judged(&audit, 50_000, 443, "attempted", "");
    judged(&audit, 50_001, 443, "attempted", "");
    judged(&audit, 50_002, 443, "violating", "");
    judged(&audit, 50_003, 9999, "attempted", "");
}

#[test]
fn rule_12_an_allowed_flow_without_an_answer_conforms_only_where_none_is_due() {
    let mut one_way = Talk::new("10.10.9.10:50000", RELAY, NOON);
    one_way = one_way.syn();
    let [client, server] = one_way.next;
    one_way.segment(true, client, server, ACK, &[]);
    one_way.segment(true, client, server, ACK | PSH, &record(22, &client_hello("relay.example", &[])));
    let mut capture = one_way.capture;
    // Late enough that its first packet tells who opened it (RULES 25).
    let log =
        datagram("10.20.1.1:50001", "10.40.0.51:514", &[], b"<34>1 2026-05-12T00:00:00Z fw app - - - up");
    capture.add(NOON + 200 * SECOND, log);
    let audit = audit(&capture);
    judged(&audit, 50_000, 443, "undecidable", "one_way");
    judged(&audit, 50_001, 514, "conforming", "");
}

#[test]
fn rule_13_frames_are_counted_over_the_whole_input() {
    let bench = Bench::new();
    let first = Talk::new("10.10.9.10:50000", RELAY, NOON).tls("a.example");
    let second = Talk::new("10.10.9.10:50001", RELAY, NOON + 60 * SECOND).tls("a.example");
    let files = [bench.capture("b.pcap", &first), bench.capture("a.pcap", &second)];
    let output = sekisho(&["flows", "--name", "x", files[1].to_str().unwrap(), files[0].to_str().unwrap()]);
    let lines: Vec<serde_json::Value> = String::from_utf8(output.stdout)
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let starts: Vec<_> =
        lines.iter().map(|line| (line["client_port"].clone(), line["first_frame"].clone())).collect();
    assert_eq!(starts, [(50_000.into(), 1.into()), (50_001.into(), (first.frames.len() + 1).into())]);
    assert!(lines.iter().all(|line| line["capture"] == "x"));
}

#[test]
fn rule_14_overlapping_sources_are_merged_by_time_and_ties_by_source() {
    let bench = Bench::new();
    let (mut left, mut right) = (Capture::new(), Capture::new());
    for turn in 0..50 {
        let frame = |port: u64| datagram(&format!("10.20.1.1:{port}"), "10.20.1.2:9000", &[], b"x");
        left.add(NOON + turn * SECOND, frame(40_000 + turn));
        right.add(NOON + turn * SECOND + SECOND / 2, frame(50_000 + turn));
    }
    let (left, right) = (bench.capture("left.pcap", &left), bench.capture("right.pcap", &right));
    let output = sekisho(&["flows", left.to_str().unwrap(), right.to_str().unwrap()]);
    let mut flows: Vec<(u64, u64)> = String::from_utf8(output.stdout)
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap())
        .map(|line| (line["first_frame"].as_u64().unwrap(), line["client_port"].as_u64().unwrap()))
        .collect();
    flows.sort_unstable();
    let expected: Vec<_> = (0..50).flat_map(|turn| [40_000 + turn, 50_000 + turn]).collect();
    assert_eq!(flows.iter().map(|(_, port)| *port).collect::<Vec<_>>(), expected);
}

/// A UDP datagram in two fragments, the second one first when `reversed`.
fn fragments(source: &str, target: &str, len: usize, reversed: bool) -> [Vec<u8>; 2] {
    let (source, target) = (addr(source), addr(target));
    let whole = udp(source, target, &vec![7; len]);
    let (std::net::IpAddr::V4(from), std::net::IpAddr::V4(to)) = (source.ip(), target.ip()) else { panic!() };
    let half = whole.len() / 16 * 8;
    let piece = |start: usize, end: usize, more: bool| {
        let field = (start / 8) as u16 | if more { 0x2000 } else { 0 };
        ethernet(
            source.ip(),
            target.ip(),
            &[],
            0x0800,
            &ipv4(from, to, 17, source.port(), 64, field, &whole[start..end]),
        )
    };
    let mut pieces = [piece(0, half, true), piece(half, whole.len(), false)];
    if reversed {
        pieces.reverse();
    }
    pieces
}

#[test]
fn rule_15_fragments_reach_their_flow_whatever_the_order_and_the_workers() {
    let bench = Bench::new();
    let mut capture = Capture::new();
    for turn in 0..20u64 {
        let source = format!("10.20.1.1:{}", 40_000 + turn % 4);
        for (place, piece) in fragments(&source, "10.40.0.51:514", 600, turn % 2 == 1).into_iter().enumerate()
        {
            capture.add(NOON + turn * SECOND + place as u64, piece);
        }
    }
    let input = bench.capture("fragments.pcap", &capture);
    let flows = |workers: &str| sekisho(&["flows", "--workers", workers, input.to_str().unwrap()]).stdout;
    let one = String::from_utf8(flows("1")).unwrap();
    assert_eq!(one.lines().count(), 4, "{one}");
    assert!(
        one.lines().all(|line| line.contains("\"packets_up\":10,") && line.contains("\"server_port\":514,")),
        "{one}"
    );
    assert_eq!(one.as_bytes(), flows("8"));
}

#[test]
fn rule_16_a_flow_ends_by_its_own_next_packet_only() {
    let say = |port: u16, at: u64, capture: &mut Capture| {
        capture.add(at, datagram(&format!("10.20.1.1:{port}"), "10.20.1.2:9000", &[], b"x"));
    };
    let mut capture = Capture::new();
    for (port, gap) in [(40_000, 180), (40_001, 181)] {
        say(port, NOON, &mut capture);
        say(port, NOON + gap * SECOND, &mut capture);
    }
    // Time running backwards ends nothing.
    say(40_002, NOON + 300 * SECOND, &mut capture);
    let mut ordered = capture.clone();
    ordered.frames.sort_by_key(|(at, _)| *at);
    say(40_002, NOON, &mut ordered);
    let audit = audit(&ordered);
    let count = |port: u16| audit.flows.iter().filter(|flow| flow["client_port"] == port).count();
    assert_eq!([count(40_000), count(40_001), count(40_002)], [1, 2, 1]);
}

#[test]
fn rule_17_a_vlan_divides_flows_only_where_the_policy_needs_it() {
    let mut capture = Capture::new();
    for (turn, vlan) in [(0, 120), (1, 220)] {
        capture.add(
            NOON + turn,
            datagram("10.20.1.1:40000", "10.40.0.51:514", &[vlan], b"<34>1 - fw app - - - up"),
        );
    }
    let bench = Bench::new();
    assert_eq!(bench.audit(BASE, &capture).flows.len(), 1);
    let twice = city::with(
        "[[segments]]\nid = \"lg2\"\nclass = \"internal\"\nname_ja = \"別館\"\ncidr = [\"10.20.0.0/16\"]\nvlan = [220]",
    );
    assert_eq!(bench.audit(&twice, &capture).flows.len(), 2);
}

fn gre(key: u32, inner: &[u8]) -> Vec<u8> {
    let mut packet = vec![0x20, 0, 0x08, 0];
    packet.extend_from_slice(&key.to_be_bytes());
    packet.extend_from_slice(inner);
    packet
}

#[test]
fn rule_18_a_tunnelled_frame_counts_once_and_its_carrier_is_listed_beside() {
    let (inner_from, inner_to) = (addr("10.20.1.1:40000"), addr("10.20.1.2:9000"));
    let (_, inner) = ip(inner_from.ip(), inner_to.ip(), 17, 5, 64, &udp(inner_from, inner_to, b"x"));
    let (from, to) = (addr("10.20.9.1:0").ip(), addr("10.40.0.9:0").ip());
    let mut capture = Capture::new();
    for (turn, key) in [(0, 1), (1, 2), (2, 1)] {
        let (ethertype, packet) = ip(from, to, 47, 9, 64, &gre(key, &inner));
        capture.add(NOON + turn * SECOND, ethernet(from, to, &[], ethertype, &packet));
    }
    let audit = audit(&capture);
    let inner = audit.flows.iter().filter(|flow| flow["carrier"].is_null()).count();
    let carriers: Vec<_> = audit.flows.iter().filter(|flow| flow["carrier"] == "gre").collect();
    assert_eq!((inner, carriers.len()), (2, 1), "two keys are two flows in one carrier");
    assert_eq!(audit.summary["accounting"]["identity_holds"], true);
    assert_eq!(audit.summary["accounting"]["read"]["packets"], 3);
    assert_eq!(carriers[0]["verdict"], "attempted", "nothing allows GRE, and nothing answered it");
}

#[test]
fn rule_19_a_line_is_seen_at_its_own_sensor_and_unseen_elsewhere() {
    let capture = Talk::new("10.20.1.1:50000", SUITE, NOON).tls("meet.cloud.example");
    judged(&at_lbo(&capture), 50_000, 443, "conforming", "");
    let elsewhere = Bench::new().audit_with(BASE, &capture, &["--sensor", "s-core=*.pcap"]);
    judged(&elsewhere, 50_000, 443, "undecidable", "path_unseen");
}

#[test]
fn rule_20_what_dns_said_names_a_flow_for_people_and_never_acquits_it() {
    let mut capture = Talk::new("10.20.1.1:50000", SUITE, NOON + SECOND).tls("");
    let answer = dns(7, "meet.cloud.example", Some([198, 51, 100, 130].into()));
    capture.add(NOON, datagram("10.20.8.53:53", "10.20.1.1:40000", &[], &answer));
    capture.frames.sort_by_key(|(at, _)| *at);
    let audit = at_lbo(&capture);
    judged(&audit, 50_000, 443, "undecidable", "no_sni");
    assert_eq!(audit.flow(50_000, 443)["known_names"][0], "meet.cloud.example");
}

#[test]
fn rule_21_near_a_border_only_a_verdict_equal_on_both_sides_stands() {
    // The maintenance channel opens at 2026-06-01 00:00 JST.
    let june = 1_780_239_600 * SECOND;
    let flow =
        |port: u16, at: u64| Talk::new(&format!("10.99.0.5:{port}"), "10.10.9.99:3389", at).tls("a.example");
    let capture = flow(50_000, june - 3_600 * SECOND)
        .with(&flow(50_001, june - 60 * SECOND))
        .with(&flow(50_002, june + 60 * SECOND))
        .with(&flow(50_003, june + 3_600 * SECOND));
    let audit = audit(&capture);
    judged(&audit, 50_000, 3389, "violating", "");
    judged(&audit, 50_001, 3389, "undecidable", "epoch_boundary");
    judged(&audit, 50_002, 3389, "undecidable", "epoch_boundary");
    assert_ne!(audit.verdict(50_003, 3389), "violating");
}

#[test]
fn rule_21_without_a_policy_in_force_nothing_is_decided() {
    let before = 1_770_000_000 * SECOND;
    let audit = audit(&Talk::new("10.10.9.10:50000", RELAY, before).tls("a.example"));
    judged(&audit, 50_000, 443, "undecidable", "no_policy_in_force");
    assert_eq!(audit.exit_code, 3);
}

#[test]
fn rule_22_incomplete_outranks_findings_and_both_are_told() {
    let bench = Bench::new();
    let mut bytes = Talk::new("10.10.1.1:50000", OUTSIDE, NOON).tls("a.example").bytes();
    bytes.truncate(bytes.len() - 7);
    let input = bench.path("cut.pcap");
    std::fs::write(&input, bytes).unwrap();
    let policy = bench.text("policy.toml", BASE);
    let output = sekisho(&["audit", "--json", "--policy", policy.to_str().unwrap(), input.to_str().unwrap()]);
    let summary: serde_json::Value =
        serde_json::from_slice(output.stdout.split(|b| *b == b'\n').next().unwrap()).unwrap();
    assert_eq!(output.status.code(), Some(3));
    assert!(summary["has_findings"] == true && summary["is_incomplete"] == true, "{summary}");
}

#[test]
fn rule_23_a_port_implies_its_protocol_and_encryption_is_broken_by_cleartext() {
    let ssh = Talk::new("10.10.9.10:50000", RELAY, NOON)
        .open()
        .client(b"SSH-2.0-client\r\n")
        .server(b"SSH-2.0-server\r\n")
        .close()
        .capture;
    let clear = Talk::new("10.20.1.1:50001", VDI, NOON)
        .open()
        .client(b"GET / HTTP/1.1\r\nHost: vdi.example\r\n\r\n")
        .server(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        .close()
        .capture;
    let audit = audit(&ssh.with(&clear));
    judged(&audit, 50_000, 443, "undecidable", "not_the_expected_protocol");
    judged(&audit, 50_001, 443, "violating", "");
    assert!(audit.checks(50_001, 443).contains(&"SK-D01"));
}

#[test]
fn rule_24_a_second_hello_behind_the_first_counts() {
    let capture = Talk::new("10.20.1.1:50000", SUITE, NOON)
        .open()
        .tls_inside("meet.cloud.example")
        .client(&record(22, &client_hello("evil.example", &[])))
        .close()
        .capture;
    let audit = at_lbo(&capture);
    judged(&audit, 50_000, 443, "violating", "");
    assert_eq!(audit.flow(50_000, 443)["sni"].as_array().unwrap().len(), 2);
}

/// A connection whose beginning was not captured.
fn midstream(client: &str, server: &str) -> Capture {
    let mut talk = Talk::new(client, server, NOON);
    let [one, two] = talk.next;
    talk.segment(true, one, two, ACK | PSH, &record(23, &[1; 400]));
    talk.segment(false, two, one + 405, ACK | PSH, &record(23, &[2; 900]));
    talk.segment(true, one + 405, two + 905, ACK, &[]);
    talk.capture
}

#[test]
fn rule_25_an_unsure_direction_is_judged_both_ways() {
    let allowed_one_way = midstream("10.20.1.1:50000", VDI);
    let forbidden_both = midstream("10.10.1.1:50001", OUTSIDE);
    let audit = audit(&allowed_one_way.with(&forbidden_both));
    judged(&audit, 50_000, 443, "undecidable", "midstream");
    judged(&audit, 50_001, 443, "violating", "");
}

#[test]
fn rule_26_a_datagram_that_never_completes_is_judged_by_its_ends() {
    let mut capture = Capture::new();
    capture.add(NOON, fragments("10.10.1.1:40000", "192.0.2.7:5000", 600, false)[0].clone());
    capture.add(NOON, fragments("10.20.1.1:40001", "10.40.0.51:514", 600, false)[0].clone());
    let audit = audit(&capture);
    let between = |client: &str| audit.flows.iter().find(|flow| flow["client_ip"] == client).unwrap();
    assert!(["violating", "attempted"].contains(&between("10.10.1.1")["verdict"].as_str().unwrap()));
    assert_eq!(between("10.20.1.1")["verdict"], "undecidable");
    assert!(
        between("10.20.1.1")["causes"].as_array().unwrap().iter().any(|cause| cause == "frag_incomplete")
    );
    assert_eq!(audit.summary["accounting"]["identity_holds"], true);
}

#[test]
fn rule_27_an_expired_channel_is_no_channel_and_says_so() {
    let audit = audit(&Talk::new("10.99.0.5:50000", "10.10.9.99:3389", NOON).tls("a.example"));
    judged(&audit, 50_000, 3389, "violating", "");
    assert!(audit.checks(50_000, 3389).contains(&"SK-L02"));
}

#[test]
fn rule_28_a_special_check_replaces_the_general_one() {
    let past_the_proxy = Talk::new("10.30.1.5:50000", "203.0.113.10:8080", NOON)
        .open()
        .client(b"GET http://www.example/ HTTP/1.1\r\nHost: www.example\r\n\r\n")
        .server(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        .close()
        .capture;
    let audit = audit(&past_the_proxy);
    judged(&audit, 50_000, 8080, "violating", "");
    let checks = audit.checks(50_000, 8080);
    assert!(checks.contains(&"SK-F02"), "{checks:?}");
    assert!(!checks.contains(&"SK-L03") && !checks.contains(&"SK-B01"), "{checks:?}");
}

#[test]
fn rule_29_an_attempt_from_lgwan_to_the_internet_is_b02_and_nothing_else() {
    let switched_on = format!("{BASE}\n[checks.SK-B02]\nenabled = true\n");
    let audit = Bench::new().audit(&switched_on, &Talk::new("10.20.1.1:50000", OUTSIDE, NOON).syn().capture);
    judged(&audit, 50_000, 443, "attempted", "");
    assert_eq!(audit.checks(50_000, 443), ["SK-B02"]);
    assert_eq!(audit.findings_of("SK-B02")[0]["severity"], "low");
}

#[test]
fn rule_30_a_name_is_claimed_until_dns_agrees() {
    let mut capture = Talk::new("10.20.1.1:50000", SUITE, NOON + SECOND).tls("meet.cloud.example");
    assert_eq!(at_lbo(&capture).flow(50_000, 443)["names_grade"], "G2");
    let answer = dns(7, "meet.cloud.example", Some([198, 51, 100, 130].into()));
    capture.add(NOON, datagram("10.20.8.53:53", "10.20.1.1:40000", &[], &answer));
    capture.frames.sort_by_key(|(at, _)| *at);
    assert_eq!(at_lbo(&capture).flow(50_000, 443)["names_grade"], "G3");
}

#[test]
fn rule_31_causes_are_bare_words_of_the_list() {
    let capture = midstream("10.20.1.1:50000", VDI)
        .with(&Talk::new("10.20.1.1:50001", "10.77.0.1:443", NOON).tls(""))
        .with(&Talk::new("10.10.9.10:50002", RELAY, NOON).syn().capture);
    let known: Vec<_> = sekisho::ground::model::cause::Cause::ALL.iter().map(|cause| cause.code()).collect();
    let audit = audit(&capture);
    for flow in &audit.flows {
        let causes = flow["causes"].as_array().unwrap();
        assert!(causes.iter().all(|cause| known.contains(&cause.as_str().unwrap())), "{causes:?}");
        assert!(flow["verdict"] != "undecidable" || !causes.is_empty(), "{flow:#}");
    }
}

#[test]
fn rule_32_a_refused_target_is_an_attempt_and_a_hidden_one_undecidable() {
    let refused = connect(50_000, "10.10.1.1:443", "403 Forbidden").close().capture;
    let hidden = Talk::new("10.30.1.5:50001", "10.30.8.80:8080", NOON).tls("proxy.example");
    let audit = audit(&refused.with(&hidden));
    judged(&audit, 50_000, 8080, "attempted", "");
    judged(&audit, 50_001, 8080, "undecidable", "proxy_target_hidden");
}

#[test]
fn rule_33_a_span_duplicate_is_counted_apart() {
    let once = Talk::new("10.10.9.10:50000", RELAY, NOON).tls("a.example");
    let mut twice = once.clone();
    for (at, frame) in &once.frames {
        twice.add(at + 1_000, frame.clone());
    }
    twice.frames.sort_by_key(|(at, _)| *at);
    let (plain, doubled) = (audit(&once), audit(&twice));
    for key in ["packets_up", "packets_down", "bytes_up", "retransmissions", "sni", "verdict"] {
        assert_eq!(plain.flow(50_000, 443)[key], doubled.flow(50_000, 443)[key], "{key}");
    }
    assert_eq!(doubled.flow(50_000, 443)["duplicates"], once.frames.len());
    assert_eq!(doubled.summary["accounting"]["identity_holds"], true);
}

#[test]
fn rule_34_a_syn_on_a_known_tuple_opens_a_flow_only_when_it_is_answered() {
    let mut first = Talk::new("10.10.9.10:50000", RELAY, NOON);
    first = first.open().tls_inside("a.example");
    let at = first.at;
    let mut lone = Talk::new("10.10.9.10:50000", RELAY, at + SECOND);
    lone.segment(true, 77_000_000, 0, SYN, &[]);
    let unanswered = audit(&first.capture.clone().with(&lone.capture));
    assert_eq!(unanswered.flows.len(), 1);
    let mut second = Talk::new("10.10.9.10:50000", RELAY, at + SECOND);
    second.next = [77_000_000, 88_000_000];
    let answered = audit(&first.capture.with(&second.tls("b.example")));
    assert_eq!(answered.flows.len(), 2);
    let names: Vec<_> = answered.flows.iter().map(|flow| flow["sni"][0].as_str().unwrap()).collect();
    assert_eq!(names, ["a.example", "b.example"]);
}
