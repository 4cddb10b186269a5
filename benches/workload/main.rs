//! Makes the large captures that `scripts/bench` measures with: `cargo bench --bench workload -- KIND OUT …`
//!
//! | kind | letter | what it is |
//! |---|---|---|
//! | `real-mix OUT COPIES SECONDS INPUT…` | A | the inputs, copied with addresses of their own, in the order of time |
//! | `connections OUT COUNT SECONDS INPUT…` | B | short complete TLS connections found in the inputs, again and again |
//! | `smallest OUT FLOWS PASSES` | C | minimum-size packets, a flow returns after nearly all others |
//! | `one-packet OUT FLOWS PLANTED` | D | flows of one SYN, and among them answered ones that `policy.toml` forbids |
//!
//! The same arguments and inputs give the same bytes: whatever looks random is a hash of a number.

mod connections;
mod frame;
mod one_packet;
mod out;
mod packet;
mod real_mix;
mod rewrite;
mod smallest;

use out::Out;

fn main() {
    let arguments: Vec<_> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let words: Vec<_> = arguments.iter().map(String::as_str).collect();
    let number = |text: &str| text.parse::<u64>().unwrap_or_else(|_| panic!("`{text}` is not a number"));
    let (kind, path, first, second, inputs) = match words.as_slice() {
        [kind @ ("real-mix" | "connections"), path, first, second, inputs @ ..] if !inputs.is_empty() => {
            (*kind, *path, number(first), number(second), inputs)
        }
        [kind @ ("smallest" | "one-packet"), path, first, second] => {
            (*kind, *path, number(first), number(second), &[][..])
        }
        // `cargo bench` and `cargo test --benches` start every bench without arguments.
        _ => {
            println!(
                "usage: cargo bench --bench workload -- KIND OUT …, see the head of benches/workload/main.rs"
            );
            return;
        }
    };
    let mut out = Out::create(path);
    match kind {
        "real-mix" => real_mix::write(&mut out, first, second, inputs),
        "connections" => connections::write(&mut out, first, second, inputs),
        "smallest" => smallest::write(&mut out, first, second),
        _ => one_packet::write(&mut out, first, second),
    }
    out.finish(path);
}
