//! What the kernel says about this process: `/proc/self/status` (proc_pid_status(5)).

use std::{
    fs::File,
    io::{self, Read, Seek},
};

/// The lines that matter.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Status {
    /// Effective user id.
    pub uid: u32,
    /// Threads of the process.
    pub threads: u64,
    /// Capability sets as bit masks: inheritable, permitted, effective, bounding, ambient.
    pub inheritable: u64,
    /// As above.
    pub permitted: u64,
    /// As above.
    pub effective: u64,
    /// As above.
    pub bounding: u64,
    /// As above.
    pub ambient: u64,
    /// No new rights by starting programs.
    pub no_new_privs: bool,
    /// 0 off, 1 strict, 2 filter.
    pub seccomp: u8,
}

impl Status {
    /// Reads the status of the process, which is that of its first thread.
    ///
    /// # Errors
    /// When `/proc` is not mounted.
    pub fn read() -> io::Result<Self> {
        Self::of(&open()?)
    }

    /// Reads it again from an open file, which needs no right any more.
    pub(super) fn of(mut file: &File) -> io::Result<Self> {
        let mut text = String::new();
        file.rewind()?;
        file.read_to_string(&mut text)?;
        Ok(Self::parse(&text))
    }

    /// Reads the text; what is missing stays zero.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let field = |name: &str| {
            let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
            line.unwrap_or_default().trim()
        };
        let mask = |name| u64::from_str_radix(field(name), 16).unwrap_or_default();
        Self {
            uid: field("Uid").split_whitespace().nth(1).and_then(|id| id.parse().ok()).unwrap_or_default(),
            threads: field("Threads").parse().unwrap_or_default(),
            inheritable: mask("CapInh"),
            permitted: mask("CapPrm"),
            effective: mask("CapEff"),
            bounding: mask("CapBnd"),
            ambient: mask("CapAmb"),
            no_new_privs: field("NoNewPrivs") == "1",
            seccomp: field("Seccomp").parse().unwrap_or_default(),
        }
    }
}

/// Opens the status of the process.
pub(super) fn open() -> io::Result<File> {
    File::open("/proc/self/status")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_that_matters_is_read_and_none_is_taken_for_another() {
        let text = "Name:\tsekisho\nUid:\t1000\t998\t1000\t1000\nThreads:\t3\nCapInh:\t0000000000000000\n\
                    CapPrm:\t0000000000002000\nCapEff:\t0000000000002001\nCapBnd:\t000001ffffffffff\n\
                    CapAmb:\t0000000000000004\nNoNewPrivs:\t1\nSeccomp:\t2\nSeccomp_filters:\t7\n";
        let expected = Status {
            uid: 998,
            threads: 3,
            inheritable: 0,
            permitted: 0x2000,
            effective: 0x2001,
            bounding: 0x1ff_ffff_ffff,
            ambient: 4,
            no_new_privs: true,
            seccomp: 2,
        };
        assert_eq!(Status::parse(text), expected);
        assert_eq!(Status::parse(""), Status::default());
    }

    #[test]
    fn this_process_has_a_status() {
        assert!(Status::read().unwrap().threads >= 1);
    }
}
