//! Channels proposed from what was seen.
//!
//! A [`Learner`] stands where a run's flow lines go, and gathers those that lack nothing but a permission. [`Learner::learn`]
//! makes the fewest channels of them, has the language read them together with the policy, and judges a flow of each anew:
//! what a prohibition, the preset or a check speaks against is never proposed, but listed with who can say more.
//!
//! An approval is a person's. Proposals come as a file of their own, every channel of it `approval = "未承認"`, which the
//! language refuses (L16) until a reference of an approval stands there: a file that is included by mistake stops the next
//! audit instead of passing it.

use std::{
    collections::BTreeMap,
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

use super::{
    evidence::{Evidence, Seen},
    plan::{Client, Group, Plan, Proposed},
    reason::Reason,
    told::{self, Told},
    want::{Finding, described, find, in_force, judged},
};
use crate::{
    ground::model::{
        address::Service,
        facts::FlowFacts,
        field::Field,
        flow_line::FlowRecord,
        limits,
        verdict::{Judgement, Verdict},
    },
    policy::language::{self, Diagnostic, Level, Policy, UNAPPROVED},
    run::engine::sink::Sink,
};

/// What the proposals are tried with: they hold like approved ones, and are written nowhere.
const ON_TRIAL: &str = "trial";

/// The files of a policy, as they were read.
#[derive(Clone, Debug, Default)]
pub struct Base {
    /// The root.
    pub root: PathBuf,
    /// Everything that was read, by the path that was asked for.
    pub files: BTreeMap<PathBuf, Vec<u8>>,
}

/// Gathers what lacks a permission.
#[derive(Debug)]
pub struct Learner {
    policy: Arc<Policy>,
    groups: BTreeMap<Group, Evidence>,
    /// Flows of which it is not sure who opened them.
    unsure: BTreeMap<Group, Evidence>,
    refused: BTreeMap<(Reason, String), Seen>,
    unanswered: BTreeMap<String, Seen>,
    allowed: u64,
    /// Flows that found no room.
    beyond: u64,
}

/// Flows that are not proposed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// Who, to whom, by what. Escaped.
    pub flow: String,
    /// How many.
    pub seen: Seen,
    /// Why; none for those that nobody answered.
    pub reason: Option<Reason>,
}

/// A channel that is proposed, as it is named in the file.
#[derive(Clone, Debug)]
pub struct Proposal {
    /// Its id.
    pub id: String,
    /// Ids of who opens it.
    pub from: Vec<String>,
    /// Id of what it leads to.
    pub to: String,
    /// Id of the proxy it passes.
    pub via: Option<String>,
    /// Its services.
    pub services: Vec<Service>,
    /// What stands behind it.
    pub evidence: Evidence,
}

/// What was learnt.
#[derive(Clone, Debug)]
pub struct Learned {
    /// The proposals as a file of the policy, with what is not proposed as remarks.
    pub text: String,
    /// The same one by one.
    pub proposals: Vec<Proposal>,
    /// What is not proposed, by reason.
    pub refused: Vec<Line>,
    /// Attempts that nobody answered.
    pub unanswered: Vec<Line>,
    /// Flows that need no permission: allowed, or in one segment.
    pub allowed: u64,
    /// Flows that found no room ([`limits::LEARN_GROUPS_MAX`], [`limits::LEARN_LINES_MAX`]).
    pub beyond: u64,
    pub(super) policy: Arc<Policy>,
}

impl Sink for Learner {
    fn flow(&mut self, record: &FlowRecord) -> io::Result<()> {
        if let Some(judgement) = &record.judgement {
            self.consider(record, judgement);
        }
        Ok(())
    }
}

impl Learner {
    /// Learns what this policy lacks.
    #[must_use]
    pub const fn new(policy: Arc<Policy>) -> Self {
        Self {
            policy,
            groups: BTreeMap::new(),
            unsure: BTreeMap::new(),
            refused: BTreeMap::new(),
            unanswered: BTreeMap::new(),
            allowed: 0,
            beyond: 0,
        }
    }

