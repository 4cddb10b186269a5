//! What only many flows show together: how channels are used, which stations speak where, who knocks at many doors. Sums
//! and bounded sets, so they commute: every owner keeps a crowd of its own, and the end joins them.

use std::sync::Arc;

use super::{fans::Fans, stations::Stations, usage::Usage};
use crate::{
    ground::model::{
        facts::FlowFacts,
        key::Side,
        verdict::{FaultKind, Judgement, Verdict},
    },
    policy::language::{ChannelKind, Policy},
};

/// What many flows show together.
#[derive(Debug, Default)]
pub struct Crowd {
    /// How channels are used.
    pub usage: Usage,
    /// Which stations speak where.
    pub stations: Stations,
    /// Who knocks at many doors.
    pub fans: Fans,
    /// Screens opened from the side that the model says, and from the other one.
    pub screens: [u64; 2],
}

impl Crowd {
    /// Takes in a flow that is final.
    pub fn flow(&mut self, policy: &Policy, facts: &FlowFacts, judgement: &Judgement) {
        if facts.carrier.is_some() {
            return;
        }
        let places = [&judgement.segment_client, &judgement.segment_server];
        self.usage.flow(policy, facts, judgement);
        for (side, place) in [facts.client, facts.client.other()].into_iter().zip(places) {
            self.stations.flow(facts, side, place);
        }
        self.fans.flow(facts);
        self.screen(policy, judgement);
    }

    fn screen(&mut self, policy: &Policy, judgement: &Judgement) {
        if judgement.has(FaultKind::ScreenReversed) {
            self.screens[1] += 1;
        } else if judgement.verdict == Verdict::Conforming
            && let Some(id) = &judgement.channel
        {
            let is_screen = policy.channel_named(id).is_some_and(|it| it.kind == ChannelKind::Screen);
            self.screens[0] += u64::from(is_screen);
        }
    }

    /// Joins what another owner saw.
    pub fn merge(&mut self, other: Self) {
        self.usage.merge(other.usage);
        self.stations.merge(other.stations);
        self.fans.merge(other.fans);
        self.screens.iter_mut().zip(other.screens).for_each(|(mine, theirs)| *mine += theirs);
    }
}

/// The end's address, as sets of ends are kept.
pub(super) fn address(facts: &FlowFacts, side: Side) -> std::net::IpAddr {
    match side {
        Side::Opener => facts.opener.addr,
        Side::Answerer => facts.answerer.addr,
    }
}

/// The id of a place, where there is one.
pub(super) fn known(place: &Arc<str>) -> Option<&Arc<str>> {
    (!place.is_empty()).then_some(place)
}
