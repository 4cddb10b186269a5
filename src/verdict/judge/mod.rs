//! The steps of the judgement and the five verdicts: pure functions of policy and facts (RULES 1 to 34).
//!
//! [`judge`] gives the verdict of one flow from the flow alone; [`corroborate()`] adds what other flows' DNS tells and
//! can only make it worse; [`first()`] needs no state at all. [`conclude`] says what a whole run allows to be said.

mod candidate;
mod conclusion;
mod condition;
mod corroborate;
mod ends;
mod explain;
mod first;
mod moments;
mod names;
mod order;
mod targets;

pub use conclusion::{
    Question, blind_limits, blind_minutes, blind_times, conclude, degraded_minutes, drops, share,
    unseen_segments,
};
pub use corroborate::{asks_memory, corroborate, is_unheard_of, known_names, names_grade};
pub use ends::{ends, server_names};
pub use first::{facts_of, first};
pub use names::{conflict, inner_conflict, is_cover_name};
pub use order::{Vantage, judge};
pub use targets::target_place;
