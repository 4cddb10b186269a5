//! The answer does not change: not with the workers, not with the blocks, not with the files the packets stand in, and
//! not when the input is followed while it is written.

use std::{
    fs::{self, File},
    io::Write,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::{Arc, atomic::AtomicBool, atomic::Ordering},
    thread,
    time::Duration,
};

use proptest::{
    prelude::*,
    test_runner::{Config, TestRunner},
};
use sekisho::{
    ground::model::{
        flow_line::{FlowRecord, LineContext},
        limits,
        packet::SensorId,
    },
    output::report::{json, lines::Encoder},
    policy::language::{self, Policy},
    run::{
        engine::{conclude::Demands, sink::Sink},
        pipeline::{self, Plan, Progress},
    },
    wire::capture::{self, Baton, Block, Feed, Following, Request, SensorBinding, Stop},
};

use crate::{
    city,
    support::{self, Bench, Capture},
    threads::morning,
};

/// Flow lines and findings, as they are written.
#[derive(PartialEq)]
struct Said {
    flows: Vec<u8>,
    findings: Vec<u8>,
}

#[derive(Default)]
struct Lines {
    context: LineContext,
    encoder: Encoder,
    lines: Vec<u8>,
}

impl Sink for Lines {
    fn flow(&mut self, record: &FlowRecord) -> std::io::Result<()> {
        self.encoder.add(record, &self.context, &mut self.lines);
        Ok(())
    }
}

/// A policy with its sensors bound to the inputs as the program does it.
struct Court {
    policy: Arc<Policy>,
    sensors: Vec<SensorBinding>,
}

impl Court {
    fn under(text: &str) -> Self {
        let (policy, _) =
            language::load_text("policy.toml", text).unwrap_or_else(|_| panic!("a sound policy"));
        let sensors = policy.sensors().iter().zip(1..).flat_map(|(sensor, number)| {
            let bind = move |pattern: &Arc<str>| SensorBinding {
                id: SensorId(number),
                pattern: pattern.to_string(),
            };
            sensor.inputs.iter().map(bind)
        });
        let sensors = sensors.collect();
        Self { policy: Arc::new(policy), sensors }
    }

    fn request(&self, inputs: &[PathBuf]) -> Request {
        Request {
            inputs: inputs.iter().map(|path| path.display().to_string()).collect(),
            sensors: self.sensors.clone(),
        }
    }

    fn hear(&self, (feed, baton): (Feed, Baton), workers: usize, progress: &Progress) -> Said {
        let plan = Plan {
            workers,
            policy: Some(self.policy.clone()),
            demands: Demands::default(),
            several_sensors: self.sensors.len() > 1,
            limits: limits::Limits::default(),
        };
        let names = self.policy.sensors().iter().map(|sensor| sensor.id.clone());
        let sensors = std::iter::once("".into()).chain(names).collect();
        let context = LineContext { capture: "input".into(), sensors };
        let mut lines = Lines { context, ..Lines::default() };
        let result = pipeline::run(feed, baton, &plan, &mut lines, progress).unwrap();
        assert!(result.tally.holds());
        assert!(result.input.files.iter().all(|file| file.late == 0), "{:?}", result.input.files);
        let mut findings = Vec::new();
        json::findings(&result.findings, &mut findings).unwrap();
        Said { flows: lines.lines, findings }
    }

    fn read(&self, inputs: &[PathBuf], workers: usize, block_len: usize) -> Said {
        let opened = capture::open_with(&self.request(inputs), block_len).expect("inputs that open");
        self.hear(opened, workers, &Progress::default())
    }
}

/// Nobody's patience ends in these tests: what is over is said by the stop.
fn following(stop: &Stop) -> Following {
    Following { stop: stop.clone(), until_idle: None, patience: Duration::from_secs(86_400) }
}

