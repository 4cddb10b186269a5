//! SSH: its version strings, the key exchange, and the moment from which all is ciphertext (RFC 4253).

use super::{
    dissector::{Dissector, First, Guess, Next, Protocol},
    shapes::{Heads, Step, begins, encrypted, half},
};
use crate::ground::model::{
    address::Transport,
    field::Field,
    identity::{Basis, Marks, Notes},
    key::Side,
};

/// SSH over TCP.
pub static PROTOCOL: Protocol = Protocol {
    name: "ssh",
    transport: Transport::TCP,
    ports: &[22],
    first: First::of(b"S"),
    probe,
    open: || Box::<Ssh>::default(),
};

/// Longest version string with its line end (RFC 4253 section 4.2).
const VERSION_LEN_MAX: usize = 255;
/// Largest packet every program must take (RFC 4253 section 6.1).
const PACKET_LEN_MAX: usize = 35_000;

fn probe(first: &[u8], _side: Side) -> Guess {
    match begins(first, b"SSH-2.") {
        Guess::No => begins(first, b"SSH-1."),
        guess => guess,
    }
}

#[derive(Debug, Default)]
struct Ssh {
    halves: [Half; 2],
}

#[derive(Debug, Default)]
struct Half {
    version: Vec<u8>,
    has_version: bool,
    packets: Heads,
    has_offered_keys: bool,
    /// NEWKEYS was sent: every later byte is ciphertext.
    has_new_keys: bool,
    has_ciphertext: bool,
}

impl Half {
    /// Reads up to the end of the version string. `None` when it is longer than any may be.
    fn version(&mut self, input: &mut &[u8], side: Side, notes: &mut Notes<'_>) -> Option<()> {
        let end = input.iter().position(|byte| *byte == b'\n');
        let (line, rest) = input.split_at(end.map_or(input.len(), |end| end + 1));
        *input = rest;
        if self.version.len() + line.len() > VERSION_LEN_MAX {
            return None;
        }
        self.version.extend_from_slice(line);
        if end.is_some() {
            self.has_version = true;
            if !self.version.starts_with(b"SSH-") {
                return None;
            }
            notes.app("ssh", Basis::Parsed);
            notes.text(Field::Banner, self.version.trim_ascii_end(), side);
        }
        Some(())
    }

    /// Reads packets up to NEWKEYS. `None` when there is one that cannot be.
    fn packets(&mut self, input: &mut &[u8], side: Side, notes: &mut Notes<'_>) -> Option<()> {
        const KEY_OFFER: u8 = 20;
        const NEW_KEYS: u8 = 21;
        while !self.has_new_keys {
            // Length, padding length, type.
            let len = |head: &[u8]| {
                let len = u32::from_be_bytes(*head.first_chunk()?) as usize;
                (2..=PACKET_LEN_MAX).contains(&len).then_some(len + 4)
            };
            let head = match self.packets.next(input, 6, 6, len) {
                Step::Head(head) => head,
                Step::More => return Some(()),
                Step::Broken => return None,
            };
            match head.last() {
                Some(&KEY_OFFER) => self.has_offered_keys = true,
                Some(&NEW_KEYS) => self.has_new_keys = true,
                // What only the client sends: its half of the exchange, in all methods (RFC 4253, 4419, 5656).
                Some(30 | 32 | 34) => notes.client(side),
                _ => {}
            }
        }
        Some(())
    }
}

impl Dissector for Ssh {
    fn bytes(&mut self, mut input: &[u8], side: Side, notes: &mut Notes<'_>) -> Next {
        let half = half(&mut self.halves, side);
        if !half.has_version && half.version(&mut input, side, notes).is_none() {
            return Next::Broken;
        }
        if half.has_version && !half.has_new_keys && half.packets(&mut input, side, notes).is_none() {
            return Next::Broken;
        }
        if half.has_new_keys {
            half.packets.pass(&mut input);
            if !input.is_empty() {
                half.has_ciphertext = true;
                encrypted(side, notes);
            }
        }
        if self.halves.iter().all(|half| half.has_offered_keys) {
            notes.mark(Marks::HANDSHAKE);
        }
        if self.halves.iter().all(|half| half.has_ciphertext) { Next::Settled } else { Next::More }
    }
}

#[cfg(test)]
mod tests {
    use super::{super::told::*, *};

    fn packet(kind: u8) -> Vec<u8> {
        [&[0, 0, 0, 12, 4, kind][..], &[0; 10]].concat()
    }

    #[test]
    fn a_session_is_a_handshake_and_then_ciphertext() {
        let server = [&b"SSH-2.0-server_1\r\n"[..], &packet(20)].concat();
        let client = [&b"SSH-2.0-client_1\r\n"[..], &packet(20), &packet(30)].concat();
        let keys = [packet(31), packet(21)].concat();
        let (last, secret) = ([packet(21), vec![9; 40]].concat(), vec![7; 40]);
        let parts = [(DOWN, &server[..]), (UP, &client), (DOWN, &keys), (UP, &last), (DOWN, &secret)];
        let (identity, next) = told_last(&PROTOCOL, &parts);
        assert_eq!((identity.app, next, identity.client), ("ssh", Next::Settled, Some(UP)));
        let marks = Marks::ENCRYPTED_OPENER.0 | Marks::ENCRYPTED_ANSWERER.0 | Marks::HANDSHAKE.0;
        assert_eq!(identity.marks.0, marks);
        assert_eq!(identity.all(Field::Banner).count(), 2);
        // Until the keys are changed on both sides, nothing is settled.
        assert_eq!(told_last(&PROTOCOL, &parts[..4]).1, Next::More);
    }

    #[test]
    fn a_banner_alone_is_no_handshake_and_rubbish_behind_it_is_no_ssh() {
        let (identity, next) = told_last(&PROTOCOL, &[(UP, b"SSH-2.0-x\r\n\xff\xff\xff\xff\xff\xff")]);
        assert_eq!((identity.marks, next), (Marks::default(), Next::Broken));
        let long = [&b"SSH-2.0-"[..], &[b'x'; 300]].concat();
        assert_eq!(told_last(&PROTOCOL, &[(UP, &long)]).1, Next::Broken);
        assert_eq!(probe(b"SSH", UP), Guess::Short);
        assert_eq!(probe(b"SSH-2.0-", UP), Guess::Yes);
        assert_eq!(probe(b"SSL", UP), Guess::No);
    }
}
