//! One datagram on its way: the parts that came, what is known of the rest, and the whole.

use std::{collections::BTreeMap, sync::Arc};

use crate::ground::model::{
    decoded::{Decoded, PacketMarks, PayloadHome},
    limits::FRAGMENT_PIECES_MAX,
};

use super::{
    Decodings, Inner,
    fragment::Piece,
    link::Layer,
    walk::{Origin, walk},
};

/// The pieces of a datagram that is not complete. No two parts overlap.
#[derive(Debug, Default)]
pub(super) struct Parts {
    parts: BTreeMap<u32, Part>,
    /// The headers of the first piece; the other pieces' headers are not used (RFC 8200 section 4.5).
    header: Option<Box<[u8]>>,
    is_v4: bool,
    /// Length of the whole payload, once the last piece has come.
    total: Option<u32>,
    /// Bytes of the payload that have come.
    covered: u32,
    marks: PacketMarks,
    /// The last frame that came.
    last: Decoded,
    frames: u32,
    wire_bytes: u64,
    captured_bytes: u64,
    carriers: Vec<Decoded>,
    /// Bytes held beside the struct itself.
    cost: usize,
}

/// Bytes of the payload that came in one piece.
#[derive(Debug)]
struct Part {
    wire_len: u32,
    /// Fewer than `wire_len` when the snaplen cut the piece.
    bytes: Box<[u8]>,
}

/// What a part costs beside its bytes: its place in the map and in the allocator, about.
const PART_COST: usize = 64;

impl Parts {
    /// Counts the frame and keeps what is new in it.
    pub(super) fn add(&mut self, mut piece: Piece) {
        let arrival = &piece.arrival;
        self.frames = self.frames.saturating_add(1).saturating_add(arrival.fragments);
        self.wire_bytes += u64::from(arrival.head.wire_len) + arrival.fragments_wire_bytes;
        self.captured_bytes += u64::from(arrival.head.captured_len) + arrival.fragments_captured_bytes;
        self.is_v4 = arrival.tuple.source.addr.is_ipv4();
        if arrival.marks.has(PacketMarks::FRAG_OVERLAP) {
            self.marks.add(PacketMarks::FRAG_OVERLAP);
        }
        self.cost += piece.carriers.len() * size_of::<Decoded>();
        self.carriers.append(&mut piece.carriers);
        if self.agrees_on_the_end(&piece) {
            self.keep(&piece);
        } else {
            self.marks.add(PacketMarks::FRAG_OVERLAP);
        }
        self.last = piece.arrival;
    }

    /// True unless this piece and an earlier one say different things about where the datagram ends.
    fn agrees_on_the_end(&mut self, piece: &Piece) -> bool {
        let end = piece.offset + piece.wire_len;
        match self.total {
            Some(total) => end == total || piece.more && end < total,
            None if piece.more => true,
            None => {
                let last = self.parts.last_key_value().map_or(0, |(at, part)| at + part.wire_len);
                if last <= end {
                    self.total = Some(end);
                }
                last <= end
            }
        }
    }

    /// Keeps the bytes of a piece that have not come yet.
    fn keep(&mut self, piece: &Piece) {
        let (start, end, content) = (piece.offset, piece.offset + piece.wire_len, piece.content());
        if start == 0 && self.header.is_none() {
            self.cost += piece.header().len();
            self.header = Some(piece.header().into());
        }
        let known = self.parts.get(&start);
        if known.is_some_and(|known| known.wire_len == piece.wire_len && *known.bytes == *content) {
            return;
        }
        let before = self.parts.range(..start).next_back().map(|(at, part)| (*at, at + part.wire_len));
        let overlaps = before.is_some_and(|(_, before_end)| before_end > start)
            || self.parts.range(start..).next().is_some_and(|(at, _)| *at < end);
        if !overlaps {
            return self.insert(start, piece.wire_len, content);
        }
        // The work below grows with the bytes of the piece. One that was cut claims bytes it does not bring: the first
        // is a conflict, since nothing can be compared, and the others are not looked at.
        let is_cut = content.len() < piece.wire_len as usize;
        if is_cut && self.marks.has(PacketMarks::FRAG_OVERLAP) {
            return;
        }
        // RFC 5722: in IPv6 any overlap voids the datagram.
        let mut conflict = is_cut || !self.is_v4;
        let from = before.map_or(start, |(at, _)| at);
        let mut holes = Vec::new();
        let mut at = start;
        for (known_at, known) in self.parts.range(from..end) {
            let known_end = known_at + known.wire_len;
            if known_end <= start {
                continue;
            }
            if *known_at > at {
                holes.push((at, *known_at));
            }
            let (low, high) = (start.max(*known_at), end.min(known_end));
            conflict |= slice(content, low - start, high - start)
                .is_none_or(|bytes| slice(&known.bytes, low - known_at, high - known_at) != Some(bytes));
            at = at.max(known_end);
        }
        if at < end {
            holes.push((at, end));
        }
        for (low, high) in holes {
            let from = content.len().min((low - start) as usize);
            let to = content.len().min((high - start) as usize);
            self.insert(low, high - low, content.get(from..to).unwrap_or(&[]));
        }
        if conflict {
            self.marks.add(PacketMarks::FRAG_OVERLAP);
        }
    }

