//! `sekisho policy usage`: what the channels of a policy were used for.

use std::path::Path;

use serde_json::Value;

use crate::{
    city,
    support::{Bench, NOON, SECOND, sekisho},
};

fn fixture(name: &str) -> String {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/city").join(name).to_str().unwrap().to_owned()
}

fn usage(arguments: &[&str]) -> (Option<i32>, String) {
    usage_in("ja", arguments)
}

fn usage_in(lang: &str, arguments: &[&str]) -> (Option<i32>, String) {
    let output = sekisho(&[&["--lang", lang, "policy", "usage"], arguments].concat());
    let said =
        String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    (output.status.code(), said)
}

#[test]
fn every_flow_of_the_demo_city_is_counted_once_with_its_channel_or_its_reason() {
    let bench = Bench::new();
    let (run, policy) = (bench.path("run"), fixture("policy.toml"));
    let captures = ["core-1.pcapng", "core-2.pcapng", "edge.pcap", "lbo-mirror.pcapng"].map(fixture);
    let out = ["audit", "--policy", &policy, "--out", run.to_str().unwrap(), "--quiet"];
    sekisho(&[&out[..], &captures.each_ref().map(String::as_str)].concat());
    let lines: Vec<Value> = std::fs::read_to_string(run.join("flows.jsonl"))
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();

    let (code, told) = usage(&[run.to_str().unwrap(), "--policy", &policy, "--json"]);
    assert_eq!(code, Some(0), "{told}");
    let told: Value = serde_json::from_str(&told).unwrap();
    assert_eq!(told["schema"], "sekisho-policy-usage/1");
    assert_eq!(told["flows"], lines.len());
    let count = |list: &str| {
        told[list].as_array().unwrap().iter().map(|one| one["flows"].as_u64().unwrap()).sum::<u64>()
    };
    assert_eq!(count("channels") + count("without_channel") + count("unknown_channels"), lines.len() as u64);
    assert_eq!(count("unknown_channels"), 0);
    for channel in told["channels"].as_array().unwrap() {
        let of: Vec<_> = lines.iter().filter(|line| line["channel"] == channel["channel"]).collect();
        assert_eq!(channel["flows"], of.len());
        let sum = |key: &str| of.iter().map(|line| line[key].as_u64().unwrap()).sum::<u64>();
        assert_eq!(channel["bytes_up"], sum("bytes_up"));
        let clients: std::collections::BTreeSet<_> =
            of.iter().map(|line| line["client_ip"].to_string()).collect();
        assert_eq!(channel["clients"]["count"], clients.len());
        let is_dead =
            told["dead"].as_array().unwrap().iter().any(|dead| dead["channel"] == channel["channel"]);
        assert_eq!(is_dead, of.is_empty());
        assert!(!channel["approval"].as_str().unwrap().is_empty());
    }
    assert_eq!(
        (&told["window"]["proves_little"], &told["runs_of_other_policies"]),
        (&true.into(), &Value::Array(Vec::new()))
    );

    let (_, page) = usage(&[run.to_str().unwrap(), "--policy", &policy]);
    for part in [
        "観測した期間: ",
        "30日に満たない",
        "使われなかった許可",
        "効果のない許可(L30)",
        "広すぎる許可",
        "許可によらない通信",
    ] {
        assert!(page.contains(part), "{part}: {page}");
    }
    let (_, page) = usage_in("en", &[run.to_str().unwrap(), "--policy", &policy]);
    assert!(page.starts_with("observed: ") && page.contains("channels without a flow"), "{page}");
}

#[test]
fn a_wide_a_shadowed_and_an_expiring_channel_are_told_with_who_used_them() {
    let bench = Bench::new();
    let more = "\n[[channels]]\nid = \"c-log-2\"\nfrom = [\"lg\"]\nto = [\"bd-log\"]\nservices = [\"udp/514\"]\nkind = \"monitoring\"\n\
                purpose_ja = \"重複\"\nclause = \"7.1\"\napproval = \"第10号\"\n";
    let policy = bench.text("policy.toml", &city::with(more));
    let mut capture = crate::support::Capture::new();
    for (host, at) in [(5, 0), (6, 3600), (5, 7200)] {
        let frame =
            crate::support::datagram(&format!("10.20.1.{host}:5140"), "10.40.0.51:514", &[120], b"<14>log");
        capture.add(NOON + at * SECOND, frame);
    }
    let (input, run) = (bench.capture("in.pcap", &capture), bench.path("run"));
    let arguments =
        ["audit", "--policy", policy.to_str().unwrap(), "--out", run.to_str().unwrap(), "--quiet"];
    sekisho(&[&arguments[..], &[input.to_str().unwrap()]].concat());
    let (code, told) = usage(&[run.to_str().unwrap(), "--policy", policy.to_str().unwrap()]);
    assert_eq!(code, Some(0), "{told}");
    assert!(told.contains("通信元に lg の全体 を許可、使ったのは2台: 10.20.1.5, 10.20.1.6"), "{told}");
    assert!(
        told.contains("「c-log-2」は「c-log」に含まれ") || told.contains("「c-log」は「c-log-2」に含まれ"),
        "{told}"
    );
    assert!(told.contains("c-mn-maint(承認 第4号) 2026-06-30 23:59 まで"), "{told}");
    assert!(told.contains("c-mn-maint(承認 第4号) 保守 … 観測した期間には有効でありません"), "{told}");

    let (code, told) =
        usage(&[run.to_str().unwrap(), run.to_str().unwrap(), "--policy", policy.to_str().unwrap()]);
    assert!(code == Some(2) && told.contains("同じ記録"), "{told}");
    let other = bench.text("other.toml", city::BASE);
    let (_, told) = usage(&[run.to_str().unwrap(), "--policy", other.to_str().unwrap()]);
    assert!(told.contains("別の版の台帳"), "{told}");
}

#[test]
fn a_folder_that_is_no_run_is_told() {
    let bench = Bench::new();
    let policy = bench.text("policy.toml", city::BASE);
    let (code, told) = usage(&[bench.path("none").to_str().unwrap(), "--policy", policy.to_str().unwrap()]);
    assert!(code == Some(2) && told.contains("manifest.json"), "{told}");
}
