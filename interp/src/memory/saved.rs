//! All segments, written to a snapshot and taken from one.
//!
//! An identifier may say where its segment is, and which one comes next depends on where there is room: so everything is written
//! where it is, and only what is free is left out. What is read is not trusted: numbers that would lead outside, or two segments
//! to the same place, are refused.

use super::layout::{GRANULE_BYTES, LARGE, RUN_GRANULES_MAX, SMALL_WORDS_MAX, large_granules, small_granules};
use super::small::clear_granules;
use super::zone::Zone;
use super::{GRANULE_COST_BYTES, Ids, Memory, PREFIX_BYTES, layout};
use crate::isa::Word;
use crate::pack::{Packer, SnapshotError, Unpacker};
use std::io::{self, Read};

/// A gap between segments that takes more than a byte.
const LONG_GAP: u8 = u8::MAX;

/// What a machine must have in common with the one that a snapshot is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Geometry {
    pub granules: u64,
    pub limit_bytes: u64,
    pub ids: Ids,
    /// Granules of the zone of named segments.
    zone: u32,
    /// Names are below this.
    names: u32,
}

impl Geometry {
    /// Writes it.
    pub fn save(self, out: &mut Packer) -> io::Result<()> {
        out.u64(self.granules)?;
        out.u64(self.limit_bytes)?;
        out.u8(Ids::ALL.iter().position(|&ids| ids == self.ids).expect("all choices") as u8)?;
        out.u32(self.zone)?;
        out.u32(self.names)
    }

    /// Reads it.
    pub fn load<R: Read>(from: &mut Unpacker<R>) -> Result<Geometry, SnapshotError> {
        let (granules, limit_bytes) = (from.u64()?, from.u64()?);
        let ids = *Ids::ALL.get(usize::from(from.u8()?)).ok_or(WRONG)?;
        Ok(Geometry { granules, limit_bytes, ids, zone: from.u32()?, names: from.u32()? })
    }
}

const WRONG: SnapshotError = SnapshotError::Damaged("what it says of the segments is impossible");

/// An error unless something holds.
fn ensure(holds: bool) -> Result<(), SnapshotError> {
    if holds { Ok(()) } else { Err(WRONG) }
}

impl Memory {
    /// What another memory must have in common with this one to become like it.
    pub(crate) fn geometry(&self) -> Geometry {
        Geometry {
            granules: self.granules(),
            limit_bytes: self.limit_bytes,
            ids: self.ids,
            zone: self.zone.end() - self.zone.start(),
            names: self.names.bound(),
        }
    }

    /// Writes all segments but segment 0, of which only the length is told.
    pub(crate) fn save(&self, out: &mut Packer) -> io::Result<()> {
        out.u32(self.program_len)?;
        for number in [self.cursor, self.run_end, self.frontier, self.touched, self.expected, self.granted] {
            out.u32(number)?;
        }
        self.save_large(out)?;
        self.save_small(out)?;
        self.zone.save(out)?;
        // SAFETY: the granules of the zone that were ever in use are accessible.
        let words = unsafe { self.words_at(self.zone.start(), self.zone.granules() as usize * 2) };
        out.words(words)?;
        self.names.save(out)
    }

    /// # Safety
    /// There are so many accessible words at the granule.
    unsafe fn words_at(&self, granule: u32, words: usize) -> &[Word] {
        // SAFETY: the caller's promise; words may have any value.
        unsafe { std::slice::from_raw_parts(self.segments.word(granule, 0), words) }
    }

    /// # Safety
    /// There are so many accessible words at the granule.
    unsafe fn words_at_mut(&mut self, granule: u32, words: usize) -> &mut [Word] {
        // SAFETY: the caller's promise; words may have any value.
        unsafe { std::slice::from_raw_parts_mut(self.segments.word(granule, 0), words) }
    }

    fn save_large(&self, out: &mut Packer) -> io::Result<()> {
        out.u32(self.large.lowest())?;
        out.u32(self.large.taken().count() as u32)?;
        for (header, _) in self.large.taken() {
            // SAFETY: what is taken is a large segment with its header, whose first granule has a length byte.
            let (words, len) = unsafe {
                let place = header + 1;
                let words = *self.segments.header(place) as usize;
                (self.words_at(place, words), *self.segments.lens.add(place as usize))
            };
            out.u32(header)?;
            out.u32(words.len() as u32)?;
            out.u8(u8::from(len == LARGE))?;
            out.words(words)?;
        }
        Ok(())
    }

    fn save_small(&self, out: &mut Packer) -> io::Result<()> {
        let (mut at, mut end_of_last) = (self.first, self.first);
        loop {
            // SAFETY: below the frontier, and so within the granules; an active segment has so many words.
            let len = if at < self.frontier { unsafe { *self.segments.lens.add(at as usize) } } else { u8::MAX };
            if len == 0 {
                at += 1;
                continue;
            }
            match at - end_of_last {
                gap if gap < u32::from(LONG_GAP) => out.u8(gap as u8)?,
                gap => {
                    out.u8(LONG_GAP)?;
                    out.u32(gap)?;
                }
            }
            if at >= self.frontier {
                return out.u8(0);
            }
            let words = u32::from(len) - 1;
            out.u8(len)?;
            // SAFETY: as above.
            out.words(unsafe { self.words_at(at, words as usize) })?;
            at += small_granules(words);
            end_of_last = at;
        }
    }

