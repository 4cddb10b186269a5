//! The ledger as a sheet: headings, rows, digests, and what a clerk needs to know.

use std::{fmt::Write as _, path::Path};

use sha2::{Digest as _, Sha256};

use crate::{
    ground::sheet::{Column, Workbook},
    policy::language::{FIELDS, Ledger, Line, Shape},
};

/// Name of the sheet with the channels.
pub(super) const SHEET: &str = "通信許可台帳";
/// Heading of the column that says in which file a channel stands.
pub(super) const FILE: &str = "ファイル";
/// Heading of the column with the digests.
pub(super) const MARK: &str = "照合値";

const NOTES_SHEET: &str = "使い方";

/// What a row says of the moment of its export: digests of its cells and of the whole ledger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Mark {
    pub(super) row: String,
    pub(super) ledger: String,
}

impl Mark {
    /// `r` keeps a spreadsheet from taking it for a number.
    fn text(&self) -> String {
        format!("r{}-{}", self.row, self.ledger)
    }

    pub(super) fn read(text: &str) -> Option<Self> {
        let (row, ledger) = text.trim().strip_prefix('r')?.split_once('-')?;
        let is_digest = |text: &str| text.len() == 16 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        (is_digest(row) && is_digest(ledger)).then(|| Self { row: row.to_owned(), ledger: ledger.to_owned() })
    }
}

/// The first 64 bits of a SHA-256 over texts and their lengths: against mistakes, not against forgers.
fn digest<'a>(texts: impl Iterator<Item = &'a str>) -> String {
    let mut hash = Sha256::new();
    for text in texts {
        hash.update((text.len() as u64).to_be_bytes());
        hash.update(text);
    }
    hash.finalize().iter().take(8).fold(String::new(), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

/// The digest of a row.
pub(super) fn row_digest(cells: &[String]) -> String {
    digest(cells.iter().map(String::as_str))
}

/// The digest of a ledger.
pub(super) fn ledger_digest(lines: &[Line]) -> String {
    let rows: Vec<_> = lines.iter().map(|line| row_digest(&line.cells)).collect();
    digest(rows.iter().map(String::as_str))
}

/// All channels of a policy as a table with headings.
#[must_use]
pub fn rows(ledger: &Ledger) -> Vec<Vec<String>> {
    let heads = FIELDS.iter().map(|field| field.name.ja).chain([FILE, MARK]);
    let mut rows = vec![heads.map(str::to_owned).collect::<Vec<_>>()];
    let whole = ledger_digest(ledger.lines());
    let own = ledger.policy().meta().files.first().map_or("", |file| &file.name);
    for line in ledger.lines() {
        let mark = Mark { row: row_digest(&line.cells), ledger: whole.clone() };
        let mut row = line.cells.clone();
        row.extend([beside(&line.file, own), mark.text()]);
        rows.push(row);
    }
    rows
}

/// A file as the policy's own folder knows it: where that folder lies is nobody's business.
fn beside(file: &str, own: &str) -> String {
    let folder = Path::new(own).parent().unwrap_or_else(|| Path::new(""));
    Path::new(file).strip_prefix(folder).map_or_else(|_| file.to_owned(), |path| path.display().to_string())
}

/// The same as a workbook, handed to whoever writes it.
pub fn with_workbook<T>(ledger: &Ledger, write: impl FnOnce(&Workbook<'_>) -> T) -> T {
    let rows = rows(ledger);
    let mut columns: Vec<_> = FIELDS
        .iter()
        .map(|field| Column {
            width: match (field.key, field.shape) {
                ("purpose_ja" | "note_ja", _) => 36,
                ("id" | "from" | "to" | "services", _) => 22,
                (_, Shape::Moment { .. }) => 27,
                _ => 16,
            },
            choices: match field.shape {
                Shape::Word(words) => words,
                Shape::Flag => &["はい", "いいえ"],
                _ => &[],
            },
        })
        .collect();
    columns.push(Column { width: 24, choices: &[] });
    columns.push(Column { width: 36, choices: &[] });
    let notes = notes(ledger);
    write(&Workbook { sheet: SHEET, rows: &rows, columns: &columns, notes_sheet: NOTES_SHEET, notes: &notes })
}

fn notes(ledger: &Ledger) -> Vec<Vec<String>> {
    let meta = ledger.policy().meta();
    let row = |cells: &[&str]| cells.iter().map(|cell| (*cell).to_owned()).collect::<Vec<_>>();
    let mut notes = vec![
        row(&["台帳", &meta.title_ja]),
        row(&["版", &meta.version]),
        row(&["承認", &meta.approval]),
        row(&[]),
        row(&["直す", "", "セルを書き換えます。書き換えたセルだけが台帳に入り、ほかはそのまま残ります。"]),
        row(&[
            "増やす",
            "",
            "最後の行の下に書きます。「照合値」と「ファイル」は空のままにします。行をコピーして許可IDを変えても増やせます。",
        ]),
        row(&[
            "消す",
            "",
            "行を消します。取り込むときに --remove を付けたときだけ台帳から外れます(コメントとして残ります)。",
        ]),
        row(&[
            "照合値",
            "",
            "書き換えないでください。書き出した後に台帳のほうが変わっていないかを確かめる値です。",
        ]),
        row(&[
            "取り込む",
            "",
            "sekisho policy ledger import 台帳.toml このファイル --check で確かめ、--out 新しい台帳.toml で書き出します。",
        ]),
        row(&["承認", "", "取り込みは承認ではありません。承認番号は決裁の後で書いてください。"]),
        row(&[]),
        row(&["列", "項目名", "書き方(*は必ず書く列)"]),
    ];
    for field in FIELDS {
        let star = if field.is_needed { "*" } else { "" };
        notes.push(row(&[field.name.ja, field.key, &format!("{star}{}", field.doc_ja)]));
    }
    notes
}
