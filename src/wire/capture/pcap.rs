//! Classic pcap: a 24-byte file header and records behind it (draft-ietf-opsawg-pcap, section 4 and 5).

use super::walker::{Record, Sink, Stamp};
use crate::ground::model::{
    limits::RECORD_LEN_MAX,
    packet::{InterfaceId, LinkType, SensorId},
    time::{SECOND, Timestamp},
};

/// Bytes of a file header.
pub(super) const FILE_HEADER_LEN: usize = 24;
/// Headers that must be believable one after the other before reading goes on after damage.
const CHAIN: usize = 3;
/// A stamp may lie so far before the last good one, and so far behind it, to be believed after damage.
const BACK_SECS: i64 = 86_400;
const AHEAD_SECS: i64 = 10 * 366 * 86_400;

/// What a file header says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Header {
    /// Numbers are written with the highest byte first.
    pub(super) is_big: bool,
    /// Nanoseconds in one unit of the stamp's fraction: 1 or 1,000.
    pub(super) unit: i64,
    /// Bytes of a record header: 16, or 24 in the "modified" format.
    pub(super) record_header_len: usize,
    /// Longest packet; 0 when unlimited.
    pub(super) snaplen: u32,
    /// Framing.
    pub(super) link: LinkType,
    /// Before version 2.4 some writers stored the two lengths the other way round.
    is_old: bool,
    /// Everything but the magic looks as writers write it: asked only of headers in the middle of a file.
    pub(super) is_usual: bool,
}

/// Reading state: the header, and which interface its records belong to.
#[derive(Clone, Debug)]
pub(super) struct Pcap {
    header: Header,
    interface: InterfaceId,
    sensor: SensorId,
    last_secs: Option<u32>,
}

/// Why records are no longer walked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Halt {
    /// The border is reached.
    Border,
    /// The window must hold so many bytes to go on.
    More(usize),
    /// The record at the index claims a length that nobody writes.
    Absurd,
    /// At the index stands another file's header.
    Header,
}

/// What is thought of a place after damage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Belief {
    Yes,
    No,
    /// The window must hold so many bytes to tell.
    More(usize),
}

impl Header {
    /// Reads the header at the start of `bytes`; `None` when the magic is none of the six or bytes are missing.
    pub(super) fn parse(bytes: &[u8]) -> Option<Self> {
        let (magic, rest) = bytes.get(..FILE_HEADER_LEN)?.split_first_chunk::<4>()?;
        let (is_big, unit, record_header_len) = match magic {
            [0xa1, 0xb2, 0xc3, 0xd4] => (true, 1_000, 16),
            [0xd4, 0xc3, 0xb2, 0xa1] => (false, 1_000, 16),
            [0xa1, 0xb2, 0x3c, 0x4d] => (true, 1, 16),
            [0x4d, 0x3c, 0xb2, 0xa1] => (false, 1, 16),
            [0xa1, 0xb2, 0xcd, 0x34] => (true, 1_000, 24),
            [0x34, 0xcd, 0xb2, 0xa1] => (false, 1_000, 24),
            _ => return None,
        };
        let (versions, rest) = rest.split_first_chunk::<4>()?;
        let [major, minor] = match (is_big, versions) {
            (true, [a, b, c, d]) => [u16::from_be_bytes([*a, *b]), u16::from_be_bytes([*c, *d])],
            (false, [a, b, c, d]) => [u16::from_le_bytes([*a, *b]), u16::from_le_bytes([*c, *d])],
        };
        let zone = u32_at(rest, 0, is_big)?;
        let accuracy = u32_at(rest, 4, is_big)?;
        let snaplen = u32_at(rest, 8, is_big)?;
        // The upper bits tell the length of a frame check sequence.
        let link = u32_at(rest, 12, is_big)? & 0x03ff_ffff;
        Some(Self {
            is_big,
            unit,
            record_header_len,
            snaplen,
            link: LinkType(u16::try_from(link).unwrap_or(u16::MAX)),
            is_old: major == 2 && minor < 4,
            is_usual: major == 2 && minor <= 4 && zone == 0 && accuracy == 0 && link <= 0xffff,
        })
    }

    /// True when these four bytes begin a pcap or pcapng file: cheap enough to ask of every record.
    pub(super) const fn may_begin(first: [u8; 4]) -> bool {
        matches!(first, [0xa1, 0xb2, ..] | [_, _, 0xb2, 0xa1] | [0x0a, 0x0d, 0x0d, 0x0a])
    }
}

/// The header of one record.
struct RecordHeader {
    secs: u32,
    fraction: u32,
    captured: u32,
    wire: u32,
}

impl Pcap {
    pub(super) const fn new(header: Header, interface: InterfaceId, sensor: SensorId) -> Self {
        Self { header, interface, sensor, last_secs: None }
    }

    /// Hands out the records from `index` on that begin before `border`; tells where it stopped, and why.
    pub(super) fn walk<S: Sink>(
        &mut self,
        window: &[u8],
        mut index: usize,
        border: usize,
        sink: &mut S,
    ) -> (usize, Halt) {
        let header_len = self.header.record_header_len;
        while index < border {
            let Some(head) = window.get(index..index + header_len) else {
                return (index, Halt::More(index + header_len));
            };
            let Some(first) = head.first_chunk::<4>() else { return (index, Halt::Absurd) };
            if Header::may_begin(*first)
                && let Some(halt) = begins_file(window, index)
            {
                return (index, halt);
            }
            let Some(mut record) = self.record(head) else { return (index, Halt::Absurd) };
            if self.header.is_old && record.captured > record.wire {
                (record.captured, record.wire) = (record.wire, record.captured);
            }
            if record.captured as usize > RECORD_LEN_MAX {
                return (index, Halt::Absurd);
            }
            let start = index + header_len;
            let end = start + record.captured as usize;
            if end > window.len() {
                return (index, Halt::More(end));
            }
            self.last_secs = Some(record.secs);
            sink.packet(Record {
                at: self.moment(&record),
                stamp: if record.fraction < self.fractions() { Stamp::Told } else { Stamp::Odd },
                offset: start,
                captured: record.captured,
                wire: record.wire,
                snaplen: self.header.snaplen,
                link: self.header.link,
                interface: self.interface,
                sensor: self.sensor,
            });
            index = end;
        }
        (index, Halt::Border)
    }

