//! The checks of DOMAIN §4 that a flow shows by itself: each speaks where it should and is silent beside it.

use super::fixture::{CITY, Flow, checked, city, city_and, city_with, ids, policy};
use crate::{
    ground::model::{
        address::Transport,
        field::Field,
        identity::{Answer, Basis, Marks},
        key::TunnelKind,
        verdict::Verdict,
    },
    policy::language::Policy,
};

fn lg(server: &str) -> Flow {
    Flow::tcp("10.20.1.5:50000", server).sensor(2)
}

fn inn(server: &str) -> Flow {
    Flow::tcp("10.30.1.5:50000", server)
}

#[track_caller]
fn speaks(policy: &Policy, check: &str, flow: &Flow) {
    let (judgement, fires) = checked(policy, &flow.0);
    assert!(ids(&fires).contains(&check.to_owned()), "{check} is silent: {:?} {judgement:?}", ids(&fires));
}

#[track_caller]
fn silent(policy: &Policy, check: &str, flow: &Flow) {
    let (judgement, fires) = checked(policy, &flow.0);
    assert!(!ids(&fires).contains(&check.to_owned()), "{check} speaks: {judgement:?}");
}

#[test]
fn shared_services_and_management_are_told_between_segments_and_not_inside_one() {
    let city = city();
    speaks(&city, "SK-A09", &lg("10.10.1.5:389").app("ldap"));
    speaks(&city, "SK-A09", &lg("10.10.1.5:88"));
    silent(&city, "SK-A09", &lg("10.20.1.9:389").app("ldap"));
    silent(&city, "SK-A09", &lg("192.0.2.9:445").app("smb"));
    speaks(&city, "SK-A10", &inn("10.40.0.50:22").app("ssh"));
    silent(&city, "SK-A10", &inn("10.30.1.9:22").app("ssh"));
    silent(&city, "SK-A10", &inn("10.40.0.50:22").app("http"));
}

#[test]
fn a_low_code_platform_needs_an_approval_of_its_own_kind() {
    let wide = |kind: &str| {
        let fqdn = "fqdn = [\"meet.cloud.example\", \"*.files.cloud.example\"]";
        let text = CITY.replace(fqdn, &fqdn.replace(']', ", \"*.powerapps.com\"]"));
        let text = text.replace("kind = \"cloud_comm\"", &format!("kind = \"{kind}\""));
        policy(&text.replace("case = \"i\"", "case = \"u\"").replace("download = \"forbidden\"\n", ""))
    };
    let flow = Flow::tcp("10.20.1.5:50000", "198.51.100.130:443").tls("x.powerapps.com").on_breakout_line();
    speaks(&wide("cloud_comm"), "SK-B08", &flow);
    silent(&wide("cloud_lowcode"), "SK-B08", &flow);
    silent(&city(), "SK-B08", &lg("192.0.2.9:443").tls("notpowerapps.com"));
}

#[test]
fn services_for_private_persons_are_told_unless_the_very_name_is_listed() {
    let city = city();
    speaks(&city, "SK-B12", &inn("192.0.2.9:443").tls("onedrive.live.com"));
    silent(&city, "SK-B12", &inn("192.0.2.9:443").tls("onedrive.live.com.example"));
    let listed = city_with(
        "fqdn = [\"activation.cloud.example\"]",
        "fqdn = [\"activation.cloud.example\", \"onedrive.live.com\"]",
    );
    silent(&listed, "SK-B12", &lg("198.51.100.5:443").tls("onedrive.live.com"));
    speaks(&city, "SK-E04", &lg("192.0.2.9:443").tls("login.live.com"));
    silent(&city, "SK-E04", &Flow::tcp("10.10.1.5:50000", "192.0.2.9:443").tls("login.live.com"));
}

#[test]
fn a_certificate_that_was_seen_and_is_not_the_expected_one_is_told() {
    let city = city();
    let licence = || {
        Flow::tcp("10.20.1.5:50000", "198.51.100.5:443").tls("activation.cloud.example").on_breakout_line()
    };
    let other = licence().mark(Marks::CERTIFICATE).name(Field::CertName, "evil.example", 0);
    speaks(&city, "SK-C06", &other);
    silent(&city, "SK-C05", &other);
    let own = licence().mark(Marks::CERTIFICATE).name(Field::CertName, "activation.cloud.example", 0);
    silent(&city, "SK-C06", &own);
    silent(&city, "SK-C06", &licence());
}

