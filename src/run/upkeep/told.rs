//! A plan as a file of the policy language, with what was seen beside each proposal.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
    net::IpAddr,
    ops::Range,
};

use super::{
    cover::cover,
    evidence::{Evidence, Seen},
    learn::Line,
    plan::{End, Named, Plan, Proposed},
    written::{comment, list, string, table},
};
use crate::{
    ground::model::{lang::Lang, time::Timestamp, verdict::Grade},
    policy::language::{DestinationKind, Period, Policy, Role, SegmentClass, Selector, ZoneClass, ZoneIndex},
};

/// Letters of an id that is made from a name; what is left of 64 keeps two ids apart.
const ID_LEN_MAX: usize = 56;

/// The plan, written.
#[derive(Debug, Default)]
pub(super) struct Told {
    /// Places and channels, without what is not proposed.
    pub(super) text: String,
    /// Where each table stands, and the channels that need it.
    blocks: Vec<(Range<usize>, Vec<usize>)>,
    /// The ids, by channel: its own, from, to, via.
    pub(super) ids: Vec<Ids>,
}

/// How a proposed channel is named in the file.
#[derive(Clone, Debug)]
pub(super) struct Ids {
    pub(super) id: String,
    pub(super) from: Vec<String>,
    pub(super) to: String,
    pub(super) via: Option<String>,
}

impl Told {
    /// Writes a plan; `approval` stands in every channel.
    pub(super) fn of(policy: &Policy, plan: &Plan, approval: &str) -> Self {
        let mut writer =
            Writer { policy, plan, taken: taken(policy), ids: BTreeMap::new(), told: Self::default() };
        writer.told.text += HEAD;
        writer.places();
        for number in 0..plan.channels.len() {
            writer.channel(number, approval);
        }
        writer.told
    }

    /// The channels that the table at this offset belongs to.
    pub(super) fn channels_at(&self, offset: usize) -> &[usize] {
        let found = self.blocks.iter().find(|(range, _)| range.contains(&offset));
        found.map_or(&[], |(_, channels)| channels)
    }
}

struct Writer<'a> {
    policy: &'a Policy,
    plan: &'a Plan,
    taken: BTreeSet<String>,
    ids: BTreeMap<End, String>,
    told: Told,
}

