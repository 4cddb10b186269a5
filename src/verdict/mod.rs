//! Floor 3: facts and policy to verdicts. Rooms import leftwards only: `across` < `judge` < `check`.

pub mod across;
pub mod check;
pub mod judge;
