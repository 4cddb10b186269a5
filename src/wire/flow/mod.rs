//! Flows: table, expiry, TCP, streams, duplicates. Home of `hashbrown`.
//!
//! [`Flows`] is one worker's table. A packet goes in by [`Flows::packet`], which finds or opens its flow and counts it;
//! while somebody wants the flow's bytes, [`Flows::read`] puts them in sequence. A flow comes out as [`Ended`] when its own
//! next packet shows that it was over, when a [`Flows::sweep`] finds it silent, or at [`Flows::finish`].
//!
//! | file | |
//! |---|---|
//! | `table`, `counting`, `bytes` | look-up, opening and ending; counting; reading |
//! | `entry`, `slab` | what is kept of a flow, and where |
//! | `partition` | how flows and bounds are spread |
//! | `expiry` | idle limits and the wheel that finds silent flows |
//! | `tcp`, `holes`, `doubt` | what headers say: handshake, sequence, loss, packets that may be lies |
//! | `reading`, `stream`, `overlap`, `chunk` | bytes in order, gaps, conflicting copies |
//! | `streams`, `settled` | what of the streams is kept between two packets; what is remembered of bytes that were read |
//! | `reuse`, `duplicate`, `role` | RULES 34, 33 and 25 |
//! | `closing`, `community_id` | facts of a flow, its name for other tools |

#![deny(clippy::indexing_slicing, clippy::unwrap_used, clippy::expect_used, clippy::panic)]
#![cfg_attr(test, allow(clippy::indexing_slicing, clippy::unwrap_used, clippy::expect_used, clippy::panic))]

mod bytes;
mod chunk;
mod closing;
mod community_id;
mod counting;
mod doubt;
mod duplicate;
mod entry;
mod expiry;
mod held;
mod holes;
mod links;
mod overlap;
mod partition;
mod reading;
mod reuse;
mod role;
mod settled;
mod slab;
mod stream;
mod streams;
#[cfg(test)]
mod support;
mod table;
mod tcp;

pub use chunk::{Chunk, Rest};
pub use community_id::community_id;
pub use entry::{Hashers, Spot};
pub use partition::Partitions;
pub use table::{Ended, Flows, Handle, Outcome, Remaining, Settings, VlanInKey};
