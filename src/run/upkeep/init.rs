//! A first policy: the city's places, what its model forbids, and typical channels as remarks to be filled in.

use std::{fmt::Write as _, net::IpAddr};

use super::{
    examples,
    written::{list, string, table},
};
use crate::{
    ground::model::{address::Prefix, lang::Lang},
    policy::language::{Area, Case, Model, Preset, SegmentClass, ZoneClass},
};

/// The time zone that drafts are written for: all of Japan.
pub const TIMEZONE: &str = "Asia/Tokyo";
/// Where the draft expects the proposals of [`learn`](super::learn).
pub const LEARNED: &str = "learned.toml";

/// What a draft is made from.
#[derive(Clone, Debug)]
pub struct Draft {
    /// The model and, for α′, its case.
    pub model: Model,
    /// See `model`.
    pub case: Option<Case>,
    /// The edition of the guideline.
    pub guideline: String,
    /// The organisation's name.
    pub org: String,
    /// First day in force: year, month, day.
    pub valid_from: (i16, i8, i8),
    /// The city's segments.
    pub segments: Vec<Plot<SegmentClass>>,
    /// What lies outside, without the rest.
    pub zones: Vec<Plot<ZoneClass>>,
    /// Where packets are captured.
    pub sensors: Vec<Lookout>,
}

/// A part of the network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plot<C> {
    /// Its id.
    pub id: String,
    /// What it is.
    pub class: C,
    /// Its addresses.
    pub cidr: Vec<Prefix>,
    /// Its VLANs.
    pub vlan: Vec<u16>,
}

/// A place where packets are captured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lookout {
    /// Its id.
    pub id: String,
    /// Which files are its.
    pub inputs: String,
}

impl<C: Copy> Plot<C> {
    /// Reads `ID=CLASS:CIDR[,CIDR…][@VLAN,…]`, where `class` knows the words for `CLASS`.
    #[must_use]
    pub fn read(text: &str, class: impl Fn(&str) -> Option<C>) -> Option<Self> {
        let (id, rest) = text.split_once('=')?;
        let (word, rest) = rest.split_once(':')?;
        let plot = Self::unnamed(rest, class(word.trim())?)?;
        Some(Self { id: id.trim().to_owned(), ..plot }).filter(|plot| !plot.id.is_empty())
    }

    /// Reads `CIDR[,CIDR…][@VLAN,…]`.
    #[must_use]
    pub fn unnamed(text: &str, class: C) -> Option<Self> {
        let (cidr, vlan) = text.split_once('@').map_or((text, None), |(cidr, vlan)| (cidr, Some(vlan)));
        let cidr: Option<Vec<_>> = cidr.split(',').map(|block| block.trim().parse().ok()).collect();
        let number = |vlan: &str| vlan.trim().parse().ok().filter(|vlan| (1..=4094).contains(vlan));
        let vlan: Option<Vec<_>> = vlan.into_iter().flat_map(|list| list.split(',')).map(number).collect();
        Some(Self { id: String::new(), class, cidr: cidr?, vlan: vlan? })
    }

    /// The `n`-th address of its first block, or the last where it has fewer.
    pub(super) fn address(&self, n: u8) -> Option<IpAddr> {
        let block = self.cidr.first()?;
        let nth = match block.addr() {
            IpAddr::V4(addr) => IpAddr::V4((addr.to_bits() | u32::from(n)).into()),
            IpAddr::V6(addr) => IpAddr::V6((addr.to_bits() | u128::from(n)).into()),
        };
        Some(if block.contains(nth) { nth } else { block.last() })
    }
}

