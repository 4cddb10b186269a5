//! L02, L03, L30–L32, L40: places, channels and prohibitions against each other.

use std::collections::BTreeMap;

use super::{
    diagnostic::{Diagnostic, Level, Words},
    item::{Channel, DestinationIndex, Segment, Selector},
    lint::{Lint, ends, forbidden, hops},
    vocabulary::Match,
};
use crate::ground::model::address::Service;

pub(super) fn run(lint: &mut Lint<'_>) {
    segments(lint);
    zones(lint);
    channels(lint);
    contradictions(lint);
}

/// L02 and L03. Nested blocks are no fault: the longer one names the segment (RULES 1). The same block at the same
/// time must be told apart by VLAN, sensor or link address.
fn segments(lint: &mut Lint<'_>) {
    for (number, one) in lint.objects.segments.iter().enumerate() {
        for (other, two) in lint.objects.segments.iter().enumerate().skip(number + 1) {
            let Some(block) = one.cidr.iter().find(|block| two.cidr.contains(block)) else { continue };
            if !one.periods.meet(&two.periods) {
                continue;
            }
            let place = |number: usize| {
                let entry = &lint.document.segments[number];
                let text = entry.value.cidr.iter().find(|text| text.value.parse() == Ok(*block));
                entry.spot(text.map_or(&entry.value.id.span, |text| &text.span))
            };
            let labels = [
                (place(other), Words::new("同じ範囲", "the same block")),
                (place(number), Words::new("こちらにも", "and here")),
            ];
            let mut said = if are_apart(lint, one, two) {
                Diagnostic::new(
                    Level::Info,
                    "L03",
                    Words::new(
                        format!("「{}」と「{}」は同じ範囲です。VLANなどで区別します", one.id, two.id),
                        format!(
                            "`{}` and `{}` share a block; VLAN, sensor or MAC tells them apart",
                            one.id, two.id
                        ),
                    ),
                )
            } else {
                let code = if one.epochs == two.epochs { "L02" } else { "L03" };
                Diagnostic::error(
                    code,
                    Words::new(
                        format!("「{}」と「{}」は同じ時期に同じ範囲で、区別する手掛かりがありません", one.id, two.id),
                        format!("`{}` and `{}` share a block at the same time, and nothing tells them apart", one.id, two.id),
                    ),
                )
                .remedy(Words::new(
                    "vlan(重ならない番号)、sensors、mac_prefix のどれかで区別するか、期を分けます",
                    "tell them apart by vlan (no shared ids), sensors or mac_prefix, or give them other epochs",
                ))
            };
            said.labels.extend(labels);
            lint.out.push(said);
        }
    }
}

fn are_apart(lint: &Lint<'_>, one: &Segment, two: &Segment) -> bool {
    let disjoint = |one: &[u16], two: &[u16]| {
        !one.is_empty() && !two.is_empty() && one.iter().all(|number| !two.contains(number))
    };
    if disjoint(&one.vlan, &two.vlan) || disjoint(&one.sensors, &two.sensors) {
        return true;
    }
    let index = |id: &str| lint.objects.segments.iter().position(|segment| *segment.id == *id);
    let seen_by = |segment: &Segment| -> Vec<u16> {
        let place = index(&segment.id).and_then(|place| u16::try_from(place).ok());
        let selector = place.map(|place| Selector::Segment(super::item::SegmentIndex(place)));
        let sensors = (0u16..).zip(&lint.objects.sensors);
        sensors
            .filter(|(_, sensor)| selector.is_some_and(|selector| sensor.sees.contains(&selector)))
            .map(|(number, _)| number)
            .collect()
    };
    let macs = |one: &Segment, two: &Segment| {
        !one.mac_prefix.is_empty()
            && !two.mac_prefix.is_empty()
            && one.mac_prefix.iter().all(|prefix| {
                two.mac_prefix.iter().all(|other| !prefix.starts_with(other) && !other.starts_with(prefix))
            })
    };
    disjoint(&seen_by(one), &seen_by(two)) || macs(one, two)
}

