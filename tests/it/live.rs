//! Live interfaces: veth pairs in network namespaces of their own, frames put on one end, the program on the other.

use std::{
    fs::File,
    io::{BufRead, BufReader, Read},
    os::fd::AsRawFd,
    process::{Child, ChildStderr, Command, Stdio},
    sync::atomic::{AtomicU32, Ordering},
};

use serde_json::Value;

use crate::{
    city,
    support::{Bench, Capture, NOON, Talk, datagram, sekisho},
};

/// A network namespace with nothing in it but what a story puts there; gone with the story.
pub struct Net {
    name: String,
}

impl Net {
    /// `None`, told loudly, where namespaces cannot be made.
    pub fn new() -> Option<Self> {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let name = format!("live-{}-{}", std::process::id(), NUMBER.fetch_add(1, Ordering::Relaxed));
        let made = Command::new("ip").args(["netns", "add", &name]).output();
        if !made.is_ok_and(|output| output.status.success()) {
            println!("SKIPPED: network namespaces need root and ip(8)");
            return None;
        }
        let net = Self { name };
        net.ip("link set lo up");
        Some(net)
    }

    /// Runs ip(8) in the namespace.
    pub fn ip(&self, arguments: &str) {
        let output = Command::new("ip").args(["-n", &self.name]).args(arguments.split(' ')).output().unwrap();
        assert!(output.status.success(), "ip {arguments}: {}", String::from_utf8_lossy(&output.stderr));
    }

    /// A pair `spanN`, which is watched, and `genN`, which frames are put on.
    pub fn pair(&self, number: u32) {
        self.ip(&format!("link add span{number} type veth peer name gen{number}"));
        for end in ["span", "gen"] {
            // No address, so that the kernel itself says nothing.
            self.ip(&format!("link set {end}{number} addrgenmode none"));
            self.ip(&format!("link set {end}{number} up"));
        }
        // The kernel tells of the link a moment later.
        let is_up = || {
            let output = Command::new("ip")
                .args(["-n", &self.name, "-o", "link", "show", &format!("span{number}")])
                .output();
            String::from_utf8_lossy(&output.unwrap().stdout).contains("state UP")
        };
        assert!((0..10_000).any(|_| is_up()), "span{number} has no link");
    }

    /// How many packet sockets are bound to `spanN` (packet(7)), frames or no frames.
    fn rings(&self, number: u32) -> usize {
        let inside = |command: &[&str]| {
            let output =
                Command::new("ip").args(["netns", "exec", &self.name]).args(command).output().unwrap();
            String::from_utf8(output.stdout).unwrap()
        };
        let index = inside(&["cat", &format!("/sys/class/net/span{number}/ifindex")]);
        let sockets = inside(&["cat", "/proc/net/packet"]);
        // sk, RefCnt, Type, Proto, Iface, …
        sockets.lines().filter(|line| line.split_whitespace().nth(4) == Some(index.trim())).count()
    }

    /// Puts frames on the other end of `spanN`.
    pub fn send(&self, number: u32, capture: &Capture) {
        let space = File::open(format!("/run/netns/{}", self.name)).unwrap();
        let sending = || {
            // SAFETY: takes two numbers; the descriptor is open, and only this thread, which ends, enters.
            #[expect(unsafe_code, reason = "entering a namespace has no safe form here")]
            let entered = unsafe { libc::setns(space.as_raw_fd(), libc::CLONE_NEWNET) };
            assert_eq!(entered, 0);
            let device = format!("gen{number}");
            let mut end = pcap::Capture::from_device(device.as_str()).unwrap().open().unwrap();
            for (_, frame) in &capture.frames {
                let mut frame = frame.clone();
                frame.resize(frame.len().max(60), 0);
                end.sendpacket(frame).unwrap();
            }
        };
        std::thread::scope(|scope| scope.spawn(sending).join().unwrap());
    }

