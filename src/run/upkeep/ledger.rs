//! The ledger there and back: a policy's channels as a sheet that a clerk can approve line by line, and the sheet's changes
//! as changes of the policy's text.
//!
//! Three states meet: the policy as it was exported (known by digests only), the policy as it is, and the sheet. What only the
//! sheet changed is taken over, what only the policy changed stays, and what both changed is a conflict that a person settles.

use std::collections::{BTreeMap, BTreeSet};

use super::ledger_sheet::{FILE, MARK, Mark, SHEET, ledger_digest, row_digest};
pub use super::{
    ledger_sheet::{rows, with_workbook},
    ledger_told::{json, page},
};
use crate::{
    ground::{
        model::lang::Words,
        sheet::{self, Fault, Table, column_letters},
    },
    policy::language::{Cell, Edit, FIELDS, Field, Ledger, Line},
};

/// What an import comes to.
#[derive(Debug, Default)]
pub struct Plan {
    /// Cells that change.
    pub changes: Vec<Change>,
    /// New channels: row of the sheet, from 1, and id.
    pub added: Vec<(usize, String)>,
    /// Channels of the policy that the sheet does not have.
    pub missing: Vec<String>,
    /// True when they go: they become comments.
    pub is_removing: bool,
    /// What keeps the sheet from being taken over; nothing is written then.
    pub conflicts: Vec<Conflict>,
    /// What was passed over.
    pub remarks: Vec<Words>,
    /// The policy's text with all changes; `None` with conflicts.
    pub text: Option<String>,
    /// What the rows must be when the new text is read.
    expected: BTreeMap<String, Vec<String>>,
}

/// One cell that changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The cell.
    pub at: Place,
    /// The channel, as the policy calls it.
    pub id: String,
    /// Which field.
    pub key: &'static str,
    /// Its heading.
    pub heading: &'static str,
    /// What the policy says.
    pub old: String,
    /// What it will say.
    pub new: String,
}

/// A place in the sheet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// Its row, from 1; 0 for the sheet as a whole.
    pub row: usize,
    /// Its column, from 0; `None` for the whole row.
    pub column: Option<usize>,
}

impl Place {
    /// `F12`, as a spreadsheet calls it; empty for a whole row.
    #[must_use]
    pub fn cell(&self) -> String {
        self.column.map_or_else(String::new, |column| format!("{}{}", column_letters(column), self.row))
    }
}

/// Why a sheet cannot be taken over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conflict {
    /// Where.
    pub at: Place,
    /// What, and what to do.
    pub words: Words,
}

/// Reads a sheet of any bytes.
///
/// # Errors
/// When they are no table.
pub fn read_sheet(bytes: &[u8]) -> Result<Table, Fault> {
    sheet::read(bytes, SHEET)
}

/// What taking over a sheet comes to. With `remove`, channels that it does not have become comments.
#[must_use]
pub fn plan(ledger: &Ledger, table: &Table, remove: bool) -> Plan {
    let mut plan = Plan { is_removing: remove, ..Plan::default() };
    let Some(heads) = Heads::read(table, &mut plan) else { return plan };
    let rows = heads.rows(table, &mut plan);
    let whole = ledger_digest(ledger.lines());
    // Only then does a row that is not there mean "remove".
    let is_of_now = rows.iter().filter_map(|row| row.mark.as_ref()).all(|mark| mark.ledger == whole);
    let mut work = Work { ledger, heads, plan, taken: BTreeMap::new(), edits: Vec::new() };
    work.settle(&rows);
    work.missing(remove, is_of_now);
    work.finish()
}

impl Plan {
    /// True when the policy stays as it is.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty() && self.added.is_empty() && (self.missing.is_empty() || !self.is_removing)
    }

    /// True when a policy read from the new text has exactly the rows that were asked for.
    #[must_use]
    pub fn is_kept_by(&self, again: &Ledger) -> bool {
        let rows: BTreeMap<_, _> =
            again.lines().iter().map(|line| (line.id().to_owned(), line.cells.clone())).collect();
        rows == self.expected
    }

    fn conflict(&mut self, row: usize, column: Option<usize>, words: Words) {
        self.conflicts.push(Conflict { at: Place { row, column }, words });
    }
}

/// Which column holds what.
struct Heads {
    /// In the order of [`FIELDS`].
    fields: Vec<Option<usize>>,
    mark: usize,
}

/// A row of the sheet.
struct Row {
    /// From 1.
    number: usize,
    /// In the order of [`FIELDS`]; `None` where the sheet has no such column.
    cells: Vec<Option<String>>,
    mark: Option<Mark>,
}

