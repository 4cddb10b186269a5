//! Voice and video: STUN and TURN, RTP with RTCP, SIP.

use super::{
    dissector::{Dissector, First, Guess, Next, Protocol},
    shapes::{surely, u8_at, u16_at, u32_at},
};
use crate::ground::model::{
    address::Transport,
    identity::{Basis, Marks, Notes},
    key::Side,
};

/// STUN and TURN over UDP, with the media that share their ports.
pub static STUN_UDP: Protocol = Protocol {
    name: "stun",
    transport: Transport::UDP,
    ports: &[3478, 3479, 3480, 3481, 19_302],
    first: First::range(0, 0x3f),
    probe: |datagram, _| surely(stun(datagram).is_some()),
    open: || Box::new(Datagrams("stun")),
};

/// STUN and TURN over TCP.
pub static STUN_TCP: Protocol = Protocol {
    name: "stun",
    transport: Transport::TCP,
    ports: &[3478],
    first: First::ANY,
    probe: probe_stun_stream,
    open: || Box::<StunStream>::default(),
};

/// RTP and RTCP over UDP.
pub static RTP: Protocol = Protocol {
    name: "rtp",
    transport: Transport::UDP,
    ports: &[],
    first: First::range(0x80, 0xbf),
    probe: |datagram, _| surely(is_rtcp(datagram) || is_telephony(datagram)),
    open: || Box::new(Datagrams("rtp")),
};

/// SIP over UDP.
pub static SIP_UDP: Protocol = Protocol {
    name: "sip",
    transport: Transport::UDP,
    ports: &[5060],
    first: First::LETTERS,
    probe: |datagram, _| match sip(datagram) {
        Guess::Short => Guess::No,
        guess => guess,
    },
    open: || Box::<Sip>::default(),
};

/// SIP over TCP.
pub static SIP_TCP: Protocol = Protocol {
    name: "sip",
    transport: Transport::TCP,
    ports: &[5060],
    first: First::LETTERS,
    probe: |first, _| sip(first),
    open: || Box::<Sip>::default(),
};

/// RFC 8489 section 5.
const STUN_HEADER_LEN: usize = 20;
const STUN_COOKIE: u32 = 0x2112_a442;

/// The type of a STUN message that fills the datagram: by its cookie, or, before RFC 5389, by its attributes.
fn stun(datagram: &[u8]) -> Option<u16> {
    let kind = u16_at(datagram, 0).filter(|kind| *kind < 0x4000)?;
    let len = usize::from(u16_at(datagram, 2)?);
    let mut attributes = datagram.get(STUN_HEADER_LEN..).filter(|rest| rest.len() == len)?;
    if u32_at(datagram, 4) == Some(STUN_COOKIE) {
        // Attributes are padded to four bytes, and some programs do not.
        return Some(kind);
    }
    // Binding and its answers (RFC 3489 section 11.1).
    if !matches!(kind, 0x0001 | 0x0101 | 0x0111) {
        return None;
    }
    while !attributes.is_empty() {
        let attribute = u16_at(attributes, 0).filter(|attribute| matches!(attribute, 1..=0x24 | 0x8000..))?;
        let len = usize::from(u16_at(attributes, 2)?);
        attributes = attributes.get(4 + len..).filter(|_| attribute != 0)?;
    }
    Some(kind)
}

/// A message as it is, or behind the two length bytes of ICE (RFC 4571).
fn probe_stun_stream(first: &[u8], _side: Side) -> Guess {
    let bare = probe_stun_message(first);
    let framed = match first.split_first_chunk::<2>() {
        None => Guess::Short,
        Some((len, message)) => match probe_stun_message(message) {
            Guess::No => Guess::No,
            guess => match u16_at(message, 2) {
                Some(body)
                    if usize::from(u16::from_be_bytes(*len)) != STUN_HEADER_LEN + usize::from(body) =>
                {
                    Guess::No
                }
                _ => guess,
            },
        },
    };
    match (bare, framed) {
        (Guess::Yes, _) | (_, Guess::Yes) => Guess::Yes,
        (Guess::No, Guess::No) => Guess::No,
        _ => Guess::Short,
    }
}

fn probe_stun_message(first: &[u8]) -> Guess {
    if u8_at(first, 0).is_some_and(|byte| byte >= 2) || u8_at(first, 3).is_some_and(|len| len & 3 != 0) {
        return Guess::No;
    }
    u32_at(first, 4).map_or(Guess::Short, |cookie| surely(cookie == STUN_COOKIE))
}

/// The client asks: class bits 00 (RFC 8489 section 5). In ICE both ask, and the first one counts.
fn note_stun(kind: u16, side: Side, notes: &mut Notes<'_>) {
    notes.app("stun", Basis::Parsed);
    notes.client(if kind & 0x0110 == 0 || kind & 0x0110 == 0x0010 { side } else { side.other() });
}

