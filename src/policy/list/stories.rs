//! What each format gives, and what is told of it.

use proptest::prelude::*;

use super::*;
use crate::ground::{
    calendar::Day,
    model::{address::Prefix, lang::Lang, limits::LIST_ENTRIES_MAX, pattern::NamePattern},
};

const M365: &[u8] = include_bytes!("../../../fixtures/lists/m365.json");
const AWS: &[u8] = include_bytes!("../../../fixtures/lists/aws.json");
const GOOG: &[u8] = include_bytes!("../../../fixtures/lists/goog.json");
const CLOUD: &[u8] = include_bytes!("../../../fixtures/lists/cloud.json");
const AZURE: &[u8] = include_bytes!("../../../fixtures/lists/azure.json");
const ORACLE: &[u8] = include_bytes!("../../../fixtures/lists/oracle.json");
const LBO: &[u8] = include_bytes!("../../../fixtures/lists/lbo.json");
const TRAPS: &[u8] = include_bytes!("../../../fixtures/lists/traps.json");
const PLAIN: &[u8] = include_bytes!("../../../fixtures/lists/plain.txt");
const CSV: &[u8] = include_bytes!("../../../fixtures/lists/names.csv");

fn select(options: &[&str]) -> Selection {
    let mut selection = Selection::default();
    options.iter().for_each(|option| selection.read(option).unwrap());
    selection
}

fn read(bytes: &[u8], options: &[&str]) -> List {
    let format = detect(bytes).unwrap();
    format.read(bytes, &select(options)).unwrap_or_else(|fault| panic!("{}", fault.told().en))
}

fn refused(bytes: &[u8], options: &[&str]) -> String {
    detect(bytes).and_then(|format| format.read(bytes, &select(options))).unwrap_err().told().en
}

fn names(list: &List) -> Vec<String> {
    list.all_names().iter().map(ToString::to_string).collect()
}

fn blocks(list: &List) -> Vec<String> {
    list.all_blocks().iter().map(ToString::to_string).collect()
}

fn traps(list: &List) -> Vec<(&'static str, String)> {
    lint(list).into_iter().map(|finding| (finding.rule.code, finding.subject)).collect()
}

fn codes(list: &List) -> Vec<&'static str> {
    let mut codes: Vec<_> = lint(list).iter().map(|finding| finding.rule.code).collect();
    codes.sort_unstable();
    codes.dedup();
    codes
}

#[test]
fn every_format_is_known_by_its_content() {
    for (bytes, name) in [
        (M365, "m365"),
        (AWS, "aws"),
        (GOOG, "google"),
        (CLOUD, "google"),
        (AZURE, "azure"),
        (ORACLE, "oracle"),
        (LBO, "lbo"),
        (PLAIN, "plain"),
        (CSV, "csv"),
    ] {
        assert_eq!(detect(bytes).unwrap().name, name);
    }
    assert!(detect(b"{\"colour\": 1}").unwrap_err().words.en.contains("m365, aws"), "the formats are named");
}

#[test]
fn m365_is_selected_by_set_area_category_and_need() {
    let list = read(M365, &["area=exchange", "required=true"]);
    assert_eq!(names(&list), ["mail.suite.example", "*.mail.suite.example", "outlook.suite.example"]);
    assert_eq!(blocks(&list), ["192.0.2.0/26", "2001:db8:1::/48"]);
    assert_eq!(list.sets.iter().map(|set| set.label.as_str()).collect::<Vec<_>>(), ["id 1", "id 8"]);
    assert_eq!(names(&read(M365, &["id=125"])), ["crl.pki.example", "ocsp.pki.example"]);
    assert_eq!(blocks(&read(M365, &["category=Optimize", "area=Skype"])), ["198.51.100.0/25"]);
}

#[test]
fn sets_with_other_halves_or_ports_become_other_destinations() {
    let groups = read(M365, &["area=Exchange,Skype"]).groups();
    let told: Vec<_> = groups
        .iter()
        .map(|group| {
            let services: Vec<_> = group.services.iter().map(ToString::to_string).collect();
            (group.labels.join(" "), group.names.len(), group.blocks.len(), services.join(" "))
        })
        .collect();
    let row =
        |labels: &str, names, blocks, services: &str| (labels.to_owned(), names, blocks, services.to_owned());
    assert_eq!(
        told,
        [
            row("id 1", 2, 2, "tcp/80 tcp/443 udp/443"),
            row("id 2", 2, 1, "tcp/587 tcp/993 tcp/995"),
            row("id 8", 1, 0, "tcp/443"),
            row("id 11", 0, 1, "udp/3478-3481"),
            row("id 12", 1, 2, "tcp/443"),
        ]
    );
}

