//! `sekisho policy ledger`: the channels as a sheet, and back.

use std::{
    io::{self, IsTerminal as _},
    path::Path,
};

use serde_json::Value;

use super::{
    audit::now,
    error::Error,
    files,
    options_ledger::{LedgerCommand, LedgerExportOptions, LedgerImportOptions},
    outputs::print,
};
use crate::{
    ground::{
        model::lang::{Lang, Words},
        sheet,
        words::escape,
    },
    policy::language::{Diagnostic, Ledger, Level, render_all},
    run::upkeep::ledger,
};

/// Runs the command; gives the exit code.
///
/// # Errors
/// The user's errors.
pub(super) fn run(command: &LedgerCommand, lang: Lang) -> Result<u8, Error> {
    match command {
        LedgerCommand::Export(options) => export(options, lang),
        LedgerCommand::Import(options) => import(options, lang),
    }
}

fn export(options: &LedgerExportOptions, lang: Lang) -> Result<u8, Error> {
    let kind = options.out.extension().map(|kind| kind.to_string_lossy().to_lowercase());
    let policy = read(&options.policy, lang)?;
    let bytes = match kind.as_deref() {
        Some("csv") => sheet::write_csv(&ledger::rows(&policy)),
        Some("xlsx") => ledger::with_workbook(&policy, sheet::write_xlsx)
            .map_err(|fault| files::refused(&options.out, &fault.told()))?,
        _ => {
            let words = Words::new(
                "--out には .csv か .xlsx で終わる名前を指定してください",
                "--out takes a name that ends with .csv or .xlsx",
            );
            return Err(files::refused(&options.out, &words));
        }
    };
    files::write_new(&options.out, &bytes)?;
    let (out, count) = (shown(&options.out), policy.lines().len());
    print(&match lang {
        Lang::Ja => format!("{out}: 許可{count}件を書き出しました\n"),
        Lang::En => format!("{out}: {count} channels written\n"),
    })?;
    Ok(0)
}

fn import(options: &LedgerImportOptions, lang: Lang) -> Result<u8, Error> {
    let policy = read(&options.policy, lang)?;
    let bytes = files::read(&options.sheet)
        .map_err(|error| files::refused(&options.sheet, &Words::new(error.to_string(), error.to_string())))?;
    let table = ledger::read_sheet(&bytes).map_err(|fault| files::refused(&options.sheet, &fault.told()))?;
    let plan = ledger::plan(&policy, &table, options.remove);
    let at = options.out.as_deref().unwrap_or(&options.policy);
    let done = match &plan.text {
        None => Done::Refused,
        Some(text) => match again(at, text) {
            Err(faults) => Done::Faulty(faults),
            Ok(again) if !plan.is_kept_by(&again) => return Err(not_kept()),
            Ok(_) => {
                options.out.as_deref().map_or(Ok(()), |out| files::write_new(out, text.as_bytes()))?;
                Done::Fine
            }
        },
    };
    if let Done::Faulty(faults) = &done {
        eprint!("{}", render_all(faults, lang, io::stderr().is_terminal()));
    }
    let page = if options.json {
        let mut document = ledger::json(&plan);
        document["policy_faults"] = match &done {
            Done::Faulty(faults) => faults.iter().map(Diagnostic::to_json).collect::<Vec<_>>().into(),
            _ => Value::Array(Vec::new()),
        };
        document["written"] = options.out.as_deref().filter(|_| matches!(done, Done::Fine)).map(shown).into();
        format!("{document}\n")
    } else {
        ledger::page(&plan, lang) + &closing(options, &done, lang)
    };
    print(&page)?;
    Ok(if matches!(done, Done::Fine) { 0 } else { 2 })
}

/// What became of an import.
enum Done {
    /// The new policy is good, and written where that was asked for.
    Fine,
    /// There are conflicts.
    Refused,
    /// The reader of policies does not take what came out.
    Faulty(Vec<Diagnostic>),
}

/// The new text as a policy, where it will stand.
fn again(at: &Path, text: &str) -> Result<Ledger, Vec<Diagnostic>> {
    let mut is_first = true;
    let read = Ledger::read(at, Some(now()), &mut |path| match std::mem::take(&mut is_first) {
        true => Ok(text.as_bytes().to_vec()),
        false => files::read(path),
    });
    read.map_err(|mut faults| {
        faults.retain(|fault| fault.level == Level::Error);
        faults
    })
}

fn closing(options: &LedgerImportOptions, done: &Done, lang: Lang) -> String {
    let nothing = match lang {
        Lang::Ja => "何も書いていません",
        Lang::En => "nothing was written",
    };
    match (done, &options.out, lang) {
        (Done::Fine, Some(out), Lang::Ja) => {
            format!("{} に書きました。元の台帳は変えていません\n", shown(out))
        }
        (Done::Fine, Some(out), Lang::En) => {
            format!("{} is written; the old policy is unchanged\n", shown(out))
        }
        (Done::Fine, None, Lang::Ja) => format!("取り込めます({nothing})\n"),
        (Done::Fine, None, Lang::En) => format!("can be taken over ({nothing})\n"),
        (Done::Refused, ..) => format!("{nothing}\n"),
        (Done::Faulty(_), _, Lang::Ja) => {
            format!("取り込むと台帳に誤りが生じます。表を直してください({nothing})\n")
        }
        (Done::Faulty(_), _, Lang::En) => {
            format!("the policy would have errors: change the sheet ({nothing})\n")
        }
    }
}

fn read(path: &Path, lang: Lang) -> Result<Ledger, Error> {
    Ledger::read(path, Some(now()), &mut files::read)
        .map_err(|errors| Error::Policy(render_all(&errors, lang, io::stderr().is_terminal())))
}

fn not_kept() -> Error {
    Error::Option {
        ja: "書き直した台帳が表のとおりになりません(本プログラムの不具合)。何も書いていません".to_owned(),
        en: "the changed policy would not say what the sheet says (a bug of this program); nothing was written".to_owned(),
    }
}

fn shown(path: &Path) -> String {
    escape::text(&path.display().to_string())
}
