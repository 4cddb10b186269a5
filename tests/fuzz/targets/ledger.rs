//! Sheets: any table against a policy gives conflicts or a policy that says what the table says.

use std::{io, path::Path};

use sekisho::{
    ground::model::lang::Lang,
    policy::language::Ledger,
    run::upkeep::ledger::{json, page, plan, read_sheet},
};

use super::Script;

const ROOT: &str = "city.toml";
const TEXT: &str = include_str!("../../../fixtures/policies/minato_alpha.toml");
const PART: &str = include_str!("../../../fixtures/policies/parts/prefecture.toml");

/// A sheet, behind a byte that says whether what it lacks is removed.
pub fn ledger(input: &[u8]) {
    let mut script = Script(input);
    let remove = script.byte() & 1 == 1;
    let Ok(table) = read_sheet(script.0) else { return };
    let plan = plan(&ledger_of(TEXT).expect("the fixture is a policy"), &table, remove);
    for lang in [Lang::Ja, Lang::En] {
        let page = page(&plan, lang);
        assert!(!page.chars().any(|letter| letter.is_control() && letter != '\n'), "{page:?}");
    }
    assert!(json(&plan).is_object());
    let Some(text) = &plan.text else {
        assert!(!plan.conflicts.is_empty(), "refused without a word");
        return;
    };
    assert!(plan.conflicts.is_empty());
    assert!(!plan.is_empty() || text == TEXT, "without changes not a byte changes");
    // The reader of policies has the last word; what it takes says what the sheet says.
    if let Some(again) = ledger_of(text) {
        assert!(plan.is_kept_by(&again), "{text}");
    }
}

/// The policy with this text.
pub fn ledger_of(text: &str) -> Option<Ledger> {
    let read = Ledger::read(Path::new(ROOT), None, &mut |path| match path.to_str() {
        Some(ROOT) => Ok(text.as_bytes().to_vec()),
        Some("parts/prefecture.toml") => Ok(PART.as_bytes().to_vec()),
        _ => Err(io::ErrorKind::NotFound.into()),
    });
    read.ok()
}

/// The fixture's own sheets, as they are and changed.
pub fn sheets() -> Vec<Vec<u8>> {
    use sekisho::{ground::sheet::write_csv, ground::sheet::write_xlsx, run::upkeep::ledger};
    let policy = ledger_of(TEXT).expect("the fixture is a policy");
    let mut rows = ledger::rows(&policy);
    let mut sheets = vec![write_csv(&rows), ledger::with_workbook(&policy, write_xlsx).expect("a workbook")];
    rows.truncate(4);
    let mut added = rows[1].clone();
    added[0] = "new".to_owned();
    rows.push(added);
    rows[2][3] = "tcp/8443, udp/8443".to_owned();
    rows[3][11] = "=備考".to_owned();
    sheets.push(write_csv(&rows));
    sheets.into_iter().flat_map(|sheet| [0, 1].map(|first| [&[first][..], &sheet].concat())).collect()
}
