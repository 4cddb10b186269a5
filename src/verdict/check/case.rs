//! What the checks of one flow look at: facts, verdict, and both ends by their classes.

use std::sync::Arc;

use super::Subject;
use crate::{
    ground::{
        model::{
            cause::Cause,
            facts::FlowFacts,
            identity::{Answer, Basis, Target, TargetKind},
            name::HostName,
            verdict::{Fault, FaultKind, Judgement, Verdict},
        },
        words::escape,
    },
    policy::language::{
        Case as ModelCase, Channel, DestinationKind, End, Model, Place, Policy, Role, SegmentClass, Selector,
        ZoneClass,
    },
    verdict::judge,
};

/// Where an end or a target lies, as checks ask for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    /// In a segment of this class.
    Segment(SegmentClass),
    /// In a zone of this class.
    Zone(ZoneClass),
    /// In the zone of the rest: the internet.
    Rest,
    /// Nowhere that the policy knows.
    Unknown,
}

/// One thing that a flow reached: its server, or a target named inside.
#[derive(Clone)]
pub(super) struct Reached<'a> {
    pub(super) side: Side,
    /// Id of the segment or zone; empty when unknown.
    pub(super) place: Arc<str>,
    pub(super) port: u16,
    /// The target and its number; `None` for the server.
    pub(super) target: Option<(u16, &'a Target)>,
    pub(super) faults: Vec<FaultKind>,
}

impl<'a> Reached<'a> {
    fn target(
        policy: &Policy,
        judgement: &Judgement,
        (number, target): (u16, &'a Target),
        faults: Vec<FaultKind>,
    ) -> Self {
        let place = judge::target_place(policy, target, judgement.at);
        Self {
            side: side(policy, place),
            place: place.selector().map(|place| policy.id_of(place).clone()).unwrap_or_default(),
            port: target.port.unwrap_or(0),
            target: Some((number, target)),
            faults,
        }
    }

    pub(super) fn has(&self, kind: FaultKind) -> bool {
        self.faults.contains(&kind)
    }

    /// True when the policy is broken here.
    pub(super) fn is_broken(&self) -> bool {
        let notes =
            [FaultKind::NameUnseen, FaultKind::EchReal, FaultKind::DnsDisagrees, FaultKind::Certificate];
        self.faults.iter().any(|fault| !notes.contains(fault))
    }
}

/// What a check says when it speaks: where, and what was seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Spoken {
    /// Which of the things reached.
    pub(super) target: Option<u16>,
    /// Safe words of data.
    pub(super) detail: String,
}

/// One flow before the checks.
pub(super) struct Case<'a> {
    pub(super) policy: &'a Policy,
    pub(super) facts: &'a FlowFacts,
    pub(super) judgement: &'a Judgement,
    pub(super) client: End,
    pub(super) server: End,
    pub(super) from: Side,
    pub(super) model: (Model, Option<ModelCase>),
    /// The server first, then the targets that there is something to say about.
    pub(super) reached: Vec<Reached<'a>>,
}

impl<'a> Case<'a> {
    pub(super) fn new(policy: &'a Policy, facts: &'a FlowFacts, judgement: &'a Judgement) -> Self {
        let (client, server) = judge::ends(policy, facts, judgement.at);
        let faults = |target: Option<u16>| {
            let here = judgement.faults.iter().filter(move |fault: &&Fault| fault.target == target);
            here.map(|fault| fault.kind).collect::<Vec<_>>()
        };
        let place =
            |end: &End| end.place.selector().map(|place| policy.id_of(place).clone()).unwrap_or_default();
        let port = if facts.transport.has_ports() { facts.server_end().port } else { 0 };
        let own = Reached {
            side: side(policy, server.place),
            place: place(&server),
            port,
            target: None,
            faults: faults(None),
        };
        let differs = judge::inner_conflict(facts).map(|(number, _)| number);
        let targets = (0u16..).zip(&facts.identity.targets).filter_map(|(number, target)| {
            let faults = faults(Some(number));
            let is_told = !faults.is_empty() || differs == Some(number);
            is_told.then(|| Reached::target(policy, judgement, (number, target), faults))
        });
        Self {
            policy,
            facts,
            judgement,
            from: side(policy, client.place),
            model: policy.model_at(judgement.at),
            reached: std::iter::once(own).chain(targets).collect(),
            client,
            server,
        }
    }

