//! The engine heard in process: many small captures against one policy, fast enough for properties.

use std::sync::Arc;

use sekisho::{
    ground::model::{
        flow_line::{FlowRecord, LineContext},
        limits::Limits,
        packet::SensorId,
        result::RunResult,
        verdict::Verdict,
    },
    output::report::lines::Encoder,
    policy::language::{self, Policy},
    run::{
        engine::{conclude::Demands, sink::Sink},
        pipeline::{self, Plan, Progress},
    },
    wire::capture::{self, Request, SensorBinding},
};

use crate::{
    city::BASE,
    support::{
        ACK, Capture, MILLI, NOON, PSH, Talk, checksum, client_hello, ethernet, ip, record, server_hello,
    },
};

/// A listed name, an unlisted one of the same length, and where the first may be.
pub const MEET: &str = "meet.cloud.example";
pub const EVIL: &str = "evil.cloud.example";
pub const SUITE: &str = "198.51.100.130:443";
pub const CLIENT: &str = "10.20.1.1:50000";

/// A policy and a folder; every capture is seen at the sensor of the LBO line.
pub struct Court {
    folder: tempfile::TempDir,
    policy: Arc<Policy>,
}

#[derive(Default)]
struct Kept(Vec<FlowRecord>);

impl Sink for Kept {
    fn flow(&mut self, record: &FlowRecord) -> std::io::Result<()> {
        self.0.push(record.clone());
        Ok(())
    }
}

/// What came of one capture.
pub struct Hearing {
    pub flows: Vec<FlowRecord>,
    pub result: RunResult,
}

impl Court {
    pub fn new() -> Self {
        Self::under(BASE)
    }

    pub fn under(policy: &str) -> Self {
        let policy = match language::load_text("policy.toml", policy) {
            Ok((policy, _)) => policy,
            Err(errors) => panic!("{}", language::render_all(&errors, Default::default(), false)),
        };
        Self { folder: tempfile::tempdir().unwrap(), policy: Arc::new(policy) }
    }

    pub fn hear(&self, capture: &Capture) -> Hearing {
        self.hear_bytes(&capture.bytes(), 1)
    }

    pub fn hear_bytes(&self, bytes: &[u8], workers: usize) -> Hearing {
        self.hear_within(bytes, workers, Limits::default().flows)
    }

    /// With place for so many flows at once, and no partition without any.
    pub fn hear_within(&self, bytes: &[u8], workers: usize, flows_max: usize) -> Hearing {
        let limits = Limits::default();
        let partitions = 1 << limits.partitions.min(flows_max).ilog2();
        self.hear_under(bytes, workers, Limits { flows: flows_max, partitions, ..limits })
    }

    pub fn hear_under(&self, bytes: &[u8], workers: usize, limits: Limits) -> Hearing {
        let path = self.folder.path().join("case.pcap");
        std::fs::write(&path, bytes).unwrap();
        // The second sensor of the policy is s-lbo; 0 is none.
        let binding = SensorBinding { id: SensorId(2), pattern: "*.pcap".to_owned() };
        let request = Request { inputs: vec![path.display().to_string()], sensors: vec![binding] };
        let (feed, baton) = capture::open(&request).expect("a capture that can be opened");
        let plan = Plan {
            workers,
            policy: Some(self.policy.clone()),
            demands: Demands::default(),
            several_sensors: false,
            limits,
        };
        let mut kept = Kept::default();
        let result = pipeline::run(feed, baton, &plan, &mut kept, &Progress::default()).unwrap();
        assert!(result.tally.holds(), "every frame is accounted for: {:?}", result.tally);
        Hearing { flows: kept.0, result }
    }

    /// Hears every case: none may conform, and each line must tell the word (a name or a cause) beside it.
    #[track_caller]
    pub fn acquits_none(&self, cases: Vec<(&str, Capture, &str)>) {
        let mut wrong = Vec::new();
        for (story, capture, told) in cases {
            let hearing = self.hear(&capture);
            let lines = hearing.lines();
            if hearing.flows.is_empty() || hearing.any(Verdict::Conforming) {
                wrong.push(format!("{story}: acquitted\n{lines}"));
            } else if !lines.contains(told) {
                wrong.push(format!("{story}: {told} is not told\n{lines}"));
            }
        }
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    }

