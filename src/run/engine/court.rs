//! What a flow comes to by itself: judged once for all flows that are alike, and remembered.
//!
//! A verdict depends on what the policy tells apart and on what the flow showed. Flows that are alike in all of that, a
//! thousand terminals at one server, say, are one case: `Shape` is the whole of it. What it leaves out nothing may ask.

use std::{
    hash::{BuildHasher, Hash, Hasher},
    sync::Arc,
};

use foldhash::fast::RandomState;

use super::account::{Account, once};
use crate::{
    ground::model::{
        cause::Causes,
        coverage::PairSeen,
        facts::{EndReason, FlowFacts},
        field::Field,
        key::Side,
        keyed::KeyedMap,
        limits,
        name::Malformed,
        observation::{Observation, Value},
        packet::SensorId,
        verdict::Judgement,
    },
    policy::language::{Direction, Policy},
    verdict::{
        across::Memory,
        check::{self, Fire},
        judge::{self, Vantage},
    },
};

/// What a flow comes to.
#[derive(Debug, PartialEq, Eq)]
pub struct Ruling {
    /// The verdict from the flow alone.
    pub(super) alone: Judgement,
    /// The verdict with what the checks say, where no other flow told anything about it.
    pub(super) settled: Judgement,
    /// What the checks say then.
    pub(super) fires: Vec<Fire>,
    /// Many flows share it: the moment it names is that of the first of them.
    is_shared: bool,
}

impl Ruling {
    pub(super) fn new(policy: &Policy, facts: &FlowFacts, is_shared: bool) -> Self {
        let alone = judge::judge(policy, facts, vantage(policy, facts.sensor), false);
        let mut settled = alone.clone();
        let mut fires = Vec::new();
        ask(policy, facts, &Memory::default(), &mut settled, &mut fires);
        Self { alone, settled, fires, is_shared }
    }

    /// The verdict from the flow alone, as that of this flow.
    pub(super) fn alone(&self, facts: &FlowFacts) -> Judgement {
        self.at_its_time(&self.alone, facts)
    }

    /// The verdict with what the checks say, as that of this flow.
    pub(super) fn settled(&self, facts: &FlowFacts) -> Judgement {
        self.at_its_time(&self.settled, facts)
    }

    fn at_its_time(&self, judgement: &Judgement, facts: &FlowFacts) -> Judgement {
        // What is shared was judged by rules that hold from before the first packet until after the last.
        let at = if self.is_shared { facts.first } else { judgement.at };
        Judgement { at, ..judgement.clone() }
    }
}

/// What other flows say of a flow, then what the checks say. Both may lift the verdict, never lower it (RULES 20).
pub(super) fn ask(
    policy: &Policy,
    facts: &FlowFacts,
    memory: &Memory,
    judgement: &mut Judgement,
    fires: &mut Vec<Fire>,
) {
    let before = judgement.verdict;
    judge::corroborate(facts, memory, judgement);
    check::flow(policy, facts, judgement, fires);
    judgement.verdict.lift(before);
}

/// What the sensor is known to see: both directions, unless the policy says that it gets one (RULES 11).
pub(super) fn vantage(policy: &Policy, sensor: SensorId) -> Vantage {
    let one = policy.sensor(sensor).is_some_and(|sensor| sensor.direction == Direction::Rx);
    Vantage { both_directions: !one }
}

/// One owner's rulings, with the flows counted under each.
#[derive(Debug)]
pub(super) struct Court {
    policy: Arc<Policy>,
    keyed: RandomState,
    /// Places of the cases by their digest.
    places: KeyedMap<u64, u32>,
    cases: Vec<Case>,
    hour: Option<(i64, u16)>,
}

#[derive(Debug)]
struct Case {
    shape: Shape,
    causes: [Causes; 2],
    app: &'static str,
    said: Box<[Said]>,
    ruling: Arc<Ruling>,
    seen: PairSeen,
}

/// Where the ruling of a flow stands.
#[derive(Debug)]
pub(super) enum Ruled {
    /// With all others that are alike.
    Known(u32),
    /// Nowhere: the flow is like no other.
    Once(Arc<Ruling>),
}

impl Court {
    pub(super) fn new(policy: Arc<Policy>) -> Self {
        Self {
            policy,
            keyed: RandomState::default(),
            places: KeyedMap::default(),
            cases: Vec::new(),
            hour: None,
        }
    }

