//! The summary for people: the judgement with what limits it, then what stands behind it.

use std::{collections::BTreeMap, fmt::Write as _};

use crate::ground::{
    model::{
        finding::{CheckId, Finding, Kind, Severity},
        lang::{Lang, Text},
        result::{Headline, RunResult},
        tally::{Count, VerdictTotals},
        verdict::{Grade, Verdict},
    },
    words::{escape, run, verdict as words},
};

/// What the summary needs to know of a check: its name, and who to ask. Given by the caller, who sees the catalogue.
pub struct CheckWords<'a>(pub &'a dyn Fn(CheckId) -> Option<(Text, Text)>);

/// How much of the summary is printed.
#[derive(Clone, Copy, Debug)]
pub struct Extent {
    /// Findings of each group shown one by one; the rest is counted.
    pub findings_max: usize,
}

impl Default for Extent {
    /// Twelve findings fill a screen.
    fn default() -> Self {
        Self { findings_max: 12 }
    }
}

/// The summary of an audit.
#[must_use]
pub fn summary(result: &RunResult, lang: Lang, checks: &CheckWords<'_>, extent: Extent) -> String {
    let mut page = String::new();
    first_line(&mut page, result, lang);
    limits(&mut page, result, lang);
    if let Some(policy) = &result.policy {
        let heading = label(lang, "許可台帳", "policy");
        let _ = writeln!(
            page,
            "\n{heading}: {} ({}) {}\n  {} {} / SHA-256 {}",
            escape::text(&policy.title),
            escape::text(&policy.org),
            escape::text(&policy.version),
            policy.model,
            policy.guideline,
            policy.sha256.get(..16).unwrap_or(&policy.sha256),
        );
    }
    deviations(&mut page, result, lang);
    if let Some((first, last)) = result.span {
        let _ = writeln!(page, "{}: {first} – {last}", label(lang, "期間(UTC)", "period (UTC)"));
    }
    verdicts(&mut page, result, lang);
    findings(&mut page, result, lang, checks, extent);
    causes(&mut page, result, lang);
    coverage(&mut page, result, lang);
    accounting(&mut page, result, lang);
    page
}

const fn label(lang: Lang, ja: &'static str, en: &'static str) -> &'static str {
    match lang {
        Lang::Ja => ja,
        Lang::En => en,
    }
}

/// Judgement, and what limits it, on one line: nobody should read the first without the second.
fn first_line(page: &mut String, result: &RunResult, lang: Lang) {
    let conclusion = &result.conclusion;
    let count = result.flows(Verdict::Violating);
    let attempted = result.flows(Verdict::Attempted);
    let _ =
        write!(page, "{}: {}", label(lang, "判定", "judgement"), run::headline(conclusion.headline).of(lang));
    if conclusion.headline == Headline::Violations || attempted > 0 {
        let _ = match lang {
            Lang::Ja => write!(page, "(違反 {}件、試行 {}件)", run::grouped(count), run::grouped(attempted)),
            Lang::En => {
                write!(page, " ({} violating, {} attempted)", run::grouped(count), run::grouped(attempted))
            }
        };
    }
    let shown: Vec<_> = conclusion.limits.iter().take(3).map(|limit| run::limit(limit, lang)).collect();
    if !shown.is_empty() {
        let more = conclusion.limits.len().saturating_sub(shown.len());
        let _ = match lang {
            Lang::Ja => write!(page, "。ただし、{}", shown.join("、")),
            Lang::En => write!(page, "; limited by: {}", shown.join("; ")),
        };
        if more > 0 {
            let _ = match lang {
                Lang::Ja => write!(page, "、ほか{more}件"),
                Lang::En => write!(page, "; and {more} more"),
            };
        }
    }
    page.push('\n');
}

fn limits(page: &mut String, result: &RunResult, lang: Lang) {
    if result.conclusion.limits.len() <= 3 {
        return;
    }
    let _ = writeln!(page, "\n{}", label(lang, "この結果の限界", "what limits this result"));
    for limit in &result.conclusion.limits {
        let _ = writeln!(page, "  - {}", run::limit(limit, lang));
    }
}

