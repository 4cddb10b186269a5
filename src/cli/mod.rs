//! Floor 5: one file a subcommand; the only room that sees all options. Home of `clap`, `indicatif`, `signal-hook`.

mod audit;
mod checks;
mod confine;
mod doctor;
mod error;
mod explain;
mod files;
mod flows;
mod herald;
mod init;
mod job;
mod learn;
mod ledger;
mod list;
mod memory;
mod options;
mod options_ledger;
mod options_upkeep;
mod outputs;
mod policy;
mod progress;
mod size;
mod stop;
mod usage;
mod watch;

use std::process::ExitCode;

use clap::Parser;

use options::{Command, Options, language};

/// The program: reads the command line, runs the command, gives the exit code of RULES 22.
#[must_use]
pub fn main() -> ExitCode {
    let options = Options::parse();
    let lang = language(options.lang, &|name| std::env::var(name).ok());
    let done = match &options.command {
        Command::Audit(options) => audit::run(options, lang),
        Command::Watch(options) => watch::run(options, lang),
        Command::Flows(options) => flows::run(options, lang),
        Command::Doctor(options) => doctor::run(options, lang),
        Command::List(command) => list::run(command, lang),
        Command::Policy(command) => policy::run(command, lang),
        Command::Checks(options) => checks::run(options, lang),
    };
    match done {
        Ok(code) => ExitCode::from(code),
        // Whoever read our output has seen enough (`sekisho flows … | head`).
        Err(error::Error::Output(_, error)) if error.kind() == std::io::ErrorKind::BrokenPipe => {
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprint!("{}", error.render(lang));
            ExitCode::from(error.exit_code())
        }
    }
}
