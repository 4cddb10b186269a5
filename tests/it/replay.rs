//! Live, recorded, replayed: the same flows, findings and conclusion (promise 4).

use std::path::Path;

use sekisho::wire::capture::{self, Block, Request};
use serde_json::Value;

use crate::{
    live::{Net, forbidden},
    support::{Bench, Capture, sekisho},
};

/// Frames of the demo city that fit an Ethernet link.
fn city() -> Capture {
    let inputs = ["core-1.pcapng", "core-2.pcapng"];
    let path = |name| format!("{}/fixtures/city/{name}", env!("CARGO_MANIFEST_DIR"));
    let request = Request { inputs: inputs.map(path).to_vec(), ..Request::default() };
    let (feed, mut baton) = capture::open(&request).unwrap();
    let (mut frames, mut block) = (Capture::new(), Block::new());
    for ticket in 0.. {
        feed.fill(ticket, &mut block);
        if !baton.walk(&feed, &mut block) {
            break;
        }
        for (_, bytes) in block.packets().filter(|(_, bytes)| bytes.len() <= 1_514) {
            frames.add(0, bytes.to_vec());
        }
    }
    assert!(frames.frames.len() > 4_000);
    frames
}

/// Flows, findings, and what coverage and summary say but for the names of files.
fn told(run: &Path, summary: &Value) -> [String; 5] {
    let read = |name: &str| std::fs::read_to_string(run.join(name)).unwrap();
    let coverage: Value = serde_json::from_str(&read("coverage.json")).unwrap();
    let of = |keys: &[&str]| keys.iter().map(|key| format!("{key}: {}\n", coverage[key])).collect();
    let conclusion = ["headline", "limits", "exit_code", "has_findings", "is_incomplete"];
    [
        read("flows.jsonl"),
        read("findings.jsonl"),
        of(&["accounting", "minutes", "pairs", "places", "vlans", "tunnels", "sensors", "time_anomalies"]),
        of(&["blind", "losses"]),
        conclusion.iter().map(|key| format!("{key}: {}\n", summary[key])).collect(),
    ]
}

#[test]
fn what_was_watched_and_recorded_is_audited_again_to_the_same_bytes() {
    let Some(net) = Net::new() else { return };
    net.pair(0);
    net.pair(1);
    let bench = Bench::new();
    let folder = bench.path("recorded").display().to_string();
    let more = ["--name", "city", "--record", &folder, "--record-file", "256K"];
    let watched = ["-i", "span0", "-i", "span1", "--rings", "2", "--workers", "2"];
    let mut watch = net.watch(&bench, &[&watched[..], &more].concat());
    net.send(0, &city());
    net.ip("link set span1 down");
    watch.hear(&["span1", "down"]);
    net.ip("link set span1 up");
    watch.hear(&["span1", "again"]);
    net.send(1, &forbidden(50_001));
    let left = watch.stop(&bench);
    assert!(left.read() > 4_000 && left.blind("span1").contains(&"down"));
    let live = told(&bench.path("run"), &left.summary);
    let pieces = std::fs::read_dir(&folder).unwrap().count();
    assert!(pieces > 3, "{pieces} pieces");
    for workers in ["1", "4"] {
        let out = bench.path(&format!("replayed-{workers}"));
        let policy = bench.path("policy.toml").display().to_string();
        let run = out.display().to_string();
        let output = sekisho(&[
            "audit",
            "-q",
            "--json",
            "--workers",
            workers,
            "--name",
            "city",
            "--policy",
            &policy,
            "--out",
            &run,
            &folder,
        ]);
        assert_eq!(output.status.code(), Some(left.exit_code), "{}", String::from_utf8_lossy(&output.stderr));
        let summary = output.stdout.split(|byte| *byte == b'\n').next().unwrap();
        let replayed = told(&out, &serde_json::from_slice(summary).unwrap());
        let parts = ["flows", "findings", "coverage", "blind times and losses", "conclusion"];
        for (part, (replayed, live)) in parts.iter().zip(replayed.iter().zip(&live)) {
            let differs = replayed.lines().zip(live.lines()).find(|(one, other)| one != other);
            assert!(replayed == live, "{part} differ, {workers} workers: {differs:?}");
        }
    }
}
