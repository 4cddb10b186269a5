//! The shape of a policy as it is written: its head, its rules for time and observation, and the whole.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use super::{
    document_channels::{AcceptDoc, ChannelDoc, DestinationDoc, ForbidDoc},
    document_places::{HostDoc, PathDoc, SegmentDoc, ZoneDoc},
    text::{At, Choice, Entry, Stamp},
    vocabulary::{Case, Direction, Model, Nat, Stance},
};

/// The only schema this program reads.
pub(super) const SCHEMA: &str = "sekisho-policy/1";

pub(super) type Text = At<String>;
pub(super) type Texts = Vec<At<String>>;

/// `[policy]`: what captures are held against.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Policy")]
pub(super) struct PolicyDoc {
    /// Id of the policy.
    pub(super) id: Text,
    /// Title for people.
    pub(super) title_ja: Text,
    /// The organisation.
    pub(super) org_ja: Text,
    /// The network model: alpha, alpha_prime, beta or beta_prime.
    pub(super) model: At<Choice<Model>>,
    /// The case of alpha_prime: a, i or u; else empty.
    pub(super) case: Option<At<String>>,
    /// The edition of the guideline, such as soumu-2025-03.
    pub(super) guideline: Text,
    /// The version of this policy.
    pub(super) version: Text,
    /// Who approved it.
    pub(super) approved_by_ja: Option<Text>,
    /// Reference of the approval.
    pub(super) approval: Option<Text>,
    /// First moment in force.
    pub(super) valid_from: At<Stamp>,
    /// Last second in force, included.
    pub(super) valid_until: At<Stamp>,
    /// IANA time zone of hours and days; Asia/Tokyo when omitted.
    pub(super) timezone: Option<Text>,
}

/// `[defaults]`: what holds where no channel speaks.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Defaults")]
pub(super) struct DefaultsDoc {
    /// Between segments and zones: deny (default) or observe.
    pub(super) inter_segment: Option<At<Choice<Stance>>>,
    /// Inside one segment: observe (default).
    pub(super) intra_segment: Option<At<Choice<Stance>>>,
    /// Addresses of no segment and no zone: finding (default).
    pub(super) unknown_address: Option<At<Choice<Stance>>>,
    /// IPv6: deny (default) or allow.
    pub(super) ipv6: Option<At<Choice<Stance>>>,
    /// Multicast: observe (default).
    pub(super) multicast: Option<At<Choice<Stance>>>,
    /// Broadcast: observe (default).
    pub(super) broadcast: Option<At<Choice<Stance>>>,
}

/// `[[epochs]]`: a stretch of time with a model of its own.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Epoch")]
pub(super) struct EpochDoc {
    /// Id, for `epochs = […]` of other objects.
    pub(super) id: Text,
    /// The model, or migration for a window in which both neighbours hold.
    pub(super) model: At<Choice<Model>>,
    /// The case of alpha_prime.
    pub(super) case: Option<At<Choice<Case>>>,
    /// First moment.
    pub(super) valid_from: At<Stamp>,
    /// Last second, included.
    pub(super) valid_until: At<Stamp>,
}

/// `[[sensors]]`: where packets are captured.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Sensor")]
pub(super) struct SensorDoc {
    /// Id, for `--sensor ID=GLOB`.
    pub(super) id: Text,
    /// Where it stands.
    pub(super) place_ja: Option<Text>,
    /// Segments and zones it promises to see.
    pub(super) sees: Texts,
    /// Name of its interface in pcapng files or live.
    pub(super) interface: Option<Text>,
    /// Globs of inputs that belong to it.
    pub(super) inputs: Option<Texts>,
    /// Addresses mirrored frames are sent to (ERSPAN, GRE, VXLAN).
    pub(super) mirror: Option<Texts>,
    /// both (default) or rx.
    pub(super) direction: Option<At<Choice<Direction>>>,
    /// True when the mirror shows packets twice.
    pub(super) dedupe: Option<bool>,
    /// Bytes kept of each frame.
    pub(super) snaplen: Option<u32>,
    /// before or after address translation.
    pub(super) nat: Option<At<Choice<Nat>>>,
}

/// `[checks.SK-…]`: what the policy says of one check.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Check")]
pub(super) struct CheckDoc {
    /// False switches it off.
    pub(super) enabled: Option<bool>,
    /// info, low, medium, high or critical (情報, 低, 中, 高, 重大).
    pub(super) severity: Option<Text>,
    /// Its numbers by name.
    #[serde(default)]
    pub(super) thresholds: BTreeMap<String, f64>,
}

/// A whole policy, put together from its files.
#[derive(Debug, Default)]
pub(super) struct Document {
    pub(super) policy: Option<Entry<PolicyDoc>>,
    pub(super) defaults: Option<Entry<DefaultsDoc>>,
    pub(super) epochs: Vec<Entry<EpochDoc>>,
    pub(super) sensors: Vec<Entry<SensorDoc>>,
    pub(super) segments: Vec<Entry<SegmentDoc>>,
    pub(super) zones: Vec<Entry<ZoneDoc>>,
    pub(super) hosts: Vec<Entry<HostDoc>>,
    pub(super) paths: Vec<Entry<PathDoc>>,
    pub(super) destinations: Vec<Entry<DestinationDoc>>,
    pub(super) channels: Vec<Entry<ChannelDoc>>,
    pub(super) forbids: Vec<Entry<ForbidDoc>>,
    pub(super) accepts: Vec<Entry<AcceptDoc>>,
    /// By the name of the check as it was written.
    pub(super) checks: Vec<(Text, Entry<CheckDoc>)>,
}

/// The shape of one file, for the JSON Schema.
#[derive(JsonSchema)]
#[schemars(rename = "SekishoPolicy", deny_unknown_fields)]
#[expect(dead_code, reason = "only its shape is used")]
pub(super) struct FileShape {
    /// sekisho-policy/1
    schema: String,
    /// Other files that belong to this policy; an included file has no `[policy]`.
    include: Option<Vec<String>>,
    policy: Option<PolicyDoc>,
    defaults: Option<DefaultsDoc>,
    epochs: Option<Vec<EpochDoc>>,
    sensors: Option<Vec<SensorDoc>>,
    segments: Option<Vec<SegmentDoc>>,
    zones: Option<Vec<ZoneDoc>>,
    hosts: Option<Vec<HostDoc>>,
    paths: Option<Vec<PathDoc>>,
    destinations: Option<Vec<DestinationDoc>>,
    channels: Option<Vec<ChannelDoc>>,
    forbid: Option<Vec<ForbidDoc>>,
    accept: Option<Vec<AcceptDoc>>,
    checks: Option<BTreeMap<String, CheckDoc>>,
}
