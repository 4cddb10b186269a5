//! Lists for local breakout (LBO) as they are kept in Japan: `{service, updated_at, schema_version, entries}`.

use serde::Deserialize;

use super::{Fault, Format, Oddity, Place, Shape, gather::Gather, select::Picker};
use crate::ground::{calendar::Day, model::lang::Text};

pub(super) static FORMAT: Format = Format {
    name: "lbo",
    title: Text { ja: "LBO用の一覧(JSON)", en: "list for local breakout (JSON)" },
    keys: &[],
    needs_selection: false,
    is_own: false,
    fits: |shape: &Shape<'_>| shape.has(&["entries"]),
    read,
};

#[derive(Deserialize)]
struct Breakout {
    #[serde(default)]
    service: String,
    #[serde(default)]
    updated_at: String,
    entries: Vec<Entry>,
}

#[derive(Deserialize)]
struct Entry {
    #[serde(rename = "type")]
    kind: String,
    value: String,
    #[serde(default)]
    action: Option<String>,
}

fn read(text: &str, _: &mut Picker<'_>, gather: &mut Gather) -> Result<(), Fault> {
    let list: Breakout = serde_json::from_str(text).map_err(|error| Fault::json(&error))?;
    gather.head(Some(&list.service), None, Day::read(&list.updated_at));
    for (item, entry) in (0..).zip(&list.entries) {
        let place = Place::Item("entries", item);
        let is_direct = entry.action.as_deref().is_none_or(|action| action.eq_ignore_ascii_case("direct"));
        match entry.kind.as_str() {
            _ if !is_direct => gather.left_out(&entry.value, place, Oddity::NotAllowed)?,
            "ip_range" => gather.block(&entry.value, place, false)?,
            "url" | "fqdn" => gather.name(&entry.value, place)?,
            _ => gather.left_out(&entry.value, place, Oddity::UnknownKind)?,
        }
    }
    Ok(())
}
