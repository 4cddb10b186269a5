//! From what was written to what was meant: words, addresses, times, references. All faults of a policy are told
//! together.

use std::{collections::BTreeMap, net::IpAddr, str::FromStr, sync::Arc};

use super::{
    compiled::Objects,
    diagnostic::{Diagnostic, Spot, Words, nearest},
    document::{Document, Text},
    item::{
        DestinationIndex, EpochIndex, HostIndex, Meta, PathIndex, SegmentIndex, Selector, SourceFile,
        ZoneIndex,
    },
    period::{Period, Periods},
    text::{At, Choice, Entry, Stamp, unknown_word},
    vocabulary::{Case, Model, Word},
};
use crate::ground::{
    calendar::{Day, LocalClock, parse_stamp},
    model::{
        address::{Prefix, Service},
        finding::Severity,
        pattern::{BadPattern, NamePattern},
        time::Timestamp,
    },
};

/// The lists that destinations import, by the destination's id.
pub(super) type Imports = BTreeMap<String, Imported>;

/// A list as it was read.
pub(super) struct Imported {
    pub(super) text: String,
    pub(super) sha256: [u8; 32],
    /// The list that is taken away from it.
    pub(super) minus: Option<(String, [u8; 32])>,
}

/// Objects of one kind: their numbers are 16 bits wide.
const OBJECTS_MAX: usize = 65_535;
/// Letters of an id.
const ID_LEN_MAX: usize = 64;

/// What is known while a document is being resolved.
pub(super) struct Resolver<'a> {
    pub(super) document: &'a Document,
    pub(super) out: &'a mut Vec<Diagnostic>,
    pub(super) clock: LocalClock,
    pub(super) whole: Period,
    /// The day on which the age of lists is looked at.
    pub(super) today: Day,
    /// Segments, zones, hosts and destinations share one space of ids: `from` and `to` name them all.
    pub(super) places: BTreeMap<&'a str, Selector>,
    pub(super) epochs: BTreeMap<&'a str, EpochIndex>,
    pub(super) epoch_periods: Vec<(Model, Period)>,
    pub(super) sensors: BTreeMap<&'a str, u16>,
    pub(super) paths: BTreeMap<&'a str, PathIndex>,
}

/// Resolves a document. `None` when not even the head can be understood.
pub(super) fn resolve(
    document: &Document,
    files: Vec<SourceFile>,
    imports: &Imports,
    today: Option<Timestamp>,
    out: &mut Vec<Diagnostic>,
) -> Option<Objects> {
    let Some(head) = &document.policy else {
        out.push(
            Diagnostic::error("T03", Words::new("[policy]の節がありません", "there is no [policy] section"))
                .remedy(Words::new("[policy] に id, title_ja, org_ja, model, guideline, version, valid_from, valid_until を書きます", "write [policy] with id, title_ja, org_ja, model, guideline, version, valid_from, valid_until")),
        );
        return None;
    };
    let timezone = head.value.timezone.as_ref().map_or("Asia/Tokyo", |zone| zone.value.as_str());
    let clock = LocalClock::new(timezone);
    if let (None, Some(zone)) = (&clock, &head.value.timezone) {
        out.push(
            Diagnostic::error("T04", Words::new("この時間帯はありません", "there is no such time zone"))
                .at(&head.spot(&zone.span), Words::new("ここ", "here"))
                .remedy(Words::new("timezone = \"Asia/Tokyo\"", "timezone = \"Asia/Tokyo\"")),
        );
    }
    let clock = clock.or_else(|| LocalClock::new("UTC"))?;
    let mut resolver = Resolver {
        document,
        out,
        today: clock.day(Timestamp::default()),
        clock,
        whole: Period::ALWAYS,
        places: BTreeMap::new(),
        epochs: BTreeMap::new(),
        epoch_periods: Vec::new(),
        sensors: BTreeMap::new(),
        paths: BTreeMap::new(),
    };
    let meta = resolver.head(head, files, timezone);
    resolver.whole = meta.period;
    // A list cannot be too old for a policy that is over: it was in its time, or not.
    let at = today.unwrap_or(meta.period.from).min(meta.period.until);
    resolver.today = resolver.clock.day(at);
    resolver.ids();
    let epochs = resolver.epoch_list();
    resolver.epoch_periods = epochs.iter().map(|epoch| (epoch.model, epoch.period)).collect();
    let defaults = resolver.defaults();
    let segments = resolver.segment_list();
    let zones = resolver.zone_list();
    let hosts = resolver.host_list(&segments, &zones);
    let destinations = resolver.destination_list(&zones, imports);
    Some(Objects {
        defaults,
        sensors: resolver.sensor_list(),
        paths: resolver.path_list(),
        channels: resolver.channel_list(),
        forbids: resolver.forbid_list(),
        accepts: resolver.accept_list(&hosts),
        checks: resolver.check_map(),
        deviations: Vec::new(),
        clock: resolver.clock,
        meta,
        epochs,
        segments,
        zones,
        hosts,
        destinations,
    })
}

