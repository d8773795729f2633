//! `run --sandbox`: the process gives up its rights before the program runs, so that a mistake in rum by which a program got hold of the
//! process would be worth little.
//!
//! Two steps. [`close_files`], as soon as there is a machine with its engine: descriptors that the process was born with are closed but for the first three,
//! and landlock takes away the file system, the network and signals to others. Threads that are started from then on have no more; the one
//! that waits for `--timeout` may be older. [`shut`], before the first instruction: a filter on the system calls of all threads. What is
//! not on the list kills the process (SIGSYS).
//!
//! So whatever a run takes is had before: files are opened, memory that is executed is mapped, threads are started (`Vm::make_ready`).
//! Options that want more at the end are refused on the command line.

#[cfg(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64")))]
pub use os::{close_files, shut};

#[cfg(not(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64"))))]
pub use other::{close_files, shut};

/// Where there is no such thing.
#[cfg(not(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64"))))]
mod other {
    use crate::failure::Failure;

    /// # Errors
    /// Always.
    pub fn close_files() -> Result<(), Failure> {
        Err(Failure::host("--sandbox is for Linux, on x86-64 and aarch64"))
    }

    /// # Errors
    /// Never: nobody gets that far.
    pub fn shut() -> Result<(), Failure> {
        Ok(())
    }
}

#[cfg(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64")))]
mod os {
    use crate::failure::{Failure, reason};
    use landlock::{ABI, Access, AccessFs, AccessNet, RestrictSelfAttr, Ruleset, RulesetAttr, RulesetStatus, Scope};
    use rustix::io::{FdFlags, fcntl_getfd};
    use seccompiler::SeccompCmpArgLen::Dword;
    use seccompiler::SeccompCmpOp::{Eq, MaskedEq};
    use seccompiler::{BackendError, BpfProgram, SeccompAction, SeccompCondition, SeccompFilter, SeccompRule};
    use std::fmt::Display;
    use std::os::fd::{BorrowedFd, FromRawFd, OwnedFd, RawFd};
    use std::{fs, io};

    /// Allowed whatever the arguments are.
    const ALLOWED: [libc::c_long; 26] = [
        // Descriptors that are open.
        libc::SYS_read,
        libc::SYS_pread64,
        libc::SYS_write,
        libc::SYS_writev,
        libc::SYS_ppoll,
        libc::SYS_close,
        // Memory, but for what has conditions below.
        libc::SYS_brk,
        libc::SYS_munmap,
        libc::SYS_mremap,
        libc::SYS_madvise,
        // Has other processors fetch new code anew.
        libc::SYS_membarrier,
        // Threads that there are: some may not have come to their first line yet.
        libc::SYS_futex,
        libc::SYS_gettid,
        libc::SYS_sched_yield,
        libc::SYS_sched_getaffinity,
        libc::SYS_set_robust_list,
        libc::SYS_rseq,
        libc::SYS_sigaltstack,
        libc::SYS_rt_sigprocmask,
        libc::SYS_exit,
        libc::SYS_exit_group,
        // The way back from signals.
        libc::SYS_rt_sigreturn,
        libc::SYS_restart_syscall,
        // Clocks, and the seed of a hash table.
        libc::SYS_clock_gettime,
        libc::SYS_clock_nanosleep,
        libc::SYS_getrandom,
    ];

    fn refused(what: &str, why: impl Display) -> Failure {
        Failure::host(format!("--sandbox cannot be had, {what}: {why}"))
    }

