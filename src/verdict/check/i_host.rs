//! SK-I: hosts and the link layer.

use std::{collections::BTreeMap, net::IpAddr, sync::Arc};

use super::{
    case::{Case, Spoken},
    run::{Noted, RunCase},
};
use crate::{
    ground::{model::verdict::FaultKind, words::escape},
    policy::language::Hints,
};

/// SK-I09
pub(super) fn ipv6(case: &Case<'_>) -> Option<Spoken> {
    case.broken_where(|reached| reached.has(FaultKind::Ipv6))
}

/// SK-I01: one link address, or one name that hosts give themselves, in two segments. Hosts with several homes on purpose
/// are left out.
pub(super) fn in_two_segments(case: &RunCase<'_>) -> Vec<Noted> {
    if case.crowd.stations.overflow {
        return vec![Noted::open("-", "too_many_link_addresses".to_owned())];
    }
    let mut found = Vec::new();
    for (mac, [(one, first), (other, second)]) in case.crowd.stations.in_two_places() {
        let both =
            [&one, &other].map(|place| case.policy.segments().iter().any(|segment| segment.id == *place));
        if both == [true, true] && !case.is_at_home_in_both([first, second]) {
            found.push(Noted::whole(mac.to_string(), format!("{one}={first} {other}={second}")).of(&one));
        }
    }
    found.extend(by_label(case));
    found
}

fn by_label(case: &RunCase<'_>) -> Vec<Noted> {
    let mut labels: BTreeMap<&[u8], BTreeMap<Arc<str>, IpAddr>> = BTreeMap::new();
    let at = case.coverage.last.unwrap_or_default();
    for (addr, names) in case.memory.labelled() {
        let end = case.policy.end(addr, at, &Hints::default(), &[]);
        let Some(segment) = end.place.segment() else { continue };
        let segment = &case.policy.segment(segment).id;
        for name in names {
            labels.entry(name).or_default().entry(segment.clone()).or_insert(addr);
        }
    }
    let twice = labels.into_iter().filter(|(_, places)| places.len() > 1);
    twice
        .filter_map(|(label, places)| {
            let mut ends = places.iter();
            let ((one, first), (other, second)) = (ends.next()?, ends.next()?);
            let is_meant = case.is_at_home_in_both([*first, *second]);
            let told =
                || Noted::whole(escape::bytes(label), format!("{one}={first} {other}={second}")).of(one);
            (!is_meant).then(told)
        })
        .collect()
}
