//! SK-G: 無害化・画面転送・ファイル.

use super::entry::{
    Effect, Entry, INFORMATION_LOW, S_MEDIUM, V_CRITICAL, V_HIGH, ask, models, recalled, text, verified,
};
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
    Entry {
        id: CheckId::new(b'G', 5),
        name: text("画面転送での大量の転送", "large transfers inside screen transfer"),
        meaning: text(
            "画面転送の一回の接続で、台帳の上限を超える量が送られました。",
            "One connection of screen transfer carried more than the policy's limit.",
        ),
        why: text(
            "画面だけのはずの経路で、クリップボードやドライブの共有によりファイルが運ばれた可能性があります。",
            "A way meant for screens may have carried files, by clipboard or shared drives.",
        ),
        models: models::ALL,
        inner: S_MEDIUM,
        outer: S_MEDIUM,
        effect: Effect::None,
        clause: recalled("2-2-3(2)①(イ)"),
        threat: "",
        harmless: text("動画の閲覧、印刷", "videos, printing"),
        ask: ask::SYSTEM_OWNER,
        next: text(
            "画面転送の装置で、クリップボードとドライブの共有が無効なことを確かめる。",
            "Check that clipboard and drives are not shared by the gateway.",
        ),
    },
    Entry {
        id: CheckId::new(b'G', 6),
        name: text("画面転送などの利用者が計画超過", "more users than planned"),
        meaning: text(
            "一日に使った機器の数が、台帳の上限(max_sources)を超えました。",
            "More machines used a channel in a day than the policy plans (max_sources).",
        ),
        why: text(
            "β'モデルでは、LGWAN接続系を見る利用者を最小限にすることが前提です。",
            "In the beta-prime model as few people as possible look into the LGWAN segment.",
        ),
        models: models::BETA,
        inner: INFORMATION_LOW,
        outer: INFORMATION_LOW,
        effect: Effect::None,
        clause: verified("6.1"),
        threat: "",
        harmless: text("月末・年度末などの繁忙期", "the end of a month or year"),
        ask: ask::SYSTEM_OWNER,
        next: text(
            "利用者の一覧を確認し、計画か上限を見直す。",
            "Review the list of users, and the plan or the limit.",
        ),
    },
    Entry {
        id: CheckId::new(b'G', 7),
        name: text("画面転送の装置からの想定外の接続", "the screen-transfer gateway reaches further"),
        meaning: text(
            "画面転送の装置(ゲートウェイ)から、台帳に無い相手への接続が始まりました。",
            "The screen-transfer gateway opened a connection that the policy does not list.",
        ),
        why: text(
            "この装置は二つの系の間にあるため、踏み台にされると影響が広がります。",
            "It stands between two segments; as a stepping stone it would reach both.",
        ),
        models: models::ALL,
        inner: V_HIGH,
        outer: V_HIGH,
        effect: Effect::Violating,
        clause: recalled("2-2-3"),
        threat: "⑤",
        harmless: text("装置の死活監視や更新", "health checks and updates of the gateway"),
        ask: ask::SYSTEM_OWNER,
        next: text(
            "装置の保守事業者に接続の目的を確かめ、必要なら絞って台帳に書く。",
            "Ask the vendor what it is for, and permit it narrowly if it is needed.",
        ),
    },
    Entry {
        id: CheckId::new(b'G', 8),
        name: text(
            "取込み禁止の宛先からの大きなダウンロード",
            "large downloads where nothing may be taken in",
        ),
        meaning: text(
            "ファイルの取込みを禁じた宛先から、上限を超える量を受け取りました。",
            "More than the limit came from a destination from which no files may be taken.",
        ),
        why: text(
            "ケースイでは、外部のファイルを内部に取り込まないことが条件です。閲覧でも通信量は増えるため、疑いとして示します。",
            "Case i takes nothing in; viewing also counts, so this is a suspicion.",
        ),
        models: models::CASE_I,
        inner: S_MEDIUM,
        outer: S_MEDIUM,
        effect: Effect::None,
        clause: verified("3-2-3(2)③"),
        threat: "",
        harmless: text(
            "動画や大きな資料の閲覧、同じ配信網からの更新",
            "viewing of videos or large documents, updates from the same network",
        ),
        ask: ask::TERMINAL,
        next: text(
            "サービス側の操作記録で、ダウンロードがあったかを確かめる。",
            "See in the service's own log whether something was downloaded.",
        ),
    },
    Entry {
        id: CheckId::new(b'G', 11),
        name: text("マイナンバー利用事務系の画面転送", "screen transfer of the My Number segment"),
        meaning: text(
            "マイナンバー利用事務系との間で、許可の無い画面転送や遠隔操作が見えました。",
            "Screen transfer or remote control with the My Number segment was seen without a permission.",
        ),
        why: text(
            "画面転送は令和7年3月版から認められましたが、信頼できる特定の相手に限られます。",
            "It is permitted since the edition of March 2025, and only with named partners.",
        ),
        models: models::ALL,
        inner: V_HIGH,
        outer: V_HIGH,
        effect: Effect::Violating,
        clause: recalled("2-2-3(1)①"),
        threat: "",
        harmless: text(
            "台帳の版(guideline)や許可の書き漏れ",
            "the edition or the channel is missing in the policy",
        ),
        ask: ask::SYSTEM_OWNER,
        next: text(
            "相手と目的を確かめ、認められるものなら台帳に書く。",
            "Check partner and purpose, and write it down if it is permitted.",
        ),
    },
];
