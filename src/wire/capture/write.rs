//! pcapng written (draft-ietf-opsawg-pcapng): a section, its interfaces, packets in the order handed out, counters.
//!
//! Nothing is opened here: blocks are appended to memory, always whole ones, so that whoever brings the memory to a
//! disk may cut between any two appends and has a valid file. All numbers are little-endian, all stamps nanoseconds.
//!
//! A file that is a piece of a recording says so in a comment of its section header, and what no packet can tell (an
//! interface that was blind, packets that were not recorded) in comments of statistics blocks. Comments, because every
//! reader shows them and no tool stumbles over them; `pcapng` reads them back.

use super::{
    note::{Note, Piece},
    pcapng::{INTERFACE, PACKET, SECTION, STATISTICS},
};
use crate::ground::model::{
    coverage::Interface,
    limits::{RECORD_LEN_MAX, TEXT_LEN_MAX},
    packet::{InterfaceId, PacketHead},
    time::Timestamp,
};

/// Who writes: `shb_userappl`, by which our own files are known again.
pub(super) const WRITER: &str = "sekisho";
/// Type, length, interface, stamp (2), captured length, wire length: what stands in front of a packet's bytes.
const PACKET_HEAD_LEN: usize = 28;

const OPT_COMMENT: u16 = 1;
const SHB_USERAPPL: u16 = 4;
const IF_NAME: u16 = 2;
const IF_TSRESOL: u16 = 9;
const ISB_STARTTIME: u16 = 2;
const ISB_ENDTIME: u16 = 3;
const ISB_IFRECV: u16 = 4;
const ISB_IFDROP: u16 = 5;
const ISB_OSDROP: u16 = 7;

/// One section being written. Interfaces get their numbers in it as they are described.
#[derive(Debug, Default)]
pub struct Section {
    /// By number over the whole input, the number in this section.
    numbers: Vec<Option<u32>>,
    interfaces: u32,
}

/// Counters of one interface since the section began (`isb_*`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Packets seen.
    pub received: u64,
    /// Packets the card had no room for.
    pub card_dropped: u64,
    /// Packets the kernel had no room for, and packets that were seen and not recorded.
    pub kernel_dropped: u64,
}

impl Section {
    /// Appends a section header.
    #[must_use]
    pub fn begin(piece: Option<Piece>, out: &mut Vec<u8>) -> Self {
        block(SECTION, out, |out| {
            words(&[0x1a2b_3c4d, 0x0000_0001], out);
            // The length of the section is not known beforehand.
            out.extend_from_slice(&u64::MAX.to_le_bytes());
            option(SHB_USERAPPL, format!("{WRITER} {}", env!("CARGO_PKG_VERSION")).as_bytes(), out);
            if let Some(piece) = piece {
                option(OPT_COMMENT, piece.to_string().as_bytes(), out);
            }
            option(0, &[], out);
        });
        Self::default()
    }

    /// True when the interface was described in this section.
    #[must_use]
    pub fn knows(&self, id: InterfaceId) -> bool {
        self.number(id).is_some()
    }

    /// Appends the description of an interface; once is enough. One without a name bears that of its file, so that a
    /// recording can still be bound to sensors.
    pub fn interface(&mut self, told: &Interface, out: &mut Vec<u8>) {
        let place = told.id.0 as usize;
        if self.knows(told.id) {
            return;
        }
        if self.numbers.len() <= place {
            self.numbers.resize(place + 1, None);
        }
        if let Some(slot) = self.numbers.get_mut(place) {
            *slot = Some(self.interfaces);
            self.interfaces += 1;
        }
        let of_file = told.file.rsplit('/').next().unwrap_or_default();
        let name = if told.name.is_empty() { of_file } else { &told.name }.as_bytes();
        block(INTERFACE, out, |out| {
            words(&[u32::from(told.link.0), told.snaplen], out);
            if !name.is_empty() {
                option(IF_NAME, name.get(..TEXT_LEN_MAX).unwrap_or(name), out);
            }
            option(IF_TSRESOL, &[9], out);
            option(0, &[], out);
        });
    }