#[test]
fn an_update_exception_in_the_clear_is_a_gap_of_the_ledger_unless_its_reason_is_written() {
    let rule = |reason: &str| {
        city_and(&format!(
            "[[destinations]]\nid = \"d-av\"\nzone = \"inet\"\nkind = \"security_update\"\nname_ja = \"定義\"\n\
             cidr = [\"192.0.2.64/28\"]\nservices = [\"tcp/80\"]\nmatch = \"address\"\n{reason}\n\
             exception = {{ no_official_documents = true, url_restricted = true, cert_verified = true, ref = \"x\" }}"
        ))
    };
    let flow = lg("192.0.2.65:80").http("update.example");
    speaks(&rule(""), "SK-D03", &flow);
    silent(&rule("plaintext_ok_ja = \"署名\""), "SK-D03", &flow);
    silent(&rule(""), "SK-D03", &lg("192.0.2.65:80").tls("update.example"));
}

#[test]
fn network_gear_managed_in_the_clear_is_told_inside_a_segment_too() {
    let gear = city_and(
        "[[hosts]]\nid = \"lg-router\"\nsegment = \"lg\"\naddr = [\"10.20.0.1\"]\nrole = \"router\"\nname_ja = \"ルーター\"",
    );
    let telnet = Flow::tcp("10.20.1.5:50000", "10.20.0.1:23").app("telnet").mark(Marks::CLEARTEXT);
    speaks(&gear, "SK-D05", &telnet);
    assert_eq!(
        checked(&gear, &telnet.0).0.verdict,
        Verdict::Violating,
        "a violation lifts any flow (RULES 3)"
    );
    silent(&gear, "SK-D05", &Flow::tcp("10.20.1.5:50000", "10.20.0.1:22").app("ssh"));
    silent(&city(), "SK-D05", &telnet);
}

#[test]
fn another_tenant_and_another_line_have_checks_of_their_own() {
    let city = city();
    let suite = |name: &str| Flow::tcp("10.20.1.5:50000", "198.51.100.130:443").tls(name);
    let foreign = suite("other.files.cloud.example").on_breakout_line();
    speaks(&city, "SK-E02", &foreign);
    silent(&city, "SK-B01", &foreign);
    silent(&city, "SK-E02", &suite("city.files.cloud.example").on_breakout_line());
    let other_line = suite("city.files.cloud.example").sensor(3);
    speaks(&city, "SK-F04", &other_line);
    silent(&city, "SK-F04", &suite("city.files.cloud.example").on_breakout_line());
    speaks(&city, "SK-E06", &lg("192.0.2.9:443").tls("enterpriseregistration.windows.net"));
    silent(&city, "SK-E06", &inn("192.0.2.9:443").tls("enterpriseregistration.windows.net"));
}

#[test]
fn the_internet_segment_leaves_by_the_security_cloud_only() {
    let city = city();
    speaks(&city, "SK-F01", &inn("192.0.2.9:443").tls("shop.example"));
    silent(&city, "SK-F01", &inn("203.0.113.10:8080").app("http"));
    silent(&city, "SK-F01", &lg("192.0.2.9:443").tls("shop.example"));
}

#[test]
fn a_closed_line_seen_at_a_sensor_of_the_internet_is_suspicious() {
    let closed = city_and(
        "[[zones]]\nid = \"closed\"\nclass = \"closed_cloud\"\nname_ja = \"閉域\"\ncidr = [\"192.0.2.128/28\"]",
    );
    let flow = |sensor| Flow::tcp("10.20.1.5:50000", "192.0.2.129:443").tls("gov.example").sensor(sensor);
    speaks(&closed, "SK-F07", &flow(2));
    silent(&closed, "SK-F07", &flow(1));
}

