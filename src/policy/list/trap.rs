//! Names and blocks that are dangerous to allow, The one table of the program. What
//! DOMAIN §1.3 and the lists of §2.4 do not name is from memory.

use super::{
    Rule,
    rule::{ANY_TENANT, HOSTING, LOW_CODE, RENTED, RESOLVER, THIRD_PARTY},
};
use crate::ground::model::{address::Prefix, pattern::NamePattern};

/// Names below which anybody can rent a host or publish (DOMAIN §1.3 R2). Sorted.
pub static HOSTED: &[&str] = &[
    "amazonaws.com",
    "amplifyapp.com",
    "appspot.com",
    "awsapprunner.com",
    "azure-api.net",
    "azurecontainerapps.io",
    "azureedge.net",
    "azurefd.net",
    "azurestaticapps.net",
    "azurewebsites.net",
    "blob.core.windows.net",
    "blogspot.com",
    "cloudapp.azure.com",
    "cloudapp.net",
    "cloudfront.net",
    "cloudfunctions.net",
    "compute.amazonaws.com",
    "core.windows.net",
    "dfs.core.windows.net",
    "elasticbeanstalk.com",
    "file.core.windows.net",
    "firebaseapp.com",
    "firebasestorage.app",
    "fly.dev",
    "github.io",
    "githubusercontent.com",
    "gitlab.io",
    "glitch.me",
    "googleusercontent.com",
    "herokuapp.com",
    "netlify.app",
    "ngrok-free.app",
    "ngrok.io",
    "on.aws",
    "onrender.com",
    "oraclecloudapps.com",
    "pages.dev",
    "r2.dev",
    "run.app",
    "s3.amazonaws.com",
    "s3.ap-northeast-1.amazonaws.com",
    "s3.ap-northeast-3.amazonaws.com",
    "sakura.ne.jp",
    "storage.googleapis.com",
    "trafficmanager.net",
    "trycloudflare.com",
    "vercel.app",
    "web.app",
    "web.core.windows.net",
    "wixsite.com",
    "workers.dev",
];

/// Names below which every customer has a tenant, a site or a room. Sorted.
static TENANTS: &[&str] = &[
    "atlassian.net",
    "backlog.com",
    "backlog.jp",
    "box.com",
    "crm.dynamics.com",
    "dynamics.com",
    "mail.protection.outlook.com",
    "my.salesforce.com",
    "onmicrosoft.com",
    "salesforce.com",
    "service-now.com",
    "sharepoint.com",
    "slack.com",
    "webex.com",
    "zendesk.com",
    "zoom.us",
];

/// Names of services in which users build programs and end points. Sorted.
pub static LOW_CODES: &[&str] = &[
    "appsheet.com",
    "azure-apim.net",
    "cybozu.com",
    "flow.microsoft.com",
    "ifttt.com",
    "kintone.com",
    "logic.azure.com",
    "make.com",
    "powerapps.com",
    "powerappsportals.com",
    "powerautomate.com",
    "powerplatform.com",
    "script.google.com",
    "zapier.com",
];

/// Content networks and libraries of third parties. Sorted.
static THIRD_PARTIES: &[&str] = &[
    "ajax.googleapis.com",
    "akadns.net",
    "akamai.net",
    "akamaiedge.net",
    "akamaihd.net",
    "akamaized.net",
    "bootstrapcdn.com",
    "cdn.cloudflare.net",
    "cdn.jsdelivr.net",
    "cdnjs.cloudflare.com",
    "edgecastcdn.net",
    "edgekey.net",
    "edgesuite.net",
    "fastly.net",
    "fastlylb.net",
    "jsdelivr.net",
    "llnwd.net",
    "llnwi.net",
    "unpkg.com",
];

/// Blocks of public resolvers. RFC 5737 and 3849 blocks are not among them.
static RESOLVERS: &[&str] = &[
    "1.0.0.0/24",
    "1.1.1.0/24",
    "8.8.4.0/24",
    "8.8.8.0/24",
    "9.9.9.0/24",
    "94.140.14.0/24",
    "149.112.112.0/24",
    "208.67.220.0/24",
    "208.67.222.0/24",
    "2001:4860:4860::/48",
    "2606:4700:4700::/48",
    "2620:119:35::/48",
    "2620:119:53::/48",
    "2620:fe::/48",
    "2a10:50c0::/48",
];

/// Blocks of which a provider says that customers rent all of them: whoever allows one allows anybody. Google's, since
/// its own list names them among its services' (measured 2025-07).
static RENTED_BLOCKS: &[&str] = &["34.16.0.0/12", "34.80.0.0/12", "35.208.0.0/13"];

