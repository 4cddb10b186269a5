//! Flow lines as JSON: one object a line, written by the million, so nothing is allocated for one.
//!
//! A text of printable ASCII is copied as it is. Any other is escaped first by `words::escape` and then by JSON's own rules.

use std::{fmt::Display, io::Write as _, net::IpAddr};

use serde_json::Value;

use crate::ground::{
    model::{
        address::Mac,
        flow_line::{COLUMNS, Cells, FlowRecord, LineContext, Part},
        time::Timestamp,
    },
    words::escape,
};

/// Writes flow lines, one after the other.
#[derive(Debug)]
pub struct Encoder {
    /// What stands before each column's cell.
    heads: Vec<String>,
}

impl Default for Encoder {
    fn default() -> Self {
        let head = |(place, key): (usize, &str)| format!("{}\"{key}\":", if place == 0 { '{' } else { ',' });
        let heads = COLUMNS.iter().map(|column| column.key).enumerate().map(head).collect();
        Self { heads }
    }
}

impl Encoder {
    /// Appends the line of one flow, with its line end.
    pub fn add(&mut self, record: &FlowRecord, context: &LineContext, line: &mut Vec<u8>) {
        let mut pen = Pen { line, is_list: false, follows: false };
        for (column, head) in COLUMNS.iter().zip(&self.heads) {
            pen.put(head.as_bytes());
            (column.tell)(record, context, &mut pen);
        }
        pen.put(b"}\n");
    }
}

/// One line being written.
struct Pen<'a> {
    line: &'a mut Vec<u8>,
    /// The texts of a list are being told.
    is_list: bool,
    /// The next of them is not the first.
    follows: bool,
}

impl Cells for Pen<'_> {
    fn null(&mut self) {
        self.put(b"null");
    }

    fn number(&mut self, number: u64) {
        self.put(itoa::Buffer::new().format(number).as_bytes());
    }

    fn text(&mut self, parts: &[Part<'_>]) {
        self.put(if self.follows { b",\"" } else { b"\"" });
        self.follows = self.is_list;
        parts.iter().for_each(|part| self.part(part));
        self.put(b"\"");
    }

    fn begin(&mut self) {
        self.put(b"[");
        self.is_list = true;
    }

    fn end(&mut self) {
        self.put(b"]");
        (self.is_list, self.follows) = (false, false);
    }
}

impl Pen<'_> {
    fn put(&mut self, bytes: &[u8]) {
        self.line.extend_from_slice(bytes);
    }

    fn part(&mut self, part: &Part<'_>) {
        match *part {
            Part::Ours(text) if is_plain(text.as_bytes()) => self.put(text.as_bytes()),
            Part::Ours(text) => self.quoted(escape::text(text)),
            Part::Strange(bytes) if is_plain(bytes) => self.put(bytes),
            Part::Strange(bytes) => self.quoted(escape::bytes(bytes)),
            Part::Number(number) => self.number(number),
            Part::Address(addr) => self.address(addr),
            Part::Mac(mac) => self.mac(mac),
            Part::Time(at) => self.time(at),
            Part::Check(check) => self.shown(check),
        }
    }

    /// What is safe for a reader's eyes, as the inside of a JSON string.
    fn quoted(&mut self, safe: String) {
        let quoted = Value::from(safe).to_string();
        let inside = quoted.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
        self.put(inside.unwrap_or_default().as_bytes());
    }

    /// What writes itself in plain words.
    fn shown(&mut self, value: impl Display) {
        // A vector takes all it is given.
        let _ = write!(self.line, "{value}");
    }

    fn address(&mut self, addr: IpAddr) {
        match addr {
            IpAddr::V4(addr) => {
                for (place, octet) in addr.octets().into_iter().enumerate() {
                    self.put(if place == 0 { b"" } else { b"." });
                    self.number(octet.into());
                }
            }
            IpAddr::V6(addr) => self.shown(addr),
        }
    }

    fn mac(&mut self, mac: Mac) {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        let mut text = [b':'; 17];
        for (pair, byte) in text.chunks_mut(3).zip(mac.0) {
            pair[0] = DIGITS[usize::from(byte >> 4)];
            pair[1] = DIGITS[usize::from(byte & 0xf)];
        }
        self.put(&text);
    }

    fn time(&mut self, at: Timestamp) {
        self.put(&at.text());
    }
}

/// Printable ASCII that stands in a JSON string as it is.
fn is_plain(bytes: &[u8]) -> bool {
    bytes
        .iter()
        .fold(true, |all, byte| all & (matches!(byte, b' '..=b'~') & (*byte != b'"') & (*byte != b'\\')))
}

