//! Makes a large mixed capture out of small ones: `cargo bench --bench workload -- OUT MIB INPUT…`
//!
//! A fifth of the bytes are the inputs, played again and again by 24 lanes that take turns in bursts; each time a lane
//! begins anew, the ephemeral ports of TCP and UDP over IPv4 move, checksums are mended by RFC 1624, so the flows are
//! new ones between the same hosts. Four fifths are downloads of 64 KiB to 8 MiB, seven of eight over TLS, 16 at a time: in real
//! networks few flows carry most bytes. Stamps are those of a full 1 Gbit/s line. The same inputs and size give the
//! same bytes.

use std::{
    fs::File,
    io::{BufWriter, Write},
    iter::repeat_with,
};

use sekisho::{
    ground::model::packet::LinkType,
    wire::capture::{self, Block, Request},
};

/// Players of the inputs.
const LANES: usize = 24;
/// Downloads going on at a time.
const DOWNLOADS: usize = 16;
/// A download's share of the bytes: 4 of 5.
const DOWNLOAD_SHARE: (u64, u64) = (4, 5);
/// Payload of a full segment on Ethernet with TCP stamps.
const SEGMENT: usize = 1_448;

fn main() {
    let arguments: Vec<_> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let [path, mebibytes, inputs @ ..] = arguments.as_slice() else {
        // `cargo bench` and `cargo test --benches` start every bench without arguments.
        println!("usage: cargo bench --bench workload -- OUT MIB INPUT…");
        return;
    };
    let target = mebibytes.parse::<u64>().expect("MIB is a number") << 20;
    let frames = read(inputs);
    assert!(!frames.is_empty(), "no Ethernet frames in the inputs");

    let mut out = Out::create(path);
    let mut rounds = 0..;
    let mut lanes: Vec<Lane> = (0..LANES)
        .map(|lane| Lane { next: lane * frames.len() / LANES, round: rounds.next().unwrap_or_default() })
        .collect();
    let mut serials = 0..;
    let mut downloads: Vec<_> =
        repeat_with(|| Download::new(serials.next().unwrap_or_default())).take(DOWNLOADS).collect();
    let mut of_downloads = 0;
    let mut frame = Vec::new();
    for turn in 0_usize.. {
        if out.written >= target {
            break;
        }
        if of_downloads * DOWNLOAD_SHARE.1 < out.written * DOWNLOAD_SHARE.0 {
            let before = out.written;
            let download = &mut downloads[turn % DOWNLOADS];
            for _ in 0..3 {
                if !download.frame(&mut frame) {
                    *download = Download::new(serials.next().unwrap_or_default());
                    break;
                }
                out.put(&frame);
            }
            of_downloads += out.written - before;
        } else {
            let lane = &mut lanes[turn % LANES];
            for _ in 0..4 {
                frame.clear();
                frame.extend_from_slice(&frames[lane.next]);
                move_port(&mut frame, lane.round);
                out.put(&frame);
                lane.next += 1;
                if lane.next == frames.len() {
                    *lane = Lane { next: 0, round: rounds.next().unwrap_or_default() };
                }
            }
        }
    }
    let (packets, written) = out.finish();
    println!(
        "{path}: {written} bytes, {packets} packets of {} bytes on average, {} rounds of {} frames, {} downloads",
        (written - 24) / packets - 16,
        rounds.start,
        frames.len(),
        serials.start,
    );
}

/// The file being written.
struct Out {
    file: BufWriter<File>,
    written: u64,
    packets: u64,
    nanos: u64,
}

impl Out {
    fn create(path: &str) -> Self {
        let mut file = BufWriter::with_capacity(1 << 20, File::create(path).expect("OUT can be written"));
        for word in [0xa1b2_3c4d_u32, 0x0004_0002, 0, 0, 262_144, 1] {
            file.write_all(&word.to_le_bytes()).expect("disk");
        }
        Self { file, written: 24, packets: 0, nanos: 1_778_544_000_000_000_000 }
    }

    fn put(&mut self, frame: &[u8]) {
        let len = frame.len() as u32;
        for word in [(self.nanos / 1_000_000_000) as u32, (self.nanos % 1_000_000_000) as u32, len, len] {
            self.file.write_all(&word.to_le_bytes()).expect("disk");
        }
        self.file.write_all(frame).expect("disk");
        self.written += 16 + u64::from(len);
        self.packets += 1;
        self.nanos += 8 * (u64::from(len) + 24); // preamble, check sequence and gap of Ethernet
    }

