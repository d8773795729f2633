"""Calls of a leaf procedure."""

from common import read_size


def add(x, y):
    return (x + y) & 0xFFFFFFFF


def main():
    total = 0
    left = read_size(1_000_000)
    while left != 0:
        total = add(total, left)
        left -= 1
    print(total)


main()