    /// Whether records begin at `index`: three believable headers in a row, or fewer that end exactly at the end.
    pub(super) fn believes(&self, window: &[u8], mut index: usize, at_end: bool) -> Belief {
        for link in 0..CHAIN {
            if at_end && index == window.len() && link > 0 {
                return Belief::Yes;
            }
            let wanted = index + self.header.record_header_len;
            let Some(head) = window.get(index..wanted) else {
                return if at_end { Belief::No } else { Belief::More(wanted) };
            };
            let Some(record) = self.record(head).filter(|record| self.is_usual(record)) else {
                return Belief::No;
            };
            index = wanted + record.captured as usize;
        }
        match (index > window.len(), at_end) {
            (false, _) => Belief::Yes,
            (true, true) => Belief::No,
            (true, false) => Belief::More(index),
        }
    }

    /// True when the header is one that a writer of this very file would write next.
    fn is_usual(&self, record: &RecordHeader) -> bool {
        let longest = match self.header.snaplen as usize {
            0 => RECORD_LEN_MAX,
            snaplen => snaplen.min(RECORD_LEN_MAX),
        };
        let secs = i64::from(record.secs);
        let is_near = self.last_secs.is_none_or(|last| {
            let last = i64::from(last);
            (last - BACK_SECS..=last + AHEAD_SECS).contains(&secs)
        });
        is_near
            && record.fraction < self.fractions()
            && record.captured > 0
            && record.captured as usize <= longest
            && record.captured <= record.wire
            && record.wire as usize <= RECORD_LEN_MAX
    }

    fn record(&self, head: &[u8]) -> Option<RecordHeader> {
        let words: &[u8; 16] = head.first_chunk()?;
        let [a0, a1, a2, a3, b0, b1, b2, b3, c0, c1, c2, c3, d0, d1, d2, d3] = *words;
        let read = if self.header.is_big { u32::from_be_bytes } else { u32::from_le_bytes };
        Some(RecordHeader {
            secs: read([a0, a1, a2, a3]),
            fraction: read([b0, b1, b2, b3]),
            captured: read([c0, c1, c2, c3]),
            wire: read([d0, d1, d2, d3]),
        })
    }

    /// Units of the fraction in one second.
    const fn fractions(&self) -> u32 {
        if self.header.unit == 1 { 1_000_000_000 } else { 1_000_000 }
    }

    /// Seconds are unsigned: the format reaches from 1970 to 2106 and always fits.
    fn moment(&self, record: &RecordHeader) -> Timestamp {
        Timestamp::from_nanos(i64::from(record.secs) * SECOND + i64::from(record.fraction) * self.header.unit)
    }
}

/// Whether a whole file's header, and not a record, stands at `index`.
fn begins_file(window: &[u8], index: usize) -> Option<Halt> {
    let rest = window.get(index..)?;
    if rest.first() == Some(&0x0a) {
        // Section header block: type, length, byte-order magic (draft-ietf-opsawg-pcapng section 4.1).
        return match rest.get(8..12) {
            Some([0x1a, 0x2b, 0x3c, 0x4d] | [0x4d, 0x3c, 0x2b, 0x1a]) => Some(Halt::Header),
            Some(_) => None,
            None => Some(Halt::More(index + 12)),
        };
    }
    if !is_magic(rest) {
        return None;
    }
    if rest.len() < FILE_HEADER_LEN {
        return Some(Halt::More(index + FILE_HEADER_LEN));
    }
    Header::parse(rest).filter(|header| header.is_usual).map(|_| Halt::Header)
}

/// True when the bytes begin with one of the six magics.
pub(super) const fn is_magic(bytes: &[u8]) -> bool {
    matches!(
        bytes,
        [0xa1, 0xb2, 0xc3, 0xd4, ..]
            | [0xd4, 0xc3, 0xb2, 0xa1, ..]
            | [0xa1, 0xb2, 0x3c, 0x4d, ..]
            | [0x4d, 0x3c, 0xb2, 0xa1, ..]
            | [0xa1, 0xb2, 0xcd, 0x34, ..]
            | [0x34, 0xcd, 0xb2, 0xa1, ..]
    )
}

/// The 32-bit number at `offset`.
pub(super) fn u32_at(bytes: &[u8], offset: usize, is_big: bool) -> Option<u32> {
    let word: [u8; 4] = *bytes.get(offset..)?.first_chunk()?;
    Some(if is_big { u32::from_be_bytes(word) } else { u32::from_le_bytes(word) })
}

/// The 16-bit number at `offset`.
pub(super) fn u16_at(bytes: &[u8], offset: usize, is_big: bool) -> Option<u16> {
    let word: [u8; 2] = *bytes.get(offset..)?.first_chunk()?;
    Some(if is_big { u16::from_be_bytes(word) } else { u16::from_le_bytes(word) })
}
