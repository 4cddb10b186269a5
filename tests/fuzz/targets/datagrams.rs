//! Protocols over UDP: every one in the registry.

use sekisho::{
    ground::model::{
        address::Transport,
        identity::{Identity, Notes},
        packet::Ordinal,
        time::Timestamp,
    },
    wire::{identify::inspection::Inspection, proto},
};

use super::{Step, conversation};

/// A conversation, each part a datagram. The same datagrams say the same twice.
pub fn datagrams(input: &[u8]) {
    let (ports, steps) = conversation(input);
    assert_eq!(read(ports, &steps), read(ports, &steps));
}

fn read(ports: [u16; 2], steps: &[Step<'_>]) -> Identity {
    let mut identity = Identity::default();
    let mut notes = Notes::new(&mut identity, Ordinal(1), Timestamp::default());
    let mut inspection = Inspection::new(Transport::UDP, ports);
    for step in steps {
        match *step {
            Step::Bytes(side, bytes) => {
                if !inspection.needs_bytes() && proto::reopens(Transport::UDP, bytes) {
                    inspection = Inspection::anew(Transport::UDP, ports, inspection.is_known());
                }
                inspection.bytes(bytes, side, &mut notes);
            }
            Step::Gap(side, missing) => inspection.gap(missing, side, &mut notes),
        }
    }
    inspection.finish(&mut notes);
    identity
}
