//! Amazon Web Services: <https://ip-ranges.amazonaws.com/ip-ranges.json>.

use serde::Deserialize;

use super::{Fault, Format, Key, Place, gather::Gather, select::Picker};
use crate::ground::{calendar::Day, model::lang::Text};

pub(super) static FORMAT: Format = Format {
    name: "aws",
    title: Text { ja: "AWS の ip-ranges.json", en: "ip-ranges.json of AWS" },
    keys: &[Key::Service, Key::Region],
    needs_selection: true,
    is_own: false,
    fits: |shape| shape.has(&["prefixes", "ipv6_prefixes"]),
    read,
};

/// Services under which customers publish or compute what they like; AMAZON holds all the others.
const RENTED: &[&str] =
    &["AMAZON", "API_GATEWAY", "CLOUDFRONT", "EC2", "GLOBALACCELERATOR", "S3", "WORKSPACES_GATEWAYS"];

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct IpRanges {
    #[serde(default)]
    sync_token: String,
    #[serde(default)]
    create_date: String,
    prefixes: Vec<V4>,
    #[serde(rename = "ipv6_prefixes", default)]
    v6: Vec<V6>,
}

#[derive(Deserialize)]
struct V4 {
    ip_prefix: String,
    #[serde(default)]
    region: String,
    #[serde(default)]
    service: String,
}

#[derive(Deserialize)]
struct V6 {
    ipv6_prefix: String,
    #[serde(default)]
    region: String,
    #[serde(default)]
    service: String,
}

fn read(text: &str, picker: &mut Picker<'_>, gather: &mut Gather) -> Result<(), Fault> {
    let list: IpRanges = serde_json::from_str(text).map_err(|error| Fault::json(&error))?;
    gather.head(None, Some(&list.sync_token), Day::read(&list.create_date));
    let v4 = list.prefixes.iter().map(|row| (&row.ip_prefix, &row.region, &row.service));
    let v6 = list.v6.iter().map(|row| (&row.ipv6_prefix, &row.region, &row.service));
    let numbered = (0..).map(|item| Place::Item("prefixes", item)).zip(v4);
    for (place, (block, region, service)) in
        numbered.chain((0..).map(|item| Place::Item("ipv6_prefixes", item)).zip(v6))
    {
        if picker.takes(&[(Key::Service, service), (Key::Region, region)]) {
            gather.block(block, place, RENTED.contains(&service.as_str()))?;
        }
    }
    Ok(())
}