    /// Starts `sekisho watch` and waits until it watches.
    pub fn watch(&self, bench: &Bench, arguments: &[&str]) -> Watch {
        let years = city::changed("2026-04-01T00:00:00+09:00", "2020-04-01T00:00:00+09:00");
        let policy = bench
            .text("policy.toml", &years.replace("2027-03-31T23:59:59+09:00", "2099-03-31T23:59:59+09:00"));
        let out = bench.path("run");
        let mut child = Command::new("ip")
            .args(["netns", "exec", &self.name, env!("CARGO_BIN_EXE_sekisho"), "watch", "--json"])
            // A story that hears nothing ends all the same.
            .args(["--duration", "100"])
            .args(["--policy".as_ref(), policy.as_os_str(), "--out".as_ref(), out.as_os_str()])
            .args(arguments)
            .env("LC_ALL", "en_US.UTF-8")
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let told = BufReader::new(child.stderr.take().unwrap());
        let mut watch = Watch { child, told, heard: String::new() };
        watch.hear(&["watching"]);
        watch
    }
}

impl Drop for Net {
    fn drop(&mut self) {
        let _ = Command::new("ip").args(["netns", "del", &self.name]).output();
    }
}

/// The program while it watches.
pub struct Watch {
    child: Child,
    told: BufReader<ChildStderr>,
    heard: String,
}

impl Watch {
    /// Waits for a line with all these words.
    #[track_caller]
    pub fn hear(&mut self, words: &[&str]) -> String {
        loop {
            let mut line = String::new();
            self.told.read_line(&mut line).unwrap();
            assert!(!line.is_empty(), "{words:?} was not told; told was:\n{}", self.heard);
            self.heard.push_str(&line);
            if words.iter().all(|word| line.contains(word)) {
                return line;
            }
        }
    }

    fn signal(&self, name: &str) {
        let done = Command::new("kill").args([name, &self.child.id().to_string()]).status().unwrap();
        assert!(done.success());
    }

    /// Says stop; gives what the program left.
    pub fn stop(mut self, bench: &Bench) -> Left {
        self.signal("-TERM");
        let (mut stdout, mut rest) = (String::new(), String::new());
        self.child.stdout.take().unwrap().read_to_string(&mut stdout).unwrap();
        self.told.read_to_string(&mut rest).unwrap();
        let exit_code = self.child.wait().unwrap().code().unwrap();
        let summary = stdout.lines().next().unwrap_or_else(|| panic!("no summary: {}{rest}", self.heard));
        let read = |name: &str| std::fs::read_to_string(bench.path("run").join(name)).unwrap();
        Left {
            exit_code,
            summary: serde_json::from_str(summary).unwrap(),
            flows: read("flows.jsonl").lines().map(|line| serde_json::from_str(line).unwrap()).collect(),
            coverage: serde_json::from_str(&read("coverage.json")).unwrap(),
            findings: read("findings.jsonl"),
        }
    }
}

/// What a run left.
pub struct Left {
    pub exit_code: i32,
    pub summary: Value,
    flows: Vec<Value>,
    coverage: Value,
    findings: String,
}

impl Left {
    pub fn read(&self) -> u64 {
        self.summary["accounting"]["read"]["packets"].as_u64().unwrap()
    }

    fn verdict(&self, client_port: u16) -> &str {
        let flow = self.flows.iter().find(|flow| flow["client_port"] == client_port).unwrap();
        flow["verdict"].as_str().unwrap()
    }

    fn limits(&self) -> Vec<&str> {
        let limits = self.summary["limits"].as_array().unwrap();
        limits.iter().filter_map(|limit| limit["limit"].as_str()).collect()
    }

    pub fn blind(&self, interface: &str) -> Vec<&str> {
        let blind = self.coverage["blind"].as_array().into_iter().flatten();
        blind
            .filter(|time| time["interface"] == interface)
            .filter_map(|time| time["reason"].as_str())
            .collect()
    }
}

