/* Counts lines, words and letters of a text of 10,000 characters. */
#include "common.h"

enum { LENGTH = 10000 };

static word text[LENGTH];
static word lines, words, letters, longest;

static word random_char(void) {
    word n = next_random() / 4096 % 32;
    return n < 26 ? 'a' + n : n == 30 ? '\n' : n == 31 ? ',' : ' ';
}

static void end_word(word length) {
    if (length != 0) {
        words++;
        letters += length;
        longest = length > longest ? length : longest;
    }
}

PROCEDURE void count_text(void) {
    word length = 0;
    for (word i = LENGTH; i-- > 0;) {
        if (text[i] - 'a' < 26) {
            length++;
        } else {
            lines += text[i] == '\n';
            end_word(length);
            length = 0;
        }
    }
    end_word(length);
}

int main(void) {
    word left = read_size(200);
    for (word i = LENGTH; i-- > 0;) {
        text[i] = random_char();
    }
    while (left-- > 0) {
        text[left % LENGTH] = random_char();
        count_text();
    }
    print(lines);
    print(words);
    print(letters);
    print(longest);
    return 0;
}
