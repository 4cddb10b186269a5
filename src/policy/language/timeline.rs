//! What is in force when: epochs, migration windows and the borders between rules (RULES 21).

use super::{
    compiled::{Objects, Policy},
    item::EpochIndex,
    period::{Period, Periods},
    vocabulary::{Case, Model},
};
use crate::ground::model::{limits::EPOCH_BORDER, time::Timestamp};

/// What is in force at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InForce {
    /// False when no policy holds: before its first or after its last moment, or between two epochs.
    pub holds: bool,
    /// The epochs, in the order of the files; empty where the policy has none.
    pub epochs: Vec<EpochIndex>,
    /// True inside a migration window: the flow is marked 移行中.
    pub migrating: bool,
    /// The model declared for the moment.
    pub model: Model,
    /// Its case.
    pub case: Option<Case>,
    /// Set within two minutes of a border between rules: a moment on each side of it. Only a verdict that is the
    /// same on both sides stands.
    pub border: Option<(Timestamp, Timestamp)>,
}

impl Policy {
    /// What is in force at this moment.
    #[must_use]
    pub fn in_force(&self, at: Timestamp) -> InForce {
        let epochs: Vec<_> = (0u16..)
            .zip(self.epochs())
            .filter(|(_, epoch)| epoch.period.contains(at))
            .map(|(number, _)| EpochIndex(number))
            .collect();
        let covered = self.epochs().is_empty() || !epochs.is_empty();
        let (model, case) = self.model_at(at);
        InForce {
            holds: self.meta().period.contains(at) && covered,
            migrating: epochs.iter().any(|epoch| self.epoch(*epoch).model == Model::Migration),
            epochs,
            model,
            case,
            border: self.border_near(at),
        }
    }

    /// The model declared for a moment: that of the first epoch which is no migration window, else the policy's own.
    #[must_use]
    pub fn model_at(&self, at: Timestamp) -> (Model, Option<Case>) {
        let declared =
            self.epochs().iter().find(|epoch| epoch.model != Model::Migration && epoch.period.contains(at));
        let own = (self.objects.meta.model, self.objects.meta.case);
        declared.map_or(own, |epoch| (epoch.model, epoch.case))
    }

    /// The moments after `first` and up to `last` from which some rule begins to hold or no longer holds: a flow is
    /// judged again at each that it has packets beyond.
    #[must_use]
    pub fn borders_between(&self, first: Timestamp, last: Timestamp) -> &[Timestamp] {
        let start = self.borders.partition_point(|border| *border <= first);
        let end = self.borders.partition_point(|border| *border <= last);
        self.borders.get(start..end).unwrap_or_default()
    }

    fn border_near(&self, at: Timestamp) -> Option<(Timestamp, Timestamp)> {
        let doubt = EPOCH_BORDER.nanos();
        let from = Timestamp::from_nanos(at.nanos().saturating_sub(doubt).saturating_sub(1));
        let near = self.borders_between(from, Timestamp::from_nanos(at.nanos().saturating_add(doubt)));
        let (first, last) = (near.first()?, near.last()?);
        Some((Timestamp::from_nanos(first.nanos().saturating_sub(1)), *last))
    }
}

/// When a channel holds: in its period and epochs, and in every migration window at either end of which it does.
pub(super) fn with_windows(own: &Periods, epochs: impl Iterator<Item = (Model, Period)>) -> Periods {
    let windows = epochs.filter(|(model, window)| {
        *model == Model::Migration && (own.contains(window.from) || own.contains(window.last()))
    });
    let windows: Vec<_> = windows.map(|(_, window)| window).collect();
    Periods::union(own.iter().copied().chain(windows))
}

/// Every moment at which something begins or ends, in order, each once.
pub(super) fn borders(objects: &Objects) -> Vec<Timestamp> {
    let periods = |periods: &Periods| periods.iter().copied().collect::<Vec<_>>();
    let mut all = vec![objects.meta.period];
    all.extend(objects.epochs.iter().map(|epoch| epoch.period));
    all.extend(objects.segments.iter().flat_map(|object| periods(&object.periods)));
    all.extend(objects.zones.iter().flat_map(|object| periods(&object.periods)));
    all.extend(objects.hosts.iter().flat_map(|object| periods(&object.periods)));
    all.extend(objects.destinations.iter().flat_map(|object| periods(&object.periods)));
    all.extend(objects.channels.iter().flat_map(|object| periods(&object.periods)));
    all.extend(objects.forbids.iter().flat_map(|object| periods(&object.periods)));
    let mut borders: Vec<_> = all.into_iter().flat_map(|period| [period.from, period.until]).collect();
    borders.sort_unstable();
    borders.dedup();
    borders.retain(|border| *border != Timestamp::MIN && *border != Timestamp::MAX);
    borders
}
