//! SK-J: 名前解決.

use super::entry::{Effect, Entry, V_HIGH, V_MEDIUM, ask, models, recalled, text};
use crate::ground::model::finding::CheckId;

pub(super) const ENTRIES: &[Entry] = &[
    Entry {
        id: CheckId::new(b'J', 1),
        name: text("未承認の名前解決先", "a resolver that is not declared"),
        meaning: text(
            "名前解決(DNS)の問い合わせが、台帳にDNSとして書かれていない機器へ送られました。",
            "Name queries (DNS) went to a machine that the policy does not declare as a name server.",
        ),
        why: text(
            "名前解決先を変えられると、偽の相手へ誘導されます。また、名前の問い合わせで情報を持ち出せます。",
            "Another resolver can lead to false partners, and questions can carry data out.",
        ),
        models: models::ALL,
        inner: V_HIGH,
        outer: V_MEDIUM,
        effect: Effect::Violating,
        clause: recalled("2-2-3"),
        threat: "",
        harmless: text(
            "公開DNSのアドレスが組み込まれた機器、台帳に書き忘れたDNSサーバ",
            "appliances with a public resolver built in, a name server nobody wrote down",
        ),
        ask: ask::NETWORK,
        next: text(
            "正しいDNSサーバなら hosts に role=\"dns\" で書き加える。そうでなければ機器の設定を改める。",
            "If it is a proper name server, add it to hosts with role=\"dns\"; else change the machine's setting.",
        ),
    },
    Entry {
        id: CheckId::new(b'J', 2),
        name: text("系をまたぐ名前解決", "name resolution across segments"),
        meaning: text(
            "名前の問い合わせ(DNS)が、許可なく別の系や庁外へ出ました。",
            "Questions for names (DNS) left their segment without a permission.",
        ),
        why: text(
            "問い合わせの中に情報を入れて持ち出すことができ、答えで偽の相手へ誘導もできます。",
            "Questions can carry data out, and answers can lead to false partners.",
        ),
        models: models::ALL,
        inner: V_HIGH,
        outer: V_HIGH,
        effect: Effect::Violating,
        clause: recalled("2-2-3"),
        threat: "",
        harmless: text("条件付きの転送を設定した名前サーバ", "a name server with conditional forwarding"),
        ask: ask::NETWORK,
        next: text(
            "端末と名前サーバの設定を確かめ、転送が必要なら台帳に書く。",
            "Check terminals and name servers; list the forwarding if it is needed.",
        ),
    },
];
