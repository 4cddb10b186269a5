//! FAMILY: formats of the output; all write to a `Write` they are given.