/// The same packets as pcapng with nanoseconds.
fn pcapng(capture: &Capture) -> Vec<u8> {
    let block = |kind: u32, body: &[u8]| {
        let padded = body.len().next_multiple_of(4);
        let len = (padded as u32 + 12).to_le_bytes();
        let mut out = [&kind.to_le_bytes()[..], &len, body].concat();
        out.resize(8 + padded, 0);
        [out, len.to_vec()].concat()
    };
    let start = [&0x1a2b_3c4d_u32.to_le_bytes()[..], &[1, 0, 0, 0], &[0xff; 8]].concat();
    let mut out = block(0x0a0d_0d0a, &start);
    out.extend(block(1, &[1, 0, 0, 0, 0, 0, 0, 0, 9, 0, 1, 0, 9, 0, 0, 0, 0, 0, 0, 0]));
    for (at, frame) in &capture.frames {
        let len = frame.len() as u32;
        let head = [0, (at >> 32) as u32, *at as u32, len, len].map(u32::to_le_bytes).concat();
        out.extend(block(6, &[&head[..], frame].concat()));
    }
    out
}

#[test]
fn blocks_of_any_length_and_any_number_of_files_and_workers_say_the_same() {
    let bench = Bench::new();
    let court = Court::under(city::BASE);
    let whole = morning();
    let path = bench.capture("whole.pcap", &whole);
    let expected = court.read(&[path], 1, limits::BLOCK_LEN);
    assert!(expected.flows.len() > 10_000 && !expected.findings.is_empty());
    let config = Config { cases: 24, failure_persistence: None, max_shrink_iters: 40, ..Config::default() };
    let cuts = prop::collection::vec(1..whole.frames.len(), 0..9);
    let case = (cuts, any::<u16>(), 1..60_000_usize, prop::sample::select(vec![1, 2, 4, 8]));
    let outcome = TestRunner::new(config).run(&case, |(mut cuts, kinds, block_len, workers)| {
        let folder = tempfile::tempdir().unwrap();
        cuts.extend([0, whole.frames.len()]);
        cuts.sort_unstable();
        let mut pieces = Vec::new();
        for (number, cut) in cuts.windows(2).enumerate().filter(|(_, cut)| cut[0] < cut[1]) {
            let piece = Capture { frames: whole.frames[cut[0]..cut[1]].to_vec() };
            let is_pcapng = kinds >> (number % 16) & 1 == 1;
            // Pieces that begin with the same stamp are told apart by their names (RULES 14).
            pieces.push(folder.path().join(format!("{number:02}.cap")));
            fs::write(&pieces[pieces.len() - 1], if is_pcapng { pcapng(&piece) } else { piece.bytes() })
                .unwrap();
        }
        prop_assert!(
            court.read(&pieces, workers, block_len) == expected,
            "{workers} workers, {block_len} bytes"
        );
        let stop = Stop::default();
        stop.stop();
        let followed =
            capture::follow(&court.request(&[folder.path().to_owned()]), &following(&stop)).unwrap();
        let followed = court.hear(followed, workers, &Progress::default());
        prop_assert!(followed == expected, "followed, {workers} workers");
        Ok(())
    });
    outcome.unwrap_or_else(|failure| panic!("{failure}"));
}

/// The captures of the demo city.
fn demo_city() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/city");
    let names = ["core-1.pcapng", "core-2.pcapng", "edge.pcap", "lbo-mirror.pcapng"];
    names.map(|name| folder.join(name)).to_vec()
}

fn demo_court() -> Court {
    let policy = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/city/policy.toml");
    Court::under(&fs::read_to_string(policy).unwrap())
}

#[test]
fn the_demo_city_says_the_same_for_all_workers_and_blocks() {
    let court = demo_court();
    let expected = court.read(&demo_city(), 1, limits::BLOCK_LEN);
    assert!(expected.flows.len() > 100_000 && !expected.findings.is_empty());
    for (workers, block_len) in [(1, 777), (2, 4_096), (4, limits::BLOCK_LEN), (8, 31_337)] {
        let said = court.read(&demo_city(), workers, block_len);
        assert!(said == expected, "{workers} workers, blocks of {block_len} bytes");
    }
}

