//! Providers' lists: read in every format, linted, compared, drafted.

use sekisho::{
    ground::model::{address::Prefix, lang::Lang, pattern::NamePattern},
    policy::list::{Difference, Draft, FORMATS, List, Selection, detect, drafts, format, lint, plain_text},
};

use super::Script;

/// A list, behind a byte that says whether it is read as what it looks like (0) or as one of the formats.
pub fn lists(input: &[u8]) {
    let mut script = Script(input);
    let which = usize::from(script.byte());
    let bytes = script.0;
    let known = match which.checked_sub(1) {
        Some(number) => Ok(FORMATS[number % FORMATS.len()]),
        None => detect(bytes),
    };
    let read = known.and_then(|format| format.read(bytes, &Selection::default()));
    let Ok(list) =
        read.inspect_err(|fault| assert!(!fault.told().ja.is_empty() && !fault.told().en.is_empty()))
    else {
        return;
    };
    told(&list);
    let nothing = list.clone().minus(&list.addresses());
    assert!(nothing.blocks.is_empty());
    assert!(Difference::new(&list, &list).is_empty());
    let gone = Difference::new(&list, &nothing);
    assert_eq!(gone.blocks_removed, list.addresses());
    assert!(gone.names_removed.is_empty() && gone.blocks_added.is_empty());
    drafted(&list);
}

/// What a list says can be shown: no remark carries a command to a terminal.
fn told(list: &List) {
    for finding in lint(list) {
        for lang in [Lang::Ja, Lang::En] {
            let told = finding.headline(lang);
            assert!(!told.is_empty() && !told.chars().any(char::is_control), "{told:?}");
        }
    }
}

/// Every name and block stands in one destination and in one file, and is read back from there as the same.
fn drafted(list: &List) {
    let draft = Draft::default();
    let page = drafts(list, &draft, &[], Lang::Ja);
    assert!(page.starts_with("# 未承認"));
    let (mut names, mut blocks): (Vec<NamePattern>, Vec<Prefix>) = (Vec::new(), Vec::new());
    for group in list.groups() {
        let text = plain_text(list, &group, &draft, Lang::En);
        let again = format("plain").expect("a format").read(text.as_bytes(), &Selection::default());
        let again = again.unwrap_or_else(|fault| panic!("{}", fault.told().en));
        assert!(again.remarks.is_empty(), "{:?}", again.remarks);
        assert_eq!((again.all_names(), again.all_blocks()), (group.names.clone(), group.blocks.clone()));
        names.extend(group.names);
        blocks.extend(group.blocks);
    }
    names.sort();
    names.dedup();
    assert_eq!(names, list.all_names());
    assert_eq!(blocks.into_iter().collect::<sekisho::policy::list::Blocks>(), list.addresses());
}
