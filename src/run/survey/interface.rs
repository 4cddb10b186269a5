//! One interface: state, card and counters, from `/sys/class/net` and the driver.

use std::{fs, path::PathBuf};

use super::{
    kernel::{self, Question},
    text,
};
use crate::ground::model::machine::Remark;

/// What an interface is. Absent is what its driver does not tell.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Seen {
    /// `IFF_UP`.
    pub(super) is_up: bool,
    pub(super) has_carrier: bool,
    pub(super) is_loopback: bool,
    /// ARPHRD_… of linux/if_arp.h; 1 is Ethernet.
    pub(super) kind: u32,
    pub(super) mtu: u64,
    pub(super) megabits: Option<u64>,
    pub(super) offloads: Option<Offloads>,
    /// Entries of the card's receive ring, and the most there may be.
    pub(super) card_ring: Option<(u32, u32)>,
    /// Receive queues, and the most there may be where the driver tells.
    pub(super) queues: (u32, Option<u32>),
    /// Receive interrupts of each processor.
    pub(super) interrupts: Vec<u64>,
    /// Counters of drops and errors that are not zero.
    pub(super) dropped: Vec<(String, u64)>,
}

/// What is done to packets before a capture sees them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Offloads {
    pub(super) gro: bool,
    pub(super) lro: bool,
    pub(super) segmentation: bool,
    pub(super) vlan: bool,
}

/// Drops and errors of receiving (Linux, networking/statistics). `rx_dropped` and `rx_nohandler` count packets of protocols
/// that nobody here speaks, too, which a mirror port is full of: they are no loss.
const COUNTERS: [&str; 7] = [
    "rx_missed_errors",
    "rx_fifo_errors",
    "rx_over_errors",
    "rx_crc_errors",
    "rx_frame_errors",
    "rx_length_errors",
    "rx_errors",
];

/// Interrupts that say something about their layout.
const INTERRUPTS_FEW: u64 = 10_000;
/// A share of one processor that is no layout any more.
const PERCENT_MANY: u64 = 90;

/// Names of all interfaces.
pub(super) fn names() -> Vec<String> {
    let entries = fs::read_dir("/sys/class/net").into_iter().flatten().filter_map(Result::ok);
    let mut names: Vec<_> = entries.filter_map(|entry| entry.file_name().into_string().ok()).collect();
    names.sort();
    names
}

/// Looks at an interface; `None` when there is none of that name.
pub(super) fn look(name: &str) -> Option<Seen> {
    if !names().iter().any(|there| there == name) {
        return None;
    }
    let folder = PathBuf::from("/sys/class/net").join(name);
    let read = |file: &str| fs::read_to_string(folder.join(file)).unwrap_or_default().trim().to_owned();
    let flags = u32::from_str_radix(read("flags").trim_start_matches("0x"), 16).unwrap_or_default();
    let has = |flag: i32| flags & flag.unsigned_abs() != 0;
    let queues = fs::read_dir(folder.join("queues")).into_iter().flatten().filter_map(Result::ok);
    let queues = queues.filter(|entry| entry.file_name().to_string_lossy().starts_with("rx-")).count();
    let counters = COUNTERS.iter().filter_map(|counter| {
        let count = read(&format!("statistics/{counter}")).parse().ok().filter(|count| *count > 0)?;
        Some(((*counter).to_owned(), count))
    });
    Some(Seen {
        is_up: has(libc::IFF_UP),
        has_carrier: read("carrier") == "1",
        is_loopback: has(libc::IFF_LOOPBACK),
        kind: read("type").parse().unwrap_or_default(),
        mtu: read("mtu").parse().unwrap_or_default(),
        // Minus one, and nothing at all, mean that nobody knows.
        megabits: read("speed").parse().ok(),
        offloads: offloads(name),
        card_ring: kernel::ask(name, Question::Rings)
            .map(|[most, _, _, _, now, ..]| (now, most))
            .filter(|(_, most)| *most > 0),
        queues: (u32::try_from(queues).unwrap_or(u32::MAX), channels(name)),
        interrupts: interrupts(name, &folder),
        dropped: counters.collect(),
    })
}

