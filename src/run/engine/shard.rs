//! Back half of the walk: one owner's flows. It takes its packets in the order of the input, whatever block or worker
//! they come through.

use std::{collections::BTreeSet, sync::Arc};

use super::{
    account::Account,
    aggregate::About,
    closing,
    court::{Court, Ruling},
    event::{Event, Moment, Rank, What},
    ingest::{Item, Lists, Sweep, frames_of},
    reading::{Reading, Spare},
};
use crate::{
    ground::model::{
        decoded::Decoded, facts::FlowFacts, flow_line::FlowRecord, key::Side, limits, packet::Ordinal,
        tally::Tally, verdict::Verdict,
    },
    policy::language::Policy,
    verdict::judge,
    wire::{
        capture::Block,
        flow::{Ended, Flows, Handle, Remaining, Settings},
        proto,
    },
};

/// What of the flows the collector must see.
#[derive(Clone, Copy, Debug, Default)]
pub struct Telling {
    /// All, for their lines go somewhere.
    pub lines: bool,
    /// All, for some are seen at several sensors and are joined (RULES 19).
    pub joins: bool,
}

/// One owner.
#[derive(Debug)]
pub struct Shard {
    flows: Flows<Reading>,
    policy: Option<Arc<Policy>>,
    court: Option<Court>,
    account: Account,
    telling: Telling,
    events: Vec<Event>,
    ended: Vec<Ended<Reading>>,
    /// First frames behind damaged places: what lasted across one may have lost packets.
    damage: Vec<(Ordinal, &'static str)>,
    /// The last frame of the blocks so far.
    last: Ordinal,
    tally: Tally,
    /// The next tale's.
    now: Moment,
    spare: Spare,
    /// Flows that break the policy are announced while they go on.
    announces: bool,
    /// Those that had got no answer when they were.
    attempts: BTreeSet<Handle>,
    /// Flows that began since somebody asked.
    opened: u64,
}

impl Shard {
    /// An owner with an empty table. What nobody is told is not worked out.
    #[must_use]
    pub fn new(settings: Settings, policy: Option<Arc<Policy>>, telling: Telling) -> Self {
        Self {
            flows: Flows::new(settings),
            court: policy.clone().map(Court::new),
            policy,
            account: Account::default(),
            telling,
            events: Vec::new(),
            ended: Vec::new(),
            damage: Vec::new(),
            last: Ordinal(0),
            tally: Tally::default(),
            now: Moment::default(),
            spare: None,
            announces: false,
            attempts: BTreeSet::new(),
            opened: 0,
        }
    }

    /// The same owner; flows that break the policy are announced while they go on, or not.
    #[must_use]
    pub const fn announcing(mut self, announces: bool) -> Self {
        self.announces = announces;
        self
    }

    /// Flows that began since the last call.
    pub const fn take_opened(&mut self) -> u64 {
        std::mem::replace(&mut self.opened, 0)
    }

    /// Takes its list of one block. `owner` is its own number.
    pub fn block(&mut self, block: &Block, lists: &Lists, owner: usize) {
        for damage in block.breaks() {
            let before = Ordinal(self.last.0 + 1 + u64::from(damage.before));
            self.damage.push((before, damage.what));
        }
        let mut sweeps = lists.sweeps().iter().peekable();
        for group in lists.of(owner).chunks(limits::LOOK_AHEAD) {
            self.flows.foresee(group.iter().map(|item| item.spot));
            for item in group {
                while let Some(sweep) = sweeps.next_if(|sweep| sweep.index <= item.index) {
                    self.sweep(sweep);
                }
                let Some(packet) = lists.packet(item) else { continue };
                let index = item.index as usize;
                self.packet(packet, item, block.bytes(index), block.ordinal(index));
            }
        }
        for sweep in sweeps {
            self.sweep(sweep);
        }
        self.last = Ordinal(self.last.0 + block.len() as u64);
    }

