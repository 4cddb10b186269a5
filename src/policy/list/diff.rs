//! Two states of a list: what came, what went, what became wider.

use std::collections::{BTreeMap, BTreeSet};

use super::{Blocks, Finding, List, lint};
use crate::ground::model::{address::Prefix, limits::LIST_PLACES_MAX, pattern::NamePattern};

/// What a new list has that the old one had not, and the other way round. Blocks are compared by their addresses: two
/// halves instead of the whole are no difference.
#[derive(Clone, Debug)]
pub struct Difference {
    /// Names only the new one has.
    pub names_added: Vec<NamePattern>,
    /// Names only the old one has.
    pub names_removed: Vec<NamePattern>,
    /// Addresses only the new one has.
    pub blocks_added: Blocks,
    /// Addresses only the old one has.
    pub blocks_removed: Blocks,
    /// Entries that hold old ones and more.
    pub wider: Vec<Wider>,
    /// Traps that the old one had not.
    pub traps: Vec<Finding>,
}

/// An entry of the new list that holds entries of the old one, and more than they did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wider {
    /// The old entries: the first of them.
    pub from: Vec<String>,
    /// How many they are.
    pub count: usize,
    /// The new one.
    pub to: String,
}

impl Difference {
    /// Compares two lists.
    #[must_use]
    pub fn new(old: &List, new: &List) -> Self {
        let (old_names, new_names) = (old.all_names(), new.all_names());
        let (old_blocks, new_blocks) = (old.addresses(), new.addresses());
        let names_added = only(&new_names, &old_names);
        let mut wider = wider_names(&old_names, &names_added);
        wider.extend(wider_blocks(&old.all_blocks(), &old_blocks, &new.all_blocks()));
        let before: BTreeSet<_> =
            lint(old).into_iter().map(|finding| (finding.rule.code, finding.subject)).collect();
        let mut traps = lint(new);
        traps.retain(|finding| !before.contains(&(finding.rule.code, finding.subject.clone())));
        Self {
            names_removed: only(&old_names, &new_names),
            names_added,
            blocks_added: new_blocks.minus(&old_blocks),
            blocks_removed: old_blocks.minus(&new_blocks),
            wider,
            traps,
        }
    }

    /// True when both lists allow the same.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.names_added.is_empty()
            && self.names_removed.is_empty()
            && self.blocks_added.is_empty()
            && self.blocks_removed.is_empty()
    }
}

/// Those of the one that the other has not; both are sorted.
fn only(one: &[NamePattern], other: &[NamePattern]) -> Vec<NamePattern> {
    one.iter().filter(|name| other.binary_search(name).is_err()).cloned().collect()
}

/// The labels from the right, each with a dot behind it: names below another begin with it.
fn reversed(name: &NamePattern) -> Vec<u8> {
    name.base().labels().flat_map(|label| label.iter().copied().chain([b'.'])).collect()
}

fn wider_names(old: &[NamePattern], added: &[NamePattern]) -> Vec<Wider> {
    let mut by_labels: BTreeMap<Vec<u8>, Vec<&NamePattern>> = BTreeMap::new();
    for name in old {
        by_labels.entry(reversed(name)).or_default().push(name);
    }
    let mut found = Vec::new();
    for name in added.iter().filter(|name| name.is_wildcard()) {
        let base = reversed(name);
        let below = by_labels.range(base.clone()..).take_while(|(labels, _)| labels.starts_with(&base));
        // `*.cloud.example` holds `a.cloud.example` and `*.a.cloud.example`, and `cloud.example` not.
        let held = below.filter(|(labels, _)| **labels != base).flat_map(|(_, names)| names);
        found.extend(wider(held.map(ToString::to_string), name.to_string()));
    }
    found
}

fn wider_blocks(old: &[Prefix], addresses: &Blocks, new: &[Prefix]) -> Vec<Wider> {
    let mut found = Vec::new();
    for block in new.iter().filter(|block| addresses.touches(block) && !addresses.holds(block)) {
        // Sorted by their first address: those inside stand together.
        let from = old.partition_point(|known| known.addr() < block.addr());
        let held = old[from..].iter().take_while(|known| block.contains(known.addr()));
        found.extend(wider(held.map(ToString::to_string), block.to_string()));
    }
    found
}

fn wider(held: impl Iterator<Item = String>, to: String) -> Option<Wider> {
    let (mut from, mut count) = (Vec::new(), 0);
    for held in held {
        count += 1;
        if from.len() < LIST_PLACES_MAX {
            from.push(held);
        }
    }
    (count > 0).then_some(Wider { from, count, to })
}
