//! The rules that names decide.

use super::fixture::{Flow, checked, city, city_and, city_with, ids, judged};
use crate::{
    ground::model::{
        cause::Cause,
        field::Field,
        identity::{Answer, Marks},
        key::Side,
        name::HostName,
        observation::Value,
        packet::Ordinal,
        sighting::{Sighting, Tale},
        verdict::{FaultKind, Grade, Verdict},
    },
    verdict::{
        across::Memory,
        judge::{corroborate, known_names, names_grade},
    },
};

/// To the block that the licence service and sign-in share.
fn licence() -> Flow {
    Flow::tcp("10.20.1.5:50000", "198.51.100.5:443").sensor(2)
}

#[test]
fn rule_09_both_halves_listed_is_conforming_and_one_half_seen_unlisted_is_violating() {
    let city = city();
    let table = [
        ("198.51.100.5:443", Some("activation.cloud.example"), Verdict::Conforming, None),
        ("198.51.100.5:443", Some("evil.example"), Verdict::Violating, Some(FaultKind::NameUnlisted)),
        (
            "192.0.2.9:443",
            Some("activation.cloud.example"),
            Verdict::Violating,
            Some(FaultKind::AddressUnlisted),
        ),
        ("192.0.2.9:443", Some("evil.example"), Verdict::Violating, Some(FaultKind::Unlisted)),
        ("198.51.100.5:443", None, Verdict::Undecidable, Some(FaultKind::NameUnseen)),
        ("192.0.2.9:443", None, Verdict::Violating, Some(FaultKind::Unlisted)),
    ];
    for (server, name, verdict, fault) in table {
        let flow = Flow::tcp("10.20.1.5:50000", server).sensor(2);
        let flow = name.map_or_else(|| flow.clone().hello(), |name| flow.clone().tls(name));
        let judgement = judged(&city, &flow.0);
        assert_eq!(judgement.verdict, verdict, "{server} {name:?}");
        assert_eq!(judgement.faults.first().map(|fault| fault.kind), fault, "{server} {name:?}");
    }
}

#[test]
fn rule_09_a_name_alone_still_asks_for_the_zone_of_its_destination() {
    let city = city_and(
        "[[destinations]]\nid = \"d-name\"\nzone = \"inet\"\nkind = \"pki\"\nname_ja = \"失効確認\"\nfqdn = [\"crl.example\"]\nservices = [\"tcp/443\"]\nmatch = \"name\"\n\
         [[channels]]\nid = \"c-name\"\nfrom = [\"in\"]\nto = [\"d-name\"]\nservices = [\"tcp/443\"]\npurpose_ja = \"失効確認\"\nclause = \"x\"\napproval = \"T\"",
    );
    let flow = |server: &str| Flow::tcp("10.30.1.5:50000", server);
    let judgement = judged(&city, &flow("192.0.2.9:443").tls("crl.example").0);
    assert_eq!((judgement.verdict, judgement.grade), (Verdict::Conforming, Grade::G2));
    assert_eq!(judged(&city, &flow("198.18.9.9:443").tls("crl.example").0).verdict, Verdict::Violating);
    assert_eq!(judged(&city, &flow("192.0.2.9:443").tls("evil.example").0).verdict, Verdict::Violating);
    assert_eq!(judged(&city, &flow("192.0.2.9:443").hello().0).verdict, Verdict::Undecidable);
}

