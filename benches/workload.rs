//! Makes a large mixed capture out of small ones: `cargo bench --bench workload -- OUT MIB INPUT…`
//!
//! Every copy of the inputs gets its own addresses (the second octet of both IPv4 addresses is moved, checksums are
//! mended by RFC 1624), so that copies are different flows; stamps go on from copy to copy. The same inputs and size give
//! the same bytes.

use std::{
    fs::File,
    io::{BufWriter, Write},
};

use sekisho::{
    ground::model::packet::LinkType,
    wire::capture::{self, Block, Request},
};

fn main() {
    let arguments: Vec<_> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let [out, mebibytes, inputs @ ..] = arguments.as_slice() else {
        // `cargo bench` and `cargo test --benches` start every bench without arguments.
        println!("usage: cargo bench --bench workload -- OUT MIB INPUT…");
        return;
    };
    let target = mebibytes.parse::<u64>().expect("MIB is a number") << 20;
    let frames = read(inputs);
    assert!(!frames.is_empty(), "no Ethernet frames in the inputs");
    let first = frames[0].0;
    let span = frames.iter().map(|(at, _)| at - first).max().unwrap_or_default() + 1_000_000;
    let mut file = BufWriter::with_capacity(1 << 20, File::create(out).expect("OUT can be written"));
    let mut written = 24u64;
    for word in [0xa1b2_3c4d_u32, 0x0004_0002, 0, 0, 262_144, 1] {
        file.write_all(&word.to_le_bytes()).expect("disk");
    }
    let mut copy = 0u32;
    let mut frame = Vec::new();
    while written < target {
        for (at, bytes) in &frames {
            frame.clear();
            frame.extend_from_slice(bytes);
            readdress(&mut frame, copy);
            let at = at - first + i64::from(copy) * span / 16 + 1_778_544_000_000_000_000;
            for word in [
                (at / 1_000_000_000) as u32,
                (at % 1_000_000_000) as u32,
                frame.len() as u32,
                frame.len() as u32,
            ] {
                file.write_all(&word.to_le_bytes()).expect("disk");
            }
            file.write_all(&frame).expect("disk");
            written += 16 + frame.len() as u64;
        }
        copy += 1;
    }
    file.flush().expect("disk");
    println!("{out}: {written} bytes, {copy} copies of {} frames", frames.len());
}

/// All Ethernet frames of the inputs, in order.
fn read(inputs: &[String]) -> Vec<(i64, Vec<u8>)> {
    let request = Request { inputs: inputs.to_vec(), ..Request::default() };
    let (feed, mut baton) = capture::open(&request).expect("the inputs can be read");
    let (mut block, mut frames, mut ticket) = (Block::new(), Vec::new(), 0);
    loop {
        feed.fill(ticket, &mut block);
        if !baton.walk(&feed, &mut block) {
            return frames;
        }
        for index in 0..block.len() {
            let head = block.head(index);
            if head.link == LinkType::ETHERNET && head.captured_len == head.wire_len {
                frames.push((head.at.nanos(), block.bytes(index).to_vec()));
            }
        }
        ticket += 1;
    }
}

/// Moves both addresses of a plain IPv4 frame; anything else stays as it is.
fn readdress(frame: &mut [u8], copy: u32) {
    let mut at = 12;
    while matches!(frame.get(at..at + 2), Some([0x81, 0x00])) {
        at += 4;
    }
    if frame.get(at..at + 2) != Some(&[8, 0]) || frame.len() < at + 22 || copy == 0 {
        return;
    }
    let ip = at + 2;
    let header = usize::from(frame[ip] & 15) * 4;
    let fragment = u16::from_be_bytes([frame[ip + 6], frame[ip + 7]]) & 0x1fff;
    let transport = match (frame[ip + 9], fragment) {
        (6, 0) => Some(ip + header + 16),
        (17, 0) => Some(ip + header + 6),
        _ => None,
    };
    for address in [ip + 12, ip + 16] {
        let old = u16::from_be_bytes([frame[address], frame[address + 1]]);
        let moved =
            u16::from_be_bytes([frame[address] ^ (copy >> 8) as u8 & 0x0f, frame[address + 1] ^ copy as u8]);
        frame[address..address + 2].copy_from_slice(&moved.to_be_bytes());
        mend(frame, ip + 10, old, moved);
        if let Some(place) = transport
            && frame.get(place..place + 2).is_some_and(|sum| sum != [0, 0])
        {
            mend(frame, place, old, moved);
        }
    }
}

/// RFC 1624 section 3, equation 3.
fn mend(frame: &mut [u8], place: usize, old: u16, new: u16) {
    let Some([high, low]) = frame.get(place..place + 2).map(|sum| [sum[0], sum[1]]) else { return };
    let mut sum = u32::from(!u16::from_be_bytes([high, low])) + u32::from(!old) + u32::from(new);
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    frame[place..place + 2].copy_from_slice(&(!(sum as u16)).to_be_bytes());
}
