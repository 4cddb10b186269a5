//! Why a verdict is not better than it is: the closed list of RULES 31.

/// Parts of a flow that a channel's decision can rest on. A cause lifts a verdict only where it touches one (RULES 8).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Touch(pub u8);

impl Touch {
    /// Recorded only: lifts nothing by itself.
    pub const NOTHING: Self = Self(0);
    /// Which ends talked.
    pub const ADDRESS: Self = Self(1);
    /// Which service it was.
    pub const PORT: Self = Self(1 << 1);
    /// Who opened it.
    pub const DIRECTION: Self = Self(1 << 2);
    /// What name was asked for.
    pub const NAME: Self = Self(1 << 3);
    /// Whether it was encrypted, and which protocol it spoke.
    pub const ENCRYPTION: Self = Self(1 << 4);
    /// Which line it took.
    pub const PATH: Self = Self(1 << 5);
    /// How much and when.
    pub const LIMIT: Self = Self(1 << 6);
    /// Whatever the decision rests on.
    pub const ALL: Self = Self(0x7f);

    /// True when the two share a part.
    #[must_use]
    pub const fn meets(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    /// Both together.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

macro_rules! causes {
    ($($(#[doc = $doc:literal])+ $name:ident = $code:literal touches $touch:expr;)+) => {
        /// A reason code. Codes are bare words; an argument stands beside it in [`CauseNote`].
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Cause { $($(#[doc = $doc])+ $name,)+ }

        impl Cause {
            /// Every cause, in the order of reports.
            pub const ALL: &'static [Self] = &[$(Self::$name,)+];

            /// The code in JSON and reports.
            #[must_use]
            pub const fn code(self) -> &'static str {
                match self { $(Self::$name => $code,)+ }
            }

            /// What it casts doubt on.
            #[must_use]
            pub const fn touches(self) -> Touch {
                match self { $(Self::$name => $touch,)+ }
            }
        }
    };
}

causes! {
    /// The same stream bytes came twice with different content.
    OverlapConflict = "overlap_conflict" touches Touch::NAME.and(Touch::ENCRYPTION);
    /// Bytes that the peer acknowledged were never seen.
    GapAcked = "gap_acked" touches Touch::NAME.and(Touch::ENCRYPTION);
    /// Bytes are missing and nobody acknowledged them.
    GapUnacked = "gap_unacked" touches Touch::NAME.and(Touch::ENCRYPTION);
    /// The capture cut bytes off that would have been read.
    Snaplen = "snaplen" touches Touch::NAME.and(Touch::ENCRYPTION);
    /// Only one direction was seen.
    OneWay = "one_way" touches Touch::ALL;
    /// The beginning was not seen.
    Midstream = "midstream" touches Touch::DIRECTION.and(Touch::NAME);
    /// Bytes came only in packets with a wrong checksum.
    BadChecksum = "bad_checksum" touches Touch::NAME.and(Touch::ENCRYPTION);
    /// A packet whose TTL suggests that it never reached the peer carried data.
    LowTtlSuspect = "low_ttl_suspect" touches Touch::NAME.and(Touch::ENCRYPTION);
    /// Data outside the window the receiver accepts.
    OutOfWindow = "out_of_window" touches Touch::NAME.and(Touch::ENCRYPTION);
    /// Urgent data inside the bytes that were read.
    UrgentData = "urgent_data" touches Touch::NAME.and(Touch::ENCRYPTION);
    /// A fragment is missing.
    FragIncomplete = "frag_incomplete" touches Touch::ALL;
    /// Fragments overlapped.
    FragOverlap = "frag_overlap" touches Touch::ALL;
    /// ECH or ESNI was offered: the visible name may be a cover.
    EchOuterOnly = "ech_outer_only" touches Touch::NAME;
    /// No name was sent where one is needed.
    NoSni = "no_sni" touches Touch::NAME;
    /// A name that is not a host name.
    SniMalformed = "sni_malformed" touches Touch::NAME;
    /// Several names in one hello.
    SniMultiple = "sni_multiple" touches Touch::NAME;
    /// Two layers name two hosts; the argument says which.
    NameMismatch = "name_mismatch" touches Touch::NAME;
    /// A QUIC Initial that could not be opened.
    QuicUndecryptable = "quic_undecryptable" touches Touch::NAME.and(Touch::ENCRYPTION);
    /// A QUIC version without known keys.
    QuicUnknownVersion = "quic_unknown_version" touches Touch::NAME.and(Touch::ENCRYPTION);
    /// QUIC CRYPTO bytes came twice with different content.
    CryptoOverlap = "crypto_overlap" touches Touch::NAME.and(Touch::ENCRYPTION);
    /// The port promises another protocol than the bytes show.
    NotTheExpectedProtocol = "not_the_expected_protocol" touches Touch::ALL;
    /// The flow is itself a tunnel; the argument names the kind.
    Tunnel = "tunnel" touches Touch::ALL;
    /// More layers than are opened.
    DepthLimit = "depth_limit" touches Touch::ALL;
    /// A parser reached its bound before the end.
    ParserLimit = "parser_limit" touches Touch::NAME.and(Touch::ENCRYPTION);
    /// A parser failed; the flow is not decided by what it read before.
    ParserPanic = "parser_panic" touches Touch::ALL;
    /// Memory ran out and the flow was written before its end.
    ResourceEvicted = "resource_evicted" touches Touch::ALL;
    /// The VLAN belongs to neither end's segment.
    VlanSegmentMismatch = "vlan_segment_mismatch" touches Touch::ALL;
    /// One address came from several link addresses inside the flow.
    MacChange = "mac_change" touches Touch::NOTHING;
    /// The input was damaged while the flow lasted; the argument is the offset.
    InputDamaged = "input_damaged" touches Touch::ALL;
    /// Stamps went backwards, jumped or lie outside any calendar.
    TimeAnomaly = "time_anomaly" touches Touch::NOTHING;
    /// The program itself dropped packets of this flow.
    CaptureDrop = "capture_drop" touches Touch::ALL;
    /// An end lies in no segment and no zone.
    UnknownAddress = "unknown_address" touches Touch::ALL;
    /// Several channels fit and the packets do not say which.
    AmbiguousChannel = "ambiguous_channel" touches Touch::ALL;
    /// Several segments fit an address and the packets do not say which.
    AmbiguousSegment = "ambiguous_segment" touches Touch::ALL;
    /// The channel asks for a line, and no sensor told which line it was.
    PathUnseen = "path_unseen" touches Touch::PATH;
    /// A volume, hours or download limit of the channel was passed.
    LimitExceeded = "limit_exceeded" touches Touch::LIMIT;
    /// The clock stood within two minutes of a border between two rules that differ.
    EpochBoundary = "epoch_boundary" touches Touch::ALL;
    /// A proxy was asked for a target that cannot be read.
    ProxyTargetHidden = "proxy_target_hidden" touches Touch::ALL;
    /// No policy was valid at that time.
    NoPolicyInForce = "no_policy_in_force" touches Touch::ALL;
}

/// A cause with its argument: `name_mismatch` `connect/sni`, `tunnel` `wireguard`. Empty when there is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct CauseNote<'a> {
    /// The code.
    pub cause: Cause,
    /// What it is about, in words of this program only: nothing a stranger sent.
    pub argument: &'a str,
}

/// The causes of one flow: each code once, the first argument kept, in the order of [`Cause::ALL`].
///
/// Most flows have none or one, and few causes have an argument: a set of bits, and the arguments apart.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Causes {
    /// Bit n stands for the n-th of [`Cause::ALL`].
    set: u64,
    /// The arguments that are not empty, in the order of causes.
    arguments: Vec<(Cause, Box<str>)>,
}

const _: () = assert!(Cause::ALL.len() <= u64::BITS as usize, "every cause has its bit");

impl Causes {
    /// Adds a cause without an argument.
    pub const fn add(&mut self, cause: Cause) {
        self.set |= bit(cause);
    }

    /// Adds a cause; a second argument for the same code is not kept.
    pub fn add_with(&mut self, cause: Cause, argument: &str) {
        if self.has(cause) {
            return;
        }
        self.add(cause);
        if argument.is_empty() {
            return;
        }
        if let Err(place) = self.arguments.binary_search_by_key(&cause, |(known, _)| *known) {
            self.arguments.insert(place, (cause, argument.into()));
        }
    }

    /// Adds all of `other`.
    pub fn merge(&mut self, other: &Self) {
        for (cause, argument) in &other.arguments {
            self.add_with(*cause, argument);
        }
        self.set |= other.set;
    }

    /// True when the code is there.
    #[must_use]
    pub const fn has(&self, cause: Cause) -> bool {
        self.set & bit(cause) != 0
    }

    /// All of them, in order.
    pub fn iter(&self) -> impl Iterator<Item = CauseNote<'_>> {
        self.iter_with(self)
    }

    /// All of both, in order; of a code that both have, this one's argument.
    pub fn iter_with<'a>(&'a self, other: &'a Self) -> impl Iterator<Item = CauseNote<'a>> {
        let mut left = self.set | other.set;
        std::iter::from_fn(move || {
            let cause = *Cause::ALL.get(left.trailing_zeros() as usize)?;
            left &= left - 1;
            let noted = if self.has(cause) { self } else { other };
            let argument = noted.arguments.iter().find(|(known, _)| *known == cause);
            Some(CauseNote { cause, argument: argument.map_or("", |(_, argument)| argument) })
        })
    }

    /// True when there is none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.set == 0
    }

    /// The codes alone, bit n for the n-th of [`Cause::ALL`].
    #[must_use]
    pub const fn bits(&self) -> u64 {
        self.set
    }
}

const fn bit(cause: Cause) -> u64 {
    1 << cause as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_cause_stands_once_with_its_first_argument_and_in_fixed_order() {
        let mut causes = Causes::default();
        causes.add_with(Cause::Tunnel, "wireguard");
        causes.add(Cause::NoSni);
        causes.add_with(Cause::Tunnel, "openvpn");
        let seen: Vec<_> = causes.iter().map(|note| (note.cause.code(), note.argument)).collect();
        assert_eq!(seen, [("no_sni", ""), ("tunnel", "wireguard")]);
    }

    #[test]
    fn what_is_merged_keeps_the_argument_that_came_first_even_where_it_is_none() {
        let mut causes = Causes::default();
        causes.add(Cause::Tunnel);
        let mut others = Causes::default();
        others.add_with(Cause::Tunnel, "openvpn");
        others.add_with(Cause::NameMismatch, "sni/host");
        let codes = |note: CauseNote<'_>| (note.cause.code(), note.argument.to_owned());
        let side_by_side: Vec<_> = causes.iter_with(&others).map(codes).collect();
        causes.merge(&others);
        let merged: Vec<_> = causes.iter().map(codes).collect();
        assert_eq!(merged, [("name_mismatch", "sni/host".to_owned()), ("tunnel", String::new())]);
        assert_eq!(side_by_side, merged);
        assert!(Cause::ALL.iter().zip(0..).all(|(cause, place)| *cause as u64 == place));
    }

    #[test]
    fn codes_are_bare_words_and_none_is_used_twice() {
        let mut codes: Vec<_> = Cause::ALL.iter().map(|cause| cause.code()).collect();
        assert!(codes.iter().all(|code| code.bytes().all(|b| b.is_ascii_lowercase() || b == b'_')));
        codes.sort_unstable();
        codes.dedup();
        assert_eq!(codes.len(), Cause::ALL.len());
    }
}
