"""Hashes a text of 1,000 letters again and again."""

from common import read_size
from text import HASH_START, string_hash, string_random


def main():
    left = read_size(5000)
    h = HASH_START
    text = string_random(1000)
    while left != 0:
        h = string_hash(text, h)
        left -= 1
    print(h)


main()
