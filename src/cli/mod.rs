//! Floor 5: one file a subcommand; the only room that sees all options. Home of `clap`, `indicatif`.
