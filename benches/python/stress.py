"""The load of the stress benchmark, over a heap with a mark-and-sweep collector of its own.

The self-check of the machine's operators has no counterpart here: its messages are printed, that is all.
"""

from common import MASK, next_random, read_size

CHECKS = (
    "conditional move",
    "array index and amendment",
    "addition",
    "multiplication",
    "division",
    "not-and",
    "orthography",
    "allocation and abandonment",
    "the program as data",
    "the program patching itself",
    "load program",
)

# An object is a list: the next of all objects, the mark, the kind, and the number or the references behind it. The kind
# is 0 for a number, 1 for a pair, n >= 2 for a vector of n references.
NEXT, MARK, KIND, FIRST, SECOND = 0, 1, 2, 3, 4


class Heap:
    def __init__(self):
        self.all_objects = None
        self.allocated = self.live = self.freed = 0
        self.world = None

    def add(self, made):
        made[NEXT] = self.all_objects
        self.all_objects = made
        self.allocated += 1
        return made

    def number(self, value):
        return self.add([None, False, 0, value])

    def pair(self, first, second):
        return self.add([None, False, 1, first, second])

    def vector(self, n):
        return self.add([None, False, n] + [None] * n)

    def collect(self):
        self.mark(self.world)
        self.sweep()
        self.allocated = 0

    def mark(self, root):
        stack = [root]
        while stack:
            o = stack.pop()
            if o[MARK]:
                continue
            o[MARK] = True
            if o[KIND] == 0:
                continue
            i = len(o)
            while i != FIRST:
                i -= 1
                if o[i] is not None:
                    stack.append(o[i])

    def sweep(self):
        self.live = 0
        before = None
        o = self.all_objects
        while o is not None:
            following = o[NEXT]
            if o[MARK]:
                o[MARK] = False
                self.live += 1
                before = o
            else:
                o[NEXT] = None
                self.freed = (self.freed + 1) & MASK
                if before is None:
                    self.all_objects = following
                else:
                    before[NEXT] = following
            o = following


class Load:
    def __init__(self):
        self.heap = Heap()
        self.heap.world = self.heap.vector(32)
        self.actions = (self.random_tree, self.random_list, self.mirror_one, self.random_vector)

    def step(self):
        if self.heap.allocated >= 20_000:
            self.heap.collect()
        made = self.actions[next_random() // 64 % 4]()
        self.heap.world[random_slot()] = made

    def random_tree(self):
        return self.tree(next_random() % 7 + 2)

    def tree(self, depth):
        if depth == 0:
            return self.heap.number(next_random())
        first = self.tree(depth - 1)
        return self.heap.pair(first, self.tree(depth - 1))

    def random_list(self):
        cells = None
        left = next_random() % 150 + 1
        while left != 0:
            cells = self.heap.pair(self.heap.number(next_random()), cells)
            left -= 1
        return self.sort(cells)

    def sort(self, cells):
        if cells is None or cells[SECOND] is None:
            return cells
        one = other = None
        while cells is not None:
            one, other = self.heap.pair(cells[FIRST], other), one
            cells = cells[SECOND]
        one = self.sort(one)
        return self.merge(self.sort(other), one)

    def merge(self, first, second):
        head = last = [None, False, 1, None, None]
        while first is not None and second is not None:
            if first[FIRST][FIRST] < second[FIRST][FIRST]:
                new = self.heap.pair(first[FIRST], None)
                first = first[SECOND]
            else:
                new = self.heap.pair(second[FIRST], None)
                second = second[SECOND]
            last[SECOND] = new
            last = new
        last[SECOND] = second if first is None else first
        return head[SECOND]

    def mirror_one(self):
        return self.mirror(self.heap.world[random_slot()])

    def mirror(self, o):
        if o is None or o[KIND] >= 2:
            return o
        if o[KIND] == 0:
            return self.heap.number((o[FIRST] + 1) & MASK)
        first = self.mirror(o[FIRST])
        return self.heap.pair(self.mirror(o[SECOND]), first)

    def random_vector(self):
        n = next_random() % 48 + 16
        vector = self.heap.vector(n)
        i = n
        while i != 0:
            i -= 1
            vector[FIRST + i] = self.heap.number(i * i)
        i = n
        while i != 0:
            i -= 1
            other = next_random() % n
            vector[FIRST + i], vector[FIRST + other] = vector[FIRST + other], vector[FIRST + i]
        return vector


def random_slot():
    return next_random() // 1024 % 32 + FIRST


def checksum(o):
    if o is None:
        return 7
    total = o[KIND]
    if total == 0:
        return o[FIRST]
    i = len(o)
    while i != FIRST:
        i -= 1
        total = (total * 31 + checksum(o[i])) & MASK
    return total


def main():
    rounds = read_size(40)
    print("== self-check ==")
    for name in CHECKS:
        print(f"{name}: ok")
    print("output: " + "".join(map(chr, range(32, 127))) + "\tok")
    print("== load ==")
    load = Load()
    heap = load.heap
    for number in range(1, rounds + 1):
        for _ in range(1000):
            load.step()
        print(f"round {number}: checksum {checksum(heap.world)}, live {heap.live}, freed {heap.freed}")
    heap.world = heap.number(4)
    heap.collect()
    print(f"finished: live {heap.live}, freed {heap.freed}")


main()
