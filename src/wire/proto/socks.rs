//! SOCKS 4, 4a and 5 (RFC 1928, 1929): whom the client asked for, what the proxy said, and then what is inside.

use super::dissector::{Dissector, First, Guess, Next, Protocol, Switch};
use crate::ground::model::{
    address::Transport,
    cause::Cause,
    field::Field,
    identity::{Answer, Basis, Marks, Notes, TargetKind},
    key::Side,
    limits,
    name::HostName,
    observation::Value,
};

/// SOCKS of all versions over TCP.
pub static PROTOCOL: Protocol = Protocol {
    name: "socks",
    transport: Transport::TCP,
    ports: &[1080, 9050],
    first: First::of(&[4, 5]),
    probe,
    open: || Box::<Socks>::default(),
};

const NO_METHOD: u8 = 0xff;
const USER_AND_PASSWORD: u8 = 2;
/// A user name or a host name of version 4 ends with a NUL; nobody's is longer than a name may be.
const TEXT_MAX: usize = 255;

fn probe(first: &[u8], _side: Side) -> Guess {
    match first {
        [] | [4 | 5] => Guess::Short,
        // Greeting of version 5: a handful of methods, each once, and the next step of the client or nothing.
        [5, count @ 1..=9, rest @ ..] => match rest.split_at_checked(usize::from(*count)) {
            None if rest.iter().all(is_method) => Guess::Short,
            Some((methods, next)) if methods.iter().all(is_method) => {
                let is_unique = methods
                    .iter()
                    .enumerate()
                    .all(|(at, method)| methods.get(at + 1..).is_some_and(|later| !later.contains(method)));
                match next.first() {
                    None | Some(1 | 5) if is_unique => Guess::Yes,
                    _ => Guess::No,
                }
            }
            _ => Guess::No,
        },
        [4, command, ..] if !matches!(command, 1 | 2) => Guess::No,
        [4, ..] => match version4(first) {
            Parsed::Is(..) => Guess::Yes,
            Parsed::Short => Guess::Short,
            Parsed::Not => Guess::No,
        },
        _ => Guess::No,
    }
}

/// Assigned authentication methods (IANA SOCKS Methods), and those for private use.
const fn is_method(method: &u8) -> bool {
    matches!(method, 0..=9 | 0x80..=0xfe)
}

enum Parsed {
    /// The target, and where the request ends.
    Is(HostName, u16, usize),
    Short,
    Not,
}

/// A request of version 4: command, port, address, user; an address 0.0.0.x says that a name follows (4a).
fn version4(raw: &[u8]) -> Parsed {
    let Some((&[_, _, port, port_low, a, b, c, d], texts)) = raw.split_first_chunk::<8>() else {
        return Parsed::Short;
    };
    let port = u16::from_be_bytes([port, port_low]);
    let text = |texts: &[u8]| -> Result<Option<usize>, ()> {
        let end = texts.iter().take(TEXT_MAX + 1).position(|byte| *byte == 0);
        let read = texts.get(..end.unwrap_or(texts.len())).unwrap_or_default();
        if end.is_none() && texts.len() > TEXT_MAX || !read.iter().all(|byte| (b' '..0x7f).contains(byte)) {
            return Err(());
        }
        Ok(end)
    };
    let user = match text(texts) {
        Ok(Some(user)) => user,
        Ok(None) => return Parsed::Short,
        Err(()) => return Parsed::Not,
    };
    let rest = texts.get(user + 1..).unwrap_or_default();
    if [a, b, c] != [0, 0, 0] || d == 0 {
        let host = HostName::new(std::net::Ipv4Addr::new(a, b, c, d).to_string().as_bytes());
        return if port == 0 { Parsed::Not } else { Parsed::Is(host, port, 8 + user + 1) };
    }
    match text(rest) {
        Ok(Some(end)) => {
            let host = HostName::new(rest.get(..end).unwrap_or_default());
            Parsed::Is(host, port, 8 + user + 1 + end + 1)
        }
        Ok(None) => Parsed::Short,
        Err(()) => Parsed::Not,
    }
}

