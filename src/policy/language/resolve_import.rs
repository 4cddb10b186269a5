//! Lists that destinations import: read by the room of lists, held against what was approved, told where they are weak.

use std::ops::Range;

use super::{
    diagnostic::{Diagnostic, Level, Words},
    document::Text,
    document_channels::{DestinationDoc, ImportDoc, SelectDoc},
    resolve::{Imported, Imports, Resolver},
    text::{Entry, unknown_word},
};
use crate::{
    ground::{
        calendar::Day,
        model::{
            address::{Prefix, Service},
            lang::Lang,
            pattern::NamePattern,
        },
    },
    policy::list::{self, Blocks, Fault, Finding, Format, Key, List, Oddity, Selection},
};

/// What a destination gets from its list.
#[derive(Default)]
pub(super) struct FromList {
    pub(super) names: Vec<NamePattern>,
    pub(super) blocks: Vec<Prefix>,
    /// The ports that the list tells; none when it does not tell all.
    pub(super) services: Vec<Service>,
    /// It could not be read, which is told: what it would have given is not missing too.
    pub(super) is_unknown: bool,
}

/// Subjects of one trap that are named in one diagnostic.
const SUBJECTS_SHOWN: usize = 3;

impl Resolver<'_> {
    /// Reads the list of a destination; what is wrong with it is told.
    pub(super) fn import(&mut self, entry: &Entry<DestinationDoc>, imports: &Imports) -> FromList {
        let Some(import) = &entry.value.import else { return FromList::default() };
        let import = &import.value;
        let unknown = || FromList { is_unknown: true, ..FromList::default() };
        let format = self.format(entry, &import.format);
        let found = imports.get(&entry.value.id.value);
        let (Some(format), Some(imported)) = (format, found) else { return unknown() };
        self.approved(entry, import.sha256.as_ref(), &imported.sha256);
        let Some(list) = self.list(entry, import, format, imported) else { return unknown() };
        if let Some(remark) = list.remarks.iter().find(|remark| format.is_own && is_fault(&remark.oddity)) {
            let (place, why) = (remark.place.words(), remark.oddity.words());
            let words = Words::new(
                format!("一覧の{}「{}」が読めません: {}", place.ja, remark.shown, why.ja),
                format!("{} of the list cannot be read: {} ({})", place.en, remark.shown, why.en),
            );
            self.fault("T07", words, &entry.spot(&import.file.span));
            return unknown();
        }
        self.age(entry, import, list.date);
        let mut findings = list::lint(&list);
        // A destination is one: what one set lost, another or the policy itself may have.
        let is_written = |half: Option<&Vec<Text>>| half.is_some_and(|half| !half.is_empty());
        let lost = list.lost();
        let is_lost = lost.names && !is_written(entry.value.fqdn.as_ref())
            || lost.blocks && !is_written(entry.value.cidr.as_ref());
        findings.retain(|finding| !finding.rule.is_lost_half() || is_lost);
        self.traps(entry, import, &findings);
        FromList {
            names: list.all_names(),
            blocks: list.all_blocks(),
            services: list.all_services(),
            is_unknown: false,
        }
    }

    fn format(&mut self, entry: &Entry<DestinationDoc>, name: &Text) -> Option<&'static Format> {
        let found = list::format(&name.value);
        if found.is_none() {
            let words = Words::new("この形式の一覧は読めません", "lists of this format cannot be read");
            let known = list::format_names();
            self.out.push(unknown_word("T04", (&name.value, &known), &entry.spot(&name.span), words));
        }
        found
    }

    /// The bytes must be those that were approved.
    fn approved(&mut self, entry: &Entry<DestinationDoc>, wanted: Option<&Text>, read: &[u8; 32]) {
        let hex: String = read.iter().map(|byte| format!("{byte:02x}")).collect();
        let Some(wanted) = wanted.filter(|wanted| !wanted.value.eq_ignore_ascii_case(&hex)) else { return };
        let words = Words::new("一覧の中身が承認時と違います", "the list is not the approved one");
        self.out.push(
            Diagnostic::error("T05", words).at(
                &entry.spot(&wanted.span),
                Words::new(format!("読んだもの: {hex}"), format!("read: {hex}")),
            ),
        );
    }

    fn list(
        &mut self,
        entry: &Entry<DestinationDoc>,
        import: &ImportDoc,
        format: &'static Format,
        imported: &Imported,
    ) -> Option<List> {
        let selection = import.select.as_ref().map(|select| selection(&select.value)).unwrap_or_default();
        let list = match format.read(imported.text.as_bytes(), &selection) {
            Ok(list) => list,
            Err(fault) => {
                // Without a place in the list it is about what was asked for.
                let asked = import.select.as_ref().filter(|_| fault.place.is_none());
                self.unreadable(entry, &fault, asked.map_or(&import.file.span, |select| &select.span));
                return None;
            }
        };
        let Some(minus) = &import.minus else { return Some(list) };
        let (text, sha256) = imported.minus.as_ref()?;
        self.approved(entry, minus.value.sha256.as_ref(), sha256);
        let other = list::detect(text.as_bytes())
            .and_then(|format| format.read(text.as_bytes(), &Selection::default()));
        let list = match other {
            Ok(other) => list.minus(&other.addresses()),
            Err(fault) => {
                self.unreadable(entry, &fault, &minus.value.file.span);
                return None;
            }
        };
        if list.taken.as_ref().is_none_or(Blocks::is_empty) {
            let words = Words::new(
                "差し引く一覧に、この一覧のアドレスが一つもありません",
                "the list that is taken away holds none of these addresses",
            );
            let spot = entry.spot(&minus.value.file.span);
            self.out.push(Diagnostic::error("L25", words).at(&spot, Words::new("ここ", "here")));
        }
        Some(list)
    }

    fn unreadable(&mut self, entry: &Entry<DestinationDoc>, fault: &Fault, span: &Range<usize>) {
        let Words { ja, en } = fault.told();
        let words = Words::new(format!("一覧が読めません: {ja}"), format!("the list cannot be read: {en}"));
        self.fault("T07", words, &entry.spot(span));
    }

    /// L24: a list that is older than it may be, on the day that was handed in.
    fn age(&mut self, entry: &Entry<DestinationDoc>, import: &ImportDoc, own: Option<Day>) {
        let retrieved = import.retrieved.as_ref().and_then(|stamp| self.day(entry, stamp));
        let Some(max) = &import.max_age_days else { return };
        let spot = entry.spot(&max.span);
        let here = Words::new("ここ", "here");
        // A stale copy that was fetched yesterday is stale all the same: the list's own date comes first.
        let Some(day) = own.or(retrieved) else {
            let words = Words::new(
                "一覧に日付がなく、古さを確かめられません",
                "the list has no date: its age cannot be told",
            );
            let remedy = Words::new(
                "取得した日を retrieved = 2026-04-01 のように書きます",
                "write the day it was fetched: retrieved = 2026-04-01",
            );
            self.out.push(Diagnostic::warning("L24", words).at(&spot, here).remedy(remedy));
            return;
        };
        let days = self.today.days_since(day);
        if days > i64::from(max.value) {
            let words = Words::new(
                format!("一覧が古くなっています({day}、{days}日前)"),
                format!("this list is old ({day}, {days} days ago)"),
            );
            let remedy = Words::new(
                "新しい一覧を取得し、sekisho list diff で違いを確かめて、承認し直します",
                "fetch the new list, look at sekisho list diff, and have it approved again",
            );
            self.out.push(Diagnostic::warning("L24", words).at(&spot, here).remedy(remedy));
        }
    }

    /// What `sekisho list lint` finds, one diagnostic a trap. An error is only what the policy itself may not say (L12), and
    /// what would make the destination weaker than the list.
    fn traps(&mut self, entry: &Entry<DestinationDoc>, import: &ImportDoc, findings: &[Finding]) {
        let spot = entry.spot(&import.file.span);
        let mut rest = findings;
        while let Some(first) = rest.first() {
            let is_same = |finding: &&Finding| finding.rule == first.rule && finding.level == first.level;
            let same = rest.iter().take_while(is_same).count();
            let (these, others) = rest.split_at(same);
            rest = others;
            let level = match first.level {
                Level::Error if !first.rule.is_hosting() && !first.rule.is_lost_half() => Level::Warning,
                level => level,
            };
            let listed = |lang| {
                let shown = these.iter().take(SUBJECTS_SHOWN).map(|finding| finding.headline(lang));
                shown.collect::<Vec<_>>().join("; ")
            };
            let (mut ja, mut en) = (listed(Lang::Ja), listed(Lang::En));
            let more = same.saturating_sub(SUBJECTS_SHOWN);
            if more > 0 {
                ja.push_str(&format!("; ほか{more}件"));
                en.push_str(&format!("; {more} more"));
            }
            let rule = first.rule;
            let words = Words::new(format!("一覧: {ja}"), format!("in the list: {en}"));
            let mut said =
                Diagnostic::new(level, rule.code, words).at(&spot, Words::new(rule.why.ja, rule.why.en));
            said.remedy = Some(Words::new(rule.remedy.ja, rule.remedy.en));
            self.out.push(said);
        }
    }
}

