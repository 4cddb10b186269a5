//! What keeps a network running: NTP, SNMP, syslog, TFTP, RADIUS. All but SNMPv3 and the passwords are in the clear.

use super::{
    dissector::{Dissector, First, Guess, Next, Protocol},
    shapes::{ber, ber_of, encrypted, surely, u8_at, u16_at},
};
use crate::ground::model::{
    address::Transport,
    identity::{Basis, Marks, Notes},
    key::Side,
};

/// NTP.
pub static NTP: Protocol = Protocol {
    name: "ntp",
    transport: Transport::UDP,
    ports: &[123],
    // Versions 1 to 4 behind two bits of leap.
    first: First::range(0x08, 0x27)
        .and(First::range(0x48, 0x67))
        .and(First::range(0x88, 0xa7))
        .and(First::range(0xc8, 0xe7)),
    probe: |datagram, side| surely(ntp(datagram, side).is_some()),
    open: || Box::new(Datagrams { app: "ntp", read: ntp }),
};

/// SNMP, requests and traps.
pub static SNMP: Protocol = Protocol {
    name: "snmp",
    transport: Transport::UDP,
    ports: &[161, 162],
    first: First::of(&[0x30]),
    probe: |datagram, side| surely(snmp(datagram, side).is_some()),
    open: || Box::new(Datagrams { app: "snmp", read: snmp }),
};

/// Syslog over UDP.
pub static SYSLOG_UDP: Protocol = Protocol {
    name: "syslog",
    transport: Transport::UDP,
    ports: &[514],
    first: First::of(b"<"),
    probe: |datagram, side| surely(syslog(datagram, side).is_some()),
    open: || Box::new(Datagrams { app: "syslog", read: syslog }),
};

/// Syslog over TCP, with a count or a line end (RFC 6587 section 3.4).
pub static SYSLOG_TCP: Protocol = Protocol {
    name: "syslog",
    transport: Transport::TCP,
    ports: &[514, 601, 1468],
    first: First::of(b"<").and(First::range(b'0', b'9')),
    probe: probe_syslog_stream,
    open: || Box::new(Datagrams { app: "syslog", read: |_, side| Some(Seen::clear(side)) }),
};

/// TFTP: the request; what it asks for comes from another port.
pub static TFTP: Protocol = Protocol {
    name: "tftp",
    transport: Transport::UDP,
    ports: &[69],
    first: First::of(&[0]),
    probe: |datagram, side| surely(tftp(datagram, side).is_some()),
    open: || Box::new(Datagrams { app: "tftp", read: tftp }),
};

/// RADIUS, authentication and accounting.
pub static RADIUS: Protocol = Protocol {
    name: "radius",
    transport: Transport::UDP,
    ports: &[1812, 1813, 1645, 1646, 3799],
    first: First::range(1, 45),
    probe: |datagram, side| surely(radius(datagram, side).is_some()),
    open: || Box::new(Datagrams { app: "radius", read: radius }),
};

/// What one message shows.
#[derive(Debug)]
struct Seen {
    /// The end that plays the client.
    client: Option<Side>,
    marks: Marks,
    is_encrypted: bool,
}

impl Seen {
    const fn clear(client: Side) -> Self {
        Self { client: Some(client), marks: Marks::CLEARTEXT, is_encrypted: false }
    }
}

/// A protocol each of whose messages is one datagram and says all there is to say.
#[derive(Debug)]
struct Datagrams {
    app: &'static str,
    read: fn(&[u8], Side) -> Option<Seen>,
}

impl Dissector for Datagrams {
    fn bytes(&mut self, datagram: &[u8], side: Side, notes: &mut Notes<'_>) -> Next {
        let Some(seen) = (self.read)(datagram, side) else { return Next::Broken };
        notes.app(self.app, Basis::Parsed);
        notes.mark(seen.marks);
        if seen.is_encrypted {
            encrypted(side, notes);
        }
        if let Some(client) = seen.client {
            notes.client(client);
        }
        Next::More
    }

    fn gap(&mut self, _missing: u64, _side: Side, _notes: &mut Notes<'_>) -> Next {
        Next::More
    }
}

