//! The house rules, as tests: imports run down the floors, every outside crate has one home, few rooms touch
//! the world, and families are complete.

mod source;

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use source::{Path as ImportPath, Source};

/// A wing, its floor, and its rooms in the order in which they may import each other: leftwards only.
struct Wing {
    name: &'static str,
    floor: u32,
    rooms: &'static [&'static str],
}

const WINGS: &[Wing] = &[
    Wing { name: "ground", floor: 1, rooms: &["model", "words", "sheet", "calendar", "digest"] },
    Wing { name: "wire", floor: 2, rooms: &["capture", "decode", "flow", "proto", "identify"] },
    Wing { name: "policy", floor: 2, rooms: &["preset", "list", "catalog", "language"] },
    Wing { name: "verdict", floor: 3, rooms: &["across", "judge", "check"] },
    Wing { name: "output", floor: 3, rooms: &["report", "store"] },
    Wing { name: "run", floor: 4, rooms: &["sandbox", "survey", "engine", "pipeline", "upkeep"] },
    Wing { name: "cli", floor: 5, rooms: &[] },
];

/// Outside crates that every room may use; `libc` and `nix` are the system's own interface.
const SHARED: &[&str] = &["foldhash", "libc", "nix", "serde", "serde_json", "sha2", "thiserror"];

/// The one home of every other outside crate: `wing/room`, or a wing without rooms.
const HOMES: &[(&str, &[&str])] = &[
    ("wire/capture", &["flate2", "glob", "lz4_flex", "pcap", "zstd"]),
    ("wire/decode", &["etherparse"]),
    ("wire/flow", &["hashbrown", "sha1"]),
    ("wire/proto", &["aes", "aes_gcm", "hkdf", "loona_hpack", "tls_parser", "x509_parser"]),
    ("policy/language", &["miette", "schemars", "toml"]),
    ("ground/calendar", &["jiff"]),
    ("ground/sheet", &["csv", "quick_xml", "rust_xlsxwriter", "zip"]),
    ("output/report", &["itoa"]),
    ("run/sandbox", &["caps", "landlock", "seccompiler"]),
    ("run/pipeline", &["crossbeam_channel"]),
    ("cli", &["clap", "indicatif", "mimalloc", "signal_hook"]),
];

/// Parts of `std` that reach outside the program, and the rooms that may use them. What only describes the
/// outside (`std::net::IpAddr`, `std::path`) is free.
const WORLD: &[(&str, &[&str])] = &[
    ("std::fs", &["wire/capture", "output/store", "run/sandbox", "run/survey", "run/pipeline", "cli"]),
    // store: input hashes (RULES 40); sandbox: what the kernel can do is tried on a thread that ends
    ("std::thread", &["wire/capture", "output/store", "run/sandbox", "run/survey", "run/pipeline", "cli"]),
    // sandbox, survey: one's own number and the processor's name
    ("std::process", &["run/sandbox", "run/survey", "cli"]),
    ("std::env", &["run/sandbox", "cli"]),
    ("std::net::TcpStream", &[]),
    ("std::net::TcpListener", &[]),
    ("std::net::UdpSocket", &[]),
];

/// Lines before the tests of a file: past this it is several files (STYLE: look up at 400, never over 700).
const FILE_LINES_MAX: usize = 700;

