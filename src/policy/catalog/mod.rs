//! The catalogue of checks: their words and numbers (DOMAIN §4). FAMILY: one file per letter.
//!
//! To add a check: one [`Entry`] in the file of its letter here, one function in `verdict/check`. A test there ties
//! the two together.

mod a_separation;
mod b_destination;
mod c_name;
mod d_encryption;
mod e_tenant;
mod entry;
mod f_path;
mod g_transfer;
mod h_tunnel;
mod i_host;
mod j_dns;
mod k_volume;
mod l_ledger;
mod m_migration;
mod n_expected;
mod o_model;
mod q_observation;

pub use entry::{CAUTION, Clause, Effect, Entry, Models, Weight};

use crate::ground::model::finding::CheckId;

/// Every check, letter by letter.
pub const ALL: &[&[Entry]] = &[
    a_separation::ENTRIES,
    b_destination::ENTRIES,
    c_name::ENTRIES,
    d_encryption::ENTRIES,
    e_tenant::ENTRIES,
    f_path::ENTRIES,
    g_transfer::ENTRIES,
    h_tunnel::ENTRIES,
    i_host::ENTRIES,
    j_dns::ENTRIES,
    k_volume::ENTRIES,
    l_ledger::ENTRIES,
    m_migration::ENTRIES,
    n_expected::ENTRIES,
    o_model::ENTRIES,
    q_observation::ENTRIES,
];

/// Every check in the order of ids.
pub fn all() -> impl Iterator<Item = &'static Entry> {
    ALL.iter().copied().flatten()
}

/// The check of this id.
#[must_use]
pub fn by_id(id: CheckId) -> Option<&'static Entry> {
    all().find(|entry| entry.id == id)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ground::model::finding::Kind;

    #[test]
    fn every_check_stands_once_and_in_the_order_of_ids() {
        let ids: Vec<_> = all().map(|entry| entry.id).collect();
        assert!(ids.windows(2).all(|pair| pair[0] < pair[1]), "{ids:?}");
        assert_eq!(by_id(CheckId::new(b'A', 1)).map(|entry| entry.id), Some(CheckId::new(b'A', 1)));
        assert!(by_id(CheckId::new(b'A', 99)).is_none());
    }

    #[test]
    fn every_text_is_there_in_both_languages() {
        for entry in all() {
            for text in [entry.name, entry.meaning, entry.why, entry.harmless, entry.ask, entry.next] {
                assert!(!text.ja.is_empty() && !text.en.is_empty(), "{}", entry.id);
                assert!(text.en.is_ascii(), "{}: {}", entry.id, text.en);
                assert!(!text.ja.is_ascii(), "{}: {}", entry.id, text.ja);
            }
        }
    }

    #[test]
    fn rule_05_the_effect_of_a_check_follows_from_its_type() {
        for entry in all() {
            for weight in [entry.inner, entry.outer] {
                match weight.kind {
                    Kind::Violation => assert_eq!(entry.effect, Effect::Violating, "{}", entry.id),
                    Kind::Undecidable if entry.id.letter != b'Q' => {
                        assert!(matches!(entry.effect, Effect::Undecidable(_)), "{}", entry.id);
                    }
                    Kind::Ledger | Kind::Observation | Kind::Information => {
                        assert_eq!(entry.effect, Effect::None, "{}", entry.id);
                    }
                    Kind::Suspicion | Kind::Undecidable => {}
                }
            }
        }
    }

    #[test]
    fn no_text_blames_a_person_or_promises_more_than_packets_show() {
        for entry in all() {
            for text in [entry.name, entry.meaning, entry.why, entry.harmless, entry.ask, entry.next] {
                for word in ["違反者", "犯人", "不正を働", "完全に分離", "一切ない", "怠"]
                {
                    assert!(!text.ja.contains(word), "{}: {}", entry.id, text.ja);
                }
            }
        }
    }
}
