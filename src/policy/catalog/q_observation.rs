//! SK-Q: 観測の質. How well the traffic was seen: silence is not health.

use super::entry::{
    Effect, Entry, INFORMATION, NO_CLAUSE, O_HIGH, O_LOW, O_MEDIUM, ask, models, text, verified,
};
use crate::ground::model::finding::CheckId;

pub(super) const ENTRIES: &[Entry] = &[
    Entry {
        id: CheckId::new(b'Q', 1),
        name: text("取りこぼし", "capture loss"),
        meaning: text(
            "通信の記録に写っていない部分があります。写っていない所に何があったかは言えません。",
            "Parts of the traffic are missing from the capture; what they held cannot be said.",
        ),
        why: text(
            "写っていない通信については、違反が無かったとは言えません。",
            "Of what was not captured nobody can say that it was in order.",
        ),
        models: models::ALL,
        inner: O_HIGH,
        outer: O_HIGH,
        effect: Effect::None,
        clause: verified("7.1"),
        threat: "",
        harmless: text("ミラーポートの混雑、記録装置の負荷", "a busy mirror port, a recorder under load"),
        ask: ask::CAPTURE,
        next: text(
            "ミラー元を分ける、記録装置を速くするなどして、もう一度記録する。",
            "Split what is mirrored or use a faster recorder, and capture again.",
        ),
    },
    Entry {
        id: CheckId::new(b'Q', 2),
        name: text("片方向のみ", "one direction only"),
        meaning: text(
            "行きか帰りの片方しか写っていない通信の割合が多く、成立したかどうかを判断できません。",
            "Too many connections were seen in one direction only, so whether they were answered is not known.",
        ),
        why: text(
            "片方しか見えないと、成立したかどうか、どちらから始まったかを取り違えます。",
            "With one direction only, whether it was answered and who began can be mistaken.",
        ),
        models: models::ALL,
        inner: O_HIGH,
        outer: O_HIGH,
        effect: Effect::None,
        clause: verified("7.1"),
        threat: "",
        harmless: text(
            "ミラーの設定が受信だけになっている、行きと帰りで回線が違う",
            "the mirror copies one direction, or the two directions take different lines",
        ),
        ask: ask::CAPTURE,
        next: text(
            "ミラーの設定を「送受信の両方」にし、二重の回線は両方を写す。",
            "Mirror both directions, and both lines where there are two.",
        ),
    },
    Entry {
        id: CheckId::new(b'Q', 4),
        name: text("重複ミラー", "packets mirrored twice"),
        meaning: text(
            "同じパケットが2回ずつ写っています。判定では1回として数えていますが、記録の容量と余力を使います。",
            "The same packets appear twice. They are counted once, but they use up the recorder's capacity.",
        ),
        why: text("容量を無駄に使い、取りこぼしの原因になります。", "It wastes capacity and leads to loss."),
        models: models::ALL,
        inner: O_LOW,
        outer: O_LOW,
        effect: Effect::None,
        clause: NO_CLAUSE,
        threat: "",
        harmless: text(
            "1つの通信の入口と出口の両方をミラーしている",
            "both the entry and the exit of the same traffic are mirrored",
        ),
        ask: ask::CAPTURE,
        next: text("ミラー元のポートの選び方を見直す。", "Review which ports are mirrored."),
    },
    Entry {
        id: CheckId::new(b'Q', 5),
        name: text("VLANの食い違い", "VLAN tags that do not fit"),
        meaning: text(
            "アドレスが示す系と、VLAN(区分けの番号)が示す系が合わない通信があります。",
            "For some flows the segment by address and the one by VLAN number do not agree.",
        ),
        why: text(
            "VLANの番号が合わないと、どの系の通信かを取り違えるおそれがあります。",
            "With wrong VLAN numbers traffic may be taken for that of another segment.",
        ),
        models: models::ALL,
        inner: O_HIGH,
        outer: O_HIGH,
        effect: Effect::None,
        clause: NO_CLAUSE,
        threat: "",
        harmless: text(
            "台帳のVLAN番号が古い、ミラーの設定でVLANが付け替わっている",
            "VLAN numbers in the policy are old, or the mirror rewrites them",
        ),
        ask: ask::NETWORK,
        next: text(
            "機器のVLAN設定と台帳の segments の vlan を照らし合わせる。",
            "Compare the switches' VLANs with the segments of the policy.",
        ),
    },
    Entry {
        id: CheckId::new(b'Q', 6),
        name: text("打切り", "packets cut short"),
        meaning: text(
            "記録の設定(snaplen)でパケットの後ろが切れ、接続先の名前が読めない通信があります。",
            "The capture's length limit (snaplen) cut packets, so some server names could not be read.",
        ),
        why: text(
            "先頭が切れていると、接続先の名前が読めません。",
            "What is cut off may be the very name of the destination.",
        ),
        models: models::ALL,
        inner: O_MEDIUM,
        outer: O_MEDIUM,
        effect: Effect::None,
        clause: NO_CLAUSE,
        threat: "",
        harmless: text(
            "個人情報を残さないための意図した設定",
            "a setting made on purpose, to keep no personal data",
        ),
        ask: ask::CAPTURE,
        next: text(
            "通信の始めの数千バイトは残る設定(snaplen 0 または 4096 以上)で記録する。",
            "Capture with a snaplen of 0, or at least 4096.",
        ),
    },
    Entry {
        id: CheckId::new(b'Q', 8),
        name: text("センサー停止・空白時間", "minutes without a frame"),
        meaning: text(
            "1つもパケットが写っていない時間帯があります。その間に何があったかは言えません。",
            "There are minutes without a single frame; what happened in them cannot be said.",
        ),
        why: text(
            "記録の無い時間に何があったかは分かりません。",
            "What happened in the time without a record is unknown.",
        ),
        models: models::ALL,
        inner: O_HIGH,
        outer: O_HIGH,
        effect: Effect::None,
        clause: verified("7.1"),
        threat: "",
        harmless: text("夜間など、本当に通信が無かった時間", "a quiet time, such as the night"),
        ask: ask::CAPTURE,
        next: text(
            "記録装置の稼働記録と停電・作業の記録を確かめる。",
            "Look at the recorder's log and at records of outages and work.",
        ),
    },
    Entry {
        id: CheckId::new(b'Q', 9),
        name: text("読めない方式のパケット", "frames of protocols that are not read"),
        meaning: text(
            "本プログラムが読めない方式、または包みが深すぎるパケットがあります。中身は判定していません。",
            "Some frames use protocols that are not read, or have too many layers; they were not judged.",
        ),
        why: text(
            "読めない方式の中に、判定すべき通信が隠れている可能性があります。",
            "Traffic that should be judged may hide in what cannot be read.",
        ),
        models: models::ALL,
        inner: O_MEDIUM,
        outer: O_MEDIUM,
        effect: Effect::None,
        clause: NO_CLAUSE,
        threat: "",
        harmless: text("機器どうしの独自の制御通信", "control traffic of a manufacturer's own"),
        ask: ask::NETWORK,
        next: text(
            "方式の番号ごとの件数を見て、何の機器かを確かめる。",
            "Look at the counts by protocol number and find out which machines send them.",
        ),
    },
    Entry {
        id: CheckId::new(b'Q', 10),
        name: text("見ていない系・拠点", "segments that were not looked at"),
        meaning: text(
            "台帳にある系のうち、今回の記録に1つもパケットが写っていないものがあります。その系については何も言えません。",
            "Segments of the policy of which not a single frame was seen; nothing can be said about them.",
        ),
        why: text(
            "見ていない系については、何も言えません。",
            "Nothing can be said of a segment that was not looked at.",
        ),
        models: models::ALL,
        inner: INFORMATION,
        outer: INFORMATION,
        effect: Effect::None,
        clause: verified("9.1"),
        threat: "",
        harmless: text("今回の監査の対象外と決めた系", "a segment that this audit leaves out on purpose"),
        ask: ask::CAPTURE,
        next: text(
            "対象に含める系なら、その系が通る場所にミラーを加える。",
            "If it belongs to the audit, mirror a place where its traffic passes.",
        ),
    },
    Entry {
        id: CheckId::new(b'Q', 11),
        name: text("暗号化で確かめられない割合", "what encryption leaves unseen"),
        meaning: text(
            "暗号化のため、名前や証明書を確かめられない通信の割合です。異常ではなく、この監査の限界を示します。",
            "The share of connections whose name or certificate encryption hides: no fault, but a limit of this audit.",
        ),
        why: text(
            "暗号化された中身は確かめていません。割合が大きいほど、結果の意味は限られます。",
            "What is encrypted was not looked into; the larger the share, the less the result says.",
        ),
        models: models::ALL,
        inner: INFORMATION,
        outer: INFORMATION,
        effect: Effect::None,
        clause: NO_CLAUSE,
        threat: "",
        harmless: text("常に出ます", "it is always there"),
        ask: ask::LEDGER,
        next: text(
            "割合を前回と比べ、大きく増えていれば理由を調べる。",
            "Compare the share with the last audit; look for the reason if it grew much.",
        ),
    },
];
