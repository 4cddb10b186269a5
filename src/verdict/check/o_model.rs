//! SK-O: which model is really running.

use super::{
    case::{Case, LG, Side, Spoken},
    run::{Noted, RunCase},
};
use crate::policy::language::{Case as ModelCase, ChannelKind, Model};

/// Voice and video of meetings (STUN and TURN, IANA; 3479 to 3481 by the providers' lists).
const MEETING_PORTS: &[u16] = &[3478, 3479, 3480, 3481];

/// The lists of this file that hold a port, a bit for each.
pub(super) fn lists_of_port(port: u16) -> u8 {
    u8::from(MEETING_PORTS.contains(&port))
}

/// SK-O01: screens are opened from the other side than the model's, and never from its own.
pub(super) fn another_model(case: &RunCase<'_>) -> Vec<Noted> {
    let [right, reversed] = case.crowd.screens;
    let detail = format!("screens={right} reversed={reversed}");
    let has_screens = case.policy.channels().iter().any(|channel| channel.kind == ChannelKind::Screen);
    match (right, reversed) {
        (0, 1..) => vec![Noted::whole("-", detail)],
        (0, 0) if has_screens => vec![Noted::open("-", "no_screen_seen".to_owned())],
        _ => Vec::new(),
    }
}

/// SK-O02: case ア has no meetings.
pub(super) fn case_exceeded(case: &Case<'_>) -> Option<Spoken> {
    let is_case_a = case.model == (Model::AlphaPrime, Some(ModelCase::A));
    let is_meeting = case.speaks(&["stun", "rtp"], MEETING_PORTS);
    case.broken_where(|reached| is_case_a && is_meeting && case.from.is(LG) && reached.side == Side::Rest)
}
