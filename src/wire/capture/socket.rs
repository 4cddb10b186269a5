//! What libpcap does not offer on a packet socket: the fan-out, another interface, the state of one, and a wait for all.
//! Every unsafe line of live capture stands here. None of it needs a right once the socket is open.

use std::{
    io,
    mem::{size_of, zeroed},
    os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd},
    time::Duration,
};

use libc::{c_int, c_void, ifreq, socklen_t};

use crate::ground::model::coverage::BlindReason;

/// Joins the rings of one interface in a group over which the kernel spreads flows by their hash: both directions of a
/// flow come to one ring. No rollover (it tears flows apart under load), no defragmentation (RULES 15). The kernel
/// chooses the number, so that no other program's group is joined.
pub(super) fn join<'a>(rings: impl Iterator<Item = BorrowedFd<'a>>) -> io::Result<()> {
    let hash = libc::PACKET_FANOUT_HASH << 16;
    let mut group = hash | (libc::PACKET_FANOUT_FLAG_UNIQUEID << 16);
    for (place, ring) in rings.enumerate() {
        set(ring, libc::PACKET_FANOUT, &group)?;
        if place == 0 {
            group = hash | (group_of(ring)? & 0xffff);
        }
    }
    Ok(())
}

/// A bare packet socket: tells whether this process may capture, and what interfaces there are.
pub(super) fn probe() -> io::Result<OwnedFd> {
    // SAFETY: takes three numbers; protocol 0 receives nothing.
    #[expect(unsafe_code, reason = "a system call without a safe form here; told by `a_packet_socket_…`")]
    let socket = unsafe { libc::socket(libc::AF_PACKET, libc::SOCK_RAW | libc::SOCK_CLOEXEC, 0) };
    if socket < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the descriptor is new and nobody else's.
    #[expect(unsafe_code, reason = "owning what the call above gave")]
    Ok(unsafe { OwnedFd::from_raw_fd(socket) })
}

/// The number of the interface that bears this name now.
pub(super) fn index_of(socket: BorrowedFd<'_>, name: &str) -> io::Result<c_int> {
    let told = ask(socket, libc::SIOCGIFINDEX, named(name)?)?;
    // SAFETY: the kernel wrote this member.
    #[expect(unsafe_code, reason = "a C union")]
    Ok(unsafe { told.ifr_ifru.ifru_ifindex })
}

/// The kind of framing of the interface with this name (ARPHRD_…).
pub(super) fn hardware(socket: BorrowedFd<'_>, name: &str) -> io::Result<u16> {
    let told = ask(socket, libc::SIOCGIFHWADDR, named(name)?)?;
    // SAFETY: the kernel wrote this member.
    #[expect(unsafe_code, reason = "a C union")]
    Ok(unsafe { told.ifr_ifru.ifru_hwaddr.sa_family })
}

/// Why the interface with this number cannot be seen; `None` when it is well. It is asked for by its number: a name may
/// change, and another interface may bear it.
pub(super) fn fault(socket: BorrowedFd<'_>, index: c_int) -> Option<BlindReason> {
    let mut request = empty();
    request.ifr_ifru.ifru_ifindex = index;
    let Ok(named) = ask(socket, libc::SIOCGIFNAME, request) else { return Some(BlindReason::Gone) };
    let Ok(told) = ask(socket, libc::SIOCGIFFLAGS, named) else { return Some(BlindReason::Gone) };
    // SAFETY: the kernel wrote this member.
    #[expect(unsafe_code, reason = "a C union")]
    let flags = c_int::from(unsafe { told.ifr_ifru.ifru_flags });
    match (flags & libc::IFF_UP, flags & libc::IFF_RUNNING) {
        (0, _) => Some(BlindReason::Down),
        (_, 0) => Some(BlindReason::NoCarrier),
        _ => None,
    }
}

/// Binds a ring to another interface; its ring, filter and counters stay. Refused for a member of a fan-out.
pub(super) fn bind(socket: BorrowedFd<'_>, index: c_int) -> io::Result<()> {
    // SAFETY: all zeros is a valid sockaddr_ll.
    #[expect(unsafe_code, reason = "a C struct")]
    let mut address: libc::sockaddr_ll = unsafe { zeroed() };
    address.sll_family = libc::AF_PACKET as u16;
    address.sll_protocol = (libc::ETH_P_ALL as u16).to_be();
    address.sll_ifindex = index;
    let len = size_of::<libc::sockaddr_ll>() as socklen_t;
    // SAFETY: address and length are those of the struct above, which outlives the call.
    #[expect(
        unsafe_code,
        reason = "a system call without a safe form here; told by the stories of tests/it/live"
    )]
    let done = unsafe { libc::bind(socket.as_raw_fd(), (&raw const address).cast(), len) };
    if done < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// Asks for frames that are meant for others. The wish dies with the interface and is made anew for the next.
pub(super) fn listen_to_all(socket: BorrowedFd<'_>, index: c_int) -> io::Result<()> {
    let wish = libc::packet_mreq {
        mr_ifindex: index,
        mr_type: libc::PACKET_MR_PROMISC as u16,
        mr_alen: 0,
        mr_address: [0; 8],
    };
    set(socket, libc::PACKET_ADD_MEMBERSHIP, &wish)
}