impl Row {
    fn id(&self) -> &str {
        self.cells[0].as_deref().unwrap_or_default().trim()
    }
}

impl Heads {
    fn read(table: &Table, plan: &mut Plan) -> Option<Self> {
        let empty = Vec::new();
        let heads = table.rows().first().unwrap_or(&empty);
        let find = |names: &[&str]| {
            let mut found = heads.iter().enumerate().filter(|(_, head)| names.contains(&head.trim()));
            (found.next().map(|(column, _)| column), found.next().map(|(column, _)| column))
        };
        let mut fields = Vec::new();
        let mut twice = Vec::new();
        for field in FIELDS {
            let (column, second) = find(&[field.name.ja, field.key]);
            fields.push(column);
            twice.extend(second);
        }
        let (mark, second) = find(&[MARK]);
        twice.extend(second);
        for column in twice {
            plan.conflict(
                1,
                Some(column),
                Words::new(
                    "同じ見出しが2列あります。片方を消してください",
                    "two columns have this heading: remove one",
                ),
            );
        }
        let known = |column: usize| fields.contains(&Some(column)) || mark == Some(column);
        let absent: Vec<_> = FIELDS
            .iter()
            .zip(&fields)
            .filter(|(_, column)| column.is_none())
            .map(|(field, _)| field.name.ja)
            .collect();
        for (column, head) in heads.iter().enumerate().filter(|(column, _)| !known(*column)) {
            let head = head.trim();
            if head.is_empty() || head == FILE {
                continue;
            }
            let words = Words::new(
                format!("列「{head}」は台帳の項目ではありません"),
                format!("the column `{head}` is no field of a channel"),
            );
            // Where a field is missing too, this may be that field under another heading.
            if absent.is_empty() { plan.remarks.push(words) } else { plan.conflict(1, Some(column), words) }
        }
        if !absent.is_empty() && fields[0].is_some() {
            plan.remarks.push(Words::new(
                format!("列がないので変えない項目: {}", absent.join("、")),
                format!("fields without a column, which stay as they are: {}", absent.join(", ")),
            ));
        }
        let (Some(mark), true) = (mark, fields[0].is_some()) else {
            let missing = if mark.is_none() { MARK } else { FIELDS[0].name.ja };
            plan.conflict(1, None, Words::new(
                format!("列「{missing}」がありません。sekisho policy ledger export で書き出した表を使ってください"),
                format!("the column `{missing}` is missing: use a sheet written by sekisho policy ledger export"),
            ));
            return None;
        };
        Some(Self { fields, mark })
    }

    /// The rows below the headings that hold anything.
    fn rows(&self, table: &Table, plan: &mut Plan) -> Vec<Row> {
        let mut rows = Vec::new();
        for number in 1..table.rows().len() {
            let cells: Vec<_> = self
                .fields
                .iter()
                .map(|column| column.map(|column| table.cell(number, column).to_owned()))
                .collect();
            let mark = table.cell(number, self.mark).trim();
            if mark.is_empty() && cells.iter().flatten().all(|cell| cell.trim().is_empty()) {
                continue;
            }
            let read = Mark::read(mark);
            if read.is_none() && !mark.is_empty() {
                plan.conflict(
                    number + 1,
                    Some(self.mark),
                    Words::new(
                        "照合値が書き換えられています。元の値に戻すか、書き出し直してください",
                        "the digest was changed: restore it, or export anew",
                    ),
                );
                continue;
            }
            rows.push(Row { number: number + 1, cells, mark: read });
        }
        rows
    }
}

/// A sheet being held against a policy.
struct Work<'a> {
    ledger: &'a Ledger,
    heads: Heads,
    plan: Plan,
    /// Which row of the sheet speaks about a line of the policy.
    taken: BTreeMap<usize, usize>,
    edits: Vec<Wanted>,
}

