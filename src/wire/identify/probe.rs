//! Which protocol is it? First bytes of both ends, kept until a protocol says yes, and then given to it.

use std::sync::LazyLock;

use crate::{
    ground::model::{address::Transport, key::Side, limits},
    wire::proto::{
        REGISTRY,
        dissector::{Guess, Protocol},
    },
};

/// What the first bytes say.
#[derive(Clone, Copy, Debug)]
pub(super) enum Found {
    /// This protocol.
    Protocol(&'static Protocol),
    /// More bytes are needed.
    Wait,
    /// None that we know.
    Nothing,
}

impl Found {
    const fn is_nothing(self) -> bool {
        matches!(self, Self::Nothing)
    }
}

/// The protocols of one transport. A set of them is a number: bits in the order of the registry.
struct Family {
    protocols: Vec<&'static Protocol>,
    /// Who may begin with a byte.
    first: [u64; 256],
    /// Who is at home on a port whose lower byte is this.
    near: [u64; 256],
}

static TCP: LazyLock<Family> = LazyLock::new(|| Family::of(Transport::TCP));
static UDP: LazyLock<Family> = LazyLock::new(|| Family::of(Transport::UDP));

impl Family {
    fn of(transport: Transport) -> Self {
        let protocols: Vec<_> =
            REGISTRY.iter().copied().filter(|known| known.transport == transport).collect();
        let (mut first, mut near) = ([0; 256], [0; 256]);
        for (bit, protocol) in bits().zip(&protocols) {
            (0..=u8::MAX)
                .zip(&mut first)
                .filter(|(byte, _)| protocol.first.has(*byte))
                .for_each(|(_, set)| *set |= bit);
            for port in protocol.ports {
                if let Some(set) = near.get_mut(usize::from(port & 0xff)) {
                    *set |= bit;
                }
            }
        }
        Self { protocols, first, near }
    }

    /// Who is to be asked about bytes: those at home on one of the two ports first. What is left out would say no.
    fn candidates(&self, ports: [u16; 2], first: &[u8]) -> impl Iterator<Item = &'static Protocol> {
        let open = first.first().map_or(u64::MAX, |byte| lookup(&self.first, *byte));
        let near = ports.iter().fold(0, |near, port| near | lookup(&self.near, *port as u8)) & open;
        let is_at_home = |protocol: &Protocol| protocol.ports.iter().any(|port| ports.contains(port));
        let home = if near == 0 { 0 } else { self.among(near, is_at_home) };
        [home, open & !home].into_iter().flat_map(|set| self.each(set).map(|(_, protocol)| protocol))
    }

    fn among(&self, set: u64, belongs: impl Fn(&Protocol) -> bool) -> u64 {
        self.each(set).filter(|(_, protocol)| belongs(protocol)).fold(0, |all, (bit, _)| all | bit)
    }

    fn each(&self, mut set: u64) -> impl Iterator<Item = (u64, &'static Protocol)> {
        std::iter::from_fn(move || {
            let place = set.trailing_zeros();
            let protocol = self.protocols.get(place as usize)?;
            set &= set - 1;
            Some((1 << place, *protocol))
        })
    }
}

/// One bit after the other.
fn bits() -> impl Iterator<Item = u64> {
    (0..u64::BITS).map(|place| 1 << place)
}

fn lookup(table: &[u64; 256], byte: u8) -> u64 {
    table.get(usize::from(byte)).copied().unwrap_or(u64::MAX)
}

/// Asks the protocols in turn. One that cannot tell yet stops the search, so that the way the bytes were cut does not
/// decide between two that would both say yes; `is_last` means that no more bytes will come.
pub(super) fn ask(transport: Transport, ports: [u16; 2], first: &[u8], side: Side, is_last: bool) -> Found {
    let family = match transport {
        Transport::TCP => &TCP,
        Transport::UDP => &UDP,
        _ => return Found::Nothing,
    };
    let is_last = is_last || first.len() >= limits::PROBE_LEN_MAX;
    for protocol in family.candidates(ports, first) {
        match (protocol.probe)(first, side) {
            Guess::Yes => return Found::Protocol(protocol),
            Guess::Short if !is_last => return Found::Wait,
            Guess::Short | Guess::No => {}
        }
    }
    Found::Nothing
}

/// Asks only the protocols of one name.
fn ask_for(name: &str, transport: Transport, first: &[u8], side: Side, is_last: bool) -> Found {
    let is_last = is_last || first.len() >= limits::PROBE_LEN_MAX;
    let mut found = Found::Nothing;
    for protocol in
        REGISTRY.iter().filter(|protocol| protocol.transport == transport && protocol.name == name)
    {
        match (protocol.probe)(first, side) {
            Guess::Yes => return Found::Protocol(protocol),
            Guess::Short if !is_last => found = Found::Wait,
            Guess::Short | Guess::No => {}
        }
    }
    found
}

