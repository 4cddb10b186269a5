//! `sekisho doctor`, with rights and without.

use std::{
    os::unix::process::CommandExt,
    process::{Command, Output},
};

use sekisho::run::sandbox::Status;
use serde_json::Value;

use crate::support::Bench;

fn doctor(arguments: &[&str], user: Option<u32>) -> Option<Output> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sekisho"));
    command.arg("doctor").args(arguments).env("LC_ALL", "en_US.UTF-8").current_dir("/");
    if let Some(user) = user {
        command.gid(user).uid(user);
    }
    match command.output() {
        Ok(output) => Some(output),
        Err(error) => {
            println!("SKIPPED: the program cannot be started as user {user:?}: {error}");
            None
        }
    }
}

fn document(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{output:?}"))
}

fn verdict<'a>(told: &'a Value, check: &str) -> Vec<&'a str> {
    let checks = told["checks"].as_array().unwrap().iter();
    checks.filter(|one| one["check"] == check).filter_map(|one| one["verdict"].as_str()).collect()
}

#[test]
fn every_check_has_a_verdict_and_a_failing_one_gives_exit_code_one() {
    let output = doctor(&["--json", "-i", "no-such-if"], None).unwrap();
    let told = document(&output);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!((&told["exit_code"], &told["schema"]), (&Value::from(1), &Value::from("sekisho-doctor/1")));
    assert_eq!(verdict(&told, "interface"), ["fail"]);
    for check in ["rights", "landlock", "seccomp", "kernel", "rings", "workers", "memory", "clock"] {
        assert!(!verdict(&told, check).is_empty(), "{check}: {told:#}");
    }
    for one in told["checks"].as_array().unwrap() {
        assert!(one["text"].as_str().is_some_and(|text| !text.is_empty()), "{one}");
        assert!(["ok", "warn", "fail"].contains(&one["verdict"].as_str().unwrap()), "{one}");
    }
}

#[test]
fn who_may_not_capture_is_told_the_command_that_mends_it() {
    let user = (Status::read().unwrap().uid == 0).then_some(65_534);
    let Some(output) = doctor(&["--json"], user) else { return };
    let told = document(&output);
    let rights = &told["checks"][0];
    if rights["verdict"] == "ok" {
        println!("SKIPPED: every user may capture here");
        return;
    }
    assert_eq!(output.status.code(), Some(1));
    assert!(rights["remedy"].as_str().unwrap().starts_with("sudo setcap cap_net_raw+ep /"), "{rights}");
    assert_eq!(verdict(&told, "rings"), ["warn"]);
}

#[test]
fn who_may_capture_has_the_rings_tried() {
    if Status::read().unwrap().effective & (1 << 13) == 0 {
        println!("SKIPPED: no right to open packet sockets");
        return;
    }
    let told = document(&doctor(&["--json", "--ring", "1MiB", "--rings", "2"], None).unwrap());
    assert_eq!(verdict(&told, "rights"), ["ok"], "{told:#}");
    assert_eq!(verdict(&told, "rings"), ["ok"], "{told:#}");
    assert!(verdict(&told, "fanout").is_empty(), "{told:#}");
}

#[test]
fn the_folder_of_a_recording_is_measured_and_left_as_it_was() {
    let bench = Bench::new();
    let folder = bench.path("record");
    std::fs::create_dir(&folder).unwrap();
    let told = document(&doctor(&["--json", "--record", folder.to_str().unwrap()], None).unwrap());
    assert_eq!(verdict(&told, "disk").first(), Some(&"ok"), "{told:#}");
    assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 0);
    let gone = folder.join("gone");
    let told = document(&doctor(&["--json", "--record", gone.to_str().unwrap()], None).unwrap());
    assert_eq!(verdict(&told, "disk"), ["fail"]);
}

#[test]
fn people_read_a_verdict_a_sentence_and_a_remedy() {
    let page = |lang: &str| {
        let output = doctor(&["--lang", lang, "-i", "no-such-if", "--ring", "1MiB"], None).unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    let (ja, en) = (page("ja"), page("en"));
    assert!(ja.contains("不可") && ja.contains("no-such-if"), "{ja}");
    assert!(en.lines().any(|line| line.starts_with("FAIL  no-such-if: ")), "{en}");
    assert!(en.contains("→ ip -brief link"), "{en}");
    assert_eq!(ja.lines().count(), en.lines().count());
}

#[test]
fn a_size_that_is_none_is_the_users_error() {
    assert_eq!(doctor(&["--ring", "64mb"], None).unwrap().status.code(), Some(2));
}
