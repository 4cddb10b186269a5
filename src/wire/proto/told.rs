//! For the family's tests: a conversation is told to a reader, whole and cut, and what it wrote down comes back.

use super::dissector::{Next, Protocol};
use crate::ground::model::{
    identity::{Identity, Notes},
    key::Side,
    packet::Ordinal,
    time::Timestamp,
};

pub(super) const UP: Side = Side::Opener;
pub(super) const DOWN: Side = Side::Answerer;

fn told_cut(protocol: &Protocol, parts: &[(Side, &[u8])], piece: usize) -> (Identity, Next) {
    let mut identity = Identity::default();
    let mut notes = Notes::new(&mut identity, Ordinal(1), Timestamp::default());
    let mut reader = (protocol.open)();
    let mut next = Next::More;
    for (side, bytes) in parts {
        for chunk in bytes.chunks(piece) {
            match &mut next {
                Next::More => next = reader.bytes(chunk, *side, &mut notes),
                Next::Switch(switch) => switch.rest[side.index()].extend_from_slice(chunk),
                Next::Settled | Next::Broken => {}
            }
        }
    }
    if next == Next::More {
        reader.finish(&mut notes);
    }
    (identity, next)
}

/// What a stream told, and how it ended. Fails when the way of cutting makes a difference.
pub(super) fn told_last(protocol: &Protocol, parts: &[(Side, &[u8])]) -> (Identity, Next) {
    let whole = told_cut(protocol, parts, usize::MAX);
    for piece in [1, 5, 64] {
        assert_eq!(told_cut(protocol, parts, piece), whole, "in pieces of {piece}");
    }
    whole
}

/// What a stream told.
pub(super) fn told(protocol: &Protocol, parts: &[(Side, &[u8])]) -> Identity {
    told_last(protocol, parts).0
}

/// What datagrams told.
pub(super) fn told_datagrams(protocol: &Protocol, parts: &[(Side, &[u8])]) -> (Identity, Next) {
    told_cut(protocol, parts, usize::MAX)
}
