//! The loop of layers: link, network, transport, and again as long as a tunnel opens.

use crate::ground::model::{
    decoded::{Decoded, LinkFacts, Outer, Outers, PacketMarks, PayloadHome},
    key::{Encap, Tuple},
    limits::TUNNEL_DEPTH_MAX,
    packet::PacketHead,
};

use super::{
    Decodings, Inner,
    cursor::{Cursor, Refusal},
    digest::digest,
    fragment::Piece,
    link::{self, Layer},
    network::Network,
    transport, tunnel,
};

/// What is known before the first byte is read: of a frame, or of a datagram that was put together.
#[derive(Clone, Debug)]
pub(super) struct Origin<'a> {
    pub(super) head: PacketHead,
    pub(super) bytes: &'a [u8],
    pub(super) home: PayloadHome,
    /// Where the bytes end on the wire, in offsets of the home.
    pub(super) wire_end: usize,
    pub(super) link: LinkFacts,
    pub(super) encap: Encap,
    pub(super) marks: PacketMarks,
    pub(super) fragments: u32,
    pub(super) fragments_wire_bytes: u64,
    pub(super) fragments_captured_bytes: u64,
}

/// Walks from `layer` at offset `at` to the innermost flow. `out` holds no carriers yet; its trail holds the layers
/// that lie around the origin.
#[inline]
pub(super) fn walk(origin: &Origin<'_>, layer: Layer, at: usize, out: &mut Decodings) {
    let bytes = origin.bytes;
    let mut link = origin.link;
    let mut encap = origin.encap;
    let cursor = Cursor { bytes, at, wire_end: origin.wire_end, number: 0 };
    let mut network = match link::reach(cursor, layer, &mut link) {
        Ok(network) => network,
        Err(Refusal(why, number)) => {
            out.inner = Inner::NoFlow(why, number);
            return;
        }
    };
    loop {
        if let Some(fragment) = &network.fragment {
            // How deep the datagram goes is not known yet: count down from where no whole packet's carriers reach.
            let around = out.trail.len() - out.carriers.len();
            number(&mut out.carriers, 2 * TUNNEL_DEPTH_MAX - around);
            let arrival = portless(origin, &network, link, encap, &out.trail);
            out.inner = Inner::Fragment(Box::new(Piece::new(arrival, bytes, &network, fragment)));
            return;
        }
        let Some(decoded) = out.inner.flow_slot() else { return };
        fill(decoded, origin, &network, link, encap);
        transport::read(bytes, &network, decoded);
        decoded.digest = digest(bytes, &network);
        let mut control = None;
        let opened = tunnel::inside(bytes, &network, decoded).and_then(|tunnel| {
            let mut link = tunnel.link();
            match link::reach(tunnel.inside, tunnel.layer, &mut link) {
                Ok(inner) => {
                    (!tunnel.is_guess || inner.fits(&tunnel.inside)).then_some((tunnel, inner, link))
                }
                Err(refusal) => {
                    // A datagram's frames must count as a flow, and beyond the depth nothing is told.
                    let is_told = !tunnel.is_guess
                        && !refusal.0.is_blind()
                        && origin.home == PayloadHome::Frame
                        && out.trail.len() < TUNNEL_DEPTH_MAX;
                    control = is_told.then_some((tunnel, refusal));
                    None
                }
            }
        });
        if !out.trail.is_empty() {
            decoded.outers = outers(&out.trail);
        }
        // ARP and the like inside a tunnel: the frame counts as what it is, the tunnel is told as a carrier.
        if let Some((tunnel, Refusal(why, kind))) = control {
            decoded.carrier = Some(tunnel.kind);
            out.carriers.push(std::mem::take(decoded));
            out.inner = Inner::NoFlow(why, kind);
            let outermost = out.carriers.len();
            return number(&mut out.carriers, outermost);
        }
        if opened.is_some() && out.trail.len() >= TUNNEL_DEPTH_MAX {
            decoded.marks.add(PacketMarks::DEPTH_LIMIT);
        }
        let Some((tunnel, inner, inner_link)) = opened.filter(|_| out.trail.len() < TUNNEL_DEPTH_MAX) else {
            let outermost = out.carriers.len();
            return number(&mut out.carriers, outermost);
        };
        decoded.carrier = Some(tunnel.kind);
        out.trail.push(Outer { kind: tunnel.kind, id: tunnel.id, tuple: decoded.tuple });
        out.carriers.push(std::mem::take(decoded));
        encap = tunnel.encap(encap);
        network = inner;
        link = inner_link;
    }
}

/// Says which outer layer each carrier is, from the outermost down: no two of one frame are the same.
fn number(carriers: &mut [Decoded], outermost: usize) {
    for (carrier, layer) in carriers.iter_mut().zip((0..=outermost).rev()) {
        carrier.layer = u8::try_from(layer).unwrap_or(u8::MAX);
    }
}

/// Everything but the transport. Written as one literal, so that no field of the packet before stays behind.
#[inline]
fn fill(decoded: &mut Decoded, origin: &Origin<'_>, network: &Network, link: LinkFacts, encap: Encap) {
    let mut marks = origin.marks;
    marks.add(network.marks);
    *decoded = Decoded {
        head: origin.head,
        tuple: Tuple::default(),
        encap,
        link,
        ttl: network.ttl,
        ip_id: network.ip_id,
        tcp: None,
        icmp: None,
        about: None,
        payload_at: 0,
        payload_len: 0,
        payload_wire_len: 0,
        payload_home: origin.home.clone(),
        digest: 0,
        marks,
        carrier: None,
        layer: 0,
        outers: Outers(None),
        fragments_wire_bytes: origin.fragments_wire_bytes,
        fragments_captured_bytes: origin.fragments_captured_bytes,
        fragments: origin.fragments,
    };
}

/// The packet of a piece's addresses: what stays when the other pieces never come.
#[cold]
fn portless(
    origin: &Origin<'_>,
    network: &Network,
    link: LinkFacts,
    encap: Encap,
    trail: &[Outer],
) -> Decoded {
    let mut decoded = Decoded::default();
    fill(&mut decoded, origin, network, link, encap);
    decoded.marks.add(PacketMarks::NO_TRANSPORT);
    transport::read(origin.bytes, &Network { marks: decoded.marks, ..*network }, &mut decoded);
    decoded.marks.add(PacketMarks::FRAG_INCOMPLETE);
    decoded.digest = digest(origin.bytes, network);
    decoded.outers = outers(trail);
    decoded
}

fn outers(trail: &[Outer]) -> Outers {
    Outers((!trail.is_empty()).then(|| trail.into()))
}
