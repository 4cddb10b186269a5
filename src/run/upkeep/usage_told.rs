//! The use of channels, for people and for machines.

use std::fmt::Write as _;

use serde_json::{Map, Value, json};

use super::usage::{DAYS_THAT_PROVE, Expiring, Hosts, Permission, Reason, Side, Usage, Use, Wide, shadowed};
use crate::{
    ground::{
        model::{cause::Cause, lang::Lang, time::Timestamp, verdict::Verdict},
        words::{
            escape,
            run::{bytes, grouped},
            verdict as words,
        },
    },
    policy::language::Diagnostic,
};

/// Version of the JSON.
const SCHEMA: &str = "sekisho-policy-usage/1";
/// Flows by verdict are told worst first.
const WORST_FIRST: [usize; Verdict::ALL.len()] = [4, 3, 2, 1, 0];

/// For people.
#[must_use]
pub fn page(usage: &Usage<'_>, notes: &[Diagnostic], lang: Lang) -> String {
    let mut page = String::new();
    window(usage, lang, &mut page);
    section(
        &mut page,
        lang,
        "許可ごとの使用",
        "use of each channel",
        usage.channels().map(|(channel, used)| {
            let approval = escape::text(&channel.approval);
            let head = match lang {
                Lang::Ja => format!("{}(承認 {approval})", escape::text(&channel.id)),
                Lang::En => format!("{} (approval {approval})", escape::text(&channel.id)),
            };
            format!("{head}\n    {}", use_line(usage, used, lang))
        }),
    );
    let dead = usage.dead().map(|(channel, could)| {
        let (id, approval) = (escape::text(&channel.id), escape::text(&channel.approval));
        let purpose = escape::text(&channel.purpose_ja);
        match (lang, could) {
            (Lang::Ja, true) => format!("{id}(承認 {approval}) {purpose}"),
            (Lang::Ja, false) => {
                format!("{id}(承認 {approval}) {purpose} … 観測した期間には有効でありません")
            }
            (Lang::En, true) => format!("{id} (approval {approval}) {purpose}"),
            (Lang::En, false) => {
                format!("{id} (approval {approval}) {purpose} … did not hold while packets were observed")
            }
        }
    });
    section(&mut page, lang, "使われなかった許可(通信0)", "channels without a flow", dead);
    let shadow = shadowed(notes).map(|note| escape::text(note.message.of(lang)));
    section(&mut page, lang, "効果のない許可(L30)", "channels without effect (L30)", shadow);
    let wide = usage.wide();
    section(
        &mut page,
        lang,
        "広すぎる許可",
        "channels wider than their use",
        wide.iter().map(|wide| wide_line(wide, lang)),
    );
    let expiring = usage.expiring();
    let told = expiring.iter().map(|expiring| expiring_line(usage, expiring, lang));
    section(
        &mut page,
        lang,
        "期限が60日以内、または過ぎたもの",
        "what ends within 60 days, or is over",
        told,
    );
    let reasons =
        usage.reasons().map(|(reason, flows)| format!("{} {}", grouped(flows), reason_words(reason, lang)));
    section(&mut page, lang, "許可によらない通信(理由別)", "flows without a channel, by reason", reasons);
    let unknown = usage.unknown().map(|(id, flows)| format!("{} {}", grouped(flows), escape::text(id)));
    section(
        &mut page,
        lang,
        "この台帳に無い許可による通信(台帳の版が違います)",
        "flows of channels that this policy does not have (another version)",
        unknown,
    );
    page
}

/// What was observed, and how much that proves.
fn window(usage: &Usage<'_>, lang: Lang, page: &mut String) {
    let (flows, days) = (grouped(usage.flows()), usage.days());
    let Some((first, last)) = usage.span() else {
        page.push_str(if lang == Lang::Ja {
            "観測した通信がありません\n"
        } else {
            "no flow was observed\n"
        });
        return;
    };
    let (first, last) = (stamp(usage, first), stamp(usage, last));
    let _ = match lang {
        Lang::Ja => writeln!(page, "観測した期間: {first} から {last} まで({days}日)、通信{flows}"),
        Lang::En => writeln!(page, "observed: {first} to {last} ({days} days), {flows} flows"),
    };
    if days < DAYS_THAT_PROVE {
        let _ = match lang {
            Lang::Ja => writeln!(
                page,
                "注意: {DAYS_THAT_PROVE}日に満たない観測では、使われていないことの証拠は弱いものです(月次・年次の業務があります)"
            ),
            Lang::En => writeln!(
                page,
                "note: less than {DAYS_THAT_PROVE} days prove little of what was not seen (some jobs run monthly or yearly)"
            ),
        };
    }
}

