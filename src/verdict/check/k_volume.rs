//! SK-K: volume and time.

use super::case::{Case, Spoken};
use crate::policy::language::{ChannelKind, DestinationKind};

/// SK-K02
pub(super) fn large_upload(case: &Case<'_>) -> Option<Spoken> {
    let is_cloud = case.is_for(&[DestinationKind::CloudComm, DestinationKind::CloudFiles]);
    (is_cloud && case.exceeds(&["max_up_per_flow"])).then(|| case.over_limit()).flatten()
}

/// SK-K03
pub(super) fn much_up_on_updates(case: &Case<'_>) -> Option<Spoken> {
    let is_update = case.is_for(&[DestinationKind::SecurityUpdate])
        || case.channel().is_some_and(|channel| channel.kind == ChannelKind::Update);
    (is_update && case.exceeds(&["max_up_per_flow"])).then(|| case.over_limit()).flatten()
}

/// SK-K08
pub(super) fn outside_hours(case: &Case<'_>) -> Option<Spoken> {
    case.exceeds(&["hours"]).then(|| case.about(&case.reached[0]))
}
