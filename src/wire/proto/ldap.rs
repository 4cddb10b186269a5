//! LDAP (RFC 4511): recognised by its BER, read for StartTLS, and for what is asked in the clear.

use super::dissector::{Dissector, First, Guess, Next, Protocol, Switch};
use crate::ground::model::{
    address::Transport,
    cause::Cause,
    identity::{Basis, Marks, Notes},
    key::Side,
    limits,
};

/// LDAP over TCP.
pub static TCP: Protocol = Protocol {
    name: "ldap",
    transport: Transport::TCP,
    ports: &[389, 3268],
    first: First::of(&[0x30]),
    probe: |first, _| probe(first, false),
    open: || Box::<Ldap>::default(),
};

/// Connectionless LDAP (RFC 1798), with which domain controllers are found.
pub static UDP: Protocol = Protocol {
    name: "ldap",
    transport: Transport::UDP,
    ports: &[389],
    first: First::of(&[0x30]),
    probe: |datagram, _| probe(datagram, true),
    open: || Box::new(Connectionless),
};

/// RFC 4511 section 4.14.
const START_TLS: &[u8] = b"1.3.6.1.4.1.1466.20037";
/// Bytes of a message that are looked at: header, number, operation, and the name of an extension.
const START_MAX: usize = 64;

/// Tags of operations (RFC 4511 section 4.2 and on).
const BIND: u8 = 0x60;
const EXTENDED: u8 = 0x77;
const EXTENDED_REPLY: u8 = 0x78;
const REQUESTS: &[u8] = &[BIND, 0x42, 0x63, 0x66, 0x68, 0x4a, 0x6c, 0x6e, 0x50, EXTENDED];
const REPLIES: &[u8] = &[0x61, 0x64, 0x65, 0x73, 0x67, 0x69, 0x6b, 0x6d, 0x6f, EXTENDED_REPLY, 0x79];

/// A BER header: the length of the value and of the header itself. `Err` when it is none.
fn header(raw: &[u8], tag: u8) -> Result<Option<(u64, usize)>, ()> {
    match raw {
        [] => Ok(None),
        [first, ..] if *first != tag => Err(()),
        [_] => Ok(None),
        [_, len @ 0..=0x7f, ..] => Ok(Some((u64::from(*len), 2))),
        [_, long @ 0x81..=0x84, rest @ ..] => {
            let count = usize::from(long & 0x7f);
            let Some(len) = rest.get(..count) else { return Ok(None) };
            Ok(Some((len.iter().fold(0, |value, byte| value << 8 | u64::from(*byte)), 2 + count)))
        }
        _ => Err(()),
    }
}

/// What the first bytes of a message say.
struct Start<'a> {
    /// Length of the whole message.
    len: u64,
    /// Tag of the operation.
    operation: u8,
    /// What follows the tag.
    rest: &'a [u8],
}

/// Reads `SEQUENCE { messageID INTEGER, protocolOp … }`.
fn start(raw: &[u8]) -> Result<Option<Start<'_>>, ()> {
    let Some((len, at)) = header(raw, 0x30)? else { return Ok(None) };
    let Some((number_len, number_at)) = header(raw.get(at..).unwrap_or_default(), 2)? else {
        return Ok(None);
    };
    if !(1..=4).contains(&number_len) || len < number_len + 4 {
        return Err(());
    }
    let operation_at = at + number_at + number_len as usize;
    let Some((operation, rest)) = raw.get(operation_at..).and_then(<[u8]>::split_first) else {
        return Ok(None);
    };
    if !REQUESTS.contains(operation) && !REPLIES.contains(operation) {
        return Err(());
    }
    Ok(Some(Start { len: len + at as u64, operation: *operation, rest }))
}

fn probe(first: &[u8], is_datagram: bool) -> Guess {
    match start(first) {
        Ok(Some(start)) if is_datagram && start.len != first.len() as u64 => Guess::No,
        Ok(Some(start)) => match header(start.rest, start.rest.first().copied().unwrap_or(0)) {
            // An unbind has no value; any other operation ends inside its message.
            _ if start.operation == 0x42 => Guess::Yes,
            _ => match start.rest {
                [] => Guess::Short,
                [len, ..] if u64::from(*len) <= start.len || *len > 0x80 => Guess::Yes,
                _ => Guess::No,
            },
        },
        Ok(None) => Guess::Short,
        Err(()) => Guess::No,
    }
}

