"""Ackermann's function of 3 and the size."""

import sys

from common import read_size


def ackermann(m, n):
    while m != 0:
        n = 1 if n == 0 else ackermann(m, n - 1)
        m -= 1
    return (n + 1) & 0xFFFFFFFF


def main():
    sys.setrecursionlimit(100_000)
    print(ackermann(3, read_size(7)))


main()
