//! Which protocol a service implies (RULES 23), and which services carry no name by nature.

use super::item::{AppRule, Channel};
use crate::ground::model::address::Transport;

/// The applications that a server port implies, by their words in flow lines; empty where it implies none.
#[must_use]
pub const fn implied_apps(transport: Transport, port: u16) -> &'static [&'static str] {
    match (transport, port) {
        (Transport::TCP, 22) => &["ssh"],
        (Transport::TCP, 25) => &["smtp"],
        (Transport::TCP | Transport::UDP, 53) => &["dns"],
        (Transport::TCP, 80) => &["http", "http2"],
        (Transport::TCP, 443 | 853) => &["tls"],
        (Transport::UDP, 443) => &["quic"],
        (Transport::UDP, 853) => &["quic", "dtls"],
        (Transport::TCP, 445) => &["smb"],
        (Transport::TCP, 3389) => &["rdp"],
        (Transport::UDP, 3389) => &["rdp", "dtls"],
        _ => &[],
    }
}

/// Services that are one-way by nature: SNMP traps, syslog, NetFlow and IPFIX, sFlow (by their IANA ports).
const ONE_WAY_PORTS: [u16; 5] = [162, 514, 2055, 4739, 6343];

/// The ports that this file knows by themselves.
pub(super) fn told_ports() -> impl Iterator<Item = u16> {
    [22, 25, 53, 80, 443, 445, 853, 3389].into_iter().chain(ONE_WAY_PORTS)
}

/// Which application a flow of a channel must show.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ExpectedApp<'a> {
    /// Whatever it likes.
    Any,
    /// One of these.
    OneOf(&'static [&'static str]),
    /// This one.
    Named(&'a str),
}

impl Channel {
    /// Which application a flow to this server port must show.
    #[must_use]
    pub fn expected_app(&self, transport: Transport, port: u16) -> ExpectedApp<'_> {
        match &self.app {
            AppRule::Any(_) => ExpectedApp::Any,
            AppRule::Named(app) => ExpectedApp::Named(app),
            AppRule::Implied => match implied_apps(transport, port) {
                [] => ExpectedApp::Any,
                apps => ExpectedApp::OneOf(apps),
            },
        }
    }

    /// True when silence of the server is no fault (RULES 12): the channel says so, or the service is one-way by
    /// nature.
    #[must_use]
    pub fn may_be_one_way(&self, transport: Transport, port: u16) -> bool {
        self.one_way || transport == Transport::UDP && ONE_WAY_PORTS.contains(&port)
    }
}

#[cfg(test)]
mod tests {
    use super::{super::twins::twin, *};

    #[test]
    fn rule_23_well_known_ports_imply_their_protocol_and_others_imply_none() {
        assert_eq!(implied_apps(Transport::TCP, 443), ["tls"]);
        assert_eq!(implied_apps(Transport::UDP, 443), ["quic"]);
        assert_eq!(implied_apps(Transport::UDP, 53), ["dns"]);
        for (transport, port) in [(Transport::TCP, 8443), (Transport::UDP, 22), (Transport::SCTP, 443)] {
            assert!(implied_apps(transport, port).is_empty(), "{transport}/{port}");
        }
        let policy = twin("minato_alpha_prime_i.toml");
        let channel = |id: &str| policy.channels().iter().find(|channel| &*channel.id == id).unwrap();
        assert_eq!(channel("b-onsei").expected_app(Transport::UDP, 443), ExpectedApp::Any);
        assert_eq!(channel("b-signin").expected_app(Transport::TCP, 443), ExpectedApp::OneOf(&["tls"]));
    }

    #[test]
    fn rule_12_silence_is_no_fault_where_the_channel_or_the_service_says_so() {
        let policy = twin("minato_alpha.toml");
        let channel = |id: &str| policy.channels().iter().find(|channel| &*channel.id == id).unwrap();
        assert!(
            channel("g-keiho-log").one_way && channel("g-keiho-log").may_be_one_way(Transport::UDP, 9999)
        );
        assert!(channel("g-dns").may_be_one_way(Transport::UDP, 514));
        assert!(!channel("g-dns").may_be_one_way(Transport::UDP, 53));
    }
}
