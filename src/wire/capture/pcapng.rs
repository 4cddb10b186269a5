//! pcapng: blocks of several kinds (draft-ietf-opsawg-pcapng), of which some hold packets.

use super::{
    note::{Note, Piece},
    pcap::{Belief, Header, u16_at, u32_at},
    walker::{Described, Record, Sink, Stamp},
    write::WRITER,
};
use crate::ground::model::{
    coverage::{Blind, Notice},
    limits::{PCAPNG_BLOCK_LEN_MAX, PCAPNG_SKIP_LEN_MAX, RECORD_LEN_MAX, TEXT_LEN_MAX},
    packet::{InterfaceId, LinkType, SensorId},
    time::{SECOND, Timestamp},
};

/// The first four bytes of a section header block, the same in both byte orders.
pub(super) const SECTION_MAGIC: [u8; 4] = [0x0a, 0x0d, 0x0d, 0x0a];
pub(super) const SECTION: u32 = 0x0a0d_0d0a;
pub(super) const INTERFACE: u32 = 1;
const OLD_PACKET: u32 = 2;
const SIMPLE_PACKET: u32 = 3;
const NAMES: u32 = 4;
pub(super) const STATISTICS: u32 = 5;
pub(super) const PACKET: u32 = 6;
const JOURNAL: u32 = 9;
const SECRETS: u32 = 10;
const CUSTOM: u32 = 0xbad;
const CUSTOM_NOT_COPIED: u32 = 0x4000_0bad;
/// Type, length, and the length once more at the end.
const FRAME_LEN: usize = 12;

/// One section: its byte order and its interfaces so far.
#[derive(Clone, Debug, Default)]
pub(super) struct Section {
    is_big: bool,
    interfaces: Vec<Known>,
    /// A recording of ours: its statistics blocks stand where what they tell was noticed.
    is_ours: bool,
}

/// An interface as packets refer to it.
#[derive(Clone, Copy, Debug)]
struct Known {
    id: InterfaceId,
    sensor: SensorId,
    link: LinkType,
    snaplen: u32,
    units: Units,
    /// Drops that statistics blocks have counted so far.
    dropped: u64,
}

/// How an interface counts time (`if_tsresol`, `if_tsoffset`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Units {
    /// `if_tsresol`: a power of ten, or of two when the highest bit is set.
    resolution: u8,
    /// Seconds added to every stamp.
    offset_secs: i64,
}

/// What one step came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// The block is read; the next one is so many bytes on.
    Next(u64),
    /// The block is whole, but what it says cannot be used; the next one is so many bytes on.
    Unusable(u64),
    /// The window must hold so many bytes to go on.
    More(usize),
    /// No block begins here.
    Bad(&'static str),
    /// A classic pcap file begins here.
    Pcap,
}

impl Section {
    /// Reads the block at `index`.
    pub(super) fn step<S: Sink>(&mut self, window: &[u8], index: usize, sink: &mut S) -> Step {
        let Some(rest) = window.get(index..) else { return Step::More(index + FRAME_LEN) };
        let Some(head) = rest.first_chunk::<FRAME_LEN>() else { return Step::More(index + FRAME_LEN) };
        if head.starts_with(&SECTION_MAGIC) {
            return self.begin(rest, index, sink);
        }
        if super::pcap::is_magic(head) {
            if rest.len() < super::pcap::FILE_HEADER_LEN {
                return Step::More(index + super::pcap::FILE_HEADER_LEN);
            }
            if Header::parse(rest).is_some_and(|header| header.is_usual) {
                return Step::Pcap;
            }
        }
        let (Some(kind), Some(len)) = (u32_at(head, 0, self.is_big), u32_at(head, 4, self.is_big)) else {
            return Step::Bad("bad_block");
        };
        let len = len as usize;
        if len < FRAME_LEN {
            return Step::Bad("bad_block");
        }
        // Some writers forget to pad; the next block is aligned all the same.
        let padded = len.next_multiple_of(4);
        if padded > PCAPNG_BLOCK_LEN_MAX {
            return if is_stepped_over(kind) && padded as u64 <= PCAPNG_SKIP_LEN_MAX {
                Step::Next(padded as u64)
            } else {
                Step::Bad("absurd_length")
            };
        }
        let Some(block) = rest.get(..padded) else { return Step::More(index + padded) };
        if u32_at(block, padded - 4, self.is_big) != Some(len as u32) {
            return Step::Bad("bad_block");
        }
        let Some(body) = block.get(8..padded - 4) else { return Step::Bad("bad_block") };
        let body_at = index + 8;
        let is_usable = match kind {
            PACKET => self.packet(body, body_at, sink),
            OLD_PACKET => self.old_packet(body, body_at, sink),
            SIMPLE_PACKET => self.simple_packet(body, body_at, sink),
            INTERFACE => self.interface(body, sink),
            STATISTICS => self.statistics(body, sink),
            _ => Some(()),
        };
        if is_usable.is_some() { Step::Next(padded as u64) } else { Step::Unusable(padded as u64) }
    }