/// RFC 5905 section 7.3, and control messages (RFC 9327).
fn ntp(datagram: &[u8], side: Side) -> Option<Seen> {
    const CONTROL: u8 = 6;
    const PRIVATE: u8 = 7;
    let [first, stratum, poll, precision, ..] = *datagram.first_chunk::<12>()?;
    let (version, mode) = (first >> 3 & 7, first & 7);
    if !(1..=4).contains(&version) {
        return None;
    }
    let client = match mode {
        3 => Some(side),
        4 => Some(side.other()),
        1 | 2 | 5 => None,
        CONTROL => {
            let count = usize::from(u16_at(datagram, 10)?);
            let is_answer = stratum & 0x80 != 0;
            let fits = datagram.len() >= 12 + count && datagram.len() < 12 + count + 4 + 24;
            let is_known = matches!(stratum & 0x1f, 1..=12 | 31);
            return (fits && is_known && u16_at(datagram, 8) == Some(0))
                .then(|| Seen::clear(if is_answer { side.other() } else { side }));
        }
        // The reference server's own: items of one size behind 8 bytes. Amplification uses these.
        PRIVATE => {
            let (count, size) = (u16_at(datagram, 4)? & 0x0fff, u16_at(datagram, 6)? & 0x0fff);
            let items_len = usize::from(count) * usize::from(size);
            let fits = matches!(poll, 0 | 2 | 3) && datagram.len() == 8 + items_len || {
                // A request is padded to one length and carries a key.
                matches!(datagram.len(), 48 | 60 | 72 | 184 | 192) && items_len <= datagram.len()
            };
            let client = if first & 0x80 != 0 { side.other() } else { side };
            return (fits && precision <= 46).then(|| Seen::clear(client));
        }
        _ => return None,
    };
    // Version 1 knows no mode; a simple client leaves precision at 0. Else it is 2^-1 s to 2^-32 s.
    let fits = datagram.len() >= 48
        && datagram.len().is_multiple_of(4)
        && stratum <= 16
        && poll.min(poll.wrapping_neg()) <= 17
        && (precision == 0 || precision >= 0xe0);
    fits.then(|| Seen { client, ..Seen::clear(side) })
}

/// RFC 1157, 3416 and, for version 3, RFC 3412 section 6.
fn snmp(datagram: &[u8], side: Side) -> Option<Seen> {
    const VERSION_3: u8 = 3;
    const PRIVATE: u8 = 2;
    let (content, rest) = ber_of(datagram, 0x30)?;
    let (version, content) = ber_of(content, 0x02)?;
    let [version @ (0 | 1 | VERSION_3)] = *version else { return None };
    if !rest.is_empty() {
        return None;
    }
    if version == VERSION_3 {
        let (header, _) = ber_of(content, 0x30)?;
        let (_, header) = ber_of(header, 0x02)?;
        let (_, header) = ber_of(header, 0x02)?;
        let (flags, _) = ber_of(header, 0x04)?;
        let is_encrypted = u8_at(flags, 0)? & PRIVATE != 0;
        let marks = if is_encrypted { Marks::default() } else { Marks::CLEARTEXT };
        return Some(Seen { client: None, marks, is_encrypted });
    }
    let (_community, content) = ber_of(content, 0x04)?;
    let (pdu, _, rest) = ber(content)?;
    let client = match pdu {
        // Responses and reports.
        0xa2 | 0xa8 => side.other(),
        0xa0..=0xa7 => side,
        _ => return None,
    };
    rest.is_empty().then(|| Seen::clear(client))
}

/// `<PRI>` with a priority of at most 191 and a text behind it (RFC 3164 section 4.1, RFC 5424 section 6).
fn syslog(message: &[u8], side: Side) -> Option<Seen> {
    let rest = message.strip_prefix(b"<")?;
    let end = rest.iter().take(4).position(|byte| *byte == b'>')?;
    let (digits, text) = rest.split_at_checked(end)?;
    let priority: u8 =
        std::str::from_utf8(digits).ok().filter(|digits| !digits.starts_with('+'))?.parse().ok()?;
    let first = *text.get(1)?;
    (priority <= 191 && (first.is_ascii_graphic() || first == b' ' || first >= 0x80))
        .then(|| Seen::clear(side))
}

