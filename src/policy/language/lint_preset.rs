//! P01–P12: conflicts with the preset of the model and edition that the policy declares (DOMAIN §1.1, §1.2, §3.3). What is
//! a conflict stands in the preset; here are the words. A city may be stricter; to be looser takes an `accept` entry, and
//! is then a deviation, which every report tells on its first page.

use std::collections::BTreeSet;

use super::{
    diagnostic::{Diagnostic, Level, Words},
    item::{AcceptIndex, Channel, DestinationIndex, Deviation, Selector},
    lint::{Lint, ends, hops},
    period::Periods,
    preset::{Area, CaseRule, Preset, Rule, Stance},
    vocabulary::{Case, ChannelKind, DestinationKind, Download, Model, Role, SegmentClass, ZoneClass},
};
use crate::{
    ground::model::{finding::Severity, lang::Lang},
    policy::catalog,
};

const MN: Area = Area::Inside(SegmentClass::Mynumber);
const BD: Area = Area::Inside(SegmentClass::Boundary);
const NET: Area = Area::Outside(ZoneClass::InternetZone);

pub(super) fn run(lint: &mut Lint<'_>) -> Vec<Deviation> {
    if !is_known_edition(lint) {
        return Vec::new();
    }
    let mut found = Vec::new();
    for (number, channel) in lint.objects.channels.iter().enumerate() {
        let presets = in_force(lint, channel);
        let mut said = Said { lint, number, ground: None, told: BTreeSet::new(), found: &mut found };
        for (from, to) in hops(channel) {
            matrix(&mut said, channel, (from, to), &presets, true);
        }
        for (from, to) in ends(channel).filter(|_| !channel.via.is_empty()) {
            matrix(&mut said, channel, (from, to), &presets, false);
        }
        screens(&mut said, channel, &presets);
    }
    unused_in_case_a(lint, &mut found);
    loosened_checks(lint, &mut found);
    let mut deviations = Vec::new();
    for (about, mut said) in found {
        let covers = |finding: &str| finding == said.code || finding == &*about;
        let accepted = lint.objects.accepts.iter().position(|accept| covers(&accept.finding));
        if let Some(place) = accepted {
            let accept = &lint.objects.accepts[place];
            deviations.push(Deviation {
                code: said.code,
                about: about.as_str().into(),
                words: said.message.clone(),
                accept: AcceptIndex(u16::try_from(place).unwrap_or(u16::MAX)),
            });
            said.level = Level::Warning;
            said.message.ja += &format!("(プリセットからの逸脱。「{}」で承認済み)", accept.id);
            said.message.en += &format!(" (deviation from the preset, accepted by `{}`)", accept.id);
        }
        lint.out.push(said);
    }
    deviations
}

/// L26: without the edition's preset nothing says what the model is.
fn is_known_edition(lint: &mut Lint<'_>) -> bool {
    let edition = &lint.objects.meta.guideline;
    let known = Preset::editions();
    if known.contains(&&**edition) {
        return true;
    }
    if let Some(head) = &lint.document.policy {
        let spot = head.spot(&head.value.guideline.span);
        let words = Words::new(
            "この版のプリセットはありません",
            "there is no preset for this edition of the guideline",
        );
        let list = known.join(", ");
        let remedy = Words::new(format!("使える版: {list}"), format!("known editions: {list}"));
        lint.say(Level::Error, "L26", words, &spot, Some(remedy));
    }
    false
}

