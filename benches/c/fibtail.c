/* Fibonacci numbers by tail calls, which become loops here. */
#include "common.h"

static word fib_from(word n, word a, word b) {
    while (n != 0) {
        word next = a + b;
        OPAQUE(next);
        a = b;
        b = next;
        n--;
    }
    return a;
}

PROCEDURE word fib(word n) {
    return fib_from(n, 0, 1);
}

int main(void) {
    word sum = 0;
    for (word left = read_size(200000); left != 0; left--) {
        sum += fib(left % 16 + 30);
    }
    print(sum);
    return 0;
}
