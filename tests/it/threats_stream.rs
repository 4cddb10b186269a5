//! TCP under attack: THREATS section 5, rows 0 to 2, 7 to 10 and 14.

use sekisho::ground::model::verdict::Verdict;

use crate::{
    city::BASE,
    court::{CLIENT, Court, EVIL, Forged, MEET, SUITE, after_hello, answered, hello, opened},
    support::{
        ACK, Bench, Capture, FIN, MILLI, NOON, PSH, RST, SECOND, SYN, Talk, datagram, record, server_hello,
    },
};

/// A hello in several segments, given as (offset, length) in the order they pass.
fn pieces(mut talk: Talk, bytes: &[u8], order: &[(usize, usize)]) -> Capture {
    let [seq, ack] = talk.next;
    for (start, len) in order {
        let end = (start + len).min(bytes.len());
        talk.segment(true, seq.wrapping_add(*start as u32), ack, PSH | ACK, &bytes[*start..end]);
    }
    answered(talk, bytes.len())
}

fn chunks(len: usize, size: usize) -> Vec<(usize, usize)> {
    (0..len).step_by(size).map(|start| (start, size)).collect()
}

#[test]
fn r00_everything_that_is_allowed_conforms_without_a_finding() {
    let meet = |port: u16, at: u64| Talk::new(&format!("10.20.1.1:{port}"), SUITE, at).tls(MEET);
    let bytes = hello(MEET);
    let mut again = Talk::new("10.20.1.1:50001", SUITE, NOON).open();
    let [seq, ack] = again.next;
    for _ in 0..3 {
        again.segment(true, seq, ack, PSH | ACK, &bytes);
        again.at += SECOND;
    }
    let swapped = pieces(Talk::new("10.20.1.1:50002", SUITE, NOON).open(), &bytes, &[(100, 1_000), (0, 100)]);
    let relay = Talk::new("10.10.9.10:50003", "198.18.10.5:443", NOON).tls("");
    // A direction that only the first packet tells is sure one idle limit after the beginning (RULES 25); until then
    // something passes every minute, so that no minute is blind.
    let mut log = Capture::new();
    for turn in 1..4u16 {
        let server = format!("10.10.9.10:{}", 51_000 + turn);
        let minute = NOON + u64::from(turn) * 60 * SECOND;
        log = log.with(&Talk::new(&server, "198.18.10.5:443", minute).tls("relay.example"));
        let text = b"<34>1 2026-05-12T00:00:00Z fw app - - - up";
        let at = NOON + (200 + u64::from(turn)) * SECOND;
        log.add(at, datagram("10.20.1.1:50004", "10.40.0.51:514", &[120], text));
    }
    let tunnel = Talk::new("10.30.1.5:50005", "10.30.8.80:8080", NOON)
        .open()
        .client(b"CONNECT www.example:443 HTTP/1.1\r\nHost: www.example:443\r\n\r\n")
        .server(b"HTTP/1.1 200 OK\r\n\r\n")
        .tls_inside("www.example")
        .close()
        .capture;
    let capture = meet(50_000, NOON)
        .with(&answered(again, bytes.len()))
        .with(&swapped)
        .with(&relay)
        .with(&log)
        .with(&tunnel);
    let hearing = Court::new().hear(&capture);
    assert!(hearing.verdicts().iter().all(|v| *v == Verdict::Conforming), "{}", hearing.lines());
    assert_eq!(hearing.flows.len(), 9);
    let told = Bench::new().audit_with(BASE, &capture, &["--sensor", "s-lbo=*.pcap"]);
    let shown: Vec<_> = told.findings.iter().filter(|f| f["severity"] != "info").collect();
    assert!(shown.is_empty(), "{shown:#?}");
}

