//! One flow seen at several sensors is one flow (RULES 19): its sightings wait for each other and are told together.
//!
//! Two records are sightings of one flow when ends and protocol are the same, the sensors differ, and the times overlap.
//! Waiting is bounded by number, never by a clock: who is held longest is told first, so the order of the lines depends on
//! the input alone.

use std::collections::{BTreeMap, VecDeque};

use crate::ground::model::{
    facts::FlowFacts,
    flow_line::FlowRecord,
    key::{Encap, FlowKey, Tuple},
    limits,
    packet::SensorId,
    time::Timestamp,
};

/// The sightings of one flow, in the order in which they ended.
pub(super) type Sightings = Vec<FlowRecord>;

/// Flows that wait.
#[derive(Debug)]
pub(super) struct Join {
    held_max: usize,
    held: VecDeque<Sightings>,
    /// Number of the first one in `held`.
    first: u64,
    /// Held flows by their ends; newest last.
    by_ends: BTreeMap<FlowKey, Vec<u64>>,
}

impl Default for Join {
    fn default() -> Self {
        let by_ends = BTreeMap::new();
        Self { held_max: limits::JOIN_HELD_MAX, held: VecDeque::new(), first: 0, by_ends }
    }
}

impl Join {
    /// Holds so many flows at most.
    pub(super) fn within(self, held_max: usize) -> Self {
        Self { held_max, ..self }
    }

    /// Takes a flow; gives back one that has waited long enough, when the room is full.
    pub(super) fn add(&mut self, record: FlowRecord) -> Option<Sightings> {
        let key = ends(&record.facts);
        let numbers = self.by_ends.entry(key).or_default();
        for number in numbers.iter().rev().take(limits::JOIN_CANDIDATES_MAX) {
            if let Some(known) = self.held.get_mut((number - self.first) as usize)
                && known.iter().all(|other| is_sighting(&other.facts, &record.facts))
            {
                known.push(record);
                return None;
            }
        }
        numbers.push(self.first + self.held.len() as u64);
        self.held.push_back(vec![record]);
        if self.held.len() > self.held_max { self.release() } else { None }
    }

    /// Gives back the flow that has waited longest.
    pub(super) fn release(&mut self) -> Option<Sightings> {
        let sightings = self.held.pop_front()?;
        if let Some(record) = sightings.first() {
            let key = ends(&record.facts);
            if let Some(numbers) = self.by_ends.get_mut(&key) {
                numbers.retain(|number| *number != self.first);
                if numbers.is_empty() {
                    self.by_ends.remove(&key);
                }
            }
        }
        self.first += 1;
        Some(sightings)
    }
}

/// Tells each sighting where else the flow was seen.
pub(super) fn tell_each_other(sightings: &mut Sightings) {
    let seen: Vec<SensorId> = sightings.iter().map(|record| record.facts.sensor).collect();
    for record in sightings {
        let own = record.facts.sensor;
        record.facts.also_seen = seen.iter().copied().filter(|sensor| *sensor != own).collect();
        record.facts.also_seen.sort_unstable();
    }
}

fn ends(facts: &FlowFacts) -> FlowKey {
    let tuple = Tuple { source: facts.opener, target: facts.answerer, transport: facts.transport };
    FlowKey::new(&tuple, SensorId::NONE, Encap::default(), 0, false).0
}

fn is_sighting(known: &FlowFacts, new: &FlowFacts) -> bool {
    let before = |one: Timestamp, other: Timestamp| one <= other.plus(limits::JOIN_CLOCK_SLACK);
    known.sensor != new.sensor && before(known.first, new.last) && before(new.first, known.last)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(sensor: u16, first: i64, last: i64) -> FlowRecord {
        let facts = FlowFacts {
            sensor: SensorId(sensor),
            first: Timestamp::from_secs(first),
            last: Timestamp::from_secs(last),
            ..FlowFacts::default()
        };
        FlowRecord { facts, ..FlowRecord::default() }
    }

    #[test]
    fn a_flow_at_two_sensors_is_one_and_a_later_one_is_another() {
        let mut join = Join::default();
        for record in [seen(1, 0, 10), seen(2, 1, 11), seen(1, 100, 110), seen(2, 100, 109)] {
            assert!(join.add(record).is_none());
        }
        let mut first = join.release().unwrap();
        tell_each_other(&mut first);
        assert_eq!(first.len(), 2);
        assert_eq!(first[0].facts.also_seen, [SensorId(2)]);
        assert_eq!(join.release().unwrap().len(), 2);
        assert!(join.release().is_none());
    }

    #[test]
    fn two_flows_at_one_sensor_are_never_joined() {
        let mut join = Join::default();
        assert!(join.add(seen(1, 0, 10)).is_none() && join.add(seen(1, 5, 15)).is_none());
        assert_eq!(join.release().unwrap().len(), 1);
    }
}
