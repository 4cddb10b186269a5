//! Helper: the QUIC that Google ran before the standard (versions Q0xx). Its client hello is a table of tags in the clear.
//!
//! Source: "QUIC Wire Layout Specification" and "QUIC Crypto" (Google, 2016); versions Q024 to Q050.

use crate::ground::model::{field::Field, identity::Notes, key::Side};

/// Flags of the public header: version present, and a connection ID of eight bytes.
const FLAG_VERSION: u8 = 0x01;
const FLAG_RESET: u8 = 0x02;
const FLAG_CONNECTION_ID: u8 = 0x08;
/// First byte, connection ID, version.
const PUBLIC_HEADER_LEN: usize = 1 + 8 + 4;
/// Bytes behind the version among which the hello begins: packet number (6), hash (12), private flags, and the header of
/// a STREAM frame (up to 16).
const HELLO_WITHIN: usize = 64;
/// Entries of one hello that are read; real ones have some 30.
const TAGS_MAX: usize = 128;
const HELLO_TAG: &[u8; 4] = b"CHLO";
const NAME_TAG: &[u8; 4] = b"SNI\0";

/// True for `Q` or `T`, `0`, and two digits: the versions Google numbered itself.
pub(super) fn is_version(version: u32) -> bool {
    matches!(version.to_be_bytes(), [b'Q' | b'T', b'0', b'0'..=b'9', b'0'..=b'9'])
}

/// The version of a datagram with the public header that ended with Q043, and what follows it.
pub(super) fn public_header(datagram: &[u8]) -> Option<(u32, &[u8])> {
    let (header, rest) = datagram.split_first_chunk::<PUBLIC_HEADER_LEN>()?;
    let [flags, .., a, b, c, d] = *header;
    let version = u32::from_be_bytes([a, b, c, d]);
    let wanted = FLAG_VERSION | FLAG_CONNECTION_ID;
    let fits =
        flags & 0xc0 == 0 && flags & (wanted | FLAG_RESET) == wanted && a == b'Q' && is_version(version);
    fits.then_some((version, rest))
}

/// Writes down the server name of a hello that starts near the head of `payload`. `None` when there is no hello, else
/// whether it had a name.
pub(super) fn note_hello(payload: &[u8], side: Side, notes: &mut Notes<'_>) -> Option<bool> {
    let head = payload.get(..HELLO_WITHIN).unwrap_or(payload);
    let at = head.windows(HELLO_TAG.len()).position(|tag| tag == HELLO_TAG)?;
    note_message(payload.get(at..)?, side, notes)
}

/// The same for a message that starts with its tag: tag, count (2), padding (2), then tag and end offset of each value.
pub(super) fn note_message(message: &[u8], side: Side, notes: &mut Notes<'_>) -> Option<bool> {
    let rest = message.strip_prefix(HELLO_TAG)?;
    let ([low, high, _, _], rest) = rest.split_first_chunk::<4>()?;
    let count = usize::from(u16::from_le_bytes([*low, *high])).min(TAGS_MAX);
    let (table, values) = rest.split_at_checked(8 * count)?;
    let mut start = 0;
    for entry in table.as_chunks::<8>().0 {
        let [tag @ .., a, b, c, d] = *entry;
        let end = u32::from_le_bytes([a, b, c, d]) as usize;
        if tag == *NAME_TAG {
            let name = values.get(start..end)?;
            notes.name(Field::Sni, name, side);
            return Some(!name.is_empty());
        }
        start = end;
    }
    Some(false)
}

/// What follows an ACK frame 01ntllmm: largest number (ll: 1, 2, 4 or 6 bytes), delay (2), more ranges (1, if n), first
/// range (mm, like ll), a gap (1) and a range each, count of stamps (1), five bytes for the first and three for others.
pub(super) fn skip_ack(kind: u8, bytes: &[u8]) -> Option<&[u8]> {
    let len = |bits: u8| match bits & 0x03 {
        0 => 1,
        1 => 2,
        2 => 4,
        _ => 6,
    };
    let (largest_len, range_len) = (len(kind >> 2), len(kind));
    let mut rest = bytes.get(largest_len + 2..)?;
    let mut ranges = 0;
    if kind & 0x20 != 0 {
        let (more, after) = rest.split_first()?;
        (ranges, rest) = (usize::from(*more), after);
    }
    let (stamps, rest) = rest.get(range_len + ranges * (1 + range_len)..)?.split_first()?;
    let stamps_len = usize::from(*stamps).checked_sub(1).map_or(0, |others| 5 + 3 * others);
    rest.get(stamps_len..)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ground::model::{identity::Identity, packet::Ordinal, time::Timestamp};

    fn hello(tags: &[(&[u8; 4], &[u8])]) -> Vec<u8> {
        let mut bytes = [&b"CHLO"[..], &(tags.len() as u16).to_le_bytes(), &[0, 0]].concat();
        let mut end = 0_u32;
        for (tag, value) in tags {
            end += value.len() as u32;
            bytes.extend([&tag[..], &end.to_le_bytes()].concat());
        }
        bytes.extend(tags.iter().flat_map(|(_, value)| value.to_vec()));
        bytes
    }

    #[test]
    fn the_name_of_the_old_hello_is_read_behind_its_headers() {
        let mut identity = Identity::default();
        let mut notes = Notes::new(&mut identity, Ordinal(1), Timestamp::default());
        let hello = hello(&[(b"PAD\0", &[b'-'; 20]), (b"SNI\0", b"meet.example"), (b"VER\0", b"Q043")]);
        let datagram = [&[0x0d][..], &[7; 8], b"Q043", &[1], &[0; 12], &[0xa0, 1, 4, 0], &hello].concat();
        let (version, payload) = public_header(&datagram).unwrap();
        assert_eq!(version.to_be_bytes(), *b"Q043");
        assert_eq!(note_hello(payload, Side::Opener, &mut notes), Some(true));
        for len in 0..payload.len() {
            note_hello(&payload[..len], Side::Opener, &mut notes);
        }
        assert_eq!(identity.names(Field::Sni).next().unwrap().bytes(), b"meet.example");
    }

    #[test]
    fn acknowledgements_of_every_width_are_stepped_over() {
        assert_eq!(skip_ack(0x40, &[1, 0, 0, 1, 0, 99]), Some(&[99][..]));
        assert_eq!(
            skip_ack(0x65, &[1, 1, 0, 0, 1, 7, 7, 1, 8, 8, 2, 1, 2, 3, 4, 5, 6, 7, 8, 99]),
            Some(&[99][..])
        );
        assert_eq!(skip_ack(0x4f, &[0; 14]), None);
        assert_eq!(skip_ack(0x4f, &[0; 15]), Some(&[][..]));
    }

    #[test]
    fn other_datagrams_are_not_taken_for_it() {
        assert_eq!(public_header(b"\x0d12345678Q0x3...."), None);
        assert_eq!(public_header(b"\x4d12345678Q043...."), None);
        assert_eq!(public_header(b"\x0d12345678Q04"), None);
    }
}
