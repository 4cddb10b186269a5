//! The flow line, once: its columns, their meaning, and how each is read from a flow.
//!
//! JSON, tables and documentation walk [`COLUMNS`]; a new fact is one entry here. The order is part of the format.

use std::{net::IpAddr, sync::Arc};

use super::{
    address::Transport,
    decoded::TcpFlags,
    facts::{FlowFacts, SideFacts, TcpState},
    field::Field,
    key::Side,
    name::HostName,
    observation::Value,
    time::Timestamp,
    verdict::{Grade, Judgement},
};

/// Version of the flow line's schema; it changes when a column changes its meaning or leaves.
pub const FLOW_SCHEMA: &str = "sekisho-flow/1";

/// A flow as it is told: facts, verdict, and what other flows said about it.
#[derive(Clone, Debug, Default)]
pub struct FlowRecord {
    /// What was measured.
    pub facts: FlowFacts,
    /// The verdict; `None` without a policy.
    pub judgement: Option<Judgement>,
    /// How well the flow is named, whatever the policy (RULES 30).
    pub names_grade: Grade,
    /// Names that DNS gave this server before the flow began: for people, never for a verdict.
    pub known_names: Vec<HostName>,
    /// Community ID v1; empty where the protocol has none.
    pub community_id: String,
}

/// What a line needs beside its flow.
#[derive(Clone, Debug, Default)]
pub struct LineContext {
    /// The input's name (RULES 13).
    pub capture: String,
    /// Sensor ids by number; the first stands for no sensor.
    pub sensors: Vec<Arc<str>>,
}

/// The value of one column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cell {
    /// Not known, or not applicable.
    Null,
    /// A count or a number.
    Number(u64),
    /// A word or text of this program or of the user.
    Text(String),
    /// Several of them.
    Texts(Vec<String>),
    /// What strangers sent: to be escaped by the writer. A text with bytes before and after it stays one entry.
    Strange(Vec<Strange>),
}

/// Bytes that a stranger sent, with what this program puts behind them (`:443`, `=192.0.2.1`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Strange {
    /// The stranger's bytes.
    pub bytes: Box<[u8]>,
    /// Our own addition, empty in most columns.
    pub suffix: String,
}

/// Which promise a column is under.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// Measured; the same with any policy.
    Fact,
    /// From the policy.
    Verdict,
    /// Where it stands in the input: differs when the same packets come in other files.
    Place,
}

/// One column.
#[derive(Clone, Copy, Debug)]
pub struct Column {
    /// Key in JSON, heading in tables.
    pub key: &'static str,
    /// Its class.
    pub class: Class,
    /// What it means, with its unit.
    pub doc: &'static str,
    /// Reads it.
    pub get: fn(&FlowRecord, &LineContext) -> Cell,
}

const fn fact(key: &'static str, doc: &'static str, get: fn(&FlowRecord, &LineContext) -> Cell) -> Column {
    Column { key, class: Class::Fact, doc, get }
}

const fn judged(key: &'static str, doc: &'static str, get: fn(&FlowRecord, &LineContext) -> Cell) -> Column {
    Column { key, class: Class::Verdict, doc, get }
}

