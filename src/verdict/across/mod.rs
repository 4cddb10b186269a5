//! What is remembered between flows. What is fed in the order of the input may make a verdict worse, never better; what is
//! summed up makes findings about the run.

mod crowd;
mod fans;
mod memory;
mod stations;
mod usage;

pub use crowd::Crowd;
pub use fans::Fans;
pub use memory::Memory;
pub use stations::{Spot, Stations};
pub use usage::{Usage, Used};
