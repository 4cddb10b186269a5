//! Input that is still being written: what was followed is what reading the finished files gives.

use std::{
    fs::{self, OpenOptions},
    io::Write,
    thread,
    time::Duration,
};

use super::super::{
    block::Block,
    border::Baton,
    error::Error,
    follow::Pace,
    input::{Feed, Request, follow_with},
    stop::Stop,
    support::*,
};
use crate::ground::model::{coverage::InputFile, packet::InterfaceId};

/// Looks without growth after which a file is over in these stories.
const PATIENCE: u32 = 3;

/// An input that is followed step by step; between two steps anything may happen to its files.
pub(super) struct Followed {
    feed: Feed,
    baton: Baton,
    stop: Stop,
    told: Told,
    ticket: u64,
}

impl Followed {
    pub(super) fn new(inputs: &[&str], block_len: usize) -> Self {
        Self::with(&request(inputs), block_len, None, Duration::ZERO)
    }

    fn with(request: &Request, block_len: usize, until_idle: Option<u32>, interval: Duration) -> Self {
        let stop = Stop::default();
        let pace = Pace { stop: stop.clone(), interval, patience: PATIENCE, until_idle };
        let (feed, baton) = follow_with(request, pace, block_len).expect("the input can be followed");
        Self { feed, baton, stop, told: Told::default(), ticket: 0 }
    }

    /// Makes one block; false when all is over.
    pub(super) fn step(&mut self) -> bool {
        let mut block = Block::new();
        self.feed.fill(self.ticket, &mut block);
        self.ticket += 1;
        let goes_on = self.baton.walk(&self.feed, &mut block);
        assert!(goes_on || block.is_empty());
        self.told.take(&block);
        goes_on
    }

    /// Until everything that is there is handed out, as far as it may be.
    pub(super) fn catch_up(&mut self) -> usize {
        let mut quiet = 0;
        while quiet <= 2 * PATIENCE {
            let before = self.told.packets.len();
            assert!(self.step());
            quiet = if self.told.packets.len() == before { quiet + 1 } else { 0 };
        }
        self.told.packets.len()
    }

    pub(super) fn finish(mut self) -> Told {
        self.stop.stop();
        while self.step() {}
        self.told.report = self.baton.finish();
        self.told
    }
}

pub(super) fn append(path: &str, bytes: &[u8]) {
    let mut file = OpenOptions::new().create(true).append(true).open(path).expect("a file to write to");
    file.write_all(bytes).expect("it takes bytes");
}

/// The same packets in the same order at the same places; interfaces may be numbered otherwise.
#[track_caller]
pub(super) fn assert_same(followed: &Told, finished: &Told) {
    let heads = |told: &Told| -> Vec<_> {
        let bare = |head: &crate::ground::model::packet::PacketHead| {
            let mut head = *head;
            head.interface = InterfaceId(0);
            head
        };
        told.packets.iter().map(|(head, bytes)| (bare(head), bytes.clone())).collect()
    };
    assert_eq!(heads(followed), heads(finished));
    assert_eq!(followed.ticks, finished.ticks);
    assert_eq!(followed.breaks, finished.breaks);
    let files = |told: &Told| -> Vec<InputFile> {
        let mut files = told.report.files.clone();
        files.sort_by(|a, b| (a.first, &a.path).cmp(&(b.first, &b.path)));
        files
    };
    assert_eq!(files(followed), files(finished));
}

fn texts(told: &Told) -> Vec<String> {
    told.payloads().iter().map(|bytes| String::from_utf8_lossy(bytes).into_owned()).collect()
}

#[test]
fn a_file_cut_anywhere_while_it_is_written_gives_what_the_finished_file_gives() {
    let written = [
        many(40, 0).bytes(),
        Pcapng::new(true).interface(1, 0, &[(2, b"eth1")]).at_ms(0, 5, b"one").at_ms(0, 6, b"two").out,
        many(3, 0).raw(&[0xff; 40]).bytes(),
    ];
    for bytes in written {
        for piece in [1, 7, 16, 999] {
            let folder = Folder::new();
            let path = folder.file("growing", b"");
            let mut followed = Followed::new(&[&path], 4_096);
            for part in bytes.chunks(piece) {
                append(&path, part);
                followed.step();
            }
            let followed = followed.finish();
            assert_same(&followed, &read(&request(&[&path])));
            assert_eq!(followed.report.files[0].late, 0);
        }
    }
}