    /// Appends a packet of a described interface; false, and nothing appended, when the interface is not known or the
    /// packet longer than any reader believes.
    ///
    /// A stamp before 1970 has no form in this format and becomes 1970.
    pub fn packet(&self, head: &PacketHead, bytes: &[u8], out: &mut Vec<u8>) -> bool {
        let Some(interface) = self.number(head.interface) else { return false };
        if bytes.len() > RECORD_LEN_MAX {
            return false;
        }
        let padded = bytes.len().next_multiple_of(4);
        let whole = (PACKET_HEAD_LEN + padded + 4) as u32;
        let [high, low] = halves(head.at);
        let captured = bytes.len() as u32;
        let words = [PACKET, whole, interface, high, low, captured, head.wire_len];
        let mut front = [0; PACKET_HEAD_LEN];
        for (slot, word) in front.as_chunks_mut::<4>().0.iter_mut().zip(words) {
            *slot = word.to_le_bytes();
        }
        out.reserve(whole as usize);
        out.extend_from_slice(&front);
        out.extend_from_slice(bytes);
        out.extend_from_slice([0; 3].get(..padded - bytes.len()).unwrap_or(&[]));
        out.extend_from_slice(&whole.to_le_bytes());
        true
    }

    /// Bytes that [`Self::packet`] appends for a packet of so many bytes.
    #[must_use]
    pub const fn packet_len(captured: usize) -> usize {
        PACKET_HEAD_LEN + captured.next_multiple_of(4) + 4
    }

    /// Appends an interface's counters as they stand at `at`, with a note when there is more to say.
    pub fn counters(
        &self,
        id: InterfaceId,
        span: (Timestamp, Timestamp),
        counters: Counters,
        note: Option<&Note>,
        out: &mut Vec<u8>,
    ) {
        let Some(interface) = self.number(id) else { return };
        let [from, to] = [span.0, span.1].map(halves);
        block(STATISTICS, out, |out| {
            words(&[interface, to[0], to[1]], out);
            let stamp = |[high, low]: [u32; 2]| [high.to_le_bytes(), low.to_le_bytes()].concat();
            option(ISB_STARTTIME, &stamp(from), out);
            option(ISB_ENDTIME, &stamp(to), out);
            option(ISB_IFRECV, &counters.received.to_le_bytes(), out);
            option(ISB_IFDROP, &counters.card_dropped.to_le_bytes(), out);
            option(ISB_OSDROP, &counters.kernel_dropped.to_le_bytes(), out);
            if let Some(note) = note {
                option(OPT_COMMENT, note.to_string().as_bytes(), out);
            }
            option(0, &[], out);
        });
    }

    fn number(&self, id: InterfaceId) -> Option<u32> {
        self.numbers.get(id.0 as usize).copied().flatten()
    }
}

/// Appends type, length, body and length.
fn block(kind: u32, out: &mut Vec<u8>, body: impl FnOnce(&mut Vec<u8>)) {
    let from = out.len();
    words(&[kind, 0], out);
    body(out);
    let len = ((out.len() - from) as u32 + 4).to_le_bytes();
    if let Some(field) = out.get_mut(from + 4..from + 8) {
        field.copy_from_slice(&len);
    }
    out.extend_from_slice(&len);
}

fn words(words: &[u32], out: &mut Vec<u8>) {
    words.iter().for_each(|word| out.extend_from_slice(&word.to_le_bytes()));
}

/// Appends an option, padded to four bytes.
fn option(code: u16, value: &[u8], out: &mut Vec<u8>) {
    let value = value.get(..usize::from(u16::MAX)).unwrap_or(value);
    out.extend_from_slice(&code.to_le_bytes());
    out.extend_from_slice(&(value.len() as u16).to_le_bytes());
    out.extend_from_slice(value);
    out.extend_from_slice([0; 3].get(..value.len().next_multiple_of(4) - value.len()).unwrap_or(&[]));
}

/// Nanoseconds since 1970, the higher half first.
fn halves(at: Timestamp) -> [u32; 2] {
    let nanos = u64::try_from(at.nanos()).unwrap_or(0);
    [(nanos >> 32) as u32, nanos as u32]
}
