/* A bit of all the others in every round. */
#define PART_OF_MIXED
#include "cells.h"
#include "closure.c"
#include "concat.c"
#include "fib.c"
#include "mega.c"
#include "sieve.c"
#include "sort.c"
#include "symtab.c"

static word result = 1;

static void mix(word value) {
    result = result * 31 + value;
}

static word mixed_lists(const closure *map, const closure *filter) {
    cell *list = list_range(200);
    cell *mapped = list_map(list, map);
    list_free(list);
    list = list_filter(mapped, filter);
    list_free(mapped);
    word sum = list_sum(list);
    list_free(list);
    return sum;
}

int main(void) {
    word left = read_size(300);
    pieces_init();
    symtab_init();
    closure map = {affine, 3}, filter = {indivisible, 5};
    for (; left != 0; left--) {
        mix(fib(12));
        mix(mixed_lists(&map, &filter));
        counter *made = make_counter(3);
        mix(counter_run(made, 200));
        free(made);
        shape **objects = shapes_make(8);
        mix(shapes_run(objects, 200));
        shapes_free(objects);
        mix(sieve(1000));
        word *array = random_array(200);
        sort_range(array, 0, 199);
        mix(array_checksum(array, 200));
        free(array);
        mix(build(20, result));
        mix(symtab_run(100));
    }
    print(result);
    return 0;
}
