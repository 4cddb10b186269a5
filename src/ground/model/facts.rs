//! All that was measured of one flow. No verdict.

use super::{
    address::{Mac, Transport},
    cause::Causes,
    decoded::{Outer, TcpFlags},
    identity::Identity,
    key::{Encap, Endpoint, Side, TunnelKind},
    packet::{InterfaceId, Ordinal, SensorId},
    time::{Span, Timestamp},
};

/// Names a flow: the ordinal of the packet that opened it, and whether it is an outer layer of that packet.
///
/// One frame can open an inner flow and, around it, one carrier per layer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FlowId {
    /// The frame.
    pub ordinal: Ordinal,
    /// 0 for the innermost flow, else the carrier's layer counted from the inside.
    pub carrier: u8,
}

/// On what we say who is the client (RULES 25), strongest first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DirectionBasis {
    /// A SYN was seen.
    Syn,
    /// A SYN-ACK was seen, its SYN was not.
    SynAck,
    /// The protocol shows it: hello, query, Initial, request.
    Role,
    /// First packet of a UDP or ICMP flow that began well inside its source.
    FirstPacket,
    /// Anything weaker: the port, or nothing.
    #[default]
    Guess,
    /// SYNs came from both ends.
    BothSyn,
}

impl DirectionBasis {
    /// The code in flow lines.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Syn => "syn",
            Self::SynAck => "synack",
            Self::Role => "role",
            Self::FirstPacket => "first_packet",
            Self::Guess => "guess",
            Self::BothSyn => "both_syn",
        }
    }

    /// True when the direction carries a verdict by itself.
    #[must_use]
    pub const fn is_sure(self) -> bool {
        !matches!(self, Self::Guess | Self::BothSyn)
    }
}

/// Why a flow's record ends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum EndReason {
    /// The input ended first.
    #[default]
    InputEnd,
    /// Both ends said FIN and acknowledged it.
    Fin,
    /// A reset that fits the connection.
    Reset,
    /// Silent longer than its limit.
    Idle,
    /// A new connection took the same ends (RULES 34).
    Reused,
    /// Written before its end because memory ran out.
    Evicted,
}

impl EndReason {
    /// The code in flow lines.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::InputEnd => "input_end",
            Self::Fin => "fin",
            Self::Reset => "reset",
            Self::Idle => "idle",
            Self::Reused => "reused",
            Self::Evicted => "evicted",
        }
    }
}

/// How far a TCP connection came, as seen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TcpState {
    /// Not TCP.
    #[default]
    None,
    /// SYN only.
    SynSent,
    /// SYN and SYN-ACK.
    SynReceived,
    /// The handshake was completed.
    Established,
    /// The first packet seen was no SYN.
    Midstream,
    /// A FIN or a fitting RST was seen.
    Closing,
    /// Over.
    Closed,
}

impl TcpState {
    /// The code in flow lines.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::None => "",
            Self::SynSent => "syn_sent",
            Self::SynReceived => "syn_received",
            Self::Established => "established",
            Self::Midstream => "midstream",
            Self::Closing => "closing",
            Self::Closed => "closed",
        }
    }
}

/// What one end sent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SideFacts {
    /// Packets, SPAN duplicates not counted; with the frames of fragmented datagrams.
    pub packets: u64,
    /// Bytes on the wire, whole frames, duplicates not counted.
    pub wire_bytes: u64,
    /// Bytes in the capture.
    pub captured_bytes: u64,
    /// Payload bytes above TCP, UDP or IP, by the IP length, retransmissions included.
    pub payload_bytes: u64,
    /// All TCP flags ever set.
    pub flags: TcpFlags,
    /// SPAN duplicates (RULES 33).
    pub duplicates: u64,
    /// Their bytes on the wire.
    pub duplicate_bytes: u64,
    /// Segments that brought nothing new.
    pub retransmissions: u64,
    /// Holes in the sequence that were never filled.
    pub gaps: u64,
    /// Bytes that the other end acknowledged and that were never seen.
    pub unseen_bytes: u64,
    /// Advances of the other end's acknowledgment, in bytes: the base of the loss share (THREATS §4 formula 2).
    pub acked_bytes: u64,
    /// Packets the snaplen cut.
    pub cut: u64,
    /// Smallest and largest TTL; 0 and 0 when nothing was sent.
    pub ttl: [u8; 2],
    /// Source addresses on the link, the first two distinct ones.
    pub macs: [Option<Mac>; 2],
    /// VLAN ids seen, each once, at most four.
    pub vlans: Vec<u16>,
}

