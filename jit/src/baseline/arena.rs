//! Where the baseline tier's code lives: one piece of memory that is seen twice, writable in one place and executable in another.
//!
//! Blocks are small and many: to change the access of pages for each would cost more than to translate it. No page is ever both
//! writable and executable, and only the machine's own thread writes, never while it executes what is here.

use rustix::fs::{MemfdFlags, ftruncate, memfd_create};
use rustix::mm::{MapFlags, ProtFlags, mmap, munmap};
use std::ptr::NonNull;

/// A view of the memory.
struct View {
    start: NonNull<u8>,
    bytes: usize,
}

impl Drop for View {
    fn drop(&mut self) {
        // SAFETY: a mapping of this size, made by `Arena::new`; its owner is gone.
        let _ = unsafe { munmap(self.start.as_ptr().cast(), self.bytes) };
    }
}

/// The memory, handed out from the bottom.
pub(super) struct Arena {
    writable: View,
    executable: View,
    used: usize,
}

// SAFETY: the views are plain memory that only their owner hands out access to.
unsafe impl Send for Arena {}

/// Where blocks start: a line that is fetched at once.
const ALIGN: usize = 16;

impl Arena {
    /// Reserves so many bytes; none if the system refuses executable memory, or memory without a name.
    pub fn new(bytes: usize) -> Option<Arena> {
        let file = memfd_create("rum-code", MemfdFlags::CLOEXEC).ok()?;
        ftruncate(&file, bytes as u64).ok()?;
        let view = |access| {
            // SAFETY: a new mapping at an address of the system's choice touches no existing memory.
            let start = unsafe { mmap(std::ptr::null_mut(), bytes, access, MapFlags::SHARED, &file, 0) }.ok()?;
            Some(View { start: NonNull::new(start.cast())?, bytes })
        };
        let writable = view(ProtFlags::READ | ProtFlags::WRITE)?;
        let executable = view(ProtFlags::READ | ProtFlags::EXEC)?;
        Some(Arena { writable, executable, used: 0 })
    }

    /// Address of offset 0, to execute.
    pub fn base(&self) -> *const u8 {
        self.executable.start.as_ptr()
    }

    /// Offset of what is added next.
    pub fn next(&self) -> usize {
        self.used.next_multiple_of(ALIGN)
    }

    /// Bytes in use.
    pub fn used(&self) -> usize {
        self.used
    }

    /// Adds code at [`Arena::next`]. False if there is no room.
    pub fn add(&mut self, code: &[u8]) -> bool {
        let start = self.next();
        if code.len() > self.writable.bytes - start {
            return false;
        }
        // SAFETY: in range by the test; nothing executes here now.
        unsafe { self.writable.start.as_ptr().add(start).copy_from_nonoverlapping(code.as_ptr(), code.len()) };
        self.used = start + code.len();
        true
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        self.used = 0;
    }
}
