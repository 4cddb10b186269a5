//! `sekisho policy learn`: channels proposed from captures.

use std::{
    io::{self, Write},
    sync::Arc,
};

use super::{
    confine::Guard,
    error::Error,
    files,
    job::{Job, Sensors, input_name, needs},
    memory,
    options_upkeep::LearnOptions,
    outputs::print,
    policy,
    progress::Bar,
};
use crate::{
    ground::model::{
        lang::Lang,
        result::{Limit, RunResult},
    },
    output::report::text,
    policy::language::render_all,
    run::{
        engine::conclude::Demands,
        pipeline::Progress,
        upkeep::learn::{Base, Learned, Learner},
    },
};

/// Runs the command; gives the exit code.
///
/// # Errors
/// The user's errors.
pub(super) fn run(options: &LearnOptions, lang: Lang) -> Result<u8, Error> {
    let run = &options.input.run;
    // Kept: it is read again with the proposals, when nothing else can be read any more.
    let mut base = Base { root: options.policy.clone(), ..Base::default() };
    let mut read = |path: &std::path::Path| -> io::Result<Vec<u8>> {
        let bytes = files::read(path)?;
        base.files.insert(path.to_owned(), bytes.clone());
        Ok(bytes)
    };
    let policy = Arc::new(policy::load_by(&options.policy, &mut read, run.quiet, lang)?);
    let sensors = Sensors::new(Some(&policy), &run.sensors)?;
    let job = Job {
        options: run,
        capture: input_name(&options.input),
        policy: Some(policy.clone()),
        sensors: &sensors,
        demands: Demands::default(),
        limits: memory::limits(run.memory),
        lang,
    };
    let mut guard =
        Guard::confine(&run.rights, needs(&options.input.inputs, options.out.as_deref(), None), lang)?;
    let input = job.open(&options.input.inputs)?;
    let file = options.out.as_deref().map(files::create_new).transpose()?;
    guard.narrow()?;
    let mut learner = Learner::new(policy);
    let progress = Arc::new(Progress::default());
    let bar = Bar::start(progress.clone(), input.0.total_bytes(), run.quiet, lang);
    let result = job.run_into(input, &mut learner, &progress);
    drop(bar);
    let result = result.map_err(Error::Run)?;
    let learned = learner
        .learn(&base, options.min_flows)
        .map_err(|faults| Error::Policy(render_all(&faults, lang, false)))?;
    tell(options, &learned, file, lang)?;
    Ok(if is_sound(&result) { 0 } else { warn(&result, lang) })
}

/// The file, and what is said beside it: on standard error where standard output is the file.
fn tell(
    options: &LearnOptions,
    learned: &Learned,
    file: Option<std::fs::File>,
    lang: Lang,
) -> Result<(), Error> {
    let has_file = file.is_some();
    if let (Some(mut file), Some(path)) = (file, &options.out) {
        file.write_all(learned.text.as_bytes()).map_err(|error| Error::Output(path.clone(), error))?;
    }
    if options.json {
        let lines: String = learned.json().map(|line| format!("{line}\n")).collect();
        return print(&lines);
    }
    if has_file {
        return print(&learned.summary(lang));
    }
    eprint!("{}", learned.summary(lang));
    print(&learned.text)
}

/// Whether what was learnt was learnt from all of the input. That much of it violates the policy is what learning is about.
fn is_sound(result: &RunResult) -> bool {
    let breaks = |limit: &Limit| {
        matches!(
            limit,
            Limit::AccountingBroken
                | Limit::NoFlows
                | Limit::Damaged(..)
                | Limit::Unreadable(..)
                | Limit::ParserPanics(..)
                | Limit::MemoryBound(..)
        )
    };
    !result.conclusion.limits.iter().any(breaks)
}

fn warn(result: &RunResult, lang: Lang) -> u8 {
    eprint!("{}", text::flows_summary(result, lang));
    3
}
