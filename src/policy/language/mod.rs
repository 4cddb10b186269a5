//! The policy language: read, check, compile, look up. Home of `toml`, `miette`, `schemars`.

mod channels;
mod compile;
mod compiled;
mod item;
mod names;
mod pattern;
mod period;
mod segments;
mod services;
mod timeline;
mod vocabulary;

pub use channels::{Direct, Leg, Position, Validity};
pub use compiled::{End, Hints, Listed, Place, Policy, Situated, TenantName};
pub use item::*;
pub use pattern::{BadPattern, NamePattern};
pub use period::{Hours, Period, Periods};
pub use services::{ExpectedApp, implied_apps};
pub use timeline::InForce;
pub use vocabulary::{
    Case, ChannelKind, DestinationKind, Direction, Download, Ech, Encrypt, Match, Model, Nat, Role,
    SegmentClass, Stance, Tenant, ZoneClass,
};
