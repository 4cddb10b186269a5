//! Tables go out and come back, and no bytes break a reader.

use std::io::{Cursor, Write as _};

use proptest::prelude::*;
use zip::{ZipWriter, write::SimpleFileOptions};

use super::*;

fn table(rows: &[&[&str]]) -> Vec<Vec<String>> {
    rows.iter().map(|row| row.iter().map(|cell| (*cell).to_owned()).collect()).collect()
}

fn workbook(rows: &[Vec<String>]) -> Vec<u8> {
    let columns = [Column { width: 20, choices: &["a", "b"] }];
    let notes = table(&[&["説明"]]);
    let workbook =
        Workbook { sheet: "台帳", rows, columns: &columns, notes_sheet: "説明", notes: &notes };
    write_xlsx(&workbook).unwrap()
}

/// The same rows without what is empty at their ends.
fn trimmed(rows: &[Vec<String>]) -> Vec<Vec<String>> {
    let end = |row: &Vec<String>| row.iter().rposition(|cell| !cell.is_empty()).map_or(0, |last| last + 1);
    let mut rows: Vec<_> = rows.iter().map(|row| row[..end(row)].to_vec()).collect();
    while rows.last().is_some_and(Vec::is_empty) {
        rows.pop();
    }
    rows
}

#[test]
fn a_cell_that_begins_a_formula_is_text_in_both_formats_and_comes_back_unchanged() {
    let rows = table(&[&[
        "=cmd|'/c calc'!A0",
        "+1",
        "-1",
        "@SUM(1)",
        "\tx",
        " =1",
        "'x",
        "''=1",
        "＝1",
        "0012",
        "3-2-3",
        "1048576",
        "06:30-23:00",
        "2-2-3(1)①",
        "",
    ]]);
    let csv = String::from_utf8(write_csv(&rows)).unwrap();
    let body = csv.strip_prefix('\u{feff}').unwrap();
    assert!(
        body.ends_with("\r\n") && body.contains("'=cmd") && body.contains("'0012") && body.contains("'3-2-3"),
        "{body}"
    );
    assert!(
        body.contains(",1048576,06:30-23:00,2-2-3(1)①,"),
        "what nobody rewrites has nothing in front: {body}"
    );
    for cell in body.trim_end().split(',') {
        assert!(!cell.starts_with(['=', '+', '-', '@', '\t']), "{cell}");
    }
    assert_eq!(trimmed(read_csv(csv.as_bytes()).unwrap().rows()), trimmed(&rows));
    assert_eq!(trimmed(read_xlsx(&workbook(&rows), "台帳").unwrap().rows()), trimmed(&rows));
}

#[test]
fn the_same_table_gives_the_same_workbook() {
    let rows = table(&[&["見出し"], &["値"]]);
    assert_eq!(workbook(&rows), workbook(&rows));
}

#[test]
fn a_file_in_shift_jis_is_told_with_its_row() {
    let fault = read_csv(b"id\r\n\x93\xfa\x96{\r\n").unwrap_err();
    assert!(fault.told().ja.starts_with("2行目がUTF-8ではありません"), "{fault}");
}

#[test]
fn the_letters_over_a_column_are_those_of_a_spreadsheet() {
    let letters: Vec<_> = [0, 25, 26, 51, 52, 701, 702].into_iter().map(column_letters).collect();
    assert_eq!(letters, ["A", "Z", "AA", "AZ", "BA", "ZZ", "AAA"]);
}

