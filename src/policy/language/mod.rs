//! The policy language: read, check, compile, look up. Home of `toml`, `miette`, `schemars`.

mod channels;
mod compile;
mod compiled;
mod diagnostic;
mod document;
mod document_channels;
mod document_places;
mod item;
mod lint;
mod lint_objects;
mod lint_overlap;
mod lint_preset;
mod load;
mod names;
mod pattern;
mod period;
mod resolve;
mod resolve_channels;
mod resolve_places;
mod schema;
mod segments;
mod services;
mod text;
mod timeline;
#[cfg(test)]
mod twins;
mod vocabulary;

pub use channels::{Direct, Leg, Position, Validity};
pub use compiled::{End, Hints, Listed, Place, Policy, Situated, TenantName};
pub use diagnostic::{Diagnostic, Level, Source, Spot, Words};
pub use item::*;
pub use load::{ReadFile, load, load_text, render_all};
pub use pattern::{BadPattern, NamePattern};
pub use period::{Hours, Period, Periods};
pub use schema::schema_json;
pub use services::{ExpectedApp, implied_apps};
pub use timeline::InForce;
pub use vocabulary::{
    Case, ChannelKind, DestinationKind, Direction, Download, Ech, Encrypt, Match, Model, Nat, Role,
    SegmentClass, Stance, Tenant, ZoneClass,
};
