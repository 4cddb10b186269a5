//! The rules that addresses, ports and directions decide: one test or more for each, named after it.

use super::fixture::{CITY, Flow, HALF, city, city_and, city_with, judged, policy};
use crate::{
    ground::model::{
        address::Transport,
        cause::Cause,
        decoded::{Decoded, TcpFlags, TcpHead},
        facts::DirectionBasis,
        key::TunnelKind,
        verdict::{FaultKind, Grade, StepKind, Verdict},
    },
    verdict::judge,
};

#[test]
fn rule_01_the_address_names_the_segment_and_a_foreign_vlan_makes_it_doubtful() {
    let city = city();
    let inside = Flow::tcp("10.20.1.5:50000", "10.20.1.6:445");
    let judgement = judged(&city, &inside.clone().vlan(120).0);
    assert_eq!(judgement.verdict, Verdict::OutOfScope);
    assert_eq!((&*judgement.segment_client, &*judgement.segment_server), ("lg", "lg"));
    let judgement = judged(&city, &inside.vlan(110).0);
    assert_eq!(judgement.verdict, Verdict::Undecidable, "never out-of-scope");
    assert!(judgement.causes.has(Cause::VlanSegmentMismatch));
    let crossing = Flow::tcp("10.10.1.5:50000", "10.20.1.6:445").vlan(110);
    assert_eq!(judged(&city, &crossing.0).verdict, Verdict::Violating);
}

#[test]
fn rule_01_segments_that_share_addresses_are_told_by_their_vlan_or_not_at_all() {
    let twin = CITY.replace(
        "cidr = [\"10.30.0.0/16\"]\nvlan = [130]",
        "cidr = [\"10.20.0.0/16\", \"10.30.0.0/16\"]\nvlan = [130]",
    );
    let twin = policy(&twin);
    let flow = Flow::tcp("10.20.1.5:50000", "10.40.0.20:443").hello();
    let by_vlan = judged(&twin, &flow.clone().vlan(120).0);
    assert_eq!((&*by_vlan.segment_client, by_vlan.verdict), ("lg", Verdict::Conforming));
    let unknown = judged(&twin, &flow.0);
    assert_eq!(unknown.verdict, Verdict::Undecidable);
    assert!(unknown.causes.has(Cause::AmbiguousSegment));
}

#[test]
fn rule_03_the_steps_are_taken_in_their_order_and_told_on_request() {
    let city = city();
    let flow = Flow::tcp("10.10.1.5:50000", "192.0.2.1:443").tls("a.example");
    let judgement = judge::judge(&city, &flow.0, super::fixture::FULL, true);
    let kinds: Vec<_> = judgement.steps.iter().map(|step| step.kind).collect();
    let expected = [StepKind::Force, StepKind::Ends, StepKind::Multicast, StepKind::Ipv6, StepKind::Forbid];
    assert_eq!(kinds, expected, "a prohibition ends the walk");
    assert!(kinds.windows(2).all(|pair| pair[0] < pair[1]));
    assert!(judgement.steps[4].detail.contains("f-mn-inet"), "{}", judgement.steps[4].detail);
    assert!(judged(&city, &flow.0).steps.is_empty(), "nothing is written down unasked");
}

#[test]
fn rule_03_a_prohibition_wins_over_the_channel_of_the_same_flow() {
    let city = city_and(
        "[[forbid]]\nid = \"f-late\"\nfrom = [\"bd-vdi\"]\nto = [\"in\"]\nservices = [\"tcp/9000\"]\nreason_ja = \"x\"",
    );
    let allowed = Flow::tcp("10.40.0.20:50000", "10.30.1.5:8443");
    assert_eq!(judged(&city, &allowed.0).verdict, Verdict::Conforming);
    let forbidden = judged(&city, &Flow::tcp("10.40.0.20:50000", "10.30.1.5:9000").0);
    assert_eq!(forbidden.verdict, Verdict::Violating);
    assert_eq!(forbidden.forbid.as_deref(), Some("f-late"));
}

#[test]
fn rule_07_out_of_scope_needs_one_and_the_same_segment() {
    let city = city();
    assert_eq!(judged(&city, &Flow::tcp("10.20.1.5:1", "10.20.9.9:2").0).verdict, Verdict::OutOfScope);
    for (client, server) in [("192.0.2.1:1", "198.51.100.9:443"), ("203.0.113.5:1", "203.0.113.6:443")] {
        let judgement = judged(&city, &Flow::tcp(client, server).0);
        assert_eq!(judgement.verdict, Verdict::Undecidable, "two ends in zones");
        assert!(judgement.causes.has(Cause::UnknownAddress));
    }
}

