//! `sekisho list`: import, lint, diff.

use std::{
    fmt::Write as _,
    path::{Path, PathBuf},
};

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::{
    error::Error,
    files,
    options::{ListCommand, ListDiffOptions, ListImportOptions, ListLintOptions},
    outputs::print,
};
use crate::{
    ground::{
        model::lang::{Lang, Words},
        words::{escape, run::grouped},
    },
    policy::list::{
        self, Difference, Draft, Finding, Format, Level, List, Selection, drafts, lint, plain_text,
    },
};

/// Version of the JSON document of `diff`.
const DIFF_SCHEMA: &str = "sekisho-list-diff/1";
/// Rows of one kind that people are shown; JSON has all.
const ROWS_MAX: usize = 100;
/// Subjects of one trap that people are shown.
const SUBJECTS_MAX: usize = 20;

/// Runs the command; gives the exit code.
///
/// # Errors
/// The user's errors.
pub(super) fn run(command: &ListCommand, lang: Lang) -> Result<u8, Error> {
    match command {
        ListCommand::Import(options) => import(options, lang),
        ListCommand::Lint(options) => check(options, lang),
        ListCommand::Diff(options) => diff(options, lang),
    }
}

/// A list as it was read, and the SHA-256 of its file.
struct Read {
    list: List,
    sha256: String,
}

fn read(path: &Path, format: Option<&'static Format>, selection: &Selection) -> Result<Read, Error> {
    let bytes = files::read(path)
        .map_err(|error| files::refused(path, &Words::new(error.to_string(), error.to_string())))?;
    let list = format
        .map_or_else(|| list::detect(&bytes), Ok)
        .and_then(|format| format.read(&bytes, selection))
        .map_err(|fault| files::refused(path, &fault.told()))?;
    Ok(Read { list, sha256: hex(&bytes) })
}

/// The list without the addresses of another, and the hash of that one.
fn without(read: Read, minus: Option<&Path>) -> Result<(Read, Option<(String, String)>), Error> {
    let Some(path) = minus else { return Ok((read, None)) };
    let other = self::read(path, None, &Selection::default())?;
    let list = read.list.minus(&other.list.addresses());
    if list.taken.as_ref().is_none_or(list::Blocks::is_empty) {
        let words = Words::new(
            "差し引く一覧に、元の一覧のアドレスが一つもありません。ファイルを確かめてください",
            "it holds none of the addresses that it is taken away from; check the file",
        );
        return Err(files::refused(path, &words));
    }
    Ok((Read { list, ..read }, Some((path.display().to_string(), other.sha256))))
}

