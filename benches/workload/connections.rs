//! B: short complete TLS connections of real clients and servers, with other clients, ports and servers.

use std::{
    collections::BTreeMap,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
};

use super::{
    frame::{Frame, Ip, ip_start, pair, read},
    out::{Out, mix},
    packet::{ACK, SYN, checksum},
    rewrite::{set_address, set_port},
};

/// Frames of a short connection.
const FRAMES: std::ops::RangeInclusive<usize> = 12..=120;
/// Bytes of a short connection.
const BYTES_MAX: usize = 100_000;
/// Longest frame: one link, no offload.
const FRAME_MAX: usize = 1_600;
/// Longest pause between the first packet and any other: who waits longer is not short.
const PAUSE_MAX: u64 = 3_000_000;
/// Clients of the office.
const CLIENTS: u64 = 4_096;

const FIN: u8 = 1;
const RST: u8 = 4;

/// One frame of a connection.
struct Part {
    micros: u64,
    bytes: Vec<u8>,
    is_client: bool,
}

pub(crate) fn write(out: &mut Out, count: u64, seconds: u64, inputs: &[&str]) {
    let found: Vec<Vec<Part>> = inputs.iter().flat_map(|input| complete(&read(input))).collect();
    assert!(!found.is_empty(), "no short complete TLS connection in the inputs");
    let frames: usize = found.iter().map(Vec::len).sum();
    println!("{} connections found, {:.1} packets each", found.len(), frames as f64 / found.len() as f64);
    let model = |serial: u64| &found[(mix(serial) % found.len() as u64) as usize];
    let mut turns = Vec::new();
    for serial in 0..count {
        let start = serial * seconds * 1_000_000 / count;
        for (index, part) in model(serial).iter().enumerate() {
            turns.push((start + part.micros, serial, index as u32));
        }
    }
    turns.sort_unstable();
    let mut bytes = Vec::new();
    for (micros, serial, index) in turns {
        let part = &model(serial)[index as usize];
        bytes.clear();
        bytes.extend_from_slice(&part.bytes);
        rename(&mut bytes, serial, part.is_client);
        out.put(micros, &bytes, bytes.len() as u32);
    }
}

/// The short complete TLS connections of an input.
fn complete(frames: &[Frame]) -> Vec<Vec<Part>> {
    let mut flows: BTreeMap<_, Vec<&Frame>> = BTreeMap::new();
    let mut order = Vec::new();
    for frame in frames {
        let Some(start) = ip_start(&frame.bytes) else { continue };
        let bytes = &frame.bytes[start..];
        let Some(ip) = Ip::of(bytes).filter(|ip| ip.protocol == 6 && ip.is_first) else { continue };
        let (flow, _) = pair(ip, bytes);
        flows
            .entry(flow)
            .or_insert_with(|| {
                order.push(flow);
                Vec::new()
            })
            .push(frame);
    }
    order.iter().filter_map(|flow| connection(&flows[flow])).collect()
}

/// What a TCP frame says: its flags, whether this end sent it, and its payload.
fn segment(frame: &Frame) -> Option<((IpAddr, u16), u8, &[u8])> {
    let bytes = &frame.bytes[ip_start(&frame.bytes)?..];
    let ip = Ip::of(bytes)?;
    let header = bytes.get(ip.transport..ip.transport + 20)?;
    let payload = ip.transport + usize::from(header[12] >> 4) * 4;
    Some((pair(ip, bytes).1, header[13], bytes.get(payload..ip.end).unwrap_or_default()))
}

