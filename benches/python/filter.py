"""Filters a list of 5,000 cells by a closure."""

from cells import indivisible, list_filter, list_free, list_length, list_range, list_sum
from common import MASK, read_size


def main():
    left = read_size(200)
    kept = total = 0
    cells = list_range(5000)
    while left != 0:
        result = list_filter(cells, indivisible(left % 7 + 2))
        kept = (kept + list_length(result)) & MASK
        total = (total + list_sum(result)) & MASK
        list_free(result)
        left -= 1
    print(kept)
    print(total)


main()
