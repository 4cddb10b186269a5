//! Packets made from named parts, captures written to a temporary folder, the program run on them.

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
    process::{Command, Output},
};

use serde_json::Value;

/// 2026-05-12 09:00:00 JST, a Tuesday inside the policies' validity, in nanoseconds.
pub const NOON: u64 = 1_778_544_000_000_000_000;
pub const SECOND: u64 = 1_000_000_000;
pub const MILLI: u64 = 1_000_000;

pub const FIN: u8 = 1;
pub const SYN: u8 = 2;
pub const RST: u8 = 4;
pub const PSH: u8 = 8;
pub const ACK: u8 = 16;

/// A capture being written: stamps in nanoseconds and whole frames.
#[derive(Clone, Debug, Default)]
pub struct Capture {
    pub frames: Vec<(u64, Vec<u8>)>,
}

impl Capture {
    pub fn new() -> Self {
        Self::default()
    }

    pub fn add(&mut self, at: u64, frame: Vec<u8>) -> &mut Self {
        self.frames.push((at, frame));
        self
    }

    /// Frames of both, by their stamps (stable).
    pub fn with(mut self, other: &Self) -> Self {
        self.frames.extend_from_slice(&other.frames);
        self.frames.sort_by_key(|(at, _)| *at);
        self
    }

    /// Classic pcap, little endian, nanoseconds, Ethernet.
    pub fn bytes(&self) -> Vec<u8> {
        self.cut_bytes(262_144)
    }

    /// The same with every frame cut at this length.
    pub fn cut_bytes(&self, snaplen: usize) -> Vec<u8> {
        let mut out = Vec::new();
        for word in [0xa1b2_3c4d_u32, 0x0004_0002, 0, 0, 262_144, 1] {
            out.extend_from_slice(&word.to_le_bytes());
        }
        for (at, frame) in &self.frames {
            let kept = frame.len().min(snaplen);
            let words = [(at / SECOND) as u32, (at % SECOND) as u32, kept as u32, frame.len() as u32];
            words.iter().for_each(|word| out.extend_from_slice(&word.to_le_bytes()));
            out.extend_from_slice(&frame[..kept]);
        }
        out
    }

    pub fn write(&self, path: &Path) {
        std::fs::write(path, self.bytes()).unwrap();
    }
}

pub fn addr(text: &str) -> SocketAddr {
    text.parse().unwrap_or_else(|_| panic!("{text} is no address with port"))
}

/// The link address of a host in these tests: 02:00 and the IPv4 address.
pub fn mac(ip: IpAddr) -> [u8; 6] {
    match ip {
        IpAddr::V4(ip) => {
            let [a, b, c, d] = ip.octets();
            [2, 0, a, b, c, d]
        }
        IpAddr::V6(ip) => {
            let octets = ip.octets();
            [2, 1, octets[12], octets[13], octets[14], octets[15]]
        }
    }
}

pub fn ethernet(source: IpAddr, target: IpAddr, vlans: &[u16], ethertype: u16, payload: &[u8]) -> Vec<u8> {
    let mut frame = Vec::with_capacity(18 + payload.len());
    frame.extend_from_slice(&mac(target));
    frame.extend_from_slice(&mac(source));
    for vlan in vlans {
        frame.extend_from_slice(&0x8100_u16.to_be_bytes());
        frame.extend_from_slice(&vlan.to_be_bytes());
    }
    frame.extend_from_slice(&ethertype.to_be_bytes());
    frame.extend_from_slice(payload);
    frame
}

fn sum(bytes: &[u8], start: u32) -> u32 {
    bytes
        .chunks(2)
        .fold(start, |sum, pair| sum + (u32::from(pair[0]) << 8) + u32::from(*pair.get(1).unwrap_or(&0)))
}

fn fold(mut sum: u32) -> u16 {
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    !(sum as u16)
}