    /// Becomes as the memory that was written, which had the same geometry; gives the length of segment 0, whose words follow. On an
    /// error there is no other segment any more.
    ///
    /// # Errors
    /// What was written is not what a memory can be, or the system has no room.
    pub(crate) fn restore<R: Read>(&mut self, from: &mut Unpacker<R>) -> Result<u32, SnapshotError> {
        let restored = self.load_all(from);
        if restored.is_err() {
            self.forget_all();
        }
        restored
    }

    /// Forgets what may have been taken over by halves: nobody has looked whether it fits together.
    fn forget_all(&mut self) {
        self.clear();
        (self.cursor, self.run_end) = (self.frontier, self.frontier);
        // SAFETY: the granules of the zone that were ever in use are accessible, and in no segment any more.
        unsafe { clear_granules(self.segments.word(self.zone.start(), 0).cast(), self.zone.granules()) };
        self.zone = Zone::new(self.zone.start(), self.zone.end());
        self.names.forget();
    }

    fn load_all<R: Read>(&mut self, from: &mut Unpacker<R>) -> Result<u32, SnapshotError> {
        self.clear();
        let program_len = from.u32()?;
        ensure(program_len as usize <= self.program_words_max())?;
        let [cursor, run_end, frontier, touched, expected, granted] =
            [(); 6].map(|()| from.u32()).into_iter().collect::<Result<Vec<_>, _>>()?.try_into().expect("six");
        let first = self.first;
        ensure(first <= cursor && cursor <= run_end && run_end <= frontier && first <= touched && run_end <= touched)?;
        ensure(touched <= frontier && u64::from(frontier) < self.granules())?;
        ensure(run_end - cursor <= RUN_GRANULES_MAX)?;
        let program_bytes = u64::from(program_len) * size_of::<Word>() as u64;
        ensure(u64::from(frontier - first) * GRANULE_COST_BYTES + program_bytes <= self.limit_bytes)?;
        self.commit(first as usize * GRANULE_BYTES, (frontier - first) as usize * GRANULE_BYTES)?;
        // What no run has reached is zero.
        if touched < self.touched {
            let (at, bytes) = (touched as usize * GRANULE_BYTES, (self.touched - touched) as usize * GRANULE_BYTES);
            // SAFETY: below the frontier there was, which is accessible; no segment is left.
            unsafe { self.data_space.zero(PREFIX_BYTES + at, bytes) };
        }
        (self.cursor, self.run_end, self.frontier, self.touched) = (cursor, run_end, frontier, touched);
        (self.expected, self.granted) = (expected, granted);
        self.load_large(from)?;
        self.load_small(from)?;
        // SAFETY: the current run is free and accessible.
        unsafe { clear_granules(self.segments.word(cursor, 0).cast(), run_end - cursor) };
        let free = self.load_zone(from)?;
        let places = self.names.load(from)?;
        self.segments.names_bound = self.names.accessible();
        self.check_names(places, free)?;
        ensure(self.used_bytes_with(frontier, self.large_bytes, program_len) <= self.limit_bytes)?;
        Ok(program_len)
    }

    /// Gives all segments but segment 0 back.
    fn clear(&mut self) {
        // SAFETY: the length bytes of small segments, of which none is in use any more.
        unsafe {
            std::ptr::write_bytes(
                self.segments.lens.add(self.first as usize),
                0,
                (self.frontier - self.first) as usize,
            );
        }
        let large: Vec<u32> = self.large.taken().map(|(header, _)| header + 1).collect();
        large.into_iter().for_each(|place| self.abandon_large(place));
    }

    fn load_large<R: Read>(&mut self, from: &mut Unpacker<R>) -> Result<(), SnapshotError> {
        let (lowest, count) = (from.u32()?, from.u32()?);
        let mut taken = Vec::new();
        let read = self.load_taken(from, count, &mut taken);
        // Whatever was read is known, so that it can be given back.
        let bottom = taken.first().map_or(self.large.top(), |&(header, _)| header);
        self.large.restore(&taken, lowest.min(bottom));
        read?;
        ensure(lowest <= bottom)
    }

