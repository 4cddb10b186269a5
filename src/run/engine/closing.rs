//! A flow's end: facts completed, verdict given, checks asked.

use super::{court::vantage, ingest::frames_of, reading::Reading};
use crate::{
    ground::model::{
        address::Transport,
        cause::Cause,
        decoded::Decoded,
        facts::{DirectionBasis, EndReason, FlowFacts, FlowId, SideFacts},
        flow_line::FlowRecord,
        identity::Identity,
        key::{Side, Tuple},
        packet::Ordinal,
        verdict::Verdict,
    },
    policy::language::Policy,
    verdict::judge,
    wire::flow::{Ended, community_id},
};

/// The facts of a flow that is over: everything it showed by itself.
#[must_use]
pub(super) fn facts(flow: Ended<Reading>, damage: &[(Ordinal, &'static str)], is_shown: bool) -> FlowFacts {
    let Ended { mut facts, state, rest } = flow;
    let (ends, last) = ([facts.opener, facts.answerer], (facts.last_frame, facts.last));
    facts.identity = state.finish(&rest, facts.transport, ends, last, is_shown);
    role(&mut facts);
    let across = |(before, _): &&(Ordinal, &str)| facts.first_frame < *before && *before <= facts.last_frame;
    if let Some((_, what)) = damage.iter().find(across) {
        facts.causes.add_with(Cause::InputDamaged, what);
    }
    facts
}

/// The record of a flow that goes on, as it stands.
#[must_use]
pub(super) fn standing(mut facts: FlowFacts, shown: Option<&Identity>) -> FlowRecord {
    facts.identity = shown.cloned().unwrap_or_default();
    role(&mut facts);
    FlowRecord { facts, ..FlowRecord::default() }
}

/// True when a flow that begins with this packet breaks the policy whatever comes.
#[must_use]
pub(super) fn breaks(policy: &Policy, packet: &Decoded) -> bool {
    judge::first(policy, packet, vantage(policy, packet.head.sensor)).verdict >= Verdict::Attempted
}

/// The name of the flow for other tools.
#[must_use]
pub(super) fn name_for_others(facts: &FlowFacts) -> String {
    let tuple = Tuple { source: facts.client_end(), target: facts.server_end(), transport: facts.transport };
    community_id(&tuple, facts.icmp)
}

/// RULES 25: the protocol's own roles are stronger than who was seen first, and weaker than SYN and SYN-ACK.
fn role(facts: &mut FlowFacts) {
    let weaker = matches!(facts.basis, DirectionBasis::FirstPacket | DirectionBasis::Guess);
    let client = facts.identity.client.or_else(|| echo(facts));
    if let Some(client) = client.filter(|_| weaker) {
        facts.client = client;
        facts.basis = DirectionBasis::Role;
    }
}

/// Who asked, by the first message of an ICMP flow: echo, timestamp, information and mask come in pairs (RFC 792, 950, 4443).
fn echo(facts: &FlowFacts) -> Option<Side> {
    match (facts.transport, facts.icmp?) {
        (Transport::ICMP, [8 | 13 | 15 | 17, _]) | (Transport::ICMPV6, [128, _]) => Some(Side::Opener),
        (Transport::ICMP, [0 | 14 | 16 | 18, _]) | (Transport::ICMPV6, [129, _]) => Some(Side::Answerer),
        _ => None,
    }
}

/// The verdict that the flow has by itself.
pub(super) fn judge(policy: &Policy, record: &mut FlowRecord) {
    let vantage = vantage(policy, record.facts.sensor);
    record.judgement = Some(judge::judge(policy, &record.facts, vantage, false));
}

/// A packet whose flow found no place: judged by its addresses, as a flow of that packet alone (RULES 26).
#[must_use]
pub(super) fn untracked(policy: &Policy, packet: &Decoded) -> FlowRecord {
    let frames = frames_of(packet);
    let sender = SideFacts {
        packets: frames.packets,
        wire_bytes: frames.bytes,
        captured_bytes: u64::from(packet.head.captured_len) + packet.fragments_captured_bytes,
        ..SideFacts::default()
    };
    let FlowFacts { client, basis, .. } = judge::facts_of(packet);
    let [source, target] = [packet.tuple.source, packet.tuple.target];
    let mut facts = FlowFacts {
        id: FlowId { ordinal: packet.head.ordinal, carrier: packet.layer },
        carrier: packet.carrier,
        transport: packet.tuple.transport,
        opener: source,
        answerer: target,
        // Neither end is known to have opened: as in midstream, the lower port is more often the server's.
        client: if basis == DirectionBasis::Guess && source.port < target.port {
            Side::Answerer
        } else {
            client
        },
        basis,
        sides: [sender, SideFacts::default()],
        encap: packet.encap,
        sensor: packet.head.sensor,
        interface: packet.head.interface,
        first: packet.head.at,
        last: packet.head.at,
        first_frame: packet.head.ordinal,
        last_frame: packet.head.ordinal,
        end: EndReason::Evicted,
        ..FlowFacts::default()
    };
    facts.causes.add(Cause::ResourceEvicted);
    let mut judgement = judge::first(policy, packet, vantage(policy, packet.head.sensor));
    if judgement.verdict == Verdict::Conforming {
        // What one packet shows acquits no flow that could not be followed.
        judgement.doubt(Cause::ResourceEvicted, "");
    }
    FlowRecord { facts, judgement: Some(judgement), ..FlowRecord::default() }
}
