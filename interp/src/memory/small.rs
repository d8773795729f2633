//! Small segments: runs of free granules.
//!
//! Alloc moves a cursor through the current run; at its end, [`Memory::refill`] walks on over the length bytes to the next
//! run, and clears it. Abandon is one byte store. When a walk from end to end has found too little, the space grows by
//! half, so each granule handed out costs a bounded number of granules walked.

use super::layout::{GRANULE_BYTES, RUN_GRANULES_MAX, small_granules};
use super::{GRANULE_COST_BYTES, Memory, PREFIX_BYTES};

/// How much the space for small segments grows at the least, in granules.
const GROWTH_MIN: u32 = 1 << 15;
/// How far ahead pages are asked for at the most: 1 MiB.
const EXPECTED_GRANULES_MAX: u32 = 1 << 17;
/// How far beyond that length bytes are asked for: more than a run, and a page.
const LENS_AHEAD_GRANULES: u32 = 1 << 12;

impl Memory {
    /// Makes the next run of at least `granules` free granules the current one, and clears it. False if there is none.
    pub(super) fn refill(&mut self, granules: u32) -> bool {
        let mut at = self.run_end;
        let mut fruitless_walks = 0;
        loop {
            if let Some((start, end)) = self.next_run(at, granules) {
                let dirty = end.min(self.touched).saturating_sub(start);
                // SAFETY: the run is free, lies below the frontier, and nothing refers into it.
                unsafe { clear_granules(self.segments.word(start, 0).cast(), dirty) };
                if end > self.touched {
                    self.expect_use(end);
                }
                self.touched = self.touched.max(end);
                self.granted = self.granted.saturating_add(end - start);
                (self.cursor, self.run_end) = (start, end);
                return true;
            }
            let size = self.frontier - self.first;
            if self.granted < size / 2 + 1 || fruitless_walks > 0 {
                at = self.frontier;
                if self.grow(granules.max(size / 2).max(GROWTH_MIN), granules) {
                    continue;
                }
            }
            if fruitless_walks == 2 {
                // The run that was current stays so: its rest may do for a smaller segment.
                return false;
            }
            fruitless_walks += 1;
            self.granted = 0;
            at = self.first;
        }
    }

    /// Small segments reach up to granule `end` for the first time: asks for pages ahead, more of them the more there are.
    fn expect_use(&mut self, end: u32) {
        if end <= self.expected {
            return;
        }
        let ahead = ((end - self.first) / 8).min(EXPECTED_GRANULES_MAX);
        let upto = end.saturating_add(ahead).min(self.frontier);
        let from = self.expected.max(self.touched);
        self.data_space.expect_use(
            PREFIX_BYTES + from as usize * GRANULE_BYTES,
            upto.saturating_sub(from) as usize * GRANULE_BYTES,
        );
        // The search for the next run reads ahead.
        self.lens_space.expect_use(from as usize, (upto.saturating_sub(from) + LENS_AHEAD_GRANULES) as usize);
        self.expected = upto;
    }

    /// The first run of at least `granules` free granules at or after `at`, where a segment or a run starts.
    fn next_run(&self, mut at: u32, granules: u32) -> Option<(u32, u32)> {
        while at < self.frontier {
            // SAFETY: `at` is below the frontier and so below `id_bound`.
            let len = unsafe { *self.segments.lens.add(at as usize) };
            if len != 0 {
                at += small_granules(u32::from(len) - 1);
                continue;
            }
            let longest = granules.max(RUN_GRANULES_MAX).min(self.frontier - at);
            // SAFETY: as above.
            let lens = unsafe { std::slice::from_raw_parts(self.segments.lens.add(at as usize), longest as usize) };
            let free = leading_zeros(lens);
            if free >= granules {
                return Some((at, at + free));
            }
            at += free;
        }
        None
    }

    /// Moves the frontier up by `wanted` granules, or by what is possible but at least `needed`.
    fn grow(&mut self, wanted: u32, needed: u32) -> bool {
        let budget = self.limit_bytes.saturating_sub(self.used_bytes()) / GRANULE_COST_BYTES;
        let room = u64::from(self.large.bottom() - self.frontier).min(budget);
        let step = u64::from(wanted).min(room);
        if step < u64::from(needed) {
            return false;
        }
        let mut step = u32::try_from(step).expect("at most `wanted`");
        // A system that has little left may grant what is needed, if not more.
        while self.commit(self.frontier as usize * GRANULE_BYTES, step as usize * GRANULE_BYTES).is_err() {
            if step == needed {
                return false;
            }
            step = (step / 2).max(needed);
        }
        self.frontier += step;
        true
    }
}

/// Number of zeros before the first other byte.
#[inline]
fn leading_zeros(bytes: &[u8]) -> u32 {
    let (chunks, rest) = bytes.as_chunks::<8>();
    let mut count = 0;
    for chunk in chunks {
        let bits = u64::from_le_bytes(*chunk);
        if bits != 0 {
            return count + bits.trailing_zeros() / 8;
        }
        count += 8;
    }
    count + rest.iter().take_while(|&&byte| byte == 0).count() as u32
}

/// Clears `granules` granules from `start` on: mostly a few.
///
/// # Safety
/// They are accessible, and nothing refers to them.
#[inline]
pub(super) unsafe fn clear_granules(start: *mut u64, granules: u32) {
    // SAFETY: the caller's promise.
    unsafe {
        if granules > 16 {
            std::ptr::write_bytes(start, 0, granules as usize);
        } else {
            for i in 0..granules as usize {
                start.add(i).write_volatile(0);
            }
        }
    }
}
