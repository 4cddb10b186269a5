//! `sekisho policy usage`: what the channels of a policy were used for, from finished runs.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use serde_json::json;

use super::{audit::now, error::Error, files, options_ledger::UsageOptions, outputs::print};
use crate::{
    ground::{model::lang::Lang, words::escape},
    output::store::Run,
    policy::language::{load_on, render_all},
    run::upkeep::usage::{self, Usage},
};

/// Runs the command; gives the exit code.
///
/// # Errors
/// The user's errors.
pub(super) fn run(options: &UsageOptions, lang: Lang) -> Result<u8, Error> {
    let (policy, notes) = load_on(&options.policy, Some(now()), &mut files::read)
        .map_err(|errors| Error::Policy(render_all(&errors, lang, false)))?;
    let runs = opened(&options.runs)?;
    let mut usage = Usage::new(&policy);
    for (_, run) in &runs {
        let summary = &run.manifest()["summary"];
        if let Some((first, last)) = summary["first"].as_str().zip(summary["last"].as_str()) {
            usage.observed(first, last);
        }
        run.each_flow(&mut |flow| usage.add(flow)).map_err(Error::Store)?;
    }
    let own = policy.meta().digest();
    let is_other = |run: &Run| run.manifest()["policy"]["sha256"] != own;
    let other: Vec<_> = runs.iter().filter(|(_, run)| is_other(run)).map(|(path, _)| shown(path)).collect();
    let page = if options.json {
        let mut document = usage::json(&usage, &notes);
        document["runs"] = json!(runs.iter().map(|(path, _)| shown(path)).collect::<Vec<_>>());
        document["runs_of_other_policies"] = json!(other);
        format!("{document}\n")
    } else {
        usage::page(&usage, &notes, lang) + &judged_otherwise(&other, lang)
    };
    print(&page)?;
    Ok(0)
}

/// Runs, each once: the same packets counted twice would be twice as much use.
fn opened(paths: &[PathBuf]) -> Result<Vec<(PathBuf, Run)>, Error> {
    let mut runs = Vec::new();
    let mut inputs: BTreeMap<String, usize> = BTreeMap::new();
    for (number, path) in paths.iter().enumerate() {
        let run = Run::open(path).map_err(Error::Store)?;
        for input in run.manifest()["inputs"].as_array().into_iter().flatten() {
            let Some(sha256) = input["sha256"].as_str() else { continue };
            let first = *inputs.entry(sha256.to_owned()).or_insert(number);
            if first != number {
                let (first, second) = (shown(&paths[first]), shown(path));
                let file = escape::text(input["path"].as_str().unwrap_or_default());
                return Err(Error::Option {
                    ja: format!(
                        "{first} と {second}: 同じ記録 {file} の結果です。どちらか一方を指定してください"
                    ),
                    en: format!("{first} and {second} are of the same capture {file}: name one of them"),
                });
            }
        }
        runs.push((path.clone(), run));
    }
    Ok(runs)
}

fn judged_otherwise(runs: &[String], lang: Lang) -> String {
    match (runs.is_empty(), lang) {
        (true, _) => String::new(),
        (false, Lang::Ja) => format!(
            "\n注意: 別の版の台帳で判定した結果です。同じ版で監査し直すと確かになります: {}\n",
            runs.join(", ")
        ),
        (false, Lang::En) => {
            format!(
                "\nnote: judged by another version of the policy; audit again to be sure: {}\n",
                runs.join(", ")
            )
        }
    }
}

fn shown(path: &Path) -> String {
    escape::text(&path.display().to_string())
}
