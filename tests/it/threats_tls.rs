//! TLS under attack: THREATS section 5, rows 3, 5, 6, 13, 21, 57, 103.

use sekisho::ground::model::verdict::Verdict;

use crate::{
    city,
    court::{CLIENT, Court, EVIL, MEET, after_hello, hello, opened},
    support::{ACK, Capture, NOON, PSH, Talk, client_hello, record, server_hello},
};

fn says(bytes: &[u8]) -> Capture {
    after_hello(opened().client(bytes)).close().capture
}

/// A hello without a name of its own and with these extensions.
fn with_extensions(more: &[(u16, Vec<u8>)]) -> Capture {
    says(&record(22, &client_hello("", more)))
}

fn sized(bytes: &[u8]) -> Vec<u8> {
    [&(bytes.len() as u16).to_be_bytes()[..], bytes].concat()
}

/// The body of a server_name extension with these entries, RFC 6066 section 3.
fn server_names(entries: &[(u8, &[u8])]) -> Vec<u8> {
    sized(&entries.iter().flat_map(|(kind, name)| [vec![*kind], sized(name)].concat()).collect::<Vec<_>>())
}

#[test]
fn r03_a_hello_in_many_records_tells_its_name_or_the_limit() {
    let in_records = |message: &[u8], size: usize| -> Vec<u8> {
        message.chunks(size).flat_map(|part| record(22, part)).collect()
    };
    let between = |message: &[u8], kind: u8, body: &[u8]| {
        let half = message.len() / 2;
        [record(22, &message[..half]), record(kind, body), record(22, &message[half..])].concat()
    };
    let padding = |len: usize| vec![(21, vec![0; len])];
    let grown = |name: &str| in_records(&client_hello(name, &padding(17_000)), 16_000);
    let behind = |name: &str| {
        let more = [(21, vec![0; 30_000]), (0, server_names(&[(0, name.as_bytes())]))];
        in_records(&client_hello("", &more), 16_000)
    };
    let court = Court::new();
    let ways = |name: &str| {
        let message = client_hello(name, &[]);
        vec![
            ("records of one byte", says(&in_records(&message, 1))),
            ("records of 40 bytes", says(&in_records(&message, 40))),
            ("17 kB", says(&grown(name))),
            ("behind 30 kB", says(&behind(name))),
        ]
    };
    court.acquits_all(ways(MEET));
    for (story, capture) in ways(EVIL) {
        let hearing = court.hear(&capture);
        assert_eq!(hearing.verdicts(), [Verdict::Violating], "{story}: {}", hearing.lines());
        assert!(hearing.lines().contains(EVIL), "{story}");
    }
    let evil = client_hello(EVIL, &[]);
    let beyond = in_records(
        &client_hello("", &[(21, vec![0; 60_000]), (0, server_names(&[(0, EVIL.as_bytes())]))]),
        9_000,
    );
    court.acquits_none(vec![
        ("a cipher change between", says(&between(&evil, 20, &[1])), ""),
        ("an alert between", says(&between(&evil, 21, &[1, 0])), ""),
        ("behind 60 kB", says(&beyond), ""),
    ]);
}

#[test]
fn r05_a_name_that_is_covered_empty_or_absent_is_not_the_listed_one() {
    // RFC 9849: outer hello, then its parts; the bytes are not read.
    let ech = [&[0, 0, 1, 0, 1, 7][..], &sized(&[3; 32]), &sized(&[4; 144])].concat();
    let outer =
        |extension: u16, body: &[u8]| says(&record(22, &client_hello(MEET, &[(extension, body.to_vec())])));
    // SSL 2.0 client hello, RFC 6101 appendix E, speaking TLS 1.0.
    let version_two = [&[0x80, 0x1c, 1, 3, 1, 0, 3, 0, 0, 0, 16, 0, 0, 0x2f][..], &[9; 16]].concat();
    Court::new().acquits_none(vec![
        ("ECH", outer(0xfe0d, &ech), "ech_outer_only"),
        ("an ECH that is no ECH", outer(0xfe0d, &[1, 2, 3]), ""),
        ("ESNI", outer(0xffce, &[0x13, 1, 0, 29, 0, 2, 7, 7]), "ech_outer_only"),
        ("no name", with_extensions(&[]), "no_sni"),
        ("an empty name", with_extensions(&[(0, server_names(&[(0, b"")]))]), ""),
        ("an empty list", with_extensions(&[(0, sized(&[]))]), ""),
        ("an address for a name", with_extensions(&[(0, server_names(&[(0, b"198.51.100.130")]))]), ""),
        ("SSL 2.0", says(&version_two), ""),
    ]);
}

