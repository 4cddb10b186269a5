//! Microsoft 365: <https://endpoints.office.com/endpoints/worldwide>, an array of sets of names, blocks and ports.

use serde::Deserialize;

use super::{Fault, Format, Key, Place, Shape, gather::Gather, select::Picker};
use crate::ground::{
    model::{
        address::{Service, Transport},
        lang::{Text, Words},
    },
    words::escape,
};

pub(super) static FORMAT: Format = Format {
    name: "m365",
    title: Text { ja: "Microsoft 365 の endpoints JSON", en: "endpoints JSON of Microsoft 365" },
    keys: &[Key::Id, Key::Area, Key::Category, Key::Required],
    needs_selection: true,
    is_own: false,
    fits: |shape| matches!(shape, Shape::Array),
    read,
};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct EndpointSet {
    id: u32,
    #[serde(default)]
    service_area: String,
    #[serde(default)]
    category: String,
    #[serde(default)]
    required: bool,
    #[serde(default)]
    urls: Vec<String>,
    #[serde(default)]
    ips: Vec<String>,
    #[serde(default)]
    tcp_ports: String,
    #[serde(default)]
    udp_ports: String,
}

fn no_port(part: &str, place: Place) -> Fault {
    let part = escape::text(part);
    let words = Words::new(format!("ポートとして読めません: {part}"), format!("not a port: {part}"));
    Fault::at(place, words)
}

/// Sorted, ports that follow each other as one range.
fn joined(mut services: Vec<Service>) -> Vec<Service> {
    services.sort_unstable();
    let mut joined: Vec<Service> = Vec::with_capacity(services.len());
    for service in services {
        match joined.last_mut() {
            Some(last)
                if last.transport == service.transport && service.first <= last.last.saturating_add(1) =>
            {
                last.last = last.last.max(service.last);
            }
            _ => joined.push(service),
        }
    }
    joined
}

fn read(text: &str, picker: &mut Picker<'_>, gather: &mut Gather) -> Result<(), Fault> {
    let sets: Vec<EndpointSet> = serde_json::from_str(text).map_err(|error| Fault::json(&error))?;
    for set in &sets {
        let (id, required) = (set.id.to_string(), if set.required { "true" } else { "false" });
        let is_picked = picker.takes(&[
            (Key::Id, &id),
            (Key::Area, &set.service_area),
            (Key::Category, &set.category),
            (Key::Required, required),
        ]);
        if !is_picked {
            continue;
        }
        let mut services = Vec::new();
        for (transport, ports, field) in
            [(Transport::TCP, &set.tcp_ports, "tcpPorts"), (Transport::UDP, &set.udp_ports, "udpPorts")]
        {
            for (item, part) in (0..).zip(ports.split(',').map(str::trim).filter(|part| !part.is_empty())) {
                let service = format!("{transport}/{part}").parse::<Service>();
                // A set without ports would be allowed all of them.
                services.push(service.map_err(|_| no_port(part, Place::Set(set.id, field, item)))?);
            }
        }
        gather.set(Place::Set(set.id, "urls", 0), format!("id {id}"), joined(services))?;
        for (item, name) in (0..).zip(&set.urls) {
            gather.name(name, Place::Set(set.id, "urls", item))?;
        }
        for (item, block) in (0..).zip(&set.ips) {
            gather.block(block, Place::Set(set.id, "ips", item), false)?;
        }
    }
    Ok(())
}