/// What is looser than the model's preset: nobody should learn of it on a later page (DOMAIN §3.3).
fn deviations(page: &mut String, result: &RunResult, lang: Lang) {
    let Some(policy) = result.policy.as_ref().filter(|policy| !policy.deviations.is_empty()) else { return };
    let count = policy.deviations.len();
    let _ = match lang {
        Lang::Ja => writeln!(page, "プリセット(モデルの標準)からの逸脱: {count}件"),
        Lang::En => writeln!(page, "deviations from the preset (the model's standard): {count}"),
    };
    for deviation in &policy.deviations {
        let what = match lang {
            Lang::Ja => &deviation.ja,
            Lang::En => &deviation.en,
        };
        let about = escape::text(&deviation.about);
        let (by, why) = (escape::text(&deviation.approved_by), escape::text(&deviation.reason));
        let heading = label(lang, "承認", "accepted by");
        let _ = writeln!(page, "  - {} {about}: {what}\n    {heading}: {by} ({why})", deviation.code);
    }
}

fn verdicts(page: &mut String, result: &RunResult, lang: Lang) {
    let heading = label(lang, "通信の判定", "flows by verdict");
    let _ = writeln!(page, "\n{heading}");
    for verdict in Verdict::ALL.iter().rev() {
        let totals: VerdictTotals = result.tally.verdicts[*verdict as usize];
        let word = words::padded(words::verdict(*verdict).of(lang), 14);
        let flows = run::grouped(totals.flows);
        let amount = run::bytes(totals.count.bytes);
        let unit = label(lang, "件", "flows");
        let meaning = words::verdict_meaning(*verdict).of(lang);
        let _ = writeln!(page, "  {word}{flows:>10} {unit} {amount:>11}  {meaning}");
    }
    let carriers: u64 = result.tally.carriers.iter().map(|totals| totals.flows).sum();
    if carriers > 0 {
        let outer: Vec<_> = Verdict::ALL
            .iter()
            .filter(|verdict| result.tally.carriers[**verdict as usize].flows > 0)
            .map(|verdict| {
                let flows = result.tally.carriers[*verdict as usize].flows;
                format!("{} {}", words::verdict(*verdict).of(lang), run::grouped(flows))
            })
            .collect();
        let text = label(lang, "別に、包む側の通信(トンネルの外側)", "besides, outer layers of tunnels");
        let _ = writeln!(page, "  {text}: {}", outer.join(", "));
    }
}

fn findings(page: &mut String, result: &RunResult, lang: Lang, checks: &CheckWords<'_>, extent: Extent) {
    let mut counts: BTreeMap<Severity, usize> = BTreeMap::new();
    for finding in &result.findings {
        *counts.entry(finding.severity).or_default() += 1;
    }
    let heading = label(lang, "所見", "findings");
    if counts.is_empty() {
        let _ = writeln!(page, "\n{heading}: {}", label(lang, "なし", "none"));
        return;
    }
    let by_severity: Vec<_> = counts
        .iter()
        .rev()
        .map(|(severity, count)| format!("{} {count}", words::severity(*severity).of(lang)))
        .collect();
    let _ = writeln!(page, "\n{heading}: {}", by_severity.join(" / "));
    // G0 to G2 rest on what a client claimed or on addresses alone: never mixed with what is sure (DOMAIN §4.9).
    let urgent = |finding: &&Finding| finding.grade >= Grade::G3 && finding.severity >= Severity::High;
    let shown: Vec<_> = result.findings.iter().filter(|f| f.severity > Severity::Info).collect();
    let groups = [
        (
            label(lang, "至急確認", "look at these first"),
            shown.iter().copied().filter(urgent).collect::<Vec<_>>(),
        ),
        (
            label(lang, "確認が必要", "to be checked"),
            shown.iter().copied().filter(|finding| !urgent(finding)).collect::<Vec<_>>(),
        ),
    ];
    for (title, members) in groups.iter().filter(|(_, members)| !members.is_empty()) {
        let _ = writeln!(page, "  [{title}]");
        for finding in members.iter().take(extent.findings_max) {
            one_finding(page, finding, lang, checks);
        }
        let hidden = members.len().saturating_sub(extent.findings_max);
        if hidden > 0 {
            let _ = match lang {
                Lang::Ja => writeln!(page, "    ほか{hidden}件(--out または --json で全件)"),
                Lang::En => writeln!(page, "    and {hidden} more (all of them with --out or --json)"),
            };
        }
    }
    informative(page, result, lang, checks);
    let others: u64 = result.others.values().sum();
    if others > 0 {
        let _ = match lang {
            Lang::Ja => writeln!(page, "  一覧の上限を超えた所見: 通信{}件分", run::grouped(others)),
            Lang::En => writeln!(page, "  beyond the list's bound: {} flows", run::grouped(others)),
        };
    }
}

