//! The lint of DOMAIN §3.5. What it looks at is resolved; what it says points back into the files.
//!
//! Own numbers beside those of DOMAIN: L21 the zone of the rest, L22 gaps between epochs, L23 an empty policy, L24 and L25 imported
//! lists, L26 an edition
//! without a preset, L33 services without names (RULES 10), L34 segments that nobody sees, L35 paths that nothing can prove.

use super::{
    channels::{LegIndex, PAIRS_MAX},
    compiled::Objects,
    diagnostic::{Diagnostic, Level, Spot, Words},
    document::{Document, Text},
    item::{
        Channel, Destination, DestinationIndex, Deviation, Forbid, Host, HostIndex, Segment, SegmentIndex,
        Selector, Zone, ZoneIndex,
    },
    lint_objects, lint_overlap, lint_preset,
    preset::Area,
    vocabulary::ZoneClass,
};
use crate::policy::list::Blocks;

/// Runs every rule, in the order of their numbers as far as they share a walk. Gives what is looser than the preset and was
/// accepted.
pub(super) fn lint(document: &Document, objects: &Objects, out: &mut Vec<Diagnostic>) -> Vec<Deviation> {
    let addresses = objects.destinations.iter().map(|rule| rule.cidr.iter().copied().collect()).collect();
    let mut lint = Lint { document, objects, addresses, out };
    if !lint.fits() {
        return Vec::new();
    }
    lint_objects::run(&mut lint);
    lint_overlap::run(&mut lint);
    lint_preset::run(&mut lint)
}

/// A policy under the lint: the objects and, at the same places, how they were written.
pub(super) struct Lint<'a> {
    pub(super) document: &'a Document,
    pub(super) objects: &'a Objects,
    /// The addresses of each destination: an imported list can have ten thousand blocks, too many to hold each against each.
    pub(super) addresses: Vec<Blocks>,
    pub(super) out: &'a mut Vec<Diagnostic>,
}

impl<'a> Lint<'a> {
    /// The pairs of ends must fit in memory before anything expands them.
    fn fits(&mut self) -> bool {
        let mut pairs: usize = 0;
        for (number, channel) in self.objects.channels.iter().enumerate() {
            pairs = pairs.saturating_add(LegIndex::pairs_of(channel));
            if pairs > PAIRS_MAX {
                let spot = self.channel_id(number);
                let words = Words::new(
                    format!("from と to の組が多すぎます({PAIRS_MAX}まで)"),
                    format!("too many pairs of from and to (at most {PAIRS_MAX})"),
                );
                self.out.push(
                    Diagnostic::error("T08", words)
                        .at(&spot, Words::new("ここで超えます", "passed here"))
                        .remedy(Words::new(
                            "系やゾーンでまとめます",
                            "gather them as segments, zones or destinations",
                        )),
                );
                return false;
            }
        }
        true
    }

