//! The temporaries of one instruction, in the order in which the course's assembler uses them.
//!
//! That assembler is a Lua 5.1 program. It puts the registers of `using` and `.temps` into tables as keys and takes them
//! out by `pairs`, so the order is that of a Lua hash table over small integers. [`Table`] is that table for the keys
//! 0 to 7: an array part for dense keys from 1 on, and a hash part of a power of two with Brent's variation.

use rum_interp::isa::Reg;

/// The most registers a list can hold: all of them and one that was put back in front.
const CAPACITY: usize = 10;

/// A short ordered list of registers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Regs {
    items: [Reg; CAPACITY],
    len: u8,
}

impl Default for Regs {
    fn default() -> Regs {
        Regs { items: [Reg::from_bits(0); CAPACITY], len: 0 }
    }
}

impl Regs {
    pub fn as_slice(&self) -> &[Reg] {
        &self.items[..usize::from(self.len)]
    }

    /// Appends `reg` unless it is there already.
    pub fn add(&mut self, reg: Reg) {
        if !self.as_slice().contains(&reg) {
            self.items[usize::from(self.len)] = reg;
            self.len += 1;
        }
    }

    pub fn first(&self) -> Option<Reg> {
        self.as_slice().first().copied()
    }

    /// Takes the first one out.
    pub fn take(&mut self) -> Option<Reg> {
        let first = self.first()?;
        self.items.copy_within(1.., 0);
        self.len -= 1;
        Some(first)
    }

    /// Puts one back in front. Only what was taken out is put back, so there is room.
    pub fn give(&mut self, reg: Reg) {
        self.items.copy_within(..CAPACITY - 1, 1);
        self.items[0] = reg;
        self.len += 1;
    }

    /// Those that are not in `used`; if none is left, the last one, which will be clobbered.
    pub fn without(&self, used: &[Reg]) -> Regs {
        let mut out = self.strictly_without(used);
        if let (0, Some(&last)) = (out.len, self.as_slice().last()) {
            out.add(last);
        }
        out
    }

    /// Those that are not in `used`, be it none.
    pub fn strictly_without(&self, used: &[Reg]) -> Regs {
        let mut out = Regs::default();
        self.as_slice().iter().filter(|reg| !used.contains(reg)).for_each(|&reg| out.add(reg));
        out
    }
}

/// The order in which the temporaries `using` and `.temps` are taken.
pub(crate) fn order(using: &Regs, temps: &Regs) -> Regs {
    let table_of = |keys: &Regs| {
        let mut table = Table::default();
        keys.as_slice().iter().for_each(|reg| table.put(reg.index() as u8));
        table
    };
    let mut both = Table::default();
    for table in [table_of(using), table_of(temps)] {
        table.pairs().for_each(|key| both.put(key));
    }
    let mut out = Regs::default();
    both.pairs().for_each(|key| out.add(Reg::from_bits(u32::from(key))));
    out
}

/// A Lua 5.1 table whose keys are below 8 and whose values do not matter.
#[derive(Clone, Debug, Default)]
struct Table {
    /// Keys `1..=array_size` live in the array part.
    array_size: u8,
    /// Bit k: key k is in the array part.
    array: u8,
    /// The hash part: `node_size` (0 or a power of two) slots.
    node: [Option<u8>; 8],
    node_size: usize,
    /// All slots from here on are taken: the search for a free slot goes down from here.
    free: usize,
}

impl Table {
    fn nodes(&self) -> &[Option<u8>] {
        &self.node[..self.node_size]
    }

    /// The slot a key wants: the two halves of its value as a double, added.
    fn main_position(&self, key: u8) -> usize {
        let bits = f64::from(key).to_bits();
        let sum = ((bits >> 32) as u32).wrapping_add(bits as u32) as usize;
        sum % ((self.node_size - 1) | 1)
    }

    fn has(&self, key: u8) -> bool {
        self.array >> key & 1 != 0 || self.nodes().contains(&Some(key))
    }

