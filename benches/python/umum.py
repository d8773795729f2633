"""A UM in Python, to set beside the UM in UM: runs the guest inside the image of `umum`, whose path is the argument.
The guest begins at word 2. No checks, as there."""

import array
import sys


def load(path):
    with open(path, "rb") as file:
        words = array.array("I", file.read())
    if sys.byteorder == "little":
        words.byteswap()
    return words.tolist()


def run(program):
    segments = [program]
    unused = []
    r = [0] * 8
    pc = 0
    read = sys.stdin.buffer.read
    write = sys.stdout.buffer.write
    while True:
        w = program[pc]
        pc += 1
        operator = w >> 28
        if operator == 13:
            r[(w >> 25) & 7] = w & 0x1FFFFFF
            continue
        c = r[w & 7]
        if operator == 0:
            if c:
                r[(w >> 6) & 7] = r[(w >> 3) & 7]
        elif operator == 1:
            r[(w >> 6) & 7] = segments[r[(w >> 3) & 7]][c]
        elif operator == 2:
            segments[r[(w >> 6) & 7]][r[(w >> 3) & 7]] = c
        elif operator == 3:
            r[(w >> 6) & 7] = (r[(w >> 3) & 7] + c) & 0xFFFFFFFF
        elif operator == 4:
            r[(w >> 6) & 7] = r[(w >> 3) & 7] * c & 0xFFFFFFFF
        elif operator == 5:
            r[(w >> 6) & 7] = r[(w >> 3) & 7] // c
        elif operator == 6:
            r[(w >> 6) & 7] = (r[(w >> 3) & 7] & c) ^ 0xFFFFFFFF
        elif operator == 7:
            return
        elif operator == 8:
            if unused:
                b = unused.pop()
                segments[b] = [0] * c
            else:
                b = len(segments)
                segments.append([0] * c)
            r[(w >> 3) & 7] = b
        elif operator == 9:
            segments[c] = None
            unused.append(c)
        elif operator == 10:
            write(bytes((c,)))
        elif operator == 11:
            byte = read(1)
            r[w & 7] = byte[0] if byte else 0xFFFFFFFF
        elif operator == 12:
            b = r[(w >> 3) & 7]
            if b:
                segments[0] = program = segments[b][:]
            pc = c
        else:
            write(b"umum: invalid operator\n")
            return


def main():
    if len(sys.argv) != 2:
        sys.exit("usage: umum.py IMAGE")
    program = load(sys.argv[1])
    program[0] = 0xDE000002  # the literal r7 := 2, before the jump to r7
    run(program)


main()
