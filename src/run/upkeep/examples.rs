//! Channels that a model typically has, as remarks: the language's own words with made-up addresses, to be corrected.

use std::collections::BTreeSet;

use super::{
    init::{Draft, Plot, commented},
    written::{list, string, table},
};
use crate::{
    ground::model::address::Prefix,
    policy::language::{Case, Model, SegmentClass, UNAPPROVED, ZoneClass},
};

/// The examples for a draft: those whose places it has.
pub(super) fn text(draft: &Draft) -> String {
    let mut page = Page { draft, text: HEAD.to_owned(), told: BTreeSet::new() };
    page.mynumber();
    page.lgwan();
    page.relays();
    page.internet();
    match draft.model {
        Model::AlphaPrime => page.breakout(),
        Model::Beta | Model::BetaPrime => page.watched_terminals(),
        Model::Alpha | Model::Migration => {}
    }
    page.text
}

struct Page<'a> {
    draft: &'a Draft,
    text: String,
    /// Ids of hosts and paths that stand already.
    told: BTreeSet<&'static str>,
}

/// What differs between channels.
struct Channel<'a> {
    id: &'a str,
    from: &'a str,
    to: &'a str,
    services: &'a [&'a str],
    kind: &'a str,
    purpose: &'a str,
    clause: &'a str,
    more: &'a [(&'static str, &'a str)],
}