/// Packets of one file as classic pcap, cut into so many files at the borders of records.
fn cut(file: &Path, pieces: usize, folder: &Path) -> Vec<PathBuf> {
    let request = Request { inputs: vec![file.display().to_string()], ..Request::default() };
    let (feed, mut baton) = capture::open(&request).unwrap();
    let mut records = Vec::new();
    let mut block = Block::new();
    for ticket in 0.. {
        feed.fill(ticket, &mut block);
        if !baton.walk(&feed, &mut block) {
            break;
        }
        for (head, bytes) in block.packets() {
            assert_eq!(head.link.0, 1, "Ethernet only");
            let (secs, nanos) = (head.at.nanos() / 1_000_000_000, head.at.nanos() % 1_000_000_000);
            let words = [secs as u32, nanos as u32, head.captured_len, head.wire_len];
            records.push([&words.map(u32::to_le_bytes).concat()[..], bytes].concat());
        }
    }
    let header = [0xa1b2_3c4d_u32, 0x0004_0002, 0, 0, 262_144, 1].map(u32::to_le_bytes).concat();
    let stem = file.file_stem().unwrap().to_str().unwrap();
    let len = records.len().div_ceil(pieces).max(1);
    let write = |(number, part): (usize, &[Vec<u8>])| {
        let path = folder.join(format!("{stem}.{number:03}.pcap"));
        fs::write(&path, [&header[..], &part.concat()].concat()).unwrap();
        path
    };
    records.chunks(len).enumerate().map(write).collect()
}

#[test]
fn the_demo_city_cut_into_many_files_of_another_format_says_the_same() {
    let court = demo_court();
    let folder = tempfile::tempdir().unwrap();
    let expected = court.read(&demo_city(), 2, limits::BLOCK_LEN);
    let pieces: Vec<_> = demo_city()
        .iter()
        .zip([3, 1, 5, 9])
        .flat_map(|(file, pieces)| cut(file, pieces, folder.path()))
        .collect();
    assert_eq!(pieces.len(), 18);
    let said = court.read(&pieces, 2, limits::BLOCK_LEN);
    assert!(said.flows == expected.flows, "flows");
    assert!(said.findings == expected.findings, "findings");
}

#[test]
fn the_demo_city_followed_while_it_is_written_says_the_same() {
    let court = demo_court();
    let expected = court.read(&demo_city(), 1, limits::BLOCK_LEN);
    for workers in [1, 4] {
        let folder = tempfile::tempdir().unwrap();
        let halves: Vec<_> = demo_city()
            .iter()
            .map(|file| {
                let bytes = fs::read(file).unwrap();
                let path = folder.path().join(file.file_name().unwrap());
                let mut written = File::create(path).unwrap();
                written.write_all(&bytes[..bytes.len() / 2]).unwrap();
                (written, bytes)
            })
            .collect();
        let (stop, progress, is_over) = (Stop::default(), Progress::default(), AtomicBool::new(false));
        let opened = capture::follow(&court.request(&[folder.path().to_owned()]), &following(&stop)).unwrap();
        let said = thread::scope(|scope| {
            let write = || {
                while progress.packets() == 0 && !is_over.load(Ordering::Relaxed) {
                    thread::yield_now();
                }
                for (mut file, bytes) in halves {
                    bytes[bytes.len() / 2..].chunks(9_973).for_each(|part| file.write_all(part).unwrap());
                }
                stop.stop();
            };
            drop(thread::Builder::new().spawn_scoped(scope, write).unwrap());
            let said = court.hear(opened, workers, &progress);
            is_over.store(true, Ordering::Relaxed);
            said
        });
        assert!(said.flows == expected.flows, "flows, {workers} workers");
        assert!(said.findings == expected.findings, "findings, {workers} workers");
    }
}

