//! Where one record ends and the next begins, without I/O: bytes come in as windows, packets go out to a [`Sink`].
//!
//! What a walker finds depends on the bytes of the file alone, never on how they are cut into windows: it either has
//! all bytes it needs to decide about a place, or asks for more.

use super::{
    note::Piece,
    pcap::{Belief, FILE_HEADER_LEN, Halt, Header, Pcap},
    pcapng::{self, Section, Step},
};
use crate::ground::model::{
    coverage::Notice,
    limits::RESYNC_LEN_MAX,
    packet::{InterfaceId, LinkType, SensorId},
    time::Timestamp,
};

/// Where the packets of a file go, and who gives its interfaces their numbers.
pub(super) trait Sink {
    /// A packet, in the order of the file.
    fn packet(&mut self, record: Record);
    /// An interface; `None` when there are too many already.
    fn interface(&mut self, described: Described<'_>) -> Option<(InterfaceId, SensorId)>;
    /// The capturing machine counted so many drops since it began.
    fn dropped(&mut self, interface: InterfaceId, total: u64);
    /// The capturing machine lost so many packets before the next one.
    fn lost(&mut self, interface: InterfaceId, packets: u64);
    /// The capturing machine told this beside packets.
    fn notice(&mut self, notice: Notice);
    /// The section that begins is a piece of a recording of ours.
    fn piece(&mut self, piece: Piece);
    /// The file is damaged at this offset.
    fn damage(&mut self, offset: u64, what: &'static str);
    /// Reading goes on at this offset after the damage that was told last.
    fn resumed(&mut self, offset: u64);
}

/// A packet as its file tells it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Record {
    pub(super) at: Timestamp,
    pub(super) stamp: Stamp,
    /// Where its bytes begin in the window.
    pub(super) offset: usize,
    pub(super) captured: u32,
    pub(super) wire: u32,
    /// Snaplen of its interface; 0 when unlimited.
    pub(super) snaplen: u32,
    pub(super) link: LinkType,
    pub(super) interface: InterfaceId,
    pub(super) sensor: SensorId,
}

/// What a stamp is worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stamp {
    /// As the capture wrote it.
    Told,
    /// Before 1970, with a fraction of a second and more, or clamped because it cannot be told.
    Odd,
    /// The capture wrote none.
    Absent,
}

/// An interface as its file describes it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Described<'a> {
    pub(super) name: &'a str,
    pub(super) link: LinkType,
    pub(super) snaplen: u32,
}

/// The bytes a walker may look at.
#[derive(Clone, Copy, Debug)]
pub(super) struct Window<'a> {
    pub(super) bytes: &'a [u8],
    /// Offset of the first byte in the file.
    pub(super) base: u64,
    /// Records that begin at or behind this index belong to the next window.
    pub(super) border: usize,
    /// How the file ends, when `bytes` reach to its end.
    pub(super) end: Option<End>,
}

/// How a file ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// Where its size says.
    Whole,
    /// Earlier than it should; a walker tells the damage.
    Shrunk,
    /// By an error that was told already.
    Told,
}

/// Why a walker stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stop {
    /// Everything that begins before the border was handed out.
    Border,
    /// The window must hold so many bytes to go on; never said of a window with an end.
    More(usize),
    /// The file is over, or given up.
    Over,
}

/// Reading state of one file.
#[derive(Clone, Debug)]
pub(super) struct Walker {
    /// Offset of the next record.
    at: u64,
    /// Where the block that was stepped over last began.
    stepped_from: u64,
    format: Format,
    /// Looking for a believable place since this offset.
    lost_since: Option<u64>,
    is_over: bool,
}

#[derive(Clone, Debug)]
enum Format {
    Unknown,
    Pcap(Pcap),
    Pcapng(Section),
}

impl Walker {
    pub(super) const fn new() -> Self {
        Self { at: 0, stepped_from: 0, format: Format::Unknown, lost_since: None, is_over: false }
    }

    /// The same file, but looking for a place to go on from `offset`.
    pub(super) fn seek(&self, offset: u64) -> Self {
        Self { at: offset, lost_since: Some(offset), ..self.clone() }
    }

    /// Offset of the next record.
    pub(super) const fn at(&self) -> u64 {
        self.at
    }

    pub(super) const fn is_over(&self) -> bool {
        self.is_over
    }

    pub(super) const fn is_lost(&self) -> bool {
        self.lost_since.is_some()
    }

