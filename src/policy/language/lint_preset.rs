//! P01–P10: conflicts with the model that the policy declares (DOMAIN §1.1, §1.2). A city may be stricter; to be
//! looser takes an `accept` entry, and is then a warning.

use super::{
    diagnostic::{Diagnostic, Level, Words},
    item::{Channel, DestinationIndex, Selector},
    lint::{Area, Lint, ends, hops},
    period::Periods,
    vocabulary::{Case, ChannelKind, DestinationKind, Download, Model, Role, SegmentClass, ZoneClass},
};

const MN: Area = Area::Inside(SegmentClass::Mynumber);
const LG: Area = Area::Inside(SegmentClass::Lgwan);
const IN: Area = Area::Inside(SegmentClass::Internet);
const BD: Area = Area::Inside(SegmentClass::Boundary);
const NET: Area = Area::Outside(ZoneClass::InternetZone);
const SC: Area = Area::Outside(ZoneClass::Seccloud);
const LW: Area = Area::Outside(ZoneClass::LgwanWan);

pub(super) fn run(lint: &mut Lint<'_>) {
    let mut found = Vec::new();
    for (number, channel) in lint.objects.channels.iter().enumerate() {
        let models = models_of(lint, channel);
        let mut said = Said { lint, number, found: &mut found };
        my_number(&mut said, channel);
        breakout(&mut said, channel, &models);
        waypoints(&mut said, channel);
        screens(&mut said, channel, &models);
    }
    unused_in_case_a(lint, &mut found);
    for mut said in found {
        let accepted = lint.objects.accepts.iter().find(|accept| *accept.finding == *said.code);
        if let Some(accept) = accepted {
            said.level = Level::Warning;
            said.message.ja += &format!("(プリセットからの逸脱。「{}」で承認済み)", accept.id);
            said.message.en += &format!(" (deviation from the preset, accepted by `{}`)", accept.id);
        }
        lint.out.push(said);
    }
}

/// The models in force while the channel was written to hold; a migration window adds none.
fn models_of(lint: &Lint<'_>, channel: &Channel) -> Vec<(Model, Option<Case>)> {
    let objects = lint.objects;
    if objects.epochs.is_empty() {
        return vec![(objects.meta.model, objects.meta.case)];
    }
    let named = channel.epochs.iter().map(|epoch| objects.epochs[usize::from(epoch.0)].period);
    let own = Periods::union([channel.period]);
    let own = if channel.epochs.is_empty() { own } else { own.and(&Periods::union(named)) };
    let meets = |period| own.meet(&Periods::union([period]));
    let models = objects.epochs.iter().filter(|epoch| epoch.model != Model::Migration && meets(epoch.period));
    models.map(|epoch| (epoch.model, epoch.case)).collect()
}

struct Said<'s, 'a> {
    lint: &'s Lint<'a>,
    number: usize,
    found: &'s mut Vec<Diagnostic>,
}

impl Said<'_, '_> {
    fn say(&mut self, code: &'static str, end: Selector, words: Words, remedy: Words) {
        let spot = self.lint.channel_end(self.number, end);
        let said = Diagnostic::error(code, words).at(&spot, Words::new("ここ", "here"));
        self.found.push(said.remedy(remedy));
    }

    fn kind(&self, end: Selector) -> Option<DestinationKind> {
        match end {
            Selector::Destination(index) => Some(self.lint.destination(index).kind),
            _ => None,
        }
    }
}