/// Address and port in a request or reply of version 5, behind its first three bytes (RFC 1928 section 5).
fn version5_address(raw: &[u8]) -> Parsed {
    let Some((kind, rest)) = raw.split_first() else { return Parsed::Short };
    let len = match (kind, rest.first()) {
        (1, _) => 4,
        (3, Some(len)) => 1 + usize::from(*len),
        (3, None) => return Parsed::Short,
        (4, _) => 16,
        _ => return Parsed::Not,
    };
    let (Some(addr), Some(port)) = (rest.get(..len), rest.get(len..len + 2)) else { return Parsed::Short };
    let host = match <[u8; 4]>::try_from(addr) {
        Ok(addr) if *kind == 1 => std::net::Ipv4Addr::from(addr).to_string().into_bytes(),
        _ => match <[u8; 16]>::try_from(addr) {
            Ok(addr) if *kind == 4 => std::net::Ipv6Addr::from(addr).to_string().into_bytes(),
            _ => addr.get(1..).unwrap_or_default().to_vec(),
        },
    };
    let port = port.iter().fold(0, |port, byte| port << 8 | u16::from(*byte));
    Parsed::Is(HostName::new(&host), port, 1 + len + 2)
}

/// What the client sends next.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Step {
    #[default]
    Greeting,
    /// Version 5: a sub-negotiation or the request.
    Method,
    /// The request was read.
    Asked,
    /// A method that hides what follows.
    Hidden,
}

/// What the server sends next.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Reply {
    #[default]
    Method,
    Password,
    Request,
    Done,
}

/// The reader of one connection to a proxy.
#[derive(Debug, Default)]
struct Socks {
    client: Option<Side>,
    version: u8,
    kept: [Vec<u8>; 2],
    step: Step,
    reply: Reply,
    target: Option<usize>,
}

impl Socks {
    fn kept(&mut self, side: Side) -> &mut Vec<u8> {
        let [opener, answerer] = &mut self.kept;
        if side == Side::Opener { opener } else { answerer }
    }

    /// Takes so many bytes off an end.
    fn consume(&mut self, side: Side, len: usize) {
        let kept = self.kept(side);
        kept.drain(..len.min(kept.len()));
    }

    fn client_steps(&mut self, client: Side, notes: &mut Notes<'_>) -> Option<Next> {
        loop {
            let step = self.step;
            let version = self.version;
            let kept = self.kept(client);
            match (step, kept.as_slice()) {
                (_, []) | (Step::Asked | Step::Hidden, _) => return None,
                (Step::Greeting, [4, ..]) => match version4(kept) {
                    Parsed::Is(host, port, end) => {
                        self.version = 4;
                        self.reply = Reply::Request;
                        self.asked(client, host, port, end, notes);
                    }
                    Parsed::Short => return None,
                    Parsed::Not => return Some(Next::Broken),
                },
                (Step::Greeting, [5]) => return None,
                (Step::Greeting, [5, count, rest @ ..]) => {
                    let count = usize::from(*count);
                    if rest.len() < count {
                        return None;
                    }
                    self.version = 5;
                    self.step = Step::Method;
                    self.consume(client, 2 + count);
                }
                // User and password (RFC 1929): stepped over, never kept.
                (Step::Method, [1, user, rest @ ..]) if version == 5 => {
                    let user = usize::from(*user);
                    let password = rest.get(user).copied().map(usize::from)?;
                    if rest.len() < user + 1 + password {
                        return None;
                    }
                    self.consume(client, 2 + user + 1 + password);
                }
                (Step::Method, [1] | [5] | [5, _] | [5, _, _]) => return None,
                (Step::Method, [5, _, _, address @ ..]) => match version5_address(address) {
                    Parsed::Is(host, port, end) => self.asked(client, host, port, 3 + end, notes),
                    Parsed::Short => return None,
                    Parsed::Not => return Some(Next::Broken),
                },
                (Step::Method, _) => {
                    // GSSAPI and private methods wrap the request itself.
                    notes.cause(Cause::ProxyTargetHidden, "socks method");
                    notes.mark(Marks::PROXIED);
                    self.step = Step::Hidden;
                    self.kept(client).clear();
                    return None;
                }
                (Step::Greeting, _) => return Some(Next::Broken),
            }
        }
    }

