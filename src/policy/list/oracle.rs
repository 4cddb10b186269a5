//! Oracle Cloud: <https://docs.oracle.com/iaas/tools/public_ip_ranges.json>, blocks by region.

use serde::Deserialize;

use super::{Fault, Format, Key, Place, gather::Gather, select::Picker};
use crate::ground::{calendar::Day, model::lang::Text};

pub(super) static FORMAT: Format = Format {
    name: "oracle",
    title: Text { ja: "Oracle Cloud の public_ip_ranges.json", en: "public_ip_ranges.json of Oracle Cloud" },
    keys: &[Key::Region, Key::Tag],
    needs_selection: true,
    is_own: false,
    fits: |shape| shape.has(&["regions"]),
    read,
};

/// Tags of what customers run and store; OSN is Oracle's own services.
const RENTED: &[&str] = &["OBJECT_STORAGE", "OCI"];

#[derive(Deserialize)]
struct PublicRanges {
    #[serde(default)]
    last_updated_timestamp: String,
    regions: Vec<Region>,
}

#[derive(Deserialize)]
struct Region {
    region: String,
    #[serde(default)]
    cidrs: Vec<Cidr>,
}

#[derive(Deserialize)]
struct Cidr {
    cidr: String,
    #[serde(default)]
    tags: Vec<String>,
}

fn read(text: &str, picker: &mut Picker<'_>, gather: &mut Gather) -> Result<(), Fault> {
    let list: PublicRanges = serde_json::from_str(text).map_err(|error| Fault::json(&error))?;
    let stamp = &list.last_updated_timestamp;
    gather.head(None, Some(stamp), Day::read(stamp));
    for (number, region) in (0..).zip(&list.regions) {
        for (item, row) in (0..).zip(&region.cidrs) {
            let mut values = vec![(Key::Region, region.region.as_str())];
            values.extend(row.tags.iter().map(|tag| (Key::Tag, tag.as_str())));
            if picker.takes(&values) {
                let is_rented = row.tags.iter().any(|tag| RENTED.contains(&tag.as_str()));
                gather.block(&row.cidr, Place::Inner("regions", number, "cidrs", item), is_rented)?;
            }
        }
    }
    Ok(())
}