    /// Whether a block begins at `index`: a known kind, the same length at both ends, and a known kind behind it.
    pub(super) fn believes(&self, window: &[u8], index: usize, at_end: bool) -> Belief {
        let more = |wanted: usize| if at_end { Belief::No } else { Belief::More(wanted) };
        let Some(rest) = window.get(index..) else { return more(index + FRAME_LEN) };
        let Some(head) = rest.first_chunk::<FRAME_LEN>() else { return more(index + FRAME_LEN) };
        let is_big = if head.starts_with(&SECTION_MAGIC) {
            let Some(is_big) = byte_order(head) else { return Belief::No };
            is_big
        } else {
            self.is_big
        };
        let Some((kind, len)) = u32_at(head, 0, is_big).zip(u32_at(head, 4, is_big)) else {
            return Belief::No;
        };
        let len = len as usize;
        if !is_known(kind) || !len.is_multiple_of(4) || !(FRAME_LEN..=PCAPNG_BLOCK_LEN_MAX).contains(&len) {
            return Belief::No;
        }
        if kind == PACKET
            && u32_at(head, 8, is_big).is_none_or(|interface| interface as usize >= self.interfaces.len())
        {
            return Belief::No;
        }
        let Some(block) = rest.get(..len) else { return more(index + len) };
        if u32_at(block, len - 4, is_big) != Some(len as u32) {
            return Belief::No;
        }
        match rest.get(len..).and_then(|next| u32_at(next, 0, is_big)) {
            Some(next) if is_known(next) => Belief::Yes,
            Some(_) => Belief::No,
            None if at_end && rest.len() == len => Belief::Yes,
            None => more(index + len + 4),
        }
    }

    /// Section header block: type, length, byte-order magic, version, section length, options.
    fn begin<S: Sink>(&mut self, rest: &[u8], index: usize, sink: &mut S) -> Step {
        let Some(head) = rest.first_chunk::<FRAME_LEN>() else { return Step::More(index + FRAME_LEN) };
        let Some(is_big) = byte_order(head) else { return Step::Bad("bad_block") };
        let Some(len) = u32_at(head, 4, is_big) else { return Step::Bad("bad_block") };
        let len = (len as usize).next_multiple_of(4);
        if len > PCAPNG_BLOCK_LEN_MAX {
            return Step::Bad("absurd_length");
        }
        if len < 28 {
            return Step::Bad("bad_block");
        }
        let Some(block) = rest.get(..len) else { return Step::More(index + len) };
        if u32_at(block, len - 4, is_big) != u32_at(head, 4, is_big) {
            return Step::Bad("bad_block");
        }
        let piece = piece(block.get(24..len - 4).unwrap_or(&[]), is_big);
        if let Some(piece) = piece {
            sink.piece(piece);
        }
        *self = Self { is_big, interfaces: Vec::new(), is_ours: piece.is_some() };
        Step::Next(len as u64)
    }

    /// Interface description: link type, reserved, snaplen, options.
    fn interface<S: Sink>(&mut self, body: &[u8], sink: &mut S) -> Option<()> {
        let link = LinkType(u16_at(body, 0, self.is_big)?);
        let snaplen = u32_at(body, 4, self.is_big)?;
        let mut units = Units { resolution: 6, offset_secs: 0 };
        let mut name = String::new();
        for (code, value) in options(body.get(8..)?, self.is_big) {
            match (code, value) {
                (2, _) => name = text(value),
                (9, [resolution]) => units.resolution = *resolution,
                (14, _) => {
                    if let Some(bytes) = value.first_chunk::<8>() {
                        units.offset_secs =
                            if self.is_big { i64::from_be_bytes(*bytes) } else { i64::from_le_bytes(*bytes) };
                    }
                }
                _ => {}
            }
        }
        let (id, sensor) = sink.interface(Described { name: &name, link, snaplen })?;
        self.interfaces.push(Known { id, sensor, link, snaplen, units, dropped: 0 });
        Some(())
    }

    /// Enhanced packet: interface, stamp high and low, captured length, wire length, bytes, options.
    fn packet<S: Sink>(&self, body: &[u8], body_at: usize, sink: &mut S) -> Option<()> {
        let words: &[u8; 20] = body.first_chunk()?;
        let interface = *self.interfaces.get(u32_at(words, 0, self.is_big)? as usize)?;
        let ticks = self.ticks(words, 4)?;
        let captured = u32_at(words, 12, self.is_big)?;
        let wire = u32_at(words, 16, self.is_big)?;
        let behind = 20 + (captured as usize).next_multiple_of(4);
        if captured as usize > body.len() - 20 {
            return None;
        }
        if let Some(rest) = body.get(behind..).filter(|rest| !rest.is_empty()) {
            for (code, value) in options(rest, self.is_big) {
                // epb_dropcount: packets lost since the one before.
                if let (4, Some(lost)) = (code, u64_at(value, self.is_big)) {
                    sink.lost(interface.id, lost);
                }
            }
        }
        interface.hand_out(ticks, body_at + 20, captured, wire, sink)
    }

