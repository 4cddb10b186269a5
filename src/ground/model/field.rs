//! The closed vocabulary of facts that dissectors may write down. A new fact is one line here.

macro_rules! fields {
    ($($(#[doc = $doc:literal])+ $name:ident = $key:literal from $source:literal;)+) => {
        /// One kind of fact about a flow.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Field { $($(#[doc = $doc])+ $name,)+ }

        impl Field {
            /// Every field, in order.
            pub const ALL: &'static [Self] = &[$(Self::$name,)+];

            /// The key in JSON.
            #[must_use]
            pub const fn key(self) -> &'static str {
                match self { $(Self::$name => $key,)+ }
            }

            /// Where the meaning is laid down.
            #[must_use]
            pub const fn source(self) -> &'static str {
                match self { $(Self::$name => $source,)+ }
            }
        }
    };
}

impl Field {
    /// True for what only flow lines show. No verdict, check or count rests on it, so it is left out where no line is
    /// written.
    #[must_use]
    pub const fn is_shown_only(self) -> bool {
        !matches!(self, Self::Sni | Self::CertName | Self::CertIssuer | Self::HttpHost)
    }
}

fields! {
    /// Server name of a TLS, DTLS or QUIC ClientHello. [`Value::Name`](super::observation::Value::Name)
    Sni = "sni" from "RFC 6066 section 3";
    /// Application protocol offered or chosen by ALPN. `Text`
    Alpn = "alpn" from "RFC 7301";
    /// Chosen version and cipher, `0xVVVV;0xCCCC`. `Text`
    Tls = "tls" from "RFC 8446 section 4.1.3";
    /// JA4 fingerprint of a ClientHello. `Text`
    Ja4 = "ja4" from "FoxIO JA4 technical details";
    /// Encrypted ClientHello or ESNI offered: `ech`, `esni`. `Text`
    Ech = "ech" from "RFC 9849";
    /// Name in a certificate: common name and each DNS name. `Name`
    CertName = "cert_names" from "RFC 5280 sections 4.1.2.6, 4.2.1.6";
    /// Common name and organisation of the issuer. `Text`
    CertIssuer = "cert_issuers" from "RFC 5280 section 4.1.2.4";
    /// First and last moment of a leaf certificate, `not_before/not_after`. `Text`
    CertValidity = "cert_validity" from "RFC 5280 section 4.1.2.5";
    /// QUIC version of an Initial, `v1`, `v2`, `draft-29`, else hex. `Text`
    QuicVersion = "quic_version" from "RFC 9000, RFC 9369";
    /// Host of an HTTP request: Host field, authority, absolute form. `Name` or `Target` with port
    HttpHost = "http_host" from "RFC 9112 section 3.2";
    /// Target of a CONNECT request. `Target`
    ConnectTarget = "connect_target" from "RFC 9110 section 9.3.6";
    /// Target of a SOCKS request. `Target`
    SocksTarget = "socks_target" from "RFC 1928 section 4";
    /// Name in a DNS question. `Name`
    DnsQuery = "dns_query" from "RFC 1035 section 4.1.2";
    /// Address in a DNS answer. `Answer`
    DnsAnswer = "dns_answers" from "RFC 1035 section 3.4.1, RFC 3596";
    /// Name a host gives itself: mDNS, LLMNR, NetBIOS, DHCP. `Text`
    HostLabel = "host_names" from "RFC 2132 section 3.14, RFC 6762";
    /// Software banner: SSH version string, mail greeting. `Text`
    Banner = "banner" from "RFC 4253 section 4.2";
}
