/* The counting loop. */
#include "common.h"

int main(void) {
    word count = 0;
    for (word left = read_size(10000000); left != 0; left--) {
        count++;
        OPAQUE(count);
    }
    print(count);
    return 0;
}
