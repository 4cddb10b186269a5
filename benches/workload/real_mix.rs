//! A: a real mix. Every copy of every input begins at some moment of the first half of the time and keeps its gaps;
//! one that is longer than the other half is played faster.

use super::{
    frame::{Frame, read},
    out::{Out, mix},
    rewrite::{self, Mapping, openers},
};

pub(crate) fn write(out: &mut Out, copies: u64, seconds: u64, inputs: &[&str]) {
    let half = seconds * 1_000_000 / 2;
    let inputs: Vec<Vec<Frame>> = inputs.iter().map(|input| read(input)).collect();
    let openers: Vec<_> = inputs.iter().map(|frames| openers(frames)).collect();
    let mut turns = Vec::new();
    for (input, frames) in inputs.iter().enumerate() {
        let len = frames.last().map_or(0, |last| last.micros).max(half);
        for copy in 0..copies {
            let start = mix(copy << 32 | input as u64) % half;
            for (index, frame) in frames.iter().enumerate() {
                let micros = start + (u128::from(frame.micros) * u128::from(half) / u128::from(len)) as u64;
                turns.push((micros, copy as u32, input as u32, index as u32));
            }
        }
    }
    turns.sort_unstable();
    let mut bytes = Vec::new();
    for (micros, copy, input, index) in turns {
        let frame = &inputs[input as usize][index as usize];
        bytes.clear();
        bytes.extend_from_slice(&frame.bytes);
        let mapping = Mapping::new(u64::from(input), u64::from(copy), &openers[input as usize]);
        rewrite::frame(&mut bytes, &mapping);
        out.put(micros, &bytes, frame.wire_len);
    }
}
