//! Just enough reading of Rust to see which paths a file names.

use std::{fs, path};

/// One path, written out: `use crate::a::{b, c}` holds two.
pub(crate) struct Path {
    pub(crate) line: usize,
    pub(crate) segments: Vec<String>,
    /// It stands in the tests at the foot of the file.
    pub(crate) in_tests: bool,
}

/// One file, with comments and the contents of string literals blanked out beside it.
pub(crate) struct Source {
    name: String,
    text: String,
    code: String,
    tests_at: usize,
}

impl Source {
    pub(crate) fn read(src: &path::Path, file: &path::Path) -> Self {
        let text = fs::read_to_string(file).unwrap();
        let code = without_comments_and_strings(&text);
        let tests_at = text
            .lines()
            .position(|line| line.trim_start().starts_with("#[cfg(test)]"))
            .unwrap_or_else(|| text.lines().count());
        let name = file.strip_prefix(src).unwrap().to_str().unwrap().replace('\\', "/");
        Self { name, text, code, tests_at }
    }

    /// The path below `src`.
    pub(crate) fn name(&self) -> String {
        self.name.clone()
    }

    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    pub(crate) fn lines_before_tests(&self) -> usize {
        self.tests_at
    }

    /// Line numbers (from 1) and lines, code only.
    pub(crate) fn code(&self) -> impl Iterator<Item = (usize, &str)> {
        self.code.lines().enumerate().map(|(index, line)| (index + 1, line))
    }

    /// Every path that begins with `root::`, braces written out.
    pub(crate) fn paths(&self, root: &str) -> Vec<Path> {
        let mut found = Vec::new();
        for (start, _) in self.code.match_indices(&format!("{root}::")) {
            let before = self.code[..start].chars().next_back();
            if before.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == ':') {
                continue;
            }
            let mut tails = Vec::new();
            expand(&self.code[start..], &mut tails);
            for (offset, segments) in tails {
                found.push(self.path(start + offset, segments));
            }
        }
        found
    }

    /// Chains of `super` that lead further up than `depth` levels; a test module is one level deeper.
    pub(crate) fn climbs_past(&self, depth: usize) -> Vec<Path> {
        let mut found = Vec::new();
        for (start, _) in self.code.match_indices("super::") {
            if self.code[..start].ends_with("super::") {
                continue;
            }
            let count = self.code[start..].split("::").take_while(|segment| *segment == "super").count();
            let path = self.path(start, vec!["super".to_owned(); count]);
            if count > depth + usize::from(path.in_tests) {
                found.push(path);
            }
        }
        found
    }

    fn path(&self, offset: usize, segments: Vec<String>) -> Path {
        let line = self.code[..offset].matches('\n').count() + 1;
        Path { line, segments, in_tests: line > self.tests_at }
    }
}

/// True when `word` stands in `line` by itself.
pub(crate) fn has_word(line: &str, word: &str) -> bool {
    line.split(|c: char| !c.is_alphanumeric() && c != '_').any(|part| part == word)
}

/// Writes out the use-tree at the start of `text`: each leaf with its offset. Nesting is walked with a stack.
fn expand(text: &str, found: &mut Vec<(usize, Vec<String>)>) {
    let mut prefixes: Vec<Vec<String>> = Vec::new();
    let mut path: Vec<String> = Vec::new();
    let mut word = String::new();
    for (offset, c) in text.char_indices() {
        match c {
            _ if c.is_alphanumeric() || matches!(c, '_' | '*') => word.push(c),
            ':' => path.extend((!word.is_empty()).then(|| std::mem::take(&mut word))),
            '{' if word.is_empty() && !path.is_empty() => prefixes.push(path.clone()),
            ',' | '}' if !prefixes.is_empty() => {
                path.extend((!word.is_empty()).then(|| std::mem::take(&mut word)));
                if path.len() > prefixes.last().map_or(0, Vec::len) {
                    found.push((offset, path.clone()));
                }
                if c == '}' {
                    prefixes.pop();
                    if prefixes.is_empty() {
                        return;
                    }
                }
                path = prefixes.last().cloned().unwrap_or_default();
            }
            _ if c.is_whitespace() && !prefixes.is_empty() => {}
            _ => break,
        }
    }
    path.extend((!word.is_empty()).then_some(word));
    found.push((0, path));
}

/// Blanks comments and the inside of string and character literals; lines keep their numbers.
fn without_comments_and_strings(text: &str) -> String {
    let mut code = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let len = match c {
            '/' if rest.starts_with("//") => rest.find('\n').unwrap_or(rest.len()),
            '/' if rest.starts_with("/*") => rest.find("*/").map_or(rest.len(), |end| end + 2),
            'r' if is_raw_string(rest) && !code.ends_with(|c: char| c.is_alphanumeric() || c == '_') => {
                raw_string_len(rest)
            }
            '"' => string_len(rest),
            '\'' => character_len(rest),
            _ => 0,
        };
        if len == 0 {
            code.push(c);
            rest = &rest[c.len_utf8()..];
        } else {
            code.extend(rest[..len].chars().map(|c| if c == '\n' { '\n' } else { ' ' }));
            rest = &rest[len..];
        }
    }
    code
}

fn is_raw_string(text: &str) -> bool {
    text[1..].trim_start_matches('#').starts_with('"')
}

fn raw_string_len(text: &str) -> usize {
    let hashes = text[1..].len() - text[1..].trim_start_matches('#').len();
    let open = 2 + hashes;
    let close = format!("\"{}", "#".repeat(hashes));
    text[open..].find(&close).map_or(text.len(), |end| open + end + close.len())
}

fn string_len(text: &str) -> usize {
    let mut escaped = false;
    for (offset, c) in text.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return offset + 1,
            _ => {}
        }
    }
    text.len()
}

/// The length of a character literal; 0 for a lifetime.
fn character_len(text: &str) -> usize {
    let mut chars = text.char_indices().skip(1);
    match chars.next() {
        Some((_, '\\')) => {
            chars.next();
            chars.find(|(_, c)| *c == '\'').map_or(0, |(end, _)| end + 1)
        }
        _ => match chars.next() {
            Some((end, '\'')) => end + 1,
            _ => 0,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn leaves(text: &str) -> Vec<String> {
        let mut found = Vec::new();
        expand(text, &mut found);
        found.into_iter().map(|(_, path)| path.join("::")).collect()
    }

    #[test]
    fn a_tree_of_imports_is_written_out() {
        assert_eq!(leaves("crate::a::b::C;"), ["crate::a::b::C"]);
        assert_eq!(
            leaves("crate::{\n    a::{b, c::D},\n    e::f,\n};\nuse x;"),
            ["crate::a::b", "crate::a::c::D", "crate::e::f"]
        );
        assert_eq!(leaves("crate::a::B { field: 1 }"), ["crate::a::B"]);
    }

    #[test]
    fn comments_and_strings_hold_no_paths() {
        let code =
            without_comments_and_strings("a // crate::x\n\"crate::\\\"y\" 'c' '\\'' &'static r#\"z\"# b");
        assert!(!code.contains("crate") && !code.contains('z'));
        assert!(code.contains("static") && code.ends_with('b'));
        assert_eq!(code.lines().count(), 2);
    }
}
