//! SK-F: 経路と経由地.

use super::entry::{
    Effect, Entry, NO_CLAUSE, S_HIGH, S_MEDIUM, V_HIGH, V_MEDIUM, ask, models, recalled, text, verified,
};
use crate::ground::model::finding::CheckId;

pub(super) const ENTRIES: &[Entry] = &[
    Entry {
        id: CheckId::new(b'F', 1),
        name: text("セキュリティクラウドの迂回", "past the security cloud"),
        meaning: text(
            "インターネット接続系から、セキュリティクラウド(都道府県の共同の検査設備)も許可された回線も通らずに、インターネットへ通信しました。",
            "The internet segment reached the internet without the security cloud (the prefecture's shared inspection) and without a permitted line.",
        ),
        why: text(
            "セキュリティクラウドを通らない通信は、検査も監視もされません。",
            "What does not pass the security cloud is neither inspected nor monitored.",
        ),
        models: models::ALL,
        inner: V_HIGH,
        outer: V_HIGH,
        effect: Effect::Violating,
        clause: recalled("2-2-3(3)"),
        threat: "①",
        harmless: text(
            "許可済みのローカルブレイクアウトが台帳に書かれていない、記録がProxyの手前で取られている",
            "a permitted breakout that the policy does not list, a mirror before the proxy",
        ),
        ask: ask::NETWORK,
        next: text(
            "宛先と回線を確かめ、許可済みなら paths と channels に書く。",
            "Check destination and line; if it is permitted, write down path and channel.",
        ),
    },
    Entry {
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
    },
    Entry {
        id: CheckId::new(b'F', 4),
        name: text("想定外の回線での到達", "the right destination over another line"),
        meaning: text(
            "許可された宛先へ、台帳に書かれた回線とは別の回線で通信しました。",
            "A permitted destination was reached over another line than the policy's.",
        ),
        why: text(
            "検査や制限は回線ごとに置かれています。別の回線では効きません。",
            "Inspection and restrictions sit on a line; on another one they do not apply.",
        ),
        models: models::ALPHA_PRIME,
        inner: V_MEDIUM,
        outer: V_MEDIUM,
        effect: Effect::Violating,
        clause: verified("3-2-3(2)③"),
        threat: "",
        harmless: text("回線障害による切替", "a failover"),
        ask: ask::NETWORK,
        next: text(
            "切替の記録と照らし合わせ、常用なら台帳の path を直す。",
            "Compare with the failover's record; if it is usual, correct the path.",
        ),
    },
    Entry {
        id: CheckId::new(b'F', 7),
        name: text(
            "閉域のはずの宛先をインターネット側で観測",
            "a closed-line destination seen on the internet side",
        ),
        meaning: text(
            "専用線などの閉域で届くはずの宛先への通信が、インターネット側の記録に写っていました。",
            "Traffic for a destination on a closed line was seen at a sensor of the internet side.",
        ),
        why: text(
            "閉域の外を通れば、盗み見や成り済ましの対象になります。",
            "Outside the closed line it can be read and forged.",
        ),
        models: models::ALL,
        inner: S_HIGH,
        outer: S_HIGH,
        effect: Effect::None,
        clause: NO_CLAUSE,
        threat: "⑥",
        harmless: text(
            "予備の回線への切替、センサーの割当の誤り",
            "a backup line, a sensor that is bound wrongly",
        ),
        ask: ask::NETWORK,
        next: text("経路制御の設定とセンサーの割当を確かめる。", "Check routing and the sensor's binding."),
    },
    Entry {
        id: CheckId::new(b'F', 8),
        name: text("プロキシ自動設定の競合", "a stray proxy configuration"),
        meaning: text(
            "Proxyの設定を自動で探す仕組み(WPAD)が、台帳にないサーバから設定を受け取ろうとしました。",
            "A terminal looked for its proxy configuration (WPAD) at a server that is no declared proxy.",
        ),
        why: text(
            "偽の設定を渡されると、すべてのWeb閲覧を横取りされます。",
            "Whoever answers can take over all browsing.",
        ),
        models: models::ALL,
        inner: S_MEDIUM,
        outer: S_MEDIUM,
        effect: Effect::None,
        clause: NO_CLAUSE,
        threat: "⑥",
        harmless: text(
            "台帳に書かれていない設定配布サーバ",
            "a configuration server that the policy does not list",
        ),
        ask: ask::PROXY,
        next: text(
            "端末の「設定を自動的に検出する」を無効にするか、配布サーバを台帳に書く。",
            "Switch off automatic detection on the terminals, or list the server.",
        ),
    },
];
