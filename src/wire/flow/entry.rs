//! What is kept of a flow, split by how often it is touched.
//!
//! [`Hot`] is read for every packet and is less than one cache line. [`Opening`] is written once. [`Spoken`] comes with the
//! second packet, so a scan costs only the first two. What few flows need lies behind a box.

use std::{
    hash::{BuildHasher, Hash, Hasher},
    net::{IpAddr, Ipv4Addr},
};

use foldhash::quality::RandomState;

use super::{
    counting::Counters,
    duplicate::Recent,
    expiry,
    links::{Changes, SILENT},
    reuse::HeldSyn,
    streams::Streams,
    tcp::Tcp,
};
use crate::ground::model::{
    address::Transport,
    cause::Causes,
    decoded::{Decoded, Outer, PacketMarks, TcpFlags, TcpHead},
    facts::{FlowId, TcpState},
    key::{Encap, Endpoint, FlowKey, Side, TunnelKind, Tuple},
    limits,
    packet::{InterfaceId, Ordinal, SensorId},
    time::{SECOND, Timestamp},
};

/// No place: the flow has no spoken part, or is in no bucket.
pub(super) const NOWHERE: u32 = u32::MAX;

/// A flow key in two words.
///
/// The lowest byte of the second word says the form: an IPv4 flow without VLAN and tunnel is the key itself; every other
/// is a keyed digest, and the whole key lies in the opening part and is compared too.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct ShortKey(u64, u64);

impl Hash for ShortKey {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u128(u128::from(self.1) << 64 | u128::from(self.0));
    }
}

const FORM_EXACT: u64 = 1;
const FORM_DIGEST: u64 = 2;
const FORM_CARRIER: u64 = 4;

/// The whole key, where the short one cannot hold it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct WholeKey {
    /// The flow's key.
    pub(super) flow: FlowKey,
    /// What an ICMP error is about: errors about different unknown flows are different flows.
    pub(super) about: Option<Tuple>,
}

/// The key of one packet.
#[derive(Debug)]
pub(super) struct Key {
    /// Kept in the hot entry.
    pub(super) short: ShortKey,
    /// For the index.
    pub(super) hash: u64,
    /// The packet came from the lower end.
    pub(super) from_low: bool,
    /// Where the short key is only a digest.
    pub(super) whole: Option<WholeKey>,
}

/// Where a packet's flow is to be looked for: worked out once, by whoever decodes the packet (RULES 15).
#[derive(Clone, Copy, Debug, Default)]
pub struct Spot {
    pub(super) hash: u64,
    pub(super) short: ShortKey,
    /// The partition of its flow, which decides who has it.
    pub(super) partition: u16,
    pub(super) from_low: bool,
}

/// Two keyed hashes, random per run: nobody can aim at one bucket (THREATS R51), and no result depends on them.
#[derive(Clone, Debug, Default)]
pub struct Hashers {
    index: RandomState,
    digest: RandomState,
}

impl Hashers {
    /// The index hash of a short key.
    pub(super) fn index(&self, short: ShortKey) -> u64 {
        self.index.hash_one((short.0, short.1))
    }

    /// A hash of stream bytes; never zero.
    pub(super) fn content(&self, bytes: &[u8]) -> u32 {
        self.digest.hash_one(bytes) as u32 | 1
    }

    /// A hash of two words.
    pub(super) fn words(&self, one: u64, other: u64) -> u64 {
        self.index.hash_one((one, other))
    }
}

impl Key {
    /// The key of a packet with these ends; `about` keeps apart ICMP errors that found no flow.
    pub(super) fn new(
        packet: &Decoded,
        tuple: &Tuple,
        about: Option<Tuple>,
        vlan: u16,
        hashers: &Hashers,
    ) -> Self {
        let (sensor, encap, carrier) = (packet.head.sensor, packet.encap, packet.carrier.is_some());
        if about.is_none()
            && let Some((short, from_low)) = ShortKey::exact(tuple, sensor, encap, vlan, carrier)
        {
            return Self { short, hash: hashers.index(short), from_low, whole: None };
        }
        let (flow, from_low) = FlowKey::new(tuple, sensor, encap, vlan, carrier);
        let whole = WholeKey { flow, about };
        let short =
            ShortKey(hashers.index.hash_one(&whole), hashers.digest.hash_one(&whole) & !0xff | FORM_DIGEST);
        Self { short, hash: hashers.index(short), from_low, whole: Some(whole) }
    }
}

