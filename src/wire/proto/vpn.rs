//! Tunnels that encrypt: WireGuard, OpenVPN, IKE with the ESP that follows it through NAT.
//!
//! What is inside cannot be read, so each notes [`Cause::Tunnel`] with its kind.

use super::{
    dissector::{Dissector, First, Guess, Next, Protocol},
    shapes::{Heads, Step, encrypted, half, surely, u8_at, u16_at, u32_at},
};
use crate::ground::model::{
    address::Transport,
    cause::Cause,
    identity::{Basis, Marks, Notes},
    key::Side,
};

/// WireGuard over UDP.
pub static WIREGUARD: Protocol = Protocol {
    name: "wireguard",
    transport: Transport::UDP,
    ports: &[51_820],
    first: First::range(1, 4),
    probe: |datagram, _| surely(wireguard(datagram).is_some()),
    open: || Box::<WireGuard>::default(),
};

/// OpenVPN over UDP.
pub static OPENVPN_UDP: Protocol = Protocol {
    name: "openvpn",
    transport: Transport::UDP,
    ports: &[1194],
    first: First::of(&[0x38, 0x40, 0x50]),
    probe: |datagram, _| surely(openvpn_reset(datagram).is_some()),
    open: || Box::<OpenVpn>::default(),
};

/// OpenVPN over TCP: two length bytes before each packet.
pub static OPENVPN_TCP: Protocol = Protocol {
    name: "openvpn",
    transport: Transport::TCP,
    ports: &[1194],
    first: First::ANY,
    probe: probe_openvpn_stream,
    open: || Box::<OpenVpnStream>::default(),
};

/// IKE, on its own port and behind NAT.
pub static IKE: Protocol = Protocol {
    name: "ike",
    transport: Transport::UDP,
    ports: &[500, 4500],
    first: First::ANY,
    probe: |datagram, _| surely(Ike::read(without_marker(datagram)).is_some()),
    open: || Box::<IkeFlow>::default(),
};

/// The type of a WireGuard message; each but the last has one length (protocol paper, section 5.4).
fn wireguard(datagram: &[u8]) -> Option<u8> {
    let [kind, 0, 0, 0, rest @ ..] = datagram else { return None };
    // A counter that starts at 0 and stays far below 2^40 in any life of a key.
    let has_small_counter = || rest.get(9..12) == Some(&[0; 3]);
    let fits = match (kind, datagram.len()) {
        (1, 148) | (2, 92) | (3, 64) => true,
        (4, len) => len >= 32 && len.is_multiple_of(16) && has_small_counter(),
        _ => false,
    };
    fits.then_some(*kind)
}

#[derive(Debug, Default)]
struct WireGuard {
    has_asked: bool,
    has_data: [bool; 2],
}

impl Dissector for WireGuard {
    fn bytes(&mut self, datagram: &[u8], side: Side, notes: &mut Notes<'_>) -> Next {
        let Some(kind) = wireguard(datagram) else { return Next::Broken };
        notes.app("wireguard", Basis::Parsed);
        notes.cause(Cause::Tunnel, "wireguard");
        match kind {
            1 => {
                self.has_asked = true;
                notes.client(side);
            }
            2 => {
                notes.client(side.other());
                if self.has_asked {
                    notes.mark(Marks::HANDSHAKE);
                }
            }
            4 => {
                *half(&mut self.has_data, side) = true;
                encrypted(side, notes);
            }
            _ => {}
        }
        if self.has_data == [true, true] { Next::Settled } else { Next::More }
    }

    fn gap(&mut self, _missing: u64, _side: Side, _notes: &mut Notes<'_>) -> Next {
        Next::More
    }
}

/// OpenVPN's packet kinds: the upper five bits of the first byte.
mod opcode {
    pub(super) const SOFT_RESET: u8 = 3;
    pub(super) const CONTROL: u8 = 4;
    pub(super) const ACK: u8 = 5;
    pub(super) const DATA_V1: u8 = 6;
    pub(super) const CLIENT_RESET: u8 = 7;
    pub(super) const SERVER_RESET: u8 = 8;
    pub(super) const DATA_V2: u8 = 9;
    pub(super) const CLIENT_RESET_V3: u8 = 10;
}

