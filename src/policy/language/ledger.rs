//! The channels of a policy as rows of text: what a city keeps as its 通信許可台帳.

use std::{path::Path, sync::Arc};

use super::{
    compiled::Policy,
    diagnostic::{Diagnostic, nearest},
    document::Texts,
    document_channels::ChannelDoc,
    ledger_edit::Edit,
    ledger_field::{Cell, FIELDS, Field},
    load::{ReadFile, load_document},
    period::Hours,
    text::{At, Stamp},
};
use crate::ground::model::{address::Service, lang::Words, time::Timestamp};

/// One channel as a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// The file it stands in.
    pub file: Arc<str>,
    /// Its place among the channels of that file, from 0.
    pub place: usize,
    /// True when that is the policy's own file and no included one.
    pub is_own: bool,
    /// The text of each of [`FIELDS`]; empty for what is not written.
    pub cells: Vec<String>,
}

impl Line {
    /// Its id.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.cells[0]
    }
}

/// A policy with its channels as rows, and the text they stand in.
#[derive(Debug)]
pub struct Ledger {
    policy: Policy,
    notes: Vec<Diagnostic>,
    lines: Vec<Line>,
    text: String,
}

impl Ledger {
    /// Reads a policy as [`load_on`](super::load_on) does.
    ///
    /// # Errors
    /// As there.
    pub fn read(root: &Path, today: Option<Timestamp>, read: ReadFile<'_>) -> Result<Self, Vec<Diagnostic>> {
        let mut text = None;
        let (document, policy, notes) = load_document(root, today, &mut |path| {
            let bytes = read(path)?;
            // The policy's own file is the first that is read.
            text.get_or_insert_with(|| String::from_utf8_lossy(&bytes).into_owned());
            Ok(bytes)
        })?;
        let mut lines: Vec<Line> = Vec::with_capacity(document.channels.len());
        let own = policy.meta().files.first().map_or("", |file| &file.name);
        for entry in &document.channels {
            let file: Arc<str> = entry.source.name().into();
            // The channels of one file stand together.
            let place = lines.last().filter(|last| last.file == file).map_or(0, |last| last.place + 1);
            let is_own = &*file == own;
            lines.push(Line { file, place, is_own, cells: cells(&entry.value) });
        }
        Ok(Self { policy, notes, lines, text: text.unwrap_or_default() })
    }

    /// The policy.
    #[must_use]
    pub const fn policy(&self) -> &Policy {
        &self.policy
    }

    /// What was told when it was read.
    #[must_use]
    pub fn notes(&self) -> &[Diagnostic] {
        &self.notes
    }

    /// The rows, in the order of the files.
    #[must_use]
    pub fn lines(&self) -> &[Line] {
        &self.lines
    }

    /// The policy's own file.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Changes to the policy's own file.
    ///
    /// # Errors
    /// When its channels are not written as `[[channels]]`.
    pub fn edit(&self) -> Result<Edit<'_>, Words> {
        Edit::new(&self.text)
    }

    /// What this policy does not know of in a cell: an end, a line, a service.
    #[must_use]
    pub fn fault(&self, field: &Field, cell: &Cell) -> Option<Words> {
        let policy = &self.policy;
        let texts = match cell {
            Cell::Text(text) => std::slice::from_ref(text),
            Cell::List(texts) => texts.as_slice(),
            _ => return None,
        };
        fn ids<'a, T>(all: &'a [T], id: impl Fn(&'a T) -> &'a Arc<str>) -> Vec<&'a str> {
            all.iter().map(|one| &**id(one)).collect()
        }
        let hosts = ids(policy.hosts(), |host| &host.id);
        let known = match field.key {
            "from" | "to" => [
                ids(policy.segments(), |segment| &segment.id),
                ids(policy.zones(), |zone| &zone.id),
                hosts,
                ids(policy.destinations(), |destination| &destination.id),
            ]
            .concat(),
            "via" => hosts,
            "path" => ids(policy.paths(), |path| &path.id),
            "epochs" => ids(policy.epochs(), |epoch| &epoch.id),
            "services" => {
                let wrong = texts.iter().find(|text| text.parse::<Service>().is_err())?;
                return Some(Words::new(
                    format!("「{wrong}」はサービスとして読めません。例 tcp/443, udp/3478-3481, icmp"),
                    format!("`{wrong}` is no service; write tcp/443, udp/3478-3481 or icmp"),
                ));
            }
            "hours" => {
                let wrong = texts.iter().find(|text| text.parse::<Hours>().is_err())?;
                return Some(Words::new(
                    format!("「{wrong}」は時間帯として読めません。例 06:30-23:00"),
                    format!("`{wrong}` is no time of day; write 06:30-23:00"),
                ));
            }
            _ => return None,
        };
        let wrong = texts.iter().find(|text| !known.contains(&text.as_str()))?;
        Some(match nearest(wrong, known.iter().copied()) {
            Some(meant) => Words::new(
                format!("「{wrong}」は台帳にありません。「{meant}」のことですか"),
                format!("`{wrong}` is not in the policy; did you mean `{meant}`?"),
            ),
            None => Words::new(
                format!("「{wrong}」は台帳にありません。先にTOMLに書くか、つづりを確認してください"),
                format!("`{wrong}` is not in the policy; write it there first, or check its spelling"),
            ),
        })
    }
}