impl ShortKey {
    /// The key itself where two words hold it, as [`FlowKey::new`] makes it.
    #[inline]
    pub(super) fn exact(
        tuple: &Tuple,
        sensor: SensorId,
        encap: Encap,
        vlan: u16,
        carrier: bool,
    ) -> Option<(Self, bool)> {
        let (IpAddr::V4(source), IpAddr::V4(target), 0, true) =
            (tuple.source.addr, tuple.target.addr, vlan, encap == Encap::default())
        else {
            return None;
        };
        // The order of the ends: by address, then by port.
        let end = |addr: Ipv4Addr, port: u16| u64::from(addr.to_bits()) << 16 | u64::from(port);
        let (source, target) = (end(source, tuple.source.port), end(target, tuple.target.port));
        let (low, high) = (source.min(target), source.max(target));
        let short = Self(
            (low >> 16) << 32 | high >> 16,
            low << 48
                | (high & 0xffff) << 32
                | u64::from(sensor.0) << 16
                | u64::from(tuple.transport.0) << 8
                | FORM_EXACT
                | if carrier { FORM_CARRIER } else { 0 },
        );
        Some((short, source <= target))
    }

    /// True when the key itself is here, and nothing else is to be compared.
    pub(super) const fn is_exact(self) -> bool {
        self.1 & FORM_EXACT != 0
    }

    /// The key that a short key holds by itself; `None` when it is a digest.
    pub(super) fn expand(self) -> Option<FlowKey> {
        let end = |addr: u64, port: u64| Endpoint {
            addr: IpAddr::V4(Ipv4Addr::from_bits(addr as u32)),
            port: port as u16,
        };
        self.is_exact().then(|| FlowKey {
            low: end(self.0 >> 32, self.1 >> 48),
            high: end(self.0, self.1 >> 32),
            transport: Transport((self.1 >> 8) as u8),
            carrier: self.1 & FORM_CARRIER != 0,
            sensor: SensorId((self.1 >> 16) as u16),
            vlan: 0,
            encap: Default::default(),
        })
    }
}

/// Yes-or-no facts of the hot entry.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct HotMarks(pub(super) u8);

impl HotMarks {
    /// The opener is the lower end of the key.
    pub(super) const OPENER_LOW: Self = Self(1);
    /// Its bytes are still wanted.
    pub(super) const READING: Self = Self(1 << 1);
    /// The opener sent a reset that fits.
    pub(super) const RESET_OPENER: Self = Self(1 << 2);
    /// The answerer did.
    pub(super) const RESET_ANSWERER: Self = Self(1 << 3);
    /// An outer layer: counted, never read.
    pub(super) const CARRIER: Self = Self(1 << 4);
    /// Its reader remembers nothing: what was read is given to it again before anything else.
    pub(super) const READ_ANEW: Self = Self(1 << 5);
    /// The answerer sent the packet whose digest is kept.
    pub(super) const DIGEST_ANSWERER: Self = Self(1 << 6);