    /// The obsolete packet block: interface, drops, stamp, captured length, wire length, bytes, options.
    fn old_packet<S: Sink>(&self, body: &[u8], body_at: usize, sink: &mut S) -> Option<()> {
        let words: &[u8; 20] = body.first_chunk()?;
        let interface = *self.interfaces.get(usize::from(u16_at(words, 0, self.is_big)?))?;
        let lost = u16_at(words, 2, self.is_big)?;
        let ticks = self.ticks(words, 4)?;
        let captured = u32_at(words, 12, self.is_big)?;
        let wire = u32_at(words, 16, self.is_big)?;
        if captured as usize > body.len() - 20 {
            return None;
        }
        if lost != u16::MAX {
            sink.lost(interface.id, u64::from(lost));
        }
        interface.hand_out(ticks, body_at + 20, captured, wire, sink)
    }

    /// Simple packet: wire length and bytes, of the first interface, without a stamp.
    fn simple_packet<S: Sink>(&self, body: &[u8], body_at: usize, sink: &mut S) -> Option<()> {
        let interface = self.interfaces.first()?;
        let wire = u32_at(body, 0, self.is_big)?;
        let room = u32::try_from(body.len() - 4).ok()?;
        let limit = if interface.snaplen == 0 { u32::MAX } else { interface.snaplen };
        let captured = wire.min(limit).min(room);
        if captured as usize > RECORD_LEN_MAX {
            return None;
        }
        sink.packet(Record {
            at: Timestamp::default(),
            stamp: Stamp::Absent,
            offset: body_at + 4,
            captured,
            wire,
            snaplen: interface.snaplen,
            link: interface.link,
            interface: interface.id,
            sensor: interface.sensor,
        });
        Some(())
    }

    /// Interface statistics: interface, stamp, options; the counters run from the start of the capture.
    fn statistics<S: Sink>(&mut self, body: &[u8], sink: &mut S) -> Option<()> {
        let place = u32_at(body, 0, self.is_big)? as usize;
        let at = self.ticks(body, 4)?;
        let is_big = self.is_big;
        let interface = self.interfaces.get_mut(place)?;
        let mut dropped = None;
        let (mut span, mut note) = ([None; 2], None);
        for (code, value) in options(body.get(12..)?, is_big) {
            match code {
                // isb_ifdrop: the card had no room. isb_osdrop: the kernel had none.
                5 | 7 => {
                    if let Some(count) = u64_at(value, is_big) {
                        dropped = Some(dropped.unwrap_or(0_u64).saturating_add(count));
                    }
                }
                1 if self.is_ours => note = note.or_else(|| Note::parse(value)),
                // isb_starttime, isb_endtime: two halves, the higher first.
                2 if self.is_ours => span[0] = halves_at(value, is_big),
                3 if self.is_ours => span[1] = halves_at(value, is_big),
                _ => {}
            }
        }
        if let Some(count) = dropped {
            sink.dropped(interface.id, count);
        }
        if !self.is_ours {
            return Some(());
        }
        let packets = dropped.unwrap_or(0).saturating_sub(interface.dropped);
        if packets > 0 {
            interface.dropped += packets;
            let (at, _) = interface.units.moment(at);
            sink.notice(Notice::Lost { interface: interface.id, at, packets });
        }
        if let (Some(Note::Blind(reason)), [Some(from), Some(to)]) = (note, span) {
            let [from, to] = [from, to].map(|ticks| interface.units.moment(ticks).0);
            sink.notice(Notice::Blind(Blind { interface: interface.id, from, to, reason }));
        }
        Some(())
    }

    /// The two halves of a stamp, the higher first.
    fn ticks(&self, words: &[u8], offset: usize) -> Option<u64> {
        let high = u32_at(words, offset, self.is_big)?;
        let low = u32_at(words, offset + 4, self.is_big)?;
        Some((u64::from(high) << 32) | u64::from(low))
    }
}

impl Known {
    fn hand_out<S: Sink>(
        &self,
        ticks: u64,
        offset: usize,
        captured: u32,
        wire: u32,
        sink: &mut S,
    ) -> Option<()> {
        if captured as usize > RECORD_LEN_MAX {
            return None;
        }
        let (at, stamp) = self.units.moment(ticks);
        sink.packet(Record {
            at,
            stamp,
            offset,
            captured,
            wire,
            snaplen: self.snaplen,
            link: self.link,
            interface: self.id,
            sensor: self.sensor,
        });
        Some(())
    }
}