pub fn ipv4(
    source: Ipv4Addr,
    target: Ipv4Addr,
    protocol: u8,
    id: u16,
    ttl: u8,
    fragment: u16,
    payload: &[u8],
) -> Vec<u8> {
    let mut header = vec![0x45, 0];
    header.extend_from_slice(&(20 + payload.len() as u16).to_be_bytes());
    header.extend_from_slice(&id.to_be_bytes());
    header.extend_from_slice(&fragment.to_be_bytes());
    header.extend_from_slice(&[ttl, protocol, 0, 0]);
    header.extend_from_slice(&source.octets());
    header.extend_from_slice(&target.octets());
    let checksum = fold(sum(&header, 0));
    header[10..12].copy_from_slice(&checksum.to_be_bytes());
    header.extend_from_slice(payload);
    header
}

pub fn ip(source: IpAddr, target: IpAddr, protocol: u8, id: u16, ttl: u8, payload: &[u8]) -> (u16, Vec<u8>) {
    match (source, target) {
        (IpAddr::V4(source), IpAddr::V4(target)) => {
            (0x0800, ipv4(source, target, protocol, id, ttl, 0, payload))
        }
        (IpAddr::V6(source), IpAddr::V6(target)) => {
            let mut header = vec![0x60, 0, 0, 0];
            header.extend_from_slice(&(payload.len() as u16).to_be_bytes());
            header.extend_from_slice(&[protocol, ttl]);
            header.extend_from_slice(&source.octets());
            header.extend_from_slice(&target.octets());
            header.extend_from_slice(payload);
            (0x86dd, header)
        }
        _ => panic!("families differ"),
    }
}

fn pseudo(source: IpAddr, target: IpAddr, protocol: u8, len: usize) -> u32 {
    let start = u32::from(protocol) + len as u32;
    match (source, target) {
        (IpAddr::V4(a), IpAddr::V4(b)) => sum(&b.octets(), sum(&a.octets(), start)),
        (IpAddr::V6(a), IpAddr::V6(b)) => sum(&b.octets(), sum(&a.octets(), start)),
        _ => panic!("families differ"),
    }
}

/// The checksum of a TCP, UDP or ICMPv6 packet whose own field is zero.
pub fn checksum(source: IpAddr, target: IpAddr, protocol: u8, packet: &[u8]) -> u16 {
    fold(sum(packet, pseudo(source, target, protocol, packet.len())))
}

/// One TCP segment with a right checksum.
pub fn tcp(source: SocketAddr, target: SocketAddr, seq: u32, ack: u32, flags: u8, payload: &[u8]) -> Vec<u8> {
    let mut segment = Vec::new();
    segment.extend_from_slice(&source.port().to_be_bytes());
    segment.extend_from_slice(&target.port().to_be_bytes());
    segment.extend_from_slice(&seq.to_be_bytes());
    segment.extend_from_slice(&ack.to_be_bytes());
    segment.extend_from_slice(&[0x50, flags, 0xff, 0xff, 0, 0, 0, 0]);
    segment.extend_from_slice(payload);
    let checksum = checksum(source.ip(), target.ip(), 6, &segment);
    segment[16..18].copy_from_slice(&checksum.to_be_bytes());
    segment
}

pub fn udp(source: SocketAddr, target: SocketAddr, payload: &[u8]) -> Vec<u8> {
    let mut datagram = Vec::new();
    datagram.extend_from_slice(&source.port().to_be_bytes());
    datagram.extend_from_slice(&target.port().to_be_bytes());
    datagram.extend_from_slice(&(8 + payload.len() as u16).to_be_bytes());
    datagram.extend_from_slice(&[0, 0]);
    datagram.extend_from_slice(payload);
    let checksum = checksum(source.ip(), target.ip(), 17, &datagram);
    datagram[6..8].copy_from_slice(&checksum.to_be_bytes());
    datagram
}

