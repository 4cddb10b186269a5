//! SK-L: 台帳.

use super::entry::{Effect, Entry, P_MEDIUM, V_HIGH, V_MEDIUM, ask, models, text, verified};
use crate::ground::model::finding::CheckId;

pub(super) const ENTRIES: &[Entry] = &[
    Entry {
        id: CheckId::new(b'L', 1),
        name: text("使われていない許可", "unused permissions"),
        meaning: text(
            "観測した期間に、一度も使われなかった許可があります。",
            "A channel was not used in the time that was looked at.",
        ),
        why: text(
            "使われない許可は、攻撃者だけが使う入口になり得ます。",
            "What nobody uses is an entrance for attackers alone.",
        ),
        models: models::ALL,
        inner: P_MEDIUM,
        outer: P_MEDIUM,
        effect: Effect::None,
        clause: verified("7.4"),
        threat: "",
        harmless: text("年に一度の業務、災害時だけの経路", "yearly work, a way for disasters only"),
        ask: ask::LEDGER,
        next: text(
            "担当課に要否を確かめ、不要なら台帳と機器の設定から消す。",
            "Ask the department; remove it from policy and devices if it is not needed.",
        ),
    },
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
    Entry {
        id: CheckId::new(b'L', 4),
        name: text("期限の長すぎる保守の許可", "maintenance permitted for too long"),
        meaning: text(
            "保守のための許可の期間が、四半期を超えています。",
            "A channel for maintenance is valid for more than a quarter of a year.",
        ),
        why: text(
            "長い例外は、例外ではなく常設の出入口になります。",
            "A long exception is no exception but a permanent door.",
        ),
        models: models::ALL,
        inner: P_MEDIUM,
        outer: P_MEDIUM,
        effect: Effect::None,
        clause: verified("7.4"),
        threat: "",
        harmless: text("年間の保守契約に合わせた", "it follows a yearly contract"),
        ask: ask::LEDGER,
        next: text(
            "作業ごとの期間に区切り、都度の承認にする。",
            "Permit each piece of work for its own time.",
        ),
    },
    Entry {
        id: CheckId::new(b'L', 7),
        name: text("ISMAP登録の期限切れ", "an expired ISMAP registration"),
        meaning: text(
            "利用した宛先のISMAP登録の期限が、通信の時点で過ぎています。",
            "The ISMAP registration of a destination had expired when it was used.",
        ),
        why: text(
            "登録が切れたサービスは、利用できるサービスの条件を満たしません。",
            "Without a valid registration the service does not meet the condition for use.",
        ),
        models: models::ALPHA_PRIME,
        inner: P_MEDIUM,
        outer: P_MEDIUM,
        effect: Effect::None,
        clause: verified("8.3"),
        threat: "",
        harmless: text("登録は更新されたが台帳に反映していない", "it was renewed and the policy was not"),
        ask: ask::LEDGER,
        next: text(
            "ISMAPの公開情報を確かめ、valid_until を更新する。",
            "Look it up in the ISMAP list and update valid_until.",
        ),
    },
    Entry {
        id: CheckId::new(b'L', 10),
        name: text("プリセットからの逸脱", "a deviation from the preset"),
        meaning: text(
            "宣言したモデルの標準(プリセット)より緩い設定が、承認の上で台帳にあります。",
            "The policy holds something that is looser than the preset of its model, and accepted.",
        ),
        why: text(
            "標準より緩い点は、監査で必ず説明を求められます。",
            "Whatever is looser than the standard has to be explained in an audit.",
        ),
        models: models::ALL,
        inner: P_MEDIUM,
        outer: P_MEDIUM,
        effect: Effect::None,
        clause: verified("7.4"),
        threat: "",
        harmless: text("承認された独自の対策", "an approved measure of one's own"),
        ask: ask::LEDGER,
        next: text("承認の理由と期限を見直す。", "Review the reason and the end of the acceptance."),
    },
];
