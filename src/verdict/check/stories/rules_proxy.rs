//! The rules about proxies, `via` and targets named inside.

use super::fixture::{Flow, checked, city, ids, judged};
use crate::ground::model::{
    cause::Cause,
    field::Field,
    identity::Answer,
    verdict::{FaultKind, Verdict},
};
use crate::verdict::check::Subject;

fn browse(target: &str) -> Flow {
    Flow::tcp("10.30.1.5:50000", "10.30.8.80:3128").connect(target, 443, Answer::Accepted)
}

#[test]
fn rule_02_a_channel_that_ends_at_a_proxy_delegates_what_lies_outside() {
    let city = city();
    let judgement = judged(&city, &browse("www.example").inside("www.example").0);
    assert_eq!(judgement.verdict, Verdict::Conforming, "{judgement:?}");
    assert_eq!(judgement.channel.as_deref(), Some("c-in-proxy"));
    let onward =
        Flow::tcp("10.30.8.80:50000", "203.0.113.10:8080").connect("www.example", 443, Answer::Accepted);
    assert_eq!(judged(&city, &onward.0).verdict, Verdict::Conforming, "hops are judged one by one");
}

#[test]
fn rule_02_inside_segments_and_other_zones_are_still_judged() {
    let city = city();
    for target in ["10.10.9.10", "10.20.8.90", "198.18.10.5", "kessai.asp.example", "10.10.1.1"] {
        let judgement = judged(&city, &browse(target).0);
        assert_eq!(judgement.verdict, Verdict::Violating, "{target}");
    }
    assert!(judged(&city, &browse("10.10.9.10").0).has(FaultKind::Forbidden));
}

#[test]
fn rule_02_nothing_is_delegated_for_the_closed_classes() {
    let city = city();
    let flow = Flow::tcp("10.20.1.5:50000", "10.20.8.88:3128");
    let allowed =
        flow.clone().connect("login.cloud.example", 443, Answer::Accepted).inside("login.cloud.example");
    let judgement = judged(&city, &allowed.0);
    assert_eq!(judgement.verdict, Verdict::Conforming, "{judgement:?}");
    assert_eq!(judgement.channel.as_deref(), Some("c-line-identity"));
    let other = judged(&city, &flow.clone().connect("www.example", 443, Answer::Accepted).0);
    assert_eq!(other.verdict, Verdict::Violating);
    let port = judged(&city, &flow.clone().connect("login.cloud.example", 22, Answer::Accepted).0);
    assert_eq!(port.verdict, Verdict::Violating);
    assert!(port.has(FaultKind::PortUnlisted));
    // Listed for the segment, but without this waypoint: the address behind the proxy was not seen.
    let indirect = judged(&city, &flow.connect("activation.cloud.example", 443, Answer::Accepted).0);
    assert_eq!(indirect.verdict, Verdict::Undecidable);
}

#[test]
fn rule_32_the_worst_target_is_the_verdict_and_a_refused_one_is_attempted() {
    let city = city();
    let flow = || Flow::tcp("10.20.1.5:50000", "10.20.8.88:3128");
    let both = flow().connect("login.cloud.example", 443, Answer::Accepted).connect(
        "evil.example",
        443,
        Answer::Accepted,
    );
    assert_eq!(judged(&city, &both.0).verdict, Verdict::Violating);
    let refused = flow().connect("evil.example", 443, Answer::Refused(403));
    assert_eq!(judged(&city, &refused.0).verdict, Verdict::Attempted);
    let unseen = flow().connect("evil.example", 443, Answer::Unseen);
    assert_eq!(judged(&city, &unseen.0).verdict, Verdict::Violating, "counts as reached");
}

