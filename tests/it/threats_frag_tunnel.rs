//! Fragments, tunnels, link layers: THREATS section 5, rows 19, 20, 23, 58.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use sekisho::ground::model::verdict::Verdict;

use crate::{
    city,
    court::{CLIENT, Court, EVIL, MEET, SUITE, answered, hello, opened},
    support::{ACK, Capture, MILLI, NOON, PSH, Talk, addr, datagram, ethernet, ip, ipv4, mac, record, tcp},
};

fn four(ip: IpAddr) -> Ipv4Addr {
    match ip {
        IpAddr::V4(ip) => ip,
        IpAddr::V6(_) => panic!("these ends are of IPv4"),
    }
}

/// One IPv4 fragment: `start` and length in bytes, more to come or not.
fn piece(talk: &Talk, id: u16, start: usize, bytes: &[u8], more: bool) -> Vec<u8> {
    let field = (start / 8) as u16 | if more { 0x2000 } else { 0 };
    let packet = ipv4(four(talk.client.ip()), four(talk.server.ip()), 6, id, 64, field, bytes);
    ethernet(talk.client.ip(), talk.server.ip(), &[], 0x0800, &packet)
}

/// The hello of this name as a TCP segment at the talk's edge.
fn segment(talk: &Talk, name: &str) -> Vec<u8> {
    tcp(talk.client, talk.server, talk.next[0], talk.next[1], PSH | ACK, &hello(name))
}

/// A connection whose hello passes as these fragments: start, end, name whose bytes, more to come.
fn fragmented(pieces: &[(usize, usize, &str, bool)]) -> Capture {
    let mut talk = opened();
    for (start, end, name, more) in pieces {
        let whole = segment(&talk, name);
        let frame = piece(&talk, 77, *start, &whole[*start..(*end).min(whole.len())], *more);
        talk.capture.add(talk.at, frame);
        talk.at += 1_000;
    }
    answered(talk, hello(MEET).len())
}

#[test]
fn r19_a_hello_in_fragments_is_read_whole_and_conflicts_acquit_nothing() {
    let end = 4_000;
    let tiny = |name: &'static str| -> Vec<(usize, usize, &'static str, bool)> {
        let len = 20 + hello(name).len();
        (0..len).step_by(8).map(|start| (start, start + 8, name, start + 8 < len)).collect()
    };
    let court = Court::new();
    court.acquits_all(vec![
        ("in order", fragmented(&[(0, 80, MEET, true), (80, end, MEET, false)])),
        ("reversed", fragmented(&[(80, end, MEET, false), (0, 80, MEET, true)])),
        ("tiny", fragmented(&tiny(MEET))),
    ]);
    court.acquits_none(vec![
        ("forbidden, reversed", fragmented(&[(80, end, EVIL, false), (0, 80, EVIL, true)]), EVIL),
        ("forbidden, tiny", fragmented(&tiny(EVIL)), EVIL),
        (
            "listed first",
            fragmented(&[(80, end, MEET, false), (80, end, EVIL, false), (0, 80, MEET, true)]),
            "frag_overlap",
        ),
        (
            "forbidden first",
            fragmented(&[(80, end, EVIL, false), (80, end, MEET, false), (0, 80, MEET, true)]),
            "frag_overlap",
        ),
        (
            "overlap in the middle",
            fragmented(&[(0, 160, MEET, true), (80, end, EVIL, false)]),
            "frag_overlap",
        ),
        ("missing", fragmented(&[(0, 80, MEET, true)]), "frag_incomplete"),
        (
            "no header in the first",
            fragmented(&[(8, 80, MEET, true), (80, end, MEET, false)]),
            "frag_incomplete",
        ),
    ]);
}

/// The IPv6 twin of the base's LBO channel.
fn six() -> Court {
    let policy = city::changed("ipv6 = \"deny\"", "ipv6 = \"allow\"")
        .replace("cidr = [\"10.20.0.0/16\"]", "cidr = [\"10.20.0.0/16\", \"2001:db8:20::/48\"]")
        .replace("cidr = [\"198.51.100.128/26\"]", "cidr = [\"198.51.100.128/26\", \"2001:db8:f::/64\"]");
    Court::under(&policy)
}

fn six_ends() -> (SocketAddr, SocketAddr) {
    (addr("[2001:db8:20::1]:50000"), addr("[2001:db8:f::130]:443"))
}

