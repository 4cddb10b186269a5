//! TOML as it is written: strings that cannot end early, lists, and lines that stay comments.

use std::fmt::{Display, Write as _};

use crate::ground::words::escape;

/// A basic string (TOML 1.0) that means exactly `text`, whatever is in it.
pub(super) fn string(text: &str) -> String {
    let mut written = String::with_capacity(text.len() + 2);
    written.push('"');
    for letter in text.chars() {
        match letter {
            '"' | '\\' => written.extend(['\\', letter]),
            _ if is_hidden(letter) => {
                let _ = write!(written, "\\U{:08X}", u32::from(letter));
            }
            _ => written.push(letter),
        }
    }
    written.push('"');
    written
}

/// Controls must be escaped; what turns a line around or has no width would hide what stands there.
fn is_hidden(letter: char) -> bool {
    letter.is_control()
        || matches!(letter, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

/// A list of strings on one line.
pub(super) fn list<T: Display>(items: impl IntoIterator<Item = T>) -> String {
    let items: Vec<_> = items.into_iter().map(|item| string(&item.to_string())).collect();
    format!("[{}]", items.join(", "))
}

/// Text as comments: every line of it begins with `# `, and none can be anything else.
pub(super) fn comment(text: &str) -> String {
    text.lines().map(|line| format!("# {}\n", escape::text(line))).collect()
}

/// A table of an array with its keys aligned; a value is TOML already.
pub(super) fn table(name: &str, keys: &[(&str, String)]) -> String {
    let width = keys.iter().map(|(key, _)| key.len()).max().unwrap_or(0);
    let mut text = format!("[[{name}]]\n");
    for (key, value) in keys {
        let _ = writeln!(text, "{key:width$} = {value}");
    }
    text
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn any_text_is_read_back_as_it_was_and_ends_nothing_early(text in any::<String>()) {
            let read: toml::Table = toml::from_str(&format!("a = {}\nb = 1", string(&text))).unwrap();
            prop_assert_eq!(read["a"].as_str(), Some(text.as_str()));
            prop_assert_eq!(read.len(), 2);
        }

        #[test]
        fn a_comment_stays_one_whatever_it_says(text in any::<String>()) {
            let read: toml::Table = toml::from_str(&comment(&text)).unwrap();
            prop_assert!(read.is_empty());
        }
    }
}
