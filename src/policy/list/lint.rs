//! What is dangerous, weak or odd in a list, before somebody approves it.

use super::{
    Blocks, Level, List, Oddity, Place, Rule, Set,
    entries::Halves,
    rule::{
        EVERYTHING, HOST_ONLY, HOSTING, LOST_HALF, ONE_HALF, PORT_80, PORTS_DIFFER, RENTED, REWRITTEN,
        STAR_INSIDE, STAR_WITHOUT_DOT, TWICE, UNREADABLE, WHOLE, WIDE,
    },
    trap::{self, BlockTraps, Meeting},
};
use crate::ground::{
    model::{
        address::{Prefix, Transport},
        lang::{Lang, Words},
        limits::{HUGE_V4, HUGE_V6, LIST_PLACES_MAX, WIDE_V4, WIDE_V6},
    },
    words::run::grouped,
};

/// One trap in a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Which.
    pub rule: &'static Rule,
    /// How bad here.
    pub level: Level,
    /// The name or block it is about; empty when it is about the whole list.
    pub subject: String,
    /// What there is to say beyond the rule.
    pub detail: Option<Words>,
    /// Where it stands: the first places.
    pub places: Vec<Place>,
    /// How many entries it is about.
    pub count: usize,
}

impl Finding {
    fn new(rule: &'static Rule, level: Level, subject: String) -> Self {
        Self { rule, level, subject, detail: None, places: Vec::new(), count: 0 }
    }

    fn at(&mut self, place: Place) {
        self.count += 1;
        if self.places.len() < LIST_PLACES_MAX && !self.places.contains(&place) {
            self.places.push(place);
        }
    }

    fn detail(mut self, words: Words) -> Self {
        self.detail = Some(words);
        self
    }

    /// What it is about, what it is, and where.
    #[must_use]
    pub fn headline(&self, lang: Lang) -> String {
        let what = self.rule.what.of(lang);
        match self.subject.as_str() {
            "" => format!("{what}{}", self.where_and_how(lang)),
            subject => format!("{subject}: {what}{}", self.where_and_how(lang)),
        }
    }

    /// What it is about, and where; the trap is named above it.
    #[must_use]
    pub fn about(&self, lang: Lang) -> String {
        format!("{}{}", self.subject, self.where_and_how(lang)).trim_start().to_owned()
    }

    fn where_and_how(&self, lang: Lang) -> String {
        let mut told: Vec<_> = self.detail.iter().map(|detail| detail.of(lang).to_owned()).collect();
        let places: Vec<_> = self.places.iter().map(|place| place.words().of(lang).to_owned()).collect();
        told.extend((!places.is_empty()).then(|| places.join(" · ")));
        let more = self.count.saturating_sub(places.len());
        told.extend((more > 0).then(|| match lang {
            Lang::Ja => format!("ほか{more}件"),
            Lang::En => format!("{more} more"),
        }));
        match (told.is_empty(), lang) {
            (true, _) => String::new(),
            (false, Lang::Ja) => format!("({})", told.join("、")),
            (false, Lang::En) => format!(" ({})", told.join("; ")),
        }
    }
}

/// Everything there is to say about a list, the worst first.
#[must_use]
pub fn lint(list: &List) -> Vec<Finding> {
    let mut found = Findings::default();
    names(list, &mut found);
    blocks(list, &mut found);
    oddities(list, &mut found);
    sets(list, &mut found);
    if list.format.needs_selection && !list.is_selected {
        found.add(&WHOLE, WHOLE.level, "", None);
    }
    let mut found = found.0;
    // Inside a trap they stay in the order of names, blocks and places.
    found.sort_by_key(|finding| (finding.level, finding.rule.code));
    found
}

/// Findings so far; the same about the same is one.
#[derive(Default)]
struct Findings(Vec<Finding>);

impl Findings {
    fn add(
        &mut self,
        rule: &'static Rule,
        level: Level,
        subject: &str,
        place: Option<Place>,
    ) -> &mut Finding {
        // Names come sorted and rules are few: what is the same is near the end.
        let near =
            self.0.iter().rev().take(16).position(|known| known.rule == rule && known.subject == subject);
        let place_of = match near {
            Some(back) => self.0.len() - 1 - back,
            None => {
                self.0.push(Finding::new(rule, level, subject.to_owned()));
                self.0.len() - 1
            }
        };
        let finding = &mut self.0[place_of];
        place.into_iter().for_each(|place| finding.at(place));
        finding
    }
}

fn names(list: &List, found: &mut Findings) {
    let mut names: Vec<_> = list.names.iter().collect();
    names.sort_by(|one, two| (&one.value, one.place).cmp(&(&two.value, two.place)));
    for listed in names {
        for (rule, meeting) in trap::names(&listed.value) {
            // Below a tenant's or a network's name lies what one customer has.
            if meeting == Meeting::Below && rule != &HOSTING {
                continue;
            }
            let level = if meeting == Meeting::Below { Level::Warning } else { rule.level };
            let finding = found.add(rule, level, &listed.value.to_string(), Some(listed.place));
            if let Meeting::Covers(trap) = meeting {
                finding.detail = Some(Words::new(format!("{trap} も入る"), format!("it holds {trap} too")));
            }
        }
    }
}