/// The reader of one connection.
#[derive(Debug, Default)]
struct Ldap {
    client: Option<Side>,
    /// The start of the current message of each end.
    starts: [Vec<u8>; 2],
    /// Bytes of the current message that are stepped over.
    left: [u64; 2],
    /// StartTLS waits for its reply: what the client sent behind it.
    held: Option<Vec<u8>>,
    is_bound: bool,
}

impl Ldap {
    fn read(&mut self, mut input: &[u8], side: Side, notes: &mut Notes<'_>) -> Option<Next> {
        while !input.is_empty() {
            if self.client == Some(side)
                && let Some(held) = &mut self.held
            {
                if held.len() + input.len() > limits::UPGRADE_HELD_MAX {
                    notes.cause(Cause::ParserLimit, "held behind starttls");
                    return Some(Next::Broken);
                }
                held.extend_from_slice(input);
                return None;
            }
            let ([one, two], [first, second]) = (&mut self.starts, &mut self.left);
            let (kept, left) = if side == Side::Opener { (one, first) } else { (two, second) };
            if *left > 0 {
                let taken = usize::try_from(*left).unwrap_or(usize::MAX).min(input.len());
                *left -= taken as u64;
                input = input.get(taken..).unwrap_or_default();
                continue;
            }
            // One byte at a time up to the bound: where a message ends is known only from its start.
            let len = match header(kept, 0x30) {
                Ok(Some((len, at))) => usize::try_from(len).unwrap_or(usize::MAX).saturating_add(at),
                Ok(None) => kept.len() + 1,
                Err(()) if self.is_bound => {
                    // A security layer of SASL wraps everything from here on (RFC 4513 section 5.2.1).
                    return Some(Next::Settled);
                }
                Err(()) => return Some(Next::Broken),
            };
            let wanted = len.min(START_MAX);
            if kept.len() < wanted {
                let (taken, rest) = input.split_at(input.len().min(wanted - kept.len()));
                kept.extend_from_slice(taken);
                input = rest;
                if kept.len() < wanted || header(kept, 0x30) == Ok(None) {
                    continue;
                }
                if kept.len() < START_MAX && kept.len() < len_of(kept) {
                    continue;
                }
            }
            let message = std::mem::take(kept);
            *left = (len_of(&message) - message.len()) as u64;
            if let Some(next) = self.message(&message, input, side, notes) {
                return Some(next);
            }
        }
        None
    }

    /// One message, as far as it is kept.
    fn message(&mut self, raw: &[u8], rest: &[u8], side: Side, notes: &mut Notes<'_>) -> Option<Next> {
        let Ok(Some(start)) = start(raw) else {
            return Some(if self.is_bound { Next::Settled } else { Next::Broken });
        };
        let is_request = REQUESTS.contains(&start.operation);
        let client = *self.client.get_or_insert_with(|| if is_request { side } else { side.other() });
        notes.client(client);
        notes.app("ldap", Basis::Parsed);
        match start.operation {
            EXTENDED if contains(start.rest, START_TLS) => self.held = Some(Vec::new()),
            EXTENDED_REPLY if self.held.is_some() => {
                let held = self.held.take().unwrap_or_default();
                if is_success(start.rest) {
                    let rest = match client {
                        Side::Opener => [held, rest.to_vec()],
                        Side::Answerer => [rest.to_vec(), held],
                    };
                    return Some(Next::Switch(Switch { to: Some("tls"), rest }));
                }
                return self.read(&held, client, notes);
            }
            EXTENDED | EXTENDED_REPLY => {}
            operation => {
                self.is_bound |= operation == BIND || operation == 0x61;
                notes.mark(Marks::CLEARTEXT);
            }
        }
        None
    }
}

/// Length of the message that these bytes begin; of the bytes themselves when it cannot be told.
fn len_of(raw: &[u8]) -> usize {
    match header(raw, 0x30) {
        Ok(Some((len, at))) => usize::try_from(len).unwrap_or(usize::MAX).saturating_add(at).max(raw.len()),
        _ => raw.len(),
    }
}

fn contains(text: &[u8], part: &[u8]) -> bool {
    text.windows(part.len()).any(|window| window == part)
}

