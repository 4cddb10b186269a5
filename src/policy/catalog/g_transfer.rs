//! SK-G: 無害化・画面転送・ファイル.

use super::entry::{Effect, Entry, V_CRITICAL, V_HIGH, ask, models, recalled, text};
use crate::ground::model::finding::CheckId;

pub(super) const ENTRIES: &[Entry] = &[
    Entry {
        id: CheckId::new(b'G', 1),
        name: text("無害化装置を通らないファイル取込み", "files taken in past the sanitiser"),
        meaning: text(
            "LGWAN接続系が、無害化装置(ファイルの危険な部分を除く装置)を通らずにファイルを受け取る通信をしました。",
            "The LGWAN segment moved files with the internet side without the sanitiser between them.",
        ),
        why: text(
            "ファイルに仕込まれた不正なプログラムが、無害化されずに入るおそれがあります。",
            "Malicious programs in files can come in without being sanitised.",
        ),
        models: models::ALL,
        inner: V_CRITICAL,
        outer: V_CRITICAL,
        effect: Effect::Violating,
        clause: recalled("2-2-3(2)①(ウ)"),
        threat: "②",
        harmless: text("ソフトウェアの配布サーバ", "a server that distributes software"),
        ask: ask::SYSTEM_OWNER,
        next: text(
            "何のファイルかを担当課に尋ね、取込みを無害化装置経由に改める。",
            "Ask the department which files these are, and lead them through the sanitiser.",
        ),
    },
    Entry {
        id: CheckId::new(b'G', 2),
        name: text("メール無害化の迂回", "mail past the sanitiser"),
        meaning: text(
            "LGWAN接続系が、インターネット側のメールサーバと無害化を通らずにメール通信をしました。",
            "The LGWAN segment exchanged mail with the internet side without the mail sanitiser.",
        ),
        why: text(
            "メールの添付ファイルやリンクは、侵入の主な入口です。",
            "Attachments and links in mail are the main way in.",
        ),
        models: models::ALL,
        inner: V_CRITICAL,
        outer: V_CRITICAL,
        effect: Effect::Violating,
        clause: recalled("2-2-3(2)①(ア)"),
        threat: "②",
        harmless: text("LGWANメール(LGWANの中だけのメール)は別のものです", "LGWAN mail is a different thing"),
        ask: ask::SYSTEM_OWNER,
        next: text(
            "メールソフトと中継サーバの設定を確かめ、無害化装置を通るように改める。",
            "Check the settings of mail programs and relays and lead them through the sanitiser.",
        ),
    },
    Entry {
        id: CheckId::new(b'G', 3),
        name: text("画面転送以外の遠隔操作", "remote control outside the screen-transfer gateway"),
        meaning: text(
            "LGWAN接続系とインターネット側の間で、画面転送の装置を通らない遠隔操作(RDP、VNC、SSHなど)が見えました。",
            "Remote control (RDP, VNC, SSH and the like) crossed between LGWAN and the internet side past the screen-transfer gateway.",
        ),
        why: text(
            "画面転送の装置を通らない遠隔操作は、操作だけでなくファイルも運べます。",
            "Remote control past the gateway can carry files as well as screens.",
        ),
        models: models::ALL,
        inner: V_HIGH,
        outer: V_HIGH,
        effect: Effect::Violating,
        clause: recalled("2-2-3(2)①(イ)"),
        threat: "",
        harmless: text("事業者の遠隔支援", "a vendor's remote support"),
        ask: ask::SYSTEM_OWNER,
        next: text(
            "作業の記録と照らし合わせ、必要な保守なら期限つきの許可にする。",
            "Compare with the record of work; if it is needed maintenance, permit it for a time.",
        ),
    },
    Entry {
        id: CheckId::new(b'G', 4),
        name: text("画面転送の向きがモデルと逆", "screen transfer opened from the wrong side"),
        meaning: text(
            "画面転送の通信が、台帳と反対の側から始まりました。",
            "Screen transfer was opened from the side opposite to the one in the policy.",
        ),
        why: text(
            "どちらの系から開くかは、そのモデルの安全性の前提です。",
            "Which side opens it is what the model's safety rests on.",
        ),
        models: models::ALL,
        inner: V_HIGH,
        outer: V_HIGH,
        effect: Effect::Violating,
        clause: recalled("2-2-3(2)①(イ)"),
        threat: "",
        harmless: text(
            "画面転送の管理サーバが呼び返す作りになっている",
            "a broker of the product that calls back by design",
        ),
        ask: ask::SYSTEM_OWNER,
        next: text(
            "製品の通信の向きを事業者に確かめ、台帳のモデルと合っているかを見直す。",
            "Ask the vendor how the product opens its connections, and compare with the declared model.",
        ),
    },
];
