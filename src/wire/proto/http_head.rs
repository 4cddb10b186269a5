//! Heads of HTTP/1 messages (RFC 9112), read the way a suspicious reader must: every field that any server could take
//! for a Host is a Host, and what two readers could understand differently is said to be odd.

use crate::ground::model::{
    cause::Cause,
    field::Field,
    identity::Notes,
    key::Side,
    limits,
    name::{HostName, Malformed},
    observation::Value,
};

/// `host[:port]` with user information set aside (RFC 3986 section 3.2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Authority {
    /// The host, brackets of an IPv6 address kept.
    pub(super) host: HostName,
    /// The port, where one was named.
    pub(super) port: Option<u16>,
    /// Something stood before an `@`: it never supplies the name.
    pub(super) has_userinfo: bool,
}

impl Authority {
    /// Takes `[userinfo@]host[:port]`. A port that is no number stays part of the host, which then is malformed.
    pub(super) fn new(raw: &[u8]) -> Self {
        let at = raw.iter().rposition(|byte| *byte == b'@');
        let bare = at.and_then(|at| raw.get(at + 1..)).unwrap_or(raw);
        let (host, port) = split_port(bare);
        Self { host: HostName::new(host), port, has_userinfo: at.is_some() }
    }

    /// The fact as it is written down: with its port, where it has one.
    pub(super) fn value(&self) -> Value {
        match self.port {
            Some(port) => Value::Target { host: self.host.clone(), port: Some(port) },
            None => Value::Name(self.host.clone()),
        }
    }

    /// Writes a Host down, and what is odd about it.
    pub(super) fn note_host(&self, notes: &mut Notes<'_>, side: Side) {
        match self.host.malformed() {
            // A request without a host names nobody; there is nothing to write.
            Some(Malformed::Empty) => return,
            None | Some(Malformed::IpLiteral) => {}
            Some(_) => notes.cause(Cause::SniMalformed, "host"),
        }
        if self.has_userinfo {
            notes.cause(Cause::SniMalformed, "userinfo");
        }
        notes.add(Field::HttpHost, self.value(), side);
    }
}

fn split_port(bare: &[u8]) -> (&[u8], Option<u16>) {
    let Some(colon) = bare.iter().rposition(|byte| *byte == b':') else { return (bare, None) };
    let (host, port) = bare.split_at(colon);
    let port = port.get(1..).unwrap_or_default();
    // A bare IPv6 address has more colons, and none of them starts a port.
    if host.contains(&b':') && host.first() != Some(&b'[') || host.is_empty() {
        return (bare, None);
    }
    if port.is_empty() {
        return (host, None);
    }
    match number(port, 10).and_then(|port| u16::try_from(port).ok()) {
        Some(port) => (host, Some(port)),
        None => (bare, None),
    }
}

/// A number of digits only, in base 10 or 16. `None` for anything else, overflow included.
pub(super) fn number(digits: &[u8], base: u32) -> Option<u64> {
    if digits.is_empty() {
        return None;
    }
    digits.iter().try_fold(0u64, |value, byte| {
        let digit = char::from(*byte).to_digit(base)?;
        value.checked_mul(u64::from(base))?.checked_add(u64::from(digit))
    })
}

/// What stands behind the `://` of an absolute form, and the port its scheme implies.
pub(super) fn absolute_form(target: &[u8]) -> Option<(Authority, Option<u16>)> {
    let colon = target.iter().take(16).position(|byte| *byte == b':')?;
    let scheme = target.get(..colon)?;
    let rest = target.get(colon..)?.strip_prefix(b"://")?;
    if scheme.is_empty() || !scheme.iter().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(byte)) {
        return None;
    }
    let end = rest.iter().position(|byte| b"/?#\\".contains(byte)).unwrap_or(rest.len());
    let implied = match scheme.to_ascii_lowercase().as_slice() {
        b"http" | b"ws" => Some(80),
        b"https" | b"wss" => Some(443),
        b"ftp" => Some(21),
        _ => None,
    };
    Some((Authority::new(rest.get(..end)?), implied))
}

/// The first line and the fields of one head that matter here. No path, no value of another field is kept.
#[derive(Debug, Default)]
pub(super) struct Head<'a> {
    /// The first line, without its line end.
    pub(super) first: &'a [u8],
    /// Everything that some reader could take for the value of the Host field.
    pub(super) hosts: Vec<&'a [u8]>,
    /// What two readers could read differently, in our words.
    pub(super) odd: Option<&'static str>,
    /// Content-Length, the first one.
    pub(super) length: Option<u64>,
    /// The body comes in chunks.
    pub(super) is_chunked: bool,
    /// The length of the body is told in two ways that differ, or in none that is understood.
    pub(super) is_length_odd: bool,
    /// The first protocol of an Upgrade field.
    pub(super) upgrade: Option<&'a [u8]>,
    /// An attachment is handed over (RFC 6266).
    pub(super) is_attachment: bool,
    /// More fields than are read.
    pub(super) is_too_long: bool,
}

