//! For tests: the policies under `fixtures/policies`, whole or with a few words changed.

use std::{io, path::Path};

use super::{Diagnostic, Policy, load};
use crate::ground::{calendar::parse_stamp, model::time::Timestamp};

const FILES: &[(&str, &str)] = &[
    ("parts/prefecture.toml", include_str!("../../../fixtures/policies/parts/prefecture.toml")),
    ("minato_alpha.toml", include_str!("../../../fixtures/policies/minato_alpha.toml")),
    ("minato_alpha_prime_a.toml", include_str!("../../../fixtures/policies/minato_alpha_prime_a.toml")),
    ("minato_alpha_prime_i.toml", include_str!("../../../fixtures/policies/minato_alpha_prime_i.toml")),
    ("minato_alpha_prime_u.toml", include_str!("../../../fixtures/policies/minato_alpha_prime_u.toml")),
    ("minato_beta.toml", include_str!("../../../fixtures/policies/minato_beta.toml")),
    ("minato_beta_prime.toml", include_str!("../../../fixtures/policies/minato_beta_prime.toml")),
];

pub(super) type Loaded = Result<(Policy, Vec<Diagnostic>), Vec<Diagnostic>>;

/// Loads a policy of the imaginary city after replacing words in its main file; each must be there.
pub(super) fn changed(name: &str, changes: &[(&str, &str)]) -> Loaded {
    load(Path::new(name), &mut |path| {
        let found = FILES.iter().find(|(known, _)| Path::new(known) == path);
        let mut text = found.ok_or(io::ErrorKind::NotFound)?.1.to_owned();
        if path != Path::new(name) {
            return Ok(text.into_bytes());
        }
        for (from, to) in changes {
            assert!(text.contains(from), "{name} has no {from:?}");
            text = text.replacen(from, to, 1);
        }
        Ok(text.into_bytes())
    })
}

/// Loads a policy of the imaginary city, which must be free of errors.
pub(super) fn twin(name: &str) -> Policy {
    match changed(name, &[]) {
        Ok((policy, _)) => policy,
        Err(faults) => panic!("{}", super::render_all(&faults, crate::ground::model::lang::Lang::En, false)),
    }
}

/// The codes of diagnostics, in order.
pub(super) fn codes(diagnostics: &[Diagnostic]) -> Vec<&'static str> {
    diagnostics.iter().map(|diagnostic| diagnostic.code).collect()
}

/// A moment by its RFC 3339 text.
pub(super) fn at(text: &str) -> Timestamp {
    parse_stamp(text).unwrap()
}
