//! SK-C: 名前と証明書. What the names say, and whether they agree.

use super::entry::{
    Effect, Entry, INFORMATION, S_HIGH, S_MEDIUM, U_HIGH, U_LOW, U_MEDIUM, V_HIGH, ask, models, text,
    verified,
};
use crate::ground::model::{cause::Cause, finding::CheckId};

pub(super) const ENTRIES: &[Entry] = &[
    Entry {
        id: CheckId::new(b'C', 1),
        name: text("接続先の名前が無い暗号通信", "encrypted traffic without a server name"),
        meaning: text(
            "暗号化された通信(TLSまたはQUIC)が接続先の名前(SNI)を送らず、台帳の名前と比べられません。",
            "An encrypted connection (TLS or QUIC) sent no server name, so it cannot be compared with the listed names.",
        ),
        why: text(
            "名前が無いと、許可した相手かどうかを確かめられません。",
            "Without a name nobody can check whether the partner is a permitted one.",
        ),
        models: models::ALL,
        inner: U_HIGH,
        outer: U_MEDIUM,
        effect: Effect::Undecidable(Cause::NoSni),
        clause: verified("2-2-3(2)①"),
        threat: "",
        harmless: text(
            "古い端末、アドレスで直接つなぐ機器、VPN",
            "old clients, appliances that use an address, a VPN",
        ),
        ask: ask::TERMINAL,
        next: text(
            "どのソフトの通信かを調べる。名前を送れない機器なら宛先を match=\"address\" で分ける。",
            "Find the program; if it cannot send a name, give it a destination with match=\"address\".",
        ),
    },
    Entry {
        id: CheckId::new(b'C', 2),
        name: text("ECH(名前の暗号化)の使用", "encrypted server name (ECH) in use"),
        meaning: text(
            "接続先の名前を隠す方式(ECH)が実際に使われた跡があり、見えている名前は本当の宛先と限りません。",
            "There are signs that the server name was really encrypted (ECH); the visible one may be a cover.",
        ),
        why: text(
            "名前が暗号化されると、見えている名前は本当の接続先ではない可能性があります。",
            "With an encrypted name the one that is seen may not be the real one.",
        ),
        models: models::ALL,
        inner: U_HIGH,
        outer: U_LOW,
        effect: Effect::Undecidable(Cause::EchOuterOnly),
        clause: verified("2-2-3(2)①"),
        threat: "",
        harmless: text(
            "ブラウザの標準設定(見せかけのECHだけなら、この所見は出ません)",
            "a browser's default (imitated ECH alone does not raise this finding)",
        ),
        ask: ask::TERMINAL,
        next: text(
            "端末のブラウザ設定(グループポリシー)でECHを止める。",
            "Switch ECH off in the browsers by policy.",
        ),
    },
    Entry {
        id: CheckId::new(b'C', 3),
        name: text("名前どうしの食い違い", "names that disagree"),
        meaning: text(
            "1つの通信の中で見えた名前(SNI、Host、名前解決の結果、証明書)が互いに食い違っています。",
            "The names seen for one connection (SNI, Host, DNS, certificate) do not agree with each other.",
        ),
        why: text(
            "同じ通信の中の名前が食い違うときは、どれかが本当の接続先ではありません。",
            "Where names of one connection differ, one of them is not the real destination.",
        ),
        models: models::ALL,
        inner: S_HIGH,
        outer: S_HIGH,
        effect: Effect::Undecidable(Cause::NameMismatch),
        clause: verified("2-2-3(2)①"),
        threat: "②",
        harmless: text(
            "配信網(CDN)の共用、証明書に複数の名前がある、通信を検査するProxy",
            "a shared content network, certificates with many names, an inspecting proxy",
        ),
        ask: ask::TERMINAL,
        next: text(
            "どの名前が本当の宛先かを調べる。検査用Proxyによるものなら台帳に記す。",
            "Find out which name is the real destination; if an inspecting proxy causes it, write that down.",
        ),
    },
    Entry {
        id: CheckId::new(b'C', 4),
        name: text(
            "CONNECT先とトンネル内の名前の不一致",
            "CONNECT target and the name inside the tunnel differ",
        ),
        meaning: text(
            "Proxyに頼んだ接続先と、その中で始まった暗号通信の名前が違います。",
            "The target asked of the proxy and the server name inside the tunnel are different.",
        ),
        why: text(
            "Proxyに伝えた宛先と中の名前が違うと、Proxyの接続先制限をすり抜けている可能性があります。",
            "If the name inside differs from what the proxy was told, the proxy's restriction may be evaded.",
        ),
        models: models::ALL,
        inner: V_HIGH,
        outer: V_HIGH,
        effect: Effect::Violating,
        clause: verified("2-2-3(2)①"),
        threat: "",
        harmless: text(
            "Proxy自動設定の癖、同じ配信網の別名",
            "quirks of automatic proxy settings, another name of the same content network",
        ),
        ask: ask::PROXY,
        next: text(
            "端末で動いているソフトを調べ、Proxyの記録と照らし合わせる。",
            "Find the program on the terminal and compare with the proxy's log.",
        ),
    },
    Entry {
        id: CheckId::new(b'C', 5),
        name: text("証明書の発行者が想定外", "a certificate of an unexpected issuer"),
        meaning: text(
            "接続先が示した証明書の発行者が、台帳に書かれた発行者と違います。",
            "The destination showed a certificate whose issuer is not the one in the policy.",
        ),
        why: text(
            "証明書は接続先が本物かどうかの証拠です。発行者が違えば、途中に別の相手がいる可能性があります。",
            "The certificate proves whom one talks to; another issuer may mean somebody in between.",
        ),
        models: models::ALPHA_PRIME,
        inner: S_HIGH,
        outer: S_HIGH,
        effect: Effect::None,
        clause: verified("3-2-3(2)③"),
        threat: "①⑥",
        harmless: text(
            "検査装置(Proxy)の証明書、LGPKI、事業者による発行者の変更",
            "an inspecting proxy, LGPKI, a vendor that changed its issuer",
        ),
        ask: ask::PROXY,
        next: text(
            "検査装置の証明書なら cert_issuers に書き加える。違えば端末側で証明書を確かめる。",
            "If it is the inspecting proxy's, add it to cert_issuers; else look at the certificate on a terminal.",
        ),
    },
    Entry {
        id: CheckId::new(b'C', 6),
        name: text("証明書の名前が想定外", "a certificate with an unexpected name"),
        meaning: text(
            "接続先が示した証明書の名前が、台帳に書かれた名前と合いません。",
            "The destination showed a certificate whose names do not fit those of the policy.",
        ),
        why: text(
            "名前の合わない証明書では、接続先が本物かどうかを確かめられません。",
            "With another name in its certificate the destination is not shown to be the real one.",
        ),
        models: models::ALL,
        inner: S_MEDIUM,
        outer: S_MEDIUM,
        effect: Effect::None,
        clause: verified("3-2-3(2)③"),
        threat: "⑥",
        harmless: text(
            "庁内機器の初期の証明書、事業者による名前の変更",
            "the factory certificate of an inner machine, a vendor's new name",
        ),
        ask: ask::SYSTEM_OWNER,
        next: text(
            "接続先の証明書を端末で確かめ、正しければ cert_names を更新する。",
            "Look at the certificate on a terminal; if it is right, update cert_names.",
        ),
    },
    Entry {
        id: CheckId::new(b'C', 7),
        name: text("証明書が見えない割合", "certificates that cannot be seen"),
        meaning: text(
            "新しい暗号方式(TLS 1.3)では証明書も暗号化されるため、接続先の証明書を通信の写しから確かめられません。その割合です。",
            "In TLS 1.3 the certificate itself is encrypted, so it cannot be checked from packets; this is the share.",
        ),
        why: text(
            "「証明書による認証」は、この割合については通信から証明できません。",
            "For this share, authentication by certificate cannot be proven from packets.",
        ),
        models: models::ALPHA_PRIME,
        inner: INFORMATION,
        outer: INFORMATION,
        effect: Effect::None,
        clause: verified("3-2-3(2)③"),
        threat: "⑥",
        harmless: text("常に起こります", "this is always so"),
        ask: ask::LEDGER,
        next: text(
            "端末やProxyの設定で証明書の検証が有効なことを、別に確かめる。",
            "Check on terminals and proxy that certificates are verified.",
        ),
    },
];
