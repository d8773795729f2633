//! Named segments: identifiers that count from 1, as the machines count that most programs were written for.
//!
//! A *name* is an identifier with an entry in a table, which says where the segment is: its *place*, the first granule. Names are handed out as 1, 2, 3, ...,
//! and a name that was given back is the next to be handed out: the last one first. Which segments get one is a matter of
//! [`Ids`]; all others are identified by where they are (`layout.rs`).
//!
//! A segment has one identifier. Where both kinds are in use, named segments therefore stand where no identifier leads: small
//! ones in a part of the room of segment 0 (`zone.rs`), whose length bytes are always 0, and large ones get no length byte.
//! Where all segments are named, no identifier is looked up in the length bytes, but the place that its entry says is.

use super::layout::Name;
use crate::pack::{Packer, SnapshotError, Unpacker};
use crate::reserve::{Backing, Reservation};
use std::io::{self, Read};

/// Which identifiers a machine hands out. The specification leaves the choice to the machine; many programs rely on one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Ids {
    /// 1, 2, 3, ... for the first [`NAMED_ALLOCS`] segments, the last one given back first; addresses for all later ones.
    /// Nearly as fast as `Address`, and what programs that rely on small identifiers mostly need.
    #[default]
    Mixed,
    /// 1, 2, 3, ... for ever, the last one given back first. Each access costs a look into a table.
    Sequential,
    /// Where the segment is: nothing has to be looked up.
    Address,
}

impl Ids {
    /// All choices.
    pub const ALL: [Ids; 3] = [Ids::Mixed, Ids::Sequential, Ids::Address];

    /// The name of the choice, as in `--ids`.
    pub fn name(self) -> &'static str {
        match self {
            Ids::Mixed => "mixed",
            Ids::Sequential => "sequential",
            Ids::Address => "address",
        }
    }
}

/// How many segments get names with [`Ids::Mixed`]: so many allocs, whatever was given back meanwhile.
pub const NAMED_ALLOCS: u32 = 1 << 12;

/// A machine with fewer names is not worth having.
const NAMES_MIN: u32 = 1 << 16;
/// Names whose entries are counted together as memory in use: a page of them.
const PAID_NAMES: u32 = 1 << 9;
/// Names that are made accessible together.
const COMMIT_NAMES: u32 = 1 << 13;

/// The names of a machine. Compiled code reads and writes the first fields, hence `repr(C)`.
#[derive(Debug)]
#[repr(C)]
pub(crate) struct Names {
    /// The name given back last, whose entry leads to the one before it; 0 if there is none.
    pub free: u32,
    /// How many segments will still be named.
    pub left: u32,
    /// The first name that was never handed out.
    top: u32,
    /// Entries of names below this count as memory in use.
    paid: u32,
    /// Names are below this.
    bound: u32,
    /// Entries of names below this are accessible.
    accessible: u32,
    /// Whether the table has an accessible entry for every identifier.
    is_whole: bool,
    /// Whether an entry holds the length, too: it does where the place has no length byte.
    has_lengths: bool,
    /// The table.
    table: *mut u32,
    /// The range of addresses that it lies in, if it has one of its own.
    space: Option<Reservation>,
}

impl Names {
    /// Names for the first `left` segments, in a table of accessible zeros for those below `bound`.
    ///
    /// # Safety
    /// There is such a table, it is used for nothing else, and stays for as long as these names are in use.
    pub unsafe fn few(bound: u32, left: u32, table: *mut Name) -> Names {
        let (accessible, table) = (bound, table.cast());
        Names {
            free: 0,
            left,
            top: 1,
            paid: 0,
            bound,
            accessible,
            is_whole: false,
            has_lengths: true,
            table,
            space: None,
        }
    }

