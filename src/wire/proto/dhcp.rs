//! DHCP for IPv4 (RFC 2131, 2132) and IPv6 (RFC 8415): the name a host gives itself, and the address it asks for.

use std::net::IpAddr;

use super::{
    dissector::{Dissector, First, Guess, Next, Protocol},
    dns_message::{be16, name_at, v4, v6},
};
use crate::ground::model::{
    address::Transport,
    field::Field,
    identity::{Basis, Marks, Notes},
    key::Side,
    limits,
    sighting::{Sighting, Tale},
};

/// DHCP for IPv4.
pub static V4: Protocol = Protocol {
    name: "dhcp",
    transport: Transport::UDP,
    ports: &[67, 68],
    first: First::of(&[1, 2]),
    probe: |datagram, _| if options_v4(datagram).is_some() { Guess::Yes } else { Guess::No },
    open: || Box::new(Reader { is_v6: false }),
};

/// DHCP for IPv6.
pub static V6: Protocol = Protocol {
    name: "dhcpv6",
    transport: Transport::UDP,
    ports: &[546, 547],
    first: First::range(1, 13),
    probe: |datagram, _| if is_v6(datagram) { Guess::Yes } else { Guess::No },
    open: || Box::new(Reader { is_v6: true }),
};

#[derive(Debug)]
struct Reader {
    is_v6: bool,
}

impl Dissector for Reader {
    fn bytes(&mut self, bytes: &[u8], side: Side, notes: &mut Notes<'_>) -> Next {
        let is_read = if self.is_v6 { read_v6(bytes, side, notes) } else { read_v4(bytes, side, notes) };
        if is_read.is_none() {
            return Next::Broken;
        }
        notes.mark(Marks::CLEARTEXT);
        Next::More
    }

    fn gap(&mut self, _missing: u64, _side: Side, _notes: &mut Notes<'_>) -> Next {
        Next::More
    }
}

fn host_label(name: &[u8], addr: Option<IpAddr>, side: Side, notes: &mut Notes<'_>) {
    let end = name.iter().position(|byte| *byte == 0).unwrap_or(name.len());
    let name = name.get(..end.min(limits::TEXT_LEN_MAX)).unwrap_or_default();
    if name.is_empty() {
        return;
    }
    notes.text(Field::HostLabel, name, side);
    if let Some(addr) = addr.filter(|addr| !addr.is_unspecified()) {
        notes.sighting(Sighting {
            tale: Tale::HostLabel { addr, label: name.into() },
            at: notes.at(),
            told_to: None,
        });
    }
}

/// The options behind the magic cookie (RFC 2131 section 3).
fn options_v4(raw: &[u8]) -> Option<&[u8]> {
    const COOKIE_AT: usize = 236;
    let rest = raw.get(COOKIE_AT..)?;
    let is_boot = matches!(raw.first(), Some(1 | 2)) && raw.get(2).is_some_and(|len| *len <= 16);
    rest.strip_prefix(&[0x63, 0x82, 0x53, 0x63]).filter(|_| is_boot)
}

fn read_v4(raw: &[u8], side: Side, notes: &mut Notes<'_>) -> Option<()> {
    let mut options = options_v4(raw)?;
    notes.app("dhcp", Basis::Parsed);
    let is_request = raw.first() == Some(&1);
    notes.client(if is_request { side } else { side.other() });
    let (mut names, mut requested) = (Vec::new(), None);
    // Code, length, value; 0 pads and 255 ends (RFC 2132 section 2).
    while let Some((code, rest)) = options.split_first() {
        match code {
            0 => options = rest,
            255 => break,
            _ => {
                let Some((len, rest)) = rest.split_first() else { break };
                let Some((value, rest)) = rest.split_at_checked(usize::from(*len)) else { break };
                options = rest;
                match code {
                    12 => names.push(value),
                    50 => requested = v4(value),
                    // Client FQDN: flags and two result codes stand first (RFC 4702 section 2); flag E means labels.
                    81 if value.first().is_some_and(|flags| flags & 4 == 0) => {
                        names.push(value.get(3..).unwrap_or_default());
                    }
                    _ => {}
                }
            }
        }
    }
    let at = |start: usize| raw.get(start..start + 4).and_then(v4).filter(|addr| !addr.is_unspecified());
    // The client's own address, the one it asks for, or the one it is given.
    let addr = if is_request { at(12).or(requested) } else { at(16) };
    for name in names {
        host_label(name, addr, side, notes);
    }
    Some(())
}

