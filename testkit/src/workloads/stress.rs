//! The program `stress`: its messages, and its load over a heap with a mark-and-sweep collector.
//!
//! The counts that the program prints are those of its collector, so the heap here is collected at the same points.

use super::runtime::Random;

const CHECKS: &str = "\
== self-check ==
conditional move: ok
array index and amendment: ok
addition: ok
multiplication: ok
division: ok
not-and: ok
orthography: ok
allocation and abandonment: ok
the program as data: ok
the program patching itself: ok
load program: ok
output:  !\"#$%&'()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[\\]^_`abcdefghijklmnopqrstuvwxyz{|}~\tok
== load ==
";

/// Offset of an object in the heap; `None` is nil.
type Reference = Option<usize>;

#[derive(Clone)]
enum Object {
    Number(u32),
    Pair(Reference, Reference),
    Vector(Vec<Reference>),
}

#[derive(Default)]
struct Heap {
    /// `None` is a free slot.
    objects: Vec<Option<Object>>,
    free: Vec<usize>,
    allocated: u32,
    live: u32,
    freed: u32,
}

impl Heap {
    fn add(&mut self, object: Object) -> Reference {
        self.allocated += 1;
        if let Some(slot) = self.free.pop() {
            self.objects[slot] = Some(object);
            return Some(slot);
        }
        self.objects.push(Some(object));
        Some(self.objects.len() - 1)
    }

    fn get(&self, slot: usize) -> &Object {
        self.objects[slot].as_ref().expect("only live objects are referred to")
    }

    /// The number in an object, and a cell as first and rest.
    fn number(&self, reference: Reference) -> u32 {
        match reference.map(|slot| self.get(slot)) {
            Some(Object::Number(value)) => *value,
            _ => panic!("a number was expected"),
        }
    }

    fn pair(&self, slot: usize) -> (Reference, Reference) {
        match self.get(slot) {
            Object::Pair(first, second) => (*first, *second),
            _ => panic!("a pair was expected"),
        }
    }

    fn collect(&mut self, root: usize) {
        let mut marked = vec![false; self.objects.len()];
        let mut left = vec![root];
        while let Some(slot) = left.pop() {
            if std::mem::replace(&mut marked[slot], true) {
                continue;
            }
            match self.get(slot) {
                Object::Number(_) => {}
                Object::Pair(first, second) => left.extend([first, second].into_iter().flatten()),
                Object::Vector(references) => left.extend(references.iter().flatten()),
            }
        }
        self.live = 0;
        for (slot, object) in self.objects.iter_mut().enumerate() {
            if object.is_some() && !marked[slot] {
                *object = None;
                self.free.push(slot);
                self.freed = self.freed.wrapping_add(1);
            }
            self.live += u32::from(marked[slot]);
        }
        self.allocated = 0;
    }

    /// Depends on everything that `reference` leads to; references are taken from the last to the first.
    fn checksum(&self, reference: Reference) -> u32 {
        let fold = |kind: u32, references: &[Reference]| {
            let step = |sum: u32, part: &Reference| sum.wrapping_mul(31).wrapping_add(self.checksum(*part));
            references.iter().rev().fold(kind, step)
        };
        match reference.map(|slot| self.get(slot)) {
            None => 7,
            Some(Object::Number(value)) => *value,
            Some(Object::Pair(first, second)) => fold(1, &[*first, *second]),
            Some(Object::Vector(references)) => fold(references.len() as u32, references),
        }
    }
}

struct Load {
    heap: Heap,
    random: Random,
    world: usize,
}

impl Load {
    fn slot(&mut self) -> usize {
        (self.random.next() / 1024 % 32) as usize
    }

    fn world(&mut self) -> &mut Vec<Reference> {
        match &mut self.heap.objects[self.world] {
            Some(Object::Vector(slots)) => slots,
            _ => panic!("the world is a vector"),
        }
    }