    /// Gives up files, the network and signals to others, but for what is open; and what is open that nobody here has opened.
    ///
    /// # Errors
    /// The kernel has no landlock, or does not tell what is open.
    pub fn close_files() -> Result<(), Failure> {
        keep_one_heap();
        close_inherited().map_err(|error| refused("/proc does not tell what is open", reason(&error)))?;
        let restricted = Ruleset::default()
            .handle_access(AccessFs::from_all(ABI::V5))
            .and_then(|rules| rules.handle_access(AccessNet::from_all(ABI::V4)))
            .and_then(|rules| rules.scope(Scope::from_all(ABI::V6)))
            .and_then(|rules| rules.create())
            .and_then(|rules| rules.all_threads(true)?.restrict_self())
            .map_err(|error| refused("landlock refuses", error))?;
        match restricted.ruleset {
            RulesetStatus::NotEnforced => {
                Err(refused("landlock is missing", "the kernel is older than Linux 5.13, or has it off"))
            }
            _ => Ok(()),
        }
    }

    /// Has all threads allocate from one heap: to give a part of another back, the C library would open a file first.
    fn keep_one_heap() {
        #[cfg(target_env = "gnu")]
        // SAFETY: it sets a number.
        unsafe {
            libc::mallopt(libc::M_ARENA_MAX, 1);
        }
    }

    /// Closes every descriptor but the first three that would be open in another program, too: what is opened here would not.
    fn close_inherited() -> io::Result<()> {
        let open = fs::read_dir("/proc/self/fd")?.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
        let open: Vec<RawFd> = open.filter(|&number| number > 2).collect();
        for number in open {
            // SAFETY: it is looked at and nothing else; the one that has listed the others is closed, which is an error.
            let flags = fcntl_getfd(unsafe { BorrowedFd::borrow_raw(number) });
            if flags.is_ok_and(|flags| !flags.contains(FdFlags::CLOEXEC)) {
                // SAFETY: it is open, and nobody's: the standard library opens everything with the flag.
                drop(unsafe { OwnedFd::from_raw_fd(number) });
            }
        }
        Ok(())
    }

    /// Gives up every system call that a run does not take, on all threads.
    ///
    /// # Errors
    /// The kernel has no filters.
    pub fn shut() -> Result<(), Failure> {
        // The first look at a clock looks for where the kernel has put it.
        let _ = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
        let program = filter().map_err(|error| refused("the filter cannot be made", error))?;
        seccompiler::apply_filter_all_threads(&program).map_err(|error| refused("the kernel refuses the filter", error))
    }

    fn filter() -> Result<BpfProgram, BackendError> {
        const EXECUTABLE: u64 = libc::PROT_EXEC as u64;
        const WRITABLE: u64 = libc::PROT_WRITE as u64;
        const ANONYMOUS: u64 = libc::MAP_ANONYMOUS as u64;
        let without = |argument, bits| SeccompCondition::new(argument, Dword, MaskedEq(bits), 0);
        let anonymous = SeccompCondition::new(3, Dword, MaskedEq(ANONYMOUS), ANONYMOUS)?;
        let only = |argument, value| SeccompRule::new(vec![SeccompCondition::new(argument, Dword, Eq, value)?]);
        let mut rules: std::collections::BTreeMap<i64, Vec<SeccompRule>> =
            ALLOWED.into_iter().map(|call| (call, Vec::new())).collect();
        #[cfg(target_arch = "x86_64")]
        rules.insert(libc::SYS_poll, Vec::new());
        rules.insert(libc::SYS_mmap, vec![SeccompRule::new(vec![anonymous, without(2, EXECUTABLE)?])?]);
        // Writable or executable.
        let either = [EXECUTABLE, WRITABLE].map(|bits| SeccompRule::new(vec![without(2, bits)?]));
        rules.insert(libc::SYS_mprotect, either.into_iter().collect::<Result<_, _>>()?);
        // A thread names itself; with assertions a descriptor is looked at before it is closed.
        rules.insert(libc::SYS_prctl, vec![only(0, libc::PR_SET_NAME as u64)?]);
        rules.insert(libc::SYS_fcntl, vec![only(1, libc::F_GETFD as u64)?]);
        let processor = std::env::consts::ARCH.try_into()?;
        SeccompFilter::new(rules, SeccompAction::KillProcess, SeccompAction::Allow, processor)?.try_into()
    }
}