#[test]
fn r01_bytes_that_come_twice_with_two_names_acquit_in_no_order() {
    let (meet, evil) = (hello(MEET), hello(EVIL));
    let len = meet.len();
    let twice = |first: &[u8], second: &[u8], start: usize| {
        let mut talk = opened();
        let [seq, ack] = talk.next;
        talk.segment(true, seq, ack, PSH | ACK, first);
        talk.segment(true, seq + start as u32, ack, PSH | ACK, &second[start..]);
        answered(talk, len)
    };
    // The head, then the tail twice out of order, then the byte that joins them.
    let held = |first: &[u8], second: &[u8]| {
        let mut talk = opened();
        let [seq, ack] = talk.next;
        talk.segment(true, seq + 8, ack, PSH | ACK, &first[8..]);
        talk.segment(true, seq + 8, ack, PSH | ACK, &second[8..]);
        talk.segment(true, seq, ack, PSH | ACK, &first[..8]);
        answered(talk, len)
    };
    // The second copy only after the peer has acknowledged and answered the first.
    let late = |first: &[u8], second: &[u8]| {
        let mut talk = opened();
        let seq = talk.next[0];
        talk = talk.client(first);
        let ack = talk.next[1];
        talk.segment(true, seq, ack, PSH | ACK, second);
        after_hello(talk).close().capture
    };
    Court::new().acquits_none(vec![
        ("allowed first", twice(&meet, &evil, 0), "overlap_conflict"),
        ("forbidden first", twice(&evil, &meet, 0), "overlap_conflict"),
        ("partly, allowed first", twice(&meet, &evil, 60), "overlap_conflict"),
        ("partly, forbidden first", twice(&evil, &meet, 60), "overlap_conflict"),
        ("held, allowed first", held(&meet, &evil), "overlap_conflict"),
        ("held, forbidden first", held(&evil, &meet), "overlap_conflict"),
        ("acknowledged, allowed first", late(&meet, &evil), "overlap_conflict"),
        ("acknowledged, forbidden first", late(&evil, &meet), EVIL),
    ]);
}

/// What makes a segment a decoy.
type Change = Box<dyn Fn(&mut Forged)>;

#[test]
fn r02_a_decoy_with_the_listed_name_acquits_nothing() {
    let (meet, evil) = (hello(MEET), hello(EVIL));
    let decoy = |change: &dyn Fn(&mut Forged), after: bool| {
        let mut talk = opened();
        let mut forged = Forged::next_of(&talk);
        change(&mut forged);
        if !after {
            forged.add(&mut talk, &meet);
        }
        let mut talk = talk.client(&evil);
        if after {
            forged.add(&mut talk, &meet);
        }
        after_hello(talk).close().capture
    };
    let signature = [&[19, 18][..], &[7; 16], &[1, 1]].concat();
    let changes: Vec<(&str, Change)> = vec![
        ("wrong checksum", Box::new(|f| f.spoiled = true)),
        ("TTL of one", Box::new(|f| f.ttl = 1)),
        ("acknowledges the unsent", Box::new(|f| f.ack = f.ack.wrapping_add(1_000_000_000))),
        ("out of the window", Box::new(|f| f.seq = f.seq.wrapping_sub(1_000_000))),
        ("TCP MD5", Box::new(move |f| f.options.clone_from(&signature))),
        ("no flags", Box::new(|f| f.flags = 0)),
        ("before the beginning", Box::new(|f| f.seq = f.seq.wrapping_sub(1))),
    ];
    for (story, change) in &changes {
        let court = Court::new();
        court.acquits_none(vec![(*story, decoy(change, false), EVIL), (*story, decoy(change, true), EVIL)]);
    }
}

#[test]
fn r02_an_urgent_byte_inside_the_name_leaves_the_name_in_doubt() {
    let meet = hello(MEET);
    let place = meet.windows(4).position(|window| window == b"meet").unwrap();
    let mut talk = opened();
    let urgent = Forged { urgent: place as u16 + 2, flags: PSH | ACK | 32, ..Forged::next_of(&talk) };
    urgent.add(&mut talk, &meet);
    Court::new().acquits_none(vec![("urgent", answered(talk, meet.len()), "urgent_data")]);
}

#[test]
fn r07_a_hello_in_small_pieces_in_any_order_tells_its_name() {
    let told = |name: &str| {
        let bytes = hello(name);
        let wrap = || {
            let mut talk = Talk::new(CLIENT, SUITE, NOON);
            talk.next[0] = u32::MAX - 60;
            talk.open()
        };
        let single = chunks(bytes.len(), 1);
        let mut reversed = chunks(bytes.len(), 8);
        reversed.reverse();
        let mut shuffled = chunks(bytes.len(), 13);
        let count = shuffled.len();
        shuffled = (0..count).map(|place| shuffled[place * 7 % count]).collect();
        assert!(!count.is_multiple_of(7));
        [
            ("byte by byte", pieces(opened(), &bytes, &single)),
            ("backwards", pieces(opened(), &bytes, &reversed)),
            ("shuffled over the wrap", pieces(wrap(), &bytes, &shuffled)),
        ]
    };
    let court = Court::new();
    court.acquits_all(told(MEET).into());
    for (story, capture) in told(EVIL) {
        let hearing = court.hear(&capture);
        assert_eq!(hearing.verdicts(), [Verdict::Violating], "{story}");
        assert!(hearing.lines().contains(EVIL), "{story}");
    }
}

