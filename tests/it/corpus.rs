//! Real captures, where they stand beside the checkout: nothing panics, hangs or vanishes.

use std::{process::Command, time::Duration};

use serde_json::Value;

use crate::{city, support};

/// THREATS §2: no capture of this size may take longer than this.
const HANG: Duration = Duration::from_secs(10);

#[test]
fn the_accounting_identity_holds_on_every_capture_of_the_corpus() {
    let Some(folder) = support::corpus() else { return };
    let bench = support::Bench::new();
    let policy = bench.text("policy.toml", city::BASE);
    let mut captures: Vec<_> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    captures.sort();
    let mut wrong = Vec::new();
    for (number, capture) in captures.iter().enumerate() {
        let out = bench.path(&format!("run-{number}"));
        let output = Command::new("timeout")
            .arg(HANG.as_secs().to_string())
            .arg(env!("CARGO_BIN_EXE_sekisho"))
            .args(["audit", "--json", "--workers", "1", "--policy"])
            .arg(&policy)
            .arg("--out")
            .arg(&out)
            .arg(capture)
            .output()
            .unwrap();
        let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
        if !matches!(output.status.code(), Some(0 | 1 | 3)) || stderr.contains("panicked") {
            wrong.push(format!("{}: {:?} {stderr}", capture.display(), output.status));
            continue;
        }
        let coverage: Value = std::fs::read(out.join("coverage.json"))
            .ok()
            .and_then(|bytes| serde_json::from_slice(&bytes).ok())
            .unwrap_or_default();
        if coverage["accounting"]["identity_holds"] != true {
            wrong.push(format!("{}: {}", capture.display(), coverage["accounting"]));
        }
    }
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), captures.len(), wrong.join("\n"));
}
