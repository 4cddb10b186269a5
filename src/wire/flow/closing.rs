//! From what was counted to the facts of a flow.

use std::net::IpAddr;

use super::{
    counting::Count,
    entry::{FirstMarks, Hot, HotMarks, Opening, Rare, Spoken},
    links::{Changes, Links},
    role::role,
    tcp::{SideMarks, Tcp},
};
use crate::ground::model::{
    address::Transport,
    cause::{Cause, Causes},
    facts::{EndReason, FlowFacts, SideFacts, TcpState},
    key::{Endpoint, FlowKey, Side},
    packet::SensorId,
};

/// What ends a flow, seen together with how its connection stood.
pub(super) fn end_reason(hot: &Hot, reason: EndReason) -> EndReason {
    if hot.marks.has(HotMarks::RESET_OPENER) || hot.marks.has(HotMarks::RESET_ANSWERER) {
        EndReason::Reset
    } else if hot.state == TcpState::Closed {
        EndReason::Fin
    } else {
        reason
    }
}

/// The facts of a flow as it stands. Identity is left empty: whoever read the bytes fills it in.
pub(super) fn facts(
    hot: &Hot,
    opening: &Opening,
    spoken: &Spoken,
    links: &Links,
    reason: EndReason,
) -> FlowFacts {
    let key = key(hot, opening);
    let ends = [key.low, key.high];
    let [opener, answerer] = if hot.marks.has(HotMarks::OPENER_LOW) { ends } else { [key.high, key.low] };
    let tcp = spoken.tcp.as_deref();
    let (client, basis) =
        role(key.transport, tcp, opening.marks.has(FirstMarks::WELL_INSIDE), opener, answerer);
    let end = end_reason(hot, reason);
    let no_rare = Rare::default();
    let rare = spoken.rare.as_deref().unwrap_or(&no_rare);
    let seen = Side::BOTH.map(|side| {
        let only = hot.link.get(side.index()).and_then(|number| links.get(*number));
        rare.links(side, only)
    });
    let sides =
        Side::BOTH.map(|side| side_facts(side, seen.get(side.index()).copied().flatten(), spoken, tcp, rare));
    FlowFacts {
        id: opening.id(),
        carrier: opening.carrier,
        transport: key.transport,
        opener,
        answerer,
        client,
        basis,
        causes: causes(hot, opening, tcp, rare, &sides, answerer),
        sides,
        encap: key.encap,
        outers: opening.wide.as_ref().map(|wide| wide.outers.clone()).unwrap_or_default(),
        sensor: key.sensor,
        also_seen: Vec::new(),
        interface: opening.interface,
        first: opening.first,
        last: hot.last,
        first_frame: opening.ordinal,
        last_frame: spoken.last_frame,
        tcp: if end == EndReason::Reset { TcpState::Closed } else { hot.state },
        rtt: tcp.and_then(Tcp::rtt),
        icmp: opening.icmp(hot),
        icmp_errors: (rare.icmp_errors > 0).then_some((rare.icmp_errors, rare.icmp_error)),
        icmp_error_bytes: rare.icmp_error_bytes,
        noted_syns: spoken.noted_syns(),
        client_acked_unseen: tcp.is_some_and(|tcp| tcp.side(client).marks.has(SideMarks::ACKED_UNSEEN)),
        end,
        identity: Default::default(),
    }
}

/// The key of a flow, wherever it lies.
fn key(hot: &Hot, opening: &Opening) -> FlowKey {
    let whole = opening.wide.as_ref().and_then(|wide| wide.key.as_ref()).map(|whole| whole.flow);
    whole.or_else(|| hot.key.expand()).unwrap_or_else(|| FlowKey {
        low: Endpoint::default(),
        high: Endpoint::default(),
        transport: hot.transport,
        carrier: false,
        sensor: SensorId::NONE,
        vlan: 0,
        encap: Default::default(),
    })
}

