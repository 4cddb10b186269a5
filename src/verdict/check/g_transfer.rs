//! SK-G: sanitising, screen transfer, files.

use super::{
    case::{Case, IN, LG, MN, Reached, Side, Spoken},
    run::{Noted, RunCase},
};
use crate::{
    ground::model::{identity::Marks, verdict::FaultKind},
    policy::language::{Case as ModelCase, ChannelKind, Download, Model, Role},
};

/// Ports by which mail is known when its bytes were not seen: SMTP, POP3, IMAP and their encrypted forms (IANA).
const MAIL_PORTS: &[u16] = &[25, 110, 143, 465, 587, 993, 995];
/// The same for remote control: SSH, Telnet, ICA, RDP, VNC.
const CONTROL_PORTS: &[u16] = &[22, 23, 1494, 2598, 3389, 5900, 5901];
/// The same for files: FTP, SMB, NFS.
const FILE_PORTS: &[u16] = &[20, 21, 139, 445, 2049];
/// The same for screens: ICA, RDP, VNC.
const SCREEN_PORTS: &[u16] = &[1494, 2598, 3389, 5900, 5901];

/// The lists of this file that hold a port, a bit for each.
pub(super) fn lists_of_port(port: u16) -> u8 {
    let lists = [MAIL_PORTS, CONTROL_PORTS, FILE_PORTS, SCREEN_PORTS];
    (0..).zip(lists).filter(|(_, list)| list.contains(&port)).fold(0, |bits, (bit, _)| bits | 1 << bit)
}

/// SK-G01: a page that an LGWAN terminal fetched is taken in as well.
pub(super) fn files_past_the_sanitiser(case: &Case<'_>) -> Option<Spoken> {
    let marks = case.facts.identity.marks;
    let is_page = case.speaks(&["http", "http2"], &[]) && marks.has(Marks::CLEARTEXT);
    let fetched = is_page && case.from.is(LG) && case.facts.down().payload_bytes > 0;
    let shared = case.speaks(&["smb", "ftp", "nfs", "tftp"], FILE_PORTS);
    let moves = marks.has(Marks::FILES) || shared || fetched;
    case.broken_where(|reached| moves && lgwan_and_internet_side(case, reached))
}

/// SK-G02
pub(super) fn mail_past_the_sanitiser(case: &Case<'_>) -> Option<Spoken> {
    let is_mail = case.speaks(&["smtp", "imap", "pop3"], MAIL_PORTS);
    case.broken_where(|reached| is_mail && lgwan_and_internet_side(case, reached))
}

/// SK-G03: between the two segments; what comes from outside is SK-A06.
pub(super) fn remote_control(case: &Case<'_>) -> Option<Spoken> {
    let is_control = case.speaks(&["rdp", "vnc", "ssh", "ica", "telnet"], CONTROL_PORTS);
    case.broken_where(|reached| {
        is_control && (case.from.is(LG) && reached.side.is(IN) || case.from.is(IN) && reached.side.is(LG))
    })
}

/// SK-G04
pub(super) fn screen_reversed(case: &Case<'_>) -> Option<Spoken> {
    case.broken_where(|reached| reached.has(FaultKind::ScreenReversed))
}

/// One end in the LGWAN segment, the other in the internet segment or on the internet.
fn lgwan_and_internet_side(case: &Case<'_>, reached: &Reached<'_>) -> bool {
    let is_there = |side: Side| side.is(IN) || side == Side::Rest;
    case.from.is(LG) && is_there(reached.side) || is_there(case.from) && reached.side.is(LG)
}

/// SK-G05
pub(super) fn much_on_a_screen(case: &Case<'_>) -> Option<Spoken> {
    let is_screen = case.channel().is_some_and(|channel| channel.kind == ChannelKind::Screen);
    let is_much = is_screen && case.exceeds(&["max_up_per_flow", "max_down_per_flow"]);
    is_much.then(|| case.over_limit()).flatten()
}

/// SK-G07
pub(super) fn gateway_reaches_further(case: &Case<'_>) -> Option<Spoken> {
    let is_gateway = case.has_role(&case.client, Role::VdiGateway);
    case.broken_where(|reached| is_gateway && (reached.side.is(LG) || reached.side.is(MN)))
}

/// SK-G08
pub(super) fn much_taken_in(case: &Case<'_>) -> Option<Spoken> {
    let is_case_i = case.model == (Model::AlphaPrime, Some(ModelCase::I));
    let is_banned = case.channel().is_some_and(|channel| channel.download == Some(Download::Forbidden));
    let is_much = is_case_i && is_banned && case.exceeds(&["max_down_per_flow", "download"]);
    is_much.then(|| case.over_limit()).flatten()
}

/// SK-G11: the maintenance line has a check of its own.
pub(super) fn mynumber_screen(case: &Case<'_>) -> Option<Spoken> {
    let is_screen = case.speaks(&["rdp", "vnc", "ica"], SCREEN_PORTS);
    case.broken_where(|reached| {
        let one_inside = case.from.is(MN) != reached.side.is(MN);
        let both_segments = matches!((case.from, reached.side), (Side::Segment(_), Side::Segment(_)));
        is_screen && one_inside && both_segments
    })
}

/// SK-G06: distinct clients of a day (DOMAIN §1.1 M8).
pub(super) fn more_users_than_planned(case: &RunCase<'_>) -> Vec<Noted> {
    let bounded = case.policy.channels().iter().filter_map(|channel| Some((channel, channel.max_sources?)));
    let noted = bounded.filter_map(|(channel, max)| {
        let used = case.crowd.usage.of(&channel.id)?;
        let (sources, day) = used.most_sources()?;
        let more = if used.overflow { "+" } else { "" };
        let detail = format!("sources={sources}{more} max={max} day={day}");
        (sources > max).then(|| Noted::whole(channel.id.to_string(), detail))
    });
    noted.collect()
}
