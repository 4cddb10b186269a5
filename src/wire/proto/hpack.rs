//! Header blocks of HTTP/2 (HPACK, RFC 7541).
//!
//! The table and its rules are the library's. Its Huffman decoder builds a table of 257 hash entries for each string,
//! which lets one block of two-byte strings cost half a second; so strings are put in plain form here first, in time
//! linear in their bits.

use loona_hpack::Decoder;

use crate::ground::model::limits;

/// Why a block could not be read: the two ends no longer agree on the table, or never did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct BadBlock;

/// The state of one direction.
pub(super) struct Hpack {
    decoder: Decoder<'static>,
}

impl Default for Hpack {
    fn default() -> Self {
        let mut decoder = Decoder::new();
        decoder.set_max_allowed_table_size(limits::HPACK_TABLE_MAX);
        Self { decoder }
    }
}

impl Hpack {
    /// Reads one whole block, giving each field to `take`.
    ///
    /// # Errors
    /// When the block is not well formed. The table is then out of step for good.
    pub(super) fn read(&mut self, block: &[u8], mut take: impl FnMut(&[u8], &[u8])) -> Result<(), BadBlock> {
        let plain = plain(block).ok_or(BadBlock)?;
        self.decoder.decode_with_cb(&plain, |name, value| take(&name, &value)).map_err(|_| BadBlock)
    }
}

/// The same block with every string in plain form (RFC 7541 sections 5.2 and 6).
fn plain(block: &[u8]) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(block.len() * 2);
    let mut rest = block;
    while let Some(first) = rest.first() {
        let (prefix, strings_if_new, strings) = match first {
            0x80.. => (7, 0, 0),      // indexed
            0x40..=0x7f => (6, 2, 1), // literal, kept in the table
            0x20..=0x3f => (5, 0, 0), // size of the table
            _ => (4, 2, 1),           // literal, not kept
        };
        let (index, len) = integer(rest, prefix)?;
        out.extend_from_slice(rest.get(..len)?);
        rest = rest.get(len..)?;
        for _ in 0..if index == 0 { strings_if_new } else { strings } {
            let is_huffman = rest.first()? & 0x80 != 0;
            let (text_len, len) = integer(rest, 7)?;
            let text = rest.get(len..len.checked_add(text_len)?)?;
            rest = rest.get(len + text_len..)?;
            if is_huffman {
                let text = huffman(text)?;
                put_len(&mut out, text.len());
                out.extend_from_slice(&text);
            } else {
                put_len(&mut out, text_len);
                out.extend_from_slice(text);
            }
        }
    }
    Some(out)
}

/// An integer with a prefix of so many bits, and how many bytes it took (section 5.1). Five bytes at most.
fn integer(raw: &[u8], prefix: u32) -> Option<(usize, usize)> {
    let mask = (1usize << prefix) - 1;
    let mut value = usize::from(*raw.first()?) & mask;
    if value < mask {
        return Some((value, 1));
    }
    for (place, byte) in raw.iter().enumerate().skip(1).take(4) {
        value += usize::from(byte & 0x7f) << (7 * (place - 1));
        if byte & 0x80 == 0 {
            return Some((value, place + 1));
        }
    }
    None
}

/// The length of a plain string.
fn put_len(out: &mut Vec<u8>, len: usize) {
    if len < 0x7f {
        out.push(len as u8);
        return;
    }
    out.push(0x7f);
    let mut left = len - 0x7f;
    while left > 0x7f {
        out.push(left as u8 & 0x7f | 0x80);
        left >>= 7;
    }
    out.push(left as u8);
}

/// Lengths in bits of the codes of all bytes, and of the end mark (RFC 7541 appendix B). The code is canonical: lengths
/// alone define it.
#[rustfmt::skip]
const CODE_LENS: [u8; 257] = [
    13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 30, 28,
    28, 28, 28, 28, 28, 28, 28, 28, 6, 10, 10, 12, 13, 6, 8, 11, 10, 10, 8, 11, 8, 6, 6, 6,
    5, 5, 5, 6, 6, 6, 6, 6, 6, 6, 7, 8, 15, 6, 12, 10, 13, 6, 7, 7, 7, 7, 7, 7,
    7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 8, 7, 8, 13, 19, 13, 14, 6,
    15, 5, 6, 5, 6, 5, 6, 6, 6, 5, 7, 7, 6, 6, 6, 5, 6, 7, 6, 5, 5, 6, 7, 7,
    7, 7, 7, 15, 11, 14, 13, 28, 20, 22, 20, 20, 22, 22, 22, 23, 22, 23, 23, 23, 23, 23, 24, 23,
    24, 24, 22, 23, 24, 23, 23, 23, 23, 21, 22, 23, 22, 23, 23, 24, 22, 21, 20, 22, 22, 23, 23, 21,
    23, 22, 22, 24, 21, 22, 23, 23, 21, 21, 22, 21, 23, 22, 23, 23, 20, 22, 22, 22, 23, 22, 22, 23,
    26, 26, 20, 19, 22, 23, 22, 25, 26, 26, 26, 27, 27, 26, 24, 25, 19, 21, 26, 27, 27, 26, 27, 24,
    21, 21, 26, 26, 28, 27, 27, 27, 20, 24, 20, 21, 22, 21, 21, 23, 22, 22, 25, 25, 24, 24, 26, 23,
    26, 27, 26, 26, 27, 27, 27, 27, 27, 28, 27, 27, 27, 27, 27, 26, 30,
];
const CODE_LEN_MAX: usize = 30;
const END_MARK: u16 = 256;