/// What a person wrote and no policy can say; the same is an error where it is written in the policy itself.
const fn is_fault(oddity: &Oddity) -> bool {
    oddity.is_left_out() || matches!(oddity, Oddity::HostOnly { .. })
}

fn selection(select: &SelectDoc) -> Selection {
    let mut selection = Selection::default();
    let ids: Vec<String> = select.id.iter().flatten().map(ToString::to_string).collect();
    let required = select.required.map(|required| vec![required.to_string()]);
    for (key, values) in [
        (Key::Id, select.id.as_ref().map(|_| ids)),
        (Key::Area, select.area.clone()),
        (Key::Category, select.category.clone()),
        (Key::Required, required),
        (Key::Service, select.service.clone()),
        (Key::Region, select.region.clone()),
        (Key::Tag, select.tag.clone()),
    ] {
        if let Some(values) = values {
            selection.want(key, values);
        }
    }
    selection.leave_out(select.except.iter().flatten().cloned());
    selection
}

#[cfg(test)]
mod tests {
    use std::{io, path::Path};

    use super::super::{Diagnostic, Level, Policy, load_on, twins::at};
    use crate::{
        ground::model::{lang::Lang, time::Timestamp},
        policy::language::render_all,
    };

    const M365: &[u8] = include_bytes!("../../../fixtures/lists/m365.json");
    const GOOG: &[u8] = include_bytes!("../../../fixtures/lists/goog.json");
    const CLOUD: &[u8] = include_bytes!("../../../fixtures/lists/cloud.json");
    const LBO: &[u8] = include_bytes!("../../../fixtures/lists/lbo.json");

