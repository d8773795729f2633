//! Address space: reserved at once, given pages by the system as they are touched.
//!
//! A [`Reservation`] is a range of zero bytes that costs nothing until used. Where the system accounts for every page
//! it promises (strict overcommit), the range is reserved without access and [`Reservation::commit`] opens parts of it.
//! What the ranges are used for is `memory/`'s and `program.rs`'s business.

use std::io;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Bytes to which reservations and discarded ranges are rounded. At least the page size of every supported system.
pub const PAGE_BYTES: usize = 1 << 16;
/// A page that the system gives as one where it can, on most processors.
const HUGE_PAGE_BYTES: usize = 1 << 21;

/// What the system rounds advice to; a larger page only makes the advice smaller.
const SYSTEM_PAGE_BYTES: usize = 1 << 12;

/// How a range gets its pages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Backing {
    /// Readable and writable from the start; pages appear when touched and are not accounted for before.
    OnTouch,
    /// Not accessible before [`Reservation::commit`]; for systems that account for every accessible page.
    OnCommit,
    /// Readable from the start, writable after [`Reservation::commit`]: pages that can only be read count for nothing.
    OnWrite,
}

/// A range of addresses that is all zero when it is made, and unmapped when dropped.
#[derive(Debug)]
pub struct Reservation {
    start: NonNull<u8>,
    bytes: usize,
    backing: Backing,
    /// So many bytes from the start are known to be committed.
    committed: AtomicUsize,
}

// SAFETY: a reservation is plain memory that only its owner hands out access to.
unsafe impl Send for Reservation {}
// SAFETY: as above; `&Reservation` gives nothing but addresses.
unsafe impl Sync for Reservation {}

#[cfg(all(unix, not(miri)))]
mod os {
    use super::{Backing, PAGE_BYTES};
    use rustix::mm::{MapFlags, MprotectFlags, ProtFlags, mmap_anonymous, mprotect, munmap};
    use std::io;
    use std::ptr::{self, NonNull};

    #[cfg(any(target_os = "linux", target_os = "android"))]
    const FLAGS: MapFlags = MapFlags::PRIVATE.union(MapFlags::NORESERVE);
    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    const FLAGS: MapFlags = MapFlags::PRIVATE;

    pub fn reserve(bytes: usize, backing: Backing) -> io::Result<NonNull<u8>> {
        let access = match backing {
            Backing::OnTouch => ProtFlags::READ | ProtFlags::WRITE,
            Backing::OnCommit => ProtFlags::empty(),
            Backing::OnWrite => ProtFlags::READ,
        };
        // SAFETY: an anonymous mapping at an address of the system's choice touches no existing memory.
        let start = unsafe { mmap_anonymous(ptr::null_mut(), bytes, access, FLAGS)? };
        Ok(NonNull::new(start.cast()).expect("the system never maps address 0 unasked"))
    }

    /// # Safety
    /// The range must lie in a mapping made by [`reserve`].
    pub unsafe fn commit(start: *mut u8, bytes: usize) -> io::Result<()> {
        // SAFETY: the caller owns the range.
        unsafe { mprotect(start.cast(), bytes, MprotectFlags::READ | MprotectFlags::WRITE)? };
        Ok(())
    }

    /// # Safety
    /// The range must lie in a mapping made by [`reserve`], be accessible, and hold nothing of use.
    pub unsafe fn zero_pages(start: *mut u8, bytes: usize) {
        debug_assert!((start as usize).is_multiple_of(PAGE_BYTES) && bytes.is_multiple_of(PAGE_BYTES));
        #[cfg(any(target_os = "linux", target_os = "android"))]
        // SAFETY: the caller owns the range; on Linux the pages of a private anonymous mapping read as zero afterwards.
        if unsafe { rustix::mm::madvise(start.cast(), bytes, rustix::mm::Advice::LinuxDontNeed) }.is_ok() {
            return;
        }
        // SAFETY: the range is accessible by the caller's promise.
        unsafe { ptr::write_bytes(start, 0, bytes) }
    }

    /// # Safety
    /// The range must lie in a mapping made by [`reserve`].
    pub unsafe fn expect_use(start: *mut u8, bytes: usize) {
        #[cfg(any(target_os = "linux", target_os = "android"))]
        // SAFETY: the caller owns the range, whose contents stay. Where the system refuses, pages come when touched.
        let _ = unsafe { rustix::mm::madvise(start.cast(), bytes, rustix::mm::Advice::LinuxPopulateWrite) };
        #[cfg(not(any(target_os = "linux", target_os = "android")))]
        let _ = (start, bytes);
    }