#[test]
fn whole_packets_are_handed_out_before_the_file_ends() {
    let folder = Folder::new();
    let bytes = many(20, 0).bytes();
    let path = folder.file("growing.pcap", &bytes);
    let mut followed = Followed::new(&[&folder.path()], 1 << 16);
    assert_eq!(followed.catch_up(), 20);
    append(&path, &many(5, 9_000).bytes()[24..]);
    assert_eq!(followed.catch_up(), 25);
    assert_same(&followed.finish(), &read(&request(&[&folder.path()])));
}

#[test]
fn a_file_that_stops_in_the_middle_of_a_record_is_damaged_only_when_its_writer_had_stopped() {
    let folder = Folder::new();
    let bytes = many(20, 0).bytes();
    let path = folder.file("growing.pcap", &bytes[..bytes.len() - 400]);
    let mut followed = Followed::new(&[&path], 1 << 16);
    followed.step();
    append(&path, &bytes[bytes.len() - 400..bytes.len() - 3]);
    followed.step();
    followed.step();
    let still_written = followed.finish();
    assert_eq!(still_written.packets.len(), 19);
    assert_eq!(still_written.damage(), []);
    let mut followed = Followed::new(&[&path], 1 << 16);
    followed.catch_up();
    assert_same(&followed.finish(), &read(&request(&[&path])));
}

#[test]
fn rotated_files_are_one_source() {
    let folder = Folder::new();
    let mut followed = Followed::new(&[&folder.path()], 1 << 16);
    for number in 0..4_i64 {
        let name = format!("{}/ring-{number}.pcap", folder.path());
        for part in many(30, number * 3_000).bytes().chunks(2_000) {
            append(&name, part);
            followed.step();
        }
    }
    followed.catch_up();
    let followed = followed.finish();
    assert_same(&followed, &read(&request(&[&folder.path()])));
    assert_eq!(followed.packets.len(), 120);
    assert!(followed.packets[119].0.source_age_secs >= 11, "one source from the first file on");
}

#[test]
fn a_file_that_takes_the_name_of_another_is_read_behind_it() {
    let folder = Folder::new();
    let path = folder.file("capture.pcap", &many(10, 0).bytes());
    let mut followed = Followed::new(&[&path], 1 << 16);
    followed.step();
    let next = folder.file("next", &many(10, 60_000).bytes());
    // The first file still grows when it has no name any more.
    let mut old = OpenOptions::new().append(true).open(&path).unwrap();
    fs::rename(&next, &path).unwrap();
    old.write_all(&many(5, 2_000).bytes()[24..]).unwrap();
    followed.catch_up();
    let told = followed.finish();
    assert_eq!(told.packets.len(), 25);
    assert!(told.packets.is_sorted_by_key(|(head, _)| head.at));
    assert_eq!(told.damage(), []);
    assert_eq!(told.report.files.iter().map(|file| file.packets).collect::<Vec<_>>(), [15, 10]);
}

#[test]
fn a_file_that_is_renamed_is_not_read_again() {
    let folder = Folder::new();
    let path = folder.file("capture.pcap", &many(10, 0).bytes());
    let mut followed = Followed::new(&[&folder.path()], 1 << 16);
    followed.catch_up();
    let moved = format!("{path}.1");
    fs::rename(&path, &moved).unwrap();
    append(&moved, &many(5, 2_000).bytes()[24..]);
    folder.file("capture.pcap", &many(10, 60_000).bytes());
    followed.catch_up();
    assert_eq!(followed.finish().packets.len(), 25);
}

#[test]
fn a_file_that_is_put_into_the_folder_is_read_when_it_is_there() {
    let folder = Folder::new();
    let outside = Folder::new();
    let mut followed = Followed::new(&[&folder.path()], 1 << 16);
    assert_eq!(followed.catch_up(), 0);
    folder.file("notes.txt", b"no capture at all, but text");
    folder.file("short", b"x");
    for number in 0..3_i64 {
        let made = outside.file("made", &many(10, number * 60_000).bytes());
        fs::create_dir_all(format!("{}/deep", folder.path())).unwrap();
        fs::rename(&made, format!("{}/deep/{number}.pcap", folder.path())).unwrap();
        assert_eq!(followed.catch_up(), 10 * (number as usize + 1));
    }
    let followed = followed.finish();
    assert_same(&followed, &read(&request(&[&folder.path()])));
    assert_eq!(followed.report.skipped.len(), 2);
}

