//! What is wrong with an input before anything of it is read.

use std::io;

/// An input that cannot be used, and what to do about it.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Nothing was given.
    #[error("no input: name a capture file, a folder, a glob, or `-` for standard input")]
    NoInput,
    /// There is no such file.
    #[error(
        "{path}: no such file or folder; check the spelling, and quote globs that the shell should leave alone"
    )]
    NotFound {
        /// As typed.
        path: String,
    },
    /// A glob that fits nothing.
    #[error("{pattern}: no file fits this glob; try it with `ls`")]
    NothingFits {
        /// As typed.
        pattern: String,
    },
    /// A glob that cannot be read as one.
    #[error("{pattern}: not a glob ({reason}); write `*`, `?` or `[abc]`, and `[*]` for a star itself")]
    BadPattern {
        /// As typed.
        pattern: String,
        /// The fault.
        reason: String,
    },
    /// The system refuses.
    #[error("{path}: cannot be read ({source}); check who may read it")]
    Unreadable {
        /// The file.
        path: String,
        /// Why.
        source: io::Error,
    },
    /// No file of the input is a capture.
    #[error("{path}: not a capture; expected pcap or pcapng, bare or packed by gzip, zstd or lz4")]
    NotACapture {
        /// The file, or the folder or glob that holds none.
        path: String,
    },
    /// A stream cannot be followed as a file.
    #[error("{path}: only files and folders can be followed; a pipe is read to its end without --follow")]
    NotFollowed {
        /// As typed.
        path: String,
    },
    /// More files than are read in one run.
    #[error("{path}: more than {limit} files; give fewer at once")]
    TooManyFiles {
        /// The folder or glob that was too much.
        path: String,
        /// The most that are read.
        limit: usize,
    },
    /// This process may not capture.
    #[error(
        "no right to capture ({source}); run it with sudo, or give the program the right once: sudo setcap cap_net_raw+ep \
         $(command -v sekisho)"
    )]
    NotPermitted {
        /// What the system said.
        source: io::Error,
    },
    /// There is no such interface.
    #[error("{name}: no such interface; there are: {}", .known.join(", "))]
    NoSuchInterface {
        /// As typed.
        name: String,
        /// Those there are.
        known: Vec<String>,
    },
    /// It is switched off.
    #[error("{name}: the interface is down; switch it on: sudo ip link set dev {name} up")]
    InterfaceDown {
        /// The interface.
        name: String,
    },
    /// libpcap or the kernel refuses it.
    #[error(
        "{name}: cannot be captured from ({reason}); a smaller --ring needs less memory, `sekisho doctor` knows more"
    )]
    NotOpened {
        /// The interface.
        name: String,
        /// Why.
        reason: String,
    },
    /// Not a filter.
    #[error(
        "--filter {filter}: not a filter ({reason}); see `man pcap-filter`, and try it with `tcpdump -d`"
    )]
    BadFilter {
        /// As typed.
        filter: String,
        /// The fault.
        reason: String,
    },
}
