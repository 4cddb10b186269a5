//! Changes to the channels in a policy's text. Only the bytes of what changes are touched: comments, order, blank lines and
//! ends of lines stay, because nobody writes the file anew.

use std::ops::Range;

use toml::de::{DeTable, DeValue};

use super::ledger_field::{Cell, FIELDS, quoted};
use crate::ground::model::lang::Words;

/// Changes that are being gathered.
#[derive(Debug)]
pub struct Edit<'a> {
    text: &'a str,
    blocks: Vec<Block>,
    /// What takes whose place; none overlap.
    splices: Vec<(Range<usize>, String)>,
    newline: &'static str,
}

/// One `[[channels]]`.
#[derive(Debug)]
struct Block {
    head: usize,
    entries: Vec<Entry>,
}

#[derive(Debug)]
struct Entry {
    key: String,
    key_span: Range<usize>,
    value: Range<usize>,
    /// Where the parts of a list stand, with their texts.
    parts: Vec<(Range<usize>, String)>,
}

impl<'a> Edit<'a> {
    pub(super) fn new(text: &'a str) -> Result<Self, Words> {
        let newline = if text.contains("\r\n") { "\r\n" } else { "\n" };
        Ok(Self { text, blocks: blocks(text)?, splices: Vec::new(), newline })
    }

    /// Gives a field another value, or none. Fields keep their places; a new one comes last in its block.
    pub fn set(&mut self, place: usize, key: &str, cell: Option<&Cell>) {
        let Some(block) = self.blocks.get(place) else { return };
        let splices = match (block.entries.iter().find(|entry| entry.key == key), cell) {
            (Some(entry), Some(Cell::List(texts))) => list_splices(entry, texts),
            (Some(entry), Some(cell)) => vec![(entry.value.clone(), cell.literal())],
            (Some(entry), None) => {
                vec![(self.line_start(entry.key_span.start)..self.line_end(entry.value.end), String::new())]
            }
            (None, Some(cell)) => {
                let (indent, width) = (self.indent(block), self.width(block));
                vec![self.line_after(block.end(), &format!("{indent}{key:width$} = {}", cell.literal()))]
            }
            (None, None) => Vec::new(),
        };
        self.splices.extend(splices);
    }

    /// Adds a channel behind the last one, or at the end of the file.
    pub fn append(&mut self, cells: &[(&str, Cell)]) {
        let (end, indent, width) = match self.blocks.last() {
            Some(last) => (last.end(), self.indent(last), self.width(last)),
            None => (self.text.len(), "", 0),
        };
        let mut lines = vec![String::new(), "[[channels]]".to_owned()];
        for field in FIELDS {
            if let Some((key, cell)) = cells.iter().find(|(key, _)| *key == field.key) {
                lines.push(format!("{indent}{key:width$} = {}", cell.literal()));
            }
        }
        let splice = self.line_after(end, &lines.join(self.newline));
        self.splices.push(splice);
    }

    /// Makes comments of the lines of a channel.
    pub fn comment_out(&mut self, place: usize) {
        let Some(block) = self.blocks.get(place) else { return };
        let mut at = self.line_start(block.head);
        let end = self.line_end(block.end());
        while at < end {
            self.splices.push((at..at, "# ".to_owned()));
            at = self.line_end(at);
        }
    }

    /// The text with all changes.
    #[must_use]
    pub fn finish(mut self) -> String {
        // Stable: what was put at one place stays in its order.
        self.splices.sort_by_key(|(range, _)| (range.start, range.end));
        let mut out = String::with_capacity(self.text.len());
        let mut at = 0;
        for (range, with) in &self.splices {
            out.push_str(self.text.get(at..range.start).unwrap_or_default());
            out.push_str(with);
            at = range.end.max(at);
        }
        out.push_str(&self.text[at..]);
        out
    }

    fn line_start(&self, at: usize) -> usize {
        self.text[..at].rfind('\n').map_or(0, |newline| newline + 1)
    }

    /// Behind the end of the line.
    fn line_end(&self, at: usize) -> usize {
        self.text[at..].find('\n').map_or(self.text.len(), |newline| at + newline + 1)
    }

