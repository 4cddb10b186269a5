//! Properties that no packet may break: THREATS section 5, rows 29 to 32.

use proptest::{
    prelude::*,
    test_runner::{Config, TestRunner},
};
use sekisho::ground::model::{flow_line::FlowRecord, verdict::Verdict};

use crate::{
    court::{CLIENT, Court, EVIL, Forged, MEET, answered, hello, opened},
    support::{
        ACK, Capture, FIN, NOON, PSH, RST, SYN, Talk, datagram, dns, ethernet, ip, ipv4, record,
        server_hello, udp,
    },
};

const OUTSIDE: &str = "192.0.2.7:443";

fn runner(cases: u32) -> TestRunner {
    TestRunner::new(Config { cases, failure_persistence: None, max_shrink_iters: 200, ..Config::default() })
}

/// Flows that violate: by name, by address, by prohibition, by a second name.
fn violating(kind: usize) -> Talk {
    let new = |client, server| Talk::new(client, server, NOON).open();
    match kind {
        0 => opened().tls_inside(EVIL).close(),
        1 => new(CLIENT, OUTSIDE).tls_inside(MEET).close(),
        2 => new("10.10.1.1:50000", OUTSIDE).tls_inside("").close(),
        3 => opened().tls_inside(MEET).client(&hello(EVIL)).close(),
        _ => new(CLIENT, "10.40.0.20:443")
            .client(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            .server(b"HTTP/1.1 200 OK\r\n\r\n")
            .close(),
    }
}

/// One crafted packet beside this talk; `number` varies it.
fn crafted(kind: usize, talk: &Talk, number: u32) -> Vec<u8> {
    let (client, server) = (talk.client.to_string(), talk.server.to_string());
    let start = [1_001 + u32::from(talk.client.port()), 9_000_001 + u32::from(talk.client.port())];
    let near = Forged { seq: start[0].wrapping_add(number % 700), ack: start[1], ..Forged::next_of(talk) };
    let first = Forged { seq: start[0], ..near.clone() };
    let back = Forged {
        seq: start[1].wrapping_add(number % 900),
        ack: start[0],
        from_client: false,
        ..near.clone()
    };
    let (std::net::IpAddr::V4(source), std::net::IpAddr::V4(target)) = (talk.client.ip(), talk.server.ip())
    else {
        panic!("these talks are of IPv4")
    };
    let frame = |protocol, fragment, payload: &[u8]| {
        let packet = ipv4(source, target, protocol, number as u16, 64, fragment, payload);
        ethernet(talk.client.ip(), talk.server.ip(), &[], 0x0800, &packet)
    };
    match kind {
        0 => first.frame(talk, &hello(MEET)),
        1 => near.frame(talk, &hello(MEET)),
        2 => Forged { spoiled: true, ..first }.frame(talk, &hello(MEET)),
        3 => Forged { ttl: 1, ..first }.frame(talk, &hello(MEET)),
        4 => Forged { flags: [RST, RST | ACK, FIN | ACK][number as usize % 3], ..near }.frame(talk, &[]),
        5 => Forged { seq: number, flags: SYN, ..near }.frame(talk, &hello(MEET)),
        6 => Forged { flags: SYN | ACK, ..back }.frame(talk, &[]),
        7 => back.frame(talk, &record(22, &server_hello())),
        8 => datagram(&server.replace(":443", ":53"), &client, &[], &dns(7, MEET, Some(target))),
        9 => {
            let (_, inner) =
                ip(talk.client.ip(), talk.server.ip(), 17, 5, 64, &udp(talk.client, talk.server, b"x"));
            frame(47, 0, &[&[0, 0, 8, 0][..], &inner].concat())
        }
        10 => {
            let whole = first.frame(talk, &hello(MEET));
            let half = 16 + number as usize % 8 * 8;
            if number.is_multiple_of(2) {
                frame(6, 0x2000, &whole[34..34 + half])
            } else {
                frame(6, half as u16 / 8, &whole[34 + half..])
            }
        }
        _ => {
            let quoted = first.frame(talk, &[]);
            frame(1, 0, &[&[3, 1, 0, 0, 0, 0, 0, 0][..], &quoted[14..62.min(quoted.len())]].concat())
        }
    }
}

#[test]
fn r29_no_packet_that_somebody_adds_acquits_a_flow() {
    let court = Court::new();
    let added = prop::collection::vec((0..12usize, any::<prop::sample::Index>(), any::<u32>()), 1..4);
    runner(3_000)
        .run(&(0..5usize, added), |(kind, added)| {
            let talk = violating(kind);
            let mut capture = talk.capture.clone();
            for (kind, place, number) in &added {
                let place = place.index(capture.frames.len() + 1);
                let at =
                    capture.frames.get(place).or_else(|| capture.frames.last()).map_or(NOON, |(at, _)| *at);
                capture.frames.insert(place, (at, crafted(*kind, &talk, *number)));
            }
            let hearing = court.hear(&capture);
            let same = hearing.flows.iter().filter(|flow| {
                let ports = [flow.facts.client_end().port, flow.facts.server_end().port];
                flow.facts.transport.to_string() == "tcp" && ports.contains(&talk.client.port())
            });
            let verdict = |flow: &FlowRecord| flow.judgement.as_ref().unwrap().verdict;
            let same: Vec<_> = same.collect();
            prop_assert!(same.iter().any(|flow| verdict(flow) > Verdict::Conforming), "{}", hearing.lines());
            // A flow of added packets alone may look as it likes: none of the real ones may be in a flow that conforms.
            let real = |flow: &&&FlowRecord| flow.facts.packets() > added.len() as u64;
            let mut real = same.iter().filter(real);
            prop_assert!(real.all(|flow| verdict(flow) != Verdict::Conforming), "{}", hearing.lines());
            Ok(())
        })
        .unwrap();
}

/// The stream in segments of these lengths, shuffled by these keys inside short runs, some twice.
fn segmented(bytes: &[u8], cuts: &[(usize, u8, bool)]) -> Capture {
    let mut talk = opened();
    let mut parts = Vec::new();
    let (mut start, mut turn) = (0, cuts.iter().cycle());
    while start < bytes.len() {
        let (len, key, twice) = turn.next().unwrap();
        let end = (start + len).min(bytes.len());
        parts.push((*key, start..end));
        if *twice {
            parts.push((key.wrapping_mul(31), start..end));
        }
        start = end;
    }
    parts.chunks_mut(8).for_each(|run| run.sort_by_key(|(key, _)| *key));
    let [seq, ack] = talk.next;
    for (_, part) in parts {
        talk.segment(true, seq + part.start as u32, ack, PSH | ACK, &bytes[part]);
    }
    answered(talk, bytes.len())
}

#[test]
fn r30_cutting_reordering_and_repeating_change_neither_names_nor_verdict() {
    let court = Court::new();
    let cuts = prop::collection::vec((1..200usize, any::<u8>(), any::<bool>()), 1..12);
    runner(1_500)
        .run(&(any::<bool>(), cuts), |(listed, cuts)| {
            let name = if listed { MEET } else { EVIL };
            let hearing = court.hear(&segmented(&hello(name), &cuts));
            let expected = if listed { Verdict::Conforming } else { Verdict::Violating };
            prop_assert_eq!(hearing.verdicts(), [expected], "{}", hearing.lines());
            let told = format!("\"sni\":[\"{name}\"]");
            prop_assert!(hearing.lines().contains(&told), "{}", hearing.lines());
            Ok(())
        })
        .unwrap();
}

#[test]
fn r31_packets_that_are_missing_never_acquit() {
    let court = Court::new();
    runner(1_500)
        .run(&(0..5usize, prop::collection::vec(any::<bool>(), 40)), |(kind, kept)| {
            let whole = violating(kind).capture.frames;
            let chosen = |(place, frame): (usize, _)| kept[place % kept.len()].then_some(frame);
            let frames: Vec<_> = whole.into_iter().enumerate().filter_map(chosen).collect();
            if frames.is_empty() {
                return Ok(());
            }
            let hearing = court.hear(&Capture { frames });
            // A later name that was lost whole, with its gap, leaves the first one: the flow had settled (RULES 24).
            prop_assert!(kind == 3 || !hearing.any(Verdict::Conforming), "{}", hearing.lines());
            let by_address = kind == 1 || kind == 2;
            prop_assert!(
                !by_address || hearing.verdicts().iter().all(|v| *v > Verdict::Undecidable),
                "{}",
                hearing.lines()
            );
            Ok(())
        })
        .unwrap();
}

#[test]
fn r32_the_number_of_workers_changes_nothing_that_is_said() {
    let court = Court::new();
    let mut capture = crate::threads::morning();
    for kind in 0..5 {
        let talk = violating(kind);
        for number in 0..12 {
            capture = capture.with(&Capture {
                frames: vec![(NOON + number, crafted(number as usize, &talk, 40 + number as u32))],
            });
        }
    }
    let bytes = capture.bytes();
    let one = court.hear_bytes(&bytes, 1);
    for workers in [2, 3, 8, 16] {
        let many = court.hear_bytes(&bytes, workers);
        assert!(one.lines() == many.lines(), "{workers} workers tell other flows than one");
        assert_eq!(one.result.findings, many.result.findings, "{workers} workers");
    }
}