/// The kind of a packet that opens a session, in each way it can be guarded.
///
/// In the clear: kind, session, no acknowledgments, packet 0. With an HMAC (`tls-auth`) that and a packet number with a
/// time stand between session and acknowledgments; encrypted (`tls-crypt`), packet number and time come first.
fn openvpn_reset(packet: &[u8]) -> Option<u8> {
    const FIRST_LATE: u32 = 0x0f00_0001;
    let len = packet.len();
    let first = *packet.first()?;
    let number_at = |at| u32_at(packet, at);
    let (kind, tail_len) = match first >> 3 {
        kind @ (opcode::CLIENT_RESET | opcode::CLIENT_RESET_V3) => (kind, 5),
        // One acknowledgment and the other end's session.
        kind @ opcode::SERVER_RESET => (kind, 17),
        _ => return None,
    };
    let tail = packet.get(len.checked_sub(tail_len)?..)?;
    let has_open_tail = tail.first() == Some(&u8::from(tail_len == 17)) && tail.ends_with(&[0; 4]);
    let is_open = len == 9 + tail_len && has_open_tail;
    let hmac_len = len.checked_sub(9 + 8 + tail_len);
    let is_signed = has_open_tail
        && hmac_len.is_some_and(|hmac| {
            matches!(hmac, 16 | 20 | 28 | 32 | 48 | 64) && matches!(number_at(9 + hmac), Some(1..=8))
        });
    let is_encrypted = len >= 9 + 8 + 32 + tail_len && matches!(number_at(9), Some(1..=8 | FIRST_LATE));
    (first & 7 == 0 && (is_open || is_signed || is_encrypted)).then_some(kind)
}

fn probe_openvpn_stream(first: &[u8], _side: Side) -> Guess {
    let Some(len) = u16_at(first, 0).map(usize::from) else { return Guess::Short };
    match u8_at(first, 2).map(|byte| byte >> 3) {
        _ if !(14..=1_500).contains(&len) => Guess::No,
        None => Guess::Short,
        Some(opcode::CLIENT_RESET | opcode::SERVER_RESET | opcode::CLIENT_RESET_V3) => {
            match first.get(2..2 + len) {
                Some(packet) => surely(openvpn_reset(packet).is_some()),
                None => Guess::Short,
            }
        }
        Some(_) => Guess::No,
    }
}

#[derive(Debug, Default)]
struct OpenVpn {
    has_asked: bool,
    has_data: [bool; 2],
}

impl OpenVpn {
    /// One packet's first byte.
    fn packet(&mut self, first: u8, side: Side, notes: &mut Notes<'_>) -> Next {
        notes.app("openvpn", Basis::Parsed);
        notes.cause(Cause::Tunnel, "openvpn");
        match first >> 3 {
            opcode::CLIENT_RESET | opcode::CLIENT_RESET_V3 => {
                self.has_asked = true;
                notes.client(side);
            }
            opcode::SERVER_RESET => {
                notes.client(side.other());
                if self.has_asked {
                    notes.mark(Marks::HANDSHAKE);
                }
            }
            opcode::DATA_V1 | opcode::DATA_V2 => {
                *half(&mut self.has_data, side) = true;
                encrypted(side, notes);
            }
            opcode::SOFT_RESET | opcode::CONTROL | opcode::ACK => {}
            _ => return Next::Broken,
        }
        if self.has_data == [true, true] { Next::Settled } else { Next::More }
    }
}

impl Dissector for OpenVpn {
    fn bytes(&mut self, datagram: &[u8], side: Side, notes: &mut Notes<'_>) -> Next {
        datagram.first().map_or(Next::More, |first| self.packet(*first, side, notes))
    }

    fn gap(&mut self, _missing: u64, _side: Side, _notes: &mut Notes<'_>) -> Next {
        Next::More
    }
}

#[derive(Debug, Default)]
struct OpenVpnStream {
    packets: [Heads; 2],
    flow: OpenVpn,
}

impl Dissector for OpenVpnStream {
    fn bytes(&mut self, mut input: &[u8], side: Side, notes: &mut Notes<'_>) -> Next {
        loop {
            let len = |head: &[u8]| u16_at(head, 0).map(|len| usize::from(len) + 2);
            match half(&mut self.packets, side).next(&mut input, 3, 3, len) {
                Step::More => return Next::More,
                Step::Broken => return Next::Broken,
                Step::Head(head) => {
                    let next = self.flow.packet(u8_at(&head, 2).unwrap_or(0), side, notes);
                    if next != Next::More {
                        return next;
                    }
                }
            }
        }
    }
}

