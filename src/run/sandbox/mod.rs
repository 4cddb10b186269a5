//! Rights given away before the first byte of a stranger's is read. Home of `caps`, `landlock`, `seccompiler`.
//!
//! [`confine`] is called once everything that needs a right is open (capture sockets, rings, fan-out) and before any
//! thread is started: capabilities and Landlock belong to a thread and are inherited by those it starts. It
//!
//! 1. leaves root for the user of `--user`, else for the one who called sudo where that one reaches all inputs and outputs;
//! 2. drops every capability, in all five sets;
//! 3. sets `no_new_privs` and forbids core dumps (they would hold what was captured);
//! 4. lets Landlock allow the inputs for reading, the outputs for writing, and a few files of the system's;
//! 5. lets seccomp allow some 130 system calls: no program, no process, no new socket, no sending, no tracing, no memory
//!    that becomes code. Anything else fails with `EPERM`.
//!
//! Outputs are made afterwards, by the user who is left. [`Confined::narrow`] then takes back what was only needed to make
//! them. What is in force is read from the kernel and told as [`Confinement`]; a kernel without Landlock or seccomp is
//! told, too, and the run goes on.
//!
//! # What remains possible with open capture sockets ([`Needs::live`])
//!
//! * Reading: `recv*`, `poll`, `getsockopt` (`PACKET_STATISTICS`), the mapped ring; `/sys/class/net` for the interfaces'
//!   state and counters, `SIOCGIFFLAGS`, `SIOCGIFINDEX` on an open socket.
//! * An interface that was removed and comes back needs **no right**: `CAP_NET_RAW` is asked for by `socket(2)` only. The
//!   socket of the old interface lives on, unbound (`ENETDOWN`, and libpcap says "The interface disappeared"). Ask for the new
//!   index with `SIOCGIFINDEX` on it, `bind(2)` it to that index (`sockaddr_ll`, `ETH_P_ALL`), and set
//!   `PACKET_ADD_MEMBERSHIP` with `PACKET_MR_PROMISC` again: membership died with the old interface, while ring, filter and
//!   the libpcap handle around them go on. So no process and no thread has to keep a right.
//! * A socket in a fan-out group cannot be bound again (`EINVAL`, packet(7)). Where rings are joined, open one more handle
//!   per interface that stays outside the group (bound to `lo`, with a filter that takes nothing) and bind that one to the
//!   interface that came back: reading goes on with one ring.
//! * With [`Needs::hears_signals`] a signal may wake its thread by one byte through a pair of sockets; one byte is no frame
//!   that an interface takes.
//! * Filters may be set again (`SO_ATTACH_FILTER`, `SO_DETACH_FILTER`).
//! * Not possible: `socket`, `connect`, sending more than that, another capture handle, `ioctl` that changes an interface, a program. `write(2)`
//!   on a packet socket would still transmit, and no filter can tell it from a write to a file: nothing here calls it.

mod files;
mod identity;
mod status;
mod syscalls;

use std::{fs::File, io, path::PathBuf};

use caps::{CapSet, CapsHashSet};
use nix::{
    sys::resource::{Resource, setrlimit},
    unistd::Uid,
};

use crate::ground::model::confinement::{Confinement, Landlock};
use identity::Identity;
pub use status::Status;

/// What the rest of the run still needs.
#[derive(Clone, Debug, Default)]
pub struct Needs {
    /// Whom root becomes, by name.
    pub user: Option<String>,
    /// User and group who called sudo: whom root becomes when nobody is named.
    pub invoker: Option<(u32, u32)>,
    /// Files, and folders with all below them, that are read. Of a file that will be replaced under its name, its folder.
    pub read: Vec<PathBuf>,
    /// Folders whose entries are listed, all below them too, without reading files.
    pub list: Vec<PathBuf>,
    /// Folders in which files are made, written, renamed and removed. Not yet there: until [`Confined::narrow`] the
    /// nearest folder above it is allowed, because it has to be made.
    pub folders: Vec<PathBuf>,
    /// Single files that are written; as above.
    pub files: Vec<PathBuf>,
    /// Capture sockets are open.
    pub live: bool,
    /// Signals will wake a thread.
    pub hears_signals: bool,
}

/// Why a run does not begin.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Only root can become somebody.
    #[error("--user {0}: only root can become another user; leave it out, or start with sudo")]
    NotRoot(String),
    /// There is no such user.
    #[error("--user {0}: this system knows no such user; make one with `useradd --system {0}`")]
    UnknownUser(String),
    /// The system refuses.
    #[error("cannot become user {user}: {source}")]
    Become {
        /// The name, or the number.
        user: String,
        /// Why.
        source: io::Error,
    },
    /// The user who was named cannot do the work.
    #[error("user {user} has no access to {path}; give it, or name another user with --user")]
    OutOfReach {
        /// The name.
        user: String,
        /// The first thing out of reach.
        path: PathBuf,
    },
    /// A thread runs already and would keep its rights: a fault of the program.
    #[error("{0} threads run already; rights must be dropped before the first is started")]
    Threads(u64),
    /// The kernel has the means and refused them.
    #[error("rights could not be dropped ({0}); --no-sandbox runs without confinement")]
    Refused(String),
}