    /// `pcap`, `pcapng`, or empty when it is not known yet.
    pub(super) const fn format(&self) -> &'static str {
        match self.format {
            Format::Unknown => "",
            Format::Pcap(_) => "pcap",
            Format::Pcapng(_) => "pcapng",
        }
    }

    /// Hands out the records of a window. Every turn of the loop moves on or returns.
    pub(super) fn walk<S: Sink>(&mut self, window: Window<'_>, sink: &mut S) -> Stop {
        loop {
            if self.is_over {
                return Stop::Over;
            }
            let index = usize::try_from(self.at.saturating_sub(window.base)).unwrap_or(usize::MAX);
            if index >= window.border {
                return self.border(window, index, sink);
            }
            let missing = if self.lost_since.is_some() {
                self.search(window, index, sink)
            } else {
                self.advance(window, index, sink)
            };
            match missing {
                None => {}
                Some(wanted) if window.end.is_none() => return Stop::More(wanted),
                Some(_) => self.cut(window.end, self.at, sink),
            }
        }
    }

    /// Reads on at `index`; tells how many bytes the window lacks.
    fn advance<S: Sink>(&mut self, window: Window<'_>, index: usize, sink: &mut S) -> Option<usize> {
        match &mut self.format {
            Format::Unknown => return self.begin(window, index, sink),
            Format::Pcap(pcap) => {
                let (stopped, halt) = pcap.walk(window.bytes, index, window.border, sink);
                self.at = window.base + stopped as u64;
                match halt {
                    Halt::Border => {}
                    Halt::More(wanted) => return Some(wanted),
                    Halt::Absurd => self.lose("absurd_length", sink),
                    Halt::Header => self.second_header(sink),
                }
            }
            Format::Pcapng(section) => match section.step(window.bytes, index, sink) {
                Step::Next(len) => {
                    self.stepped_from = self.at;
                    self.at += len;
                }
                Step::Unusable(len) => {
                    sink.damage(self.at, "bad_block");
                    self.at += len;
                    sink.resumed(self.at);
                }
                Step::More(wanted) => return Some(wanted),
                Step::Bad(what) => self.lose(what, sink),
                Step::Pcap => self.second_header(sink),
            },
        }
        None
    }

    /// Reads the head of a file.
    fn begin<S: Sink>(&mut self, window: Window<'_>, index: usize, sink: &mut S) -> Option<usize> {
        let rest = window.bytes.get(index..)?;
        if rest.len() < FILE_HEADER_LEN {
            return Some(index + FILE_HEADER_LEN);
        }
        if let Some(header) = Header::parse(rest) {
            let described = Described { name: "", link: header.link, snaplen: header.snaplen };
            if let Some((interface, sensor)) = sink.interface(described) {
                self.format = Format::Pcap(Pcap::new(header, interface, sensor));
                self.at += FILE_HEADER_LEN as u64;
                return None;
            }
        } else if pcapng::begins(rest) {
            self.format = Format::Pcapng(Section::default());
            return None;
        }
        sink.damage(self.at, "unknown_format");
        self.is_over = true;
        None
    }

    /// A file that was appended to another: what follows is read by its own header (`cat a.pcap b.pcap`).
    fn second_header<S: Sink>(&mut self, sink: &mut S) {
        sink.damage(self.at, "second_header");
        sink.resumed(self.at);
        self.format = Format::Unknown;
    }

    fn lose<S: Sink>(&mut self, what: &'static str, sink: &mut S) {
        sink.damage(self.at, what);
        self.lost_since = Some(self.at);
        self.at += 1;
    }

    /// Looks for a believable place from `index` on; tells how many bytes the window lacks.
    fn search<S: Sink>(&mut self, window: Window<'_>, mut index: usize, sink: &mut S) -> Option<usize> {
        let at_end = window.end.is_some();
        let since = self.lost_since.unwrap_or(self.at);
        while index < window.border {
            self.at = window.base + index as u64;
            if self.at - since > RESYNC_LEN_MAX {
                self.is_over = true;
                return None;
            }
            match self.believes(window.bytes, index, at_end) {
                Belief::No => index += 1,
                Belief::More(wanted) => return Some(wanted),
                Belief::Yes => {
                    sink.resumed(self.at);
                    self.lost_since = None;
                    return None;
                }
            }
        }
        self.at = window.base + index as u64;
        None
    }

    fn believes(&mut self, bytes: &[u8], index: usize, at_end: bool) -> Belief {
        let header = bytes.get(index..).unwrap_or(&[]);
        if header.first_chunk().is_some_and(|first| Header::may_begin(*first)) {
            if header.len() < FILE_HEADER_LEN && !at_end {
                return Belief::More(index + FILE_HEADER_LEN);
            }
            if Header::parse(header).is_some_and(|header| header.is_usual) || pcapng::begins(header) {
                self.format = Format::Unknown;
                return Belief::Yes;
            }
        }
        match &self.format {
            Format::Unknown => Belief::No,
            Format::Pcap(pcap) => pcap.believes(bytes, index, at_end),
            Format::Pcapng(section) => section.believes(bytes, index, at_end),
        }
    }

    /// The border is reached: also the end of the file, when no byte lies behind it.
    fn border<S: Sink>(&mut self, window: Window<'_>, index: usize, sink: &mut S) -> Stop {
        if window.end.is_none() || window.border < window.bytes.len() {
            return Stop::Border;
        }
        if index > window.bytes.len() {
            self.cut(window.end, self.stepped_from, sink);
        } else if window.end == Some(End::Shrunk) || matches!(self.format, Format::Unknown) {
            self.cut(window.end, self.at, sink);
        }
        self.is_over = true;
        Stop::Over
    }

    fn cut<S: Sink>(&mut self, end: Option<End>, offset: u64, sink: &mut S) {
        if end != Some(End::Told) {
            sink.damage(offset, "cut_tail");
        }
        self.is_over = true;
    }
}