fn hex(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

fn selection(texts: &[String]) -> Result<Selection, Error> {
    let mut selection = Selection::default();
    for text in texts {
        selection.read(text).map_err(|words| {
            let text = escape::text(text);
            Error::Option {
                ja: format!("--select {text}: {}", words.ja),
                en: format!("--select {text}: {}", words.en),
            }
        })?;
    }
    Ok(selection)
}

/// 0, or 1 when a trap stands in what was written that must not be approved as it is.
fn import(options: &ListImportOptions, lang: Lang) -> Result<u8, Error> {
    let selection = selection(&options.select)?;
    if options.out.is_some() && options.files.len() > 1 {
        return Err(Error::Option {
            ja: "--out に書ける一覧は一つです。ファイルを一つずつ取り込んでください".to_owned(),
            en: "--out takes one list: import the files one by one".to_owned(),
        });
    }
    let mut page = String::new();
    let mut code = 0;
    for path in &options.files {
        let read = read(path, Some(options.format), &selection)?;
        let (Read { list, sha256 }, minus) = without(read, options.minus.as_deref())?;
        if list.names.is_empty() && list.blocks.is_empty() {
            let words = Words::new("名前も範囲も残りません", "no name and no block is left");
            return Err(files::refused(path, &words));
        }
        let stem = path.file_stem().map_or_else(String::new, |stem| stem.to_string_lossy().into_owned());
        let id = match (&options.id, options.files.len()) {
            (Some(id), 1) => id.clone(),
            (Some(id), _) => format!("{id}-{}", plain_id(&stem)),
            (None, _) => format!("d-{}", plain_id(&stem)),
        };
        let draft = Draft {
            id,
            zone: options.zone.clone(),
            kind: options.kind.clone(),
            name_ja: options.name.clone().or_else(|| list.title.clone()).unwrap_or(stem),
            file: path.display().to_string(),
            sha256,
            minus,
            source: options.source.clone(),
            retrieved: options.retrieved,
            selection: selection.clone(),
        };
        let files = match &options.out {
            Some(out) => written(&list, &draft, out, lang)?,
            None => Vec::new(),
        };
        if !page.is_empty() {
            page.push('\n');
        }
        page.push_str(&drafts(&list, &draft, &files, lang));
        if lint(&list).iter().any(|finding| finding.level == Level::Error) {
            code = 1;
        }
    }
    print(&page)?;
    Ok(code)
}

/// A file's name as part of an id: lower-case letters, digits and dashes.
fn plain_id(stem: &str) -> String {
    const LEN_MAX: usize = 48;
    let plain = |letter: char| if letter.is_ascii_alphanumeric() { letter.to_ascii_lowercase() } else { '-' };
    stem.chars().take(LEN_MAX).map(plain).collect()
}

/// Writes a plain list for each group; gives their names and hashes.
fn written(list: &List, draft: &Draft, out: &Path, lang: Lang) -> Result<Vec<(String, String)>, Error> {
    let mut files = Vec::new();
    for (number, group) in list.groups().iter().enumerate() {
        let path = if number == 0 { out.to_owned() } else { numbered(out, number + 1) };
        let text = plain_text(list, group, draft, lang);
        files::write_new(&path, text.as_bytes())?;
        files.push((path.display().to_string(), hex(text.as_bytes())));
    }
    Ok(files)
}

/// `lists/suite.txt` → `lists/suite-2.txt`.
fn numbered(path: &Path, number: usize) -> PathBuf {
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    let name = match path.extension() {
        Some(extension) => format!("{stem}-{number}.{}", extension.to_string_lossy()),
        None => format!("{stem}-{number}"),
    };
    path.with_file_name(name)
}

/// 0 when there is nothing but remarks for the reader's knowledge, else 1.
fn check(options: &ListLintOptions, lang: Lang) -> Result<u8, Error> {
    let selection = selection(&options.select)?;
    let mut page = String::new();
    let mut code = 0;
    for path in &options.files {
        let (Read { list, .. }, _) =
            without(read(path, options.format, &selection)?, options.minus.as_deref())?;
        let findings = lint(&list);
        if findings.iter().any(|finding| finding.level != Level::Info) {
            code = 1;
        }
        let shown = escape::text(&path.display().to_string());
        if options.json {
            for finding in &findings {
                let mut line = finding_json(finding);
                line["file"] = json!(shown);
                page.push_str(&format!("{line}\n"));
            }
            continue;
        }
        let _ = writeln!(page, "{shown}: {}", headline(&list, lang));
        traps(&findings, lang, &mut page);
        let _ = writeln!(page, "{shown}: {}", counted(&findings, lang));
    }
    print(&page)?;
    Ok(code)
}

/// What a list is, how old, and how much it holds.
fn headline(list: &List, lang: Lang) -> String {
    let title = list.format.title.of(lang);
    let mut parts = vec![match lang {
        Lang::Ja => format!("形式 {}({title})", list.format.name),
        Lang::En => format!("format {} ({title})", list.format.name),
    }];
    let date = list.date.map(|date| date.to_string());
    parts.extend(
        date.map(|date| if lang == Lang::Ja { format!("日付 {date}") } else { format!("of {date}") }),
    );
    let version = list.version.as_ref();
    parts.extend(version.map(|version| match lang {
        Lang::Ja => format!("版 {version}"),
        Lang::En => format!("version {version}"),
    }));
    parts.push(list.amount(lang));
    parts.join(if lang == Lang::Ja { "、" } else { ", " })
}

fn counted(findings: &[Finding], lang: Lang) -> String {
    let count = |level| findings.iter().filter(|finding| finding.level == level).count();
    let (errors, warnings, infos) = (count(Level::Error), count(Level::Warning), count(Level::Info));
    match lang {
        Lang::Ja => format!("誤り{errors}、注意{warnings}、情報{infos}"),
        Lang::En => format!("{errors} errors, {warnings} warnings, {infos} remarks"),
    }
}

/// Findings by trap: the subjects, then why it matters and what to do.
fn traps(findings: &[Finding], lang: Lang, page: &mut String) {
    let same = |one: &Finding, two: &Finding| one.rule == two.rule && one.level == two.level;
    for group in findings.chunk_by(same) {
        let (rule, level) = (group[0].rule, group[0].level.word().of(lang));
        let _ = writeln!(page, "\n{level} {} {}", rule.code, rule.what.of(lang));
        let told: Vec<_> =
            group.iter().map(|finding| finding.about(lang)).filter(|about| !about.is_empty()).collect();
        told.iter()
            .take(SUBJECTS_MAX)
            .for_each(|about| page.push_str(&format!("  {}\n", escape::text(about))));
        page.push_str(&more(told.len(), SUBJECTS_MAX, lang));
        let (why, remedy) = (rule.why.of(lang), rule.remedy.of(lang));
        let _ = match lang {
            Lang::Ja => writeln!(page, "  理由: {why}\n  → {remedy}"),
            Lang::En => writeln!(page, "  why: {why}\n  → {remedy}"),
        };
    }
    if !findings.is_empty() {
        page.push('\n');
    }
}

fn more(all: usize, shown: usize, lang: Lang) -> String {
    match (all.saturating_sub(shown), lang) {
        (0, _) => String::new(),
        (more, Lang::Ja) => format!("  ほか{more}件(--json ですべて表示)\n"),
        (more, Lang::En) => format!("  {more} more (--json shows all)\n"),
    }
}

fn finding_json(finding: &Finding) -> Value {
    let Finding { rule, level, subject, detail, places, count } = finding;
    let places: Vec<_> = places.iter().map(ToString::to_string).collect();
    json!({
        "code": rule.code,
        "level": level.code(),
        "subject": subject,
        "places": places,
        "count": count,
        "detail": detail.as_ref().map(|words| json!({ "ja": words.ja, "en": words.en })),
        "what": { "ja": rule.what.ja, "en": rule.what.en },
        "why": { "ja": rule.why.ja, "en": rule.why.en },
        "remedy": { "ja": rule.remedy.ja, "en": rule.remedy.en },
    })
}

/// 0 when both lists allow the same, 1 when not.
fn diff(options: &ListDiffOptions, lang: Lang) -> Result<u8, Error> {
    let selection = selection(&options.select)?;
    let old = read(&options.old, options.format, &selection)?;
    // Both are of one kind: the new one is read as the old one was.
    let new = read(&options.new, Some(old.list.format), &selection)?;
    let difference = Difference::new(&old.list, &new.list);
    let page = if options.json {
        format!("{}\n", diff_json(options, [&old, &new], &difference))
    } else {
        let mut page = String::new();
        for (path, read) in [(&options.old, &old), (&options.new, &new)] {
            let _ = writeln!(
                page,
                "{}: {}",
                escape::text(&path.display().to_string()),
                headline(&read.list, lang)
            );
        }
        diff_page(&difference, lang, &mut page);
        page
    };
    print(&page)?;
    Ok(u8::from(!difference.is_empty()))
}

fn diff_page(difference: &Difference, lang: Lang, page: &mut String) {
    if difference.is_empty() {
        page.push_str(match lang {
            Lang::Ja => "違いはありません(名前もアドレスも同じです)\n",
            Lang::En => "no difference: the same names and the same addresses\n",
        });
        return;
    }
    let (added, removed) = (difference.names_added.len(), difference.names_removed.len());
    let _ = match lang {
        Lang::Ja => writeln!(page, "\n名前: 追加{added}、削除{removed}"),
        Lang::En => writeln!(page, "\nnames: {added} added, {removed} removed"),
    };
    rows('+', &difference.names_added, lang, page);
    rows('-', &difference.names_removed, lang, page);
    let (added, removed) = (difference.blocks_added.count(), difference.blocks_removed.count());
    let (v4_added, v4_removed) = (grouped(added.v4), grouped(removed.v4));
    let (v6_added, v6_removed) = (grouped(added.v6_nets()), grouped(removed.v6_nets()));
    let _ = match lang {
        Lang::Ja => writeln!(
            page,
            "アドレス: IPv4 +{v4_added} -{v4_removed}、IPv6(/64の数) +{v6_added} -{v6_removed}"
        ),
        Lang::En => writeln!(
            page,
            "addresses: IPv4 +{v4_added} -{v4_removed}, IPv6 (networks /64) +{v6_added} -{v6_removed}"
        ),
    };
    rows('+', &difference.blocks_added.prefixes(), lang, page);
    rows('-', &difference.blocks_removed.prefixes(), lang, page);
    if !difference.wider.is_empty() {
        page.push_str(if lang == Lang::Ja { "広がったもの:\n" } else { "wider than before:\n" });
        for wider in difference.wider.iter().take(ROWS_MAX) {
            let rest = wider.count - wider.from.len();
            let from = wider.from.join(", ") + if rest > 0 { ", …" } else { "" };
            let _ = writeln!(page, "  {from} → {}", wider.to);
        }
        page.push_str(&more(difference.wider.len(), ROWS_MAX, lang));
    }
    if !difference.traps.is_empty() {
        page.push_str(if lang == Lang::Ja {
            "新しく加わった危険・注意:\n"
        } else {
            "traps that are new:\n"
        });
        traps(&difference.traps, lang, page);
    }
}

fn rows<T: ToString>(sign: char, values: &[T], lang: Lang, page: &mut String) {
    values
        .iter()
        .take(ROWS_MAX)
        .for_each(|value| page.push_str(&format!("  {sign} {}\n", value.to_string())));
    page.push_str(&more(values.len(), ROWS_MAX, lang));
}

fn diff_json(options: &ListDiffOptions, [old, new]: [&Read; 2], difference: &Difference) -> Value {
    let names = |values: &[_]| values.iter().map(ToString::to_string).collect::<Vec<String>>();
    let file = |path: &Path, read: &Read| {
        json!({
            "file": escape::text(&path.display().to_string()),
            "sha256": read.sha256,
            "version": read.list.version,
            "date": read.list.date.map(|date| date.to_string()),
        })
    };
    let side = |blocks: &list::Blocks| {
        let count = blocks.count();
        json!({ "blocks": blocks.prefixes().iter().map(ToString::to_string).collect::<Vec<_>>(), "v4_addresses": count.v4, "v6_nets_64": count.v6_nets() })
    };
    let wider: Vec<_> = difference
        .wider
        .iter()
        .map(|wider| json!({ "from": wider.from, "count": wider.count, "to": wider.to }))
        .collect();
    json!({
        "schema": DIFF_SCHEMA,
        "format": old.list.format.name,
        "old": file(&options.old, old),
        "new": file(&options.new, new),
        "is_same": difference.is_empty(),
        "names": { "added": names(&difference.names_added), "removed": names(&difference.names_removed) },
        "addresses": { "added": side(&difference.blocks_added), "removed": side(&difference.blocks_removed) },
        "wider": wider,
        "traps": difference.traps.iter().map(finding_json).collect::<Vec<_>>(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn further_files_are_numbered_beside_the_first() {
        for (path, second) in
            [("lists/suite.txt", "lists/suite-2.txt"), ("suite", "suite-2"), ("a.b/c", "a.b/c-2")]
        {
            assert_eq!(numbered(Path::new(path), 2), Path::new(second));
        }
    }
}
