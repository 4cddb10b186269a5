//! SK-K: 量とふるまい.

use super::entry::{Effect, Entry, NO_CLAUSE, S_HIGH, S_LOW, S_MEDIUM, ask, models, text, verified};
use crate::ground::model::finding::CheckId;

pub(super) const ENTRIES: &[Entry] = &[
    Entry {
        id: CheckId::new(b'K', 2),
        name: text("許可済みの宛先への大きなアップロード", "large uploads to a permitted destination"),
        meaning: text(
            "許可された宛先へ、台帳の上限を超える量が送られました。",
            "More than the policy's limit was sent to a permitted destination.",
        ),
        why: text(
            "許可された宛先でも、持ち出しの経路になり得ます。",
            "A permitted destination can be a way to carry data out as well.",
        ),
        models: models::BREAKOUT,
        inner: S_MEDIUM,
        outer: S_MEDIUM,
        effect: Effect::None,
        clause: verified("3-2-3(2)③"),
        threat: "",
        harmless: text("承認済みのファイル共有、録画の保存", "approved sharing, stored recordings"),
        ask: ask::TERMINAL,
        next: text("端末の利用者に、何を送ったかを確かめる。", "Ask the user what was sent."),
    },
    Entry {
        id: CheckId::new(b'K', 3),
        name: text("更新の通信での上り過多", "too much sent on an update channel"),
        meaning: text(
            "更新プログラムのための通信で、台帳の上限を超える量が送り出されました。",
            "More than the policy's limit was sent on a channel for updates.",
        ),
        why: text(
            "更新の例外は、行政文書を扱わないことが条件です。上りが多いのは不自然です。",
            "The exception is for updates only and handles no documents; much upstream is odd.",
        ),
        models: models::ALPHA_PRIME,
        inner: S_HIGH,
        outer: S_HIGH,
        effect: Effect::None,
        clause: verified("3-2-3(2)③"),
        threat: "",
        harmless: text("障害の報告や利用状況の送信", "crash reports and telemetry"),
        ask: ask::SYSTEM_OWNER,
        next: text(
            "製品の設定で、利用状況などの送信を止める。",
            "Switch off reports and telemetry in the product.",
        ),
    },
    Entry {
        id: CheckId::new(b'K', 8),
        name: text("時間外の通信", "traffic outside its hours"),
        meaning: text(
            "台帳で決めた時間帯の外で、通信が始まりました。",
            "Traffic began outside the hours of the policy.",
        ),
        why: text(
            "人のいない時間の通信は、気付かれにくい操作の跡かもしれません。",
            "Traffic when nobody is there may be what nobody should notice.",
        ),
        models: models::ALL,
        inner: S_LOW,
        outer: S_LOW,
        effect: Effect::None,
        clause: NO_CLAUSE,
        threat: "",
        harmless: text("夜間の一括処理、残業", "nightly batches, overtime"),
        ask: ask::SYSTEM_OWNER,
        next: text(
            "業務の予定と照らし合わせ、必要なら時間帯を見直す。",
            "Compare with the plan of work, and change the hours if they are wrong.",
        ),
    },
];