#[test]
fn a_file_that_is_truncated_is_damaged_and_what_is_written_then_is_read() {
    for is_longer in [false, true] {
        let folder = Folder::new();
        let path = folder.file("capture.pcap", &many(10, 0).bytes());
        let mut followed = Followed::new(&[&path], 1 << 16);
        followed.step();
        // The same file, as a writer begins it anew; perhaps it is longer already when we look.
        fs::write(&path, many(if is_longer { 40 } else { 4 }, 60_000).bytes()).unwrap();
        followed.catch_up();
        let told = followed.finish();
        assert_eq!(told.packets.len(), if is_longer { 50 } else { 14 });
        assert_eq!(told.breaks, [(11, "truncated")]);
        assert_eq!(told.damage(), [(many(10, 0).len() as u64, "truncated", None)]);
    }
}

#[test]
fn a_ring_that_uses_its_names_again_loses_nothing() {
    let folder = Folder::new();
    let mut followed = Followed::new(&[&folder.path()], 1 << 16);
    for number in 0..7_i64 {
        // tcpdump -W 3 opens the oldest of its files anew.
        let name = format!("{}/ring{}", folder.path(), number % 3);
        fs::write(&name, &many(10, number * 10_000).bytes()[..100]).unwrap();
        followed.step();
        append(&name, &many(10, number * 10_000).bytes()[100..]);
        followed.catch_up();
    }
    let told = followed.finish();
    assert_eq!(told.packets.len(), 70);
    assert!(told.packets.is_sorted_by_key(|(head, _)| head.at));
    assert_eq!(told.damage(), []);
    assert!(told.report.files.iter().all(|file| file.late == 0));
}

#[test]
fn a_file_that_comes_late_is_read_as_it_comes_and_is_told() {
    let folder = Folder::new();
    folder.file("b.pcap", &Pcap::new().at_ms(60_000, b"b0").at_ms(70_000, b"b1").bytes());
    let mut followed = Followed::new(&[&folder.path()], 1 << 16);
    assert_eq!(followed.catch_up(), 2);
    folder.file("a.pcap", &Pcap::new().at_ms(0, b"a0").at_ms(65_000, b"a1").at_ms(90_000, b"a2").bytes());
    folder.file("c.pcap", &Pcap::new().at_ms(80_000, b"c0").bytes());
    followed.catch_up();
    let told = followed.finish();
    assert_eq!(texts(&told), ["b0", "b1", "a0", "a1", "c0", "a2"]);
    let late: Vec<_> = told.report.files.iter().map(|file| file.late).collect();
    assert_eq!(late, [0, 2, 0]);
}

#[test]
fn a_file_that_grows_after_its_successor_was_begun_is_told() {
    let folder = Folder::new();
    let first = folder.file("a.pcap", &Pcap::new().at_ms(0, b"a0").bytes());
    folder.file("b.pcap", &Pcap::new().at_ms(10_000, b"b0").bytes());
    let mut followed = Followed::new(&[&folder.path()], 1 << 16);
    assert_eq!(followed.catch_up(), 2);
    append(&first, &Pcap::new().at_ms(20_000, b"a1").bytes()[24..]);
    assert_eq!(followed.catch_up(), 3);
    let told = followed.finish();
    assert_eq!(texts(&told), ["a0", "b0", "a1"]);
    assert_eq!(told.report.files.iter().map(|file| file.late).collect::<Vec<_>>(), [1, 0]);
}

#[test]
fn a_source_that_is_silent_holds_up_the_others_only_for_the_patience() {
    let folder = Folder::new();
    let (mut a, mut b) = (Pcap::new(), Pcap::new());
    for second in 0..5 {
        a = a.at_ms(second * 1_000, b"a");
        b = b.at_ms(second * 1_000 + 500, b"b");
    }
    folder.file("a.pcap", &a.bytes());
    let other = folder.file("b.pcap", &b.bytes());
    let mut followed = Followed::new(&[&folder.path()], 1 << 16);
    followed.step();
    append(&other, &Pcap::new().at_ms(60_000, b"later").bytes()[24..]);
    for _ in 0..PATIENCE {
        followed.step();
        assert!(followed.told.packets.len() <= 9, "a may still say something before b's last");
    }
    assert_eq!(followed.catch_up(), 11);
    assert_same(&followed.finish(), &read(&request(&[&folder.path()])));
}

#[test]
fn packed_files_are_read_when_they_are_complete() {
    let folder = Folder::new();
    let plain = many(60, 0).bytes();
    for (name, packed) in [("a.gz", gzip(&plain)), ("b.zst", zstd_of(&plain)), ("c.lz4", lz4(&plain))] {
        let path = format!("{}/{name}", folder.path());
        let mut followed = Followed::new(&[&path.replace(name, "*.*")], 1 << 16);
        let half = packed.len() / 2;
        fs::write(&path, &packed[..half]).unwrap();
        followed.step();
        assert_eq!(followed.told.packets.len(), 0);
        append(&path, &packed[half..]);
        assert_eq!(followed.catch_up(), 60);
        assert_same(&followed.finish(), &read(&request(&[&path])));
        fs::remove_file(&path).unwrap();
    }
}