/// RTCP packets that fill the datagram one behind the other (RFC 3550 section 6.1). Behind the first there may be
/// ciphertext and a tag (RFC 3711), which SRTCP appends.
fn is_rtcp(datagram: &[u8]) -> bool {
    let [first, kind @ 200..=207, ..] = datagram else { return false };
    let len = u16_at(datagram, 2).map(|words| 4 * (usize::from(words) + 1));
    first >> 6 == 2
        && datagram.len() >= 8
        && match (kind, len) {
            // Sender and receiver reports tell their length a second time by their count.
            (200, Some(len)) => len >= 28 + 24 * usize::from(first & 31) && len <= datagram.len(),
            (201, Some(len)) => len >= 8 + 24 * usize::from(first & 31) && len <= datagram.len(),
            (_, Some(len)) => len == datagram.len(),
            _ => false,
        }
}

/// RTP with a voice codec whose packets have fixed sizes (RFC 3551 section 6): the only RTP that one datagram proves.
fn is_telephony(datagram: &[u8]) -> bool {
    let [0x80, kind, ..] = datagram else { return false };
    let Some(payload_len) = datagram.len().checked_sub(12) else { return false };
    let has_source = u32_at(datagram, 8).is_some_and(|source| source != 0);
    has_source
        && match kind & 0x7f {
            // G.711 and G.722: 8 bytes a millisecond, in frames of 10 ms.
            0 | 8 | 9 => matches!(payload_len, 80 | 160 | 240 | 320 | 480),
            3 => matches!(payload_len, 33 | 66),
            4 => matches!(payload_len, 20 | 24 | 48),
            18 => matches!(payload_len, 10 | 20 | 30 | 40 | 60),
            _ => false,
        }
}

