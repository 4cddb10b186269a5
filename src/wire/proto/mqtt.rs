//! MQTT: telemetry over TCP, known by the packet that opens it (MQTT 5.0 section 3.1).

use super::{
    dissector::{Dissector, First, Guess, Next, Protocol},
    shapes::begins,
};
use crate::ground::model::{
    address::Transport,
    identity::{Basis, Marks, Notes},
    key::Side,
};

/// MQTT over TCP.
pub static PROTOCOL: Protocol = Protocol {
    name: "mqtt",
    transport: Transport::TCP,
    ports: &[1883],
    first: First::of(&[CONNECT]),
    probe,
    open: || Box::new(Mqtt),
};

/// A client's first byte: CONNECT without flags.
const CONNECT: u8 = 0x10;

/// CONNECT, a length of one to four bytes, the protocol's name.
fn probe(first: &[u8], _side: Side) -> Guess {
    let Some(rest) = first.strip_prefix(&[CONNECT]) else { return begins(first, &[CONNECT]) };
    let Some(len_end) = rest.iter().take(4).position(|byte| byte & 0x80 == 0) else {
        return if rest.len() < 4 { Guess::Short } else { Guess::No };
    };
    let name = rest.get(len_end + 1..).unwrap_or(&[]);
    match begins(name, b"\0\x04MQTT") {
        Guess::No => begins(name, b"\0\x06MQIsdp"),
        guess => guess,
    }
}

#[derive(Debug)]
struct Mqtt;

impl Dissector for Mqtt {
    fn bytes(&mut self, bytes: &[u8], side: Side, notes: &mut Notes<'_>) -> Next {
        notes.app("mqtt", Basis::Signature);
        // The answer may be heard before the packet by which the protocol was known.
        notes.client(if bytes.first() == Some(&CONNECT) { side } else { side.other() });
        notes.mark(Marks::CLEARTEXT);
        Next::Settled
    }
}

#[cfg(test)]
mod tests {
    use super::{super::told::*, *};

    #[test]
    fn a_connection_is_opened_with_the_protocols_name() {
        let connect = b"\x10\x10\0\x04MQTT\x04\x02\0\x3c\0\x04node";
        let (identity, next) = told_last(&PROTOCOL, &[(UP, connect)]);
        assert_eq!(
            (identity.app, identity.client, identity.marks, next),
            ("mqtt", Some(UP), Marks::CLEARTEXT, Next::Settled)
        );
        let (identity, _) = told_last(&PROTOCOL, &[(DOWN, b"\x20\x02\0\0"), (UP, connect)]);
        assert_eq!(identity.client, Some(UP));
        assert_eq!(probe(b"\x10\x80\x01\0\x06MQIsdp", UP), Guess::Yes);
        assert_eq!(probe(&connect[..5], UP), Guess::Short);
        for bad in [&b"\x10\x10\0\x04MQXX"[..], b"\x10\xff\xff\xff\xff\x01", b"\x20\x02\0\0"] {
            assert_eq!(probe(bad, UP), Guess::No);
        }
    }
}