/// Rings that are waited for. Kept, so that waiting allocates nothing.
#[derive(Default)]
pub(super) struct Waiting(Vec<libc::pollfd>);

impl std::fmt::Debug for Waiting {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Waiting").field(&self.0.len()).finish()
    }
}

impl Waiting {
    /// Waits until one of the rings has frames or something happened to it, and no longer than `at_most`. A signal ends
    /// the wait, too.
    pub(super) fn wait<'a>(&mut self, rings: impl Iterator<Item = BorrowedFd<'a>>, at_most: Duration) {
        self.0.clear();
        self.0.extend(rings.map(|ring| libc::pollfd {
            fd: ring.as_raw_fd(),
            events: libc::POLLIN,
            revents: 0,
        }));
        let millis = c_int::try_from(at_most.as_millis()).unwrap_or(c_int::MAX);
        // SAFETY: pointer and length are those of the list, which outlives the call.
        #[expect(
            unsafe_code,
            reason = "a system call without a safe form here; told by the stories of tests/it/live"
        )]
        let ready = unsafe { libc::poll(self.0.as_mut_ptr(), self.0.len() as libc::nfds_t, millis) };
        if ready <= 0 {
            self.0.clear();
        }
    }

    /// Tells of each ring whether something happened to its interface while it was waited for.
    pub(super) fn struck(&self) -> impl Iterator<Item = bool> {
        self.0.iter().map(|ring| ring.revents & (libc::POLLERR | libc::POLLHUP) != 0)
    }
}

/// The number of the group that a ring belongs to, in the lower half.
fn group_of(socket: BorrowedFd<'_>) -> io::Result<u32> {
    let mut told = 0_u32;
    let mut len = size_of::<u32>() as socklen_t;
    // SAFETY: pointer and length are those of `told`, which outlives the call.
    #[expect(
        unsafe_code,
        reason = "a system call without a safe form here; told by `rings_of_…` of tests/it/live"
    )]
    let done = unsafe {
        libc::getsockopt(
            socket.as_raw_fd(),
            libc::SOL_PACKET,
            libc::PACKET_FANOUT,
            (&raw mut told).cast::<c_void>(),
            &raw mut len,
        )
    };
    if done < 0 { Err(io::Error::last_os_error()) } else { Ok(told) }
}

fn set<T>(socket: BorrowedFd<'_>, option: c_int, value: &T) -> io::Result<()> {
    let len = size_of::<T>() as socklen_t;
    // SAFETY: pointer and length are those of `value`, a plain C value that outlives the call.
    #[expect(
        unsafe_code,
        reason = "a system call without a safe form here; told by the stories of tests/it/live"
    )]
    let done = unsafe {
        libc::setsockopt(
            socket.as_raw_fd(),
            libc::SOL_PACKET,
            option,
            (&raw const *value).cast::<c_void>(),
            len,
        )
    };
    if done < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

fn ask(socket: BorrowedFd<'_>, what: libc::c_ulong, mut request: ifreq) -> io::Result<ifreq> {
    // SAFETY: all requests made here read and write one `ifreq`, which outlives the call.
    #[expect(unsafe_code, reason = "a system call without a safe form here; told by `a_packet_socket_…`")]
    let done = unsafe { libc::ioctl(socket.as_raw_fd(), what as _, &raw mut request) };
    if done < 0 { Err(io::Error::last_os_error()) } else { Ok(request) }
}

fn empty() -> ifreq {
    // SAFETY: all zeros is a valid ifreq: an empty name and a zero in every member of the union.
    #[expect(unsafe_code, reason = "a C struct")]
    unsafe {
        zeroed()
    }
}

fn named(name: &str) -> io::Result<ifreq> {
    let mut request = empty();
    // The last place stays zero: the name ends there.
    let room = request.ifr_name.len() - 1;
    if name.is_empty() || name.len() > room || name.bytes().any(|byte| byte == 0) {
        return Err(io::Error::from(io::ErrorKind::NotFound));
    }
    for (place, byte) in request.ifr_name.iter_mut().zip(name.bytes()) {
        *place = byte as libc::c_char;
    }
    Ok(request)
}

#[cfg(test)]
mod tests {
    use std::os::fd::AsFd;

    use super::*;

    #[test]
    fn a_packet_socket_tells_the_loopback_from_an_interface_that_is_not_there() {
        let Ok(socket) = probe() else {
            println!("SKIPPED: no right to open packet sockets");
            return;
        };
        let socket = socket.as_fd();
        let index = index_of(socket, "lo").unwrap();
        assert_eq!(hardware(socket, "lo").unwrap(), libc::ARPHRD_LOOPBACK);
        assert!(matches!(fault(socket, index), None | Some(BlindReason::Down)));
        assert!(index_of(socket, "no-such-if").is_err() && index_of(socket, "").is_err());
        assert!(index_of(socket, "a-name-that-is-too-long-for-any-interface").is_err());
        assert_eq!(fault(socket, c_int::MAX), Some(BlindReason::Gone));
    }
}
