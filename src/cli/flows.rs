//! `sekisho flows`: classification only.

use std::path::Path;

use super::{
    error::Error,
    job::{Job, Sensors, input_name},
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
        limits: memory::limits(run.memory.as_deref())?,
        lang,
    };
    let input = job.open(&options.input.inputs)?;
    let target = options.out.as_deref().unwrap_or_else(|| Path::new("-"));
    let outputs = Outputs::open(job.context(), Some(target), None)?;
    let (result, outputs) = job.run(input, outputs)?;
    outputs.finish()?;
    if !run.quiet {
        eprint!("{}", text::flows_summary(&result, lang));
    }
    Ok(result.conclusion.exit_code)
}
