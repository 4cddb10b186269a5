//! The shape of a policy as it is written: segments, zones, hosts, paths.

use schemars::JsonSchema;
use serde::Deserialize;

use super::{
    document::{Text, Texts},
    text::{At, Choice, Stamp},
    vocabulary::{Ech, Role, SegmentClass, Stance, ZoneClass},
};

/// `[[segments]]`: a part of the own network.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Segment")]
pub(super) struct SegmentDoc {
    /// Id, for `from` and `to`.
    pub(super) id: Text,
    /// What it is; presets speak of classes.
    pub(super) class: At<Choice<SegmentClass>>,
    /// Name for people.
    pub(super) name_ja: Option<Text>,
    /// Its blocks of addresses.
    pub(super) cidr: Texts,
    /// Its VLAN ids, 1 to 4094.
    pub(super) vlan: Option<Vec<At<i64>>>,
    /// First bytes of the link addresses of its hosts, such as 02:00:00.
    pub(super) mac_prefix: Option<Texts>,
    /// Sensors that see it, where overlapping segments are told apart by sensor.
    pub(super) sensors: Option<Texts>,
    /// deny or allow; without it the defaults hold.
    pub(super) ipv6: Option<At<Choice<Stance>>>,
    /// outer: the outer name of a hello with ECH counts. Needs `ech_reason_ja` for class mynumber and lgwan.
    pub(super) ech: Option<At<Choice<Ech>>>,
    /// Why the outer name is good enough.
    pub(super) ech_reason_ja: Option<Text>,
    /// Last second in use, included.
    pub(super) retired_at: Option<At<Stamp>>,
    /// Epochs in which it exists; without it the whole period.
    pub(super) epochs: Option<Texts>,
    /// A note.
    #[expect(dead_code, reason = "notes are for readers of the file")]
    pub(super) note_ja: Option<String>,
}

/// `[[zones]]`: a part of the outside.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Zone")]
pub(super) struct ZoneDoc {
    /// Id, for `from` and `to`.
    pub(super) id: Text,
    /// What it is.
    pub(super) class: At<Choice<ZoneClass>>,
    /// Name for people.
    pub(super) name_ja: Option<Text>,
    /// Its blocks of addresses.
    pub(super) cidr: Option<Texts>,
    /// True for the one zone that holds all unclaimed public addresses.
    pub(super) rest: Option<At<bool>>,
    /// Epochs in which it exists.
    pub(super) epochs: Option<Texts>,
    /// A note.
    #[expect(dead_code, reason = "notes are for readers of the file")]
    pub(super) note_ja: Option<String>,
}

/// `[[hosts]]`: a machine with a name.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Host")]
pub(super) struct HostDoc {
    /// Id, for `from`, `to` and `via`.
    pub(super) id: Text,
    /// The segment it stands in.
    pub(super) segment: Option<Text>,
    /// Or the zone.
    pub(super) zone: Option<Text>,
    /// Its addresses.
    pub(super) addr: Texts,
    /// Its link addresses.
    pub(super) mac: Option<Texts>,
    /// What it does.
    pub(super) role: At<Choice<Role>>,
    /// Name for people.
    pub(super) name_ja: Option<Text>,
    /// Further segments and zones it stands in on purpose.
    pub(super) homes: Option<Texts>,
    /// Epochs in which it exists; without it those of its home.
    pub(super) epochs: Option<Texts>,
    /// A note.
    #[expect(dead_code, reason = "notes are for readers of the file")]
    pub(super) note_ja: Option<String>,
}

/// `[[paths]]`: a line that traffic can take.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Path")]
pub(super) struct PathDoc {
    /// Id, for `path`.
    pub(super) id: Text,
    /// Name for people.
    pub(super) name_ja: Option<Text>,
    /// Sensors on it.
    pub(super) sensors: Option<Texts>,
    /// Link addresses of its gateway.
    pub(super) gateway_mac: Option<Texts>,
    /// Addresses that traffic leaves it with.
    pub(super) egress_addr: Option<Texts>,
    /// Epochs in which it exists.
    pub(super) epochs: Option<Texts>,
    /// A note.
    #[expect(dead_code, reason = "notes are for readers of the file")]
    pub(super) note_ja: Option<String>,
}
