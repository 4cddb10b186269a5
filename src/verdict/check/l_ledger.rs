//! SK-L: the policy against reality.

use super::case::{Case, Spoken};
use crate::ground::model::verdict::FaultKind;

/// SK-L02
pub(super) fn expired(case: &Case<'_>) -> Option<Spoken> {
    case.broken_where(|reached| reached.has(FaultKind::Expired))
}

/// SK-L03: asked only when no other violation speaks (RULES 4).
pub(super) fn unpermitted(case: &Case<'_>) -> Option<Spoken> {
    let broken = case.broken().next().or_else(|| case.reached.first())?;
    Some(case.about(broken))
}
