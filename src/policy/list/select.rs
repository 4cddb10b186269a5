//! Which entries of a list are meant.

use std::{collections::BTreeSet, fmt};

use super::{Fault, Format};
use crate::ground::{model::lang::Words, words::escape};

/// What entries can be selected by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Key {
    /// The number of a set.
    Id,
    /// The part of the service: Exchange, SharePoint, Skype, Common.
    Area,
    /// Optimize, Allow or Default.
    Category,
    /// Whether the provider says that nothing works without it: true or false.
    Required,
    /// The service.
    Service,
    /// The region.
    Region,
    /// The tag.
    Tag,
}

impl Key {
    /// Every key.
    pub const ALL: [Self; 7] =
        [Self::Id, Self::Area, Self::Category, Self::Required, Self::Service, Self::Region, Self::Tag];

    /// As policies and options write it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Id => "id",
            Self::Area => "area",
            Self::Category => "category",
            Self::Required => "required",
            Self::Service => "service",
            Self::Region => "region",
            Self::Tag => "tag",
        }
    }

    fn read(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|key| key.word() == word)
    }
}

/// Which entries are meant: those with one of the wanted values for every key that is asked for, but for the exceptions.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selection {
    wanted: Vec<(Key, Vec<String>)>,
    /// Names and blocks that are left out all the same.
    except: Vec<String>,
}

/// Values that are named when a wanted one is not there.
const KNOWN_SHOWN: usize = 12;
/// Values that are remembered for that.
const KNOWN_MAX: usize = 4096;

impl Selection {
    /// True when nothing is asked for; exceptions alone select nothing.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.wanted.is_empty()
    }

    /// Asks for entries with one of these values.
    pub fn want(&mut self, key: Key, values: impl IntoIterator<Item = String>) {
        let values = values.into_iter();
        match self.wanted.iter_mut().find(|(known, _)| *known == key) {
            Some((_, known)) => known.extend(values),
            None => self.wanted.push((key, values.collect())),
        }
    }

    /// Leaves out a name or a block.
    pub fn leave_out(&mut self, entries: impl IntoIterator<Item = String>) {
        self.except.extend(entries);
    }

    /// Adds what an option says: `area=Exchange,Skype` or `except=*.cloud.example`.
    ///
    /// # Errors
    /// When it has no such form or key.
    pub fn read(&mut self, text: &str) -> Result<(), Words> {
        let values = |text: &str| text.split(',').map(|value| value.trim().to_owned()).collect::<Vec<_>>();
        let Some((key, listed)) = text.split_once('=').filter(|(_, listed)| !listed.is_empty()) else {
            return Err(Words::new(
                "KEY=VALUE[,VALUE] の形で書きます(例: area=Exchange)",
                "expected KEY=VALUE[,VALUE], such as area=Exchange",
            ));
        };
        match Key::read(key) {
            Some(key) => self.want(key, values(listed)),
            None if key == "except" => self.leave_out(values(listed)),
            None => {
                let known = Key::ALL.map(Key::word).join(", ");
                let key = escape::text(key);
                return Err(Words::new(
                    format!("「{key}」では選べません(使えるのは {known}, except)"),
                    format!("nothing is selected by `{key}`; one of {known}, except"),
                ));
            }
        }
        Ok(())
    }

    pub(super) fn exceptions(&self) -> &[String] {
        &self.except
    }

    /// As a TOML table: `{ area = ["Exchange"], required = true }`.
    #[must_use]
    pub fn toml(&self) -> String {
        let list = |values: &[String]| {
            let quoted: Vec<_> = values.iter().map(|value| super::draft::quoted(value)).collect();
            format!("[{}]", quoted.join(", "))
        };
        let mut parts: Vec<String> = Vec::new();
        for (key, values) in &self.wanted {
            let value = match (key, &values[..]) {
                (Key::Required, [one]) if one == "true" || one == "false" => one.clone(),
                (Key::Id, ids) if ids.iter().all(|id| id.parse::<u32>().is_ok()) => {
                    format!("[{}]", ids.join(", "))
                }
                (_, values) => list(values),
            };
            parts.push(format!("{} = {value}", key.word()));
        }
        if !self.except.is_empty() {
            parts.push(format!("except = {}", list(&self.except)));
        }
        format!("{{ {} }}", parts.join(", "))
    }
}