/// All columns, in their order.
pub const COLUMNS: &[Column] = &[
    Column {
        key: "capture",
        class: Class::Place,
        doc: "name of the input: the one file, else the folder or --name",
        get: |_, context| Cell::Text(context.capture.clone()),
    },
    fact("flow", "number of the frame that opened the flow, with `.n` for the n-th outer layer", |r, _| {
        Cell::Text(match r.facts.id.carrier {
            0 => r.facts.id.ordinal.0.to_string(),
            layer => format!("{}.{layer}", r.facts.id.ordinal.0),
        })
    }),
    fact("proto", "protocol above IP: tcp, udp, sctp, icmp, icmpv6, esp, ah, ip/N", |r, _| {
        Cell::Text(r.facts.transport.to_string())
    }),
    fact("client_ip", "address of the end that opened the flow, see direction_basis", |r, _| {
        Cell::Text(r.facts.client_end().addr.to_string())
    }),
    fact("client_port", "its port; null where the protocol has none or it was not seen", |r, _| {
        port(&r.facts, r.facts.client_end().port)
    }),
    fact("server_ip", "address of the other end", |r, _| Cell::Text(r.facts.server_end().addr.to_string())),
    fact("server_port", "its port; null where the protocol has none or it was not seen", |r, _| {
        port(&r.facts, r.facts.server_end().port)
    }),
    fact(
        "direction_basis",
        "why client is client: syn, synack, role, first_packet, guess, both_syn",
        |r, _| word(r.facts.basis.code()),
    ),
    fact(
        "carrier",
        "kind of the tunnel this flow carries, when it is an outer layer; its packets are counted inside",
        |r, _| r.facts.carrier.map_or(Cell::Null, |kind| word(kind.code())),
    ),
    fact(
        "sensors",
        "sensors it was seen at; the numbers of this line are those of the first, empty when bound to none",
        |r, context| {
            let seen =
                std::iter::once(&r.facts.sensor).chain(&r.facts.also_seen).filter(|sensor| sensor.0 > 0);
            let ids = seen.filter_map(|sensor| context.sensors.get(usize::from(sensor.0)));
            Cell::Texts(ids.map(ToString::to_string).collect())
        },
    ),
    fact("vlan", "VLAN ids seen, both directions", |r, _| {
        let mut ids: Vec<u16> = r.facts.sides.iter().flat_map(|side| side.vlans.iter().copied()).collect();
        ids.sort_unstable();
        ids.dedup();
        Cell::Texts(ids.iter().map(u16::to_string).collect())
    }),
    fact("tunnel", "outer layers of its first packet, outermost first: kind, number, ends", |r, _| {
        let layers = r.facts.outers.iter().map(|outer| {
            let (source, target) = (outer.tuple.source.addr, outer.tuple.target.addr);
            format!("{}:{} {source}>{target}", outer.kind.code(), outer.id)
        });
        Cell::Texts(layers.collect())
    }),
    fact("macs", "source addresses on the link, client's then server's", |r, _| {
        let macs = [r.facts.up(), r.facts.down()].map(|side| side.macs.iter().flatten());
        Cell::Texts(macs.into_iter().flatten().map(ToString::to_string).collect())
    }),
    judged("segment_client", "segment or zone of the client", |r, _| {
        r.judgement.as_ref().map_or(Cell::Null, |judgement| id(&judgement.segment_client))
    }),
    judged("segment_server", "segment or zone of the server", |r, _| {
        r.judgement.as_ref().map_or(Cell::Null, |judgement| id(&judgement.segment_server))
    }),
    fact("first", "stamp of its first packet, RFC 3339 in UTC with nanoseconds", |r, _| time(r.facts.first)),
    fact("last", "largest stamp of its packets", |r, _| time(r.facts.last)),
    fact("packets_up", "packets from client to server, SPAN duplicates not counted", |r, _| {
        Cell::Number(r.facts.up().packets)
    }),
    fact("packets_down", "packets from server to client", |r, _| Cell::Number(r.facts.down().packets)),
    fact("bytes_up", "bytes on the wire from client to server, whole frames", |r, _| {
        Cell::Number(r.facts.up().wire_bytes)
    }),
    fact("bytes_down", "bytes on the wire from server to client", |r, _| {
        Cell::Number(r.facts.down().wire_bytes)
    }),
    fact("captured_up", "bytes of these that are in the capture", |r, _| {
        Cell::Number(r.facts.up().captured_bytes)
    }),
    fact("captured_down", "bytes of these that are in the capture", |r, _| {
        Cell::Number(r.facts.down().captured_bytes)
    }),
    fact("payload_up", "payload bytes above TCP, UDP or IP, retransmissions included", |r, _| {
        Cell::Number(r.facts.up().payload_bytes)
    }),
    fact("payload_down", "payload bytes from server to client", |r, _| {
        Cell::Number(r.facts.down().payload_bytes)
    }),
    fact("duplicates", "SPAN duplicates of both directions, counted apart", |r, _| {
        sum(&r.facts, |side| side.duplicates)
    }),
    fact("tcp_flags_up", "all TCP flags the client ever set", |r, _| flags(&r.facts, r.facts.up())),
    fact("tcp_flags_down", "all TCP flags the server ever set", |r, _| flags(&r.facts, r.facts.down())),
    fact("tcp_state", "how far the connection came", |r, _| match r.facts.tcp {
        TcpState::None => Cell::Null,
        state => word(state.code()),
    }),
    fact("rtt_ns", "SYN to the ACK of the SYN-ACK, nanoseconds", |r, _| {
        r.facts.rtt.and_then(|rtt| u64::try_from(rtt.nanos()).ok()).map_or(Cell::Null, Cell::Number)
    }),
    fact("retransmissions", "segments that brought nothing new", |r, _| {
        sum(&r.facts, |side| side.retransmissions)
    }),
    fact("gaps", "holes in the sequence that were never filled", |r, _| sum(&r.facts, |side| side.gaps)),
    fact("unseen_bytes", "bytes acknowledged and never seen", |r, _| sum(&r.facts, |side| side.unseen_bytes)),
    fact("ttl_up", "smallest and largest TTL of the client's packets", |r, _| ttl(r.facts.up())),
    fact("ttl_down", "smallest and largest TTL of the server's packets", |r, _| ttl(r.facts.down())),
    fact("icmp_errors", "ICMP errors about this flow", |r, _| {
        Cell::Number(r.facts.icmp_errors.map_or(0, |(count, _)| count))
    }),
    fact("end", "why the record ends: fin, reset, idle, reused, evicted, input_end", |r, _| {
        word(r.facts.end.code())
    }),
    fact("app", "application, recognised or null", |r, _| match r.facts.identity.app {
        "" => Cell::Null,
        app => word(app),
    }),
    fact("app_basis", "how it was recognised: parsed, signature, port, unknown", |r, _| {
        word(r.facts.identity.basis.code())
    }),
    fact("inner_apps", "applications found inside it, outermost first", |r, _| {
        Cell::Texts(r.facts.identity.inner_apps.iter().map(ToString::to_string).collect())
    }),
    fact("sni", "server names of TLS, DTLS and QUIC hellos, every one, any layer", |r, _| {
        field(r, Field::Sni)
    }),
    fact("alpn", "application protocols offered or chosen", |r, _| field(r, Field::Alpn)),
    fact("tls", "chosen version and cipher, 0xVVVV;0xCCCC", |r, _| field(r, Field::Tls)),
    fact("ja4", "JA4 fingerprints of client hellos", |r, _| field(r, Field::Ja4)),
    fact("ech", "encrypted ClientHello offered: ech, esni", |r, _| field(r, Field::Ech)),
    fact("cert_names", "names in the server's certificate, where it was visible", |r, _| {
        field(r, Field::CertName)
    }),
    fact("cert_issuers", "issuers of that certificate", |r, _| field(r, Field::CertIssuer)),
    fact("quic_version", "QUIC versions seen", |r, _| field(r, Field::QuicVersion)),
    fact("http_host", "hosts of HTTP requests, every one, any layer", |r, _| field(r, Field::HttpHost)),
    fact("connect_target", "targets of CONNECT requests, host:port", |r, _| field(r, Field::ConnectTarget)),
    fact("socks_target", "targets of SOCKS requests, host:port", |r, _| field(r, Field::SocksTarget)),
    fact("dns_query", "names asked for", |r, _| field(r, Field::DnsQuery)),
    fact("dns_answers", "addresses answered, name=address", |r, _| field(r, Field::DnsAnswer)),
    fact("host_names", "names hosts gave themselves: DHCP, mDNS, LLMNR, NetBIOS", |r, _| {
        field(r, Field::HostLabel)
    }),
    fact("known_names", "names DNS gave this server before the flow began; no proof", |r, _| {
        Cell::Strange(r.known_names.iter().map(|name| strange(name.bytes(), String::new())).collect())
    }),
    fact(
        "names_grade",
        "how well it is named: G0 none, G1 address, G2 claimed, G3 DNS agrees, G4 certificate too",
        |r, _| word(r.names_grade.code()),
    ),
    fact("community_id", "Community ID v1, seed 0", |r, _| match r.community_id.as_str() {
        "" => Cell::Null,
        id => Cell::Text(id.to_owned()),
    }),
    fact("first_frame", "number of its first frame in the ordered input, from 1", |r, _| {
        Cell::Number(r.facts.first_frame.0)
    }),
    fact("last_frame", "number of its last frame", |r, _| Cell::Number(r.facts.last_frame.0)),
    judged(
        "verdict",
        "conforming, violating, attempted, undecidable, out-of-scope; null without a policy",
        |r, _| r.judgement.as_ref().map_or(Cell::Null, |judgement| word(judgement.verdict.code())),
    ),
    fact(
        "causes",
        "what weakens it, codes of RULES 31; without a policy those of the measurement",
        |r, _| Cell::Texts(causes(r).map(|note| note.0.to_owned()).collect()),
    ),
    fact("cause_arguments", "what the causes are about, code=argument", |r, _| {
        let with = causes(r).filter(|note| !note.1.is_empty());
        Cell::Texts(with.map(|(code, argument)| format!("{code}={argument}")).collect())
    }),
    judged("channel", "channel that decided", |r, _| {
        r.judgement.as_ref().and_then(|judgement| judgement.channel.as_ref()).map_or(Cell::Null, id)
    }),
    judged("forbid", "prohibition that decided", |r, _| {
        r.judgement.as_ref().and_then(|judgement| judgement.forbid.as_ref()).map_or(Cell::Null, id)
    }),
    judged("findings", "checks that spoke about this flow", |r, _| {
        let findings = r.judgement.iter().flat_map(|judgement| &judgement.findings);
        Cell::Texts(findings.map(ToString::to_string).collect())
    }),
    judged("grade", "grade of the fact the verdict rests on", |r, _| {
        r.judgement.as_ref().map_or(Cell::Null, |judgement| word(judgement.grade.code()))
    }),
];

