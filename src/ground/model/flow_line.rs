//! The flow line, once: its columns, their meaning, and how each is told of a flow.
//!
//! JSON, tables and documentation walk [`COLUMNS`]; a new fact is one entry here. The order is part of the format. A column
//! tells its cell to whoever writes the line ([`Cells`]) and makes no text of its own: lines are written by the million.

use std::{collections::BTreeSet, net::IpAddr, sync::Arc};

use super::{
    address::{Mac, Transport},
    cause::CauseNote,
    decoded::TcpFlags,
    facts::{FlowFacts, SideFacts, TcpState},
    field::Field,
    finding::CheckId,
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

impl FlowRecord {
    /// A flow that nothing was said about yet.
    #[must_use]
    pub const fn of(facts: FlowFacts, community_id: String) -> Self {
        Self { facts, judgement: None, names_grade: Grade::G0, known_names: Vec::new(), community_id }
    }
}

/// What a line needs beside its flow.
#[derive(Clone, Debug, Default)]
pub struct LineContext {
    /// The input's name (RULES 13).
    pub capture: String,
    /// Sensor ids by number; the first stands for no sensor.
    pub sensors: Vec<Arc<str>>,
}

/// Who writes a line: it is told one cell for each column, in their order.
pub trait Cells {
    /// Not known, or not applicable.
    fn null(&mut self);

    /// A count or a number.
    fn number(&mut self, number: u64);

    /// A text, joined from its parts.
    fn text(&mut self, parts: &[Part<'_>]);

    /// Several texts make the cell: those told until [`Cells::end`].
    fn begin(&mut self);

    /// The last of them was told.
    fn end(&mut self);
}

/// A piece of a text, as it is kept: who writes it gives it its letters.
#[derive(Clone, Copy, Debug)]
pub enum Part<'a> {
    /// Words of this program or of the user.
    Ours(&'a str),
    /// What a stranger sent: to be escaped by the writer.
    Strange(&'a [u8]),
    /// In decimal digits.
    Number(u64),
    /// An IP address.
    Address(IpAddr),
    /// An address on the link.
    Mac(Mac),
    /// RFC 3339 in UTC with nanoseconds.
    Time(Timestamp),
    /// A check of the catalogue.
    Check(CheckId),
}

/// How a column tells its cell.
type Tell = fn(&FlowRecord, &LineContext, &mut dyn Cells);

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
    /// Tells one cell.
    pub tell: fn(&FlowRecord, &LineContext, &mut dyn Cells),
}

const fn fact(key: &'static str, doc: &'static str, tell: Tell) -> Column {
    Column { key, class: Class::Fact, doc, tell }
}

const fn judged(key: &'static str, doc: &'static str, tell: Tell) -> Column {
    Column { key, class: Class::Verdict, doc, tell }
}

/// All columns, in their order.
pub const COLUMNS: &[Column] = &[
    Column {
        key: "capture",
        class: Class::Place,
        doc: "name of the input: the one file, else the folder or --name",
        tell: |_, context, out| out.text(&[Part::Ours(&context.capture)]),
    },
    fact(
        "flow",
        "number of the frame that opened the flow, with `.n` for the n-th outer layer",
        |r, _, out| {
            let ordinal = Part::Number(r.facts.id.ordinal.0);
            match r.facts.id.carrier {
                0 => out.text(&[ordinal]),
                layer => out.text(&[ordinal, Part::Ours("."), Part::Number(layer.into())]),
            }
        },
    ),
    fact("proto", "protocol above IP: tcp, udp, sctp, icmp, icmpv6, esp, ah, ip/N", |r, _, out| {
        match r.facts.transport.word() {
            Some(known) => word(known, out),
            None => out.text(&[Part::Ours("ip/"), Part::Number(r.facts.transport.0.into())]),
        }
    }),
    fact("client_ip", "address of the end that opened the flow, see direction_basis", |r, _, out| {
        out.text(&[Part::Address(r.facts.client_end().addr)]);
    }),
    fact("client_port", "its port; null where the protocol has none or it was not seen", |r, _, out| {
        port(&r.facts, r.facts.client_end().port, out);
    }),
    fact("server_ip", "address of the other end", |r, _, out| {
        out.text(&[Part::Address(r.facts.server_end().addr)]);
    }),
    fact("server_port", "its port; null where the protocol has none or it was not seen", |r, _, out| {
        port(&r.facts, r.facts.server_end().port, out);
    }),
    fact(
        "direction_basis",
        "why client is client: syn, synack, role, first_packet, guess, both_syn",
        |r, _, out| word(r.facts.basis.code(), out),
    ),
    fact(
        "carrier",
        "kind of the tunnel this flow carries, when it is an outer layer; its packets are counted inside",
        |r, _, out| known(r.facts.carrier, out, |kind, out| word(kind.code(), out)),
    ),
    fact(
        "sensors",
        "sensors it was seen at; the numbers of this line are those of the first, empty when bound to none",
        |r, context, out| {
            let seen =
                std::iter::once(&r.facts.sensor).chain(&r.facts.also_seen).filter(|sensor| sensor.0 > 0);
            let ids = seen.filter_map(|sensor| context.sensors.get(usize::from(sensor.0)));
            list(ids.map(|id| Part::Ours(id)), out);
        },
    ),
    fact("vlan", "VLAN ids seen, both directions", |r, _, out| {
        let ids = || r.facts.sides.iter().flat_map(|side| side.vlans.iter().copied());
        let ascending = std::iter::successors(ids().min(), |told| ids().filter(|id| id > told).min());
        list(ascending.map(|id| Part::Number(id.into())), out);
    }),
    fact("tunnel", "outer layers of its first packet, outermost first: kind, number, ends", |r, _, out| {
        out.begin();
        for outer in &r.facts.outers {
            out.text(&[
                Part::Ours(outer.kind.code()),
                Part::Ours(":"),
                Part::Number(outer.id.into()),
                Part::Ours(" "),
                Part::Address(outer.tuple.source.addr),
                Part::Ours(">"),
                Part::Address(outer.tuple.target.addr),
            ]);
        }
        out.end();
    }),
    fact("macs", "source addresses on the link, client's then server's", |r, _, out| {
        let macs = [r.facts.up(), r.facts.down()].into_iter().flat_map(|side| side.macs.iter().flatten());
        list(macs.map(|mac| Part::Mac(*mac)), out);
    }),
    judged("segment_client", "segment or zone of the client", |r, _, out| {
        known(r.judgement.as_ref(), out, |judgement, out| id(&judgement.segment_client, out));
    }),
    judged("segment_server", "segment or zone of the server", |r, _, out| {
        known(r.judgement.as_ref(), out, |judgement, out| id(&judgement.segment_server, out));
    }),
    fact("first", "stamp of its first packet, RFC 3339 in UTC with nanoseconds", |r, _, out| {
        out.text(&[Part::Time(r.facts.first)]);
    }),
    fact("last", "largest stamp of its packets", |r, _, out| out.text(&[Part::Time(r.facts.last)])),
    fact("packets_up", "packets from client to server, SPAN duplicates not counted", |r, _, out| {
        out.number(r.facts.up().packets);
    }),
    fact("packets_down", "packets from server to client", |r, _, out| out.number(r.facts.down().packets)),
    fact("bytes_up", "bytes on the wire from client to server, whole frames", |r, _, out| {
        out.number(r.facts.up().wire_bytes);
    }),
    fact("bytes_down", "bytes on the wire from server to client", |r, _, out| {
        out.number(r.facts.down().wire_bytes);
    }),
    fact("captured_up", "bytes of these that are in the capture", |r, _, out| {
        out.number(r.facts.up().captured_bytes);
    }),
    fact("captured_down", "bytes of these that are in the capture", |r, _, out| {
        out.number(r.facts.down().captured_bytes);
    }),
    fact("payload_up", "payload bytes above TCP, UDP or IP, retransmissions included", |r, _, out| {
        out.number(r.facts.up().payload_bytes);
    }),
    fact("payload_down", "payload bytes from server to client", |r, _, out| {
        out.number(r.facts.down().payload_bytes);
    }),
    fact("duplicates", "SPAN duplicates of both directions, counted apart", |r, _, out| {
        sum(&r.facts, out, |side| side.duplicates);
    }),
    fact("tcp_flags_up", "all TCP flags the client ever set", |r, _, out| {
        flags(&r.facts, r.facts.up(), out);
    }),
    fact("tcp_flags_down", "all TCP flags the server ever set", |r, _, out| {
        flags(&r.facts, r.facts.down(), out);
    }),
    fact("tcp_state", "how far the connection came", |r, _, out| match r.facts.tcp {
        TcpState::None => out.null(),
        state => word(state.code(), out),
    }),
    fact("rtt_ns", "SYN to the ACK of the SYN-ACK, nanoseconds", |r, _, out| {
        let nanos = r.facts.rtt.and_then(|rtt| u64::try_from(rtt.nanos()).ok());
        known(nanos, out, |nanos, out| out.number(nanos));
    }),
    fact("retransmissions", "segments that brought nothing new", |r, _, out| {
        sum(&r.facts, out, |side| side.retransmissions);
    }),
    fact("gaps", "holes in the sequence that were never filled", |r, _, out| {
        sum(&r.facts, out, |side| side.gaps);
    }),
    fact("unseen_bytes", "bytes acknowledged and never seen", |r, _, out| {
        sum(&r.facts, out, |side| side.unseen_bytes);
    }),
    fact("ttl_up", "smallest and largest TTL of the client's packets", |r, _, out| ttl(r.facts.up(), out)),
    fact("ttl_down", "smallest and largest TTL of the server's packets", |r, _, out| {
        ttl(r.facts.down(), out)
    }),
    fact("icmp_errors", "ICMP errors about this flow", |r, _, out| {
        out.number(r.facts.icmp_errors.map_or(0, |(count, _)| count));
    }),
    fact("end", "why the record ends: fin, reset, idle, reused, evicted, input_end", |r, _, out| {
        word(r.facts.end.code(), out);
    }),
    fact("app", "application, recognised or null", |r, _, out| match r.facts.identity.app {
        "" => out.null(),
        app => word(app, out),
    }),
    fact("app_basis", "how it was recognised: parsed, signature, port, unknown", |r, _, out| {
        word(r.facts.identity.basis.code(), out);
    }),
    fact("inner_apps", "applications found inside it, outermost first", |r, _, out| {
        list(r.facts.identity.inner_apps.iter().map(|app| Part::Ours(app)), out);
    }),
    fact("sni", "server names of TLS, DTLS and QUIC hellos, every one, any layer", |r, _, out| {
        field(r, Field::Sni, out);
    }),
    fact("alpn", "application protocols offered or chosen", |r, _, out| field(r, Field::Alpn, out)),
    fact("tls", "chosen version and cipher, 0xVVVV;0xCCCC", |r, _, out| field(r, Field::Tls, out)),
    fact("ja4", "JA4 fingerprints of client hellos", |r, _, out| field(r, Field::Ja4, out)),
    fact("ech", "encrypted ClientHello offered: ech, esni", |r, _, out| field(r, Field::Ech, out)),
    fact("cert_names", "names in the server's certificate, where it was visible", |r, _, out| {
        field(r, Field::CertName, out);
    }),
    fact("cert_issuers", "issuers of that certificate", |r, _, out| field(r, Field::CertIssuer, out)),
    fact("quic_version", "QUIC versions seen", |r, _, out| field(r, Field::QuicVersion, out)),
    fact("http_host", "hosts of HTTP requests, every one, any layer", |r, _, out| {
        field(r, Field::HttpHost, out);
    }),
    fact("connect_target", "targets of CONNECT requests, host:port", |r, _, out| {
        field(r, Field::ConnectTarget, out);
    }),
    fact("socks_target", "targets of SOCKS requests, host:port", |r, _, out| {
        field(r, Field::SocksTarget, out);
    }),
    fact("dns_query", "names asked for", |r, _, out| field(r, Field::DnsQuery, out)),
    fact("dns_answers", "addresses answered, name=address", |r, _, out| field(r, Field::DnsAnswer, out)),
    fact("host_names", "names hosts gave themselves: DHCP, mDNS, LLMNR, NetBIOS", |r, _, out| {
        field(r, Field::HostLabel, out);
    }),
    fact("known_names", "names DNS gave this server before the flow began; no proof", |r, _, out| {
        list(r.known_names.iter().map(|name| Part::Strange(name.bytes())), out);
    }),
    fact(
        "names_grade",
        "how well it is named: G0 none, G1 address, G2 claimed, G3 DNS agrees, G4 certificate too",
        |r, _, out| word(r.names_grade.code(), out),
    ),
    fact("community_id", "Community ID v1, seed 0", |r, _, out| id(&r.community_id, out)),
    fact("first_frame", "number of its first frame in the ordered input, from 1", |r, _, out| {
        out.number(r.facts.first_frame.0);
    }),
    fact("last_frame", "number of its last frame", |r, _, out| out.number(r.facts.last_frame.0)),
    judged(
        "verdict",
        "conforming, violating, attempted, undecidable, out-of-scope; null without a policy",
        |r, _, out| known(r.judgement.as_ref(), out, |judgement, out| word(judgement.verdict.code(), out)),
    ),
    fact(
        "causes",
        "what weakens it, codes of RULES 31; without a policy those of the measurement",
        |r, _, out| list(causes(r).map(|note| Part::Ours(note.cause.code())), out),
    ),
    fact("cause_arguments", "what the causes are about, code=argument", |r, _, out| {
        out.begin();
        for note in causes(r).filter(|note| !note.argument.is_empty()) {
            out.text(&[Part::Ours(note.cause.code()), Part::Ours("="), Part::Ours(note.argument)]);
        }
        out.end();
    }),
    judged("channel", "channel that decided", |r, _, out| {
        let decided = r.judgement.as_ref().and_then(|judgement| judgement.channel.as_ref());
        known(decided, out, |channel, out| id(channel, out));
    }),
    judged("forbid", "prohibition that decided", |r, _, out| {
        let decided = r.judgement.as_ref().and_then(|judgement| judgement.forbid.as_ref());
        known(decided, out, |forbid, out| id(forbid, out));
    }),
    judged("findings", "checks that spoke about this flow", |r, _, out| {
        let findings = r.judgement.iter().flat_map(|judgement| &judgement.findings);
        list(findings.map(|check| Part::Check(*check)), out);
    }),
    judged("grade", "grade of the fact the verdict rests on", |r, _, out| {
        known(r.judgement.as_ref(), out, |judgement, out| word(judgement.grade.code(), out));
    }),
];

/// A judgement starts from the measured causes, so with a policy they are all there, in one order.
fn causes(record: &FlowRecord) -> impl Iterator<Item = CauseNote<'_>> {
    let measured = (&record.facts.causes, &record.facts.identity.causes);
    let judged = record.judgement.as_ref().map(|judgement| (&judgement.causes, &judgement.causes));
    let (first, second) = judged.unwrap_or(measured);
    first.iter_with(second)
}

fn known<T>(value: Option<T>, out: &mut dyn Cells, tell: impl FnOnce(T, &mut dyn Cells)) {
    match value {
        Some(value) => tell(value, out),
        None => out.null(),
    }
}

fn word(code: &str, out: &mut dyn Cells) {
    out.text(&[Part::Ours(code)]);
}

fn id(id: &str, out: &mut dyn Cells) {
    if id.is_empty() { out.null() } else { word(id, out) }
}

fn list<'a>(parts: impl Iterator<Item = Part<'a>>, out: &mut dyn Cells) {
    out.begin();
    parts.for_each(|part| out.text(&[part]));
    out.end();
}

/// Two ports of 0 are ports that nobody saw: of fragments without their first one, of a header that was not there.
fn port(facts: &FlowFacts, port: u16, out: &mut dyn Cells) {
    let seen = facts.opener.port != 0 || facts.answerer.port != 0;
    if facts.transport.has_ports() && seen { out.number(port.into()) } else { out.null() }
}

fn sum(facts: &FlowFacts, out: &mut dyn Cells, of: fn(&SideFacts) -> u64) {
    out.number(facts.sides.iter().map(of).sum());
}

fn ttl(side: &SideFacts, out: &mut dyn Cells) {
    if side.packets == 0 {
        return out.null();
    }
    list(side.ttl.iter().map(|ttl| Part::Number((*ttl).into())), out);
}

/// The letters of tcpdump and Wireshark: `S` SYN, `A` ACK, and so on, in header order.
fn flags(facts: &FlowFacts, side: &SideFacts, out: &mut dyn Cells) {
    if facts.transport != Transport::TCP {
        return out.null();
    }
    let letter = |flag, letter| Part::Ours(if side.flags.has(flag) { letter } else { "" });
    out.text(&[
        letter(TcpFlags::FIN, "F"),
        letter(TcpFlags::SYN, "S"),
        letter(TcpFlags::RST, "R"),
        letter(TcpFlags::PSH, "P"),
        letter(TcpFlags::ACK, "A"),
        letter(TcpFlags::URG, "U"),
    ]);
}

/// Values of one field with which every other is compared one by one: more than most flows show.
const COMPARED_MAX: usize = 16;

/// Each value once, in the order it was first read.
fn field(record: &FlowRecord, field: Field, out: &mut dyn Cells) {
    let mut first = [None; COMPARED_MAX];
    let mut others = BTreeSet::new();
    let mut count = 0;
    out.begin();
    for value in record.facts.identity.all(field).map(|observation| &observation.value) {
        if first[..count].contains(&Some(value)) {
            continue;
        }
        if count < COMPARED_MAX {
            first[count] = Some(value);
            count += 1;
        } else if !others.insert(value) {
            continue;
        }
        told(value, out);
    }
    out.end();
}

fn told(value: &Value, out: &mut dyn Cells) {
    match value {
        Value::Name(name) | Value::Target { host: name, port: None } => {
            out.text(&[Part::Strange(name.bytes())])
        }
        Value::Text(bytes) => out.text(&[Part::Strange(bytes)]),
        Value::Target { host, port: Some(port) } => {
            out.text(&[Part::Strange(host.bytes()), Part::Ours(":"), Part::Number((*port).into())]);
        }
        Value::Answer { name, addr } => {
            out.text(&[Part::Strange(name.bytes()), Part::Ours("="), Part::Address(*addr)]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::{key::Side, observation::Observation, packet::Ordinal},
        *,
    };

    /// What was told, roughly.
    #[derive(Default)]
    struct Said(String);

    impl Cells for Said {
        fn null(&mut self) {
            self.0.push_str("null");
        }

        fn number(&mut self, number: u64) {
            self.0.push_str(&number.to_string());
        }

        fn text(&mut self, parts: &[Part<'_>]) {
            self.0.push_str(&format!("{parts:?}"));
        }

        fn begin(&mut self) {
            self.0.push('[');
        }

        fn end(&mut self) {
            self.0.push(']');
        }
    }

    #[test]
    fn a_value_is_told_once_however_many_ends_and_layers_stated_it() {
        let mut record = FlowRecord::default();
        let said = |number: u16, layer| Observation {
            field: Field::Alpn,
            value: Value::Text(number.to_be_bytes().into()),
            at: Ordinal(1),
            side: Side::Opener,
            layer,
            variant: false,
        };
        for layer in 0..3 {
            (0..40).for_each(|number| record.facts.identity.add(said(number % 25, layer)));
        }
        let mut told = Said::default();
        field(&record, Field::Alpn, &mut told);
        let expected: String =
            (0..25_u16).map(|n| format!("{:?}", [Part::Strange(&n.to_be_bytes())])).collect();
        assert_eq!(told.0, format!("[{expected}]"));
    }

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
            let mut told = Said::default();
            (column.tell)(&record, &LineContext::default(), &mut told);
            assert!(told.0 == "null" || told.0 == "[]", "{}: {}", column.key, told.0);
        }
    }
}
