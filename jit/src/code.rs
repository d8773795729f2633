//! Where compiled code lives: one reserved range, handed out from the bottom, writable or executable and never both.
//!
//! A [`CodeSpace`] is one *generation*: the stubs (`stubs.rs`) and the units published since. A `JITModule` frees its code
//! only all at once, so the code of a dead unit stays until the generation ends; [`CodeSpace::restart`] ends it when the
//! budget is used up. Only the engine calls in here, and never while compiled code is running.
//!
//! # Who sees new code when
//!
//! Processors that reorder memory accesses need an argument. One thread makes code live and executes it: the machine's. The
//! compiler's thread only hands over bytes, through a channel, which orders them. The machine's thread then
//!
//! 1. copies the bytes to pages that are writable and not executable (`Arena::allocate`);
//! 2. cleans them out of the data cache and invalidates the instruction cache for their addresses (`clear_cache`; nothing to do on
//!    x86-64), which must come before the pages become executable again: aarch64 does both by address;
//! 3. makes the pages executable, a system call;
//! 4. has every processor that runs a thread of the process discard what it has fetched (`pipeline_flush_mt`: `membarrier` on
//!    Linux, nothing elsewhere). The thread may go on on any of them;
//! 5. only then stores the entry that leads to the code into the table (`units/table.rs`), which only this thread reads, from
//!    compiled code. To itself a thread's stores are in order, and so the jump through the entry comes after 1 to 4.
//!
//! A unit that dies is taken out of the table by the same thread, and its bytes are overwritten only in a new generation, when
//! none of the old is on its stack. So no step needs another barrier, however weakly the processor orders memory. What other
//! threads do write while compiled code runs is the poll word alone, one atomic number (`interp/src/poll.rs`).
//!
//! # Systems
//!
//! Linux and macOS let pages that were writable become executable, and back, as long as they are not both; macOS on its own processors
//! insists on that for every process that is not hardened, and needs `MAP_JIT` only for pages that are both. Where a system refuses,
//! [`CodeSpace::new`] fails, and the interpreter runs the program.

use cranelift_codegen::ir::Signature;
use cranelift_codegen::isa::OwnedTargetIsa;
use cranelift_codegen::settings::{self, Configurable};
use cranelift_jit::{BranchProtection, JITBuilder, JITMemoryKind, JITMemoryProvider, JITModule};
use cranelift_module::{Module, ModuleError, ModuleResult, default_libcall_names};
use region::Protection;
use rum_interp::engine::{Backing, Reservation};
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use wasmtime_internal_jit_icache_coherence as coherence;

/// The code generator for the host, with the settings that all units share.
///
/// # Errors
/// The host's architecture is not supported.
pub(crate) fn host_isa() -> Result<OwnedTargetIsa, String> {
    isa_for(target_lexicon::Triple::host())
}

/// The code generator for an architecture.
///
/// # Errors
/// Cranelift does not support it.
pub(crate) fn isa_for(triple: target_lexicon::Triple) -> Result<OwnedTargetIsa, String> {
    let mut flags = settings::builder();
    for (name, value) in [
        // The translator optimises; Cranelift is the quick, plain back end.
        ("opt_level", "none"),
        ("enable_pinned_reg", "true"),
        ("preserve_frame_pointers", "true"), // Tail calls want them.
        ("is_pic", "false"),
        ("unwind_info", "false"),
        ("enable_verifier", if cfg!(debug_assertions) { "true" } else { "false" }),
        ("enable_alias_analysis", "false"),
        ("machine_code_cfg_info", "false"),
        ("enable_probestack", "false"),
        ("enable_heap_access_spectre_mitigation", "false"),
        ("enable_table_access_spectre_mitigation", "false"),
    ] {
        flags.set(name, value).map_err(|error| error.to_string())?;
    }
    cranelift_codegen::isa::lookup(triple)
        .map_err(|error| error.to_string())?
        .finish(settings::Flags::new(flags))
        .map_err(|error| error.to_string())
}

/// An error of whatever type a platform has, for the console and for messages.
fn other(error: impl std::fmt::Display) -> io::Error {
    io::Error::other(error.to_string())
}

/// Has instructions fetched anew from memory that was written.
///
/// # Safety
/// The memory is readable.
unsafe fn clear_cache(start: *mut u8, bytes: usize) -> io::Result<()> {
    // The lines of a cache may have any length, and what was written may be in the data cache alone: `coherence` takes less into account.
    #[cfg(all(target_arch = "aarch64", target_os = "linux"))]
    // SAFETY: the caller's promise.
    dynasmrt::cache_control::synchronize_icache(unsafe { std::slice::from_raw_parts(start, bytes) });
    // SAFETY: the caller's promise.
    unsafe { coherence::clear_cache(start.cast(), bytes) }.map_err(other)
}

/// The range that code is taken from; shared between the space and the module that asks for memory.
struct Arena {
    space: Reservation,
    used: usize,
    /// What was made writable since code was last made executable.
    writable: Option<(usize, usize)>,
}

impl Arena {
    fn page_range(&self, from: usize, to: usize) -> (*mut u8, usize) {
        let page = region::page::size();
        let (first, last) = (from / page * page, to.next_multiple_of(page));
        (self.space.start().wrapping_add(first), last - first)
    }

