//! What was looked at, counted while packets pass. Sums only, so the parts of all workers can be added in any order.

use std::collections::BTreeMap;

use crate::ground::model::{
    coverage::{Coverage, MinuteSeen},
    decoded::{Decoded, PacketMarks},
    packet::{PacketHead, SensorId},
    tally::Count,
    time::Timestamp,
};

/// One worker's part of the coverage.
#[derive(Debug, Default)]
pub struct Seen {
    first: Option<(crate::ground::model::packet::Ordinal, Timestamp)>,
    last: Option<Timestamp>,
    /// The minute being counted: packets come in order of time or nearly so, so the map is touched once a minute.
    current: Option<((SensorId, i64), Count)>,
    minutes: BTreeMap<(SensorId, i64), Count>,
    /// Frames by VLAN id, 0 for none; on a trunk the id changes from frame to frame.
    vlans: Vec<u64>,
    tunnels: BTreeMap<&'static str, u64>,
    depth_limited: u64,
    cut: u64,
}

impl Seen {
    /// A frame, whatever it holds.
    pub fn frame(&mut self, head: &PacketHead) {
        if self.first.is_none_or(|(ordinal, _)| head.ordinal < ordinal) {
            self.first = Some((head.ordinal, head.at));
        }
        self.last = self.last.max(Some(head.at));
        self.cut += u64::from(head.captured_len < head.wire_len);
        let key = (head.sensor, head.at.minute());
        match &mut self.current {
            Some((current, count)) if *current == key => count.frame(head.wire_len),
            current => {
                if let Some((key, count)) = current.take() {
                    self.minutes.entry(key).or_default().add(count);
                }
                let mut count = Count::default();
                count.frame(head.wire_len);
                *current = Some((key, count));
            }
        }
    }

    /// A packet of a flow.
    pub fn packet(&mut self, packet: &Decoded) {
        let ids = packet.link.vlans.ids();
        for id in if ids.is_empty() { &[0][..] } else { ids } {
            let id = usize::from(*id);
            if id >= self.vlans.len() {
                self.vlans.resize(id + 1, 0);
            }
            self.vlans[id] += 1;
        }
        if packet.marks.has(PacketMarks::DEPTH_LIMIT) {
            self.depth_limited += 1;
        }
    }

    /// An outer layer.
    pub fn carrier(&mut self, packet: &Decoded) {
        let kind = packet.carrier.map_or("", |kind| kind.code());
        *self.tunnels.entry(kind).or_default() += 1;
    }

    /// Adds this part to the whole. Gives the number of frames that the snaplen cut.
    pub fn into_coverage(mut self, coverage: &mut Coverage, earliest: &mut Option<u64>) -> u64 {
        if let Some((key, count)) = self.current.take() {
            self.minutes.entry(key).or_default().add(count);
        }
        if let Some((ordinal, at)) = self.first
            && earliest.is_none_or(|earliest| ordinal.0 < earliest)
        {
            *earliest = Some(ordinal.0);
            coverage.first = Some(at);
        }
        coverage.last = coverage.last.max(self.last);
        for ((sensor, minute), count) in self.minutes {
            let seen: &mut MinuteSeen = coverage.minutes.entry((sensor, minute)).or_default();
            seen.count.add(count);
            coverage.sensors.entry(sensor).or_default().add(count);
        }
        for (vlan, frames) in (0..).zip(self.vlans).filter(|(_, frames)| *frames > 0) {
            *coverage.vlans.entry(vlan).or_default() += frames;
        }
        for (kind, frames) in self.tunnels {
            *coverage.tunnels.entry(kind).or_default() += frames;
        }
        coverage.depth_limited += self.depth_limited;
        self.cut
    }
}
