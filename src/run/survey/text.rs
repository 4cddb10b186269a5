//! What the kernel's text files say: `/proc` and `/sys`, read by pure functions.

/// Version of a release such as `6.1.0-18-amd64`: major and minor.
#[must_use]
pub(super) fn version(release: &str) -> Option<(u32, u32)> {
    let mut parts = release.split(|c: char| !c.is_ascii_digit()).map(str::parse);
    Some((parts.next()?.ok()?, parts.next()?.ok()?))
}

/// A line of `/proc/meminfo` in bytes (proc_meminfo(5): the unit is always kB, and means KiB).
#[must_use]
pub(super) fn meminfo(text: &str, name: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
    line.split_whitespace().next()?.parse::<u64>().ok()?.checked_mul(1024)
}

/// Interrupts of each processor, summed over the rows that `is_wanted` takes by number and name
/// (proc_interrupts(5)). Empty when no row is wanted.
#[must_use]
pub(super) fn interrupts(text: &str, is_wanted: &dyn Fn(u32, &str) -> bool) -> Vec<u64> {
    let mut lines = text.lines();
    let processors = lines.next().unwrap_or_default().split_whitespace().count();
    let mut sums = Vec::new();
    for line in lines {
        let Some((number, rest)) = line.trim_start().split_once(':') else { continue };
        // Rows of letters are the processors' own.
        let Ok(number) = number.parse() else { continue };
        let mut words = rest.split_whitespace();
        let counts: Vec<u64> = words.by_ref().take(processors).map_while(|word| word.parse().ok()).collect();
        let name = rest.split_whitespace().next_back().unwrap_or_default();
        if counts.len() == processors && is_wanted(number, name) {
            sums.resize(processors, 0);
            sums.iter_mut().zip(counts).for_each(|(sum, count): (&mut u64, u64)| *sum += count);
        }
    }
    sums
}

/// True when the name of an interrupt is that of an interface: `enp1s0`, `enp1s0-TxRx-3`, `enp1s0:rx-0`.
#[must_use]
pub(super) fn is_of_interface(row: &str, interface: &str) -> bool {
    row.strip_prefix(interface)
        .is_some_and(|rest| rest.is_empty() || !rest.starts_with(|c: char| c.is_ascii_alphanumeric()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const INTERRUPTS: &str = "            CPU0       CPU1       CPU2\n   \
         8:          0          1          0   IO-APIC    8-edge      rtc0\n  \
         130:    900000         10          0   PCI-MSI 1048576-edge      enp1s0-TxRx-0\n  \
         131:        50     100000          7   PCI-MSI 1048577-edge      enp1s0-TxRx-1\n  \
         132:         5          5          5   PCI-MSI 1048578-edge      enp1s0np1-TxRx-0\n \
         NMI:         3          3          3   Non-maskable interrupts\n \
         ERR:          0\n";

    #[test]
    fn a_release_has_a_version_whatever_stands_behind_it() {
        assert_eq!(version("6.1.0-18-amd64"), Some((6, 1)));
        assert_eq!(version("4.18.0-553.el8_10.x86_64"), Some((4, 18)));
        assert_eq!(version("unknown"), None);
    }

    #[test]
    fn memory_is_told_in_bytes_and_a_name_is_no_prefix_of_another() {
        let text =
            "MemTotal:       16384 kB\nMemAvailable:    8 kB\nSwapTotal:       0 kB\nSwapFree:  0 kB\n";
        assert_eq!(meminfo(text, "MemAvailable"), Some(8192));
        assert_eq!(meminfo(text, "SwapTotal"), Some(0));
        assert_eq!(meminfo(text, "Mem"), None);
    }

    #[test]
    fn interrupts_of_an_interface_are_summed_and_those_of_a_longer_name_are_not() {
        let of = |name: &'static str| interrupts(INTERRUPTS, &move |_, row| is_of_interface(row, name));
        assert_eq!(of("enp1s0"), [900_050, 100_010, 7]);
        assert_eq!(of("enp1s0np1"), [5, 5, 5]);
        assert!(of("eth0").is_empty());
        assert_eq!(interrupts(INTERRUPTS, &|number, _| number == 8), [0, 1, 0]);
        assert!(interrupts("", &|_, _| true).is_empty());
    }
}
