//! Protocols over TCP: every one in the registry, and what they carry.

use sekisho::{
    ground::model::{
        address::Transport,
        identity::{Identity, Marks, Notes},
        key::Side,
        packet::Ordinal,
        time::Timestamp,
    },
    wire::identify::inspection::Inspection,
};

use super::{Step, conversation};

/// A conversation, see [`conversation`]. The way a stream is cut changes nothing, as long as every reader can go on byte by
/// byte.
pub fn streams(input: &[u8]) {
    let (ports, steps) = conversation(input);
    let whole = read(ports, &steps, usize::MAX);
    for piece in [1, 7] {
        let cut = read(ports, &steps, piece);
        // A shorter look may take for TLS what a longer one refuses, so either reading may be the one that waits.
        if ![&whole, &cut].into_iter().any(|one| looks_for_a_segment(one, &steps)) {
            assert_eq!(cut, whole, "in pieces of {piece}");
        }
    }
    variants(ports, &steps);
}

/// Behind a hole, and where TLS is joined in its middle, a reader waits for a segment that starts with a record: there the
/// cut counts.
fn looks_for_a_segment(read: &Identity, steps: &[Step<'_>]) -> bool {
    let is_tls = read.app == "tls" || read.inner_apps.contains(&"tls");
    steps.iter().any(|step| matches!(step, Step::Gap(..))) || is_tls && !read.marks.has(Marks::CLIENT_HELLO)
}

fn read(ports: [u16; 2], steps: &[Step<'_>], piece: usize) -> Identity {
    let mut identity = Identity::default();
    let mut notes = Notes::new(&mut identity, Ordinal(1), Timestamp::default());
    let mut inspection = Inspection::new(Transport::TCP, ports);
    for step in steps {
        match *step {
            Step::Bytes(side, bytes) => {
                bytes.chunks(piece).for_each(|chunk| inspection.bytes(chunk, side, &mut notes));
            }
            Step::Gap(side, missing) => inspection.gap(missing, side, &mut notes),
        }
    }
    inspection.finish(&mut notes);
    identity
}

/// The first bytes of both ends, read as variants of conflicting ones.
fn variants(ports: [u16; 2], steps: &[Step<'_>]) {
    let first = |wanted| {
        steps.iter().find_map(|step| match *step {
            Step::Bytes(side, bytes) if side == wanted => Some(bytes),
            _ => None,
        })
    };
    let Some(prefix) = first(Side::Opener) else { return };
    let mut identity = Identity::default();
    let mut notes = Notes::new(&mut identity, Ordinal(1), Timestamp::default());
    Inspection::new(Transport::TCP, ports).variant(Side::Opener, prefix, first(Side::Answerer), &mut notes);
    assert!(identity.observations.iter().all(|fact| fact.variant), "a variant never acquits");
}
