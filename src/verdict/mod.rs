//! Floor 3: facts and policy to verdicts. Rooms import leftwards only: `across` < `judge` < `check`.

pub mod across;
pub mod check;
pub mod judge;

#[cfg(test)]
pub(crate) mod fixture;
#[cfg(test)]
mod rules_check;
#[cfg(test)]
mod rules_flow;
#[cfg(test)]
mod rules_name;
#[cfg(test)]
mod rules_proxy;
#[cfg(test)]
mod rules_time;