impl Writer<'_> {
    /// Machines and destinations, each once, before the channels that name them.
    fn places(&mut self) {
        let plan = self.plan;
        let mut used: BTreeMap<&End, (Vec<usize>, bool)> = BTreeMap::new();
        for (number, channel) in plan.channels.iter().enumerate() {
            let proxy = if channel.asks { channel.via.as_ref().unwrap_or(&channel.to) } else { &channel.to };
            let ends = channel.from.iter().chain([&channel.to]).chain(&channel.via);
            for end in ends.filter(|end| !matches!(end, End::Known(_))) {
                let entry = used.entry(end).or_default();
                entry.0.push(number);
                // What is reached behind a `via` is a proxy as well: it was asked for targets.
                entry.1 |= channel.asks && (end == proxy || *end == channel.to);
            }
        }
        for (end, (channels, is_proxy)) in used {
            let start = self.told.text.len();
            match end {
                End::Machine(home, addr) => self.machine(end, *home, *addr, is_proxy),
                End::Block(zone, block) => {
                    let id = format!("d-{}", block.addr());
                    self.destination(end, *zone, &[], &[block.to_string()], &id);
                }
                End::Named(place) => {
                    let Named { zone, names, addresses } = &plan.named[*place];
                    let names: Vec<_> = names.iter().map(String::as_str).collect();
                    let blocks: Vec<_> = cover(addresses).iter().map(ToString::to_string).collect();
                    let id = format!("d-{}", names.first().unwrap_or(&"name"));
                    self.destination(end, *zone, &names, &blocks, &id);
                }
                End::Known(_) => {}
            }
            self.told.blocks.push((start..self.told.text.len(), channels));
        }
    }

    fn machine(&mut self, end: &End, home: Selector, addr: IpAddr, is_proxy: bool) {
        let id = self.id(end, &format!("h-{addr}"));
        let field = if matches!(home, Selector::Zone(_)) { "zone" } else { "segment" };
        let role = if is_proxy { Role::Proxy } else { Role::Server };
        let keys = [
            ("id", string(&id)),
            (field, string(self.policy.id_of(home))),
            ("addr", list([addr])),
            ("role", string(role.word())),
        ];
        self.told.text += &table("hosts", &keys);
        self.told.text.push('\n');
    }

    fn destination(&mut self, end: &End, zone: ZoneIndex, names: &[&str], blocks: &[String], id: &str) {
        let id = self.id(end, id);
        let place = self.policy.zone(zone);
        let (kind, remark) = kind(place.class, names);
        let mut keys =
            vec![("id", string(&id)), ("zone", string(&place.id)), ("kind", string(kind.word()) + remark)];
        if !names.is_empty() {
            keys.push(("fqdn", list(names)));
        }
        keys.push(("cidr", list(blocks)));
        keys.push(("match", string(if names.is_empty() { "address" } else { "name+address" })));
        self.told.text += &table("destinations", &keys);
        self.told.text.push('\n');
    }

    fn channel(&mut self, number: usize, approval: &str) {
        let channel = &self.plan.channels[number];
        let ids = Ids {
            id: self.free(&format!("learned-{:03}", number + 1)),
            from: channel.from.iter().map(|end| self.id_of(end)).collect(),
            to: self.id_of(&channel.to),
            via: channel.via.as_ref().map(|end| self.id_of(end)),
        };
        let start = self.told.text.len();
        let _ = writeln!(self.told.text, "# ---- 案 {}: 未承認 ----", number + 1);
        self.told.text += &comment(&self.story(channel));
        let mut keys = vec![
            ("id", string(&ids.id)),
            ("from", list(&ids.from)),
            ("to", list([&ids.to])),
            ("services", list(&channel.services)),
        ];
        let is_maintenance = self.is_over_a_dedicated_line(channel);
        let kind = match (is_maintenance, channel.evidence.is_screen) {
            (true, _) => "maintenance",
            (false, true) => "screen",
            (false, false) => "normal",
        };
        keys.push(("kind", string(kind)));
        if let Some(via) = &ids.via {
            keys.push(("via", list([via])));
        }
        // What is asked of a proxy need not be encrypted because its way there is.
        if channel.evidence.is_encrypted && !channel.asks {
            keys.push(("encrypt", string("required")));
        }
        keys.push(("purpose_ja", string("通信の記録から起こした案(目的を書き直す)")));
        keys.push(("clause", string(self.clause(channel))));
        keys.push(("approval", string(approval)));
        if let Some((from, until)) = self.days(channel).filter(|_| is_maintenance) {
            keys.push(("valid_from", from));
            keys.push(("valid_until", until));
        }
        self.told.text += &table("channels", &keys);
        self.told.text.push('\n');
        self.told.blocks.push((start..self.told.text.len(), vec![number]));
        self.told.ids.push(ids);
    }

    /// What was seen, and what a person must look at.
    fn story(&self, channel: &Proposed) -> String {
        let evidence = &channel.evidence;
        let mut story = seen(self.policy, &evidence.seen, Lang::Ja);
        let clients = evidence.clients.len();
        let more = if evidence.has_more_clients { "以上" } else { "" };
        let _ = write!(
            story,
            "\n開いた機器: {clients}台{more}。証拠の等級: {}({})",
            evidence.grade.code(),
            grade(evidence.grade)
        );
        for note in self.notes(channel) {
            let _ = write!(story, "\n注意: {note}");
        }
        story
    }

    fn notes(&self, channel: &Proposed) -> Vec<String> {
        let Evidence { undecidable, unsure, is_out_of_force, is_reversed, .. } = channel.evidence;
        let is_whole = channel.from.iter().any(|end| matches!(end, End::Known(Selector::Segment(_))));
        let is_maintenance = self.is_over_a_dedicated_line(channel);
        let checks = &channel.evidence.checks;
        let told: Vec<_> = checks.iter().map(ToString::to_string).collect();
        let notes = [
            (
                !checks.is_empty(),
                format!(
                    "検査 {} が指摘した通信を含みます。目的を確かめてから許可してください",
                    told.join(" ")
                ),
            ),
            (undecidable > 0, format!("判定不能だった通信が{undecidable}件あります")),
            (unsure > 0, format!("どちらが開いたか確かでない通信が{unsure}件あります")),
            (is_out_of_force, "台帳の有効期間の外の記録を、期間の中ほどの台帳で読みました".to_owned()),
            (is_reversed, "台帳には逆向きの許可があります。向きを確かめてください".to_owned()),
            (is_whole, "系全体からの許可です。開く機器が決まっているなら、hosts に書いて狭めます".to_owned()),
            (channel.asks, "Proxyに頼む接続先は、このProxyに任せることになります".to_owned()),
            (is_maintenance, "専用線からの保守とみて、記録のあった日だけの案にしました".to_owned()),
        ];
        notes.into_iter().filter(|(holds, _)| *holds).map(|(_, note)| note).collect()
    }

    fn is_over_a_dedicated_line(&self, channel: &Proposed) -> bool {
        let is_dedicated = |end: &End| matches!(end, End::Block(zone, _) if self.policy.zone(*zone).class == ZoneClass::Dedicated);
        channel.from.iter().any(is_dedicated)
    }

    /// The whole days on which it was seen, as a policy writes them; none where the policy was not in force then.
    fn days(&self, channel: &Proposed) -> Option<(String, String)> {
        let (first, last) = channel.evidence.seen.span.filter(|_| !channel.evidence.is_out_of_force)?;
        let clock = self.policy.clock();
        let end = |at: Timestamp| clock.end_of(clock.day(at));
        let day_before = Timestamp::from_secs(first.secs().saturating_sub(86_400));
        let period = Period { from: end(day_before)?, until: end(last)? };
        let text = |at: Timestamp| {
            let text = at.text();
            format!("{}Z", String::from_utf8_lossy(&text[..19]))
        };
        Some((text(period.from), text(period.last_second())))
    }

    fn clause(&self, channel: &Proposed) -> &'static str {
        let class = |end: &End| match end {
            End::Known(selector) | End::Machine(selector, _) => match selector {
                Selector::Segment(segment) => Some(self.policy.segment(*segment).class),
                other => self.policy.class_of(*other),
            },
            End::Block(..) | End::Named(_) => None,
        };
        let classes: Vec<_> = channel.from.iter().chain([&channel.to]).filter_map(class).collect();
        if classes.contains(&SegmentClass::Mynumber) {
            "2-2-3(1)①"
        } else if classes.iter().any(|class| matches!(class, SegmentClass::Lgwan | SegmentClass::Boundary)) {
            "2-2-3(2)①"
        } else {
            "2-2-3(3)"
        }
    }

    fn id_of(&self, end: &End) -> String {
        match end {
            End::Known(selector) => self.policy.id_of(*selector).to_string(),
            other => self.ids.get(other).cloned().unwrap_or_default(),
        }
    }

    fn id(&mut self, end: &End, wanted: &str) -> String {
        let fits = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_' | '.');
        let wanted: String =
            wanted.chars().take(ID_LEN_MAX).map(|letter| if fits(letter) { letter } else { '-' }).collect();
        let id = self.free(&wanted);
        self.ids.insert(end.clone(), id.clone());
        id
    }

    /// An id that nothing bears yet.
    fn free(&mut self, wanted: &str) -> String {
        let numbered = (2..).map(|number| format!("{wanted}-{number}"));
        let free = std::iter::once(wanted.to_owned()).chain(numbered).find(|id| !self.taken.contains(id));
        let id = free.unwrap_or_default();
        self.taken.insert(id.clone());
        id
    }
}

