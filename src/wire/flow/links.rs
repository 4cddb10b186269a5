//! What the link layer and the TTL of packets were, each combination once.
//!
//! A network has few combinations and a flow seldom changes its own, so a packet is compared with what its side had last,
//! in two words, and nothing else is done when they are equal.

use hashbrown::HashTable;

use super::{
    entry::{Hashers, Hot, Rare},
    table::Flows,
};
use crate::ground::model::{
    address::Mac,
    cause::Cause,
    decoded::{Decoded, VLANS_KEPT},
    key::Side,
    limits,
};

/// Source address, VLAN tags and TTL of one packet. Exact: equal words are equal links.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Link {
    /// From the lowest bit: address (48 bits), TTL (8), number of tags (7), whether there is an address (1).
    word: u64,
    /// The ids that were kept, 16 bits each, the first one lowest.
    ids: u64,
}

const HAS_MAC: u64 = 1 << 63;
/// More tags than this are told apart by nobody: a frame is given up at `limits::LINK_TAGS_MAX`.
const TAGS_TOLD: u8 = 0x7f;

impl Link {
    /// The link of a packet.
    pub(super) fn of(packet: &Decoded) -> Self {
        let mac = packet
            .link
            .macs
            .map_or(0, |[Mac([a, b, c, d, e, f]), _]| u64::from_be_bytes([0, 0, a, b, c, d, e, f]) | HAS_MAC);
        let tags = packet.link.vlans;
        let ids = match tags.count() {
            0 => 0,
            _ => tags.ids().iter().rev().fold(0, |word, id| word << 16 | u64::from(*id)),
        };
        let word = mac | u64::from(packet.ttl) << 48 | u64::from(tags.count().min(TAGS_TOLD)) << 56;
        Self { word, ids }
    }

    /// The source address.
    pub(super) fn mac(self) -> Option<Mac> {
        let [_, _, a, b, c, d, e, f] = self.word.to_be_bytes();
        (self.word & HAS_MAC != 0).then_some(Mac([a, b, c, d, e, f]))
    }

    /// The TTL.
    pub(super) const fn ttl(self) -> u8 {
        (self.word >> 48) as u8
    }

    /// The outermost VLAN id.
    pub(super) const fn vlan(self) -> Option<u16> {
        if self.word >> 56 & TAGS_TOLD as u64 == 0 { None } else { Some(self.ids as u16) }
    }
}

/// The link of a side that has not spoken.
pub(super) const SILENT: u32 = 0;
/// A link that found no number: each packet is looked at anew.
pub(super) const UNNUMBERED: u32 = u32::MAX;

/// Links by number.
#[derive(Debug)]
pub(super) struct Links {
    known: Vec<Link>,
    numbers: HashTable<u32>,
}

impl Default for Links {
    fn default() -> Self {
        // The first place stands for [`SILENT`].
        Self { known: vec![Link::default()], numbers: HashTable::new() }
    }
}

impl Links {
    /// The number of a link; [`UNNUMBERED`] when there are too many.
    pub(super) fn number(&mut self, link: Link, hashers: &Hashers) -> u32 {
        let hash = |link: Link| hashers.words(link.word, link.ids);
        let known = &self.known;
        let is_it = |number: &u32| known.get(*number as usize) == Some(&link);
        if let Some(number) = self.numbers.find(hash(link), is_it) {
            return *number;
        }
        if self.known.len() > limits::LINKS_MAX {
            return UNNUMBERED;
        }
        let number = self.known.len() as u32;
        self.known.push(link);
        let known = &self.known;
        let rehash = |number: &u32| known.get(*number as usize).map_or(0, |link| hash(*link));
        self.numbers.insert_unique(hash(link), number, rehash);
        number
    }

    /// The link of a number; `None` for a silent side and where there is no number.
    pub(super) fn get(&self, number: u32) -> Option<Link> {
        if number == SILENT { None } else { self.known.get(number as usize).copied() }
    }
}

/// What a side's links were, once they have changed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Changes {
    /// The first source address, and another one.
    pub(super) macs: [Option<Mac>; 2],
    /// The first VLAN id.
    pub(super) vlan: Option<u16>,
    /// Smallest and largest TTL.
    pub(super) ttl: [u8; 2],
}

impl Changes {
    /// Of a side that had one link.
    pub(super) fn of(link: Link) -> Self {
        Self { macs: [link.mac(), None], vlan: link.vlan(), ttl: [link.ttl(); 2] }
    }