fn offloads(name: &str) -> Option<Offloads> {
    let is_on = |question| kernel::ask(name, question).map(|[on, ..]| on != 0);
    let flags = kernel::ask(name, Question::Flags).map(|[flags, ..]| flags).unwrap_or_default();
    Some(Offloads {
        gro: is_on(Question::Gro)?,
        lro: flags & kernel::FLAG_LRO != 0,
        segmentation: is_on(Question::Tso).unwrap_or_default() || is_on(Question::Gso).unwrap_or_default(),
        vlan: flags & kernel::FLAG_RX_VLAN != 0,
    })
}

/// The most receive queues of the card: `max_combined` and `max_rx` of `ethtool_channels`.
fn channels(name: &str) -> Option<u32> {
    let [max_rx, _, _, max_combined, ..] = kernel::ask(name, Question::Channels)?;
    Some(max_rx.max(max_combined)).filter(|most| *most > 0)
}

/// By the numbers that the device lists; a device without such a list by the names of the rows.
fn interrupts(name: &str, folder: &std::path::Path) -> Vec<u64> {
    let rows = fs::read_to_string("/proc/interrupts").unwrap_or_default();
    let listed = fs::read_dir(folder.join("device/msi_irqs")).into_iter().flatten().filter_map(Result::ok);
    let listed: Vec<u32> = listed.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect();
    text::interrupts(&rows, &|number, row| listed.contains(&number) || text::is_of_interface(row, name))
}

impl Seen {
    /// What is to be said, in order; of an interface that is not up only that.
    pub(super) fn remarks(&self, snaplen: u64, processors: u32) -> Vec<Remark> {
        if !self.is_up {
            return vec![Remark::Down];
        }
        if !self.has_carrier {
            return vec![Remark::NoCarrier];
        }
        let (mtu, megabits) = (self.mtu, self.megabits);
        let mut remarks = vec![Remark::Up { mtu, megabits }];
        if self.is_loopback {
            remarks.push(Remark::Loopback);
        } else if self.kind != u32::from(libc::ARPHRD_ETHER) {
            remarks.push(Remark::NotEthernet { kind: self.kind });
        }
        remarks.push(whole(snaplen, mtu));
        self.offloads(&mut remarks);
        if let Some((entries, most)) = self.card_ring {
            remarks.push(if entries < most {
                Remark::CardRingSmall { entries, most }
            } else {
                Remark::CardRingFull { entries }
            });
        }
        remarks.push(self.queues(processors));
        remarks.extend(self.layout());
        remarks.push(match self.dropped.as_slice() {
            [] => Remark::NothingDropped,
            counters => Remark::Dropped { counters: counters.to_vec() },
        });
        remarks
    }

    fn offloads(&self, remarks: &mut Vec<Remark>) {
        let Some(on) = self.offloads else { return remarks.push(Remark::OffloadsUnknown) };
        if on.gro {
            remarks.push(Remark::ReceiveMerged { by_card: false });
        }
        if on.lro {
            remarks.push(Remark::ReceiveMerged { by_card: true });
        }
        if !on.gro && !on.lro {
            remarks.push(Remark::OffloadsOff);
        }
        if on.segmentation {
            remarks.push(Remark::SendUncut);
        }
        if on.vlan {
            remarks.push(Remark::TagsApart);
        }
    }

    fn queues(&self, processors: u32) -> Remark {
        let (queues, most) = self.queues;
        let possible = most.unwrap_or(queues).min(processors);
        if queues < possible {
            Remark::QueuesFew { queues, possible }
        } else {
            Remark::QueuesEnough { queues, processors }
        }
    }

