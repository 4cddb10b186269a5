//! Who knocks at many doors: distinct targets without an answer, and distinct hosts reached by what spreads.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::IpAddr,
};

use crate::ground::model::{facts::FlowFacts, limits};

/// Fan-outs by source.
#[derive(Debug, Default)]
pub struct Fans {
    sources: BTreeMap<IpAddr, Fan>,
    targets: usize,
    /// There were more than are kept: nothing can be said of any.
    pub overflow: bool,
}

/// The doors of one source.
#[derive(Clone, Debug, Default)]
struct Fan {
    /// Targets that did not answer, by address and port.
    silent: BTreeSet<(IpAddr, u16)>,
    /// Hosts that answered a protocol of administration.
    reached: BTreeSet<IpAddr>,
}

/// What moves sideways: SMB, RPC, RDP, WinRM, SSH (DOMAIN §4.K K05).
const SPREAD_PORTS: &[u16] = &[22, 135, 139, 445, 3389, 5985, 5986];

impl Fans {
    pub(super) fn flow(&mut self, facts: &FlowFacts) {
        let (client, server) = (facts.client_end(), facts.server_end());
        if !facts.transport.has_ports() || !facts.basis.is_sure() {
            return;
        }
        let is_answered = facts.is_answered();
        if is_answered && !SPREAD_PORTS.contains(&server.port) {
            return;
        }
        let is_full =
            self.sources.len() >= limits::FAN_SOURCES_MAX && !self.sources.contains_key(&client.addr);
        if is_full || self.targets > limits::FAN_TARGETS_MAX {
            self.overflow = true;
            return;
        }
        let fan = self.sources.entry(client.addr).or_default();
        // Past the threshold there is nothing more to learn.
        let is_new = match is_answered {
            false if fan.silent.len() < limits::SCAN_TARGETS => fan.silent.insert((server.addr, server.port)),
            true if fan.reached.len() < limits::SPREAD_HOSTS => fan.reached.insert(server.addr),
            _ => false,
        };
        self.targets += usize::from(is_new);
    }

    pub(super) fn merge(&mut self, other: Self) {
        self.overflow |= other.overflow;
        for (source, theirs) in other.sources {
            let mine = self.sources.entry(source).or_default();
            for target in theirs.silent {
                if mine.silent.len() < limits::SCAN_TARGETS {
                    self.targets += usize::from(mine.silent.insert(target));
                }
            }
            for host in theirs.reached {
                if mine.reached.len() < limits::SPREAD_HOSTS {
                    self.targets += usize::from(mine.reached.insert(host));
                }
            }
        }
        self.overflow |=
            self.targets > limits::FAN_TARGETS_MAX || self.sources.len() > limits::FAN_SOURCES_MAX;
    }

    /// Sources with so many silent targets that they look for something, in order.
    pub fn scanners(&self) -> impl Iterator<Item = IpAddr> {
        self.sources
            .iter()
            .filter(|(_, fan)| fan.silent.len() >= limits::SCAN_TARGETS)
            .map(|(source, _)| *source)
    }

    /// Sources that reached so many hosts by protocols of administration, in order.
    pub fn spreaders(&self) -> impl Iterator<Item = IpAddr> {
        self.sources
            .iter()
            .filter(|(_, fan)| fan.reached.len() >= limits::SPREAD_HOSTS)
            .map(|(source, _)| *source)
    }
}
