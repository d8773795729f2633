"""What all versions in Python share: the size from standard input, and the random numbers."""

import sys

MASK = 0xFFFFFFFF


def read_size(otherwise):
    """The digits of the first line of standard input, or `otherwise` when it has none."""
    size = 0
    seen = False
    for c in sys.stdin.readline():
        if "0" <= c <= "9":
            size = (size * 10 + ord(c) - 48) & MASK
            seen = True
    return size if seen else otherwise


random_state = 12345


def next_random():
    """The next number of the linear congruential generator, below 2^24."""
    global random_state
    random_state = (random_state * 1664525 + 1013904223) & MASK
    return random_state >> 8
