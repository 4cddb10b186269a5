//! A policy from nothing: the draft, the dialogue, and channels proposed from captures.

use std::{
    io::Write as _,
    path::PathBuf,
    process::{Command, Output, Stdio},
};

use serde_json::Value;

use crate::support::{Bench, Capture, NOON, SECOND, Talk, sekisho};

/// A city of the α model, in force when the captures of these stories were made.
const CITY: &[&str] = &[
    "policy",
    "init",
    "--model",
    "alpha",
    "--org",
    "みなと市(架空)",
    "--valid-from",
    "2026-04-01",
    "--segment",
    "mn=mynumber:10.10.0.0/16@110",
    "--segment",
    "lg=lgwan:10.20.0.0/16@120",
    "--segment",
    "in=internet:10.30.0.0/16@130",
    "--segment",
    "bd=boundary:10.40.0.0/24@140",
    "--zone",
    "lgwan=lgwan_wan:198.18.0.0/15",
    "--zone",
    "seccloud=seccloud:203.0.113.0/24",
];

fn draft() -> String {
    String::from_utf8(sekisho(CITY).stdout).unwrap()
}

/// Learns from one capture: what was told line by line, and the file.
struct Lesson {
    bench: Bench,
    lines: Vec<Value>,
    file: String,
}

impl Lesson {
    fn of(policy: &str, capture: &Capture, options: &[&str]) -> Self {
        let bench = Bench::new();
        let (input, policy) = (bench.capture("in.pcap", capture), bench.text("city.toml", policy));
        let out = bench.path("learned.toml");
        let [input, policy, out] = [&input, &policy, &out].map(|path| path.to_str().unwrap());
        let fixed = ["policy", "learn", input, "--policy", policy, "--out", out, "--json", "--quiet"];
        let output = sekisho(&[&fixed, options].concat());
        assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
        let told = String::from_utf8(output.stdout).unwrap();
        let lines = told.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let file = std::fs::read_to_string(out).unwrap();
        Self { bench, lines, file }
    }

    fn kind(&self, kind: &str) -> Vec<&Value> {
        self.lines.iter().filter(|line| line["kind"] == kind).collect()
    }

    /// The capture audited by the policy with the proposals, approved.
    fn approved(&self, policy: &str, capture: &Capture) -> crate::support::Audit {
        let file = self.file.replace("\"未承認\"", "\"第1号\"");
        self.bench.text("learned.toml", &file);
        self.bench.audit(&policy.replace("# include", "include"), capture)
    }
}

fn talk(client: &str, server: &str, name: &str) -> Capture {
    Talk::new(client, server, NOON).tls(name)
}

#[test]
fn what_is_proposed_and_approved_makes_what_was_seen_conforming_and_nothing_else() {
    let capture = talk("10.20.1.1:50000", "198.19.0.5:443", "kessai.asp.lgwan.example").with(&talk(
        "10.10.9.10:50001",
        "198.18.10.5:443",
        "",
    ));
    let lesson = Lesson::of(&draft(), &capture, &[]);
    assert_eq!(lesson.kind("proposal").len(), 2, "{:#?}", lesson.lines);
    let later = capture
        .with(&talk("10.20.1.2:50002", "198.19.0.5:443", "kessai.asp.lgwan.example"))
        .with(&talk("10.20.1.1:50003", "198.19.0.5:443", "other.asp.lgwan.example"))
        .with(&talk("10.10.9.10:50004", "198.18.10.6:443", ""));
    let audit = lesson.approved(&draft(), &later);
    let verdicts: Vec<_> = (50_000..=50_004).map(|port| audit.verdict(port, 443)).collect();
    assert_eq!(verdicts, ["conforming", "conforming", "violating", "violating", "violating"]);
}

