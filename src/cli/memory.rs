//! `--memory`: what a run may hold, said before it starts.

use std::fs;

use super::error::Error;
use crate::ground::model::{
    lang::Lang,
    limits::{Limits, MEMORY_DEFAULT, MEMORY_MAX, MEMORY_MIN},
};

const KIB: u64 = 1024;
const MIB: u64 = 1024 * KIB;
const GIB: u64 = 1024 * MIB;

/// The limits of a run: within what was asked for, else within the default.
///
/// # Errors
/// When the text is no size, or one that no run can keep.
pub(super) fn limits(asked: Option<&str>) -> Result<Limits, Error> {
    let Some(asked) = asked else { return Ok(Limits::within(default_for(machine()))) };
    let size = parse(asked).filter(|size| (MEMORY_MIN..=MEMORY_MAX).contains(size));
    size.map(Limits::within).ok_or_else(|| Error::Option {
        ja: format!("--memory {asked}: 64M から 1024G までの大きさを指定してください(例 512M、4G)"),
        en: format!("--memory {asked}: expected a size from 64M to 1024G, such as 512M or 4G"),
    })
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

/// A number of bytes with `K`, `M`, `G` or `T` behind it, powers of 1,024.
fn parse(text: &str) -> Option<u64> {
    let digits = text.trim_end_matches(|letter: char| !letter.is_ascii_digit());
    let unit = match text.strip_prefix(digits)? {
        "" => 1,
        "K" | "k" | "KiB" => KIB,
        "M" | "m" | "MiB" => MIB,
        "G" | "g" | "GiB" => GIB,
        "T" | "t" | "TiB" => 1024 * GIB,
        _ => return None,
    };
    digits.parse::<u64>().ok()?.checked_mul(unit)
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
    fn sizes_are_read_as_they_are_written() {
        for (text, bytes) in [
            ("512M", Some(512 * MIB)),
            ("4G", Some(4 * GIB)),
            ("1GiB", Some(GIB)),
            ("67108864", Some(64 * MIB)),
            ("1T", Some(1024 * GIB)),
            ("4 G", None),
            ("G", None),
            ("-4G", None),
            ("4.5G", None),
            ("4X", None),
            ("99999999999999999999", None),
            ("18014398509481984K", None),
        ] {
            assert_eq!(parse(text), bytes, "{text}");
        }
    }

    #[test]
    fn a_size_that_no_run_can_keep_is_refused_with_an_example() {
        for asked in ["63M", "1025G", "lots", ""] {
            let Err(Error::Option { ja, en }) = limits(Some(asked)) else { panic!("{asked}") };
            assert!(ja.contains("512M") && en.contains("--memory") && en.contains("512M"));
        }
        assert_eq!(limits(Some("64M")).ok(), Some(Limits::within(64 * MIB)));
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
            assert!(told.contains("1 GiB") && told.contains("1398101") && told.contains("256 MiB"), "{told}");
        }
    }
}
