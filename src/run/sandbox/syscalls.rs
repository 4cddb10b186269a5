//! Which system calls are left: seccomp(2).
//!
//! An allow-list; everything else fails with `EPERM`, so that a library that tries its luck goes on without. What is not on it
//! matters most: no program is started, no process, no socket is opened or connected, nothing is sent, nobody is
//! traced, nobody is signalled but oneself, no memory becomes code, nothing is mounted, and no right comes back.

use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter, SeccompRule,
    TargetArch, apply_filter_all_threads,
};

use super::Needs;

/// Allowed whatever their arguments.
const ALWAYS: &[libc::c_long] = &[
    // what is open is read, written, waited for and closed
    libc::SYS_read,
    libc::SYS_readv,
    libc::SYS_pread64,
    libc::SYS_preadv,
    libc::SYS_preadv2,
    libc::SYS_write,
    libc::SYS_writev,
    libc::SYS_pwrite64,
    libc::SYS_pwritev,
    libc::SYS_pwritev2,
    libc::SYS_lseek,
    libc::SYS_close,
    libc::SYS_close_range,
    libc::SYS_dup,
    libc::SYS_dup3,
    libc::SYS_fcntl,
    libc::SYS_flock,
    libc::SYS_pipe2,
    libc::SYS_eventfd2,
    libc::SYS_ppoll,
    libc::SYS_pselect6,
    libc::SYS_epoll_create1,
    libc::SYS_epoll_ctl,
    libc::SYS_epoll_pwait,
    libc::SYS_epoll_pwait2,
    libc::SYS_inotify_init1,
    libc::SYS_inotify_add_watch,
    libc::SYS_inotify_rm_watch,
    libc::SYS_signalfd4,
    libc::SYS_timerfd_create,
    libc::SYS_timerfd_settime,
    libc::SYS_timerfd_gettime,
    // files: which ones is for Landlock to say
    libc::SYS_openat,
    libc::SYS_openat2,
    libc::SYS_fstat,
    libc::SYS_newfstatat,
    libc::SYS_statx,
    libc::SYS_statfs,
    libc::SYS_fstatfs,
    libc::SYS_faccessat,
    libc::SYS_faccessat2,
    libc::SYS_readlinkat,
    libc::SYS_getcwd,
    libc::SYS_getdents64,
    libc::SYS_mkdirat,
    libc::SYS_renameat,
    libc::SYS_renameat2,
    libc::SYS_linkat,
    libc::SYS_unlinkat,
    libc::SYS_ftruncate,
    libc::SYS_fallocate,
    libc::SYS_fsync,
    libc::SYS_fdatasync,
    libc::SYS_sync_file_range,
    libc::SYS_fadvise64,
    libc::SYS_readahead,
    libc::SYS_copy_file_range,
    libc::SYS_sendfile,
    libc::SYS_splice,
    libc::SYS_umask,
    // what open packet sockets bring; nothing is sent
    libc::SYS_recvfrom,
    libc::SYS_recvmsg,
    libc::SYS_recvmmsg,
    libc::SYS_getsockopt,
    libc::SYS_getsockname,
    // memory
    libc::SYS_brk,
    libc::SYS_munmap,
    libc::SYS_mremap,
    libc::SYS_madvise,
    libc::SYS_mincore,
    libc::SYS_mlock,
    libc::SYS_munlock,
    libc::SYS_membarrier,
    libc::SYS_get_mempolicy,
    // threads and signals of our own
    libc::SYS_futex,
    libc::SYS_futex_waitv,
    libc::SYS_set_robust_list,
    libc::SYS_get_robust_list,
    libc::SYS_rseq,
    libc::SYS_set_tid_address,
    libc::SYS_sched_yield,
    libc::SYS_sched_getaffinity,
    libc::SYS_sched_setaffinity,
    libc::SYS_getcpu,
    libc::SYS_exit,
    libc::SYS_exit_group,
    libc::SYS_restart_syscall,
    libc::SYS_rt_sigaction,
    libc::SYS_rt_sigprocmask,
    libc::SYS_rt_sigpending,
    libc::SYS_rt_sigtimedwait,
    libc::SYS_rt_sigsuspend,
    libc::SYS_rt_sigreturn,
    libc::SYS_sigaltstack,
    // clocks, chance, and questions about oneself
    libc::SYS_clock_gettime,
    libc::SYS_clock_getres,
    libc::SYS_clock_nanosleep,
    libc::SYS_nanosleep,
    libc::SYS_gettimeofday,
    libc::SYS_times,
    libc::SYS_getrandom,
    libc::SYS_getpid,
    libc::SYS_getppid,
    libc::SYS_gettid,
    libc::SYS_getuid,
    libc::SYS_geteuid,
    libc::SYS_getgid,
    libc::SYS_getegid,
    libc::SYS_getgroups,
    libc::SYS_uname,
    libc::SYS_sysinfo,
    libc::SYS_getrusage,
    libc::SYS_prlimit64,
    // rights, downwards only: the second step of confinement
    libc::SYS_capget,
    libc::SYS_capset,
    libc::SYS_landlock_create_ruleset,
    libc::SYS_landlock_add_rule,
    libc::SYS_landlock_restrict_self,
];

