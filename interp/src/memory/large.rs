//! Large segments: each takes an extent of granules (`extents.rs`), with its length in a header before its words.

use super::layout::{GRANULE_BYTES, LARGE, large_granules};
use super::{GRANULE_COST_BYTES, Memory, OutOfMemory, PREFIX_BYTES, RETURN_BYTES_MIN};

impl Memory {
    /// A new large segment: where it is.
    #[cold]
    pub(super) fn alloc_large(&mut self, words: u32) -> Result<u32, OutOfMemory> {
        let id = self.take_large(words)?;
        // SAFETY: a large segment's first granule is one of the granules.
        unsafe { self.segments.set_len_byte(id, LARGE) };
        Ok(id)
    }

    /// Room for a large segment of `words` zeros, with its header, but without a length byte.
    pub(super) fn take_large(&mut self, words: u32) -> Result<u32, OutOfMemory> {
        let failure = OutOfMemory { words, limit_bytes: self.limit_bytes };
        let granules = large_granules(words);
        let bytes = u64::from(granules) * GRANULE_COST_BYTES;
        if self.used_bytes_with(self.frontier, self.large_bytes + bytes, self.program_len) > self.limit_bytes {
            return Err(failure);
        }
        let header = self.large.take(granules, self.frontier).ok_or(failure)?;
        if self.commit(header as usize * GRANULE_BYTES, granules as usize * GRANULE_BYTES).is_err() {
            self.large.give(header, granules);
            return Err(failure);
        }
        self.large_bytes += bytes;
        let id = header + 1;
        // SAFETY: the extent is ours and committed; free extents are zero, so the words need no clearing.
        unsafe { *self.segments.header(id) = words };
        Ok(id)
    }

    /// Gives back the large segment at `id`, which has a length byte.
    #[cold]
    pub(super) fn abandon_large(&mut self, id: u32) {
        self.give_large(id);
        // SAFETY: `id` is one of the granules.
        unsafe { self.segments.set_len_byte(id, 0) };
    }

    /// Gives back the room of the large segment whose first granule is `id`.
    pub(super) fn give_large(&mut self, id: u32) {
        let header = id - 1;
        // SAFETY: the caller saw that `id` is a large segment.
        let granules = large_granules(unsafe { *self.segments.header(id) });
        // Small blocks are cleared in place; large ones go back to the system, whose pages come back as zero.
        let (offset, bytes) = (header as usize * GRANULE_BYTES, granules as usize * GRANULE_BYTES);
        if bytes >= RETURN_BYTES_MIN {
            // SAFETY: the extent is committed, and the segment ends here.
            unsafe { self.data_space.zero(PREFIX_BYTES + offset, bytes) };
        } else {
            // SAFETY: as above.
            unsafe { std::ptr::write_bytes(self.segments.data.add(offset), 0, bytes) };
        }
        self.large.give(header, granules);
        self.large_bytes -= u64::from(granules) * GRANULE_COST_BYTES;
    }
}
