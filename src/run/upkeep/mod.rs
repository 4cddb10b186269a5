//! Keeping a policy: a first draft ([`init`]), channels proposed from what was seen ([`learn`]), its ledger as a sheet and back
//! ([`ledger`]), and what its channels were used for ([`usage`]).
//!
//! All give text. Nothing here opens a file or asks a clock, and nothing here approves: what is drafted or proposed bears
//! [`UNAPPROVED`](crate::policy::language::UNAPPROVED) until a person writes the reference of an approval.

mod cover;
mod evidence;
mod examples;
pub mod init;
pub mod learn;
pub mod ledger;
mod ledger_sheet;
mod ledger_told;
mod plan;
mod reason;
mod summary;
mod told;
pub mod usage;
mod usage_told;
mod want;
mod written;

pub use evidence::{Evidence, Seen};
pub use reason::Reason;
