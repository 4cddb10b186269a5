//! C: minimum-size packets, the worst case for a flow table. Every pass visits every flow once; the order is a full
//! cycle over windows of flows, other in every pass within its window, so that a flow returns only after nearly all
//! other flows (at least 15 of 16) have had a packet. 7 of 10 flows are TCP: opened, answered, then data both ways.

use super::{
    out::{Out, mix},
    packet::{ACK, PSH, Packet, SMALLEST, SYN, TCP_ROOM, Tcp},
};

/// Windows in which a pass has an order of its own.
const WINDOWS: u64 = 16;
/// Services of an office: most are decided by address under `policy.toml`, 443 asks for a name that never comes.
const TCP_PORTS: [u16; 10] = [22, 25, 53, 443, 587, 993, 1_433, 3_389, 5_432, 8_443];
const UDP_PORTS: [u16; 10] = [53, 123, 443, 500, 1_194, 3_478, 4_500, 5_060, 8_801, 51_820];
/// Nothing but the first packet comes in these microseconds: behind them whoever speaks first over UDP has opened the flow
/// (an idle limit has passed since the capture began), and directions are known as they are in a long capture.
const QUIET: u64 = 200_000_000;
/// One in so many TCP flows goes where the policy forbids it.
const FORBIDDEN: u64 = 1_000;

pub(crate) fn write(out: &mut Out, flows: u64, passes: u64) {
    let window = flows.div_ceil(WINDOWS);
    let spread = coprime(flows, mix(flows));
    let mut micros = QUIET;
    for pass in 0..passes {
        let step = coprime(window, mix(pass));
        for start in (0..flows).step_by(window as usize) {
            let len = window.min(flows - start);
            // The last window may be shorter; a step that visits it all is looked for anew.
            let step = if len == window { step } else { coprime(len, mix(pass)) };
            for turn in 0..len {
                let place = start + (turn * step + mix(pass ^ start) % len) % len;
                let at = if micros == QUIET { 0 } else { micros };
                out.put(at, &packet((place * spread) % flows, pass).frame(), SMALLEST as u32);
                micros += 1;
            }
        }
    }
}

/// The packet of a flow in a pass: even ones go up, odd ones down.
fn packet(flow: u64, pass: u64) -> Packet {
    let hash = mix(flow);
    let is_tcp = hash % 10 < 7;
    let pick = (hash >> 8) as usize % 10;
    let port = match (is_tcp, (hash >> 12) % FORBIDDEN) {
        (true, 0) => 23,
        (true, _) => TCP_PORTS[pick],
        (false, _) => UDP_PORTS[pick],
    };
    let [.., x, y] = (flow as u32).to_be_bytes();
    // 65,536 clients of 16 ports each and more: no two flows have the same client and port.
    let client = ([10, 1, x, y], 20_000 + (flow >> 16) as u16);
    let server = (u32::to_be_bytes(0xc612_0000 | ((hash >> 32) as u32 & 0x1_ffff)), port);
    let (source, target) = if pass.is_multiple_of(2) { (client, server) } else { (server, client) };
    let tcp = is_tcp.then(|| segment(hash, pass));
    Packet { source, target, tcp, filling: (hash >> 16) as u8 }
}

/// SYN, SYN and ACK, then data in turn, each acknowledging all before it.
const fn segment(hash: u64, pass: u64) -> Tcp {
    let starts = [hash as u32, (hash >> 24) as u32];
    let side = (pass % 2) as usize;
    let (seq, ack) = (sent(pass as u32 / 2), sent((pass as u32).div_ceil(2)));
    Tcp {
        seq: starts[side].wrapping_add(seq),
        ack: if pass == 0 { 0 } else { starts[1 - side].wrapping_add(ack) },
        flags: match pass {
            0 => SYN,
            1 => SYN | ACK,
            _ => PSH | ACK,
        },
        payload: if pass < 2 { 0 } else { TCP_ROOM },
    }
}

/// What a side has sent with so many packets: one for its SYN, then data.
const fn sent(packets: u32) -> u32 {
    if packets == 0 { 0 } else { 1 + (packets - 1) * TCP_ROOM as u32 }
}

/// The first number from here on that shares no divisor with `len`: steps of that length visit everything.
fn coprime(len: u64, from: u64) -> u64 {
    (from % len.max(1)..).find(|step| divisor(*step, len) == 1).unwrap_or(1)
}

const fn divisor(a: u64, b: u64) -> u64 {
    if b == 0 { a } else { divisor(b, a % b) }
}
