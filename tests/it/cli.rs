//! The program as its user meets it: exit codes, errors that name the next step, files that are read back.

use crate::{
    city,
    support::{ACK, Bench, Capture, NOON, PSH, Talk, sekisho},
};

fn conforming() -> Capture {
    Talk::new("10.10.9.10:50000", "198.18.10.5:443", NOON).tls("relay.example")
}

#[test]
fn a_missing_input_is_the_users_error_and_is_named() {
    let bench = Bench::new();
    let policy = bench.text("policy.toml", city::BASE);
    let gone = bench.path("gone.pcap").display().to_string();
    let output = sekisho(&["audit", "--policy", policy.to_str().unwrap(), &gone]);
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("gone.pcap"));
}

#[test]
fn a_policy_with_an_error_is_refused_with_file_line_and_remedy() {
    let bench = Bench::new();
    let input = bench.capture("in.pcap", &conforming());
    let policy = bench.text("broken.toml", &city::changed("from = [\"mn-relay\"]", "from = [\"mn-realy\"]"));
    let output = sekisho(&["audit", "--policy", policy.to_str().unwrap(), input.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(2));
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(
        told.contains("broken.toml:") && told.contains("mn-realy") && told.contains("mn-relay"),
        "{told}"
    );
}

#[test]
fn an_empty_capture_is_never_called_clean() {
    let bench = Bench::new();
    let audit = bench.audit(city::BASE, &Capture::new());
    assert_eq!(audit.exit_code, 3, "{}", audit.summary);
    assert_eq!(audit.summary["headline"], "cannot_say");
}

#[test]
fn a_violation_gives_exit_code_one_and_a_finding() {
    let capture = conforming().with(&Talk::new("10.10.1.1:50001", "192.0.2.7:443", NOON).tls("evil.example"));
    let audit = Bench::new().audit(city::BASE, &capture);
    assert_eq!(audit.verdict(50_000, 443), "conforming", "{:#}", audit.flow(50_000, 443));
    assert_eq!(audit.verdict(50_001, 443), "violating");
    assert_eq!(audit.findings_of("SK-A01").len(), 1, "{:#?}", audit.findings);
    // RULES 22: incomplete outranks findings; nothing bound the input to a sensor, which is only told.
    assert!(audit.summary["has_findings"] == true);
    assert!(matches!(audit.exit_code, 1 | 3));
}

#[test]
fn the_summary_speaks_japanese_unless_asked_otherwise() {
    let bench = Bench::new();
    let input = bench.capture("in.pcap", &conforming());
    let policy = bench.text("policy.toml", city::BASE);
    let arguments = ["audit", "--policy", policy.to_str().unwrap(), input.to_str().unwrap()];
    let speaks = |more: &[&str], locale: &str| {
        let output = std::process::Command::new(env!("CARGO_BIN_EXE_sekisho"))
            .args(arguments)
            .args(more)
            .env("LC_ALL", locale)
            .output()
            .unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    assert!(speaks(&[], "C").starts_with("判定: "));
    assert!(speaks(&[], "en_US.UTF-8").starts_with("judgement: "));
    assert!(speaks(&["--lang", "ja"], "en_US.UTF-8").starts_with("判定: "));
}

#[test]
fn quiet_counts_the_warnings_of_a_policy_and_names_the_command_that_shows_them() {
    let bench = Bench::new();
    let input = bench.capture("input.pcap", &conforming());
    // Nobody needs this segment.
    let more = "[[segments]]\nid = \"spare\"\nclass = \"internet\"\ncidr = [\"10.31.0.0/16\"]\n";
    let policy = bench.text("policy.toml", &city::with(more));
    let speaks = |more: &[&str]| {
        let arguments = ["audit", "--policy", policy.to_str().unwrap(), input.to_str().unwrap()];
        let output = sekisho(&[&arguments[..], more].concat());
        (output.status.code(), output.stdout, String::from_utf8(output.stderr).unwrap())
    };
    let (loud, quiet) = (speaks(&[]), speaks(&["-q"]));
    let warnings = loud.2.matches("warning [").count();
    assert!(warnings > 0, "{}", loud.2);
    assert!(quiet.2.contains(&format!("policy.toml: {warnings} warnings")), "{}", quiet.2);
    assert!(quiet.2.contains("sekisho policy check") && !quiet.2.contains("warning ["), "{}", quiet.2);
    assert_eq!((loud.0, loud.1), (quiet.0, quiet.1));
}

#[test]
fn flow_lines_of_an_audit_and_of_flows_agree_on_the_facts() {
    let bench = Bench::new();
    let capture = conforming();
    let audit = bench.audit(city::BASE, &capture);
    let input = bench.capture("input.pcap", &capture);
    let output = sekisho(&["flows", input.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    let line: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    for key in ["capture", "client_ip", "sni", "ja4", "first", "bytes_up", "community_id", "names_grade"] {
        assert_eq!(line[key], audit.flows[0][key], "{key}");
    }
    assert!(line["verdict"].is_null() && audit.flows[0]["verdict"] == "conforming");
}

#[test]
fn a_request_without_its_beginning_is_read_when_the_input_ends() {
    let mut talk = Talk::new("10.20.1.1:50000", "192.0.2.7:8080", NOON);
    talk.segment(true, 7, 9, ACK | PSH, b"GET / HTTP/1.1\r\nHost: late.example\r\n\r\n");
    let bench = Bench::new();
    let input = bench.capture("input.pcap", &talk.capture);
    let output = sekisho(&["flows", input.to_str().unwrap()]);
    let line: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(line["http_host"][0], "late.example");
}

#[test]
fn a_run_folder_that_holds_something_is_not_overwritten() {
    let bench = Bench::new();
    let input = bench.capture("in.pcap", &conforming());
    let policy = bench.text("policy.toml", city::BASE);
    let run = bench.path("run");
    let again = || {
        sekisho(&[
            "audit",
            "--policy",
            policy.to_str().unwrap(),
            "--out",
            run.to_str().unwrap(),
            input.to_str().unwrap(),
        ])
    };
    assert_ne!(again().status.code(), Some(2));
    let second = again();
    assert_eq!(second.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&second.stderr).contains("--out"));
}

#[test]
fn the_schema_of_the_policy_language_is_json() {
    let output = sekisho(&["policy", "schema"]);
    assert_eq!(output.status.code(), Some(0));
    let schema: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert!(schema["properties"]["channels"].is_object());
}

fn told(arguments: &[&str]) -> String {
    let output = sekisho(arguments);
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn a_check_is_explained_with_the_five_questions_in_either_language() {
    let text = told(&["checks", "b05", "--lang", "ja"]);
    for question in ["何が起きたか", "なぜ問題か", "まず誰に確認するか", "よくある無害な原因", "次の一手"]
    {
        assert!(text.contains(&format!("  {question}: ")), "{question}\n{text}");
    }
    let english = told(&["checks", "SK-G03", "--lang", "en"]);
    assert!(
        english.contains("why it matters:") && english.contains("please check the clause number"),
        "{english}"
    );
    let unknown = sekisho(&["checks", "SK-Z99", "--lang", "en"]);
    assert_eq!(unknown.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&unknown.stderr).contains("there is no such check"));
}

#[test]
fn the_list_of_checks_shows_what_the_policy_switched_on() {
    let state = |more: &[&str], check: &str| {
        let text = told(&[&["checks", "--json", check], more].concat());
        let line: serde_json::Value = serde_json::from_str(&text).unwrap();
        format!("{} {}", line["state"].as_str().unwrap(), line["inner"]["severity"].as_str().unwrap())
    };
    assert_eq!(state(&[], "SK-A01"), "on critical");
    assert_eq!(state(&[], "SK-A04"), "information high");
    let bench = Bench::new();
    let more = "[checks.SK-A04]\nenabled = true\nseverity = \"critical\"\n[checks.SK-B02]\nenabled = false\n";
    let policy = bench.text("policy.toml", &format!("{}\n{more}", city::BASE));
    let under = ["--policy", policy.to_str().unwrap()];
    assert_eq!(state(&under, "SK-A04"), "on critical");
    assert_eq!(state(&under, "SK-B02"), "off low");
}
