//! Presets: what a model allows, by the edition of the guideline (DOMAIN §1.1, §1.2, §2.1, §3.3). The data is in
//! `preset/`; a test reads every file of it.

use std::{collections::BTreeMap, sync::LazyLock};

use serde::{Deserialize, Deserializer, de::Error as _};

use super::vocabulary::{Case, DestinationKind, Model, Role, SegmentClass, Word, ZoneClass};
use crate::{
    ground::model::{finding::CheckId, lang::Lang},
    policy::preset,
};

/// What a selector is to the presets: the kind of place it lies in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Area {
    /// A segment of this class.
    Inside(SegmentClass),
    /// A zone of this class.
    Outside(ZoneClass),
}

/// A model of the guideline in one edition.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Preset {
    #[serde(rename = "schema")]
    _schema: Schema,
    /// The edition, as policies name it.
    pub edition: String,
    /// The model.
    #[serde(deserialize_with = "word")]
    pub model: Model,
    title_ja: String,
    title_en: String,
    matrix: Vec<Rule>,
    /// Screen transfer.
    pub screen: Screen,
    #[serde(default, deserialize_with = "by_case")]
    cases: BTreeMap<Case, CaseRule>,
    checks: Checks,
    clauses: BTreeMap<String, ClauseText>,
}

/// The only schema this program reads.
#[derive(Debug, Deserialize)]
enum Schema {
    #[serde(rename = "sekisho-preset/1")]
    One,
}

/// What holds between two areas: from one to the other, or `between` both.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Rule {
    #[serde(default, deserialize_with = "areas")]
    between: Vec<Area>,
    #[serde(default, deserialize_with = "areas")]
    and: Vec<Area>,
    #[serde(default, deserialize_with = "areas")]
    from: Vec<Area>,
    #[serde(default, deserialize_with = "areas")]
    to: Vec<Area>,
    /// Only where the server is a host of one of these roles; empty for all.
    #[serde(default, deserialize_with = "words")]
    roles: Vec<Role>,
    pub(super) rule: Stance,
    /// Kinds that [`Stance::Listed`] leaves.
    #[serde(default, deserialize_with = "words")]
    pub(super) kinds: Vec<DestinationKind>,
    /// The code of the diagnostic where it is broken.
    pub(super) code: String,
    /// The clause it rests on.
    pub(super) clause: String,
}

/// What a rule asks of a channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Stance {
    /// There is none.
    Forbidden,
    /// Its far end is a named host, or a destination of one of the kinds.
    Listed,
    /// It names the line it takes, and its destination is of a kind of its case.
    Breakout,
    /// It ends at boundary gear.
    Waypoint,
}

/// Two areas that no channel may join directly, whoever the ends are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Apart<'a> {
    /// Where it would be opened.
    pub from: Area,
    /// Toward where.
    pub to: Area,
    /// By way of boundary gear they may meet.
    pub has_waypoint: bool,
    /// The clause it rests on.
    pub clause: &'a str,
}

/// Screen transfer under a model.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Screen {
    /// The class of the segment that opens it.
    #[serde(deserialize_with = "word")]
    pub opened_by: SegmentClass,
    /// Whether the My Number segment may be shown or shown to.
    pub into_mynumber: bool,
    pub(super) clause: String,
}

/// What a case of α′ leaves to the LGWAN side.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CaseRule {
    /// Kinds of destinations it may reach.
    #[serde(deserialize_with = "words")]
    pub(super) kinds: Vec<DestinationKind>,
    /// Those whose channels must forbid downloads.
    #[serde(deserialize_with = "words")]
    pub(super) download_forbidden: Vec<DestinationKind>,
    /// Those that are reached through the proxy that enforces the own tenant.
    #[serde(deserialize_with = "words")]
    pub(super) through_tenant_proxy: Vec<DestinationKind>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Checks {
    /// Ids, or a letter with a star.
    day_one: Vec<String>,
}

/// A clause of the guideline in one edition.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClauseText {
    ja: String,
    en: String,
    /// Whether its number was read in a source of DOMAIN §2.2.
    pub verified: bool,
}