#[test]
fn a_proposal_stops_the_policy_until_a_person_approves_it() {
    let capture = talk("10.20.1.1:50000", "198.19.0.5:443", "kessai.asp.lgwan.example");
    let lesson = Lesson::of(&draft(), &capture, &[]);
    let policy = lesson.bench.text("city.toml", &draft().replace("# include", "include"));
    for command in [&["policy", "check"][..], &["audit", "in.pcap", "--policy"]] {
        let output = sekisho(&[command, &[policy.to_str().unwrap()]].concat());
        assert_eq!(output.status.code(), Some(2), "{command:?}");
        let told = [output.stdout, output.stderr].concat();
        assert!(String::from_utf8_lossy(&told).contains("L16"), "{command:?}");
    }
}

#[test]
fn a_forbid_is_never_widened() {
    let kiosk = "\n[[hosts]]\nid = \"kiosk\"\nsegment = \"in\"\naddr = [\"10.30.9.9\"]\nrole = \"server\"\n\
        [[forbid]]\nid = \"f-kiosk\"\nfrom = [\"kiosk\"]\nto = [\"lgwan\"]\nreason_ja = \"来庁者の端末\"\n";
    let policy = draft() + kiosk;
    // Three terminals would be named by their segment, in which the kiosk stands.
    let several = (1..=3).fold(Capture::new(), |capture, n| {
        capture.with(&talk(&format!("10.30.1.{n}:5000{n}"), "198.19.0.5:443", "a.asp.lgwan.example"))
    });
    let capture = several.with(&talk("10.30.9.9:50009", "198.19.0.5:443", "a.asp.lgwan.example"));
    let lesson = Lesson::of(&policy, &capture, &[]);
    assert!(lesson.kind("proposal").is_empty(), "{:#?}", lesson.lines);
    let reasons: Vec<_> = lesson.kind("not_proposed").iter().map(|line| line["reason"].clone()).collect();
    assert_eq!(reasons, ["forbid", "L40"]);
    // One terminal is named by itself and leaves the kiosk out.
    let one = talk("10.30.1.1:50001", "198.19.0.5:443", "a.asp.lgwan.example");
    assert_eq!(Lesson::of(&policy, &one, &[]).kind("proposal").len(), 1);
}

#[test]
fn what_the_model_forbids_is_told_and_not_proposed() {
    let capture = talk("10.10.1.1:50000", "192.0.2.7:443", "www.shop.example")
        .with(&talk("10.20.1.1:50001", "192.0.2.7:443", "www.shop.example"))
        .with(&talk("10.30.1.1:50002", "10.20.1.1:443", ""));
    let lesson = Lesson::of(&draft(), &capture, &[]);
    assert!(lesson.kind("proposal").is_empty(), "{:#?}", lesson.lines);
    assert!(lesson.kind("not_proposed").iter().all(|line| line["reason"] == "forbid"));
    // Without the prohibitions the preset itself says so.
    let bare: String = draft().split("\n[[forbid]]").next().unwrap().into();
    let lesson = Lesson::of(&bare, &capture, &[]);
    assert!(lesson.kind("proposal").is_empty(), "{:#?}", lesson.lines);
    let mut reasons: Vec<_> =
        lesson.kind("not_proposed").iter().map(|line| line["reason"].as_str().unwrap()).collect();
    reasons.sort_unstable();
    assert_eq!(reasons, ["P01", "P04", "P09"]);
}

#[test]
fn who_goes_around_the_citys_proxy_is_told_and_not_proposed() {
    let connect = |client: &str, server: &str| {
        let asked =
            Talk::new(client, server, NOON).open().client(b"CONNECT www.news.example:443 HTTP/1.1\r\n\r\n");
        asked.server(b"HTTP/1.1 200 OK\r\n\r\n").tls_inside("www.news.example").close().capture
    };
    let capture = connect("10.30.1.1:50000", "10.30.8.80:8080")
        .with(&connect("10.30.8.80:50001", "203.0.113.10:8080"))
        .with(&connect("10.30.1.2:50002", "203.0.113.10:8080"));
    let lesson = Lesson::of(&draft(), &capture, &[]);
    let [proposal] = lesson.kind("proposal")[..] else { panic!("{:#?}", lesson.lines) };
    assert_eq!((&proposal["to"], &proposal["via"]), (&"h-203.0.113.10".into(), &"h-10.30.8.80".into()));
    assert_eq!(lesson.kind("not_proposed")[0]["reason"], "bypass");
    let audit = lesson.approved(&draft(), &capture);
    let verdicts: Vec<_> = (50_000..=50_002).map(|port| audit.verdict(port, 8080)).collect();
    assert_eq!(verdicts, ["conforming", "conforming", "violating"]);
    // Approved for the whole segment and learnt again, the same one is told again.
    let approved =
        lesson.file.replace("\"未承認\"", "\"第1号\"").replace("= [\"h-10.30.1.1\"]", "= [\"in\"]");
    let whole = draft() + approved.split_once("\n\n").unwrap().1;
    let lesson = Lesson::of(&whole, &capture, &[]);
    assert!(lesson.kind("proposal").is_empty(), "{:#?}", lesson.lines);
    assert_eq!(lesson.kind("not_proposed")[0]["reason"], "bypass");
}

