//! SK-E: tenants and sign-in.

use super::{
    case::{Case, IN, LG, Spoken},
    run::{Noted, RunCase},
};
use crate::{
    ground::model::verdict::FaultKind,
    policy::language::{Case as ModelCase, DestinationKind, Model, Role},
};

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

/// SK-E02
pub(super) fn foreign_tenant(case: &Case<'_>) -> Option<Spoken> {
    case.broken_where(|reached| reached.has(FaultKind::ForeignTenant))
}

/// Sign-in for private accounts (DOMAIN §2.4).
const PRIVATE_SIGN_IN: &[&str] = &["login.live.com", "account.live.com"];

/// SK-E04
pub(super) fn private_sign_in(case: &Case<'_>) -> Option<Spoken> {
    case.unapproved(PRIVATE_SIGN_IN).filter(|_| case.from.is(LG) || case.from.is(IN))
}

/// Where devices register and guests are invited (DOMAIN §4.E E06; the names from memory).
const REGISTRATION: &[&str] =
    &["enterpriseregistration.windows.net", "device.login.microsoftonline.com", "invitations.microsoft.com"];

/// SK-E06
pub(super) fn registration(case: &Case<'_>) -> Option<Spoken> {
    let is_alpha_prime = case.model.0 == Model::AlphaPrime && case.from.is(LG);
    case.named(REGISTRATION).filter(|_| is_alpha_prime).map(|reached| case.about(&reached))
}

/// SK-E05: always so, where the model asks for tenant control (DOMAIN §2.4).
pub(super) fn unproven_tenant_control(case: &RunCase<'_>) -> Vec<Noted> {
    let is_asked = case
        .has_model(|model, of| model == Model::AlphaPrime && matches!(of, Some(ModelCase::I | ModelCase::U)));
    let proxies = case.policy.hosts().iter().filter(|host| host.role == Role::TenantProxy);
    let ids: Vec<_> = proxies.map(|host| host.id.to_string()).collect();
    is_asked.then(|| Noted::whole("-", format!("proxies={}", ids.join(",")))).into_iter().collect()
}