    fn consider(&mut self, record: &FlowRecord, judgement: &Judgement) {
        let Some(facts) = in_force(&self.policy, &record.facts) else {
            return self.take(find(&self.policy, record, judgement), &record.facts);
        };
        // It was captured before the policy began, as first captures are: the policy is asked all the same.
        let judgement = judged(&self.policy, &facts);
        let moved = FlowRecord { facts, ..record.clone() };
        let mut found = find(&self.policy, &moved, &judgement);
        if let Finding::Wanting(wanting) = &mut found {
            wanting.1.seen = Seen::of(&record.facts);
            wanting.1.is_out_of_force = true;
        }
        let facts = FlowFacts { first: record.facts.first, last: record.facts.last, ..moved.facts };
        self.take(found, &facts);
    }

    fn take(&mut self, found: Finding, facts: &FlowFacts) {
        match found {
            Finding::Allowed => self.allowed += 1,
            Finding::Unanswered => {
                let flow = described(&self.policy, facts);
                let is_kept = note(&mut self.unanswered, flow, facts);
                self.beyond += u64::from(!is_kept);
            }
            Finding::Refused(reason) => self.refuse(reason, facts),
            Finding::Wanting(wanting) => self.gather(*wanting, facts),
        }
    }

    fn refuse(&mut self, reason: Reason, facts: &FlowFacts) {
        let flow = described(&self.policy, facts);
        let is_kept = note(&mut self.refused, (reason, flow), facts);
        self.beyond += u64::from(!is_kept);
    }

    fn gather(&mut self, (mut group, evidence): (Group, Evidence), facts: &FlowFacts) {
        let groups = if evidence.unsure == 0 { &mut self.groups } else { &mut self.unsure };
        if let Client::Machine(segment, _) = group.client
            && !groups.contains_key(&group)
        {
            let is_kin = |other: &&Group| {
                matches!(other.client, Client::Machine(there, _) if there == segment)
                    && (&other.server, other.service) == (&group.server, group.service)
            };
            if groups.keys().filter(is_kin).count() >= limits::LEARN_CLOSED_MACHINES_MAX {
                group.client = Client::Segment(segment);
            }
        }
        if let Some(known) = groups.get_mut(&group) {
            known.add(&evidence);
        } else if groups.len() < limits::LEARN_GROUPS_MAX {
            groups.insert(group, Evidence { sample: Box::new(sample(facts)), ..evidence });
        } else {
            self.beyond += evidence.seen.flows;
        }
    }

    /// Makes the proposals.
    ///
    /// # Errors
    /// When the policy cannot be read together with them for a reason of its own.
    pub fn learn(mut self, base: &Base, min_flows: u64) -> Result<Learned, Vec<Diagnostic>> {
        self.settle_unsure();
        self.drop_few(min_flows);
        let (plan, told) = loop {
            let plan = Plan::of(&self.policy, &self.groups);
            let told = Told::of(&self.policy, &plan, ON_TRIAL);
            let mut against = plan.left_out.clone();
            match base.with(&told.text) {
                Err(faults) => against.extend(refusals(&faults, &plan, &told)?),
                Ok(policy) => {
                    against.extend(plan.channels.iter().flat_map(|channel| still_wrong(&policy, channel)))
                }
            }
            if against.is_empty() {
                break (plan, told);
            }
            for (group, reason) in against {
                if let Some(evidence) = self.groups.remove(&group) {
                    self.left_out(reason, &evidence);
                }
            }
        };
        Ok(self.tell(&plan, &told))
    }

    /// Who opened them is not sure: others that are alike may tell.
    fn settle_unsure(&mut self) {
        for (group, evidence) in std::mem::take(&mut self.unsure) {
            match self.groups.get_mut(&group) {
                Some(known) => known.add(&evidence),
                None => self.left_out(Reason::Direction, &evidence),
            }
        }
    }

    fn drop_few(&mut self, min_flows: u64) {
        let (few, enough): (BTreeMap<_, _>, BTreeMap<_, _>) = std::mem::take(&mut self.groups)
            .into_iter()
            .partition(|(_, evidence)| evidence.seen.flows < min_flows);
        self.groups = enough;
        few.values().for_each(|evidence| self.left_out(Reason::TooFew, evidence));
    }

