/* The product of two square matrices, which are arrays of rows. */
#include "common.h"

static word **new_matrix(word n) {
    word **matrix = check(malloc((size_t)n * sizeof *matrix));
    for (word row = 0; row < n; row++) {
        matrix[row] = check(calloc(n, sizeof **matrix));
    }
    return matrix;
}

static void fill(word **matrix, word n) {
    for (word row = n; row-- > 0;) {
        for (word column = n; column-- > 0;) {
            matrix[row][column] = next_random();
        }
    }
}

PROCEDURE word dot_product(const word *row, word *const *second, word column, word n) {
    word sum = 0;
    while (n-- > 0) {
        sum += row[n] * second[n][column];
    }
    return sum;
}

int main(void) {
    word n = read_size(150), sum = 0;
    if (n == 0) {
        print(0);
        return 0;
    }
    word **first = new_matrix(n), **second = new_matrix(n), **product = new_matrix(n);
    fill(first, n);
    fill(second, n);
    for (word row = n; row-- > 0;) {
        for (word column = n; column-- > 0;) {
            product[row][column] = dot_product(first[row], second, column, n);
        }
    }
    for (word row = n; row-- > 0;) {
        for (word column = n; column-- > 0;) {
            sum = sum * 31 + product[row][column];
        }
    }
    print(sum);
    return 0;
}
