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
    all.extend(objects.paths.iter().flat_map(|object| periods(&object.periods)));
    let mut borders: Vec<_> = all.into_iter().flat_map(|period| [period.from, period.until]).collect();
    let registrations = objects.destinations.iter().filter_map(|object| object.ismap.as_ref());
    borders.extend(registrations.filter_map(|ismap| ismap.valid_until));
    borders.sort_unstable();
    borders.dedup();
    borders.retain(|border| *border != Timestamp::MIN && *border != Timestamp::MAX);
    borders
}

#[cfg(test)]
mod tests {
    use super::super::twins::{at, twin};
    use super::*;

    #[test]
    fn rule_21_the_policy_holds_through_the_whole_last_second() {
        let policy = twin("minato_alpha.toml");
        assert!(policy.in_force(at("2027-03-31T23:59:59.999999999+09:00")).holds);
        assert!(!policy.in_force(at("2027-04-01T00:00:00+09:00")).holds);
        assert!(!policy.in_force(at("2026-03-31T23:59:59+09:00")).holds);
    }

    #[test]
    fn rule_21_a_moment_within_two_minutes_of_a_border_has_two_sides() {
        let policy = twin("minato_beta_prime.toml");
        let border = |text: &str| policy.in_force(at(text)).border;
        let midnight = at("2026-10-01T00:00:00+09:00");
        let before = Timestamp::from_nanos(midnight.nanos() - 1);
        assert_eq!(border("2026-09-30T23:58:00+09:00"), Some((before, midnight)));
        assert_eq!(border("2026-10-01T00:02:00+09:00"), Some((before, midnight)));
        assert_eq!(border("2026-09-30T23:57:59.999999999+09:00"), None);
        assert_eq!(border("2026-10-01T00:02:00.000000001+09:00"), None);
    }

    #[test]
    fn rule_21_inside_a_migration_window_channels_of_both_ends_hold() {
        let policy = twin("minato_beta_prime.toml");
        let holds = |id: &str, text: &str| {
            let channel = policy.channels().iter().find(|channel| &*channel.id == id).unwrap();
            channel.periods.contains(at(text))
        };
        let (evening, morning) = ("2026-09-30T20:00:00+09:00", "2026-10-01T05:59:59.9+09:00");
        for moment in [evening, morning] {
            assert!(policy.in_force(at(moment)).migrating);
            assert!(holds("o-asp", moment) && holds("o-web", moment) && holds("g-asp", moment));
        }
        assert!(!holds("g-asp", "2026-09-30T19:59:59+09:00") && !holds("o-web", "2026-10-01T06:00:00+09:00"));
    }

    #[test]
    fn rule_21_the_model_is_that_of_the_epoch_and_a_flow_learns_each_border_it_crosses() {
        let policy = twin("minato_beta_prime.toml");
        assert_eq!(policy.model_at(at("2026-09-30T21:00:00+09:00")).0, Model::Alpha);
        assert_eq!(policy.model_at(at("2026-10-01T00:00:00+09:00")).0, Model::BetaPrime);
        let crossed =
            policy.borders_between(at("2026-09-30T19:00:00+09:00"), at("2026-10-01T07:00:00+09:00"));
        let expected =
            ["2026-09-30T20:00:00+09:00", "2026-10-01T00:00:00+09:00", "2026-10-01T06:00:00+09:00"];
        assert_eq!(crossed, expected.map(at));
    }
}
