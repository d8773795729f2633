"""Lists of cells, which are Python lists of two elements: the first element, and the rest or None."""

from common import MASK


def list_range(n):
    cells = None
    while n != 0:
        n -= 1
        cells = [n, cells]
    return cells


def list_sum(cells):
    total = 0
    while cells is not None:
        total += cells[0]
        cells = cells[1]
    return total & MASK


def list_length(cells):
    length = 0
    while cells is not None:
        length += 1
        cells = cells[1]
    return length


def list_free(cells):
    """Takes a list apart, cell by cell; left to itself it would be freed by recursion."""
    while cells is not None:
        rest = cells[1]
        cells[1] = None
        cells = rest


def list_map(cells, function):
    head = last = [0, None]
    while cells is not None:
        new = [function(cells[0]), None]
        last[1] = new
        last = new
        cells = cells[1]
    return head[1]


def list_filter(cells, function):
    head = last = [0, None]
    while cells is not None:
        if function(cells[0]):
            new = [cells[0], None]
            last[1] = new
            last = new
        cells = cells[1]
    return head[1]


def affine(a):
    return lambda x: (x * a + 1) & MASK


def indivisible(k):
    return lambda x: x % k