    /// A group by its sample.
    fn left_out(&mut self, reason: Reason, evidence: &Evidence) {
        let flow = described(&self.policy, &evidence.sample);
        if self.refused.len() < limits::LEARN_LINES_MAX
            || self.refused.contains_key(&(reason.clone(), flow.clone()))
        {
            self.refused.entry((reason, flow)).or_default().add(&evidence.seen);
        } else {
            self.beyond += evidence.seen.flows;
        }
    }

    fn tell(self, plan: &Plan, told: &Told) -> Learned {
        let policy = self.policy;
        let line = |((reason, flow), seen)| Line { flow, seen, reason: Some(reason) };
        let refused: Vec<_> = self.refused.into_iter().map(line).collect();
        let line = |(flow, seen)| Line { flow, seen, reason: None };
        let unanswered: Vec<_> = self.unanswered.into_iter().map(line).collect();
        let proposals = plan.channels.iter().zip(&told.ids).map(|(channel, ids)| Proposal {
            id: ids.id.clone(),
            from: ids.from.clone(),
            to: ids.to.clone(),
            via: ids.via.clone(),
            services: channel.services.iter().copied().collect(),
            evidence: channel.evidence.clone(),
        });
        let proposals = proposals.collect();
        let mut text = Told::of(&policy, plan, UNAPPROVED).text;
        text += &told::left_out(&policy, &refused, &unanswered);
        Learned { text, proposals, refused, unanswered, allowed: self.allowed, beyond: self.beyond, policy }
    }
}

impl Base {
    /// The policy together with a file of proposals.
    fn with(&self, proposals: &str) -> Result<Policy, Vec<Diagnostic>> {
        let name = self.root.file_name().unwrap_or_default().to_string_lossy();
        let both = super::written::list([&*name, TRIAL_FILE]);
        let text = format!("schema = \"sekisho-policy/1\"\ninclude = {both}\n");
        let mut read = |path: &Path| match path.file_name() {
            Some(name) if name == TRIAL_ROOT => Ok(text.clone().into_bytes()),
            Some(name) if name == TRIAL_FILE => Ok(proposals.as_bytes().to_vec()),
            _ => self.files.get(path).cloned().ok_or_else(|| io::ErrorKind::NotFound.into()),
        };
        language::load(&self.root.with_file_name(TRIAL_ROOT), &mut read).map(|(policy, _)| policy)
    }
}

/// Names that no policy's own files bear: they are never on a disk.
const TRIAL_ROOT: &str = "\u{1}sekisho-learn-root.toml";
const TRIAL_FILE: &str = "\u{1}sekisho-learn.toml";

/// What the language says against proposals. Each error must be about one of them; another is the policy's own.
fn refusals(
    faults: &[Diagnostic],
    plan: &Plan,
    told: &Told,
) -> Result<Vec<(Group, Reason)>, Vec<Diagnostic>> {
    let mut found = Vec::new();
    for fault in faults.iter().filter(|fault| fault.level == Level::Error) {
        let ours = fault.labels.iter().filter(|(spot, _)| spot.source.name().ends_with(TRIAL_FILE));
        let channels = ours.flat_map(|(spot, _)| told.channels_at(spot.span.start));
        let reason = Reason::Rule(fault.code, fault.message.ja.clone(), fault.message.en.clone());
        let groups = channels.flat_map(|channel| &plan.channels[*channel].groups);
        found.extend(groups.map(|group| (group.clone(), reason.clone())));
    }
    if found.is_empty() { Err(faults.to_vec()) } else { Ok(found) }
}

/// What still is no conforming flow under the policy with the proposals.
fn still_wrong(policy: &Policy, channel: &Proposed) -> Vec<(Group, Reason)> {
    let wrong = channel.samples.iter().zip(&channel.groups).filter_map(|(sample, group)| {
        let facts = in_force(policy, &sample.sample);
        let judgement = judged(policy, facts.as_ref().unwrap_or(&sample.sample));
        let is_wrong = matches!(judgement.verdict, Verdict::Violating | Verdict::Attempted);
        is_wrong.then(|| (group.clone(), Reason::Checks(judgement.findings)))
    });
    wrong.collect()
}