    /// Whole lines behind the line in which something ends.
    fn line_after(&self, at: usize, lines: &str) -> (Range<usize>, String) {
        let end = self.line_end(at);
        let is_whole = end == 0 || self.text[..end].ends_with('\n');
        let before = if is_whole { "" } else { self.newline };
        (end..end, format!("{before}{lines}{}", self.newline))
    }

    fn indent(&self, block: &Block) -> &'a str {
        let Some(first) = block.entries.first() else { return "" };
        let before = &self.text[self.line_start(first.key_span.start)..first.key_span.start];
        if before.trim().is_empty() { before } else { "" }
    }

    /// How far the keys are filled up, where all signs of equality stand one below the other.
    fn width(&self, block: &Block) -> usize {
        let widths = block.entries.iter().map(|entry| {
            let sign = self.text[entry.key_span.end..].find('=').unwrap_or(0);
            (entry.key_span.len() + sign).saturating_sub(1)
        });
        let widths: Vec<_> = widths.collect();
        let first = widths.first().copied().unwrap_or(0);
        if widths.iter().all(|width| *width == first) { first } else { 0 }
    }
}

impl Block {
    /// The end of its last value.
    fn end(&self) -> usize {
        self.entries.iter().map(|entry| entry.value.end).max().unwrap_or(self.head)
    }
}

/// The channels of a text.
fn blocks(text: &str) -> Result<Vec<Block>, Words> {
    let (table, _) = DeTable::parse_recoverable(text.strip_prefix('\u{feff}').unwrap_or(text));
    let shift = if text.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 };
    let moved = |span: Range<usize>| span.start + shift..span.end + shift;
    let Some((_, channels)) = table.into_inner().into_iter().find(|(key, _)| key.get_ref() == "channels")
    else {
        return Ok(Vec::new());
    };
    let otherwise = || {
        Words::new(
            "この台帳の channels は [[channels]] の形で書かれていません。先に書き直してください",
            "the channels of this policy are not written as [[channels]]: rewrite them first",
        )
    };
    let DeValue::Array(channels) = channels.into_inner() else { return Err(otherwise()) };
    let mut found = Vec::new();
    for channel in channels {
        let head = moved(channel.span()).start;
        let DeValue::Table(table) = channel.into_inner() else { return Err(otherwise()) };
        if !text.get(head..).is_some_and(|rest| rest.starts_with("[[")) {
            return Err(otherwise());
        }
        let entries = table.into_iter().map(|(key, value)| {
            let (key_span, span) = (moved(key.span()), moved(value.span()));
            let parts = match value.into_inner() {
                DeValue::Array(parts) => parts
                    .into_iter()
                    .map(|part| (moved(part.span()), part.get_ref().as_str().unwrap_or_default().to_owned()))
                    .collect(),
                _ => Vec::new(),
            };
            Entry { key: key.into_inner().into_owned(), key_span, value: span, parts }
        });
        let mut entries: Vec<_> = entries.collect();
        entries.sort_by_key(|entry| entry.key_span.start);
        found.push(Block { head, entries });
    }
    Ok(found)
}

