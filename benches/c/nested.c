/* Nested loops: 100 by 100 by 10. */
#include "common.h"

int main(void) {
    word total = 0;
    for (word left = read_size(100); left != 0; left--) {
        for (word i = 100; i != 0; i--) {
            for (word j = 100; j != 0; j--) {
                for (word k = 10; k != 0; k--) {
                    total += i * j + k;
                    OPAQUE(total);
                }
            }
        }
    }
    print(total);
    return 0;
}
