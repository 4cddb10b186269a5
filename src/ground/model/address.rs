//! Addresses, prefixes, ports and services, as policies and packets name them.

use std::{
    fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    str::FromStr,
};

/// An Ethernet address (IEEE 802 MAC-48).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Mac(pub [u8; 6]);

impl Mac {
    /// True for group addresses, broadcast included (IEEE 802: lowest bit of the first byte).
    #[must_use]
    pub const fn is_group(self) -> bool {
        self.0[0] & 1 == 1
    }

    /// True for locally administered addresses, as randomising clients use them (second lowest bit).
    #[must_use]
    pub const fn is_local(self) -> bool {
        self.0[0] & 2 == 2
    }
}

impl fmt::Display for Mac {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d, e, g] = self.0;
        write!(f, "{a:02x}:{b:02x}:{c:02x}:{d:02x}:{e:02x}:{g:02x}")
    }
}

impl FromStr for Mac {
    type Err = BadAddress;

    /// Six pairs of hex digits, divided by `:` or `-`.
    fn from_str(text: &str) -> Result<Self, BadAddress> {
        let mut bytes = [0; 6];
        let mut parts = text.split([':', '-']);
        for byte in &mut bytes {
            let part = parts.next().filter(|part| part.len() == 2).ok_or(BadAddress::Mac)?;
            *byte = u8::from_str_radix(part, 16).map_err(|_| BadAddress::Mac)?;
        }
        if parts.next().is_some() { Err(BadAddress::Mac) } else { Ok(Self(bytes)) }
    }
}

/// Why a text is no address, prefix or service. The reader of the text adds the place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadAddress {
    /// Not six pairs of hex digits.
    #[error("not a MAC address (expected six pairs of hex digits, such as 02:00:00:00:20:fe)")]
    Mac,
    /// Not an address with an optional length.
    #[error("not an address or prefix (expected 10.1.0.0/16, 2001:db8::/32 or a single address)")]
    Prefix,
    /// A length beyond 32 (IPv4) or 128 (IPv6).
    #[error("prefix length is too large (at most 32 for IPv4, 128 for IPv6)")]
    PrefixLen,
    /// Bits are set behind the prefix length: the writer meant another prefix.
    #[error("bits are set behind the prefix length")]
    HostBits,
    /// Not `tcp|udp|sctp/N[-M]`, `icmp`, `icmpv6` or `ip/N`.
    #[error("not a service (expected tcp/443, udp/3478-3481, sctp/2905, icmp, icmpv6 or ip/47)")]
    Service,
}

/// A block of addresses: an address and how many of its leading bits count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Prefix {
    addr: IpAddr,
    len: u8,
}

impl Prefix {
    /// The block of `addr` with `len` leading bits.
    ///
    /// # Errors
    /// When `len` is beyond the family's width or bits behind it are set.
    pub fn new(addr: IpAddr, len: u8) -> Result<Self, BadAddress> {
        let width = width(addr);
        if len > width {
            return Err(BadAddress::PrefixLen);
        }
        let host_bits = width - len;
        let bits = bits(addr);
        if host_bits > 0 && host_bits < 128 && bits & ((1u128 << host_bits) - 1) != 0
            || host_bits == 128 && bits != 0
        {
            return Err(BadAddress::HostBits);
        }
        Ok(Self { addr, len })
    }

    /// The block that holds just this address.
    #[must_use]
    pub const fn single(addr: IpAddr) -> Self {
        let len = match addr {
            IpAddr::V4(_) => 32,
            IpAddr::V6(_) => 128,
        };
        Self { addr, len }
    }

    /// The first address of the block.
    #[must_use]
    pub const fn addr(&self) -> IpAddr {
        self.addr
    }

    /// How many leading bits count.
    #[must_use]
    pub const fn prefix_len(&self) -> u8 {
        self.len
    }