    /// # Safety
    /// The range must lie in a mapping made by [`reserve`].
    pub unsafe fn prefer_huge_pages(start: *mut u8, bytes: usize) {
        #[cfg(any(target_os = "linux", target_os = "android"))]
        // SAFETY: the caller owns the range, whose contents stay. Where the system refuses, there are more pages.
        let _ = unsafe { rustix::mm::madvise(start.cast(), bytes, rustix::mm::Advice::LinuxHugepage) };
        #[cfg(not(any(target_os = "linux", target_os = "android")))]
        let _ = (start, bytes);
    }

    /// # Safety
    /// Exactly a mapping made by [`reserve`], used by nothing any more.
    pub unsafe fn release(start: *mut u8, bytes: usize) {
        // SAFETY: the caller's promise. It fails only for ranges that are no mapping.
        let _ = unsafe { munmap(start.cast(), bytes) };
    }
}

/// Where there is no such call, under Miri for one, all memory is had at once.
#[cfg(any(not(unix), miri))]
mod os {
    use super::{Backing, PAGE_BYTES};
    use std::alloc::{Layout, alloc_zeroed, dealloc};
    use std::io;
    use std::ptr::{self, NonNull};

    fn layout(bytes: usize) -> Layout {
        Layout::from_size_align(bytes, PAGE_BYTES).expect("reservations are far below the address space's size")
    }

    pub fn reserve(bytes: usize, _: Backing) -> io::Result<NonNull<u8>> {
        // SAFETY: `bytes` is not 0, by the caller's rounding up.
        NonNull::new(unsafe { alloc_zeroed(layout(bytes)) }).ok_or_else(|| io::ErrorKind::OutOfMemory.into())
    }

    /// # Safety
    /// None beyond the shared contract.
    pub unsafe fn commit(_: *mut u8, _: usize) -> io::Result<()> {
        Ok(())
    }

    /// # Safety
    /// The range must lie in an allocation made by [`reserve`] and hold nothing of use.
    pub unsafe fn zero_pages(start: *mut u8, bytes: usize) {
        // SAFETY: the caller's promise.
        unsafe { ptr::write_bytes(start, 0, bytes) }
    }

    /// # Safety
    /// None beyond the shared contract.
    pub unsafe fn expect_use(_: *mut u8, _: usize) {}

    /// # Safety
    /// None beyond the shared contract.
    pub unsafe fn prefer_huge_pages(_: *mut u8, _: usize) {}

    /// # Safety
    /// Exactly an allocation made by [`reserve`], used by nothing any more.
    pub unsafe fn release(start: *mut u8, bytes: usize) {
        // SAFETY: the caller's promise.
        unsafe { dealloc(start, layout(bytes)) }
    }
}

/// `bytes` rounded up to whole pages, at least one.
pub(crate) const fn round_to_pages(bytes: usize) -> usize {
    let bytes = if bytes == 0 { 1 } else { bytes };
    bytes.div_ceil(PAGE_BYTES) * PAGE_BYTES
}

impl Reservation {
    /// Reserves at least `bytes` bytes of zeros.
    ///
    /// # Errors
    /// What the system says when it has no such range: a limit on address space, or strict overcommit.
    pub fn new(bytes: usize, backing: Backing) -> io::Result<Reservation> {
        let bytes = round_to_pages(bytes);
        let start = os::reserve(bytes, backing)?;
        Ok(Reservation { start, bytes, backing, committed: AtomicUsize::new(0) })
    }

    /// The first byte. Aligned to the system's page size.
    pub fn start(&self) -> *mut u8 {
        self.start.as_ptr()
    }

    /// The size in bytes.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// How this range gets its pages.
    pub fn backing(&self) -> Backing {
        self.backing
    }

    /// Makes `bytes` bytes from `offset` on accessible. Costs nothing where pages appear on touch, nor, if that
    /// began at the start, the second time.
    ///
    /// # Errors
    /// The system refuses to promise the memory.
    pub fn commit(&self, offset: usize, bytes: usize) -> io::Result<()> {
        let end = offset.checked_add(bytes).filter(|&end| end <= self.bytes).ok_or(io::ErrorKind::OutOfMemory)?;
        if self.backing == Backing::OnTouch || bytes == 0 {
            return Ok(());
        }
        let committed = self.committed.load(Ordering::Relaxed);
        if end <= committed {
            return Ok(());
        }
        let first = offset / PAGE_BYTES * PAGE_BYTES;
        let last = end.div_ceil(PAGE_BYTES) * PAGE_BYTES;
        // SAFETY: `last` is at most `self.bytes`, which is a multiple of a page.
        unsafe { os::commit(self.start().add(first), last - first)? };
        if first <= committed {
            self.committed.fetch_max(last, Ordering::Relaxed);
        }
        Ok(())
    }

