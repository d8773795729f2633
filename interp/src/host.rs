//! What the host has: memory, as far as this process may use it.

use std::fs;

/// Assumed where the system does not say: 4 GiB.
const MEMORY_BYTES_UNKNOWN: u64 = 4 << 30;

/// Bytes of memory that the machine, the container that the process runs in, or its own limits (`ulimit -d`, `ulimit -v`) leave it.
pub fn memory_bytes() -> u64 {
    let container = ["/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"]
        .iter()
        .filter_map(|path| fs::read_to_string(path).ok()?.trim().parse::<u64>().ok());
    container.chain(physical_bytes()).chain(limits_bytes()).min().unwrap_or(MEMORY_BYTES_UNKNOWN)
}

#[cfg(all(unix, not(miri)))]
fn limits_bytes() -> Option<u64> {
    use rustix::process::{Resource, getrlimit};
    [Resource::Data, Resource::As].into_iter().filter_map(|what| getrlimit(what).current).min()
}

#[cfg(any(not(unix), miri))]
fn limits_bytes() -> Option<u64> {
    None
}

#[cfg(all(target_os = "linux", not(miri)))]
fn physical_bytes() -> Option<u64> {
    let info = rustix::system::sysinfo();
    // How wide these numbers are depends on the processor.
    #[allow(clippy::unnecessary_cast, clippy::useless_conversion)]
    u64::try_from(info.totalram).ok()?.checked_mul(u64::from(info.mem_unit)).filter(|&bytes| bytes > 0)
}

#[cfg(all(unix, not(target_os = "linux"), not(miri)))]
fn physical_bytes() -> Option<u64> {
    // SAFETY: sysconf reads a system constant.
    let (pages, page) = unsafe { (libc::sysconf(libc::_SC_PHYS_PAGES), libc::sysconf(libc::_SC_PAGESIZE)) };
    u64::try_from(pages).ok()?.checked_mul(u64::try_from(page).ok()?).filter(|&bytes| bytes > 0)
}

#[cfg(any(not(unix), miri))]
fn physical_bytes() -> Option<u64> {
    None
}

#[cfg(test)]
mod tests {
    #[test]
    fn there_is_some_memory() {
        let bytes = super::memory_bytes();
        assert!((64 << 20..1 << 50).contains(&bytes), "{bytes}");
    }
}
