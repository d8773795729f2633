"""Variables in a symbol table: a hash map with chains."""

from common import MASK, next_random, read_size
from text import HASH_START, string_equal, string_hash


class Entry:
    def __init__(self, name, rest):
        self.name = name
        self.value = 0
        self.next = rest


def name_of_number(number):
    name = []
    while number != 0:
        name.append(number % 26 + 97)
        number //= 26
    return name


class Table:
    def __init__(self):
        self.buckets = [None] * 256
        self.names = [name_of_number(i * 7919 + 1) for i in range(1000)]

    def lookup(self, name):
        bucket = (string_hash(name, HASH_START) >> 16) % 256
        entry = self.buckets[bucket]
        while entry is not None:
            if string_equal(entry.name, name):
                return entry
            entry = entry.next
        entry = self.buckets[bucket] = Entry(name, self.buckets[bucket])
        return entry

    def run(self, n):
        total = 0
        while n != 0:
            entry = self.lookup(self.names[next_random() // 16 % 1000])
            entry.value = (entry.value * 3 + n) & MASK
            total = (total + entry.value) & MASK
            n -= 1
        return total

    def size(self):
        entries = 0
        for entry in self.buckets:
            while entry is not None:
                entries += 1
                entry = entry.next
        return entries


def main():
    n = read_size(200_000)
    table = Table()
    total = table.run(n)
    print(table.size())
    print(total)


if __name__ == "__main__":
    main()
