//! What one flow tells about others: it crosses flows, so it goes to the collector.

use std::net::IpAddr;

use super::{name::HostName, packet::Ordinal};

/// What was told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Tale {
    /// A DNS answer: `name` (as asked, before CNAMEs) has `addr`.
    Answer {
        /// The name that was asked.
        name: HostName,
        /// The address it was given.
        addr: IpAddr,
    },
    /// A DNS HTTPS or SVCB answer with an `ech` parameter: hellos to this name are really encrypted.
    EchOffered {
        /// The name that was asked.
        name: HostName,
    },
    /// A host called itself so (DHCP, NetBIOS, mDNS, LLMNR).
    HostLabel {
        /// The host.
        addr: IpAddr,
        /// Its label.
        label: Box<[u8]>,
    },
}

/// A tale with its frame and whom it was told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sighting {
    /// What was told.
    pub tale: Tale,
    /// The frame that told it.
    pub at: Ordinal,
    /// The end that asked, filled in by the engine; `None` for what is told to everybody.
    pub told_to: Option<IpAddr>,
}