impl<'a> Head<'a> {
    /// Reads a head, complete or cut: only lines that end with a line feed count.
    pub(super) fn new(raw: &'a [u8]) -> Self {
        let mut head = Self::default();
        let mut lines = Lines(raw).skip_while(|line| line.text.is_empty());
        if let Some(line) = lines.next() {
            head.first = line.text;
            head.note_line_end(&line);
        }
        // The field that a folded line goes on with: Host or another one.
        let mut is_in_host = false;
        for (count, line) in lines.enumerate() {
            if line.text.is_empty() {
                break;
            }
            if count >= limits::HTTP_FIELDS_MAX {
                head.is_too_long = true;
                break;
            }
            head.note_line_end(&line);
            let is_folded = matches!(line.text.first(), Some(b' ' | b'\t'));
            let (name, value) = match line.text.iter().position(|byte| *byte == b':') {
                Some(colon) => (
                    line.text.get(..colon).unwrap_or_default(),
                    line.text.get(colon + 1..).unwrap_or_default().trim_ascii(),
                ),
                None => (line.text, &b""[..]),
            };
            let bare_name = name.trim_ascii();
            let is_host = bare_name.eq_ignore_ascii_case(b"host");
            if is_folded {
                // obs-fold (RFC 9112 section 5.2): one reader joins the lines, another sees a field of its own.
                if is_host {
                    head.hosts.push(value);
                }
                if is_in_host {
                    head.hosts.push(line.text.trim_ascii());
                }
                if is_host || is_in_host {
                    head.odd = Some("obs-fold");
                }
                continue;
            }
            is_in_host = is_host;
            if is_host {
                head.hosts.push(value);
                if bare_name.len() != name.len() {
                    head.odd = Some("field-name");
                }
            } else {
                head.field(bare_name, value);
            }
        }
        head
    }

    fn note_line_end(&mut self, line: &Line<'_>) {
        if line.is_bare || line.text.contains(&b'\r') {
            self.odd = Some("line-end");
        }
    }

    fn field(&mut self, name: &[u8], value: &'a [u8]) {
        if name.eq_ignore_ascii_case(b"content-length") {
            // `5, 5` is one length told twice (RFC 9110 section 8.6); anything else that is no number is odd.
            for part in value.split(|byte| *byte == b',') {
                match (number(part.trim_ascii(), 10), self.length) {
                    (None, _) => self.is_length_odd = true,
                    (Some(new), Some(old)) => self.is_length_odd |= new != old,
                    (Some(new), None) => self.length = Some(new),
                }
            }
        } else if name.eq_ignore_ascii_case(b"transfer-encoding") {
            let last = value.rsplit(|byte| *byte == b',').next().unwrap_or_default().trim_ascii();
            let is_chunked = last.eq_ignore_ascii_case(b"chunked");
            self.is_length_odd |= !is_chunked && !last.eq_ignore_ascii_case(b"identity");
            self.is_chunked |= is_chunked;
        } else if name.eq_ignore_ascii_case(b"upgrade") {
            let first = value.split(|byte| *byte == b',').next().unwrap_or_default().trim_ascii();
            self.upgrade.get_or_insert(first);
        } else if name.eq_ignore_ascii_case(b"content-disposition") {
            self.is_attachment |=
                value.get(..10).is_some_and(|start| start.eq_ignore_ascii_case(b"attachment"));
        }
    }

    /// True when the length of the body is told in ways that two readers may take differently.
    pub(super) const fn is_framing_odd(&self) -> bool {
        self.is_length_odd || self.is_chunked && self.length.is_some()
    }

    /// Method and target of a request line.
    pub(super) fn request(&self) -> Option<(&'a [u8], &'a [u8])> {
        let first = self.first.trim_ascii();
        let space = first.iter().position(|byte| *byte == b' ')?;
        let (method, rest) = first.split_at(space);
        let rest = rest.trim_ascii();
        // The version is the last word; a target with spaces in it is a target all the same.
        let target = match rest.iter().rposition(|byte| *byte == b' ') {
            Some(last) if rest.get(last + 1..)?.starts_with(b"HTTP/") => rest.get(..last)?.trim_ascii(),
            _ => rest,
        };
        let is_token = !method.is_empty()
            && method.len() <= METHOD_LEN_MAX
            && method.iter().all(|byte| byte.is_ascii_graphic() && !b"\"(),/:;<=>?@[\\]{}".contains(byte));
        is_token.then_some((method, target))
    }

