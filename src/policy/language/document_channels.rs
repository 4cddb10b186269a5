//! The shape of a policy as it is written: destinations, channels, prohibitions, acceptances.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use super::{
    document::{Text, Texts},
    text::{At, Choice, Stamp},
    vocabulary::{ChannelKind, DestinationKind, Download, Ech, Encrypt, Match, Tenant},
};

/// `tenant = { … }`: names that tell tenants apart.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "TenantNames")]
pub(super) struct TenantDoc {
    /// Names of the own tenant.
    pub(super) own: Texts,
    /// Patterns that every tenant's names match.
    #[serde(default)]
    pub(super) foreign_pattern: Texts,
}

/// `ismap = { … }`: the entry in the ISMAP list.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Ismap")]
pub(super) struct IsmapDoc {
    /// True when it is listed.
    pub(super) listed: bool,
    /// Under which name.
    pub(super) name_ja: Option<Text>,
    /// The day somebody looked.
    pub(super) checked_on: Option<At<Stamp>>,
    /// The last day of the entry.
    pub(super) valid_until: Option<At<Stamp>>,
}

/// `exception = { … }`: the update exception and its three conditions.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Exception")]
pub(super) struct ExceptionDoc {
    /// No official documents are handled.
    pub(super) no_official_documents: At<bool>,
    /// Only the checked address is reached.
    pub(super) url_restricted: At<bool>,
    /// A certificate of a trusted authority is verified.
    pub(super) cert_verified: At<bool>,
    /// The clause.
    #[serde(rename = "ref")]
    pub(super) reference: Option<Text>,
}

/// `import = { … }`: names and blocks from a provider's list.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Import")]
pub(super) struct ImportDoc {
    /// The file, beside the policy.
    pub(super) file: Text,
    /// Its format: plain (one name or block a line), csv, lbo, m365, aws, google, azure or oracle.
    pub(super) format: Text,
    /// SHA-256 of the file, in hex.
    pub(super) sha256: Option<Text>,
    /// Which entries; without it all.
    pub(super) select: Option<At<SelectDoc>>,
    /// A list whose addresses are taken away, such as Google's cloud.json.
    pub(super) minus: Option<At<MinusDoc>>,
    /// Where the list was published.
    #[expect(dead_code, reason = "for the people who approve it")]
    pub(super) source: Option<Text>,
    /// The day it was fetched; its age counts from here when the list has no date of its own.
    pub(super) retrieved: Option<At<Stamp>>,
    /// Days after which the list is old.
    pub(super) max_age_days: Option<At<u32>>,
}

/// `select = { … }`: entries with one of the values, for every key that is written.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Select")]
pub(super) struct SelectDoc {
    /// m365: numbers of sets.
    pub(super) id: Option<Vec<u32>>,
    /// m365: Exchange, SharePoint, Skype, Common.
    pub(super) area: Option<Vec<String>>,
    /// m365: Optimize, Allow, Default.
    pub(super) category: Option<Vec<String>>,
    /// m365: only what the service cannot do without, or only the rest.
    pub(super) required: Option<bool>,
    /// aws, azure, google: services.
    pub(super) service: Option<Vec<String>>,
    /// aws, azure, google, oracle: regions.
    pub(super) region: Option<Vec<String>>,
    /// azure, oracle: tags.
    pub(super) tag: Option<Vec<String>>,
    /// Names and blocks that are left out all the same.
    pub(super) except: Option<Vec<String>>,
}

/// `minus = { … }`: a list whose addresses are taken away.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Minus")]
pub(super) struct MinusDoc {
    /// The file, beside the policy; its format is seen from its content.
    pub(super) file: Text,
    /// SHA-256 of the file, in hex.
    pub(super) sha256: Option<Text>,
}

/// `[[destinations]]`: where one may go.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Destination")]
pub(super) struct DestinationDoc {
    /// Id, for `from` and `to`.
    pub(super) id: Text,
    /// The zone it lies in.
    pub(super) zone: Text,
    /// What it is.
    pub(super) kind: At<Choice<DestinationKind>>,
    /// Name for people.
    pub(super) name_ja: Option<Text>,
    /// Host names in lower case, exact or `*.` in front.
    pub(super) fqdn: Option<Texts>,
    /// Blocks of addresses.
    pub(super) cidr: Option<Texts>,
    /// Services such as tcp/443 or udp/3478-3481; without it all.
    pub(super) services: Option<Texts>,
    /// Application protocols it speaks.
    pub(super) alpn: Option<Texts>,
    /// name+address, name or address; without it whatever is given.
    #[serde(rename = "match")]
    pub(super) matching: Option<At<Choice<Match>>>,
    /// Names a seen certificate must carry.
    pub(super) cert_names: Option<Texts>,
    /// Issuers a seen certificate may have.
    pub(super) cert_issuers: Option<Texts>,
    /// Names that tell tenants apart.
    pub(super) tenant: Option<TenantDoc>,
    /// The entry in the ISMAP list.
    pub(super) ismap: Option<IsmapDoc>,
    /// The update exception.
    pub(super) exception: Option<At<ExceptionDoc>>,
    /// Why cleartext is acceptable.
    pub(super) plaintext_ok_ja: Option<Text>,
    /// Limits of service quality: loss_pct, jitter_ms, delay_ms.
    #[serde(default)]
    pub(super) quality: BTreeMap<String, f64>,
    /// Names and blocks from a provider's list.
    pub(super) import: Option<At<ImportDoc>>,
    /// outer: the outer name of a hello with ECH counts.
    pub(super) ech: Option<At<Choice<Ech>>>,
    /// Why the outer name is good enough.
    pub(super) ech_reason_ja: Option<Text>,
    /// Epochs in which it exists; without it those of its zone.
    pub(super) epochs: Option<Texts>,
    /// A note, such as the path of a URL.
    pub(super) note_ja: Option<Text>,
}

