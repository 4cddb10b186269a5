//! What became of a recording: what was kept, and what was not.

/// A recording at its end.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recorded {
    /// Its folder, as given.
    pub folder: String,
    /// Pieces (files) begun.
    pub pieces: u64,
    /// Frames that were brought to the disk.
    pub frames: u64,
    /// Bytes of the pieces.
    pub bytes: u64,
    /// Frames that were judged and not recorded: the disk was too slow, or the recording had stopped.
    pub unrecorded: u64,
    /// Pieces of this recording that were deleted to stay within the bound.
    pub deleted: u64,
    /// Pieces of earlier recordings in the same folder that were deleted for the same reason.
    pub deleted_earlier: u64,
    /// Why it stopped before its end.
    pub stopped: Option<Stopped>,
}

/// Why a recording stopped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stopped {
    /// The bound was reached and nothing may be deleted: bytes.
    Full(u64),
    /// The disk refused: what the system said.
    Disk(String),
}

/// What is said of a recording when it begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordingTerms {
    /// Its folder, as given.
    pub folder: String,
    /// Bytes after which a new piece begins.
    pub piece_len: u64,
    /// Bytes of all recordings in the folder together.
    pub total_len: u64,
    /// At the bound the oldest piece is deleted; otherwise recording stops.
    pub replaces_oldest: bool,
}

impl Recorded {
    /// True when every frame that was judged can be read again, so that an audit of the recording gives the same bytes
    /// (DESIGN, promise 4).
    #[must_use]
    pub const fn is_whole(&self) -> bool {
        self.unrecorded == 0 && self.deleted == 0 && self.stopped.is_none()
    }
}