/// A UDP packet as a frame.
pub fn datagram(source: &str, target: &str, vlans: &[u16], payload: &[u8]) -> Vec<u8> {
    let (source, target) = (addr(source), addr(target));
    let id = payload.iter().fold(17u16, |id, byte| id.wrapping_mul(31).wrapping_add(u16::from(*byte)));
    let (ethertype, packet) = ip(source.ip(), target.ip(), 17, id, 64, &udp(source, target, payload));
    ethernet(source.ip(), target.ip(), vlans, ethertype, &packet)
}

/// A TCP connection as it passes, every packet one millisecond after the last.
#[derive(Clone, Debug)]
pub struct Talk {
    pub client: SocketAddr,
    pub server: SocketAddr,
    pub vlans: Vec<u16>,
    pub at: u64,
    /// Next sequence number of client and server.
    pub next: [u32; 2],
    id: u16,
    pub capture: Capture,
}

impl Talk {
    pub fn new(client: &str, server: &str, at: u64) -> Self {
        let (client, server) = (addr(client), addr(server));
        let next = [1_000 + u32::from(client.port()), 9_000_000 + u32::from(client.port())];
        Self { client, server, vlans: Vec::new(), at, next, id: 1, capture: Capture::new() }
    }

    pub fn vlan(mut self, vlan: u16) -> Self {
        self.vlans = vec![vlan];
        self
    }

    /// One raw segment; `from_client` says who sends it.
    pub fn segment(&mut self, from_client: bool, seq: u32, ack: u32, flags: u8, payload: &[u8]) -> &mut Self {
        let (source, target) =
            if from_client { (self.client, self.server) } else { (self.server, self.client) };
        let segment = tcp(source, target, seq, ack, flags, payload);
        self.id = self.id.wrapping_add(1);
        let (ethertype, packet) = ip(source.ip(), target.ip(), 6, self.id, 64, &segment);
        let frame = ethernet(source.ip(), target.ip(), &self.vlans, ethertype, &packet);
        self.capture.add(self.at, frame);
        self.at += MILLI;
        self
    }

    pub fn syn(mut self) -> Self {
        let seq = self.next[0];
        self.segment(true, seq, 0, SYN, &[]);
        self.next[0] = seq.wrapping_add(1);
        self
    }

    pub fn open(mut self) -> Self {
        self = self.syn();
        let [client, server] = self.next;
        self.segment(false, server, client, SYN | ACK, &[]);
        self.next[1] = server.wrapping_add(1);
        let [client, server] = self.next;
        self.segment(true, client, server, ACK, &[]);
        self
    }

    pub fn refused(mut self) -> Self {
        self = self.syn();
        let client = self.next[0];
        self.segment(false, 0, client, RST | ACK, &[]);
        self
    }

    fn say(mut self, from_client: bool, bytes: &[u8]) -> Self {
        let mine = usize::from(!from_client);
        for part in bytes.chunks(1400) {
            let (seq, ack) = (self.next[mine], self.next[1 - mine]);
            self.segment(from_client, seq, ack, PSH | ACK, part);
            self.next[mine] = seq.wrapping_add(part.len() as u32);
        }
        let (seq, ack) = (self.next[1 - mine], self.next[mine]);
        self.segment(!from_client, seq, ack, ACK, &[]);
        self
    }

    pub fn client(self, bytes: &[u8]) -> Self {
        self.say(true, bytes)
    }

    pub fn server(self, bytes: &[u8]) -> Self {
        self.say(false, bytes)
    }

    pub fn close(mut self) -> Self {
        let [client, server] = self.next;
        self.segment(true, client, server, FIN | ACK, &[]);
        self.segment(false, server, client.wrapping_add(1), FIN | ACK, &[]);
        self.segment(true, client.wrapping_add(1), server.wrapping_add(1), ACK, &[]);
        self
    }

    /// A whole TLS 1.3 connection to this name; no name when it is empty.
    pub fn tls(self, name: &str) -> Capture {
        self.open().tls_inside(name).close().capture
    }

