//! DNS over UDP and TCP (RFC 1035): what was asked, what was answered, and who offers ECH.
//!
//! An answer is told under the name that was asked, through the chain of aliases, and under the owner of its record.
//! It is a hint for other flows and never a proof (THREATS §1.2).

use std::{
    collections::{BTreeMap, BTreeSet},
    net::IpAddr,
};

use super::{
    dissector::{Dissector, First, Guess, Next, Protocol},
    dns_message::{
        HEADER_LEN, Message, NameText, Question, Record, TYPE_CNAME, TYPE_DNAME, TYPE_HTTPS, TYPE_SVCB, be16,
        is_plausible, name_at, v4, v6,
    },
};
use crate::ground::model::{
    address::Transport,
    cause::Cause,
    field::Field,
    identity::{Basis, Marks, Notes},
    key::Side,
    limits,
    name::HostName,
    observation::Value,
    sighting::{Sighting, Tale},
};

/// DNS over UDP.
pub static UDP: Protocol = Protocol {
    name: "dns",
    transport: Transport::UDP,
    ports: &[53],
    first: First::ANY,
    probe: |datagram, _| if is_plausible(datagram) { Guess::Yes } else { Guess::No },
    open: || Box::new(Datagrams),
};

/// DNS over TCP (RFC 7766).
pub static TCP: Protocol = Protocol {
    name: "dns",
    transport: Transport::TCP,
    ports: &[53],
    first: First::ANY,
    probe: probe_stream,
    open: || Box::<Stream>::default(),
};

fn probe_stream(first: &[u8], _side: Side) -> Guess {
    let Some(len) = be16(first, 0).map(usize::from) else { return Guess::Short };
    let message = first.get(2..).unwrap_or_default();
    if len < HEADER_LEN || !begins_like_a_header(message) {
        return Guess::No;
    }
    if message.len() < HEADER_LEN {
        return Guess::Short;
    }
    if let Some(message) = message.get(..len) {
        return if is_plausible(message) { Guess::Yes } else { Guess::No };
    }
    match name_at(message, HEADER_LEN) {
        Some((_, at)) if message.len() >= at + 4 => {
            if is_plausible(message) {
                Guess::Yes
            } else {
                Guess::No
            }
        }
        // A name is 255 bytes at most.
        _ if message.len() > HEADER_LEN + 260 => Guess::No,
        _ => Guess::Short,
    }
}

/// Exactly what streams of other protocols do not have: one question, or none in an answer. Asked of as much as is there, so
/// that a few strange bytes are no DNS at once.
fn begins_like_a_header(message: &[u8]) -> bool {
    let flags = message.get(2).copied();
    let is_asked =
        |questions| questions == 1 || questions == 0 && flags.is_some_and(|flags| flags & 0x80 != 0);
    flags.is_none_or(|flags| matches!(flags >> 3 & 15, 0 | 4 | 5))
        && message.get(4).is_none_or(|high| *high == 0)
        && be16(message, 4).is_none_or(is_asked)
}

#[derive(Debug)]
struct Datagrams;

impl Dissector for Datagrams {
    fn bytes(&mut self, bytes: &[u8], side: Side, notes: &mut Notes<'_>) -> Next {
        read(bytes, side, notes)
    }

    fn gap(&mut self, _missing: u64, _side: Side, _notes: &mut Notes<'_>) -> Next {
        Next::More
    }
}

/// Messages with two length bytes in front of each.
#[derive(Debug, Default)]
struct Stream {
    kept: [Vec<u8>; 2],
}

impl Dissector for Stream {
    fn bytes(&mut self, bytes: &[u8], side: Side, notes: &mut Notes<'_>) -> Next {
        let [opener, answerer] = &mut self.kept;
        let kept = if side == Side::Opener { opener } else { answerer };
        kept.extend_from_slice(bytes);
        let mut at = 0;
        let mut next = Next::More;
        while let Some(len) = be16(kept, at).map(usize::from) {
            let Some(message) = kept.get(at + 2..at + 2 + len) else { break };
            at += 2 + len;
            next = read(message, side, notes);
            if next != Next::More {
                break;
            }
        }
        kept.drain(..at.min(kept.len()));
        next
    }

    fn finish(&mut self, notes: &mut Notes<'_>) {
        for (side, kept) in Side::BOTH.into_iter().zip(&self.kept) {
            // A message that was cut off has asked its question all the same.
            if let Some(message) = kept.get(2..).filter(|message| is_plausible(message)) {
                read(message, side, notes);
            }
        }
    }
}

