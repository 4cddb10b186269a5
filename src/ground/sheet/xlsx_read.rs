//! The text of one sheet of a workbook (ECMA-376 part 1, sections 18.2 to 18.4), part after part as it is unpacked. Formats,
//! formulas and readings of kanji are passed over: a cell is what it shows, a number as it is kept.

use std::{
    collections::BTreeMap,
    io::{BufReader, Cursor, Read as _, Take},
};

use quick_xml::{
    Reader, XmlVersion,
    escape::resolve_predefined_entity,
    events::{BytesRef, BytesStart, Event},
};
use zip::{ZipArchive, read::ZipFile};

use super::bound::{Fault, Table};
use crate::ground::model::limits::{SHEET_CELLS_MAX, SHEET_PART_LEN_MAX, SHEET_TEXT_MAX};

type Archive<'a> = ZipArchive<Cursor<&'a [u8]>>;
type Part<'a, 'b> = Reader<BufReader<Take<ZipFile<'a, Cursor<&'b [u8]>>>>>;

/// Reads the sheet of this name; the first one where there is none.
///
/// # Errors
/// When it is no workbook, or more than a table may be.
pub fn read_xlsx(bytes: &[u8], sheet: &str) -> Result<Table, Fault> {
    let mut archive = ZipArchive::new(Cursor::new(bytes)).map_err(fault)?;
    let path = sheet_path(&mut archive, sheet)?;
    let strings = match archive.index_for_name("xl/sharedStrings.xml") {
        Some(_) => shared_strings(&mut part(&mut archive, "xl/sharedStrings.xml")?)?,
        None => Vec::new(),
    };
    cells(&mut part(&mut archive, &path)?, &strings)
}

fn fault(error: impl std::fmt::Display) -> Fault {
    Fault::Workbook(error.to_string())
}

fn part<'a, 'b>(archive: &'a mut Archive<'b>, path: &str) -> Result<Part<'a, 'b>, Fault> {
    let file = archive.by_name(path).map_err(|error| Fault::Workbook(format!("{path}: {error}")))?;
    // One byte more than may be is an end in the middle, which is refused.
    let mut reader = Reader::from_reader(BufReader::new(file.take(SHEET_PART_LEN_MAX)));
    // `<a/>` is then `<a></a>`.
    reader.config_mut().expand_empty_elements = true;
    Ok(reader)
}

/// The path of the sheet's part: the workbook names relations, and these name parts.
fn sheet_path(archive: &mut Archive<'_>, sheet: &str) -> Result<String, Fault> {
    let mut relation = None;
    each(&mut part(archive, "xl/workbook.xml")?, |event| {
        if let Told::Start(element) = event
            && element.local_name().as_ref() == "sheet"
        {
            let is_named = attribute(element, "name")?.is_some_and(|name| name == sheet);
            if is_named || relation.is_none() {
                relation = attribute(element, "id")?;
            }
        }
        Ok(())
    })?;
    let Some(relation) = relation else { return Err(fault("no sheet")) };
    let mut targets = BTreeMap::new();
    each(&mut part(archive, "xl/_rels/workbook.xml.rels")?, |event| {
        if let Told::Start(element) = event
            && let Some((id, target)) = attribute(element, "Id")?.zip(attribute(element, "Target")?)
            && targets.len() < SHEET_CELLS_MAX
        {
            targets.insert(id, target);
        }
        Ok(())
    })?;
    let target = targets.remove(&relation).ok_or_else(|| fault("no part of the sheet"))?;
    Ok(target.strip_prefix('/').map_or_else(|| format!("xl/{target}"), str::to_owned))
}

fn shared_strings(part: &mut Part<'_, '_>) -> Result<Vec<String>, Fault> {
    let mut strings = Vec::new();
    let mut text = Texts::default();
    let mut text_len = 0;
    each(part, |event| {
        text.take(event);
        if let Told::End("si") = event {
            text_len += text.held.len();
            if strings.len() >= SHEET_CELLS_MAX || text_len > SHEET_TEXT_MAX {
                return Err(Fault::TooLarge);
            }
            strings.push(plain(&std::mem::take(&mut text.held)));
        }
        Ok(())
    })?;
    Ok(strings)
}

/// Where the next cell is, and what is known of this one.
#[derive(Default)]
struct Cursors {
    row: usize,
    column: usize,
    kind: String,
    value: String,
    is_value: bool,
}

fn cells(part: &mut Part<'_, '_>, strings: &[String]) -> Result<Table, Fault> {
    let mut table = Table::default();
    let mut at = Cursors::default();
    let mut text = Texts::default();
    each(part, |event| {
        text.take(event);
        match event {
            Told::Start(element) => at.start(element, &mut text)?,
            Told::Text(more) if at.is_value => at.value.push_str(more),
            Told::Text(_) => {}
            Told::End("v") => at.is_value = false,
            Told::End("c") => {
                let shown = at.shown(&std::mem::take(&mut text.held), strings)?;
                table.put(at.row, at.column, shown)?;
                at.column += 1;
            }
            Told::End("row") => (at.row, at.column) = (at.row + 1, 0),
            Told::End(_) => {}
        }
        Ok(())
    })?;
    Ok(table)
}

impl Cursors {
    fn start(&mut self, element: &BytesStart<'_>, text: &mut Texts) -> Result<(), Fault> {
        match element.local_name().as_ref() {
            "row" => {
                if let Some(number) = attribute(element, "r")? {
                    self.row = row_number(&number).ok_or_else(|| fault("a row without number"))?;
                }
                self.column = 0;
            }
            "c" => {
                if let Some(place) = attribute(element, "r")? {
                    (self.row, self.column) =
                        place_of(&place).ok_or_else(|| fault("a cell without place"))?;
                }
                self.kind = attribute(element, "t")?.unwrap_or_default();
                self.value.clear();
                text.held.clear();
            }
            "v" => self.is_value = true,
            _ => {}
        }
        Ok(())
    }