    /// The last address of the block.
    #[must_use]
    pub fn last(&self) -> IpAddr {
        let host_bits = width(self.addr) - self.len;
        let mask = if host_bits == 128 { u128::MAX } else { (1u128 << host_bits) - 1 };
        match self.addr {
            IpAddr::V4(addr) => IpAddr::V4(Ipv4Addr::from(addr.to_bits() | mask as u32)),
            IpAddr::V6(addr) => IpAddr::V6(Ipv6Addr::from(addr.to_bits() | mask)),
        }
    }

    /// True when the address lies in the block. Families never mix.
    #[must_use]
    pub fn contains(&self, addr: IpAddr) -> bool {
        self.addr.is_ipv4() == addr.is_ipv4() && {
            let host_bits = u32::from(width(addr) - self.len);
            let shift = |addr| bits(addr).checked_shr(host_bits).unwrap_or(0);
            shift(self.addr) == shift(addr)
        }
    }

    /// True when the two blocks share an address.
    #[must_use]
    pub fn overlaps(&self, other: &Self) -> bool {
        self.contains(other.addr) || other.contains(self.addr)
    }
}

const fn width(addr: IpAddr) -> u8 {
    if addr.is_ipv4() { 32 } else { 128 }
}

fn bits(addr: IpAddr) -> u128 {
    match addr {
        IpAddr::V4(addr) => u128::from(addr.to_bits()),
        IpAddr::V6(addr) => addr.to_bits(),
    }
}

impl fmt::Display for Prefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.addr, self.len)
    }
}

impl FromStr for Prefix {
    type Err = BadAddress;

    /// `10.1.0.0/16`, `2001:db8::/32`, or a single address.
    fn from_str(text: &str) -> Result<Self, BadAddress> {
        let Some((addr, len)) = text.split_once('/') else {
            return text.parse().map(Self::single).map_err(|_| BadAddress::Prefix);
        };
        let addr = addr.parse().map_err(|_| BadAddress::Prefix)?;
        let len = len.parse().map_err(|_| BadAddress::PrefixLen)?;
        Self::new(addr, len)
    }
}

/// A protocol above IP, by its IANA protocol number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Transport(pub u8);

impl Transport {
    /// Internet Control Message Protocol for IPv4.
    pub const ICMP: Self = Self(1);
    /// Transmission Control Protocol.
    pub const TCP: Self = Self(6);
    /// User Datagram Protocol.
    pub const UDP: Self = Self(17);
    /// Encapsulating Security Payload.
    pub const ESP: Self = Self(50);
    /// IP Authentication Header.
    pub const AH: Self = Self(51);
    /// Internet Control Message Protocol for IPv6.
    pub const ICMPV6: Self = Self(58);
    /// Stream Control Transmission Protocol.
    pub const SCTP: Self = Self(132);

    /// Its word, where it has one.
    #[must_use]
    pub const fn word(self) -> Option<&'static str> {
        Some(match self {
            Self::ICMP => "icmp",
            Self::TCP => "tcp",
            Self::UDP => "udp",
            Self::ESP => "esp",
            Self::AH => "ah",
            Self::ICMPV6 => "icmpv6",
            Self::SCTP => "sctp",
            Self(_) => return None,
        })
    }

    /// True when packets of this protocol carry port numbers.
    #[must_use]
    pub const fn has_ports(self) -> bool {
        matches!(self, Self::TCP | Self::UDP | Self::SCTP)
    }
}

impl fmt::Display for Transport {
    /// `tcp`, `udp`, `sctp`, `icmp`, `icmpv6`, `esp`, `ah`, else `ip/N`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.word() {
            Some(word) => f.write_str(word),
            None => write!(f, "ip/{}", self.0),
        }
    }
}

/// A protocol and, where it has them, a range of server ports: `tcp/443`, `udp/3478-3481`, `icmp`, `ip/47`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Service {
    /// The protocol above IP.
    pub transport: Transport,
    /// First port; 0 where the protocol has none.
    pub first: u16,
    /// Last port, included; 65535 where the protocol has none.
    pub last: u16,
}