/// Blocks that no server on the internet has (RFC 6890): unspecified, private, shared, loopback, link-local, multicast.
static NOT_PUBLIC: &[&str] = &[
    "0.0.0.0/8",
    "10.0.0.0/8",
    "100.64.0.0/10",
    "127.0.0.0/8",
    "169.254.0.0/16",
    "172.16.0.0/12",
    "192.168.0.0/16",
    "224.0.0.0/3",
    "::/96",
    "fc00::/7",
    "fe80::/10",
    "ff00::/8",
];

/// The traps of names.
static NAMES: &[(&[&str], &Rule)] =
    &[(HOSTED, &HOSTING), (TENANTS, &ANY_TENANT), (LOW_CODES, &LOW_CODE), (THIRD_PARTIES, &THIRD_PARTY)];

/// How a pattern meets a trap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Meeting {
    /// It is the trap.
    Is,
    /// It stands for all names below a name that lies below the trap.
    Below,
    /// It stands for the trap and more.
    Covers(&'static str),
}

/// The traps that a pattern meets, each rule once.
pub(super) fn names(pattern: &NamePattern) -> Vec<(&'static Rule, Meeting)> {
    let base = String::from_utf8_lossy(pattern.base().bytes()).into_owned();
    // The name above all tenants is the provider's own site.
    let is_site = |rule: &Rule| *rule == ANY_TENANT && !pattern.is_wildcard();
    let tables = NAMES.iter().filter(|(_, rule)| !is_site(rule));
    tables.filter_map(|&(table, rule)| Some((rule, meeting(&base, pattern.is_wildcard(), table)?))).collect()
}

fn meeting(base: &str, is_wildcard: bool, table: &'static [&'static str]) -> Option<Meeting> {
    if table.binary_search(&base).is_ok() {
        return Some(Meeting::Is);
    }
    if !is_wildcard {
        return None;
    }
    if parents(base).any(|parent| table.binary_search(&parent).is_ok()) {
        return Some(Meeting::Below);
    }
    let covered = |trap: &&&str| trap.strip_suffix(base).is_some_and(|front| front.ends_with('.'));
    table.iter().find(covered).map(|trap| Meeting::Covers(trap))
}

fn parents(name: &str) -> impl Iterator<Item = &str> {
    name.match_indices('.').map(|(dot, _)| &name[dot + 1..])
}

/// True for a platform on which anybody can rent a host.
#[must_use]
pub fn is_hosting(base: &str) -> bool {
    HOSTED.binary_search(&base).is_ok()
}

/// True for a name below such a platform.
#[must_use]
pub fn is_below_hosting(base: &str) -> bool {
    parents(base).any(is_hosting)
}

/// The traps of blocks, read once for a whole list.
pub(super) struct BlockTraps {
    tables: [(Vec<Prefix>, &'static Rule); 3],
}

impl BlockTraps {
    pub(super) fn new() -> Self {
        let read =
            |texts: &[&str]| texts.iter().filter_map(|text| text.parse().ok()).collect::<Vec<Prefix>>();
        Self {
            tables: [
                (read(RESOLVERS), &RESOLVER),
                (read(RENTED_BLOCKS), &RENTED),
                (read(NOT_PUBLIC), &super::rule::NOT_PUBLIC),
            ],
        }
    }

    /// The traps that a block shares an address with, and the first such block of each.
    pub(super) fn find(&self, block: &Prefix) -> impl Iterator<Item = (&'static Rule, Prefix)> {
        self.tables
            .iter()
            .filter_map(|(table, rule)| Some((*rule, *table.iter().find(|trap| trap.overlaps(block))?)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tables_are_sorted_and_can_be_read() {
        for (table, rule) in NAMES {
            assert!(table.is_sorted(), "{}", rule.code);
            assert!(table.iter().all(|name| NamePattern::new(name).is_ok()), "{}", rule.code);
        }
        let read: usize = BlockTraps::new().tables.iter().map(|(table, _)| table.len()).sum();
        assert_eq!(read, RESOLVERS.len() + RENTED_BLOCKS.len() + NOT_PUBLIC.len());
    }

    #[test]
    fn a_name_meets_a_trap_from_above_below_or_right_on_it() {
        let met = |text: &str| names(&NamePattern::new(text).unwrap());
        assert_eq!(met("*.sharepoint.com"), [(&ANY_TENANT, Meeting::Is)]);
        assert_eq!(met("minato.sharepoint.com"), []);
        assert_eq!(met("zoom.us"), []);
        assert_eq!(met("s3.amazonaws.com"), [(&HOSTING, Meeting::Is)]);
        assert_eq!(met("*.minato.azurewebsites.net"), [(&HOSTING, Meeting::Below)]);
        assert_eq!(met("*.windows.net"), [(&HOSTING, Meeting::Covers("blob.core.windows.net"))]);
        assert_eq!(met("*.microsoft.com"), [(&LOW_CODE, Meeting::Covers("flow.microsoft.com"))]);
        assert_eq!(met("*.evilsharepoint.com"), []);
        assert_eq!(met("*.cloud.example"), []);
    }
}