#[test]
fn an_attempt_that_nobody_answered_is_not_proposed() {
    let silent = Talk::new("10.20.1.1:50000", "198.19.0.5:443", NOON).syn().capture;
    let refused = Talk::new("10.20.1.1:50001", "198.19.0.6:443", NOON).refused().capture;
    let lesson = Lesson::of(&draft(), &silent.with(&refused), &[]);
    assert!(lesson.kind("proposal").is_empty());
    assert_eq!(lesson.kind("unanswered").len(), 2);
    assert!(lesson.file.contains("応答なし"));
}

#[test]
fn the_number_of_workers_does_not_change_a_byte() {
    let capture = (0..60u64).fold(Capture::new(), |capture, n| {
        let (client, server) =
            (format!("10.20.1.{}:{}", n % 9, 50_000 + n), format!("198.19.0.{}:443", n % 4));
        let at = NOON + n % 7 * SECOND;
        capture.with(&Talk::new(&client, &server, at).tls(&format!("n{}.asp.lgwan.example", n % 5)))
    });
    let [one, two, four] =
        ["1", "2", "4"].map(|workers| Lesson::of(&draft(), &capture, &["--workers", workers]));
    assert!(!one.kind("proposal").is_empty());
    assert_eq!((&one.file, &one.lines), (&two.file, &two.lines));
    assert_eq!((&one.file, &one.lines), (&four.file, &four.lines));
}

#[test]
fn a_capture_from_before_the_policy_begins_is_learnt_from_all_the_same() {
    let later = draft().replace("2026-04-01T", "2026-10-01T");
    let capture = talk("10.20.1.1:50000", "198.19.0.5:443", "kessai.asp.lgwan.example").with(&talk(
        "10.10.1.1:50001",
        "192.0.2.7:443",
        "www.shop.example",
    ));
    let lesson = Lesson::of(&later, &capture, &[]);
    assert_eq!(lesson.kind("proposal").len(), 1);
    assert_eq!(lesson.kind("not_proposed")[0]["reason"], "forbid");
    assert!(lesson.file.contains("台帳の有効期間の外の記録"));
}

#[test]
fn the_policy_may_be_named_by_any_way_that_leads_to_it_and_have_parts() {
    let bench = Bench::new();
    let capture =
        bench.capture("in.pcap", &talk("10.20.1.1:50000", "198.19.0.5:443", "kessai.asp.lgwan.example"));
    bench.text("part.toml", "[[paths]]\nid = \"line\"\nsensors = [\"core\"]\n");
    let text = draft().replacen("schema = ", "include = [\"part.toml\"]\nschema = ", 1);
    let policy = bench.text("city.toml", &text);
    let around = policy.parent().unwrap().join("./none/../city.toml");
    for path in [&policy, &around] {
        let fixed =
            ["policy", "learn", capture.to_str().unwrap(), "--json", "--policy", path.to_str().unwrap()];
        let output = sekisho(&fixed);
        assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
        assert!(String::from_utf8_lossy(&output.stdout).contains("\"learned-001\""));
    }
}

#[test]
fn fewer_flows_than_asked_for_are_not_proposed() {
    let capture = talk("10.20.1.1:50000", "198.19.0.5:443", "kessai.asp.lgwan.example");
    let lesson = Lesson::of(&draft(), &capture, &["--min-flows", "2"]);
    assert!(lesson.kind("proposal").is_empty());
    assert_eq!(lesson.kind("not_proposed")[0]["reason"], "too_few");
}

