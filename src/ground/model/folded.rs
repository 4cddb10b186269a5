//! What a flow showed about itself, folded small for as long as nobody reads on: a crowd of settled flows is held in this
//! form.

use super::{
    cause::Causes,
    field::Field,
    identity::{Basis, Identity, Marks, Target},
    key::Side,
    name::{HostName, Malformed},
    observation::{Observation, Value},
    packet::Ordinal,
    sighting::Sighting,
};

/// An [`Identity`] in some 60 bytes and 14 for each fact beside its text.
#[derive(Debug)]
pub struct Folded {
    app: &'static str,
    /// The facts one behind the other: field, flags, layer, fault of a name, frame (8), length (2), bytes.
    facts: Box<[u8]>,
    rare: Option<Box<Rare>>,
    marks: Marks,
    lost: u32,
    basis: Basis,
    client: Option<Side>,
}

/// What few flows have.
#[derive(Debug)]
struct Rare {
    inner_apps: Vec<&'static str>,
    targets: Vec<Target>,
    sightings: Vec<Sighting>,
    causes: Causes,
    /// All facts, where one of them is more than a name or a text.
    observations: Vec<Observation>,
}

const FROM_ANSWERER: u8 = 1;
const IS_VARIANT: u8 = 1 << 1;
const IS_NAME: u8 = 1 << 2;
const FACT_HEAD_LEN: usize = 14;

/// Faults by their number in the folded form.
const FAULTS: [Option<Malformed>; 6] = [
    None,
    Some(Malformed::Empty),
    Some(Malformed::TooLong),
    Some(Malformed::Label),
    Some(Malformed::Byte),
    Some(Malformed::IpLiteral),
];

impl Folded {
    /// Folds.
    #[must_use]
    pub fn new(identity: Identity) -> Self {
        let Identity { app, basis, marks, lost, client, .. } = identity;
        let Identity { inner_apps, observations, targets, sightings, causes, .. } = identity;
        let (facts, observations) = match fold(&observations) {
            Some(facts) => (facts.into(), Vec::new()),
            None => (Box::default(), observations),
        };
        let is_plain = inner_apps.is_empty()
            && targets.is_empty()
            && sightings.is_empty()
            && causes.is_empty()
            && observations.is_empty();
        let rare =
            (!is_plain).then(|| Box::new(Rare { inner_apps, targets, sightings, causes, observations }));
        Self { app, facts, rare, marks, lost, basis, client }
    }

    /// Gives back what was folded.
    #[must_use]
    pub fn unfold(self) -> Identity {
        let mut identity = Identity::default();
        (identity.app, identity.basis, identity.marks) = (self.app, self.basis, self.marks);
        let mut rest = &*self.facts;
        while let Some((fact, behind)) = unfold(rest) {
            identity.add(fact);
            rest = behind;
        }
        if let Some(rare) = self.rare {
            rare.observations.into_iter().for_each(|fact| identity.add(fact));
            identity.inner_apps = rare.inner_apps;
            identity.targets = rare.targets;
            identity.sightings = rare.sightings;
            identity.causes = rare.causes;
        }
        identity.lost = self.lost;
        identity.client = self.client;
        identity
    }
}

/// `None` where a fact does not fit the form.
fn fold(facts: &[Observation]) -> Option<Vec<u8>> {
    let len = |fact: &Observation| bytes_of(&fact.value).map(|bytes| FACT_HEAD_LEN + bytes.len());
    let mut folded = Vec::with_capacity(facts.iter().map(len).sum::<Option<usize>>()?);
    for fact in facts {
        let bytes = bytes_of(&fact.value)?;
        let (is_name, fault) = match &fact.value {
            Value::Name(name) => (true, FAULTS.iter().position(|fault| *fault == name.malformed())?),
            _ => (false, 0),
        };
        let flags = if fact.side == Side::Answerer { FROM_ANSWERER } else { 0 }
            | if fact.variant { IS_VARIANT } else { 0 }
            | if is_name { IS_NAME } else { 0 };
        folded.extend_from_slice(&[fact.field as u8, flags, fact.layer, fault as u8]);
        folded.extend_from_slice(&fact.at.0.to_le_bytes());
        folded.extend_from_slice(&u16::try_from(bytes.len()).ok()?.to_le_bytes());
        folded.extend_from_slice(bytes);
    }
    Some(folded)
}

