//! SK-B: 接続先制限. What may be reached outside, and what was.

use super::entry::{
    Effect, Entry, S_MEDIUM, U_MEDIUM, V_CRITICAL, V_HIGH, V_LOW, V_MEDIUM, ask, models, recalled, text,
    verified,
};
use crate::ground::model::{cause::Cause, finding::CheckId};

pub(super) const ENTRIES: &[Entry] = &[
    Entry {
        id: CheckId::new(b'B', 1),
        name: text("LBOに無い宛先への接続", "a destination outside the local-breakout list"),
        meaning: text(
            "LGWAN接続系から、ローカルブレイクアウト(特定のクラウドへ直接つなぐ経路)の許可一覧に無い宛先へつながりました。",
            "The LGWAN segment reached a destination that is not on the list for local breakout.",
        ),
        why: text(
            "接続先を絞ることが、LGWAN接続系からクラウドを使うときの条件です。",
            "Restricting the destinations is the condition for reaching clouds from the LGWAN segment.",
        ),
        models: models::ALPHA_PRIME,
        inner: V_CRITICAL,
        outer: V_CRITICAL,
        effect: Effect::Violating,
        clause: verified("3-2-3(2)③"),
        threat: "①②",
        harmless: text(
            "クラウド事業者が名前やアドレスを増やし、許可一覧が古くなっている",
            "the cloud provider added names or addresses and the list is out of date",
        ),
        ask: ask::LEDGER,
        next: text(
            "事業者が公開する最新の一覧と照らし合わせ、そのサービスの一部なら台帳を更新する。違えば経路を止める。",
            "Compare with the provider's current list; update the policy if it is part of the service, else block it.",
        ),
    },
    Entry {
        id: CheckId::new(b'B', 2),
        name: text(
            "LGWAN接続系からのインターネット試行(応答なし)",
            "LGWAN segment tried the internet, unanswered",
        ),
        meaning: text(
            "LGWAN接続系の機器がインターネットへつなごうとしましたが、応答は見えていません。遮断が働いている可能性があります。",
            "A machine of the LGWAN segment tried to reach the internet; no answer was seen. The block may be working.",
        ),
        why: text(
            "応答が無いので、遮断が働いている証拠になります。送信元に不要な設定が残っていることも示します。",
            "No answer came, so the block seems to work; it also shows a needless setting on the machine.",
        ),
        models: models::ALL,
        inner: V_LOW,
        outer: V_LOW,
        effect: Effect::Violating,
        clause: verified("3-2-3(2)③"),
        threat: "",
        harmless: text(
            "OSの接続確認や更新確認など、端末が自動で行う問い合わせ",
            "connectivity and update checks that operating systems make by themselves",
        ),
        ask: ask::TERMINAL,
        next: text(
            "件数の多い端末から、自動の問い合わせを止める設定を検討する。",
            "For the machines with most attempts, consider switching off the automatic checks.",
        ),
    },
    Entry {
        id: CheckId::new(b'B', 3),
        name: text("LGWAN接続系→インターネットの通信", "LGWAN segment reached the internet"),
        meaning: text(
            "LGWAN接続系からインターネットへの通信が成立しました。台帳のモデルではこの経路は許可されていません。",
            "A connection from the LGWAN segment to the internet was established; the declared model does not allow it.",
        ),
        why: text(
            "このモデルでは、LGWAN接続系からインターネットへ直接出ることはできません。",
            "In this model the LGWAN segment has no direct way to the internet.",
        ),
        models: models::NO_BREAKOUT,
        inner: V_CRITICAL,
        outer: V_CRITICAL,
        effect: Effect::Violating,
        clause: verified("2-2-3(2)①"),
        threat: "①",
        harmless: text(
            "α'モデルへの変更が承認済みで、台帳だけが古い",
            "the alpha-prime model is already approved and only the policy is old",
        ),
        ask: ask::NETWORK,
        next: text(
            "どの装置を通って外へ出たかを確かめ、許可の設定が残っていれば止める。",
            "Find the device it went out through and close what is still open there.",
        ),
    },
    Entry {
        id: CheckId::new(b'B', 4),
        name: text("LGWAN-ASPの未契約サービス", "an LGWAN-ASP service without a contract"),
        meaning: text(
            "LGWANの中のサービスのうち、台帳に無い宛先への通信が見えました。",
            "A service inside LGWAN was reached that the policy does not list.",
        ),
        why: text(
            "LGWAN-ASPは契約したサービスごとに許可するもので、末尾の名前だけで全部を許可するものではありません。",
            "LGWAN-ASP services are permitted one by one, not all names of the domain together.",
        ),
        models: models::ALL,
        inner: V_MEDIUM,
        outer: V_MEDIUM,
        effect: Effect::Violating,
        clause: verified("3-2-3(2)②"),
        threat: "",
        harmless: text(
            "ポータルのリンク先、証明書の失効確認",
            "links of a portal page, checks of revoked certificates",
        ),
        ask: ask::LEDGER,
        next: text(
            "契約の有無を確かめ、契約済みなら宛先を1件ずつ台帳に書き加える。",
            "Check for a contract; if there is one, list the destination by itself.",
        ),
    },
    Entry {
        id: CheckId::new(b'B', 5),
        name: text("名前は許可・宛先アドレスが範囲外", "listed name, address outside its ranges"),
        meaning: text(
            "接続先の名前は台帳にありますが、実際の宛先アドレスが台帳の範囲に入っていません。名前は送信元の自己申告です。",
            "The name is listed but the address is not in its ranges. A name is only what the client claims.",
        ),
        // It speaks only where RULES 9 makes the flow violating: a suspicion would leave that flow without a violation.
        why: text(
            "名前は送信側が名乗るだけのものです。アドレスが違えば、別の相手に届いている可能性があります。",
            "The name is only what the client says; another address may mean another partner.",
        ),
        models: models::BREAKOUT,
        inner: V_HIGH,
        outer: V_HIGH,
        effect: Effect::Violating,
        clause: verified("3-2-3(2)③"),
        threat: "",
        harmless: text(
            "配信網(CDN)やIPv6の追加で、事業者の一覧より実際のアドレスが広い",
            "a content network or new IPv6 ranges that the provider's list does not show yet",
        ),
        ask: ask::LEDGER,
        next: text(
            "宛先アドレスの持ち主を調べ、事業者の公式な範囲なら台帳を更新する。違えば端末を調べる。",
            "Find out who owns the address; update the policy if the provider says so, else examine the terminal.",
        ),
    },
    Entry {
        id: CheckId::new(b'B', 6),
        name: text("アドレスだけが一致(名前不明)", "matched by address only"),
        meaning: text(
            "名前とアドレスの両方を確かめる許可ですが、名前が見えず、アドレスの一致しか言えません。",
            "The channel asks for name and address, but no name was seen; only the address fits.",
        ),
        why: text(
            "大きなクラウドのアドレスは誰でも借りられます。アドレスだけでは相手が分かりません。",
            "Anybody can rent addresses in a large cloud; the address alone does not tell who answers.",
        ),
        models: models::BREAKOUT,
        inner: U_MEDIUM,
        outer: U_MEDIUM,
        effect: Effect::Undecidable(Cause::NoSni),
        clause: verified("3-2-3(2)③"),
        threat: "",
        harmless: text(
            "音声・映像のように名前を持たない通信(match=\"address\" の宛先に分ける)",
            "voice and video, which carry no name (give them a destination with match=\"address\")",
        ),
        ask: ask::LEDGER,
        next: text(
            "名前の無い通信が正しい使い方なら、その宛先を分けて match=\"address\" とする。",
            "If this service has no names by design, split it off with match=\"address\".",
        ),
    },
    Entry {
        id: CheckId::new(b'B', 7),
        name: text(
            "基盤クラウド(ホスティング)への直接通信",
            "a hosting platform instead of a listed service",
        ),
        meaning: text(
            "誰でも借りられるクラウド基盤の名前への通信で、台帳のサービスとして書かれていません。",
            "A name on a platform that anybody can rent was reached, and the policy does not list it as a service.",
        ),
        why: text(
            "基盤クラウドの上では誰でもサービスを作れます。登録された個々のサービスとは別のものです。",
            "Anybody can build a service on a hosting platform; it is not the listed service itself.",
        ),
        models: models::BREAKOUT,
        inner: V_HIGH,
        outer: V_MEDIUM,
        effect: Effect::Violating,
        clause: verified("3-2-3(2)③"),
        threat: "",
        harmless: text(
            "業務システムの事業者がその基盤の上で動かしている(個別の名前で許可する)",
            "a vendor runs its system on that platform (permit it by its own name)",
        ),
        ask: ask::SYSTEM_OWNER,
        next: text(
            "どのサービスの一部かを事業者に確かめ、必要なら個別の名前とアドレスで台帳に書く。",
            "Ask the vendor which service it belongs to; if needed, list it by its own name and address.",
        ),
    },
    Entry {
        id: CheckId::new(b'B', 8),
        name: text("ローコード基盤の利用", "a low-code platform in use"),
        meaning: text(
            "利用者が自分で業務アプリを作れる基盤(ローコード)への通信が見えました。台帳ではこの種別の宛先として承認されていません。",
            "A platform on which users build their own applications (low-code) was reached, and no destination of that kind is approved for it.",
        ),
        why: text(
            "事業者の一覧をまとめて取り込むと、個別の検討が必要なこの基盤まで許可されてしまいます。",
            "Importing a vendor's whole list permits these platforms too, although each needs a decision of its own.",
        ),
        models: models::BREAKOUT,
        inner: V_MEDIUM,
        outer: V_MEDIUM,
        effect: Effect::Violating,
        clause: verified("3-2-3(2)③"),
        threat: "",
        harmless: text(
            "許可したポータルの画面に部品として埋め込まれている",
            "a widget inside a permitted portal",
        ),
        ask: ask::LEDGER,
        next: text(
            "使うなら kind = \"cloud_lowcode\" の宛先として個別に承認を得る。使わないなら取り込んだ一覧から外す。",
            "If it is used, have it approved as a destination of kind cloud_lowcode; else leave it out of the imported list.",
        ),
    },
    Entry {
        id: CheckId::new(b'B', 9),
        name: text("ポート違い", "listed destination, unlisted port"),
        meaning: text(
            "宛先は台帳にありますが、許可されていないポート番号(サービスの種類)が使われました。",
            "The destination is listed, but another port was used than the permitted ones.",
        ),
        why: text(
            "許可はアドレスとポートの組で行うものです。違うポートでは別のサービスが動いている可能性があります。",
            "A permission is for an address and a port; another port may be another service.",
        ),
        models: models::ALPHA_PRIME,
        inner: V_MEDIUM,
        outer: V_MEDIUM,
        effect: Effect::Violating,
        clause: recalled("2-2-3(1)①"),
        threat: "",
        harmless: text(
            "事業者がQUIC(UDP 443番)などの新しい方式を加えた",
            "the provider added a new protocol such as QUIC (udp/443)",
        ),
        ask: ask::LEDGER,
        next: text(
            "事業者の案内を確かめ、必要なポートなら services に書き加える。",
            "Look at the provider's notes; add the port to services if it is needed.",
        ),
    },
    Entry {
        id: CheckId::new(b'B', 12),
        name: text("個人向けサービスの利用", "services for private persons"),
        meaning: text(
            "個人向けのクラウド(個人用の保存場所やメール)への通信が見えました。",
            "A cloud for private persons (personal storage or mail) was reached.",
        ),
        why: text(
            "個人の契約には、団体の管理も記録も及びません。",
            "Over a private account the organisation has neither control nor records.",
        ),
        models: models::BREAKOUT,
        inner: V_HIGH,
        outer: V_MEDIUM,
        effect: Effect::Violating,
        clause: verified("3-2-3(2)③"),
        threat: "",
        harmless: text(
            "事業者の一覧に含まれる「任意」の名前を取り込んだ、OSの部品が自動で接続した",
            "optional names of a vendor's list were imported, a part of the operating system connects by itself",
        ),
        ask: ask::TERMINAL,
        next: text(
            "端末の利用者に確認し、不要なら端末の設定で止める。取り込んだ一覧からも外す。",
            "Ask the user, switch it off on the terminal, and leave it out of the imported list.",
        ),
    },
    Entry {
        id: CheckId::new(b'B', 14),
        name: text("アドレス直打ちの通信", "a bare address instead of a name"),
        meaning: text(
            "名前ではなくアドレスを直接指定して、インターネットのサーバと通信しました。",
            "A server on the internet was asked for by its bare address, not by a name.",
        ),
        why: text(
            "不正なプログラムは、名前を使わずにアドレスで指示を受けることがあります。",
            "Malicious programs often take their orders from a bare address.",
        ),
        models: models::ALL,
        inner: S_MEDIUM,
        outer: S_MEDIUM,
        effect: Effect::None,
        clause: verified("6.5"),
        threat: "",
        harmless: text(
            "事業者の機器が初期設定のアドレスへ接続した",
            "a vendor's device with a built-in address",
        ),
        ask: ask::TERMINAL,
        next: text(
            "送信元の機器と、動いているソフトウェアを確かめる。",
            "Check the machine and the software that runs there.",
        ),
    },
];
