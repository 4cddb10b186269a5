//! SK-N: 必須通信.

use super::entry::{Effect, Entry, S_HIGH, S_MEDIUM, ask, models, text, verified};
use crate::ground::model::finding::CheckId;

pub(super) const ENTRIES: &[Entry] = &[
    Entry {
        id: CheckId::new(b'N', 1),
        name: text("必須通信の途絶", "an expected channel is silent"),
        meaning: text(
            "毎日(毎月)あるはずの通信が、観測した日(月)にありませんでした。",
            "Traffic that is expected each day (or month) was not there.",
        ),
        why: text(
            "J-アラートや情報連携は、止まっていても普段は誰も気付きません。",
            "Nobody notices in daily work that J-ALERT or the information network has stopped.",
        ),
        models: models::ALL,
        inner: S_HIGH,
        outer: S_HIGH,
        effect: Effect::None,
        clause: verified("7.1"),
        threat: "",
        harmless: text("休日・閉庁日、システムの計画停止", "a holiday, a planned stop"),
        ask: ask::SYSTEM_OWNER,
        next: text(
            "受信側の装置の記録を確かめ、試験放送などで届くことを確認する。",
            "Check the receiving system's log, and verify with a test.",
        ),
    },
    Entry {
        id: CheckId::new(b'N', 3),
        name: text("名前解決・時刻同期の不在", "no name resolution or time"),
        meaning: text(
            "通信のある系から、名前解決(DNS)または時刻合わせ(NTP)が一度も見えません。",
            "A segment that speaks was never seen to ask for names (DNS) or the time (NTP).",
        ),
        why: text(
            "別の経路で行われているか、時計が合っていない可能性があります。",
            "It takes another way, or the clocks are not set at all.",
        ),
        models: models::ALL,
        inner: S_MEDIUM,
        outer: S_MEDIUM,
        effect: Effect::None,
        clause: verified("6.1"),
        threat: "",
        harmless: text(
            "名前解決や時刻合わせのサーバが同じスイッチの内側にあり、ミラーに写らない",
            "the servers stand behind the same switch and are not mirrored",
        ),
        ask: ask::NETWORK,
        next: text(
            "端末の設定を確かめ、経路がミラーの範囲に入っているかを見る。",
            "Check the terminals' settings and whether the mirror covers the way.",
        ),
    },
];
