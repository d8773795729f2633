//! The allocator: the system's, with something put by for when that has no more.
//!
//! In Rust a process ends whose allocation fails. Where a limit on memory is near, that is mostly the compiler's: then its thread stands
//! still for ever, and the program goes on without what it would have compiled. Whoever else gets no memory gets what was put by, once;
//! nothing more is compiled from then on, so that it lasts for what was put out to be written.

use std::alloc::{GlobalAlloc, Layout, System};
use std::ptr::null_mut;
use std::sync::atomic::{AtomicPtr, Ordering};

/// What is put by: enough for buffers, and so much that the system maps it by itself, and takes it back at once.
const RESERVE: Layout = match Layout::from_size_align(1 << 20, 16) {
    Ok(layout) => layout,
    Err(_) => unreachable!(),
};

static PUT_BY: AtomicPtr<u8> = AtomicPtr::new(null_mut());

/// Puts something by, if there is anything.
pub fn put_by() {
    // SAFETY: the size is not 0.
    PUT_BY.store(unsafe { System.alloc(RESERVE) }, Ordering::Relaxed);
}

/// The system has refused memory: tries again, with what was put by.
#[cold]
fn again(allocate: impl Fn() -> *mut u8) -> *mut u8 {
    rum::memory_is_short();
    while rum::is_compiler_thread() {
        std::thread::park();
    }
    let reserve = PUT_BY.swap(null_mut(), Ordering::Relaxed);
    if !reserve.is_null() {
        // SAFETY: allocated so by `put_by`, and taken by nobody else.
        unsafe { System.dealloc(reserve, RESERVE) };
    }
    allocate()
}

/// The allocator.
pub struct Heap;

// SAFETY: all of it is the system's, whose promises these are.
unsafe impl GlobalAlloc for Heap {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's promise.
        let allocate = || unsafe { System.alloc(layout) };
        let start = allocate();
        if start.is_null() { again(allocate) } else { start }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's promise.
        let allocate = || unsafe { System.alloc_zeroed(layout) };
        let start = allocate();
        if start.is_null() { again(allocate) } else { start }
    }

    unsafe fn realloc(&self, old: *mut u8, layout: Layout, bytes: usize) -> *mut u8 {
        // SAFETY: the caller's promise; what cannot grow is as it was.
        let allocate = || unsafe { System.realloc(old, layout, bytes) };
        let start = allocate();
        if start.is_null() { again(allocate) } else { start }
    }

    unsafe fn dealloc(&self, start: *mut u8, layout: Layout) {
        // SAFETY: the caller's promise.
        unsafe { System.dealloc(start, layout) }
    }
}
