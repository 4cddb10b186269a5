//! A list as a destination of a policy: a draft that a person has to approve.

use std::fmt::Write as _;

use super::{Finding, Group, Level, List, Selection, lint};
use crate::ground::{
    calendar::Day,
    model::lang::{Lang, Text},
    words::{escape, run::grouped},
};

/// What the list cannot say: where it comes from and what the destination is to be.
#[derive(Clone, Debug, Default)]
pub struct Draft {
    /// Id of the destination; further ones get `-2`, `-3`, ….
    pub id: String,
    /// The zone it lies in.
    pub zone: String,
    /// Its kind.
    pub kind: String,
    /// Its name for people.
    pub name_ja: String,
    /// The list's file.
    pub file: String,
    /// SHA-256 of that file, in hex.
    pub sha256: String,
    /// File and SHA-256 of the list that was taken away.
    pub minus: Option<(String, String)>,
    /// Where the list was published.
    pub source: Option<String>,
    /// The day it was fetched.
    pub retrieved: Option<Day>,
    /// What was asked for.
    pub selection: Selection,
}

/// Findings that are written into the head of a draft.
const TOLD_MAX: usize = 40;

/// Destinations for a list, as TOML: one for each group of its sets. Entries stand in it, or come from the files whose
/// names and hashes are given, one a group.
#[must_use]
pub fn drafts(list: &List, draft: &Draft, files: &[(String, String)], lang: Lang) -> String {
    let mut text = head(list, draft, lang);
    let groups = list.groups();
    for (number, group) in groups.iter().enumerate() {
        let suffix = if number == 0 { String::new() } else { format!("-{}", number + 1) };
        text.push('\n');
        if groups.len() > 1 {
            let _ = writeln!(text, "# {}", group.labels.join(", "));
        }
        text.push_str("[[destinations]]\n");
        let _ = writeln!(text, "id = {}", quoted(&format!("{}{suffix}", draft.id)));
        let _ = writeln!(text, "zone = {}", quoted(&draft.zone));
        let _ = writeln!(text, "kind = {}", quoted(&draft.kind));
        let _ = writeln!(text, "name_ja = {}", quoted(&draft.name_ja));
        match files.get(number) {
            Some((file, sha256)) => text.push_str(&import_line(list, draft, file, sha256)),
            None => {
                text.push_str(&array("fqdn", &group.names));
                text.push_str(&array("cidr", &group.blocks));
            }
        }
        if !group.services.is_empty() {
            let services: Vec<_> =
                group.services.iter().map(|service| quoted(&service.to_string())).collect();
            let _ = writeln!(text, "services = [{}]", services.join(", "));
        }
        let _ = writeln!(text, "match = \"{}\"", matching(group));
        if draft.kind.starts_with("cloud_") {
            text.push_str("# ismap = { listed = true, name_ja = \"…\", checked_on = 2026-04-01, valid_until = 2027-03-31 }\n");
        }
    }
    text
}

/// A group as a plain list, with the same head.
#[must_use]
pub fn plain_text(list: &List, group: &Group, draft: &Draft, lang: Lang) -> String {
    let mut text = head(list, draft, lang);
    group.names.iter().for_each(|name| text.push_str(&format!("{name}\n")));
    group.blocks.iter().for_each(|block| text.push_str(&format!("{block}\n")));
    text
}

const fn matching(group: &Group) -> &'static str {
    match (group.names.is_empty(), group.blocks.is_empty()) {
        (false, false) => "name+address",
        (false, true) => "name",
        (true, _) => "address",
    }
}

fn import_line(list: &List, draft: &Draft, file: &str, sha256: &str) -> String {
    let mut parts = vec![
        format!("file = {}", quoted(file)),
        "format = \"plain\"".to_owned(),
        format!("sha256 = \"{sha256}\""),
    ];
    parts.extend(draft.retrieved.or(list.date).map(|day| format!("retrieved = {day}")));
    parts.extend(draft.source.as_ref().map(|source| format!("source = {}", quoted(source))));
    format!("import = {{ {} }}\n", parts.join(", "))
}

