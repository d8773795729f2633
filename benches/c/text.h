/* Strings with a length; a character is a word, as in the other versions. */
#ifndef TEXT_H
#define TEXT_H

#include "common.h"

enum { HASH_START = 0x811c9dc5 };

typedef struct {
    word length;
    word chars[];
} string;

PROCEDURE string *string_new(word length) {
    string *made = check(calloc(1, sizeof *made + (size_t)length * sizeof(word)));
    made->length = length;
    return made;
}

PROCEDURE string *string_concat(const string *first, const string *second) {
    string *made = string_new(first->length + second->length);
    for (word i = 0; i < first->length; i++) {
        made->chars[i] = first->chars[i];
    }
    for (word i = 0; i < second->length; i++) {
        made->chars[first->length + i] = second->chars[i];
    }
    return made;
}

PROCEDURE word string_hash(const string *text, word hash) {
    for (word i = text->length; i-- > 0;) {
        hash = (hash ^ text->chars[i]) * 16777619;
    }
    return hash;
}

PROCEDURE bool string_equal(const string *first, const string *second) {
    if (first->length != second->length) {
        return false;
    }
    for (word i = first->length; i-- > 0;) {
        if (first->chars[i] != second->chars[i]) {
            return false;
        }
    }
    return true;
}

PROCEDURE string *string_random(word length) {
    string *made = string_new(length);
    while (length-- > 0) {
        made->chars[length] = next_random() / 4096 % 26 + 'a';
    }
    return made;
}

#endif