    /// What the cell shows.
    fn shown(&self, inline: &str, strings: &[String]) -> Result<String, Fault> {
        match self.kind.as_str() {
            "s" => {
                let string = self.value.trim().parse().ok().and_then(|number: usize| strings.get(number));
                string
                    .cloned()
                    .or_else(|| self.value.is_empty().then(String::new))
                    .ok_or_else(|| fault("no such text"))
            }
            "inlineStr" => Ok(plain(inline)),
            "str" => Ok(plain(&self.value)),
            "b" => Ok(if self.value.trim() == "1" { "TRUE" } else { "FALSE" }.to_owned()),
            "e" => Ok(self.value.clone()),
            _ => Ok(number(self.value.trim())),
        }
    }
}

/// A number without exponent where it is a whole one: 1.048576E6 is 1048576.
fn number(text: &str) -> String {
    const WHOLE_MAX: f64 = 9e15;
    match text.parse::<f64>() {
        Ok(number) if number.fract() == 0.0 && number.abs() < WHOLE_MAX => format!("{number:.0}"),
        _ => text.to_owned(),
    }
}

fn row_number(text: &str) -> Option<usize> {
    text.parse::<usize>().ok()?.checked_sub(1)
}

/// `B3` is row 2, column 1.
fn place_of(text: &str) -> Option<(usize, usize)> {
    let letters = text.bytes().take_while(u8::is_ascii_uppercase).count();
    let (letters, digits) =
        text.split_at_checked(letters).filter(|(letters, _)| (1..=3).contains(&letters.len()))?;
    let column = letters.bytes().fold(0, |column, letter| column * 26 + usize::from(letter - b'A') + 1);
    Some((row_number(digits)?, column - 1))
}

/// The text of the `t` elements of a string; `rPh` holds how kanji are read, and that is none.
#[derive(Default)]
struct Texts {
    held: String,
    is_text: bool,
    is_reading: bool,
}

impl Texts {
    fn take(&mut self, event: &Told<'_, '_>) {
        match event {
            Told::Start(element) => match element.local_name().as_ref() {
                "t" => self.is_text = true,
                "rPh" => self.is_reading = true,
                _ => {}
            },
            Told::End("t") => self.is_text = false,
            Told::End("rPh") => self.is_reading = false,
            Told::Text(text) if self.is_text && !self.is_reading => self.held.push_str(text),
            _ => {}
        }
    }
}

/// Section 22.9.2.19: `_x000D_` stands for a letter that XML cannot hold, and `_x005F_` for the line below before such.
fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find("_x") {
        plain.push_str(&rest[..start]);
        rest = &rest[start..];
        let hex = rest
            .get(2..6)
            .filter(|hex| rest[6..].starts_with('_') && hex.bytes().all(|byte| byte.is_ascii_hexdigit()));
        match hex.and_then(|hex| u32::from_str_radix(hex, 16).ok()).and_then(char::from_u32) {
            Some(letter) => {
                plain.push(letter);
                rest = &rest[7..];
            }
            None => {
                plain.push_str("_x");
                rest = &rest[2..];
            }
        }
    }
    plain.push_str(rest);
    plain
}

/// What the readers of parts need to know of XML.
enum Told<'a, 'b> {
    Start(&'a BytesStart<'b>),
    Text(&'a str),
    End(&'a str),
}

/// Hands on every element and text of a part, until it is over.
fn each(
    part: &mut Part<'_, '_>,
    mut take: impl FnMut(&Told<'_, '_>) -> Result<(), Fault>,
) -> Result<(), Fault> {
    let mut buffer = Vec::new();
    let mut depth = 0_u32;
    loop {
        buffer.clear();
        match part.read_event_into(&mut buffer).map_err(fault)? {
            Event::Start(element) => {
                depth += 1;
                take(&Told::Start(&element))?;
            }
            Event::End(element) => {
                depth = depth.saturating_sub(1);
                take(&Told::End(element.local_name().as_ref()))?;
            }
            Event::Text(text) => take(&Told::Text(&text.xml10_content()))?,
            Event::CData(text) => take(&Told::Text(&text.xml10_content()))?,
            Event::GeneralRef(reference) => take(&Told::Text(&referred(&reference)?))?,
            Event::Eof if depth == 0 => return Ok(()),
            Event::Eof => return Err(fault("it ends in the middle, or is too long")),
            _ => {}
        }
    }
}

/// `&amp;`, `&#10;`; nobody's own entities.
fn referred(reference: &BytesRef<'_>) -> Result<String, Fault> {
    if let Some(letter) = reference.resolve_char_ref().map_err(fault)? {
        return Ok(letter.into());
    }
    let name = reference.xml10_content();
    resolve_predefined_entity(&name).map(str::to_owned).ok_or_else(|| fault("an entity of its own"))
}

/// An attribute by its name without prefix.
fn attribute(element: &BytesStart<'_>, name: &str) -> Result<Option<String>, Fault> {
    for attribute in element.attributes().with_checks(false) {
        let attribute = attribute.map_err(fault)?;
        if attribute.key.local_name().as_ref() == name {
            return attribute
                .normalized_value(XmlVersion::Implicit1_0)
                .map(|value| Some(value.into_owned()))
                .map_err(fault);
        }
    }
    Ok(None)
}