    fn finish(mut self) -> (u64, u64) {
        self.file.flush().expect("disk");
        (self.packets, self.written)
    }
}

/// One player of the inputs.
struct Lane {
    next: usize,
    round: u32,
}

/// All whole Ethernet frames of the inputs, in order.
fn read(inputs: &[String]) -> Vec<Vec<u8>> {
    let request = Request { inputs: inputs.to_vec(), ..Request::default() };
    let (feed, mut baton) = capture::open(&request).expect("the inputs can be read");
    let (mut block, mut frames, mut ticket) = (Block::new(), Vec::new(), 0);
    loop {
        feed.fill(ticket, &mut block);
        if !baton.walk(&feed, &mut block) {
            return frames;
        }
        for index in 0..block.len() {
            let head = block.head(index);
            if head.link == LinkType::ETHERNET && head.captured_len == head.wire_len {
                frames.push(block.bytes(index).to_vec());
            }
        }
        ticket += 1;
    }
}

/// A download: handshake, TLS 1.3 hellos and records, data with an acknowledgment for every second segment, end. Every
/// eighth is HTTP in the clear.
struct Download {
    serial: u32,
    step: u32,
    sent: usize,
    size: usize,
    /// Where the next record's head begins.
    records: usize,
    is_over: bool,
}

impl Download {
    fn new(serial: u32) -> Self {
        let drawn = serial.wrapping_mul(2_654_435_761) >> 16;
        // Halves from size to size: as many bytes in few large files as in many small ones.
        let size = (64 << 10) << drawn.trailing_zeros().min(7);
        Self { serial, step: 0, sent: 0, size, records: 0, is_over: false }
    }

    /// Writes the next frame; false at the end.
    fn frame(&mut self, frame: &mut Vec<u8>) -> bool {
        let is_plain = self.serial % 8 == 7;
        let asks: [&[u8]; 2] = if is_plain { [REQUEST, &[]] } else { [&client_hello(), &finished()] };
        let asked = 1 + asks[0].len() as u32 + if self.step > 5 { asks[1].len() as u32 } else { 0 };
        let answered = 1 + self.sent as u32;
        let step = self.step;
        self.step += 1;
        match step {
            0 => self.tcp(frame, true, SYN, 0, 0, &[]),
            1 => self.tcp(frame, false, SYN | ACK, 0, 1, &[]),
            2 => self.tcp(frame, true, ACK, 1, 1, &[]),
            3 => self.tcp(frame, true, PSH | ACK, 1, 1, asks[0]),
            4 => {
                let answer = if is_plain { response(self.size) } else { server_hello() };
                self.tcp(frame, false, PSH | ACK, 1, asked, &answer);
                self.sent += answer.len();
                self.records = if is_plain { usize::MAX / 2 } else { self.sent };
            }
            5 => self.tcp(frame, true, PSH | ACK, asked, answered, asks[1]),
            step if step % 3 == 1 => self.tcp(frame, true, ACK, asked, answered, &[]),
            _ if self.sent < self.size => {
                let data = self.data();
                self.tcp(frame, false, ACK, answered, asked, &data);
                self.sent += data.len();
            }
            _ if !self.is_over => {
                self.tcp(frame, false, FIN | ACK, answered, asked, &[]);
                self.is_over = true;
            }
            _ => return false,
        }
        true
    }

    /// The next segment of application data: records of 16 KiB, their heads where they fall.
    fn data(&mut self) -> Vec<u8> {
        let mut noise = self.serial ^ self.sent as u32 | 1;
        let mut data = Vec::with_capacity(SEGMENT);
        for _ in 0..SEGMENT / 4 {
            noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            data.extend_from_slice(&(noise ^ noise >> 15).to_le_bytes());
        }
        let end = self.sent + SEGMENT;
        for (offset, byte) in [0x17, 3, 3, 0x40, 0].into_iter().enumerate() {
            // A head may lie across two segments: each takes its own bytes of it.
            if let Some(place) =
                (self.records + offset).checked_sub(self.sent).filter(|place| *place < SEGMENT)
            {
                data[place] = byte;
            }
        }
        if self.records + 5 <= end {
            self.records += 5 + 0x4000;
        }
        data
    }