#[test]
fn a_hostile_name_writes_no_policy() {
    let hostile = "a.example\"]\napproval = \"x\"\n[[channels]]\nid = \"evil";
    let capture = talk("10.30.1.1:50000", "198.51.100.7:443", hostile).with(&talk(
        "10.20.1.1:50001",
        "198.19.0.5:443",
        "kessai.asp.lgwan.example",
    ));
    let lesson = Lesson::of(&draft(), &capture, &[]);
    assert_eq!(lesson.kind("proposal").len(), 1);
    assert_eq!(lesson.kind("not_proposed")[0]["reason"], "bad_name");
    assert!(lesson.file.lines().all(|line| !line.starts_with("id = \"evil") && line != "approval = \"x\""));
    assert_eq!(lesson.approved(&draft(), &capture).verdict(50_001, 443), "conforming");
}

#[test]
fn what_somebody_wrote_is_never_overwritten() {
    let bench = Bench::new();
    let mine = bench.text("mine.toml", "# mine\n");
    let capture = bench.capture("in.pcap", &talk("10.20.1.1:50000", "198.19.0.5:443", "a.example"));
    let policy = bench.text("city.toml", &draft());
    let [mine, capture, policy] = [&mine, &capture, &policy].map(|path| path.to_str().unwrap());
    let learn = ["policy", "learn", capture, "--policy", policy, "--out", mine];
    for command in [&[CITY, &["--out", mine]].concat()[..], &learn] {
        let output = sekisho(command);
        assert_eq!(output.status.code(), Some(2));
        assert!(String::from_utf8_lossy(&output.stderr).contains("mine.toml"));
    }
    assert_eq!(std::fs::read_to_string(mine).unwrap(), "# mine\n");
}

#[test]
fn the_dialogue_gives_what_the_options_give() {
    let answers = "1\nみなと市(架空)\n10.10.0.0/16@110\n10.20.0.0/16@120\n10.30.0.0/16@130\n10.40.0.0/24@140\n198.18.0.0/15\n203.0.113.0/24\n";
    let output = asked(&["--valid-from", "2026-04-01"], answers);
    assert_eq!(String::from_utf8_lossy(&output.stdout), draft());
    let questions = String::from_utf8_lossy(&output.stderr).matches("for example").count();
    assert_eq!(questions, 8, "never more");
}

#[test]
fn the_dialogue_asks_for_what_is_missing_only_and_again_where_it_cannot_read() {
    let given: Vec<_> =
        CITY[2..].iter().copied().filter(|word| !["--org", "みなと市(架空)"].contains(word)).collect();
    let output = asked(&given, "\n  みなと市(架空)  \n");
    assert_eq!(String::from_utf8_lossy(&output.stdout), draft());
    let output = asked(&given, "");
    assert_eq!(output.status.code(), Some(2), "nobody answers");
    let output = asked(&["--model", "alpha_prime"], "7\nx\n\n");
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("2 α'(ア)"));
}

#[test]
fn without_a_terminal_the_missing_option_is_named() {
    let output = sekisho(&["policy", "init", "--org", "x"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("--model"));
}

#[test]
fn a_draft_that_the_language_refuses_is_not_written() {
    let bench = Bench::new();
    let out: PathBuf = bench.path("city.toml");
    let twice = ["--segment", "lg2=lgwan:10.20.0.0/16", "--out", out.to_str().unwrap()];
    let output = sekisho(&[CITY, &twice].concat());
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("L02"));
    assert!(!out.exists());
}

/// `policy init --ask` with these options and answers.
fn asked(options: &[&str], answers: &str) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_sekisho"))
        .args(["policy", "init", "--ask"])
        .args(options)
        .env("LC_ALL", "en_US.UTF-8")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // The program may have given up before it reads everything.
    let _ = child.stdin.take().unwrap().write_all(answers.as_bytes());
    child.wait_with_output().unwrap()
}
