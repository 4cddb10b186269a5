//! Epochs, sensors, segments, zones, hosts, paths and defaults: from what was written to what was meant.

use super::{
    diagnostic::{Diagnostic, Words},
    document::{DefaultsDoc, Text},
    item::{Defaults, Epoch, Host, Path, Segment, Selector, Sensor, Zone},
    period::{Period, Periods},
    resolve::Resolver,
    text::{At, Choice, Entry},
    vocabulary::{Direction, Ech, Model, Role, SegmentClass, Stance, ZoneClass},
};

const SEGMENT_OR_ZONE: (&str, &str) = ("系・ゾーン", "segment or zone");

impl Resolver<'_> {
    pub(super) fn epoch_list(&mut self) -> Vec<Epoch> {
        let document = self.document;
        let each = document.epochs.iter().map(|entry| {
            let value = &entry.value;
            Epoch {
                id: self.id(entry, &value.id),
                model: self.word(entry, &value.model).unwrap_or(Model::Alpha),
                case: self.maybe_word(entry, value.case.as_ref()),
                period: self.period(entry, Some(&value.valid_from), Some(&value.valid_until)),
            }
        });
        each.collect()
    }

    pub(super) fn defaults(&mut self) -> Defaults {
        let mut found = Defaults::default();
        let Some(entry) = &self.document.defaults else { return found };
        let value: &DefaultsDoc = &entry.value;
        use Stance::{Allow, Deny, Finding, Observe};
        self.stance(entry, value.inter_segment.as_ref(), &[Deny, Observe], &mut found.inter_segment);
        self.stance(entry, value.intra_segment.as_ref(), &[Observe, Deny], &mut found.intra_segment);
        self.stance(
            entry,
            value.unknown_address.as_ref(),
            &[Finding, Deny, Observe],
            &mut found.unknown_address,
        );
        self.stance(entry, value.ipv6.as_ref(), &[Deny, Allow], &mut found.ipv6);
        self.stance(entry, value.multicast.as_ref(), &[Observe, Finding], &mut found.multicast);
        self.stance(entry, value.broadcast.as_ref(), &[Observe, Finding], &mut found.broadcast);
        found
    }

    fn stance<T>(
        &mut self,
        entry: &Entry<T>,
        choice: Option<&At<Choice<Stance>>>,
        fit: &[Stance],
        into: &mut Stance,
    ) {
        let Some(choice) = choice else { return };
        let Some(stance) = self.word(entry, choice) else { return };
        if fit.contains(&stance) {
            *into = stance;
            return;
        }
        let listed: Vec<&str> = fit.iter().map(|stance| stance.word()).collect();
        let listed = listed.join(", ");
        self.out.push(
            Diagnostic::error("T04", Words::new("ここでは使えない語です", "this word has no meaning here"))
                .at(&entry.spot(&choice.span), Words::new("ここ", "here"))
                .remedy(Words::new(format!("書けるもの: {listed}"), format!("one of: {listed}"))),
        );
    }

    pub(super) fn sensor_list(&mut self) -> Vec<Sensor> {
        let document = self.document;
        let each = document.sensors.iter().map(|entry| {
            let value = &entry.value;
            let inputs = value.inputs.iter().flatten();
            Sensor {
                id: self.id(entry, &value.id),
                place_ja: self.text_or_empty(entry, value.place_ja.as_ref()),
                sees: self.selectors(entry, &value.sees, SEGMENT_OR_ZONE, is_place),
                interface: self.maybe_text(entry, value.interface.as_ref()),
                inputs: inputs.map(|input| self.text(entry, input)).collect(),
                mirror: self.prefixes(entry, value.mirror.as_ref()),
                direction: self.word_or(entry, value.direction.as_ref(), Direction::Both),
                dedupe: value.dedupe.unwrap_or(false),
                snaplen: value.snaplen,
                nat: self.maybe_word(entry, value.nat.as_ref()),
            }
        });
        each.collect()
    }

    pub(super) fn segment_list(&mut self) -> Vec<Segment> {
        let document = self.document;
        let whole = Periods::always();
        let mut found = Vec::with_capacity(document.segments.len());
        for entry in &document.segments {
            let value = &entry.value;
            let class = self.word(entry, &value.class).unwrap_or(SegmentClass::Internal);
            let (epochs, mut periods) = self.epochs_of(entry, value.epochs.as_ref(), &whole);
            let retired_at = value.retired_at.as_ref().and_then(|stamp| self.stamp(entry, stamp));
            if let Some(last) = retired_at {
                let alive = Period { until: Period::including(last, last).until, ..Period::ALWAYS };
                periods = periods.and(&Periods::union([alive]));
            }
            if value.cidr.is_empty() {
                let words = Words::new("系にcidrがありません", "this segment has no addresses");
                self.fault("T03", words, &entry.spot(&value.id.span));
            }
            let is_closed = matches!(class, SegmentClass::Mynumber | SegmentClass::Lgwan);
            let usual = if is_closed { Ech::Strict } else { Ech::Outer };
            let ech = self.word_or(entry, value.ech.as_ref(), usual);
            if let Some(written) = value.ech.as_ref().filter(|_| is_closed && ech == Ech::Outer) {
                self.needs_reason(entry, &written.span, value.ech_reason_ja.as_ref(), "ech_reason_ja");
            }
            found.push(Segment {
                id: self.id(entry, &value.id),
                class,
                name_ja: self.text_or_empty(entry, value.name_ja.as_ref()),
                cidr: self.prefixes(entry, Some(&value.cidr)),
                vlan: self.vlans(entry, value.vlan.as_ref()),
                mac_prefix: self.mac_prefixes(entry, value.mac_prefix.as_ref()),
                sensors: self.sensor_numbers(entry, value.sensors.as_ref()),
                ipv6: self.maybe_word(entry, value.ipv6.as_ref()),
                ech,
                ech_reason_ja: self.maybe_text(entry, value.ech_reason_ja.as_ref()),
                retired_at,
                epochs,
                periods,
            });
        }
        found
    }

    pub(super) fn needs_reason<T>(
        &mut self,
        entry: &Entry<T>,
        span: &std::ops::Range<usize>,
        reason: Option<&Text>,
        field: &str,
    ) {
        if reason.is_some_and(|reason| !reason.value.is_empty()) {
            return;
        }
        let words = Words::new("この緩和には理由が要ります", "this relaxation needs a reason");
        self.out.push(
            Diagnostic::error("T03", words)
                .at(&entry.spot(span), Words::new("ここ", "here"))
                .remedy(Words::new(format!("{field} = \"…\" を書きます"), format!("write {field} = \"…\""))),
        );
    }

    fn vlans<T>(&mut self, entry: &Entry<T>, written: Option<&Vec<At<i64>>>) -> Vec<u16> {
        let mut found = Vec::new();
        for vlan in written.into_iter().flatten() {
            match u16::try_from(vlan.value) {
                Ok(id @ 1..=4094) => found.push(id),
                _ => {
                    // IEEE 802.1Q: 0 is priority only, 4095 is reserved.
                    let words = Words::new("VLANは1から4094までです", "a VLAN id is 1 to 4094");
                    self.fault("T04", words, &entry.spot(&vlan.span));
                }
            }
        }
        found.sort_unstable();
        found.dedup();
        found
    }

    fn mac_prefixes<T>(&mut self, entry: &Entry<T>, written: Option<&Vec<Text>>) -> Vec<Vec<u8>> {
        let mut found = Vec::new();
        for text in written.into_iter().flatten() {
            let byte = |part: &str| (part.len() == 2).then(|| u8::from_str_radix(part, 16).ok()).flatten();
            let bytes: Option<Vec<u8>> = text.value.split([':', '-']).map(byte).collect();
            match bytes.filter(|bytes| bytes.len() <= 6) {
                Some(bytes) => found.push(bytes),
                None => {
                    let words = Words::new(
                        "MACアドレスの先頭として読めません(例: 02:00:00)",
                        "this is no beginning of a MAC address (such as 02:00:00)",
                    );
                    self.fault("T04", words, &entry.spot(&text.span));
                }
            }
        }
        found
    }

    pub(super) fn zone_list(&mut self) -> Vec<Zone> {
        let document = self.document;
        let mut found = Vec::with_capacity(document.zones.len());
        for entry in &document.zones {
            let value = &entry.value;
            let (epochs, periods) = self.epochs_of(entry, value.epochs.as_ref(), &Periods::always());
            let rest = value.rest.as_ref().is_some_and(|rest| rest.value);
            let cidr = self.prefixes(entry, value.cidr.as_ref());
            if rest == (value.cidr.as_ref().is_some_and(|cidr| !cidr.is_empty())) {
                let words = Words::new(
                    "ゾーンにはcidrかrest = trueのどちらか一方を書きます",
                    "a zone has either cidr or rest = true",
                );
                self.fault("T03", words, &entry.spot(&value.id.span));
            }
            found.push(Zone {
                id: self.id(entry, &value.id),
                class: self.word(entry, &value.class).unwrap_or(ZoneClass::InternetZone),
                name_ja: self.text_or_empty(entry, value.name_ja.as_ref()),
                cidr,
                rest,
                epochs,
                periods,
            });
        }
        found
    }

    pub(super) fn host_list(&mut self, segments: &[Segment], zones: &[Zone]) -> Vec<Host> {
        let document = self.document;
        let mut found = Vec::with_capacity(document.hosts.len());
        for entry in &document.hosts {
            let value = &entry.value;
            let home = match (&value.segment, &value.zone) {
                (Some(name), None) => {
                    let only = |place: &Selector| matches!(place, Selector::Segment(_));
                    self.selectors(entry, std::slice::from_ref(name), ("系", "segment"), only).pop()
                }
                (None, Some(name)) => {
                    let only = |place: &Selector| matches!(place, Selector::Zone(_));
                    self.selectors(entry, std::slice::from_ref(name), ("ゾーン", "zone"), only).pop()
                }
                _ => {
                    let words = Words::new(
                        "機器にはsegmentかzoneのどちらか一方を書きます",
                        "a host stands in either a segment or a zone",
                    );
                    self.fault("L04", words, &entry.spot(&value.id.span));
                    None
                }
            };
            let parent = match home {
                Some(Selector::Segment(index)) => {
                    segments.get(usize::from(index.0)).map(|segment| &segment.periods)
                }
                Some(Selector::Zone(index)) => zones.get(usize::from(index.0)).map(|zone| &zone.periods),
                _ => None,
            };
            let parent = parent.cloned().unwrap_or_else(Periods::always);
            let (epochs, periods) = self.epochs_of(entry, value.epochs.as_ref(), &parent);
            let homes = value.homes.as_deref().unwrap_or_default();
            found.push(Host {
                id: self.id(entry, &value.id),
                // A home that was not found is an error already; the placeholder is never compiled.
                home: home.unwrap_or(Selector::Zone(super::item::ZoneIndex(0))),
                homes: self.selectors(entry, homes, SEGMENT_OR_ZONE, is_place),
                addr: self.addresses(entry, Some(&value.addr)),
                mac: self.macs(entry, value.mac.as_ref()),
                role: self.word(entry, &value.role).unwrap_or(Role::Server),
                name_ja: self.text_or_empty(entry, value.name_ja.as_ref()),
                epochs,
                periods,
            });
        }
        found
    }

    pub(super) fn path_list(&mut self) -> Vec<Path> {
        let document = self.document;
        let mut found = Vec::with_capacity(document.paths.len());
        for entry in &document.paths {
            let value = &entry.value;
            let (_, periods) = self.epochs_of(entry, value.epochs.as_ref(), &Periods::always());
            found.push(Path {
                id: self.id(entry, &value.id),
                name_ja: self.text_or_empty(entry, value.name_ja.as_ref()),
                sensors: self.sensor_numbers(entry, value.sensors.as_ref()),
                gateway_mac: self.macs(entry, value.gateway_mac.as_ref()),
                egress_addr: self.addresses(entry, value.egress_addr.as_ref()),
                periods,
            });
        }
        found
    }
}

const fn is_place(selector: &Selector) -> bool {
    matches!(selector, Selector::Segment(_) | Selector::Zone(_))
}
