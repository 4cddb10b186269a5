//! A small city and hand-made flows, for the tests of this floor.

use std::net::SocketAddr;

use crate::{
    ground::{
        calendar,
        model::{
            address::{Mac, Transport},
            cause::Cause,
            facts::{DirectionBasis, FlowFacts},
            field::Field,
            identity::{Answer, Basis, Marks, Notes, TargetKind},
            key::{Endpoint, Side},
            name::HostName,
            packet::{Ordinal, SensorId},
            time::{Span, Timestamp},
            verdict::Judgement,
        },
    },
    policy::language::{self, Policy},
    verdict::{
        check::{self, Fire},
        judge::{self, Vantage},
    },
};

/// A sensor that sees both directions.
pub(super) const FULL: Vantage = Vantage { both_directions: true };
/// A sensor that sees one.
pub(super) const HALF: Vantage = Vantage { both_directions: false };

/// The policy of the small city.
pub(super) const CITY: &str = include_str!("fixture_city.toml");

/// Reads a policy that has to be right.
pub(super) fn policy(text: &str) -> Policy {
    match language::load_text("city.toml", text) {
        Ok((policy, _)) => policy,
        Err(faults) => {
            panic!("{}", language::render_all(&faults, crate::ground::model::lang::Lang::En, false))
        }
    }
}

/// The small city.
pub(super) fn city() -> Policy {
    policy(CITY)
}

/// The small city with one piece of its policy replaced.
pub(super) fn city_with(old: &str, new: &str) -> Policy {
    assert!(CITY.contains(old), "the fixture has no {old:?}");
    policy(&CITY.replace(old, new))
}

/// The small city with something added at the end.
pub(super) fn city_and(more: &str) -> Policy {
    policy(&format!("{CITY}\n{more}"))
}

/// A moment by RFC 3339.
pub(super) fn at(text: &str) -> Timestamp {
    calendar::parse_stamp(text).expect("a stamp with an offset")
}

/// The judge's verdict, from a sensor that sees both directions.
pub(super) fn judged(policy: &Policy, flow: &FlowFacts) -> Judgement {
    judge::judge(policy, flow, FULL, false)
}

/// Verdict and findings.
pub(super) fn checked(policy: &Policy, flow: &FlowFacts) -> (Judgement, Vec<Fire>) {
    let mut judgement = judged(policy, flow);
    let mut fires = Vec::new();
    check::flow(policy, flow, &mut judgement, &mut fires);
    (judgement, fires)
}

/// Ids of the checks that spoke, in order.
pub(super) fn ids(fires: &[Fire]) -> Vec<String> {
    fires.iter().map(|fire| fire.check.to_string()).collect()
}

/// A flow in the making. The first end opens it.
#[derive(Clone)]
pub(super) struct Flow(pub(crate) FlowFacts);

impl Flow {
    /// An answered TCP connection without payload, at noon of 1 July 2026, seen from its SYN on.
    pub(super) fn tcp(client: &str, server: &str) -> Self {
        let end = |text: &str| {
            let end: SocketAddr = text.parse().expect("address:port");
            Endpoint { addr: end.ip(), port: end.port() }
        };
        let when = at("2026-07-01T12:00:00+09:00");
        let mut facts = FlowFacts {
            transport: Transport::TCP,
            opener: end(client),
            answerer: end(server),
            basis: DirectionBasis::Syn,
            first: when,
            last: when.plus(Span::from_secs(1)),
            first_frame: Ordinal(100),
            last_frame: Ordinal(110),
            ..FlowFacts::default()
        };
        for side in &mut facts.sides {
            side.packets = 3;
            side.wire_bytes = 180;
        }
        Self(facts)
    }

    /// An answered UDP flow.
    pub(super) fn udp(client: &str, server: &str) -> Self {
        let mut flow = Self::tcp(client, server);
        flow.0.transport = Transport::UDP;
        flow.0.basis = DirectionBasis::FirstPacket;
        flow.payload(64, 64)
    }

    /// Payload of client and server.
    pub(super) fn payload(mut self, up: u64, down: u64) -> Self {
        self.0.sides[0].payload_bytes = up;
        self.0.sides[1].payload_bytes = down;
        self
    }

    /// Nobody answered.
    pub(super) fn unanswered(mut self) -> Self {
        self.0.sides[0].payload_bytes = 0;
        self.0.sides[1] = Default::default();
        self
    }

    pub(super) fn app(mut self, app: &'static str) -> Self {
        self.0.identity.app = app;
        self.0.identity.basis = Basis::Parsed;
        self.payload(500, 500)
    }

    pub(super) fn mark(mut self, marks: Marks) -> Self {
        self.0.identity.marks.add(marks);
        self
    }

    pub(super) fn cause(mut self, cause: Cause) -> Self {
        self.0.identity.causes.add(cause);
        self
    }

    /// A TLS handshake that was answered in kind, without a name so far.
    pub(super) fn hello(self) -> Self {
        let marks = [Marks::CLIENT_HELLO, Marks::SERVER_HELLO, Marks::HANDSHAKE];
        marks.into_iter().fold(self.app("tls"), Self::mark)
    }

    /// A TLS handshake with this server name.
    pub(super) fn tls(self, sni: &str) -> Self {
        self.hello().name(Field::Sni, sni, 0)
    }

    /// A request in the clear to this host.
    pub(super) fn http(self, host: &str) -> Self {
        self.app("http").mark(Marks::CLEARTEXT).name(Field::HttpHost, host, 0)
    }

    pub(super) fn name(mut self, field: Field, name: &str, layer: u8) -> Self {
        self.notes().on_layer(layer).name(field, name.as_bytes(), Side::Opener);
        self
    }

    /// A name from a variant of conflicting bytes.
    pub(super) fn variant(mut self, field: Field, name: &str) -> Self {
        self.notes().as_variant().name(field, name.as_bytes(), Side::Opener);
        self
    }

    /// CONNECT to a target, with this answer.
    pub(super) fn connect(mut self, host: &str, port: u16, answer: Answer) -> Self {
        self = self.app("http");
        let mut notes = self.notes();
        let target = notes.target(TargetKind::Connect, HostName::new(host.as_bytes()), Some(port));
        notes.answer(target, answer);
        self
    }

    /// A hello inside the tunnel.
    pub(super) fn inside(mut self, sni: &str) -> Self {
        self.notes().on_layer(1).app("tls", Basis::Parsed);
        self.mark(Marks::CLIENT_HELLO).mark(Marks::SERVER_HELLO).mark(Marks::HANDSHAKE).name(
            Field::Sni,
            sni,
            1,
        )
    }

    pub(super) fn vlan(mut self, vlan: u16) -> Self {
        for side in &mut self.0.sides {
            side.vlans = vec![vlan];
        }
        self
    }

    /// Seen at the n-th sensor of the policy, counted from 1.
    pub(super) fn sensor(mut self, number: u16) -> Self {
        self.0.sensor = SensorId(number);
        self
    }

    /// The gateway of the breakout line.
    pub(super) fn on_breakout_line(mut self) -> Self {
        self.0.sides[1].macs[0] = Some("02:00:00:00:20:fe".parse::<Mac>().expect("a MAC"));
        self
    }

    /// First and last packet.
    pub(super) fn during(mut self, first: &str, last: &str) -> Self {
        (self.0.first, self.0.last) = (at(first), at(last));
        self
    }

    pub(super) fn guessed(mut self) -> Self {
        self.0.basis = DirectionBasis::Guess;
        self
    }

    fn notes(&mut self) -> Notes<'_> {
        Notes::new(&mut self.0.identity, Ordinal(105), self.0.first)
    }
}