/// What people call a class of segments.
#[must_use]
pub const fn segment_name(class: SegmentClass, lang: Lang) -> &'static str {
    let (ja, en) = match class {
        SegmentClass::Mynumber => ("マイナンバー利用事務系", "My Number segment"),
        SegmentClass::Lgwan => ("LGWAN接続系", "LGWAN segment"),
        SegmentClass::Internet => ("インターネット接続系", "internet segment"),
        SegmentClass::Boundary => {
            ("中継セグメント(無害化・画面転送)", "boundary (sanitiser, screen transfer)")
        }
        SegmentClass::Internal => ("内部情報系", "inner segment"),
        SegmentClass::Management => ("機器管理", "management"),
        SegmentClass::Guest => ("来庁者用", "guests"),
        SegmentClass::Test => ("試験用", "tests"),
    };
    if matches!(lang, Lang::Ja) { ja } else { en }
}

/// What people call a class of zones.
#[must_use]
pub const fn zone_name(class: ZoneClass, lang: Lang) -> &'static str {
    let (ja, en) = match class {
        ZoneClass::LgwanWan => ("LGWAN", "LGWAN"),
        ZoneClass::Seccloud => ("自治体情報セキュリティクラウド", "security cloud"),
        ZoneClass::ClosedCloud => ("閉域で使うクラウド", "cloud over a closed line"),
        ZoneClass::Dedicated => ("専用線", "dedicated line"),
        ZoneClass::Branch => ("出先", "branch office"),
        ZoneClass::InternetZone => ("インターネット", "internet"),
    };
    if matches!(lang, Lang::Ja) { ja } else { en }
}

/// The usual id of a zone.
#[must_use]
pub const fn zone_id(class: ZoneClass) -> &'static str {
    match class {
        ZoneClass::LgwanWan => "lgwan",
        ZoneClass::Seccloud => "seccloud",
        ZoneClass::ClosedCloud => "cloud",
        ZoneClass::Dedicated => "maint",
        ZoneClass::Branch => "branch",
        ZoneClass::InternetZone => "inet",
    }
}