    fn load_taken<R: Read>(
        &mut self,
        from: &mut Unpacker<R>,
        count: u32,
        taken: &mut Vec<(u32, u32)>,
    ) -> Result<(), SnapshotError> {
        let mut end = self.frontier;
        for _ in 0..count {
            let (header, words, has_len) = (from.u32()?, from.u32()?, from.u8()? != 0);
            ensure(words > SMALL_WORDS_MAX && header >= end)?;
            let granules = large_granules(words);
            end = header.checked_add(granules).ok_or(WRONG)?;
            ensure(end <= self.large.top())?;
            let cost_bytes = u64::from(granules) * GRANULE_COST_BYTES;
            ensure(self.large_bytes + cost_bytes <= self.limit_bytes)?;
            self.commit(header as usize * GRANULE_BYTES, granules as usize * GRANULE_BYTES)?;
            taken.push((header, granules));
            self.large_bytes += cost_bytes;
            // SAFETY: the extent lies between the frontier and the top and behind those before, so it is free: it is zero.
            unsafe {
                *self.segments.header(header + 1) = words;
                if has_len {
                    self.segments.set_len_byte(header + 1, LARGE);
                }
                from.words(self.words_at_mut(header + 1, words as usize))?;
            }
        }
        Ok(())
    }

    fn load_small<R: Read>(&mut self, from: &mut Unpacker<R>) -> Result<(), SnapshotError> {
        let mut at = self.first;
        loop {
            let gap = match from.u8()? {
                LONG_GAP => from.u32()?,
                gap => u32::from(gap),
            };
            at = at.checked_add(gap).filter(|&at| at <= self.frontier).ok_or(WRONG)?;
            let len = from.u8()?;
            if len == 0 {
                return Ok(());
            }
            ensure(len != LARGE)?;
            let words = u32::from(len) - 1;
            let granules = small_granules(words);
            // Within runs that were taken, but for the current one.
            ensure(at < self.touched && granules <= self.touched - at)?;
            ensure(at + granules <= self.cursor || at >= self.run_end)?;
            // SAFETY: below the frontier, behind all others, and so free.
            unsafe {
                self.segments.set_len_byte(at, len);
                from.words(self.words_at_mut(at, words as usize))?;
            }
            at += granules;
        }
    }

    /// Gives the blocks that are free: where they begin, and their granules.
    fn load_zone<R: Read>(&mut self, from: &mut Unpacker<R>) -> Result<Vec<(u32, u32)>, SnapshotError> {
        let before = self.zone.granules();
        let mut zone = Zone::new(self.zone.start(), self.zone.end());
        zone.load(from)?;
        let (start, granules) = (zone.start(), zone.granules());
        self.commit(start as usize * GRANULE_BYTES, granules.max(before) as usize * GRANULE_BYTES)?;
        self.zone = zone;
        if before > granules {
            // SAFETY: the zone was accessible so far, and what lies behind its new end is in no segment.
            unsafe { clear_granules(self.segments.word(start + granules, 0).cast(), before - granules) };
        }
        // SAFETY: just made accessible.
        from.words(unsafe { self.words_at_mut(start, granules as usize * 2) })?;
        let mut free = Vec::new();
        for size in 1..self.zone.sizes() {
            let mut block = self.zone.free(size);
            while block != 0 {
                ensure(self.zone.holds(block, size) && free.len() < granules as usize)?;
                free.push((block, size));
                // SAFETY: the block lies in the zone, and has a word.
                block = unsafe { *self.segments.word(block, 0) };
            }
        }
        Ok(free)
    }

    /// Sees to it that every name in use leads to a segment of its own, and no two to the same place, nor to `blocks` that are free.
    fn check_names(&self, mut places: Vec<layout::Name>, mut blocks: Vec<(u32, u32)>) -> Result<(), SnapshotError> {
        for name in &places {
            if self.ids == Ids::Sequential {
                ensure(u64::from(name.place) < self.granules())?;
                // SAFETY: a place below the number of granules has a length byte.
                let len = unsafe { *self.segments.lens.add(name.place as usize) };
                ensure(len != 0)?;
            } else if name.words <= SMALL_WORDS_MAX {
                ensure(self.zone.holds(name.place, small_granules(name.words)))?;
                blocks.push((name.place, small_granules(name.words)));
            } else {
                ensure(self.large.is_taken(name.place.wrapping_sub(1), large_granules(name.words)))?;
                // SAFETY: a large segment has a header, and its first granule a length byte.
                unsafe {
                    ensure(*self.segments.header(name.place) == name.words)?;
                    ensure(*self.segments.lens.add(name.place as usize) == 0)?;
                }
            }
        }
        let count = places.len();
        places.sort_unstable_by_key(|name| name.place);
        places.dedup_by_key(|name| name.place);
        ensure(places.len() == count)?;
        blocks.sort_unstable();
        ensure(blocks.windows(2).all(|pair| pair[0].0 + pair[0].1 <= pair[1].0))?;
        let unlabelled = self.large.taken().filter(|&(header, _)| {
            // SAFETY: as above.
            unsafe { *self.segments.lens.add(header as usize + 1) == 0 }
        });
        let named_large = places.iter().filter(|name| name.words > SMALL_WORDS_MAX).count();
        ensure(self.ids == Ids::Sequential || unlabelled.count() == named_large)?;
        ensure(self.ids != Ids::Sequential || self.places().count() == count)
    }
}
