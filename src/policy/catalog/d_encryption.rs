//! SK-D: 暗号化.

use super::entry::{Effect, Entry, V_HIGH, V_MEDIUM, ask, models, text, verified};
use crate::ground::model::finding::CheckId;

pub(super) const ENTRIES: &[Entry] = &[
    Entry {
        id: CheckId::new(b'D', 1),
        name: text("平文通信(暗号化必須の経路)", "cleartext where encryption is required"),
        meaning: text(
            "台帳で暗号化が必須とされた経路に、暗号化されていない(途中で読める)通信が見えました。",
            "Cleartext was seen on a channel that requires encryption.",
        ),
        why: text(
            "平文の通信は、途中の機器から読み書きできます。",
            "Cleartext can be read and changed on the way.",
        ),
        models: models::ALL,
        inner: V_HIGH,
        outer: V_HIGH,
        effect: Effect::Violating,
        clause: verified("3-2-3(2)③"),
        threat: "①⑥",
        harmless: text(
            "暗号化されたページへ移すためだけの短い応答",
            "a tiny answer that only redirects to the encrypted page",
        ),
        ask: ask::SYSTEM_OWNER,
        next: text(
            "暗号化した接続先へ設定を改める。やむを得ない場合は encrypt=\"plaintext-approved\" の承認を得る。",
            "Change the setting to the encrypted service; if that is impossible, have encrypt=\"plaintext-approved\" approved.",
        ),
    },
    Entry {
        id: CheckId::new(b'D', 2),
        name: text("庁外との平文HTTP", "cleartext HTTP with the outside"),
        meaning: text(
            "インターネットまたはLGWANとの間で、暗号化されていないウェブ通信(HTTP)が見えました。",
            "Unencrypted web traffic (HTTP) with the internet or LGWAN was seen.",
        ),
        why: text(
            "平文のHTTPは、途中で内容を読まれたり差し替えられたりする可能性があります。",
            "Plain HTTP can be read and replaced on the way.",
        ),
        models: models::ALL,
        inner: V_MEDIUM,
        outer: V_MEDIUM,
        effect: Effect::Violating,
        clause: verified("6.1"),
        threat: "",
        harmless: text(
            "証明書の失効確認、更新プログラムの配布、LGWANのポータル(平文を承認済みと台帳に書けば出ません)",
            "checks of revoked certificates, updates, LGWAN portals (not reported once the policy approves cleartext)",
        ),
        ask: ask::SYSTEM_OWNER,
        next: text(
            "正当な平文なら plaintext_ok_ja または encrypt=\"plaintext-approved\" に理由を書く。",
            "If cleartext is right here, write the reason as plaintext_ok_ja or encrypt=\"plaintext-approved\".",
        ),
    },
];
