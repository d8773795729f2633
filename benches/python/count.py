"""The counting loop."""

from common import read_size


def main():
    count = 0
    left = read_size(10_000_000)
    while left != 0:
        count += 1
        left -= 1
    print(count)


main()