fn probe_syslog_stream(first: &[u8], side: Side) -> Guess {
    // A count of at most five digits and a space may stand before the first message.
    let digits = first.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let message = match (digits, first.get(digits)) {
        (0, _) => first,
        (1..=5, None) => return Guess::Short,
        (1..=5, Some(b' ')) => first.get(digits + 1..).unwrap_or(&[]),
        _ => return Guess::No,
    };
    match message {
        [] => Guess::Short,
        [b'<', rest @ ..] if rest.len() < 5 && rest.iter().all(u8::is_ascii_digit) => Guess::Short,
        [b'<', rest @ ..] if rest.last() == Some(&b'>') && rest.len() < 5 => Guess::Short,
        _ => surely(syslog(message, side).is_some()),
    }
}

/// RFC 1350 section 5: a request with a name and a mode, each closed by a zero.
fn tftp(datagram: &[u8], side: Side) -> Option<Seen> {
    let [0, kind @ 1..=2, rest @ ..] = datagram else { return None };
    let mut words = rest.split(|byte| *byte == 0);
    let (name, mode) = (words.next()?, words.next()?);
    let is_mode = [&b"octet"[..], b"netascii", b"mail"].iter().any(|known| known.eq_ignore_ascii_case(mode));
    let marks = Marks(Marks::CLEARTEXT.0 | Marks::FILES.0);
    (is_mode && !name.is_empty() && datagram.ends_with(&[0]) && *kind > 0)
        .then(|| Seen { marks, ..Seen::clear(side) })
}

/// RFC 2865 section 3, RFC 5176: a length and attributes that fill it.
fn radius(datagram: &[u8], side: Side) -> Option<Seen> {
    let code = u8_at(datagram, 0)?;
    let len = usize::from(u16_at(datagram, 2)?);
    let client = match code {
        1 | 4 | 12 | 40 | 43 => side,
        2 | 3 | 5 | 11 | 41 | 42 | 44 | 45 => side.other(),
        _ => return None,
    };
    // Bytes beyond the length are padding; nobody sends any.
    let mut attributes = datagram.get(20..).filter(|_| len == datagram.len() && len <= 4_096)?;
    let is_answer_without_any = attributes.is_empty() && matches!(code, 2 | 3 | 5);
    let has_any = !attributes.is_empty();
    while let [kind, len, ..] = *attributes {
        attributes = attributes.get(usize::from(len)..).filter(|_| kind > 0 && len >= 2)?;
    }
    // One byte cannot be an attribute.
    (attributes.is_empty() && (has_any || is_answer_without_any)).then(|| Seen::clear(client))
}

#[cfg(test)]
mod tests {
    use super::{super::told::*, *};

    fn says(protocol: &Protocol, datagram: &[u8]) -> bool {
        (protocol.probe)(datagram, UP) == Guess::Yes
    }

    #[test]
    fn ntp_shows_its_client_by_its_mode() {
        let ask = [&[0x23, 0, 6, 0xec][..], &[0; 44]].concat();
        let answer = [&[0x24, 2, 6, 0xe9][..], &[1; 44]].concat();
        let (identity, next) = told_datagrams(&NTP, &[(DOWN, &answer), (UP, &ask)]);
        assert_eq!((identity.app, identity.client, next), ("ntp", Some(UP), Next::More));
        let control = [&[0x16, 2, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0][..]].concat();
        assert!(says(&NTP, &control));
        let listing = [&[0x97, 3, 3, 42, 0, 2, 0, 8][..], &[9; 16]].concat();
        assert_eq!(told_datagrams(&NTP, &[(UP, &listing)]).0.client, Some(DOWN));
        for bad in [&listing[..23], &ask[..47], &[0x2b; 48], &[0x23; 48], &[0x20; 48], &control[..11]] {
            assert!(!says(&NTP, bad), "{bad:?}");
        }
        // A tunnel that begins as NTP is left where it stops being that.
        assert_eq!(told_datagrams(&NTP, &[(UP, &ask), (UP, b"another thing")]).1, Next::Broken);
    }

