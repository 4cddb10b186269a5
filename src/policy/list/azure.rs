//! Azure: `ServiceTags_Public_yyyymmdd.json`, blocks by service tag.

use serde::Deserialize;

use super::{Fault, Format, Key, Place, gather::Gather, select::Picker};
use crate::ground::model::lang::Text;

pub(super) static FORMAT: Format = Format {
    name: "azure",
    title: Text { ja: "Azure のサービスタグ(ServiceTags JSON)", en: "service tags of Azure" },
    keys: &[Key::Tag, Key::Service, Key::Region],
    needs_selection: true,
    is_own: false,
    fits: |shape| shape.has(&["values", "changeNumber"]),
    read,
};

/// Tags whose addresses answer for what customers run or store, by their name before the dot.
const RENTED: &[&str] = &[
    "ApiManagement",
    "AppService",
    "AzureCloud",
    "AzureConnectors",
    "AzureContainerRegistry",
    "AzureDatabricks",
    "AzureFrontDoor",
    "AzureSpringCloud",
    "LogicApps",
    "PowerPlatformInfra",
    "PowerPlatformPlex",
    "Sql",
    "Storage",
];

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ServiceTags {
    change_number: u64,
    #[serde(default)]
    cloud: String,
    values: Vec<ServiceTag>,
}

#[derive(Deserialize)]
struct ServiceTag {
    name: String,
    properties: Properties,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Properties {
    #[serde(default)]
    region: String,
    #[serde(default)]
    system_service: String,
    #[serde(default)]
    address_prefixes: Vec<String>,
}

fn read(text: &str, picker: &mut Picker<'_>, gather: &mut Gather) -> Result<(), Fault> {
    let list: ServiceTags = serde_json::from_str(text).map_err(|error| Fault::json(&error))?;
    gather.head(Some(&list.cloud), Some(&list.change_number.to_string()), None);
    for (number, tag) in (0..).zip(&list.values) {
        let Properties { region, system_service, address_prefixes } = &tag.properties;
        if !picker.takes(&[(Key::Tag, &tag.name), (Key::Service, system_service), (Key::Region, region)]) {
            continue;
        }
        let is_rented = tag.name.split('.').next().is_some_and(|head| RENTED.contains(&head));
        for (item, block) in (0..).zip(address_prefixes) {
            gather.block(
                block,
                Place::Inner("values", number, "properties.addressPrefixes", item),
                is_rented,
            )?;
        }
    }
    Ok(())
}
