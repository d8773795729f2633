/* A Universal Machine as students write it, for the tests of rum check and rum diff. It is right; -DMISTAKE=n seeds one mistake.
 * With UM_TRACE it writes a trace for rum diff to the file of that name: what `trace` below does. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifndef MISTAKE
#define MISTAKE 0
#endif

typedef struct { uint32_t size, *words; int active; } Segment;
static Segment *segments;
static uint32_t count, *freed, freed_count, capacity;

static void fail(const char *why, uint32_t pc) {
    fflush(stdout);
    fprintf(stderr, "um: %s at %u\n", why, pc);
    exit(1);
}

static uint32_t map(uint32_t size) {
    uint32_t id;
    if (freed_count > 0) {
        id = freed[--freed_count];
    } else {
        if (count == capacity) {
            capacity = capacity ? 2 * capacity : 1024;
            segments = realloc(segments, capacity * sizeof *segments);
            freed = realloc(freed, capacity * sizeof *freed);
        }
        id = count++;
    }
    if (MISTAKE == 1) { /* memory of segments is not cleared */
        segments[id].words = malloc(4 * (size_t)size + 4);
        if (size > 8) memset(segments[id].words, 0x5a, 4 * (size_t)size);
        else memset(segments[id].words, 0, 4 * (size_t)size);
    } else {
        segments[id].words = calloc((size_t)size + 1, 4);
    }
    segments[id].size = size;
    segments[id].active = 1;
    return id;
}

static void must_be_active(uint32_t id, uint32_t pc) {
    if (id >= count || !segments[id].active) fail("inactive segment", pc);
}

static uint32_t *at(uint32_t id, uint32_t offset, uint32_t pc) {
    must_be_active(id, pc);
    if (offset >= segments[id].size) fail("offset outside", pc);
    return &segments[id].words[offset];
}

static void trace(FILE *out, uint32_t pc, const uint32_t *r) {
    if (out)
        fprintf(out, "%u %u %u %u %u %u %u %u %u\n", pc, r[0], r[1], r[2], r[3], r[4], r[5], r[6], r[7]);
}

int main(int argc, char **argv) {
    FILE *image = argc > 1 ? fopen(argv[1], "rb") : NULL;
    if (!image) { fprintf(stderr, "usage: um IMAGE\n"); return 2; }
    fseek(image, 0, SEEK_END);
    long bytes = ftell(image);
    rewind(image);
    map((uint32_t)(bytes / 4));
    for (long i = 0; i < bytes / 4; i++) {
        uint32_t word = 0;
        for (int k = 0; k < 4; k++) word = word << 8 | (uint32_t)fgetc(image);
        segments[0].words[i] = word;
    }
    const char *name = getenv("UM_TRACE");
    FILE *out = name ? fopen(name, "w") : NULL;
    uint32_t r[8] = {0}, pc = 0;
#if MISTAKE == 2 /* instructions are decoded once */
    uint32_t *seen = malloc(4 * segments[0].size);
    memcpy(seen, segments[0].words, 4 * segments[0].size);
    uint32_t seen_size = segments[0].size;
#endif
    for (;;) {
        trace(out, pc, r);
        if (pc >= segments[0].size) fail("pc outside", pc);
        uint32_t word = segments[0].words[pc];
#if MISTAKE == 2
        if (pc < seen_size) word = seen[pc];
#endif
        uint32_t here = pc++, op = word >> 28;
        uint32_t *a = &r[word >> 6 & 7], b = word >> 3 & 7, c = word & 7;
        switch (op) {
        case 0: if (MISTAKE == 3 ? (int32_t)r[c] > 0 : r[c] != 0) *a = r[b]; break; /* 3: only positive numbers */
        case 1: *a = *at(r[b], r[c], here); break;
        case 2: *at(*a, r[b], here) = r[c]; break;
        case 3: *a = r[b] + r[c]; break;
        case 4: *a = r[b] * r[c]; break;
        case 5:
            if (r[c] == 0) fail("division by 0", here);
            *a = MISTAKE == 4 ? (uint32_t)((int32_t)r[b] / (int32_t)r[c]) : r[b] / r[c]; /* 4: signed */
            break;
        case 6:
            *a = ~(r[b] & r[c]);
            if (MISTAKE == 9 && *a >> 31 == 0 && *a >> 24 != 0) *a ^= 1; /* 9: what no rule thinks of */
            break;
        case 7: return 0;
        case 8: r[b] = map(r[c]); break;
        case 9:
            if (r[c] == 0) fail("abandonment of 0", here);
            must_be_active(r[c], here);
            if (MISTAKE != 5) free(segments[r[c]].words); /* 5: leaks */
            segments[r[c]].active = 0;
            freed[freed_count++] = r[c];
            break;
        case 10: if (r[c] > 255) fail("output above 255", here); putchar((int)r[c]); break;
        case 11: {
            fflush(stdout);
            int byte = getchar();
            r[c] = byte == EOF ? (MISTAKE == 6 ? 255 : UINT32_MAX) : (uint32_t)byte; /* 6: the end looks like a byte */
            break;
        }
        case 12:
            if (r[b] != 0) {
                must_be_active(r[b], here);
                Segment *from = &segments[r[b]];
                if (MISTAKE == 7) { /* the segment itself becomes the program */
                    segments[0].words = from->words;
                } else {
                    free(segments[0].words);
                    segments[0].words = malloc(4 * (size_t)from->size + 4);
                    memcpy(segments[0].words, from->words, 4 * (size_t)from->size);
                }
                segments[0].size = from->size;
#if MISTAKE == 2
                seen = realloc(seen, 4 * from->size);
                memcpy(seen, from->words, 4 * from->size);
                seen_size = from->size;
#endif
            }
            pc = r[c];
            break;
        case 13: r[word >> 25 & 7] = word & (MISTAKE == 8 ? 0xffffff : 0x1ffffff); break; /* 8: 24 bits */
        default: fail("invalid instruction", here);
        }
    }
}