impl ClauseText {
    /// Its heading.
    #[must_use]
    pub fn heading(&self, lang: Lang) -> &str {
        if lang == Lang::Ja { &self.ja } else { &self.en }
    }
}

static PRESETS: LazyLock<Vec<Preset>> = LazyLock::new(|| {
    // These are files of the program itself, and a test reads each of them.
    preset::ALL.iter().filter_map(|source| toml::from_str(source.text).ok()).collect()
});

impl Preset {
    /// All presets, edition by edition, oldest first.
    pub fn all() -> impl Iterator<Item = &'static Self> {
        PRESETS.iter()
    }

    /// The preset of an edition and a model; none for a migration, which has no rules of its own.
    #[must_use]
    pub fn find(edition: &str, model: Model) -> Option<&'static Self> {
        Self::all().find(|preset| preset.edition == edition && preset.model == model)
    }

    /// The editions that there are presets for, oldest first.
    #[must_use]
    pub fn editions() -> Vec<&'static str> {
        let mut editions: Vec<_> = Self::all().map(|preset| preset.edition.as_str()).collect();
        editions.dedup();
        editions
    }

    /// Its name for people.
    #[must_use]
    pub fn title(&self, lang: Lang) -> &str {
        if lang == Lang::Ja { &self.title_ja } else { &self.title_en }
    }

    /// The rules about channels from one area to another.
    pub(super) fn rules(&self, from: Area, to: Area) -> impl Iterator<Item = &Rule> {
        self.matrix.iter().filter(move |rule| rule.holds(from, to))
    }

    /// What its matrix keeps apart, in its order: the prohibitions of a first policy. What is forbidden to some roles only
    /// is not among them, as no prohibition can say that.
    pub fn apart(&self) -> impl Iterator<Item = Apart<'_>> {
        let is_apart =
            |rule: &&Rule| rule.roles.is_empty() && matches!(rule.rule, Stance::Forbidden | Stance::Waypoint);
        self.matrix.iter().filter(is_apart).flat_map(|rule| {
            let ways = [(&rule.from, &rule.to), (&rule.between, &rule.and), (&rule.and, &rule.between)];
            let pairs = ways
                .into_iter()
                .flat_map(|(from, to)| from.iter().flat_map(|from| to.iter().map(|to| (*from, *to))));
            let has_waypoint = rule.rule == Stance::Waypoint;
            pairs.map(move |(from, to)| Apart { from, to, has_waypoint, clause: &rule.clause })
        })
    }

    pub(super) fn case(&self, case: Case) -> Option<&CaseRule> {
        self.cases.get(&case)
    }

    /// Whether a check speaks with its full weight from the first day (DOMAIN §4.10). Every other one is for information
    /// until the policy switches it on.
    #[must_use]
    pub fn is_day_one(&self, check: CheckId) -> bool {
        let name = check.to_string();
        self.checks.day_one.iter().any(|listed| match listed.strip_suffix('*') {
            Some(front) => name.starts_with(front),
            None => *listed == name,
        })
    }

    /// What the edition calls a clause.
    #[must_use]
    pub fn clause(&self, code: &str) -> Option<&ClauseText> {
        self.clauses.get(code)
    }
}

impl Rule {
    fn holds(&self, from: Area, to: Area) -> bool {
        let one_way = self.from.contains(&from) && self.to.contains(&to);
        let there = self.between.contains(&from) && self.and.contains(&to);
        let back = self.between.contains(&to) && self.and.contains(&from);
        one_way || there || back
    }

    /// True when the rule speaks of a server of this role; `None` for what is no named host.
    pub(super) fn is_about(&self, server: Option<Role>) -> bool {
        self.roles.is_empty() || server.is_some_and(|role| self.roles.contains(&role))
    }
}

// --- words of the policy language ---

fn read<'de, W: Word, D: Deserializer<'de>>(text: &str) -> Result<W, D::Error> {
    W::read(text).ok_or_else(|| D::Error::custom(format_args!("`{text}` is none of {:?}", W::WORDS)))
}

fn word<'de, W: Word, D: Deserializer<'de>>(from: D) -> Result<W, D::Error> {
    read::<W, D>(&String::deserialize(from)?)
}