#[test]
fn rule_32_a_proxy_without_a_readable_target_is_undecidable_in_its_own_segment_too() {
    let city = city();
    let hidden = judged(&city, &Flow::tcp("10.30.1.5:50000", "10.30.8.80:3128").payload(9, 9).0);
    assert_eq!(hidden.verdict, Verdict::Undecidable);
    assert!(hidden.causes.has(Cause::ProxyTargetHidden));
    let tls = judged(&city, &Flow::tcp("10.30.1.5:50000", "10.30.8.80:3128").tls("proxy.example").0);
    assert_eq!(tls.verdict, Verdict::Undecidable);
    let leg = judged(&city, &Flow::tcp("10.20.1.5:50000", "10.30.8.80:3128").payload(9, 9).0);
    assert_eq!(leg.verdict, Verdict::Violating, "the way to the proxy is judged as well");
}

#[test]
fn rule_32_connect_is_read_wherever_it_occurs() {
    let city = city();
    let undeclared =
        Flow::tcp("10.20.1.5:50000", "10.20.7.7:8888").connect("evil.example", 443, Answer::Accepted);
    let (judgement, fires) = checked(&city, &undeclared.0);
    assert_eq!(judgement.verdict, Verdict::Violating, "inside one segment and yet out");
    assert_eq!(ids(&fires), ["SK-B01"]);
    assert_eq!(fires[0].subject, Subject::Told("evil.example:443".to_owned()));
}

#[test]
fn the_name_inside_the_tunnel_counts_beside_the_connect() {
    let city = city();
    let flow =
        Flow::tcp("10.20.1.5:50000", "10.20.8.88:3128").connect("login.cloud.example", 443, Answer::Accepted);
    let inner = flow.clone().inside("evil.example");
    let (judgement, fires) = checked(&city, &inner.0);
    assert_eq!(judgement.verdict, Verdict::Violating);
    assert!(ids(&fires).contains(&"SK-C04".to_owned()), "{:?}", ids(&fires));
    // Delegated or not, a tunnel that carries another name than was asked for is a violation (SK-C04).
    let browsing = browse("www.example").inside("evil.example");
    let (judgement, fires) = checked(&city, &browsing.0);
    assert_eq!((judgement.verdict, ids(&fires)), (Verdict::Violating, vec!["SK-C04".to_owned()]));
}

#[test]
fn a_tunnel_carries_what_the_port_of_its_target_promises() {
    let city = city();
    let mut ssh = browse("www.example");
    ssh.0.identity.inner_apps.push("ssh");
    let judgement = judged(&city, &ssh.0);
    assert_eq!(judgement.verdict, Verdict::Undecidable);
    assert!(judgement.causes.has(Cause::NotTheExpectedProtocol));
    let half = browse("www.example").cause(Cause::NoSni);
    assert_eq!(judged(&city, &half.0).verdict, Verdict::Conforming, "named to the proxy");
    let conflicting = browse("www.example").cause(Cause::OverlapConflict);
    assert_eq!(judged(&city, &conflicting.0).verdict, Verdict::Undecidable);
}

#[test]
fn going_around_the_waypoint_is_a_bypass_and_sign_in_a_bypass_of_its_own_kind() {
    let city = city();
    let direct = Flow::tcp("10.20.1.5:50000", "198.51.100.5:443").sensor(2).tls("login.cloud.example");
    let (judgement, fires) = checked(&city, &direct.0);
    assert_eq!(judgement.verdict, Verdict::Violating);
    assert_eq!(ids(&fires), ["SK-E01", "SK-F02"]);
    let by_proxy = Flow::tcp("10.20.8.88:50000", "198.51.100.5:443").sensor(2).tls("login.cloud.example");
    let (judgement, fires) = checked(&city, &by_proxy.0);
    assert_eq!((judgement.verdict, fires.len()), (Verdict::Conforming, 0));
}

#[test]
fn an_absolute_form_to_a_server_of_its_own_is_only_a_host() {
    let city = city();
    let update = Flow::tcp("10.20.8.90:50000", "198.18.50.3:80").http("update.vendor.example");
    assert_eq!(checked(&city, &update.0).0.verdict, Verdict::Conforming, "cleartext is approved there");
    let names = update.name(Field::HttpHost, "other.example", 0);
    assert_eq!(judged(&city, &names.0).verdict, Verdict::Conforming, "match = address");
}