    fn step(&mut self) {
        if self.heap.allocated >= 20_000 {
            self.heap.collect(self.world);
        }
        let made = match self.random.next() / 64 % 4 {
            0 => {
                let depth = self.random.next() % 7 + 2;
                self.tree(depth)
            }
            1 => self.list(),
            2 => {
                let slot = self.slot();
                let original = self.world()[slot];
                self.mirror(original)
            }
            _ => self.vector(),
        };
        let slot = self.slot();
        self.world()[slot] = made;
    }

    fn number(&mut self) -> Reference {
        let value = self.random.next();
        self.heap.add(Object::Number(value))
    }

    fn tree(&mut self, depth: u32) -> Reference {
        if depth == 0 {
            return self.number();
        }
        let first = self.tree(depth - 1);
        let second = self.tree(depth - 1);
        self.heap.add(Object::Pair(first, second))
    }

    fn list(&mut self) -> Reference {
        let mut list = None;
        for _ in 0..self.random.next() % 150 + 1 {
            let number = self.number();
            list = self.heap.add(Object::Pair(number, list));
        }
        self.sort(list)
    }

    /// A sorted copy of a list, by merging; what is left of one list when the other is used up is shared.
    fn sort(&mut self, list: Reference) -> Reference {
        let mut cell = list?;
        if self.heap.pair(cell).1.is_none() {
            return list;
        }
        let (mut one, mut other) = (None, None);
        loop {
            let (first, rest) = self.heap.pair(cell);
            (one, other) = (self.heap.add(Object::Pair(first, other)), one);
            match rest {
                Some(next) => cell = next,
                None => break,
            }
        }
        let one = self.sort(one);
        let other = self.sort(other);
        self.merge(other, one)
    }

    /// Merges two sorted lists; on equal numbers the second goes first.
    fn merge(&mut self, mut first: Reference, mut second: Reference) -> Reference {
        let mut taken = Vec::new();
        while let (Some(one), Some(other)) = (first, second) {
            let (one, other) = (self.heap.pair(one), self.heap.pair(other));
            if self.heap.number(one.0) < self.heap.number(other.0) {
                taken.push(one.0);
                first = one.1;
            } else {
                taken.push(other.0);
                second = other.1;
            }
        }
        let rest = first.or(second);
        taken.into_iter().rev().fold(rest, |list, number| self.heap.add(Object::Pair(number, list)))
    }

    /// A copy with the components of every pair swapped and every number one larger; vectors are shared.
    fn mirror(&mut self, original: Reference) -> Reference {
        match self.heap.get(original?).clone() {
            Object::Number(value) => self.heap.add(Object::Number(value.wrapping_add(1))),
            Object::Pair(first, second) => {
                let first = self.mirror(first);
                let second = self.mirror(second);
                self.heap.add(Object::Pair(second, first))
            }
            Object::Vector(_) => original,
        }
    }

    /// Squares in random order.
    fn vector(&mut self) -> Reference {
        let length = (self.random.next() % 48 + 16) as usize;
        let squares = (0..length).map(|i| self.heap.add(Object::Number((i * i) as u32)));
        let mut references: Vec<Reference> = squares.collect();
        for index in (0..length).rev() {
            references.swap(index, self.random.next() as usize % length);
        }
        self.heap.add(Object::Vector(references))
    }
}

/// What the program prints for `rounds`.
pub(super) fn run(rounds: u32) -> String {
    let mut output = CHECKS.to_string();
    let mut heap = Heap::default();
    let world = heap.add(Object::Vector(vec![None; 32])).expect("objects are never nil");
    let mut load = Load { heap, random: Random::default(), world };
    for round in 1..=rounds {
        (0..1000).for_each(|_| load.step());
        let sum = load.heap.checksum(Some(world));
        output += &format!("round {round}: checksum {sum}, live {}, freed {}\n", load.heap.live, load.heap.freed);
    }
    let last = load.heap.add(Object::Number(4)).expect("objects are never nil");
    load.heap.collect(last);
    output + &format!("finished: live {}, freed {}\n", load.heap.live, load.heap.freed)
}
