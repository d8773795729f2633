/* The Fibonacci number of the size, by the doubly recursive definition. */
#include "common.h"

PROCEDURE word fib(word n) {
    return n < 2 ? n : fib(n - 1) + fib(n - 2);
}

#ifndef PART_OF_MIXED
int main(void) {
    print(fib(read_size(32)));
    return 0;
}
#endif