#[test]
fn a_selection_that_nothing_answers_to_is_refused_and_the_near_values_are_named() {
    assert!(refused(M365, &["area=Exchnge"]).contains("there are Common, Exchange, SharePoint, Skype"));
    assert!(refused(AWS, &["service=ROUTE"]).contains("ROUTE53"));
    assert!(refused(AWS, &["id=1"]).contains("use service, region"));
    assert!(refused(PLAIN, &["id=1"]).contains("nothing to select by"));
    assert!(refused(LBO, &["except=other.example"]).contains("not among what is selected"));
    assert!(Selection::default().read("colour=red").is_err() && Selection::default().read("area").is_err());
}

#[test]
fn what_is_left_out_by_name_or_block_is_gone_and_the_rest_of_a_block_stays() {
    let list = read(LBO, &["except=*.meet.suite.example,192.0.2.192/26"]);
    assert_eq!(names(&list), ["meet.suite.example", "www.suite.example"]);
    assert_eq!(blocks(&list), ["192.0.2.0/25", "192.0.2.128/26", "2001:db8:4864:5::/64"]);
    assert!(!list.is_selected && list.taken.is_none());
}

#[test]
fn aws_tells_its_date_and_which_of_it_anybody_rents() {
    let list = read(AWS, &["region=ap-northeast-1", "service=ROUTE53,AMAZON_CONNECT"]);
    assert_eq!(blocks(&list), ["192.0.2.192/26", "2001:db8:a0c0::/44"]);
    assert_eq!((list.version.as_deref(), list.date), (Some("1780272000"), Day::new(2026, 6, 1)));
    assert!(lint(&list).is_empty(), "{:?}", traps(&list));
    let rented = read(AWS, &["service=EC2"]);
    assert_eq!(codes(&rented), ["LL07"]);
    assert!(lint(&rented)[0].headline(Lang::En).contains("at least 128 addresses"));
}

#[test]
fn google_is_only_right_without_the_cloud_that_its_customers_rent() {
    let goog = read(GOOG, &[]);
    assert_eq!(codes(&goog), ["LL07"]);
    let own = goog.minus(&read(CLOUD, &[]).addresses());
    assert_eq!(blocks(&own), ["192.0.2.0/24", "198.51.100.64/26", "2001:db8::/33"]);
    assert_eq!(own.taken.as_ref().unwrap().count().v4, 192);
    assert!(lint(&own).is_empty(), "{:?}", traps(&own));
    assert_eq!(codes(&read(CLOUD, &["region=asia-northeast1"])), ["LL07"]);
}

#[test]
fn azure_and_oracle_are_selected_by_tag_service_and_region() {
    let list = read(AZURE, &["tag=AzureActiveDirectory"]);
    assert_eq!((blocks(&list).len(), list.version.as_deref()), (2, Some("401")));
    assert!(lint(&list).is_empty());
    assert_eq!(blocks(&read(AZURE, &["service=AzureMonitor", "region=japaneast"])), ["192.0.2.32/28"]);
    assert_eq!(codes(&read(AZURE, &["tag=Storage.JapanEast"])), ["LL07"]);
    assert_eq!(codes(&read(AZURE, &["tag=AzureCloud.japaneast"])), ["LL07"]);
    assert_eq!(codes(&read(AZURE, &[])), ["LL07", "LL16"]);
    let osn = read(ORACLE, &["region=ap-tokyo-1", "tag=OSN", "except=192.0.2.192/26"]);
    assert_eq!(blocks(&osn), ["192.0.2.128/26"]);
    assert!(lint(&osn).is_empty());
    assert_eq!(codes(&read(ORACLE, &["region=ap-tokyo-1"])), ["LL07"]);
}

#[test]
fn a_csv_from_excel_says_what_the_plain_list_says() {
    let (plain, csv) = (read(PLAIN, &[]), read(CSV, &[]));
    assert_eq!(names(&csv), names(&plain));
    assert_eq!(blocks(&csv), ["192.0.2.0/24"]);
    assert_eq!(csv.names[1].place, Place::Line(3));
    let odd = read("種類,値\n名前,みなと.example\n色,赤\n範囲,192.0.2.0/25\n,\n".as_bytes(), &[]);
    let told: Vec<_> = odd.remarks.iter().map(|remark| (remark.place, &remark.oddity)).collect();
    assert_eq!(told, [(Place::Line(2), &Oddity::NotAscii), (Place::Line(3), &Oddity::UnknownKind)]);
    let headless = format("csv").unwrap().read(b"fqdn,meet.suite.example\n", &Selection::default());
    assert_eq!(headless.unwrap_err().place, Some(Place::Line(1)));
}

