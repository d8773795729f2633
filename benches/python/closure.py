"""Calls a counter that is a closure."""

from common import read_size


def make_counter(step):
    count = 0

    def counter():
        nonlocal count
        count = (count + step) & 0xFFFFFFFF
        return count

    return counter


def counter_run(counter, calls):
    total = 0
    while calls != 0:
        total = (total + counter()) & 0xFFFFFFFF
        calls -= 1
    return total


if __name__ == "__main__":
    print(counter_run(make_counter(3), read_size(10_000_000)))
