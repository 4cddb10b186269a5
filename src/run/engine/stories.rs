//! Flows that are alike come to the same, whoever counts them.

use std::{
    collections::{BTreeMap, BTreeSet},
    io,
    net::{IpAddr, Ipv4Addr},
    path::Path,
    sync::{Arc, LazyLock},
};

use proptest::prelude::*;

use super::{
    account::Account,
    collector::Collector,
    court::{Court, Ruled, Ruling},
    event::{Event, Moment, What},
    sink::Sink,
};
use crate::{
    ground::model::{
        address::{Mac, Transport},
        cause::Cause,
        coverage::Coverage,
        facts::{DirectionBasis, EndReason, FlowFacts},
        field::Field,
        finding::Finding,
        flow_line::FlowRecord,
        identity::{Basis, Marks, Notes},
        key::{Endpoint, Side},
        packet::{Ordinal, SensorId},
        tally::Tally,
        time::Timestamp,
    },
    policy::language::{Policy, load},
    verdict::across::Crowd,
};

/// A policy, and what flows must be made of so that it has something to say of them.
#[derive(Debug)]
struct Ground {
    policy: Arc<Policy>,
    addrs: Vec<IpAddr>,
    names: Vec<String>,
    ports: Vec<u16>,
    vlans: Vec<u16>,
}

/// The policies of the fixtures; that of the city first.
static GROUNDS: LazyLock<Vec<Ground>> = LazyLock::new(|| {
    let texts: [&[&str]; 7] = [
        &[include_str!("../../../fixtures/city/policy.toml")],
        &[include_str!("../../../fixtures/policies/minato_alpha.toml"), PARTS],
        &[include_str!("../../../fixtures/policies/minato_alpha_prime_a.toml"), PARTS],
        &[include_str!("../../../fixtures/policies/minato_alpha_prime_i.toml"), PARTS],
        &[include_str!("../../../fixtures/policies/minato_alpha_prime_u.toml"), PARTS],
        &[include_str!("../../../fixtures/policies/minato_beta.toml"), PARTS],
        &[include_str!("../../../fixtures/policies/minato_beta_prime.toml"), PARTS],
    ];
    texts.into_iter().map(ground).collect()
});
const PARTS: &str = include_str!("../../../fixtures/policies/parts/prefecture.toml");

fn ground(texts: &[&str]) -> Ground {
    let mut read = |path: &Path| match (path.ends_with("prefecture.toml"), texts) {
        (false, [policy, ..]) => Ok(policy.as_bytes().to_vec()),
        (true, [_, parts]) => Ok(parts.as_bytes().to_vec()),
        _ => Err(io::Error::from(io::ErrorKind::NotFound)),
    };
    let (policy, _) =
        load(Path::new("policy.toml"), &mut read).expect("a policy of the fixtures has no errors");
    let mut ground = Ground {
        policy: Arc::new(policy),
        addrs: ADDRS.iter().map(|addr| addr.parse().unwrap()).collect(),
        names: NAMES.iter().map(ToString::to_string).collect(),
        ports: PORTS.to_vec(),
        vlans: vec![999],
    };
    for word in texts.iter().flat_map(|text| text.split('"').skip(1).step_by(2)) {
        let (front, back) = word.split_once('/').unwrap_or((word, ""));
        match front.parse::<IpAddr>() {
            // Of a prefix its sixth address: the first few may be gear.
            Ok(IpAddr::V4(addr)) if !back.is_empty() => {
                ground.addrs.push(Ipv4Addr::from(u32::from(addr) + 5).into())
            }
            Ok(addr) => ground.addrs.push(addr),
            Err(_) if back.is_empty() && word.contains('.') && word.is_ascii() => {
                ground.names.push(word.replace('*', "any"));
            }
            Err(_) => ground.ports.extend(back.parse::<u16>().ok()),
        }
    }
    let lines = texts.iter().flat_map(|text| text.lines());
    for (_, list) in lines.filter_map(|line| line.strip_prefix("vlan")?.split_once('[')) {
        let vlans = list.split(|sign: char| !sign.is_ascii_digit());
        ground.vlans.extend(vlans.filter_map(|vlan| vlan.parse::<u16>().ok()));
    }
    ground
}