#[test]
fn r06_only_the_listed_name_as_a_whole_is_the_listed_name() {
    let (meet, evil) = (MEET.as_bytes(), EVIL.as_bytes());
    let named = |entries: &[(u8, &[u8])]| with_extensions(&[(0, server_names(entries))]);
    let one = |name: &[u8]| named(&[(0, name)]);
    let raw = |body: &[u8]| with_extensions(&[(0, body.to_vec())]);
    let long = [&[b'a'; 300][..], b".", meet].concat();
    let claims_more = {
        let mut body = server_names(&[(0, meet)]);
        body[4] += 9;
        body
    };
    let claims_less = [&sized(&[&[0][..], &sized(meet)].concat())[..], &[0], &sized(evil)].concat();
    let list_too_long = [&[0, 90][..], &[0], &sized(meet)].concat();
    let court = Court::new();
    court.acquits_all(vec![
        ("capitals", one(b"MEET.Cloud.EXAMPLE")),
        ("a dot at the end", one(b"meet.cloud.example.")),
        ("the other listed name", one(b"chat.cloud.example")),
    ]);
    court.acquits_none(vec![
        ("listed, then forbidden", named(&[(0, meet), (0, evil)]), EVIL),
        ("forbidden, then listed", named(&[(0, evil), (0, meet)]), EVIL),
        (
            "two extensions",
            with_extensions(&[(0, server_names(&[(0, meet)])), (0, server_names(&[(0, evil)]))]),
            EVIL,
        ),
        ("another type first", named(&[(1, meet), (0, evil)]), EVIL),
        ("only another type", named(&[(1, meet)]), ""),
        ("NUL", one(b"meet.cloud.example\0.evil.example"), "sni_malformed"),
        ("NUL at the end", one(b"meet.cloud.example\0"), "sni_malformed"),
        ("more in front", one(b"notmeet.cloud.example"), "notmeet"),
        ("more behind", one(b"meet.cloud.example.evil.example"), "evil"),
        ("a level above", one(b"a.meet.cloud.example"), "a.meet"),
        ("a space", one(b"meet.cloud.example "), "sni_malformed"),
        ("two dots at the end", one(b"meet.cloud.example.."), "sni_malformed"),
        ("a port", one(b"meet.cloud.example:443"), "sni_malformed"),
        ("wide letters", one("meet\u{ff0e}cloud.example".as_bytes()), "sni_malformed"),
        ("punycode", one(b"xn--meet-5na.cloud.example"), "xn--"),
        ("overlong", one(&long), "sni_malformed"),
        ("a length beyond the list", raw(&claims_more), ""),
        ("a list shorter than its extension", raw(&claims_less), ""),
        ("a list longer than its extension", raw(&list_too_long), ""),
    ]);
}

#[test]
fn r13_a_second_hello_or_a_false_server_takes_the_acquittal_back() {
    let court = Court::new();
    // HelloRetryRequest: the ServerHello with the fixed random of RFC 8446 section 4.1.3.
    let mut retry = server_hello();
    let random = [
        0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11, 0xbe, 0x1d, 0x8c, 0x02, 0x1e, 0x65, 0xb8, 0x91, 0xc2,
        0xa2, 0x11, 0x16, 0x7a, 0xbb, 0x8c, 0x5e, 0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c,
    ];
    retry[6..38].copy_from_slice(&random);
    let retried = |first: &str, second: &str| {
        let talk = opened().client(&hello(first)).server(&record(22, &retry)).client(&hello(second));
        after_hello(talk).close().capture
    };
    let cover =
        |bytes: &[u8]| opened().client(&hello(MEET)).server(bytes).client(&[9; 300]).server(&[3; 900]);
    let elsewhere = Talk::new(CLIENT, "192.0.2.7:443", NOON).tls(MEET);
    court.acquits_all(vec![("a retry of the same name", retried(MEET, MEET))]);
    court.acquits_none(vec![
        ("another name after the retry", retried(MEET, EVIL), EVIL),
        ("the listed name after the retry", retried(EVIL, MEET), EVIL),
        ("a server that speaks SSH", cover(b"SSH-2.0-x\r\n").close().capture, ""),
        ("a server that speaks nothing known", cover(&[0x55; 700]).close().capture, ""),
        ("the listed name elsewhere", elsewhere, "SK-B05"),
    ]);
}

