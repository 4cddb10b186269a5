//! A list as every format gives it: names, blocks, the ports of its sets, and what could not be taken as it stood.

use std::{collections::BTreeMap, fmt};

use super::{Blocks, Format};
use crate::ground::{
    calendar::Day,
    model::{
        address::{BadAddress, Prefix, Service},
        lang::{Lang, Words},
        pattern::NamePattern,
    },
    words::run::grouped,
};

/// A list after reading.
#[derive(Clone, Debug)]
pub struct List {
    /// The format it was read in.
    pub format: &'static Format,
    /// The provider's own mark of this state of the list: changeNumber, syncToken, schema_version.
    pub version: Option<String>,
    /// The day the list says it is of.
    pub date: Option<Day>,
    /// What the list calls itself.
    pub title: Option<String>,
    /// Its sets; one for formats without sets.
    pub sets: Vec<Set>,
    /// Names, each once a set.
    pub names: Vec<Listed<NamePattern>>,
    /// Blocks, each once a set.
    pub blocks: Vec<Listed<Prefix>>,
    /// What was left out or read otherwise than it stood.
    pub remarks: Vec<Remark>,
    /// It was read by a selection.
    pub is_selected: bool,
    /// Some of its addresses are rented out, and another list says which.
    pub may_hold_rented: bool,
    /// Addresses that were taken away, when another list was taken away from this one.
    pub taken: Option<Blocks>,
}

/// Entries that a provider publishes together.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Set {
    /// As the provider names it (`id 11`); empty for formats without sets.
    pub label: String,
    /// The ports it tells; empty when it tells none.
    pub services: Vec<Service>,
    /// What stood in it, left out or not.
    pub(super) had: Halves,
}

/// A name or a block, and where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed<T> {
    /// The name or block.
    pub value: T,
    /// Where.
    pub place: Place,
    /// Its set, by its place in [`List::sets`].
    pub set: u32,
    /// Customers of the provider rent addresses here.
    pub is_rented: bool,
}

/// Where something stands in a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// A line of text, from 1.
    Line(u32),
    /// An element of a JSON array, from 0: `prefixes[3]`.
    Item(&'static str, u32),
    /// An element of an array inside one: `values[3].properties.addressPrefixes[0]`.
    Inner(&'static str, u32, &'static str, u32),
    /// An element of a set with a number of its own: `id 11, urls[2]`.
    Set(u32, &'static str, u32),
}

impl Place {
    /// For people.
    #[must_use]
    pub fn words(&self) -> Words {
        match self {
            Self::Line(line) => Words::new(format!("{line}行目"), format!("line {line}")),
            place => Words::new(place.to_string(), place.to_string()),
        }
    }
}

impl fmt::Display for Place {
    /// As a machine would find it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Line(line) => write!(f, "line {line}"),
            Self::Item(array, item) => write!(f, "{array}[{item}]"),
            Self::Inner(outer, number, array, item) => write!(f, "{outer}[{number}].{array}[{item}]"),
            Self::Set(id, array, item) => write!(f, "id {id}, {array}[{item}]"),
        }
    }
}

/// An entry that was left out, or read otherwise than it stood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remark {
    /// Where.
    pub place: Place,
    /// The entry, made safe to show and cut.
    pub shown: String,
    /// What about it.
    pub oddity: Oddity,
}

/// What is odd about an entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Oddity {
    /// A star behind the first dot. Left out: a policy has no such pattern.
    StarInside,
    /// A star that no dot follows. Left out: the name with a dot would be a wider one.
    StarWithoutDot,
    /// Everything, or every name of a top-level domain. Left out.
    Everything,
    /// A URL, or a name with a port; only its host was taken.
    HostOnly {
        /// The host.
        host: String,
        /// Names that cleartext is meant.
        is_http: bool,
    },
    /// Written otherwise than addresses and names are written: taken as this.
    Rewritten(String),
    /// It stands there twice in one set, or in several sets.
    Twice,
    /// Letters beyond ASCII. Left out: names are written as A-labels.
    NotAscii,
    /// No name and no block. Left out.
    Unreadable,
    /// An address that is no block. Left out.
    BadBlock(BadAddress),
    /// The entry says something else than to allow it directly. Left out.
    NotAllowed,
    /// A kind of entry that the format does not have. Left out.
    UnknownKind,
}