#[test]
fn rule_06_a_certificate_that_was_seen_must_be_an_expected_one() {
    let city = city();
    let flow = || licence().tls("activation.cloud.example").mark(Marks::CERTIFICATE);
    assert_eq!(
        judged(&city, &licence().tls("activation.cloud.example").0).verdict,
        Verdict::Conforming,
        "not seen"
    );
    let fit = flow().name(Field::CertName, "*.cloud.example", 0);
    let judgement = judged(&city, &fit.0);
    assert_eq!((judgement.verdict, judgement.grade), (Verdict::Conforming, Grade::G4));
    let other = judged(&city, &flow().name(Field::CertName, "proxy.example", 0).0);
    assert_eq!(other.verdict, Verdict::Undecidable);
    assert!(other.causes.has(Cause::NameMismatch));
    let mut issuer = fit;
    issuer.0.identity.add(crate::ground::model::observation::Observation {
        field: Field::CertIssuer,
        value: Value::Text(b"Somebody Else"[..].into()),
        at: Ordinal(106),
        side: Side::Answerer,
        layer: 0,
        variant: false,
    });
    assert_eq!(judged(&city, &issuer.0).verdict, Verdict::Undecidable);
}

#[test]
fn rule_08_on_an_address_channel_an_odd_name_is_recorded_and_not_lifted() {
    let city = city();
    let relay =
        Flow::tcp("10.20.8.90:50000", "198.18.50.3:443").tls("update.vendor.example").cause(Cause::NoSni);
    let (judgement, fires) = checked(&city, &relay.0);
    assert_eq!(judgement.verdict, Verdict::Conforming);
    assert!(fires.is_empty(), "SK-C01 only where a name is needed: {fires:?}");
    let without = Flow::tcp("10.20.8.90:50000", "198.18.50.3:443").hello().mark(Marks::HELLO_WITHOUT_NAME);
    assert_eq!(checked(&city, &without.0).0.verdict, Verdict::Conforming);
}

#[test]
fn rule_27_two_channels_that_differ_by_name_cannot_be_told_apart_without_one() {
    let city = city();
    let judgement = judged(&city, &licence().hello().0);
    assert_eq!(judgement.verdict, Verdict::Undecidable);
    assert!(judgement.causes.has(Cause::AmbiguousChannel) && judgement.causes.has(Cause::NoSni));
    assert_eq!(judgement.channel, None);
}

#[test]
fn rule_27_only_an_expired_candidate_left_is_violating() {
    let city = city();
    let flow = Flow::tcp("10.99.0.7:50000", "10.10.9.99:3389").app("rdp");
    let inside = flow.clone().during("2026-06-15T10:00:00+09:00", "2026-06-15T10:05:00+09:00");
    assert_eq!(judged(&city, &inside.0).verdict, Verdict::Conforming);
    let after = judged(&city, &flow.0);
    assert_eq!(after.verdict, Verdict::Violating);
    assert!(after.has(FaultKind::Expired));
    assert_eq!(after.channel.as_deref(), Some("c-mn-maint"));
}

#[test]
fn rule_05_a_broken_volume_or_hour_is_undecidable_with_its_cause() {
    let city = city();
    let suite = || Flow::tcp("10.20.1.5:50000", "198.51.100.130:443").sensor(2).tls("meet.cloud.example");
    assert_eq!(judged(&city, &suite().0).verdict, Verdict::Conforming);
    let big = judged(&city, &suite().payload(10, 20_000_001).0);
    let night = judged(&city, &suite().during("2026-07-01T23:00:00+09:00", "2026-07-01T23:01:00+09:00").0);
    for judgement in [big, night] {
        assert_eq!(judgement.verdict, Verdict::Undecidable);
        assert!(judgement.causes.has(Cause::LimitExceeded));
    }
    assert_eq!(judged(&city, &suite().payload(10, 20_000_000).0).verdict, Verdict::Conforming);
}

#[test]
fn rule_37_only_names_that_tell_a_tenant_are_judged_by_it() {
    let city = city();
    let suite = |name: &str| Flow::tcp("10.20.1.5:50000", "198.51.100.130:443").sensor(2).tls(name);
    assert_eq!(judged(&city, &suite("city.files.cloud.example").0).verdict, Verdict::Conforming);
    assert_eq!(judged(&city, &suite("meet.cloud.example").0).verdict, Verdict::Conforming);
    let foreign = judged(&city, &suite("other.files.cloud.example").0);
    assert_eq!(foreign.verdict, Verdict::Violating);
    assert!(foreign.has(FaultKind::ForeignTenant));
}

