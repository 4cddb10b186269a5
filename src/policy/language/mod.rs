//! The policy language: read, check, compile, look up. Home of `toml`, `miette`, `schemars`.