fn blocks(list: &List, found: &mut Findings) {
    let traps = BlockTraps::new();
    let mut rented = Finding::new(&RENTED, RENTED.level, String::new());
    let mut rented_blocks = Vec::new();
    let mut listed: Vec<_> = list.blocks.iter().collect();
    listed.sort_by_key(|listed| (listed.value, listed.place));
    for entry in listed {
        let block = entry.value;
        for (rule, trap) in traps.find(&block) {
            if rule == &RENTED {
                rented.at(entry.place);
                rented_blocks.push(inner(&block, &trap));
                continue;
            }
            let finding = found.add(rule, rule.level, &block.to_string(), Some(entry.place));
            if trap != block {
                finding.detail = Some(Words::new(format!("{trap} と重なる"), format!("overlaps {trap}")));
            }
        }
        if entry.is_rented {
            rented.at(entry.place);
            rented_blocks.push(block);
        }
        let (wide, huge) = if block.addr().is_ipv4() { (WIDE_V4, HUGE_V4) } else { (WIDE_V6, HUGE_V6) };
        if block.prefix_len() < wide {
            let level = if block.prefix_len() < huge { Level::Error } else { Level::Warning };
            found.add(&WIDE, level, &block.to_string(), Some(entry.place));
        }
    }
    if list.may_hold_rented && list.taken.is_none() {
        found.0.push(
            Finding::new(&RENTED, RENTED.level, String::new())
                .detail(Words::new("cloud.json を差し引いていません", "cloud.json was not taken away")),
        );
    } else if rented.count > 0 {
        let addresses = grouped(rented_blocks.into_iter().collect::<Blocks>().count().v4);
        found.0.push(rented.detail(Words::new(
            format!("IPv4で少なくとも{addresses}アドレス"),
            format!("at least {addresses} addresses of IPv4"),
        )));
    }
}

/// What two overlapping blocks share: the narrower of them.
const fn inner(one: &Prefix, two: &Prefix) -> Prefix {
    if one.prefix_len() > two.prefix_len() { *one } else { *two }
}

fn oddities(list: &List, found: &mut Findings) {
    let mut twice = Finding::new(&TWICE, TWICE.level, String::new());
    let mut http = Finding::new(&PORT_80, PORT_80.level, String::new());
    for remark in &list.remarks {
        let rule = match &remark.oddity {
            Oddity::StarInside => &STAR_INSIDE,
            Oddity::StarWithoutDot => &STAR_WITHOUT_DOT,
            Oddity::Everything => &EVERYTHING,
            Oddity::Rewritten(_) => &REWRITTEN,
            Oddity::HostOnly { is_http, .. } => {
                if *is_http {
                    http.at(remark.place);
                }
                &HOST_ONLY
            }
            Oddity::Twice => {
                twice.at(remark.place);
                continue;
            }
            _ => &UNREADABLE,
        };
        let finding = Finding {
            places: vec![remark.place],
            count: 1,
            ..Finding::new(rule, rule.level, remark.shown.clone()).detail(remark.oddity.words())
        };
        found.0.push(finding);
    }
    found.0.extend([twice, http].into_iter().filter(|finding| finding.count > 0));
}

fn sets(list: &List, found: &mut Findings) {
    lost_half(list, found);
    if list.sets.len() > 1 {
        one_half(list, found);
        if list.sets.iter().any(|set| set.services != list.sets[0].services) {
            found.add(&PORTS_DIFFER, PORTS_DIFFER.level, "", None);
        }
    }
    let is_80 = |set: &&Set| set.services.iter().any(|service| service.covers(Transport::TCP, 80));
    let labels: Vec<_> = list.sets.iter().filter(is_80).map(|set| set.label.as_str()).collect();
    if !labels.is_empty() {
        let labels = labels.join(", ");
        let finding = Finding::new(&PORT_80, PORT_80.level, String::new());
        found.0.push(finding.detail(Words::new(labels.clone(), labels)));
    }
}

fn lost_half(list: &List, found: &mut Findings) {
    for (set, has) in list.sets.iter().zip(list.halves()) {
        let is_gone = (set.had.names && !has.names) || (set.had.blocks && !has.blocks);
        // What has nothing left allows nothing.
        if is_gone && has != Halves::default() {
            found.add(&LOST_HALF, LOST_HALF.level, &set.label, None);
        }
    }
}

fn one_half(list: &List, found: &mut Findings) {
    let halves = list.halves();
    let labels = |names, blocks| {
        let sets = list.sets.iter().zip(&halves).filter(|(_, halves)| **halves == Halves { names, blocks });
        sets.map(|(set, _)| set.label.as_str()).collect::<Vec<_>>()
    };
    let (names, blocks) = (labels(true, false), labels(false, true));
    if names.len() + blocks.len() == 0 {
        return;
    }
    let told = |labels: Vec<&str>| if labels.is_empty() { "-".to_owned() } else { labels.join(", ") };
    let (names, blocks) = (told(names), told(blocks));
    let finding = Finding::new(&ONE_HALF, ONE_HALF.level, String::new());
    found.0.push(finding.detail(Words::new(
        format!("名前だけ: {names}。アドレスだけ: {blocks}"),
        format!("only names: {names}; only addresses: {blocks}"),
    )));
}
