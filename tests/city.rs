//! The demo city against its answer key: every flow of the captures, verdict by verdict.
//!
//! The key (`fixtures/city/key.json`) was written by the script that drove the clients, not by this program.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use sekisho::{
    ground::model::lang::Lang,
    policy::language::{load_text, render_all},
};
use serde::Deserialize;
use serde_json::Value;

/// The answer key.
#[derive(Deserialize)]
struct Key {
    flows: usize,
    verdicts: BTreeMap<String, usize>,
    entries: Vec<Entry>,
}

/// One line of it: some flows that one step of the scenario opened.
#[derive(Deserialize)]
struct Entry {
    label: String,
    planted: bool,
    proto: String,
    client_ip: String,
    /// First and last port that the step was allowed; none for ICMP.
    client_ports: Option<[u64; 2]>,
    server_ip: String,
    server_port: Option<u64>,
    flows: usize,
    verdict: String,
    causes: BTreeSet<String>,
    checks: BTreeSet<String>,
    channel: Option<String>,
    /// Names that must have been read, by column.
    seen: BTreeMap<String, String>,
}

impl Entry {
    fn owns(&self, line: &Value) -> bool {
        let client_port = line["client_port"].as_u64();
        line["proto"] == *self.proto
            && line["client_ip"] == *self.client_ip
            && line["server_ip"] == *self.server_ip
            && (self.server_port.is_none() || line["server_port"].as_u64() == self.server_port)
            && self
                .client_ports
                .is_none_or(|[first, last]| client_port.is_some_and(|port| (first..=last).contains(&port)))
    }

    /// What of this line is not as the key says.
    fn faults(&self, line: &Value) -> Vec<String> {
        let mut faults = Vec::new();
        let mut compare = |column: &str, found: String, expected: String| {
            if found != expected {
                faults.push(format!("{column} is {found}, must be {expected}"));
            }
        };
        compare("verdict", word(&line["verdict"]), self.verdict.clone());
        compare("findings", joined(&words(&line["findings"])), joined(&self.checks));
        if self.verdict == "undecidable" {
            compare("causes", joined(&words(&line["causes"])), joined(&self.causes));
        }
        if let Some(channel) = &self.channel {
            compare("channel", word(&line["channel"]), channel.clone());
        }
        for (column, value) in &self.seen {
            let found = words(&line[column]);
            if !found.contains(value) {
                compare(column, joined(&found), format!("among them {value}"));
            }
        }
        faults
    }
}

