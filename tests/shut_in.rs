//! What a process in a sandbox can still do. Each attempt is made in a process of its own, which is this one again: the sandbox is for ever. So
//! the tests have a harness that lets `main` see to that first.

#[cfg(not(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64"))))]
fn main() {}

#[cfg(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64")))]
fn main() -> std::process::ExitCode {
    linux::main()
}

#[cfg(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64")))]
mod linux {
    use libtest_mimic::{Arguments, Failed, Trial};
    use rum_cli::sandbox::{close_files, shut};
    use std::fs::File;
    use std::io::ErrorKind;
    use std::net::UdpSocket;
    use std::os::unix::process::ExitStatusExt;
    use std::process::{Command, ExitCode, ExitStatus, exit};
    use std::{fs, ptr, thread};

    /// Says to the process what it is to attempt.
    const VARIABLE: &str = "RUM_SANDBOX_TEST";
    /// Statuses of an attempt that came to its end, and of one that was denied.
    const DONE: i32 = 7;
    const DENIED: i32 = 11;

    pub fn main() -> ExitCode {
        if let Ok(what) = std::env::var(VARIABLE) {
            shut_in(&what);
        }
        let tests = vec![
            Trial::test("what_a_run_takes_is_allowed", what_a_run_takes_is_allowed),
            Trial::test("anything_else_kills", anything_else_kills),
            Trial::test("files_are_denied_even_without_the_filter", files_are_denied_even_without_the_filter),
        ];
        libtest_mimic::run(&Arguments::from_args(), tests).exit_code()
    }

    fn what_a_run_takes_is_allowed() -> Result<(), Failed> {
        for what in ["nothing", "memory", "executable, not writable"] {
            let status = end_of(what)?;
            assert_eq!(status.code(), Some(DONE), "{what}: {status}");
        }
        Ok(())
    }

    fn anything_else_kills() -> Result<(), Failed> {
        let calls = ["open", "remove", "socket", "process", "thread", "signal"];
        for what in calls.into_iter().chain(["writable and executable", "new executable memory"]) {
            let status = end_of(what)?;
            assert_eq!(status.signal(), Some(libc::SIGSYS), "{what}: {status}");
        }
        Ok(())
    }

    fn files_are_denied_even_without_the_filter() -> Result<(), Failed> {
        for what in ["files: read", "files: write"] {
            let status = end_of(what)?;
            assert_eq!(status.code(), Some(DENIED), "{what}: {status}");
        }
        Ok(())
    }

    fn end_of(what: &str) -> Result<ExitStatus, Failed> {
        Ok(Command::new(std::env::current_exe()?).env(VARIABLE, what).output()?.status)
    }

    fn shut_in(what: &str) -> ! {
        close_files().expect("landlock");
        if let Some(what) = what.strip_prefix("files: ") {
            let opened = match what {
                "read" => File::open("/dev/null").map(drop),
                "write" => fs::write("/dev/null", "x"),
                other => panic!("{other}?"),
            };
            exit(if opened.is_err_and(|error| error.kind() == ErrorKind::PermissionDenied) { DENIED } else { DONE });
        }
        shut().expect("a filter");
        attempt(what);
        exit(DONE);
    }

    fn attempt(what: &str) {
        match what {
            "nothing" => {}
            "memory" => drop(vec![1_u8; 10 << 20]),
            "executable, not writable" => protect(libc::PROT_READ | libc::PROT_EXEC),
            "open" => drop(File::open("/dev/null")),
            "remove" => drop(fs::remove_file("/nowhere")),
            "socket" => drop(UdpSocket::bind("127.0.0.1:0")),
            "process" => drop(Command::new("/bin/true").status()),
            "thread" => drop(thread::spawn(|| {})),
            "signal" => drop(rustix::process::test_kill_process(rustix::process::Pid::INIT)),
            "writable and executable" => protect(libc::PROT_WRITE | libc::PROT_EXEC),
            "new executable memory" => drop(map(libc::PROT_READ | libc::PROT_EXEC)),
            other => panic!("{other}?"),
        }
    }

    fn map(access: libc::c_int) -> *mut libc::c_void {
        // SAFETY: a new mapping.
        unsafe { libc::mmap(ptr::null_mut(), 4096, access, libc::MAP_PRIVATE | libc::MAP_ANONYMOUS, -1, 0) }
    }

    fn protect(access: libc::c_int) {
        let start = map(libc::PROT_NONE);
        // SAFETY: the mapping was made for this.
        assert_eq!(unsafe { libc::mprotect(start, 4096, access) }, 0);
    }
}