#[test]
fn every_measured_trap_is_found_where_it_stands() {
    let list = read(TRAPS, &[]);
    let found = traps(&list);
    for (code, subject) in [
        ("LL01", "*.amazonaws.com"),
        ("LL01", "*.blob.core.windows.net"),
        ("LL01", "*.run.app"),
        ("LL01", "s3.amazonaws.com"),
        ("LL02", "*.sharepoint.com"),
        ("LL02", "*.onmicrosoft.com"),
        ("LL03", "*.flow.microsoft.com"),
        ("LL03", "*.azure-apim.net"),
        ("LL03", "*.kintone.com"),
        ("LL04", "cdn.jsdelivr.net"),
        ("LL04", "unpkg.com"),
        ("LL04", "*.akamaihd.net"),
        ("LL05", "17.0.0.0/8"),
        ("LL06", "8.8.8.0/24"),
        ("LL06", "8.8.4.0/24"),
        ("LL07", ""),
        ("LL08", "autodiscover.*.suite.example"),
        ("LL09", "*cdn.notes.example"),
        ("LL10", "http://www.suite.example/tools/feedback"),
        ("LL11", "2001:db8:4864:5::0/64"),
        ("LL12", ""),
        ("LL14", ""),
        ("LL15", "192.0.2.1/24"),
        ("LL15", "proxied.suite.example"),
        ("LL17", "*.com"),
        ("LL18", "10.20.0.0/16"),
    ] {
        assert!(found.contains(&(code, subject.to_owned())), "{code} {subject}: {found:#?}");
    }
    let wide = lint(&list).into_iter().find(|finding| finding.subject == "17.0.0.0/8").unwrap();
    assert_eq!((wide.level, &wide.places[..]), (Level::Error, &[Place::Item("entries", 12)][..]));
    let sets = codes(&read(M365, &[]));
    assert!(["LL13", "LL14", "LL16", "LL19"].iter().all(|code| sets.contains(code)), "{sets:?}");
}

#[test]
fn a_half_of_which_nothing_is_left_is_told_since_the_other_alone_would_be_weaker() {
    let set = br#"[{"id": 9, "urls": ["a.*.suite.example"], "ips": ["192.0.2.0/24"], "tcpPorts": "443"}]"#;
    assert!(traps(&read(set, &[])).contains(&("LL20", "id 9".to_owned())));
    let lbo = read(LBO, &["except=192.0.2.0/24,2001:db8:4864:5::/64"]);
    assert!(lbo.all_blocks().is_empty() && codes(&lbo).contains(&"LL20"), "{:?}", traps(&lbo));
    let away = read(LBO, &[]).addresses();
    assert!(codes(&read(LBO, &[]).minus(&away)).contains(&"LL20"));
    let ports = br#"[{"id": 9, "urls": ["suite.example"], "tcpPorts": "https"}]"#;
    assert!(refused(ports, &[]).contains("not a port: https"), "without ports all would be allowed");
}

#[test]
fn a_clean_list_is_told_nothing_about() {
    assert!(lint(&read(PLAIN, &[])).is_empty());
    assert!(lint(&read(b"login.suite.example\n198.51.100.0/24\n", &[])).is_empty());
}

#[test]
fn an_entry_is_read_as_what_it_means() {
    let text = "Meet.Suite.Example.\n.files.suite.example\nchat.suite.example:443\nhttps://[2001:db8::7]:8443/x\n\
                http://user@down.suite.example:80\n2001:DB8::/32\n*.*.suite.example\n*\nmeet suite.example\n\
                192.0.2.0/33\n";
    let list = format("plain").unwrap().read(text.as_bytes(), &Selection::default()).unwrap();
    assert_eq!(
        names(&list),
        ["chat.suite.example", "down.suite.example", "*.files.suite.example", "meet.suite.example"]
    );
    assert_eq!(blocks(&list), ["2001:db8::/32"], "a single address inside it needs no line");
    let left_out: Vec<_> = list
        .remarks
        .iter()
        .filter(|remark| remark.oddity.is_left_out())
        .map(|remark| remark.shown.as_str())
        .collect();
    assert_eq!(left_out, ["*.*.suite.example", "*", "meet suite.example", "192.0.2.0/33"]);
}

