//! SK-I: 機器とデータリンク層.

use super::entry::{Effect, Entry, V_HIGH, ask, models, text, verified};
use crate::ground::model::finding::CheckId;

pub(super) const ENTRIES: &[Entry] = &[Entry {
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
}];