#[test]
fn a_sample_of_the_corpus_says_the_same_for_all_workers_blocks_and_when_it_is_followed() {
    let Some(folder) = support::corpus() else { return };
    let court = Court::under(city::BASE);
    let mut captures: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    captures.sort();
    let mut wrong = Vec::new();
    // Every 17th is some hundred of the small ones in two seconds.
    for capture in captures.into_iter().step_by(17) {
        let inputs = [capture.clone()];
        let is_small = fs::metadata(&capture).unwrap().len() < 1 << 20;
        if !is_small || capture::open(&court.request(&inputs)).is_err() {
            continue;
        }
        let expected = court.read(&inputs, 1, limits::BLOCK_LEN);
        let stop = Stop::default();
        stop.stop();
        let followed = capture::follow(&court.request(&inputs), &following(&stop)).unwrap();
        let others = [court.read(&inputs, 4, 1_009), court.hear(followed, 2, &Progress::default())];
        if others.iter().any(|said| *said != expected) {
            wrong.push(capture.display().to_string());
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Starts the program on what is followed, and waits until it is at it.
fn follows(folder: &Path, policy: &Path, run: &Path, more: &[&str]) -> std::process::Child {
    let mut child = Command::new(env!("CARGO_BIN_EXE_sekisho"))
        .args(["audit", "--json", "--follow", "--workers", "2", "--name", "morning"])
        .args(more)
        .arg("--policy")
        .arg(policy)
        .arg("--out")
        .arg(run)
        .arg(folder)
        .stdout(Stdio::piped())
        .spawn()
        .expect("the program starts");
    while !run.is_dir() {
        assert!(child.try_wait().unwrap().is_none(), "it ended before it began");
        thread::yield_now();
    }
    child
}

#[test]
fn a_signal_ends_a_followed_audit_with_all_that_an_audit_writes() {
    let bench = Bench::new();
    let policy = bench.text("policy.toml", city::BASE);
    let capture = morning();
    let path = bench.capture("folder/morning.pcap", &capture);
    let once = bench.path("once");
    let arguments = ["audit", "--json", "--name", "morning", "--policy"].map(str::to_owned).to_vec();
    let arguments = [
        arguments,
        vec![policy.display().to_string(), "--out".into(), once.display().to_string()],
        vec![path.display().to_string()],
    ]
    .concat();
    let expected = support::sekisho(&arguments);
    for signal in ["-INT", "-TERM"] {
        let run = bench.path(signal);
        let child = follows(&bench.path("folder"), &policy, &run, &[]);
        let killed = Command::new("kill").args([signal, &child.id().to_string()]).status().unwrap();
        assert!(killed.success());
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), expected.status.code());
        for name in ["flows.jsonl", "findings.jsonl"] {
            assert!(fs::read(run.join(name)).unwrap() == fs::read(once.join(name)).unwrap(), "{name}");
        }
        let manifest: serde_json::Value =
            serde_json::from_slice(&fs::read(run.join("manifest.json")).unwrap()).unwrap();
        assert!(manifest["inputs"][0]["sha256"].is_string(), "{manifest:#}");
    }
}

#[test]
fn a_followed_audit_ends_by_itself_when_nothing_is_new() {
    let bench = Bench::new();
    let policy = bench.text("policy.toml", city::BASE);
    bench.capture("folder/morning.pcap", &morning());
    let run = bench.path("run");
    let child = follows(&bench.path("folder"), &policy, &run, &["--follow-until-idle", "1"]);
    let output = child.wait_with_output().unwrap();
    assert!(matches!(output.status.code(), Some(1 | 3)), "{:?}", output.status);
    assert!(fs::read(run.join("flows.jsonl")).unwrap().len() > 10_000);
}

#[test]
fn a_pipe_cannot_be_followed_and_the_error_says_what_can() {
    let bench = Bench::new();
    let policy = bench.text("policy.toml", city::BASE);
    let output = support::sekisho(&["audit", "--follow", "--policy", policy.to_str().unwrap(), "-"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("without --follow"));
}