/// The elder forms of the same, where the processor's table has them.
#[cfg(target_arch = "x86_64")]
const ELDER: &[libc::c_long] = &[
    libc::SYS_open,
    libc::SYS_stat,
    libc::SYS_lstat,
    libc::SYS_access,
    libc::SYS_readlink,
    libc::SYS_getdents,
    libc::SYS_mkdir,
    libc::SYS_rmdir,
    libc::SYS_rename,
    libc::SYS_unlink,
    libc::SYS_pipe,
    libc::SYS_dup2,
    libc::SYS_poll,
    libc::SYS_select,
    libc::SYS_epoll_create,
    libc::SYS_epoll_wait,
    libc::SYS_eventfd,
    libc::SYS_inotify_init,
    libc::SYS_time,
    libc::SYS_getrlimit,
    libc::SYS_arch_prctl,
];
#[cfg(not(target_arch = "x86_64"))]
const ELDER: &[libc::c_long] = &[];

/// Requests to devices and sockets that only ask: size of the terminal, is it one, how much is there, and what an
/// interface is called, is doing and can carry. `TIOCSTI`, which types into the terminal, is not among them.
const QUESTIONS: &[libc::Ioctl] = &[
    libc::TCGETS,
    libc::TCGETS2,
    libc::TIOCGWINSZ,
    libc::FIONREAD,
    libc::FIONBIO,
    libc::FIOCLEX,
    libc::SIOCGIFINDEX as libc::Ioctl,
    libc::SIOCGIFNAME as libc::Ioctl,
    libc::SIOCGIFFLAGS as libc::Ioctl,
    libc::SIOCGIFHWADDR as libc::Ioctl,
    libc::SIOCGIFMTU as libc::Ioctl,
];

/// `prctl` that names threads and memory, and that gives rights away.
const PROCESS_CONTROLS: &[libc::c_int] = &[
    libc::PR_SET_NAME,
    libc::PR_GET_NAME,
    libc::PR_SET_VMA,
    libc::PR_SET_NO_NEW_PRIVS,
    libc::PR_GET_NO_NEW_PRIVS,
    libc::PR_GET_SECCOMP,
    libc::PR_CAPBSET_READ,
    libc::PR_CAP_AMBIENT,
];

/// Puts the filters in force on every thread of the process.
///
/// # Errors
/// When the kernel has no filters, or none are known for this processor.
pub(super) fn restrict(needs: &Needs) -> Result<(), seccompiler::Error> {
    for program in programs(needs)? {
        apply_filter_all_threads(&program)?;
    }
    Ok(())
}

/// As [`restrict`], on the calling thread alone.
///
/// # Errors
/// As [`restrict`].
pub(super) fn restrict_thread() -> Result<(), seccompiler::Error> {
    programs(&everything())?.iter().try_for_each(|program| seccompiler::apply_filter(program))
}

/// The most that a run may need.
fn everything() -> Needs {
    Needs { live: true, hears_signals: true, ..Needs::default() }
}

/// Two filters, in this order, because the second lets no third be installed. The stricter answer of the two counts.
fn programs(needs: &Needs) -> Result<[BpfProgram; 2], seccompiler::Error> {
    let arch = TargetArch::try_from(std::env::consts::ARCH)?;
    let errno = |code: i32| SeccompAction::Errno(code.unsigned_abs());
    let allowed = SeccompFilter::new(rules(needs)?, errno(libc::EPERM), SeccompAction::Allow, arch)?;
    // The arguments of clone3 lie in memory, where a filter cannot see them: the C library then asks for clone.
    let absent = [(libc::SYS_clone3, Vec::new())].into();
    let hidden = SeccompFilter::new(absent, SeccompAction::Allow, errno(libc::ENOSYS), arch)?;
    Ok([hidden.try_into()?, allowed.try_into()?])
}

type Rules = std::collections::BTreeMap<i64, Vec<SeccompRule>>;

