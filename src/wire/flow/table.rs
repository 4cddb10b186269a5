//! One worker's flow table.

use std::{fmt, sync::Arc};

use hashbrown::HashTable;

use super::{
    chunk::Rest,
    closing,
    doubt::{self, Reason},
    entry::{Hashers, Hot, HotMarks, Key, NOWHERE, Opening, Spoken, Spot},
    expiry::{self, Wheel},
    links::{Changes, Link, Links, UNNUMBERED},
    partition::{Partition, Partitions},
    reuse::Counted,
    slab::{Pool, Slab},
    streams::Streams,
};
use crate::ground::model::{
    cause::{Cause, Causes},
    decoded::{Decoded, PacketMarks},
    facts::{EndReason, FlowFacts},
    key::Side,
    limits::{self, Limits},
    packet::Ordinal,
    time::Timestamp,
};

/// Says which VLAN id enters the key of a packet; 0 for none (RULES 17).
pub type VlanInKey = Arc<dyn Fn(&Decoded) -> u16 + Send + Sync>;

/// How a table is set up.
#[derive(Clone)]
pub struct Settings {
    /// Live flows at most, of all partitions.
    pub capacity: usize,
    /// Bytes of all open streams together, of all partitions.
    pub stream_bytes: usize,
    /// Each has its equal share of both bounds.
    pub partitions: Partitions,
    /// `None`: the VLAN never enters the key.
    pub vlan_in_key: Option<VlanInKey>,
    /// The keyed hashes of the run: all tables of a run are clones of one settings.
    pub hashers: Hashers,
}

impl Default for Settings {
    fn default() -> Self {
        let Limits { flows, stream_bytes, .. } = Limits::default();
        Self {
            capacity: flows,
            stream_bytes,
            partitions: Partitions::default(),
            vlan_in_key: None,
            hashers: Hashers::default(),
        }
    }
}

impl Settings {
    /// Where the packet's flow is. An ICMP error is where the flow is that it quotes (RULES 11).
    #[must_use]
    pub fn spot(&self, packet: &Decoded) -> Spot {
        let vlan = self.vlan(packet);
        let tuple = packet.about.as_ref().unwrap_or(&packet.tuple);
        let key = Key::new(packet, tuple, None, vlan, &self.hashers);
        let partition = self.partitions.of(key.short, key.whole.as_ref());
        Spot { hash: key.hash, short: key.short, partition, from_low: key.from_low }
    }

    /// Which of `owners` equal tables has the flow.
    #[must_use]
    pub const fn owner(&self, spot: &Spot, owners: usize) -> usize {
        self.partitions.owner(spot.partition, owners)
    }

    fn vlan(&self, packet: &Decoded) -> u16 {
        self.vlan_in_key.as_ref().map_or(0, |vlan_in_key| vlan_in_key(packet))
    }
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings")
            .field("capacity", &self.capacity)
            .field("stream_bytes", &self.stream_bytes)
            .field("partitions", &self.partitions.count())
            .field("vlan_in_key", &self.vlan_in_key.is_some())
            .finish()
    }
}

/// Names a live flow until the next call of [`Flows::packet`], [`Flows::sweep`] or [`Flows::finish`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Handle(pub(super) u32);

/// The flows that are left when the input is over, largest name first.
#[derive(Debug)]
pub struct Remaining {
    slots: Vec<u32>,
    /// The lowest slot and the lowest place of a spoken part among so many thousand of them, and all before: below it
    /// nothing is needed any more once those behind are given out.
    lowest: Vec<(u32, u32)>,
}

/// Flows of one step of [`Remaining::lowest`].
const LOWEST_STEP: usize = 1_024;

impl Remaining {
    /// True when none is left.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.slots.is_empty()
    }

    fn lowest(&self) -> (u32, u32) {
        let step = self.slots.len().div_ceil(LOWEST_STEP);
        step.checked_sub(1).and_then(|step| self.lowest.get(step)).copied().unwrap_or((NOWHERE, NOWHERE))
    }
}

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
    /// Slots that the packets to come are looked for in.
    guesses: Vec<u32>,
    pub(super) index: HashTable<u32>,
    pub(super) hot: Slab<Hot>,
    pub(super) opening: Slab<Opening>,
    pub(super) states: Slab<S>,
    pub(super) free: Vec<u32>,
    pub(super) spoken: Pool<Spoken>,
    pub(super) links: Links,
    pub(super) wheel: Wheel,
    /// Clock of the last sweep.
    pub(super) swept: Option<Timestamp>,
    /// By their numbers; those of other tables stay empty.
    pub(super) partitions: Vec<Partition>,
    /// What a reader is given again.
    pub(super) again: [Vec<u8>; 2],
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
    /// Where payload begins that lies below its side's edge; `None` for what is new and for keep-alives.
    pub(super) again: Option<u64>,
}