impl Oddity {
    /// True when nothing of the entry was taken.
    #[must_use]
    pub const fn is_left_out(&self) -> bool {
        !matches!(self, Self::HostOnly { .. } | Self::Rewritten(_) | Self::Twice)
    }

    /// What was done, and why.
    #[must_use]
    pub fn words(&self) -> Words {
        match self {
            Self::StarInside => Words::new(
                "除外: 星印が途中にあり、台帳では書けません",
                "left out: a star in the middle, which a policy cannot say",
            ),
            Self::StarWithoutDot => Words::new(
                "除外: 星印のあとに点がなく、台帳では書けません",
                "left out: a star without a dot, which a policy cannot say",
            ),
            Self::Everything => {
                Words::new("除外: ほぼすべての名前が入ります", "left out: it stands for almost every name")
            }
            Self::HostOnly { host, .. } => {
                Words::new(format!("ホスト名だけを採用: {host}"), format!("only its host was taken: {host}"))
            }
            Self::Rewritten(to) => {
                Words::new(format!("正しい書き方に変更: {to}"), format!("written properly: {to}"))
            }
            Self::Twice => Words::new("重複", "stands there more than once"),
            Self::NotAscii => Words::new(
                "除外: ASCII以外の文字があります(xn--… の形で書きます)",
                "left out: letters beyond ASCII (write the xn--… form)",
            ),
            Self::Unreadable => Words::new(
                "除外: 名前でもアドレス範囲でもありません",
                "left out: neither a name nor a block of addresses",
            ),
            Self::BadBlock(BadAddress::HostBits) => Words::new(
                "除外: 範囲の長さより後ろのビットが立っています",
                "left out: bits are set behind the prefix length",
            ),
            Self::BadBlock(_) => {
                Words::new("除外: アドレス範囲として読めません", "left out: not a block of addresses")
            }
            Self::NotAllowed => {
                Words::new("除外: actionがDIRECTではありません", "left out: its action is not DIRECT")
            }
            Self::UnknownKind => Words::new(
                "除外: この形式にない種類(type)です",
                "left out: a type that the format does not have",
            ),
        }
    }
}

/// Sets that can be one destination: they have the same halves and the same ports.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Group {
    /// The labels of its sets.
    pub labels: Vec<String>,
    /// Names, sorted, each once.
    pub names: Vec<NamePattern>,
    /// Blocks, sorted, none inside another.
    pub blocks: Vec<Prefix>,
    /// The ports that its sets tell.
    pub services: Vec<Service>,
}

impl List {
    /// Names, sorted, each once.
    #[must_use]
    pub fn all_names(&self) -> Vec<NamePattern> {
        sorted(self.names.iter().map(|listed| listed.value.clone()).collect())
    }

    /// Blocks, sorted, none inside another.
    #[must_use]
    pub fn all_blocks(&self) -> Vec<Prefix> {
        outermost(self.blocks.iter().map(|listed| listed.value).collect())
    }

    /// All ports that its sets tell; empty when one of them tells none.
    #[must_use]
    pub fn all_services(&self) -> Vec<Service> {
        if self.sets.iter().any(|set| set.services.is_empty()) {
            return Vec::new();
        }
        sorted(self.sets.iter().flat_map(|set| set.services.clone()).collect())
    }

    /// The addresses of its blocks.
    #[must_use]
    pub fn addresses(&self) -> Blocks {
        self.blocks.iter().map(|listed| listed.value).collect()
    }

