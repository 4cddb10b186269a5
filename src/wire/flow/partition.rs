//! Flows in fixed partitions: bounds on memory are shared out among these, never among workers.
//!
//! A partition lies whole in one table, and what finds no place in it follows from its own packets. So memory ends at the same
//! flows whatever the number of workers, and in every run.

use std::hash::{Hash, Hasher};

use super::{
    entry::{ShortKey, WholeKey},
    reading::Reading,
};
use crate::ground::model::key::FlowKey;

/// How flows are spread over partitions.
#[derive(Clone, Copy, Debug)]
pub struct Partitions {
    /// Binary digits of a partition's number.
    digits: u32,
    key: u128,
}

impl Default for Partitions {
    /// One, of all flows.
    fn default() -> Self {
        Self { digits: 0, key: Self::KEY }
    }
}

impl Partitions {
    /// The key where nobody has a secret: digits of pi.
    pub const KEY: u128 = 0x243f_6a88_85a3_08d3_1319_8a2e_0370_7344;

    /// So many, rounded down to a power of two, of at most 2^16. Under one key a flow always lies in the same one, and whoever
    /// does not know the key cannot aim at one (THREATS R51).
    #[must_use]
    pub fn new(count: usize, key: u128) -> Self {
        Self { digits: count.checked_ilog2().unwrap_or_default().min(u16::BITS), key }
    }

    /// How many there are.
    #[must_use]
    pub const fn count(self) -> usize {
        1 << self.digits
    }

    /// What each of them has of a bound.
    pub(super) fn share(self, bound: usize) -> usize {
        (bound >> self.digits).max(1)
    }

    /// Which of `owners` equal tables holds a partition.
    pub(super) const fn owner(self, partition: u16, owners: usize) -> usize {
        (partition as usize * owners) >> self.digits
    }

    /// The partition of a flow. That of an ICMP error lies where the flow would be that it quotes.
    #[inline]
    pub(super) fn of(self, short: ShortKey, whole: Option<&WholeKey>) -> u16 {
        let Some(WholeKey { flow, about }) = whole else { return self.at(short) };
        let Some(about) = about else { return self.at(*flow) };
        match ShortKey::exact(about, flow.sensor, flow.encap, flow.vlan, flow.carrier) {
            Some((short, _)) => self.at(short),
            None => self.at(FlowKey::new(about, flow.sensor, flow.encap, flow.vlan, flow.carrier).0),
        }
    }

    #[inline]
    fn at(self, key: impl Hash) -> u16 {
        let mut folder = Folder { state: self.key as u64, key: (self.key >> 64) as u64 };
        key.hash(&mut folder);
        ((folder.finish() >> 32) >> (32 - self.digits)) as u16
    }
}

/// Two words at a time multiplied into the state, as the digest of a frame is made. The same in every build, unlike the
/// hashes of tables.
struct Folder {
    state: u64,
    key: u64,
}

impl Hasher for Folder {
    #[inline]
    fn write_u128(&mut self, words: u128) {
        let product = u128::from(self.state ^ words as u64) * u128::from(self.key ^ (words >> 64) as u64);
        // A factor of zero must not wipe out what went before.
        self.state = (product as u64 ^ (product >> 64) as u64).wrapping_add(self.state.rotate_left(23));
    }

    #[inline]
    fn write_u64(&mut self, word: u64) {
        self.write_u128(u128::from(word));
    }

    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|byte| self.write_u64(u64::from(*byte)));
    }

    #[inline]
    fn finish(&self) -> u64 {
        let product = u128::from(self.state ^ self.key) * 0x9e37_79b9_7f4a_7c15;
        product as u64 ^ (product >> 64) as u64
    }
}

