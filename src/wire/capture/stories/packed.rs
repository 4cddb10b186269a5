//! Packed captures and pipes.

use std::{
    io::{self, Write},
    os::fd::AsRawFd,
    thread,
};

use super::super::support::*;

#[test]
fn packed_files_are_known_by_their_magic_and_read_over_several_members() {
    let bytes = many(2_000, 0).bytes();
    let plain = read_bytes(&bytes);
    let (head, tail) = bytes.split_at(bytes.len() / 3);
    for (pack, name) in [
        (gzip as fn(&[u8]) -> Vec<u8>, "pcap (gzip)"),
        (zstd_of as fn(&[u8]) -> Vec<u8>, "pcap (zstd)"),
        (lz4 as fn(&[u8]) -> Vec<u8>, "pcap (lz4)"),
    ] {
        for packed in [pack(&bytes), [pack(head), pack(tail)].concat()] {
            let told = read_bytes(&packed);
            assert_eq!(told.packets, plain.packets, "{name}");
            assert_eq!(told.ticks, plain.ticks);
            assert_eq!(told.report.files[0].format, name);
            assert_eq!(told.damage(), []);
        }
    }
}

#[test]
fn a_packed_file_that_is_cut_or_corrupt_gives_what_it_holds_and_tells_the_damage() {
    let bytes = many(3_000, 0).bytes();
    for packed in [gzip(&bytes), zstd_of(&bytes), lz4(&bytes)] {
        for part in [2, 3, 4] {
            let told = read_bytes(&packed[..packed.len() / 4 * part - 1]);
            assert!(told.packets.len() > 100 * part, "{} packets of part {part}", told.packets.len());
            assert_eq!(told.damage().len(), 1, "{:?}", told.damage());
            assert_eq!(told.damage()[0].1, "bad_compression");
        }
        let mut flipped = packed.clone();
        let middle = flipped.len() / 2;
        flipped[middle] ^= 0x10;
        read_bytes(&flipped);
    }
}

#[test]
fn a_bomb_is_given_up_and_told() {
    let header = Pcap::new().at_ms(0, b"before").bytes();
    // A skipped block must not be needed for it: one believable record of zeros after the other.
    let record = Pcap::new().at_ms(1, &[0; 200_000]).bytes().split_off(24);
    let mut encoder = zstd::stream::Encoder::new(Vec::new(), 19).unwrap();
    encoder.window_log(24).unwrap();
    encoder.write_all(&header).unwrap();
    for _ in 0..500 {
        encoder.write_all(&record).unwrap();
    }
    let bomb = encoder.finish().unwrap();
    assert!(bomb.len() < 50_000, "{} bytes", bomb.len());
    let told = read_bytes(&bomb);
    assert_eq!(told.damage().iter().map(|damage| damage.1).collect::<Vec<_>>(), ["expansion_limit"]);
    assert!(told.packets.len() < 500);
}

#[test]
fn a_pipe_is_read_like_a_file_packed_or_not() {
    let bytes = many(1_000, 0).bytes();
    let plain = read_bytes(&bytes);
    for content in [bytes.clone(), gzip(&bytes)] {
        let (reader, mut writer) = io::pipe().unwrap();
        let path = format!("/proc/self/fd/{}", reader.as_raw_fd());
        let write = move || writer.write_all(&content).unwrap();
        let thread = thread::Builder::new().spawn(write).unwrap();
        let told = read(&request(&[&path]));
        thread.join().unwrap();
        assert_eq!(told.packets, plain.packets);
        assert_eq!(told.report.files[0].size, None);
        assert_eq!(told.report.files[0].path, path);
    }
}