#[test]
fn r08_an_injected_reset_or_end_hides_nothing_that_follows() {
    let injected = |change: &dyn Fn(&mut Forged)| {
        let mut talk = opened();
        for from_client in [true, false] {
            let [client, server] = talk.next;
            let (seq, ack) = if from_client { (client, server) } else { (server, client) };
            let mut forged = Forged { seq, ack, from_client, ..Forged::next_of(&talk) };
            change(&mut forged);
            forged.add(&mut talk, &[]);
        }
        after_hello(talk.client(&hello(EVIL))).close().capture
    };
    Court::new().acquits_none(vec![
        ("wrong checksum", injected(&|f| (f.flags, f.spoiled) = (RST, true)), EVIL),
        ("out of window", injected(&|f| (f.flags, f.seq) = (RST, f.seq.wrapping_add(1 << 29))), EVIL),
        ("TTL of one", injected(&|f| (f.flags, f.ttl) = (RST | ACK, 1)), EVIL),
        ("all flags", injected(&|f| f.flags = 0x3f), EVIL),
        ("in the window", injected(&|f| f.flags = RST | ACK), EVIL),
        ("an end", injected(&|f| (f.flags, f.ttl) = (FIN | ACK, 1)), EVIL),
    ]);
}

#[test]
fn r09_unusual_openings_do_not_hide_what_is_said() {
    let (meet, evil) = (hello(MEET), hello(EVIL));
    let with_syn = |said: &[u8], taken: bool, then: &[u8]| {
        let mut talk = Talk::new(CLIENT, SUITE, NOON);
        let [client, server] = talk.next;
        talk.segment(true, client, 0, SYN, said);
        let after = client + 1 + if taken { said.len() as u32 } else { 0 };
        talk.segment(false, server, after, SYN | ACK, &[]);
        talk.segment(true, after, server + 1, ACK, &[]);
        talk.next = [after, server + 1];
        let talk = if then.is_empty() { talk } else { talk.client(then) };
        after_hello(talk).close().capture
    };
    let split = {
        let mut talk = Talk::new(CLIENT, SUITE, NOON);
        let [client, server] = talk.next;
        talk.segment(true, client, 0, SYN, &[]);
        talk.segment(false, server, client + 1, ACK, &[]);
        talk.segment(false, server, 0, SYN, &[]);
        talk.segment(true, client, server + 1, SYN | ACK, &[]);
        talk.next = [client + 1, server + 1];
        after_hello(talk.client(&evil)).close().capture
    };
    let second_syn = {
        let mut talk = opened();
        talk.segment(true, 77_000, 0, SYN, &[]);
        let ack = talk.next[1];
        talk.segment(true, 77_001, ack, PSH | ACK, &meet);
        after_hello(talk.client(&evil)).close().capture
    };
    let extra = {
        let mut talk = Talk::new(CLIENT, SUITE, NOON).syn();
        let client = talk.next[0];
        talk.segment(false, 5_000_000, client, SYN | ACK, &[]);
        let server = talk.next[1];
        talk.segment(false, server, client, SYN | ACK, &[]);
        talk.next[1] = server + 1;
        after_hello(talk.client(&evil)).close().capture
    };
    Court::new().acquits_none(vec![
        ("data in the SYN, taken", with_syn(&evil, true, &[]), EVIL),
        ("a decoy in the SYN, not taken", with_syn(&meet, false, &evil), EVIL),
        ("data in the SYN, sent again", with_syn(&evil, false, &evil), EVIL),
        ("split handshake", split, EVIL),
        ("a second SYN with a decoy", second_syn, EVIL),
        ("two SYN-ACKs", extra, EVIL),
    ]);
}