    pub fn tls_inside(self, name: &str) -> Self {
        let hello = client_hello(name, &[]);
        self.client(&record(22, &hello))
            .server(&[record(22, &server_hello()), record(20, &[1]), record(23, &[7; 900])].concat())
            .client(&[record(20, &[1]), record(23, &[8; 64]), record(23, &[9; 300])].concat())
            .server(&record(23, &[5; 2_000]))
    }
}

/// TLS record, RFC 8446 section 5.1.
pub fn record(kind: u8, fragment: &[u8]) -> Vec<u8> {
    let mut record = vec![kind, 3, 3];
    record.extend_from_slice(&(fragment.len() as u16).to_be_bytes());
    record.extend_from_slice(fragment);
    record
}

fn handshake(kind: u8, body: &[u8]) -> Vec<u8> {
    let mut message = vec![kind];
    message.extend_from_slice(&(body.len() as u32).to_be_bytes()[1..]);
    message.extend_from_slice(body);
    message
}

fn extension(number: u16, body: &[u8]) -> Vec<u8> {
    let mut extension = number.to_be_bytes().to_vec();
    extension.extend_from_slice(&(body.len() as u16).to_be_bytes());
    extension.extend_from_slice(body);
    extension
}

fn sized(body: &[u8]) -> Vec<u8> {
    let mut out = (body.len() as u16).to_be_bytes().to_vec();
    out.extend_from_slice(body);
    out
}

/// A ClientHello with these names' SNI and further extensions (number, body).
pub fn client_hello(name: &str, more: &[(u16, Vec<u8>)]) -> Vec<u8> {
    let mut extensions = Vec::new();
    if !name.is_empty() {
        let entry = [&[0][..], &sized(name.as_bytes())].concat();
        extensions.extend(extension(0, &sized(&entry)));
    }
    extensions.extend(extension(10, &sized(&[0, 29, 0, 23])));
    extensions.extend(extension(13, &sized(&[4, 3, 8, 4])));
    extensions
        .extend(extension(16, &sized(&[2, b'h', b'2', 8, b'h', b't', b't', b'p', b'/', b'1', b'.', b'1'])));
    extensions.extend(extension(43, &[4, 3, 4, 3, 3]));
    extensions.extend(extension(51, &sized(&[&[0, 29][..], &sized(&[0x11; 32])].concat())));
    for (number, body) in more {
        extensions.extend(extension(*number, body));
    }
    let mut body = vec![3, 3];
    body.extend_from_slice(&[0x42; 32]);
    body.push(32);
    body.extend_from_slice(&[0x24; 32]);
    body.extend(sized(&[0x13, 0x01, 0x13, 0x02, 0xc0, 0x2f]));
    body.extend_from_slice(&[1, 0]);
    body.extend(sized(&extensions));
    handshake(1, &body)
}

pub fn server_hello() -> Vec<u8> {
    let mut body = vec![3, 3];
    body.extend_from_slice(&[0x99; 32]);
    body.push(32);
    body.extend_from_slice(&[0x24; 32]);
    body.extend_from_slice(&[0x13, 0x01, 0]);
    let mut extensions = extension(43, &[3, 4]);
    extensions.extend(extension(51, &[&[0, 29][..], &sized(&[0x22; 32])].concat()));
    body.extend(sized(&extensions));
    handshake(2, &body)
}

/// A DNS question or answer, RFC 1035 section 4.
pub fn dns(id: u16, name: &str, answer: Option<Ipv4Addr>) -> Vec<u8> {
    let mut message = id.to_be_bytes().to_vec();
    message.extend_from_slice(if answer.is_some() { &[0x81, 0x80] } else { &[0x01, 0x00] });
    message.extend_from_slice(&[0, 1, 0, u8::from(answer.is_some()), 0, 0, 0, 0]);
    for label in name.split('.') {
        message.push(label.len() as u8);
        message.extend_from_slice(label.as_bytes());
    }
    message.extend_from_slice(&[0, 0, 1, 0, 1]);
    if let Some(answer) = answer {
        message.extend_from_slice(&[0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4]);
        message.extend_from_slice(&answer.octets());
    }
    message
}