#[test]
fn a_file_that_is_packed_behind_its_writer_is_read_once() {
    let folder = Folder::new();
    let plain = many(60, 0).bytes();
    let path = folder.file("a.pcap", &plain);
    let mut followed = Followed::new(&[&folder.path()], 1 << 16);
    assert_eq!(followed.catch_up(), 60);
    let packed = gzip(&plain);
    let half = packed.len() / 2;
    append(&format!("{path}.gz"), &packed[..half]);
    followed.step();
    append(&format!("{path}.gz"), &packed[half..]);
    followed.step();
    fs::remove_file(&path).unwrap();
    folder.file("b.pcap", &many(60, 10_000).bytes());
    followed.catch_up();
    let told = followed.finish();
    assert_eq!(told.packets.len(), 120);
    let same: Vec<_> = told.report.files.iter().filter_map(|file| file.same_as.clone()).collect();
    assert_eq!(same, [path]);
    assert!(told.report.files.iter().all(|file| file.late == 0));
}

#[test]
fn a_copy_of_a_file_that_was_read_is_not_read() {
    let folder = Folder::new();
    let bytes = many(30, 0).bytes();
    folder.file("a.pcap", &bytes);
    let mut followed = Followed::new(&[&folder.path()], 1 << 16);
    assert_eq!(followed.catch_up(), 30);
    let copy = folder.file("copy.pcap", &bytes[..500]);
    followed.step();
    append(&copy, &bytes[500..]);
    followed.catch_up();
    assert_same(&followed.finish(), &read(&request(&[&folder.path()])));
}

#[test]
fn a_file_that_goes_away_before_its_turn_is_told() {
    let folder = Folder::new();
    folder.file("a.pcap", &Pcap::new().at_ms(0, b"a0").bytes());
    let second = folder.file("b.pcap", &Pcap::new().at_ms(60_000, b"b0").bytes());
    let mut followed = Followed::new(&[&folder.path()], 1 << 16);
    followed.step();
    fs::remove_file(&second).unwrap();
    followed.catch_up();
    let told = followed.finish();
    assert_eq!(texts(&told), ["a0"]);
    assert_eq!(told.damage(), [(0, "vanished", None)]);
}

#[test]
fn following_ends_by_itself_when_nothing_is_new_for_long_enough() {
    let folder = Folder::new();
    folder.file("a.pcap", &many(10, 0).bytes());
    folder.file("b.pcap", &many(10, 3_000).bytes());
    for idle in [1, 20] {
        let mut followed = Followed::with(&request(&[&folder.path()]), 1 << 16, Some(idle), Duration::ZERO);
        while followed.step() {}
        assert!(followed.ticket >= u64::from(idle));
        assert_same(&followed.finish(), &read(&request(&[&folder.path()])));
    }
}

#[test]
fn a_wait_ends_at_once_when_it_is_stopped() {
    let folder = Folder::new();
    folder.file("a.pcap", &many(10, 0).bytes());
    let day = Duration::from_secs(86_400);
    let mut followed = Followed::with(&request(&[&folder.path()]), 1 << 16, None, day);
    let stop = followed.stop.clone();
    thread::scope(|scope| {
        drop(thread::Builder::new().spawn_scoped(scope, || stop.stop()));
        while followed.step() {}
    });
    assert_eq!(followed.finish().packets.len(), 10);
}

#[test]
fn what_cannot_be_followed_is_an_error_that_names_it() {
    let folder = Folder::new();
    let pace = || Pace { stop: Stop::default(), interval: Duration::ZERO, patience: 1, until_idle: None };
    let fails = |inputs: &[&str]| follow_with(&request(inputs), pace(), 1).map(drop).expect_err("must fail");
    assert!(matches!(fails(&[]), Error::NoInput));
    assert!(matches!(fails(&["-"]), Error::NotFollowed { path } if path == "-"));
    assert!(matches!(fails(&["/dev/null"]), Error::NotFollowed { .. }));
    assert!(matches!(fails(&["/nonexistent/x.pcap"]), Error::NotFound { .. }));
    assert!(matches!(fails(&["/nonexistent/a**b["]), Error::BadPattern { .. }));
    assert!(follow_with(&request(&[&folder.path(), "/nonexistent/*.pcap"]), pace(), 1).is_ok());
}