#[cfg(test)]
mod tests {
    use std::{net::Ipv6Addr, sync::Arc};

    use proptest::{collection::vec, prelude::*};

    use super::*;
    use crate::ground::model::{
        address::Transport,
        cause::Cause,
        decoded::{Outer, TcpFlags},
        facts::FlowId,
        field::Field,
        finding::CheckId,
        identity::Notes,
        key::{Endpoint, Side, TunnelKind, Tuple},
        name::HostName,
        observation::Value as Said,
        packet::{Ordinal, SensorId},
        verdict::Judgement,
    };

    fn line(record: &FlowRecord, context: &LineContext) -> String {
        let mut line = Vec::new();
        Encoder::default().add(record, context, &mut line);
        String::from_utf8(line).unwrap()
    }

    /// The same cells as values of `serde_json`: slow, and plainly right.
    #[derive(Default)]
    struct Reference {
        cell: Value,
        list: Option<Vec<Value>>,
    }

    impl Cells for Reference {
        fn null(&mut self) {
            self.cell = Value::Null;
        }

        fn number(&mut self, number: u64) {
            self.cell = number.into();
        }

        fn text(&mut self, parts: &[Part<'_>]) {
            let letters = parts.iter().map(|part| match *part {
                Part::Ours(text) => escape::text(text),
                Part::Strange(bytes) => escape::bytes(bytes),
                Part::Number(number) => number.to_string(),
                Part::Address(addr) => addr.to_string(),
                Part::Mac(mac) => mac.to_string(),
                Part::Time(at) => at.to_string(),
                Part::Check(check) => check.to_string(),
            });
            let text = Value::from(letters.collect::<String>());
            match &mut self.list {
                Some(list) => list.push(text),
                None => self.cell = text,
            }
        }

        fn begin(&mut self) {
            self.list = Some(Vec::new());
        }

        fn end(&mut self) {
            self.cell = self.list.take().unwrap().into();
        }
    }

    fn by_reference(record: &FlowRecord, context: &LineContext) -> String {
        let cells = COLUMNS.iter().map(|column| {
            let mut told = Reference::default();
            (column.tell)(record, context, &mut told);
            format!("{}:{}", Value::from(column.key), told.cell)
        });
        format!("{{{}}}\n", cells.collect::<Vec<_>>().join(","))
    }

    #[test]
    fn a_hostile_name_stays_one_json_string_and_one_line() {
        let mut record = FlowRecord::default();
        let mut notes = Notes::new(&mut record.facts.identity, Ordinal(1), Timestamp::default());
        notes.name(Field::Sni, b"a\"\n\x1b[2J\x7f\xc2\x9b.example", Side::Opener);
        let line = line(&record, &LineContext::default());
        assert_eq!(line.bytes().filter(|byte| *byte == b'\n').count(), 1);
        assert!(line.trim_end().bytes().all(|byte| (b' '..=b'~').contains(&byte)));
        let value: Value = serde_json::from_str(&line).unwrap();
        assert_eq!(value["sni"][0], "a\"\\x0a\\x1b[2j\\x7f\\xc2\\x9b.example");
    }

    #[test]
    fn keys_stand_in_the_order_of_the_columns() {
        let text = line(&FlowRecord::default(), &LineContext::default());
        let mut place = 0;
        for column in COLUMNS {
            let found = text[place..].find(&format!("\"{}\":", column.key)).expect(column.key);
            place += found;
        }
    }

    fn text() -> impl Strategy<Value = String> {
        prop_oneof!["[ -~]{0,12}", "\\PC{0,6}", vec(any::<char>(), 0..6).prop_map(String::from_iter)]
    }

    fn bytes() -> impl Strategy<Value = Vec<u8>> {
        prop_oneof!["[a-z.]{0,20}".prop_map(String::into_bytes), vec(any::<u8>(), 0..12)]
    }

    fn address() -> impl Strategy<Value = IpAddr> {
        let sparse = any::<(u128, u128)>()
            .prop_map(|(bits, mask)| IpAddr::V6(Ipv6Addr::from(bits & mask & mask << 64)));
        prop_oneof![
            any::<IpAddr>(),
            sparse,
            Just("::ffff:192.0.2.1".parse().unwrap()),
            Just("::1".parse().unwrap())
        ]
    }

    fn end() -> impl Strategy<Value = Endpoint> {
        (address(), any::<u16>()).prop_map(|(addr, port)| Endpoint { addr, port })
    }

