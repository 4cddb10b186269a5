//! Names that strangers sent: compared as bytes, label by label, never repaired and never printed raw.

/// Longest name in bytes, without the root's dot (RFC 1035 section 2.3.4: 255 octets on the wire).
pub const NAME_LEN_MAX: usize = 253;
/// Longest label (RFC 1035 section 2.3.4).
pub const LABEL_LEN_MAX: usize = 63;
/// Bytes kept of a name that is longer than any name may be.
pub const RAW_KEPT_MAX: usize = 512;

/// What is wrong with a name, when something is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Malformed {
    /// No bytes at all.
    Empty,
    /// Longer than a name may be.
    TooLong,
    /// A label is empty or longer than 63 bytes.
    Label,
    /// A byte outside `[a-z0-9-_.]`, NUL and UTF-8 included.
    Byte,
    /// An IP address stands where a name belongs (RFC 6066 section 3 forbids it in SNI).
    IpLiteral,
}

/// A host name as it was seen: ASCII letters lowered, one trailing dot removed, nothing else changed.
///
/// It has no `Display` on purpose: `words::escape` is the only way to a reader's eyes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HostName {
    bytes: Box<[u8]>,
    malformed: Option<Malformed>,
}

impl HostName {
    /// Takes the bytes as they were on the wire.
    #[must_use]
    pub fn new(raw: &[u8]) -> Self {
        let kept = match raw.get(..RAW_KEPT_MAX) {
            Some(kept) if raw.len() > RAW_KEPT_MAX => kept,
            _ => raw.strip_suffix(b".").unwrap_or(raw),
        };
        let mut bytes: Box<[u8]> = kept.into();
        bytes.make_ascii_lowercase();
        let malformed = Self::fault(&bytes);
        Self { bytes, malformed }
    }

    /// A name that was taken before, with the fault that was found then.
    pub(super) fn as_kept(bytes: &[u8], malformed: Option<Malformed>) -> Self {
        Self { bytes: bytes.into(), malformed }
    }

    fn fault(bytes: &[u8]) -> Option<Malformed> {
        if bytes.is_empty() {
            return Some(Malformed::Empty);
        }
        if bytes.len() > NAME_LEN_MAX {
            return Some(Malformed::TooLong);
        }
        let is_plain = |byte: &u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.');
        let is_plain = bytes.iter().fold(true, |all, byte| all & is_plain(byte));
        // An address without a colon and brackets ends in a number.
        if !is_plain
            && std::str::from_utf8(bytes)
                .is_ok_and(|text| text.trim_matches(['[', ']']).parse::<std::net::IpAddr>().is_ok())
        {
            return Some(Malformed::IpLiteral);
        }
        // No top-level domain is a number (RFC 3696 section 2): resolvers take 010.10.1.1, 168427777 and 0xa0a0101 for
        // addresses, and not all of them for the same one.
        if bytes.rsplit(|byte| *byte == b'.').next().is_some_and(is_number) {
            return Some(Malformed::IpLiteral);
        }
        if !is_plain {
            return Some(Malformed::Byte);
        }
        bytes
            .split(|byte| *byte == b'.')
            .any(|label| label.is_empty() || label.len() > LABEL_LEN_MAX)
            .then_some(Malformed::Label)
    }

    /// The bytes, lowered, without a trailing dot.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// What is wrong with it; `None` for a name that a policy can list.
    #[must_use]
    pub const fn malformed(&self) -> Option<Malformed> {
        self.malformed
    }

    /// The labels from the right: `example`, `cloud`, `meet`.
    pub fn labels(&self) -> impl Iterator<Item = &[u8]> {
        self.bytes.rsplit(|byte| *byte == b'.')
    }

    /// The address, where the text is one.
    #[must_use]
    pub fn as_ip(&self) -> Option<std::net::IpAddr> {
        std::str::from_utf8(&self.bytes).ok()?.trim_matches(['[', ']']).parse().ok()
    }
}

/// Decimal digits, or hexadecimal ones behind `0x`.
fn is_number(label: &[u8]) -> bool {
    match label.strip_prefix(b"0x") {
        Some(digits) => digits.iter().all(u8::is_ascii_hexdigit),
        None => !label.is_empty() && label.iter().all(u8::is_ascii_digit),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_and_one_trailing_dot_do_not_make_another_name() {
        assert_eq!(HostName::new(b"MEET.Cloud.Example."), HostName::new(b"meet.cloud.example"));
        assert_ne!(HostName::new(b"meet.cloud.example.."), HostName::new(b"meet.cloud.example"));
        assert_eq!(HostName::new(b"meet.cloud.example..").malformed(), Some(Malformed::Label));
    }

    #[test]
    fn what_no_policy_can_list_is_marked_and_kept_as_it_was() {
        for (raw, fault) in [
            (&b""[..], Malformed::Empty),
            (b"a\0b.example", Malformed::Byte),
            ("\u{212a}elvin.example".as_bytes(), Malformed::Byte),
            (b"192.0.2.1", Malformed::IpLiteral),
            (b"010.10.1.1", Malformed::IpLiteral),
            (b"168427777", Malformed::IpLiteral),
            (b"10.0xa0101", Malformed::IpLiteral),
            (b"[2001:db8::1]", Malformed::IpLiteral),
            (b"host.example:443", Malformed::Byte),
            (b".example", Malformed::Label),
            (&[b'a'; 64], Malformed::Label),
            (&[b'a'; 254], Malformed::TooLong),
        ] {
            let name = HostName::new(raw);
            assert_eq!(name.malformed(), Some(fault), "{raw:?}");
        }
        assert_eq!(HostName::new(b"ok-1.sub_domain.example").malformed(), None);
    }

    #[test]
    fn labels_come_from_the_right() {
        let name = HostName::new(b"a.b.example");
        assert_eq!(name.labels().collect::<Vec<_>>(), [&b"example"[..], b"b", b"a"]);
    }
}
