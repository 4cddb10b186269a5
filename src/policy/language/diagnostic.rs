//! What is wrong with a policy, as a compiler says it: file, line, underlined text, expectation, remedy. Home of
//! `miette`.

use std::{fmt::Write as _, ops::Range, sync::Arc};

use miette::{GraphicalReportHandler, GraphicalTheme, LabeledSpan, MietteDiagnostic, NamedSource};
use serde_json::{Value, json};

use crate::ground::model::lang::Lang;
pub(super) use crate::{ground::model::lang::Words, policy::list::Level};

/// A file of the policy, as it may be shown: what could command a terminal or turn a line around is replaced by as
/// many question marks as it has bytes, so that every offset stays.
#[derive(Debug, PartialEq, Eq)]
pub struct Source {
    name: Arc<str>,
    shown: String,
}

impl Source {
    /// A file by its name and text.
    #[must_use]
    pub fn new(name: &str, text: &str) -> Self {
        let mut shown = String::with_capacity(text.len());
        for letter in text.chars() {
            let is_layout = matches!(letter, '\n' | '\t');
            let is_return = letter == '\r';
            let turns =
                matches!(letter, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
            if is_return {
                shown.push(' ');
            } else if letter.is_control() && !is_layout || turns {
                shown.extend(std::iter::repeat_n('?', letter.len_utf8()));
            } else {
                shown.push(letter);
            }
        }
        Self { name: name.into(), shown }
    }

    /// The file's name as it was asked for.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Line and column of an offset, both from 1; columns count characters.
    #[must_use]
    pub fn line_column(&self, offset: usize) -> (usize, usize) {
        let before = self.shown.get(..offset).unwrap_or(&self.shown);
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        (before.matches('\n').count() + 1, before[line_start..].chars().count() + 1)
    }
}

/// Labels further apart are not drawn together: everything between them would be drawn too.
const LINES_IN_ONE_DRAWING: usize = 4;

/// A place in a file.
#[derive(Clone, Debug)]
pub struct Spot {
    /// The file.
    pub source: Arc<Source>,
    /// Byte offsets.
    pub span: Range<usize>,
}

impl Spot {
    /// The line it begins in, from 1.
    #[must_use]
    pub fn line(&self) -> usize {
        self.source.line_column(self.span.start).0
    }

    /// `file:line`, for texts.
    #[must_use]
    pub fn file_line(&self) -> String {
        format!("{}:{}", self.source.name, self.line())
    }
}

/// One thing that is wrong, weak or worth knowing.
#[derive(Clone, Debug)]
pub struct Diagnostic {
    /// The rule: `T02`, `L10`, `P04`. T rules are about reading, L and P rules those of DOMAIN §3.5.
    pub code: &'static str,
    /// How bad.
    pub level: Level,
    /// What is wrong.
    pub message: Words,
    /// Where, with a word about the underlined text; empty when it is about the whole.
    pub labels: Vec<(Spot, Words)>,
    /// What to write instead.
    pub remedy: Option<Words>,
}

impl Diagnostic {
    pub(super) const fn new(level: Level, code: &'static str, message: Words) -> Self {
        Self { code, level, message, labels: Vec::new(), remedy: None }
    }

    pub(super) const fn error(code: &'static str, message: Words) -> Self {
        Self::new(Level::Error, code, message)
    }

    pub(super) const fn warning(code: &'static str, message: Words) -> Self {
        Self::new(Level::Warning, code, message)
    }

    pub(super) fn at(mut self, spot: &Spot, words: Words) -> Self {
        self.labels.push((spot.clone(), words));
        self
    }

    pub(super) fn remedy(mut self, words: Words) -> Self {
        self.remedy = Some(words);
        self
    }

