//! FAMILY: formats of the output; all write to a `Write` they are given.
//!
//! To add one: a file here that takes a [`RunResult`](crate::ground::model::result::RunResult) or a
//! [`FlowRecord`](crate::ground::model::flow_line::FlowRecord), and the option that names it in `cli`.

pub mod json;
pub mod lines;
pub mod text;