#[test]
fn screens_carry_screens_and_their_gateway_reaches_no_further() {
    let little = city_with(
        "kind = \"screen\"\npurpose_ja = \"画面転送\"\nclause = \"2-2-3(2)①(イ)\"\napproval = \"T-120\"\n[[channels]]\nid = \"c-screen-2\"",
        "kind = \"screen\"\nmax_up_per_flow = 1000\npurpose_ja = \"画面転送\"\nclause = \"2-2-3(2)①(イ)\"\napproval = \"T-120\"\n[[channels]]\nid = \"c-screen-2\"",
    );
    let screen = |up| Flow::tcp("10.20.1.5:50000", "10.40.0.20:443").tls("vdi.example").payload(up, 10);
    speaks(&little, "SK-G05", &screen(1_001));
    silent(&little, "SK-G05", &screen(1_000));
    let city = city();
    speaks(&city, "SK-G07", &Flow::tcp("10.40.0.20:50000", "10.10.1.5:22").app("ssh"));
    silent(&city, "SK-G07", &Flow::tcp("10.40.0.20:50000", "10.30.1.5:8443"));
    speaks(&city, "SK-G11", &Flow::tcp("10.20.1.5:50000", "10.10.1.5:3389").app("rdp"));
    silent(&city, "SK-G11", &Flow::tcp("10.10.1.6:50000", "10.10.1.5:3389").app("rdp"));
    let download = |down| {
        let flow = Flow::tcp("10.20.1.5:50000", "198.51.100.130:443").tls("city.files.cloud.example");
        flow.payload(10, down).on_breakout_line()
    };
    speaks(&city, "SK-G08", &download(20_000_001));
    silent(&city, "SK-G08", &download(20_000_000));
}

#[test]
fn what_carries_other_traffic_is_told_where_nothing_allows_it() {
    let city = city();
    speaks(&city, "SK-H01", &Flow::udp("10.20.1.5:50000", "192.0.2.9:51820").app("wireguard"));
    speaks(&city, "SK-H01", &Flow::udp("10.30.1.5:500", "192.0.2.9:500"));
    let mut esp = inn("192.0.2.9:0");
    esp.0.transport = Transport(50);
    speaks(&city, "SK-H01", &esp);
    let mut carrier = inn("192.0.2.9:0");
    carrier.0.carrier = Some(TunnelKind::Gre);
    speaks(&city, "SK-H01", &carrier);
    silent(&city, "SK-H01", &Flow::udp("10.30.1.5:500", "10.30.1.9:500"));
    speaks(&city, "SK-H02", &inn("192.0.2.9:443").tls("x.vpnazure.net"));
    silent(&city, "SK-H02", &inn("192.0.2.9:443").tls("vpnazure.net.example"));
    speaks(&city, "SK-H03", &inn("192.0.2.9:443").tls("router1.teamviewer.com"));
    speaks(
        &city,
        "SK-H03",
        &inn("10.30.8.80:8080")
            .connect("router1.teamviewer.com", 443, Answer::Accepted)
            .inside("router1.teamviewer.com"),
    );
    silent(&city, "SK-H03", &inn("192.0.2.9:443").tls("teamviewer.example"));
    speaks(&city, "SK-H05", &Flow::udp("10.20.1.5:50000", "192.0.2.9:3544"));
    silent(&city, "SK-H05", &Flow::udp("10.20.1.5:3544", "192.0.2.9:50000"));
}

#[test]
fn hidden_resolution_is_told_by_port_and_by_name_and_not_inside() {
    let city = city();
    speaks(&city, "SK-H04", &lg("192.0.2.9:443").tls("dns.google"));
    speaks(&city, "SK-H04", &inn("192.0.2.9:853").tls("resolver.example"));
    silent(&city, "SK-H04", &inn("10.30.1.9:853").tls("resolver.example"));
    silent(&city, "SK-H04", &lg("192.0.2.9:443").tls("dns.google.example"));
}

#[test]
fn a_port_that_says_another_protocol_than_its_own_is_suspicious() {
    let city = city();
    speaks(&city, "SK-H08", &inn("192.0.2.9:443").app("ssh"));
    speaks(&city, "SK-H08", &inn("192.0.2.9:4444").tls("c2.example"));
    silent(&city, "SK-H08", &inn("192.0.2.9:443").tls("shop.example"));
    silent(&city, "SK-H08", &inn("10.30.1.9:443").app("ssh"));
    silent(&city, "SK-H08", &inn("192.0.2.9:443"));
}

#[test]
fn quic_proxies_and_peers() {
    let city = city();
    let mut quic =
        Flow::udp("10.20.1.5:50000", "198.51.100.130:443").hello().name(Field::Sni, "meet.cloud.example", 0);
    (quic.0.identity.app, quic.0.identity.basis) = ("quic", Basis::Parsed);
    speaks(&city, "SK-H09", &quic.clone().on_breakout_line());
    silent(&city, "SK-H09", &lg("198.51.100.130:443").tls("meet.cloud.example"));
    speaks(&city, "SK-H10", &inn("10.30.1.9:3128").connect("198.51.100.9", 22, Answer::Accepted));
    silent(&city, "SK-H10", &inn("10.30.1.9:3128").connect("shop.example", 443, Answer::Accepted));
    speaks(&city, "SK-H11", &inn("192.0.2.9:6881").app("bittorrent"));
    silent(&city, "SK-H11", &inn("10.30.1.9:7680"));
}