/// Nothing to tell is said too.
fn section(page: &mut String, lang: Lang, ja: &str, en: &str, lines: impl Iterator<Item = String>) {
    let _ = writeln!(page, "\n{}:", if lang == Lang::Ja { ja } else { en });
    let before = page.len();
    lines.for_each(|line| page.push_str(&format!("  {line}\n")));
    if page.len() == before {
        page.push_str(if lang == Lang::Ja { "  なし\n" } else { "  none\n" });
    }
}

fn use_line(usage: &Usage<'_>, used: &Use, lang: Lang) -> String {
    let Some((first, last)) = used.span else {
        return if lang == Lang::Ja { "通信0" } else { "no flow" }.to_owned();
    };
    let (first, last) = (stamp(usage, first), stamp(usage, last));
    let verdicts: Vec<_> = WORST_FIRST
        .into_iter()
        .filter(|place| used.verdicts[*place] > 0)
        .map(|place| {
            format!("{} {}", words::verdict(Verdict::ALL[place]).of(lang), grouped(used.verdicts[place]))
        })
        .collect();
    let (flows, up, down) = (grouped(used.flows), bytes(used.bytes_up), bytes(used.bytes_down));
    let (clients, servers) = (counted(&used.clients, lang), counted(&used.servers, lang));
    match lang {
        Lang::Ja => format!(
            "通信{flows}({})、通信元{clients}台、通信先{servers}台、上り{up}、下り{down}、{first} から {last} まで",
            verdicts.join("、")
        ),
        Lang::En => format!(
            "flows {flows} ({}), clients {clients}, servers {servers}, up {up}, down {down}, {first} to {last}",
            verdicts.join(", ")
        ),
    }
}

fn counted(hosts: &Hosts, lang: Lang) -> String {
    let count = grouped(hosts.count() as u64);
    match (hosts.is_bounded(), lang) {
        (false, _) => count,
        (true, Lang::Ja) => format!("{count}以上の"),
        (true, Lang::En) => format!("{count} or more"),
    }
}

fn wide_line(wide: &Wide<'_>, lang: Lang) -> String {
    let id = escape::text(&wide.channel.id);
    let approval = escape::text(&wide.channel.approval);
    let hosts: Vec<_> = wide.hosts.iter().map(|host| host.to_string()).collect();
    let (count, hosts) = (hosts.len(), hosts.join(", "));
    let allowed = match (wide.places.is_empty(), wide.addresses, lang) {
        (true, addresses, Lang::Ja) => format!("{addresses}アドレス"),
        (true, addresses, Lang::En) => format!("{addresses} addresses"),
        (false, _, Lang::Ja) => format!("{} の全体", wide.places.join(", ")),
        (false, _, Lang::En) => format!("all of {}", wide.places.join(", ")),
    };
    match (lang, wide.side) {
        (Lang::Ja, Side::From) => {
            format!("{id}(承認 {approval}) 通信元に {allowed} を許可、使ったのは{count}台: {hosts}")
        }
        (Lang::Ja, Side::To) => {
            format!("{id}(承認 {approval}) 通信先に {allowed} を許可、使われたのは{count}台: {hosts}")
        }
        (Lang::En, Side::From) => {
            format!("{id} (approval {approval}) allows {allowed} as client, used by {count}: {hosts}")
        }
        (Lang::En, Side::To) => {
            format!("{id} (approval {approval}) allows {allowed} as server, used were {count}: {hosts}")
        }
    }
}

fn expiring_line(usage: &Usage<'_>, expiring: &Expiring<'_>, lang: Lang) -> String {
    let (last, approval) = (stamp(usage, expiring.last), escape::text(expiring.approval));
    let what = match (expiring.what, lang) {
        (Permission::Policy(id), Lang::Ja) => format!("台帳全体 {}", escape::text(id)),
        (Permission::Policy(id), Lang::En) => format!("the policy {}", escape::text(id)),
        (Permission::Channel(id), _) => escape::text(id),
        (Permission::Accept(id, finding), Lang::Ja) => {
            format!("例外 {} {}", escape::text(id), escape::text(finding))
        }
        (Permission::Accept(id, finding), Lang::En) => {
            format!("acceptance {} {}", escape::text(id), escape::text(finding))
        }
    };
    match (lang, expiring.is_over) {
        (Lang::Ja, true) => format!("{what}(承認 {approval}) 期限切れ {last}"),
        (Lang::Ja, false) => format!("{what}(承認 {approval}) {last} まで"),
        (Lang::En, true) => format!("{what} (approval {approval}) over since {last}"),
        (Lang::En, false) => format!("{what} (approval {approval}) until {last}"),
    }
}