    /// Hears every case: all its flows conform.
    #[track_caller]
    pub fn acquits_all(&self, cases: Vec<(&str, Capture)>) {
        let mut wrong = Vec::new();
        for (story, capture) in cases {
            let hearing = self.hear(&capture);
            if hearing.flows.is_empty() || hearing.verdicts().iter().any(|v| *v != Verdict::Conforming) {
                wrong.push(format!("{story}: not acquitted\n{}", hearing.lines()));
            }
        }
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    }
}

impl Hearing {
    pub fn verdicts(&self) -> Vec<Verdict> {
        self.flows.iter().map(|flow| flow.judgement.as_ref().expect("judged").verdict).collect()
    }

    pub fn any(&self, verdict: Verdict) -> bool {
        self.verdicts().contains(&verdict)
    }

    /// The flow lines as they are written.
    pub fn lines(&self) -> String {
        let context = LineContext { capture: "case".into(), sensors: vec!["".into(); 3] };
        let (mut encoder, mut lines) = (Encoder::default(), Vec::new());
        for flow in &self.flows {
            encoder.add(flow, &context, &mut lines);
        }
        String::from_utf8(lines).unwrap()
    }
}

pub fn hello(name: &str) -> Vec<u8> {
    record(22, &client_hello(name, &[]))
}

/// From the named client to the suite, handshake done.
pub fn opened() -> Talk {
    Talk::new(CLIENT, SUITE, NOON).open()
}

/// The rest of a TLS connection behind a client hello that was `len` bytes of the stream.
pub fn answered(mut talk: Talk, len: usize) -> Capture {
    talk.next[0] = talk.next[0].wrapping_add(len as u32);
    after_hello(talk).close().capture
}

/// Server hello and encrypted records both ways.
pub fn after_hello(talk: Talk) -> Talk {
    talk.server(&[record(22, &server_hello()), record(20, &[1]), record(23, &[7; 900])].concat())
        .client(&[record(20, &[1]), record(23, &[8; 64]), record(23, &[9; 300])].concat())
        .server(&record(23, &[5; 2_000]))
}

/// A segment of a client that is not as a sender would make it.
#[derive(Clone, Debug)]
pub struct Forged {
    pub seq: u32,
    pub ack: u32,
    pub flags: u8,
    pub ttl: u8,
    /// Options, a multiple of four bytes.
    pub options: Vec<u8>,
    pub urgent: u16,
    pub spoiled: bool,
    pub from_client: bool,
}

impl Forged {
    pub fn next_of(talk: &Talk) -> Self {
        let [seq, ack] = talk.next;
        Self {
            seq,
            ack,
            flags: PSH | ACK,
            ttl: 64,
            options: Vec::new(),
            urgent: 0,
            spoiled: false,
            from_client: true,
        }
    }

    pub fn frame(&self, talk: &Talk, payload: &[u8]) -> Vec<u8> {
        let (source, target) =
            if self.from_client { (talk.client, talk.server) } else { (talk.server, talk.client) };
        let mut segment = [source.port().to_be_bytes(), target.port().to_be_bytes()].concat();
        segment.extend_from_slice(&self.seq.to_be_bytes());
        segment.extend_from_slice(&self.ack.to_be_bytes());
        let words = 5 + self.options.len() as u8 / 4;
        segment.extend_from_slice(&[words << 4, self.flags, 0xff, 0xff, 0, 0]);
        segment.extend_from_slice(&self.urgent.to_be_bytes());
        segment.extend_from_slice(&self.options);
        segment.extend_from_slice(payload);
        let sum = checksum(source.ip(), target.ip(), 6, &segment) ^ if self.spoiled { 0x5a5a } else { 0 };
        segment[16..18].copy_from_slice(&sum.to_be_bytes());
        let (ethertype, packet) = ip(source.ip(), target.ip(), 6, 7_777, self.ttl, &segment);
        ethernet(source.ip(), target.ip(), &talk.vlans, ethertype, &packet)
    }

    /// Adds it to the talk, which goes on as if it had not happened.
    pub fn add(&self, talk: &mut Talk, payload: &[u8]) {
        let frame = self.frame(talk, payload);
        talk.capture.add(talk.at, frame);
        talk.at += MILLI;
    }
}
