//! Floor 2: bytes to facts. Rooms import leftwards only: `capture` < `decode` < `flow` < `proto` < `identify`.

pub mod capture;
pub mod decode;
pub mod flow;
pub mod identify;
pub mod proto;
