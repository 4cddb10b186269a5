//! Capture files of every format, plain or packed.

use sekisho::{
    ground::model::limits::BLOCK_LEN,
    wire::capture::{Request, open_with},
};

use super::{Script, Told, read};

/// The first byte says how long the blocks are; the rest is a file. Blocks of any length give the same packets.
pub fn captures(input: &[u8]) {
    let mut script = Script(input);
    let block_len = 1 + 16 * usize::from(script.byte());
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("any.cap");
    std::fs::write(&path, script.0).expect("a file is written");
    let request = Request { inputs: vec![path.display().to_string()], ..Request::default() };
    let Some(whole) = told(&request, BLOCK_LEN) else { return };
    assert_eq!(told(&request, block_len).as_ref(), Some(&whole));
}

fn told(request: &Request, block_len: usize) -> Option<Told> {
    let (feed, baton) = open_with(request, block_len).ok()?;
    Some(read(&feed, baton, || {}))
}
