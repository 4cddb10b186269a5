//! A policy from its files. Opens nothing itself: bytes come through the caller's `read`.

use std::{
    collections::{BTreeSet, VecDeque},
    io,
    path::{Component, Path, PathBuf},
    sync::Arc,
};

use serde::Deserialize as _;
use sha2::{Digest as _, Sha256};
use toml::{
    Spanned,
    de::{DeValue, ValueDeserializer},
};

use super::{
    compiled::Policy,
    diagnostic::{Diagnostic, Level, Source, Spot, Words},
    document::{Document, SCHEMA},
    item::SourceFile,
    lint::lint,
    resolve::{Imports, resolve},
    text::{At, Entry, Sections, object, objects, sections, unknown_word},
};
use crate::ground::model::lang::Lang;

/// Files of one policy. A county-wide common part and one file a department stay far below.
const FILES_MAX: usize = 256;
/// Bytes of one file: 10,000 channels of 400 bytes are 4 MB.
const FILE_LEN_MAX: usize = 16 * 1024 * 1024;

/// How files are read: the path as the policy names it, resolved against the file that names it.
pub type ReadFile<'a> = &'a mut dyn FnMut(&Path) -> io::Result<Vec<u8>>;

/// Reads, checks and compiles a policy with everything it includes.
///
/// # Errors
/// All that is wrong, as far as it could be read, when at least one diagnostic is an error; warnings come along.
pub fn load(root: &Path, read: ReadFile<'_>) -> Result<(Policy, Vec<Diagnostic>), Vec<Diagnostic>> {
    let mut out = Vec::new();
    let (document, files, imports) = gather(root, read, &mut out);
    if has_error(&out) {
        return Err(out);
    }
    let objects = resolve(&document, files, &imports, &mut out);
    let Some(objects) = objects.filter(|_| !has_error(&out)) else {
        return Err(out);
    };
    lint(&document, &objects, &mut out);
    out.sort_by_key(|diagnostic| diagnostic.level);
    if has_error(&out) { Err(out) } else { Ok((Policy::new(objects), out)) }
}

/// [`load`] for a policy of one file that is at hand already.
///
/// # Errors
/// As [`load`].
pub fn load_text(name: &str, text: &str) -> Result<(Policy, Vec<Diagnostic>), Vec<Diagnostic>> {
    load(Path::new(name), &mut |path| match path == Path::new(name) {
        true => Ok(text.as_bytes().to_vec()),
        false => Err(io::Error::from(io::ErrorKind::NotFound)),
    })
}

/// All diagnostics as one text for people.
#[must_use]
pub fn render_all(diagnostics: &[Diagnostic], lang: Lang, colour: bool) -> String {
    diagnostics.iter().map(|diagnostic| diagnostic.render(lang, colour)).collect::<Vec<_>>().join("\n")
}

fn has_error(out: &[Diagnostic]) -> bool {
    out.iter().any(|diagnostic| diagnostic.level == Level::Error)
}

/// A file that waits to be read: who asked for it, and on the way from the root.
struct Waiting {
    path: PathBuf,
    asked_by: Option<Spot>,
    chain: Vec<PathBuf>,
}

fn gather(
    root: &Path,
    read: ReadFile<'_>,
    out: &mut Vec<Diagnostic>,
) -> (Document, Vec<SourceFile>, Imports) {
    let mut document = Document::default();
    let mut files = Vec::new();
    let mut seen = BTreeSet::from([normal(root)]);
    let mut waiting = VecDeque::from([Waiting { path: normal(root), asked_by: None, chain: Vec::new() }]);
    while let Some(Waiting { path, asked_by, mut chain }) = waiting.pop_front() {
        let Some((name, text)) = fetch(&path, asked_by.as_ref(), &mut files, read, out) else { continue };
        let source = Arc::new(Source::new(&name, &text));
        let asked = spread(sections(source, &text, out), asked_by.is_none(), &mut document, out);
        chain.push(path.clone());
        for include in asked {
            let target = normal(&path.parent().unwrap_or_else(|| Path::new("")).join(&include.value.value));
            let spot = include.spot(&include.value.span);
            if chain.contains(&target) {
                let words =
                    Words::new("読み込みが輪になっています", "these files include each other in a circle");
                out.push(
                    Diagnostic::error("T05", words)
                        .at(&spot, Words::new("ここで戻ります", "back again here")),
                );
            } else if seen.len() >= FILES_MAX {
                let words = Words::new(
                    format!("ファイルが多すぎます({FILES_MAX}まで)"),
                    format!("too many files (at most {FILES_MAX})"),
                );
                out.push(Diagnostic::error("T05", words).at(&spot, Words::new("ここ", "here")));
            } else if seen.insert(target.clone()) {
                waiting.push_back(Waiting { path: target, asked_by: Some(spot), chain: chain.clone() });
            }
        }
    }
    let imports = fetch_imports(&document, root, &mut files, read, out);
    (document, files, imports)
}

