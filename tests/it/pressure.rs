//! Where memory ends, there is still one answer: for any number of workers, and in every run.

use sekisho::ground::model::{limits::Limits, verdict::Verdict};

use crate::{
    city::BASE,
    court::{Court, Hearing},
    support::{Capture, MILLI, NOON, SECOND, SYN, Talk, addr, datagram, ethernet, ip, tcp},
};

/// Place for 512 flows and 1 MiB of streams, in shares of 16 and 32 KiB.
fn little() -> Limits {
    Limits { flows: 512, stream_bytes: 1 << 20, partitions: 32, ..Limits::default() }
}

fn syn(client: &str, server: &str) -> Vec<u8> {
    let (source, target) = (addr(client), addr(server));
    let (ethertype, packet) = ip(source.ip(), target.ip(), 6, 1, 64, &tcp(source, target, 7, 0, SYN, &[]));
    ethernet(source.ip(), target.ip(), &[], ethertype, &packet)
}

/// Destination unreachable, about a frame.
fn unreachable(about: &[u8]) -> Vec<u8> {
    let (from, to) = (addr("10.20.0.1:0").ip(), addr("10.20.1.1:0").ip());
    let (ethertype, packet) = ip(from, to, 1, 7, 64, &[&[3, 1, 0, 0, 0, 0, 0, 0], &about[14..42]].concat());
    ethernet(from, to, &[], ethertype, &packet)
}

/// All at once: uploads that are read to their end, streams that nobody knows and that grow by a few bytes, connections with
/// names, a scan, IPv6, tunnels, and errors about flows with and without a place.
fn crowd(at: u64, wave: u64) -> Capture {
    let mut all = Capture::new();
    for number in 0..90_u64 {
        let start = at + number * MILLI / 3;
        let end = |kind: u64| format!("10.20.{kind}.{}:{}", number + 1, 40_000 + wave * 100 + number);
        let mut upload = Talk::new(&end(1), "198.51.100.130:80", start).open();
        let head = b"POST /up HTTP/1.1\r\nHost: meet.cloud.example\r\nContent-Length: 900000\r\n\r\n";
        upload = upload.client(head).client(&vec![b'x'; 400 + 331 * number as usize]);
        let mut unknown = Talk::new(&end(2), "198.51.100.131:9000", start).open();
        for turn in 0..12 {
            let len = (number * 7 + turn * turn * 3) % 61 + 1;
            unknown = unknown.client(&vec![0x80 | turn as u8; len as usize]).server(&[0x90; 3]);
        }
        let named = Talk::new(&end(3), "198.51.100.132:443", start + 20 * MILLI).tls("chat.cloud.example");
        let scan = syn(&end(4), &format!("192.0.2.{}:22", number + 1));
        let other = format!("192.0.2.{}:{}", number + 1, 5_000 + wave);
        let inner = datagram(&format!("10.10.2.{}:4000", number + 1), &other, &[], b"out");
        let tunnel = [&[8, 0, 0, 0, 0, 0, 7, 0], &inner[..]].concat();
        all.frames.extend([upload, unknown].into_iter().flat_map(|talk| talk.capture.frames));
        all.frames.extend(named.frames);
        all.add(start + 5 * MILLI, unreachable(&scan)).add(start + 7 * MILLI, scan.clone());
        all.add(start + 9 * MILLI, unreachable(&scan));
        all.add(
            start + 11 * MILLI,
            datagram(&format!("[2001:db8::{number:x}]:7000"), "[2001:db8:1::1]:53", &[], b"?"),
        );
        all.add(start + 13 * MILLI, datagram(&end(5), "10.10.1.9:4789", &[], &tunnel));
    }
    all
}

/// Two crowds, between which some flows become idle.
fn pressing() -> Vec<u8> {
    let mut all = crowd(NOON, 0);
    all.frames.extend(crowd(NOON + 300 * SECOND, 1).frames);
    all.frames.sort_by_key(|(at, _)| *at);
    all.bytes()
}

#[test]
fn under_pressure_any_number_of_workers_gives_the_same_flows_findings_and_losses_in_every_run() {
    let court = Court::under(BASE);
    let bytes = pressing();
    let hear = |workers| court.hear_under(&bytes, workers, little());
    let said = |hearing: &Hearing| {
        let result = &hearing.result;
        (
            hearing.lines(),
            result.findings.clone(),
            result.others.clone(),
            result.tally.clone(),
            result.coverage.clone(),
        )
    };
    let first = hear(1);
    let untracked: u64 = first.result.tally.untracked.iter().map(|count| count.packets).sum();
    let stopped = first.lines().matches("resource_evicted").count();
    assert!(
        untracked > 1_000 && stopped > 50,
        "{untracked} packets without a place, {stopped} streams let go"
    );
    assert!(first.flows.len() > 512, "places are used again");
    assert!(first.any(Verdict::Violating) && !first.result.findings.is_empty());
    let expected = said(&first);
    for workers in [1, 2, 4, 8] {
        for _ in 0..2 {
            assert!(said(&hear(workers)) == expected, "{workers} workers");
        }
    }
}

#[test]
fn under_another_policy_memory_ends_at_other_flows() {
    let bytes = pressing();
    let lines = |policy: &str| Court::under(policy).hear_under(&bytes, 2, little()).lines();
    assert!(lines(BASE) != lines(&format!("# nobody outside knows this line\n{BASE}")));
}
