//! The traps of lists in words, one row each: what, why, and what to do.

use crate::ground::model::lang::Text;

/// How bad a remark is for what is to be approved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// It cannot be used as it stands.
    Error,
    /// It can, and is weaker or wider than it looks.
    Warning,
    /// For the reader's knowledge.
    Info,
}

impl Level {
    /// The code in JSON.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Info => "info",
        }
    }

    /// For people.
    #[must_use]
    pub const fn word(self) -> Text {
        match self {
            Self::Error => Text { ja: "誤り", en: "error" },
            Self::Warning => Text { ja: "注意", en: "warning" },
            Self::Info => Text { ja: "情報", en: "info" },
        }
    }
}

/// A trap.
#[derive(Debug, PartialEq, Eq)]
pub struct Rule {
    /// `LL01`, …
    pub code: &'static str,
    /// How bad it is at its worst.
    pub level: Level,
    /// What it is.
    pub what: Text,
    /// Why it matters.
    pub why: Text,
    /// What to do.
    pub remedy: Text,
}

impl Rule {
    /// True for the trap that a policy itself may not say either (L12): a platform on which anybody can rent a host.
    #[must_use]
    pub fn is_hosting(&self) -> bool {
        *self == HOSTING
    }

    /// True for a half of which nothing is left.
    #[must_use]
    pub fn is_lost_half(&self) -> bool {
        *self == LOST_HALF
    }
}

macro_rules! rules {
    ($($name:ident, $code:literal, $level:ident,
       $what_ja:literal / $what_en:literal,
       $why_ja:literal / $why_en:literal,
       $do_ja:literal / $do_en:literal;)+) => {
        $(pub(super) static $name: Rule = Rule {
            code: $code,
            level: Level::$level,
            what: Text { ja: $what_ja, en: $what_en },
            why: Text { ja: $why_ja, en: $why_en },
            remedy: Text { ja: $do_ja, en: $do_en },
        };)+
        /// Every rule, in the order of their codes.
        #[cfg(test)]
        pub(super) static ALL: &[&Rule] = &[$(&$name),+];
    };
}

