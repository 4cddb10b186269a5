//! L05–L23 and L33–L35: objects by themselves and against what they stand in.

use super::{
    diagnostic::{Level, Spot, Words},
    item::{SegmentIndex, Selector, Zone},
    lint::Lint,
    period::Periods,
    preset::Area,
    vocabulary::{ChannelKind, DestinationKind, Match, Model, SegmentClass, ZoneClass},
};
use crate::{
    ground::model::{
        address::{Prefix, Service, Transport},
        limits::{self, WIDE_V4, WIDE_V6},
        time::SECOND,
    },
    policy::list,
};

pub(super) fn run(lint: &mut Lint<'_>) {
    hosts(lint);
    zones(lint);
    destinations(lint);
    channels(lint);
    whole(lint);
}

fn inside(prefix: &Prefix, blocks: &[Prefix]) -> bool {
    blocks.iter().any(|block| block.contains(prefix.addr()) && block.contains(prefix.last()))
}

fn hosts(lint: &mut Lint<'_>) {
    for (number, host) in lint.objects.hosts.iter().enumerate() {
        let (blocks, rest) = match host.home {
            Selector::Segment(index) => (&lint.segment(index).cidr, false),
            Selector::Zone(index) => (&lint.zone(index).cidr, lint.zone(index).rest),
            _ => continue,
        };
        let entry = &lint.document.hosts[number];
        for (addr, text) in host.addr.iter().zip(&entry.value.addr) {
            let homes = host.homes.iter().any(|home| match home {
                Selector::Segment(index) => inside(&Prefix::single(*addr), &lint.segment(*index).cidr),
                Selector::Zone(index) => inside(&Prefix::single(*addr), &lint.zone(*index).cidr),
                _ => false,
            });
            if !rest && !homes && !inside(&Prefix::single(*addr), blocks) {
                let listed = listed(blocks);
                let words = Words::new(
                    "機器のアドレスが系(ゾーン)の範囲の外にあります",
                    "this host's address lies outside its segment or zone",
                );
                let remedy = Words::new(
                    format!("範囲: {listed}。アドレスか、segment/zone を直します"),
                    format!("the blocks are {listed}; correct the address, or segment/zone"),
                );
                lint.say(Level::Error, "L05", words, &entry.spot(&text.span), Some(remedy));
            }
        }
    }
}

