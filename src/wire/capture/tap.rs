//! Whoever takes what is handed out, in its order, beside the walk of the packets: a recording.

use std::fmt::Debug;

use super::block::Block;
use crate::ground::model::{
    coverage::{Interface, Notice},
    packet::InterfaceId,
};

/// Takes every block right after [`Baton::walk`](super::Baton::walk) found its packets, in the order of the input.
///
/// It is called by whoever holds the baton, so it must be quick and must never wait for anything.
pub trait Tap: Debug + Send {
    /// Takes a block. An empty one says that nothing came for a while: what is held back should go.
    fn take(&mut self, block: &Block, interfaces: &dyn Interfaces);

    /// Takes what the capturing machine told beside packets, after the block it was told with.
    fn notice(&mut self, notice: Notice, interfaces: &dyn Interfaces);
}

/// The interfaces described so far.
pub trait Interfaces {
    /// The interface with this number.
    fn described(&self, id: InterfaceId) -> Option<&Interface>;
}

impl Interfaces for Vec<Interface> {
    fn described(&self, id: InterfaceId) -> Option<&Interface> {
        self.get(id.0 as usize)
    }
}