/// What one partition holds.
#[derive(Debug, Default)]
pub(super) struct Partition {
    /// Live flows.
    pub(super) flows: usize,
    /// Bytes of open streams.
    pub(super) stream_bytes: usize,
    /// Streams with buffers, for flows whose own are packed. Not one for all partitions: what a flow is charged with follows from
    /// the buffers that it took over.
    pub(super) spare_reading: Option<Box<Reading>>,
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeMap, sync::Arc};

    use proptest::prelude::*;

    use super::*;
    use crate::{
        ground::model::{
            address::Transport,
            decoded::Decoded,
            key::{Encap, TunnelKind, Tuple},
            packet::{Ordinal, SensorId},
        },
        wire::flow::{
            Flows, Settings,
            support::{client, tcp, udp},
        },
    };

    fn settings(count: usize, key: u128) -> Settings {
        Settings {
            partitions: Partitions::new(count, key),
            vlan_in_key: Some(Arc::new(|packet| {
                packet.link.vlans.ids().first().copied().unwrap_or_default()
            })),
            ..Settings::default()
        }
    }

    fn back(mut packet: Decoded) -> Decoded {
        let Tuple { source, target, .. } = &mut packet.tuple;
        std::mem::swap(source, target);
        packet
    }

    /// A packet of every form of key.
    fn of_all_forms(port: u16) -> Vec<Decoded> {
        let plain = tcp(&format!("192.0.2.1:{port}"), "198.51.100.7:443");
        let wide = udp(&format!("[2001:db8::1]:{port}"), "[2001:db8::53]:53", 30);
        let mut tagged = plain.clone();
        tagged.link.vlans.push(20);
        let mut inside = plain.clone();
        inside.encap = Encap { kind: TunnelKind::Vxlan, id: 7, outer: 0 };
        let mut carrier = plain.clone();
        carrier.carrier = Some(TunnelKind::Vxlan);
        let mut sensor = plain.clone();
        sensor.head.sensor = SensorId(2);
        vec![plain, wide, tagged, inside, carrier, sensor]
    }

    #[test]
    fn partitions_fill_evenly_and_both_directions_share_one() {
        let settings = settings(256, Partitions::KEY);
        for form in 0..of_all_forms(0).len() {
            let mut held = vec![0_u32; 256];
            for port in 0..25_600 {
                let packet = of_all_forms(port).swap_remove(form);
                let partition = settings.spot(&packet).partition;
                held[usize::from(partition)] += 1;
                assert_eq!(settings.spot(&back(packet)).partition, partition);
            }
            // 100 each; six times the root of that is beyond chance.
            assert!(held.iter().all(|flows| (40..160).contains(flows)), "form {form}: {held:?}");
        }
    }

    #[test]
    fn a_partition_follows_from_flow_and_key_alone() {
        let partitions = |settings: &Settings| {
            let packets = (1_000..1_040).flat_map(of_all_forms);
            packets.map(|packet| settings.spot(&packet).partition).collect::<Vec<_>>()
        };
        let told = partitions(&settings(256, Partitions::KEY));
        assert_eq!(told, partitions(&settings(256, Partitions::KEY)), "other tables have other random keys");
        assert_ne!(told, partitions(&settings(256, 1)));
        assert_eq!(&told[..6], [23, 110, 222, 91, 124, 158], "in every build");
    }

    #[test]
    fn every_owner_has_partitions_and_none_is_split() {
        for count in [1, 32, 256] {
            let partitions = Partitions::new(count, 0);
            for owners in 1..=count {
                let mut held = vec![0; owners];
                for partition in 0..count {
                    held[partitions.owner(partition as u16, owners)] += 1;
                }
                let (least, most) = (held.iter().min().unwrap(), held.iter().max().unwrap());
                assert!(*least > 0 && most - least <= 1, "{count} over {owners}: {held:?}");
            }
        }
    }

    #[test]
    fn an_icmp_error_lies_where_the_flow_does_that_it_quotes_even_when_it_finds_none() {
        let settings = settings(256, Partitions::KEY);
        for port in 1_000..1_100 {
            for packet in of_all_forms(port) {
                let mut error = Decoded { about: Some(packet.tuple), icmp: Some([3, 3]), ..packet.clone() };
                error.tcp = None;
                error.tuple = Tuple {
                    source: tcp("203.0.113.1:0", "192.0.2.1:0").tuple.source,
                    target: packet.tuple.source,
                    transport: Transport::ICMP,
                };
                let partition = settings.spot(&packet).partition;
                assert_eq!(settings.spot(&error).partition, partition);
                let mut flows = Flows::<()>::new(settings.clone());
                let handle = flows.packet(&error).handle;
                assert_eq!(flows.partition(handle.0), usize::from(partition), "a flow of its own");
                assert!(flows.packet(&packet).opened);
                assert!(!flows.packet(&error).opened);
            }
        }
    }

    /// What each partition holds after segments of these flows, given only to the tables of their owners.
    fn held(segments: &[(u16, u32)], owners: usize) -> Vec<(usize, usize)> {
        let settings =
            Settings { partitions: Partitions::new(8, 0), stream_bytes: 8 * 700, ..Settings::default() };
        let mut tables: Vec<Flows<()>> = (0..owners).map(|_| Flows::new(settings.clone())).collect();
        let mut sent = BTreeMap::new();
        for ((port, len), ordinal) in segments.iter().zip(1..) {
            let payload = vec![b'x'; *len as usize];
            let seq = sent.entry(port).or_insert(0);
            // The first one is the SYN.
            let mut packet = if *seq == 0 { client("S", 0, 0, b"") } else { client("PA", *seq, 1, &payload) };
            packet.head.ordinal = Ordinal(ordinal);
            packet.tuple.source.port = 1_000 + port;
            *seq += if *seq == 0 { 1 } else { *len };
            let spot = settings.spot(&packet);
            let table = &mut tables[settings.owner(&spot, owners)];
            let handle = table.packet_at(&packet, &spot).handle;
            table.read(handle, &packet, packet.payload(&payload), &mut |_| {});
            if len % 13 == 0 {
                table.stop_reading(handle, &mut |_| {});
            }
        }
        let partition = |number: u16| {
            let table = &tables[settings.partitions.owner(number, owners)];
            let Partition { flows, stream_bytes, .. } = &table.partitions[usize::from(number)];
            (*flows, *stream_bytes)
        };
        (0..8).map(partition).collect()
    }

    proptest! {
        #[test]
        fn a_partition_holds_the_same_whichever_others_lie_in_its_table(
            segments in prop::collection::vec((0_u16..24, 1_u32..50), 1..200),
        ) {
            let alone = held(&segments, 8);
            prop_assert!(alone.iter().all(|(_, bytes)| *bytes <= 700));
            for owners in [1, 2, 3] {
                prop_assert_eq!(&held(&segments, owners), &alone);
            }
        }
    }
}