fn policy() -> Arc<Policy> {
    GROUNDS[0].policy.clone()
}

/// One of the policies.
fn grounds() -> impl Strategy<Value = &'static Ground> {
    (0..GROUNDS.len()).prop_map(|place| &GROUNDS[place])
}

const ADDRS: &[&str] = &[
    "10.10.1.5",
    "10.10.1.6",
    "10.20.1.5",
    "10.20.3.9",
    "10.20.8.80",
    "10.20.8.53",
    "10.30.1.5",
    "10.30.8.80",
    "198.51.100.10",
    "198.51.100.130",
    "203.0.113.10",
    "203.0.113.77",
    "198.18.10.5",
    "198.18.99.1",
    "8.8.8.8",
    "239.1.1.1",
    "255.255.255.255",
    "0.0.0.0",
    "10.99.9.9",
    "169.254.1.1",
    "2001:db8::5",
    "fe80::1",
    "fd00::1",
];
const PORTS: &[u16] = &[0, 22, 25, 53, 80, 443, 445, 514, 993, 3128, 3389, 8443, 40_000, 50_000, 50_001];
const NAMES: &[&str] = &[
    "www.example",
    "meet.cloud.example",
    "evil.example",
    "cloudflare-ech.com",
    "a b.example",
    "198.51.100.10",
];
const APPS: &[&str] = &["", "tls", "http", "dns", "ssh", "smb", "quic"];
const CAUSES: &[Cause] = &[
    Cause::OneWay,
    Cause::Midstream,
    Cause::GapAcked,
    Cause::Tunnel,
    Cause::VlanSegmentMismatch,
    Cause::NoSni,
];

/// Flows from few enough pieces that many are alike.
fn flow(ground: &'static Ground) -> impl Strategy<Value = FlowFacts> {
    let end = move || {
        (prop::sample::select(&ground.addrs[..]), prop::sample::select(&ground.ports[..]))
            .prop_map(|(addr, port)| Endpoint { addr, port })
    };
    let basis = prop::sample::select(vec![DirectionBasis::Syn, DirectionBasis::Guess, DirectionBasis::Role]);
    let head = (end(), end(), prop::sample::select(vec![1u8, 6, 17, 47, 132]), any::<bool>(), basis);
    let side = move || (0u64..3, 0u64..2, 0u8..4, prop::option::of(prop::sample::select(&ground.vlans[..])));
    let said =
        prop::collection::vec((prop::sample::select(&ground.names[..]), 0u8..3, 0u8..2, any::<bool>()), 0..3);
    let shown = (prop::sample::select(APPS), 0u8..4, 0u32..1 << 17, said);
    let causes =
        (prop::option::of(prop::sample::select(CAUSES)), prop::option::of(prop::sample::select(CAUSES)));
    let when = (0i64..200, 0i64..4_000, 0u8..4, 0u16..4);
    (head, side(), side(), shown, causes, when).prop_map(|(head, one, other, shown, causes, when)| {
        let first = Timestamp::from_secs(1_774_900_000 + when.0 * 7_000);
        let mut facts = FlowFacts {
            transport: Transport(head.2),
            opener: head.0,
            answerer: head.1,
            client: if head.3 { Side::Opener } else { Side::Answerer },
            basis: head.4,
            first,
            last: Timestamp::from_secs(first.secs() + when.1),
            end: if when.2 == 0 { EndReason::Evicted } else { EndReason::Fin },
            sensor: SensorId(when.3),
            first_frame: Ordinal(7),
            ..FlowFacts::default()
        };
        for (side, (packets, payload, flags, vlan)) in facts.sides.iter_mut().zip([one, other]) {
            side.packets = packets;
            side.wire_bytes = packets * 60;
            side.payload_bytes = payload * packets * 100;
            side.acked_bytes = payload;
            side.flags = crate::ground::model::decoded::TcpFlags(u16::from(flags) << 1);
            side.vlans.extend(vlan);
            side.macs[0] = vlan.map(|vlan| Mac([2, 0, 0, 0, 0, vlan as u8]));
        }
        let mut notes = Notes::new(&mut facts.identity, Ordinal(7), first);
        for (name, field, layer, variant) in shown.3 {
            let field = [Field::Sni, Field::HttpHost, Field::CertName][usize::from(field)];
            let side = if field == Field::CertName { facts.client.other() } else { facts.client };
            let mut notes = notes.on_layer(layer);
            if variant {
                notes.as_variant().name(field, name.as_bytes(), side)
            } else {
                notes.name(field, name.as_bytes(), side);
            }
        }
        let all = [Basis::Unknown, Basis::Port, Basis::Signature, Basis::Parsed];
        (facts.identity.app, facts.identity.basis) = (shown.0, all[usize::from(shown.1)]);
        facts.identity.marks = Marks(shown.2 & shown.2.rotate_left(7));
        causes.0.into_iter().for_each(|cause| facts.causes.add_with(cause, "wireguard"));
        causes.1.into_iter().for_each(|cause| facts.identity.causes.add(cause));
        facts
    })
}