impl<S: Default> Flows<S> {
    /// An empty table.
    #[must_use]
    pub fn new(settings: Settings) -> Self {
        Self {
            hashers: settings.hashers.clone(),
            partitions: std::iter::repeat_with(Partition::default)
                .take(settings.partitions.count())
                .collect(),
            settings,
            guesses: Vec::new(),
            index: HashTable::new(),
            hot: Slab::default(),
            opening: Slab::default(),
            states: Slab::default(),
            free: Vec::new(),
            spoken: Pool::default(),
            links: Links::default(),
            wheel: Wheel::default(),
            swept: None,
            again: Default::default(),
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
    pub fn stream_bytes(&self) -> usize {
        self.partitions.iter().map(|partition| partition.stream_bytes).sum()
    }

    /// Brings into the cache what the next packets will touch: a miss costs more than all the work on a small packet.
    ///
    /// Changes nothing, and a wrong guess costs nothing but time: [`Flows::packet_at`] looks again.
    pub fn foresee(&mut self, spots: impl Iterator<Item = Spot>) {
        let mut guesses = std::mem::take(&mut self.guesses);
        // The misses of the index lie side by side: the machine goes on while it waits.
        guesses.clear();
        guesses.extend(spots.map(|spot| self.index.iter_hash(spot.hash).next().copied().unwrap_or(NOWHERE)));
        for slot in &guesses {
            prefetch(self.hot.get(*slot));
            prefetch(self.opening.get(*slot));
            prefetch(self.states.get(*slot));
        }
        for slot in &guesses {
            if let Some(hot) = self.hot.get(*slot) {
                prefetch(self.spoken.get(hot.spoken));
            }
        }
        for slot in &guesses {
            if let Some(spoken) = self.hot.get(*slot).and_then(|hot| self.spoken.get(hot.spoken)) {
                prefetch(spoken.tcp.as_deref());
                prefetch(spoken.recent.as_deref());
                match &spoken.streams {
                    Streams::None => {}
                    Streams::Few(few) => prefetch(Some(&**few)),
                    Streams::Open(reading) => prefetch(Some(&**reading)),
                    Streams::Settled(settled) => prefetch(Some(&**settled)),
                }
            }
        }
        self.guesses = guesses;
    }

    /// Counts a packet in its flow, opening the flow if need be.
    pub fn packet(&mut self, packet: &Decoded) -> Outcome<S> {
        self.packet_at(packet, &self.settings.spot(packet))
    }

    /// The same, for a packet whose spot was worked out by the settings of this table.
    pub fn packet_at(&mut self, packet: &Decoded, spot: &Spot) -> Outcome<S> {
        self.now = Now { ordinal: packet.head.ordinal, ..Now::default() };
        let key = if spot.short.is_exact() && packet.about.is_none() {
            Key { short: spot.short, hash: spot.hash, from_low: spot.from_low, whole: None }
        } else {
            let vlan = self.settings.vlan(packet);
            if let Some(about) = &packet.about
                && let Some(outcome) = self.error(packet, about, vlan)
            {
                return outcome;
            }
            Key::new(packet, &packet.tuple, packet.about, vlan, &self.hashers)
        };
        let Some(slot) = self.find(&key) else { return self.open(packet, key, spot.partition) };
        let Some(hot) = self.hot.get(slot) else { return self.open(packet, key, spot.partition) };
        // A negative gap counts as none: `since` is then below every limit (RULES 16).
        if packet.head.at.since(hot.last) > expiry::idle_limit(hot.transport, hot.state) {
            let ended = self.close(slot, EndReason::Idle);
            self.enter(slot, packet, key);
            return Outcome { ended: Some(Box::new(ended)), ..self.outcome(slot, Side::Opener, true) };
        }
        let side = hot.side(key.from_low);
        if let Some(held) = self.answered(slot, packet, side) {
            let vlan = self.settings.vlan(packet);
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
            Some(spoken) => closing::facts(hot, opening, spoken, &self.links, EndReason::InputEnd),
            None => {
                let (ttl, mut hot) = (self.first_ttl(hot), hot.clone());
                let spoken = Spoken::first(&mut hot, opening, ttl);
                closing::facts(&hot, opening, &spoken, &self.links, EndReason::InputEnd)
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
        // Whether this table freed anything depends on how many tables there are; the clock does not.
        self.swept = self.swept.max(Some(clock));
        if let Some(swept) = out.get_mut(begin..) {
            swept.sort_unstable_by_key(|ended| ended.facts.id);
        }
    }

    /// The flows that are left when the input is over. Nobody looks for one any more: what finds them is given back.
    #[must_use]
    pub fn remaining(&mut self) -> Remaining {
        let mut slots: Vec<u32> = std::mem::take(&mut self.index).into_iter().collect();
        self.wheel = Wheel::default();
        slots.sort_unstable_by_key(|slot| std::cmp::Reverse(self.opening.get(*slot).map(Opening::id)));
        let mut lowest = Vec::with_capacity(slots.len().div_ceil(LOWEST_STEP));
        let mut least = (NOWHERE, NOWHERE);
        for step in slots.chunks(LOWEST_STEP) {
            for slot in step {
                let spoken = self.hot.get(*slot).map_or(NOWHERE, |hot| hot.spoken);
                least = (least.0.min(*slot), least.1.min(spoken));
            }
            lowest.push(least);
        }
        Remaining { slots, lowest }
    }

    /// The input is over: gives out the next `count` flows that are left, in order of their names. Piece by piece, because
    /// the record of a flow is many times larger than its entry. What they took is given back as they go: nothing may be
    /// counted any more.
    pub fn finish_some(&mut self, remaining: &mut Remaining, count: usize, out: &mut Vec<Ended<S>>) {
        let from = remaining.slots.len().saturating_sub(count);
        for slot in remaining.slots.drain(from..).rev() {
            out.push(self.remove(slot, EndReason::InputEnd));
        }
        let (slot, spoken) = remaining.lowest();
        self.hot.forget_below(slot);
        self.opening.forget_below(slot);
        self.states.forget_below(slot);
        self.spoken.forget_below(spoken);
    }

    /// The input is over: gives out every flow that is left, in order of their names.
    pub fn finish(&mut self, out: &mut Vec<Ended<S>>) {
        let mut remaining = self.remaining();
        self.finish_some(&mut remaining, usize::MAX, out);
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

    fn open(&mut self, packet: &Decoded, key: Key, partition: u16) -> Outcome<S> {
        let capacity = self.settings.partitions.share(self.settings.capacity);
        match self.partitions.get_mut(usize::from(partition)) {
            Some(partition) if partition.flows < capacity => partition.flows += 1,
            _ => return Outcome { full: true, ..self.outcome(NOWHERE, Side::Opener, false) },
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
        let link = Link::of(packet);
        let number = self.links.number(link, &self.hashers);
        let scheduled = self.hot.get(slot).map_or(NOWHERE, |hot| hot.scheduled);
        let hot = Hot { scheduled, ..Hot::of(packet, key.short, key.from_low, number) };
        if let Some(place) = self.hot.get_mut(slot) {
            *place = hot;
        }
        if let Some(place) = self.opening.get_mut(slot) {
            *place = Opening::of(packet, key.whole);
        }
        if number == UNNUMBERED
            && let Some(spoken) = self.speak_from(slot, link.ttl())
        {
            spoken.rare().change(Side::Opener, Changes::of(link));
        }
        if packet.link.vlans.count() > 1 {
            self.note_tags(slot, packet, Side::Opener);
        }
        let counted = Counted::of(packet);
        let spoke = packet.tcp.is_some() && packet.payload_wire_len > 0;
        if spoke || packet.marks != PacketMarks::default() || counted.packets > 1 || counted.cut > 0 {
            let reason =
                packet.tcp.and_then(|head| doubt::reason(packet, &head, &Default::default(), Side::Opener));
            self.now.doubt = reason;
            if let Some(spoken) = self.speak(slot) {
                spoken.clear();
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
        let hot = self.hot.get(slot)?;
        match hot.spoken {
            NOWHERE => self.speak_from(slot, self.first_ttl(hot)),
            place => self.spoken.get_mut(place),
        }
    }

    /// The same, where the largest TTL of the opener is known.
    pub(super) fn speak_from(&mut self, slot: u32, ttl: u8) -> Option<&mut Spoken> {
        let hot = self.hot.get_mut(slot)?;
        if hot.spoken == NOWHERE {
            let spoken = Spoken::first(hot, self.opening.get(slot)?, ttl);
            hot.spoken = self.spoken.put(spoken);
        }
        self.spoken.get_mut(hot.spoken)
    }

    /// The number of a flow's partition.
    pub(super) fn partition(&self, slot: u32) -> usize {
        let Some(hot) = self.hot.get(slot) else { return 0 };
        let whole = || self.opening.get(slot)?.wide.as_ref()?.key.as_ref();
        let whole = if hot.key.is_exact() { None } else { whole() };
        usize::from(self.settings.partitions.of(hot.key, whole))
    }

    // --- ending ---

    /// Takes a flow out of its place. The place stays in the index: another flow enters it, or [`Flows::remove`] goes on.
    pub(super) fn close(&mut self, slot: u32, reason: EndReason) -> Ended<S> {
        let state = self.states.get_mut(slot).map(std::mem::take).unwrap_or_default();
        let partition = self.partition(slot);
        let ttl = self.hot.get(slot).map_or(0, |hot| self.first_ttl(hot));
        let (Some(hot), Some(opening)) = (self.hot.get_mut(slot), self.opening.get(slot)) else {
            return Ended { facts: FlowFacts::default(), state, rest: Vec::new() };
        };
        let mut spoken = match hot.spoken {
            NOWHERE => Spoken::first(hot, opening, ttl),
            place if reason == EndReason::InputEnd => self.spoken.take_last(place),
            place => self.spoken.take(place),
        };
        hot.spoken = NOWHERE;
        let mut rest = Vec::new();
        if let Some(partition) = self.partitions.get_mut(partition)
            && let Some(reading) = spoken.streams.take_open(&mut partition.spare_reading)
            && let Some(tcp) = &spoken.tcp
        {
            partition.stream_bytes -= reading.charged;
            let mut causes = Causes::default();
            if hot.marks.has(HotMarks::READ_ANEW) {
                rest.extend(reading.delivered().map(|(side, bytes)| Rest::Again(side, bytes.to_vec())));
            }
            rest.extend(reading.rest(tcp, hot.last, &mut causes));
            if !causes.is_empty() {
                spoken.rare.get_or_insert_default().causes.merge(&causes);
            }
        }
        Ended { facts: closing::facts(hot, opening, &spoken, &self.links, reason), state, rest }
    }

    /// Ends a flow and frees its place.
    fn remove(&mut self, slot: u32, reason: EndReason) -> Ended<S> {
        let partition = self.partition(slot);
        if let Some(partition) = self.partitions.get_mut(partition) {
            partition.flows -= 1;
        }
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
            if reason != EndReason::InputEnd {
                self.free.push(slot);
            }
        }
        ended
    }
}

/// Lines of one cache on every machine we know.
const CACHE_LINE: usize = 64;

/// Asks the machine to bring a value into its cache; a hint, without effect on any result.
#[inline]
fn prefetch<T>(value: Option<&T>) {
    #[cfg(target_arch = "x86_64")]
    if let Some(value) = value {
        let first = std::ptr::from_ref(value).cast::<i8>();
        for line in 0..size_of::<T>().div_ceil(CACHE_LINE) {
            #[expect(unsafe_code, reason = "a cache miss costs more than the whole work on a small packet")]
            // SAFETY: a prefetch reads nothing and faults on no address; this one lies inside `value`.
            unsafe {
                use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
                _mm_prefetch::<_MM_HINT_T0>(first.wrapping_add(line * CACHE_LINE));
            }
        }
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = value;
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{
        ground::model::{
            address::Transport,
            decoded::{Outer, Outers, PacketMarks},
            facts::TcpState,
            key::{Encap, TunnelKind},
            packet::SensorId,
            time::Span,
        },
        wire::flow::{
            duplicate::Recent,
            support::{Story, client, codes, flags, server, udp},
            tcp::Tcp,
        },
    };

    fn query() -> Decoded {
        udp("10.0.0.1:40000", "192.0.2.53:53", 30)
    }

    #[test]
    fn a_packet_after_the_idle_limit_opens_a_second_flow() {
        let mut story = Story::new();
        story.feed(query(), b"");
        assert!(!story.wait(179).feed(query(), b"").opened);
        assert!(story.wait(181).feed(query(), b"").opened);
        assert_eq!(story.finish().len(), 2);
    }

    #[test]
    fn silence_is_measured_to_the_nanosecond_and_backwards_is_none() {
        let at = |secs: i64, nanos: i64| {
            let mut packet = query();
            packet.head.at = Timestamp::from_nanos(secs * 1_000_000_000 + nanos);
            packet
        };
        let mut flows: Flows<()> = Flows::new(Settings::default());
        assert!(flows.packet(&at(1_000, 0)).opened);
        assert!(!flows.packet(&at(1_180, 0)).opened, "exactly the limit");
        assert!(!flows.packet(&at(10, 0)).opened, "backwards");
        let outcome = flows.packet(&at(1_360, 1));
        assert!(outcome.opened);
        let ended = outcome.ended.unwrap();
        assert_eq!((ended.facts.end, ended.facts.packets()), (EndReason::Idle, 3));
        assert_eq!(ended.facts.last, Timestamp::from_secs(1_180), "the largest stamp");
    }

    #[test]
    fn a_connection_that_goes_on_after_expiry_is_midstream_and_inherits_nothing() {
        let mut story = Story::new();
        story.handshake().client("PA", 1, 1, b"hello");
        story.wait(7_501).client("PA", 6, 1, b"later");
        story.finish();
        let [old, new] = &story.ended[..] else { panic!() };
        assert_eq!((old.facts.end, codes(&old.facts).len()), (EndReason::Idle, 0));
        assert!(codes(&new.facts).contains(&"midstream"));
    }

    #[test]
    fn a_sweep_frees_exactly_what_nobody_can_come_back_for() {
        let mut story = Story::new();
        story.feed(query(), b"");
        let opened = story.now();
        story.handshake();
        let mut out = Vec::new();
        for (secs, live) in [(0, 2), (185, 2), (191, 1), (7_505, 1), (7_511, 0)] {
            let before = out.len();
            story.flows.sweep(opened.plus(Span::from_secs(secs)), &mut out);
            assert_eq!(story.flows.len(), live, "after {secs} s");
            assert!(out[before..].iter().all(|ended| ended.facts.end == EndReason::Idle));
        }
        story.ended.extend(out);
        story.finish();
    }

    #[test]
    fn a_closed_connection_is_freed_by_its_shorter_limit() {
        let mut story = Story::new();
        story.handshake().client("RA", 1, 1, b"");
        let mut out = Vec::new();
        story.flows.sweep(story.now().plus(Span::from_secs(131)), &mut out);
        assert_eq!((out.len(), out[0].facts.end), (1, EndReason::Reset));
    }

    #[test]
    fn a_packet_that_proves_a_sweep_wrong_says_so() {
        let mut story = Story::new();
        story.feed(query(), b"");
        let mut out = Vec::new();
        story.flows.sweep(story.now().plus(Span::from_secs(3_000)), &mut out);
        assert_eq!(out.len(), 1);
        story.wait(10).feed(query(), b"");
        assert!(story.causes().contains(&"time_anomaly"));
    }

    #[test]
    fn a_freed_place_is_clean_for_the_next_flow() {
        let mut story = Story::new();
        story.handshake().client("PA", 1, 1, b"hello");
        *story.flows.state(story.last.unwrap()) = 7;
        let mut out = Vec::new();
        story.flows.sweep(story.now().plus(Span::from_secs(8_000)), &mut out);
        assert_eq!((out[0].state, story.flows.len()), (7, 0));
        story.wait(8_000).feed(query(), b"");
        assert_eq!(*story.flows.state(story.last.unwrap()), 0);
        assert_eq!(story.facts().packets(), 1);
        assert_eq!(story.facts().tcp, TcpState::None);
    }

    /// Flows at which the index has just doubled, so that it is as empty as it ever is: 7/8 of 2^16 places, and one.
    const JUST_DOUBLED: u32 = 57_345;

    /// What the engine keeps with each flow.
    type State = [u64; 2];

    /// Memory of a table for each flow.
    fn memory(flows: &Flows<State>) -> f64 {
        let parts =
            [flows.hot.memory(), flows.opening.memory(), flows.states.memory(), flows.spoken.memory()];
        let tcp = flows.spoken.iter().filter(|spoken| spoken.tcp.is_some()).count() * size_of::<Tcp>();
        let recent = flows.spoken.iter().filter(|spoken| spoken.recent.is_some()).count();
        let index = flows.index.allocation_size() + flows.wheel.memory();
        let boxes = tcp + recent * size_of::<[Recent; 2]>();
        (parts.iter().sum::<usize>() + boxes + index) as f64 / flows.len() as f64
    }

    fn from_host(number: u32, mut packet: Decoded) -> Decoded {
        let ends = [&mut packet.tuple.source, &mut packet.tuple.target];
        for end in ends.into_iter().filter(|end| end.port > 1_024) {
            end.addr = std::net::Ipv4Addr::from_bits(0x0a00_0000 + number).into();
        }
        packet
    }

    #[test]
    fn a_flow_that_never_spoke_takes_no_more_than_128_bytes_with_its_place_in_the_index() {
        let mut flows: Flows<State> = Flows::new(Settings::default());
        for number in 0..JUST_DOUBLED {
            assert!(flows.packet(&from_host(number, client("S", 0, 0, b""))).opened);
        }
        assert!(memory(&flows) <= 128.0, "{}", memory(&flows));
    }

    #[test]
    fn an_active_flow_takes_no_more_than_its_limit_counts_on() {
        let datagrams = vec![query(), udp("192.0.2.53:53", "10.0.0.1:40000", 90)];
        let segments = vec![client("S", 0, 0, b""), server("SA", 0, 1, b""), client("A", 1, 1, b"")];
        // Packets that come slowly, and packets of one burst: these may have duplicates.
        for (packets, step, bound) in [
            (datagrams.clone(), 1, 208),
            (datagrams, 0, 272),
            (segments.clone(), 1, 336),
            (segments, 0, limits::FLOW_BYTES),
        ] {
            let mut flows: Flows<State> = Flows::new(Settings::default());
            for (mut packet, place) in packets.into_iter().zip(1..) {
                packet.head.at = packet.head.at.plus(Span::from_secs(place * step));
                packet.digest = (place as u64) << 40;
                for number in 0..JUST_DOUBLED {
                    flows.packet(&from_host(number, packet.clone()));
                }
            }
            assert_eq!(flows.len(), JUST_DOUBLED as usize);
            assert!(memory(&flows) <= bound as f64, "{} of {bound}", memory(&flows));
        }
    }

    #[test]
    fn a_full_table_opens_no_flow_and_keeps_those_it_has() {
        let mut story = Story::with(Settings { capacity: 1, ..Settings::default() });
        story.feed(query(), b"");
        assert!(story.feed(client("S", 0, 0, b""), b"").full);
        assert!(!story.feed(query(), b"").full);
        assert_eq!((story.finish().len(), story.untracked.0), (1, 1));
    }

    #[test]
    fn sensor_tunnel_and_carrier_tell_flows_apart_and_the_vlan_does_not() {
        let mut story = Story::new();
        let mut tagged = query();
        tagged.link.vlans.push(20);
        let mut sensor = query();
        sensor.head.sensor = SensorId(2);
        let mut vxlan = query();
        vxlan.encap = Encap { kind: TunnelKind::Vxlan, id: 7, outer: 0 };
        let mut carrier = query();
        carrier.carrier = Some(TunnelKind::Vxlan);
        story.feed(query(), b"");
        assert!(!story.feed(tagged.clone(), b"").opened);
        assert_eq!(story.facts().sides[0].vlans, [20]);
        for packet in [sensor, vxlan] {
            assert!(story.feed(packet, b"").opened);
        }
        let outcome = story.flows.packet(&carrier);
        assert!(outcome.opened && !story.flows.is_reading(outcome.handle));
        story.finish();

        let mut story = Story::with(Settings {
            vlan_in_key: Some(Arc::new(|packet| packet.link.vlans.ids().first().copied().unwrap_or(0))),
            ..Settings::default()
        });
        story.feed(query(), b"");
        assert!(story.feed(tagged, b"").opened);
    }

    #[test]
    fn carriers_of_one_frame_have_different_names() {
        let mut story = Story::new();
        let mut ids = std::collections::BTreeSet::new();
        for outside in 0..3 {
            let mut carrier = query();
            carrier.carrier = Some(TunnelKind::Gre);
            carrier.outers = Outers(Some(vec![Outer::default(); outside].into()));
            carrier.tuple.source.port = 1 + outside as u16;
            let handle = story.flows.packet(&carrier).handle;
            ids.insert(story.flows.facts(handle).id);
        }
        assert_eq!(ids.len(), 3);
    }

    #[test]
    fn both_directions_over_ipv6_are_one_flow() {
        let mut story = Story::new();
        story.feed(udp("[2001:db8::1]:40000", "[2001:db8::53]:53", 30), b"");
        let answer = story.feed(udp("[2001:db8::53]:53", "[2001:db8::1]:40000", 90), b"");
        assert_eq!((answer.opened, answer.side), (false, Side::Answerer));
        let facts = story.facts();
        assert_eq!((facts.opener.port, facts.answerer.port, facts.packets()), (40_000, 53, 2));
    }

    #[test]
    fn facts_of_a_single_packet_need_no_second_one() {
        let mut story = Story::new();
        story.client("S", 0, 0, b"");
        let facts = story.facts();
        assert_eq!((facts.packets(), facts.wire_bytes(), facts.sides[0].ttl), (1, 54, [64, 64]));
        assert_eq!((facts.sides[0].flags, facts.basis.code()), (flags("S"), "syn"));
        assert!(story.flows.spoken.get(0).is_none(), "a scan costs no spoken part");
        assert_eq!(story.finish()[0].facts.first_frame, Ordinal(1));
    }

    /// Packets between three hosts with two ports each, of every kind and in every order.
    fn any_packet() -> impl Strategy<Value = (Decoded, Vec<u8>, i64)> {
        let numbers = (0_u32..4_000, 0_u32..4_000, 0_usize..9, any::<bool>());
        let kinds = (0_u8..4, 0_u16..64, prop::bool::weighted(0.1), 0_u8..6);
        let payload = prop::collection::vec(any::<u8>(), 0..60);
        let step = prop_oneof![5 => 0_i64..2, 1 => -400_i64..400, 1 => 0_i64..8_000];
        (numbers, kinds, payload, step).prop_map(
            |((seq, ack, letters, forth), (kind, marks, cut, extra), data, step)| {
                let letters = ["S", "SA", "A", "PA", "FA", "R", "RA", "", "SFU"][letters];
                let mut packet = match kind {
                    0 => udp("10.0.0.1:40000", "192.0.2.7:443", data.len() as u32),
                    _ if forth => client(letters, seq, ack, &data),
                    _ => server(letters, seq, ack, &data),
                };
                packet.marks = PacketMarks(marks);
                packet.digest = u64::from(seq % 7) << 40;
                packet.fragments = u32::from(extra == 0) * 2;
                packet.fragments_wire_bytes = u64::from(extra == 0) * 100;
                packet.ttl = 60 + extra;
                if extra == 1 {
                    packet.about = Some(client("A", 0, 0, b"").tuple);
                    packet.tcp = None;
                    packet.tuple.transport = Transport::ICMP;
                }
                if cut {
                    packet.payload_len /= 2;
                }
                let payload = data[..packet.payload_len as usize].to_vec();
                (packet, payload, step)
            },
        )
    }

    proptest! {
        // THREATS R33 in small: nothing panics, every packet is counted once, streams are let go, and the table's random
        // key changes nothing.
        #[test]
        fn every_packet_is_counted_once_whatever_comes(packets in prop::collection::vec(any_packet(), 1..120)) {
            let tell = |sweeps: bool| {
                let mut story = Story::new();
                for (packet, payload, step) in &packets {
                    story.wait(*step);
                    story.feed(packet.clone(), payload);
                    if sweeps {
                        let mut out = Vec::new();
                        let clock = story.now();
                        story.flows.sweep(clock.plus(Span::from_secs(-500)), &mut out);
                        story.ended.extend(out);
                    }
                }
                story.finish();
                let facts: Vec<_> = story.ended.iter().map(|ended| ended.facts.clone()).collect();
                (facts, story.heard(Side::Opener), story.heard(Side::Answerer))
            };
            let plain = tell(false);
            prop_assert_eq!(&tell(false), &plain);
            let _ = tell(true);
        }
    }
}
