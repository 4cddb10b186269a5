//! One run assembled: inputs opened, sensors bound, pipeline run.

use std::{path::Path, sync::Arc, thread::available_parallelism};

use super::{
    error::Error,
    memory,
    options::{InputOptions, RunOptions},
    outputs::Outputs,
    progress::Bar,
};
use crate::{
    ground::model::{
        flow_line::LineContext, lang::Lang, limits::Limits, packet::SensorId, result::RunResult,
    },
    policy::language::Policy,
    run::{
        engine::{conclude::Demands, sink::Sink},
        pipeline::{self, Plan, Progress},
        sandbox::Needs,
    },
    wire::capture::{self, Following, Request, SensorBinding},
};

/// Sensors by number (0 is none) and the globs that bind inputs to them.
#[derive(Debug, Default)]
pub(super) struct Sensors {
    /// Ids by number.
    pub ids: Vec<Arc<str>>,
    /// What binds inputs.
    pub bindings: Vec<SensorBinding>,
}

impl Sensors {
    /// The policy's sensors with their own globs, then those of `--sensor`, which may name new sensors only where no
    /// policy lists any.
    ///
    /// # Errors
    /// When `--sensor` is not `ID=GLOB` or names a sensor that the policy does not know.
    pub(super) fn new(policy: Option<&Policy>, options: &[String]) -> Result<Self, Error> {
        let mut sensors = Self { ids: vec!["".into()], bindings: Vec::new() };
        let listed = policy.map(Policy::sensors).unwrap_or_default();
        let mut own = Vec::new();
        for (place, sensor) in listed.iter().enumerate() {
            sensors.ids.push(sensor.id.clone());
            let id = SensorId(u16::try_from(place + 1).unwrap_or(u16::MAX));
            own.extend(
                sensor.inputs.iter().map(|pattern| SensorBinding { id, pattern: pattern.to_string() }),
            );
        }
        for option in options {
            let Some((id, pattern)) =
                option.split_once('=').filter(|(id, glob)| !id.is_empty() && !glob.is_empty())
            else {
                return Err(Error::Option {
                    ja: format!(
                        "--sensor {option}: 「ID=グロブ」の形で指定してください(例 s-core=core*.pcapng)"
                    ),
                    en: format!("--sensor {option}: expected ID=GLOB, such as s-core=core*.pcapng"),
                });
            };
            let known = sensors.ids.iter().position(|known| &**known == id);
            let place = match known {
                Some(place) => place,
                None if listed.is_empty() => {
                    sensors.ids.push(id.into());
                    sensors.ids.len() - 1
                }
                None => {
                    let names: Vec<_> = listed.iter().map(|sensor| &*sensor.id).collect();
                    return Err(Error::Option {
                        ja: format!(
                            "--sensor {id}: 許可台帳に無いセンサーです(台帳にあるのは {})",
                            names.join(", ")
                        ),
                        en: format!(
                            "--sensor {id}: no such sensor in the policy (it lists {})",
                            names.join(", ")
                        ),
                    });
                }
            };
            let id = SensorId(u16::try_from(place).unwrap_or(u16::MAX));
            sensors.bindings.push(SensorBinding { id, pattern: pattern.to_owned() });
        }
        // What was typed is stronger than what the policy says: it comes first, and the first match binds.
        sensors.bindings.append(&mut own);
        Ok(sensors)
    }
}

impl Sensors {
    /// True when inputs can be bound to more than one sensor.
    fn are_several(&self) -> bool {
        let ids: std::collections::BTreeSet<_> = self.bindings.iter().map(|binding| binding.id).collect();
        ids.len() > 1
    }
}

/// The input's name (RULES 13): `--name`, else the one file or folder, else what the inputs have in common.
#[must_use]
pub(super) fn input_name(options: &InputOptions) -> String {
    if let Some(name) = &options.run.name {
        return name.clone();
    }
    let base = |path: &Path| path.file_name().map(|name| name.to_string_lossy().into_owned());
    match options.inputs.as_slice() {
        [one] if one == "-" => "stdin".to_owned(),
        [one] => Path::new(one).canonicalize().ok().as_deref().and_then(base).unwrap_or_else(|| one.clone()),
        several => {
            let parents: std::collections::BTreeSet<_> =
                several.iter().map(|input| Path::new(input).parent()).collect();
            let common = (parents.len() == 1).then(|| parents.into_iter().next().flatten()).flatten();
            common.and_then(base).unwrap_or_else(|| "inputs".to_owned())
        }
    }
}