fn reason_words(reason: &Reason, lang: Lang) -> String {
    match (reason, lang) {
        (Reason::Forbidden(id), Lang::Ja) => format!("禁止 {}", escape::text(id)),
        (Reason::Forbidden(id), Lang::En) => format!("prohibition {}", escape::text(id)),
        (Reason::Verdict(Verdict::Violating, _), Lang::Ja) => "違反(許可がない)".to_owned(),
        (Reason::Verdict(Verdict::Violating, _), Lang::En) => "violating (no channel allows it)".to_owned(),
        (Reason::Verdict(verdict, None), lang) => words::verdict(*verdict).of(lang).to_owned(),
        (Reason::Verdict(verdict, Some(code)), lang) => {
            let known = Cause::ALL.iter().find(|cause| cause.code() == code);
            let cause =
                known.map_or_else(|| escape::text(code), |cause| words::cause(*cause).of(lang).to_owned());
            format!("{}: {cause}", words::verdict(*verdict).of(lang))
        }
        (Reason::Unjudged, Lang::Ja) => "判定なし(台帳なしの結果)".to_owned(),
        (Reason::Unjudged, Lang::En) => "no verdict (a run without a policy)".to_owned(),
        (Reason::Others, Lang::Ja) => "そのほかの理由".to_owned(),
        (Reason::Others, Lang::En) => "other reasons".to_owned(),
    }
}

/// A minute on the clocks of the city.
fn stamp(usage: &Usage<'_>, at: Timestamp) -> String {
    let clock = usage.policy().clock();
    let minute = clock.minute_of_day(at);
    format!("{} {:02}:{:02}", clock.day(at), minute / 60, minute % 60)
}

/// For machines.
#[must_use]
pub fn json(usage: &Usage<'_>, notes: &[Diagnostic]) -> Value {
    let meta = usage.policy().meta();
    let channels = usage.channels().map(|(channel, used)| {
        let verdicts: Map<_, _> = Verdict::ALL
            .into_iter()
            .zip(used.verdicts)
            .map(|(verdict, flows)| (verdict.code().to_owned(), flows.into()))
            .collect();
        json!({
            "channel": &*channel.id, "approval": &*channel.approval, "flows": used.flows,
            "first": used.span.map(|(first, _)| first.to_string()), "last": used.span.map(|(_, last)| last.to_string()),
            "bytes_up": used.bytes_up, "bytes_down": used.bytes_down, "verdicts": verdicts,
            "clients": hosts_json(&used.clients), "servers": hosts_json(&used.servers),
        })
    });
    let wide = usage.wide();
    let wide = wide.iter().map(|wide| {
        json!({
            "channel": &*wide.channel.id, "approval": &*wide.channel.approval,
            "side": if wide.side == Side::From { "from" } else { "to" },
            "places": wide.places, "addresses": wide.addresses.to_string(),
            "hosts": wide.hosts.iter().map(|host| host.to_string()).collect::<Vec<_>>(),
        })
    });
    let reasons = usage.reasons().map(|(reason, flows)| {
        let (verdict, forbid, cause) = match reason {
            Reason::Forbidden(id) => (None, Some(id.as_str()), None),
            Reason::Verdict(verdict, cause) => (Some(verdict.code()), None, cause.as_deref()),
            Reason::Unjudged => (None, None, None),
            Reason::Others => (Some("others"), None, None),
        };
        json!({ "verdict": verdict, "forbid": forbid, "cause": cause, "flows": flows })
    });
    json!({
        "schema": SCHEMA,
        "policy": { "id": &*meta.id, "version": &*meta.version },
        "window": {
            "first": usage.span().map(|(first, _)| first.to_string()),
            "last": usage.span().map(|(_, last)| last.to_string()),
            "days": usage.days(), "proves_little": usage.days() < DAYS_THAT_PROVE,
        },
        "flows": usage.flows(),
        "channels": channels.collect::<Vec<_>>(),
        "dead": usage.dead().map(|(channel, could)| json!({
            "channel": &*channel.id, "approval": &*channel.approval, "in_force": could,
        })).collect::<Vec<_>>(),
        "shadowed": shadowed(notes).map(Diagnostic::to_json).collect::<Vec<_>>(),
        "wide": wide.collect::<Vec<_>>(),
        "expiring": usage.expiring().iter().map(expiring_json).collect::<Vec<_>>(),
        "without_channel": reasons.collect::<Vec<_>>(),
        "unknown_channels": usage.unknown().map(|(id, flows)| json!({ "channel": id, "flows": flows })).collect::<Vec<_>>(),
    })
}

fn hosts_json(hosts: &Hosts) -> Value {
    json!({ "count": hosts.count(), "or_more": hosts.is_bounded() })
}

fn expiring_json(expiring: &Expiring<'_>) -> Value {
    let (kind, id, finding) = match expiring.what {
        Permission::Policy(id) => ("policy", id, None),
        Permission::Channel(id) => ("channel", id, None),
        Permission::Accept(id, finding) => ("accept", id, Some(finding)),
    };
    json!({
        "kind": kind, "id": id, "finding": finding, "approval": expiring.approval,
        "valid_until": expiring.last.to_string(), "over": expiring.is_over,
    })
}
