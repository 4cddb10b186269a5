//! `sekisho list`: what a provider publishes becomes a destination that a person can approve.

use std::{
    path::{Path, PathBuf},
    process::Output,
};

use serde_json::Value;

use crate::{
    city,
    support::{Bench, sekisho},
};

fn fixture(name: &str) -> String {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/lists").join(name).to_str().unwrap().to_owned()
}

fn list(arguments: &[&str]) -> Output {
    sekisho(&[&["list"], arguments].concat())
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// What `policy check` says of the stories' policy with more behind it.
fn checked(bench: &Bench, more: &str) -> (Option<i32>, String) {
    let policy = bench.text("policy.toml", &format!("{}\n{more}", city::BASE));
    let output = sekisho(&["policy", "check", policy.to_str().unwrap()]);
    (output.status.code(), stdout(&output))
}

#[test]
fn a_drafted_destination_can_be_put_into_a_policy_as_it_is() {
    let arguments =
        ["import", "m365", &fixture("m365.json"), "--select", "area=Exchange,Skype", "--id", "d-new"];
    let output = list(&arguments);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let page = stdout(&output);
    assert!(page.starts_with("# 未承認"), "{page}");
    assert_eq!(page.matches("[[destinations]]").count(), 5, "{page}");
    let (code, told) = checked(&Bench::new(), &page);
    assert_eq!(code, Some(0), "{told}");
}

#[test]
fn a_list_written_to_a_file_is_imported_with_the_hash_it_was_drafted_with() {
    let bench = Bench::new();
    let out = bench.path("own.txt");
    let output = list(&[
        "import",
        "google",
        &fixture("goog.json"),
        "--minus",
        &fixture("cloud.json"),
        "--source",
        "https://list.example/goog.json",
        "--out",
        out.to_str().unwrap(),
    ]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let page = stdout(&output);
    assert!(
        page.contains("retrieved = 2026-06-01") && page.contains("192 addresses of IPv4 were taken away"),
        "{page}"
    );
    let written = std::fs::read_to_string(&out).unwrap();
    assert!(written.contains("198.51.100.64/26") && !written.contains("198.51.100.0/24"), "{written}");
    assert_eq!(checked(&bench, &page).0, Some(0));
    let again = list(&["import", "lbo", &fixture("lbo.json"), "--out", out.to_str().unwrap()]);
    assert!(again.status.code() == Some(2) && stderr(&again).contains("--out"), "nothing is overwritten");
    std::fs::write(&out, written + "203.0.114.0/24\n").unwrap();
    let (code, told) = checked(&bench, &page);
    assert!(code == Some(2) && told.contains("not the approved one"), "{told}");
}

#[test]
fn what_must_not_be_approved_as_it_is_gives_exit_code_one() {
    let whole = list(&["import", "google", &fixture("goog.json")]);
    assert_eq!(whole.status.code(), Some(1));
    assert!(stdout(&whole).contains("# error LL07"), "the draft says so too");
    assert_eq!(list(&["lint", &fixture("traps.json")]).status.code(), Some(1));
    assert_eq!(list(&["lint", &fixture("lbo.json")]).status.code(), Some(0), "remarks alone are no fault");
    assert_eq!(list(&["lint", &fixture("plain.txt"), &fixture("names.csv")]).status.code(), Some(0));
}

#[test]
fn a_lint_for_machines_says_code_place_and_both_languages() {
    let output = list(&["lint", "--json", &fixture("traps.json")]);
    let findings: Vec<Value> =
        stdout(&output).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let wide = findings.iter().find(|finding| finding["subject"] == "17.0.0.0/8").unwrap();
    assert_eq!((&wide["code"], &wide["level"]), (&"LL05".into(), &"error".into()));
    assert_eq!(wide["places"][0], "entries[12]");
    for words in ["what", "why", "remedy"] {
        assert!(wide[words]["ja"].is_string() && wide[words]["en"].is_string(), "{words}");
    }
    let page = stdout(&sekisho(&["list", "lint", "--lang", "ja", &fixture("traps.json")]));
    assert!(page.contains("誤り LL01 誰でも借りられる基盤の名前") && page.contains("理由: "), "{page}");
}

#[test]
fn a_difference_has_its_own_exit_code_and_says_what_became_wider() {
    let bench = Bench::new();
    let old = bench.text("old.txt", "meet.suite.example\n192.0.2.0/25\n192.0.2.128/25\n");
    let same = bench.text("same.txt", "# sorted anew\n192.0.2.0/24\nmeet.suite.example\n");
    let new = bench.text("new.txt", "*.suite.example\n192.0.2.0/23\n8.8.8.0/24\n");
    let diff = |new: &PathBuf, more: &[&str]| {
        list(&[&["diff", old.to_str().unwrap(), new.to_str().unwrap()], more].concat())
    };
    assert_eq!(diff(&same, &[]).status.code(), Some(0));
    let output = diff(&new, &[]);
    assert_eq!(output.status.code(), Some(1));
    let page = stdout(&output);
    for told in [
        "+ *.suite.example",
        "- meet.suite.example",
        "IPv4 +512 -0",
        "192.0.2.0/25, 192.0.2.128/25 → 192.0.2.0/23",
        "LL06",
    ] {
        assert!(page.contains(told), "{told}: {page}");
    }
    let document: Value = serde_json::from_str(&stdout(&diff(&new, &["--json"]))).unwrap();
    assert_eq!(document["addresses"]["added"]["v4_addresses"], 512);
    assert_eq!(document["wider"][0]["to"], "*.suite.example");
    assert_eq!(document["traps"][0]["code"], "LL06");
}

#[test]
fn the_users_errors_name_the_file_and_what_was_expected() {
    let bench = Bench::new();
    let text = bench.text("cut.json", "{\"entries\": [\n{\"type\":");
    let cut = list(&["lint", text.to_str().unwrap()]);
    assert_eq!(cut.status.code(), Some(2));
    assert!(stderr(&cut).contains("cut.json: line 2: this is not JSON"), "{}", stderr(&cut));
    let gone = list(&["lint", "gone.json"]);
    assert!(gone.status.code() == Some(2) && stderr(&gone).contains("gone.json"));
    let select = list(&["import", "aws", &fixture("aws.json"), "--select", "region=mars"]);
    assert!(
        select.status.code() == Some(2) && stderr(&select).contains("ap-northeast-1"),
        "{}",
        stderr(&select)
    );
    assert_eq!(list(&["import", "excel", "x"]).status.code(), Some(2));
    assert_eq!(list(&["import", "lbo", "x", "--kind", "clouds"]).status.code(), Some(2));
}

#[test]
fn the_real_lists_show_the_traps_that_were_measured_in_them() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/lists");
    if !folder.is_dir() {
        println!("SKIPPED: ../shared absent");
        return;
    }
    let path = |name: &str| folder.join(name).to_str().unwrap().to_owned();
    let found = |arguments: &[&str]| -> Vec<(String, String)> {
        let output = list(&[&["lint", "--json"], arguments].concat());
        assert!(matches!(output.status.code(), Some(0 | 1)), "{}", stderr(&output));
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        stdout(&output)
            .lines()
            .map(|line| serde_json::from_str::<Value>(line).unwrap())
            .map(|finding| (text(&finding["code"]), text(&finding["subject"])))
            .collect()
    };
    let has = |found: &[(String, String)], code: &str, subject: &str| {
        assert!(found.contains(&(code.to_owned(), subject.to_owned())), "{code} {subject}: {found:?}");
    };
    let kept = "sgawa-pac-ip-manager/";
    let google = found(&[&path(&format!("{kept}google.json"))]);
    has(&google, "LL06", "8.8.8.0/24");
    has(&google, "LL07", "");
    let own = found(&[
        &path(&format!("{kept}google.json")),
        "--minus",
        &path("femueller-cloud-ip-ranges/google-cloud-ip-ranges.json"),
    ]);
    assert!(!own.iter().any(|(code, _)| code == "LL07"), "{own:?}");
    let boxes = found(&[&path(&format!("{kept}box.json"))]);
    for (code, subject) in [
        ("LL05", "17.0.0.0/8"),
        ("LL04", "cdn.jsdelivr.net"),
        ("LL04", "unpkg.com"),
        ("LL04", "*.akamaihd.net"),
    ] {
        has(&boxes, code, subject);
    }
    let meet = found(&[&path(&format!("{kept}google_meet.json"))]);
    has(&meet, "LL10", "https://www.google.com/tools/feedback");
    has(&meet, "LL11", "2001:4860:4864:5::0/64");
    let suite = found(&[&path("microsoftdocs-transcribed/m365-endpoints-sample-2023073100.json")]);
    for (code, subject) in [
        ("LL01", "*.blob.core.windows.net"),
        ("LL01", "*.cloudapp.net"),
        ("LL01", "*.azureedge.net"),
        ("LL02", "*.sharepoint.com"),
        ("LL02", "*.onmicrosoft.com"),
        ("LL08", "autodiscover.*.onmicrosoft.com"),
        ("LL09", "*cdn.onenote.net"),
        ("LL12", ""),
        ("LL13", ""),
        ("LL14", ""),
        ("LL16", ""),
    ] {
        has(&suite, code, subject);
    }
    for (name, format) in [
        ("aws-ip-ranges.json", "aws"),
        ("microsoft-azure-ip-ranges.json", "azure"),
        ("oracle-cloud-ip-ranges.json", "oracle"),
    ] {
        let found = found(&["--format", format, &path(&format!("femueller-cloud-ip-ranges/{name}"))]);
        has(&found, "LL07", "");
        has(&found, "LL16", "");
    }
    for name in [
        "apple",
        "adobe_updates",
        "microsoft365",
        "microsoft_teams",
        "webex_meetings",
        "windows_update",
        "zoom",
    ] {
        found(&["--format", "lbo", &path(&format!("{kept}{name}.json"))]);
    }
}