    fn asked(&mut self, client: Side, host: HostName, port: u16, end: usize, notes: &mut Notes<'_>) {
        if host.malformed().is_some() && host.as_ip().is_none() {
            notes.cause(Cause::SniMalformed, "socks");
        }
        notes.add(Field::SocksTarget, Value::Target { host: host.clone(), port: Some(port) }, client);
        self.target = Some(notes.target(TargetKind::Socks, host, Some(port)));
        self.step = Step::Asked;
        self.consume(client, end);
    }

    fn server_steps(&mut self, server: Side, notes: &mut Notes<'_>) -> Option<Next> {
        loop {
            let (reply, version) = (self.reply, self.version);
            let kept = self.kept(server);
            match (reply, kept.as_slice()) {
                (Reply::Done, _) => {
                    kept.clear();
                    return None;
                }
                (Reply::Method, [5, method, ..]) => {
                    let method = *method;
                    self.reply = if method == USER_AND_PASSWORD { Reply::Password } else { Reply::Request };
                    self.consume(server, 2);
                    if method == NO_METHOD {
                        notes.mark(Marks::REFUSED);
                        self.reply = Reply::Done;
                    }
                }
                (Reply::Password, [1, status, ..]) => {
                    let is_refused = *status != 0;
                    self.reply = Reply::Request;
                    self.consume(server, 2);
                    if is_refused {
                        notes.mark(Marks::REFUSED);
                        self.reply = Reply::Done;
                    }
                }
                (Reply::Request, [0, code, _, _, _, _, _, _, ..]) if version == 4 => {
                    let code = *code;
                    self.consume(server, 8);
                    return self.replied(code == 90, code, server, notes);
                }
                (Reply::Request, [5, code, _, address @ ..]) if version == 5 => {
                    match version5_address(address) {
                        Parsed::Is(_, _, end) => {
                            let code = *code;
                            self.consume(server, 3 + end);
                            return self.replied(code == 0, code, server, notes);
                        }
                        Parsed::Short => return None,
                        Parsed::Not => return Some(Next::Broken),
                    }
                }
                (Reply::Method, [5] | []) | (Reply::Password, [1] | []) => return None,
                (Reply::Request, bytes) if bytes.len() < 8 && matches!(bytes, [] | [0 | 5, ..]) => {
                    return None;
                }
                _ => return Some(Next::Broken),
            }
        }
    }

    fn replied(&mut self, is_granted: bool, code: u8, server: Side, notes: &mut Notes<'_>) -> Option<Next> {
        self.reply = Reply::Done;
        if let Some(target) = self.target {
            notes
                .answer(target, if is_granted { Answer::Accepted } else { Answer::Refused(u16::from(code)) });
        }
        if !is_granted {
            notes.mark(Marks::REFUSED);
            self.kept(server).clear();
            return None;
        }
        (self.step == Step::Asked).then(|| Next::Switch(self.switch()))
    }

    fn switch(&mut self) -> Switch {
        Switch { to: None, rest: std::mem::take(&mut self.kept) }
    }
}

impl Dissector for Socks {
    fn bytes(&mut self, bytes: &[u8], side: Side, notes: &mut Notes<'_>) -> Next {
        let kept = self.kept(side);
        if kept.len() + bytes.len() > limits::UPGRADE_HELD_MAX {
            notes.cause(Cause::ParserLimit, "held behind socks");
            return Next::Broken;
        }
        kept.extend_from_slice(bytes);
        let client = *self.client.get_or_insert(side);
        notes.client(client);
        notes.app("socks", Basis::Parsed);
        // The client's steps first: they tell the version that the reply is read by.
        self.client_steps(client, notes)
            .or_else(|| self.server_steps(client.other(), notes))
            .unwrap_or(Next::More)
    }

