//! Time as a city's clocks show it: zones, days, hours of the day. Home of `jiff`; still nothing asks a clock.

use std::fmt;

use jiff::{
    civil,
    tz::{self, TimeZone},
};

use crate::ground::model::time::Timestamp;

/// A time zone by its IANA name, from the tables inside the program: no file of the system is read.
#[derive(Clone, Debug)]
pub struct LocalClock {
    zone: TimeZone,
}

impl LocalClock {
    /// The clock of a zone such as `Asia/Tokyo`; `None` for a name that the tables do not have.
    #[must_use]
    pub fn new(name: &str) -> Option<Self> {
        tz::TimeZoneDatabase::bundled().get(name).ok().map(|zone| Self { zone })
    }

    fn local(&self, at: Timestamp) -> civil::DateTime {
        // A jiff stamp reaches from year -9999 to 9999 and so holds every Timestamp.
        let stamp = jiff::Timestamp::from_nanosecond(i128::from(at.nanos())).unwrap_or_default();
        self.zone.to_datetime(stamp)
    }

    /// Minutes since local midnight, 0 to 1439.
    #[must_use]
    pub fn minute_of_day(&self, at: Timestamp) -> u16 {
        let local = self.local(at);
        u16::from(local.hour().unsigned_abs()) * 60 + u16::from(local.minute().unsigned_abs())
    }

    /// Year, month and day there.
    #[must_use]
    pub fn date(&self, at: Timestamp) -> (i16, i8, i8) {
        let local = self.local(at);
        (local.year(), local.month(), local.day())
    }

    /// The day there.
    #[must_use]
    pub fn day(&self, at: Timestamp) -> Day {
        Day(self.local(at).date())
    }

    /// A time of the day there as RFC 3339 with the offset of that moment; `None` when there is no such time.
    #[must_use]
    pub fn stamp(&self, day: Day, (hour, minute, second): (i8, i8, i8)) -> Option<String> {
        let time = civil::Time::new(hour, minute, second, 0).ok()?;
        let zoned = self.zone.to_zoned(day.0.to_datetime(time)).ok()?;
        Some(zoned.strftime("%Y-%m-%dT%H:%M:%S%:z").to_string())
    }

    /// The first moment of the day after this one; `None` when no [`Timestamp`] can hold it.
    #[must_use]
    pub fn end_of(&self, day: Day) -> Option<Timestamp> {
        let next = day.0.tomorrow().ok()?;
        let stamp = self.zone.to_zoned(next.to_datetime(civil::Time::midnight())).ok()?.timestamp();
        i64::try_from(stamp.as_nanosecond()).ok().map(Timestamp::from_nanos)
    }
}

/// A day of the calendar, wherever it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Day(civil::Date);

impl Day {
    /// The day of a date; `None` when there is no such date.
    #[must_use]
    pub fn new(year: i16, month: i8, day: i8) -> Option<Self> {
        civil::Date::new(year, month, day).ok().map(Self)
    }

    /// The day that a text begins with: `2026-06-07`, whatever time follows.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        let date = text.get(..10)?;
        let is_plain = date.bytes().enumerate().all(|(place, byte)| match place {
            4 | 7 => byte == b'-',
            _ => byte.is_ascii_digit(),
        });
        let mut parts = date.split('-').filter(|_| is_plain);
        Self::new(parts.next()?.parse().ok()?, parts.next()?.parse().ok()?, parts.next()?.parse().ok()?)
    }

    /// Its year and month.
    #[must_use]
    pub fn month(self) -> (i16, i8) {
        (self.0.year(), self.0.month())
    }

    /// How many days a month has.
    #[must_use]
    pub fn days_in((year, month): (i16, i8)) -> Option<i64> {
        civil::Date::new(year, month, 1).ok().map(|first| i64::from(first.days_in_month()))
    }

    /// How many days it lies behind another; negative when before it.
    #[must_use]
    pub fn days_since(self, earlier: Self) -> i64 {
        // Both lie in the years -9999 to 9999.
        earlier.0.until(self.0).map_or(0, |span| i64::from(span.get_days()))
    }
}

impl fmt::Display for Day {
    /// `2026-06-07`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Reads RFC 3339 with an offset; `None` for anything else, and for moments that a [`Timestamp`] cannot hold.
#[must_use]
pub fn parse_stamp(text: &str) -> Option<Timestamp> {
    let stamp: jiff::Timestamp = text.parse().ok()?;
    i64::try_from(stamp.as_nanosecond()).ok().map(Timestamp::from_nanos)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        parse_stamp(text).unwrap()
    }

    #[test]
    fn the_minute_of_the_day_is_that_of_the_zone() {
        let tokyo = LocalClock::new("Asia/Tokyo").unwrap();
        assert_eq!(tokyo.minute_of_day(at("2026-03-31T21:30:59Z")), 6 * 60 + 30);
        assert_eq!(tokyo.minute_of_day(at("2026-04-01T00:00:00+09:00")), 0);
        assert_eq!(tokyo.minute_of_day(Timestamp::from_nanos(-1)), 8 * 60 + 59);
        assert_eq!(tokyo.date(at("2026-03-31T15:00:00Z")), (2026, 4, 1));
        assert!(LocalClock::new("Asia/Edo").is_none());
    }

    #[test]
    fn a_zone_with_summer_time_shifts_by_its_own_rules() {
        let berlin = LocalClock::new("Europe/Berlin").unwrap();
        assert_eq!(berlin.minute_of_day(at("2026-01-15T11:00:00Z")), 12 * 60);
        assert_eq!(berlin.minute_of_day(at("2026-07-15T11:00:00Z")), 13 * 60);
    }

    #[test]
    fn a_day_ends_at_the_next_local_midnight() {
        let tokyo = LocalClock::new("Asia/Tokyo").unwrap();
        assert_eq!(tokyo.end_of(Day::new(2027, 1, 31).unwrap()), Some(at("2027-02-01T00:00:00+09:00")));
        assert_eq!(Day::new(2027, 2, 30), None);
    }

    #[test]
    fn a_day_is_what_a_text_begins_with_and_days_are_counted_over_leap_years() {
        let day = |text: &str| Day::read(text).unwrap();
        assert_eq!(day("2026-06-07T23:59:59.5").to_string(), "2026-06-07");
        assert_eq!(day("2028-03-01").days_since(day("2028-02-28")), 2);
        assert_eq!(day("2026-01-01").days_since(day("2026-12-31")), -364);
        let tokyo = LocalClock::new("Asia/Tokyo").unwrap();
        assert_eq!(tokyo.day(at("2026-03-31T15:00:00Z")), day("2026-04-01"));
        for text in ["", "2026-6-7", "2026-02-30", "-026-06-07", "20260607--", "２026-06-0"] {
            assert_eq!(Day::read(text), None, "{text}");
        }
    }

    #[test]
    fn every_moment_that_a_capture_can_tell_has_a_local_time() {
        let tokyo = LocalClock::new("Asia/Tokyo").unwrap();
        assert!(tokyo.minute_of_day(Timestamp::MIN) < 1440 && tokyo.minute_of_day(Timestamp::MAX) < 1440);
    }
}