    fn import(line: &str, today: Option<Timestamp>) -> Result<(Policy, Vec<Diagnostic>), Vec<Diagnostic>> {
        let policy = format!(
            r#"
schema = "sekisho-policy/1"
[policy]
id = "lists"
title_ja = "例"
org_ja = "みなと市(架空)"
model = "alpha"
guideline = "soumu-2025-03"
version = "1"
valid_from = 2026-04-01T00:00:00+09:00
valid_until = 2027-03-31T23:59:59+09:00
[[zones]]
id = "net"
class = "internet_zone"
rest = true
[[zones]]
id = "sc"
class = "seccloud"
cidr = ["203.0.113.0/24"]
[[destinations]]
id = "d-list"
zone = "net"
kind = "other"
{line}
"#
        );
        load_on(Path::new("p.toml"), today, &mut |path| match path.to_str() {
            Some("p.toml") => Ok(policy.clone().into_bytes()),
            Some("m365.json") => Ok(M365.to_vec()),
            Some("goog.json") => Ok(GOOG.to_vec()),
            Some("cloud.json") => Ok(CLOUD.to_vec()),
            Some("lbo.json") => Ok(LBO.to_vec()),
            Some("far.txt") => Ok(b"203.0.113.7\n".to_vec()),
            Some("rented.txt") => Ok(b"*.azurewebsites.net\n192.0.2.0/24\n".to_vec()),
            Some("star.txt") => Ok(b"a.example\nmeet.*.example\n".to_vec()),
            _ => Err(io::ErrorKind::NotFound.into()),
        })
    }

