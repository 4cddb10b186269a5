//! The Internet checksum (RFC 1071) over wide words.

/// The sum of the bytes as 16-bit words of this machine's order, folded to 64 bits; an odd last byte is padded with zero.
///
/// The order does not matter: a sum over swapped words is the swapped sum (RFC 1071 section 2 B), and "all ones"
/// reads the same either way. A carry out of 64 bits goes back in at the bottom, as one out of 16 bits does: both powers
/// are one above a multiple of 65,535.
#[inline]
pub(super) fn sum(bytes: &[u8]) -> u64 {
    let (blocks, rest) = bytes.as_chunks::<32>();
    let sum = blocks.iter().fold(0, |sum, block| {
        // The eight halves cannot overflow, and are added side by side.
        let (words, _) = block.as_chunks::<4>();
        add(sum, words.iter().map(|word| u64::from(u32::from_ne_bytes(*word))).sum())
    });
    let (words, rest) = rest.as_chunks::<8>();
    let sum = words.iter().fold(sum, |sum, word| add(sum, u64::from_ne_bytes(*word)));
    let (four, rest) = rest.as_chunks::<4>();
    let (two, rest) = rest.as_chunks::<2>();
    let four = four.first().map_or(0, |word| u64::from(u32::from_ne_bytes(*word)));
    let two = two.first().map_or(0, |word| u64::from(u16::from_ne_bytes(*word)));
    let one = rest.first().map_or(0, |byte| u64::from(u16::from_ne_bytes([*byte, 0])));
    add(sum, four + two + one)
}

/// The sum of two sums, with the carry.
#[inline]
pub(super) const fn add(one: u64, other: u64) -> u64 {
    let (sum, carry) = one.overflowing_add(other);
    sum + carry as u64
}

/// True when a sum that includes the checksum itself says that the bytes are whole.
#[inline]
pub(super) const fn holds(sum: u64) -> bool {
    let sum = (sum & 0xffff_ffff) + (sum >> 32);
    let sum = (sum & 0xffff) + ((sum >> 16) & 0xffff) + (sum >> 32);
    let sum = (sum & 0xffff) + (sum >> 16);
    let sum = (sum & 0xffff) + (sum >> 16);
    sum == 0xffff
}

/// The checksum that makes [`holds`] true: for tests that build packets, in network order.
#[cfg(test)]
pub(super) fn of(parts: &[&[u8]]) -> [u8; 2] {
    let mut sum = 0u32;
    for part in parts {
        for pair in part.chunks(2) {
            sum += u32::from(pair[0]) << 8 | u32::from(*pair.get(1).unwrap_or(&0));
        }
    }
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    (!(sum as u16)).to_be_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wide_words_give_the_sum_that_pairs_of_bytes_give() {
        for len in 0..70u8 {
            let mut bytes: Vec<u8> = (0..len).map(|byte| byte.wrapping_mul(37) ^ 0xa5).collect();
            bytes.splice(0..0, [0, 0]);
            let checksum = of(&[&bytes]);
            bytes[..2].copy_from_slice(&checksum);
            assert!(holds(sum(&bytes)), "{len}");
            bytes[1] ^= 1;
            assert!(!holds(sum(&bytes)), "{len}");
        }
        assert!(holds(sum(&[0xff; 65_536])));
    }
}
