//! Why something that was seen is not proposed, and who can say more.

use std::sync::Arc;

use crate::{
    ground::model::{finding::CheckId, lang::Lang, limits},
    policy::language::Words,
};

/// Why flows are not proposed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reason {
    /// This prohibition covers them.
    Forbid(Arc<str>),
    /// The language refuses the channel: code, and what is wrong in Japanese and English.
    Rule(&'static str, String, String),
    /// These checks convict them whatever channel there is.
    Checks(Vec<CheckId>),
    /// They have a channel, which is out of its period.
    Expired(Arc<str>),
    /// They have a channel, of which a condition is broken or was not seen.
    Condition(Arc<str>),
    /// The destination is listed, by other names or addresses.
    Listed,
    /// The opposite direction is allowed, as screen transfer.
    ScreenReversed,
    /// IPv6 where the policy denies it.
    Ipv6,
    /// An end lies in no segment and no zone.
    Unknown,
    /// Both ends lie outside.
    Outside,
    /// Opened from the internet.
    FromInternet,
    /// Asked of a proxy by a segment for which nothing is delegated.
    ClosedProxy,
    /// A channel leads there by way of a host, or others pass a proxy inside, and these go around it.
    Bypass,
    /// What was asked of the proxy cannot be read.
    HiddenTarget,
    /// A name that no policy can list, or more of them than anybody can look through.
    BadName,
    /// The names contradict each other.
    NamesDisagree,
    /// The name may be a cover.
    Ech,
    /// No name was seen, and the same address and service have one in other flows.
    Nameless,
    /// Nobody knows who opened them.
    Direction,
    /// The outer layer of a tunnel.
    Tunnel,
    /// Fewer flows than were asked for.
    TooFew,
    /// More addresses or services than one rule can name.
    TooMany,
    /// The policy is not in force on any day that could stand for theirs.
    NotInForce,
    /// The verdict could not be decided, for another cause than a missing permission.
    Undecided(&'static str),
}

impl Reason {
    /// What the matter is.
    #[must_use]
    pub fn what(&self) -> Words {
        let ids = |checks: &[CheckId]| checks.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ");
        match self {
            Self::Forbid(id) => {
                Words::new(format!("禁止「{id}」に当たります"), format!("the prohibition `{id}` covers it"))
            }
            Self::Rule(code, ja, en) => Words::new(format!("{code}: {ja}"), format!("{code}: {en}")),
            Self::Checks(checks) => Words::new(
                format!("許可を書いても検査に当たります: {}", ids(checks)),
                format!("checks speak against it whatever channel there is: {}", ids(checks)),
            ),
            Self::Expired(id) => Words::new(
                format!("許可「{id}」の期限が切れています"),
                format!("the channel `{id}` is out of its period"),
            ),
            Self::Condition(id) => Words::new(
                format!("許可「{id}」はあります。その条件が破られているか、確かめられません"),
                format!("it has the channel `{id}`, of which a condition is broken or was not seen"),
            ),
            Self::TooFew => Words::new("--min-flows より少ない通信です", "fewer flows than --min-flows"),
            Self::TooMany => Words::new(
                format!(
                    "アドレスかサービスが多すぎて、一つの許可に書けません({}まで)",
                    limits::LEARN_ADDRESSES_MAX
                ),
                format!(
                    "more addresses or services than one rule can name ({})",
                    limits::LEARN_ADDRESSES_MAX
                ),
            ),
            Self::Undecided(cause) => {
                Words::new(format!("判定できません: {cause}"), format!("it cannot be decided: {cause}"))
            }
            plain => {
                let (ja, en) = plain.plain();
                Words::new(ja, en)
            }
        }
    }

    const fn plain(&self) -> (&'static str, &'static str) {
        match self {
            Self::Listed => (
                "宛先は台帳にありますが、名前かアドレスが違います",
                "the destination is listed by other names or addresses",
            ),
            Self::ScreenReversed => {
                ("画面転送の向きがモデルと逆です", "screen transfer is opened from the wrong side")
            }
            Self::Ipv6 => ("IPv6は使わない決まりです", "IPv6 is denied"),
            Self::Unknown => ("どの系でもゾーンでもないアドレスです", "an address of no segment and no zone"),
            Self::Outside => ("両端とも庁外です", "both ends lie outside"),
            Self::FromInternet => ("インターネット側から開かれています", "it was opened from the internet"),
            Self::ClosedProxy => (
                "マイナンバー利用事務系・LGWAN接続系からProxyに頼んだ接続先です",
                "a target that a closed segment asked of a proxy",
            ),
            Self::Bypass => (
                "許可やほかの機器が通る経由地(Proxyなど)を通っていません",
                "it goes around the host that a channel, or others, pass on the way",
            ),
            Self::HiddenTarget => {
                ("Proxyに頼んだ接続先が読めません", "what was asked of the proxy cannot be read")
            }
            Self::BadName => {
                ("台帳に書けない名前か、多すぎる名前です", "a name that no policy can list, or too many")
            }
            Self::NamesDisagree => ("名前が食い違っています", "its names contradict each other"),
            Self::Ech => ("名前が暗号化されているかもしれません(ECH)", "its name may be a cover (ECH)"),
            Self::Nameless => (
                "名前がありません。同じ宛先に名前のある通信があります",
                "it has no name, and other flows to the same server have one",
            ),
            Self::Direction => ("どちらが開いたか分かりません", "nobody knows who opened it"),
            Self::Tunnel => ("トンネルの外側です", "the outer layer of a tunnel"),
            _ => ("台帳の有効期間の外です", "the policy is not in force then"),
        }
    }

    /// Who can say more, or what to do.
    #[must_use]
    pub fn ask(&self, lang: Lang) -> &'static str {
        let (ja, en) = match self {
            Self::Forbid(_) | Self::Rule("L40", ..) => (
                "台帳の承認者に確かめます。禁止は緩めず、通信を止めるのが先です",
                "ask who approves the policy; stop the traffic rather than widen the prohibition",
            ),
            Self::Rule("P05" | "P06" | "P07" | "P08", ..) => (
                "情報政策の担当に確かめます。許すなら回線(path)、宛先の種別、ISMAPを確かめて人が書きます(台帳の例を参照)",
                "ask who keeps the model; to allow it a person writes path, kind and ISMAP entry (see the examples)",
            ),
            Self::Rule(code, ..) if !code.starts_with('P') => (
                "その宛先や機器を台帳に書いた人に確かめます",
                "ask who wrote that destination or host into the policy",
            ),
            Self::Rule(..) | Self::ScreenReversed => {
                ("情報政策の担当に、モデルの決まりを確かめます", "ask who keeps the model of the guideline")
            }
            Self::Checks(_) | Self::Ech => (
                "情報セキュリティの担当に確かめます(sekisho checks 番号 で説明)",
                "ask information security (sekisho checks ID explains)",
            ),
            Self::Expired(_) => {
                ("許可を出した人に、延長するか確かめます", "ask who approved it whether it goes on")
            }
            Self::Condition(_) | Self::Listed => (
                "その許可と宛先を書いた人に確かめます(sekisho policy explain)",
                "ask who wrote the channel and its destination (sekisho policy explain)",
            ),
            Self::Ipv6 | Self::Unknown | Self::Outside | Self::Tunnel => (
                "ネットワークの担当に確かめます。正しいものなら系・ゾーンに書きます",
                "ask the network team; what is right belongs into segments and zones",
            ),
            Self::FromInternet => (
                "公開サーバーかどうかをネットワークの担当に確かめ、人が書きます",
                "ask the network team whether it is a published server; a person writes it",
            ),
            Self::ClosedProxy => (
                "情報政策の担当に確かめ、宛先と via を人が書きます(台帳の例を参照)",
                "ask who keeps the model; a person writes destination and via (see the examples)",
            ),
            Self::Bypass | Self::HiddenTarget | Self::BadName | Self::NamesDisagree | Self::Nameless => (
                "その端末の利用者と情報セキュリティの担当に確かめます",
                "ask the terminal's user and information security",
            ),
            Self::Direction | Self::NotInForce | Self::TooFew | Self::Undecided(_) => (
                "もっと長く記録するか、台帳の期間を確かめて、もう一度実行します",
                "capture longer, or check the policy's dates, and run it again",
            ),
            Self::TooMany => (
                "事業者の公開する一覧を import するか、人が範囲を書きます",
                "import the provider's list, or write the blocks by hand",
            ),
        };
        if matches!(lang, Lang::Ja) { ja } else { en }
    }

    /// A bare word for machines.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Forbid(_) => "forbid",
            Self::Rule(code, ..) => code,
            Self::Checks(_) => "checks",
            Self::Expired(_) => "expired",
            Self::Condition(_) => "condition",
            Self::Listed => "listed_otherwise",
            Self::ScreenReversed => "screen_reversed",
            Self::Ipv6 => "ipv6",
            Self::Unknown => "unknown_address",
            Self::Outside => "both_outside",
            Self::FromInternet => "from_internet",
            Self::ClosedProxy => "closed_proxy",
            Self::Bypass => "bypass",
            Self::HiddenTarget => "hidden_target",
            Self::BadName => "bad_name",
            Self::NamesDisagree => "names_disagree",
            Self::Ech => "ech",
            Self::Nameless => "nameless",
            Self::Direction => "direction",
            Self::Tunnel => "tunnel",
            Self::TooFew => "too_few",
            Self::TooMany => "too_many",
            Self::NotInForce => "not_in_force",
            Self::Undecided(cause) => cause,
        }
    }
}
