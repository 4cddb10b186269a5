//! SK-O: 宣言と実態.

use super::entry::{Effect, Entry, P_HIGH, V_HIGH, ask, models, recalled, text, verified};
use crate::ground::model::finding::CheckId;

pub(super) const ENTRIES: &[Entry] = &[
    Entry {
        id: CheckId::new(b'O', 1),
        name: text("推定モデルと宣言モデルの不一致", "another model than the declared one"),
        meaning: text(
            "画面転送が、宣言したモデルとは逆の側からだけ開かれています。",
            "Screen transfer is opened from the other side than the declared model's, and never from its own.",
        ),
        why: text(
            "どちらの側から開くかで、そのモデルの安全の前提が変わります。",
            "Which side opens it is what the model's safety rests on.",
        ),
        models: models::ALL,
        inner: P_HIGH,
        outer: P_HIGH,
        effect: Effect::None,
        clause: recalled("2-2-3"),
        threat: "",
        harmless: text("移行中、試行導入", "a migration, a pilot"),
        ask: ask::LEDGER,
        next: text(
            "実際の構成と台帳の model を照らし合わせ、どちらかを直す。",
            "Compare the network with model in the policy, and correct one of them.",
        ),
    },
    Entry {
        id: CheckId::new(b'O', 2),
        name: text("宣言したケースの超過", "beyond the declared case"),
        meaning: text(
            "認証と定義ファイルだけのはずのケースアで、会議の音声・映像の通信が見えました。",
            "Voice or video of meetings was seen although case a permits licences and definitions only.",
        ),
        why: text(
            "ケースごとに必要な対策が違います。宣言より広い使い方では、対策が足りません。",
            "Each case has its own measures; wider use than declared lacks them.",
        ),
        models: models::ALPHA_PRIME_A,
        inner: V_HIGH,
        outer: V_HIGH,
        effect: Effect::Violating,
        clause: verified("3-2-3(2)③"),
        threat: "",
        harmless: text(
            "ライセンス認証と同じ名前を使う会議サービス",
            "a meeting service under the licence service's names",
        ),
        ask: ask::LEDGER,
        next: text(
            "利用を止めるか、ケースの宣言と対策を見直す。",
            "Stop the use, or review the declared case and its measures.",
        ),
    },
];
