//! Headers of every layer, read once. Home of `etherparse`.
//!
//! [`decode`] walks a frame from its link type to its innermost flow, in loops with bounds: nothing here recurses. A
//! piece of a datagram goes to the [`Reassembler`], which walks on when the last piece has come. Each frame ends in
//! exactly one place: a flow, a datagram that becomes a flow, or a reason why it has none.

#![deny(clippy::indexing_slicing, clippy::unwrap_used, clippy::expect_used, clippy::panic)]
#![cfg_attr(test, allow(clippy::indexing_slicing, clippy::unwrap_used, clippy::expect_used, clippy::panic))]

mod checksum;
mod cooked;
mod cursor;
mod datagram;
mod digest;
mod fragment;
mod link;
mod network;
mod plain;
mod transport;
mod tunnel;
mod walk;

#[cfg(test)]
mod samples;
#[cfg(test)]
mod tests;

pub use fragment::{Piece, Reassembler};

use crate::ground::model::{
    decoded::{Decoded, NoFlow, Outer, PacketMarks, PayloadHome},
    packet::PacketHead,
};

use {link::Layer, walk::Origin};

/// What one frame, or one datagram put together from several, turned out to be. Made once and used again.
#[derive(Clone, Debug, Default)]
pub struct Decodings {
    /// The innermost of it: the one place where the frame counts (RULES 18).
    pub inner: Inner,
    /// The packets around it, outermost first, each with `carrier` set: judged and listed, outside the identity.
    pub carriers: Vec<Decoded>,
    /// The layers passed on the way.
    trail: Vec<Outer>,
}

/// The innermost of a frame.
#[derive(Clone, Debug)]
#[expect(
    clippy::large_enum_variant,
    reason = "nearly all are flows, and the place is used again for each frame"
)]
pub enum Inner {
    /// A packet of a flow.
    Flow(Decoded),
    /// A piece of a datagram, for the [`Reassembler`]. Its addresses can be judged at once ([`Piece::arrival`]).
    Fragment(Box<Piece>),
    /// No flow, with the EtherType, LLC, PPP or link type that explains it; 0 where there is none.
    NoFlow(NoFlow, u16),
}

impl Default for Inner {
    fn default() -> Self {
        Self::NoFlow(NoFlow::Empty, 0)
    }
}

impl Inner {
    /// The place of a flow: the one that is there already, to be overwritten.
    #[inline]
    fn flow_slot(&mut self) -> Option<&mut Decoded> {
        if !matches!(self, Self::Flow(_)) {
            *self = Self::Flow(Decoded::default());
        }
        match self {
            Self::Flow(decoded) => Some(decoded),
            _ => None,
        }
    }
}

/// Reads the headers of one frame into `out`, whose former content is lost.
#[inline]
pub fn decode(frame: &[u8], head: &PacketHead, out: &mut Decodings) {
    out.carriers.clear();
    out.trail.clear();
    if frame.is_empty() {
        out.inner = Inner::NoFlow(NoFlow::Empty, 0);
        return;
    }
    if plain::read(frame, head, out) {
        return;
    }
    detour(frame, head, out);
}

/// Any frame that is not plain.
fn detour(frame: &[u8], head: &PacketHead, out: &mut Decodings) {
    let Some((layer, at)) = Layer::first(head.link) else {
        out.inner = Inner::NoFlow(NoFlow::LinkType, head.link.0);
        return;
    };
    let origin = Origin {
        head: *head,
        bytes: frame,
        home: PayloadHome::Frame,
        wire_end: frame.len().max(head.wire_len as usize),
        link: Default::default(),
        encap: Default::default(),
        marks: PacketMarks::default(),
        fragments: 0,
        fragments_wire_bytes: 0,
        fragments_captured_bytes: 0,
    };
    walk::walk(&origin, layer, at, out);
}
