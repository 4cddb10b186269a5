//! From what stands in a list to names and blocks, with a remark on all that is not taken as it stands.

use std::{collections::BTreeSet, net::IpAddr};

use super::{Blocks, Fault, Format, Halves, List, Listed, Oddity, Place, Remark, Selection, Set};
use crate::ground::{
    calendar::Day,
    model::{
        address::{BadAddress, Prefix, Service},
        lang::Words,
        limits::{LIST_ENTRIES_MAX, LIST_SHOWN_MAX},
        pattern::{BadPattern, NamePattern},
    },
    words::escape,
};

/// Gathers the entries of one list.
pub(super) struct Gather {
    list: List,
    /// Entries so far, left out or not.
    seen: usize,
}

/// What an entry is, before it is known to be right.
enum Value {
    Name(NamePattern),
    Block(Prefix),
}

impl Gather {
    pub(super) const fn new(format: &'static Format, is_selected: bool) -> Self {
        let list = List {
            format,
            version: None,
            date: None,
            title: None,
            sets: Vec::new(),
            names: Vec::new(),
            blocks: Vec::new(),
            remarks: Vec::new(),
            is_selected,
            may_hold_rented: false,
            taken: None,
        };
        Self { list, seen: 0 }
    }

    /// What the list says of itself.
    pub(super) fn head(&mut self, title: Option<&str>, version: Option<&str>, date: Option<Day>) {
        let shown = |text: &str| shown(text.trim());
        self.list.title = title.map(shown).filter(|text| !text.is_empty());
        self.list.version = version.map(shown).filter(|text| !text.is_empty());
        self.list.date = date;
    }

    /// The provider publishes apart which of these addresses it rents out.
    pub(super) const fn may_hold_rented(&mut self) {
        self.list.may_hold_rented = true;
    }

    /// Begins a set; what follows belongs to it.
    pub(super) fn set(&mut self, place: Place, label: String, services: Vec<Service>) -> Result<(), Fault> {
        self.count(place)?;
        self.list.sets.push(Set { label, services, ..Set::default() });
        Ok(())
    }

    /// An entry that must be a name.
    pub(super) fn name(&mut self, text: &str, place: Place) -> Result<(), Fault> {
        self.entry(text, place, false)
    }

    /// An entry that must be a block of addresses.
    pub(super) fn block(&mut self, text: &str, place: Place, is_rented: bool) -> Result<(), Fault> {
        self.count(place)?;
        self.had().blocks = true;
        match block(text.trim()) {
            Ok((block, oddity)) => {
                self.take(Value::Block(block), place, is_rented);
                oddity.into_iter().for_each(|oddity| self.remark(text, place, oddity));
            }
            Err(bad) => self.remark(text, place, Oddity::BadBlock(bad)),
        }
        Ok(())
    }

    /// An entry that may be either.
    pub(super) fn entry(&mut self, text: &str, place: Place, is_rented: bool) -> Result<(), Fault> {
        self.count(place)?;
        let (value, oddity) = read(text.trim());
        let is_block =
            matches!((&value, &oddity), (Some(Value::Block(_)), _) | (_, Some(Oddity::BadBlock(_))));
        let had = self.had();
        *(if is_block { &mut had.blocks } else { &mut had.names }) = true;
        if let Some(value) = value {
            self.take(value, place, is_rented);
        }
        oddity.into_iter().for_each(|oddity| self.remark(text, place, oddity));
        Ok(())
    }

    /// An entry that is left out for a reason of the format.
    pub(super) fn left_out(&mut self, text: &str, place: Place, oddity: Oddity) -> Result<(), Fault> {
        self.count(place)?;
        self.remark(text, place, oddity);
        Ok(())
    }

    fn count(&mut self, place: Place) -> Result<(), Fault> {
        self.seen += 1;
        if self.seen > LIST_ENTRIES_MAX {
            let words = Words::new(
                format!("項目が多すぎます({LIST_ENTRIES_MAX}まで)"),
                format!("too many entries (at most {LIST_ENTRIES_MAX})"),
            );
            return Err(Fault::at(place, words));
        }
        Ok(())
    }

    /// What stood in the set so far.
    fn had(&mut self) -> &mut Halves {
        if self.list.sets.is_empty() {
            self.list.sets.push(Set::default());
        }
        let last = self.list.sets.len() - 1;
        &mut self.list.sets[last].had
    }

    fn take(&mut self, value: Value, place: Place, is_rented: bool) {
        // Fewer sets than entries, and those are counted.
        let set = u32::try_from(self.list.sets.len() - 1).unwrap_or(u32::MAX);
        match value {
            Value::Name(value) => self.list.names.push(Listed { value, place, set, is_rented }),
            Value::Block(value) => self.list.blocks.push(Listed { value, place, set, is_rented }),
        }
    }

    fn remark(&mut self, text: &str, place: Place, oddity: Oddity) {
        self.list.remarks.push(Remark { place, shown: shown(text.trim()), oddity });
    }

    /// The list, each entry once a set, without the exceptions.
    pub(super) fn finish(mut self, selection: &Selection) -> Result<List, Fault> {
        let mut remarks = std::mem::take(&mut self.list.remarks);
        once(&mut self.list.names, &mut remarks);
        once(&mut self.list.blocks, &mut remarks);
        self.list.remarks = remarks;
        for exception in selection.exceptions() {
            self.leave_out(exception)?;
        }
        Ok(self.list)
    }

