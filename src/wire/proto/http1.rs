//! HTTP/1.0 and 1.1 (RFC 9110, 9112): every request of a connection, what it asked of a proxy, and where it becomes
//! something else. Bodies are stepped over by their length and never searched; paths and queries are never kept.

use std::collections::VecDeque;

use super::{
    dissector::{Dissector, First, Guess, Next, Protocol, Switch},
    http_body::{Body, Half},
    http_head::{Authority, Head, METHOD_LEN_MAX, absolute_form},
};
use crate::ground::model::{
    address::Transport,
    cause::Cause,
    field::Field,
    identity::{Answer, Basis, Marks, Notes, TargetKind},
    key::Side,
    limits,
    observation::Value,
};

/// HTTP/1 over TCP.
pub static PROTOCOL: Protocol = Protocol {
    name: "http",
    transport: Transport::TCP,
    ports: &[80, 8080, 3128, 8000, 8888, 8008, 8081, 631],
    first: First::TEXT,
    probe,
    open: || Box::<Http1>::default(),
};

/// Methods that are believed before the end of the request line was seen (IANA HTTP Method Registry and UPnP).
const METHODS: &[&[u8]] = &[
    b"GET",
    b"HEAD",
    b"POST",
    b"PUT",
    b"DELETE",
    b"CONNECT",
    b"OPTIONS",
    b"TRACE",
    b"PATCH",
    b"PROPFIND",
    b"PROPPATCH",
    b"MKCOL",
    b"COPY",
    b"MOVE",
    b"LOCK",
    b"UNLOCK",
    b"REPORT",
    b"SEARCH",
    b"SUBSCRIBE",
    b"UNSUBSCRIBE",
    b"NOTIFY",
];

/// Methods that hand over or arrange files (RFC 4918, RFC 9110 section 9.3.4).
const FILE_METHODS: &[&[u8]] =
    &[b"PUT", b"PROPFIND", b"PROPPATCH", b"MKCOL", b"COPY", b"MOVE", b"LOCK", b"UNLOCK"];

/// Bytes of a request line after which a known method and a plain path are enough.
const LONG_TARGET: usize = 256;

fn probe(first: &[u8], _side: Side) -> Guess {
    let text = first.trim_ascii_start();
    if text.len() < 9 {
        let is_start = METHODS.iter().chain(&[&b"HTTP/1."[..]]).any(|word| {
            let shared = word.len().min(text.len());
            word.get(..shared) == text.get(..shared)
                && text.get(shared).is_none_or(|byte| b" 01".contains(byte))
        });
        // Another method must at least look like a token.
        let is_token = text.iter().all(|byte| byte.is_ascii_uppercase() || b"-_ /*".contains(byte));
        return if is_start || is_token { Guess::Short } else { Guess::No };
    }
    if let Some(version) = text.strip_prefix(b"HTTP/1.") {
        let is_status = matches!(version, [b'0' | b'1', b' ', ..]);
        return if is_status { Guess::Yes } else { Guess::No };
    }
    let line_end = text.iter().position(|byte| *byte == b'\n');
    let line = line_end.and_then(|end| text.get(..end)).unwrap_or(text);
    let Some(space) = line.iter().take(METHOD_LEN_MAX + 1).position(|byte| *byte == b' ') else {
        let is_token = line.iter().all(|byte| byte.is_ascii_uppercase() || b"-_".contains(byte));
        let is_open = line_end.is_none() && line.len() <= METHOD_LEN_MAX && is_token;
        return if is_open { Guess::Short } else { Guess::No };
    };
    let (method, rest) = line.split_at(space);
    if method.is_empty() || !method.iter().all(|byte| byte.is_ascii_alphabetic() || b"-_".contains(byte)) {
        return Guess::No;
    }
    if line.iter().any(|byte| *byte < b' ' && !b"\r\t".contains(byte)) {
        return Guess::No;
    }
    if line_end.is_some() {
        let version = rest.trim_ascii().rsplit(|byte| *byte == b' ').next().unwrap_or_default();
        return if version.starts_with(b"HTTP/1.") { Guess::Yes } else { Guess::No };
    }
    let is_path =
        matches!(rest.trim_ascii_start(), [b'/', ..]) || rest.trim_ascii_start().starts_with(b"http");
    let is_known = METHODS.contains(&method);
    if is_known && is_path && line.len() >= LONG_TARGET { Guess::Yes } else { Guess::Short }
}

