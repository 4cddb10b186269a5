//! `sekisho policy explain --flow`: a flow in words, and the steps of its judgement.

use std::{fmt::Write as _, net::SocketAddr};

use serde_json::json;

use super::{error::Error, outputs::print};
use crate::{
    ground::{
        calendar::parse_stamp,
        model::{
            address::{Service, Transport},
            decoded::TcpFlags,
            facts::{DirectionBasis, FlowFacts, SideFacts, TcpState},
            field::Field,
            identity::{Answer, Basis, Identity, Marks, Notes, TargetKind},
            key::{Endpoint, Side},
            lang::Lang,
            name::HostName,
            packet::Ordinal,
            time::Timestamp,
            verdict::{Judgement, StepKind},
        },
        words,
    },
    policy::language::Policy,
    verdict::{check, judge},
};

/// Explains the flow that `spec` describes.
///
/// # Errors
/// When the description cannot be read.
pub(super) fn run(policy: &Policy, spec: &str, as_json: bool, lang: Lang) -> Result<u8, Error> {
    let facts = facts(policy, spec)?;
    let mut judgement = judge::judge(policy, &facts, judge::Vantage { both_directions: true }, true);
    let mut fires = Vec::new();
    check::flow(policy, &facts, &mut judgement, &mut fires);
    let text = if as_json { machine(&judgement) } else { people(&judgement, lang) };
    print(&text)?;
    Ok(0)
}

fn machine(judgement: &Judgement) -> String {
    let steps: Vec<_> = judgement
        .steps
        .iter()
        .map(|step| json!({"step": step_code(step.kind), "detail": step.detail}))
        .collect();
    let value = json!({
        "verdict": judgement.verdict.code(),
        "causes": judgement.causes.iter().map(|note| note.cause.code()).collect::<Vec<_>>(),
        "channel": judgement.channel,
        "forbid": judgement.forbid,
        "grade": judgement.grade.code(),
        "findings": judgement.findings.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "steps": steps,
    });
    format!("{value}\n")
}

fn people(judgement: &Judgement, lang: Lang) -> String {
    let mut page = String::new();
    for (number, step) in judgement.steps.iter().enumerate() {
        let detail = match (step.detail.as_str(), lang) {
            ("no", Lang::Ja) => "いいえ",
            ("none", Lang::Ja) => "なし",
            (detail, _) => detail,
        };
        let _ = writeln!(page, "{:>2}. {}\n      {detail}", number + 1, step_words(step.kind, lang));
    }
    let verdict = words::verdict::verdict(judgement.verdict).of(lang);
    let meaning = words::verdict::verdict_meaning(judgement.verdict).of(lang);
    let _ = writeln!(page, "\n{verdict} ({})  {meaning}", judgement.grade.code());
    for note in judgement.causes.iter() {
        let argument = if note.argument.is_empty() { String::new() } else { format!(" [{}]", note.argument) };
        let _ = writeln!(
            page,
            "  - {}{argument} ({})",
            words::verdict::cause(note.cause).of(lang),
            note.cause.code()
        );
    }
    if !judgement.findings.is_empty() {
        let ids: Vec<_> = judgement.findings.iter().map(ToString::to_string).collect();
        let heading = if lang == Lang::Ja { "検査" } else { "checks" };
        let _ = writeln!(page, "  {heading}: {}", ids.join(" "));
    }
    page
}

const fn step_code(kind: StepKind) -> &'static str {
    match kind {
        StepKind::Force => "force",
        StepKind::Ends => "ends",
        StepKind::Multicast => "multicast",
        StepKind::Ipv6 => "ipv6",
        StepKind::Forbid => "forbid",
        StepKind::Targets => "targets",
        StepKind::SameSegment => "same_segment",
        StepKind::Channels => "channels",
        StepKind::Default => "default",
        StepKind::Checks => "checks",
    }
}

const fn step_words(kind: StepKind, lang: Lang) -> &'static str {
    let (ja, en) = match kind {
        StepKind::Force => ("その時刻に有効な台帳と期", "policy and epoch in force"),
        StepKind::Ends => ("両端はどの系・ゾーンか", "where both ends belong"),
        StepKind::Multicast => ("機器どうしの制御・一斉送信か", "link control and multicast"),
        StepKind::Ipv6 => ("IPv6を使わない決まりか", "IPv6 where it is denied"),
        StepKind::Forbid => ("明示の禁止に当たるか", "explicit prohibitions"),
        StepKind::Targets => ("中で指定された接続先と経由地", "targets named inside, and hops"),
        StepKind::SameSegment => ("同じ系の中か", "both ends in one segment"),
        StepKind::Channels => ("許可とその条件", "channels and their conditions"),
        StepKind::Default => ("どれにも当たらないとき", "what holds when nothing else does"),
        StepKind::Checks => ("検査が加えたこと", "what the checks added"),
    };
    match lang {
        Lang::Ja => ja,
        Lang::En => en,
    }
}

