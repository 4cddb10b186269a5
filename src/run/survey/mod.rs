//! What this machine is: rights, kernel, interfaces, clock, memory and disk, looked at for `sekisho doctor`.
//!
//! Nothing is changed. What is tried is given back at once: rings are bound to nothing, confinement is tried on a thread that
//! ends, and the disk is measured with one file of bounded size that is removed.

mod disk;
mod interface;
mod kernel;
mod text;

use std::{
    fs,
    path::{Path, PathBuf},
};

use crate::{
    ground::model::{
        confinement::Landlock,
        machine::{Check, Remark},
    },
    run::sandbox::{self, Status},
};

/// What the machine is to do.
#[derive(Clone, Debug)]
pub struct Purpose {
    /// Interfaces to be watched.
    pub interfaces: Vec<String>,
    /// Rings of one interface.
    pub rings: u16,
    /// Bytes of one ring.
    pub ring_bytes: u64,
    /// Bytes kept of a frame.
    pub snaplen: u64,
    /// Workers.
    pub workers: u32,
    /// Bytes for flows and all that belongs to them.
    pub memory: u64,
    /// Folder of the recording.
    pub record: Option<PathBuf>,
    /// The program's own file.
    pub program: PathBuf,
}

/// `CAP_NET_RAW` of linux/capability.h.
const NET_RAW: u64 = 1 << 13;

/// Looks at everything, in the order in which it is told.
#[must_use]
pub fn survey(purpose: &Purpose) -> Vec<Check> {
    let status = Status::read().unwrap_or_default();
    let processors = std::thread::available_parallelism()
        .map_or(1, |count| u32::try_from(count.get()).unwrap_or(u32::MAX));
    let mut checks = Checks::default();
    checks.add(rights(status, purpose));
    confinement(&mut checks);
    let release = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    checks.add(kernel_release(release.trim()));
    rings(&mut checks, status, purpose);
    checks.add(workers(purpose.workers, processors));
    let meminfo = fs::read_to_string("/proc/meminfo").unwrap_or_default();
    memory(&meminfo, needed(purpose)).into_iter().for_each(|remark| checks.add(remark));
    clock(&mut checks);
    let there = interface::names();
    if purpose.interfaces.is_empty() {
        checks.add(Remark::NoInterfaceAsked { there: there.clone() });
    }
    let mut line = 0;
    for name in &purpose.interfaces {
        let seen = interface::look(name);
        line += seen.as_ref().and_then(|seen| seen.megabits).unwrap_or_default() * 125_000;
        match seen {
            None => checks.about(name, Remark::Missing { there: there.clone() }),
            Some(seen) => seen
                .remarks(purpose.snaplen, processors)
                .into_iter()
                .for_each(|remark| checks.about(name, remark)),
        }
    }
    if let Some(folder) = &purpose.record {
        let name = folder.display().to_string();
        record(folder, line).into_iter().for_each(|remark| checks.about(&name, remark));
    }
    checks.0
}

#[derive(Default)]
struct Checks(Vec<Check>);

impl Checks {
    fn add(&mut self, remark: Remark) {
        self.0.push(Check { subject: None, remark });
    }

    fn about(&mut self, subject: &str, remark: Remark) {
        self.0.push(Check { subject: Some(subject.to_owned()), remark });
    }
}

fn rights(status: Status, purpose: &Purpose) -> Remark {
    let program = purpose.program.display().to_string();
    if status.effective & NET_RAW != 0 {
        Remark::MayCapture { as_root: status.uid == 0 }
    } else if kernel::carries_capabilities(&purpose.program) {
        Remark::MayNotDespite { program }
    } else {
        Remark::MayNotCapture { program }
    }
}

fn confinement(checks: &mut Checks) {
    let (landlock, seccomp) = sandbox::available();
    checks.add(match landlock {
        Landlock::InForce { abi } => Remark::LandlockInForce { abi },
        Landlock::SwitchedOff | Landlock::Missing => Remark::LandlockMissing,
    });
    checks.add(if seccomp { Remark::SeccompInForce } else { Remark::SeccompMissing });
}

/// TPACKET_V3 came with Linux 3.2, PACKET_FANOUT with 3.1 (packet(7)).
fn kernel_release(release: &str) -> Remark {
    let told = release.to_owned();
    match text::version(release) {
        Some(version) if version < (3, 2) => Remark::KernelTooOld { release: told },
        _ => Remark::Kernel { release: told },
    }
}

/// All rings are tried together: memory that is there once may not be there twice.
fn rings(checks: &mut Checks, status: Status, purpose: &Purpose) {
    if status.effective & NET_RAW == 0 {
        return checks.add(Remark::RingsUntried);
    }
    let (rings, bytes) = (purpose.rings, purpose.ring_bytes);
    match (0..rings_of(purpose)).map(|_| kernel::Ring::open(bytes)).collect::<Result<Vec<_>, _>>() {
        Err(error) => checks.add(Remark::RingsRefused { rings, bytes, reason: error.to_string() }),
        Ok(open) => {
            checks.add(Remark::RingsFit { rings, bytes });
            // Two of a kind, with a number that others hardly use: the kernel tells groups apart by it.
            let group = (std::process::id() & 0xffff) as u16;
            let joined = open.iter().take(2).try_for_each(|ring| ring.join(group));
            if let Err(error) = joined {
                checks.add(Remark::FanOutRefused { reason: error.to_string() });
            }
        }
    }
}

