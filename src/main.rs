//! The program: see the library, [`sekisho::cli`].

use std::process::ExitCode;

fn main() -> ExitCode {
    sekisho::cli::main()
}
