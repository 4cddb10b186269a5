//! Hostile inputs, hostile names, silence: THREATS section 5, rows 24, 25, 56, 101, 107, 110.

use serde_json::Value;

use crate::{
    city::BASE,
    court::{Court, EVIL, MEET, SUITE, opened},
    support::{Audit, Bench, Capture, NOON, SECOND, Talk, client_hello, record, sekisho},
};

const AT_CORE: &[&str] = &["--sensor", "s-core=*.pcap*"];

/// A pcapng block, RFC draft section 3.1, in the byte order of its section.
fn block(kind: u32, body: &[u8], little: bool) -> Vec<u8> {
    let word = |value: u32| if little { value.to_le_bytes() } else { value.to_be_bytes() };
    let padded = body.len().next_multiple_of(4);
    let mut block = [word(kind), word(12 + padded as u32)].concat();
    block.extend_from_slice(body);
    block.resize(8 + padded, 0);
    block.extend_from_slice(&word(12 + padded as u32));
    block
}

/// One section: an Ethernet and a raw interface, each with one capture, and a count of drops.
fn section(ethernet: &Capture, raw: &Capture, drops: u64, little: bool) -> Vec<u8> {
    let half = |value: u16| if little { value.to_le_bytes() } else { value.to_be_bytes() };
    let word = |value: u32| if little { value.to_le_bytes() } else { value.to_be_bytes() };
    let long = |value: u64| if little { value.to_le_bytes() } else { value.to_be_bytes() };
    let start = [&word(0x1a2b_3c4d)[..], &half(1), &half(0), &[0xff; 8]].concat();
    let mut out = block(0x0a0d_0d0a, &start, little);
    for link in [1, 101] {
        // if_tsresol 9: nanoseconds.
        let body = [&half(link)[..], &half(0), &word(0), &half(9), &half(1), &[9, 0, 0, 0], &[0; 4]].concat();
        out.extend(block(1, &body, little));
    }
    for (interface, capture, skip) in [(0, ethernet, 0), (1, raw, 14)] {
        for (at, frame) in &capture.frames {
            let len = word((frame.len() - skip) as u32);
            let head = [word(interface), word((at >> 32) as u32), word(*at as u32), len, len].concat();
            out.extend(block(6, &[&head[..], &frame[skip..]].concat(), little));
        }
    }
    let at = [word((NOON >> 32) as u32), word(NOON as u32)].concat();
    let dropped = [&word(0)[..], &at, &half(5), &half(8), &long(drops), &[0; 4]].concat();
    out.extend(block(5, &dropped, little));
    // A custom block of nobody's.
    out.extend(block(0x0000_0bad, &[1, 2, 3, 4, 5], little));
    out
}

fn audit_file(
    bench: &Bench,
    name: &str,
    bytes: &[u8],
    options: &[&str],
) -> (Option<i32>, Value, String, String) {
    let path = bench.path(name);
    std::fs::write(&path, bytes).unwrap();
    let policy = bench.text("policy.toml", BASE);
    let flows = bench.path("flows.jsonl");
    let mut arguments = vec!["audit", "--json", "--policy", policy.to_str().unwrap()];
    arguments.extend(["--flows", flows.to_str().unwrap()]);
    arguments.extend_from_slice(options);
    arguments.push(path.to_str().unwrap());
    let output = sekisho(&arguments);
    let told = String::from_utf8(output.stdout).unwrap();
    let summary = told.lines().next().map_or(Value::Null, |line| serde_json::from_str(line).unwrap());
    let lines = String::from_utf8(std::fs::read(&flows).unwrap_or_default()).unwrap();
    (output.status.code(), summary, lines, told)
}

fn named(port: u16, name: &str, at: u64) -> Capture {
    Talk::new(&format!("10.20.1.1:{port}"), SUITE, at).tls(name)
}

