//! Names as policies and providers' lists write them: exact, or `*.` in front for one or more labels. No regular
//! expressions.

use std::fmt;

use super::name::{HostName, Malformed};

/// A name, or all names below it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NamePattern {
    name: HostName,
    star: bool,
}

/// Why a text is no pattern. The reader of the policy adds the place and the remedy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BadPattern {
    /// Letters beyond ASCII: to be written as A-label.
    NotAscii,
    /// A scheme, path, port or user: only the host part can be checked.
    Url,
    /// A star anywhere but in front of the first dot.
    Star,
    /// Capital letters: names are written in lower case.
    Capital,
    /// An address stands where a name belongs.
    Address,
    /// Not a host name.
    Name,
}

impl NamePattern {
    /// Reads a pattern.
    ///
    /// # Errors
    /// When the text is no lower-case host name, with or without `*.` in front.
    pub fn new(text: &str) -> Result<Self, BadPattern> {
        if !text.is_ascii() {
            return Err(BadPattern::NotAscii);
        }
        if text.contains(['/', ':', '?', '#', '@']) {
            let is_address = text.parse::<std::net::Ipv6Addr>().is_ok()
                || text.split_once('/').is_some_and(|(addr, _)| addr.parse::<std::net::IpAddr>().is_ok());
            return Err(if is_address { BadPattern::Address } else { BadPattern::Url });
        }
        let (star, rest) = text.strip_prefix("*.").map_or((false, text), |rest| (true, rest));
        if rest.contains('*') {
            return Err(BadPattern::Star);
        }
        if rest.bytes().any(|byte| byte.is_ascii_uppercase()) {
            return Err(BadPattern::Capital);
        }
        let name = HostName::new(rest.as_bytes());
        match name.malformed() {
            None => Ok(Self { name, star }),
            Some(Malformed::IpLiteral) => Err(BadPattern::Address),
            Some(_) => Err(BadPattern::Name),
        }
    }

    /// True when it stands for all names below, and not for the name itself.
    #[must_use]
    pub const fn is_wildcard(&self) -> bool {
        self.star
    }

    /// The name without the star.
    #[must_use]
    pub const fn base(&self) -> &HostName {
        &self.name
    }

    /// True when the name is this one, or lies below it by whole labels. A malformed name matches nothing.
    #[must_use]
    pub fn matches(&self, name: &HostName) -> bool {
        if name.malformed().is_some() {
            return false;
        }
        if !self.star {
            return *name == self.name;
        }
        let below = name.bytes().strip_suffix(self.name.bytes());
        below.is_some_and(|front| front.len() > 1 && front.last() == Some(&b'.'))
    }

    /// True when some name matches both.
    #[must_use]
    pub fn overlaps(&self, other: &Self) -> bool {
        match (self.star, other.star) {
            (false, _) => other.matches(&self.name),
            (true, false) => self.matches(&other.name),
            (true, true) => self.name == other.name || self.matches(&other.name) || other.matches(&self.name),
        }
    }
}

impl fmt::Display for NamePattern {
    /// As it was written. Its bytes were checked: lower-case ASCII letters, digits, `-`, `_` and dots.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.star {
            f.write_str("*.")?;
        }
        f.write_str(&String::from_utf8_lossy(self.name.bytes()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_one_or_more_labels_and_a_dot_is_never_forgotten() {
        let pattern = NamePattern::new("*.cloud.example").unwrap();
        let matches = |name: &str| pattern.matches(&HostName::new(name.as_bytes()));
        assert!(matches("a.cloud.example") && matches("a.b.cloud.example") && matches("A.Cloud.Example."));
        assert!(!matches("cloud.example") && !matches("evilcloud.example") && !matches(".cloud.example"));
        let exact = NamePattern::new("cloud.example").unwrap();
        assert!(exact.matches(&HostName::new(b"cloud.example")));
        assert!(!exact.matches(&HostName::new(b"a.cloud.example")));
    }

    #[test]
    fn what_is_no_pattern_is_refused_for_its_own_reason() {
        for (text, reason) in [
            ("みなと.example", BadPattern::NotAscii),
            ("https://cloud.example/path", BadPattern::Url),
            ("cloud.example:443", BadPattern::Url),
            ("meet.*.example", BadPattern::Star),
            ("*", BadPattern::Star),
            ("*cloud.example", BadPattern::Star),
            ("Cloud.example", BadPattern::Capital),
            ("192.0.2.1", BadPattern::Address),
            ("192.0.2.0/24", BadPattern::Address),
            ("2001:db8::1", BadPattern::Address),
            ("cloud..example", BadPattern::Name),
            ("", BadPattern::Name),
            ("*.", BadPattern::Name),
        ] {
            assert_eq!(NamePattern::new(text), Err(reason), "{text}");
        }
    }
}
