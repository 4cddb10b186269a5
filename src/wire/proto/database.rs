//! Databases that begin in the clear and may go on as TLS: PostgreSQL (protocol 3.0) and MySQL (protocol 10).

use super::{
    dissector::{Dissector, First, Guess, Next, Protocol, Switch},
    dns_message::be16,
};
use crate::ground::model::{
    address::Transport,
    cause::Cause,
    identity::{Basis, Marks, Notes},
    key::Side,
    limits,
};

/// PostgreSQL, and what speaks its protocol.
pub static POSTGRESQL: Protocol = Protocol {
    name: "postgresql",
    transport: Transport::TCP,
    ports: &[5432],
    first: First::of(&[0]),
    probe: probe_postgresql,
    open: || Box::<Postgresql>::default(),
};

/// MySQL and MariaDB.
pub static MYSQL: Protocol = Protocol {
    name: "mysql",
    transport: Transport::TCP,
    ports: &[3306],
    first: First::ANY,
    probe: probe_mysql,
    open: || Box::<Mysql>::default(),
};

/// First messages of PostgreSQL, by the number behind their length ("Message Formats").
const SSL_REQUEST: u32 = 80_877_103;
const GSS_REQUEST: u32 = 80_877_104;
const CANCEL_REQUEST: u32 = 80_877_102;
const VERSION_3: u32 = 3;
/// Longest start-up message the server takes (`MAX_STARTUP_PACKET_LENGTH`).
const STARTUP_LEN_MAX: usize = 10_000;

/// Length and number of a first message.
fn first_message(raw: &[u8]) -> Option<(usize, u32)> {
    let (&[a, b, c, d, e, f, g, h], _) = raw.split_first_chunk::<8>()?;
    let len = usize::try_from(u32::from_be_bytes([a, b, c, d])).ok()?;
    Some((len, u32::from_be_bytes([e, f, g, h])))
}

fn probe_postgresql(first: &[u8], _side: Side) -> Guess {
    if first.iter().take(2).any(|byte| *byte != 0) {
        return Guess::No;
    }
    match first_message(first) {
        None => Guess::Short,
        Some((8, SSL_REQUEST | GSS_REQUEST)) | Some((16, CANCEL_REQUEST)) => Guess::Yes,
        // Parameters are names and values; the first one is needed to believe so common a number.
        Some((9..=STARTUP_LEN_MAX, number)) if number >> 16 == VERSION_3 => match first.get(8..13) {
            Some(b"user\0" | b"datab" | b"optio" | b"appli" | b"clien" | b"repli" | b"_pq_.") => Guess::Yes,
            Some(_) => Guess::No,
            None => Guess::Short,
        },
        Some(_) => Guess::No,
    }
}

#[derive(Debug, Default)]
struct Postgresql {
    client: Option<Side>,
    kept: [Vec<u8>; 2],
    /// A request for encryption waits for its one byte.
    asked: Option<u32>,
}

impl Postgresql {
    fn kept(&mut self, side: Side) -> &mut Vec<u8> {
        let [opener, answerer] = &mut self.kept;
        if side == Side::Opener { opener } else { answerer }
    }

    fn step(&mut self, client: Side, notes: &mut Notes<'_>) -> Option<Next> {
        loop {
            if let Some(asked) = self.asked {
                let answer = *self.kept(client.other()).first()?;
                self.asked = None;
                self.kept(client.other()).remove(0);
                match (answer, asked) {
                    (b'S', SSL_REQUEST) => {
                        return Some(Next::Switch(Switch {
                            to: Some("tls"),
                            rest: std::mem::take(&mut self.kept),
                        }));
                    }
                    // Kerberos wraps everything from here on; there is no name in it.
                    (b'G', GSS_REQUEST) => return Some(Next::Settled),
                    (b'N', _) => {}
                    (b'E', _) => return Some(Next::Settled),
                    _ => return Some(Next::Broken),
                }
                continue;
            }
            let kept = self.kept(client);
            let (len, number) = first_message(kept)?;
            match number {
                SSL_REQUEST | GSS_REQUEST if len == 8 => {
                    kept.drain(..8);
                    self.asked = Some(number);
                }
                CANCEL_REQUEST => return Some(Next::Settled),
                _ if number >> 16 == VERSION_3 => {
                    // The log-in is in the clear, and everything behind it.
                    notes.mark(Marks::CLEARTEXT);
                    return Some(Next::Settled);
                }
                _ => return Some(Next::Broken),
            }
        }
    }
}

impl Dissector for Postgresql {
    fn bytes(&mut self, bytes: &[u8], side: Side, notes: &mut Notes<'_>) -> Next {
        if hold(self.kept(side), bytes, notes).is_none() {
            return Next::Broken;
        }
        let client = *self.client.get_or_insert(side);
        notes.client(client);
        notes.app("postgresql", Basis::Parsed);
        self.step(client, notes).unwrap_or(Next::More)
    }

    fn unanswered(&mut self) -> Option<Switch> {
        let client = self.client?;
        let is_waiting = self.asked == Some(SSL_REQUEST) && !self.kept(client).is_empty();
        is_waiting.then(|| Switch { to: Some("tls"), rest: std::mem::take(&mut self.kept) })
    }
}

fn hold(kept: &mut Vec<u8>, bytes: &[u8], notes: &mut Notes<'_>) -> Option<()> {
    if kept.len() + bytes.len() > limits::UPGRADE_HELD_MAX {
        notes.cause(Cause::ParserLimit, "held behind ssl request");
        return None;
    }
    kept.extend_from_slice(bytes);
    Some(())
}

