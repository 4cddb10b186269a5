//! The objects of a compiled policy, as DOMAIN §3.2 describes them. Plain data; the look-ups are in `compiled`.

use std::{collections::BTreeMap, fmt::Write as _, net::IpAddr, sync::Arc};

use sha2::{Digest as _, Sha256};

use super::{
    period::{Hours, Period, Periods},
    vocabulary::{
        Case, ChannelKind, DestinationKind, Direction, Download, Ech, Encrypt, Match, Model, Nat, Role,
        SegmentClass, Stance, Tenant, ZoneClass,
    },
};
use crate::ground::model::{
    address::{Mac, Prefix, Service, Transport},
    finding::Severity,
    lang::Words,
    pattern::NamePattern,
    time::Timestamp,
};

macro_rules! indices {
    ($($(#[doc = $doc:literal])+ $name:ident;)+) => {
        $(
            $(#[doc = $doc])+
            #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
            pub struct $name(pub u16);
        )+
    };
}

indices! {
    /// A segment of the policy, in the order of the files.
    SegmentIndex;
    /// A zone.
    ZoneIndex;
    /// A named host.
    HostIndex;
    /// A path.
    PathIndex;
    /// A destination.
    DestinationIndex;
    /// A channel.
    ChannelIndex;
    /// A prohibition.
    ForbidIndex;
    /// An epoch.
    EpochIndex;
    /// An acceptance.
    AcceptIndex;
}

/// What `from`, `to`, `via` and `sees` can name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Selector {
    /// All of a segment.
    Segment(SegmentIndex),
    /// All of a zone.
    Zone(ZoneIndex),
    /// A named host.
    Host(HostIndex),
    /// A destination.
    Destination(DestinationIndex),
}

/// One file that the policy was read from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceFile {
    /// Its name as it was asked for.
    pub name: Arc<str>,
    /// SHA-256 of its bytes.
    pub sha256: [u8; 32],
}

/// The head of the policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Meta {
    /// Its id.
    pub id: Arc<str>,
    /// Its title.
    pub title_ja: Arc<str>,
    /// The organisation.
    pub org_ja: Arc<str>,
    /// The declared model; epochs may say otherwise for a time.
    pub model: Model,
    /// The case, for α′ only.
    pub case: Option<Case>,
    /// The edition of the guideline.
    pub guideline: Arc<str>,
    /// The version of this policy.
    pub version: Arc<str>,
    /// Who approved it.
    pub approved_by_ja: Arc<str>,
    /// The reference of the approval.
    pub approval: Arc<str>,
    /// When it is in force.
    pub period: Period,
    /// IANA name of the time zone of `hours` and of days.
    pub timezone: Arc<str>,
    /// The root file and what it includes, in the order of reading.
    pub files: Vec<SourceFile>,
}

impl Meta {
    /// SHA-256 of the policy in hex. One file is known by its own digest, several by the digest of their digests in the order
    /// of reading.
    #[must_use]
    pub fn digest(&self) -> String {
        let digest: [u8; 32] = match self.files.as_slice() {
            [one] => one.sha256,
            several => {
                let whole = several.iter().fold(Sha256::new(), |whole, file| whole.chain_update(file.sha256));
                whole.finalize().into()
            }
        };
        digest.iter().fold(String::with_capacity(64), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        })
    }
}

/// What holds where no channel speaks (RULES 37).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Defaults {
    /// Between segments and zones: deny.
    pub inter_segment: Stance,
    /// Inside one segment: observe.
    pub intra_segment: Stance,
    /// An address of no segment and no zone: finding.
    pub unknown_address: Stance,
    /// IPv6 where the segment does not say: deny.
    pub ipv6: Stance,
    /// Multicast: observe.
    pub multicast: Stance,
    /// Broadcast: observe.
    pub broadcast: Stance,
}

