//! A workbook with one table and a sheet that explains it. Every cell is text, so nothing is run and nothing is rewritten.

use rust_xlsxwriter::{
    Color, DataValidation, DocProperties, ExcelDateTime, Format, FormatAlign, FormatBorder, Worksheet,
    XlsxError,
};

use super::bound::Fault;

/// How a column is shown.
#[derive(Clone, Copy, Debug)]
pub struct Column {
    /// Its width in letters of half width.
    pub width: u16,
    /// What may be chosen in its cells; empty for free text.
    pub choices: &'static [&'static str],
}

/// What is written.
#[derive(Clone, Copy, Debug)]
pub struct Workbook<'a> {
    /// Name of the sheet with the table.
    pub sheet: &'a str,
    /// The table, its headings first.
    pub rows: &'a [Vec<String>],
    /// Its columns.
    pub columns: &'a [Column],
    /// Name of the sheet that explains.
    pub notes_sheet: &'a str,
    /// Its rows.
    pub notes: &'a [Vec<String>],
}

/// Rows below the table whose cells offer their choices too.
const SPARE_ROWS: usize = 1_000;

/// Writes a workbook; the same one gives the same bytes.
///
/// # Errors
/// When a text or the table is longer than a workbook takes.
pub fn write_xlsx(workbook: &Workbook<'_>) -> Result<Vec<u8>, Fault> {
    written(workbook).map_err(|error| Fault::Unwritable(error.to_string()))
}

fn written(workbook: &Workbook<'_>) -> Result<Vec<u8>, XlsxError> {
    let mut file = rust_xlsxwriter::Workbook::new();
    // Else the moment of writing would stand in it.
    let properties = DocProperties::new().set_creation_datetime(&ExcelDateTime::from_ymd(2000, 1, 1)?);
    file.set_properties(&properties);
    let table = file.add_worksheet().set_name(workbook.sheet)?;
    heads(table, workbook)?;
    let text = Format::new().set_num_format("@");
    for (row, cells) in (0..).zip(workbook.rows).skip(1) {
        for (column, cell) in (0..).zip(cells).filter(|(_, cell)| !cell.is_empty()) {
            table.write_string_with_format(row, column, cell, &text)?;
        }
    }
    let notes = file.add_worksheet().set_name(workbook.notes_sheet)?;
    explain(notes, workbook.notes)?;
    file.save_to_buffer()
}

fn heads(table: &mut Worksheet, workbook: &Workbook<'_>) -> Result<(), XlsxError> {
    let head = Format::new()
        .set_num_format("@")
        .set_bold()
        .set_background_color(Color::RGB(0x00DD_E6F0))
        .set_border_bottom(FormatBorder::Thin)
        .set_align(FormatAlign::Top);
    let text = Format::new().set_num_format("@");
    let last_row = u32::try_from(workbook.rows.len() + SPARE_ROWS).unwrap_or(u32::MAX);
    for (number, column) in (0..).zip(workbook.columns) {
        table.set_column_width(number, column.width)?;
        table.set_column_format(number, &text)?;
        if !column.choices.is_empty() {
            let choices = DataValidation::new().allow_list_strings(column.choices)?;
            table.add_data_validation(1, number, last_row, number, &choices)?;
        }
    }
    for (number, heading) in (0..).zip(workbook.rows.first().into_iter().flatten()) {
        table.write_string_with_format(0, number, heading, &head)?;
    }
    table.set_freeze_panes(1, 1)?;
    Ok(())
}

fn explain(sheet: &mut Worksheet, notes: &[Vec<String>]) -> Result<(), XlsxError> {
    let wrapped = Format::new().set_num_format("@").set_text_wrap().set_align(FormatAlign::Top);
    for (column, width) in [(0, 24), (1, 24), (2, 90)] {
        sheet.set_column_width(column, width)?;
    }
    for (row, cells) in (0..).zip(notes) {
        for (column, cell) in (0..).zip(cells).filter(|(_, cell)| !cell.is_empty()) {
            sheet.write_string_with_format(row, column, cell, &wrapped)?;
        }
    }
    Ok(())
}
