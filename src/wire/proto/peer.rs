//! Files between peers: BitTorrent with its trackers, its table of peers and its transport over UDP.

use super::{
    dissector::{Dissector, First, Next, Protocol},
    shapes::{begins, surely, u8_at, u16_at, u32_at},
};
use crate::ground::model::{
    address::Transport,
    identity::{Basis, Marks, Notes},
    key::Side,
};

/// BitTorrent between peers.
pub static BITTORRENT_TCP: Protocol = Protocol {
    name: "bittorrent",
    transport: Transport::TCP,
    ports: &[6881],
    first: First::of(&[0x13]),
    probe: |first, _| begins(first, HANDSHAKE),
    open: || Box::new(Known),
};

/// The table of peers, trackers, local discovery and uTP.
pub static BITTORRENT_UDP: Protocol = Protocol {
    name: "bittorrent",
    transport: Transport::UDP,
    ports: &[6881, 6771],
    first: First::of(b"dAB\0"),
    probe: |datagram, _| surely(is_bittorrent(datagram)),
    open: || Box::new(Known),
};

/// BEP 3: the length of the protocol's name, and the name.
const HANDSHAKE: &[u8] = b"\x13BitTorrent protocol";

fn is_bittorrent(datagram: &[u8]) -> bool {
    is_table_message(datagram)
        || is_tracker_request(datagram)
        || is_transport_opening(datagram)
        // BEP 14.
        || datagram.starts_with(b"BT-SEARCH * HTTP/1.1\r\n")
}

/// BEP 5: a dictionary whose first key is one of the five that these messages have, closed by an `e`.
fn is_table_message(datagram: &[u8]) -> bool {
    let beginnings: [&[u8]; 5] = [b"d1:ad2:id20:", b"d1:rd2:id20:", b"d1:eli2", b"d2:ip", b"d1:rd5:token"];
    beginnings.iter().any(|beginning| datagram.starts_with(beginning)) && datagram.ends_with(b"e")
}

/// BEP 15: a magic number, action 0, a transaction.
fn is_tracker_request(datagram: &[u8]) -> bool {
    datagram.len() == 16 && datagram.starts_with(&[0, 0, 4, 0x17, 0x27, 0x10, 0x19, 0x80, 0, 0, 0, 0])
}

/// BEP 29: a SYN of version 1 with sequence number 1, which acknowledges nothing and has measured nothing.
fn is_transport_opening(datagram: &[u8]) -> bool {
    matches!(datagram, [0x41, 0..=2, ..])
        && (datagram.len() == 20 || u8_at(datagram, 1) != Some(0) && (23..=40).contains(&datagram.len()))
        && u32_at(datagram, 8) == Some(0)
        && u32_at(datagram, 12).is_some_and(|window| window > 0)
        && u16_at(datagram, 16) == Some(1)
        && u16_at(datagram, 18) == Some(0)
}

/// What is passed on afterwards is in no shape that could be checked.
#[derive(Debug)]
struct Known;

impl Dissector for Known {
    fn bytes(&mut self, _bytes: &[u8], _side: Side, notes: &mut Notes<'_>) -> Next {
        notes.app("bittorrent", Basis::Signature);
        notes.mark(Marks::FILES);
        Next::Settled
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::{dissector::Guess, told::*},
        *,
    };

    #[test]
    fn peers_are_known_by_what_only_they_say() {
        let opening = [&[0x41, 0, 1, 2, 9, 9, 9, 9, 0, 0, 0, 0, 0, 1, 0, 0][..], &[0, 1, 0, 0]].concat();
        let tracker = [0, 0, 4, 0x17, 0x27, 0x10, 0x19, 0x80, 0, 0, 0, 0, 7, 7, 7, 7];
        for good in [
            &b"d1:ad2:id20:aaaaaaaaaaaaaaaaaaaae1:q4:ping1:t2:aa1:y1:qe"[..],
            &tracker,
            &opening,
            b"BT-SEARCH * HTTP/1.1\r\n",
        ] {
            assert_eq!((BITTORRENT_UDP.probe)(good, UP), Guess::Yes);
        }
        for bad in [&b"d1:ad2:id20:aaaa"[..], &tracker[..15], &opening[..19], &[0x41; 20]] {
            assert_eq!((BITTORRENT_UDP.probe)(bad, UP), Guess::No);
        }
        assert_eq!((BITTORRENT_TCP.probe)(&HANDSHAKE[..8], UP), Guess::Short);
        assert!(told(&BITTORRENT_TCP, &[(UP, HANDSHAKE)]).marks.has(Marks::FILES));
    }
}
