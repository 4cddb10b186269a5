//! What was found out about the machine that is to capture: `sekisho doctor`.

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    /// The interface or folder it is about; `None` for the machine.
    pub subject: Option<String>,
    /// What was found.
    pub remark: Remark,
}

/// What a remark means for a capture.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fitness {
    /// As it should be.
    Good,
    /// Works, and may cost packets or exactness.
    Doubtful,
    /// Prevents a capture, or spoils it.
    Bad,
}

/// What was found. Bytes are bytes, rates bytes a second, unless the name says otherwise.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "each is told in full by words::machine, which is its documentation")]
pub enum Remark {
    MayCapture { as_root: bool },
    MayNotCapture { program: String },
    MayNotDespite { program: String },
    LandlockInForce { abi: u8 },
    LandlockMissing,
    SeccompInForce,
    SeccompMissing,
    Kernel { release: String },
    KernelTooOld { release: String },
    RingsFit { rings: u16, bytes: u64 },
    RingsRefused { rings: u16, bytes: u64, reason: String },
    FanOutRefused { reason: String },
    RingsUntried,
    NoInterfaceAsked { there: Vec<String> },
    Missing { there: Vec<String> },
    Down,
    NoCarrier,
    Up { mtu: u64, megabits: Option<u64> },
    Loopback,
    NotEthernet { kind: u32 },
    SnaplenHolds { snaplen: u64, mtu: u64 },
    SnaplenCuts { snaplen: u64, mtu: u64 },
    OffloadsOff,
    ReceiveMerged { by_card: bool },
    SendUncut,
    TagsApart,
    OffloadsUnknown,
    CardRingFull { entries: u32 },
    CardRingSmall { entries: u32, most: u32 },
    QueuesEnough { queues: u32, processors: u32 },
    QueuesFew { queues: u32, possible: u32 },
    InterruptsSpread { processors: u32 },
    InterruptsOnOne { processor: u32, percent: u64 },
    NothingDropped,
    Dropped { counters: Vec<(String, u64)> },
    ClockKept { error_micros: u64 },
    ClockFree,
    ClockSourceSlow { source: String },
    Workers { workers: u32, processors: u32 },
    WorkersMany { workers: u32, processors: u32 },
    MemoryEnough { needed: u64, available: u64 },
    MemoryShort { needed: u64, available: u64 },
    Swapping { used: u64 },
    DiskTakes { rate: u64, written: u64, free: u64 },
    DiskSlower { rate: u64, line: u64 },
    DiskNearlyFull { free: u64 },
    DiskRefuses { reason: String },
}

impl Remark {
    /// Stable name for machines.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::MayCapture { .. } | Self::MayNotCapture { .. } | Self::MayNotDespite { .. } => "rights",
            Self::LandlockInForce { .. } | Self::LandlockMissing => "landlock",
            Self::SeccompInForce | Self::SeccompMissing => "seccomp",
            Self::Kernel { .. } | Self::KernelTooOld { .. } => "kernel",
            Self::RingsFit { .. } | Self::RingsRefused { .. } | Self::RingsUntried => "rings",
            Self::FanOutRefused { .. } => "fanout",
            Self::NoInterfaceAsked { .. }
            | Self::Missing { .. }
            | Self::Down
            | Self::NoCarrier
            | Self::Up { .. }
            | Self::Loopback
            | Self::NotEthernet { .. } => "interface",
            Self::SnaplenHolds { .. } | Self::SnaplenCuts { .. } => "snaplen",
            Self::OffloadsOff
            | Self::ReceiveMerged { .. }
            | Self::SendUncut
            | Self::TagsApart
            | Self::OffloadsUnknown => "offload",
            Self::CardRingFull { .. } | Self::CardRingSmall { .. } => "card_ring",
            Self::QueuesEnough { .. } | Self::QueuesFew { .. } => "queues",
            Self::InterruptsSpread { .. } | Self::InterruptsOnOne { .. } => "interrupts",
            Self::NothingDropped | Self::Dropped { .. } => "drops",
            Self::ClockKept { .. } | Self::ClockFree | Self::ClockSourceSlow { .. } => "clock",
            Self::Workers { .. } | Self::WorkersMany { .. } => "workers",
            Self::MemoryEnough { .. } | Self::MemoryShort { .. } | Self::Swapping { .. } => "memory",
            Self::DiskTakes { .. }
            | Self::DiskSlower { .. }
            | Self::DiskNearlyFull { .. }
            | Self::DiskRefuses { .. } => "disk",
        }
    }

    /// What it means for a capture.
    #[must_use]
    pub const fn fitness(&self) -> Fitness {
        match self {
            Self::MayCapture { .. }
            | Self::LandlockInForce { .. }
            | Self::SeccompInForce
            | Self::Kernel { .. }
            | Self::RingsFit { .. }
            | Self::NoInterfaceAsked { .. }
            | Self::Up { .. }
            | Self::SnaplenHolds { .. }
            | Self::OffloadsOff
            | Self::TagsApart
            | Self::CardRingFull { .. }
            | Self::QueuesEnough { .. }
            | Self::InterruptsSpread { .. }
            | Self::NothingDropped
            | Self::ClockKept { .. }
            | Self::Workers { .. }
            | Self::MemoryEnough { .. }
            | Self::DiskTakes { .. } => Fitness::Good,
            Self::LandlockMissing
            | Self::SeccompMissing
            | Self::RingsUntried
            | Self::Loopback
            | Self::NotEthernet { .. }
            | Self::SnaplenCuts { .. }
            | Self::ReceiveMerged { by_card: false }
            | Self::SendUncut
            | Self::OffloadsUnknown
            | Self::CardRingSmall { .. }
            | Self::QueuesFew { .. }
            | Self::InterruptsOnOne { .. }
            | Self::Dropped { .. }
            | Self::ClockFree
            | Self::ClockSourceSlow { .. }
            | Self::WorkersMany { .. }
            | Self::Swapping { .. }
            | Self::DiskSlower { .. }
            | Self::DiskNearlyFull { .. } => Fitness::Doubtful,
            Self::MayNotCapture { .. }
            | Self::MayNotDespite { .. }
            | Self::KernelTooOld { .. }
            | Self::RingsRefused { .. }
            | Self::FanOutRefused { .. }
            | Self::Missing { .. }
            | Self::Down
            | Self::NoCarrier
            | Self::ReceiveMerged { by_card: true }
            | Self::MemoryShort { .. }
            | Self::DiskRefuses { .. } => Fitness::Bad,
        }
    }
}
