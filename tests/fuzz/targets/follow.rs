//! Files read while they are written.

use std::{fs::OpenOptions, io::Write as _, time::Duration};

use sekisho::wire::capture::{Pace, Request, Stop, follow_with, open};

use super::{Script, Told, read};

/// How much is written between two looks, then a file. What was followed is what reading the finished file gives.
pub fn follow(input: &[u8]) {
    let mut script = Script(input);
    let step = 1 + 8 * usize::from(script.byte());
    let bytes = script.0;
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("growing.cap");
    let mut file = OpenOptions::new().create(true).append(true).open(&path).expect("a file to write to");
    let request = Request { inputs: vec![path.display().to_string()], ..Request::default() };
    let stop = Stop::default();
    // It stops when it is whole; before, no file is ever taken to be over.
    let pace = Pace { stop: stop.clone(), interval: Duration::ZERO, patience: u32::MAX, until_idle: None };
    let (feed, baton) = follow_with(&request, pace, 4_096).expect("a file can be followed");
    let mut parts = bytes.chunks(step.max(bytes.len() / 16));
    let followed = read(&feed, baton, || match parts.next() {
        Some(part) => file.write_all(part).expect("it takes bytes"),
        None => stop.stop(),
    });
    drop(file);
    let Ok((feed, baton)) = open(&request) else {
        assert!(followed.packets.is_empty(), "packets of what is no capture");
        return;
    };
    assert_same(followed, read(&feed, baton, || {}));
}

/// Whoever stops cannot know whether a record would have been written to its end: a cut tail is told only of a finished file.
fn assert_same(followed: Told, finished: Told) {
    assert_eq!(followed.packets, finished.packets);
    assert_eq!(followed.ticks, finished.ticks);
}