#[test]
fn rule_07_unclaimed_private_addresses_are_unknown_and_groups_are_never_a_zone() {
    let city = city();
    for server in ["172.16.0.9:443", "100.64.0.1:443", "169.254.7.7:80"] {
        let judgement = judged(&city, &Flow::tcp("10.20.1.5:1", server).0);
        assert_eq!(judgement.verdict, Verdict::Undecidable, "{server}");
        assert!(judgement.causes.has(Cause::UnknownAddress));
    }
    for server in ["224.0.0.251:5353", "255.255.255.255:67"] {
        let mut flow = Flow::udp("10.20.1.5:5353", server);
        flow.0.sides[1] = Default::default();
        assert_eq!(judged(&city, &flow.0).verdict, Verdict::OutOfScope, "{server}");
    }
    let public = judged(&city, &Flow::tcp("10.20.1.5:1", "192.0.2.1:443").0);
    assert_eq!((&*public.segment_server, public.verdict), ("inet", Verdict::Violating), "TEST-NET is public");
}

#[test]
fn rule_08_a_gap_lifts_only_where_the_channel_asks_for_what_it_hides() {
    let city = city();
    let by_address = Flow::tcp("10.10.9.10:50000", "198.18.10.5:443").hello().cause(Cause::GapAcked);
    let judgement = judged(&city, &by_address.0);
    assert_eq!(judgement.verdict, Verdict::Conforming, "recorded, not lifted");
    assert!(judgement.causes.has(Cause::GapAcked));
    let by_name = Flow::tcp("10.20.1.5:50000", "198.19.0.5:443").tls("kessai.asp.example");
    assert_eq!(judged(&city, &by_name.0).verdict, Verdict::Conforming);
    assert_eq!(judged(&city, &by_name.clone().cause(Cause::GapAcked).0).verdict, Verdict::Undecidable);
    let recorded = judged(&city, &by_name.cause(Cause::TimeAnomaly).0);
    assert_eq!(recorded.verdict, Verdict::Conforming, "it touches nothing");
}

#[test]
fn rule_10_a_destination_that_opens_is_judged_by_its_address() {
    let city = city();
    let flow = Flow::tcp("198.18.40.3:50000", "10.10.9.10:443").tls("whatever.example");
    let judgement = judged(&city, &flow.0);
    assert_eq!((judgement.verdict, judgement.grade), (Verdict::Conforming, Grade::G1));
    assert_eq!(judgement.channel.as_deref(), Some("c-mn-center"));
    let other = judged(&city, &Flow::tcp("198.18.40.20:50000", "10.10.9.10:443").hello().0);
    assert_eq!(other.verdict, Verdict::Violating, "outside its block");
}

#[test]
fn rule_11_an_unanswered_violation_is_attempted_only_where_the_peer_would_be_seen() {
    let city = city();
    let syn = Flow::tcp("10.20.1.5:50000", "10.30.1.5:445").unanswered();
    assert_eq!(judged(&city, &syn.0).verdict, Verdict::Attempted);
    let blind = judge::judge(&city, &syn.0, HALF, false);
    assert_eq!(blind.verdict, Verdict::Violating);
    assert!(blind.causes.has(Cause::OneWay));
    let mut spoke = syn.clone();
    spoke.0.sides[0].payload_bytes = 10;
    assert_eq!(judged(&city, &spoke.0).verdict, Verdict::Violating, "client payload over TCP");
    let mut acked = syn;
    acked.0.client_acked_unseen = true;
    assert_eq!(judged(&city, &acked.0).verdict, Verdict::Violating, "an answer exists");
    let mut datagram = Flow::udp("10.20.1.5:50000", "10.30.1.5:4000");
    datagram.0.sides[1] = Default::default();
    assert_eq!(judged(&city, &datagram.0).verdict, Verdict::Attempted);
}

#[test]
fn rule_11_the_order_of_verdicts_is_fixed() {
    assert!(Verdict::ALL.windows(2).all(|pair| pair[0] < pair[1]));
}

#[test]
fn rule_12_an_allowed_channel_without_an_answer_is_conforming_only_by_its_nature() {
    let city = city();
    let syn = Flow::tcp("10.10.9.10:50000", "198.18.10.5:443").unanswered();
    let judgement = judged(&city, &syn.0);
    assert_eq!(judgement.verdict, Verdict::Undecidable);
    assert!(judgement.causes.has(Cause::OneWay));
    let mut syslog = Flow::udp("10.20.1.5:50000", "10.40.0.50:514");
    syslog.0.sides[1] = Default::default();
    assert_eq!(judged(&city, &syslog.0).verdict, Verdict::Conforming);
    let mut media = Flow::udp("10.20.1.5:50000", "198.51.100.200:3478").on_breakout_line();
    assert_eq!(judged(&city, &media.0).verdict, Verdict::Conforming);
    media.0.sides[1].packets = 0;
    assert_eq!(judged(&city, &media.0).verdict, Verdict::Undecidable);
}

