//! Where the baseline tier's code lives: one piece of memory that is seen twice, writable in one place and executable in another.
//!
//! Blocks are small and many: to change the access of pages for each would cost more than to translate it. No page is ever both
//! writable and executable, and only the machine's own thread writes, never while it executes what is here.
//!
//! What was written becomes visible to the fetching of instructions by `synchronize_icache`, for the addresses where it is executed (nothing to do on
//! x86-64), and by a barrier for this processor; should the thread go on on another, the system's switch is one, too.

use super::Host;
use super::target::Target;
use dynasmrt::cache_control::{prepare_for_execution, synchronize_icache};
use rustix::fs::{MemfdFlags, ftruncate, memfd_create};
use rustix::mm::{Advice, MapFlags, ProtFlags, madvise, mmap, munmap};
use std::ops::Range;
use std::ptr::NonNull;

/// A view of the memory.
struct View {
    start: NonNull<u8>,
    bytes: usize,
}

impl View {
    fn ask(&self, pages: &Range<usize>, how: Advice) {
        if !pages.is_empty() {
            // SAFETY: the range lies in the view. Where the system does not know the advice, pages come when they are touched.
            let _ = unsafe { madvise(self.start.as_ptr().add(pages.start).cast(), pages.len(), how) };
        }
    }
}

impl Drop for View {
    fn drop(&mut self) {
        // SAFETY: a mapping of this size, made by `Arena::new`; its owner is gone.
        let _ = unsafe { munmap(self.start.as_ptr().cast(), self.bytes) };
    }
}

/// Writes code in one view, which is seen in the other from then on.
///
/// # Safety
/// It lies in the memory, and is not executed now.
unsafe fn write((writable, executable): (&View, &View), at: usize, code: &[u8]) {
    // SAFETY: the caller's promise.
    unsafe {
        writable.start.as_ptr().add(at).copy_from_nonoverlapping(code.as_ptr(), code.len());
        let executed = std::slice::from_raw_parts(executable.start.as_ptr().add(at), code.len());
        synchronize_icache(executed);
        prepare_for_execution(executed);
    }
}

/// A part of the memory, handed out from the bottom. All are offsets.
struct Part {
    from: usize,
    end: usize,
    used: usize,
    /// Pages below were asked for.
    asked: usize,
}

impl Part {
    fn new(from: usize, end: usize) -> Part {
        Part { from, end, used: from, asked: from }
    }

    fn has_room(&self, start: usize, bytes: usize) -> bool {
        start + bytes <= self.end
    }

    fn is_full(&self) -> bool {
        self.used - self.from > (self.end - self.from) / 16 * 15
    }

    /// The pages to be asked for before something that ends at an offset is added.
    fn pages_for(&mut self, end: usize) -> Range<usize> {
        let asked = self.asked;
        if end > asked {
            let page = region::page::size();
            let ahead = ((end - self.from) / 4).clamp(PAGES_AHEAD.0 * page, PAGES_AHEAD.1 * page);
            self.asked = (end + ahead).next_multiple_of(page).min(self.end);
        }
        asked..self.asked
    }
}

/// The memory: one half for what is executed, one for what hardly ever is.
pub(super) struct Arena {
    writable: View,
    executable: View,
    hot: Part,
    cold: Part,
}

// SAFETY: the views are plain memory that only their owner hands out access to.
unsafe impl Send for Arena {}

/// Pages that are asked for beyond what is used, in both views: one by one they would cost several times as much. A quarter of what is used, at least
/// and at most so many.
const PAGES_AHEAD: (usize, usize) = (2, 64);
/// Where blocks start: a line that is fetched at once.
pub(super) const ALIGN: usize = 16;

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
        Some(Arena { writable, executable, hot: Part::new(0, bytes / 2), cold: Part::new(bytes / 2, bytes) })
    }

    /// Address of offset 0, to execute.
    pub fn base(&self) -> *const u8 {
        self.executable.start.as_ptr()
    }

    /// Offsets of what is added next, and of what is added with it that is hardly ever executed.
    pub fn next(&self) -> (usize, usize) {
        (self.hot.used.next_multiple_of(ALIGN), self.cold.used)
    }

    /// Whether little room is left.
    pub fn is_full(&self) -> bool {
        self.hot.is_full() || self.cold.is_full()
    }

    /// Offset of the first thing that is hardly ever executed.
    pub fn cold_from(&self) -> usize {
        self.cold.from
    }

    /// Adds code at [`Arena::next`]. False if there is no room.
    pub fn add(&mut self, code: &[u8], cold: &[u8]) -> bool {
        let (start, cold_start) = self.next();
        if !self.hot.has_room(start, code.len()) || !self.cold.has_room(cold_start, cold.len()) {
            return false;
        }
        for (part, start, code) in [(&mut self.hot, start, code), (&mut self.cold, cold_start, cold)] {
            part.used = start + code.len();
            let pages = part.pages_for(part.used);
            self.writable.ask(&pages, Advice::LinuxPopulateWrite);
            self.executable.ask(&pages, Advice::LinuxPopulateRead);
            // SAFETY: in range by the test; nothing executes here now.
            unsafe { write((&self.writable, &self.executable), start, code) };
        }
        true
    }

    /// What was added, from an offset on; and what of it is hardly ever executed.
    pub fn code(&self, from: usize) -> (&[u8], &[u8]) {
        let part = |from: usize, end: usize| {
            assert!(from <= end && end <= self.writable.bytes, "beyond the code");
            // SAFETY: in range by the assertion, and written before: only ever through `&mut self`.
            unsafe { std::slice::from_raw_parts(self.writable.start.as_ptr().add(from), end - from) }
        };
        (part(from.min(self.hot.used), self.hot.used), part(self.cold.from, self.cold.used))
    }

    /// Makes the link at `at` lead to the code at `to`, both offsets of what was added.
    pub fn link(&mut self, at: u32, to: u32) {
        let link = Host::linked(at, to);
        let place = at as usize;
        assert!(place + link.len() <= self.hot.used, "a link outside the code");
        // SAFETY: in range by the assertion; nothing executes here now.
        unsafe { write((&self.writable, &self.executable), place, &link) };
    }

    /// Forgets everything but the first `kept` bytes.
    pub fn truncate(&mut self, kept: usize) {
        (self.hot.used, self.cold.used) = (kept.min(self.hot.used), self.cold.from);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What stands at offsets of the executable view.
    fn code(arena: &Arena, at: usize, bytes: usize) -> Vec<u8> {
        // SAFETY: the tests read what was added.
        unsafe { std::slice::from_raw_parts(arena.base().add(at), bytes) }.to_vec()
    }

    #[test]
    fn code_and_what_is_hardly_executed_stand_apart_and_jumps_can_be_changed() {
        let mut arena = Arena::new(1 << 16).expect("64 KiB");
        assert!(arena.add(&[7; 8], &[1, 2]));
        assert_eq!(arena.next(), (ALIGN, (1 << 15) + 2));
        assert_eq!(code(&arena, 1 << 15, 2), [1, 2]);
        arena.link(4, 0x48);
        assert_eq!(code(&arena, 0, 4), [7; 4]);
        assert_eq!(code(&arena, 4, 4), Host::linked(4, 0x48));
        assert!(!arena.is_full());
        assert!(!arena.add(&[0; 1 << 15], &[]), "no room beside what is there");
        assert!(arena.add(&[], &[0; (1 << 15) - 2]) && arena.is_full());
        arena.truncate(3);
        assert_eq!(arena.next(), (ALIGN, 1 << 15));
        arena.truncate(0);
        assert_eq!(arena.next(), (0, 1 << 15));
    }
}
