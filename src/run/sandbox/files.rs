//! Which files are left: Landlock.

use std::path::{Path, PathBuf};

use landlock::{
    ABI, Access, AccessFs, AccessNet, AddRuleError, AddRulesError, BitFlags, LandlockStatus, PathBeneath,
    PathFd, Ruleset, RulesetAttr, RulesetCreated, RulesetCreatedAttr, RulesetError, Scope,
};

use super::Needs;
use crate::ground::model::confinement::Landlock;

/// The interface this was written against; an elder kernel enforces what it knows.
const VERSION: ABI = ABI::V6;

/// What the program itself reads, wherever it runs: processors and their share, the interfaces' counters, time zones,
/// and its own symbols for a backtrace. Nothing of it belongs to anybody.
const SYSTEM: &[&str] = &[
    "/dev/null",
    "/dev/urandom",
    "/etc/localtime",
    "/proc/meminfo",
    "/proc/self/cgroup",
    "/proc/self/exe",
    "/proc/self/maps",
    "/proc/self/mountinfo",
    "/proc/self/net",
    "/proc/stat",
    "/sys/class/net",
    "/sys/devices",
    "/sys/fs/cgroup",
    "/usr/share/zoneinfo",
];

/// Leaves what is needed, on the calling thread and those it starts. Called again, only what both calls allow is left.
///
/// # Errors
/// When the kernel has Landlock and does not take the rules.
pub(super) fn restrict(needs: &Needs) -> Result<Landlock, RulesetError> {
    let mut rules = Rules(
        Ruleset::default()
            .handle_access(AccessFs::from_all(VERSION))?
            .handle_access(AccessNet::from_all(VERSION))?
            .scope(Scope::from_all(VERSION))?
            .create()?,
    );
    let read: BitFlags<AccessFs> = AccessFs::ReadFile | AccessFs::ReadDir;
    // Everything but what makes devices, links, sockets, or runs programs.
    let write = read
        | AccessFs::WriteFile
        | AccessFs::Truncate
        | AccessFs::MakeReg
        | AccessFs::MakeDir
        | AccessFs::RemoveFile
        | AccessFs::RemoveDir
        | AccessFs::Refer;
    for path in SYSTEM {
        rules.allow(Path::new(path), read)?;
    }
    // The null device takes what nobody wants to keep.
    rules.allow(Path::new("/dev/null"), AccessFs::ReadFile | AccessFs::WriteFile)?;
    for path in &needs.read {
        rules.allow(path, read)?;
    }
    for path in &needs.list {
        rules.allow(path, AccessFs::ReadDir.into())?;
    }
    for folder in &needs.folders {
        rules.allow(standing(folder).0, write)?;
    }
    for file in &needs.files {
        let file = target(file);
        let (place, is_there) = standing(&file);
        let make = if is_there { BitFlags::EMPTY } else { AccessFs::MakeReg.into() };
        rules.allow(place, AccessFs::WriteFile | AccessFs::Truncate | make)?;
    }
    Ok(match rules.0.restrict_self()?.landlock {
        LandlockStatus::Available { effective_abi, .. } => Landlock::InForce { abi: effective_abi as u8 },
        LandlockStatus::NotEnabled => Landlock::SwitchedOff,
        LandlockStatus::NotImplemented => Landlock::Missing,
    })
}

struct Rules(RulesetCreated);

impl Rules {
    /// What is not there, or lies on no file system (a pipe of the shell's), needs no rule.
    fn allow(&mut self, path: &Path, access: BitFlags<AccessFs>) -> Result<(), RulesetError> {
        let Ok(handle) = PathFd::new(path) else { return Ok(()) };
        let access = if path.is_dir() { access } else { access & AccessFs::from_file(VERSION) };
        if access.is_empty() {
            return Ok(());
        }
        match (&mut self.0).add_rule(PathBeneath::new(handle, access)) {
            Ok(_) => Ok(()),
            Err(error) if is_of_no_file_system(&error) => Ok(()),
            Err(error) => Err(error),
        }
    }
}

/// EBADFD of landlock_add_rule(2): the kernel lets such files be opened in any case.
fn is_of_no_file_system(error: &RulesetError) -> bool {
    let RulesetError::AddRules(AddRulesError::Fs(AddRuleError::AddRuleCall { source, .. })) = error else {
        return false;
    };
    source.raw_os_error() == Some(libc::EBADFD)
}

/// The path itself or the nearest folder above it that is there; and whether it is the path itself.
pub(super) fn standing(path: &Path) -> (&Path, bool) {
    if path.exists() {
        return (path, true);
    }
    let above = path.ancestors().skip(1).find(|above| above.as_os_str().is_empty() || above.exists());
    match above {
        Some(above) if !above.as_os_str().is_empty() => (above, false),
        _ => (Path::new("."), false),
    }
}

/// Where a link to a file that is not there yet leads. 40 links are as many as the kernel follows (path_resolution(7)).
pub(super) fn target(path: &Path) -> PathBuf {
    let mut path = path.to_owned();
    for _ in 0..40 {
        let Ok(next) =
            path.read_link().map(|next| path.parent().map_or_else(|| next.clone(), |at| at.join(&next)))
        else {
            break;
        };
        path = next;
    }
    path
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_there_yet_is_made_in_the_nearest_folder_above() {
        let folder = tempfile::tempdir().unwrap();
        let there = folder.path().join("a");
        std::fs::create_dir(&there).unwrap();
        assert_eq!(standing(&there), (there.as_path(), true));
        assert_eq!(standing(&there.join("b/c")), (there.as_path(), false));
        assert_eq!(standing(Path::new("no such folder")), (Path::new("."), false));
    }

    #[test]
    fn a_link_to_a_file_that_is_to_be_made_is_followed_and_a_circle_is_left() {
        let folder = tempfile::tempdir().unwrap();
        let (link, circle) = (folder.path().join("link"), folder.path().join("circle"));
        std::os::unix::fs::symlink("later/file", &link).unwrap();
        std::os::unix::fs::symlink(&circle, &circle).unwrap();
        assert_eq!(target(&link), folder.path().join("later/file"));
        assert_eq!(target(&circle), circle);
    }
}