    fn told(line: &str) -> Vec<(&'static str, Level)> {
        told_on(line, None)
    }

    fn told_on(line: &str, today: Option<Timestamp>) -> Vec<(&'static str, Level)> {
        let found = import(line, today).map_or_else(|faults| faults, |(_, remarks)| remarks);
        let of_lists = |diagnostic: &&Diagnostic| diagnostic.code != "L23";
        found.iter().filter(of_lists).map(|diagnostic| (diagnostic.code, diagnostic.level)).collect()
    }

    fn destination(line: &str) -> (usize, Vec<String>, Vec<String>) {
        let (policy, _) =
            import(line, None).unwrap_or_else(|faults| panic!("{}", render_all(&faults, Lang::En, false)));
        let rule = &policy.destinations()[0];
        let texts = rule.cidr.iter().map(ToString::to_string).collect();
        (rule.fqdn.len(), texts, rule.services.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn a_provider_list_is_imported_by_what_is_selected_and_brings_its_ports() {
        let line = r#"import = { file = "m365.json", format = "m365", select = { id = [11, 12] } }"#;
        let (names, blocks, services) = destination(line);
        assert_eq!((names, blocks), (1, vec!["198.51.100.0/25".to_owned(), "198.51.100.128/26".to_owned()]));
        assert_eq!(services, ["tcp/443", "udp/3478-3481"]);
        let written = format!("services = [\"tcp/443\"]\n{line}");
        assert_eq!(destination(&written).2, ["tcp/443"], "what the policy says comes first");
    }

    #[test]
    fn the_cloud_that_customers_rent_is_taken_away_and_both_files_are_on_record() {
        let line = r#"import = { file = "goog.json", format = "google", minus = { file = "cloud.json" } }"#;
        let (policy, _) = import(line, None).unwrap();
        assert_eq!(destination(line).1, ["192.0.2.0/24", "198.51.100.64/26", "2001:db8::/33"]);
        assert_eq!(policy.meta().files.len(), 3);
        let unapproved = line.replace("cloud.json\"", "cloud.json\", sha256 = \"00\"");
        assert_eq!(told(&unapproved), [("T05", Level::Error)]);
        let whole = r#"import = { file = "goog.json", format = "google" }"#;
        assert_eq!(told(whole), [("LL07", Level::Warning)]);
        let nothing = r#"import = { file = "lbo.json", format = "lbo", minus = { file = "far.txt" } }"#;
        assert!(told(nothing).contains(&("L25", Level::Error)), "{:?}", told(nothing));
    }

    #[test]
    fn an_import_as_the_readme_writes_it_is_read() {
        let line = "[destinations.import]\nfile = \"goog.json\"\nformat = \"google\"\nminus = { file = \"cloud.json\" }\nsource = \"https://list.example\"\nretrieved = 2026-06-01\nmax_age_days = 60\n";
        assert_eq!(destination(line).1.len(), 3);
        let schema = crate::policy::language::schema_json();
        for word in ["\"minus\"", "\"retrieved\"", "\"except\"", "\"max_age_days\""] {
            assert!(schema.contains(word), "{word}");
        }
    }

    #[test]
    fn a_selection_that_means_nothing_is_an_error_where_it_stands() {
        for select in ["{ area = [\"Exchnge\"] }", "{ region = [\"jp\"] }", "{ except = [\"x.example\"] }"] {
            let line = format!("import = {{ file = \"m365.json\", format = \"m365\", select = {select} }}");
            let faults = import(&line, None).unwrap_err();
            assert_eq!(faults[0].code, "T07");
            assert!(faults[0].render(Lang::En, false).contains("select = {"), "{select}");
        }
        assert_eq!(told("import = { file = \"m365.json\", format = \"m356\" }"), [("T04", Level::Error)]);
    }

    #[test]
    fn traps_of_a_list_are_told_and_a_hosting_platform_is_an_error_as_if_it_were_written() {
        let whole = told(r#"import = { file = "m365.json", format = "m365" }"#);
        assert!(
            whole.contains(&("LL01", Level::Error)) && whole.contains(&("LL16", Level::Warning)),
            "{whole:?}"
        );
        let without = told(
            r#"import = { file = "m365.json", format = "m365", select = { except = ["*.blob.core.windows.net"] } }"#,
        );
        assert!(without.iter().all(|(_, level)| *level != Level::Error), "{without:?}");
        assert_eq!(told(r#"import = { file = "rented.txt", format = "plain" }"#), [("LL01", Level::Error)]);
    }

    #[test]
    fn a_list_that_lost_its_names_does_not_become_a_destination_of_addresses_alone() {
        let line = r#"import = { file = "rented.txt", format = "plain", select = { except = ["*.azurewebsites.net"] } }"#;
        assert_eq!(told(line), [("LL20", Level::Error)]);
        assert_eq!(told(&format!("fqdn = [\"minato.azurewebsites.net\"]\n{line}")), []);
    }

    #[test]
    fn imported_blocks_are_held_against_zones_as_written_ones_are() {
        assert_eq!(told(r#"import = { file = "far.txt", format = "plain" }"#), [("L08", Level::Error)]);
        let elsewhere = told(
            "import = { file = \"lbo.json\", format = \"lbo\" }\n[[destinations]]\nid = \"d-2\"\nzone = \"sc\"\nkind = \"other\"\nimport = { file = \"lbo.json\", format = \"lbo\" }",
        );
        assert_eq!(elsewhere.iter().filter(|(code, _)| *code == "L07").count(), 1, "{elsewhere:?}");
    }

    #[test]
    fn a_plain_list_with_an_entry_that_no_policy_can_say_is_refused_with_its_line() {
        let faults = import(r#"import = { file = "star.txt", format = "plain" }"#, None).unwrap_err();
        assert_eq!(faults[0].code, "T07");
        assert!(faults[0].message.en.contains("line 2") && faults[0].message.ja.contains("2行目"));
    }

    #[test]
    fn an_old_list_is_told_on_the_day_it_becomes_old() {
        let line = r#"import = { file = "lbo.json", format = "lbo", max_age_days = 30 }"#;
        let old = |day: &str| told_on(line, Some(at(day))).contains(&("L24", Level::Warning));
        assert!(!old("2026-07-07T23:59:59+09:00") && old("2026-07-08T00:00:00+09:00"));
        // The policy ends first: in its time the list was not too old.
        let ended = line.replace("30", "300");
        assert!(!told_on(&ended, Some(at("2029-01-01T00:00:00Z"))).contains(&("L24", Level::Warning)));
    }

    #[test]
    fn a_list_without_a_date_is_as_old_as_the_day_it_was_fetched() {
        let line = |more: &str| {
            format!(
                "import = {{ file = \"m365.json\", format = \"m365\", select = {{ id = [11] }}, max_age_days = 30{more} }}"
            )
        };
        let is_old = |more: &str| {
            told_on(&line(more), Some(at("2026-06-15T00:00:00+09:00"))).contains(&("L24", Level::Warning))
        };
        assert!(is_old(""), "an unknown age is told");
        assert!(!is_old(", retrieved = 2026-06-01, source = \"https://list.example\""));
        assert!(is_old(", retrieved = 2026-05-01"));
    }
}