rules! {
    HOSTING, "LL01", Error,
        "誰でも借りられる基盤の名前" / "a hosting platform",
        "この下の名前は誰でも借りられ、許可すれば攻撃者の置き場にも届きます" /
        "anybody can rent a name below it, an attacker too",
        "契約しているサービスの名前をそのまま書き、この名前は except で除きます" /
        "write the names of the contracted service itself and leave this one out with except";
    ANY_TENANT, "LL02", Warning,
        "どの組織のテナントにも当てはまる名前" / "names of every tenant",
        "他の組織のテナントにもつながるため、情報を持ち出せます" /
        "another organisation's tenant lies below it: data can leave that way",
        "自組織のテナントの名前に置き換えるか、tenant = { own, foreign_pattern } とテナント制御を併用します" /
        "write the own tenant's names, or add tenant = { own, foreign_pattern } and tenant control";
    LOW_CODE, "LL03", Warning,
        "誰でもプログラムや受け口を作れるサービス(ローコード)" / "a low-code service",
        "利用者が作った受け口に、庁内の情報を自動で送れます" /
        "its users build programs and end points: data can be sent there automatically",
        "使っていなければ除き、使うなら専用の宛先に分けて承認を得ます" /
        "leave it out, or give it a destination and an approval of its own";
    THIRD_PARTY, "LL04", Warning,
        "提供者本人のものではない配信網(CDN)などの名前" / "a third party's content network",
        "同じ配信網に誰でも物を置けるため、提供者を限ったことになりません" /
        "anybody publishes on it: it does not limit traffic to the provider",
        "提供者に必要性を確かめ、不要なら除きます" / "ask the provider whether it is needed, else leave it out";
    WIDE, "LL05", Error,
        "広すぎるアドレス範囲" / "a very wide block",
        "提供者の全体や、他の利用者のサービスまで入ります" /
        "a whole provider, or other customers' services, lie in it",
        "サービスが実際に使う範囲だけにします" / "narrow it to what the service really uses";
    RESOLVER, "LL06", Error,
        "公開DNSサーバーが入る範囲" / "a public resolver lies in it",
        "庁内のDNSを避けて名前を引け(DoHなど)、DNSを使った持ち出しもできます" /
        "names can be looked up past the own resolver (DoH), and data can leave inside look-ups",
        "この範囲を except で除きます" / "leave this block out with except";
    RENTED, "LL07", Error,
        "利用者が借りるアドレスが入っています" / "addresses that customers rent",
        "そのクラウドを借りた誰のサーバーにも届きます" / "anybody's rented server is reached",
        "Googleは cloud.json を差し引き(minus)、ほかは借りられるもの(EC2、Storage、OCIなど)を選ばないようにします" /
        "for Google take cloud.json away (minus); elsewhere do not select what is rented out (EC2, Storage, OCI …)";
    STAR_INSIDE, "LL08", Warning,
        "星印が途中にある名前" / "a star in the middle of a name",
        "台帳では書けないため除きました。通信は許可されません" /
        "a policy cannot say it; it was left out and is not allowed",
        "実際の名前(自組織のテナントなど)に置き換えて書き足します" / "write the real names instead, such as the own tenant's";
    STAR_WITHOUT_DOT, "LL09", Warning,
        "星印のあとに点がない名前" / "a star without a dot",
        "別の持ち主の似た名前にも当てはまるため除きました" /
        "it would match look-alike names of other owners; it was left out",
        "実際の名前をそのまま書き足します" / "write the real names instead";
    HOST_ONLY, "LL10", Info,
        "URLのパスやポート" / "a URL with a path or port",
        "パケットで確かめられるのはホスト名だけなので、ホスト名だけを採りました。パスでは限れません" /
        "only the host can be checked on the wire, and only it was taken: the path limits nothing",
        "ホスト全体を許可してよいか確かめます" / "check that the whole host may be allowed";
    REWRITTEN, "LL11", Info,
        "標準でない書き方" / "written in an unusual way",
        "同じものを標準の書き方に直して採りました" / "the same was taken as it is properly written",
        "直す必要はありません" / "nothing needs to be done";
    TWICE, "LL12", Info,
        "重複" / "duplicates",
        "同じものが二度以上あります" / "entries stand there more than once",
        "直す必要はありません" / "nothing needs to be done";
    ONE_HALF, "LL13", Warning,
        "名前だけ、またはアドレスだけの組" / "sets with only names, or only addresses",
        "一つの宛先にまとめると、名前とアドレスの両方で判定するとき、名前だけの組の通信は違反に、アドレスだけの組の通信は判定不能になります" /
        "in one destination that matches by name and address, traffic of the former is violating and of the latter undecidable",
        "組ごとに宛先を分けます(sekisho list import は自動で分けます)" /
        "give them destinations of their own (sekisho list import does)";
    PORT_80, "LL14", Warning,
        "ポート80(暗号化なし)" / "port 80 (cleartext)",
        "失効確認(CRL・OCSP)や更新の配信では普通ですが、内容は守られません" /
        "usual for revocation lists and updates, but nothing protects the content",
        "要らなければ services を tcp/443 だけにします" / "where it is not needed, let services be tcp/443 only";
    UNREADABLE, "LL15", Warning,
        "読めない項目" / "an entry that cannot be read",
        "除きました。通信は許可されません" / "it was left out and is not allowed",
        "提供者の元の一覧と見比べ、必要なら書き足します" / "compare with the provider's own list and add it if needed";
    WHOLE, "LL16", Warning,
        "一覧を丸ごと使っています" / "the whole list is taken",
        "使っていないサービスや、利用者が借りる部分まで入ります" /
        "services that are not used, and parts that customers rent, come along",
        "select で必要なものだけを選びます" / "select what is needed";
    EVERYTHING, "LL17", Error,
        "ほぼすべての名前に当てはまる星印" / "a star for almost every name",
        "許可すればどこにでも届くため除きました" / "it would allow everything; it was left out",
        "サービスの名前を書きます" / "write the names of the service";
    NOT_PUBLIC, "LL18", Error,
        "インターネットにないアドレス" / "addresses that are not on the internet",
        "庁内や機器自身のアドレスです。提供者の一覧にあるのは、一覧が壊れているか細工されている印です" /
        "they are inside addresses; in a provider's list they are a sign of damage or tampering",
        "一覧の出所を確かめます" / "check where the list comes from";
    PORTS_DIFFER, "LL19", Info,
        "組によってポートが違います" / "sets with different ports",
        "一つの宛先にまとめると、どの組にもすべてのポートが許されます" /
        "in one destination every set is allowed all ports",
        "組ごとに宛先を分けます(sekisho list import は自動で分けます)" /
        "give them destinations of their own (sekisho list import does)";
    LOST_HALF, "LL20", Error,
        "名前、またはアドレスがすべて失われた" / "all names, or all addresses, are gone",
        "読めないか除いたために片方が残らず、残りだけで判定することになります(判定が緩くなります)" /
        "none of them can be read or is left: traffic would be held against the other half alone, which is weaker",
        "失われた側を台帳に fqdn か cidr で書き足すか、その組を選ばないようにします" /
        "write what is gone as fqdn or cidr, or do not select that set";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rules_are_numbered_without_gaps() {
        let codes: Vec<_> = ALL.iter().map(|rule| rule.code).collect();
        let expected: Vec<_> = (1..=ALL.len()).map(|number| format!("LL{number:02}")).collect();
        assert_eq!(codes, expected);
    }
}
