//! CSV with a header, as Excel writes it: `type,value[,note]`. The type is name or block, in either language.

use super::{Fault, Format, Oddity, Place, Shape, gather::Gather, select::Picker};
use crate::ground::model::lang::{Text, Words};

pub(super) static FORMAT: Format = Format {
    name: "csv",
    title: Text { ja: "CSV(type,value[,note])", en: "CSV (type,value[,note])" },
    keys: &[],
    needs_selection: false,
    is_own: true,
    fits: |shape| matches!(shape, Shape::Text(line) if columns(line).is_some()),
    read,
};

const NAMES: &[&str] = &["fqdn", "name", "url", "名前"];
const BLOCKS: &[&str] = &["block", "cidr", "ip", "ip_range", "範囲", "アドレス"];

fn read(text: &str, _: &mut Picker<'_>, gather: &mut Gather) -> Result<(), Fault> {
    let mut rows = rows(text);
    let Some((kind, value)) = rows.next().and_then(|(_, header)| place_of(&header)) else {
        return Err(Fault::at(
            Place::Line(1),
            Words::new(
                "1行目は見出し type,value[,note] です",
                "the first line must be the header type,value[,note]",
            ),
        ));
    };
    for (number, row) in rows {
        let place = Place::Line(number);
        let cell = |column: usize| row.get(column).map_or("", |cell| cell.trim());
        let (kind, value) = (cell(kind).to_lowercase(), cell(value));
        match () {
            () if kind.is_empty() && value.is_empty() => {}
            () if NAMES.contains(&kind.as_str()) => gather.name(value, place)?,
            () if BLOCKS.contains(&kind.as_str()) => gather.block(value, place, false)?,
            () => gather.left_out(value, place, Oddity::UnknownKind)?,
        }
    }
    Ok(())
}

/// Where type and value stand in a header.
fn place_of(header: &[String]) -> Option<(usize, usize)> {
    let find =
        |names: &[&str]| header.iter().position(|cell| names.contains(&cell.trim().to_lowercase().as_str()));
    find(&["type", "種類"]).zip(find(&["value", "値"]))
}

fn columns(header: &str) -> Option<(usize, usize)> {
    rows(header).next().and_then(|(_, header)| place_of(&header))
}

/// The rows with the numbers of the lines they begin in (RFC 4180: a quoted cell may hold commas, lines and doubled
/// quotes).
fn rows(text: &str) -> impl Iterator<Item = (u32, Vec<String>)> {
    let mut letters = text.chars().peekable();
    let mut line = 1;
    std::iter::from_fn(move || {
        letters.peek()?;
        let begin = line;
        let (mut row, mut cell, mut is_quoted) = (Vec::new(), String::new(), false);
        while let Some(letter) = letters.next() {
            line += u32::from(letter == '\n');
            match letter {
                '"' if is_quoted && letters.peek() == Some(&'"') => {
                    letters.next();
                    cell.push('"');
                }
                '"' if is_quoted || cell.is_empty() => is_quoted = !is_quoted,
                ',' if !is_quoted => row.push(std::mem::take(&mut cell)),
                '\n' if !is_quoted => break,
                '\r' if !is_quoted => {}
                _ => cell.push(letter),
            }
        }
        row.push(cell);
        Some((begin, row))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quoted_cell_holds_commas_lines_and_quotes() {
        let rows: Vec<_> = rows("a,\"b, \"\"c\"\"\r\nd\"\r\n\r\ne,f").collect();
        assert_eq!(rows[0], (1, vec!["a".to_owned(), "b, \"c\"\r\nd".to_owned()]));
        assert_eq!(rows[1], (3, vec![String::new()]));
        assert_eq!(rows[2], (4, vec!["e".to_owned(), "f".to_owned()]));
    }
}
