//! What the two READMEs promise is what the program has.

use std::fs;

use sekisho::ground::model::{flow_line::COLUMNS, verdict::Verdict};

const TWINS: [&str; 2] = ["README.md", "README.ja.md"];

#[test]
fn both_readmes_list_every_column_of_the_flow_line_in_its_order() {
    let columns: Vec<_> = COLUMNS.iter().map(|column| column.key).collect();
    for name in TWINS {
        let text = read(name);
        let table = text.split("## ").filter(|section| section.contains("| `capture` |")).collect::<Vec<_>>();
        let listed: Vec<_> =
            table[0].lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next()).collect();
        assert_eq!(listed, columns, "{name}");
    }
}

#[test]
fn both_readmes_explain_the_five_verdicts() {
    for name in TWINS {
        let text = read(name);
        for verdict in Verdict::ALL {
            assert!(text.contains(&format!("| `{}` |", verdict.code())), "{name}: {}", verdict.code());
        }
    }
}

#[test]
fn the_readmes_are_twins_section_by_section() {
    let shape = |name: &str| -> Vec<_> {
        let kinds = |line: &str| match line {
            _ if line.starts_with("## ") => Some("section"),
            _ if line.starts_with("```") => Some("code"),
            _ if line.starts_with("| `") => Some("row"),
            _ if line.starts_with("- ") => Some("point"),
            _ => None,
        };
        read(name).lines().filter_map(kinds).collect()
    };
    assert_eq!(shape(TWINS[0]), shape(TWINS[1]));
}

fn read(name: &str) -> String {
    fs::read_to_string(format!("{}/{name}", env!("CARGO_MANIFEST_DIR"))).unwrap()
}