/// The changes that make a list another one: what both begin and end with stays, with its comments.
fn list_splices(entry: &Entry, texts: &[String]) -> Vec<(Range<usize>, String)> {
    let parts = &entry.parts;
    let same = |(one, two): &(&(Range<usize>, String), &String)| one.1 == **two;
    let front = parts.iter().zip(texts).take_while(same).count();
    let back = parts[front..].iter().rev().zip(texts[front..].iter().rev()).take_while(same).count();
    let (old, new) = (front..parts.len() - back, &texts[front..texts.len() - back]);
    let new = new.iter().map(|text| quoted(text)).collect::<Vec<_>>().join(", ");
    let start = |place: usize| parts[place].0.start;
    let end = |place: usize| parts[place].0.end;
    match (old.is_empty(), new.is_empty()) {
        (true, true) => Vec::new(),
        _ if texts.is_empty() || parts.is_empty() => {
            vec![(entry.value.clone(), Cell::List(texts.to_vec()).literal())]
        }
        (true, false) if front > 0 => vec![(end(front - 1)..end(front - 1), format!(", {new}"))],
        (true, false) => vec![(start(0)..start(0), format!("{new}, "))],
        (false, true) if front > 0 => vec![(end(front - 1)..end(old.end - 1), String::new())],
        (false, true) => vec![(start(0)..start(old.end), String::new())],
        (false, false) => vec![(start(old.start)..end(old.end - 1), new)],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "\
# 台帳
a = 1   # 残す

[[channels]]   # 一つ目
id       = \"c-1\"  # 番号
# from の前
from     = [
  \"x\", # えっくす
  \"y\",
] # おわり
approval = \"7\"

# ---- 二つ目 ----
[[channels]]
id = 'c-2'
max_sources = 3 # 三台

[[forbid]]
id = \"f\"
";

    fn list(texts: &[&str]) -> Cell {
        Cell::List(texts.iter().map(|text| (*text).to_owned()).collect())
    }

    fn edited(change: impl Fn(&mut Edit<'_>)) -> String {
        let mut edit = Edit::new(TEXT).unwrap();
        change(&mut edit);
        edit.finish()
    }

    #[test]
    fn only_what_changes_is_touched() {
        assert_eq!(edited(|_| ()), TEXT);
        let changed = edited(|edit| {
            edit.set(0, "approval", Some(&Cell::Text("8\"号".to_owned())));
            edit.set(1, "max_sources", Some(&Cell::Number(4)));
            edit.set(0, "one_way", Some(&Cell::Flag(true)));
        });
        let expected = TEXT
            .replace("\"7\"\n", "'8\"号'\none_way  = true\n")
            .replace("max_sources = 3 #", "max_sources = 4 #");
        assert_eq!(changed, expected);
    }

    #[test]
    fn a_list_keeps_the_comments_of_what_stays_in_it() {
        let with = |texts: &[&str]| edited(|edit| edit.set(0, "from", Some(&list(texts))));
        assert_eq!(with(&["x", "y", "z"]), TEXT.replace("\"y\",", "\"y\", \"z\","));
        assert_eq!(with(&["x"]), TEXT.replace("\"x\", # えっくす\n  \"y\",", "\"x\","));
        assert_eq!(with(&["y"]), TEXT.replace("\"x\", # えっくす\n  ", ""));
        assert_eq!(with(&["w", "y"]), TEXT.replace("\"x\"", "\"w\""));
        assert_eq!(with(&["w", "x", "y"]), TEXT.replace("\"x\"", "\"w\", \"x\""));
    }

    #[test]
    fn a_field_that_is_emptied_goes_with_its_line_and_nothing_else() {
        let without = edited(|edit| edit.set(1, "max_sources", None));
        assert_eq!(without, TEXT.replace("max_sources = 3 # 三台\n", ""));
    }

    #[test]
    fn a_new_channel_stands_behind_the_last_one_in_the_ends_of_lines_of_the_file() {
        let more = edited(|edit| edit.append(&[("to", list(&["b"])), ("id", Cell::Text("c-3".to_owned()))]));
        let expected = TEXT.replace("三台\n", "三台\n\n[[channels]]\nid = \"c-3\"\nto = [\"b\"]\n");
        assert_eq!(more, expected);
        let windows = TEXT.replace('\n', "\r\n");
        let mut edit = Edit::new(&windows).unwrap();
        edit.append(&[("to", list(&["b"])), ("id", Cell::Text("c-3".to_owned()))]);
        assert_eq!(edit.finish(), expected.replace('\n', "\r\n"));
        let mut edit = Edit::new("\u{feff}[[channels]]\nid = \"c\"").unwrap();
        edit.append(&[("id", Cell::Text("d".to_owned()))]);
        assert_eq!(edit.finish(), "\u{feff}[[channels]]\nid = \"c\"\n\n[[channels]]\nid = \"d\"\n");
    }

    #[test]
    fn a_channel_that_goes_stays_as_comments() {
        let gone = edited(|edit| edit.comment_out(1));
        let block = "[[channels]]\nid = 'c-2'\nmax_sources = 3 # 三台\n";
        let commented = "# [[channels]]\n# id = 'c-2'\n# max_sources = 3 # 三台\n";
        assert_eq!(gone, TEXT.replace(block, commented));
    }

    #[test]
    fn channels_in_one_line_are_not_touched() {
        assert!(Edit::new("channels = [{ id = \"a\" }]").is_err());
        assert!(Edit::new("x = 1").unwrap().blocks.is_empty());
    }
}
