//! Floor 3: verdicts to people, machines and disk. Rooms import leftwards only: `report` < `store`.

pub mod report;
pub mod store;
