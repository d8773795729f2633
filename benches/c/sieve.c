/* The sieve of Eratosthenes. */
#include "common.h"

PROCEDURE word sieve(word limit) {
    word *divisor = check(calloc((size_t)limit + 1, sizeof *divisor)), primes = 0;
    for (word p = 2; p * p <= limit; p++) {
        if (divisor[p] == 0) {
            for (word multiple = p * p; multiple <= limit; multiple += p) {
                divisor[multiple] = p;
            }
        }
    }
    for (word n = limit; n >= 2; n--) {
        primes += divisor[n] == 0;
    }
    free(divisor);
    return primes;
}

#ifndef PART_OF_MIXED
int main(void) {
    word sum = 0;
    for (word left = read_size(20); left != 0; left--) {
        sum += sieve(100000);
    }
    print(sum);
    return 0;
}
#endif
