"""Counts lines, words and letters of a text of 10,000 characters."""

from common import MASK, next_random, read_size

LENGTH = 10_000


def random_char():
    n = next_random() // 4096 % 32
    if n < 26:
        return n + 97
    if n == 30:
        return 10
    return 44 if n == 31 else 32


class Counts:
    def __init__(self):
        self.lines = self.words = self.letters = self.longest = 0

    def end_word(self, length):
        if length != 0:
            self.words += 1
            self.letters += length
            if length > self.longest:
                self.longest = length

    def count(self, text):
        length = 0
        i = len(text)
        while i != 0:
            i -= 1
            c = text[i]
            if 97 <= c < 123:
                length += 1
            else:
                if c == 10:
                    self.lines += 1
                self.end_word(length)
                length = 0
        self.end_word(length)


def main():
    left = read_size(200)
    text = [0] * LENGTH
    i = LENGTH
    while i != 0:
        i -= 1
        text[i] = random_char()
    counts = Counts()
    while left != 0:
        left -= 1
        text[left % LENGTH] = random_char()
        counts.count(text)
    for value in (counts.lines, counts.words, counts.letters, counts.longest):
        print(value & MASK)


main()
