//! Screens and terminals from afar: VNC (RFC 6143), Citrix ICA, Telnet (RFC 854).

use super::{
    dissector::{Dissector, First, Guess, Next, Protocol},
    shapes::{begins, half},
};
use crate::ground::model::{
    address::Transport,
    field::Field,
    identity::{Basis, Marks, Notes},
    key::Side,
};

/// VNC over TCP.
pub static VNC: Protocol = Protocol {
    name: "vnc",
    transport: Transport::TCP,
    ports: &[5900, 5901, 5902, 5903],
    first: First::of(b"R"),
    probe: |first, _| match begins(first, b"RFB 00") {
        Guess::Yes if first.len() < RFB_VERSION_LEN => Guess::Short,
        Guess::Yes if is_rfb_version(first) => Guess::Yes,
        Guess::Yes => Guess::No,
        guess => guess,
    },
    open: || Box::<Vnc>::default(),
};

/// Citrix ICA over TCP, alone or in the common gateway protocol.
pub static ICA: Protocol = Protocol {
    name: "ica",
    transport: Transport::TCP,
    ports: &[1494, 2598],
    first: First::of(b"\x7f\x1a"),
    probe: |first, _| match begins(first, b"\x7f\x7fICA\0") {
        Guess::No => begins(first, b"\x1aCGP/01"),
        guess => guess,
    },
    open: || Box::new(Known("ica", Marks(0))),
};

/// Telnet over TCP, known by the options that both ends negotiate first.
pub static TELNET: Protocol = Protocol {
    name: "telnet",
    transport: Transport::TCP,
    ports: &[23],
    first: First::of(&[0xff]),
    probe: probe_telnet,
    open: || Box::new(Known("telnet", Marks::CLEARTEXT)),
};

/// `RFB 003.008` and a line feed (RFC 6143 section 7.1.1).
const RFB_VERSION_LEN: usize = 12;

fn is_rfb_version(first: &[u8]) -> bool {
    match first.first_chunk::<RFB_VERSION_LEN>() {
        Some([b'R', b'F', b'B', b' ', a, b, c, b'.', d, e, f, b'\n']) => {
            [a, b, c, d, e, f].iter().all(|digit| digit.is_ascii_digit())
        }
        _ => false,
    }
}

/// A command, its verb and an option that is assigned (IANA "Telnet Options").
fn probe_telnet(first: &[u8], _side: Side) -> Guess {
    const COMMAND: u8 = 0xff;
    match first {
        [COMMAND, 0xfa..=0xfe, 0..=49 | 255, ..] => Guess::Yes,
        [] | [COMMAND] | [COMMAND, 0xfa..=0xfe] => Guess::Short,
        _ => Guess::No,
    }
}

/// A protocol that shows nothing but itself.
#[derive(Debug)]
struct Known(&'static str, Marks);

impl Dissector for Known {
    fn bytes(&mut self, _bytes: &[u8], _side: Side, notes: &mut Notes<'_>) -> Next {
        notes.app(self.0, Basis::Signature);
        notes.mark(self.1);
        Next::Settled
    }
}

/// Versions, then the kinds of security that the server offers, then the client's choice.
#[derive(Debug, Default)]
struct Vnc {
    kept: [Vec<u8>; 2],
    /// The server speaks first.
    server: Option<Side>,
}

impl Dissector for Vnc {
    fn bytes(&mut self, bytes: &[u8], side: Side, notes: &mut Notes<'_>) -> Next {
        let server = *self.server.get_or_insert(side);
        // Versions and choices are short; what lies behind them is not read.
        let kept = half(&mut self.kept, side);
        let room = 64usize.saturating_sub(kept.len());
        kept.extend(bytes.iter().take(room));
        if kept.len() >= RFB_VERSION_LEN {
            if !is_rfb_version(kept) {
                return Next::Broken;
            }
            notes.app("vnc", Basis::Parsed);
            notes.client(server.other());
            notes.text(Field::Banner, kept.get(..RFB_VERSION_LEN - 1).unwrap_or(&[]), side);
        }
        let [opener, answerer] = &self.kept;
        let (server, client) = if server == Side::Opener { (opener, answerer) } else { (answerer, opener) };
        let security = if client.starts_with(b"RFB 003.003") {
            // The server decides, in four bytes.
            server.get(RFB_VERSION_LEN..).and_then(|rest| rest.first_chunk::<4>()).map(|[.., kind]| *kind)
        } else {
            client.get(RFB_VERSION_LEN).copied()
        };
        match security {
            None => Next::More,
            // None, a password, and vendors' passwords: what follows is in the clear.
            Some(1 | 2 | 16 | 17 | 22 | 30 | 35) => {
                notes.mark(Marks::CLEARTEXT);
                Next::Settled
            }
            Some(_) => Next::Settled,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{super::told::*, *};

    #[test]
    fn a_vnc_session_without_encryption_is_in_the_clear() {
        let parts: [(Side, &[u8]); 4] =
            [(DOWN, b"RFB 003.008\n"), (UP, b"RFB 003.008\n"), (DOWN, &[2, 2, 19]), (UP, &[2])];
        let (identity, next) = told_last(&VNC, &parts);
        assert_eq!((identity.app, identity.client, next), ("vnc", Some(UP), Next::Settled));
        assert_eq!((identity.marks, identity.all(Field::Banner).count()), (Marks::CLEARTEXT, 2));
        let parts = [parts[0], parts[1], parts[2], (UP, &[19])];
        assert_eq!(told(&VNC, &parts).marks, Marks::default());
        let old: [(Side, &[u8]); 3] =
            [(DOWN, b"RFB 003.003\n"), (UP, b"RFB 003.003\n"), (DOWN, &[0, 0, 0, 2])];
        assert_eq!(told(&VNC, &old).marks, Marks::CLEARTEXT);
    }

    #[test]
    fn first_bytes_tell_screens_and_terminals_apart() {
        for (protocol, bytes, guess) in [
            (&VNC, &b"RFB 003.0"[..], Guess::Short),
            (&VNC, b"RFB 003.008\n", Guess::Yes),
            (&VNC, b"RFB 00x.008\n", Guess::No),
            (&ICA, b"\x7f\x7fICA\0", Guess::Yes),
            (&ICA, b"\x1aCGP/01", Guess::Yes),
            (&ICA, b"\x7fELF", Guess::No),
            (&TELNET, &[0xff, 0xfd, 24], Guess::Yes),
            (&TELNET, &[0xff, 0xfd], Guess::Short),
            (&TELNET, &[0xff, 0xd8, 0xff], Guess::No),
            (&TELNET, &[0xff, 0xfb, 99], Guess::No),
        ] {
            assert_eq!((protocol.probe)(bytes, UP), guess, "{} {bytes:?}", protocol.name);
        }
    }
}