    /// The ruling on a flow. Cases that find no room are added to `account`.
    pub(super) fn rule(&mut self, facts: &FlowFacts, account: &mut Account) -> Ruled {
        let Some(shape) = self.shape(facts) else {
            return Ruled::Once(Arc::new(Ruling::new(&self.policy, facts, false)));
        };
        let digest = self.digest(&shape, facts);
        if let Some(place) = self.places.get(&digest) {
            let case = &self.cases[*place as usize];
            if case.is(&shape, facts) {
                #[cfg(debug_assertions)]
                check_alike(&self.policy, facts, case);
                return Ruled::Known(*place);
            }
        }
        if self.cases.len() >= limits::CASES_MAX {
            self.settle(account);
        }
        let ruling = Arc::new(Ruling::new(&self.policy, facts, true));
        let place = self.cases.len() as u32;
        self.places.insert(digest, place);
        self.cases.push(Case {
            shape,
            causes: [facts.causes.clone(), facts.identity.causes.clone()],
            app: facts.identity.app,
            said: said(facts)
                .map(|one| Said { parts: parts(one, facts), value: one.value.clone() })
                .collect(),
            ruling,
            seen: PairSeen::default(),
        });
        Ruled::Known(place)
    }

    pub(super) fn ruling<'a>(&'a self, ruled: &'a Ruled) -> &'a Arc<Ruling> {
        match ruled {
            Ruled::Known(place) => &self.cases[*place as usize].ruling,
            Ruled::Once(ruling) => ruling,
        }
    }

    /// Counts a flow that is final.
    pub(super) fn count(&mut self, ruled: &Ruled, facts: &FlowFacts, account: &mut Account) {
        account.crowd.flow(&self.policy, facts, &self.ruling(ruled).settled);
        match ruled {
            Ruled::Known(place) => {
                self.cases[*place as usize].seen.add(&once(facts));
                account.beside(facts);
            }
            Ruled::Once(ruling) => account.flow(facts, Some(&ruling.settled), &[]),
        }
    }

    /// Adds the flows of all cases to the account, and begins anew.
    pub(super) fn settle(&mut self, account: &mut Account) {
        self.places.clear();
        for case in self.cases.drain(..).filter(|case| case.seen.flows > 0) {
            account.judged(&case.ruling.settled, false, &case.seen);
        }
    }

    fn digest(&self, shape: &Shape, facts: &FlowFacts) -> u64 {
        let mut hasher = self.keyed.build_hasher();
        shape.0.iter().for_each(|word| hasher.write_u64(*word));
        hasher.write(facts.identity.app.as_bytes());
        for observation in said(facts) {
            hasher.write_u32(parts(observation, facts));
            match &observation.value {
                Value::Name(name) => hasher.write(name.bytes()),
                Value::Text(bytes) => hasher.write(bytes),
                other => other.hash(&mut hasher),
            }
        }
        hasher.finish()
    }

    /// Everything that the policy and the checks ask of a flow, the texts apart; `None` for a flow that they may ask
    /// for more.
    fn shape(&mut self, facts: &FlowFacts) -> Option<Shape> {
        let policy = &*self.policy;
        let identity = &facts.identity;
        let time = policy.kind_of_time(facts.first, facts.last)?;
        let is_plain = facts.carrier.is_none()
            && facts.also_seen.is_empty()
            && identity.targets.is_empty()
            && identity.inner_apps.is_empty();
        if !is_plain || !is_short(facts) {
            return None;
        }
        let vlan = match policy.tells_vlans() {
            true => one_vlan(&facts.sides[0].vlans)? << 32 | one_vlan(&facts.sides[1].vlans)?,
            false => 0,
        };
        let hour = self.kind_of_hour(facts.first.secs());
        let policy = &*self.policy;
        let (client, server) = (facts.client_end(), facts.server_end());
        let is_sure = facts.basis.is_sure();
        let port = |port: u16| {
            if facts.transport.has_ports() {
                u64::from(policy.kind_of_port(port)) | u64::from(check::kind_of_port(port)) << 16
            } else {
                0
            }
        };
        // Who is the client is open: the other one's port may be the server's.
        let other_port = if is_sure { u64::from(client.port != 0) } else { port(client.port) };
        let bits = [
            is_sure,
            facts.client == Side::Opener,
            facts.end == EndReason::Evicted,
            facts.up().packets > 0,
            facts.down().packets > 0,
            facts.up().payload_bytes > 0,
            facts.down().payload_bytes > 0,
            facts.is_answered_to(facts.client),
            facts.is_answered_to(facts.client.other()),
        ];
        let bits = bits.iter().rev().fold(0, |bits, bit| bits << 1 | u64::from(*bit));
        let passed =
            [facts.up(), facts.down()].map(|side| side.payload_bytes.saturating_add(side.unseen_bytes));
        let volumes = passed.map(|bytes| u64::from(policy.kind_of_volume(bytes)));
        let more_down = u64::from(passed[1].cmp(&passed[0]) as i8 as u8);
        let macs = if policy.tells_macs() { macs(facts) } else { [0; 4] };
        Some(Shape([
            u64::from(policy.kind_of_addr(client.addr)) << 32 | u64::from(policy.kind_of_addr(server.addr)),
            u64::from(time) << 48
                | u64::from(hour) << 32
                | u64::from(facts.sensor.0) << 16
                | u64::from(facts.transport.0) << 8
                | identity.basis as u64,
            port(server.port) << 32 | other_port,
            bits << 32 | u64::from(identity.marks.0),
            volumes[0] << 48 | volumes[1] << 32 | more_down,
            facts.causes.bits(),
            identity.causes.bits(),
            vlan,
            macs[0],
            macs[1],
            macs[2],
            macs[3],
        ]))
    }