/// An IPv6 packet with these extension headers in front of the payload.
fn six_packet(next: u8, payload: &[u8]) -> Vec<u8> {
    let (client, server) = six_ends();
    let (_, packet) = ip(client.ip(), server.ip(), next, 0, 64, payload);
    ethernet(client.ip(), server.ip(), &[], 0x86dd, &packet)
}

fn six_fragment(next: u8, start: usize, more: bool, bytes: &[u8]) -> Vec<u8> {
    let field = (start as u16 / 8 * 8) | u16::from(more);
    six_packet(44, &[&[next, 0][..], &field.to_be_bytes(), &[0, 0, 0, 9], bytes].concat())
}

#[test]
fn r19_extension_headers_and_fragments_of_ipv6_hide_no_name() {
    let (client, server) = six_ends();
    let story = |frames: &dyn Fn(&[u8]) -> Vec<Vec<u8>>, name: &str| {
        let mut talk = Talk::new(&client.to_string(), &server.to_string(), NOON).open();
        let whole = segment(&talk, name);
        for frame in frames(&whole) {
            talk.capture.add(talk.at, frame);
            talk.at += 1_000;
        }
        answered(talk, hello(name).len())
    };
    let plain = |whole: &[u8]| vec![six_packet(6, whole)];
    // Hop-by-hop and destination options of padding only.
    let chain = |whole: &[u8]| {
        vec![six_packet(0, &[&[60, 0, 1, 4, 0, 0, 0, 0, 6, 0, 1, 4, 0, 0, 0, 0][..], whole].concat())]
    };
    let halves =
        |whole: &[u8]| vec![six_fragment(6, 80, false, &whole[80..]), six_fragment(6, 0, true, &whole[..80])];
    let atomic = |whole: &[u8]| vec![six_fragment(6, 0, false, whole)];
    let overlap = |whole: &[u8]| {
        let other = segment(&Talk::new(&client.to_string(), &server.to_string(), NOON).open(), EVIL);
        vec![six_fragment(6, 0, true, &whole[..160]), six_fragment(6, 80, false, &other[80..])]
    };
    // RFC 7112: the first fragment ends inside the header chain.
    let split = |whole: &[u8]| {
        let chained = [&[6, 0, 1, 4, 0, 0, 0, 0][..], whole].concat();
        vec![six_fragment(60, 0, true, &chained[..8]), six_fragment(60, 8, false, &chained[8..])]
    };
    let endless: Vec<u8> = (0..40).flat_map(|_| [60, 0, 1, 4, 0, 0, 0, 0]).collect();
    let many = |whole: &[u8]| vec![six_packet(60, &[&endless[..], whole].concat())];
    let court = six();
    court.acquits_all(vec![
        ("plain", story(&plain, MEET)),
        ("extension headers", story(&chain, MEET)),
        ("fragments", story(&halves, MEET)),
        ("an atomic fragment", story(&atomic, MEET)),
    ]);
    court.acquits_none(vec![
        ("forbidden behind extension headers", story(&chain, EVIL), EVIL),
        ("forbidden in fragments", story(&halves, EVIL), EVIL),
        ("forbidden in an atomic fragment", story(&atomic, EVIL), EVIL),
        ("overlap", story(&overlap, MEET), "frag_overlap"),
        ("header chain over two fragments", story(&split, EVIL), ""),
        ("forty headers", story(&many, EVIL), ""),
    ]);
}

fn outer(from: &str, to: &str, protocol: u8, payload: &[u8]) -> Vec<u8> {
    let (from, to) = (addr(from).ip(), addr(to).ip());
    let (ethertype, packet) = ip(from, to, protocol, 3, 64, payload);
    ethernet(from, to, &[], ethertype, &packet)
}

/// Every frame of a capture put into another packet, there and back.
fn carried(inner: &Capture, wrap: &dyn Fn(bool, &[u8]) -> Vec<u8>) -> Capture {
    let client = mac(addr(CLIENT).ip());
    let frames = inner.frames.iter().map(|(at, frame)| (*at, wrap(frame[6..12] == client, frame))).collect();
    Capture { frames }
}

