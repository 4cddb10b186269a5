//! Whom the process becomes, and whether that one reaches what the run needs.

use std::{
    ffi::CString,
    fs, io,
    path::{Path, PathBuf},
};

use caps::{CapSet, Capability, CapsHashSet};
use nix::{
    fcntl::{AT_FDCWD, AtFlags},
    unistd::{
        AccessFlags, Gid, Uid, User, faccessat, getgroups, initgroups, setegid, seteuid, setgroups,
        setresgid, setresuid,
    },
};

use super::{Error, Needs, files};

/// A user to become.
#[derive(Clone, Debug)]
pub(super) struct Identity {
    uid: Uid,
    gid: Gid,
    /// Absent for a number without an entry in the system's list.
    name: Option<String>,
}

/// Files looked at to learn whether a folder can be read through; a folder with more is taken for one that cannot.
const FILES_TRIED_MAX: usize = 100_000;

impl Identity {
    /// A user by name.
    ///
    /// # Errors
    /// When there is none.
    pub(super) fn named(name: &str) -> Result<Self, Error> {
        match User::from_name(name) {
            Ok(Some(user)) => Ok(Self { uid: user.uid, gid: user.gid, name: Some(user.name) }),
            Ok(None) => Err(Error::UnknownUser(name.to_owned())),
            Err(error) => Err(Error::Become { user: name.to_owned(), source: error.into() }),
        }
    }

    /// The user who called sudo.
    pub(super) fn numbered((uid, gid): (u32, u32)) -> Self {
        let name = User::from_uid(Uid::from_raw(uid)).ok().flatten().map(|user| user.name);
        Self { uid: Uid::from_raw(uid), gid: Gid::from_raw(gid), name }
    }

    pub(super) fn is_root(&self) -> bool {
        self.uid.is_root()
    }

    pub(super) fn name(&self) -> String {
        self.name.clone().unwrap_or_else(|| self.uid.to_string())
    }

    /// The first path that this user does not reach, tried in its place; the process is root's again afterwards.
    ///
    /// # Errors
    /// When the system does not let root stand in for others.
    pub(super) fn lacks(&self, needs: &Needs) -> io::Result<Option<PathBuf>> {
        let (own_user, own_group, own_groups) = (Uid::effective(), Gid::effective(), getgroups()?);
        self.take_groups()?;
        setegid(self.gid)?;
        seteuid(self.uid)?;
        let lacking = lacking(needs);
        seteuid(own_user)?;
        setegid(own_group)?;
        setgroups(&own_groups)?;
        Ok(lacking)
    }

    /// Becomes the user for good.
    ///
    /// # Errors
    /// When the system refuses, or when the way back is still open.
    pub(super) fn put_on(&self) -> io::Result<()> {
        self.take_groups()?;
        setresgid(self.gid, self.gid, self.gid)?;
        setresuid(self.uid, self.uid, self.uid)?;
        if !self.is_root() && seteuid(Uid::from_raw(0)).is_ok() {
            return Err(io::Error::other("the user id can still be changed back"));
        }
        Ok(())
    }

    fn take_groups(&self) -> io::Result<()> {
        match self.name.as_deref().map(CString::new) {
            Some(Ok(name)) => initgroups(&name, self.gid)?,
            _ => setgroups(&[self.gid])?,
        }
        Ok(())
    }
}

/// The least of capabilities with which root reaches the files of a run: none where root owns them or everyone may.
///
/// # Errors
/// When capabilities cannot be read or set.
pub(super) fn needed_of_root(needs: &Needs) -> Result<CapsHashSet, caps::errors::CapsError> {
    let own = caps::read(None, CapSet::Permitted)?;
    for kept in [&[][..], &[Capability::CAP_DAC_READ_SEARCH]] {
        let kept = kept.iter().copied().filter(|kept| own.contains(kept)).collect();
        caps::set(None, CapSet::Effective, &kept)?;
        let lacking = lacking(needs);
        caps::set(None, CapSet::Effective, &own)?;
        if lacking.is_none() {
            return Ok(kept);
        }
    }
    // The lesser of the two is for [`Confined::narrow`](super::Confined::narrow). What not even they reach is told when it
    // is opened.
    let both = [Capability::CAP_DAC_OVERRIDE, Capability::CAP_DAC_READ_SEARCH];
    Ok(both.into_iter().filter(|kept| own.contains(kept)).collect())
}

/// The first path that the process does not reach as it is now.
fn lacking(needs: &Needs) -> Option<PathBuf> {
    let unwritable = |path: &Path| {
        let (place, _) = files::standing(path);
        let mode = if place.is_dir() { AccessFlags::W_OK | AccessFlags::X_OK } else { AccessFlags::W_OK };
        is_refused(place, mode).then(|| place.to_owned())
    };
    let folders = needs.folders.iter().find_map(|folder| unwritable(folder));
    let files = || needs.files.iter().find_map(|file| unwritable(&files::target(file)));
    folders.or_else(files).or_else(|| unreadable(&needs.read))
}

/// The first path that cannot be read, folders looked through. What is not there at all is told by whoever opens it.
fn unreadable(paths: &[PathBuf]) -> Option<PathBuf> {
    let mut open: Vec<PathBuf> = paths.to_vec();
    let mut tried = 0;
    while let Some(path) = open.pop() {
        tried += 1;
        let mode = match fs::symlink_metadata(&path) {
            Ok(meta) if meta.is_dir() => AccessFlags::R_OK | AccessFlags::X_OK,
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            _ => AccessFlags::R_OK,
        };
        if tried > FILES_TRIED_MAX || is_refused(&path, mode) {
            return Some(path);
        }
        if mode.contains(AccessFlags::X_OK)
            && let Ok(entries) = fs::read_dir(&path)
        {
            open.extend(entries.filter_map(Result::ok).map(|entry| entry.path()));
        }
    }
    None
}

/// Asked for the ids and capabilities in force: access(2) alone would answer for those that could be had.
fn is_refused(path: &Path, mode: AccessFlags) -> bool {
    faccessat(AT_FDCWD, path, mode, AtFlags::AT_EACCESS).is_err_and(|error| error != nix::Error::ENOENT)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_nobody_has_is_no_user() {
        assert!(matches!(Identity::named("no-such-user-here"), Err(Error::UnknownUser(_))));
        assert!(Identity::named("root").unwrap().is_root());
    }

    #[test]
    fn what_is_not_there_is_not_called_unreadable() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("a")).unwrap();
        fs::write(folder.path().join("a/b"), "").unwrap();
        assert_eq!(unreadable(&[folder.path().join("gone"), folder.path().to_owned()]), None);
    }
}
