//! SK-F: 経路と経由地.

use super::entry::{Effect, Entry, V_HIGH, ask, models, recalled, text};
use crate::ground::model::finding::CheckId;

pub(super) const ENTRIES: &[Entry] = &[Entry {
    id: CheckId::new(b'F', 2),
    name: text("経由地(Proxy)の迂回", "the waypoint was bypassed"),
    meaning: text(
        "台帳では決まった中継(Proxyなど)を通るはずの通信が、直接宛先へ向かいました。",
        "Traffic that should go through a waypoint of the policy went to its destination directly.",
    ),
    why: text(
        "経由地は検査と記録のために置かれています。通らない通信は検査も記録もされません。",
        "The waypoint is there to inspect and to record; what passes it by is neither.",
    ),
    models: models::ALL,
    inner: V_HIGH,
    outer: V_HIGH,
    effect: Effect::Violating,
    clause: recalled("2-2-3(3)"),
    threat: "",
    harmless: text(
        "Proxy自動設定の不調、OSの部品がProxyを使わない",
        "automatic proxy settings failed, a part of the operating system ignores the proxy",
    ),
    ask: ask::PROXY,
    next: text(
        "端末のProxy設定を確かめ、直接の経路は境界の機器で止める。",
        "Check the terminal's proxy settings and close the direct way at the boundary.",
    ),
}];