#[test]
fn r20_a_tunnel_is_judged_by_its_outer_ends_and_what_is_inside_is_named() {
    let inner = Talk::new(CLIENT, SUITE, NOON).tls(EVIL);
    let ends = |up: bool| if up { ("10.20.9.1:0", "192.0.2.9:0") } else { ("192.0.2.9:0", "10.20.9.1:0") };
    let by = |protocol: u8, header: &'static [u8], skip: usize| {
        move |up: bool, frame: &[u8]| {
            let (from, to) = ends(up);
            outer(from, to, protocol, &[header, &frame[skip..]].concat())
        }
    };
    let over_udp = |port: u16, header: &'static [u8], skip: usize| {
        move |up: bool, frame: &[u8]| {
            let (from, to) = ends(up);
            let (from, to) = (from.replace(":0", &format!(":{port}")), to.replace(":0", &format!(":{port}")));
            datagram(&from, &to, &[], &[header, &frame[skip..]].concat())
        }
    };
    let twice = carried(&carried(&inner, &by(47, &[0, 0, 8, 0], 14)), &|_, frame| {
        outer("10.20.9.1:0", "192.0.2.9:0", 4, &frame[14..])
    });
    let deep = |times: usize| {
        (0..times).fold(inner.clone(), |capture, _| {
            carried(&capture, &|up, frame| {
                let (from, to) = ends(up);
                outer(from, to, 4, &frame[14..])
            })
        })
    };
    let alone = |frame: Vec<u8>| Capture { frames: vec![(NOON, frame)] };
    let echo = [&[8, 0, 0, 0, 0, 1, 0, 1][..], &hello(EVIL)].concat();
    let sctp = [
        &50_000u16.to_be_bytes()[..],
        &443u16.to_be_bytes(),
        &[0; 8],
        &[1, 0, 0, 20, 0, 0, 0, 1, 0, 0, 0xff, 0xff, 0, 1, 0, 1, 0, 0, 0, 1],
    ]
    .concat();
    let court = Court::new();
    court.acquits_none(vec![
        ("GRE", carried(&inner, &by(47, &[0, 0, 8, 0], 14)), EVIL),
        ("IP in IP", carried(&inner, &by(4, &[], 14)), EVIL),
        ("VXLAN", carried(&inner, &over_udp(4789, &[8, 0, 0, 0, 0, 0, 7, 0], 0)), EVIL),
        ("GENEVE", carried(&inner, &over_udp(6081, &[0, 0, 0x65, 0x58, 0, 0, 7, 0], 0)), EVIL),
        ("GRE in IP", twice, EVIL),
        ("twelve deep", deep(12), "depth_limit"),
        ("echo", alone(outer("10.20.9.1:0", "192.0.2.9:0", 1, &echo)), ""),
        ("ESP", alone(outer("10.20.9.1:0", "192.0.2.9:0", 50, &[7; 200])), ""),
        ("SCTP", alone(outer("10.20.9.1:0", "192.0.2.9:0", 132, &sctp)), ""),
        ("an unknown protocol", alone(outer("10.20.9.1:0", "192.0.2.9:0", 253, &[7; 60])), ""),
    ]);
    // What is allowed by itself: the way around it is not.
    let listed = Talk::new(CLIENT, SUITE, NOON).tls(MEET);
    for capture in [carried(&listed, &by(47, &[0, 0, 8, 0], 14)), carried(&listed, &by(4, &[], 14))] {
        let hearing = court.hear(&capture);
        let outer: Vec<_> = hearing.flows.iter().filter(|flow| flow.facts.carrier.is_some()).collect();
        assert!(!outer.is_empty());
        assert!(
            outer.iter().all(|flow| flow.judgement.as_ref().unwrap().verdict > Verdict::Undecidable),
            "{}",
            hearing.lines()
        );
    }
}

#[test]
fn r20_ipv6_inside_ipv4_is_seen_and_denied() {
    let (client, server) = six_ends();
    let inner = Talk::new(&client.to_string(), &server.to_string(), NOON).tls(EVIL);
    let up = mac(client.ip());
    let frames = inner.frames.iter().map(|(at, frame)| {
        let (from, to) =
            if frame[6..12] == up { ("10.20.9.1:0", "192.0.2.9:0") } else { ("192.0.2.9:0", "10.20.9.1:0") };
        (*at, outer(from, to, 41, &frame[14..]))
    });
    let sixth = Capture { frames: frames.collect() };
    let teredo = inner
        .frames
        .iter()
        .map(|(at, frame)| (*at, datagram("10.20.9.1:50000", "192.0.2.9:3544", &[], &frame[14..])));
    let teredo = Capture { frames: teredo.collect() };
    Court::new().acquits_none(vec![("6in4", sixth, EVIL), ("Teredo", teredo, "")]);
}

