//! Golden flow lines: captures beside the lines they must give. `SEKISHO_BLESS=1` rewrites the lines; the diff is reviewed.

use std::path::Path;

use crate::support::sekisho;

/// (input, where its lines stand), under `fixtures`.
const GOLDEN: &[(&str, &str)] = &[
    ("city/lbo-mirror.pcapng", "golden/lbo-mirror.flows.jsonl"),
    ("city/edge.pcap", "golden/edge.flows.jsonl"),
];

#[test]
fn flow_lines_of_the_committed_captures_are_the_committed_ones() {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures");
    for (input, lines) in GOLDEN {
        let output = sekisho(&["flows".as_ref(), "-q".as_ref(), fixtures.join(input).as_os_str()]);
        assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
        let path = fixtures.join(lines);
        if std::env::var_os("SEKISHO_BLESS").is_some() {
            std::fs::write(&path, &output.stdout).unwrap();
        }
        let expected = std::fs::read_to_string(&path).unwrap();
        let told = String::from_utf8(output.stdout).unwrap();
        for (number, (told, expected)) in told.lines().zip(expected.lines()).enumerate() {
            assert_eq!(told, expected, "{lines}, line {}", number + 1);
        }
        assert_eq!(told.lines().count(), expected.lines().count(), "{lines}");
    }
}