    /// Names below `bound`, or as many as there is address space for, for all segments.
    ///
    /// # Errors
    /// The system does not even have address space for a small table.
    pub fn for_all(mut bound: u32, backing: Backing) -> io::Result<Names> {
        let reserve = |names: u64| Reservation::new(names as usize * size_of::<u32>(), backing);
        // Where pages appear on touch, a table for every identifier spares engines a test.
        let whole = (backing == Backing::OnTouch).then(|| reserve(1 << 32));
        let (is_whole, space) = match whole {
            Some(Ok(space)) => (true, space),
            _ => loop {
                match reserve(u64::from(bound.max(1))) {
                    Err(_) if bound > NAMES_MIN => bound /= 2,
                    space => break (false, space?),
                }
            },
        };
        // Code looks at the entry of 0 for whatever is no name, before there is any.
        let accessible = if backing == Backing::OnTouch { bound } else { COMMIT_NAMES.min(bound) };
        space.commit(0, accessible as usize * size_of::<u32>())?;
        let (left, table, space) = (u32::MAX, space.start().cast(), Some(space));
        Ok(Names { free: 0, left, top: 1, paid: 0, bound, accessible, is_whole, has_lengths: false, table, space })
    }

    /// Address of the table.
    pub fn table(&self) -> *mut u32 {
        self.table
    }

    /// Numbers of 32 bits in an entry.
    fn stride(&self) -> usize {
        if self.has_lengths { size_of::<Name>() / size_of::<u32>() } else { 1 }
    }

    fn entry_bytes(&self) -> usize {
        self.stride() * size_of::<u32>()
    }

    /// Address of an entry: the place, and behind it the length if it holds that.
    fn entry(&self, id: u32) -> *mut u32 {
        assert!(id < self.accessible);
        self.table.wrapping_add(id as usize * self.stride())
    }

    /// Names are below this; none if the table has an entry for every identifier.
    pub fn table_bound(&self) -> Option<u32> {
        (!self.is_whole).then_some(self.bound)
    }

    /// Names are below this; those at or above, if there are any to come, were never handed out.
    pub fn accessible(&self) -> u32 {
        self.accessible
    }

    /// Whether a name was ever handed out.
    pub fn was_handed_out(&self, id: u32) -> bool {
        (1..self.top).contains(&id)
    }

    /// The highest name that was ever handed out, 0 if there is none.
    pub fn max(&self) -> u32 {
        self.top - 1
    }

    /// All names that were ever handed out.
    pub fn handed_out(&self) -> impl Iterator<Item = u32> + use<> {
        1..self.top
    }

    /// Names are below this.
    pub fn bound(&self) -> u32 {
        self.bound
    }

    /// Writes all that is known of names.
    pub fn save(&self, out: &mut Packer) -> io::Result<()> {
        for number in [self.free, self.left, self.top, self.paid] {
            out.u32(number)?;
        }
        let entries = self.table.wrapping_add(self.stride());
        // SAFETY: the table is accessible so far; entries may have any value. There may be none yet.
        out.words(unsafe { std::slice::from_raw_parts(entries, (self.top as usize - 1) * self.stride()) })
    }

    /// Becomes as the names that were written, with as many at the most. Gives where the segments are that have a name.
    pub fn load<R: Read>(&mut self, from: &mut Unpacker<R>) -> Result<Vec<Name>, SnapshotError> {
        const WRONG: SnapshotError = SnapshotError::Damaged("what it says of identifiers is impossible");
        let [free, left, top, paid] = [from.u32()?, from.u32()?, from.u32()?, from.u32()?];
        let few = self.has_lengths && left > NAMED_ALLOCS;
        if top == 0 || top > self.bound || free >= top || few || paid > self.bound.saturating_add(PAID_NAMES) {
            return Err(WRONG);
        }
        if top > self.accessible {
            let space = self.space.as_ref().ok_or(WRONG)?;
            let upto = top.next_multiple_of(COMMIT_NAMES).min(self.bound);
            space.commit(0, upto as usize * self.entry_bytes())?;
            self.accessible = upto;
        }
        let (stride, bound, has_lengths) = (self.stride(), self.bound, self.has_lengths);
        // On an error there is that much to forget.
        self.top = self.top.max(top);
        let table = self.entries();
        table.fill(0);
        from.words(&mut table[..(top as usize - 1) * stride])?;
        let entry = |id: u32| {
            let at = (id as usize - 1) * stride;
            (table[at], table[at + stride - 1])
        };
        let (mut names, mut given_back) = (Vec::new(), 0);
        for (place, words) in (1..top).map(entry) {
            match place >= bound {
                true => names.push(Name { place, words: if has_lengths { words } else { 0 } }),
                false if has_lengths && words != 0 => return Err(WRONG),
                false => given_back += 1,
            }
        }
        let mut id = free;
        while id != 0 && given_back >= 0 {
            let (next, _) = entry(id);
            if next >= top {
                return Err(WRONG);
            }
            (id, given_back) = (next, given_back - 1);
        }
        if given_back != 0 {
            return Err(WRONG);
        }
        (self.free, self.left, self.top, self.paid) = (free, left, top, paid);
        Ok(names)
    }

