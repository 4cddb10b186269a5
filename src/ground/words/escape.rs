//! Hostile text made safe: the only way from a stranger's bytes to a reader's eyes (THREATS R25).
//!
//! The result holds printable ASCII only, so it is safe on a terminal, in a log line and inside JSON: no control
//! byte, no C1, no bidirectional override and no look-alike can pass. Two different inputs never give one output.

use std::fmt::Write as _;

use crate::ground::model::name::HostName;

/// The bytes with everything but printable ASCII written as `\xNN`, and a backslash as `\\`.
#[must_use]
pub fn bytes(raw: &[u8]) -> String {
    let mut safe = String::with_capacity(raw.len());
    for &byte in raw {
        match byte {
            b'\\' => safe.push_str("\\\\"),
            b' '..=b'~' => safe.push(char::from(byte)),
            _ => {
                let _ = write!(safe, "\\x{byte:02x}");
            }
        }
    }
    safe
}

/// A host name for people and machines.
#[must_use]
pub fn name(name: &HostName) -> String {
    bytes(name.bytes())
}

/// Text that the user gave us (a path, an id): printable characters of any script stay, controls, C1, bidirectional
/// and zero-width characters are written as `\u{…}`.
#[must_use]
pub fn text(raw: &str) -> String {
    let mut safe = String::with_capacity(raw.len());
    for letter in raw.chars() {
        let hidden = letter.is_control()
            || matches!(letter, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}');
        if hidden {
            let _ = write!(safe, "\\u{{{:x}}}", u32::from(letter));
        } else {
            safe.push(letter);
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_byte_that_a_terminal_obeys_comes_through() {
        let every: Vec<u8> = (0..=255).collect();
        let safe = bytes(&every);
        assert!(safe.bytes().all(|byte| (b' '..=b'~').contains(&byte)));
        assert_eq!(bytes(b"\x1b[31mevil.example\x07"), "\\x1b[31mevil.example\\x07");
        assert_eq!(bytes("あ".as_bytes()), "\\xe3\\x81\\x82");
    }

    #[test]
    fn two_inputs_never_look_the_same() {
        assert_ne!(bytes(b"\\x41"), bytes(b"\x41"));
        assert_ne!(bytes(b"\\"), bytes(b"\\\\"));
        assert_ne!(bytes(b"\\x00"), bytes(b"\x00"));
    }

    #[test]
    fn a_users_own_text_keeps_its_script_and_loses_its_tricks() {
        assert_eq!(text("庁内.pcap"), "庁内.pcap");
        assert_eq!(text("a\u{202e}b\nc\u{9b}"), "a\\u{202e}b\\u{a}c\\u{9b}");
    }
}