#[test]
fn r24_every_section_and_link_type_is_read_and_losses_are_told() {
    let bench = Bench::new();
    let bytes = [
        section(&named(50_000, "one.example", NOON), &named(50_001, "two.example", NOON), 1_234, true),
        section(
            &named(50_002, "three.example", NOON + SECOND),
            &named(50_003, "four.example", NOON + SECOND),
            0,
            false,
        ),
    ]
    .concat();
    let (code, summary, lines, told) = audit_file(&bench, "mixed.pcapng", &bytes, AT_CORE);
    for name in ["one.example", "two.example", "three.example", "four.example"] {
        assert!(lines.contains(name), "{name} is not in {lines}");
    }
    assert_eq!(summary["accounting"]["identity_holds"], true);
    assert!(told.contains("1234"), "{told}");
    assert_eq!(code, Some(3));
}

#[test]
fn r24_r101_damage_is_told_with_its_place_and_never_ends_in_zero() {
    let bench = Bench::new();
    let (first, second) =
        (named(50_000, "one.example", NOON).bytes(), named(50_001, "two.example", NOON + SECOND).bytes());
    // The header of the twelfth record, behind the hello.
    let frames = named(50_000, "one.example", NOON).frames;
    let place = frames[..11].iter().fold(24, |place, (_, frame)| place + 16 + frame.len());
    let mut broken = first.clone();
    broken[place..place + 16].fill(0xff);
    broken.extend_from_slice(&second[24..]);
    let together = [first.clone(), second.clone()].concat();
    let section = section(&named(50_001, "two.example", NOON), &Capture::new(), 0, true);
    for (name, bytes, both) in [
        ("broken.pcap", broken, true),
        ("together.pcap", together, true),
        ("inside.pcap", [first.clone(), section].concat(), false),
        ("cut.pcap", first[..first.len() - 3].to_vec(), false),
        ("tail.pcap", [first, vec![0xee; 40]].concat(), false),
    ] {
        let (code, summary, lines, told) = audit_file(&bench, name, &bytes, AT_CORE);
        assert!(matches!(code, Some(1 | 3)), "{name}: {code:?}");
        let is_whole = lines.contains("one.example") && lines.contains("two.example");
        assert!(!both || is_whole, "{name}: {lines}");
        assert!(is_whole || told.contains("damaged") && summary["is_incomplete"] == true, "{name}: {told}");
        assert_eq!(summary["accounting"]["identity_holds"], true, "{name}");
    }
}

/// Names that somebody chose for our readers rather than for a server.
fn hostile_names() -> Vec<Vec<u8>> {
    let texts = [
        "<script>alert(1)</script>",
        "\"><img src=x onerror=alert(1)>",
        "=1+1",
        "+cmd|' /C calc'!A0",
        "-2+3",
        "@SUM(A1)",
        "\x1b[31mred\x1b[0m",
        "\x1b]0;title\x07",
        "a\r\nb",
        "a\nfake: line",
        "../../../../tmp/x",
        "/etc/passwd",
        "..\\..\\x",
        "'; DROP TABLE flows;--",
        "\u{202e}elpmaxe",
        "\u{200b}zero",
        "\u{feff}bom",
        "\u{85}next",
        "\u{9b}31m",
        "meet\u{ff0e}cloud",
        "a\0b",
        "a\tb",
        "{\"a\":1}",
        "\\u0000",
        "%00%0a",
        "${jndi:ldap://x}",
        "$(id)",
        "`id`",
        "a,b;c",
        "a|b",
        "é.example",
        "CON",
        "\x7f",
    ];
    let mut names: Vec<Vec<u8>> = texts.iter().map(|text| text.as_bytes().to_vec()).collect();
    names.push(vec![b'a'; 253]);
    names.push(vec![0xff, 0xfe, 0x80, 0xc0]);
    names
}

