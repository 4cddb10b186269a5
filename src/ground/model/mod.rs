//! The nouns that cross rooms. Standard library only (and `thiserror` for error texts); no I/O, no clock.
//!
//! A noun enters only when two floors need it; otherwise it lives with its maker.

pub mod address;
pub mod cause;
pub mod confinement;
pub mod coverage;
pub mod decoded;
pub mod facts;
pub mod field;
pub mod finding;
pub mod flow_line;
pub mod folded;
pub mod identity;
pub mod key;
pub mod keyed;
pub mod lang;
pub mod limits;
pub mod machine;
pub mod name;
pub mod observation;
pub mod packet;
pub mod pattern;
pub mod recording;
pub mod result;
pub mod sighting;
pub mod tally;
pub mod time;
pub mod verdict;
