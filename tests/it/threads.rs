//! Promise 4: the same answer whatever the number of workers and however the input is cut.

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::{
    city,
    support::{Bench, Capture, NOON, SECOND, Talk, datagram, dns, sekisho},
};

/// A busy morning: names, verdicts of all kinds, port reuse, idle ends, DNS that names later flows.
pub fn morning() -> Capture {
    let mut all = Capture::new();
    for turn in 0..40u64 {
        let at = NOON + turn * 97 * SECOND;
        let port = 40_000 + (turn % 7) as u16;
        let client = format!("10.20.{}.{}:{port}", turn % 3, turn % 11 + 1);
        let names = ["meet.cloud.example", "evil.example", "", "chat.cloud.example"];
        let server = format!("198.51.100.{}:443", 120 + turn % 20);
        all = all.with(&Talk::new(&client, &server, at).tls(names[turn as usize % 4]));
        all = all
            .with(&Talk::new(&format!("10.10.9.10:{port}"), "198.18.10.5:443", at + SECOND).tls("a.example"));
        all = all.with(&Talk::new(&format!("10.30.1.{turn}:{port}"), "10.10.1.1:445", at).syn().capture);
        let asked = datagram("10.20.8.53:5353", "198.18.0.53:53", &[], &dns(turn as u16, "x.example", None));
        let told = "198.51.100.7".parse().unwrap();
        let answer =
            datagram("198.18.0.53:53", "10.20.8.53:5353", &[], &dns(turn as u16, "x.example", Some(told)));
        all.add(at + 5, asked).add(at + 9, answer);
    }
    all.frames.sort_by_key(|(at, _)| *at);
    all
}

fn audit(input: &[PathBuf], policy: &Path, folder: &Path, workers: &str) -> (Vec<u8>, Vec<u8>, Value) {
    let out = folder.join(format!("run-{workers}-{}", input.len()));
    let mut arguments: Vec<String> = ["audit", "--policy"].map(str::to_owned).to_vec();
    arguments.push(policy.display().to_string());
    arguments.extend(["--workers", workers, "--name", "morning", "--json", "--out"].map(str::to_owned));
    arguments.push(out.display().to_string());
    arguments.extend(input.iter().map(|path| path.display().to_string()));
    let output = sekisho(&arguments);
    let code = output.status.code();
    assert!(matches!(code, Some(0 | 1 | 3)), "{code:?} {}", String::from_utf8_lossy(&output.stderr));
    let read = |name: &str| std::fs::read(out.join(name)).unwrap();
    let coverage: Value = serde_json::from_slice(&read("coverage.json")).unwrap();
    (read("flows.jsonl"), read("findings.jsonl"), coverage["accounting"].clone())
}

#[test]
fn one_two_and_eight_workers_give_the_same_bytes() {
    let bench = Bench::new();
    let input = [bench.capture("morning.pcap", &morning())];
    let policy = bench.text("policy.toml", city::BASE);
    let one = audit(&input, &policy, &bench.path(""), "1");
    assert!(one.0.len() > 10_000 && !one.1.is_empty());
    for workers in ["2", "8"] {
        assert!(one == audit(&input, &policy, &bench.path(""), workers), "{workers} workers differ from one");
    }
}

#[test]
fn one_file_and_the_same_packets_in_seven_files_give_the_same_bytes() {
    let bench = Bench::new();
    let whole = morning();
    let policy = bench.text("policy.toml", city::BASE);
    let one = audit(&[bench.capture("morning.pcap", &whole)], &policy, &bench.path(""), "2");
    let size = whole.frames.len().div_ceil(7);
    let pieces: Vec<_> = whole
        .frames
        .chunks(size)
        .enumerate()
        .map(|(number, frames)| {
            bench.capture(&format!("cut/{number}.pcap"), &Capture { frames: frames.to_vec() })
        })
        .collect();
    assert_eq!(pieces.len(), 7);
    for workers in ["1", "2"] {
        let seven = audit(&pieces, &policy, &bench.path(""), workers);
        assert!(one.0 == seven.0, "flows differ");
        assert!(one.1 == seven.1, "findings differ");
        assert_eq!(one.2, seven.2, "accounting differs");
    }
}