impl<'a> Resolver<'a> {
    fn head(
        &mut self,
        head: &Entry<super::document::PolicyDoc>,
        files: Vec<SourceFile>,
        timezone: &str,
    ) -> Meta {
        let value = &head.value;
        let model = self.word(head, &value.model).unwrap_or(Model::Alpha);
        if model == Model::Migration {
            let words = Words::new("migrationは期(epochs)だけで使えます", "only an epoch can be a migration");
            self.fault("T04", words, &head.spot(&value.model.span));
        }
        let mut case = None;
        if let Some(written) = value.case.as_ref().filter(|case| !case.value.is_empty()) {
            case = Case::read(&written.value);
            if case.is_none() {
                let words = Words::new(
                    "caseは\"a\"(ア)、\"i\"(イ)、\"u\"(ウ)のどれかです",
                    "case is \"a\" (ア), \"i\" (イ) or \"u\" (ウ)",
                );
                self.fault("T04", words, &head.spot(&written.span));
            } else if model != Model::AlphaPrime {
                let words = Words::new("caseはalpha_primeだけのものです", "only alpha_prime has a case");
                self.fault("T04", words, &head.spot(&written.span));
            }
        }
        if model == Model::AlphaPrime && case.is_none() {
            let words = Words::new("alpha_primeにはcaseが要ります", "alpha_prime needs a case");
            self.fault("T03", words, &head.spot(&value.model.span));
        }
        Meta {
            id: self.id(head, &value.id),
            title_ja: self.text(head, &value.title_ja),
            org_ja: self.text(head, &value.org_ja),
            model,
            case,
            guideline: self.text(head, &value.guideline),
            version: self.text(head, &value.version),
            approved_by_ja: self.text_or_empty(head, value.approved_by_ja.as_ref()),
            approval: self.text_or_empty(head, value.approval.as_ref()),
            period: self.period(head, Some(&value.valid_from), Some(&value.valid_until)),
            timezone: timezone.into(),
            files,
        }
    }

