//! Frames of every link type, down to their innermost flow.

use sekisho::{
    ground::model::decoded::PayloadHome,
    wire::decode::{Decodings, Inner, decode},
};

use super::{LINKS, Script, head};

/// Link type and bytes cut off by the snaplen, then a frame. What was decoded before changes nothing, and a payload lies
/// in its frame.
pub fn link(input: &[u8]) {
    let mut script = Script(input);
    let link = LINKS.get(usize::from(script.byte())).copied().unwrap_or_default();
    let cut = u32::from(script.byte());
    let frame = script.0;
    let head = head(1, link, frame.len(), cut);
    let mut fresh = Decodings::default();
    decode(frame, &head, &mut fresh);
    let mut used = Decodings::default();
    decode(&[0x45; 90], &super::head(9, LINKS[7], 90, 0), &mut used);
    decode(frame, &head, &mut used);
    assert_eq!(format!("{used:?}"), format!("{fresh:?}"));
    let flows = fresh.carriers.iter().chain(match &fresh.inner {
        Inner::Flow(decoded) => Some(decoded),
        _ => None,
    });
    for decoded in flows {
        let payload = decoded.payload(frame).len();
        assert!(payload <= decoded.payload_wire_len as usize, "{decoded:?}");
        assert!(decoded.payload_home != PayloadHome::Frame || payload <= frame.len());
    }
}
