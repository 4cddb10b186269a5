//! Providers' lists: read in their own shapes, normalised, checked for traps, compared, written as a destination.
//! Opens nothing: bytes are handed in.
//!
//! To add a format: one file with a `static FORMAT: Format`, and its line in [`FORMATS`].
//!
//! A list goes one way: bytes → the format's own shape → values with their places (`gather`) → a [`List`]. From there
//! [`lint()`] finds what is dangerous to allow, [`Difference`] compares two, [`drafts`] writes destinations. Nothing
//! that a list says is dropped in silence: what cannot be a name or a block stands in its remarks.

mod aws;
mod azure;
mod blocks;
mod csv;
mod diff;
mod draft;
mod entries;
mod fault;
mod gather;
mod google;
mod lbo;
mod lint;
mod m365;
mod oracle;
mod plain;
mod rule;
mod select;
#[cfg(test)]
mod stories;
mod trap;

use std::{collections::BTreeMap, str};

use serde::de::IgnoredAny;

pub use blocks::{Blocks, Count};
pub use diff::{Difference, Wider};
pub use draft::{Draft, drafts, plain_text};
pub use entries::{Group, Halves, List, Listed, Oddity, Place, Remark, Set};
pub use fault::Fault;
pub use lint::{Finding, lint};
pub use rule::{Level, Rule};
pub use select::{Key, Selection};
pub use trap::{HOSTED, LOW_CODES, is_below_hosting, is_hosting};

use crate::ground::model::{
    lang::{Text, Words},
    limits::LIST_LEN_MAX,
};
use gather::Gather;
use select::Picker;

/// Every format that can be read.
pub static FORMATS: &[&Format] = &[
    &m365::FORMAT,
    &aws::FORMAT,
    &google::FORMAT,
    &azure::FORMAT,
    &oracle::FORMAT,
    &lbo::FORMAT,
    &csv::FORMAT,
    &plain::FORMAT,
];

/// A shape in which lists are published.
#[derive(Debug)]
pub struct Format {
    /// As policies and options name it.
    pub name: &'static str,
    /// What it is.
    pub title: Text,
    /// What its entries can be selected by.
    pub keys: &'static [Key],
    /// The whole of it is never one destination.
    pub needs_selection: bool,
    /// A person of the city wrote it, line by line: what cannot be read in it is that person's error.
    pub is_own: bool,
    /// Whether a file looks like it.
    fits: fn(&Shape<'_>) -> bool,
    /// Hands every entry that is picked to the gatherer.
    read: fn(&str, &mut Picker<'_>, &mut Gather) -> Result<(), Fault>,
}

/// What can be told of a file at a glance.
enum Shape<'a> {
    /// A JSON object with these keys.
    Object(&'a [String]),
    /// A JSON array.
    Array,
    /// Text that begins with this line.
    Text(&'a str),
}

impl Shape<'_> {
    fn has(&self, keys: &[&str]) -> bool {
        matches!(self, Self::Object(known) if keys.iter().all(|key| known.iter().any(|known| known == key)))
    }
}

/// The format of this name.
#[must_use]
pub fn format(name: &str) -> Option<&'static Format> {
    FORMATS.iter().copied().find(|format| format.name == name)
}

/// The names of all formats.
#[must_use]
pub fn format_names() -> Vec<&'static str> {
    FORMATS.iter().map(|format| format.name).collect()
}

/// The format that a file looks like.
///
/// # Errors
/// When it is too long, is no text, or is JSON of another shape.
pub fn detect(bytes: &[u8]) -> Result<&'static Format, Fault> {
    let text = text(bytes)?;
    let start = text.trim_start();
    let keys: Vec<String>;
    let shape = if start.starts_with('[') && serde_json::from_str::<Vec<IgnoredAny>>(text).is_ok() {
        Shape::Array
    } else if start.starts_with('{') {
        let object: BTreeMap<String, IgnoredAny> =
            serde_json::from_str(text).map_err(|error| Fault::json(&error))?;
        keys = object.into_keys().collect();
        Shape::Object(&keys)
    } else {
        Shape::Text(start.lines().next().unwrap_or_default())
    };
    FORMATS.iter().copied().find(|format| (format.fits)(&shape)).ok_or_else(|| {
        let names = format_names().join(", ");
        Fault::whole(Words::new(
            format!("どの形式の一覧か分かりません。形式を指定してください({names})"),
            format!("no known format looks like this; name it: {names}"),
        ))
    })
}

impl Format {
    /// Reads a list: all of it, or what is selected.
    ///
    /// # Errors
    /// When it is not of this format, holds too much, or the selection means nothing in it.
    pub fn read(&'static self, bytes: &[u8], selection: &Selection) -> Result<List, Fault> {
        let text = text(bytes)?;
        let mut picker = Picker::new(self, selection)?;
        let mut gather = Gather::new(self, !selection.is_empty());
        (self.read)(text, &mut picker, &mut gather)?;
        picker.finish()?;
        gather.finish(selection)
    }
}

/// UTF-8 of an allowed length, without its byte order mark.
fn text(bytes: &[u8]) -> Result<&str, Fault> {
    if bytes.len() > LIST_LEN_MAX {
        return Err(Fault::whole(Words::new(
            format!("一覧が大きすぎます({LIST_LEN_MAX}バイトまで)"),
            format!("the list is too large (at most {LIST_LEN_MAX} bytes)"),
        )));
    }
    match str::from_utf8(bytes) {
        Ok(text) => Ok(text.strip_prefix('\u{feff}').unwrap_or(text)),
        Err(error) => {
            let valid = error.valid_up_to();
            Err(Fault::whole(Words::new(
                format!("UTF-8ではありません({valid}バイト目。Shift_JISで保存していませんか)"),
                format!("this is not UTF-8 (at byte {valid}; was it saved as Shift_JIS?)"),
            )))
        }
    }
}