#[test]
fn r25_no_sink_shows_a_raw_byte_of_a_strangers_name() {
    let bench = Bench::new();
    let mut capture = Capture::new();
    for (turn, name) in (0..).zip(hostile_names()) {
        let entry = [&[0][..], &(name.len() as u16).to_be_bytes(), &name].concat();
        let body = [&(entry.len() as u16).to_be_bytes()[..], &entry].concat();
        let hello = record(22, &client_hello("", &[(0, body)]));
        let talk = Talk::new(&format!("10.20.1.1:{}", 50_000 + turn), "192.0.2.7:443", NOON + turn * SECOND);
        let request = [b"GET / HTTP/1.1\r\nHost: ", &name[..], b"\r\n\r\n"].concat();
        let web = Talk::new(&format!("10.20.1.2:{}", 50_000 + turn), "192.0.2.7:80", NOON + turn * SECOND);
        capture =
            capture.with(&talk.open().client(&hello).server(&record(22, &[2, 0, 0, 0])).close().capture);
        capture =
            capture.with(&web.open().client(&request).server(b"HTTP/1.1 200 OK\r\n\r\n").close().capture);
    }
    let input = bench.capture("names.pcap", &capture);
    let policy = bench.text("policy.toml", BASE);
    let run = bench.path("run");
    let audit = |more: &[&str]| {
        let mut arguments = vec!["audit", "--policy", policy.to_str().unwrap()];
        arguments.extend_from_slice(more);
        arguments.push(input.to_str().unwrap());
        let output = sekisho(&arguments);
        [output.stdout, output.stderr].concat()
    };
    let mut sinks = vec![
        ("text", audit(&["--lang", "en"])),
        ("Japanese text", audit(&["--lang", "ja"])),
        ("JSON", audit(&["--json", "--out", run.to_str().unwrap()])),
        ("flows", sekisho(&["flows", input.to_str().unwrap()]).stdout),
    ];
    for entry in std::fs::read_dir(&run).unwrap() {
        sinks.push(("a file of the run", std::fs::read(entry.unwrap().path()).unwrap()));
    }
    assert!(sinks.len() > 6);
    for (sink, bytes) in &sinks {
        let text = std::str::from_utf8(bytes).unwrap_or_else(|_| panic!("{sink} is no UTF-8"));
        let raw = text.chars().find(|letter| {
            letter.is_control() && *letter != '\n'
                || matches!(letter, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200b}'..='\u{200f}' | '\u{feff}')
        });
        assert_eq!(raw, None, "{sink} shows {raw:?}");
        assert!(!text.contains("fake: line\n"), "{sink}");
    }
    let mut here: Vec<_> =
        std::fs::read_dir(bench.path("")).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    here.sort();
    assert_eq!(here, ["names.pcap", "policy.toml", "run"]);
}

#[test]
fn r56_certificates_of_any_size_and_depth_stop_nothing() {
    let length = |len: usize| (len as u32).to_be_bytes()[1..].to_vec();
    let tag = |kind: u8, body: &[u8]| [&[kind, 0x83][..], &length(body.len()), body].concat();
    let deep = (0..2_000).fold(Vec::new(), |inner, _| tag(0x30, &inner));
    let names = |name: &[u8], count: usize| {
        let list: Vec<u8> = (0..count).flat_map(|_| [&[0x82, name.len() as u8][..], name].concat()).collect();
        let extension = tag(0x30, &[&[6, 3, 0x55, 0x1d, 0x11][..], &tag(4, &tag(0x30, &list))].concat());
        let tbs = [&[0xa0, 3, 2, 1, 2, 2, 1, 1][..], &tag(0xa3, &tag(0x30, &extension))].concat();
        tag(0x30, &tag(0x30, &tbs))
    };
    let chain = |certificates: &[Vec<u8>]| {
        let list: Vec<u8> =
            certificates.iter().flat_map(|one| [length(one.len()), one.clone()].concat()).collect();
        let body = [length(list.len()), list].concat();
        let message = [vec![11], length(body.len()), body].concat();
        message.chunks(16_000).flat_map(|part| record(22, part)).collect::<Vec<u8>>()
    };
    // TLS 1.2, where certificates are in the clear.
    let hello = [&[2, 0, 0, 38, 3, 3][..], &[9; 32], &[0, 0xc0, 0x2f, 0]].concat();
    let court = Court::new();
    for (story, certificates) in [
        ("1 MB", chain(&vec![vec![0x30; 20_000]; 50])),
        ("deep", chain(&[deep])),
        ("10,000 names", chain(&[names(b"a.example", 10_000)])),
        ("NUL in a name", chain(&[names(b"meet.cloud.example\0.evil.example", 1)])),
        ("an empty name", chain(&[names(b"", 1)])),
        ("no certificate", chain(&[])),
    ] {
        for name in [MEET, EVIL] {
            let talk = opened()
                .client(&record(22, &client_hello(name, &[])))
                .server(&[record(22, &hello), certificates.clone(), record(22, &[14, 0, 0, 0])].concat());
            let talk = talk
                .client(&[record(22, &[16, 0, 0, 1, 0]), record(20, &[1]), record(22, &[7; 40])].concat())
                .server(&[record(20, &[1]), record(22, &[8; 40]), record(23, &[5; 400])].concat())
                .client(&record(23, &[6; 90]));
            let hearing = court.hear(&talk.close().capture);
            assert_eq!(hearing.flows.len(), 1, "{story}");
            let lines = hearing.lines();
            assert!(name == MEET || !lines.contains("\"verdict\":\"conforming\""), "{story}: {lines}");
            assert!(!lines.contains("parser_panic"), "{story}: {lines}");
        }
    }
}

