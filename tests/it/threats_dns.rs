//! DNS under attack: THREATS section 5, rows 22, 55, 102, 104.

use sekisho::ground::model::verdict::Verdict;

use crate::{
    court::{Court, MEET, SUITE},
    support::{Capture, MILLI, NOON, SECOND, Talk, datagram, dns},
};

const RESOLVER: &str = "10.20.8.53:5353";
const OUTER: &str = "198.18.0.53:53";

/// A question of the city's resolver and what came back.
fn asked(question: &[u8], answer: &[u8]) -> Capture {
    let mut capture = Capture::new();
    capture.add(NOON, datagram(RESOLVER, OUTER, &[], question));
    capture.add(NOON + MILLI, datagram(OUTER, RESOLVER, &[], answer));
    capture
}

fn over_tcp(messages: &[Vec<u8>], cut: usize) -> Capture {
    let sized = |message: &Vec<u8>| [&(message.len() as u16).to_be_bytes()[..], message].concat();
    let bytes: Vec<u8> = messages.iter().flat_map(sized).collect();
    let mut talk = Talk::new(RESOLVER, OUTER, NOON).open();
    for part in bytes.chunks(cut) {
        talk = talk.client(part);
    }
    talk.close().capture
}

/// A header with these counts, then these bytes.
fn message(flags: u16, counts: [u16; 4], rest: &[u8]) -> Vec<u8> {
    let mut message = vec![0, 7];
    message.extend_from_slice(&flags.to_be_bytes());
    counts.iter().for_each(|count| message.extend_from_slice(&count.to_be_bytes()));
    message.extend_from_slice(rest);
    message
}

fn question(labels: &[&[u8]]) -> Vec<u8> {
    let mut bytes: Vec<u8> =
        labels.iter().flat_map(|label| [&[label.len() as u8][..], label].concat()).collect();
    bytes.extend_from_slice(&[0, 0, 1, 0, 1]);
    bytes
}

#[test]
fn r22_dns_is_judged_by_who_is_asked_and_read_whatever_is_asked() {
    let answer = |name: &str| dns(1, name, Some([198, 18, 20, 1].into()));
    let court = Court::new();
    let fine = asked(&dns(1, "a.lgwan.example", None), &answer("a.lgwan.example"));
    court.acquits_all(vec![("the resolver asks", fine)]);
    let direct = |client: &str, server: &str| {
        let mut capture = Capture::new();
        capture.add(NOON, datagram(client, server, &[], &dns(1, MEET, None)));
        capture.add(NOON + MILLI, datagram(server, client, &[], &answer(MEET)));
        capture
    };
    // DNS over QUIC and over TLS, RFC 9250 and RFC 7858: the outer port says so.
    let mut quic = Capture::new();
    quic.add(NOON, datagram("10.20.1.1:50000", "192.0.2.53:853", &[], &[0xc3; 1_200]));
    quic.add(NOON + 1, datagram("192.0.2.53:853", "10.20.1.1:50000", &[], &[0xc3; 1_200]));
    court.acquits_none(vec![
        ("a host asks outside", direct("10.20.1.1:50000", "192.0.2.53:53"), MEET),
        ("a host asks LGWAN's resolver", direct("10.20.1.1:50000", OUTER), MEET),
        (
            "DNS over TLS",
            Talk::new("10.20.1.1:50000", "192.0.2.53:853", NOON).tls("dns.example"),
            "dns.example",
        ),
        (
            "DNS over HTTPS",
            Talk::new("10.20.1.1:50000", "192.0.2.53:443", NOON).tls("dns.example"),
            "dns.example",
        ),
        ("DNS over QUIC", quic, ""),
        ("no DNS at all", asked(b"GET / HTTP/1.1\r\n\r\n", b"hello to you, and more of it"), ""),
    ]);
}