    fn value() -> impl Strategy<Value = Said> {
        let host = || bytes().prop_map(|raw| HostName::new(&raw));
        prop_oneof![
            host().prop_map(Said::Name),
            bytes().prop_map(|raw| Said::Text(raw.into())),
            (host(), any::<Option<u16>>()).prop_map(|(host, port)| Said::Target { host, port }),
            (host(), address()).prop_map(|(name, addr)| Said::Answer { name, addr }),
        ]
    }

    fn cause() -> impl Strategy<Value = (Cause, String)> {
        (proptest::sample::select(Cause::ALL), text())
    }

    prop_compose! {
        fn judgement()(
            ids in vec(text(), 4),
            causes in vec(cause(), 0..4),
            checks in vec((b'A'..=b'Q', 0..=120_u8), 0..3),
        ) -> Judgement {
            let id = |place: usize| Arc::from(ids[place].as_str());
            let mut judgement = Judgement {
                segment_client: id(0),
                segment_server: id(1),
                channel: Some(id(2)),
                forbid: Some(id(3)),
                ..Judgement::default()
            };
            causes.iter().for_each(|(cause, argument)| judgement.causes.add_with(*cause, argument));
            judgement.findings.extend(checks.iter().map(|(letter, number)| CheckId::new(*letter, *number)));
            judgement
        }
    }

    prop_compose! {
        fn record()(
            transport in prop_oneof![Just(6), any::<u8>()],
            ends in (end(), end()),
            answerer_is_client in any::<bool>(),
            (ordinal, carrier, counts) in any::<(u64, u8, [u64; 12])>(),
            (flags, ttl, macs, stamps) in any::<([u8; 2], [[u8; 2]; 2], [Option<[u8; 6]>; 4], [i64; 2])>(),
            vlans in vec(vec(any::<u16>(), 0..4), 2),
            outers in vec((end(), end(), any::<u32>()), 0..3),
            sensors in vec(0..4_u16, 0..4),
            said in vec((proptest::sample::select(Field::ALL), value(), any::<bool>()), 0..40),
            causes in vec((cause(), any::<bool>()), 0..4),
            judgement in proptest::option::of(judgement()),
            (known, community_id) in (vec(bytes(), 0..3), text()),
        ) -> FlowRecord {
            let mut record = FlowRecord { judgement, community_id, ..FlowRecord::default() };
            record.known_names = known.iter().map(|raw| HostName::new(raw)).collect();
            let facts = &mut record.facts;
            facts.id = FlowId { ordinal: Ordinal(ordinal), carrier };
            facts.carrier = (carrier > 0).then_some(TunnelKind::Vxlan);
            facts.transport = Transport(transport);
            (facts.opener, facts.answerer) = ends;
            facts.client = if answerer_is_client { Side::Answerer } else { Side::Opener };
            for (place, side) in facts.sides.iter_mut().enumerate() {
                let half = |number: usize| counts[6 * place + number] >> 1;
                [side.packets, side.wire_bytes, side.captured_bytes] = [0, 1, 2].map(half);
                [side.payload_bytes, side.duplicates, side.unseen_bytes] = [3, 4, 5].map(half);
                side.flags = TcpFlags(flags[place].into());
                side.ttl = ttl[place];
                side.macs = [macs[2 * place].map(Mac), macs[2 * place + 1].map(Mac)];
                side.vlans.clone_from(&vlans[place]);
            }
            [facts.first, facts.last] = stamps.map(Timestamp::from_nanos);
            facts.outers = outers.iter().map(|(source, target, id)| Outer {
                kind: TunnelKind::Gre,
                id: *id,
                tuple: Tuple { source: *source, target: *target, transport: Transport::UDP },
            }).collect();
            facts.also_seen = sensors.iter().map(|sensor| SensorId(*sensor)).collect();
            let mut notes = Notes::new(&mut facts.identity, Ordinal(1), Timestamp::default());
            for (field, value, by_opener) in said {
                notes.add(field, value, if by_opener { Side::Opener } else { Side::Answerer });
            }
            for ((cause, argument), measured) in &causes {
                let noted = if *measured { &mut facts.causes } else { &mut facts.identity.causes };
                noted.add_with(*cause, argument);
            }
            record
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn every_line_is_byte_for_byte_what_serde_json_makes_of_its_cells(
            records in vec(record(), 1..4),
            capture in text(),
            sensors in vec(text(), 3),
        ) {
            let sensors = sensors.into_iter().map(Arc::from).collect();
            let context = LineContext { capture, sensors };
            let mut encoder = Encoder::default();
            let mut written = Vec::new();
            let mut expected = String::new();
            for record in &records {
                encoder.add(record, &context, &mut written);
                expected += &by_reference(record, &context);
            }
            prop_assert_eq!(String::from_utf8(written).unwrap(), expected);
        }
    }
}
