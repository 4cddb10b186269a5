//! One DNS message (RFC 1035 section 4), walked leniently: what is there is read, whatever the counts promise.
//!
//! mDNS, LLMNR and NetBIOS names share the shape. Work is bounded by the bytes present: names of 255 bytes, pointers
//! only backwards and at most [`limits::DNS_JUMPS_MAX`] of them, [`limits::DNS_RECORDS_MAX`] records.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::ground::model::limits;

/// Length of the header (RFC 1035 section 4.1.1).
pub(super) const HEADER_LEN: usize = 12;
/// Longest name on the wire (RFC 1035 section 2.3.4).
const NAME_WIRE_MAX: usize = 255;

/// Record types that are looked into.
pub(super) const TYPE_A: u16 = 1;
/// RFC 1035 section 3.3.1.
pub(super) const TYPE_CNAME: u16 = 5;
/// NetBIOS general name service (RFC 1002 section 4.2.1.3).
pub(super) const TYPE_NB: u16 = 0x20;
/// NetBIOS node status (RFC 1002 section 4.2.1.3).
pub(super) const TYPE_NBSTAT: u16 = 0x21;
/// RFC 3596.
pub(super) const TYPE_AAAA: u16 = 28;
/// RFC 6672.
pub(super) const TYPE_DNAME: u16 = 39;
/// RFC 9460.
pub(super) const TYPE_SVCB: u16 = 64;
/// RFC 9460.
pub(super) const TYPE_HTTPS: u16 = 65;

/// A name as text: labels joined by dots, nothing else changed but that a dot or backslash *inside* a label is escaped,
/// so that no label can pretend to be two.
pub(super) type NameText = Vec<u8>;

/// One question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Question {
    /// Whom it asks about.
    pub(super) name: NameText,
    /// For what.
    pub(super) kind: u16,
    /// In which class.
    pub(super) class: u16,
}

/// One record.
#[derive(Clone, Debug)]
pub(super) struct Record<'a> {
    /// Its owner.
    pub(super) name: NameText,
    /// Its type.
    pub(super) kind: u16,
    /// Its section: 1 answer, 2 authority, 3 additional.
    pub(super) section: u8,
    /// Where its data begins in the message: names inside may point back.
    pub(super) at: usize,
    /// Its data.
    pub(super) data: &'a [u8],
}

/// What was read of a message.
#[derive(Clone, Debug)]
pub(super) struct Message<'a> {
    /// The whole message.
    pub(super) raw: &'a [u8],
    /// Flags and codes.
    pub(super) flags: u16,
    /// The questions that are there.
    pub(super) questions: Vec<Question>,
    /// The records that are there.
    pub(super) records: Vec<Record<'a>>,
    /// Something in it could not be read, or more was promised than is there.
    pub(super) is_cut: bool,
    /// More records than are read.
    pub(super) is_too_long: bool,
}

impl<'a> Message<'a> {
    /// Reads a message. `None` when there is not even a header and, where one is promised, a first question.
    pub(super) fn new(raw: &'a [u8]) -> Option<Self> {
        let word = |at| be16(raw, at);
        let flags = word(2)?;
        let counts = [word(4)?, word(6)?, word(8)?, word(10)?];
        let mut message = Self {
            raw,
            flags,
            questions: Vec::new(),
            records: Vec::new(),
            is_cut: false,
            is_too_long: false,
        };
        let mut at = HEADER_LEN;
        for number in 0..counts[0] {
            if message.questions.len() >= limits::DNS_RECORDS_MAX {
                message.is_too_long = true;
                return Some(message);
            }
            match message.question(at) {
                Some((question, next)) => {
                    message.questions.push(question);
                    at = next;
                }
                None if number == 0 => return None,
                None => {
                    message.is_cut = true;
                    return Some(message);
                }
            }
        }
        for (section, count) in (1u8..).zip(counts.iter().skip(1)) {
            for _ in 0..*count {
                if message.records.len() >= limits::DNS_RECORDS_MAX {
                    message.is_too_long = true;
                    return Some(message);
                }
                let Some((record, next)) = message.record(at, section) else {
                    message.is_cut = true;
                    return Some(message);
                };
                message.records.push(record);
                at = next;
            }
        }
        Some(message)
    }