/// The bytes of a stream that no protocol has claimed yet.
#[derive(Debug, Default)]
pub(super) struct Probing {
    kept: [Vec<u8>; 2],
    /// Who spoke how many bytes, in the order they came.
    order: Vec<(Side, usize)>,
    /// The end whose first bytes nobody will claim, and how many more of it were let go while the other was silent.
    let_go: Option<(Side, u64)>,
    /// The protocol that must follow, after an upgrade.
    pub(super) expected: Option<&'static str>,
}

impl Probing {
    /// Waits for a protocol by name, or for any.
    pub(super) const fn new(expected: Option<&'static str>) -> Self {
        Self { kept: [Vec::new(), Vec::new()], order: Vec::new(), let_go: None, expected }
    }

    /// Begins anew with the buffers it has.
    pub(super) fn clear(&mut self) {
        self.kept.iter_mut().for_each(Vec::clear);
        self.order.clear();
        (self.let_go, self.expected) = (None, None);
    }

    /// Who spoke how many bytes, in the order they came, where all of them are kept and nothing else is remembered.
    pub(super) fn order(&self) -> Option<&[(Side, usize)]> {
        (self.let_go.is_none() && self.expected.is_none()).then_some(&self.order)
    }

    /// Says who spoke how many bytes, of what [`Probing::give_back`] gives.
    pub(super) fn set_order(&mut self, order: impl Iterator<Item = (Side, usize)>) {
        self.order.clear();
        self.order.extend(order);
    }

    /// Gives back what one end said.
    pub(super) fn give_back(&mut self, bytes: &[u8], side: Side) {
        let [opener, answerer] = &mut self.kept;
        if side == Side::Opener { opener } else { answerer }.extend_from_slice(bytes);
    }

    fn side(&self, side: Side) -> &[u8] {
        let [opener, answerer] = &self.kept;
        if side == Side::Opener { opener } else { answerer }
    }

    /// Nothing was said yet.
    pub(super) fn is_empty(&self) -> bool {
        self.order.is_empty()
    }

    /// Keeps bytes.
    pub(super) fn keep(&mut self, bytes: &[u8], side: Side) {
        if bytes.is_empty() {
            return;
        }
        if let Some((gone, count)) = &mut self.let_go
            && *gone == side
        {
            *count += bytes.len() as u64;
            return;
        }
        let [opener, answerer] = &mut self.kept;
        if side == Side::Opener { opener } else { answerer }.extend_from_slice(bytes);
        match self.order.last_mut() {
            Some((last, len)) if *last == side => *len += bytes.len(),
            _ => self.order.push((side, bytes.len())),
        }
    }

    /// Forgets one end's bytes: what follows lies behind a hole and is a beginning of its own.
    pub(super) fn forget(&mut self, side: Side) {
        let [opener, answerer] = &mut self.kept;
        if side == Side::Opener { opener } else { answerer }.clear();
        self.order.retain(|(kept, _)| *kept != side);
        self.let_go = self.let_go.filter(|(gone, _)| *gone != side);
    }

    /// Lets go of what the only end that spoke said and nobody claimed: a download whose beginning was not seen does not
    /// hide the next request.
    pub(super) fn let_go(&mut self) {
        if let [(side, len)] = *self.order.as_slice()
            && len >= limits::PROBE_LEN_MAX
        {
            let [opener, answerer] = &mut self.kept;
            let kept = if side == Side::Opener { opener } else { answerer };
            let count = kept.len().saturating_sub(limits::PROBE_LEN_MAX) as u64;
            self.let_go.get_or_insert((side, count));
            kept.truncate(limits::PROBE_LEN_MAX);
            self.order = vec![(side, kept.len())];
        }
    }

    /// Nothing was said, and nothing is expected: the next bytes are all there is to ask about.
    pub(super) fn is_fresh(&self) -> bool {
        self.is_empty() && self.let_go.is_none() && self.expected.is_none()
    }