/// A connection from the My Number segment to somewhere on the internet: forbidden.
pub fn forbidden(port: u16) -> Capture {
    Talk::new(&format!("10.10.1.1:{port}"), "192.0.2.7:443", NOON).tls("evil.example")
}

/// A connection that a channel of the policy allows.
fn allowed(port: u16) -> Capture {
    Talk::new(&format!("10.10.9.10:{port}"), "198.18.10.5:443", NOON).tls("relay.example")
}

/// One datagram from each of so many ports.
fn datagrams(count: u16, len: usize) -> Capture {
    let mut capture = Capture::new();
    for port in 0..count {
        let source = format!("10.10.1.1:{}", 20_000 + port);
        capture.add(NOON, datagram(&source, "10.10.1.2:514", &[], &vec![b'x'; len]));
    }
    capture
}

#[test]
fn every_frame_is_seen_and_a_violation_is_told_while_it_goes_on() {
    let Some(net) = Net::new() else { return };
    net.pair(0);
    let bench = Bench::new();
    let mut watch = net.watch(&bench, &["-i", "span0", "--workers", "2"]);
    // A connection that has only begun: it is told at its first packet, and again when it is answered.
    let open = Talk::new("10.10.1.1:50001", "192.0.2.7:443", NOON).open().capture;
    let (first, rest) = open.frames.split_at(1);
    net.send(0, &Capture { frames: first.to_vec() });
    watch.hear(&["SK-A01", "(attempted)", "10.10.1.1"]);
    net.send(0, &Capture { frames: rest.to_vec() });
    let told = watch.hear(&["SK-A01", "10.10.1.1"]);
    assert!(!told.contains("attempted"), "{told}");
    net.send(0, &allowed(50_000));
    let left = watch.stop(&bench);
    assert_eq!(left.verdict(50_001), "violating");
    assert_eq!(left.verdict(50_000), "conforming");
    assert_eq!(left.read(), (open.frames.len() + allowed(50_000).frames.len()) as u64);
    assert_eq!(left.summary["has_findings"], true);
    assert!(left.findings.contains("SK-A01"));
    assert!(left.blind("span0").is_empty() && !left.limits().contains(&"dropped"), "{:?}", left.limits());
    assert_eq!(left.exit_code, 1, "{:?}", left.limits());
}

#[test]
fn rings_of_one_interface_see_each_frame_once_and_interfaces_keep_their_names() {
    let Some(net) = Net::new() else { return };
    net.pair(0);
    net.pair(1);
    let bench = Bench::new();
    let watch = net.watch(&bench, &["-i", "span0", "-i", "span1", "--rings", "3", "--ring", "2M"]);
    net.send(0, &datagrams(500, 100));
    net.send(1, &forbidden(50_001));
    net.send(0, &datagrams(500, 100));
    let left = watch.stop(&bench);
    assert_eq!(left.read(), 1_000 + forbidden(50_001).frames.len() as u64);
    let interfaces = left.coverage["interfaces"].as_array().unwrap();
    let told: Vec<_> = interfaces
        .iter()
        .map(|one| (one["name"].as_str().unwrap(), one["packets"].as_u64().unwrap()))
        .collect();
    assert_eq!(told, [("span0", 1_000), ("span1", forbidden(50_001).frames.len() as u64)]);
}

#[test]
fn tags_that_the_card_took_off_are_restored_and_stamps_are_nanoseconds() {
    let Some(net) = Net::new() else { return };
    net.pair(0);
    let bench = Bench::new();
    let watch = net.watch(&bench, &["-i", "span0"]);
    let mut tagged = Capture::new();
    for port in 0..50 {
        let source = format!("10.10.1.1:{}", 20_000 + port);
        tagged.add(NOON, datagram(&source, "10.10.1.2:514", &[110], b"x"));
    }
    net.send(0, &tagged);
    let left = watch.stop(&bench);
    assert_eq!(left.coverage["vlans"], serde_json::json!([{"vlan": 110, "packets": 50}]));
    // 2026-05-12T00:00:00.123456789Z: of fifty stamps in microseconds all would end in 000Z.
    let stamps: Vec<_> = left.flows.iter().filter_map(|flow| flow["first"].as_str()).collect();
    assert_eq!(stamps.len(), 50, "{:#}", left.flows[0]);
    assert!(stamps.iter().any(|stamp| !stamp.ends_with("000Z")), "{stamps:?}");
}

