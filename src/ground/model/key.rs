//! What makes packets one flow, and how flows are spread over workers.

use std::{
    hash::{Hash, Hasher},
    net::{IpAddr, Ipv4Addr},
};

use super::{address::Transport, packet::SensorId};

/// An address with a port; port 0 where the protocol has none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Endpoint {
    /// The address.
    pub addr: IpAddr,
    /// The port, 0 where there is none.
    pub port: u16,
}

impl Default for Endpoint {
    fn default() -> Self {
        Self { addr: IpAddr::V4(Ipv4Addr::UNSPECIFIED), port: 0 }
    }
}

/// A packet's two ends and protocol, in the packet's own direction.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tuple {
    /// Where it came from.
    pub source: Endpoint,
    /// Where it went.
    pub target: Endpoint,
    /// The protocol above IP.
    pub transport: Transport,
}

/// One end of a flow: the one that sent the first packet we saw, or the other.
///
/// This is not yet client and server: RULES 25 decides that, and the basis is kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Side {
    /// Sent the first packet seen.
    #[default]
    Opener,
    /// The other end.
    Answerer,
}

impl Side {
    /// Both, in order.
    pub const BOTH: [Self; 2] = [Self::Opener, Self::Answerer];

    /// The opposite end.
    #[must_use]
    pub const fn other(self) -> Self {
        match self {
            Self::Opener => Self::Answerer,
            Self::Answerer => Self::Opener,
        }
    }

    /// 0 for the opener, 1 for the answerer: for pairs kept in arrays.
    #[must_use]
    pub const fn index(self) -> usize {
        self as usize
    }
}

/// The kinds of tunnels that carry other packets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TunnelKind {
    /// None: the packet lay directly on the link.
    #[default]
    None,
    /// IPv4 in IPv4 or IPv6 (protocol 4).
    Ip4InIp,
    /// IPv6 in IPv4 or IPv6 (protocol 41).
    Ip6InIp,
    /// GRE (RFC 2784, 2890).
    Gre,
    /// ERSPAN type I, II or III over GRE: a mirror's transport, never a network of its own.
    Erspan,
    /// VXLAN (RFC 7348).
    Vxlan,
    /// GENEVE (RFC 8926).
    Geneve,
    /// GTP-U (3GPP TS 29.281).
    GtpU,
    /// Teredo (RFC 4380).
    Teredo,
}

impl TunnelKind {
    /// The word used in flow lines and causes.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::None => "",
            Self::Ip4InIp => "ipip",
            Self::Ip6InIp => "6in4",
            Self::Gre => "gre",
            Self::Erspan => "erspan",
            Self::Vxlan => "vxlan",
            Self::Geneve => "geneve",
            Self::GtpU => "gtp-u",
            Self::Teredo => "teredo",
        }
    }
}

/// The identity of the real tunnels around a packet (RULES 17): the same addresses under two VNIs are two flows.
///
/// Only tunnels that have a number (VNI, GRE key, TEID is per direction and does not count) tell flows apart.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Encap {
    /// The innermost tunnel with an identity.
    pub kind: TunnelKind,
    /// Its VNI or GRE key.
    pub id: u32,
    /// Identity of the numbered tunnels further out, folded in order; 0 when there is none.
    pub outer: u64,
}

/// What makes packets one flow (RULES 17). The two ends stand in a fixed order, so both directions give one key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct FlowKey {
    /// The smaller end.
    pub low: Endpoint,
    /// The larger end.
    pub high: Endpoint,
    /// The protocol above IP.
    pub transport: Transport,
    /// True for the flow of an outer layer (RULES 18): never the same flow as one met innermost.
    pub carrier: bool,
    /// Where it was seen.
    pub sensor: SensorId,
    /// The VLAN, only where the policy tells overlapping segments apart by it; else 0.
    pub vlan: u16,
    /// The tunnels around it.
    pub encap: Encap,
}

impl FlowKey {
    /// The key of a packet with these two ends, and whether the packet's source is the lower end.
    #[must_use]
    pub fn new(tuple: &Tuple, sensor: SensorId, encap: Encap, vlan: u16, carrier: bool) -> (Self, bool) {
        let source_is_low = tuple.source <= tuple.target;
        let (low, high) =
            if source_is_low { (tuple.source, tuple.target) } else { (tuple.target, tuple.source) };
        (Self { low, high, transport: tuple.transport, carrier, sensor, vlan, encap }, source_is_low)
    }
}

impl Hash for FlowKey {
    /// Written as few wide words: the derived form costs a call per field.
    fn hash<H: Hasher>(&self, state: &mut H) {
        let wide = |addr| match addr {
            IpAddr::V4(addr) => u128::from(Ipv4Addr::to_bits(addr)) | 1 << 127,
            IpAddr::V6(addr) => addr.to_bits(),
        };
        state.write_u128(wide(self.low.addr));
        state.write_u128(wide(self.high.addr));
        state.write_u64(
            u64::from(self.low.port) << 48
                | u64::from(self.high.port) << 32
                | u64::from(self.transport.0) << 24
                | u64::from(self.carrier) << 16
                | u64::from(self.vlan),
        );
        state.write_u64(
            u64::from(self.sensor.0) << 40 | (self.encap.kind as u64) << 32 | u64::from(self.encap.id),
        );
        if self.encap.outer != 0 {
            state.write_u64(self.encap.outer);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tuple(source: (&str, u16), target: (&str, u16)) -> Tuple {
        let end = |(addr, port): (&str, u16)| Endpoint { addr: addr.parse().unwrap(), port };
        Tuple { source: end(source), target: end(target), transport: Transport::TCP }
    }

    #[test]
    fn both_directions_of_a_flow_share_a_key() {
        let there = tuple(("192.0.2.1", 50_000), ("198.51.100.7", 443));
        let back = tuple(("198.51.100.7", 443), ("192.0.2.1", 50_000));
        let key = |tuple| FlowKey::new(tuple, SensorId::NONE, Encap::default(), 0, false);
        assert_eq!(key(&there).0, key(&back).0);
        assert_ne!(key(&there).1, key(&back).1);
    }
}