impl fmt::Display for Selection {
    /// As options write it, safe to show; a dash when nothing is asked for.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut parts: Vec<_> =
            self.wanted.iter().map(|(key, values)| format!("{}={}", key.word(), values.join(","))).collect();
        if !self.except.is_empty() {
            parts.push(format!("except={}", self.except.join(",")));
        }
        if parts.is_empty() { f.write_str("-") } else { f.write_str(&escape::text(&parts.join(" "))) }
    }
}

/// A selection at work. A wanted value that no entry has is an error: a policy that asks for it would be empty without
/// a word.
pub(super) struct Picker<'a> {
    asked: Vec<Asked<'a>>,
}

struct Asked<'a> {
    key: Key,
    wanted: &'a [String],
    met: Vec<bool>,
    known: BTreeSet<String>,
}

impl<'a> Picker<'a> {
    pub(super) fn new(format: &Format, selection: &'a Selection) -> Result<Self, Fault> {
        let mut asked = Vec::new();
        for (key, wanted) in &selection.wanted {
            if !format.keys.contains(key) {
                let (name, word) = (format.name, key.word());
                let known = format.keys.iter().map(|key| key.word()).collect::<Vec<_>>().join(", ");
                let words = match known.is_empty() {
                    true => Words::new(
                        format!("{name}の一覧は選べません(除くのは except)"),
                        format!("a {name} list has nothing to select by (except leaves out)"),
                    ),
                    false => Words::new(
                        format!("{name}の一覧は {word} では選べません(使えるのは {known})"),
                        format!("a {name} list is not selected by {word}; use {known}"),
                    ),
                };
                return Err(Fault::whole(words));
            }
            asked.push(Asked { key: *key, wanted, met: vec![false; wanted.len()], known: BTreeSet::new() });
        }
        Ok(Self { asked })
    }

    /// True when an entry with these values is meant.
    pub(super) fn takes(&mut self, values: &[(Key, &str)]) -> bool {
        let mut is_taken = true;
        for asked in &mut self.asked {
            let mut has = false;
            for (_, value) in values.iter().filter(|(key, _)| *key == asked.key) {
                for (wanted, met) in asked.wanted.iter().zip(&mut asked.met) {
                    if wanted.eq_ignore_ascii_case(value) {
                        (has, *met) = (true, true);
                    }
                }
                if asked.known.len() < KNOWN_MAX && !asked.known.contains(*value) {
                    asked.known.insert((*value).to_owned());
                }
            }
            is_taken &= has;
        }
        is_taken
    }

    pub(super) fn finish(&self) -> Result<(), Fault> {
        for asked in &self.asked {
            let Some((wanted, _)) = asked.wanted.iter().zip(&asked.met).find(|(_, met)| !**met) else {
                continue;
            };
            let near = |known: &&String| {
                let (known, wanted) = (known.to_ascii_lowercase(), wanted.to_ascii_lowercase());
                !wanted.is_empty() && (known.contains(&wanted) || wanted.contains(&known))
            };
            let mut shown: Vec<_> = asked.known.iter().filter(near).take(KNOWN_SHOWN).collect();
            if shown.is_empty() {
                shown = asked.known.iter().take(KNOWN_SHOWN).collect();
            }
            let shown = shown.into_iter().map(|known| escape::text(known)).collect::<Vec<_>>().join(", ");
            let (key, wanted) = (asked.key.word(), escape::text(wanted));
            return Err(Fault::whole(Words::new(
                format!("{key} が「{wanted}」のものは一覧にありません(あるもの: {shown} など)"),
                format!("no entry has {key} {wanted}; there are {shown} and others"),
            )));
        }
        Ok(())
    }
}