#[test]
fn r21_another_protocol_on_the_port_is_not_what_was_allowed() {
    let talk = |first: &[u8], second: &[u8]| {
        let talk = opened();
        let talk = if first.is_empty() { talk } else { talk.client(first) };
        let talk = if second.is_empty() { talk } else { talk.server(second) };
        talk.close().capture
    };
    // RFC 2385-like noise of fixed bytes, high in entropy and of no protocol.
    let random: Vec<u8> = (0..600u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 11) as u8 | 0x80).collect();
    let rdp = [3, 0, 0, 19, 14, 0xe0, 0, 0, 0, 0, 0, 1, 0, 8, 0, 3, 0, 0, 0];
    let relay = |bytes: &[u8]| {
        Talk::new("10.10.9.10:50000", "198.18.10.5:443", NOON)
            .open()
            .client(bytes)
            .server(bytes)
            .close()
            .capture
    };
    let from_server = opened().server(&hello(MEET)).client(&record(22, &server_hello())).close().capture;
    let mail = Talk::new("10.20.1.1:50000", "198.51.100.130:25", NOON)
        .open()
        .server(b"220 x ESMTP\r\n")
        .client(b"EHLO a.example\r\n")
        .server(b"250-x\r\n250 STARTTLS\r\n")
        .client(b"STARTTLS\r\n")
        .server(b"220 go\r\n");
    let mail = after_hello(mail.client(&hello(MEET))).close().capture;
    let silent = Talk::new(CLIENT, "198.18.200.1:443", NOON).syn().capture;
    Court::new().acquits_none(vec![
        ("SSH", talk(b"SSH-2.0-a\r\n", b"SSH-2.0-b\r\n"), ""),
        ("SSH, address only", relay(b"SSH-2.0-a\r\n"), "not_the_expected_protocol"),
        ("RDP", talk(&rdp, &rdp), ""),
        ("RDP, address only", relay(&rdp), "not_the_expected_protocol"),
        ("noise", talk(&random, &random), ""),
        ("noise, address only", relay(&random), "not_the_expected_protocol"),
        ("TLS on port 22", Talk::new(CLIENT, "198.51.100.130:22", NOON).tls(MEET), ""),
        ("TLS on port 80", Talk::new(CLIENT, "198.51.100.130:80", NOON).tls(MEET), ""),
        ("STARTTLS", mail, ""),
        ("a hello from the server", from_server, ""),
        ("nothing said", talk(&[], &[]), ""),
        ("a SYN to LGWAN", silent, ""),
    ]);
}

#[test]
fn r57_strange_bytes_in_alpn_are_told_escaped_and_stop_nothing() {
    let alpn = |bytes: &[u8]| (16, sized(&[&[bytes.len() as u8][..], bytes].concat()));
    let court = Court::new();
    for bytes in [&[0xff; 8][..], &[0xff], &[0x00, 0x41], "日本".as_bytes(), &[]] {
        for name in [MEET, EVIL] {
            let message = client_hello("", &[alpn(bytes), (0, server_names(&[(0, name.as_bytes())]))]);
            let hearing = court.hear(&says(&record(22, &message)));
            assert!(hearing.lines().contains(name), "{}", hearing.lines());
            assert!(hearing.lines().bytes().all(|byte| byte == b'\n' || byte >= b' '));
            assert!(name == MEET || !hearing.any(Verdict::Conforming), "{}", hearing.lines());
        }
    }
}

#[test]
fn r103_a_resumed_connection_is_named_by_its_hello_and_shows_no_certificate() {
    let identity = [&sized(&[6; 64])[..], &[0, 0, 0, 9]].concat();
    let binder = [&[32][..], &[7; 32]].concat();
    let psk = [sized(&identity), sized(&binder)].concat();
    let resumed = |name: &str| {
        let mut talk =
            opened().client(&record(22, &client_hello(name, &[(42, Vec::new()), (41, psk.clone())])));
        let [seq, ack] = talk.next;
        let early = record(23, &[5; 200]);
        talk.segment(true, seq, ack, PSH | ACK, &early);
        talk.next[0] += early.len() as u32;
        after_hello(talk).close().capture
    };
    let policy = city::changed(
        "fqdn = [\"meet.cloud.example\", \"chat.cloud.example\"]",
        "fqdn = [\"meet.cloud.example\", \"chat.cloud.example\"]\ncert_names = [\"*.cloud.example\"]",
    );
    let court = Court::under(&policy);
    court.acquits_all(vec![("listed", resumed(MEET))]);
    court.acquits_none(vec![("forbidden", resumed(EVIL), EVIL)]);
    let hearing = court.hear(&resumed(MEET));
    assert!(hearing.lines().contains("\"cert_names\":[]"), "{}", hearing.lines());
    assert!(!hearing.lines().contains("\"grade\":\"G4\""), "{}", hearing.lines());
}
