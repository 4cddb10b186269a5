//! What each step asked and what came of it, for `policy explain`: ids of the policy, addresses, codes.

use super::order::Reading;
use crate::{
    ground::{
        model::verdict::{Judgement, StepKind},
        words::escape,
    },
    policy::language::{End, Place},
};

/// The detail of a step that was just taken.
/// A step that did not apply says `no`.
pub(super) fn detail(kind: StepKind, decided: bool, reading: &Reading<'_>, judgement: &Judgement) -> String {
    match kind {
        StepKind::Multicast | StepKind::Ipv6 | StepKind::SameSegment if !decided => "no".to_owned(),
        StepKind::Force => in_force(reading),
        StepKind::Ends => {
            format!("client {}; server {}", end(reading, &reading.client), end(reading, &reading.server))
        }
        StepKind::Multicast
        | StepKind::Ipv6
        | StepKind::SameSegment
        | StepKind::Default
        | StepKind::Checks => verdict(judgement),
        StepKind::Forbid => {
            judgement.forbid.as_ref().map_or_else(|| "none".to_owned(), |id| format!("forbid {id}"))
        }
        StepKind::Targets => targets(reading, judgement),
        StepKind::Channels => {
            let channel = judgement.channel.as_ref().map_or("none", |id| id.as_ref());
            format!("channel {channel}; {}", verdict(judgement))
        }
    }
}

fn in_force(reading: &Reading<'_>) -> String {
    let in_force = reading.policy.in_force(reading.at);
    let epochs: Vec<_> =
        in_force.epochs.iter().map(|epoch| reading.policy.epoch(*epoch).id.as_ref()).collect();
    let meta = reading.policy.meta();
    let state = if in_force.holds { "in force" } else { "not in force" };
    let window = if in_force.migrating { ", migrating" } else { "" };
    format!(
        "policy {} {} at {}: {state}, model {}{}{}{window}",
        meta.id,
        meta.version,
        reading.at,
        in_force.model.word(),
        if epochs.is_empty() { "" } else { ", epochs " },
        epochs.join(" "),
    )
}

fn end(reading: &Reading<'_>, end: &End) -> String {
    let policy = reading.policy;
    let addr = end.addr.map_or_else(String::new, |addr| addr.to_string());
    let place = match end.place {
        Place::Segment(index) => format!("segment {}", policy.segment(index).id),
        Place::Zone(index) => format!("zone {}", policy.zone(index).id),
        Place::Rest(index) => format!("zone {} (rest)", policy.zone(index).id),
        Place::Multicast => "multicast".to_owned(),
        Place::Broadcast => "broadcast".to_owned(),
        Place::Unspecified => "unspecified".to_owned(),
        Place::LinkLocal | Place::Unknown => "unknown".to_owned(),
        Place::Ambiguous => "ambiguous".to_owned(),
    };
    let hosts: Vec<_> = end.hosts.iter().map(|host| policy.host(*host).id.as_ref()).collect();
    let destinations: Vec<_> =
        end.destinations.iter().map(|listed| policy.destination(listed.destination).id.as_ref()).collect();
    let list = |what: &str, ids: &[&str]| {
        if ids.is_empty() { String::new() } else { format!(", {what} {}", ids.join(" ")) }
    };
    format!("{addr} in {place}{}{}", list("host", &hosts), list("destination", &destinations))
}

fn targets(reading: &Reading<'_>, judgement: &Judgement) -> String {
    let targets = &reading.facts.identity.targets;
    if targets.is_empty() && judgement.causes.is_empty() {
        return "none".to_owned();
    }
    // A reader needs a few; all of them are in the flow line.
    let shown: Vec<_> = targets
        .iter()
        .take(8)
        .map(|target| match target.port {
            Some(port) => format!("{}:{port}", escape::name(&target.host)),
            None => escape::name(&target.host),
        })
        .collect();
    format!("{} named: {}; {}", targets.len(), shown.join(" "), verdict(judgement))
}

/// The verdict so far, with its causes.
fn verdict(judgement: &Judgement) -> String {
    let causes: Vec<_> = judgement.causes.iter().map(|note| note.cause.code()).collect();
    let faults: Vec<_> = judgement.faults.iter().map(|fault| format!("{:?}", fault.kind)).collect();
    let mut text = judgement.verdict.code().to_owned();
    for part in [causes.join(" "), faults.join(" ")].into_iter().filter(|part| !part.is_empty()) {
        text.push_str("; ");
        text.push_str(&part);
    }
    text
}
