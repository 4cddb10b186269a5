//! The rules about findings: which speak, which give way, what they do to the verdict.

use super::fixture::{CITY, Flow, checked, city, city_and, city_with, ids, policy};
use crate::ground::model::{
    cause::Cause,
    field::Field,
    finding::{Kind, Severity},
    identity::{Answer, Marks},
    verdict::Verdict,
};
use crate::policy::language::Policy;

/// A flow of each kind that breaks the policy, with the checks that speak.
fn gallery() -> Vec<(&'static str, Flow, &'static [&'static str])> {
    let lg = |server: &str| Flow::tcp("10.20.1.5:50000", server).sensor(2);
    vec![
        ("MN to NET", Flow::tcp("10.10.1.5:50000", "192.0.2.1:443").hello(), &["SK-A01"]),
        ("MN to IN", Flow::tcp("10.10.1.5:50000", "10.30.1.5:445"), &["SK-A02", "SK-A09"]),
        ("IN to MN", Flow::tcp("10.30.1.5:50000", "10.10.1.5:445"), &["SK-A02", "SK-A09"]),
        ("MN to LGWAN", Flow::tcp("10.10.1.5:50000", "198.18.77.1:443").hello(), &["SK-A03"]),
        ("MN to LG", Flow::tcp("10.10.1.5:50000", "10.20.1.5:389"), &["SK-A04", "SK-A09"]),
        ("LG to IN", lg("10.30.1.5:9999").payload(9, 9), &["SK-A05"]),
        ("NET to IN", Flow::tcp("192.0.2.7:50000", "10.30.1.5:443"), &["SK-A06"]),
        ("maintenance", Flow::tcp("10.99.0.7:50000", "10.20.1.5:22").app("ssh"), &["SK-A07"]),
        ("expired", Flow::tcp("10.99.0.7:50000", "10.10.9.99:3389").app("rdp"), &["SK-A07", "SK-L02"]),
        ("unlisted", lg("192.0.2.9:443").tls("evil.example"), &["SK-B01"]),
        ("attempt", lg("192.0.2.9:443").unanswered(), &["SK-B02"]),
        ("ASP", lg("198.19.5.5:443").tls("x.asp.example"), &["SK-B04"]),
        ("fronting", lg("192.0.2.9:443").tls("activation.cloud.example"), &["SK-B05"]),
        ("platform", lg("192.0.2.9:443").tls("x.amazonaws.com"), &["SK-B07"]),
        ("port", lg("198.51.100.5:8443").tls("activation.cloud.example"), &["SK-B09"]),
        (
            "cleartext",
            lg("198.19.0.5:443").http("kessai.asp.example"),
            &["SK-B04", "SK-D01", "SK-D02", "SK-H08"],
        ),
        ("sign-in", lg("198.51.100.5:443").tls("login.cloud.example"), &["SK-E01", "SK-F02"]),
        ("files", lg("10.30.1.5:445").app("smb").mark(Marks::FILES), &["SK-A05", "SK-A09", "SK-G01"]),
        ("mail", lg("10.30.1.5:25").app("smtp"), &["SK-A05", "SK-G02"]),
        ("control", lg("10.30.1.5:3389").app("rdp"), &["SK-A05", "SK-G03"]),
        ("screen", Flow::tcp("10.40.0.20:50000", "10.20.1.5:443").hello(), &["SK-G04", "SK-G07"]),
        ("screen, far side", Flow::tcp("10.30.1.5:50000", "10.40.0.20:443").hello(), &["SK-G04"]),
        ("page", lg("10.30.1.5:80").http("files.example"), &["SK-A05", "SK-G01"]),
        ("NET to LG", Flow::tcp("192.0.2.7:50000", "10.20.1.5:22").app("ssh"), &["SK-A06", "SK-H06"]),
        ("IPv6", Flow::tcp("[2001:db8::5]:5000", "[2001:db8:1::9]:443"), &["SK-I09"]),
        ("DNS", Flow::udp("10.20.1.5:50000", "10.20.7.7:53").app("dns"), &["SK-J01"]),
        ("IN to BD", Flow::tcp("10.30.1.5:50000", "10.40.0.50:9999"), &["SK-L03"]),
    ]
}

#[test]
fn rule_04_every_violating_or_attempted_flow_is_in_a_violation_finding() {
    let city = city();
    for (what, flow, _) in gallery() {
        let (judgement, fires) = checked(&city, &flow.0);
        assert!(judgement.verdict >= Verdict::Attempted, "{what}: {judgement:?}");
        assert!(fires.iter().any(|fire| fire.kind == Kind::Violation), "{what}: {:?}", ids(&fires));
    }
}

#[test]
fn rule_28_each_kind_of_breach_is_told_by_its_own_checks() {
    let city = city();
    for (what, flow, expected) in gallery() {
        let (_, fires) = checked(&city, &flow.0);
        assert_eq!(ids(&fires), expected, "{what}");
    }
}

#[test]
fn rule_04_the_last_resort_speaks_even_where_the_fitting_check_is_off() {
    let off = city_and(
        "[checks.SK-A02]\nenabled = false\n[[accept]]\nfinding = \"SK-A02\"\nuntil = 2026-12-31T23:59:59+09:00\n\
         approved_by = \"情報政策監\"\nreason_ja = \"更改まで\"",
    );
    let (judgement, fires) = checked(&off, &Flow::tcp("10.10.1.5:50000", "10.30.1.5:9999").0);
    assert_eq!((judgement.verdict, ids(&fires)), (Verdict::Violating, vec!["SK-L03".to_owned()]));
}

#[test]
fn rule_05_a_violation_lifts_a_flow_inside_one_segment_too() {
    let city = city();
    let flow = Flow::udp("10.20.1.5:50000", "10.20.7.7:53").app("dns");
    assert_eq!(super::fixture::judged(&city, &flow.0).verdict, Verdict::OutOfScope);
    let (judgement, fires) = checked(&city, &flow.0);
    assert_eq!((judgement.verdict, judgement.findings.len()), (Verdict::Violating, 1));
    assert_eq!(fires[0].severity, Severity::High, "class lgwan");
    let declared = Flow::udp("10.20.1.5:50000", "10.20.8.53:53").app("dns");
    assert_eq!(checked(&city, &declared.0).0.verdict, Verdict::OutOfScope);
}

#[test]
fn rule_05_what_cannot_be_decided_is_undecidable_and_told() {
    let city = city();
    let unknown = Flow::tcp("10.20.1.5:50000", "172.16.0.9:443");
    let (judgement, fires) = checked(&city, &unknown.0);
    assert_eq!((judgement.verdict, ids(&fires)), (Verdict::Undecidable, vec!["SK-A08".to_owned()]));
    let nameless = Flow::tcp("10.20.1.5:50000", "198.19.0.5:443").hello().mark(Marks::HELLO_WITHOUT_NAME);
    let (judgement, fires) = checked(&city, &nameless.0);
    assert_eq!(judgement.verdict, Verdict::Undecidable);
    assert_eq!(ids(&fires), ["SK-B06", "SK-C01"]);
    assert!(judgement.causes.has(Cause::NoSni));
}

#[test]
fn rule_29_an_attempt_drops_one_step_and_that_of_lgwan_to_the_internet_speaks_alone() {
    let city = city_and("[checks.SK-B02]\nenabled = true");
    let attempt = Flow::tcp("10.20.1.5:50000", "192.0.2.9:3389").unanswered();
    let (judgement, fires) = checked(&city, &attempt.0);
    assert_eq!((judgement.verdict, ids(&fires)), (Verdict::Attempted, vec!["SK-B02".to_owned()]));
    assert_eq!((fires[0].severity, fires[0].kind), (Severity::Low, Kind::Violation));
    let other = Flow::tcp("10.10.1.5:50000", "10.30.1.5:445").unanswered();
    let (_, fires) = checked(&city, &other.0);
    assert_eq!((fires[0].severity, fires[0].attempted), (Severity::High, true), "one step below 重大");
}

#[test]
fn rule_29_a_refused_target_of_the_lgwan_segment_is_an_attempt_as_well() {
    let city = city();
    let flow =
        Flow::tcp("10.20.1.5:50000", "10.20.8.88:3128").connect("evil.example", 443, Answer::Refused(403));
    let (judgement, fires) = checked(&city, &flow.0);
    assert_eq!((judgement.verdict, ids(&fires)), (Verdict::Attempted, vec!["SK-B02".to_owned()]));
}

#[test]
fn the_model_decides_by_which_name_the_internet_of_the_lgwan_segment_goes() {
    let alpha = policy(
        &CITY
            .replace("model = \"alpha_prime\"\ncase = \"i\"", "model = \"alpha\"")
            .split("[[channels]]\nid = \"c-line-licence\"")
            .next()
            .map(str::to_owned)
            .unwrap_or_default(),
    );
    let (_, fires) = checked(&alpha, &Flow::tcp("10.20.1.5:50000", "192.0.2.9:443").tls("evil.example").0);
    assert_eq!(ids(&fires), ["SK-B03"]);
}

#[test]
fn rule_05_names_that_disagree_lift_only_a_decision_that_rests_on_names() {
    let city = city();
    let asp = Flow::tcp("10.20.1.5:50000", "198.19.0.5:443")
        .tls("kessai.asp.example")
        .mark(Marks::CERTIFICATE)
        .name(Field::CertName, "other.example", 0);
    let (judgement, fires) = checked(&city, &asp.0);
    assert_eq!((judgement.verdict, ids(&fires)), (Verdict::Undecidable, vec!["SK-C03".to_owned()]));
    let relay = Flow::tcp("10.20.8.90:50000", "198.18.50.3:443")
        .tls("update.vendor.example")
        .mark(Marks::CERTIFICATE)
        .name(Field::CertName, "other.example", 0);
    assert_eq!(checked(&city, &relay.0).0.verdict, Verdict::Conforming);
}

#[test]
fn a_check_beyond_the_first_day_is_for_information_until_the_policy_switches_it_on() {
    let flow = Flow::tcp("10.10.1.5:50000", "10.20.1.5:9999");
    let severity = |policy: &Policy| {
        let (judgement, fires) = checked(policy, &flow.0);
        assert_eq!((judgement.verdict, ids(&fires)), (Verdict::Violating, vec!["SK-A04".to_owned()]));
        fires[0].severity
    };
    assert_eq!(severity(&city()), Severity::Info);
    assert_eq!(severity(&city_and("[checks.SK-A04]\nenabled = true")), Severity::High);
    assert_eq!(severity(&city_and("[checks.SK-A04]\nseverity = \"critical\"")), Severity::Critical);
}

#[test]
fn the_policy_may_set_severities_and_a_prohibition_its_own() {
    let city = city_with("id = \"f-in-mn\"\n", "id = \"f-in-mn\"\nseverity = \"low\"\n");
    let (judgement, fires) = checked(&city, &Flow::tcp("10.30.1.5:50000", "10.10.1.5:445").0);
    assert_eq!(judgement.verdict, Verdict::Violating);
    assert_eq!((fires[0].severity, &*fires[0].rule), (Severity::Low, "f-in-mn"));
    let set = policy(&format!("{CITY}\n[checks]\n\"SK-L03\" = {{ severity = \"high\" }}\n"));
    let (_, fires) = checked(&set, &Flow::tcp("10.30.1.5:50000", "10.40.0.50:9999").0);
    assert_eq!(fires[0].severity, Severity::High);
}

#[test]
fn rule_05_a_check_that_is_switched_off_says_nothing_and_its_doubt_stays() {
    let flow = Flow::tcp("10.20.1.5:50000", "198.19.0.5:443").tls("kessai.asp.example").name(
        Field::CertName,
        "other.example",
        0,
    );
    let off = city_and("[checks.SK-C03]\nenabled = false");
    for (policy, speaks) in [(city(), true), (off, false)] {
        let (judgement, fires) = checked(&policy, &flow.0);
        assert_eq!(judgement.verdict, Verdict::Undecidable, "{judgement:#?}");
        assert_eq!(ids(&fires).contains(&"SK-C03".to_owned()), speaks);
    }
}
