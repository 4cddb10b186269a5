//! Bytes in: files, folders, globs, pipes, compressed or not, and live interfaces.
//!
//! A reader of our own, because the one everybody uses refuses files with several link types, stops at the first odd
//! record and calls a second file's header a packet of the year 2055. Nothing here believes a length before the bytes
//! are there, and damage is a result (where, what, and where reading went on), never an error.
//!
//! Reading has two stages, so that several workers read one file at once (the relay):
//!
//! * [`Feed::fill`] reads a block; any worker, any order.
//! * [`Baton::walk`] finds the packets in it; one worker at a time, in the order of blocks.
//!
//! ```no_run
//! use sekisho::wire::capture::{Block, Request, open};
//!
//! let request = Request { inputs: vec!["captures/".to_owned()], ..Request::default() };
//! let (feed, mut baton) = open(&request)?;
//! let mut block = Block::new();
//! for ticket in 0.. {
//!     feed.fill(ticket, &mut block);
//!     if !baton.walk(&feed, &mut block) {
//!         break;
//!     }
//!     for (head, bytes) in block.packets() {
//!         println!("{} {} {}", head.ordinal.0, head.at, bytes.len());
//!     }
//! }
//! let report = baton.finish();
//! # Ok::<(), sekisho::wire::capture::Error>(())
//! ```
//!
//! | file | what it knows |
//! |---|---|
//! | `input` | what was asked for; the parallel stage |
//! | `gather`, `duplicate`, `order` | which files that means, which are the same, which come first and which are one source |
//! | `places` | where these files lie, for those who close everything else |
//! | `border` | the serial stage |
//! | `live`, `port`, `sight`, `socket`, `drops` | interfaces: all rings as one source, one interface, its times without sight, what libpcap does not offer, counters |
//! | `sources` | pipes, packed files and overlapping sources, read and merged in order |
//! | `follow`, `survey`, `tail` | input that is still being written, its files look after look, and the bytes of one |
//! | `walker`, `pcap`, `pcapng` | where records begin and end, and how to go on after damage; no I/O |
//! | `compressed`, `ahead`, `file` | bytes of packed files, unpacked on a thread of their own, and of plain ones |
//! | `clock`, `registry`, `block` | time, the books, and what is handed out |
//! | `tap`, `write`, `note` | whoever takes it beside the walk; pcapng written, and what our own says in comments |
//! | `stop` | the word that ends waiting |

#![deny(clippy::indexing_slicing, clippy::unwrap_used, clippy::expect_used, clippy::panic)]
#![cfg_attr(test, allow(clippy::indexing_slicing, clippy::unwrap_used, clippy::expect_used, clippy::panic))]

mod ahead;
mod block;
mod border;
mod clock;
mod compressed;
mod drops;
mod duplicate;
mod error;
mod file;
mod follow;
mod gather;
mod input;
mod live;
mod note;
mod order;
mod pcap;
mod pcapng;
mod places;
mod port;
mod registry;
mod sight;
mod socket;
mod sources;
mod stop;
mod survey;
mod tail;
mod tap;
mod walker;
mod write;

#[cfg(test)]
mod against_libpcap;
#[cfg(test)]
mod stories;
#[cfg(test)]
mod support;

pub use block::{Block, Break, Tick};
pub use border::Baton;
pub use error::Error;
pub use follow::Pace;
pub use input::{Feed, Following, Request, SensorBinding, follow, follow_with, open, open_with};
pub use live::{LiveRequest, News, NewsTo, watch};
pub use note::{Note, Piece, RecordingId};
pub use places::{Places, places};
pub use stop::Stop;
pub use tap::{Interfaces, Tap};
pub use write::{Counters, Section};
