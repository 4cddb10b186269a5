//! The Internet checksum (RFC 1071) over wide words.

/// The sum of the bytes as 16-bit words of this machine's order, not yet folded; an odd last byte is padded with zero.
///
/// The order does not matter: a sum over swapped words is the swapped sum (RFC 1071 section 2 B), and "all ones"
/// reads the same either way. 32-bit words in a 64-bit sum cannot overflow below 16 GiB.
#[inline]
pub(super) fn sum(bytes: &[u8]) -> u64 {
    // Four sums side by side: the machine adds them at once.
    let (blocks, rest) = bytes.as_chunks::<32>();
    let mut sums = [0; 4];
    for block in blocks {
        for (sum, word) in sums.iter_mut().zip(block.as_chunks::<8>().0) {
            *sum += halves(*word);
        }
    }
    let (words, rest) = rest.as_chunks::<8>();
    let mut last = [0; 8];
    for (to, from) in last.iter_mut().zip(rest) {
        *to = *from;
    }
    sums.iter().sum::<u64>() + words.iter().map(|word| halves(*word)).sum::<u64>() + halves(last)
}

const fn halves(word: [u8; 8]) -> u64 {
    let word = u64::from_ne_bytes(word);
    (word & 0xffff_ffff) + (word >> 32)
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