/// P01 and P02: what the My Number segment may talk to.
fn my_number(said: &mut Said<'_, '_>, channel: &Channel) {
    let mut pairs = hops(channel);
    pairs.extend(ends(channel));
    let (mut open, mut unnamed) = (false, false);
    for (from, to) in pairs {
        let areas = (said.lint.area(from), said.lint.area(to));
        let other = match areas {
            (MN, _) => to,
            (_, MN) => from,
            _ => continue,
        };
        let area = said.lint.area(other);
        if matches!(area, IN | NET | SC) && !open {
            open = true;
            said.say(
                "P01",
                other,
                Words::new(
                    "マイナンバー利用事務系とインターネット側の通信は、どのモデルでも許可できません",
                    "no model allows the My Number segment to talk to the internet side",
                ),
                Words::new("この許可を消します", "remove this channel"),
            );
        }
        use DestinationKind::{LgwanAsp, Pki, PublicSystem, SecurityUpdate};
        let is_public = matches!(said.kind(other), Some(PublicSystem | LgwanAsp | SecurityUpdate | Pki));
        if area == LW && !is_public && !matches!(other, Selector::Host(_)) && !unnamed {
            unnamed = true;
            said.say(
                "P02",
                other,
                Words::new(
                    "マイナンバー利用事務系の相手が、公的なシステムとして書かれていません",
                    "the other end of this My Number channel is not written as a public system",
                ),
                Words::new(
                    "宛先を destinations に書きます(kind は public_system、lgwan_asp、security_update、pki)",
                    "write it under destinations, with kind public_system, lgwan_asp, security_update or pki",
                ),
            );
        }
    }
}

/// P04–P08: what the LGWAN segment may reach on the internet, by model and case.
fn breakout(said: &mut Said<'_, '_>, channel: &Channel, models: &[(Model, Option<Case>)]) {
    for (from, to) in ends(channel) {
        let areas = (said.lint.area(from), said.lint.area(to));
        let is_proxy = matches!(to, Selector::Host(host) if said.lint.host(host).role == Role::Proxy);
        if areas == (NET, LG) || areas == (LG, SC) && is_proxy {
            said.say(
                "P04",
                to,
                Words::new(
                    "LGWAN接続系とインターネット側の、この向きの通信はどのモデルにもありません",
                    "no model has the LGWAN segment and the internet side talk this way",
                ),
                Words::new("この許可を消します", "remove this channel"),
            );
        }
        if areas == (BD, NET) && case_exceeded(said, to, models) {
            exceeded(said, to);
        }
        if areas != (LG, NET) {
            continue;
        }
        if models.iter().any(|(model, _)| *model != Model::AlphaPrime) {
            said.say(
                "P04",
                to,
                Words::new(
                    "LGWAN接続系から直接インターネットへ出られるのはα'モデルだけです",
                    "only the α′ model lets the LGWAN segment reach the internet directly",
                ),
                Words::new(
                    "この許可を消すか、model を alpha_prime にします",
                    "remove this channel, or declare the model alpha_prime",
                ),
            );
            continue;
        }
        if channel.path.is_none() {
            said.say(
                "P05",
                to,
                Words::new(
                    "ローカルブレイクアウトの許可に回線(path)がありません",
                    "this local breakout names no path",
                ),
                Words::new("path = \"…\" を書きます", "write path = \"…\""),
            );
        }
        if case_exceeded(said, to, models) {
            exceeded(said, to);
            continue;
        }
        let kind = said.kind(to);
        use DestinationKind::{CloudComm, CloudFiles, CloudIdentity, CloudMail};
        let is_case =
            |wanted: &[Case]| models.iter().any(|(_, case)| case.is_some_and(|case| wanted.contains(&case)));
        if is_case(&[Case::I])
            && matches!(kind, Some(CloudComm | CloudFiles | CloudMail))
            && channel.download != Some(Download::Forbidden)
        {
            said.say(
                "P07",
                to,
                Words::new(
                    "ケースイではファイルのダウンロードを禁止しなければなりません",
                    "case イ must forbid downloads from communication tools",
                ),
                Words::new("download = \"forbidden\"", "download = \"forbidden\""),
            );
        }
        let through_tenant_proxy =
            channel.via.iter().any(|host| said.lint.host(*host).role == Role::TenantProxy);
        if is_case(&[Case::I, Case::U]) && kind == Some(CloudIdentity) && !through_tenant_proxy {
            said.say(
                "P08",
                to,
                Words::new(
                    "サインインがテナント制御のProxyを通っていません",
                    "sign-in does not pass the proxy that enforces the own tenant",
                ),
                Words::new(
                    "via に role = \"tenant_proxy\" の機器を書きます",
                    "name a host with role = \"tenant_proxy\" in via",
                ),
            );
        }
    }
}