/// Reads one message.
fn read(raw: &[u8], side: Side, notes: &mut Notes<'_>) -> Next {
    let Some(message) = Message::new(raw) else { return Next::Broken };
    if !is_plausible(raw) {
        return Next::Broken;
    }
    notes.app("dns", Basis::Parsed);
    notes.mark(Marks::CLEARTEXT);
    notes.client(if message.is_response() { side.other() } else { side });
    if message.is_too_long {
        notes.cause(Cause::ParserLimit, "dns records");
    }
    // An answer repeats the question; only the client's word is a query.
    let asked = if message.is_response() { &[][..] } else { &message.questions };
    for question in asked {
        if !question.name.is_empty() {
            notes.name(Field::DnsQuery, &question.name, side);
        }
    }
    if message.is_response() && message.opcode() == 0 {
        answers(&message, side, notes);
    }
    Next::More
}

/// Ties each address to the name that was asked.
fn answers(message: &Message<'_>, side: Side, notes: &mut Notes<'_>) {
    let answers = || message.records.iter().filter(|record| record.section == 1);
    let chains: Vec<_> = if message.questions.is_empty() {
        Vec::new()
    } else {
        let aliases = aliases(message, answers());
        message.questions.iter().map(|question| (question, chain(question, &aliases))).collect()
    };
    for record in answers() {
        let owner = record.name.to_ascii_lowercase();
        let asked: Vec<&NameText> = chains
            .iter()
            .filter(|(_, chain)| chain.contains(&owner))
            .map(|(question, _)| &question.name)
            .collect();
        let names = if asked.is_empty() { vec![&record.name] } else { asked.clone() };
        if let Some(addr) = record.addr() {
            for name in &names {
                notes.add(Field::DnsAnswer, Value::Answer { name: HostName::new(name), addr }, side);
            }
            // What nobody asked for is written down and believed by nobody.
            if !asked.is_empty() || chains.is_empty() {
                tell(&names, &record.name, notes, |name| Tale::Answer { name, addr });
            }
        }
        if matches!(record.kind, TYPE_SVCB | TYPE_HTTPS) && (!asked.is_empty() || chains.is_empty()) {
            service(record, &names, notes);
        }
    }
}

/// Tells a tale under every name asked and, where it differs, under the record's owner.
fn tell(names: &[&NameText], owner: &NameText, notes: &mut Notes<'_>, tale: impl Fn(HostName) -> Tale) {
    let mut told = BTreeSet::new();
    for name in names.iter().copied().chain([owner]) {
        let name = HostName::new(name);
        if told.insert(name.clone()) {
            notes.sighting(Sighting { tale: tale(name), at: notes.at(), told_to: None });
        }
    }
}

/// Owner to target of every alias, in lower case.
fn aliases<'a>(
    message: &Message<'_>,
    answers: impl Iterator<Item = &'a Record<'a>>,
) -> BTreeMap<NameText, Vec<NameText>> {
    let mut aliases = BTreeMap::<NameText, Vec<NameText>>::new();
    for record in answers {
        let target = match record.kind {
            TYPE_CNAME | TYPE_DNAME => message.name(record.at),
            // Priority 0 is an alias (RFC 9460 section 2.4.2).
            TYPE_SVCB | TYPE_HTTPS if be16(record.data, 0) == Some(0) => message.name(record.at + 2),
            _ => None,
        };
        if let Some(target) = target {
            aliases.entry(record.name.to_ascii_lowercase()).or_default().push(target.to_ascii_lowercase());
        }
    }
    aliases
}

/// Every name that the question leads to. Each is visited once, so a loop of aliases ends.
fn chain(question: &Question, aliases: &BTreeMap<NameText, Vec<NameText>>) -> BTreeSet<NameText> {
    let mut chain = BTreeSet::new();
    let mut open = vec![question.name.to_ascii_lowercase()];
    while let Some(name) = open.pop() {
        if let Some(targets) = aliases.get(&name)
            && !chain.contains(&name)
        {
            open.extend(targets.iter().cloned());
        }
        chain.insert(name);
    }
    chain
}

