/* Calls of a leaf procedure. */
#include "common.h"

PROCEDURE word add(word x, word y) {
    return x + y;
}

int main(void) {
    word sum = 0;
    for (word left = read_size(1000000); left != 0; left--) {
        sum = add(sum, left);
    }
    print(sum);
    return 0;
}