fn causes(record: &FlowRecord) -> impl Iterator<Item = (&'static str, &str)> {
    let judged = record.judgement.as_ref().map(|judgement| &judgement.causes);
    let measured = [&record.facts.causes, &record.facts.identity.causes];
    // A judgement starts from the measured causes, so with a policy they are all there, in one order.
    let (first, second) = judged.map_or((measured[0], Some(measured[1])), |causes| (causes, None));
    let mut all: Vec<_> = first.iter().chain(second.into_iter().flat_map(|causes| causes.iter())).collect();
    all.sort_by_key(|note| note.cause);
    all.dedup_by_key(|note| note.cause);
    all.into_iter().map(|note| (note.cause.code(), note.argument))
}

fn word(code: &str) -> Cell {
    Cell::Text(code.to_owned())
}

fn id(id: &Arc<str>) -> Cell {
    if id.is_empty() { Cell::Null } else { Cell::Text(id.to_string()) }
}

fn time(at: Timestamp) -> Cell {
    Cell::Text(at.to_string())
}

/// Two ports of 0 are ports that nobody saw: of fragments without their first one, of a header that was not there.
const fn port(facts: &FlowFacts, port: u16) -> Cell {
    let seen = facts.opener.port != 0 || facts.answerer.port != 0;
    if facts.transport.has_ports() && seen { Cell::Number(port as u64) } else { Cell::Null }
}