    /// For people: one block of text that ends with a newline.
    #[must_use]
    pub fn render(&self, lang: Lang, colour: bool) -> String {
        let theme = if colour { GraphicalTheme::unicode() } else { GraphicalTheme::unicode_nocolor() };
        let mut handler = GraphicalReportHandler::new_themed(theme).with_width(120).with_links(false);
        if let Some(remedy) = &self.remedy {
            let head = match lang {
                Lang::Ja => "直し方",
                Lang::En => "remedy",
            };
            handler = handler.with_footer(format!("{head}: {}", remedy.of(lang)));
        }
        let severity = match self.level {
            Level::Error => miette::Severity::Error,
            Level::Warning => miette::Severity::Warning,
            Level::Info => miette::Severity::Advice,
        };
        let mut message = self.message.of(lang).to_owned();
        let first = self.labels.first().map(|(spot, _)| spot);
        let home = first.map(|spot| &spot.source);
        // One drawing shows a few lines of one file; what lies elsewhere is named by file and line.
        let is_home = |spot: &Spot| {
            first.is_some_and(|first| {
                let lines = first.line().abs_diff(spot.line());
                Arc::ptr_eq(&first.source, &spot.source) && lines <= LINES_IN_ONE_DRAWING
            })
        };
        for (spot, words) in self.labels.iter().filter(|(spot, _)| !is_home(spot)) {
            let _ = write!(message, " ({}: {})", spot.file_line(), words.of(lang));
        }
        let labels = self.labels.iter().filter(|(spot, _)| is_home(spot)).map(|(spot, words)| {
            LabeledSpan::new(Some(words.of(lang).to_owned()), spot.span.start, spot.span.len())
        });
        let drawn = MietteDiagnostic::new(message)
            .with_code(format!("{} [{}]", self.level.word().of(lang), self.code))
            .with_severity(severity)
            .with_labels(labels);
        let report = miette::Report::new(drawn);
        let report = match home {
            Some(home) => report.with_source_code(NamedSource::new(&*home.name, home.shown.clone())),
            None => report,
        };
        let mut text = String::new();
        if handler.render_report(&mut text, report.as_ref()).is_err() {
            // Drawing into a string cannot fail; should it ever, the words still arrive.
            text = format!("{} [{}] {}\n", self.level.word().of(lang), self.code, self.message.of(lang));
        }
        let lines: Vec<&str> = text.lines().map(str::trim_end).collect();
        lines.join("\n") + "\n"
    }

    /// For machines: code, level, both texts, and each place with file, byte offsets, line and column.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let places: Vec<Value> = self
            .labels
            .iter()
            .map(|(spot, words)| {
                let (line, column) = spot.source.line_column(spot.span.start);
                json!({
                    "file": spot.source.name(), "line": line, "column": column,
                    "start": spot.span.start, "end": spot.span.end, "ja": words.ja, "en": words.en,
                })
            })
            .collect();
        json!({
            "code": self.code,
            "level": self.level.code(),
            "message": { "ja": self.message.ja, "en": self.message.en },
            "places": places,
            "remedy": self.remedy.as_ref().map(|words| json!({ "ja": words.ja, "en": words.en })),
        })
    }
}

/// The word of a list that is nearest to what was written, if one is near enough to be meant.
pub(super) fn nearest<'a>(written: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let allowed = (written.chars().count() / 3).clamp(1, 3);
    known
        .map(|word| (distance(written, word, allowed), word))
        .filter(|(steps, _)| *steps <= allowed)
        .min()
        .map(|(_, word)| word)
}

/// Steps of writing (one letter in, out, changed or two swapped) from one word to another; `limit + 1` when more.
fn distance(one: &str, two: &str, limit: usize) -> usize {
    let (one, two): (Vec<char>, Vec<char>) = (one.chars().take(64).collect(), two.chars().take(64).collect());
    if one.len().abs_diff(two.len()) > limit {
        return limit + 1;
    }
    let mut before: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=two.len()).collect();
    for (row, letter) in one.iter().enumerate() {
        let mut line = vec![row + 1];
        for (column, other) in two.iter().enumerate() {
            let mut steps = (last[column] + usize::from(letter != other)).min(last[column + 1] + 1);
            steps = steps.min(line[column] + 1);
            if row > 0 && column > 0 && *letter == two[column - 1] && one[row - 1] == *other {
                steps = steps.min(before[column - 1] + 1);
            }
            line.push(steps);
        }
        before = std::mem::replace(&mut last, line);
    }
    last[two.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_word_is_offered_and_a_far_one_is_not() {
        let known = ["services", "segment", "sensors", "id"];
        assert_eq!(nearest("servics", known.into_iter()), Some("services"));
        assert_eq!(nearest("segmnet", known.into_iter()), Some("segment"));
        assert_eq!(nearest("colour", known.into_iter()), None);
        assert_eq!(nearest("di", known.into_iter()), Some("id"));
    }

    #[test]
    fn what_commands_a_terminal_is_shown_as_question_marks_of_the_same_length() {
        let source = Source::new("a.toml", "x = 1 # \u{1b}[2J \u{202e}abc\u{9b}\nあ\tz\r\n");
        assert_eq!(source.shown, "x = 1 # ?[2J ???abc??\nあ\tz \n");
        assert_eq!(source.line_column(source.shown.find('z').unwrap()), (2, 3));
    }
}