#[test]
fn ech_hides_the_name_from_a_closed_segment_unless_the_policy_takes_the_outer_one() {
    let strict = city();
    let flow = licence().tls("activation.cloud.example").mark(Marks::ECH);
    let judgement = judged(&strict, &flow.0);
    assert_eq!(judgement.verdict, Verdict::Undecidable);
    assert!(judgement.causes.has(Cause::EchOuterOnly));
    let outer = city_with(
        "id = \"d-licence\"\n",
        "id = \"d-licence\"\nech = \"outer\"\nech_reason_ja = \"端末の設定を変えられない\"\n",
    );
    assert_eq!(judged(&outer, &flow.0).verdict, Verdict::Conforming);
    let cover = licence().tls("cloudflare-ech.com").mark(Marks::ECH);
    assert_ne!(judged(&outer, &cover.0).verdict, Verdict::Conforming);
}

#[test]
fn every_hello_counts_and_a_variant_may_convict_but_never_acquit() {
    let city = city();
    let flow = || licence().tls("activation.cloud.example");
    assert_eq!(judged(&city, &flow().name(Field::Sni, "evil.example", 0).0).verdict, Verdict::Violating);
    assert_eq!(judged(&city, &flow().variant(Field::Sni, "evil.example").0).verdict, Verdict::Violating);
    let only_variant = licence().hello().variant(Field::Sni, "activation.cloud.example");
    assert_ne!(judged(&city, &only_variant.0).verdict, Verdict::Conforming);
    let nameless = flow().mark(Marks::HELLO_WITHOUT_NAME).cause(Cause::NoSni);
    assert_eq!(judged(&city, &nameless.0).verdict, Verdict::Undecidable, "a second hello left its name out");
    let malformed = flow().name(Field::Sni, "activation.cloud.example\0.evil.example", 0);
    assert_ne!(judged(&city, &malformed.0).verdict, Verdict::Conforming);
}

#[test]
fn rule_20_dns_may_raise_the_grade_and_lift_the_verdict_and_never_lower_it() {
    let city = city();
    let told = |name: &str, at: u64| {
        let mut memory = Memory::default();
        memory.hear(&Sighting {
            tale: Tale::Answer {
                name: HostName::new(name.as_bytes()),
                addr: "198.51.100.5".parse().unwrap(),
            },
            at: Ordinal(at),
            told_to: Some("10.20.1.5".parse().unwrap()),
        });
        memory
    };
    let flow = licence().tls("activation.cloud.example").0;
    let after = |memory: &Memory| {
        let mut judgement = judged(&city, &flow);
        corroborate(&flow, memory, &mut judgement);
        judgement
    };
    assert_eq!(after(&Memory::default()).verdict, Verdict::Conforming);
    assert_eq!(after(&told("activation.cloud.example", 50)).verdict, Verdict::Conforming);
    let other = after(&told("evil.example", 50));
    assert_eq!(other.verdict, Verdict::Undecidable);
    assert!(other.causes.has(Cause::NameMismatch));
    assert_eq!(after(&told("evil.example", 100)).verdict, Verdict::Conforming, "told only later");

    let violating = licence().hello().0;
    let mut judgement = judged(&city, &violating);
    let before = judgement.verdict;
    corroborate(&violating, &told("activation.cloud.example", 50), &mut judgement);
    assert!(judgement.verdict >= before, "DNS never proves a name");
    assert_eq!(known_names(&violating, &told("activation.cloud.example", 50)).count(), 1, "for people");
}

#[test]
fn rule_30_names_are_graded_without_a_policy() {
    let mut memory = Memory::default();
    let flow = licence().tls("activation.cloud.example");
    assert_eq!(names_grade(&licence().hello().0, &memory), Grade::G1);
    assert_eq!(names_grade(&flow.0, &memory), Grade::G2);
    memory.hear(&Sighting {
        tale: Tale::Answer {
            name: HostName::new(b"activation.cloud.example"),
            addr: "198.51.100.5".parse().unwrap(),
        },
        at: Ordinal(9),
        told_to: Some("10.20.1.5".parse().unwrap()),
    });
    assert_eq!(names_grade(&flow.0, &memory), Grade::G3);
    assert_eq!(names_grade(&flow.name(Field::CertName, "*.cloud.example", 0).0, &memory), Grade::G4);
}