impl<'a> Page<'a> {
    fn segment(&self, class: SegmentClass) -> Option<&'a Plot<SegmentClass>> {
        self.draft.segments.iter().find(|plot| plot.class == class)
    }

    fn zone(&self, class: ZoneClass) -> Option<&'a Plot<ZoneClass>> {
        self.draft.zones.iter().find(|plot| plot.class == class)
    }

    fn remark(&mut self, text: &str) {
        self.text += &format!("\n# {text}\n");
    }

    fn table(&mut self, name: &str, keys: &[(&str, String)]) {
        self.text += &commented(&table(name, keys));
    }

    fn host(&mut self, id: &'static str, home: (&str, &str), addr: Option<std::net::IpAddr>, role: &str) {
        if self.told.insert(id) {
            let addr = list(addr);
            let keys = [("id", string(id)), (home.0, string(home.1)), ("addr", addr), ("role", string(role))];
            self.table("hosts", &keys);
        }
    }

    fn inside<C: Copy>(&mut self, id: &'static str, plot: &Plot<C>, n: u8, role: &str) {
        self.host(id, ("segment", &plot.id), plot.address(n), role);
    }

    fn destination(
        &mut self,
        (id, zone, kind): (&str, &str, &str),
        (fqdn, cidr): (&[&str], &str),
        more: &[(&'static str, &str)],
    ) {
        let mut keys = vec![("id", string(id)), ("zone", string(zone)), ("kind", string(kind))];
        if !fqdn.is_empty() {
            keys.push(("fqdn", list(fqdn)));
        }
        keys.push(("cidr", list([cidr])));
        keys.extend(more.iter().map(|(key, value)| (*key, (*value).to_owned())));
        self.table("destinations", &keys);
    }

    fn channel(&mut self, channel: &Channel<'_>) {
        let mut keys = vec![
            ("id", string(channel.id)),
            ("from", list([channel.from])),
            ("to", list([channel.to])),
            ("services", list(channel.services)),
            ("kind", string(channel.kind)),
            ("purpose_ja", string(channel.purpose)),
            ("clause", string(channel.clause)),
            ("approval", string(UNAPPROVED)),
        ];
        keys.extend(channel.more.iter().map(|(key, value)| (*key, (*value).to_owned())));
        self.table("channels", &keys);
    }

    fn mynumber(&mut self) {
        let (Some(mn), Some(lgwan)) = (self.segment(SegmentClass::Mynumber), self.zone(ZoneClass::LgwanWan))
        else {
            return;
        };
        self.remark("マイナンバー利用事務系: 公的なシステムだけに、機器とポートを決めてつなぐ");
        self.inside("mn-relay", mn, 10, "gateway");
        let cidr = one(lgwan, 10);
        self.destination(("d-chukan", &lgwan.id, "public_system"), (&[], &cidr), &[]);
        self.channel(&Channel {
            id: "c-mn-chukan",
            from: "mn-relay",
            to: "d-chukan",
            services: &["tcp/443"],
            kind: "normal",
            purpose: "情報連携",
            clause: "2-2-3(1)①",
            more: &[],
        });
    }

    fn lgwan(&mut self) {
        let (Some(lg), Some(lgwan)) = (self.segment(SegmentClass::Lgwan), self.zone(ZoneClass::LgwanWan))
        else {
            return;
        };
        self.remark("LGWAN接続系: 契約中のLGWAN-ASPと名前解決");
        let cidr = one(lgwan, 20);
        let names = ["kessai.asp.lgwan.example"];
        self.destination(("d-asp", &lgwan.id, "lgwan_asp"), (&names, &cidr), &[]);
        self.channel(&Channel {
            id: "c-lg-asp",
            from: &lg.id,
            to: "d-asp",
            services: &["tcp/443"],
            kind: "asp",
            purpose: "LGWAN-ASPの利用",
            clause: "3-2-3(2)②",
            more: &[("encrypt", "\"required\"")],
        });
        self.inside("lg-dns", lg, 53, "dns");
        self.channel(&Channel {
            id: "c-lg-dns",
            from: "lg-dns",
            to: &lgwan.id,
            services: &["udp/53", "tcp/53"],
            kind: "normal",
            purpose: "LGWAN内の名前解決",
            clause: "2-2-3(2)①",
            more: &[],
        });
    }

    /// Screens, mail and files pass boundary gear; who opens the screens is the model's.
    fn relays(&mut self) {
        let boundary = self.segment(SegmentClass::Boundary);
        let (Some(lg), Some(net), Some(bd)) =
            (self.segment(SegmentClass::Lgwan), self.segment(SegmentClass::Internet), boundary)
        else {
            return;
        };
        let opened_by_lgwan = matches!(self.draft.model, Model::Alpha | Model::AlphaPrime);
        let (near, far) = if opened_by_lgwan { (lg, net) } else { (net, lg) };
        self.remark("画面転送: αとα'ではLGWAN接続系、βとβ'ではインターネット接続系から開く");
        self.inside("bd-vdi", bd, 20, "vdi_gateway");
        let screen = |id, from, to, port, purpose| Channel {
            id,
            from,
            to,
            services: port,
            kind: "screen",
            purpose,
            clause: "2-2-3(2)①(イ)",
            more: &[],
        };
        self.channel(&screen("c-scr-1", &near.id, "bd-vdi", &["tcp/443"], "画面転送"));
        self.channel(&screen("c-scr-2", "bd-vdi", &far.id, &["tcp/8443"], "中継から仮想端末へ"));
        self.remark("ファイルとメール: 無害化の装置を通す");
        self.inside("bd-san", bd, 10, "sanitizer");
        self.inside("lg-mail", lg, 25, "mail");
        let relay = |id, from, to, port, kind, purpose, clause| Channel {
            id,
            from,
            to,
            services: port,
            kind,
            purpose,
            clause,
            more: &[],
        };
        let (file, mail) = ("2-2-3(2)①(ウ)", "2-2-3(2)①(ア)");
        self.channel(&relay("c-file-1", &net.id, "bd-san", &["tcp/443"], "file", "ファイルの投入", file));
        self.channel(&relay(
            "c-file-2",
            &lg.id,
            "bd-san",
            &["tcp/443"],
            "file",
            "無害化したファイルの取出し",
            file,
        ));
        self.channel(&relay(
            "c-mail-1",
            "bd-san",
            "lg-mail",
            &["tcp/25"],
            "mail",
            "無害化したメールの取込み",
            mail,
        ));
    }

    fn internet(&mut self) {
        let (Some(net), Some(cloud)) = (self.segment(SegmentClass::Internet), self.zone(ZoneClass::Seccloud))
        else {
            return;
        };
        self.remark("インターネット接続系: 庁内のProxyからセキュリティクラウドのProxyへ");
        self.inside("in-proxy", net, 80, "proxy");
        self.host("sc-proxy", ("zone", &cloud.id), cloud.address(10), "proxy");
        self.channel(&Channel {
            id: "c-in-proxy",
            from: &net.id,
            to: "sc-proxy",
            services: &["tcp/8080"],
            kind: "normal",
            purpose: "Webの閲覧",
            clause: "2-2-3(3)",
            more: &[("via", "[\"in-proxy\"]")],
        });
    }

    fn line(&mut self) -> bool {
        let Some(sensor) = self.draft.sensors.first() else { return false };
        if self.told.insert("lbo1") {
            let sensors = list([&sensor.id]) + "   # 要記入: その回線を見るセンサー";
            self.table("paths", &[("id", string("lbo1")), ("sensors", sensors)]);
        }
        true
    }

    /// α′: what each case leaves to the LGWAN segment.
    fn breakout(&mut self) {
        let Some(lg) = self.segment(SegmentClass::Lgwan) else { return };
        self.remark("ローカルブレイクアウト: 回線(path)、名前とアドレス、ISMAPか例外の三条件を書く");
        if !self.line() {
            return;
        }
        let rest = self.draft.rest();
        let exception = "{ no_official_documents = true, url_restricted = true, cert_verified = true, ref = \"3-2-3(2)③ ただし書き\" }";
        let av = ["update.antivirus.example"];
        self.destination(
            ("d-avupd", rest, "security_update"),
            (&av, "198.51.100.64/28"),
            &[("exception", exception)],
        );
        let lbo = [("path", "\"lbo1\""), ("encrypt", "\"required\"")];
        self.channel(&Channel {
            id: "c-lbo-av",
            from: &lg.id,
            to: "d-avupd",
            services: &["tcp/443"],
            kind: "update",
            purpose: "ウイルス定義ファイルの取得",
            clause: "3-2-3(2)③ ただし書き",
            more: &lbo,
        });
        if self.draft.case == Some(Case::A) {
            return;
        }
        let ismap = ismap(self.draft);
        let suite = ["meet.cloud.example", "chat.cloud.example"];
        self.destination(
            ("d-suite", rest, "cloud_comm"),
            (&suite, "198.51.100.128/26"),
            &[("ismap", &ismap)],
        );
        let takes_nothing_in = [lbo[0], lbo[1], ("download", "\"forbidden\"")];
        self.channel(&Channel {
            id: "c-lbo-suite",
            from: &lg.id,
            to: "d-suite",
            services: &["tcp/443", "udp/443"],
            kind: "lbo",
            purpose: "会議とチャット",
            clause: "3-2-3(2)③",
            more: if self.draft.case == Some(Case::I) { &takes_nothing_in } else { &lbo },
        });
    }

    /// β and β′: terminals stand in the internet segment and are watched.
    fn watched_terminals(&mut self) {
        let Some(net) = self.segment(SegmentClass::Internet) else { return };
        self.remark("端末の監視(EDR): 毎日つながることも確かめる");
        let rest = self.draft.rest();
        let ismap = ismap(self.draft);
        self.destination(
            ("d-edr", rest, "security_update"),
            (&["sensor.edr.example"], "192.0.2.64/27"),
            &[("ismap", &ismap)],
        );
        self.channel(&Channel {
            id: "c-edr",
            from: &net.id,
            to: "d-edr",
            services: &["tcp/443"],
            kind: "update",
            purpose: "全端末のEDRの接続",
            clause: "2-2-3(3)",
            more: &[("encrypt", "\"required\""), ("expect_min_per_day", "1")],
        });
    }
}

fn one<C: Copy>(plot: &Plot<C>, n: u8) -> String {
    plot.address(n).map_or_else(String::new, |addr| Prefix::single(addr).to_string())
}

fn ismap(draft: &Draft) -> String {
    let (year, month, day) = draft.valid_from;
    format!("{{ listed = true, name_ja = \"例のサービス\", checked_on = {year:04}-{month:02}-{day:02} }}")
}

const HEAD: &str = "
# ---- 役割のある機器・行ってよい先・特定通信の例(どれも未承認) ----
# 名前とアドレスは架空です。使うものだけ # を消して直し、承認を受けて approval に番号を書きます。
";
