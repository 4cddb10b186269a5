//! Pairs of ends to channels and prohibitions. `via` is expanded into hops once, when the policy is compiled.

use super::{
    compiled::{End, Listed, Policy},
    item::{Channel, ChannelIndex, DestinationIndex, ForbidIndex, Selector},
    vocabulary::{Role, SegmentClass},
};
use crate::ground::model::{address::Transport, time::Timestamp};

/// Which hop of its channel a leg is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Position {
    /// The channel has no `via`.
    Only,
    /// From `from` to the first host of `via`.
    First,
    /// From one host of `via` to the next.
    Inner,
    /// From the last host of `via` to `to`.
    Last,
}

/// Whether a channel holds at the moment that was asked about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Validity {
    /// It does.
    InForce,
    /// It does not hold yet.
    NotYet,
    /// It held once.
    Expired,
}

/// One hop of a channel that leads from one end to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Leg {
    /// The channel.
    pub channel: ChannelIndex,
    /// Which hop, counted from 0.
    pub hop: u16,
    /// Which kind of hop.
    pub position: Position,
    /// What the client is to the channel.
    pub from: Selector,
    /// What the server is to the channel.
    pub to: Selector,
    /// Targets named inside need no destination of their own (RULES 2): the channel ends at a host of role proxy, and
    /// neither this client nor, behind a `via`, the channel's own are of class mynumber or lgwan.
    pub delegates: bool,
    /// Whether it holds.
    pub validity: Validity,
}

impl Leg {
    /// True where the port is free and `to` is asked of the targets named inside (RULES 2): the server is a host of
    /// `via`.
    #[must_use]
    pub const fn ends_at_via(&self) -> bool {
        matches!(self.position, Position::First | Position::Inner)
    }
}

/// A channel with `via` whose own ends are those of a flow that goes around it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Direct {
    /// The channel.
    pub channel: ChannelIndex,
    /// What the client is to the channel.
    pub from: Selector,
    /// What the server is to the channel.
    pub to: Selector,
    /// Whether it holds.
    pub validity: Validity,
}

/// Pairs of selectors that one policy may have. 4 M × 24 B = 96 MB; a city has some thousands.
pub(super) const PAIRS_MAX: usize = 4_000_000;

/// Everything that is asked by a pair of ends.
#[derive(Debug, Default)]
pub(super) struct LegIndex {
    /// By `from`, then `to`. The validity is not yet known here.
    legs: Vec<Leg>,
    direct: Vec<(Selector, Selector, ChannelIndex)>,
    forbids: Vec<(Selector, Selector, ForbidIndex)>,
}

impl LegIndex {
    /// How many pairs these channels and prohibitions expand to.
    pub(super) fn pairs_of(channel: &Channel) -> usize {
        let ends = channel.from.len().saturating_mul(channel.to.len());
        if channel.via.is_empty() {
            ends
        } else {
            ends + channel.from.len() + channel.to.len() + channel.via.len()
        }
    }