#[test]
fn a_dns_offer_of_ech_makes_an_outer_name_undecidable_even_where_it_counts() {
    let outer = city_with(
        "id = \"d-licence\"\n",
        "id = \"d-licence\"\nech = \"outer\"\nech_reason_ja = \"端末の設定を変えられない\"\n",
    );
    let flow = licence().tls("activation.cloud.example").mark(Marks::ECH).0;
    let mut memory = Memory::default();
    let name = HostName::new(b"activation.cloud.example");
    memory.hear(&Sighting { tale: Tale::EchOffered { name }, at: Ordinal(3), told_to: None });
    let mut judgement = judged(&outer, &flow);
    assert_eq!(judgement.verdict, Verdict::Conforming);
    corroborate(&flow, &memory, &mut judgement);
    assert_eq!(judgement.verdict, Verdict::Undecidable);
    let mut fires = Vec::new();
    crate::verdict::check::flow(&outer, &flow, &mut judgement, &mut fires);
    assert_eq!(ids(&fires), ["SK-C02"]);
}

/// THREATS §0.2: no added packet can buy an acquittal. Every fact and mark that a packet can add is added to every
/// flow that violates; none of the results conforms.
#[test]
fn nothing_that_is_added_turns_a_violating_flow_into_a_conforming_one() {
    let city = city();
    let base = [
        Flow::tcp("10.10.1.5:50000", "192.0.2.1:443").hello(),
        Flow::tcp("10.10.1.5:50000", "10.30.1.5:445").payload(9, 9),
        Flow::tcp("10.20.1.5:50000", "192.0.2.1:443").sensor(2).tls("evil.example"),
        Flow::tcp("10.20.1.5:50000", "198.51.100.5:443").sensor(2).tls("evil.example"),
        Flow::tcp("10.20.1.5:50000", "198.51.100.5:443").sensor(2).http("activation.cloud.example"),
        Flow::tcp("10.20.1.5:50000", "198.51.100.5:443").sensor(2).tls("login.cloud.example"),
        Flow::tcp("10.20.1.5:50000", "198.51.100.130:443").sensor(2).tls("other.files.cloud.example"),
        Flow::tcp("10.99.0.7:50000", "10.10.9.99:3389").app("rdp"),
        Flow::tcp("10.20.1.5:50000", "10.30.1.5:3389").app("rdp"),
    ];
    let names =
        ["activation.cloud.example", "meet.cloud.example", "login.cloud.example", "kessai.asp.example"];
    let marks = (0..20).map(|bit| Marks(1 << bit));
    for flow in &base {
        assert_eq!(judged(&city, &flow.0).verdict, Verdict::Violating);
        let mut added: Vec<Flow> = marks.clone().map(|mark| flow.clone().mark(mark)).collect();
        added.extend(Cause::ALL.iter().map(|cause| flow.clone().cause(*cause)));
        for name in names {
            let fields = [Field::Sni, Field::HttpHost, Field::CertName, Field::DnsQuery];
            added.extend(fields.map(|field| flow.clone().name(field, name, 0)));
            added.extend(fields.map(|field| flow.clone().name(field, name, 1)));
            added.push(flow.clone().variant(Field::Sni, name));
            let answers = [Answer::Accepted, Answer::Refused(403), Answer::Unseen];
            added.extend(answers.map(|answer| flow.clone().connect(name, 443, answer)));
        }
        for more in added {
            let verdict = checked(&city, &more.0).0.verdict;
            assert!(verdict > Verdict::Conforming, "{:?} became {verdict:?}", more.0.identity);
        }
    }
}
