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
    resolve::{Imported, Imports, resolve},
    text::{At, Entry, Sections, object, objects, sections, unknown_word},
};
use crate::ground::model::{lang::Lang, time::Timestamp};

/// Files of one policy, and as many lists. A county-wide common part and one file a department stay far below.
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
    load_on(root, None, read)
}

/// [`load`] on a day: lists that are older by then than the policy lets them be are told. Without one they are looked at on
/// the first day of the policy.
///
/// # Errors
/// As [`load`].
pub fn load_on(
    root: &Path,
    today: Option<Timestamp>,
    read: ReadFile<'_>,
) -> Result<(Policy, Vec<Diagnostic>), Vec<Diagnostic>> {
    load_document(root, today, read).map(|(_, policy, notes)| (policy, notes))
}

/// [`load_on`] with what was written beside what was meant.
pub(super) fn load_document(
    root: &Path,
    today: Option<Timestamp>,
    read: ReadFile<'_>,
) -> Result<(Document, Policy, Vec<Diagnostic>), Vec<Diagnostic>> {
    let mut out = Vec::new();
    let (document, files, imports) = gather(root, read, &mut out);
    if has_error(&out) {
        return Err(out);
    }
    let objects = resolve(&document, files, &imports, today, &mut out);
    let Some(mut objects) = objects.filter(|_| !has_error(&out)) else {
        return Err(out);
    };
    objects.deviations = lint(&document, &objects, &mut out);
    out.sort_by_key(|diagnostic| diagnostic.level);
    if has_error(&out) { Err(out) } else { Ok((document, Policy::new(objects), out)) }
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
                out.push(too_many_files(&spot));
            } else if seen.insert(target.clone()) {
                waiting.push_back(Waiting { path: target, asked_by: Some(spot), chain: chain.clone() });
            }
        }
    }
    let imports = fetch_imports(&document, root, &mut files, read, out);
    (document, files, imports)
}

/// Reads the lists that destinations import, and those that are taken away from them.
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
        let beside = Path::new(destination.source.name()).parent().unwrap_or(root);
        let mut list = |file: &At<String>| {
            let spot = destination.spot(&file.span);
            if files.len() >= 2 * FILES_MAX {
                out.push(too_many_files(&spot));
                return None;
            }
            let (_, text) = fetch(&normal(&beside.join(&file.value)), Some(&spot), files, read, out)?;
            Some((text, files.last().map(|file| file.sha256).unwrap_or_default()))
        };
        let Some((text, sha256)) = list(&import.value.file) else { continue };
        let minus = import.value.minus.as_ref().and_then(|minus| list(&minus.value.file));
        imports.insert(destination.value.id.value.clone(), Imported { text, sha256, minus });
    }
    imports
}

