//! DNS answers, ECH offers and the labels that hosts give themselves. Bounded; what is oldest goes first.

use std::{collections::VecDeque, net::IpAddr};

use crate::ground::model::{
    keyed::KeyedMap,
    limits,
    name::HostName,
    packet::Ordinal,
    sighting::{Sighting, Tale},
};

/// A name with the frame that told it.
type Told = (Ordinal, HostName);

/// What flows told about others. Feed it in the order of ordinals: then the order of workers cannot matter.
#[derive(Clone, Debug, Default)]
pub struct Memory {
    /// Names that DNS gave an address, by (client that was told, address).
    names: KeyedMap<(IpAddr, IpAddr), Vec<Told>>,
    names_order: VecDeque<(IpAddr, IpAddr)>,
    /// Names for which DNS offered ECH, with the first frame.
    ech: KeyedMap<HostName, Ordinal>,
    ech_order: VecDeque<HostName>,
    labels: KeyedMap<IpAddr, Vec<Box<[u8]>>>,
    forgotten: u64,
    /// Pairs at most; `None`: as many as the bound of the program allows.
    pairs_max: Option<usize>,
}

impl Memory {
    /// Remembers so many pairs at most.
    #[must_use]
    pub fn within(self, pairs: usize) -> Self {
        Self { pairs_max: Some(pairs), ..self }
    }

    /// Takes in one sighting. Answers that were told to nobody in particular name no later flow.
    pub fn hear(&mut self, sighting: &Sighting) {
        match &sighting.tale {
            Tale::Answer { name, addr } => {
                if let Some(client) = sighting.told_to {
                    self.answer((client, *addr), (sighting.at, name.clone()));
                }
            }
            Tale::EchOffered { name } => self.offer(name, sighting.at),
            Tale::HostLabel { addr, label } => self.label(*addr, label),
        }
    }

    /// The names that DNS gave `server` in answers to `client` before this frame, in the order they were told.
    pub fn names(&self, client: IpAddr, server: IpAddr, before: Ordinal) -> impl Iterator<Item = &HostName> {
        let told = self.names.get(&(client, server)).into_iter().flatten();
        told.filter(move |(at, _)| *at < before).map(|(_, name)| name)
    }

    /// True when DNS offered ECH for this name before this frame.
    #[must_use]
    pub fn has_ech(&self, name: &HostName, before: Ordinal) -> bool {
        self.ech.get(name).is_some_and(|at| *at < before)
    }

    /// The labels that the host at this address gave itself.
    pub fn labels(&self, addr: IpAddr) -> impl Iterator<Item = &[u8]> {
        self.labels.get(&addr).into_iter().flatten().map(AsRef::as_ref)
    }

    /// Every address with the labels that its host gave itself, in order.
    #[must_use]
    pub fn labelled(&self) -> Vec<(IpAddr, &[Box<[u8]>])> {
        let mut all: Vec<_> = self.labels.iter().map(|(addr, labels)| (*addr, labels.as_slice())).collect();
        all.sort_unstable_by_key(|(addr, _)| *addr);
        all
    }

    /// How many entries were given up for want of room.
    #[must_use]
    pub const fn forgotten(&self) -> u64 {
        self.forgotten
    }

    fn answer(&mut self, pair: (IpAddr, IpAddr), told: Told) {
        if !self.names.contains_key(&pair) {
            if self.names.len() >= self.pairs_max.unwrap_or(limits::DNS_PAIRS_MAX) {
                if let Some(oldest) = self.names_order.pop_front() {
                    self.names.remove(&oldest);
                }
                self.forgotten += 1;
            }
            self.names_order.push_back(pair);
        }
        let names = self.names.entry(pair).or_default();
        if names.iter().any(|(_, known)| *known == told.1) {
            return;
        }
        if names.len() >= limits::DNS_NAMES_PER_PAIR_MAX {
            names.remove(0);
            self.forgotten += 1;
        }
        names.push(told);
    }

    fn offer(&mut self, name: &HostName, at: Ordinal) {
        if self.ech.contains_key(name) {
            return;
        }
        if self.ech.len() >= limits::ECH_NAMES_MAX {
            if let Some(oldest) = self.ech_order.pop_front() {
                self.ech.remove(&oldest);
            }
            self.forgotten += 1;
        }
        self.ech.insert(name.clone(), at);
        self.ech_order.push_back(name.clone());
    }

    fn label(&mut self, addr: IpAddr, label: &[u8]) {
        if !self.labels.contains_key(&addr) && self.labels.len() >= limits::LABELLED_HOSTS_MAX {
            self.forgotten += 1;
            return;
        }
        let labels = self.labels.entry(addr).or_default();
        if labels.iter().all(|known| **known != *label) {
            if labels.len() < limits::LABELS_PER_HOST_MAX {
                labels.push(label.into());
            } else {
                self.forgotten += 1;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(at: u64, client: &str, name: &str, addr: &str) -> Sighting {
        Sighting {
            tale: Tale::Answer { name: HostName::new(name.as_bytes()), addr: addr.parse().unwrap() },
            at: Ordinal(at),
            told_to: Some(client.parse().unwrap()),
        }
    }

    fn names(memory: &Memory, client: &str, server: &str, before: u64) -> Vec<HostName> {
        let (client, server) = (client.parse().unwrap(), server.parse().unwrap());
        memory.names(client, server, Ordinal(before)).cloned().collect()
    }

    #[test]
    fn an_answer_names_only_flows_of_who_was_told_and_only_later_ones() {
        let mut memory = Memory::default();
        memory.hear(&answer(10, "10.20.1.5", "meet.cloud.example", "198.51.100.130"));
        let name = HostName::new(b"meet.cloud.example");
        assert_eq!(names(&memory, "10.20.1.5", "198.51.100.130", 11), [name]);
        assert!(names(&memory, "10.20.1.5", "198.51.100.130", 10).is_empty(), "told too late");
        assert!(names(&memory, "10.20.1.6", "198.51.100.130", 11).is_empty(), "told to somebody else");
    }

    #[test]
    fn one_pair_keeps_a_bounded_number_of_names_and_counts_the_rest() {
        let mut memory = Memory::default();
        for number in 0..=limits::DNS_NAMES_PER_PAIR_MAX {
            let name = format!("n{number}.example");
            memory.hear(&answer(number as u64, "10.20.1.5", &name, "198.51.100.1"));
        }
        let kept = names(&memory, "10.20.1.5", "198.51.100.1", 1_000);
        assert_eq!(kept.len(), limits::DNS_NAMES_PER_PAIR_MAX);
        assert_eq!(kept.first(), Some(&HostName::new(b"n1.example")), "the oldest goes first");
        assert_eq!(memory.forgotten(), 1);
    }

    #[test]
    fn an_offer_of_ech_counts_from_its_frame_on() {
        let mut memory = Memory::default();
        let name = HostName::new(b"hidden.example");
        memory.hear(&Sighting {
            tale: Tale::EchOffered { name: name.clone() },
            at: Ordinal(5),
            told_to: None,
        });
        assert!(memory.has_ech(&name, Ordinal(6)) && !memory.has_ech(&name, Ordinal(5)));
    }
}
