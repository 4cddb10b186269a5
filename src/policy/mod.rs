//! Floor 2: what is allowed. Rooms import leftwards only: `preset` < `list` < `catalog` < `language`.

pub mod catalog;
pub mod language;
pub mod list;
pub mod preset;