/// One flow may carry STUN, TURN's channels, RTP and DTLS, told apart by the first byte (RFC 7983).
#[derive(Debug)]
struct Datagrams(&'static str);

impl Dissector for Datagrams {
    fn bytes(&mut self, datagram: &[u8], side: Side, notes: &mut Notes<'_>) -> Next {
        match datagram.first() {
            Some(0..=3) => match stun(datagram) {
                Some(kind) => note_stun(kind, side, notes),
                None => return Next::Broken,
            },
            // A hello is for its own reader.
            Some(20..=63) => return Next::Broken,
            Some(64..=79) if self.0 == "stun" => {}
            Some(128..=191) if datagram.len() >= 8 => notes.app(self.0, Basis::Parsed),
            // Bytes that keep a NAT's entry alive.
            _ if datagram.len() <= 4 => {}
            _ => return Next::Broken,
        }
        Next::More
    }

    fn gap(&mut self, _missing: u64, _side: Side, _notes: &mut Notes<'_>) -> Next {
        Next::More
    }
}

/// What follows the first message may be anything that TURN relays.
#[derive(Debug, Default)]
struct StunStream {
    kept: Vec<u8>,
}

impl Dissector for StunStream {
    fn bytes(&mut self, bytes: &[u8], side: Side, notes: &mut Notes<'_>) -> Next {
        const KEPT_LEN: usize = 8;
        self.kept.extend(bytes.iter().take(KEPT_LEN - self.kept.len().min(KEPT_LEN)));
        let Some(cookie) = u32_at(&self.kept, 4) else { return Next::More };
        let kind = u16_at(&self.kept, if cookie == STUN_COOKIE { 0 } else { 2 });
        note_stun(kind.unwrap_or(0), side, notes);
        Next::Settled
    }
}

/// Requests of RFC 3261 and its extensions.
const SIP_METHODS: [&[u8]; 14] = [
    b"INVITE",
    b"ACK",
    b"BYE",
    b"CANCEL",
    b"REGISTER",
    b"OPTIONS",
    b"PRACK",
    b"SUBSCRIBE",
    b"NOTIFY",
    b"PUBLISH",
    b"INFO",
    b"REFER",
    b"MESSAGE",
    b"UPDATE",
];

/// `INVITE sip:` or `SIP/2.0 `.
fn sip(first: &[u8]) -> Guess {
    let mut is_open = b"SIP/2.0 ".starts_with(first);
    if first.starts_with(b"SIP/2.0 ") {
        return Guess::Yes;
    }
    for method in SIP_METHODS {
        let Some(rest) = first.strip_prefix(method) else {
            is_open |= method.starts_with(first);
            continue;
        };
        for scheme in [&b" sip:"[..], b" sips:", b" tel:"] {
            if rest.starts_with(scheme) {
                return Guess::Yes;
            }
            is_open |= scheme.starts_with(rest);
        }
    }
    if is_open { Guess::Short } else { Guess::No }
}

#[derive(Debug, Default)]
struct Sip {
    first: Vec<u8>,
}

impl Dissector for Sip {
    fn bytes(&mut self, bytes: &[u8], side: Side, notes: &mut Notes<'_>) -> Next {
        if self.first.len() < 8 {
            self.first.extend(bytes.iter().take(8 - self.first.len()));
        }
        // Line ends alone keep a NAT's entry alive (RFC 5626 section 4.4.1).
        if bytes.iter().all(|byte| matches!(byte, b'\r' | b'\n' | 0)) {
            return Next::More;
        }
        notes.app("sip", Basis::Parsed);
        notes.mark(Marks::CLEARTEXT);
        if self.first.len() >= 4 {
            notes.client(if self.first.starts_with(b"SIP/") { side.other() } else { side });
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

    fn message(kind: u16, attributes: &[u8], cookie: u32) -> Vec<u8> {
        let len = attributes.len() as u16;
        [&kind.to_be_bytes()[..], &len.to_be_bytes(), &cookie.to_be_bytes(), &[7; 12], attributes].concat()
    }

    #[test]
    fn stun_and_the_media_on_its_ports_are_one_flow() {
        let (ask, answer) =
            (message(1, &[], STUN_COOKIE), message(0x0101, &[0, 32, 0, 4, 1, 2, 3, 4], STUN_COOKIE));
        let media = [&[0x80, 96][..], &[1; 30]].concat();
        let channel = [&[0x40, 0, 0, 4][..], &[1; 4]].concat();
        let parts = [(UP, &ask[..]), (DOWN, &answer), (UP, &media), (DOWN, &channel)];
        let (identity, next) = told_datagrams(&STUN_UDP, &parts);
        assert_eq!((identity.app, identity.client, next), ("stun", Some(UP), Next::More));
        // A DTLS hello is handed to whoever reads it.
        assert_eq!(told_datagrams(&STUN_UDP, &[(UP, &ask), (UP, &[22, 0xfe, 0xfd])]).1, Next::Broken);
        let framed = [&[0, 28][..], &answer].concat();
        for (first, client) in [(&ask, UP), (&framed, DOWN)] {
            assert_eq!((STUN_TCP.probe)(first, UP), Guess::Yes);
            let (identity, next) = told_last(&STUN_TCP, &[(UP, first)]);
            assert_eq!((identity.client, next), (Some(client), Next::Settled));
        }
        assert_eq!((STUN_TCP.probe)(&[&[0, 29][..], &answer].concat(), UP), Guess::No);
    }

    #[test]
    fn stun_without_its_cookie_is_known_by_its_attributes() {
        let old = message(1, &[0, 3, 0, 4, 0, 0, 0, 6], 0x0102_0304);
        assert_eq!((STUN_UDP.probe)(&old, UP), Guess::Yes);
        for bad in
            [message(1, &[0, 99, 0, 4, 0, 0, 0, 6], 5), message(3, &[], 5), message(1, &[0, 3, 0, 9, 1], 5)]
        {
            assert_eq!((STUN_UDP.probe)(&bad, UP), Guess::No);
        }
        assert_eq!((STUN_TCP.probe)(&message(1, &[], 5), UP), Guess::No);
        assert_eq!((STUN_TCP.probe)(&[0, 1, 0, 0], UP), Guess::Short);
    }

    #[test]
    fn rtp_is_believed_only_where_its_size_proves_it() {
        let voice = |kind: u8, len: usize| {
            [&[0x80, kind][..], &[0, 1, 0, 0, 0, 2, 9, 9, 9, 9], &vec![5; len]].concat()
        };
        let report = [&[0x81, 200, 0, 12][..], &[1; 48]].concat();
        for good in [voice(0, 160), voice(8, 240), voice(0x80 | 18, 20), report] {
            assert_eq!((RTP.probe)(&good, UP), Guess::Yes);
        }
        for bad in
            [voice(0, 161), voice(96, 160), vec![0x80; 40], [&[0x81, 200, 0, 40][..], &[1; 48]].concat()]
        {
            assert_eq!((RTP.probe)(&bad, UP), Guess::No);
        }
        assert_eq!(told_datagrams(&RTP, &[(UP, &voice(0, 160)), (DOWN, &voice(96, 50))]).0.app, "rtp");
    }

    #[test]
    fn sip_is_a_method_with_an_address_or_a_status() {
        for (bytes, guess) in [
            (&b"INVITE sip:a@b.example SIP/2.0\r\n"[..], Guess::Yes),
            (b"SIP/2.0 200 OK\r\n", Guess::Yes),
            (b"OPTIONS sips:b.example SIP/2.0\r\n", Guess::Yes),
            (b"OPTIONS si", Guess::Short),
            (b"OPTIONS * HTTP/1.1\r\n", Guess::No),
            (b"SI", Guess::Short),
            (b"GET / HTTP/1.1", Guess::No),
        ] {
            assert_eq!(sip(bytes), guess);
        }
        let (identity, _) = told_last(&SIP_TCP, &[(DOWN, b"SIP/2.0 100 Trying\r\n\r\n")]);
        assert_eq!((identity.app, identity.client, identity.marks), ("sip", Some(UP), Marks::CLEARTEXT));
    }
}