    fn put(&mut self, key: u8) {
        if self.has(key) {
            return;
        }
        if (1..=self.array_size).contains(&key) {
            self.array |= 1 << key;
            return;
        }
        if self.node_size == 0 {
            return self.rehash(key);
        }
        let main = self.main_position(key);
        let Some(other) = self.node[main] else {
            self.node[main] = Some(key);
            return;
        };
        let Some(free) = (0..self.free).rev().find(|&slot| self.node[slot].is_none()) else {
            self.free = 0;
            return self.rehash(key);
        };
        self.free = free;
        if self.main_position(other) != main {
            self.node[free] = Some(other);
            self.node[main] = Some(key);
        } else {
            self.node[free] = Some(key);
        }
    }

    /// Chooses the sizes of both parts anew, with room for `key`, and puts everything in again.
    fn rehash(&mut self, key: u8) {
        let keys = self.nodes().iter().flatten().fold(u16::from(self.array) | 1 << key, |set, &key| set | 1 << key);
        let up_to = |limit: u32| (keys & !1 & ((1u32 << (limit + 1).min(16)) - 1) as u16).count_ones();
        let mut array_size = 0;
        let mut size = 1;
        // The largest power of two more than half of which would be in use.
        while size / 2 < up_to(15) {
            if up_to(size) > size / 2 {
                array_size = size;
            }
            size *= 2;
        }
        let hashed = keys.count_ones() - up_to(array_size);
        let old = std::mem::take(self);
        self.array_size = array_size as u8;
        self.node_size = if hashed == 0 { 0 } else { hashed.next_power_of_two() as usize };
        self.free = self.node_size;
        (0..8).filter(|&key| old.array >> key & 1 != 0).for_each(|key| self.put(key));
        old.nodes().iter().rev().flatten().for_each(|&key| self.put(key));
        self.put(key);
    }

    fn pairs(&self) -> impl Iterator<Item = u8> + '_ {
        (0..8).filter(|&key| self.array >> key & 1 != 0).chain(self.nodes().iter().flatten().copied())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn regs(numbers: &[u32]) -> Regs {
        let mut out = Regs::default();
        numbers.iter().for_each(|&number| out.add(Reg::from_bits(number)));
        out
    }

    fn ordered(using: &[u32], temps: &[u32]) -> Vec<usize> {
        order(&regs(using), &regs(temps)).as_slice().iter().map(|reg| reg.index()).collect()
    }

    #[test]
    fn orders_seen_in_images_built_by_the_course() {
        let temps = [6, 7];
        for (using, expected) in [
            (&[][..], &[6, 7][..]),
            (&[0], &[0, 6, 7]),
            (&[1], &[1, 6, 7]),
            (&[2], &[6, 7, 2]),
            (&[3], &[3, 6, 7]),
            (&[4], &[6, 4, 7]),
            (&[5], &[5, 6, 7]),
            (&[3, 4], &[3, 6, 4, 7]),
            (&[4, 5], &[5, 6, 4, 7]),
            (&[3, 5], &[5, 6, 7, 3]),
        ] {
            assert_eq!(ordered(using, &temps), expected, "using {using:?}");
        }
        assert_eq!(ordered(&[], &[7, 6]), [7, 6]);
    }

    #[test]
    fn nothing_is_lost() {
        for all in 0..256u32 {
            let using: Vec<u32> = (0..8).filter(|bit| all >> bit & 1 != 0).collect();
            let mut got = ordered(&using, &[1, 4, 6]);
            got.sort_unstable();
            let expected: Vec<usize> = (0..8).filter(|bit| (all | 0b0101_0010) >> bit & 1 != 0).collect();
            assert_eq!(got, expected);
        }
    }

    #[test]
    fn a_used_register_is_avoided_or_the_last_one_is_clobbered() {
        let pool = regs(&[6, 7]);
        assert_eq!(pool.without(&[Reg::from_bits(6)]), regs(&[7]));
        assert_eq!(pool.without(&[Reg::from_bits(6), Reg::from_bits(7)]), regs(&[7]));
        assert_eq!(regs(&[]).without(&[Reg::from_bits(6)]), regs(&[]));
    }
}
