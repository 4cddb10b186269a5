//! Sends a capture's frames into an interface again and again, at a stated rate:
//! `cargo bench --bench live_send -- IF FILE PPS SECONDS` (0 packets per second: as fast as it goes).
//!
//! Many frames in one system call (`sendmmsg`), past the queueing discipline: over a veth pair it sends a quarter more than a
//! ring shared with the kernel (`PACKET_TX_RING`), whose frames are of pages that the other end has to gather. Frames that
//! are longer than the interface takes, or no Ethernet, are left out. Prints what was sent as one JSON object. For
//! `scripts/live-bench`, inside namespaces.

#![expect(unsafe_code, reason = "a packet socket and many frames in one call have no safe form here")]
#![expect(clippy::disallowed_methods, reason = "a sender keeps a rate by the clock")]

use std::{
    ffi::CString,
    io,
    mem::{size_of, zeroed},
    thread::sleep,
    time::{Duration, Instant},
};

use libc::{PACKET_QDISC_BYPASS, SOL_PACKET, c_int, iovec, mmsghdr, sockaddr_ll, socklen_t};
use sekisho::{
    ground::model::packet::LinkType,
    wire::capture::{self, Block, Request},
};

/// Frames of one call when it goes as fast as it can.
const BATCH_MAX: usize = 512;
/// An Ethernet frame with an MTU of 1,500.
const FRAME_LEN_MAX: usize = 1_514;
/// Memory for frames: a capture is played from memory, as much of it as fits.
const FRAMES_LEN_MAX: usize = 1 << 30;

fn main() {
    let arguments: Vec<_> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let [interface, file, rate, seconds] = arguments.as_slice() else {
        // `cargo bench` and `cargo test --benches` start every bench without arguments.
        println!("usage: cargo bench --bench live_send -- IF FILE PPS SECONDS");
        return;
    };
    let rate: f64 = rate.parse().expect("PPS is a number");
    let seconds: f64 = seconds.parse().expect("SECONDS is a number");
    let (frames, left_out) = Frames::read(file);
    assert!(!frames.ends.is_empty(), "{file}: no Ethernet frame that fits");
    let sender = Sender::open(interface).unwrap_or_else(|error| panic!("{interface}: {error}"));
    let started = Instant::now();
    let sent = sender.play(&frames, rate, Duration::from_secs_f64(seconds)).expect("the kernel sends");
    let took = started.elapsed().as_secs_f64();
    println!(
        r#"{{"sent": {sent}, "seconds": {took:.3}, "mpps": {:.4}, "frames": {}, "left_out": {left_out}}}"#,
        sent as f64 / took / 1e6,
        frames.ends.len()
    );
}

/// Frames one behind the other.
#[derive(Default)]
struct Frames {
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

impl Frames {
    fn get(&self, place: usize) -> &[u8] {
        let from = if place == 0 { 0 } else { self.ends[place - 1] };
        &self.bytes[from..self.ends[place]]
    }

    fn read(file: &str) -> (Self, u64) {
        let request = Request { inputs: vec![file.to_owned()], ..Request::default() };
        let (feed, mut baton) = capture::open(&request).expect("the file is a capture");
        let (mut frames, mut left_out, mut block) = (Self::default(), 0, Block::new());
        for ticket in 0.. {
            feed.fill(ticket, &mut block);
            if !baton.walk(&feed, &mut block) || frames.bytes.len() > FRAMES_LEN_MAX {
                break;
            }
            for (head, bytes) in block.packets() {
                if head.link == LinkType::ETHERNET && (14..=FRAME_LEN_MAX).contains(&bytes.len()) {
                    frames.bytes.extend_from_slice(bytes);
                    frames.ends.push(frames.bytes.len());
                } else {
                    left_out += 1;
                }
            }
        }
        (frames, left_out)
    }
}

/// A packet socket bound to the interface. It is closed when the process ends.
struct Sender(c_int);

impl Sender {
    fn open(interface: &str) -> io::Result<Self> {
        let name = CString::new(interface)?;
        // SAFETY: `name` is a C string that outlives the call.
        let index = unsafe { libc::if_nametoindex(name.as_ptr()) };
        if index == 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: no memory is passed; protocol 0 receives nothing.
        let socket = told(unsafe { libc::socket(libc::AF_PACKET, libc::SOCK_RAW, 0) })?;
        let bypass: c_int = 1;
        // SAFETY: pointer and length are those of one live value.
        told(unsafe {
            let len = size_of::<c_int>() as socklen_t;
            libc::setsockopt(socket, SOL_PACKET, PACKET_QDISC_BYPASS, (&raw const bypass).cast(), len)
        })?;
        // SAFETY: all fields of the structure are numbers, for which zero is a value.
        let mut address: sockaddr_ll = unsafe { zeroed() };
        address.sll_family = libc::AF_PACKET as u16;
        address.sll_ifindex = index as c_int;
        // SAFETY: pointer and length are those of one live structure.
        told(unsafe {
            libc::bind(socket, (&raw const address).cast(), size_of::<sockaddr_ll>() as socklen_t)
        })?;
        Ok(Self(socket))
    }

    /// Plays the frames round and round; gives how many were sent.
    fn play(&self, frames: &Frames, rate: f64, long: Duration) -> io::Result<u64> {
        // Few at a time when slow, so that the receiver sees a stream and not bursts.
        let batch = if rate > 0.0 { (rate / 20_000.0).clamp(1.0, 64.0) as usize } else { BATCH_MAX };
        let mut parts: Vec<iovec> = Vec::with_capacity(batch);
        let mut messages: Vec<mmsghdr> = Vec::with_capacity(batch);
        let started = Instant::now();
        let (mut sent, mut next) = (0_u64, 0);
        loop {
            parts.clear();
            for _ in 0..batch {
                let frame = frames.get(next);
                parts.push(iovec { iov_base: frame.as_ptr().cast_mut().cast(), iov_len: frame.len() });
                next = (next + 1) % frames.ends.len();
            }
            messages.clear();
            messages.extend(parts.iter_mut().map(|part| {
                // SAFETY: all fields are numbers and pointers, for which zero is a value.
                let mut message: mmsghdr = unsafe { zeroed() };
                message.msg_hdr.msg_iov = part;
                message.msg_hdr.msg_iovlen = 1;
                message
            }));
            self.send(&mut messages)?;
            sent += batch as u64;
            if started.elapsed() >= long {
                return Ok(sent);
            }
            if rate > 0.0 {
                wait_until(started + Duration::from_secs_f64(sent as f64 / rate));
            }
        }
    }

    /// Sends all of them, in as many calls as the kernel wants.
    fn send(&self, mut messages: &mut [mmsghdr]) -> io::Result<()> {
        while !messages.is_empty() {
            // SAFETY: pointer and length are those of the slice; each message points to one part, and that to a frame; all of
            // them outlive the call, which only reads frames.
            let done = unsafe { libc::sendmmsg(self.0, messages.as_mut_ptr(), messages.len() as u32, 0) };
            match told(done) {
                Ok(done) => messages = messages.split_at_mut(done as usize).1,
                // The interface has no room just now.
                Err(error) if matches!(error.raw_os_error(), Some(libc::EAGAIN | libc::ENOBUFS)) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

fn told(result: c_int) -> io::Result<c_int> {
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(result) }
}

/// Sleeps while there is time to sleep, turns round for the rest.
fn wait_until(due: Instant) {
    loop {
        let left = due.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return;
        }
        if left > Duration::from_micros(200) {
            sleep(left - Duration::from_micros(100));
        }
    }
}
