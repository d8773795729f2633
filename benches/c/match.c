/* Matches lists against patterns with wildcards. */
#include "cells.h"

PROCEDURE bool match(const cell *pattern, const cell *text) {
    for (; pattern; pattern = pattern->rest, text = text->rest) {
        if (pattern->first == '*') {
            for (;; text = text->rest) {
                if (match(pattern->rest, text)) {
                    return true;
                }
                if (!text) {
                    return false;
                }
            }
        }
        if (!text || (pattern->first != '?' && pattern->first != text->first)) {
            return false;
        }
    }
    return !text;
}

static cell *list_of_string(const char *string) {
    return *string ? cons((word)*string, list_of_string(string + 1)) : NULL;
}

int main(void) {
    static const char *const strings[8] = {
        "*ab*cd*", "a?b*c?d", "*a*b*c*d*a*", "??*dd*", "*abcd*", "a*a*a*a", "*b?b?b*", "*d*c*b*a*?d"};
    cell *patterns[8];
    word matches = 0;
    for (int i = 0; i < 8; i++) {
        patterns[i] = list_of_string(strings[i]);
    }
    for (word left = read_size(2000); left != 0; left--) {
        cell *text = NULL;
        for (int i = 0; i < 24; i++) {
            text = cons(next_random() / 4096 % 4 + 'a', text);
        }
        for (int i = 7; i >= 0; i--) {
            matches += match(patterns[i], text);
        }
        list_free(text);
    }
    print(matches);
    return 0;
}