/// An answered flow with the names and amounts that the description gives.
fn facts(policy: &Policy, spec: &str) -> Result<FlowFacts, Error> {
    let mut words = spec.split_whitespace();
    let transport = words.next().and_then(transport).ok_or_else(|| bad(spec))?;
    let mut end = || words.next().and_then(|text| endpoint(text, transport)).ok_or_else(|| bad(spec));
    let (client, server) = (end()?, end()?);
    let side = SideFacts {
        packets: 10,
        wire_bytes: 5_000,
        captured_bytes: 5_000,
        payload_bytes: 4_000,
        ..SideFacts::default()
    };
    // Without `at=` a moment in the middle of the policy's validity, far from any border of its own.
    let period = policy.meta().period;
    let at = Timestamp::from_nanos(period.from.nanos() / 2 + period.last().nanos() / 2);
    let mut facts = FlowFacts {
        transport,
        opener: client,
        answerer: server,
        basis: DirectionBasis::Syn,
        sides: [side.clone(), side],
        first: at,
        last: at,
        ..FlowFacts::default()
    };
    if transport == Transport::TCP {
        facts.tcp = TcpState::Established;
        facts.sides[1].flags = TcpFlags::SYN.with(TcpFlags::ACK);
    }
    let mut identity = Identity::default();
    for word in words {
        let (key, value) = word.split_once('=').unwrap_or((word, ""));
        detail(policy, &mut facts, &mut identity, key, value).ok_or_else(|| bad_word(word))?;
    }
    facts.identity = identity;
    Ok(facts)
}

/// One `key=value`; `None` when it means nothing.
fn detail(
    policy: &Policy,
    facts: &mut FlowFacts,
    identity: &mut Identity,
    key: &str,
    value: &str,
) -> Option<()> {
    let mut notes = Notes::new(identity, Ordinal(1), facts.first);
    match key {
        "at" => {
            facts.first = parse_stamp(value)?;
            facts.last = facts.first;
        }
        "sni" => {
            notes.name(Field::Sni, value.as_bytes(), Side::Opener);
            encrypted(&mut notes);
        }
        "tls" if value.is_empty() => {
            notes.mark(Marks::HELLO_WITHOUT_NAME);
            encrypted(&mut notes);
        }
        "host" => {
            notes.app("http", Basis::Parsed);
            notes.mark(Marks::CLEARTEXT);
            notes.name(Field::HttpHost, value.as_bytes(), Side::Opener);
        }
        "connect" => {
            let (host, port) = value.rsplit_once(':')?;
            let port = port.parse().ok()?;
            notes.app("http", Basis::Parsed);
            let target = notes.target(TargetKind::Connect, HostName::new(host.as_bytes()), Some(port));
            notes.answer(target, Answer::Accepted);
        }
        "app" => identity.basis = app(identity, value)?,
        "up" => facts.sides[0].wire_bytes = value.parse().ok()?,
        "down" => facts.sides[1].wire_bytes = value.parse().ok()?,
        "sensor" => facts.sensor = policy.sensor_id(value)?,
        "vlan" => facts.sides[0].vlans.push(value.parse().ok()?),
        "unanswered" if value.is_empty() => {
            facts.sides[1] = SideFacts::default();
            facts.sides[0].payload_bytes = 0;
            facts.tcp = TcpState::SynSent;
        }
        _ => return None,
    }
    Some(())
}

fn encrypted(notes: &mut Notes<'_>) {
    notes.app("tls", Basis::Parsed);
    for mark in [
        Marks::CLIENT_HELLO,
        Marks::SERVER_HELLO,
        Marks::HANDSHAKE,
        Marks::ENCRYPTED_OPENER,
        Marks::ENCRYPTED_ANSWERER,
    ] {
        notes.mark(mark);
    }
}

fn app(identity: &mut Identity, word: &str) -> Option<Basis> {
    let known = crate::wire::proto::REGISTRY.iter().find(|protocol| protocol.name == word)?;
    identity.app = known.name;
    Some(Basis::Parsed)
}

fn transport(word: &str) -> Option<Transport> {
    match word {
        "tcp" => Some(Transport::TCP),
        "udp" => Some(Transport::UDP),
        "sctp" => Some(Transport::SCTP),
        other => other.parse::<Service>().ok().map(|service| service.transport),
    }
}

fn endpoint(text: &str, transport: Transport) -> Option<Endpoint> {
    if transport.has_ports() {
        let end: SocketAddr = text.parse().ok()?;
        return Some(Endpoint { addr: end.ip(), port: end.port() });
    }
    Some(Endpoint { addr: text.parse().ok()?, port: 0 })
}

fn bad(spec: &str) -> Error {
    let spec = words::escape::text(spec);
    Error::Option {
        ja: format!(
            "--flow '{spec}': 「方式 送信元 宛先 …」の形で書いてください\n  例: 'tcp 10.20.1.5:50000 198.51.100.10:443 sni=meet.cloud.example'"
        ),
        en: format!(
            "--flow '{spec}': expected \"protocol client server …\"\n  such as 'tcp 10.20.1.5:50000 198.51.100.10:443 sni=meet.cloud.example'"
        ),
    }
}

fn bad_word(word: &str) -> Error {
    let word = words::escape::text(word);
    let known = "at=2026-05-01T09:00:00+09:00 sni=NAME tls host=NAME connect=HOST:PORT app=WORD up=BYTES down=BYTES vlan=N sensor=ID unanswered";
    Error::Option {
        ja: format!("--flow の「{word}」は読めません。使えるもの: {known}"),
        en: format!("--flow: \"{word}\" means nothing; known are {known}"),
    }
}
