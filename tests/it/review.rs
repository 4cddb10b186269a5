//! Stories in which something that the verdict rests on is missing or contradicts: none of them may conform.

use std::net::Ipv4Addr;

use crate::{
    city::{self, BASE},
    support::{
        ACK, Audit, Bench, Capture, MILLI, NOON, PSH, SECOND, Talk, addr, datagram, ethernet, ip, ipv4,
        record, tcp,
    },
};

#[track_caller]
fn judged(audit: &Audit, client: u16, server: u16, verdict: &str, cause: &str) {
    assert_eq!(audit.verdict(client, server), verdict, "{:#}", audit.flow(client, server));
    let causes = audit.causes(client, server);
    assert!(cause.is_empty() || causes.contains(&cause), "{cause} is not among {causes:?}");
}

/// One more channel from the LGWAN segment to the log server; `more` adds to it.
fn channel(services: &str, more: &str) -> String {
    city::with(&format!(
        "[[channels]]\nid = \"c-extra\"\nfrom = [\"lg\"]\nto = [\"bd-log\"]\nservices = [{services}]\n\
         kind = \"normal\"\npurpose_ja = \"x\"\nclause = \"x\"\napproval = \"x\"\n{more}\n"
    ))
}

const GARBAGE: &[u8] = b"\xee\xee\xee\xee this is no record \xee\xee\xee\xee";