/// Reads the lists that destinations import.
fn fetch_imports(
    document: &Document,
    root: &Path,
    files: &mut Vec<SourceFile>,
    read: ReadFile<'_>,
    out: &mut Vec<Diagnostic>,
) -> Imports {
    let mut imports = Imports::new();
    for destination in &document.destinations {
        let Some(import) = &destination.value.import else { continue };
        let file = &import.value.file;
        let beside = Path::new(destination.source.name()).parent().unwrap_or(root);
        let path = normal(&beside.join(&file.value));
        if imports.len() >= FILES_MAX {
            continue;
        }
        let spot = destination.spot(&file.span);
        if let Some((_, text)) = fetch(&path, Some(&spot), files, read, out) {
            let sha256 = files.last().map(|file| file.sha256).unwrap_or_default();
            imports.insert(destination.value.id.value.clone(), (text, sha256));
        }
    }
    imports
}

fn fetch(
    path: &Path,
    asked_by: Option<&Spot>,
    files: &mut Vec<SourceFile>,
    read: ReadFile<'_>,
    out: &mut Vec<Diagnostic>,
) -> Option<(String, String)> {
    let name = path.display().to_string();
    let mut refuse = |words: Words| {
        let fault = Diagnostic::error("T05", words);
        out.push(match asked_by {
            Some(spot) => fault.at(spot, Words::new("ここで指定しています", "asked for here")),
            None => fault,
        });
        None
    };
    let shown = name.escape_debug();
    let bytes = match read(path) {
        Ok(bytes) => bytes,
        Err(error) => {
            return refuse(Words::new(
                format!("ファイル「{shown}」を読めません: {error}"),
                format!("cannot read the file {shown}: {error}"),
            ));
        }
    };
    if bytes.len() > FILE_LEN_MAX {
        return refuse(Words::new(
            format!("ファイル「{shown}」が大きすぎます({FILE_LEN_MAX}バイトまで)"),
            format!("the file {shown} is too large (at most {FILE_LEN_MAX} bytes)"),
        ));
    }
    let sha256 = Sha256::digest(&bytes).into();
    match String::from_utf8(bytes) {
        Ok(text) => {
            files.push(SourceFile { name: name.as_str().into(), sha256 });
            let text = text.strip_prefix('\u{feff}').map_or_else(|| text.clone(), str::to_owned);
            Some((name, text))
        }
        Err(error) => {
            let valid = error.utf8_error().valid_up_to();
            refuse(Words::new(
                format!(
                    "ファイル「{shown}」はUTF-8ではありません({valid}バイト目。Shift_JISで保存していませんか)"
                ),
                format!("the file {shown} is not UTF-8 (at byte {valid}; was it saved as Shift_JIS?)"),
            ))
        }
    }
}

/// The path without `.` and without `name/..`, by its text alone.
fn normal(path: &Path) -> PathBuf {
    let mut normal = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir if normal.file_name().is_some() => {
                normal.pop();
            }
            part => normal.push(part),
        }
    }
    normal
}

