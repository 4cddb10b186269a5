//! The shape of a protocol: how it is recognised, and how its bytes become facts.

use crate::ground::model::{address::Transport, identity::Notes, key::Side};

/// What first bytes say about a protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Guess {
    /// It is this one.
    Yes,
    /// It is not.
    No,
    /// Too few bytes to tell.
    Short,
}

/// First bytes, as a set. It may hold more than a protocol begins with, and never less: where a byte is not in it, the
/// probe says no, whatever follows.
#[derive(Clone, Copy, Debug)]
pub struct First {
    low: u128,
    high: u128,
}

impl First {
    /// Every byte.
    pub const ANY: Self = Self { low: u128::MAX, high: u128::MAX };
    /// Letters, digits, white space and the signs that lines of commands begin with.
    pub const TEXT: Self = Self::of(b"\t\n\x0c\r -_/*+<").and(Self::range(b'0', b'9')).and(Self::LETTERS);
    /// Letters of ASCII.
    pub const LETTERS: Self = Self::range(b'A', b'Z').and(Self::range(b'a', b'z'));

    /// These bytes.
    #[must_use]
    pub const fn of(mut bytes: &[u8]) -> Self {
        let mut all = Self { low: 0, high: 0 };
        while let [byte, rest @ ..] = bytes {
            all = all.and(Self::one(*byte));
            bytes = rest;
        }
        all
    }

    /// The bytes from the first to the last.
    #[must_use]
    pub const fn range(from: u8, to: u8) -> Self {
        let mut all = Self::one(to);
        let mut byte = from;
        while byte < to {
            all = all.and(Self::one(byte));
            byte += 1;
        }
        all
    }

    /// Both together.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self { low: self.low | other.low, high: self.high | other.high }
    }

    /// True when the byte is in it.
    #[must_use]
    pub const fn has(self, byte: u8) -> bool {
        let half = if byte & 0x80 == 0 { self.low } else { self.high };
        half >> (byte & 0x7f) & 1 == 1
    }

    const fn one(byte: u8) -> Self {
        let bit = 1 << (byte & 0x7f);
        if byte & 0x80 == 0 { Self { low: bit, high: 0 } } else { Self { low: 0, high: bit } }
    }
}

/// One protocol of the family.
#[derive(Debug)]
pub struct Protocol {
    /// The application's word in flow lines: lower case, `tls`, `ssh`.
    pub name: &'static str,
    /// Where it runs.
    pub transport: Transport,
    /// Ports where it is at home: they decide the order in which probes are tried, and nothing else.
    pub ports: &'static [u16],
    /// What it may begin with: it is not asked about anything else.
    pub first: First,
    /// Looks at the first bytes of one end (of one datagram for UDP). Must be cheap and exact: a `Yes` ends the search.
    pub probe: fn(first: &[u8], side: Side) -> Guess,
    /// Opens a reader for one flow.
    pub open: fn() -> Box<dyn Dissector>,
}

/// What a dissector wants next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Next {
    /// More bytes.
    More,
    /// Nothing: no later byte can change what was read (RULES 24).
    Settled,
    /// Nothing: the bytes are not (or no longer) this protocol. What was read so far stands.
    Broken,
    /// The rest of the flow is another protocol: after STARTTLS, CONNECT, SOCKS, an upgrade.
    Switch(Switch),
}

/// How a flow goes on as another protocol.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Switch {
    /// The protocol that must follow by name (`tls` after STARTTLS); `None` to probe anew.
    pub to: Option<&'static str>,
    /// Bytes already given to this dissector that belong to the inner protocol: opener's, answerer's.
    pub rest: [Vec<u8>; 2],
}

/// The reader of one flow's bytes. It buffers what it needs, bounded by `model::limits`, and never panics.
pub trait Dissector: Send {
    /// The next bytes of one end: for TCP in sequence and without gaps, cut anywhere; for UDP one datagram.
    fn bytes(&mut self, bytes: &[u8], side: Side, notes: &mut Notes<'_>) -> Next;

    /// `missing` bytes of one end were never seen; what follows lies behind the hole. The default gives up on names.
    fn gap(&mut self, _missing: u64, _side: Side, _notes: &mut Notes<'_>) -> Next {
        Next::Broken
    }

    /// The flow is over: whatever was begun and not finished is noted now.
    fn finish(&mut self, _notes: &mut Notes<'_>) {}

    /// The flow is over, and an upgrade was asked for whose answer was never seen: what the asking end sent after it.
    ///
    /// Called before [`Self::finish`]. An unseen answer counts as a yes (RULES 32), so these bytes are read as the
    /// inner protocol's.
    fn unanswered(&mut self) -> Option<Switch> {
        None
    }
}
