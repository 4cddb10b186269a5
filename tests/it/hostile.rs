//! Captures cut anywhere and with bits turned: no panic, and every frame is accounted for.

use std::path::Path;

use proptest::{
    prelude::*,
    test_runner::{Config, TestRunner},
};
use sekisho::{
    ground::model::{limits::Limits, result::RunResult},
    run::{
        engine::{conclude::Demands, sink::NullSink},
        pipeline::{self, Plan, Progress},
    },
    wire::capture::{self, Request},
};

use crate::{support::Bench, threads::morning};

fn run(path: &Path, workers: usize) -> Option<RunResult> {
    let request = Request { inputs: vec![path.display().to_string()], ..Request::default() };
    let (feed, baton) = capture::open(&request).ok()?;
    let plan = Plan {
        workers,
        policy: None,
        demands: Demands::default(),
        several_sensors: false,
        limits: Limits { flows: 10_000, ..Limits::default() },
    };
    pipeline::run(feed, baton, &plan, &mut NullSink, &Progress::default()).ok()
}

#[test]
fn turned_bits_neither_panic_nor_lose_a_frame() {
    let bench = Bench::new();
    let path = bench.path("turned.pcap");
    let whole = morning().bytes();
    let mut runner = TestRunner::new(Config { cases: 200, failure_persistence: None, ..Config::default() });
    let turns = prop::collection::vec((24..whole.len(), any::<u8>()), 1..60);
    runner
        .run(&(turns, 1..3usize), |(turns, workers)| {
            let mut bytes = whole.clone();
            for (place, byte) in turns {
                bytes[place] = byte;
            }
            std::fs::write(&path, &bytes).unwrap();
            let result = run(&path, workers).expect("a damaged capture is still read");
            prop_assert!(result.tally.holds(), "{:?}", result.tally);
            prop_assert!(!result.input.files.is_empty());
            Ok(())
        })
        .unwrap();
}

#[test]
fn a_capture_cut_at_any_length_is_read_up_to_the_cut() {
    let bench = Bench::new();
    let path = bench.path("cut.pcap");
    let whole = morning().bytes();
    let mut last = 0;
    for len in (24..4_000).chain((4_000..whole.len()).step_by(997)) {
        std::fs::write(&path, &whole[..len]).unwrap();
        let result = run(&path, 1).expect("a cut capture is still read");
        assert!(result.tally.holds(), "cut at {len}");
        assert!(result.tally.read.packets >= last, "cut at {len}: {} packets", result.tally.read.packets);
        last = result.tally.read.packets;
    }
    assert!(last > 100);
}
