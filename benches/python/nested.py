"""Nested loops: 100 by 100 by 10."""

from common import read_size


def main():
    total = 0
    left = read_size(100)
    while left != 0:
        i = 100
        while i != 0:
            j = 100
            while j != 0:
                k = 10
                while k != 0:
                    total = (total + i * j + k) & 0xFFFFFFFF
                    k -= 1
                j -= 1
            i -= 1
        left -= 1
    print(total)


main()