/// Header of a MySQL packet: three bytes of length, lowest first, and a number.
fn packet(raw: &[u8]) -> Option<(usize, u8)> {
    let (&[a, b, c, number], _) = raw.split_first_chunk::<4>()?;
    Some((usize::try_from(u32::from_le_bytes([a, b, c, 0])).ok()?, number))
}

/// A server's first packet: number 0, version 10, a version text, 4 bytes of thread, 8 of salt, a zero.
fn probe_mysql(first: &[u8], _side: Side) -> Guess {
    const VERSION_MAX: usize = 128;
    let Some((len, number)) = packet(first) else {
        return if first.get(2).is_some_and(|high| *high != 0) { Guess::No } else { Guess::Short };
    };
    if number != 0 || !(30..=1024).contains(&len) || first.get(4).is_some_and(|version| *version != 10) {
        return Guess::No;
    }
    let text = first.get(5..).unwrap_or_default();
    let end = text.iter().take(VERSION_MAX).position(|byte| *byte == 0);
    let version = text.get(..end.unwrap_or_else(|| text.len().min(VERSION_MAX))).unwrap_or_default();
    if !version.iter().all(u8::is_ascii_graphic) || version.first().is_some_and(|byte| !byte.is_ascii_digit())
    {
        return Guess::No;
    }
    match end {
        Some(0) => Guess::No,
        Some(end) => match text.get(end + 13) {
            Some(0) => Guess::Yes,
            Some(_) => Guess::No,
            None => Guess::Short,
        },
        None if text.len() >= VERSION_MAX => Guess::No,
        None => Guess::Short,
    }
}

#[derive(Debug, Default)]
struct Mysql {
    server: Option<Side>,
    kept: Vec<u8>,
}

impl Dissector for Mysql {
    fn bytes(&mut self, bytes: &[u8], side: Side, notes: &mut Notes<'_>) -> Next {
        const CLIENT_SSL: u16 = 0x800;
        const SSL_REQUEST_LEN: usize = 32;
        // The server greets first; what it says besides holds nothing that is asked for here.
        let server = *self.server.get_or_insert(side);
        notes.client(server.other());
        notes.app("mysql", Basis::Parsed);
        if side == server {
            return Next::More;
        }
        if hold(&mut self.kept, bytes, notes).is_none() {
            return Next::Broken;
        }
        let Some((len, _)) = packet(&self.kept) else { return Next::More };
        // Capabilities stand lowest byte first.
        let Some(flags) = be16(&self.kept, 4).map(u16::swap_bytes) else { return Next::More };
        if len == SSL_REQUEST_LEN && flags & CLIENT_SSL != 0 {
            let Some(rest) = self.kept.get(4 + SSL_REQUEST_LEN..) else { return Next::More };
            let mut switch = Switch { to: Some("tls"), ..Switch::default() };
            let [opener, answerer] = &mut switch.rest;
            *(if server == Side::Opener { answerer } else { opener }) = rest.to_vec();
            return Next::Switch(switch);
        }
        notes.mark(Marks::CLEARTEXT);
        Next::Settled
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::proto::told::{DOWN, UP, told_last};

    const ASK_SSL: &[u8] = b"\0\0\0\x08\x04\xd2\x16\x2f";
    const STARTUP: &[u8] = b"\0\0\0\x10\0\x03\0\0user\0x\0\0";

    #[test]
    fn postgresql_goes_on_as_tls_on_one_letter() {
        let (identity, next) = told_last(&POSTGRESQL, &[(UP, ASK_SSL), (DOWN, b"S"), (UP, b"\x16")]);
        assert_eq!(next, Next::Switch(Switch { to: Some("tls"), rest: [b"\x16".to_vec(), Vec::new()] }));
        assert!(!identity.marks.has(Marks::CLEARTEXT));
    }

    #[test]
    fn a_refused_request_and_a_start_without_one_are_in_the_clear() {
        for parts in [&[(UP, ASK_SSL), (DOWN, &b"N"[..]), (UP, STARTUP)][..], &[(UP, STARTUP)]] {
            let (identity, next) = told_last(&POSTGRESQL, parts);
            assert_eq!((next, identity.marks.has(Marks::CLEARTEXT)), (Next::Settled, true));
        }
        assert_eq!(probe_postgresql(STARTUP, UP), Guess::Yes);
        assert_eq!(probe_postgresql(ASK_SSL, UP), Guess::Yes);
        assert_eq!(probe_postgresql(b"\0\0\0\x10\0\x03\0\0other", UP), Guess::No);
    }

    fn greeting() -> Vec<u8> {
        let mut raw = vec![74, 0, 0, 0, 10];
        raw.extend(b"8.0.36\0\x01\0\0\0saltsalt\0\xff\xff");
        raw.resize(78, 1);
        raw
    }

    #[test]
    fn mysql_goes_on_as_tls_when_the_client_says_so() {
        assert_eq!(probe_mysql(&greeting(), DOWN), Guess::Yes);
        let mut request = vec![32, 0, 0, 1, 0x85, 0xae, 0xff, 0x19];
        request.resize(36, 0);
        request.push(0x16);
        let (identity, next) = told_last(&MYSQL, &[(DOWN, &greeting()), (UP, &request)]);
        assert_eq!(next, Next::Switch(Switch { to: Some("tls"), rest: [b"\x16".to_vec(), Vec::new()] }));
        assert_eq!(identity.client, Some(UP));
        let (identity, next) =
            told_last(&MYSQL, &[(DOWN, &greeting()), (UP, &[90, 0, 0, 1, 0x85, 0xa6, 0, 0])]);
        assert_eq!((next, identity.marks.has(Marks::CLEARTEXT)), (Next::Settled, true));
    }
}