/// A folder for one test, with its captures and policy.
pub struct Bench {
    folder: tempfile::TempDir,
}

impl Bench {
    pub fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn capture(&self, name: &str, capture: &Capture) -> PathBuf {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        capture.write(&path);
        path
    }

    pub fn text(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path(name);
        std::fs::write(&path, text).unwrap();
        path
    }

    /// Audits one capture against one policy.
    pub fn audit(&self, policy: &str, capture: &Capture) -> Audit {
        self.audit_with(policy, capture, &[])
    }

    pub fn audit_with(&self, policy: &str, capture: &Capture, options: &[&str]) -> Audit {
        let input = self.capture("input.pcap", capture);
        let policy = self.text("policy.toml", policy);
        let flows = self.path("flows.jsonl");
        let mut arguments = vec!["audit".to_owned(), "--policy".into(), policy.display().to_string()];
        arguments.extend(["--flows".into(), flows.display().to_string(), "--json".into()]);
        arguments.extend(options.iter().map(ToString::to_string));
        arguments.push(input.display().to_string());
        let output = sekisho(&arguments);
        Audit::read(&output, &std::fs::read(&flows).unwrap_or_default())
    }
}

/// Runs the program.
pub fn sekisho<S: AsRef<std::ffi::OsStr>>(arguments: &[S]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_sekisho"))
        .args(arguments)
        .env("LC_ALL", "en_US.UTF-8")
        .output()
        .expect("the program starts")
}

/// What an audit said.
#[derive(Debug)]
pub struct Audit {
    pub exit_code: i32,
    pub summary: Value,
    pub findings: Vec<Value>,
    pub flows: Vec<Value>,
}

impl Audit {
    fn read(output: &Output, flows: &[u8]) -> Self {
        let lines = |bytes: &[u8]| -> Vec<Value> {
            String::from_utf8_lossy(bytes).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
        };
        let mut told = lines(&output.stdout).into_iter();
        let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
        Self {
            exit_code: output.status.code().unwrap_or(-1),
            summary: told.next().unwrap_or_else(|| panic!("no summary: {stderr}")),
            findings: told.collect(),
            flows: lines(flows),
        }
    }

    /// The one flow between these ends (client port and server port), carriers left out.
    pub fn flow(&self, client_port: u16, server_port: u16) -> &Value {
        let found: Vec<_> = self
            .flows
            .iter()
            .filter(|flow| flow["client_port"] == client_port && flow["server_port"] == server_port)
            .filter(|flow| flow["carrier"].is_null())
            .collect();
        assert_eq!(found.len(), 1, "flows {client_port} to {server_port}: {found:#?}\nof {:#?}", self.flows);
        found[0]
    }

    pub fn verdict(&self, client_port: u16, server_port: u16) -> &str {
        self.flow(client_port, server_port)["verdict"].as_str().unwrap()
    }

    pub fn causes(&self, client_port: u16, server_port: u16) -> Vec<&str> {
        let causes = &self.flow(client_port, server_port)["causes"];
        causes.as_array().unwrap().iter().filter_map(Value::as_str).collect()
    }

    pub fn checks(&self, client_port: u16, server_port: u16) -> Vec<&str> {
        let checks = &self.flow(client_port, server_port)["findings"];
        checks.as_array().unwrap().iter().filter_map(Value::as_str).collect()
    }

    /// Findings of one check.
    pub fn findings_of(&self, check: &str) -> Vec<&Value> {
        self.findings.iter().filter(|finding| finding["check"] == check).collect()
    }
}

/// The corpus beside the checkout; says loudly when it is not there.
pub fn corpus() -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/corpus/captures");
    if folder.is_dir() {
        Some(folder)
    } else {
        println!("SKIPPED: ../shared absent");
        None
    }
}
