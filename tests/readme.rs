//! What the two READMEs promise is what the program has.

use std::{fs, path::Path, process::Command};

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

#[test]
fn both_readmes_lead_to_a_clean_policy_of_the_demo_city_in_at_most_ten_commands() {
    for name in TWINS {
        let commands = walk(name);
        assert!(commands.len() <= 10, "{name}: {} commands", commands.len());
        let folder = tempfile::tempdir().unwrap();
        std::os::unix::fs::symlink(root().join("fixtures"), folder.path().join("fixtures")).unwrap();
        let told: Vec<_> = commands.iter().map(|command| run(command, folder.path())).collect();
        let codes: Vec<_> = told.iter().map(|(code, _)| *code).collect();
        // The check is refused while nobody has approved anything, and the audit finds what is planted in the city.
        assert_eq!(codes, [0, 0, 0, 0, 2, 0, 0, 1], "{name}: {told:#?}");
        assert!(told[4].1.contains("未承認"), "{name}: {}", told[4].1);
        assert_eq!(told[6].1, "city.toml: 使えます(誤り0、注意0)\n", "{name}");
        assert!(told[7].1.contains("適合") && told[7].1.contains("SK-A01"), "{name}: {}", told[7].1);
    }
}

#[test]
fn both_readmes_walk_the_same_way() {
    let bare = |name| -> Vec<String> {
        walk(name).iter().map(|line| line.split(" # ").next().unwrap_or_default().trim().to_owned()).collect()
    };
    assert_eq!(bare(TWINS[0]), bare(TWINS[1]));
}

/// The commands of the block that begins with `policy init`, each with the lines it goes on in.
fn walk(name: &str) -> Vec<String> {
    let text = read(name);
    let blocks = text.split("```console\n").skip(1).filter_map(|rest| rest.split("```").next());
    let block = blocks.into_iter().find(|block| block.starts_with("$ sekisho policy init")).unwrap();
    let (_, first) = block.split_once("$ ").unwrap();
    first.split("\n$ ").map(|command| command.trim_end().to_owned()).collect()
}

fn run(command: &str, folder: &Path) -> (i32, String) {
    let program = Path::new(env!("CARGO_BIN_EXE_sekisho")).parent().unwrap();
    let path = format!("{}:{}", program.display(), std::env::var("PATH").unwrap_or_default());
    let mut bash = Command::new("bash");
    bash.args(["-c", command]).current_dir(folder).env("PATH", path).env("LC_ALL", "C.UTF-8");
    let output = bash.output().unwrap();
    let told = [output.stdout, if output.status.success() { Vec::new() } else { output.stderr }].concat();
    (output.status.code().unwrap_or(-1), String::from_utf8(told).unwrap())
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(name: &str) -> String {
    fs::read_to_string(format!("{}/{name}", env!("CARGO_MANIFEST_DIR"))).unwrap()
}
