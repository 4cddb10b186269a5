//! Time as packets tell it. Nothing here asks a clock.

use std::fmt;

/// Nanoseconds in one second.
pub const SECOND: i64 = 1_000_000_000;

/// A moment, in nanoseconds since 1970-01-01 00:00:00 UTC, as the capture stamped it.
///
/// The range of an `i64` reaches from 1677 to 2262; a stamp outside it is clamped by the reader, which
/// marks the packet (`time_anomaly`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

/// The distance between two moments in nanoseconds; negative when the clock went backwards.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span(i64);

impl Timestamp {
    /// The first moment that can be told.
    pub const MIN: Self = Self(i64::MIN);
    /// The last moment that can be told.
    pub const MAX: Self = Self(i64::MAX);

    /// The moment this many nanoseconds after the epoch.
    #[must_use]
    pub const fn from_nanos(nanos: i64) -> Self {
        Self(nanos)
    }

    /// The moment this many whole seconds after the epoch (clamped).
    #[must_use]
    pub const fn from_secs(secs: i64) -> Self {
        Self(secs.saturating_mul(SECOND))
    }

    /// Nanoseconds since the epoch.
    #[must_use]
    pub const fn nanos(self) -> i64 {
        self.0
    }

    /// Whole seconds since the epoch, rounded down.
    #[must_use]
    pub const fn secs(self) -> i64 {
        self.0.div_euclid(SECOND)
    }

    /// The number of the minute this moment lies in, counted from the epoch.
    #[must_use]
    pub const fn minute(self) -> i64 {
        self.secs().div_euclid(60)
    }

    /// How long after `earlier` this is; negative when it lies before.
    #[must_use]
    pub const fn since(self, earlier: Self) -> Span {
        Span(self.0.saturating_sub(earlier.0))
    }

    /// The moment this much later (clamped).
    #[must_use]
    pub const fn plus(self, span: Span) -> Self {
        Self(self.0.saturating_add(span.0))
    }

    /// RFC 3339 with nanoseconds in UTC, in ASCII. Moments are written by the million, so this does without the formatting
    /// machinery. All years that can be told have four digits.
    #[must_use]
    pub fn text(self) -> [u8; 30] {
        let (year, month, day) = civil(self.secs().div_euclid(86_400));
        let of_day = self.secs().rem_euclid(86_400);
        let mut text = *b"0000-00-00T00:00:00.000000000Z";
        let places = [
            (year, 0..4),
            (month, 5..7),
            (day, 8..10),
            (of_day / 3600, 11..13),
            (of_day / 60 % 60, 14..16),
            (of_day % 60, 17..19),
            (self.0.rem_euclid(SECOND), 20..29),
        ];
        for (number, place) in places {
            digits(number.unsigned_abs(), &mut text[place]);
        }
        text
    }
}

impl Span {
    /// No time at all.
    pub const ZERO: Self = Self(0);

    /// A distance of so many nanoseconds.
    #[must_use]
    pub const fn from_nanos(nanos: i64) -> Self {
        Self(nanos)
    }

    /// A distance of so many milliseconds (clamped).
    #[must_use]
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis.saturating_mul(1_000_000))
    }

    /// A distance of so many seconds (clamped).
    #[must_use]
    pub const fn from_secs(secs: i64) -> Self {
        Self(secs.saturating_mul(SECOND))
    }

    /// Nanoseconds.
    #[must_use]
    pub const fn nanos(self) -> i64 {
        self.0
    }

    /// The same distance without its sign.
    #[must_use]
    pub const fn abs(self) -> Self {
        Self(self.0.saturating_abs())
    }
}

impl fmt::Display for Timestamp {
    /// RFC 3339 with nanoseconds in UTC, e.g. `2026-04-01T00:00:00.000000000Z`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(std::str::from_utf8(&self.text()).map_err(|_| fmt::Error)?)
    }
}

/// The last digits of a number, with zeros before them where it has fewer.
fn digits(number: u64, places: &mut [u8]) {
    places.iter_mut().rev().fold(number, |left, place| {
        *place = b'0' + (left % 10) as u8;
        left / 10
    });
}

/// Year, month and day of the proleptic Gregorian calendar for a day number counted from 1970-01-01.
///
/// Days are counted in eras of 400 years (146,097 days) whose year begins on 1 March, so that the leap day is
/// the last of its year.
const fn civil(days: i64) -> (i64, i64, i64) {
    let shifted = days + 719_468; // days from 0000-03-01 to 1970-01-01
    let era = shifted.div_euclid(146_097);
    let of_era = shifted.rem_euclid(146_097);
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let march_month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * march_month + 2) / 5 + 1;
    let month = if march_month < 10 { march_month + 3 } else { march_month - 9 };
    let year = year_of_era + era * 400 + if month <= 2 { 1 } else { 0 };
    (year, month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_written_as_rfc_3339_in_utc_with_nanoseconds() {
        assert_eq!(Timestamp::from_nanos(0).to_string(), "1970-01-01T00:00:00.000000000Z");
        assert_eq!(Timestamp::from_nanos(-1).to_string(), "1969-12-31T23:59:59.999999999Z");
        assert_eq!(
            Timestamp::from_nanos(1_709_210_096_000_000_007).to_string(),
            "2024-02-29T12:34:56.000000007Z"
        );
        assert_eq!(Timestamp::from_secs(4_102_444_800).to_string(), "2100-01-01T00:00:00.000000000Z");
        assert_eq!(Timestamp::MIN.to_string(), "1677-09-21T00:12:43.145224192Z");
        assert_eq!(Timestamp::MAX.to_string(), "2262-04-11T23:47:16.854775807Z");
    }

    #[test]
    fn distances_keep_their_sign_and_never_overflow() {
        let early = Timestamp::from_secs(10);
        let late = Timestamp::from_secs(12);
        assert_eq!(late.since(early), Span::from_secs(2));
        assert_eq!(early.since(late), Span::from_secs(-2));
        assert_eq!(Timestamp::MAX.since(Timestamp::MIN).nanos(), i64::MAX);
        assert_eq!(Timestamp::MAX.plus(Span::from_secs(1)), Timestamp::MAX);
    }
}
