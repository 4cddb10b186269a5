//! Cells that a spreadsheet would not leave alone: what begins a formula is run, and what looks like a number or a date is
//! rewritten. In CSV such a cell gets an apostrophe in front, which is taken away again when it is read.

use std::borrow::Cow;

/// The text as it goes into a CSV cell.
pub(super) fn guarded(text: &str) -> Cow<'_, str> {
    if needs_guard(text) { Cow::Owned(format!("'{text}")) } else { Cow::Borrowed(text) }
}

/// The text that was meant by a CSV cell. An apostrophe that guards nothing belongs to the text.
pub(super) fn unguarded(cell: &str) -> &str {
    cell.strip_prefix('\'').filter(|text| needs_guard(text)).unwrap_or(cell)
}

fn needs_guard(text: &str) -> bool {
    text.starts_with('\'') || begins_formula(text) || would_be_rewritten(text)
}

/// What Excel and LibreOffice take for the beginning of a formula, also in full width and behind blanks.
fn begins_formula(text: &str) -> bool {
    let first = text.chars().find(|letter| !letter.is_whitespace());
    let is_control = text.chars().next().is_some_and(|letter| letter.is_control() || letter == '\u{feff}');
    is_control
        || first.is_some_and(|first| matches!(first, '=' | '+' | '-' | '@' | '＝' | '＋' | '－' | '＠'))
}

/// `3-2-3` becomes a date and `0012` becomes 12. A plain number stays what it is, and so does a time of day from-to.
fn would_be_rewritten(text: &str) -> bool {
    let is_numeric = text
        .bytes()
        .all(|byte| byte.is_ascii_digit() || matches!(byte, b'-' | b'/' | b':' | b'.' | b',' | b'e' | b'E'));
    let is_plain = text == "0"
        || text.len() <= 15 && !text.starts_with('0') && text.bytes().all(|byte| byte.is_ascii_digit());
    let is_hours = text.contains(':') && text.contains('-');
    text.starts_with(|first: char| first.is_ascii_digit()) && is_numeric && !is_plain && !is_hours
}