    /// Takes packets that belong to no block: the fragments that were given up at the end.
    pub fn leftovers(&mut self, lists: &Lists, owner: usize) {
        for item in lists.of(owner) {
            let Some(packet) = lists.packet(item) else { continue };
            self.packet(packet, item, &[], packet.head.ordinal);
        }
    }

    fn sweep(&mut self, sweep: &Sweep) {
        let mut ended = std::mem::take(&mut self.ended);
        self.flows.sweep(sweep.clock, &mut ended);
        for flow in ended.drain(..) {
            self.close(flow, sweep.at);
        }
        self.ended = ended;
    }

    /// One packet; `at` is the frame that brought it here.
    fn packet(&mut self, packet: &Decoded, item: &Item, frame: &[u8], at: Ordinal) {
        self.now = Moment { at, packet: item.order(), ..Moment::default() };
        let outcome = self.flows.packet_at(packet, &item.spot);
        if let Some(flow) = outcome.ended {
            self.close(*flow, at);
        }
        if outcome.full {
            return self.untracked(packet);
        }
        self.opened += u64::from(outcome.opened);
        let mut is_news = false;
        if packet.carrier.is_none() && !outcome.duplicate {
            is_news = self.read(outcome.handle, outcome.side, packet, frame);
        }
        if self.announces {
            let begins =
                outcome.opened && self.policy.as_ref().is_some_and(|policy| closing::breaks(policy, packet));
            let is_answered = outcome.side == Side::Answerer && self.attempts.remove(&outcome.handle);
            if is_news || begins || is_answered {
                self.announce(outcome.handle);
            }
        }
    }

    /// Announces a flow that breaks the policy as it stands. What it comes to is said when it is over.
    fn announce(&mut self, handle: Handle) {
        let Some(policy) = &self.policy else { return };
        let facts = self.flows.facts(handle);
        let mut record = closing::standing(facts, self.flows.state(handle).shown());
        closing::judge(policy, &mut record);
        let verdict = record.judgement.as_ref().map(|judgement| judgement.verdict);
        if verdict == Some(Verdict::Attempted) && self.attempts.len() < limits::ATTEMPTS_WATCHED_MAX {
            self.attempts.insert(handle);
        }
        if verdict >= Some(Verdict::Attempted) {
            self.tell(What::Early(Box::new(record)));
        }
    }

    /// Gives the packet's bytes to whoever reads the flow; tells whether they said something new.
    fn read(&mut self, handle: Handle, side: Side, packet: &Decoded, frame: &[u8]) -> bool {
        let payload = packet.payload(frame);
        if !self.flows.is_reading(handle) {
            // RULES 24: a settled flow costs this one look, unless a new handshake begins in it.
            self.flows.keep_syn_data(handle, packet, payload);
            let begins = !self.flows.repeats(handle, packet, payload)
                && proto::reopens(packet.tuple.transport, payload)
                && Flows::<Reading>::may_resume(packet);
            if !begins || !self.flows.state(handle).reopen(packet, side) {
                return false;
            }
            self.flows.resume_reading(handle, packet);
        }
        let is_shown = self.telling.lines;
        let mut reading = std::mem::take(self.flows.state(handle));
        let facts = |reading: &Reading| {
            reading.shown().map_or(0, |shown| shown.observations.len() + shown.targets.len())
        };
        let before = facts(&reading);
        let spare = &mut self.spare;
        self.flows.read(handle, packet, payload, &mut |chunk| {
            reading.chunk(chunk, side, packet, is_shown, spare);
        });
        let tales = reading.take_sightings();
        let is_news = !reading.needs_bytes() || facts(&reading) > before;
        if !reading.needs_bytes() {
            self.flows.stop_reading(handle, &mut |chunk| {
                reading.chunk(chunk, side, packet, is_shown, spare);
            });
            reading.settle(self.flows.len() > limits::SETTLED_WHOLE_MAX, spare);
        }
        let is_anew = reading.rest(spare);
        self.flows.read_anew(handle, is_anew);
        *self.flows.state(handle) = reading;
        for sighting in tales {
            self.tell(What::Sighting(sighting));
        }
        is_news
    }