    fn question(&self, at: usize) -> Option<(Question, usize)> {
        let (name, at) = name_at(self.raw, at)?;
        let (kind, class) = (be16(self.raw, at)?, be16(self.raw, at + 2)?);
        Some((Question { name, kind, class }, at + 4))
    }

    fn record(&self, at: usize, section: u8) -> Option<(Record<'a>, usize)> {
        let (name, at) = name_at(self.raw, at)?;
        let kind = be16(self.raw, at)?;
        let len = usize::from(be16(self.raw, at + 8)?);
        let at = at + 10;
        let data = self.raw.get(at..at.checked_add(len)?)?;
        Some((Record { name, kind, section, at, data }, at + len))
    }

    /// A response (QR bit).
    pub(super) const fn is_response(&self) -> bool {
        self.flags & 0x8000 != 0
    }

    /// The operation (RFC 6895 section 2.2).
    pub(super) const fn opcode(&self) -> u16 {
        self.flags >> 11 & 15
    }

    /// A name that starts at this offset of the message.
    pub(super) fn name(&self, at: usize) -> Option<NameText> {
        name_at(self.raw, at).map(|(name, _)| name)
    }
}

impl Record<'_> {
    /// The address of an A or AAAA record.
    pub(super) fn addr(&self) -> Option<IpAddr> {
        match self.kind {
            TYPE_A => v4(self.data),
            TYPE_AAAA => v6(self.data),
            _ => None,
        }
    }
}

/// An IPv4 address of exactly these bytes.
pub(super) fn v4(bytes: &[u8]) -> Option<IpAddr> {
    <[u8; 4]>::try_from(bytes).ok().map(|bytes| Ipv4Addr::from(bytes).into())
}

/// An IPv6 address of exactly these bytes.
pub(super) fn v6(bytes: &[u8]) -> Option<IpAddr> {
    <[u8; 16]>::try_from(bytes).ok().map(|bytes| Ipv6Addr::from(bytes).into())
}

/// Two bytes in network order.
pub(super) fn be16(bytes: &[u8], at: usize) -> Option<u16> {
    bytes.get(at..)?.first_chunk().map(|pair| u16::from_be_bytes(*pair))
}

/// The name at an offset, and where the bytes behind it begin.
pub(super) fn name_at(raw: &[u8], start: usize) -> Option<(NameText, usize)> {
    let mut text = Vec::new();
    let (mut at, mut floor, mut after) = (start, start, None);
    let (mut jumps, mut wire_len) = (0, 1);
    loop {
        let len = usize::from(*raw.get(at)?);
        match len >> 6 {
            0 if len == 0 => return Some((text, after.unwrap_or(at + 1))),
            0 => {
                wire_len += len + 1;
                if wire_len > NAME_WIRE_MAX {
                    return None;
                }
                if !text.is_empty() {
                    text.push(b'.');
                }
                for byte in raw.get(at + 1..at + 1 + len)? {
                    if matches!(byte, b'.' | b'\\') {
                        text.push(b'\\');
                    }
                    text.push(*byte);
                }
                at += 1 + len;
            }
            3 => {
                let target = usize::from(be16(raw, at)? & 0x3fff);
                after.get_or_insert(at + 2);
                jumps += 1;
                // Each jump goes before everything read so far: no loop can form (RFC 1035 section 4.1.4: "prior").
                if target >= floor || jumps > limits::DNS_JUMPS_MAX {
                    return None;
                }
                (at, floor) = (target, target);
            }
            // 01 and 10 are reserved or long dead (RFC 6891 section 5).
            _ => return None,
        }
    }
}

