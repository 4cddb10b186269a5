//! Where the messages of an HTTP/1 stream begin and end (RFC 9112 section 6): heads are kept, bodies are stepped over.

use super::http_head::number;
use crate::ground::model::limits;

/// Where one end stands in its stream.
#[derive(Debug, Default)]
pub(super) enum Body {
    /// In a head, or before one.
    #[default]
    Head,
    /// In a body with so many bytes to come.
    Length(u64),
    /// In the line that tells a chunk's size: the size so far, and whether its digits are over.
    ChunkSize { size: u64, digits: u8, is_over: bool },
    /// In a chunk's data.
    Chunk(u64),
    /// At the line end behind a chunk's data.
    ChunkEnd,
    /// In the trailer section; how long its current line is.
    Trailers(u32),
    /// In a body that ends with the connection, or behind an upgrade to what is not read.
    UntilClose,
    /// No longer in step.
    Lost,
}

/// One end of a connection.
#[derive(Debug, Default)]
pub(super) struct Half {
    /// The head that is not whole.
    pub(super) head: Vec<u8>,
    /// Where the current line of `head` begins.
    line: usize,
    /// What its next bytes are.
    pub(super) body: Body,
}

impl Half {
    /// Moves head bytes over; `Some` with the whole head when it is complete, `Err` when it is too long.
    pub(super) fn take_head(&mut self, input: &mut &[u8]) -> Result<Option<Vec<u8>>, ()> {
        while let Some(end) = input.iter().position(|byte| *byte == b'\n') {
            let (line, rest) = input.split_at(end + 1);
            *input = rest;
            self.head.extend_from_slice(line);
            let is_empty = matches!(self.head.get(self.line..), Some(b"\n" | b"\r\n"));
            if is_empty && self.line == 0 {
                // Empty lines before a message are skipped (RFC 9112 section 2.2).
                self.head.clear();
                continue;
            }
            if self.head.len() > limits::HTTP_HEAD_MAX {
                return Err(());
            }
            if is_empty {
                self.line = 0;
                return Ok(Some(std::mem::take(&mut self.head)));
            }
            self.line = self.head.len();
        }
        self.head.extend_from_slice(input);
        *input = &[];
        if self.head.len() > limits::HTTP_HEAD_MAX { Err(()) } else { Ok(None) }
    }

    /// Steps over body bytes. Leaves `input` empty or at the next head.
    pub(super) fn skip_body(&mut self, input: &mut &[u8]) {
        while let Some((first, rest)) = input.split_first() {
            match &mut self.body {
                Body::Head => return,
                Body::Length(left) | Body::Chunk(left) => {
                    let taken = usize::try_from(*left).unwrap_or(usize::MAX).min(input.len());
                    *left -= taken as u64;
                    *input = input.get(taken..).unwrap_or_default();
                    if *left == 0 {
                        self.body =
                            if matches!(self.body, Body::Chunk(_)) { Body::ChunkEnd } else { Body::Head };
                    }
                }
                Body::ChunkEnd => {
                    *input = rest;
                    match first {
                        b'\r' => {}
                        b'\n' => self.body = Body::CHUNKS,
                        _ => self.body = Body::Lost,
                    }
                }
                Body::ChunkSize { size, digits, is_over } => {
                    *input = rest;
                    match (first, number(std::slice::from_ref(first), 16)) {
                        (b'\n', _) if *digits == 0 => self.body = Body::Lost,
                        (b'\n', _) if *size == 0 => self.body = Body::Trailers(0),
                        (b'\n', _) => self.body = Body::Chunk(*size),
                        (_, Some(digit)) if !*is_over && *digits < 15 => {
                            *size = *size * 16 + digit;
                            *digits += 1;
                        }
                        (_, Some(_)) if !*is_over => self.body = Body::Lost,
                        _ => *is_over = true,
                    }
                }
                Body::Trailers(len) => {
                    *input = rest;
                    match first {
                        b'\n' if *len == 0 => self.body = Body::Head,
                        b'\n' => *len = 0,
                        b'\r' => {}
                        _ => *len = len.saturating_add(1),
                    }
                }
                Body::UntilClose | Body::Lost => *input = &[],
            }
        }
    }

    /// True when a hole of this size lies inside a body whose length is known.
    pub(super) fn skip_hole(&mut self, missing: u64) -> bool {
        match &mut self.body {
            Body::Length(left) | Body::Chunk(left) if missing < *left => *left -= missing,
            Body::Length(left) if missing == *left => self.body = Body::Head,
            Body::Chunk(left) if missing == *left => self.body = Body::ChunkEnd,
            Body::UntilClose => {}
            _ => return false,
        }
        true
    }
}

impl Body {
    /// A body in chunks, at its beginning.
    pub(super) const CHUNKS: Self = Self::ChunkSize { size: 0, digits: 0, is_over: false };
}
