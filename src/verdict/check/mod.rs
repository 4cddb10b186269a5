//! The catalogue's functions. FAMILY: one file per letter.
//!
//! To add a check: its entry in `policy/catalog`, its function in the file of its letter here, and one line in
//! `FLOW` or `RUN`.

mod a_separation;
mod b_destination;
mod c_name;
mod case;
mod d_encryption;
mod e_tenant;
mod f_path;
mod fire;
mod flow;
mod g_transfer;
mod h_tunnel;
mod i_host;
mod j_dns;
mod k_volume;
mod l_ledger;
mod m_migration;
mod n_expected;
mod o_model;
mod observed;
mod q_observation;
mod run;

#[cfg(test)]
mod stories;

pub use fire::{Fire, Subject, server_text};
pub use flow::flow;
pub use run::{RunCase, run};

use self::case::Case;
use crate::{ground::model::finding::CheckId, policy::language::Policy};

/// What a check answers about one flow: nothing, or what it speaks about.
type FlowCheck = fn(&Case<'_>) -> Option<case::Spoken>;

/// Checks of single flows, in the order of ids.
const FLOW: &[(CheckId, FlowCheck)] = &[
    (CheckId::new(b'A', 1), a_separation::mynumber_and_internet),
    (CheckId::new(b'A', 2), a_separation::mynumber_and_internet_segment),
    (CheckId::new(b'A', 3), a_separation::mynumber_to_unlisted_lgwan),
    (CheckId::new(b'A', 4), a_separation::mynumber_and_lgwan_segment),
    (CheckId::new(b'A', 5), a_separation::lgwan_and_internet_segment),
    (CheckId::new(b'A', 6), a_separation::opened_from_outside),
    (CheckId::new(b'A', 7), a_separation::over_a_maintenance_line),
    (CheckId::new(b'A', 8), a_separation::undefined_end),
    (CheckId::new(b'A', 9), a_separation::shared_services),
    (CheckId::new(b'A', 10), a_separation::management),
    (CheckId::new(b'B', 1), b_destination::outside_the_breakout_list),
    (CheckId::new(b'B', 2), b_destination::internet_attempt),
    (CheckId::new(b'B', 3), b_destination::lgwan_to_internet),
    (CheckId::new(b'B', 4), b_destination::unlisted_asp),
    (CheckId::new(b'B', 5), b_destination::address_outside_the_list),
    (CheckId::new(b'B', 6), b_destination::by_address_only),
    (CheckId::new(b'B', 7), b_destination::hosting_platform),
    (CheckId::new(b'B', 8), b_destination::low_code),
    (CheckId::new(b'B', 9), b_destination::other_port),
    (CheckId::new(b'B', 12), b_destination::private_service),
    (CheckId::new(b'B', 14), b_destination::bare_address),
    (CheckId::new(b'C', 1), c_name::no_name),
    (CheckId::new(b'C', 2), c_name::real_ech),
    (CheckId::new(b'C', 3), c_name::names_disagree),
    (CheckId::new(b'C', 4), c_name::inner_name_differs),
    (CheckId::new(b'C', 5), c_name::other_issuer),
    (CheckId::new(b'C', 6), c_name::other_certificate_name),
    (CheckId::new(b'D', 1), d_encryption::cleartext_on_required),
    (CheckId::new(b'D', 2), d_encryption::cleartext_http_outside),
    (CheckId::new(b'D', 3), d_encryption::update_in_the_clear),
    (CheckId::new(b'D', 4), d_encryption::weak_encryption),
    (CheckId::new(b'D', 5), d_encryption::network_gear_in_the_clear),
    (CheckId::new(b'E', 1), e_tenant::sign_in_past_the_proxy),
    (CheckId::new(b'E', 2), e_tenant::foreign_tenant),
    (CheckId::new(b'E', 4), e_tenant::private_sign_in),
    (CheckId::new(b'E', 6), e_tenant::registration),
    (CheckId::new(b'F', 1), f_path::past_the_security_cloud),
    (CheckId::new(b'F', 2), f_path::bypass),
    (CheckId::new(b'F', 4), f_path::other_line),
    (CheckId::new(b'F', 7), f_path::closed_line_outside),
    (CheckId::new(b'F', 8), f_path::automatic_proxy),
    (CheckId::new(b'G', 1), g_transfer::files_past_the_sanitiser),
    (CheckId::new(b'G', 2), g_transfer::mail_past_the_sanitiser),
    (CheckId::new(b'G', 3), g_transfer::remote_control),
    (CheckId::new(b'G', 4), g_transfer::screen_reversed),
    (CheckId::new(b'G', 5), g_transfer::much_on_a_screen),
    (CheckId::new(b'G', 7), g_transfer::gateway_reaches_further),
    (CheckId::new(b'G', 8), g_transfer::much_taken_in),
    (CheckId::new(b'G', 11), g_transfer::mynumber_screen),
    (CheckId::new(b'H', 1), h_tunnel::vpn),
    (CheckId::new(b'H', 2), h_tunnel::softether),
    (CheckId::new(b'H', 3), h_tunnel::remote_support),
    (CheckId::new(b'H', 4), h_tunnel::hidden_resolution),
    (CheckId::new(b'H', 5), h_tunnel::change_to_ipv6),
    (CheckId::new(b'H', 6), h_tunnel::ssh_outside),
    (CheckId::new(b'H', 8), h_tunnel::other_protocol),
    (CheckId::new(b'H', 9), h_tunnel::quic),
    (CheckId::new(b'H', 10), h_tunnel::connect_elsewhere),
    (CheckId::new(b'H', 11), h_tunnel::peer_to_peer),
    (CheckId::new(b'I', 9), i_host::ipv6),
    (CheckId::new(b'J', 1), j_dns::undeclared_resolver),
    (CheckId::new(b'J', 2), j_dns::across_segments),
    (CheckId::new(b'K', 2), k_volume::large_upload),
    (CheckId::new(b'K', 3), k_volume::much_up_on_updates),
    (CheckId::new(b'K', 8), k_volume::outside_hours),
    (CheckId::new(b'L', 2), l_ledger::expired),
    (CheckId::new(b'L', 3), l_ledger::unpermitted),
    (CheckId::new(b'L', 7), l_ledger::registration_expired),
    (CheckId::new(b'M', 1), m_migration::in_the_window),
    (CheckId::new(b'M', 2), m_migration::retired),
    (CheckId::new(b'O', 2), o_model::case_exceeded),
];

/// What a check says of a whole run.
type RunCheck = fn(&RunCase<'_>) -> Vec<run::Noted>;

/// Checks of a whole run, in the order of ids.
const RUN: &[(CheckId, RunCheck)] = &[
    (CheckId::new(b'C', 7), c_name::unseen_certificates),
    (CheckId::new(b'E', 5), e_tenant::unproven_tenant_control),
    (CheckId::new(b'G', 6), g_transfer::more_users_than_planned),
    (CheckId::new(b'I', 1), i_host::in_two_segments),
    (CheckId::new(b'K', 4), k_volume::scans),
    (CheckId::new(b'K', 5), k_volume::spread),
    (CheckId::new(b'L', 1), l_ledger::unused),
    (CheckId::new(b'L', 4), l_ledger::long_maintenance),
    (CheckId::new(b'L', 10), l_ledger::deviations),
    (CheckId::new(b'N', 1), n_expected::silent_channels),
    (CheckId::new(b'N', 3), n_expected::without_names_or_time),
    (CheckId::new(b'O', 1), o_model::another_model),
    (CheckId::new(b'Q', 1), q_observation::loss),
    (CheckId::new(b'Q', 2), q_observation::one_sided),
    (CheckId::new(b'Q', 4), q_observation::duplicates),
    (CheckId::new(b'Q', 5), q_observation::vlans),
    (CheckId::new(b'Q', 6), q_observation::cut),
    (CheckId::new(b'Q', 7), q_observation::clocks),
    (CheckId::new(b'Q', 8), q_observation::blind_minutes),
    (CheckId::new(b'Q', 9), q_observation::undecoded),
    (CheckId::new(b'Q', 10), q_observation::unseen_segments),
    (CheckId::new(b'Q', 11), q_observation::opaque),
];

/// The checks that look at every flow under this policy, in the order of ids: a report says of each how much it
/// looked at, also where it found nothing.
pub fn of_flows(policy: &Policy) -> impl Iterator<Item = CheckId> {
    FLOW.iter().map(|(id, _)| *id).filter(|id| is_enabled(policy, *id))
}

/// The checks that look at the run as a whole, likewise.
pub fn of_run(policy: &Policy) -> impl Iterator<Item = CheckId> {
    RUN.iter().map(|(id, _)| *id).filter(|id| is_enabled(policy, *id))
}

/// Ports with the same number are the same to every check of flows.
#[must_use]
pub fn kind_of_port(port: u16) -> u16 {
    let lists = [
        (g_transfer::lists_of_port(port), 4),
        (a_separation::lists_of_port(port), 2),
        (h_tunnel::lists_of_port(port), 6),
        (o_model::lists_of_port(port), 1),
    ];
    let dns = u16::from(port == j_dns::PORT);
    lists.iter().fold(dns, |bits, (list, width)| bits << width | u16::from(*list))
}

/// Whether a check is asked. The last resort always is (RULES 4).
fn is_enabled(policy: &Policy, id: CheckId) -> bool {
    id == flow::LAST_RESORT || policy.check(id).and_then(|setting| setting.enabled) != Some(false)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::catalog;

    #[test]
    fn every_entry_of_the_catalogue_has_a_function_and_every_function_an_entry() {
        let words: Vec<_> = catalog::all().map(|entry| entry.id).collect();
        let functions: std::collections::BTreeSet<_> =
            FLOW.iter().map(|(id, _)| *id).chain(RUN.iter().map(|(id, _)| *id)).collect();
        assert_eq!(words, functions.into_iter().collect::<Vec<_>>());
        for list in [FLOW.iter().map(|it| it.0).collect::<Vec<_>>(), RUN.iter().map(|it| it.0).collect()] {
            assert!(list.is_sorted(), "{list:?}");
        }
    }
}
