"""A bit of all the others in every round."""

from cells import affine, indivisible, list_filter, list_free, list_map, list_range, list_sum
from closure import counter_run, make_counter
from common import MASK, read_size
from concat import build, make_pieces
from fib import fib
from shapes import shapes_make, shapes_run
from sieve import sieve
from sort import array_checksum, random_array, sort_range
from symtab import Table


def mixed_lists(map_function, filter_function):
    cells = list_range(200)
    mapped = list_map(cells, map_function)
    list_free(cells)
    cells = list_filter(mapped, filter_function)
    list_free(mapped)
    total = list_sum(cells)
    list_free(cells)
    return total


def main():
    left = read_size(300)
    pieces = make_pieces()
    table = Table()
    map_function, filter_function = affine(3), indivisible(5)
    result = 1

    def mix(value):
        nonlocal result
        result = (result * 31 + value) & MASK

    while left != 0:
        mix(fib(12))
        mix(mixed_lists(map_function, filter_function))
        mix(counter_run(make_counter(3), 200))
        mix(shapes_run(shapes_make(8), 200))
        mix(sieve(1000))
        array = random_array(200)
        sort_range(array, 0, 199)
        mix(array_checksum(array, 200))
        mix(build(pieces, 20, result))
        mix(table.run(100))
        left -= 1
    print(result)


main()
