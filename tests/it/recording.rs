//! `--record`: what was kept is audited again and gives the same bytes (promise 4).

use std::path::{Path, PathBuf};

use sekisho::{
    ground::model::{
        limits,
        recording::Recorded,
        time::{SECOND, Timestamp},
    },
    output::store::{PreparedRecording, RecordingPlan},
    run::{
        engine::{conclude::Demands, sink::NullSink},
        pipeline::{self, Plan, Progress},
    },
    wire::capture::{self, RecordingId, Request},
};
use serde_json::Value;

use crate::support::{Bench, sekisho};

const CITY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/city");

/// Sends inputs through the relay with a recorder beside it.
fn record(inputs: &[String], folder: &Path, piece_len: u64, workers: usize) -> Recorded {
    let plan = RecordingPlan {
        folder: folder.to_owned(),
        piece_len,
        total_len: limits::RECORD_TOTAL_LEN,
        replaces_oldest: false,
        id: RecordingId { started: Timestamp::from_nanos(1_778_544_000 * SECOND), process: 1 },
    };
    let (recorder, recording) = PreparedRecording::open(plan).unwrap().start().unwrap();
    let (feed, baton) = capture::open(&Request { inputs: inputs.to_vec(), ..Request::default() }).unwrap();
    let plan = Plan {
        workers,
        policy: None,
        demands: Demands::default(),
        several_sensors: false,
        limits: limits::Limits::default(),
    };
    pipeline::run(feed, baton.tapped(Box::new(recorder)), &plan, &mut NullSink, &Progress::default())
        .unwrap();
    recording.finish()
}

/// Flows, findings, accounting, minutes and conclusion of an audit.
fn audit(inputs: &[String], out: &Path, sensors: &[&str]) -> [Vec<u8>; 5] {
    let policy = format!("{CITY}/policy.toml");
    let mut arguments: Vec<String> =
        ["audit", "-q", "--json", "--name", "city", "--policy", &policy].map(str::to_owned).to_vec();
    arguments.extend(["--out".to_owned(), out.display().to_string()]);
    arguments.extend(sensors.iter().flat_map(|sensor| ["--sensor".to_owned(), (*sensor).to_owned()]));
    arguments.extend_from_slice(inputs);
    let output = sekisho(&arguments);
    let code = output.status.code();
    assert!(matches!(code, Some(0 | 1 | 3)), "{code:?} {}", String::from_utf8_lossy(&output.stderr));
    let read = |name: &str| std::fs::read(out.join(name)).unwrap();
    let coverage: Value = serde_json::from_slice(&read("coverage.json")).unwrap();
    let summary: Value =
        serde_json::from_slice(output.stdout.split(|byte| *byte == b'\n').next().unwrap()).unwrap();
    let told = |value: &Value| value.to_string().into_bytes();
    let conclusion = Value::from(vec![summary["limits"].clone(), code.into(), summary["headline"].clone()]);
    [
        read("flows.jsonl"),
        read("findings.jsonl"),
        told(&coverage["accounting"]),
        told(&Value::from(vec![
            coverage["minutes"].clone(),
            coverage["pairs"].clone(),
            coverage["sensors"].clone(),
        ])),
        told(&conclusion),
    ]
}

const PARTS: [&str; 5] = ["flows", "findings", "accounting", "coverage", "conclusion"];

fn assert_same(one: &[Vec<u8>; 5], other: &[Vec<u8>; 5], what: &str) {
    for (part, (one, other)) in PARTS.iter().zip(one.iter().zip(other)) {
        assert!(!one.is_empty() && one == other, "{what}: {part} differ");
    }
}

fn city(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| format!("{CITY}/{name}")).collect()
}

#[test]
fn the_recorded_city_gives_the_same_flows_and_findings_as_the_city() {
    let bench = Bench::new();
    // Sensors are bound by interface, as they are when watching; a capture without names bears its file's.
    let by_file = ["s-core=core*", "s-edge=edge*", "s-lbo=lbo*"];
    let by_name = ["s-core=span-core", "s-edge=edge.pcap", "s-lbo=span-mirror"];
    let inputs = city(&["core-1.pcapng", "core-2.pcapng", "edge.pcap", "lbo-mirror.pcapng"]);
    let original = audit(&inputs, &bench.path("original"), &by_file);
    assert!(original[0].len() > 100_000 && original[1].len() > 1_000);
    for (workers, piece_len) in [(1, limits::RECORD_FILE_LEN), (4, 64 * 1024)] {
        let folder = bench.path(&format!("recorded-{workers}"));
        let recorded = record(&inputs, &folder, piece_len, workers);
        assert!(recorded.is_whole());
        assert_eq!(recorded.pieces > 1, piece_len < limits::RECORD_FILE_LEN, "{recorded:?}");
        let again =
            audit(&[folder.display().to_string()], &bench.path(&format!("again-{workers}")), &by_name);
        assert_same(
            &again,
            &original,
            &format!("recorded by {workers} workers in {} pieces", recorded.pieces),
        );
    }
}

#[test]
fn a_recording_that_broke_off_is_audited_as_far_as_it_goes() {
    let bench = Bench::new();
    let folder = bench.path("recorded");
    record(&city(&["core-1.pcapng"]), &folder, limits::RECORD_FILE_LEN, 1);
    let piece = std::fs::read_dir(&folder).unwrap().next().unwrap().unwrap().path();
    let whole = std::fs::read(&piece).unwrap();
    let cut = bench.path("cut.pcapng");
    std::fs::write(&cut, &whole[..whole.len() * 2 / 3]).unwrap();
    let summary = |path: &PathBuf| -> Value {
        let policy = format!("{CITY}/policy.toml");
        let output = sekisho(&["audit", "-q", "--json", "--policy", &policy, &path.display().to_string()]);
        serde_json::from_slice(output.stdout.split(|byte| *byte == b'\n').next().unwrap()).unwrap()
    };
    let (whole, cut) = (summary(&piece), summary(&cut));
    let read = |summary: &Value| summary["accounting"]["read"]["packets"].as_u64().unwrap();
    assert!(read(&cut) > 1_000 && read(&cut) < read(&whole));
    let limits = cut["limits"].as_array().unwrap();
    assert!(limits.iter().any(|limit| limit["limit"] == "damaged"), "the cut is told: {limits:?}");
}