fn bytes_of(value: &Value) -> Option<&[u8]> {
    match value {
        Value::Name(name) => Some(name.bytes()),
        Value::Text(text) => Some(text),
        Value::Target { .. } | Value::Answer { .. } => None,
    }
}

/// The first fact, and what stands behind it.
fn unfold(facts: &[u8]) -> Option<(Observation, &[u8])> {
    let (&[field, flags, layer, fault], rest) = facts.split_first_chunk()?;
    let (at, rest) = rest.split_first_chunk()?;
    let (len, rest) = rest.split_first_chunk()?;
    let (bytes, rest) = rest.split_at_checked(usize::from(u16::from_le_bytes(*len)))?;
    let value = if flags & IS_NAME == 0 {
        Value::Text(bytes.into())
    } else {
        Value::Name(HostName::as_kept(bytes, *FAULTS.get(usize::from(fault))?))
    };
    let fact = Observation {
        field: *Field::ALL.get(usize::from(field))?,
        value,
        at: Ordinal(u64::from_le_bytes(*at)),
        side: if flags & FROM_ANSWERER == 0 { Side::Opener } else { Side::Answerer },
        layer,
        variant: flags & IS_VARIANT != 0,
    };
    Some((fact, rest))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::ground::model::{
        cause::Cause,
        identity::{Answer, Notes, TargetKind},
        time::Timestamp,
    };

    fn tls() -> Identity {
        let mut identity = Identity::default();
        (identity.app, identity.basis) = ("tls", Basis::Parsed);
        identity
    }

    fn fact() -> impl Strategy<Value = Observation> {
        let raw = prop::collection::vec(prop::sample::select(&b"a.\0:5[]-A"[..]), 0..40);
        let kind = (any::<prop::sample::Index>(), any::<bool>(), 0u8..9, any::<bool>());
        (raw, any::<u8>(), any::<u64>(), kind).prop_map(|(raw, what, at, (field, up, layer, variant))| {
            let value = match what {
                0 => Value::Target { host: HostName::new(&raw), port: Some(443) },
                1..128 => Value::Text(raw.into()),
                _ => Value::Name(HostName::new(&raw)),
            };
            let field = Field::ALL[field.index(Field::ALL.len())];
            let side = if up { Side::Opener } else { Side::Answerer };
            Observation { field, value, at: Ordinal(at), side, layer, variant }
        })
    }

    proptest! {
        #[test]
        fn what_is_folded_comes_back_as_it_was(
            facts in prop::collection::vec(fact(), 0..40),
            marks in any::<u32>(),
            (client, lost, is_rare) in any::<(Option<bool>, u32, bool)>(),
        ) {
            let mut identity = tls();
            facts.into_iter().for_each(|fact| identity.add(fact));
            identity.marks = Marks(marks);
            identity.lost = lost;
            identity.client = client.map(|up| if up { Side::Opener } else { Side::Answerer });
            if is_rare {
                let mut notes = Notes::new(&mut identity, Ordinal(1), Timestamp::default());
                notes.target(TargetKind::Connect, HostName::new(b"a.example"), Some(443));
                notes.answer(0, Answer::Accepted);
                notes.cause(Cause::NameMismatch, "connect/sni");
                identity.inner_apps.push("tls");
            }
            let folded = Folded::new(identity.clone());
            prop_assert_eq!(folded.unfold(), identity);
        }
    }

    #[test]
    fn a_usual_flow_folds_into_less_than_half_of_what_a_settled_flow_may_take() {
        let mut identity = tls();
        let mut notes = Notes::new(&mut identity, Ordinal(1), Timestamp::default());
        notes.name(Field::Sni, b"meeting.cloud.example", Side::Opener);
        let folded = Folded::new(identity);
        assert!(size_of::<Folded>() + folded.facts.len() <= 128 && folded.rare.is_none());
    }
}
