//! SK-I: hosts and the link layer.

use super::case::{Case, Spoken};
use crate::ground::model::verdict::FaultKind;

/// SK-I09
pub(super) fn ipv6(case: &Case<'_>) -> Option<Spoken> {
    case.broken_where(|reached| reached.has(FaultKind::Ipv6))
}
