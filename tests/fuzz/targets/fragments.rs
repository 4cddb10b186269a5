//! Datagrams put together from frames.

use sekisho::{
    ground::model::{decoded::Decoded, limits::FRAGMENT_IDLE},
    wire::decode::{Decodings, Inner, Reassembler, decode},
};

use super::{LINKS, Script, head};

/// Bounds that an input of some kilobytes reaches.
const BYTES_MAX: usize = 6_000;
const DATAGRAMS_MAX: usize = 4;

/// Frames, each behind its link type, what the snaplen cut off, and its length. Every frame that is a flow or a piece of
/// one is counted once, whatever is given up.
pub fn fragments(input: &[u8]) {
    let mut script = Script(input);
    let mut reassembler = Reassembler::with_limits(BYTES_MAX, DATAGRAMS_MAX);
    let mut flows = Flows::default();
    let (mut frames, mut wire_bytes, mut captured_bytes) = (0, 0, 0);
    let mut out = Vec::new();
    while !script.is_over() {
        let link = LINKS.get(usize::from(script.byte())).copied().unwrap_or_default();
        let cut = u32::from(script.byte());
        let frame = script.sized();
        let head = head(frames + 1, link, frame.len(), cut);
        let mut decodings = Decodings::default();
        decode(frame, &head, &mut decodings);
        match std::mem::take(&mut decodings.inner) {
            Inner::NoFlow(..) => continue,
            Inner::Fragment(piece) => reassembler.push(piece, &mut out),
            inner @ Inner::Flow(_) => {
                decodings.inner = inner;
                out.push(decodings);
            }
        }
        frames += 1;
        wire_bytes += u64::from(head.wire_len);
        captured_bytes += u64::from(head.captured_len);
        if cut == 0xff {
            reassembler.expire(head.at.plus(FRAGMENT_IDLE), &mut out);
        }
        flows.take(&mut out);
        assert!(reassembler.waiting() <= DATAGRAMS_MAX);
    }
    reassembler.finish(&mut out);
    flows.take(&mut out);
    assert_eq!(reassembler.waiting(), 0);
    let counted = (flows.frames, flows.wire_bytes, flows.captured_bytes);
    assert_eq!(counted, (frames, wire_bytes, captured_bytes));
}

#[derive(Default)]
struct Flows {
    frames: u64,
    wire_bytes: u64,
    captured_bytes: u64,
}

impl Flows {
    fn take(&mut self, out: &mut Vec<Decodings>) {
        for decodings in out.drain(..) {
            let flow: &Decoded = match &decodings.inner {
                Inner::Flow(decoded) => decoded,
                other => panic!("a reassembler gives flows only: {other:?}"),
            };
            self.frames += 1 + u64::from(flow.fragments);
            self.wire_bytes += u64::from(flow.head.wire_len) + flow.fragments_wire_bytes;
            self.captured_bytes += u64::from(flow.head.captured_len) + flow.fragments_captured_bytes;
        }
    }
}
