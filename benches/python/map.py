"""Maps a closure over a list of 5,000 cells."""

from cells import affine, list_free, list_map, list_range, list_sum
from common import read_size


def main():
    left = read_size(200)
    function = affine(3)
    cells = list_range(5000)
    while left != 0:
        mapped = list_map(cells, function)
        list_free(cells)
        cells = mapped
        left -= 1
    print(list_sum(cells))


main()
