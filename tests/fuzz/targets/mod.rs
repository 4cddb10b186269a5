//! One target a family of parsers: a function that takes any bytes and panics when a promise does not hold.
//!
//! A fuzzer calls them (`fuzz/`), and so does an ordinary test, with what the fixtures hold and with that damaged. To add
//! one: a file here, a line in [`TARGETS`], a file in `fuzz/fuzz_targets` and a `[[bin]]` in `fuzz/Cargo.toml`.

mod captures;
mod certificate;
mod datagrams;
mod follow;
mod fragments;
pub mod ledger;
mod link;
mod lists;
mod notes;
mod policy;
mod quic;
mod streams;

use sekisho::{
    ground::model::{
        coverage::InputReport,
        key::Side,
        packet::{LinkType, Ordinal, PacketHead},
        time::Timestamp,
    },
    wire::capture::{Baton, Block, Feed},
};

pub use self::{
    captures::captures, certificate::certificate, datagrams::datagrams, follow::follow, fragments::fragments,
    ledger::ledger, link::link, lists::lists, notes::notes, policy::policy, quic::quic, streams::streams,
};

/// A target.
pub type Target = fn(&[u8]);

/// All targets by their names.
pub const TARGETS: &[(&str, Target)] = &[
    ("captures", captures),
    ("certificate", certificate),
    ("datagrams", datagrams),
    ("follow", follow),
    ("fragments", fragments),
    ("ledger", ledger),
    ("link", link),
    ("lists", lists),
    ("notes", notes),
    ("policy", policy),
    ("quic", quic),
    ("streams", streams),
];

/// Link types by the first byte of a target's input; a frame of Ethernet where there is none for it.
pub const LINKS: [LinkType; 19] = [
    LinkType::ETHERNET,
    LinkType::NULL,
    LinkType::PPP,
    LinkType::RAW_BSD,
    LinkType::RAW_OPENBSD,
    LinkType::PPP_HDLC,
    LinkType::PPP_ETHER,
    LinkType::RAW,
    LinkType::CISCO_HDLC,
    LinkType::LOOP,
    LinkType::SLL,
    LinkType::PPP_WITH_DIR,
    LinkType::IPV4,
    LinkType::IPV6,
    LinkType::NFLOG,
    LinkType::SLL2,
    LinkType(147),
    LinkType(105),
    LinkType(u16::MAX),
];

/// The bytes of an input, taken from the front.
struct Script<'a>(&'a [u8]);

impl<'a> Script<'a> {
    const fn is_over(&self) -> bool {
        self.0.is_empty()
    }

    /// As many as there are, at most this many.
    fn take(&mut self, len: usize) -> &'a [u8] {
        let (front, rest) = self.0.split_at(len.min(self.0.len()));
        self.0 = rest;
        front
    }

    /// 0 behind the end.
    fn byte(&mut self) -> u8 {
        self.take(1).first().copied().unwrap_or_default()
    }

    fn pair(&mut self) -> u16 {
        u16::from_be_bytes([self.byte(), self.byte()])
    }

    /// Bytes behind their length.
    fn sized(&mut self) -> &'a [u8] {
        let len = usize::from(self.pair());
        self.take(len)
    }
}

/// One end's next bytes, or bytes of it that nobody saw.
#[derive(Clone, Copy, Debug)]
enum Step<'a> {
    Bytes(Side, &'a [u8]),
    Gap(Side, u64),
}

/// The form of both conversation targets: two ports, then parts of which the first byte says whose they are (1: the
/// answerer's) and whether they are missing (2), with their bytes behind their length.
fn conversation(input: &[u8]) -> ([u16; 2], Vec<Step<'_>>) {
    let mut script = Script(input);
    let ports = [script.pair(), script.pair()];
    let mut steps = Vec::new();
    while !script.is_over() {
        let how = script.byte();
        let side = if how & 1 == 0 { Side::Opener } else { Side::Answerer };
        let bytes = script.sized();
        steps.push(if how & 2 == 0 {
            Step::Bytes(side, bytes)
        } else {
            Step::Gap(side, bytes.len() as u64 + 1)
        });
    }
    (ports, steps)
}

/// A part of a conversation as [`conversation`] reads it.
pub fn part(side: Side, bytes: &[u8]) -> Vec<u8> {
    [&[u8::from(side == Side::Answerer)][..], &(bytes.len() as u16).to_be_bytes(), bytes].concat()
}

fn head(number: u64, link: LinkType, captured: usize, cut: u32) -> PacketHead {
    PacketHead {
        ordinal: Ordinal(number),
        at: Timestamp::from_nanos(number as i64 * 1_000_000),
        wire_len: captured as u32 + cut,
        captured_len: captured as u32,
        link,
        ..PacketHead::default()
    }
}

/// What an input comes to, block after block.
fn read(feed: &Feed, mut baton: Baton, mut after_each: impl FnMut()) -> Told {
    let mut told = Told::default();
    let mut block = Block::new();
    for ticket in 0.. {
        feed.fill(ticket, &mut block);
        if !baton.walk(feed, &mut block) {
            break;
        }
        let first = told.packets.len() as u64 + 1;
        told.ticks.extend(block.ticks().iter().map(|tick| (first + u64::from(tick.before), tick.clock)));
        told.breaks.extend(block.breaks().iter().map(|place| (first + u64::from(place.before), place.what)));
        told.packets.extend(block.packets().map(|(head, bytes)| (head, bytes.to_vec())));
        after_each();
    }
    told.report = baton.finish();
    assert_eq!(told.report.read.packets, told.packets.len() as u64);
    told
}

#[derive(Debug, Default, PartialEq)]
struct Told {
    packets: Vec<(PacketHead, Vec<u8>)>,
    ticks: Vec<(u64, Timestamp)>,
    breaks: Vec<(u64, &'static str)>,
    report: InputReport,
}