/// A zone has no VLAN: a block that two places claim at the same time and one is a zone cannot be told apart.
fn zones(lint: &mut Lint<'_>) {
    for (number, zone) in lint.objects.zones.iter().enumerate() {
        let entry = &lint.document.zones[number];
        for (block, text) in zone.cidr.iter().zip(entry.value.cidr.iter().flatten()) {
            let later = lint.objects.zones.iter().skip(number + 1);
            let rival = lint
                .objects
                .segments
                .iter()
                .map(|segment| (&segment.id, &segment.cidr, &segment.periods))
                .chain(later.map(|zone| (&zone.id, &zone.cidr, &zone.periods)))
                .find(|(_, cidr, periods)| cidr.contains(block) && periods.meet(&zone.periods))
                .map(|(id, ..)| id.clone());
            if let Some(rival) = rival {
                let words = Words::new(
                    format!("「{}」と「{rival}」が同じ範囲を名乗っています", zone.id),
                    format!("`{}` and `{rival}` claim the same block", zone.id),
                );
                lint.say(Level::Error, "L02", words, &entry.spot(&text.span), None);
            }
        }
    }
}

/// L30, L31, L32. Only channels between the same two places can meet, so only those are compared.
fn channels(lint: &mut Lint<'_>) {
    let mut between: BTreeMap<(Selector, Selector), Vec<usize>> = BTreeMap::new();
    for (number, channel) in lint.objects.channels.iter().enumerate() {
        for (from, to) in ends(channel) {
            let group = between.entry((lint.place(from), lint.place(to))).or_default();
            if group.last() != Some(&number) {
                group.push(number);
            }
        }
    }
    let mut told = std::collections::BTreeSet::new();
    for group in between.values() {
        for (place, one) in group.iter().enumerate() {
            for two in &group[place + 1..] {
                if let Some(said) = compare(lint, *one, *two).filter(|_| told.insert((*one, *two))) {
                    lint.out.push(said);
                }
            }
        }
    }
}

fn compare(lint: &Lint<'_>, first: usize, second: usize) -> Option<Diagnostic> {
    let (one, two) = (&lint.objects.channels[first], &lint.objects.channels[second]);
    let meet = one.periods.meet(&two.periods)
        && one.services.iter().any(|service| two.services.iter().any(|other| share_ports(service, other)))
        && one.from.iter().any(|from| two.from.iter().any(|other| lint.meet(*from, *other)));
    let met: Vec<(Selector, Selector)> = one
        .to
        .iter()
        .flat_map(|to| two.to.iter().map(move |other| (*to, *other)))
        .filter(|(to, other)| lint.meet(*to, *other))
        .collect();
    if !meet || met.is_empty() {
        return None;
    }
    let (id_one, id_two) = (&one.id, &two.id);
    let (code, words, remedy) = if met.iter().all(|(to, other)| differ_by_name(lint, *to, *other)) {
        (
            "L32",
            Words::new(
                format!(
                    "「{id_one}」と「{id_two}」は名前だけで区別されます。名前(SNI)が見えない通信は判定不能です"
                ),
                format!(
                    "only names tell `{id_one}` and `{id_two}` apart: without a visible name a flow is undecidable"
                ),
            ),
            Words::new("できればアドレスの範囲を分けます", "separate their address blocks where possible"),
        )
    } else if shadows(lint, one, two) {
        (
            "L30",
            Words::new(
                format!("「{id_two}」は「{id_one}」に含まれ、効果がありません"),
                format!("`{id_two}` has no effect: `{id_one}` allows all of it"),
            ),
            Words::new("片方を消すか、広いほうを狭めます", "remove it, or narrow the wider one"),
        )
    } else if shadows(lint, two, one) {
        (
            "L30",
            Words::new(
                format!("「{id_one}」は「{id_two}」に含まれ、効果がありません"),
                format!("`{id_one}` has no effect: `{id_two}` allows all of it"),
            ),
            Words::new("片方を消すか、広いほうを狭めます", "remove it, or narrow the wider one"),
        )
    } else {
        (
            "L31",
            Words::new(
                format!("「{id_one}」と「{id_two}」は一部が重なります"),
                format!("`{id_one}` and `{id_two}` overlap in part"),
            ),
            Words::new(
                "重なる通信は、どちらか一方の条件を満たせば適合になります",
                "where they overlap, a flow conforms when it meets the conditions of either",
            ),
        )
    };
    let said = Diagnostic::warning(code, words)
        .at(&lint.channel_id(second), Words::new("この許可と", "this channel"))
        .at(&lint.channel_id(first), Words::new("この許可", "and this one"));
    Some(said.remedy(remedy))
}

const fn share_ports(one: &Service, two: &Service) -> bool {
    one.transport.0 == two.transport.0 && one.first <= two.last && two.first <= one.last
}