#[test]
fn hostile_lists_are_refused_with_a_place_and_shown_without_commands() {
    let refused = |text: &str| {
        detect(text.as_bytes()).and_then(|format| format.read(text.as_bytes(), &Selection::default()))
    };
    let typed = refused("{\"prefixes\": [],\n \"ipv6_prefixes\": [{\"ipv6_prefix\": 7}]}").unwrap_err();
    assert_eq!(typed.place, Some(Place::Line(2)));
    let cut = refused("{\"entries\": [\n{\"type\": \"fqdn\",").unwrap_err();
    assert_eq!(cut.place, Some(Place::Line(2)));
    assert!(refused(&format!("{{\"entries\": {}", "[".repeat(100_000))).is_err(), "depth is bounded");
    assert!(detect(&[0xff, 0xfe, b'a']).unwrap_err().words.en.contains("UTF-8"));
    let evil = "{\"entries\": [{\"type\": \"fqdn\", \"value\": \"\\u001b[2Jevil\\u202e.example\"}]}";
    let list = refused(evil).unwrap();
    assert_eq!(list.remarks[0].shown, "\\u{1b}[2Jevil\\u{202e}.example");
    let many = "a.example\n".repeat(LIST_ENTRIES_MAX + 1);
    assert_eq!(refused(&many).unwrap_err().place, Some(Place::Line(262_145)));
    assert!(detect(&vec![b' '; LIST_LEN_MAX + 1]).is_err());
}

#[test]
fn a_difference_is_one_of_addresses_and_not_of_lines() {
    let read = |text: &str| format("plain").unwrap().read(text.as_bytes(), &Selection::default()).unwrap();
    let halves = read("a.example\n192.0.2.0/25\n192.0.2.128/25\n");
    assert!(Difference::new(&halves, &read("192.0.2.0/24\na.example\n")).is_empty());
    let wider = Difference::new(&halves, &read("*.example.com\nb.a.example\n192.0.2.0/23\n8.8.8.0/24\n"));
    assert_eq!(wider.blocks_added.count().v4, 512);
    assert!(wider.blocks_removed.is_empty());
    let row = |from: &[&str], to: &str| Wider {
        from: from.iter().map(|&from| from.to_owned()).collect(),
        count: from.len(),
        to: to.to_owned(),
    };
    assert_eq!(wider.wider, [row(&["192.0.2.0/25", "192.0.2.128/25"], "192.0.2.0/23")]);
    assert_eq!(wider.traps.iter().map(|trap| trap.rule.code).collect::<Vec<_>>(), ["LL06"]);
    let star = Difference::new(
        &read("a.suite.example\n*.b.suite.example\nsuite.example\nx.other.example\n"),
        &read("*.suite.example\nsuite.example\nx.other.example\n"),
    );
    assert_eq!(star.wider, [row(&["a.suite.example", "*.b.suite.example"], "*.suite.example")]);
    assert_eq!(star.names_removed.len(), 2);
}

