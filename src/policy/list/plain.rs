//! Plain text: one name or block a line, `#` begins a remark.

use super::{Fault, Format, Place, Shape, gather::Gather, select::Picker};
use crate::ground::model::lang::Text;

pub(super) static FORMAT: Format = Format {
    name: "plain",
    title: Text { ja: "1行に1つの名前か範囲", en: "one name or block a line" },
    keys: &[],
    needs_selection: false,
    is_own: true,
    fits: |shape| matches!(shape, Shape::Text(_)),
    read,
};

fn read(text: &str, _: &mut Picker<'_>, gather: &mut Gather) -> Result<(), Fault> {
    for (number, line) in (1..).zip(text.lines()) {
        let entry = line.split('#').next().unwrap_or_default().trim();
        if !entry.is_empty() {
            gather.entry(entry, Place::Line(number), false)?;
        }
    }
    Ok(())
}
