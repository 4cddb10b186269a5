//! The program: see the library, [`sekisho::cli`].

use std::process::ExitCode;

use mimalloc::MiMalloc;

/// Every flow ends in records of odd sizes that another thread frees: the C library's allocator spent a fifth of the whole
/// audit on that.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    sekisho::cli::main()
}
