//! Sekisho (関所): a verdict for every flow, against a network's written allow-lists.

pub mod cli;
pub mod ground;
pub mod output;
pub mod policy;
pub mod run;
pub mod verdict;
pub mod wire;
