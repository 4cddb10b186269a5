//! Captures made for tests, and a reader that walks a whole input.

use std::{fs, io::Write, path::Path};

use tempfile::TempDir;

use super::{
    block::Block,
    input::{Request, SensorBinding, open_with},
};
use crate::ground::model::{
    coverage::InputReport,
    limits::BLOCK_LEN,
    packet::{PacketHead, SensorId},
    time::{SECOND, Timestamp},
};

/// The first second of 2026-04-01 in UTC.
pub(super) const START: u32 = 1_774_980_000;

/// The six kinds of classic pcap.
pub(super) const KINDS: [Kind; 6] = [
    Kind { is_big: false, magic: 0xa1b2_c3d4 },
    Kind { is_big: true, magic: 0xa1b2_c3d4 },
    Kind { is_big: false, magic: 0xa1b2_3c4d },
    Kind { is_big: true, magic: 0xa1b2_3c4d },
    Kind { is_big: false, magic: 0xa1b2_cd34 },
    Kind { is_big: true, magic: 0xa1b2_cd34 },
];

#[derive(Clone, Copy, Debug)]
pub(super) struct Kind {
    pub(super) is_big: bool,
    pub(super) magic: u32,
}

impl Kind {
    pub(super) const fn unit(self) -> u32 {
        if self.magic == 0xa1b2_3c4d { 1 } else { 1_000 }
    }
}

/// Writes numbers in one byte order.
#[derive(Clone, Debug)]
pub(super) struct Bytes {
    is_big: bool,
    pub(super) bytes: Vec<u8>,
}

impl Bytes {
    pub(super) fn new(is_big: bool) -> Self {
        Self { is_big, bytes: Vec::new() }
    }

    pub(super) fn u16(&mut self, value: u16) -> &mut Self {
        self.bytes.extend(if self.is_big { value.to_be_bytes() } else { value.to_le_bytes() });
        self
    }

    pub(super) fn u32(&mut self, value: u32) -> &mut Self {
        self.bytes.extend(if self.is_big { value.to_be_bytes() } else { value.to_le_bytes() });
        self
    }

    pub(super) fn u64(&mut self, value: u64) -> &mut Self {
        self.bytes.extend(if self.is_big { value.to_be_bytes() } else { value.to_le_bytes() });
        self
    }

    pub(super) fn raw(&mut self, value: &[u8]) -> &mut Self {
        self.bytes.extend(value);
        self
    }

    pub(super) fn padded(&mut self, value: &[u8]) -> &mut Self {
        self.raw(value);
        self.bytes.resize(self.bytes.len() + value.len().next_multiple_of(4) - value.len(), 0);
        self
    }
}

/// A classic pcap.
#[derive(Clone, Debug)]
pub(super) struct Pcap {
    kind: Kind,
    out: Bytes,
}

impl Pcap {
    pub(super) fn new() -> Self {
        Self::of(KINDS[0], 262_144, 1)
    }

    pub(super) fn of(kind: Kind, snaplen: u32, link: u32) -> Self {
        let mut out = Bytes::new(kind.is_big);
        out.u32(kind.magic).u16(2).u16(4).u32(0).u32(0).u32(snaplen).u32(link);
        Self { kind, out }
    }

    pub(super) fn packet(self, at_nanos: i64, payload: &[u8]) -> Self {
        let len = payload.len() as u32;
        self.record((at_nanos / SECOND) as u32, (at_nanos % SECOND) as u32, len, len, payload)
    }

    /// A packet so many milliseconds after the start.
    pub(super) fn at_ms(self, millis: i64, payload: &[u8]) -> Self {
        self.packet(i64::from(START) * SECOND + millis * 1_000_000, payload)
    }

    pub(super) fn record(mut self, secs: u32, nanos: u32, captured: u32, wire: u32, payload: &[u8]) -> Self {
        self.out.u32(secs).u32(nanos / self.kind.unit()).u32(captured).u32(wire);
        if self.kind.magic == 0xa1b2_cd34 {
            self.out.u32(7).u16(0x0800).raw(&[0, 0]);
        }
        self.out.raw(payload);
        self
    }

