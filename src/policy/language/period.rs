//! Stretches of time: when an object of the policy holds.

use crate::ground::model::time::{SECOND, Timestamp};

/// From a moment, included, until another, excluded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Period {
    /// The first moment.
    pub from: Timestamp,
    /// The first moment after it.
    pub until: Timestamp,
}

impl Period {
    /// All of time.
    pub const ALWAYS: Self = Self { from: Timestamp::MIN, until: Timestamp::MAX };

    /// From `first` to `last`, whose whole last second belongs to it (RULES 21).
    #[must_use]
    pub const fn including(first: Timestamp, last: Timestamp) -> Self {
        let until = Timestamp::from_secs(last.secs().saturating_add(1));
        Self { from: first, until }
    }

    /// True when the moment lies in it.
    #[must_use]
    pub fn contains(&self, at: Timestamp) -> bool {
        self.from <= at && at < self.until
    }

    /// True when it holds no moment at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.from >= self.until
    }

    /// The moments of both.
    #[must_use]
    pub fn and(&self, other: &Self) -> Self {
        Self { from: self.from.max(other.from), until: self.until.min(other.until) }
    }

    /// The last nanosecond of it.
    #[must_use]
    pub const fn last(&self) -> Timestamp {
        Timestamp::from_nanos(self.until.nanos().saturating_sub(1))
    }

    /// The last whole second of it, as a policy writes `valid_until`.
    #[must_use]
    pub const fn last_second(&self) -> Timestamp {
        Timestamp::from_nanos(self.until.nanos().saturating_sub(SECOND))
    }
}

/// Periods in order, none touching another.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Periods(Vec<Period>);

impl Periods {
    /// All of time.
    #[must_use]
    pub fn always() -> Self {
        Self(vec![Period::ALWAYS])
    }

    /// The union of these.
    #[must_use]
    pub fn union(all: impl IntoIterator<Item = Period>) -> Self {
        let mut all: Vec<_> = all.into_iter().filter(|period| !period.is_empty()).collect();
        all.sort_unstable();
        let mut joined: Vec<Period> = Vec::with_capacity(all.len());
        for period in all {
            match joined.last_mut() {
                Some(last) if period.from <= last.until => last.until = last.until.max(period.until),
                _ => joined.push(period),
            }
        }
        Self(joined)
    }

    /// The moments of both.
    #[must_use]
    pub fn and(&self, other: &Self) -> Self {
        Self::union(self.0.iter().flat_map(|one| other.0.iter().map(move |two| one.and(two))))
    }

    /// True when the moment lies in one of them.
    #[must_use]
    pub fn contains(&self, at: Timestamp) -> bool {
        self.0.iter().any(|period| period.contains(at))
    }

    /// True when both hold at some moment.
    #[must_use]
    pub fn meet(&self, other: &Self) -> bool {
        !self.and(other).0.is_empty()
    }

    /// One by one, in order.
    pub fn iter(&self) -> impl Iterator<Item = &Period> {
        self.0.iter()
    }
}

/// A time of day, `[from, until)` in minutes after midnight; `from > until` wraps midnight.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hours {
    /// The first minute, 0 to 1439.
    pub from: u16,
    /// The first minute after it, 0 to 1440.
    pub until: u16,
}

impl Hours {
    /// True when the minute of the day lies in it.
    #[must_use]
    pub const fn contains(self, minute: u16) -> bool {
        if self.from <= self.until {
            self.from <= minute && minute < self.until
        } else {
            self.from <= minute || minute < self.until
        }
    }
}

impl std::str::FromStr for Hours {
    type Err = ();

    /// `06:30-23:00`, `22:00-05:00`; `24:00` only as the end. Nothing else, and no empty span.
    fn from_str(text: &str) -> Result<Self, ()> {
        let minute = |text: &str| {
            let (hour, minute) = text.split_once(':').filter(|_| text.len() == 5)?;
            let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
            let (hour, minute): (u16, u16) = (
                digits(hour).then_some(hour)?.parse().ok()?,
                digits(minute).then_some(minute)?.parse().ok()?,
            );
            (minute < 60 && (hour < 24 || hour == 24 && minute == 0)).then_some(hour * 60 + minute)
        };
        let (from, until) = text.split_once('-').ok_or(())?;
        let (from, until) = (minute(from).ok_or(())?, minute(until).ok_or(())?);
        if from == until || from == 1440 { Err(()) } else { Ok(Self { from, until }) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn valid_until_includes_its_whole_last_second() {
        let period = Period::including(Timestamp::from_secs(100), Timestamp::from_secs(199));
        assert!(period.contains(Timestamp::from_nanos(200 * SECOND - 1)));
        assert!(!period.contains(Timestamp::from_secs(200)));
        assert!(period.contains(Timestamp::from_secs(100)) && !period.contains(Timestamp::from_secs(99)));
        assert_eq!(period.last_second(), Timestamp::from_secs(199));
    }

    #[test]
    fn periods_that_touch_are_one_and_periods_that_do_not_stay_two() {
        let secs =
            |from, until| Period { from: Timestamp::from_secs(from), until: Timestamp::from_secs(until) };
        let joined = Periods::union([secs(5, 9), secs(0, 3), secs(3, 4)]);
        assert_eq!(joined.iter().copied().collect::<Vec<_>>(), [secs(0, 4), secs(5, 9)]);
        assert!(!joined.contains(Timestamp::from_secs(4)) && joined.contains(Timestamp::from_secs(8)));
        assert!(!joined.meet(&Periods::union([secs(4, 5)])));
    }

    #[test]
    fn hours_take_their_start_leave_their_end_and_may_wrap_midnight() {
        let day: Hours = "06:30-23:00".parse().unwrap();
        assert!(day.contains(390) && day.contains(1379) && !day.contains(1380) && !day.contains(389));
        let night: Hours = "22:00-05:00".parse().unwrap();
        assert!(night.contains(1320) && night.contains(0) && !night.contains(300) && !night.contains(1319));
        let evening: Hours = "18:00-24:00".parse().unwrap();
        assert!(evening.contains(1439) && !evening.contains(0));
        for text in
            ["6:30-23:00", "06:30", "06:60-07:00", "25:00-26:00", "08:00-08:00", "24:00-08:00", "+6:30-07:00"]
        {
            assert!(text.parse::<Hours>().is_err(), "{text}");
        }
    }
}
