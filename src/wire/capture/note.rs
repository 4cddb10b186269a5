//! What our own pcapng files say in comments: which piece of which recording they are, and what no packet can tell.

use std::fmt;

use crate::ground::model::{coverage::BlindReason, time::Timestamp};

/// A piece of a recording, as the comment of its section header names it.
///
/// Pieces of one recording are one source in the order of their numbers, whatever their stamps say: at a seam packets
/// may lie disordered by more than a second, and a clock may be set back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Piece {
    /// The recording it belongs to.
    pub recording: RecordingId,
    /// Its number, from 1.
    pub number: u64,
}

/// A recording: no two of one machine share when they began and by which process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RecordingId {
    /// When it began, by the clock of the machine.
    pub started: Timestamp,
    /// Number of the process.
    pub process: u32,
}

/// What a statistics block says beside its counters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Note {
    /// The interface was not seen from `isb_starttime` to `isb_endtime`.
    Blind(BlindReason),
    /// So many packets were seen, and judged if anybody judged, but not recorded. They stand among the counted drops.
    Unrecorded {
        /// How many.
        packets: u64,
    },
}

const BLIND: &str = "sekisho blind ";
const UNRECORDED: &str = "sekisho unrecorded ";
const PIECE: &str = "sekisho recording ";
const OF: &str = " piece ";

impl fmt::Display for Piece {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let RecordingId { started, process } = self.recording;
        write!(f, "{PIECE}{}-{process}{OF}{}", started.nanos(), self.number)
    }
}

impl Piece {
    /// Reads the comment; `None` when it is not one of ours.
    pub(super) fn parse(comment: &[u8]) -> Option<Self> {
        let (id, number) = std::str::from_utf8(comment).ok()?.strip_prefix(PIECE)?.split_once(OF)?;
        let (started, process) = id.rsplit_once('-')?;
        Some(Self {
            recording: RecordingId {
                started: Timestamp::from_nanos(started.parse().ok()?),
                process: process.parse().ok()?,
            },
            number: number.parse().ok()?,
        })
    }
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Blind(reason) => write!(f, "{BLIND}{}", reason.code()),
            Self::Unrecorded { packets } => write!(f, "{UNRECORDED}{packets}"),
        }
    }
}

impl Note {
    /// Reads the comment; `None` when it is not one of ours.
    pub(super) fn parse(comment: &[u8]) -> Option<Self> {
        let comment = std::str::from_utf8(comment).ok()?;
        if let Some(reason) = comment.strip_prefix(BLIND) {
            return BlindReason::of_code(reason).map(Self::Blind);
        }
        let packets = comment.strip_prefix(UNRECORDED)?.parse().ok()?;
        Some(Self::Unrecorded { packets })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_comment_of_ours_says_what_was_written_and_another_says_nothing() {
        let recording = RecordingId { started: Timestamp::from_nanos(-5), process: 7 };
        let piece = Piece { recording, number: 12 };
        assert_eq!(Piece::parse(piece.to_string().as_bytes()), Some(piece));
        let notes = BlindReason::ALL.map(Note::Blind);
        for note in notes.into_iter().chain([Note::Unrecorded { packets: 3 }]) {
            assert_eq!(Note::parse(note.to_string().as_bytes()), Some(note));
        }
        for other in ["", "sekisho recording 1-2 piece x", "sekisho recording 1 piece 2", "a comment"] {
            assert_eq!(Piece::parse(other.as_bytes()), None, "{other}");
            assert_eq!(Note::parse(other.as_bytes()), None, "{other}");
        }
        assert_eq!(Note::parse(b"sekisho blind luck"), None);
    }
}
