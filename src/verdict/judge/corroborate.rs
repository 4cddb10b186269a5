//! What other flows' DNS adds: the grade may rise, the verdict may only get worse (RULES 20, 30; DESIGN §4).

use super::names::{certifies, is_cover_name, is_related};
use crate::{
    ground::model::{
        cause::{Cause, Touch},
        facts::FlowFacts,
        field::Field,
        identity::Marks,
        name::HostName,
        verdict::{FaultKind, Grade, Judgement, Verdict},
    },
    verdict::across::Memory,
};

/// How well a flow is named, whatever the policy: G0 nothing, G1 an address, G2 a name that was claimed, G3 with a DNS
/// answer for that address before the flow or a certificate that covers it, G4 with both.
#[must_use]
pub fn names_grade(facts: &FlowFacts, memory: &Memory) -> Grade {
    let claimed: Vec<_> = claimed(facts).collect();
    if claimed.is_empty() {
        return Grade::G1;
    }
    let told: Vec<_> = known_names(facts, memory).collect();
    let certified: Vec<_> = facts.identity.names(Field::CertName).collect();
    let all = |agrees: &dyn Fn(&HostName) -> bool| claimed.iter().all(|name| agrees(name));
    let by_dns = all(&|name| told.contains(&name));
    let by_certificate = all(&|name| certified.iter().any(|known| certifies(known, name)));
    match (by_dns, by_certificate) {
        (true, true) => Grade::G4,
        (false, false) => Grade::G2,
        _ => Grade::G3,
    }
}

/// The names that DNS gave the server in answers to this client before the flow began: for people, never for a
/// verdict.
pub fn known_names<'a>(
    facts: &FlowFacts,
    memory: &'a Memory,
) -> impl Iterator<Item = &'a HostName> + use<'a> {
    memory.names(facts.client_end().addr, facts.server_end().addr, facts.first_frame)
}

/// Adds what is remembered of other flows to a verdict from the flow alone. It may lift the verdict, never lower it.
pub fn corroborate(facts: &FlowFacts, memory: &Memory, judgement: &mut Judgement) {
    let rests_on_name = judgement.rests.meets(Touch::NAME);
    if rests_on_name && judgement.verdict == Verdict::Conforming {
        judgement.grade = judgement.grade.max(names_grade(facts, memory));
    }
    if has_real_ech(facts, memory) {
        judgement.fault(FaultKind::EchReal, None);
        if rests_on_name {
            judgement.doubt(Cause::EchOuterOnly, "dns");
        }
    }
    if disagrees(facts, memory) {
        judgement.fault(FaultKind::DnsDisagrees, None);
        if rests_on_name {
            judgement.doubt(Cause::NameMismatch, "sni/dns");
        }
    }
}

/// True when what other flows told could change anything: the flow claims a name, or ECH.
#[must_use]
pub fn asks_memory(facts: &FlowFacts) -> bool {
    facts.identity.marks.has(Marks::ECH) || claimed(facts).next().is_some()
}

/// True when no other flow told anything of this one: it comes to what it would with an empty memory.
#[must_use]
pub fn is_unheard_of(facts: &FlowFacts, memory: &Memory) -> bool {
    let offered = |name: &HostName| memory.has_ech(name, facts.first_frame);
    known_names(facts, memory).next().is_none()
        && !(facts.identity.marks.has(Marks::ECH) && claimed(facts).any(offered))
}

/// ECH was offered in the hello, and DNS offered it for a name of this server, or the outer name is a known cover.
fn has_real_ech(facts: &FlowFacts, memory: &Memory) -> bool {
    if !facts.identity.marks.has(Marks::ECH) {
        return false;
    }
    let offered = |name: &HostName| memory.has_ech(name, facts.first_frame);
    claimed(facts).any(|name| is_cover_name(name) || offered(name)) || known_names(facts, memory).any(offered)
}

/// DNS told this client names of this server, and none of them has to do with a name that the flow claims.
fn disagrees(facts: &FlowFacts, memory: &Memory) -> bool {
    let mut told = known_names(facts, memory).peekable();
    if told.peek().is_none() {
        return false;
    }
    let told: Vec<_> = told.collect();
    claimed(facts).any(|name| !told.iter().any(|known| is_related(known, name)))
}

/// The names of the flow's own layer: what a proxy was asked for is not the server's.
fn claimed(facts: &FlowFacts) -> impl Iterator<Item = &HostName> {
    let is_proxied = facts.identity.marks.has(Marks::PROXIED);
    super::ends::server_names(facts).filter(move |name| !is_proxied && name.malformed().is_none())
}