type Sums = (Tally, Coverage, BTreeMap<&'static str, u64>);

fn sums(parts: Vec<(Court, Account)>) -> Sums {
    let mut sums = Sums::default();
    for (mut court, mut account) in parts {
        court.settle(&mut account);
        account.add_to(&mut sums.0, &mut sums.1, &mut sums.2, &mut Crowd::default());
    }
    sums
}

proptest! {
    #[test]
    fn a_flow_comes_to_what_it_would_if_no_other_were_known(
        (ground, flows) in grounds().prop_flat_map(|ground| (Just(ground), prop::collection::vec(flow(ground), 1..150))),
    ) {
        let policy = &ground.policy;
        let (mut court, mut account) = (Court::new(policy.clone()), Account::default());
        for facts in &flows {
            let ruled = court.rule(facts, &mut account);
            let ruling = court.ruling(&ruled);
            let anew = Ruling::new(policy, facts, false);
            prop_assert_eq!(&ruling.alone(facts), &anew.alone);
            prop_assert_eq!(&ruling.settled(facts), &anew.settled);
            prop_assert_eq!(&ruling.fires, &anew.fires);
        }
    }

    #[test]
    fn sums_are_the_same_whoever_counts_which_flow_in_whatever_order(
        (ground, flows) in grounds()
            .prop_flat_map(|ground| (Just(ground), prop::collection::vec((flow(ground), 0..4usize), 1..80))),
    ) {
        let policy = ground.policy.clone();
        let begin = || (Court::new(policy.clone()), Account::default());
        let count = |(court, account): &mut (Court, Account), facts: &FlowFacts| {
            let ruled = court.rule(facts, account);
            court.count(&ruled, facts, account);
        };
        let mut one = begin();
        flows.iter().for_each(|(facts, _)| count(&mut one, facts));
        let mut several = [begin(), begin(), begin(), begin()];
        flows.iter().rev().for_each(|(facts, owner)| count(&mut several[*owner], facts));
        let mut plain = Account::default();
        for (facts, _) in &flows {
            plain.flow(facts, Some(&Ruling::new(&policy, facts, false).settled), &[]);
        }
        let one = sums(vec![one]);
        prop_assert_eq!(&one, &sums(several.into()));
        prop_assert_eq!(&one, &sums(vec![(Court::new(policy), plain)]));
    }
}

/// Everything that is told of a run.
#[derive(Debug, Default)]
struct Told {
    lines: Vec<String>,
    findings: Vec<Finding>,
}

impl Sink for Told {
    fn flow(&mut self, record: &FlowRecord) -> io::Result<()> {
        self.lines.push(format!("{record:?}"));
        Ok(())
    }

    fn found(&mut self, finding: &Finding) -> io::Result<()> {
        self.findings.push(finding.clone());
        Ok(())
    }

    fn announces(&self) -> bool {
        true
    }
}

/// What a run with several sensors comes to when each flow has the ruling that `rule` gives it.
fn joined(
    ground: &Ground,
    sightings: &[FlowFacts],
    mut rule: impl FnMut(&FlowFacts) -> Arc<Ruling>,
) -> (Told, Sums, Vec<Finding>) {
    let mut collector = Collector::new(Some(ground.policy.clone()), true);
    let mut told = Told::default();
    for facts in sightings {
        let record = FlowRecord::of(facts.clone(), String::new());
        let what = What::Closed(Box::new(record), Some(rule(facts)));
        let event = Event { moment: Moment::default(), what };
        collector.absorb([event], &mut told).unwrap();
    }
    collector.finish(&mut told).unwrap();
    let mut sums = Sums::default();
    collector.account.add_to(&mut sums.0, &mut sums.1, &mut sums.2, &mut Crowd::default());
    (told, sums, collector.aggregate.finish().0)
}

proptest! {
    // Every flow is judged several times over: fewer cases take as long as those above.
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn flows_seen_at_several_sensors_come_to_the_same_by_shared_rulings(
        (ground, flows) in grounds().prop_flat_map(|ground| {
            let sensors = prop::collection::btree_set(0u16..4, 1..4);
            (Just(ground), prop::collection::vec((flow(ground), sensors, any::<[bool; 4]>()), 1..60))
        }),
    ) {
        let sightings: Vec<_> = flows
            .iter()
            .flat_map(|(facts, sensors, one_way)| sensors.iter().map(move |sensor| {
                let mut seen = FlowFacts { sensor: SensorId(*sensor), ..facts.clone() };
                if one_way[usize::from(*sensor)] {
                    seen.sides[1] = Default::default();
                    seen.causes.add(Cause::OneWay);
                }
                seen
            }))
            .collect();
        let (mut court, mut account) = (Court::new(ground.policy.clone()), Account::default());
        let shared = joined(ground, &sightings, |facts| {
            let ruled = court.rule(facts, &mut account);
            court.ruling(&ruled).clone()
        });
        let anew = joined(ground, &sightings, |facts| Arc::new(Ruling::new(&ground.policy, facts, false)));
        prop_assert_eq!(shared.0.lines, anew.0.lines);
        prop_assert_eq!(shared.0.findings, anew.0.findings);
        prop_assert_eq!(shared.1, anew.1);
        prop_assert_eq!(shared.2, anew.2);
    }
}

#[test]
fn the_pieces_of_flows_are_those_of_each_policy() {
    for ground in &*GROUNDS {
        let own = (
            ground.addrs.len() - ADDRS.len(),
            ground.names.len() - NAMES.len(),
            ground.ports.len() - PORTS.len(),
        );
        assert!(own.0 > 10 && own.1 > 3 && own.2 > 5 && ground.vlans.len() > 1, "{own:?} {:?}", ground.vlans);
    }
    let rulings: BTreeSet<_> = GROUNDS.iter().map(|ground| ground.policy.meta().id.clone()).collect();
    assert_eq!(rulings.len(), GROUNDS.len());
}

#[test]
fn flows_of_many_terminals_at_one_server_are_one_case() {
    let (mut court, mut account) = (Court::new(policy()), Account::default());
    let mut cases = BTreeSet::new();
    for terminal in 1..=200u8 {
        let end = |addr: [u8; 4], port| Endpoint { addr: IpAddr::from(addr), port };
        let facts = FlowFacts {
            transport: Transport::TCP,
            opener: end([10, 20, 1, terminal], 50_000 + u16::from(terminal)),
            answerer: end([10, 20, 2, 9], 443),
            basis: DirectionBasis::Syn,
            first: Timestamp::from_secs(1_780_000_000 + i64::from(terminal)),
            last: Timestamp::from_secs(1_780_000_900),
            ..FlowFacts::default()
        };
        match court.rule(&facts, &mut account) {
            Ruled::Known(place) => cases.insert(place),
            Ruled::Once(_) => panic!("nothing sets this flow apart"),
        };
    }
    assert_eq!(cases.len(), 1);
}
