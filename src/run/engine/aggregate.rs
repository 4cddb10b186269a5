//! Findings gathered: one per (check, segment pair, host, destination), totals exact, the list bounded (DOMAIN §4).
//!
//! A finding is found by numbers; its texts are made once, when it begins.

use std::{
    collections::BTreeMap,
    hash::{BuildHasher, Hash, Hasher},
    net::{IpAddr, SocketAddr},
    sync::Arc,
};

use foldhash::fast::RandomState;

use crate::{
    ground::model::{
        address::Transport,
        coverage::Coverage,
        facts::{FlowFacts, FlowId},
        finding::{CheckId, Finding, FindingKey, Severity},
        key::Endpoint,
        keyed::KeyedMap,
        limits,
        packet::Ordinal,
        time::Timestamp,
    },
    verdict::check::{Fire, Subject, server_text},
};

/// What a finding keeps of one flow.
#[derive(Clone, Copy, Debug, Default)]
pub struct About {
    id: FlowId,
    pub(super) host: Option<IpAddr>,
    server: Endpoint,
    transport: Transport,
    packets: u64,
    bytes_up: u64,
    bytes_down: u64,
    pub(super) first: Timestamp,
    last: Timestamp,
    first_frame: Ordinal,
    last_frame: Ordinal,
}

impl About {
    /// Of a flow.
    #[must_use]
    pub fn of(facts: &FlowFacts) -> Self {
        Self {
            id: facts.id,
            host: Some(facts.client_end().addr),
            server: facts.server_end(),
            transport: facts.transport,
            packets: facts.packets(),
            bytes_up: facts.up().wire_bytes,
            bytes_down: facts.down().wire_bytes,
            first: facts.first,
            last: facts.last,
            first_frame: facts.first_frame,
            last_frame: facts.last_frame,
        }
    }
}

/// The findings of a run, growing.
#[derive(Debug, Default)]
pub(super) struct Aggregate {
    /// Each in a place of its own: a list of 100,000 that doubles would hold all of them twice.
    #[expect(clippy::vec_box, reason = "a list that doubles moves its entries")]
    listed: Vec<Box<Listed>>,
    /// The newest finding of each digest.
    places: KeyedMap<u64, u32>,
    keyed: RandomState,
    /// Findings of one host under one check, so that a flood of one does not push another off the list.
    per_host: KeyedMap<(CheckId, Option<IpAddr>), usize>,
    /// Findings under one check, for the same reason.
    per_check: BTreeMap<CheckId, usize>,
    others: BTreeMap<CheckId, u64>,
    /// The worst severity among those, acceptances left out.
    worst_other: Option<Severity>,
}

/// A finding on the list.
#[derive(Debug)]
struct Listed {
    finding: Finding,
    subject: Named,
    /// The next older finding with the same digest.
    older: Option<u32>,
}

/// The destination of a finding, before it is text.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Named {
    Server(Endpoint, Transport),
    Text(Box<str>),
}

impl Named {
    fn of(fire: &Fire, about: &About) -> Self {
        match &fire.subject {
            Subject::Server if about.transport.has_ports() => Self::Server(about.server, about.transport),
            Subject::Server => Self::Server(Endpoint { port: 0, ..about.server }, about.transport),
            Subject::Told(text) => Self::told(text),
        }
    }

    /// A text that is also that of a server is the server: a finding is known by what it says.
    fn told(text: &str) -> Self {
        let server = || {
            let (host, word) = text.rsplit_once('/')?;
            let transport = [Transport::TCP, Transport::UDP, Transport::SCTP]
                .into_iter()
                .find(|one| one.to_string() == word)?;
            let ends: SocketAddr = host.parse().ok()?;
            let server = Endpoint { addr: ends.ip(), port: ends.port() };
            (server_text(server, transport) == text).then_some(Self::Server(server, transport))
        };
        server().unwrap_or_else(|| Self::Text(text.into()))
    }

    fn text(&self) -> String {
        match self {
            Self::Server(server, transport) => server_text(*server, *transport),
            Self::Text(text) => text.to_string(),
        }
    }
}

