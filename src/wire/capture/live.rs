//! Live interfaces: frames of all rings, in one order, into blocks.
//!
//! All rings together are one source. Whoever holds the baton looks through the rings, copies what is there and lets the
//! kernel have its buffers back at once; the order in which frames are handed out is the order of the input (RULES 15), and
//! a recording of it replays to the same answer. Inside a block frames of several rings stand by their stamps.
//!
//! A block without a frame says that time passes. Nothing here waits longer than [`LIVE_WAIT_MILLIS`].

use std::{
    fmt,
    os::fd::AsFd,
    time::{Duration, Instant, SystemTime},
};

use super::{
    block::{Block, Entry},
    border::Baton,
    clock::Lane,
    error::Error,
    input::{Feed, SensorBinding},
    port::{Port, Ring},
    registry::{Bindings, Ledger},
    socket::{self, Waiting},
    stop::Stop,
    walker::{Described, Record, Stamp},
};
use crate::ground::model::{
    coverage::{Blind, BlindReason, InputFile, Notice},
    limits::{
        BLOCK_LEN, LIVE_BLOCK_PACKETS_MAX, LIVE_LOOK_MILLIS, LIVE_RETIRE_MILLIS, LIVE_TURN_PACKETS_MAX,
        LIVE_WAIT_MILLIS,
    },
    time::{SECOND, Timestamp},
};

/// What is to be watched, and how.
#[derive(Debug)]
pub struct LiveRequest {
    /// Names of interfaces, in the order of their numbers.
    pub interfaces: Vec<String>,
    /// A filter in the language of pcap-filter(7); the kernel applies it.
    pub filter: Option<String>,
    /// Bytes of one ring.
    pub ring_bytes: usize,
    /// Bytes kept of a frame.
    pub snaplen: u32,
    /// Rings of one interface.
    pub rings: u16,
    /// Frames meant for others are taken, too.
    pub is_promiscuous: bool,
    /// Which interface belongs to which sensor, by its very name; the first that fits counts.
    pub sensors: Vec<SensorBinding>,
    /// Ends it after so many frames.
    pub packets: Option<u64>,
    /// Ends it after so long.
    pub duration: Option<Duration>,
    /// Ends it when somebody says so.
    pub stop: Stop,
    /// Who is told at once what happens to interfaces.
    pub news: Option<NewsTo>,
}

/// Takes news. It is called by whoever holds the baton and must not wait for anything.
pub struct NewsTo(pub Box<dyn Fn(News) + Send>);

impl fmt::Debug for NewsTo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("NewsTo")
    }
}

/// What happened to an interface, told when it is noticed. What stands in the result are the [`Notice`]s.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum News {
    /// It cannot be seen from here on.
    Lost {
        /// Its name.
        interface: String,
        /// When it was last well.
        since: Timestamp,
        /// Why.
        reason: BlindReason,
    },
    /// It could not be seen for a time that is over.
    Blind {
        /// Its name.
        interface: String,
        /// The time.
        blind: Blind,
        /// False when it still cannot be seen, for another reason.
        is_well: bool,
    },
    /// Packets were dropped.
    Dropped {
        /// Its name.
        interface: String,
        /// How many since this was told last.
        packets: u64,
    },
}

/// Opens the interfaces; needs `CAP_NET_RAW`, and needs it never again.
///
/// # Errors
/// When one does not exist, is down or refused, or the filter is none.
pub fn watch(request: LiveRequest) -> Result<(Feed, Baton), Error> {
    let probe = socket::probe().map_err(|source| Error::NotPermitted { source })?;
    let mut names = request.interfaces.clone();
    let mut seen = std::collections::BTreeSet::new();
    names.retain(|name| seen.insert(name.clone()));
    if names.is_empty() {
        return Err(Error::NoInput);
    }
    let bindings = Bindings::new(&request.sensors)?;
    let describe =
        |name: &String| InputFile { path: name.clone(), format: "live".to_owned(), ..InputFile::default() };
    let mut ledger = Ledger::of_live(names.iter().map(describe).collect(), bindings);
    let mut ports = Vec::with_capacity(names.len());
    for (file, name) in names.iter().enumerate() {
        let mut port = Port::open(name, &request, probe.as_fd())?;
        let described = Described { name, link: port.link, snaplen: port.snaplen };
        if let Some((id, sensor)) = ledger.interface(file, described) {
            (port.id, port.sensor) = (id, sensor);
        }
        ports.push(port);
    }
    let live = Live::new(ports, request);
    Ok((Feed::of_nothing(BLOCK_LEN, None), Baton::of_live(ledger, live)))
}