/// A request whose answer has not come.
#[derive(Debug, Default)]
struct Asked {
    is_head: bool,
    is_connect: bool,
    /// Its place among the flow's targets.
    target: Option<usize>,
}

/// The reader of one connection.
#[derive(Debug, Default)]
pub struct Http1 {
    halves: [Half; 2],
    client: Option<Side>,
    /// The first bytes of both ends, a handful at most, until they tell who asks.
    early: [Vec<u8>; 2],
    asked: VecDeque<Asked>,
    /// A request offered to go on as HTTP/2.
    is_upgrade_asked: bool,
    /// A CONNECT waits for its answer: what the client sent behind it.
    held: Option<Vec<u8>>,
}

impl Http1 {
    fn half(&mut self, side: Side) -> &mut Half {
        let [opener, answerer] = &mut self.halves;
        match side {
            Side::Opener => opener,
            Side::Answerer => answerer,
        }
    }

    fn switch(&mut self, client: Side, server_rest: &[u8]) -> Switch {
        let mut switch = Switch::default();
        let [opener, answerer] = &mut switch.rest;
        let (mine, theirs) = if client == Side::Opener { (opener, answerer) } else { (answerer, opener) };
        *mine = self.held.take().unwrap_or_default();
        *theirs = server_rest.to_vec();
        switch
    }

    /// Reads what the client sent. `Some` ends the reading of this protocol.
    fn client_bytes(&mut self, mut input: &[u8], side: Side, notes: &mut Notes<'_>) -> Option<Next> {
        while !input.is_empty() {
            if let Some(held) = &mut self.held {
                if held.len() + input.len() > limits::UPGRADE_HELD_MAX {
                    notes.cause(Cause::ParserLimit, "held behind connect");
                    return Some(Next::Broken);
                }
                held.extend_from_slice(input);
                return None;
            }
            let half = self.half(side);
            half.skip_body(&mut input);
            if matches!(half.body, Body::Lost) {
                return Some(Next::Broken);
            }
            if input.is_empty() {
                return None;
            }
            let Ok(head) = half.take_head(&mut input) else {
                notes.cause(Cause::ParserLimit, "http head");
                return Some(Next::Broken);
            };
            let head = head?;
            if self.is_upgrade_asked && head.trim_ascii_start().starts_with(b"PRI * HTTP/2.0") {
                // The h2c upgrade took effect: this is the preface of RFC 9113 section 3.4.
                let mut rest = head;
                rest.extend_from_slice(input);
                self.held = Some(rest);
                return Some(Next::Switch(Switch { to: Some("http"), ..self.switch(side, &[]) }));
            }
            if let Some(next) = self.request(&head, side, notes) {
                return Some(next);
            }
            if self.held.is_some() && matches!(self.half(side.other()).body, Body::Lost) {
                // The answer cannot be found any more, so it counts as a yes (RULES 32).
                self.held = Some(input.to_vec());
                return Some(Next::Switch(self.switch(side, &[])));
            }
        }
        None
    }