    fn allocate(&mut self, size: usize, align: usize) -> io::Result<*mut u8> {
        // What is published together starts on a page of its own: to make a page writable again that others execute is
        // to tell every processor, twice.
        let align = if self.writable.is_some() { align.max(1) } else { region::page::size() };
        let start = self.used.next_multiple_of(align);
        let end = start + size;
        if end > self.space.bytes() {
            return Err(io::ErrorKind::OutOfMemory.into());
        }
        let (from, bytes) = self.page_range(start, end);
        // SAFETY: the pages lie in our range, and no compiled code runs while the engine is in here.
        unsafe { region::protect(from, bytes, Protection::READ_WRITE) }.map_err(io::Error::other)?;
        let (low, high) = self.writable.unwrap_or((start, end));
        self.writable = Some((low.min(start), high.max(end)));
        self.used = end;
        Ok(self.space.start().wrapping_add(start))
    }

    fn seal(&mut self) -> io::Result<()> {
        let Some((from, to)) = self.writable.take() else { return Ok(()) };
        let (start, bytes) = self.page_range(from, to);
        // SAFETY: the pages lie in our range and hold complete code.
        unsafe {
            clear_cache(start, bytes)?;
            region::protect(start, bytes, Protection::READ_EXECUTE).map_err(io::Error::other)?;
        }
        coherence::pipeline_flush_mt().map_err(other)
    }
}

/// The module's view of the arena.
struct Provider(Arc<Mutex<Arena>>);

impl JITMemoryProvider for Provider {
    fn allocate(&mut self, size: usize, align: u64, _: JITMemoryKind) -> io::Result<*mut u8> {
        let align = usize::try_from(align).map_err(io::Error::other)?;
        self.0.lock().unwrap_or_else(PoisonError::into_inner).allocate(size, align)
    }

    unsafe fn free_memory(&mut self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).used = 0;
    }

    fn finalize(&mut self, _: BranchProtection) -> ModuleResult<()> {
        let sealed = self.0.lock().unwrap_or_else(PoisonError::into_inner).seal();
        sealed.map_err(|error| ModuleError::Allocation { err: error })
    }
}

/// One generation of compiled code.
pub(crate) struct CodeSpace {
    module: Option<JITModule>,
    arena: Arc<Mutex<Arena>>,
    base: *mut u8,
}

// SAFETY: the base address leads into the arena, which the space owns.
unsafe impl Send for CodeSpace {}

impl CodeSpace {
    /// Reserves room for `bytes` bytes of code.
    ///
    /// # Errors
    /// The system does not grant the addresses, or no executable memory.
    pub fn new(bytes: usize) -> io::Result<CodeSpace> {
        let space = Reservation::new(bytes, Backing::OnCommit)?;
        let base = space.start();
        // Some systems refuse executable memory only when it is asked for.
        let page = region::page::size();
        // SAFETY: the first page of our range, which nothing uses yet.
        unsafe {
            region::protect(base, page, Protection::READ_EXECUTE).map_err(io::Error::other)?;
            region::protect(base, page, Protection::NONE).map_err(io::Error::other)?;
        }
        let arena = Arc::new(Mutex::new(Arena { space, used: 0, writable: None }));
        Ok(CodeSpace { module: None, arena, base })
    }

    /// Frees all code, and starts a new generation.
    ///
    /// # Errors
    /// The host's architecture is not supported.
    pub fn restart(&mut self) -> Result<(), String> {
        self.free();
        let mut builder = JITBuilder::with_isa(host_isa()?, default_libcall_names());
        builder.memory_provider(Box::new(Provider(Arc::clone(&self.arena))));
        self.module = Some(JITModule::new(builder));
        Ok(())
    }

    fn free(&mut self) {
        if let Some(module) = self.module.take() {
            // SAFETY: no compiled code is running, and its callers forget every address (the engine clears the table).
            unsafe { module.free_memory() };
        }
    }

    /// Adds functions, and makes them executable. Gives their offsets from the base, in order.
    ///
    /// # Errors
    /// There is no room, or the system refuses executable memory.
    pub fn publish(&mut self, functions: &[(&Signature, &[u8], u64)]) -> Result<Vec<u32>, String> {
        let module = self.module.as_mut().ok_or("no generation was started")?;
        let mut ids = Vec::with_capacity(functions.len());
        for (signature, bytes, align) in functions {
            let id = module.declare_anonymous_function(signature).map_err(|error| error.to_string())?;
            module.define_function_bytes(id, *align, bytes, &[]).map_err(|error| error.to_string())?;
            ids.push(id);
        }
        module.finalize_definitions().map_err(|error| error.to_string())?;
        let base = self.base as usize;
        let offset = |id| module.get_finalized_function(id) as usize - base;
        ids.into_iter().map(|id| u32::try_from(offset(id)).map_err(|error| error.to_string())).collect()
    }

    /// Address of offset 0.
    pub fn base(&self) -> *const u8 {
        self.base
    }

    /// A part of the code of this generation.
    ///
    /// # Panics
    /// It is not all code.
    pub fn bytes(&self, offset: usize, bytes: usize) -> &[u8] {
        assert!(offset.checked_add(bytes).is_some_and(|end| end <= self.used_bytes()), "beyond the code");
        // SAFETY: published code is readable, and nothing writes to it before the generation ends.
        unsafe { std::slice::from_raw_parts(self.base.add(offset), bytes) }
    }

    /// Bytes of code in this generation.
    pub fn used_bytes(&self) -> usize {
        self.arena.lock().unwrap_or_else(PoisonError::into_inner).used
    }
}

impl Drop for CodeSpace {
    fn drop(&mut self) {
        self.free();
    }
}