/// What stands before IKE on port 4500, where ESP would have a number (RFC 3948 section 2.2).
fn without_marker(datagram: &[u8]) -> &[u8] {
    datagram.strip_prefix(&[0; 4]).unwrap_or(datagram)
}

/// The header that both versions share (RFC 2408 section 3.1, RFC 7296 section 3.1).
#[derive(Debug)]
struct Ike {
    version: u8,
    exchange: u8,
    flags: u8,
    has_responder: bool,
}

impl Ike {
    fn read(message: &[u8]) -> Option<Self> {
        let (version, exchange, flags) = (u8_at(message, 17)?, u8_at(message, 18)?, u8_at(message, 19)?);
        let is_known = match version {
            // Base, identity protection, authentication only, aggressive, informational, quick, new group, mode config.
            0x10 => matches!(exchange, 1..=6 | 32..=34),
            // SA_INIT, AUTH, CREATE_CHILD_SA, INFORMATIONAL and their later companions.
            0x20 => matches!(exchange, 34..=44),
            _ => false,
        };
        let has_initiator = message.get(..8)? != [0; 8];
        let fits = u32_at(message, 24)? as usize == message.len();
        (is_known && has_initiator && fits).then(|| Self {
            version,
            exchange,
            flags,
            has_responder: message.get(8..16) != Some(&[0; 8]),
        })
    }

    /// True for what is sent under keys that were agreed on.
    const fn is_encrypted(&self) -> bool {
        match self.version {
            0x10 => self.flags & 1 == 1,
            _ => self.exchange != 34,
        }
    }
}

#[derive(Debug, Default)]
struct IkeFlow {
    has_spoken: [bool; 2],
    has_data: [bool; 2],
}

impl Dissector for IkeFlow {
    fn bytes(&mut self, datagram: &[u8], side: Side, notes: &mut Notes<'_>) -> Next {
        const RESPONSE: u8 = 0x20;
        // A byte that keeps the NAT's entry alive.
        if datagram == [0xff] {
            return Next::More;
        }
        let Some(ike) = Ike::read(without_marker(datagram)) else {
            // ESP: a number above 255, a sequence number, ciphertext (RFC 3948 section 2.1).
            if datagram.len() < 16 || u32_at(datagram, 0).is_none_or(|number| number < 256) {
                return Next::Broken;
            }
            *half(&mut self.has_data, side) = true;
            encrypted(side, notes);
            return if self.has_data == [true, true] { Next::Settled } else { Next::More };
        };
        notes.app("ike", Basis::Parsed);
        notes.cause(Cause::Tunnel, "ike");
        *half(&mut self.has_spoken, side) = true;
        // The initiator's first message has no number of the responder's yet.
        if !ike.has_responder {
            notes.client(side);
        } else if ike.version == 0x20 && ike.exchange == 34 && ike.flags & RESPONSE != 0 {
            notes.client(side.other());
        }
        if ike.is_encrypted() {
            encrypted(side, notes);
        }
        if self.has_spoken == [true, true] && ike.has_responder {
            notes.mark(Marks::HANDSHAKE);
        }
        Next::More
    }

    fn gap(&mut self, _missing: u64, _side: Side, _notes: &mut Notes<'_>) -> Next {
        Next::More
    }
}

#[cfg(test)]
mod tests {
    use super::{super::told::*, *};

    fn tunnel(identity: &crate::ground::model::identity::Identity) -> String {
        identity.causes.iter().map(|note| format!("{} {}", note.cause.code(), note.argument)).collect()
    }

    fn message(kind: u8, len: usize) -> Vec<u8> {
        let mut bytes = vec![0; len];
        bytes[0] = kind;
        bytes[4..8].copy_from_slice(&[9, 8, 7, 6]);
        bytes
    }

    #[test]
    fn wireguard_is_its_lengths_and_three_zeros() {
        let parts = [
            (UP, &message(1, 148)[..]),
            (DOWN, &message(2, 92)),
            (UP, &message(4, 32)),
            (DOWN, &message(4, 96)),
        ];
        let (identity, next) = told_datagrams(&WIREGUARD, &parts);
        assert_eq!((identity.app, identity.client, next), ("wireguard", Some(UP), Next::Settled));
        assert_eq!(tunnel(&identity), "tunnel wireguard");
        assert!(identity.marks.has(Marks::HANDSHAKE) && identity.marks.has(Marks::ENCRYPTED_ANSWERER));
        for bad in [message(1, 147), message(2, 148), message(5, 64), message(4, 33), vec![4, 0, 0, 1]] {
            assert_eq!((WIREGUARD.probe)(&bad, UP), Guess::No);
        }
    }

