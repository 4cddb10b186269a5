//! D: one SYN from every client, and among them flows that `policy.toml` forbids: a SYN, the answer and a word, far
//! enough apart that the table has seen hundreds of others in between. An audit must find all of them, however full its
//! table is.

use super::{
    out::Out,
    packet::{ACK, PSH, Packet, SMALLEST, SYN, TCP_ROOM, Tcp},
};

/// TELNET to the internet.
const FORBIDDEN: u16 = 23;
/// HTTPS, which asks for a name.
const COMMON: u16 = 443;

pub(crate) fn write(out: &mut Out, flows: u64, planted: u64) {
    let every = (flows / planted.max(1)).max(3);
    let mut micros = 0;
    let mut put = |packet: Packet| {
        out.put(micros, &packet.frame(), SMALLEST as u32);
        micros += 1;
    };
    for flow in 0..flows {
        let (number, place) = (flow / every, flow % every);
        if number < planted {
            match place {
                0 => put(forbidden(number, 0)),
                place if place == every / 3 => put(forbidden(number, 1)),
                place if place == every / 3 * 2 => put(forbidden(number, 2)),
                _ => {}
            }
        }
        put(syn(flow));
    }
}

/// The only packet of a flow: as many clients as the network 10.0.0.0/8 holds below 10.200.0.0.
fn syn(flow: u64) -> Packet {
    // 7,919 is prime and no divisor of the range, so that neighbours in time are no neighbours in address.
    let client = 0x0a00_0000 + (flow * 7_919 % 0x00c8_0000) as u32;
    let server = 0xc612_0000 | (flow as u32 & 0x1_ffff);
    Packet {
        source: (client.to_be_bytes(), 20_000 + (flow / 0x00c8_0000) as u16),
        target: (server.to_be_bytes(), COMMON),
        tcp: Some(Tcp { seq: flow as u32, flags: SYN, ..Tcp::default() }),
        filling: 0,
    }
}

/// One of three packets of a planted flow.
fn forbidden(number: u64, step: u8) -> Packet {
    let client = ((0x0ac8_0000 + number as u32).to_be_bytes(), 30_000);
    let server = ([198, 51, 100, 7], FORBIDDEN);
    let (source, target) = if step == 1 { (server, client) } else { (client, server) };
    let (ours, theirs) = (1_000, 5_000);
    let tcp = match step {
        0 => Tcp { seq: ours, flags: SYN, ..Tcp::default() },
        1 => Tcp { seq: theirs, ack: ours + 1, flags: SYN | ACK, payload: 0 },
        _ => Tcp { seq: ours + 1, ack: theirs + 1, flags: PSH | ACK, payload: TCP_ROOM },
    };
    Packet { source, target, tcp: Some(tcp), filling: b'x' }
}
