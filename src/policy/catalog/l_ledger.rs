//! SK-L: 台帳.

use super::entry::{Effect, Entry, V_HIGH, V_MEDIUM, ask, models, text, verified};
use crate::ground::model::finding::CheckId;

pub(super) const ENTRIES: &[Entry] = &[
    Entry {
        id: CheckId::new(b'L', 2),
        name: text("期限切れ許可の使用", "an expired channel is still in use"),
        meaning: text(
            "台帳の許可の期限が切れた(またはまだ始まっていない)通信が見えました。",
            "Traffic was seen whose channel in the policy had expired, or had not begun.",
        ),
        why: text(
            "期限は、不要になった出入口を閉じるためのものです。",
            "The end date is there to close what is no longer needed.",
        ),
        models: models::ALL,
        inner: V_HIGH,
        outer: V_HIGH,
        effect: Effect::Violating,
        clause: verified("7.4"),
        threat: "",
        harmless: text("更新の手続きの途中", "its renewal is under way"),
        ask: ask::LEDGER,
        next: text(
            "まだ必要なら期限を更新し、不要なら境界の機器の設定から外す。",
            "Renew it if it is still needed, else take it out of the boundary's settings.",
        ),
    },
    Entry {
        id: CheckId::new(b'L', 3),
        name: text("許可のない通信", "traffic without a permission"),
        meaning: text(
            "台帳のどの許可にも当てはまらない(または明示の禁止に当たる)通信が見えました。",
            "Traffic was seen that no channel of the policy permits, or that it forbids.",
        ),
        why: text(
            "台帳に無い通信は、誰も必要性を確認していない通信です。",
            "Nobody has checked the need for traffic that the policy does not list.",
        ),
        models: models::ALL,
        inner: V_MEDIUM,
        outer: V_MEDIUM,
        effect: Effect::Violating,
        clause: verified("3-2-3(2)③"),
        threat: "",
        harmless: text("台帳に書き忘れた正規の通信", "proper traffic that nobody wrote down"),
        ask: ask::LEDGER,
        next: text(
            "何の通信かを確かめ、必要なら申請・承認のうえ台帳に書き、不要なら止める。",
            "Find out what it is; have it approved and listed if it is needed, else stop it.",
        ),
    },
];
