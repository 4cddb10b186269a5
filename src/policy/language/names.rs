//! Names to destinations: a walk from the right, label by label, one hash look-up each.

use foldhash::fast::FixedState;
use std::hash::{BuildHasher, Hasher};

use super::item::DestinationIndex;
use crate::ground::model::{name::HostName, pattern::NamePattern};

/// All names of all destinations.
///
/// The walk costs one probe per label, however many names there are, and stops at the first label that no name has.
/// The table is filled from the policy only and at most half full; a name from a stranger adds nothing to it, so a
/// fixed seed does: the worst such a name can do is to run over the longest cluster that the policy itself made.
#[derive(Debug)]
pub(super) struct NameTree {
    nodes: Vec<Node>,
    /// Open addressing: node numbers, [`EMPTY`] where there is none. The length is a power of two.
    slots: Vec<u32>,
    hasher: FixedState,
}

#[derive(Debug, Default)]
struct Node {
    parent: u32,
    label: Box<[u8]>,
    /// Destinations that list exactly this name.
    exact: Vec<DestinationIndex>,
    /// Destinations that list all names below this one.
    below: Vec<DestinationIndex>,
}

const ROOT: u32 = 0;
const EMPTY: u32 = u32::MAX;

impl NameTree {
    pub(super) fn new<'a>(entries: impl IntoIterator<Item = (&'a NamePattern, DestinationIndex)>) -> Self {
        let root = Node { parent: EMPTY, ..Node::default() };
        let mut tree = Self { nodes: vec![root], slots: vec![EMPTY; 16], hasher: FixedState::with_seed(0) };
        for (pattern, destination) in entries {
            let node = tree.grow(pattern.base());
            let list = if pattern.is_wildcard() { &mut node.below } else { &mut node.exact };
            list.push(destination);
        }
        tree
    }

    /// The destinations that list the name, each once, in the order of the files; none for a malformed name.
    pub(super) fn find(&self, name: &HostName) -> Vec<DestinationIndex> {
        let mut found = Vec::new();
        if name.malformed().is_some() {
            return found;
        }
        let mut here = Some(ROOT);
        for label in name.labels() {
            let Some(parent) = here else { break };
            found.extend_from_slice(&self.nodes[parent as usize].below);
            here = self.child(parent, label).ok();
        }
        if let Some(node) = here {
            found.extend_from_slice(&self.nodes[node as usize].exact);
        }
        // One destination can list a name by several patterns.
        found.sort_unstable();
        found.dedup();
        found
    }

    /// The child with this label, or the free slot where it would stand.
    fn child(&self, parent: u32, label: &[u8]) -> Result<u32, usize> {
        let mask = self.slots.len() - 1;
        let mut slot = self.hash(parent, label) & mask;
        loop {
            match self.slots[slot] {
                EMPTY => return Err(slot),
                number => {
                    let node = &self.nodes[number as usize];
                    if node.parent == parent && *node.label == *label {
                        return Ok(number);
                    }
                }
            }
            slot = (slot + 1) & mask;
        }
    }

    fn hash(&self, parent: u32, label: &[u8]) -> usize {
        let mut hasher = self.hasher.build_hasher();
        hasher.write_u32(parent);
        hasher.write(label);
        hasher.finish() as usize
    }

    fn grow(&mut self, name: &HostName) -> &mut Node {
        let mut here = ROOT;
        for label in name.labels() {
            here = match self.child(here, label) {
                Ok(child) => child,
                Err(slot) => {
                    let number =
                        u32::try_from(self.nodes.len()).expect("fewer labels than bytes of a policy file");
                    self.nodes.push(Node { parent: here, label: label.into(), ..Node::default() });
                    self.slots[slot] = number;
                    self.make_room();
                    number
                }
            };
        }
        &mut self.nodes[here as usize]
    }

    /// Keeps the table at most half full.
    fn make_room(&mut self) {
        if self.nodes.len() * 2 <= self.slots.len() {
            return;
        }
        self.slots = vec![EMPTY; self.slots.len() * 2];
        for number in 1..self.nodes.len() {
            let (parent, label) = (self.nodes[number].parent, self.nodes[number].label.clone());
            if let Err(slot) = self.child(parent, &label) {
                self.slots[slot] = number as u32;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> HostName {
        HostName::new(text.as_bytes())
    }

    fn tree(patterns: &[&str]) -> NameTree {
        let patterns: Vec<_> = patterns.iter().map(|text| NamePattern::new(text).unwrap()).collect();
        NameTree::new((0..).zip(&patterns).map(|(number, pattern)| (pattern, DestinationIndex(number))))
    }

    fn found(tree: &NameTree, text: &str) -> Vec<u16> {
        tree.find(&name(text)).into_iter().map(|index| index.0).collect()
    }

    #[test]
    fn a_wildcard_holds_below_its_name_and_the_name_itself_does_not() {
        let tree = tree(&["*.cloud.example", "meet.cloud.example", "cloud.example", "*.b.cloud.example"]);
        assert_eq!(found(&tree, "meet.cloud.example"), [0, 1]);
        assert_eq!(found(&tree, "cloud.example"), [2]);
        assert_eq!(found(&tree, "a.b.cloud.example"), [0, 3]);
        assert!(found(&tree, "evilcloud.example").is_empty());
        assert!(found(&tree, "example").is_empty());
    }

    #[test]
    fn a_malformed_name_is_listed_by_nothing() {
        let tree = tree(&["*.example", "a.example"]);
        for text in ["a..example", ".a.example", "a b.example", "a.example:443", ""] {
            assert!(found(&tree, text).is_empty(), "{text}");
        }
    }

    #[test]
    fn ten_thousand_names_answer_as_a_plain_scan_does() {
        let texts: Vec<String> = (0..10_000)
            .map(|n| match n % 4 {
                0 => format!("*.z{}.cloud.example", n % 400),
                1 => format!("h{n}.z{}.cloud.example", n % 300),
                2 => format!("a{}.b{}.example", n % 100, n % 77),
                _ => format!("*.b{}.example", n % 90),
            })
            .collect();
        let patterns: Vec<_> = texts.iter().map(|text| NamePattern::new(text).unwrap()).collect();
        let tree = NameTree::new((0..).zip(&patterns).map(|(n, pattern)| (pattern, DestinationIndex(n))));
        let probes = (0..400).flat_map(|n| {
            [
                format!("x.z{n}.cloud.example"),
                format!("h{}.z{}.cloud.example", n * 4 + 1, (n * 4 + 1) % 300),
                format!("a{}.b{}.example", n % 100, n % 77),
                format!("deep.er.b{n}.example"),
            ]
        });
        let mut matched = 0;
        for probe in probes {
            let host = name(&probe);
            let expected: Vec<u16> =
                (0..).zip(&patterns).filter(|(_, pattern)| pattern.matches(&host)).map(|(n, _)| n).collect();
            let mut seen = found(&tree, &probe);
            seen.sort_unstable();
            assert_eq!(seen, expected, "{probe}");
            matched += usize::from(!seen.is_empty());
        }
        assert!(matched > 500, "the probes must hit: {matched}");
    }
}
