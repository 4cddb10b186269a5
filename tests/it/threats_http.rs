//! HTTP and proxies under attack: THREATS section 5, rows 11, 12, 18, 53, 54, 105.

use sekisho::ground::model::verdict::Verdict;

use crate::{
    city,
    court::{Court, EVIL, after_hello, hello},
    support::{Capture, NOON, Talk},
};

const TAX: &str = "tax.asp.lgwan.example";
const WEB: &str = "web.asp.lgwan.example";

/// The base with a site that is read in the clear, and a way to the tax office through a proxy on the boundary.
fn court() -> Court {
    Court::under(&city::with(
        r#"
[[hosts]]
id = "bd-proxy"
segment = "bd"
addr = ["10.40.0.80"]
role = "proxy"
name_ja = "系間Proxy"
[[destinations]]
id = "d-web"
zone = "lgwan"
kind = "public_system"
name_ja = "掲示"
fqdn = ["web.asp.lgwan.example"]
cidr = ["198.18.30.0/28"]
services = ["tcp/80"]
match = "name+address"
[[channels]]
id = "c-lg-web"
from = ["lg"]
to = ["d-web"]
services = ["tcp/80"]
kind = "normal"
purpose_ja = "掲示を読む"
clause = "2-2-3(2)①"
approval = "第20号"
encrypt = "plaintext-approved"
[[channels]]
id = "c-lg-tax"
from = ["lg"]
to = ["d-eltax"]
services = ["tcp/443"]
kind = "normal"
purpose_ja = "申告データ"
clause = "2-2-3(2)①"
approval = "第21号"
via = ["bd-proxy"]
"#,
    ))
}

fn to_proxy() -> Talk {
    Talk::new("10.20.1.1:50000", "10.40.0.80:8080", NOON).open()
}

fn connect(target: &str, host: &str) -> Vec<u8> {
    format!("CONNECT {target} HTTP/1.1\r\nHost: {host}\r\n\r\n").into_bytes()
}

const GRANTED: &[u8] = b"HTTP/1.1 200 OK\r\n\r\n";

fn tunnel(target: &str, inside: Talk) -> Talk {
    inside.client(&connect(target, target)).server(GRANTED)
}