    /// Says that all of a range is about to be written: the system may then give its pages at once, which costs a small
    /// part of what it costs to ask for each by touching it.
    pub fn expect_use(&self, offset: usize, bytes: usize) {
        let end = offset.saturating_add(bytes).min(self.bytes);
        // One range after the other covers every page: the page in which a range ends is asked for with it.
        let (first, last) = (offset.next_multiple_of(SYSTEM_PAGE_BYTES), end.next_multiple_of(SYSTEM_PAGE_BYTES));
        if first < last {
            // SAFETY: the range lies in the reservation.
            unsafe { os::expect_use(self.start().add(first), last - first) }
        }
    }

    /// Says that the block of 2 MiB, aligned so, that begins in a range, if one does, is about to be written as a whole, too: the
    /// system may then give it as one page.
    pub fn expect_use_of_block(&self, offset: usize, bytes: usize) {
        let base = self.start() as usize;
        let block = (base + offset).next_multiple_of(HUGE_PAGE_BYTES) - base;
        if block < offset + bytes && block + HUGE_PAGE_BYTES <= self.bytes {
            // SAFETY: the block lies in the reservation.
            unsafe { os::prefer_huge_pages(self.start().add(block), HUGE_PAGE_BYTES) }
        }
    }

    /// Has the system give large pages everywhere, where it can.
    pub fn prefer_huge_pages(&self) {
        // SAFETY: the whole range, which is ours.
        unsafe { os::prefer_huge_pages(self.start(), self.bytes) }
    }

    /// Sets `bytes` bytes from `offset` on to zero, giving whole pages back to the system.
    ///
    /// # Safety
    /// The range is committed, and nothing refers into it.
    pub unsafe fn zero(&self, offset: usize, bytes: usize) {
        assert!(offset.checked_add(bytes).is_some_and(|end| end <= self.bytes), "range outside the reservation");
        let base = self.start() as usize;
        let (first, end) = (base + offset, base + offset + bytes);
        let pages = (first.next_multiple_of(PAGE_BYTES), end / PAGE_BYTES * PAGE_BYTES);
        // SAFETY: all three parts lie in the range, by the arithmetic above; the caller says it is ours alone.
        unsafe {
            if pages.0 >= pages.1 {
                std::ptr::write_bytes(first as *mut u8, 0, bytes);
                return;
            }
            std::ptr::write_bytes(first as *mut u8, 0, pages.0 - first);
            os::zero_pages(pages.0 as *mut u8, pages.1 - pages.0);
            std::ptr::write_bytes(pages.1 as *mut u8, 0, end - pages.1);
        }
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        // SAFETY: made by `os::reserve` with this size; the owner is gone.
        unsafe { os::release(self.start(), self.bytes) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zeroing_clears_exactly_the_range() {
        let reservation = Reservation::new(8 * PAGE_BYTES, Backing::OnTouch).expect("half a MiB");
        let start = reservation.start();
        for (offset, bytes) in [(0, 8 * PAGE_BYTES), (5, 10), (PAGE_BYTES - 1, 3 * PAGE_BYTES + 2), (7, PAGE_BYTES)] {
            // SAFETY: all offsets lie within the reservation, which nobody else knows.
            unsafe {
                std::ptr::write_bytes(start, 7, reservation.bytes());
                reservation.zero(offset, bytes);
                for i in 0..reservation.bytes() {
                    let expected = if (offset..offset + bytes).contains(&i) { 0 } else { 7 };
                    assert_eq!(*start.add(i), expected, "byte {i} after zeroing {bytes} from {offset}");
                }
            }
        }
    }

    #[test]
    fn committed_parts_can_be_used() {
        let reservation = Reservation::new(4 * PAGE_BYTES, Backing::OnCommit).expect("a quarter of a MiB");
        reservation.commit(PAGE_BYTES + 3, 10).expect("one page");
        // SAFETY: just committed.
        unsafe {
            *reservation.start().add(PAGE_BYTES + 12) = 9;
            assert_eq!(*reservation.start().add(PAGE_BYTES + 12), 9);
        }
        assert!(reservation.commit(3 * PAGE_BYTES, 2 * PAGE_BYTES).is_err());
        let committed = || reservation.committed.load(Ordering::Relaxed) / PAGE_BYTES;
        assert_eq!(committed(), 0, "there is a gap before it");
        reservation.commit(0, 1).expect("the first page");
        reservation.commit(PAGE_BYTES, 2 * PAGE_BYTES).expect("one page more");
        assert_eq!(committed(), 3);
    }
}
