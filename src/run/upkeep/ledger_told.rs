//! What an import comes to, for people and for machines.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::ledger::{Conflict, Plan};
use crate::ground::{model::lang::Lang, words::escape};

/// Version of the JSON.
const SCHEMA: &str = "sekisho-ledger-import/1";
/// Rows of one kind that people are shown; JSON has all.
const ROWS_MAX: usize = 200;

/// For people: conflicts first, then what changes.
#[must_use]
pub fn page(plan: &Plan, lang: Lang) -> String {
    let mut page = String::new();
    if !plan.conflicts.is_empty() {
        let count = plan.conflicts.len();
        let _ = match lang {
            Lang::Ja => writeln!(page, "取り込めません(食い違い{count})"),
            Lang::En => writeln!(page, "not taken over (conflicts: {count})"),
        };
        told(&mut page, lang, plan.conflicts.iter().map(|conflict| conflict_line(conflict, lang)));
    }
    let (changed, added, missing) = (plan.changes.len(), plan.added.len(), plan.missing.len());
    let fate = match (lang, plan.is_removing) {
        (Lang::Ja, true) => "コメントにします",
        (Lang::Ja, false) => "台帳に残します。外すには --remove",
        (Lang::En, true) => "become comments",
        (Lang::En, false) => "stay in the policy; --remove takes them out",
    };
    let _ = match lang {
        Lang::Ja => writeln!(page, "変わるセル{changed}、新しい許可{added}、表に無い許可{missing}"),
        Lang::En => writeln!(
            page,
            "changed cells: {changed}, new channels: {added}, channels not in the sheet: {missing}"
        ),
    };
    told(
        &mut page,
        lang,
        plan.changes.iter().map(|change| {
            let (id, heading) =
                (escape::text(&change.id), if lang == Lang::Ja { change.heading } else { change.key });
            let (old, new) = (shown(&change.old, lang), shown(&change.new, lang));
            format!("{} {id} {heading}: {old} → {new}", change.at.cell())
        }),
    );
    told(
        &mut page,
        lang,
        plan.added.iter().map(|(row, id)| match lang {
            Lang::Ja => format!("{row}行 新しい許可 {}", escape::text(id)),
            Lang::En => format!("row {row}: new channel {}", escape::text(id)),
        }),
    );
    if missing > 0 {
        let _ = match lang {
            Lang::Ja => writeln!(page, "表に無い許可({fate}):"),
            Lang::En => writeln!(page, "channels not in the sheet ({fate}):"),
        };
        told(&mut page, lang, plan.missing.iter().map(|id| escape::text(id)));
    }
    for remark in &plan.remarks {
        let head = if lang == Lang::Ja { "注意" } else { "note" };
        let _ = writeln!(page, "{head}: {}", escape::text(remark.of(lang)));
    }
    page
}

fn told(page: &mut String, lang: Lang, lines: impl ExactSizeIterator<Item = String>) {
    let more = lines.len().saturating_sub(ROWS_MAX);
    lines.take(ROWS_MAX).for_each(|line| page.push_str(&format!("  {line}\n")));
    let _ = match (more, lang) {
        (0, _) => Ok(()),
        (more, Lang::Ja) => writeln!(page, "  ほか{more}件(--json ですべて表示)"),
        (more, Lang::En) => writeln!(page, "  {more} more (--json shows all)"),
    };
}

fn conflict_line(conflict: &Conflict, lang: Lang) -> String {
    let words = escape::text(conflict.words.of(lang));
    match (conflict.at.row, conflict.at.cell(), lang) {
        (0, _, _) => words,
        (row, cell, Lang::Ja) if cell.is_empty() => format!("{row}行: {words}"),
        (row, cell, Lang::Ja) => format!("{row}行 {cell}: {words}"),
        (row, cell, Lang::En) if cell.is_empty() => format!("row {row}: {words}"),
        (row, cell, Lang::En) => format!("row {row}, {cell}: {words}"),
    }
}

fn shown(text: &str, lang: Lang) -> String {
    match (text, lang) {
        ("", Lang::Ja) => "(空欄)".to_owned(),
        ("", Lang::En) => "(empty)".to_owned(),
        (text, _) => escape::text(text),
    }
}

/// For machines.
#[must_use]
pub fn json(plan: &Plan) -> Value {
    let conflicts = plan.conflicts.iter().map(|conflict| {
        let cell = Some(conflict.at.cell()).filter(|cell| !cell.is_empty());
        let row = Some(conflict.at.row).filter(|row| *row > 0);
        json!({ "row": row, "cell": cell, "ja": conflict.words.ja, "en": conflict.words.en })
    });
    let changes = plan.changes.iter().map(|change| {
        json!({
            "row": change.at.row, "cell": change.at.cell(), "channel": change.id, "field": change.key,
            "old": change.old, "new": change.new,
        })
    });
    json!({
        "schema": SCHEMA,
        "conflicts": conflicts.collect::<Vec<_>>(),
        "changes": changes.collect::<Vec<_>>(),
        "added": plan.added.iter().map(|(row, id)| json!({ "row": row, "channel": id })).collect::<Vec<_>>(),
        "missing": plan.missing,
        "missing_become_comments": plan.is_removing,
        "remarks": plan.remarks.iter().map(|words| json!({ "ja": words.ja, "en": words.en })).collect::<Vec<_>>(),
    })
}
