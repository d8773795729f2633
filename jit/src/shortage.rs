//! The compiler takes memory only where nobody misses it.
//!
//! Cranelift cannot be told that there is no more memory: a process in which an allocation fails ends. So before something is compiled
//! where memory is scarce, the system is asked whether it would grant that beside everything that the program may still want; if not,
//! there is no code, and nothing else changes. What an embedder's allocator finds out all the same it can tell here.

use rum_interp::MachineOptions;
use rum_interp::engine::{Backing, Reservation, State, strict_overcommit};
use std::cell::Cell;
use std::sync::atomic::{AtomicBool, Ordering};

/// What compiling takes, whatever it is.
const COMPILE_BYTES: u64 = 8 << 20;
/// And for each word of a region.
const COMPILE_BYTES_PER_WORD: u64 = 8 << 10;

static IS_SHORT: AtomicBool = AtomicBool::new(false);

thread_local! {
    static COMPILES: Cell<bool> = const { Cell::new(false) };
}

/// From now on nothing more is compiled, by any machine of the process: the system has refused memory. For allocators: this allocates
/// nothing.
pub fn memory_is_short() {
    IS_SHORT.store(true, Ordering::Relaxed);
}

/// Whether this thread does nothing but compile. If it never goes on, code is missing, and nothing else. For allocators: this allocates
/// nothing.
pub fn is_compiler_thread() -> bool {
    COMPILES.get()
}

/// Whether somebody said so.
pub(crate) fn is_short() -> bool {
    IS_SHORT.load(Ordering::Relaxed)
}

/// This thread does nothing else from now on.
pub(crate) fn this_thread_compiles() {
    COMPILES.set(true);
}

/// What a program may want, where memory is scarce.
#[derive(Debug)]
pub(crate) struct Scarce {
    program_bytes: u64,
    /// Whether the system counts what it has promised, used or not.
    promises_count: bool,
    /// How much data the process may have, and how much it has.
    data: Option<DataLimit>,
}

impl Scarce {
    /// Of a machine; none where the system grants what it is asked for.
    pub fn of(state: &State) -> Option<Scarce> {
        let memory = state.memory();
        (!memory.covers_all_ids()).then(|| Scarce {
            // Nobody can promise what is beyond that.
            program_bytes: memory.limit_bytes().min(MachineOptions::default().memory_bytes_max),
            promises_count: strict_overcommit(),
            data: DataLimit::of_process(),
        })
    }

    /// Whether there is room to compile a region of so many words. Addresses are the program's already.
    pub fn has_room(&self, state: &State, words: usize) -> bool {
        let compile = COMPILE_BYTES + COMPILE_BYTES_PER_WORD * words as u64;
        let wanted = self.program_bytes.saturating_sub(state.memory().used_bytes());
        let promised = if self.promises_count { wanted + compile } else { compile };
        self.data.as_ref().is_none_or(|data| data.leaves(wanted + compile))
            // Given back at once.
            && Reservation::new(usize::try_from(promised).unwrap_or(usize::MAX >> 1), Backing::OnTouch).is_ok()
    }
}

/// A limit on data, as `ulimit -d` sets it.
#[derive(Debug)]
struct DataLimit {
    #[cfg(target_os = "linux")]
    bytes_max: u64,
    /// What the system tells of the process's memory, open from the start: later the process may have lost the right to open it.
    #[cfg(target_os = "linux")]
    counts: Option<std::fs::File>,
}

#[cfg(target_os = "linux")]
impl DataLimit {
    fn of_process() -> Option<DataLimit> {
        use rustix::process::{Resource, getrlimit};
        let bytes_max = getrlimit(Resource::Data).current?;
        Some(DataLimit { bytes_max, counts: std::fs::File::open("/proc/self/statm").ok() })
    }

    /// Whether so many bytes can be had still.
    fn leaves(&self, bytes: u64) -> bool {
        use std::os::unix::fs::FileExt;
        // In pages: all, resident, shared, code, nothing, data.
        let mut counts = [0; 256];
        let count = self.counts.as_ref().and_then(|file| file.read_at(&mut counts, 0).ok()).unwrap_or(0);
        let data = std::str::from_utf8(&counts[..count]).ok().and_then(|text| text.split_ascii_whitespace().nth(5));
        let pages = data.and_then(|count| count.parse::<u64>().ok());
        pages.is_some_and(|pages| pages * region::page::size() as u64 + bytes <= self.bytes_max)
    }
}

#[cfg(not(target_os = "linux"))]
impl DataLimit {
    fn of_process() -> Option<DataLimit> {
        None
    }

    fn leaves(&self, _: u64) -> bool {
        true
    }
}
