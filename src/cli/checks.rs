//! `sekisho checks`: the catalogue, in words.

use std::fmt::Write as _;

use serde_json::json;

use super::{error::Error, options::ChecksOptions, outputs::print, policy};
use crate::{
    ground::{
        model::{
            finding::{CheckId, Severity},
            lang::{Lang, Text},
        },
        words::{escape, verdict as words},
    },
    policy::{
        catalog::{self, Entry, Weight},
        language::{Policy, Preset},
    },
};

/// Runs the command; gives the exit code.
///
/// # Errors
/// The user's errors.
pub(super) fn run(options: &ChecksOptions, lang: Lang) -> Result<u8, Error> {
    let policy = options.policy.as_ref().map(|path| policy::load(path, true, lang)).transpose()?;
    let wanted = options.ids.iter().map(|id| find(id)).collect::<Result<Vec<_>, _>>()?;
    let page = match (wanted.as_slice(), options.json) {
        ([], true) => catalog::all().map(|entry| line(entry, policy.as_ref())).collect(),
        (some, true) => some.iter().map(|entry| line(entry, policy.as_ref())).collect(),
        ([], false) => table(policy.as_ref(), lang),
        (some, false) => {
            some.iter().map(|entry| words_of(entry, policy.as_ref(), lang)).collect::<Vec<_>>().join("\n")
        }
    };
    print(&page).map(|()| 0)
}

fn find(id: &str) -> Result<&'static Entry, Error> {
    let upper = id.to_ascii_uppercase();
    let full = if upper.starts_with("SK-") { upper } else { format!("SK-{upper}") };
    full.parse().ok().and_then(catalog::by_id).ok_or_else(|| {
        let shown = escape::text(id);
        Error::Option {
            ja: format!("{shown}: そのような検査はありません。一覧は sekisho checks で見られます"),
            en: format!("{shown}: there is no such check; `sekisho checks` lists them"),
        }
    })
}

/// When a check speaks with its full weight.
#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// The policy or its preset switched it on.
    On,
    /// It is for information until somebody does.
    Waits,
    /// The policy silenced it.
    Off,
}

impl State {
    /// Under a policy, or, without one, under the presets of the latest edition.
    fn of(id: CheckId, policy: Option<&Policy>) -> Self {
        let latest = || Preset::editions().last().copied();
        let is_first =
            || Preset::all().any(|preset| Some(preset.edition.as_str()) == latest() && preset.is_day_one(id));
        match policy {
            Some(policy) if policy.check(id).and_then(|setting| setting.enabled) == Some(false) => Self::Off,
            Some(policy) if policy.is_switched_on(id) => Self::On,
            None if is_first() => Self::On,
            _ => Self::Waits,
        }
    }

    const fn code(self) -> &'static str {
        match self {
            Self::On => "on",
            Self::Waits => "information",
            Self::Off => "off",
        }
    }

    const fn text(self) -> Text {
        match self {
            Self::On => Text { ja: "有効", en: "on" },
            Self::Waits => Text { ja: "情報として", en: "for information" },
            Self::Off => Text { ja: "無効", en: "off" },
        }
    }
}

fn severity(weight: Weight, id: CheckId, policy: Option<&Policy>) -> Severity {
    policy.and_then(|policy| policy.check(id)).and_then(|setting| setting.severity).unwrap_or(weight.severity)
}

fn table(policy: Option<&Policy>, lang: Lang) -> String {
    let mut page = String::new();
    for entry in catalog::all() {
        let weight = entry.inner;
        let _ = writeln!(
            page,
            "{} {} {} {} {}",
            entry.id,
            words::padded(words::severity(severity(weight, entry.id, policy)).of(lang), 8),
            words::padded(words::kind(weight.kind).of(lang), 14),
            words::padded(State::of(entry.id, policy).text().of(lang), 15),
            entry.name.of(lang),
        );
    }
    page += match lang {
        Lang::Ja => {
            "\n「情報として」の検査は、台帳の [checks] に enabled = true と書くと本来の重大度で示します。\n一つの検査の説明: sekisho checks SK-A01\n"
        }
        Lang::En => {
            "\nA check that is \"for information\" shows its full severity once [checks] of the policy has enabled = true.\nOne check in words: sekisho checks SK-A01\n"
        }
    };
    page
}

/// One check with everything that there is to say of it.
fn words_of(entry: &Entry, policy: Option<&Policy>, lang: Lang) -> String {
    let label = |ja, en| Text { ja, en }.of(lang);
    let mut page = format!("{} {}\n", entry.id, entry.name.of(lang));
    let weight = |weight: Weight| {
        let severity = severity(weight, entry.id, policy);
        format!("{} {}", words::severity(severity).of(lang), words::kind(weight.kind).of(lang))
    };
    let weights = if entry.inner == entry.outer {
        weight(entry.inner)
    } else {
        let (inner, outer) = (weight(entry.inner), weight(entry.outer));
        match lang {
            Lang::Ja => format!("{inner}(マイナンバー利用事務系・LGWAN接続系)、{outer}(ほかの系)"),
            Lang::En => format!("{inner} (My Number and LGWAN segments), {outer} (elsewhere)"),
        }
    };
    let models = if entry.models.is_all() {
        label("すべてのモデル", "all models").to_owned()
    } else {
        entry.models.signs().collect::<Vec<_>>().join(" ")
    };
    let caution = entry.clause.caution().of(lang);
    let clause = match (entry.clause.code, caution) {
        ("", _) => "-".to_owned(),
        (code, "") => code.to_owned(),
        (code, caution) => format!("{code} ({caution})"),
    };
    let threat = if entry.threat.is_empty() { "-" } else { entry.threat };
    for (name, value) in [
        (label("重大度と種別", "weight"), weights.as_str()),
        (label("状態", "state"), State::of(entry.id, policy).text().of(lang)),
        (label("対象のモデル", "models"), &models),
        (label("条項", "clause"), &clause),
        (label("脅威", "threats"), threat),
        (label("何が起きたか", "what happened"), entry.meaning.of(lang)),
        (label("なぜ問題か", "why it matters"), entry.why.of(lang)),
        (label("まず誰に確認するか", "ask first"), entry.ask.of(lang)),
        (label("よくある無害な原因", "usual harmless causes"), entry.harmless.of(lang)),
        (label("次の一手", "next step"), entry.next.of(lang)),
    ] {
        let _ = writeln!(page, "  {name}: {value}");
    }
    page
}

fn line(entry: &Entry, policy: Option<&Policy>) -> String {
    let both = |text: Text| json!({"ja": text.ja, "en": text.en});
    let weight = |weight: Weight| json!({"severity": severity(weight, entry.id, policy).code(), "kind": weight.kind.code()});
    let value = json!({
        "check": entry.id.to_string(), "name": both(entry.name), "state": State::of(entry.id, policy).code(),
        "inner": weight(entry.inner), "outer": weight(entry.outer),
        "models": entry.models.signs().collect::<Vec<_>>(),
        "clause": entry.clause.code, "clause_verified": entry.clause.is_verified, "threat": entry.threat,
        "meaning": both(entry.meaning), "why": both(entry.why), "ask": both(entry.ask),
        "harmless": both(entry.harmless), "next": both(entry.next),
    });
    format!("{value}\n")
}
