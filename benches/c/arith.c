/* Integer arithmetic in registers. */
#include "common.h"

int main(void) {
    word x = 1, a = 0, b = 0, c = 0;
    for (word left = read_size(5000000); left != 0; left--) {
        x = x * 1664525 + 1013904223;
        a += x / 1000;
        b ^= a;
        c = c * 3 - b;
        OPAQUE(c);
    }
    print(x);
    print(a);
    print(b);
    print(c);
    return 0;
}