/// Counts a flow under its key; false where there is no room.
fn note<K: Ord>(lines: &mut BTreeMap<K, Seen>, key: K, facts: &FlowFacts) -> bool {
    if lines.len() >= limits::LEARN_LINES_MAX && !lines.contains_key(&key) {
        return false;
    }
    lines.entry(key).or_default().add(&Seen::of(facts));
    true
}

/// A flow with as much of what it showed as its verdict may need: its names, and some of all else.
fn sample(facts: &FlowFacts) -> FlowFacts {
    let mut sample = facts.clone();
    let mut room = limits::LEARN_SAMPLE_FACTS_MAX;
    sample.identity.observations.retain(|fact| {
        let is_name = matches!(fact.field, Field::Sni | Field::HttpHost);
        room -= usize::from(!is_name && room > 0);
        is_name || room > 0
    });
    sample.identity.targets.truncate(limits::LEARN_SAMPLE_FACTS_MAX);
    sample
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{
        ground::model::{
            address::Transport,
            facts::{DirectionBasis, SideFacts, TcpState},
            identity::{Basis, Identity, Marks, Notes},
            key::{Endpoint, Side},
            lang::Lang,
            name::HostName,
            packet::Ordinal,
            time::Timestamp,
        },
        policy::language::{Model, load_text, render_all},
        run::upkeep::{init, want::plain},
    };

    /// A city that has places and prohibitions, and no channel.
    fn base() -> (Base, Arc<Policy>) {
        let text = init::tests::draft(Model::Alpha, None, "soumu-2025-03").text();
        let (policy, _) = load_text("city.toml", &text).unwrap();
        let files = BTreeMap::from([(PathBuf::from("city.toml"), text.into_bytes())]);
        (Base { root: "city.toml".into(), files }, Arc::new(policy))
    }

    /// An answered TLS flow from the internet segment outward, in May 2026.
    fn flow(client: &str, server: &str, names: &[&[u8]]) -> FlowFacts {
        let at = Timestamp::from_secs(1_778_544_000);
        let mut identity = Identity::default();
        let mut notes = Notes::new(&mut identity, Ordinal(1), at);
        notes.app("tls", Basis::Parsed);
        notes.mark(Marks::HANDSHAKE);
        names.iter().for_each(|name| notes.name(Field::Sni, name, Side::Opener));
        let side = SideFacts { packets: 5, wire_bytes: 700, payload_bytes: 400, ..SideFacts::default() };
        FlowFacts {
            transport: Transport::TCP,
            opener: Endpoint { addr: client.parse().unwrap(), port: 50_000 },
            answerer: Endpoint { addr: server.parse().unwrap(), port: 443 },
            basis: DirectionBasis::Syn,
            sides: [side.clone(), side],
            first: at,
            last: at,
            tcp: TcpState::Established,
            identity,
            ..FlowFacts::default()
        }
    }

    fn learn(flows: &[FlowFacts]) -> Learned {
        let (base, policy) = base();
        let mut learner = Learner::new(policy.clone());
        for facts in flows {
            let judgement = Some(judged(&policy, facts));
            learner.flow(&FlowRecord { judgement, ..FlowRecord::of(facts.clone(), String::new()) }).unwrap();
        }
        let learned = learner
            .learn(&base, 1)
            .unwrap_or_else(|faults| panic!("{}", render_all(&faults, Lang::En, false)));
        // Whatever was seen, what is written is refused exactly where a person must act, and holds after that.
        let approved = base.with(&learned.text.replace(&format!("\"{UNAPPROVED}\""), "\"1\"")).unwrap();
        assert_eq!(approved.channels().len(), learned.proposals.len());
        if let Err(faults) = base.with(&learned.text) {
            assert!(faults.iter().all(|fault| fault.level != Level::Error || fault.code == "L16"));
        } else {
            assert!(learned.proposals.is_empty());
        }
        learned
    }

    fn names_in(text: &str) -> Vec<String> {
        let file: toml::Table = toml::from_str(text).unwrap();
        let destinations =
            file.get("destinations").and_then(|list| list.as_array()).cloned().unwrap_or_default();
        let fqdn = destinations.iter().filter_map(|one| one.get("fqdn")?.as_array());
        fqdn.flatten().map(|name| name.as_str().unwrap().to_owned()).collect()
    }

    #[test]
    fn a_name_is_proposed_as_it_was_seen_with_the_address_it_was_seen_at() {
        let learned = learn(&[flow("10.30.1.1", "192.0.2.7", &[b"WWW.shop.example"])]);
        assert_eq!(names_in(&learned.text), ["www.shop.example"]);
        assert!(learned.text.contains("cidr  = [\"192.0.2.7/32\"]") && learned.text.contains("name+address"));
        assert!(!learned.text.contains("*."), "nothing is proposed beyond what was seen");
    }

    #[test]
    fn names_that_share_an_address_are_one_destination_and_one_channel() {
        let seen =
            [("192.0.2.7", &b"a.example"[..]), ("192.0.2.7", b"b.example"), ("192.0.2.6", b"b.example")];
        let flows: Vec<_> = seen.iter().map(|(addr, name)| flow("10.30.1.1", addr, &[name])).collect();
        let learned = learn(&flows);
        assert_eq!(learned.proposals.len(), 1);
        assert_eq!(names_in(&learned.text), ["a.example", "b.example"]);
        assert!(learned.text.contains("192.0.2.6/31"));
    }

    #[test]
    fn a_server_that_has_a_name_is_not_proposed_by_its_address_alone() {
        let learned =
            learn(&[flow("10.30.1.1", "192.0.2.7", &[b"a.example"]), flow("10.30.1.2", "192.0.2.7", &[])]);
        assert_eq!(learned.proposals.len(), 1);
        assert_eq!(learned.proposals[0].evidence.seen.flows, 1);
        assert_eq!(learned.refused[0].reason, Some(Reason::Nameless));
    }

    #[test]
    fn few_clients_are_named_and_many_are_their_segment() {
        let clients = |count: u8| -> Vec<String> {
            let flows: Vec<_> =
                (1..=count).map(|n| flow(&format!("10.30.1.{n}"), "192.0.2.7", &[])).collect();
            learn(&flows).proposals[0].from.clone()
        };
        assert_eq!(clients(2), ["h-10.30.1.1", "h-10.30.1.2"]);
        assert_eq!(clients(3), ["in"]);
    }

    #[test]
    fn neighbouring_servers_without_names_are_one_block_and_nothing_beside_them() {
        let flows: Vec<_> = [4, 5, 6].map(|n| flow("10.30.1.1", &format!("192.0.2.{n}"), &[])).into();
        let learned = learn(&flows);
        let to: Vec<_> = learned.proposals.iter().map(|proposal| proposal.to.as_str()).collect();
        assert_eq!(to, ["d-192.0.2.4", "d-192.0.2.6"]);
        assert!(learned.text.contains("192.0.2.4/31") && learned.text.contains("192.0.2.6/32"));
    }

    #[test]
    fn the_order_of_flows_does_not_matter() {
        let mut flows: Vec<_> = (1..40u8)
            .map(|n| {
                flow(
                    &format!("10.30.{}.{n}", n % 3),
                    &format!("192.0.2.{}", n % 7),
                    &[format!("n{}.example", n % 5).as_bytes()],
                )
            })
            .collect();
        let one = learn(&flows).text;
        flows.reverse();
        assert_eq!(learn(&flows).text, one);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn any_name_gives_a_file_that_parses_and_means_that_name_or_does_not_name_it(
            raw in prop_oneof![
                prop::collection::vec(any::<u8>(), 0..40),
                "[a-z\"\\\\\n#*.=\\[\\]-]{1,24}".prop_map(String::into_bytes),
                "[a-z]{1,9}\\.[a-z0-9-]{1,9}\\.example".prop_map(String::into_bytes),
            ],
        ) {
            let learned = learn(&[flow("10.30.1.1", "192.0.2.7", &[&raw])]);
            let expected: Vec<_> = plain(&HostName::new(&raw)).into_iter().collect();
            prop_assert_eq!(names_in(&learned.text), expected);
        }
    }
}