    pub(super) fn raw(mut self, bytes: &[u8]) -> Self {
        self.out.raw(bytes);
        self
    }

    pub(super) fn len(&self) -> usize {
        self.out.bytes.len()
    }

    pub(super) fn bytes(self) -> Vec<u8> {
        self.out.bytes
    }
}

/// A pcapng file.
#[derive(Clone, Debug)]
pub(super) struct Pcapng {
    is_big: bool,
    pub(super) out: Vec<u8>,
}

impl Pcapng {
    pub(super) fn new(is_big: bool) -> Self {
        Self { is_big, out: Vec::new() }.section(is_big)
    }

    pub(super) fn section(mut self, is_big: bool) -> Self {
        self.is_big = is_big;
        self.block(0x0a0d_0d0a, |body| {
            body.u32(0x1a2b_3c4d).u16(1).u16(0).u64(u64::MAX);
        })
    }

    pub(super) fn block(mut self, kind: u32, body: impl FnOnce(&mut Bytes)) -> Self {
        let mut inner = Bytes::new(self.is_big);
        body(&mut inner);
        let mut out = Bytes::new(self.is_big);
        let len = 12 + inner.bytes.len().next_multiple_of(4) as u32;
        out.u32(kind).u32(len).padded(&inner.bytes).u32(len);
        self.out.extend(out.bytes);
        self
    }

    pub(super) fn interface(self, link: u16, snaplen: u32, options: &[(u16, &[u8])]) -> Self {
        self.block(1, |body| {
            body.u16(link).u16(0).u32(snaplen);
            write_options(body, options);
        })
    }

    pub(super) fn packet(self, interface: u32, ticks: u64, payload: &[u8]) -> Self {
        let len = payload.len() as u32;
        self.odd_packet(interface, ticks, len, len, payload)
    }

    /// A packet so many milliseconds after the start, in microseconds.
    pub(super) fn at_ms(self, interface: u32, millis: u64, payload: &[u8]) -> Self {
        self.packet(interface, u64::from(START) * 1_000_000 + millis * 1_000, payload)
    }

    pub(super) fn odd_packet(
        self,
        interface: u32,
        ticks: u64,
        captured: u32,
        wire: u32,
        payload: &[u8],
    ) -> Self {
        self.block(6, |body| {
            body.u32(interface).u32((ticks >> 32) as u32).u32(ticks as u32).u32(captured).u32(wire);
            body.padded(payload);
        })
    }

    pub(super) fn statistics(self, interface: u32, options: &[(u16, &[u8])]) -> Self {
        self.block(5, |body| {
            body.u32(interface).u64(0);
            write_options(body, options);
        })
    }

    pub(super) fn raw(mut self, bytes: &[u8]) -> Self {
        self.out.extend(bytes);
        self
    }
}

pub(super) fn write_options(body: &mut Bytes, options: &[(u16, &[u8])]) {
    for (code, value) in options {
        body.u16(*code).u16(value.len() as u16).padded(value);
    }
    if !options.is_empty() {
        body.u16(0).u16(0);
    }
}

/// What a whole input comes to.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Told {
    pub(super) packets: Vec<(PacketHead, Vec<u8>)>,
    /// Number of the packet that each tick comes before, and the clock.
    pub(super) ticks: Vec<(u64, Timestamp)>,
    /// Number of the first packet behind each damaged place.
    pub(super) breaks: Vec<(u64, &'static str)>,
    pub(super) report: InputReport,
}

impl Told {
    /// Takes the next block.
    pub(super) fn take(&mut self, block: &Block) {
        let first = self.packets.len() as u64 + 1;
        self.ticks.extend(block.ticks().iter().map(|tick| (first + u64::from(tick.before), tick.clock)));
        self.breaks.extend(block.breaks().iter().map(|a| (first + u64::from(a.before), a.what)));
        self.packets.extend(block.packets().map(|(head, bytes)| (head, bytes.to_vec())));
        for index in 0..block.len() {
            assert_eq!(block.head(index).ordinal.0, first + index as u64);
        }
    }

