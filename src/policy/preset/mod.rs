//! The guideline's models as data: one file for each edition and model, in `preset/<edition>/<model>.toml`.
//!
//! To add an edition or a model: its file, and one line in [`ALL`]. What a preset means is read in `language`, which is
//! the home of `toml`.

macro_rules! presets {
    ($($edition:literal: $($model:literal),+;)+) => {
        /// Every preset as it is written, edition by edition, oldest first.
        pub const ALL: &[Source] = &[$($(Source {
            edition: $edition,
            model: $model,
            text: include_str!(concat!("../../../preset/", $edition, "/", $model, ".toml")),
        },)+)+];
    };
}

/// One preset as it is written.
#[derive(Clone, Copy, Debug)]
pub struct Source {
    /// The edition of the guideline, as policies name it.
    pub edition: &'static str,
    /// The model.
    pub model: &'static str,
    /// TOML.
    pub text: &'static str,
}

presets! {
    "soumu-2024-10": "alpha", "alpha_prime", "beta", "beta_prime";
    "soumu-2025-03": "alpha", "alpha_prime", "beta", "beta_prime";
}