#[test]
fn r11_of_all_names_on_the_way_through_a_proxy_the_worst_counts() {
    let tax = format!("{TAX}:443");
    let forbidden = format!("{EVIL}:443");
    let nested = tunnel(&forbidden, tunnel(&tax, to_proxy())).tls_inside(TAX);
    let early = {
        let both = [connect(&tax, &tax), hello(EVIL)].concat();
        after_hello(to_proxy().client(&both).server(GRANTED))
    };
    let retried = tunnel(
        &forbidden,
        to_proxy()
            .client(&connect(&tax, &tax))
            .server(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n"),
    );
    let ssh = tunnel(&tax, to_proxy()).client(b"SSH-2.0-a\r\n").server(b"SSH-2.0-b\r\n");
    let host_differs = to_proxy().client(&connect(&tax, &forbidden)).server(GRANTED).tls_inside(TAX);
    let socks = {
        let name = EVIL.as_bytes();
        let request = [&[5, 1, 0, 3, name.len() as u8][..], name, &443u16.to_be_bytes()].concat();
        to_proxy().client(&[5, 1, 0]).server(&[5, 0]).client(&request).server(&[5, 0, 0, 1, 0, 0, 0, 0, 0, 0])
    };
    let court = court();
    court.acquits_all(vec![("listed", tunnel(&tax, to_proxy()).tls_inside(TAX).close().capture)]);
    court.acquits_none(vec![
        ("forbidden target", tunnel(&forbidden, to_proxy()).tls_inside(EVIL).close().capture, EVIL),
        (
            "forbidden target, listed inside",
            tunnel(&forbidden, to_proxy()).tls_inside(TAX).close().capture,
            EVIL,
        ),
        ("another name inside", tunnel(&tax, to_proxy()).tls_inside(EVIL).close().capture, EVIL),
        ("nested", nested.close().capture, EVIL),
        ("Host differs", host_differs.close().capture, EVIL),
        ("an address", tunnel("192.0.2.7:443", to_proxy()).tls_inside(TAX).close().capture, "192.0.2.7"),
        ("hello before the answer", early.close().capture, EVIL),
        ("SSH inside", ssh.close().capture, ""),
        ("another port", tunnel(&format!("{TAX}:22"), to_proxy()).tls_inside(TAX).close().capture, ""),
        ("forbidden after the 407", retried.tls_inside(EVIL).close().capture, EVIL),
        ("SOCKS", socks.tls_inside(TAX).close().capture, EVIL),
        ("no target at all", to_proxy().tls_inside(TAX).close().capture, ""),
    ]);
}

#[test]
fn r105_a_target_that_is_asked_for_inside_tls_is_not_assumed() {
    let court = Court::new();
    let hidden = Talk::new("10.30.1.5:50000", "10.30.8.80:8080", NOON).tls("proxy.example");
    court.acquits_none(vec![("TLS to the proxy", hidden, "proxy_target_hidden")]);
    let to =
        |target: &str| format!("CONNECT {target}:8080 HTTP/1.1\r\nHost: {target}:8080\r\n\r\n").into_bytes();
    // A chain: through the proxy of the house to another one outside, and from there to a segment inside.
    let chain = Talk::new("10.30.1.5:50000", "10.30.8.80:8080", NOON)
        .open()
        .client(&to("proxy.example"))
        .server(GRANTED)
        .client(b"CONNECT 10.10.1.1:443 HTTP/1.1\r\nHost: 10.10.1.1:443\r\n\r\n")
        .server(GRANTED)
        .tls_inside("");
    court.acquits_none(vec![("chain", chain.close().capture, "10.10.1.1:443")]);
}

fn web(parts: &[&str]) -> Capture {
    let mut talk = Talk::new("10.20.1.1:50000", "198.18.30.1:80", NOON).open();
    for part in parts {
        talk = talk.client(part.as_bytes()).server(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    }
    talk.close().capture
}

#[test]
fn r12_every_way_of_naming_a_host_in_a_request_counts() {
    let get = |path: &str, host: &str| format!("GET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n");
    let lines = |more: &str| format!("GET / HTTP/1.1\r\n{more}\r\n\r\n");
    let both = |first: &str, second: &str| format!("{}{}", get("/", first), get("/", second));
    let inside = format!(
        "POST / HTTP/1.1\r\nHost: {WEB}\r\nContent-Length: 36\r\n\r\nHost: evil.cloud.example\r\n\r\n12345678"
    );
    let smuggled = |headers: &str, body: &str| {
        format!("POST / HTTP/1.1\r\nHost: {WEB}\r\n{headers}\r\n\r\n{body}{}", get("/", EVIL))
    };
    let court = court();
    court.acquits_all(vec![
        ("listed", web(&[&get("/", WEB)])),
        ("listed, capitals", web(&[&get("/", "WEB.asp.LGWAN.example")])),
        ("listed, with port", web(&[&get("/", &format!("{WEB}:80"))])),
        ("listed, twice", web(&[&get("/", WEB), &get("/b", WEB)])),
        ("a Host line in a body", web(&[&inside])),
    ]);
    court.acquits_none(vec![
        ("forbidden", web(&[&get("/", EVIL)]), EVIL),
        ("absolute form", web(&[&get(&format!("http://{EVIL}/"), WEB)]), EVIL),
        ("absolute form listed, Host forbidden", web(&[&get(&format!("http://{WEB}/"), EVIL)]), EVIL),
        ("two Hosts", web(&[&lines(&format!("Host: {WEB}\r\nHost: {EVIL}"))]), EVIL),
        ("two Hosts, other way", web(&[&lines(&format!("Host: {EVIL}\r\nHost: {WEB}"))]), EVIL),
        ("folded", web(&[&lines(&format!("X: a\r\n Host: {WEB}\r\nHost: {EVIL}"))]), ""),
        ("folded Host", web(&[&lines(&format!("Host:\r\n {EVIL}"))]), ""),
        ("space before the colon", web(&[&lines(&format!("Host : {EVIL}\r\nHost: {WEB}"))]), ""),
        ("kept alive", web(&[&get("/", WEB), &get("/", EVIL)]), EVIL),
        ("pipelined", web(&[&both(WEB, EVIL)]), EVIL),
        ("user part", web(&[&get(&format!("http://{WEB}@{EVIL}/"), WEB)]), ""),
        ("bare line feeds", web(&[&format!("GET / HTTP/1.1\nHost: {EVIL}\n\n")]), ""),
        ("no Host", web(&[&lines("X: y")]), ""),
        ("HTTP/1.0 without Host", web(&["GET / HTTP/1.0\r\n\r\n"]), ""),
        (
            "two lengths",
            web(&[&smuggled("Content-Length: 6\r\nTransfer-Encoding: chunked", "0\r\n\r\n")]),
            "",
        ),
        ("two different lengths", web(&[&smuggled("Content-Length: 0\r\nContent-Length: 7", "")]), ""),
        ("chunks", web(&[&smuggled("Transfer-Encoding: chunked", "1\r\na\r\n0\r\n\r\n")]), EVIL),
    ]);
}

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let mut frame = (payload.len() as u32).to_be_bytes()[1..].to_vec();
    frame.extend_from_slice(&[kind, flags]);
    frame.extend_from_slice(&stream.to_be_bytes());
    frame.extend_from_slice(payload);
    frame
}

/// A literal header without indexing, RFC 7541 section 6.2.2; names and values shorter than 127 bytes.
fn literal(name: &[u8], value: &[u8]) -> Vec<u8> {
    [&[0, name.len() as u8][..], name, &[value.len() as u8], value].concat()
}

fn request(authority: &[u8]) -> Vec<u8> {
    // :method GET, :scheme http, :path / of the static table.
    [&[0x82, 0x86, 0x84][..], &literal(b":authority", authority)].concat()
}

/// The Huffman code of RFC 7541 appendix B for the letters that the names of these tests are made of.
fn huffman(name: &str) -> Vec<u8> {
    let code = |letter| match letter {
        'a' => (0x3, 5),
        'c' => (0x4, 5),
        'e' => (0x5, 5),
        'i' => (0x6, 5),
        'o' => (0x7, 5),
        's' => (0x8, 5),
        't' => (0x9, 5),
        '.' => (0x17, 6),
        'd' => (0x24, 6),
        'l' => (0x28, 6),
        'm' => (0x29, 6),
        'n' => (0x2a, 6),
        'p' => (0x2b, 6),
        'u' => (0x2d, 6),
        'v' => (0x77, 7),
        'x' => (0x79, 7),
        other => panic!("{other} has no code here"),
    };
    let (mut bits, mut count, mut out) = (0u64, 0u32, Vec::new());
    for letter in name.chars() {
        let (value, len) = code(letter);
        bits = bits << len | value;
        count += len;
        while count >= 8 {
            count -= 8;
            out.push((bits >> count) as u8);
        }
    }
    if count > 0 {
        out.push((bits << (8 - count)) as u8 | 0xff >> count);
    }
    out
}

fn h2(frames: &[Vec<u8>]) -> Capture {
    let said = [b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec(), frame(4, 0, 0, &[]), frames.concat()].concat();
    Talk::new("10.20.1.1:50000", "198.18.30.1:80", NOON)
        .open()
        .client(&said)
        .server(&[frame(4, 0, 0, &[]), frame(4, 1, 0, &[]), frame(1, 5, 1, &[0x88])].concat())
        .close()
        .capture
}

#[test]
fn r18_every_request_of_http_2_counts_however_it_is_coded() {
    let headers = |stream, block: &[u8]| frame(1, 5, stream, block);
    let packed = [&[0x82, 0x86, 0x84, 0x41, 0x80 | huffman(EVIL).len() as u8][..], &huffman(EVIL)].concat();
    let block = request(EVIL.as_bytes());
    let continued: Vec<Vec<u8>> = std::iter::once(frame(1, 1, 1, &block[..2]))
        .chain(block[2..].chunks(3).map(|part| frame(9, 0, 1, part)))
        .chain([frame(9, 4, 1, &[])])
        .collect();
    let host = [request(WEB.as_bytes()), literal(b"host", EVIL.as_bytes())].concat();
    // An integer of nine continuation bytes where a length should stand (RFC 7541 section 5.1).
    let huge = [&[0x82, 0x41, 0x7f][..], &[0xff; 9], &[0x7f]].concat();
    let upgrade = format!(
        "GET / HTTP/1.1\r\nHost: {WEB}\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n\r\n"
    );
    let said =
        [b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec(), frame(4, 0, 0, &[]), headers(3, &block)].concat();
    let upgraded = Talk::new("10.20.1.1:50000", "198.18.30.1:80", NOON)
        .open()
        .client(upgrade.as_bytes())
        .server(b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n")
        .client(&said)
        .server(&[frame(4, 0, 0, &[]), frame(1, 5, 1, &[0x88])].concat());
    let socket = format!(
        "GET / HTTP/1.1\r\nHost: {EVIL}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n\r\n"
    );
    let socket = Talk::new("10.20.1.1:50000", "198.18.30.1:80", NOON)
        .open()
        .client(socket.as_bytes())
        .server(b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
        .client(&[0x82, 0x84, 1, 2, 3, 4, 5, 6, 7, 8]);
    let court = court();
    court.acquits_all(vec![("listed", h2(&[headers(1, &request(WEB.as_bytes()))]))]);
    court.acquits_none(vec![
        ("prior knowledge", h2(&[headers(1, &block)]), EVIL),
        ("Huffman", h2(&[headers(1, &packed)]), EVIL),
        ("a second stream", h2(&[headers(1, &request(WEB.as_bytes())), headers(3, &block)]), EVIL),
        ("continuations", h2(&continued), EVIL),
        ("host is not authority", h2(&[headers(1, &host)]), EVIL),
        ("a huge integer", h2(&[headers(1, &huge)]), ""),
        ("an upgrade", upgraded.close().capture, EVIL),
        ("a web socket", socket.close().capture, EVIL),
    ]);
}

#[test]
fn r53_what_stands_behind_long_and_many_header_lines_is_never_acquitted() {
    let many: String = (0..100_000).map(|number| format!("X-{number}: y\r\n")).collect();
    let folded: String = "Y: a\r\n".to_owned() + &" b\r\n".repeat(100_000);
    let long = format!("Z: {}\r\n", "z".repeat(1_000_000));
    let court = court();
    for lines in [many, folded, long] {
        let capture = web(&[&format!("GET / HTTP/1.1\r\n{lines}Host: {EVIL}\r\n\r\n")]);
        let hearing = court.hear(&capture);
        assert!(!hearing.any(Verdict::Conforming), "{}", hearing.lines());
        assert!(
            ["parser_limit", EVIL].iter().any(|told| hearing.lines().contains(told)),
            "{}",
            hearing.lines()
        );
    }
}

#[test]
fn r54_header_bombs_of_http_2_end_at_their_bounds() {
    // One long value in the dynamic table, then references to it.
    let value = vec![b'a'; 4_000];
    let mut entry = vec![0x40, 1, b'x', 0x7f];
    entry.extend_from_slice(&[(4_000 - 127) as u8 & 0x7f | 0x80, ((4_000 - 127) >> 7) as u8]);
    entry.extend_from_slice(&value);
    let first = [request(WEB.as_bytes()), entry, vec![0xbe; 12_000]].concat();
    let bomb = h2(&[frame(1, 5, 1, &first), frame(1, 5, 3, &request(EVIL.as_bytes()))]);
    let continuations: Vec<Vec<u8>> = std::iter::once(frame(1, 1, 1, &request(WEB.as_bytes())))
        .chain((0..10_000).map(|_| frame(9, 0, 1, &literal(b"a", b"b"))))
        .chain([frame(9, 4, 1, &literal(b"host", EVIL.as_bytes()))])
        .collect();
    let streams: Vec<Vec<u8>> = (0..20_000u32)
        .map(|number| frame(1, 5, number * 2 + 1, &request(WEB.as_bytes())))
        .chain([frame(1, 5, 50_001, &request(EVIL.as_bytes()))])
        .collect();
    court().acquits_none(vec![
        ("an HPACK bomb", bomb, ""),
        ("10,000 continuations", h2(&continuations), ""),
        ("many streams", h2(&streams), ""),
    ]);
}