    /// True when the flow breaks the policy, reached or only tried.
    pub(super) fn is_violation(&self) -> bool {
        self.judgement.verdict >= Verdict::Attempted
    }

    /// What was reached against the policy.
    pub(super) fn broken(&self) -> impl Iterator<Item = &Reached<'a>> {
        self.reached.iter().filter(|reached| reached.is_broken())
    }

    /// The first thing reached against the policy for which this holds.
    pub(super) fn broken_where(&self, holds: impl Fn(&Reached<'a>) -> bool) -> Option<Spoken> {
        self.broken().find(|reached| holds(reached)).map(|reached| self.about(reached))
    }

    /// Speaks about one thing reached.
    pub(super) fn about(&self, reached: &Reached<'_>) -> Spoken {
        let target = reached.target.map(|(number, _)| number);
        Spoken { target, detail: self.detail(reached) }
    }

    /// Speaks about the flow itself.
    pub(super) fn own(&self, detail: String) -> Option<Spoken> {
        Some(Spoken { target: None, detail })
    }

    /// What was seen of it: names, application, answer.
    fn detail(&self, reached: &Reached<'_>) -> String {
        let mut words = Vec::new();
        if let Some((_, target)) = reached.target {
            let kind = match target.kind {
                TargetKind::Connect => "connect",
                TargetKind::AbsoluteForm => "request",
                TargetKind::Socks => "socks",
            };
            words.push(format!("{kind}={}", host_port(&escape::name(&target.host), reached.port)));
            if let Answer::Refused(code) = target.answer {
                words.push(format!("refused={code}"));
            }
        }
        words.extend(self.first_name().map(|name| format!("name={}", escape::name(name))));
        if self.facts.identity.basis >= Basis::Signature && !self.facts.identity.app.is_empty() {
            words.push(format!("app={}", self.facts.identity.app));
        }
        words.join(" ")
    }

    /// The channel that decided, where one did.
    pub(super) fn channel(&self) -> Option<&'a Channel> {
        self.policy.channel_named(self.judgement.channel.as_deref()?)
    }

    /// True when the channel that decided leads to a destination of one of these kinds.
    pub(super) fn is_for(&self, kinds: &[DestinationKind]) -> bool {
        self.channel().is_some_and(|channel| {
            channel.to.iter().any(|to| match to {
                Selector::Destination(index) => kinds.contains(&self.policy.destination(*index).kind),
                _ => false,
            })
        })
    }

    /// True when a limit of the channel was exceeded: one of these, as [`Cause::LimitExceeded`] names them.
    pub(super) fn exceeds(&self, limits: &[&str]) -> bool {
        let exceeded = self.judgement.causes.iter().filter(|note| note.cause == Cause::LimitExceeded);
        exceeded.flat_map(|note| note.argument.split([',', ' '])).any(|what| limits.contains(&what))
    }

    /// What was reached under a name of one of these domains: the server, or a target named inside, allowed or not.
    pub(super) fn named(&self, domains: &[&str]) -> Option<Reached<'a>> {
        let (policy, judgement) = (self.policy, self.judgement);
        let mut targets = (0u16..).zip(&self.facts.identity.targets);
        if let Some(found) = targets.find(|(_, target)| is_under(&target.host, domains)) {
            return Some(Reached::target(policy, judgement, found, Vec::new()));
        }
        let is_server = judge::server_names(self.facts).any(|name| is_under(name, domains));
        self.reached.first().filter(|_| is_server).cloned()
    }

    /// What was reached outside under a name of one of these domains, unless a destination lists the very name: then
    /// somebody approved it, and did not only import a vendor's list.
    pub(super) fn unapproved(&self, domains: &[&str]) -> Option<Spoken> {
        let inside = matches!(self.from, Side::Segment(_));
        // Under a proxy's port nothing but the name says that the target lies outside.
        let reached = self
            .named(domains)
            .filter(|reached| inside && (reached.side.is_outside() || reached.target.is_some()))?;
        let lists = |name: &HostName| {
            let names = self.policy.destinations().iter().flat_map(|rule| &rule.fqdn);
            names.filter(|pattern| !pattern.is_wildcard()).any(|pattern| pattern.matches(name))
        };
        let is_approved = match reached.target {
            Some((_, target)) => lists(&target.host),
            None => judge::server_names(self.facts).any(lists),
        };
        (!is_approved).then(|| self.about(&reached))
    }

    /// Speaks about the limits of the channel that were exceeded; how much was sent stands in the finding's totals.
    pub(super) fn over_limit(&self) -> Option<Spoken> {
        let exceeded = self.judgement.causes.iter().filter(|note| note.cause == Cause::LimitExceeded);
        let limits: Vec<_> = exceeded.map(|note| note.argument).collect();
        let channel = self.judgement.channel.as_deref().unwrap_or_default();
        self.own(format!("channel={channel} limit={}", limits.join(",")))
    }

    /// True when the ends lie in different places.
    pub(super) fn crosses(&self) -> bool {
        self.judgement.verdict != Verdict::OutOfScope
    }

    /// The first server name that was claimed.
    pub(super) fn first_name(&self) -> Option<&'a HostName> {
        judge::server_names(self.facts).next()
    }

    /// The name or address of what was reached, with its port: what findings are gathered under.
    pub(super) fn subject(&self, target: Option<u16>) -> Subject {
        let asked = target.and_then(|number| self.facts.identity.targets.get(usize::from(number)));
        asked.map_or(Subject::Server, |asked| {
            Subject::Told(host_port(&escape::name(&asked.host), asked.port.unwrap_or(0)))
        })
    }

    /// True when an application was recognised by its bytes as one of these, or nothing was recognised and the port
    /// is one of these.
    pub(super) fn speaks(&self, apps: &[&str], ports: &[u16]) -> bool {
        let identity = &self.facts.identity;
        if identity.basis >= Basis::Signature && !identity.app.is_empty() {
            return apps.contains(&identity.app) || identity.inner_apps.iter().any(|app| apps.contains(app));
        }
        self.facts.transport.has_ports() && ports.contains(&self.facts.server_end().port)
    }

    /// True when one of the end's hosts has the role.
    pub(super) fn has_role(&self, end: &End, role: Role) -> bool {
        end.hosts.iter().any(|host| self.policy.host(*host).role == role)
    }
}

