//! What was looked at, when, and how well: silence is not health.

use std::{collections::BTreeMap, sync::Arc};

use super::{
    packet::{InterfaceId, LinkType, SensorId},
    tally::Count,
    time::Timestamp,
};

/// One file or stream of the input, as the reader left it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct InputFile {
    /// Its path as given, or `-`.
    pub path: String,
    /// Its size in bytes, where it has one.
    pub size: Option<u64>,
    /// First and last frame number that came from it (its frames may be interleaved with those of others); `None` when
    /// it held no packet.
    pub frames: Option<(u64, u64)>,
    /// Frames from it.
    pub packets: u64,
    /// Stamp of its first packet.
    pub first: Option<Timestamp>,
    /// Largest stamp in it.
    pub last: Option<Timestamp>,
    /// Format: `pcap`, `pcapng`, with ` (gzip)` and so on behind it.
    pub format: String,
    /// The file before it in the list whose bytes it repeats; it was not read.
    pub same_as: Option<String>,
    /// Damage, in the order of offsets.
    pub damage: Vec<Damage>,
    /// Damaged places beyond those listed.
    pub damage_unlisted: u64,
    /// Packets that did not come in the place they have in the finished input: it was followed while it was written, and
    /// they lay in a file that came late, or behind the end of one that was taken to be over (promise 4 is off for them).
    pub late: u64,
}

/// One damaged place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Damage {
    /// Byte offset in the (decompressed) file.
    pub offset: u64,
    /// What is wrong, a code: `cut_tail`, `bad_block`, `absurd_length`, `second_header`, `bad_compression`, `unreadable`,
    /// `unknown_format`, `expansion_limit`; where files are followed also `truncated`, `vanished` (gone or written anew before
    /// it was read), `grew_late` (a packed file grew after it was read) and `too_many_files`.
    pub what: &'static str,
    /// Where reading went on, when it did.
    pub resumed_at: Option<u64>,
}

/// One interface of the input.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Interface {
    /// Its number over the whole input.
    pub id: InterfaceId,
    /// Name by the file (pcapng if_name), or empty.
    pub name: String,
    /// Path of its file.
    pub file: String,
    /// Link type.
    pub link: LinkType,
    /// Snaplen; 0 when unlimited.
    pub snaplen: u32,
    /// Sensor it is bound to.
    pub sensor: SensorId,
    /// Packets from it.
    pub packets: u64,
    /// Packets the capturing kernel or card dropped, by ISB counters (pcapng) or live statistics; `None` when not told.
    pub dropped: Option<u64>,
    /// Of these, by the minute (number since the epoch) in which they were counted, where that is known.
    pub lost: BTreeMap<i64, u64>,
}

/// What a capturing machine tells beside packets. A live source makes notices, a recording keeps them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Notice {
    /// The kernel or the card dropped packets.
    Lost {
        /// Where.
        interface: InterfaceId,
        /// When the counters were read.
        at: Timestamp,
        /// How many since they were read before.
        packets: u64,
    },
    /// An interface could not be seen for a time that is over.
    Blind(Blind),
}

/// A time in which nothing that passed an interface could be seen. It was measured by the wall clock of the capturing
/// machine and is a record (RULES 39); it ends no flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Blind {
    /// Which one.
    pub interface: InterfaceId,
    /// When it was last known to be well.
    pub from: Timestamp,
    /// When it was well again, or the capture ended.
    pub to: Timestamp,
    /// Why.
    pub reason: BlindReason,
}

/// Why an interface was not seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum BlindReason {
    /// It was switched off.
    Down,
    /// It had no link.
    NoCarrier,
    /// There was no such interface any more.
    Gone,
    /// It was up and not a single frame came (THREATS §4 formula 9).
    NoFrames,
    /// The kernel refused to go on.
    Refused,
}

impl BlindReason {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Down, Self::NoCarrier, Self::Gone, Self::NoFrames, Self::Refused];

    /// The word in machine output and in recordings.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Down => "down",
            Self::NoCarrier => "no_carrier",
            Self::Gone => "gone",
            Self::NoFrames => "no_frames",
            Self::Refused => "refused",
        }
    }

    /// The reason with this code.
    #[must_use]
    pub fn of_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.code() == code)
    }
}

/// Everything the reader knows at the end.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct InputReport {
    /// Files in the order they were read.
    pub files: Vec<InputFile>,
    /// Interfaces.
    pub interfaces: Vec<Interface>,
    /// Packets whose stamp was clamped, negative or moved by more than an hour.
    pub time_anomalies: u64,
    /// Packets that say they hold more bytes than the wire had; their wire length was raised.
    pub longer_than_wire: u64,
    /// Packets longer than the snaplen of their interface.
    pub longer_than_snaplen: u64,
    /// Packets without a byte.
    pub empty: u64,
    /// Files of a folder or a glob that are no captures.
    pub skipped: Vec<String>,
    /// Frames handed out.
    pub read: Count,
    /// Times in which an interface was not seen, in the order they were told.
    pub blind: Vec<Blind>,
    /// Such times beyond those listed.
    pub blind_unlisted: u64,
}

/// What was seen in one minute at one sensor. THREATS §4 formula 9.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MinuteSeen {
    /// Frames.
    pub count: Count,
    /// Bytes acknowledged in flows that closed in this minute, and of these the unseen ones.
    pub acked: u64,
    /// See `acked`.
    pub unseen: u64,
    /// Packets that the kernel or the card dropped, where the minute is known.
    pub dropped: u64,
}

/// What was seen between two places.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PairSeen {
    /// Flows.
    pub flows: u64,
    /// Frames and bytes.
    pub count: Count,
    /// Flows seen in one direction only.
    pub one_way: u64,
}

impl PairSeen {
    /// Adds what another part of the same run saw.
    pub const fn add(&mut self, other: &Self) {
        self.flows += other.flows;
        self.count.add(other.count);
        self.one_way += other.one_way;
    }
}

/// What was looked at: kept by the engine, told in coverage.json and the summary.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Coverage {
    /// First stamp of the input in input order.
    pub first: Option<Timestamp>,
    /// Largest stamp.
    pub last: Option<Timestamp>,
    /// Per sensor and minute (number since the epoch).
    pub minutes: BTreeMap<(SensorId, i64), MinuteSeen>,
    /// Per (segment of the client, segment of the server): ids of the policy.
    pub pairs: BTreeMap<(Arc<str>, Arc<str>), PairSeen>,
    /// Frames in which a segment or zone was one end.
    pub places: BTreeMap<Arc<str>, u64>,
    /// Frames by VLAN id (0 = untagged).
    pub vlans: BTreeMap<u16, u64>,
    /// Frames by sensor.
    pub sensors: BTreeMap<SensorId, Count>,
    /// Frames with an outer layer, by tunnel code.
    pub tunnels: BTreeMap<&'static str, u64>,
    /// Frames whose tunnels went deeper than is opened.
    pub depth_limited: u64,
    /// Flows whose VLAN belonged to neither end.
    pub vlan_mismatched: u64,
    /// ClientHellos that the snaplen cut.
    pub cut_hellos: u64,
}
