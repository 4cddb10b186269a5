//! Floor 4: one packet's walk and one run's story. Rooms import leftwards only: `sandbox` < `survey` < `engine` < `pipeline` <
//! `upkeep`.

pub mod engine;
pub mod pipeline;
pub mod sandbox;
pub mod survey;
pub mod upkeep;
