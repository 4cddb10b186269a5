//! What the fixtures hold, in the form of each target's input.

use std::{collections::BTreeMap, fs, io::Write as _, path::PathBuf};

use sekisho::{
    ground::model::{address::Transport, key::Side},
    wire::{
        capture::{Block, Request, open},
        decode::{Decodings, Inner, decode},
    },
};

use crate::targets::{LINKS, ledger::sheets, part};

/// Bytes of a conversation, and of a capture, that a seed holds: a fuzzer is quick with short ones.
const CONVERSATION_LEN_MAX: usize = 6_000;
const CAPTURE_LEN_MAX: usize = 20_000;
/// Seeds of one target.
const SEEDS_MAX: usize = 120;

/// The seeds of a target, and what broke it once.
pub fn of(name: &str) -> Vec<Vec<u8>> {
    let mut seeds = match name {
        "captures" | "follow" => captures(),
        "certificate" => certificates(),
        "datagrams" => conversations(Transport::UDP),
        "streams" => conversations(Transport::TCP),
        "link" => every_so_many(frames()).into_iter().map(|frame| [vec![0, 0], frame].concat()).collect(),
        "fragments" => fragments(),
        "ledger" => sheets(),
        "lists" => lists(),
        "notes" => vec![notes()],
        "policy" => policies(),
        "quic" => quic(),
        _ => Vec::new(),
    };
    let is_find = |file: &PathBuf| {
        file.file_name().is_some_and(|file| file.to_string_lossy().starts_with(&format!("{name}-")))
    };
    seeds.extend(fixtures("fuzz").into_iter().filter(is_find).map(|file| fs::read(file).unwrap()));
    seeds.sort();
    seeds.dedup();
    seeds
}

fn fixtures(folder: &str) -> Vec<PathBuf> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fixtures").join(folder);
    let mut files: Vec<_> = fs::read_dir(folder).unwrap().map(|file| file.unwrap().path()).collect();
    files.retain(|file| file.is_file());
    files.sort();
    files
}

fn city() -> Vec<PathBuf> {
    let mut files = fixtures("city");
    files.retain(|file| file.extension().is_some_and(|kind| kind == "pcap" || kind == "pcapng"));
    files
}

/// At most [`SEEDS_MAX`], from all over.
fn every_so_many<T>(all: Vec<T>) -> Vec<T> {
    let step = all.len().div_ceil(SEEDS_MAX).max(1);
    all.into_iter().step_by(step).collect()
}

/// Each list as what it looks like, and as a plain one.
fn lists() -> Vec<Vec<u8>> {
    let files = fixtures("lists").into_iter().map(|file| fs::read(file).unwrap());
    files.flat_map(|bytes| [0, 8].map(|format| [vec![format], bytes.clone()].concat())).collect()
}

/// The front of each capture, plain and packed; the first byte is a length of blocks, or of steps.
fn captures() -> Vec<Vec<u8>> {
    let mut seeds = Vec::new();
    for file in city() {
        let mut bytes = fs::read(file).unwrap();
        bytes.truncate(CAPTURE_LEN_MAX);
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        gzip.write_all(&bytes).unwrap();
        let mut lz4 = lz4_flex::frame::FrameEncoder::new(Vec::new());
        lz4.write_all(&bytes).unwrap();
        let packed =
            [gzip.finish().unwrap(), lz4.finish().unwrap(), zstd::encode_all(&bytes[..], 1).unwrap()];
        seeds.extend(packed.into_iter().chain([bytes]).map(|bytes| [vec![20], bytes].concat()));
    }
    seeds
}

/// Frames of the city, all Ethernet.
fn frames() -> Vec<Vec<u8>> {
    let inputs = city().iter().map(|file| file.display().to_string()).collect();
    let (feed, mut baton) = open(&Request { inputs, ..Request::default() }).unwrap();
    let mut frames = Vec::new();
    let mut block = Block::new();
    for ticket in 0.. {
        feed.fill(ticket, &mut block);
        if !baton.walk(&feed, &mut block) {
            break;
        }
        frames.extend(
            block.packets().filter(|(head, _)| head.link == LINKS[0]).map(|(_, bytes)| bytes.to_vec()),
        );
    }
    frames
}

/// Flows of the city: payloads in the order in which they were captured, whole ones only.
fn conversations(transport: Transport) -> Vec<Vec<u8>> {
    let mut flows: BTreeMap<_, Vec<u8>> = BTreeMap::new();
    let mut decodings = Decodings::default();
    for frame in frames() {
        let head = sekisho::ground::model::packet::PacketHead {
            link: LINKS[0],
            wire_len: frame.len() as u32,
            captured_len: frame.len() as u32,
            ..Default::default()
        };
        decode(&frame, &head, &mut decodings);
        let Inner::Flow(packet) = &decodings.inner else { continue };
        let payload = packet.payload(&frame);
        if packet.tuple.transport != transport || payload.is_empty() {
            continue;
        }
        let (source, target) = (packet.tuple.source, packet.tuple.target);
        // Who has the higher port asks: a seed may be wrong about it.
        let asks = source.port >= target.port;
        let (opener, answerer) = if asks { (source, target) } else { (target, source) };
        let side = if asks { Side::Opener } else { Side::Answerer };
        let flow = flows
            .entry((opener, answerer))
            .or_insert_with(|| [opener.port.to_be_bytes(), answerer.port.to_be_bytes()].concat());
        if flow.len() + payload.len() <= CONVERSATION_LEN_MAX {
            flow.extend(part(side, payload));
        }
    }
    // One of each service first, then others.
    let mut kinds: BTreeMap<u16, Vec<Vec<u8>>> = BTreeMap::new();
    for ((_, answerer), flow) in flows {
        kinds.entry(answerer.port).or_default().push(flow);
    }
    kinds.into_values().flat_map(|flows| flows.into_iter().take(6)).take(SEEDS_MAX).collect()
}