type InForce = Vec<(&'static Preset, Option<Case>)>;

/// The presets in force while the channel was written to hold; a migration window adds none.
fn in_force(lint: &Lint<'_>, channel: &Channel) -> InForce {
    let objects = lint.objects;
    let find = |model, case| Preset::find(&objects.meta.guideline, model).map(|preset| (preset, case));
    if objects.epochs.is_empty() {
        return find(objects.meta.model, objects.meta.case).into_iter().collect();
    }
    let named = channel.epochs.iter().map(|epoch| objects.epochs[usize::from(epoch.0)].period);
    let own = Periods::union([channel.period]);
    let own = if channel.epochs.is_empty() { own } else { own.and(&Periods::union(named)) };
    let meets = |period| own.meet(&Periods::union([period]));
    let models = objects.epochs.iter().filter(|epoch| epoch.model != Model::Migration && meets(epoch.period));
    models.filter_map(|epoch| find(epoch.model, epoch.case)).collect()
}

/// What is said of one channel.
struct Said<'s, 'a> {
    lint: &'s Lint<'a>,
    number: usize,
    /// The preset and the clause that what is said rests on.
    ground: Option<(&'static Preset, &'static str)>,
    /// Each conflict is told once for an end.
    told: BTreeSet<(&'static str, Option<Selector>)>,
    found: &'s mut Vec<(String, Diagnostic)>,
}

impl Said<'_, '_> {
    fn say(&mut self, code: &'static str, end: Selector, mut words: Words, remedy: Words) {
        // Where a whole side is forbidden, one end says it.
        let once = if matches!(code, "P01" | "P02" | "P09" | "P10" | "P11") { None } else { Some(end) };
        if !self.told.insert((code, once)) {
            return;
        }
        if let Some((preset, clause)) = self.ground {
            words.ja += &ground(preset, clause, Lang::Ja);
            words.en += &ground(preset, clause, Lang::En);
        }
        let spot = self.lint.channel_end(self.number, end);
        let said = Diagnostic::error(code, words).at(&spot, Words::new("ここ", "here"));
        let about = self.lint.objects.channels[self.number].id.to_string();
        self.found.push((about, said.remedy(remedy)));
    }

    fn kind(&self, end: Selector) -> Option<DestinationKind> {
        match end {
            Selector::Destination(index) => Some(self.lint.destination(index).kind),
            _ => None,
        }
    }

    fn role(&self, end: Selector) -> Option<Role> {
        match end {
            Selector::Host(host) => Some(self.lint.host(host).role),
            _ => None,
        }
    }
}

/// The clause behind a rule, as it may be printed.
fn ground(preset: &Preset, clause: &str, lang: Lang) -> String {
    let text = preset.clause(clause);
    let heading = text.map_or("", |text| text.heading(lang));
    let caution = text.filter(|text| !text.verified).map_or("", |_| catalog::CAUTION.of(lang));
    match (lang, caution.is_empty()) {
        (Lang::Ja, true) => format!("({clause} {heading})"),
        (Lang::Ja, false) => format!("({clause} {heading}。{caution})"),
        (Lang::En, true) => format!(" ({clause} {heading})"),
        (Lang::En, false) => format!(" ({clause} {heading}; {caution})"),
    }
}

/// One pair of ends against the matrix; `is_hop` for two that meet directly.
fn matrix(
    said: &mut Said<'_, '_>,
    channel: &Channel,
    (from, to): (Selector, Selector),
    presets: &InForce,
    is_hop: bool,
) {
    let areas = (said.lint.area(from), said.lint.area(to));
    for (preset, case) in presets {
        let case = case.and_then(|case| preset.case(case));
        if areas == (BD, NET) && is_exceeded(said, to, case) {
            exceeded(said, to);
        }
        for rule in preset.rules(areas.0, areas.1) {
            if !rule.is_about(said.role(to)) {
                continue;
            }
            said.ground = Some((preset, &rule.clause));
            let far = if areas.0 == MN || areas.1 != MN { to } else { from };
            match rule.rule {
                Stance::Forbidden => forbidden(said, &rule.code, far),
                Stance::Listed => listed(said, rule, far),
                Stance::Breakout => breakout(said, channel, to, case),
                Stance::Waypoint if is_hop => direct(said, to),
                Stance::Waypoint => {}
            }
            said.ground = None;
        }
    }
}

fn forbidden(said: &mut Said<'_, '_>, code: &'static str, far: Selector) {
    let (words, remedy) = match code {
        "P01" => (
            Words::new(
                "マイナンバー利用事務系とインターネット側の通信は、どのモデルでも許可できません",
                "no model allows the My Number segment to talk to the internet side",
            ),
            Words::new("この許可を消します", "remove this channel"),
        ),
        _ if said.lint.area(far) == NET => (
            Words::new(
                "LGWAN接続系から直接インターネットへ出られるのはα'モデルだけです",
                "only the α′ model lets the LGWAN segment reach the internet directly",
            ),
            Words::new(
                "この許可を消すか、model を alpha_prime にします",
                "remove this channel, or declare the model alpha_prime",
            ),
        ),
        _ => (
            Words::new(
                "LGWAN接続系とインターネット側の、この向きの通信はどのモデルにもありません",
                "no model has the LGWAN segment and the internet side talk this way",
            ),
            Words::new("この許可を消します", "remove this channel"),
        ),
    };
    said.say(code, far, words, remedy);
}

/// P02: what the My Number segment reaches in LGWAN. Named machines are as narrow as the guideline asks.
fn listed(said: &mut Said<'_, '_>, rule: &'static Rule, far: Selector) {
    let is_public = said.kind(far).is_some_and(|kind| rule.kinds.contains(&kind));
    if is_public || matches!(far, Selector::Host(_)) {
        return;
    }
    said.say(
        &rule.code,
        far,
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

/// P05–P08: what the LGWAN segment may reach on the internet, by case.
fn breakout(said: &mut Said<'_, '_>, channel: &Channel, to: Selector, case: Option<&CaseRule>) {
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
    if is_exceeded(said, to, case) {
        return exceeded(said, to);
    }
    let (Some(kind), Some(case)) = (said.kind(to), case) else { return };
    if case.download_forbidden.contains(&kind) && channel.download != Some(Download::Forbidden) {
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
    let through_proxy = channel.via.iter().any(|host| said.lint.host(*host).role == Role::TenantProxy);
    if case.through_tenant_proxy.contains(&kind) && !through_proxy {
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

fn is_exceeded(said: &Said<'_, '_>, to: Selector, case: Option<&CaseRule>) -> bool {
    said.kind(to).zip(case).is_some_and(|(kind, case)| !case.kinds.contains(&kind))
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
fn unused_in_case_a(lint: &Lint<'_>, found: &mut Vec<(String, Diagnostic)>) {
    let meta = &lint.objects.meta;
    let preset = Preset::find(&meta.guideline, meta.model).filter(|_| meta.case == Some(Case::A));
    let Some(case) = preset.and_then(|preset| preset.case(Case::A)) else { return };
    for (number, rule) in (0u16..).zip(&lint.objects.destinations) {
        let selector = Selector::Destination(DestinationIndex(number));
        let used = |channel: &Channel| channel.from.contains(&selector) || channel.to.contains(&selector);
        if case.kinds.contains(&rule.kind) || lint.objects.channels.iter().any(used) {
            continue;
        }
        let spot = lint.destination_spot(usize::from(number), |_| None);
        let words = Words::new(
            "ケースアは会議・メール・ファイルのサービスを使いません",
            "case ア uses no meeting, mail or file service",
        );
        let said = Diagnostic::error("P06", words).at(&spot, Words::new("ここ", "here"));
        found.push((rule.id.to_string(), said));
    }
}

/// P09: the LGWAN and internet segments meet only at boundary gear.
fn direct(said: &mut Said<'_, '_>, to: Selector) {
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
}

/// P10 and P11: which side opens screens, and whether the My Number segment has any.
fn screens(said: &mut Said<'_, '_>, channel: &Channel, presets: &InForce) {
    if channel.kind != ChannelKind::Screen {
        return;
    }
    said.ground = presets.first().map(|(preset, _)| (*preset, preset.screen.clause.as_str()));
    for (from, to) in hops(channel) {
        let areas = (said.lint.area(from), said.lint.area(to));
        if matches!(areas, (MN, _) | (_, MN)) {
            // Its screens and those of maintenance lines follow no direction.
            if areas.0 != areas.1 && presets.iter().any(|(preset, _)| !preset.screen.into_mynumber) {
                into_mynumber(said, to);
            }
            continue;
        }
        let opens = |class, other| areas.0 == Area::Inside(class) || areas.1 == Area::Inside(other);
        let is_wrong = |preset: &Preset| match preset.screen.opened_by {
            SegmentClass::Lgwan => opens(SegmentClass::Internet, SegmentClass::Lgwan),
            _ => opens(SegmentClass::Lgwan, SegmentClass::Internet),
        };
        if presets.iter().any(|(preset, _)| is_wrong(preset)) {
            said.say(
                "P10",
                from,
                Words::new(
                    "画面転送の向きがモデルと逆です(αはLGWAN側から、βはインターネット側から開始)",
                    "screen transfer is opened from the wrong side: α opens it from LGWAN, β from the internet segment",
                ),
                Words::new("from と to を見直します", "reconsider from and to"),
            );
        }
    }
}

fn into_mynumber(said: &mut Said<'_, '_>, to: Selector) {
    said.say(
        "P11",
        to,
        Words::new(
            "この版のガイドラインでは、マイナンバー利用事務系の画面転送は認められていません",
            "this edition of the guideline has no screen transfer for the My Number segment",
        ),
        Words::new(
            "guideline に令和7年3月版(soumu-2025-03)以後を書くか、この許可を消します",
            "declare guideline soumu-2025-03 or later, or remove this channel",
        ),
    );
}

/// P12: a check that speaks from the first day is silenced or made milder.
fn loosened_checks(lint: &Lint<'_>, found: &mut Vec<(String, Diagnostic)>) {
    let presets: Vec<_> = lint.objects.presets().collect();
    for (name, entry) in &lint.document.checks {
        let Some((id, setting)) =
            name.value.parse().ok().and_then(|id| lint.objects.checks.get_key_value(&id))
        else {
            continue;
        };
        let known = catalog::by_id(*id).filter(|_| presets.iter().any(|preset| preset.is_day_one(*id)));
        let weakest = known.map_or(Severity::Info, |known| known.inner.severity.min(known.outer.severity));
        let is_milder = setting.severity.is_some_and(|severity| severity < weakest);
        if known.is_none() || setting.enabled != Some(false) && !is_milder {
            continue;
        }
        let words = Words::new(
            format!("検査 {id} をプリセットより緩めています"),
            format!("check {id} is made looser than the preset"),
        );
        let said = Diagnostic::error("P12", words)
            .at(&entry.spot(&name.span), Words::new("ここ", "here"))
            .remedy(Words::new(
                format!("この設定を消すか、[[accept]] に finding = \"{id}\" と理由・期限・承認者を書きます"),
                format!("remove this setting, or write an [[accept]] with finding = \"{id}\", reason, end and approver"),
            ));
        found.push((id.to_string(), said));
    }
}
