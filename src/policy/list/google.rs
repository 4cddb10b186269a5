//! Google: <https://www.gstatic.com/ipranges/goog.json>, all that Google announces, and `cloud.json` beside it, what of
//! that customers rent. What Google itself answers on is the first without the second.

use serde::Deserialize;

use super::{Fault, Format, Key, Place, gather::Gather, select::Picker};
use crate::ground::{calendar::Day, model::lang::Text};

pub(super) static FORMAT: Format = Format {
    name: "google",
    title: Text { ja: "Google の goog.json・cloud.json", en: "goog.json or cloud.json of Google" },
    keys: &[Key::Service, Key::Region],
    needs_selection: false,
    is_own: false,
    fits: |shape| shape.has(&["prefixes", "creationTime"]),
    read,
};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Ranges {
    #[serde(default)]
    sync_token: String,
    #[serde(default)]
    creation_time: String,
    prefixes: Vec<Row>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Row {
    ipv4_prefix: Option<String>,
    ipv6_prefix: Option<String>,
    /// Only in `cloud.json`.
    service: Option<String>,
    /// The region; only in `cloud.json`.
    scope: Option<String>,
}

fn read(text: &str, picker: &mut Picker<'_>, gather: &mut Gather) -> Result<(), Fault> {
    let list: Ranges = serde_json::from_str(text).map_err(|error| Fault::json(&error))?;
    gather.head(None, Some(&list.sync_token), Day::read(&list.creation_time));
    for (item, row) in (0..).zip(&list.prefixes) {
        let (service, scope) = (row.service.as_deref(), row.scope.as_deref());
        let values = [service.map(|value| (Key::Service, value)), scope.map(|value| (Key::Region, value))];
        if !picker.takes(&values.into_iter().flatten().collect::<Vec<_>>()) {
            continue;
        }
        for block in [&row.ipv4_prefix, &row.ipv6_prefix].into_iter().flatten() {
            gather.block(block, Place::Item("prefixes", item), service.is_some())?;
        }
        if service.is_none() {
            gather.may_hold_rented();
        }
    }
    Ok(())
}
