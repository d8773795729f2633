"""The sieve of Eratosthenes."""

from common import read_size


def sieve(limit):
    divisor = [0] * (limit + 1)
    p = 2
    while p * p <= limit:
        if divisor[p] == 0:
            multiple = p * p
            while multiple <= limit:
                divisor[multiple] = p
                multiple += p
        p += 1
    primes = 0
    while limit != 1:
        if divisor[limit] == 0:
            primes += 1
        limit -= 1
    return primes


def main():
    total = 0
    left = read_size(20)
    while left != 0:
        total = (total + sieve(100_000)) & 0xFFFFFFFF
        left -= 1
    print(total)


if __name__ == "__main__":
    main()