#[test]
fn imports_run_down_the_floors_and_leftwards_inside_a_wing() {
    let mut wrong = Vec::new();
    for source in sources() {
        let Some(here) = home(&source, &mut wrong) else { continue };
        for path in source.paths("crate") {
            let Some(target) = path.segments.get(1) else { continue };
            let Some(wing) = WINGS.iter().find(|wing| wing.name == target) else {
                wrong.push(at(&source, &path, "names no wing"));
                continue;
            };
            let fault = match (wing.floor.cmp(&here.wing.floor), wing.name == here.wing.name) {
                (std::cmp::Ordering::Less, _) => None,
                (_, false) => Some("reaches up, or across to a wing beside it"),
                (_, true) => leftward_fault(&here, path.segments.get(2).map(String::as_str)),
            };
            wrong.extend(fault.map(|fault| at(&source, &path, fault)));
        }
        for path in source.climbs_past(here.depth) {
            wrong.push(at(&source, &path, "climbs out of its room; write `crate::`"));
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn every_outside_crate_has_one_home() {
    let mut wrong = Vec::new();
    for source in sources() {
        let Some(here) = home(&source, &mut wrong) else { continue };
        for &(address, guests) in HOMES {
            for guest in guests.iter().filter(|_| address != here.address()) {
                for path in source.paths(guest).into_iter().filter(|path| !path.in_tests) {
                    wrong.push(at(&source, &path, &format!("{guest} lives in {address}")));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn every_dependency_is_on_the_list_of_homes_or_shared() {
    let manifest = fs::read_to_string(root().join("Cargo.toml")).unwrap();
    let section = manifest.split("\n[dependencies]\n").nth(1).unwrap().split("\n[").next().unwrap();
    let missing: Vec<_> = section
        .lines()
        .filter_map(|line| line.split_once('=').filter(|_| !line.starts_with('#')))
        .map(|(name, _)| name.trim().replace('-', "_"))
        .filter(|name| !SHARED.contains(&name.as_str()))
        .filter(|name| !HOMES.iter().any(|(_, guests)| guests.contains(&name.as_str())))
        .collect();
    assert!(missing.is_empty(), "give these crates a home in tests/house: {missing:?}");
}

#[test]
fn only_the_rooms_at_the_border_touch_the_world() {
    let mut wrong = Vec::new();
    for source in sources() {
        let Some(here) = home(&source, &mut wrong) else { continue };
        for path in source.paths("std").into_iter().filter(|path| !path.in_tests) {
            let text = path.segments.join("::");
            for (part, _) in WORLD.iter().filter(|(part, rooms)| {
                let rest = text.strip_prefix(part);
                rest.is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
                    && !rooms.contains(&here.address().as_str())
            }) {
                wrong.push(at(&source, &path, &format!("{part} is not for this room")));
            }
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn every_protocol_file_is_registered() {
    let folder = root().join("src/wire/proto");
    let registry = fs::read_to_string(folder.join("mod.rs")).unwrap();
    let missing: Vec<_> = rust_files(&folder)
        .into_iter()
        .filter(|file| fs::read_to_string(file).unwrap().contains("static PROTOCOL: Protocol"))
        .map(|file| file.file_stem().unwrap().to_str().unwrap().to_owned())
        .filter(|name| name != "mod" && !registry.contains(&format!("{name}::PROTOCOL")))
        .collect();
    assert!(missing.is_empty(), "not in the REGISTRY of wire/proto: {missing:?}");
}

#[test]
fn every_format_of_lists_is_registered() {
    let folder = root().join("src/policy/list");
    let registry = fs::read_to_string(folder.join("mod.rs")).unwrap();
    let missing: Vec<_> = rust_files(&folder)
        .into_iter()
        .filter(|file| fs::read_to_string(file).unwrap().contains("static FORMAT: Format"))
        .map(|file| file.file_stem().unwrap().to_str().unwrap().to_owned())
        .filter(|name| name != "mod" && !registry.contains(&format!("&{name}::FORMAT")))
        .collect();
    assert!(missing.is_empty(), "not in the FORMATS of policy/list: {missing:?}");
}

#[test]
fn every_letter_of_the_catalogue_has_its_functions_and_the_other_way_round() {
    let words = letters("src/policy/catalog");
    let functions = letters("src/verdict/check");
    assert_eq!(words, functions, "files of policy/catalog (left) and verdict/check (right) must pair");
}

#[test]
fn a_name_from_a_stranger_cannot_be_printed_by_accident() {
    for source in sources() {
        let printable = source.code().any(|(_, line)| line.contains("Display for HostName"));
        assert!(!printable, "{}: words::escape is the only way to a reader's eyes", source.name());
    }
}

#[test]
fn no_file_is_longer_than_can_be_read() {
    let long: Vec<_> = sources()
        .iter()
        .filter(|source| source.lines_before_tests() > FILE_LINES_MAX)
        .map(|source| format!("{}: {} lines before its tests", source.name(), source.lines_before_tests()))
        .collect();
    assert!(long.is_empty(), "\n{}", long.join("\n"));
}

#[test]
fn unsafe_code_stands_only_where_it_is_expected_and_explained() {
    for source in sources() {
        let used = source.code().any(|(_, line)| source::has_word(line, "unsafe"));
        let explained = source.text().contains("expect(unsafe_code") && source.text().contains("SAFETY:");
        assert!(!used || explained, "{}: unsafe without expect(unsafe_code) and SAFETY:", source.name());
    }
}

/// Where a file lives.
struct Home {
    wing: &'static Wing,
    room: Option<String>,
    /// How many `super` lead from the file's module to its room.
    depth: usize,
}

impl Home {
    fn address(&self) -> String {
        match &self.room {
            Some(room) => format!("{}/{room}", self.wing.name),
            None => self.wing.name.to_owned(),
        }
    }

    fn place(&self, room: &str) -> Option<usize> {
        self.wing.rooms.iter().position(|name| *name == room)
    }
}

/// The home of a file; `None` for `lib.rs` and `main.rs`. A file on no plan is told to get a place.
fn home(source: &Source, wrong: &mut Vec<String>) -> Option<Home> {
    let inside = source.name();
    if matches!(inside.as_str(), "lib.rs" | "main.rs") {
        return None;
    }
    let parts: Vec<_> = inside.trim_end_matches(".rs").split('/').filter(|part| *part != "mod").collect();
    let Some(wing) = parts.first().and_then(|name| WINGS.iter().find(|wing| wing.name == *name)) else {
        wrong.push(format!("{inside}: not on the plan; give its wing a floor in tests/house"));
        return None;
    };
    let room = parts.get(1).filter(|_| !wing.rooms.is_empty()).map(|&name| name.to_owned());
    if let Some(unknown) = room.as_deref().filter(|room| !wing.rooms.contains(room)) {
        wrong.push(format!(
            "{inside}: {unknown} is not a room of {}; give it a place in tests/house",
            wing.name
        ));
        return None;
    }
    let depth = parts.len() - 1 - usize::from(room.is_some());
    Some(Home { wing, room, depth })
}

/// What is wrong with an import of `target` inside the same wing.
fn leftward_fault(here: &Home, target: Option<&str>) -> Option<&'static str> {
    let (Some(room), Some(target)) = (&here.room, target) else { return None };
    match (here.place(room), here.place(target)) {
        (Some(mine), Some(theirs)) if theirs > mine => Some("reaches right inside its wing"),
        (_, None) => Some("names no room of its wing"),
        _ => None,
    }
}

fn at(source: &Source, path: &ImportPath, fault: &str) -> String {
    format!("src/{}:{}: `{}` {fault}", source.name(), path.line, path.segments.join("::"))
}

/// The letters of a family of checks: the files named `a_separation.rs`.
fn letters(folder: &str) -> BTreeSet<String> {
    rust_files(&root().join(folder))
        .into_iter()
        .map(|file| file.file_stem().unwrap().to_str().unwrap().to_owned())
        .filter(|name| name.as_bytes().get(1) == Some(&b'_'))
        .collect()
}

fn sources() -> Vec<Source> {
    let src = root().join("src");
    rust_files(&src).into_iter().map(|file| Source::read(&src, &file)).collect()
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}
