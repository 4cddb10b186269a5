//! What holds for any writers: what was followed while they wrote is what their finished files give.

use proptest::prelude::*;

use super::{super::support::*, follow::*};

/// A writer: for each packet the milliseconds since the last, its length, and whether a new file begins with it.
type Writer = Vec<(i64, usize, bool)>;

/// A file: its name, its bytes, and for each packet when it is written and where it ends.
type Written = (String, Vec<u8>, Vec<(i64, usize)>);

/// Time passes in steps in which every writer has something to write.
const STEP_MS: i64 = 500;

fn writer() -> impl Strategy<Value = Writer> {
    proptest::collection::vec((0..400_i64, 0..90_usize, proptest::bool::weighted(0.1)), 1..40)
}

/// The files of one writer.
fn files(number: usize, writer: &Writer, is_pcapng: bool) -> Vec<Written> {
    let mut at = 0;
    let mut files = Vec::new();
    let mut packets: Vec<(i64, Vec<u8>)> = Vec::new();
    for (place, (step, len, is_new)) in writer.iter().enumerate() {
        at += step;
        if *is_new && !packets.is_empty() {
            files.push(std::mem::take(&mut packets));
        }
        let mut payload = vec![number as u8, place as u8];
        payload.resize(2 + len, 0);
        packets.push((at, payload));
    }
    files.push(packets);
    let write = |(place, packets): (usize, Vec<(i64, Vec<u8>)>)| {
        let mut ends = Vec::new();
        let (mut pcap, mut pcapng) = (Pcap::new(), Pcapng::new(false).interface(1, 0, &[]));
        for (at, payload) in &packets {
            (pcap, pcapng) = (pcap.at_ms(*at, payload), pcapng.at_ms(0, *at as u64, payload));
            ends.push((*at, if is_pcapng { pcapng.out.len() } else { pcap.len() }));
        }
        let bytes = if is_pcapng { pcapng.out } else { pcap.bytes() };
        (format!("w{number}-{place}"), bytes, ends)
    };
    files.into_iter().enumerate().map(write).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn writers_that_rotate_their_files_are_read_as_if_they_had_finished(
        writers in proptest::collection::vec((writer(), any::<bool>()), 1..4),
        held_back in proptest::collection::vec(0..120_usize, 1..20),
        block_len in 1..700_usize,
    ) {
        let folder = Folder::new();
        let written: Vec<_> =
            writers.iter().enumerate().map(|(number, (writer, kind))| files(number, writer, *kind)).collect();
        for files in &written {
            folder.file(&files[0].0, &files[0].1[..4]);
        }
        let mut followed = Followed::new(&[&folder.path()], block_len);
        let longest = written.iter().flatten().flat_map(|(_, _, ends)| ends).map(|(at, _)| *at).max();
        let mut now = 0;
        for hold in held_back.iter().cycle() {
            for files in &written {
                let begun = files.iter().take_while(|(_, _, ends)| ends[0].0 <= now).count();
                for (place, (name, bytes, ends)) in files.iter().take(begun.max(1)).enumerate() {
                    let is_over = place + 1 < begun || ends.last().is_some_and(|(at, _)| *at <= now);
                    let due = ends.iter().rev().find(|(at, _)| *at <= now).map_or(4, |(_, end)| *end);
                    // A writer holds some bytes back, but every step it writes something.
                    let before = ends.iter().rev().find(|(at, _)| *at <= now - STEP_MS).map_or(4, |(_, end)| *end);
                    let len = if is_over { bytes.len() } else { due.saturating_sub(*hold).max(before + 1).min(due) };
                    let path = format!("{}/{name}", folder.path());
                    let there = std::fs::metadata(&path).map_or(0, |metadata| metadata.len() as usize);
                    if len > there {
                        append(&path, &bytes[there..len]);
                    }
                }
            }
            prop_assert!(followed.step());
            if Some(now) >= longest {
                break;
            }
            now += STEP_MS;
        }
        followed.catch_up();
        let followed = followed.finish();
        assert_same(&followed, &read(&request(&[&folder.path()])));
    }
}