/// Findings for information: one line for each check, however many there are.
fn informative(page: &mut String, result: &RunResult, lang: Lang, checks: &CheckWords<'_>) {
    let mut by_check: BTreeMap<CheckId, (usize, bool)> = BTreeMap::new();
    for finding in result.findings.iter().filter(|finding| finding.severity == Severity::Info) {
        let (count, is_violation) = by_check.entry(finding.key.check).or_default();
        *count += 1;
        *is_violation |= finding.kind == Kind::Violation;
    }
    if by_check.is_empty() {
        return;
    }
    let heading =
        label(lang, "情報。全件は --out か --json で", "for information; all of them with --out or --json");
    let _ = writeln!(page, "  [{heading}]");
    let has_violation = by_check.values().any(|(_, is_violation)| *is_violation);
    for (check, (count, is_violation)) in by_check {
        let name = (checks.0)(check).map_or("", |(name, _)| name.of(lang));
        let kind = if is_violation { words::kind(Kind::Violation).of(lang) } else { "" };
        let unit = label(lang, "件", "");
        let _ = writeln!(page, "    {}", format!("{check} {name}: {count}{unit} {kind}").trim_end());
    }
    if has_violation {
        let _ = writeln!(
            page,
            "    {}",
            label(
                lang,
                "違反を含む検査は、台帳の [checks] で enabled = true にすると、本来の重大度で示します",
                "a check that tells of violations shows its full severity once [checks] of the policy has enabled = true",
            )
        );
    }
}

fn one_finding(page: &mut String, finding: &Finding, lang: Lang, checks: &CheckWords<'_>) {
    let (name, ask) =
        (checks.0)(finding.key.check).map_or(("", ""), |(name, ask)| (name.of(lang), ask.of(lang)));
    let severity = words::padded(words::severity(finding.severity).of(lang), 8);
    let mut who = String::new();
    if let Some(host) = finding.key.host {
        let _ = write!(who, "{host}");
    }
    if !finding.key.destination.is_empty() {
        let arrow = if who.is_empty() { "" } else { " → " };
        let _ = write!(who, "{arrow}{}", finding.key.destination);
    }
    let _ = writeln!(page, "    {severity} {} {name}", finding.key.check);
    let kind = words::kind(finding.kind).of(lang);
    let grade = finding.grade.code();
    let flows = run::grouped(finding.flows);
    let _ = match (lang, finding.flows) {
        (_, 0) => writeln!(page, "             {kind} {who}"),
        (Lang::Ja, _) => writeln!(
            page,
            "             {kind} {who}  通信{flows}件(うち試行{}) 根拠{grade} 先頭フレーム{}",
            finding.attempted, finding.first_frame.0
        ),
        (Lang::En, _) => writeln!(
            page,
            "             {kind} {who}  {flows} flows ({} attempted), evidence {grade}, first frame {}",
            finding.attempted, finding.first_frame.0
        ),
    };
    if !finding.detail.is_empty() {
        let _ = writeln!(page, "             {}", finding.detail);
    }
    if !ask.is_empty() {
        let _ = writeln!(page, "             {}: {ask}", label(lang, "まず確認する相手", "ask first"));
    }
    if let Some(id) = &finding.accepted_by {
        let _ = writeln!(
            page,
            "             {}: {id}",
            label(lang, "例外として受け入れ済み", "accepted exception")
        );
    }
}

/// A finding as it is announced while a run goes on: one line.
#[must_use]
pub fn announcement(finding: &Finding, lang: Lang, checks: &CheckWords<'_>) -> String {
    let name = (checks.0)(finding.key.check).map_or("", |(name, _)| name.of(lang));
    let severity = words::severity(finding.severity).of(lang);
    let host = finding.key.host.map_or_else(|| "-".to_owned(), |host| host.to_string());
    let target = escape::text(&finding.key.destination);
    let attempt = match finding.attempted {
        0 => "",
        _ => label(lang, "(試行)", " (attempted)"),
    };
    let (at, check) = (finding.first, finding.key.check);
    let detail = escape::text(&finding.detail);
    format!("{at} [{severity}] {check} {name}{attempt}: {host} → {target} {detail}").trim_end().to_owned()
}

