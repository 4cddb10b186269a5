//! Kerberos 5 (RFC 4120): tickets asked for and given, over UDP and TCP.

use super::{
    dissector::{Dissector, First, Guess, Next, Protocol},
    shapes::{Heads, Step, ber, ber_of, half, surely, u32_at},
};
use crate::ground::model::{
    address::Transport,
    identity::{Basis, Notes},
    key::Side,
};

/// Kerberos over UDP.
pub static UDP: Protocol = Protocol {
    name: "kerberos",
    transport: Transport::UDP,
    ports: &[88, 464],
    first: First::range(0x60, 0x7f),
    probe: |datagram, _| surely(kind(datagram).is_some()),
    open: || Box::new(Datagrams),
};

/// Kerberos over TCP: four length bytes before each message (RFC 4120 section 7.2.2).
pub static TCP: Protocol = Protocol {
    name: "kerberos",
    transport: Transport::TCP,
    ports: &[88, 464],
    first: First::of(&[0]),
    probe: probe_stream,
    open: || Box::<Stream>::default(),
};

/// Bytes that show a message's kind and version: three nested headers and one number.
const HEAD_LEN: usize = 24;
/// Tickets with authorisation data reach some 64 KiB.
const MESSAGE_LEN_MAX: u32 = 1 << 20;

/// The application tag of a message whose length fills the bytes and whose version is 5.
fn kind(message: &[u8]) -> Option<u8> {
    let (tag, content, rest) = ber(message)?;
    let (content, behind) = ber_of(content, 0x30)?;
    (rest.is_empty() && behind.is_empty() && is_version_5(tag, content)).then_some(tag & 0x1f)
}

/// Requests count their fields from 1, all other messages from 0.
fn is_version_5(tag: u8, fields: &[u8]) -> bool {
    let first = match tag & 0x1f {
        10 | 12 => 0xa1,
        11 | 13 | 14 | 15 | 20 | 21 | 22 | 30 => 0xa0,
        _ => return false,
    };
    tag & 0xe0 == 0x60 && fields.starts_with(&[first, 3, 2, 1, 5])
}

/// The kind of a message of which only the head is there.
fn kind_of_head(head: &[u8]) -> Option<u8> {
    let tag = *head.first()?;
    let fields = head.get(header_len(head)?..)?;
    let fields = fields.get(header_len(fields).filter(|_| fields.starts_with(&[0x30]))?..)?;
    is_version_5(tag, fields).then_some(tag & 0x1f)
}

/// Length of a BER value's tag and length.
fn header_len(bytes: &[u8]) -> Option<usize> {
    bytes.get(1).map(|len| if *len < 0x80 { 2 } else { 2 + usize::from(len & 0x7f) })
}

fn probe_stream(first: &[u8], _side: Side) -> Guess {
    let is_open = |at: usize, fits: &dyn Fn(u8) -> bool| first.get(at).is_none_or(|byte| fits(*byte));
    if !is_open(0, &|byte| byte == 0) || !is_open(4, &|byte| byte & 0xe0 == 0x60) {
        return Guess::No;
    }
    if first.len() < 4 + HEAD_LEN {
        Guess::Short
    } else {
        surely(kind_of_head(first.get(4..).unwrap_or(&[])).is_some())
    }
}

fn note(kind: u8, side: Side, notes: &mut Notes<'_>) {
    notes.app("kerberos", Basis::Parsed);
    match kind {
        10 | 12 | 14 => notes.client(side),
        11 | 13 | 15 | 30 => notes.client(side.other()),
        _ => {}
    }
}

#[derive(Debug)]
struct Datagrams;

impl Dissector for Datagrams {
    fn bytes(&mut self, datagram: &[u8], side: Side, notes: &mut Notes<'_>) -> Next {
        match kind(datagram) {
            Some(kind) => note(kind, side, notes),
            None => return Next::Broken,
        }
        Next::More
    }

    fn gap(&mut self, _missing: u64, _side: Side, _notes: &mut Notes<'_>) -> Next {
        Next::More
    }
}

#[derive(Debug, Default)]
struct Stream {
    messages: [Heads; 2],
}

impl Dissector for Stream {
    fn bytes(&mut self, mut input: &[u8], side: Side, notes: &mut Notes<'_>) -> Next {
        loop {
            let len = |head: &[u8]| {
                u32_at(head, 0).filter(|len| *len <= MESSAGE_LEN_MAX).map(|len| len as usize + 4)
            };
            match half(&mut self.messages, side).next(&mut input, 4, 4 + HEAD_LEN, len) {
                Step::More => return Next::More,
                Step::Broken => return Next::Broken,
                Step::Head(head) => match head.get(4..).and_then(kind_of_head) {
                    Some(kind) => note(kind, side, notes),
                    // Password changes (RFC 3244) have a header of their own before the same messages.
                    None if head
                        .get(4..)
                        .is_some_and(|head| matches!(head, [_, _, 0xff, 0x80, ..] | [_, _, 0, 1, ..])) => {}
                    None => return Next::Broken,
                },
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{super::told::*, *};

    fn message(tag: u8, first: u8) -> Vec<u8> {
        let fields = [&[first, 3, 2, 1, 5][..], &[0xa2, 20], &[7; 20]].concat();
        [&[tag, fields.len() as u8 + 2, 0x30, fields.len() as u8][..], &fields].concat()
    }

    #[test]
    fn a_request_shows_the_client_and_an_answer_the_server() {
        let (identity, next) =
            told_datagrams(&UDP, &[(UP, &message(0x6a, 0xa1)), (DOWN, &message(0x7e, 0xa0))]);
        assert_eq!((identity.app, identity.client, next), ("kerberos", Some(UP), Next::More));
        let framed = |message: Vec<u8>| [&(message.len() as u32).to_be_bytes()[..], &message].concat();
        let (request, answer) = (framed(message(0x6c, 0xa1)), framed(message(0x6d, 0xa0)));
        let (identity, next) = told_last(&TCP, &[(DOWN, &answer), (UP, &request)]);
        assert_eq!((identity.app, identity.client, next), ("kerberos", Some(UP), Next::More));
    }

    #[test]
    fn another_version_tag_or_length_is_not_kerberos() {
        let good = message(0x6a, 0xa1);
        assert_eq!((UDP.probe)(&good, UP), Guess::Yes);
        for (at, byte) in [(0, 0x61), (1, 5), (2, 0x31), (4, 0xa0), (8, 4)] {
            let mut bad = good.clone();
            bad[at] = byte;
            assert_eq!((UDP.probe)(&bad, UP), Guess::No, "{at}");
        }
        assert_eq!((TCP.probe)(&[0, 0, 0, 28, 0x6a], UP), Guess::Short);
        assert_eq!((TCP.probe)(&[0, 0, 0, 28, 0x16], UP), Guess::No);
    }
}
