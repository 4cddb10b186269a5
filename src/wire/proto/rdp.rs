//! RDP: the connection request that opens it, and the TLS that most of it goes on as (MS-RDPBCGR section 2.2.1).

use super::{
    dissector::{Dissector, First, Guess, Next, Protocol, Switch},
    shapes::half,
};
use crate::ground::model::{
    address::Transport,
    identity::{Basis, Marks, Notes},
    key::Side,
    limits::HANDSHAKE_LEN_MAX,
};

/// RDP over TCP.
pub static PROTOCOL: Protocol = Protocol {
    name: "rdp",
    transport: Transport::TCP,
    ports: &[3389],
    first: First::of(&[3]),
    probe,
    open: || Box::<Rdp>::default(),
};

/// X.224 codes (RFC 905 section 13.1).
const CONNECTION_REQUEST: u8 = 0xe0;
const CONNECTION_CONFIRM: u8 = 0xd0;
/// TPKT (RFC 1006) and the fixed part of X.224.
const HEADER_LEN: usize = 11;
/// A request holds a cookie and a few structures; more is no request.
const REQUEST_LEN_MAX: usize = 1_024;

/// What stands at the beginning of one end's bytes.
#[derive(Debug, PartialEq, Eq)]
enum Opening<'a> {
    /// The client's wish, with what follows the fixed part.
    Request(&'a [u8]),
    /// The server's answer, likewise.
    Confirm(&'a [u8]),
    Short,
    Other,
}

impl<'a> Opening<'a> {
    fn read(bytes: &'a [u8]) -> Self {
        if !bytes.starts_with(&[3, 0]) {
            return if [3, 0].starts_with(bytes) { Self::Short } else { Self::Other };
        }
        let Some(header) = bytes.first_chunk::<6>() else { return Self::Short };
        let [_, _, high, low, rest_len, code] = *header;
        let len = usize::from(u16::from_be_bytes([high, low]));
        // The X.224 length counts what follows it.
        if !(HEADER_LEN..=REQUEST_LEN_MAX).contains(&len) || usize::from(rest_len) != len - 5 {
            return Self::Other;
        }
        if !matches!(code, CONNECTION_REQUEST | CONNECTION_CONFIRM) {
            return Self::Other;
        }
        let Some(body) = bytes.get(HEADER_LEN..len) else { return Self::Short };
        // What other users of X.224 put there are parameters of their own.
        match (code, body) {
            (
                CONNECTION_REQUEST,
                [] | [1 | 6, ..] | [b'C', b'o', b'o', b'k', b'i', b'e', b':', ..] | [b'm', b's', b't', ..],
            ) => Self::Request(body),
            (CONNECTION_CONFIRM, [] | [2 | 3, _, 8, 0, ..]) => Self::Confirm(body),
            _ => Self::Other,
        }
    }
}

fn probe(first: &[u8], _side: Side) -> Guess {
    match Opening::read(first) {
        Opening::Other => Guess::No,
        Opening::Short => Guess::Short,
        Opening::Request(_) | Opening::Confirm(_) => Guess::Yes,
    }
}

#[derive(Debug, Default)]
struct Rdp {
    kept: [Vec<u8>; 2],
    /// The end whose request was read and taken off what is kept.
    client: Option<Side>,
    /// The request offered TLS.
    offers_tls: bool,
}

impl Rdp {
    fn requested(&mut self, side: Side, body_len: usize) {
        let kept = half(&mut self.kept, side);
        // The negotiation request: type 1, flags, length 8, what the client can do.
        let request = kept.drain(..HEADER_LEN + body_len).as_slice().to_vec();
        let offer = request.windows(8).rev().find(|window| matches!(window, [1, _, 8, 0, ..]));
        self.offers_tls = offer.is_some_and(|offer| !offer.ends_with(&[0; 4]));
        self.client = Some(side);
    }

    /// The server's answer decides what follows.
    fn confirmed(&mut self, side: Side, notes: &mut Notes<'_>) -> Next {
        const CHOSEN: u8 = 2;
        let kept = half(&mut self.kept, side);
        let (body_len, is_plain) = match Opening::read(kept) {
            Opening::Confirm(body) => match body {
                [] => (0, true),
                [CHOSEN, _, _, _, choice @ ..] => (body.len(), choice.starts_with(&[0; 4])),
                _ => {
                    notes.mark(Marks::REFUSED);
                    return Next::More;
                }
            },
            Opening::Short => return Next::More,
            Opening::Request(_) | Opening::Other => return Next::Broken,
        };
        kept.drain(..HEADER_LEN + body_len);
        if is_plain {
            // RDP's own security is RC4 with keys that nobody vouches for: it is not counted as encryption.
            notes.mark(Marks::CLEARTEXT);
            return Next::Settled;
        }
        Next::Switch(Switch { to: Some("tls"), rest: std::mem::take(&mut self.kept) })
    }
}

impl Dissector for Rdp {
    fn bytes(&mut self, bytes: &[u8], side: Side, notes: &mut Notes<'_>) -> Next {
        let kept = half(&mut self.kept, side);
        if kept.len() + bytes.len() > REQUEST_LEN_MAX + HANDSHAKE_LEN_MAX {
            return Next::Broken;
        }
        kept.extend_from_slice(bytes);
        if self.client == Some(side) {
            return Next::More;
        }
        if self.client.is_none() {
            let client = match Opening::read(kept) {
                Opening::Request(body) => {
                    let len = body.len();
                    self.requested(side, len);
                    side
                }
                // The request was not seen.
                Opening::Confirm(_) => side.other(),
                Opening::Short => return Next::More,
                Opening::Other => return Next::Broken,
            };
            notes.app("rdp", Basis::Parsed);
            notes.client(client);
            if client == side {
                return Next::More;
            }
        }
        self.confirmed(side, notes)
    }

    fn unanswered(&mut self) -> Option<Switch> {
        let client = self.client.filter(|_| self.offers_tls)?;
        let mut switch = Switch { to: Some("tls"), ..Switch::default() };
        std::mem::swap(half(&mut switch.rest, client), half(&mut self.kept, client));
        Some(switch)
    }
}

#[cfg(test)]
mod tests {
    use super::{super::told::*, *};

    fn x224(code: u8, body: &[u8]) -> Vec<u8> {
        let len = HEADER_LEN + body.len();
        [&[3, 0, 0, len as u8, len as u8 - 5, code, 0, 0, 0, 0, 0][..], body].concat()
    }

    fn request() -> Vec<u8> {
        x224(CONNECTION_REQUEST, b"Cookie: mstshash=user\r\n\x01\x00\x08\x00\x0b\x00\x00\x00")
    }

    #[test]
    fn a_chosen_tls_goes_on_as_tls_with_the_bytes_behind() {
        let confirm = x224(CONNECTION_CONFIRM, &[2, 0, 8, 0, 1, 0, 0, 0]);
        let (identity, next) = told_last(&PROTOCOL, &[(UP, &request()), (DOWN, &confirm), (UP, b"hello")]);
        assert_eq!((identity.app, identity.client, identity.marks), ("rdp", Some(UP), Marks::default()));
        let rest = [b"hello".to_vec(), Vec::new()];
        assert_eq!(next, Next::Switch(Switch { to: Some("tls"), rest }));
    }

    #[test]
    fn rdps_own_security_is_no_encryption_and_a_refusal_is_told() {
        let plain = x224(CONNECTION_CONFIRM, &[2, 0, 8, 0, 0, 0, 0, 0]);
        let (identity, next) = told_last(&PROTOCOL, &[(UP, &request()), (DOWN, &plain)]);
        assert!(identity.marks.has(Marks::CLEARTEXT) && next == Next::Settled);
        let refusal = x224(CONNECTION_CONFIRM, &[3, 0, 8, 0, 5, 0, 0, 0]);
        assert!(told(&PROTOCOL, &[(UP, &request()), (DOWN, &refusal)]).marks.has(Marks::REFUSED));
    }

    #[test]
    fn an_unseen_answer_counts_as_tls() {
        let mut reader = Rdp::default();
        let mut identity = Default::default();
        let mut notes = Notes::new(&mut identity, Default::default(), Default::default());
        reader.bytes(&[&request()[..], b"hello"].concat(), UP, &mut notes);
        assert_eq!(reader.unanswered().map(|switch| switch.rest), Some([b"hello".to_vec(), Vec::new()]));
    }

    #[test]
    fn other_users_of_x224_are_not_rdp() {
        assert_eq!(probe(&x224(CONNECTION_REQUEST, &[0xc0, 1, 0x0a]), UP), Guess::No);
        assert_eq!(probe(&request()[..20], UP), Guess::Short);
        assert_eq!(probe(&request(), UP), Guess::Yes);
        assert_eq!(probe(&[3, 1, 0, 20], UP), Guess::No);
    }
}