#[test]
fn an_interface_that_goes_down_is_a_blind_time_and_the_other_one_is_not_disturbed() {
    let Some(net) = Net::new() else { return };
    net.pair(0);
    net.pair(1);
    let bench = Bench::new();
    let mut watch = net.watch(&bench, &["-i", "span0", "-i", "span1"]);
    net.send(0, &allowed(50_000));
    net.ip("link set span0 down");
    watch.hear(&["span0 cannot be seen", "interface down"]);
    net.send(1, &forbidden(50_001));
    watch.hear(&["SK-A01", "10.10.1.1"]);
    net.ip("link set span0 up");
    watch.hear(&["span0 was not seen from", "it is seen again"]);
    net.send(0, &allowed(50_002));
    let left = watch.stop(&bench);
    assert_eq!(
        [left.verdict(50_000), left.verdict(50_001), left.verdict(50_002)],
        ["conforming", "violating", "conforming"]
    );
    assert!(
        left.blind("span0").contains(&"down") && left.blind("span1").is_empty(),
        "{}",
        left.coverage["blind"]
    );
    assert!(left.limits().contains(&"blind"));
    assert!(left.findings.contains("SK-Q08"));
    assert_eq!(left.exit_code, 3);
}

#[test]
fn an_interface_that_is_removed_and_made_anew_is_taken_up_again_with_as_many_rings() {
    for rings in [1, 3] {
        let Some(net) = Net::new() else { return };
        net.pair(0);
        let bench = Bench::new();
        let count = rings.to_string();
        let mut watch = net.watch(&bench, &["-i", "span0", "--rings", &count, "--ring", "2M"]);
        net.send(0, &allowed(50_000));
        assert_eq!(net.rings(0), rings);
        net.ip("link del span0");
        watch.hear(&["span0 cannot be seen", "interface gone"]);
        net.pair(0);
        watch.hear(&["span0 was not seen from", "it is seen again"]);
        assert_eq!(net.rings(0), rings);
        net.send(0, &forbidden(50_001));
        watch.hear(&["SK-A01", "10.10.1.1"]);
        let flood = datagrams(500, 100);
        net.send(0, &flood);
        // Once more: what has joined cannot be bound again, and one ring is left that never did.
        net.ip("link del span0");
        watch.hear(&["span0 cannot be seen", "interface gone"]);
        net.pair(0);
        watch.hear(&["span0 was not seen from", "it is seen again"]);
        assert_eq!(net.rings(0), 1);
        net.send(0, &allowed(50_002));
        let left = watch.stop(&bench);
        assert_eq!(
            [left.verdict(50_000), left.verdict(50_001), left.verdict(50_002)],
            ["conforming", "violating", "conforming"],
            "{rings} rings"
        );
        let frames = [allowed(50_000), forbidden(50_001), flood, allowed(50_002)];
        let sent: usize = frames.iter().map(|capture| capture.frames.len()).sum();
        // What the rings held when the interface went is lost with them; nothing is seen by two of them.
        assert!(left.read() <= sent as u64, "{} of {sent} frames by {rings} rings", left.read());
        assert!(left.blind("span0").contains(&"gone"), "{}", left.coverage["blind"]);
        assert_eq!(left.exit_code, 3);
    }
}

