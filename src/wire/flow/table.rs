//! One worker's flow table.

use std::{fmt, sync::Arc};

use hashbrown::HashTable;

use super::{
    chunk::Rest,
    closing,
    doubt::{self, Reason},
    entry::{Hashers, Hot, Key, NOWHERE, Opening, Spoken},
    expiry::{self, Wheel},
    reuse::Counted,
    slab::{Pool, Slab},
};
use crate::ground::model::{
    cause::{Cause, Causes},
    decoded::{Decoded, PacketMarks},
    facts::{EndReason, FlowFacts},
    key::Side,
    limits,
    packet::Ordinal,
    time::Timestamp,
};

/// Says which VLAN id enters the key of a packet; 0 for none (RULES 17).
pub type VlanInKey = Arc<dyn Fn(&Decoded) -> u16 + Send + Sync>;

/// How a table is set up.
#[derive(Clone)]
pub struct Settings {
    /// Live flows at most.
    pub capacity: usize,
    /// Bytes of all open streams together.
    pub stream_bytes: usize,
    /// `None`: the VLAN never enters the key.
    pub vlan_in_key: Option<VlanInKey>,
}

impl Default for Settings {
    fn default() -> Self {
        Self { capacity: limits::FLOWS_MAX, stream_bytes: limits::STREAM_BYTES_MAX, vlan_in_key: None }
    }
}

impl Settings {
    /// The share of one of `workers` equal tables.
    #[must_use]
    pub fn shared_by(mut self, workers: usize) -> Self {
        self.capacity = self.capacity.div_ceil(workers.max(1));
        self.stream_bytes = self.stream_bytes.div_ceil(workers.max(1));
        self
    }
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings")
            .field("capacity", &self.capacity)
            .field("stream_bytes", &self.stream_bytes)
            .field("vlan_in_key", &self.vlan_in_key.is_some())
            .finish()
    }
}

/// Names a live flow until the next call of [`Flows::packet`], [`Flows::sweep`] or [`Flows::finish`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Handle(pub(super) u32);

/// A flow that is over.
#[derive(Debug)]
pub struct Ended<S> {
    /// What was measured. `identity` is empty, `client` and `basis` are what headers say: whoever read the bytes puts
    /// in what they show (`DirectionBasis::Role` where only a guess stood).
    pub facts: FlowFacts,
    /// What the user of the table kept with it.
    pub state: S,
    /// What was still to be read: bytes behind holes, variants that had grown. To be read before the verdict.
    pub rest: Vec<Rest>,
}

/// What one packet did.
#[derive(Debug)]
pub struct Outcome<S> {
    /// Its flow.
    pub handle: Handle,
    /// The flow is new. By port reuse it is opened by an earlier packet of its own, the SYN.
    pub opened: bool,
    /// Who sent the packet. An ICMP error counts as from beyond: the side that the quoted packet was meant for.
    pub side: Side,
    /// A copy of a packet that was counted already (RULES 33); reading it does nothing.
    pub duplicate: bool,
    /// The flow that was over and lay in the way.
    pub ended: Option<Box<Ended<S>>>,
    /// There is no place: the packet is in no flow, must be judged by its addresses and counted as untracked (RULES
    /// 26). `handle` names nothing.
    pub full: bool,
}

/// One worker's table. `S` is what the user keeps with each flow.
#[derive(Debug)]
pub struct Flows<S> {
    pub(super) settings: Settings,
    pub(super) hashers: Hashers,
    pub(super) index: HashTable<u32>,
    pub(super) hot: Slab<Hot>,
    pub(super) opening: Slab<Opening>,
    pub(super) states: Slab<S>,
    pub(super) free: Vec<u32>,
    pub(super) spoken: Pool<Spoken>,
    pub(super) wheel: Wheel,
    /// Clock of the last sweep that freed something.
    pub(super) swept: Option<Timestamp>,
    pub(super) stream_bytes: usize,
    pub(super) now: Now,
    /// Given out for a handle that names nothing.
    pub(super) spare: S,
}

/// What [`Flows::packet`] found out for the [`Flows::read`] that follows.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Now {
    pub(super) ordinal: Ordinal,
    pub(super) side: Side,
    pub(super) doubt: Option<Reason>,
    pub(super) duplicate: bool,
}

impl<S: Default> Flows<S> {
    /// An empty table.
    #[must_use]
    pub fn new(settings: Settings) -> Self {
        Self {
            settings,
            hashers: Hashers::default(),
            index: HashTable::new(),
            hot: Slab::default(),
            opening: Slab::default(),
            states: Slab::default(),
            free: Vec::new(),
            spoken: Pool::default(),
            wheel: Wheel::default(),
            swept: None,
            stream_bytes: 0,
            now: Now::default(),
            spare: S::default(),
        }
    }

    /// Live flows.
    #[must_use]
    pub fn len(&self) -> usize {
        self.index.len()
    }