    /// True when any bit of `other` is set.
    pub(super) const fn has(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    /// Sets or clears the bits of `other`.
    pub(super) const fn set(&mut self, other: Self, on: bool) {
        if on {
            self.0 |= other.0;
        } else {
            self.0 &= !other.0;
        }
    }
}

/// What every packet of the flow touches: one cache line.
#[derive(Clone, Debug)]
#[repr(align(64))]
pub(super) struct Hot {
    /// The key.
    pub(super) key: ShortKey,
    /// Largest stamp.
    pub(super) last: Timestamp,
    /// Place of the spoken part.
    pub(super) spoken: u32,
    /// Bucket of the wheel that holds this flow.
    pub(super) scheduled: u32,
    /// Number of the last packet's link, for each side.
    pub(super) link: [u32; 2],
    /// Bytes on the wire of the first packet.
    pub(super) wire: u32,
    /// Its payload bytes by the IP length.
    pub(super) payload: u32,
    /// Sequence and acknowledgment number of the first packet; ICMP type and code.
    pub(super) numbers: [u32; 2],
    /// What a duplicate of the last packet is compared by: the bits of its digest that [`Recent`] looks at. It came at
    /// `last`, unless the spoken part remembers packets with stamps of their own.
    pub(super) digest: [u8; 5],
    /// The protocol above IP.
    pub(super) transport: Transport,
    /// How far TCP came.
    pub(super) state: TcpState,
    /// Yes-or-no facts.
    pub(super) marks: HotMarks,
}

/// What the first packet said, and what never changes.
#[derive(Clone, Debug)]
pub(super) struct Opening {
    /// Frame of the first packet.
    pub(super) ordinal: Ordinal,
    /// Its stamp.
    pub(super) first: Timestamp,
    /// Key and outer layers, where there are any.
    pub(super) wide: Option<Box<Wide>>,
    pub(super) interface: InterfaceId,
    /// Its TCP flags and what was found about it.
    pub(super) marks: FirstMarks,
    /// Kind of the outer layer, as [`Decoded::carrier`].
    pub(super) carrier: Option<TunnelKind>,
    /// Which outer layer of its frame, as in [`FlowId`].
    pub(super) layer: u8,
}

/// Flags of a first packet (12 bits, RFC 9293 section 3.1) and four facts about it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct FirstMarks(u16);

impl FirstMarks {
    /// It had a whole TCP header.
    pub(super) const TCP: Self = Self(1 << 12);
    /// A signed one; for what is not TCP: an ICMP type and code.
    pub(super) const SIGNED: Self = Self(1 << 13);
    /// See [`FirstMarks::SIGNED`].
    pub(super) const ICMP: Self = Self::SIGNED;
    /// Its checksum was looked at and is right.
    pub(super) const SOUND: Self = Self(1 << 14);
    /// The flow began at least one idle limit after its source (RULES 25).
    pub(super) const WELL_INSIDE: Self = Self(1 << 15);

