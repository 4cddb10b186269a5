//! `sekisho watch`: live interfaces, until somebody says stop.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use super::{
    audit,
    confine::Guard,
    error::Error,
    herald::{self, Announcing, Ear, Herald},
    job::{Input, Job, Sensors, needs},
    memory,
    options::WatchOptions,
    outputs::Outputs,
    policy, stop,
};
use crate::{
    ground::{
        model::{lang::Lang, limits, time::Timestamp},
        words::{live, recording as words},
    },
    output::store::{PreparedRecording, Recording, RecordingPlan},
    run::{pipeline::Progress, sandbox::Needs},
    wire::capture::{self, LiveRequest, NewsTo, RecordingId, Stop},
};

/// Runs the command; gives the exit code.
///
/// # Errors
/// The user's errors, and outputs that break.
pub(super) fn run(options: &WatchOptions, lang: Lang) -> Result<u8, Error> {
    let started = audit::now();
    let (judge, run) = (&options.judge, &options.run);
    let policy = Arc::new(policy::load(&judge.policy, run.quiet, lang)?);
    let demands = audit::demands(judge, &policy)?;
    let sensors = Sensors::new(Some(&policy), &run.sensors)?;
    let capture = run.name.clone().unwrap_or_else(|| options.interfaces.join("+"));
    let limits = memory::limits(run.memory);
    let policy = Some(policy);
    let job = Job { options: run, capture, policy, sensors: &sensors, demands, limits, lang };
    let stop = Stop::default();
    let (ear, mailbox) = herald::mailbox();
    // Interfaces first: they need a right that nothing else needs, and one that cannot be had leaves no folder behind.
    let (feed, mut baton) = open(options, &sensors, &stop, &ear)?;
    let mut needs = needs(&[], judge.flows.as_deref(), judge.out.as_deref());
    needs.folders.extend(options.record.clone());
    let needs = Needs { live: true, hears_signals: true, ..needs };
    let mut guard = Guard::confine(&run.rights, needs, lang)?;
    let prepared = record(options, started)?;
    let outputs = Outputs::open(job.context(), judge.flows.as_deref(), judge.out.as_deref())?;
    guard.narrow()?;
    // From here on there are threads, and packets are read.
    stop::on_signals(&stop)?;
    let progress = Arc::new(Progress::default());
    let herald = Herald::start(mailbox, progress.clone(), run.quiet, lang)?;
    eprintln!("{}", live::begins(&options.interfaces, options.rings, options.ring.len(), lang));
    let mut recording = None;
    if let Some(prepared) = prepared {
        eprintln!("{}", words::terms(prepared.terms(), lang));
        let (recorder, started) = prepared.start().map_err(Error::Run)?;
        baton = baton.tapped(Box::new(recorder));
        recording = Some(started);
    }
    let mut sink = Announcing { outputs, ear, lang };
    let result = job.run_into((feed, baton), &mut sink, &progress);
    let Announcing { outputs, ear, .. } = sink;
    drop(ear);
    herald.finish();
    // Whatever became of the run, what was recorded is told.
    let recorded = recording.map(Recording::finish);
    if let Some(recorded) = &recorded {
        words::recorded(recorded, lang).iter().for_each(|line| eprintln!("{line}"));
    }
    let result = match result {
        Ok(result) => result,
        Err(error) => return Err(outputs.into_failure(error)),
    };
    if let Some(writer) = outputs.finish()? {
        audit::finish_run(writer, judge, &job, &result, &BTreeMap::new(), (started, &guard.in_force()))?;
    }
    audit::tell(judge, &run.rights, &result, lang)?;
    Ok(result.conclusion.exit_code)
}

/// Makes ready for recording, if that is asked for.
fn record(options: &WatchOptions, started: Timestamp) -> Result<Option<PreparedRecording>, Error> {
    let Some(folder) = &options.record else { return Ok(None) };
    let plan = RecordingPlan {
        folder: folder.clone(),
        piece_len: options.record_file.0,
        total_len: options.record_max.map_or(limits::RECORD_TOTAL_LEN, |size| size.0),
        replaces_oldest: options.record_max.is_some(),
        id: RecordingId { started, process: std::process::id() },
    };
    PreparedRecording::open(plan).map(Some).map_err(Error::Store)
}

fn open(options: &WatchOptions, sensors: &Sensors, stop: &Stop, ear: &Ear) -> Result<Input, Error> {
    let ear = ear.clone();
    let request = LiveRequest {
        interfaces: options.interfaces.clone(),
        filter: options.filter.clone(),
        ring_bytes: options.ring.len(),
        snaplen: options.snaplen,
        rings: options.rings,
        is_promiscuous: !options.no_promiscuous,
        sensors: sensors.bindings.clone(),
        packets: options.packets,
        duration: options.duration.map(|seconds| Duration::from_secs(seconds.into())),
        stop: stop.clone(),
        news: Some(NewsTo(Box::new(move |news| ear.news(news)))),
    };
    capture::watch(request).map_err(Error::Capture)
}
