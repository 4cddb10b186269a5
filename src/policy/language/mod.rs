//! The policy language: read, check, compile, look up. Home of `toml`, `miette`, `schemars`.
//!
//! A policy goes one way: files (`load`) → objects as written (`text`, `document*`) → objects as meant (`resolve*`) →
//! the lint (`lint*`) → indices (`compile`) → questions ([`Policy`]). Nothing here opens a file or asks a clock: bytes
//! come through a closure, and every question carries the moment it is about.
//!
//! ```
//! use sekisho::policy::language::{self, Hints, Place};
//!
//! let text = r#"
//! schema = "sekisho-policy/1"
//! [policy]
//! id = "small"
//! title_ja = "例"
//! org_ja = "みなと市(架空)"
//! model = "alpha"
//! guideline = "soumu-2025-03"
//! version = "1"
//! valid_from = 2026-04-01T00:00:00+09:00
//! valid_until = 2027-03-31T23:59:59+09:00
//! [[zones]]
//! id = "net"
//! class = "internet_zone"
//! rest = true
//! "#;
//! let (policy, remarks) = language::load_text("small.toml", text).expect("no errors, only remarks");
//! assert_eq!(remarks.len(), 1, "a policy without segments is worth a warning");
//! let at = policy.meta().period.from;
//! let end = policy.end("192.0.2.1".parse()?, at, &Hints::default(), &[]);
//! assert!(matches!(end.place, Place::Rest(_)));
//! # Ok::<(), std::net::AddrParseError>(())
//! ```

mod alike;
mod channels;
mod compile;
mod compiled;
mod diagnostic;
mod document;
mod document_channels;
mod document_places;
mod item;
mod ledger;
mod ledger_edit;
mod ledger_field;
mod lint;
mod lint_objects;
mod lint_overlap;
mod lint_preset;
mod load;
mod names;
mod period;
mod preset;
mod resolve;
mod resolve_channels;
mod resolve_import;
mod resolve_places;
mod schema;
mod segments;
mod services;
mod text;
mod timeline;
#[cfg(test)]
mod twins;
mod vocabulary;

pub use crate::{
    ground::model::{
        lang::Words,
        pattern::{BadPattern, NamePattern},
    },
    policy::list::Level,
};
pub use channels::{Direct, Leg, Position, Validity};
pub use compiled::{End, Hints, Listed, Place, Policy, Situated, TenantName};
pub use diagnostic::{Diagnostic, Source, Spot};
pub use item::*;
pub use ledger::{Ledger, Line};
pub use ledger_edit::Edit;
pub use ledger_field::{Cell, FIELDS, Field, Shape};
pub use load::{ReadFile, load, load_on, load_text, render_all};
pub use period::{Hours, Period, Periods};
pub use preset::{Apart, Area, ClauseText, Preset, Screen};
pub use resolve_channels::UNAPPROVED;
pub use schema::schema_json;
pub use services::{ExpectedApp, implied_apps};
pub use timeline::InForce;
pub use vocabulary::{
    Case, ChannelKind, DestinationKind, Direction, Download, Ech, Encrypt, Match, Model, Nat, Role,
    SegmentClass, Stance, Tenant, ZoneClass,
};