    /// How interrupts are laid out; nothing where there is one queue or were few of them.
    fn layout(&self) -> Option<Remark> {
        let total: u64 = self.interrupts.iter().sum();
        if self.queues.0 < 2 || total < INTERRUPTS_FEW {
            return None;
        }
        let (processor, most) = (0..).zip(&self.interrupts).max_by_key(|(_, count)| **count)?;
        let percent = u64::try_from(u128::from(*most) * 100 / u128::from(total)).unwrap_or(100);
        let processors =
            u32::try_from(self.interrupts.iter().filter(|count| **count > 0).count()).unwrap_or(u32::MAX);
        Some(if percent >= PERCENT_MANY {
            Remark::InterruptsOnOne { processor, percent }
        } else {
            Remark::InterruptsSpread { processors }
        })
    }
}

/// A frame is 14 bytes of Ethernet and up to two VLAN tags longer than the MTU says.
const fn whole(snaplen: u64, mtu: u64) -> Remark {
    if snaplen < mtu.saturating_add(14 + 8) {
        Remark::SnaplenCuts { snaplen, mtu }
    } else {
        Remark::SnaplenHolds { snaplen, mtu }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn card() -> Seen {
        Seen {
            is_up: true,
            has_carrier: true,
            kind: 1,
            mtu: 1500,
            megabits: Some(10_000),
            offloads: Some(Offloads::default()),
            card_ring: Some((512, 512)),
            queues: (4, Some(4)),
            ..Seen::default()
        }
    }

    fn told(seen: &Seen) -> Vec<Remark> {
        seen.remarks(65_535, 4)
    }

    #[test]
    fn a_card_as_it_should_be_has_nothing_that_is_not_good() {
        use crate::ground::model::machine::Fitness;
        assert!(told(&card()).iter().all(|remark| remark.fitness() == Fitness::Good), "{:?}", told(&card()));
    }

    #[test]
    fn of_an_interface_that_is_down_or_without_link_only_that_is_told() {
        assert_eq!(told(&Seen { is_up: false, ..card() }), [Remark::Down]);
        assert_eq!(told(&Seen { has_carrier: false, ..card() }), [Remark::NoCarrier]);
    }

    #[test]
    fn every_offload_that_changes_packets_is_told_by_itself() {
        let all = Offloads { gro: true, lro: true, segmentation: true, vlan: true };
        let told = told(&Seen { offloads: Some(all), ..card() });
        for expected in [
            Remark::ReceiveMerged { by_card: false },
            Remark::ReceiveMerged { by_card: true },
            Remark::SendUncut,
            Remark::TagsApart,
        ] {
            assert!(told.contains(&expected), "{expected:?}");
        }
        assert!(!told.contains(&Remark::OffloadsOff));
    }

    #[test]
    fn a_snaplen_holds_a_frame_with_two_tags_and_one_byte_less_does_not() {
        assert!(matches!(whole(1522, 1500), Remark::SnaplenHolds { .. }));
        assert!(matches!(whole(1521, 1500), Remark::SnaplenCuts { .. }));
    }

    #[test]
    fn more_queues_than_processors_are_not_asked_for() {
        assert!(matches!(Seen { queues: (4, Some(64)), ..card() }.queues(4), Remark::QueuesEnough { .. }));
        assert!(matches!(
            Seen { queues: (1, Some(64)), ..card() }.queues(4),
            Remark::QueuesFew { queues: 1, possible: 4 }
        ));
    }

    #[test]
    fn interrupts_on_one_processor_are_told_once_there_are_enough_to_tell() {
        let laid = |interrupts: &[u64]| Seen { interrupts: interrupts.to_vec(), ..card() }.layout();
        assert_eq!(laid(&[0, 9_000, 999]), None);
        assert_eq!(laid(&[1_000, 9_000]), Some(Remark::InterruptsOnOne { processor: 1, percent: 90 }));
        assert_eq!(laid(&[1_001, 8_999]), Some(Remark::InterruptsSpread { processors: 2 }));
    }

    #[test]
    fn the_loopback_is_there_and_a_path_is_no_interface() {
        assert!(look("lo").is_some_and(|lo| lo.is_loopback));
        assert_eq!(look("../net/lo"), None);
        assert_eq!(look(""), None);
    }
}