    /// Reads one request. `Some(Broken)` when it is none.
    fn request(&mut self, raw: &[u8], side: Side, notes: &mut Notes<'_>) -> Option<Next> {
        let head = Head::new(raw);
        let Some((method, target)) = head.request() else { return Some(Next::Broken) };
        notes.client(side);
        notes.app("http", Basis::Parsed);
        if head.is_too_long {
            notes.cause(Cause::ParserLimit, "http fields");
        }
        let is_connect = method == b"CONNECT";
        if !is_connect {
            notes.mark(Marks::CLEARTEXT);
        }
        if FILE_METHODS.contains(&method) {
            notes.mark(Marks::FILES);
        }
        self.is_upgrade_asked |= head.upgrade.is_some_and(|to| to.eq_ignore_ascii_case(b"h2c"));
        let mut asked = Asked { is_head: method == b"HEAD", is_connect, target: None };
        asked.target = note_names(&head, is_connect, target, side, notes);
        if self.asked.len() < limits::HTTP_PIPELINE_MAX {
            self.asked.push_back(asked);
        } else {
            // Answers can no longer be told apart; names can.
            self.half(side.other()).body = Body::Lost;
        }
        if head.is_framing_odd() {
            notes.cause(Cause::NameMismatch, "message length");
        }
        if is_connect {
            self.held = Some(Vec::new());
        }
        self.half(side).body = if head.is_chunked {
            Body::CHUNKS
        } else {
            head.length.filter(|left| *left > 0 && !is_connect).map_or(Body::Head, Body::Length)
        };
        head.is_too_long.then_some(Next::Broken)
    }

    /// Reads what the server sent. `Some` ends the reading of this protocol.
    fn server_bytes(&mut self, mut input: &[u8], side: Side, notes: &mut Notes<'_>) -> Option<Next> {
        while !input.is_empty() {
            let half = self.half(side);
            half.skip_body(&mut input);
            if input.is_empty() {
                return None;
            }
            let Ok(head) = half.take_head(&mut input) else {
                notes.cause(Cause::ParserLimit, "http head");
                half.body = Body::Lost;
                let rest = std::mem::take(&mut half.head);
                return self.answer_lost(side, &[&rest, input].concat());
            };
            let raw = head?;
            let head = Head::new(&raw);
            let Some(status) = head.status() else {
                half.body = Body::Lost;
                notes.cause(Cause::NotTheExpectedProtocol, "http answer");
                return self.answer_lost(side, &[&raw, input].concat());
            };
            notes.client(side.other());
            notes.app("http", Basis::Parsed);
            if (100..200).contains(&status) && status != 101 {
                continue;
            }
            if let Some(next) = self.answer(status, &head, input, side, notes) {
                return Some(next);
            }
        }
        None
    }

    /// Follows one final answer.
    fn answer(
        &mut self,
        status: u16,
        head: &Head<'_>,
        rest: &[u8],
        side: Side,
        notes: &mut Notes<'_>,
    ) -> Option<Next> {
        let asked = self.asked.pop_front().unwrap_or_default();
        if let Some(target) = asked.target {
            let answer = if status >= 400 { Answer::Refused(status) } else { Answer::Accepted };
            notes.answer(target, answer);
        }
        if head.is_attachment {
            notes.mark(Marks::FILES);
        }
        if asked.is_connect && (200..300).contains(&status) {
            return Some(Next::Switch(self.switch(side.other(), rest)));
        }
        if status == 101 {
            return self.upgraded(head, rest, side, notes);
        }
        self.half(side).body = if asked.is_head || status == 204 || status == 304 {
            Body::Head
        } else if head.is_chunked {
            Body::CHUNKS
        } else {
            match head.length {
                Some(0) => Body::Head,
                Some(left) => Body::Length(left),
                None => Body::UntilClose,
            }
        };
        if asked.is_connect {
            // Refused: what the client sent meanwhile is its next request (407 and a second try, R11).
            let held = self.held.take().unwrap_or_default();
            return self.client_bytes(&held, side.other(), notes);
        }
        None
    }