    /// True when no flow is alive.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.index.is_empty()
    }

    /// Bytes held by open streams.
    #[must_use]
    pub const fn stream_bytes(&self) -> usize {
        self.stream_bytes
    }

    /// Counts a packet in its flow, opening the flow if need be.
    pub fn packet(&mut self, packet: &Decoded) -> Outcome<S> {
        let vlan = self.settings.vlan_in_key.as_ref().map_or(0, |vlan_in_key| vlan_in_key(packet));
        self.now = Now { ordinal: packet.head.ordinal, ..Now::default() };
        if let Some(about) = &packet.about
            && let Some(outcome) = self.error(packet, about, vlan)
        {
            return outcome;
        }
        let key = Key::new(packet, &packet.tuple, packet.about, vlan, &self.hashers);
        let Some(slot) = self.find(&key) else { return self.open(packet, key) };
        let Some(hot) = self.hot.get(slot) else { return self.open(packet, key) };
        // A negative gap counts as none: `since` is then below every limit (RULES 16).
        if packet.head.at.since(hot.last) > expiry::idle_limit(hot.transport, hot.state) {
            let ended = self.close(slot, EndReason::Idle);
            self.enter(slot, packet, key);
            return Outcome { ended: Some(Box::new(ended)), ..self.outcome(slot, Side::Opener, true) };
        }
        let side = hot.side(key.from_low);
        if let Some(held) = self.answered(slot, packet, side) {
            return self.reuse(slot, packet, *held, vlan);
        }
        let duplicate = self.absorb(slot, packet, side);
        Outcome { duplicate, ..self.outcome(slot, side, false) }
    }

    /// What the user keeps with a flow.
    pub fn state(&mut self, handle: Handle) -> &mut S {
        self.states.get_mut(handle.0).unwrap_or(&mut self.spare)
    }

    /// The facts of a live flow as it stands, for an early judgement.
    #[must_use]
    pub fn facts(&self, handle: Handle) -> FlowFacts {
        let (Some(hot), Some(opening)) = (self.hot.get(handle.0), self.opening.get(handle.0)) else {
            return FlowFacts::default();
        };
        match self.spoken.get(hot.spoken) {
            Some(spoken) => closing::facts(hot, opening, spoken, EndReason::InputEnd),
            None => {
                let mut hot = hot.clone();
                let spoken = Spoken::first(&mut hot, opening);
                closing::facts(&hot, opening, &spoken, EndReason::InputEnd)
            }
        }
    }

    /// Frees the flows that were silent past their limit by `clock`, the clock of the reader (RULES 16). Deterministic: the
    /// same packets and clocks free the same flows, in order of their names.
    pub fn sweep(&mut self, clock: Timestamp, out: &mut Vec<Ended<S>>) {
        let begin = out.len();
        let mut later = Vec::new();
        while let Some((bucket, slots)) = self.wheel.take_due(clock) {
            for slot in slots {
                let Some(hot) = self.hot.get_mut(slot) else { continue };
                if hot.scheduled != bucket {
                    continue; // Moved since; another entry counts.
                }
                let due = expiry::due(hot.last, expiry::idle_limit(hot.transport, hot.state));
                if due < clock {
                    out.push(self.remove(slot, EndReason::Idle));
                } else {
                    hot.scheduled = Wheel::bucket(due);
                    later.push((hot.scheduled, slot));
                }
            }
        }
        for (bucket, slot) in later {
            self.wheel.insert(bucket, slot);
        }
        if out.len() > begin {
            self.swept = self.swept.max(Some(clock));
        }
        if let Some(swept) = out.get_mut(begin..) {
            swept.sort_unstable_by_key(|ended| ended.facts.id);
        }
    }

    /// The input is over: gives out every flow that is left, in order of their names.
    pub fn finish(&mut self, out: &mut Vec<Ended<S>>) {
        let begin = out.len();
        for slot in std::mem::take(&mut self.index) {
            out.push(self.close(slot, EndReason::InputEnd));
        }
        self.wheel = Wheel::default();
        self.free.clear();
        self.hot = Slab::default();
        self.opening = Slab::default();
        self.states = Slab::default();
        self.spoken = Pool::default();
        if let Some(rest) = out.get_mut(begin..) {
            rest.sort_unstable_by_key(|ended| ended.facts.id);
        }
    }

    // --- opening ---

    pub(super) const fn outcome(&mut self, slot: u32, side: Side, opened: bool) -> Outcome<S> {
        self.now.side = side;
        Outcome { handle: Handle(slot), opened, side, duplicate: false, ended: None, full: false }
    }

    pub(super) fn find(&self, key: &Key) -> Option<u32> {
        let whole = |slot| self.opening.get(slot).and_then(|opening| opening.wide.as_ref()?.key.as_ref());
        let is_it = |slot: &u32| {
            self.hot.get(*slot).is_some_and(|hot| hot.key == key.short)
                && (key.whole.is_none() || key.whole.as_ref() == whole(*slot))
        };
        self.index.find(key.hash, is_it).copied()
    }

    fn open(&mut self, packet: &Decoded, key: Key) -> Outcome<S> {
        if self.index.len() >= self.settings.capacity {
            return Outcome { full: true, ..self.outcome(NOWHERE, Side::Opener, false) };
        }
        let hash = key.hash;
        let slot = self.free.pop().unwrap_or_else(|| {
            self.opening.push(Opening::of(packet, None));
            self.states.push(S::default());
            self.hot.push(Hot::of(packet, key.short, false, 0))
        });
        if let Some(hot) = self.hot.get_mut(slot) {
            hot.scheduled = NOWHERE;
        }
        let (hots, hashers) = (&self.hot, &self.hashers);
        self.index.insert_unique(hash, slot, |slot| hots.get(*slot).map_or(0, |hot| hashers.index(hot.key)));
        self.enter(slot, packet, key);
        self.outcome(slot, Side::Opener, true)
    }

    /// Writes a new flow into a place that stands in the index. Its entry in the wheel, if it has one, serves the new flow.
    pub(super) fn enter(&mut self, slot: u32, packet: &Decoded, key: Key) {
        let link = self.hashers.link(packet);
        let scheduled = self.hot.get(slot).map_or(NOWHERE, |hot| hot.scheduled);
        let hot = Hot { scheduled, ..Hot::of(packet, key.short, key.from_low, link) };
        if let Some(place) = self.hot.get_mut(slot) {
            *place = hot;
        }
        if let Some(place) = self.opening.get_mut(slot) {
            *place = Opening::of(packet, key.whole);
        }
        let counted = Counted::of(packet);
        let spoke = packet.tcp.is_some() && packet.payload_wire_len > 0;
        if spoke || packet.marks != PacketMarks::default() || counted.packets > 1 || counted.cut > 0 {
            let reason = packet
                .tcp
                .and_then(|head| doubt::reason(packet, &head, &Default::default(), &Default::default()));
            self.now.doubt = reason;
            if let Some(spoken) = self.speak(slot) {
                (spoken.packets, spoken.wire) = ([0; 2], [0; 2]);
                spoken.payload = [0; 2];
                spoken.count(counted, Side::Opener);
                spoken.mark(packet);
            }
        }
        let late = self
            .swept
            .is_some_and(|clock| packet.head.at.since(clock).nanos() < -limits::SWEEP_GRACE.nanos());
        if late && let Some(spoken) = self.speak(slot) {
            // A flow that this packet belongs to may have been freed: by the reader's clock it was silent for too long.
            spoken.rare().causes.add_with(Cause::TimeAnomaly, "sweep");
        }
        self.schedule(slot);
    }

    /// Puts the flow into the wheel, or nearer when it is due earlier than its bucket.
    pub(super) fn schedule(&mut self, slot: u32) {
        let Some(hot) = self.hot.get_mut(slot) else { return };
        let due = expiry::due(hot.last, expiry::idle_limit(hot.transport, hot.state));
        let bucket = Wheel::bucket(due);
        if hot.scheduled == NOWHERE || bucket < hot.scheduled {
            hot.scheduled = bucket;
            self.wheel.insert(bucket, slot);
        }
    }

    /// The spoken part of a flow, made if it has none.
    pub(super) fn speak(&mut self, slot: u32) -> Option<&mut Spoken> {
        let hot = self.hot.get_mut(slot)?;
        if hot.spoken == NOWHERE {
            let spoken = Spoken::first(hot, self.opening.get(slot)?);
            hot.spoken = self.spoken.put(spoken);
        }
        self.spoken.get_mut(hot.spoken)
    }

    // --- ending ---

    /// Takes a flow out of its place. The place stays in the index: another flow enters it, or [`Flows::remove`] goes on.
    pub(super) fn close(&mut self, slot: u32, reason: EndReason) -> Ended<S> {
        let state = self.states.get_mut(slot).map(std::mem::take).unwrap_or_default();
        let (Some(hot), Some(opening)) = (self.hot.get_mut(slot), self.opening.get(slot)) else {
            return Ended { facts: FlowFacts::default(), state, rest: Vec::new() };
        };
        let mut spoken = match hot.spoken {
            NOWHERE => Spoken::first(hot, opening),
            place => self.spoken.take(place),
        };
        hot.spoken = NOWHERE;
        let mut rest = Vec::new();
        if let (Some(reading), Some(tcp)) = (spoken.reading.take(), &spoken.tcp) {
            self.stream_bytes -= reading.charged;
            let mut causes = Causes::default();
            rest = reading.rest(tcp, hot.last, &mut causes);
            if !causes.is_empty() {
                spoken.rare.get_or_insert_default().causes.merge(&causes);
            }
        }
        Ended { facts: closing::facts(hot, opening, &spoken, reason), state, rest }
    }

    /// Ends a flow and frees its place.
    fn remove(&mut self, slot: u32, reason: EndReason) -> Ended<S> {
        let ended = self.close(slot, reason);
        if let Some(hot) = self.hot.get_mut(slot) {
            hot.scheduled = NOWHERE;
            let hash = self.hashers.index(hot.key);
            if let Ok(entry) = self.index.find_entry(hash, |known| *known == slot) {
                entry.remove();
            }
            if let Some(opening) = self.opening.get_mut(slot) {
                opening.wide = None;
            }
            self.free.push(slot);
        }
        ended
    }
}
