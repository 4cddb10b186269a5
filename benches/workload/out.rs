//! The capture being written.

use std::{
    fs::File,
    io::{BufWriter, Write},
};

/// Stamp of the first packet, in seconds: 2025-10-09, inside the period of `benches/policy.toml`.
const START: u64 = 1_760_000_000;

/// A pcap file with microseconds, little-endian, Ethernet.
pub(crate) struct Out {
    file: BufWriter<File>,
    packets: u64,
    bytes: u64,
}

impl Out {
    pub(crate) fn create(path: &str) -> Self {
        let mut file = BufWriter::with_capacity(1 << 20, File::create(path).expect("OUT can be written"));
        for word in [0xa1b2_c3d4_u32, 0x0004_0002, 0, 0, 262_144, 1] {
            file.write_all(&word.to_le_bytes()).expect("disk");
        }
        Self { file, packets: 0, bytes: 0 }
    }

    /// `micros` counts from the start of the capture.
    pub(crate) fn put(&mut self, micros: u64, frame: &[u8], wire_len: u32) {
        let seconds = (START + micros / 1_000_000) as u32;
        for word in [seconds, (micros % 1_000_000) as u32, frame.len() as u32, wire_len] {
            self.file.write_all(&word.to_le_bytes()).expect("disk");
        }
        self.file.write_all(frame).expect("disk");
        self.packets += 1;
        self.bytes += frame.len() as u64;
    }

    pub(crate) fn finish(mut self, path: &str) {
        self.file.flush().expect("disk");
        let (packets, bytes) = (self.packets, self.bytes);
        println!("{path}: {packets} packets of {} bytes on average", bytes / packets.max(1));
    }
}

/// A number's hash: the finalizer of SplitMix64 (Steele, Lea, Flood 2014).
pub(crate) const fn mix(number: u64) -> u64 {
    let mut z = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}
