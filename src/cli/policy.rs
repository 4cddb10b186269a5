//! `sekisho policy`: check, explain, schema.

use std::{
    io::{self, IsTerminal},
    path::{Path, PathBuf},
};

use super::{error::Error, explain, files, options::PolicyCommand, outputs::print};
use crate::{
    ground::{model::lang::Lang, words::escape},
    policy::language::{self, Diagnostic, Level, Policy, render_all, schema_json},
};

/// Runs the command; gives the exit code.
///
/// # Errors
/// The user's errors.
pub(super) fn run(command: &PolicyCommand, lang: Lang) -> Result<u8, Error> {
    match command {
        PolicyCommand::Check { files, json } => check(files, *json, lang),
        PolicyCommand::Explain { file, flow, json } => explain::run(&load(file, lang)?, flow, *json, lang),
        PolicyCommand::Schema => print(&format!("{}\n", schema_json())).map(|()| 0),
    }
}

/// A policy for a command that judges by it: an error in it ends the command, a warning is told and does not.
///
/// # Errors
/// When the policy has errors.
pub(super) fn load(path: &Path, lang: Lang) -> Result<Policy, Error> {
    match language::load(path, &mut files::read) {
        Ok((policy, notes)) => {
            let warnings: Vec<_> = notes.into_iter().filter(|note| note.level == Level::Warning).collect();
            eprint!("{}", render_all(&warnings, lang, io::stderr().is_terminal()));
            Ok(policy)
        }
        Err(errors) => Err(Error::Policy(render_all(&errors, lang, io::stderr().is_terminal()))),
    }
}

/// RULES 22: 0 clean or warnings, 2 errors.
fn check(paths: &[PathBuf], json: bool, lang: Lang) -> Result<u8, Error> {
    let mut code = 0;
    let mut page = String::new();
    for path in paths {
        let (diagnostics, valid) = match language::load(path, &mut files::read) {
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
