//! Names that hosts give themselves on the local network: mDNS (RFC 6762), LLMNR (RFC 4795), NetBIOS (RFC 1001, 1002).
//!
//! Only what a host says about an address is told; questions about others are not names of anybody.

use std::net::IpAddr;

use super::{
    dissector::{Dissector, First, Guess, Next, Protocol},
    dns_message::{HEADER_LEN, Message, Record, TYPE_NB, TYPE_NBSTAT, be16, is_plausible, name_at, v4},
};
use crate::ground::model::{
    address::Transport,
    field::Field,
    identity::{Basis, Marks, Notes},
    key::Side,
    sighting::{Sighting, Tale},
};

/// Multicast DNS.
pub static MDNS: Protocol = Protocol {
    name: "mdns",
    transport: Transport::UDP,
    ports: &[5353],
    first: First::ANY,
    probe: probe_dns,
    open: || Box::new(Reader(Kind::Mdns)),
};

/// Link-local multicast name resolution.
pub static LLMNR: Protocol = Protocol {
    name: "llmnr",
    transport: Transport::UDP,
    ports: &[5355],
    first: First::ANY,
    probe: probe_dns,
    open: || Box::new(Reader(Kind::Llmnr)),
};

/// NetBIOS name service.
pub static NBNS: Protocol = Protocol {
    name: "nbns",
    transport: Transport::UDP,
    ports: &[137],
    first: First::ANY,
    probe: probe_nbns,
    open: || Box::new(Reader(Kind::Nbns)),
};

/// NetBIOS datagram service.
pub static NBDGM: Protocol = Protocol {
    name: "nbdgm",
    transport: Transport::UDP,
    ports: &[138],
    first: First::range(0x10, 0x12),
    probe: |datagram, _| if nbdgm(datagram).is_some() { Guess::Yes } else { Guess::No },
    open: || Box::new(Reader(Kind::Nbdgm)),
};

fn probe_dns(datagram: &[u8], _side: Side) -> Guess {
    if is_plausible(datagram) { Guess::Yes } else { Guess::No }
}

/// A message is NetBIOS when its first name is one of theirs and its type is theirs.
fn probe_nbns(datagram: &[u8], _side: Side) -> Guess {
    let Some(message) = Message::new(datagram) else { return Guess::No };
    let first = (message.questions.first().map(|question| (&question.name, question.kind)))
        .or_else(|| message.records.first().map(|record| (&record.name, record.kind)));
    match first {
        // Type 10 (NULL) stands in negative answers (RFC 1002 section 4.2.14).
        Some((name, TYPE_NB | TYPE_NBSTAT | 10)) if netbios_name(name).is_some() => Guess::Yes,
        _ => Guess::No,
    }
}

#[derive(Clone, Copy, Debug)]
enum Kind {
    Mdns,
    Llmnr,
    Nbns,
    Nbdgm,
}

#[derive(Debug)]
struct Reader(Kind);

