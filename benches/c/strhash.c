/* Hashes a text of 1,000 letters again and again. */
#include "text.h"

int main(void) {
    word left = read_size(5000), hash = HASH_START;
    string *text = string_random(1000);
    for (; left != 0; left--) {
        hash = string_hash(text, hash);
    }
    print(hash);
    return 0;
}
