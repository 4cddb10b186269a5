//! What a flow lacks: a permission and nothing else, or something that no permission mends.

use super::{
    evidence::Evidence,
    plan::{Client, Group, Server},
    reason::Reason,
};
use crate::{
    ground::{
        model::{
            address::{Service, Transport},
            cause::Cause,
            facts::FlowFacts,
            field::Field,
            flow_line::FlowRecord,
            identity::Marks,
            limits,
            name::{HostName, Malformed},
            observation::Value,
            time::Timestamp,
            verdict::{FaultKind, Judgement, Verdict},
        },
        words::escape,
    },
    policy::language::{
        self, Direction, Ech, Match, NamePattern, Place, Policy, SegmentClass, Selector, Validity, ZoneClass,
    },
    verdict::{check, judge},
};

/// What a flow comes to.
pub(super) enum Finding {
    Allowed,
    Unanswered,
    Refused(Reason),
    Wanting(Box<(Group, Evidence)>),
}

/// The verdict of a flow with what the checks say, from the flow alone.
pub(super) fn judged(policy: &Policy, facts: &FlowFacts) -> Judgement {
    let one_way = policy.sensor(facts.sensor).is_some_and(|sensor| sensor.direction == Direction::Rx);
    let vantage = judge::Vantage { both_directions: !one_way };
    let mut judgement = judge::judge(policy, facts, vantage, false);
    check::flow(policy, facts, &mut judgement, &mut Vec::new());
    judgement
}

/// The flow as if it had passed in the middle of the policy's validity, where it passed outside of it.
pub(super) fn in_force(policy: &Policy, facts: &FlowFacts) -> Option<FlowFacts> {
    let period = policy.meta().period;
    if period.contains(facts.first) && period.contains(facts.last) {
        return None;
    }
    let middle = Timestamp::from_nanos(period.from.nanos() / 2 + period.last().nanos() / 2);
    Some(FlowFacts { first: middle, last: middle, ..facts.clone() })
}

/// What a flow lacks, if it lacks a permission and nothing else.
pub(super) fn find(policy: &Policy, record: &FlowRecord, judgement: &Judgement) -> Finding {
    let facts = &record.facts;
    if matches!(judgement.verdict, Verdict::OutOfScope | Verdict::Conforming) {
        return Finding::Allowed;
    }
    if let Some(forbid) = &judgement.forbid {
        return Finding::Refused(Reason::Forbid(forbid.clone()));
    }
    if !facts.is_answered() {
        return Finding::Unanswered;
    }
    if let Some(reason) = other_want(facts, judgement) {
        return Finding::Refused(reason);
    }
    match group(policy, facts, judgement) {
        Err(reason) => Finding::Refused(reason),
        Ok(group) => {
            let is_named = matches!(group.server, Server::Named(..));
            Finding::Wanting(Box::new((group, Evidence::of(record, judgement, is_named))))
        }
    }
}

/// Why another permission would not help; `None` where it is all that lacks.
fn other_want(facts: &FlowFacts, judgement: &Judgement) -> Option<Reason> {
    use FaultKind::{
        AddressUnlisted, Expired, Ipv6, NameUnlisted, PortUnlisted, Reversed, ScreenReversed, Unlisted,
    };
    if facts.carrier.is_some() {
        return Some(Reason::Tunnel);
    }
    let causes = &judgement.causes;
    let channel = || judgement.channel.clone();
    for (kind, reason) in [
        (Ipv6, Reason::Ipv6),
        (ScreenReversed, Reason::ScreenReversed),
        (NameUnlisted, Reason::Listed),
        (AddressUnlisted, Reason::Listed),
    ] {
        if judgement.has(kind) {
            return Some(reason);
        }
    }
    if judgement.has(Expired) {
        return Some(Reason::Expired(channel().unwrap_or_default()));
    }
    if causes.has(Cause::NoPolicyInForce) {
        return Some(Reason::NotInForce);
    }
    if causes.has(Cause::ProxyTargetHidden) {
        return Some(Reason::HiddenTarget);
    }
    let lacks = |kind: FaultKind| matches!(kind, Unlisted | PortUnlisted | Reversed);
    if judgement.faults.iter().any(|fault| lacks(fault.kind)) {
        return None;
    }
    match channel() {
        Some(channel) => Some(Reason::Condition(channel)),
        None if causes.has(Cause::UnknownAddress) || causes.has(Cause::AmbiguousSegment) => {
            Some(Reason::Unknown)
        }
        // Nothing stands behind what is only looked at, nor where two readings are both without a channel.
        None if causes.has(Cause::AmbiguousChannel) || causes.has(Cause::Midstream) => None,
        None => Some(Reason::Undecided(causes.iter().next().map_or("", |note| note.cause.code()))),
    }
}