/// The length of the operation stands first, then `resultCode ENUMERATED { success (0) }`.
fn is_success(rest: &[u8]) -> bool {
    let at = rest.first().map_or(1, |len| if *len > 0x80 { 1 + usize::from(len & 0x7f) } else { 1 });
    rest.get(at..).is_some_and(|result| result.starts_with(&[0x0a, 1, 0]))
}

impl Dissector for Ldap {
    fn bytes(&mut self, bytes: &[u8], side: Side, notes: &mut Notes<'_>) -> Next {
        self.read(bytes, side, notes).unwrap_or(Next::More)
    }

    fn gap(&mut self, missing: u64, side: Side, _notes: &mut Notes<'_>) -> Next {
        let [first, second] = &mut self.left;
        let left = if side == Side::Opener { first } else { second };
        if missing <= *left {
            *left -= missing;
            return Next::More;
        }
        Next::Broken
    }

    fn unanswered(&mut self) -> Option<Switch> {
        let held = self.held.take().filter(|held| !held.is_empty())?;
        let rest = match self.client? {
            Side::Opener => [held, Vec::new()],
            Side::Answerer => [Vec::new(), held],
        };
        Some(Switch { to: Some("tls"), rest })
    }
}

#[derive(Debug)]
struct Connectionless;

impl Dissector for Connectionless {
    fn bytes(&mut self, bytes: &[u8], side: Side, notes: &mut Notes<'_>) -> Next {
        let Ok(Some(start)) = start(bytes) else { return Next::Broken };
        notes.client(if REQUESTS.contains(&start.operation) { side } else { side.other() });
        notes.app("ldap", Basis::Parsed);
        notes.mark(Marks::CLEARTEXT);
        Next::More
    }

    fn gap(&mut self, _missing: u64, _side: Side, _notes: &mut Notes<'_>) -> Next {
        Next::More
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::proto::told::{DOWN, UP, told_last};

    fn start_tls() -> Vec<u8> {
        let mut raw = vec![0x30, 0x1d, 2, 1, 1, 0x77, 0x18, 0x80, 0x16];
        raw.extend(START_TLS);
        raw
    }

    const AGREED: &[u8] = &[0x30, 0x0c, 2, 1, 1, 0x78, 7, 0x0a, 1, 0, 4, 0, 4, 0];
    const BIND_SIMPLE: &[u8] = &[0x30, 0x0c, 2, 1, 2, 0x60, 7, 2, 1, 3, 4, 0, 0x80, 0];

    #[test]
    fn start_tls_goes_on_as_tls_on_success() {
        let mut up = start_tls();
        up.push(0x16);
        let (identity, next) = told_last(&TCP, &[(UP, &up), (DOWN, AGREED)]);
        assert_eq!(next, Next::Switch(Switch { to: Some("tls"), rest: [vec![0x16], Vec::new()] }));
        assert_eq!((identity.app, identity.marks.has(Marks::CLEARTEXT)), ("ldap", false));
    }

    #[test]
    fn a_refusal_leaves_the_bind_in_the_clear() {
        let refused = &[0x30, 0x0c, 2, 1, 1, 0x78, 7, 0x0a, 1, 2, 4, 0, 4, 0];
        let (identity, next) = told_last(&TCP, &[(UP, &start_tls()), (DOWN, refused), (UP, BIND_SIMPLE)]);
        assert_eq!((next, identity.marks.has(Marks::CLEARTEXT)), (Next::More, true));
    }

    #[test]
    fn long_messages_are_stepped_over() {
        let mut search = vec![0x30, 0x82, 1, 0x2c, 2, 1, 3, 0x63, 0x82, 1, 0x25];
        search.resize(304, 7);
        let up = [&search[..], &start_tls()].concat();
        let (_, next) = told_last(&TCP, &[(UP, &up), (DOWN, AGREED)]);
        assert!(matches!(next, Next::Switch(_)), "{next:?}");
    }

    #[test]
    fn other_first_bytes_are_not_ldap() {
        for (first, guess) in [
            (BIND_SIMPLE, Guess::Yes),
            (&BIND_SIMPLE[..6], Guess::Short),
            (&[0x30, 0x29, 2, 1, 1, 4, 6], Guess::No), // SNMP: a text follows the number
            (b"\x16\x03\x01", Guess::No),
            (&[0x30, 0x80], Guess::No),
        ] {
            assert_eq!((TCP.probe)(first, UP), guess, "{first:?}");
        }
    }
}
