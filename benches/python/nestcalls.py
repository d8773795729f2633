"""Calls whose arguments are calls."""

from common import read_size


def k(x):
    return (x + (x >> 4) + 1) & 0xFFFFFFFF


def h(x):
    return k(k(x) * 3 & 0xFFFFFFFF)


def g(x):
    return h((h(x) + 2) & 0xFFFFFFFF)


def f(x):
    return g((g(x) + 1) & 0xFFFFFFFF)


def main():
    x = 1
    left = read_size(100_000)
    while left != 0:
        x = f(x)
        left -= 1
    print(x)


main()
