//! One interface that is watched: its rings, its counters, and the times in which it could not be seen.

use std::{
    mem::take,
    os::fd::{AsFd, BorrowedFd},
};

use pcap::{Active, Capture, Precision};

use super::{
    drops::Counter,
    error::Error,
    live::LiveRequest,
    sight::{Look, Past, Sight},
    socket,
};
use crate::ground::model::{
    coverage::{Blind, BlindReason, Notice},
    limits::LIVE_RETIRE_MILLIS,
    packet::{InterfaceId, LinkType, SensorId},
    time::Timestamp,
};

/// One ring: a libpcap handle with a TPACKET_V3 ring of its own.
pub(super) struct Ring {
    pub(super) handle: Capture<Active>,
    /// Frames from before all rings had joined were seen by several of them; they are passed over.
    pub(super) joined: Option<Timestamp>,
    /// Came to a frame from behind the end of the capture.
    pub(super) is_done: bool,
    /// The largest stamp so far: what orders the rings of one block.
    pub(super) running: Timestamp,
    dropped: Counter,
}

/// One interface.
pub(super) struct Port {
    pub(super) name: String,
    pub(super) id: InterfaceId,
    pub(super) sensor: SensorId,
    pub(super) link: LinkType,
    pub(super) snaplen: u32,
    pub(super) rings: Vec<Ring>,
    /// Where rings are joined: as many that are not, for the time after the interface was removed (a ring that has joined
    /// cannot be bound to another interface), and one that never joins, for all times after that. Until then they are bound
    /// to the loopback and take nothing.
    spares: Vec<Ring>,
    /// Number of the interface in the kernel.
    index: i32,
    hardware: u16,
    filter: String,
    is_promiscuous: bool,
    card: Counter,
    /// Frames handed out.
    pub(super) frames: u64,
    /// The kernel said that something happened to it.
    pub(super) is_struck: bool,
    /// Reading failed although the interface is up.
    pub(super) is_refused: bool,
    sight: Sight,
}

/// Takes no frame: the filter of a ring in waiting.
const NOTHING: &str = "less 0";

impl std::fmt::Debug for Port {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { name, rings, sight, .. } = self;
        f.debug_struct("Port")
            .field("name", name)
            .field("rings", &rings.len())
            .field("sight", sight)
            .finish_non_exhaustive()
    }
}

impl Ring {
    fn open(name: &str, request: &LiveRequest, filter: &str) -> Result<Self, Error> {
        let refused =
            |error: pcap::Error| Error::NotOpened { name: name.to_owned(), reason: error.to_string() };
        let number = |value: usize| i32::try_from(value).unwrap_or(i32::MAX);
        let handle = Capture::from_device(name)
            .map_err(refused)?
            .promisc(request.is_promiscuous)
            .snaplen(number(request.snaplen as usize))
            .buffer_size(number(request.ring_bytes))
            .timeout(LIVE_RETIRE_MILLIS)
            .precision(Precision::Nano);
        let mut handle = handle.open().map_err(refused)?.setnonblock().map_err(refused)?;
        if !filter.is_empty() {
            handle.filter(filter, true).map_err(|error| bad_filter(filter, &error))?;
        }
        let (joined, running) = (None, Timestamp::MIN);
        Ok(Self { handle, joined, is_done: false, running, dropped: Counter::default() })
    }
}

fn bad_filter(filter: &str, error: &pcap::Error) -> Error {
    Error::BadFilter { filter: filter.to_owned(), reason: error.to_string() }
}

impl Port {
    /// Opens the rings of an interface; `probe` is any packet socket.
    pub(super) fn open(name: &str, request: &LiveRequest, probe: BorrowedFd<'_>) -> Result<Self, Error> {
        let not_found = || Error::NoSuchInterface { name: name.to_owned(), known: known(probe) };
        let index = socket::index_of(probe, name).map_err(|_| not_found())?;
        let hardware = socket::hardware(probe, name).map_err(|_| not_found())?;
        if socket::fault(probe, index) == Some(BlindReason::Down) {
            return Err(Error::InterfaceDown { name: name.to_owned() });
        }
        let filter = request.filter.clone().unwrap_or_default();
        let count = usize::from(request.rings.max(1));
        let mut rings = Vec::with_capacity(count);
        for _ in 0..count {
            rings.push(Ring::open(name, request, &filter)?);
        }
        let link = rings.first().map_or(LinkType::ETHERNET, |ring| link_of(&ring.handle));
        let mut port = Self {
            name: name.to_owned(),
            id: InterfaceId::default(),
            sensor: SensorId::NONE,
            link,
            snaplen: request.snaplen,
            rings,
            spares: Vec::new(),
            index,
            hardware,
            filter,
            is_promiscuous: request.is_promiscuous,
            card: Counter::default(),
            frames: 0,
            is_struck: false,
            is_refused: false,
            sight: Sight::default(),
        };
        if count > 1 {
            port.join(request)?;
        }
        Ok(port)
    }

    fn join(&mut self, request: &LiveRequest) -> Result<(), Error> {
        let refused =
            |error: std::io::Error| Error::NotOpened { name: self.name.clone(), reason: error.to_string() };
        for _ in 0..=self.rings.len() {
            let spare = Ring::open(&self.name, request, NOTHING)?;
            let loopback = socket::index_of(spare.handle.as_fd(), "lo").map_err(refused)?;
            socket::bind(spare.handle.as_fd(), loopback).map_err(refused)?;
            self.spares.push(spare);
        }
        socket::join(self.rings.iter().map(|ring| ring.handle.as_fd())).map_err(refused)
    }