fn listed(blocks: &[Prefix]) -> String {
    blocks.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

fn zones(lint: &mut Lint<'_>) {
    let rests: Vec<usize> = lint
        .objects
        .zones
        .iter()
        .enumerate()
        .filter(|(_, zone)| zone.rest)
        .map(|(number, _)| number)
        .collect();
    let words = Words::new(
        "rest = true のゾーンはちょうど一つ要ります(どこにも属さない公開アドレスの行き先です)",
        "exactly one zone must have rest = true: it holds the public addresses that nothing else claims",
    );
    match rests[..] {
        [_] => {}
        [] => {
            let mut said = super::diagnostic::Diagnostic::error("L21", words);
            said.remedy = Some(Words::new(
                "[[zones]] id = \"inet\" class = \"internet_zone\" rest = true を書きます",
                "write [[zones]] id = \"inet\" class = \"internet_zone\" rest = true",
            ));
            lint.out.push(said);
        }
        [_, second, ..] => {
            let entry = &lint.document.zones[second];
            let spot = entry.spot(&entry.value.id.span);
            lint.say(Level::Error, "L21", words, &spot, None);
        }
    }
}

fn destinations(lint: &mut Lint<'_>) {
    for (number, rule) in lint.objects.destinations.iter().enumerate() {
        let zone = lint.zone(rule.zone);
        let id = lint.destination_spot(number, |_| None);
        let texts = lint.document.destinations[number].value.cidr.iter().flatten();
        for (block, text) in rule.cidr.iter().zip(texts) {
            let spot = lint.document.destinations[number].spot(&text.span);
            in_its_zone(lint, zone, block, &spot);
            let wide = if block.addr().is_ipv4() { WIDE_V4 } else { WIDE_V6 };
            if zone.class == ZoneClass::InternetZone && block.prefix_len() < wide {
                let words = Words::new(
                    format!("/{wide} より広い範囲です。他の利用者のサービスも含みます"),
                    format!("wider than /{wide}: other customers' services lie in it too"),
                );
                lint.say(Level::Warning, "L13", words, &spot, None);
            }
        }
        imported(lint, number);
        wildcards(lint, number);
        conditions(lint, number);
        if rule.matching == Match::NameAndAddress && rule.services.iter().any(is_nameless) {
            let words = Words::new(
                "名前を持たないプロトコル(STUN/RTP)が name+address の宛先にあります。その通信は判定不能になります",
                "a service whose protocol carries no name (STUN, RTP) stands under name+address: it stays undecidable",
            );
            let remedy = Words::new(
                "音声・映像は match = \"address\" の別の宛先に分けると判定できます",
                "a destination of its own with match = \"address\" makes it decidable",
            );
            lint.say(Level::Info, "L33", words, &id, Some(remedy));
        }
    }
}

/// L07 and L08; false when one of them was said.
fn in_its_zone(lint: &mut Lint<'_>, zone: &Zone, block: &Prefix, spot: &Spot) -> bool {
    if zone.rest {
        return !claimed(lint, block, spot);
    }
    let is_inside = inside(block, &zone.cidr);
    if !is_inside {
        let listed = listed(&zone.cidr);
        let words = Words::new(
            format!("宛先がゾーンの範囲の外にあります({block})"),
            format!("this destination lies outside its zone ({block})"),
        );
        let remedy = Words::new(format!("ゾーンの範囲: {listed}"), format!("the zone's blocks are {listed}"));
        lint.say(Level::Error, "L07", words, spot, Some(remedy));
    }
    is_inside
}

/// The blocks of an imported list, which stand behind the written ones. One that is wrong is enough to be told; how wide
/// they are is told by the list's own lint.
fn imported(lint: &mut Lint<'_>, number: usize) {
    let rule = &lint.objects.destinations[number];
    let entry = &lint.document.destinations[number];
    let Some(import) = &entry.value.import else { return };
    let spot = entry.spot(&import.value.file.span);
    let written = entry.value.cidr.as_ref().map_or(0, Vec::len);
    let zone = lint.zone(rule.zone);
    for block in rule.cidr.iter().skip(written) {
        if !in_its_zone(lint, zone, block, &spot) {
            break;
        }
    }
}

/// STUN and TURN (RFC 8489: 3478) and the ports next to it that meeting services use for media.
const fn is_nameless(service: &Service) -> bool {
    service.transport.0 == Transport::UDP.0 && service.first <= 3481 && 3478 <= service.last
}

/// True when an address of the block belongs to somebody else, which is told.
fn claimed(lint: &mut Lint<'_>, block: &Prefix, spot: &Spot) -> bool {
    let of_segments = lint.objects.segments.iter().map(|segment| (&segment.id, &segment.cidr));
    let of_zones = lint.objects.zones.iter().map(|zone| (&zone.id, &zone.cidr));
    let owner = of_segments
        .chain(of_zones)
        .find(|(_, blocks)| blocks.iter().any(|claimed| claimed.overlaps(block)))
        .map(|(id, _)| id.clone());
    if let Some(owner) = &owner {
        let words = Words::new(
            format!("インターネットの宛先({block})が「{owner}」の範囲と重なっています"),
            format!("this destination on the internet ({block}) overlaps `{owner}`"),
        );
        lint.say(Level::Error, "L08", words, spot, None);
    }
    owner.is_some()
}

fn wildcards(lint: &mut Lint<'_>, number: usize) {
    let entry = &lint.document.destinations[number];
    for text in entry.value.fqdn.iter().flatten() {
        let Some(base) = text.value.strip_prefix("*.") else { continue };
        let spot = entry.spot(&text.span);
        if list::is_hosting(base) {
            let words = Words::new(
                "誰でも借りられる基盤全体を許可しています",
                "this allows a hosting platform on which anybody can rent a host",
            );
            let remedy = Words::new(
                "契約しているサービスの名前をそのまま書きます",
                "write the names of the contracted service itself",
            );
            lint.say(Level::Error, "L12", words, &spot, Some(remedy));
        } else if list::is_below_hosting(base) || base.split('.').count() < 2 {
            let words = Words::new("ワイルドカードが広すぎます", "this wildcard is very wide");
            lint.say(Level::Warning, "L12", words, &spot, None);
        }
    }
}

/// L10 and L11: what a cloud service needs to be listed at all (guideline 3-2-3(2)③).
fn conditions(lint: &mut Lint<'_>, number: usize) {
    let rule = &lint.objects.destinations[number];
    let entry = &lint.document.destinations[number];
    let id = entry.spot(&entry.value.id.span);
    let on_internet = lint.zone(rule.zone).class == ZoneClass::InternetZone;
    let listed = rule.ismap.as_ref().is_some_and(|ismap| ismap.listed);
    use DestinationKind::{
        CloudComm, CloudFiles, CloudIdentity, CloudLicence, CloudLowcode, CloudMail, SecurityUpdate,
    };
    let is_cloud =
        matches!(rule.kind, CloudComm | CloudFiles | CloudIdentity | CloudLicence | CloudLowcode | CloudMail);
    if on_internet && is_cloud && !listed && rule.exception.is_none() {
        let words = Words::new(
            "クラウドサービスの宛先にISMAPの登録が書かれていません",
            "this cloud destination has no ISMAP entry",
        );
        let remedy = Words::new(
            "ismap = { listed = true, name_ja = \"…\", checked_on = 2026-04-01, valid_until = 2027-03-31 }",
            "ismap = { listed = true, name_ja = \"…\", checked_on = 2026-04-01, valid_until = 2027-03-31 }",
        );
        lint.say(Level::Error, "L10", words, &id, Some(remedy));
    }
    match &entry.value.exception {
        Some(written) => {
            let exception = &written.value;
            for condition in
                [&exception.no_official_documents, &exception.url_restricted, &exception.cert_verified]
            {
                if !condition.value {
                    let words = Words::new(
                        "例外は三つの条件がすべて満たされるときだけ使えます",
                        "the exception holds only when all three of its conditions do",
                    );
                    lint.say(Level::Error, "L11", words, &entry.spot(&condition.span), None);
                }
            }
        }
        None if on_internet && rule.kind == SecurityUpdate && !listed => {
            let words = Words::new(
                "更新サービスにISMAPの登録も例外の三条件もありません",
                "this update service has neither an ISMAP entry nor the exception with its three conditions",
            );
            let remedy = Words::new(
                "exception = { no_official_documents = true, url_restricted = true, cert_verified = true, ref = \"…\" }",
                "exception = { no_official_documents = true, url_restricted = true, cert_verified = true, ref = \"…\" }",
            );
            lint.say(Level::Error, "L11", words, &id, Some(remedy));
        }
        None => {}
    }
}

fn channels(lint: &mut Lint<'_>) {
    for (number, channel) in lint.objects.channels.iter().enumerate() {
        let id = lint.channel_id(number);
        for to in &channel.to {
            let Selector::Destination(index) = to else { continue };
            let offered = &lint.destination(*index).services;
            let texts = &lint.document.channels[number].value.services;
            for (service, text) in channel.services.iter().zip(texts) {
                if offered.is_empty() || offered.iter().any(|known| covers(known, service)) {
                    continue;
                }
                let spot = lint.document.channels[number].spot(&text.span);
                let known = offered.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
                let words = Words::new(
                    format!("宛先「{}」より広いサービスを許可しています", lint.destination(*index).id),
                    format!("wider than the services of the destination `{}`", lint.destination(*index).id),
                );
                let remedy =
                    Words::new(format!("宛先のサービス: {known}"), format!("the destination offers {known}"));
                lint.say(Level::Error, "L18", words, &spot, Some(remedy));
            }
        }
        let days = channel.period.until.since(channel.period.from).nanos() / (86_400 * SECOND);
        if channel.kind == ChannelKind::Maintenance && days > limits::MAINTENANCE_DAYS_MAX {
            let words = Words::new(
                format!("保守の例外が長すぎます({days}日)"),
                format!("this maintenance exception is long ({days} days)"),
            );
            let remedy = Words::new("作業ごとに期限を切ります", "give each job its own dates");
            lint.say(Level::Warning, "L20", words, &id, Some(remedy));
        }
        whole_segment(lint, number);
        provable(lint, number);
    }
}

const fn covers(wide: &Service, narrow: &Service) -> bool {
    wide.transport.0 == narrow.transport.0 && wide.first <= narrow.first && narrow.last <= wide.last
}

/// P03: the guideline wants addresses and ports for the My Number side, not a whole segment.
fn whole_segment(lint: &mut Lint<'_>, number: usize) {
    let channel = &lint.objects.channels[number];
    for end in channel.from.iter().chain(&channel.to) {
        if matches!(end, Selector::Segment(_)) && lint.area(*end) == Area::Inside(SegmentClass::Mynumber) {
            let spot = lint.channel_end(number, *end);
            let words = Words::new(
                "マイナンバー利用事務系の側が系全体になっています",
                "the My Number side of this channel is a whole segment",
            );
            let remedy = Words::new(
                "通信する機器を hosts に書き、その id にします(ガイドラインはIPアドレスとポートでの限定を求めます)",
                "name the machines under hosts and use their ids: the guideline asks for addresses and ports",
            );
            lint.say(Level::Warning, "P03", words, &spot, Some(remedy));
        }
    }
}

/// L35: a path that no sensor, gateway or address can show, or whose sensors see neither end.
fn provable(lint: &mut Lint<'_>, number: usize) {
    let channel = &lint.objects.channels[number];
    let (Some(path), Some(text)) = (channel.path, &lint.document.channels[number].value.path) else { return };
    let path = &lint.objects.paths[usize::from(path.0)];
    let spot = lint.document.channels[number].spot(&text.span);
    if path.sensors.is_empty() && path.gateway_mac.is_empty() && path.egress_addr.is_empty() {
        let words = Words::new(
            "この回線を通ったことを示す手掛かり(センサー、gateway_mac、egress_addr)がありません",
            "nothing can show that traffic took this path: it has no sensor, gateway_mac or egress_addr",
        );
        lint.say(Level::Warning, "L35", words, &spot, None);
    } else if !path.sensors.is_empty() {
        let ends: Vec<Selector> =
            channel.from.iter().chain(&channel.to).map(|end| lint.place(*end)).collect();
        let sees = |sensor: &u16| {
            let sensor = &lint.objects.sensors[usize::from(*sensor)];
            sensor.sees.iter().any(|seen| ends.contains(seen))
        };
        if !path.sensors.iter().any(sees) {
            let words = Words::new(
                "この回線のセンサーは、どちらの端も見ていません",
                "no sensor of this path sees either end of the channel",
            );
            lint.say(Level::Warning, "L35", words, &spot, None);
        }
    }
}

/// What concerns the policy as a whole: L22, L23, L34.
fn whole(lint: &mut Lint<'_>) {
    let Some(head) = &lint.document.policy else { return };
    let head_spot = head.spot(&head.value.id.span);
    if lint.objects.segments.is_empty() || lint.objects.channels.is_empty() {
        let words = Words::new(
            "系または許可が一つも書かれていません。監査は終了コード3になります",
            "there is no segment or no channel: an audit with this policy ends with exit code 3",
        );
        lint.say(Level::Warning, "L23", words, &head_spot, None);
    }
    if !lint.objects.epochs.is_empty() {
        let period = lint.objects.meta.period;
        let models = lint.objects.epochs.iter().filter(|epoch| epoch.model != Model::Migration);
        let covered = Periods::union(models.map(|epoch| epoch.period.and(&period)));
        if covered != Periods::union([period]) {
            let words = Words::new(
                "どの期(epochs)にも入らない時間があります。その間の通信は判定不能になります",
                "some time belongs to no epoch: traffic in it stays undecidable",
            );
            lint.say(Level::Warning, "L22", words, &head_spot, None);
        }
    }
    for (number, _) in lint.objects.segments.iter().enumerate() {
        let index = u16::try_from(number).unwrap_or(u16::MAX);
        let seen =
            |sensor: &super::item::Sensor| sensor.sees.contains(&Selector::Segment(SegmentIndex(index)));
        if lint.objects.sensors.iter().any(seen) {
            continue;
        }
        let entry = &lint.document.segments[number];
        let spot = entry.spot(&entry.value.id.span);
        let words = Words::new("この系を見るセンサーがありません", "no sensor sees this segment");
        let remedy = Words::new("sensors の sees に書きます", "name it in the sees of a sensor");
        lint.say(Level::Warning, "L34", words, &spot, Some(remedy));
    }
}