#[test]
fn r10_a_second_connection_on_the_same_ports_is_judged_by_itself() {
    let first = |end: &str| {
        let talk = opened().tls_inside(MEET);
        match end {
            "fin" => talk.close(),
            "rst" => {
                let mut talk = talk;
                let [seq, ack] = talk.next;
                talk.segment(true, seq, ack, RST | ACK, &[]);
                talk
            }
            _ => talk,
        }
    };
    let court = Court::new();
    for (end, gap) in
        [("fin", MILLI), ("fin", 300 * SECOND), ("rst", MILLI), ("none", MILLI), ("none", SECOND)]
    {
        let first = first(end);
        let mut second = Talk::new(CLIENT, SUITE, first.at + gap);
        second.next = [3_000_000_000, 77];
        let hearing = court.hear(&first.capture.with(&second.tls(EVIL)));
        assert_eq!(
            hearing.verdicts(),
            [Verdict::Conforming, Verdict::Violating],
            "{end}: {}",
            hearing.lines()
        );
    }
    let reopened = opened().tls_inside(MEET).client(&hello(EVIL));
    court.acquits_none(vec![("a second hello", after_hello(reopened).close().capture, EVIL)]);
}

#[test]
fn r10_nothing_added_behind_the_first_connection_hides_the_next_name() {
    let meet = hello(MEET);
    let hidden = |change: &dyn Fn(&mut Forged)| {
        let mut talk = opened().tls_inside(MEET);
        let mut forged = Forged::next_of(&talk);
        change(&mut forged);
        forged.add(&mut talk, &meet);
        after_hello(talk.client(&hello(EVIL))).close().capture
    };
    Court::new().acquits_none(vec![
        ("a SYN", hidden(&|f| (f.flags, f.seq) = (SYN, f.seq + 5)), EVIL),
        ("a reset with text", hidden(&|f| f.flags = RST | ACK), EVIL),
        ("a decoy ahead", hidden(&|f| f.seq += 2_000), EVIL),
        ("a decoy far ahead", hidden(&|f| f.seq = f.seq.wrapping_add(1 << 30)), EVIL),
        ("a decoy behind", hidden(&|f| f.seq -= 300), ""),
        ("a decoy in its place", hidden(&|f| f.ttl = 1), EVIL),
    ]);
}

#[test]
fn r14_what_was_not_seen_is_not_assumed() {
    let (meet, court) = (hello(MEET), Court::new());
    let name_at = meet.windows(4).position(|window| window == b"meet").unwrap();
    let gap = pieces(opened(), &meet, &[(0, name_at), (name_at + 18, 4_000)]);
    let whole = opened().tls_inside(MEET).close().capture;
    let only = |client: bool| {
        let from = Talk::new(CLIENT, SUITE, NOON);
        let mac = crate::support::mac(if client { from.client.ip() } else { from.server.ip() });
        let frames = whole.frames.iter().filter(|(_, frame)| frame[6..12] == mac).cloned().collect();
        Capture { frames }
    };
    let lost_start = Capture { frames: whole.frames[5..].to_vec() };
    let opaque = Capture { frames: only(true).frames.split_off(4) };
    court.acquits_none(vec![
        ("gap in the name", gap, "gap"),
        ("client only", only(true), "one_way"),
        ("server only", only(false), "one_way"),
        ("lost start", lost_start, "midstream"),
        ("opaque one way", opaque, "one_way"),
    ]);
    let cut = court.hear_bytes(&whole.cut_bytes(96), 1);
    assert!(!cut.any(Verdict::Conforming) && cut.lines().contains("snaplen"), "{}", cut.lines());
}

#[test]
fn r14_a_gap_of_eighty_bytes_is_eighty_bytes() {
    let mut talk = opened().tls_inside(MEET);
    talk.next[0] += 80;
    let hearing = Court::new().hear(&talk.client(&record(23, &[3; 200])).close().capture);
    assert!(hearing.lines().contains("\"unseen_bytes\":80,"), "{}", hearing.lines());
}

