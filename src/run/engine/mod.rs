//! One packet's walk and one run's story: no threads, no I/O, no clock.
//!
//! `ingest` (any worker, any order) → lists by owner → `shard` (the owner, in order) → events → `collector` (one, in
//! the order of the input) → `conclude`.

pub mod account;
pub mod aggregate;
mod closing;
pub mod collector;
pub mod conclude;
pub mod court;
pub mod event;
pub mod ingest;
mod join;
mod reading;
pub mod seen;
pub mod shard;
pub mod sink;

#[cfg(test)]
mod stories;
