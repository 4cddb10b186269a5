//! Sizes as people write them: one form, and one text about what is none, for every option that takes one.

use std::{fmt, ops::RangeInclusive};

/// Bytes, as typed: `64M`, `64MiB`, `2g`, `1048576`. Powers of 1,024.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Size(pub(super) u64);

/// Letters of the units and the powers of two that they stand for, largest first.
const UNITS: [(char, u32); 4] = [('T', 40), ('G', 30), ('M', 20), ('K', 10)];

impl Size {
    /// A number, with a unit right behind it or none.
    fn parse(text: &str) -> Option<Self> {
        let digits = text.bytes().take_while(u8::is_ascii_digit).count();
        let (number, unit) = text.split_at_checked(digits)?;
        let shift = match unit.strip_suffix("iB").unwrap_or(unit) {
            "" if unit.is_empty() => 0,
            letter => UNITS.iter().find(|(known, _)| letter.eq_ignore_ascii_case(&known.to_string()))?.1,
        };
        number.parse::<u64>().ok()?.checked_mul(1 << shift).map(Self)
    }

    /// As a length in memory.
    #[must_use]
    pub(super) fn len(self) -> usize {
        usize::try_from(self.0).unwrap_or(usize::MAX)
    }
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match UNITS.iter().find(|(_, shift)| self.0 > 0 && self.0.trailing_zeros() >= *shift) {
            Some((letter, shift)) => write!(f, "{}{letter}", self.0 >> shift),
            None => write!(f, "{}", self.0),
        }
    }
}

/// Reads the sizes that an option takes; `example` is one of them.
pub(super) fn within(
    bounds: RangeInclusive<u64>,
    example: &'static str,
) -> impl Fn(&str) -> Result<Size, String> + Clone + Send + Sync + 'static {
    move |text| {
        let size = Size::parse(text).filter(|size| bounds.contains(&size.0));
        size.ok_or_else(|| {
            let (least, most) = (Size(*bounds.start()), Size(*bounds.end()));
            let (most_ja, most_en) = match most {
                Size(u64::MAX) => (String::new(), String::new()),
                most => (format!("{most} まで"), format!(" to {most}")),
            };
            format!(
                "{least} から{most_ja}の大きさを {example} のように書いてください(K、M、G、T は1,024倍ずつ) / write a size \
                 from {least}{most_en}, such as {example} (K, M, G and T are powers of 1,024)"
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EVERY: RangeInclusive<u64> = 0..=u64::MAX;

    #[test]
    fn a_size_is_a_number_with_a_unit_of_1024() {
        for (text, bytes) in [
            ("64M", Some(64 << 20)),
            ("64MiB", Some(64 << 20)),
            ("1g", Some(1 << 30)),
            ("512k", Some(512 << 10)),
            ("1T", Some(1 << 40)),
            ("67108864", Some(64 << 20)),
            ("", None),
            ("M", None),
            ("iB", None),
            ("4iB", None),
            ("4 G", None),
            ("64mb", None),
            ("64MB", None),
            ("-4G", None),
            ("4.5G", None),
            ("4X", None),
            ("99999999999999999999", None),
            ("18014398509481984K", None),
        ] {
            assert_eq!(within(EVERY, "1M")(text).ok(), bytes.map(Size), "{text}");
        }
    }

    #[test]
    fn a_size_is_shown_as_it_can_be_typed() {
        for text in ["64K", "2047M", "1T", "3G", "1025", "0"] {
            assert_eq!(Size::parse(text).unwrap().to_string(), text);
        }
    }

    #[test]
    fn a_size_out_of_bounds_is_refused_with_the_bounds_and_an_example() {
        let ring = within(1 << 20..=2_047 << 20, "64M");
        for wrong in ["512K", "2G", "lots"] {
            let told = ring(wrong).unwrap_err();
            assert!(
                told.contains("1M から2047M まで") && told.contains("from 1M to 2047M, such as 64M"),
                "{told}"
            );
        }
        let open = within(64 << 10..=u64::MAX, "256M")("1").unwrap_err();
        assert!(open.contains("from 64K, such as 256M") && open.contains("64K からの大きさ"), "{open}");
    }
}