impl Draft {
    /// The policy as a file. Whether it holds is asked of the language, as of any other.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = self.head();
        self.sensors_text(&mut text);
        self.segments_text(&mut text);
        self.zones_text(&mut text);
        text += &examples::text(self);
        self.forbids_text(&mut text);
        text += NEXT;
        text
    }

    fn head(&self) -> String {
        let (year, month, day) = self.valid_from;
        // The fiscal year of Japanese cities ends on the 31st of March.
        let last = if month >= 4 { year + 1 } else { year };
        let case = self.case.map_or_else(String::new, |case| format!("case        = \"{}\"\n", case.word()));
        format!(
            "{HEAD}\
             schema = \"sekisho-policy/1\"\n\
             # `sekisho policy learn` の提案を取り込むときは、次の行の先頭の # を消します。\n\
             # include = [\"{LEARNED}\"]\n\n\
             [policy]\n\
             id          = \"city\"\n\
             title_ja    = \"系間通信 許可台帳(案)\"\n\
             org_ja      = {}\n\
             model       = \"{}\"\n\
             {case}\
             guideline   = {}\n\
             version     = \"0.1.0\"\n\
             # approved_by_ja = \"\"   # 要記入: この台帳を承認する人(最高情報セキュリティ責任者など)\n\
             # approval       = \"\"   # 要記入: 承認の番号\n\
             valid_from  = {year:04}-{month:02}-{day:02}T00:00:00+09:00\n\
             valid_until = {last:04}-03-31T23:59:59+09:00   # 年度末。承認された期限に直します\n\
             timezone    = \"{TIMEZONE}\"\n\n\
             [defaults]\n\
             inter_segment   = \"deny\"      # 書いていない通信は許さない\n\
             intra_segment   = \"observe\"   # 同じ系の中は数えるだけ\n\
             unknown_address = \"finding\"   # どの系でもないアドレスは指摘する\n\
             ipv6            = \"deny\"      # IPv6を使うなら allow に直します\n",
            string(&self.org),
            self.model.word(),
            string(&self.guideline),
        )
    }

    fn sensors_text(&self, text: &mut String) {
        *text += "\n# ---- 見る場所(センサー) ----\n\
                  # inputs は記録ファイルの名前(グロブ)、sees は必ず写る系とゾーンの約束です。写らなければ結果は「不完全」になります。\n\n";
        for (number, sensor) in self.sensors.iter().enumerate() {
            // One of them must promise every segment; what the others see only the city knows.
            let sees =
                if number == 0 { list(self.segments.iter().map(|plot| &plot.id)) } else { list([""; 0]) };
            let remark =
                if number == 0 { "" } else { "   # 要記入: ここで必ず写る系とゾーン" };
            *text += &table(
                "sensors",
                &[
                    ("id", string(&sensor.id)),
                    ("place_ja", "\"\"   # 要記入: 例「本庁 2階サーバー室 コアスイッチのミラー」".to_owned()),
                    ("sees", sees + remark),
                    ("inputs", list([&sensor.inputs])),
                ],
            );
            text.push('\n');
        }
    }

    fn segments_text(&self, text: &mut String) {
        *text += "# ---- 系 ----\n\n";
        for plot in &self.segments {
            let mut keys = vec![
                ("id", string(&plot.id)),
                ("class", string(plot.class.word())),
                ("name_ja", string(segment_name(plot.class, Lang::Ja))),
                ("cidr", list(&plot.cidr)),
            ];
            if !plot.vlan.is_empty() {
                keys.push(("vlan", format!("{:?}", plot.vlan)));
            }
            *text += &table("segments", &keys);
            text.push('\n');
        }
    }

    fn zones_text(&self, text: &mut String) {
        *text += "# ---- 庁外(ゾーン) ----\n\n";
        for class in [ZoneClass::LgwanWan, ZoneClass::Seccloud] {
            if !self.zones.iter().any(|plot| plot.class == class) {
                let name = zone_name(class, Lang::Ja);
                let _ =
                    writeln!(text, "# 要記入: {name}のアドレスの範囲。次の5行の先頭の # を消して書きます。");
                let id = string(zone_id(class));
                let keys = [
                    ("id", id),
                    ("class", string(class.word())),
                    ("name_ja", string(name)),
                    ("cidr", list(["0.0.0.0/32"])),
                ];
                *text += &commented(&table("zones", &keys));
                text.push('\n');
            }
        }
        for plot in &self.zones {
            let keys = [
                ("id", string(&plot.id)),
                ("class", string(plot.class.word())),
                ("name_ja", string(zone_name(plot.class, Lang::Ja))),
                ("cidr", list(&plot.cidr)),
            ];
            *text += &table("zones", &keys);
            text.push('\n');
        }
        let class = ZoneClass::InternetZone;
        let keys = [
            ("id", string(self.rest())),
            ("class", string(class.word())),
            ("name_ja", string(zone_name(class, Lang::Ja))),
            ("rest", "true   # ほかのどれでもない公開アドレス".to_owned()),
        ];
        *text += &table("zones", &keys);
    }

    /// The id of the zone of the rest.
    pub(super) fn rest(&self) -> &'static str {
        let is_taken =
            self.segments.iter().map(|plot| &plot.id).chain(self.zones.iter().map(|plot| &plot.id));
        if is_taken.into_iter().any(|id| id == zone_id(ZoneClass::InternetZone)) {
            "inet-rest"
        } else {
            "inet"
        }
    }

    fn forbids_text(&self, text: &mut String) {
        *text += "\n# ---- 禁止(どの許可にも優先します。モデルの決まりから) ----\n";
        let Some(preset) = Preset::find(&self.guideline, self.model) else { return };
        for apart in preset.apart() {
            let reason = match apart.has_waypoint {
                true => format!("無害化や画面転送の中継を通さずにつながない({})", apart.clause),
                false => format!("モデルの決まりにより、つながない({})", apart.clause),
            };
            for from in self.ids(apart.from) {
                for to in self.ids(apart.to) {
                    let keys = [
                        ("id", string(&format!("f-{from}-{to}"))),
                        ("from", list([from])),
                        ("to", list([to])),
                        ("reason_ja", string(&reason)),
                    ];
                    text.push('\n');
                    *text += &table("forbid", &keys);
                }
            }
        }
    }

    fn ids(&self, area: Area) -> Vec<&str> {
        match area {
            Area::Inside(class) => {
                self.segments.iter().filter(|plot| plot.class == class).map(|plot| plot.id.as_str()).collect()
            }
            Area::Outside(class) => {
                let rest = (class == ZoneClass::InternetZone).then(|| self.rest());
                let zones = self.zones.iter().filter(|plot| plot.class == class).map(|plot| plot.id.as_str());
                zones.chain(rest).collect()
            }
        }
    }
}