#[test]
fn volumes_and_hours_beyond_the_channel_are_told_by_what_they_are() {
    let city = city();
    let update = |up| Flow::tcp("10.20.8.90:50000", "198.18.50.3:443").tls("update.example").payload(up, 10);
    speaks(&city, "SK-K03", &update(1_000_001));
    silent(&city, "SK-K03", &update(1_000_000));
    let uploads = city_with("max_down_per_flow = 20000000\n", "max_up_per_flow = 5000\n");
    let suite = |up| {
        let flow = Flow::tcp("10.20.1.5:50000", "198.51.100.130:443").tls("city.files.cloud.example");
        flow.payload(up, 10).on_breakout_line()
    };
    speaks(&uploads, "SK-K02", &suite(5_001));
    silent(&uploads, "SK-K02", &suite(5_000));
    let at_three = suite(10).during("2026-07-01T03:00:00+09:00", "2026-07-01T03:00:01+09:00");
    speaks(&city, "SK-K08", &at_three);
    silent(&city, "SK-K08", &suite(10));
}

#[test]
fn a_registration_that_has_run_out_is_a_gap_of_the_ledger_from_that_day_on() {
    let short = policy(
        &CITY.replace("valid_until = 2027-04-30 }\ncert_names", "valid_until = 2026-06-30 }\ncert_names"),
    );
    let licence = || {
        Flow::tcp("10.20.1.5:50000", "198.51.100.5:443").tls("activation.cloud.example").on_breakout_line()
    };
    speaks(&short, "SK-L07", &licence());
    silent(&short, "SK-L07", &licence().during("2026-06-20T12:00:00+09:00", "2026-06-20T12:00:01+09:00"));
    silent(&city(), "SK-L07", &licence());
}

#[test]
fn a_segment_that_was_given_up_and_speaks_is_told_after_its_end_only() {
    let retired = city_and(
        "[[segments]]\nid = \"old\"\nclass = \"internal\"\nname_ja = \"旧系\"\ncidr = [\"10.50.0.0/16\"]\nretired_at = 2026-06-15T00:00:00+09:00",
    );
    let flow = || Flow::tcp("10.50.1.5:50000", "10.30.1.5:445");
    speaks(&retired, "SK-M02", &flow());
    silent(&retired, "SK-M02", &flow().during("2026-06-01T12:00:00+09:00", "2026-06-01T12:00:01+09:00"));
    silent(&retired, "SK-M02", &Flow::tcp("10.60.1.5:50000", "10.30.1.5:445"));
}

#[test]
fn weak_encryption_is_told_where_the_flow_leaves_its_segment() {
    let city = city();
    speaks(&city, "SK-D04", &lg("198.19.0.5:443").tls("kessai.asp.example").mark(Marks::WEAK_TLS));
    silent(&city, "SK-D04", &lg("198.19.0.5:443").tls("kessai.asp.example"));
    silent(&city, "SK-D04", &lg("10.20.1.9:443").tls("printer.example").mark(Marks::WEAK_TLS));
}

#[test]
fn bare_addresses_wpad_and_ssh_outside_are_suspicious() {
    let city = city();
    speaks(&city, "SK-B14", &inn("192.0.2.9:80").http("192.0.2.9"));
    silent(&city, "SK-B14", &inn("192.0.2.9:80").http("shop.example"));
    silent(&city, "SK-B14", &inn("10.30.1.9:80").http("10.30.1.9"));
    speaks(&city, "SK-F08", &inn("10.30.1.9:80").http("wpad.city.example"));
    silent(&city, "SK-F08", &inn("10.30.8.80:80").http("wpad.city.example"));
    silent(&city, "SK-F08", &inn("10.30.1.9:80").http("notwpad.city.example"));
    speaks(&city, "SK-H06", &inn("192.0.2.9:2222").app("ssh"));
    silent(&city, "SK-H06", &inn("10.30.1.9:22").app("ssh"));
}

#[test]
fn questions_that_leave_their_segment_are_told() {
    let city = city();
    speaks(&city, "SK-J02", &Flow::udp("10.10.1.5:50000", "10.30.1.9:53").app("dns"));
    silent(&city, "SK-J02", &Flow::udp("10.20.8.53:50000", "198.18.1.1:53").app("dns"));
    silent(&city, "SK-J02", &Flow::udp("10.20.1.5:50000", "10.20.7.7:53").app("dns"));
}
