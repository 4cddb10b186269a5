//! Which protocol is it? First bytes of both ends, kept until a protocol says yes, and then given to it.

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

/// The protocols of a transport, those at home on one of the two ports first.
fn candidates(transport: Transport, ports: [u16; 2]) -> impl Iterator<Item = &'static Protocol> {
    let is_at_home =
        move |protocol: &Protocol| protocol.ports.iter().any(|port| *port != 0 && ports.contains(port));
    let family = move || REGISTRY.iter().copied().filter(move |protocol| protocol.transport == transport);
    family()
        .filter(move |protocol| is_at_home(protocol))
        .chain(family().filter(move |protocol| !is_at_home(protocol)))
}

/// Asks the protocols in turn. One that cannot tell yet stops the search, so that the way the bytes were cut does not
/// decide between two that would both say yes; `is_last` means that no more bytes will come.
pub(super) fn ask(transport: Transport, ports: [u16; 2], first: &[u8], side: Side, is_last: bool) -> Found {
    let is_last = is_last || first.len() >= limits::PROBE_LEN_MAX;
    for protocol in candidates(transport, ports) {
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