    /// The capture begins now: what is older was seen by every ring before they joined.
    pub(super) fn start(&mut self, now: Timestamp) {
        self.sight = Sight::from(now);
        if self.rings.len() > 1 {
            self.rings.iter_mut().for_each(|ring| ring.joined = Some(now));
        }
    }

    /// True while there is nothing to be read from it.
    pub(super) const fn is_away(&self) -> bool {
        matches!(self.sight.blind(), Some((_, BlindReason::Down | BlindReason::Gone)))
    }

    /// Looks whether it can be seen, and takes it up again when it has come back.
    pub(super) fn look(&mut self, now: Timestamp, notices: &mut Vec<Notice>) {
        let Some(any) = self.rings.first() else { return };
        let mut fault = socket::fault(any.handle.as_fd(), self.index);
        if fault == Some(BlindReason::Gone) {
            fault = Some(if self.come_back() { BlindReason::Gone } else { self.why_gone() });
        }
        let (is_refused, is_struck) = (take(&mut self.is_refused), take(&mut self.is_struck));
        if fault.is_none() && is_refused {
            fault = Some(BlindReason::Refused);
        }
        let past = self.sight.look(Look { now, fault, is_struck, frames: self.frames });
        notices.extend(past.map(|past| self.blind(past)));
    }

    /// The silence that goes on, to be told once.
    pub(super) fn news_of_silence(&mut self, now: Timestamp) -> Option<Timestamp> {
        self.sight.news_of_silence(now)
    }

    /// Binds to the interface that now bears the name; false when there is none, or it is of another kind.
    fn come_back(&mut self) -> bool {
        let Some(any) = self.rings.first() else { return false };
        let Ok(index) = socket::index_of(any.handle.as_fd(), &self.name) else { return false };
        if socket::hardware(any.handle.as_fd(), &self.name).ok() != Some(self.hardware) {
            return false;
        }
        // All but the one that never joins; that one when the others are used up.
        let last = self.spares.len().saturating_sub(1);
        let place = if last > 0 { 0..last } else { 0..self.spares.len() };
        let is_spare = !place.is_empty();
        // Only what is up can be joined for.
        if place.len() > 1 && socket::fault(any.handle.as_fd(), index) == Some(BlindReason::Down) {
            return false;
        }
        let mut rings: Vec<_> =
            if is_spare { self.spares.drain(place).collect() } else { take(&mut self.rings) };
        let is_bound = rings.iter().all(|ring| socket::bind(ring.handle.as_fd(), index).is_ok());
        if !is_bound && is_spare {
            // As they were: none has joined.
            self.spares.splice(0..0, rings);
            return false;
        }
        // They join before they take anything, so that no frame is seen by two of them.
        let is_joined = rings.len() < 2 || socket::join(rings.iter().map(|ring| ring.handle.as_fd())).is_ok();
        let filter = if self.filter.is_empty() { "greater 0" } else { &self.filter };
        let is_open = !is_spare || rings.iter_mut().all(|ring| ring.handle.filter(filter, true).is_ok());
        self.rings = rings;
        if !(is_bound && is_joined && is_open) {
            return false;
        }
        // Without promiscuous mode a mirror shows next to nothing, and then that is told as silence.
        for ring in self.rings.iter().filter(|_| self.is_promiscuous) {
            let _ = socket::listen_to_all(ring.handle.as_fd(), index);
        }
        (self.index, self.is_refused) = (index, false);
        true
    }

    /// Gone, or there again and not up yet, or not to be had.
    fn why_gone(&self) -> BlindReason {
        let Some(any) = self.rings.first().map(|ring| ring.handle.as_fd()) else { return BlindReason::Gone };
        match socket::index_of(any, &self.name).map(|index| socket::fault(any, index)) {
            Err(_) => BlindReason::Gone,
            Ok(Some(BlindReason::Down)) => BlindReason::Down,
            Ok(_) => BlindReason::Refused,
        }
    }

    /// Reads the counters.
    pub(super) fn count(&mut self, now: Timestamp, notices: &mut Vec<Notice>) {
        let mut packets = 0;
        for (place, ring) in self.rings.iter_mut().enumerate() {
            let Ok(told) = ring.handle.stats() else { continue };
            packets += ring.dropped.advance(told.dropped);
            // The card's drops are told to every ring of it alike.
            if place == 0 {
                packets += self.card.advance(told.if_dropped);
            }
        }
        if packets > 0 {
            notices.push(Notice::Lost { interface: self.id, at: now, packets });
        }
    }

    /// The capture is over.
    pub(super) fn close(&mut self, now: Timestamp, notices: &mut Vec<Notice>) {
        self.look(now, notices);
        self.count(now, notices);
        notices.extend(self.sight.close(now).map(|past| self.blind(past)));
    }

    const fn blind(&self, (from, to, reason): Past) -> Notice {
        Notice::Blind(Blind { interface: self.id, from, to, reason })
    }

    /// Since when, and why, it is not seen.
    pub(super) const fn blind_since(&self) -> Option<(Timestamp, BlindReason)> {
        self.sight.blind()
    }
}

/// The link type as files number it: libpcap's number for raw IP depends on the system.
fn link_of(handle: &Capture<Active>) -> LinkType {
    let number = LinkType(u16::try_from(handle.get_datalink().0).unwrap_or(u16::MAX));
    if number == LinkType::RAW_BSD { LinkType::RAW } else { number }
}

/// The interfaces there are, for people who mistyped one.
fn known(probe: BorrowedFd<'_>) -> Vec<String> {
    let mut names: Vec<_> = pcap::Device::list()
        .unwrap_or_default()
        .into_iter()
        .map(|device| device.name)
        .filter(|name| socket::index_of(probe, name).is_ok())
        .collect();
    names.sort_unstable();
    names
}