    fn tell(&mut self, what: What) {
        self.events.push(Event { moment: self.now, what });
        self.now.turn += 1;
    }

    /// A packet whose flow found no place is judged by its ends alone, and counted (RULES 26).
    fn untracked(&mut self, packet: &Decoded) {
        let verdict = self.court.as_mut().map_or(Verdict::OutOfScope, |court| {
            let ruled = court.rule(&judge::facts_of(packet), &mut self.account);
            match court.ruling(&ruled).alone.verdict {
                // What one packet shows acquits no flow that could not be followed.
                Verdict::Conforming => Verdict::Undecidable,
                verdict => verdict,
            }
        });
        if packet.carrier.is_none() {
            self.tally.untracked[verdict as usize].add(frames_of(packet));
        }
        if let Some(policy) = self.policy.as_ref().filter(|_| verdict >= Verdict::Attempted) {
            let record = closing::untracked(policy, packet);
            self.tell(What::Untracked(Box::new(record)));
        }
    }

    fn close(&mut self, flow: Ended<Reading>, at: Ordinal) {
        let mut facts = closing::facts(flow, &self.damage, self.telling.lines);
        let mut moment = Moment { at, rank: Rank::End, flow: facts.id, ..Moment::default() };
        for sighting in std::mem::take(&mut facts.identity.sightings) {
            self.events.push(Event { moment, what: What::Sighting(sighting) });
            moment.turn += 1;
        }
        if let Some(what) = self.outcome(facts) {
            self.events.push(Event { moment, what });
        }
    }

    /// What the collector must know of a flow that is over. Most conform, are counted here, and need no word.
    fn outcome(&mut self, facts: FlowFacts) -> Option<What> {
        let Telling { lines, joins } = self.telling;
        let Some(court) = &mut self.court else {
            if lines || joins {
                return Some(closed(facts, None, lines));
            }
            self.account.flow(&facts, None, &[]);
            return None;
        };
        let ruled = court.rule(&facts, &mut self.account);
        if lines || joins || judge::asks_memory(&facts) {
            let ruling = court.ruling(&ruled).clone();
            return Some(closed(facts, Some(ruling), lines));
        }
        court.count(&ruled, &facts, &mut self.account);
        let ruling = court.ruling(&ruled);
        (!ruling.fires.is_empty()).then(|| What::Found(ruling.clone(), About::of(&facts)))
    }

    /// What happened since the last call, in order.
    pub fn take_events(&mut self) -> Vec<Event> {
        let mut events = std::mem::take(&mut self.events);
        events.sort_by_key(|event| event.moment);
        events
    }

    /// End of the input: the flows that are left.
    #[must_use]
    pub fn remaining(&mut self) -> Remaining {
        self.flows.remaining()
    }

    /// End of the input: the next flows that are left are over, in order of their names. A part at a time: the records of a
    /// million flows at once would be gigabytes.
    pub fn finish_some(&mut self, remaining: &mut Remaining) {
        let mut ended = std::mem::take(&mut self.ended);
        self.flows.finish_some(remaining, limits::FINISHED_AT_ONCE, &mut ended);
        for flow in ended.drain(..) {
            self.close(flow, Ordinal(u64::MAX));
        }
        self.ended = ended;
    }

    /// What this owner counted.
    #[must_use]
    pub fn into_sums(mut self) -> (Tally, Account) {
        if let Some(court) = &mut self.court {
            court.settle(&mut self.account);
        }
        (self.tally, self.account)
    }
}

fn closed(facts: FlowFacts, ruling: Option<Arc<Ruling>>, lines: bool) -> What {
    let community_id = if lines { closing::name_for_others(&facts) } else { String::new() };
    What::Closed(Box::new(FlowRecord::of(facts, community_id)), ruling)
}