fn causes(page: &mut String, result: &RunResult, lang: Lang) {
    if result.undecidable_causes.is_empty() {
        return;
    }
    let _ = writeln!(page, "\n{}", label(lang, "判定できなかった理由", "why flows could not be decided"));
    let mut sorted: Vec<_> = result.undecidable_causes.iter().collect();
    sorted.sort_by_key(|(code, flows)| (std::cmp::Reverse(**flows), **code));
    for (code, flows) in sorted {
        let cause = crate::ground::model::cause::Cause::ALL.iter().find(|cause| cause.code() == *code);
        let Some(cause) = cause else { continue };
        let _ = writeln!(
            page,
            "  {:>8}  {} ({code})\n            → {}",
            run::grouped(*flows),
            words::cause(*cause).of(lang),
            words::cause_remedy(*cause).of(lang),
        );
    }
}

fn coverage(page: &mut String, result: &RunResult, lang: Lang) {
    let coverage = &result.coverage;
    let _ = writeln!(page, "\n{}", label(lang, "観測した範囲", "what was looked at"));
    for file in &result.input.files {
        let frames = file.frames.map_or_else(String::new, |(first, last)| format!(" #{first}–#{last}"));
        let note = match (&file.same_as, file.damage.first()) {
            (Some(other), _) => {
                format!("  {} {}", label(lang, "次と同じ内容のため読まず:", "same as"), escape::text(other))
            }
            (None, Some(damage)) => {
                format!("  {} {} @{}", label(lang, "破損", "damaged"), damage.what, damage.offset)
            }
            (None, None) => String::new(),
        };
        let packets = run::grouped(file.packets);
        let unit = label(lang, "パケット", "packets");
        let _ =
            writeln!(page, "  {} ({}) {packets} {unit}{frames}{note}", escape::text(&file.path), file.format);
    }
    let places: Vec<_> = coverage
        .places
        .iter()
        .map(|(id, frames)| format!("{} {}", if id.is_empty() { "?" } else { id }, run::grouped(*frames)))
        .collect();
    if !places.is_empty() {
        let heading = label(lang, "系・ゾーンごとのパケット", "packets by segment and zone");
        let _ = writeln!(page, "  {heading}: {}", places.join(" / "));
    }
    let encrypted = result.tally.encrypted_flows;
    if encrypted > 0 {
        let (nameless, uncertified) =
            (result.tally.encrypted_without_name, result.tally.encrypted_without_certificate);
        let _ = match lang {
            Lang::Ja => writeln!(
                page,
                "  暗号化された通信 {encrypted}件: 名前なし {nameless}件、証明書が見えない {uncertified}件(中身は確認していません)"
            ),
            Lang::En => writeln!(
                page,
                "  encrypted flows {encrypted}: without a name {nameless}, certificate not visible {uncertified} (contents were not looked into)"
            ),
        };
    }
}

fn accounting(page: &mut String, result: &RunResult, lang: Lang) {
    let tally = &result.tally;
    let mut in_flows = Count::default();
    tally.verdicts.iter().for_each(|totals| in_flows.add(totals.count));
    let mut outside = Count::default();
    tally.no_flow.values().for_each(|count| outside.add(*count));
    let mut untracked = Count::default();
    tally.untracked.iter().for_each(|count| untracked.add(*count));
    let mark = if tally.holds() { "=" } else { "≠" };
    let heading = label(lang, "パケットの収支", "accounting");
    let (read, flows) = (run::grouped(tally.read.packets), run::grouped(in_flows.packets));
    let others = run::grouped(outside.packets + untracked.packets);
    let _ = match lang {
        Lang::Ja => {
            writeln!(page, "\n{heading}: 読んだ {read} {mark} 通信に属する {flows} + 属さない {others}")
        }
        Lang::En => writeln!(page, "\n{heading}: read {read} {mark} in flows {flows} + in no flow {others}"),
    };
    let reasons: Vec<_> = tally
        .no_flow
        .iter()
        .map(|(reason, count)| format!("{} {}", reason.code(), run::grouped(count.packets)))
        .collect();
    if !reasons.is_empty() {
        let _ = writeln!(page, "  {}: {}", label(lang, "属さない内訳", "in no flow"), reasons.join(", "));
    }
    let bytes = label(lang, "バイト", "bytes");
    let _ = writeln!(
        page,
        "  {bytes}: {} {mark} {} + {}",
        run::grouped(tally.read.bytes),
        run::grouped(in_flows.bytes),
        run::grouped(outside.bytes + untracked.bytes)
    );
}

