//! SK-I: 機器とデータリンク層.

use super::entry::{Effect, Entry, S_CRITICAL, V_HIGH, ask, models, recalled, text, verified};
use crate::ground::model::finding::CheckId;

pub(super) const ENTRIES: &[Entry] = &[
    Entry {
        id: CheckId::new(b'I', 1),
        name: text("二重接続端末の疑い", "a host in two segments"),
        meaning: text(
            "同じ機器の番号(MACアドレス)または同じ機器名が、二つの系に現れました。",
            "The same link address or the same host name appeared in two segments.",
        ),
        why: text(
            "二つの系につながる機器は、系の分離を一台で無効にします。",
            "One machine with a leg in each segment undoes their separation.",
        ),
        models: models::ALL,
        inner: S_CRITICAL,
        outer: S_CRITICAL,
        effect: Effect::None,
        clause: recalled("2-2-3"),
        threat: "⑤",
        harmless: text(
            "付け替えるドッキングステーション、仮想機のひな形、同じ名前を付けた別の機器",
            "a docking station that moves, a template of virtual machines, two machines of one name",
        ),
        ask: ask::NETWORK,
        next: text(
            "両方のアドレスの機器を現物で確かめ、線が一本だけかを見る。意図した多重接続なら hosts の homes に書く。",
            "Look at both machines and their cables; if it is meant, write homes into hosts.",
        ),
    },
    Entry {
        id: CheckId::new(b'I', 9),
        name: text("IPv6による迂回", "IPv6 where it is not permitted"),
        meaning: text(
            "IPv6(新しい方式のアドレス)を使わない決まりの系で、IPv6の通信が見えました。IPv4の制限を素通りする恐れがあります。",
            "IPv6 was seen where the policy does not permit it; it may pass by rules written for IPv4.",
        ),
        why: text(
            "IPv6の経路は、IPv4だけを前提にした制限をすり抜けます。",
            "IPv6 evades restrictions that were made for IPv4 alone.",
        ),
        models: models::ALL,
        inner: V_HIGH,
        outer: V_HIGH,
        effect: Effect::Violating,
        clause: verified("6.1"),
        threat: "",
        harmless: text(
            "両方式の利用が承認済み、端末どうしの近隣確認(これは数えません)",
            "approved use of both, neighbour discovery on the link (not counted here)",
        ),
        ask: ask::NETWORK,
        next: text(
            "端末と回線のIPv6を止めるか、使うなら系ごとに ipv6=\"allow\" とアドレスを台帳に書く。",
            "Switch IPv6 off on terminals and lines, or allow it per segment and list its addresses.",
        ),
    },
];
