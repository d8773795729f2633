/* A UM in C, to set beside the UM in UM: runs the guest inside the image of `umum`, whose path is the
 * argument. The guest begins at word 2. No checks, as there.
 */
#include "common.h"

static word **segment; /* identifier -> words, the length before the first */
static word segments = 1, capacity, *unused, unused_count;

static word *new_words(word length) {
    word *words = check(calloc((size_t)length + 1, sizeof *words));
    words[0] = length;
    return words + 1;
}

static word allocate(word length) {
    if (unused_count == 0 && segments == capacity) {
        capacity = capacity == 0 ? 1024 : capacity * 2;
        segment = check(realloc(segment, capacity * sizeof *segment));
        unused = check(realloc(unused, capacity * sizeof *unused));
    }
    word id = unused_count != 0 ? unused[--unused_count] : segments++;
    segment[id] = new_words(length);
    return id;
}

static void load(const char *path) {
    FILE *file = fopen(path, "rb");
    if (!file || fseek(file, 0, SEEK_END) != 0) {
        perror(path);
        exit(1);
    }
    word length = (word)ftell(file) / 4;
    rewind(file);
    unused_count = 0;
    segments = 0;
    allocate(length);
    for (word i = 0; i < length; i++) {
        word value = 0;
        for (int byte = 0; byte < 4; byte++) {
            value = value << 8 | (word)(getc(file) & 255);
        }
        segment[0][i] = value;
    }
    fclose(file);
}

int main(int argc, char **argv) {
    if (argc != 2) {
        fprintf(stderr, "usage: umum IMAGE\n");
        return 2;
    }
    load(argv[1]);
    segment[0][0] = 0xde000002; /* the literal r7 := 2, before the jump to r7 */
    word r[8] = {0}, pc = 0;
    for (;;) {
        word w = segment[0][pc++];
        word *a = &r[w >> 6 & 7], *b = &r[w >> 3 & 7], *c = &r[w & 7];
        switch (w >> 28) {
        case 0:
            if (*c) *a = *b;
            break;
        case 1: *a = segment[*b][*c]; break;
        case 2: segment[*a][*b] = *c; break;
        case 3: *a = *b + *c; break;
        case 4: *a = *b * *c; break;
        case 5: *a = *b / *c; break;
        case 6: *a = ~(*b & *c); break;
        case 7: return 0;
        case 8: *b = allocate(*c); break;
        case 9:
            free(segment[*c] - 1);
            unused[unused_count++] = *c;
            break;
        case 10: putchar((int)*c); break;
        case 11: *c = (word)getchar(); break;
        case 12:
            if (*b) {
                word length = segment[*b][-1];
                free(segment[0] - 1);
                segment[0] = new_words(length);
                memcpy(segment[0], segment[*b], length * sizeof(word));
            }
            pc = *c;
            break;
        case 13: r[w >> 25 & 7] = w & 0x1ffffff; break;
        default: fputs("umum: invalid operator\n", stdout); return 0;
        }
    }
}
