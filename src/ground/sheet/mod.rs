//! Plain tables of text, to and from CSV and XLSX. No meaning here: rows and columns only. Home of `csv`, `zip`, `quick_xml`
//! and `rust_xlsxwriter`.
//!
//! What is written comes back the same, and nothing in it becomes a formula. What is read may be anybody's: it is bounded
//! before it is believed.

mod bound;
mod csv_file;
mod formula;
mod xlsx_read;
mod xlsx_write;

pub use bound::{Fault, Table};
pub use csv_file::{read_csv, write_csv};
pub use xlsx_read::read_xlsx;
pub use xlsx_write::{Column, Workbook, write_xlsx};

use crate::ground::model::limits::SHEET_COLUMNS_MAX;

/// The letters over a column, as spreadsheets count: 0 is A, 26 is AA.
#[must_use]
pub fn column_letters(mut column: usize) -> String {
    let mut letters = Vec::new();
    loop {
        letters.push(char::from(b'A' + u8::try_from(column % 26).unwrap_or_default()));
        match column / 26 {
            0 => break,
            rest => column = rest - 1,
        }
    }
    letters.iter().rev().collect()
}

/// A table of any bytes: a workbook when they are packed as one, else CSV.
///
/// # Errors
/// When they are neither, or more than a table may be.
pub fn read(bytes: &[u8], sheet: &str) -> Result<Table, Fault> {
    if bytes.starts_with(b"PK\x03\x04") { read_xlsx(bytes, sheet) } else { read_csv(bytes) }
}

const _: () = assert!(SHEET_COLUMNS_MAX < 16_384, "no more than a workbook has");

#[cfg(test)]
mod stories;
