/* Quicksort, after Hoare. */
#include "common.h"

PROCEDURE word *random_array(word n) {
    word *array = check(malloc(((size_t)n + 1) * sizeof *array));
    while (n-- > 0) {
        array[n] = next_random() + 1;
    }
    return array;
}

PROCEDURE word partition(word *array, word first, word last) {
    word pivot = array[(first + last) / 2];
    for (first--, last++;;) {
        do {
            first++;
        } while (array[first] < pivot);
        do {
            last--;
        } while (array[last] > pivot);
        if (first >= last) {
            return last;
        }
        word value = array[first];
        array[first] = array[last];
        array[last] = value;
    }
}

PROCEDURE void sort_range(word *array, word first, word last) {
    while (first < last) {
        word middle = partition(array, first, last);
        sort_range(array, first, middle);
        first = middle + 1;
    }
}

PROCEDURE word array_checksum(const word *array, word n) {
    word sum = 0;
    while (n-- > 0) {
        sum = sum * 31 + array[n];
    }
    return sum;
}

#ifndef PART_OF_MIXED
int main(void) {
    word n = read_size(200000);
    if (n == 0) {
        print(0);
        return 0;
    }
    word *array = random_array(n);
    sort_range(array, 0, n - 1);
    print(array[0]);
    print(array[n / 2]);
    print(array[n - 1]);
    print(array_checksum(array, n));
    return 0;
}
#endif
