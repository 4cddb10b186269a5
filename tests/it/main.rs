//! Stories told to the whole program.

#![allow(unreachable_pub, missing_docs, reason = "a test binary has no outside")]

mod announced;
mod city;
mod cli;
mod corpus;
mod court;
mod doctor;
mod golden;
mod hostile;
mod learn;
mod ledger;
mod list;
mod live;
mod pressure;
mod quic;
mod recording;
mod replay;
mod review;
mod rules;
mod sandbox;
mod support;
mod threads;
mod threats_dns;
mod threats_exhaustion;
mod threats_frag_tunnel;
mod threats_http;
mod threats_input;
mod threats_properties;
mod threats_quic;
mod threats_stream;
mod threats_tls;
mod unchanged;
mod usage;