    /// How many names, blocks and addresses, in words.
    #[must_use]
    pub fn amount(&self, lang: Lang) -> String {
        let (names, blocks) = (self.all_names().len(), self.all_blocks().len());
        let count = self.addresses().count();
        let (v4, v6) = (grouped(count.v4), grouped(count.v6_nets()));
        match lang {
            Lang::Ja => format!("名前{names}、範囲{blocks}(IPv4 {v4}アドレス、IPv6は/64で{v6}個分)"),
            Lang::En => {
                format!("{names} names, {blocks} blocks ({v4} addresses of IPv4, {v6} networks /64 of IPv6)")
            }
        }
    }

    /// What it comes to without these addresses.
    #[must_use]
    pub fn minus(mut self, other: &Blocks) -> Self {
        let before = self.addresses();
        let blocks = std::mem::take(&mut self.blocks);
        self.blocks = blocks
            .into_iter()
            .flat_map(|listed| {
                let left = other.cut(&listed.value).unwrap_or_else(|| vec![listed.value]);
                left.into_iter().map(move |value| Listed { value, ..listed.clone() })
            })
            .collect();
        self.taken = Some(before.minus(&self.addresses()));
        self
    }

    /// Which halves each of its sets has: names, blocks.
    pub(super) fn halves(&self) -> Vec<Halves> {
        let mut halves = vec![Halves::default(); self.sets.len()];
        for listed in &self.names {
            halves[listed.set as usize].names = true;
        }
        for listed in &self.blocks {
            halves[listed.set as usize].blocks = true;
        }
        halves
    }

    /// Which halves stood in the list, and are gone from it altogether.
    #[must_use]
    pub fn lost(&self) -> Halves {
        let had = |half: fn(&Halves) -> bool| self.sets.iter().any(|set| half(&set.had));
        Halves {
            names: self.names.is_empty() && had(|had| had.names),
            blocks: self.blocks.is_empty() && had(|had| had.blocks),
        }
    }

    /// Its sets in as few groups as can be one destination each, in the order of their first sets.
    #[must_use]
    pub fn groups(&self) -> Vec<Group> {
        let mut groups: Vec<Group> = Vec::new();
        let mut known = BTreeMap::new();
        let mut home = Vec::with_capacity(self.sets.len());
        for (set, halves) in self.sets.iter().zip(self.halves()) {
            let place = *known.entry((halves, &set.services)).or_insert_with(|| {
                groups.push(Group { services: set.services.clone(), ..Group::default() });
                groups.len() - 1
            });
            groups[place].labels.extend(Some(set.label.clone()).filter(|label| !label.is_empty()));
            home.push(place);
        }
        for listed in &self.names {
            groups[home[listed.set as usize]].names.push(listed.value.clone());
        }
        for listed in &self.blocks {
            groups[home[listed.set as usize]].blocks.push(listed.value);
        }
        groups.retain(|group| !group.names.is_empty() || !group.blocks.is_empty());
        for group in &mut groups {
            group.names = sorted(std::mem::take(&mut group.names));
            group.blocks = outermost(std::mem::take(&mut group.blocks));
        }
        groups
    }
}

/// Names and blocks: which of the two.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Halves {
    /// Names.
    pub names: bool,
    /// Blocks.
    pub blocks: bool,
}

fn sorted<T: Ord>(mut values: Vec<T>) -> Vec<T> {
    values.sort_unstable();
    values.dedup();
    values
}

/// Sorted, each once, without those that lie inside another. A block comes right behind the one it lies in, or behind
/// others that do.
pub(super) fn outermost(blocks: Vec<Prefix>) -> Vec<Prefix> {
    let mut kept: Vec<Prefix> = Vec::with_capacity(blocks.len());
    for block in sorted(blocks) {
        if !kept.last().is_some_and(|last| last.contains(block.addr())) {
            kept.push(block);
        }
    }
    kept
}
