//! SK-E: テナントと認証.

use super::entry::{Effect, Entry, INFORMATION, S_LOW, V_CRITICAL, V_HIGH, ask, models, text, verified};
use crate::ground::model::finding::CheckId;

pub(super) const ENTRIES: &[Entry] = &[
    Entry {
        id: CheckId::new(b'E', 1),
        name: text("認証基盤への直接接続(テナント制御Proxyの迂回)", "sign-in past the tenant-control proxy"),
        meaning: text(
            "クラウドの認証基盤へ、自団体の契約領域(テナント)だけに制限するProxyを通らずにつながりました。",
            "The sign-in service was reached without the proxy that restricts it to the own tenant.",
        ),
        why: text(
            "テナント制御のProxyを通らないと、自団体以外のテナントにもサインインできてしまいます。",
            "Past the tenant-control proxy, other organisations' tenants can be signed in to.",
        ),
        models: models::TENANT,
        inner: V_CRITICAL,
        outer: V_CRITICAL,
        effect: Effect::Violating,
        clause: verified("3-2-3(2)③"),
        threat: "①",
        harmless: text(
            "サーバのサービス用アカウント、端末登録の通信",
            "service accounts of servers, device registration",
        ),
        ask: ask::PROXY,
        next: text(
            "端末のProxy設定と除外一覧を確かめ、認証基盤が必ずProxyを通るようにする。",
            "Check the terminals' proxy settings and exceptions so that sign-in always takes the proxy.",
        ),
    },
    Entry {
        id: CheckId::new(b'E', 2),
        name: text("他団体のテナント名", "another organisation's tenant"),
        meaning: text(
            "他の団体のテナント(契約領域)の名前が、LGWAN接続系などからの通信に見えました。",
            "The name of another organisation's tenant was seen.",
        ),
        why: text(
            "他団体のテナントへは、インターネット接続系の端末から接続する決まりです。持ち出しの経路にもなります。",
            "Other tenants are to be reached from the internet segment only, and they are a way to carry data out.",
        ),
        models: models::TENANT,
        inner: V_HIGH,
        outer: V_HIGH,
        effect: Effect::Violating,
        clause: verified("3-2-3(2)③"),
        threat: "①",
        harmless: text(
            "メールのリンクから共有ファイルを開いた、保守事業者のテナント",
            "a shared file opened from a link, a vendor's support tenant",
        ),
        ask: ask::TERMINAL,
        next: text(
            "端末の利用者に相手を確認し、テナント制御が効いているかを確かめる。",
            "Ask the user for the partner, and check that tenant control works.",
        ),
    },
    Entry {
        id: CheckId::new(b'E', 4),
        name: text("個人アカウント用の認証", "sign-in with private accounts"),
        meaning: text(
            "個人アカウントで認証するための接続先への通信が見えました。",
            "The sign-in service for private accounts was reached.",
        ),
        why: text(
            "個人アカウントでのサインインは、団体のテナント制御の対象になりません。",
            "Private sign-in is beyond the organisation's tenant control.",
        ),
        models: models::BREAKOUT,
        inner: V_HIGH,
        outer: V_HIGH,
        effect: Effect::Violating,
        clause: verified("3-2-3(2)③"),
        threat: "①",
        harmless: text(
            "OSのストアやライセンス認証が自動で接続した",
            "the operating system's store or activation connects by itself",
        ),
        ask: ask::TERMINAL,
        next: text(
            "端末の設定で個人アカウントの追加を止め、テナント制御Proxyで遮断する。",
            "Forbid private accounts on the terminals and block them at the tenant-control proxy.",
        ),
    },
    Entry {
        id: CheckId::new(b'E', 5),
        name: text(
            "テナント制御の効果は通信から確認できない",
            "tenant control cannot be proven from packets",
        ),
        meaning: text(
            "テナント制御のしるし(ヘッダー)は暗号化の内側にあるため、付いているかどうかは見えません。確かめられるのは、サインインがProxyを通ったことだけです。",
            "The header that controls tenants lies inside the encryption; all that is seen is whether sign-in passed the proxy.",
        ),
        why: text("この点を「確認済み」とは書けません。", "Nothing more may be claimed about it."),
        models: models::TENANT,
        inner: INFORMATION,
        outer: INFORMATION,
        effect: Effect::None,
        clause: verified("3-2-3(2)③"),
        threat: "①",
        harmless: text("常に起こります", "this is always so"),
        ask: ask::PROXY,
        next: text(
            "Proxyの設定画面と記録で、ヘッダーの付与を別に確かめる。",
            "Check the header in the settings and logs of the proxy.",
        ),
    },
    Entry {
        id: CheckId::new(b'E', 6),
        name: text("端末登録・招待の接続先", "device registration and guest invitations"),
        meaning: text(
            "端末の登録や外部の利用者の招待に使う接続先への通信が見えました。",
            "A service for registering devices or inviting guests was reached.",
        ),
        why: text(
            "管理外の端末や外部の利用者が、団体の環境に加わる経路です。",
            "It is how unmanaged devices and outsiders join the organisation's tenant.",
        ),
        models: models::ALPHA_PRIME,
        inner: S_LOW,
        outer: S_LOW,
        effect: Effect::None,
        clause: verified("3-2-3(2)③"),
        threat: "",
        harmless: text("新しい端末の設定作業", "new terminals being set up"),
        ask: ask::TERMINAL,
        next: text(
            "設定作業の時期と台数に合うかを確かめる。",
            "Compare with the time and number of terminals being set up.",
        ),
    },
];
