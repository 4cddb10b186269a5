//! Shapes that many small protocols share: a fixed beginning, messages with a length, BER values.

use super::dissector::Guess;
use crate::ground::model::{
    identity::{Marks, Notes},
    key::Side,
};

/// One end's half of a pair: opener's, answerer's.
pub(super) const fn half<T>(pair: &mut [T; 2], side: Side) -> &mut T {
    let [opener, answerer] = pair;
    match side {
        Side::Opener => opener,
        Side::Answerer => answerer,
    }
}

/// Whether bytes begin so.
pub(super) fn begins(first: &[u8], beginning: &[u8]) -> Guess {
    if first.starts_with(beginning) {
        Guess::Yes
    } else if beginning.starts_with(first) {
        Guess::Short
    } else {
        Guess::No
    }
}

/// Yes or no.
pub(super) const fn surely(is_so: bool) -> Guess {
    if is_so { Guess::Yes } else { Guess::No }
}

/// Notes that this end sent ciphertext.
pub(super) const fn encrypted(side: Side, notes: &mut Notes<'_>) {
    notes.mark(match side {
        Side::Opener => Marks::ENCRYPTED_OPENER,
        Side::Answerer => Marks::ENCRYPTED_ANSWERER,
    });
}

/// A byte.
pub(super) fn u8_at(bytes: &[u8], at: usize) -> Option<u8> {
    bytes.get(at).copied()
}

/// A 16-bit number in network order.
pub(super) fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    bytes.get(at..)?.first_chunk().map(|chunk| u16::from_be_bytes(*chunk))
}

/// A 32-bit number in network order.
pub(super) fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..)?.first_chunk().map(|chunk| u32::from_be_bytes(*chunk))
}

/// A BER value with a short or a definite length of up to four bytes: tag, content, what follows (X.690 section 8.1).
pub(super) fn ber(bytes: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&tag, rest) = bytes.split_first()?;
    let (&first, mut rest) = rest.split_first()?;
    let mut len = usize::from(first);
    if first >= 0x80 {
        let (digits, behind) =
            rest.split_at_checked(usize::from(first & 0x7f)).filter(|(d, _)| d.len() <= 4)?;
        len = digits.iter().fold(0, |len, digit| len << 8 | usize::from(*digit));
        rest = behind;
    }
    let (content, rest) = rest.split_at_checked(len)?;
    Some((tag, content, rest))
}

/// The content of a BER value with this tag, and what follows.
pub(super) fn ber_of(bytes: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    ber(bytes).filter(|(found, ..)| *found == tag).map(|(_, content, rest)| (content, rest))
}

/// Messages one behind the other in a stream: the head of each is kept, its body passed over.
#[derive(Debug, Default)]
pub(super) struct Heads {
    kept: Vec<u8>,
    skip: usize,
}

/// What comes next in a stream of messages.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// The head of a message.
    Head(Vec<u8>),
    /// The head is not whole yet.
    More,
    /// No message of this protocol begins so.
    Broken,
}

impl Heads {
    /// Takes bytes off `input` up to the next head. `len` tells a message's whole length from its first `known` bytes,
    /// or that there is none; of a longer message `keep` bytes are kept.
    pub(super) fn next(
        &mut self,
        input: &mut &[u8],
        known: usize,
        keep: usize,
        len: impl Fn(&[u8]) -> Option<usize>,
    ) -> Step {
        self.pass(input);
        self.take(input, known);
        if self.kept.len() < known {
            return Step::More;
        }
        let Some(total) = len(&self.kept).filter(|total| *total >= known) else { return Step::Broken };
        let head_len = total.min(keep).max(known);
        self.take(input, head_len);
        if self.kept.len() < head_len {
            return Step::More;
        }
        self.skip = total - head_len;
        Step::Head(std::mem::take(&mut self.kept))
    }

    /// Passes over what is left of the last message.
    pub(super) fn pass(&mut self, input: &mut &[u8]) {
        let passed = self.skip.min(input.len());
        self.skip -= passed;
        *input = input.get(passed..).unwrap_or(&[]);
    }

    fn take(&mut self, input: &mut &[u8], up_to: usize) {
        let wanted = up_to.saturating_sub(self.kept.len()).min(input.len());
        if let Some((taken, rest)) = input.split_at_checked(wanted) {
            self.kept.extend_from_slice(taken);
            *input = rest;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heads_come_out_the_same_however_the_stream_is_cut() {
        let stream: Vec<u8> =
            (0..40u8).flat_map(|len| std::iter::repeat_n(len, usize::from(len) + 2)).collect();
        let len = |head: &[u8]| Some(usize::from(head[0]) + 2);
        let read = |piece: usize| {
            let mut heads = Heads::default();
            let mut found = Vec::new();
            for mut chunk in stream.chunks(piece) {
                while let Step::Head(head) = heads.next(&mut chunk, 2, 5, len) {
                    found.push(head);
                }
            }
            found
        };
        assert_eq!(read(usize::MAX).len(), 40);
        for piece in 1..9 {
            assert_eq!(read(piece), read(usize::MAX));
        }
    }

    #[test]
    fn a_ber_value_is_read_with_every_form_of_length_and_never_beyond_its_bytes() {
        assert_eq!(ber(&[2, 1, 5, 9]), Some((2, &[5][..], &[9][..])));
        assert_eq!(ber(&[0x30, 0x82, 0, 1, 7]), Some((0x30, &[7][..], &[][..])));
        for bad in
            [&[][..], &[2], &[2, 1], &[2, 0x80 | 5, 0, 0, 0, 0, 1, 7], &[2, 0x84, 0xff, 0xff, 0xff, 0xff]]
        {
            assert_eq!(ber(bad), None);
        }
    }
}
