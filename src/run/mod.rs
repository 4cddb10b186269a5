//! Floor 4: one packet's walk and one run's story. Rooms import leftwards only: `engine` < `pipeline`.

pub mod engine;
pub mod pipeline;