/// Puts the sections of one file where they belong; gives the files it includes.
fn spread(
    file: Sections<'_>,
    is_root: bool,
    into: &mut Document,
    out: &mut Vec<Diagnostic>,
) -> Vec<Entry<At<String>>> {
    const KNOWN: &[&str] = &[
        "schema",
        "include",
        "policy",
        "defaults",
        "epochs",
        "sensors",
        "segments",
        "zones",
        "hosts",
        "paths",
        "destinations",
        "channels",
        "forbid",
        "accept",
        "checks",
    ];
    let source = file.source;
    let mut includes = Vec::new();
    let mut has_schema = false;
    for (key, value) in file.found {
        let spot = Spot { source: Arc::clone(&source), span: key.span() };
        match key.get_ref().as_str() {
            "schema" => {
                has_schema = true;
                check_schema(&source, value, out);
            }
            "include" => {
                let span = value.span();
                match Vec::<At<String>>::deserialize(ValueDeserializer::from(value)) {
                    Ok(list) => includes.extend(list.into_iter().map(|value| Entry {
                        source: Arc::clone(&source),
                        span: span.clone(),
                        value,
                    })),
                    Err(_) => out.push(
                        Diagnostic::error(
                            "T04",
                            Words::new("includeの書き方が違います", "include is written wrongly"),
                        )
                        .at(&spot, Words::new("ここ", "here"))
                        .remedy(Words::new("include = [\"common.toml\"]", "include = [\"common.toml\"]")),
                    ),
                }
            }
            "policy" => single(&source, &spot, value, &mut into.policy, out),
            "defaults" => single(&source, &spot, value, &mut into.defaults, out),
            "epochs" => objects(&source, value, out, &mut into.epochs),
            "sensors" => objects(&source, value, out, &mut into.sensors),
            "segments" => objects(&source, value, out, &mut into.segments),
            "zones" => objects(&source, value, out, &mut into.zones),
            "hosts" => objects(&source, value, out, &mut into.hosts),
            "paths" => objects(&source, value, out, &mut into.paths),
            "destinations" => objects(&source, value, out, &mut into.destinations),
            "channels" => objects(&source, value, out, &mut into.channels),
            "forbid" => objects(&source, value, out, &mut into.forbids),
            "accept" => objects(&source, value, out, &mut into.accepts),
            "checks" => spread_checks(&source, value, into, out),
            other => {
                let shown = other.escape_debug().to_string();
                let words = Words::new(
                    format!("「{shown}」という節はありません"),
                    format!("there is no section `{shown}`"),
                );
                out.push(unknown_word("T02", (other, KNOWN), &spot, words));
            }
        }
    }
    if is_root && !has_schema {
        let spot = Spot { source, span: 0..0 };
        let words = Words::new("schemaの行がありません", "the line with schema is missing");
        let line = format!("schema = \"{SCHEMA}\"");
        out.push(
            Diagnostic::error("T03", words)
                .at(&spot, Words::new("先頭に書きます", "it belongs at the top"))
                .remedy(Words::new(line.clone(), line)),
        );
    }
    includes
}

fn check_schema(source: &Arc<Source>, value: Spanned<DeValue<'_>>, out: &mut Vec<Diagnostic>) {
    if value.get_ref().as_str() == Some(SCHEMA) {
        return;
    }
    let spot = Spot { source: Arc::clone(source), span: value.span() };
    let words = Words::new("この書式は読めません", "this program does not read this schema");
    out.push(
        Diagnostic::error("T04", words)
            .at(&spot, Words::new(format!("期待するもの: \"{SCHEMA}\""), format!("expected \"{SCHEMA}\""))),
    );
}

fn single<T: serde::de::DeserializeOwned>(
    source: &Arc<Source>,
    spot: &Spot,
    value: Spanned<DeValue<'_>>,
    into: &mut Option<Entry<T>>,
    out: &mut Vec<Diagnostic>,
) {
    if let Some(known) = into {
        let words = Words::new("この節は一度しか書けません", "this section may stand only once in all files");
        out.push(
            Diagnostic::error("L01", words)
                .at(spot, Words::new("二度目", "second time"))
                .at(&known.spot(&known.span), Words::new("一度目", "first time")),
        );
        return;
    }
    *into = object(source, value, out);
}

fn spread_checks(
    source: &Arc<Source>,
    value: Spanned<DeValue<'_>>,
    into: &mut Document,
    out: &mut Vec<Diagnostic>,
) {
    let span = value.span();
    let DeValue::Table(table) = value.into_inner() else {
        let spot = Spot { source: Arc::clone(source), span };
        out.push(
            Diagnostic::error("T04", Words::new("checksの書き方が違います", "checks is written wrongly"))
                .at(&spot, Words::new("ここ", "here"))
                .remedy(Words::new(
                    "[checks.SK-B02] と書き、その下に severity = \"low\" など",
                    "[checks.SK-B02] and below it, say, severity = \"low\"",
                )),
        );
        return;
    };
    for (key, value) in table {
        let name = At { span: key.span(), value: key.into_inner().into_owned() };
        if let Some(entry) = object(source, value, out) {
            into.checks.push((name, entry));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    /// Every policy file of a folder beside the package; none, said aloud, where the folder is absent.
    fn policies(folder: &str) -> Vec<PathBuf> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
        let Ok(entries) = fs::read_dir(&folder) else {
            println!("SKIPPED: ../shared absent");
            return Vec::new();
        };
        let mut files: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
        files.retain(|path| path.extension().is_some_and(|extension| extension == "toml"));
        files.sort();
        files
    }

    #[test]
    fn the_six_worked_policies_load_with_the_remarks_that_are_their_own_and_no_others() {
        for path in policies("../shared/policies") {
            let (_, remarks) = load(&path, &mut |path| fs::read(path))
                .unwrap_or_else(|faults| panic!("{}", render_all(&faults, Lang::En, false)));
            println!("{} {}", path.display(), render_all(&remarks, Lang::Ja, false));
        }
    }
}
