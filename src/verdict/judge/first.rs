//! The address verdict of one packet, without any state (RULES 25, 26; THREATS §0.3).
//!
//! It says only what holds whoever of the two is the client: a full flow table can hide nothing behind it.

use super::order::{Vantage, judge};
use crate::{
    ground::model::{
        address::Transport,
        cause::{Cause, Causes},
        decoded::{Decoded, PacketMarks, TcpFlags},
        facts::{DirectionBasis, FlowFacts, FlowId, SideFacts, TcpState},
        key::Side,
        verdict::Judgement,
    },
    policy::language::Policy,
};

/// What one packet alone allows to be said.
#[must_use]
pub fn first(policy: &Policy, packet: &Decoded, vantage: Vantage) -> Judgement {
    judge(policy, &facts_of(packet), vantage, false)
}

/// A packet as the only one of its flow: what [`first`] judges.
#[must_use]
pub fn facts_of(packet: &Decoded) -> FlowFacts {
    let flags = packet.tcp.map_or_else(TcpFlags::default, |tcp| tcp.flags);
    let is_syn = flags.has(TcpFlags::SYN);
    let is_answer = is_syn && flags.has(TcpFlags::ACK);
    let is_tcp = packet.tuple.transport == Transport::TCP && packet.tcp.is_some();
    let (client, basis) = match (is_tcp, is_answer, is_syn) {
        (true, true, _) => (Side::Answerer, DirectionBasis::SynAck),
        (true, false, true) => (Side::Opener, DirectionBasis::Syn),
        _ => (Side::Opener, DirectionBasis::Guess),
    };
    let sent = SideFacts {
        packets: 1,
        wire_bytes: u64::from(packet.head.wire_len),
        captured_bytes: u64::from(packet.head.captured_len),
        payload_bytes: u64::from(packet.payload_wire_len),
        flags,
        ttl: [packet.ttl; 2],
        macs: [packet.link.macs.map(|[source, _]| source), None],
        vlans: packet.link.vlans.ids().to_vec(),
        ..SideFacts::default()
    };
    let mut causes = Causes::default();
    for (mark, cause) in [
        (PacketMarks::FRAG_INCOMPLETE, Cause::FragIncomplete),
        (PacketMarks::FRAG_OVERLAP, Cause::FragOverlap),
        (PacketMarks::DEPTH_LIMIT, Cause::DepthLimit),
        (PacketMarks::SOURCE_ROUTED, Cause::UnknownAddress),
    ] {
        if packet.marks.has(mark) {
            causes.add(cause);
        }
    }
    FlowFacts {
        id: FlowId { ordinal: packet.head.ordinal, carrier: 0 },
        carrier: packet.carrier,
        transport: packet.tuple.transport,
        opener: packet.tuple.source,
        answerer: packet.tuple.target,
        client,
        basis,
        sides: [sent, SideFacts::default()],
        sensor: packet.head.sensor,
        interface: packet.head.interface,
        first: packet.head.at,
        last: packet.head.at,
        first_frame: packet.head.ordinal,
        last_frame: packet.head.ordinal,
        tcp: if is_tcp && !is_syn { TcpState::Midstream } else { TcpState::None },
        icmp: packet.icmp,
        // An ACK that opens nothing answers something that was not seen.
        client_acked_unseen: is_tcp && !is_syn && flags.has(TcpFlags::ACK),
        causes,
        ..FlowFacts::default()
    }
}