#[test]
fn r29_a_whole_conversation_played_before_the_real_one_acquits_nothing() {
    let [meet, evil] = [hello(MEET), hello(EVIL)];
    let shown = |cut: usize, late: bool| {
        let mut talk = opened();
        let [client, server] = talk.next;
        // Four packets that never reach their ends, or are taken for others' by them.
        let answer = [record(22, &server_hello()), record(20, &[1]), record(23, &[7; 900])].concat();
        let finished = [record(20, &[1]), record(23, &[8; 64])].concat();
        let after = client + meet.len() as u32;
        talk.segment(true, client, server, PSH | ACK, &meet);
        talk.segment(false, server, after, PSH | ACK, &answer);
        talk.segment(true, after, server + answer.len() as u32, PSH | ACK, &finished);
        if late {
            let ack = after + finished.len() as u32;
            talk.segment(false, server + answer.len() as u32, ack, PSH | ACK, &record(23, &[4; 90]));
        }
        talk.at += SECOND;
        for (place, part) in evil.chunks(cut).enumerate() {
            talk.segment(true, client + (place * cut) as u32, server, PSH | ACK, part);
        }
        answered(talk, evil.len())
    };
    Court::new().acquits_none(vec![
        ("whole", shown(4_000, false), ""),
        ("whole, late", shown(4_000, true), ""),
        ("in halves", shown(100, true), ""),
        ("in pieces", shown(5, false), "overlap_conflict"),
        ("in pieces, late", shown(5, true), "overlap_conflict"),
    ]);
}

/// Listed hello, answer and ciphertext; `then` gets the talk with the numbers of the first data, and goes on.
fn settled(then: &dyn Fn(&mut Talk, [u32; 2])) -> Capture {
    let talk = opened();
    let first = talk.next;
    let mut talk = after_hello(talk.client(&hello(MEET)));
    talk.at += SECOND;
    then(&mut talk, first);
    talk.client(&record(23, &[6; 200])).close().capture
}

#[test]
fn r29_what_repeats_the_first_segments_of_a_settled_flow_is_a_retransmission() {
    let answer = [record(22, &server_hello()), record(20, &[1]), record(23, &[7; 900])].concat();
    let meet = hello(MEET);
    Court::new().acquits_all(vec![
        (
            "the hello",
            settled(&|talk, [client, server]| {
                talk.segment(true, client, server, PSH | ACK, &meet);
            }),
        ),
        (
            "the answer",
            settled(&|talk, [client, server]| {
                talk.segment(false, server, client + meet.len() as u32, PSH | ACK, &answer);
            }),
        ),
        (
            "a keep-alive",
            settled(&|talk, _| {
                let [client, server] = talk.next;
                talk.segment(true, client - 1, server, ACK, &[0]);
            }),
        ),
        (
            "a later record, in other segments",
            settled(&|talk, _| {
                let [client, server] = talk.next;
                talk.segment(true, client, server, PSH | ACK, &record(23, &[6; 200])[..90]);
                talk.segment(true, client + 50, server, PSH | ACK, &record(23, &[6; 200])[50..]);
            }),
        ),
    ]);
}

#[test]
fn r29_nothing_moves_the_first_bytes_of_a_settled_flow_out_of_sight() {
    let (meet, evil) = (hello(MEET), hello(EVIL));
    let pieces = |talk: &mut Talk, [client, server]: [u32; 2], size: usize| {
        for (start, len) in chunks(evil.len(), size) {
            let end = (start + len).min(evil.len());
            talk.segment(true, client + start as u32, server, PSH | ACK, &evil[start..end]);
        }
    };
    let jumps = |count: u32, size: usize| {
        settled(&|talk, first| {
            let [client, server] = talk.next;
            for turn in 1..=count {
                talk.segment(
                    true,
                    client.wrapping_add(turn.wrapping_mul((1 << 30) - 400)),
                    server,
                    PSH | ACK,
                    &[7; 9],
                );
            }
            pieces(talk, first, size);
        })
    };
    let long = {
        let mut talk = opened();
        let first = talk.next;
        talk = talk.client(&meet);
        for _ in 0..90 {
            talk = talk.client(&record(23, &[8; 1_000])).server(&[]);
        }
        pieces(&mut talk, first, 5);
        after_hello(talk).close().capture
    };
    Court::new().acquits_none(vec![
        ("byte by byte", settled(&|talk, first| pieces(talk, first, 1)), "overlap_conflict"),
        ("whole", settled(&|talk, first| pieces(talk, first, 4_000)), EVIL),
        ("two jumps", jumps(2, 5), "overlap_conflict"),
        ("three jumps", jumps(3, 5), "overlap_conflict"),
        ("four jumps", jumps(4, 5), "overlap_conflict"),
        ("five jumps", jumps(5, 5), "overlap_conflict"),
        ("much text before the answer", long, ""),
    ]);
}