/// The frames of one flow when they are a connection from SYN to FIN or RST that begins with both hellos.
fn connection(frames: &[&Frame]) -> Option<Vec<Part>> {
    let is_whole = |frame: &&Frame| !frame.is_cut() && frame.bytes.len() <= FRAME_MAX;
    let bytes: usize = frames.iter().map(|frame| frame.bytes.len()).sum();
    if !FRAMES.contains(&frames.len()) || bytes > BYTES_MAX || !frames.iter().all(is_whole) {
        return None;
    }
    let segments: Vec<_> = frames.iter().map(|frame| segment(frame)).collect::<Option<_>>()?;
    let client = segments[0].0;
    let opening = |segment: &&((IpAddr, u16), u8, &[u8])| segment.1 & (SYN | ACK) == SYN;
    let first_of = |is_client: bool| {
        segments.iter().find(|segment| (segment.0 == client) == is_client && !segment.2.is_empty())
    };
    let says = |is_client: bool, hello: u8| {
        first_of(is_client).is_some_and(|(.., payload)| {
            payload.len() > 5 && payload[0] == 22 && payload[1] == 3 && payload[5] == hello
        })
    };
    let is_complete = opening(&&segments[0])
        && segments.iter().filter(opening).count() == 1
        && segments.iter().any(|segment| segment.1 & (FIN | RST) != 0)
        && says(true, 1)
        && says(false, 2);
    let has_place = match segments[0].0.0 {
        IpAddr::V4(_) => true,
        IpAddr::V6(address) => !address.is_loopback() && !address.is_unicast_link_local(),
    };
    (is_complete && has_place).then(|| {
        frames
            .iter()
            .zip(&segments)
            .map(|(frame, segment)| Part {
                micros: frame.micros.saturating_sub(frames[0].micros).min(PAUSE_MAX),
                bytes: frame.bytes.clone(),
                is_client: segment.0 == client,
            })
            .collect()
    })
}

/// Gives a frame the client, the client's port and the server of its connection. Public servers stay near theirs, since
/// a policy knows names by address; private ones move to the range for benchmarks (RFC 2544).
fn rename(frame: &mut [u8], serial: u64, is_client: bool) {
    let Some(start) = ip_start(frame) else { return };
    let bytes = &mut frame[start..];
    let Some(ip) = Ip::of(bytes) else { return };
    let (client, server) = if is_client { (0, 1) } else { (1, 0) };
    let near = mix(serial) as u32 & 0x3fff;
    let number = (serial % CLIENTS) as u32;
    match ip.ends(bytes)[server] {
        IpAddr::V4(old) => {
            let bits = u32::from(old);
            let is_public = !old.is_private() && !old.is_loopback() && !old.is_link_local();
            let new = if is_public { bits ^ near } else { 0xc612_0000 | (bits ^ near) & 0x1_ffff };
            set_address(bytes, ip, client, Ipv4Addr::from(0x0a40_0000 | number).into());
            set_address(bytes, ip, server, Ipv4Addr::from(new).into());
        }
        IpAddr::V6(old) => {
            let new = Ipv6Addr::from((0x2001_0db8_u128 << 96) | u128::from(number));
            set_address(bytes, ip, client, new.into());
            set_address(bytes, ip, server, Ipv6Addr::from(u128::from(old) ^ u128::from(near)).into());
        }
    }
    // 641 shares no divisor with the number of ports: no two connections of a client have the same one.
    set_port(bytes, ip, client, 16_384 + (serial / CLIENTS * 641 % 49_152) as u16);
    // Many were captured before their network card had filled in the sums; behind a mirror port all have them.
    if !ip.is_v6 {
        bytes[10..12].fill(0);
        let sum = checksum(&bytes[..ip.transport], 0);
        bytes[10..12].copy_from_slice(&sum.to_be_bytes());
    }
    let place = ip.transport + 16;
    let pseudo = checksum(&bytes[if ip.is_v6 { 8..40 } else { 12..20 }], 6 + (ip.end - ip.transport) as u32);
    bytes[place..place + 2].fill(0);
    let sum = checksum(&bytes[ip.transport..ip.end], u32::from(pseudo ^ 0xffff));
    bytes[place..place + 2].copy_from_slice(&sum.to_be_bytes());
}