    /// Expands all channels of the policy.
    pub(super) fn new(objects: &super::compiled::Objects) -> Self {
        let mut index = Self::default();
        let is_closed = |selector: &Selector| {
            let segment = match selector {
                Selector::Segment(segment) => Some(*segment),
                Selector::Host(host) => match objects.hosts[usize::from(host.0)].home {
                    Selector::Segment(segment) => Some(segment),
                    _ => None,
                },
                _ => None,
            };
            segment.is_some_and(|segment| {
                let class = objects.segments[usize::from(segment.0)].class;
                matches!(class, SegmentClass::Mynumber | SegmentClass::Lgwan)
            })
        };
        let is_proxy = |selector: &Selector| match selector {
            Selector::Host(host) => objects.hosts[usize::from(host.0)].role == Role::Proxy,
            _ => false,
        };
        for (number, channel) in (0u16..).zip(&objects.channels) {
            let id = ChannelIndex(number);
            let mut add = |hop: usize, position, from: Selector, to: Selector, delegates| {
                let hop = u16::try_from(hop).unwrap_or(u16::MAX);
                let validity = Validity::InForce;
                index.legs.push(Leg { channel: id, hop, position, from, to, delegates, validity });
            };
            let ends_at_proxy = channel.to.iter().any(is_proxy);
            let opened_from_closed = channel.from.iter().any(is_closed);
            let (Some(first), Some(last)) = (channel.via.first(), channel.via.last()) else {
                for from in &channel.from {
                    for to in &channel.to {
                        add(0, Position::Only, *from, *to, is_proxy(to) && !is_closed(from));
                    }
                }
                continue;
            };
            for from in &channel.from {
                add(0, Position::First, *from, Selector::Host(*first), ends_at_proxy && !is_closed(from));
            }
            for (hop, pair) in channel.via.windows(2).enumerate() {
                let (from, to) = (Selector::Host(pair[0]), Selector::Host(pair[1]));
                let delegates = ends_at_proxy && !opened_from_closed && !is_closed(&from);
                add(hop + 1, Position::Inner, from, to, delegates);
            }
            for to in &channel.to {
                let from = Selector::Host(*last);
                let delegates = is_proxy(to) && !opened_from_closed && !is_closed(&from);
                add(channel.via.len(), Position::Last, from, *to, delegates);
                index.direct.extend(channel.from.iter().map(|from| (*from, *to, id)));
            }
        }
        for (number, forbid) in (0u16..).zip(&objects.forbids) {
            for from in &forbid.from {
                index.forbids.extend(forbid.to.iter().map(|to| (*from, *to, ForbidIndex(number))));
            }
        }
        index.legs.sort_unstable_by_key(|leg| (leg.from, leg.to, leg.channel, leg.hop));
        index.direct.sort_unstable();
        index.forbids.sort_unstable();
        index
    }

    pub(super) fn between(&self, policy: &Policy, client: &End, server: &End, at: Timestamp) -> Vec<Leg> {
        let mut found: Vec<Leg> = pairs(client, server)
            .flat_map(|pair| run(&self.legs, pair, |leg| (leg.from, leg.to)))
            .map(|leg| Leg { validity: validity(policy, leg.channel, at), ..*leg })
            .collect();
        found.sort_unstable();
        found
    }

    pub(super) fn direct(&self, policy: &Policy, client: &End, server: &End, at: Timestamp) -> Vec<Direct> {
        let mut found: Vec<Direct> = pairs(client, server)
            .flat_map(|pair| run(&self.direct, pair, |entry| (entry.0, entry.1)))
            .map(|(from, to, channel)| Direct {
                channel: *channel,
                from: *from,
                to: *to,
                validity: validity(policy, *channel, at),
            })
            .collect();
        found.sort_unstable();
        found
    }

    pub(super) fn forbidden(
        &self,
        policy: &Policy,
        client: &End,
        server: &End,
        service: (Transport, u16),
        at: Timestamp,
    ) -> Option<ForbidIndex> {
        pairs(client, server)
            .flat_map(|pair| run(&self.forbids, pair, |entry| (entry.0, entry.1)))
            .filter(|(from, to, forbid)| {
                let rule = policy.forbid(*forbid);
                rule.periods.contains(at)
                    && (rule.services.is_empty()
                        || rule.services.iter().any(|known| known.covers(service.0, service.1)))
                    && is_certain(policy, client, *from)
                    && is_certain(policy, server, *to)
            })
            .map(|(_, _, forbid)| *forbid)
            .min()
    }
}

/// True when the end surely is what the selector names: of a destination, one of the halves it has was seen listed.
/// That a name-only destination merely stays possible forbids nothing.
fn is_certain(policy: &Policy, end: &End, selector: Selector) -> bool {
    let Selector::Destination(destination) = selector else { return true };
    let has_blocks = |index: DestinationIndex| !policy.destination(index).cidr.is_empty();
    let listed = |listed: &Listed| {
        listed.destination == destination && (listed.name || listed.address && has_blocks(destination))
    };
    end.destinations.iter().any(listed)
}

fn pairs(client: &End, server: &End) -> impl Iterator<Item = (Selector, Selector)> {
    client.selectors().flat_map(move |from| server.selectors().map(move |to| (from, to)))
}

/// The stretch of a sorted list that has this key.
fn run<T, K: Ord + Copy>(sorted: &[T], key: K, key_of: impl Fn(&T) -> K) -> &[T] {
    let start = sorted.partition_point(|entry| key_of(entry) < key);
    let len = sorted[start..].iter().take_while(|entry| key_of(entry) == key).count();
    &sorted[start..start + len]
}