    fn openvpn(kind: u8, guard: &[u8], tail: &[u8]) -> Vec<u8> {
        [&[kind << 3][..], &[0x5a; 8], guard, tail].concat()
    }

    #[test]
    fn openvpn_opens_in_the_clear_signed_or_encrypted() {
        let (client, server) = ([0; 5], [&[1, 0, 0, 0, 0][..], &[0x5a; 8], &[0; 4]].concat());
        let signed = [&[7; 20][..], &[0, 0, 0, 1, 0x66, 1, 2, 3]].concat();
        let encrypted = [&[0, 0, 0, 1, 0x66, 1, 2, 3][..], &[7; 32]].concat();
        for guard in [&[][..], &signed, &encrypted] {
            assert_eq!(openvpn_reset(&openvpn(7, guard, &client)), Some(7));
            assert_eq!(openvpn_reset(&openvpn(8, guard, &server)), Some(8));
        }
        for bad in
            [openvpn(7, &[], &[1, 0, 0, 0, 0]), openvpn(6, &[], &client), openvpn(7, &[7; 28], &client)]
        {
            assert_eq!(openvpn_reset(&bad), None);
        }
        let (hello, answer) = (openvpn(7, &[], &client), openvpn(8, &[], &server));
        let (up, down) = (openvpn(9, &[], &[1; 40]), openvpn(6, &[], &[1; 40]));
        let parts = [(UP, &hello[..]), (DOWN, &answer), (UP, &up), (DOWN, &down)];
        let (identity, next) = told_datagrams(&OPENVPN_UDP, &parts);
        assert_eq!((identity.app, identity.client, next), ("openvpn", Some(UP), Next::Settled));
        assert_eq!(tunnel(&identity), "tunnel openvpn");
        let framed = |packet: &[u8]| [&(packet.len() as u16).to_be_bytes()[..], packet].concat();
        let parts = parts.map(|(side, packet)| (side, framed(packet)));
        let parts: Vec<_> = parts.iter().map(|(side, packet)| (*side, &packet[..])).collect();
        assert_eq!((OPENVPN_TCP.probe)(&parts[0].1[..9], UP), Guess::Short);
        assert_eq!((OPENVPN_TCP.probe)(parts[0].1, UP), Guess::Yes);
        let (over_tcp, next) = told_last(&OPENVPN_TCP, &parts);
        assert_eq!((over_tcp.marks, next), (identity.marks, Next::Settled));
    }

    fn ike(version: u8, exchange: u8, flags: u8, responder: u8) -> Vec<u8> {
        let body = [0x21; 20];
        [&[1; 8][..], &[responder; 8], &[33, version, exchange, flags], &[0; 4], &48u32.to_be_bytes(), &body]
            .concat()
    }

    #[test]
    fn ike_agrees_on_keys_and_esp_follows_on_the_same_ports() {
        let marked = |message: Vec<u8>| [&[0; 4][..], &message].concat();
        let (init, answer) = (ike(0x20, 34, 8, 0), ike(0x20, 34, 0x20, 2));
        let auth = marked(ike(0x20, 35, 8, 2));
        let esp = [&[0xc0, 1, 2, 3, 0, 0, 0, 1][..], &[7; 40]].concat();
        let parts = [(UP, &init[..]), (DOWN, &answer), (UP, &auth), (UP, &[0xff]), (UP, &esp), (DOWN, &esp)];
        let (identity, next) = told_datagrams(&IKE, &parts);
        assert_eq!((identity.app, identity.client, next), ("ike", Some(UP), Next::Settled));
        assert!(identity.marks.has(Marks::HANDSHAKE) && identity.marks.has(Marks::ENCRYPTED_OPENER));
        assert_eq!(tunnel(&identity), "tunnel ike");
        assert_eq!((IKE.probe)(&ike(0x10, 2, 0, 0), UP), Guess::Yes);
        for bad in [ike(0x30, 34, 8, 0), ike(0x20, 33, 8, 0), ike(0x20, 34, 8, 0)[..47].to_vec(), esp.clone()]
        {
            assert_eq!((IKE.probe)(&bad, UP), Guess::No);
        }
    }
}
