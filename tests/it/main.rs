//! Stories told to the whole program.

#![allow(unreachable_pub, missing_docs, reason = "a test binary has no outside")]

mod city;
mod cli;
mod corpus;
mod golden;
mod hostile;
mod rules;
mod support;
mod threads;
