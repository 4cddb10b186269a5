//! The targets of the fuzzer, run on what the fixtures hold and on that damaged.
//!
//! `SEKISHO_SEEDS=folder` writes the seeds there instead, one folder a target: what a fuzzer begins with.

#![allow(unreachable_pub, missing_docs, reason = "a test binary has no outside")]

mod seeds;
mod targets;

use std::{collections::BTreeSet, fs, path::Path};

use proptest::{
    prelude::*,
    sample::Index,
    test_runner::{Config, TestError, TestRunner},
};
use targets::{TARGETS, Target};

/// Damage done to each seed of a target, in all; a run of the fuzzer does more.
const DAMAGED: u32 = 400;

fn stands(name: &str) {
    let target = target(name);
    let seeds = seeds::of(name);
    assert!(!seeds.is_empty(), "{name} has no seeds");
    if let Some(folder) = std::env::var_os("SEKISHO_SEEDS") {
        let folder = Path::new(&folder).join(name);
        fs::create_dir_all(&folder).unwrap();
        for (number, seed) in seeds.iter().enumerate() {
            fs::write(folder.join(format!("seed-{number:04}")), seed).unwrap();
        }
        return;
    }
    seeds.iter().for_each(|seed| target(seed));
    let config = Config { cases: DAMAGED, failure_persistence: None, ..Config::default() };
    let hurts = prop::collection::vec((any::<Index>(), any::<u8>(), 0..5_u8), 1..8);
    let damaged = (any::<Index>(), hurts).prop_map(|(which, hurts)| {
        let mut bytes = seeds[which.index(seeds.len())].clone();
        hurts.into_iter().for_each(|(place, value, how)| hurt(&mut bytes, place, value, how));
        bytes
    });
    let tried = TestRunner::new(config).run(&damaged, |bytes| {
        target(&bytes);
        Ok(())
    });
    if let Err(TestError::Fail(reason, bytes)) = &tried {
        let path = std::env::temp_dir().join(format!("sekisho-fuzz-{name}"));
        fs::write(&path, bytes).unwrap();
        panic!("{name}, by the input now in {}: {reason}", path.display());
    }
    tried.unwrap();
}

fn target(name: &str) -> Target {
    TARGETS.iter().find(|(known, _)| *known == name).unwrap_or_else(|| panic!("no target {name}")).1
}

/// One byte otherwise, one bit, cut, taken out or put in.
fn hurt(bytes: &mut Vec<u8>, place: Index, value: u8, how: u8) {
    if bytes.is_empty() {
        return;
    }
    let place = place.index(bytes.len());
    match how {
        0 => bytes[place] = value,
        1 => bytes[place] ^= 1 << (value & 7),
        2 => bytes.truncate(place),
        3 => drop(bytes.drain(place..(place + usize::from(value)).min(bytes.len()))),
        _ => drop(bytes.splice(place..place, vec![value; 3])),
    }
}

#[test]
fn capture_files_give_the_same_packets_in_blocks_of_any_length() {
    stands("captures");
}

#[test]
fn a_certificate_says_what_the_library_reads_in_it() {
    stands("certificate");
}

#[test]
fn no_datagram_breaks_a_reader() {
    stands("datagrams");
}

#[test]
fn a_followed_file_gives_what_the_finished_one_gives() {
    stands("follow");
}

#[test]
fn every_frame_of_a_datagram_is_counted_once() {
    stands("fragments");
}

#[test]
fn a_frame_is_decoded_the_same_whatever_came_before() {
    stands("link");
}

#[test]
fn a_sheet_gives_conflicts_or_a_policy_that_says_what_it_says() {
    stands("ledger");
}

#[test]
fn a_list_is_read_back_as_it_was_drafted() {
    stands("lists");
}

#[test]
fn a_recording_says_what_was_written() {
    stands("notes");
}

#[test]
fn a_policy_is_compiled_or_refused_with_words_that_can_be_shown() {
    stands("policy");
}

#[test]
fn no_initial_breaks_the_reading_of_quic() {
    stands("quic");
}

#[test]
fn the_way_a_stream_is_cut_changes_nothing_for_any_protocol() {
    stands("streams");
}

#[test]
fn every_target_is_tested_and_built_for_the_fuzzer() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let manifest = fs::read_to_string(root.join("fuzz/Cargo.toml")).unwrap();
    let tests = fs::read_to_string(root.join("tests/fuzz/main.rs")).unwrap();
    let files: BTreeSet<_> = fs::read_dir(root.join("fuzz/fuzz_targets"))
        .unwrap()
        .map(|file| file.unwrap().path().file_stem().unwrap().to_str().unwrap().to_owned())
        .collect();
    assert_eq!(files, TARGETS.iter().map(|(name, _)| (*name).to_owned()).collect());
    for (name, _) in TARGETS {
        assert!(manifest.contains(&format!("name = \"{name}\"")), "{name} is not in fuzz/Cargo.toml");
        assert!(tests.contains(&format!("stands(\"{name}\")")), "{name} is not tested");
    }
}
