//! DCE/RPC over TCP: calls between Windows hosts (C706 section 12.6, MS-RPCE section 2.2.2).

use super::{
    dissector::{Dissector, First, Guess, Next, Protocol},
    shapes::{Heads, Step, encrypted, half, surely, u8_at},
};
use crate::ground::model::{
    address::Transport,
    identity::{Basis, Marks, Notes},
    key::Side,
};

/// DCE/RPC over TCP.
pub static PROTOCOL: Protocol = Protocol {
    name: "dcerpc",
    transport: Transport::TCP,
    ports: &[135, 593],
    first: First::of(&[5]),
    probe,
    open: || Box::<DceRpc>::default(),
};

/// DCE/RPC over UDP, as field devices speak it.
pub static DATAGRAMS: Protocol = Protocol {
    name: "dcerpc",
    transport: Transport::UDP,
    ports: &[135, 34_964],
    first: First::of(&[4]),
    probe: |datagram, _| surely(datagram_kind(datagram).is_some()),
    open: || Box::new(Datagrams),
};

/// The header that all connection-oriented packets share.
const HEADER_LEN: usize = 16;

mod kind {
    pub(super) const REQUEST: u8 = 0;
    pub(super) const RESPONSE: u8 = 2;
    pub(super) const FAULT: u8 = 3;
    pub(super) const BIND: u8 = 11;
    pub(super) const BIND_ANSWERS: std::ops::RangeInclusive<u8> = 12..=13;
    pub(super) const ALTER: u8 = 14;
    pub(super) const ALTER_ANSWER: u8 = 15;
    pub(super) const LAST: u8 = 19;
}

/// The lengths of a packet and of its security trailer, by the header's own byte order.
fn lengths(header: &[u8]) -> Option<(usize, usize)> {
    const LITTLE: u8 = 0x10;
    let [5, 0..=1, kind, _, order, float, 0, 0, a, b, c, d, ..] = *header.first_chunk::<HEADER_LEN>()? else {
        return None;
    };
    let number = |pair| if order & LITTLE != 0 { u16::from_le_bytes(pair) } else { u16::from_be_bytes(pair) };
    let (len, trailer) = (usize::from(number([a, b])), usize::from(number([c, d])));
    let is_known = kind <= kind::LAST && order & !LITTLE == 0 && float <= 3;
    (is_known && len >= HEADER_LEN && trailer < len).then_some((len, trailer))
}

/// The kind of a connectionless packet: version 4, and a length that fills the datagram (C706 section 12.5).
fn datagram_kind(datagram: &[u8]) -> Option<u8> {
    const LITTLE: u8 = 0x10;
    const DATAGRAM_HEADER_LEN: usize = 80;
    let [4, kind @ 0..=10, _, _, order, 0..=3, 0, ..] = *datagram else { return None };
    let len = datagram.get(74..76)?.first_chunk::<2>()?;
    let len = if order & LITTLE != 0 { u16::from_le_bytes(*len) } else { u16::from_be_bytes(*len) };
    (order & !LITTLE == 0 && datagram.len() == DATAGRAM_HEADER_LEN + usize::from(len)).then_some(kind)
}

#[derive(Debug)]
struct Datagrams;

impl Dissector for Datagrams {
    fn bytes(&mut self, datagram: &[u8], side: Side, notes: &mut Notes<'_>) -> Next {
        let Some(kind) = datagram_kind(datagram) else { return Next::Broken };
        notes.app("dcerpc", Basis::Parsed);
        match kind {
            kind::REQUEST => notes.client(side),
            kind::RESPONSE | kind::FAULT => notes.client(side.other()),
            _ => {}
        }
        Next::More
    }

    fn gap(&mut self, _missing: u64, _side: Side, _notes: &mut Notes<'_>) -> Next {
        Next::More
    }
}

fn probe(first: &[u8], _side: Side) -> Guess {
    if first.len() >= HEADER_LEN {
        return surely(lengths(first).is_some());
    }
    // A header that is filled up with what would fit shows whether what is there does.
    let mut header = [5, 0, 0, 0, 0x10, 0, 0, 0, 16, 16, 0, 0, 0, 0, 0, 0];
    for (to, from) in header.iter_mut().zip(first) {
        *to = *from;
    }
    if lengths(&header).is_some() { Guess::Short } else { Guess::No }
}

#[derive(Debug, Default)]
struct DceRpc {
    packets: [Heads; 2],
    is_encrypted: [bool; 2],
}