const fn workers(workers: u32, processors: u32) -> Remark {
    if workers > processors {
        Remark::WorkersMany { workers, processors }
    } else {
        Remark::Workers { workers, processors }
    }
}

/// Rings of all interfaces. Those that are joined have as many in waiting, and one more, for an interface that is removed and
/// made anew.
fn rings_of(purpose: &Purpose) -> u64 {
    let of_one = u64::from(purpose.rings);
    let waiting = if of_one > 1 { of_one + 1 } else { 0 };
    purpose.interfaces.len().max(1) as u64 * (of_one + waiting)
}

/// The rings of all interfaces, and what flows may take.
fn needed(purpose: &Purpose) -> u64 {
    rings_of(purpose).saturating_mul(purpose.ring_bytes).saturating_add(purpose.memory)
}

/// More than this swapped out is more than what lay idle since the start.
const SWAPPED_FEW: u64 = 64 << 20;

fn memory(meminfo: &str, needed: u64) -> Vec<Remark> {
    let available = text::meminfo(meminfo, "MemAvailable").unwrap_or_default();
    let swap = |name| text::meminfo(meminfo, name).unwrap_or_default();
    let used = swap("SwapTotal").saturating_sub(swap("SwapFree"));
    let first = if needed > available {
        Remark::MemoryShort { needed, available }
    } else {
        Remark::MemoryEnough { needed, available }
    };
    let swapping = (used > SWAPPED_FEW).then_some(Remark::Swapping { used });
    std::iter::once(first).chain(swapping).collect()
}

fn clock(checks: &mut Checks) {
    checks.add(match kernel::clock() {
        Ok((true, error_micros)) => Remark::ClockKept { error_micros },
        _ => Remark::ClockFree,
    });
    let source = fs::read_to_string("/sys/devices/system/clocksource/clocksource0/current_clocksource");
    let source = source.unwrap_or_default().trim().to_owned();
    // Those that are read from a device instead of the processor (Linux, admin-guide/kernel-parameters, clocksource=).
    if ["acpi_pm", "hpet", "jiffies", "refined-jiffies", "pit"].contains(&source.as_str()) {
        checks.add(Remark::ClockSourceSlow { source });
    }
}

/// Less is full within minutes: a line of 1 Gbit/s brings 7.5 GB a minute.
const FREE_LITTLE: u64 = 10 << 30;

/// The folder of a recording: free space first, then speed, against all lines at their fullest.
fn record(folder: &Path, line: u64) -> Vec<Remark> {
    let refused = |error: std::io::Error| vec![Remark::DiskRefuses { reason: error.to_string() }];
    let free = match disk::free(folder) {
        Ok(free) => free,
        Err(error) => return refused(error),
    };
    // A tenth at most, so that the trial itself fills no disk.
    let measured = match disk::measure(folder, disk::WRITE_LEN_MAX.min(free / 10)) {
        Ok(measured) => measured,
        Err(error) => return refused(error),
    };
    let (rate, written) = (measured.rate, measured.written);
    let mut remarks = vec![Remark::DiskTakes { rate, written, free }];
    if free < FREE_LITTLE {
        remarks.push(Remark::DiskNearlyFull { free });
    }
    if rate < line {
        remarks.push(Remark::DiskSlower { rate, line });
    }
    remarks
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kernel_is_too_old_below_the_version_that_brought_the_rings() {
        assert!(matches!(kernel_release("3.1.10"), Remark::KernelTooOld { .. }));
        assert!(matches!(kernel_release("3.2.0"), Remark::Kernel { .. }));
        assert!(matches!(kernel_release("10.0"), Remark::Kernel { .. }));
    }

    #[test]
    fn memory_is_short_one_byte_below_what_is_needed() {
        let text = "MemAvailable: 1 kB\nSwapTotal: 102400 kB\nSwapFree: 0 kB\n";
        assert!(matches!(memory(text, 1024)[..], [Remark::MemoryEnough { .. }, Remark::Swapping { .. }]));
        assert!(matches!(memory(text, 1025)[0], Remark::MemoryShort { needed: 1025, available: 1024 }));
    }

    #[test]
    fn rings_that_are_joined_have_as_many_in_waiting_and_one_more() {
        let purpose = |rings, interfaces: &[&str]| Purpose {
            interfaces: interfaces.iter().map(ToString::to_string).collect(),
            rings,
            ring_bytes: 10,
            snaplen: 0,
            workers: 1,
            memory: 7,
            record: None,
            program: "sekisho".into(),
        };
        assert_eq!([rings_of(&purpose(1, &[])), rings_of(&purpose(1, &["a", "b"]))], [1, 2]);
        assert_eq!([rings_of(&purpose(2, &["a"])), rings_of(&purpose(3, &["a", "b"]))], [5, 14]);
        assert_eq!(needed(&purpose(2, &["a"])), 57);
    }

    #[test]
    fn more_workers_than_processors_is_doubtful_and_as_many_is_not() {
        assert!(matches!(workers(2, 2), Remark::Workers { .. }));
        assert!(matches!(workers(3, 2), Remark::WorkersMany { .. }));
    }

    #[test]
    fn a_folder_that_is_not_there_is_refused_and_a_faster_line_is_told() {
        assert!(matches!(record(Path::new("/no/such/folder"), 0)[..], [Remark::DiskRefuses { .. }]));
        let folder = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap();
        let remarks = record(folder.path(), u64::MAX);
        assert!(matches!(remarks.last(), Some(Remark::DiskSlower { line: u64::MAX, .. })));
    }
}
