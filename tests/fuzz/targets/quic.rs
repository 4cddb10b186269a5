//! QUIC behind its encryption: Initials are sealed here with the keys that anybody can derive, so that any frames are read.

use sekisho::{
    ground::model::{
        address::Transport,
        identity::{Identity, Notes},
        key::Side,
        packet::Ordinal,
        time::Timestamp,
    },
    wire::identify::inspection::Inspection,
};

use super::Script;
use initial::{Initial, V1, V2, crypto};

#[path = "../../it/quic.rs"]
#[allow(dead_code, reason = "what only other tests need")]
mod initial;

const FIRST_ID: &[u8] = b"first-id";

/// Packets: how (1: the server's, 2: version 2, 4: a CRYPTO frame at the offset of the next two bytes, 8: not an Initial but
/// these very bytes, 16: in the same datagram as the one before), then frames behind their length.
pub fn quic(input: &[u8]) {
    let mut script = Script(input);
    let mut datagrams: Vec<(Side, Vec<u8>)> = Vec::new();
    let mut number = 0;
    while !script.is_over() {
        let how = script.byte();
        let offset = if how & 4 == 0 { 0 } else { usize::from(script.pair()) };
        let bytes = script.sized();
        let from_client = how & 1 == 0;
        let packet = if how & 8 == 0 {
            let initial = Initial {
                version: if how & 2 == 0 { V1 } else { V2 },
                from_client,
                key: FIRST_ID,
                dcid: if from_client { FIRST_ID } else { b"" },
                scid: b"",
                token: b"",
                number,
                frames: if how & 4 == 0 { bytes.to_vec() } else { crypto(offset, bytes) },
            };
            number += 1;
            initial.seal(if from_client && how & 16 == 0 { 1_170 } else { 4 })
        } else {
            bytes.to_vec()
        };
        let side = if from_client { Side::Opener } else { Side::Answerer };
        match datagrams.last_mut().filter(|(last, _)| how & 16 != 0 && *last == side) {
            Some((_, datagram)) => datagram.extend(packet),
            None => datagrams.push((side, packet)),
        }
    }
    assert_eq!(read(&datagrams), read(&datagrams));
}

fn read(datagrams: &[(Side, Vec<u8>)]) -> Identity {
    let mut identity = Identity::default();
    let mut notes = Notes::new(&mut identity, Ordinal(1), Timestamp::default());
    let mut inspection = Inspection::new(Transport::UDP, [49_152, 443]);
    for (side, datagram) in datagrams {
        inspection.bytes(datagram, *side, &mut notes);
    }
    inspection.finish(&mut notes);
    identity
}
