//! `sekisho flows`: classification only.

use std::path::Path;

use super::{
    confine::Guard,
    error::Error,
    job::{Job, Sensors, input_name, needs},
    memory,
    options::FlowsOptions,
    outputs::Outputs,
};
use crate::{ground::model::lang::Lang, output::report::text, run::engine::conclude::Demands};

/// Runs the command; gives the exit code.
///
/// # Errors
/// The user's errors.
pub(super) fn run(options: &FlowsOptions, lang: Lang) -> Result<u8, Error> {
    let run = &options.input.run;
    let sensors = Sensors::new(None, &run.sensors)?;
    let job = Job {
        options: run,
        capture: input_name(&options.input),
        policy: None,
        sensors: &sensors,
        demands: Demands::default(),
        limits: memory::limits(run.memory),
        lang,
    };
    let target = options.out.as_deref().unwrap_or_else(|| Path::new("-"));
    let mut guard = Guard::confine(&run.rights, needs(&options.input.inputs, Some(target), None), lang)?;
    let input = job.open(&options.input.inputs)?;
    let outputs = Outputs::open(job.context(), Some(target), None)?;
    guard.narrow()?;
    let (result, outputs) = job.run(input, outputs)?;
    outputs.finish()?;
    if !run.quiet {
        eprint!("{}", text::flows_summary(&result, lang));
    }
    Ok(result.conclusion.exit_code)
}
