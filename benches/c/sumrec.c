/* The sum of 1 to 5,000 by recursion. */
#include "common.h"

PROCEDURE word sum(word n) {
    return n == 0 ? 0 : n + sum(n - 1);
}

int main(void) {
    word total = 0;
    for (word left = read_size(200); left != 0; left--) {
        total += sum(5000);
    }
    print(total);
    return 0;
}