fn sum(facts: &FlowFacts, of: fn(&SideFacts) -> u64) -> Cell {
    Cell::Number(Side::BOTH.iter().map(|side| of(&facts.sides[side.index()])).sum())
}

fn ttl(side: &SideFacts) -> Cell {
    if side.packets == 0 { Cell::Null } else { Cell::Texts(side.ttl.iter().map(u8::to_string).collect()) }
}

/// The letters of tcpdump and Wireshark: `S` SYN, `A` ACK, and so on, in header order.
fn flags(facts: &FlowFacts, side: &SideFacts) -> Cell {
    if facts.transport != Transport::TCP {
        return Cell::Null;
    }
    let letters = [
        (TcpFlags::FIN, 'F'),
        (TcpFlags::SYN, 'S'),
        (TcpFlags::RST, 'R'),
        (TcpFlags::PSH, 'P'),
        (TcpFlags::ACK, 'A'),
        (TcpFlags::URG, 'U'),
    ];
    Cell::Text(letters.iter().filter(|(flag, _)| side.flags.has(*flag)).map(|(_, letter)| letter).collect())
}

fn strange(bytes: &[u8], suffix: String) -> Strange {
    Strange { bytes: bytes.into(), suffix }
}

/// Each value once, in the order it was first read.
fn field(record: &FlowRecord, field: Field) -> Cell {
    let mut cells: Vec<Strange> = Vec::new();
    let mut seen = std::collections::BTreeSet::new();
    for observation in record.facts.identity.all(field) {
        if !seen.insert(&observation.value) {
            continue;
        }
        cells.push(match &observation.value {
            Value::Name(name) => strange(name.bytes(), String::new()),
            Value::Text(bytes) => strange(bytes, String::new()),
            Value::Target { host, port } => {
                strange(host.bytes(), port.map_or_else(String::new, |port| format!(":{port}")))
            }
            Value::Answer { name, addr } => strange(name.bytes(), answer(*addr)),
        });
    }
    Cell::Strange(cells)
}

fn answer(addr: IpAddr) -> String {
    format!("={addr}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_key_is_used_twice_and_each_column_is_explained() {
        let mut keys: Vec<_> = COLUMNS.iter().map(|column| column.key).collect();
        assert!(COLUMNS.iter().all(|column| column.doc.len() > 8));
        keys.sort_unstable();
        let all = keys.len();
        keys.dedup();
        assert_eq!(keys.len(), all);
    }

    #[test]
    fn the_line_has_every_field_the_format_promises() {
        let promised = "capture proto client_ip client_port server_ip server_port direction_basis vlan tunnel \
            segment_client segment_server first last packets_up packets_down bytes_up bytes_down end sni alpn tls \
            ja4 ech http_host connect_target socks_target dns_query dns_answers cert_names quic_version app \
            app_basis names_grade community_id first_frame last_frame gaps unseen_bytes verdict causes channel \
            findings grade";
        for key in promised.split_whitespace() {
            assert!(COLUMNS.iter().any(|column| column.key == key), "{key} is missing");
        }
    }

    #[test]
    fn without_a_policy_every_verdict_column_is_null_or_empty() {
        let record = FlowRecord::default();
        for column in COLUMNS.iter().filter(|column| column.class == Class::Verdict) {
            let cell = (column.get)(&record, &LineContext::default());
            assert!(matches!(&cell, Cell::Null) || cell == Cell::Texts(Vec::new()), "{}", column.key);
        }
    }
}