fn taken(policy: &Policy) -> BTreeSet<String> {
    let segments = policy.segments().iter().map(|it| &it.id);
    let zones = policy.zones().iter().map(|it| &it.id);
    let hosts = policy.hosts().iter().map(|it| &it.id);
    let destinations = policy.destinations().iter().map(|it| &it.id);
    let channels = policy.channels().iter().map(|it| &it.id);
    let forbids = policy.forbids().iter().map(|it| &it.id);
    let all = segments.chain(zones).chain(hosts).chain(destinations).chain(channels).chain(forbids);
    all.map(ToString::to_string).collect()
}

/// What a destination most likely is; only the city knows.
fn kind(class: ZoneClass, names: &[&str]) -> (DestinationKind, &'static str) {
    let is_asp = |name: &&str| name.contains(".asp.");
    match class {
        ZoneClass::LgwanWan if names.iter().any(is_asp) => {
            (DestinationKind::LgwanAsp, "   # 推定。契約しているLGWAN-ASPか確かめる")
        }
        ZoneClass::LgwanWan => (DestinationKind::PublicSystem, "   # 推定。公的なシステムか確かめる"),
        _ => (DestinationKind::Other, "   # 種別を確かめる"),
    }
}

const fn grade(grade: Grade) -> &'static str {
    match grade {
        Grade::G0 => "手掛かりなし",
        Grade::G1 => "アドレスだけ、片方向",
        Grade::G2 => "端末が申告した名前",
        Grade::G3 => "名前をDNSの答えも示した",
        Grade::G4 => "証明書も一致、または両方向のアドレス",
    }
}

