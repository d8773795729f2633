/* Builds, measures, sums and frees lists of PIECE cells, until there were as many cells as the size says. */
#include "cells.h"

#ifndef PIECE
#define PIECE 1000000
#endif

int main(void) {
    word left = read_size(1000000), cells = 0, sum = 0;
    while (left != 0) {
        word piece = left < PIECE ? left : PIECE;
        left -= piece;
        cell *list = list_range(piece);
        cells += list_length(list);
        sum += list_sum(list);
        list_free(list);
    }
    print(cells);
    print(sum);
    return 0;
}
