//! SK-A: 系間通信. Traffic between segments that should not meet.

use super::entry::{
    Effect, Entry, U_MEDIUM, V_CRITICAL, V_HIGH, V_MEDIUM, ask, models, recalled, text, verified,
};
use crate::ground::model::{cause::Cause, finding::CheckId};

pub(super) const ENTRIES: &[Entry] = &[
    Entry {
        id: CheckId::new(b'A', 1),
        name: text(
            "マイナンバー利用事務系→インターネット直接通信",
            "My Number segment straight to the internet",
        ),
        meaning: text(
            "マイナンバー利用事務系(住民情報を扱う系)の機器とインターネットとの間で、直接の通信が見えました。",
            "A machine of the My Number segment (residents' data) and the internet talked to each other directly.",
        ),
        why: text(
            "マイナンバー利用事務系は、インターネットとつながらないことで住民情報の流出を防いでいます。",
            "This segment protects residents' data by having no way to the internet.",
        ),
        models: models::ALL,
        inner: V_CRITICAL,
        outer: V_CRITICAL,
        effect: Effect::Violating,
        clause: recalled("2-2-3(1)①"),
        threat: "",
        harmless: text(
            "専用線で結ぶクラウドが公開アドレスを使っている、LGWANのアドレス帯が台帳に無い、アドレス変換の外側を写している、など",
            "a closed-line cloud with public addresses, an LGWAN range missing in the policy, a mirror behind address translation",
        ),
        ask: ask::SYSTEM_OWNER,
        next: text(
            "宛先が閉域の設備なら区域(zones)に書き加える。そうでなければ送信元の機器と経路を確認し、境界の機器で止まっているかを確かめる。",
            "If the far end is on a closed line, write it down as a zone. Otherwise check the machine and the route, and see whether the boundary blocks it.",
        ),
    },
    Entry {
        id: CheckId::new(b'A', 2),
        name: text("マイナンバー利用事務系⇔インターネット接続系", "My Number segment and internet segment"),
        meaning: text(
            "マイナンバー利用事務系とインターネット接続系の機器どうしの通信が見えました。",
            "A machine of the My Number segment and one of the internet segment talked to each other.",
        ),
        why: text(
            "インターネット接続系の機器が侵害されると、この経路で住民情報に届くおそれがあります。",
            "Were a machine of the internet segment taken over, this would be its way to residents' data.",
        ),
        models: models::ALL,
        inner: V_CRITICAL,
        outer: V_CRITICAL,
        effect: Effect::Violating,
        clause: verified("2-1 6(3)"),
        threat: "",
        harmless: text(
            "機器の管理用ネットワークを共用している、ミラーの設定でVLAN(区分けの番号)が入れ替わっている、など",
            "a shared management network, VLAN numbers swapped by the mirror's settings",
        ),
        ask: ask::NETWORK,
        next: text(
            "両端の機器の設置場所とVLANを確かめ、必要な通信なら正式な手続きと中継の方法を検討する。",
            "Check where both machines stand and in which VLAN; if the traffic is needed, decide on a formal way through a relay.",
        ),
    },
    Entry {
        id: CheckId::new(b'A', 3),
        name: text(
            "マイナンバー利用事務系→LGWANの未登録宛先",
            "My Number segment to an unlisted LGWAN address",
        ),
        meaning: text(
            "マイナンバー利用事務系から、台帳に無いLGWAN(自治体の全国ネットワーク)の宛先への通信が見えました。",
            "The My Number segment reached an address in LGWAN (the municipalities' nationwide network) that the policy does not list.",
        ),
        why: text(
            "LGWANの先でも、宛先は公的なシステムに限ることになっています。限られていない宛先は、思わぬ経路になり得ます。",
            "Even in LGWAN the far end must be a listed public system; any other can become a way out.",
        ),
        models: models::ALL,
        inner: V_HIGH,
        outer: V_HIGH,
        effect: Effect::Violating,
        clause: recalled("2-2-3(1)①"),
        threat: "",
        harmless: text(
            "機器更改でJ-LISなどの宛先が変わった、災害対策拠点へ切り替わった、など",
            "a new address of a public system after its renewal, a switch to its disaster site",
        ),
        ask: ask::SYSTEM_OWNER,
        next: text(
            "宛先の通知文書を確認し、正しい宛先なら destinations と channels に書き加える。",
            "Look for the notice of the new address; if it is right, add it to destinations and channels.",
        ),
    },
    Entry {
        id: CheckId::new(b'A', 4),
        name: text(
            "マイナンバー利用事務系⇔LGWAN接続系の未登録通信",
            "unlisted traffic between My Number and LGWAN segment",
        ),
        meaning: text(
            "マイナンバー利用事務系とLGWAN接続系の間で、台帳に無い通信が見えました。",
            "The My Number segment and the LGWAN segment talked in a way that the policy does not list.",
        ),
        why: text(
            "二つの系の間は、必要な通信だけをアドレスとポートで絞って通す決まりです。",
            "Between these two segments only what is needed may pass, by address and port.",
        ),
        models: models::ALL,
        inner: V_HIGH,
        outer: V_HIGH,
        effect: Effect::Violating,
        clause: recalled("2-2-3(1)①"),
        threat: "⑤",
        harmless: text(
            "認証・時刻合わせ・ログ収集など、書き忘れられやすい共通の仕組み",
            "directory, time or log services that nobody wrote down",
        ),
        ask: ask::SYSTEM_OWNER,
        next: text(
            "何の仕組みかを特定し、必要なら範囲を絞って許可の手続きをする。不要なら境界の機器で止める。",
            "Find out which service it is; permit it narrowly if it is needed, else stop it at the boundary.",
        ),
    },
    Entry {
        id: CheckId::new(b'A', 5),
        name: text(
            "LGWAN接続系⇔インターネット接続系の直接通信",
            "LGWAN and internet segment without a relay between them",
        ),
        meaning: text(
            "LGWAN接続系とインターネット接続系の機器が、中継・無害化の装置を通らずに直接通信しました。",
            "Machines of the LGWAN and the internet segment talked directly, past the relays and sanitisers.",
        ),
        why: text(
            "無害化を通らない経路は、メールやWebからの不正なプログラムがLGWAN接続系へ入る道になります。",
            "A way past the sanitisers lets malicious programs from mail and web into the LGWAN segment.",
        ),
        models: models::ALL,
        inner: V_CRITICAL,
        outer: V_CRITICAL,
        effect: Effect::Violating,
        clause: verified("2-2-3(2)①"),
        threat: "⑤",
        harmless: text(
            "複合機・IP電話・会議室予約の表示板など、両方から使う機器がある",
            "printers, telephones or room panels that both sides use",
        ),
        ask: ask::NETWORK,
        next: text(
            "両端の機器の用途を確かめ、共用の機器なら系間中継の区域へ移すか、中継装置を通す。",
            "Find out what both machines are for; move shared gear to the boundary segment or lead it through a relay.",
        ),
    },
    Entry {
        id: CheckId::new(b'A', 6),
        name: text("外部からの開始(逆方向の接続)", "opened from outside"),
        meaning: text(
            "庁外の機器から庁内へ向けて始まった通信で、そのような許可が台帳にありません。",
            "A machine outside opened a connection to the inside, and the policy has no such channel.",
        ),
        why: text(
            "外から始まる接続は、攻撃者が最初に試す入口です。",
            "A connection opened from outside is the first thing that an attacker tries.",
        ),
        models: models::ALL,
        inner: V_CRITICAL,
        outer: V_HIGH,
        effect: Effect::Violating,
        clause: recalled("2-2-3"),
        threat: "①",
        harmless: text(
            "記録が通信の途中から始まり、どちらから始まったかを取り違えている",
            "the capture began in the middle of the connection and the direction was mistaken",
        ),
        ask: ask::NETWORK,
        next: text(
            "相手のアドレスが契約先かを確かめ、境界の機器の外から内への許可を見直す。",
            "Check whether the far end is a contractor, and review what the boundary lets in.",
        ),
    },
    Entry {
        id: CheckId::new(b'A', 7),
        name: text("保守回線からの未承認接続", "unapproved access over a maintenance line"),
        meaning: text(
            "保守事業者などの専用線から庁内へ、許可の無い(または期限の切れた、または踏み台以外への)接続がありました。",
            "Over a dedicated line, somebody reached the inside without a channel, after its expiry, or past the jump host.",
        ),
        why: text(
            "保守回線は庁外から庁内の奥へ直接届くため、期間と相手を絞らないと見えない出入口になります。",
            "A maintenance line reaches deep inside; without an end and a partner it becomes a hidden door.",
        ),
        models: models::ALL,
        inner: V_HIGH,
        outer: V_HIGH,
        effect: Effect::Violating,
        clause: verified("8.3"),
        threat: "①",
        harmless: text(
            "緊急の保守作業(この場合は accept に記録する)",
            "urgent maintenance (to be written down as an accept entry)",
        ),
        ask: ask::SYSTEM_OWNER,
        next: text(
            "作業の申請記録と照らし合わせる。作業が無ければ回線の接続を止めて事業者に確認する。",
            "Compare with the record of requested work; if there was none, close the line and ask the vendor.",
        ),
    },
    Entry {
        id: CheckId::new(b'A', 8),
        name: text("未定義の系との通信", "an end that belongs to no segment"),
        meaning: text(
            "通信の片方が、台帳のどの系・区域にも入らないアドレスでした。良いか悪いかを決められません。",
            "One end lies in no segment and no zone of the policy, so nothing can be said about the flow.",
        ),
        why: text(
            "どの系か分からない相手との通信は、許可されたものかどうかを判断できません。",
            "Nobody can say whether traffic with an end of no known segment is permitted.",
        ),
        models: models::ALL,
        inner: U_MEDIUM,
        outer: U_MEDIUM,
        effect: Effect::Undecidable(Cause::UnknownAddress),
        clause: verified("6.1"),
        threat: "",
        harmless: text(
            "新しい出先機関、来庁者用の無線、書き忘れたアドレス帯",
            "a new branch, a guest network, a range nobody wrote down",
        ),
        ask: ask::LEDGER,
        next: text(
            "そのアドレスがどこの機器かを調べ、segments か zones に書き加えてもう一度判定する。",
            "Find out where the address belongs, add it to segments or zones, and audit again.",
        ),
    },
    Entry {
        id: CheckId::new(b'A', 9),
        name: text("系をまたぐ認証・ファイル基盤", "sign-in and file services across segments"),
        meaning: text(
            "認証(AD・LDAP・Kerberos)、ファイル共有(SMB)、印刷など、庁内の共通の仕組みの通信が、許可なく別の系へ届きました。",
            "Sign-in (AD, LDAP, Kerberos), file sharing (SMB) or printing reached another segment without a permission.",
        ),
        why: text(
            "共通の認証やファイルの仕組みは、系の分離を知らないうちに橋渡しします。",
            "Shared sign-in and file services are the bridges between segments that nobody sees.",
        ),
        models: models::ALL,
        inner: V_HIGH,
        outer: V_HIGH,
        effect: Effect::Violating,
        clause: verified("2-1 6(3)"),
        threat: "⑤",
        harmless: text(
            "意図して作った認証の信頼関係、共用の複合機",
            "a trust that was made on purpose, a shared printer",
        ),
        ask: ask::SYSTEM_OWNER,
        next: text(
            "必要な仕組みなら相手とポートを絞って台帳に書く。不要なら境界の機器で止める。",
            "If it is needed, permit it by partner and port; else stop it at the boundary.",
        ),
    },
    Entry {
        id: CheckId::new(b'A', 10),
        name: text("系をまたぐ管理通信", "management traffic across segments"),
        meaning: text(
            "機器の管理や監視(SNMP・SSH・Telnet・更新配信・資産管理)の通信が、許可なく別の系へ届きました。",
            "Management or monitoring (SNMP, SSH, Telnet, update distribution, inventory) reached another segment without a permission.",
        ),
        why: text(
            "管理の通信が通る経路は、機器を操作できる経路です。",
            "A way for management is a way to operate the machines.",
        ),
        models: models::ALL,
        inner: V_MEDIUM,
        outer: V_MEDIUM,
        effect: Effect::Violating,
        clause: verified("6.1"),
        threat: "⑤",
        harmless: text(
            "設計どおりの監視サーバが台帳に書かれていない",
            "a monitoring server by design that the policy does not list",
        ),
        ask: ask::NETWORK,
        next: text(
            "監視・管理のサーバを hosts に書き、許可を相手とポートで絞る。",
            "List the management servers under hosts and permit them by partner and port.",
        ),
    },
];