    /// The server agreed to another protocol (RFC 9110 section 7.8).
    fn upgraded(&mut self, head: &Head<'_>, rest: &[u8], side: Side, notes: &mut Notes<'_>) -> Option<Next> {
        let to = head.upgrade.unwrap_or_default();
        if to.eq_ignore_ascii_case(b"websocket") {
            // Frames of RFC 6455 carry what the two ends agreed on; there is no name in them to read.
            let layer = notes.layer();
            notes.on_layer(layer.saturating_add(1)).app("websocket", Basis::Parsed);
            self.halves.iter_mut().for_each(|half| half.body = Body::UntilClose);
            return None;
        }
        let client = side.other();
        // Bytes the client sent before it knew are in its half; a request head cannot be among them.
        let early = std::mem::take(&mut self.half(client).head);
        self.held = Some(early);
        let switch = self.switch(client, rest);
        let to = to.eq_ignore_ascii_case(b"h2c").then_some("http");
        Some(Next::Switch(Switch { to, ..switch }))
    }

    /// The answers are out of step: a CONNECT that waits will never hear, and an unseen answer is a yes (RULES 32).
    fn answer_lost(&mut self, server: Side, rest: &[u8]) -> Option<Next> {
        self.asked.clear();
        self.held.is_some().then(|| Next::Switch(self.switch(server.other(), rest)))
    }

    /// Learns from an end's first bytes which of the two asks. `None` until there are enough of them, or when they are
    /// neither a request nor an answer: the reading began in the middle of what this end said, and it is out of step.
    fn role(&mut self, side: Side) -> Option<Side> {
        let [opener, answerer] = &self.early;
        let first = if side == Side::Opener { opener } else { answerer };
        let client = match probe(first, side) {
            Guess::Yes if first.trim_ascii_start().starts_with(b"HTTP/1") => side.other(),
            Guess::Yes => side,
            Guess::Short if first.len() < limits::PROBE_LEN_MAX => return None,
            Guess::Short => side,
            Guess::No => {
                self.half(side).body = Body::Lost;
                return None;
            }
        };
        self.client = Some(client);
        self.client
    }

    /// The end that asks is known: reads what both ends said before it was.
    fn begin(&mut self, client: Side, notes: &mut Notes<'_>) -> Option<Next> {
        let [opener, answerer] = std::mem::take(&mut self.early);
        let (asked, answered) = if client == Side::Opener { (opener, answerer) } else { (answerer, opener) };
        if matches!(self.half(client).body, Body::Lost) {
            return Some(Next::Broken);
        }
        self.client_bytes(&asked, client, notes)
            .or_else(|| self.server_bytes(&answered, client.other(), notes))
    }

    /// A request head that was cut off names its host all the same.
    fn note_cut_head(&mut self, side: Side, notes: &mut Notes<'_>) {
        let raw = std::mem::take(&mut self.half(side).head);
        let head = Head::new(&raw);
        if self.client != Some(side) || head.hosts.is_empty() && absolute_form(head.first).is_none() {
            return;
        }
        if let Some((method, target)) = head.request() {
            notes.client(side);
            notes.app("http", Basis::Parsed);
            note_names(&head, method == b"CONNECT", target, side, notes);
        }
    }
}

