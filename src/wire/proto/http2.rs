//! HTTP/2 in the clear (RFC 9113): by prior knowledge, or after an h2c upgrade. The names of every stream.

use std::collections::BTreeMap;

use super::{
    dissector::{Dissector, First, Guess, Next, Protocol},
    hpack::Hpack,
    http_head::{Authority, number},
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

/// HTTP/2 over TCP. It is the same application as HTTP/1 for a policy, so it has the same word.
pub static PROTOCOL: Protocol = Protocol {
    name: "http",
    transport: Transport::TCP,
    ports: &[80, 8080],
    first: First::of(b"P\0"),
    probe,
    open: || Box::<Http2>::default(),
};

/// What a client says first (section 3.4).
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const FRAME_HEADER_LEN: usize = 9;
/// Names of one header block that are read; a request has one `:authority` and perhaps one `host`.
const NAMES_PER_BLOCK_MAX: usize = 8;

/// Frame types (section 6).
const HEADERS: u8 = 1;
const SETTINGS: u8 = 4;
const PUSH_PROMISE: u8 = 5;
const CONTINUATION: u8 = 9;

/// Flags of frames that carry header blocks.
const END_HEADERS: u8 = 4;
const PADDED: u8 = 8;
const PRIORITY: u8 = 0x20;

fn probe(first: &[u8], _side: Side) -> Guess {
    if first.iter().zip(PREFACE).all(|(a, b)| a == b) {
        return if first.len() >= PREFACE.len() { Guess::Yes } else { Guess::Short };
    }
    // A server's first frame: SETTINGS without flags on stream 0, entries of six bytes (section 6.5).
    if !first.iter().zip([0, 0]).all(|(a, b)| *a == b) {
        return Guess::No;
    }
    let rest = first.get(2..).unwrap_or_default();
    let fits = rest.first().is_none_or(|len| len % 6 == 0 && *len <= 120)
        && rest.iter().skip(1).zip([SETTINGS, 0, 0, 0, 0, 0]).all(|(a, b)| *a == b);
    match (fits, first.len() >= FRAME_HEADER_LEN) {
        (true, true) => Guess::Yes,
        (true, false) => Guess::Short,
        (false, _) => Guess::No,
    }
}

/// One direction.
#[derive(Default)]
struct Half {
    /// The preface was looked for.
    is_started: bool,
    /// Bytes of a frame that is not whole.
    kept: Vec<u8>,
    /// Bytes of a frame that are stepped over.
    left: u64,
    hpack: Hpack,
    /// A header block that goes on in CONTINUATION frames: its stream and its bytes.
    block: Option<(u32, Vec<u8>)>,
}

/// The reader of one connection.
#[derive(Default)]
struct Http2 {
    halves: [Half; 2],
    /// Streams of CONNECT requests that wait for their answer.
    connects: BTreeMap<u32, usize>,
}

/// What a header block says that matters here.
#[derive(Default)]
struct Block {
    method: Option<Vec<u8>>,
    status: Option<u16>,
    authorities: Vec<Vec<u8>>,
    hosts: Vec<Vec<u8>>,
    is_extended: bool,
    is_attachment: bool,
    is_too_long: bool,
}

impl Block {
    fn field(&mut self, name: &[u8], value: &[u8]) {
        match name {
            b":method" => self.method = Some(value.get(..32).unwrap_or(value).to_vec()),
            b":status" => self.status = number(value, 10).and_then(|code| u16::try_from(code).ok()),
            b":protocol" => self.is_extended = true,
            b":authority" | b"host" => {
                let names = if name == b"host" { &mut self.hosts } else { &mut self.authorities };
                if names.len() < NAMES_PER_BLOCK_MAX {
                    names.push(value.to_vec());
                } else {
                    self.is_too_long = true;
                }
            }
            b"content-disposition" => {
                self.is_attachment |=
                    value.get(..10).is_some_and(|start| start.eq_ignore_ascii_case(b"attachment"));
            }
            _ => {}
        }
    }
}

impl Http2 {
    fn read(&mut self, mut input: &[u8], side: Side, notes: &mut Notes<'_>) -> Option<Next> {
        while !input.is_empty() {
            let [opener, answerer] = &mut self.halves;
            let half = if side == Side::Opener { opener } else { answerer };
            if half.left > 0 {
                let taken = usize::try_from(half.left).unwrap_or(usize::MAX).min(input.len());
                half.left -= taken as u64;
                input = input.get(taken..).unwrap_or_default();
                continue;
            }
            if !half.is_started {
                take(&mut half.kept, &mut input, PREFACE.len());
                let is_preface = half.kept.iter().zip(PREFACE).all(|(a, b)| a == b);
                if is_preface && half.kept.len() < PREFACE.len() {
                    return None;
                }
                half.is_started = true;
                if is_preface {
                    notes.client(side);
                    notes.app("http", Basis::Parsed);
                    half.kept.clear();
                } else {
                    // Frames from the first byte on: what was kept is given back by reading it again.
                    let kept = [&std::mem::take(&mut half.kept), input].concat();
                    return self.read(&kept, side, notes);
                }
                continue;
            }
            take(&mut half.kept, &mut input, FRAME_HEADER_LEN);
            let (&[a, b, c, kind, flags, s1, s2, s3, s4], _) = half.kept.split_first_chunk::<9>()?;
            let len = usize::try_from(u32::from_be_bytes([0, a, b, c])).unwrap_or(usize::MAX);
            let stream = u32::from_be_bytes([s1 & 0x7f, s2, s3, s4]);
            let is_block = matches!(kind, HEADERS | PUSH_PROMISE | CONTINUATION);
            // A block is not interrupted by anything (section 6.10).
            let is_in_step = match &half.block {
                Some((open, _)) => kind == CONTINUATION && *open == stream,
                None => kind != CONTINUATION,
            };
            if !is_in_step {
                return Some(Next::Broken);
            }
            if !is_block {
                half.kept.clear();
                half.left = len as u64;
                continue;
            }
            let held = half.block.as_ref().map_or(0, |(_, block)| block.len());
            if held + len > limits::HPACK_BLOCK_MAX {
                notes.cause(Cause::ParserLimit, "http2 header block");
                return Some(Next::Broken);
            }
            take(&mut half.kept, &mut input, FRAME_HEADER_LEN + len);
            let payload = half.kept.get(FRAME_HEADER_LEN..FRAME_HEADER_LEN + len)?;
            let Some(fragment) = fragment(kind, flags, payload) else { return Some(Next::Broken) };
            let (_, block) = half.block.get_or_insert_with(|| (stream, Vec::new()));
            block.extend_from_slice(fragment);
            half.kept.clear();
            if flags & END_HEADERS == 0 {
                continue;
            }
            let (stream, block) = half.block.take()?;
            let mut read = Block::default();
            if half.hpack.read(&block, |name, value| read.field(name, value)).is_err() {
                notes.cause(Cause::ParserLimit, "hpack");
                return Some(Next::Broken);
            }
            self.message(stream, &read, side, notes);
        }
        None
    }

    /// A request, or an answer.
    fn message(&mut self, stream: u32, block: &Block, side: Side, notes: &mut Notes<'_>) {
        notes.app("http", Basis::Parsed);
        if block.is_too_long {
            notes.cause(Cause::ParserLimit, "http2 names");
        }
        if block.is_attachment {
            notes.mark(Marks::FILES);
        }
        if let Some(status) = block.status {
            if status >= 200
                && let Some(target) = self.connects.remove(&stream)
            {
                let answer = if status >= 400 { Answer::Refused(status) } else { Answer::Accepted };
                notes.answer(target, answer);
            }
            return;
        }
        let is_connect = block.method.as_deref() == Some(b"CONNECT") && !block.is_extended;
        if block.method.is_some() && !is_connect {
            notes.mark(Marks::CLEARTEXT);
        }
        if matches!(
            block.method.as_deref(),
            Some(b"PUT" | b"PROPFIND" | b"PROPPATCH" | b"MKCOL" | b"COPY" | b"MOVE")
        ) {
            notes.mark(Marks::FILES);
        }
        let mut first: Option<Authority> = None;
        for (place, raw) in block.authorities.iter().chain(&block.hosts).enumerate() {
            let authority = Authority::new(raw);
            if is_connect && place < block.authorities.len() {
                let (host, port) = (authority.host.clone(), authority.port);
                notes.add(Field::ConnectTarget, Value::Target { host: host.clone(), port }, side);
                let target = notes.target(TargetKind::Connect, host, port);
                if self.connects.len() < limits::HTTP_PIPELINE_MAX {
                    self.connects.insert(stream, target);
                }
                // What runs inside one stream of many is not read.
                notes.cause(Cause::ParserLimit, "connect inside http2");
            } else {
                authority.note_host(notes, side);
            }
            match &first {
                Some(first) if first.host != authority.host => {
                    notes.cause(Cause::NameMismatch, "authority/host");
                }
                Some(_) => {}
                None => first = Some(authority),
            }
        }
    }
}

/// Moves bytes over until `wanted` are kept.
fn take(kept: &mut Vec<u8>, input: &mut &[u8], wanted: usize) {
    let missing = wanted.saturating_sub(kept.len()).min(input.len());
    let (taken, rest) = input.split_at(missing);
    kept.extend_from_slice(taken);
    *input = rest;
}

/// The part of a frame that belongs to the header block (sections 6.2, 6.6, 6.10).
fn fragment(kind: u8, flags: u8, payload: &[u8]) -> Option<&[u8]> {
    if kind == CONTINUATION {
        return Some(payload);
    }
    let (padding, rest) = match payload.split_first() {
        Some((padding, rest)) if flags & PADDED != 0 => (usize::from(*padding), rest),
        _ if flags & PADDED != 0 => return None,
        _ => (0, payload),
    };
    let rest = match kind {
        HEADERS if flags & PRIORITY != 0 => rest.get(5..)?,
        PUSH_PROMISE => rest.get(4..)?,
        _ => rest,
    };
    rest.get(..rest.len().checked_sub(padding)?)
}

impl Dissector for Http2 {
    fn bytes(&mut self, bytes: &[u8], side: Side, notes: &mut Notes<'_>) -> Next {
        self.read(bytes, side, notes).unwrap_or(Next::More)
    }

    /// A hole inside a frame that is stepped over changes nothing.
    fn gap(&mut self, missing: u64, side: Side, _notes: &mut Notes<'_>) -> Next {
        let [opener, answerer] = &mut self.halves;
        let half = if side == Side::Opener { opener } else { answerer };
        if missing <= half.left {
            half.left -= missing;
            return Next::More;
        }
        Next::Broken
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::proto::told::{DOWN, UP, told, told_last};

    fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
        let mut raw = (payload.len() as u32).to_be_bytes()[1..].to_vec();
        raw.extend([kind, flags]);
        raw.extend(stream.to_be_bytes());
        raw.extend(payload);
        raw
    }

    /// A literal field that enters the table.
    fn literal(name: &str, value: &str) -> Vec<u8> {
        let mut raw = vec![0x40, name.len() as u8];
        raw.extend(name.as_bytes());
        raw.push(value.len() as u8);
        raw.extend(value.as_bytes());
        raw
    }

    fn names(parts: &[(Side, &[u8])]) -> Vec<String> {
        let identity = told(&PROTOCOL, parts);
        identity
            .names(Field::HttpHost)
            .map(|name| String::from_utf8(name.bytes().to_vec()).unwrap())
            .collect()
    }

    #[test]
    fn every_stream_gives_its_authority_over_continuations_padding_and_the_table() {
        let first = [&b"\x82"[..], &literal(":authority", "a.example")].concat();
        let (head, tail) = first.split_at(5);
        let padded = [&[2u8][..], &[0; 5], b"\x82", &literal(":authority", "b.example"), &[0; 2]].concat();
        let up = [
            PREFACE,
            &frame(SETTINGS, 0, 0, &[]),
            &frame(HEADERS, 0, 1, head),
            &frame(CONTINUATION, 0, 1, &[]),
            &frame(CONTINUATION, END_HEADERS, 1, tail),
            &frame(0, 0, 1, b":authority decoy.example"),
            &frame(HEADERS, END_HEADERS | PADDED | PRIORITY, 3, &padded),
            // index 63: the older of the two entries of the table
            &frame(HEADERS, END_HEADERS, 5, b"\x83\xbf"),
        ]
        .concat();
        assert_eq!(names(&[(UP, &up)]), ["a.example", "b.example"]);
        let identity = told(&PROTOCOL, &[(UP, &up)]);
        assert_eq!((identity.app, identity.client), ("http", Some(UP)));
        assert!(identity.marks.has(Marks::CLEARTEXT) && identity.causes.is_empty());
    }

    #[test]
    fn a_host_that_differs_from_the_authority_is_a_mismatch_and_both_count() {
        let block =
            [&b"\x82"[..], &literal(":authority", "listed.example"), &literal("host", "evil.example")]
                .concat();
        let up = [PREFACE, &frame(HEADERS, END_HEADERS, 1, &block)].concat();
        assert_eq!(names(&[(UP, &up)]), ["listed.example", "evil.example"]);
        assert!(told(&PROTOCOL, &[(UP, &up)]).causes.has(Cause::NameMismatch));
    }

    #[test]
    fn connect_is_a_target_with_its_answer() {
        let block = [literal(":method", "CONNECT"), literal(":authority", "meet.example:443")].concat();
        let up = [PREFACE, &frame(HEADERS, END_HEADERS, 1, &block)].concat();
        let down =
            [frame(SETTINGS, 0, 0, &[]), frame(HEADERS, END_HEADERS, 1, &literal(":status", "403"))].concat();
        let identity = told(&PROTOCOL, &[(UP, &up), (DOWN, &down)]);
        assert_eq!((identity.targets[0].port, identity.targets[0].answer), (Some(443), Answer::Refused(403)));
    }

    #[test]
    fn a_block_beyond_the_bound_ends_the_reading_with_a_cause() {
        let mut up = [PREFACE, &frame(HEADERS, 0, 1, b"\x82")].concat();
        for _ in 0..5 {
            up.extend(frame(CONTINUATION, 0, 1, &[0x82; 16_000]));
        }
        let (identity, next) = told_last(&PROTOCOL, &[(UP, &up)]);
        assert_eq!((next, identity.causes.has(Cause::ParserLimit)), (Next::Broken, true));
        let huge = [PREFACE, &frame(HEADERS, END_HEADERS, 1, b"\xff\xff\xff\xff\xff\x0f")].concat();
        assert!(told(&PROTOCOL, &[(UP, &huge)]).causes.has(Cause::ParserLimit));
    }

    #[test]
    fn ten_thousand_empty_continuations_and_many_streams_cost_nothing_that_stays() {
        let mut up = [PREFACE, &frame(HEADERS, 0, 1, b"\x82")].concat();
        up.extend(frame(CONTINUATION, 0, 1, &[]).repeat(10_000));
        up.extend(frame(CONTINUATION, END_HEADERS, 1, &literal(":authority", "a.example")));
        for stream in 0..2_000 {
            up.extend(frame(HEADERS, END_HEADERS, stream * 2 + 3, b"\x82\xbe"));
        }
        assert_eq!(names(&[(UP, &up)]), ["a.example"]);
    }

    #[test]
    fn the_preface_and_a_servers_first_settings_are_known() {
        assert_eq!(probe(PREFACE, UP), Guess::Yes);
        assert_eq!(probe(&PREFACE[..23], UP), Guess::Short);
        assert_eq!(probe(&frame(SETTINGS, 0, 0, &[0; 6]), DOWN), Guess::Yes);
        assert_eq!(probe(&frame(SETTINGS, 0, 0, &[0; 7]), DOWN), Guess::No);
        assert_eq!(probe(b"GET / HTTP/1.1", UP), Guess::No);
    }
}
