//! A table while it grows, and why it does not.

use crate::ground::model::{
    lang::Words,
    limits::{SHEET_CELLS_MAX, SHEET_COLUMNS_MAX, SHEET_ROWS_MAX, SHEET_TEXT_MAX},
};

/// A table of text. Rows need not be equally long; what is behind a row's end is empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Table {
    rows: Vec<Vec<String>>,
    cells: usize,
    text_len: usize,
}

impl Table {
    /// The rows, the headings among them.
    #[must_use]
    pub fn rows(&self) -> &[Vec<String>] {
        &self.rows
    }

    /// The text of a cell, both counted from 0.
    #[must_use]
    pub fn cell(&self, row: usize, column: usize) -> &str {
        self.rows.get(row).and_then(|row| row.get(column)).map_or("", String::as_str)
    }

    /// Puts a text into a cell. An empty one takes no place.
    ///
    /// # Errors
    /// When the table would be larger than a table may be.
    pub(super) fn put(&mut self, row: usize, column: usize, text: String) -> Result<(), Fault> {
        if text.is_empty() {
            return Ok(());
        }
        if row >= SHEET_ROWS_MAX || column >= SHEET_COLUMNS_MAX {
            return Err(Fault::TooLarge);
        }
        if self.rows.len() <= row {
            self.rows.resize_with(row + 1, Vec::new);
        }
        let cells = &mut self.rows[row];
        let added = (column + 1).saturating_sub(cells.len());
        self.cells += added;
        self.text_len += text.len();
        if self.cells > SHEET_CELLS_MAX || self.text_len > SHEET_TEXT_MAX {
            return Err(Fault::TooLarge);
        }
        if added > 0 {
            cells.resize_with(column + 1, String::new);
        }
        cells[column] = text;
        Ok(())
    }
}

/// Why something is no table.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// More rows, columns, cells or text than a table may have.
    #[error(
        "larger than a table may be ({SHEET_ROWS_MAX} rows, {SHEET_COLUMNS_MAX} columns): remove what does not belong to it"
    )]
    TooLarge,
    /// Not UTF-8; the row, from 1.
    #[error("row {0} is not UTF-8: save as \"CSV UTF-8\" or as .xlsx")]
    Encoding(usize),
    /// The container or one of its parts.
    #[error("not a workbook that can be read ({0}): open it in Excel or LibreOffice and save it as .xlsx")]
    Workbook(String),
    /// A text longer than a cell of a workbook holds.
    #[error("cannot be written as a workbook ({0}): write it as .csv")]
    Unwritable(String),
}

impl Fault {
    /// For people.
    #[must_use]
    pub fn told(&self) -> Words {
        let ja = match self {
            Self::TooLarge => format!(
                "表が大きすぎます({SHEET_ROWS_MAX}行、{SHEET_COLUMNS_MAX}列まで)。台帳でない部分を消してください"
            ),
            Self::Encoding(row) => format!(
                "{row}行目がUTF-8ではありません。Excelで「CSV UTF-8(コンマ区切り)」か .xlsx として保存してください"
            ),
            Self::Workbook(reason) => {
                format!(
                    "ブックとして読めません({reason})。ExcelかLibreOfficeで開き、.xlsx で保存し直してください"
                )
            }
            Self::Unwritable(reason) => format!("ブックとして書けません({reason})。.csv で書いてください"),
        };
        Words::new(ja, self.to_string())
    }
}