/// The one source that all rings are.
#[derive(Debug)]
pub(super) struct Live {
    ports: Vec<Port>,
    lane: Lane,
    /// Frames of the block that is being made, before they have their order.
    found: Vec<Found>,
    waiting: Waiting,
    /// Whose turn it is: no ring waits for a busier one.
    turn: usize,
    looked: Instant,
    counted: Instant,
    left: Option<u64>,
    until: Option<Instant>,
    ending: Option<Ending>,
    is_over: bool,
    stop: Stop,
    news: Option<NewsTo>,
    notices: Vec<Notice>,
    bytes: u64,
}

/// A frame that was copied out of a ring.
#[derive(Clone, Copy, Debug)]
struct Found {
    /// The largest stamp of its ring so far.
    running: Timestamp,
    at: Timestamp,
    offset: u32,
    captured: u32,
    wire: u32,
    port: u16,
}

/// The last frames: those that the kernel had stamped by then are still to come out of the rings.
#[derive(Clone, Copy, Debug)]
struct Ending {
    at: Timestamp,
    by: Instant,
}

/// Space that is being filled with frames.
struct Filling<'a> {
    own: &'a mut Vec<u8>,
    filled: &'a mut usize,
    found: &'a mut Vec<Found>,
}

impl Live {
    fn new(mut ports: Vec<Port>, request: LiveRequest) -> Self {
        let (now, begun) = (wall(), instant());
        ports.iter_mut().for_each(|port| port.start(now));
        Self {
            ports,
            lane: Lane::new(),
            found: Vec::new(),
            waiting: Waiting::default(),
            turn: 0,
            looked: begun,
            counted: begun,
            left: request.packets,
            until: request.duration.and_then(|duration| begun.checked_add(duration)),
            ending: None,
            is_over: false,
            stop: request.stop,
            news: request.news,
            notices: Vec::new(),
            bytes: 0,
        }
    }

    /// Bytes of all frames so far.
    pub(super) const fn bytes_done(&self) -> u64 {
        self.bytes
    }

    /// Fills a block with what the rings hold; false when the capture is over.
    pub(super) fn walk(&mut self, ledger: &mut Ledger, block: &mut Block) -> bool {
        block.first = ledger.next_ordinal();
        self.notices.clear();
        if self.is_over {
            return false;
        }
        self.look(false);
        self.end_when_due();
        self.gather(block);
        if self.found.is_empty() {
            self.wait();
            self.gather(block);
        }
        self.hand_out(ledger, block);
        let is_done = self.ending.is_some_and(|ending| block.is_empty() && instant() >= ending.by);
        if is_done || self.left == Some(0) {
            self.look(true);
            self.is_over = true;
        }
        self.notices.iter().for_each(|notice| ledger.notice(*notice));
        true
    }

    /// The end is near when somebody said so or the time is up. What came before is still read: the kernel gives a buffer
    /// that is not full after `LIVE_RETIRE_MILLIS`.
    fn end_when_due(&mut self) {
        let is_due = || self.stop.is_stopped() || self.until.is_some_and(|until| instant() >= until);
        if self.ending.is_none() && is_due() {
            let patience = Duration::from_millis(3 * u64::from(LIVE_RETIRE_MILLIS.unsigned_abs()));
            self.ending = Some(Ending { at: wall(), by: instant() + patience });
        }
    }

