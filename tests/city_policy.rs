//! The demo city's ledger is one a reader may copy from: it lints clean.

use sekisho::{
    ground::model::lang::Lang,
    policy::language::{load_text, render_all},
};

#[test]
fn the_policy_of_the_demo_city_has_neither_errors_nor_warnings() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/city/policy.toml");
    let text = std::fs::read_to_string(path).unwrap();
    match load_text("policy.toml", &text) {
        Ok((_, warnings)) => assert!(warnings.is_empty(), "{}", render_all(&warnings, Lang::En, false)),
        Err(errors) => panic!("{}", render_all(&errors, Lang::En, false)),
    }
}
