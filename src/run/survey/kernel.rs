//! Questions that no text file answers: the card's settings, the clock's state, and whether rings can be had.

use std::{
    ffi::{c_int, c_void},
    io,
    mem::zeroed,
    os::fd::{AsRawFd, FromRawFd, OwnedFd},
};

/// Numbers of linux/ethtool.h that ask; none that sets.
#[derive(Clone, Copy, Debug)]
#[repr(u32)]
pub(super) enum Question {
    /// Sizes of the card's rings.
    Rings = 0x10,
    /// TCP segments are cut by the card.
    Tso = 0x1e,
    /// Segments are cut late.
    Gso = 0x23,
    /// Flags, among them LRO and VLAN.
    Flags = 0x25,
    /// Received packets are merged by the kernel.
    Gro = 0x2b,
    /// Queues of the card.
    Channels = 0x3c,
}

/// `ETH_FLAG_LRO`, `ETH_FLAG_RXVLAN` of linux/ethtool.h.
pub(super) const FLAG_LRO: u32 = 1 << 15;
pub(super) const FLAG_RX_VLAN: u32 = 1 << 8;

/// The longest answer, in words: `ethtool_channels` and `ethtool_ringparam` have nine.
const ANSWER_LEN: usize = 16;

/// `ifreq` of netdevice(7) as SIOCETHTOOL reads it.
#[repr(C)]
struct Request {
    name: [u8; libc::IFNAMSIZ],
    data: *mut c_void,
    rest: [u64; 2],
}

/// Asks a card; the words behind the question's number. `None` when the driver has no answer.
pub(super) fn ask(interface: &str, question: Question) -> Option<[u32; ANSWER_LEN - 1]> {
    const SIOCETHTOOL: u32 = 0x8946;
    let socket = open(libc::AF_INET, libc::SOCK_DGRAM).ok()?;
    let mut words = [0_u32; ANSWER_LEN];
    words[0] = question as u32;
    let mut name = [0; libc::IFNAMSIZ];
    // The last place stays zero: the name ends there.
    name[..libc::IFNAMSIZ - 1].get_mut(..interface.len())?.copy_from_slice(interface.as_bytes());
    let mut request = Request { name, data: (&raw mut words).cast(), rest: [0; 2] };
    // SAFETY: the kernel reads the request and writes at most nine words to `words`, which outlives the call.
    #[expect(unsafe_code, reason = "a system call without a safe form; told by `a_card_that_is_not_there_…`")]
    let done = unsafe { libc::ioctl(socket.as_raw_fd(), SIOCETHTOOL as libc::Ioctl, &raw mut request) };
    let [_, answer @ ..] = words;
    (done == 0).then_some(answer)
}

/// True when the kernel keeps its clock by an outside one, and its greatest error in microseconds (adjtimex(2)).
pub(super) fn clock() -> io::Result<(bool, u64)> {
    // SAFETY: all zeros is a valid timex, whose `modes` of zero changes nothing; the kernel writes into it.
    #[expect(unsafe_code, reason = "a system call without a safe form; told by `the_clock_tells_…`")]
    let (state, told) = unsafe {
        let mut told: libc::timex = zeroed();
        (libc::adjtimex(&raw mut told), told)
    };
    if state < 0 {
        return Err(io::Error::last_os_error());
    }
    let is_kept = told.status & libc::STA_UNSYNC == 0 && state != libc::TIME_ERROR;
    Ok((is_kept, u64::try_from(told.maxerror).unwrap_or_default()))
}

/// `tpacket_req3` of linux/if_packet.h.
#[repr(C)]
struct RingRequest {
    block_size: u32,
    block_count: u32,
    frame_size: u32,
    frame_count: u32,
    retire_millis: u32,
    private_size: u32,
    features: u32,
}

/// One ring of a trial; it is given back with the socket.
#[derive(Debug)]
pub(super) struct Ring(OwnedFd);

impl Ring {
    /// Opens a socket with a TPACKET_V3 ring of so many bytes. It is bound to nothing and receives nothing.
    ///
    /// # Errors
    /// Without `CAP_NET_RAW`, or without so much memory.
    pub(super) fn open(bytes: u64) -> io::Result<Self> {
        const BLOCK: u32 = 1 << 18;
        const FRAME: u32 = 2048;
        let socket = open(libc::AF_PACKET, libc::SOCK_RAW)?;
        let version: c_int = 2; // TPACKET_V3
        set(&socket, libc::PACKET_VERSION, &version)?;
        let blocks = u32::try_from(bytes / u64::from(BLOCK)).unwrap_or(u32::MAX).max(1);
        let request = RingRequest {
            block_size: BLOCK,
            block_count: blocks,
            frame_size: FRAME,
            frame_count: blocks.saturating_mul(BLOCK / FRAME),
            retire_millis: 50,
            private_size: 0,
            features: 0,
        };
        set(&socket, libc::PACKET_RX_RING, &request)?;
        Ok(Self(socket))
    }