    pub(super) fn segment(&self, index: SegmentIndex) -> &'a Segment {
        &self.objects.segments[usize::from(index.0)]
    }

    pub(super) fn zone(&self, index: ZoneIndex) -> &'a Zone {
        &self.objects.zones[usize::from(index.0)]
    }

    pub(super) fn host(&self, index: HostIndex) -> &'a Host {
        &self.objects.hosts[usize::from(index.0)]
    }

    pub(super) fn destination(&self, index: DestinationIndex) -> &'a Destination {
        &self.objects.destinations[usize::from(index.0)]
    }

    /// The segment or zone that a selector is or lies in.
    pub(super) fn place(&self, selector: Selector) -> Selector {
        match selector {
            Selector::Segment(_) | Selector::Zone(_) => selector,
            Selector::Host(host) => self.host(host).home,
            Selector::Destination(destination) => Selector::Zone(self.destination(destination).zone),
        }
    }

    pub(super) fn area(&self, selector: Selector) -> Area {
        match self.place(selector) {
            Selector::Segment(index) => Area::Inside(self.segment(index).class),
            Selector::Zone(index) => Area::Outside(self.zone(index).class),
            Selector::Host(_) | Selector::Destination(_) => Area::Outside(ZoneClass::InternetZone),
        }
    }

    /// True when some end can be both.
    pub(super) fn meet(&self, one: Selector, two: Selector) -> bool {
        use Selector::{Destination, Host, Segment, Zone};
        match (one, two) {
            _ if one == two => true,
            (place @ (Segment(_) | Zone(_)), Host(host)) | (Host(host), place @ (Segment(_) | Zone(_))) => {
                self.host(host).home == place || self.host(host).homes.contains(&place)
            }
            (Zone(zone), Destination(index)) | (Destination(index), Zone(zone)) => {
                self.destination(index).zone == zone
            }
            (Host(one), Host(two)) => {
                let (one, two) = (self.host(one), self.host(two));
                one.home == two.home && one.addr.iter().any(|addr| two.addr.contains(addr))
            }
            (Host(host), Destination(index)) | (Destination(index), Host(host)) => {
                let (host, rule) = (self.host(host), self.destination(index));
                host.home == Zone(rule.zone)
                    && (rule.cidr.is_empty()
                        || host.addr.iter().any(|addr| rule.cidr.iter().any(|block| block.contains(*addr))))
            }
            (Destination(one), Destination(two)) => {
                let addresses = &self.addresses[usize::from(two.0)];
                let (one, two) = (self.destination(one), self.destination(two));
                one.zone == two.zone
                    && (one.cidr.is_empty()
                        || two.cidr.is_empty()
                        || one.cidr.iter().any(|block| addresses.touches(block)))
            }
            _ => false,
        }
    }

    // --- places in the files ---

    pub(super) fn channel_id(&self, number: usize) -> Spot {
        let entry = &self.document.channels[number];
        entry.spot(&entry.value.id.span)
    }

    /// Where the channel names this end, else its id.
    pub(super) fn channel_end(&self, number: usize, end: Selector) -> Spot {
        let entry = &self.document.channels[number];
        let id = match end {
            Selector::Segment(index) => &self.segment(index).id,
            Selector::Zone(index) => &self.zone(index).id,
            Selector::Host(index) => &self.host(index).id,
            Selector::Destination(index) => &self.destination(index).id,
        };
        let mut names =
            entry.value.from.iter().chain(&entry.value.to).chain(entry.value.via.iter().flatten());
        let found: Option<&Text> = names.find(|name| *name.value == **id);
        entry.spot(found.map_or(&entry.value.id.span, |name| &name.span))
    }

    pub(super) fn destination_spot(
        &self,
        index: usize,
        of: impl Fn(&super::document_channels::DestinationDoc) -> Option<&Text>,
    ) -> Spot {
        let entry = &self.document.destinations[index];
        entry.spot(&of(&entry.value).unwrap_or(&entry.value.id).span)
    }

    pub(super) fn say(
        &mut self,
        level: Level,
        code: &'static str,
        message: Words,
        spot: &Spot,
        remedy: Option<Words>,
    ) {
        let mut said = Diagnostic::new(level, code, message).at(spot, Words::new("ここ", "here"));
        said.remedy = remedy;
        self.out.push(said);
    }
}

/// The hops of a channel as pairs of ends, and, where it has `via`, its own ends: what must be allowed for it.
pub(super) fn hops(channel: &Channel) -> Vec<(Selector, Selector)> {
    let mut stations: Vec<Vec<Selector>> = vec![channel.from.clone()];
    stations.extend(channel.via.iter().map(|host| vec![Selector::Host(*host)]));
    stations.push(channel.to.clone());
    let pairs = |from: &[Selector], to: &[Selector]| {
        from.iter().flat_map(|from| to.iter().map(move |to| (*from, *to))).collect::<Vec<_>>()
    };
    stations.windows(2).flat_map(|pair| pairs(&pair[0], &pair[1])).collect()
}

/// The ends a channel connects, whatever lies between.
pub(super) fn ends(channel: &Channel) -> impl Iterator<Item = (Selector, Selector)> {
    channel.from.iter().flat_map(|from| channel.to.iter().map(move |to| (*from, *to)))
}

/// The pairs of ends that a prohibition names.
pub(super) fn forbidden(forbid: &Forbid) -> impl Iterator<Item = (Selector, Selector)> {
    forbid.from.iter().flat_map(|from| forbid.to.iter().map(move |to| (*from, *to)))
}