    /// Looks at interfaces and counters when it is time to, or for the last time.
    fn look(&mut self, is_last: bool) {
        let now = instant();
        if !is_last && now.duration_since(self.looked) < Duration::from_millis(LIVE_LOOK_MILLIS) {
            return;
        }
        self.looked = now;
        let counts = now.duration_since(self.counted) >= Duration::from_secs(1);
        if counts {
            self.counted = now;
        }
        let clock = wall();
        for port in &mut self.ports {
            let before = port.blind_since();
            match (is_last, counts) {
                (true, _) => port.close(clock, &mut self.notices),
                (false, true) => {
                    port.look(clock, &mut self.notices);
                    port.count(clock, &mut self.notices);
                }
                (false, false) => port.look(clock, &mut self.notices),
            }
            if let Some((since, reason)) = port.blind_since()
                && before.is_none_or(|(_, old)| old != reason)
            {
                tell(self.news.as_ref(), News::Lost { interface: port.name.clone(), since, reason });
            }
            if let Some(since) = port.news_of_silence(clock) {
                let (interface, reason) = (port.name.clone(), BlindReason::NoFrames);
                tell(self.news.as_ref(), News::Lost { interface, since, reason });
            }
        }
        for notice in &self.notices {
            let (Notice::Lost { interface: id, .. } | Notice::Blind(Blind { interface: id, .. })) = *notice;
            let Some(port) = self.ports.iter().find(|port| port.id == id) else { continue };
            let (interface, is_well) = (port.name.clone(), port.blind_since().is_none());
            let news = match *notice {
                Notice::Lost { packets, .. } => News::Dropped { interface, packets },
                Notice::Blind(blind) => News::Blind { interface, blind, is_well },
            };
            tell(self.news.as_ref(), news);
        }
    }

    /// Copies frames until the block is full or every ring is empty.
    fn gather(&mut self, block: &mut Block) {
        let Self { ports, found, turn, left, ending, .. } = self;
        let count: usize = ports.iter().map(|port| port.rings.len()).sum();
        let mut idle = 0;
        while idle < count
            && block.filled < BLOCK_LEN
            && found.len() < LIVE_BLOCK_PACKETS_MAX
            && *left != Some(0)
        {
            *turn = (*turn + 1) % count.max(1);
            let Some((number, port, ring)) = nth(ports, *turn) else { return };
            let room = BLOCK_LEN - block.filled;
            let own = &mut block.own;
            let filling = Filling { own, filled: &mut block.filled, found: &mut *found };
            let is_away = port.is_away();
            let Some(ring) = port.rings.get_mut(ring).filter(|ring| !ring.is_done && !is_away) else {
                idle += 1;
                continue;
            };
            match read(ring, number, room, ending.map(|ending| ending.at), left, filling) {
                Ok(0) => idle += 1,
                Ok(_) => idle = 0,
                // An interface that is away says so at every call; one that is not has a fault of its own.
                Err(_) => {
                    port.is_refused = true;
                    port.is_struck = true;
                    idle += 1;
                }
            }
        }
    }

    /// Waits for a frame. Interfaces that are away are not waited for: they would end every wait at once.
    fn wait(&mut self) {
        let Self { ports, waiting, .. } = self;
        let rings = ports.iter().filter(|port| !port.is_away()).flat_map(|port| &port.rings);
        let at_most = Duration::from_millis(LIVE_WAIT_MILLIS);
        waiting.wait(rings.map(|ring| ring.handle.as_fd()), at_most);
        let mut struck = waiting.struck();
        for port in ports.iter_mut().filter(|port| !port.is_away()) {
            let of_port = struck.by_ref().take(port.rings.len());
            port.is_struck |= of_port.fold(false, |any, ring| any | ring);
        }
    }