fn words<'de, W: Word, D: Deserializer<'de>>(from: D) -> Result<Vec<W>, D::Error> {
    Vec::<String>::deserialize(from)?.iter().map(|text| read::<W, D>(text)).collect()
}

fn areas<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<Area>, D::Error> {
    let area = |text: &String| match SegmentClass::read(text) {
        Some(class) => Ok(Area::Inside(class)),
        None => read::<ZoneClass, D>(text).map(Area::Outside),
    };
    Vec::<String>::deserialize(from)?.iter().map(area).collect()
}

fn by_case<'de, D: Deserializer<'de>>(from: D) -> Result<BTreeMap<Case, CaseRule>, D::Error> {
    let rules = BTreeMap::<String, CaseRule>::deserialize(from)?.into_iter();
    rules.map(|(case, rule)| Ok((read::<Case, D>(&case)?, rule))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::catalog;

    #[test]
    fn every_file_is_a_preset_and_stands_under_the_name_it_gives_itself() {
        for source in preset::ALL {
            let read: Preset = toml::from_str(source.text)
                .unwrap_or_else(|error| panic!("{}/{}: {error}", source.edition, source.model));
            assert_eq!((read.edition.as_str(), read.model.word()), (source.edition, source.model));
            assert_eq!(!read.cases.is_empty(), read.model == Model::AlphaPrime, "{}", source.model);
        }
        assert_eq!(Preset::all().count(), preset::ALL.len());
        assert_eq!(Preset::editions(), ["soumu-2024-10", "soumu-2025-03"]);
    }

    #[test]
    fn every_edition_knows_every_model_and_every_case() {
        for edition in Preset::editions() {
            for model in Model::ALL.iter().copied().filter(|model| *model != Model::Migration) {
                let preset = Preset::find(edition, model).unwrap();
                let cases = Case::ALL.iter().filter(|case| preset.case(**case).is_some()).count();
                assert_eq!(cases, if model == Model::AlphaPrime { 3 } else { 0 });
            }
            assert!(Preset::find(edition, Model::Migration).is_none());
        }
    }

    #[test]
    fn the_clauses_of_rules_and_checks_stand_in_every_edition_with_the_same_certainty() {
        for preset in Preset::all() {
            let rules = preset.matrix.iter().map(|rule| rule.clause.as_str());
            for code in rules.chain([preset.screen.clause.as_str()]) {
                assert!(preset.clause(code).is_some(), "{} {code}", preset.title(Lang::En));
            }
            for entry in catalog::all().filter(|entry| !entry.clause.code.is_empty()) {
                let text = preset.clause(entry.clause.code);
                let verified = text.map(|text| text.verified);
                assert_eq!(verified, Some(entry.clause.is_verified), "{} {}", entry.id, entry.clause.code);
                assert!([Lang::Ja, Lang::En].iter().all(|lang| !text.unwrap().heading(*lang).is_empty()));
            }
        }
    }

    #[test]
    fn the_first_day_is_that_of_domain_4_10() {
        let day_one = |model| -> Vec<String> {
            let preset = Preset::find("soumu-2025-03", model).unwrap();
            let ids = preset.checks.day_one.iter().filter(|id| !id.ends_with('*'));
            ids.map(|id| id.trim_start_matches("SK-").to_owned()).collect()
        };
        let alpha = "A01 A02 A05 A06 B03 C01 D01 F02 G01 G02 G03 I01 I09 J01 L02 N01";
        assert_eq!(day_one(Model::Alpha).join(" "), alpha);
        let alpha_prime = alpha.replace("B03", "B01").replace("D01", "D01 E01");
        assert_eq!(day_one(Model::AlphaPrime).join(" "), alpha_prime);
        let preset = Preset::find("soumu-2025-03", Model::Beta).unwrap();
        assert!(preset.is_day_one(CheckId::new(b'Q', 11)) && !preset.is_day_one(CheckId::new(b'A', 3)));
    }

    #[test]
    fn only_the_edition_of_march_2025_lets_screens_into_the_my_number_segment() {
        let allows = |edition| Preset::find(edition, Model::Alpha).unwrap().screen.into_mynumber;
        assert!(!allows("soumu-2024-10") && allows("soumu-2025-03"));
    }
}
