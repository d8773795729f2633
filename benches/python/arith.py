"""Integer arithmetic."""

from common import read_size


def main():
    x, a, b, c = 1, 0, 0, 0
    left = read_size(5_000_000)
    while left != 0:
        x = (x * 1664525 + 1013904223) & 0xFFFFFFFF
        a = (a + x // 1000) & 0xFFFFFFFF
        b ^= a
        c = (c * 3 - b) & 0xFFFFFFFF
        left -= 1
    for value in (x, a, b, c):
        print(value)


main()
