//! Checks of a whole run: how well the traffic was seen.

use std::{net::IpAddr, sync::Arc};

use super::{Fire, RUN, Subject, is_enabled};
use crate::{
    ground::model::{
        coverage::Coverage,
        coverage::InputReport,
        finding::{Kind, Severity},
        packet::SensorId,
        tally::Tally,
        verdict::Grade,
    },
    policy::{
        catalog,
        language::{Case as ModelCase, Hints, Model, Policy, Role},
    },
    verdict::across::{Crowd, Memory},
};

/// A run before the checks.
#[derive(Clone, Copy, Debug)]
pub struct RunCase<'a> {
    /// What the flows were held against.
    pub policy: &'a Policy,
    /// Where every frame went.
    pub tally: &'a Tally,
    /// What was looked at.
    pub coverage: &'a Coverage,
    /// What the reader says.
    pub input: &'a InputReport,
    /// Segments that `--scope` promises.
    pub scope: &'a [Arc<str>],
    /// What many flows show together.
    pub crowd: &'a Crowd,
    /// What flows told about others.
    pub memory: &'a Memory,
}

/// One thing that a check of the run says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Noted {
    /// The segment spoken of; empty for none.
    pub(super) segment: Arc<str>,
    /// What it is about: a sensor, a segment, a protocol number.
    pub(super) about: String,
    /// The numbers, as data.
    pub(super) detail: String,
    /// It could not be decided; the detail says why.
    pub(super) is_open: bool,
}

impl Noted {
    /// About the run, not about a segment.
    pub(super) fn whole(about: impl Into<String>, detail: String) -> Self {
        Self { segment: Arc::default(), about: about.into(), detail, is_open: false }
    }
}

impl Noted {
    /// The question cannot be answered, and why.
    pub(super) fn open(about: impl Into<String>, why: String) -> Self {
        Self { is_open: true, ..Self::whole(about, why) }
    }

    /// The same, about a segment.
    pub(super) fn of(self, segment: &Arc<str>) -> Self {
        Self { segment: segment.clone(), ..self }
    }
}

impl RunCase<'_> {
    /// True when some model that the policy declares, at any time, is one of these.
    pub(super) fn has_model(&self, is_it: impl Fn(Model, Option<ModelCase>) -> bool) -> bool {
        let meta = self.policy.meta();
        let epochs = self.policy.epochs();
        is_it(meta.model, meta.case) && epochs.is_empty()
            || epochs.iter().any(|epoch| is_it(epoch.model, epoch.case))
    }

    /// True when the policy knows both addresses as one host, or one of them as a host with several homes.
    pub(super) fn is_at_home_in_both(&self, ends: [IpAddr; 2]) -> bool {
        self.policy.hosts().iter().any(|host| {
            let has = |addr| host.addr.contains(addr);
            ends.iter().all(has) || !host.homes.is_empty() && ends.iter().any(has)
        })
    }

    /// True when a host of one of these roles has the address.
    pub(super) fn has_role(&self, addr: IpAddr, roles: &[Role]) -> bool {
        self.policy.hosts().iter().any(|host| host.addr.contains(&addr) && roles.contains(&host.role))
    }

    /// The segment of an address at the end of the run; empty outside.
    pub(super) fn segment_at(&self, addr: IpAddr) -> Arc<str> {
        let at = self.coverage.last.unwrap_or_default();
        let place = self.policy.end(addr, at, &Hints::default(), &[]).place;
        place.segment().map(|segment| self.policy.segment(segment).id.clone()).unwrap_or_default()
    }

    /// The sensor's id, or `-` for inputs that are bound to none.
    pub(super) fn sensor(&self, id: SensorId) -> String {
        self.policy.sensor(id).map_or_else(|| "-".to_owned(), |sensor| sensor.id.to_string())
    }
}

/// All checks of a run, in the order of ids.
#[must_use]
pub fn run(case: &RunCase<'_>) -> Vec<Fire> {
    let mut fires = Vec::new();
    for (check, speaks) in RUN {
        let setting = case.policy.check(*check);
        let Some(entry) = catalog::by_id(*check) else { continue };
        if !is_enabled(case.policy, *check) {
            continue;
        }
        let usual = if case.policy.is_switched_on(*check) { entry.outer.severity } else { Severity::Info };
        let severity = setting.and_then(|setting| setting.severity).unwrap_or(usual);
        fires.extend(speaks(case).into_iter().map(|noted| Fire {
            check: entry.id,
            severity: if noted.is_open { Severity::Info } else { severity },
            kind: if noted.is_open { Kind::Undecidable } else { entry.outer.kind },
            segment_client: noted.segment,
            segment_server: Arc::default(),
            subject: Subject::Told(noted.about),
            rule: Arc::default(),
            detail: noted.detail,
            attempted: false,
            grade: Grade::G4,
        }));
    }
    fires
}
