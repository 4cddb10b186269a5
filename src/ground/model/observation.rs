//! One fact with the packet that states it.

use std::net::IpAddr;

use super::{field::Field, key::Side, name::HostName, packet::Ordinal};

/// What a fact says.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Value {
    /// A name as a stranger sent it.
    Name(HostName),
    /// Bytes as a stranger sent them, or words of this program.
    Text(Box<[u8]>),
    /// A name or address with a port.
    Target {
        /// The host as it was asked for.
        host: HostName,
        /// The port, where one was named.
        port: Option<u16>,
    },
    /// A DNS answer: this name has this address.
    Answer {
        /// The name that was asked (the question's, before any CNAME).
        name: HostName,
        /// The address.
        addr: IpAddr,
    },
}

/// A fact, who stated it and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Observation {
    /// What kind of fact.
    pub field: Field,
    /// What it says.
    pub value: Value,
    /// The frame that completed it.
    pub at: Ordinal,
    /// The end that said it.
    pub side: Side,
    /// How deep inside the flow: 0 on the flow itself, 1 inside a CONNECT or after STARTTLS, and so on.
    pub layer: u8,
    /// True when it was read from a variant of conflicting bytes: it may convict and never acquits.
    pub variant: bool,
}