/// Options of a DHCPv6 message, after following relays inwards in a loop (RFC 8415 section 9).
fn options_v6(raw: &[u8]) -> Option<(u8, &[u8])> {
    const RELAYS_MAX: usize = 8;
    const RELAY_MESSAGE: u16 = 9;
    let mut raw = raw;
    for _ in 0..=RELAYS_MAX {
        match *raw.first()? {
            kind @ 1..=11 => return Some((kind, raw.get(4..)?)),
            12 | 13 => raw = each_option(raw.get(34..)?).find(|(code, _)| *code == RELAY_MESSAGE)?.1,
            _ => return None,
        }
    }
    None
}

fn each_option(mut rest: &[u8]) -> impl Iterator<Item = (u16, &[u8])> {
    std::iter::from_fn(move || {
        let (code, len) = (be16(rest, 0)?, usize::from(be16(rest, 2)?));
        let value = rest.get(4..4 + len)?;
        rest = rest.get(4 + len..)?;
        Some((code, value))
    })
}

/// Options that end exactly where the message ends, one of them an identifier of client or server.
fn is_v6(raw: &[u8]) -> bool {
    let Some((_, options)) = options_v6(raw) else { return false };
    let len: usize = each_option(options).map(|(_, value)| value.len() + 4).sum();
    len == options.len()
        && each_option(options).any(|(code, _)| matches!(code, 1 | 2))
        && each_option(options).all(|(code, _)| (1..=255).contains(&code))
}

fn read_v6(raw: &[u8], side: Side, notes: &mut Notes<'_>) -> Option<()> {
    const IA_NA: u16 = 3;
    const IA_ADDR: u16 = 5;
    const CLIENT_FQDN: u16 = 39;
    let (kind, options) = options_v6(raw)?;
    if !is_v6(raw) {
        return None;
    }
    notes.app("dhcpv6", Basis::Parsed);
    // Advertise, reply and reconfigure come from the server.
    notes.client(if matches!(kind, 2 | 7 | 10) { side.other() } else { side });
    let addr = each_option(options)
        .filter(|(code, _)| *code == IA_NA)
        .flat_map(|(_, value)| each_option(value.get(12..).unwrap_or_default()))
        .find(|(code, _)| *code == IA_ADDR)
        .and_then(|(_, value)| v6(value.get(..16)?));
    for (code, value) in each_option(options) {
        // Flags, then a name in labels that may lack its end (RFC 4704 section 4).
        if code == CLIENT_FQDN {
            let labels = [value.get(1..).unwrap_or_default(), &[0]].concat();
            if let Some((name, _)) = name_at(&labels, 0) {
                host_label(&name, addr, side, notes);
            }
        }
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::proto::told::{UP, told_datagrams};

    #[test]
    fn a_request_names_the_host_at_the_address_it_asks_for() {
        let mut raw = vec![0; 236];
        raw[..3].copy_from_slice(&[1, 1, 6]);
        raw.extend([0x63, 0x82, 0x53, 0x63, 53, 1, 3, 0, 50, 4, 10, 1, 2, 3, 12, 5]);
        raw.extend(b"pc-01");
        raw.push(255);
        assert_eq!((V4.probe)(&raw, UP), Guess::Yes);
        let (identity, _) = told_datagrams(&V4, &[(UP, &raw)]);
        let tale = &identity.sightings[0].tale;
        assert_eq!(*tale, Tale::HostLabel { addr: "10.1.2.3".parse().unwrap(), label: (*b"pc-01").into() });
        assert_eq!((identity.app, identity.client), ("dhcp", Some(UP)));
    }

    #[test]
    fn an_option_that_ends_behind_the_datagram_ends_the_reading() {
        let mut raw = vec![0; 236];
        raw[0] = 1;
        raw.extend([0x63, 0x82, 0x53, 0x63, 12, 200, b'a']);
        let (identity, next) = told_datagrams(&V4, &[(UP, &raw)]);
        assert_eq!((identity.all(Field::HostLabel).count(), next), (0, Next::More));
    }

    #[test]
    fn dhcp_for_ipv6_gives_its_name_through_a_relay_too() {
        let mut solicit = vec![1, 0, 0, 1, 0, 1, 0, 2, 0, 1, 0, 39, 0, 7, 0];
        solicit.extend(b"\x05pc-02");
        let mut relayed = vec![12, 0];
        relayed.extend([0; 32]);
        relayed.extend([0, 9, 0, solicit.len() as u8]);
        relayed.extend(&solicit);
        for raw in [&solicit, &relayed] {
            assert_eq!((V6.probe)(raw, UP), Guess::Yes);
            let (identity, _) = told_datagrams(&V6, &[(UP, raw)]);
            assert_eq!(identity.all(Field::HostLabel).count(), 1);
        }
        assert_eq!((V6.probe)(&[1, 2, 3, 4, 0, 1, 0, 9], UP), Guess::No);
    }
}
