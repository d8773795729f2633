"""The Fibonacci number of the size, by the doubly recursive definition."""

from common import read_size


def fib(n):
    return n if n < 2 else (fib(n - 1) + fib(n - 2)) & 0xFFFFFFFF


if __name__ == "__main__":
    print(fib(read_size(32)))