/// The parameters of an HTTPS or SVCB record (RFC 9460 section 2.2; `ech` is RFC 9848).
fn service(record: &Record<'_>, names: &[&NameText], notes: &mut Notes<'_>) {
    const IPV4_HINT: u16 = 4;
    const ECH: u16 = 5;
    const IPV6_HINT: u16 = 6;
    // The target is never compressed (RFC 9460 section 2.2), so it is read inside the record's own bytes.
    let Some((_, mut at)) = name_at(record.data, 2) else { return };
    // `_8443._https.meet.example` speaks of hellos to meet.example.
    let bare: Vec<NameText> = names.iter().map(|name| without_prefix(name)).collect();
    let names: Vec<&NameText> = names.iter().copied().chain(&bare).collect();
    while let (Some(key), Some(len)) = (be16(record.data, at), be16(record.data, at + 2)) {
        let start = at + 4;
        let Some(value) = record.data.get(start..start + usize::from(len)) else { return };
        at = start + value.len();
        let hints: Vec<IpAddr> = match key {
            IPV4_HINT => value.chunks_exact(4).filter_map(v4).collect(),
            IPV6_HINT => value.chunks_exact(16).filter_map(v6).collect(),
            ECH => {
                tell(&names, &record.name, notes, |name| Tale::EchOffered { name });
                continue;
            }
            _ => continue,
        };
        for addr in hints.into_iter().take(limits::DNS_RECORDS_MAX) {
            tell(&names, &record.name, notes, |name| Tale::Answer { name, addr });
        }
    }
}