#[test]
fn a_protocol_that_the_channel_names_and_that_breaks_off_is_not_that_protocol() {
    let broken = || {
        let talk = Talk::new("10.20.1.1:50000", "10.40.0.51:9443", NOON).open().tls_inside("a.example");
        let requests = Talk::new("10.20.1.1:50001", "10.40.0.51:9080", NOON)
            .open()
            .client(b"GET / HTTP/1.1\r\nHost: log.example\r\n\r\n")
            .server(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
            .client(GARBAGE)
            .server(GARBAGE);
        talk.close().capture.with(&requests.close().capture)
    };
    let named = |app: &str, port: u16| channel(&format!("\"tcp/{port}\""), &format!("app = \"{app}\""));
    judged(&Bench::new().audit(&named("tls", 9443), &broken()), 50_000, 9443, "conforming", "");
    let audit = Bench::new().audit(&named("http", 9080), &broken());
    judged(&audit, 50_001, 9080, "undecidable", "not_the_expected_protocol");
}

#[test]
fn any_protocol_is_not_any_encryption() {
    let policy = channel("\"tcp/9443\"", "app = \"any\"\napp_reason_ja = \"x\"\nencrypt = \"required\"");
    let hello = crate::support::client_hello("a.example", &[]);
    let broken = Talk::new("10.20.1.1:50000", "10.40.0.51:9443", NOON)
        .open()
        .client(&record(22, &hello))
        .server(&record(22, &crate::support::server_hello()))
        .client(GARBAGE)
        .server(GARBAGE)
        .close()
        .capture;
    let audit = Bench::new().audit(&policy, &broken);
    judged(&audit, 50_000, 9443, "undecidable", "not_the_expected_protocol");
}

fn ping(from: &str, to: &str) -> Capture {
    let (from, to) = (addr(from).ip(), addr(to).ip());
    let mut capture = Capture::new();
    for (turn, (source, target, kind)) in [(from, to, 8u8), (to, from, 0)].into_iter().enumerate() {
        let mut message = vec![kind, 0, 0, 0, 0, 1, 0, 1];
        let sum: u32 = message.chunks(2).map(|pair| u32::from(pair[0]) << 8 | u32::from(pair[1])).sum();
        message[2..4].copy_from_slice(&(!(sum as u16)).to_be_bytes());
        let (ethertype, packet) = ip(source, target, 1, turn as u16, 64, &message);
        capture.add(NOON + turn as u64 * MILLI, ethernet(source, target, &[], ethertype, &packet));
    }
    capture
}

#[test]
fn the_free_port_of_a_proxy_is_free_for_what_is_asked_of_it_and_nothing_else() {
    let policy = BASE.replacen(
        "[[hosts]]\nid = \"in-proxy\"\nsegment = \"in\"\naddr = [\"10.30.8.80\"]",
        "[[hosts]]\nid = \"in-proxy\"\nsegment = \"bd\"\naddr = [\"10.40.0.80\"]",
        1,
    );
    let shell = Talk::new("10.30.1.5:50000", "10.40.0.80:22", NOON)
        .open()
        .server(b"SSH-2.0-OpenSSH_9.2\r\n")
        .client(b"SSH-2.0-OpenSSH_9.2\r\n")
        .close()
        .capture;
    let mut capture = shell.with(&ping("10.30.1.6:0", "10.40.0.80:0"));
    let question =
        datagram("10.30.1.7:50002", "10.40.0.80:53", &[], &crate::support::dns(1, "a.example", None));
    let answer = crate::support::dns(1, "a.example", Some(Ipv4Addr::new(192, 0, 2, 1)));
    capture.add(NOON, question).add(NOON + MILLI, datagram("10.40.0.80:53", "10.30.1.7:50002", &[], &answer));
    let request = b"CONNECT www.example:443 HTTP/1.1\r\nHost: www.example:443\r\n\r\n";
    let proxied = Talk::new("10.30.1.5:50003", "10.40.0.80:3128", NOON)
        .open()
        .client(request)
        .server(b"HTTP/1.1 200 OK\r\n\r\n")
        .tls_inside("www.example")
        .close()
        .capture;
    let audit = Bench::new().audit(&policy, &capture.with(&proxied));
    judged(&audit, 50_003, 3128, "conforming", "");
    judged(&audit, 50_000, 22, "violating", "");
    judged(&audit, 50_002, 53, "violating", "");
    let icmp = audit.flows.iter().find(|flow| flow["client_ip"] == "10.30.1.6").unwrap();
    assert_eq!(icmp["verdict"], "violating", "{icmp:#}");
}

#[test]
fn encryption_that_is_required_must_be_seen_inside_a_tunnel_too() {
    let policy = BASE.replacen(
        "services = [\"tcp/8080\"]\nkind = \"normal\"\npurpose_ja = \"Web閲覧\"",
        "services = [\"tcp/8080\"]\nencrypt = \"required\"\nkind = \"normal\"\npurpose_ja = \"Web閲覧\"",
        1,
    );
    let tunnel = |client: u16, inside: &dyn Fn(Talk) -> Talk| {
        let talk = Talk::new(&format!("10.30.1.5:{client}"), "10.30.8.80:8080", NOON)
            .open()
            .client(b"CONNECT www.example:9443 HTTP/1.1\r\nHost: www.example:9443\r\n\r\n")
            .server(b"HTTP/1.1 200 OK\r\n\r\n");
        inside(talk).close().capture
    };
    let secret = tunnel(50_000, &|talk| talk.tls_inside("www.example"));
    let opaque = tunnel(50_001, &|talk| talk.client(&[0xee; 2_000]).server(&[0xdd; 2_000]));
    let silent = tunnel(50_002, &|talk| talk);
    let audit = Bench::new().audit(&policy, &secret.with(&opaque).with(&silent));
    judged(&audit, 50_000, 8080, "conforming", "");
    judged(&audit, 50_001, 8080, "undecidable", "not_the_expected_protocol");
    assert_ne!(audit.verdict(50_002, 8080), "conforming", "{:#}", audit.flow(50_002, 8080));
}

#[test]
fn what_crosses_segments_is_never_out_of_scope_whatever_the_defaults_say() {
    let policy = city::changed("inter_segment = \"deny\"", "inter_segment = \"observe\"");
    let audit =
        Bench::new().audit(&policy, &Talk::new("10.20.1.1:50000", "10.40.0.77:9999", NOON).tls("a.example"));
    judged(&audit, 50_000, 9999, "undecidable", "ambiguous_channel");
}

#[test]
fn a_packet_that_tells_routers_another_way_does_not_end_at_its_target() {
    let (from, to) = (addr("10.20.1.1:50001"), addr("10.40.0.51:9443"));
    let policy = channel("\"tcp/9443\"", "");
    let mut talk = Talk::new("10.20.1.1:50001", "10.40.0.51:9443", NOON).open();
    let [seq, ack] = talk.next;
    let segment = tcp(from, to, seq, ack, PSH | ACK, b"hello");
    let (Ok(source), Ok(target)) = (from.ip().to_string().parse(), to.ip().to_string().parse()) else {
        panic!()
    };
    // Loose source route (RFC 791): one more hop, 192.0.2.7, and a no-operation to fill the word.
    let options = [131u8, 7, 4, 192, 0, 2, 7, 1];
    let plain = ipv4(source, target, 6, 77, 64, 0, &segment);
    let mut packet = plain[..20].to_vec();
    packet[0] = 0x47;
    packet[2..4].copy_from_slice(&((plain.len() + 8) as u16).to_be_bytes());
    packet[10..12].copy_from_slice(&[0, 0]);
    packet.extend_from_slice(&options);
    let sum = packet.chunks(2).map(|pair| u32::from(pair[0]) << 8 | u32::from(pair[1])).sum::<u32>();
    let sum = (sum & 0xffff) + (sum >> 16);
    packet[10..12].copy_from_slice(&(!(sum as u16)).to_be_bytes());
    packet.extend_from_slice(&plain[20..]);
    talk.capture.add(talk.at, ethernet(from.ip(), to.ip(), &[], 0x0800, &packet));
    talk.at += MILLI;
    talk.next[0] += 5;
    let capture = talk.server(b"hello").close().capture;
    let audit = Bench::new().audit(&policy, &capture);
    assert_ne!(audit.verdict(50_001, 9443), "conforming", "{:#}", audit.flow(50_001, 9443));
}

#[test]
fn bytes_that_were_lost_and_acknowledged_count_for_the_limits_of_volume() {
    let policy = channel("\"tcp/9443\"", "max_up_per_flow = 10000");
    let mut talk = Talk::new("10.20.1.1:50000", "10.40.0.51:9443", NOON).open().client(&[1; 1_000]);
    talk.next[0] += 50_000;
    let lost = talk.client(&[2; 1_000]).server(b"ok").close().capture;
    let audit = Bench::new().audit(&policy, &lost);
    judged(&audit, 50_000, 9443, "undecidable", "limit_exceeded");
}

#[test]
fn a_connection_whose_opening_was_not_seen_did_not_surely_open_in_its_hours() {
    let policy = channel("\"tcp/9080\"", "hours = \"08:00-17:00\"");
    let whole = Talk::new("10.20.1.1:50000", "10.40.0.51:9080", NOON).open();
    let mut part = whole.clone();
    part.capture = Capture::new();
    let talk = |talk: Talk| {
        talk.client(b"GET / HTTP/1.1\r\nHost: log.example\r\n\r\n")
            .server(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
            .close()
            .capture
    };
    judged(&Bench::new().audit(&policy, &talk(whole)), 50_000, 9080, "conforming", "");
    judged(&Bench::new().audit(&policy, &talk(part)), 50_000, 9080, "undecidable", "midstream");
}

#[test]
fn a_vlan_of_a_third_segment_fits_no_end_that_declares_none() {
    let policy = BASE.replacen("cidr = [\"10.40.0.0/24\"]\nvlan = [140]", "cidr = [\"10.40.0.0/24\"]", 1)
        + "[[channels]]\nid = \"c-extra\"\nfrom = [\"lg\"]\nto = [\"bd-log\"]\nservices = [\"tcp/9443\"]\n\
           kind = \"normal\"\npurpose_ja = \"x\"\nclause = \"x\"\napproval = \"x\"\n";
    let flow = |client: u16, vlan: u16| {
        Talk::new(&format!("10.20.1.1:{client}"), "10.40.0.51:9443", NOON).vlan(vlan).tls("a.example")
    };
    let audit =
        Bench::new().audit(&policy, &flow(50_000, 120).with(&flow(50_001, 130)).with(&flow(50_002, 999)));
    judged(&audit, 50_000, 9443, "conforming", "");
    judged(&audit, 50_002, 9443, "conforming", "");
    judged(&audit, 50_001, 9443, "undecidable", "vlan_segment_mismatch");
}

#[test]
fn a_header_of_a_handshake_is_no_handshake() {
    // A handshake record that announces a certificate of 200 kB; what follows is anything.
    let head = |len: usize| {
        let mut message = vec![11, 3, 0, 0];
        message.extend(vec![0xee; len]);
        record(22, &message)
    };
    let capture = Talk::new("10.10.9.10:50000", "198.18.10.5:443", NOON)
        .open()
        .client(&head(3_000))
        .server(&head(3_000))
        .client(&record(22, &[0xee; 3_000]))
        .close()
        .capture;
    let audit = Bench::new().audit(BASE, &capture);
    judged(&audit, 50_000, 443, "undecidable", "not_the_expected_protocol");
}

#[test]
fn a_refusal_is_the_end_and_nothing_after_it_is_covered_by_it() {
    let hello = crate::support::client_hello("a.example", &[]);
    let capture = Talk::new("10.10.9.10:50000", "198.18.10.5:443", NOON)
        .open()
        .client(&record(22, &hello))
        .server(&record(21, &[2, 40]))
        .client(&record(21, &[1, 0]))
        .client(&[record(20, &[1]), record(22, &[0xee; 3_000])].concat())
        .server(&[record(20, &[1]), record(22, &[0xdd; 9_000])].concat())
        .close()
        .capture;
    let audit = Bench::new().audit(BASE, &capture);
    assert_ne!(audit.verdict(50_000, 443), "conforming", "{:#}", audit.flow(50_000, 443));
}

#[test]
fn esp_and_icmp_are_not_encrypted_by_their_look() {
    let policy = channel("\"ip/50\", \"icmp\"", "encrypt = \"required\"");
    let mut capture = ping("10.20.1.6:0", "10.40.0.51:0");
    for (turn, forth) in [true, false].into_iter().enumerate() {
        let (from, to) =
            if forth { ("10.20.1.1:0", "10.40.0.51:0") } else { ("10.40.0.51:0", "10.20.1.1:0") };
        let (from, to) = (addr(from).ip(), addr(to).ip());
        let (ethertype, packet) = ip(from, to, 50, turn as u16, 64, &[9; 64]);
        capture.add(NOON + 200 * SECOND + turn as u64 * MILLI, ethernet(from, to, &[], ethertype, &packet));
    }
    let audit = Bench::new().audit(&policy, &capture);
    for flow in &audit.flows {
        assert_ne!(flow["verdict"], "conforming", "{flow:#}");
    }
    assert_eq!(audit.flows.len(), 2);
}

#[test]
fn a_sender_that_is_no_host_is_unknown_and_not_out_of_scope() {
    let mut capture = Capture::new();
    for (turn, sender) in
        ["0.0.0.0:50000", "224.0.0.1:50001", "255.255.255.255:50002"].into_iter().enumerate()
    {
        capture.add(NOON + turn as u64, datagram(sender, "192.0.2.7:5000", &[110], b"a secret"));
    }
    capture.add(NOON + 9, datagram("0.0.0.0:68", "255.255.255.255:67", &[110], b"who am I"));
    let audit = Bench::new().audit(BASE, &capture);
    for flow in &audit.flows {
        let expected = if flow["server_port"] == 67 || flow["client_port"] == 67 {
            "out-of-scope"
        } else {
            "undecidable"
        };
        assert_eq!(flow["verdict"], expected, "{flow:#}");
    }
}

#[test]
fn an_error_that_does_not_go_back_to_its_sender_is_a_flow_of_its_own() {
    let known = Talk::new("10.20.1.1:50000", "10.40.0.20:443", NOON).tls("a.example");
    // Destination unreachable, sent to the internet, quoting a packet of the flow above.
    let quoted = &known.frames[3].1[14..42];
    let mut message = vec![3, 1, 0, 0, 0, 0, 0, 0];
    message.extend_from_slice(quoted);
    let (from, to) = (addr("10.10.1.1:0").ip(), addr("192.0.2.7:0").ip());
    let (ethertype, packet) = ip(from, to, 1, 7, 64, &message);
    let mut capture = known;
    capture.add(NOON + SECOND, ethernet(from, to, &[], ethertype, &packet));
    let audit = Bench::new().audit(BASE, &capture);
    judged(&audit, 50_000, 443, "conforming", "");
    let error = audit.flows.iter().find(|flow| flow["proto"] == "icmp").unwrap();
    assert!(
        ["violating", "attempted", "undecidable"].contains(&error["verdict"].as_str().unwrap()),
        "{error:#}"
    );
    assert_eq!(audit.flows.len(), 2);
}

#[test]
fn whoever_answers_an_echo_did_not_ask() {
    let policy = channel("\"icmp\"", "");
    let both = ping("10.20.1.6:0", "10.40.0.51:0");
    let judged = |capture: &Capture| Bench::new().audit(&policy, capture).flows[0]["verdict"].clone();
    assert_eq!(judged(&both), "conforming");
    let mut turned = ping("10.40.0.51:0", "10.20.1.6:0");
    let asked = turned.frames.remove(0);
    let later = asked.0 + 10 * MILLI;
    turned.add(later, asked.1);
    // The other end asked; the first thing in the capture is the answer.
    assert_eq!(judged(&turned), "violating");
}

#[test]
fn an_address_written_as_a_number_is_no_name_outside() {
    let asked = |client: u16, host: &str| {
        let request = format!("CONNECT {host} HTTP/1.1\r\nHost: {host}\r\n\r\n");
        Talk::new(&format!("10.30.1.5:{client}"), "10.30.8.80:8080", NOON)
            .open()
            .client(request.as_bytes())
            .server(b"HTTP/1.1 200 OK\r\n\r\n")
            .tls_inside("")
            .close()
            .capture
    };
    let hosts = ["010.10.1.1:443", "168427777:443", "0x0a0a0101:443", "10.10.257:443"];
    for (client, host) in (50_000..).zip(hosts) {
        let audit = Bench::new().audit(BASE, &asked(client, host));
        assert_ne!(audit.verdict(client, 8080), "conforming", "{host}: {:#}", audit.flow(client, 8080));
    }
}

#[test]
fn every_tag_of_a_flow_counts_the_inner_one_of_its_first_frame_and_the_fifth() {
    const LOG: &[u8] = b"<34>1 2026-05-12T00:00:00Z fw app - - - up";
    let log = |client: u16, at: u64, vlans: &[u16]| {
        let mut capture = Capture::new();
        capture.add(at, datagram(&format!("10.20.1.1:{client}"), "10.40.0.51:514", vlans, LOG));
        capture
    };
    let begin = NOON + 200 * SECOND;
    // The first frame makes the input old enough for datagrams to tell who opened.
    let mut capture = log(49_999, NOON, &[120]).with(&log(50_000, begin, &[120, 140])).with(&log(
        50_001,
        begin,
        &[120, 130],
    ));
    for (turn, vlan) in [120, 121, 122, 123, 124, 130].into_iter().enumerate() {
        capture = capture.with(&log(50_002, begin + turn as u64 * SECOND, &[vlan]));
    }
    let tags = |count: usize| vec![120; count];
    let mut deep = tags(5);
    deep[4] = 130;
    capture = capture.with(&log(50_003, begin, &tags(4))).with(&log(50_004, begin, &deep));
    let policy = city::changed("vlan = [120]", "vlan = [120, 121, 122, 123, 124]");
    let audit = Bench::new().audit(&policy, &capture);
    judged(&audit, 50_000, 514, "conforming", "");
    judged(&audit, 50_003, 514, "conforming", "");
    for client in [50_001, 50_002, 50_004] {
        judged(&audit, client, 514, "undecidable", "vlan_segment_mismatch");
    }
}

#[test]
fn a_flow_at_two_sensors_is_as_bad_as_the_worse_of_them_says() {
    let whole = Talk::new("10.20.1.1:50000", "10.40.0.20:443", NOON).tls("vdi.example");
    let mut half = Capture::new();
    half.frames = whole.frames.iter().filter(|(_, frame)| frame[26..30] == [10, 20, 1, 1]).cloned().collect();
    let folder = Bench::new();
    let policy = folder.text("policy.toml", BASE);
    for (first, second) in [(&whole, &half), (&half, &whole), (&whole, &whole)] {
        let inputs = [folder.capture("core.pcap", first), folder.capture("lbo.pcap", second)];
        let mut told = Vec::new();
        for workers in ["1", "4"] {
            let mut arguments =
                vec!["audit", "--policy", policy.to_str().unwrap(), "--flows", "-", "--json", "-q"];
            arguments.extend(["--sensor", "s-core=core*", "--sensor", "s-lbo=lbo*", "--workers", workers]);
            arguments.extend(inputs.iter().map(|input| input.to_str().unwrap()));
            told.push(String::from_utf8(crate::support::sekisho(&arguments).stdout).unwrap());
        }
        assert_eq!(told[0], told[1]);
        assert_eq!(told[0].lines().count(), 1, "{}", told[0]);
        let is_whole = first.frames.len() == second.frames.len();
        let expected = if is_whole { "\"verdict\":\"conforming\"" } else { "\"verdict\":\"undecidable\"" };
        assert!(told[0].contains(expected), "{}", told[0]);
    }
}

#[test]
fn one_channel_must_allow_both_the_way_to_a_proxy_and_what_is_asked_there() {
    let more = |id: &str, to: &str, services: &str, more: &str| {
        format!(
            "[[channels]]\nid = \"{id}\"\nfrom = [\"in\"]\nto = [\"{to}\"]\nservices = [\"{services}\"]\nkind = \"normal\"\n\
             purpose_ja = \"x\"\nclause = \"x\"\napproval = \"x\"\n{more}\n"
        )
    };
    let asked = |client: u16| {
        Talk::new(&format!("10.30.1.5:{client}"), "203.0.113.10:8080", NOON)
            .open()
            .client(b"CONNECT www.example:443 HTTP/1.1\r\nHost: www.example:443\r\n\r\n")
            .server(b"HTTP/1.1 200 OK\r\n\r\n")
            .tls_inside("www.example")
            .close()
            .capture
    };
    let judge = |policy: String| Bench::new().audit(&policy, &asked(50_000)).verdict(50_000, 8080).to_owned();
    let zone = more("c-zone", "sc", "tcp/8080", "");
    let policy =
        BASE.replacen("via = [\"in-proxy\"]", "", 1).replacen("from = [\"in\"]", "from = [\"bd\"]", 1);
    assert_eq!(judge(format!("{policy}{}", more("c-proxy", "sc-proxy", "tcp/8080", ""))), "conforming");
    let other_port = more("c-proxy", "sc-proxy", "tcp/3128", "");
    assert_eq!(judge(format!("{policy}{zone}{other_port}")), "violating");
    let other_hours = more("c-proxy", "sc-proxy", "tcp/8080", "hours = \"18:00-20:00\"");
    assert_eq!(judge(format!("{policy}{zone}{other_hours}")), "undecidable");
}

#[test]
fn a_mirror_that_leads_outside_is_traffic() {
    let inner = datagram("10.10.1.1:40000", "10.10.1.2:9000", &[], b"x");
    let mirrored = |to: &str, turn: u64| {
        // GRE with a sequence number, ERSPAN type II, and a frame.
        let mut packet = vec![0x10, 0, 0x88, 0xbe, 0, 0, 0, 1, 0x10, 0, 0, 1, 0, 0, 0, 0];
        packet.extend_from_slice(&inner);
        let (from, to) = (addr("10.10.9.1:0").ip(), addr(to).ip());
        let (ethertype, packet) = ip(from, to, 47, 9, 64, &packet);
        let mut capture = Capture::new();
        capture.add(NOON + turn, ethernet(from, to, &[], ethertype, &packet));
        capture
    };
    let carrier = |to: &str| {
        let audit = Bench::new().audit(BASE, &mirrored(to, 0));
        audit.flows.iter().find(|flow| flow["carrier"] == "erspan").unwrap()["verdict"].clone()
    };
    assert_eq!(carrier("10.40.0.9:0"), "out-of-scope");
    assert_eq!(carrier("192.0.2.7:0"), "attempted");
}
