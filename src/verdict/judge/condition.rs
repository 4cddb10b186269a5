//! The conditions of a channel: protocol, encryption, line, tenant, certificate, volume, hours, answer.

use super::{names::certifies, order::Reading};
use crate::{
    ground::model::{
        address::Transport,
        cause::{Cause, Causes, Touch},
        facts::{FlowFacts, SideFacts},
        field::Field,
        identity::{Basis, Marks},
        key::Side,
        name::HostName,
        observation::Value,
        verdict::FaultKind,
    },
    policy::language::{
        Channel, Destination, DestinationIndex, Download, Encrypt, ExpectedApp, NamePattern, PathIndex,
        Tenant, TenantName,
    },
};

/// What came of a channel's conditions: what was seen broken, and what was not seen to hold.
#[derive(Clone, Debug, Default)]
pub(super) struct Conditions {
    /// Seen broken.
    pub(super) faults: Vec<FaultKind>,
    /// Not seen to hold.
    pub(super) doubts: Causes,
    /// What the decision rests on beside address, port and direction.
    pub(super) rests: Touch,
}

impl Conditions {
    fn rest_on(&mut self, part: Touch) {
        self.rests = self.rests.and(part);
    }
}

/// The conditions that hold on the way of a flow itself: on the only or last hop of a channel.
pub(super) fn of_flow(
    reading: &Reading<'_>,
    channel: &Channel,
    destination: Option<DestinationIndex>,
) -> Conditions {
    let mut conditions = Conditions::default();
    protocol(reading, channel, &mut conditions);
    encryption(reading.facts, channel, &mut conditions);
    line(reading, channel, &mut conditions);
    if let Some(index) = destination {
        let names: Vec<_> =
            reading.names.acquitting.iter().chain(&reading.names.convicting).copied().collect();
        tenant(reading, channel, index, &names, &mut conditions);
        if channel.tenant == Some(Tenant::Own) && reading.names.acquitting.is_empty() {
            conditions.doubts.add(Cause::NoSni);
        }
        certificate(reading.facts, reading.policy.destination(index), &mut conditions);
    }
    limits(reading, channel, &mut conditions);
    answer(reading, channel, &mut conditions);
    conditions
}

/// The conditions that hold on a hop to a waypoint: the rest is asked of the targets named inside.
pub(super) fn of_hop(reading: &Reading<'_>, channel: &Channel) -> Conditions {
    let mut conditions = Conditions::default();
    limits(reading, channel, &mut conditions);
    answer(reading, channel, &mut conditions);
    conditions
}

/// A port that implies a protocol is conforming with that protocol only (RULES 23).
fn protocol(reading: &Reading<'_>, channel: &Channel, conditions: &mut Conditions) {
    let identity = &reading.facts.identity;
    let is_read = identity.basis >= Basis::Signature && !identity.app.is_empty();
    let spoke = reading.facts.sides.iter().any(|side| side.payload_bytes > 0);
    let is_expected = match channel.expected_app(reading.facts.transport, reading.port()) {
        ExpectedApp::Any => return,
        ExpectedApp::OneOf(apps) => apps.contains(&identity.app),
        ExpectedApp::Named(app) => app == identity.app,
    };
    // Without a byte of payload there is no protocol to be another one.
    if is_read && !is_expected || !is_read && spoke || identity.marks.has(Marks::OPAQUE) {
        conditions
            .doubts
            .add_with(Cause::NotTheExpectedProtocol, if is_read { identity.app } else { "unknown" });
    }
    let marks = identity.marks;
    // A hello that the server never answered in kind may be a cover for anything; one that it refused is the end.
    let goes_on = marks.has(Marks::ENCRYPTED_OPENER) || marks.has(Marks::ENCRYPTED_ANSWERER);
    let is_refused = marks.has(Marks::REFUSED) && !goes_on;
    if marks.has(Marks::CLIENT_HELLO) && !marks.has(Marks::SERVER_HELLO) && !is_refused {
        conditions.doubts.add_with(Cause::NotTheExpectedProtocol, "no_server_hello");
    }
    // Records without any hello are records by their look only, unless the hello is what the capture lacks.
    let is_family = ["tls", "dtls", "quic"].contains(&identity.app);
    let has_hello = marks.has(Marks::CLIENT_HELLO) || marks.has(Marks::SERVER_HELLO);
    let lacks = [Cause::Midstream, Cause::Snaplen, Cause::GapAcked, Cause::GapUnacked];
    if is_family && !has_hello && !lacks.iter().any(|cause| reading.facts.causes.has(*cause)) {
        conditions.doubts.add_with(Cause::NotTheExpectedProtocol, "no_hello");
    }
}

fn encryption(facts: &FlowFacts, channel: &Channel, conditions: &mut Conditions) {
    if channel.encrypt != Some(Encrypt::Required) {
        return;
    }
    conditions.rest_on(Touch::ENCRYPTION);
    if facts.identity.marks.has(Marks::CLEARTEXT) {
        conditions.faults.push(FaultKind::Cleartext);
    } else if !facts.identity.marks.has(Marks::HANDSHAKE) {
        conditions.doubts.add_with(Cause::NotTheExpectedProtocol, "no_handshake");
    }
}

/// Seen at a sensor of the line, with its gateway or with its address (RULES 19).
fn line(reading: &Reading<'_>, channel: &Channel, conditions: &mut Conditions) {
    let Some(wanted) = channel.path else { return };
    conditions.rest_on(Touch::PATH);
    if takes(reading, wanted) {
        return;
    }
    let others = (0u16..).map(PathIndex).zip(reading.policy.paths()).map(|(index, _)| index);
    if others.filter(|other| *other != wanted).any(|other| takes(reading, other)) {
        conditions.faults.push(FaultKind::WrongPath);
    } else {
        conditions.doubts.add(Cause::PathUnseen);
    }
}

