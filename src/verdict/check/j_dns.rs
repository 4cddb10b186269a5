//! SK-J: name resolution.

use super::case::{Case, Side, Spoken};
use crate::{
    ground::model::{address::Transport, verdict::Verdict},
    policy::language::{Place, Role},
};

/// DNS (RFC 1035 section 4.2).
pub(super) const PORT: u16 = 53;

/// SK-J01: a query to a server that is not declared as one, where the policy declares any. What a channel allows is
/// declared; the resolvers' own questions are theirs.
pub(super) fn undeclared_resolver(case: &Case<'_>) -> Option<Spoken> {
    let is_unicast = !matches!(case.server.place, Place::Multicast | Place::Broadcast | Place::Unspecified);
    let carries = matches!(case.facts.transport, Transport::UDP | Transport::TCP);
    let is_query = carries && case.facts.server_end().port == PORT && case.speaks(&["dns"], &[PORT]);
    let declares = case.policy.hosts().iter().any(|host| host.role == Role::Dns);
    let is_inside = matches!(case.from, Side::Segment(_));
    let is_declared = case.has_role(&case.server, Role::Dns) || case.has_role(&case.client, Role::Dns);
    let is_allowed = matches!(case.judgement.verdict, Verdict::Conforming | Verdict::Undecidable);
    (is_query && is_unicast && declares && is_inside && !is_declared && !is_allowed)
        .then(|| case.about(&case.reached[0]))
}

/// SK-J02: questions that leave their segment against the policy.
pub(super) fn across_segments(case: &Case<'_>) -> Option<Spoken> {
    let carries = matches!(case.facts.transport, Transport::UDP | Transport::TCP);
    let is_query = carries && case.facts.server_end().port == PORT && case.speaks(&["dns"], &[PORT]);
    let inside = matches!(case.from, Side::Segment(_));
    case.broken_where(|reached| is_query && inside && case.crosses() && reached.side != case.from)
}
