//! SK-M: 移行.

use super::entry::{Effect, Entry, INFORMATION, NO_CLAUSE, V_HIGH, ask, models, text};
use crate::ground::model::finding::CheckId;

pub(super) const ENTRIES: &[Entry] = &[
    Entry {
        id: CheckId::new(b'M', 1),
        name: text("移行期間中の通信", "traffic inside a migration window"),
        meaning: text(
            "モデルの切替期間(移行期間)の中の通信です。",
            "This traffic lies inside the window in which the model is changed.",
        ),
        why: text(
            "切替の前後どちらの決まりでも許されるため、間違いが起きやすい時間です。",
            "The rules of both sides hold, so mistakes are likely.",
        ),
        models: models::ALL,
        inner: INFORMATION,
        outer: INFORMATION,
        effect: Effect::None,
        clause: NO_CLAUSE,
        threat: "",
        harmless: text("移行作業そのもの", "the migration itself"),
        ask: ask::NETWORK,
        next: text("移行の計画書と照らし合わせる。", "Compare with the migration plan."),
    },
    Entry {
        id: CheckId::new(b'M', 2),
        name: text("廃止済みの系の通信", "a retired segment still speaks"),
        meaning: text(
            "台帳で廃止した系のアドレスから、またはアドレスへの通信が見えました。",
            "Traffic from or to the addresses of a retired segment was seen.",
        ),
        why: text(
            "廃止したはずの系は、管理も更新もされていない可能性があります。",
            "What was retired may be neither managed nor updated.",
        ),
        models: models::BETA,
        inner: V_HIGH,
        outer: V_HIGH,
        effect: Effect::Violating,
        clause: NO_CLAUSE,
        threat: "",
        harmless: text(
            "撤去前の予備機、バックアップ処理",
            "a spare machine that was not removed, a backup job",
        ),
        ask: ask::NETWORK,
        next: text(
            "残っている機器を特定して撤去するか、廃止日を見直す。",
            "Find and remove the machine, or correct the date.",
        ),
    },
];
