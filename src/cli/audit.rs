//! `sekisho audit`: verdicts, findings, a run.

use std::{
    collections::BTreeMap,
    io::Write,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, SystemTime},
};

use serde_json::{Map, Value, json};

use super::{
    confine::{self, Guard},
    error::Error,
    job::{Job, Sensors, input_name, needs, workers},
    memory,
    options::{AuditOptions, JudgeOptions, RightsOptions},
    outputs::Outputs,
    policy, stop,
};
use crate::{
    ground::model::{
        confinement::{Confinement, Gap},
        flow_line::FLOW_SCHEMA,
        lang::Lang,
        result::RunResult,
        time::Timestamp,
    },
    output::{
        report::{
            json,
            text::{self, CheckWords, Extent},
        },
        store::{Fingerprint, InputHashes, RunWriter},
    },
    policy::{catalog, language::Policy},
    run::engine::conclude::Demands,
    wire::capture::{Following, Stop},
};

/// Runs the command; gives the exit code.
///
/// # Errors
/// The user's errors, and outputs that break.
pub(super) fn run(options: &AuditOptions, lang: Lang) -> Result<u8, Error> {
    let started = now();
    let (judge, run) = (&options.judge, &options.input.run);
    let policy = Arc::new(policy::load(&judge.policy, run.quiet, lang)?);
    let demands = demands(judge, &policy)?;
    let sensors = Sensors::new(Some(&policy), &run.sensors)?;
    let capture = input_name(&options.input);
    let limits = memory::limits(run.memory);
    let policy = Some(policy);
    let job = Job { options: run, capture, policy, sensors: &sensors, demands, limits, lang };
    let mut needs = needs(&options.input.inputs, judge.flows.as_deref(), judge.out.as_deref());
    needs.hears_signals = options.follow;
    if options.follow {
        // A file that is rotated comes back in its folder.
        let folder = |path: &PathBuf| path.canonicalize().ok()?.parent().map(Path::to_owned);
        let folders: Vec<_> = needs.read.iter().filter_map(folder).collect();
        needs.read.extend(folders);
    }
    let mut guard = Guard::confine(&run.rights, needs, lang)?;
    // Inputs first: an input that cannot be used must not leave a folder behind.
    let input = match following(options)? {
        None => job.open(&options.input.inputs)?,
        Some(following) => job.follow(&options.input.inputs, &following)?,
    };
    let outputs = Outputs::open(job.context(), judge.flows.as_deref(), judge.out.as_deref())?;
    guard.narrow()?;
    let hash = |paths: Vec<String>| InputHashes::start(paths).map_err(Error::Run);
    let is_hashed_beside = judge.out.is_some() && !options.follow;
    let hashes = is_hashed_beside.then(|| hash(input.1.paths())).transpose()?;
    let made = (started, &guard.in_force());
    let (result, outputs) = job.run(input, outputs)?;
    if let Some(writer) = outputs.finish()? {
        // What was followed is known only now.
        let read = || result.input.files.iter().map(|file| file.path.clone()).collect();
        let hashes = hashes.map_or_else(|| hash(read()), Ok)?;
        finish_run(writer, judge, &job, &result, &hashes.finish(), made)?;
    }
    tell(judge, &run.rights, &result, lang)?;
    Ok(result.conclusion.exit_code)
}

/// How the input is followed, if it is; from then on signals end the run and not the program.
fn following(options: &AuditOptions) -> Result<Option<Following>, Error> {
    if !options.follow {
        return Ok(None);
    }
    let seconds = |count: u32| Duration::from_secs(count.into());
    let stop = Stop::default();
    stop::on_signals(&stop)?;
    Ok(Some(Following {
        stop,
        until_idle: options.follow_until_idle.map(seconds),
        patience: seconds(options.follow_patience),
    }))
}

/// What the conclusion is held against.
///
/// # Errors
/// When an option means nothing to this policy.
pub(super) fn demands(options: &JudgeOptions, policy: &Policy) -> Result<Demands, Error> {
    if !(0.0..=100.0).contains(&options.undecidable_max) {
        return Err(Error::Option {
            ja: format!("--undecidable-max {}: 0から100の割合で指定してください", options.undecidable_max),
            en: format!("--undecidable-max {}: expected a percentage from 0 to 100", options.undecidable_max),
        });
    }
    let known: Vec<_> = policy.segments().iter().map(|segment| &*segment.id).collect();
    if let Some(unknown) = options.scope.iter().find(|id| !known.contains(&id.as_str())) {
        return Err(Error::Option {
            ja: format!("--scope {unknown}: 許可台帳に無い系です(台帳にあるのは {})", known.join(", ")),
            en: format!("--scope {unknown}: no such segment in the policy (it lists {})", known.join(", ")),
        });
    }
    Ok(Demands {
        fail_on: options.fail_on.severity(),
        undecidable_max: (options.undecidable_max * 100.0).round() as u64,
        scope: options.scope.iter().map(|id| id.as_str().into()).collect(),
    })
}