fn validity(policy: &Policy, channel: ChannelIndex, at: Timestamp) -> Validity {
    let channel = policy.channel(channel);
    if channel.periods.contains(at) {
        Validity::InForce
    } else if channel.periods.iter().any(|period| period.until <= at) {
        Validity::Expired
    } else {
        Validity::NotYet
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::{compiled::Hints, twins::*},
        *,
    };

    const SPRING: &str = "2026-05-01T12:00:00+09:00";

    fn end(policy: &Policy, addr: &str, when: &str) -> End {
        policy.end(addr.parse().unwrap(), at(when), &Hints::default(), &[])
    }

    fn legs(
        policy: &Policy,
        client: &str,
        server: &str,
        when: &str,
    ) -> Vec<(String, Position, bool, Validity)> {
        let found = policy.legs_between(&end(policy, client, when), &end(policy, server, when), at(when));
        found
            .into_iter()
            .map(|leg| {
                (policy.channel(leg.channel).id.to_string(), leg.position, leg.delegates, leg.validity)
            })
            .collect()
    }

    #[test]
    fn rule_02_via_is_expanded_into_hops_and_a_channel_to_a_proxy_delegates() {
        use {Position::*, Validity::InForce};
        let policy = twin("minato_alpha.toml");
        let web = |position, delegates| vec![("s-web".to_owned(), position, delegates, InForce)];
        assert_eq!(legs(&policy, "10.130.5.5", "10.130.0.80", SPRING), web(First, true));
        assert_eq!(legs(&policy, "10.130.0.80", "203.0.113.20", SPRING), web(Last, true));
        assert!(legs(&policy, "10.130.5.5", "203.0.113.20", SPRING).is_empty());
        let direct = policy.direct_of_via(
            &end(&policy, "10.130.5.5", SPRING),
            &end(&policy, "203.0.113.20", SPRING),
            at(SPRING),
        );
        assert_eq!(direct.len(), 1);
        let prime = twin("minato_alpha_prime_i.toml");
        let signin = legs(&prime, "10.120.5.5", "10.120.0.88", SPRING);
        assert_eq!(signin, [("b-signin".to_owned(), First, false, InForce)], "it ends at no proxy");
        let leg = prime.legs_between(
            &end(&prime, "10.120.5.5", SPRING),
            &end(&prime, "10.120.0.88", SPRING),
            at(SPRING),
        )[0];
        assert!(leg.ends_at_via());
    }

    #[test]
    fn rule_02_nothing_is_delegated_to_class_mynumber_and_lgwan() {
        let changes = [
            ("from = [\"soto\"]\nto = [\"ks-proxy\"]", "from = [\"gy-dns\", \"soto\"]\nto = [\"ks-proxy\"]"),
            (
                "\n# ---- 承認済みの例外 ----",
                "\n[[accept]]\nfinding = \"P04\"\nuntil = 2026-06-30T23:59:59+09:00\napproved_by = \"x\"\nreason_ja = \"x\"\n\n[[accept]]\nfinding = \"P09\"\nuntil = 2026-06-30T23:59:59+09:00\napproved_by = \"x\"\nreason_ja = \"x\"\n",
            ),
        ];
        let (policy, _) =
            changed("minato_alpha.toml", &changes).unwrap_or_else(|faults| panic!("{faults:#?}"));
        assert!(!legs(&policy, "10.120.0.53", "10.130.0.80", SPRING)[0].2);
        assert!(legs(&policy, "10.130.0.1", "10.130.0.80", SPRING)[0].2);
        assert!(
            !legs(&policy, "10.130.0.80", "203.0.113.20", SPRING)[0].2,
            "behind the proxy both are mixed"
        );
    }

    #[test]
    fn rule_10_a_destination_that_opens_is_found_by_its_address() {
        let policy = twin("minato_alpha.toml");
        let found = legs(&policy, "198.18.3.2", "10.110.1.20", SPRING);
        assert_eq!(found, [("k-shomei".to_owned(), Position::Only, false, Validity::InForce)]);
        assert!(legs(&policy, "198.18.3.16", "10.110.1.20", SPRING).is_empty());
        assert!(
            legs(&policy, "10.110.1.20", "198.18.3.2", SPRING).is_empty(),
            "the initiator is always `from`"
        );
    }

    #[test]
    fn rule_27_an_expired_channel_is_found_and_marked() {
        let policy = twin("minato_alpha.toml");
        let validity = |when: &str| legs(&policy, "10.199.0.5", "10.110.1.99", when)[0].3;
        assert_eq!(validity("2026-06-30T09:00:00+09:00"), Validity::NotYet);
        assert_eq!(validity("2026-07-01T09:00:00+09:00"), Validity::InForce);
        assert_eq!(validity("2026-07-31T17:59:59.999+09:00"), Validity::InForce);
        assert_eq!(validity("2026-07-31T18:00:00+09:00"), Validity::Expired);
    }

    #[test]
    fn rule_03_a_prohibition_is_found_for_everything_its_ends_hold() {
        let policy = twin("minato_alpha.toml");
        let forbidden = |client: &str, server: &str| {
            let (client, server) = (end(&policy, client, SPRING), end(&policy, server, SPRING));
            let found = policy.forbidden(&client, &server, Transport::TCP, 443, at(SPRING));
            found.map(|index| policy.forbid(index).id.to_string())
        };
        assert_eq!(forbidden("10.110.1.10", "198.51.100.1").as_deref(), Some("no-kojin-net"));
        assert_eq!(forbidden("10.110.7.7", "203.0.113.20").as_deref(), Some("no-kojin-ks"));
        assert_eq!(forbidden("10.110.1.10", "198.18.1.1"), None);
        assert_eq!(forbidden("198.51.100.1", "10.110.1.10"), None, "a prohibition has a direction");
    }

    #[test]
    fn ten_thousand_channels_answer_as_a_plain_scan_does() {
        let mut text = String::from(
            "schema = \"sekisho-policy/1\"\n[policy]\nid=\"p\"\ntitle_ja=\"t\"\norg_ja=\"o\"\nmodel=\"beta\"\nguideline=\"soumu-2025-03\"\nversion=\"1\"\nvalid_from=2026-04-01T00:00:00Z\nvalid_until=2027-04-01T00:00:00Z\n[[zones]]\nid=\"net\"\nclass=\"internet_zone\"\nrest=true\n",
        );
        for n in 0..40 {
            text += &format!("[[segments]]\nid=\"s{n}\"\nclass=\"internal\"\ncidr=[\"10.{n}.0.0/16\"]\n");
        }
        for n in 0..200 {
            text += &format!(
                "[[hosts]]\nid=\"h{n}\"\nsegment=\"s{}\"\nrole=\"server\"\naddr=[\"10.{}.1.{n}\"]\n",
                n % 40,
                n % 40
            );
        }
        for n in 0..10_000 {
            let (from, to) = (n % 200, (n * 7 + n / 200) % 200);
            text += &format!(
                "[[channels]]\nid=\"c{n}\"\nfrom=[\"h{from}\"]\nto=[\"h{to}\", \"s{}\"]\nservices=[\"tcp/{}\"]\npurpose_ja=\"p\"\nclause=\"c\"\napproval=\"a\"\n",
                n % 40,
                n % 60_000 + 1
            );
        }
        let (policy, _) = super::super::load_text("many.toml", &text)
            .unwrap_or_else(|faults| panic!("{:#?}", &faults[..1]));
        let mut hits = 0;
        for n in 0..400_u32 {
            let addr = |n: u32| format!("10.{}.1.{}", n % 40, n % 200);
            let client = end(&policy, &addr(n), SPRING);
            let server = end(&policy, &addr(n * 3 + n / 200), SPRING);
            let named = |end: &End, selectors: &[Selector]| {
                selectors.iter().filter(|s| end.selectors().any(|e| e == **s)).count()
            };
            let expected: usize = policy
                .channels()
                .iter()
                .map(|channel| named(&client, &channel.from) * named(&server, &channel.to))
                .sum();
            let found = policy.legs_between(&client, &server, at(SPRING));
            assert_eq!(found.len(), expected);
            hits += expected;
        }
        assert!(hits > 500, "the probes must hit: {hits}");
    }
}