/// The name without its leading labels of the form `_x` (RFC 9460 section 9.1).
fn without_prefix(name: &NameText) -> NameText {
    let mut rest = name.as_slice();
    while rest.first() == Some(&b'_') {
        let Some(dot) = rest.iter().position(|byte| *byte == b'.') else { break };
        rest = rest.get(dot + 1..).unwrap_or_default();
    }
    rest.to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        ground::model::identity::Identity,
        wire::proto::told::{DOWN, UP, told, told_datagrams},
    };

    proptest::proptest! {
        #[test]
        fn a_stream_that_is_no_dns_after_some_bytes_is_none_after_more(
            start in proptest::prop_oneof![
                proptest::collection::vec(proptest::prelude::any::<u8>(), 0..20),
                proptest::prelude::Just(b"\0\x1d\x12\x34\x01\0\0\x01\0\0\0\0\0\0\x01a\0\0\x01\0\x01".to_vec()),
            ],
            place in proptest::prelude::any::<proptest::sample::Index>(),
            byte in proptest::prelude::any::<u8>(),
        ) {
            let mut stream = start;
            stream.resize(stream.len().max(1) + 20, 0);
            let place = place.index(stream.len());
            stream[place] = byte;
            let first_no = (1..=stream.len()).find(|len| probe_stream(&stream[..*len], UP) == Guess::No);
            for len in first_no.unwrap_or(stream.len())..=stream.len() {
                let guess = probe_stream(&stream[..len], UP);
                proptest::prop_assert!(first_no.is_none() || guess == Guess::No, "{} of {:?}", len, stream);
            }
        }
    }

    fn wire(name: &str) -> Vec<u8> {
        let mut wire = Vec::new();
        for label in name.split('.').filter(|label| !label.is_empty()) {
            wire.push(label.len() as u8);
            wire.extend(label.as_bytes());
        }
        wire.push(0);
        wire
    }

    fn message(flags: u16, questions: &[(&str, u16)], answers: &[(&str, u16, Vec<u8>)]) -> Vec<u8> {
        let mut raw = vec![0x12, 0x34];
        raw.extend(flags.to_be_bytes());
        for count in [questions.len(), answers.len(), 0, 0] {
            raw.extend((count as u16).to_be_bytes());
        }
        for (name, kind) in questions {
            raw.extend(wire(name));
            raw.extend(kind.to_be_bytes());
            raw.extend([0, 1]);
        }
        for (name, kind, data) in answers {
            raw.extend(wire(name));
            raw.extend(kind.to_be_bytes());
            raw.extend([0, 1, 0, 0, 0, 0]);
            raw.extend((data.len() as u16).to_be_bytes());
            raw.extend(data);
        }
        raw
    }

    fn tales(identity: &Identity) -> Vec<String> {
        let text = |name: &HostName| String::from_utf8(name.bytes().to_vec()).unwrap();
        let tale = |sighting: &Sighting| match &sighting.tale {
            Tale::Answer { name, addr } => format!("{}={addr}", text(name)),
            Tale::EchOffered { name } => format!("{} ech", text(name)),
            Tale::HostLabel { .. } => "label".to_owned(),
        };
        identity.sightings.iter().map(tale).collect()
    }

    fn answered(identity: &Identity) -> Vec<String> {
        identity
            .all(Field::DnsAnswer)
            .map(|fact| match &fact.value {
                Value::Answer { name, addr } => format!("{}={addr}", String::from_utf8_lossy(name.bytes())),
                other => panic!("{other:?}"),
            })
            .collect()
    }

    #[test]
    fn an_address_belongs_to_the_name_asked_through_the_aliases_whatever_their_order_and_case() {
        let (identity, next) = told_datagrams(
            &UDP,
            &[
                (UP, &message(0x0100, &[("wWw.example", 1)], &[])),
                (
                    DOWN,
                    &message(
                        0x8180,
                        &[("wWw.example", 1)],
                        &[
                            ("b.example", 1, vec![192, 0, 2, 1]),
                            ("a.example", 5, wire("B.example")),
                            ("www.example", 5, wire("a.example")),
                        ],
                    ),
                ),
            ],
        );
        assert_eq!(next, Next::More);
        assert_eq!((identity.app, identity.client), ("dns", Some(Side::Opener)));
        assert_eq!(answered(&identity), ["www.example=192.0.2.1"]);
        assert_eq!(tales(&identity), ["www.example=192.0.2.1", "b.example=192.0.2.1"]);
    }

    #[test]
    fn what_nobody_asked_for_is_written_down_and_told_to_nobody() {
        let (identity, _) = told_datagrams(
            &UDP,
            &[(DOWN, &message(0x8180, &[("a.example", 1)], &[("listed.example", 1, vec![203, 0, 113, 9])]))],
        );
        assert_eq!(answered(&identity), ["listed.example=203.0.113.9"]);
        assert!(identity.sightings.is_empty());
        assert_eq!(identity.client, Some(Side::Opener), "the end that answers is not the client");
    }

    #[test]
    fn aliases_in_a_loop_end() {
        let (identity, _) = told_datagrams(
            &UDP,
            &[(
                DOWN,
                &message(
                    0x8180,
                    &[("a.example", 1)],
                    &[
                        ("a.example", 5, wire("b.example")),
                        ("b.example", 5, wire("a.example")),
                        ("b.example", 28, vec![0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]),
                    ],
                ),
            )],
        );
        assert_eq!(answered(&identity), ["a.example=2001:db8::1"]);
    }

    #[test]
    fn an_https_record_tells_its_hints_and_that_ech_is_offered() {
        let data = [&[0, 1, 0][..], &[0, 4, 0, 4, 192, 0, 2, 7], &[0, 5, 0, 2, 9, 9]].concat();
        let (identity, _) = told_datagrams(
            &UDP,
            &[(
                DOWN,
                &message(0x8180, &[("_8443._https.a.example", 65)], &[("_8443._https.a.example", 65, data)]),
            )],
        );
        assert_eq!(
            tales(&identity),
            [
                "_8443._https.a.example=192.0.2.7",
                "a.example=192.0.2.7",
                "_8443._https.a.example ech",
                "a.example ech",
            ]
        );
        assert!(answered(&identity).is_empty(), "a hint is no answer");
    }

    #[test]
    fn both_questions_of_a_message_count() {
        let (identity, _) =
            told_datagrams(&UDP, &[(UP, &message(0, &[("a.example", 1), ("b.example", 1)], &[]))]);
        assert_eq!(identity.all(Field::DnsQuery).count(), 2);
    }

    #[test]
    fn messages_in_a_stream_are_read_however_they_are_cut() {
        let mut up = Vec::new();
        for name in ["a.example", "b.example"] {
            let message = message(0x0100, &[(name, 1)], &[]);
            up.extend((message.len() as u16).to_be_bytes());
            up.extend(message);
        }
        let identity = told(&TCP, &[(UP, &up)]);
        assert_eq!(identity.all(Field::DnsQuery).count(), 2);
        assert_eq!(probe_stream(&up, UP), Guess::Yes);
        for len in 0..31 {
            assert_ne!(probe_stream(&up[..len], UP), Guess::No, "{len}");
        }
    }

    #[test]
    fn what_is_no_dns_is_not_taken_for_it() {
        for raw in [
            &b"GET / HTTP/1.1\r\nHost: a.example\r\n\r\n"[..],
            &[0; 12],
            &[0xff; 60],
            b"\x16\xfe\xff\0\0\0\0\0\0\0\0\0\x50",
        ] {
            assert_eq!((UDP.probe)(raw, UP), Guess::No, "{raw:?}");
            assert_eq!(told_datagrams(&UDP, &[(UP, raw)]).1, Next::Broken);
        }
    }

    #[test]
    fn unknown_operations_and_updates_still_give_their_names() {
        let (identity, next) = told_datagrams(
            &UDP,
            &[(UP, &message(5 << 11, &[("zone.example", 6)], &[("pc.zone.example", 1, vec![10, 0, 0, 1])]))],
        );
        assert_eq!((next, identity.all(Field::DnsQuery).count()), (Next::More, 1));
        assert!(answered(&identity).is_empty());
    }
}
