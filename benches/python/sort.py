"""Quicksort, after Hoare."""

from common import MASK, next_random, read_size


def random_array(n):
    array = [0] * n
    while n != 0:
        n -= 1
        array[n] = next_random() + 1
    return array


def partition(array, first, last):
    pivot = array[(first + last) >> 1]
    first -= 1
    last += 1
    while True:
        first += 1
        while array[first] < pivot:
            first += 1
        last -= 1
        while array[last] > pivot:
            last -= 1
        if first >= last:
            return last
        array[first], array[last] = array[last], array[first]


def sort_range(array, first, last):
    while first < last:
        middle = partition(array, first, last)
        sort_range(array, first, middle)
        first = middle + 1


def array_checksum(array, n):
    total = 0
    while n != 0:
        n -= 1
        total = (total * 31 + array[n]) & MASK
    return total


def main():
    n = read_size(200_000)
    if n == 0:
        print(0)
        return
    array = random_array(n)
    sort_range(array, 0, n - 1)
    print(array[0])
    print(array[n // 2])
    print(array[n - 1])
    print(array_checksum(array, n))


if __name__ == "__main__":
    main()