#[test]
fn r23_what_cards_and_mirrors_do_to_packets_changes_no_verdict() {
    let court = Court::new();
    // The sender's card writes checksums later, and glues segments together.
    let offloaded = |name: &str| {
        let mut talk = Talk::new(CLIENT, SUITE, NOON).open().tls_inside(name).close();
        let client = mac(talk.client.ip());
        for (_, frame) in talk.capture.frames.iter_mut().filter(|(_, frame)| frame[6..12] == client) {
            frame[50] ^= 0x5a;
        }
        talk.capture
    };
    let glued = |name: &str, announced: bool| {
        let mut talk = opened();
        let hello = hello(name);
        let bytes = [&hello[..], &record(20, &[1]), &vec![record(23, &[4; 9_000]); 3].concat()].concat();
        let mut frame = {
            let segment = tcp(talk.client, talk.server, talk.next[0], talk.next[1], PSH | ACK, &bytes);
            let (ethertype, packet) = ip(talk.client.ip(), talk.server.ip(), 6, 5, 64, &segment);
            ethernet(talk.client.ip(), talk.server.ip(), &[], ethertype, &packet)
        };
        if !announced {
            frame[16..18].copy_from_slice(&[0, 0]);
        }
        talk.capture.add(talk.at, frame);
        talk.at += MILLI;
        answered(talk, bytes.len())
    };
    let tagged = |tags: &[u16], name: &str| {
        let mut capture = Talk::new(CLIENT, SUITE, NOON).tls(name);
        for (_, frame) in &mut capture.frames {
            let tags: Vec<u8> =
                tags.iter().flat_map(|tag| [&[0x81, 0][..], &tag.to_be_bytes()].concat()).collect();
            frame.splice(12..12, tags);
        }
        capture
    };
    let trailed = |name: &str| {
        let mut capture = Talk::new(CLIENT, SUITE, NOON).tls(name);
        capture.frames.iter_mut().for_each(|(_, frame)| frame.extend_from_slice(&hello(MEET)));
        capture
    };
    let doubled = |name: &str| {
        let once = Talk::new(CLIENT, SUITE, NOON).tls(name);
        let again =
            Capture { frames: once.frames.iter().map(|(at, frame)| (at + 900, frame.clone())).collect() };
        once.with(&again)
    };
    let ways = |name: &str| {
        vec![
            ("checksums of the card", offloaded(name)),
            ("29 kB at once", glued(name, true)),
            ("29 kB, length 0", glued(name, false)),
            ("two tags", tagged(&[120, 120], name)),
            ("three tags", tagged(&[120, 120, 120], name)),
            ("a trailer", trailed(name)),
            ("duplicates", doubled(name)),
        ]
    };
    court.acquits_all(ways(MEET));
    court.acquits_none(ways(EVIL).into_iter().map(|(story, capture)| (story, capture, EVIL)).collect());
    court.acquits_none(vec![("another segment's tag", tagged(&[110], MEET), "vlan_segment_mismatch")]);
}

#[test]
fn r58_ten_thousand_layers_are_a_loop_with_an_end() {
    let inner = Talk::new(CLIENT, SUITE, NOON).tls(EVIL).frames[3].1.clone();
    let (from, to) = (addr("10.20.9.1:0").ip(), addr("192.0.2.9:0").ip());
    let nested = |times: usize| {
        (0..times).fold(inner[14..].to_vec(), |packet, _| ipv4(four(from), four(to), 4, 3, 64, 0, &packet))
    };
    let frame = |ethertype: u16, packet: &[u8]| ethernet(from, to, &[], ethertype, packet);
    let tags: Vec<u8> = (0..10_000).flat_map(|_| [0x81, 0, 0, 120]).collect();
    let labels: Vec<u8> = (0..10_000).flat_map(|_| [0, 1, 0, 64]).collect();
    let gre = (0..2_000).fold(inner[14..].to_vec(), |packet, _| {
        ipv4(four(from), four(to), 47, 3, 64, 0, &[&[0, 0, 8, 0][..], &packet].concat())
    });
    let mut tagged = frame(0x0800, &inner[14..]);
    tagged.splice(12..12, tags);
    let court = Court::new();
    for (story, bytes) in [
        ("IP in IP", frame(0x0800, &nested(3_000))),
        ("GRE", frame(0x0800, &gre)),
        ("tags", tagged),
        ("MPLS", frame(0x8847, &[&labels[..], &[0, 1, 1, 64], &inner[14..]].concat())),
    ] {
        let hearing = court.hear(&Capture { frames: vec![(NOON, bytes)] });
        assert!(!hearing.any(Verdict::Conforming), "{story}: {}", hearing.lines());
    }
}