/// Which permission a flow lacks.
fn group(policy: &Policy, facts: &FlowFacts, judgement: &Judgement) -> Result<Group, Reason> {
    let (client_end, server_end) = judge::ends(policy, facts, judgement.at);
    let host = |end: &language::End| end.hosts.first().map(|host| Selector::Host(*host));
    let asks = !facts.identity.targets.is_empty();
    let is_internet = |zone| policy.zone(zone).class == ZoneClass::InternetZone;
    let client = match (client_end.place, host(&client_end)) {
        (Place::Segment(_) | Place::Zone(_), Some(host)) => Client::Host(host),
        // Few ask a proxy outside: it must be seen whether they are proxies themselves.
        (Place::Segment(segment), None) if asks && server_end.place.zone().is_some() => {
            Client::Machine(segment, facts.client_end().addr)
        }
        (Place::Segment(segment), None) => Client::Segment(segment),
        (Place::Zone(zone), None) if !is_internet(zone) => Client::Outside(zone, facts.client_end().addr),
        (Place::Zone(_) | Place::Rest(_), _) => return Err(Reason::FromInternet),
        _ => return Err(Reason::Unknown),
    };
    if client_end.place.zone().is_some() && server_end.place.zone().is_some() {
        return Err(Reason::Outside);
    }
    let is_closed = client_end.place.segment().is_some_and(|segment| {
        matches!(policy.segment(segment).class, SegmentClass::Mynumber | SegmentClass::Lgwan)
    });
    if asks && is_closed {
        return Err(Reason::ClosedProxy);
    }
    // A channel leads there by way of a host: another one would lead around it.
    let service = service(facts);
    let goes_around =
        policy.direct_of_via(&client_end, &server_end, judgement.at).into_iter().any(|direct| {
            let channel = policy.channel(direct.channel);
            direct.validity == Validity::InForce && channel.serves(service.transport, service.first)
        });
    if goes_around {
        return Err(Reason::Bypass);
    }
    let addr = facts.server_end().addr;
    let server = match (server_end.place, host(&server_end)) {
        (Place::Segment(_) | Place::Zone(_) | Place::Rest(_), Some(host)) => Server::Known(host),
        (Place::Segment(segment), None) => Server::Inside(segment, addr),
        (Place::Zone(zone) | Place::Rest(zone), None) if asks => Server::Address(zone, addr),
        (Place::Zone(zone) | Place::Rest(zone), None) => {
            let names = names(policy, facts, client_end.place)?;
            match listed(policy, &server_end) {
                Some(known) => Server::Known(known),
                None if names.is_empty() => Server::Address(zone, addr),
                None => Server::Named(zone, names),
            }
        }
        _ => return Err(Reason::Unknown),
    };
    Ok(Group { client, server, service, asks })
}

/// The destination of the policy that this end is, by all the halves it asks for.
fn listed(policy: &Policy, end: &language::End) -> Option<Selector> {
    let is_it = |listed: &&language::Listed| {
        let matching = policy.destination(listed.destination).matching;
        listed.address && (listed.name || matching == Match::Address)
    };
    end.destinations.iter().find(is_it).map(|listed| Selector::Destination(listed.destination))
}

fn service(facts: &FlowFacts) -> Service {
    let transport = facts.transport;
    if !transport.has_ports() {
        return Service { transport, first: 0, last: u16::MAX };
    }
    let port = facts.server_end().port;
    Service { transport, first: port, last: port }
}

/// The names that a permission would list: each once, in order. None where the flow bears no name.
fn names(policy: &Policy, facts: &FlowFacts, client: Place) -> Result<Vec<String>, Reason> {
    let mut names = Vec::new();
    for observation in facts.identity.all(Field::Sni).chain(facts.identity.all(Field::HttpHost)) {
        let Value::Name(name) = &observation.value else { return Err(Reason::BadName) };
        if observation.variant || observation.side != facts.client {
            return Err(Reason::NamesDisagree);
        }
        let is_own_address =
            name.malformed() == Some(Malformed::IpLiteral) && name.as_ip() == Some(facts.server_end().addr);
        if !is_own_address {
            names.push(plain(name).ok_or(Reason::BadName)?);
        }
    }
    names.sort_unstable();
    names.dedup();
    let is_strict = client.segment().is_some_and(|segment| policy.segment(segment).ech == Ech::Strict);
    let marks = facts.identity.marks;
    if is_strict && (marks.has(Marks::ECH) || marks.has(Marks::ESNI)) {
        return Err(Reason::Ech);
    }
    if judge::conflict(facts).is_some() {
        return Err(Reason::NamesDisagree);
    }
    if names.len() > limits::LEARN_NAMES_MAX { Err(Reason::BadName) } else { Ok(names) }
}

/// A name as a policy writes it: exact, lower-case, without a star. `None` for what is no name.
pub(super) fn plain(name: &HostName) -> Option<String> {
    let text = std::str::from_utf8(name.bytes()).ok()?;
    let pattern = NamePattern::new(text).ok().filter(|pattern| !pattern.is_wildcard())?;
    Some(pattern.to_string())
}

/// Who, to whom, by what: places, machines and names, made safe.
pub(super) fn described(policy: &Policy, facts: &FlowFacts) -> String {
    let at = in_force(policy, facts).map_or(facts.first, |moved| moved.first);
    let (client, server) = judge::ends(policy, facts, at);
    let place = |end: &language::End| {
        let id = end.place.selector().map(|place| policy.id_of(place).to_string());
        id.unwrap_or_else(|| "?".to_owned())
    };
    let mut names: Vec<_> = judge::server_names(facts).map(escape::name).collect();
    let targets = facts.identity.targets.iter().map(|target| match target.port {
        Some(port) => format!("{}:{port}", escape::name(&target.host)),
        None => escape::name(&target.host),
    });
    names.extend(targets);
    names.sort_unstable();
    names.dedup();
    // A reader needs a few; all of them are in the flow lines of an audit.
    names.truncate(4);
    let names = if names.is_empty() { String::new() } else { format!(" ({})", names.join(" ")) };
    format!(
        "{} {} → {} {}{names} {}",
        place(&client),
        facts.client_end().addr,
        place(&server),
        facts.server_end().addr,
        service_text(facts)
    )
}

fn service_text(facts: &FlowFacts) -> String {
    match service(facts) {
        service if service.transport == Transport::ICMP || service.transport == Transport::ICMPV6 => {
            service.transport.to_string()
        }
        service => service.to_string(),
    }
}