#[test]
fn a_draft_says_that_nobody_has_approved_it_and_where_it_comes_from() {
    let list = read(M365, &["id=1,8"]);
    let draft = Draft {
        id: "d-mail".to_owned(),
        zone: "inet".to_owned(),
        kind: "cloud_mail".to_owned(),
        name_ja: "メール\"本番\"".to_owned(),
        file: "m365.json\u{1b}".to_owned(),
        sha256: "00ff".to_owned(),
        retrieved: Day::new(2026, 6, 1),
        selection: select(&["id=1,8"]),
        ..Draft::default()
    };
    let text = drafts(&list, &draft, &[], Lang::Ja);
    assert_eq!(
        text,
        "\
# 未承認: sekisho list import が作った案です。内容を確かめ、承認を得てから台帳に入れてください
# 一覧: m365.json\\u{1b} (m365, Microsoft 365 の endpoints JSON)
# 日付: -(版 -、取得 2026-06-01)
# SHA-256: 00ff
# 選択: id=1,8
# 中身: 名前3、範囲2(IPv4 64アドレス、IPv6は/64で65,536個分)
# 除いた項目の数: 1
# 注意 LL08 autodiscover.*.tenant.example: 星印が途中にある名前(除外: 星印が途中にあり、台帳では書けません、id 8, urls[1])
# 注意 LL13 名前だけ、またはアドレスだけの組(名前だけ: id 8。アドレスだけ: -)
# 注意 LL14 ポート80(暗号化なし)(id 1)
# ほか3件は sekisho list lint で表示できます

# id 1
[[destinations]]
id = \"d-mail\"
zone = \"inet\"
kind = \"cloud_mail\"
name_ja = \"メール\\\"本番\\\"\"
fqdn = [
  \"mail.suite.example\",
  \"outlook.suite.example\",
]
cidr = [
  \"192.0.2.0/26\",
  \"2001:db8:1::/48\",
]
services = [\"tcp/80\", \"tcp/443\", \"udp/443\"]
match = \"name+address\"
# ismap = { listed = true, name_ja = \"…\", checked_on = 2026-04-01, valid_until = 2027-03-31 }

# id 8
[[destinations]]
id = \"d-mail-2\"
zone = \"inet\"
kind = \"cloud_mail\"
name_ja = \"メール\\\"本番\\\"\"
fqdn = [\"*.mail.suite.example\"]
services = [\"tcp/443\"]
match = \"name\"
# ismap = { listed = true, name_ja = \"…\", checked_on = 2026-04-01, valid_until = 2027-03-31 }
"
    );
}

#[test]
fn a_plain_list_that_was_written_is_read_back_as_the_same() {
    let list = read(LBO, &[]);
    let text = plain_text(&list, &list.groups()[0], &Draft::default(), Lang::En);
    let again = read(text.as_bytes(), &[]);
    assert!(again.remarks.is_empty(), "{:?}", again.remarks);
    assert!(Difference::new(&list, &again).is_empty());
}

#[test]
fn a_hundred_thousand_blocks_are_no_wait() {
    // Every block held against every other would take minutes.
    let line = |number: u32| format!("{}/32\n", std::net::Ipv4Addr::from_bits(0x2d00_0000 + number * 2));
    let text: String = (0..100_000).map(line).collect();
    let list = read(text.as_bytes(), &[]);
    let without = list.clone().minus(&read(CLOUD, &[]).addresses());
    assert!(Difference::new(&list, &without).is_empty());
    assert_eq!(list.groups()[0].blocks.len(), 100_000);
}

/// A plain list of few short names and blocks: enough to meet each other.
fn small() -> impl Strategy<Value = String> {
    let name = prop_oneof!["(\\*\\.)?[ab](\\.[ab]){0,2}\\.example", "(\\*\\.)?[ab]\\.example"];
    let block = (0..=255_u8, 24..=32_u8).prop_map(|(host, len)| {
        let host = if len == 24 { 0 } else { host >> (32 - len) << (32 - len) };
        format!("192.0.2.{host}/{len}")
    });
    prop::collection::vec(prop_oneof![name, block], 0..12).prop_map(|lines| lines.join("\n"))
}

proptest! {
    #[test]
    fn a_difference_says_what_each_name_and_address_by_itself_says(old in small(), new in small()) {
        let read = |text: &str| format("plain").unwrap().read(text.as_bytes(), &Selection::default()).unwrap();
        let (old, new) = (read(&old), read(&new));
        let difference = Difference::new(&old, &new);
        let has = |list: &List, addr| list.blocks.iter().any(|listed| listed.value.contains(addr));
        let mut added = 0;
        for host in 0..=255 {
            let addr = std::net::IpAddr::from([192, 0, 2, host]);
            let is_added = has(&new, addr) && !has(&old, addr);
            added += u64::from(is_added);
            prop_assert_eq!(difference.blocks_added.holds(&Prefix::single(addr)), is_added);
            prop_assert_eq!(
                difference.blocks_removed.holds(&Prefix::single(addr)),
                has(&old, addr) && !has(&new, addr)
            );
        }
        prop_assert_eq!(difference.blocks_added.count().v4, added);
        for wider in difference.wider.iter().filter(|wider| wider.to.starts_with("*.")) {
            let to = NamePattern::new(&wider.to).unwrap();
            let held = old.all_names().iter().filter(|name| **name != to && to.overlaps(name) && {
                name.base() != to.base() && to.matches(name.base())
            }).count();
            prop_assert_eq!(wider.count, held);
        }
        prop_assert!(Difference::new(&new, &new).is_empty());
    }

    #[test]
    fn no_text_breaks_a_reader(text in "(\\PC|[\\[\\]{}\":,.*/#\n0-9a-f]){0,200}") {
        for known in FORMATS {
            if let Ok(list) = known.read(text.as_bytes(), &Selection::default()) {
                let _ = (lint(&list), list.groups());
            }
        }
        let _ = detect(text.as_bytes());
    }
}
