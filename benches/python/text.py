"""Strings as lists of character codes, so that the work on them is done here and not in C."""

from common import next_random

HASH_START = 2166136261


def string_concat(first, second):
    length = len(first)
    result = [0] * (length + len(second))
    i = 0
    while i != length:
        result[i] = first[i]
        i += 1
    for c in second:
        result[i] = c
        i += 1
    return result


def string_hash(string, h):
    i = len(string)
    while i != 0:
        i -= 1
        h = (h ^ string[i]) * 16777619 & 0xFFFFFFFF
    return h


def string_equal(first, second):
    i = len(first)
    if i != len(second):
        return False
    while i != 0:
        i -= 1
        if first[i] != second[i]:
            return False
    return True


def string_random(length):
    result = [0] * length
    while length != 0:
        length -= 1
        result[length] = next_random() // 4096 % 26 + 97
    return result