/// TOML that is not in force: `#` right before each line, so that removing it is all there is to do.
pub(super) fn commented(toml: &str) -> String {
    toml.lines().map(|line| if line.is_empty() { "\n".to_owned() } else { format!("#{line}\n") }).collect()
}

const HEAD: &str = "\
# 通信許可台帳の案(sekisho policy init が作りました)
#
# 「要記入」の所を埋め、許可を書き、承認を受けてから使います。
# 「# 」で始まる行は説明です。「#」の直後に文字がある行は例で、# を消すと効きます。
";

const NEXT: &str = "
# ---- 次にすること ----
# 1. 「要記入」を埋める:           この台帳の中で「要記入」を検索します。
# 2. 誤りと注意を確かめる:         sekisho policy check この台帳
# 3. 通信の記録から許可の案を作る: sekisho policy learn 記録… --policy この台帳 --out learned.toml
# 4. 案を見直し、承認を受け、learned.toml の「未承認」を承認の番号に書き換える(要らない案は消す)。
# 5. この台帳の上のほうの include の行の # を消し、もう一度 sekisho policy check で確かめる。
# 6. 監査する:                     sekisho audit 記録… --policy この台帳
";

#[cfg(test)]
pub(super) mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::policy::language::{Diagnostic, UNAPPROVED, load_text, render_all};

    /// The draft of a city that has all four segments.
    pub(in crate::run::upkeep) fn draft(model: Model, case: Option<Case>, guideline: &str) -> Draft {
        let segment = |text| {
            Plot::read(text, |word| SegmentClass::ALL.iter().copied().find(|it| it.word() == word)).unwrap()
        };
        let zone = |text| {
            Plot::read(text, |word| ZoneClass::ALL.iter().copied().find(|it| it.word() == word)).unwrap()
        };
        Draft {
            model,
            case,
            guideline: guideline.to_owned(),
            org: "霞野町(架空)".to_owned(),
            valid_from: (2026, 4, 1),
            segments: [
                "mn=mynumber:10.10.0.0/16@110",
                "lg=lgwan:10.20.0.0/16@120,121",
                "in=internet:10.30.0.0/16,10.31.0.0/16@130",
                "bd=boundary:10.40.0.0/24",
            ]
            .map(segment)
            .to_vec(),
            zones: ["lgwan=lgwan_wan:198.18.0.0/15", "seccloud=seccloud:203.0.113.0/24"].map(zone).to_vec(),
            sensors: vec![Lookout { id: "core".to_owned(), inputs: "*.pcap*".to_owned() }],
        }
    }

    /// Every model, case and edition.
    fn every() -> Vec<Draft> {
        let mut all = Vec::new();
        for edition in Preset::editions() {
            for model in [Model::Alpha, Model::AlphaPrime, Model::Beta, Model::BetaPrime] {
                let cases: &[_] = match model {
                    Model::AlphaPrime => &[Some(Case::A), Some(Case::I), Some(Case::U)],
                    _ => &[None],
                };
                all.extend(cases.iter().map(|case| draft(model, *case, edition)));
            }
        }
        all
    }

    fn codes(remarks: &[Diagnostic]) -> Vec<&str> {
        remarks.iter().map(|remark| remark.code).collect()
    }

    #[test]
    fn the_draft_of_every_model_case_and_edition_is_valid_and_lacks_channels_only() {
        for draft in every() {
            let (_, remarks) = load_text("city.toml", &draft.text())
                .unwrap_or_else(|faults| panic!("{}", render_all(&faults, Lang::En, false)));
            assert_eq!(codes(&remarks), ["L23"], "{draft:?}");
        }
    }

    #[test]
    fn every_example_is_refused_until_it_is_approved_and_holds_then() {
        for draft in every() {
            let told: String = draft.text().lines().map(|line| format!("{}\n", uncommented(line))).collect();
            let faults = load_text("city.toml", &told).unwrap_err();
            assert!(
                codes(&faults).iter().all(|code| *code == "L16"),
                "{}",
                render_all(&faults, Lang::En, false)
            );
            let approved = told.replace(UNAPPROVED, "第1号");
            let (policy, remarks) = load_text("city.toml", &approved)
                .unwrap_or_else(|faults| panic!("{}", render_all(&faults, Lang::En, false)));
            assert!(remarks.is_empty(), "{}", render_all(&remarks, Lang::En, false));
            assert_eq!(policy.channels().len(), faults.len());
        }
    }

    fn uncommented(line: &str) -> &str {
        line.strip_prefix('#').filter(|rest| !rest.is_empty() && !rest.starts_with(' ')).unwrap_or(line)
    }

    #[test]
    fn what_the_model_keeps_apart_is_forbidden_and_the_lbo_of_alpha_prime_is_not() {
        let forbids = |model, case| -> Vec<String> {
            let (policy, _) = load_text("city.toml", &draft(model, case, "soumu-2025-03").text()).unwrap();
            policy.forbids().iter().map(|forbid| forbid.id.to_string()).collect()
        };
        let always = [
            "f-mn-in",
            "f-mn-inet",
            "f-mn-seccloud",
            "f-in-mn",
            "f-inet-mn",
            "f-inet-lg",
            "f-lg-in",
            "f-in-lg",
        ];
        for model in [Model::Alpha, Model::Beta, Model::BetaPrime] {
            let found = forbids(model, None);
            assert!(
                always.iter().chain(&["f-lg-inet"]).all(|id| found.iter().any(|it| it == id)),
                "{found:?}"
            );
        }
        let prime = forbids(Model::AlphaPrime, Some(Case::I));
        assert!(always.iter().all(|id| prime.iter().any(|it| it == id)), "{prime:?}");
        assert!(!prime.iter().any(|id| id == "f-lg-inet"));
    }

    #[test]
    fn a_place_is_read_with_its_blocks_and_vlans_or_not_at_all() {
        let read = |text| Plot::read(text, |word| (word == "lgwan").then_some(SegmentClass::Lgwan));
        let plot = read("lg=lgwan:10.20.0.0/16, 2001:db8::/32@120,121").unwrap();
        assert_eq!((plot.cidr.len(), plot.vlan), (2, vec![120, 121]));
        for text in [
            "lg",
            "lg=lgwan",
            "=lgwan:10.0.0.0/8",
            "lg=x:10.0.0.0/8",
            "lg=lgwan:10.0.0.1/8",
            "lg=lgwan:10.0.0.0/8@0",
            "lg=lgwan:10.0.0.0/8@",
            "lg=lgwan:",
        ] {
            assert!(read(text).is_none(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn the_name_of_the_city_means_itself_or_is_refused(org in any::<String>()) {
            let draft = Draft { org: org.clone(), ..draft(Model::Alpha, None, "soumu-2025-03") };
            match load_text("city.toml", &draft.text()) {
                Ok((policy, _)) => prop_assert_eq!(&*policy.meta().org_ja, org),
                Err(faults) => prop_assert!(codes(&faults).iter().all(|code| *code == "T04")),
            }
        }
    }
}