    /// Adds a link; true when it has another address than the first one.
    fn add(&mut self, link: Link) -> bool {
        let [least, most] = &mut self.ttl;
        (*least, *most) = (link.ttl().min(*least), link.ttl().max(*most));
        self.vlan = self.vlan.or_else(|| link.vlan());
        let [first, second] = &mut self.macs;
        match (*first, link.mac()) {
            (None, mac) => {
                *first = mac;
                false
            }
            (Some(known), Some(mac)) if known != mac => {
                second.get_or_insert(mac);
                true
            }
            _ => false,
        }
    }
}

impl Rare {
    /// What a side's links were: as noted when they changed, else the only one there was.
    pub(super) fn links(&self, side: Side, only: Option<Link>) -> Option<Changes> {
        self.links.get(side.index()).copied().flatten().or_else(|| only.map(Changes::of))
    }
}

impl<S: Default> Flows<S> {
    /// The largest TTL that the opener had before the flow's second packet.
    pub(super) fn first_ttl(&self, hot: &Hot) -> u8 {
        hot.link.first().and_then(|number| self.links.get(*number)).map_or(0, Link::ttl)
    }

    /// Notes link addresses, tags and TTL where they differ from the side's last packet.
    pub(super) fn note_link(&mut self, slot: u32, packet: &Decoded, side: Side) {
        let Some(hot) = self.hot.get_mut(slot) else { return };
        let Some(number) = hot.link.get_mut(side.index()) else { return };
        let (link, last) = (Link::of(packet), *number);
        let before = self.links.get(last);
        if before == Some(link) {
            return;
        }
        *number = self.links.number(link, &self.hashers);
        let first = packet.link.vlans.ids().first();
        let has_more = packet.link.vlans.ids().iter().any(|id| Some(id) != first);
        let is_unnumbered = *number == UNNUMBERED;
        if last == SILENT && !is_unnumbered && !has_more {
            return;
        }
        // The first packet's TTL, where the flow has not spoken: its number is about to be forgotten.
        let ttl = match side {
            Side::Opener => link.ttl().max(before.map_or(0, Link::ttl)),
            Side::Answerer => {
                hot.link.first().and_then(|number| self.links.get(*number)).map_or(0, Link::ttl)
            }
        };
        let Some(spoken) = self.speak_from(slot, ttl) else { return };
        let mut is_other = false;
        if last != SILENT || is_unnumbered {
            let rare = spoken.rare();
            let mut changes = rare.links(side, before).unwrap_or_else(|| Changes::of(link));
            is_other = changes.add(link);
            rare.change(side, changes);
        }
        let first = self.first_vlan(slot, side);
        if is_other || packet.link.vlans.ids().iter().any(|id| Some(*id) != first) {
            self.note_tags(slot, packet, side);
        }
    }

    /// The first VLAN id of a side.
    fn first_vlan(&self, slot: u32, side: Side) -> Option<u16> {
        let hot = self.hot.get(slot)?;
        let only = hot.link.get(side.index()).and_then(|number| self.links.get(*number));
        match self.spoken.get(hot.spoken).and_then(|spoken| spoken.rare.as_ref()) {
            Some(rare) => rare.links(side, only)?.vlan,
            None => only?.vlan(),
        }
    }

    /// Notes the tags of a packet beside the first one of its side.
    pub(super) fn note_tags(&mut self, slot: u32, packet: &Decoded, side: Side) {
        let first = self.first_vlan(slot, side);
        let Some(spoken) = self.speak(slot) else { return };
        let rare = spoken.rare();
        let Some(ids) = rare.vlans.get_mut(side.index()) else { return };
        let tags = packet.link.vlans;
        let mut is_more = usize::from(tags.count()) > VLANS_KEPT;
        for id in tags.ids().iter().filter(|id| Some(**id) != first) {
            if !ids.contains(id) {
                // Four in all.
                if ids.len() + 1 < VLANS_KEPT { ids.push(*id) } else { is_more = true }
            }
        }
        if is_more {
            // Tags that are not kept cannot be held against the segments.
            rare.causes.add_with(Cause::VlanSegmentMismatch, "tags");
        }
    }
}

impl Rare {
    pub(super) fn change(&mut self, side: Side, changes: Changes) {
        if let Some(place) = self.links.get_mut(side.index()) {
            *place = Some(changes);
        }
    }
}
