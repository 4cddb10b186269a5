//! SK-H: tunnels, and ways around what inspects and restricts.

use super::case::{Case, Reached, Side, Spoken};
use crate::{
    ground::model::{
        address::Transport,
        cause::Cause,
        identity::{Marks, TargetKind},
        key::TunnelKind,
        verdict::Verdict,
    },
    policy::language::Model,
};

/// VPNs by their ports: L2TP, PPTP, IKE, OpenVPN, WireGuard (IANA; the last from memory).
const VPN_PORTS: &[u16] = &[500, 1194, 1701, 1723, 4500, 51_820];
/// ESP, AH, GRE, EtherIP, L2TPv3 (IANA protocol numbers).
const VPN_PROTOCOLS: &[u8] = &[47, 50, 51, 97, 115];
/// Relays of the SoftEther family (DOMAIN §4.H H02, from memory).
const SOFTETHER: &[&str] = &["softether.net", "vpnazure.net", "softether-network.net"];
/// Services for remote support (DOMAIN §4.H H03; the names from memory).
const REMOTE_SUPPORT: &[&str] = &[
    "teamviewer.com",
    "anydesk.com",
    "net.anydesk.com",
    "remotedesktop.google.com",
    "logmein.com",
    "splashtop.com",
    "rustdesk.com",
];
/// Resolvers that are asked over HTTPS (DOMAIN §4.H H04; the names from memory).
const DOH: &[&str] = &[
    "dns.google",
    "cloudflare-dns.com",
    "one.one.one.one",
    "dns.quad9.net",
    "doh.opendns.com",
    "dns.adguard.com",
];
/// DNS over TLS and QUIC (RFC 7858, RFC 9250).
const DOT_PORT: u16 = 853;
/// Teredo (RFC 4380).
const TEREDO_PORT: u16 = 3544;
/// IPv6 in IPv4 (RFC 4213).
const IPV6_IN_IPV4: u8 = 41;
/// TLS.
const HTTPS: u16 = 443;
/// Where TLS is at home beside 443: mail, LDAP, DNS, FTP, RDP, syslog, SIP, management of web servers (IANA).
const TLS_PORTS: &[u16] =
    &[25, 110, 143, 443, 465, 587, 636, 853, 989, 990, 993, 995, 3269, 3389, 5061, 5986, 6514, 8443];
/// BitTorrent and delivery of updates among terminals (the latter from memory).
const PEER_PORTS: &[u16] = &[6881, 7680];

/// The lists of this file that hold a port, a bit for each.
pub(super) fn lists_of_port(port: u16) -> u8 {
    let lists = [VPN_PORTS, TLS_PORTS, PEER_PORTS, &[DOT_PORT], &[TEREDO_PORT], &[HTTPS]];
    (0..).zip(lists).filter(|(_, list)| list.contains(&port)).fold(0, |bits, (bit, _)| bits | 1 << bit)
}

/// SK-H01: recognised, by its port, by its protocol, or opened and judged as an outer layer.
pub(super) fn vpn(case: &Case<'_>) -> Option<Spoken> {
    let facts = case.facts;
    let is_vpn = VPN_PROTOCOLS.contains(&facts.transport.0)
        || facts.carrier.is_some_and(|kind| !matches!(kind, TunnelKind::Teredo | TunnelKind::Ip6InIp))
        || case.speaks(&["wireguard", "openvpn", "ike"], VPN_PORTS);
    case.broken_where(|_| is_vpn)
}

/// SK-H02
pub(super) fn softether(case: &Case<'_>) -> Option<Spoken> {
    case.unapproved(SOFTETHER)
}

/// SK-H03
pub(super) fn remote_support(case: &Case<'_>) -> Option<Spoken> {
    case.unapproved(REMOTE_SUPPORT)
}

/// SK-H04: unless a channel allows it.
pub(super) fn hidden_resolution(case: &Case<'_>) -> Option<Spoken> {
    let is_dot = |server: &&Reached<'_>| server.port == DOT_PORT && server.side.is_outside();
    let by_port = || case.reached.first().filter(is_dot).cloned();
    let reached = case.named(DOH).or_else(by_port)?;
    let is_inside = matches!(case.from, Side::Segment(_));
    (is_inside && case.judgement.verdict != Verdict::Conforming).then(|| case.about(&reached))
}

/// SK-H05
pub(super) fn change_to_ipv6(case: &Case<'_>) -> Option<Spoken> {
    let facts = case.facts;
    let is_teredo = facts.transport == Transport::UDP && facts.server_end().port == TEREDO_PORT;
    let is_tunnel = facts.transport.0 == IPV6_IN_IPV4
        || matches!(facts.carrier, Some(TunnelKind::Teredo | TunnelKind::Ip6InIp))
        || is_teredo;
    case.broken_where(|_| is_tunnel)
}

/// SK-H06: with the internet, whoever opened it; what a channel allows is approved.
pub(super) fn ssh_outside(case: &Case<'_>) -> Option<Spoken> {
    let server = case.reached.first()?;
    let is_outside = server.side == Side::Rest || case.from == Side::Rest;
    let is_ssh = case.speaks(&["ssh"], &[]);
    (is_ssh && is_outside && case.judgement.verdict != Verdict::Conforming).then(|| case.about(server))
}

/// SK-H08: where the flow crosses a border and nothing allows it as it is.
pub(super) fn other_protocol(case: &Case<'_>) -> Option<Spoken> {
    let server = case.reached.first()?;
    let is_open = case.crosses() && case.judgement.verdict != Verdict::Conforming;
    if !is_open || case.facts.transport != Transport::TCP {
        return None;
    }
    // What a proxy's tunnel carries is the tunnel's.
    let is_tls = case.facts.identity.app == "tls";
    let is_known = !case.facts.identity.app.is_empty() || case.facts.identity.marks.has(Marks::OPAQUE);
    let disguised = server.port == HTTPS
        && is_known
        && !is_tls
        && (case.judgement.causes.has(Cause::NotTheExpectedProtocol) || case.is_violation());
    let elsewhere = is_tls && !TLS_PORTS.contains(&server.port) && server.side.is_outside();
    (disguised || elsewhere).then(|| case.about(server))
}

/// SK-H09: to the outside, where something inspects TCP alone.
pub(super) fn quic(case: &Case<'_>) -> Option<Spoken> {
    let server = case.reached.first()?;
    let is_asked = matches!(case.model.0, Model::AlphaPrime | Model::Beta | Model::BetaPrime);
    let is_quic = case.facts.transport == Transport::UDP && case.speaks(&["quic"], &[]);
    let leaves = matches!(case.from, Side::Segment(_)) && server.side.is_outside();
    (is_asked && is_quic && leaves).then(|| case.about(server))
}

/// SK-H10
pub(super) fn connect_elsewhere(case: &Case<'_>) -> Option<Spoken> {
    case.broken_where(|reached| {
        let target = reached.target.map(|(_, target)| target);
        target.is_some_and(|target| target.kind == TargetKind::Connect && target.port != Some(HTTPS))
    })
}

/// SK-H11
pub(super) fn peer_to_peer(case: &Case<'_>) -> Option<Spoken> {
    let is_peer = case.speaks(&["bittorrent"], PEER_PORTS);
    case.broken_where(|_| is_peer)
}