impl Aggregate {
    /// Adds what one check said about one flow.
    pub(super) fn add(&mut self, fire: &Fire, about: &About, accepted_by: Option<Arc<str>>) {
        let subject = Named::of(fire, about);
        let digest = self.digest(fire, about, &subject);
        if let Some(place) = self.find(digest, fire, about, &subject) {
            let known = &mut self.listed[place as usize].finding;
            join(known, fire, about);
            if accepted_by.is_none() {
                // An acceptance covers some hosts for a time; a finding is accepted when all of it is (RULES 37).
                known.accepted_by = None;
            }
            return;
        }
        // Asked first: a full list must not go on growing by the hosts it does not list.
        let of_check = self.per_check.entry(fire.check).or_default();
        let is_full =
            self.listed.len() >= limits::FINDINGS_MAX || *of_check >= limits::FINDINGS_PER_CHECK_MAX;
        let of_host = (!is_full).then(|| self.per_host.entry((fire.check, about.host)).or_default());
        let Some(of_host) = of_host.filter(|count| **count < limits::FINDINGS_PER_HOST_MAX) else {
            *self.others.entry(fire.check).or_default() += 1;
            if accepted_by.is_none() {
                self.worst_other = self.worst_other.max(Some(fire.severity));
            }
            return;
        };
        *of_host += 1;
        *of_check += 1;
        let mut finding = begin(fire, about, subject.text(), accepted_by);
        join(&mut finding, fire, about);
        self.list(digest, finding, subject);
    }

    /// Adds what a check said about the run as a whole: it is about no flow.
    pub(super) fn add_whole(&mut self, fire: &Fire, coverage: &Coverage) {
        let about = About {
            first: coverage.first.unwrap_or_default(),
            last: coverage.last.unwrap_or_default(),
            ..About::default()
        };
        let subject = Named::of(fire, &about);
        let digest = self.digest(fire, &about, &subject);
        let finding = begin(fire, &about, subject.text(), None);
        match self.find(digest, fire, &about, &subject) {
            Some(place) => self.listed[place as usize].finding = finding,
            None => self.list(digest, finding, subject),
        }
    }

    fn digest(&self, fire: &Fire, about: &About, subject: &Named) -> u64 {
        let mut hasher = self.keyed.build_hasher();
        let wide = |addr| match addr {
            IpAddr::V4(addr) => u128::from(addr.to_bits()) | 1 << 127,
            IpAddr::V6(addr) => addr.to_bits(),
        };
        hasher.write_u128(about.host.map_or(0, wide));
        match subject {
            Named::Server(server, transport) => {
                hasher.write_u128(wide(server.addr));
                hasher.write_u32(u32::from(server.port) << 8 | u32::from(transport.0));
            }
            Named::Text(text) => text.hash(&mut hasher),
        }
        hasher.write_u16(u16::from(fire.check.letter) << 8 | u16::from(fire.check.number));
        hasher.finish()
    }

    fn find(&self, digest: u64, fire: &Fire, about: &About, subject: &Named) -> Option<u32> {
        let mut next = self.places.get(&digest).copied();
        while let Some(place) = next {
            let Listed { finding: Finding { key, .. }, subject: known, older } =
                &*self.listed[place as usize];
            let is_same = key.check == fire.check
                && key.host == about.host
                && known == subject
                && key.segment_client == fire.segment_client
                && key.segment_server == fire.segment_server;
            if is_same {
                return Some(place);
            }
            next = *older;
        }
        None
    }

    fn list(&mut self, digest: u64, finding: Finding, subject: Named) {
        let place = self.listed.len() as u32;
        let older = self.places.insert(digest, place);
        self.listed.push(Box::new(Listed { finding, subject, older }));
    }

    /// The worst severity of what found no place on the list and nobody accepted.
    #[must_use]
    pub(super) const fn worst_other(&self) -> Option<Severity> {
        self.worst_other
    }

    /// The findings, worst first, then by key; and what found no place on the list, by check.
    #[must_use]
    pub(super) fn finish(self) -> (Vec<Finding>, BTreeMap<CheckId, u64>) {
        let Self { listed, others, places, per_host, .. } = self;
        drop((places, per_host));
        let mut findings: Vec<_> = listed.into_iter().map(|listed| listed.finding).collect();
        // No two have the same key.
        findings.sort_unstable_by(|a, b| b.severity.cmp(&a.severity).then_with(|| a.key.cmp(&b.key)));
        (findings, others)
    }
}

/// One flow's finding by itself, as it is announced.
#[must_use]
pub(super) fn single(fire: &Fire, about: &About) -> Finding {
    let mut finding = begin(fire, about, Named::of(fire, about).text(), None);
    join(&mut finding, fire, about);
    finding
}

fn begin(fire: &Fire, about: &About, destination: String, accepted_by: Option<Arc<str>>) -> Finding {
    Finding {
        key: FindingKey {
            check: fire.check,
            segment_client: fire.segment_client.clone(),
            segment_server: fire.segment_server.clone(),
            host: about.host,
            destination,
        },
        severity: fire.severity,
        kind: fire.kind,
        flows: 0,
        attempted: 0,
        packets: 0,
        bytes_up: 0,
        bytes_down: 0,
        first: about.first,
        last: about.last,
        first_frame: about.first_frame,
        last_frame: about.last_frame,
        samples: Vec::new(),
        grade: fire.grade,
        rule: fire.rule.clone(),
        detail: fire.detail.clone(),
        accepted_by,
    }
}