impl Default for Defaults {
    fn default() -> Self {
        Self {
            inter_segment: Stance::Deny,
            intra_segment: Stance::Observe,
            unknown_address: Stance::Finding,
            ipv6: Stance::Deny,
            multicast: Stance::Observe,
            broadcast: Stance::Observe,
        }
    }
}

/// A stretch of time with a model of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Epoch {
    /// Its id.
    pub id: Arc<str>,
    /// The model, or [`Model::Migration`].
    pub model: Model,
    /// The case, for α′ only.
    pub case: Option<Case>,
    /// When.
    pub period: Period,
}

/// A place where packets are captured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sensor {
    /// Its id.
    pub id: Arc<str>,
    /// Where it stands.
    pub place_ja: Arc<str>,
    /// The segments and zones it promises to see.
    pub sees: Vec<Selector>,
    /// Name of the interface, for pcapng and live capture.
    pub interface: Option<Arc<str>>,
    /// Globs of the inputs that belong to it (RULES 19).
    pub inputs: Vec<Arc<str>>,
    /// Addresses that mirrored frames are sent to: a tunnel to one of them is transport, not traffic (RULES 18).
    pub mirror: Vec<Prefix>,
    /// Which directions it sees.
    pub direction: Direction,
    /// True when the mirror shows packets twice.
    pub dedupe: bool,
    /// Bytes kept of a frame; `None` for all.
    pub snaplen: Option<u32>,
    /// On which side of address translation it stands, where there is one.
    pub nat: Option<Nat>,
}

/// A segment of the city's own network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Segment {
    /// Its id.
    pub id: Arc<str>,
    /// What it is.
    pub class: SegmentClass,
    /// Its name for people.
    pub name_ja: Arc<str>,
    /// Its addresses.
    pub cidr: Vec<Prefix>,
    /// Its VLANs; empty when it declares none.
    pub vlan: Vec<u16>,
    /// First bytes of the link addresses of its hosts, each 1 to 6 bytes.
    pub mac_prefix: Vec<Vec<u8>>,
    /// Sensors that see it, where it says so itself: indices into the list of sensors.
    pub sensors: Vec<u16>,
    /// What it says of IPv6; `None` follows the defaults.
    pub ipv6: Option<Stance>,
    /// Whether the outer name of a hello with ECH counts: `outer` unless the class is mynumber or lgwan.
    pub ech: Ech,
    /// The reason, where `ech` was written.
    pub ech_reason_ja: Option<Arc<str>>,
    /// The last moment it was in use; later traffic is of a dead segment.
    pub retired_at: Option<Timestamp>,
    /// Its epochs; empty for the whole period.
    pub epochs: Vec<EpochIndex>,
    /// When it exists.
    pub periods: Periods,
}

impl Segment {
    /// True when the link address begins as the segment's do.
    #[must_use]
    pub fn has_mac(&self, mac: Mac) -> bool {
        self.mac_prefix.iter().any(|prefix| mac.0.starts_with(prefix))
    }
}

/// Something outside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Zone {
    /// Its id.
    pub id: Arc<str>,
    /// What it is.
    pub class: ZoneClass,
    /// Its name for people.
    pub name_ja: Arc<str>,
    /// Its addresses; empty for the rest.
    pub cidr: Vec<Prefix>,
    /// True for the zone that holds all unclaimed public unicast (RULES 7).
    pub rest: bool,
    /// Its epochs; empty for the whole period.
    pub epochs: Vec<EpochIndex>,
    /// When it exists.
    pub periods: Periods,
}

/// A machine with a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Host {
    /// Its id.
    pub id: Arc<str>,
    /// The segment or zone it stands in.
    pub home: Selector,
    /// Further segments and zones it stands in on purpose.
    pub homes: Vec<Selector>,
    /// Its addresses.
    pub addr: Vec<IpAddr>,
    /// Its link addresses.
    pub mac: Vec<Mac>,
    /// What it does.
    pub role: Role,
    /// Its name for people.
    pub name_ja: Arc<str>,
    /// Its epochs; empty follows its home.
    pub epochs: Vec<EpochIndex>,
    /// When it exists.
    pub periods: Periods,
}