#[test]
fn rule_18_the_transport_of_a_mirror_is_not_judged() {
    let city = city_with("id = \"s-core\"\n", "id = \"s-core\"\nmirror = [\"10.40.0.9\"]\n");
    let mut gre = Flow::tcp("10.20.1.5:0", "10.40.0.9:0");
    gre.0.transport = Transport(47);
    assert_eq!(judged(&city, &gre.0).verdict, Verdict::OutOfScope, "nothing inside that is a flow");
    gre.0.carrier = Some(TunnelKind::Gre);
    assert_eq!(judged(&city, &gre.0).verdict, Verdict::OutOfScope);
    let mut other = Flow::tcp("10.20.1.5:0", "10.40.0.10:0");
    other.0.transport = Transport(47);
    assert_eq!(judged(&city, &other.0).verdict, Verdict::Violating, "no channel for GRE");
    let mut erspan = Flow::tcp("10.20.1.5:0", "10.40.0.77:0");
    erspan.0.transport = Transport(47);
    erspan.0.carrier = Some(TunnelKind::Erspan);
    assert_eq!(judged(&city, &erspan.0).verdict, Verdict::OutOfScope);
}

#[test]
fn rule_19_the_line_is_told_by_sensor_or_gateway_broken_by_another_and_else_unseen() {
    let city = city();
    let flow = Flow::tcp("10.20.1.5:50000", "198.51.100.5:443").tls("activation.cloud.example");
    assert_eq!(judged(&city, &flow.clone().sensor(2).0).verdict, Verdict::Conforming);
    assert_eq!(judged(&city, &flow.clone().on_breakout_line().0).verdict, Verdict::Conforming);
    let unseen = judged(&city, &flow.clone().sensor(1).0);
    assert_eq!(unseen.verdict, Verdict::Undecidable);
    assert!(unseen.causes.has(Cause::PathUnseen));
    let other = judged(&city, &flow.sensor(3).0);
    assert_eq!(other.verdict, Verdict::Violating);
    assert!(other.has(FaultKind::WrongPath));
}

#[test]
fn rule_23_a_port_that_implies_a_protocol_is_conforming_with_that_protocol_only() {
    let city = city();
    let relay = || Flow::tcp("10.10.9.10:50000", "198.18.10.5:443");
    assert_eq!(judged(&city, &relay().hello().0).verdict, Verdict::Conforming);
    assert_eq!(judged(&city, &relay().0).verdict, Verdict::Conforming, "not a byte of payload");
    for flow in [relay().app("ssh"), relay().payload(9, 9)] {
        let judgement = judged(&city, &flow.0);
        assert_eq!(judgement.verdict, Verdict::Undecidable);
        assert!(judgement.causes.has(Cause::NotTheExpectedProtocol));
    }
    let screen = Flow::tcp("10.40.0.20:50000", "10.30.1.5:8443").payload(9, 9);
    assert_eq!(judged(&city, &screen.0).verdict, Verdict::Conforming, "8443 implies none");
    let free = city_with(
        "to = [\"d-relay\"]\nservices = [\"tcp/443\"]",
        "to = [\"d-relay\"]\nservices = [\"tcp/443\"]\napp = \"any\"\napp_reason_ja = \"独自方式\"",
    );
    assert_eq!(judged(&free, &relay().app("ssh").0).verdict, Verdict::Conforming);
}

#[test]
fn rule_23_encryption_holds_by_a_handshake_and_is_broken_by_cleartext() {
    let city = city();
    let asp = || Flow::tcp("10.20.1.5:50000", "198.19.0.5:443");
    let clear = judged(&city, &asp().http("kessai.asp.example").0);
    assert_eq!(clear.verdict, Verdict::Violating);
    assert!(clear.has(FaultKind::Cleartext));
    assert_eq!(judged(&city, &asp().tls("kessai.asp.example").0).verdict, Verdict::Conforming);
}

#[test]
fn rule_25_an_unsure_direction_stands_only_where_both_readings_agree() {
    let city = city();
    let allowed = Flow::tcp("10.40.0.20:50000", "10.30.1.5:8443").guessed();
    let judgement = judged(&city, &allowed.0);
    assert_eq!(judgement.verdict, Verdict::Undecidable, "the other way round nothing allows it");
    assert!(judgement.causes.has(Cause::Midstream));
    let never = Flow::tcp("10.10.1.5:50000", "10.30.1.5:445").guessed().payload(5, 5);
    assert_eq!(judged(&city, &never.0).verdict, Verdict::Violating, "forbidden or unlisted either way");
    let inside = Flow::tcp("10.20.1.5:50000", "10.20.1.6:445").guessed();
    assert_eq!(judged(&city, &inside.0).verdict, Verdict::OutOfScope);
}

