//! `sekisho doctor`: can this machine capture, and what mends it.

use std::{fmt::Write as _, thread::available_parallelism};

use serde_json::json;

use super::{error::Error, options::DoctorOptions, outputs::print};
use crate::{
    ground::{
        model::{
            lang::Lang,
            machine::{Check, Fitness},
        },
        words::{escape, machine as words},
    },
    run::survey::{self, Purpose},
};

/// Version of the JSON document.
const SCHEMA: &str = "sekisho-doctor/1";

/// Runs the command; gives the exit code: 1 when something prevents or spoils a capture.
///
/// # Errors
/// When standard output cannot be written.
pub(super) fn run(options: &DoctorOptions, lang: Lang) -> Result<u8, Error> {
    let processors =
        available_parallelism().map_or(1, |count| u32::try_from(count.get()).unwrap_or(u32::MAX));
    let checks = survey::survey(&Purpose {
        interfaces: options.interfaces.clone(),
        rings: options.rings,
        ring_bytes: options.ring.0,
        snaplen: u64::from(options.snaplen),
        workers: options.workers.map_or(processors, u32::from),
        memory: options.memory.0,
        record: options.record.clone(),
        program: std::env::current_exe().unwrap_or_else(|_| "sekisho".into()),
    });
    let code = u8::from(checks.iter().any(|check| check.remark.fitness() == Fitness::Bad));
    let page = if options.json { document(&checks, code) } else { page(&checks, lang) };
    print(&page)?;
    Ok(code)
}

fn page(checks: &[Check], lang: Lang) -> String {
    let mut page = String::new();
    for check in checks {
        let verdict = words::fitness(check.remark.fitness()).of(lang);
        // A Japanese sign takes two columns.
        let width: usize = verdict.chars().map(|sign| if sign.is_ascii() { 1 } else { 2 }).sum();
        let _ = write!(page, "{verdict}{:blank$}", "", blank = 6_usize.saturating_sub(width));
        if let Some(subject) = &check.subject {
            let _ = write!(page, "{}: ", escape::text(subject));
        }
        let _ = writeln!(page, "{}", escape::text(&words::sentence(&check.remark, lang)));
        if let Some(remedy) = words::remedy(check) {
            let _ = writeln!(page, "        → {}", escape::text(&remedy));
        }
    }
    page
}

fn document(checks: &[Check], code: u8) -> String {
    let checks: Vec<_> = checks
        .iter()
        .map(|check| {
            let verdict = match check.remark.fitness() {
                Fitness::Good => "ok",
                Fitness::Doubtful => "warn",
                Fitness::Bad => "fail",
            };
            json!({
                "check": check.remark.code(),
                "subject": check.subject.as_deref().map(escape::text),
                "verdict": verdict,
                "text": escape::text(&words::sentence(&check.remark, Lang::En)),
                "remedy": words::remedy(check).as_deref().map(escape::text),
            })
        })
        .collect();
    format!("{}\n", json!({"schema": SCHEMA, "exit_code": code, "checks": checks}))
}
