/* Lists of cells, and functions over them that take closures. */
#ifndef CELLS_H
#define CELLS_H

#include "common.h"

typedef struct cell {
    word first;
    struct cell *rest;
} cell;

typedef struct closure {
    word (*code)(word x, const struct closure *self);
    word value;
} closure;

static inline cell *cons(word first, cell *rest) {
    cell *new = check(malloc(sizeof *new));
    new->first = first;
    new->rest = rest;
    return new;
}

PROCEDURE cell *list_range(word n) {
    cell *list = NULL;
    while (n != 0) {
        list = cons(--n, list);
    }
    return list;
}

PROCEDURE word list_sum(const cell *list) {
    word sum = 0;
    for (; list; list = list->rest) {
        sum += list->first;
    }
    return sum;
}

PROCEDURE word list_length(const cell *list) {
    word length = 0;
    for (; list; list = list->rest) {
        length++;
    }
    return length;
}

PROCEDURE void list_free(cell *list) {
    while (list) {
        cell *rest = list->rest;
        free(list);
        list = rest;
    }
}

PROCEDURE cell *list_map(const cell *list, const closure *function) {
    cell *result = NULL, **end = &result;
    for (; list; list = list->rest) {
        *end = cons(function->code(list->first, function), NULL);
        end = &(*end)->rest;
    }
    return result;
}

PROCEDURE cell *list_filter(const cell *list, const closure *function) {
    cell *result = NULL, **end = &result;
    for (; list; list = list->rest) {
        if (function->code(list->first, function)) {
            *end = cons(list->first, NULL);
            end = &(*end)->rest;
        }
    }
    return result;
}

PROCEDURE word affine(word x, const closure *self) {
    return x * self->value + 1;
}

PROCEDURE word indivisible(word x, const closure *self) {
    return x % self->value;
}

#endif