/// Which kinds of destinations a case leaves to the LGWAN side.
fn case_exceeded(said: &Said<'_, '_>, to: Selector, models: &[(Model, Option<Case>)]) -> bool {
    let Some(kind) = said.kind(to) else { return false };
    models.iter().any(|(_, case)| case.is_some_and(|case| !case_allows(case, kind)))
}

const fn case_allows(case: Case, kind: DestinationKind) -> bool {
    use DestinationKind::{CloudComm, CloudFiles, CloudIdentity, CloudLowcode, CloudMail, CloudMedia};
    match case {
        Case::A => {
            !matches!(kind, CloudComm | CloudFiles | CloudIdentity | CloudLowcode | CloudMail | CloudMedia)
        }
        Case::I => !matches!(kind, CloudFiles | CloudLowcode),
        Case::U => true,
    }
}

fn exceeded(said: &mut Said<'_, '_>, to: Selector) {
    said.say(
        "P06",
        to,
        Words::new(
            "宣言したケース(ア・イ・ウ)の範囲を超える宛先です",
            "this destination goes beyond the declared case",
        ),
        Words::new("case を見直すか、この許可を消します", "reconsider the case, or remove this channel"),
    );
}

/// Case ア holds no tenant: a meeting, mail or file service that no channel uses is a plan that was not finished.
fn unused_in_case_a(lint: &Lint<'_>, found: &mut Vec<Diagnostic>) {
    if lint.objects.meta.case != Some(Case::A) {
        return;
    }
    for (number, rule) in (0u16..).zip(&lint.objects.destinations) {
        let selector = Selector::Destination(DestinationIndex(number));
        let used = |channel: &Channel| channel.from.contains(&selector) || channel.to.contains(&selector);
        if case_allows(Case::A, rule.kind) || lint.objects.channels.iter().any(used) {
            continue;
        }
        let spot = lint.destination_spot(usize::from(number), |_| None);
        let words = Words::new(
            "ケースアは会議・メール・ファイルのサービスを使いません",
            "case ア uses no meeting, mail or file service",
        );
        found.push(Diagnostic::error("P06", words).at(&spot, Words::new("ここ", "here")));
    }
}

/// P09: the LGWAN and internet segments meet only at boundary gear.
fn waypoints(said: &mut Said<'_, '_>, channel: &Channel) {
    for (from, to) in hops(channel) {
        if matches!((said.lint.area(from), said.lint.area(to)), (LG, IN) | (IN, LG)) {
            said.say(
                "P09",
                to,
                Words::new(
                    "LGWAN接続系とインターネット接続系が、中継機(無害化・画面転送)なしに直接つながっています",
                    "the LGWAN and internet segments talk directly, without a sanitiser or screen transfer between them",
                ),
                Words::new(
                    "class = \"boundary\" の系の機器を経由する二つの許可に分けます",
                    "split it into two channels that meet at a host of class boundary",
                ),
            );
            return;
        }
    }
}

/// P10: α opens screens from the LGWAN side, β from the internet side.
fn screens(said: &mut Said<'_, '_>, channel: &Channel, models: &[(Model, Option<Case>)]) {
    if channel.kind != ChannelKind::Screen {
        return;
    }
    for (from, to) in hops(channel) {
        let areas = (said.lint.area(from), said.lint.area(to));
        let from_internet = areas.0 == IN || areas.1 == LG;
        let from_lgwan = areas.0 == LG || areas.1 == IN;
        let wrong = models.iter().any(|(model, _)| match model {
            Model::Alpha | Model::AlphaPrime => from_internet,
            Model::Beta | Model::BetaPrime => from_lgwan,
            Model::Migration => false,
        });
        // Screens of the My Number side and of maintenance lines follow no such direction.
        if wrong && !matches!(areas, (MN, _) | (_, MN)) {
            said.say(
                "P10",
                from,
                Words::new(
                    "画面転送の向きがモデルと逆です(αはLGWAN側から、βはインターネット側から開始)",
                    "screen transfer is opened from the wrong side: α opens it from LGWAN, β from the internet segment",
                ),
                Words::new("from と to を見直します", "reconsider from and to"),
            );
            return;
        }
    }
}