fn side_facts(
    side: Side,
    links: Option<Changes>,
    spoken: &Spoken,
    tcp: Option<&Tcp>,
    rare: &Rare,
) -> SideFacts {
    let index = side.index();
    let of = |counters: &[u64; 2]| counters.get(index).copied().unwrap_or(0);
    let wire_bytes = spoken.total(Count::Wire, side);
    let mut facts = SideFacts {
        packets: spoken.total(Count::Packets, side),
        wire_bytes,
        captured_bytes: wire_bytes.saturating_sub(of(&rare.cut_bytes)),
        payload_bytes: spoken.total(Count::Payload, side),
        duplicates: of(&rare.duplicates),
        duplicate_bytes: of(&rare.duplicate_bytes),
        cut: of(&rare.cut),
        ttl: links.map(|links| links.ttl).unwrap_or_default(),
        macs: links.map(|links| links.macs).unwrap_or_default(),
        ..SideFacts::default()
    };
    facts.vlans.extend(links.and_then(|links| links.vlan));
    if let Some(more) = rare.vlans.get(index) {
        facts.vlans.extend(more);
    }
    if let Some(tcp) = tcp {
        let sent = tcp.side(side);
        let unseen = sent.unseen();
        facts.flags = sent.flags;
        facts.retransmissions = u64::from(sent.retransmissions);
        facts.gaps = unseen.gaps;
        facts.unseen_bytes = unseen.acked;
        facts.acked_bytes = sent.acked_bytes;
    }
    facts
}

fn causes(
    hot: &Hot,
    opening: &Opening,
    tcp: Option<&Tcp>,
    rare: &Rare,
    sides: &[SideFacts; 2],
    answerer: Endpoint,
) -> Causes {
    let mut causes = rare.causes.clone();
    if opening.carrier.is_some() {
        return causes;
    }
    let [opened, answered] = sides;
    // A group does not answer: nothing is missing there.
    if (opened.packets == 0 || answered.packets == 0) && !is_group(answerer.addr) {
        causes.add(Cause::OneWay);
    }
    if sides.iter().any(|side| matches!(side.macs, [_, Some(_)])) {
        causes.add(Cause::MacChange);
    }
    let Some(tcp) = tcp else { return causes };
    if tcp.sides.iter().all(|side| !side.marks.has(SideMarks::ISN)) {
        causes.add(Cause::Midstream);
    }
    for side in &tcp.sides {
        for doubt in side.doubts() {
            doubt.reason.note(&mut causes);
        }
        // Once nobody reads any more, loss is counted and lifts nothing (RULES 24).
        if hot.marks.has(HotMarks::READING) {
            let unseen = side.unseen();
            if unseen.acked > 0 {
                causes.add(Cause::GapAcked);
            }
            if unseen.unacked > 0 {
                causes.add(Cause::GapUnacked);
            }
        }
    }
    causes
}

fn is_group(addr: IpAddr) -> bool {
    addr.is_multicast() || matches!(addr, IpAddr::V4(addr) if addr.is_broadcast())
}

impl Spoken {
    /// What one packet alone comes to: the spoken part of a flow that has not been given one yet.
    ///
    /// `ttl` is the largest of the opener.
    pub(super) fn first(hot: &mut Hot, opening: &Opening, ttl: u8) -> Self {
        let mut spoken = Self { last_frame: opening.ordinal, ..Self::default() };
        spoken.change(Count::Packets, Side::Opener, |_| 1);
        spoken.change(Count::Wire, Side::Opener, |_| u64::from(hot.wire));
        spoken.change(Count::Payload, Side::Opener, |_| u64::from(hot.payload));
        if let Some(head) = opening.tcp(hot) {
            let segment = super::tcp::Segment {
                side: Side::Opener,
                head: &head,
                len: hot.payload,
                ttl,
                at: opening.first,
                doubt: None,
                sound: opening.marks.has(FirstMarks::SOUND),
                young: true,
            };
            let mut tcp = Tcp::default();
            // The opening's state was set by this very packet.
            hot.state = TcpState::None;
            tcp.segment(&segment, hot);
            spoken.tcp = Some(Box::new(tcp));
        } else if hot.transport == Transport::TCP {
            hot.state = TcpState::None;
        }
        spoken
    }
}