#[test]
fn rule_25_the_first_packet_says_what_holds_both_ways() {
    let city = city();
    let packet = |source: &str, target: &str, flags: TcpFlags| {
        let flow = Flow::tcp(source, target).0;
        let mut packet = Decoded { tcp: Some(TcpHead { flags, ..TcpHead::default() }), ..Decoded::default() };
        packet.tuple.source = flow.opener;
        packet.tuple.target = flow.answerer;
        packet.tuple.transport = Transport::TCP;
        packet.head.at = flow.first;
        packet
    };
    let says = |packet: &Decoded| judge::first(&city, packet, super::fixture::FULL).verdict;
    assert_eq!(says(&packet("10.10.1.5:5000", "10.30.1.5:445", TcpFlags::SYN)), Verdict::Attempted);
    assert_eq!(says(&packet("10.10.1.5:5000", "10.30.1.5:445", TcpFlags::ACK)), Verdict::Violating);
    assert_eq!(says(&packet("10.20.1.5:5000", "10.20.1.6:445", TcpFlags::ACK)), Verdict::OutOfScope);
    let allowed = packet("10.40.0.20:5000", "10.30.1.5:8443", TcpFlags::SYN);
    assert_eq!(says(&allowed), Verdict::Undecidable, "one packet is never conforming over TCP");
}

#[test]
fn rule_26_fragments_without_a_head_are_judged_by_what_lies_between_their_ends() {
    let city = city();
    let mut none = Flow::udp("10.10.1.5:0", "10.30.1.5:0").cause(Cause::FragIncomplete);
    none.0.sides[1] = Default::default();
    assert_eq!(judged(&city, &none.0).verdict, Verdict::Attempted);
    let mut some = Flow::udp("10.20.1.5:0", "10.40.0.50:0").cause(Cause::FragIncomplete);
    some.0.sides[1] = Default::default();
    let judgement = judged(&city, &some.0);
    assert_eq!(judgement.verdict, Verdict::Undecidable);
    assert!(judgement.causes.has(Cause::FragIncomplete));
}

#[test]
fn rule_26_an_evicted_flow_is_at_least_undecidable() {
    let city = city();
    let mut flow = Flow::tcp("10.40.0.20:50000", "10.30.1.5:8443");
    flow.0.end = crate::ground::model::facts::EndReason::Evicted;
    let judgement = judged(&city, &flow.0);
    assert_eq!(judgement.verdict, Verdict::Undecidable);
    assert!(judgement.causes.has(Cause::ResourceEvicted));
}

#[test]
fn rule_30_a_verdict_on_addresses_seen_both_ways_is_the_strongest() {
    let city = city();
    let both = judged(&city, &Flow::tcp("10.10.9.10:50000", "198.18.10.5:443").hello().0);
    assert_eq!(both.grade, Grade::G4);
    let one = judged(&city, &Flow::tcp("10.10.9.10:50000", "10.30.1.5:80").unanswered().0);
    assert_eq!(one.grade, Grade::G1);
}

#[test]
fn ipv6_is_violating_where_it_is_denied_and_nowhere_else() {
    let denied = city();
    let flow = Flow::tcp("[2001:db8::5]:50000", "[2001:db8:1::9]:443");
    assert_eq!(judged(&denied, &flow.0).verdict, Verdict::Violating);
    let link_local = Flow::tcp("[fe80::5]:50000", "[fe80::9]:443");
    assert_eq!(judged(&denied, &link_local.0).verdict, Verdict::Undecidable);
    let allowed = policy(&CITY.replace(
        "[[sensors]]\nid = \"s-core\"",
        "[defaults]\nipv6 = \"allow\"\n[[sensors]]\nid = \"s-core\"",
    ));
    assert_eq!(judged(&allowed, &flow.0).verdict, Verdict::Undecidable, "two ends in zones");
}

#[test]
fn a_tunnel_that_crosses_is_never_conforming_unless_its_channel_says_so() {
    let plain = city();
    let flow = Flow::tcp("10.40.0.20:50000", "10.30.1.5:8443").app("openvpn").cause(Cause::Tunnel);
    assert_eq!(judged(&plain, &flow.0).verdict, Verdict::Undecidable);
    let named = city_with("services = [\"tcp/8443\"]", "services = [\"tcp/8443\"]\napp = \"openvpn\"");
    assert_eq!(judged(&named, &flow.0).verdict, Verdict::Conforming);
}

#[test]
fn every_direction_basis_that_is_sure_is_judged_once() {
    assert!(DirectionBasis::Role.is_sure() && !DirectionBasis::BothSyn.is_sure());
}