    /// True when the bit of `other` is set.
    pub(super) const fn has(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    fn of(packet: &Decoded) -> Self {
        let limit = expiry::idle_limit(packet.tuple.transport, TcpState::None);
        let flags = packet.tcp.map_or(0, |head| head.flags.0 & 0x0fff);
        let facts = [
            (Self::TCP, packet.tcp.is_some()),
            (Self::SIGNED, packet.tcp.is_some_and(|head| head.signed)),
            (Self::ICMP, packet.tcp.is_none() && packet.icmp.is_some()),
            (Self::SOUND, is_sound(packet)),
            (Self::WELL_INSIDE, i64::from(packet.head.source_age_secs) >= limit.nanos() / SECOND),
        ];
        let set = facts.iter().filter(|(_, is_set)| *is_set).fold(0, |all, (mark, _)| all | mark.0);
        Self(flags | set)
    }
}

/// What only tunnelled, tagged or IPv6 flows need.
#[derive(Clone, Debug, Default)]
pub(super) struct Wide {
    /// The whole key.
    pub(super) key: Option<WholeKey>,
    /// Outer layers of the first packet.
    pub(super) outers: Vec<Outer>,
}

/// What a flow needs from its second packet on.
#[derive(Debug, Default)]
pub(super) struct Spoken {
    /// Packets of each side, duplicates not counted; their bytes on the wire; their payload by the IP length.
    pub(super) counters: Counters,
    /// The last few packets of each side (RULES 33), where more than one may have a duplicate.
    pub(super) recent: Option<Box<[Recent; 2]>>,
    /// The last frame.
    pub(super) last_frame: Ordinal,
    /// For TCP.
    pub(super) tcp: Option<Box<Tcp>>,
    /// Open streams, or what of them was read.
    pub(super) streams: Streams,
    /// What few flows need.
    pub(super) rare: Option<Box<Rare>>,
}

/// What few flows need.
#[derive(Debug, Default)]
pub(super) struct Rare {
    /// SPAN duplicates of each side, and their bytes on the wire.
    pub(super) duplicates: [u64; 2],
    pub(super) duplicate_bytes: [u64; 2],
    /// Packets of each side that the snaplen cut, and the bytes that are missing from the capture.
    pub(super) cut: [u64; 2],
    pub(super) cut_bytes: [u64; 2],
    /// What was noted of each side's links, where they changed or have no number.
    pub(super) links: [Option<Changes>; 2],
    /// VLAN ids beyond the first of each side.
    pub(super) vlans: [Vec<u16>; 2],
    /// ICMP errors about the flow, the last one's type and code, and their bytes.
    pub(super) icmp_errors: u64,
    pub(super) icmp_error: [u8; 2],
    pub(super) icmp_error_bytes: u64,
    /// SYNs that wait for a SYN-ACK (RULES 34).
    pub(super) held: Vec<HeldSyn>,
    /// How often the counters of the spoken part began anew.
    pub(super) turns: Counters,
    /// SYNs that were noted and found no place among the held ones.
    pub(super) noted: u64,
    /// Causes so far.
    pub(super) causes: Causes,
}

impl Spoken {
    /// The part that few flows need.
    pub(super) fn rare(&mut self) -> &mut Rare {
        self.rare.get_or_insert_default()
    }
}

impl Hot {
    pub(super) fn of(packet: &Decoded, key: ShortKey, opener_low: bool, link: u32) -> Self {
        let mut marks = HotMarks::default();
        marks.set(HotMarks::OPENER_LOW, opener_low);
        marks.set(HotMarks::CARRIER, packet.carrier.is_some());
        marks.set(HotMarks::READING, packet.carrier.is_none());
        let state = match packet.tcp {
            Some(head) if head.flags.has(TcpFlags::SYN) && !head.flags.has(TcpFlags::ACK) => {
                TcpState::SynSent
            }
            Some(head) if head.flags.has(TcpFlags::SYN) => TcpState::SynReceived,
            Some(_) => TcpState::Midstream,
            None => TcpState::None,
        };
        let numbers = match (packet.tcp, packet.icmp) {
            (Some(head), _) => [head.seq, head.ack],
            (None, icmp) => icmp.unwrap_or_default().map(u32::from),
        };
        Self {
            key,
            last: packet.head.at,
            digest: Self::digest_of(packet),
            spoken: NOWHERE,
            scheduled: NOWHERE,
            link: [link, SILENT],
            wire: packet.head.wire_len,
            payload: packet.payload_wire_len,
            numbers,
            transport: packet.tuple.transport,
            state,
            marks,
        }
    }

    /// The digest of the last packet.
    pub(super) const fn digest(&self) -> u64 {
        let [a, b, c, d, e] = self.digest;
        u64::from_be_bytes([a, b, c, d, e, 0, 0, 0])
    }

    /// What is kept of a packet's digest.
    pub(super) const fn digest_of(packet: &Decoded) -> [u8; 5] {
        let [a, b, c, d, e, ..] = packet.digest.to_be_bytes();
        [a, b, c, d, e]
    }

