//! Sends a capture's frames into an interface again and again, at a stated rate:
//! `cargo bench --bench live_send -- IF FILE PPS SECONDS` (0 packets per second: as fast as it goes).
//!
//! A ring shared with the kernel (`PACKET_TX_RING`) that bypasses the queueing discipline: the fastest way out without a
//! driver of one's own, so that what is measured is the receiver. Frames that are longer than the interface takes, or
//! no Ethernet, are left out. Prints what was sent as one JSON object. For `scripts/live-bench`, inside namespaces.

#![expect(unsafe_code, reason = "a ring shared with the kernel is made by system calls and read in place")]
#![expect(clippy::disallowed_methods, reason = "a sender keeps a rate by the clock")]

use std::{
    ffi::CString,
    io,
    mem::{size_of, zeroed},
    ptr,
    sync::atomic::{AtomicU32, Ordering},
    thread::sleep,
    time::{Duration, Instant},
};

use libc::{
    MAP_FAILED, MAP_SHARED, MSG_DONTWAIT, PACKET_LOSS, PACKET_QDISC_BYPASS, PACKET_TX_RING, PACKET_VERSION,
    PROT_READ, PROT_WRITE, SOL_PACKET, TP_STATUS_AVAILABLE, TP_STATUS_SEND_REQUEST, TPACKET2_HDRLEN, c_int,
    c_void, sockaddr_ll, tpacket_req, tpacket2_hdr,
};
use sekisho::{
    ground::model::packet::LinkType,
    wire::capture::{self, Block, Request},
};

/// Slots of the ring: 64 pages' worth of blocks, a frame of up to 1,514 bytes and its header in each slot.
const SLOT_LEN: usize = 2_048;
const BLOCK_LEN: usize = 64 * 1_024;
const BLOCKS: usize = 16;
const SLOTS: usize = BLOCK_LEN / SLOT_LEN * BLOCKS;
/// Where a frame begins in its slot: behind the header, where the receiving side would have an address.
const FRAME_AT: usize = TPACKET2_HDRLEN - size_of::<sockaddr_ll>();
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
    let mut ring = Ring::open(interface).unwrap_or_else(|error| panic!("{interface}: {error}"));
    let started = Instant::now();
    let sent = ring.play(&frames, rate, Duration::from_secs_f64(seconds)).expect("the kernel sends");
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

/// A sending ring. The socket is closed and the mapping undone when the process ends.
struct Ring {
    socket: c_int,
    slots: *mut u8,
    next: usize,
}

impl Ring {
    fn open(interface: &str) -> io::Result<Self> {
        let name = CString::new(interface)?;
        // SAFETY: `name` is a C string that outlives the call.
        let index = unsafe { libc::if_nametoindex(name.as_ptr()) };
        if index == 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: no memory is passed.
        let socket = told(unsafe { libc::socket(libc::AF_PACKET, libc::SOCK_RAW, 0) })?;
        set(socket, PACKET_QDISC_BYPASS, &1_i32)?;
        set(socket, PACKET_VERSION, &(libc::tpacket_versions::TPACKET_V2 as c_int))?;
        // A frame the kernel cannot send must not stop the ring.
        set(socket, PACKET_LOSS, &1_i32)?;
        let wanted = tpacket_req {
            tp_block_size: BLOCK_LEN as u32,
            tp_block_nr: BLOCKS as u32,
            tp_frame_size: SLOT_LEN as u32,
            tp_frame_nr: SLOTS as u32,
        };
        set(socket, PACKET_TX_RING, &wanted)?;
        let len = BLOCK_LEN * BLOCKS;
        // SAFETY: a new mapping of exactly the ring that was asked for; nothing else lies there.
        let slots =
            unsafe { libc::mmap(ptr::null_mut(), len, PROT_READ | PROT_WRITE, MAP_SHARED, socket, 0) };
        if slots == MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: all fields of the structure are numbers, for which zero is a value.
        let mut address: sockaddr_ll = unsafe { zeroed() };
        address.sll_family = libc::AF_PACKET as u16;
        address.sll_ifindex = index as c_int;
        // SAFETY: pointer and length are those of one live structure.
        told(unsafe {
            libc::bind(socket, (&raw const address).cast(), size_of::<sockaddr_ll>() as libc::socklen_t)
        })?;
        Ok(Self { socket, slots: slots.cast(), next: 0 })
    }

    /// Plays the frames round and round; gives how many were sent.
    fn play(&mut self, frames: &Frames, rate: f64, long: Duration) -> io::Result<u64> {
        // Few at a time when slow, so that the receiver sees a stream and not bursts.
        let burst = if rate > 0.0 { (rate / 20_000.0).clamp(1.0, 64.0) as u64 } else { 64 };
        let started = Instant::now();
        let (mut sent, mut from) = (0_u64, 0);
        for end in frames.ends.iter().cycle() {
            if *end <= from {
                from = 0;
            }
            self.put(&frames.bytes[from..*end])?;
            from = *end;
            sent += 1;
            if !sent.is_multiple_of(burst) {
                continue;
            }
            self.kick(MSG_DONTWAIT)?;
            if started.elapsed() >= long {
                break;
            }
            if rate > 0.0 {
                wait_until(started + Duration::from_secs_f64(sent as f64 / rate));
            }
        }
        self.kick(0)?;
        Ok(sent)
    }

    /// Puts a frame into the next slot; waits for the kernel when it has not sent what stands there.
    fn put(&mut self, frame: &[u8]) -> io::Result<()> {
        assert!(frame.len() <= SLOT_LEN - FRAME_AT);
        // SAFETY: `next` is below SLOTS, so the slot lies in the mapping; it begins at a multiple of 2,048 and so is
        // aligned for the header.
        let (slot, status) = unsafe {
            let slot = self.slots.add(self.next * SLOT_LEN);
            let status = &raw mut (*slot.cast::<tpacket2_hdr>()).tp_status;
            (slot, AtomicU32::from_ptr(status))
        };
        while matches!(status.load(Ordering::Acquire), TP_STATUS_SEND_REQUEST | libc::TP_STATUS_SENDING) {
            self.kick(0)?;
        }
        status.store(TP_STATUS_AVAILABLE, Ordering::Relaxed);
        // SAFETY: the slot is ours until its status says otherwise, and the frame fits behind the header.
        unsafe {
            ptr::copy_nonoverlapping(frame.as_ptr(), slot.add(FRAME_AT), frame.len());
            (*slot.cast::<tpacket2_hdr>()).tp_len = frame.len() as u32;
        }
        status.store(TP_STATUS_SEND_REQUEST, Ordering::Release);
        self.next = (self.next + 1) % SLOTS;
        Ok(())
    }

    /// Lets the kernel send what was put.
    fn kick(&self, flags: c_int) -> io::Result<()> {
        // SAFETY: a null buffer of length 0 means "what is in the ring".
        let told = told(unsafe { libc::send(self.socket, ptr::null::<c_void>(), 0, flags) } as c_int);
        match told {
            Err(error) if !matches!(error.raw_os_error(), Some(libc::EAGAIN | libc::ENOBUFS)) => Err(error),
            _ => Ok(()),
        }
    }
}

fn set<T>(socket: c_int, option: c_int, value: &T) -> io::Result<()> {
    // SAFETY: pointer and length are those of one live value.
    told(unsafe {
        let len = size_of::<T>() as libc::socklen_t;
        libc::setsockopt(socket, SOL_PACKET, option, ptr::from_ref(value).cast(), len)
    })
    .map(drop)
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