impl Dissector for Reader {
    fn bytes(&mut self, bytes: &[u8], side: Side, notes: &mut Notes<'_>) -> Next {
        let is_read = match self.0 {
            Kind::Mdns => read_dns(bytes, "mdns", side, notes),
            Kind::Llmnr => read_dns(bytes, "llmnr", side, notes),
            Kind::Nbns => read_nbns(bytes, side, notes),
            Kind::Nbdgm => read_nbdgm(bytes, side, notes),
        };
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

/// Writes a label down and tells it of an address.
fn host_label(label: &[u8], addr: Option<IpAddr>, side: Side, notes: &mut Notes<'_>) {
    if label.is_empty() {
        return;
    }
    notes.text(Field::HostLabel, label, side);
    if let Some(addr) = addr.filter(|addr| !addr.is_unspecified()) {
        notes.sighting(Sighting {
            tale: Tale::HostLabel { addr, label: label.into() },
            at: notes.at(),
            told_to: None,
        });
    }
}

/// Addresses in answers, and in the authority section of a probe (RFC 6762 section 8.2), name their sender.
fn read_dns(raw: &[u8], app: &'static str, side: Side, notes: &mut Notes<'_>) -> Option<()> {
    if !is_plausible(raw) {
        return None;
    }
    let message = Message::new(raw)?;
    notes.app(app, Basis::Parsed);
    for record in &message.records {
        let Some(addr) = record.addr() else { continue };
        let name = record.name.as_slice();
        let label = name.split(|byte| *byte == b'.').next().unwrap_or_default();
        // Reverse names and the like name no host.
        if name.to_ascii_lowercase().ends_with(b".local") || label.len() == name.len() {
            host_label(label, Some(addr), side, notes);
        }
    }
    Some(())
}

fn read_nbns(raw: &[u8], side: Side, notes: &mut Notes<'_>) -> Option<()> {
    let message = Message::new(raw)?;
    if !matches!(probe_nbns(raw, side), Guess::Yes) {
        return None;
    }
    notes.app("nbns", Basis::Parsed);
    notes.client(if message.is_response() { side.other() } else { side });
    for record in &message.records {
        match record.kind {
            TYPE_NB => nb_record(record, side, notes),
            TYPE_NBSTAT if message.is_response() => node_status(record, side, notes),
            _ => {}
        }
    }
    Some(())
}

/// Registrations and answers: flags and an address, possibly several (RFC 1002 section 4.2.13).
fn nb_record(record: &Record<'_>, side: Side, notes: &mut Notes<'_>) {
    const GROUP: u16 = 0x8000;
    let Some((label, suffix)) = netbios_name(&record.name) else { return };
    if !is_host_suffix(suffix) {
        return;
    }
    for entry in record.data.chunks_exact(6) {
        if be16(entry, 0).is_some_and(|flags| flags & GROUP == 0) {
            host_label(&label, entry.get(2..).and_then(v4), side, notes);
        }
    }
}

/// The names of the node that answers (RFC 1002 section 4.2.18). It does not say at which address.
fn node_status(record: &Record<'_>, side: Side, notes: &mut Notes<'_>) {
    let Some((count, names)) = record.data.split_first() else { return };
    for entry in names.chunks_exact(18).take(usize::from(*count)) {
        let (Some(label), Some(suffix), Some(flags)) = (entry.get(..15), entry.get(15), be16(entry, 16))
        else {
            return;
        };
        if flags & 0x8000 == 0 && is_host_suffix(*suffix) {
            host_label(trimmed(label), None, side, notes);
        }
    }
}

/// Workstation and server service name a host; others name users, domains and browsers.
const fn is_host_suffix(suffix: u8) -> bool {
    matches!(suffix, 0 | 0x20)
}

fn trimmed(label: &[u8]) -> &[u8] {
    let end = label.iter().rposition(|byte| !matches!(byte, b' ' | 0)).map_or(0, |last| last + 1);
    label.get(..end).unwrap_or_default()
}

/// Half-ASCII (RFC 1001 section 14.1): 32 letters from A to P are 15 characters and the kind of the name.
fn netbios_name(name: &[u8]) -> Option<(Vec<u8>, u8)> {
    let first = name.get(..32)?;
    if !matches!(name.get(32), None | Some(b'.')) || !first.iter().all(|byte| (b'A'..=b'P').contains(byte)) {
        return None;
    }
    let bytes: Vec<u8> = first
        .chunks_exact(2)
        .map(|pair| pair.iter().fold(0, |byte, half| byte << 4 | (half - b'A')))
        .collect();
    let (suffix, label) = bytes.split_last()?;
    Some((trimmed(label).to_vec(), *suffix))
}

/// Source address and name of a datagram (RFC 1002 section 4.4.1).
fn nbdgm(raw: &[u8]) -> Option<(IpAddr, Vec<u8>, u8)> {
    const NAMES_AT: usize = 14;
    // Direct unique, direct group and broadcast carry names; errors and queries do not.
    if !matches!(raw.first(), Some(0x10..=0x12)) || raw.len() < NAMES_AT {
        return None;
    }
    let addr = v4(raw.get(4..8)?)?;
    let len = usize::from(be16(raw, 10)?);
    let (name, _) = name_at(raw, NAMES_AT)?;
    let (label, suffix) = netbios_name(&name)?;
    (len >= 2 * 34 && raw.len() > NAMES_AT + HEADER_LEN).then_some((addr, label, suffix))
}

fn read_nbdgm(raw: &[u8], side: Side, notes: &mut Notes<'_>) -> Option<()> {
    let (addr, label, suffix) = nbdgm(raw)?;
    notes.app("nbdgm", Basis::Parsed);
    if is_host_suffix(suffix) {
        host_label(&label, Some(addr), side, notes);
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        ground::model::identity::Identity,
        wire::proto::told::{UP, told_datagrams},
    };

    fn half_ascii(name: &str, suffix: u8) -> Vec<u8> {
        let mut bytes = name.as_bytes().to_vec();
        bytes.resize(15, b' ');
        bytes.push(suffix);
        let mut wire = vec![32];
        bytes.iter().for_each(|byte| wire.extend([b'A' + (byte >> 4), b'A' + (byte & 15)]));
        wire.push(0);
        wire
    }

    fn labels(identity: &Identity) -> Vec<(String, Vec<u8>)> {
        identity
            .sightings
            .iter()
            .map(|sighting| match &sighting.tale {
                Tale::HostLabel { addr, label } => (addr.to_string(), label.to_vec()),
                other => panic!("{other:?}"),
            })
            .collect()
    }

    #[test]
    fn a_host_that_registers_its_name_is_told_of_and_a_question_about_another_is_not() {
        let mut register = vec![0, 1, 0x29, 0x10, 0, 1, 0, 0, 0, 0, 0, 1];
        register.extend(half_ascii("PC-01", 0));
        register.extend([0, 0x20, 0, 1]);
        let mut question = vec![0, 1, 1, 0x10, 0, 1, 0, 0, 0, 0, 0, 0];
        question.extend(&register[12..]);
        register.extend([0xc0, 0x0c, 0, 0x20, 0, 1, 0, 0, 0, 0, 0, 6, 0, 0, 10, 1, 2, 3]);
        assert_eq!(probe_nbns(&register, UP), Guess::Yes);
        let (identity, _) = told_datagrams(&NBNS, &[(UP, &register), (UP, &question)]);
        assert_eq!(labels(&identity), [("10.1.2.3".to_owned(), b"PC-01".to_vec())]);
        assert_eq!((identity.app, identity.client), ("nbns", Some(UP)));
    }

    #[test]
    fn an_mdns_answer_names_the_host_at_its_address() {
        let mut raw = vec![0, 0, 0x84, 0, 0, 0, 0, 1, 0, 0, 0, 0];
        raw.extend(b"\x07printer\x05local\0\0\x01\x80\x01\0\0\0\x78\0\x04\x0a\x01\x02\x04");
        assert_eq!(probe_dns(&raw, UP), Guess::Yes);
        let (identity, _) = told_datagrams(&MDNS, &[(UP, &raw)]);
        assert_eq!(labels(&identity), [("10.1.2.4".to_owned(), b"printer".to_vec())]);
    }

    #[test]
    fn a_netbios_datagram_names_its_sender() {
        let mut raw = vec![0x11, 2, 0, 1, 10, 1, 2, 5, 0, 138, 0, 80, 0, 0];
        raw.extend(half_ascii("PC-02", 0x20));
        raw.extend(half_ascii("WORKGROUP", 0x1d));
        let (identity, _) = told_datagrams(&NBDGM, &[(UP, &raw)]);
        assert_eq!(labels(&identity), [("10.1.2.5".to_owned(), b"PC-02".to_vec())]);
    }

    #[test]
    fn dns_is_not_netbios() {
        let raw = b"\0\x01\x01\0\0\x01\0\0\0\0\0\0\x01a\x07example\0\0\x01\0\x01";
        assert_eq!(probe_nbns(raw, UP), Guess::No);
        assert_eq!(told_datagrams(&NBNS, &[(UP, raw)]).1, Next::Broken);
    }
}
