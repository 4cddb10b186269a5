//! SK-H: トンネルと迂回.

use super::entry::{
    Effect, Entry, INFORMATION, NO_CLAUSE, S_HIGH, S_MEDIUM, V_HIGH, V_MEDIUM, ask, models, recalled, text,
    verified,
};
use crate::ground::model::finding::CheckId;

pub(super) const ENTRIES: &[Entry] = &[
    Entry {
        id: CheckId::new(b'H', 1),
        name: text("VPN・トンネル", "VPNs and tunnels"),
        meaning: text(
            "別の通信を包んで運ぶ方式(VPN・トンネル)が、許可なく系の境界を越えました。",
            "A VPN or tunnel, which carries other traffic inside, crossed a boundary without a permission.",
        ),
        why: text(
            "包まれた中身は検査できず、どこへ届くかも見えません。",
            "What is inside can neither be inspected nor followed.",
        ),
        models: models::ALL,
        inner: V_HIGH,
        outer: V_MEDIUM,
        effect: Effect::Violating,
        clause: NO_CLAUSE,
        threat: "①",
        harmless: text("拠点間のVPN(設計どおりなら台帳に書く)", "a branch VPN by design, to be listed"),
        ask: ask::NETWORK,
        next: text(
            "両端の機器と目的を確かめ、設計どおりなら台帳に書く。",
            "Check both ends and the purpose; list it if it is by design.",
        ),
    },
    Entry {
        id: CheckId::new(b'H', 2),
        name: text("SoftEther系のVPN", "a VPN of the SoftEther family"),
        meaning: text(
            "SoftEther系のVPNの中継先への通信が見えました。",
            "A relay of the SoftEther family of VPNs was reached.",
        ),
        why: text(
            "HTTPSに見せかけて庁内へ入る経路を、利用者が作れてしまいます。",
            "It lets a user open a way in that looks like HTTPS.",
        ),
        models: models::ALL,
        inner: V_HIGH,
        outer: V_HIGH,
        effect: Effect::Violating,
        clause: NO_CLAUSE,
        threat: "①",
        harmless: text(
            "承認された自治体テレワークシステム(台帳に書く)",
            "the approved telework system for municipalities, to be listed",
        ),
        ask: ask::TERMINAL,
        next: text(
            "端末の利用者に確認し、承認された仕組みなら台帳に書く。",
            "Ask the user; list it if it is the approved system.",
        ),
    },
    Entry {
        id: CheckId::new(b'H', 3),
        name: text("遠隔支援サービス", "remote support services"),
        meaning: text(
            "画面を遠隔で操作するサービス(遠隔支援)への通信が見えました。",
            "A service that lets others operate the screen (remote support) was reached.",
        ),
        why: text(
            "外部の人が庁内の端末を操作できるようになります。",
            "It lets people outside operate a terminal inside.",
        ),
        models: models::ALL,
        inner: V_HIGH,
        outer: V_HIGH,
        effect: Effect::Violating,
        clause: recalled("8.1"),
        threat: "①",
        harmless: text("保守事業者による支援(許可が必要)", "support by a vendor, which needs a permission"),
        ask: ask::TERMINAL,
        next: text(
            "誰がいつ使ったかを確かめ、必要なら期限付きの許可にする。",
            "Find out who used it and when; permit it for a time if it is needed.",
        ),
    },
    Entry {
        id: CheckId::new(b'H', 4),
        name: text("暗号化された名前解決(DoH・DoT)", "encrypted name resolution (DoH, DoT)"),
        meaning: text(
            "名前解決を暗号化して外部へ問い合わせる方式(DoH・DoT)が見えました。",
            "Names were resolved outside over an encrypted way (DoH or DoT).",
        ),
        why: text(
            "名前の問い合わせが見えなくなり、接続先制限や記録をすり抜けます。",
            "It hides the questions and evades restrictions and records.",
        ),
        models: models::ALL,
        inner: S_HIGH,
        outer: S_HIGH,
        effect: Effect::None,
        clause: NO_CLAUSE,
        threat: "",
        harmless: text("ブラウザーの初期設定", "a browser's default"),
        ask: ask::TERMINAL,
        next: text(
            "端末の設定で無効にし、境界で遮断する。",
            "Switch it off on the terminals and block it at the boundary.",
        ),
    },
    Entry {
        id: CheckId::new(b'H', 5),
        name: text("IPv6移行用のトンネル", "tunnels for the change to IPv6"),
        meaning: text(
            "IPv6をIPv4で包む方式(Teredo・6to4など)が見えました。",
            "IPv6 wrapped in IPv4 (Teredo, 6to4 and the like) was seen.",
        ),
        why: text(
            "IPv4だけを前提にした制限を通り抜けます。",
            "It passes restrictions that were made for IPv4.",
        ),
        models: models::ALL,
        inner: V_MEDIUM,
        outer: V_MEDIUM,
        effect: Effect::Violating,
        clause: verified("6.1"),
        threat: "",
        harmless: text(
            "古いWindowsの初期設定、更新の配信の機能",
            "old Windows defaults, delivery of updates",
        ),
        ask: ask::TERMINAL,
        next: text("端末の設定でTeredoなどを無効にする。", "Disable Teredo and the like on the terminals."),
    },
    Entry {
        id: CheckId::new(b'H', 8),
        name: text("443番でTLSでない通信、443番以外のTLS", "other protocols on port 443, TLS on others"),
        meaning: text(
            "暗号通信(TLS)のための番号で別の方式が、または別の番号でTLSが使われていました。",
            "Another protocol was used on the port of TLS, or TLS on the port of something else.",
        ),
        why: text(
            "番号だけで通す制限をすり抜ける、よくあるやり方です。",
            "It is a usual way around restrictions by port.",
        ),
        models: models::ALL,
        inner: S_MEDIUM,
        outer: S_MEDIUM,
        effect: Effect::None,
        clause: NO_CLAUSE,
        threat: "",
        harmless: text("専用機器の独自の方式", "an appliance's own protocol"),
        ask: ask::SYSTEM_OWNER,
        next: text(
            "機器の仕様を確かめ、正しければ許可に app を書く。",
            "Check the machine's documents; if it is right, write app into the channel.",
        ),
    },
    Entry {
        id: CheckId::new(b'H', 9),
        name: text("QUICの利用", "QUIC in use"),
        meaning: text(
            "UDPの443番で暗号通信(QUIC)が使われています。",
            "Encrypted traffic over UDP port 443 (QUIC) is in use.",
        ),
        why: text(
            "TCPだけを検査する装置は、QUICを検査しません。",
            "A device that inspects TCP alone does not inspect QUIC.",
        ),
        models: models::BREAKOUT,
        inner: INFORMATION,
        outer: INFORMATION,
        effect: Effect::None,
        clause: NO_CLAUSE,
        threat: "",
        harmless: text("大手のクラウドでは普通に使われます", "large clouds use it as a matter of course"),
        ask: ask::PROXY,
        next: text(
            "検査が必要な宛先なら、QUICを止めてTCPに戻す。",
            "Where inspection is needed, block QUIC so that TCP is used.",
        ),
    },
    Entry {
        id: CheckId::new(b'H', 10),
        name: text("Proxyへの443番以外の接続要求", "requests to a proxy for other ports"),
        meaning: text(
            "Proxyに対して、443番以外への接続(CONNECT)が求められ、台帳にはその許可がありません。",
            "A proxy was asked (CONNECT) for a port other than 443, which the policy does not permit.",
        ),
        why: text(
            "Proxyを通して任意の通信を外へ出せてしまいます。",
            "It takes any traffic out through the proxy.",
        ),
        models: models::ALL,
        inner: V_HIGH,
        outer: V_HIGH,
        effect: Effect::Violating,
        clause: NO_CLAUSE,
        threat: "",
        harmless: text("特定の業務システムが独自の番号を使う", "a system that uses a port of its own"),
        ask: ask::PROXY,
        next: text(
            "Proxyの設定で443番以外を止め、必要な相手だけ許可する。",
            "Let the proxy refuse other ports but for listed partners.",
        ),
    },
    Entry {
        id: CheckId::new(b'H', 11),
        name: text("ファイル交換(P2P)", "peer-to-peer exchange"),
        meaning: text(
            "端末どうしでファイルを交換する方式(BitTorrentなど)が、許可なく系の境界を越えました。",
            "Peer-to-peer exchange (BitTorrent and the like) crossed a boundary without a permission.",
        ),
        why: text(
            "相手を選べず、何が送られたかも分かりません。",
            "Partners cannot be chosen, and what was sent is unknown.",
        ),
        models: models::ALL,
        inner: V_MEDIUM,
        outer: V_MEDIUM,
        effect: Effect::Violating,
        clause: verified("6.1"),
        threat: "",
        harmless: text(
            "更新の配信を端末どうしで分け合う機能(同じ系の中なら問題ありません)",
            "terminals that share updates, harmless inside one segment",
        ),
        ask: ask::TERMINAL,
        next: text(
            "端末の利用者に確認する。更新の配信なら、系の中だけに設定する。",
            "Ask the user; restrict shared updates to the segment.",
        ),
    },
];