/// A row that was understood.
enum Wanted {
    /// A line with the cells that change.
    Change(usize, Vec<(&'static Field, Option<Cell>)>),
    /// A new channel.
    Add(Vec<(&'static str, Cell)>),
}

impl Work<'_> {
    /// Finds out for each row what it is about.
    fn settle(&mut self, rows: &[Row]) {
        let lines = self.ledger.lines();
        let by_id: BTreeMap<&str, usize> =
            lines.iter().enumerate().map(|(at, line)| (line.id(), at)).collect();
        let digests: Vec<_> = lines.iter().map(|line| row_digest(&line.cells)).collect();
        let by_digest: BTreeMap<&str, usize> =
            digests.iter().enumerate().map(|(at, digest)| (digest.as_str(), at)).collect();
        let mut ids: BTreeMap<&str, usize> = BTreeMap::new();
        // Which lines have a row that still bears their id: another row with the same digest is a copy.
        let is_original = |row: &Row| {
            let at = *by_id.get(row.id())?;
            row.mark.as_ref().is_some_and(|mark| mark.row == digests[at]).then_some(at)
        };
        let originals: BTreeSet<_> = rows.iter().filter_map(is_original).collect();
        for row in rows {
            if let Some(first) = ids.insert(row.id(), row.number) {
                let id = row.id();
                self.plan.conflict(
                    row.number,
                    self.heads.fields[0],
                    Words::new(
                        format!("許可ID「{id}」は{first}行にもあります。どちらかを変えるか消してください"),
                        format!("the id `{id}` stands in row {first} too: change or remove one of them"),
                    ),
                );
                continue;
            }
            let named = by_id.get(row.id()).copied();
            let based = row.mark.as_ref().and_then(|mark| by_digest.get(mark.row.as_str()).copied());
            match (named, based, &row.mark) {
                (Some(at), Some(base), _) if at == base => self.change(at, row),
                (None, Some(base), _) if !originals.contains(&base) && !self.taken.contains_key(&base) => self.change(base, row),
                (None, _, None) | (None, Some(_), _) => self.add(row),
                (Some(at), _, Some(mark)) => self.stale(at, row, mark),
                (Some(_), _, None) => self.plan.conflict(row.number, Some(self.heads.mark), Words::new(
                    format!("「{}」は台帳にありますが、照合値がありません。書き出し直した表で直してください", row.id()),
                    format!("`{}` is in the policy, and its digest is missing: export anew and change that sheet", row.id()),
                )),
                (None, None, Some(_)) => self.plan.conflict(row.number, None, Words::new(
                    format!("「{}」は書き出した後に台帳から消えたか変わりました。行を消すか、照合値を空にして新しい許可にしてください", row.id()),
                    format!("`{}` was removed from the policy or changed since the export: remove the row, or empty its digest to add it anew", row.id()),
                )),
            }
        }
    }

    /// A row about a line that is as it was exported.
    fn change(&mut self, at: usize, row: &Row) {
        self.taken.insert(at, row.number);
        let line = &self.ledger.lines()[at];
        let mut wanted = Vec::new();
        for (place, field) in FIELDS.iter().enumerate() {
            let Some(new) = row.cells[place].as_ref().filter(|new| **new != line.cells[place]) else {
                continue;
            };
            let Some(cell) = self.read(field, place, row.number, new) else { continue };
            let shown = cell.as_ref().map_or_else(String::new, Cell::shown);
            if shown == line.cells[place] {
                continue;
            }
            let at = Place { row: row.number, column: self.heads.fields[place] };
            let old = line.cells[place].clone();
            let (key, heading) = (field.key, field.name.ja);
            self.plan.changes.push(Change { at, id: line.id().to_owned(), key, heading, old, new: shown });
            wanted.push((field, cell));
        }
        if !wanted.is_empty() && !line.is_own {
            self.not_own(row.number, line);
        }
        self.edits.push(Wanted::Change(at, wanted));
    }

    fn not_own(&mut self, row: usize, line: &Line) {
        let (id, file) = (line.id(), &line.file);
        self.plan.conflict(row, None, Words::new(
            format!("「{id}」は読み込まれるファイル {file} にあり、ここからは変えられません。そのファイルを直してください"),
            format!("`{id}` stands in the included file {file} and is not changed from here: edit that file"),
        ));
    }

    /// A cell's meaning; `None` when it has none, which is told.
    fn read(&mut self, field: &Field, place: usize, row: usize, text: &str) -> Option<Option<Cell>> {
        let read = field.read(text, self.ledger.policy().clock());
        let read =
            read.and_then(|cell| match cell.as_ref().and_then(|cell| self.ledger.fault(field, cell)) {
                Some(fault) => Err(fault),
                None => Ok(cell),
            });
        read.map_err(|words| self.plan.conflict(row, self.heads.fields[place], words)).ok()
    }

    fn add(&mut self, row: &Row) {
        let mut cells = Vec::new();
        for (place, field) in FIELDS.iter().enumerate() {
            let text = row.cells[place].as_deref().unwrap_or_default();
            let Some(cell) = self.read(field, place, row.number, text) else { continue };
            cells.extend(cell.map(|cell| (field.key, cell)));
        }
        self.plan.added.push((row.number, row.id().to_owned()));
        self.edits.push(Wanted::Add(cells));
    }

    /// A row about a line that is no more what it was.
    fn stale(&mut self, at: usize, row: &Row, mark: &Mark) {
        self.taken.insert(at, row.number);
        let line = &self.ledger.lines()[at];
        let cells: Option<Vec<String>> = row.cells.iter().cloned().collect();
        let is_untouched = cells.is_some_and(|cells| row_digest(&cells) == mark.row);
        let differing: Vec<_> = (0..FIELDS.len())
            .filter(|place| row.cells[*place].as_ref().is_some_and(|cell| *cell != line.cells[*place]))
            .collect();
        self.edits.push(Wanted::Change(at, Vec::new()));
        if is_untouched {
            self.plan.remarks.push(Words::new(
                format!("{}行「{}」: 書き出した後に台帳が変わりました。表では変わっていないので、台帳のままにします", row.number, line.id()),
                format!("row {} `{}`: the policy changed since the export and the sheet did not; the policy stays", row.number, line.id()),
            ));
            return;
        }
        for place in differing {
            let (policy, sheet) = (&line.cells[place], row.cells[place].as_deref().unwrap_or_default());
            self.plan.conflict(row.number, self.heads.fields[place], Words::new(
                format!("台帳も表も変わりました(台帳「{policy}」、表「{sheet}」)。書き出し直した表で直してください"),
                format!("policy and sheet both changed (policy `{policy}`, sheet `{sheet}`): export anew and change that sheet"),
            ));
        }
    }

    /// Lines that no row is about.
    fn missing(&mut self, remove: bool, is_of_now: bool) {
        let lines = self.ledger.lines();
        let missing: Vec<_> = (0..lines.len()).filter(|at| !self.taken.contains_key(at)).collect();
        self.plan.missing = missing.iter().map(|at| lines[*at].id().to_owned()).collect();
        if missing.is_empty() || !remove {
            return;
        }
        if !is_of_now {
            self.plan.conflict(0, None, Words::new(
                "書き出した後に台帳が変わったため、表に無い行が消されたのか後から加わったのか分かりません。書き出し直した表で消してください",
                "the policy changed since the export, so a row that is not there may have been removed or added later: export anew and remove it there",
            ));
        }
        for at in missing {
            if !lines[at].is_own {
                self.not_own(0, &lines[at]);
            }
        }
    }

    fn finish(mut self) -> Plan {
        let edit = match self.ledger.edit() {
            Ok(edit) => edit,
            Err(_) if self.plan.is_empty() => return self.unchanged(),
            Err(words) => {
                self.plan.conflict(0, None, words);
                return self.plan;
            }
        };
        if self.plan.conflicts.is_empty() {
            self.write(edit);
        }
        self.plan
    }

    fn unchanged(mut self) -> Plan {
        if self.plan.conflicts.is_empty() {
            self.plan.expected = expected(self.ledger.lines());
            self.plan.text = Some(self.ledger.text().to_owned());
        }
        self.plan
    }

    fn write(&mut self, mut edit: Edit<'_>) {
        let lines = self.ledger.lines();
        let mut rows = expected(lines);
        for wanted in &self.edits {
            match wanted {
                Wanted::Change(at, cells) if !cells.is_empty() => {
                    let line = &lines[*at];
                    let mut row = line.cells.clone();
                    for (field, cell) in cells {
                        edit.set(line.place, field.key, cell.as_ref());
                        let place =
                            FIELDS.iter().position(|known| known.key == field.key).unwrap_or_default();
                        row[place] = cell.as_ref().map_or_else(String::new, Cell::shown);
                    }
                    rows.remove(line.id());
                    rows.insert(row[0].clone(), row);
                }
                Wanted::Change(..) => {}
                Wanted::Add(cells) => {
                    edit.append(cells);
                    let shown = |key: &str| {
                        cells.iter().find(|(known, _)| *known == key).map(|(_, cell)| cell.shown())
                    };
                    let row: Vec<_> =
                        FIELDS.iter().map(|field| shown(field.key).unwrap_or_default()).collect();
                    rows.insert(row[0].clone(), row);
                }
            }
        }
        let gone =
            lines.iter().enumerate().filter(|(at, _)| self.plan.is_removing && !self.taken.contains_key(at));
        for (_, line) in gone {
            edit.comment_out(line.place);
            rows.remove(line.id());
        }
        self.plan.expected = rows;
        self.plan.text = Some(edit.finish());
    }
}

fn expected(lines: &[Line]) -> BTreeMap<String, Vec<String>> {
    lines.iter().map(|line| (line.id().to_owned(), line.cells.clone())).collect()
}
