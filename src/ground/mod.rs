//! Floor 1: the nouns that every other room speaks in, and the words people read.

pub mod calendar;
pub mod model;
pub mod sheet;
pub mod words;