/// The cells of a channel in the order of [`FIELDS`].
fn cells(channel: &ChannelDoc) -> Vec<String> {
    FIELDS
        .iter()
        .map(|field| cell(channel, field.key).map_or_else(String::new, |cell| cell.shown()))
        .collect()
}

fn cell(channel: &ChannelDoc, key: &str) -> Option<Cell> {
    // Taken apart as a whole, so that a new field is not forgotten here.
    let ChannelDoc {
        id,
        from,
        to,
        services,
        app,
        app_reason_ja,
        kind,
        via,
        path,
        encrypt,
        tenant,
        download,
        max_up_per_flow,
        max_down_per_flow,
        max_sources,
        hours,
        expect_min_per_day,
        expect_min_per_month,
        one_way,
        purpose_ja,
        clause,
        approval,
        valid_from,
        valid_until,
        epochs,
        note_ja,
    } = channel;
    let text = |text: &At<String>| Cell::Text(text.value.clone());
    let list = |texts: &Texts| Cell::List(texts.iter().map(|text| text.value.clone()).collect());
    let moment = |stamp: &At<Stamp>| Cell::Moment(stamp.value.0.to_string());
    let number = |number: &Option<u64>| number.map(Cell::Number);
    match key {
        "id" => Some(text(id)),
        "from" => Some(list(from)),
        "to" => Some(list(to)),
        "services" => Some(list(services)),
        "app" => app.as_ref().map(text),
        "app_reason_ja" => app_reason_ja.as_ref().map(text),
        "kind" => kind.as_ref().map(|word| Cell::Text(word.value.written.clone())),
        "via" => via.as_ref().map(list),
        "path" => path.as_ref().map(text),
        "encrypt" => encrypt.as_ref().map(|word| Cell::Text(word.value.written.clone())),
        "tenant" => tenant.as_ref().map(|word| Cell::Text(word.value.written.clone())),
        "download" => download.as_ref().map(|word| Cell::Text(word.value.written.clone())),
        "max_up_per_flow" => number(max_up_per_flow),
        "max_down_per_flow" => number(max_down_per_flow),
        "max_sources" => number(max_sources),
        "hours" => hours.as_ref().map(text),
        "expect_min_per_day" => number(expect_min_per_day),
        "expect_min_per_month" => number(expect_min_per_month),
        "one_way" => one_way.map(Cell::Flag),
        "purpose_ja" => purpose_ja.as_ref().map(text),
        "clause" => clause.as_ref().map(text),
        "approval" => approval.as_ref().map(text),
        "valid_from" => valid_from.as_ref().map(moment),
        "valid_until" => valid_until.as_ref().map(moment),
        "epochs" => epochs.as_ref().map(list),
        "note_ja" => note_ja.as_ref().map(text),
        _ => None,
    }
}