fn join(finding: &mut Finding, fire: &Fire, about: &About) {
    finding.severity = finding.severity.max(fire.severity);
    finding.flows += 1;
    finding.attempted += u64::from(fire.attempted);
    finding.packets += about.packets;
    finding.bytes_up += about.bytes_up;
    finding.bytes_down += about.bytes_down;
    finding.first = finding.first.min(about.first);
    finding.last = finding.last.max(about.last);
    finding.first_frame = finding.first_frame.min(about.first_frame);
    finding.last_frame = finding.last_frame.max(about.last_frame);
    finding.grade = finding.grade.min(fire.grade);
    // Flows end in the order of the input, not in that of their beginning: keep the earliest.
    let samples = &mut finding.samples;
    if samples.is_empty() {
        samples.reserve_exact(1);
    }
    let is_late = samples.len() >= limits::FINDING_SAMPLES_MAX && samples.last() < Some(&about.id);
    if let (false, Err(place)) = (is_late, samples.binary_search(&about.id)) {
        samples.insert(place, about.id);
        samples.truncate(limits::FINDING_SAMPLES_MAX);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ground::model::{finding::Kind, verdict::Grade};

    fn fire(destination: u32, severity: Severity) -> Fire {
        Fire {
            check: CheckId::new(b'C', 1),
            severity,
            kind: Kind::Undecidable,
            segment_client: Arc::default(),
            segment_server: Arc::default(),
            subject: Subject::Told(destination.to_string()),
            rule: Arc::default(),
            detail: String::new(),
            attempted: false,
            grade: Grade::G1,
        }
    }

    #[test]
    fn a_finding_is_accepted_only_while_every_flow_of_it_is() {
        let accepted = || Some(Arc::from("accept-1"));
        for (first, second, expected) in
            [(accepted(), None, None), (None, accepted(), None), (accepted(), accepted(), accepted())]
        {
            let mut aggregate = Aggregate::default();
            aggregate.add(&fire(1, Severity::High), &About::default(), first);
            aggregate.add(&fire(1, Severity::High), &About::default(), second);
            assert_eq!(aggregate.finish().0[0].accepted_by, expected);
        }
    }

    #[test]
    fn a_finding_is_known_by_its_text_wherever_the_text_came_from() {
        let server = Endpoint { addr: "198.51.100.1".parse().unwrap(), port: 443 };
        let about = About { server, transport: Transport::TCP, ..About::default() };
        let mut aggregate = Aggregate::default();
        let of = |subject: Subject| Fire { subject, ..fire(0, Severity::Low) };
        aggregate.add(&of(Subject::Server), &about, None);
        aggregate.add(&of(Subject::Told("198.51.100.1:443/tcp".to_owned())), &about, None);
        aggregate.add(&of(Subject::Told("198.51.100.1:443".to_owned())), &about, None);
        aggregate.add(&of(Subject::Told("198.51.100.001:443/tcp".to_owned())), &about, None);
        let flows: Vec<_> = aggregate
            .finish()
            .0
            .into_iter()
            .map(|finding| (finding.key.destination, finding.flows))
            .collect();
        let is = |text: &str, flows| (text.to_owned(), flows);
        assert_eq!(
            flows,
            [is("198.51.100.001:443/tcp", 1), is("198.51.100.1:443", 1), is("198.51.100.1:443/tcp", 2)]
        );
    }

    #[test]
    fn a_flood_under_one_check_leaves_room_for_another() {
        let mut aggregate = Aggregate::default();
        let from = |host: u32| About { host: Some(IpAddr::V4(host.into())), ..About::default() };
        for host in 0..=limits::FINDINGS_PER_CHECK_MAX as u32 {
            aggregate.add(&fire(1, Severity::Low), &from(host), None);
        }
        let planted = Fire { check: CheckId::new(b'L', 3), ..fire(1, Severity::High) };
        aggregate.add(&planted, &from(7), None);
        let (findings, others) = aggregate.finish();
        assert_eq!(findings[0].key.check, planted.check);
        assert_eq!(others.into_values().collect::<Vec<_>>(), [1]);
    }

    #[test]
    fn what_finds_no_place_on_the_list_is_still_as_bad_as_it_is() {
        let mut aggregate = Aggregate::default();
        let full = limits::FINDINGS_PER_HOST_MAX as u32;
        (0..full).for_each(|n| aggregate.add(&fire(n, Severity::Low), &About::default(), None));
        assert_eq!(aggregate.worst_other(), None);
        aggregate.add(&fire(full, Severity::High), &About::default(), Some(Arc::from("accept-1")));
        assert_eq!(aggregate.worst_other(), None);
        aggregate.add(&fire(full, Severity::High), &About::default(), None);
        assert_eq!(aggregate.worst_other(), Some(Severity::High));
    }
}