/// `[[channels]]`: 特定通信, what may talk. `from` always opens.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Channel")]
pub(super) struct ChannelDoc {
    /// Id, as reports name it.
    pub(super) id: Text,
    /// Who opens it: ids of segments, zones, hosts, destinations.
    pub(super) from: Texts,
    /// Toward what.
    pub(super) to: Texts,
    /// Services such as tcp/443 or udp/3478-3481.
    pub(super) services: Texts,
    /// The protocol expected, by its word in flow lines; any needs `app_reason_ja`.
    pub(super) app: Option<Text>,
    /// Why any protocol is acceptable.
    pub(super) app_reason_ja: Option<Text>,
    /// What it is for.
    pub(super) kind: Option<At<Choice<ChannelKind>>>,
    /// Hosts it passes, in order.
    pub(super) via: Option<Texts>,
    /// The line it takes.
    pub(super) path: Option<Text>,
    /// required or plaintext-approved.
    pub(super) encrypt: Option<At<Choice<Encrypt>>>,
    /// own: names that tell a tenant must tell the own one.
    pub(super) tenant: Option<At<Choice<Tenant>>>,
    /// allowed, forbidden or sanitized_only.
    pub(super) download: Option<At<Choice<Download>>>,
    /// Bytes from client to server of one flow.
    pub(super) max_up_per_flow: Option<u64>,
    /// Bytes from server to client of one flow.
    pub(super) max_down_per_flow: Option<u64>,
    /// Distinct clients in a day.
    pub(super) max_sources: Option<u64>,
    /// Time of day, such as 06:30-23:00; may wrap midnight.
    pub(super) hours: Option<Text>,
    /// Flows expected each day.
    pub(super) expect_min_per_day: Option<u64>,
    /// Flows expected each month.
    pub(super) expect_min_per_month: Option<u64>,
    /// True when no answer is expected.
    pub(super) one_way: Option<bool>,
    /// What for. Needed.
    pub(super) purpose_ja: Option<Text>,
    /// The clause it rests on. Needed.
    pub(super) clause: Option<Text>,
    /// Reference of its approval. Needed.
    pub(super) approval: Option<Text>,
    /// First moment; the policy's when omitted.
    pub(super) valid_from: Option<At<Stamp>>,
    /// Last second, included; the policy's when omitted.
    pub(super) valid_until: Option<At<Stamp>>,
    /// Epochs in which it holds; without it those of its ends.
    pub(super) epochs: Option<Texts>,
    /// A note.
    pub(super) note_ja: Option<Text>,
}

/// `[[forbid]]`: what must never talk. Wins over every channel.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Forbid")]
pub(super) struct ForbidDoc {
    /// Id, as reports name it.
    pub(super) id: Text,
    /// Who opens it.
    pub(super) from: Texts,
    /// Toward what.
    pub(super) to: Texts,
    /// Services; without it all.
    pub(super) services: Option<Texts>,
    /// Why.
    pub(super) reason_ja: Text,
    /// info, low, medium, high or critical (情報, 低, 中, 高, 重大).
    pub(super) severity: Option<Text>,
    /// Epochs in which it holds.
    pub(super) epochs: Option<Texts>,
}

/// `[[accept]]`: a known finding, accepted for a time.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Accept")]
pub(super) struct AcceptDoc {
    /// Id; without it accept-1, accept-2, …
    pub(super) id: Option<Text>,
    /// A check such as SK-B02, several with SK-B*, or a lint rule such as P04.
    pub(super) finding: Text,
    /// A host id, an address or a block; without it all.
    pub(super) host: Option<Text>,
    /// First moment; the policy's when omitted.
    pub(super) from: Option<At<Stamp>>,
    /// Last second, included.
    pub(super) until: At<Stamp>,
    /// Who accepted it.
    pub(super) approved_by: Text,
    /// Why.
    pub(super) reason_ja: Text,
}
