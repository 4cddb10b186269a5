//! Frames of the inputs, and where their headers are.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use sekisho::{
    ground::model::packet::LinkType,
    wire::capture::{Block, Request, open},
};

/// Longest frame taken over: jumbo frames. What is longer was put together by an offload.
const FRAME_MAX: usize = 9_216;

/// One frame of an input.
pub(crate) struct Frame {
    /// Since the first frame of its input.
    pub(crate) micros: u64,
    pub(crate) bytes: Vec<u8>,
    pub(crate) wire_len: u32,
}

impl Frame {
    pub(crate) const fn is_cut(&self) -> bool {
        (self.bytes.len() as u32) < self.wire_len
    }
}

/// The frames of an input, in order; none when it is no capture of whole Ethernet frames.
pub(crate) fn read(input: &str) -> Vec<Frame> {
    let mut frames = Vec::new();
    let request = Request { inputs: vec![input.to_owned()], ..Request::default() };
    let Ok((feed, mut baton)) = open(&request) else { return frames };
    let mut block = Block::new();
    let mut start = None;
    for ticket in 0.. {
        feed.fill(ticket, &mut block);
        if !baton.walk(&feed, &mut block) {
            break;
        }
        for (head, bytes) in block.packets() {
            if head.link != LinkType::ETHERNET {
                return Vec::new();
            }
            let nanos = head.at.nanos();
            let micros = (nanos - *start.get_or_insert(nanos)).max(0) as u64 / 1_000;
            if (14..=FRAME_MAX).contains(&bytes.len()) && head.wire_len as usize <= FRAME_MAX {
                frames.push(Frame { micros, bytes: bytes.to_vec(), wire_len: head.wire_len });
            }
        }
    }
    // Stamps that go back would change the order of packets when inputs are merged.
    let mut last = 0;
    for frame in &mut frames {
        last = frame.micros.max(last);
        frame.micros = last;
    }
    let cut = frames.iter().filter(|frame| frame.is_cut()).count();
    if cut * 20 > frames.len() { Vec::new() } else { frames }
}

/// Where the IP packet of an Ethernet frame begins, behind up to two VLAN tags.
pub(crate) fn ip_start(frame: &[u8]) -> Option<usize> {
    let mut at = 12;
    for _ in 0..2 {
        if matches!(frame.get(at..at + 2)?, [0x81, 0x00] | [0x88, 0xa8] | [0x91, 0x00]) {
            at += 4;
        }
    }
    matches!(frame.get(at..at + 2)?, [0x08, 0x00] | [0x86, 0xdd]).then_some(at + 2)
}

/// The header of an IP packet, and what is behind it.
#[derive(Clone, Copy)]
pub(crate) struct Ip {
    pub(crate) is_v6: bool,
    /// Where the transport header begins.
    pub(crate) transport: usize,
    pub(crate) protocol: u8,
    /// False for a fragment that holds no transport header.
    pub(crate) is_first: bool,
    /// Where the packet ends, by its own length and by what is there.
    pub(crate) end: usize,
}

impl Ip {
    /// Of bytes that begin with an IP header.
    pub(crate) fn of(bytes: &[u8]) -> Option<Self> {
        match bytes.first()? >> 4 {
            4 if bytes.len() >= 20 => {
                let transport = usize::from(bytes[0] & 15) * 4;
                let is_first = number(bytes, 6) & 0x1fff == 0;
                let end = usize::from(number(bytes, 2)).min(bytes.len());
                (transport >= 20 && transport <= bytes.len()).then_some(Self {
                    is_v6: false,
                    transport,
                    protocol: bytes[9],
                    is_first,
                    end,
                })
            }
            6 if bytes.len() >= 40 => {
                let (mut transport, mut protocol, mut is_first) = (40, bytes[6], true);
                while matches!(protocol, 0 | 43 | 44 | 60) && is_first {
                    let header = bytes.get(transport..transport + 8)?;
                    is_first = protocol != 44 || number(header, 2) & 0xfff8 == 0;
                    transport += if protocol == 44 { 8 } else { 8 + usize::from(header[1]) * 8 };
                    protocol = header[0];
                }
                let end = (40 + usize::from(number(bytes, 4))).min(bytes.len());
                Some(Self { is_v6: true, transport, protocol, is_first, end })
            }
            _ => None,
        }
    }

    /// Source and target.
    pub(crate) fn ends(self, bytes: &[u8]) -> [IpAddr; 2] {
        if self.is_v6 {
            [8, 24].map(|at| {
                let octets: [u8; 16] = bytes[at..at + 16].try_into().expect("16 bytes");
                Ipv6Addr::from(octets).into()
            })
        } else {
            [12, 16].map(|at| {
                let octets: [u8; 4] = bytes[at..at + 4].try_into().expect("4 bytes");
                Ipv4Addr::from(octets).into()
            })
        }
    }

    /// Ports of TCP and UDP, 0 where there are none.
    pub(crate) fn ports(self, bytes: &[u8]) -> [u16; 2] {
        let has_ports = self.is_first && matches!(self.protocol, 6 | 17) && bytes.len() >= self.transport + 4;
        [0, 2].map(|at| if has_ports { number(bytes, self.transport + at) } else { 0 })
    }
}

/// The two bytes there.
pub(crate) fn number(bytes: &[u8], at: usize) -> u16 {
    u16::from_be_bytes([bytes[at], bytes[at + 1]])
}

/// Two ends without a direction, and the protocol.
pub(crate) type Pair = ([(IpAddr, u16); 2], u8);

/// The flow of a packet, whichever way it goes, and who sent it.
pub(crate) fn pair(ip: Ip, bytes: &[u8]) -> (Pair, (IpAddr, u16)) {
    let ([source, target], [from, to]) = (ip.ends(bytes), ip.ports(bytes));
    let mut ends = [(source, from), (target, to)];
    ends.sort_unstable();
    ((ends, ip.protocol), (source, from))
}