/// The few lines at the end of `sekisho flows`.
#[must_use]
pub fn flows_summary(result: &RunResult, lang: Lang) -> String {
    let mut page = String::new();
    let flows: u64 =
        result.tally.verdicts.iter().chain(&result.tally.carriers).map(|totals| totals.flows).sum();
    let _ = match lang {
        Lang::Ja => writeln!(page, "通信 {}件(判定はしていません)", run::grouped(flows)),
        Lang::En => writeln!(page, "{} flows (not judged)", run::grouped(flows)),
    };
    for limit in &result.conclusion.limits {
        let _ = writeln!(page, "  - {}", run::limit(limit, lang));
    }
    accounting(&mut page, result, lang);
    page
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ground::model::{
        finding::FindingKey,
        result::{Conclusion, Deviation, Limit, PolicyFacts},
    };

    #[test]
    fn the_first_line_names_the_judgement_and_what_limits_it() {
        let mut result = RunResult {
            conclusion: Conclusion {
                headline: Headline::CannotSay,
                limits: vec![Limit::OneSided(523), Limit::SegmentUnseen("mn".into())],
                ..Conclusion::default()
            },
            ..RunResult::default()
        };
        for (lang, share, unseen) in
            [(Lang::Ja, "5.23 %", "系「mn」"), (Lang::En, "5.23 %", "segment \"mn\"")]
        {
            let page = summary(&result, lang, &CheckWords(&|_| None), Extent::default());
            let first = page.lines().next().unwrap();
            assert!(first.contains(share) && first.contains(unseen), "{first}");
        }
        result.conclusion.headline = Headline::Violations;
        result.tally.verdicts[Verdict::Violating as usize].flows = 1234;
        let page = summary(&result, Lang::Ja, &CheckWords(&|_| None), Extent::default());
        assert!(page.lines().next().unwrap().contains("違反 1,234件"));
    }

    #[test]
    fn a_broken_identity_is_shown_as_unequal() {
        let mut result = RunResult::default();
        result.tally.read.frame(60);
        let page = summary(&result, Lang::En, &CheckWords(&|_| None), Extent::default());
        assert!(page.contains("read 1 ≠ in flows 0"));
    }

    #[test]
    fn a_deviation_from_the_preset_stands_on_the_first_page_with_who_accepted_it() {
        let deviation = Deviation {
            code: "P10",
            about: "g-gamen".into(),
            ja: "画面転送の向き".into(),
            en: "the way of screens".into(),
            accepted_by: "accept-1".into(),
            approved_by: "情報政策監".into(),
            reason: "更改まで".into(),
        };
        let policy = PolicyFacts { deviations: vec![deviation], ..PolicyFacts::default() };
        let result = RunResult { policy: Some(policy), ..RunResult::default() };
        let page = summary(&result, Lang::Ja, &CheckWords(&|_| None), Extent::default());
        assert!(page.contains("逸脱: 1件"), "{page}");
        assert!(
            page.contains("P10 g-gamen: 画面転送の向き") && page.contains("情報政策監 (更改まで)"),
            "{page}"
        );
    }

    #[test]
    fn four_hundred_findings_for_information_take_one_line_for_each_check() {
        let about = |number: u8, kind| Finding {
            key: FindingKey {
                check: CheckId::new(b'A', number % 2 + 3),
                destination: format!("192.0.2.{number}:1/tcp"),
                segment_client: "mn".into(),
                segment_server: "lg".into(),
                host: None,
            },
            severity: Severity::Info,
            kind,
            ..Finding::default()
        };
        let findings = (0..200).map(|number| about(number, Kind::Violation)).collect();
        let result = RunResult { findings, ..RunResult::default() };
        let page = summary(&result, Lang::En, &CheckWords(&|_| None), Extent::default());
        let told: Vec<_> = page.lines().filter(|line| line.contains("SK-A")).collect();
        assert_eq!(told, ["    SK-A03 : 100 violation", "    SK-A04 : 100 violation"]);
        assert!(page.contains("enabled = true"));
    }
}