    fn tcp(&self, frame: &mut Vec<u8>, up: bool, flags: u8, seq: u32, ack: u32, payload: &[u8]) {
        let client = (
            [172, 20, (self.serial >> 6) as u8 & 3, 20 + (self.serial & 63) as u8],
            49_152 + (self.serial % 16_000) as u16,
        );
        let server = ([192, 0, 2, 10 + (self.serial % 5) as u8], if self.serial % 8 == 7 { 80 } else { 443 });
        let (source, target) = if up { (client, server) } else { (server, client) };
        let start = 0x0bad_cafe_u32.wrapping_mul(self.serial | 1);
        let starts = if up { [start, !start] } else { [!start, start] };
        frame.clear();
        frame.extend_from_slice(&[2, 0, 0, 0, 0x30, 0xfe, 2, 0, 0, 0, 0x30, 1, 8, 0]);
        if !up {
            frame[..12].rotate_left(6);
        }
        let len = (52 + payload.len()) as u16;
        let id = (seq / 7) as u16 ^ flags as u16;
        frame.extend_from_slice(&[0x45, 0]);
        frame.extend_from_slice(&len.to_be_bytes());
        frame.extend_from_slice(&id.to_be_bytes());
        frame.extend_from_slice(&[0x40, 0, if up { 64 } else { 54 }, 6, 0, 0]);
        frame.extend_from_slice(&source.0);
        frame.extend_from_slice(&target.0);
        let sum = checksum(&frame[14..34], 0);
        frame[24..26].copy_from_slice(&sum.to_be_bytes());
        frame.extend_from_slice(&source.1.to_be_bytes());
        frame.extend_from_slice(&target.1.to_be_bytes());
        frame.extend_from_slice(&starts[0].wrapping_add(seq).to_be_bytes());
        let ack = if flags & ACK == 0 { 0 } else { starts[1].wrapping_add(ack) };
        frame.extend_from_slice(&ack.to_be_bytes());
        frame.extend_from_slice(&[0x80, flags, 0xff, 0xff, 0, 0, 0, 0, 1, 1, 8, 10]);
        frame.extend_from_slice(&self.step.to_be_bytes());
        frame.extend_from_slice(&self.step.to_be_bytes());
        frame.extend_from_slice(payload);
        let sum = checksum(&frame[26..], 6 + u32::from(len) - 20);
        frame[50..52].copy_from_slice(&sum.to_be_bytes());
    }
}

const FIN: u8 = 1;
const SYN: u8 = 2;
const PSH: u8 = 8;
const ACK: u8 = 16;

/// RFC 8446 section 4.1.2, with the extensions that browsers send by number.
fn client_hello() -> Vec<u8> {
    let name = b"files.example";
    let mut extensions = vec![0, 0, 0, name.len() as u8 + 5, 0, name.len() as u8 + 3, 0, 0, name.len() as u8];
    extensions.extend_from_slice(name);
    extensions.extend_from_slice(&[0, 43, 0, 5, 4, 3, 4, 3, 3, 0, 16, 0, 5, 0, 3, 2, b'h', b'2']);
    extensions.extend_from_slice(&[
        0, 10, 0, 4, 0, 2, 0, 29, 0, 13, 0, 4, 0, 2, 8, 4, 0, 51, 0, 38, 0, 36, 0, 29, 0, 32,
    ]);
    extensions.extend_from_slice(&[0x5a; 32]);
    let mut body = vec![3, 3];
    body.extend_from_slice(&[0x31; 32]);
    body.push(32);
    body.extend_from_slice(&[0x32; 32]);
    body.extend_from_slice(&[0, 6, 0x13, 1, 0x13, 2, 0x13, 3, 1, 0]);
    body.extend_from_slice(&(extensions.len() as u16).to_be_bytes());
    body.extend_from_slice(&extensions);
    handshake(1, &body)
}

/// RFC 8446 section 4.1.3.
fn server_hello() -> Vec<u8> {
    let mut body = vec![3, 3];
    body.extend_from_slice(&[0x41; 32]);
    body.push(32);
    body.extend_from_slice(&[0x32; 32]);
    body.extend_from_slice(&[0x13, 1, 0, 0, 46, 0, 43, 0, 2, 3, 4, 0, 51, 0, 36, 0, 29, 0, 32]);
    body.extend_from_slice(&[0x5b; 32]);
    handshake(2, &body)
}

