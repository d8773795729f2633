"""The product of two square matrices, which are lists of rows."""

from common import MASK, next_random, read_size


def new_matrix(n):
    return [[0] * n for _ in range(n)]


def fill(matrix, n):
    row = n
    while row != 0:
        row -= 1
        column = n
        while column != 0:
            column -= 1
            matrix[row][column] = next_random()


def dot_product(row, second, column, n):
    total = 0
    while n != 0:
        n -= 1
        total += row[n] * second[n][column]
    return total & MASK


def main():
    n = read_size(150)
    first, second, product = new_matrix(n), new_matrix(n), new_matrix(n)
    fill(first, n)
    fill(second, n)
    row = n
    while row != 0:
        row -= 1
        column = n
        while column != 0:
            column -= 1
            product[row][column] = dot_product(first[row], second, column, n)
    checksum = 0
    row = n
    while row != 0:
        row -= 1
        column = n
        while column != 0:
            column -= 1
            checksum = (checksum * 31 + product[row][column]) & MASK
    print(checksum)


main()
