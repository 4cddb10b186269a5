//! SK-D: 暗号化.

use super::entry::{Effect, Entry, P_MEDIUM, V_HIGH, V_MEDIUM, ask, models, text, verified};
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
    Entry {
        id: CheckId::new(b'D', 3),
        name: text(
            "更新の例外の条件(暗号化)が満たされていない",
            "an update exception without its encryption",
        ),
        meaning: text(
            "更新プログラムの例外として許可した宛先へ、暗号化されていないHTTPで通信していました。",
            "A destination permitted as an update exception was reached over unencrypted HTTP.",
        ),
        why: text(
            "例外の三つの条件の一つは、証明書で接続先を確かめることです。HTTPでは確かめられません。",
            "One of the three conditions of the exception is authentication by certificate, which HTTP has not.",
        ),
        models: models::ALPHA_PRIME,
        inner: P_MEDIUM,
        outer: P_MEDIUM,
        effect: Effect::None,
        clause: verified("3-2-3(2)③"),
        threat: "",
        harmless: text(
            "署名で検証される更新データ(理由を plaintext_ok_ja に書く)",
            "update data verified by signature (write the reason as plaintext_ok_ja)",
        ),
        ask: ask::LEDGER,
        next: text(
            "HTTPSで取得できるか確かめ、できなければ理由と承認を台帳に書く。",
            "See whether HTTPS is possible; else write reason and approval into the policy.",
        ),
    },
    Entry {
        id: CheckId::new(b'D', 4),
        name: text("旧式の暗号", "outdated encryption"),
        meaning: text(
            "使ってはならないとされた古い方式(TLS 1.1以前、RC4、輸出用の弱い暗号)で通信していました。",
            "Encryption that is not to be used any more was chosen (before TLS 1.2, RC4, export suites).",
        ),
        why: text(
            "古い方式は、解読や改ざんの方法が知られています。",
            "Ways to read and change it are known.",
        ),
        models: models::ALL,
        inner: V_MEDIUM,
        outer: V_MEDIUM,
        effect: Effect::Violating,
        clause: verified("6.1"),
        threat: "⑥",
        harmless: text(
            "古い複合機、更新のできない業務システム",
            "old printers, a system that cannot be updated",
        ),
        ask: ask::SYSTEM_OWNER,
        next: text(
            "両端の設定を見直し、できない場合は更改の時期と理由を台帳に書く。",
            "Change the settings of both ends; if that is impossible, write down when it will be replaced and why.",
        ),
    },
    Entry {
        id: CheckId::new(b'D', 5),
        name: text("管理用の平文プロトコル", "cleartext protocols that manage network gear"),
        meaning: text(
            "ネットワーク機器(ルーター・ファイアウォール)の管理に、暗号化されない方式(Telnet・HTTP・SNMP v1/v2c・TFTP)が使われていました。",
            "Network gear (a router or firewall) was managed over cleartext: Telnet, HTTP, SNMP v1/v2c or TFTP.",
        ),
        why: text(
            "管理者のパスワードや設定が、途中で読まれるおそれがあります。",
            "The administrator's password and the settings can be read on the way.",
        ),
        models: models::ALL,
        inner: V_HIGH,
        outer: V_HIGH,
        effect: Effect::Violating,
        clause: verified("6.1"),
        threat: "①",
        harmless: text(
            "管理専用の閉じたネットワークが台帳に書かれていない",
            "a closed management network that the policy does not list",
        ),
        ask: ask::NETWORK,
        next: text(
            "SSH・HTTPS・SNMPv3に切り替える。できない機器は管理専用の系に移し、理由を台帳に書く。",
            "Change to SSH, HTTPS or SNMPv3; move what cannot to a management segment, with the reason in the policy.",
        ),
    },
];
