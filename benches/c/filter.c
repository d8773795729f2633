/* Filters a list of 5,000 cells by a closure. */
#include "cells.h"

int main(void) {
    word left = read_size(200), kept = 0, sum = 0;
    closure function = {indivisible, 0};
    cell *list = list_range(5000);
    for (; left != 0; left--) {
        function.value = left % 7 + 2;
        cell *result = list_filter(list, &function);
        kept += list_length(result);
        sum += list_sum(result);
        list_free(result);
    }
    print(kept);
    print(sum);
    return 0;
}
