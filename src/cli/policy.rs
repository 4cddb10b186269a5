//! `sekisho policy`: check, explain, schema; `init`, `learn`, `ledger` and `usage` have files of their own.

use std::{
    io::{self, IsTerminal},
    path::{Path, PathBuf},
};

use super::{
    audit::now, error::Error, explain, files, init, learn, ledger, options::PolicyCommand, outputs::print,
    usage,
};
use crate::{
    ground::{model::lang::Lang, words::escape},
    policy::language::{self, Diagnostic, Level, Policy, ReadFile, render_all, schema_json},
};

/// Runs the command; gives the exit code.
///
/// # Errors
/// The user's errors.
pub(super) fn run(command: &PolicyCommand, lang: Lang) -> Result<u8, Error> {
    match command {
        PolicyCommand::Init(options) => init::run(options, lang),
        PolicyCommand::Learn(options) => learn::run(options, lang),
        PolicyCommand::Check { files, json } => check(files, *json, lang),
        PolicyCommand::Explain { file, flow, json } => {
            explain::run(&load(file, false, lang)?, flow, *json, lang)
        }
        PolicyCommand::Ledger(command) => ledger::run(command, lang),
        PolicyCommand::Usage(options) => usage::run(options, lang),
        PolicyCommand::Schema => print(&format!("{}\n", schema_json())).map(|()| 0),
    }
}

/// A policy for a command that judges by it: an error in it ends the command, a warning is told and does not. Quiet, warnings
/// are counted and not drawn: that takes as long as judging a small capture.
///
/// # Errors
/// When the policy has errors.
pub(super) fn load(path: &Path, quiet: bool, lang: Lang) -> Result<Policy, Error> {
    load_by(path, &mut files::read, quiet, lang)
}

/// [`load`], where somebody wants to see what is read.
///
/// # Errors
/// When the policy has errors.
pub(super) fn load_by(path: &Path, read: ReadFile<'_>, quiet: bool, lang: Lang) -> Result<Policy, Error> {
    match language::load_on(path, Some(now()), read) {
        Ok((policy, mut notes)) => {
            notes.retain(|note| note.level == Level::Warning);
            eprint!("{}", warnings(path, &notes, quiet, lang));
            Ok(policy)
        }
        Err(errors) => Err(Error::Policy(render_all(&errors, lang, io::stderr().is_terminal()))),
    }
}

fn warnings(path: &Path, notes: &[Diagnostic], quiet: bool, lang: Lang) -> String {
    if !quiet || notes.is_empty() {
        return render_all(notes, lang, io::stderr().is_terminal());
    }
    let (count, path) = (notes.len(), escape::text(&path.display().to_string()));
    match lang {
        Lang::Ja => format!("sekisho: {path}: 注意{count}件(sekisho policy check {path} で表示)\n"),
        Lang::En => format!("sekisho: {path}: {count} warnings (sekisho policy check {path} shows them)\n"),
    }
}

/// RULES 22: 0 clean or warnings, 2 errors.
fn check(paths: &[PathBuf], json: bool, lang: Lang) -> Result<u8, Error> {
    let mut code = 0;
    let mut page = String::new();
    for path in paths {
        let (diagnostics, valid) = match language::load_on(path, Some(now()), &mut files::read) {
            Ok((_, notes)) => (notes, true),
            Err(errors) => (errors, false),
        };
        code = if valid { code } else { 2 };
        if json {
            diagnostics.iter().for_each(|diagnostic| page.push_str(&format!("{}\n", diagnostic.to_json())));
        } else {
            page.push_str(&render_all(&diagnostics, lang, io::stdout().is_terminal()));
            page.push_str(&closing(path, &diagnostics, valid, lang));
        }
    }
    print(&page)?;
    Ok(code)
}

fn closing(path: &Path, diagnostics: &[Diagnostic], valid: bool, lang: Lang) -> String {
    let count = |level: Level| diagnostics.iter().filter(|diagnostic| diagnostic.level == level).count();
    let (errors, warnings) = (count(Level::Error), count(Level::Warning));
    let path = escape::text(&path.display().to_string());
    match (lang, valid) {
        (Lang::Ja, true) => format!("{path}: 使えます(誤り0、注意{warnings})\n"),
        (Lang::Ja, false) => format!("{path}: 使えません(誤り{errors}、注意{warnings})\n"),
        (Lang::En, true) => format!("{path}: valid (0 errors, {warnings} warnings)\n"),
        (Lang::En, false) => format!("{path}: not valid ({errors} errors, {warnings} warnings)\n"),
    }
}