/// Both are destinations that ask for names, and no name is listed by both.
fn differ_by_name(lint: &Lint<'_>, one: Selector, two: Selector) -> bool {
    let (Selector::Destination(one), Selector::Destination(two)) = (one, two) else { return false };
    let asks = |index: DestinationIndex| lint.destination(index).matching != Match::Address;
    let names = |index: DestinationIndex| &lint.destination(index).fqdn;
    let shared = names(one).iter().any(|name| names(two).iter().any(|other| name.overlaps(other)));
    one != two && asks(one) && asks(two) && !shared
}

/// True when `wide` allows everything that `narrow` does, under no condition that `narrow` lacks (RULES 27: among
/// equals one channel that holds in full suffices).
fn shadows(lint: &Lint<'_>, wide: &Channel, narrow: &Channel) -> bool {
    let all = |wide: &[Selector], narrow: &[Selector]| {
        narrow.iter().all(|end| wide.iter().any(|other| covers(lint, *other, *end)))
    };
    let serves = |service: &Service| {
        wide.services.iter().any(|known| {
            known.transport == service.transport && known.first <= service.first && service.last <= known.last
        })
    };
    let limit = |wide: Option<u64>, narrow: Option<u64>| {
        wide.is_none_or(|wide| narrow.is_some_and(|narrow| narrow <= wide))
    };
    fn same<T: PartialEq>(wide: Option<&T>, narrow: Option<&T>) -> bool {
        wide.is_none() || wide == narrow
    }
    all(&wide.from, &narrow.from)
        && all(&wide.to, &narrow.to)
        && narrow.services.iter().all(serves)
        && wide.periods.and(&narrow.periods) == narrow.periods
        && wide.via == narrow.via
        && wide.app == narrow.app
        && same(wide.path.as_ref(), narrow.path.as_ref())
        && same(wide.encrypt.as_ref(), narrow.encrypt.as_ref())
        && same(wide.tenant.as_ref(), narrow.tenant.as_ref())
        && same(wide.download.as_ref(), narrow.download.as_ref())
        && same(wide.hours.as_ref(), narrow.hours.as_ref())
        && limit(wide.max_up_per_flow, narrow.max_up_per_flow)
        && limit(wide.max_down_per_flow, narrow.max_down_per_flow)
        && limit(wide.max_sources, narrow.max_sources)
}

/// True when every end that `narrow` names is one that `wide` names.
fn covers(lint: &Lint<'_>, wide: Selector, narrow: Selector) -> bool {
    use Selector::{Destination, Host, Segment, Zone};
    match (wide, narrow) {
        _ if wide == narrow => true,
        (Segment(_) | Zone(_), Host(host)) => lint.host(host).home == wide,
        (Zone(zone), Destination(index)) => lint.destination(index).zone == zone,
        (Destination(wide), Destination(narrow)) => {
            let addresses = &lint.addresses[usize::from(wide.0)];
            let (wide, narrow) = (lint.destination(wide), lint.destination(narrow));
            wide.matching == Match::Address
                && !narrow.cidr.is_empty()
                && narrow.cidr.iter().all(|block| addresses.holds(block))
        }
        _ => false,
    }
}

/// L40: a prohibition would win over a hop of the channel, or over the ends it connects.
fn contradictions(lint: &mut Lint<'_>) {
    for (number, channel) in lint.objects.channels.iter().enumerate() {
        let mut pairs = hops(channel);
        if !channel.via.is_empty() {
            pairs.extend(ends(channel));
        }
        for (place, forbid) in lint.objects.forbids.iter().enumerate() {
            let in_time = forbid.periods.meet(&channel.periods);
            let same_service = forbid.services.is_empty()
                || forbid.services.iter().any(|one| channel.services.iter().any(|two| share_ports(one, two)));
            if !in_time || !same_service {
                continue;
            }
            let hit = pairs.iter().find(|(from, to)| {
                forbidden(forbid)
                    .any(|(other_from, other_to)| lint.meet(*from, other_from) && lint.meet(*to, other_to))
            });
            let Some((from, _)) = hit else { continue };
            let entry = &lint.document.forbids[place];
            let words = Words::new(
                format!("許可「{}」は禁止「{}」と矛盾します(禁止が勝ちます)", channel.id, forbid.id),
                format!(
                    "the channel `{}` contradicts the prohibition `{}`, which wins",
                    channel.id, forbid.id
                ),
            );
            let said = Diagnostic::error("L40", words)
                .at(&lint.channel_end(number, *from), Words::new("許可", "allowed here"))
                .at(&entry.spot(&entry.value.id.span), Words::new("禁止", "forbidden here"))
                .remedy(Words::new(
                    "どちらかを消すか、範囲を狭めます",
                    "remove one of the two, or narrow it",
                ));
            lint.out.push(said);
        }
    }
}
