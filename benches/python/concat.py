"""Builds strings by concatenation."""

from common import next_random, read_size
from text import HASH_START, string_concat, string_hash, string_random


def make_pieces():
    pieces = [None] * 8
    i = 8
    while i != 0:
        pieces[i - 1] = string_random(i)
        i -= 1
    return pieces


def build(pieces, n, h):
    text = []
    while n != 0:
        text = string_concat(text, pieces[next_random() // 4096 % 8])
        if len(text) >= 500:
            h = string_hash(text, h)
            text = []
        n -= 1
    return string_hash(text, h)


if __name__ == "__main__":
    size = read_size(20_000)
    print(build(make_pieces(), size, HASH_START))
