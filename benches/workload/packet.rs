//! Small packets of our own.

/// Bytes of the smallest Ethernet frame, without the check sequence that captures do not hold.
pub(crate) const SMALLEST: usize = 60;

/// A TCP or UDP packet over IPv4 in the smallest frame.
#[derive(Clone, Copy, Default)]
pub(crate) struct Packet {
    pub(crate) source: ([u8; 4], u16),
    pub(crate) target: ([u8; 4], u16),
    /// None for UDP.
    pub(crate) tcp: Option<Tcp>,
    /// What fills the payload; the same byte again and again.
    pub(crate) filling: u8,
}

#[derive(Clone, Copy, Default)]
pub(crate) struct Tcp {
    pub(crate) seq: u32,
    pub(crate) ack: u32,
    pub(crate) flags: u8,
    /// At most [`TCP_ROOM`].
    pub(crate) payload: u8,
}

pub(crate) const SYN: u8 = 2;
pub(crate) const PSH: u8 = 8;
pub(crate) const ACK: u8 = 16;

/// Payload that fits behind Ethernet, IPv4 and TCP without options.
pub(crate) const TCP_ROOM: u8 = 6;
/// And behind UDP.
const UDP_ROOM: u8 = 18;

impl Packet {
    pub(crate) fn frame(&self) -> [u8; SMALLEST] {
        let mut frame = [0; SMALLEST];
        frame[..14].copy_from_slice(&[2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 8, 0]);
        let (protocol, header, payload) = self.tcp.map_or((17, 8, UDP_ROOM), |tcp| (6, 20, tcp.payload));
        let len = header + u16::from(payload);
        let ip = &mut frame[14..34];
        ip[0] = 0x45;
        ip[2..4].copy_from_slice(&(20 + len).to_be_bytes());
        ip[6] = 0x40;
        ip[8] = 64;
        ip[9] = protocol;
        ip[12..16].copy_from_slice(&self.source.0);
        ip[16..20].copy_from_slice(&self.target.0);
        let sum = checksum(ip, 0);
        ip[10..12].copy_from_slice(&sum.to_be_bytes());
        let pseudo = checksum(&ip[12..20], u32::from(protocol) + u32::from(len)) ^ 0xffff;

        let transport = &mut frame[34..34 + usize::from(len)];
        transport[..2].copy_from_slice(&self.source.1.to_be_bytes());
        transport[2..4].copy_from_slice(&self.target.1.to_be_bytes());
        transport[usize::from(header)..].fill(self.filling);
        let place = match self.tcp {
            Some(tcp) => {
                transport[4..8].copy_from_slice(&tcp.seq.to_be_bytes());
                transport[8..12].copy_from_slice(&tcp.ack.to_be_bytes());
                transport[12..16].copy_from_slice(&[0x50, tcp.flags, 0x20, 0]);
                16
            }
            None => {
                transport[4..6].copy_from_slice(&len.to_be_bytes());
                6
            }
        };
        let sum = checksum(transport, u32::from(pseudo));
        transport[place..place + 2].copy_from_slice(&sum.to_be_bytes());
        frame
    }
}

/// RFC 1071.
pub(crate) fn checksum(bytes: &[u8], start: u32) -> u16 {
    let words =
        bytes.chunks(2).map(|pair| u32::from(pair[0]) << 8 | pair.get(1).map_or(0, |low| u32::from(*low)));
    let mut sum = words.sum::<u32>() + start;
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    !(sum as u16)
}
