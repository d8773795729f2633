/* Calls whose arguments are calls. */
#include "common.h"

PROCEDURE word k(word x) {
    return x + x / 16 + 1;
}

PROCEDURE word h(word x) {
    return k(k(x) * 3);
}

PROCEDURE word g(word x) {
    return h(h(x) + 2);
}

PROCEDURE word f(word x) {
    return g(g(x) + 1);
}

int main(void) {
    word x = 1;
    for (word left = read_size(100000); left != 0; left--) {
        x = f(x);
    }
    print(x);
    return 0;
}