/// The summary.
///
/// # Errors
/// When it cannot be printed.
pub(super) fn tell(
    options: &JudgeOptions,
    rights: &RightsOptions,
    result: &RunResult,
    lang: Lang,
) -> Result<(), Error> {
    // With the flow lines on standard output the summary must not stand among them.
    let to_stderr = options.flows.as_deref() == Some(Path::new("-"));
    let mut out: Box<dyn Write> =
        if to_stderr { Box::new(std::io::stderr()) } else { Box::new(std::io::stdout()) };
    let told = if options.json {
        writeln!(out, "{}", json::summary(result)).and_then(|()| json::findings(&result.findings, &mut out))
    } else {
        let words = |id| catalog::by_id(id).map(|entry| (entry.name, entry.ask));
        let mut summary = text::summary(result, lang, &CheckWords(&words), Extent::default());
        if rights.no_sandbox {
            let second = summary.find('\n').map_or(0, |end| end + 1);
            summary.insert_str(second, &confine::line(&Gap::Off, lang));
        }
        out.write_all(summary.as_bytes())
    };
    told.map_err(|error| Error::Output("-".into(), error))
}

/// Closes the run's folder.
///
/// # Errors
/// When it cannot be written.
pub(super) fn finish_run(
    writer: RunWriter,
    options: &JudgeOptions,
    job: &Job<'_>,
    result: &RunResult,
    hashes: &BTreeMap<String, Option<Fingerprint>>,
    made: (Timestamp, &Confinement),
) -> Result<(), Error> {
    let mut inputs = json::files(&result.input);
    for (input, file) in inputs.as_array_mut().into_iter().flatten().zip(&result.input.files) {
        let digest = hashes.get(&file.path).cloned().flatten();
        // A file may have grown since it was read, or another may bear its name.
        let digest = digest.filter(|digest| file.size.is_none_or(|size| size == digest.size));
        input["sha256"] = digest.map_or(Value::Null, |digest| digest.sha256.into());
    }
    let findings = |out: &mut dyn Write| json::findings(&result.findings, out);
    let coverage = json::coverage(&result.coverage, &result.input, &result.tally, &job.sensors.ids);
    writer.finish(findings, &coverage, manifest(options, job, result, &inputs, made)).map_err(Error::Store)
}

fn manifest(
    options: &JudgeOptions,
    job: &Job<'_>,
    result: &RunResult,
    inputs: &Value,
    (started, confinement): (Timestamp, &Confinement),
) -> Map<String, Value> {
    let policy = result.policy.as_ref();
    let value = json!({
        "tool": {
            "name": "sekisho",
            "version": env!("CARGO_PKG_VERSION"),
            "target": std::env::consts::ARCH.to_owned() + "-" + std::env::consts::OS,
        },
        "command": std::env::args().collect::<Vec<_>>(),
        "started": started.to_string(),
        "finished": now().to_string(),
        "capture": job.context().capture,
        "workers": workers(job.options),
        "sandbox": json::confinement(confinement),
        "inputs": inputs,
        "sensors": job.sensors.ids.iter().skip(1).collect::<Vec<_>>(),
        "policy": policy.map(|policy| json!({
            "file": options.policy.display().to_string(),
            "id": policy.id, "title": policy.title, "org": policy.org, "model": policy.model,
            "guideline": policy.guideline, "version": policy.version, "sha256": policy.sha256,
        })),
        "schemas": {
            "flows.jsonl": FLOW_SCHEMA,
            "findings.jsonl": json::FINDING_SCHEMA,
            "coverage.json": json::COVERAGE_SCHEMA,
        },
        "summary": json::summary(result),
    });
    match value {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}

/// When this run happened: for the manifest only, never for a verdict.
#[expect(clippy::disallowed_methods, reason = "the manifest says when the run was made")]
pub(super) fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_nanos(i64::try_from(since.as_nanos()).unwrap_or(i64::MAX))
}
