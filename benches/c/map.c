/* Maps a closure over a list of 5,000 cells. */
#include "cells.h"

int main(void) {
    word left = read_size(200);
    closure function = {affine, 3};
    cell *list = list_range(5000);
    for (; left != 0; left--) {
        cell *mapped = list_map(list, &function);
        list_free(list);
        list = mapped;
    }
    print(list_sum(list));
    return 0;
}
