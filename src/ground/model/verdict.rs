//! The five verdicts and how sure they are.

use std::sync::Arc;

use super::{
    cause::{Cause, CauseNote, Causes, Touch},
    finding::CheckId,
    time::Timestamp,
};

/// What a flow is, held against the policy. The order is that of RULES 11: a worse one always wins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Verdict {
    /// Same segment, link-local or link control: counted, never hidden.
    #[default]
    OutOfScope,
    /// A channel allows it and every condition was seen to hold.
    Conforming,
    /// Packets do not show enough; there is always a cause.
    Undecidable,
    /// Would violate, but was never answered: the control may have worked.
    Attempted,
    /// Established, and forbidden or allowed by nothing, or a condition was seen broken.
    Violating,
}

impl Verdict {
    /// All five, best first.
    pub const ALL: [Self; 5] =
        [Self::OutOfScope, Self::Conforming, Self::Undecidable, Self::Attempted, Self::Violating];

    /// The code in JSON.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::OutOfScope => "out-of-scope",
            Self::Conforming => "conforming",
            Self::Undecidable => "undecidable",
            Self::Attempted => "attempted",
            Self::Violating => "violating",
        }
    }

    /// Raises this verdict to at least `floor`; it never gets better.
    pub fn lift(&mut self, floor: Self) {
        *self = (*self).max(floor);
    }
}

/// How strong the weakest evidence is that a statement rests on (DOMAIN §0 rule 5, RULES 30).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Grade {
    /// Nothing.
    #[default]
    G0,
    /// An address only.
    G1,
    /// A name that the client claimed.
    G2,
    /// Name, and a DNS answer or the address list agrees.
    G3,
    /// A certificate agrees too; or addresses seen in both directions, where addresses are what counts.
    G4,
}

impl Grade {
    /// `G0` … `G4`.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::G0 => "G0",
            Self::G1 => "G1",
            Self::G2 => "G2",
            Self::G3 => "G3",
            Self::G4 => "G4",
        }
    }
}

/// One step of the judgement, for `policy explain`: what was asked and what came out (RULES 3).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// Which of the fixed steps.
    pub kind: StepKind,
    /// What was found, as data for the words: ids of the policy, addresses, codes.
    pub detail: String,
}

/// The steps of RULES 3, in their order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum StepKind {
    /// Policy and epoch in force at the packet's time.
    Force,
    /// Segment, zone or host of both ends.
    Ends,
    /// Link control, multicast and broadcast.
    Multicast,
    /// IPv6 where the policy denies it.
    Ipv6,
    /// Explicit prohibitions.
    Forbid,
    /// Targets named inside, and hops of `via`.
    Targets,
    /// Both ends in one segment.
    SameSegment,
    /// Channels and their conditions.
    Channels,
    /// What holds when nothing else does.
    Default,
    /// What the checks added.
    Checks,
}

/// What exactly was seen broken, or not seen at all: what the checks make findings of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FaultKind {
    /// IPv6 where the policy denies it.
    Ipv6,
    /// A prohibition holds.
    Forbidden,
    /// Nothing allows it.
    Unlisted,
    /// Only the opposite direction is allowed.
    Reversed,
    /// Only the opposite direction is allowed, and that as screen transfer.
    ScreenReversed,
    /// The destination is allowed, this service of it is not.
    PortUnlisted,
    /// The address is listed and a name was seen that is not.
    NameUnlisted,
    /// The name is listed and the address is not.
    AddressUnlisted,
    /// The address is listed and the name that is needed was not seen.
    NameUnseen,
    /// The channel asks for waypoints and the flow goes around them.
    Bypassed,
    /// The only channel that fits is out of its period.
    Expired,
    /// Cleartext where encryption is required.
    Cleartext,
    /// The name of another tenant.
    ForeignTenant,
    /// Seen on another line than the channel's.
    WrongPath,
    /// A certificate that the destination does not expect.
    Certificate,
    /// ECH with a sign that it is real: a known cover name, or a DNS answer that offers it.
    EchReal,
    /// DNS gave the server other names than the flow claims.
    DnsDisagrees,
}

/// A fault, of the flow itself or of one target named inside it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fault {
    /// What it is.
    pub kind: FaultKind,
    /// Which target (`Identity::targets`); `None` for the flow itself.
    pub target: Option<u16>,
}

/// The verdict of one flow with everything that explains it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Judgement {
    /// The verdict.
    pub verdict: Verdict,
    /// Why it is not better, and what weakened it without changing it.
    pub causes: Causes,
    /// Id of the channel that decided, where one did.
    pub channel: Option<Arc<str>>,
    /// Id of the prohibition that decided, where one did.
    pub forbid: Option<Arc<str>>,
    /// Grade of the fact the verdict rests on.
    pub grade: Grade,
    /// Segment or zone of the client; empty when unknown.
    pub segment_client: Arc<str>,
    /// Segment or zone of the server; empty when unknown.
    pub segment_server: Arc<str>,
    /// Checks that spoke about this flow, in order.
    pub findings: Vec<CheckId>,
    /// True inside a migration window (RULES 21).
    pub migrating: bool,
    /// What was seen broken, in order, each once.
    pub faults: Vec<Fault>,
    /// The parts of the flow that the decision rests on (RULES 8).
    pub rests: Touch,
    /// The moment whose rules decided (RULES 21).
    pub at: Timestamp,
    /// No answer was seen although the sensor sees the peer's direction: a violation is an attempt (RULES 11).
    pub unanswered: bool,
    /// The steps, only when they were asked for.
    pub steps: Vec<Step>,
}

impl Judgement {
    /// Raises the verdict to at least `floor` and records why.
    pub fn lift(&mut self, floor: Verdict, note: CauseNote<'_>) {
        self.verdict.lift(floor);
        self.causes.add_with(note.cause, note.argument);
    }

    /// Raises the verdict to at least undecidable for this cause.
    pub fn doubt(&mut self, cause: Cause, argument: &str) {
        self.verdict.lift(Verdict::Undecidable);
        self.causes.add_with(cause, argument);
    }

    /// Raises the verdict to violating, or to attempted where nobody answered.
    pub fn convict(&mut self, kind: FaultKind, target: Option<u16>) {
        self.verdict.lift(if self.unanswered { Verdict::Attempted } else { Verdict::Violating });
        self.fault(kind, target);
    }

    /// Notes a fault once; the verdict stays.
    pub fn fault(&mut self, kind: FaultKind, target: Option<u16>) {
        let fault = Fault { kind, target };
        if !self.faults.contains(&fault) {
            self.faults.push(fault);
        }
    }

    /// True when this fault was noted, of the flow or of a target.
    #[must_use]
    pub fn has(&self, kind: FaultKind) -> bool {
        self.faults.iter().any(|fault| fault.kind == kind)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_verdict_is_only_ever_made_worse() {
        let mut verdict = Verdict::Attempted;
        verdict.lift(Verdict::Conforming);
        assert_eq!(verdict, Verdict::Attempted);
        verdict.lift(Verdict::Violating);
        assert_eq!(verdict, Verdict::Violating);
        assert!(Verdict::ALL.windows(2).all(|pair| pair[0] < pair[1]));
    }
}