    fn leave_out(&mut self, exception: &str) -> Result<(), Fault> {
        let (names, blocks) = (self.list.names.len(), self.list.blocks.clone());
        match read(exception.trim()) {
            (Some(Value::Name(name)), None) => self.list.names.retain(|listed| listed.value != name),
            (Some(Value::Block(block)), None) => {
                let away: Blocks = [block].into_iter().collect();
                let taken = self.list.taken.take();
                let format = self.list.format;
                let list = std::mem::replace(&mut self.list, Self::new(format, false).list);
                self.list = list.minus(&away);
                self.list.taken = taken;
            }
            _ => {
                let told = shown(exception);
                return Err(Fault::whole(Words::new(
                    format!("exceptの「{told}」は名前でもアドレス範囲でもありません"),
                    format!("except: `{told}` is neither a name nor a block"),
                )));
            }
        }
        if self.list.names.len() == names && self.list.blocks == blocks {
            let told = shown(exception);
            return Err(Fault::whole(Words::new(
                format!("exceptの「{told}」は選んだ中にありません"),
                format!("except: `{told}` is not among what is selected"),
            )));
        }
        Ok(())
    }
}

/// Keeps the first of each in its set; an entry that stands in several sets stays in each and is told all the same.
fn once<T: Ord + Clone + ToString>(listed: &mut Vec<Listed<T>>, remarks: &mut Vec<Remark>) {
    let mut known = BTreeSet::new();
    let mut in_set = BTreeSet::new();
    listed.retain(|entry| {
        if !known.insert(entry.value.clone()) {
            remarks.push(Remark {
                place: entry.place,
                shown: entry.value.to_string(),
                oddity: Oddity::Twice,
            });
        }
        in_set.insert((entry.set, entry.value.clone()))
    });
}

fn shown(text: &str) -> String {
    match text.char_indices().nth(LIST_SHOWN_MAX) {
        Some((end, _)) => escape::text(&format!("{}…", &text[..end])),
        None => escape::text(text),
    }
}

/// Reads an entry: what it is, when it is something, and what is odd about it.
fn read(text: &str) -> (Option<Value>, Option<Oddity>) {
    match block(text) {
        Ok((block, oddity)) => return (Some(Value::Block(block)), oddity),
        Err(bad @ (BadAddress::HostBits | BadAddress::PrefixLen)) => {
            return (None, Some(Oddity::BadBlock(bad)));
        }
        Err(_) => {}
    }
    if !text.is_ascii() {
        return (None, Some(Oddity::NotAscii));
    }
    let host = host_of(text);
    if host.text.is_empty() {
        return (None, Some(Oddity::Unreadable));
    }
    let oddity = |value: &str| match host.is_whole {
        true => (value != host.text).then(|| Oddity::Rewritten(value.to_owned())),
        false => Some(Oddity::HostOnly { host: value.to_owned(), is_http: host.is_http }),
    };
    if let Ok(addr) = host.text.trim_matches(['[', ']']).parse::<IpAddr>() {
        let block = Prefix::single(addr);
        return (Some(Value::Block(block)), oddity(&block.to_string()));
    }
    match pattern(host.text) {
        Ok(pattern) => {
            let told = pattern.to_string();
            (Some(Value::Name(pattern)), oddity(&told))
        }
        Err(oddity) => (None, Some(oddity)),
    }
}

/// A block of addresses, and how it ought to have been written when it was written otherwise.
fn block(text: &str) -> Result<(Prefix, Option<Oddity>), BadAddress> {
    let block: Prefix = text.parse()?;
    let proper = block.to_string();
    let is_proper = text == proper || text == block.addr().to_string();
    Ok((block, (!is_proper).then_some(Oddity::Rewritten(proper))))
}

/// Labels that any name must have below its star: `*.example` stands for a whole top-level domain.
const LABELS_BELOW_STAR_MIN: usize = 2;

fn pattern(host: &str) -> Result<NamePattern, Oddity> {
    let lower = host.to_ascii_lowercase();
    // A dot in front is how proxies write "all names below".
    let written = match lower.strip_prefix('.') {
        Some(rest) => format!("*.{rest}"),
        None => lower,
    };
    match NamePattern::new(&written) {
        Ok(pattern) if pattern.is_wildcard() && pattern.base().labels().count() < LABELS_BELOW_STAR_MIN => {
            Err(Oddity::Everything)
        }
        Ok(pattern) => Ok(pattern),
        Err(BadPattern::Star) if written.trim_start_matches(['*', '.']).is_empty() => Err(Oddity::Everything),
        Err(BadPattern::Star) => {
            let rest = written.strip_prefix('*').unwrap_or(&written);
            Err(match rest.contains('*') || rest.starts_with('.') || rest == written {
                true => Oddity::StarInside,
                false => Oddity::StarWithoutDot,
            })
        }
        Err(_) => Err(Oddity::Unreadable),
    }
}

/// The host of a URL or of a name with a port or a path; what else stood there cannot be seen on the wire.
struct Host<'a> {
    text: &'a str,
    /// There was nothing else.
    is_whole: bool,
    is_http: bool,
}

fn host_of(text: &str) -> Host<'_> {
    let (scheme, rest) = text.split_once("://").map_or((None, text), |(scheme, rest)| (Some(scheme), rest));
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = authority.rsplit('@').next().unwrap_or_default();
    let host = match host.strip_prefix('[').and_then(|inner| inner.split_once(']')) {
        Some((inner, _)) => inner,
        None => host.split(':').next().unwrap_or_default(),
    };
    Host {
        text: host,
        is_whole: host == text,
        is_http: scheme.is_some_and(|scheme| scheme.eq_ignore_ascii_case("http")),
    }
}