/// A line that traffic can take.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Path {
    /// Its id.
    pub id: Arc<str>,
    /// Its name for people.
    pub name_ja: Arc<str>,
    /// Sensors on it: indices into the list of sensors.
    pub sensors: Vec<u16>,
    /// Link addresses of its gateway.
    pub gateway_mac: Vec<Mac>,
    /// Addresses that traffic leaves it with.
    pub egress_addr: Vec<IpAddr>,
    /// When it exists.
    pub periods: Periods,
}

/// Names that tell tenants apart.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TenantRule {
    /// Names of the own tenant.
    pub own: Vec<NamePattern>,
    /// Patterns that every tenant's names match.
    pub foreign_pattern: Vec<NamePattern>,
}

/// The entry of a service in the ISMAP list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ismap {
    /// True when it is listed.
    pub listed: bool,
    /// Under which name.
    pub name_ja: Arc<str>,
    /// When somebody looked, `YYYY-MM-DD`.
    pub checked_on: Option<Arc<str>>,
    /// Until when the entry holds: the moment after the last second of that day in the policy's time zone.
    pub valid_until: Option<Timestamp>,
}

/// The exception for updates (guideline 3-2-3(2)③) and its three conditions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exception {
    /// No official documents are handled.
    pub no_official_documents: bool,
    /// Only the checked address is reached.
    pub url_restricted: bool,
    /// A certificate of a trusted authority is verified.
    pub cert_verified: bool,
    /// The clause.
    pub reference: Arc<str>,
}

/// Where one may go.
#[derive(Clone, Debug, PartialEq)]
pub struct Destination {
    /// Its id.
    pub id: Arc<str>,
    /// The zone it lies in.
    pub zone: ZoneIndex,
    /// What it is.
    pub kind: DestinationKind,
    /// Its name for people.
    pub name_ja: Arc<str>,
    /// Its names.
    pub fqdn: Vec<NamePattern>,
    /// Its addresses.
    pub cidr: Vec<Prefix>,
    /// Its services; empty for all.
    pub services: Vec<Service>,
    /// Application protocols it speaks; empty for any.
    pub alpn: Vec<Arc<str>>,
    /// Which halves must be seen (RULES 9).
    pub matching: Match,
    /// Names a certificate must carry; empty for any.
    pub cert_names: Vec<NamePattern>,
    /// Common names or organisations of accepted issuers; empty for any.
    pub cert_issuers: Vec<Arc<str>>,
    /// Names that tell tenants apart.
    pub tenant: TenantRule,
    /// Its ISMAP entry.
    pub ismap: Option<Ismap>,
    /// Its update exception.
    pub exception: Option<Exception>,
    /// Why cleartext is acceptable.
    pub plaintext_ok_ja: Option<Arc<str>>,
    /// Limits of service quality, by name (`loss_pct`, `jitter_ms`, `delay_ms`).
    pub quality: BTreeMap<Arc<str>, f64>,
    /// Whether the outer name of a hello with ECH counts; `None` follows the client's segment.
    pub ech: Option<Ech>,
    /// The reason, where `ech` was written.
    pub ech_reason_ja: Option<Arc<str>>,
    /// A path kept as a note of a URL.
    pub note_ja: Option<Arc<str>>,
    /// Its epochs; empty follows its zone.
    pub epochs: Vec<EpochIndex>,
    /// When it exists.
    pub periods: Periods,
}

/// Which application protocol a channel expects (RULES 23).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum AppRule {
    /// What the port implies.
    #[default]
    Implied,
    /// Any, with the reason.
    Any(Arc<str>),
    /// This one, by its word in flow lines.
    Named(Arc<str>),
}