/// True for one of these domains, and for all below it.
pub(super) fn is_under(name: &HostName, domains: &[&str]) -> bool {
    domains.iter().any(|domain| {
        name.bytes()
            .strip_suffix(domain.as_bytes())
            .is_some_and(|front| front.is_empty() || front.ends_with(b"."))
    })
}

fn host_port(host: &str, port: u16) -> String {
    if port == 0 { host.to_owned() } else { format!("{host}:{port}") }
}

/// The class of a place.
fn side(policy: &Policy, place: Place) -> Side {
    match place {
        Place::Segment(index) => Side::Segment(policy.segment(index).class),
        Place::Zone(index) => Side::Zone(policy.zone(index).class),
        Place::Rest(_) => Side::Rest,
        _ => Side::Unknown,
    }
}

impl Side {
    /// Of class mynumber or lgwan: the heavier weight of the catalogue.
    pub(super) const fn is_protected(self) -> bool {
        matches!(self, Self::Segment(SegmentClass::Mynumber | SegmentClass::Lgwan))
    }

    /// Outside the city.
    pub(super) const fn is_outside(self) -> bool {
        matches!(self, Self::Zone(_) | Self::Rest)
    }

    /// In a segment of this class.
    pub(super) fn is(self, class: SegmentClass) -> bool {
        self == Self::Segment(class)
    }
}

/// My Number.
pub(super) const MN: SegmentClass = SegmentClass::Mynumber;
/// LGWAN.
pub(super) const LG: SegmentClass = SegmentClass::Lgwan;
/// The internet segment.
pub(super) const IN: SegmentClass = SegmentClass::Internet;