    fn gap(&mut self, _missing: u64, side: Side, _notes: &mut Notes<'_>) -> Next {
        // A reply that was lost counts as a yes (RULES 32).
        if self.client == Some(side.other()) && self.step == Step::Asked && self.reply != Reply::Done {
            self.kept(side).clear();
            return Next::Switch(self.switch());
        }
        Next::Broken
    }

    fn unanswered(&mut self) -> Option<Switch> {
        let is_waiting = self.step == Step::Asked && self.reply != Reply::Done;
        (is_waiting && self.client.is_some_and(|client| !self.kept(client).is_empty())).then(|| self.switch())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        ground::model::identity::Identity,
        wire::proto::told::{DOWN, UP, told, told_last},
    };

    fn target(identity: &Identity) -> (Vec<u8>, Option<u16>, Answer) {
        let target = &identity.targets[0];
        (target.host.bytes().to_vec(), target.port, target.answer)
    }

    #[test]
    fn version_5_names_its_target_and_becomes_what_is_inside() {
        let (identity, next) = told_last(
            &PROTOCOL,
            &[
                (UP, b"\x05\x02\0\x02"),
                (DOWN, b"\x05\x02"),
                (UP, b"\x01\x01u\x02pw"),
                (DOWN, b"\x01\0"),
                (UP, b"\x05\x01\0\x03\x0cmeet.example\x01\xbb\x16\x03"),
                (DOWN, b"\x05\0\0\x01\0\0\0\0\0\0in"),
            ],
        );
        assert_eq!(target(&identity), (b"meet.example".to_vec(), Some(443), Answer::Accepted));
        assert_eq!(next, Next::Switch(Switch { to: None, rest: [b"\x16\x03".to_vec(), b"in".to_vec()] }));
        assert!(identity.observations.len() == 1, "no credential is kept: {:?}", identity.observations);
    }

    #[test]
    fn version_4a_names_its_target_and_a_refusal_is_kept_with_its_number() {
        let (identity, next) = told_last(
            &PROTOCOL,
            &[(UP, b"\x04\x01\0\x50\0\0\0\x01user\0meet.example\0"), (DOWN, b"\0\x5b\0\0\0\0\0\0")],
        );
        assert_eq!(target(&identity), (b"meet.example".to_vec(), Some(80), Answer::Refused(91)));
        assert_eq!(next, Next::More);
        let identity = told(&PROTOCOL, &[(UP, b"\x04\x01\0\x50\xc0\0\x02\x01\0")]);
        assert_eq!(target(&identity), (b"192.0.2.1".to_vec(), Some(80), Answer::Unseen));
    }

    #[test]
    fn an_address_of_ipv6_is_a_target_too() {
        let request = [&b"\x05\x01\0\x05\x01\0\x04\x20\x01\x0d\xb8"[..], &[0; 11], &[1, 1, 0xbb]].concat();
        assert_eq!(target(&told(&PROTOCOL, &[(UP, &request)])).0, b"2001:db8::1");
    }

    #[test]
    fn a_target_that_a_method_hides_is_a_cause() {
        let identity = told(&PROTOCOL, &[(UP, b"\x05\x01\x80"), (DOWN, b"\x05\x80"), (UP, b"\x77\x77\x77")]);
        assert!(identity.causes.has(Cause::ProxyTargetHidden));
    }

    #[test]
    fn other_first_bytes_are_not_socks() {
        for (first, guess) in [
            (&b"\x05\x01\0"[..], Guess::Yes),
            (b"\x05\x02\0", Guess::Short),
            (b"\x05\x02\0\0", Guess::No),
            (b"\x05\x01\0\x16", Guess::No),
            (b"\x04\x01\0\x50\x0a\0\0\x01", Guess::Short),
            (b"\x04\x03", Guess::No),
            (b"\x04\x01\0\0\x0a\0\0\x01\0", Guess::No),
            (b"GET", Guess::No),
        ] {
            assert_eq!(probe(first, UP), guess, "{first:?}");
        }
    }
}
