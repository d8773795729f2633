"""Builds, measures, sums and frees lists until there were as many cells as the size says."""

from cells import list_free, list_length, list_range, list_sum
from common import MASK, read_size


def run(piece):
    left = read_size(1_000_000)
    cells = total = 0
    while left != 0:
        length = left if left < piece else piece
        left -= length
        made = list_range(length)
        cells += list_length(made)
        total = (total + list_sum(made)) & MASK
        list_free(made)
    print(cells & MASK)
    print(total)