/// A workbook by hand: how other programs write one.
fn packed(sheet: &str, strings: &str) -> Vec<u8> {
    let mut file = ZipWriter::new(Cursor::new(Vec::new()));
    let parts = [
        (
            "xl/workbook.xml",
            r#"<workbook><sheets><sheet name="a" r:id="r1"/><sheet name="台帳" r:id="r2"/></sheets></workbook>"#,
        ),
        (
            "xl/_rels/workbook.xml.rels",
            r#"<Relationships><Relationship Id="r2" Target="/xl/two.xml"/><Relationship Id="r1" Target="one.xml"/></Relationships>"#,
        ),
        ("xl/one.xml", "<worksheet><sheetData/></worksheet>"),
        ("xl/two.xml", sheet),
        ("xl/sharedStrings.xml", strings),
    ];
    for (name, text) in parts {
        file.start_file(name, SimpleFileOptions::default()).unwrap();
        file.write_all(text.as_bytes()).unwrap();
    }
    file.finish().unwrap().into_inner()
}

#[test]
fn what_excel_writes_beside_the_text_is_passed_over() {
    let strings = "<sst uniqueCount=\"99999999999999999999\"><si><t>霞</t><rPh sb=\"0\" eb=\"1\"><t>カスミ</t></rPh></si>\
                   <si><r><t>a&amp;</t></r><r><t xml:space=\"preserve\"> b</t></r></si></sst>";
    let sheet = "<worksheet><sheetData><row r=\"2\"><c r=\"A2\" t=\"s\"><v>0</v></c><c t=\"s\"><v>1</v></c>\
                 <c r=\"D2\"><f>1+1</f><v>1.048576E6</v></c><c t=\"b\"><v>1</v></c><c t=\"inlineStr\"><is><t>_x0041__x</t></is></c>\
                 </row></sheetData></worksheet>";
    let table = read_xlsx(&packed(sheet, strings), "台帳").unwrap();
    assert_eq!(table.rows()[1], ["霞", "a& b", "", "1048576", "TRUE", "A_x"]);
    assert_eq!(table.cell(9, 9), "");
    assert!(
        read_xlsx(&packed(sheet, strings), "none").unwrap().rows().is_empty(),
        "the first sheet is empty"
    );
}

#[test]
fn a_workbook_that_lies_about_its_size_is_refused() {
    let far = "<worksheet><sheetData><row r=\"1048576\"><c r=\"XFD1048576\" t=\"str\"><v>x</v></c></row></sheetData></worksheet>";
    assert!(matches!(read_xlsx(&packed(far, "<sst/>"), "台帳"), Err(Fault::TooLarge)));
    let cut = "<worksheet><sheetData><row>";
    assert!(matches!(read_xlsx(&packed(cut, "<sst/>"), "台帳"), Err(Fault::Workbook(_))));
    let once = format!("<sst><si><t>{}</t></si></sst>", "x".repeat(1 << 20));
    let often = format!(
        "<worksheet><sheetData><row>{}</row></sheetData></worksheet>",
        "<c t=\"s\"><v>0</v></c>".repeat(100)
    );
    assert!(
        matches!(read_xlsx(&packed(&often, &once), "台帳"), Err(Fault::TooLarge)),
        "one text, a hundred times"
    );
}

proptest! {
    #[test]
    fn any_table_comes_back_from_both_formats(rows in prop::collection::vec(prop::collection::vec(".{0,12}", 1..5), 1..6)) {
        let csv = read_csv(&write_csv(&rows)).unwrap();
        prop_assert_eq!(trimmed(csv.rows()), trimmed(&rows));
        let xlsx = read_xlsx(&workbook(&rows), "台帳").unwrap();
        prop_assert_eq!(trimmed(xlsx.rows()), trimmed(&rows));
    }

    #[test]
    fn no_bytes_break_a_reader(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let _ = read(&bytes, "台帳");
        let _ = read_xlsx(&bytes, "台帳");
    }

    #[test]
    fn a_damaged_workbook_breaks_no_reader(at in any::<prop::sample::Index>(), with in any::<u8>()) {
        let mut bytes = workbook(&table(&[&["見出し", "a"], &["b", "c"]]));
        let place = at.index(bytes.len());
        bytes[place] = with;
        let _ = read(&bytes, "台帳");
    }
}