#[test]
fn an_interface_without_a_frame_is_never_called_clean() {
    let Some(net) = Net::new() else { return };
    net.pair(0);
    net.pair(1);
    let bench = Bench::new();
    let watch = net.watch(&bench, &["-i", "span0", "-i", "span1"]);
    net.send(0, &allowed(50_000));
    let left = watch.stop(&bench);
    assert_eq!(left.blind("span1"), ["no_frames"]);
    assert!(left.blind("span0").is_empty());
    assert_eq!(left.exit_code, 3, "{:?}", left.limits());
    assert_ne!(left.summary["headline"], "nothing_found");
}

#[test]
fn what_the_kernel_drops_is_counted_and_degrades_its_minute() {
    let Some(net) = Net::new() else { return };
    net.pair(0);
    let bench = Bench::new();
    let mut watch = net.watch(&bench, &["-i", "span0", "--ring", "1M"]);
    // A program that stands still, and four times what its ring holds.
    watch.signal("-STOP");
    let flood = datagrams(4_000, 1_000);
    net.send(0, &flood);
    watch.signal("-CONT");
    watch.hear(&["span0", "were dropped"]);
    let left = watch.stop(&bench);
    let dropped = left.coverage["interfaces"][0]["dropped"].as_u64().unwrap();
    assert!(dropped > 0);
    assert_eq!(left.read() + dropped, flood.frames.len() as u64, "each frame is seen or counted as dropped");
    let of_minutes = left.coverage["losses"].as_array().unwrap().iter();
    assert_eq!(of_minutes.filter_map(|loss| loss["packets"].as_u64()).sum::<u64>(), dropped);
    assert!(left.limits().contains(&"degraded_minutes") && left.limits().contains(&"dropped"));
    assert_eq!(left.exit_code, 3);
}

#[test]
fn a_run_ends_after_so_many_packets_and_a_filter_keeps_others_out() {
    let Some(net) = Net::new() else { return };
    net.pair(0);
    let bench = Bench::new();
    let mut watch = net.watch(&bench, &["-i", "span0", "--packets", "5", "--filter", "udp"]);
    net.send(0, &forbidden(50_001).with(&datagrams(9, 10)));
    // It ends by itself: standard error is closed.
    let mut rest = String::new();
    watch.told.read_to_string(&mut rest).unwrap();
    let status = watch.child.wait().unwrap();
    assert!(status.code().is_some());
    let flows = std::fs::read_to_string(bench.path("run/flows.jsonl")).unwrap();
    assert_eq!(flows.lines().count(), 5);
    assert!(flows.lines().all(|line| line.contains("\"udp\"")), "{flows}");
}

#[test]
fn without_the_right_to_capture_the_remedy_is_named() {
    let bench = Bench::new();
    let policy = bench.text("policy.toml", city::BASE);
    let output = Command::new("setpriv")
        .args(["--bounding-set=-net_raw", env!("CARGO_BIN_EXE_sekisho"), "watch", "-i", "lo", "--policy"])
        .arg(&policy)
        .env("LC_ALL", "en_US.UTF-8")
        .output();
    let Ok(output) = output else {
        println!("SKIPPED: setpriv(1) is absent");
        return;
    };
    let told = String::from_utf8_lossy(&output.stderr);
    if told.contains("setpriv:") {
        println!("SKIPPED: setpriv(1) may not give rights away: {told}");
        return;
    }
    assert_eq!(output.status.code(), Some(2), "{told}");
    assert!(told.contains("setcap cap_net_raw+ep") && told.contains("sudo"), "{told}");
}

#[test]
fn an_interface_that_is_not_there_is_answered_with_those_that_are() {
    let bench = Bench::new();
    let policy = bench.text("policy.toml", city::BASE);
    let output = sekisho(&["watch", "-i", "no-such-if", "--policy", policy.to_str().unwrap()]);
    let told = String::from_utf8_lossy(&output.stderr);
    if told.contains("no right to capture") {
        println!("SKIPPED: no right to open packet sockets");
        return;
    }
    assert_eq!(output.status.code(), Some(2), "{told}");
    assert!(told.contains("no-such-if") && told.contains("lo"), "{told}");
}
