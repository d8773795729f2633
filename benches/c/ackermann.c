/* Ackermann's function of 3 and the size. */
#include "common.h"

PROCEDURE word ackermann(word m, word n) {
    for (;;) {
        if (m == 0) {
            return n + 1;
        }
        n = n == 0 ? 1 : ackermann(m, n - 1);
        m--;
    }
}

int main(void) {
    print(ackermann(3, read_size(7)));
    return 0;
}