    fn kind_of_hour(&mut self, second: i64) -> u16 {
        if let Some((known, kind)) = self.hour.filter(|(known, _)| *known == second) {
            debug_assert_eq!(known, second);
            return kind;
        }
        let kind = self.policy.kind_of_hour(second);
        self.hour = Some((second, kind));
        kind
    }
}

/// All numbers of a case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Shape([u64; 12]);

impl Case {
    fn is(&self, shape: &Shape, facts: &FlowFacts) -> bool {
        self.shape == *shape
            && self.app == facts.identity.app
            && self.causes[0] == facts.causes
            && self.causes[1] == facts.identity.causes
            && self.said.iter().map(Said::view).eq(said(facts).map(|one| (parts(one, facts), &one.value)))
    }
}

/// One thing that a flow said of its server.
#[derive(Debug)]
struct Said {
    parts: u32,
    value: Value,
}

impl Said {
    const fn view(&self) -> (u32, &Value) {
        (self.parts, &self.value)
    }
}

/// What the judge and the checks read of the texts, in the order in which it was said.
fn said(facts: &FlowFacts) -> impl Iterator<Item = &Observation> {
    facts.identity.observations.iter().filter(|one| is_asked_for(one.field))
}

const fn is_asked_for(field: Field) -> bool {
    matches!(field, Field::Sni | Field::HttpHost | Field::CertName | Field::CertIssuer)
}

/// Who said it, where, and as what.
fn parts(one: &Observation, facts: &FlowFacts) -> u32 {
    (one.field as u32) << 16
        | u32::from(one.layer) << 8
        | u32::from(one.variant) << 1
        | u32::from(one.side == facts.client)
}

/// Few names and none that is an address: that would be held against the server's own.
fn is_short(facts: &FlowFacts) -> bool {
    let mut room = limits::CASE_TEXT_MAX;
    facts.identity.observations.len() <= limits::CASE_OBSERVATIONS_MAX
        && said(facts).all(|one| match &one.value {
            Value::Name(name) => {
                room = room.saturating_sub(name.bytes().len());
                room > 0 && name.malformed() != Some(Malformed::IpLiteral)
            }
            Value::Text(bytes) => {
                room = room.saturating_sub(bytes.len());
                room > 0
            }
            Value::Target { .. } | Value::Answer { .. } => false,
        })
}

/// The one tag of a side, or that it had none.
fn one_vlan(vlans: &[u16]) -> Option<u64> {
    match vlans {
        [] => Some(1 << 16),
        [vlan] => Some(u64::from(*vlan)),
        _ => None,
    }
}

fn macs(facts: &FlowFacts) -> [u64; 4] {
    let [up, down] = [facts.up().macs, facts.down().macs];
    [up[0], up[1], down[0], down[1]]
        .map(|mac| mac.map_or(0, |mac| mac.0.iter().fold(1, |bits, byte| bits << 8 | u64::from(*byte))))
}

/// Nothing may be asked of a flow that its shape leaves out: with debug assertions every flow is judged anew.
#[cfg(debug_assertions)]
fn check_alike(policy: &Policy, facts: &FlowFacts, case: &Case) {
    let mut anew = Ruling::new(policy, facts, true);
    (anew.alone.at, anew.settled.at) = (case.ruling.alone.at, case.ruling.settled.at);
    assert_eq!(anew, *case.ruling, "flows of one shape must come to the same: {facts:?}");
}