#[test]
fn every_flow_of_the_city_is_judged_as_the_key_says() {
    let key = key();
    let audit = audit(&[]);
    let mut sightings: Vec<BTreeSet<(u64, u64)>> = vec![BTreeSet::new(); key.entries.len()];
    let mut wrong = Vec::new();
    for line in &audit.flows {
        let owners: Vec<_> = (0..key.entries.len()).filter(|&place| key.entries[place].owns(line)).collect();
        let &[place] = owners.as_slice() else {
            wrong.push(format!("{} lines of the key own this flow: {line}", owners.len()));
            continue;
        };
        let entry = &key.entries[place];
        let ports = (line["client_port"].as_u64().unwrap_or(0), line["server_port"].as_u64().unwrap_or(0));
        if !sightings[place].insert(ports) {
            wrong.push(format!("`{}`: told twice, port {}", entry.label, ports.0));
        }
        for fault in entry.faults(line) {
            wrong.push(format!("`{}` (flow {}): {fault}", entry.label, word(&line["flow"])));
        }
    }
    for (entry, seen) in key.entries.iter().zip(&sightings) {
        if seen.len() != entry.flows {
            wrong.push(format!("`{}`: {} flows, must be {}", entry.label, seen.len(), entry.flows));
        }
    }
    assert!(wrong.is_empty(), "{} differences\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn the_city_has_as_many_flows_of_each_verdict_as_the_key_says() {
    let key = key();
    let mut verdicts: BTreeMap<String, usize> = BTreeMap::new();
    let audit = audit(&[]);
    for line in &audit.flows {
        *verdicts.entry(word(&line["verdict"])).or_default() += 1;
    }
    assert_eq!(verdicts, key.verdicts);
    assert_eq!(audit.flows.len(), key.flows);
    assert_eq!(audit.exit_code, 1, "violations were planted, and the observation is good: {}", audit.said);
}

#[test]
fn a_mirror_that_carries_the_packets_is_not_judged() {
    let audit = audit(&[]);
    let judged: Vec<_> = audit
        .carriers
        .iter()
        .filter(|line| !matches!(word(&line["verdict"]).as_str(), "" | "out-of-scope"))
        .collect();
    assert!(judged.is_empty(), "{judged:?}");
}

#[test]
fn the_verdicts_of_the_city_do_not_depend_on_the_number_of_workers() {
    let one = audit(&["--workers", "1"]);
    for workers in ["2", "8"] {
        let many = audit(&["--workers", workers]);
        assert!(one.text == many.text, "flow lines of 1 and {workers} workers differ");
    }
}

#[test]
fn the_policy_of_the_city_has_neither_errors_nor_warnings() {
    let text = fs::read_to_string(root().join("fixtures/city/policy.toml")).unwrap();
    match load_text("policy.toml", &text) {
        Ok((_, warnings)) => assert!(warnings.is_empty(), "{}", render_all(&warnings, Lang::En, false)),
        Err(errors) => panic!("{}", render_all(&errors, Lang::En, false)),
    }
}

#[test]
fn the_key_knows_at_least_fourteen_kinds_of_planted_violation() {
    let kinds: BTreeSet<_> = key()
        .entries
        .into_iter()
        .filter(|entry| entry.planted && entry.verdict != "conforming")
        .map(|entry| (entry.checks, entry.proto, entry.server_port))
        .collect();
    assert!(kinds.len() >= 14, "{kinds:?}");
}

#[test]
fn the_readme_of_the_fixtures_names_everything_that_is_planted() {
    let readme = fs::read_to_string(root().join("fixtures/README.md")).unwrap();
    for entry in key().entries.iter().filter(|entry| entry.planted) {
        let label = entry.label.trim_end_matches(", second hop");
        assert!(readme.contains(&format!("| {label} |")), "{label} is not in fixtures/README.md");
    }
}

/// One audit of the city.
struct Audit {
    text: String,
    flows: Vec<Value>,
    /// Outer layers of tunnels, which are told beside the flows they carry.
    carriers: Vec<Value>,
    exit_code: i32,
    said: String,
}

fn audit(more: &[&str]) -> Audit {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("flows.jsonl");
    let done = Command::new(env!("CARGO_BIN_EXE_sekisho"))
        .current_dir(root())
        .args(["audit", "fixtures/city", "--policy", "fixtures/city/policy.toml", "--lang", "en", "--flows"])
        .arg(&out)
        .args(more)
        .output()
        .unwrap();
    let said = format!("{}{}", String::from_utf8_lossy(&done.stdout), String::from_utf8_lossy(&done.stderr));
    let text = fs::read_to_string(&out).unwrap_or_else(|_| panic!("no flow lines: {said}"));
    let lines = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let (flows, carriers) = lines.partition(|line| line["carrier"].is_null());
    Audit { text, flows, carriers, exit_code: done.status.code().unwrap(), said }
}

fn key() -> Key {
    serde_json::from_str(&fs::read_to_string(root().join("fixtures/city/key.json")).unwrap()).unwrap()
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_owned()
}

/// A text cell; empty for null.
fn word(cell: &Value) -> String {
    cell.as_str().unwrap_or("").to_owned()
}

/// A cell of several texts.
fn words(cell: &Value) -> BTreeSet<String> {
    cell.as_array().into_iter().flatten().map(word).collect()
}

fn joined(words: &BTreeSet<String>) -> String {
    format!("[{}]", words.iter().cloned().collect::<Vec<_>>().join(" "))
}