/// Workers: as asked, else one for each processor.
#[must_use]
pub(super) fn workers(options: &RunOptions) -> usize {
    options.workers.map_or_else(|| available_parallelism().map_or(1, usize::from), usize::from)
}

/// Opened inputs: the two stages of reading.
pub(super) type Input = (capture::Feed, capture::Baton);

/// What a run needs of files: its inputs, none for live interfaces, and its outputs.
#[must_use]
pub(super) fn needs(inputs: &[String], flows: Option<&Path>, run: Option<&Path>) -> Needs {
    let capture::Places { read, list } = capture::places(inputs);
    let files = flows.filter(|flows| *flows != Path::new("-"));
    Needs {
        read,
        list,
        folders: run.into_iter().map(Path::to_owned).collect(),
        files: files.into_iter().map(Path::to_owned).collect(),
        ..Needs::default()
    }
}

/// What a run needs beside its inputs.
pub(super) struct Job<'a> {
    /// How it is done.
    pub options: &'a RunOptions,
    /// What the input is called (RULES 13).
    pub capture: String,
    /// The policy, for an audit.
    pub policy: Option<Arc<Policy>>,
    /// Sensors and bindings.
    pub sensors: &'a Sensors,
    /// What the conclusion is held against.
    pub demands: Demands,
    /// What the run may hold.
    pub limits: Limits,
    /// The reader's language.
    pub lang: Lang,
}

impl Job<'_> {
    /// What lines need.
    #[must_use]
    pub(super) fn context(&self) -> LineContext {
        LineContext { capture: self.capture.clone(), sensors: self.sensors.ids.clone() }
    }

    /// Opens files, folders and pipes.
    ///
    /// # Errors
    /// When one cannot be used.
    pub(super) fn open(&self, inputs: &[String]) -> Result<Input, Error> {
        capture::open(&self.request(inputs)).map_err(Error::Capture)
    }

    /// Opens inputs that are still being written.
    ///
    /// # Errors
    /// When one cannot be followed.
    pub(super) fn follow(&self, inputs: &[String], following: &Following) -> Result<Input, Error> {
        capture::follow(&self.request(inputs), following).map_err(Error::Capture)
    }

    fn request(&self, inputs: &[String]) -> Request {
        Request { inputs: inputs.to_vec(), sensors: self.sensors.bindings.clone() }
    }

    /// Runs the inputs to their end, with a bar.
    ///
    /// # Errors
    /// When an output breaks or a worker fails.
    pub(super) fn run(&self, input: Input, mut outputs: Outputs) -> Result<(RunResult, Outputs), Error> {
        let progress = Arc::new(Progress::default());
        let bar = Bar::start(progress.clone(), input.0.total_bytes(), self.options.quiet, self.lang);
        let result = self.run_into(input, &mut outputs, &progress);
        drop(bar);
        match result {
            Ok(result) => Ok((result, outputs)),
            Err(error) => Err(outputs.into_failure(error)),
        }
    }

    /// Runs the inputs to their end.
    ///
    /// # Errors
    /// When the sink does not take what it is told, or a worker fails.
    pub(super) fn run_into(
        &self,
        (feed, baton): Input,
        sink: &mut dyn Sink,
        progress: &Progress,
    ) -> std::io::Result<RunResult> {
        let plan = Plan {
            workers: workers(self.options),
            policy: self.policy.clone(),
            demands: self.demands.clone(),
            several_sensors: self.sensors.are_several(),
            limits: self.limits,
        };
        if !self.options.quiet {
            eprintln!("sekisho: {}", memory::told(&plan.limits, self.lang));
        }
        pipeline::run(feed, baton, &plan, sink, progress)
    }
}
