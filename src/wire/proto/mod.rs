//! FAMILY: one file a protocol.
//!
//! To add one: a file with a `pub static PROTOCOL: Protocol`, one `mod` line and one line in [`REGISTRY`].

#![deny(clippy::indexing_slicing, clippy::unwrap_used, clippy::expect_used, clippy::panic)]
#![cfg_attr(test, allow(clippy::indexing_slicing, clippy::unwrap_used, clippy::expect_used, clippy::panic))]

pub mod dissector;

// TLS family
mod certificate;
pub mod dtls;
mod gquic;
mod hello;
mod ja4;
mod leaf;
mod pieces;
pub mod quic;
mod quic_keys;
pub mod tls;

// stream and datagram protocols
pub mod database;
pub mod dcerpc;
pub mod dhcp;
mod dialogue;
pub mod dns;
mod dns_message;
pub mod ftp;
mod hpack;
pub mod http1;
pub mod http2;
mod http_body;
mod http_head;
pub mod kerberos;
pub mod ldap;
pub mod local_names;
pub mod mail;
pub mod media;
pub mod mqtt;
pub mod peer;
pub mod rdp;
pub mod screen;
mod shapes;
pub mod smb;
pub mod socks;
pub mod ssh;
pub mod time_log;
#[cfg(test)]
mod told;
pub mod vpn;

use crate::ground::model::address::Transport;
use dissector::Protocol;

/// All protocols, in the order their probes are tried when the port gives no hint.
pub static REGISTRY: &[&Protocol] = &[
    // TLS family
    &tls::PROTOCOL,
    &quic::PROTOCOL,
    &dtls::PROTOCOL,
    // all others
    // the first bytes of these are theirs alone
    &ssh::PROTOCOL,
    &smb::PROTOCOL,
    &rdp::PROTOCOL,
    &screen::VNC,
    &screen::ICA,
    &peer::BITTORRENT_TCP,
    &mqtt::PROTOCOL,
    &media::STUN_TCP,
    // a request line with another scheme than HTTP's
    &media::SIP_TCP,
    &http1::PROTOCOL,
    &http2::PROTOCOL,
    &mail::SMTP,
    &mail::POP3,
    &mail::IMAP,
    &ftp::PROTOCOL,
    &ldap::TCP,
    &ldap::UDP,
    &database::POSTGRESQL,
    &database::MYSQL,
    &socks::PROTOCOL,
    // begins like SOCKS 5 and shows what it is later
    &dcerpc::PROTOCOL,
    // their names are a shape of their own that DNS would take for its own
    &local_names::NBNS,
    &dns::UDP,
    &dns::TCP,
    &local_names::MDNS,
    &local_names::LLMNR,
    &local_names::NBDGM,
    &dhcp::V4,
    &dhcp::V6,
    &vpn::IKE,
    &vpn::WIREGUARD,
    &vpn::OPENVPN_UDP,
    &media::STUN_UDP,
    &media::SIP_UDP,
    &peer::BITTORRENT_UDP,
    &kerberos::UDP,
    &dcerpc::DATAGRAMS,
    &time_log::SNMP,
    &time_log::RADIUS,
    &time_log::TFTP,
    &time_log::SYSLOG_UDP,
    // weaker shapes come last
    &kerberos::TCP,
    &screen::TELNET,
    &time_log::SYSLOG_TCP,
    &vpn::OPENVPN_TCP,
    &time_log::NTP,
    &media::RTP,
];

/// True when a segment or datagram of a settled flow begins a new handshake in the clear: the flow must be read again
/// (RULES 24). Cheap enough to be asked for each packet of settled flows.
#[must_use]
pub fn reopens(transport: Transport, payload: &[u8]) -> bool {
    match transport {
        Transport::TCP => tls::reopens(payload),
        Transport::UDP => quic::reopens(payload) || dtls::reopens(payload),
        _ => false,
    }
}
