//! Destinations, channels, prohibitions, acceptances and checks: from what was written to what was meant.

use std::{collections::BTreeMap, sync::Arc};

use super::{
    diagnostic::{Diagnostic, Words},
    document::Text,
    document_channels::{ChannelDoc, DestinationDoc, IsmapDoc},
    item::{
        Accept, AppRule, Channel, CheckSetting, Destination, Exception, Forbid, Host, HostIndex, Ismap,
        PathIndex, Selector, TenantRule, Zone, ZoneIndex,
    },
    period::{Hours, Periods},
    resolve::{Imports, Resolver},
    text::{At, Entry, Stamp},
    timeline::with_windows,
    vocabulary::{ChannelKind, DestinationKind, Match},
};
use crate::ground::{
    calendar::Day,
    model::{address::Prefix, finding::CheckId},
};

const ANY_END: (&str, &str) = ("系・ゾーン・機器・宛先", "segment, zone, host or destination");

/// What stands for the approval of a channel that nobody approved yet. Wherever it is read, the channel is refused (L16).
pub const UNAPPROVED: &str = "未承認";

impl Resolver<'_> {
    pub(super) fn destination_list(&mut self, zones: &[Zone], imports: &Imports) -> Vec<Destination> {
        let document = self.document;
        document.destinations.iter().map(|entry| self.destination(entry, zones, imports)).collect()
    }

    fn destination(
        &mut self,
        entry: &Entry<DestinationDoc>,
        zones: &[Zone],
        imports: &Imports,
    ) -> Destination {
        let value = &entry.value;
        let zone = match self.places.get(value.zone.value.as_str()) {
            Some(Selector::Zone(zone)) => *zone,
            _ => {
                let known: Vec<_> = self
                    .places
                    .iter()
                    .filter(|(_, place)| matches!(place, Selector::Zone(_)))
                    .map(|(id, _)| *id)
                    .collect();
                self.unknown_reference(entry, &value.zone, &known, ("ゾーン", "zone"));
                ZoneIndex(0)
            }
        };
        let parent = zones.get(usize::from(zone.0)).map_or_else(Periods::always, |zone| zone.periods.clone());
        let (epochs, periods) = self.epochs_of(entry, value.epochs.as_ref(), &parent);
        let mut fqdn = self.patterns(entry, value.fqdn.as_ref());
        let mut cidr = self.prefixes(entry, value.cidr.as_ref());
        let from_list = self.import(entry, imports);
        fqdn.extend(from_list.names);
        cidr.extend(from_list.blocks);
        // The ports of a list are narrower than all, and what the policy says itself comes first.
        let services = match &value.services {
            Some(written) => self.services(entry, Some(written)),
            None => from_list.services,
        };
        let written = self.maybe_word(entry, value.matching.as_ref());
        // A half that is there and wrong is told once, not also as missing.
        let is_written = |list: Option<&Vec<Text>>| list.is_some_and(|list| !list.is_empty());
        let names = from_list.is_unknown || !fqdn.is_empty() || is_written(value.fqdn.as_ref());
        let blocks = from_list.is_unknown || !cidr.is_empty() || is_written(value.cidr.as_ref());
        let matching = self.matching(entry, written, names, blocks);
        let ech = self.maybe_word(entry, value.ech.as_ref());
        if let Some(written) = value.ech.as_ref().filter(|_| ech == Some(super::vocabulary::Ech::Outer)) {
            self.needs_reason(entry, &written.span, value.ech_reason_ja.as_ref(), "ech_reason_ja");
        }
        let alpn = value.alpn.iter().flatten().map(|text| self.text(entry, text)).collect();
        let cert_issuers = value.cert_issuers.iter().flatten().map(|text| self.text(entry, text)).collect();
        Destination {
            id: self.id(entry, &value.id),
            zone,
            kind: self.word(entry, &value.kind).unwrap_or(DestinationKind::Other),
            name_ja: self.text_or_empty(entry, value.name_ja.as_ref()),
            fqdn,
            cidr,
            services,
            alpn,
            matching,
            cert_names: self.patterns(entry, value.cert_names.as_ref()),
            cert_issuers,
            tenant: value.tenant.as_ref().map_or_else(TenantRule::default, |tenant| TenantRule {
                own: self.patterns(entry, Some(&tenant.own)),
                foreign_pattern: self.patterns(entry, Some(&tenant.foreign_pattern)),
            }),
            ismap: value.ismap.as_ref().map(|ismap| self.ismap(entry, ismap)),
            exception: value.exception.as_ref().map(|exception| Exception {
                no_official_documents: exception.value.no_official_documents.value,
                url_restricted: exception.value.url_restricted.value,
                cert_verified: exception.value.cert_verified.value,
                reference: self.text_or_empty(entry, exception.value.reference.as_ref()),
            }),
            plaintext_ok_ja: self.maybe_text(entry, value.plaintext_ok_ja.as_ref()),
            quality: value.quality.iter().map(|(name, limit)| (name.as_str().into(), *limit)).collect(),
            ech,
            ech_reason_ja: self.maybe_text(entry, value.ech_reason_ja.as_ref()),
            note_ja: self.maybe_text(entry, value.note_ja.as_ref()),
            epochs,
            periods,
        }
    }

    /// Which halves must be seen (RULES 9); a half that is asked for and missing is told (L09).
    fn matching(
        &mut self,
        entry: &Entry<DestinationDoc>,
        written: Option<Match>,
        names: bool,
        blocks: bool,
    ) -> Match {
        let missing = match (written, names, blocks) {
            (None, true, true) | (Some(Match::Name | Match::NameAndAddress), true, true) => {
                return Match::NameAndAddress;
            }
            (None | Some(Match::Name), true, false) => return Match::Name,
            (None, false, true) | (Some(Match::Address), _, true) => return Match::Address,
            (Some(Match::NameAndAddress), true, false) | (Some(Match::Address), _, false) => "cidr",
            (Some(Match::NameAndAddress | Match::Name), false, _) => "fqdn",
            (None, false, false) => "fqdn / cidr",
        };
        let words = Words::new(
            format!("宛先の判定に要る「{missing}」がありません"),
            format!("the half that must match is missing: {missing}"),
        );
        let span = entry.value.matching.as_ref().map_or(&entry.value.id.span, |matching| &matching.span);
        self.out.push(
            Diagnostic::error("L09", words)
                .at(&entry.spot(span), Words::new("ここで求めています", "asked for here"))
                .remedy(Words::new(
                    format!("{missing} を書くか、match を書いてある半分に合わせます"),
                    format!("write {missing}, or set match to the half that is written"),
                )),
        );
        written.unwrap_or(Match::NameAndAddress)
    }

    fn ismap(&mut self, entry: &Entry<DestinationDoc>, ismap: &IsmapDoc) -> Ismap {
        let mut day = |stamp: Option<&At<Stamp>>| self.day(entry, stamp?);
        let checked_on = day(ismap.checked_on.as_ref());
        let valid_until = day(ismap.valid_until.as_ref());
        Ismap {
            listed: ismap.listed,
            name_ja: self.text_or_empty(entry, ismap.name_ja.as_ref()),
            checked_on: checked_on.map(|day| day.to_string().into()),
            valid_until: valid_until.and_then(|day| self.clock.end_of(day)),
        }
    }

    /// A date without a time; anything else is told.
    pub(super) fn day<T>(&mut self, entry: &Entry<T>, stamp: &At<Stamp>) -> Option<Day> {
        let day = stamp.value.date();
        if day.is_none() {
            let words =
                Words::new("日付だけを書きます(例: 2027-01-31)", "a date is expected, such as 2027-01-31");
            self.fault("T04", words, &entry.spot(&stamp.span));
        }
        day
    }

    pub(super) fn channel_list(&mut self) -> Vec<Channel> {
        let document = self.document;
        document.channels.iter().map(|entry| self.channel(entry)).collect()
    }

    fn channel(&mut self, entry: &Entry<ChannelDoc>) -> Channel {
        let value = &entry.value;
        let period = self.period(entry, value.valid_from.as_ref(), value.valid_until.as_ref());
        let (epochs, own) = self.epochs_of(entry, value.epochs.as_ref(), &Periods::always());
        let own = own.and(&Periods::union([period]));
        let periods = with_windows(&own, self.epoch_periods.iter().copied());
        let via = value.via.as_deref().unwrap_or_default();
        let via = self.selectors(entry, via, ("機器", "host"), |place| matches!(place, Selector::Host(_)));
        let via: Vec<HostIndex> = via
            .into_iter()
            .filter_map(|place| match place {
                Selector::Host(host) => Some(host),
                _ => None,
            })
            .collect();
        for (list, field) in [(&value.from, "from"), (&value.to, "to"), (&value.services, "services")] {
            if list.is_empty() {
                let words = Words::new(format!("{field}が空です"), format!("{field} is empty"));
                self.fault("T03", words, &entry.spot(&value.id.span));
            }
        }
        Channel {
            id: self.id(entry, &value.id),
            from: self.selectors(entry, &value.from, ANY_END, |_| true),
            to: self.selectors(entry, &value.to, ANY_END, |_| true),
            services: self.services(entry, Some(&value.services)),
            app: self.app(entry),
            kind: self.word_or(entry, value.kind.as_ref(), ChannelKind::Normal),
            via,
            path: value.path.as_ref().and_then(|path| self.path(entry, path)),
            encrypt: self.maybe_word(entry, value.encrypt.as_ref()),
            tenant: self.maybe_word(entry, value.tenant.as_ref()),
            download: self.maybe_word(entry, value.download.as_ref()),
            max_up_per_flow: value.max_up_per_flow,
            max_down_per_flow: value.max_down_per_flow,
            max_sources: value.max_sources,
            hours: value.hours.as_ref().and_then(|hours| self.hours(entry, hours)),
            expect_min_per_day: value.expect_min_per_day,
            expect_min_per_month: value.expect_min_per_month,
            one_way: value.one_way.unwrap_or(false),
            purpose_ja: self.needed(
                entry,
                value.purpose_ja.as_ref(),
                ("L15", "purpose_ja", "目的", "purpose"),
            ),
            clause: self.needed(entry, value.clause.as_ref(), ("L17", "clause", "条項", "clause")),
            approval: self.approval(entry),
            note_ja: self.maybe_text(entry, value.note_ja.as_ref()),
            period,
            epochs,
            periods,
        }
    }

    fn approval(&mut self, entry: &Entry<ChannelDoc>) -> Arc<str> {
        let written = entry.value.approval.as_ref();
        if let Some(open) = written.filter(|text| text.value.contains(UNAPPROVED)) {
            let words = Words::new("この許可はまだ承認されていません", "nobody approved this channel yet");
            self.out.push(
                Diagnostic::error("L16", words)
                    .at(
                        &entry.spot(&open.span),
                        Words::new("ここに承認の番号", "the reference of the approval"),
                    )
                    .remedy(Words::new(
                        "承認を受けて番号(文書番号など)に書き換えるか、この許可を消します",
                        "have it approved and write the reference here, or remove this channel",
                    )),
            );
        }
        self.needed(entry, written, ("L16", "approval", "承認", "approval"))
    }

    fn needed(
        &mut self,
        entry: &Entry<ChannelDoc>,
        text: Option<&Text>,
        (code, field, ja, en): (&'static str, &str, &str, &str),
    ) -> Arc<str> {
        let found = self.maybe_text(entry, text);
        if found.is_none() {
            let words =
                Words::new(format!("許可に{ja}が書かれていません"), format!("this channel has no {en}"));
            self.out.push(
                Diagnostic::error(code, words)
                    .at(&entry.spot(&entry.value.id.span), Words::new("この許可", "this channel"))
                    .remedy(Words::new(
                        format!("{field} = \"…\" を書きます"),
                        format!("write {field} = \"…\""),
                    )),
            );
        }
        found.unwrap_or_else(|| "".into())
    }

    fn app(&mut self, entry: &Entry<ChannelDoc>) -> AppRule {
        let value = &entry.value;
        let Some(app) = self.maybe_text(entry, value.app.as_ref()) else { return AppRule::Implied };
        if &*app != "any" {
            return AppRule::Named(app);
        }
        if let Some(written) = &value.app {
            self.needs_reason(entry, &written.span, value.app_reason_ja.as_ref(), "app_reason_ja");
        }
        AppRule::Any(self.text_or_empty(entry, value.app_reason_ja.as_ref()))
    }

    fn path(&mut self, entry: &Entry<ChannelDoc>, name: &Text) -> Option<PathIndex> {
        let found = self.paths.get(name.value.as_str()).copied();
        if found.is_none() {
            let known: Vec<_> = self.paths.keys().copied().collect();
            self.unknown_reference(entry, name, &known, ("回線(paths)", "path"));
        }
        found
    }

    fn hours(&mut self, entry: &Entry<ChannelDoc>, hours: &Text) -> Option<Hours> {
        let found = hours.value.parse().ok();
        if found.is_none() {
            self.out.push(
                Diagnostic::error("T04", Words::new("時間帯として読めません", "this is no time of day"))
                    .at(&entry.spot(&hours.span), Words::new("ここ", "here"))
                    .remedy(Words::new("例: \"06:30-23:00\"", "such as \"06:30-23:00\"")),
            );
        }
        found
    }

    pub(super) fn forbid_list(&mut self) -> Vec<Forbid> {
        let document = self.document;
        let mut found = Vec::with_capacity(document.forbids.len());
        for entry in &document.forbids {
            let value = &entry.value;
            let (epochs, periods) = self.epochs_of(entry, value.epochs.as_ref(), &Periods::always());
            for (list, field) in [(&value.from, "from"), (&value.to, "to")] {
                if list.is_empty() {
                    let words = Words::new(format!("{field}が空です"), format!("{field} is empty"));
                    self.fault("T03", words, &entry.spot(&value.id.span));
                }
            }
            found.push(Forbid {
                id: self.id(entry, &value.id),
                from: self.selectors(entry, &value.from, ANY_END, |_| true),
                to: self.selectors(entry, &value.to, ANY_END, |_| true),
                services: self.services(entry, value.services.as_ref()),
                reason_ja: self.text(entry, &value.reason_ja),
                severity: self.severity(entry, value.severity.as_ref()),
                epochs,
                periods,
            });
        }
        found
    }

    pub(super) fn accept_list(&mut self, hosts: &[Host]) -> Vec<Accept> {
        let document = self.document;
        let mut found = Vec::with_capacity(document.accepts.len());
        for (number, entry) in (1..).zip(&document.accepts) {
            let value = &entry.value;
            let id = match &value.id {
                Some(id) => self.id(entry, id),
                None => format!("accept-{number}").into(),
            };
            let pattern = value.finding.value.strip_suffix('*').unwrap_or(&value.finding.value);
            let is_check = value.finding.value.parse::<CheckId>().is_ok();
            let is_front = value.finding.value.ends_with('*') && pattern.starts_with("SK-");
            let is_lint = matches!(pattern.as_bytes(), [b'P', b'0'..=b'9', b'0'..=b'9']);
            if !(is_check || is_front || is_lint) {
                let words = Words::new("所見の番号ではありません", "this names no finding");
                self.out.push(
                    Diagnostic::error("T04", words)
                        .at(&entry.spot(&value.finding.span), Words::new("ここ", "here"))
                        .remedy(Words::new(
                            "例: \"SK-B02\"、\"SK-B*\"、\"P04\"",
                            "such as \"SK-B02\", \"SK-B*\", \"P04\"",
                        )),
                );
            }
            let host =
                value.host.as_ref().map_or_else(Vec::new, |host| self.accepted_host(entry, host, hosts));
            found.push(Accept {
                id,
                finding: value.finding.value.as_str().into(),
                host,
                period: self.period(entry, value.from.as_ref(), Some(&value.until)),
                approved_by: self.text(entry, &value.approved_by),
                reason_ja: self.text(entry, &value.reason_ja),
            });
        }
        found
    }

    fn accepted_host<T>(&mut self, entry: &Entry<T>, name: &Text, hosts: &[Host]) -> Vec<Prefix> {
        if let Some(Selector::Host(host)) = self.places.get(name.value.as_str()) {
            let addrs = hosts.get(usize::from(host.0)).map_or(&[][..], |host| &host.addr);
            return addrs.iter().map(|addr| Prefix::single(*addr)).collect();
        }
        if let Ok(prefix) = name.value.parse() {
            return vec![prefix];
        }
        let known: Vec<_> = self
            .places
            .iter()
            .filter(|(_, place)| matches!(place, Selector::Host(_)))
            .map(|(id, _)| *id)
            .collect();
        self.unknown_reference(entry, name, &known, ("機器・アドレス", "host or address"));
        Vec::new()
    }

    pub(super) fn check_map(&mut self) -> BTreeMap<CheckId, CheckSetting> {
        let document = self.document;
        let mut found = BTreeMap::new();
        for (name, entry) in &document.checks {
            let Ok(id) = name.value.parse::<CheckId>() else {
                let words = Words::new("検査の番号ではありません", "this names no check");
                self.out.push(
                    Diagnostic::error("T02", words)
                        .at(&entry.spot(&name.span), Words::new("ここ", "here"))
                        .remedy(Words::new("例: [checks.SK-B02]", "such as [checks.SK-B02]")),
                );
                continue;
            };
            let setting = CheckSetting {
                enabled: entry.value.enabled,
                severity: self.severity(entry, entry.value.severity.as_ref()),
                thresholds: entry
                    .value
                    .thresholds
                    .iter()
                    .map(|(name, number)| (name.as_str().into(), *number))
                    .collect(),
            };
            if found.insert(id, setting).is_some() {
                let words = Words::new("この検査は二度書かれています", "this check is set twice");
                self.fault("L01", words, &entry.spot(&name.span));
            }
        }
        found
    }
}
