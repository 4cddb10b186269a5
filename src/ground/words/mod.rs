//! Everything a person reads, in Japanese and English, and hostile text made safe.

pub mod confinement;
pub mod escape;
pub mod live;
pub mod machine;
pub mod recording;
pub mod run;
pub mod verdict;
