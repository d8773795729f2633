"""Fibonacci numbers by tail calls, which are loops here."""

from common import read_size


def fib(n):
    a, b = 0, 1
    while n != 0:
        a, b = b, (a + b) & 0xFFFFFFFF
        n -= 1
    return a


def main():
    total = 0
    left = read_size(200_000)
    while left != 0:
        total = (total + fib(left % 16 + 30)) & 0xFFFFFFFF
        left -= 1
    print(total)


main()