    /// Learns every id and tells those that stand twice (L01).
    fn ids(&mut self) {
        let document = self.document;
        let mut spaces: [BTreeMap<&'a str, Spot>; 6] = Default::default();
        macro_rules! learn {
            ($space:expr, $list:expr, $into:expr, $index:expr) => {
                for (number, entry) in $list.iter().take(OBJECTS_MAX).enumerate() {
                    let id = &entry.value.id;
                    let spot = entry.spot(&id.span);
                    match spaces[$space].get(id.value.as_str()) {
                        Some(first) => self.twice(&id.value, first.clone(), &spot),
                        None => {
                            spaces[$space].insert(&id.value, spot);
                            $into.insert(id.value.as_str(), $index(number as u16));
                        }
                    }
                }
                if let Some(entry) = $list.get(OBJECTS_MAX) {
                    let words = Words::new(
                        format!("多すぎます(一種類{OBJECTS_MAX}まで)"),
                        format!("too many objects (at most {OBJECTS_MAX} of a kind)"),
                    );
                    self.fault("T08", words, &entry.spot(&entry.value.id.span));
                }
            };
        }
        let mut rules: BTreeMap<&str, u16> = BTreeMap::new();
        learn!(0, document.segments, self.places, |n| Selector::Segment(SegmentIndex(n)));
        learn!(0, document.zones, self.places, |n| Selector::Zone(ZoneIndex(n)));
        learn!(0, document.hosts, self.places, |n| Selector::Host(HostIndex(n)));
        learn!(0, document.destinations, self.places, |n| Selector::Destination(DestinationIndex(n)));
        learn!(1, document.epochs, self.epochs, EpochIndex);
        learn!(2, document.sensors, self.sensors, |n| n);
        learn!(3, document.paths, self.paths, PathIndex);
        learn!(4, document.channels, rules, |n| n);
        learn!(4, document.forbids, rules, |n| n);
    }

    fn twice(&mut self, id: &str, first: Spot, second: &Spot) {
        let shown = id.escape_debug();
        let words = Words::new(
            format!("id「{shown}」が二度定義されています"),
            format!("the id `{shown}` is defined twice"),
        );
        self.out.push(
            Diagnostic::error("L01", words)
                .at(second, Words::new("二度目の定義", "second definition"))
                .at(&first, Words::new("最初の定義", "first definition"))
                .remedy(Words::new(
                    "どちらかの名前を変えるか、片方を消します",
                    "rename one of the two, or remove one",
                )),
        );
    }

    // --- words and texts ---

    pub(super) fn fault(&mut self, code: &'static str, words: Words, spot: &Spot) {
        self.out.push(Diagnostic::error(code, words).at(spot, Words::new("ここ", "here")));
    }

    pub(super) fn word<T, W: Word + Copy>(&mut self, entry: &Entry<T>, choice: &At<Choice<W>>) -> Option<W> {
        let written = &choice.value.written;
        if choice.value.word.is_none() {
            let shown = written.escape_debug().to_string();
            let words =
                Words::new(format!("「{shown}」という語はありません"), format!("`{shown}` is no word here"));
            self.out.push(unknown_word("T04", (written, W::WORDS), &entry.spot(&choice.span), words));
        }
        choice.value.word
    }

    pub(super) fn word_or<T, W: Word + Copy>(
        &mut self,
        entry: &Entry<T>,
        choice: Option<&At<Choice<W>>>,
        default: W,
    ) -> W {
        choice.map_or(Some(default), |choice| self.word(entry, choice)).unwrap_or(default)
    }

    pub(super) fn maybe_word<T, W: Word + Copy>(
        &mut self,
        entry: &Entry<T>,
        choice: Option<&At<Choice<W>>>,
    ) -> Option<W> {
        choice.and_then(|choice| self.word(entry, choice))
    }

    /// A text that will stand in reports: nothing in it may command a terminal or turn a line around.
    pub(super) fn text<T>(&mut self, entry: &Entry<T>, text: &Text) -> Arc<str> {
        let commands = |letter: char| {
            letter.is_control()
                || matches!(letter, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
        };
        if text.value.contains(commands) {
            let words = Words::new(
                "制御文字は書けません",
                "control characters and direction marks are not allowed in texts",
            );
            self.fault("T04", words, &entry.spot(&text.span));
        }
        text.value.as_str().into()
    }

    pub(super) fn text_or_empty<T>(&mut self, entry: &Entry<T>, text: Option<&Text>) -> Arc<str> {
        text.map_or_else(|| "".into(), |text| self.text(entry, text))
    }

    pub(super) fn maybe_text<T>(&mut self, entry: &Entry<T>, text: Option<&Text>) -> Option<Arc<str>> {
        text.filter(|text| !text.value.is_empty()).map(|text| self.text(entry, text))
    }

    pub(super) fn id<T>(&mut self, entry: &Entry<T>, id: &Text) -> Arc<str> {
        let fits = |letter: char| letter.is_alphanumeric() || matches!(letter, '-' | '_' | '.');
        if id.value.is_empty() || id.value.chars().count() > ID_LEN_MAX || !id.value.chars().all(fits) {
            let words = Words::new(
                format!("idは文字、数字、- _ . だけの{ID_LEN_MAX}文字までです"),
                format!("an id is letters, digits, - _ . and at most {ID_LEN_MAX} long"),
            );
            self.fault("T04", words, &entry.spot(&id.span));
        }
        id.value.as_str().into()
    }

    pub(super) fn severity<T>(&mut self, entry: &Entry<T>, text: Option<&Text>) -> Option<Severity> {
        let text = text?;
        let japanese = ["情報", "低", "中", "高", "重大"];
        let found = Severity::ALL
            .into_iter()
            .zip(japanese)
            .find(|(severity, ja)| text.value == severity.code() || text.value == *ja);
        if found.is_none() {
            let known: Vec<&str> =
                Severity::ALL.iter().map(|severity| severity.code()).chain(japanese).collect();
            let shown = text.value.escape_debug().to_string();
            let words = Words::new(
                format!("「{shown}」という重大度はありません"),
                format!("there is no severity `{shown}`"),
            );
            self.out.push(unknown_word("T04", (&text.value, &known), &entry.spot(&text.span), words));
        }
        found.map(|(severity, _)| severity)
    }

    // --- times ---

    pub(super) fn stamp<T>(&mut self, entry: &Entry<T>, stamp: &At<Stamp>) -> Option<Timestamp> {
        let moment = stamp.value.rfc3339().and_then(|text| parse_stamp(&text));
        if moment.is_none() {
            let written = stamp.value.0;
            let remedy = if written.time.is_some() {
                format!("{written}+09:00")
            } else {
                format!("{written}T00:00:00+09:00")
            };
            let words = Words::new(
                "日時に時差(+09:00など)がありません",
                "this date and time has no offset such as +09:00",
            );
            self.out.push(
                Diagnostic::error("T06", words)
                    .at(
                        &entry.spot(&stamp.span),
                        Words::new("どの時刻か決まりません", "this names no moment"),
                    )
                    .remedy(Words::new(remedy.clone(), remedy)),
            );
        }
        moment
    }

    /// From `first` to `last`, the policy's own where one is missing; reversed dates are told (L19).
    pub(super) fn period<T>(
        &mut self,
        entry: &Entry<T>,
        first: Option<&At<Stamp>>,
        last: Option<&At<Stamp>>,
    ) -> Period {
        let from = first.and_then(|first| self.stamp(entry, first));
        let until = last.and_then(|last| self.stamp(entry, last));
        let period = Period {
            from: from.unwrap_or(self.whole.from),
            until: until.map_or(self.whole.until, |last| Period::including(last, last).until),
        };
        if let (Some(last), true) = (last.or(first), period.is_empty() && (from.is_some() || until.is_some()))
        {
            let words = Words::new("終わりが始まりより前です", "the end lies before the beginning");
            let mut fault =
                Diagnostic::error("L19", words).at(&entry.spot(&last.span), Words::new("終わり", "the end"));
            if let Some(first) = first.filter(|first| first.span != last.span) {
                fault = fault.at(&entry.spot(&first.span), Words::new("始まり", "the beginning"));
            }
            self.out.push(fault);
        }
        period
    }

    /// The epochs an object names, and when it exists: in them, else as `parent` does.
    pub(super) fn epochs_of<T>(
        &mut self,
        entry: &Entry<T>,
        names: Option<&Vec<Text>>,
        parent: &Periods,
    ) -> (Vec<EpochIndex>, Periods) {
        let Some(names) = names.filter(|names| !names.is_empty()) else {
            return (Vec::new(), parent.clone());
        };
        let mut epochs = Vec::new();
        for name in names {
            match self.epochs.get(name.value.as_str()) {
                Some(epoch) => epochs.push(*epoch),
                None => {
                    let known: Vec<_> = self.epochs.keys().copied().collect();
                    self.unknown_reference(entry, name, &known, ("期(epochs)", "epoch"));
                }
            }
        }
        let own = epochs.iter().filter_map(|epoch| self.epoch_periods.get(usize::from(epoch.0)));
        let periods = Periods::union(own.map(|(_, period)| *period));
        (epochs, periods)
    }

    // --- references ---

    pub(super) fn unknown_reference<T>(
        &mut self,
        entry: &Entry<T>,
        name: &Text,
        known: &[&str],
        (ja, en): (&str, &str),
    ) {
        let shown = name.value.escape_debug();
        let words = Words::new(
            format!("「{shown}」という{ja}は定義されていません"),
            format!("there is no {en} with the id `{shown}`"),
        );
        let fault = Diagnostic::error("L14", words);
        let spot = entry.spot(&name.span);
        self.out.push(match nearest(&name.value, known.iter().copied()) {
            Some(meant) => fault.at(
                &spot,
                Words::new(format!("「{meant}」のことですか"), format!("did you mean `{meant}`?")),
            ),
            None => fault
                .at(&spot, Words::new("ここで使われています", "used here"))
                .remedy(Words::new("idを定義するか、名前を直します", "define the id, or correct the name")),
        });
    }

    pub(super) fn selectors<T>(
        &mut self,
        entry: &Entry<T>,
        names: &[Text],
        kinds: (&str, &str),
        fits: impl Fn(&Selector) -> bool,
    ) -> Vec<Selector> {
        let mut found = Vec::with_capacity(names.len());
        for name in names {
            match self.places.get(name.value.as_str()).copied().filter(&fits) {
                Some(selector) if found.contains(&selector) => {}
                Some(selector) => found.push(selector),
                None => {
                    let known: Vec<_> = self
                        .places
                        .iter()
                        .filter(|(_, selector)| fits(selector))
                        .map(|(id, _)| *id)
                        .collect();
                    self.unknown_reference(entry, name, &known, kinds);
                }
            }
        }
        found
    }

    pub(super) fn sensor_numbers<T>(&mut self, entry: &Entry<T>, names: Option<&Vec<Text>>) -> Vec<u16> {
        let mut found = Vec::new();
        for name in names.into_iter().flatten() {
            match self.sensors.get(name.value.as_str()) {
                Some(number) => found.push(*number),
                None => {
                    let known: Vec<_> = self.sensors.keys().copied().collect();
                    self.unknown_reference(entry, name, &known, ("センサー", "sensor"));
                }
            }
        }
        found
    }

    // --- values ---

    /// Reads each text by its `FromStr`; what is wrong is told with its own words and `example`.
    fn each<T, V: FromStr>(
        &mut self,
        entry: &Entry<T>,
        texts: Option<&Vec<Text>>,
        what: Words,
        example: &str,
        reason: impl Fn(&V::Err) -> Words,
        repair: impl Fn(&str) -> Option<String>,
    ) -> Vec<V> {
        let mut found = Vec::new();
        for text in texts.into_iter().flatten() {
            match text.value.parse() {
                Ok(value) => found.push(value),
                Err(error) => {
                    let remedy = repair(&text.value).unwrap_or_else(|| example.to_owned());
                    self.out.push(
                        Diagnostic::error("T04", what.clone())
                            .at(&entry.spot(&text.span), reason(&error))
                            .remedy(Words::new(format!("例: {remedy}"), format!("such as {remedy}"))),
                    );
                }
            }
        }
        found
    }

    pub(super) fn prefixes<T>(&mut self, entry: &Entry<T>, texts: Option<&Vec<Text>>) -> Vec<Prefix> {
        let what = Words::new("アドレスの範囲として読めません", "this is no block of addresses");
        self.each(entry, texts, what, "10.1.0.0/16", bad_address, |text| {
            let (addr, len) = text.split_once('/')?;
            let (addr, len): (IpAddr, u8) = (addr.parse().ok()?, len.parse().ok()?);
            let masked = match addr {
                IpAddr::V4(addr) => {
                    let mask = u32::MAX.checked_shl(32u32.checked_sub(len.into())?).unwrap_or(0);
                    IpAddr::V4((addr.to_bits() & mask).into())
                }
                IpAddr::V6(addr) => {
                    let mask = u128::MAX.checked_shl(128u32.checked_sub(len.into())?).unwrap_or(0);
                    IpAddr::V6((addr.to_bits() & mask).into())
                }
            };
            Some(format!("{masked}/{len}"))
        })
    }

    pub(super) fn addresses<T>(&mut self, entry: &Entry<T>, texts: Option<&Vec<Text>>) -> Vec<IpAddr> {
        let what = Words::new("アドレスとして読めません", "this is no address");
        let reason = |_: &std::net::AddrParseError| {
            Words::new("単独のアドレスを書きます(範囲は書けません)", "a single address is expected, no block")
        };
        self.each(entry, texts, what, "10.1.9.10", reason, |_| None)
    }

    pub(super) fn macs<T>(
        &mut self,
        entry: &Entry<T>,
        texts: Option<&Vec<Text>>,
    ) -> Vec<crate::ground::model::address::Mac> {
        let what = Words::new("MACアドレスとして読めません", "this is no MAC address");
        self.each(entry, texts, what, "02:00:00:00:20:fe", bad_address, |_| None)
    }

    pub(super) fn services<T>(&mut self, entry: &Entry<T>, texts: Option<&Vec<Text>>) -> Vec<Service> {
        let what = Words::new("サービスとして読めません", "this is no service");
        self.each(entry, texts, what, "tcp/443, udp/3478-3481, icmp, ip/47", bad_address, |text| {
            let (transport, port) = text.split_once([':', '-', ' ', '/']).unwrap_or((text, ""));
            let lower = transport.to_ascii_lowercase();
            let known = matches!(lower.as_str(), "tcp" | "udp" | "sctp") && port.parse::<u16>().is_ok();
            let common = match text.to_ascii_lowercase().as_str() {
                "https" => Some("tcp/443"),
                "http" => Some("tcp/80"),
                "smtp" => Some("tcp/25"),
                "ssh" => Some("tcp/22"),
                "rdp" => Some("tcp/3389"),
                _ => None,
            };
            common.map(str::to_owned).or_else(|| known.then(|| format!("{lower}/{port}")))
        })
    }

    pub(super) fn patterns<T>(&mut self, entry: &Entry<T>, texts: Option<&Vec<Text>>) -> Vec<NamePattern> {
        let mut found = Vec::new();
        for text in texts.into_iter().flatten() {
            match NamePattern::new(&text.value) {
                Ok(pattern) => found.push(pattern),
                Err(fault) => self.out.push(bad_pattern(&text.value, fault, &entry.spot(&text.span))),
            }
        }
        found
    }
}

fn bad_address(error: &crate::ground::model::address::BadAddress) -> Words {
    use crate::ground::model::address::BadAddress;
    let ja = match error {
        BadAddress::Mac => "16進2桁を6つ、コロンで区切ります",
        BadAddress::Prefix => "10.1.0.0/16、2001:db8::/32、または単独のアドレス",
        BadAddress::PrefixLen => "長さはIPv4で32まで、IPv6で128までです",
        BadAddress::HostBits => "長さより後ろのビットが立っています",
        BadAddress::Service => "tcp/443、udp/3478-3481、sctp/2905、icmp、icmpv6、ip/47",
    };
    Words::new(ja, error.to_string())
}

/// A name that is no pattern, with what to write instead.
pub(super) fn bad_pattern(written: &str, fault: BadPattern, spot: &Spot) -> Diagnostic {
    let (why, remedy) = match fault {
        BadPattern::NotAscii => (
            Words::new(
                "日本語などの名前はA-label(xn--…)で書きます",
                "names beyond ASCII are written as A-labels",
            ),
            Words::new("例: xn--….example", "such as xn--….example"),
        ),
        BadPattern::Url => {
            let host = written.split_once("://").map_or(written, |(_, rest)| rest);
            let host = host.rsplit_once('@').map_or(host, |(_, rest)| rest);
            let host = host.split(['/', ':', '?', '#']).next().unwrap_or("").to_ascii_lowercase();
            let host = host.escape_debug();
            (
                Words::new(
                    "URLは書けません。パケットで確かめられるのはホスト名だけです",
                    "no URLs: only the host name can be checked in packets",
                ),
                Words::new(
                    format!("fqdn に \"{host}\"、パスは note_ja に"),
                    format!("\"{host}\" here, the path in note_ja"),
                ),
            )
        }
        BadPattern::Star => (
            Words::new("*は先頭の「*.」だけに使えます", "a star may stand only in front, as `*.`"),
            Words::new("例: *.cloud.example", "such as *.cloud.example"),
        ),
        BadPattern::Capital => {
            let lower = written.to_ascii_lowercase();
            (
                Words::new("名前は小文字で書きます", "names are written in lower case"),
                Words::new(lower.clone(), lower),
            )
        }
        BadPattern::Address => (
            Words::new("アドレスは名前ではありません", "an address is no name"),
            Words::new("cidr に書きます", "it belongs into cidr"),
        ),
        BadPattern::Name => (
            Words::new("ホスト名ではありません", "this is no host name"),
            Words::new("例: meet.cloud.example", "such as meet.cloud.example"),
        ),
    };
    Diagnostic::error("T07", Words::new("名前の書き方が違います", "this name is written wrongly"))
        .at(spot, why)
        .remedy(remedy)
}
