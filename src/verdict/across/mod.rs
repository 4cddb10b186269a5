//! What is remembered between flows, fed in the order of the input. It may make a verdict worse, never better.

mod memory;

pub use memory::Memory;