/// All that was measured of one flow.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FlowFacts {
    /// Its name.
    pub id: FlowId,
    /// `Some` for the flow of an outer layer (RULES 18).
    pub carrier: Option<TunnelKind>,
    /// The protocol above IP.
    pub transport: Transport,
    /// The end that sent the first packet seen.
    pub opener: Endpoint,
    /// The other end.
    pub answerer: Endpoint,
    /// Which of the two is the client.
    pub client: Side,
    /// On what that rests.
    pub basis: DirectionBasis,
    /// What each end sent: opener, answerer.
    pub sides: [SideFacts; 2],
    /// Tunnels around it that are part of its key.
    pub encap: Encap,
    /// The outer layers of its first packet, outermost first.
    pub outers: Vec<Outer>,
    /// Sensor of its first packet.
    pub sensor: SensorId,
    /// Other sensors that saw the same flow (RULES 19), in order; their packets are counted with it.
    pub also_seen: Vec<SensorId>,
    /// Interface of its first packet.
    pub interface: InterfaceId,
    /// Stamp of its first packet in input order.
    pub first: Timestamp,
    /// Largest stamp of its packets.
    pub last: Timestamp,
    /// Its first frame.
    pub first_frame: Ordinal,
    /// Its last frame.
    pub last_frame: Ordinal,
    /// How far TCP came.
    pub tcp: TcpState,
    /// SYN to the ACK of the SYN-ACK, where all three were seen.
    pub rtt: Option<Span>,
    /// ICMP type and code, of the first packet.
    pub icmp: Option<[u8; 2]>,
    /// ICMP errors about this flow (RULES 11): how many, and the last type and code.
    pub icmp_errors: Option<(u64, [u8; 2])>,
    /// Bytes on the wire of these errors: routers sent them, so neither end's counters hold them.
    pub icmp_error_bytes: u64,
    /// SYNs that were noted in this flow and never answered (RULES 34).
    pub noted_syns: u64,
    /// The client acknowledged bytes that were not seen: an answer exists.
    pub client_acked_unseen: bool,
    /// Why the record ends.
    pub end: EndReason,
    /// What it showed about itself.
    pub identity: Identity,
    /// What weakens it, from the headers: `midstream`, `gap_acked`, `snaplen` …
    pub causes: Causes,
}

impl FlowFacts {
    /// The end that plays the client.
    #[must_use]
    pub const fn client_end(&self) -> Endpoint {
        match self.client {
            Side::Opener => self.opener,
            Side::Answerer => self.answerer,
        }
    }

    /// The end that plays the server.
    #[must_use]
    pub const fn server_end(&self) -> Endpoint {
        match self.client {
            Side::Opener => self.answerer,
            Side::Answerer => self.opener,
        }
    }

    /// What the client sent.
    #[must_use]
    pub const fn up(&self) -> &SideFacts {
        &self.sides[self.client.index()]
    }

    /// What the server sent.
    #[must_use]
    pub const fn down(&self) -> &SideFacts {
        &self.sides[self.client.other().index()]
    }

    /// True when the peer answered, as far as packets can show it (RULES 11).
    #[must_use]
    pub fn is_answered(&self) -> bool {
        self.is_answered_to(self.client)
    }

    /// The same, where this end is taken for the client.
    #[must_use]
    pub fn is_answered_to(&self, client: Side) -> bool {
        let (up, down) = (&self.sides[client.index()], &self.sides[client.other().index()]);
        let server_spoke = down.packets > 0 && !down.flags.has(TcpFlags::RST)
            || down.packets > 1 && down.payload_bytes > 0
            || down.flags.has(TcpFlags::SYN.with(TcpFlags::ACK));
        let client_spoke = self.transport == Transport::TCP && up.payload_bytes > 0;
        server_spoke || client_spoke || self.client_acked_unseen
    }

    /// Packets of both ends, duplicates and ICMP errors included: what the accounting identity counts.
    #[must_use]
    pub fn packets(&self) -> u64 {
        let errors = self.icmp_errors.map_or(0, |(count, _)| count);
        errors + self.sides.iter().map(|side| side.packets + side.duplicates).sum::<u64>()
    }

    /// Bytes on the wire of both ends, duplicates and ICMP errors included.
    #[must_use]
    pub fn wire_bytes(&self) -> u64 {
        let sides = self.sides.iter().map(|side| side.wire_bytes + side.duplicate_bytes).sum::<u64>();
        self.icmp_error_bytes + sides
    }
}
