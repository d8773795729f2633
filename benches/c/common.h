/* What all versions in C share: the size from standard input, the random numbers, and how to keep the compiler from
 * folding a workload away.
 */
#ifndef COMMON_H
#define COMMON_H

#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef uint32_t word;

/* A value that the compiler must take as it comes. */
#define OPAQUE(x) __asm__ volatile("" : "+r"(x))

/* A procedure that is called, and about which nothing is known where it is called. Not every program calls every one
 * that it includes.
 */
#define PROCEDURE static __attribute__((noipa, unused))

/* The digits of the first line of standard input, or `otherwise` when it has none. */
static inline word read_size(word otherwise) {
    word size = 0;
    bool seen = false;
    for (int c; (c = getchar()) != EOF && c != '\n';) {
        if (c >= '0' && c <= '9') {
            size = size * 10 + (word)(c - '0');
            seen = true;
        }
    }
    return seen ? size : otherwise;
}

static inline void print(word value) {
    printf("%" PRIu32 "\n", value);
}

static inline void *check(void *memory) {
    if (!memory) {
        fputs("out of memory\n", stderr);
        exit(1);
    }
    return memory;
}

static word random_state = 12345;

/* The next number of the linear congruential generator, below 2^24. */
static inline word next_random(void) {
    random_state = random_state * 1664525 + 1013904223;
    return random_state / 256;
}

#endif