    /// What is known by now. An expected protocol is asked alone; [`Found::Nothing`] then means that it did not follow.
    pub(super) fn ask(&self, transport: Transport, ports: [u16; 2], is_last: bool) -> Found {
        let one = |side| {
            let first = self.side(side);
            match self.expected {
                _ if first.is_empty() => None,
                None if self.let_go.is_some_and(|(gone, _)| gone == side) => Some(Found::Nothing),
                Some(name) => Some(ask_for(name, transport, first, side, is_last)),
                None => Some(ask(transport, ports, first, side, is_last)),
            }
        };
        let first = self.order.first().map_or(Side::Opener, |(side, _)| *side);
        match (one(first), one(first.other())) {
            (Some(found @ Found::Protocol(_)), _) | (_, Some(found @ Found::Protocol(_))) => found,
            (Some(found), _) | (_, Some(found)) if found.is_nothing() && self.expected.is_some() => {
                Found::Nothing
            }
            (Some(Found::Nothing), Some(Found::Nothing)) => Found::Nothing,
            // Only one end has spoken. The other may yet say what this is, but the wait has a bound.
            (Some(Found::Nothing), None) | (None, Some(Found::Nothing)) => {
                let beyond = self.side(first).len().saturating_sub(limits::PROBE_LEN_MAX) as u64;
                let said = self.let_go.map_or(beyond, |(_, count)| count);
                if is_last || said >= limits::PROBE_SILENCE_MAX { Found::Nothing } else { Found::Wait }
            }
            _ => Found::Wait,
        }
    }

    /// The bytes in the order they came.
    pub(super) fn stretches(&self) -> impl Iterator<Item = (Side, &[u8])> {
        let mut given = [0, 0];
        self.order.iter().filter_map(move |(side, len)| {
            let [opener, answerer] = &mut given;
            let at = if *side == Side::Opener { opener } else { answerer };
            let start = *at;
            *at += len;
            self.side(*side).get(start..*at).map(|bytes| (*side, bytes))
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Beginnings that some probe looks at more closely.
    const BEGINNINGS: &[&[u8]] = &[
        b"",
        b"get / HTTP/1.1\r\nHost: a.example\r\n\r\n",
        b" LOGIN a b\r\n",
        b"\n220 ftp smtp\r\n",
        b"OPTIONS sip:b.example SIP/2.0\r\n",
        b"12 <34>text",
        b"\x16\x03\x01\x00\x50\x01\x00\x00\x4c\x03\x03",
        b"\x00\x00\x00\x08\x04\xd2\x16\x2f",
        b"\x01\x00\x00\x08\x21\x12\xa4\x42aaaaaaaaaaaabbbbbbbb",
        b"\x30\x0f\x02\x01\x01\x04\x06public\xa2\x02\x05\x00",
        b"\x0e\x0d\x00\x0a\x0a8.0.1\x00",
        b"\xd1\x01\x81\x80\x00\x01\x00\x00\x00\x00\x00\x00\x01a\x00\x00\x01\x00\x01",
        b"\xc3Q046\x50aaaaaaaa",
        b"\x04\x00\x00\x00aaaaaaaa\x00\x00\x00\x00\x00\x00\x00\x00aaaaaaaaaaaaaaaa",
    ];

    #[test]
    fn a_family_is_not_larger_than_a_set_can_be() {
        for family in [&TCP, &UDP] {
            assert!((1..=u64::BITS as usize).contains(&family.protocols.len()));
        }
    }

    #[test]
    fn those_at_home_are_asked_first_and_all_others_behind_them_in_their_order() {
        let order = |ports| -> Vec<_> { TCP.candidates(ports, b"\0").map(|known| known.name).collect() };
        let anywhere = order([40_000, 0]);
        let at_home = order([40_000, 445]);
        assert_eq!((at_home[0], at_home.len()), ("smb", anywhere.len()));
        let others =
            |names: &[&'static str]| -> Vec<_> { names.iter().copied().filter(|it| *it != "smb").collect() };
        assert_eq!(others(&at_home), others(&anywhere));
    }

    proptest! {
        #[test]
        fn a_protocol_that_is_not_asked_about_a_first_byte_would_have_said_no(
            byte in any::<u8>(),
            start in prop::sample::select(BEGINNINGS),
            tail in prop::collection::vec(any::<u8>(), 0..200),
            len in 1usize..200,
        ) {
            let mut bytes = [start, &tail].concat();
            bytes.insert(0, byte);
            bytes.truncate(len);
            let mut replaced = bytes.clone();
            replaced.remove(0);
            if let Some(first) = replaced.first_mut() {
                *first = byte;
            }
            for bytes in [&bytes, &replaced].into_iter().filter(|bytes| !bytes.is_empty()) {
                for protocol in REGISTRY.iter().filter(|protocol| !protocol.first.has(byte)) {
                    for side in Side::BOTH {
                        prop_assert_eq!((protocol.probe)(bytes, side), Guess::No, "{} {:?}", protocol.name, bytes);
                    }
                }
            }
        }
    }
}