fn takes(reading: &Reading<'_>, index: PathIndex) -> bool {
    let path = reading.policy.path(index);
    if !path.periods.contains(reading.at) {
        return false;
    }
    let facts = reading.facts;
    let mut seen_at = std::iter::once(&facts.sensor).chain(&facts.also_seen);
    let at_sensor =
        seen_at.any(|seen| path.sensors.iter().any(|sensor| seen.0.checked_sub(1) == Some(*sensor)));
    let macs = || reading.facts.sides.iter().flat_map(|side| side.macs.into_iter().flatten());
    let ends = [reading.facts.opener.addr, reading.facts.answerer.addr];
    at_sensor
        || macs().any(|mac| path.gateway_mac.contains(&mac))
        || ends.iter().any(|addr| path.egress_addr.contains(addr))
}

/// Only names that tell a tenant are judged (RULES 37).
pub(super) fn tenant(
    reading: &Reading<'_>,
    channel: &Channel,
    destination: DestinationIndex,
    names: &[&HostName],
    conditions: &mut Conditions,
) {
    if channel.tenant != Some(Tenant::Own) {
        return;
    }
    conditions.rest_on(Touch::NAME);
    let tenant_of = |name: &&HostName| reading.policy.tenant_of(destination, name);
    if names.iter().any(|name| tenant_of(name) == TenantName::Foreign) {
        conditions.faults.push(FaultKind::ForeignTenant);
    } else if names.is_empty() {
        conditions.doubts.add(Cause::NoSni);
    }
}

/// A certificate that was seen must be an expected one; one that cannot be seen changes nothing (RULES 6).
fn certificate(facts: &FlowFacts, destination: &Destination, conditions: &mut Conditions) {
    let names: Vec<_> = facts.identity.names(Field::CertName).collect();
    let carries =
        |pattern: &NamePattern| names.iter().any(|name| pattern.matches(name) || stands_for(name, pattern));
    let issuers = || {
        facts.identity.all(Field::CertIssuer).filter_map(|seen| match &seen.value {
            Value::Text(text) => Some(text.as_ref()),
            _ => None,
        })
    };
    let is_accepted = |issuer: &[u8]| destination.cert_issuers.iter().any(|known| known.as_bytes() == issuer);
    let other_name = !names.is_empty()
        && !destination.cert_names.is_empty()
        && !destination.cert_names.iter().any(carries);
    let other_issuer =
        issuers().next().is_some() && !destination.cert_issuers.is_empty() && !issuers().any(is_accepted);
    if other_name || other_issuer {
        conditions.doubts.add_with(Cause::NameMismatch, if other_name { "certificate" } else { "issuer" });
    }
}

/// A wildcard in the certificate for the very names that the pattern stands for.
fn stands_for(certified: &HostName, pattern: &NamePattern) -> bool {
    pattern.is_wildcard() && certified.bytes().strip_prefix(b"*.") == Some(pattern.base().bytes())
        || !pattern.is_wildcard() && certifies(certified, pattern.base())
}

/// Volume and hours: broken is at least undecidable (RULES 5).
fn limits(reading: &Reading<'_>, channel: &Channel, conditions: &mut Conditions) {
    // What the peer acknowledged has passed, seen or not.
    let passed = |side: &SideFacts| side.payload_bytes.saturating_add(side.unseen_bytes);
    let (up, down) = (passed(reading.facts.up()), passed(reading.facts.down()));
    let has_files = reading.facts.identity.marks.has(Marks::FILES) && down > up;
    let is_download = match channel.download {
        Some(Download::Forbidden) => has_files,
        Some(Download::SanitizedOnly) => {
            has_files && !reading.client.hosts.iter().any(|host| is_sanitizer(reading, *host))
        }
        Some(Download::Allowed) | None => false,
    };
    let minute = || reading.policy.clock().minute_of_day(reading.facts.first);
    let broken = [
        (channel.max_up_per_flow.is_some_and(|max| up > max), "max_up_per_flow"),
        (channel.max_down_per_flow.is_some_and(|max| down > max), "max_down_per_flow"),
        (is_download, "download"),
        (channel.hours.is_some_and(|hours| !hours.contains(minute())), "hours"),
    ];
    if channel.max_up_per_flow.is_some() || channel.max_down_per_flow.is_some() || channel.hours.is_some() {
        conditions.rest_on(Touch::LIMIT);
    }
    for (_, what) in broken.into_iter().filter(|(is_broken, _)| *is_broken) {
        conditions.doubts.add_with(Cause::LimitExceeded, what);
    }
}

fn is_sanitizer(reading: &Reading<'_>, host: crate::policy::language::HostIndex) -> bool {
    reading.policy.host(host).role == crate::policy::language::Role::Sanitizer
}

/// A connection whose answer was not seen is never conforming; a datagram only where that is its nature (RULES 12).
fn answer(reading: &Reading<'_>, channel: &Channel, conditions: &mut Conditions) {
    let facts = reading.facts;
    let is_one_way = Side::BOTH.iter().any(|side| facts.sides[side.index()].packets == 0);
    let by_nature =
        facts.transport != Transport::TCP && channel.may_be_one_way(facts.transport, reading.port());
    if is_one_way && !(by_nature && facts.up().packets > 0) {
        conditions.doubts.add(Cause::OneWay);
    }
}
