//! `--memory`: what a run may hold, said before it starts.

use std::fs;

use super::size::Size;
use crate::ground::model::{
    lang::Lang,
    limits::{Limits, MEMORY_DEFAULT},
};

const KIB: u64 = 1024;
const MIB: u64 = 1024 * KIB;
const GIB: u64 = 1024 * MIB;

/// The limits of a run: within what was asked for, else within the default.
#[must_use]
pub(super) fn limits(asked: Option<Size>) -> Limits {
    Limits::within(asked.map_or_else(|| default_for(machine()), |size| size.0))
}

/// What the run will hold, and what happens at the bound.
#[must_use]
pub(super) fn told(limits: &Limits, lang: Lang) -> String {
    let (memory, streams) = (size(limits.memory), size(limits.stream_bytes as u64));
    let flows = limits.flows;
    match lang {
        Lang::Ja => format!(
            "メモリの予算 {memory}: 同時に {flows} 件の通信と、読み取り中のデータ {streams} まで。超えた通信はパケットごとに\
             アドレスだけで判定して数え、読み取れない通信は判定不能とし、結果の1行目で伝えます(--memory で変更)"
        ),
        Lang::En => format!(
            "memory budget {memory}: {flows} flows at a time, and {streams} of data being read. Flows beyond are judged by \
             their addresses packet by packet and counted, flows that cannot be read are undecidable, and the first line \
             of the result says so (--memory changes it)"
        ),
    }
}

/// The usual budget, or half of the machine's memory where that is less.
fn default_for(machine: Option<u64>) -> u64 {
    machine.map_or(MEMORY_DEFAULT, |machine| MEMORY_DEFAULT.min(machine / 2))
}

/// Memory of this machine, where it tells (proc(5)).
fn machine() -> Option<u64> {
    total(&fs::read_to_string("/proc/meminfo").ok()?)
}

fn total(meminfo: &str) -> Option<u64> {
    let line = meminfo.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()?.checked_mul(KIB)
}

fn size(bytes: u64) -> String {
    match bytes {
        _ if bytes.is_multiple_of(GIB) => format!("{} GiB", bytes / GIB),
        _ => format!("{} MiB", bytes / MIB),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_stays_within_what_was_asked_for() {
        assert_eq!(limits(Some(Size(64 * MIB))), Limits::within(64 * MIB));
        assert_eq!(limits(None), Limits::within(default_for(machine())));
    }

    #[test]
    fn a_small_machine_gives_half_of_its_memory() {
        assert_eq!(default_for(None), MEMORY_DEFAULT);
        assert_eq!(default_for(Some(64 * GIB)), MEMORY_DEFAULT);
        assert_eq!(default_for(Some(GIB)), 512 * MIB);
        assert_eq!(total("MemTotal:        2048 kB\nMemFree: 1 kB\n"), Some(2 * MIB));
        assert_eq!(total("MemFree: 1 kB\n"), None);
    }

    #[test]
    fn both_languages_say_how_many_and_what_happens_beyond() {
        for lang in [Lang::Ja, Lang::En] {
            let told = told(&Limits::within(GIB), lang);
            assert!(told.contains("1 GiB") && told.contains("1342177") && told.contains("256 MiB"), "{told}");
        }
    }
}