#[test]
fn r107_a_segment_that_should_be_seen_and_is_not_is_no_clean_segment() {
    let capture = Talk::new("10.20.1.1:50000", "10.40.0.20:443", NOON).tls("vdi.example");
    let audit: Audit = Bench::new().audit_with(BASE, &capture, AT_CORE);
    assert_eq!(audit.verdict(50_000, 443), "conforming");
    assert_eq!(audit.exit_code, 3, "{:#}", audit.summary);
    assert_eq!(audit.summary["headline"], "cannot_say");
    assert!(audit.summary.to_string().contains("\"mn\""), "{:#}", audit.summary);
    let silent = Bench::new().audit_with(BASE, &capture, &["--scope", "mn"]);
    assert_eq!(silent.exit_code, 3, "{:#}", silent.summary);
}

#[test]
fn r110_silence_is_never_called_clean() {
    let bench = Bench::new();
    let policy = bench.text("policy.toml", BASE);
    let nothing = BASE.split("[[segments]]").next().unwrap();
    let hollow = bench.text("hollow.toml", nothing);
    let empty = bench.capture("empty.pcap", &Capture::new());
    let zero = bench.path("zero.pcap");
    std::fs::write(&zero, b"").unwrap();
    let text = bench.text("text.pcap", "this is no capture, and it is longer than a header of one");
    let folder = bench.path("folder");
    std::fs::create_dir(&folder).unwrap();
    let capture = bench.capture("in.pcap", &Talk::new("10.10.9.10:50000", "198.18.10.5:443", NOON).tls(""));
    for (story, policy, input) in [
        ("an empty capture", &policy, &empty),
        ("a file of no bytes", &policy, &zero),
        ("a file that is no capture", &policy, &text),
        ("a folder without captures", &policy, &folder),
        ("a folder for a policy", &folder, &capture),
        ("a policy of nothing", &hollow, &capture),
        ("nothing for a policy", &zero, &capture),
    ] {
        for quiet in [&["--lang", "en"][..], &["--lang", "en", "-q"]] {
            let mut arguments = vec!["audit", "--policy", policy.to_str().unwrap()];
            arguments.extend_from_slice(quiet);
            arguments.push(input.to_str().unwrap());
            let output = sekisho(&arguments);
            assert!(matches!(output.status.code(), Some(2 | 3)), "{story}: {:?}", output.status.code());
            let told = String::from_utf8([output.stdout, output.stderr].concat()).unwrap().to_lowercase();
            assert!(!told.is_empty(), "{story} says nothing");
            // "No violation" may stand only beside what limits it.
            assert!(!told.contains("no violation") || told.contains("does not allow"), "{story}: {told}");
        }
    }
}
