//! CSV as Japanese Excel reads it: UTF-8 with a mark in front, CRLF, no cell that becomes a formula.

use super::{
    bound::{Fault, Table},
    formula::{guarded, unguarded},
};

/// Without it Excel in Japan takes UTF-8 for Shift_JIS.
const MARK: &str = "\u{feff}";

/// Writes a table.
#[must_use]
pub fn write_csv(rows: &[Vec<String>]) -> Vec<u8> {
    let mut writer = csv::WriterBuilder::new()
        .flexible(true)
        .terminator(csv::Terminator::CRLF)
        .from_writer(MARK.as_bytes().to_vec());
    for row in rows {
        // Writing into memory does not fail, and rows of any length are taken.
        let _ = writer.write_record(row.iter().map(|text| guarded(text).into_owned()));
    }
    writer.into_inner().unwrap_or_default()
}

/// Reads a table.
///
/// # Errors
/// When it is not UTF-8, or more than a table may be.
pub fn read_csv(bytes: &[u8]) -> Result<Table, Fault> {
    let bytes = bytes.strip_prefix(MARK.as_bytes()).unwrap_or(bytes);
    let mut reader = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(bytes);
    let mut table = Table::default();
    let mut record = csv::ByteRecord::new();
    let mut number = 0;
    // Reading from memory any bytes are some records.
    while reader.read_byte_record(&mut record).unwrap_or(false) {
        for (column, cell) in record.iter().enumerate() {
            let text = std::str::from_utf8(cell).map_err(|_| Fault::Encoding(number + 1))?;
            table.put(number, column, unguarded(text).to_owned())?;
        }
        number += 1;
    }
    Ok(table)
}