fn too_many_files(spot: &Spot) -> Diagnostic {
    let words = Words::new(
        format!("ファイルが多すぎます({FILES_MAX}まで)"),
        format!("too many files (at most {FILES_MAX})"),
    );
    Diagnostic::error("T05", words).at(spot, Words::new("ここ", "here"))
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

    use super::{
        super::twins::{changed, codes},
        *,
    };

    fn faults(name: &str, changes: &[(&str, &str)]) -> Vec<&'static str> {
        changed(name, changes).map_or_else(|faults| codes(&faults), |(_, remarks)| codes(&remarks))
    }

    #[test]
    fn the_six_worked_policies_load_with_the_remarks_that_are_their_own_and_no_others() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/policies");
        if !folder.exists() {
            println!("SKIPPED: ../shared absent");
            return;
        }
        for (name, expected) in [
            ("alpha", &[][..]),
            ("alpha_prime_a", &[]),
            ("alpha_prime_i", &["L32"]),
            ("alpha_prime_u", &["L32", "L32"]),
            ("beta", &["L33"]),
            ("beta_prime", &["L33", "L03"]),
        ] {
            let path = folder.join(name).with_extension("toml");
            let (_, remarks) = load(&path, &mut |path| fs::read(path))
                .unwrap_or_else(|faults| panic!("{}", render_all(&faults, Lang::En, false)));
            assert_eq!(codes(&remarks), expected, "{}", render_all(&remarks, Lang::En, false));
        }
    }

    #[test]
    fn the_six_policies_of_the_imaginary_city_load_with_the_same_remarks() {
        for (name, expected) in [
            ("minato_alpha.toml", &[][..]),
            ("minato_alpha_prime_a.toml", &[]),
            ("minato_alpha_prime_i.toml", &["L32"]),
            ("minato_alpha_prime_u.toml", &["L32", "L32"]),
            ("minato_beta.toml", &["L33"]),
            ("minato_beta_prime.toml", &["L33", "L03"]),
        ] {
            let (_, remarks) = changed(name, &[])
                .unwrap_or_else(|faults| panic!("{}", render_all(&faults, Lang::En, false)));
            assert_eq!(codes(&remarks), expected, "{name}: {}", render_all(&remarks, Lang::En, false));
        }
    }

    #[test]
    fn each_of_the_nine_mutants_is_caught_by_its_own_rule() {
        let to = |channel: &str, old: &str, new: &str, from: &str| {
            let head = |to: &str| format!("id = \"{channel}\"\nfrom = [\"{from}\"]\nto = [\"{to}\"]");
            (head(old), head(new))
        };
        let (old, new) = to("k-zei", "dx-zei", "net", "kj-renkei");
        let internet = faults("minato_alpha.toml", &[(&old, &new)]);
        assert!(internet.contains(&"P01") && internet.contains(&"L40"), "{internet:?}");

        let lbo = [("model = \"alpha_prime\"\ncase = \"a\"", "model = \"alpha\"\ncase = \"\"")];
        assert_eq!(faults("minato_alpha_prime_a.toml", &lbo), ["P04", "P04"]);

        let case_a = [("case = \"i\"", "case = \"a\"")];
        assert!(faults("minato_alpha_prime_i.toml", &case_a).contains(&"P06"));

        let no_ban = [("download = \"forbidden\"\n", "")];
        assert!(faults("minato_alpha_prime_i.toml", &no_ban).contains(&"P07"));

        let no_proxy = [("via = [\"gy-tenant\"]\n", "")];
        assert!(faults("minato_alpha_prime_i.toml", &no_proxy).contains(&"P08"));

        let condition = [("url_restricted = true", "url_restricted = false")];
        assert_eq!(faults("minato_alpha_prime_a.toml", &condition), ["L11"]);

        let (old, new) = to("m-file-1", "nk-file", "gyomu", "soto");
        let direct = faults("minato_beta.toml", &[(&old, &new)]);
        assert!(direct.contains(&"P09") && direct.contains(&"L40"), "{direct:?}");

        let same_vlan = [("vlan = [51, 52]", "vlan = [21, 22]")];
        assert!(faults("minato_beta_prime.toml", &same_vlan).contains(&"L03"));
        let (_, remarks) = changed("minato_beta_prime.toml", &[]).unwrap();
        assert!(
            remarks.iter().all(|remark| remark.level == Level::Info),
            "told apart, it is information only"
        );

        let (old, new) =
            ("from = [\"gyomu\"]\nto = [\"nk-gamen\"]", "from = [\"soto\"]\nto = [\"nk-gamen\"]");
        assert_eq!(faults("minato_alpha.toml", &[(old, new)]), ["P10"]);
    }

    #[test]
    fn what_an_accept_entry_covers_is_a_deviation_and_no_error() {
        let accept = "\n[[accept]]\nfinding = \"P10\"\nuntil = 2026-06-30T23:59:59+09:00\napproved_by = \"情報政策監\"\nreason_ja = \"更改まで\"\n\n# ---- 承認済みの例外 ----";
        let changes = [
            ("from = [\"gyomu\"]\nto = [\"nk-gamen\"]", "from = [\"soto\"]\nto = [\"nk-gamen\"]"),
            ("\n# ---- 承認済みの例外 ----", accept),
        ];
        let (_, remarks) = changed("minato_alpha.toml", &changes).unwrap();
        assert_eq!(codes(&remarks), ["P10"]);
        assert_eq!(remarks[0].level, Level::Warning);
        assert!(remarks[0].message.ja.contains("プリセットからの逸脱"));
    }

    #[test]
    fn the_edition_decides_which_preset_a_policy_is_held_to() {
        let edition = |to: &str| ("guideline = \"soumu-2025-03\"", format!("guideline = \"{to}\""));
        let (old, unknown) = edition("soumu-2031-04");
        assert_eq!(faults("minato_alpha.toml", &[(old, &unknown)]), ["L26"]);
        let (old, earlier) = edition("soumu-2024-10");
        assert!(faults("minato_alpha.toml", &[(old, &earlier)]).is_empty());
        let into_mynumber = ("kind = \"maintenance\"", "kind = \"screen\"");
        assert!(faults("minato_alpha.toml", &[into_mynumber]).is_empty(), "permitted since March 2025");
        assert_eq!(faults("minato_alpha.toml", &[(old, &earlier), into_mynumber]), ["P11"]);
    }

    #[test]
    fn a_check_of_the_first_day_is_made_looser_only_with_an_accept_entry() {
        let looser =
            "[checks.SK-A01]\nseverity = \"low\"\n\n[checks.SK-A04]\nenabled = false\n\n[checks.SK-G06]";
        let change = ("[checks.SK-G06]", looser);
        assert_eq!(faults("minato_alpha.toml", &[change]), ["P12"], "A04 is not among the first");
        let accept = "\n[[accept]]\nid = \"a-1\"\nfinding = \"SK-A01\"\nuntil = 2026-06-30T23:59:59+09:00\napproved_by = \"情報政策監\"\nreason_ja = \"更改まで\"\n\n# ---- 承認済みの例外 ----";
        let changes = [change, ("\n# ---- 承認済みの例外 ----", accept)];
        let (policy, remarks) = changed("minato_alpha.toml", &changes).unwrap();
        assert_eq!(codes(&remarks), ["P12"]);
        let told: Vec<_> = policy.deviations().iter().map(|it| (it.code, &*it.about)).collect();
        assert_eq!(told, [("P12", "SK-A01")]);
        let stricter = ("[checks.SK-G06]", "[checks.SK-J01]\nseverity = \"critical\"\n\n[checks.SK-G06]");
        assert!(faults("minato_alpha.toml", &[stricter]).is_empty());
    }

    #[test]
    fn broken_references_duplicates_dates_services_and_names_are_errors() {
        let alpha = |from: &str, to: &str| faults("minato_alpha.toml", &[(from, to)]);
        assert_eq!(alpha("to = [\"dx-asp\"]", "to = [\"dx-aps\"]"), ["L14"]);
        assert_eq!(alpha("id = \"gy-dns\"", "id = \"gy-mail\""), ["L01", "L14", "L14"]);
        assert_eq!(alpha("id = \"gy-dns\"", "id = \"dx-asp\""), ["L01", "L14", "L14"]);
        assert_eq!(alpha("addr = [\"10.120.0.53\"]", "addr = [\"10.121.0.53\"]"), ["L05"]);
        assert_eq!(alpha("segment = \"kojin\"\n", ""), ["L04"]);
        assert_eq!(
            alpha("valid_until = 2026-07-31T17:59:59+09:00", "valid_until = 2026-06-30T17:59:59+09:00"),
            ["L19"]
        );
        assert_eq!(
            alpha("valid_until = 2026-07-31T17:59:59+09:00", "valid_until = 2026-07-31T17:59:59"),
            ["T06"]
        );
        assert_eq!(alpha("services = [\"tcp/3389\"]", "services = [\"tcp/3389-\"]"), ["T04"]);
        assert_eq!(alpha("purpose_ja = \"名前解決\"\n", ""), ["L15"]);
        assert_eq!(alpha("cidr = [\"10.120.0.0/16\"]", "cidr = [\"10.120.0.1/16\"]"), ["T04"]);
        assert_eq!(alpha("cidr = [\"10.120.0.0/16\"]", "cidr = [\"10.110.0.0/16\"]")[0], "L05");
        assert_eq!(alpha("vlan = [31]", "vlan = [4095]"), ["T04"]);
        assert_eq!(alpha("hours = \"06:30-23:00\"", "hours = \"06:30-25:00\""), ["T04"]);
        assert_eq!(alpha("timezone = \"Asia/Tokyo\"", "timezone = \"Asia/Edo\""), ["T04"]);
        assert_eq!(alpha("schema = \"sekisho-policy/1\"", "schema = \"sekisho-policy/2\""), ["T04"]);
        assert_eq!(alpha("severity = \"low\"", "severity = \"lowest\""), ["T04"]);
        assert_eq!(alpha("via = [\"so-proxy\"]", "via = [\"soto\"]"), ["L14"]);
        assert_eq!(
            alpha("services = [\"tcp/443\"]\nkind = \"asp\"", "services = [\"tcp/80\"]\nkind = \"asp\""),
            ["L18"]
        );
        let prime = |from: &str, to: &str| faults("minato_alpha_prime_a.toml", &[(from, to)]);
        assert_eq!(prime("fqdn = [\"license.harbor.example\"]\n", ""), ["L09"]);
        assert_eq!(
            prime("fqdn = [\"license.harbor.example\"]", "fqdn = [\"https://license.harbor.example/a\"]"),
            ["T07"]
        );
        assert_eq!(prime("fqdn = [\"license.harbor.example\"]", "fqdn = [\"*.azureedge.net\"]"), ["L12"]);
        assert_eq!(prime("cidr = [\"198.51.100.0/27\"]", "cidr = [\"203.0.113.0/27\"]"), ["L08"]);
        assert_eq!(prime("listed = true, ", "listed = false, "), ["L10"]);
        assert_eq!(prime("path = \"breakout\"\n", ""), ["P05"]);
    }

    #[test]
    fn all_that_is_wrong_is_told_at_once() {
        let faults = faults(
            "minato_alpha.toml",
            &[
                ("model = \"alpha\"", "model = \"alfa\""),
                ("to = [\"dx-asp\"]", "to = [\"dx-aps\"]"),
                ("vlan = [31]", "vlan = [0]"),
            ],
        );
        assert_eq!(faults, ["T04", "T04", "L14"]);
    }

    #[test]
    fn an_unknown_field_names_the_one_that_was_meant() {
        let faults = changed("minato_alpha.toml", &[("vlan = [31]", "valn = [31]")]).unwrap_err();
        let expected = "\
error [T02]

  × there is no field `valn`
    ╭─[minato_alpha.toml:58:1]
 57 │ cidr = [\"10.130.0.0/16\"]
 58 │ valn = [31]
    · ──┬─
    ·   ╰── did you mean `vlan`?
 59 │
    ╰────

  remedy: one of: id, class, name_ja, cidr, vlan, mac_prefix, sensors, ipv6, ech, ech_reason_ja, retired_at, epochs,
  note_ja
";
        assert_eq!(faults[0].render(Lang::En, false), expected);
    }

    #[test]
    fn an_error_is_shown_as_a_compiler_shows_it_in_both_languages() {
        let faults = changed(
            "minato_alpha_prime_a.toml",
            &[("fqdn = [\"license.harbor.example\"]", "fqdn = [\"https://License.harbor.example/a\"]")],
        );
        let faults = faults.unwrap_err();
        let japanese = "\
誤り [T07]

  × 名前の書き方が違います
     ╭─[minato_alpha_prime_a.toml:190:9]
 189 │ name_ja = \"事務ソフトの使用権\"
 190 │ fqdn = [\"https://License.harbor.example/a\"]
     ·         ─────────────────┬────────────────
     ·                          ╰── URLは書けません。パケットで確かめられるのはホスト名だけです
 191 │ cidr = [\"198.51.100.0/27\"]
     ╰────

  直し方: fqdn に \"license.harbor.example\"、パスは note_ja に
";
        assert_eq!(faults[0].render(Lang::Ja, false), japanese);
        let json = faults[0].to_json();
        assert_eq!(json["code"], "T07");
        assert_eq!((&json["places"][0]["line"], &json["places"][0]["column"]), (&190.into(), &9.into()));
        assert!(faults[0].render(Lang::En, true).contains("\u{1b}["), "colour is there when asked for");
    }

    fn load_files(files: &[(&str, &str)]) -> Result<(Policy, Vec<Diagnostic>), Vec<Diagnostic>> {
        load(Path::new(files[0].0), &mut |path| {
            let found = files.iter().find(|(name, _)| Path::new(name) == path);
            found.map(|(_, text)| text.as_bytes().to_vec()).ok_or_else(|| io::ErrorKind::NotFound.into())
        })
    }

    #[test]
    fn includes_that_go_in_a_circle_or_are_missing_are_refused() {
        let circle = load_files(&[
            ("a/root.toml", "schema = \"sekisho-policy/1\"\ninclude = [\"../b/one.toml\"]"),
            ("b/one.toml", "include = [\"../a/root.toml\"]"),
        ]);
        assert_eq!(codes(&circle.unwrap_err()), ["T05"]);
        let missing =
            load_files(&[("root.toml", "schema = \"sekisho-policy/1\"\ninclude = [\"none.toml\"]")]);
        assert_eq!(codes(&missing.unwrap_err()), ["T05"]);
        let twice = load_files(&[
            ("root.toml", "schema = \"sekisho-policy/1\"\ninclude = [\"x.toml\", \"x.toml\"]"),
            ("x.toml", "[policy]\nid = 3"),
        ]);
        assert_eq!(codes(&twice.unwrap_err()), ["T04"], "a file that is named twice is read once");
    }

    #[test]
    fn what_is_no_toml_or_no_text_is_told_and_nothing_panics() {
        assert!(codes(&load_files(&[("a.toml", "[[channels]\nid = ")]).unwrap_err()).contains(&"T01"));
        assert_eq!(codes(&load_files(&[("a.toml", "")]).unwrap_err()), ["T03"]);
        assert_eq!(codes(&load_files(&[("a.toml", "schema = \"sekisho-policy/1\"")]).unwrap_err()), ["T03"]);
        let shift_jis = load(Path::new("a.toml"), &mut |_| Ok(vec![b'#', 0x82, 0xa0]));
        assert_eq!(codes(&shift_jis.unwrap_err()), ["T05"]);
        let deep = format!("x = {}{}", "[".repeat(100_000), "]".repeat(100_000));
        assert!(!load_files(&[("a.toml", &deep)]).unwrap_err().is_empty());
        let escape = "schema = \"sekisho-policy/1\"\n[policy]\nid = \"a\"\ntitle_ja = \"\\u001b[2J\"\norg_ja = \"\"\nmodel = \"alpha\"\nguideline = \"\"\nversion = \"\"\nvalid_from = 2026-04-01T00:00:00Z\nvalid_until = 2026-05-01T00:00:00Z\n";
        assert_eq!(
            codes(&load_files(&[("a.toml", escape)]).unwrap_err())[0],
            "T04",
            "no commands to a terminal"
        );
    }

    #[test]
    fn a_plain_list_is_imported_and_its_hash_is_held_against_the_approved_one() {
        let old = "fqdn = [\"license.harbor.example\"]\ncidr = [\"198.51.100.0/27\"]";
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/policies");
        let import = |extra: &str| {
            let new = format!("import = {{ file = \"list.txt\", format = \"plain\"{extra} }}");
            load(Path::new("minato_alpha_prime_a.toml"), &mut |path| match path.to_str() {
                Some("list.txt") => Ok(b"# provider\nlicense.harbor.example\n198.51.100.0/28\n".to_vec()),
                Some("minato_alpha_prime_a.toml") => {
                    Ok(fs::read_to_string(folder.join(path))?.replacen(old, &new, 1).into_bytes())
                }
                _ => fs::read(folder.join(path)),
            })
        };
        let (policy, _) = import("").unwrap();
        let rule = policy.destinations().iter().find(|rule| &*rule.id == "dn-lic").unwrap();
        assert_eq!((rule.fqdn.len(), rule.cidr.len()), (1, 1));
        assert_eq!(policy.meta().files.len(), 3, "root, part and list, each with its SHA-256");
        assert_eq!(codes(&import(", sha256 = \"00\"").unwrap_err()), ["T05"]);
    }

    #[test]
    fn the_schema_knows_every_section_and_every_word() {
        let schema: serde_json::Value = serde_json::from_str(&super::super::schema_json()).unwrap();
        let sections = schema["properties"].as_object().unwrap();
        for section in [
            "policy",
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
            "defaults",
            "checks",
            "include",
            "schema",
        ] {
            assert!(sections.contains_key(section), "{section}");
        }
        let text = schema.to_string();
        for word in [
            "tenant_proxy",
            "name+address",
            "plaintext-approved",
            "sanitized_only",
            "lgwan_wan",
            "alpha_prime",
        ] {
            assert!(text.contains(word), "{word}");
        }
    }
}