/// A process that gave its rights away.
#[derive(Debug)]
pub struct Confined {
    needs: Needs,
    landlock: Landlock,
    is_filtered: bool,
    /// Opened while it could be.
    status: File,
}

/// Gives away what is not needed; see the room's page for the order.
///
/// # Errors
/// When the user cannot be had, or the kernel refuses a step that it knows.
pub fn confine(needs: &Needs) -> Result<Confined, Error> {
    let status = status::open().map_err(|error| refused(&error))?;
    let threads = Status::of(&status).map_err(|error| refused(&error))?.threads;
    if threads > 1 {
        return Err(Error::Threads(threads));
    }
    let (identity, kept) = whom(needs)?;
    // Without CAP_SETPCAP the bounding set stays; what it means is in [`Confinement::is_bounding_set_empty`].
    let _ = caps::clear(None, CapSet::Bounding);
    let _ = caps::clear(None, CapSet::Ambient);
    if let Some(identity) = identity {
        identity.put_on().map_err(|source| Error::Become { user: identity.name(), source })?;
    }
    leave_only(&kept).map_err(|error| refused(&error))?;
    setrlimit(Resource::RLIMIT_CORE, 0, 0).map_err(|error| refused(&error))?;
    let landlock = files::restrict(needs).map_err(|error| refused(&error))?;
    // Not every kernel and processor has it: that is told, and the run goes on.
    let is_filtered = syscalls::restrict(needs).is_ok();
    Ok(Confined { needs: needs.clone(), landlock, is_filtered, status })
}

impl Confined {
    /// Takes back what was only needed to make the outputs, which stand now. Threads started before keep it.
    ///
    /// # Errors
    /// When the kernel refuses.
    pub fn narrow(&mut self) -> Result<(), Error> {
        // Open files stay open; a file that stands apart is written through its handle from here on.
        self.needs.files.clear();
        let kept = identity::needed_of_root(&self.needs).map_err(|error| refused(&error))?;
        leave_only(&kept).map_err(|error| refused(&error))?;
        files::restrict(&self.needs).map_err(|error| refused(&error))?;
        Ok(())
    }

    /// What the kernel says is in force.
    #[must_use]
    pub fn in_force(&self) -> Confinement {
        let status = Status::of(&self.status).unwrap_or_default();
        let mut capabilities: Vec<_> = caps::all()
            .into_iter()
            .filter(|one| (status.effective | status.permitted) & one.bitmask() != 0)
            .map(|one| one.to_string())
            .collect();
        capabilities.sort();
        Confinement {
            is_off: false,
            uid: status.uid,
            capabilities,
            is_bounding_set_empty: status.bounding == 0,
            no_new_privs: status.no_new_privs,
            landlock: self.landlock,
            seccomp: self.is_filtered && status.seccomp == 2,
        }
    }
}

/// What a run has that nobody confined.
#[must_use]
pub fn unconfined() -> Confinement {
    let status = Status::read().unwrap_or_default();
    Confinement { is_off: true, uid: status.uid, no_new_privs: status.no_new_privs, ..Confinement::default() }
}

/// What this kernel can do, tried on a thread that then ends: nothing stays changed.
#[must_use]
pub fn available() -> (Landlock, bool) {
    let tried = std::thread::Builder::new().name("trial".into()).spawn(|| {
        let landlock = files::restrict(&Needs::default()).unwrap_or_default();
        (landlock, syscalls::restrict_thread().is_ok())
    });
    tried.ok().and_then(|trial| trial.join().ok()).unwrap_or_default()
}

/// Whom to become, and the capabilities that have to stay.
fn whom(needs: &Needs) -> Result<(Option<Identity>, CapsHashSet), Error> {
    let none = CapsHashSet::new();
    match (&needs.user, Uid::effective().is_root()) {
        (Some(name), false) => Err(Error::NotRoot(name.clone())),
        (None, false) => Ok((None, none)),
        (Some(name), true) => {
            let user = Identity::named(name)?;
            if user.is_root() {
                return of_root(needs);
            }
            let lacks = user.lacks(needs).map_err(|source| Error::Become { user: user.name(), source })?;
            match lacks {
                Some(path) => Err(Error::OutOfReach { user: user.name(), path }),
                None => Ok((Some(user), none)),
            }
        }
        (None, true) => {
            let invoker = needs.invoker.map(Identity::numbered).filter(|invoker| !invoker.is_root());
            match invoker.filter(|invoker| matches!(invoker.lacks(needs), Ok(None))) {
                Some(invoker) => Ok((Some(invoker), none)),
                None => of_root(needs),
            }
        }
    }
}

/// Root without its power; where files need it (they belong to others), reading them is what is kept.
fn of_root(needs: &Needs) -> Result<(Option<Identity>, CapsHashSet), Error> {
    identity::needed_of_root(needs).map(|kept| (None, kept)).map_err(|error| refused(&error))
}

/// Drops every capability but these, in the sets of the thread.
fn leave_only(kept: &CapsHashSet) -> Result<(), caps::errors::CapsError> {
    caps::clear(None, CapSet::Inheritable)?;
    caps::set(None, CapSet::Effective, kept)?;
    caps::set(None, CapSet::Permitted, kept)
}

fn refused(error: &dyn std::fmt::Display) -> Error {
    Error::Refused(error.to_string())
}
