//! SK-F: lines and waypoints.

use super::case::{Case, Spoken};
use crate::ground::model::verdict::FaultKind;

/// SK-F02
pub(super) fn bypass(case: &Case<'_>) -> Option<Spoken> {
    case.broken_where(|reached| reached.has(FaultKind::Bypassed))
}
