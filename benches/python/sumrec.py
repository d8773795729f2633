"""The sum of 1 to 5,000 by recursion."""

import sys

from common import read_size


def sum_to(n):
    return 0 if n == 0 else (n + sum_to(n - 1)) & 0xFFFFFFFF


def main():
    sys.setrecursionlimit(10_000)
    total = 0
    left = read_size(200)
    while left != 0:
        total = (total + sum_to(5000)) & 0xFFFFFFFF
        left -= 1
    print(total)


main()
