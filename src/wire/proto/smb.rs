//! SMB 1 to 3 behind its four length bytes, over TCP alone or over a NetBIOS session (MS-SMB2 section 2.1, RFC 1002).

use super::{
    dissector::{Dissector, First, Guess, Next, Protocol},
    shapes::{Heads, Step, encrypted, half, surely, u8_at},
};
use crate::ground::model::{
    address::Transport,
    identity::{Basis, Marks, Notes},
    key::Side,
};

/// SMB over TCP.
pub static PROTOCOL: Protocol = Protocol {
    name: "smb",
    transport: Transport::TCP,
    ports: &[445, 139],
    first: First::of(&[MESSAGE, SESSION_REQUEST]),
    probe,
    open: || Box::<Smb>::default(),
};

/// NetBIOS session: a request for one, its answers, and messages (RFC 1002 section 4.3.1).
const MESSAGE: u8 = 0;
const SESSION_REQUEST: u8 = 0x81;
const SESSION_ANSWERS: std::ops::RangeInclusive<u8> = 0x82..=0x84;
const KEEP_ALIVE: u8 = 0x85;

fn probe(first: &[u8], _side: Side) -> Guess {
    match first {
        // Two encoded names of 34 bytes.
        [SESSION_REQUEST, rest @ ..] => match rest {
            [0, 0, 68, 0x20, ..] => Guess::Yes,
            [] | [0] | [0, 0] | [0, 0, 68] => Guess::Short,
            _ => Guess::No,
        },
        [MESSAGE, _, _, _, version, b'S', b'M', b'B', ..] => surely(*version >= 0xfc),
        [MESSAGE, rest @ ..] if rest.len() < 7 => {
            let is_open = rest.get(3).is_none_or(|version| *version >= 0xfc)
                && rest.get(4..).is_none_or(|word| b"SMB".starts_with(word));
            if is_open { Guess::Short } else { Guess::No }
        }
        [] => Guess::Short,
        _ => Guess::No,
    }
}

#[derive(Debug, Default)]
struct Smb {
    messages: [Heads; 2],
    /// This end sent an encrypted message.
    is_encrypted: [bool; 2],
}

impl Smb {
    /// One message. True when it showed a request in the clear: nothing later can make that good.
    fn message(&mut self, head: &[u8], side: Side, notes: &mut Notes<'_>) -> bool {
        let body = head.get(4..).unwrap_or(&[]);
        let (is_answer, is_plain) = match body {
            // Negotiation, session and tree connections come before encryption can.
            [0xff, b'S', b'M', b'B', command, ..] => {
                (u8_at(body, 9).is_some_and(|flags| flags & 0x80 != 0), !matches!(command, 0x72..=0x75))
            }
            [0xfe, b'S', b'M', b'B', ..] => {
                let command = u8_at(body, 12).unwrap_or(0);
                (u8_at(body, 16).is_some_and(|flags| flags & 1 != 0), command > 4 && command != 0x0d)
            }
            // Encrypted: whose request it answers cannot be seen.
            [0xfd, b'S', b'M', b'B', ..] => {
                *half(&mut self.is_encrypted, side) = true;
                encrypted(side, notes);
                return false;
            }
            _ => return false,
        };
        notes.client(if is_answer { side.other() } else { side });
        if is_plain {
            notes.mark(Marks::CLEARTEXT);
        }
        is_plain
    }
}

impl Dissector for Smb {
    fn bytes(&mut self, mut input: &[u8], side: Side, notes: &mut Notes<'_>) -> Next {
        loop {
            let len = |head: &[u8]| {
                let [kind, a, b, c] = *head.first_chunk()?;
                let is_known =
                    matches!(kind, MESSAGE | SESSION_REQUEST | KEEP_ALIVE) || SESSION_ANSWERS.contains(&kind);
                is_known.then(|| 4 + u32::from_be_bytes([0, a, b, c]) as usize)
            };
            // The SMB 2 header up to its flags.
            match half(&mut self.messages, side).next(&mut input, 4, 4 + 20, len) {
                Step::More => return Next::More,
                Step::Broken => return Next::Broken,
                Step::Head(head) => {
                    notes.app("smb", Basis::Parsed);
                    notes.mark(Marks::FILES);
                    match head.first() {
                        Some(&SESSION_REQUEST) => notes.client(side),
                        Some(0x83) => notes.mark(Marks::REFUSED),
                        _ => {}
                    }
                    if self.message(&head, side, notes) || self.is_encrypted == [true, true] {
                        return Next::Settled;
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{super::told::*, *};

    fn smb2(command: u8, flags: u8) -> Vec<u8> {
        let mut body = [&b"\xfeSMB"[..], &[0; 60]].concat();
        body[12] = command;
        body[16] = flags;
        [&[0, 0, 0, 64][..], &body].concat()
    }

    #[test]
    fn encryption_of_smb_3_is_seen_behind_its_plain_beginning() {
        let secret = [&[0, 0, 0, 52][..], b"\xfdSMB", &[7; 48]].concat();
        let parts: [(Side, &[u8]); 6] = [
            (UP, &smb2(0, 0)),
            (DOWN, &smb2(0, 1)),
            (UP, &smb2(3, 0)),
            (DOWN, &smb2(3, 1)),
            (UP, &secret),
            (DOWN, &secret),
        ];
        let (identity, next) = told_last(&PROTOCOL, &parts);
        assert_eq!((identity.app, identity.client, next), ("smb", Some(UP), Next::Settled));
        let marks = Marks::ENCRYPTED_OPENER.0 | Marks::ENCRYPTED_ANSWERER.0 | Marks::FILES.0;
        assert_eq!(identity.marks.0, marks);
    }

    #[test]
    fn a_file_that_is_opened_in_the_clear_settles_it() {
        let (identity, next) = told_last(&PROTOCOL, &[(UP, &smb2(0, 0)), (UP, &smb2(5, 0))]);
        assert!(identity.marks.has(Marks::CLEARTEXT) && next == Next::Settled);
        let smb1 = [&[0, 0, 0, 32][..], b"\xffSMB\x2e", &[0; 27]].concat();
        let (identity, _) = told_last(&PROTOCOL, &[(UP, &smb1)]);
        assert!(identity.marks.has(Marks::CLEARTEXT) && identity.marks.has(Marks::FILES));
    }

    #[test]
    fn a_netbios_session_may_come_first() {
        let request = [&[SESSION_REQUEST, 0, 0, 68, 0x20][..], &[b'A'; 67]].concat();
        let (identity, _) =
            told_last(&PROTOCOL, &[(UP, &request), (DOWN, &[0x82, 0, 0, 0]), (UP, &smb2(0, 0))]);
        assert_eq!((identity.app, identity.client), ("smb", Some(UP)));
    }

    #[test]
    fn zeros_and_other_lengths_are_not_smb() {
        for (bytes, guess) in [
            (&[0, 0, 0, 64, 0xfe][..], Guess::Short),
            (&[0, 0, 0, 64, 0xfe, b'S', b'M', b'B'], Guess::Yes),
            (&[0, 0, 0, 64, 0x30], Guess::No),
            (&[0; 8], Guess::No),
            (&[0x81, 0, 0, 68], Guess::Short),
        ] {
            assert_eq!(probe(bytes, UP), guess, "{bytes:?}");
        }
    }
}