/// For each length: the first code, how many there are, and where their symbols begin.
struct Codes {
    first: [u32; CODE_LEN_MAX + 1],
    count: [u32; CODE_LEN_MAX + 1],
    start: [u32; CODE_LEN_MAX + 1],
    symbols: [u16; 257],
}

static CODES: Codes = codes();

#[expect(
    clippy::indexing_slicing,
    reason = "evaluated by the compiler: an index out of bounds does not build"
)]
const fn codes() -> Codes {
    let mut codes = Codes {
        first: [0; CODE_LEN_MAX + 1],
        count: [0; CODE_LEN_MAX + 1],
        start: [0; CODE_LEN_MAX + 1],
        symbols: [0; 257],
    };
    let (mut code, mut placed, mut len) = (0, 0, 1);
    while len <= CODE_LEN_MAX {
        code <<= 1;
        codes.first[len] = code;
        codes.start[len] = placed;
        let mut symbol = 0;
        while symbol < CODE_LENS.len() {
            if CODE_LENS[symbol] as usize == len {
                codes.symbols[placed as usize] = symbol as u16;
                placed += 1;
                code += 1;
            }
            symbol += 1;
        }
        codes.count[len] = placed - codes.start[len];
        len += 1;
    }
    codes
}

/// Decodes a string. `None` when it holds the end mark or ends in anything but the beginning of it (section 5.2).
fn huffman(text: &[u8]) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(text.len() * 2);
    let (mut code, mut len) = (0u32, 0usize);
    for byte in text {
        for bit in (0..8).rev() {
            code = code << 1 | u32::from(byte >> bit & 1);
            len += 1;
            let above = code.wrapping_sub(*CODES.first.get(len)?);
            if above < *CODES.count.get(len)? {
                let place = CODES.start.get(len)? + above;
                let symbol = *CODES.symbols.get(place as usize)?;
                if symbol == END_MARK {
                    return None;
                }
                out.push(symbol as u8);
                (code, len) = (0, 0);
            }
        }
    }
    (len < 8 && code == (1 << len) - 1).then_some(out)
}

#[cfg(test)]
mod tests {
    use loona_hpack::huffman::HuffmanDecoder;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_examples_of_the_standard_are_read() {
        // RFC 7541 appendix C.4.1 and C.4.2: the second block uses what the first put into the table.
        let mut hpack = Hpack::default();
        let mut fields = Vec::new();
        let first = b"\x82\x86\x84\x41\x8c\xf1\xe3\xc2\xe5\xf2\x3a\x6b\xa0\xab\x90\xf4\xff";
        let second = b"\x82\x86\x84\xbe\x58\x86\xa8\xeb\x10\x64\x9c\xbf";
        for block in [&first[..], second] {
            hpack.read(block, |name, value| fields.push((name.to_vec(), value.to_vec()))).unwrap();
        }
        let authorities: Vec<_> = fields.iter().filter(|(name, _)| name == b":authority").collect();
        assert_eq!(authorities.len(), 2);
        assert!(authorities.iter().all(|(_, value)| value == b"www.example.com"));
        assert!(fields.contains(&(b"cache-control".to_vec(), b"no-cache".to_vec())));
    }

    #[test]
    fn a_huge_integer_a_cut_string_and_a_huge_table_are_refused() {
        for block in [
            &b"\xff\xff\xff\xff\xff\xff\x0f"[..],
            b"\x40\x7f\xff\xff\xff\xff\x0f",
            b"\x00\x05ab",
            b"\x3f\xff\xff\xff\x7f\x82",
        ] {
            assert_eq!(Hpack::default().read(block, |_, _| {}), Err(BadBlock), "{block:?}");
        }
    }

    #[test]
    fn many_short_strings_cost_no_more_than_their_bytes() {
        let block = b"\x00\x81\x1f\x81\x1f".repeat(limits::HPACK_BLOCK_MAX / 5);
        let mut count = 0;
        Hpack::default().read(&block, |_, _| count += 1).unwrap();
        assert_eq!(count, limits::HPACK_BLOCK_MAX / 5);
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn strings_are_decoded_as_the_library_does(text in prop::collection::vec(any::<u8>(), 0..40)) {
            prop_assert_eq!(huffman(&text), HuffmanDecoder::new().decode(&text).ok());
        }

        #[test]
        fn no_block_makes_it_panic(blocks in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..60), 0..4)) {
            let mut hpack = Hpack::default();
            for block in &blocks {
                let _ = hpack.read(block, |_, _| {});
            }
        }
    }
}