    /// Gives the frames their order and their numbers.
    fn hand_out(&mut self, ledger: &mut Ledger, block: &mut Block) {
        let Self { ports, found, lane, bytes, .. } = self;
        if ports.iter().map(|port| port.rings.len()).sum::<usize>() > 1 {
            found.sort_by_key(|frame| frame.running);
        }
        for frame in found.drain(..) {
            let Some(port) = ports.get_mut(usize::from(frame.port)) else { continue };
            port.frames += 1;
            let record = Record {
                at: frame.at,
                stamp: Stamp::Told,
                offset: frame.offset as usize,
                captured: frame.captured,
                wire: frame.wire,
                snaplen: port.snaplen,
                link: port.link,
                interface: port.id,
                sensor: port.sensor,
            };
            let wire = ledger.examine(&record);
            let (at, age_secs, _) = lane.place(&record);
            let entry = Entry::new(&record, at, wire, age_secs);
            ledger.enter(&entry, block.entries.len(), &mut block.ticks);
            block.entries.push(entry);
            *bytes += u64::from(frame.captured);
        }
    }
}

fn tell(news: Option<&NewsTo>, what: News) {
    if let Some(NewsTo(tell)) = news {
        tell(what);
    }
}

/// The port of the nth of all rings, and the ring's place in it.
fn nth(ports: &mut [Port], mut place: usize) -> Option<(u16, &mut Port, usize)> {
    for (number, port) in (0..).zip(ports) {
        if place < port.rings.len() {
            return Some((number, port, place));
        }
        place -= port.rings.len();
    }
    None
}

/// Copies about `room` bytes of frames out of a ring; tells how many frames it looked at.
fn read(
    ring: &mut Ring,
    port: u16,
    room: usize,
    end: Option<Timestamp>,
    left: &mut Option<u64>,
    into: Filling<'_>,
) -> Result<usize, pcap::Error> {
    let Filling { own, filled, found } = into;
    let Ring { handle, joined, running, is_done, .. } = ring;
    // Enough calls to come near the room with large frames, few enough with small ones.
    let mut count = (room / 2_048).clamp(1, LIVE_TURN_PACKETS_MAX);
    if let Some(left) = left {
        count = count.min(usize::try_from(*left).unwrap_or(usize::MAX)).max(1);
    }
    handle.dispatch(Some(count), |packet| {
        let at = stamp(packet.header.ts);
        if joined.is_some_and(|joined| at < joined) {
            return;
        }
        *joined = None;
        if end.is_some_and(|end| at > end) {
            *is_done = true;
        }
        if *is_done || *left == Some(0) {
            return;
        }
        *left = left.map(|left| left - 1);
        let to = *filled + packet.data.len();
        if own.len() < to {
            own.resize(to.max(BLOCK_LEN), 0);
        }
        let (Some(place), Ok(offset)) = (own.get_mut(*filled..to), u32::try_from(*filled)) else { return };
        place.copy_from_slice(packet.data);
        *filled = to;
        *running = (*running).max(at);
        let captured = u32::try_from(packet.data.len()).unwrap_or(u32::MAX);
        found.push(Found { running: *running, at, offset, captured, wire: packet.header.len, port });
    })
}

/// libpcap was asked for nanoseconds: they stand where microseconds usually do.
#[expect(clippy::unnecessary_cast, reason = "both halves are narrower on other systems")]
const fn stamp(at: libc::timeval) -> Timestamp {
    Timestamp::from_nanos((at.tv_sec as i64).saturating_mul(SECOND).saturating_add(at.tv_usec as i64))
}

/// The clock that the kernel stamps frames by.
#[expect(
    clippy::disallowed_methods,
    reason = "a live source says when it could not see; no verdict rests on it (RULES 39)"
)]
fn wall() -> Timestamp {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_nanos(i64::try_from(since.as_nanos()).unwrap_or(i64::MAX))
}

/// The clock that nobody sets.
#[expect(clippy::disallowed_methods, reason = "how often a live source looks at its interfaces")]
fn instant() -> Instant {
    Instant::now()
}