    pub(super) fn payloads(&self) -> Vec<&[u8]> {
        self.packets.iter().map(|(_, bytes)| bytes.as_slice()).collect()
    }

    pub(super) fn damage(&self) -> Vec<(u64, &'static str, Option<u64>)> {
        let all = self.report.files.iter().flat_map(|file| &file.damage);
        all.map(|damage| (damage.offset, damage.what, damage.resumed_at)).collect()
    }
}

/// Reads an input in blocks of this length, two blocks filled ahead as workers do.
pub(super) fn read_in_blocks(request: &Request, block_len: usize) -> Told {
    let (feed, mut baton) = open_with(request, block_len).expect("the input opens");
    let mut told = Told::default();
    let mut blocks = [Block::new(), Block::new()];
    feed.fill(0, &mut blocks[0]);
    for ticket in 0..u64::MAX {
        feed.fill(ticket + 1, &mut blocks[(ticket as usize + 1) % 2]);
        let block = &mut blocks[ticket as usize % 2];
        if !baton.walk(&feed, block) {
            assert!(block.is_empty(), "an input that is over hands out nothing");
            break;
        }
        told.take(block);
    }
    told.report = baton.finish();
    assert_eq!(told.report.read.packets, told.packets.len() as u64);
    told
}

pub(super) fn read(request: &Request) -> Told {
    read_in_blocks(request, BLOCK_LEN)
}

/// A folder that goes away with the test.
pub(super) struct Folder(pub(super) TempDir);

impl Folder {
    pub(super) fn new() -> Self {
        Self(TempDir::new().expect("a temporary folder"))
    }

    pub(super) fn path(&self) -> String {
        self.0.path().to_str().expect("a path in UTF-8").to_owned()
    }

    pub(super) fn file(&self, name: &str, bytes: &[u8]) -> String {
        let path = self.0.path().join(name);
        fs::create_dir_all(path.parent().unwrap_or_else(|| Path::new("."))).expect("folders");
        fs::write(&path, bytes).expect("a file is written");
        path.to_str().expect("a path in UTF-8").to_owned()
    }
}

pub(super) fn request(inputs: &[&str]) -> Request {
    Request { inputs: inputs.iter().map(|input| (*input).to_owned()).collect(), ..Request::default() }
}

pub(super) fn sensor(id: u16, pattern: &str) -> SensorBinding {
    SensorBinding { id: SensorId(id), pattern: pattern.to_owned() }
}

/// One file of these bytes, read.
pub(super) fn read_bytes(bytes: &[u8]) -> Told {
    let folder = Folder::new();
    let path = folder.file("one.cap", bytes);
    read(&request(&[&path]))
}

pub(super) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).expect("packing works");
    encoder.finish().expect("packing works")
}

pub(super) fn zstd_of(bytes: &[u8]) -> Vec<u8> {
    zstd::stream::encode_all(bytes, 1).expect("packing works")
}

pub(super) fn lz4(bytes: &[u8]) -> Vec<u8> {
    let info = lz4_flex::frame::FrameInfo::new().block_size(lz4_flex::frame::BlockSize::Max64KB);
    let mut encoder = lz4_flex::frame::FrameEncoder::with_frame_info(info, Vec::new());
    encoder.write_all(bytes).expect("packing works");
    encoder.finish().expect("packing works")
}

/// Packets of many lengths, one every 100 ms, whose bytes do not pack well.
pub(super) fn many(count: i64, from_ms: i64) -> Pcap {
    // Marsaglia's xorshift: the same bytes in every run.
    let mut state = 2_463_534_242_u32;
    let mut random = || {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        state as u8
    };
    (0..count).fold(Pcap::new(), |pcap, n| {
        let payload: Vec<u8> = (0..n * 37 % 1_500).map(|_| random()).collect();
        pcap.at_ms(from_ms + n * 100, &payload)
    })
}
