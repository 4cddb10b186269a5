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
        id: CheckId::new(b'K', 4),
        name: text("走査(スキャン)の疑い", "a scan"),
        meaning: text(
            "一台の機器が、応答のない多数の宛先・番号へ接続を試みました。",
            "One machine tried many targets that did not answer.",
        ),
        why: text(
            "攻撃者やウイルスが、次の相手を探すときの動きです。",
            "It is how attackers and malware look for their next target.",
        ),
        models: models::ALL,
        inner: S_MEDIUM,
        outer: S_MEDIUM,
        effect: Effect::None,
        clause: verified("6.5"),
        threat: "⑤",
        harmless: text(
            "資産管理・脆弱性診断(role = scanner を書く)、見つからない複合機を探す端末",
            "asset management or a vulnerability scanner (role = scanner), a terminal that looks for a printer",
        ),
        ask: ask::TERMINAL,
        next: text(
            "機器で動いている管理ソフトを確かめ、心当たりが無ければ切り離して調べる。",
            "Check which management software runs there; if none does, take the machine off and examine it.",
        ),
    },
    Entry {
        id: CheckId::new(b'K', 5),
        name: text("横展開の疑い", "spreading sideways"),
        meaning: text(
            "一台の機器が、管理用の方式(ファイル共有・遠隔操作など)で多数の機器に接続しました。",
            "One machine reached many others over protocols of administration.",
        ),
        why: text(
            "侵入した攻撃者は、管理の方式を使って隣の機器へ広がります。",
            "Intruders use the protocols of administration to move to the next machine.",
        ),
        models: models::BETA,
        inner: S_HIGH,
        outer: S_HIGH,
        effect: Effect::None,
        clause: verified("6.5"),
        threat: "⑤",
        harmless: text(
            "ソフトウェアの配布サーバ(role = update などを書く)",
            "a deployment server (write its role)",
        ),
        ask: ask::TERMINAL,
        next: text(
            "接続元の機器の役割と、その時間の作業を確かめる。",
            "Check what the machine is for, and the work at that time.",
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
