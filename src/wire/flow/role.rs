//! Who is the client, as far as headers tell it (RULES 25). Protocol roles come later, from those who read the bytes.

use super::tcp::{SideMarks, Tcp};
use crate::ground::model::{
    address::Transport,
    facts::DirectionBasis,
    key::{Endpoint, Side},
};

/// The client, and on what that rests.
pub(super) fn role(
    transport: Transport,
    tcp: Option<&Tcp>,
    well_inside: bool,
    opener: Endpoint,
    answerer: Endpoint,
) -> (Side, DirectionBasis) {
    if let Some(tcp) = tcp {
        let said = |mark| Side::BOTH.map(|side| tcp.side(side).marks.has(mark));
        match said(SideMarks::SYN) {
            [true, true] => return (Side::Opener, DirectionBasis::BothSyn),
            [true, false] => return (Side::Opener, DirectionBasis::Syn),
            [false, true] => return (Side::Answerer, DirectionBasis::Syn),
            [false, false] => {}
        }
        match said(SideMarks::SYN_ACK) {
            [true, false] => return (Side::Answerer, DirectionBasis::SynAck),
            [false, true] => return (Side::Opener, DirectionBasis::SynAck),
            _ => {}
        }
    } else if well_inside && transport != Transport::TCP {
        return (Side::Opener, DirectionBasis::FirstPacket);
    }
    // The lower port is more often the server's: a guess, and told as one.
    let client = if opener.port < answerer.port { Side::Answerer } else { Side::Opener };
    (client, DirectionBasis::Guess)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::flow::support::{Story, client, udp};

    fn told(story: &Story) -> (Side, DirectionBasis) {
        (story.facts().client, story.facts().basis)
    }

    #[test]
    fn a_syn_says_who_opened_even_when_it_comes_second() {
        let mut story = Story::new();
        story.server("SA", 0, 1, b"");
        assert_eq!(told(&story), (Side::Answerer, DirectionBasis::SynAck));
        story.client("S", 0, 0, b"");
        assert_eq!(told(&story), (Side::Answerer, DirectionBasis::Syn));
    }

    #[test]
    fn syns_from_both_ends_leave_it_open() {
        let mut story = Story::new();
        story.client("S", 0, 0, b"");
        story.server("S", 0, 0, b"");
        story.client("SA", 0, 1, b"");
        story.server("A", 1, 1, b"");
        assert_eq!(told(&story).1, DirectionBasis::BothSyn);
        story.client("PA", 1, 1, b"hello");
        story.server("PA", 1, 6, b"there");
        assert_eq!(
            (story.heard(Side::Opener), story.heard(Side::Answerer)),
            ("hello".into(), "there".into())
        );
        assert!(story.finish()[0].facts.causes.is_empty());
    }

    #[test]
    fn in_midstream_the_lower_port_is_a_guess_and_a_late_syn_proves_nothing() {
        let mut story = Story::new();
        story.server("PA", 100, 100, b"data");
        assert_eq!(told(&story), (Side::Answerer, DirectionBasis::Guess));
        story.server("S", 900, 0, b"");
        assert_eq!(told(&story), (Side::Answerer, DirectionBasis::Guess));
    }

    #[test]
    fn a_first_datagram_counts_only_well_inside_its_source() {
        for (age, basis) in [(179, DirectionBasis::Guess), (180, DirectionBasis::FirstPacket)] {
            let mut packet = udp("10.0.0.1:40000", "192.0.2.53:53", 30);
            packet.head.source_age_secs = age;
            let mut story = Story::new();
            story.feed(packet, &[0; 30]);
            assert_eq!(told(&story), (Side::Opener, basis));
        }
    }

    #[test]
    fn an_end_that_talks_to_itself_has_one_side() {
        let mut packet = client("S", 0, 0, b"");
        packet.tuple.target = packet.tuple.source;
        let mut story = Story::new();
        story.feed(packet, b"");
        assert_eq!(story.finish()[0].facts.sides[1].packets, 0);
    }
}