    #[test]
    fn snmp_is_clear_unless_version_3_says_that_it_is_not() {
        let v2 = |pdu: u8| [&[0x30, 15, 2, 1, 1, 4, 6][..], b"public", &[pdu, 2, 5, 0]].concat();
        let v3 = |flags: u8| {
            [&[0x30, 22, 2, 1, 3, 0x30, 13, 2, 4, 1, 2, 3, 4, 2, 1, 9, 4, 1][..], &[flags, 2, 1, 3, 4, 0]]
                .concat()
        };
        let v3 = |flags: u8| {
            let mut bytes = v3(flags);
            bytes[1] = bytes.len() as u8 - 2;
            bytes[6] = 14;
            bytes
        };
        assert_eq!(told_datagrams(&SNMP, &[(UP, &v2(0xa2))]).0.client, Some(DOWN));
        assert_eq!(told_datagrams(&SNMP, &[(UP, &v2(0xa7))]).0.client, Some(UP));
        assert_eq!(told_datagrams(&SNMP, &[(UP, &v3(3))]).0.marks, Marks::ENCRYPTED_OPENER);
        assert_eq!(told_datagrams(&SNMP, &[(UP, &v3(1))]).0.marks, Marks::CLEARTEXT);
        for bad in [v2(0xa9), v2(0x30), v2(0xa0)[..16].to_vec(), [v2(0xa0), vec![0]].concat()] {
            assert!(!says(&SNMP, &bad), "{bad:?}");
        }
    }

    #[test]
    fn syslog_is_a_priority_and_a_text() {
        for good in [&b"<34>Oct 11 22:14:15 host su: x"[..], b"<165>1 2003-10-11T22:14:15Z h a - -", b"<0> "]
        {
            assert!(says(&SYSLOG_UDP, good));
        }
        for bad in [&b"<192>x"[..], b"<>x", b"<1234>x", b"<+1>x", b"<34", b"<34>\0", b"<?xml>"] {
            assert!(!says(&SYSLOG_UDP, bad), "{bad:?}");
        }
        for (bytes, guess) in [
            (&b"29 <34>1 - h a - - -"[..], Guess::Yes),
            (b"29 <3", Guess::Short),
            (b"29", Guess::Short),
            (b"<34>", Guess::Short),
            (b"<34>x", Guess::Yes),
            (b"220 mail.example", Guess::No),
            (b"123456 <34>x", Guess::No),
        ] {
            assert_eq!((SYSLOG_TCP.probe)(bytes, UP), guess, "{bytes:?}");
        }
    }

    #[test]
    fn tftp_asks_for_a_file_in_a_mode() {
        let (identity, _) = told_datagrams(&TFTP, &[(UP, b"\0\x01boot.bin\0OCTET\0blksize\x001428\0")]);
        assert!(identity.marks.has(Marks::FILES) && identity.client == Some(UP));
        for bad in [&b"\0\x03\0\x01data"[..], b"\0\x01\0octet\0", b"\0\x02name\0text\0", b"\0\x01name\0octet"]
        {
            assert!(!says(&TFTP, bad));
        }
    }

    #[test]
    fn radius_is_filled_by_its_attributes() {
        let packet = |code: u8, attributes: &[u8]| {
            let len = 20 + attributes.len() as u16;
            [&[code, 7][..], &len.to_be_bytes(), &[5; 16], attributes].concat()
        };
        assert_eq!(
            told_datagrams(&RADIUS, &[(UP, &packet(1, &[1, 6, b'u', b's', b'e', b'r']))]).0.client,
            Some(UP)
        );
        assert_eq!(told_datagrams(&RADIUS, &[(UP, &packet(3, &[]))]).0.client, Some(DOWN));
        for bad in [
            packet(1, &[]),
            packet(9, &[1, 2]),
            packet(1, &[1, 1]),
            packet(1, &[1, 9, 0]),
            packet(2, &[1, 2, 3]),
        ] {
            assert!(!says(&RADIUS, &bad), "{bad:?}");
        }
    }
}
