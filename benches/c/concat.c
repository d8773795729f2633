/* Builds strings by concatenation. */
#include "text.h"

static string *pieces[8];
static string *text;

PROCEDURE void pieces_init(void) {
    for (word i = 8; i-- > 0;) {
        pieces[i] = string_random(i + 1);
    }
    text = string_new(0);
}

static word hash_text(word hash) {
    hash = string_hash(text, hash);
    free(text);
    text = string_new(0);
    return hash;
}

PROCEDURE word build(word n, word hash) {
    for (; n != 0; n--) {
        string *longer = string_concat(text, pieces[next_random() / 4096 % 8]);
        free(text);
        text = longer;
        if (text->length >= 500) {
            hash = hash_text(hash);
        }
    }
    return hash_text(hash);
}

#ifndef PART_OF_MIXED
int main(void) {
    word n = read_size(20000);
    pieces_init();
    print(build(n, HASH_START));
    return 0;
}
#endif