    /// Joins a group of rings, bound to the loopback and to a protocol that nobody sends.
    ///
    /// # Errors
    /// When the kernel has no fan-out.
    pub(super) fn join(&self, group: u16) -> io::Result<()> {
        // IEEE 802 local experimental EtherType 1 (RFC 9542).
        const NOBODYS: u16 = 0x88b5;
        // SAFETY: all zeros is a valid sockaddr_ll.
        #[expect(unsafe_code, reason = "a C struct")]
        let mut address: libc::sockaddr_ll = unsafe { zeroed() };
        address.sll_family = libc::AF_PACKET.unsigned_abs() as u16;
        address.sll_protocol = NOBODYS.to_be();
        address.sll_ifindex = 1; // the loopback, in every network namespace
        let len = size_of::<libc::sockaddr_ll>() as libc::socklen_t;
        // SAFETY: address and length are those of the struct above, which outlives the call.
        #[expect(unsafe_code, reason = "a system call without a safe form; told by `rings_are_had_…`")]
        let bound = unsafe { libc::bind(self.0.as_raw_fd(), (&raw const address).cast(), len) };
        if bound < 0 {
            return Err(io::Error::last_os_error());
        }
        // PACKET_FANOUT_HASH is 0, in the upper half.
        set(&self.0, libc::PACKET_FANOUT, &u32::from(group))
    }
}

fn open(family: c_int, kind: c_int) -> io::Result<OwnedFd> {
    // SAFETY: takes three numbers.
    #[expect(unsafe_code, reason = "a system call without a safe form; told by the tests below")]
    let socket = unsafe { libc::socket(family, kind | libc::SOCK_CLOEXEC, 0) };
    if socket < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the descriptor is new and nobody else's.
    #[expect(unsafe_code, reason = "owning what the call above gave")]
    Ok(unsafe { OwnedFd::from_raw_fd(socket) })
}

fn set<T>(socket: &OwnedFd, option: c_int, value: &T) -> io::Result<()> {
    let len = size_of::<T>() as libc::socklen_t;
    let value: *const T = value;
    // SAFETY: pointer and length are those of `value`, a plain C value that outlives the call.
    #[expect(unsafe_code, reason = "a system call without a safe form; told by `rings_are_had_…`")]
    let done = unsafe {
        libc::setsockopt(socket.as_raw_fd(), libc::SOL_PACKET, option, value.cast::<c_void>(), len)
    };
    if done < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// True when the program's file carries capabilities (xattr `security.capability`, capabilities(7)).
pub(super) fn carries_capabilities(program: &std::path::Path) -> bool {
    use std::os::unix::ffi::OsStrExt;
    let Ok(path) = std::ffi::CString::new(program.as_os_str().as_bytes()) else { return false };
    // SAFETY: both strings end with a zero; with a length of zero nothing is written.
    #[expect(unsafe_code, reason = "a system call without a safe form; told by `a_file_without_…`")]
    let len =
        unsafe { libc::getxattr(path.as_ptr(), c"security.capability".as_ptr(), std::ptr::null_mut(), 0) };
    len > 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_card_that_is_not_there_gives_no_answer() {
        for name in ["no-such-if", "a-name-that-is-too-long-for-any-interface", "exactly16letters"] {
            assert!(ask(name, Question::Gro).is_none(), "{name}");
        }
    }

    #[test]
    fn the_clock_tells_its_state_to_everybody() {
        assert!(clock().is_ok());
    }

    #[test]
    fn a_file_without_capabilities_carries_none() {
        let file = tempfile::NamedTempFile::new().unwrap();
        assert!(!carries_capabilities(file.path()));
        assert!(!carries_capabilities(std::path::Path::new("/no/such/file")));
    }

    #[test]
    fn rings_are_had_and_joined_by_those_who_may() {
        let first = match Ring::open(1 << 20) {
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
                println!("SKIPPED: no right to open packet sockets");
                return;
            }
            ring => ring.unwrap(),
        };
        let second = Ring::open(1 << 20).unwrap();
        let group = u16::try_from(std::process::id() & 0xffff).unwrap();
        first.join(group).and_then(|()| second.join(group)).unwrap();
        assert!(Ring::open(u64::MAX).is_err());
    }
}
