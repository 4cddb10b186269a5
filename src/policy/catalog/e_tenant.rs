//! SK-E: テナントと認証.

use super::entry::{Effect, Entry, V_CRITICAL, ask, models, text, verified};
use crate::ground::model::finding::CheckId;

pub(super) const ENTRIES: &[Entry] = &[Entry {
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
}];