/// Counts in one line.
pub(super) fn seen(policy: &Policy, seen: &Seen, lang: Lang) -> String {
    let Seen { flows, bytes_up, bytes_down, span } = *seen;
    let span = span.map(|(first, last)| [first, last].map(|at| local(policy, at)));
    let [first, last] = span.unwrap_or_default();
    match lang {
        Lang::Ja => {
            format!("見えた通信: {flows}件、上り{bytes_up}・下り{bytes_down}バイト、{first} から {last} まで")
        }
        Lang::En => format!("{flows} flows, {bytes_up} bytes up and {bytes_down} down, {first} to {last}"),
    }
}

/// To the minute, in the policy's time zone.
fn local(policy: &Policy, at: Timestamp) -> String {
    let (year, month, day) = policy.clock().date(at);
    let minute = policy.clock().minute_of_day(at);
    format!("{year:04}-{month:02}-{day:02} {:02}:{:02}", minute / 60, minute % 60)
}

/// What is not proposed, as remarks at the end of the file.
pub(super) fn left_out(policy: &Policy, refused: &[Line], unanswered: &[Line]) -> String {
    let mut text = String::new();
    if !refused.is_empty() {
        text += "# ==== 提案しないもの(理由と、確かめる先) ====\n";
    }
    for line in refused {
        text += "#\n";
        text += &comment(&format!("{}\n  {}", line.flow, seen(policy, &line.seen, Lang::Ja)));
        if let Some(reason) = &line.reason {
            text += &comment(&format!("  {}\n  → {}", reason.what().ja, reason.ask(Lang::Ja)));
        }
    }
    if !unanswered.is_empty() {
        text += "#\n# ==== 応答なし(遮断が効いた可能性があるので、提案しません) ====\n";
    }
    for line in unanswered {
        text += &comment(&format!("{}  {}", line.flow, seen(policy, &line.seen, Lang::Ja)));
    }
    text
}

const HEAD: &str = "\
# 通信の記録から起こした許可の案です(sekisho policy learn)。
# どの案も未承認です。一つずつ目的を確かめ、要るものだけ承認を受けて「未承認」を承認の番号に書き換え、要らないものは消します。
# 書き換えるまで、sekisho policy check はこの台帳を誤りとし、監査はこの台帳を受け付けません。
schema = \"sekisho-policy/1\"

";