fn rules(needs: &Needs) -> Result<Rules, seccompiler::Error> {
    let mut rules: Rules = ALWAYS.iter().chain(ELDER).map(|call| (*call, Vec::new())).collect();
    let executable = libc::PROT_EXEC as u64;
    let no_code = || masked(2, executable, 0).and_then(rule);
    rules.insert(libc::SYS_mmap, vec![no_code()?]);
    rules.insert(libc::SYS_mprotect, vec![no_code()?]);
    let thread = libc::CLONE_THREAD as u64;
    rules.insert(libc::SYS_clone3, Vec::new());
    rules.insert(libc::SYS_clone, vec![masked(0, thread, thread).and_then(rule)?]);
    // abort(3) signals its own process.
    let own = equal(0, u64::from(std::process::id())).and_then(rule)?;
    rules.insert(libc::SYS_tgkill, vec![own]);
    let questions = QUESTIONS.iter().map(|request| equal(1, u64::from(*request as u32)).and_then(rule));
    rules.insert(libc::SYS_ioctl, questions.collect::<Result<_, _>>()?);
    let controls = PROCESS_CONTROLS.iter().map(|control| equal(0, *control as u64).and_then(rule));
    rules.insert(libc::SYS_prctl, controls.collect::<Result<_, _>>()?);
    if needs.live {
        // A packet socket whose interface came back is bound to it again, and given its filter and promiscuity.
        rules.insert(libc::SYS_bind, Vec::new());
        let levels = [libc::SOL_SOCKET, libc::SOL_PACKET];
        let levels = levels.iter().map(|level| equal(1, *level as u64).and_then(rule));
        rules.insert(libc::SYS_setsockopt, levels.collect::<Result<_, _>>()?);
    }
    if needs.hears_signals {
        // A signal wakes its thread by one byte through a pair of sockets. No interface takes a frame of one byte.
        let unix = equal(0, libc::AF_UNIX as u64).and_then(rule)?;
        rules.insert(libc::SYS_socketpair, vec![unix]);
        let wake = SeccompRule::new(vec![equal_long(2, 1)?, equal_long(4, 0)?])?;
        rules.insert(libc::SYS_sendto, vec![wake]);
    }
    Ok(rules)
}

fn rule(condition: SeccompCondition) -> Result<SeccompRule, seccompiler::Error> {
    Ok(SeccompRule::new(vec![condition])?)
}

fn equal(argument: u8, value: u64) -> Result<SeccompCondition, seccompiler::Error> {
    Ok(SeccompCondition::new(argument, SeccompCmpArgLen::Dword, SeccompCmpOp::Eq, value)?)
}

fn equal_long(argument: u8, value: u64) -> Result<SeccompCondition, seccompiler::Error> {
    Ok(SeccompCondition::new(argument, SeccompCmpArgLen::Qword, SeccompCmpOp::Eq, value)?)
}

fn masked(argument: u8, mask: u64, value: u64) -> Result<SeccompCondition, seccompiler::Error> {
    Ok(SeccompCondition::new(argument, SeccompCmpArgLen::Dword, SeccompCmpOp::MaskedEq(mask), value)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_reaches_others_or_brings_rights_back_is_on_no_list() {
        let rules = rules(&everything()).unwrap();
        let without_capture = super::rules(&Needs::default()).unwrap();
        for call in [libc::SYS_sendto, libc::SYS_socketpair] {
            assert!(!without_capture.contains_key(&call), "system call {call}");
        }
        for call in [
            libc::SYS_execve,
            libc::SYS_execveat,
            libc::SYS_ptrace,
            libc::SYS_process_vm_writev,
            libc::SYS_socket,
            libc::SYS_connect,
            libc::SYS_accept4,
            libc::SYS_listen,
            libc::SYS_sendmsg,
            libc::SYS_sendmmsg,
            libc::SYS_kill,
            libc::SYS_setuid,
            libc::SYS_setresuid,
            libc::SYS_setgroups,
            libc::SYS_mount,
            libc::SYS_unshare,
            libc::SYS_setns,
            libc::SYS_chroot,
            libc::SYS_bpf,
            libc::SYS_perf_event_open,
            libc::SYS_io_uring_setup,
            libc::SYS_userfaultfd,
            libc::SYS_init_module,
            libc::SYS_keyctl,
            libc::SYS_symlinkat,
            libc::SYS_fchmod,
            libc::SYS_fchown,
        ] {
            assert!(!rules.contains_key(&call), "system call {call}");
        }
    }

    #[test]
    fn without_capture_sockets_none_is_bound_or_changed() {
        let rules = rules(&Needs::default()).unwrap();
        assert!(!rules.contains_key(&libc::SYS_bind) && !rules.contains_key(&libc::SYS_setsockopt));
    }

    #[test]
    fn the_filters_fit_into_the_kernel() {
        // BPF_MAXINSNS, linux/bpf_common.h
        assert!(programs(&everything()).unwrap().iter().all(|program| program.len() <= 4096));
    }
}