    /// All entries of names that were handed out.
    fn entries(&mut self) -> &mut [u32] {
        let stride = self.stride();
        let entries = self.table.wrapping_add(stride);
        // SAFETY: the table is accessible so far, and nothing refers to it. There may be none yet.
        unsafe { std::slice::from_raw_parts_mut(entries, (self.top as usize - 1) * stride) }
    }

    /// From now on no name is in use. Where only some segments get one, no other will.
    pub fn forget(&mut self) {
        self.entries().fill(0);
        (self.free, self.top) = (0, 1);
        if self.has_lengths {
            self.left = 0;
        }
    }

    /// Bytes that the table takes, as far as it is used.
    pub fn bytes(&self) -> u64 {
        u64::from(self.paid) * self.entry_bytes() as u64
    }

    /// Bytes by which the table grows with the next name.
    pub fn next_bytes(&self) -> u64 {
        if self.free == 0 && self.top >= self.paid { u64::from(PAID_NAMES) * self.entry_bytes() as u64 } else { 0 }
    }

    /// The place of the segment with a name, if it is active.
    #[inline]
    pub fn place(&self, id: u32) -> Option<u32> {
        if id >= self.accessible {
            return None;
        }
        // SAFETY: the table is accessible so far.
        let place = unsafe { *self.entry(id) };
        // The entry of a name that is not in use leads to another name, and no segment is that low.
        (place >= self.bound).then_some(place)
    }

    /// The segment with a name, if it is active and entries hold lengths.
    #[inline]
    pub fn get(&self, id: u32) -> Option<Name> {
        let place = self.place(id).filter(|_| self.has_lengths)?;
        // SAFETY: the entry has a length.
        Some(Name { place, words: unsafe { *self.entry(id).add(1) } })
    }

    /// Writes an entry.
    fn set(&mut self, id: u32, name: Name) {
        let entry = self.entry(id);
        // SAFETY: accessible, as `entry` has seen to.
        unsafe {
            *entry = name.place;
            if self.has_lengths {
                *entry.add(1) = name.words;
            }
        }
    }

    /// The name that the next segment gets; none if there are no more, or there is no memory for it. From now on
    /// [`Names::next_bytes`] are in use.
    pub fn next(&mut self) -> Option<u32> {
        if self.free != 0 {
            return Some(self.free);
        }
        if self.top >= self.paid {
            self.paid += PAID_NAMES;
        }
        if self.top >= self.accessible {
            let upto = self.accessible.saturating_add(COMMIT_NAMES).min(self.bound);
            let at = self.accessible as usize * self.entry_bytes();
            let space = self.space.as_ref()?;
            space.commit(at, (upto - self.accessible) as usize * self.entry_bytes()).ok()?;
            self.accessible = upto;
        }
        (self.top < self.accessible).then_some(self.top)
    }

    /// Hands out the name that [`Names::next`] told.
    pub fn take(&mut self, id: u32, name: Name) {
        debug_assert!(name.place >= self.bound);
        if id == self.free {
            // SAFETY: accessible, as `entry` has seen to.
            self.free = unsafe { *self.entry(id) };
        } else {
            self.top = id + 1;
        }
        self.set(id, name);
    }

    /// Gives back an active name.
    pub fn give(&mut self, id: u32) {
        self.set(id, Name { place: self.free, words: 0 });
        self.free = id;
    }
}