    /// Who sent a packet that came from the lower end, or not.
    pub(super) const fn side(&self, from_low: bool) -> Side {
        if self.marks.has(HotMarks::OPENER_LOW) == from_low { Side::Opener } else { Side::Answerer }
    }
}

/// True when the packet is whole, so that its checksum could be looked at, and nothing was found wrong.
pub(super) const fn is_sound(packet: &Decoded) -> bool {
    !packet.marks.has(PacketMarks::BAD_CHECKSUM) && packet.head.captured_len >= packet.head.wire_len
}

impl Opening {
    pub(super) fn of(packet: &Decoded, whole: Option<WholeKey>) -> Self {
        let layers = packet.outers.layers();
        let wide = (whole.is_some() || !layers.is_empty())
            .then(|| Box::new(Wide { key: whole, outers: layers.to_vec() }));
        let layer = match (packet.carrier, packet.layer) {
            (None, _) => 0,
            // Unnumbered layers of one frame differ at least by how many lie outside them.
            (Some(_), 0) => (limits::TUNNEL_DEPTH_MAX + 1).saturating_sub(layers.len()).max(1) as u8,
            (Some(_), layer) => layer,
        };
        Self {
            ordinal: packet.head.ordinal,
            first: packet.head.at,
            wide,
            interface: packet.head.interface,
            marks: FirstMarks::of(packet),
            carrier: packet.carrier,
            layer,
        }
    }

    /// The flow's name.
    pub(super) const fn id(&self) -> FlowId {
        FlowId { ordinal: self.ordinal, carrier: self.layer }
    }

    /// The TCP header of the first packet, as far as it is kept.
    pub(super) fn tcp(&self, hot: &Hot) -> Option<TcpHead> {
        let [seq, ack] = hot.numbers;
        let flags = TcpFlags(self.marks.0 & 0x0fff);
        let signed = self.marks.has(FirstMarks::SIGNED);
        self.marks.has(FirstMarks::TCP).then_some(TcpHead { seq, ack, flags, window: 0, signed })
    }

    /// ICMP type and code of the first packet.
    pub(super) fn icmp(&self, hot: &Hot) -> Option<[u8; 2]> {
        let is_icmp = !self.marks.has(FirstMarks::TCP) && self.marks.has(FirstMarks::ICMP);
        is_icmp.then(|| hot.numbers.map(|number| number as u8))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::flow::{Partitions, Settings, support::tcp};

    #[test]
    fn an_ipv4_key_is_held_exactly_and_comes_back_whole() {
        let hashers = Hashers::default();
        let packet = tcp("10.0.0.1:50000", "192.0.2.7:443");
        let key = Key::new(&packet, &packet.tuple, None, 0, &hashers);
        let (flow, from_low) =
            FlowKey::new(&packet.tuple, packet.head.sensor, packet.encap, 0, packet.carrier.is_some());
        assert_eq!((key.short.expand(), key.from_low), (Some(flow), from_low));
        let tagged = Key::new(&packet, &packet.tuple, None, 7, &hashers);
        assert_eq!(tagged.short.expand(), None);
        assert_eq!(tagged.whole.unwrap().flow.vlan, 7);
    }

    #[test]
    fn flows_are_spread_over_all_owners_and_both_directions_share_one() {
        let settings = Settings { partitions: Partitions::new(256, Partitions::KEY), ..Settings::default() };
        let mut seen = [0; 4];
        for port in 1024..5120 {
            let there = tcp(&format!("192.0.2.1:{port}"), "198.51.100.7:443");
            let back = tcp("198.51.100.7:443", &format!("192.0.2.1:{port}"));
            let owner = settings.owner(&settings.spot(&there), 4);
            assert_eq!(owner, settings.owner(&settings.spot(&back), 4));
            seen[owner] += 1;
        }
        assert!(seen.iter().all(|count| *count > 800), "{seen:?}");
    }

    #[test]
    fn the_parts_of_a_flow_have_the_sizes_that_the_limits_count_on() {
        assert_eq!((size_of::<Hot>(), align_of::<Hot>()), (64, 64), "one cache line, and in no other");
        assert!(size_of::<Opening>() <= 32, "{}", size_of::<Opening>());
        assert!(size_of::<Spoken>() <= 72, "{}", size_of::<Spoken>());
        assert!(size_of::<Tcp>() <= 128, "{}", size_of::<Tcp>());
    }
}
