//! The lint of DOMAIN §3.5. What it looks at is resolved; what it says points back into the files.

use super::{compiled::Objects, diagnostic::Diagnostic, document::Document};

/// Runs every rule.
pub(super) fn lint(_document: &Document, _objects: &Objects, _out: &mut Vec<Diagnostic>) {}