impl Units {
    /// The moment so many units after the epoch.
    pub(super) fn moment(self, ticks: u64) -> (Timestamp, Stamp) {
        // Nearly every file counts micro- or nanoseconds from the epoch.
        let usual = match self {
            Self { resolution: 6, offset_secs: 0 } => ticks.checked_mul(1_000),
            Self { resolution: 9, offset_secs: 0 } => Some(ticks),
            _ => None,
        };
        if let Some(nanos) = usual.and_then(|nanos| i64::try_from(nanos).ok()) {
            return (Timestamp::from_nanos(nanos), Stamp::Told);
        }
        let ticks = u128::from(ticks);
        let exponent = u32::from(self.resolution & 0x7f);
        // 2^64 × 10^9 is less than 2^94: neither product overflows.
        let nanos = if self.resolution & 0x80 != 0 {
            (ticks * SECOND as u128) >> exponent
        } else if exponent <= 9 {
            ticks * 10_u128.pow(9 - exponent)
        } else {
            10_u128.checked_pow(exponent - 9).map_or(0, |divisor| ticks / divisor)
        };
        let exact = nanos as i128 + i128::from(self.offset_secs) * i128::from(SECOND);
        let clamped = exact.clamp(i128::from(i64::MIN), i128::from(i64::MAX)) as i64;
        let stamp = if i128::from(clamped) == exact && clamped >= 0 { Stamp::Told } else { Stamp::Odd };
        (Timestamp::from_nanos(clamped), stamp)
    }
}

/// The options of a block: code, length, value, padding to four bytes; ends at code 0 or where it makes no sense.
fn options(mut rest: &[u8], is_big: bool) -> impl Iterator<Item = (u16, &[u8])> {
    std::iter::from_fn(move || {
        let code = u16_at(rest, 0, is_big).filter(|code| *code != 0)?;
        let len = usize::from(u16_at(rest, 2, is_big)?);
        let value = rest.get(4..4 + len)?;
        rest = rest.get(4 + len.next_multiple_of(4)..).unwrap_or(&[]);
        Some((code, value))
    })
}

fn u64_at(value: &[u8], is_big: bool) -> Option<u64> {
    let bytes: [u8; 8] = value.try_into().ok()?;
    Some(if is_big { u64::from_be_bytes(bytes) } else { u64::from_le_bytes(bytes) })
}

/// A stamp among options: two halves, the higher first.
fn halves_at(value: &[u8], is_big: bool) -> Option<u64> {
    let (high, low) = u32_at(value, 0, is_big).zip(u32_at(value, 4, is_big))?;
    Some((u64::from(high) << 32) | u64::from(low))
}

/// The piece that a section header says it begins, by the options of one that we wrote.
fn piece(rest: &[u8], is_big: bool) -> Option<Piece> {
    let (mut is_ours, mut piece) = (false, None);
    for (code, value) in options(rest, is_big) {
        match code {
            // opt_comment, shb_userappl
            1 => piece = piece.or_else(|| Piece::parse(value)),
            4 => is_ours = value.starts_with(WRITER.as_bytes()),
            _ => {}
        }
    }
    piece.filter(|_| is_ours)
}

/// Text of a stranger, at most `TEXT_LEN_MAX` bytes of it.
fn text(value: &[u8]) -> String {
    let shown = value.get(..TEXT_LEN_MAX).unwrap_or(value);
    String::from_utf8_lossy(shown).trim_end_matches('\0').to_owned()
}

/// Byte order by the magic behind type and length; `None` when it is neither.
fn byte_order(head: &[u8; FRAME_LEN]) -> Option<bool> {
    match head {
        [.., 0x1a, 0x2b, 0x3c, 0x4d] => Some(true),
        [.., 0x4d, 0x3c, 0x2b, 0x1a] => Some(false),
        _ => None,
    }
}

/// True when the file begins with a section header.
pub(super) fn begins(bytes: &[u8]) -> bool {
    bytes.first_chunk().is_some_and(|head| head.starts_with(&SECTION_MAGIC) && byte_order(head).is_some())
}

const fn is_known(kind: u32) -> bool {
    matches!(
        kind,
        SECTION | INTERFACE | OLD_PACKET | SIMPLE_PACKET | NAMES | STATISTICS | PACKET | JOURNAL | SECRETS
    ) || is_stepped_over(kind)
}

/// Kinds that may be long and hold no packet.
const fn is_stepped_over(kind: u32) -> bool {
    matches!(kind, NAMES | JOURNAL | SECRETS | CUSTOM | CUSTOM_NOT_COPIED)
}
