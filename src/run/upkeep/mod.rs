//! Keeping a policy: a first draft ([`init`]), and channels proposed from what was seen ([`learn`]).
//!
//! Both give text. Nothing here opens a file or asks a clock, and nothing here approves: whatever comes out bears
//! [`UNAPPROVED`](crate::policy::language::UNAPPROVED) until a person writes the reference of an approval.

mod cover;
mod evidence;
mod examples;
pub mod init;
pub mod learn;
mod plan;
mod reason;
mod summary;
mod told;
mod want;
mod written;

pub use evidence::{Evidence, Seen};
pub use reason::Reason;