/// What a client says last before it only listens: change of cipher, Finished, a request.
fn finished() -> Vec<u8> {
    let mut bytes = vec![20, 3, 3, 0, 1, 1];
    for len in [53, 230] {
        bytes.extend_from_slice(&[23, 3, 3, 0, len]);
        bytes.extend(std::iter::repeat_n(0x77, usize::from(len)));
    }
    bytes
}

const REQUEST: &[u8] = b"GET /update.cab HTTP/1.1\r\nHost: files.example\r\nAccept: */*\r\n\r\n";

fn response(size: usize) -> Vec<u8> {
    format!("HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\nContent-Length: {size}\r\n\r\n")
        .into_bytes()
}

fn handshake(kind: u8, body: &[u8]) -> Vec<u8> {
    let len = (body.len() as u16).to_be_bytes();
    let record = (body.len() as u16 + 4).to_be_bytes();
    let mut bytes = vec![22, 3, 1, record[0], record[1], kind, 0, len[0], len[1]];
    bytes.extend_from_slice(body);
    bytes
}

/// RFC 1071.
fn checksum(bytes: &[u8], start: u32) -> u16 {
    let words =
        bytes.chunks(2).map(|pair| u32::from(pair[0]) << 8 | pair.get(1).map_or(0, |low| u32::from(*low)));
    let mut sum: u32 = words.sum::<u32>() + start;
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    !(sum as u16)
}

/// Moves the larger port of a plain IPv4 frame when it is an ephemeral one; anything else stays as it is.
fn move_port(frame: &mut [u8], round: u32) {
    let mut at = 12;
    while matches!(frame.get(at..at + 2), Some([0x81, 0x00])) {
        at += 4;
    }
    if frame.get(at..at + 2) != Some(&[8, 0]) || frame.len() < at + 22 || round == 0 {
        return;
    }
    let ip = at + 2;
    let transport = ip + usize::from(frame[ip] & 15) * 4;
    let fragment = u16::from_be_bytes([frame[ip + 6], frame[ip + 7]]) & 0x1fff;
    let sum = match (frame[ip + 9], fragment) {
        (6, 0) => transport + 16,
        (17, 0) => transport + 6,
        _ => return,
    };
    let Some(ports) = frame.get(transport..transport + 4) else { return };
    let ports = [0, 2].map(|at| u16::from_be_bytes([ports[at], ports[at + 1]]));
    let (old, other) = (ports[0].max(ports[1]), ports[0].min(ports[1]));
    // Old systems take their ports from 1024 on: there the larger one is the client's only against a service's.
    let first = match (old, other) {
        (EPHEMERAL.., _) if old != other => EPHEMERAL,
        (WELL_KNOWN_END.., ..WELL_KNOWN_END) => WELL_KNOWN_END,
        _ => return,
    };
    let span =
        u32::from(if first == EPHEMERAL { u16::MAX - EPHEMERAL } else { EPHEMERAL - 1 - WELL_KNOWN_END }) + 1;
    let new = first + ((u32::from(old - first) + round.wrapping_mul(977)) % span) as u16;
    let place = if ports[0] == old { transport } else { transport + 2 };
    frame[place..place + 2].copy_from_slice(&new.to_be_bytes());
    if frame.get(sum..sum + 2).is_some_and(|sum| sum != [0, 0]) {
        mend(frame, sum, old, new);
    }
}

/// Ports below are services'.
const WELL_KNOWN_END: u16 = 1_024;
/// Ports from here on are taken for clients (Linux begins here).
const EPHEMERAL: u16 = 32_768;

/// RFC 1624 section 3, equation 3.
fn mend(frame: &mut [u8], place: usize, old: u16, new: u16) {
    let Some([high, low]) = frame.get(place..place + 2).map(|sum| [sum[0], sum[1]]) else { return };
    let mut sum = u32::from(!u16::from_be_bytes([high, low])) + u32::from(!old) + u32::from(new);
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    frame[place..place + 2].copy_from_slice(&(!(sum as u16)).to_be_bytes());
}
