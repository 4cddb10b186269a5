//! What a reader of a flow is given.

use crate::ground::model::key::Side;

/// One piece of what an end said, in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Chunk<'a> {
    /// The next bytes of a stream, or one datagram.
    Bytes {
        /// Who said it.
        side: Side,
        /// The bytes; never empty.
        bytes: &'a [u8],
    },
    /// What a reader was given before, for one that remembers nothing: all that the end has said since the beginning or the
    /// last gap. To be put back in its place, and not to be read again.
    Again {
        /// Who said it.
        side: Side,
        /// The bytes; never empty.
        bytes: &'a [u8],
    },
    /// Bytes that were never seen; what follows lies behind them.
    Gap {
        /// Who said them.
        side: Side,
        /// How many, as far as sequence numbers tell.
        missing: u64,
    },
    /// Stream bytes came twice with different content: the same stream from its start with other copies in place. To be
    /// read by itself; the first reading goes on as if nothing had happened (THREATS R01).
    Variant {
        /// Who said it.
        side: Side,
        /// The stream from its start.
        prefix: &'a [u8],
    },
}

/// A [`Chunk`] that outlives its packet: what was still held when a flow ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rest {
    /// See [`Chunk::Bytes`].
    Bytes(Side, Vec<u8>),
    /// See [`Chunk::Again`].
    Again(Side, Vec<u8>),
    /// See [`Chunk::Gap`].
    Gap(Side, u64),
    /// See [`Chunk::Variant`].
    Variant(Side, Vec<u8>),
}

impl Rest {
    /// As it would have been given while the flow lived.
    #[must_use]
    pub fn chunk(&self) -> Chunk<'_> {
        match self {
            Self::Bytes(side, bytes) => Chunk::Bytes { side: *side, bytes },
            Self::Again(side, bytes) => Chunk::Again { side: *side, bytes },
            Self::Gap(side, missing) => Chunk::Gap { side: *side, missing: *missing },
            Self::Variant(side, prefix) => Chunk::Variant { side: *side, prefix },
        }
    }
}

impl From<Chunk<'_>> for Rest {
    fn from(chunk: Chunk<'_>) -> Self {
        match chunk {
            Chunk::Bytes { side, bytes } => Self::Bytes(side, bytes.to_vec()),
            Chunk::Again { side, bytes } => Self::Again(side, bytes.to_vec()),
            Chunk::Gap { side, missing } => Self::Gap(side, missing),
            Chunk::Variant { side, prefix } => Self::Variant(side, prefix.to_vec()),
        }
    }
}

/// Where chunks go.
pub(super) type Sink<'a> = dyn FnMut(Chunk<'_>) + 'a;