impl Dissector for DceRpc {
    fn bytes(&mut self, mut input: &[u8], side: Side, notes: &mut Notes<'_>) -> Next {
        const PRIVACY: u8 = 6;
        loop {
            // Whole packets are kept: what guards them stands at their end. A length is 16 bits.
            let len = |head: &[u8]| lengths(head).map(|(len, _)| len);
            let packet = match half(&mut self.packets, side).next(&mut input, HEADER_LEN, usize::MAX, len) {
                Step::Head(packet) => packet,
                Step::More => return Next::More,
                Step::Broken => return Next::Broken,
            };
            notes.app("dcerpc", Basis::Parsed);
            let kind = u8_at(&packet, 2).unwrap_or(0);
            match kind {
                kind::REQUEST | kind::BIND | kind::ALTER => notes.client(side),
                kind::RESPONSE | kind::FAULT | kind::ALTER_ANSWER => notes.client(side.other()),
                _ if kind::BIND_ANSWERS.contains(&kind) => notes.client(side.other()),
                _ => {}
            }
            if matches!(kind, kind::REQUEST | kind::RESPONSE) {
                // The trailer: 8 bytes whose second is the level, then the credentials.
                let trailer = lengths(&packet).filter(|(_, trailer)| *trailer > 0);
                let level = trailer.and_then(|(len, trailer)| u8_at(&packet, len.checked_sub(trailer + 7)?));
                if level != Some(PRIVACY) {
                    notes.mark(Marks::CLEARTEXT);
                    return Next::Settled;
                }
                encrypted(side, notes);
                *half(&mut self.is_encrypted, side) = true;
                if self.is_encrypted == [true, true] {
                    return Next::Settled;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{super::told::*, *};

    fn packet(kind: u8, body: &[u8], trailer: &[u8]) -> Vec<u8> {
        let len = (HEADER_LEN + body.len() + trailer.len()) as u16;
        let credentials = trailer.len().saturating_sub(8) as u16;
        [
            &[5, 0, kind, 3, 0x10, 0, 0, 0][..],
            &len.to_le_bytes(),
            &credentials.to_le_bytes(),
            &[1, 0, 0, 0],
            body,
            trailer,
        ]
        .concat()
    }

    #[test]
    fn privacy_is_seen_in_the_trailer_of_each_call() {
        let trailer = |level: u8| [&[9, level, 0, 0, 0, 0, 0, 0][..], &[7; 16]].concat();
        let bind = packet(11, &[1; 40], &trailer(6));
        let call = |level| packet(0, &[2; 24], &trailer(level));
        let parts = [
            (UP, &bind[..]),
            (DOWN, &packet(12, &[1; 20], &[])),
            (UP, &call(6)),
            (DOWN, &packet(2, &[2; 8], &trailer(6))),
        ];
        let (identity, next) = told_last(&PROTOCOL, &parts);
        assert_eq!((identity.app, identity.client, next), ("dcerpc", Some(UP), Next::Settled));
        assert_eq!(identity.marks.0, Marks::ENCRYPTED_OPENER.0 | Marks::ENCRYPTED_ANSWERER.0);
        for clear in [call(5), packet(0, &[2; 24], &[])] {
            let (identity, next) = told_last(&PROTOCOL, &[(UP, &bind), (UP, &clear)]);
            assert_eq!((identity.marks, next), (Marks::CLEARTEXT, Next::Settled));
        }
    }

    #[test]
    fn a_call_in_a_datagram_is_filled_by_its_length() {
        let mut call = vec![0; 90];
        call[..6].copy_from_slice(&[4, 0, 8, 0, 0x10, 0]);
        call[74] = 10;
        let (identity, next) = told_datagrams(&DATAGRAMS, &[(UP, &call)]);
        assert_eq!((identity.app, identity.client, next), ("dcerpc", Some(UP), Next::More));
        for (at, byte) in [(0, 5), (1, 11), (4, 0x20), (5, 4), (6, 1), (74, 9)] {
            let mut bad = call.clone();
            bad[at] = byte;
            assert_eq!((DATAGRAMS.probe)(&bad, UP), Guess::No);
        }
    }

    #[test]
    fn socks_and_other_fives_are_not_dcerpc() {
        for (bytes, guess) in [
            (&packet(11, &[0; 8], &[])[..], Guess::Yes),
            (&[5, 0, 11][..], Guess::Short),
            (&[5, 2, 0, 2], Guess::No),
            (&[5, 1, 0, 3, 11, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], Guess::No),
            (&[5; 16], Guess::No),
        ] {
            assert_eq!(probe(bytes, UP), guess, "{bytes:?}");
        }
    }
}