#[test]
fn r22_r102_odd_messages_are_read_or_counted_and_cost_little() {
    let pointer_loop =
        message(0x8180, [1, 1, 0, 0], &[&question(&[b"a", b"example"])[..], &[0xc0, 26, 0xc0, 26]].concat());
    let itself = message(0x0100, [1, 0, 0, 0], &[0xc0, 12, 0, 1, 0, 1]);
    let counts = message(0x8180, [65_535; 4], &question(&[b"a", b"example"]));
    let two = message(
        0x0100,
        [2, 0, 0, 0],
        &[question(&[b"a", b"example"]), question(&[b"b", b"example"])].concat(),
    );
    let dirty = message(0x0100, [1, 0, 0, 0], &question(&[b"\x1b[31m\r\n<script>", b"\0\xff", b"example"]));
    let option = |number: u16, body: &[u8]| {
        let data = [&number.to_be_bytes()[..], &(body.len() as u16).to_be_bytes(), body].concat();
        [&[0, 0, 41, 0xff, 0xff, 0, 0, 0, 0][..], &(data.len() as u16).to_be_bytes(), &data].concat()
    };
    let with = |additional: u16, records: &[u8]| {
        message(0x0100, [1, 0, 0, additional], &[&question(&[b"a", b"example"])[..], records].concat())
    };
    let cname = message(
        0x8180,
        [1, 1, 0, 0],
        &[&question(&[b"a", b"example"])[..], &[0xc0, 12, 0, 5, 0, 1, 0, 0, 0, 0, 0, 4, 1, b'z', 0xc0, 14]]
            .concat(),
    );
    let tunnel: Vec<u8> = question(&[&[b'q'; 63], &[b'r'; 63], &[b's'; 60], b"t", b"example"]);
    let opt_in_answers =
        message(0x8180, [1, 1, 0, 0], &[question(&[b"a", b"example"]), option(10, &[1; 8])].concat());
    let court = Court::new();
    for (story, question, told) in [
        ("mixed case", dns(1, "wWw.eXaMple", None), "www.example"),
        ("a CNAME with TTL 0", cname, "a.example"),
        ("a loop of pointers", pointer_loop, "a.example"),
        ("a pointer to itself", itself, "dns"),
        ("65,535 of everything", counts, "a.example"),
        ("two questions", two, "b.example"),
        ("dirty labels", dirty, "example"),
        ("a tunnel's name", message(0x0100, [1, 0, 0, 0], &tunnel), "rrrr"),
        ("padding", with(1, &option(12, &[0; 400])), "a.example"),
        ("client subnet", with(1, &option(8, &[0, 1, 24, 0, 10, 20, 1])), "a.example"),
        ("cookie", with(1, &option(10, &[7; 8])), "a.example"),
        ("two OPT", with(2, &[option(10, &[7; 8]), option(12, &[0; 9])].concat()), "a.example"),
        ("OPT among the answers", opt_in_answers, "a.example"),
        ("an unknown opcode", message(0x7900, [1, 0, 0, 0], &question(&[b"a", b"example"])), "dns"),
        ("a dynamic update", message(0x2800, [1, 0, 0, 0], &question(&[b"a", b"example"])), "dns"),
    ] {
        let capture = asked(&question, &dns(1, "a.example", Some([198, 18, 20, 1].into())));
        let hearing = court.hear(&capture);
        assert_eq!(hearing.flows.len(), 1, "{story}");
        assert!(hearing.lines().contains(told), "{story}: {told} is not told in {}", hearing.lines());
        assert!(hearing.lines().bytes().all(|byte| byte == b'\n' || byte >= b' '), "{story}");
    }
    let split = over_tcp(&[dns(1, "a.example", None), dns(2, "b.example", None)], 1);
    let hearing = court.hear(&split);
    assert!(hearing.lines().contains("\"a.example\",\"b.example\""), "{}", hearing.lines());
}

#[test]
fn r55_a_message_full_of_pointers_is_read_to_its_bound_and_no_further() {
    let mut rest = question(&[&[b'a'; 60], &[b'b'; 60], &[b'c'; 60], b"example"]);
    let mut records = 0u16;
    while rest.len() < 65_000 {
        rest.extend_from_slice(&[0xc0, 12, 0, 5, 0, 1, 0, 0, 0, 0, 0, 2, 0xc0, 12]);
        records += 1;
    }
    let heavy = message(0x8180, [1, records, 0, 0], &rest);
    let court = Court::new();
    let hearing = court.hear(&over_tcp(&vec![heavy; 20], 1_400));
    assert_eq!(hearing.flows.len(), 1);
    assert!(hearing.lines().contains("\"app\":\"dns\""), "{}", hearing.lines());
}

#[test]
fn r104_an_outside_name_that_points_inside_opens_nothing() {
    let answer = dns(9, "www.outside.example", Some([10, 10, 1, 1].into()));
    let rebound = asked(&dns(9, "www.outside.example", None), &answer);
    let used = Talk::new("10.30.1.5:50000", "10.10.1.1:443", NOON + SECOND).tls("www.outside.example");
    let told = asked(&dns(9, MEET, None), &dns(9, MEET, Some([192, 0, 2, 7].into())));
    let elsewhere = Talk::new("10.20.1.1:50000", "192.0.2.7:443", NOON + SECOND).tls(MEET);
    let court = Court::new();
    for (capture, name) in [(rebound.with(&used), "www.outside.example"), (told.with(&elsewhere), MEET)] {
        let hearing = court.hear(&capture);
        let tls = hearing.flows.iter().find(|flow| flow.facts.transport.to_string() == "tcp").unwrap();
        assert_eq!(tls.judgement.as_ref().unwrap().verdict, Verdict::Violating, "{}", hearing.lines());
        assert!(hearing.lines().contains(name));
    }
}

#[test]
fn r22_no_answer_of_dns_makes_an_address_a_listed_name() {
    let mut capture = Talk::new("10.20.1.1:50000", SUITE, NOON + SECOND).tls("");
    for (turn, source) in ["10.20.8.53:53", "198.51.100.130:53", "192.0.2.9:53"].into_iter().enumerate() {
        let answer = dns(turn as u16, MEET, Some([198, 51, 100, 130].into()));
        capture.add(NOON + turn as u64, datagram(source, "10.20.1.1:40000", &[], &answer));
    }
    capture.frames.sort_by_key(|(at, _)| *at);
    let hearing = Court::new().hear(&capture);
    let tls = hearing.flows.iter().find(|flow| flow.facts.transport.to_string() == "tcp").unwrap();
    assert_eq!(tls.judgement.as_ref().unwrap().verdict, Verdict::Undecidable, "{}", hearing.lines());
}
