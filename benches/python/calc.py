"""A calculator: one expression a line, by recursive descent."""

import sys

from common import MASK

BLANKS = b" \t\r"
END, NEWLINE = b"", b"\n"


class Problem(Exception):
    """What is wrong with an expression: the bytes to print."""


class Calculator:
    def __init__(self, stream):
        self.stream = stream
        self.look = END
        self.depth = 0

    def advance(self):
        self.look = self.stream.read(1)
        self.skip_blanks()

    def skip_blanks(self):
        while self.look != END and self.look in BLANKS:
            self.look = self.stream.read(1)

    def unexpected(self):
        if self.look in (END, NEWLINE):
            return Problem(b"unexpected end of line")
        return Problem(b"unexpected '" + self.look + b"'")

    def expr(self):
        value = self.term()
        while self.look in (b"+", b"-"):
            operator = self.look
            self.advance()
            other = self.term()
            value = (value + other if operator == b"+" else value - other) & MASK
        return value

    def term(self):
        value = self.factor()
        while self.look in (b"*", b"/"):
            operator = self.look
            self.advance()
            other = self.factor()
            if operator == b"*":
                value = value * other & MASK
            elif other == 0:
                raise Problem(b"division by zero")
            else:
                value = divide(value, other)
        return value

    def factor(self):
        negative = False
        while self.look == b"-":
            negative = not negative
            self.advance()
        if self.look == b"(":
            value = self.group()
        elif self.is_digit():
            value = 0
            while self.is_digit():
                value = (value * 10 + self.look[0] - 48) & MASK
                self.look = self.stream.read(1)
            self.skip_blanks()
        else:
            raise self.unexpected()
        return -value & MASK if negative else value

    def group(self):
        self.depth += 1
        if self.depth > 1000:
            raise Problem(b"nested too deeply")
        self.advance()
        value = self.expr()
        if self.look != b")":
            raise Problem(b"expected ')'")
        self.depth -= 1
        self.advance()
        return value

    def is_digit(self):
        return self.look != END and 48 <= self.look[0] <= 57

    def line(self, out):
        self.depth = 0
        self.advance()
        if self.look in (END, NEWLINE):
            return
        try:
            value = self.expr()
            if self.look not in (END, NEWLINE):
                raise self.unexpected()
            out.write(b"%d\n" % signed(value))
        except Problem as problem:
            out.write(b"error: " + problem.args[0] + b"\n")
            while self.look not in (END, NEWLINE):
                self.look = self.stream.read(1)


def signed(value):
    return value - 2**32 if value >> 31 else value


def divide(x, y):
    x, y = signed(x), signed(y)
    quotient = abs(x) // abs(y)
    return (-quotient if (x < 0) != (y < 0) else quotient) & MASK


def main():
    sys.setrecursionlimit(10_000)
    calculator = Calculator(sys.stdin.buffer)
    calculator.look = NEWLINE
    while calculator.look != END:
        calculator.line(sys.stdout.buffer)


main()