fn array<T: ToString>(key: &str, values: &[T]) -> String {
    match values {
        [] => String::new(),
        [one] => format!("{key} = [{}]\n", quoted(&one.to_string())),
        values => {
            let lines: String =
                values.iter().map(|value| format!("  {},\n", quoted(&value.to_string()))).collect();
            format!("{key} = [\n{lines}]\n")
        }
    }
}

/// A basic string of TOML.
pub(super) fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for letter in text.chars() {
        match letter {
            '"' | '\\' => quoted.extend(['\\', letter]),
            letter if letter.is_control() => {
                let _ = write!(quoted, "\\u{:04X}", u32::from(letter));
            }
            letter => quoted.push(letter),
        }
    }
    quoted.push('"');
    quoted
}

fn head(list: &List, draft: &Draft, lang: Lang) -> String {
    let mut text = String::new();
    let mut line = |label: Text, told: &str| {
        let _ = writeln!(text, "# {}: {}", label.of(lang), escape::text(told));
    };
    line(
        Text { ja: "未承認", en: "未承認 (not approved)" },
        match lang {
            Lang::Ja => {
                "sekisho list import が作った案です。内容を確かめ、承認を得てから台帳に入れてください"
            }
            Lang::En => {
                "a draft by sekisho list import; check it and have it approved before it enters the policy"
            }
        },
    );
    let format = list.format;
    let file = format!("{} ({}, {})", draft.file, format.name, format.title.of(lang));
    line(Text { ja: "一覧", en: "list" }, &file);
    if let Some(source) = &draft.source {
        line(Text { ja: "出所", en: "source" }, source);
    }
    let dash = || "-".to_owned();
    let date = list.date.map_or_else(dash, |day| day.to_string());
    let version = list.version.clone().unwrap_or_else(dash);
    let retrieved = draft.retrieved.map_or_else(dash, |day| day.to_string());
    let dated = match lang {
        Lang::Ja => format!("{date}(版 {version}、取得 {retrieved})"),
        Lang::En => format!("{date} (version {version}, fetched {retrieved})"),
    };
    line(Text { ja: "日付", en: "date" }, &dated);
    line(Text { ja: "SHA-256", en: "SHA-256" }, &draft.sha256);
    let selection = if draft.selection == Selection::default() {
        match lang {
            Lang::Ja => "なし(一覧のすべて)".to_owned(),
            Lang::En => "none (the whole list)".to_owned(),
        }
    } else {
        draft.selection.to_string()
    };
    line(Text { ja: "選択", en: "selection" }, &selection);
    if let Some((file, sha256)) = &draft.minus {
        let taken = grouped(list.taken.as_ref().map_or(0, |taken| taken.count().v4));
        let told = match lang {
            Lang::Ja => format!("{file}(SHA-256 {sha256})。IPv4で{taken}アドレスを除きました"),
            Lang::En => format!("{file} (SHA-256 {sha256}); {taken} addresses of IPv4 were taken away"),
        };
        line(Text { ja: "差し引いた一覧", en: "taken away" }, &told);
    }
    line(Text { ja: "中身", en: "holds" }, &list.amount(lang));
    let left_out = list.remarks.iter().filter(|remark| remark.oddity.is_left_out()).count();
    if left_out > 0 {
        line(Text { ja: "除いた項目の数", en: "entries left out" }, &left_out.to_string());
    }
    let findings = lint(list);
    let told: Vec<&Finding> = findings.iter().filter(|finding| finding.level != Level::Info).collect();
    for finding in told.iter().take(TOLD_MAX) {
        let _ = writeln!(
            text,
            "# {} {} {}",
            finding.level.word().of(lang),
            finding.rule.code,
            escape::text(&finding.headline(lang))
        );
    }
    let more = findings.len() - told.len().min(TOLD_MAX);
    if more > 0 {
        let _ = match lang {
            Lang::Ja => writeln!(text, "# ほか{more}件は sekisho list lint で表示できます"),
            Lang::En => writeln!(text, "# {more} more: sekisho list lint shows them"),
        };
    }
    text
}