/// Certificates stand in plain captures behind their lengths.
fn certificates() -> Vec<Vec<u8>> {
    let mut found = Vec::new();
    for file in city() {
        let bytes = fs::read(file).unwrap();
        for (at, start) in bytes.windows(4).enumerate().filter(|(_, start)| start[..2] == [0x30, 0x82]) {
            let len = 4 + usize::from(u16::from_be_bytes([start[2], start[3]]));
            let der = bytes.get(at..at + len).filter(|der| x509_parser::parse_x509_certificate(der).is_ok());
            found.extend(der.map(<[u8]>::to_vec));
        }
    }
    found
}

/// A frame in pieces of IPv4, out of order and once whole.
fn fragments() -> Vec<Vec<u8>> {
    let long: Vec<_> =
        frames().into_iter().filter(|frame| frame.len() > 200 && frame[12..14] == [8, 0]).collect();
    let in_pieces = |frame: Vec<u8>| {
        let (header, content) = frame.split_at(34);
        let size = (content.len() / 3) & !7;
        let mut pieces: Vec<_> = content
            .chunks(size)
            .enumerate()
            .map(|(number, bytes)| {
                let mut piece = [header, bytes].concat();
                let more = if (number + 1) * size < content.len() { 0x2000 } else { 0 };
                let offset = ((number * size / 8) as u16 | more).to_be_bytes();
                let len = (bytes.len() as u16 + 20).to_be_bytes();
                (piece[16], piece[17], piece[20], piece[21]) = (len[0], len[1], offset[0], offset[1]);
                piece
            })
            .collect();
        pieces.reverse();
        pieces.push(frame);
        let sized = |frame: &Vec<u8>| [&[0, 0][..], &(frame.len() as u16).to_be_bytes(), frame].concat();
        pieces.iter().flat_map(sized).collect()
    };
    every_so_many(long).into_iter().map(in_pieces).collect()
}

fn policies() -> Vec<Vec<u8>> {
    let files = fixtures("policies").into_iter().chain(fixtures("policies/parts"));
    files.map(|file| fs::read(file).unwrap()).collect()
}

/// Packets, counters with every note, and a comment that is nearly one of ours.
fn notes() -> Vec<u8> {
    let sized = |bytes: &[u8]| [&(bytes.len() as u16).to_be_bytes()[..], bytes].concat();
    let packet = [&[0][..], &sized(b"a packet of some bytes")].concat();
    let counters = [0x80, 0x81, 0x82, 0x83, 0x84, 0xbf, 5];
    let comment = [&[0xff][..], &sized(b"sekisho recording 1-2 piece 99999999999999999999999")].concat();
    [&[0x66, 0x77, 1][..], &packet, &counters, &packet, &comment].concat()
}

/// A hello in two CRYPTO frames, later one first, and the server's answer.
fn quic() -> Vec<Vec<u8>> {
    let hello = hello();
    let (one, two) = hello.split_at(hello.len() / 2);
    let crypto = |how: u8, at: usize, bytes: &[u8]| {
        [&[how | 4][..], &(at as u16).to_be_bytes(), &(bytes.len() as u16).to_be_bytes(), bytes].concat()
    };
    let raw = |how: u8, frames: &[u8]| [&[how][..], &(frames.len() as u16).to_be_bytes(), frames].concat();
    let ack = raw(1, &[2, 0, 0, 0, 0, 1, 1, 0, 0]);
    let close = raw(0, &[0x1c, 0, 0, 3, b'b', b'y', b'e']);
    vec![
        [crypto(0, one.len(), two), crypto(0, 0, one), ack.clone()].concat(),
        [crypto(2, 0, &hello), ack, raw(8, &[0x47; 60])].concat(),
        [crypto(16, 0, one), crypto(16, one.len(), two), close].concat(),
    ]
}

/// A ClientHello with a name, ALPN and versions (RFC 8446 section 4.1.2).
fn hello() -> Vec<u8> {
    let sized = |bytes: &[u8]| [&(bytes.len() as u16).to_be_bytes()[..], bytes].concat();
    let extension = |number: u16, body: &[u8]| [&number.to_be_bytes()[..], &sized(body)].concat();
    let name = extension(0, &sized(&[&[0][..], &sized(b"seed.example")].concat()));
    let extensions = [name, extension(16, &sized(b"\x02h3")), extension(43, &[2, 3, 4])].concat();
    let body = [&[3, 3][..], &[0x42; 32], &[0], &sized(&[0x13, 1]), &[1, 0], &sized(&extensions)].concat();
    [&[1][..], &(body.len() as u32).to_be_bytes()[1..], &body].concat()
}