/// What first bytes that could be a message say: exact enough to stand alone for UDP, on any port.
pub(super) fn is_plausible(raw: &[u8]) -> bool {
    // Query, inverse query, status, notify, update, stateful operations (RFC 6895 section 2.2, RFC 8490).
    if !raw.get(2).is_some_and(|flags| matches!(flags >> 3 & 15, 0..=2 | 4..=6)) {
        return false;
    }
    let Some(message) = Message::new(raw) else { return false };
    let counts: u32 = (4..HEADER_LEN).step_by(2).filter_map(|at| be16(raw, at)).map(u32::from).sum();
    let is_first_good = match (message.questions.first(), message.records.first()) {
        (Some(question), _) => {
            // IN, CH, HS, NONE, ANY; mDNS sets the top bit (RFC 6762 section 5.4).
            matches!(question.class & 0x7fff, 1 | 3 | 4 | 254 | 255) && question.kind != 0
        }
        (None, Some(_)) => message.is_response(),
        // Refusals and the like may repeat nothing.
        (None, None) => message.is_response() && counts == 0 && raw.len() == HEADER_LEN,
    };
    // What is promised must not be absurd beside what is there: a question takes 5 bytes, a record 11.
    let is_sane = counts as usize <= 8 + raw.len() / 5 || message.is_cut && counts == 1;
    is_first_good && (is_sane || !message.questions.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with_header(counts: [u16; 4], body: &[u8]) -> Vec<u8> {
        let mut raw = vec![0, 1, 0x81, 0x80];
        counts.iter().for_each(|count| raw.extend(count.to_be_bytes()));
        raw.extend(body);
        raw
    }

    #[test]
    fn a_name_that_points_forward_or_at_itself_is_refused() {
        for body in [&b"\xc0\x0c\0\x01\0\x01"[..], b"\xc0\x20\0\x01\0\x01", b"\x01a\xc0\x0c\0\x01\0\x01"] {
            assert!(Message::new(&with_header([1, 0, 0, 0], body)).is_none(), "{body:?}");
        }
        assert_eq!(name_at(b"\x01a\0\x01b\xc0\0", 3), Some((b"b.a".to_vec(), 7)));
    }

    #[test]
    fn twenty_jumps_are_followed_and_one_more_is_not() {
        let chain = |jumps: usize| {
            let mut raw = b"\x01a\0".to_vec();
            let mut last = 0u16;
            for _ in 0..jumps {
                let here = raw.len() as u16;
                raw.extend((0xc000 | last).to_be_bytes());
                last = here;
            }
            name_at(&raw, usize::from(last))
        };
        assert_eq!(chain(limits::DNS_JUMPS_MAX).map(|(name, _)| name), Some(b"a".to_vec()));
        assert_eq!(chain(limits::DNS_JUMPS_MAX + 1), None);
    }

    #[test]
    fn a_name_of_255_bytes_is_read_and_one_of_256_is_not() {
        let name = |labels: &[usize]| {
            let mut raw = Vec::new();
            for len in labels {
                raw.push(*len as u8);
                raw.extend(vec![b'a'; *len]);
            }
            raw.push(0);
            name_at(&raw, 0).map(|(name, _)| name.len())
        };
        assert_eq!(name(&[63, 63, 63, 61]), Some(253));
        assert_eq!(name(&[63, 63, 63, 62]), None);
    }

    #[test]
    fn a_dot_inside_a_label_does_not_make_two_labels() {
        assert_eq!(
            name_at(b"\x03a.b\x07example\0", 0).map(|(name, _)| name),
            Some(b"a\\.b.example".to_vec())
        );
    }

    #[test]
    fn records_are_counted_by_what_is_there_and_not_by_the_header() {
        let body = b"\x01a\0\0\x01\0\x01\xc0\x0c\0\x01\0\x01\0\0\0\0\0\x04\xc0\0\x02\x01";
        let raw = with_header([1, 65_535, 0, 0], body);
        let message = Message::new(&raw).unwrap();
        assert_eq!((message.questions.len(), message.records.len(), message.is_cut), (1, 1, true));
        assert_eq!(message.records[0].addr(), Some("192.0.2.1".parse().unwrap()));
    }

    #[test]
    fn a_message_full_of_pointers_costs_no_more_than_its_bound() {
        let mut body = b"\x01a\0\0\x01\0\x01".to_vec();
        while body.len() < 65_000 {
            body.extend(b"\xc0\x0c\0\x01\0\x01\0\0\0\0\0\0");
        }
        let raw = with_header([1, 65_535, 0, 0], &body);
        let message = Message::new(&raw).unwrap();
        assert!(message.is_too_long && message.records.len() <= limits::DNS_RECORDS_MAX);
    }
}