/// 特定通信: what may talk. The initiator is always `from`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Channel {
    /// Its id.
    pub id: Arc<str>,
    /// Who opens it.
    pub from: Vec<Selector>,
    /// Toward what.
    pub to: Vec<Selector>,
    /// The services; on the last hop, and for targets named on the way.
    pub services: Vec<Service>,
    /// The protocol expected.
    pub app: AppRule,
    /// What it is for.
    pub kind: ChannelKind,
    /// The hosts it passes, in order.
    pub via: Vec<HostIndex>,
    /// The line it takes.
    pub path: Option<PathIndex>,
    /// What it says of encryption.
    pub encrypt: Option<Encrypt>,
    /// What it says of tenants.
    pub tenant: Option<Tenant>,
    /// What it says of downloads.
    pub download: Option<Download>,
    /// Bytes from client to server of one flow.
    pub max_up_per_flow: Option<u64>,
    /// Bytes from server to client of one flow.
    pub max_down_per_flow: Option<u64>,
    /// Distinct clients in a day.
    pub max_sources: Option<u64>,
    /// Time of day, in the policy's time zone.
    pub hours: Option<Hours>,
    /// Flows expected each day.
    pub expect_min_per_day: Option<u64>,
    /// Flows expected each month.
    pub expect_min_per_month: Option<u64>,
    /// True when no answer is expected (RULES 12).
    pub one_way: bool,
    /// What for.
    pub purpose_ja: Arc<str>,
    /// The clause it rests on.
    pub clause: Arc<str>,
    /// The reference of its approval.
    pub approval: Arc<str>,
    /// A note.
    pub note_ja: Option<Arc<str>>,
    /// When it was written to hold; the policy's period where it does not say.
    pub period: Period,
    /// Its epochs; empty follows its ends.
    pub epochs: Vec<EpochIndex>,
    /// When it holds, migration windows included (RULES 21).
    pub periods: Periods,
}

impl Channel {
    /// True when a flow to this server port belongs to the channel's services.
    #[must_use]
    pub fn serves(&self, transport: Transport, port: u16) -> bool {
        self.services.iter().any(|service| service.covers(transport, port))
    }
}

/// What must never talk. It wins over every channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Forbid {
    /// Its id.
    pub id: Arc<str>,
    /// Who opens it.
    pub from: Vec<Selector>,
    /// Toward what.
    pub to: Vec<Selector>,
    /// The services; empty for all.
    pub services: Vec<Service>,
    /// Why.
    pub reason_ja: Arc<str>,
    /// How bad it is, where the policy says so.
    pub severity: Option<Severity>,
    /// Its epochs; empty for the whole period.
    pub epochs: Vec<EpochIndex>,
    /// When it holds.
    pub periods: Periods,
}

/// A finding that somebody accepted for a time (RULES 37).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Accept {
    /// Its id: as written, else `accept-1`, `accept-2`, … in the order of the files.
    pub id: Arc<str>,
    /// A check's id, `SK-B02`, or the beginning of one before a star, `SK-B*`.
    pub finding: Arc<str>,
    /// Only findings about these addresses; empty for all.
    pub host: Vec<Prefix>,
    /// Until when.
    pub period: Period,
    /// Who accepted it.
    pub approved_by: Arc<str>,
    /// Why.
    pub reason_ja: Arc<str>,
}

/// Something that is looser than the preset of the declared model, and accepted (DOMAIN §3.3).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deviation {
    /// The rule of the lint, such as P10.
    pub code: &'static str,
    /// Id of the channel, destination or check.
    pub about: Arc<str>,
    /// What is looser.
    pub words: Words,
    /// The entry that accepts it.
    pub accept: AcceptIndex,
}

/// What the policy says of one check.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CheckSetting {
    /// Whether it is looked at; `None` leaves it to the catalogue.
    pub enabled: Option<bool>,
    /// Its severity; `None` leaves it to the catalogue.
    pub severity: Option<Severity>,
    /// Its numbers by name.
    pub thresholds: BTreeMap<Arc<str>, f64>,
}