    /// Beyond the bound on pieces nothing is kept: the datagram stays incomplete.
    fn insert(&mut self, at: u32, wire_len: u32, bytes: &[u8]) {
        if wire_len == 0 || self.parts.len() >= FRAGMENT_PIECES_MAX {
            return;
        }
        self.covered += wire_len;
        self.cost += PART_COST + bytes.len();
        self.parts.insert(at, Part { wire_len, bytes: bytes.into() });
    }

    /// Bytes held beside the struct itself.
    pub(super) const fn cost(&self) -> usize {
        self.cost
    }

    /// The datagram, once every byte of it has come (or was seen to come, where the snaplen cut it).
    pub(super) fn whole(&self) -> Option<Whole> {
        let header = self.header.as_deref()?;
        let total = self.total.filter(|total| *total == self.covered)?;
        let mut bytes = Vec::with_capacity(header.len() + total as usize);
        bytes.extend_from_slice(header);
        for part in self.parts.values() {
            bytes.extend_from_slice(&part.bytes);
            if part.bytes.len() < part.wire_len as usize {
                break;
            }
        }
        let wire_end = header.len() + total as usize;
        let (field, len) = if self.is_v4 { (2..4, wire_end) } else { (4..6, wire_end - 40) };
        bytes.get_mut(field)?.copy_from_slice(&u16::try_from(len).ok()?.to_be_bytes());
        let mut marks = self.marks;
        marks.add(PacketMarks::FROM_FRAGMENTS);
        let first_end = header.len() + self.parts.get(&0).map_or(0, |part| part.wire_len as usize);
        Some(Whole {
            bytes: bytes.into(),
            header_len: header.len(),
            wire_end,
            first_end,
            is_v4: self.is_v4,
            marks,
        })
    }

    /// The last frame, standing for all of them, and the outer layers that belong to them.
    pub(super) fn into_arrival(self) -> (Decoded, Vec<Decoded>) {
        let mut arrival = self.last;
        arrival.fragments = self.frames.saturating_sub(1);
        arrival.fragments_wire_bytes = self.wire_bytes - u64::from(arrival.head.wire_len);
        arrival.fragments_captured_bytes = self.captured_bytes - u64::from(arrival.head.captured_len);
        arrival.marks.add(self.marks);
        (arrival, self.carriers)
    }
}

fn slice(bytes: &[u8], from: u32, to: u32) -> Option<&[u8]> {
    bytes.get(from as usize..to as usize)
}

/// A datagram in one piece, from its IP header on.
#[derive(Clone, Debug)]
pub(super) struct Whole {
    bytes: Arc<[u8]>,
    header_len: usize,
    wire_end: usize,
    /// Where the first piece ended.
    first_end: usize,
    is_v4: bool,
    marks: PacketMarks,
}

impl Whole {
    /// Bytes held.
    pub(super) fn cost(&self) -> usize {
        self.bytes.len()
    }

    /// True when the piece says nothing that the datagram does not say already: its frame was captured twice.
    pub(super) fn holds(&self, piece: &Piece) -> bool {
        let start = self.header_len + piece.offset as usize;
        let end = start + piece.wire_len as usize;
        let content = piece.content();
        piece.more == (end < self.wire_end)
            && end <= self.wire_end
            && self.bytes.get(start..start + content.len()) == Some(content)
    }

    /// Walks on into the datagram, which takes the place of the frame that `arrival` tells of. Gives back what is
    /// itself a piece.
    pub(super) fn decode(
        &self,
        arrival: Decoded,
        mut carriers: Vec<Decoded>,
        out: &mut Vec<Decodings>,
    ) -> Option<Box<Piece>> {
        let origin = Origin {
            head: arrival.head,
            bytes: &self.bytes,
            home: PayloadHome::Datagram(Arc::clone(&self.bytes)),
            wire_end: self.wire_end,
            link: arrival.link,
            encap: arrival.encap,
            marks: self.marks,
            fragments: arrival.fragments,
            fragments_wire_bytes: arrival.fragments_wire_bytes,
            fragments_captured_bytes: arrival.fragments_captured_bytes,
        };
        let mut decodings = Decodings { trail: arrival.outers.layers().to_vec(), ..Decodings::default() };
        walk(&origin, if self.is_v4 { Layer::Ipv4 } else { Layer::Ipv6 }, 0, &mut decodings);
        carriers.append(&mut decodings.carriers);
        match &mut decodings.inner {
            Inner::Fragment(_) => {
                let Inner::Fragment(mut piece) = decodings.inner else { return None };
                piece.carriers = carriers;
                return Some(piece);
            }
            Inner::Flow(decoded) => {
                // RFC 1858, RFC 7112: what filters on the way could not judge by its ports.
                let outermost = carriers.first().unwrap_or(decoded);
                if outermost.payload_at as usize > self.first_end {
                    decoded.marks.add(PacketMarks::FRAG_TINY);
                }
            }
            // The header was read before. Should it not be readable now, its frames are counted all the same.
            Inner::NoFlow(..) => decodings.inner = Inner::Flow(arrival),
        }
        decodings.carriers = carriers;
        out.push(decodings);
        None
    }
}