impl Service {
    /// True when a flow to this server port belongs to the service. Protocols without ports ask with 0.
    #[must_use]
    pub const fn covers(&self, transport: Transport, port: u16) -> bool {
        self.transport.0 == transport.0 && self.first <= port && port <= self.last
    }
}

impl fmt::Display for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.transport)?;
        match (self.transport.has_ports(), self.first == self.last) {
            (false, _) => Ok(()),
            (true, true) => write!(f, "/{}", self.first),
            (true, false) => write!(f, "/{}-{}", self.first, self.last),
        }
    }
}

impl FromStr for Service {
    type Err = BadAddress;

    /// The spellings of RULES 23: `tcp|udp|sctp/N[-M]`, `icmp`, `icmpv6`, `ip/N`.
    fn from_str(text: &str) -> Result<Self, BadAddress> {
        let portless = |transport| Ok(Self { transport, first: 0, last: u16::MAX });
        match text.split_once('/') {
            None if text == "icmp" => portless(Transport::ICMP),
            None if text == "icmpv6" => portless(Transport::ICMPV6),
            Some(("ip", number)) => {
                number.parse().map_err(|_| BadAddress::Service).and_then(|n| portless(Transport(n)))
            }
            Some((name, ports)) => {
                let transport = match name {
                    "tcp" => Transport::TCP,
                    "udp" => Transport::UDP,
                    "sctp" => Transport::SCTP,
                    _ => return Err(BadAddress::Service),
                };
                let (first, last) = ports.split_once('-').unwrap_or((ports, ports));
                let port = |text: &str| text.parse::<u16>().map_err(|_| BadAddress::Service);
                let (first, last) = (port(first)?, port(last)?);
                if first > last { Err(BadAddress::Service) } else { Ok(Self { transport, first, last }) }
            }
            None => Err(BadAddress::Service),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_holds_its_first_and_last_address_and_nothing_beyond() {
        let prefix: Prefix = "10.20.0.0/16".parse().unwrap();
        assert_eq!(prefix.last(), "10.20.255.255".parse::<IpAddr>().unwrap());
        assert!(prefix.contains("10.20.0.0".parse().unwrap()) && prefix.contains(prefix.last()));
        assert!(
            !prefix.contains("10.21.0.0".parse().unwrap())
                && !prefix.contains("10.19.255.255".parse().unwrap())
        );
        assert!(!prefix.contains("::a14:0".parse().unwrap()), "families never mix");
        let all: Prefix = "::/0".parse().unwrap();
        assert!(all.contains("2001:db8::1".parse().unwrap()) && !all.contains("10.0.0.1".parse().unwrap()));
    }

    #[test]
    fn a_prefix_with_host_bits_or_a_wrong_length_is_refused() {
        assert_eq!("10.20.0.1/16".parse::<Prefix>(), Err(BadAddress::HostBits));
        assert_eq!("10.20.0.0/33".parse::<Prefix>(), Err(BadAddress::PrefixLen));
        assert_eq!("10.20.0/16".parse::<Prefix>(), Err(BadAddress::Prefix));
        assert_eq!("1::/0".parse::<Prefix>(), Err(BadAddress::HostBits));
    }

    #[test]
    fn services_are_spelled_as_rule_23_says_and_no_other_way() {
        for text in ["tcp/443", "udp/3478-3481", "sctp/2905", "icmp", "icmpv6", "ip/47"] {
            assert_eq!(text.parse::<Service>().unwrap().to_string(), text);
        }
        for text in ["tcp", "tcp/", "tcp/70000", "udp/9-3", "https", "icmp/8", "ip/256", ""] {
            assert_eq!(text.parse::<Service>(), Err(BadAddress::Service), "{text}");
        }
    }

    #[test]
    fn a_mac_is_read_with_colons_or_dashes() {
        let mac: Mac = "02-00-00-00-20-FE".parse().unwrap();
        assert_eq!(mac.to_string(), "02:00:00:00:20:fe");
        assert!("02:00:00:00:20".parse::<Mac>().is_err() && "02:00:00:00:20:fe:01".parse::<Mac>().is_err());
    }
}