    /// Status of a status line.
    pub(super) fn status(&self) -> Option<u16> {
        let rest = self.first.strip_prefix(b"HTTP/")?;
        let space = rest.iter().position(|byte| *byte == b' ')?;
        let code = rest.get(space..)?.trim_ascii();
        let code = code.get(..3)?;
        number(code, 10).and_then(|code| u16::try_from(code).ok()).filter(|code| *code >= 100)
    }
}

/// Longest method that is believed; the registry's longest, `UPDATEREDIRECTREF`, has 17 letters.
pub(super) const METHOD_LEN_MAX: usize = 32;

struct Line<'a> {
    text: &'a [u8],
    is_bare: bool,
}

/// Lines that end with LF; a CR before it belongs to the line end.
struct Lines<'a>(&'a [u8]);

impl<'a> Iterator for Lines<'a> {
    type Item = Line<'a>;

    fn next(&mut self) -> Option<Line<'a>> {
        let end = self.0.iter().position(|byte| *byte == b'\n')?;
        let (line, rest) = self.0.split_at(end);
        self.0 = rest.get(1..).unwrap_or_default();
        let text = line.strip_suffix(b"\r").unwrap_or(line);
        Some(Line { text, is_bare: text.len() == line.len() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> HostName {
        HostName::new(text.as_bytes())
    }

    #[test]
    fn an_authority_is_split_into_host_and_port_and_userinfo_is_no_name() {
        for (raw, host, port) in [
            ("meet.example", "meet.example", None),
            ("meet.example:8443", "meet.example", Some(8443)),
            ("meet.example:", "meet.example", None),
            ("listed.example@evil.example:80", "evil.example", Some(80)),
            ("a:b@c@evil.example", "evil.example", None),
            ("[2001:db8::1]:443", "[2001:db8::1]", Some(443)),
            ("2001:db8::1", "2001:db8::1", None),
            ("meet.example:99999", "meet.example:99999", None),
        ] {
            let authority = Authority::new(raw.as_bytes());
            assert_eq!((authority.host, authority.port), (name(host), port), "{raw}");
        }
    }

    #[test]
    fn absolute_forms_give_their_authority_and_the_port_of_their_scheme() {
        let (authority, implied) = absolute_form(b"http://evil.example:81/a?b").unwrap();
        assert_eq!((authority.host, authority.port, implied), (name("evil.example"), Some(81), Some(80)));
        let (authority, _) =
            absolute_form(b"HTTP://listed.example@evil.example?q=http://x.example/").unwrap();
        assert_eq!(authority.host, name("evil.example"));
        assert!(authority.has_userinfo);
        assert!(absolute_form(b"/http://evil.example/").is_none());
        assert!(absolute_form(b"evil.example:443").is_none());
    }

    #[test]
    fn every_reading_of_a_host_is_kept_and_called_odd() {
        let head = Head::new(b"GET / HTTP/1.1\r\nHost: a.example\r\n b.example\r\n\r\n");
        assert_eq!((head.hosts, head.odd), (vec![&b"a.example"[..], b"b.example"], Some("obs-fold")));
        let head = Head::new(b"GET / HTTP/1.1\r\nX: y\r\n Host: b.example\r\n\r\n");
        assert_eq!((head.hosts, head.odd), (vec![&b"b.example"[..]], Some("obs-fold")));
        let head = Head::new(b"GET / HTTP/1.1\nhOST: a.example\n\n");
        assert_eq!((head.hosts, head.odd), (vec![&b"a.example"[..]], Some("line-end")));
        let head = Head::new(b"GET / HTTP/1.1\r\nHost : a.example\r\n\r\n");
        assert_eq!((head.hosts, head.odd), (vec![&b"a.example"[..]], Some("field-name")));
        let head = Head::new(b"GET / HTTP/1.1\r\nX-Host: no.example\r\nY: Host: no.example\r\n\r\n");
        assert_eq!((head.hosts.len(), head.odd), (0, None));
    }

    #[test]
    fn lengths_that_can_be_read_in_two_ways_are_odd() {
        let odd = |fields: &str| {
            Head::new(format!("GET / HTTP/1.1\r\n{fields}\r\n\r\n").as_bytes()).is_framing_odd()
        };
        assert!(
            !odd("Content-Length: 5")
                && !odd("Transfer-Encoding: gzip, chunked")
                && !odd("Content-Length: 5, 5")
        );
        assert!(odd("Content-Length: 5\r\nTransfer-Encoding: chunked"));
        assert!(odd("Content-Length: 5\r\nContent-Length: 6"));
        assert!(odd("Content-Length: +5") && odd("Transfer-Encoding: xchunked"));
    }
}
