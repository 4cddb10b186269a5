//! SK-E: tenants and sign-in.

use super::case::{Case, LG, Spoken};
use crate::policy::language::{Case as ModelCase, DestinationKind, Model, Role};

/// SK-E01: in α′ イ and ウ, and only by the identity name or an address that no other destination has (RULES 28).
pub(super) fn sign_in_past_the_proxy(case: &Case<'_>) -> Option<Spoken> {
    let is_required =
        case.model.0 == Model::AlphaPrime && matches!(case.model.1, Some(ModelCase::I | ModelCase::U));
    if !is_required
        || !case.is_violation()
        || !case.from.is(LG)
        || case.has_role(&case.client, Role::TenantProxy)
    {
        return None;
    }
    let is_identity =
        |destination: &_| case.policy.destination(*destination).kind == DestinationKind::CloudIdentity;
    let all = &case.server.destinations;
    let by_name = all.iter().any(|listed| listed.name && is_identity(&listed.destination));
    let by_address = all.iter().any(|listed| listed.address && is_identity(&listed.destination))
        && all.iter().all(|listed| is_identity(&listed.destination))
        && case.first_name().is_none();
    let server = case.reached.first().filter(|reached| reached.is_broken())?;
    (by_name || by_address).then(|| case.about(server))
}