/// Writes down every name of a request: the authority of its target first, for it wins, then every Host.
fn note_names(
    head: &Head<'_>,
    is_connect: bool,
    target: &[u8],
    side: Side,
    notes: &mut Notes<'_>,
) -> Option<usize> {
    let mut place = None;
    let mut wins: Option<(Authority, &'static str)> = None;
    if is_connect {
        // Nothing stands behind the authority (RFC 9112 section 3.2.3); what does is odd, and no part of the name.
        let end = target.iter().position(|byte| b" \t".contains(byte)).unwrap_or(target.len());
        let authority = Authority::new(target.get(..end).unwrap_or(target));
        if end < target.len() || authority.host.malformed().is_some_and(|_| authority.host.as_ip().is_none())
        {
            notes.cause(Cause::SniMalformed, "connect");
        }
        let (host, port) = (authority.host.clone(), authority.port);
        notes.add(Field::ConnectTarget, Value::Target { host: host.clone(), port }, side);
        place = Some(notes.target(TargetKind::Connect, host, port));
        wins = Some((authority, "connect/host"));
    } else if let Some((authority, implied)) = absolute_form(target) {
        authority.note_host(notes, side);
        let port = authority.port.or(implied);
        place = Some(notes.target(TargetKind::AbsoluteForm, authority.host.clone(), port));
        wins = Some((authority, "absolute-form/host"));
    }
    for raw in &head.hosts {
        let host = Authority::new(raw);
        let differs = wins.as_ref().is_none_or(|(first, _)| first.host != host.host);
        // The Host of a CONNECT repeats its target; it is a name of its own only when it does not.
        if differs || !is_connect {
            host.note_host(notes, side);
        }
        if let Some((_, layers)) = &wins
            && differs
            && !host.host.bytes().is_empty()
        {
            notes.cause(Cause::NameMismatch, layers);
        }
        wins.get_or_insert((host, "host/host"));
    }
    if let Some(odd) = head.odd {
        notes.cause(Cause::NameMismatch, odd);
    }
    place
}

impl Dissector for Http1 {
    fn bytes(&mut self, bytes: &[u8], side: Side, notes: &mut Notes<'_>) -> Next {
        let is_lost = matches!(self.half(side).body, Body::Lost);
        let next = match self.client {
            Some(client) if client == side => self.client_bytes(bytes, side, notes),
            Some(_) => self.server_bytes(bytes, side, notes),
            None if is_lost => None,
            None => {
                let [opener, answerer] = &mut self.early;
                if side == Side::Opener { opener } else { answerer }.extend_from_slice(bytes);
                self.role(side).and_then(|client| self.begin(client, notes))
            }
        };
        next.unwrap_or(Next::More)
    }

    /// A hole inside a body of known length is stepped over. Any other hole of the client ends the reading; behind one
    /// of the server only the requests are read on.
    fn gap(&mut self, missing: u64, side: Side, notes: &mut Notes<'_>) -> Next {
        if self.held.is_none() && self.half(side).skip_hole(missing) {
            return Next::More;
        }
        if self.client.is_none() || self.client == Some(side.other()) {
            self.half(side).body = Body::Lost;
            return self.answer_lost(side, &[]).unwrap_or(Next::More);
        }
        if self.held.is_some() {
            // The hole lies in what a tunnel carries: the reader inside is told of it.
            return Next::Switch(self.switch(side, &[]));
        }
        self.note_cut_head(side, notes);
        Next::Broken
    }

    fn unanswered(&mut self) -> Option<Switch> {
        let client = self.client?;
        self.held.is_some().then(|| self.switch(client, &[]))
    }

    fn finish(&mut self, notes: &mut Notes<'_>) {
        for side in Side::BOTH {
            // Bytes that were still awaiting the end of their line, and never could have been one of ours.
            let head = &self.half(side).head;
            if !head.trim_ascii_start().is_empty() && probe(head, side) == Guess::No {
                notes.cause(Cause::NotTheExpectedProtocol, "http");
            }
        }
        if let Some(client) = self.client {
            self.note_cut_head(client, notes);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        ground::model::name::HostName,
        wire::proto::told::{DOWN, UP, told, told_last},
    };

    fn names(parts: &[(Side, &[u8])]) -> Vec<String> {
        let identity = told(&PROTOCOL, parts);
        identity
            .names(Field::HttpHost)
            .map(|name| String::from_utf8(name.bytes().to_vec()).unwrap())
            .collect()
    }

    #[test]
    fn bytes_that_never_become_a_line_are_not_this_protocol() {
        let good = b"GET / HTTP/1.1\r\nHost: a.example\r\n\r\n";
        let broken = |tail: &[u8]| told(&PROTOCOL, &[(UP, &[good, tail].concat())]).causes;
        assert!(broken(b"\xee\xee secret \xee").has(Cause::NotTheExpectedProtocol));
        for tail in [&b""[..], b"\r\n", b"GE", b"GET /next HT"] {
            assert!(!broken(tail).has(Cause::NotTheExpectedProtocol), "{tail:?}");
        }
    }

    #[test]
    fn every_request_of_a_connection_counts_kept_alive_or_pipelined() {
        assert_eq!(
            names(&[
                (UP, b"GET /1 HTTP/1.1\r\nHost: a.example\r\n\r\nGET /2 HTTP/1.1\r\nHost: b.example:81\r\n\r\n"),
                (DOWN, b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabcHTTP/1.1 304 Not Modified\r\n\r\n"),
                (UP, b"GET /3 HTTP/1.1\r\nHost: c.example\r\n\r\n"),
            ]),
            ["a.example", "b.example", "c.example"]
        );
    }

    #[test]
    fn a_body_is_stepped_over_and_never_searched_for_a_host() {
        let decoy = b"GET / HTTP/1.1\r\nHost: decoy.example\r\n\r\n";
        let with_length = [
            &b"POST / HTTP/1.1\r\nHost: a.example\r\nContent-Length: 39\r\n\r\n"[..],
            decoy,
            b"GET / HTTP/1.1\r\nHost: b.example\r\n\r\n",
        ]
        .concat();
        assert_eq!(names(&[(UP, &with_length)]), ["a.example", "b.example"]);
        let chunked = [
            &b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\nHost: a.example\r\n\r\n27;x=y\r\n"[..],
            decoy,
            b"\r\n0\r\nHost: trailer.example\r\n\r\nGET / HTTP/1.1\r\nHost: b.example\r\n\r\n",
        ]
        .concat();
        assert_eq!(names(&[(UP, &chunked)]), ["a.example", "b.example"]);
    }

    #[test]
    fn the_authority_of_an_absolute_form_wins_and_a_differing_host_is_a_mismatch() {
        let identity = told(
            &PROTOCOL,
            &[
                (UP, b"GET http://x@evil.example/ HTTP/1.1\r\nHost: listed.example\r\n\r\n"),
                (DOWN, b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n"),
            ],
        );
        let names: Vec<_> = identity.names(Field::HttpHost).cloned().collect();
        assert_eq!(names, [HostName::new(b"evil.example"), HostName::new(b"listed.example")]);
        let target = &identity.targets[0];
        assert_eq!(
            (target.kind, target.host.bytes(), target.port),
            (TargetKind::AbsoluteForm, &b"evil.example"[..], Some(80))
        );
        assert_eq!(target.answer, Answer::Refused(403));
        assert!(identity.causes.has(Cause::NameMismatch) && identity.causes.has(Cause::SniMalformed));
        assert!(identity.marks.has(Marks::PROXIED) && identity.marks.has(Marks::CLEARTEXT));
    }

    #[test]
    fn two_hosts_folds_and_odd_line_ends_are_all_written_down_with_a_cause() {
        for (request, hosts) in [
            (
                &b"GET / HTTP/1.1\r\nHost: a.example\r\nHost: b.example\r\n\r\n"[..],
                &["a.example", "b.example"][..],
            ),
            (
                b"GET / HTTP/1.1\r\nHost: a.example\r\n Host: b.example\r\n\r\n",
                &["a.example", "b.example", "host: b.example"],
            ),
            (b"GET / HTTP/1.1\r\nX: y\nHost: b.example\r\n\r\n", &["b.example"]),
        ] {
            let identity = told(&PROTOCOL, &[(UP, request)]);
            let names: Vec<_> = identity.names(Field::HttpHost).map(|name| name.bytes().to_vec()).collect();
            assert_eq!(names, hosts.iter().map(|host| host.as_bytes().to_vec()).collect::<Vec<_>>());
            assert!(identity.causes.has(Cause::NameMismatch), "{}", String::from_utf8_lossy(request));
        }
        let same = told(&PROTOCOL, &[(UP, b"GET / HTTP/1.1\r\nHost: a.example\r\nHost: A.example.\r\n\r\n")]);
        assert!(same.causes.is_empty());
    }

    #[test]
    fn a_length_told_in_two_ways_is_a_cause() {
        let identity = told(&PROTOCOL, &[(UP, b"POST / HTTP/1.1\r\nHost: a.example\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n")]);
        assert!(identity.causes.has(Cause::NameMismatch));
    }

    #[test]
    fn connect_becomes_what_the_tunnel_carries_with_the_bytes_that_came_early() {
        let (identity, next) = told_last(
            &PROTOCOL,
            &[
                (UP, b"CONNECT meet.example:443 HTTP/1.1\r\nHost: meet.example\r\n\r\nearly"),
                (DOWN, b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nserver"),
            ],
        );
        let Next::Switch(switch) = next else { panic!("{next:?}") };
        assert_eq!(switch, Switch { to: None, rest: [b"early".to_vec(), b"server".to_vec()] });
        assert_eq!(identity.targets[0].answer, Answer::Accepted);
        assert!(!identity.marks.has(Marks::CLEARTEXT), "a tunnel is not yet data in the clear");
        let fact = identity.all(Field::ConnectTarget).next().unwrap();
        assert_eq!(fact.value, Value::Target { host: HostName::new(b"meet.example"), port: Some(443) });
    }

    #[test]
    fn a_refused_connect_is_noted_and_the_second_try_on_the_connection_is_read() {
        let (identity, next) = told_last(
            &PROTOCOL,
            &[
                (UP, b"CONNECT meet.example:443 HTTP/1.1\r\n\r\n"),
                (DOWN, b"HTTP/1.1 407 Authentication Required\r\nContent-Length: 4\r\n\r\nbody"),
                (UP, b"CONNECT meet.example:443 HTTP/1.1\r\nProxy-Authorization: x\r\n\r\n"),
                (DOWN, b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n"),
            ],
        );
        assert_eq!(next, Next::More);
        let answers: Vec<_> = identity.targets.iter().map(|target| target.answer).collect();
        assert_eq!(answers, [Answer::Refused(407), Answer::Refused(502)]);
    }

    #[test]
    fn interim_answers_and_answers_without_a_body_keep_the_two_ends_in_step() {
        let identity = told(&PROTOCOL, &[
            (UP, b"HEAD http://a.example/ HTTP/1.1\r\n\r\nGET http://b.example/ HTTP/1.1\r\n\r\nGET http://c.example/ HTTP/1.1\r\n\r\n"),
            (DOWN, b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n"),
            (DOWN, b"HTTP/1.1 404 Not Found\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n\r\nHTTP/1.1 204 No\r\n\r\n"),
        ]);
        let answers: Vec<_> = identity.targets.iter().map(|target| target.answer).collect();
        assert_eq!(answers, [Answer::Accepted, Answer::Refused(404), Answer::Accepted]);
    }

    #[test]
    fn an_upgrade_hands_the_rest_over_and_websocket_hides_it() {
        let ask = b"GET / HTTP/1.1\r\nHost: a.example\r\nUpgrade: h2c\r\n\r\n";
        let (_, next) =
            told_last(&PROTOCOL, &[(UP, ask), (DOWN, b"HTTP/1.1 101 Switching\r\nUpgrade: h2c\r\n\r\nxyz")]);
        assert_eq!(next, Next::Switch(Switch { to: Some("http"), rest: [Vec::new(), b"xyz".to_vec()] }));
        let (identity, next) = told_last(
            &PROTOCOL,
            &[
                (UP, ask),
                (DOWN, b"HTTP/1.1 101 Switching\r\nUpgrade: websocket\r\n\r\n"),
                (UP, b"GET / HTTP/1.1\r\nHost: decoy.example\r\n\r\n"),
            ],
        );
        assert_eq!((next, identity.inner_apps.as_slice()), (Next::More, &["websocket"][..]));
        assert_eq!(identity.all(Field::HttpHost).count(), 1);
    }

    #[test]
    fn files_are_marked_by_method_and_by_attachment() {
        for parts in [
            &[(UP, &b"PROPFIND / HTTP/1.1\r\nHost: a.example\r\n\r\n"[..])][..],
            &[(DOWN, b"HTTP/1.1 200 OK\r\nContent-Disposition: Attachment; filename=x\r\nContent-Length: 0\r\n\r\n")],
        ] {
            assert!(told(&PROTOCOL, parts).marks.has(Marks::FILES));
        }
    }

    #[test]
    fn a_head_of_one_line_beyond_the_bound_ends_with_a_cause_and_costs_no_more() {
        let line = [b"GET /", &vec![b'a'; 1_000_000][..]].concat();
        let identity = told(&PROTOCOL, &[(UP, &line)]);
        assert!(identity.causes.has(Cause::ParserLimit));
        let fields =
            [b"GET / HTTP/1.1\r\n", "a: b\r\n".repeat(300).as_bytes(), b"Host: evil.example\r\n\r\n"]
                .concat();
        assert!(told(&PROTOCOL, &[(UP, &fields)]).causes.has(Cause::ParserLimit));
    }

    #[test]
    fn a_hole_inside_a_body_of_known_length_keeps_the_reader_in_step() {
        let mut identity = crate::ground::model::identity::Identity::default();
        let mut notes = Notes::new(
            &mut identity,
            crate::ground::model::packet::Ordinal(1),
            crate::ground::model::time::Timestamp::default(),
        );
        let mut reader = Http1::default();
        reader.bytes(b"POST / HTTP/1.1\r\nHost: a.example\r\nContent-Length: 100\r\n\r\n", UP, &mut notes);
        assert_eq!(reader.gap(100, UP, &mut notes), Next::More);
        reader.bytes(b"GET / HTTP/1.1\r\nHost: b.example\r\n\r\n", UP, &mut notes);
        assert_eq!(
            reader.gap(7, DOWN, &mut notes),
            Next::More,
            "requests are still read without the answers"
        );
        reader.bytes(b"GET / HTTP/1.1\r\nHost: c.example\r\n\r\nGE", UP, &mut notes);
        assert_eq!(reader.gap(1, UP, &mut notes), Next::Broken);
        assert_eq!(identity.all(Field::HttpHost).count(), 3);
    }

    #[test]
    fn an_end_that_was_first_seen_in_the_middle_of_a_body_is_passed_over() {
        let request = b"GET / HTTP/1.1\r\nHost: a.example\r\n\r\n";
        let identity = told(&PROTOCOL, &[(DOWN, b"\xff\xd8 the rest of a picture"), (UP, request)]);
        assert_eq!(identity.client, Some(UP));
        assert_eq!(identity.all(Field::HttpHost).count(), 1);
        assert!(identity.causes.is_empty(), "{:?}", identity.causes);
    }

    #[test]
    fn what_stands_behind_the_target_of_a_connect_is_odd_and_no_part_of_it() {
        let identity = told(&PROTOCOL, &[(UP, b"CONNECT mail.example:25 / HTTP/1.0\r\n\r\n")]);
        assert_eq!(
            (identity.targets[0].host.bytes(), identity.targets[0].port),
            (&b"mail.example"[..], Some(25))
        );
        assert!(identity.causes.has(Cause::SniMalformed));
    }

    #[test]
    fn first_bytes_are_http_only_with_a_version_of_http() {
        for (first, guess) in [
            (&b"GET / HTTP/1.1\r\n"[..], Guess::Yes),
            (b"HTTP/1.1 200 OK", Guess::Yes),
            (b"WEIRD /x HTTP/1.0\r\n", Guess::Yes),
            (b"GE", Guess::Short),
            (b"GET /a/long/path", Guess::Short),
            (b"OPTIONS rtsp://a.example/ RTSP/1.0\r\n", Guess::No),
            (b"INVITE sip:a@b.example SIP/2.0\r\n", Guess::No),
            (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", Guess::No),
            (b"SSH-2.0-x\r\n", Guess::No),
            (b"\x16\x03\x01\x02\x00", Guess::No),
        ] {
            assert_eq!(probe(first, UP), guess, "{}", String::from_utf8_lossy(first));
        }
    }
}
